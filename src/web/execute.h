/* SPDX-License-Identifier: MIT */
/* One request from job to outcome: admission, slots, the job's pipes, the spawner's report. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fair.h"
#include "jail.h"
#include "job.h"
#include "loop.h"
#include "metrics.h"
#include "reply.h"
#include "wire.h"

struct execution;

/* What is known of an execution when it is over. */
struct execution_end {
	struct reply reply; /* owned by the receiver */
	uint64_t queue_us;
	uint64_t run_us;
	bool measured; /* the next three are known: an answer that went out before the process had ended has none */
	uint64_t cpu_us;
	uint64_t peak_bytes; /* largest resident set of one process; 0: not known */
	uint32_t start;      /* enum wire_start */
	/* Which execution it was, for execute_let_go(); job_id 0: none that still runs. */
	uint32_t slot;
	uint64_t job_id;
};

typedef void (*execution_done)(void *context, struct execution_end *end);

/* The processes of an execution that was answered before have ended, too. */
typedef void (*execution_over)(void *context, const struct exit_report *report);

struct executor_settings {
	uint64_t max_stdout_bytes;
	uint64_t max_result_bytes;
	uint32_t slots;
	uint32_t queue_limit;
	uint32_t client_limit;    /* of requests of one client that run or wait; 0: none */
	const char *full_imports; /* "numpy,pandas": a script that names one of these is for the full template */
};

struct executor {
	struct loop *loop;
	struct metrics *metrics;
	struct executor_settings settings;
	struct watch channel;                       /* to the spawner */
	struct execution *running[WIRE_PLACES_MAX]; /* by place; those that are answered and not yet over, too */
	struct fair clients;                        /* whose requests wait for a slot; the server counts in it, too */
	uint32_t running_count;                     /* not answered yet */
	uint32_t clearing_count;
	uint32_t waiting_count;
	uint64_t next_job_id;
	bool spawner_gone;
	bool spawner_hangs; /* for now; nothing is started meanwhile */
};

/* channel_fd is owned from now on; metrics is borrowed. 0, or -1 with errno. */
int executor_open(struct executor *e, struct loop *loop, int channel_fd, const struct executor_settings *settings,
		  struct metrics *metrics);

/*
 * Whether a request of this client would be taken, if need be in the place of another's. False: *refusal is the answer.
 * Asked before a body is parsed: in a flood most are turned away, and then that is all they cost.
 */
bool execute_has_room(struct executor *e, const struct fair_client *client, struct reply *refusal);

/*
 * Takes *job over and puts it into the queue; done is called later, exactly once unless execute_cancel came first.
 * NULL: there is no room for it (the job is released), and *refusal is the answer. A request of another client that has
 * more of them may be turned away in its place. executor_advance() starts what has a slot.
 */
struct execution *execute_submit(struct executor *e, struct job *job, struct fair_client *client, execution_done done,
				 void *context, struct reply *refusal);

/* The client is gone: done will not be called, the job is killed, its slot is freed when it is dead. */
void execute_cancel(struct execution *x);

/*
 * The answer is with the client: what is left of the execution is ended, then over is called. False when it has ended
 * already: over is not called.
 */
bool execute_let_go(struct executor *e, uint32_t slot, uint64_t job_id, execution_over over, void *context);

/* Starts waiting jobs while slots are free. Called after each round of the loop. */
void executor_advance(struct executor *e);

/*
 * Answers what has waited too long for a slot, and a job of which nothing is heard long after its deadline, which is the
 * spawner's to keep; ends what goes on after its answer. Called about twice a second.
 */
void executor_expire(struct executor *e);

/* Kills all that runs and answers all that waits, with OVERLOADED: the service is going away. */
void executor_abandon(struct executor *e);
