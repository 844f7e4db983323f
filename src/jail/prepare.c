/* SPDX-License-Identifier: MIT */
/*
 * Computes what the layers need, once, before the first clone: see include/jail.h. Runs in the spawner.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "layer.h"
#include "tree.h"

#ifdef SAFE_EXEC_TEST_DROP
/* A test build leaves layers out by name, so that the suite can prove that each test needs its layer. */
static int read_dropped(struct jail *j, struct fault *f)
{
	static const char *const names[DROP_COUNT] = {
		[DROP_CGROUP] = "cgroup",     [DROP_PID_NS] = "pid",
		[DROP_NET_NS] = "net",        [DROP_IPC_NS] = "ipc",
		[DROP_UTS_NS] = "uts",        [DROP_MOUNTS] = "mounts",
		[DROP_READONLY] = "readonly", [DROP_PROC] = "proc",
		[DROP_LIMITS] = "limits",     [DROP_IDENTITY] = "identity",
		[DROP_LANDLOCK] = "landlock", [DROP_DESCRIPTORS] = "descriptors",
		[DROP_FILTER] = "filter",     [DROP_WALL] = "wall",
		[DROP_MEMORY] = "memory",     [DROP_CPU] = "cpu",
		[DROP_OWN_UID] = "own_uid",   [DROP_CHROOT] = "chroot",
		[DROP_MODES] = "modes",       [DROP_ONE_PROCESS] = "one_process",
		[DROP_JOIN] = "join",
	};
	const char *list = getenv("SAFE_EXEC_TEST_DROP");
	char copy[256], *save = NULL;

	snprintf(copy, sizeof copy, "%s", list ? list : "");
	for (char *word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		size_t i = 0;

		while (i < DROP_COUNT && strcmp(names[i], word) != 0)
			i++;
		if (i == DROP_COUNT)
			return fault_set(f, 0, "SAFE_EXEC_TEST_DROP: no layer \"%s\"", word);
		j->dropped |= 1U << i;
	}
	return 0;
}
#endif

/* The policy's variables, where the loader finds libpython if that is no default directory, and what puts /dev/shm right. */
static int build_environment(struct jail *j, const struct policy *p, const struct runtime *r, struct fault *f)
{
	size_t count = p->environment_count;

	j->environment = calloc(count + 3, sizeof *j->environment);
	if (!j->environment)
		return fault_set(f, ENOMEM, "calloc");
	memcpy(j->environment, p->environment, count * sizeof *j->environment);
	if (r->libpython_dir && strncmp(r->libpython_dir, "/usr/lib/", 9) != 0 &&
	    asprintf(&j->environment[count++], "LD_LIBRARY_PATH=%s", r->libpython_dir) < 0)
		return fault_set(f, ENOMEM, "asprintf");
	if (j->own_shm && asprintf(&j->environment[count], "LD_PRELOAD=%s/" TREE_SHM_LIBRARY, j->runner) < 0)
		return fault_set(f, ENOMEM, "asprintf");
	return 0;
}

int jail_prepare(struct jail *j, const struct jail_wish *wish, const struct policy *p, const struct runtime *r,
		 struct fault *f)
{
	memset(j, 0, sizeof *j);
	j->namespaces = wish->namespaces;
	j->own_net_fd = j->places.work_fd = j->places.shm_fd = -1;
#ifdef SAFE_EXEC_TEST_DROP
	if (read_dropped(j, f) < 0)
		return -1;
#endif
	j->filter = p->job;
	j->executable = r->executable;
	j->landlock_abi = landlock_version();
	j->no_effect = wish->no_effect;
	if (wish->no_namespaces)
		snprintf(j->no_namespaces, sizeof j->no_namespaces, "%s", wish->no_namespaces);
	if ((j->namespaces ? root_build(j, wish->cells, p, r, f) : plain_build(j, wish->cells, p, r, f)) < 0)
		return -1;
	if (build_environment(j, p, r, f) < 0)
		return -1;
	if (j->namespaces) {
		j->own_net_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		if (j->own_net_fd < 0)
			return fault_set(f, errno, "open the network namespace");
	}
	/* Nothing that this process starts may gain privileges by exec; and nobody reads its memory. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
		return fault_set(f, errno, "prctl");
	return 0;
}

void jail_abandon(const struct jail *j)
{
	if (!j->namespaces)
		plain_remove(j);
}

/* Root keeps its root directory in an empty one; where it is not root, Landlock alone can say so. */
int jail_enclose_web(const struct jail *j)
{
	if (j->empty[0] && (chroot(j->empty) < 0 || chdir("/") < 0))
		return -1;
	if (!j->namespaces && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) /* landlock(7) asks for it */
		return -1;
	return j->namespaces ? 0 : landlock_nothing(j->landlock_abi);
}
