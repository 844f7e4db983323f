/* SPDX-License-Identifier: MIT */
/*
 * Strict HTTP: see strict.h. Runs in web, on hostile bytes; pure.
 *
 * libmicrohttpd 0.9.75 takes messages that another party on the way would cut in other places (Content-Length
 * together with Transfer-Encoding, two lengths, two hosts): request smuggling, CWE-444. Each of those is refused here
 * with the connection closed (RFC 9112, sections 6.1 and 6.3).
 */
#define _GNU_SOURCE /* memrchr */
#include "strict.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_token(const char *name)
{
	static const char more[] = "!#$%&'*+-.^_`|~";

	if (!*name)
		return false;
	for (; *name; name++)
		if (!((*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') ||
		      (*name >= '0' && *name <= '9') || strchr(more, *name)))
			return false;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The library keeps blanks at the end of values. */
static void trim(const char **value, size_t *length)
{
	while (*length > 0 && is_blank(**value)) {
		(*value)++;
		(*length)--;
	}
	while (*length > 0 && is_blank((*value)[*length - 1]))
		(*length)--;
}

static bool equals(const char *value, size_t length, const char *word)
{
	return length == strlen(word) && strncasecmp(value, word, length) == 0;
}

static bool contains(const char *value, size_t length, const char *word)
{
	size_t word_length = strlen(word);

	for (size_t i = 0; i + word_length <= length; i++)
		if (strncasecmp(value + i, word, word_length) == 0)
			return true;
	return false;
}

static bool parse_length(const char *value, size_t length, uint64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < length; i++) {
		if (value[i] < '0' || value[i] > '9' || *out > (UINT64_MAX - 9) / 10)
			return false;
		*out = *out * 10 + (uint64_t)(value[i] - '0');
	}
	return length > 0;
}

static bool is_json_type(const char *value, size_t length)
{
	size_t end = 0;

	while (end < length && value[end] != ';')
		end++;
	while (end > 0 && is_blank(value[end - 1]))
		end--;
	return equals(value, end, "application/json");
}

static void take_id(struct strict_head *h, const char *value, size_t length)
{
	if (length == 0 || length > STRICT_ID_BYTES)
		return;
	for (size_t i = 0; i < length; i++)
		if (value[i] < 0x21 || value[i] > 0x7e)
			return;
	memcpy(h->id, value, length);
	h->id[length] = '\0';
}

/* Of a list, and of several fields of one name, the last: each proxy adds to the end, and the first are the client's own. */
static void take_client(struct strict_head *h, const char *value, size_t length)
{
	const char *comma = memrchr(value, ',', length);

	if (comma) {
		length -= (size_t)(comma + 1 - value);
		value = comma + 1;
	}
	trim(&value, &length);
	h->client[0] = '\0';
	if (length >= sizeof h->client)
		return;
	memcpy(h->client, value, length);
	h->client[length] = '\0';
}

/*
 * libmicrohttpd 0.9.75 glues a folded line ("Transfer-Encoding:" and, on the next line, " chunked") to the name. No
 * field has a name that begins with one of these two and goes on.
 */
static bool is_folded_framing(const char *name)
{
	static const char *const fields[] = { "Transfer-Encoding", "Content-Length" };

	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		if (strncasecmp(name, fields[i], strlen(fields[i])) == 0 && name[strlen(fields[i])] != '\0')
			return true;
	return false;
}

void strict_take(struct strict_head *h, const char *name, const char *value, size_t value_length)
{
	h->bad_name |= !is_token(name) || is_folded_framing(name);
	for (size_t i = 0; i < value_length; i++)
		h->bad_value |= ((unsigned char)value[i] < 0x20 && value[i] != '\t') || value[i] == 0x7f;
	trim(&value, &value_length);
	if (h->client_field && strcasecmp(name, h->client_field) == 0)
		take_client(h, value, value_length);
	if (strcasecmp(name, "Host") == 0) {
		h->host++;
	} else if (strcasecmp(name, "Content-Length") == 0) {
		h->content_length++;
		h->bad_length |= !parse_length(value, value_length, &h->length);
	} else if (strcasecmp(name, "Content-Type") == 0) {
		h->content_type++;
		h->json = is_json_type(value, value_length);
	} else if (strcasecmp(name, "Transfer-Encoding") == 0) {
		h->transfer_encoding++;
		h->chunked = equals(value, value_length, "chunked");
	} else if (strcasecmp(name, "Content-Encoding") == 0) {
		h->content_encoding = true;
	} else if (strcasecmp(name, "Accept") == 0) {
		h->wants_html |= contains(value, value_length, "text/html");
	} else if (strcasecmp(name, "Accept-Encoding") == 0) {
		h->accepts_gzip |= contains(value, value_length, "gzip");
	} else if (strcasecmp(name, "X-Request-Id") == 0) {
		take_id(h, value, value_length);
	} else if (strcasecmp(name, "traceparent") == 0) {
		h->parents++;
		(void)trace_parse_parent(&h->parent, value, value_length);
	} else if (strcasecmp(name, "X-Cloud-Trace-Context") == 0) {
		h->clouds++;
		(void)trace_parse_cloud(&h->cloud, value, value_length);
	}
}

const struct trace *strict_trace(const struct strict_head *h)
{
	static const struct trace none = { .sampled = false };

	if (h->parents == 1 && h->parent.id[0])
		return &h->parent;
	return h->clouds == 1 ? &h->cloud : &none;
}

const char *strict_method(const char *method)
{
	static const char *const known[] = { "GET",   "HEAD",    "POST",  "PUT",    "DELETE",
					     "PATCH", "OPTIONS", "TRACE", "CONNECT" };

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strcmp(method, known[i]) == 0)
			return known[i];
	return "other";
}

static bool refuse(struct reply *error, struct reply reply)
{
	*error = reply;
	error->close = true;
	return false;
}

static bool refuse_framing(struct reply *error, const char *message)
{
	return refuse(error, reply_error(OUTCOME_BAD_BODY, message, NULL));
}

static bool refuse_size(struct reply *error, size_t body_limit)
{
	char message[120], details[48];

	snprintf(message, sizeof message, "The body is larger than %zu bytes.", body_limit);
	snprintf(details, sizeof details, "{\"limit\": %zu}", body_limit);
	return refuse(error, reply_error(OUTCOME_SCRIPT_TOO_LARGE, message, details));
}

static bool framing_allows(const struct strict_head *h, struct reply *error)
{
	if (h->bad_name || h->bad_value)
		return refuse_framing(error, "A header field is malformed.");
	if (h->host != 1)
		return refuse_framing(error, h->host ? "More than one Host header." : "The Host header is missing.");
	if (h->transfer_encoding > 0 && h->content_length > 0)
		return refuse_framing(error, "Transfer-Encoding and Content-Length exclude each other.");
	if (h->transfer_encoding > 1 || (h->transfer_encoding == 1 && !h->chunked))
		return refuse_framing(error, "Transfer-Encoding must be \"chunked\".");
	if (h->content_length > 1 || h->bad_length)
		return refuse_framing(error, "Content-Length must be one number.");
	if (h->content_type > 1)
		return refuse_framing(error, "More than one Content-Type header.");
	return true;
}

bool strict_allows(const struct strict_head *h, bool is_execute, size_t body_limit, struct reply *error)
{
	if (!framing_allows(h, error))
		return false;
	if (h->length > body_limit)
		return refuse_size(error, body_limit);
	if (!is_execute)
		return true;
	if (h->content_encoding)
		return refuse(error, reply_error(OUTCOME_BAD_CONTENT_TYPE,
						 "Content-Encoding is not supported: send the JSON as it is.", NULL));
	if (!h->json)
		return refuse(error, reply_error(OUTCOME_BAD_CONTENT_TYPE, NULL, NULL));
	return true;
}
