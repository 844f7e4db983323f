/* SPDX-License-Identifier: MIT */
/* The spawner: the one privileged process. It clones jobs, kills, reaps and reports; it never reads a script's byte. */
#pragma once

#include <stdbool.h>

#include "config.h"
#include "jail.h"
#include "wire.h"

/* How the memory of a whole job is bounded on this machine. */
enum memory_enforcement { MEMORY_BY_ACCOUNTING, MEMORY_BY_CGROUP_V1, MEMORY_BY_CGROUP_V2 };

const char *spawn_memory_enforcement_name(enum memory_enforcement by);

/* Shared memory of spawner and web: what web may show of the templates, and that both still go round (pulse.h). */
enum spawn_tier_state { SPAWN_TIER_DOWN, SPAWN_TIER_STARTING, SPAWN_TIER_SERVING };

struct spawn_tier_status {
	uint32_t wanted;
	uint32_t state; /* enum spawn_tier_state */
	uint32_t ready; /* children that wait for a job */
	uint32_t restarts;
	uint32_t replaced;
	int32_t image_error; /* 0: forks are cheap by a snapshot; otherwise the errno that stood in the way */
	uint32_t prefault_pages;
	uint64_t image_bytes;
};

struct spawn_status {
	struct spawn_tier_status tiers[WIRE_TIERS];
	uint32_t spawner_rounds;
	uint32_t web_rounds; /* web's word, and written by nobody else; all other fields are the spawner's */
};

struct spawner;

/*
 * Makes cgroups if it can, prepares the jail, and leaves the machine's file system (jail_prepare). Before this call
 * open what must still be opened by path. Without namespaces, if no_namespaces says why, the machine's file system
 * stays in sight; no_effect: they could be made, and did not hold. Returns NULL with *f filled.
 */
struct spawner *spawner_open(const struct config *c, const char *no_namespaces, bool no_effect, const struct policy *p,
			     const struct runtime *r, struct fault *f);

/* Forgets everything and removes the cgroups. */
void spawner_close(struct spawner *s);

/*
 * Waits until the templates serve. Where this machine does not allow templates, jobs run cold from then on. -1 with *f
 * filled when one of them cannot be started for another reason.
 */
int spawner_wait_warm(struct spawner *s, struct fault *f);

/* Whether jobs are forked from templates. */
bool spawner_is_warm(const struct spawner *s);

/* Why jobs run cold although START=warm; NULL otherwise. */
const char *spawner_no_templates(const struct spawner *s);

struct spawn_status *spawner_status(const struct spawner *s);

/* The modules of the full template, "numpy,pandas"; "" when there is none. */
const char *spawner_imports(const struct spawner *s);

const struct jail *spawner_jail(const struct spawner *s);
enum memory_enforcement spawner_memory_enforcement(const struct spawner *s);

/* "ok (cgroup-v2)" or "absent: ...". */
const char *spawner_cgroup_status(const struct spawner *s);

/* What spawner_serve() calls in a freshly forked child to become web; it never returns. */
struct spawner_web {
	void (*run)(void *context, int channel_fd);
	void *context;
};

/*
 * Starts web, starts it again when it dies, and serves its messages until SIGTERM or SIGINT has made web drain and
 * exit. Returns the exit status for main.
 */
int spawner_serve(struct spawner *s, const struct spawner_web *web);

/*
 * Runs one job to its end without web, from this template or WIRE_COLD, and from nothing else: for the self-test. fds as in struct jail_job; they are closed in this
 * process. Returns 0 with *report filled.
 */
int spawner_run_one(struct spawner *s, enum wire_tier tier, const struct job_limits *limits, int fds[WIRE_FD_COUNT],
		    struct exit_report *report, struct fault *f);
