/* SPDX-License-Identifier: MIT */
/*
 * Layer: mounts. The job's root is the shared read-only tree that root.c built at start, with three mounts of its
 * own: /tmp and /dev/shm (size and number of files limited) and /proc (own processes only).
 *
 * Stops: reading or writing any file of the machine or of another job, filling a disk, leaving a file behind: the
 * job's files vanish with its mount namespace, so there is no clean-up code that a planted link could lead astray.
 * Does not stop: reading the runtime itself. Missing: where mount namespaces are (see namespaces.c).
 *
 * Mounts that come from the spawner's namespace are locked here (mount_namespaces(7)): a job could not unmount
 * or re-mount them writable even with the capabilities that it will lose. A locked mount cannot become the root,
 * hence the bind of /jail onto itself.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "layer.h"

enum { BYTES_PER_INODE = 4096 };

static int mount_tmpfs(const char *target, uint64_t bytes)
{
	char options[160];

	/* Several small files are as good as a large one: one inode per page of the limit. gVisor cannot count them. */
	snprintf(options, sizeof options, "mode=0700,uid=%d,gid=%d,size=%llu,nr_inodes=%llu", JAIL_UID, JAIL_GID,
		 (unsigned long long)bytes, (unsigned long long)(bytes / BYTES_PER_INODE));
	if (mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, options) == 0)
		return 0;
	if (errno != EINVAL)
		return -1;
	*strrchr(options, ',') = '\0';
	return mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, options);
}

/*
 * subset=pid leaves only /proc/PID (Linux 5.8); hidepid=4 hides what may not be traced: init, which is not dumpable.
 * hidepid=2 would not hide it from the machine's group 0, which a container's user often has.
 */
int mounts_proc(const char *target)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	if (mount("proc", target, "proc", flags, "subset=pid,hidepid=4") == 0)
		return 0;
	return errno == EINVAL ? mount("proc", target, "proc", flags, "hidepid=2") : -1;
}

static int mount_proc(const struct jail *j)
{
	if (!j->may_mount_proc)
		return 0;
	if (DROPPED(j, DROP_PROC) || DROPPED(j, DROP_PID_NS)) /* a fresh one needs a process namespace of its own */
		return mount("/proc", "/jail/proc", NULL, MS_BIND | MS_REC, NULL);
	return mounts_proc("/jail/proc");
}

/* mkdir -p of "/jail/tmp/a/b", below the fresh tmpfs. */
static int make_directories(const char *path)
{
	char step[sizeof((struct jail_staged_tree *)0)->target];
	size_t length = strlen(path);

	memcpy(step, path, length + 1);
	for (size_t i = sizeof "/jail/tmp"; i <= length; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		step[i] = '\0';
		if (mkdir(step, 0755) < 0 && errno != EEXIST)
			return -1;
		step[i] = path[i];
	}
	return 0;
}

static int mount_staged_trees(const struct jail *j)
{
	for (size_t i = 0; i < j->tree_count; i++)
		if (make_directories(j->trees[i].target) < 0 ||
		    mount(j->trees[i].stage, j->trees[i].target, NULL, MS_BIND | MS_REC, NULL) < 0)
			return -1;
	return 0;
}

/* pivot_root(2): with both arguments ".", the old root lies over the new one until it is detached. */
static int change_root(void)
{
	if (chdir("/jail") < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0)
		return -1;
	return chdir("/");
}

/*
 * A template has the shared root as its own, with a /tmp that nobody else sees: imports may want a temporary file, and
 * runtime trees below /tmp are to be seen in there as they are in a job.
 */
int mounts_for_template(const struct jail *j)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -1;
	/* What the inits that it will clone make their root of, under the name that it has for others. */
	if (j->inits_by_template && mount("/jail", "/jail/jail", NULL, MS_BIND | MS_REC, NULL) < 0)
		return -1;
	if (mount("tmpfs", "/jail/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=16m,mode=0700") < 0 ||
	    mount_staged_trees(j) < 0)
		return -1;
	if (!j->inits_by_template)
		return chroot("/jail") < 0 ? -1 : chdir("/");
	/* Who was chrooted may not make a user namespace (user_namespaces(7)). */
	if (mount("/jail", "/jail", NULL, MS_BIND | MS_REC, NULL) < 0)
		return -1;
	return change_root();
}

/* The namespace that was joined has them. */
int mounts_join(const struct jail *j, const struct jail_job *job)
{
	(void)j;
	(void)job;
	umask(0022);
	return chdir("/tmp");
}

int mounts_enter(const struct jail *j, const struct jail_job *job)
{
	if (!j->namespaces)
		return 0;
	umask(0077);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -1;
	if (mount("/jail", "/jail", NULL, MS_BIND | MS_REC, NULL) < 0)
		return -1;
	if (mount_tmpfs("/jail/tmp", job->limits.tmp_bytes) < 0 ||
	    mount_tmpfs("/jail/dev/shm", job->limits.tmp_bytes) < 0)
		return -1;
	if (mount_staged_trees(j) < 0 || mount_proc(j) < 0)
		return -1;
	if (change_root() < 0)
		return -1;
	umask(0022);
	return chdir("/tmp");
}
