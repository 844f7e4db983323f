/* SPDX-License-Identifier: MIT */
/*
 * jail/one_process.c, twice. As a program, run by the interpreter in bpf.h over every system call: no fork, no signal to
 * anybody else, and nothing else refused. And for real, with the job's filter on top as in a job: in a child whose parent
 * has the same uid, so that the kernel itself would let every one of these signals through.
 * Signals to others are number 0, which reaches nobody even where it is not refused. Children say what they saw by their
 * exit status: 0, or the line that failed.
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "bpf.h"
#include "child.h"
#include "policy.h"

/* The layer hands its program to this file instead of the kernel. */
#define jail_install_filter take_program
#define one_process_enter enter_here
#include "../../src/jail/one_process.c"
#undef jail_install_filter
#undef one_process_enter

#include "taken.h"

#include <pthread.h>

int real_install(const struct policy_filter *filter) __asm__("jail_install_filter");
int real_enter(const struct jail *j, const struct jail_job *job) __asm__("one_process_enter");

enum { NUMBERS = 1024, DEADLINE_SECONDS = 20 };

#define HIGH (UINT64_C(1) << 32)
#define GARBAGE (UINT64_C(0xdeadbeef) << 32)
#define ALLOWED SECCOMP_RET_ALLOW

static const struct jail alone = { .namespaces = false, .cell_uids = false };
static const struct jail_job job;

static int make_program(void **state)
{
	(void)state;
	program_count = 0;
	return enter_here(&alone, &job);
}

static uint32_t judge(uint32_t number, uint64_t first, uint64_t second)
{
	const struct seccomp_data data = { .nr = (int)number, .args = { first, second, SIGTERM } };

	return bpf_run(program, program_count, &data);
}

/* ---- the program ------------------------------------------------------------------------------------------------------- */

static void a_second_process_is_refused(void **state)
{
	static const struct {
		uint64_t flags;
		uint32_t action;
	} rows[] = {
		{ SIGCHLD, REFUSED },
		{ 0, REFUSED },
		{ CLONE_VM | CLONE_VFORK | SIGCHLD, REFUSED },
		{ CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND, REFUSED },
		{ CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | SIGCHLD, REFUSED },
		{ CLONE_PARENT | SIGCHLD, REFUSED },
		{ ~(uint64_t)CLONE_THREAD, REFUSED },
		{ CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, ALLOWED },
		{ CLONE_THREAD, ALLOWED }, /* the kernel takes no CLONE_THREAD without CLONE_VM */
		/* The kernel looks at the lower half (kernel/fork.c, lower_32_bits), and so must the filter. */
		{ (uint64_t)CLONE_THREAD << 32 | SIGCHLD, REFUSED },
		{ GARBAGE | CLONE_VM | SIGCHLD, REFUSED },
		{ GARBAGE | CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, ALLOWED },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		check(judge(SYS_clone, rows[i].flags, 0) == rows[i].action, "clone(%#llx): not %#x",
		      (unsigned long long)rows[i].flags, rows[i].action);
}

static void only_itself_gets_a_signal(void **state)
{
	const uint64_t self = (uint64_t)getpid();
	const struct {
		uint64_t pid;
		uint32_t action;
	} rows[] = {
		{ self, ALLOWED },
		{ self | HIGH, ALLOWED }, /* a pid_t: the kernel takes the lower half */
		{ self | GARBAGE, ALLOWED },
		{ 0, REFUSED }, /* kill: its group */
		{ HIGH, REFUSED },
		{ 1, REFUSED },
		{ self + 1, REFUSED },
		{ self - 1, REFUSED },
		{ self << 32, REFUSED },
		{ (self << 32) | 1, REFUSED },
		{ (uint64_t)getppid(), REFUSED },
		{ (uint64_t)getppid() | self << 32, REFUSED },
		{ (uint64_t)-1, REFUSED }, /* kill: everybody */
		{ UINT32_MAX, REFUSED },
		{ (uint64_t) - (int64_t)self, REFUSED }, /* kill: the group of that number */
		{ (uint32_t) - (int32_t)self, REFUSED },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		for (int k = 0; k < 2; k++)
			check(judge(k ? SYS_tgkill : SYS_kill, rows[i].pid, self) == rows[i].action,
			      "%s(%#llx): not %#x", k ? "tgkill" : "kill", (unsigned long long)rows[i].pid,
			      rows[i].action);
}

static void no_descriptor_sends_a_signal(void **state)
{
	static const uint64_t upper[] = { 0, HIGH, GARBAGE };

	(void)state;
	for (uint32_t command = 0; command < 2048; command++)
		for (size_t i = 0; i < ROWS(upper); i++) {
			bool owner = command == F_SETOWN || command == F_SETOWN_EX;

			check(judge(SYS_fcntl, 3, upper[i] | command) == (owner ? REFUSED : ALLOWED), "fcntl %u",
			      command);
		}
}

/* What a call answers whatever its arguments. */
static uint32_t answer_to(uint32_t number)
{
	static const uint32_t refused[] = {
#ifdef SYS_fork
		SYS_fork,
		SYS_vfork,
#endif
		SYS_tkill,
		SYS_rt_sigqueueinfo,
		SYS_rt_tgsigqueueinfo,
		SYS_pidfd_send_signal,
	};

	for (size_t i = 0; i < ROWS(refused); i++)
		if (refused[i] == number)
			return REFUSED;
	return ALLOWED;
}

/* With the job's own pid as the first argument, so that what is refused is refused as a whole. */
static void nothing_else_is_refused(void **state)
{
	const uint64_t self = (uint64_t)getpid();

	(void)state;
	for (uint32_t number = 0; number < NUMBERS; number++) {
		bool is_process = number == SYS_clone && !(self & CLONE_THREAD);

		check(judge(number, self, F_GETFD) == (is_process ? REFUSED : answer_to(number)), "call %u", number);
	}
}

static void it_is_only_where_a_job_is_one_process(void **state)
{
	static const struct jail others[] = { { .namespaces = true }, { .cell_uids = true } };

	(void)state;
	for (size_t i = 0; i < ROWS(others); i++) {
		program_count = 0;
		assert_int_equal(enter_here(&others[i], &job), 0);
		assert_int_equal(program_count, 0);
	}
	assert_int_equal(enter_here(&alone, &(struct jail_job){ .role = JAIL_HELPER }), 0);
	assert_int_equal(program_count, 0);
}

/* ---- the kernel ------------------------------------------------------------------------------------------------------------ */

/* In the order of the table of layers. */
static void enter_for_real(void)
{
	struct policy p;
	struct fault f;

	alarm(DEADLINE_SECONDS);
	CHILD_CHECK(setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }) == 0);
	CHILD_CHECK(policy_load(&p, &f) == 0);
	CHILD_CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHILD_CHECK(real_enter(&alone, &job) == 0);
	CHILD_CHECK(real_install(&p.job) == 0);
	policy_free(&p);
}

static int run_child(void (*body)(void))
{
	int status;
	pid_t pid;

	if (prctl(PR_GET_SECCOMP) < 0) { /* as in a program that emulates another machine */
		print_message("skipped: there are no filters here\n");
		skip();
	}
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		enter_for_real();
		body();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void expect_success(int status)
{
	check(!WIFSIGNALED(status), "the child died by signal %d", WTERMSIG(status));
	check(WEXITSTATUS(status) == 0, "the child failed: line %% 251 + 1 is %d", WEXITSTATUS(status));
}

static void try_to_fork(void)
{
	CHILD_REFUSED(EPERM, fork());
	CHILD_REFUSED(EPERM, vfork());
	CHILD_REFUSED(EPERM, syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
	CHILD_REFUSED(EPERM, syscall(SYS_clone, (uint64_t)CLONE_THREAD << 32 | SIGCHLD, 0, 0, 0, 0));
#ifdef SYS_fork
	CHILD_REFUSED(EPERM, syscall(SYS_fork));
	CHILD_REFUSED(EPERM, syscall(SYS_vfork));
#endif
	errno = 0;
	CHILD_CHECK(syscall(SYS_clone3, NULL, 0) == -1 && errno == ENOSYS); /* its flags are behind a pointer */
}

static void no_second_process(void **state)
{
	(void)state;
	expect_success(run_child(try_to_fork));
}

static int pidfd_of_parent = -1;
static int pair[2];

static void try_to_signal_the_parent(void)
{
	const struct f_owner_ex owner = { .type = F_OWNER_PID, .pid = getppid() };
	const long parent = getppid();
	siginfo_t info = { .si_code = SI_QUEUE };

	CHILD_REFUSED(EPERM, kill((pid_t)parent, 0));
	CHILD_REFUSED(EPERM, kill(0, 0));
	CHILD_REFUSED(EPERM, kill(-1, 0));
	CHILD_REFUSED(EPERM, kill(-getpgrp(), 0));
	CHILD_REFUSED(EPERM, syscall(SYS_kill, parent | (long)((uint64_t)getpid() << 32), 0));
	CHILD_REFUSED(EPERM, syscall(SYS_tgkill, parent, parent, 0));
	CHILD_REFUSED(EPERM, syscall(SYS_tkill, parent, 0));
	CHILD_REFUSED(EPERM, syscall(SYS_rt_sigqueueinfo, parent, 0, &info));
	CHILD_REFUSED(EPERM, syscall(SYS_rt_tgsigqueueinfo, parent, parent, 0, &info));
	CHILD_REFUSED(EPERM, syscall(SYS_pidfd_send_signal, pidfd_of_parent, 0, NULL, 0));
	CHILD_REFUSED(EPERM, fcntl(pair[0], F_SETOWN, parent));
	CHILD_REFUSED(EPERM, fcntl(pair[0], F_SETOWN, -parent));
	CHILD_REFUSED(EPERM, fcntl(pair[0], F_SETOWN_EX, &owner));
}

/* Without the layers the kernel says yes to each of them. */
static void the_kernel_alone_would_allow_it(void)
{
	const struct f_owner_ex owner = { .type = F_OWNER_PID, .pid = getppid() };
	const pid_t parent = getppid();

	CHILD_CHECK(kill(parent, 0) == 0);
	CHILD_CHECK(syscall(SYS_tgkill, parent, parent, 0) == 0);
	CHILD_CHECK(syscall(SYS_tkill, parent, 0) == 0);
	CHILD_CHECK(pidfd_of_parent < 0 || syscall(SYS_pidfd_send_signal, pidfd_of_parent, 0, NULL, 0) == 0);
	CHILD_CHECK(fcntl(pair[0], F_SETOWN_EX, &owner) == 0);
	CHILD_CHECK(fcntl(pair[0], F_SETOWN, 0) == 0);
	_exit(0);
}

static void no_signal_to_the_same_uid(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(pair), 0);
	pidfd_of_parent = (int)syscall(SYS_pidfd_open, getpid(), 0);
	pid = fork();
	if (pid == 0)
		the_kernel_alone_would_allow_it();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	expect_success(status);
	status = run_child(try_to_signal_the_parent);
	close(pidfd_of_parent);
	close(pair[0]);
	close(pair[1]);
	expect_success(status);
}

static void *run_thread(void *seen)
{
	*(pid_t *)seen = (pid_t)syscall(SYS_gettid);
	return seen;
}

static volatile sig_atomic_t caught;

static void catch (int number)
{
	caught = number;
}

static void use_threads_and_own_signals(void)
{
	pthread_t thread;
	pid_t seen = 0;
	void *result;

	CHILD_CHECK(pthread_create(&thread, NULL, run_thread, &seen) == 0);
	CHILD_CHECK(pthread_join(thread, &result) == 0 && result == &seen && seen > 0 && seen != getpid());
	CHILD_CHECK(signal(SIGUSR1, catch) != SIG_ERR);
	CHILD_CHECK(raise(SIGUSR1) == 0 && caught == SIGUSR1);
	caught = 0;
	CHILD_CHECK(kill(getpid(), SIGUSR1) == 0 && caught == SIGUSR1);
	caught = 0;
	CHILD_CHECK(pthread_kill(pthread_self(), SIGUSR1) == 0 && caught == SIGUSR1);
	caught = 0;
	CHILD_CHECK(syscall(SYS_kill, (long)(GARBAGE | (uint64_t)getpid()), SIGUSR1) == 0 && caught == SIGUSR1);
}

static void threads_and_own_signals_work(void **state)
{
	(void)state;
	expect_success(run_child(use_threads_and_own_signals));
}

static void kill_itself(void)
{
	kill(getpid(), SIGTERM);
}

static void abort_itself(void)
{
	signal(SIGABRT, SIG_DFL);
	abort();
}

static void it_can_still_die_of_itself(void **state)
{
	int status;

	(void)state;
	status = run_child(kill_itself);
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "kill(getpid()): status %#x", status);
	status = run_child(abort_itself);
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "abort(): status %#x", status);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_second_process_is_refused, make_program),
		cmocka_unit_test_setup(only_itself_gets_a_signal, make_program),
		cmocka_unit_test_setup(no_descriptor_sends_a_signal, make_program),
		cmocka_unit_test_setup(nothing_else_is_refused, make_program),
		cmocka_unit_test(it_is_only_where_a_job_is_one_process),
		cmocka_unit_test(no_second_process),
		cmocka_unit_test(no_signal_to_the_same_uid),
		cmocka_unit_test(threads_and_own_signals_work),
		cmocka_unit_test(it_can_still_die_of_itself),
	};

	return cmocka_run_group_tests_name("one_process", tests, NULL, NULL);
}
