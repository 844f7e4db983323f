/* SPDX-License-Identifier: MIT */
/*
 * Where a process becomes Python: the cold body of a job, a fresh interpreter with its own address layout and hash
 * seed, and a template, from which jobs are forked.
 * -I: no environment, no user site, no current directory on the path. -B: no bytecode files. -u: what was printed
 * before a kill has left the process.
 */
#include <limits.h>
#include <unistd.h>

#include "body.h"
#include "template.h"

void cold_exec(const struct jail *j)
{
	char *const argv[] = { (char *)(uintptr_t)j->executable, "-I", "-B", "-u", "/runner/runner.py", NULL };

	execve(j->executable, argv, j->environment);
}

void template_exec(const struct jail *j, const char *imports)
{
	char *const argv[] = { (char *)(uintptr_t)j->executable, "-I", "-B", "-u", "/runner/runner.py", "--template",
			       (char *)(uintptr_t)imports,       NULL };

	if (jail_close_range(TEMPLATE_FDS, INT_MAX) == 0 && jail_confine_template(j) == 0)
		execve(j->executable, argv, j->environment);
}
