/* SPDX-License-Identifier: MIT */
/*
 * Layer: landlock (landlock(7), Linux 5.13). With namespaces, a second opinion on files, given by another part of the
 * kernel than the mounts are: read and execute below /, write only in /tmp, /dev/shm and the devices. Without, where
 * default `docker run` and restricted Kubernetes pods leave nothing else, the first: read and execute the runtime and a
 * few files of /etc, write only in the job's own directories and the devices.
 *
 * Stops, where it is there: writing outside /tmp and /dev/shm even if a mount were writable (/proc/self/oom_score_adj
 * and the like are refused by this layer alone); special files in /tmp; TCP (ABI 4); signals and abstract sockets
 * across the boundary (ABI 6); ptrace of anything that is not in the same jail, and with it /proc/PID of others.
 * Does not stop: reading what the mounts show; looking at names, sizes and owners (stat(2)); UDP; file times and modes.
 * Missing: gVisor, kernels before 5.13 or without it in lsm=. A missing right of a newer ABI is simply not asked for.
 *
 * After the last mount: a landlocked process may not mount. It leaves no descriptor open.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "layer.h"
#include "own.h"

/* Newer than Debian 12's headers; numbers from include/uapi/linux/landlock.h. */
#define RIGHT_REFER (1ULL << 13)       /* ABI 2 */
#define RIGHT_TRUNCATE (1ULL << 14)    /* ABI 3 */
#define RIGHT_IOCTL_DEV (1ULL << 15)   /* ABI 5 */
#define NET_BIND_CONNECT_TCP 3ULL      /* ABI 4 */
#define SCOPE_ABSTRACT_AND_SIGNAL 3ULL /* ABI 6 */

struct ruleset_attributes { /* struct landlock_ruleset_attr as of ABI 6 */
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

static const uint64_t read_rights = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |
				    LANDLOCK_ACCESS_FS_READ_DIR;
static const uint64_t work_rights = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |
				    LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_WRITE_FILE |
				    LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
				    LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
				    LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM | RIGHT_REFER |
				    RIGHT_TRUNCATE;
static const uint64_t device_rights = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | RIGHT_TRUNCATE;

int landlock_version(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

/* All file rights that this ABI knows. */
static uint64_t handled_rights(int abi)
{
	uint64_t rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1; /* ABI 1: bits 0 to MAKE_SYM */

	if (abi >= 2)
		rights |= RIGHT_REFER;
	if (abi >= 3)
		rights |= RIGHT_TRUNCATE;
	if (abi >= 5)
		rights |= RIGHT_IOCTL_DEV;
	return rights;
}

static size_t attributes_size(int abi)
{
	if (abi >= 6)
		return sizeof(struct ruleset_attributes);
	return abi >= 4 ? offsetof(struct ruleset_attributes, scoped) : offsetof(struct ruleset_attributes, net);
}

static int allow(int ruleset_fd, const char *path, uint64_t rights)
{
	OWNED_FD fd = open(path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr rule = { .allowed_access = rights, .parent_fd = fd };

	if (fd < 0)
		return -1;
	return (int)syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

/* A path that this machine does not have needs no rule. */
static int allow_if_there(int ruleset_fd, const char *path, uint64_t rights)
{
	return path[0] == '\0' || allow(ruleset_fd, path, rights) == 0 || errno == ENOENT ? 0 : -1;
}

static bool is_directory(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Of a file, the kernel takes no right that only a directory can have. */
static int allow_runtime(const struct jail *j, int ruleset_fd)
{
	for (size_t i = 0; i < j->readable_count; i++) {
		const char *path = j->readable[i];
		uint64_t rights = is_directory(path) ? read_rights : read_rights & ~LANDLOCK_ACCESS_FS_READ_DIR;

		if (allow_if_there(ruleset_fd, path, rights) < 0)
			return -1;
	}
	return 0;
}

static int create_ruleset(int abi)
{
	const struct ruleset_attributes attributes = { .fs = handled_rights(abi),
						       .net = NET_BIND_CONNECT_TCP,
						       .scoped = SCOPE_ABSTRACT_AND_SIGNAL };

	return (int)syscall(SYS_landlock_create_ruleset, &attributes, attributes_size(abi), 0);
}

int landlock_enter(const struct jail *j, const struct jail_job *job)
{
	static const char *const devices[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom" };
	const uint64_t handled = handled_rights(j->landlock_abi);
	const char *work = j->namespaces ? "/tmp" : job->folders.work;
	const char *shm = j->namespaces ? "/dev/shm" : job->folders.shm;

	if (j->landlock_abi == 0 || DROPPED(j, DROP_LANDLOCK))
		return 0;
	OWNED_FD ruleset_fd = create_ruleset(j->landlock_abi);
	if (ruleset_fd < 0)
		return -1;
	if ((j->namespaces ? allow(ruleset_fd, "/", read_rights) : allow_runtime(j, ruleset_fd)) < 0 ||
	    allow(ruleset_fd, work, work_rights & handled) < 0 ||
	    allow_if_there(ruleset_fd, shm, work_rights & handled) < 0)
		return -1;
	for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++)
		if (allow_if_there(ruleset_fd, devices[i], device_rights & handled) < 0)
			return -1;
	return (int)syscall(SYS_landlock_restrict_self, ruleset_fd, 0);
}

int landlock_nothing(int abi)
{
	OWNED_FD ruleset_fd = abi > 0 ? create_ruleset(abi) : -1;

	if (abi == 0)
		return 0;
	return ruleset_fd < 0 ? -1 : (int)syscall(SYS_landlock_restrict_self, ruleset_fd, 0);
}
