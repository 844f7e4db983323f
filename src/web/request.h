/* SPDX-License-Identifier: MIT */
/* The body of POST /execute: bytes -> struct job, or the client's error. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "job.h"
#include "reply.h"

/* The largest body that can hold a script of this size: each byte may be written as \u00XX. */
size_t request_body_limit(uint64_t max_script_bytes);

/*
 * Parses and validates. 0: *job is filled (script owned by the caller), limits are the given ones.
 * -1: *error is the answer.
 */
int request_parse(const char *body, size_t length, uint64_t max_script_bytes, const struct job_limits *limits,
		  struct job *job, struct reply *error);
