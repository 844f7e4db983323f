/* SPDX-License-Identifier: MIT */
/* The layers of the jail: one file and one entry point each, all of the same shape. */
#pragma once

#include "jail.h"

/* Each returns 0, or -1 with errno. They run in the child, in the order of the table in jail.c. */
int cgroup_enter(const struct jail *j, const struct jail_job *job);
int namespaces_enter(const struct jail *j, const struct jail_job *job);
int mounts_enter(const struct jail *j, const struct jail_job *job);
int limits_enter(const struct jail *j, const struct jail_job *job);
int identity_enter(const struct jail *j, const struct jail_job *job);
int landlock_enter(const struct jail *j, const struct jail_job *job);
int descriptors_enter(const struct jail *j, const struct jail_job *job);
int filter_enter(const struct jail *j, const struct jail_job *job);
int own_uid_enter(const struct jail *j, const struct jail_job *job);
int modes_enter(const struct jail *j, const struct jail_job *job);
int one_process_enter(const struct jail *j, const struct jail_job *job);

/* The two that differ for a child which joins a cell (jail_join). */
int namespaces_join(const struct jail *j, const struct jail_job *job);
int mounts_join(const struct jail *j, const struct jail_job *job);

/* Of the main thread, and of each thread unless it asks for another size. */
enum { JAIL_STACK_BYTES = 8 << 20 };

/* namespaces.c: whether this kernel lets a process enter those of another one (jail_join); tried, in a child. */
bool namespaces_may_be_joined(const struct jail *j);

/* mounts.c: what a template sees. */
int mounts_for_template(const struct jail *j);

/* mounts.c: a fresh proc that shows as little as possible. */
int mounts_proc(const char *target);

/* own_uid.c: if this process can give each cell a uid of its own (j->cell_uids), finds some that no other service has. */
int own_uids_claim(struct jail *j, uint32_t cells, struct fault *f);

/* plain.c: what jail_prepare() does without namespaces, and what it leaves in the file system. */
int plain_build(struct jail *j, uint32_t cells, const struct policy *p, const struct runtime *r, struct fault *f);
void plain_remove(const struct jail *j);

/* landlock.c: nothing can be opened, nowhere; 0, also where the kernel has no Landlock. */
int landlock_nothing(int abi);

/* identity.c: keeps these of the capabilities that this process has (a mask of 1 << CAP_*). */
int identity_keep_capabilities(uint64_t mask);

/* root.c: builds the shared root, see there. */
int root_build(struct jail *j, uint32_t cells, const struct policy *p, const struct runtime *r, struct fault *f);

/* landlock.c: the ABI version of this kernel, 0 where there is none. */
int landlock_version(void);

/* identity.c: what exec could give back; as long as the right to do so is there. */
int identity_drop_bounding_set(void);

/* identity.c: empties all capability sets and proves it; 0, or -1 with errno. */
int identity_drop_capabilities(void);

/* Layers and parts of layers that a test build can leave out by name (never compiled into a release). */
enum drop {
	DROP_CGROUP,
	DROP_PID_NS,
	DROP_NET_NS,
	DROP_IPC_NS,
	DROP_UTS_NS,
	DROP_MOUNTS,
	DROP_READONLY,
	DROP_PROC,
	DROP_LIMITS,
	DROP_IDENTITY,
	DROP_LANDLOCK,
	DROP_DESCRIPTORS,
	DROP_FILTER,
	DROP_OWN_UID,
	DROP_CHROOT,
	DROP_MODES,
	DROP_ONE_PROCESS,
	DROP_JOIN, /* no layer: as a kernel without setns(2) into process namespaces */
	DROP_WALL,
	DROP_MEMORY,
	DROP_CPU,
	DROP_COUNT
};

#ifdef SAFE_EXEC_TEST_DROP
#define DROPPED(j, what) (((j)->dropped & (1U << (what))) != 0)
#else
#define DROPPED(j, what) ((void)(j), false)
#endif
