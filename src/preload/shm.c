/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into the processes of a job: POSIX shared memory and named semaphores in a directory per uid.
 *
 * The C library keeps both in /dev/shm itself. Where jobs have no mounts of their own they share that directory, and
 * each has /dev/shm/<uid>/job instead, mode 0700 and its own. Here shm_open, shm_unlink, sem_open, sem_close and sem_unlink
 * are done again with that directory; sem_wait, sem_post and the rest stay the C library's, since what sem_open gives
 * is an ordinary semaphore shared between processes. The directory is made by whoever starts the job.
 *
 * Who asks statvfs(3) about /dev/shm itself hears that there is no room, which is true for a job: multiprocessing's
 * Value, Array and Barrier, which would open files there by path, take the temporary directory then.
 *
 * It protects nothing: it runs inside the job, as untrusted as the script, and only the permissions of the directories
 * keep jobs apart. It does not reach who opens /dev/shm by path without asking, who asks libc.so.6 itself for a function
 * (dlsym with its handle, dlvsym), static programs, or who drops LD_PRELOAD.
 *
 * Names, flags and errors: shm_open(3), sem_open(3), sem_close(3), sem_unlink(3), sem_overview(7). Beyond them, a file
 * that cannot be a semaphore is EINVAL, where the C library would map it. No stdio, no output, no environment.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "job.h"

#ifndef SHM_PARENT
#define SHM_PARENT "/dev/shm"
#endif
#define EXPORTED __attribute__((visibility("default")))

enum {
	DIGITS = 20,
	PATH_BYTES = sizeof SHM_PARENT "/" + DIGITS + sizeof "/" JOB_FOLDER "/" + NAME_MAX,
	DRAFT_TRIES = 50,
};

/* A semaphore that this process has open. Its mapping keeps the file alive, so no other file has its inode number. */
struct mapping {
	struct mapping *next;
	sem_t *semaphore;
	dev_t device;
	ino_t inode;
	size_t opens; /* sem_open less sem_close */
};

static struct mapping *mappings;
static pthread_mutex_t mappings_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_ulong drafts; /* names tried so far */
static int fork_error;      /* not 0: forking with the lock held by another thread would not be safe */

static void lock_mappings(void)
{
	pthread_mutex_lock(&mappings_lock);
}

static void unlock_mappings(void)
{
	pthread_mutex_unlock(&mappings_lock);
}

/* A child is forked with the lock in its parent's hand, never in that of a thread which the child does not have. */
__attribute__((constructor)) static void prepare_forks(void)
{
	fork_error = pthread_atfork(lock_mappings, unlock_mappings, unlock_mappings);
}

static int fail(int error)
{
	errno = error;
	return -1;
}

static char *append_number(char *end, unsigned long number)
{
	char digits[DIGITS], *first = digits + sizeof digits;

	do
		*--first = (char)('0' + number % 10);
	while ((number /= 10) != 0);
	return mempcpy(end, first, (size_t)(digits + sizeof digits - first));
}

/* The uid is asked for each time: a process may change its own. */
static int object_path(char path[static PATH_BYTES], const char *prefix, const char *name)
{
	const size_t prefix_length = strlen(prefix);
	size_t length;
	char *end;

	name += strspn(name, "/");
	length = strlen(name);
	if (length == 0 || memchr(name, '/', length))
		return fail(EINVAL);
	if (length > NAME_MAX - prefix_length)
		return fail(ENAMETOOLONG);
	end = append_number(mempcpy(path, SHM_PARENT "/", sizeof SHM_PARENT), getuid());
	end = mempcpy(end, "/" JOB_FOLDER "/", strlen("/" JOB_FOLDER "/"));
	memcpy(mempcpy(end, prefix, prefix_length), name, length + 1);
	return 0;
}

static int open_object(const char *path, int flags, mode_t mode)
{
	int fd = open(path, flags | O_NOFOLLOW | O_CLOEXEC, mode);

	return fd < 0 && errno == EISDIR ? fail(EINVAL) : fd; /* the name is not that of an object */
}

static int unlink_object(const char *prefix, const char *name)
{
	char path[PATH_BYTES];

	/* The man pages have no EINVAL and no EPERM here. */
	if (object_path(path, prefix, name) != 0)
		return errno == EINVAL ? fail(ENOENT) : -1;
	if (unlink(path) != 0)
		return errno == EPERM ? fail(EACCES) : -1;
	return 0;
}

EXPORTED int shm_open(const char *name, int flags, mode_t mode)
{
	char path[PATH_BYTES];
	int cancel, fd;

	if (object_path(path, "", name) != 0)
		return -1;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	fd = open_object(path, flags, mode);
	pthread_setcancelstate(cancel, NULL);
	return fd;
}

EXPORTED int shm_unlink(const char *name)
{
	return unlink_object("", name);
}

EXPORTED int sem_unlink(const char *name)
{
	return unlink_object("sem.", name);
}

/* Into the list, whose lock is held; NULL when there is no memory. */
static struct mapping *add_mapping(int fd, const struct stat *file)
{
	struct mapping *made = malloc(sizeof *made);
	sem_t *semaphore = MAP_FAILED;

	if (made)
		semaphore = mmap(NULL, sizeof *semaphore, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (semaphore == MAP_FAILED) {
		free(made);
		return NULL;
	}
	*made = (struct mapping){ mappings, semaphore, file->st_dev, file->st_ino, 0 };
	mappings = made;
	return made;
}

/* The semaphore in this file, at the address where the process has it already if it does. */
static sem_t *map_semaphore(int fd)
{
	struct mapping *found;
	struct stat file;

	if (fstat(fd, &file) != 0)
		return SEM_FAILED;
	if (file.st_size != sizeof(sem_t)) { /* that of a fifo is 0 */
		errno = EINVAL;
		return SEM_FAILED;
	}
	lock_mappings();
	for (found = mappings; found; found = found->next)
		if (found->inode == file.st_ino && found->device == file.st_dev)
			break;
	if (!found)
		found = add_mapping(fd, &file);
	if (found)
		found->opens++;
	else
		errno = ENOMEM;
	unlock_mappings();
	return found ? found->semaphore : SEM_FAILED;
}

EXPORTED int sem_close(sem_t *semaphore)
{
	struct mapping **place = &mappings, *found;

	lock_mappings();
	while (*place && (*place)->semaphore != semaphore)
		place = &(*place)->next;
	found = *place;
	if (!found) {
		unlock_mappings();
		return fail(EINVAL);
	}
	if (--found->opens == 0) {
		*place = found->next;
		munmap(semaphore, sizeof *semaphore);
		free(found);
	}
	unlock_mappings();
	return 0;
}

/* An empty file that has no name of an object yet. A file that has this name by chance is left alone. */
static int open_draft(char path[static PATH_BYTES], mode_t mode)
{
	char name[sizeof ".draft." + 2 * DIGITS + sizeof "."], *end;

	end = append_number(mempcpy(name, ".draft.", strlen(".draft.")), (unsigned long)getpid());
	*end++ = '.';
	for (int tries = 0; tries < DRAFT_TRIES; tries++) {
		int fd;

		*append_number(end, atomic_fetch_add(&drafts, 1)) = '\0';
		object_path(path, "", name);
		fd = open_object(path, O_RDWR | O_CREAT | O_EXCL, mode);
		if (fd >= 0 || errno != EEXIST)
			return fd;
	}
	return fail(EAGAIN); /* EEXIST would speak of the semaphore */
}

/* Nobody sees it half made, nor after a failure: it is complete, and mapped here, before it gets its name. */
static sem_t *create_semaphore(const char *path, mode_t mode, unsigned int value)
{
	sem_t content, *semaphore = SEM_FAILED;
	char draft[PATH_BYTES];
	int fd, error;

	memset(&content, 0, sizeof content);
	if (sem_init(&content, 1, value) != 0) /* EINVAL: over SEM_VALUE_MAX */
		return SEM_FAILED;
	fd = open_draft(draft, mode);
	if (fd < 0)
		return SEM_FAILED;
	errno = ENOSPC; /* a short write does not say it */
	if (write(fd, &content, sizeof content) == sizeof content)
		semaphore = map_semaphore(fd);
	error = errno;
	if (semaphore != SEM_FAILED && link(draft, path) != 0) {
		error = errno;
		sem_close(semaphore);
		semaphore = SEM_FAILED;
	}
	unlink(draft);
	close(fd);
	errno = error;
	return semaphore;
}

static sem_t *open_semaphore(const char *path)
{
	int fd = open_object(path, O_RDWR, 0), error;
	sem_t *semaphore;

	if (fd < 0)
		return SEM_FAILED;
	semaphore = map_semaphore(fd);
	error = errno;
	close(fd);
	errno = error;
	return semaphore;
}

EXPORTED sem_t *sem_open(const char *name, int flags, ...)
{
	char path[PATH_BYTES];
	unsigned int value = 0;
	sem_t *semaphore;
	mode_t mode = 0;
	va_list more;
	int cancel;

	if (object_path(path, "sem.", name) != 0)
		return SEM_FAILED;
	if (fork_error) {
		errno = fork_error;
		return SEM_FAILED;
	}
	if (flags & O_CREAT) {
		va_start(more, flags);
		mode = va_arg(more, mode_t);
		value = va_arg(more, unsigned int);
		va_end(more);
	}
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if ((flags & O_CREAT) && (flags & O_EXCL))
		semaphore = create_semaphore(path, mode, value);
	else
		do { /* again when another process makes it after we have looked */
			semaphore = open_semaphore(path);
			if (semaphore == SEM_FAILED && errno == ENOENT && (flags & O_CREAT))
				semaphore = create_semaphore(path, mode, value);
		} while (semaphore == SEM_FAILED && errno == EEXIST);
	pthread_setcancelstate(cancel, NULL);
	return semaphore;
}

/* Both names: with 64-bit offsets programs ask for the second one, and on 64-bit machines they mean the same. */
static int ask_file_system(const char *path, struct statvfs *info)
{
	int error, status, fd = open(path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return -1;
	status = fstatvfs(fd, info);
	error = errno;
	close(fd);
	errno = error;
	if (status == 0 && strcmp(path, SHM_PARENT) == 0)
		info->f_bavail = info->f_favail = 0;
	return status;
}

EXPORTED int statvfs(const char *restrict path, struct statvfs *restrict info)
{
	return ask_file_system(path, info);
}

_Static_assert(sizeof(struct statvfs) == sizeof(struct statvfs64), "one layout on 64-bit machines");

EXPORTED int statvfs64(const char *restrict path, struct statvfs64 *restrict info)
{
	return ask_file_system(path, (struct statvfs *)(void *)info);
}
