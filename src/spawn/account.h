/* SPDX-License-Identifier: MIT */
/* What a running job uses, read from /proc: inside src/spawn only. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* Where the tree of a job's processes starts: its init, and the child of a template, which is no child of init. */
struct account_roots {
	pid_t init;
	pid_t child; /* 0: none */
};

/*
 * CPU time of all processes below (and of) the roots, the dead ones that were waited for included, in microseconds.
 * A process that cannot be read (it is gone) counts as nothing.
 */
uint64_t account_cpu_us(const struct account_roots *roots);

/*
 * 1 when the job surely holds more than limit_bytes: anonymous memory of its processes (shared pages counted once),
 * shared anonymous mappings by their size, and other_bytes (its tmpfs). 0 otherwise.
 */
int account_memory_exceeds(const struct account_roots *roots, uint64_t other_bytes, uint64_t limit_bytes);
