/* SPDX-License-Identifier: MIT */
/* log.c: one line per event whatever the text in it holds. Standard error is a pipe while an event is logged. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "unit.h"

enum { MESSAGE_MOST = 1024, FIELD_MOST = 128, FIELDS_MOST = 24, LINE_MOST = 32768 }; /* as log.h promises */

static char line[2 * LINE_MOST];

/* What one call wrote, without its newline. */
#define LOGGED(call)                                                                                                   \
	do {                                                                                                           \
		begin_capture();                                                                                       \
		call;                                                                                                  \
		end_capture();                                                                                         \
	} while (0)

static int pipe_fds[2], saved_stderr;

static void begin_capture(void)
{
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK), 0);
	saved_stderr = dup(STDERR_FILENO);
	dup2(pipe_fds[1], STDERR_FILENO);
}

static void end_capture(void)
{
	ssize_t got = read(pipe_fds[0], line, sizeof line - 1);

	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	assert_true(got > 0 && got <= LINE_MOST);
	assert_int_equal(line[got - 1], '\n');
	line[got - 1] = '\0';
	assert_null(strchr(line, '\n'));
	assert_int_equal(strlen(line), got - 1);
}

static json_t *parsed(void)
{
	json_error_t e;
	json_t *value = json_loads(line, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &e);

	check(value != NULL, "%s: %s", e.text, line);
	return value;
}

static void has_text(const json_t *object, const char *name, const char *text)
{
	const char *value = json_string_value(json_object_get(object, name));

	check(value && strcmp(value, text) == 0, "%s is %s, not %s", name, value ? value : "(none)", text);
}

/* Of a text; bytes that are no ASCII became characters of two bytes. */
static size_t characters(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	size_t count = 0;

	check(text != NULL, "%s is missing", name);
	for (; text && *text; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

static const struct log_field fields[] = {
	{ "request_id", "abc", 0 }, { "status", NULL, 200 }, { "least", NULL, INT64_MIN }, { NULL, NULL, 0 },
};

static void json_lines_have_the_names_that_collectors_expect(void **state)
{
	static const char *const severities[] = { "INFO", "WARNING", "ERROR" };

	(void)state;
	for (enum log_level level = LOG_INFO; level <= LOG_ERROR; level++) {
		struct tm when;
		json_t *object;

		LOGGED(log_open(LOG_FORMAT_JSON, "web"); log_event(level, fields, "hello %d", 7));
		object = parsed();
		has_text(object, "severity", severities[level]);
		has_text(object, "message", "hello 7");
		has_text(object, "process", "web");
		has_text(object, "request_id", "abc");
		assert_int_equal(json_integer_value(json_object_get(object, "status")), 200);
		assert_true(json_integer_value(json_object_get(object, "least")) == INT64_MIN);
		assert_int_equal(json_object_size(object), 7);
		assert_non_null(
			strptime(json_string_value(json_object_get(object, "time")), "%Y-%m-%dT%H:%M:%S", &when));
		json_decref(object);
	}
	LOGGED(log_event(LOG_INFO, NULL, "no fields"));
	json_decref(parsed());
}

static void an_object_is_one_of_its_own(void **state)
{
	const struct log_field inner[] = { { "method", "a\"}", 0 }, { "status", NULL, 7 }, { "truth", LOG_TRUE, 0 }, { NULL, NULL, 0 } };
	const struct log_object object = { "request", inner }, empty = { "request", inner + 3 };
	json_t *line_object, *nested;

	(void)state;
	LOGGED(log_open(LOG_FORMAT_JSON, "web"); log_event_with(LOG_INFO, &object, fields, "hello %d", 7));
	line_object = parsed();
	nested = json_object_get(line_object, "request");
	has_text(nested, "method", "a\"}");
	assert_int_equal(json_integer_value(json_object_get(nested, "status")), 7);
	assert_true(json_is_true(json_object_get(nested, "truth")));
	assert_int_equal(json_object_size(nested), 3);
	has_text(line_object, "request_id", "abc");
	assert_int_equal(json_object_size(line_object), 8);
	json_decref(line_object);
	LOGGED(log_event_with(LOG_INFO, &empty, NULL, "hello"));
	line_object = parsed();
	assert_int_equal(json_object_size(json_object_get(line_object, "request")), 0);
	json_decref(line_object);
	LOGGED(log_open(LOG_FORMAT_TEXT, "web"); log_event_with(LOG_INFO, &object, fields, "hello"));
	assert_non_null(strstr(line, "Z web: hello method=a\"} status=7 truth=true request_id=abc status=200"));
}

/* Only the constant is a truth value, not the same letters from outside. */
static void a_text_of_true_is_a_text(void **state)
{
	char text[] = "true";
	json_t *object;

	(void)state;
	LOGGED(log_open(LOG_FORMAT_JSON, "web");
	       log_event(LOG_INFO, (struct log_field[]){ { "id", text, 0 }, { "no", LOG_FALSE, 0 }, { NULL, NULL, 0 } }, "x"));
	object = parsed();
	has_text(object, "id", "true");
	assert_true(json_is_false(json_object_get(object, "no")));
	json_decref(object);
}

static void text_lines_are_for_people(void **state)
{
	(void)state;
	LOGGED(log_open(LOG_FORMAT_TEXT, "spawner"); log_event(LOG_WARNING, fields, "hello"));
	assert_non_null(strstr(line, "Z spawner: warning: hello request_id=abc status=200 least=-9223372036854775808"));
	LOGGED(log_event(LOG_ERROR, NULL, "bad"));
	assert_non_null(strstr(line, " spawner: error: bad"));
	LOGGED(log_event(LOG_INFO, NULL, "fine"));
	assert_non_null(strstr(line, " spawner: fine"));
}

static void auto_means_json_where_there_is_no_terminal(void **state)
{
	(void)state;
	LOGGED(log_open(LOG_FORMAT_AUTO, "web"); log_event(LOG_INFO, NULL, "x"));
	json_decref(parsed());
}

/* As a request's id, or in a message: each could end a string, a line or an object if it were not escaped. */
static const char *const hostile[] = {
	"\"", "\\", "\\\"", "a\",\"severity\":\"ERROR", "a\n{\"severity\":\"ERROR\"}", "a\r\nb", "\x1b[2J\x1b]0;title\a", "\x7f", "\x01\x02\x1f", "%s%n%x", "\t", "",
};

static void hostile_text_cannot_forge(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(hostile); i++) {
		const struct log_field id[] = { { "request_id", hostile[i], 0 }, { NULL, NULL, 0 } };
		json_t *object;

		LOGGED(log_open(LOG_FORMAT_JSON, "web"); log_event(LOG_INFO, id, "got %s", hostile[i]));
		object = parsed();
		has_text(object, "request_id", hostile[i]);
		has_text(object, "severity", "INFO");
		assert_memory_equal(json_string_value(json_object_get(object, "message")), "got ", 4);
		assert_string_equal(json_string_value(json_object_get(object, "message")) + 4, hostile[i]);
		json_decref(object);
		LOGGED(log_open(LOG_FORMAT_TEXT, "web"); log_event(LOG_INFO, id, "got %s", hostile[i]));
		for (const char *c = line; *c; c++)
			check((unsigned char)*c >= 0x20 && (unsigned char)*c < 0x7f, "text line with byte %d", *c);
	}
}

/* Bytes that are no ASCII must leave a line that any collector can decode. */
static void any_byte_leaves_ascii(void **state)
{
	(void)state;
	for (int byte = 0x80; byte <= 0xff; byte++) {
		char text[] = { 'a', (char)byte, 'b', '\0' };

		LOGGED(log_open(LOG_FORMAT_JSON, "web");
		       log_event(LOG_INFO, (struct log_field[]){ { "id", text, 0 }, { NULL, NULL, 0 } }, "%s", text));
		for (const char *c = line; *c; c++)
			check((unsigned char)*c < 0x80, "byte %d went through", byte);
		json_decref(parsed());
	}
}

/* The largest line there can be: what is too long is cut between two characters, and the line is an object all the same. */
static void long_text_is_cut_and_stays_json(void **state)
{
	static const char fills[] = { 'x', '"', '\x01', '\xff' };
	static const size_t lengths[] = { FIELD_MOST - 1, FIELD_MOST, FIELD_MOST + 1, MESSAGE_MOST - 1, MESSAGE_MOST, MESSAGE_MOST + 1, 3000 };

	(void)state;
	for (size_t f = 0; f < ROWS(fills); f++)
		for (size_t n = 0; n < ROWS(lengths); n++) {
			size_t length = lengths[n], cut = length < FIELD_MOST ? length : FIELD_MOST;
			struct log_field many[FIELDS_MOST + 1] = { { NULL, NULL, 0 } };
			char *text = malloc(length + 1), names[FIELDS_MOST][48];
			json_t *object;

			assert_non_null(text);
			memset(text, fills[f], length);
			text[length] = '\0';
			for (size_t i = 0; i < FIELDS_MOST; i++) {
				snprintf(names[i], sizeof names[i], "a_field_name_as_long_as_they_get_%zu", i);
				many[i] = (struct log_field){ names[i], text, 0 };
			}
			LOGGED(log_open(LOG_FORMAT_JSON, "web"); log_event(LOG_INFO, many, "%s", text));
			object = parsed();
			assert_int_equal(characters(object, "message"), length < MESSAGE_MOST ? length : MESSAGE_MOST);
			for (size_t i = 0; i < FIELDS_MOST; i++)
				assert_int_equal(characters(object, names[i]), cut);
			json_decref(object);
			LOGGED(log_open(LOG_FORMAT_TEXT, "web"); log_event(LOG_INFO, many, "%s", text));
			free(text);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_lines_have_the_names_that_collectors_expect),
		cmocka_unit_test(an_object_is_one_of_its_own),
		cmocka_unit_test(a_text_of_true_is_a_text),
		cmocka_unit_test(text_lines_are_for_people),
		cmocka_unit_test(auto_means_json_where_there_is_no_terminal),
		cmocka_unit_test(hostile_text_cannot_forge),
		cmocka_unit_test(any_byte_leaves_ascii),
		cmocka_unit_test(long_text_is_cut_and_stays_json),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
