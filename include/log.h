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

/* Decides once for this process and its children. process is shown in each line ("web", "spawner"). */
void log_open(enum log_format format, const char *process);

/* Writes one line with one write(2). At most 12 fields; a message is cut at 1024 characters, a field at 128. */
void log_event(enum log_level level, const struct log_field *fields, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
