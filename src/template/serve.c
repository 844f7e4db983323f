/* SPDX-License-Identifier: MIT */
/*
 * The loop of a template: forks a child into each cell that the spawner sends, reaps, reports. See include/template.h.
 *
 * It runs inside a Python process that has imported everything and then runs no more Python, with the shared root of
 * jobs as its own root, no capability but those that put a child into its jail (identity.c: CAP_SYS_ADMIN where there are
 * namespaces), and no descriptor of a request: a child gets those straight from the spawner. Limits, deadlines, kills and
 * reports are the spawner's. When the spawner is gone, so is the template; when the template dies, its children stay where
 * there are namespaces, and the spawner inherits them; elsewhere they end with it (spawn/warm.c).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"
#include "io.h"
#include "own.h"
#include "process.h"
#include "template.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

enum { EXIT_CANNOT_JOIN = 127, PREFAULT_RANGES_MAX = 4096, NAME_BYTES = 16 /* PR_GET_NAME, prctl(2) */ };

static struct {
	struct jail jail;
	int own_pid_namespace_fd;
	int signal_fd;
	struct page_range prefault[PREFAULT_RANGES_MAX];
	size_t prefault_count;
	char name[NAME_BYTES]; /* of Python, which a child has again when it has its job */
} template;

int template_begin(bool *own_mounts)
{
	sigset_t child;

	if (jail_import(&template.jail, TEMPLATE_FD_SETUP) < 0)
		return -1;
	close(TEMPLATE_FD_SETUP);
	if (jail_reserve_descriptors() < 0)
		return -1;
	template.own_pid_namespace_fd = openat(TEMPLATE_FD_PROC, "self/ns/pid", O_RDONLY | O_CLOEXEC);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	if (prctl(PR_GET_NAME, template.name) < 0 || prctl(PR_SET_NAME, "safe-exec-warm") < 0)
		return -1;
	if (template.own_pid_namespace_fd < 0 || sigprocmask(SIG_BLOCK, &child, NULL) < 0)
		return -1;
	*own_mounts = template.jail.namespaces && !template.jail.inits_by_template;
	template.signal_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	return template.signal_fd < 0 ? -1 : 0;
}

uint32_t template_set_prefault(const struct page_range *ranges, size_t count)
{
	const uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	uint32_t pages = 0;

	template.prefault_count = count < PREFAULT_RANGES_MAX ? count : PREFAULT_RANGES_MAX;
	memcpy(template.prefault, ranges, template.prefault_count * sizeof *ranges);
	for (size_t i = 0; i < template.prefault_count; i++)
		pages += (uint32_t)(ranges[i].length / page_bytes);
	return pages;
}

/* The parent must not move meanwhile: a page that it writes to is copied for it, and then the child's own as well. */
int template_fork_trial(const struct template_hooks *hooks, const char *folder)
{
	pid_t pid;

	hooks->before_fork();
	pid = fork();
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	if (pid != 0) {
		hooks->after_fork_parent();
		return pid < 0 ? -1 : 0;
	}
	hooks->after_fork_child();
	if (template.jail.namespaces && !template.jail.inits_by_template &&
	    (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	     mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m") < 0))
		_exit(1);
	if (chdir(folder) < 0)
		_exit(1);
	return 1;
}

static void say_with(struct template_msg *message, int fd)
{
	message->magic = TEMPLATE_MAGIC;
	if (io_send(TEMPLATE_FD_CHANNEL, message, sizeof *message, &fd, fd >= 0) < 0)
		_exit(0); /* the spawner is gone */
}

static void say(struct template_msg *message)
{
	say_with(message, -1);
}

/* ---- a child ---------------------------------------------------------------------------------------------------- */

static void fail(const struct jail_fault *fault)
{
	const struct child_msg message = { .word = CHILD_FAULT, .fault = *fault };

	(void)io_send(JAIL_FD_SYNC, &message, sizeof message, NULL, 0);
	_exit(EXIT_CANNOT_JOIN);
}

/*
 * By now they are counted in the job's group. Met one by one, most of them would first be mapped for reading, with
 * fifteen more around each, and then be copied in a second fault.
 */
static void touch_pages(void)
{
	for (size_t i = 0; i < template.prefault_count; i++)
		if (madvise((void *)(uintptr_t) template.prefault[i].start, template.prefault[i].length,
			    MADV_POPULATE_WRITE) < 0 &&
		    errno == EINVAL)
			return; /* this kernel does not know it */
}

/* Signals as a fresh interpreter has them: nothing is blocked, and SIGCHLD has no handler anyway. */
static void enter_cell(const struct jail_job *job, int handover_fd)
{
	struct jail_fault fault = { 0 };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup3(handover_fd, JAIL_FD_SYNC, O_CLOEXEC) < 0 || prctl(PR_SET_NAME, "safe-exec-wait") < 0)
		_exit(EXIT_CANNOT_JOIN);
	if ((template.jail.namespaces ? jail_join : jail_enter)(&template.jail, job, &fault) < 0)
		fail(&fault);
	if (jail_limit_descriptors(&template.jail, job) < 0)
		fail(&(struct jail_fault){ .error = errno });
	touch_pages();
}

int template_wait(void)
{
	const int targets[WIRE_FD_COUNT] = { [WIRE_FD_INPUT] = JAIL_FD_INPUT,
					     [WIRE_FD_STDOUT] = JAIL_FD_STDOUT,
					     [WIRE_FD_STDERR] = JAIL_FD_STDERR,
					     [WIRE_FD_RESULT] = JAIL_FD_RESULT };
	struct child_msg message = { .word = CHILD_WAITS };
	int fds[IO_MAX_FDS];
	size_t count;
	char go;

	if (io_send(JAIL_FD_SYNC, &message, sizeof message, NULL, 0) < 0)
		return -1;
	if (io_receive(JAIL_FD_SYNC, &go, sizeof go, fds, &count) != sizeof go || count != WIRE_FD_COUNT) {
		errno = EPROTO; /* or the spawner gave this child up */
		return -1;
	}
	for (int i = 0; i < WIRE_FD_COUNT; i++)
		if (dup2(fds[i], targets[i]) < 0 || close(fds[i]) < 0)
			return -1;
	if (prctl(PR_SET_NAME, template.name) < 0)
		return -1;
	message.word = CHILD_TOOK;
	if (io_send(JAIL_FD_SYNC, &message, sizeof message, NULL, 0) < 0)
		return -1;
	return close(JAIL_FD_SYNC);
}

/* ---- the template ------------------------------------------------------------------------------------------------ */

static void reap(void)
{
	struct signalfd_siginfo info;
	struct rusage usage;
	int status;
	pid_t pid;

	while (read(template.signal_fd, &info, sizeof info) > 0)
		;
	while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
		struct template_msg message = {
			.word = TEMPLATE_ENDED,
			.pid = pid,
			.wait_status = status,
			.cpu_us = job_cpu_us(&usage),
			.peak_bytes = (uint64_t)usage.ru_maxrss * 1024,
		};

		say(&message);
	}
}

static struct jail_job job_of(const struct fork_msg *message, const int *fds, size_t count)
{
	struct jail_job job = { .cell = message->cell,
				.limits = message->limits,
				.role = template.jail.inits_by_template ? JAIL_WARM_INIT : JAIL_CHILD,
				.handover_fd = fds[FORK_FD_HANDOVER],
				.folders = message->folders,
				.fds = { -1, -1, -1, -1 },
				.net_fd = message->has_net && !template.jail.inits_by_template ? fds[FORK_FD_NET] : -1,
				.parent = getpid(),
				.cgroup_count = count - FORK_FD_COUNT };

	memcpy(job.namespace_fds, fds, sizeof job.namespace_fds);
	memcpy(job.cgroup_fds, fds + FORK_FD_COUNT, job.cgroup_count * sizeof *fds);
	return job;
}

/*
 * Puts the next child into the cell's process namespace; the template itself stays where it is. The way back is open to
 * root only (the machine's namespace belongs to the machine's user namespace), and not needed: it is for the next child
 * again, and that one is put somewhere else first.
 */
static pid_t fork_into(const struct template_hooks *hooks, int pid_namespace_fd)
{
	pid_t pid;
	int error;

	if (template.jail.namespaces && setns(pid_namespace_fd, CLONE_NEWPID) < 0)
		return -1;
	hooks->before_fork();
	pid = fork();
	if (pid == 0)
		return 0;
	error = errno;
	hooks->after_fork_parent();
	if (template.jail.namespaces)
		(void)setns(template.own_pid_namespace_fd, CLONE_NEWPID);
	errno = error;
	return pid;
}

/*
 * Clones the init of a cell, which enters its own namespaces and forks the child. 0 in that one, in its cell. The raw call
 * is enough for the init, which runs no Python; the child comes from it by a fork that the C library knows of.
 */
static pid_t clone_init(const struct template_hooks *hooks, const struct jail_job *job, int sync_fd)
{
	pid_t pid;
	int error;

	hooks->before_fork();
	pid = jail_clone(&template.jail, job);
	if (pid == 0) {
		init_run(&template.jail, job, sync_fd);
		if (dup3(JAIL_FD_NS, JAIL_FD_SYNC, O_CLOEXEC) < 0 || close(JAIL_FD_NS) < 0 ||
		    prctl(PR_SET_NAME, "safe-exec-wait") < 0)
			_exit(EXIT_CANNOT_JOIN);
		touch_pages();
		return 0;
	}
	error = errno;
	hooks->after_fork_parent();
	errno = error;
	return pid;
}

/* Without namespaces, by which the spawner kills exactly this process: here it has not been waited for. */
static bool needs_pidfd(pid_t pid)
{
	return pid > 0 && !template.jail.namespaces;
}

/* True in the child. */
static bool take_fork(const struct template_hooks *hooks)
{
	struct template_msg answer = { .word = TEMPLATE_FORKED };
	struct fork_msg message;
	struct jail_job job;
	int fds[IO_MAX_FDS];
	size_t count;
	ssize_t got = io_receive(TEMPLATE_FD_CHANNEL, &message, sizeof message, fds, &count);

	if (got <= 0)
		_exit(0);
	if (got != sizeof message || message.magic != TEMPLATE_MAGIC || count < FORK_FD_COUNT ||
	    count > FORK_FD_COUNT + JAIL_CGROUP_FDS_MAX)
		_exit(1);
	answer.cell = message.cell;
	job = job_of(&message, fds, count);
	if (template.jail.inits_by_template) {
		answer.pid = clone_init(hooks, &job, fds[FORK_FD_SYNC]);
	} else {
		answer.pid = fork_into(hooks, fds[JAIL_NS_PID]);
		if (answer.pid == 0)
			enter_cell(&job, fds[FORK_FD_HANDOVER]);
	}
	if (answer.pid == 0) {
		hooks->after_fork_child();
		return true;
	}
	if (answer.pid < 0) {
		answer.word = TEMPLATE_FAILED;
		answer.error = errno;
	}
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
	OWNED_FD pidfd = needs_pidfd(answer.pid) ? (int)syscall(SYS_pidfd_open, answer.pid, 0) : -1;
	say_with(&answer, pidfd);
	return false;
}

int template_serve(const struct template_hooks *hooks, const struct template_state *state)
{
	struct template_msg ready = { .word = TEMPLATE_READY,
				      .error = state->image_error,
				      .image_bytes = state->image_bytes,
				      .prefault_pages = state->prefault_pages };

	say(&ready);
	for (;;) {
		struct pollfd wanted[2] = { { .fd = TEMPLATE_FD_CHANNEL, .events = POLLIN },
					    { .fd = template.signal_fd, .events = POLLIN } };

		if (poll(wanted, 2, -1) < 0 && errno != EINTR)
			_exit(1);
		if (wanted[0].revents && take_fork(hooks))
			return 0;
		if (wanted[1].revents)
			reap();
	}
}
