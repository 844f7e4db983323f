/* SPDX-License-Identifier: MIT */
/*
 * Log lines: see include/log.h. Used by web and spawner.
 *
 * A line is built in one buffer on the stack and leaves by one write(2), so that lines of several processes
 * never mix. Text from outside (a request id) passes the JSON escape below, so it cannot forge a line.
 *
 * Where standard error is a pipe that nobody empties, lines are lost and not waited for: whoever reads the log must not
 * be able to stop the service. How many there were is said as soon as there is room again.
 */
#include "log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "io.h"

/* An escaped character takes up to 6 bytes: a message and two dozen fields of the largest size fit into a line. */
enum {
	MESSAGE_CHARS = 1024,
	FIELD_CHARS = 128,
	FIELDS_MOST = 24,
	PATIENCE_MS = 100,
	LINE_BYTES = 6 * (MESSAGE_CHARS + FIELDS_MOST * FIELD_CHARS) + 2048
};

const char LOG_TRUE[] = "true", LOG_FALSE[] = "false";

static struct {
	bool json;
	const char *process;
	uint64_t lost; /* lines, in a row */
} state = { .json = false, .process = "main" };

struct line {
	size_t used;
	char bytes[LINE_BYTES];
};

static void put_char(struct line *l, char c)
{
	if (l->used < sizeof l->bytes - 2) /* room for the closing brace and newline */
		l->bytes[l->used++] = c;
}

static void put(struct line *l, const char *text)
{
	while (*text)
		put_char(l, *text++);
}

/* In both formats no character from outside can end the line; in JSON, nor the string. */
static void put_escaped(struct line *l, const char *text, size_t most)
{
	for (; *text && most > 0; text++, most--) {
		unsigned char c = (unsigned char)*text;

		if (state.json && (c == '"' || c == '\\')) {
			put_char(l, '\\');
			put_char(l, (char)c);
		} else if (c < 0x20 || c >= 0x7f) {
			char code[8];

			snprintf(code, sizeof code, "\\u%04x", c);
			put(l, code);
		} else {
			put_char(l, (char)c);
		}
	}
}

static void put_time(struct line *l)
{
	struct timespec now;
	struct tm utc;
	char text[80];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ", utc.tm_year + 1900, utc.tm_mon + 1,
		 utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, now.tv_nsec / 1000);
	put(l, text);
}

static void put_number(struct line *l, int64_t number)
{
	char text[32];

	snprintf(text, sizeof text, "%lld", (long long)number);
	put(l, text);
}

static void put_value(struct line *l, const struct log_field *field)
{
	bool quoted = state.json && field->text != LOG_TRUE && field->text != LOG_FALSE;

	if (!field->text) {
		put_number(l, field->number);
		return;
	}
	if (quoted)
		put_char(l, '"');
	put_escaped(l, field->text, FIELD_CHARS);
	if (quoted)
		put_char(l, '"');
}

/* before: what separates the first field from what is there already. */
static void put_members(struct line *l, const struct log_field *fields, const char *before)
{
	for (; fields && fields->name; fields++) {
		put(l, before);
		put_char(l, '"');
		put(l, fields->name);
		put(l, "\":");
		put_value(l, fields);
		before = ",";
	}
}

static void put_words(struct line *l, const struct log_field *fields)
{
	for (; fields && fields->name; fields++) {
		put_char(l, ' ');
		put(l, fields->name);
		put_char(l, '=');
		put_value(l, fields);
	}
}

static void build_json(struct line *l, enum log_level level, const struct log_object *object,
		       const struct log_field *fields, const char *message)
{
	static const char *const severities[] = { "INFO", "WARNING", "ERROR" };

	put(l, "{\"severity\":\"");
	put(l, severities[level]);
	put(l, "\",\"time\":\"");
	put_time(l);
	put(l, "\",\"message\":\"");
	put_escaped(l, message, MESSAGE_CHARS);
	put(l, "\",\"process\":\"");
	put(l, state.process);
	put_char(l, '"');
	if (object) {
		put(l, ",\"");
		put(l, object->name);
		put(l, "\":{");
		put_members(l, object->fields, "");
		put_char(l, '}');
	}
	put_members(l, fields, ",");
	l->bytes[l->used++] = '}';
}

static void build_text(struct line *l, enum log_level level, const struct log_object *object,
		       const struct log_field *fields, const char *message)
{
	static const char *const prefixes[] = { "", "warning: ", "error: " };

	put_time(l);
	put_char(l, ' ');
	put(l, state.process);
	put(l, ": ");
	put(l, prefixes[level]);
	put_escaped(l, message, MESSAGE_CHARS);
	if (object)
		put_words(l, object->fields);
	put_words(l, fields);
}

void log_open(enum log_format format, const char *process)
{
	state.process = process;
	state.json = format == LOG_FORMAT_JSON || (format == LOG_FORMAT_AUTO && !isatty(STDERR_FILENO));
}

/* The first time with some patience: a reader may just be busy. A pipe with room takes any usual line whole (pipe(7)). */
static bool may_write(void)
{
	struct pollfd sink = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&sink, 1, state.lost > 0 ? 0 : PATIENCE_MS) != 0;
}

static void put_out(struct line *l)
{
	l->bytes[l->used++] = '\n';
	(void)io_write_all(STDERR_FILENO, l->bytes, l->used); /* nowhere to report that the log is gone */
}

static void say_what_was_lost(void)
{
	const struct log_field none = { NULL, NULL, 0 };
	struct line l = { .used = 0 };
	char message[MESSAGE_CHARS];

	snprintf(message, sizeof message, "%llu lines of the log were lost: nobody read them",
		 (unsigned long long)state.lost);
	state.lost = 0;
	(state.json ? build_json : build_text)(&l, LOG_WARNING, NULL, &none, message);
	put_out(&l);
}

static void write_line(enum log_level level, const struct log_object *object, const struct log_field *fields,
		       const char *format, va_list args)
{
	struct line l = { .used = 0 };
	char message[MESSAGE_CHARS + 1];

	vsnprintf(message, sizeof message, format, args);
	if (!may_write()) {
		state.lost++;
		return;
	}
	if (state.lost > 0)
		say_what_was_lost();
	(state.json ? build_json : build_text)(&l, level, object, fields, message);
	put_out(&l);
}

void log_event(enum log_level level, const struct log_field *fields, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line(level, NULL, fields, format, args);
	va_end(args);
}

void log_event_with(enum log_level level, const struct log_object *object, const struct log_field *fields,
		    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line(level, object, fields, format, args);
	va_end(args);
}
