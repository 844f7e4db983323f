/* SPDX-License-Identifier: MIT */
/* A second opinion on JSON: a strict reader of RFC 8259 that shares nothing with the parser under test. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends the run, with the reason, when something that must always hold does not. */
#define ALWAYS(condition)                                                                                              \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                 \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

enum { JSON_DEPTH_MOST = 4096 };

struct json_text {
	const char *at, *end;
	unsigned depth;
};

static void json_blanks(struct json_text *t)
{
	while (t->at < t->end && (*t->at == ' ' || *t->at == '\t' || *t->at == '\n' || *t->at == '\r'))
		t->at++;
}

static bool json_take(struct json_text *t, char c)
{
	if (t->at == t->end || *t->at != c)
		return false;
	t->at++;
	return true;
}

static bool json_word(struct json_text *t, const char *word)
{
	size_t length = strlen(word);

	if ((size_t)(t->end - t->at) < length || memcmp(t->at, word, length) != 0)
		return false;
	t->at += length;
	return true;
}

static size_t json_digits(struct json_text *t)
{
	const char *start = t->at;

	while (t->at < t->end && *t->at >= '0' && *t->at <= '9')
		t->at++;
	return (size_t)(t->at - start);
}

static bool json_numeral(struct json_text *t)
{
	json_take(t, '-');
	if (!json_take(t, '0') && json_digits(t) == 0)
		return false;
	if (json_take(t, '.') && json_digits(t) == 0)
		return false;
	if (json_take(t, 'e') || json_take(t, 'E')) {
		if (!json_take(t, '+'))
			json_take(t, '-');
		return json_digits(t) > 0;
	}
	return true;
}

static bool json_escape(struct json_text *t)
{
	if (t->at == t->end)
		return false;
	if (*t->at != 'u')
		return strchr("\"\\/bfnrt", *t->at) != NULL && *t->at++ != '\0';
	t->at++;
	for (int i = 0; i < 4; i++, t->at++)
		if (t->at == t->end || *t->at == '\0' || !strchr("0123456789abcdefABCDEF", *t->at))
			return false;
	return true;
}

static bool json_quoted(struct json_text *t)
{
	if (!json_take(t, '"'))
		return false;
	while (t->at < t->end && *t->at != '"') {
		unsigned char c = (unsigned char)*t->at++;

		if (c < 0x20 || (c == '\\' && !json_escape(t)))
			return false;
	}
	return json_take(t, '"');
}

static bool json_value(struct json_text *t, unsigned *members);

/* Members or items up to the closing character. */
static bool json_list(struct json_text *t, char close, unsigned *members)
{
	json_blanks(t);
	if (json_take(t, close))
		return true;
	do {
		json_blanks(t);
		if (close == '}') {
			if (!json_quoted(t))
				return false;
			json_blanks(t);
			if (!json_take(t, ':'))
				return false;
		}
		if (!json_value(t, NULL))
			return false;
		*members += 1;
		json_blanks(t);
	} while (json_take(t, ','));
	return json_take(t, close);
}

static bool json_value(struct json_text *t, unsigned *members)
{
	unsigned count = 0;
	bool fine;

	json_blanks(t);
	if (t->at == t->end || ++t->depth > JSON_DEPTH_MOST)
		return false;
	if (*t->at == '"')
		fine = json_quoted(t);
	else if (json_take(t, '{'))
		fine = json_list(t, '}', &count);
	else if (json_take(t, '['))
		fine = json_list(t, ']', &count);
	else
		fine = json_word(t, "true") || json_word(t, "false") || json_word(t, "null") || json_numeral(t);
	t->depth--;
	if (members)
		*members = count;
	return fine;
}

/* Whether the bytes are one JSON text; *members is the number of members or items at its top. */
static bool json_is_valid(const char *bytes, size_t length, unsigned *members)
{
	struct json_text t = { .at = bytes, .end = bytes + length };

	if (!json_value(&t, members))
		return false;
	json_blanks(&t);
	return t.at == t.end;
}
