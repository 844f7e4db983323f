/* SPDX-License-Identifier: MIT */
/* The start-up self-test: a real jailed script that tries to get out. */
#pragma once

#include <stdbool.h>

#include "fault.h"
#include "job.h"
#include "runtime.h"
#include "spawn.h"

struct selftest {
	char token[20];  /* random, for names that nobody else has */
	char canary[64]; /* path of a file outside the jail */
	int canary_dir_fd;
	int listen_fd; /* on loopback */
	unsigned port;
};

/* Makes the canary and the listener; before the spawner leaves the machine's file system. */
int selftest_open(struct selftest *t, struct fault *f);

/*
 * Runs the attempts to get out in a job that is started this way. -1: something got out, or nothing runs here; *f says
 * which.
 */
int selftest_escape(const struct selftest *t, struct spawner *s, enum wire_tier tier, const struct job_limits *limits,
		    struct fault *f);

/* Runs the imports that scripts will want. -1: they do not fit into the limits. */
int selftest_imports(struct spawner *s, enum wire_tier tier, const struct job_limits *limits, const struct runtime *r,
		     struct fault *f);

/* Removes both. */
void selftest_close(struct selftest *t);
