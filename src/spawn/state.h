/* SPDX-License-Identifier: MIT */
/* What the spawner keeps in mind, shared by spawner.c, cell.c, warm.c and front.c: inside src/spawn only. */
#pragma once

#include <signal.h>
#include <stdbool.h>

#include "body.h"
#include "cgroup.h"
#include "jail.h"
#include "own.h"
#include "pulse.h"
#include "spawn.h"
#include "sweep.h"
#include "wire.h"

#ifdef SAFE_EXEC_TEST_DROP
#include "../jail/layer.h"
#else
#define DROPPED(j, what) false
#endif

/*
 *     COLD   free -> running -> ending -> free
 *     WARM   free -> making (init) -> forking (template) -> waiting -> running -> ending -> free
 *
 * Without namespaces there is no init, hence no making, and after ending comes sweeping: its directories are emptied.
 *
 * A job can be given to a warm cell in any state up to waiting: it lies in the socket until its child takes it.
 */
enum cell_state { CELL_FREE, CELL_MAKING, CELL_FORKING, CELL_WAITING, CELL_RUNNING, CELL_ENDING, CELL_SWEEPING };

struct template;

/* Namespaces, mounts, uid and control groups for one job, and the processes in there. */
struct cell {
	uint32_t number;
	enum cell_state state;
	uint64_t since_us; /* in this state */
	pid_t init;        /* 0: none, or waited for */
	int sync_fd;
	int mount_fds[INIT_FD_COUNT];
	bool ended; /* end holds how the Python process ended, or which layer failed */
	struct init_message end;
	int net_fd; /* empty network of this cell, kept from job to job; -1: not made yet */
	const struct jail *jail;

	/* without namespaces */
	struct jail_folders folders;
	int child_fd; /* pidfd of the child of a template; -1: none, as for a child of our own */
	struct sweep sweep;
	uint64_t unnamed_bytes; /* in files that were removed and are still open */
	bool lost;              /* its directories cannot be emptied: not used again until they can */

	/* warm */
	bool warm;
	enum wire_tier tier;
	struct template *from;  /* where its fork is under way; NULL otherwise */
	uint32_t generation;    /* of the template that it was forked from */
	pid_t child;            /* 0: none, or known to be gone; also of a cold cell without init */
	uint64_t dead_since_us; /* the child, as far as it was looked at; 0: it lives */
	int namespace_fds[JAIL_NS_COUNT];
	int handover_fd;  /* -1: none */
	int handover_end; /* the child's end, until it is forked; */
	int sync_end;     /* so that of an init which a template clones */
	bool took;        /* the child has its job */
	bool orphaned;    /* its template died, and took it along */

	/* its job */
	bool has_job;
	uint32_t slot;
	uint64_t job_id;
	struct job_limits limits;
	enum wire_start start;
	uint64_t started_us;
	uint64_t deadline_us;
	uint64_t next_tick_us;
	uint64_t hidden_since_us; /* 0: all of its processes could be looked into */
	uint64_t more_since_us;   /* 0: all of its files without a name could be seen */
	uint64_t oom_kills_before;
	uint64_t cpu_before_us; /* of the control group, which serves one job after the other */
	uint64_t seen_cpu_us;   /* at the last look */
	enum killed_by killed_by;
	int init_status;
	struct rusage init_usage;
};

enum template_state { TEMPLATE_ABSENT, TEMPLATE_STARTING, TEMPLATE_SERVING, TEMPLATE_RETIRING };

struct template
{
	enum template_state state;
	enum wire_tier tier;
	uint32_t generation;
	pid_t pid;
	int channel_fd;
	uint64_t started_us;
	uint64_t serving_us;
	uint64_t forks;
	bool dismissed;
	int image_error;
	uint64_t image_bytes;
	uint32_t prefault_pages;
};

/* One that serves, one that is to replace it, and one that finishes what it began. */
enum { TEMPLATES_PER_TIER = 3 };

struct tier {
	bool wanted;
	bool refused; /* a template could not even be confined: the machine does not allow it */
	struct template templates[TEMPLATES_PER_TIER];
	uint64_t start_at_us; /* when to start the next one; 0: no need */
	uint64_t delay_us;    /* before the next attempt, while they die young */
	uint32_t restarts;    /* after a death or a hang */
	uint32_t replaced;    /* for freshness */
};

struct spawner {
	struct jail jail;
	const struct config *config;
	struct cgroups *cgroups;
	char cgroup_status[JAIL_STATUS_BYTES];
	struct job_limits most;
	uint32_t places; /* of jobs, as web numbers them */
	uint32_t cells;
	struct cell cell[JAIL_CELLS_MAX];
	int32_t cell_of_slot[WIRE_PLACES_MAX]; /* -1: no job in this place */

	/* templates */
	bool warm;
	char no_templates[JAIL_STATUS_BYTES]; /* why not, although START=warm */
	struct tier tier[WIRE_TIERS];
	uint32_t pool_size;
	uint32_t generations;
	uint64_t last_handover_us;
	uint64_t cared_us, patient_until_us; /* warm_care(): the last time; until when nobody is taken to hang */
	char *imports;                       /* "numpy,pandas" of the full tier */
	struct spawn_status *status;         /* shared with web, which writes its own rounds alone */

	/* web */
	const struct spawner_web *web;
	pid_t web_pid;
	int channel_fd;
	struct pulse_watch web_pulse;
	bool web_goes_round; /* it has begun to */
	uint64_t web_started_us;
	uint64_t web_restart_us; /* when to start it again */
	uint64_t restart_delay_us;
	uint64_t drain_until_us; /* 0: not draining */
	bool stop_now;
	struct exit_report *awaited; /* spawner_run_one: where the report goes instead of to web */
	bool reported;
};

/* ---- cell.c */

void cell_clear(struct cell *c, uint32_t number, const struct jail *j);

/* A free cell, or NULL. The one whose init this is, or NULL. */
struct cell *cell_find_free(struct spawner *s);
struct cell *cell_of_init(struct spawner *s, pid_t pid);

/* Starts a cold job in a free cell: 0, or -1 with errno and nothing left. fds stay the caller's. */
int cell_start_cold(struct spawner *s, struct cell *c, const int fds[WIRE_FD_COUNT]);

/* Starts a warm cell, without a job yet: 0, or -1 with errno and nothing left. */
int cell_start_warm(struct spawner *s, struct cell *c, enum wire_tier tier);

/* Writes down whose job it is from now on, and until when. */
void cell_assign(struct spawner *s, struct cell *c, uint32_t slot, uint64_t job_id, const struct job_limits *limits,
		 enum wire_start start);

/* Hands a job's pipes to the child of a warm cell, be it there yet or not: 0, or -1 with errno. fds stay the caller's. */
int cell_hand_over(struct cell *c, const int fds[WIRE_FD_COUNT]);

/* Ends all processes of the cell; the reason counts if there is none yet. */
void cell_kill(struct cell *c, enum killed_by by);

/* Takes what init, and the child of a warm cell, said so far. */
void cell_hear(struct cell *c);

/* The regular look at a running job: deadline, memory, CPU time. */
void cell_look(struct spawner *s, struct cell *c, uint64_t now);

/* The Python process has ended: how is in its wait status. */
void cell_child_ended(struct cell *c, int wait_status, uint64_t cpu_us, uint64_t peak_bytes);

/* A template has cloned the init of this cell: it waits for its ids to be mapped. */
void cell_init_is_there(struct cell *c, pid_t pid);

/* Init has been waited for. */
void cell_init_ended(struct cell *c, int status, const struct rusage *usage);

/* True when nothing of the cell is left: then the cell is free, and *report says how its job ended, if it had one. */
bool cell_finish(struct spawner *s, struct cell *c, struct exit_report *report, bool *had_job);

/* ---- warm.c */

int warm_open(struct spawner *s, struct fault *f);

/* Runs at each round of the loop: starts, replaces, retires templates; refills the pools. */
void warm_care(struct spawner *s);

/* A process of ours has been waited for: true if it was a template or the child of one that is gone. */
bool warm_reaped(struct spawner *s, pid_t pid, int status, const struct rusage *usage);

/* Reads what a template said. */
void warm_hear(struct spawner *s, struct template *t);

/* A warm cell that is ready for its fork: asks its template for it. */
void warm_fork(struct spawner *s, struct cell *c);

/* Kills a template that has been starting for too long: what it imports hangs. */
void warm_end_slow_starts(struct tier *tier, uint64_t now);

/* Kills a template that keeps a job from ending, which has had its time: what warm_care() does in good time. */
void warm_end_hangs(struct spawner *s);

/* Gives a job to a warm cell. False: no template can serve it now; the job is to run cold. */
bool warm_start(struct spawner *s, const struct start_msg *msg, const int fds[WIRE_FD_COUNT]);

/* Earlier of when and the time at which warm_care() has something to do. */
uint64_t warm_next_us(const struct spawner *s, uint64_t when);

/* No templates any more: jobs run cold from here on, for this reason. */
void warm_give_up(struct spawner *s, const char *why);

/* Kills templates and waiting children, for the end. */
void warm_close(struct spawner *s);

/* ---- front.c */

void front_start_web(struct spawner *s);
void front_web_is_gone(struct spawner *s, int status);
void front_take_message(struct spawner *s);

/* Kills a web that does not go round any more. Runs at each round of the loop. */
void front_watch_web(struct spawner *s);

void front_report(struct spawner *s, const struct exit_report *report);

/* ---- slim.c */

/* Whether forks from here on get this process's libraries, of which an init needs none but the C library. */
void slim_forks(bool slim);

/* ---- spawner.c */

bool spawner_any_job(const struct spawner *s);
void spawner_kill_all_jobs(struct spawner *s);
int spawner_start_job(struct spawner *s, const struct start_msg *msg, const int fds[WIRE_FD_COUNT]);
