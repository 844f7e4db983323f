/* SPDX-License-Identifier: MIT */
/* wire.c and the descriptor passing of io.c, over a real socket pair: what is taken, what ends the conversation, and
   that no refused message leaves a descriptor behind. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io.h"
#include "own.h"
#include "unit.h"
#include "wire.h"

enum { SLOTS = 4, DESCRIPTORS_LOOKED_AT = 256 };

#define MOST { .wall_ms = 1000, .cpu_seconds = 10, .memory_bytes = 1 << 29, .file_bytes = 1 << 20, .tmp_bytes = 1 << 24, .descriptors = 64, .processes = 32 }
static const struct job_limits most = MOST;
static const struct start_msg good = { .magic = WIRE_MAGIC, .kind = WIRE_START, .job_id = 7, .slot = SLOTS - 1, .limits = MOST };

static int pair[2]; /* 0 sends, 1 receives */
static int ends[2]; /* of a pipe: 0 reads, 1 writes */
static int file_fd, socket_fd, dir_fd, path_fd;

static int open_pair(void **state)
{
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	file_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	socket_fd = dup(pair[0]);
	dir_fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	path_fd = open("/", O_PATH | O_CLOEXEC);
	return 0;
}

static int close_pair(void **state)
{
	const int all[] = { pair[0], pair[1], ends[0], ends[1], file_fd, socket_fd, dir_fd, path_fd };

	(void)state;
	for (size_t i = 0; i < ROWS(all); i++)
		close(all[i]);
	return 0;
}

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < DESCRIPTORS_LOOKED_AT; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* Receives what was sent; the descriptors of a message that was taken are closed again. */
static int receive(struct start_msg *msg, int fds[WIRE_FD_COUNT], struct fault *f)
{
	*f = (struct fault){ .error = -1 };
	memset(fds, 0xff, sizeof(int) * WIRE_FD_COUNT);
	return wire_receive_start(pair[1], msg, fds, SLOTS, &most, f);
}

static void a_start_arrives_with_its_pipes(void **state)
{
	const int sent[] = { ends[0], ends[1], ends[1], ends[1] };
	int before = open_descriptors(), fds[WIRE_FD_COUNT];
	struct start_msg msg;
	struct fault f;
	char byte = 0;

	(void)state;
	assert_int_equal(wire_send_start(pair[0], &good, sent), 0);
	assert_int_equal(receive(&msg, fds, &f), 1);
	assert_memory_equal(&msg, &good, sizeof good);
	assert_int_equal(open_descriptors(), before + WIRE_FD_COUNT);
	for (size_t i = 0; i < WIRE_FD_COUNT; i++)
		assert_int_equal(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
	assert_int_equal(write(fds[WIRE_FD_RESULT], "x", 1), 1); /* the same pipe at both ends here */
	assert_int_equal(read(fds[WIRE_FD_INPUT], &byte, 1), 1);
	assert_int_equal(byte, 'x');
	for (size_t i = 0; i < WIRE_FD_COUNT; i++)
		close(fds[i]);
	assert_int_equal(receive(&msg, fds, &f), 0); /* nothing more is there */
}

static void a_cancel_has_none(void **state)
{
	const struct start_msg cancel = { .magic = WIRE_MAGIC, .kind = WIRE_CANCEL, .job_id = 9, .slot = 0 };
	int before = open_descriptors(), fds[WIRE_FD_COUNT];
	struct start_msg msg;
	struct fault f;

	(void)state;
	assert_int_equal(wire_send_start(pair[0], &cancel, NULL), 0);
	assert_int_equal(receive(&msg, fds, &f), 1);
	assert_int_equal(msg.kind, WIRE_CANCEL);
	assert_int_equal(msg.job_id, 9);
	for (size_t i = 0; i < WIRE_FD_COUNT; i++)
		assert_int_equal(fds[i], -1);
	assert_int_equal(open_descriptors(), before);
}

static void refused(const char *what, const void *bytes, size_t length, const int *fds, size_t count)
{
	int before = open_descriptors(), taken[WIRE_FD_COUNT];
	struct start_msg msg = good; /* what a short message leaves untouched would pass */
	struct fault f;

	assert_int_equal(io_send(pair[0], bytes, length, fds, count), 0);
	check(receive(&msg, taken, &f) == -1, "%s: taken", what);
	check(f.error > 0, "%s: an end of file, not an offence: %s", what, f.text);
	check(open_descriptors() == before, "%s: %d descriptors leaked", what, open_descriptors() - before);
}

/* One field of a good message at a time: at its bound, and one beyond. */
#define FIELD(member, good_value, bad_value) { #member, offsetof(struct start_msg, member), sizeof((struct start_msg *)0)->member, good_value, bad_value }

static const struct {
	const char *name;
	size_t offset, size;
	uint64_t good, bad;
} fields[] = {
	FIELD(magic, WIRE_MAGIC, WIRE_MAGIC + 1),
	FIELD(magic, WIRE_MAGIC, 0),
	FIELD(kind, WIRE_START, 0),
	FIELD(kind, WIRE_START, 3),
	FIELD(kind, WIRE_START, WIRE_CANCEL), /* which has no descriptors */
	FIELD(slot, 0, SLOTS),
	FIELD(slot, SLOTS - 1, UINT32_MAX),
	FIELD(tier, 0, WIRE_COLD + 1),
	FIELD(limits.wall_ms, 1, 0),
	FIELD(limits.wall_ms, 1000, 1001),
	FIELD(limits.cpu_seconds, 1, 0),
	FIELD(limits.cpu_seconds, 10, 11),
	FIELD(limits.memory_bytes, 1, 0),
	FIELD(limits.memory_bytes, 1 << 29, (1 << 29) + 1),
	FIELD(limits.file_bytes, 1, 0),
	FIELD(limits.file_bytes, 1 << 20, UINT64_MAX),
	FIELD(limits.tmp_bytes, 4096, 4095),
	FIELD(limits.tmp_bytes, 1 << 24, (1 << 24) + 1),
	FIELD(limits.descriptors, 1, 0),
	FIELD(limits.descriptors, 64, 65),
	FIELD(limits.processes, 1, 0),
	FIELD(limits.processes, 32, UINT32_MAX),
};

static struct start_msg with(size_t row, uint64_t value)
{
	struct start_msg msg = good;

	memcpy((char *)&msg + fields[row].offset, &value,
	       fields[row].size); /* little-endian, as the machines we run on */
	return msg;
}

static void every_field_is_checked(void **state)
{
	const int sent[] = { ends[0], ends[1], ends[1], ends[1] };

	(void)state;
	for (size_t i = 0; i < ROWS(fields); i++) {
		struct start_msg fine = with(i, fields[i].good), wrong = with(i, fields[i].bad), msg;
		int fds[WIRE_FD_COUNT];
		struct fault f;

		assert_int_equal(wire_send_start(pair[0], &fine, sent), 0);
		check(receive(&msg, fds, &f) == 1, "%s at its bound was refused: %s", fields[i].name, f.text);
		for (size_t n = 0; n < WIRE_FD_COUNT; n++)
			close(fds[n]);
		refused(fields[i].name, &wrong, sizeof wrong, sent, WIRE_FD_COUNT);
	}
}

static void only_the_right_ends_of_pipes_are_taken(void **state)
{
	const int r = ends[0], w = ends[1];
	const struct {
		const char *what;
		size_t count;
		int fds[IO_MAX_FDS];
	} rows[] = {
		{ "none", 0, { 0 } },
		{ "three", 3, { r, w, w } },
		{ "five", 5, { r, w, w, w, w } },
		{ "eight", 8, { r, w, w, w, w, w, w, w } },
		{ "input is a write end", 4, { w, w, w, w } },
		{ "stdout is a read end", 4, { r, r, w, w } },
		{ "stderr is a read end", 4, { r, w, r, w } },
		{ "result is a read end", 4, { r, w, w, r } },
		{ "stdout is a file", 4, { r, file_fd, w, w } },
		{ "stderr is a socket", 4, { r, w, socket_fd, w } },
		{ "input is a directory", 4, { dir_fd, w, w, w } },
		{ "input is a path", 4, { path_fd, w, w, w } },
		{ "result is a socket", 4, { r, w, w, socket_fd } },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		refused(rows[i].what, &good, sizeof good, rows[i].fds, rows[i].count);
}

static void a_cancel_with_descriptors_is_refused(void **state)
{
	struct start_msg cancel = { .magic = WIRE_MAGIC, .kind = WIRE_CANCEL };

	(void)state;
	refused("a cancel with one", &cancel, sizeof cancel, ends, 1);
	cancel.slot = SLOTS;
	refused("a cancel of no slot", &cancel, sizeof cancel, NULL, 0);
}

static void sizes_are_exact(void **state)
{
	const int sent[] = { ends[0], ends[1], ends[1], ends[1] };
	char longer[sizeof good + 1] = { 0 };

	(void)state;
	memcpy(longer, &good, sizeof good);
	for (size_t length = 1; length < sizeof good; length += 13)
		refused("a short message", longer, length, sent, WIRE_FD_COUNT);
	refused("one byte too few", longer, sizeof good - 1, sent, WIRE_FD_COUNT);
	refused("a long message", longer, sizeof longer, sent, WIRE_FD_COUNT);
	refused("a report in the wrong direction", &(struct exit_report){ .magic = WIRE_MAGIC },
		sizeof(struct exit_report), NULL, 0);
}

/* An empty datagram looks like the end of the file; its descriptors must not stay. */
static void the_end_is_no_offence(void **state)
{
	int before = open_descriptors(), fds[WIRE_FD_COUNT];
	struct start_msg msg;
	struct exit_report report = { .magic = WIRE_MAGIC };
	struct fault f;

	(void)state;
	assert_int_equal(io_send(pair[0], "", 0, ends, 2), 0);
	assert_int_equal(receive(&msg, fds, &f), -1);
	assert_int_equal(f.error, 0);
	assert_int_equal(open_descriptors(), before);
	shutdown(pair[0], SHUT_RDWR);
	assert_int_equal(receive(&msg, fds, &f), -1);
	assert_int_equal(f.error, 0);
	assert_int_equal(wire_receive_report(pair[1], &report, SLOTS, &f), -1);
	assert_int_equal(f.error, 0);
	assert_int_equal(wire_send_report(pair[1], &report), -1); /* EPIPE */
}

static const struct {
	const char *what;
	struct exit_report report;
	int status;
} reports[] = {
	{ "a plain one", { .magic = WIRE_MAGIC, .slot = 0, .job_id = 7, .wait_status = 9, .cpu_us = 5 }, 1 },
	{ "never started", { .magic = WIRE_MAGIC, .slot = SLOTS - 1, .wait_status = -1, .fault_layer = 99, .fault_error = 1 }, 1 },
	{ "the last killer", { .magic = WIRE_MAGIC, .killed_by = KILLED_BY_COUNT - 1 }, 1 },
	{ "no magic", { .slot = 0 }, -1 },
	{ "another magic", { .magic = ~(uint32_t)WIRE_MAGIC }, -1 },
	{ "no slot", { .magic = WIRE_MAGIC, .slot = SLOTS }, -1 },
	{ "no slot at all", { .magic = WIRE_MAGIC, .slot = UINT32_MAX }, -1 },
	{ "no killer", { .magic = WIRE_MAGIC, .killed_by = KILLED_BY_COUNT }, -1 },
};

static void reports_are_checked(void **state)
{
	struct exit_report got;
	struct fault f;
	int before = open_descriptors();

	(void)state;
	assert_int_equal(wire_receive_report(pair[1], &got, SLOTS, &f), 0);
	for (size_t i = 0; i < ROWS(reports); i++) {
		assert_int_equal(wire_send_report(pair[0], &reports[i].report), 0);
		check(wire_receive_report(pair[1], &got, SLOTS, &f) == reports[i].status, "%s", reports[i].what);
		check(memcmp(&got, &reports[i].report, sizeof got) == 0, "%s: changed on the way", reports[i].what);
	}
	assert_int_equal(io_send(pair[0], &reports[0].report, sizeof got, ends, 2), 0);
	assert_int_equal(wire_receive_report(pair[1], &got, SLOTS, &f), -1); /* with descriptors */
	assert_int_equal(io_send(pair[0], &reports[0].report, sizeof got - 1, ends, 1), 0);
	got = reports[0].report;
	assert_int_equal(wire_receive_report(pair[1], &got, SLOTS, &f), -1); /* too short */
	assert_int_equal(open_descriptors(), before);
}

static void a_full_queue_is_eagain(void **state)
{
	int sent = 0;

	(void)state;
	while (sent < 100000 &&
	       wire_send_start(pair[0], &(struct start_msg){ .magic = WIRE_MAGIC, .kind = WIRE_CANCEL }, NULL) == 0)
		sent++;
	assert_true(sent > 0 && sent < 100000);
	assert_true(errno == EAGAIN || errno == EWOULDBLOCK);
}

/* More than the receiver has room for: sent past io_send, which has the same bound. */
static void more_descriptors_than_fit_are_closed(void **state)
{
	enum { TOO_MANY = IO_MAX_FDS + 3 };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * TOO_MANY)];
	} control = { .bytes = { 0 } };
	struct start_msg copy = good;
	struct iovec part = { &copy, sizeof copy };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int before = open_descriptors(), fds[TOO_MANY];
	struct fault f;

	(void)state;
	for (size_t i = 0; i < TOO_MANY; i++)
		fds[i] = ends[i == 0 ? 0 : 1];
	*header =
		(struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fds) };
	memcpy(CMSG_DATA(header), fds, sizeof fds);
	assert_true(sendmsg(pair[0], &message, 0) > 0);
	assert_int_equal(receive(&copy, fds, &f), -1);
	assert_int_equal(f.error, EMSGSIZE);
	assert_int_equal(open_descriptors(), before);
}

static void io_send_refuses_more_than_it_has_room_for(void **state)
{
	int fds[IO_MAX_FDS + 1];

	(void)state;
	for (size_t i = 0; i < ROWS(fds); i++)
		fds[i] = ends[1];
	errno = 0;
	assert_int_equal(io_send(pair[0], "x", 1, fds, IO_MAX_FDS + 1), -1);
	assert_int_equal(errno, EINVAL);
}

#define WITH_PAIR(test) cmocka_unit_test_setup_teardown(test, open_pair, close_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PAIR(a_start_arrives_with_its_pipes),
		WITH_PAIR(a_cancel_has_none),
		WITH_PAIR(every_field_is_checked),
		WITH_PAIR(only_the_right_ends_of_pipes_are_taken),
		WITH_PAIR(a_cancel_with_descriptors_is_refused),
		WITH_PAIR(sizes_are_exact),
		WITH_PAIR(the_end_is_no_offence),
		WITH_PAIR(reports_are_checked),
		WITH_PAIR(a_full_queue_is_eagain),
		WITH_PAIR(more_descriptors_than_fit_are_closed),
		WITH_PAIR(io_send_refuses_more_than_it_has_room_for),
	};

	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
