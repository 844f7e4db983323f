/* SPDX-License-Identifier: MIT */
/* What a running job uses, read from /proc: inside src/spawn only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * How a job's processes are found: by its uid, if it has one that is known to /proc; else as the tree below its init and
 * the child of a template, which is no child of init.
 */
struct account_roots {
	pid_t init;  /* 0: none */
	pid_t child; /* 0: none */
	uid_t uid;   /* 0: none */
	bool plain;  /* without namespaces: sockets and deleted files are looked for process by process */
	bool threads_among_children; /* as /proc has them under gVisor */
};

/* Its processes at this moment: found once for all questions of one look, and good until the next account_find(). */
struct account_processes;

const struct account_processes *account_find(const struct account_roots *roots);

/* Whether there are processes of the uid: none, only such as are dead and not yet waited for, or living ones. */
enum account_life { ACCOUNT_NONE, ACCOUNT_DEAD, ACCOUNT_ALIVE };

enum account_life account_life(const struct account_processes *list);

/*
 * What the job may hold in files that have no name any more: no look into its directories can find them. A file whose size
 * nobody tells (mapped, or on its way in a message) counts as file_bytes. For jobs without mounts of their own.
 * *more: it may hold any number of others, which cannot be seen at this moment.
 */
uint64_t account_unnamed_bytes(const struct account_processes *list, uint64_t file_bytes, bool *more);

/*
 * Whether a process of the job cannot be looked into, so that its memory and its files without a name do not count: the
 * kernel closes /proc/PID to who has no CAP_SYS_PTRACE when a program was started that may be run and not read (execve(2)).
 * For a moment it is also so while a process enters its jail (helpers of ours too), and while it ends.
 */
bool account_any_hidden(const struct account_processes *list);

/* Whether this process was stopped by a signal. */
bool account_is_stopped(pid_t pid);

/* Threads of all processes of the job, its init not counted. */
uint32_t account_threads(const struct account_processes *list);

/* Gives them all this nice value, each thread, where the caller's uid is theirs (setpriority(2)). */
void account_weigh_down(const struct account_processes *list, int nice);

/*
 * CPU time of all of them, the dead ones that were waited for included, in microseconds.
 * A process that cannot be read (it is gone) counts as nothing.
 */
uint64_t account_cpu_us(const struct account_processes *list);

/*
 * 1 when the job surely holds more than limit_bytes: anonymous memory of its processes (shared pages counted once),
 * shared anonymous mappings by their size, and other_bytes (its tmpfs). 0 otherwise, and when until_us (io_now_us()) has come
 * before it is known.
 */
int account_memory_exceeds(const struct account_processes *list, uint64_t other_bytes, uint64_t limit_bytes,
			   uint64_t until_us);
