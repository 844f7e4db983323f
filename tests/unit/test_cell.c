/* SPDX-License-Identifier: MIT */
/*
 * What the spawner makes of the end of a job (src/spawn/cell.c): of each way to end one report, and none of those in which
 * a layer failed or a template died is a success or the script's own fault. No process is started: a cell is filled in as it is
 * when all of its processes have been waited for.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"
#include "io.h"
#include "spawn/state.h"
#include "template.h"
#include "unit.h"

enum { SLOT = 3, JOB = 11, LAYER = 4, KILLED = SIGKILL /* the wait status of it (wait(2)) */, EXITED_3 = 3 << 8 };

static struct spawner s;
static int other_fd; /* the other end of what the cell hears from */

static int begin(void **state)
{
	struct cell *c = &s.cell[0];

	(void)state;
	memset(&s, 0, sizeof s);
	s.cells = 1;
	s.jail.namespaces = true;
	c->net_fd = -1;
	cell_clear(c, 0, &s.jail);
	c->state = CELL_ENDING;
	c->has_job = true;
	c->slot = SLOT;
	c->job_id = JOB;
	c->limits.cpu_seconds = 10;
	s.cell_of_slot[SLOT] = 0;
	return 0;
}

static int make_channel(void)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	other_fd = pair[1];
	return pair[0];
}

/* ---- reports --------------------------------------------------------------------------------------------------- */

static const struct {
	const char *how;
	struct init_message end; /* word 0: nobody said anything */
	int init_status;
	enum killed_by killed_by;
	bool warm, took, orphaned;
	int wait_status, layer, error;
} ends[] = {
	{ .how = "by itself", .end = { .word = INIT_ENDED, .wait_status = EXITED_3 }, .wait_status = EXITED_3 },
	{ .how = "a layer failed", .end = { .word = INIT_FAULT, .fault = { LAYER, EPERM } }, .init_status = 127 << 8, .wait_status = -1, .layer = LAYER, .error = EPERM },
	{ .how = "init left without a word", .init_status = EXITED_3, .wait_status = -1 },
	{ .how = "init was killed at the deadline", .init_status = KILLED, .killed_by = KILLED_BY_WALL, .wait_status = KILLED },
	{ .how = "warm, by itself", .warm = true, .took = true, .end = { .word = INIT_ENDED, .wait_status = EXITED_3 }, .init_status = KILLED, .wait_status = EXITED_3 },
	{ .how = "warm, a layer failed", .warm = true, .end = { .word = INIT_FAULT, .fault = { LAYER, EPERM } }, .init_status = KILLED, .wait_status = -1, .layer = LAYER, .error = EPERM },
	{ .how = "warm, it killed its own init", .warm = true, .took = true, .init_status = KILLED, .wait_status = KILLED },
	{ .how = "warm, it never took its job", .warm = true, .init_status = KILLED, .wait_status = -1 },
	{ .how = "warm, cancelled before it took its job", .warm = true, .init_status = KILLED, .killed_by = KILLED_BY_CANCEL, .wait_status = -1 },
	{ .how = "its template died", .warm = true, .took = true, .orphaned = true, .end = { .word = INIT_ENDED, .wait_status = KILLED }, .init_status = KILLED, .wait_status = -1, .error = ECHILD },
	{ .how = "its template died after its deadline", .warm = true, .took = true, .orphaned = true, .end = { .word = INIT_ENDED, .wait_status = KILLED }, .init_status = KILLED, .killed_by = KILLED_BY_WALL, .wait_status = KILLED },
	{ .how = "its template died, and it had ended", .warm = true, .took = true, .orphaned = true, .end = { .word = INIT_ENDED, .wait_status = EXITED_3 }, .init_status = KILLED, .wait_status = EXITED_3 },
};

static void each_end_has_its_report(void **state)
{
	for (size_t i = 0; i < ROWS(ends); i++) {
		struct cell *c = &s.cell[0];
		struct exit_report report;
		bool had_job = false;

		begin(state);
		c->end = ends[i].end;
		c->ended = ends[i].end.word != 0;
		c->init_status = ends[i].init_status;
		c->killed_by = ends[i].killed_by;
		c->warm = ends[i].warm;
		c->took = ends[i].took;
		c->orphaned = ends[i].orphaned;
		check(cell_finish(&s, c, &report, &had_job) && had_job, "%s: no report", ends[i].how);
		check(report.slot == SLOT && report.job_id == JOB, "%s: of another job", ends[i].how);
		check(report.wait_status == ends[i].wait_status, "%s: status %d", ends[i].how, report.wait_status);
		check(report.fault_layer == (uint32_t)ends[i].layer && report.fault_error == ends[i].error, "%s: fault %u, %d", ends[i].how, report.fault_layer, report.fault_error);
		check(report.killed_by == ends[i].killed_by, "%s: killed by %u", ends[i].how, report.killed_by);
		check(c->state == CELL_FREE && s.cell_of_slot[SLOT] == -1, "%s: the cell is not free", ends[i].how);
	}
}

/* A report says that nothing is left: not while init, the child or a fork is. */
static void nothing_is_over_while_anybody_is_left(void **state)
{
	static struct template t;
	struct exit_report report;
	struct cell *c = &s.cell[0];
	bool had_job;

	(void)state;
	c->init = getpid();
	assert_false(cell_finish(&s, c, &report, &had_job));
	c->init = 0;
	c->child = getpid();
	assert_false(cell_finish(&s, c, &report, &had_job));
	c->child = 0;
	c->from = &t;
	assert_false(cell_finish(&s, c, &report, &had_job));
	c->from = NULL;
	assert_true(cell_finish(&s, c, &report, &had_job));
}

/* ---- what is heard ------------------------------------------------------------------------------------------------ */

/* With two descriptors, or eight from one that waits for a template; anything else is closed, not kept. */
static void a_start_with_other_descriptors_is_none(void **state)
{
	const struct init_message message = { .word = INIT_STARTED };
	struct cell *c = &s.cell[0];
	int pair[2];
	char byte;

	(void)state;
	assert_int_equal(pipe2(pair, O_CLOEXEC | O_NONBLOCK), 0);
	c->sync_fd = make_channel();
	assert_int_equal(io_send(other_fd, &message, sizeof message, &pair[1], 1), 0);
	close(pair[1]);
	cell_hear(c);
	assert_int_equal(c->mount_fds[0], -1);
	assert_false(c->ended);
	assert_int_equal(read(pair[0], &byte, 1), 0); /* nobody has it open any more */
	close(pair[0]);
	fd_close(&c->sync_fd);
	close(other_fd);
}

static void a_child_that_cannot_enter_says_so(void **state)
{
	const struct child_msg message = { .word = CHILD_FAULT, .fault = { LAYER, ENOSYS } };
	struct cell *c = &s.cell[0];

	(void)state;
	c->warm = true;
	c->handover_fd = make_channel();
	assert_int_equal(io_send(other_fd, &message, sizeof message, NULL, 0), 0);
	cell_hear(c);
	assert_true(c->ended);
	assert_int_equal(c->end.word, INIT_FAULT);
	assert_int_equal(c->end.fault.layer, LAYER);
	assert_int_equal(c->end.fault.error, ENOSYS);
	fd_close(&c->handover_fd);
	close(other_fd);
}

/*
 * On a busy machine ticks are a second apart. A child that has taken its job meanwhile is not one that never will: it was
 * killed, and its script had crashed by a SIGKILL.
 */
static void who_took_its_job_since_the_last_tick_is_left_alone(void **state)
{
	const struct child_msg message = { .word = CHILD_TOOK };
	const uint64_t now = io_now_us();
	struct cell *c = &s.cell[0];

	(void)state;
	c->warm = true;
	c->state = CELL_RUNNING;
	c->limits.wall_ms = 15000;
	c->started_us = now - 1500000;
	c->deadline_us = now + 13500000;
	c->next_tick_us = now + 500000000;
	c->handover_fd = make_channel();
	cell_look(&s, c, c->started_us + 900000);
	assert_int_equal(c->state, CELL_RUNNING); /* it has a second */
	assert_int_equal(io_send(other_fd, &message, sizeof message, NULL, 0), 0);
	cell_look(&s, c, now);
	assert_int_equal(c->state, CELL_RUNNING);
	c->took = false; /* and one that has not said so */
	cell_look(&s, c, now);
	assert_int_equal(c->state, CELL_ENDING);
	assert_int_equal(c->killed_by, KILLED_BY_NOBODY);
	fd_close(&c->handover_fd);
	close(other_fd);
}

/* ---- kills ----------------------------------------------------------------------------------------------------------- */

static pid_t start_process(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static int end_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* A child that its template has waited for, before the spawner has read so: the kernel may have given away its number. */
static void who_has_the_number_of_a_dead_child_is_not_killed(void **state)
{
	const pid_t gone = start_process(), other = start_process();
	struct cell *c = &s.cell[0];

	(void)state;
	s.jail.namespaces = false;
	c->state = CELL_RUNNING;
	c->child = other;
	c->child_fd = (int)syscall(SYS_pidfd_open, gone, 0);
	kill(gone, SIGKILL);
	(void)end_of(gone);
	if (c->child_fd >= 0)
		cell_kill(c, KILLED_BY_WALL);
	kill(other, SIGTERM); /* too late, after a SIGKILL */
	assert_int_equal(end_of(other), SIGTERM);
	fd_close(&c->child_fd);
}

static void a_child_is_killed(void **state)
{
	for (int by_number = 0; by_number < 2; by_number++) {
		const pid_t pid = start_process();
		struct cell *c = &s.cell[0];

		begin(state);
		s.jail.namespaces = false;
		c->state = CELL_RUNNING;
		c->child = pid;
		c->child_fd = by_number ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
		cell_kill(c, KILLED_BY_WALL);
		assert_int_equal(end_of(pid), SIGKILL);
		fd_close(&c->child_fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_end_has_its_report),
		cmocka_unit_test_setup(nothing_is_over_while_anybody_is_left, begin),
		cmocka_unit_test_setup(a_start_with_other_descriptors_is_none, begin),
		cmocka_unit_test_setup(a_child_that_cannot_enter_says_so, begin),
		cmocka_unit_test_setup(who_took_its_job_since_the_last_tick_is_left_alone, begin),
		cmocka_unit_test_setup(who_has_the_number_of_a_dead_child_is_not_killed, begin),
		cmocka_unit_test_setup(a_child_is_killed, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
