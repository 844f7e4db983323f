/* SPDX-License-Identifier: MIT */
/* Control groups of the cells: inside src/spawn only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jail.h"
#include "spawn.h"

struct cgroups;

/*
 * Makes one group per cell with the given limits where this machine lets us, and proves by a child that runs out
 * of memory that they bind. Up to slots of them run a job at a time, and all jobs get the share of the CPUs that so many
 * processes would; where that cannot be had, reason (JAIL_STATUS_BYTES) says so. Returns NULL where groups do not work:
 * then reason says why.
 */
struct cgroups *cgroups_open(uint32_t cells, uint32_t slots, const struct job_limits *limits, char *reason);

/* Removes the groups. NULL is allowed. */
void cgroups_close(struct cgroups *g);

enum memory_enforcement cgroups_version(const struct cgroups *g);

/* Whether each cell has its share of the CPUs, however many processes are in it. */
bool cgroups_share_cpu(const struct cgroups *g);

/* Descriptors to which a child of this cell writes "0" to join; owned by g. */
size_t cgroups_join_fds(const struct cgroups *g, uint32_t cell, int fds[JAIL_CGROUP_FDS_MAX]);

/* CPU time of all processes of this cell, ever, in microseconds. False: these groups do not tell. */
bool cgroups_cpu_us(struct cgroups *g, uint32_t cell, uint64_t *us);

/* How many processes of this cell the kernel has killed for memory, ever. */
uint64_t cgroups_oom_kills(struct cgroups *g, uint32_t cell);
