/* SPDX-License-Identifier: MIT */
/* The trace that a request belongs to, by the headers of W3C Trace Context and of Google Cloud. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { TRACE_ID_DIGITS = 32, TRACE_SPAN_DIGITS = 16 };

/* Lower-case hexadecimal digits, never all zero; "" where there is none. */
struct trace {
	char id[TRACE_ID_DIGITS + 1];
	char span[TRACE_SPAN_DIGITS + 1];
	bool sampled;
};

/* Each gives false, and *t as it was, when value (which need not end with NUL) is no header of its kind. */

/* traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 */
bool trace_parse_parent(struct trace *t, const char *value, size_t length);

/* X-Cloud-Trace-Context: 105445aa7843bc8bf206b12000100000/1;o=1, the span in decimal; "/..." and ";o=..." may be missing. */
bool trace_parse_cloud(struct trace *t, const char *value, size_t length);
