/* SPDX-License-Identifier: MIT */
/* The start-up self-test: a real jailed script that tries to get out. */
#pragma once

#include <stdbool.h>

#include "fault.h"
#include "job.h"
#include "runtime.h"
#include "spawn.h"

struct selftest {
	char canary[64]; /* path of a file outside the jail */
	int canary_dir_fd;
	int listen_fd; /* on loopback */
	unsigned port;
};

/* Makes the canary and the listener; before the spawner leaves the machine's file system. */
int selftest_open(struct selftest *t, struct fault *f);

/*
 * Runs the attempts in each way in which jobs are started, then the imports that scripts will want. -1: something got out, or nothing runs here, or the
 * imports do not fit into the limits; *f says which.
 */
int selftest_run(const struct selftest *t, struct spawner *s, bool warm, const struct job_limits *limits,
		 const struct runtime *r, struct fault *f);

/* Removes both. */
void selftest_close(struct selftest *t);
