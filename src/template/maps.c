/* SPDX-License-Identifier: MIT */
/*
 * Reads /proc/self/maps and /proc/self/pagemap: see maps.h. Runs in a template and in its trial child. No allocation:
 * the snapshot must not change the memory that it copies.
 */
#define _GNU_SOURCE
#include "maps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"

ssize_t maps_read(int proc_fd, char *text)
{
	return io_read_file(proc_fd, "self/maps", text, MAPS_BYTES);
}

static char *skip_field(char *at)
{
	at += strcspn(at, " ");
	return at + strspn(at, " ");
}

bool maps_next(char **text, struct mapping *m)
{
	char *line = *text, *end = strchr(line, '\n'), *at;

	if (!end)
		return false;
	*end = '\0';
	*text = end + 1;
	m->start = strtoul(line, &at, 16);
	m->end = strtoul(at + 1, &at, 16);
	at++;
	m->readable = at[0] == 'r';
	m->writable = at[1] == 'w';
	m->executable = at[2] == 'x';
	m->private = at[3] == 'p';
	at = skip_field(skip_field(skip_field(at))); /* permissions, offset, device */
	m->has_file = at[0] != '0';                  /* inode */
	at = skip_field(at);
	m->special = at[0] == '[' && strcmp(at, "[heap]") != 0;
	return true;
}

int maps_open_pages(int proc_fd)
{
	return openat(proc_fd, "self/pagemap", O_RDONLY | O_CLOEXEC);
}

ssize_t maps_read_pages(int fd, uintptr_t start, uint64_t *entries, size_t capacity)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	ssize_t got = pread(fd, entries, capacity * sizeof *entries, (off_t)(start / page * sizeof *entries));

	if (got < 0)
		return -1;
	if (got == 0) {
		errno = EIO;
		return -1;
	}
	return got / (ssize_t)sizeof *entries;
}
