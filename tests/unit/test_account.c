/* SPDX-License-Identifier: MIT */
/*
 * spawn/account.c against real processes: children that hold a known amount of something and wait. What they hold is
 * found by asking for the least limit that is not exceeded; a test looks at how much that grows. As root, processes of a
 * uid of their own are looked at with the few capabilities that the spawner has.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/jail/layer.h"
#include "../../src/spawn/account.h"
#include "own.h"
#include "unit.h"

enum {
	DEADLINE_SECONDS = 60,
	UIDS_FIRST = 50000, /* of which one that nobody has is taken */
	UIDS_END = 50100,
	SOCKET_BYTES = 256 << 10,
	MILLISECOND = 1000,
	FILE_BYTES = 10 << 20, /* what a file counts whose size nobody tells */
};

#define MEGABYTES(n) ((uint64_t)(n) << 20)
#define MOST (UINT64_C(1) << 52)
#define LOW_ADDRESS                                                                                                    \
	((void *)(UINT64_C(1) << 45)) /* below all that the kernel chooses; above AddressSanitizer's shadow */
/* A sanitizer's shadow of what is touched counts as well, an eighth of it, where a kernel gives pages to who only reads. */
#ifdef __SANITIZE_ADDRESS__
#define SLACK MEGABYTES(4)
#else
#define SLACK MEGABYTES(1)
#endif

static int ready[2], inner[2], descriptors_before; /* inner: from the processes and threads of a child to it */
static char folder[32];

static void need(bool condition)
{
	if (!condition) {
		perror("a child");
		_exit(1);
	}
}

static pid_t fork_or_exit(void)
{
	pid_t pid = fork();

	need(pid >= 0);
	return pid;
}

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/test_account.XXXXXX");
	return mkdtemp(folder) && chmod(folder, 0777) == 0 && pipe2(inner, O_CLOEXEC) == 0 ? pipe2(ready, O_CLOEXEC) :
											     -1;
}

/* Fails, as rmdir(2) does, if a test left anything. */
static int remove_folder(void **state)
{
	(void)state;
	close(ready[0]);
	close(ready[1]);
	close(inner[0]);
	close(inner[1]);
	return rmdir(folder);
}

/* ---- children that hold something --------------------------------------------------------------------------------------- */

static void say_ready(void)
{
	need(write(ready[1], "r", 1) == 1);
}

static void say_inside(void)
{
	need(write(inner[1], "r", 1) == 1);
}

static void hear_inside(void)
{
	need(read(inner[0], &(char){ 0 }, 1) == 1);
}

static void wait_until_ready(void)
{
	struct pollfd readable = { .fd = ready[0], .events = POLLIN };
	char byte;

	assert_int_equal(poll(&readable, 1, DEADLINE_SECONDS * 1000), 1); /* or the child has ended before */
	assert_int_equal(read(ready[0], &byte, 1), 1);
}

static void wait_for_ever(void)
{
	for (;;)
		pause();
}

/* Says two times that it is ready: before it holds anything, and after; in between it waits for a signal. */
static pid_t start(uid_t uid, void (*hold)(void))
{
	sigset_t set;
	int number;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(DEADLINE_SECONDS);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (uid)
			need(setgroups(0, NULL) == 0 && setresgid(uid, uid, uid) == 0 &&
			     setresuid(uid, uid, uid) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0);
		say_ready();
		sigwait(&set, &number);
		hold();
		say_ready();
		wait_for_ever();
	}
	wait_until_ready();
	return pid;
}

static void go_on(pid_t pid)
{
	assert_int_equal(kill(pid, SIGUSR1), 0);
	wait_until_ready();
}

static void end(pid_t pid)
{
	assert_true(pid > 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Three times: on a slow machine a look can take too long, which counts as too much. */
static bool exceeds(const struct account_roots *roots, uint64_t other_bytes, uint64_t limit_bytes)
{
	for (int i = 0; i < 3; i++)
		if (!account_memory_exceeds(account_find(roots), other_bytes, limit_bytes, UINT64_MAX))
			return false;
	return true;
}

/* The least limit that they do not exceed. */
static uint64_t held_by(const struct account_roots *roots, uint64_t other_bytes)
{
	uint64_t low = 0, high = MOST;

	assert_false(exceeds(roots, other_bytes, high));
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (exceeds(roots, other_bytes, middle))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Without namespaces: otherwise sockets of the whole machine would count, where it has no network of its own. */
static void grow(const char *name, uid_t uid, void (*hold)(void), uint64_t bytes)
{
	pid_t pid = start(uid, hold);
	const struct account_roots roots = { .child = uid ? 0 : pid, .uid = uid, .plain = true };
	uint64_t before = held_by(&roots, 0), after;

	go_on(pid);
	after = held_by(&roots, 0);
	end(pid);
	check(after + SLACK / 4 >= before + bytes && after <= before + bytes + SLACK,
	      "%s: %llu bytes more are counted as %lld more", name, (unsigned long long)bytes,
	      (long long)(after - before));
}

#define expect_growth_of(uid, hold, bytes) grow(#hold, uid, hold, bytes)
#define expect_growth(hold, bytes) grow(#hold, 0, hold, bytes)

/* ---- memory ---------------------------------------------------------------------------------------------------------------------- */

static char *map(size_t bytes, int flags, int fd)
{
	char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);

	need(at != MAP_FAILED);
	return at;
}

static void touch_private(void)
{
	memset(map(MEGABYTES(16), MAP_PRIVATE | MAP_ANONYMOUS, -1), 1, MEGABYTES(16));
}

static void reserve_private(void)
{
	(void)map(MEGABYTES(64), MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static void reserve_shared(void)
{
	(void)map(MEGABYTES(16), MAP_SHARED | MAP_ANONYMOUS, -1);
}

/* What a child that is gone has written to it is in nobody's set. */
static void leave_to_a_dead_child(void)
{
	char *at = map(MEGABYTES(16), MAP_SHARED | MAP_ANONYMOUS, -1);
	pid_t pid = fork_or_exit();

	if (pid == 0) {
		memset(at, 1, MEGABYTES(16));
		_exit(0);
	}
	need(waitpid(pid, NULL, 0) == pid);
}

/* Before all others in the list, with a path that is longer than what is read of it at once. Of that file nothing stays. */
static void reserve_shared_behind_a_long_path(void)
{
	static char name[251];
	const int levels = 80;

	memset(name, 'd', sizeof name - 1);
	need(chdir(folder) == 0);
	for (int i = 0; i < levels; i++)
		need(mkdir(name, 0700) == 0 && chdir(name) == 0);
	OWNED_FD fd = open("file", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	need(fd >= 0 && ftruncate(fd, 4096) == 0);
	need(mmap(LOW_ADDRESS, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == LOW_ADDRESS);
	need(unlink("file") == 0);
	for (int i = 0; i < levels; i++)
		need(chdir("..") == 0 && rmdir(name) == 0);
	reserve_shared();
}

static void memory_counts_when_it_is_used(void **state)
{
	(void)state;
	expect_growth(touch_private, MEGABYTES(16));
	expect_growth(reserve_private, 0);
	expect_growth(reserve_shared, MEGABYTES(16));
	expect_growth(leave_to_a_dead_child, MEGABYTES(16));
	expect_growth(reserve_shared_behind_a_long_path, MEGABYTES(16));
}

static bool has_swap(void)
{
	FILE *swaps = fopen("/proc/swaps", "re");
	char line[256];
	int lines = 0;

	assert_non_null(swaps);
	while (fgets(line, sizeof line, swaps))
		lines++;
	(void)fclose(swaps);
	return lines > 1; /* the first is a heading */
}

static void touch_what_is_swapped_out(void)
{
	char *at = map(MEGABYTES(16), MAP_PRIVATE | MAP_ANONYMOUS, -1);

	memset(at, 1, MEGABYTES(16));
	need(madvise(at, MEGABYTES(16), MADV_PAGEOUT) == 0);
}

static void what_is_swapped_out_counts(void **state)
{
	(void)state;
	if (!has_swap()) {
		print_message("skipped: no swap here\n");
		skip();
	}
	expect_growth(touch_what_is_swapped_out, MEGABYTES(16));
}

static void share_among_children(void)
{
	char *at = map(MEGABYTES(16), MAP_SHARED | MAP_ANONYMOUS, -1);

	memset(at, 1, MEGABYTES(16));
	for (int i = 0; i < 4; i++)
		if (fork_or_exit() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			need(at[i] == 1);
			say_inside();
			wait_for_ever();
		}
	for (int i = 0; i < 4; i++)
		hear_inside();
}

/* All of the tree below the root, each shared page once. A bare copy of this program is not nothing. */
static void what_is_shared_counts_once(void **state)
{
	pid_t pid = start(0, share_among_children);
	const struct account_roots roots = { .init = pid, .plain = true };
	uint64_t before, after;

	(void)state;
	before = held_by(&roots, 0);
	go_on(pid);
	after = held_by(&roots, 0);
	end(pid);
	check(after >= before + MEGABYTES(16) && after < before + MEGABYTES(16) * 2, "%llu, then %llu",
	      (unsigned long long)before, (unsigned long long)after);
}

static void nothing(void)
{
}

static void other_bytes_are_added(void **state)
{
	pid_t pid = start(0, nothing);
	const struct account_roots roots = { .child = pid, .plain = true };
	uint64_t alone = held_by(&roots, 0), with = held_by(&roots, MEGABYTES(100));

	(void)state;
	end(pid);
	assert_in_range(with, alone + MEGABYTES(100) - SLACK / 4, alone + MEGABYTES(100) + SLACK / 4);
	assert_int_equal(account_memory_exceeds(account_find(&roots), 101, 100, UINT64_MAX), 1);
	assert_int_equal(account_memory_exceeds(account_find(&roots), 100, 100, UINT64_MAX), 0); /* it is gone */
}

/* ---- files without a name ------------------------------------------------------------------------------------------------------ */

static int deleted_file(const char *name, size_t megabytes)
{
	static const char block[MEGABYTES(1)]; /* of the program file: no memory of the process, however it is read */
	char path[64];
	int fd;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	need(fd >= 0);
	for (size_t i = 0; i < megabytes; i++)
		need(write(fd, block, sizeof block) == sizeof block);
	need(unlink(path) == 0);
	return fd;
}

static void hold_deleted_files(void)
{
	(void)deleted_file("a", 24);
	(void)deleted_file("b", 24);
}

static void hold_a_sparse_file(void)
{
	need(ftruncate(deleted_file("sparse", 1), 1 << 30) == 0);
}

static void hold_a_named_file(void)
{
	char path[64];
	int fd;

	snprintf(path, sizeof path, "%s/named", folder);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	need(fd >= 0 && fallocate(fd, 0, 0, MEGABYTES(4)) == 0);
}

static void remove_file(const char *name)
{
	char path[64];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	assert_int_equal(unlink(path), 0);
}

static uint64_t unnamed(const struct account_roots *roots)
{
	bool more;
	uint64_t bytes = account_unnamed_bytes(account_find(roots), FILE_BYTES, &more);

	assert_false(more);
	return bytes;
}

static void grow_unnamed(const char *name, uid_t uid, void (*hold)(void), uint64_t bytes)
{
	pid_t pid = start(uid, hold);
	const struct account_roots roots = { .child = uid ? 0 : pid, .uid = uid, .plain = true };
	uint64_t before = unnamed(&roots), after;

	go_on(pid);
	after = unnamed(&roots);
	end(pid);
	check(after >= before + bytes && after <= before + bytes + SLACK / 4,
	      "%s: %llu bytes more are counted as %lld more", name, (unsigned long long)bytes,
	      (long long)(after - before));
	assert_int_equal(unnamed(&roots), 0);
}

#define expect_unnamed_of(uid, hold, bytes) grow_unnamed(#hold, uid, hold, bytes)

static void deleted_files_count(void **state)
{
	(void)state;
	expect_unnamed_of(0, hold_deleted_files, MEGABYTES(48));
	expect_unnamed_of(0, hold_a_sparse_file, MEGABYTES(1));
	expect_unnamed_of(0, hold_a_named_file, 0); /* found in its directory */
	remove_file("named");
}

static void map_it_and_close_it(void)
{
	int fd = deleted_file("a", 8);

	(void)map(MEGABYTES(8), MAP_SHARED, fd);
	close(fd);
}

/* Fewer are what multiprocessing has (MAPPED_FEW in account.c). */
static void map_many_and_close_them(void)
{
	for (int i = 0; i < 9; i++)
		map_it_and_close_it();
}

/* A job has the first from its template; the second is what multiprocessing makes. */
static void map_what_is_no_file(void)
{
	int fd = memfd_create("snapshot", 0);

	need(fd >= 0 && ftruncate(fd, MEGABYTES(8)) == 0);
	(void)map(MEGABYTES(8), MAP_PRIVATE, fd);
	close(fd);
	(void)map(MEGABYTES(8), MAP_SHARED | MAP_ANONYMOUS, -1);
}

static void a_mapping_holds_a_deleted_file(void **state)
{
	(void)state;
	expect_growth(map_it_and_close_it, MEGABYTES(8));
	expect_unnamed_of(0, map_it_and_close_it, 0);
	expect_unnamed_of(0, map_many_and_close_them, 9 * FILE_BYTES);
	expect_unnamed_of(0, map_what_is_no_file, 0);
}

static void send_and_close(int by, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	struct iovec part = { (char[]){ 'x' }, 1 };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	*header =
		(struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd) };
	memcpy(CMSG_DATA(header), &fd, sizeof fd);
	need(sendmsg(by, &message, 0) == 1);
	close(fd);
}

static void send_a_file(void)
{
	int pair[2];

	need(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	send_and_close(pair[0], deleted_file("a", 8));
}

/* Of the two files nothing is to be seen but that a descriptor is on its way. */
static void send_a_socket_with_files_in_it(void)
{
	int outer[2], inner_pair[2];

	need(socketpair(AF_UNIX, SOCK_STREAM, 0, outer) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, inner_pair) == 0);
	send_and_close(outer[0], inner_pair[1]);
	send_and_close(inner_pair[0], deleted_file("a", 8));
	send_and_close(inner_pair[0], deleted_file("b", 8));
}

static void a_message_may_hold_more_than_is_seen(void **state)
{
	static void (*const holds[])(void) = { send_a_file, send_a_socket_with_files_in_it };

	(void)state;
	for (size_t i = 0; i < ROWS(holds); i++) {
		pid_t pid = start(0, holds[i]);
		const struct account_roots roots = { .child = pid, .plain = true };
		bool more = true;

		assert_int_equal(account_unnamed_bytes(account_find(&roots), FILE_BYTES, &more), 0);
		assert_false(more);
		go_on(pid);
		assert_int_equal(account_unnamed_bytes(account_find(&roots), FILE_BYTES, &more), FILE_BYTES);
		assert_true(more);
		end(pid);
	}
}

static void hold_sockets(void)
{
	int pair[2];

	for (int i = 0; i < 16; i++)
		need(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
}

/* Without a network namespace: the job's own, not those of the machine. */
static void sockets_count_by_what_they_may_hold(void **state)
{
	(void)state;
	expect_growth(hold_sockets, (uint64_t)32 * SOCKET_BYTES);
}

/* ---- processes of a uid --------------------------------------------------------------------------------------------------------- */

/* Of getpriority(2): whether there is a process of that uid, dead ones that nobody has waited for included. */
static uid_t unused_uid(void)
{
	for (uid_t uid = UIDS_FIRST; uid < UIDS_END; uid++) {
		errno = 0;
		if (getpriority(PRIO_USER, uid) == -1 && errno == ESRCH)
			return uid;
	}
	fail_msg("all uids are taken");
	return 0;
}

static void need_root(void)
{
	if (geteuid() != 0) {
		print_message("skipped: not root\n");
		skip();
	}
}

/* In a child with the capabilities that the spawner keeps, which runs a group of tests of its own. */
static void as_spawner(void (*test)(void **))
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test) };
	int status;
	pid_t pid;

	need_root();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		need(identity_keep_capabilities(1ULL << CAP_CHOWN | 1ULL << CAP_KILL | 1ULL << CAP_SETGID |
						1ULL << CAP_SETUID | 1ULL << CAP_SETPCAP | 1ULL << CAP_SYS_CHROOT) ==
		     0);
		_exit(cmocka_run_group_tests(tests, NULL, NULL));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static pid_t only_child(void)
{
	char path[64], text[64] = "";
	int pid = 0, more = 0;

	snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)syscall(SYS_gettid));
	OWNED_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && read(fd, text, sizeof text - 1) > 0);
	assert_int_equal(sscanf(text, "%d %d", &pid, &more), 1);
	assert_true(pid > 1);
	return pid;
}

static void start_daemon(void)
{
	pid_t pid = fork_or_exit();

	if (pid == 0) {
		need(setsid() > 0);
		pid = fork_or_exit();
		if (pid > 0)
			_exit(0);
		prctl(PR_SET_NAME, "x) R 1 1 1 1 1"); /* a name like the fields of stat */
		alarm(DEADLINE_SECONDS);
		say_inside();
		wait_for_ever();
	}
	hear_inside();
	need(waitpid(pid, NULL, 0) == pid);
}

static void all_of_a_uid_are_found(void **state)
{
	struct account_roots roots = { .plain = true };
	pid_t pid, daemon;

	(void)state;
	need_root();
	roots.uid = unused_uid();
	assert_int_equal(account_life(account_find(&roots)), ACCOUNT_NONE);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid = start(roots.uid, start_daemon);
	assert_int_equal(account_life(account_find(&roots)), ACCOUNT_ALIVE);
	go_on(pid);
	end(pid);
	assert_int_equal(account_life(account_find(&roots)),
			 ACCOUNT_ALIVE); /* the daemon, which is this process's child by now */
	assert_int_equal(account_life(account_find(&(struct account_roots){ .uid = roots.uid + 1 })), ACCOUNT_NONE);
	daemon = only_child();
	end(daemon);
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	assert_int_equal(account_life(account_find(&roots)), ACCOUNT_NONE);
}

/* On a bare machine the processes of containers are seen as well, and have numbers in more than one namespace. */
static void those_of_a_container_are_not_counted(void **state)
{
	struct account_roots roots = { .plain = true };
	pid_t pid;

	(void)state;
	need_root();
	roots.uid = unused_uid();
	pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0) {
		need(setgroups(0, NULL) == 0 && setresuid(roots.uid, roots.uid, roots.uid) == 0 &&
		     prctl(PR_SET_PDEATHSIG, SIGKILL) == 0); /* an alarm does not end a process 1 */
		wait_for_ever();
	}
	if (pid < 0) {
		print_message("skipped: no process namespace can be made here\n");
		skip();
	}
	while (errno = 0, getpriority(PRIO_USER, roots.uid) == -1 && errno == ESRCH)
		usleep(MILLISECOND);
	assert_int_equal(account_life(account_find(&roots)), ACCOUNT_NONE);
	end(pid);
}

static void *stay(void *unused)
{
	say_inside();
	wait_for_ever();
	return unused;
}

static void leave_a_thread_behind(void)
{
	pthread_t thread;

	need(pthread_create(&thread, NULL, stay, NULL) == 0);
	hear_inside();
	say_ready();
	(void)syscall(SYS_exit, 0); /* this thread alone */
}

static void wait_for_state(pid_t pid, char state)
{
	char path[64], text[512] = "";

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	for (int i = 0; i < 5000; i++, usleep(MILLISECOND)) {
		OWNED_FD fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd >= 0 && read(fd, text, sizeof text - 1) > 0 && strrchr(text, ')')[2] == state)
			return;
	}
	fail_msg("never in state %c: %s", state, text);
}

static void the_dead_are_not_alive(void **state)
{
	struct account_roots roots = { .plain = true };
	pid_t pid;

	(void)state;
	need_root();
	roots.uid = unused_uid();
	pid = start(roots.uid, leave_a_thread_behind);
	go_on(pid);
	wait_for_state(pid, 'Z');
	assert_int_equal(account_life(account_find(&roots)),
			 ACCOUNT_ALIVE); /* its leader looks dead, but a thread runs */
	assert_int_equal(account_threads(account_find(&roots)), 2);
	assert_int_equal(kill(pid, SIGKILL), 0);
	while (account_threads(account_find(&roots)) > 1)
		usleep(MILLISECOND);
	assert_int_equal(account_life(account_find(&roots)), ACCOUNT_DEAD); /* a zombie */
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(account_threads(account_find(&roots)), 0);
	pid = start(roots.uid, nothing);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	wait_for_state(pid, 'T');
	assert_int_equal(account_life(account_find(&roots)), ACCOUNT_ALIVE);
	end(pid);
	assert_int_equal(account_life(account_find(&roots)), ACCOUNT_NONE);
}

static void *hold_and_stay(void *unused)
{
	touch_private();
	hold_deleted_files();
	return stay(unused);
}

static void leave_what_it_holds_to_a_thread(void)
{
	pthread_t thread;

	need(pthread_create(&thread, NULL, hold_and_stay, NULL) == 0);
	hear_inside();
	say_ready();
	(void)syscall(SYS_exit, 0); /* this thread alone */
}

static void what_a_dead_first_thread_has_left_counts(void **state)
{
	pid_t pid = start(0, leave_what_it_holds_to_a_thread);
	const struct account_roots roots = { .child = pid, .plain = true };
	uint64_t before = held_by(&roots, 0), after;

	(void)state;
	go_on(pid);
	wait_for_state(pid, 'Z');
	after = held_by(&roots, 0);
	check(after + SLACK / 4 >= before + MEGABYTES(16) && after <= before + MEGABYTES(16) + SLACK,
	      "%llu bytes, then %llu", (unsigned long long)before, (unsigned long long)after);
	assert_in_range(unnamed(&roots), MEGABYTES(48), MEGABYTES(49));
	assert_false(account_any_hidden(account_find(&roots)));
	end(pid);
	assert_int_equal(account_memory_exceeds(account_find(&roots), 0, 0, UINT64_MAX), 0);
}

static void count_as_spawner(void **state)
{
	const uid_t uid = unused_uid();
	int death_signal;

	(void)state;
	assert_int_equal(prctl(PR_SET_PDEATHSIG, SIGKILL), 0);
	expect_unnamed_of(uid, hold_deleted_files, MEGABYTES(48));
	expect_growth_of(uid, touch_private, MEGABYTES(16));
	expect_growth_of(uid, reserve_shared, MEGABYTES(16));
	assert_true(setfsuid((uid_t)-1) == 0 && setfsgid((gid_t)-1) == 0); /* and is itself again */
	assert_int_equal(prctl(PR_GET_PDEATHSIG, &death_signal), 0);
	assert_int_equal(death_signal, SIGKILL);
}

static void the_spawner_sees_what_is_anothers(void **state)
{
	(void)state;
	as_spawner(count_as_spawner);
}

/* It may run that program and not read it, so the kernel lets nobody without CAP_SYS_PTRACE look into it (execve(2)). */
static void become_unreadable(void)
{
	char path[64], *const arguments[] = { (char *)"sleep", (char *)"60", NULL };
	static char bytes[MEGABYTES(4)];
	ssize_t length;

	(void)deleted_file("a", 48);
	snprintf(path, sizeof path, "%s/sleep", folder);
	OWNED_FD from = open("/bin/sleep", O_RDONLY | O_CLOEXEC);
	OWNED_FD to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0111);
	need(from >= 0 && to >= 0);
	length = read(from, bytes, sizeof bytes);
	need(length > 0 && length < (ssize_t)sizeof bytes && write(to, bytes, (size_t)length) == length);
	fd_close(&to);
	say_ready();
	need(execve(path, arguments, arguments + 2) == 0);
}

static void hide_from_spawner(void **state)
{
	struct account_roots roots = { .uid = unused_uid(), .plain = true };
	pid_t pid;

	(void)state;
	pid = start(roots.uid, become_unreadable);
	assert_false(account_any_hidden(account_find(&roots)));
	go_on(pid);
	for (int i = 0; i < 5000 && !account_any_hidden(account_find(&roots)); i++)
		usleep(MILLISECOND);
	assert_true(account_any_hidden(account_find(&roots)));
	assert_int_equal(kill(pid, SIGKILL), 0);
	wait_for_state(pid, 'Z');
	assert_false(account_any_hidden(account_find(&roots))); /* the dead hide nothing */
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	remove_file("sleep");
}

static void who_hides_is_told_from_who_does_not(void **state)
{
	(void)state;
	as_spawner(hide_from_spawner);
}

/* ---- threads and time ----------------------------------------------------------------------------------------------------------- */

static void start_threads(void)
{
	pthread_t thread;

	for (int i = 0; i < 3; i++) {
		need(pthread_create(&thread, NULL, stay, NULL) == 0);
		hear_inside();
	}
}

static void threads_are_counted(void **state)
{
	pid_t pid = start(0, start_threads);
	const struct account_roots child = { .child = pid }, init = { .init = pid };

	(void)state;
	assert_int_equal(account_threads(account_find(&child)), 1);
	go_on(pid);
	assert_int_equal(account_threads(account_find(&child)), 4);
	assert_int_equal(account_threads(account_find(&init)), 0);
	end(pid);
	assert_int_equal(account_threads(account_find(&child)), 0);
	assert_int_equal(account_threads(account_find(&(struct account_roots){ .init = 0 })), 0);
}

static void burn(void)
{
	struct timespec used = { 0, 0 };

	while (used.tv_sec == 0 && used.tv_nsec < 200000000)
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
}

static void burn_in_children(void)
{
	pid_t pid = fork_or_exit();

	if (pid == 0) {
		burn();
		_exit(0);
	}
	need(waitpid(pid, NULL, 0) == pid);
	if (fork_or_exit() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		burn();
		say_inside();
		wait_for_ever();
	}
	hear_inside();
	burn();
}

static void time_is_added_up_over_the_living_and_the_dead(void **state)
{
	pid_t pid = start(0, burn_in_children);
	const struct account_roots roots = { .init = pid };
	uint64_t before = account_cpu_us(account_find(&roots)), after;

	(void)state;
	go_on(pid);
	after = account_cpu_us(account_find(&roots));
	end(pid);
	assert_in_range(after - before, 550000, 1500000); /* three times 0.2 s, in ticks of 10 ms */
	assert_int_equal(account_cpu_us(account_find(&roots)), 0);
}

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static int count_descriptors(void **state)
{
	(void)state;
	descriptors_before = open_descriptors();
	return 0;
}

static int no_descriptor_is_left(void **state)
{
	(void)state;
	return open_descriptors() == descriptors_before ? 0 : -1;
}

int main(void)
{
#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
	const struct CMUnitTest tests[] = {
		IN_A_FOLDER(memory_counts_when_it_is_used),
		IN_A_FOLDER(what_is_swapped_out_counts),
		IN_A_FOLDER(what_is_shared_counts_once),
		IN_A_FOLDER(other_bytes_are_added),
		IN_A_FOLDER(deleted_files_count),
		IN_A_FOLDER(a_mapping_holds_a_deleted_file),
		IN_A_FOLDER(a_message_may_hold_more_than_is_seen),
		IN_A_FOLDER(sockets_count_by_what_they_may_hold),
		IN_A_FOLDER(all_of_a_uid_are_found),
		IN_A_FOLDER(those_of_a_container_are_not_counted),
		IN_A_FOLDER(the_dead_are_not_alive),
		IN_A_FOLDER(what_a_dead_first_thread_has_left_counts),
		IN_A_FOLDER(the_spawner_sees_what_is_anothers),
		IN_A_FOLDER(who_hides_is_told_from_who_does_not),
		IN_A_FOLDER(threads_are_counted),
		IN_A_FOLDER(time_is_added_up_over_the_living_and_the_dead),
	};

	return cmocka_run_group_tests_name("account", tests, count_descriptors, no_descriptor_is_left);
}
