/* SPDX-License-Identifier: MIT */
/* Checks in a forked child: it ends with a status that names the line, and its parent looks at that. */
#pragma once

#include <errno.h>
#include <unistd.h>

#include "unit.h"

#define CHILD_CHECK(condition)                                                                                         \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			_exit(__LINE__ % 251 + 1);                                                                     \
	} while (0)

#define CHILD_REFUSED(error, call)                                                                                     \
	do {                                                                                                           \
		errno = 0;                                                                                             \
		CHILD_CHECK((call) == -1 && errno == (error));                                                         \
	} while (0)
