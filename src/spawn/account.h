/* SPDX-License-Identifier: MIT */
/* What a running job uses, read from /proc: inside src/spawn only. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/*
 * CPU time of all processes below (and of) init, the dead ones that were waited for included, in microseconds.
 * A process that cannot be read (it is gone) counts as nothing.
 */
uint64_t account_cpu_us(pid_t init);

/*
 * 1 when the job surely holds more than limit_bytes: anonymous memory of its processes (shared pages counted once),
 * shared anonymous mappings by their size, and other_bytes (its tmpfs). 0 otherwise.
 */
int account_memory_exceeds(pid_t init, uint64_t other_bytes, uint64_t limit_bytes);
