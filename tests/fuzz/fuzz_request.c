/* SPDX-License-Identifier: MIT */
/* libFuzzer target: the body of POST /execute. Either a script that the runner can take, or an answer that is JSON. */
#include <jansson.h>

#include "../../src/web/request.h"
#include "../../src/web/utf8.h"
#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 256 };

static void check_job(const struct job *job)
{
	char repaired[3 * MOST];

	ALWAYS(job->script && job->script_bytes > 0 && job->script_bytes <= MOST);
	ALWAYS(!memchr(job->script, '\0', job->script_bytes));
	ALWAYS(utf8_repair(job->script, job->script_bytes, repaired) == job->script_bytes &&
	       memcmp(repaired, job->script, job->script_bytes) == 0);
}

static void check_error(const struct reply *error)
{
	json_t *answer = json_loadb(error->body, error->length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	const char *code = json_string_value(json_object_get(json_object_get(answer, "error"), "code"));
	unsigned members;

	ALWAYS(error->body && json_is_valid(error->body, error->length, &members) && members == 1);
	ALWAYS(code && strcmp(code, error->code) == 0 && (error->status == 400 || error->status == 413));
	json_decref(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct job_limits limits = { .wall_ms = 1 };
	struct reply error = { .status = 0 };
	struct job job;

	if (request_parse((const char *)data, size, MOST, &limits, &job, &error) == 0) {
		check_job(&job);
		free(job.script);
	} else {
		check_error(&error);
		reply_free(&error);
	}
	return 0;
}
