/* SPDX-License-Identifier: MIT */
/* How many descriptors are open, by one system call; new ones get the lowest numbers, so that none hides above. */
#pragma once

#include <poll.h>

#include "json.h"

enum { DESCRIPTORS_MOST = 256 };

static inline unsigned descriptors_open(void)
{
	struct pollfd fds[DESCRIPTORS_MOST];
	unsigned count = 0;

	for (int i = 0; i < DESCRIPTORS_MOST; i++)
		fds[i] = (struct pollfd){ .fd = i };
	ALWAYS(poll(fds, DESCRIPTORS_MOST, 0) >= 0);
	for (int i = 0; i < DESCRIPTORS_MOST; i++)
		count += !(fds[i].revents & POLLNVAL);
	return count;
}
