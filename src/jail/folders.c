/* SPDX-License-Identifier: MIT */
/*
 * The private directories of jobs that have no mounts of their own: see include/jail.h. Runs in the spawner.
 *
 * They lie in directories that only the spawner can write to (or, for jobs that share its uid, under names that nobody
 * can guess in a directory that nobody can list), so making and removing them by name is safe. What is inside is left to
 * processes in the job's own jail (src/spawn/sweep.c).
 *
 * A job owns its directory and may open it to everybody. So, where it has a uid of its own, there is one more around it:
 *
 *     /tmp/60601        root, group 60601, mode 0710     only this job's group can pass, and nobody but root changes that
 *     /tmp/60601/job    60601, group 60601, mode 0700    the job's own, to do with what it likes
 *
 * Without it nothing but Landlock would keep jobs apart, and not every kernel has that.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "job.h"
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

static int open_directory(int parent_fd, const char *name)
{
	return openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int make_directory(int parent_fd, const char *name)
{
	return mkdirat(parent_fd, name, 0700) < 0 ? -1 : open_directory(parent_fd, name);
}

/* The job can pass when both are as they are to stay, and not before. */
static int make_folder(const struct jail *j, uint32_t cell, int place_fd, const char *name)
{
	const uid_t uid = jail_uid_of(j, cell);
	OWNED_FD outer_fd = make_directory(place_fd, name);
	OWNED_FD own_fd = -1;

	if (outer_fd < 0 || !j->cell_uids)
		return outer_fd < 0 ? -1 : 0;
	own_fd = make_directory(outer_fd, JOB_FOLDER);
	if (own_fd < 0 || fchown(own_fd, uid, uid) < 0)
		return -1;
	return fchown(outer_fd, (uid_t)-1, uid) < 0 || fchmod(outer_fd, 0710) < 0 ? -1 : 0;
}

int jail_make_folders(const struct jail *j, uint32_t cell, struct jail_folders *folders)
{
	const char *own = j->cell_uids ? "/" JOB_FOLDER : "";
	char name[JAIL_FOLDER_BYTES / 2 - sizeof JOB_FOLDER];

	memset(folders, 0, sizeof *folders);
	if (name_folder(j, cell, name, sizeof name) < 0)
		return -1;
	snprintf(folders->work, sizeof folders->work, "%.*s/%s%s", JAIL_FOLDER_BYTES / 2 - 1, j->places.work, name,
		 own);
	if (j->places.shm_fd >= 0)
		snprintf(folders->shm, sizeof folders->shm, "/dev/shm/%s%s", name, own);
	if (make_folder(j, cell, j->places.work_fd, name) < 0)
		return -1;
	return j->places.shm_fd >= 0 ? make_folder(j, cell, j->places.shm_fd, name) : 0;
}

/* Whatever of the two is there: a start that was cut short may have made the outer one alone. */
static int remove_folder(const struct jail *j, int place_fd, const char *path)
{
	char outer[JAIL_FOLDER_BYTES];
	OWNED_FD outer_fd = -1;
	char *slash;

	snprintf(outer, sizeof outer, "%s", path);
	if (j->cell_uids && (slash = strrchr(outer, '/')))
		*slash = '\0';
	slash = strrchr(outer, '/');
	if (!slash)
		return 0;
	if (j->cell_uids)
		outer_fd = open_directory(place_fd, slash + 1);
	if (outer_fd >= 0)
		(void)unlinkat(outer_fd, JOB_FOLDER, AT_REMOVEDIR); /* or the next one fails, too */
	return unlinkat(place_fd, slash + 1, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -1;
}

/* The working directory last: whoever is to empty the other one begins in there (own_uid.c). */
int jail_remove_folders(const struct jail *j, const struct jail_folders *folders)
{
	if (remove_folder(j, j->places.shm_fd, folders->shm) < 0)
		return -1;
	return remove_folder(j, j->places.work_fd, folders->work);
}
