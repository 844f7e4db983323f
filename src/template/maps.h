/* SPDX-License-Identifier: MIT */
/* The memory map of this process, line by line, without the heap. Inside src/template only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { MAPS_BYTES = 2 << 20 };

/* One mapping of proc(5), /proc/PID/maps. */
struct mapping {
	uintptr_t start, end;
	bool readable, writable, executable, private;
	bool has_file;
	bool special; /* the stack, and what the kernel put there */
};

/* Reads the whole map into text (MAPS_BYTES): its length, or -1 with errno. */
ssize_t maps_read(int proc_fd, char *text);

/* Takes one line off *text; false at the end. */
bool maps_next(char **text, struct mapping *m);

/* Bits of one 64-bit entry of /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst). */
#define PAGEMAP_PRESENT (1ULL << 63)
#define PAGEMAP_SWAPPED (1ULL << 62)
#define PAGEMAP_FILE_OR_SHARED (1ULL << 61)
#define PAGEMAP_EXCLUSIVE (1ULL << 56)

/* Opens /proc/self/pagemap: the descriptor, or -1 with errno. */
int maps_open_pages(int proc_fd);

/* Reads the entries of at most capacity pages from start on: how many, or -1 with errno. */
ssize_t maps_read_pages(int fd, uintptr_t start, uint64_t *entries, size_t capacity);
