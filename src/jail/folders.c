/* SPDX-License-Identifier: MIT */
/*
 * The private directories of jobs that have no mounts of their own: see include/jail.h. Runs in the spawner.
 *
 * They lie in directories that only the spawner can write to (or, for jobs that share its uid, under names that nobody
 * can guess in a directory that nobody can list), so making and removing them by name is safe. What is inside is left to
 * processes in the job's own jail (src/spawn/sweep.c).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layer.h"
#include "own.h"

enum { RANDOM_WORDS = 4 };

/* The uid where that is the job's alone: names for it can then be made once. Otherwise a secret. */
static int name_folder(const struct jail *j, uint32_t cell, char *name, size_t capacity)
{
	uint32_t random[RANDOM_WORDS];

	if (j->cell_uids) {
		snprintf(name, capacity, "%u", (unsigned)jail_uid_of(j, cell));
		return 0;
	}
	if (getrandom(random, sizeof random, 0) != sizeof random)
		return -1;
	snprintf(name, capacity, "job-%08x%08x%08x%08x", random[0], random[1], random[2], random[3]);
	return 0;
}

static int make_folder(const struct jail *j, uint32_t cell, int parent_fd, const char *name)
{
	const uid_t uid = jail_uid_of(j, cell);
	OWNED_FD fd = -1;

	if (mkdirat(parent_fd, name, 0700) < 0)
		return -1;
	fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 || (j->cell_uids && fchown(fd, uid, uid) < 0) ? -1 : 0;
}

int jail_make_folders(const struct jail *j, uint32_t cell, struct jail_folders *folders)
{
	char name[JAIL_FOLDER_BYTES / 2];

	memset(folders, 0, sizeof *folders);
	if (name_folder(j, cell, name, sizeof name) < 0)
		return -1;
	snprintf(folders->work, sizeof folders->work, "%.*s/%s", JAIL_FOLDER_BYTES / 2 - 1, j->places.work, name);
	if (j->places.shm_fd >= 0)
		snprintf(folders->shm, sizeof folders->shm, "/dev/shm/%s", name);
	if (make_folder(j, cell, j->places.work_fd, name) < 0)
		return -1;
	return j->places.shm_fd >= 0 ? make_folder(j, cell, j->places.shm_fd, name) : 0;
}

static int remove_folder(int parent_fd, const char *path)
{
	const char *name = strrchr(path, '/');

	if (!name || unlinkat(parent_fd, name + 1, AT_REMOVEDIR) == 0)
		return 0;
	return errno == ENOENT ? 0 : -1;
}

int jail_remove_folders(const struct jail *j, const struct jail_folders *folders)
{
	int status = remove_folder(j->places.work_fd, folders->work);

	return remove_folder(j->places.shm_fd, folders->shm) < 0 ? -1 : status;
}
