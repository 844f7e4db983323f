/* SPDX-License-Identifier: MIT */
/*
 * The prepared jail on its way to a template (src/jail/transfer.c): what comes out is what went in, but for what means
 * nothing there; and nothing comes out of what is cut short or from another build. A template without a filter would jail
 * nobody.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "jail.h"
#include "unit.h"

/* Of struct transfer, which the file keeps to itself. */
enum { MAGIC_AT = 0, SIZE_AT = 4, INSTRUCTIONS = 3 };

static struct sock_filter code[INSTRUCTIONS] = { { .code = 1, .k = 11 }, { .code = 2, .k = 22 }, { .code = 3, .k = 33 } };

/* A file that holds an exported jail, at its start. */
static int exported(unsigned short instructions)
{
	struct jail j = { .namespaces = true, .chroots = true, .own_net_fd = 5, .landlock_abi = 4, .first_uid = 60000,
			  .filter = { .code = code, .count = instructions } };
	int fd = memfd_create("setup", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(jail_export(&j, fd), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void check_refused(int fd, int error, const char *what)
{
	struct jail j = { .landlock_abi = 99 };

	errno = 0;
	check(jail_import(&j, fd) == -1, "%s: taken", what);
	check(error == 0 || errno == error, "%s: errno %d", what, errno);
	check(j.landlock_abi == 99 && j.filter.code == NULL, "%s: half taken", what);
	close(fd);
}

static void what_went_in_comes_out(void **state)
{
	struct jail j;
	int fd = exported(INSTRUCTIONS);

	(void)state;
	assert_int_equal(jail_import(&j, fd), 0);
	assert_true(j.namespaces);
	assert_int_equal(j.landlock_abi, 4);
	assert_int_equal(j.first_uid, 60000);
	assert_int_equal(j.filter.count, INSTRUCTIONS);
	assert_memory_equal(j.filter.code, code, sizeof code);
	assert_false(j.chroots); /* the template has that root already */
	assert_null(j.executable);
	assert_null(j.environment);
	assert_int_equal(j.own_net_fd, -1);
	free(j.filter.code);
	close(fd);
}

static void cut_short_nothing_comes_out(void **state)
{
	int fd = exported(INSTRUCTIONS);
	const off_t whole = lseek(fd, 0, SEEK_END);
	const off_t lengths[] = { 0, 1, whole - (off_t)sizeof code - 1, whole - (off_t)sizeof code, whole - 1 };

	(void)state;
	close(fd);
	for (size_t i = 0; i < ROWS(lengths); i++) {
		fd = exported(INSTRUCTIONS);
		assert_int_equal(ftruncate(fd, lengths[i]), 0);
		check_refused(fd, 0, "cut short");
	}
}

static void another_build_is_refused(void **state)
{
	const off_t places[] = { MAGIC_AT, SIZE_AT };

	(void)state;
	for (size_t i = 0; i < ROWS(places); i++) {
		int fd = exported(INSTRUCTIONS);
		char byte;

		assert_int_equal(pread(fd, &byte, 1, places[i]), 1);
		byte ^= 1;
		assert_int_equal(pwrite(fd, &byte, 1, places[i]), 1);
		check_refused(fd, EPROTO, "another magic or size");
	}
}

static void no_filter_is_refused(void **state)
{
	(void)state;
	check_refused(exported(0), EPROTO, "a filter without an instruction");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_went_in_comes_out),
		cmocka_unit_test(cut_short_nothing_comes_out),
		cmocka_unit_test(another_build_is_refused),
		cmocka_unit_test(no_filter_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
