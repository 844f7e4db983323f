/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: a header section, as lines of `name:value`. The first byte says whether it belongs to POST /execute.
 * What is allowed must say where its body ends in exactly one way, which is counted here a second time.
 */
#include <strings.h>

#include "../../src/web/strict.h"
#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BODY_LIMIT = 1 << 20, NAME_MOST = 256 };

struct counts {
	unsigned host, length, type, coding;
	bool encoded;
};

static void count(struct counts *c, const char *name)
{
	c->host += strcasecmp(name, "Host") == 0;
	c->length += strcasecmp(name, "Content-Length") == 0;
	c->type += strcasecmp(name, "Content-Type") == 0;
	c->coding += strcasecmp(name, "Transfer-Encoding") == 0;
	c->encoded |= strcasecmp(name, "Content-Encoding") == 0;
}

/* One line, in copies of exactly its size. */
static void take_line(struct strict_head *h, struct counts *c, const char *line, size_t length)
{
	const char *colon = memchr(line, ':', length);
	size_t name_length = colon ? (size_t)(colon - line) : length,
	       value_length = length - name_length - (colon != NULL);
	char name[NAME_MOST], *value = malloc(value_length ? value_length : 1);

	ALWAYS(value);
	if (name_length >= sizeof name || memchr(line, '\0', name_length)) {
		free(value);
		return; /* the library ends a name at NUL */
	}
	memcpy(name, line, name_length);
	name[name_length] = '\0';
	if (value_length)
		memcpy(value, line + name_length + 1, value_length);
	strict_take(h, name, value, value_length);
	count(c, name);
	free(value);
}

static void check_allowed(const struct strict_head *h, const struct counts *c, bool is_execute)
{
	ALWAYS(c->host == 1 && c->length + c->coding <= 1 && c->type <= 1);
	ALWAYS(c->length == 0 ? h->length == 0 : h->length <= BODY_LIMIT);
	ALWAYS(c->coding == 0 || h->chunked);
	ALWAYS(!is_execute || (c->type == 1 && h->json && !c->encoded));
}

/* Both go into the log: digits in their number, or nothing. */
static void check_digits(const char *text, size_t wanted, bool needed)
{
	size_t length = strlen(text);

	ALWAYS(length == wanted || (length == 0 && !needed));
	ALWAYS(strspn(text, "0123456789abcdef") == length);
	ALWAYS(length == 0 || strspn(text, "0") < length);
}

static void check_trace(const struct strict_head *h)
{
	const struct trace *t = strict_trace(h);

	check_digits(t->id, TRACE_ID_DIGITS, t->span[0] || t->sampled);
	check_digits(t->span, TRACE_SPAN_DIGITS, false);
}

static void check_refused(struct reply *error)
{
	unsigned members;

	ALWAYS(error->body && error->close && error->status >= 400 && error->status < 500);
	ALWAYS(json_is_valid(error->body, error->length, &members) && members == 1);
	reply_free(error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strict_head h = { .client_field = "X-Forwarded-For" };
	struct counts c = { .host = 0 };
	struct reply error = { .status = 0 };
	const char *next = (const char *)data + 1, *end = (const char *)data + size;

	if (size == 0)
		return 0;
	while (next < end) {
		const char *newline = memchr(next, '\n', (size_t)(end - next));
		size_t length = (size_t)((newline ? newline : end) - next);

		take_line(&h, &c, next, length);
		next += length + (newline != NULL);
	}
	for (const char *id = h.id; *id; id++)
		ALWAYS(*id > 0x20 && *id < 0x7f);
	check_trace(&h);
	if (strict_allows(&h, data[0] & 1, BODY_LIMIT, &error))
		check_allowed(&h, &c, data[0] & 1);
	else
		check_refused(&error);
	return 0;
}
