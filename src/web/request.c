/* SPDX-License-Identifier: MIT */
/*
 * Reads the body of POST /execute: see request.h. Runs in web, on hostile bytes; pure.
 *
 * jansson does the parsing: strict about UTF-8, duplicates, what follows the object and depth (2048). JSON_ALLOW_NUL
 * is given only so that a NUL in the script gets an error of its own, JSON_DECODE_INT_AS_REAL so that a number which no
 * member may be anyway is not called bad JSON for its length.
 */
#include "request.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WRAPPING_BYTES = 4096, ESCAPED_BYTES = 6, MEMBER_SHOWN_BYTES = 64, VALUES_MOST = 1000 };

size_t request_body_limit(uint64_t max_script_bytes)
{
	return (size_t)max_script_bytes * ESCAPED_BYTES + WRAPPING_BYTES;
}

static int refuse(struct reply *error, struct reply reply)
{
	*error = reply;
	return -1;
}

static int refuse_json(struct reply *error, const json_error_t *e)
{
	char message[JSON_ERROR_TEXT_LENGTH + 64], details[64];

	if (json_error_code(e) == json_error_invalid_utf8)
		return refuse(error, reply_error(OUTCOME_BAD_ENCODING,
						 "The body is not valid UTF-8: send the JSON encoded as UTF-8.", NULL));
	snprintf(message, sizeof message, "The body is not valid JSON: %s (line %d, column %d).", e->text, e->line,
		 e->column);
	snprintf(details, sizeof details, "{\"line\": %d, \"column\": %d}", e->line < 1 ? 1 : e->line,
		 e->column < 0 ? 0 : e->column);
	return refuse(error, reply_error(OUTCOME_BAD_BODY, message, details));
}

/*
 * A tree of values takes 75 times the memory of its text, and a second of web, which has one thread: a body of 1.2 MB
 * of "{}," is not parsed. It has one value, and some that are wrong; where there are more than that is found in one pass.
 */
static int refuse_values(const char *body, size_t length, struct reply *error)
{
	char details[64];
	size_t values = 0, line = 1, line_at = 0;
	bool quoted = false;

	for (size_t i = 0; i < length; i++) {
		if (body[i] == '"')
			quoted = !quoted;
		else if (quoted)
			i += body[i] == '\\'; /* what follows it is no quote */
		else if (body[i] == '\n') {
			line++;
			line_at = i + 1;
		} else if ((body[i] == ',' || body[i] == '[' || body[i] == '{') && ++values > VALUES_MOST) {
			snprintf(details, sizeof details, "{\"line\": %zu, \"column\": %zu}", line, i - line_at + 1);
			return refuse(error, reply_error(OUTCOME_BAD_BODY,
							 "The body holds too many values: send {\"script\": "
							 "\"def main(): ...\"}.",
							 details));
		}
	}
	return 0;
}

static int refuse_member(struct reply *error, const char *member)
{
	char shown[MEMBER_SHOWN_BYTES + 1], message[MEMBER_SHOWN_BYTES + 80];

	snprintf(shown, sizeof shown, "%s", member);
	snprintf(message, sizeof message, "Unknown member \"%s\": the body has one member, \"script\".", shown);
	return refuse(error, reply_error_member(OUTCOME_BAD_INPUT, message, "member", shown));
}

static int is_blank(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!strchr(" \t\r\n\f\v", text[i]))
			return 0;
	return 1;
}

static int check_members(const json_t *body, struct reply *error)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)body, name, value)
		if (strcmp(name, "script") != 0)
			return refuse_member(error, name);
	return 0;
}

static int take_script(const json_t *script, uint64_t max_script_bytes, struct job *job, struct reply *error)
{
	const char *text = json_string_value(script);
	size_t length = json_string_length(script);

	if (!script)
		return refuse(error,
			      reply_error(OUTCOME_BAD_SCRIPT,
					  "\"script\" is missing: send {\"script\": \"def main(): ...\"}.", NULL));
	if (!text)
		return refuse(error, reply_error(OUTCOME_BAD_SCRIPT, "\"script\" must be a string.", NULL));
	if (length > max_script_bytes) {
		char message[128], details[64];

		snprintf(message, sizeof message, "The script has %zu bytes; at most %llu are allowed.", length,
			 (unsigned long long)max_script_bytes);
		snprintf(details, sizeof details, "{\"limit\": %llu, \"bytes\": %zu}",
			 (unsigned long long)max_script_bytes, length);
		return refuse(error, reply_error(OUTCOME_SCRIPT_TOO_LARGE, message, details));
	}
	if (memchr(text, '\0', length))
		return refuse(error,
			      reply_error(OUTCOME_BAD_ENCODING,
					  "The script holds a NUL character, which Python source cannot.", NULL));
	if (is_blank(text, length))
		return refuse(error,
			      reply_error(OUTCOME_BAD_SCRIPT, "\"script\" is blank: define main() in it.", NULL));
	job->script = malloc(length);
	if (!job->script)
		return refuse(error, reply_error(OUTCOME_INTERNAL, "The service is out of memory.", NULL));
	memcpy(job->script, text, length);
	job->script_bytes = length;
	return 0;
}

int request_parse(const char *body, size_t length, uint64_t max_script_bytes, const struct job_limits *limits,
		  struct job *job, struct reply *error)
{
	json_error_t e;
	json_t *value;
	int status = -1;

	*job = (struct job){ .limits = *limits };
	if (refuse_values(body, length, error) < 0)
		return -1;
	value = json_loadb(length ? body : "", length,
			   JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &e);
	if (!value)
		return refuse_json(error, &e);
	if (!json_is_object(value))
		refuse(error, reply_error(OUTCOME_BAD_BODY,
					  "The body must be a JSON object: {\"script\": \"def main(): ...\"}.",
					  "{\"line\": 1, \"column\": 1}"));
	else if (check_members(value, error) == 0)
		status = take_script(json_object_get(value, "script"), max_script_bytes, job, error);
	json_decref(value);
	return status;
}
