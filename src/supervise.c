/* SPDX-License-Identifier: MIT */
/* The smallest process 1: see include/supervise.h. It opens nothing, reads nothing, and knows nothing of the service. */
#define _GNU_SOURCE
#include "supervise.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STATUS_OF_SIGNAL = 128 /* plus its number, as shells count */ };

static volatile sig_atomic_t child;

static void hand_on(int number)
{
	int error = errno;

	if (child > 0)
		kill((pid_t)child, number);
	errno = error;
}

static void end_as(int status)
{
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : STATUS_OF_SIGNAL + WTERMSIG(status));
}

/* Whatever ends is waited for, until the child is among it. */
void supervise_child(pid_t pid)
{
	static const int handed_on[] = { SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2 };
	struct sigaction action = { .sa_handler = hand_on, .sa_flags = SA_RESTART };
	sigset_t none;

	child = pid;
	for (size_t i = 0; i < sizeof handed_on / sizeof handed_on[0]; i++)
		sigaction(handed_on[i], &action, NULL);
	prctl(PR_SET_NAME, "safe-exec-first");
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (;;) {
		int status;
		pid_t ended = waitpid(-1, &status, 0);

		if (ended == pid)
			end_as(status);
		if (ended < 0 && errno != EINTR)
			_exit(EXIT_FAILURE);
	}
}

void supervise_as_first_process(void)
{
	sigset_t all, before;
	pid_t pid;

	if (getpid() != 1)
		return;
	/* None of them may fall between fork and the word who the child is. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		return;
	}
	if (pid < 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		return; /* then as process 1 after all */
	}
	supervise_child(pid);
}
