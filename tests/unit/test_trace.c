/* SPDX-License-Identifier: MIT */
/* trace.c and what strict.c makes of it: trace headers that count, and those that are as good as none. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "../../src/web/strict.h"
#include "unit.h"

#define ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"
#define ZEROS16 "0000000000000000"
#define ZEROS32 ZEROS16 ZEROS16

struct row {
	const char *value;
	const char *id, *span; /* NULL: not valid */
	bool sampled;
};

static const struct row parents[] = {
	{ "00-" ID "-" SPAN "-01", ID, SPAN, true },
	{ "00-" ID "-" SPAN "-00", ID, SPAN, false },
	{ "00-" ID "-" SPAN "-fe", ID, SPAN, false }, /* other flags say nothing here */
	{ "00-" ID "-" SPAN "-ff", ID, SPAN, true },
	{ "00-00000000000000000000000000000001-0000000000000001-00", "00000000000000000000000000000001",
	  "0000000000000001", false },
	/* later versions: what is known of them, and more only after a dash */
	{ "01-" ID "-" SPAN "-01", ID, SPAN, true },
	{ "cc-" ID "-" SPAN "-01-what-the-future-brings", ID, SPAN, true },
	{ "fe-" ID "-" SPAN "-01-", ID, SPAN, true },
	{ "cc-" ID "-" SPAN "-01.what", NULL, NULL, false },
	{ "cc-" ID "-" SPAN "-011", NULL, NULL, false },
	{ "ff-" ID "-" SPAN "-01", NULL, NULL, false },
	{ "00-" ID "-" SPAN "-01-", NULL, NULL, false },
	{ "00-" ID "-" SPAN "-01-more", NULL, NULL, false },
	{ "00-" ID "-" SPAN "-01 ", NULL, NULL, false },
	{ " 00-" ID "-" SPAN "-01", NULL, NULL, false },
	/* none is all zero */
	{ "00-" ZEROS32 "-" SPAN "-01", NULL, NULL, false },
	{ "00-" ID "-" ZEROS16 "-01", NULL, NULL, false },
	/* only lower-case digits, only dashes, only these lengths */
	{ "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01", NULL, NULL, false },
	{ "00-" ID "-00F067AA0BA902B7-01", NULL, NULL, false },
	{ "00-" ID "-" SPAN "-0A", NULL, NULL, false },
	{ "0A-" ID "-" SPAN "-01", NULL, NULL, false },
	{ "0x-" ID "-" SPAN "-01", NULL, NULL, false },
	{ "00_" ID "-" SPAN "-01", NULL, NULL, false },
	{ "00-" ID "_" SPAN "-01", NULL, NULL, false },
	{ "00-" ID "-" SPAN "_01", NULL, NULL, false },
	{ "00-4bf92f3577b34da6a3ce929d0e0e473g-" SPAN "-01", NULL, NULL, false },
	{ "00-4bf92f3577b34da6a3ce929d0e0e473\"-" SPAN "-01", NULL, NULL, false },
	{ "00-" ID "-00f067aa0ba902b\n-01", NULL, NULL, false },
	{ "00-" ID "-" SPAN "-0", NULL, NULL, false },
	{ "00-" ID "-" SPAN "-", NULL, NULL, false },
	{ "00-" ID "-" SPAN, NULL, NULL, false },
	{ "00-" ID, NULL, NULL, false },
	{ "00", NULL, NULL, false },
	{ "", NULL, NULL, false },
};

static const struct row clouds[] = {
	{ ID "/1;o=1", ID, "0000000000000001", true },
	{ ID "/1;o=0", ID, "0000000000000001", false },
	{ ID "/1;o=2", ID, "0000000000000001", false },
	{ ID "/1;o=3", ID, "0000000000000001", true },
	{ ID "/18446744073709551615;o=1", ID, "ffffffffffffffff", true },
	{ ID "/67667974448284343", ID, "00f067aa0ba902b7", false },
	{ ID "/0;o=1", ID, "", true }, /* a trace that begins has no span yet */
	{ ID, ID, "", false },
	{ ID ";o=1", ID, "", true },
	{ "4BF92F3577B34DA6A3CE929D0E0E4736/1", ID, "0000000000000001", false },
	{ ZEROS32 "/1;o=1", NULL, NULL, false },
	{ ID "/18446744073709551616;o=1", NULL, NULL, false },
	{ ID "/99999999999999999999999;o=1", NULL, NULL, false },
	{ ID "/;o=1", NULL, NULL, false },
	{ ID "/-1;o=1", NULL, NULL, false },
	{ ID "/+1", NULL, NULL, false },
	{ ID "/1a;o=1", NULL, NULL, false },
	{ ID "/1;o=", NULL, NULL, false },
	{ ID "/1;o=256", NULL, NULL, false },
	{ ID "/1;o=1x", NULL, NULL, false },
	{ ID "/1;o=1;o=0", NULL, NULL, false },
	{ ID "/1;p=1", NULL, NULL, false },
	{ ID "/1;", NULL, NULL, false },
	{ ID "/1 ", NULL, NULL, false },
	{ ID "0/1", NULL, NULL, false },
	{ "4bf92f3577b34da6a3ce929d0e0e473/1", NULL, NULL, false },
	{ "4bf92f3577b34da6a3ce929d0e0e473g/1", NULL, NULL, false },
	{ "", NULL, NULL, false },
};

/* In a copy of exactly its size, so that a byte read beyond it is found by the sanitizer. */
static void try(const struct row *row, bool (*parse)(struct trace *, const char *, size_t))
{
	static const struct trace before = { .id = "before", .sampled = true };
	size_t length = strlen(row->value);
	char *copy = malloc(length ? length : 1);
	struct trace t = before;
	bool valid;

	assert_non_null(copy);
	memcpy(copy, row->value, length);
	valid = parse(&t, copy, length);
	free(copy);
	check(valid == (row->id != NULL), "\"%s\" is taken for %s", row->value, valid ? "valid" : "invalid");
	if (!row->id) {
		assert_memory_equal(&t, &before, sizeof t);
		return;
	}
	check(strcmp(t.id, row->id) == 0 && strcmp(t.span, row->span) == 0 && t.sampled == row->sampled,
	      "\"%s\" became %s, %s, %d", row->value, t.id, t.span, t.sampled);
}

static void parent_by_the_letter(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(parents); i++)
		try(&parents[i], trace_parse_parent);
}

static void cloud_by_the_letter(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(clouds); i++)
		try(&clouds[i], trace_parse_cloud);
}

static void take(struct strict_head *h, const char *name, const char *value)
{
	strict_take(h, name, value, strlen(value));
}

#define PARENT "00-" ID "-" SPAN "-01"
#define CLOUD "00000000000000000000000000000abc/5;o=0"

static void parent_comes_first(void **state)
{
	struct strict_head h = { .host = 0 };

	(void)state;
	assert_string_equal(strict_trace(&h)->id, "");
	take(&h, "x-cloud-TRACE-context", CLOUD);
	assert_string_equal(strict_trace(&h)->id, "00000000000000000000000000000abc");
	assert_string_equal(strict_trace(&h)->span, "0000000000000005");
	take(&h, "TraceParent", " \t" PARENT " ");
	assert_string_equal(strict_trace(&h)->id, ID);
	assert_true(strict_trace(&h)->sampled);
}

static void an_invalid_parent_gives_way(void **state)
{
	struct strict_head h = { .host = 0 };

	(void)state;
	take(&h, "traceparent", "00-" ZEROS32 "-" SPAN "-01");
	assert_string_equal(strict_trace(&h)->id, "");
	take(&h, "X-Cloud-Trace-Context", CLOUD);
	assert_string_equal(strict_trace(&h)->id, "00000000000000000000000000000abc");
}

/* Two cannot both be true, whichever is valid. */
static void more_than_one_is_none(void **state)
{
	static const char *const second[] = { PARENT, "nonsense", "" };

	(void)state;
	for (size_t i = 0; i < ROWS(second); i++)
		for (int order = 0; order < 2; order++) {
			struct strict_head h = { .host = 0 };

			take(&h, "traceparent", order ? second[i] : PARENT);
			take(&h, "traceparent", order ? PARENT : second[i]);
			assert_string_equal(strict_trace(&h)->id, "");
			take(&h, "X-Cloud-Trace-Context", CLOUD);
			assert_string_equal(strict_trace(&h)->id, "00000000000000000000000000000abc");
			take(&h, "X-Cloud-Trace-Context", CLOUD);
			assert_string_equal(strict_trace(&h)->id, "");
		}
}

static void methods_are_of_a_fixed_set(void **state)
{
	static const char *const others[] = { "", "get", "GETT", "GET ", "PROPFIND", "other", "\"}" };

	(void)state;
	assert_string_equal(strict_method("GET"), "GET");
	assert_string_equal(strict_method("CONNECT"), "CONNECT");
	for (size_t i = 0; i < ROWS(others); i++)
		assert_string_equal(strict_method(others[i]), "other");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parent_by_the_letter),
		cmocka_unit_test(cloud_by_the_letter),
		cmocka_unit_test(parent_comes_first),
		cmocka_unit_test(an_invalid_parent_gives_way),
		cmocka_unit_test(more_than_one_is_none),
		cmocka_unit_test(methods_are_of_a_fixed_set),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
