/* SPDX-License-Identifier: MIT */
/* Process 1 of a cell with namespaces, and what it says to the spawner. */
#pragma once

#include "jail.h"

enum init_word { INIT_STARTED = 1, INIT_FAULT = 2, INIT_ENDED = 3, INIT_MEASURED = 4 };

/* Descriptors with INIT_STARTED: the job's writable mounts, for fstatfs(2); then, of an init that waits, its namespaces. */
enum { INIT_FD_TMP, INIT_FD_SHM, INIT_FD_COUNT, INIT_FD_WAITING_COUNT = INIT_FD_COUNT + JAIL_NS_COUNT };

/* A message of init on the sync pair. STARTED, then at most one of the others. */
struct init_message {
	uint32_t word; /* enum init_word */
	struct jail_fault fault;
	int32_t wait_status;  /* of the Python process */
	uint64_t main_cpu_us; /* of the Python process and the children that it waited for */
	uint64_t peak_bytes;  /* largest resident set among what init reaped */
	uint64_t bytes[2];    /* MEASURED: in the directories of the job (sweep.c) */
};

/*
 * Enters the jail, forks, reaps, reports, ends: returns only in the process that it forked, which is to become, or is,
 * Python. A JAIL_HOLDER forks nothing and never returns. sync_fd is the child's end.
 */
void init_run(const struct jail *j, const struct jail_job *job, int sync_fd);
