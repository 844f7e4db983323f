/* SPDX-License-Identifier: MIT */
/* preload/shm.c, in a directory of its own: names and errors as in the man pages, semaphores between threads and
   processes, and no file left behind. Children say what they saw by their exit status: 0, or the line that failed. */
#define _GNU_SOURCE
#define SHM_PARENT "." /* the working directory, which is made for these tests */
#include "../../src/preload/shm.c"

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "child.h"

enum { DEADLINE_SECONDS = 20, RACERS = 50, ROUNDS = 5, TURNS = 10000, FORKS = 300 };
enum { OTHER_UID = 60601, DESCRIPTORS_LOOKED_AT = 256 };

static char parent[] = "/tmp/test_shm.XXXXXX", outer[DIGITS], own[DIGITS + sizeof "/" JOB_FOLDER];

static int descriptors_at_first;

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < DESCRIPTORS_LOOKED_AT; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static int make_directory(void **state)
{
	(void)state;
	descriptors_at_first = open_descriptors();
	snprintf(outer, sizeof outer, "%u", getuid());
	snprintf(own, sizeof own, "%s/" JOB_FOLDER, outer);
	umask(022);
	return mkdtemp(parent) && chdir(parent) == 0 && mkdir(outer, 0700) == 0 ? mkdir(own, 0700) : -1;
}

/* Fails, as rmdir(2) does, if a test left anything. */
static int remove_directory(void **state)
{
	(void)state;
	return rmdir(own) == 0 && rmdir(outer) == 0 && chdir("/") == 0 ? rmdir(parent) : -1;
}

static int files(void)
{
	DIR *stream = opendir(own);
	int count = -2; /* . and .. */

	assert_non_null(stream);
	while (readdir(stream))
		count++;
	closedir(stream);
	return count;
}

/* After each test: no file, nothing mapped, no descriptor. */
static int nothing_is_left(void **state)
{
	(void)state;
	return files() == 0 && !mappings && open_descriptors() == descriptors_at_first ? 0 : -1;
}

static void own_file(char path[static PATH_BYTES], const char *name)
{
	snprintf(path, PATH_BYTES, "%s/%s", own, name);
}

/* A child that hangs is killed by its alarm, which is no exit with 0. */
static pid_t start_child(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		alarm(DEADLINE_SECONDS);
	return pid;
}

static void expect_success(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	check(!WIFSIGNALED(status), "a child died by signal %d", WTERMSIG(status));
	check(WEXITSTATUS(status) == 0, "a child failed: line %% 251 + 1 is %d", WEXITSTATUS(status));
}

static int wait_with_deadline(sem_t *semaphore)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += DEADLINE_SECONDS;
	return sem_timedwait(semaphore, &end);
}

static int value_of(sem_t *semaphore)
{
	int value = -1;

	assert_int_equal(sem_getvalue(semaphore, &value), 0);
	return value;
}

static sem_t *opened(const char *name, int flags, unsigned int value)
{
	sem_t *semaphore = sem_open(name, flags, 0600, value);

	check(semaphore != SEM_FAILED, "sem_open %s: %s", name, strerror(errno));
	return semaphore;
}

#define FAILS(call, failed, expected)                                                                                  \
	do {                                                                                                           \
		errno = 0;                                                                                             \
		check((call) == (failed), "%s: succeeded", #call);                                                     \
		check(errno == (expected), "%s: %s", #call, strerror(errno));                                          \
	} while (0)

static void names_that_are_refused(void **state)
{
	static char long_name[6000], long_path[6000];
	const struct {
		const char *name;
		int error;
	} rows[] = {
		{ "", EINVAL },
		{ "/", EINVAL },
		{ "///", EINVAL },
		{ "a/b", EINVAL },
		{ "/a/", EINVAL },
		{ "/../a", EINVAL },
		{ long_path, EINVAL },
		{ long_name, ENAMETOOLONG },
	};

	(void)state;
	memset(long_name, 'x', sizeof long_name - 1);
	memset(long_path, 'x', sizeof long_path - 1);
	long_path[3000] = '/';
	for (size_t i = 0; i < ROWS(rows); i++) {
		FAILS(shm_open(rows[i].name, O_CREAT | O_RDWR, 0600), -1, rows[i].error);
		FAILS(shm_unlink(rows[i].name), -1, rows[i].error == EINVAL ? ENOENT : rows[i].error);
		FAILS(sem_open(rows[i].name, O_CREAT, 0600, 0), SEM_FAILED, rows[i].error);
		FAILS(sem_unlink(rows[i].name), -1, rows[i].error == EINVAL ? ENOENT : rows[i].error);
	}
}

/* "sem." belongs to the name of a file, which may have NAME_MAX bytes. */
static void names_at_their_bound(void **state)
{
	char name[NAME_MAX + 2];
	sem_t *semaphore;

	(void)state;
	memset(name, 'y', sizeof name);
	name[NAME_MAX + 1] = '\0';
	FAILS(shm_open(name, O_CREAT | O_RDWR, 0600), -1, ENAMETOOLONG);
	name[NAME_MAX] = '\0';
	close(shm_open(name, O_CREAT | O_RDWR, 0600));
	assert_int_equal(shm_unlink(name), 0);
	name[NAME_MAX - 3] = '\0';
	FAILS(sem_open(name, O_CREAT, 0600, 0), SEM_FAILED, ENAMETOOLONG);
	FAILS(sem_unlink(name), -1, ENAMETOOLONG);
	name[NAME_MAX - 4] = '\0';
	semaphore = opened(name, O_CREAT, 0);
	assert_int_equal(sem_unlink(name), 0);
	assert_int_equal(sem_close(semaphore), 0);
}

static void files_are_in_the_directory_of_the_uid(void **state)
{
	char path[PATH_BYTES];
	struct stat file;
	sem_t *semaphore;

	(void)state;
	setenv("UID", "0", 1);
	setenv("TMPDIR", "/nowhere", 1);
	close(shm_open("//memory", O_CREAT | O_RDWR, 0600));
	own_file(path, "memory");
	assert_int_equal(stat(path, &file), 0);
	semaphore = opened("/semaphore", O_CREAT, 0);
	own_file(path, "sem.semaphore");
	assert_int_equal(stat(path, &file), 0);
	assert_int_equal(file.st_size, sizeof(sem_t));
	assert_int_equal(files(), 2);
	assert_int_equal(shm_unlink("memory"), 0);
	assert_int_equal(sem_unlink("///semaphore"), 0);
	assert_int_equal(sem_close(semaphore), 0);
}

/* The uid of now counts, not that of the start. Needs root. */
static void another_uid_has_another_directory(void **state)
{
	struct stat file;
	pid_t pid;

	(void)state;
	if (getuid() != 0)
		skip();
	assert_int_equal(chmod(parent, 0711), 0);
	assert_int_equal(mkdir("60601", 0711), 0);
	assert_int_equal(mkdir("60601/job", 0700), 0);
	assert_int_equal(chown("60601/job", OTHER_UID, OTHER_UID), 0);
	pid = start_child();
	if (pid == 0) {
		CHILD_CHECK(setresuid(OTHER_UID, OTHER_UID, OTHER_UID) == 0);
		CHILD_CHECK(sem_open("theirs", O_CREAT | O_EXCL, 0600, 0) != SEM_FAILED);
		CHILD_CHECK(stat("60601/job/sem.theirs", &file) == 0 && file.st_uid == OTHER_UID);
		CHILD_CHECK(sem_unlink("theirs") == 0);
		_exit(0);
	}
	expect_success(pid);
	assert_int_equal(rmdir("60601/job"), 0);
	assert_int_equal(rmdir("60601"), 0);
}

/* unlink(2) says EPERM in a sticky directory; the man pages of both know EACCES only. Needs root. */
static void what_is_anothers_cannot_be_unlinked(void **state)
{
	pid_t pid;

	(void)state;
	if (getuid() != 0)
		skip();
	assert_int_equal(mkdir("60601", 0711), 0);
	assert_int_equal(mkdir("60601/job", 0700), 0);
	assert_int_equal(mknod("60601/job/sem.ours", S_IFREG | 0644, 0), 0);
	assert_int_equal(chmod("60601/job", 01777), 0);
	pid = start_child();
	if (pid == 0) {
		CHILD_CHECK(setresuid(OTHER_UID, OTHER_UID, OTHER_UID) == 0);
		CHILD_CHECK(sem_unlink("ours") == -1 && errno == EACCES);
		CHILD_CHECK(shm_unlink("sem.ours") == -1 && errno == EACCES);
		CHILD_CHECK(shm_open("sem.ours", O_RDWR, 0) == -1 && errno == EACCES);
		CHILD_CHECK(sem_open("ours", O_CREAT, 0600, 0) == SEM_FAILED && errno == EACCES);
		_exit(0);
	}
	expect_success(pid);
	assert_int_equal(unlink("60601/job/sem.ours"), 0);
	assert_int_equal(rmdir("60601/job"), 0);
	assert_int_equal(rmdir("60601"), 0);
}

static void shared_memory_is_an_ordinary_file(void **state)
{
	int fd = shm_open("/m", O_CREAT | O_EXCL | O_RDWR, 0666), again, lowest = dup(0);
	struct stat file;
	char byte = 0;

	(void)state;
	assert_true(fd >= 0);
	close(lowest);
	again = shm_open("m", O_RDONLY, 0);
	assert_int_equal(again, lowest); /* the lowest free one, as POSIX wants */
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE), O_RDWR);
	assert_int_equal(fcntl(again, F_GETFL) & O_ACCMODE, O_RDONLY);
	assert_int_equal(fstat(fd, &file), 0);
	assert_int_equal(file.st_mode & 0777, 0644); /* masked by the umask */
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(read(again, &byte, 1), 1);
	assert_int_equal(byte, 'x');
	FAILS(shm_open("/m", O_CREAT | O_EXCL | O_RDWR, 0600), -1, EEXIST);
	close(shm_open("/m", O_RDWR | O_TRUNC, 0));
	assert_int_equal(fstat(fd, &file), 0);
	assert_int_equal(file.st_size, 0);
	assert_int_equal(shm_unlink("/m"), 0);
	FAILS(shm_unlink("/m"), -1, ENOENT);
	FAILS(shm_open("/m", O_RDWR, 0), -1, ENOENT);
	assert_int_equal(write(fd, "y", 1), 1); /* it lives on without its name */
	close(fd);
	close(again);
}

static void what_is_no_object_is_refused(void **state)
{
	char path[PATH_BYTES];
	const char *const names[] = { "folder", "sem.folder", "link", "sem.link", "sem.fifo" };

	(void)state;
	own_file(path, "folder");
	assert_int_equal(mkdir(path, 0700), 0);
	own_file(path, "sem.folder");
	assert_int_equal(mkdir(path, 0700), 0);
	own_file(path, "link");
	assert_int_equal(symlink("/etc/passwd", path), 0);
	own_file(path, "sem.link");
	assert_int_equal(symlink("nowhere", path), 0);
	own_file(path, "sem.fifo");
	assert_int_equal(mkfifo(path, 0600), 0);
	FAILS(shm_open("folder", O_RDWR, 0), -1, EINVAL);
	FAILS(sem_open("folder", O_CREAT, 0600, 0), SEM_FAILED, EINVAL);
	FAILS(shm_open("link", O_RDONLY, 0), -1, ELOOP);
	FAILS(sem_open("link", O_CREAT, 0600, 0), SEM_FAILED, ELOOP);
	FAILS(sem_open("link", O_CREAT | O_EXCL, 0600, 0), SEM_FAILED, EEXIST);
	FAILS(sem_open("fifo", 0), SEM_FAILED, EINVAL);
	for (size_t i = 0; i < ROWS(names); i++) {
		own_file(path, names[i]);
		assert_int_equal(remove(path), 0);
	}
}

static void a_file_of_another_size_is_no_semaphore(void **state)
{
	const off_t sizes[] = { 0, 1, sizeof(sem_t) - 1, sizeof(sem_t) + 1, 4096 };

	(void)state;
	for (size_t i = 0; i < ROWS(sizes); i++) {
		int fd = shm_open("sem.odd", O_CREAT | O_RDWR, 0600);

		assert_int_equal(ftruncate(fd, sizes[i]), 0);
		close(fd);
		FAILS(sem_open("odd", 0), SEM_FAILED, EINVAL);
		FAILS(sem_open("odd", O_CREAT, 0600, 0), SEM_FAILED, EINVAL);
		assert_int_equal(sem_unlink("odd"), 0);
	}
}

static void creation_and_exclusion(void **state)
{
	sem_t *first, *second;

	(void)state;
	FAILS(sem_open("s", 0), SEM_FAILED, ENOENT);
	FAILS(sem_open("s", O_EXCL), SEM_FAILED, ENOENT);
	FAILS(sem_unlink("s"), -1, ENOENT);
	FAILS(sem_open("s", O_CREAT, 0600, (unsigned int)SEM_VALUE_MAX + 1), SEM_FAILED, EINVAL);
	FAILS(sem_open("s", O_CREAT | O_EXCL, 0600, UINT_MAX), SEM_FAILED, EINVAL);
	assert_int_equal(files(), 0);
	first = opened("s", O_CREAT | O_EXCL, SEM_VALUE_MAX);
	assert_int_equal(value_of(first), SEM_VALUE_MAX);
	FAILS(sem_open("s", O_CREAT | O_EXCL, 0600, 1), SEM_FAILED, EEXIST);
	second = opened("s", O_CREAT, UINT_MAX); /* it exists: mode and value do not count */
	assert_int_equal(value_of(second), SEM_VALUE_MAX);
	assert_int_equal(files(), 1);
	assert_int_equal(sem_close(first), 0);
	assert_int_equal(sem_close(second), 0);
	assert_int_equal(sem_unlink("s"), 0);
}

static void the_mode_is_masked(void **state)
{
	const mode_t modes[][2] = { { 0666, 0644 }, { 0600, 0600 }, { 0, 0 } };
	char path[PATH_BYTES];
	struct stat file;

	(void)state;
	own_file(path, "sem.s");
	for (size_t i = 0; i < ROWS(modes); i++) {
		sem_t *semaphore = sem_open("s", O_CREAT | O_EXCL, modes[i][0], 0);

		assert_ptr_not_equal(semaphore, SEM_FAILED);
		assert_int_equal(stat(path, &file), 0);
		assert_int_equal(file.st_mode & 07777, modes[i][1]);
		assert_int_equal(sem_close(semaphore), 0);
		assert_int_equal(sem_unlink("s"), 0);
	}
}

static void the_value_stays_when_all_have_closed(void **state)
{
	sem_t *semaphore = opened("s", O_CREAT, 5);

	(void)state;
	assert_int_equal(sem_post(semaphore), 0);
	assert_int_equal(sem_close(semaphore), 0);
	assert_null(mappings);
	semaphore = opened("/s", 0, 0);
	assert_int_equal(value_of(semaphore), 6);
	assert_int_equal(sem_trywait(semaphore), 0);
	assert_int_equal(sem_close(semaphore), 0);
	semaphore = opened("s", O_CREAT, 100);
	assert_int_equal(value_of(semaphore), 5);
	assert_int_equal(sem_close(semaphore), 0);
	assert_int_equal(sem_unlink("s"), 0);
}

static void one_address_until_the_last_close(void **state)
{
	sem_t *semaphore = opened("s", O_CREAT, 1), *other = opened("t", O_CREAT, 1), unknown;
	void *page = (void *)semaphore;
	int (*volatile close_anything)(sem_t *) = sem_close; /* the header forbids NULL, but scripts do not read it */

	(void)state;
	assert_ptr_not_equal(semaphore, other);
	assert_ptr_equal(opened("/s", 0, 0), semaphore);
	assert_ptr_equal(opened("//s", O_CREAT, 9), semaphore);
	assert_int_equal(sem_close(semaphore), 0);
	assert_int_equal(sem_close(semaphore), 0);
	assert_int_equal(value_of(semaphore), 1);
	assert_int_equal(msync(page, 1, MS_ASYNC), 0);
	assert_int_equal(sem_close(semaphore), 0);
	FAILS(msync(page, 1, MS_ASYNC), -1, ENOMEM); /* not mapped any more */
	FAILS(sem_close(semaphore), -1, EINVAL);
	FAILS(sem_close(&unknown), -1, EINVAL);
	FAILS(close_anything(NULL), -1, EINVAL);
	FAILS(sem_close(other + 1), -1, EINVAL);
	assert_int_equal(sem_close(other), 0);
	assert_int_equal(sem_unlink("s"), 0);
	assert_int_equal(sem_unlink("t"), 0);
}

static void unlinked_while_open(void **state)
{
	sem_t *old = opened("s", O_CREAT, 1), *new;

	(void)state;
	assert_int_equal(sem_unlink("s"), 0);
	FAILS(sem_open("s", 0), SEM_FAILED, ENOENT);
	new = opened("s", O_CREAT | O_EXCL, 7);
	assert_ptr_not_equal(new, old);
	assert_int_equal(sem_post(old), 0);
	assert_int_equal(value_of(old), 2);
	assert_int_equal(value_of(new), 7);
	assert_int_equal(sem_close(old), 0);
	assert_ptr_equal(opened("s", 0, 0), new);
	assert_int_equal(sem_close(new), 0);
	assert_int_equal(sem_close(new), 0);
	assert_int_equal(sem_unlink("s"), 0);
}

static void without_the_directory(void **state)
{
	(void)state;
	assert_int_equal(rmdir(own), 0);
	FAILS(shm_open("m", O_CREAT | O_RDWR, 0600), -1, ENOENT);
	FAILS(shm_unlink("m"), -1, ENOENT);
	FAILS(sem_open("s", 0), SEM_FAILED, ENOENT);
	FAILS(sem_open("s", O_CREAT, 0600, 0), SEM_FAILED, ENOENT);
	FAILS(sem_open("s", O_CREAT | O_EXCL, 0600, 0), SEM_FAILED, ENOENT);
	FAILS(sem_unlink("s"), -1, ENOENT);
	FAILS(rmdir(own), -1, ENOENT); /* nobody made it again */
	assert_int_equal(mkdir(own, 0700), 0);
}

/* A limit hits in a child. Its mappings and files must be as before, and the error must be the one of the limit. */
static void a_failure_leaves_nothing(void **state)
{
	const struct {
		int resource;
		rlim_t most;
		int error;
	} rows[] = {
		{ RLIMIT_NOFILE, 0, EMFILE },
		{ RLIMIT_FSIZE, 0, EFBIG },
		{ RLIMIT_FSIZE, sizeof(sem_t) - 1, ENOSPC }, /* a short write */
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		pid_t pid = start_child();

		if (pid == 0) {
			signal(SIGXFSZ, SIG_IGN);
			CHILD_CHECK(setrlimit(rows[i].resource, &(struct rlimit){ rows[i].most, rows[i].most }) == 0);
			CHILD_CHECK(sem_open("s", O_CREAT, 0600, 0) == SEM_FAILED && errno == rows[i].error);
			CHILD_CHECK(sem_open("s", O_CREAT | O_EXCL, 0600, 0) == SEM_FAILED && errno == rows[i].error);
			CHILD_CHECK(!mappings);
			_exit(0);
		}
		expect_success(pid);
		assert_int_equal(files(), 0);
	}
}

/* Files with the names that the next drafts of this process would have. */
static void take_draft_names(unsigned long first, unsigned long count)
{
	char name[NAME_MAX];

	for (unsigned long i = first; i < first + count; i++) {
		snprintf(name, sizeof name, ".draft.%d.%lu", (int)getpid(), i);
		close(shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600));
	}
	assert_int_equal(files(), count);
}

/* Each must be there still. */
static void give_draft_names_back(unsigned long first, unsigned long count)
{
	char name[NAME_MAX];

	for (unsigned long i = first; i < first + count; i++) {
		snprintf(name, sizeof name, ".draft.%d.%lu", (int)getpid(), i);
		check(shm_unlink(name) == 0, "%s was not left alone", name);
	}
}

static void names_of_drafts_that_are_taken(void **state)
{
	unsigned long next = drafts;
	sem_t *semaphore;

	(void)state;
	take_draft_names(next, DRAFT_TRIES);
	FAILS(sem_open("s", O_CREAT, 0600, 0), SEM_FAILED, EAGAIN);
	give_draft_names_back(next, DRAFT_TRIES);
	next = drafts;
	take_draft_names(next, DRAFT_TRIES - 1);
	semaphore = opened("s", O_CREAT | O_EXCL, 0);
	give_draft_names_back(next, DRAFT_TRIES - 1);
	assert_int_equal(sem_close(semaphore), 0);
	assert_int_equal(sem_unlink("s"), 0);
}

static void a_post_in_a_child_wakes_its_parent(void **state)
{
	sem_t *down = opened("down", O_CREAT | O_EXCL, 0), *up = opened("up", O_CREAT | O_EXCL, 0);
	pid_t pid = start_child();

	(void)state;
	if (pid == 0) {
		CHILD_CHECK(wait_with_deadline(down) == 0);
		CHILD_CHECK(sem_open("down", 0) == down); /* inherited */
		CHILD_CHECK(sem_close(down) == 0 && sem_close(down) == 0);
		CHILD_CHECK(sem_close(down) == -1 && errno == EINVAL);
		CHILD_CHECK(sem_close(up) == 0);
		CHILD_CHECK((up = sem_open("up", 0)) != SEM_FAILED); /* by its name alone */
		CHILD_CHECK(sem_post(up) == 0);
		_exit(0);
	}
	assert_int_equal(sem_post(down), 0);
	assert_int_equal(wait_with_deadline(up), 0);
	expect_success(pid);
	assert_int_equal(value_of(down), 0);
	assert_int_equal(sem_close(down), 0); /* the child closed its own only */
	assert_int_equal(sem_close(up), 0);
	assert_int_equal(sem_unlink("down"), 0);
	assert_int_equal(sem_unlink("up"), 0);
}

/* Processes that wait for one another, to begin at once: the gate is a pipe that is closed. */
static void race(int racers, void (*run)(void))
{
	pid_t pids[RACERS];
	int gate[2];

	assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
	for (int i = 0; i < racers; i++) {
		char byte;

		pids[i] = start_child();
		if (pids[i] > 0)
			continue;
		close(gate[1]);
		CHILD_CHECK(read(gate[0], &byte, 1) == 0);
		run();
		_exit(0);
	}
	close(gate[0]);
	close(gate[1]);
	for (int i = 0; i < racers; i++)
		expect_success(pids[i]);
}

static void create_and_post(void)
{
	sem_t *semaphore = sem_open("raced", O_CREAT, 0600, 0);

	CHILD_CHECK(semaphore != SEM_FAILED);
	CHILD_CHECK(sem_post(semaphore) == 0);
}

static void fifty_processes_make_one_semaphore(void **state)
{
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		sem_t *semaphore;

		race(RACERS, create_and_post);
		semaphore = opened("raced", 0, 0);
		assert_int_equal(value_of(semaphore), RACERS);
		assert_int_equal(files(), 1);
		assert_int_equal(sem_close(semaphore), 0);
		assert_int_equal(sem_unlink("raced"), 0);
	}
}

static void create_alone(void)
{
	sem_t *count = sem_open("winners", 0);

	CHILD_CHECK(count != SEM_FAILED);
	if (sem_open("raced", O_CREAT | O_EXCL, 0600, 0) != SEM_FAILED)
		CHILD_CHECK(sem_post(count) == 0);
	else
		CHILD_CHECK(errno == EEXIST);
}

static void one_of_fifty_is_the_first(void **state)
{
	sem_t *winners = opened("winners", O_CREAT | O_EXCL, 0);

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		race(RACERS, create_alone);
		assert_int_equal(value_of(winners), round + 1);
		assert_int_equal(sem_unlink("raced"), 0);
	}
	assert_int_equal(sem_close(winners), 0);
	assert_int_equal(sem_unlink("winners"), 0);
}

/* What a process left that was killed in the middle. */
static void remove_files(void)
{
	DIR *stream = opendir(own);

	for (struct dirent *entry; (entry = readdir(stream));)
		unlinkat(dirfd(stream), entry->d_name, 0); /* . and .. stay */
	closedir(stream);
}

/* One process makes and unlinks it all the time; who looks finds all of it or nothing. */
static void nobody_sees_half_a_semaphore(void **state)
{
	const time_t end = time(NULL) + DEADLINE_SECONDS / 2;
	pid_t pid = start_child();
	int found = 0;

	(void)state;
	if (pid == 0)
		for (;;) {
			sem_t *semaphore = sem_open("s", O_CREAT | O_EXCL, 0600, 7);

			CHILD_CHECK(semaphore != SEM_FAILED);
			CHILD_CHECK(sem_close(semaphore) == 0 && sem_unlink("s") == 0);
		}
	while (found < TURNS && time(NULL) < end) { /* on a busy machine it finds fewer */
		sem_t *semaphore = sem_open("s", 0);

		if (semaphore == SEM_FAILED) {
			assert_int_equal(errno, ENOENT);
			sched_yield();
			continue;
		}
		assert_int_equal(value_of(semaphore), 7);
		assert_int_equal(sem_close(semaphore), 0);
		found++;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(found > 0);
	remove_files();
}

static atomic_bool stop;
static atomic_int wrong;

/* Opens and closes one name; while it has it open, a second sem_open must give the same address. */
static void *open_and_close(void *name)
{
	for (int turn = 0; turn < TURNS && !stop; turn++) {
		sem_t *first = sem_open(name, O_CREAT, 0600, 0), *second = sem_open(name, O_CREAT, 0600, 0);

		wrong += first == SEM_FAILED || first != second || sem_post(first) != 0;
		wrong += sem_close(second) != 0 || sem_close(first) != 0;
	}
	return NULL;
}

static void two_threads(void **state)
{
	pthread_t threads[2];
	sem_t *semaphore;

	(void)state;
	stop = false;
	wrong = 0;
	for (size_t i = 0; i < ROWS(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, open_and_close, "threads"), 0);
	for (size_t i = 0; i < ROWS(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(wrong, 0);
	assert_null(mappings); /* every one was closed as often as opened */
	semaphore = opened("threads", 0, 0);
	assert_int_equal(value_of(semaphore), 2 * TURNS);
	assert_int_equal(sem_close(semaphore), 0);
	assert_int_equal(sem_unlink("threads"), 0);
}

static void *open_and_close_until_told(void *name)
{
	while (!stop)
		open_and_close(name);
	return NULL;
}

/* The other thread has the lock most of the time; no child may inherit it locked. */
static void forks_beside_a_thread(void **state)
{
	sem_t *inherited = opened("inherited", O_CREAT, 0);
	pthread_t thread;

	(void)state;
	stop = false;
	wrong = 0;
	assert_int_equal(pthread_create(&thread, NULL, open_and_close_until_told, "busy"), 0);
	for (int i = 0; i < FORKS; i++) {
		pid_t pid = start_child();

		if (pid == 0) {
			alarm(2);
			CHILD_CHECK(sem_open("inherited", 0) == inherited);
			CHILD_CHECK(sem_post(inherited) == 0);
			CHILD_CHECK(sem_close(inherited) == 0);
			_exit(0);
		}
		expect_success(pid);
	}
	stop = true;
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(wrong, 0);
	assert_int_equal(value_of(inherited), FORKS);
	assert_int_equal(sem_close(inherited), 0);
	assert_int_equal(sem_unlink("inherited"), 0);
	assert_int_equal(sem_unlink("busy"), 0);
}

struct opened_objects {
	int fd;
	sem_t *semaphore;
};

static void *open_when_cancelled(void *to_fill)
{
	struct opened_objects *objects = to_fill;

	pthread_cancel(pthread_self());
	objects->fd = shm_open("m", O_CREAT | O_RDWR, 0600);
	objects->semaphore = sem_open("s", O_CREAT, 0600, 0);
	pthread_testcancel();
	return NULL;
}

/* A descriptor or a mapping would be lost if a thread could end at the open(2) within. */
static void no_thread_is_cancelled_within(void **state)
{
	struct opened_objects objects = { -1, SEM_FAILED };
	pthread_t thread;
	void *result;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, open_when_cancelled, &objects), 0);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_ptr_equal(result, PTHREAD_CANCELED); /* only afterwards */
	assert_int_equal(close(objects.fd), 0);
	assert_int_equal(sem_close(objects.semaphore), 0);
	assert_int_equal(sem_unlink("s"), 0);
	assert_int_equal(shm_unlink("m"), 0);
}

static void dev_shm_itself_has_no_room(void **state)
{
	struct statvfs info;
	struct statvfs64 info64;

	(void)state;
	assert_int_equal(statvfs(SHM_PARENT, &info), 0);
	assert_int_equal(info.f_bavail, 0);
	assert_true(info.f_blocks > 0);
	assert_int_equal(statvfs64(SHM_PARENT, &info64), 0);
	assert_int_equal(info64.f_bavail, 0);
	assert_int_equal(statvfs("..", &info), 0);
	assert_true(info.f_bavail > 0);
	errno = 0;
	assert_int_equal(statvfs("/nowhere/at/all", &info), -1);
	assert_int_equal(errno, ENOENT);
}

#define CLEAN(test) cmocka_unit_test_teardown(test, nothing_is_left)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLEAN(names_that_are_refused),
		CLEAN(names_at_their_bound),
		CLEAN(files_are_in_the_directory_of_the_uid),
		CLEAN(another_uid_has_another_directory),
		CLEAN(what_is_anothers_cannot_be_unlinked),
		CLEAN(shared_memory_is_an_ordinary_file),
		CLEAN(what_is_no_object_is_refused),
		CLEAN(a_file_of_another_size_is_no_semaphore),
		CLEAN(creation_and_exclusion),
		CLEAN(the_mode_is_masked),
		CLEAN(the_value_stays_when_all_have_closed),
		CLEAN(one_address_until_the_last_close),
		CLEAN(unlinked_while_open),
		CLEAN(without_the_directory),
		CLEAN(a_failure_leaves_nothing),
		CLEAN(names_of_drafts_that_are_taken),
		CLEAN(a_post_in_a_child_wakes_its_parent),
		CLEAN(fifty_processes_make_one_semaphore),
		CLEAN(one_of_fifty_is_the_first),
		CLEAN(nobody_sees_half_a_semaphore),
		CLEAN(two_threads),
		CLEAN(forks_beside_a_thread),
		CLEAN(no_thread_is_cancelled_within),
		CLEAN(dev_shm_itself_has_no_room),
	};

	return cmocka_run_group_tests_name("shm", tests, make_directory, remove_directory);
}
