/* SPDX-License-Identifier: MIT */
/*
 * The small files of the tree that jobs have as their root, below JAIL_TREE: what is written and not shown of the
 * machine. Used for the root that namespaces get (root.c) and for the one in the image that chroot(2) goes to (plain.c).
 *
 * All of it is done by the spawner before the first job, in directories that no job can write to.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assets.h"
#include "io.h"
#include "job.h"
#include "layer.h"
#include "own.h"
#include "tree.h"

enum { PATH_BYTES = 4096, COPY_BYTES = 1 << 20, ENTRY_BYTES = 128 };

int tree_make_parents(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		int status;

		*slash = '\0';
		status = mkdir(path, 0755);
		*slash = '/';
		if (status < 0 && errno != EEXIST)
			return -1;
	}
	return 0;
}

int tree_write_file(const char *path, const char *bytes, size_t length, struct fault *f)
{
	char copy[PATH_BYTES];

	snprintf(copy, sizeof copy, "%s", path);
	if (tree_make_parents(copy) < 0)
		return fault_set(f, errno, "create the directory of %s", path);
	if (unlink(path) < 0 && errno != ENOENT) /* of an earlier start in the same container */
		return fault_set(f, errno, "replace %s", path);
	OWNED_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	if (fd < 0 || io_write_all(fd, bytes, length) < 0)
		return fault_set(f, errno, "create %s", path);
	return 0;
}

int tree_make_link(const char *path, const char *target, struct fault *f)
{
	char inside[PATH_BYTES];

	snprintf(inside, sizeof inside, JAIL_TREE "%s", path);
	if (tree_make_parents(inside) < 0 || (symlink(target, inside) < 0 && errno != EEXIST))
		return fault_set(f, errno, "create the link %s", path);
	return 0;
}

int tree_copy_file(const char *machine, const char *path, struct fault *f)
{
	OWNED(char) bytes = malloc(COPY_BYTES);
	char source[PATH_BYTES], target[PATH_BYTES];
	ssize_t length;

	snprintf(source, sizeof source, "%s%s", machine, path);
	snprintf(target, sizeof target, JAIL_TREE "%s", path);
	length = bytes ? io_read_file(AT_FDCWD, source, bytes, COPY_BYTES) : -1;
	if (length < 0)
		return errno == ENOENT ? 0 : fault_set(f, errno, "copy %s", path);
	return tree_write_file(target, bytes, (size_t)length, f);
}

int tree_copy_library_alternatives(const char *machine, struct fault *f)
{
	static const char *const names[] = { "libblas.so.3", "liblapack.so.3", "libcblas.so.3", "libatlas.so.3",
					     "libopenblas.so.0" };
	static const char *const triplets[] = { "x86_64-linux-gnu", "aarch64-linux-gnu" };

	for (size_t n = 0; n < sizeof names / sizeof names[0]; n++)
		for (size_t t = 0; t < sizeof triplets / sizeof triplets[0]; t++) {
			char path[128], source[160], target[PATH_BYTES];
			ssize_t length;

			snprintf(path, sizeof path, "/etc/alternatives/%s-%s", names[n], triplets[t]);
			snprintf(source, sizeof source, "%s%s", machine, path);
			length = readlink(source, target, sizeof target - 1);
			if (length < 0)
				continue;
			target[length] = '\0';
			if (tree_make_link(path, target, f) < 0)
				return -1;
		}
	return 0;
}

int tree_write_runner(const char *folder, struct fault *f)
{
	const struct {
		const char *name;
		const char *bytes;
		size_t length;
	} files[] = {
		{ "runner.py", asset_runner.bytes, asset_runner.length },
		{ "tojson.py", asset_tojson.bytes, asset_tojson.length },
		{ "template.py", asset_template.bytes, asset_template.length },
		{ "_template.abi3.so", asset_template_module.bytes, asset_template_module.length },
		{ TREE_SHM_LIBRARY, asset_shm_library.bytes, asset_shm_library.length },
	};

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		char path[PATH_BYTES];

		snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
		if (tree_write_file(path, files[i].bytes, files[i].length, f) < 0)
			return -1;
	}
	return 0;
}

/* Without namespaces a job sees its outer uid, and programs want a name for it (pwd.getpwuid). */
static int write_passwd(const struct jail *j, uint32_t cells, struct fault *f)
{
	const size_t capacity = (cells + 3) * ENTRY_BYTES;
	OWNED(char) passwd = malloc(capacity);
	OWNED(char) group = malloc(capacity);
	size_t used = 0, used_group = 0;

	if (!passwd || !group)
		return fault_set(f, ENOMEM, "malloc");
#define ADD(format, ...) used += (size_t)snprintf(passwd + used, capacity - used, format "\n", __VA_ARGS__)
#define ADD_GROUP(name, id)                                                                                            \
	used_group += (size_t)snprintf(group + used_group, capacity - used_group, "%s:x:%u:\n", name, (unsigned)(id))
	ADD("%s:x:0:0:root:/:/usr/sbin/nologin", "root");
	ADD(JAIL_USER ":x:%d:%d:" JAIL_USER ":/tmp:/bin/sh", JAIL_UID, JAIL_GID);
	ADD_GROUP("root", 0);
	ADD_GROUP(JAIL_USER, JAIL_GID);
	for (uint32_t i = 0; i < cells; i++) {
		const unsigned uid = jail_uid_of(j, i);

		ADD(JAIL_USER ":x:%u:%u:" JAIL_USER ":/tmp/%u/" JOB_FOLDER ":/bin/sh", uid, uid, uid);
		ADD_GROUP(JAIL_USER, uid);
	}
	ADD("%s:x:65534:65534:nobody:/:/usr/sbin/nologin", "nobody");
	ADD_GROUP("nogroup", 65534);
#undef ADD
#undef ADD_GROUP
	if (tree_write_file(JAIL_TREE "/etc/passwd", passwd, used, f) < 0)
		return -1;
	return tree_write_file(JAIL_TREE "/etc/group", group, used_group, f);
}

int tree_write_files(const struct jail *j, uint32_t cells, struct fault *f)
{
	static const char nsswitch[] = "passwd: files\ngroup: files\nhosts: files\n";
	static const char *const names[] = { "/tmp", "/proc", "/dev", "/dev/shm", "/var", "/runner" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		char path[32];

		snprintf(path, sizeof path, JAIL_TREE "%s", names[i]);
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return fault_set(f, errno, "create %s", path);
	}
	if (tree_write_file(JAIL_TREE "/etc/nsswitch.conf", nsswitch, sizeof nsswitch - 1, f) < 0)
		return -1;
	return write_passwd(j, cells, f) < 0 ? -1 : tree_write_runner(JAIL_TREE "/runner", f);
}
