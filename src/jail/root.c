/* SPDX-License-Identifier: MIT */
/*
 * The root that jobs share, and the spawner's own retreat from the machine's file system. Runs once, in the
 * spawner, before anything is served.
 *
 * The spawner moves into a mount namespace whose whole content is
 *
 *     /proc    the machine's, for accounting and uid maps     /empty   where web is locked in
 *     /jail    the read-only root of jobs: binds of the runtime and a few synthetic files
 *     /stage   runtime trees that lie below the machine's /tmp (mounts.c binds them into a job's /tmp)
 *
 * and detaches everything else. So even the privileged process has no path to the machine's files, and a job's
 * namespace, which is a copy of this one, never had any. As an ordinary user the spawner first makes a user
 * namespace of its own in which it may mount (user_namespaces(7)).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io.h"
#include "layer.h"
#include "own.h"
#include "tree.h"

enum { PATH_BYTES = 4096, MAP_BYTES = 4096 };

static const char old_root[] = "/old";

/* ---- namespaces of the spawner ------------------------------------------------------------------------------ */

/* The identity map of all ids that this process has now: what is mapped outside stays mapped under its number. */
static int identity_map(const char *file, char *out, size_t capacity)
{
	char map[MAP_BYTES], *line, *save = NULL;
	size_t used = 0;

	if (io_read_file(AT_FDCWD, file, map, sizeof map) < 0)
		return -1;
	for (line = strtok_r(map, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		unsigned long inside, outside, count;

		if (sscanf(line, "%lu %lu %lu", &inside, &outside, &count) != 3)
			continue;
		used += (size_t)snprintf(out + used, capacity - used, "%lu %lu %lu\n", inside, inside, count);
		if (used >= capacity)
			return -1;
	}
	return 0;
}

/* A process left behind in the old user namespace writes the maps: it still has CAP_SETUID there. */
static int write_maps_from_outside(pid_t target, int go_fd)
{
	char uids[MAP_BYTES], gids[MAP_BYTES], path[64], word;

	if (identity_map("/proc/self/uid_map", uids, sizeof uids) < 0 ||
	    identity_map("/proc/self/gid_map", gids, sizeof gids) < 0)
		return 1;
	if (io_read_exact(go_fd, &word, 1) < 0)
		return 1;
	snprintf(path, sizeof path, "/proc/%d/uid_map", (int)target);
	if (io_write_file(AT_FDCWD, path, uids) < 0)
		return 1;
	snprintf(path, sizeof path, "/proc/%d/gid_map", (int)target);
	return io_write_file(AT_FDCWD, path, gids) < 0;
}

static int unshare_user_keeping_ids(struct fault *f)
{
	int go[2], status;
	pid_t self = getpid(), helper;

	if (pipe2(go, O_CLOEXEC) < 0)
		return fault_set(f, errno, "pipe");
	helper = fork();
	if (helper == 0) {
		close(go[1]);
		_exit(write_maps_from_outside(self, go[0]));
	}
	close(go[0]);
	status = unshare(CLONE_NEWUSER);
	if (status < 0)
		fault_set(f, errno, "make a user namespace");
	else
		(void)io_write_all(go[1], "g", 1); /* a dead helper shows in its exit status */
	close(go[1]);
	if (helper < 0 || waitpid(helper, &go[0], 0) != helper)
		return fault_set(f, errno, "map the ids of a user namespace");
	if (status == 0 && go[0] != 0)
		return fault_set(f, 0, "the ids of the new user namespace cannot be mapped");
	return status;
}

static int unshare_user_alone(struct jail *j, struct fault *f)
{
	char map[64];

	if (unshare(CLONE_NEWUSER) < 0)
		return fault_set(f, errno, "make a user namespace");
	snprintf(map, sizeof map, "%u %u 1", j->outer_uid, j->outer_uid);
	if (io_write_file(AT_FDCWD, "/proc/self/uid_map", map) < 0)
		return fault_set(f, errno, "write uid_map");
	/* user_namespaces(7): without this, an unprivileged process may not map its group. */
	if (io_write_file(AT_FDCWD, "/proc/self/setgroups", "deny") < 0 && errno != ENOENT)
		return fault_set(f, errno, "write setgroups");
	j->may_setgroups = false;
	snprintf(map, sizeof map, "%u %u 1", j->outer_gid, j->outer_gid);
	if (io_write_file(AT_FDCWD, "/proc/self/gid_map", map) < 0)
		return fault_set(f, errno, "write gid_map");
	return 0;
}

int jail_hint_namespaces(struct fault *f)
{
	return fault_hint(
		f, "in a container use the seccomp profile deploy/docker-seccomp.json, or --security-opt "
		   "seccomp=unconfined, and as root keep the capabilities SETUID, SETGID and SETFCAP or start as "
		   "another user; on a bare machine allow user namespaces "
		   "(sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces)");
}

/* In a child, since there is no way back. Whether they have any effect is for the self-test to find out. */
bool jail_may_make_namespaces(struct fault *f)
{
	const int wanted = CLONE_NEWNS | CLONE_NEWNET;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(unshare(wanted) == 0 || unshare(CLONE_NEWUSER | wanted) == 0 ? 0 : errno);
	if (pid > 0 && waitpid(pid, &status, 0) == pid && status == 0)
		return true;
	fault_set(f, pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : errno, "make a user namespace");
	return false;
}

/* Denied for good in a user namespace that an ordinary user made, and in those below (user_namespaces(7)). */
static bool may_setgroups(void)
{
	char word[16] = "";

	return io_read_file(AT_FDCWD, "/proc/self/setgroups", word, sizeof word) < 0 || strncmp(word, "deny", 4) != 0;
}

/* Also an empty network namespace: the spawner and web need no network, the listening socket is already there. */
static int enter_namespaces(struct jail *j, uint32_t cells, struct fault *f)
{
	const int wanted = CLONE_NEWNS | CLONE_NEWNET;

	snprintf(j->runner, sizeof j->runner, "/runner");
	snprintf(j->empty, sizeof j->empty, "/empty");
	j->outer_uid = geteuid();
	j->outer_gid = getegid();
	if (own_uids_claim(j, cells, f) < 0)
		return -1;
	j->may_setgroups = may_setgroups();
	if (j->cell_uids && setgroups(0, NULL) < 0)
		return fault_set(f, errno, "setgroups");
	if (unshare(wanted) == 0)
		return 0;
	/* /proc/self/uid_map belongs to root while a process is not dumpable (proc(5)) */
	prctl(PR_SET_DUMPABLE, 1);
	if ((j->cell_uids ? unshare_user_keeping_ids(f) : unshare_user_alone(j, f)) < 0)
		return jail_hint_namespaces(f);
	prctl(PR_SET_DUMPABLE, 0);
	if (unshare(wanted) < 0) {
		fault_set(f, errno, "make a mount and a network namespace");
		return jail_hint_namespaces(f);
	}
	return 0;
}

/* ---- the tree ------------------------------------------------------------------------------------------------ */

/* Flags that a user namespace may not take off a mount must be said again, or the re-mount is EPERM. */
static unsigned long kept_flags(const char *path)
{
	struct statvfs info;
	unsigned long flags = 0;

	if (statvfs(path, &info) < 0)
		return 0;
	flags |= info.f_flag & ST_NOEXEC ? MS_NOEXEC : 0;
	flags |= info.f_flag & ST_NOATIME ? MS_NOATIME : 0;
	flags |= info.f_flag & ST_NODIRATIME ? MS_NODIRATIME : 0;
	flags |= info.f_flag & ST_RELATIME ? MS_RELATIME : 0;
	return flags;
}

/* Whether something is mounted below target. */
static bool has_submounts(const char *target)
{
	char line[PATH_BYTES], point[PATH_BYTES];
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	bool found = !mounts; /* cannot be told: take it that there is */

	while (mounts && !found && fgets(line, sizeof line, mounts))
		found = sscanf(line, "%*s %*s %*s %*s %4095s", point) == 1 && strcmp(point, target) != 0 &&
			runtime_lies_under(point, target);
	if (mounts)
		fclose(mounts);
	return found;
}

/*
 * A re-mount changes one mount; what lies below it (a volume in a virtual environment, say) needs mount_setattr(2),
 * Linux 5.12. Without that call a tree with such mounts is not shown at all.
 */
static int restrict_submounts(const char *target, unsigned long more_flags, struct fault *f)
{
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID };

	attributes.attr_set |= more_flags & MS_NODEV ? MOUNT_ATTR_NODEV : 0;
	if (syscall(SYS_mount_setattr, AT_FDCWD, target, AT_RECURSIVE, &attributes, sizeof attributes) == 0)
		return 0;
	if (errno == ENOSYS && !has_submounts(target))
		return 0;
	return fault_set(f, errno, "make %s and the mounts below it read-only", target);
}

static int bind_read_only(const char *source, const char *target, unsigned long more_flags, struct fault *f)
{
	struct statvfs info;

	if (mount(source, target, NULL, MS_BIND | MS_REC, NULL) < 0)
		return fault_set(f, errno, "bind %s", source);
	if (restrict_submounts(target, more_flags, f) < 0)
		return -1;
	if (mount(NULL, target, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | more_flags | kept_flags(target),
		  NULL) < 0)
		return fault_set(f, errno, "make %s read-only", source);
	if (statvfs(target, &info) < 0 || !(info.f_flag & ST_RDONLY) || !(info.f_flag & ST_NOSUID))
		return fault_set(f, errno, "%s is still writable after the re-mount", source);
	return 0;
}

/* A tree of the machine, under the same path inside. What does not exist is left out; a link is copied as a link. */
static int bind_tree(const char *path, struct fault *f)
{
	char source[PATH_BYTES], target[PATH_BYTES], link[PATH_BYTES];
	struct stat info;
	ssize_t length;

	snprintf(source, sizeof source, "%s%s", old_root, path);
	snprintf(target, sizeof target, "/jail%s", path);
	if (lstat(source, &info) < 0)
		return errno == ENOENT ? 0 : fault_set(f, errno, "look at %s", path);
	if (tree_make_parents(target) < 0)
		return fault_set(f, errno, "create the parents of %s", path);
	if (S_ISLNK(info.st_mode)) {
		length = readlink(source, link, sizeof link - 1);
		if (length < 0)
			return fault_set(f, errno, "read the link %s", path);
		link[length] = '\0';
		return tree_make_link(path, link, f);
	}
	if (!S_ISDIR(info.st_mode))
		return fault_set(f, ENOTDIR, "bind %s", path);
	if (mkdir(target, 0755) < 0 && errno != EEXIST)
		return fault_set(f, errno, "create %s", path);
	return bind_read_only(source, target, MS_NODEV, f);
}

static int covered_by_policy(const struct policy *p, const char *path)
{
	for (size_t i = 0; i < p->mount_count; i++)
		if (p->mounts[i].kind == POLICY_BIND && runtime_lies_under(path, p->mounts[i].path))
			return 1;
	return 0;
}

/* A virtual environment below /tmp: see struct jail_staged_tree. */
static int stage_tree(struct jail *j, const char *path, struct fault *f)
{
	struct jail_staged_tree *tree = &j->trees[j->tree_count];
	char source[PATH_BYTES];

	if (j->tree_count == JAIL_TREES_MAX || strlen(path) >= sizeof tree->target - sizeof "/jail")
		return fault_set(f, ENAMETOOLONG, "PYTHON_BIN needs %s: too much below /tmp", path);
	snprintf(tree->stage, sizeof tree->stage, "/stage/%zu", j->tree_count);
	snprintf(tree->target, sizeof tree->target, "/jail%s", path);
	snprintf(source, sizeof source, "%s%s", old_root, path);
	if (mkdir(tree->stage, 0755) < 0)
		return fault_set(f, errno, "create %s", tree->stage);
	j->tree_count++;
	return bind_read_only(source, tree->stage, MS_NODEV, f);
}

static int bind_runtime(struct jail *j, const struct policy *p, const struct runtime *r, struct fault *f)
{
	for (size_t i = 0; i < r->tree_count; i++) {
		int status = 0;

		if (runtime_lies_under(r->trees[i], "/tmp"))
			status = stage_tree(j, r->trees[i], f);
		else if (!covered_by_policy(p, r->trees[i]))
			status = bind_tree(r->trees[i], f);
		if (status < 0)
			return -1;
	}
	return 0;
}

static int apply_mount_policy(const struct policy *p, struct fault *f)
{
	for (size_t i = 0; i < p->mount_count; i++) {
		const struct policy_mount *m = &p->mounts[i];
		int status = m->kind == POLICY_BIND ? bind_tree(m->path, f) :
			     m->kind == POLICY_COPY ? tree_copy_file(old_root, m->path, f) :
						      tree_make_link(m->path, m->target, f);

		if (status < 0)
			return -1;
	}
	return 0;
}

/* gVisor takes a read-only mount at its word, for devices too: then they keep their place, and not their times. */
static int keep_writable(const char *device, struct fault *f)
{
	OWNED_FD fd = open(device, O_WRONLY | O_CLOEXEC);

	if (fd < 0 && errno == EROFS &&
	    mount(NULL, device, NULL, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NOEXEC, NULL) < 0)
		return fault_set(f, errno, "make %s writable", device);
	return 0;
}

static int bind_devices(struct fault *f)
{
	static const char *const names[] = { "null", "zero", "full", "random", "urandom" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		char source[64], target[64];

		snprintf(source, sizeof source, "%s/dev/%s", old_root, names[i]);
		snprintf(target, sizeof target, "/jail/dev/%s", names[i]);
		if (tree_write_file(target, "", 0, f) < 0)
			return -1;
		/* Read-only is no hindrance to using a device; it keeps its times and mode (mount(8), "ro"). */
		if (bind_read_only(source, target, MS_NOEXEC, f) < 0 || keep_writable(target, f) < 0)
			return -1;
	}
	return 0;
}

/* A runtime tree may hold our own program (PREFIX=/usr, say): a job sees an empty file in its place. */
static int hide_own_program(const char *own_path, struct fault *f)
{
	char inside[PATH_BYTES + sizeof "/jail"];

	snprintf(inside, sizeof inside, "/jail%s", own_path);
	if (access(inside, F_OK) < 0)
		return 0;
	if (mount("/jail/dev/null", inside, NULL, MS_BIND, NULL) < 0)
		return fault_set(f, errno, "hide %s", own_path);
	return 0;
}

/* Test builds only: what a jail without its own root would show, writable. */
static int bind_rest_of_machine(struct fault *f)
{
	static const char *const names[] = { "etc", "home", "root", "var", "sys" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		char source[32], target[32];

		snprintf(source, sizeof source, "%s/%s", old_root, names[i]);
		snprintf(target, sizeof target, "/jail/%s", names[i]);
		if ((mkdir(target, 0755) < 0 && errno != EEXIST) ||
		    mount(source, target, NULL, MS_BIND | MS_REC, NULL) < 0)
			return fault_set(f, errno, "bind /%s", names[i]);
	}
	return 0;
}

static int build_tree(struct jail *j, const struct policy *p, const struct runtime *r, const char *own_path,
		      struct fault *f)
{
	if (mount("tmpfs", "/jail", "tmpfs", MS_NOSUID | MS_NODEV, "size=8m,mode=0755") < 0)
		return fault_set(f, errno, "mount a tmpfs as the root of jobs");
	if (j->inits_by_template && mkdir("/jail/jail", 0755) < 0)
		return fault_set(f, errno, "create /jail/jail");
	if (tree_write_files(j, 0, f) < 0 || bind_devices(f) < 0 || apply_mount_policy(p, f) < 0 ||
	    bind_runtime(j, p, r, f) < 0 || tree_copy_library_alternatives(old_root, f) < 0 ||
	    hide_own_program(own_path, f) < 0)
		return -1;
	if (DROPPED(j, DROP_MOUNTS) && bind_rest_of_machine(f) < 0)
		return -1;
	if (DROPPED(j, DROP_READONLY))
		return 0;
	if (mount(NULL, "/jail", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) < 0)
		return fault_set(f, errno, "make the root of jobs read-only");
	return 0;
}

/* The new root needs a directory to stand on, for a moment; any that exists will do. */
static int move_to_new_root(struct fault *f)
{
	static const char *const stands[] = { "/tmp", "/run", "/var", "/mnt", "/usr" };

	for (size_t i = 0; i < sizeof stands / sizeof stands[0]; i++) {
		struct stat info;

		if (stat(stands[i], &info) < 0 || !S_ISDIR(info.st_mode))
			continue;
		if (mount("tmpfs", stands[i], "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=0755") < 0)
			return fault_set(f, errno, "mount a tmpfs");
		if (chdir(stands[i]) < 0 || mkdir("old", 0700) < 0 || mkdir("proc", 0555) < 0 ||
		    mkdir("jail", 0755) < 0 || mkdir("empty", 0555) < 0 || mkdir("stage", 0755) < 0)
			return fault_set(f, errno, "prepare a new root");
		if (syscall(SYS_pivot_root, ".", "old") < 0 || chdir("/") < 0)
			return fault_set(f, errno, "pivot_root");
		return 0;
	}
	return fault_set(f, 0, "the machine has none of /tmp, /run, /var, /mnt, /usr");
}

/* In a process namespace of its own: a fresh proc, and somebody without privileges who looks into process 1. */
static int try_proc_inside(void)
{
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWNS) < 0 || mounts_proc("/jail/proc") < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
		return -1;
	pid = fork();
	if (pid == 0)
		_exit(identity_drop_capabilities() < 0 || open("/jail/proc/1/environ", O_RDONLY | O_CLOEXEC) >= 0);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

/*
 * A fresh proc is refused where the machine's own is partly covered (containers mask it), and shows everybody the
 * environment and the memory map of process 1 under gVisor. Found out by trying; without it jobs have no /proc.
 */
static bool try_mount_proc(void)
{
	int status;
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(try_proc_inside() < 0);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/*
 * An overlay tells everybody who can read mountinfo (proc(5)) in which directories of the machine a container's layers
 * lie, and nothing can cover that one file for processes yet to come.
 */
static bool any_overlay(void)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	OWNED(char) line = NULL;
	size_t room = 0;
	bool found = !mounts; /* cannot be told: take it that there is */

	while (mounts && !found && getline(&line, &room, mounts) > 0)
		found = strstr(line, " - overlay ") != NULL;
	if (mounts)
		fclose(mounts);
	return found;
}

int root_build(struct jail *j, uint32_t cells, const struct policy *p, const struct runtime *r, struct fault *f)
{
	char own_path[PATH_BYTES] = "";
	ssize_t length = readlink("/proc/self/exe", own_path, sizeof own_path - 1);

	own_path[length > 0 ? length : 0] = '\0';
	umask(0022);
	if (enter_namespaces(j, cells, f) < 0)
		return -1;
	j->inits_by_template = !namespaces_may_be_joined(j);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		fault_set(f, errno, "make mounts private");
		return f->error == EACCES ?
			       fault_hint(f, "this is AppArmor: see deploy/README.md for a profile, or add "
					     "--security-opt apparmor=unconfined") :
			       -1;
	}
	if (move_to_new_root(f) < 0)
		return -1;
	if (mount("/old/proc", "/proc", NULL, MS_BIND | MS_REC, NULL) < 0)
		return fault_set(f, errno, "bind /proc");
	if (build_tree(j, p, r, own_path, f) < 0)
		return -1;
	if (umount2(old_root, MNT_DETACH) < 0 || rmdir(old_root) < 0)
		return fault_set(f, errno, "detach the machine's file systems");
	/* For a fresh one, a namespace must hold a proc already (mount_namespaces(7)), and a template has none. */
	j->modes_are_shared = !j->cell_uids && chmod("/jail/runner", 0755) == 0; /* gVisor: on a read-only mount */
	j->may_mount_proc = !j->inits_by_template && !any_overlay() && try_mount_proc();
	return 0;
}
