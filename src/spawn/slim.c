/* SPDX-License-Identifier: MIT */
/*
 * Makes the clone of an init cheap: see state.h. Runs in the spawner.
 *
 * fork(2) copies every mapping of this process, and two of three belong to libraries that web needs (libmicrohttpd
 * brings a dozen more). An init calls the C library and nothing else, and is cloned and torn down for every job; so
 * those mappings are left out of forks (madvise(2), MADV_DONTFORK), but for the forks that become web.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "io.h"
#include "own.h"
#include "state.h"

enum { RANGES_MAX = 256, MAPS_BYTES = 65536 };

static struct {
	void *start;
	size_t length;
} ranges[RANGES_MAX];

static size_t range_count;

/* A shared library, but not the C library or its loader. */
static bool is_left_out(const char *path)
{
	const char *name = strrchr(path, '/');

	return name && strstr(name, ".so") && strncmp(name, "/libc.", 6) != 0 && strncmp(name, "/libc-", 6) != 0 &&
	       strncmp(name, "/ld-", 4) != 0;
}

/* A sanitizer's library is everywhere. */
static bool may_be_slim(void)
{
#ifdef __SANITIZE_ADDRESS__
	return false;
#else
	return true;
#endif
}

static void find_ranges(void)
{
	OWNED(char) text = malloc(MAPS_BYTES);
	char *line, *save = NULL;

	if (!text || !may_be_slim() || io_read_file(AT_FDCWD, "/proc/self/maps", text, MAPS_BYTES) < 0)
		return; /* slower, and nothing else */
	for (line = strtok_r(text, "\n", &save); line && range_count < RANGES_MAX; line = strtok_r(NULL, "\n", &save)) {
		unsigned long start, end;
		const char *path = strchr(line, '/');

		if (!path || !is_left_out(path) || sscanf(line, "%lx-%lx", &start, &end) != 2)
			continue;
		ranges[range_count].start = (void *)start;
		ranges[range_count++].length = end - start;
	}
}

void slim_forks(bool slim)
{
	if (range_count == 0)
		find_ranges();
	for (size_t i = 0; i < range_count; i++)
		(void)madvise(ranges[i].start, ranges[i].length, slim ? MADV_DONTFORK : MADV_DOFORK);
}
