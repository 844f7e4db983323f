/* SPDX-License-Identifier: MIT */
/* An input read piece by piece: what is not there reads as zero, so that each input means something. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct input {
	const uint8_t *at, *end;
};

static inline size_t input_left(const struct input *in)
{
	return (size_t)(in->end - in->at);
}

static inline uint8_t input_byte(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

/* At most this many bytes, and where they are. */
static inline const uint8_t *input_take(struct input *in, size_t most, size_t *got)
{
	const uint8_t *bytes = in->at;

	*got = most < input_left(in) ? most : input_left(in);
	in->at += *got;
	return bytes;
}

static inline uint64_t input_u64(struct input *in)
{
	uint64_t value = 0;
	size_t got;
	const uint8_t *bytes = input_take(in, sizeof value, &got);

	if (got > 0)
		memcpy(&value, bytes, got);
	return value;
}
