/* SPDX-License-Identifier: MIT */
/*
 * UTF-8 repair: see utf8.h. What a script printed may be any bytes; what is answered must be JSON. Pure.
 */
#include "utf8.h"

#include <stdbool.h>
#include <string.h>

/* Table 3-7: bytes that follow a lead byte, and the narrower range of the first of them. */
static int following(unsigned char lead, unsigned char *low, unsigned char *high)
{
	*low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	*high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
	if (lead < 0x80)
		return 0;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 1;
	if (lead >= 0xe0 && lead <= 0xef)
		return 2;
	if (lead >= 0xf0 && lead <= 0xf4)
		return 3;
	return -1;
}

/* Length of the character or ill-formed part at the start; *whole says which. length > 0. */
static size_t step(const unsigned char *bytes, size_t length, bool *whole)
{
	unsigned char low, high;
	int follow = following(bytes[0], &low, &high);
	size_t used = 1;

	for (; follow > 0 && used < length && bytes[used] >= low && bytes[used] <= high; follow--, used++) {
		low = 0x80;
		high = 0xbf;
	}
	*whole = follow == 0;
	return used;
}

size_t utf8_repair(const char *bytes, size_t length, char *out)
{
	size_t written = 0;

	for (size_t at = 0; at < length;) {
		bool whole;
		size_t used = step((const unsigned char *)bytes + at, length - at, &whole);

		memcpy(out + written, whole ? bytes + at : "\xef\xbf\xbd", whole ? used : 3);
		written += whole ? used : 3;
		at += used;
	}
	return written;
}

size_t utf8_trim_incomplete(const char *bytes, size_t length)
{
	for (size_t back = 1; back <= 3 && back <= length; back++) {
		unsigned char low, high, lead = (unsigned char)bytes[length - back];

		if ((lead & 0xc0) == 0x80)
			continue;
		return following(lead, &low, &high) >= (int)back ? length - back : length;
	}
	return length;
}
