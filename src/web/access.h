/* SPDX-License-Identifier: MIT */
/* The log line of a request. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "trace.h"

enum { ACCESS_PROJECT_BYTES = 64 };

/* The project whose traces a line belongs to. */
struct access_log {
	char project[ACCESS_PROJECT_BYTES]; /* "": none */
};

/* A request that has ended. No text of it is the client's own but the id, which strict.c has looked at. */
struct access {
	const char *id;
	const char *method;   /* by strict_method() */
	const char *path;     /* of its route; NULL: unknown */
	const char *protocol; /* "HTTP/1.1" */
	const char *code;     /* name of its outcome; NULL: it has none */
	const struct trace *trace;
	unsigned status;        /* 0: no answer was sent */
	uint64_t request_bytes; /* of the bodies alone */
	uint64_t response_bytes;
	uint64_t duration_us;
	bool client_gone;
	bool ran; /* it had a slot: the next two count */
	uint64_t queue_us, run_us;
	bool measured; /* the next three count */
	uint64_t cpu_us, peak_bytes;
	uint32_t start; /* enum wire_start */
};

/* project: NULL, or the value of GOOGLE_CLOUD_PROJECT; one that can be none is not used, and the log says so. */
void access_open(struct access_log *l, const char *project);

void access_write(const struct access_log *l, const struct access *a);
