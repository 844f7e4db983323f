/* SPDX-License-Identifier: MIT */
/* The tree that jobs have as their root: inside src/jail only. Each function returns 0, or -1 with *f filled. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "fault.h"
#include "jail.h"

/* Named semaphores and shared memory in a directory of the job's own (src/preload/shm.c). */
#define TREE_SHM_LIBRARY "libjobshm.so"

/* mkdir -p of all but the last part; path is as it was afterwards. 0, or -1 with errno. */
int tree_make_parents(char *path);

/* A file of mode 0444, new, with its parents. */
int tree_write_file(const char *path, const char *bytes, size_t length, struct fault *f);

/* A link inside the tree; one that is there stays. */
int tree_make_link(const char *path, const char *target, struct fault *f);

/* A copy of the machine's file of the same path, if it has one. machine: where its root is seen ("" or "/old"). */
int tree_copy_file(const char *machine, const char *path, struct fault *f);

/*
 * Debian finds libblas.so.3 through /etc/alternatives. The links that a loader could follow are made again in the tree,
 * instead of showing the machine's directory.
 */
int tree_copy_library_alternatives(const char *machine, struct fault *f);

/* The files of the runner, into a folder. */
int tree_write_runner(const char *folder, struct fault *f);

/* Directories, passwd (with the uids of this many cells), group, nsswitch.conf and the runner, in the tree. */
int tree_write_files(const struct jail *j, uint32_t cells, struct fault *f);
