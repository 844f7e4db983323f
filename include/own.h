/* SPDX-License-Identifier: MIT */
/* Ownership by scope: a descriptor or an allocation that is released on every path out of a block. */
#pragma once

#include <stdlib.h>
#include <unistd.h>

static inline void own_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void own_free(void *pointer)
{
	free(*(void **)pointer);
}

/* Hands ownership on: the variable no longer closes anything. */
static inline int fd_release(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Closes what is open and marks it as closed. */
static inline void fd_close(int *fd)
{
	own_close(fd);
	*fd = -1;
}

/* An int that closes itself at the end of its scope (negative: nothing to close). */
#define OWNED_FD __attribute__((cleanup(own_close))) int
/* A pointer that frees itself: OWNED(char) name = strdup(...). */
#define OWNED(type) __attribute__((cleanup(own_free))) type *
