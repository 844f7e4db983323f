/* SPDX-License-Identifier: MIT */
/*
 * The jail: a table of layers that a freshly cloned child walks, filter last.
 *
 * Everything that a layer needs is computed by jail_prepare() before the first clone; between clone and exec a
 * child makes system calls and nothing else: no allocation, no stdio, no lock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fault.h"
#include "job.h"
#include "policy.h"
#include "runtime.h"
#include "wire.h"

/* Who a job is, seen from inside. */
enum { JAIL_UID = 1000, JAIL_GID = 1000 };
#define JAIL_USER "sandbox"

/*
 * Who jobs and web are, seen from outside, when the service starts as root: a range that no account has (below
 * 65536, since a container may map no more). A job lives in a cell, and all in cell n runs as JAIL_CELL_UID + n.
 * Slots are how many jobs run at once; there are more cells, since some wait for a job and some are being cleared.
 */
enum { JAIL_WEB_UID = 60600, JAIL_CELL_UID = 60601, JAIL_CELLS_MAX = 1024 };

/* The namespaces of a cell that a forked child enters by descriptor, in this order. */
enum jail_namespace { JAIL_NS_USER, JAIL_NS_MNT, JAIL_NS_PID, JAIL_NS_IPC, JAIL_NS_UTS, JAIL_NS_CGROUP, JAIL_NS_COUNT };

/*
 * Descriptors of a job after the "descriptors" layer. SYNC belongs to init alone, which puts it there first; in a child
 * of a template it is the pair over which the job arrives. From NS on: the namespaces of a warm init, until it has sent
 * them on.
 */
enum {
	JAIL_FD_STDIN,
	JAIL_FD_STDOUT,
	JAIL_FD_STDERR,
	JAIL_FD_RESULT,
	JAIL_FD_INPUT,
	JAIL_FD_SYNC,
	JAIL_FD_NS,
	JAIL_FD_COUNT = JAIL_FD_NS + JAIL_NS_COUNT
};

enum { JAIL_CGROUP_FDS_MAX = 3, JAIL_TREES_MAX = 16, JAIL_STATUS_BYTES = 64 };

/* A runtime tree below /tmp: the job's own /tmp would hide it, so it is staged and bound again. */
struct jail_staged_tree {
	char stage[32];   /* "/stage/0" */
	char target[256]; /* "/jail/tmp/venv" */
};

/* Made once by jail_prepare(), read-only afterwards. */
struct jail {
	struct policy_filter filter;
	const char *executable; /* of Python, inside */
	char **environment;
	bool cell_uids;  /* started as root: one outer uid per cell */
	uid_t outer_uid; /* otherwise: the one uid */
	gid_t outer_gid;
	int own_net_fd; /* the spawner's network namespace, to come back to; -1 in a template */
	bool may_setgroups;
	bool may_mount_proc; /* proved by trying */
	int landlock_abi;    /* 0: the kernel has none */
	struct jail_staged_tree trees[JAIL_TREES_MAX];
	size_t tree_count;
	uint32_t dropped; /* test builds only: bit n = layer n is left out */
};

/* One job, as the child sees it: on the stack of who clones, copied by clone. */
struct jail_job {
	uint32_t cell;
	struct job_limits limits;
	bool waits; /* there is no job yet: an init that keeps its namespaces for a child to come, or such a child */
	int fds[WIRE_FD_COUNT]; /* -1 while it waits */
	int cgroup_fds[JAIL_CGROUP_FDS_MAX];
	size_t cgroup_count;
	int namespace_fds[JAIL_NS_COUNT]; /* of jail_join(); -1 where the kernel has no such namespace */
	int net_fd;                       /* of the cell, or -1 */
};

/* An init that holds a cell for the child of a template: such a child has descriptors of the namespaces that it joins. */
static inline bool jail_is_waiting_init(const struct jail_job *job)
{
	return job->waits && job->namespace_fds[JAIL_NS_USER] < 0;
}

/* What a child says when a layer failed: one message on the sync descriptor, then _exit. */
struct jail_fault {
	uint32_t layer; /* 1 + index */
	int32_t error;
};

/*
 * Builds the shared read-only root and moves this process into namespaces where nothing of the machine is left
 * but /proc (needed for accounting) and that root. Called once, in the spawner, before serving.
 */
int jail_prepare(struct jail *j, const struct policy *p, const struct runtime *r, struct fault *f);

/* Occupies the numbers below JAIL_FD_COUNT, so that no descriptor of ours has one. Called first thing in main. */
int jail_reserve_descriptors(void);

/* Clones the init of a cell: its pid in the parent, 0 in the child, -1 with errno. See namespaces.c. */
pid_t jail_clone(const struct jail *j, const struct jail_job *job);

/* Parent: writes the child's uid and gid maps. 0, or -1 with errno. */
int jail_map_ids(const struct jail *j, const struct jail_job *job, pid_t pid);

/* Child: walks the layers. Returns 0, or -1 with *fault filled; then the child must _exit. */
int jail_enter(const struct jail *j, const struct jail_job *job, struct jail_fault *fault);

/* The same for a child that was forked elsewhere and enters the cell of an init that waits there. */
int jail_join(const struct jail *j, const struct jail_job *job, struct jail_fault *fault);

/*
 * What jail_join() needs of *j, for another program with the same sources: written to fd, read from fd by the other
 * side, which gets a struct jail that is good for jail_join() alone. 0, or -1 with errno.
 */
int jail_export(const struct jail *j, int fd);
int jail_import(struct jail *j, int fd);

/*
 * An empty network namespace for a cell, kept from job to job: making one costs more than all others together
 * (370 us). Returns its descriptor with close-on-exec, or -1 with errno. The caller stays where it is.
 */
int jail_make_network(void);

/*
 * Child: the last limit, once it has sent its descriptors to the spawner: those under way count per uid, which jobs may
 * share, against this limit (unix(7), ETOOMANYREFS). 0, or -1 with errno.
 */
int jail_limit_descriptors(const struct jail *j, const struct jail_job *job);

/* Child: dispositions and mask of signals as a fresh process has them. */
void jail_reset_signals(void);

/* Closes all descriptors from first to last: 0, or -1 with errno. */
int jail_close_range(int first, int last);

/* Name of layer index, NULL beyond the last. */
const char *jail_layer_name(size_t index);

/* "ok", "absent: ..." for layer index on this machine; buffer has JAIL_STATUS_BYTES. */
void jail_layer_status(const struct jail *j, size_t index, char *buffer);

/*
 * Takes every privilege away from the calling process for good: root directory, groups, ids, capabilities,
 * then no_new_privs. Used for web. -1 with *f filled when anything reads back otherwise.
 */
int jail_drop_privileges(bool from_root, uid_t uid, gid_t gid, struct fault *f);

/*
 * Makes the calling process a template-to-be: the shared root of jobs as its root, no capability but CAP_SYS_ADMIN,
 * which survives exec, signals as in a fresh process, none from a terminal, and it dies with its parent. 0, or -1 with
 * errno.
 */
int jail_confine_template(const struct jail *j);

/* The filter of a waiting init, when it has said all that it has to: it may wait and end, and nothing else. */
int jail_install_waiting_filter(const struct jail *j);

/* Installs a compiled filter on the calling process: 0, or -1 with errno. */
int jail_install_filter(const struct policy_filter *filter);
