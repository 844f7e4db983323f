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
#include <linux/filter.h>
#include <linux/seccomp.h>
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

int filter_enter(const struct jail *j, const struct jail_job *job)
{
	(void)job;
	if (DROPPED(j, DROP_FILTER))
		return 0;
	return jail_install_filter(&j->filter);
}
