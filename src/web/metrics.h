/* SPDX-License-Identifier: MIT */
/*
 * What is counted for GET /metrics. Web has one thread, so these are plain numbers, which begin at zero with each web
 * process. Every label is a text of a fixed set: what strangers send makes no new one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "outcome.h"
#include "web.h"
#include "wire.h"

enum {
	METRICS_ROUTES = 24, /* paths, with the one that stands for all unknown ones */
	METRICS_METHODS = 10,
	METRICS_STATUSES = 10,
	METRICS_BUCKETS_MOST = 15, /* with the last, which has no bound */
};

/* Why a script was answered with OVERLOADED. */
enum metrics_rejection {
	REJECTED_QUEUE_FULL,
	REJECTED_DISPLACED,    /* from the full queue, by a client who has less in it */
	REJECTED_CLIENT_LIMIT, /* MAX_PER_CLIENT */
	REJECTED_QUEUE_TIMEOUT,
	REJECTED_DRAINING,
	REJECTED_BODIES,  /* no room for its body beside those of others */
	REJECTED_HANGING, /* the spawner does not go round */
	REJECTED_MEMORY,  /* web itself has none */
	REJECTIONS
};

struct histogram {
	uint64_t counts[METRICS_BUCKETS_MOST]; /* of each bucket alone */
	uint64_t sum;                          /* microseconds or bytes */
};

struct metrics {
	const char *routes[METRICS_ROUTES]; /* paths, as they were first asked for */
	size_t route_count;
	uint64_t requests[METRICS_ROUTES][METRICS_METHODS][METRICS_STATUSES];
	struct histogram request_us[METRICS_ROUTES];
	uint64_t executions[OUTCOME_COUNT];
	uint64_t clients_gone_running, clients_gone;
	uint64_t starts[WIRE_STARTS];
	uint64_t retries;
	uint64_t rejections[REJECTIONS];
	struct histogram run_us, cpu_us, peak_bytes, queue_us;
	uint32_t connections;
	double started; /* seconds since 1970 */
};

/* What is no counter. */
struct metrics_gauges {
	uint32_t running, waiting, slots, queue_limit;
};

void metrics_open(struct metrics *m);

/*
 * A request has ended. path: of its route, a text that stays; NULL: unknown. method: by strict_method(). status: 0 when
 * no answer was sent.
 */
void metrics_request(struct metrics *m, const char *path, const char *method, unsigned status, uint64_t duration_us);

/* A script that had a slot was answered; code is the name of its outcome. */
void metrics_execution(struct metrics *m, const char *code, uint64_t run_us);

/* The spawner's report of an execution, which may come long after its answer. */
void metrics_report(struct metrics *m, const struct exit_report *report);

/* A script waited so long for its slot. */
void metrics_queue_wait(struct metrics *m, uint64_t queue_us);

/* The page in Prometheus' text format 0.0.4, for free(); NULL when there is no memory. */
char *metrics_page(const struct metrics *m, const struct metrics_gauges *gauges, const struct web_setup *setup,
		   size_t *length);
