/* SPDX-License-Identifier: MIT */
/*
 * The spawner's side of web (src/spawn/front.c): a web that says what no web says is killed and its channel closed, and
 * one that says what it may is not. Its messages are real, the spawner has no cell or one that was never started.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io.h"
#include "spawn/state.h"
#include "unit.h"

#define MOST { .wall_ms = 1000, .cpu_seconds = 10, .memory_bytes = 1 << 29, .file_bytes = 1 << 20, .tmp_bytes = 1 << 24, .descriptors = 64, .processes = 32 }

enum { PLACES = 4, TAKEN_SLOT = 1, TAKEN_JOB = 8, DEATH_MS = 5000 /* at most */ };

static const struct start_msg good = { .magic = WIRE_MAGIC, .kind = WIRE_START, .job_id = 7, .slot = 2, .tier = WIRE_COLD, .limits = MOST };

static struct spawner s;
static int web_fd;      /* web's end of the channel */
static int pipes[2][2]; /* input, and one for all that is written */

/* A web that does nothing, and one cell with a job that nobody runs. */
static int begin(void **state)
{
	int pair[2];

	(void)state;
	memset(&s, 0, sizeof s);
	s.web_pid = fork(); /* before there is anything that it could keep open */
	if (s.web_pid == 0) {
		for (;;)
			pause();
	}
	assert_true(s.web_pid > 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	s.channel_fd = pair[0];
	web_fd = pair[1];
	s.most = good.limits;
	s.places = PLACES;
	for (size_t i = 0; i < WIRE_PLACES_MAX; i++)
		s.cell_of_slot[i] = -1;
	s.jail.namespaces = true;
	cell_clear(&s.cell[0], 0, &s.jail);
	s.cell[0].net_fd = -1;
	s.cell[0].state = CELL_RUNNING;
	s.cell[0].has_job = true;
	s.cell[0].job_id = TAKEN_JOB;
	s.cell[0].slot = TAKEN_SLOT;
	s.cell_of_slot[TAKEN_SLOT] = 0;
	for (size_t i = 0; i < ROWS(pipes); i++)
		assert_int_equal(pipe2(pipes[i], O_CLOEXEC), 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	if (s.web_pid > 0) {
		kill(s.web_pid, SIGKILL);
		waitpid(s.web_pid, NULL, 0);
	}
	fd_close(&s.channel_fd);
	fd_close(&web_fd);
	for (size_t i = 0; i < ROWS(pipes); i++) {
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
	return 0;
}

/* Killed, and not by what it did: it does nothing. */
static void check_condemned(const char *why)
{
	int status = 0;
	pid_t gone = 0;

	check(s.channel_fd == -1, "%s: the channel is still open", why);
	for (int i = 0; i < DEATH_MS && (gone = waitpid(s.web_pid, &status, WNOHANG)) == 0; i++)
		poll(NULL, 0, 1);
	check(gone == s.web_pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%s: web lives", why);
	s.web_pid = 0;
}

static void check_spared(const char *why)
{
	check(s.channel_fd >= 0, "%s: the channel was closed", why);
	check(waitpid(s.web_pid, NULL, WNOHANG) == 0, "%s: web was killed", why);
}

static void send_start(const struct start_msg *message)
{
	const int fds[WIRE_FD_COUNT] = { [WIRE_FD_INPUT] = pipes[0][0], [WIRE_FD_STDOUT] = pipes[1][1],
					 [WIRE_FD_STDERR] = pipes[1][1], [WIRE_FD_RESULT] = pipes[1][1] };

	assert_int_equal(io_send(web_fd, message, sizeof *message, fds, message->kind == WIRE_START ? WIRE_FD_COUNT : 0), 0);
}

/* ---- what no web says ------------------------------------------------------------------------------------------ */

static void an_invalid_message_condemns(void **state)
{
	struct start_msg bad = good;

	(void)state;
	bad.limits.memory_bytes = good.limits.memory_bytes + 1;
	send_start(&bad);
	front_take_message(&s);
	check_condemned("more memory than any job may have");
}

static void a_short_message_condemns(void **state)
{
	(void)state;
	assert_int_equal(send(web_fd, "x", 1, 0), 1);
	front_take_message(&s);
	check_condemned("one byte");
}

static void a_slot_that_is_taken_condemns(void **state)
{
	struct start_msg bad = good;

	(void)state;
	bad.slot = TAKEN_SLOT;
	send_start(&bad);
	front_take_message(&s);
	check_condemned("a second job in one place");
	assert_int_equal(s.cell[0].job_id, TAKEN_JOB);
	assert_int_equal(s.cell[0].state, CELL_RUNNING);
}

static void a_web_without_a_channel_is_of_no_use(void **state)
{
	(void)state;
	fd_close(&web_fd);
	front_take_message(&s);
	check_condemned("end of file");
}

static void a_web_that_drains_may_close_it(void **state)
{
	(void)state;
	s.drain_until_us = 1;
	fd_close(&web_fd);
	front_take_message(&s);
	assert_int_equal(s.channel_fd, -1);
	assert_int_equal(waitpid(s.web_pid, NULL, WNOHANG), 0);
}

static void a_web_that_does_not_read_is_stuck(void **state)
{
	const struct exit_report report = { .magic = WIRE_MAGIC, .slot = TAKEN_SLOT, .job_id = TAKEN_JOB };

	(void)state;
	for (int i = 0; i < 1000000 && s.channel_fd >= 0; i++)
		front_report(&s, &report);
	check_condemned("a report that cannot be sent");
}

/* ---- what it may say --------------------------------------------------------------------------------------------- */

static void nothing_is_no_message(void **state)
{
	(void)state;
	front_take_message(&s);
	check_spared("nothing");
}

/* Each start is answered by a report, also where nothing could be started; and nobody keeps its pipes. */
static void a_job_that_cannot_start_is_reported(void **state)
{
	struct exit_report report;
	struct fault f;
	char byte;

	(void)state;
	send_start(&good); /* and there is no free cell: s.cells is 0 */
	front_take_message(&s);
	check_spared("a job that cannot start");
	assert_int_equal(wire_receive_report(web_fd, &report, PLACES, &f), 1);
	assert_int_equal(report.job_id, good.job_id);
	assert_int_equal(report.slot, good.slot);
	assert_int_equal(report.wait_status, -1);
	assert_int_equal(report.fault_error, EAGAIN);
	assert_int_equal(s.cell_of_slot[good.slot], -1);
	fd_close(&pipes[1][1]);
	assert_int_equal(read(pipes[1][0], &byte, 1), 0);
}

static void a_cancel_ends_that_job_and_no_other(void **state)
{
	struct start_msg cancel = { .magic = WIRE_MAGIC, .kind = WIRE_CANCEL, .job_id = TAKEN_JOB + 1, .slot = TAKEN_SLOT };

	(void)state;
	send_start(&cancel); /* of a job that was in this place before */
	front_take_message(&s);
	check_spared("a cancel that comes late");
	assert_int_equal(s.cell[0].state, CELL_RUNNING);
	cancel.job_id = TAKEN_JOB;
	send_start(&cancel);
	front_take_message(&s);
	check_spared("a cancel");
	assert_int_equal(s.cell[0].state, CELL_ENDING);
	assert_int_equal(s.cell[0].killed_by, KILLED_BY_CANCEL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_invalid_message_condemns, begin, end),
		cmocka_unit_test_setup_teardown(a_short_message_condemns, begin, end),
		cmocka_unit_test_setup_teardown(a_slot_that_is_taken_condemns, begin, end),
		cmocka_unit_test_setup_teardown(a_web_without_a_channel_is_of_no_use, begin, end),
		cmocka_unit_test_setup_teardown(a_web_that_drains_may_close_it, begin, end),
		cmocka_unit_test_setup_teardown(a_web_that_does_not_read_is_stuck, begin, end),
		cmocka_unit_test_setup_teardown(nothing_is_no_message, begin, end),
		cmocka_unit_test_setup_teardown(a_job_that_cannot_start_is_reported, begin, end),
		cmocka_unit_test_setup_teardown(a_cancel_ends_that_job_and_no_other, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
