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
 * Who jobs and web are, seen from outside, when the service starts as root: a range that no account has (below 65536,
 * since a container may map no more). A service claims a part of it, so that another one on the same machine has other
 * uids: the first for killing jobs (own_uid.c), the second for web, and from the third on one for each cell.
 * A job lives in a cell. Slots are how many jobs run at once; there are more cells, since some wait for a job and some
 * are being cleared.
 */
enum {
	JAIL_UIDS_FIRST = 60599,
	JAIL_UIDS_DYNAMIC = 61184,
	JAIL_UIDS_END = 65534,
	JAIL_UIDS_OF_ONE_CLAIM = 64,
	JAIL_CELLS_MAX = 1024
};
enum { JAIL_CLAIMS_MAX = (JAIL_CELLS_MAX + 2) / JAIL_UIDS_OF_ONE_CLAIM + 1 };

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

enum { JAIL_CGROUP_FDS_MAX = 4, JAIL_TREES_MAX = 16, JAIL_STATUS_BYTES = 96 };
enum { JAIL_PATH_BYTES = 256, JAIL_READABLE_MAX = 64, JAIL_FOLDER_BYTES = 96 };

/*
 * The private directories of a job where it has no mounts of its own, as the job sees them. What is written there is
 * emptied by a process in the same jail, never by the service itself. "": there is none.
 */
struct jail_folders {
	char work[JAIL_FOLDER_BYTES]; /* "/tmp/60601/job" */
	char shm[JAIL_FOLDER_BYTES];  /* "/dev/shm/60601/job" */
};

/* Where they are made, by the spawner. */
struct jail_places {
	int work_fd; /* directory; -1: none */
	int shm_fd;
	char work[JAIL_FOLDER_BYTES]; /* the same, as a job sees it */
};

/* A runtime tree below /tmp: the job's own /tmp would hide it, so it is staged and bound again. */
struct jail_staged_tree {
	char stage[32];   /* "/stage/0" */
	char target[256]; /* "/jail/tmp/venv" */
};

/*
 * Made once by jail_prepare(), read-only afterwards. There are two kinds: with namespaces (level "strong"), and without
 * (level "standard": Landlock, own uids and a root directory of their own, as far as the machine has them).
 */
struct jail {
	bool namespaces;
	char no_namespaces[JAIL_STATUS_BYTES]; /* why not: refused, or */
	bool no_effect;                        /* what the self-test found */
	/* The kernel lets nobody enter the namespaces of another process (gVisor): a template clones the init as well. */
	bool inits_by_template;
	bool chroots; /* jobs have JAIL_TREE as their root */
	char no_chroot[JAIL_STATUS_BYTES];
	bool own_shm; /* jobs have LD_PRELOAD set to a library that puts /dev/shm where they may write */
	char runner[JAIL_PATH_BYTES]; /* the folder of runner.py, as a job sees it */
	char base[JAIL_PATH_BYTES];   /* a directory of this service's own on the machine; "" where it needs none */
	char empty[JAIL_PATH_BYTES];  /* a directory in which web is locked up; "" where only Landlock can do it */
	char readable[JAIL_READABLE_MAX][JAIL_PATH_BYTES]; /* what Landlock lets a job read */
	size_t readable_count;
	struct jail_places places;
	struct policy_filter filter;
	const char *executable; /* of Python, inside */
	char **environment;
	bool cell_uids; /* started as root: one outer uid per cell, and these are: */
	uid_t first_uid;
	int claim_fds[JAIL_CLAIMS_MAX];
	size_t claims;
	uid_t outer_uid; /* otherwise: the one uid */
	gid_t outer_gid;
	int own_net_fd; /* the spawner's network namespace, to come back to; -1 in a template */
	bool may_setgroups;
	bool may_mount_proc;   /* proved by trying */
	bool modes_are_shared; /* files that are not the job's have its uid, and no mount keeps their modes */
	int landlock_abi;      /* 0: the kernel has none */
	struct jail_staged_tree trees[JAIL_TREES_MAX];
	size_t tree_count;
	uint32_t dropped; /* test builds only: bit n = layer n is left out */
};

/* What a process is in its cell. All but the first have none of the job's pipes yet, or never. */
enum jail_role {
	JAIL_COLD_INIT, /* or, without namespaces, the job itself */
	JAIL_HOLDER,    /* an init that holds the namespaces of a cell for the child of a template */
	JAIL_CHILD,     /* of a template */
	JAIL_HELPER,    /* looks after the directories of a job, in its jail */
	JAIL_WARM_INIT, /* cloned by a template, to fork such a child itself: see jail.inits_by_template */
};

/* One job, as the child sees it: on the stack of who clones, copied by clone. */
struct jail_job {
	uint32_t cell;
	struct job_limits limits;
	enum jail_role role;
	struct jail_folders folders; /* without namespaces */
	int fds[WIRE_FD_COUNT];      /* -1: none */
	int handover_fd;             /* of a warm init */
	int cgroup_fds[JAIL_CGROUP_FDS_MAX];
	size_t cgroup_count;
	int namespace_fds[JAIL_NS_COUNT]; /* of jail_join(); -1 where the kernel has no such namespace */
	int net_fd;                       /* of the cell, or -1 */
	pid_t parent;                     /* without namespaces: who forked it, and takes it along when it ends */
};

/* What a child says when a layer failed: one message on the sync descriptor, then _exit. */
struct jail_fault {
	uint32_t layer; /* 1 + index */
	int32_t error;
};

/* What is to be prepared. */
struct jail_wish {
	bool namespaces;
	const char *no_namespaces; /* otherwise: why not */
	bool no_effect;            /* they could be made, and did not hold */
	uint32_t cells;
};

/* Where the image keeps the runtime, so that chroot(2) shows a job that and nothing else. */
#define JAIL_TREE "/jail"

/*
 * With namespaces: builds the shared read-only root and moves this process into namespaces where nothing of the machine
 * is left but /proc (needed for accounting) and that root. Without: makes what jobs need in the file system that is
 * there, and keeps only those capabilities that the spawner needs. Called once, in the spawner, before serving.
 */
int jail_prepare(struct jail *j, const struct jail_wish *wish, const struct policy *p, const struct runtime *r,
		 struct fault *f);

/* Undoes what jail_prepare() left in the file system, if anything. */
void jail_abandon(const struct jail *j);

/* Whether the machine lets this process make namespaces at all; if not, *f says what was refused. Nothing has changed. */
bool jail_may_make_namespaces(struct fault *f);

/* Appends what to do about it. Always returns -1. */
int jail_hint_namespaces(struct fault *f);

/* Occupies the numbers below JAIL_FD_COUNT, so that no descriptor of ours has one. Called first thing in main. */
int jail_reserve_descriptors(void);

/* Clones the init of a cell: its pid in the parent, 0 in the child, -1 with errno. See namespaces.c. */
pid_t jail_clone(const struct jail *j, const struct jail_job *job);

/* Parent: writes the child's uid and gid maps. 0, or -1 with errno. */
int jail_map_ids(const struct jail *j, const struct jail_job *job, pid_t pid);

/* Child: walks the layers. Returns 0, or -1 with *fault filled; then the child must _exit. */
int jail_enter(const struct jail *j, const struct jail_job *job, struct jail_fault *fault);

/* The same for a child that a template forked and that enters the namespaces of an init that waits there. */
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

/*
 * Without namespaces: makes the private directories of a job in this cell, empty and owned by its uid, where no other uid
 * gets whatever the job permits. 0, or -1 with errno; EEXIST: something is left in there from before.
 */
int jail_make_folders(const struct jail *j, uint32_t cell, struct jail_folders *folders);

/* Removes them, when they have been emptied, or what there is of them. 0, or -1 with errno. */
int jail_remove_folders(const struct jail *j, const struct jail_folders *folders);

/*
 * Without namespaces, with a uid for each cell: kills every process of that uid, whatever it is the child of. How many
 * there were, kill(2) does not say. Does nothing where cells have no uid of their own.
 */
void jail_kill_all_of(const struct jail *j, uint32_t cell);

/* With a uid for each cell: gives every process and thread of that uid this nice value (setpriority(2)). */
void jail_weigh_down(const struct jail *j, uint32_t cell, int nice);

/* The calling process, as root: files are open to it as they are to this uid (setfsuid(2)), until it is called with 0. */
void jail_look_as(uid_t uid);

/* The uid of all in this cell, and of web, seen from the spawner. */
uid_t jail_uid_of(const struct jail *j, uint32_t cell);
uid_t jail_web_uid(const struct jail *j);

/* True where a job is one process, and may not make a second one: nobody could count and kill them all. */
static inline bool jail_is_one_process(const struct jail *j)
{
	return !j->namespaces && !j->cell_uids;
}

/* Name of layer index, NULL beyond the last. */
const char *jail_layer_name(size_t index);

/* "strong" or "standard". */
const char *jail_level(const struct jail *j);

/* "ok", "absent: ..." for layer index on this machine; buffer has JAIL_STATUS_BYTES. */
void jail_layer_status(const struct jail *j, size_t index, char *buffer);

/*
 * Takes every privilege away from the calling process for good: root directory, groups, ids, capabilities,
 * then no_new_privs. Used for web. -1 with *f filled when anything reads back otherwise.
 */
int jail_drop_privileges(bool from_root, uid_t uid, gid_t gid, struct fault *f);

/* Web: its root is an empty directory, and no file system or port can be reached. 0, or -1 with errno. */
int jail_enclose_web(const struct jail *j);

/*
 * Makes the calling process a template-to-be: the shared root of jobs as its root, no capability but those that it
 * needs to put children into their jail, which survive exec, signals as in a fresh process, none from a terminal, and it
 * dies with its parent. 0, or -1 with errno.
 */
int jail_confine_template(const struct jail *j);

/* The filter of a waiting init, when it has said all that it has to: it may wait and end, and nothing else. */
int jail_install_waiting_filter(const struct jail *j);

/* Installs a compiled filter on the calling process: 0, or -1 with errno. */
int jail_install_filter(const struct policy_filter *filter);
