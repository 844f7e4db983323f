/* SPDX-License-Identifier: MIT */
/* Faults: see include/fault.h. Used by every process; allocates nothing. */
#include "fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t append(struct fault *f, size_t used, const char *format, va_list args)
{
	size_t room = sizeof f->text - used;
	int wanted = vsnprintf(f->text + used, room, format, args);

	if (wanted < 0)
		return used;
	return (size_t)wanted < room ? used + (size_t)wanted : sizeof f->text - 1;
}

__attribute__((format(printf, 3, 4))) static size_t append_text(struct fault *f, size_t used, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	used = append(f, used, format, args);
	va_end(args);
	return used;
}

int fault_set(struct fault *f, int error, const char *format, ...)
{
	va_list args;
	size_t used;

	f->error = error;
	va_start(args, format);
	used = append(f, 0, format, args);
	va_end(args);
	if (error != 0)
		append_text(f, used, ": %s", strerror(error));
	return -1;
}

int fault_hint(struct fault *f, const char *format, ...)
{
	size_t used = append_text(f, strlen(f->text), " (hint: ");
	va_list args;

	va_start(args, format);
	used = append(f, used, format, args);
	va_end(args);
	append_text(f, used, ")");
	return -1;
}

void die(const struct fault *f)
{
	fprintf(stderr, "safe-exec: %s\n", f->text);
	exit(EXIT_FAILURE);
}
