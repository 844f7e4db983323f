/* SPDX-License-Identifier: MIT */
/* What runs in a forked child that becomes a job or looks after one: inside src/spawn only. */
#pragma once

#include <sys/resource.h>

#include "init.h"
#include "jail.h"

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
