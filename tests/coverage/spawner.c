/* SPDX-License-Identifier: MIT */
/*
 * Linked into the coverage build of the program, and into nothing else: hands templates a file for their counters.
 *
 * The program's own counters lie in a file that clang's runtime maps at start (LLVM_PROFILE_FILE, %c), and forks keep the
 * mapping. A template is a Python that execs without our environment, behind a chroot: so the file for its extension
 * module is opened here, while the machine's file system is in sight, and is let through where a template closes what is
 * not its own (jail_close_range, which the linker wraps).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "counters.h"
#include "jail.h"
#include "template.h"

static int counters_fd = -1;

__attribute__((constructor)) static void open_counters(void)
{
	const char *folder = getenv("SAFE_EXEC_COVERAGE");
	char path[4096];
	int fd;

	if (!folder)
		return;
	snprintf(path, sizeof path, "%s/module-%d.profraw", folder, (int)getpid());
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	counters_fd = fcntl(fd, F_DUPFD_CLOEXEC, COUNTERS_FD + 1);
	close(fd);
}

int __real_jail_close_range(int first, int last);
int __wrap_jail_close_range(int first, int last);

int __wrap_jail_close_range(int first, int last)
{
	if (first != TEMPLATE_FDS || counters_fd < 0)
		return __real_jail_close_range(first, last);
	if (dup2(counters_fd, COUNTERS_FD) < 0 || __real_jail_close_range(first, COUNTERS_FD - 1) < 0)
		return -1;
	return __real_jail_close_range(COUNTERS_FD + 1, last);
}
