/* SPDX-License-Identifier: MIT */
/*
 * jail/own_uid.c, as root: uids that nobody else has, and killing whoever has one of them, however it has hidden.
 * Each test runs in a child, since ids and capabilities change, and in a process namespace of its own: kill(2) with -1 is
 * no thing to try on a machine in use, where a mistake ends everybody. Where none can be made, nothing is run. The children
 * say what they saw by their exit status: 0, or the line that failed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/jail/layer.h"
#include "own.h"
#include "child.h"

enum { DEADLINE_SECONDS = 30, CELLS = 4, BOMB_PROCESSES = 40, BOMB_ROUNDS = 5, MILLISECOND = 1000 };

/* Exit statuses beyond those that name a line. */
enum { NO_NAMESPACE = 253 };

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

static pid_t fork_or_exit(void)
{
	pid_t pid = fork();

	CHILD_CHECK(pid >= 0);
	return pid;
}

/* A process namespace is entered by the children to come, and its first process is the body's parent. */
static void run_body(void (*body)(void))
{
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWPID) < 0)
		_exit(NO_NAMESPACE);
	pid = fork_or_exit();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getpid() != 1)
			_exit(NO_NAMESPACE);
		pid = fork_or_exit();
		if (pid == 0) {
			alarm(DEADLINE_SECONDS);
			prctl(PR_SET_CHILD_SUBREAPER, 1);
			body();
			_exit(0);
		}
		status = wait_for(pid);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 255);
	}
	status = wait_for(pid);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 254);
}

static void as_root(void (*body)(void))
{
	int status;
	pid_t pid;

	if (geteuid() != 0) {
		print_message("skipped: not root\n");
		skip();
	}
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		run_body(body);
	status = wait_for(pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_NAMESPACE) {
		print_message("skipped: no process namespace can be made here\n");
		skip();
	}
	check(WIFEXITED(status) && WEXITSTATUS(status) < NO_NAMESPACE, "a child died by a signal (%#x)", status);
	check(WEXITSTATUS(status) == 0, "a child failed: line %% 251 + 1 is %d", WEXITSTATUS(status));
}

/* ---- uids ------------------------------------------------------------------------------------------------------------------------ */

static struct jail jail;

static void claim(uint32_t cells)
{
	struct fault f;

	memset(&jail, 0, sizeof jail);
	CHILD_CHECK(own_uids_claim(&jail, cells, &f) == 0 && jail.cell_uids);
}

static void look_at_a_claim(void)
{
	claim(CELLS);
	CHILD_CHECK(jail.first_uid >= JAIL_UIDS_FIRST && jail_uid_of(&jail, CELLS - 1) < JAIL_UIDS_END);
	CHILD_CHECK(jail.claims == 1);
	for (uint32_t a = 0; a < CELLS; a++) {
		CHILD_CHECK(jail_uid_of(&jail, a) != jail.first_uid && jail_uid_of(&jail, a) != jail_web_uid(&jail));
		for (uint32_t b = 0; b < a; b++)
			CHILD_CHECK(jail_uid_of(&jail, a) != jail_uid_of(&jail, b));
	}
	CHILD_CHECK(jail_web_uid(&jail) != jail.first_uid);
}

static void all_have_uids_of_their_own(void **state)
{
	(void)state;
	as_root(look_at_a_claim);
}

struct range {
	uid_t first, end;
};

static void claim_and_tell(int tell_fd, uint32_t cells)
{
	struct range range;

	claim(cells);
	range = (struct range){ jail.first_uid, jail_uid_of(&jail, cells) };
	CHILD_CHECK(write(tell_fd, &range, sizeof range) == sizeof range);
	pause();
}

static struct range start_claimant(uint32_t cells, pid_t *pid)
{
	struct range range = { 0, 0 };
	int pair[2];

	CHILD_CHECK(pipe2(pair, O_CLOEXEC) == 0);
	*pid = fork_or_exit();
	if (*pid == 0)
		claim_and_tell(pair[1], cells);
	close(pair[1]);
	CHILD_CHECK(read(pair[0], &range, sizeof range) == sizeof range);
	close(pair[0]);
	return range;
}

static void end(pid_t pid)
{
	CHILD_CHECK(pid > 1 && kill(pid, SIGKILL) == 0 && WIFSIGNALED(wait_for(pid)));
}

static void claim_beside_each_other(void)
{
	static const uint32_t cells[] = { 1, 62, 63, 200, 100, 1 };
	struct range range[ROWS(cells)], again;
	pid_t pid[ROWS(cells)];

	for (size_t i = 0; i < ROWS(cells); i++) {
		range[i] = start_claimant(cells[i], &pid[i]);
		CHILD_CHECK(range[i].first >= JAIL_UIDS_FIRST && range[i].end <= JAIL_UIDS_END);
		CHILD_CHECK(range[i].end - range[i].first >= cells[i] + 2);
		for (size_t n = 0; n < i; n++)
			CHILD_CHECK(range[i].end <= range[n].first || range[n].end <= range[i].first);
	}
	end(pid[3]); /* however it ends, its uids are free */
	again = start_claimant(cells[3], &pid[3]);
	CHILD_CHECK(again.first <= range[3].first);
	for (size_t i = 0; i < ROWS(cells); i++)
		end(pid[i]);
}

static void two_services_never_share_a_uid(void **state)
{
	(void)state;
	as_root(claim_beside_each_other);
}

static int count_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void claim_too_much(void)
{
	const int before = count_descriptors();
	struct fault f = { .text = "" };

	memset(&jail, 0, sizeof jail);
	CHILD_CHECK(own_uids_claim(&jail, JAIL_UIDS_END - JAIL_UIDS_FIRST, &f) == -1);
	CHILD_CHECK(strstr(f.text, "claimed by other services"));
	CHILD_CHECK(jail.claims == 0 && count_descriptors() == before);
	claim(JAIL_CELLS_MAX); /* the most that there can be */
	CHILD_CHECK(jail.claims <= JAIL_CLAIMS_MAX && jail_uid_of(&jail, JAIL_CELLS_MAX - 1) < JAIL_UIDS_END);
}

static void too_many_are_not_half_claimed(void **state)
{
	(void)state;
	as_root(claim_too_much);
}

/* No failure: the service does without. */
static void expect_no_uids(void)
{
	struct fault f;

	CHILD_CHECK(own_uids_claim(&jail, CELLS, &f) == 0 && !jail.cell_uids && jail.claims == 0);
}

static void claim_without_right(void)
{
	const struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	CHILD_CHECK(syscall(SYS_capset, &header, data) == 0);
	expect_no_uids();
}

static void root_in_name_only_gets_none(void **state)
{
	(void)state;
	as_root(claim_without_right);
}

static void claim_with_secure_bits(void)
{
	CHILD_CHECK(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) == 0);
	expect_no_uids();
}

/* There (systemd's SecureBits=) a change of the uid takes no capability away: CAP_KILL would kill everybody. */
static void no_uids_where_a_change_of_them_keeps_the_rights(void **state)
{
	(void)state;
	as_root(claim_with_secure_bits);
}

static void an_ordinary_user_gets_none(void **state)
{
	struct jail none = { .cell_uids = true };
	struct fault f;

	(void)state;
	if (geteuid() == 0) {
		print_message("skipped: root\n");
		skip();
	}
	assert_int_equal(own_uids_claim(&none, 1, &f), 0);
	assert_true(!none.cell_uids && none.claims == 0);
}

/* ---- killing ----------------------------------------------------------------------------------------------------------------------- */

static int ready[2];

static void say_ready(void)
{
	CHILD_CHECK(write(ready[1], &(pid_t){ (pid_t)syscall(SYS_getpid) }, sizeof(pid_t)) == sizeof(pid_t));
}

static void become(uid_t uid)
{
	CHILD_CHECK(setgroups(0, NULL) == 0 && setresgid(uid, uid, uid) == 0 && setresuid(uid, uid, uid) == 0);
}

static void wait_for_ever(void)
{
	for (;;)
		pause();
}

static void stay(void)
{
	say_ready();
	wait_for_ever();
}

static void leave_the_session(void)
{
	CHILD_CHECK(setsid() > 0);
	stay();
}

static void become_an_orphan(void)
{
	if (fork() == 0) {
		CHILD_CHECK(setsid() > 0);
		if (fork() == 0)
			stay();
		_exit(0);
	}
	_exit(0);
}

static void stop(void)
{
	say_ready();
	raise(SIGSTOP);
	wait_for_ever();
}

static void ignore_all(void)
{
	sigset_t all;

	for (int number = 1; number < NSIG; number++)
		(void)signal(number, SIG_IGN);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	stay();
}

static void be_vfork_parent(void)
{
	if (vfork() == 0) {
		(void)syscall(SYS_write, ready[1], &(pid_t){ (pid_t)syscall(SYS_getpid) }, sizeof(pid_t));
		for (;;)
			(void)syscall(SYS_rt_sigsuspend, &(sigset_t){ { 0 } },
				      sizeof(uint64_t)); /* the parent waits in the kernel */
	}
	_exit(0);
}

static void become_undumpable(void)
{
	CHILD_CHECK(prctl(PR_SET_DUMPABLE, 0) == 0);
	stay();
}

static void (*const hideouts[])(void) = { stay,       leave_the_session, become_an_orphan, stop,
					  ignore_all, be_vfork_parent,   become_undumpable };

/* Its pid, when it is where it wants to be. */
static pid_t start_as(uid_t uid, void (*hide)(void))
{
	pid_t pid = fork_or_exit(), ready_pid = 0;

	if (pid == 0) {
		if (uid)
			become(uid);
		hide();
		_exit(0);
	}
	CHILD_CHECK(read(ready[0], &ready_pid, sizeof ready_pid) == sizeof ready_pid && ready_pid > 1);
	return ready_pid;
}

/* As the spawner does, in a container at least: orphans come here. */
static void reap(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static bool is_alive(pid_t pid)
{
	reap();
	return kill(pid, 0) == 0;
}

static void expect_dead(pid_t pid)
{
	for (int i = 0; i < 5000 && is_alive(pid); i++)
		usleep(MILLISECOND);
	CHILD_CHECK(!is_alive(pid));
}

static void kill_a_cell(void)
{
	pid_t hidden[ROWS(hideouts)], others[5];

	CHILD_CHECK(pipe2(ready, O_CLOEXEC) == 0);
	claim(CELLS);
	for (size_t i = 0; i < ROWS(hideouts); i++)
		hidden[i] = start_as(jail_uid_of(&jail, 1), hideouts[i]);
	others[0] = start_as(jail_uid_of(&jail, 0), stay);
	others[1] = start_as(jail_uid_of(&jail, 2), stay);
	others[2] = start_as(jail_web_uid(&jail), stay);
	others[3] = start_as(0, stay);
	others[4] = start_as(65534, stay);
	jail_kill_all_of(&jail, 1);
	for (size_t i = 0; i < ROWS(hidden); i++)
		expect_dead(hidden[i]);
	usleep(50 * MILLISECOND);
	for (size_t i = 0; i < ROWS(others); i++)
		CHILD_CHECK(is_alive(others[i]));
	jail_kill_all_of(&jail, 1); /* nobody there */
	jail_kill_all_of(&jail, 2);
	expect_dead(others[1]);
	CHILD_CHECK(is_alive(others[0]) && is_alive(others[2]) && is_alive(others[3]) && is_alive(others[4]));
	for (size_t i = 0; i < ROWS(others); i++)
		(void)kill(others[i], SIGKILL);
}

static void all_of_a_cell_and_nobody_else_is_killed(void **state)
{
	(void)state;
	as_root(kill_a_cell);
}

/* Each one starts another before it ends, so a list of them is old at once. */
static void explode(void)
{
	CHILD_CHECK(setrlimit(RLIMIT_NPROC, &(struct rlimit){ BOMB_PROCESSES, BOMB_PROCESSES }) == 0);
	if (fork() == 0)
		say_ready();
	for (;;)
		if (fork() > 0 && fork() > 0)
			_exit(0);
}

/* In this process namespace, which /proc may not be of. Those that have ended are reaped first. */
static bool has_processes(uid_t uid)
{
	reap();
	errno = 0;
	return getpriority(PRIO_USER, uid) != -1 || errno != ESRCH;
}

static void kill_bombs(void)
{
	CHILD_CHECK(pipe2(ready, O_CLOEXEC) == 0);
	claim(CELLS);
	for (int round = 0; round < BOMB_ROUNDS; round++) {
		const uid_t uid = jail_uid_of(&jail, 0);

		(void)start_as(uid, explode);
		for (int i = 0; i < 20; i++, usleep(MILLISECOND))
			CHILD_CHECK(has_processes(uid));
		jail_kill_all_of(&jail, 0);
		for (int i = 0; i < 2000 && has_processes(uid); i++)
			usleep(MILLISECOND);
		CHILD_CHECK(!has_processes(uid));
	}
}

/* Once is enough: a process that is to be killed cannot fork any more. */
static void a_fork_bomb_ends_at_once(void **state)
{
	(void)state;
	as_root(kill_bombs);
}

struct self {
	uid_t uid[3], fs_uid;
	gid_t gid[3];
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];
	int death_signal, keep_caps, secure_bits;
};

static struct self look_at_self(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct self self;

	memset(&self, 0, sizeof self);
	CHILD_CHECK(getresuid(&self.uid[0], &self.uid[1], &self.uid[2]) == 0);
	CHILD_CHECK(getresgid(&self.gid[0], &self.gid[1], &self.gid[2]) == 0);
	CHILD_CHECK(syscall(SYS_capget, &header, self.caps) == 0);
	CHILD_CHECK(prctl(PR_GET_PDEATHSIG, &self.death_signal) == 0);
	self.fs_uid = (uid_t)syscall(SYS_setfsuid, -1);
	self.keep_caps = prctl(PR_GET_KEEPCAPS);
	self.secure_bits = prctl(PR_GET_SECUREBITS);
	return self;
}

static void kill_and_come_back(void)
{
	static const int signals[] = { 0, SIGKILL, SIGTERM };
	struct self before, after;

	claim(CELLS);
	/* the spawner's */
	CHILD_CHECK(identity_keep_capabilities(1ULL << CAP_CHOWN | 1ULL << CAP_KILL | 1ULL << CAP_SETGID |
					       1ULL << CAP_SETUID | 1ULL << CAP_SETPCAP | 1ULL << CAP_SYS_CHROOT) == 0);
	for (size_t i = 0; i < ROWS(signals); i++) {
		CHILD_CHECK(prctl(PR_SET_PDEATHSIG, signals[i]) == 0);
		before = look_at_self();
		jail_kill_all_of(&jail, 3);
		after = look_at_self();
		CHILD_CHECK(memcmp(&before, &after, sizeof before) == 0);
		CHILD_CHECK(after.uid[0] == 0 && after.uid[1] == 0 && after.uid[2] == 0 && after.fs_uid == 0);
		CHILD_CHECK(after.caps[0].effective & 1U << CAP_KILL);
		CHILD_CHECK(after.death_signal == signals[i]);
	}
}

static void who_kills_is_the_same_afterwards(void **state)
{
	(void)state;
	as_root(kill_and_come_back);
}

static void kill_without_uids(void)
{
	pid_t other;

	CHILD_CHECK(pipe2(ready, O_CLOEXEC) == 0);
	memset(&jail, 0, sizeof jail);
	other = start_as(65534, stay);
	jail.outer_uid = 65534;
	jail_kill_all_of(&jail, 0);
	usleep(20 * MILLISECOND);
	CHILD_CHECK(is_alive(other));
	end(other);
}

/* A uid that cells share is somebody's: other jobs', or a person's. */
static void without_own_uids_nobody_is_killed(void **state)
{
	(void)state;
	as_root(kill_without_uids);
}

/* ---- entering ------------------------------------------------------------------------------------------------------------------------ */

static void enter_and_look(void)
{
	struct jail_job job = { .cell = 2, .folders = { .work = "/" }, .parent = getppid() };
	struct self self;

	claim(CELLS);
	umask(0);
	CHILD_CHECK(prctl(PR_SET_DUMPABLE, 0) == 0);
	CHILD_CHECK(own_uid_enter(&jail, &job) == 0);
	self = look_at_self();
	for (int i = 0; i < 3; i++)
		CHILD_CHECK(self.uid[i] == jail_uid_of(&jail, 2) && self.gid[i] == jail_uid_of(&jail, 2));
	CHILD_CHECK(getgroups(0, NULL) == 0 && self.death_signal == SIGKILL && prctl(PR_GET_DUMPABLE) == 1);
	CHILD_CHECK(getsid(0) == getpid() && umask(0) == 0022);
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		CHILD_CHECK(self.caps[i].effective == 0 && self.caps[i].permitted == 0);
	CHILD_CHECK(setuid(0) < 0 && setresuid(-1U, jail.first_uid, -1U) < 0 && setgid(0) < 0);
	CHILD_CHECK(kill(getppid(), 0) < 0 && errno == EPERM);
}

static void who_enters_is_its_cell_and_no_more(void **state)
{
	(void)state;
	as_root(enter_and_look);
}

static void enter_nowhere(void)
{
	struct jail_job job = { .folders = { .work = "/nowhere" }, .parent = getppid() };

	claim(CELLS);
	CHILD_CHECK(own_uid_enter(&jail, &job) == -1 && errno == ENOENT);
}

static void a_missing_directory_is_a_failure(void **state)
{
	(void)state;
	as_root(enter_nowhere);
}

/* Needs no uids. No death signal comes for it any more. */
static void enter_as_an_orphan(pid_t parent, int tell_fd)
{
	static const struct jail one_uid;
	const struct jail_job job = { .folders = { .work = "/" }, .parent = parent };
	char answer;

	while (getppid() == parent)
		usleep(MILLISECOND);
	answer = own_uid_enter(&one_uid, &job) == -1 && errno == ESRCH ? 'y' : 'n';
	_exit(write(tell_fd, &answer, 1) != 1);
}

static void who_has_lost_its_parent_does_not_enter(void **state)
{
	int pair[2];
	char answer = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		const pid_t parent = getpid();

		if (fork_or_exit() == 0)
			enter_as_an_orphan(parent, pair[1]);
		_exit(0);
	}
	(void)wait_for(pid);
	close(pair[1]);
	assert_int_equal(read(pair[0], &answer, 1), 1);
	assert_int_equal(answer, 'y');
	close(pair[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_have_uids_of_their_own),
		cmocka_unit_test(two_services_never_share_a_uid),
		cmocka_unit_test(too_many_are_not_half_claimed),
		cmocka_unit_test(root_in_name_only_gets_none),
		cmocka_unit_test(no_uids_where_a_change_of_them_keeps_the_rights),
		cmocka_unit_test(an_ordinary_user_gets_none),
		cmocka_unit_test(all_of_a_cell_and_nobody_else_is_killed),
		cmocka_unit_test(a_fork_bomb_ends_at_once),
		cmocka_unit_test(who_kills_is_the_same_afterwards),
		cmocka_unit_test(without_own_uids_nobody_is_killed),
		cmocka_unit_test(who_enters_is_its_cell_and_no_more),
		cmocka_unit_test(a_missing_directory_is_a_failure),
		cmocka_unit_test(who_has_lost_its_parent_does_not_enter),
	};

	return cmocka_run_group_tests_name("own_uid", tests, NULL, NULL);
}
