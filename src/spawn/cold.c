/* SPDX-License-Identifier: MIT */
/*
 * The cold body: the jailed process becomes a fresh interpreter, with its own address layout and hash seed.
 * -I: no environment, no user site, no current directory on the path. -B: no bytecode files. -u: what was printed
 * before a kill has left the process.
 */
#include <unistd.h>

#include "body.h"

void cold_exec(const struct jail *j)
{
	char *const argv[] = { (char *)(uintptr_t)j->executable, "-I", "-B", "-u", "/runner/runner.py", NULL };

	execve(j->executable, argv, j->environment);
}
