/* SPDX-License-Identifier: MIT */
/*
 * Parses the runner's claim: see include/frame.h. Runs in web, on hostile bytes; pure.
 *
 * The payload is validated by jansson and then passed on byte for byte, because parsing and dumping again would turn
 * 0.1 into 0.10000000000000001 and refuse 2**100. Two kinds of valid JSON are more than jansson can hold: integers
 * beyond the largest double, and NUL in an object's key. A copy is validated in which those are replaced by
 * something equally valid of the same length.
 */
#define _GNU_SOURCE
#include "frame.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
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
 * A code point for "\u0000" that the text does not hold, or two keys could become one: of U+FDD0 to U+FDEF, which are
 * never characters. The escape of the one chosen goes to escape[7].
 */
static void choose_stand_in(const char *text, size_t length, char escape[7])
{
	for (unsigned code = 0xfdd0; code <= 0xfdef; code++) {
		const char raw[3] = { '\xef', '\xb7', (char)(0x80 | (code & 0x3f)) };

		snprintf(escape, 7, "\\u%04x", code);
		if (!memmem(text, length, raw, sizeof raw) && !memmem(text, length, escape, 6))
			return;
	}
}

/*
 * "\u0000" becomes its stand-in, and 123...9 becomes 1.3...9, which is a number
 * of the same length; but only where no fraction follows, since 1.3.5 would be none.
 */
static void soften(char *text, size_t length)
{
	bool in_string = false;
	char stand_in[7];

	choose_stand_in(text, length, stand_in);
	for (size_t i = 0; i < length; i++) {
		size_t end = i;

		if (in_string && text[i] == '\\') {
			if (length - i >= 6 && memcmp(text + i, "\\u0000", 6) == 0)
				memcpy(text + i, stand_in, 6);
			i++;
			continue;
		}
		if (text[i] == '"')
			in_string = !in_string;
		if (in_string || !digit_at(text, length, i))
			continue;
		while (digit_at(text, length, end))
			end++;
		if (end - i > DIGITS_MOST && text[i] != '0' && (i == 0 || text[i - 1] != '.') &&
		    (end == length || (text[end] != '.' && text[end] != 'e' && text[end] != 'E')))
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

/* ---- errors: a script that stole the nonce can forge one, but none that breaks the contract ---------------------- */

enum shape { TEXT, TEXT_OR_NULL, COUNT, COUNT_OR_NULL, TEXTS };

static bool has_shape(const json_t *value, enum shape shape)
{
	const json_t *item;
	size_t i;

	switch (shape) {
	case TEXT_OR_NULL:
		return json_is_null(value) || json_is_string(value);
	case TEXT:
		return json_is_string(value);
	case COUNT_OR_NULL:
		return json_is_null(value) || (json_is_integer(value) && json_integer_value(value) >= 0);
	case COUNT:
		return json_is_integer(value) && json_integer_value(value) >= 0;
	case TEXTS:
		json_array_foreach(value, i, item)
			if (!json_is_string(item))
				return false;
		return json_is_array(value);
	}
	return false;
}

enum { MEMBERS_MAX = 5 };

/* clang-format off */
/* What "details" holds, by code. */
static const struct {
	enum outcome_code code;
	struct {
		const char *name;
		enum shape shape;
		bool optional;
	} member[MEMBERS_MAX];
} details_of[] = {
	{ OUTCOME_SYNTAX_ERROR,
	  { { "message", TEXT, false }, { "line", COUNT_OR_NULL, false }, { "column", COUNT_OR_NULL, false }, { "text", TEXT_OR_NULL, false } } },
	{ OUTCOME_NO_MAIN, { { NULL, TEXT, false } } },
	{ OUTCOME_INVALID_MAIN, { { "type", TEXT, false }, { "arguments", TEXTS, true } } },
	{ OUTCOME_IMPORT_ERROR,
	  { { "module", TEXT_OR_NULL, false }, { "installed", TEXTS, false }, { "line", COUNT_OR_NULL, false }, { "traceback", TEXT, false } } },
	{ OUTCOME_EXCEPTION,
	  { { "type", TEXT, false }, { "message", TEXT, false }, { "line", COUNT_OR_NULL, false }, { "traceback", TEXT, false } } },
	{ OUTCOME_NON_JSON_RETURN, { { "path", TEXT, false }, { "type", TEXT, false } } },
	{ OUTCOME_RESULT_TOO_LARGE, { { "bytes", COUNT, false }, { "limit", COUNT, false } } },
	{ OUTCOME_MEMORY_LIMIT,
	  { { "type", TEXT, false }, { "message", TEXT, false }, { "line", COUNT_OR_NULL, false }, { "traceback", TEXT, false } } },
};
/* clang-format on */

static bool details_fit(enum outcome_code code, const json_t *details)
{
	size_t row = 0, found = 0;

	while (row < sizeof details_of / sizeof details_of[0] && details_of[row].code != code)
		row++;
	if (row == sizeof details_of / sizeof details_of[0])
		return false;
	for (size_t i = 0; i < MEMBERS_MAX && details_of[row].member[i].name; i++) {
		const json_t *value = json_object_get(details, details_of[row].member[i].name);

		if (value ? !has_shape(value, details_of[row].member[i].shape) : !details_of[row].member[i].optional)
			return false;
		found += value != NULL;
	}
	return found == json_object_size(details) && (found == 0) == (details == NULL);
}

/* {"code": one that a runner may claim, "message": text, "details": as the code wants it} and nothing else. */
static enum outcome_code error_code(const json_t *error)
{
	const json_t *word = json_object_get(error, "code");
	const char *name = json_string_value(word);
	const json_t *message = json_object_get(error, "message"), *details = json_object_get(error, "details");
	enum outcome_code code = name && strlen(name) == json_string_length(word) ? outcome_claimable(name) :
										    OUTCOME_COUNT;

	if (code == OUTCOME_COUNT || json_string_length(message) == 0 || json_object_size(error) != (details ? 3 : 2) ||
	    !details_fit(code, details))
		return OUTCOME_COUNT;
	return code;
}

static enum outcome_claim parse_error(const char *payload, size_t length, enum outcome_code *code)
{
	json_t *error = json_loadb(payload, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);

	*code = error_code(error);
	json_decref(error);
	return *code == OUTCOME_COUNT ? CLAIM_INVALID : CLAIM_ERROR;
}

/* ---- the frame ------------------------------------------------------------------------------------------------------ */

static bool has_size(char kind, uint64_t payload_bytes, size_t length, uint64_t max_result_bytes)
{
	if (payload_bytes != length - FRAME_HEAD_BYTES)
		return false;
	return (kind == 'R' && payload_bytes <= max_result_bytes) ||
	       (kind == 'E' && payload_bytes <= FRAME_ERROR_MOST_BYTES);
}

struct frame frame_parse(const char *bytes, size_t length, const uint8_t nonce[JOB_NONCE_BYTES],
			 uint64_t max_result_bytes)
{
	struct frame frame = { .claim = CLAIM_INVALID, .code = OUTCOME_COUNT };
	json_t *value;
	char kind;

	if (length == 0)
		return (struct frame){ .claim = CLAIM_NOT_STARTED };
	if (length < FRAME_MARK_BYTES || memcmp(bytes, nonce, JOB_NONCE_BYTES) != 0)
		return frame;
	if (length == FRAME_MARK_BYTES)
		return (struct frame){ .claim = CLAIM_NOTHING };
	if (length < FRAME_HEAD_BYTES || memcmp(bytes + FRAME_MARK_BYTES, nonce, JOB_NONCE_BYTES) != 0)
		return frame;
	kind = bytes[FRAME_MARK_BYTES + JOB_NONCE_BYTES];
	if (!has_size(kind, little_endian_64(bytes + FRAME_MARK_BYTES + JOB_NONCE_BYTES + 1), length, max_result_bytes))
		return frame;
	frame.payload = bytes + FRAME_HEAD_BYTES;
	frame.payload_bytes = length - FRAME_HEAD_BYTES;
	if (memchr(frame.payload, '\0', frame.payload_bytes)) /* jansson 2.14 overlooks one after a number or a word */
		return frame;
	if (kind == 'E') {
		frame.claim = parse_error(frame.payload, frame.payload_bytes, &frame.code);
		return frame;
	}
	value = parse_strictly(frame.payload, frame.payload_bytes);
	frame.claim = value ? CLAIM_RESULT : CLAIM_INVALID;
	json_decref(value);
	return frame;
}
