/* SPDX-License-Identifier: MIT */
/*
 * Trace headers: see trace.h. Runs in web, on hostile bytes; pure.
 *
 * What comes out is copied into the log, so it is made of hexadecimal digits only. A header that is not exactly as its
 * specification says counts as none: a wrong trace would be worse than none.
 */
#include "trace.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
	VERSION_DIGITS = 2,
	PARENT_BYTES = 55, /* of version 00; later versions may go on after another dash */
	ID_AT = 3,
	SPAN_AT = 36,
	FLAGS_AT = 53,
	OPTIONS_MOST = 255,
};

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_hex(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (digit_of(text[i]) < 0)
			return false;
	return true;
}

/* Of an id: not all zero, too, which means none. */
static bool is_id(const char *text, size_t length)
{
	bool zero = true;

	for (size_t i = 0; i < length; i++)
		zero = zero && text[i] == '0';
	return !zero && is_hex(text, length);
}

bool trace_parse_parent(struct trace *t, const char *value, size_t length)
{
	bool first_version;

	if (length < PARENT_BYTES || value[ID_AT - 1] != '-' || value[SPAN_AT - 1] != '-' || value[FLAGS_AT - 1] != '-')
		return false;
	first_version = memcmp(value, "00", VERSION_DIGITS) == 0;
	if (!is_hex(value, VERSION_DIGITS) || memcmp(value, "ff", VERSION_DIGITS) == 0)
		return false;
	if (length > PARENT_BYTES && (first_version || value[PARENT_BYTES] != '-'))
		return false;
	if (!is_id(value + ID_AT, TRACE_ID_DIGITS) || !is_id(value + SPAN_AT, TRACE_SPAN_DIGITS) ||
	    !is_hex(value + FLAGS_AT, PARENT_BYTES - FLAGS_AT))
		return false;
	*t = (struct trace){ .sampled = digit_of(value[PARENT_BYTES - 1]) & 1 };
	memcpy(t->id, value + ID_AT, TRACE_ID_DIGITS);
	memcpy(t->span, value + SPAN_AT, TRACE_SPAN_DIGITS);
	return true;
}

/* Takes the decimal number at *at, which it moves; false when there is none, or one above most. */
static bool take_number(const char *value, size_t length, size_t *at, uint64_t most, uint64_t *number)
{
	size_t start = *at;

	*number = 0;
	for (; *at < length && value[*at] >= '0' && value[*at] <= '9'; (*at)++) {
		uint64_t digit = (uint64_t)(value[*at] - '0');

		if (*number > (most - digit) / 10)
			return false;
		*number = *number * 10 + digit;
	}
	return *at > start;
}

/* Google's own libraries write the id in either case, and 0 for the span of a trace that begins. */
bool trace_parse_cloud(struct trace *t, const char *value, size_t length)
{
	struct trace found = { .sampled = false };
	uint64_t span = 0, options = 0;
	size_t at = TRACE_ID_DIGITS;

	if (length < TRACE_ID_DIGITS)
		return false;
	for (size_t i = 0; i < TRACE_ID_DIGITS; i++)
		found.id[i] = value[i] >= 'A' && value[i] <= 'F' ? (char)(value[i] - 'A' + 'a') : value[i];
	if (!is_id(found.id, TRACE_ID_DIGITS))
		return false;
	if (at < length && value[at] == '/') {
		at++;
		if (!take_number(value, length, &at, UINT64_MAX, &span))
			return false;
	}
	if (length - at >= 3 && memcmp(value + at, ";o=", 3) == 0) {
		at += 3;
		if (!take_number(value, length, &at, OPTIONS_MOST, &options))
			return false;
	}
	if (at != length)
		return false;
	if (span)
		snprintf(found.span, sizeof found.span, "%016llx", (unsigned long long)span);
	found.sampled = options & 1;
	*t = found;
	return true;
}
