/* SPDX-License-Identifier: MIT */
/*
 * Layer: limits. rlimits of every process of the job, soft = hard, and read back.
 *
 * Stops: endless CPU use by one process (SIGKILL at the limit, which no handler can catch), huge files, too many
 * descriptors, processes or threads, core files, locked memory, real-time priority.
 * Does not stop: memory and CPU of several processes together. RLIMIT_AS counts address space per process; it is
 * here so that one absurd allocation becomes a MemoryError at once. The whole job is measured by the cgroup or by
 * the spawner's accounting (src/spawn).
 * Where it differs: gVisor refuses NICE, RTPRIO, SIGPENDING and MSGQUEUE with EPERM; those are best effort.
 *
 * Before identity: RLIMIT_NPROC does not bind a process that still has capabilities (setrlimit(2)).
 */
#include <errno.h>
#include <sys/resource.h>

#include "layer.h"

enum { SPARE_PROCESSES = 1 /* init */, SIGNALS_PENDING = 1024 };

/* core(5): 0 does not bind a core_pattern that is a pipe to a program; 1 is the kernel's word for no dump at all. */
enum { NO_CORE = 1 };

/*
 * Address space beyond the memory limit: thread stacks are reserved and hardly used, and the interpreter with its
 * libraries maps far more than it touches.
 */
static rlim_t address_space(const struct job_limits *l)
{
	return l->memory_bytes + ((rlim_t)512 << 20) + (rlim_t)l->processes * JAIL_STACK_BYTES;
}

static int set(__rlimit_resource_t resource, rlim_t value)
{
	struct rlimit now, back;

	if (getrlimit(resource, &now) < 0)
		return -1;
	if (now.rlim_max != RLIM_INFINITY && now.rlim_max < value)
		value = now.rlim_max; /* lower already: stricter is fine, and raising is not ours to do */
	if (setrlimit(resource, &(struct rlimit){ value, value }) < 0 || getrlimit(resource, &back) < 0)
		return -1;
	if (back.rlim_cur != value || back.rlim_max != value) {
		errno = ERANGE;
		return -1;
	}
	return 0;
}

int limits_enter(const struct jail *j, const struct jail_job *job)
{
	const struct job_limits *l = &job->limits;
	/* It counts the processes of a uid, whoever's they are, and on the whole machine (setrlimit(2)). */
	const bool own_count = !jail_is_one_process(j);
	/* clang-format off */
	const struct {
		__rlimit_resource_t resource;
		rlim_t value;
		bool required;
	} limits[] = {
		{ RLIMIT_AS, address_space(l), true },
		{ RLIMIT_CPU, l->cpu_seconds, true },
		{ RLIMIT_FSIZE, l->file_bytes, true },
		{ RLIMIT_NPROC, own_count ? l->processes + (j->namespaces ? SPARE_PROCESSES : 0) : RLIM_INFINITY, own_count },
		{ RLIMIT_STACK, JAIL_STACK_BYTES, true },
		{ RLIMIT_CORE, NO_CORE, true },
		{ RLIMIT_MEMLOCK, 0, false },
		{ RLIMIT_MSGQUEUE, 0, false },
		{ RLIMIT_NICE, 0, false },
		{ RLIMIT_RTPRIO, 0, false },
		{ RLIMIT_SIGPENDING, SIGNALS_PENDING, false },
	};
	/* clang-format on */

	if (DROPPED(j, DROP_LIMITS))
		return 0;
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
		if (set(limits[i].resource, limits[i].value) < 0 && (limits[i].required || errno != EPERM))
			return -1;
	return 0;
}

int jail_limit_descriptors(const struct jail *j, const struct jail_job *job)
{
	return DROPPED(j, DROP_LIMITS) ? 0 : set(RLIMIT_NOFILE, job->limits.descriptors);
}
