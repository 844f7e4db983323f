/* SPDX-License-Identifier: MIT */
/*
 * Parses the runner's claim: see include/frame.h. Runs in web, on hostile bytes; pure.
 *
 * The payload is validated by jansson and then passed on byte for byte, because parsing and dumping again would turn
 * 0.1 into 0.10000000000000001 and refuse 2**100. Two kinds of valid JSON are more than jansson can hold: integers
 * beyond the largest double, and NUL in an object's key. A copy is validated in which those are replaced by
 * something equally valid of the same length.
 */
#include "frame.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "own.h"

enum { DIGITS_MOST = 300 /* a double ends near 1e308 */ };

static const size_t strict = JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES;

static uint64_t little_endian_64(const char *bytes)
{
	uint64_t value = 0;

	for (int i = 7; i >= 0; i--)
		value = value << 8 | (unsigned char)bytes[i];
	return value;
}

/* Whether the text has a run of digits outside strings too long for a double, or an escaped NUL in a string. */
static bool needs_softening(const char *text, size_t length)
{
	size_t digits = 0;
	bool in_string = false;

	for (size_t i = 0; i < length; i++) {
		if (in_string && text[i] == '\\') {
			if (length - i >= 6 && memcmp(text + i, "\\u0000", 6) == 0)
				return true;
			i++;
			continue;
		}
		if (text[i] == '"')
			in_string = !in_string;
		digits = !in_string && text[i] >= '0' && text[i] <= '9' ? digits + 1 : 0;
		if (digits > DIGITS_MOST)
			return true;
	}
	return false;
}

static bool digit_at(const char *text, size_t length, size_t i)
{
	return i < length && text[i] >= '0' && text[i] <= '9';
}

/*
 * "\u0000" becomes "\ufdd0" (a code point that is never a character), and 123...9 becomes 1.3...9, which is a number
 * of the same length; but only where no fraction follows, since 1.3.5 would be none.
 */
static void soften(char *text, size_t length)
{
	bool in_string = false;

	for (size_t i = 0; i < length; i++) {
		size_t end = i;

		if (in_string && text[i] == '\\') {
			if (length - i >= 6 && memcmp(text + i, "\\u0000", 6) == 0)
				memcpy(text + i, "\\ufdd0", 6);
			i++;
			continue;
		}
		if (text[i] == '"')
			in_string = !in_string;
		if (in_string || !digit_at(text, length, i))
			continue;
		while (digit_at(text, length, end))
			end++;
		if (end - i > DIGITS_MOST && (i == 0 || text[i - 1] != '.') && (end == length || (text[end] != '.' && text[end] != 'e' && text[end] != 'E')))
			text[i + 1] = '.';
		i = end - 1;
	}
}

static json_t *parse_strictly(const char *payload, size_t length)
{
	OWNED(char) copy = NULL;

	if (!needs_softening(payload, length))
		return json_loadb(payload, length, strict, NULL);
	copy = malloc(length);
	if (!copy)
		return NULL;
	memcpy(copy, payload, length);
	soften(copy, length);
	return json_loadb(copy, length, strict, NULL);
}

/* {"code": one that a runner may claim, "message": text, "details": object (optional)} and nothing else. */
static enum outcome_code error_code(const json_t *error)
{
	const char *code = json_string_value(json_object_get(error, "code"));
	const json_t *details = json_object_get(error, "details");
	size_t members = details ? 3 : 2;

	if (!code || !json_is_string(json_object_get(error, "message")) || (details && !json_is_object(details)) ||
	    json_object_size(error) != members)
		return OUTCOME_COUNT;
	return outcome_claimable(code);
}

static bool has_size(char kind, uint64_t payload_bytes, size_t length, uint64_t max_result_bytes)
{
	if (payload_bytes != length - FRAME_HEAD_BYTES)
		return false;
	return (kind == 'R' && payload_bytes <= max_result_bytes) || (kind == 'E' && payload_bytes <= FRAME_ERROR_MOST_BYTES);
}

struct frame frame_parse(const char *bytes, size_t length, const uint8_t nonce[JOB_NONCE_BYTES], uint64_t max_result_bytes)
{
	struct frame frame = { .claim = CLAIM_INVALID, .code = OUTCOME_COUNT };
	json_t *value;
	char kind;

	if (length == 0)
		return (struct frame){ .claim = CLAIM_NOTHING };
	if (length < FRAME_HEAD_BYTES || memcmp(bytes, nonce, JOB_NONCE_BYTES) != 0)
		return frame;
	kind = bytes[JOB_NONCE_BYTES];
	if (!has_size(kind, little_endian_64(bytes + JOB_NONCE_BYTES + 1), length, max_result_bytes))
		return frame;
	frame.payload = bytes + FRAME_HEAD_BYTES;
	frame.payload_bytes = length - FRAME_HEAD_BYTES;
	value = parse_strictly(frame.payload, frame.payload_bytes);
	if (value && kind == 'R')
		frame.claim = CLAIM_RESULT;
	if (value && kind == 'E') {
		frame.code = error_code(value);
		frame.claim = frame.code == OUTCOME_COUNT ? CLAIM_INVALID : CLAIM_ERROR;
	}
	json_decref(value);
	return frame;
}
