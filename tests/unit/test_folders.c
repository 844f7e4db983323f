/* SPDX-License-Identifier: MIT */
/*
 * jail/folders.c: the private directories of jobs, in a place made for these tests. As root each belongs to the uid of
 * its cell, in one around it that has the cell's name and lets nobody else pass; as an ordinary user the name is a secret.
 * What somebody has put there before is never used. Children say what they saw by their exit status: 0, or the line that
 * failed.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "jail.h"
#include "own.h"

enum { FIRST_UID = 60599, OTHERS = 2 /* of which come before the cells' */, NAMES = 50, NAME_BYTES = 64 };

static char top[32];
static struct jail jail;

static char *path_of(const char *place, const char *name)
{
	static char path[2][128];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof path[turn], "%s/%s%s%s", top, place, name[0] ? "/" : "", name);
	return path[turn];
}

static int make_places(void **state)
{
	(void)state;
	umask(022);
	memset(&jail, 0, sizeof jail);
	snprintf(top, sizeof top, "/tmp/test_folders.XXXXXX");
	if (!mkdtemp(top) || chmod(top, 0711) < 0 || mkdir(path_of("work", ""), 0711) < 0 ||
	    mkdir(path_of("shm", ""), 0711) < 0)
		return -1;
	jail.places.work_fd = open(path_of("work", ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	jail.places.shm_fd = open(path_of("shm", ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(jail.places.work, sizeof jail.places.work, "/seen/from/inside");
	jail.cell_uids = geteuid() == 0;
	jail.first_uid = FIRST_UID;
	jail.outer_uid = geteuid();
	jail.outer_gid = getegid();
	return jail.places.work_fd < 0 || jail.places.shm_fd < 0 ? -1 : 0;
}

/* Fails, as rmdir(2) does, if a test left anything. */
static int remove_places(void **state)
{
	(void)state;
	umask(022);
	fd_close(&jail.places.work_fd);
	fd_close(&jail.places.shm_fd);
	return rmdir(path_of("work", "")) < 0 || rmdir(path_of("shm", "")) < 0 || rmdir(top) < 0 ? -1 : 0;
}

static void need_root(void)
{
	if (geteuid() != 0) {
		print_message("skipped: not root\n");
		skip();
	}
}

/* In its place: "60601/job", or a secret. */
static const char *name_in(const char *path)
{
	const char *slash = strrchr(path, '/');

	while (jail.cell_uids && *--slash != '/')
		;
	return slash + 1;
}

static void expect_directory(const char *place, const char *name, mode_t mode, uid_t uid, gid_t gid)
{
	struct stat info;

	check(lstat(path_of(place, name), &info) == 0, "%s/%s is not there", place, name);
	check(S_ISDIR(info.st_mode) && (info.st_mode & 07777) == mode, "%s/%s: mode %o", place, name, info.st_mode);
	check(info.st_uid == uid && info.st_gid == gid, "%s/%s: of %u:%u, not %u:%u", place, name, info.st_uid,
	      info.st_gid, uid, gid);
}

static void expect_private(const char *place, const char *name, uid_t uid, gid_t gid)
{
	char outer[NAME_BYTES];

	expect_directory(place, name, 0700, uid, gid);
	if (!jail.cell_uids)
		return;
	snprintf(outer, sizeof outer, "%.*s", (int)strcspn(name, "/"), name);
	expect_directory(place, outer, 0710, 0, gid);
}

static void as_root_they_belong_to_their_cells(void **state)
{
	static const uint32_t cells[] = { 0, 1, 17, 1023 };

	(void)state;
	need_root();
	for (size_t i = 0; i < ROWS(cells); i++) {
		const uid_t uid = FIRST_UID + OTHERS + cells[i];
		struct jail_folders folders;
		char wanted[NAME_BYTES];

		assert_int_equal(jail_make_folders(&jail, cells[i], &folders), 0);
		snprintf(wanted, sizeof wanted, "/seen/from/inside/%u/job", uid);
		assert_string_equal(folders.work, wanted);
		snprintf(wanted, sizeof wanted, "/dev/shm/%u/job", uid);
		assert_string_equal(folders.shm, wanted);
		expect_private("work", name_in(folders.work), uid, uid);
		expect_private("shm", name_in(folders.shm), uid, uid);
		assert_int_equal(jail_remove_folders(&jail, &folders), 0);
	}
}

/* As a job is, and its sweeper: uid and gid are one number, there is no other group and no capability. */
static void as_job(uint32_t cell, void (*body)(const char *name), const char *name)
{
	const uid_t uid = jail_uid_of(&jail, cell);
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		umask(022);
		CHILD_CHECK(setgroups(0, NULL) == 0 && setresgid(uid, uid, uid) == 0 && setresuid(uid, uid, uid) == 0);
		body(name);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	check(!WIFSIGNALED(status), "a child died by signal %d", WTERMSIG(status));
	check(WEXITSTATUS(status) == 0, "a child failed: line %% 251 + 1 is %d", WEXITSTATUS(status));
}

static const char *const both_places[] = { "work", "shm" };

static char *in_folder(const char *place, const char *name, const char *file)
{
	static char path[256];

	snprintf(path, sizeof path, "%s/%s", path_of(place, name), file);
	return path;
}

/* It opens whatever it can; around its own directory that is nothing. */
static void open_to_all(const char *name)
{
	for (size_t i = 0; i < ROWS(both_places); i++) {
		const char *place = both_places[i];
		int fd;

		CHILD_CHECK(chdir(path_of(place, name)) == 0);
		CHILD_CHECK(chmod(".", 0777) == 0);
		fd = open("mine", O_WRONLY | O_CREAT | O_EXCL, 0666);
		CHILD_CHECK(fd >= 0 && fchmod(fd, 0666) == 0 && close(fd) == 0);
		CHILD_REFUSED(EPERM, chmod("..", 0777));
		CHILD_REFUSED(EPERM, chown("..", getuid(), (gid_t)-1));
		CHILD_REFUSED(EACCES, open("..", O_RDONLY | O_DIRECTORY));
		CHILD_REFUSED(EACCES, mkdir("../new", 0777));
		CHILD_REFUSED(EACCES, rename("../job", "../other"));
		CHILD_REFUSED(EACCES, rename("../job", "../../other"));
		CHILD_REFUSED(EACCES, rmdir("../job"));
		CHILD_REFUSED(EACCES, symlink("job", "../link"));
	}
}

static void find_nothing(const char *name)
{
	struct stat info;

	for (size_t i = 0; i < ROWS(both_places); i++) {
		const char *place = both_places[i];
		char outer[NAME_BYTES];

		snprintf(outer, sizeof outer, "%.*s", (int)strcspn(name, "/"), name);
		CHILD_REFUSED(EACCES, chdir(path_of(place, outer)));
		CHILD_REFUSED(EACCES, chdir(path_of(place, name)));
		CHILD_REFUSED(EACCES, stat(path_of(place, name), &info));
		CHILD_REFUSED(EACCES, open(path_of(place, outer), O_RDONLY | O_DIRECTORY));
		CHILD_REFUSED(EACCES, open(path_of(place, name), O_RDONLY | O_DIRECTORY));
		CHILD_REFUSED(EACCES, stat(in_folder(place, name, "mine"), &info));
		CHILD_REFUSED(EACCES, open(in_folder(place, name, "mine"), O_RDONLY));
		CHILD_REFUSED(EACCES, open(in_folder(place, name, "mine"), O_RDWR));
		CHILD_REFUSED(EACCES, open(in_folder(place, name, "planted"), O_WRONLY | O_CREAT, 0666));
		CHILD_REFUSED(EACCES, mkdir(in_folder(place, name, "planted"), 0777));
		CHILD_REFUSED(EACCES, unlink(in_folder(place, name, "mine")));
		CHILD_REFUSED(EACCES, rename(in_folder(place, name, "mine"), path_of(place, "mine")));
		CHILD_REFUSED(EPERM, chmod(path_of(place, outer), 0777));
	}
}

/* What sweeps for the job is of its uid and gid, and gets in. */
static void take_it_away(const char *name)
{
	for (size_t i = 0; i < ROWS(both_places); i++)
		CHILD_CHECK(unlink(in_folder(both_places[i], name, "mine")) == 0);
}

static void what_a_job_opens_to_all_stays_its_own(void **state)
{
	struct jail_folders mine, next;

	(void)state;
	need_root();
	assert_int_equal(jail_make_folders(&jail, 0, &mine), 0);
	assert_int_equal(jail_make_folders(&jail, 1, &next), 0);
	as_job(0, open_to_all, name_in(mine.work));
	as_job(1, find_nothing, name_in(mine.work));
	assert_int_equal(access(in_folder("work", name_in(mine.work), "mine"), F_OK), 0);
	as_job(0, take_it_away, name_in(mine.work));
	assert_int_equal(jail_remove_folders(&jail, &mine), 0);
	assert_int_equal(jail_remove_folders(&jail, &next), 0);
}

/* A start that was killed at any moment; both places are removed whatever there is in each. */
static void what_is_half_made_is_removed(void **state)
{
	const uid_t uid = FIRST_UID + OTHERS;
	struct jail_folders folders;
	char outer[NAME_BYTES];

	(void)state;
	need_root();
	snprintf(outer, sizeof outer, "%u", uid);
	for (int half = 0; half < 5; half++)
		for (size_t i = 0; i < ROWS(both_places); i++) {
			const char *path = path_of(both_places[i], outer);

			assert_int_equal(mkdir(path, 0700), 0);
			if (half >= 1)
				assert_int_equal(mkdir(in_folder(both_places[i], outer, "job"), 0700), 0);
			if (half >= 2)
				assert_int_equal(chown(in_folder(both_places[i], outer, "job"), uid, uid), 0);
			if (half >= 3)
				assert_int_equal(chown(path, 0, uid), 0);
			if (half >= 4)
				assert_int_equal(chmod(path, 0710), 0);
			errno = 0;
			check(jail_make_folders(&jail, 0, &folders) == -1 && errno == EEXIST, "%s: half %d was used",
			      both_places[i], half);
			check(jail_remove_folders(&jail, &folders) == 0, "%s: half %d: %s", both_places[i], half,
			      strerror(errno));
			assert_int_equal(jail_make_folders(&jail, 0, &folders), 0);
			assert_int_equal(jail_remove_folders(&jail, &folders), 0);
		}
}

static void leave_a_file(const char *name)
{
	CHILD_CHECK(chdir(path_of("shm", name)) == 0);
	CHILD_CHECK(mknod("mine", S_IFREG | 0644, 0) == 0 && chmod(".", 0) == 0);
}

static void sweep_the_file(const char *name)
{
	CHILD_CHECK(chmod(path_of("shm", name), 0700) == 0);
	CHILD_CHECK(unlink(in_folder("shm", name, "mine")) == 0);
}

/* Of a service that was killed: found, swept in the job's name, removed, and then made again. */
static void leftovers_are_found_again(void **state)
{
	struct jail_folders before, folders;

	(void)state;
	need_root();
	assert_int_equal(jail_make_folders(&jail, 7, &before), 0);
	as_job(7, leave_a_file, name_in(before.work));
	for (int attempt = 0; attempt < 2; attempt++) {
		errno = 0;
		assert_true(jail_make_folders(&jail, 7, &folders) == -1 && errno == EEXIST);
		assert_string_equal(folders.work, before.work);
		assert_string_equal(folders.shm, before.shm);
		assert_int_equal(jail_remove_folders(&jail, &folders), -1); /* who empties it begins in the other */
		expect_private("work", name_in(before.work), jail_uid_of(&jail, 7), jail_uid_of(&jail, 7));
		expect_directory("shm", name_in(before.shm), 0, jail_uid_of(&jail, 7), jail_uid_of(&jail, 7));
	}
	as_job(7, sweep_the_file, name_in(before.work));
	assert_int_equal(jail_remove_folders(&jail, &folders), 0);
	assert_int_equal(jail_make_folders(&jail, 7, &folders), 0);
	assert_int_equal(jail_remove_folders(&jail, &folders), 0);
}

/* 128 bits: who has the same uid and cannot list the place finds none of them. */
static void without_uids_names_cannot_be_guessed(void **state)
{
	static struct jail_folders folders[NAMES];

	(void)state;
	jail.cell_uids = false;
	for (size_t i = 0; i < NAMES; i++) {
		const char *name;

		assert_int_equal(jail_make_folders(&jail, 0, &folders[i]), 0);
		name = name_in(folders[i].work);
		assert_string_equal(name, name_in(folders[i].shm));
		check(strncmp(name, "job-", 4) == 0 && strlen(name) == 4 + 32 &&
			      strspn(name + 4, "0123456789abcdef") == 32,
		      "the name %s", name);
		for (size_t n = 0; n < i; n++)
			for (size_t part = 4; part < 4 + 32; part += 8)
				check(strncmp(name + part, name_in(folders[n].work) + part, 8) != 0,
				      "%s has a part of %s", name, folders[n].work);
		expect_private("work", name, geteuid(), getegid());
		expect_private("shm", name, geteuid(), getegid());
	}
	for (size_t i = 0; i < NAMES; i++)
		assert_int_equal(jail_remove_folders(&jail, &folders[i]), 0);
}

static void the_umask_opens_nothing(void **state)
{
	struct jail_folders folders;

	(void)state;
	umask(0);
	assert_int_equal(jail_make_folders(&jail, 3, &folders), 0);
	expect_private("work", name_in(folders.work), jail_uid_of(&jail, 3),
		       jail.cell_uids ? jail_uid_of(&jail, 3) : getegid());
	assert_int_equal(jail_remove_folders(&jail, &folders), 0);
}

static void without_shared_memory_there_is_one(void **state)
{
	struct jail_folders folders;

	(void)state;
	fd_close(&jail.places.shm_fd);
	assert_int_equal(jail_make_folders(&jail, 0, &folders), 0);
	assert_string_equal(folders.shm, "");
	assert_int_equal(jail_remove_folders(&jail, &folders), 0);
	assert_int_equal(access(path_of("work", name_in(folders.work)), F_OK), -1);
}

/* Whatever has that name: a directory of the last job, a file, a link to somewhere that is to be given away. */
static void what_is_there_already_is_not_used(void **state)
{
	static const char *const places[] = { "work", "shm" };
	char name[16], victim[128];
	struct jail_folders folders;
	struct stat info;

	(void)state;
	need_root();
	snprintf(name, sizeof name, "%u", FIRST_UID + OTHERS);
	snprintf(victim, sizeof victim, "%s/victim", top);
	assert_int_equal(mkdir(victim, 0755), 0);
	for (size_t i = 0; i < ROWS(places); i++)
		for (int kind = 0; kind < 4; kind++) {
			char *path = path_of(places[i], name);

			assert_int_equal(kind == 0 ? mkdir(path, 0777) :
					 kind == 1 ? symlink(victim, path) :
					 kind == 2 ? symlink("nowhere", path) :
						     mknod(path, S_IFREG | 0666, 0),
					 0);
			errno = 0;
			check(jail_make_folders(&jail, 0, &folders) == -1 && errno == EEXIST, "%s: kind %d was used",
			      places[i], kind);
			assert_int_equal(lstat(path, &info), 0);
			check(info.st_uid == 0, "%s: kind %d was given away", places[i], kind);
			assert_int_equal(remove(path), 0);
			assert_int_equal(jail_remove_folders(&jail, &folders), 0); /* what there is of the two */
		}
	assert_true(stat(victim, &info) == 0 && info.st_uid == 0 && (info.st_mode & 07777) == 0755);
	assert_int_equal(rmdir(victim), 0);
}

/* What is in them is never removed from here; and what failed can be tried again. */
static void only_empty_ones_are_removed(void **state)
{
	static const char *const places[] = { "work", "shm" };

	(void)state;
	for (size_t i = 0; i < ROWS(places); i++) {
		struct jail_folders folders;
		char path[256];

		assert_int_equal(jail_make_folders(&jail, 5, &folders), 0);
		snprintf(path, sizeof path, "%s/kept", path_of(places[i], name_in(folders.work)));
		assert_int_equal(mknod(path, S_IFREG | 0644, 0), 0);
		errno = 0;
		check(jail_remove_folders(&jail, &folders) == -1 && (errno == ENOTEMPTY || errno == EEXIST), "%s: %s",
		      places[i], strerror(errno));
		assert_int_equal(access(path, F_OK), 0);
		/* Who is to empty the one place needs the other to begin in, and not the other way round. */
		assert_int_equal(access(path_of(places[!i], name_in(folders.work)), F_OK), i == 0 ? -1 : 0);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(jail_remove_folders(&jail, &folders), 0);
		assert_int_equal(jail_remove_folders(&jail, &folders), 0); /* they are gone: nothing to do */
	}
}

static void nothing_was_made_nothing_is_removed(void **state)
{
	const struct jail_folders none = { .work = "", .shm = "" };

	(void)state;
	assert_int_equal(jail_remove_folders(&jail, &none), 0);
}

static void a_place_that_is_gone_is_a_failure(void **state)
{
	struct jail_folders folders;

	(void)state;
	assert_int_equal(rmdir(path_of("work", "")), 0);
	errno = 0;
	assert_true(jail_make_folders(&jail, 0, &folders) == -1 && errno == ENOENT);
	assert_int_equal(mkdir(path_of("work", ""), 0711), 0);
}

int main(void)
{
#define WITH_PLACES(test) cmocka_unit_test_setup_teardown(test, make_places, remove_places)
	const struct CMUnitTest tests[] = {
		WITH_PLACES(as_root_they_belong_to_their_cells),
		WITH_PLACES(what_a_job_opens_to_all_stays_its_own),
		WITH_PLACES(what_is_half_made_is_removed),
		WITH_PLACES(leftovers_are_found_again),
		WITH_PLACES(without_uids_names_cannot_be_guessed),
		WITH_PLACES(the_umask_opens_nothing),
		WITH_PLACES(without_shared_memory_there_is_one),
		WITH_PLACES(what_is_there_already_is_not_used),
		WITH_PLACES(only_empty_ones_are_removed),
		WITH_PLACES(nothing_was_made_nothing_is_removed),
		WITH_PLACES(a_place_that_is_gone_is_a_failure),
	};

	return cmocka_run_group_tests_name("folders", tests, NULL, NULL);
}
