/* SPDX-License-Identifier: MIT */
/*
 * Builds the answers of POST /execute: see reply.h. Runs in web; pure.
 *
 * All text from outside goes through jansson's escaping; the runner's payload, which frame.c has validated, is
 * spliced in byte for byte.
 */
#define _GNU_SOURCE
#include "reply.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "own.h"
#include "utf8.h"

enum { STDERR_SHOWN_BYTES = 2000 };

static const char no_memory[] = "{\"error\": {\"code\": \"INTERNAL\", \"message\": \"The service is out of memory.\"}}";

static struct reply out_of_memory(void)
{
	return (struct reply){
		.status = 500, .static_body = no_memory, .length = sizeof no_memory - 1, .code = "INTERNAL"
	};
}

/* A growing text; failed stays set once memory is gone. */
struct text {
	char *bytes;
	size_t used, room;
	bool failed;
};

static void put(struct text *t, const char *bytes, size_t length)
{
	if (t->failed)
		return;
	if (t->used + length > t->room) {
		size_t room = (t->used + length) * 2;
		char *grown = realloc(t->bytes, room);

		if (!grown) {
			t->failed = true;
			return;
		}
		t->bytes = grown;
		t->room = room;
	}
	memcpy(t->bytes + t->used, bytes, length);
	t->used += length;
}

static void put_text(struct text *t, const char *text)
{
	put(t, text, strlen(text));
}

static int take_dump(const char *bytes, size_t length, void *t)
{
	put(t, bytes, length);
	return 0;
}

/* Any bytes as a JSON string. */
static void put_string(struct text *t, const char *bytes, size_t length)
{
	OWNED(char) valid = malloc(3 * length + 1);
	json_t *string = valid ? json_stringn(valid, utf8_repair(bytes, length, valid)) : NULL;

	if (!string || json_dump_callback(string, take_dump, t, JSON_ENCODE_ANY) < 0)
		t->failed = true;
	json_decref(string);
}

static struct reply finish(struct text *t, enum outcome_code code)
{
	char *fitting;

	if (t->failed) {
		free(t->bytes);
		return out_of_memory();
	}
	fitting = realloc(t->bytes, t->used); /* it may be under way for a minute */
	return (struct reply){ .status = outcome_status(code),
			       .body = fitting ? fitting : t->bytes,
			       .length = t->used,
			       .code = outcome_name(code) };
}

static void put_error_head(struct text *t, enum outcome_code code, const char *message)
{
	put_text(t, "{\"error\": {\"code\": \"");
	put_text(t, outcome_name(code));
	put_text(t, "\", \"message\": ");
	put_string(t, message, strlen(message));
}

static void put_details(struct text *t, const char *details)
{
	if (details) {
		put_text(t, ", \"details\": ");
		put_text(t, details);
	}
}

struct reply reply_error(enum outcome_code code, const char *message, const char *details)
{
	struct text t = { .bytes = NULL };

	put_error_head(&t, code, message ? message : outcome_sentence(code));
	put_details(&t, details);
	put_text(&t, "}}");
	return finish(&t, code);
}

struct reply reply_error_member(enum outcome_code code, const char *message, const char *member, const char *value)
{
	struct text t = { .bytes = NULL };

	put_error_head(&t, code, message);
	put_text(&t, ", \"details\": {\"");
	put_text(&t, member);
	put_text(&t, "\": ");
	put_string(&t, value, strlen(value));
	put_text(&t, "}}}");
	return finish(&t, code);
}

static const char retry_details[] = "{\"retry_after\": 1}";

struct reply reply_overloaded(const char *message)
{
	struct reply reply = reply_error(OUTCOME_OVERLOADED, message, retry_details);

	reply.retry_after = 1;
	return reply;
}

/* "SIGSEGV": sigabbrev_np is glibc's own table (glibc >= 2.32). */
static void signal_name(int number, char *name, size_t capacity)
{
	const char *known = sigabbrev_np(number);

	if (known)
		snprintf(name, capacity, "SIG%s", known);
	else if (number >= SIGRTMIN && number <= SIGRTMAX)
		snprintf(name, capacity, "SIGRTMIN+%d", number - SIGRTMIN);
	else
		snprintf(name, capacity, "SIG%d", number);
}

/* The end of stderr is where an interpreter says why it died. */
static void put_stderr(struct text *t, const struct reply_job *job)
{
	size_t shown = job->stderr_length < STDERR_SHOWN_BYTES ? job->stderr_length : STDERR_SHOWN_BYTES;

	if (shown == 0)
		return;
	put_text(t, ", \"stderr\": ");
	put_string(t, job->stderr_bytes + job->stderr_length - shown, shown);
}

static void put_timeout(struct text *t, const struct reply_job *job)
{
	bool wall = job->outcome.limit == LIMIT_WALL;
	double seconds = wall ? job->limits->wall_ms / 1000.0 : job->limits->cpu_seconds;
	char message[160], details[80];

	snprintf(message, sizeof message,
		 "The script ran longer than %g s of %s and was stopped: make it faster, or work on less data.",
		 seconds, wall ? "wall-clock time" : "CPU time");
	snprintf(details, sizeof details, "{\"limit\": \"%s\", \"seconds\": %g}", wall ? "wall" : "cpu", seconds);
	put_error_head(t, OUTCOME_TIMEOUT, message);
	put_details(t, details);
}

static void put_memory_limit(struct text *t, const struct reply_job *job)
{
	char message[160], details[64];
	unsigned long long number = job->limits->memory_bytes >> 20;

	if (job->outcome.limit == LIMIT_PROCESSES) {
		number = job->limits->processes;
		snprintf(message, sizeof message,
			 "The script ran more than %llu processes and threads at once and was stopped: use fewer.",
			 number);
		snprintf(details, sizeof details, "{\"processes\": %llu}", number);
	} else if (job->outcome.limit == LIMIT_FILES) {
		number = job->limits->tmp_bytes >> 20;
		snprintf(
			message, sizeof message,
			"The script wrote more than %llu MiB of files and was stopped: write less, or remove what is done.",
			number);
		snprintf(details, sizeof details, "{\"megabytes\": %llu}", number);
	} else {
		snprintf(message, sizeof message,
			 "The script used more than %llu MiB of memory and was stopped: work on less data at a time.",
			 number);
		snprintf(details, sizeof details, "{\"megabytes\": %llu}", number);
	}
	put_error_head(t, OUTCOME_MEMORY_LIMIT, message);
	put_details(t, details);
}

static void put_crashed(struct text *t, const struct reply_job *job)
{
	char name[32], message[96];

	signal_name(job->outcome.signal, name, sizeof name);
	snprintf(message, sizeof message, "The Python process was ended by %s.", name);
	put_error_head(t, OUTCOME_CRASHED, message);
	put_text(t, ", \"details\": {\"signal\": \"");
	put_text(t, name);
	put_text(t, "\"");
	put_stderr(t, job);
	put_text(t, "}");
}

static void put_empty(struct text *t, const struct reply_job *job)
{
	char details[48];

	put_error_head(t, OUTCOME_EMPTY_OUTPUT, outcome_sentence(OUTCOME_EMPTY_OUTPUT));
	snprintf(details, sizeof details, ", \"details\": {\"exit_status\": %d", job->outcome.exit_status);
	put_text(t, details);
	put_stderr(t, job);
	put_text(t, "}");
}

static void put_stopped(struct text *t, const struct reply_job *job)
{
	(void)job;
	put_error_head(t, OUTCOME_OVERLOADED, "The service stopped while the script ran: send the request again.");
	put_details(t, retry_details);
}

static void put_plain(struct text *t, const struct reply_job *job)
{
	put_error_head(t, job->outcome.code, outcome_sentence(job->outcome.code));
}

static void put_error(struct text *t, const struct reply_job *job)
{
	static void (*const special[OUTCOME_COUNT])(struct text *, const struct reply_job *) = {
		[OUTCOME_TIMEOUT] = put_timeout,    [OUTCOME_MEMORY_LIMIT] = put_memory_limit,
		[OUTCOME_CRASHED] = put_crashed,    [OUTCOME_EMPTY_OUTPUT] = put_empty,
		[OUTCOME_OVERLOADED] = put_stopped,
	};

	(special[job->outcome.code] ? special[job->outcome.code] : put_plain)(t, job);
	put_text(t, "}");
}

struct reply reply_job(const struct reply_job *job)
{
	struct text t = { .bytes = NULL };
	struct reply reply;
	size_t stdout_length = job->stdout_cut ? utf8_trim_incomplete(job->stdout_bytes, job->stdout_length) :
						 job->stdout_length;

	if (job->outcome.code == OUTCOME_OK || job->outcome.claimed) {
		put_text(&t, job->outcome.code == OUTCOME_OK ? "{\"result\": " : "{\"error\": ");
		put(&t, job->frame->payload, job->frame->payload_bytes);
	} else {
		put_error(&t, job);
	}
	put_text(&t, ", \"stdout\": ");
	put_string(&t, job->stdout_bytes, stdout_length);
	if (job->stdout_cut && job->outcome.code == OUTCOME_OK)
		put_text(&t, ", \"stdout_truncated\": true");
	put_text(&t, "}");
	reply = finish(&t, job->outcome.code);
	reply.retry_after = job->outcome.code == OUTCOME_OVERLOADED;
	return reply;
}

void reply_free(struct reply *reply)
{
	free(reply->body);
	reply->body = NULL;
}
