/* SPDX-License-Identifier: MIT */
/*
 * The layer table: what a jailed child goes through between clone and Python. A cell is made once per job, by its
 * init ("enter"); a child that a warm template forked goes through the same layers, but joins the namespaces of an
 * init that waits for it, instead of making its own ("join").
 *
 * Runs in the child (pid 1 of its namespace), which trusts only what the spawner computed before the clone.
 * The order matters: cgroup first, so that everything after is counted; mounts while the child still has the
 * capabilities of its new user namespace; descriptors before the limits, which may be lower than their numbers;
 * limits before identity, which takes the capabilities away; landlock after the last mount; the filter last, since
 * it forbids what the others need.
 *
 * A layer that is missing on this machine (landlock, cgroup) does nothing and says so in jail_layer_status();
 * a layer that is there and fails ends the job.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "layer.h"

struct layer {
	const char *name;
	int (*enter)(const struct jail *j, const struct jail_job *job);
	int (*join)(const struct jail *j, const struct jail_job *job);
};

/* clang-format off */
static const struct layer layers[] = {
	{ "cgroup", cgroup_enter, cgroup_enter },
	{ "namespaces", namespaces_enter, namespaces_join },
	{ "mounts", mounts_enter, mounts_join },
	{ "descriptors", descriptors_enter, descriptors_enter },
	{ "limits", limits_enter, limits_enter },
	{ "identity", identity_enter, identity_enter },
	{ "landlock", landlock_enter, landlock_enter },
	{ "filter", filter_enter, filter_enter },
};
/* clang-format on */

enum { LAYERS = sizeof layers / sizeof layers[0] };

static int failed(size_t layer, struct jail_fault *fault)
{
	*fault = (struct jail_fault){ .layer = (uint32_t)layer + 1, .error = errno };
	return -1;
}

int jail_enter(const struct jail *j, const struct jail_job *job, struct jail_fault *fault)
{
	for (size_t i = 0; i < LAYERS; i++)
		if (layers[i].enter(j, job) < 0)
			return failed(i, fault);
	return 0;
}

int jail_join(const struct jail *j, const struct jail_job *job, struct jail_fault *fault)
{
	for (size_t i = 0; i < LAYERS; i++)
		if (layers[i].join(j, job) < 0)
			return failed(i, fault);
	return 0;
}

const char *jail_layer_name(size_t index)
{
	return index < LAYERS ? layers[index].name : NULL;
}

/* The cgroup layer's status is the spawner's to tell (src/spawn/cgroup.c): it owns the groups. */
void jail_layer_status(const struct jail *j, size_t index, char *buffer)
{
	if (layers[index].enter == landlock_enter && j->landlock_abi == 0)
		snprintf(buffer, JAIL_STATUS_BYTES, "absent: the kernel has none");
	else if (layers[index].enter == landlock_enter)
		snprintf(buffer, JAIL_STATUS_BYTES, "ok (ABI %d)", j->landlock_abi);
	else if (layers[index].enter == mounts_enter && !j->may_mount_proc)
		snprintf(buffer, JAIL_STATUS_BYTES, "ok (without /proc: a masked /proc forbids it)");
	else if (layers[index].enter == identity_enter && j->outer_uid == 0 && !j->cell_uids)
		snprintf(buffer, JAIL_STATUS_BYTES, "ok (one uid for all: this root cannot change ids)");
	else
		snprintf(buffer, JAIL_STATUS_BYTES, "ok");
}
