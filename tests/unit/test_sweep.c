/* SPDX-License-Identifier: MIT */
/*
 * spawn/sweep.c: what a process in the jail of a job says about the job's directory, and whether it gets it empty, with
 * trees that a script may have planted. Both bodies run as they do in a job: in a child, without the rights of root, as
 * the owner of the files. Trees are made by such a child too.
 * Children say what they saw by their exit status: 0, or the line that failed.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/spawn/body.h"
#include "../../src/spawn/sweep.h"
#include "io.h"
#include "own.h"
#include "child.h"

enum {
	OTHER_UID = 54321, /* of the script, if the tests run as root */
	DEADLINE_SECONDS = 120,
	FILES = 20000,
	LEVELS = 3000,
	DIRECTORIES = 2000,
	ENTRY = 4096,     /* what each name counts by, at least */
	DESCRIPTORS = 64, /* far fewer than levels */
	SPARSE_BYTES = 1 << 30,
};

#define NO_LIMIT (UINT64_MAX - 1)
#define MEGABYTES(n) ((uint64_t)(n) << 20)

static char top[32], work[48], outside[48], folder[64]; /* the last: what is measured and swept */

/* ---- a script and its directory ---------------------------------------------------------------------------------------- */

/* The owner of the directory, with no right but an owner's. */
static void become_the_script(void)
{
	alarm(DEADLINE_SECONDS);
	umask(022);
	if (geteuid() == 0)
		CHILD_CHECK(setgroups(0, NULL) == 0 && setresgid(OTHER_UID, OTHER_UID, OTHER_UID) == 0 &&
			    setresuid(OTHER_UID, OTHER_UID, OTHER_UID) == 0);
}

static int wait_for(pid_t pid)
{
	int status;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void as_script(void (*plant)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		become_the_script();
		CHILD_CHECK(chdir(work) == 0);
		plant();
		_exit(0);
	}
	status = wait_for(pid);
	check(!WIFSIGNALED(status), "the tree could not be made: signal %d", WTERMSIG(status));
	check(WEXITSTATUS(status) == 0, "the tree could not be made: line %% 251 + 1 is %d", WEXITSTATUS(status));
}

static void make_directory(const char *path)
{
	assert_int_equal(mkdir(path, 0700), 0);
	assert_true(geteuid() != 0 || chown(path, OTHER_UID, OTHER_UID) == 0);
}

static int make_directories(void **state)
{
	(void)state;
	snprintf(top, sizeof top, "/tmp/test_sweep.XXXXXX");
	if (!mkdtemp(top) || chmod(top, 0711) < 0)
		return -1;
	snprintf(work, sizeof work, "%s/work", top);
	snprintf(outside, sizeof outside, "%s/outside", top);
	snprintf(folder, sizeof folder, "%s", work);
	make_directory(work);
	make_directory(outside);
	return 0;
}

/* Fails, as rmdir(2) does, if a test left anything. */
static int remove_directories(void **state)
{
	(void)state;
	return rmdir(work) < 0 || rmdir(outside) < 0 || rmdir(top) < 0 ? -1 : 0;
}

static struct jail_job job_with(uint64_t limit_bytes)
{
	struct jail_job job = { .limits = { .tmp_bytes = limit_bytes } };

	snprintf(job.folders.work, sizeof job.folders.work, "%s", folder);
	return job;
}

static uint64_t measured(uint64_t limit_bytes)
{
	const struct jail_job job = job_with(limit_bytes);
	struct init_message message = { .word = 0 };
	int pair[2], fds[IO_MAX_FDS], status;
	size_t count;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	pid = fork();
	if (pid == 0) {
		become_the_script();
		CHILD_CHECK(dup2(pair[1], JAIL_FD_SYNC) == JAIL_FD_SYNC);
		sweep_body_measure(&job);
	}
	close(pair[1]);
	status = wait_for(pid);
	check(status == 0, "measuring ended with status %#x", status);
	assert_int_equal(io_receive(pair[0], &message, sizeof message, fds, &count), sizeof message);
	close(pair[0]);
	assert_int_equal(message.word, INIT_MEASURED);
	assert_int_equal(message.bytes[1], 0);
	return message.bytes[0];
}

static int names_in(const char *path)
{
	DIR *directory = opendir(path);
	int count = -2; /* . and .. */

	assert_non_null(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static int swept(void)
{
	const struct jail_job job = job_with(NO_LIMIT);
	pid_t pid = fork();

	if (pid == 0) {
		become_the_script();
		CHILD_CHECK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ DESCRIPTORS, DESCRIPTORS }) == 0);
		sweep_body_empty(&job);
	}
	return wait_for(pid);
}

static void expect_swept(void)
{
	int status = swept();

	check(status == 0, "sweeping ended with status %#x", status);
	assert_int_equal(names_in(work), 0);
}

static void write_file(const char *name, size_t bytes)
{
	static const char block[ENTRY] = "x";
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	CHILD_CHECK(fd >= 0);
	for (size_t written = 0; written < bytes; written += sizeof block)
		CHILD_CHECK(write(fd, block, sizeof block) == sizeof block);
	CHILD_CHECK(close(fd) == 0);
}

/* ---- how much there is ----------------------------------------------------------------------------------------------------- */

static void an_empty_directory_is_empty(void **state)
{
	(void)state;
	assert_int_equal(measured(NO_LIMIT), 0);
	assert_int_equal(measured(0), 0);
	expect_swept();
	expect_swept();
}

static void plant_a_few_files(void)
{
	write_file("a", MEGABYTES(1));
	CHILD_CHECK(mkdir("d", 0755) == 0 && mkdir("d/e", 0755) == 0);
	write_file("d/b", MEGABYTES(2));
	write_file("d/e/c", MEGABYTES(3));
}

static void bytes_are_counted_at_every_level(void **state)
{
	uint64_t bytes;

	(void)state;
	as_script(plant_a_few_files);
	bytes = measured(NO_LIMIT);
	check(bytes >= MEGABYTES(6) && bytes < MEGABYTES(7), "6 MiB measured as %llu", (unsigned long long)bytes);
	expect_swept();
}

static void plant_many_files(void)
{
	char name[16];

	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof name, "%d", i);
		write_file(name, 0);
	}
}

/* An inode is memory, whatever is in it. And nobody counts to the end what is too much before. */
static void empty_files_count(void **state)
{
	const uint64_t limit = 100 * ENTRY;
	uint64_t bytes;

	(void)state;
	as_script(plant_many_files);
	bytes = measured(NO_LIMIT);
	check(bytes >= (uint64_t)FILES * ENTRY && bytes < (uint64_t)FILES * ENTRY * 2, "%d files measured as %llu",
	      FILES, (unsigned long long)bytes);
	bytes = measured(limit);
	check(bytes > limit && bytes <= limit + 2 * ENTRY, "it stopped at %llu", (unsigned long long)bytes);
	expect_swept();
}

static void plant_a_sparse_file(void)
{
	write_file("sparse", ENTRY);
	CHILD_CHECK(truncate("sparse", SPARSE_BYTES) == 0);
}

static void holes_do_not_count(void **state)
{
	(void)state;
	as_script(plant_a_sparse_file);
	assert_in_range(measured(NO_LIMIT), 2 * ENTRY, 16 * ENTRY);
	expect_swept();
}

static void plant_outside(void)
{
	CHILD_CHECK(chdir(outside) == 0);
	write_file("big", MEGABYTES(4));
	CHILD_CHECK(mkdir("folder", 0755) == 0);
	write_file("folder/big", MEGABYTES(4));
	CHILD_CHECK(chdir(work) == 0);
}

static void plant_links_to_outside(void)
{
	static const char *const targets[] = { "../outside", "../outside/big", "../outside/folder",
					       "/",          "/etc/passwd",    "..",
					       ".",          "loop",           "nowhere" };
	char name[16];

	plant_outside();
	CHILD_CHECK(mkdir("d", 0755) == 0 && symlink("../../outside", "d/up") == 0 && symlink("loop", "loop") == 0);
	for (size_t i = 0; i < ROWS(targets); i++) {
		snprintf(name, sizeof name, "link%zu", i);
		CHILD_CHECK(symlink(targets[i], name) == 0);
	}
}

static void unplant_outside(void)
{
	CHILD_CHECK(chdir(outside) == 0);
	CHILD_CHECK(unlink("big") == 0 && unlink("folder/big") == 0 && rmdir("folder") == 0);
}

static void expect_mode(const char *path, mode_t mode)
{
	struct stat info;

	assert_int_equal(stat(path, &info), 0);
	check((info.st_mode & 07777) == mode, "%s has become %o", path, info.st_mode & 07777);
}

static bool is_outside_whole(void)
{
	char path[PATH_MAX];
	struct stat info;

	snprintf(path, sizeof path, "%s/big", outside);
	if (names_in(outside) != 2 || stat(path, &info) < 0 || (info.st_mode & 07777) != 0644 || info.st_nlink != 1)
		return false;
	snprintf(path, sizeof path, "%s/folder", outside);
	return stat(path, &info) == 0 && (info.st_mode & 07777) == 0755 && names_in(path) == 1;
}

/* They count for themselves and go; what they point at is not looked at, not counted, not touched. */
static void links_are_not_followed(void **state)
{
	(void)state;
	as_script(plant_links_to_outside);
	assert_in_range(measured(NO_LIMIT), 12 * ENTRY, 40 * ENTRY);
	expect_swept();
	assert_true(is_outside_whole());
	as_script(unplant_outside);
}

static void plant_hard_links(void)
{
	write_file("one", MEGABYTES(1));
	CHILD_CHECK(mkdir("d", 0755) == 0 && link("one", "two") == 0 && link("one", "d/three") == 0);
}

static void hard_links_do_not_hide_anything(void **state)
{
	(void)state;
	as_script(plant_hard_links);
	assert_true(measured(NO_LIMIT) >= MEGABYTES(1));
	expect_swept();
}

static void plant_special_files(void)
{
	char longest[NAME_MAX + 1];

	memset(longest, 'n', sizeof longest - 1);
	longest[NAME_MAX] = '\0';
	write_file(longest, 1);
	longest[0] = '\n';
	CHILD_CHECK(mkdir(longest, 0755) == 0 && chdir(longest) == 0);
	write_file(longest, 1);
	CHILD_CHECK(chdir("..") == 0);
	CHILD_CHECK(mkfifo("fifo", 0644) == 0 && mkfifo("closed fifo", 0) == 0);
	write_file("-rf", 1);
	write_file("...", 1);
	write_file(" ", 1);
	write_file("\xff\xfe", 1);
	write_file("*", 1);
}

/* Opening a pipe without O_NONBLOCK would wait for ever; here the alarm would end it. */
static void odd_names_and_pipes_are_no_obstacle(void **state)
{
	(void)state;
	as_script(plant_special_files);
	assert_in_range(measured(NO_LIMIT), 10 * ENTRY, 60 * ENTRY);
	expect_swept();
}

static void plant_levels(int levels)
{
	for (int i = 0; i < levels; i++)
		CHILD_CHECK(mkdir("d", 0755) == 0 && chdir("d") == 0);
	write_file("bottom", MEGABYTES(1));
}

static void plant_a_deep_tree(void)
{
	plant_levels(LEVELS);
}

/* A path would be longer than PATH_MAX, a descriptor for each level more than there are. */
static void depth_is_too_much_and_goes_away(void **state)
{
	(void)state;
	as_script(plant_a_deep_tree);
	assert_true(measured(NO_LIMIT) > NO_LIMIT);
	assert_true(measured(MEGABYTES(1)) > MEGABYTES(1));
	expect_swept();
}

static void plant_fifty_levels(void)
{
	plant_levels(50);
}

static void what_programs_do_is_not_too_deep(void **state)
{
	(void)state;
	as_script(plant_fifty_levels);
	assert_in_range(measured(NO_LIMIT), MEGABYTES(1), MEGABYTES(2));
	expect_swept();
}

static void plant_closed_directories(void)
{
	static const mode_t modes[] = { 0, 0100, 0200, 0300, 0400, 0500, 0600, 02000, 04000, 01777 };
	char name[64];

	for (size_t i = 0; i < ROWS(modes); i++) {
		snprintf(name, sizeof name, "d%zu", i);
		CHILD_CHECK(mkdir(name, 0755) == 0 && chdir(name) == 0);
		CHILD_CHECK(mkdir("e", 0755) == 0);
		write_file("f", 1);
		write_file("e/f", 1);
		CHILD_CHECK(chmod("f", 0) == 0 && chmod("e/f", 0) == 0 && chmod("e", modes[i]) == 0 &&
			    chdir("..") == 0);
		CHILD_CHECK(chmod(name, modes[i]) == 0);
	}
}

static void plant_a_closed_directory(void)
{
	CHILD_CHECK(mkdir("d", 0755) == 0);
	write_file("d/hidden", MEGABYTES(1));
	CHILD_CHECK(chmod("d", 0) == 0);
}

static void close_the_top(void)
{
	plant_a_closed_directory();
	CHILD_CHECK(chmod(".", 0) == 0);
}

/* What a script has closed even to itself: too much while it runs, opened when it is over. */
static void closed_directories_hide_nothing(void **state)
{
	(void)state;
	as_script(plant_a_closed_directory);
	assert_true(measured(NO_LIMIT) > NO_LIMIT);
	expect_swept();
	as_script(plant_closed_directories);
	expect_swept();
	assert_int_equal(chmod(work, 0700), 0);
}

/* It can be listed, but nothing in it can be asked for its size. */
static void plant_an_unsearchable_directory(void)
{
	CHILD_CHECK(mkdir("d", 0755) == 0);
	write_file("d/hidden", MEGABYTES(1));
	CHILD_CHECK(chmod("d", 0400) == 0);
}

static void what_cannot_be_asked_for_its_size_is_too_much(void **state)
{
	(void)state;
	as_script(plant_an_unsearchable_directory);
	assert_true(measured(NO_LIMIT) > NO_LIMIT);
	expect_swept();
}

static void a_closed_top_hides_nothing(void **state)
{
	(void)state;
	as_script(close_the_top);
	assert_int_equal(swept(), 0);
	assert_int_equal(names_in(work), 0);
}

static void plant_many_directories(void)
{
	char name[32];

	for (int i = 0; i < DIRECTORIES; i++) {
		snprintf(name, sizeof name, "%d", i);
		CHILD_CHECK(mkdir(name, 0755) == 0);
		snprintf(name, sizeof name, "%d/f", i);
		write_file(name, 0);
	}
}

static void a_directory_full_of_directories(void **state)
{
	(void)state;
	as_script(plant_many_directories);
	assert_true(measured(NO_LIMIT) >= (uint64_t)2 * DIRECTORIES * ENTRY);
	expect_swept();
}

static void a_missing_directory_is_too_much(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "%s/missing", work);
	assert_true(measured(NO_LIMIT) > NO_LIMIT);
	assert_int_not_equal(swept(), 0);
}

/* ---- while a script is at work ----------------------------------------------------------------------------------------------- */

/*
 * What a script does at the worst moment, in the child that measures: after the name was looked at and before it is opened;
 * or after it could not be opened.
 */
static void (*meanwhile)(int fd);
static void (*afterwards)(int fd);

int openat(int fd, const char *name, int flags, ...)
{
	int opened;

	assert_false(flags & O_CREAT);
	if (meanwhile && strcmp(name, "d") == 0)
		meanwhile(fd);
	opened = (int)syscall(SYS_openat, fd, name, flags);
	if (afterwards && opened < 0 && strcmp(name, "d") == 0) {
		int error = errno;
		void (*change)(int) = afterwards;

		afterwards = NULL;
		change(fd);
		errno = error;
	}
	return opened;
}

static uint64_t measured_while(void (*changes)(int))
{
	uint64_t bytes;

	meanwhile = changes;
	bytes = measured(NO_LIMIT);
	meanwhile = NULL;
	return bytes;
}

static void plant_one_directory(void)
{
	CHILD_CHECK(mkdir("d", 0755) == 0);
	write_file("f", MEGABYTES(1));
}

static void remove_it(int fd)
{
	CHILD_CHECK(unlinkat(fd, "d", AT_REMOVEDIR) == 0);
}

/* tempfile.TemporaryDirectory, say: no reason to end a job. */
static void a_directory_that_vanishes_is_nothing(void **state)
{
	(void)state;
	as_script(plant_one_directory);
	assert_in_range(measured_while(remove_it), MEGABYTES(1), MEGABYTES(2));
	expect_swept();
}

static void make_it_a_link(int fd)
{
	remove_it(fd);
	CHILD_CHECK(symlinkat("../outside", fd, "d") == 0);
}

static void make_it_a_pipe(int fd)
{
	remove_it(fd);
	CHILD_CHECK(mkfifoat(fd, "d", 0644) == 0);
}

static void a_directory_that_changes_is_too_much(void **state)
{
	static void (*const changes[])(int) = { make_it_a_link, make_it_a_pipe };

	(void)state;
	as_script(plant_outside);
	for (size_t i = 0; i < ROWS(changes); i++) {
		as_script(plant_one_directory);
		assert_true(measured_while(changes[i]) > NO_LIMIT);
		expect_swept();
	}
	assert_true(is_outside_whole());
	as_script(unplant_outside);
}

static void swap_for_a_link(int fd)
{
	CHILD_CHECK(renameat(fd, "d", fd, "e") == 0 && symlinkat("../outside", fd, "d") == 0);
}

/* Who measures may do more than the script (one_process.c), so it must not change the mode of what the script points at. */
static void a_closed_directory_that_becomes_a_link_opens_nothing(void **state)
{
	(void)state;
	as_script(plant_outside);
	as_script(plant_a_closed_directory);
	assert_int_equal(chmod(outside, 0711), 0);
	afterwards = swap_for_a_link;
	(void)measured(NO_LIMIT);
	afterwards = NULL;
	expect_swept();
	expect_mode(outside, 0711);
	as_script(unplant_outside);
}

/* ---- what hinders the service, and what hinders a job ---------------------------------------------------------------------- */

/* Without a descriptor there is no pair for it, so that no process is made. */
static void try_without_descriptors(void)
{
	const struct jail_job job = job_with(MEGABYTES(1));
	struct jail jail = { .places = { .work_fd = open(work, O_RDONLY | O_DIRECTORY | O_CLOEXEC), .shm_fd = -1 } };
	struct sweep sweep;

	CHILD_CHECK(jail.places.work_fd >= 0);
	sweep_clear(&sweep);
	sweep_begin(&jail, &sweep);
	sweep.free_bytes[0] += MEGABYTES(4); /* as if others had written much since the last time */
	CHILD_CHECK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 0, 0 }) == 0);
	for (int tick = 0; tick < 9; tick++)
		CHILD_CHECK(sweep_measure(&jail, &job, &sweep, io_now_us()) && sweep.due);
	sweep.first_free_bytes[0] += MEGABYTES(64);
	for (int tick = 0; tick < 2; tick++)
		CHILD_CHECK(sweep_measure(&jail, &job, &sweep, io_now_us()));
	CHILD_CHECK(!sweep_measure(&jail, &job, &sweep, io_now_us()));
}

static void no_process_for_it_is_no_jobs_doing(void **state)
{
	(void)state;
	as_script(try_without_descriptors);
}

static pid_t start_and_stop(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		(void)raise(SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	return pid;
}

/* Killed at the next tick, and nothing was heard of it. */
static void who_measures_and_is_stopped_was_hindered(void **state)
{
	const struct jail jail = { .places = { .work_fd = -1, .shm_fd = -1 } };
	const struct jail_job job = job_with(MEGABYTES(1));
	struct sweep sweep;

	(void)state;
	sweep_clear(&sweep);
	for (int time = 0; time < 3; time++) {
		int pair[2], status;

		assert_true(sweep_measure(&jail, &job, &sweep, 1));
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
		sweep.report_fd = pair[0];
		sweep.measurer = start_and_stop();
		close(pair[1]);
		assert_true(sweep_measure(&jail, &job, &sweep, 1));
		assert_int_equal(kill(sweep.measurer, SIGCONT),
				 0); /* or it would stay there for ever, if it was spared */
		status = wait_for(sweep.measurer);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		assert_true(sweep_reaped(&sweep, sweep.measurer));
	}
	assert_false(sweep_measure(&jail, &job, &sweep, 1));
}

int main(void)
{
#define IN_A_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directories, remove_directories)
	const struct CMUnitTest tests[] = {
		IN_A_DIRECTORY(an_empty_directory_is_empty),
		IN_A_DIRECTORY(bytes_are_counted_at_every_level),
		IN_A_DIRECTORY(empty_files_count),
		IN_A_DIRECTORY(holes_do_not_count),
		IN_A_DIRECTORY(links_are_not_followed),
		IN_A_DIRECTORY(hard_links_do_not_hide_anything),
		IN_A_DIRECTORY(odd_names_and_pipes_are_no_obstacle),
		IN_A_DIRECTORY(depth_is_too_much_and_goes_away),
		IN_A_DIRECTORY(what_programs_do_is_not_too_deep),
		IN_A_DIRECTORY(closed_directories_hide_nothing),
		IN_A_DIRECTORY(what_cannot_be_asked_for_its_size_is_too_much),
		IN_A_DIRECTORY(a_closed_top_hides_nothing),
		IN_A_DIRECTORY(a_directory_full_of_directories),
		IN_A_DIRECTORY(a_missing_directory_is_too_much),
		IN_A_DIRECTORY(a_directory_that_vanishes_is_nothing),
		IN_A_DIRECTORY(a_directory_that_changes_is_too_much),
		IN_A_DIRECTORY(a_closed_directory_that_becomes_a_link_opens_nothing),
		IN_A_DIRECTORY(no_process_for_it_is_no_jobs_doing),
		IN_A_DIRECTORY(who_measures_and_is_stopped_was_hindered),
	};

	return cmocka_run_group_tests_name("sweep", tests, NULL, NULL);
}
