/* SPDX-License-Identifier: MIT */
/* frame.c: what is one frame, and what only looks like one. Rows are payloads; heads are built around them. */
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "unit.h"

enum { MOST = 8192, MUCH = FRAME_ERROR_MOST_BYTES + 64 };

enum { KIND_AT = FRAME_MARK_BYTES + JOB_NONCE_BYTES };

static const uint8_t nonce[JOB_NONCE_BYTES] = "0123456789abcdef0123456789abcde";

/* A frame in a buffer of exactly its size, so that a byte read beyond it is seen by the sanitizer. */
struct built {
	char *bytes;
	size_t length;
};

static struct built build(char kind, const char *payload, size_t length)
{
	struct built b = { .bytes = malloc(FRAME_HEAD_BYTES + length), .length = FRAME_HEAD_BYTES + length };

	assert_non_null(b.bytes);
	memcpy(b.bytes, nonce, FRAME_MARK_BYTES);
	memcpy(b.bytes + FRAME_MARK_BYTES, nonce, JOB_NONCE_BYTES);
	b.bytes[KIND_AT] = kind;
	for (int i = 0; i < 8; i++)
		b.bytes[KIND_AT + 1 + i] = (char)((uint64_t)length >> (8 * i));
	if (length > 0)
		memcpy(b.bytes + FRAME_HEAD_BYTES, payload, length);
	return b;
}

static enum outcome_claim claim_of(char kind, const char *payload, size_t length)
{
	struct built b = build(kind, payload, length);
	struct frame f = frame_parse(b.bytes, b.length, nonce, MOST);

	if (f.claim == CLAIM_RESULT || f.claim == CLAIM_ERROR) {
		assert_ptr_equal(f.payload, b.bytes + FRAME_HEAD_BYTES);
		assert_int_equal(f.payload_bytes, length);
		assert_memory_equal(f.payload, payload, length);
	}
	free(b.bytes);
	return f.claim;
}

#define TEXT(text) text, sizeof(text) - 1

static const struct {
	const char *payload;
	size_t length;
	enum outcome_claim claim;
} results[] = {
	{ TEXT("null"), CLAIM_RESULT },
	{ TEXT("true"), CLAIM_RESULT },
	{ TEXT("0"), CLAIM_RESULT },
	{ TEXT("-0"), CLAIM_RESULT },
	{ TEXT("0.1"), CLAIM_RESULT },
	{ TEXT("1e-400"), CLAIM_RESULT },
	{ TEXT("1267650600228229401496703205376"), CLAIM_RESULT }, /* 2**100 */
	{ TEXT("\"\""), CLAIM_RESULT },
	{ TEXT("\"\xc3\xa9\xf0\x9f\x98\x80\""), CLAIM_RESULT },
	{ TEXT("\"\\ud83d\\ude00\""), CLAIM_RESULT },
	{ TEXT("\"\\u0000\""), CLAIM_RESULT },
	{ TEXT("\"\\\\u0000\""), CLAIM_RESULT },
	{ TEXT("[]"), CLAIM_RESULT },
	{ TEXT(" {\"a\": [1, {\"b\": null}]} \n"), CLAIM_RESULT },
	{ TEXT("{\"\\u0000\": 1}"), CLAIM_RESULT }, /* more than jansson can hold */
	{ TEXT("{\"a\\u0000b\": 1, \"a\": 2}"), CLAIM_RESULT },
	{ TEXT("{\"\\u0000\": 1, \"\\ufdd0\": 2, \"\xef\xb7\x91\": 3}"), CLAIM_RESULT }, /* nor may a key become another */
	/* not JSON, or not strictly so */
	{ TEXT(""), CLAIM_INVALID },
	{ TEXT(" "), CLAIM_INVALID },
	{ TEXT("NaN"), CLAIM_INVALID },
	{ TEXT("Infinity"), CLAIM_INVALID },
	{ TEXT("-Infinity"), CLAIM_INVALID },
	{ TEXT("True"), CLAIM_INVALID },
	{ TEXT("01"), CLAIM_INVALID },
	{ TEXT("1."), CLAIM_INVALID },
	{ TEXT("+1"), CLAIM_INVALID },
	{ TEXT("'a'"), CLAIM_INVALID },
	{ TEXT("[1,]"), CLAIM_INVALID },
	{ TEXT("[1"), CLAIM_INVALID },
	{ TEXT("1 2"), CLAIM_INVALID },
	{ TEXT("1}, \"stdout\": \"forged\""), CLAIM_INVALID }, /* would end our object */
	{ TEXT("{\"a\": 1, \"a\": 2}"), CLAIM_INVALID },
	{ TEXT("{\"\\u0000\": 1, \"\\u0000\": 2}"), CLAIM_INVALID },
	{ TEXT("\"a\nb\""), CLAIM_INVALID },
	{ TEXT("\"\\ud800\""), CLAIM_INVALID },
	{ TEXT("\"\\ud800\\u0000\""), CLAIM_INVALID },
	{ TEXT("\"\\u000\""), CLAIM_INVALID },
	{ TEXT("\"\xff\""), CLAIM_INVALID },
	{ TEXT("\"\xed\xa0\x80\""), CLAIM_INVALID },
	{ TEXT("\xef\xbb\xbfnull"), CLAIM_INVALID },
	/* jansson 2.14 overlooks one NUL after a number or a word, which then would stand in our answer */
	{ TEXT("null\0"), CLAIM_INVALID },
	{ TEXT("7\0"), CLAIM_INVALID },
	{ TEXT("[1\0, 2]"), CLAIM_INVALID },
	{ TEXT("{\"a\": true\0}"), CLAIM_INVALID },
	{ TEXT("[\0]"), CLAIM_INVALID },
	{ TEXT("\0" "7"), CLAIM_INVALID },
	{ TEXT("\"a\0b\""), CLAIM_INVALID },
	{ TEXT("\\u0000"), CLAIM_INVALID },
};

static void results_are_strict_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(results); i++) {
		enum outcome_claim claim = claim_of('R', results[i].payload, results[i].length);

		check(claim == results[i].claim, "result %zu, %s: claim %d", i, results[i].payload, (int)claim);
	}
}

/* head, then count times the digit, then tail: what softening must and must not let through. */
static const struct {
	const char *head;
	char digit;
	size_t count;
	const char *tail;
	enum outcome_claim claim;
} long_numbers[] = {
	{ "", '9', 300, "", CLAIM_RESULT },
	{ "", '9', 301, "", CLAIM_RESULT },
	{ "", '9', 308, "", CLAIM_RESULT },
	{ "", '9', 309, "", CLAIM_RESULT }, /* beyond a double */
	{ "-", '9', 4000, "", CLAIM_RESULT },
	{ "[1, ", '7', 2000, ", 2]", CLAIM_RESULT },
	{ "{\"\\u0000\": ", '7', 500, "}", CLAIM_RESULT },
	{ "0.", '3', 1000, "", CLAIM_RESULT },
	{ "1.", '3', 1000, "e5", CLAIM_RESULT },
	{ "\"", '1', 1000, "\"", CLAIM_RESULT },
	{ "\"\\\\", '1', 1000, "\"", CLAIM_RESULT },
	{ "\"\\\"", '0', 1000, "\"", CLAIM_RESULT },
	/* leading zeros: 0.00 would be a number, 000 is none */
	{ "", '0', 301, "", CLAIM_INVALID },
	{ "-", '0', 301, "", CLAIM_INVALID },
	{ "0", '7', 400, "", CLAIM_INVALID },
	{ "[", '0', 500, "1]", CLAIM_INVALID },
	{ "-0", '1', 4000, "", CLAIM_INVALID },
	/* and other things that are no numbers */
	{ "+", '1', 400, "", CLAIM_INVALID },
	{ ".", '1', 400, "", CLAIM_INVALID },
	{ "1e", '1', 400, "", CLAIM_INVALID },
	{ "1e0", '1', 400, ".5", CLAIM_INVALID },
	{ "a", '1', 400, "", CLAIM_INVALID },
	{ "", '1', 400, "a", CLAIM_INVALID },
	{ "", '1', 400, ".", CLAIM_INVALID },
	{ "", '1', 400, " 2", CLAIM_INVALID },
	{ "0x", '1', 400, "", CLAIM_INVALID },
	{ "{\"a\": ", '1', 400, ", \"a\": 2}", CLAIM_INVALID },
};

static void long_numbers_are_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(long_numbers); i++) {
		static char text[MOST + 64];
		size_t head = strlen(long_numbers[i].head), tail = strlen(long_numbers[i].tail),
		       count = long_numbers[i].count;
		enum outcome_claim claim;

		memcpy(text, long_numbers[i].head, head);
		memset(text + head, long_numbers[i].digit, count);
		memcpy(text + head + count, long_numbers[i].tail, tail);
		claim = claim_of('R', text, head + count + tail);
		check(claim == long_numbers[i].claim, "%s%c * %zu%s: claim %d", long_numbers[i].head,
		      long_numbers[i].digit, count, long_numbers[i].tail, (int)claim);
	}
}

static void depth_is_bounded(void **state)
{
	static const struct {
		size_t depth;
		enum outcome_claim claim;
	} rows[] = {
		{ 1000, CLAIM_RESULT }, { 2048, CLAIM_RESULT }, { 2049, CLAIM_INVALID }, { MOST / 2, CLAIM_INVALID }
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		static char text[MOST];

		memset(text, '[', rows[i].depth);
		memset(text + rows[i].depth, ']', rows[i].depth);
		check(claim_of('R', text, 2 * rows[i].depth) == rows[i].claim, "depth %zu", rows[i].depth);
	}
}

#define ERROR(code, rest) "{\"code\": \"" code "\", \"message\": \"m\"" rest "}"
#define DETAILS(members) ", \"details\": {" members "}"
#define RAISED DETAILS("\"type\": \"T\", \"message\": \"\", \"line\": 3, \"traceback\": \"t\"")

static const struct {
	const char *payload;
	size_t length;
	enum outcome_code code; /* OUTCOME_COUNT: not a claim */
} errors[] = {
	{ TEXT(ERROR("EXCEPTION", RAISED)), OUTCOME_EXCEPTION },
	{ TEXT(ERROR("EXCEPTION", DETAILS("\"traceback\": \"\\u0000\", \"line\": null, \"message\": \"\", \"type\": \"T\""))), OUTCOME_EXCEPTION },
	{ TEXT("{\"details\": {\"path\": \"main()\", \"type\": \"set\"}, \"message\": \"m\", \"code\": \"NON_JSON_RETURN\"}"), OUTCOME_NON_JSON_RETURN },
	{ TEXT(ERROR("SYNTAX_ERROR", DETAILS("\"message\": \"m\", \"line\": 1, \"column\": 0, \"text\": null"))), OUTCOME_SYNTAX_ERROR },
	{ TEXT(ERROR("NO_MAIN", "")), OUTCOME_NO_MAIN },
	{ TEXT(ERROR("INVALID_MAIN", DETAILS("\"type\": \"int\""))), OUTCOME_INVALID_MAIN },
	{ TEXT(ERROR("INVALID_MAIN", DETAILS("\"type\": \"function\", \"arguments\": [\"a\", \"b\"]"))), OUTCOME_INVALID_MAIN },
	{ TEXT(ERROR("IMPORT_ERROR", DETAILS("\"module\": \"x\", \"installed\": [], \"line\": 1, \"traceback\": \"t\""))), OUTCOME_IMPORT_ERROR },
	{ TEXT(ERROR("RESULT_TOO_LARGE", DETAILS("\"bytes\": 9, \"limit\": 8"))), OUTCOME_RESULT_TOO_LARGE },
	{ TEXT(ERROR("MEMORY_LIMIT", RAISED)), OUTCOME_MEMORY_LIMIT },
	/* what only the outside decides */
	{ TEXT(ERROR("OK", "")), OUTCOME_COUNT },
	{ TEXT(ERROR("INTERNAL", "")), OUTCOME_COUNT },
	{ TEXT(ERROR("TIMEOUT", DETAILS("\"limit\": \"wall\", \"seconds\": 1"))), OUTCOME_COUNT },
	{ TEXT(ERROR("CRASHED", DETAILS("\"signal\": \"SIGSEGV\""))), OUTCOME_COUNT },
	{ TEXT(ERROR("OVERLOADED", "")), OUTCOME_COUNT },
	{ TEXT(ERROR("BAD_SCRIPT", "")), OUTCOME_COUNT },
	/* a code that is none, or that only begins like one */
	{ TEXT(ERROR("NONSENSE", "")), OUTCOME_COUNT },
	{ TEXT(ERROR("", "")), OUTCOME_COUNT },
	{ TEXT(ERROR("NO_MAIN\\u0000", "")), OUTCOME_COUNT },
	{ TEXT(ERROR("NO_MAIN\\u0000X", "")), OUTCOME_COUNT },
	{ TEXT("{\"code\": 7, \"message\": \"m\"}"), OUTCOME_COUNT },
	{ TEXT("{\"code\": null, \"message\": \"m\"}"), OUTCOME_COUNT },
	/* members: too few, too many, of another kind */
	{ TEXT("{\"code\": \"NO_MAIN\"}"), OUTCOME_COUNT },
	{ TEXT("{\"message\": \"m\"}"), OUTCOME_COUNT },
	{ TEXT("{\"code\": \"NO_MAIN\", \"message\": \"\"}"), OUTCOME_COUNT },
	{ TEXT("{\"code\": \"NO_MAIN\", \"message\": null}"), OUTCOME_COUNT },
	{ TEXT("{\"code\": \"NO_MAIN\", \"message\": [\"m\"]}"), OUTCOME_COUNT },
	{ TEXT("{\"code\": \"NO_MAIN\", \"message\": \"m\", \"code\": \"NO_MAIN\"}"), OUTCOME_COUNT },
	{ TEXT(ERROR("NO_MAIN", ", \"more\": 1")), OUTCOME_COUNT },
	{ TEXT(ERROR("NO_MAIN", ", \"a\\u0000\": 1")), OUTCOME_COUNT },
	{ TEXT(ERROR("NO_MAIN", DETAILS(""))), OUTCOME_COUNT },
	{ TEXT(ERROR("NO_MAIN", ", \"details\": null")), OUTCOME_COUNT },
	{ TEXT(ERROR("NO_MAIN", RAISED)), OUTCOME_COUNT },
	{ TEXT(ERROR("EXCEPTION", "")), OUTCOME_COUNT },
	{ TEXT(ERROR("EXCEPTION", DETAILS(""))), OUTCOME_COUNT },
	{ TEXT(ERROR("EXCEPTION", ", \"details\": null")), OUTCOME_COUNT },
	{ TEXT(ERROR("EXCEPTION", ", \"details\": []")), OUTCOME_COUNT },
	{ TEXT(ERROR("EXCEPTION", DETAILS("\"type\": \"T\", \"message\": \"\", \"line\": 3"))), OUTCOME_COUNT },
	{ TEXT(ERROR("EXCEPTION", DETAILS("\"type\": \"T\", \"message\": \"\", \"line\": -3, \"traceback\": \"t\""))), OUTCOME_COUNT },
	{ TEXT(ERROR("EXCEPTION", DETAILS("\"type\": \"T\", \"message\": \"\", \"line\": 3.0, \"traceback\": \"t\""))), OUTCOME_COUNT },
	{ TEXT(ERROR("EXCEPTION", DETAILS("\"type\": \"T\", \"message\": \"\", \"line\": 9223372036854775808, \"traceback\": \"t\""))), OUTCOME_COUNT },
	{ TEXT(ERROR("EXCEPTION", DETAILS("\"type\": 1, \"message\": \"\", \"line\": 3, \"traceback\": \"t\""))), OUTCOME_COUNT },
	{ TEXT(ERROR("EXCEPTION", DETAILS("\"type\": \"T\", \"message\": \"\", \"line\": 3, \"traceback\": \"t\", \"x\": 1"))), OUTCOME_COUNT },
	{ TEXT(ERROR("EXCEPTION", DETAILS("\"type\": \"T\", \"message\": \"\", \"line\": 3, \"traceback\": \"t\", \"line\": 4"))), OUTCOME_COUNT },
	{ TEXT(ERROR("EXCEPTION", DETAILS("\"type\": \"T\", \"message\": \"\", \"line\": 3\0, \"traceback\": \"t\""))), OUTCOME_COUNT },
	{ TEXT(ERROR("INVALID_MAIN", DETAILS("\"type\": \"f\", \"arguments\": [1]"))), OUTCOME_COUNT },
	{ TEXT(ERROR("INVALID_MAIN", DETAILS("\"type\": \"f\", \"arguments\": \"a\""))), OUTCOME_COUNT },
	{ TEXT(ERROR("INVALID_MAIN", DETAILS("\"arguments\": [\"a\"]"))), OUTCOME_COUNT },
	{ TEXT(ERROR("RESULT_TOO_LARGE", DETAILS("\"bytes\": null, \"limit\": 8"))), OUTCOME_COUNT },
	{ TEXT(ERROR("SYNTAX_ERROR", DETAILS("\"message\": \"m\", \"line\": 1, \"column\": 0, \"text\": 7"))), OUTCOME_COUNT },
	/* no object, no JSON, more than one */
	{ TEXT("[]"), OUTCOME_COUNT },
	{ TEXT("null"), OUTCOME_COUNT },
	{ TEXT("\"NO_MAIN\""), OUTCOME_COUNT },
	{ TEXT(""), OUTCOME_COUNT },
	{ TEXT(ERROR("NO_MAIN", "") ", \"stdout\": \"\"}"), OUTCOME_COUNT },
	{ TEXT(ERROR("NO_MAIN", "") "\0"), OUTCOME_COUNT },
};

static void errors_are_those_of_the_contract(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(errors); i++) {
		struct built b = build('E', errors[i].payload, errors[i].length);
		struct frame f = frame_parse(b.bytes, b.length, nonce, MOST);

		check(f.claim == (errors[i].code == OUTCOME_COUNT ? CLAIM_INVALID : CLAIM_ERROR), "%s: claim %d",
		      errors[i].payload, (int)f.claim);
		check(f.code == errors[i].code, "%s: code %d", errors[i].payload, (int)f.code);
		free(b.bytes);
	}
}

/* Each row spoils one thing of a good frame. */
static void heads_are_exact(void **state)
{
	struct built good = build('R', "[1]", 3);
	static const char kinds[] = { 'r', 'e', 0, (char)0xff, 'O' };

	(void)state;
	assert_int_equal(frame_parse(good.bytes, good.length, nonce, MOST).claim, CLAIM_RESULT);
	assert_int_equal(frame_parse(NULL, 0, nonce, MOST).claim, CLAIM_NOT_STARTED);
	assert_int_equal(frame_parse(good.bytes, FRAME_MARK_BYTES, nonce, MOST).claim, CLAIM_NOTHING);
	for (size_t length = 1; length < good.length; length++) /* cut anywhere */
		check(length == FRAME_MARK_BYTES ||
			      frame_parse(good.bytes, length, nonce, MOST).claim == CLAIM_INVALID,
		      "a frame cut at %zu", length);
	for (size_t i = 0; i < KIND_AT; i++) {
		good.bytes[i] ^= 1;
		check(frame_parse(good.bytes, good.length, nonce, MOST).claim == CLAIM_INVALID, "nonce byte %zu", i);
		good.bytes[i] ^= 1;
	}
	for (size_t i = 0; i < ROWS(kinds); i++) {
		good.bytes[KIND_AT] = kinds[i];
		check(frame_parse(good.bytes, good.length, nonce, MOST).claim == CLAIM_INVALID, "kind %d", kinds[i]);
	}
	good.bytes[KIND_AT] = 'R';
	for (size_t i = 0; i < 8; i++) /* a wrong length, near and huge */
		for (int bit = 0; bit < 8; bit++) {
			good.bytes[KIND_AT + 1 + i] ^= (char)(1 << bit);
			check(frame_parse(good.bytes, good.length, nonce, MOST).claim == CLAIM_INVALID,
			      "length byte %zu", i);
			good.bytes[KIND_AT + 1 + i] ^= (char)(1 << bit);
		}
	assert_int_equal(frame_parse(good.bytes, good.length, nonce, MOST).claim, CLAIM_RESULT);
	free(good.bytes);
}

static void one_frame_and_nothing_after_it(void **state)
{
	struct built one = build('R', "1", 1);
	char two[2 * (FRAME_HEAD_BYTES + 1)];

	(void)state;
	memcpy(two, one.bytes, one.length);
	memcpy(two + one.length, one.bytes, one.length);
	assert_int_equal(frame_parse(two, sizeof two, nonce, MOST).claim, CLAIM_INVALID);
	assert_int_equal(frame_parse(two, one.length + 1, nonce, MOST).claim, CLAIM_INVALID);
	assert_int_equal(frame_parse(two, one.length, nonce, MOST).claim, CLAIM_RESULT);
	free(one.bytes);
}

/* A string of length bytes in all, quotes included, or an error whose message fills it up. */
static enum outcome_claim claim_of_size(char kind, size_t length, uint64_t most)
{
	static char text[MUCH];
	const char *head = kind == 'R' ? "\"" : "{\"code\": \"NO_MAIN\", \"message\": \"",
		   *tail = kind == 'R' ? "\"" : "\"}";
	struct built b;
	struct frame f;

	assert_true(length <= sizeof text);
	memset(text, 'x', length);
	memcpy(text, head, strlen(head));
	memcpy(text + length - strlen(tail), tail, strlen(tail));
	b = build(kind, text, length);
	f = frame_parse(b.bytes, b.length, nonce, most);
	free(b.bytes);
	return f.claim;
}

static void sizes_are_bounded(void **state)
{
	(void)state;
	assert_int_equal(claim_of_size('R', MOST, MOST), CLAIM_RESULT);
	assert_int_equal(claim_of_size('R', MOST + 1, MOST), CLAIM_INVALID);
	assert_int_equal(claim_of_size('E', MOST + 1, MOST), CLAIM_ERROR); /* an error has a bound of its own */
	assert_int_equal(claim_of_size('E', FRAME_ERROR_MOST_BYTES, 1), CLAIM_ERROR);
	assert_int_equal(claim_of_size('E', FRAME_ERROR_MOST_BYTES + 1, MUCH), CLAIM_INVALID);
	assert_int_equal(claim_of_size('R', FRAME_ERROR_MOST_BYTES + 1, MUCH), CLAIM_RESULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results_are_strict_json), cmocka_unit_test(long_numbers_are_numbers),
		cmocka_unit_test(depth_is_bounded),        cmocka_unit_test(errors_are_those_of_the_contract),
		cmocka_unit_test(heads_are_exact),         cmocka_unit_test(one_frame_and_nothing_after_it),
		cmocka_unit_test(sizes_are_bounded),
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
