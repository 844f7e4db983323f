/* SPDX-License-Identifier: MIT */
/*
 * One structured line per event on standard error: text on a terminal, else one JSON object
 * (severity, time, message, then the event's own fields; the names that log collectors expect).
 * Never a script, a result or anything that a script printed.
 */
#pragma once

#include <stdint.h>

enum log_format { LOG_FORMAT_AUTO, LOG_FORMAT_TEXT, LOG_FORMAT_JSON };
enum log_level { LOG_INFO, LOG_WARNING, LOG_ERROR };

/* A field of a line; an array of them ends with a field whose name is NULL. */
struct log_field {
	const char *name;
	const char *text; /* NULL: the number counts */
	int64_t number;
};

/* As the text of a field: a truth value, which is no string in JSON. */
extern const char LOG_TRUE[], LOG_FALSE[];

/* Fields that are an object of their own in JSON; in text they stand before the others. */
struct log_object {
	const char *name;
	const struct log_field *fields;
};

/* Decides once for this process and its children. process is shown in each line ("web", "spawner"). */
void log_open(enum log_format format, const char *process);

/* Writes one line with one write(2). At most 24 fields; a message is cut at 1024 characters, a field at 128. */
void log_event(enum log_level level, const struct log_field *fields, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same with an object, whose fields count as well. */
void log_event_with(enum log_level level, const struct log_object *object, const struct log_field *fields,
		    const char *format, ...) __attribute__((format(printf, 4, 5)));
