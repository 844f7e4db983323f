/* SPDX-License-Identifier: MIT */
/*
 * Process 1 of a cell. Runs in the cloned child: enters the jail, forks the process that becomes Python, adopts and
 * reaps what that leaves behind, reports how it ended, and ends; with it the kernel kills all that is left. In a warm
 * cell the Python process comes from a template instead, which reaps and reports it; or, where no process can enter the
 * namespaces of another, this one is cloned by the template.
 *
 * Why it exists: signals without a handler do not reach process 1 (pid_namespaces(7)), so a script that were
 * process 1 itself could not die by its own SIGKILL or SIGABRT, and its orphans would stay zombies.
 *
 * It trusts nothing of the script and reads nothing from it. It is not dumpable, has the script's filter (or, in a warm
 * cell, one that lets it wait and nothing else) and no capability, and its report pair is closed in the script's process. No allocation, no stdio: it is a fork of the
 * spawner and never execs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"
#include "io.h"

enum { EXIT_CANNOT_EXEC = 127 };

static void say(const struct init_message *message)
{
	(void)io_send(JAIL_FD_SYNC, message, sizeof *message, NULL, 0); /* a failure: nobody is left to tell */
}

static void fail(uint32_t layer, int error)
{
	struct init_message message = { .word = INIT_FAULT, .fault = { .layer = layer, .error = error } };

	say(&message);
	_exit(EXIT_CANNOT_EXEC);
}

/* Hands the spawner the two writable mounts, so that it can ask how full they are without opening a path in here. */
static void say_started(bool holds)
{
	struct init_message message = { .word = INIT_STARTED };
	int fds[INIT_FD_WAITING_COUNT] = {
		[INIT_FD_TMP] = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC),
		[INIT_FD_SHM] = open("/dev/shm", O_PATH | O_DIRECTORY | O_CLOEXEC),
	};
	size_t count = holds ? INIT_FD_WAITING_COUNT : INIT_FD_COUNT;

	for (int i = 0; i < JAIL_NS_COUNT; i++)
		fds[INIT_FD_COUNT + i] = JAIL_FD_NS + i;
	if (fds[INIT_FD_TMP] < 0 || fds[INIT_FD_SHM] < 0 ||
	    io_send(JAIL_FD_SYNC, &message, sizeof message, fds, count) < 0)
		fail(0, errno);
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
}

/*
 * Orphans of the script come here; ignoring SIGCHLD reaps them (wait(2), "NOTES"). The spawner's SIGKILL ends it; so does
 * the end of the spawner, by the death signal and, in the gap in which that is not set yet, by the hang-up of the pair.
 */
static void hold_the_cell(const struct jail *j)
{
	struct sigaction ignored = { .sa_handler = SIG_IGN };
	struct pollfd pair = { .fd = JAIL_FD_SYNC };

	sigaction(SIGCHLD, &ignored, NULL);
	for (int fd = 0; fd < JAIL_FD_SYNC; fd++)
		close(fd);
	if (jail_install_waiting_filter(j) < 0)
		fail(0, errno);
	while (!(pair.revents & POLLHUP))
		(void)ppoll(&pair, 1, NULL, NULL);
	_exit(0);
}

/* Reaps whatever ends, until the Python process has ended. */
static void reap_until(pid_t main_pid, struct init_message *report)
{
	for (;;) {
		struct rusage usage;
		int status;
		uint64_t peak;
		pid_t pid = wait4(-1, &status, 0, &usage);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			fail(0, errno);
		peak = (uint64_t)usage.ru_maxrss * 1024;
		if (peak > report->peak_bytes)
			report->peak_bytes = peak;
		if (pid != main_pid)
			continue;
		report->wait_status = status;
		report->main_cpu_us = job_cpu_us(&usage);
		return;
	}
}

static void unblock_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void init_run(const struct jail *j, const struct jail_job *job, int sync_fd)
{
	struct init_message report = { .word = INIT_ENDED };
	struct jail_fault fault;
	pid_t pid;

	if (job->role == JAIL_WARM_INIT)
		unblock_signals(); /* and what Python has set stays, for its own sake */
	else
		jail_reset_signals();
	prctl(PR_SET_NAME, "safe-exec-init");
	if (dup3(sync_fd, JAIL_FD_SYNC, O_CLOEXEC) < 0)
		_exit(EXIT_CANNOT_EXEC);
	if (jail_enter(j, job, &fault) < 0)
		fail(fault.layer, fault.error);
	say_started(job->role == JAIL_HOLDER);
	if (job->role == JAIL_HOLDER)
		hold_the_cell(j);
	if (jail_limit_descriptors(j, job) < 0)
		fail(0, errno);
	pid = _Fork(); /* fork(3) would call what libraries registered, and they are not here (slim.c) */
	if (pid == 0) {
		if (close(JAIL_FD_SYNC) < 0)
			_exit(EXIT_CANNOT_EXEC);
		return;
	}
	if (pid < 0)
		fail(0, errno);
	/* Only the script holds the pipes now: their end of file means that it is gone. So it is with a pair for them. */
	for (int fd = 0; fd < JAIL_FD_SYNC; fd++)
		close(fd);
	if (job->role == JAIL_WARM_INIT) {
		close(JAIL_FD_NS);
		jail_reset_signals();
	}
	reap_until(pid, &report);
	say(&report);
	_exit(0);
}
