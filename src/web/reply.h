/* SPDX-License-Identifier: MIT */
/* Answers: what is sent back, and the functions that build it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "frame.h"
#include "outcome.h"

struct reply {
	unsigned status;
	char *body; /* owned; NULL: static_body counts */
	const char *static_body;
	size_t length;
	const char *content_type; /* NULL: application/json */
	const char *code;         /* for the log: name of the outcome */
	const char *allow;        /* for 405 */
	unsigned retry_after;     /* seconds; 0: no header */
	bool close;               /* end the connection after this answer */
	bool gzip;                /* the body is compressed */
	bool page;                /* a page or a part of one: with the Content-Security-Policy */
	bool varies;              /* depends on Accept */
};

/* An error of the contract without a job. details is a JSON object's text or NULL; message NULL: the code's own. */
struct reply reply_error(enum outcome_code code, const char *message, const char *details);

/* The same with one member in details, a text. */
struct reply reply_error_member(enum outcome_code code, const char *message, const char *member, const char *value);

/* OVERLOADED, with Retry-After. */
struct reply reply_overloaded(const char *message);

/* What a job printed and how it ended. */
struct reply_job {
	struct outcome outcome;
	const struct frame *frame;
	const char *stdout_bytes; /* any bytes */
	size_t stdout_length;
	bool stdout_cut;
	const char *stderr_bytes;
	size_t stderr_length;
	const struct job_limits *limits;
};

/* Never fails: out of memory becomes a reply without a body of its own (500). */
struct reply reply_job(const struct reply_job *job);

/* Releases the body. */
void reply_free(struct reply *reply);
