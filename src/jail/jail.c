/* SPDX-License-Identifier: MIT */
/*
 * The layer table: what a jailed child goes through between clone and Python. A cell is made once per job, by its
 * init ("enter"); a child that a warm template forked goes through the same layers, but joins the namespaces of an
 * init that waits for it, instead of making its own ("join").
 *
 * Runs in the child (pid 1 of its namespace), which trusts only what the spawner computed before the clone.
 * The order matters: cgroup first, so that everything after is counted; mounts while the child still has the
 * capabilities of its new user namespace; descriptors before the limits, which may be lower than their numbers;
 * limits before own_uid and identity, which take the capabilities away; landlock after the last mount; the filter
 * last, since it forbids what the others need.
 *
 * What stands between a job and the machine's files is a ladder, and what works is stacked: namespaces.c and mounts.c
 * (level "strong"), or own_uid.c and landlock.c, at least one of them (level "standard").
 *
 * A layer that is missing on this machine does nothing and says so in jail_layer_status(); a layer that is there and
 * fails ends the job.
 */
#include <errno.h>
#include <stdarg.h>
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
	{ "own_uid", own_uid_enter, own_uid_enter },
	{ "identity", identity_enter, identity_enter },
	{ "landlock", landlock_enter, landlock_enter },
	{ "modes", modes_enter, modes_enter },
	{ "one_process", one_process_enter, one_process_enter },
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

const char *jail_level(const struct jail *j)
{
	return j->namespaces ? "strong" : "standard";
}

/* ---- what the layers are on this machine --------------------------------------------------------------------------- */

static void say(char *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(char *buffer, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(buffer, JAIL_STATUS_BYTES, format, args);
	va_end(args);
}

static void own_uid_status(const struct jail *j, char *buffer)
{
	if (j->namespaces && j->cell_uids)
		say(buffer, "ok (by the user namespace)");
	else if (j->cell_uids)
		say(buffer, j->chroots ? "ok (with chroot)" : "ok (without chroot: %s)", j->no_chroot);
	else if (j->outer_uid == 0)
		say(buffer, "absent: one uid for all, since this root cannot change ids");
	else
		say(buffer, "absent: one uid for all, since the service was not started as root");
}

/* The cgroup layer's status is the spawner's to tell (src/spawn/cgroup.c): it owns the groups. */
void jail_layer_status(const struct jail *j, size_t index, char *buffer)
{
	const struct layer *layer = &layers[index];

	say(buffer, "ok");
	if (layer->enter == landlock_enter && j->landlock_abi == 0)
		say(buffer, "absent: the kernel has none");
	else if (layer->enter == landlock_enter)
		say(buffer, "ok (ABI %d)", j->landlock_abi);
	else if (layer->enter == namespaces_enter && !j->namespaces)
		say(buffer, j->no_effect ? "no effect: %s" : "absent: %s", j->no_namespaces);
	else if (layer->enter == mounts_enter && !j->namespaces)
		say(buffer, "absent: they need a namespace");
	else if (layer->enter == mounts_enter && !j->may_mount_proc)
		say(buffer, "ok (without /proc: none can be mounted that shows the job and nothing else)");
	else if (layer->enter == own_uid_enter)
		own_uid_status(j, buffer);
	else if (layer->enter == modes_enter)
		say(buffer, j->modes_are_shared ? "ok (modes and times of files cannot be changed)" :
						  "not needed: no file that a job can name has its uid but its own");
	else if (layer->enter == one_process_enter && !jail_is_one_process(j))
		say(buffer, "not needed: all processes of a job can be counted and killed");
	else if (layer->enter == one_process_enter)
		say(buffer, "ok (a job cannot start a second process)");
}
