/* SPDX-License-Identifier: MIT */
/*
 * What went wrong on our side, in words, without an allocation.
 *
 * Before serving, a fault ends in die(). While serving, a function returns -1, fills the caller's
 * struct fault, and the place where the fault becomes a reply or a log line reports it once.
 */
#pragma once

enum { FAULT_TEXT_BYTES = 1024 };

struct fault {
	int error; /* errno value, 0 where none applies */
	char text[FAULT_TEXT_BYTES];
};

/* Fills *f from a format and, where error is not 0, appends its strerror text. Always returns -1. */
int fault_set(struct fault *f, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Appends ` (hint: ...)`; returns -1, so that `return fault_hint(f, ...)` reads well. */
int fault_hint(struct fault *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints `safe-exec: TEXT` on standard error and exits with status 1. Only before serving. */
void die(const struct fault *f) __attribute__((noreturn));
