/* SPDX-License-Identifier: MIT */
/*
 * Which pages a script dirties whatever it does, learned from a trial child, so that a waiting child can have them
 * ready: then the first script line does not start with hundreds of page faults. Only ever a matter of speed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "maps.h"
#include "own.h"
#include "process.h"

enum { PAGES_AT_ONCE = 512 };

struct scratch {
	char maps[MAPS_BYTES];
	uint64_t entries[PAGES_AT_ONCE];
};

static bool is_own_page(uint64_t entry)
{
	return (entry & PAGEMAP_PRESENT) && (entry & PAGEMAP_EXCLUSIVE) && !(entry & PAGEMAP_FILE_OR_SHARED);
}

struct page_list {
	struct page_range *ranges;
	size_t count, capacity;
};

static void add_page(struct page_list *list, uint64_t page, uint64_t page_bytes)
{
	struct page_range *last = list->count ? &list->ranges[list->count - 1] : NULL;

	if (last && last->start + last->length == page)
		last->length += page_bytes;
	else if (list->count < list->capacity)
		list->ranges[list->count++] = (struct page_range){ .start = page, .length = page_bytes };
}

static int add_pages_of(struct page_list *list, struct scratch *s, int pages_fd, const struct mapping *m)
{
	const uintptr_t page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);

	for (uintptr_t at = m->start; at < m->end;) {
		size_t left = (m->end - at) / page_bytes;
		ssize_t got = maps_read_pages(pages_fd, at, s->entries, left < PAGES_AT_ONCE ? left : PAGES_AT_ONCE);

		if (got < 0)
			return -1;
		for (ssize_t i = 0; i < got; i++, at += page_bytes)
			if (is_own_page(s->entries[i]))
				add_page(list, at, page_bytes);
	}
	return 0;
}

int pages_written(int proc_fd, struct page_range *ranges, size_t capacity)
{
	struct scratch *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct page_list list = { .ranges = ranges, .capacity = capacity };
	OWNED_FD pages_fd = maps_open_pages(proc_fd);
	struct mapping m;
	char *text;
	int status = -1;

	if (s == MAP_FAILED)
		return -1;
	if (pages_fd >= 0 && maps_read(proc_fd, s->maps) >= 0) {
		status = 0;
		text = s->maps;
		while (status == 0 && maps_next(&text, &m))
			if (m.private && m.writable && m.start != (uintptr_t)ranges)
				status = add_pages_of(&list, s, pages_fd, &m);
	}
	munmap(s, sizeof *s);
	return status < 0 ? -1 : (int)list.count;
}
