/* SPDX-License-Identifier: MIT */
/*
 * Signals as a fresh process has them, for whoever becomes a job or a template: an inherited SIG_IGN or a blocked signal
 * changes what scripts do, and survives exec. Runs in the child.
 */
#include <signal.h>
#include <stddef.h>

#include "jail.h"

void jail_reset_signals(void)
{
	struct sigaction standard = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		if (number != SIGKILL && number != SIGSTOP)
			sigaction(number, &standard, NULL); /* EINVAL for the two that libc keeps */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}
