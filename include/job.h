/* SPDX-License-Identifier: MIT */
/* What one request asks for: a script and the limits under which it runs. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

/* The last name of a job's own directories where each has a uid: /tmp/60601/job. See src/jail/folders.c. */
#define JOB_FOLDER "job"

enum { JOB_NONCE_BYTES = 32, JOB_SLOTS_MAX = 256 /* that run at once */ };

/* Fixed layout: it travels inside struct start_msg. */
struct job_limits {
	uint32_t wall_ms;
	uint32_t cpu_seconds;
	uint64_t memory_bytes; /* of the whole job: processes, shared memory, /tmp and /dev/shm */
	uint64_t file_bytes;   /* one file */
	uint64_t tmp_bytes;    /* all of /tmp, and again all of /dev/shm */
	uint32_t descriptors;  /* per process */
	uint32_t processes;    /* processes and threads */
};

struct job {
	char *script; /* owned; UTF-8 without NUL, not terminated */
	size_t script_bytes;
	struct job_limits limits;
};

/*
 * What the runner reads from its descriptor 4 before the script itself: little-endian, 64 bytes.
 * runner/runner.py unpacks the same with struct.unpack("<8s32sQQQ").
 */
struct job_header {
	char magic[8]; /* JOB_MAGIC */
	uint8_t nonce[JOB_NONCE_BYTES];
	uint64_t max_result_bytes;
	uint64_t script_bytes;
	uint64_t flags; /* JOB_LINGER */
};

/* After the end of file on the result the process stays a moment, to be killed by who has the answer. */
enum { JOB_LINGER = 1 };

/* User and system time together, in microseconds. */
static inline uint64_t job_cpu_us(const struct rusage *usage)
{
	return (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
}

#define JOB_MAGIC "SEXJOB1\n"
_Static_assert(sizeof(struct job_header) == 64, "the runner reads 64 bytes");
