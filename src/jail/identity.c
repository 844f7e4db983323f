/* SPDX-License-Identifier: MIT */
/*
 * Layer: identity. The job keeps no capability, can gain none, and has no group of ours.
 *
 * Stops: mounting, tracing, changing ids and all else that asks for a capability, also in the job's own user
 * namespace; gaining privileges through a set-uid file (no_new_privs, which the filter needs as well).
 * Does not stop: what an ordinary user may do. The uid itself changed in namespaces.c (per cell, seen from outside).
 * Where it differs: gVisor has no securebits (EINVAL before 2026); the empty bounding set does the same there.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "layer.h"

static bool has_capability(unsigned number)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	return syscall(SYS_capget, &header, data) < 0 || (data[number / 32].effective >> (number % 32) & 1);
}

/* Who lacks the right keeps the set, which then gives nothing: nobody without it can gain what is in there. */
int identity_drop_bounding_set(void)
{
	const bool must = has_capability(CAP_SETPCAP);
	int there;

	for (unsigned long cap = 0; (there = prctl(PR_CAPBSET_READ, cap)) >= 0; cap++)
		if (there == 1 && prctl(PR_CAPBSET_DROP, cap) < 0 && (must || errno != EPERM))
			return -1;
	return errno == EINVAL ? 0 : -1; /* which is what it is beyond the last one */
}

static int sets_are_empty(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) < 0)
		return 0;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		if (data[i].effective || data[i].permitted || data[i].inheritable)
			return 0;
	return 1;
}

int identity_drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	/* uid 0 and exec give nothing back any more (capabilities(7)); needs CAP_SETPCAP, so it is best effort. */
	(void)prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
					       SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
					       SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (identity_drop_bounding_set() < 0)
		return -1;
	memset(data, 0, sizeof data);
	if (syscall(SYS_capset, &header, data) < 0)
		return -1;
	if (!sets_are_empty()) {
		errno = EPERM;
		return -1;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return -1;
	return 0;
}

static int ids_are(uid_t uid, gid_t gid)
{
	uid_t real, effective, saved;
	gid_t group_real, group_effective, group_saved;

	return getresuid(&real, &effective, &saved) == 0 &&
	       getresgid(&group_real, &group_effective, &group_saved) == 0 && real == uid && effective == uid &&
	       saved == uid && group_real == gid && group_effective == gid && group_saved == gid;
}

int identity_enter(const struct jail *j, const struct jail_job *job)
{
	if (DROPPED(j, DROP_IDENTITY))
		return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); /* or the filter could not be installed at all */
	if (identity_drop_capabilities() < 0)
		return -1;
	if (!ids_are(j->namespaces ? JAIL_UID : jail_uid_of(j, job->cell), j->namespaces ? JAIL_GID :
									   j->cell_uids  ? jail_uid_of(j, job->cell) :
											   j->outer_gid)) {
		errno = EPERM;
		return -1;
	}
	return 0;
}

int jail_drop_privileges(bool from_root, uid_t uid, gid_t gid, struct fault *f)
{
	if (from_root) {
		if (identity_drop_bounding_set() < 0) /* while the right to do so is there */
			return fault_set(f, errno, "drop the bounding set");
		if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
			return fault_set(f, errno, "become uid %u", uid);
	}
	if (identity_drop_capabilities() < 0)
		return fault_set(f, errno, "drop capabilities");
	if (!ids_are(uid, gid))
		return fault_set(f, 0, "the ids did not change to %u", uid);
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return fault_set(f, errno, "become non-dumpable");
	return 0;
}

/*
 * Effective, permitted and, so that they survive exec, inheritable and ambient (capabilities(7)). Where there are no
 * ambient ones (gVisor), exec by root keeps them, within the bounding set and what was permitted before.
 */
int identity_keep_capabilities(uint64_t mask)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) < 0)
		return -1;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted &= (uint32_t)(mask >> (32 * i));
		data[i].effective = data[i].inheritable = data[i].permitted;
	}
	for (unsigned cap = 0; cap < 64; cap++)
		if (!(mask >> cap & 1) && prctl(PR_CAPBSET_READ, cap) == 1)
			(void)prctl(PR_CAPBSET_DROP, cap);
	if (syscall(SYS_capset, &header, data) < 0)
		return -1;
	for (unsigned cap = 0; cap < 64; cap++)
		if ((data[cap / 32].permitted >> (cap % 32) & 1) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0 && errno != EINVAL)
			return -1;
	return 0;
}

static int enter_tree(const struct jail *j)
{
	if (j->namespaces)
		return mounts_for_template(j);
	return (j->chroots && chroot(JAIL_TREE) < 0) || chdir("/") < 0 ? -1 : 0;
}

int jail_confine_template(const struct jail *j)
{
	const struct rlimit stack = { JAIL_STACK_BYTES, JAIL_STACK_BYTES };
	/* KILL: the death signal of a child is sent in the name of its parent, and asks for the right to (prctl(2)). */
	const uint64_t needed = j->inits_by_template ? 1ULL << CAP_KILL :
				j->namespaces        ? 1ULL << CAP_SYS_ADMIN :
				j->cell_uids         ? 1ULL << CAP_SETUID | 1ULL << CAP_SETGID | 1ULL << CAP_SETPCAP |
						       1ULL << CAP_KILL :
					       0;

	jail_reset_signals();
	/* Stacks of threads take their size from the limit at exec. */
	if (setsid() < 0 || setrlimit(RLIMIT_STACK, &stack) < 0 || enter_tree(j) < 0 ||
	    identity_keep_capabilities(needed) < 0)
		return -1;
	return prctl(PR_SET_PDEATHSIG, SIGKILL);
}
