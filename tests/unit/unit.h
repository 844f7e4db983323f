/* SPDX-License-Identifier: MIT */
/* What the unit tests share: cmocka with the headers it wants, and a check that can name the row of a table. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof(table)[0])

/* Fails with a formatted message, which should name the row. */
#define check(condition, ...)                                                                                          \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			fail_msg(__VA_ARGS__);                                                                         \
	} while (0)
