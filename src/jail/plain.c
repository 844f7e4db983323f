/* SPDX-License-Identifier: MIT */
/*
 * The jail without namespaces, for machines that refuse them (level "standard"): what is done once, in the spawner, before
 * anything is served. The layers themselves are own_uid.c, landlock.c and one_process.c.
 *
 * With root's rights and the tree of the image, jobs live in
 *
 *     /jail/usr, /jail/lib, ...       the runtime, which is part of the image
 *     /jail/etc, /jail/runner, ...    small files, written at start (tree.c)
 *     /jail/tmp/UID/job, /jail/dev/shm/UID/job   one pair for each job that runs (folders.c)
 *
 * Otherwise they see the machine's own names, as far as Landlock lets them, and their directories lie in the first place
 * that can be written. The spawner keeps its root directory here; so it keeps only the capabilities that it uses.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assets.h"
#include "io.h"
#include "layer.h"
#include "own.h"
#include "tree.h"

enum { PATH_BYTES = 4096, FILE_BYTES = 1 << 20 };

/* ---- the tree of the image -------------------------------------------------------------------------------------------- */

/* /usr is a link into the tree: then this is our image, and not a machine that has some /jail. */
static bool has_tree(void)
{
	char target[PATH_BYTES];

	return realpath("/usr", target) && strcmp(target, JAIL_TREE "/usr") == 0;
}

static bool may_chroot(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(chroot(JAIL_TREE) < 0);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static int make_devices(struct fault *f)
{
	static const struct {
		const char *path;
		unsigned minor;
	} devices[] = { { JAIL_TREE "/dev/null", 3 },
			{ JAIL_TREE "/dev/zero", 5 },
			{ JAIL_TREE "/dev/full", 7 },
			{ JAIL_TREE "/dev/random", 8 },
			{ JAIL_TREE "/dev/urandom", 9 } }; /* of major 1: Documentation/admin-guide/devices.txt */

	for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
		const char *path = devices[i].path;

		if ((mknod(path, S_IFCHR | 0666, makedev(1, devices[i].minor)) < 0 && errno != EEXIST) ||
		    chmod(path, 0666) < 0)
			return fault_set(f, errno, "make %s", path);
	}
	return 0;
}

/* A device node may be there and not open (a mount with nodev). */
static int try_device(struct fault *f)
{
	OWNED_FD fd = open(JAIL_TREE "/dev/null", O_RDWR | O_CLOEXEC);

	return fd < 0 || write(fd, "", 1) != 1 ? fault_set(f, errno, "use a device in the image") : 0;
}

static int apply_policy(const struct policy *p, struct fault *f)
{
	for (size_t i = 0; i < p->mount_count; i++) {
		const struct policy_mount *m = &p->mounts[i];

		if ((m->kind == POLICY_COPY && tree_copy_file("", m->path, f) < 0) ||
		    (m->kind == POLICY_LINK && tree_make_link(m->path, m->target, f) < 0))
			return -1;
	}
	return 0;
}

static int complete_tree(const struct jail *j, uint32_t cells, const struct policy *p, struct fault *f)
{
	if (!has_tree())
		return fault_set(f, 0, "the image has no tree for it");
	if (!may_chroot())
		return fault_set(f, EPERM, "chroot");
	if (tree_write_files(j, cells, f) < 0 || apply_policy(p, f) < 0 || tree_copy_library_alternatives("", f) < 0 ||
	    make_devices(f) < 0)
		return -1;
	/* Nobody can list them: the names of other jobs' directories are their uids, and that is all there is to know. */
	if (chmod(JAIL_TREE "/tmp", 0711) < 0 || chmod(JAIL_TREE "/dev/shm", 0711) < 0 ||
	    (mkdir(JAIL_TREE "/empty", 0555) < 0 && errno != EEXIST))
		return fault_set(f, errno, "prepare " JAIL_TREE);
	return try_device(f);
}

/*
 * Where it is sticky and somebody else's (the machine's, in a rootless container with --ipc=host), names in it are not for
 * us to give: services with the same uids, which do not see each other's claims, would meet there. Then there is none.
 */
static int open_shm(const char *path)
{
	OWNED_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat info;

	if (fd < 0 || fstat(fd, &info) < 0 || (info.st_mode & S_ISVTX && info.st_uid != geteuid()))
		return -1;
	return fd_release(&fd);
}

static int open_places(struct jail *j, const char *work, const char *shm, const char *inside, struct fault *f)
{
	j->places.work_fd = open(work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (j->places.work_fd < 0)
		return fault_set(f, errno, "open %s", work);
	if (shm)
		j->places.shm_fd = open_shm(shm);
	snprintf(j->places.work, sizeof j->places.work, "%s", inside);
	return 0;
}

static int use_tree(struct jail *j, uint32_t cells, const struct policy *p, struct fault *f)
{
	if (complete_tree(j, cells, p, f) < 0)
		return -1;
	snprintf(j->runner, sizeof j->runner, "/runner");
	snprintf(j->empty, sizeof j->empty, JAIL_TREE "/empty");
	j->chroots = true;
	return open_places(j, JAIL_TREE "/tmp", JAIL_TREE "/dev/shm", "/tmp", f);
}

/* ---- without the tree --------------------------------------------------------------------------------------------------- */

static bool is_same_file(const char *folder, const char *name, const struct asset *asset)
{
	OWNED(char) bytes = malloc(FILE_BYTES);
	char path[PATH_BYTES];
	ssize_t length;

	if (!bytes)
		return false;
	snprintf(path, sizeof path, "%s/%s", folder, name);
	length = io_read_file(AT_FDCWD, path, bytes, FILE_BYTES);
	return length == (ssize_t)asset->length && memcmp(bytes, asset->bytes, asset->length) == 0;
}

/* In the image they lie beside the program, where no uid that a job has can change them. */
static bool find_installed_runner(struct jail *j)
{
	char folder[PATH_BYTES];
	struct stat info;
	ssize_t length = readlink("/proc/self/exe", folder, sizeof folder - sizeof "/runner");
	char *slash;

	if (length <= 0)
		return false;
	folder[length] = '\0';
	slash = strrchr(folder, '/');
	memcpy(slash, "/runner", sizeof "/runner");
	if (strlen(folder) >= sizeof j->runner || stat(folder, &info) < 0 || info.st_uid == j->outer_uid ||
	    (info.st_mode & 022) || !is_same_file(folder, "runner.py", &asset_runner) ||
	    !is_same_file(folder, "tojson.py", &asset_tojson) ||
	    !is_same_file(folder, "template.py", &asset_template) ||
	    !is_same_file(folder, "_template.abi3.so", &asset_template_module) ||
	    !is_same_file(folder, TREE_SHM_LIBRARY, &asset_shm_library))
		return false;
	memcpy(j->runner, folder, strlen(folder) + 1);
	return true;
}

static int unpack_runner(struct jail *j, const char *base, struct fault *f)
{
	snprintf(j->runner, sizeof j->runner, "%s/runner", base);
	return tree_write_runner(j->runner, f);
}

/*
 * With uids of its own the service has a name of its own for it, and finds it again after a death in which it could not
 * tidy up; nobody else can have made it in a way that would do. Otherwise the name is a new one.
 */
static int make_named(const struct jail *j, const char *place, char *base, size_t capacity)
{
	uint32_t random[2];
	struct stat info;

	if (j->cell_uids)
		snprintf(base, capacity, "%s/safe-exec-%u", place, (unsigned)j->first_uid);
	else if (getrandom(random, sizeof random, 0) == sizeof random)
		snprintf(base, capacity, "%s/safe-exec-%08x%08x", place, random[0], random[1]);
	else
		return -1;
	if (mkdir(base, 0711) == 0)
		return chmod(base, 0711); /* whatever the umask */
	if (errno != EEXIST || !j->cell_uids || lstat(base, &info) < 0)
		return -1;
	errno = EEXIST;
	return S_ISDIR(info.st_mode) && info.st_uid == 0 && (info.st_mode & 07777) == 0711 ? 0 : -1;
}

/* A directory of our own, with room for those of jobs and for the runner. Returns in which place it lies; NULL: in none. */
static const char *make_base(struct jail *j, char *base, size_t capacity, struct fault *f)
{
	static const char *const places[] = { "/tmp", "/var/tmp", "/run", "/dev/shm" };

	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		if (make_named(j, places[i], base, capacity) < 0)
			continue;
		snprintf(j->base, sizeof j->base, "%s", base);
		return places[i];
	}
	fault_set(f, errno, "make a directory for jobs in /tmp, /var/tmp, /run or /dev/shm");
	fault_hint(f, "a read-only container needs a writable /tmp: --tmpfs /tmp, or an emptyDir volume");
	return NULL;
}

/* Jobs that share the spawner's uid could change the mode of any directory of that uid which they can name. */
static int choose_places(struct jail *j, const char *base, const char *place, struct fault *f)
{
	if (!j->cell_uids)
		return open_places(j, place, NULL, place, f);
	snprintf(j->empty, sizeof j->empty, "%s/empty", base);
	if (mkdir(j->empty, 0555) < 0 && errno != EEXIST)
		return fault_set(f, errno, "create %s", j->empty);
	return open_places(j, base, "/dev/shm", base, f);
}

static int use_machine(struct jail *j, struct fault *f)
{
	char base[JAIL_FOLDER_BYTES / 2];
	const char *place = make_base(j, base, sizeof base, f);

	if (!place)
		return -1;
	if (!find_installed_runner(j) && unpack_runner(j, base, f) < 0)
		return -1;
	return choose_places(j, base, place, f);
}

/* ---- what Landlock shows -------------------------------------------------------------------------------------------------- */

static int add_readable(struct jail *j, const char *path, struct fault *f)
{
	for (size_t i = 0; i < j->readable_count; i++)
		if (strcmp(j->readable[i], path) == 0)
			return 0;
	if (j->readable_count == JAIL_READABLE_MAX || strlen(path) >= sizeof j->readable[0])
		return fault_set(f, ENAMETOOLONG, "PYTHON_BIN needs %s: too many directories, or too long a name",
				 path);
	memcpy(j->readable[j->readable_count++], path, strlen(path) + 1);
	return 0;
}

static int collect_readable(struct jail *j, const struct policy *p, const struct runtime *r, struct fault *f)
{
	static const char *const files[] = { "/etc/passwd",    "/etc/group",       "/etc/nsswitch.conf",
					     "/etc/localtime", "/etc/ld.so.cache", "/etc/ld.so.conf" };

	for (size_t i = 0; i < p->mount_count; i++)
		if (p->mounts[i].kind != POLICY_LINK && add_readable(j, p->mounts[i].path, f) < 0)
			return -1;
	for (size_t i = 0; i < r->tree_count; i++)
		if (add_readable(j, r->trees[i], f) < 0)
			return -1;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		if (add_readable(j, files[i], f) < 0)
			return -1;
	return add_readable(j, j->runner, f);
}

/* ---- all of it -------------------------------------------------------------------------------------------------------------- */

/* Nothing that asks for more is done from here on. CHOWN: directories of jobs. */
static int keep_few_capabilities(struct fault *f)
{
	const uint64_t needed = 1ULL << CAP_CHOWN | 1ULL << CAP_KILL | 1ULL << CAP_SETGID | 1ULL << CAP_SETUID |
				1ULL << CAP_SETPCAP | 1ULL << CAP_SYS_CHROOT;

	return identity_keep_capabilities(needed) < 0 ? fault_set(f, errno, "give up capabilities") : 0;
}

static int refuse(const struct jail *j, struct fault *f)
{
	fault_set(f, 0,
		  "no layer for files works here: namespaces are refused (%s), the kernel has no Landlock, and the "
		  "service cannot give jobs a uid and a root directory of their own",
		  j->no_namespaces);
	return fault_hint(f, "allow one of them: start the image as root (own uids and chroot), use a kernel with "
			     "Landlock (5.13, lsm=landlock), or allow user namespaces (deploy/docker-seccomp.json)");
}

int plain_build(struct jail *j, uint32_t cells, const struct policy *p, const struct runtime *r, struct fault *f)
{
	struct fault why;

	j->outer_uid = geteuid();
	j->outer_gid = getegid();
	if (own_uids_claim(j, cells, f) < 0)
		return -1;
	j->modes_are_shared = !j->cell_uids;
	if (!j->cell_uids)
		fault_set(&why, 0, "it takes root's rights");
	if (!j->cell_uids || use_tree(j, cells, p, &why) < 0)
		snprintf(j->no_chroot, sizeof j->no_chroot, "%.80s", why.text);
	if (!j->chroots && j->landlock_abi == 0)
		return refuse(j, f);
	if (!j->chroots && use_machine(j, f) < 0)
		return -1;
	j->own_shm = j->places.shm_fd >= 0;
	if (collect_readable(j, p, r, f) < 0)
		return -1;
	return j->cell_uids ? keep_few_capabilities(f) : 0;
}

static void remove_in(const char *folder, const char *name)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	(void)(unlink(path) < 0 && rmdir(path) < 0);
}

/* Only what is ours, by its name; the directories of jobs were removed with them. */
void plain_remove(const struct jail *j)
{
	static const char shm_library[] = "runner/" TREE_SHM_LIBRARY;
	static const char *const names[] = { "runner/runner.py",
					     "runner/tojson.py",
					     "runner/template.py",
					     "runner/_template.abi3.so",
					     shm_library,
					     "runner",
					     "empty" };

	if (j->base[0] == '\0')
		return;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		remove_in(j->base, names[i]);
	(void)rmdir(j->base);
}
