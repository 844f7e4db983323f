/* SPDX-License-Identifier: MIT */
/* The table of routes and the answers of all but POST /execute. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "execute.h"
#include "reply.h"
#include "web.h"

/* What the answers tell about the service. */
struct service {
	const struct web_setup *setup;
	const struct executor *executor;
	uint64_t started_us;
	bool draining;
	char *openapi; /* with the version filled in; owned */
	size_t openapi_length;
};

/* What of a request an answer may depend on. */
struct route_request {
	bool wants_html;
	bool accepts_gzip;
};

struct route {
	const char *method; /* GET, which includes HEAD, or POST */
	const char *path;
	const char *summary; /* NULL: a part of a page, not listed */
	struct reply (*answer)(const struct service *s, const struct route_request *r); /* NULL: POST /execute */
};

/* Also seeds jansson. -1 with errno. */
int service_open(struct service *s, const struct web_setup *setup, const struct executor *executor);

/* The path as the table has it, whatever the method: a text that stays. NULL: there is no such path. */
const char *route_path(const struct service *s, const char *path);

/*
 * Finds the route. NULL: *error is a 404, or a 405 with the methods that the path takes. HEAD finds GET routes.
 */
const struct route *route_find(const struct service *s, const char *method, const char *path, struct reply *error);
