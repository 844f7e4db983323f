/* SPDX-License-Identifier: MIT */
/* reply.c: the bytes of each kind of answer, and what becomes of hostile text in them. */
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/web/reply.h"
#include "unit.h"

static const struct job_limits limits = { .wall_ms = 1500, .cpu_seconds = 10, .memory_bytes = 512 << 20 };

#define PAYLOAD(text) { .payload = (text), .payload_bytes = sizeof(text) - 1 }
#define STDOUT(text) .stdout_bytes = (text), .stdout_length = sizeof(text) - 1
#define STDERR(text) .stderr_bytes = (text), .stderr_length = sizeof(text) - 1

static const struct frame number = PAYLOAD("0.1");
static const struct frame spaced = PAYLOAD(" [1e2,\t1267650600228229401496703205376] ");
static const struct frame claim = PAYLOAD("{\"code\": \"EXCEPTION\", \"message\": \"m\", \"details\": {}}");

static const struct {
	struct reply_job job;
	unsigned status;
	const char *body;
} answers[] = {
	{ { .outcome = { .code = OUTCOME_OK }, .frame = &number, STDOUT("") }, 200, "{\"result\": 0.1, \"stdout\": \"\"}" },
	{ { .outcome = { .code = OUTCOME_OK }, .frame = &number }, 200, "{\"result\": 0.1, \"stdout\": \"\"}" },
	{ { .outcome = { .code = OUTCOME_OK }, .frame = &spaced, STDOUT("a\nb") }, 200, /* byte for byte */
	  "{\"result\":  [1e2,\t1267650600228229401496703205376] , \"stdout\": \"a\\nb\"}" },
	{ { .outcome = { .code = OUTCOME_OK }, .frame = &number, STDOUT("\"\\/\x01\x7f\xc3\xa9\xff") }, 200,
	  "{\"result\": 0.1, \"stdout\": \"\\\"\\\\/\\u0001\x7f\xc3\xa9\xef\xbf\xbd\"}" },
	{ { .outcome = { .code = OUTCOME_OK }, .frame = &number, STDOUT("a\0b") }, 200, "{\"result\": 0.1, \"stdout\": \"a\\u0000b\"}" },
	{ { .outcome = { .code = OUTCOME_OK }, .frame = &number, STDOUT("ab"), .stdout_cut = true }, 200,
	  "{\"result\": 0.1, \"stdout\": \"ab\", \"stdout_truncated\": true}" },
	{ { .outcome = { .code = OUTCOME_OK }, .frame = &number, STDOUT("a\xe2\x82"), .stdout_cut = true }, 200, /* no half character */
	  "{\"result\": 0.1, \"stdout\": \"a\", \"stdout_truncated\": true}" },
	{ { .outcome = { .code = OUTCOME_OK }, .frame = &number, STDOUT("a\xe2\x82") }, 200, "{\"result\": 0.1, \"stdout\": \"a\xef\xbf\xbd\"}" },
	{ { .outcome = { .code = OUTCOME_OK }, .frame = &number, STDOUT("out"), STDERR("warning") }, 200, "{\"result\": 0.1, \"stdout\": \"out\"}" },
	{ { .outcome = { .code = OUTCOME_EXCEPTION, .claimed = true }, .frame = &claim, STDOUT("out") }, 400,
	  "{\"error\": {\"code\": \"EXCEPTION\", \"message\": \"m\", \"details\": {}}, \"stdout\": \"out\"}" },
	{ { .outcome = { .code = OUTCOME_TIMEOUT, .limit = LIMIT_WALL }, STDOUT("out") }, 400,
	  "{\"error\": {\"code\": \"TIMEOUT\", \"message\": \"The script ran longer than 1.5 s of wall-clock time and was stopped: make it faster, "
	  "or work on less data.\", \"details\": {\"limit\": \"wall\", \"seconds\": 1.5}}, \"stdout\": \"out\"}" },
	{ { .outcome = { .code = OUTCOME_TIMEOUT, .limit = LIMIT_CPU } }, 400,
	  "{\"error\": {\"code\": \"TIMEOUT\", \"message\": \"The script ran longer than 10 s of CPU time and was stopped: make it faster, "
	  "or work on less data.\", \"details\": {\"limit\": \"cpu\", \"seconds\": 10}}, \"stdout\": \"\"}" },
	{ { .outcome = { .code = OUTCOME_MEMORY_LIMIT } }, 400, /* decided outside: our words */
	  "{\"error\": {\"code\": \"MEMORY_LIMIT\", \"message\": \"The script used more than 512 MiB of memory and was stopped: work on less "
	  "data at a time.\", \"details\": {\"megabytes\": 512}}, \"stdout\": \"\"}" },
	{ { .outcome = { .code = OUTCOME_CRASHED, .signal = SIGSEGV }, STDOUT("x"), STDERR("Fatal\n") }, 400,
	  "{\"error\": {\"code\": \"CRASHED\", \"message\": \"The Python process was ended by SIGSEGV.\", \"details\": {\"signal\": \"SIGSEGV\", "
	  "\"stderr\": \"Fatal\\n\"}}, \"stdout\": \"x\"}" },
	{ { .outcome = { .code = OUTCOME_CRASHED, .signal = 40 } }, 400,
	  "{\"error\": {\"code\": \"CRASHED\", \"message\": \"The Python process was ended by SIGRTMIN+6.\", \"details\": {\"signal\": "
	  "\"SIGRTMIN+6\"}}, \"stdout\": \"\"}" },
	{ { .outcome = { .code = OUTCOME_CRASHED, .signal = 33 } }, 400,
	  "{\"error\": {\"code\": \"CRASHED\", \"message\": \"The Python process was ended by SIG33.\", \"details\": {\"signal\": "
	  "\"SIG33\"}}, \"stdout\": \"\"}" },
	{ { .outcome = { .code = OUTCOME_EMPTY_OUTPUT, .exit_status = 7 }, STDERR("\xff") }, 400,
	  "{\"error\": {\"code\": \"EMPTY_OUTPUT\", \"message\": \"The process ended before main() returned (os._exit, or the like): return from "
	  "main() instead.\", \"details\": {\"exit_status\": 7, \"stderr\": \"\xef\xbf\xbd\"}}, \"stdout\": \"\"}" },
	{ { .outcome = { .code = OUTCOME_BAD_RUNNER_OUTPUT }, .frame = &number, STDERR("hidden") }, 400,
	  "{\"error\": {\"code\": \"BAD_RUNNER_OUTPUT\", \"message\": \"The result channel holds something else than one result: the script wrote "
	  "to a descriptor that is not its own.\"}, \"stdout\": \"\"}" },
	{ { .outcome = { .code = OUTCOME_INTERNAL }, STDERR("hidden") }, 500,
	  "{\"error\": {\"code\": \"INTERNAL\", \"message\": \"The service failed; the script is not to blame. The log has the details.\"}, "
	  "\"stdout\": \"\"}" },
	{ { .outcome = { .code = OUTCOME_TIMEOUT, .limit = LIMIT_CPU }, .stdout_cut = true }, 400, /* truncation is said of successes only */
	  "{\"error\": {\"code\": \"TIMEOUT\", \"message\": \"The script ran longer than 10 s of CPU time and was stopped: make it faster, "
	  "or work on less data.\", \"details\": {\"limit\": \"cpu\", \"seconds\": 10}}, \"stdout\": \"\"}" },
};

static const char *body_of(const struct reply *reply)
{
	return reply->body ? reply->body : reply->static_body;
}

static void is_json(const char *what, const struct reply *reply)
{
	json_t *value = json_loadb(body_of(reply), reply->length,
				   JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);

	check(json_is_object(value), "%s: no JSON: %.*s", what, (int)reply->length, body_of(reply));
	json_decref(value);
}

static void answers_are_these_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(answers); i++) {
		struct reply_job job = answers[i].job;
		struct reply reply;

		job.limits = &limits;
		reply = reply_job(&job);
		check(reply.length == strlen(answers[i].body) && memcmp(reply.body, answers[i].body, reply.length) == 0,
		      "\n%.*s\nnot\n%s", (int)reply.length, reply.body, answers[i].body);
		check(reply.status == answers[i].status && strcmp(reply.code, outcome_name(job.outcome.code)) == 0,
		      "%u %s", reply.status, reply.code);
		is_json(answers[i].body, &reply);
		reply_free(&reply);
	}
}

/* Every code gives an answer of the contract's shape, with its own status, name and sentence. */
static void every_code_can_be_answered(void **state)
{
	(void)state;
	for (int code = OUTCOME_OK + 1; code < OUTCOME_COUNT; code++) {
		const char *name = outcome_name((enum outcome_code)code);
		struct reply plain = reply_error((enum outcome_code)code, NULL, NULL);
		struct reply job = reply_job(
			&(struct reply_job){ .outcome = { .code = (enum outcome_code)code }, .limits = &limits });
		json_t *value = json_loadb(plain.body, plain.length, 0, NULL), *error = json_object_get(value, "error");

		check(plain.status == outcome_status((enum outcome_code)code) && job.status == plain.status,
		      "%s: status", name);
		check(strcmp(json_string_value(json_object_get(error, "code")), name) == 0, "%s: code", name);
		check(strcmp(json_string_value(json_object_get(error, "message")),
			     outcome_sentence((enum outcome_code)code)) == 0,
		      "%s: message", name);
		check(json_object_size(value) == 1 && json_object_size(error) == 2, "%s: members", name);
		is_json(name, &job);
		json_decref(value);
		reply_free(&plain);
		reply_free(&job);
		assert_null(plain.body);
	}
}

static void messages_are_escaped(void **state)
{
	static const char expected[] =
		"{\"error\": {\"code\": \"BAD_INPUT\", \"message\": \"a \\\"b\\\"\\n\xef\xbf\xbd\", "
		"\"details\": {\"member\": \"x\\\"}\\\\\"}}}";
	struct reply reply = reply_error_member(OUTCOME_BAD_INPUT, "a \"b\"\n\xff", "member", "x\"}\\");

	(void)state;
	assert_int_equal(reply.length, sizeof expected - 1);
	assert_memory_equal(reply.body, expected, reply.length);
	reply_free(&reply);
	reply = reply_error(OUTCOME_BAD_BODY, "m", "{\"line\": 1}");
	assert_memory_equal(reply.body,
			    "{\"error\": {\"code\": \"BAD_BODY\", \"message\": \"m\", \"details\": {\"line\": 1}}}",
			    reply.length);
	reply_free(&reply);
}

/* Of a long stderr the end is shown: there the interpreter says why. */
static void the_end_of_stderr_is_shown(void **state)
{
	static char text[5000];
	struct reply_job job = { .outcome = { .code = OUTCOME_CRASHED, .signal = SIGABRT },
				 .stderr_bytes = text,
				 .stderr_length = sizeof text,
				 .limits = &limits };
	struct reply reply;
	json_t *value;
	const char *shown;

	(void)state;
	memset(text, 'a', sizeof text);
	memset(text + sizeof text - 2000, 'b', 1996);
	memcpy(text + sizeof text - 4, "end\n", 4);
	reply = reply_job(&job);
	value = json_loadb(reply.body, reply.length, 0, NULL);
	shown = json_string_value(
		json_object_get(json_object_get(json_object_get(value, "error"), "details"), "stderr"));
	assert_non_null(shown);
	assert_int_equal(strlen(shown), 2000);
	assert_int_equal(shown[0], 'b');
	assert_string_equal(shown + 1996, "end\n");
	json_decref(value);
	reply_free(&reply);
}

/* All 256 bytes, many times: the answer must stay JSON whatever was printed. */
static void any_stdout_becomes_json(void **state)
{
	static char text[65536];
	uint32_t random = 1;

	(void)state;
	for (int round = 0; round < 16; round++) {
		struct reply_job job = { .outcome = { .code = OUTCOME_OK },
					 .frame = &number,
					 .stdout_bytes = text,
					 .stdout_length = sizeof text - (size_t)round,
					 .stdout_cut = round & 1,
					 .limits = &limits };
		struct reply reply;

		for (size_t i = 0; i < sizeof text; i++) {
			random = random * 1664525 + 1013904223;
			text[i] = (char)(random >> 24);
		}
		reply = reply_job(&job);
		is_json("random stdout", &reply);
		reply_free(&reply);
	}
}

static void *no_memory(size_t size)
{
	(void)size;
	return NULL;
}

static void without_memory_there_is_still_an_answer(void **state)
{
	struct reply_job job = { .outcome = { .code = OUTCOME_OK }, .frame = &number, STDOUT("x"), .limits = &limits };
	struct reply reply, error;

	(void)state;
	json_set_alloc_funcs(no_memory, free);
	reply = reply_job(&job);
	error = reply_error(OUTCOME_NOT_FOUND, NULL, NULL);
	json_set_alloc_funcs(malloc, free);
	assert_int_equal(reply.status, 500);
	assert_int_equal(error.status, 500);
	assert_string_equal(reply.code, "INTERNAL");
	assert_null(reply.body);
	is_json("no memory", &reply);
	reply_free(&reply);
	reply_free(&error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_these_bytes), cmocka_unit_test(every_code_can_be_answered),
		cmocka_unit_test(messages_are_escaped),    cmocka_unit_test(the_end_of_stderr_is_shown),
		cmocka_unit_test(any_stdout_becomes_json), cmocka_unit_test(without_memory_there_is_still_an_answer),
	};

	return cmocka_run_group_tests_name("reply", tests, NULL, NULL);
}
