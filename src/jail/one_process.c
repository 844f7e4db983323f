/* SPDX-License-Identifier: MIT */
/*
 * Layer: one process. Where a job has neither a process namespace nor a uid of its own, nobody could count its processes
 * or be sure to kill them all, and what it may signal is the service itself, whose uid it has. So there, on top of the
 * filter, it may not make a second process, and may signal only itself.
 *
 * Stops: fork, vfork, clone without CLONE_THREAD; signals to any other process, also by pidfd, and by descriptors that
 * raise one (F_SETOWN). Threads are still made, and abort() works. Landlock stops ptrace and /proc of others.
 * Does not stop: exec in place of itself; changes to files of the service's uid (modes.c).
 *
 * It is built here and not in policy/seccomp.json, since it names the job's own pid.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf.h"
#include "layer.h"

int one_process_enter(const struct jail *j, const struct jail_job *job)
{
	const uint32_t self = (uint32_t)getpid();
	struct sock_filter code[] = {
		LOAD(nr),
		UNLESS(SYS_clone, 4),
		LOAD_ARGUMENT(0),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1),
		ANSWER(SECCOMP_RET_ALLOW),
		ANSWER(REFUSED),
		UNLESS(SYS_kill, 4),
		LOAD_ARGUMENT(0),
		IF(self, 0, 1),
		ANSWER(SECCOMP_RET_ALLOW),
		ANSWER(REFUSED),
		UNLESS(SYS_tgkill, 4),
		LOAD_ARGUMENT(0),
		IF(self, 0, 1),
		ANSWER(SECCOMP_RET_ALLOW),
		ANSWER(REFUSED),
		UNLESS(SYS_fcntl, 5),
		LOAD_ARGUMENT(1),
		IF(F_SETOWN, 2, 0),
		IF(F_SETOWN_EX, 1, 0),
		ANSWER(SECCOMP_RET_ALLOW),
		ANSWER(REFUSED),
		UNLESS(SYS_tkill, 1),
		ANSWER(REFUSED),
		UNLESS(SYS_rt_sigqueueinfo, 1),
		ANSWER(REFUSED),
		UNLESS(SYS_rt_tgsigqueueinfo, 1),
		ANSWER(REFUSED),
		UNLESS(SYS_pidfd_send_signal, 1),
		ANSWER(REFUSED),
#ifdef SYS_fork
		UNLESS(SYS_fork, 1),
		ANSWER(REFUSED),
		UNLESS(SYS_vfork, 1),
		ANSWER(REFUSED),
#endif
		ANSWER(SECCOMP_RET_ALLOW),
	};
	const struct policy_filter filter = { .code = code, .count = sizeof code / sizeof code[0] };

	/* A helper is our own code. */
	if (!jail_is_one_process(j) || job->role == JAIL_HELPER || DROPPED(j, DROP_ONE_PROCESS) ||
	    DROPPED(j, DROP_FILTER))
		return 0;
	return jail_install_filter(&filter);
}
