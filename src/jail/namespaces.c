/* SPDX-License-Identifier: MIT */
/*
 * Layer: namespaces. A job has its own user, process, network, IPC and host-name namespace (and, in mounts.c, its
 * own mount table), so that it can name no process, address, queue or mount of the machine or of another job.
 *
 * Stops: seeing and signalling other processes, any network (the new one holds a loopback that is down), System V
 * IPC across jobs; and, since the process with pid 1 in there takes all others with it, anything outliving the job.
 * Does not stop: system calls that need no name (the filter's work), use of time and memory (limits, cgroup).
 * Missing: in default `docker run` and restricted Kubernetes pods, where clone(CLONE_NEW*) is refused.
 *
 * Order: clone(USER|PID|NET|IPC|UTS), maps written by the parent, then unshare(NS). One call with all flags gives
 * the mount namespace to the wrong user namespace on gVisor before September 2024, and every mount is EPERM.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "io.h"
#include "layer.h"
#include "own.h"

#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif

enum { RETURN_TRIES = 100 };

/* The network namespace is the cell's (jail_make_network) unless that could not be had. */
static unsigned long clone_flags(const struct jail *j, const struct jail_job *job)
{
	unsigned long flags = SIGCHLD;

	if (!j->namespaces)
		return flags;
	flags |= CLONE_NEWUSER;
	if (!DROPPED(j, DROP_PID_NS))
		flags |= CLONE_NEWPID;
	if (!DROPPED(j, DROP_NET_NS) && job->net_fd < 0)
		flags |= CLONE_NEWNET;
	if (!DROPPED(j, DROP_IPC_NS))
		flags |= CLONE_NEWIPC;
	if (!DROPPED(j, DROP_UTS_NS))
		flags |= CLONE_NEWUTS;
	return flags;
}

/* It can fail for want of memory, and then not for long. */
static int return_to(int net_fd)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (int tries = 0; tries < RETURN_TRIES; tries++) {
		if (setns(net_fd, CLONE_NEWNET) == 0)
			return 0;
		(void)nanosleep(&pause, NULL);
	}
	return -1;
}

/*
 * The raw call with no new stack is fork(2) with flags. /proc/PID/uid_map belongs to root unless the process is
 * dumpable (proc(5)), and the child inherits that state, so the spawner is dumpable for this one call; the child stays
 * so until its maps are written. The child is in the network of its cell because its parent is, for a moment.
 */
pid_t jail_clone(const struct jail *j, const struct jail_job *job)
{
	bool moves = j->namespaces && job->net_fd >= 0 && !DROPPED(j, DROP_NET_NS);
	long pid;
	int error;

	if (moves && setns(job->net_fd, CLONE_NEWNET) < 0)
		return -1;
	prctl(PR_SET_DUMPABLE, 1);
	pid = syscall(SYS_clone, clone_flags(j, job), 0, 0, 0, 0);
	if (pid == 0)
		return 0;
	error = errno;
	prctl(PR_SET_DUMPABLE, 0);
	if (moves && return_to(j->own_net_fd) < 0)
		abort(); /* whatever this process opened next would be in sight of a job */
	errno = error;
	return (pid_t)pid;
}

int jail_make_network(void)
{
	OWNED_FD own_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	OWNED_FD new_fd = -1;

	if (own_fd < 0 || unshare(CLONE_NEWNET) < 0)
		return -1;
	new_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (return_to(own_fd) < 0)
		abort();
	return fd_release(&new_fd);
}

static int write_map(pid_t pid, const char *file, unsigned inner, unsigned outer)
{
	char path[64], text[64];

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
	snprintf(text, sizeof text, "%u %u 1", inner, outer);
	return io_write_file(AT_FDCWD, path, text);
}

int jail_map_ids(const struct jail *j, const struct jail_job *job, pid_t pid)
{
	uid_t uid = jail_uid_of(j, job->cell);
	gid_t gid = j->cell_uids ? uid : j->outer_gid;

	if (write_map(pid, "uid_map", JAIL_UID, uid) < 0)
		return -1;
	return write_map(pid, "gid_map", JAIL_GID, gid);
}

/* Waits for the parent's word that the maps are written; end of file means that the parent is gone. */
static int wait_for_maps(void)
{
	char word;

	return io_read_exact(JAIL_FD_SYNC, &word, 1);
}

static bool spawner_is_gone(void)
{
	struct pollfd pair = { .fd = JAIL_FD_SYNC };

	return poll(&pair, 1, 0) == 1 && (pair.revents & POLLHUP);
}

/* Before the mounts: what a process creates on its tmpfs needs an owner that has a mapping. */
static int become_inner_user(const struct jail *j)
{
	if (j->may_setgroups && syscall(SYS_setgroups, 0, NULL) < 0)
		return -1;
	if (syscall(SYS_setresgid, JAIL_GID, JAIL_GID, JAIL_GID) < 0)
		return -1;
	return (int)syscall(SYS_setresuid, JAIL_UID, JAIL_UID, JAIL_UID);
}

static const struct {
	const char *path;
	int flag;
} namespaces[JAIL_NS_COUNT] = {
	[JAIL_NS_USER] = { "/proc/self/ns/user", CLONE_NEWUSER },
	[JAIL_NS_MNT] = { "/proc/self/ns/mnt", CLONE_NEWNS },
	[JAIL_NS_PID] = { "/proc/self/ns/pid", CLONE_NEWPID },
	[JAIL_NS_IPC] = { "/proc/self/ns/ipc", CLONE_NEWIPC },
	[JAIL_NS_UTS] = { "/proc/self/ns/uts", CLONE_NEWUTS },
	[JAIL_NS_CGROUP] = { "/proc/self/ns/cgroup", CLONE_NEWCGROUP },
};

/* Here the spawner's /proc is still in sight; a job may have none. */
static int keep_namespaces(void)
{
	for (int i = 0; i < JAIL_NS_COUNT; i++) {
		OWNED_FD fd = open(namespaces[i].path, O_RDONLY | O_CLOEXEC);

		if (fd < 0 || dup3(fd, JAIL_FD_NS + i, O_CLOEXEC) < 0)
			return -1;
	}
	return 0;
}

/* Already there; or, in a test build, nobody's own. */
static bool is_shared(const struct jail *j, enum jail_namespace kind)
{
	(void)j;
	return kind == JAIL_NS_PID || (kind == JAIL_NS_IPC && DROPPED(j, DROP_IPC_NS)) ||
	       (kind == JAIL_NS_UTS && DROPPED(j, DROP_UTS_NS));
}

/*
 * setns(2), in an order that holds: the network first, while the capabilities of the template's user namespace are
 * there; then the user namespace, which gives those that all others ask for. The process namespace was set by the
 * template before it forked this child (it applies to children only). Dumpable again, as a process is after exec: it
 * was the change of ids that took it, and /proc/self of a process that is not dumpable belongs to root.
 */
int namespaces_join(const struct jail *j, const struct jail_job *job)
{
	if (!DROPPED(j, DROP_NET_NS) && job->net_fd >= 0 && setns(job->net_fd, CLONE_NEWNET) < 0)
		return -1;
	for (int i = 0; i < JAIL_NS_COUNT; i++)
		if (!is_shared(j, i) && setns(job->namespace_fds[i], namespaces[i].flag) < 0)
			return -1;
	if (become_inner_user(j) < 0 || setsid() < 0)
		return -1;
	return prctl(PR_SET_DUMPABLE, 1);
}

/* A child that has namespaces, and holds them until it is killed. */
static pid_t clone_holder(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
		_exit(0);
	}
	return pid;
}

static int open_namespace(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static bool try_to_join(void)
{
	/* Or its /proc/PID/ns would not open for an ordinary user. */
	pid_t holder = prctl(PR_SET_DUMPABLE, 1) < 0 ? -1 : clone_holder(), pid;
	OWNED_FD user_fd = open_namespace(holder, "user");
	OWNED_FD pid_fd = open_namespace(holder, "pid");
	int status = -1;

	if (holder < 0)
		return false;
	if (user_fd >= 0 && pid_fd >= 0 && setns(pid_fd, CLONE_NEWPID) == 0) {
		pid = fork();
		if (pid == 0)
			_exit(setns(user_fd, CLONE_NEWUSER) < 0);
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			status = -1;
	}
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	return status == 0;
}

/* In a child: the namespace of its children, once set, could not be set back by everybody. */
bool namespaces_may_be_joined(const struct jail *j)
{
	int status;
	pid_t pid;

	if (DROPPED(j, DROP_JOIN))
		return false;
	pid = fork();
	if (pid == 0)
		_exit(!try_to_join());
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

int namespaces_enter(const struct jail *j, const struct jail_job *job)
{
	static const char host[] = "sandbox";

	if (!j->namespaces)
		return 0;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || wait_for_maps() < 0)
		return -1;
	/* Init stays in this state for good: it does not exec, and nothing may read it through /proc or ptrace. */
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return -1;
	if (become_inner_user(j) < 0)
		return -1;
	/* The kernel clears this on a change of ids (prctl(2)); the spawner may have died just then. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || spawner_is_gone() || setsid() < 0)
		return -1;
	if (!DROPPED(j, DROP_UTS_NS) && sethostname(host, sizeof host - 1) < 0)
		return -1;
	/* Hides the group's path. Older kernels have no such namespace; then nobody can join this one either. */
	if (unshare(CLONE_NEWCGROUP) < 0 && (job->role == JAIL_HOLDER || (errno != EINVAL && errno != EPERM)))
		return -1;
	if (unshare(CLONE_NEWNS) < 0)
		return -1;
	return job->role == JAIL_HOLDER ? keep_namespaces() : 0;
}
