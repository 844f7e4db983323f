/* SPDX-License-Identifier: MIT */
/*
 * Layer: descriptors. The job has standard input (empty), output, error, the result pipe, the input pipe, and for
 * init alone the pair to the spawner. Nothing else: a listening socket or a directory that slipped through would
 * undo every other layer.
 *
 * Before the filter: were close_range refused there and its failure overlooked, descriptors would stay open. Before
 * the limits: RLIMIT_NOFILE may be smaller than the numbers that the spawner uses.
 *
 * jail_reserve_descriptors() keeps the low numbers occupied in the spawner, so that no source is overwritten here.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "layer.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

enum { MOST_DESCRIPTORS = 1 << 16 };

int jail_reserve_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd < JAIL_FD_COUNT);
	if (fd < 0)
		return -1;
	return close(fd);
}

int jail_close_range(int first, int last)
{
	if (first > last || syscall(SYS_close_range, first, last, 0) == 0)
		return 0;
	if (errno != ENOSYS && errno != EINVAL) /* before Linux 5.9; gVisor before 2025 */
		return -1;
	for (int fd = first; fd <= last && fd < MOST_DESCRIPTORS; fd++)
		close(fd);
	return 0;
}

int descriptors_enter(const struct jail *j, const struct jail_job *job)
{
	/* Opened here and not copied from the spawner: jobs that share an open file can leave flags on it (open(2)). */
	const int sources[] = {
		[JAIL_FD_STDIN] = open("/dev/null", O_RDONLY | O_CLOEXEC),
		[JAIL_FD_STDOUT] = job->fds[WIRE_FD_STDOUT],
		[JAIL_FD_STDERR] = job->fds[WIRE_FD_STDERR],
		[JAIL_FD_RESULT] = job->fds[WIRE_FD_RESULT],
		[JAIL_FD_INPUT] = job->fds[WIRE_FD_INPUT],
	};

	for (int fd = 0; fd < JAIL_FD_SYNC; fd++)
		if (dup2(job->role == JAIL_COLD_INIT ? sources[fd] : sources[JAIL_FD_STDIN], fd) < 0)
			return -1;
	if (job->role == JAIL_WARM_INIT && dup2(job->handover_fd, JAIL_FD_NS) < 0)
		return -1;
	if (DROPPED(j, DROP_DESCRIPTORS)) /* leave one that survives exec */
		return fcntl(JAIL_FD_STDIN, F_DUPFD, JAIL_FD_COUNT) < 0 ? -1 :
									  jail_close_range(MOST_DESCRIPTORS, INT_MAX);
	/* A holder still has to send its namespaces on, which lie from JAIL_FD_NS on; a warm init keeps what its child needs. */
	return jail_close_range(job->role == JAIL_HOLDER    ? JAIL_FD_COUNT :
				job->role == JAIL_WARM_INIT ? JAIL_FD_NS + 1 :
							      JAIL_FD_NS,
				INT_MAX);
}
