/* SPDX-License-Identifier: MIT */
/* utf8.c: the same repair as Python's decoder makes (utf8_vectors.h), and cuts that lose no whole character. */
#include <stdlib.h>
#include <string.h>

#include "../../src/web/utf8.h"
#include "unit.h"

static const struct {
	const char *bytes;
	size_t length;
	const char *repaired;
	size_t repaired_length;
} vectors[] = {
#include "utf8_vectors.h"
};

static void repair_is_pythons(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(vectors); i++) {
		/* of exactly their sizes, for the sanitizer; malloc(0) may be NULL */
		char *in = malloc(vectors[i].length + !vectors[i].length),
		     *out = malloc(3 * vectors[i].length + !vectors[i].length);
		size_t written;

		assert_non_null(in);
		assert_non_null(out);
		memcpy(in, vectors[i].bytes, vectors[i].length);
		written = utf8_repair(in, vectors[i].length, out);
		check(written == vectors[i].repaired_length && memcmp(out, vectors[i].repaired, written) == 0,
		      "vector %zu: %zu bytes, not %zu", i, written, vectors[i].repaired_length);
		free(in);
		free(out);
	}
}

/* What is valid stays; what was repaired is valid. */
static void repair_twice_is_repair_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(vectors); i++) {
		char out[64];
		size_t written = utf8_repair(vectors[i].repaired, vectors[i].repaired_length, out);

		check(written == vectors[i].repaired_length && memcmp(out, vectors[i].repaired, written) == 0,
		      "vector %zu changed again", i);
	}
}

static const struct {
	const char *text;
	size_t length;
	size_t kept;
} cuts[] = {
	{ "", 0, 0 },
	{ "a", 1, 1 },
	{ "ab", 2, 2 },
	{ "a\xc3\xa9", 3, 3 },
	{ "a\xc3\xa9", 2, 1 },
	{ "\xc3\xa9", 1, 0 },
	{ "a\xe2\x82\xac", 4, 4 },
	{ "a\xe2\x82\xac", 3, 1 },
	{ "a\xe2\x82\xac", 2, 1 },
	{ "a\xf0\x9f\x98\x80", 5, 5 },
	{ "a\xf0\x9f\x98\x80", 4, 1 },
	{ "a\xf0\x9f\x98\x80", 3, 1 },
	{ "a\xf0\x9f\x98\x80", 2, 1 },
	{ "\xf0\x9f\x98", 3, 0 },
	/* no character that was cut: left for the repair */
	{ "a\x80", 2, 2 },
	{ "\x80\x80\x80\x80", 4, 4 },
	{ "a\xff", 2, 2 },
	{ "a\xc0", 2, 2 },
	{ "a\xc3\xa9\x80", 4, 4 },
};

static void cuts_fall_between_characters(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(cuts); i++) {
		size_t kept = utf8_trim_incomplete(cuts[i].text, cuts[i].length);

		check(kept == cuts[i].kept, "cut %zu: %zu bytes kept, not %zu", i, kept, cuts[i].kept);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(repair_is_pythons),
		cmocka_unit_test(repair_twice_is_repair_once),
		cmocka_unit_test(cuts_fall_between_characters),
	};

	return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
