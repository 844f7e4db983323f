/* SPDX-License-Identifier: MIT */
/*
 * Where a process becomes Python: the cold body of a job, a fresh interpreter with its own address layout and hash
 * seed, and a template, from which jobs are forked.
 * -I: no environment, no user site, no current directory on the path. -B: no bytecode files. -u: what was printed
 * before a kill has left the process.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "body.h"
#include "io.h"
#include "own.h"
#include "template.h"

static char *runner_path(const struct jail *j, char *path)
{
	static const char name[] = "/runner.py";
	const size_t length = strlen(j->runner);

	memcpy(path, j->runner, length);
	memcpy(path + length, name, sizeof name);
	return path;
}

void cold_exec(const struct jail *j)
{
	char runner[JAIL_PATH_BYTES + sizeof "/runner.py"];
	char *const argv[] = { (char *)(uintptr_t)j->executable, "-I", "-B", "-u", runner_path(j, runner), NULL };

	execve(j->executable, argv, j->environment);
}

void template_exec(const struct jail *j, const char *imports)
{
	char runner[JAIL_PATH_BYTES + sizeof "/runner.py"];
	char *const argv[] = { (char *)(uintptr_t)j->executable, "-I", "-B", "-u", runner_path(j, runner), "--template",
			       (char *)(uintptr_t)imports,       NULL };

	if (jail_close_range(TEMPLATE_FDS, INT_MAX) == 0 && jail_confine_template(j) == 0)
		execve(j->executable, argv, j->environment);
}

/* ---- without an init --------------------------------------------------------------------------------------------------- */

enum { EXIT_CANNOT_ENTER = 127 };

static void fail(uint32_t layer, int error)
{
	const struct init_message message = { .word = INIT_FAULT, .fault = { .layer = layer, .error = error } };

	(void)io_send(JAIL_FD_SYNC, &message, sizeof message, NULL, 0);
	_exit(EXIT_CANNOT_ENTER);
}

static void enter(const struct jail *j, const struct jail_job *job, int sync_fd)
{
	struct jail_fault fault;

	jail_reset_signals();
	if (dup3(sync_fd, JAIL_FD_SYNC, O_CLOEXEC) < 0)
		_exit(EXIT_CANNOT_ENTER);
	if (jail_enter(j, job, &fault) < 0)
		fail(fault.layer, fault.error);
}

/* In the child *sync_fd is its own end. */
static pid_t fork_with_pair(const struct jail *j, const struct jail_job *job, int *sync_fd)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -1;
	pid = jail_clone(j, job);
	if (pid == 0)
		close(pair[0]);
	*sync_fd = pid == 0 ? pair[1] : pair[0];
	if (pid != 0)
		close(pair[1]);
	if (pid < 0)
		fd_close(sync_fd);
	return pid;
}

pid_t cold_fork(const struct jail *j, const struct jail_job *job, int *sync_fd)
{
	struct jail_job own = *job;
	pid_t pid;

	own.parent = getpid();
	pid = fork_with_pair(j, &own, sync_fd);
	if (pid != 0)
		return pid;
	enter(j, &own, *sync_fd);
	if (jail_limit_descriptors(j, &own) < 0)
		fail(0, errno);
	cold_exec(j);
	fail(0, errno);
	return 0;
}

pid_t body_fork(const struct jail *j, const struct jail_job *job, void (*body)(const struct jail_job *), int *sync_fd)
{
	struct jail_job own = *job;
	pid_t pid;

	own.parent = getpid();
	pid = fork_with_pair(j, job, sync_fd);
	if (pid != 0)
		return pid;
	own.role = JAIL_HELPER;
	own.cgroup_count = 0;
	enter(j, &own, *sync_fd);
	body(&own);
	_exit(EXIT_CANNOT_ENTER);
}
