/* SPDX-License-Identifier: MIT */
/*
 * What spawner, template and the children of a template say to each other. All of it is our code; none of it ever
 * carries a byte of a request.
 *
 *     spawner --- fork_msg + descriptors of a cell ---> template          (SOCK_SEQPACKET)
 *     spawner <-- template_msg: ready, forked, failed, ended --- template
 *     spawner <-- child_msg: waiting, took, fault --- child
 *     spawner --- handover (one byte) + the job's pipes ---> child        (SOCK_SEQPACKET, one pair per child)
 */
#pragma once

#include <stdint.h>

#include "jail.h"
#include "job.h"

enum { TEMPLATE_MAGIC = 0x53455854 };

/*
 * Descriptors that a template is started with: 0 is empty, 1 and 2 are a pipe (as in a job: Python looks at them before
 * the first line of ours runs), then the channel, the exported jail, the machine's /proc, the service's stderr.
 */
enum { TEMPLATE_FD_CHANNEL = 3, TEMPLATE_FD_SETUP, TEMPLATE_FD_PROC, TEMPLATE_FD_STDERR, TEMPLATE_FDS };

/* Descriptors of a fork_msg: the cell's namespaces, then these, then up to JAIL_CGROUP_FDS_MAX of control groups. */
enum { FORK_FD_HANDOVER = JAIL_NS_COUNT, FORK_FD_NET, FORK_FD_SYNC, FORK_FD_COUNT };

struct fork_msg {
	uint32_t magic;
	uint32_t cell;
	uint32_t has_net; /* 0: FORK_FD_NET stands for nothing; FORK_FD_SYNC is of use where templates clone inits */
	uint32_t reserved;
	struct job_limits limits;
	struct jail_folders folders; /* without namespaces; then all descriptors of namespaces stand for nothing */
};

/* With TEMPLATE_FORKED comes a pidfd of the child, where the kernel has them. */
enum template_word { TEMPLATE_READY = 1, TEMPLATE_FORKED, TEMPLATE_FAILED, TEMPLATE_ENDED };

struct template_msg {
	uint32_t magic;
	uint32_t word; /* enum template_word */
	uint32_t cell;
	int32_t pid;             /* FORKED, ENDED; of the init, where templates clone those */
	int32_t error;           /* FAILED: errno; READY: why there is no snapshot, 0 if there is one */
	int32_t wait_status;     /* ENDED */
	uint64_t cpu_us;         /* ENDED: of the child and what it waited for */
	uint64_t peak_bytes;     /* ENDED: its largest resident set */
	uint64_t image_bytes;    /* READY: size of the snapshot */
	uint32_t prefault_pages; /* READY: that a child touches at once, since every job does */
	uint32_t reserved;
};

enum child_word { CHILD_WAITS = 1, CHILD_TOOK, CHILD_FAULT };

struct child_msg {
	uint32_t word; /* enum child_word */
	struct jail_fault fault;
};
