/* SPDX-License-Identifier: MIT */
/* A template: a warm interpreter that the spawner has children forked from. Inside src/template only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What Python needs around fork(2); module.c fills it, so that the rest knows nothing of Python. */
struct template_hooks {
	void (*before_fork)(void);
	void (*after_fork_parent)(void);
	void (*after_fork_child)(void);
};

/*
 * Takes over the descriptors of include/template.h. *own_mounts: whether the child of a trial gets a file system of its
 * own. 0, or -1 with errno. Called once.
 */
int template_begin(bool *own_mounts);

/* How cheap its forks are; for the spawner, which shows it. */
struct template_state {
	int image_error; /* 0: its memory lies on a snapshot; otherwise the errno that stood in the way */
	uint64_t image_bytes;
	uint32_t prefault_pages;
};

/* Says that it is ready, then forks on request. Returns 0 in each child, in its cell; the template itself never returns. */
int template_serve(const struct template_hooks *hooks, const struct template_state *state);

/* Child: says that it waits, and takes the descriptors of its job. 0, or -1 with errno; then it must exit. */
int template_wait(void);

/*
 * Moves the writable memory of this process onto a file in memory (snapshot.c). 0, or -1 with errno: then nothing has
 * changed. proc_fd: the machine's /proc. *bytes: the size of the image.
 */
int snapshot_take(int proc_fd, uint64_t *bytes);

/*
 * For the trial: forks as template_serve() does, and gives the child that folder as its working directory, empty: with
 * namespaces, by a small tmpfs over it. Returns 1 in the child; 0 in the parent when the child has ended; -1 with errno.
 */
int template_fork_trial(const struct template_hooks *hooks, const char *folder);

/* A range of pages, in bytes. */
struct page_range {
	uint64_t start, length;
};

/*
 * The writable pages that only this process has: what it wrote to since it was forked. Returns how many of at most
 * capacity ranges it stored, or -1 with errno.
 */
int pages_written(int proc_fd, struct page_range *ranges, size_t capacity);

/* What a child touches before anything else, since every job does. The ranges are copied; returns the number of pages. */
uint32_t template_set_prefault(const struct page_range *ranges, size_t count);
