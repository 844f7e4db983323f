/* SPDX-License-Identifier: MIT */
/* What a request's header section must look like before a byte of its body is read. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reply.h"
#include "trace.h"

enum { STRICT_ID_BYTES = 128, STRICT_CLIENT_BYTES = 64 };

/* What of the headers matters, gathered one header at a time. */
struct strict_head {
	unsigned host, content_length, content_type, transfer_encoding; /* how often */
	bool bad_name;  /* a field name that is no token (RFC 9110, 5.6.2) */
	bool bad_value; /* a control character in a value */
	bool content_encoding;
	bool chunked;    /* Transfer-Encoding is exactly "chunked" */
	bool bad_length; /* Content-Length is no number */
	bool json;       /* Content-Type is application/json, with or without parameters */
	bool wants_html, accepts_gzip;
	uint64_t length;
	char id[STRICT_ID_BYTES + 1]; /* X-Request-Id if it can be used, else "" */
	unsigned parents, clouds;     /* how often traceparent and X-Cloud-Trace-Context */
	struct trace parent, cloud;   /* what they say, each if it is valid */
	const char *client_field;     /* given by the caller: a field that names the client, or NULL */
	char client
		[STRICT_CLIENT_BYTES]; /* its last element: what the nearest proxy wrote; "" if there is none of use */
};

/* Takes one header; value need not end with NUL. */
void strict_take(struct strict_head *h, const char *name, const char *value, size_t value_length);

/*
 * The trace of the request, with id "" when there is none. traceparent comes first; a header that is there more than once
 * counts as none.
 */
const struct trace *strict_trace(const struct strict_head *h);

/* The method if it is one of HTTP's own, else "other": a text of a fixed set, whatever was sent. */
const char *strict_method(const char *method);

/*
 * True when the request may go on. False: *error is the answer, after which the connection must be closed, since
 * where the next request begins is uncertain. is_execute: also the body's type and size are looked at.
 */
bool strict_allows(const struct strict_head *h, bool is_execute, size_t body_limit, struct reply *error);
