/* SPDX-License-Identifier: MIT */
/*
 * A second opinion on HTTP/1.1 messages (RFC 9112): how a strict party that stands before the service would cut a
 * stream of requests. Where it would refuse, the stream ends here, with the reason why.
 */
#pragma once

#include <strings.h>

#include "json.h"

enum { HTTP_REQUESTS_MOST = 64, HTTP_TEXT_MOST = 128 };

enum http_end {
	HTTP_WHOLE,     /* nothing is left */
	HTTP_PARTIAL,   /* what is left may become a request */
	HTTP_AMBIGUOUS, /* two parties could cut the next request in two places: it must be the last one */
	HTTP_REFUSED,   /* the next request has a form that a strict party does not pass on */
};

struct http_request {
	char method[HTTP_TEXT_MOST], path[HTTP_TEXT_MOST];
	char id[HTTP_TEXT_MOST]; /* of its one X-Request-Id; "" otherwise */
	unsigned ids;
	const char *body; /* owned; decoded */
	size_t body_length;
	bool has_line; /* the request line is complete */
	bool is_chunked;
	bool is_head;
};

struct http_stream {
	struct http_request request[HTTP_REQUESTS_MOST + 1]; /* the last one is not whole */
	size_t count;
	enum http_end end;
};

struct http_text {
	const char *at, *end;
};

/* The next line without its CRLF. HTTP_PARTIAL: its end is not there; HTTP_REFUSED: a CR or LF alone, or NUL. */
static enum http_end http_line(struct http_text *t, const char **line, size_t *length)
{
	const char *newline = memchr(t->at, '\n', (size_t)(t->end - t->at));
	size_t bytes = (size_t)((newline ? newline : t->end) - t->at);

	*line = t->at;
	*length = bytes ? bytes - (newline != NULL) : 0;
	if (bytes == 0)
		return newline ? HTTP_REFUSED : HTTP_PARTIAL;
	if (memchr(t->at, '\0', bytes) || memchr(t->at, '\r', bytes - 1))
		return HTTP_REFUSED;
	if (!newline)
		return HTTP_PARTIAL;
	if (newline[-1] != '\r')
		return HTTP_REFUSED;
	t->at = newline + 1;
	return HTTP_WHOLE;
}

static bool http_is_token(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] <= ' ' || text[i] >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", text[i]))
			return false;
	return length > 0;
}

static bool http_copy(char out[HTTP_TEXT_MOST], const char *text, size_t length)
{
	if (length >= HTTP_TEXT_MOST)
		return false;
	memcpy(out, text, length);
	out[length] = '\0';
	return true;
}

static enum http_end http_request_line(struct http_request *r, const char *line, size_t length, bool *is_old)
{
	const char *first = memchr(line, ' ', length),
		   *second = first ? memchr(first + 1, ' ', length - (size_t)(first + 1 - line)) : NULL;

	if (!second || second == first + 1 || !http_is_token(line, (size_t)(first - line)))
		return HTTP_REFUSED;
	for (const char *c = first + 1; c < second; c++)
		if (*c <= ' ' || *c >= 0x7f)
			return HTTP_REFUSED;
	if (line + length - second != 9 || memcmp(second, " HTTP/1.", 8) != 0 || (second[8] != '0' && second[8] != '1'))
		return HTTP_REFUSED;
	*is_old = second[8] == '0';
	if (!http_copy(r->method, line, (size_t)(first - line)) ||
	    !http_copy(r->path, first + 1, (size_t)(second - first - 1)))
		return HTTP_REFUSED;
	r->has_line = true;
	r->is_head = strcmp(r->method, "HEAD") == 0;
	return HTTP_WHOLE;
}

struct http_framing {
	unsigned lengths, codings;
	bool bad;
	size_t length;
};

static bool http_is(const char *name, size_t length, const char *word)
{
	return length == strlen(word) && strncasecmp(name, word, length) == 0;
}

static enum http_end http_field(struct http_request *r, struct http_framing *f, const char *line, size_t length)
{
	const char *colon = memchr(line, ':', length), *value = colon ? colon + 1 : NULL, *end = line + length;
	size_t name_length = colon ? (size_t)(colon - line) : 0;

	if (!colon || !http_is_token(line, name_length))
		return HTTP_REFUSED;
	for (const char *c = value; c < end; c++)
		if (((unsigned char)*c < 0x20 && *c != '\t') || *c == 0x7f)
			return HTTP_REFUSED;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	if (http_is(line, name_length, "Content-Length")) {
		f->lengths++;
		f->bad |= value == end || end - value > 9;
		for (f->length = 0; value < end; value++) {
			f->bad |= *value < '0' || *value > '9';
			f->length = f->length * 10 + (size_t)(*value - '0');
		}
	} else if (http_is(line, name_length, "Transfer-Encoding")) {
		f->codings++;
		f->bad |= !http_is(value, (size_t)(end - value), "chunked");
	} else if (http_is(line, name_length, "X-Request-Id")) {
		r->ids++;
		if (!http_copy(r->id, value, (size_t)(end - value)) || memchr(value, ' ', (size_t)(end - value)) ||
		    memchr(value, '\t', (size_t)(end - value)))
			r->id[0] = '\0';
		for (const char *c = r->id; *c; c++)
			if ((unsigned char)*c > 0x7e)
				r->id[0] = '\0';
	}
	return HTTP_WHOLE;
}

static enum http_end http_chunk_size(const char *line, size_t length, size_t *size)
{
	size_t digits = 0;

	for (*size = 0; digits < length && strchr("0123456789abcdefABCDEF", line[digits]); digits++) {
		char c = line[digits];

		*size = *size * 16 + (size_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	if (digits == 0 || digits > 7 || (digits < length && line[digits] != ';'))
		return HTTP_REFUSED;
	for (size_t i = digits; i < length; i++)
		if (((unsigned char)line[i] < 0x20 && line[i] != '\t') || line[i] == 0x7f)
			return HTTP_REFUSED;
	return HTTP_WHOLE;
}

static enum http_end http_chunks(struct http_text *t, char *body, size_t *used)
{
	for (;;) {
		const char *line;
		size_t length, size;
		enum http_end end = http_line(t, &line, &length);

		if (end != HTTP_WHOLE || (end = http_chunk_size(line, length, &size)) != HTTP_WHOLE)
			return end;
		if (size == 0)
			break;
		if ((size_t)(t->end - t->at) < size + 2)
			return HTTP_PARTIAL;
		if (t->at[size] != '\r' || t->at[size + 1] != '\n')
			return HTTP_REFUSED;
		memcpy(body + *used, t->at, size);
		*used += size;
		t->at += size + 2;
	}
	for (;;) { /* trailers */
		struct http_framing none = { .lengths = 0 };
		struct http_request nobody = { .ids = 0 };
		const char *line;
		size_t length;
		enum http_end end = http_line(t, &line, &length);

		if (end != HTTP_WHOLE || length == 0)
			return end;
		if (http_field(&nobody, &none, line, length) != HTTP_WHOLE || none.lengths + none.codings > 0)
			return HTTP_REFUSED;
	}
}

/* One request from the front of t. */
static enum http_end http_request(struct http_text *t, struct http_request *r)
{
	struct http_framing f = { .lengths = 0 };
	bool is_old = false;
	const char *line;
	size_t length;
	enum http_end end = http_line(t, &line, &length);
	char *body;

	if (end != HTTP_WHOLE || (end = http_request_line(r, line, length, &is_old)) != HTTP_WHOLE)
		return end;
	while ((end = http_line(t, &line, &length)) == HTTP_WHOLE && length > 0)
		if ((end = http_field(r, &f, line, length)) != HTTP_WHOLE)
			return end;
	if (end != HTTP_WHOLE)
		return end;
	if (f.bad || f.lengths + f.codings > 1 || (f.codings && is_old))
		return HTTP_AMBIGUOUS;
	if (f.lengths && (size_t)(t->end - t->at) < f.length)
		return HTTP_PARTIAL;
	r->body_length = f.length;
	r->body = body = malloc((size_t)(t->end - t->at) + 1);
	ALWAYS(body);
	r->is_chunked = f.codings > 0;
	if (r->is_chunked) {
		end = http_chunks(t, body, &r->body_length);
		return end == HTTP_REFUSED ? HTTP_AMBIGUOUS : end; /* where would another go on? */
	}
	memcpy(body, t->at, f.length);
	t->at += f.length;
	return HTTP_WHOLE;
}

/* Cuts the whole stream. http_free() releases it. */
static void http_cut(struct http_stream *s, const char *bytes, size_t length)
{
	struct http_text t = { bytes, bytes + length };

	s->end = HTTP_WHOLE;
	for (s->count = 0; t.at < t.end; s->count++) {
		struct http_request *r = &s->request[s->count];

		*r = (struct http_request){ .ids = 0 };
		s->end = s->count == HTTP_REQUESTS_MOST ? HTTP_REFUSED : http_request(&t, r);
		if (s->end != HTTP_WHOLE)
			return;
	}
	s->request[s->count] = (struct http_request){ .ids = 0 };
}

static void http_free(struct http_stream *s)
{
	for (size_t i = 0; i <= s->count; i++)
		free((void *)(uintptr_t)s->request[i].body);
}

/* ---- responses ---------------------------------------------------------------------------------------------------- */

struct http_response {
	unsigned status;
	char type[HTTP_TEXT_MOST], id[HTTP_TEXT_MOST];
	bool closes, has_length;
	const char *body;
	size_t length;
};

/* Takes one final response off the front; is_head: it has no body. False: it is not whole. All else must be right. */
static bool http_response(struct http_text *t, struct http_response *r, bool is_head)
{
	const char *line;
	size_t length, body = 0;

	*r = (struct http_response){ .status = 0 };
	if (http_line(t, &line, &length) == HTTP_PARTIAL)
		return false;
	ALWAYS(length > 13 && memcmp(line, "HTTP/1.1 ", 9) == 0 && line[12] == ' ');
	for (int i = 9; i < 12; i++) {
		ALWAYS(line[i] >= '0' && line[i] <= '9');
		r->status = r->status * 10 + (unsigned)(line[i] - '0');
	}
	for (;;) {
		enum http_end end = http_line(t, &line, &length);
		const char *colon;

		if (end == HTTP_PARTIAL)
			return false;
		ALWAYS(end == HTTP_WHOLE);
		if (length == 0)
			break;
		colon = memchr(line, ':', length);
		ALWAYS(colon && http_is_token(line, (size_t)(colon - line)) && colon[1] == ' ');
		for (const char *c = colon; c < line + length; c++)
			ALWAYS((unsigned char)*c >= 0x20 && (unsigned char)*c < 0x7f);
		if (http_is(line, (size_t)(colon - line), "Content-Length")) {
			ALWAYS(!r->has_length);
			r->has_length = true;
			body = strtoul(colon + 2, NULL, 10);
		} else if (http_is(line, (size_t)(colon - line), "Content-Type")) {
			ALWAYS(!r->type[0] && http_copy(r->type, colon + 2, (size_t)(line + length - colon - 2)));
		} else if (http_is(line, (size_t)(colon - line), "X-Request-Id")) {
			ALWAYS(!r->id[0] && http_copy(r->id, colon + 2, (size_t)(line + length - colon - 2)));
		} else if (http_is(line, (size_t)(colon - line), "Connection")) {
			r->closes |= http_is(colon + 2, (size_t)(line + length - colon - 2), "close");
		}
	}
	if (r->status == 100)
		return http_response(t, r, is_head);
	ALWAYS(r->has_length);
	if (is_head)
		body = 0;
	if ((size_t)(t->end - t->at) < body)
		return false;
	r->body = t->at;
	r->length = body;
	t->at += body;
	return true;
}
