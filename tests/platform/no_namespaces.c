/* SPDX-License-Identifier: MIT */
/*
 * no-namespaces PROGRAM [ARGUMENT...]: runs a program as a container engine with the default profile of Docker would, as far
 * as namespaces and mounts are concerned: those calls are refused (EPERM; clone3: ENOSYS). So the suite can test the
 * level "standard" on any machine. An ordinary user gets no_new_privs with it, root keeps what it has.
 */
#include <errno.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const refused[] = { "unshare", "setns", "mount", "umount2", "pivot_root", "fsopen", "fsmount",
				       "move_mount", "open_tree", "mount_setattr" };

static const unsigned long namespaces[] = { CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
					    CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET };

static int add_rules(scmp_filter_ctx filter)
{
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), seccomp_syscall_resolve_name(refused[i]), 0) < 0)
			return -1;
	for (size_t i = 0; i < sizeof namespaces / sizeof namespaces[0]; i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
				     SCMP_A0(SCMP_CMP_MASKED_EQ, namespaces[i], namespaces[i])) < 0)
			return -1;
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

int main(int argc, char *argv[])
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	if (argc < 2 || !filter || seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, geteuid() != 0) < 0 ||
	    add_rules(filter) < 0 || seccomp_load(filter) < 0) {
		fputs("no-namespaces: the filter cannot be installed\n", stderr);
		return EXIT_FAILURE;
	}
	execvp(argv[1], argv + 1);
	fprintf(stderr, "no-namespaces: %s: %s\n", argv[1], strerror(errno));
	return EXIT_FAILURE;
}
