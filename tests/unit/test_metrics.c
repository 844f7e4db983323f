/* SPDX-License-Identifier: MIT */
/* metrics.c: where a value lands, how sums are written, and that no label grows out of what is sent. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/web/metrics.h"
#include "unit.h"

static struct metrics m;
static char *text;

/* The page of m, in text. */
static void print(void)
{
	static struct spawn_status status = { .tiers = { { .wanted = 0 } } };
	const struct metrics_gauges gauges = { .running = 1, .waiting = 2, .slots = 3, .queue_limit = 4 };
	const struct web_setup setup = { .level = "strong", .spawn_status = &status };
	size_t length;

	free(text);
	text = metrics_page(&m, &gauges, &setup, &length);
	assert_non_null(text);
	assert_int_equal(strlen(text), length);
}

static void has(const char *line)
{
	char whole[200];

	snprintf(whole, sizeof whole, "\n%s\n", line);
	check(strstr(text, whole) != NULL, "no line \"%s\" in\n%s", line, text);
}

static void values_land_in_their_buckets(void **state)
{
	(void)state;
	metrics_open(&m);
	metrics_queue_wait(&m, 0);
	metrics_queue_wait(&m, 1000);
	metrics_queue_wait(&m, 1001);
	metrics_queue_wait(&m, 30000000);
	metrics_queue_wait(&m, 30000001);
	print();
	has("safe_exec_queue_wait_seconds_bucket{le=\"0.001\"} 2");
	has("safe_exec_queue_wait_seconds_bucket{le=\"0.0025\"} 3");
	has("safe_exec_queue_wait_seconds_bucket{le=\"10\"} 3");
	has("safe_exec_queue_wait_seconds_bucket{le=\"30\"} 4");
	has("safe_exec_queue_wait_seconds_bucket{le=\"+Inf\"} 5");
	has("safe_exec_queue_wait_seconds_count 5");
	has("safe_exec_queue_wait_seconds_sum 60.002002");
}

static void memory_is_in_bytes(void **state)
{
	static const uint64_t peaks[] = { 1, 16 << 20, (16 << 20) + 1, (uint64_t)5 << 30 };

	(void)state;
	metrics_open(&m);
	for (size_t i = 0; i < ROWS(peaks); i++)
		metrics_report(&m, &(struct exit_report){ .start = WIRE_STARTED_FORKED, .peak_bytes = peaks[i] });
	metrics_report(&m, &(struct exit_report){ .start = WIRE_STARTED_COLD }); /* a peak that nobody knows */
	print();
	has("safe_exec_execution_peak_memory_bytes_bucket{le=\"16777216\"} 2");
	has("safe_exec_execution_peak_memory_bytes_bucket{le=\"33554432\"} 3");
	has("safe_exec_execution_peak_memory_bytes_bucket{le=\"2147483648\"} 3");
	has("safe_exec_execution_peak_memory_bytes_bucket{le=\"+Inf\"} 4");
	has("safe_exec_execution_peak_memory_bytes_sum 5402263554");
	has("safe_exec_execution_cpu_seconds_count 5");
	has("safe_exec_executions_by_start_total{start=\"forked\"} 4");
	has("safe_exec_executions_by_start_total{start=\"cold\"} 1");
}

static void every_outcome_has_its_own_count(void **state)
{
	(void)state;
	metrics_open(&m);
	for (enum outcome_code code = OUTCOME_OK; code < OUTCOME_COUNT; code++)
		for (enum outcome_code times = OUTCOME_OK; times <= code; times++)
			metrics_execution(&m, outcome_name(code), 1);
	for (enum outcome_code code = OUTCOME_OK; code < OUTCOME_COUNT; code++)
		assert_int_equal(m.executions[code], code + 1);
	metrics_execution(&m, "NEVER_HEARD_OF", 1);
	print();
	has("safe_exec_executions_total{outcome=\"ok\"} 1");
	has("safe_exec_executions_in_progress 1");
	has("safe_exec_executions_queued 2");
	has("safe_exec_slots 3");
	has("safe_exec_queue_limit 4");
}

/* More paths than there is room for, methods and statuses that nobody knows: one value of each for all of them. */
static void labels_are_of_fixed_sets(void **state)
{
	static char paths[3 * METRICS_ROUTES][16];

	(void)state;
	metrics_open(&m);
	for (size_t i = 0; i < ROWS(paths); i++) {
		snprintf(paths[i], sizeof paths[i], "/%zu", i);
		metrics_request(&m, paths[i], "GET", 200, 1);
		metrics_request(&m, NULL, paths[i], 600 + (unsigned)i, 1);
	}
	metrics_request(&m, NULL, "GET", 0, 1);
	assert_int_equal(m.route_count, METRICS_ROUTES);
	print();
	has("safe_exec_http_requests_total{route=\"unknown\",method=\"other\",status=\"other\"} 72");
	has("safe_exec_http_requests_total{route=\"unknown\",method=\"GET\",status=\"none\"} 1");
	has("safe_exec_http_requests_total{route=\"unknown\",method=\"GET\",status=\"200\"} 49");
	has("safe_exec_http_requests_total{route=\"/22\",method=\"GET\",status=\"200\"} 1");
	has("safe_exec_http_request_duration_seconds_count{route=\"unknown\"} 122");
	assert_null(strstr(text, "/23"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_land_in_their_buckets),
		cmocka_unit_test(memory_is_in_bytes),
		cmocka_unit_test(every_outcome_has_its_own_count),
		cmocka_unit_test(labels_are_of_fixed_sets),
	};
	int failed = cmocka_run_group_tests_name("metrics", tests, NULL, NULL);

	free(text);
	return failed;
}
