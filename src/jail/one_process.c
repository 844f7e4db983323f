/* SPDX-License-Identifier: MIT */
/*
 * Layer: one process. Where a job has neither a process namespace nor a uid of its own, nobody could count its processes
 * or be sure to kill them all, and what it may signal is the service itself, whose uid it has. So there, on top of the
 * filter, it may not make a second process, and may signal only itself.
 *
 * Stops: fork, vfork, clone without CLONE_THREAD; signals to any other process, also by pidfd, and by descriptors that
 * raise one (F_SETOWN). Threads are still made, and abort() works. Landlock stops ptrace and /proc of others. It does not
 * know modes, owners and times, and whose uid a file has may change those: so they are not changed at all. Modes and times
 * answer success all the same, or shutil.copy would fail.
 * Does not stop: exec in place of itself.
 *
 * It is built here and not in policy/seccomp.json, since it names the job's own pid. The check of the architecture is
 * the other filter's: of several filters the strictest answer counts (seccomp(2)).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "layer.h"

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
/* Little-endian, as both supported architectures are. */
#define LOAD_ARGUMENT(n) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[n]))
#define ANSWER(what) BPF_STMT(BPF_RET | BPF_K, what)
#define REFUSED (SECCOMP_RET_ERRNO | EPERM)
#define PRETENDED SECCOMP_RET_ERRNO /* with error 0: done, says the call */
#define NR_fchmodat2 452            /* Linux 6.6, the same on all architectures */
/* If the number is that one, go on; otherwise skip this many. */
#define UNLESS(number, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, skip)
#define IF(number, then, otherwise) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, then, otherwise)

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
		UNLESS(SYS_fchmodat, 1),
		ANSWER(PRETENDED),
		UNLESS(NR_fchmodat2, 1),
		ANSWER(PRETENDED),
		UNLESS(SYS_fchmod, 1),
		ANSWER(PRETENDED),
		UNLESS(SYS_utimensat, 1),
		ANSWER(PRETENDED),
		UNLESS(SYS_fchownat, 1),
		ANSWER(REFUSED),
		UNLESS(SYS_fchown, 1),
		ANSWER(REFUSED),
		UNLESS(SYS_truncate, 1), /* Landlock knows it from ABI 3 on */
		ANSWER(j->landlock_abi >= 3 ? SECCOMP_RET_ALLOW : REFUSED),
#ifdef SYS_chmod
		UNLESS(SYS_chmod, 1),
		ANSWER(PRETENDED),
		UNLESS(SYS_utime, 1),
		ANSWER(PRETENDED),
		UNLESS(SYS_utimes, 1),
		ANSWER(PRETENDED),
		UNLESS(SYS_futimesat, 1),
		ANSWER(PRETENDED),
		UNLESS(SYS_chown, 1),
		ANSWER(REFUSED),
		UNLESS(SYS_lchown, 1),
		ANSWER(REFUSED),
#endif
#ifdef SYS_fork
		UNLESS(SYS_fork, 1),
		ANSWER(REFUSED),
		UNLESS(SYS_vfork, 1),
		ANSWER(REFUSED),
#endif
		ANSWER(SECCOMP_RET_ALLOW),
	};
	const struct policy_filter filter = { .code = code, .count = sizeof code / sizeof code[0] };

	/* A helper is our own code, and has to open what a script has closed. */
	if (!jail_is_one_process(j) || job->role == JAIL_HELPER || DROPPED(j, DROP_ONE_PROCESS) ||
	    DROPPED(j, DROP_FILTER))
		return 0;
	return jail_install_filter(&filter);
}
