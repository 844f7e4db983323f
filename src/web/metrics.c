/* SPDX-License-Identifier: MIT */
/*
 * GET /metrics: see metrics.h. Runs in web; counts, and prints what it counted. Nothing here forks, waits or opens a file.
 *
 * Counters are kept in whole microseconds and bytes and printed in seconds and bytes, as Prometheus wants base units. The
 * process_ families are about web alone, and only those are here that a process without files can know of itself: how many
 * descriptors are open and how much memory is resident now stand in /proc, where web cannot look.
 */
#define _GNU_SOURCE
#include "metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "version.h"

/* le and its value, in the unit of the histogram's sum. */
struct bound {
	const char *le;
	uint64_t most;
};

/* An answer from a waiting child takes some 1.4 ms; 30 s is what the queue waits, and more than the usual time limit. */
static const struct bound seconds[] = {
	{ "0.001", 1000 },  { "0.0025", 2500 }, { "0.005", 5000 },  { "0.01", 10000 },  { "0.025", 25000 },
	{ "0.05", 50000 },  { "0.1", 100000 },  { "0.25", 250000 }, { "0.5", 500000 },  { "1", 1000000 },
	{ "2.5", 2500000 }, { "5", 5000000 },   { "10", 10000000 }, { "30", 30000000 },
};

#define MIB(n) ((uint64_t)(n) << 20)

static const struct bound bytes[] = {
	{ "16777216", MIB(16) },   { "33554432", MIB(32) },   { "67108864", MIB(64) },     { "134217728", MIB(128) },
	{ "268435456", MIB(256) }, { "536870912", MIB(512) }, { "1073741824", MIB(1024) }, { "2147483648", MIB(2048) },
};

enum { SECONDS = sizeof seconds / sizeof seconds[0], BYTES = sizeof bytes / sizeof bytes[0] };

_Static_assert((int)SECONDS < (int)METRICS_BUCKETS_MOST && (int)BYTES < (int)METRICS_BUCKETS_MOST,
	       "the last bucket has no bound");

static const char *const methods[METRICS_METHODS] = { "other",  "GET",   "HEAD",    "POST",  "PUT",
						      "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT" };

/* "none": the client left, or never sent its body whole. */
static const struct {
	unsigned status;
	const char *name;
} statuses[METRICS_STATUSES] = {
	{ 0, "none" },  { 200, "200" }, { 400, "400" }, { 404, "404" }, { 405, "405" },
	{ 413, "413" }, { 415, "415" }, { 500, "500" }, { 503, "503" }, { 1, "other" },
};

static const char *const rejections[REJECTIONS] = {
	[REJECTED_QUEUE_FULL] = "queue_full",     [REJECTED_DISPLACED] = "displaced",
	[REJECTED_CLIENT_LIMIT] = "client_limit", [REJECTED_QUEUE_TIMEOUT] = "queue_timeout",
	[REJECTED_DRAINING] = "draining",         [REJECTED_BODIES] = "bodies",
	[REJECTED_HANGING] = "spawner_hangs",     [REJECTED_MEMORY] = "memory",
};

/* ---- counting ------------------------------------------------------------------------------------------------------ */

void metrics_open(struct metrics *m)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	*m = (struct metrics){ .routes = { "unknown" },
			       .route_count = 1,
			       .started = (double)now.tv_sec + (double)now.tv_nsec / 1e9 };
}

static void observe(struct histogram *h, const struct bound *bounds, size_t count, uint64_t value)
{
	size_t bucket = 0;

	while (bucket < count && value > bounds[bucket].most)
		bucket++;
	h->counts[bucket]++;
	h->sum += value;
}

/* The first is for paths without a route, and for those that have no room, of which there are none. */
static size_t route_of(struct metrics *m, const char *path)
{
	for (size_t i = 1; path && i < m->route_count; i++)
		if (strcmp(m->routes[i], path) == 0)
			return i;
	if (!path || m->route_count == METRICS_ROUTES)
		return 0;
	m->routes[m->route_count] = path;
	return m->route_count++;
}

static size_t method_of(const char *method)
{
	size_t i = METRICS_METHODS - 1;

	while (i > 0 && strcmp(methods[i], method) != 0)
		i--;
	return i;
}

static size_t status_of(unsigned status)
{
	size_t i = 0;

	while (i < METRICS_STATUSES - 1 && statuses[i].status != status)
		i++;
	return i;
}

void metrics_request(struct metrics *m, const char *path, const char *method, unsigned status, uint64_t duration_us)
{
	size_t route = route_of(m, path);

	m->requests[route][method_of(method)][status_of(status)]++;
	observe(&m->request_us[route], seconds, SECONDS, duration_us);
}

void metrics_execution(struct metrics *m, const char *code, uint64_t run_us)
{
	for (enum outcome_code i = OUTCOME_OK; i < OUTCOME_COUNT; i++)
		if (strcmp(outcome_name(i), code) == 0)
			m->executions[i]++;
	observe(&m->run_us, seconds, SECONDS, run_us);
}

void metrics_report(struct metrics *m, const struct exit_report *report)
{
	if (report->start < WIRE_STARTS)
		m->starts[report->start]++;
	observe(&m->cpu_us, seconds, SECONDS, report->cpu_us);
	if (report->peak_bytes)
		observe(&m->peak_bytes, bytes, BYTES, report->peak_bytes);
}

void metrics_queue_wait(struct metrics *m, uint64_t queue_us)
{
	observe(&m->queue_us, seconds, SECONDS, queue_us);
}

/* ---- printing ------------------------------------------------------------------------------------------------------ */

/* Sentences of ours: neither a backslash nor a newline, which would have to be escaped. */
static void put_family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_single(FILE *out, const char *name, const char *type, const char *help, uint64_t value)
{
	put_family(out, name, type, help);
	fprintf(out, "%s %" PRIu64 "\n", name, value);
}

/* label: "" or one whole label with a comma after it. */
static void put_histogram(FILE *out, const char *name, const char *label, const struct bound *bounds, size_t count,
			  const struct histogram *h)
{
	uint64_t total = 0;
	int bare = label[0] ? (int)strlen(label) - 1 : 0;

	for (size_t i = 0; i < count; i++) {
		total += h->counts[i];
		fprintf(out, "%s_bucket{%sle=\"%s\"} %" PRIu64 "\n", name, label, bounds[i].le, total);
	}
	total += h->counts[count];
	fprintf(out, "%s_bucket{%sle=\"+Inf\"} %" PRIu64 "\n", name, label, total);
	fprintf(out, "%s_sum%s%.*s%s ", name, bare ? "{" : "", bare, label, bare ? "}" : "");
	if (bounds == seconds)
		fprintf(out, "%" PRIu64 ".%06" PRIu64 "\n", h->sum / 1000000, h->sum % 1000000);
	else
		fprintf(out, "%" PRIu64 "\n", h->sum);
	fprintf(out, "%s_count%s%.*s%s %" PRIu64 "\n", name, bare ? "{" : "", bare, label, bare ? "}" : "", total);
}

static void put_seconds(FILE *out, const char *name, const char *help, const struct histogram *h)
{
	put_family(out, name, "histogram", help);
	put_histogram(out, name, "", seconds, SECONDS, h);
}

static void put_requests(FILE *out, const struct metrics *m)
{
	static const char total[] = "safe_exec_http_requests_total",
			  duration[] = "safe_exec_http_request_duration_seconds";

	put_family(out, total, "counter", "HTTP requests that have ended; status none: no answer was sent.");
	for (size_t route = 0; route < m->route_count; route++)
		for (size_t method = 0; method < METRICS_METHODS; method++)
			for (size_t status = 0; status < METRICS_STATUSES; status++)
				if (m->requests[route][method][status])
					fprintf(out, "%s{route=\"%s\",method=\"%s\",status=\"%s\"} %" PRIu64 "\n",
						total, m->routes[route], methods[method], statuses[status].name,
						m->requests[route][method][status]);
	put_family(out, duration, "histogram", "Time from the headers of a request to the end of its answer.");
	for (size_t route = 0; route < m->route_count; route++) {
		char label[64];

		snprintf(label, sizeof label, "route=\"%s\",", m->routes[route]);
		put_histogram(out, duration, label, seconds, SECONDS, &m->request_us[route]);
	}
}

/* Those that an execution can have, each from the start, so that a rate has something to begin with. */
static bool is_of_executions(enum outcome_code code)
{
	return code == OUTCOME_OK || code == OUTCOME_OVERLOADED || code == OUTCOME_INTERNAL ||
	       (code >= OUTCOME_SYNTAX_ERROR && code <= OUTCOME_BAD_RUNNER_OUTPUT);
}

static void put_executions(FILE *out, const struct metrics *m)
{
	static const char total[] = "safe_exec_executions_total", by_start[] = "safe_exec_executions_by_start_total";
	static const char *const starts[WIRE_STARTS] = {
		[WIRE_STARTED_COLD] = "cold", [WIRE_STARTED_FORKED] = "forked", [WIRE_STARTED_WAITING] = "waiting"
	};

	put_family(out, total, "counter",
		   "Scripts that had a slot, by the code of their answer; client_gone: nobody was left to answer.");
	for (enum outcome_code code = OUTCOME_OK; code < OUTCOME_COUNT; code++)
		if (is_of_executions(code))
			fprintf(out, "%s{outcome=\"%s\"} %" PRIu64 "\n", total,
				code == OUTCOME_OK ? "ok" : outcome_name(code), m->executions[code]);
	fprintf(out, "%s{outcome=\"client_gone\"} %" PRIu64 "\n", total, m->clients_gone_running);
	put_family(
		out, by_start, "counter",
		"Scripts whose processes have ended, by how those came about: a child that waited, a fork, a fresh Python.");
	for (size_t i = 0; i < WIRE_STARTS; i++)
		fprintf(out, "%s{start=\"%s\"} %" PRIu64 "\n", by_start, starts[i], m->starts[i]);
	put_single(out, "safe_exec_execution_retries_total", "counter",
		   "Scripts started again, because their first line was never reached.", m->retries);
	put_seconds(out, "safe_exec_execution_duration_seconds", "Time from the start of a script to its answer.",
		    &m->run_us);
	put_seconds(out, "safe_exec_execution_cpu_seconds", "Processor time of all processes of a script.", &m->cpu_us);
	put_family(out, "safe_exec_execution_peak_memory_bytes", "histogram",
		   "Largest resident set of one process of a script, where it is known.");
	put_histogram(out, "safe_exec_execution_peak_memory_bytes", "", bytes, BYTES, &m->peak_bytes);
	put_seconds(out, "safe_exec_queue_wait_seconds", "Time that scripts waited for the slot which they got.",
		    &m->queue_us);
}

static void put_rejections(FILE *out, const struct metrics *m)
{
	static const char name[] = "safe_exec_rejections_total";

	put_family(out, name, "counter", "Scripts answered with 503 OVERLOADED, by the reason.");
	for (size_t i = 0; i < REJECTIONS; i++)
		fprintf(out, "%s{reason=\"%s\"} %" PRIu64 "\n", name, rejections[i], m->rejections[i]);
	put_single(out, "safe_exec_clients_gone_total", "counter",
		   "Clients that left while their script waited or ran, which ended it.", m->clients_gone);
}

static void put_gauges(FILE *out, const struct metrics *m, const struct metrics_gauges *g)
{
	put_single(out, "safe_exec_executions_in_progress", "gauge", "Scripts that run now.", g->running);
	put_single(out, "safe_exec_executions_queued", "gauge", "Scripts that wait for a slot now.", g->waiting);
	put_single(out, "safe_exec_slots", "gauge", "Scripts that can run at once (MAX_CONCURRENCY).", g->slots);
	put_single(out, "safe_exec_queue_limit", "gauge", "Scripts that can wait (MAX_QUEUE).", g->queue_limit);
	put_single(out, "safe_exec_connections", "gauge", "Connections that are open now.", m->connections);
}

static uint64_t tier_ready(const struct spawn_tier_status *t)
{
	return t->ready;
}

static uint64_t tier_up(const struct spawn_tier_status *t)
{
	return t->state == SPAWN_TIER_SERVING;
}

static uint64_t tier_restarts(const struct spawn_tier_status *t)
{
	return t->restarts;
}

static uint64_t tier_replaced(const struct spawn_tier_status *t)
{
	return t->replaced;
}

/* None of a template that is not wanted: with START=cold there is none at all. */
static void put_templates(FILE *out, const struct spawn_status *status)
{
	static const char *const tiers[WIRE_TIERS] = { [WIRE_BARE] = "bare", [WIRE_FULL] = "full" };
	static const struct {
		const char *name, *type, *help;
		uint64_t (*value)(const struct spawn_tier_status *t);
	} families[] = {
		{ "safe_exec_ready_children", "gauge", "Children of a template that wait for a script.", tier_ready },
		{ "safe_exec_template_up", "gauge", "1 when scripts are forked from the template.", tier_up },
		{ "safe_exec_template_restarts_total", "counter", "Templates that died and were started again.",
		  tier_restarts },
		{ "safe_exec_template_replacements_total", "counter", "Templates that were replaced by their age.",
		  tier_replaced },
	};

	for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
		put_family(out, families[i].name, families[i].type, families[i].help);
		for (size_t tier = 0; tier < WIRE_TIERS; tier++)
			if (status->tiers[tier].wanted)
				fprintf(out, "%s{tier=\"%s\"} %" PRIu64 "\n", families[i].name, tiers[tier],
					families[i].value(&status->tiers[tier]));
	}
}

static void put_sandbox(FILE *out, const struct web_setup *setup)
{
	static const char level[] = "safe_exec_sandbox_level_info", layer[] = "safe_exec_sandbox_layer",
			  build[] = "safe_exec_build_info";

	put_family(out, level, "gauge", "The level of isolation that was proved at start.");
	fprintf(out, "%s{level=\"%s\"} 1\n", level, setup->level);
	put_family(out, layer, "gauge", "1 when the layer of the sandbox is in force, as /health says.");
	for (size_t i = 0; i < setup->layer_count; i++)
		fprintf(out, "%s{layer=\"%s\"} %d\n", layer, setup->layers[i].name,
			strncmp(setup->layers[i].status, "ok", 2) == 0);
	put_family(out, build, "gauge", "The version of the program.");
	fprintf(out, "%s{version=\"%s\"} 1\n", build, SAFE_EXEC_VERSION);
}

static void put_process(FILE *out, const struct metrics *m)
{
	static const char start[] = "process_start_time_seconds", cpu[] = "process_cpu_seconds_total";
	struct rusage usage;

	put_family(out, start, "gauge", "When the web process started, in seconds since 1970.");
	fprintf(out, "%s %.3f\n", start, m->started);
	if (getrusage(RUSAGE_SELF, &usage) < 0)
		return;
	put_family(out, cpu, "counter", "Processor time of the web process.");
	fprintf(out, "%s %.6f\n", cpu,
		(double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
			(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
}

char *metrics_page(const struct metrics *m, const struct metrics_gauges *gauges, const struct web_setup *setup,
		   size_t *length)
{
	char *page = NULL;
	FILE *out = open_memstream(&page, length);
	bool failed;

	if (!out)
		return NULL;
	put_sandbox(out, setup);
	put_requests(out, m);
	put_executions(out, m);
	put_rejections(out, m);
	put_gauges(out, m, gauges);
	put_templates(out, setup->spawn_status);
	put_process(out, m);
	failed = ferror(out) != 0;
	if (fclose(out) == 0 && !failed)
		return page;
	free(page);
	return NULL;
}
