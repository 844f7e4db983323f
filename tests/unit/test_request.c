/* SPDX-License-Identifier: MIT */
/* request.c: bodies of POST /execute, the good ones and one of each kind that is refused. */
#define _GNU_SOURCE /* memmem */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/web/request.h"
#include "unit.h"

enum { MOST = 64 };

static const struct job_limits limits = { .wall_ms = 1, .cpu_seconds = 2, .memory_bytes = 3, .file_bytes = 4, .tmp_bytes = 5, .descriptors = 6, .processes = 7 };

#define TEXT(text) text, sizeof(text) - 1
#define M16 "xxxxxxxxxxxxxxxx"
#define M64 M16 M16 M16 M16

static const struct {
	const char *body;
	size_t length;
	const char *script;
	size_t script_length;
} good[] = {
	{ TEXT("{\"script\": \"x\"}"), TEXT("x") },
	{ TEXT(" \r\n\t{\"script\" : \"a\\nb\\t\\u00e9\\ud83d\\ude00\"} \n"), TEXT("a\nb\t\xc3\xa9\xf0\x9f\x98\x80") },
	{ TEXT("{\"script\": \"\xc3\xa9\"}"), TEXT("\xc3\xa9") },
	{ TEXT("{\"scrip\\u0074\": \"x\"}"), TEXT("x") },
	{ TEXT("{\"script\": \"\\ufeffx\"}"), TEXT("\xef\xbb\xbfx") },
	{ TEXT("{\"script\": \"  x\\n\"}"), TEXT("  x\n") },
	{ TEXT("{\"script\": \"\\u00a0\"}"), TEXT("\xc2\xa0") }, /* no blank of Python's: its own syntax error says more */
	{ TEXT("{\"script\": \"\\u0001\\u007f\"}"), TEXT("\x01\x7f") },
	{ TEXT("{\"script\": \"" M64 "\"}"), TEXT(M64) }, /* exactly the limit */
};

static void good_bodies_become_jobs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(good); i++) {
		struct reply error;
		struct job job;

		check(request_parse(good[i].body, good[i].length, MOST, &limits, &job, &error) == 0, "refused: %s",
		      good[i].body);
		check(job.script_bytes == good[i].script_length &&
			      memcmp(job.script, good[i].script, job.script_bytes) == 0,
		      "another script: %s", good[i].body);
		assert_memory_equal(&job.limits, &limits, sizeof limits);
		free(job.script);
	}
}

static const struct {
	const char *body;
	size_t length;
	const char *code;
	unsigned status;
	const char *contains; /* in the answer */
} bad[] = {
	/* not JSON */
	{ TEXT(""), "BAD_BODY", 400, "\"line\": 1, \"column\": 0" },
	{ TEXT(" "), "BAD_BODY", 400, "\"details\"" },
	{ TEXT("{"), "BAD_BODY", 400, "(line 1, column 1)" },
	{ TEXT("{\n\"script\": x}"), "BAD_BODY", 400, "{\"line\": 2, \"column\": 11}" },
	{ TEXT("script=x"), "BAD_BODY", 400, NULL },
	{ TEXT("{\"script\": 'x'}"), "BAD_BODY", 400, NULL },
	{ TEXT("{\"script\": \"a\nb\"}"), "BAD_BODY", 400, NULL },
	{ TEXT("{\"script\": \"x\"} {}"), "BAD_BODY", 400, NULL },
	{ TEXT("{\"script\": \"x\"},"), "BAD_BODY", 400, NULL },
	{ TEXT("{\"script\": \"x\"}\0"), "BAD_BODY", 400, NULL },
	{ TEXT("{\"script\": \"x\",}"), "BAD_BODY", 400, NULL },
	{ TEXT("{\"script\": \"\\ud800\"}"), "BAD_BODY", 400, NULL },
	{ TEXT("{\"script\": \"x\", \"script\": \"y\"}"), "BAD_BODY", 400, "duplicate" },
	{ TEXT("{\"script\": \"x\", \"scrip\\u0074\": \"y\"}"), "BAD_BODY", 400, "duplicate" },
	{ TEXT("{\"scr\\u0000ipt\": \"x\"}"), "BAD_BODY", 400, NULL },
	{ TEXT("{\"script\": \"x\", \"n\": 1e999}"), "BAD_BODY", 400, NULL },
	{ TEXT("\xef\xbb\xbf{\"script\": \"x\"}"), "BAD_BODY", 400, NULL },
	/* no object */
	{ TEXT("[]"), "BAD_BODY", 400, "must be a JSON object" },
	{ TEXT("\"script\""), "BAD_BODY", 400, "must be a JSON object" },
	{ TEXT("null"), "BAD_BODY", 400, "must be a JSON object" },
	{ TEXT("7"), "BAD_BODY", 400, "{\"line\": 1, \"column\": 1}" },
	/* not UTF-8 */
	{ TEXT("{\"script\": \"\xff\"}"), "BAD_ENCODING", 400, "UTF-8" },
	{ TEXT("{\"script\": \"\xed\xa0\x80\"}"), "BAD_ENCODING", 400, "UTF-8" },
	{ TEXT("{\"script\": \"\xc3\"}"), "BAD_ENCODING", 400, "UTF-8" },
	{ TEXT("\xff\xfe{\0"), "BAD_ENCODING", 400, "UTF-8" },
	{ TEXT("{\"script\": \"x\\u0000y\"}"), "BAD_ENCODING", 400, "NUL" },
	{ TEXT("{\"script\": \"\\u0000\"}"), "BAD_ENCODING", 400, "NUL" },
	/* the script */
	{ TEXT("{}"), "BAD_SCRIPT", 400, "missing" },
	{ TEXT("{\"script\": null}"), "BAD_SCRIPT", 400, "must be a string" },
	{ TEXT("{\"script\": 7}"), "BAD_SCRIPT", 400, "must be a string" },
	{ TEXT("{\"script\": [\"x\"]}"), "BAD_SCRIPT", 400, "must be a string" },
	{ TEXT("{\"script\": {\"script\": \"x\"}}"), "BAD_SCRIPT", 400, "must be a string" },
	{ TEXT("{\"script\": \"\"}"), "BAD_SCRIPT", 400, "blank" },
	{ TEXT("{\"script\": \" \\t\\r\\n\\f\\u000b\"}"), "BAD_SCRIPT", 400, "blank" },
	/* other members */
	{ TEXT("{\"script\": \"x\", \"timeout\": 5}"), "BAD_INPUT", 400, "\"details\": {\"member\": \"timeout\"}" },
	{ TEXT("{\"timeout\": 5}"), "BAD_INPUT", 400, "\"details\": {\"member\": \"timeout\"}" },
	{ TEXT("{\"Script\": \"x\"}"), "BAD_INPUT", 400, "\"Script\"" },
	{ TEXT("{\"\": \"x\"}"), "BAD_INPUT", 400, "\"member\": \"\"" },
	{ TEXT("{\"a\\\"b\\n\": 1}"), "BAD_INPUT", 400, "{\"member\": \"a\\\"b\\n\"}" },
	{ TEXT("{\"" M64 "x\": 1}"), "BAD_INPUT", 400, "\"" M64 "\"" },              /* cut */
	{ TEXT("{\"" M16 M16 M16 M16 "\": 1, \"script\": 5}"), "BAD_INPUT", 400, "\"member\": \"" M64 "\"" },
	{ TEXT("{\"" M16 M16 M16 "xxxxxxxxxxxxxxx\xc3\xa9\": 1}"), "BAD_INPUT", 400, "xxx\xef\xbf\xbd\"}" }, /* cut inside a character */
	/* size, in bytes of UTF-8 */
	{ TEXT("{\"script\": \"" M64 "x\"}"), "SCRIPT_TOO_LARGE", 413, "{\"limit\": 64, \"bytes\": 65}" },
	{ TEXT("{\"script\": \"" M16 M16 M16 "xxxxxxxxxxxxxxx\\u00e9\"}"), "SCRIPT_TOO_LARGE", 413, "65" },
};

static void is_one_error(const struct reply *reply, const char *body, const char *code)
{
	json_error_t e;
	json_t *answer = json_loadb(reply->body, reply->length, JSON_REJECT_DUPLICATES, &e);
	const json_t *error = json_object_get(answer, "error");
	const char *message = json_string_value(json_object_get(error, "message"));
	const char *named = json_string_value(json_object_get(error, "code"));

	check(answer != NULL, "%s: the answer is no JSON: %.*s", body, (int)reply->length, reply->body);
	check(json_object_size(answer) == 1, "%s: the job never ran, so there is no stdout", body);
	check(named && strcmp(named, code) == 0 && strcmp(reply->code, code) == 0, "%s: %s, not %s", body,
	      named ? named : "-", code);
	check(message && strlen(message) > 10, "%s: no message", body);
	json_decref(answer);
}

static void bad_bodies_are_answered(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(bad); i++) {
		char *exact = malloc(bad[i].length + 1); /* of its size, for the sanitizer */
		struct reply error = { .status = 0 };
		struct job job;

		assert_non_null(exact);
		memcpy(exact, bad[i].body, bad[i].length);
		check(request_parse(exact, bad[i].length, MOST, &limits, &job, &error) == -1, "taken: %s", bad[i].body);
		check(error.status == bad[i].status, "%s: status %u", bad[i].body, error.status);
		is_one_error(&error, bad[i].body, bad[i].code);
		check(!bad[i].contains || memmem(error.body, error.length, bad[i].contains, strlen(bad[i].contains)),
		      "%s: %.*s", bad[i].body, (int)error.length, error.body);
		check(!job.script, "%s: a script was kept", bad[i].body);
		reply_free(&error);
		free(exact);
	}
}

/* A request without a body has no buffer either. The message must make sense to a person. */
static void no_body_at_all(void **state)
{
	struct reply error = { .status = 0 };
	struct job job;

	(void)state;
	assert_int_equal(request_parse(NULL, 0, MOST, &limits, &job, &error), -1);
	is_one_error(&error, "(none)", "BAD_BODY");
	assert_null(memmem(error.body, error.length, "wrong arguments", 15));
	assert_null(memmem(error.body, error.length, "-1", 2));
	reply_free(&error);
}

static void deep_nesting_ends(void **state)
{
	enum { DEPTH = 100000 };
	char *body = malloc(DEPTH);
	struct reply error = { .status = 0 };
	struct job job;

	(void)state;
	assert_non_null(body);
	memset(body, '[', DEPTH);
	assert_int_equal(request_parse(body, DEPTH, MOST, &limits, &job, &error), -1);
	is_one_error(&error, "[[[...", "BAD_BODY");
	reply_free(&error);
	free(body);
}

/* Any script of the largest size fits, even with every byte escaped. */
static void the_body_limit_leaves_room(void **state)
{
	static const uint64_t sizes[] = { 1, 64, 204800, 16777216 };

	(void)state;
	for (size_t i = 0; i < ROWS(sizes); i++)
		assert_true(request_body_limit(sizes[i]) >=
			    sizes[i] * strlen("\\u0000") + strlen("{\"script\": \"\"}"));
}

/* So many "piece"s between head and tail: the code of the answer, or NULL for a job. */
static const char *answer_to(const char *head, const char *piece, size_t count, const char *tail, char *text, size_t room)
{
	char *body = malloc(strlen(head) + strlen(tail) + count * strlen(piece) + 1), *end;
	struct reply error = { .status = 0 };
	struct job job;
	int status;

	assert_non_null(body);
	end = stpcpy(body, head);
	for (size_t i = 0; i < count; i++)
		end = stpcpy(end, piece);
	end = stpcpy(end, tail);
	status = request_parse(body, (size_t)(end - body), 204800, &limits, &job, &error);
	snprintf(text, room, "%.*s", (int)error.length, error.body ? error.body : "");
	free(body);
	free(job.script);
	reply_free(&error);
	return status < 0 ? error.code : NULL;
}

/* Signs in strings are no values, and what follows a backslash does not end a string. */
static void values_are_counted(void **state)
{
	char text[512];

	(void)state;
	assert_null(answer_to("{\"script\": \"", ",[{", 10000, "\"}", text, sizeof text));
	assert_null(answer_to("{\"script\": \"", "\\\",[{", 10000, "\"}", text, sizeof text));
	assert_null(answer_to("{\"script\": \"", "\\\\", 10001, "\"}", text, sizeof text));
	assert_string_equal(answer_to("{\"x\": [", "{},", 400, "{}]}", text, sizeof text), "BAD_INPUT");
	assert_string_equal(answer_to("{\"x\":\n[", "{},", 400000, "{}]}", text, sizeof text), "BAD_BODY");
	assert_non_null(strstr(text, "too many values"));
	assert_non_null(strstr(text, "{\"line\": 2, \"column\": 1499}"));
	assert_string_equal(answer_to("{\"x\": [\"\\\\\"", ",1", 400000, "]}", text, sizeof text), "BAD_BODY");
	assert_non_null(strstr(text, "too many values"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_bodies_become_jobs),
		cmocka_unit_test(bad_bodies_are_answered),
		cmocka_unit_test(no_body_at_all),
		cmocka_unit_test(deep_nesting_ends),
		cmocka_unit_test(the_body_limit_leaves_room),
		cmocka_unit_test(values_are_counted),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
