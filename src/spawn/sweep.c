/* SPDX-License-Identifier: MIT */
/* See sweep.h. The first half runs in the forked process, in the jail of the job; the second in the spawner. */
#define _GNU_SOURCE
#include "sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "account.h"
#include "body.h"
#include "io.h"
#include "own.h"

enum {
	DEPTH_MAX = 200,
	ENTRY_BYTES = 4096,    /* an empty file is not for nothing */
	PATIENCE_US = 2000000, /* for one measurement */
	AGAIN_US = 1000000,    /* after which any change is a reason to measure */
	SHARE = 8,             /* of the limit: a loss of room by this much is a reason at once */
	FAILURES_MAX = 3,
};

/* ---- in the jail: how much is there ---------------------------------------------------------------------------------- */

static bool is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/*
 * Without O_DIRECTORY: with it, gVisor follows a link in spite of O_NOFOLLOW. O_NONBLOCK: it may be a pipe by now.
 */
static int open_no_link(int parent_fd, const char *name)
{
	OWNED_FD fd = openat(parent_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat info;

	if (fd < 0)
		return -1;
	if (fstat(fd, &info) < 0 || !S_ISDIR(info.st_mode)) {
		errno = ENOTDIR;
		return -1;
	}
	return fd_release(&fd);
}

static DIR *open_directory(int parent_fd, const char *name)
{
	int fd = open_no_link(parent_fd, name);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);

	if (!directory && fd >= 0)
		close(fd);
	return directory;
}

/*
 * Stops counting when it is too much anyway. What cannot be looked into, or lies too deep, is too much: the script is at
 * work, and a directory that it has closed could be a link by the time it is opened for it (chmod(2) follows links). What
 * is gone by then is nothing (tempfile.TemporaryDirectory).
 */
static uint64_t measure(const char *folder, uint64_t limit_bytes)
{
	DIR *level[DEPTH_MAX];
	size_t depth = 0;
	uint64_t bytes = 0;

	level[0] = open_directory(AT_FDCWD, folder);
	if (!level[0])
		return limit_bytes + 1;
	while (bytes <= limit_bytes) {
		const struct dirent *entry = readdir(level[depth]);
		struct stat info;

		if (!entry) {
			closedir(level[depth]);
			if (depth-- == 0)
				return bytes;
			continue;
		}
		if (is_dot(entry->d_name))
			continue;
		if (fstatat(dirfd(level[depth]), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) < 0) {
			if (errno == ENOENT)
				continue;
			return limit_bytes + 1;
		}
		bytes += ENTRY_BYTES + (uint64_t)info.st_blocks * 512;
		if (!S_ISDIR(info.st_mode))
			continue;
		if (depth + 1 == DEPTH_MAX)
			return limit_bytes + 1;
		level[depth + 1] = open_directory(dirfd(level[depth]), entry->d_name);
		if (level[depth + 1])
			depth++;
		else if (errno != ENOENT)
			return limit_bytes + 1;
	}
	return bytes;
}

void sweep_body_measure(const struct jail_job *job)
{
	struct init_message message = { .word = INIT_MEASURED };

	message.bytes[0] = measure(job->folders.work, job->limits.tmp_bytes);
	message.bytes[1] = job->folders.shm[0] ? measure(job->folders.shm, job->limits.tmp_bytes) : 0;
	_exit(io_send(JAIL_FD_SYNC, &message, sizeof message, NULL, 0) < 0);
}

/* ---- in the jail: away with it ------------------------------------------------------------------------------------------ */

/* Opens a directory that the script may have closed to itself. The owner can always open it again. */
static int descend(int parent_fd, const char *name)
{
	int fd = open_no_link(parent_fd, name);

	if (fd < 0 && errno == EACCES && fchmodat(parent_fd, name, 0700, 0) == 0)
		fd = open_no_link(parent_fd, name);
	if (fd >= 0)
		(void)fchmod(fd, 0700);
	return fd;
}

/*
 * Removes what can be removed at once. Returns 0 when the directory is empty; 1 with *next_fd open on a directory in it
 * that is not; -1 when something stays.
 */
static int remove_entries(int fd, int *next_fd)
{
	OWNED_FD copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	int status = 0;

	if (!directory)
		return -1;
	(void)fd_release(&copy);
	while (status == 0 && (entry = readdir(directory))) {
		if (is_dot(entry->d_name) || unlinkat(fd, entry->d_name, 0) == 0 ||
		    unlinkat(fd, entry->d_name, AT_REMOVEDIR) == 0)
			continue;
		*next_fd = descend(fd, entry->d_name);
		status = *next_fd < 0 ? -1 : 1;
	}
	closedir(directory);
	return status;
}

static bool is_same(int a, int b)
{
	struct stat of_a, of_b;

	return fstat(a, &of_a) == 0 && fstat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

/* Goes down into what is not empty and up again by "..": with two descriptors, however deep it is. Nobody else is there. */
static int empty(const char *folder)
{
	OWNED_FD top_fd = descend(AT_FDCWD, folder);
	OWNED_FD fd = top_fd < 0 ? -1 : dup(top_fd);

	while (fd >= 0) {
		int next_fd = -1, status = remove_entries(fd, &next_fd);

		if (status < 0)
			return -1;
		if (status == 0 && is_same(fd, top_fd))
			return 0;
		if (status == 0)
			next_fd = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = next_fd;
	}
	return -1;
}

/* Both, whatever becomes of the first. */
void sweep_body_empty(const struct jail_job *job)
{
	int work = empty(job->folders.work);
	int shm = job->folders.shm[0] ? empty(job->folders.shm) : 0;

	_exit(work < 0 || shm < 0);
}

/* ---- in the spawner ------------------------------------------------------------------------------------------------------- */

void sweep_clear(struct sweep *w)
{
	memset(w, 0, sizeof *w);
	w->report_fd = -1;
}

struct room {
	uint64_t bytes[SWEEP_FOLDERS], files[SWEEP_FOLDERS];
};

static void look_at_room(const struct jail *j, struct room *room)
{
	const int fds[SWEEP_FOLDERS] = { j->places.work_fd, j->places.shm_fd };

	memset(room, 0, sizeof *room);
	for (int i = 0; i < SWEEP_FOLDERS; i++) {
		struct statfs info;

		if (fds[i] < 0 || fstatfs(fds[i], &info) < 0)
			continue;
		room->bytes[i] = (uint64_t)info.f_bfree * (uint64_t)info.f_bsize;
		room->files[i] = (uint64_t)info.f_ffree;
	}
}

void sweep_begin(const struct jail *j, struct sweep *w)
{
	struct room room;

	look_at_room(j, &room);
	memcpy(w->free_bytes, room.bytes, sizeof room.bytes);
	memcpy(w->free_files, room.files, sizeof room.files);
	memcpy(w->first_free_bytes, room.bytes, sizeof room.bytes);
	w->started_us = io_now_us();
}

uint64_t sweep_lost_bytes(const struct jail *j, const struct sweep *w)
{
	struct room room;
	uint64_t lost = 0;

	look_at_room(j, &room);
	for (int i = 0; i < SWEEP_FOLDERS; i++)
		if (w->first_free_bytes[i] > room.bytes[i])
			lost += w->first_free_bytes[i] - room.bytes[i];
	return lost;
}

/* Others use the same file systems, so a change is a reason to look and nothing more. */
static bool is_due(const struct sweep *w, const struct room *room, uint64_t limit_bytes, uint64_t now)
{
	bool old = now >= w->started_us + AGAIN_US;

	for (int i = 0; i < SWEEP_FOLDERS; i++) {
		uint64_t lost = w->free_bytes[i] > room->bytes[i] ? w->free_bytes[i] - room->bytes[i] : 0;
		uint64_t lost_files = w->free_files[i] > room->files[i] ? w->free_files[i] - room->files[i] : 0;

		if (lost > limit_bytes / SHARE || lost_files > limit_bytes / ENTRY_BYTES / SHARE)
			return true;
		if (old && (room->bytes[i] != w->free_bytes[i] || room->files[i] != w->free_files[i]))
			return true;
	}
	return false;
}

static void take_result(struct sweep *w)
{
	struct init_message message;
	int fds[IO_MAX_FDS];
	size_t count;
	ssize_t got = w->report_fd < 0 ? -1 : io_receive(w->report_fd, &message, sizeof message, fds, &count);

	if (got == sizeof message && message.word == INIT_MEASURED) {
		memcpy(w->bytes, message.bytes, sizeof w->bytes);
		w->failures = 0;
		fd_close(&w->report_fd);
	} else if (got >= 0) { /* it was killed, or could not enter the jail */
		w->failures++;
		fd_close(&w->report_fd);
	}
}

/*
 * That no process can be made (a neighbour has them all) is not this job's doing: it is tried again at the next tick. But
 * when its file systems have lost more than it may have, it may be over its limit, and nobody could tell.
 */
static int start_measuring(const struct jail *j, const struct jail_job *job, struct sweep *w)
{
	w->measurer = body_fork(j, job, sweep_body_measure, &w->report_fd);
	if (w->measurer > 0)
		return 0;
	w->measurer = 0;
	if (sweep_lost_bytes(j, w) > job->limits.tmp_bytes)
		w->failures++;
	return -1;
}

bool sweep_measure(const struct jail *j, const struct jail_job *job, struct sweep *w, uint64_t now)
{
	struct room room;

	take_result(w);
	w->due = false;
	/* A job may signal what has its uid, if Landlock does not forbid it. Nobody else stops this process. */
	if (w->measurer > 0 && (now > w->started_us + PATIENCE_US || account_is_stopped(w->measurer))) {
		kill(w->measurer, SIGKILL);
		w->started_us = now;
	}
	if (w->measurer > 0)
		return true;
	look_at_room(j, &room);
	w->due = is_due(w, &room, job->limits.tmp_bytes, now);
	if (w->due && start_measuring(j, job, w) == 0) {
		memcpy(w->free_bytes, room.bytes, sizeof room.bytes);
		memcpy(w->free_files, room.files, sizeof room.files);
		w->started_us = now;
	}
	return w->failures < FAILURES_MAX;
}

int sweep_start(const struct jail *j, const struct jail_job *job, struct sweep *w)
{
	int fd = -1;

	w->attempts++;
	w->sweeper = body_fork(j, job, sweep_body_empty, &fd);
	fd_close(&fd);
	if (w->sweeper > 0)
		return 0;
	w->sweeper = 0;
	return -1;
}

bool sweep_reaped(struct sweep *w, pid_t pid)
{
	if (pid != w->measurer && pid != w->sweeper)
		return false;
	if (pid == w->measurer) {
		take_result(w);
		w->measurer = 0;
	} else {
		w->sweeper = 0;
	}
	return true;
}
