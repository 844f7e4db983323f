/* SPDX-License-Identifier: MIT */
/*
 * All that web and spawner ever say to each other, over one SOCK_SEQPACKET pair: fixed-size messages.
 * The receiver validates every field; a message that does not validate ends the conversation.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "fault.h"
#include "job.h"

enum wire_kind { WIRE_START = 1, WIRE_CANCEL = 2 };

/* Descriptors of a WIRE_START message, in this order. All are pipes. */
enum wire_fd { WIRE_FD_INPUT, WIRE_FD_STDOUT, WIRE_FD_STDERR, WIRE_FD_RESULT, WIRE_FD_COUNT };

/*
 * What a script was seen to import: nothing beyond the standard library, or something that only the full template
 * holds. A hint: a wrong one costs time and nothing else.
 */
enum wire_tier { WIRE_BARE, WIRE_FULL, WIRE_TIERS, WIRE_COLD = WIRE_TIERS /* from no template at all */ };

enum { WIRE_MAGIC = 0x53455833 };

/*
 * Places of jobs between web and spawner for each job that may run: one for a job that runs, one for a job that has
 * been answered and is being cleared away, for which nobody should have to wait.
 */
enum { WIRE_PLACES_PER_SLOT = 2, WIRE_PLACES_MAX = WIRE_PLACES_PER_SLOT * JOB_SLOTS_MAX };

struct start_msg {
	uint32_t magic;
	uint32_t kind; /* enum wire_kind */
	uint64_t job_id;
	uint32_t slot;
	uint32_t tier;            /* enum wire_tier; zero in WIRE_CANCEL */
	struct job_limits limits; /* zero in WIRE_CANCEL */
};

/* Who ended the job, when it did not end by itself. */
enum killed_by {
	KILLED_BY_NOBODY,
	KILLED_BY_WALL,
	KILLED_BY_CPU,
	KILLED_BY_MEMORY,
	KILLED_BY_FILES,     /* its directories hold too much, and are no mounts that would say so */
	KILLED_BY_PROCESSES, /* too many processes and threads, where no rlimit says so */
	KILLED_BY_CANCEL,
	KILLED_BY_COUNT
};

/* How a job was started: a fresh interpreter, a fork for it, or a fork that had waited for it. */
enum wire_start { WIRE_STARTED_COLD, WIRE_STARTED_FORKED, WIRE_STARTED_WAITING, WIRE_STARTS };

/* Facts from the kernel about one finished job. */
struct exit_report {
	uint32_t magic;
	uint32_t slot;
	uint64_t job_id;
	int32_t wait_status;  /* of the Python process, as wait4(2) gave it; -1 when it never started */
	uint32_t killed_by;   /* enum killed_by */
	uint32_t fault_layer; /* 0, or 1 + the index of the jail layer that failed (jail_layer_name) */
	int32_t fault_error;  /* errno of that layer */
	uint32_t oom_killed;  /* 1: the kernel killed a process of the job for memory */
	uint32_t cpu_limited; /* 1: the Python process used up its RLIMIT_CPU */
	uint32_t start;       /* enum wire_start: how its process came about */
	uint64_t cpu_us;      /* user and system time of all processes of the job */
	uint64_t peak_bytes;  /* largest resident set of one process, from rusage */
};

/* 0, or -1 with errno; EAGAIN when the queue is full. fds may be NULL for WIRE_CANCEL. */
int wire_send_start(int fd, const struct start_msg *msg, const int fds[WIRE_FD_COUNT]);
int wire_send_report(int fd, const struct exit_report *report);

/*
 * Receives and validates: 1 with *msg and, for WIRE_START, WIRE_FD_COUNT descriptors which the caller owns;
 * 0 when nothing is there; -1 with *f filled when the peer is gone (f->error == 0) or sent something invalid.
 */
int wire_receive_start(int fd, struct start_msg *msg, int fds[WIRE_FD_COUNT], uint32_t slots,
		       const struct job_limits *most, struct fault *f);

/* The same for the other direction. */
int wire_receive_report(int fd, struct exit_report *report, uint32_t slots, struct fault *f);
