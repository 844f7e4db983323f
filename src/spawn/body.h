/* SPDX-License-Identifier: MIT */
/* What runs in the cloned child, and what it says to the spawner: inside src/spawn only. */
#pragma once

#include <sys/resource.h>

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
 * Enters the jail, runs the body below as pid 2, reaps, reports, ends. With job->waits there is no body: it holds its
 * namespaces for the child of a template until it is killed. sync_fd is the child's end.
 */
void init_run(const struct jail *j, const struct jail_job *job, int sync_fd) __attribute__((noreturn));

/*
 * Without namespaces: forks a process that enters the jail of *job and runs body in there, whatever that is; *sync_fd is
 * the spawner's end of a pair on which a fault comes (INIT_FAULT). Returns its pid, or -1 with errno.
 */
pid_t body_fork(const struct jail *j, const struct jail_job *job, void (*body)(const struct jail_job *), int *sync_fd);

/* Two such bodies, see sweep.h. They do not return. */
void sweep_body_measure(const struct jail_job *job);
void sweep_body_empty(const struct jail_job *job);

/* The cold body: becomes `python -I -B -u /runner/runner.py`. Returns only when exec failed. */
void cold_exec(const struct jail *j);

/* The cold body where there is no init. */
pid_t cold_fork(const struct jail *j, const struct jail_job *job, int *sync_fd);

/*
 * Becomes a template that imports these modules ("numpy,pandas", or ""). Its descriptors are in place (see
 * include/template.h) and the others are closed here. Returns only when it failed, with errno.
 */
void template_exec(const struct jail *j, const char *imports);
