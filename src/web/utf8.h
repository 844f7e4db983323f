/* SPDX-License-Identifier: MIT */
/* Makes any bytes valid UTF-8, as Python's bytes.decode("utf-8", "replace") does. */
#pragma once

#include <stddef.h>

/*
 * Copies length bytes to out with each maximal ill-formed part replaced by U+FFFD (Unicode 15, section 3.9, table 3-7
 * and "substitution of maximal subparts"). out has room for 3 * length bytes. Returns the bytes written.
 */
size_t utf8_repair(const char *bytes, size_t length, char *out);

/* Length without an incomplete character at the end: for text that was cut at a byte. */
size_t utf8_trim_incomplete(const char *bytes, size_t length);
