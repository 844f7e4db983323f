/* SPDX-License-Identifier: MIT */
/*
 * Layer: own uid. Where namespaces are refused, and the service was started as root: each cell has a uid that nothing
 * else on the machine has, and its root directory is the tree in the image (chroot(2)).
 *
 * Stops: opening, signalling and tracing what belongs to the service, to other jobs or to the machine's users; a job
 * can be counted and killed as a whole, whatever its processes have become the children of; RLIMIT_NPROC counts it
 * alone. The chroot hides the names of everything outside the runtime: volumes, secrets, /proc.
 * Does not stop: reading files that everybody may read, without the chroot (landlock.c does); what needs no uid, such
 * as the network (the filter's work). A chroot holds a process without capabilities that has no directory open outside.
 * Missing: in containers that start as another user, in restricted Kubernetes pods, and without CAP_SETUID and
 * CAP_SETGID. The chroot: where the image's tree is not there or cannot be completed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io.h"
#include "layer.h"
#include "own.h"

enum { MAP_BYTES = 4096, OTHER_UIDS = 2 /* for killing, and web */ };

static bool has_uid_range(void)
{
	char map[MAP_BYTES], *line, *save = NULL;

	if (io_read_file(AT_FDCWD, "/proc/self/uid_map", map, sizeof map) < 0)
		return false;
	for (line = strtok_r(map, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		unsigned long inside, outside, count;

		if (sscanf(line, "%lu %lu %lu", &inside, &outside, &count) == 3 && inside <= JAIL_UIDS_FIRST &&
		    inside + count >= JAIL_UIDS_END)
			return true;
	}
	return false;
}

/*
 * Root with the right to become somebody else: tried, in a child, not read off a bit mask. Who it has become must not have
 * root's rights any more (as with SECBIT_NO_SETUID_FIXUP): killing a cell would then kill everybody.
 */
static bool may_change_ids(void)
{
	const uid_t uid = JAIL_UIDS_FIRST;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0 ||
		      kill(getppid(), 0) == 0);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/*
 * A name in the abstract namespace of sockets can be bound once (unix(7)), and is free again when its owner ends, however
 * that happens. Services in different network namespaces do not see each other's; nor do they see each other's processes,
 * as containers go.
 */
static int claim(unsigned number)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	OWNED_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int length = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "safe-exec/uids/%u", number);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0)
		return -1;
	return fd_release(&fd);
}

static void release_claims(struct jail *j)
{
	while (j->claims > 0)
		close(j->claim_fds[--j->claims]);
}

/* So many in a row. */
static bool claim_from(struct jail *j, unsigned first, size_t count)
{
	for (j->claims = 0; j->claims < count; j->claims++) {
		j->claim_fds[j->claims] = claim(first + (unsigned)j->claims);
		if (j->claim_fds[j->claims] < 0) {
			release_claims(j);
			return false;
		}
	}
	j->first_uid = JAIL_UIDS_FIRST + first * JAIL_UIDS_OF_ONE_CLAIM;
	return true;
}

/*
 * By the host's name: the same after a restart, and in most cases another one in each container, whose uids the kernel
 * counts together (RLIMIT_NPROC). Within the numbers that systemd does not give to services (uids below 61184).
 */
static unsigned start_of_search(void)
{
	char name[256] = "";
	unsigned hash = 5381;

	(void)gethostname(name, sizeof name - 1);
	for (const char *c = name; *c; c++)
		hash = hash * 33 + (unsigned char)*c;
	return hash % ((JAIL_UIDS_DYNAMIC - JAIL_UIDS_FIRST) / JAIL_UIDS_OF_ONE_CLAIM);
}

int own_uids_claim(struct jail *j, uint32_t cells, struct fault *f)
{
	const size_t count = (cells + OTHER_UIDS + JAIL_UIDS_OF_ONE_CLAIM - 1) / JAIL_UIDS_OF_ONE_CLAIM;
	const unsigned all = (JAIL_UIDS_END - JAIL_UIDS_FIRST) / JAIL_UIDS_OF_ONE_CLAIM;

	j->cell_uids = geteuid() == 0 && has_uid_range() && may_change_ids();
	if (!j->cell_uids)
		return 0;
	for (unsigned i = 0; i < all; i++) {
		unsigned first = (start_of_search() + i) % all;

		if (first + count <= all && claim_from(j, first, count))
			return 0;
	}
	return fault_set(f, 0, "the uids from %d to %d are all claimed by other services on this machine",
			 JAIL_UIDS_FIRST, JAIL_UIDS_END - 1);
}

uid_t jail_uid_of(const struct jail *j, uint32_t cell)
{
	return j->cell_uids ? j->first_uid + OTHER_UIDS + cell : j->outer_uid;
}

uid_t jail_web_uid(const struct jail *j)
{
	return j->cell_uids ? j->first_uid + 1 : j->outer_uid;
}

/* A script can close its own directory to its uid, and helpers of ours with that uid come later: the owner can open it. */
static int enter_folder(const char *path)
{
	if (chdir(path) == 0)
		return 0;
	return errno == EACCES && chmod(path, 0700) == 0 ? chdir(path) : -1;
}

/*
 * Without namespaces there is no init that the spawner could kill instead: the death signal ends a job whose parent
 * (the spawner, or a template that ends with it) is gone. It is set last, since a change of ids clears it (prctl(2)),
 * which makes the process undumpable as well: /proc/self belongs to root then. A parent that died before sends none, and
 * nobody would keep the job's deadline.
 */
int own_uid_enter(const struct jail *j, const struct jail_job *job)
{
	const uid_t uid = jail_uid_of(j, job->cell);

	if (j->namespaces)
		return 0;
	umask(0022);
	if (setsid() < 0 || (j->chroots && !DROPPED(j, DROP_CHROOT) && chroot(JAIL_TREE) < 0))
		return -1;
	if (j->cell_uids && !DROPPED(j, DROP_OWN_UID) &&
	    (identity_drop_bounding_set() < 0 || setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 ||
	     setresuid(uid, uid, uid) < 0))
		return -1;
	if (enter_folder(job->folders.work) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0)
		return -1;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -1;
	if (getppid() == job->parent)
		return 0;
	errno = ESRCH;
	return -1;
}

/* To be set again after a change of ids, which clears it (prctl(2)). */
static int own_death_signal(void)
{
	int number = 0;

	(void)prctl(PR_GET_PDEATHSIG, &number);
	return number;
}

/*
 * Who may be signalled, and whose priority may be set, is decided by the caller's real and effective uid against the other's
 * (kill(2), setpriority(2)). So for a moment this process has the cell's effective uid and a real one that nothing else has;
 * nothing of the job can signal it back, since its saved uid stays root's.
 */
static void as_cell(const struct jail *j, uint32_t cell, void (*work)(uid_t uid, int number), int number)
{
	const uid_t uid = jail_uid_of(j, cell);
	const int death_signal = own_death_signal();

	if (!j->cell_uids || uid == 0)
		return;
	if (setresuid(j->first_uid, uid, 0) == 0)
		work(uid, number);
	if (setresuid(0, 0, 0) < 0)
		abort(); /* this process would be nobody from here on */
	(void)prctl(PR_SET_PDEATHSIG, death_signal);
}

void jail_look_as(uid_t uid)
{
	const int death_signal = own_death_signal();

	(void)setfsgid(uid);
	(void)setfsuid(uid);
	(void)prctl(PR_SET_PDEATHSIG, death_signal);
}

static void signal_all(uid_t uid, int number)
{
	(void)uid;
	(void)kill(-1, number); /* all that this process may signal now */
}

static void make_all_nice(uid_t uid, int nice)
{
	(void)setpriority(PRIO_USER, uid, nice);
}

void jail_kill_all_of(const struct jail *j, uint32_t cell)
{
	as_cell(j, cell, signal_all, SIGKILL);
}

void jail_weigh_down(const struct jail *j, uint32_t cell, int nice)
{
	as_cell(j, cell, make_all_nice, nice);
}
