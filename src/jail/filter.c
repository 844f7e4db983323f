/* SPDX-License-Identifier: MIT */
/*
 * Layer: filter. The allow-list of system calls from policy/seccomp.json, compiled at start by policy.c.
 *
 * Stops: sockets of every kind (but a connected pair), io_uring, namespaces, mounts, ptrace, keys, bpf, and all
 * calls that nobody thought of. Those of foreign architectures (int 0x80, x32) are refused like the rest.
 * Does not stop: bugs in the calls that are allowed. Available wherever CONFIG_SECCOMP_FILTER is, gVisor included.
 *
 * Last, because the layers before it need what it forbids.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "layer.h"

int jail_install_filter(const struct policy_filter *filter)
{
	struct sock_fprog program = { .len = filter->count, .filter = filter->code };

	/* prctl and not seccomp(2): the same on Linux, and every gVisor has it. */
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0)
		return -1;
	return 0;
}

/*
 * Without namespaces two calls more are refused. fallocate takes gigabytes of a disk in milliseconds, which is faster than
 * anybody looks; EOPNOTSUPP is what some file systems answer, and the C library then writes by itself
 * (posix_fallocate(3)). And a job keeps the death signal that ends it with its parent, since no init does that.
 */
static int install_plain_filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fallocate, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_PDEATHSIG, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct policy_filter filter = { .code = code, .count = sizeof code / sizeof code[0] };

	return jail_install_filter(&filter);
}

/* An init that only waits is still to send its namespaces; then it gets the filter below, which is stricter. */
int filter_enter(const struct jail *j, const struct jail_job *job)
{
	if (DROPPED(j, DROP_FILTER) || job->role == JAIL_HOLDER)
		return 0;
	if (!j->namespaces && install_plain_filter() < 0)
		return -1;
	return jail_install_filter(&j->filter);
}

/* A few instructions instead of hundreds, since every job has such an init: it may wait, and end. */
int jail_install_waiting_filter(const struct jail *j)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ppoll, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct policy_filter filter = { .code = code, .count = sizeof code / sizeof code[0] };

	return DROPPED(j, DROP_FILTER) ? 0 : jail_install_filter(&filter);
}
