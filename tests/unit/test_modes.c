/* SPDX-License-Identifier: MIT */
/*
 * jail/modes.c, twice. As a program, run by the interpreter in bpf.h over every system call: modes and times answer
 * success, owners are refused, and nothing else is touched. And for real: in a child that owns the file, nothing about it
 * changes.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "bpf.h"
#include "child.h"
#include "policy.h"

/* The layer hands its program to this file instead of the kernel. */
#define jail_install_filter take_program
#define modes_enter enter_here
#include "../../src/jail/modes.c"
#undef jail_install_filter
#undef modes_enter

#include "taken.h"

int real_enter(const struct jail *j, const struct jail_job *job) __asm__("modes_enter");

enum { NUMBERS = 1024, DEADLINE_SECONDS = 20, NOT_KNOWN = SECCOMP_RET_ERRNO | ENOSYS };

static const struct jail shared = { .modes_are_shared = true };
static const struct jail_job job;

static uint32_t judge_with(uint32_t number, uint64_t second, uint64_t third)
{
	const struct seccomp_data data = { .nr = (int)number, .args = { 0, second, third } };

	return bpf_run(program, program_count, &data);
}

static uint32_t judge(uint32_t number)
{
	return judge_with(number, 0, 0);
}

static uint32_t answer_to(uint32_t number)
{
	static const uint32_t refused[] = {
#ifdef SYS_chown
		SYS_chown,
		SYS_lchown,
#endif
		SYS_fchown,
		SYS_fchownat,
		SYS_truncate, /* Landlock does not see it before ABI 3; here there is none */
	};
	static const uint32_t pretended[] = {
#ifdef SYS_chmod
		SYS_chmod,  SYS_utime,    SYS_utimes,   SYS_futimesat,
#endif
		SYS_fchmod, SYS_fchmodat, NR_fchmodat2, SYS_utimensat,
	};

	if (number == NR_openat2)
		return NOT_KNOWN;
	for (size_t i = 0; i < ROWS(refused); i++)
		if (refused[i] == number)
			return REFUSED;
	for (size_t i = 0; i < ROWS(pretended); i++)
		if (pretended[i] == number)
			return PRETENDED;
	return SECCOMP_RET_ALLOW;
}

static void every_call_is_answered_as_it_should(void **state)
{
	(void)state;
	assert_int_equal(enter_here(&shared, &job), 0);
	for (uint32_t number = 0; number < NUMBERS; number++)
		check(judge(number) == answer_to(number), "call %u", number);
}

static void files_are_truncated_where_something_else_looks(void **state)
{
	(void)state;
	for (int abi = 0; abi < 8; abi++) {
		const struct jail landlocked = { .modes_are_shared = true, .landlock_abi = abi };

		assert_int_equal(enter_here(&landlocked, &job), 0);
		check(judge(SYS_truncate) == (abi >= 3 ? SECCOMP_RET_ALLOW : REFUSED), "ABI %d", abi);
		assert_int_equal(judge(SYS_ftruncate), SECCOMP_RET_ALLOW);
	}
	assert_int_equal(enter_here(&(struct jail){ .modes_are_shared = true, .namespaces = true }, &job), 0);
	assert_int_equal(judge(SYS_truncate), SECCOMP_RET_ALLOW);
}

/* The kernel opens without looking at the upper half of the flags, and with others that change nothing. */
static const uint64_t beside[] = { 0, O_CREAT | O_CLOEXEC | O_NOFOLLOW, O_APPEND | O_NONBLOCK, UINT64_C(0xdeadbeef) << 32 };

static void check_opening(uint64_t flags, uint32_t action, int abi)
{
	for (size_t i = 0; i < ROWS(beside); i++) {
		check(judge_with(SYS_openat, ~UINT64_C(0), flags | beside[i]) == action, "ABI %d: openat %#llx", abi,
		      (unsigned long long)(flags | beside[i]));
#ifdef SYS_open
		check(judge_with(SYS_open, flags | beside[i], ~UINT64_C(0)) == action, "ABI %d: open %#llx", abi,
		      (unsigned long long)(flags | beside[i]));
#endif
	}
}

/* For the other two modes Landlock asks for the right to write, in every ABI. */
static void files_are_emptied_only_by_who_may_write_them(void **state)
{
	(void)state;
	for (int abi = 0; abi < 8; abi++) {
		const struct jail landlocked = { .modes_are_shared = true, .landlock_abi = abi };
		const uint32_t emptying = abi >= 3 ? SECCOMP_RET_ALLOW : REFUSED;

		assert_int_equal(enter_here(&landlocked, &job), 0);
		for (uint64_t mode = O_RDONLY; mode <= O_ACCMODE; mode++)
			check_opening(mode, SECCOMP_RET_ALLOW, abi);
		check_opening(O_RDONLY | O_TRUNC, emptying, abi);
		check_opening(O_ACCMODE | O_TRUNC, emptying, abi);
		check_opening(O_WRONLY | O_TRUNC, SECCOMP_RET_ALLOW, abi);
		check_opening(O_RDWR | O_TRUNC, SECCOMP_RET_ALLOW, abi);
		check(judge(NR_openat2) == (abi >= 3 ? SECCOMP_RET_ALLOW : NOT_KNOWN), "ABI %d: openat2", abi);
	}
	assert_int_equal(enter_here(&(struct jail){ .modes_are_shared = true, .namespaces = true }, &job), 0);
	check_opening(O_RDONLY | O_TRUNC, SECCOMP_RET_ALLOW, -1);
}

static void it_is_only_where_modes_are_shared(void **state)
{
	(void)state;
	program_count = 0;
	assert_int_equal(enter_here(&(struct jail){ .namespaces = true }, &job), 0);
	assert_int_equal(enter_here(&(struct jail){ .cell_uids = true }, &job), 0);
	assert_int_equal(enter_here(&shared, &(struct jail_job){ .role = JAIL_HELPER }), 0);
	assert_int_equal(program_count, 0);
}

/* ---- the kernel ---------------------------------------------------------------------------------------------------------- */

static void try_to_change(const char *path)
{
	const struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 2 } };
	struct stat before, after;
	int fd = open(path, O_RDONLY);

	alarm(DEADLINE_SECONDS);
	CHILD_CHECK(fd >= 0 && fstat(fd, &before) == 0);
	CHILD_CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && real_enter(&shared, &job) == 0);
	CHILD_CHECK(chmod(path, 0) == 0 && fchmod(fd, 0) == 0 && fchmodat(AT_FDCWD, path, 0, 0) == 0);
	CHILD_CHECK(utimensat(AT_FDCWD, path, times, 0) == 0 && futimens(fd, times) == 0);
	CHILD_CHECK(utimes(path, (struct timeval[2]){ { .tv_sec = 1 }, { .tv_sec = 2 } }) == 0);
	CHILD_REFUSED(EPERM, chown(path, getuid(), getgid()));
	CHILD_REFUSED(EPERM, lchown(path, getuid(), getgid()));
	CHILD_REFUSED(EPERM, fchown(fd, getuid(), getgid()));
	CHILD_REFUSED(EPERM, fchownat(fd, "", getuid(), getgid(), AT_EMPTY_PATH));
	CHILD_REFUSED(EPERM, truncate(path, 0));
	CHILD_REFUSED(EPERM, open(path, O_RDONLY | O_TRUNC));
	CHILD_REFUSED(EPERM, open(path, O_ACCMODE | O_TRUNC));
	CHILD_REFUSED(ENOSYS, syscall(NR_openat2, AT_FDCWD, path, (uint64_t[3]){ O_TRUNC }, sizeof(uint64_t[3])));
	CHILD_CHECK(fstat(fd, &after) == 0);
	CHILD_CHECK(after.st_size == before.st_size && after.st_size == 4);
	CHILD_CHECK(after.st_mode == before.st_mode && after.st_mtim.tv_sec == before.st_mtim.tv_sec &&
		    after.st_mtim.tv_nsec == before.st_mtim.tv_nsec && after.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
	_exit(0);
}

static void nothing_changes(void **state)
{
	char path[] = "/tmp/test_modes.XXXXXX";
	int fd, status;
	pid_t pid;

	(void)state;
	if (prctl(PR_GET_SECCOMP) < 0) { /* as in a program that emulates another machine */
		print_message("skipped: there are no filters here\n");
		skip();
	}
	fd = mkstemp(path);
	assert_true(fd >= 0 && write(fd, "kept", 4) == 4);
	pid = fork();
	if (pid == 0)
		try_to_change(path);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	unlink(path);
	close(fd);
	check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child failed: status %#x", status);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_is_answered_as_it_should),
		cmocka_unit_test(files_are_truncated_where_something_else_looks),
		cmocka_unit_test(files_are_emptied_only_by_who_may_write_them),
		cmocka_unit_test(it_is_only_where_modes_are_shared),
		cmocka_unit_test(nothing_changes),
	};

	return cmocka_run_group_tests_name("modes", tests, NULL, NULL);
}
