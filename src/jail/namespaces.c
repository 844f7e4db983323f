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
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io.h"
#include "layer.h"
#include "own.h"

#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif

static unsigned long clone_flags(const struct jail *j)
{
	unsigned long flags = SIGCHLD | CLONE_NEWUSER;

	if (!DROPPED(j, DROP_PID_NS))
		flags |= CLONE_NEWPID;
	if (!DROPPED(j, DROP_NET_NS))
		flags |= CLONE_NEWNET;
	if (!DROPPED(j, DROP_IPC_NS))
		flags |= CLONE_NEWIPC;
	if (!DROPPED(j, DROP_UTS_NS))
		flags |= CLONE_NEWUTS;
	return flags;
}

/*
 * The raw call with no new stack is fork(2) with flags. /proc/PID/uid_map belongs to root unless the process is
 * dumpable (proc(5)), and the child inherits that state, so the spawner is dumpable for this one call.
 */
pid_t jail_clone(const struct jail *j)
{
	long pid;

	prctl(PR_SET_DUMPABLE, 1);
	pid = syscall(SYS_clone, clone_flags(j), 0, 0, 0, 0);
	if (pid != 0) /* the child stays dumpable until its maps are written */
		prctl(PR_SET_DUMPABLE, 0);
	return (pid_t)pid;
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
	uid_t uid = j->slot_uids ? JAIL_SLOT_UID + job->slot : j->outer_uid;
	gid_t gid = j->slot_uids ? JAIL_SLOT_UID + job->slot : j->outer_gid;

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

int namespaces_enter(const struct jail *j, const struct jail_job *job)
{
	static const char host[] = "sandbox";

	(void)job;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || wait_for_maps() < 0)
		return -1;
	/* Init stays in this state for good: it does not exec, and nothing may read it through /proc or ptrace. */
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return -1;
	/* Before the mounts: what this process creates on its tmpfs needs an owner that has a mapping. */
	if (j->may_setgroups && syscall(SYS_setgroups, 0, NULL) < 0)
		return -1;
	if (syscall(SYS_setresgid, JAIL_GID, JAIL_GID, JAIL_GID) < 0 ||
	    syscall(SYS_setresuid, JAIL_UID, JAIL_UID, JAIL_UID) < 0)
		return -1;
	/* The kernel clears this on a change of ids (prctl(2)); the spawner may have died just then. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || spawner_is_gone() || setsid() < 0)
		return -1;
	if (!DROPPED(j, DROP_UTS_NS) && sethostname(host, sizeof host - 1) < 0)
		return -1;
	if (unshare(CLONE_NEWCGROUP) < 0 && errno != EINVAL && errno != EPERM)
		return -1; /* hides the group's path; older kernels have no such namespace */
	return unshare(CLONE_NEWNS);
}
