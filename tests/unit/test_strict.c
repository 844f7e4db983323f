/* SPDX-License-Identifier: MIT */
/* strict.c: header sections that may go on, and those after which the connection must be closed. */
#define _GNU_SOURCE
#include <string.h>

#include "../../src/web/strict.h"
#include "unit.h"

enum { BODY_LIMIT = 1000, HEADERS_MAX = 5 };

struct header {
	const char *name, *value;
};

#define HOST { "Host", "a" }
#define JSON { "Content-Type", "application/json" }
#define SIZE { "Content-Length", "10" }
#define CHUNKED { "Transfer-Encoding", "chunked" }

static const struct {
	struct header headers[HEADERS_MAX];
	const char *code; /* NULL: allowed */
	const char *contains;
} execute[] = {
	{ { HOST, JSON, SIZE }, NULL, NULL },
	{ { HOST, JSON, CHUNKED }, NULL, NULL },
	{ { HOST, JSON, { "Transfer-Encoding", " \tCHUNKED \t" } }, NULL, NULL },
	{ { { "hOST", "a" }, { "content-TYPE", "Application/JSON" }, { "content-length", " 10 " } }, NULL, NULL },
	{ { HOST, { "Content-Type", "application/json; charset=utf-8" }, SIZE }, NULL, NULL },
	{ { HOST, { "Content-Type", "application/json ;x" }, SIZE }, NULL, NULL },
	{ { HOST, JSON, { "Content-Length", "0001000" } }, NULL, NULL },
	{ { HOST, JSON, SIZE, { "X-Any", "caf\xc3\xa9\tx" } }, NULL, NULL },
	{ { HOST, JSON, SIZE, { "!#$%&'*+-.^_`|~09azAZ", "" } }, NULL, NULL },
	{ { HOST, JSON }, NULL, NULL },
	{ { HOST, JSON, SIZE, { "X-Content-Length", "x" } }, NULL, NULL },
	{ { { "Host", "" }, JSON, SIZE }, NULL, NULL }, /* RFC 9112, 3.2: empty where the target has no authority */
	/* two ways to say where the body ends */
	{ { HOST, JSON, SIZE, CHUNKED }, "BAD_BODY", "exclude each other" },
	{ { HOST, JSON, CHUNKED, SIZE }, "BAD_BODY", "exclude each other" },
	{ { HOST, JSON, SIZE, SIZE }, "BAD_BODY", "Content-Length" },
	{ { HOST, JSON, { "Content-Length", "0" }, SIZE }, "BAD_BODY", "Content-Length" },
	{ { HOST, JSON, { "Content-Length", "10, 10" } }, "BAD_BODY", "Content-Length" },
	{ { HOST, JSON, { "Content-Length", "" } }, "BAD_BODY", "Content-Length" },
	{ { HOST, JSON, { "Content-Length", "+10" } }, "BAD_BODY", "Content-Length" },
	{ { HOST, JSON, { "Content-Length", "-1" } }, "BAD_BODY", "Content-Length" },
	{ { HOST, JSON, { "Content-Length", "0x10" } }, "BAD_BODY", "Content-Length" },
	{ { HOST, JSON, { "Content-Length", "1 0" } }, "BAD_BODY", "Content-Length" },
	{ { HOST, JSON, { "Content-Length", "18446744073709551626" } }, "BAD_BODY", "Content-Length" }, /* 2**64 + 10 */
	{ { HOST, JSON, CHUNKED, CHUNKED }, "BAD_BODY", "Transfer-Encoding" },
	{ { HOST, JSON, { "Transfer-Encoding", "gzip, chunked" } }, "BAD_BODY", "Transfer-Encoding" },
	{ { HOST, JSON, { "Transfer-Encoding", "identity" } }, "BAD_BODY", "Transfer-Encoding" },
	{ { HOST, JSON, { "Transfer-Encoding", "" } }, "BAD_BODY", "Transfer-Encoding" },
	{ { HOST, JSON, { "Transfer-Encoding", "chunked2" } }, "BAD_BODY", "Transfer-Encoding" },
	{ { HOST, JSON, { "Transfer-Encoding", "\vchunked" } }, "BAD_BODY", "malformed" },
	/* hosts and types */
	{ { JSON, SIZE }, "BAD_BODY", "missing" },
	{ { HOST, HOST, JSON, SIZE }, "BAD_BODY", "More than one Host" },
	{ { HOST, JSON, JSON, SIZE }, "BAD_BODY", "More than one Content-Type" },
	/* names and values */
	{ { HOST, JSON, SIZE, { "Content-Length ", "10" } }, "BAD_BODY", "malformed" },
	{ { HOST, JSON, SIZE, { "", "x" } }, "BAD_BODY", "malformed" },
	{ { HOST, JSON, SIZE, { "X(y)", "x" } }, "BAD_BODY", "malformed" },
	{ { HOST, JSON, SIZE, { "X\xc3\xa9", "x" } }, "BAD_BODY", "malformed" },
	{ { HOST, JSON, SIZE, { "X:", "x" } }, "BAD_BODY", "malformed" },
	{ { HOST, JSON, SIZE, { "Transfer-Encodingchunked", "" } }, "BAD_BODY", "malformed" }, /* a folded line, as the library gives it */
	{ { HOST, JSON, { "content-length10", "" } }, "BAD_BODY", "malformed" },
	{ { HOST, JSON, SIZE, { "X", "a\rb" } }, "BAD_BODY", "malformed" },
	{ { HOST, JSON, SIZE, { "X", "a\x7f" } }, "BAD_BODY", "malformed" },
	{ { HOST, JSON, SIZE, { "X", "\x01" } }, "BAD_BODY", "malformed" },
	/* what the body is */
	{ { HOST, SIZE }, "BAD_CONTENT_TYPE", "application/json" },
	{ { HOST, SIZE, { "Content-Type", "text/plain" } }, "BAD_CONTENT_TYPE", "application/json" },
	{ { HOST, SIZE, { "Content-Type", "application/json5" } }, "BAD_CONTENT_TYPE", NULL },
	{ { HOST, SIZE, { "Content-Type", "application/jso" } }, "BAD_CONTENT_TYPE", NULL },
	{ { HOST, SIZE, { "Content-Type", "text/html; application/json" } }, "BAD_CONTENT_TYPE", NULL },
	{ { HOST, SIZE, { "Content-Type", "" } }, "BAD_CONTENT_TYPE", NULL },
	{ { HOST, JSON, SIZE, { "Content-Encoding", "gzip" } }, "BAD_CONTENT_TYPE", "Content-Encoding" },
	{ { HOST, JSON, SIZE, { "Content-Encoding", "identity" } }, "BAD_CONTENT_TYPE", "Content-Encoding" },
	{ { HOST, JSON, { "Content-Length", "1001" } }, "SCRIPT_TOO_LARGE", "{\"limit\": 1000}" },
	{ { HOST, JSON, { "Content-Length", "1844674407370955160" } }, "SCRIPT_TOO_LARGE", "1000 bytes" },
};

static struct strict_head take(const struct header headers[HEADERS_MAX])
{
	struct strict_head h = { .host = 0 };

	for (size_t i = 0; i < HEADERS_MAX && headers[i].name; i++)
		strict_take(&h, headers[i].name, headers[i].value, strlen(headers[i].value));
	return h;
}

static void execute_takes_one_clear_request(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(execute); i++) {
		struct strict_head h = take(execute[i].headers);
		struct reply error = { .status = 0 };
		bool allowed = strict_allows(&h, true, BODY_LIMIT, &error);

		check(allowed == !execute[i].code, "row %zu: %s", i, allowed ? "allowed" : error.code);
		if (allowed)
			continue;
		check(strcmp(error.code, execute[i].code) == 0, "row %zu: %s", i, error.code);
		check(error.close, "row %zu: the connection stays open", i);
		check(!execute[i].contains ||
			      memmem(error.body, error.length, execute[i].contains, strlen(execute[i].contains)),
		      "row %zu: %.*s", i, (int)error.length, error.body);
		reply_free(&error);
	}
}

/* Other routes read no body, but where it ends must be clear all the same. */
static const struct {
	struct header headers[HEADERS_MAX];
	const char *code;
} others[] = {
	{ { HOST }, NULL },
	{ { HOST, { "Content-Type", "text/plain" }, SIZE }, NULL },
	{ { HOST, SIZE, { "Content-Encoding", "gzip" } }, NULL },
	{ { HOST, CHUNKED }, NULL },
	{ { { "X", "y" } }, "BAD_BODY" },
	{ { HOST, SIZE, CHUNKED }, "BAD_BODY" },
	{ { HOST, { "Content-Length", "1001" } }, "SCRIPT_TOO_LARGE" },
};

static void other_routes_are_as_strict_about_framing(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(others); i++) {
		struct strict_head h = take(others[i].headers);
		struct reply error = { .status = 0 };
		bool allowed = strict_allows(&h, false, BODY_LIMIT, &error);

		check(allowed == !others[i].code, "row %zu: %s", i, allowed ? "allowed" : error.code);
		check(allowed || (strcmp(error.code, others[i].code) == 0 && error.close), "row %zu: %s", i,
		      error.code);
		reply_free(&error);
	}
}

static const struct {
	const char *value;
	const char *id;
} ids[] = {
	{ "abc-123", "abc-123" },
	{ "  abc  ", "abc" },
	{ "\"quoted\\", "\"quoted\\" },
	{ "", "" },
	{ "two words", "" },
	{ "caf\xc3\xa9", "" },
	{ "a\tb", "" },
	{ "a\x7f", "" },
};

static void request_ids_are_printable_or_none(void **state)
{
	char longest[STRICT_ID_BYTES + 2];
	struct strict_head h;

	(void)state;
	for (size_t i = 0; i < ROWS(ids); i++) {
		h = take((struct header[HEADERS_MAX]){ { "x-request-ID", ids[i].value } });
		check(strcmp(h.id, ids[i].id) == 0, "\"%s\" became \"%s\"", ids[i].value, h.id);
	}
	memset(longest, 'x', sizeof longest);
	longest[STRICT_ID_BYTES] = '\0';
	h = take((struct header[HEADERS_MAX]){ { "X-Request-Id", longest } });
	assert_string_equal(h.id, longest);
	longest[STRICT_ID_BYTES] = 'x';
	longest[STRICT_ID_BYTES + 1] = '\0';
	h = take((struct header[HEADERS_MAX]){ { "X-Request-Id", longest } });
	assert_string_equal(h.id, "");
}

/* The value is what its length says: nothing beyond it may be read, and a NUL in it is a control character. */
static void values_end_where_their_length_says(void **state)
{
	struct strict_head h = { .host = 0 };
	struct reply error = { .status = 0 };

	(void)state;
	strict_take(&h, "Host", "a", 1);
	strict_take(&h, "Content-Length", "1099", 2);
	strict_take(&h, "Content-Type", "application/jsonx", 16);
	assert_int_equal(h.length, 10);
	assert_true(strict_allows(&h, true, BODY_LIMIT, &error));
	strict_take(&h, "X", "a\0b", 3);
	assert_false(strict_allows(&h, true, BODY_LIMIT, &error));
	reply_free(&error);
}

static void preferences_are_found(void **state)
{
	struct strict_head h = take((struct header[HEADERS_MAX]){ { "Accept", "application/xml, TEXT/HTML;q=0.9" },
								  { "Accept-Encoding", "br, gzip" } });

	(void)state;
	assert_true(h.wants_html && h.accepts_gzip);
	h = take((struct header[HEADERS_MAX]){ { "Accept", "text/htm" }, { "Accept-Encoding", "gzi" } });
	assert_false(h.wants_html || h.accepts_gzip);
	h = take((struct header[HEADERS_MAX]){ { "Accept", "text/html" },
					       { "Accept", "*/*" } }); /* one list in two lines */
	assert_true(h.wants_html);
}

/* Each row: fields in their order, and what is the client's name. */
static const struct {
	struct header headers[HEADERS_MAX];
	const char *client;
} clients[] = {
	{ { HOST }, "" },
	{ { { "X-Forwarded-For", "192.0.2.1" } }, "192.0.2.1" },
	{ { { "x-forwarded-FOR", " 10.0.0.1 ,, \t192.0.2.1 " } }, "192.0.2.1" },
	{ { { "X-Forwarded-For", "10.0.0.1" }, { "X-Forwarded-For", "10.0.0.2, 192.0.2.1" }, HOST }, "192.0.2.1" },
	{ { { "X-Forwarded-For", "10.0.0.1" }, { "X-Forwarded-For", "" } }, "" },
	{ { { "X-Forwarded-For", "10.0.0.1, " } }, "" },
	{ { { "X-Forwarded-For", "," } }, "" },
	{ { { "X-Forwarded-Fo", "10.0.0.1" }, { "X-Forwarded-Form", "10.0.0.1" } }, "" },
	{ { { "X-Forwarded-For", "10.0.0.1, 1234567890123456789012345678901234567890123456789012345678901234" } }, "" },
};

static void the_nearest_proxy_names_the_client(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(clients); i++) {
		struct strict_head h = { .client_field = "X-Forwarded-For" }, unasked = take(clients[i].headers);

		for (size_t n = 0; n < HEADERS_MAX && clients[i].headers[n].name; n++)
			strict_take(&h, clients[i].headers[n].name, clients[i].headers[n].value,
				    strlen(clients[i].headers[n].value));
		check(strcmp(h.client, clients[i].client) == 0, "row %zu: \"%s\"", i, h.client);
		assert_string_equal(unasked.client, "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(execute_takes_one_clear_request),
		cmocka_unit_test(other_routes_are_as_strict_about_framing),
		cmocka_unit_test(request_ids_are_printable_or_none),
		cmocka_unit_test(values_end_where_their_length_says),
		cmocka_unit_test(preferences_are_found),
		cmocka_unit_test(the_nearest_proxy_names_the_client),
	};

	return cmocka_run_group_tests_name("strict", tests, NULL, NULL);
}
