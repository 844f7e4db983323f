/* SPDX-License-Identifier: MIT */
/*
 * What the service takes from around it, under a fuzzer: the clock, which an input can set forward, and the log, which
 * is worded and goes nowhere. Linked with --wrap (Makefile).
 */
#pragma once

#include <stdarg.h>

#include "json.h"
#include "log.h"

uint64_t __real_io_now_us(void);
uint64_t __wrap_io_now_us(void);
void __wrap_log_event(enum log_level level, const struct log_field *fields, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static uint64_t clock_ahead_us;
static bool log_shown; /* by FUZZ_LOG=1, to look at one input */

uint64_t __wrap_io_now_us(void)
{
	return __real_io_now_us() + clock_ahead_us;
}

/* Names are ours, and so is the message; a field may be anybody's. */
void __wrap_log_event(enum log_level level, const struct log_field *fields, const char *format, ...)
{
	char message[1025];
	va_list args;
	size_t count = 0;

	va_start(args, format);
	ALWAYS(vsnprintf(message, sizeof message, format, args) > 0 && level <= LOG_ERROR);
	va_end(args);
	for (; fields && fields[count].name; count++)
		ALWAYS(count < 12 && fields[count].name[0] &&
		       (!fields[count].text || strlen(fields[count].text) < 4096));
	if (log_shown)
		fprintf(stderr, "log: %s\n", message);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	log_shown = getenv("FUZZ_LOG") != NULL;
	return 0;
}
