/* SPDX-License-Identifier: MIT */
/*
 * Layer: cgroup. The child moves itself into the groups that the spawner made for its cell (src/spawn/cgroup.c),
 * before it does anything that costs memory or processes.
 *
 * The descriptors were opened by the spawner, and the kernel checks the opener's rights, not the writer's
 * (cgroups(7)). No descriptor: no group on this machine, and the spawner accounts for memory itself.
 */
#include <unistd.h>

#include "layer.h"

int cgroup_enter(const struct jail *j, const struct jail_job *job)
{
	(void)j;
	for (size_t i = 0; i < job->cgroup_count; i++)
		if (write(job->cgroup_fds[i], "0", 1) != 1)
			return -1;
	return 0;
}
