/* SPDX-License-Identifier: MIT */
/*
 * The log line of a request: see access.h. Runs in web.
 *
 * The names are those of Cloud Logging, which other collectors know as well: httpRequest, and the trace by which the line
 * is shown with those of other services. Left out are remoteIp and userAgent, which are personal data, and of the URL
 * all but the route's own path: queries carry keys. No line holds a script, a result or anything printed.
 */
#define _GNU_SOURCE
#include "access.h"

#include <stdio.h>
#include <string.h>

#include "log.h"
#include "wire.h"

enum { FIELDS = 12, TRACE_NAME_BYTES = ACCESS_PROJECT_BYTES + TRACE_ID_DIGITS + 24 };

struct fields {
	size_t used;
	struct log_field list[FIELDS + 1];
};

static void add_text(struct fields *f, const char *name, const char *text)
{
	if (f->used < FIELDS && text)
		f->list[f->used++] = (struct log_field){ name, text, 0 };
}

static void add_number(struct fields *f, const char *name, uint64_t number)
{
	if (f->used < FIELDS)
		f->list[f->used++] = (struct log_field){ name, NULL, (int64_t)number };
}

/* Letters, digits and dashes; the ids of old belong to a domain ("example.com:name"). */
static bool is_project(const char *project)
{
	size_t length = strlen(project);

	return length > 0 && length < ACCESS_PROJECT_BYTES && project[0] >= 'a' && project[0] <= 'z' &&
	       strspn(project, "abcdefghijklmnopqrstuvwxyz0123456789-.:") == length;
}

void access_open(struct access_log *l, const char *project)
{
	l->project[0] = '\0';
	if (!project || !*project)
		return;
	if (is_project(project))
		memcpy(l->project, project, strlen(project) + 1);
	else
		log_event(LOG_WARNING, NULL,
			  "GOOGLE_CLOUD_PROJECT is no id of a project: traces are logged without it");
}

/* name: room for the value. */
static void add_trace(struct fields *f, const struct access_log *l, const struct trace *t, char name[TRACE_NAME_BYTES])
{
	if (!t->id[0])
		return;
	if (l->project[0]) {
		snprintf(name, TRACE_NAME_BYTES, "projects/%s/traces/%s", l->project, t->id);
		add_text(f, "logging.googleapis.com/trace", name);
	} else {
		add_text(f, "trace_id", t->id);
	}
	add_text(f, "logging.googleapis.com/spanId", t->span[0] ? t->span : NULL);
	add_text(f, "logging.googleapis.com/trace_sampled", t->sampled ? LOG_TRUE : LOG_FALSE);
}

static void add_execution(struct fields *f, const struct access *a)
{
	static const char *const starts[WIRE_STARTS] = {
		[WIRE_STARTED_COLD] = "cold", [WIRE_STARTED_FORKED] = "forked", [WIRE_STARTED_WAITING] = "waiting"
	};

	add_text(f, "code", a->code);
	if (a->ran) {
		add_number(f, "queue_us", a->queue_us);
		add_number(f, "run_us", a->run_us);
	}
	if (!a->measured)
		return;
	add_number(f, "cpu_us", a->cpu_us);
	if (a->peak_bytes)
		add_number(f, "peak_bytes", a->peak_bytes);
	add_text(f, "start", a->start < WIRE_STARTS ? starts[a->start] : NULL);
}

void access_write(const struct access_log *l, const struct access *a)
{
	struct fields request = { .used = 0 }, others = { .used = 0 };
	const struct log_object object = { "httpRequest", request.list };
	char latency[32], trace[TRACE_NAME_BYTES];

	snprintf(latency, sizeof latency, "%llu.%06us", (unsigned long long)(a->duration_us / 1000000),
		 (unsigned)(a->duration_us % 1000000));
	add_text(&request, "requestMethod", a->method);
	add_text(&request, "requestUrl", a->path ? a->path : "(unknown)");
	if (a->status)
		add_number(&request, "status", a->status);
	add_number(&request, "requestSize", a->request_bytes);
	add_number(&request, "responseSize", a->response_bytes);
	add_text(&request, "latency", latency);
	add_text(&request, "protocol", a->protocol);
	add_trace(&others, l, a->trace, trace);
	add_text(&others, "request_id", a->id);
	add_execution(&others, a);
	log_event_with(a->status >= 500 && a->status != 503 ? LOG_ERROR : LOG_INFO, &object, others.list, "%s",
		       a->client_gone ? "client gone" : "request");
}
