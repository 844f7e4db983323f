/* SPDX-License-Identifier: MIT */
/*
 * Layer: modes. Where a job can name files that are not its own and have its uid, whoever has that uid may change their
 * modes and times (chmod(2), utimensat(2)): Landlock does not know of these, and gVisor allows them on read-only mounts.
 * So there nobody changes any.
 *
 * Stops: shutting the runner's directory to the jobs to come, opening or marking files of the user that started the
 * service. Modes and times answer success all the same, or shutil.copy would fail; the runner sees to it that a file
 * which is not there is missed (runner.py). Owners are refused. So is emptying a file where Landlock does not know of that
 * (before ABI 3, Linux 6.2): by name, or by opening it with O_TRUNC in a mode in which nothing can be written, 0 or 3; it
 * asks for the right to write in the others.
 * Does not stop: modes that open(2) and mkdir(2) give to what they make.
 * Not needed: where jobs have uids of their own, or all else that they can name lies on read-only mounts (Linux).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/syscall.h>

#include "bpf.h"
#include "layer.h"

#define NR_fchmodat2 452 /* Linux 6.6, the same on all architectures */
#define NR_openat2 437   /* Linux 5.6, likewise */

/* Of open(2), whose flags are argument n: how it answers when it would empty a file without a mode that allows writing. */
#define ANSWER_OPEN(n, emptying)                                                                                       \
	LOAD_ARGUMENT(n), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, O_TRUNC | O_ACCMODE), IF(O_TRUNC, 2, 0),                 \
		IF(O_TRUNC | O_ACCMODE, 1, 0), ANSWER(SECCOMP_RET_ALLOW), ANSWER(emptying)

enum { ANSWER_OPEN_STEPS = 6 };

int modes_enter(const struct jail *j, const struct jail_job *job)
{
	const uint32_t emptying = j->namespaces || j->landlock_abi >= 3 ? SECCOMP_RET_ALLOW : REFUSED;
	struct sock_filter code[] = {
		LOAD(nr),
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
		UNLESS(SYS_truncate, 1),
		ANSWER(emptying),
		UNLESS(SYS_openat, ANSWER_OPEN_STEPS),
		ANSWER_OPEN(2, emptying),
		UNLESS(NR_openat2, 1), /* its flags are behind a pointer */
		ANSWER(emptying == REFUSED ? SECCOMP_RET_ERRNO | ENOSYS : SECCOMP_RET_ALLOW),
#ifdef SYS_chmod
		UNLESS(SYS_open, ANSWER_OPEN_STEPS),
		ANSWER_OPEN(1, emptying),
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
		ANSWER(SECCOMP_RET_ALLOW),
	};
	const struct policy_filter filter = { .code = code, .count = sizeof code / sizeof code[0] };

	/* A helper is our own code, and has to open what a script has closed. */
	if (!j->modes_are_shared || job->role == JAIL_HELPER || DROPPED(j, DROP_MODES) || DROPPED(j, DROP_FILTER))
		return 0;
	return jail_install_filter(&filter);
}
