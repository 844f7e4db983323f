/* SPDX-License-Identifier: MIT */
/*
 * jail/folders.c: the private directories of jobs, in a place made for these tests. As root each belongs to the uid of
 * its cell and has its name; as an ordinary user the name is a secret. What somebody has put there before is never used.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jail.h"
#include "own.h"
#include "unit.h"

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
	if (!mkdtemp(top) || mkdir(path_of("work", ""), 0711) < 0 || mkdir(path_of("shm", ""), 0711) < 0)
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

static const char *name_in(const char *path)
{
	return strrchr(path, '/') + 1;
}

static void expect_private(const char *place, const char *name, uid_t uid, gid_t gid)
{
	struct stat info;

	check(lstat(path_of(place, name), &info) == 0, "%s/%s is not there", place, name);
	check(S_ISDIR(info.st_mode) && (info.st_mode & 07777) == 0700, "%s/%s: mode %o", place, name, info.st_mode);
	check(info.st_uid == uid && info.st_gid == gid, "%s/%s: of %u:%u, not %u:%u", place, name, info.st_uid,
	      info.st_gid, uid, gid);
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
		snprintf(wanted, sizeof wanted, "/seen/from/inside/%u", uid);
		assert_string_equal(folders.work, wanted);
		snprintf(wanted, sizeof wanted, "/dev/shm/%u", uid);
		assert_string_equal(folders.shm, wanted);
		expect_private("work", name_in(folders.work), uid, uid);
		expect_private("shm", name_in(folders.shm), uid, uid);
		assert_int_equal(jail_remove_folders(&jail, &folders), 0);
	}
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
		assert_int_equal(access(path_of(places[!i], name_in(folders.work)), F_OK), -1);
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
