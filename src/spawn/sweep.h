/* SPDX-License-Identifier: MIT */
/*
 * Directories of jobs that have no mounts of their own: how full they are, and how they become empty. Inside src/spawn only.
 *
 * Scripts write to them, so the service itself never looks into them: each time a process is forked that enters the same
 * jail as the job, and does it there. Whatever a script has planted (links, a thousand levels, a million files) can mislead
 * or slow down that process and nobody else.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "jail.h"

enum { SWEEP_FOLDERS = 2 /* work, shm */ };

/* For one cell. */
struct sweep {
	pid_t measurer; /* 0: none under way */
	int report_fd;
	uint64_t started_us;                /* the last measurement */
	uint64_t free_bytes[SWEEP_FOLDERS]; /* of the file systems, at that time */
	uint64_t free_files[SWEEP_FOLDERS];
	uint64_t first_free_bytes[SWEEP_FOLDERS]; /* when the job began */
	uint64_t bytes[SWEEP_FOLDERS];            /* as measured */
	bool due;                                 /* the last tick found a reason to measure */
	unsigned failures;                        /* in a row */
	pid_t sweeper;
	unsigned attempts; /* to empty them */
};

void sweep_clear(struct sweep *w);

/* What its file systems hold before the job begins. */
void sweep_begin(const struct jail *j, struct sweep *w);

/*
 * Once a tick: takes the result of a measurement, starts the next one if the file systems have lost enough room for it to
 * matter. False: the job keeps its directories from being measured.
 */
bool sweep_measure(const struct jail *j, const struct jail_job *job, struct sweep *w, uint64_t now);

/* What their file systems have lost since the job began: no job can hold more than that there. */
uint64_t sweep_lost_bytes(const struct jail *j, const struct sweep *w);

/* Starts to empty them: 0, or -1 with errno. All processes of the job are dead. */
int sweep_start(const struct jail *j, const struct jail_job *job, struct sweep *w);

/* A process has been waited for: true if it was one of these two. */
bool sweep_reaped(struct sweep *w, pid_t pid);
