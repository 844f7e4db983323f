/* SPDX-License-Identifier: MIT */
/*
 * Routes: see routes.h. Runs in web. Every answer here is cheap: nothing forks, waits or reads a file.
 */
#define _GNU_SOURCE
#include "routes.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "assets.h"
#include "io.h"
#include "version.h"

/* ---- building blocks ------------------------------------------------------------------------------------------------ */

/* Takes the value over. */
static struct reply reply_json(unsigned status, json_t *value)
{
	char *body = value ? json_dumps(value, JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9)) : NULL;

	json_decref(value);
	if (!body)
		return reply_error(OUTCOME_INTERNAL, "The service is out of memory.", NULL);
	return (struct reply){ .status = status, .body = body, .length = strlen(body) };
}

static struct reply reply_asset(const struct asset *asset, const char *content_type)
{
	return (struct reply){ .status = 200,
			       .static_body = asset->bytes,
			       .length = asset->length,
			       .content_type = content_type,
			       .page = true };
}

static struct reply reply_compressed(const struct asset *asset, const char *content_type, const struct route_request *r)
{
	struct reply reply = reply_asset(asset, content_type);

	if (!r->accepts_gzip)
		return reply_error(OUTCOME_NOT_FOUND, "This file is kept compressed: send Accept-Encoding: gzip.",
				   NULL);
	reply.gzip = true;
	return reply;
}

/* ---- health and readiness --------------------------------------------------------------------------------------------- */

static json_t *layers(const struct web_setup *setup)
{
	json_t *object = json_object();

	for (size_t i = 0; i < setup->layer_count; i++)
		json_object_set_new(object, setup->layers[i].name, json_string(setup->layers[i].status));
	return object;
}

/* The page is shared with the spawner; each number is taken once. */
static json_t *template_status(const struct spawn_tier_status *shared)
{
	static const char *const states[] = { [SPAWN_TIER_DOWN] = "down: jobs run cold",
					      [SPAWN_TIER_STARTING] = "starting: jobs run cold",
					      [SPAWN_TIER_SERVING] = "serving" };
	const struct spawn_tier_status status = *shared;
	char snapshot[80] = "ok";

	if (status.state > SPAWN_TIER_SERVING)
		return NULL;
	if (status.image_error)
		snprintf(snapshot, sizeof snapshot, "absent: %.60s", strerror(status.image_error));
	return json_pack("{s:s, s:I, s:I, s:I, s:s, s:I, s:I}", "state", states[status.state], "ready",
			 (json_int_t)status.ready, "restarts", (json_int_t)status.restarts, "replaced",
			 (json_int_t)status.replaced, "snapshot", snapshot, "snapshot_bytes",
			 (json_int_t)status.image_bytes, "prefault_pages", (json_int_t)status.prefault_pages);
}

static json_t *templates(const struct web_setup *setup)
{
	static const char *const names[WIRE_TIERS] = { [WIRE_BARE] = "bare", [WIRE_FULL] = "full" };
	json_t *object = json_object();

	for (int tier = 0; tier < WIRE_TIERS; tier++)
		if (setup->spawn_status->tiers[tier].wanted)
			json_object_set_new(object, names[tier], template_status(&setup->spawn_status->tiers[tier]));
	return object;
}

static bool is_warm(const struct web_setup *setup)
{
	return setup->config->start == START_WARM && !setup->no_templates;
}

static const char *why_not_ready(const struct service *s)
{
	if (s->draining)
		return "draining: the service is stopping";
	if (s->executor->spawner_gone)
		return "the process that starts jobs is gone";
	if (s->executor->spawner_hangs)
		return "the process that starts jobs hangs";
	return NULL;
}

static struct reply answer_health(const struct service *s, const struct route_request *r)
{
	const struct web_setup *setup = s->setup;
	const char *reason = why_not_ready(s);
	const char *status = s->draining ? "draining" : reason ? "unhealthy" : "healthy";
	json_t *health = json_pack("{s:b, s:s, s:s, s:s, s:{s:s, s:o}, s:s, s:s, s:{s:I, s:I, s:I, s:I}, s:f}", "ok",
				   reason == NULL, "status", status, "service", SAFE_EXEC_NAME, "version",
				   SAFE_EXEC_VERSION, "isolation", "level", setup->level, "layers", layers(setup),
				   "memory_enforced_by", setup->memory_enforced_by, "start",
				   is_warm(setup) ? "warm" : "cold", "jobs", "running",
				   (json_int_t)s->executor->running_count, "queued",
				   (json_int_t)s->executor->waiting_count, "slots",
				   (json_int_t)s->executor->settings.slots, "queue_limit",
				   (json_int_t)s->executor->settings.queue_limit, "uptime_seconds",
				   (double)((io_now_us() - s->started_us) / 1000) / 1000);

	(void)r;
	if (health && setup->no_templates)
		json_object_set_new(health, "no_templates", json_string(setup->no_templates));
	if (health && is_warm(setup))
		json_object_set_new(health, "templates", templates(setup));
	if (health && reason)
		json_object_set_new(health, "reason", json_string(reason));
	return reply_json(reason ? 503 : 200, health);
}

static bool is_full(const struct executor *e)
{
	return e->running_count + e->waiting_count >= e->settings.slots + e->settings.queue_limit;
}

static struct reply answer_ready(const struct service *s, const struct route_request *r)
{
	const char *reason = why_not_ready(s);

	if (!reason && is_full(s->executor))
		reason = "full: all slots and the queue are taken";

	(void)r;
	if (!reason)
		return reply_json(200, json_pack("{s:b}", "ready", 1));
	return reply_json(503, json_pack("{s:b, s:s}", "ready", 0, "reason", reason));
}

/* ---- numbers for those who watch it ---------------------------------------------------------------------------------- */

static struct reply answer_metrics(const struct service *s, const struct route_request *r)
{
	const struct executor *e = s->executor;
	const struct metrics_gauges gauges = { .running = e->running_count,
					       .waiting = e->waiting_count,
					       .slots = e->settings.slots,
					       .queue_limit = e->settings.queue_limit };
	struct reply reply = { .status = 200, .content_type = "text/plain; version=0.0.4; charset=utf-8" };

	(void)r;
	reply.body = metrics_page(e->metrics, &gauges, s->setup, &reply.length);
	return reply.body ? reply : reply_error(OUTCOME_INTERNAL, "The service is out of memory.", NULL);
}

/* ---- what this is ------------------------------------------------------------------------------------------------------- */

static json_t *list_routes(const struct service *s);

static json_t *limits(const struct config *c)
{
	return json_pack("{s:I, s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "script_bytes",
			 (json_int_t)c->max_script_bytes, "stdout_bytes", (json_int_t)c->max_stdout_bytes,
			 "result_bytes", (json_int_t)c->max_result_bytes, "time_seconds",
			 (double)c->time_limit_ms / 1000, "cpu_seconds", (json_int_t)c->cpu_limit_sec, "memory_mb",
			 (json_int_t)c->mem_limit_mb, "file_mb", (json_int_t)c->fsize_limit_mb, "tmp_mb",
			 (json_int_t)c->tmp_limit_mb, "open_files", (json_int_t)c->nofile_limit, "processes",
			 (json_int_t)c->nproc_limit, "concurrency", (json_int_t)c->max_concurrency, "queue",
			 (json_int_t)c->max_queue);
}

static json_t *packages(const struct runtime *r)
{
	json_t *object = json_object();

	for (size_t i = 0; i < r->package_count; i++)
		json_object_set_new(object, r->packages[i].name, json_string(r->packages[i].version));
	return object;
}

static struct reply answer_root(const struct service *s, const struct route_request *r)
{
	struct reply reply;

	if (r->wants_html)
		reply = reply_asset(&asset_index_html, "text/html; charset=utf-8");
	else
		reply = reply_json(200,
				   json_pack("{s:s, s:s, s:s, s:o, s:o, s:{s:s, s:o}, s:s, s:s}", "service",
					     SAFE_EXEC_NAME, "version", SAFE_EXEC_VERSION, "description",
					     "Runs untrusted Python: POST /execute {\"script\": \"def main(): ...\"}",
					     "endpoints", list_routes(s), "limits", limits(s->setup->config), "python",
					     "version", s->setup->runtime->version, "packages",
					     packages(s->setup->runtime), "docs", "/docs", "openapi", "/openapi.json"));
	reply.varies = true;
	return reply;
}

static struct reply answer_routes(const struct service *s, const struct route_request *r)
{
	(void)r;
	return reply_json(200, json_pack("{s:o}", "routes", list_routes(s)));
}

static struct reply answer_openapi(const struct service *s, const struct route_request *r)
{
	(void)r;
	return (struct reply){ .status = 200, .static_body = s->openapi, .length = s->openapi_length };
}

/* ---- pages ----------------------------------------------------------------------------------------------------------------- */

static struct reply answer_docs(const struct service *s, const struct route_request *r)
{
	(void)s;
	(void)r;
	return reply_asset(&asset_docs_html, "text/html; charset=utf-8");
}

static struct reply answer_docs_js(const struct service *s, const struct route_request *r)
{
	(void)s;
	(void)r;
	return reply_asset(&asset_docs_js, "text/javascript; charset=utf-8");
}

static struct reply answer_index_js(const struct service *s, const struct route_request *r)
{
	(void)s;
	(void)r;
	return reply_asset(&asset_index_js, "text/javascript; charset=utf-8");
}

static struct reply answer_style(const struct service *s, const struct route_request *r)
{
	(void)s;
	(void)r;
	return reply_asset(&asset_style_css, "text/css; charset=utf-8");
}

static struct reply answer_swagger_js(const struct service *s, const struct route_request *r)
{
	(void)s;
	return reply_compressed(&asset_swagger_js_gz, "text/javascript; charset=utf-8", r);
}

static struct reply answer_swagger_css(const struct service *s, const struct route_request *r)
{
	(void)s;
	return reply_compressed(&asset_swagger_css_gz, "text/css; charset=utf-8", r);
}

/* ---- the table ---------------------------------------------------------------------------------------------------------------- */

static const struct route routes[] = {
	{ "POST", "/execute", "Run a script: {\"script\": \"def main(): ...\"}", NULL },
	{ "GET", "/health", "State of the service and what isolates the scripts", answer_health },
	{ "GET", "/healthz", "The same as /health", answer_health },
	{ "GET", "/ready", "200 when a script sent now would be run", answer_ready },
	{ "GET", "/", "What this is: limits, Python and package versions", answer_root },
	{ "GET", "/docs", "This API as a page", answer_docs },
	{ "GET", "/openapi.json", "This API as an OpenAPI 3.1 document", answer_openapi },
	{ "GET", "/routes", "This list", answer_routes },
	{ "GET", "/metrics", "Counters and gauges for Prometheus", answer_metrics },
	{ "GET", "/docs/docs.js", NULL, answer_docs_js },
	{ "GET", "/docs/index.js", NULL, answer_index_js },
	{ "GET", "/docs/style.css", NULL, answer_style },
	{ "GET", "/docs/swagger-ui-bundle.js", NULL, answer_swagger_js },
	{ "GET", "/docs/swagger-ui.css", NULL, answer_swagger_css },
};

enum { ROUTES = sizeof routes / sizeof routes[0] };

_Static_assert((int)ROUTES < (int)METRICS_ROUTES, "each path is a label, and one is for the unknown ones");

static bool is_served(const struct service *s, const struct route *r)
{
	return r->answer != answer_metrics || s->setup->config->metrics == METRICS_ON;
}

static json_t *list_routes(const struct service *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ROUTES; i++)
		if (routes[i].summary && is_served(s, &routes[i]))
			json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "method", routes[i].method, "path",
							      routes[i].path, "summary", routes[i].summary));
	return list;
}

const char *route_path(const struct service *s, const char *path)
{
	for (size_t i = 0; i < ROUTES; i++)
		if (strcmp(routes[i].path, path) == 0 && is_served(s, &routes[i]))
			return routes[i].path;
	return NULL;
}

const struct route *route_find(const struct service *s, const char *method, const char *path, struct reply *error)
{
	const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
	const char *taken = NULL;

	for (size_t i = 0; i < ROUTES; i++) {
		if (strcmp(routes[i].path, path) != 0 || !is_served(s, &routes[i]))
			continue;
		if (strcmp(routes[i].method, wanted) == 0)
			return &routes[i];
		taken = strcmp(routes[i].method, "GET") == 0 ? "GET, HEAD" : routes[i].method;
	}
	*error = reply_error(taken ? OUTCOME_METHOD_NOT_ALLOWED : OUTCOME_NOT_FOUND, NULL, NULL);
	error->allow = taken;
	return NULL;
}

int service_open(struct service *s, const struct web_setup *setup, const struct executor *executor)
{
	static const char mark[] = "@VERSION@";
	const char *at = memmem(asset_openapi.bytes, asset_openapi.length, mark, sizeof mark - 1);
	int head = at ? (int)(at - asset_openapi.bytes) : (int)asset_openapi.length;
	int length = asprintf(&s->openapi, "%.*s%s%s", head, asset_openapi.bytes, at ? SAFE_EXEC_VERSION : "",
			      at ? at + sizeof mark - 1 : "");

	size_t seed;

	/* Of hash tables, against chosen collisions; jansson would open /dev/urandom for it on first use. */
	if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
		return -1;
	json_object_seed(seed | 1);
	s->setup = setup;
	s->executor = executor;
	s->started_us = io_now_us();
	s->draining = false;
	s->openapi_length = length < 0 ? 0 : (size_t)length;
	return length < 0 ? -1 : 0;
}
