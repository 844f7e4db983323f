/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: a web that somebody took over, against the spawner's side of the channel (front.c, wire.c, io.c).
 *
 * The input is a list of steps: messages of any bytes, or good ones of which fields were changed, with descriptors of
 * all kinds; jobs that end; reports. What a message deserves is decided here a second time. One that is good starts or
 * cancels what it names, and nothing else; one that is not ends the conversation and web with it; and whatever came,
 * no descriptor stays behind.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "../../src/spawn/state.h"
#include "descriptors.h"
#include "input.h"
#include "io.h"
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PLACES = 6, SENT_MOST = 24, STEPS_MOST = 64, WEB_PID = INT_MAX };

enum kind { READ_END, WRITE_END, BOTH_ENDS, SOCKET, FILE_, NULL_, MEMORY, EPOLL, FOLDER, PATH, KINDS };

static const struct job_limits most = { .wall_ms = 1000,
					.cpu_seconds = 10,
					.memory_bytes = 1 << 29,
					.file_bytes = 1 << 20,
					.tmp_bytes = 1 << 24,
					.descriptors = 64,
					.processes = 32 };

static int of_kind[KINDS];
static struct spawner spawner; /* zeroed, and large */

/* What the last message did. */
static struct {
	unsigned started, cancelled, killed_web, killed_all;
	struct start_msg start;
	uint64_t cancelled_job;
	bool refuse; /* the next start fails */
} seen;

/* ---- what the spawner calls ---------------------------------------------------------------------------------------- */

/* In place of the system's: web is no process here. */
int kill(pid_t pid, int number)
{
	ALWAYS(pid == WEB_PID && number == SIGKILL);
	seen.killed_web++;
	return 0;
}

void slim_forks(bool slim)
{
	(void)slim;
}

void spawner_kill_all_jobs(struct spawner *s)
{
	(void)s;
	seen.killed_all++;
}

void cell_kill(struct cell *c, enum killed_by by)
{
	ALWAYS(by == KILLED_BY_CANCEL && c->has_job);
	seen.cancelled++;
	seen.cancelled_job = c->job_id;
}

static void check_pipe(int fd, int access)
{
	struct stat info;

	ALWAYS(fstat(fd, &info) == 0 && S_ISFIFO(info.st_mode));
	ALWAYS((fcntl(fd, F_GETFL) & O_ACCMODE) == access && fcntl(fd, F_GETFD) == FD_CLOEXEC);
}

int spawner_start_job(struct spawner *s, const struct start_msg *msg, const int fds[WIRE_FD_COUNT])
{
	struct cell *c = &s->cell[msg->slot];

	ALWAYS(msg->slot < PLACES && s->cell_of_slot[msg->slot] < 0 && !c->has_job);
	for (int i = 0; i < WIRE_FD_COUNT; i++) {
		check_pipe(fds[i], i == WIRE_FD_INPUT ? O_RDONLY : O_WRONLY);
		for (int other = 0; other < i; other++)
			ALWAYS(fds[i] != fds[other]);
	}
	seen.started++;
	seen.start = *msg;
	if (seen.refuse) {
		errno = EAGAIN;
		return -1;
	}
	c->has_job = true;
	c->slot = msg->slot;
	c->job_id = msg->job_id;
	s->cell_of_slot[msg->slot] = (int32_t)msg->slot;
	return 0;
}

/* ---- what web sends ------------------------------------------------------------------------------------------------- */

struct message {
	uint8_t bytes[2 * sizeof(struct start_msg)];
	size_t length;
	enum kind kinds[SENT_MOST];
	size_t count;
};

#define FIELD(member)                                                                                                  \
	{                                                                                                              \
		offsetof(struct start_msg, member), sizeof((struct start_msg *)0)->member                              \
	}

static const struct {
	size_t offset, size;
} fields[] = {
	FIELD(magic),
	FIELD(kind),
	FIELD(job_id),
	FIELD(slot),
	FIELD(tier),
	FIELD(limits.wall_ms),
	FIELD(limits.cpu_seconds),
	FIELD(limits.memory_bytes),
	FIELD(limits.file_bytes),
	FIELD(limits.tmp_bytes),
	FIELD(limits.descriptors),
	FIELD(limits.processes),
};

enum { FIELDS = sizeof fields / sizeof fields[0] };

static void change_field(struct start_msg *msg, struct input *in)
{
	size_t i = input_byte(in) % FIELDS;
	uint64_t value = 0;
	uint8_t how = input_byte(in);

	memcpy(&value, (char *)msg + fields[i].offset, fields[i].size);
	switch (how % 6) {
	case 0:
		value = 0;
		break;
	case 1:
		value++;
		break;
	case 2:
		value--;
		break;
	case 3:
		value = UINT64_MAX;
		break;
	case 4:
		value = how / 6;
		break;
	default:
		value = input_u64(in);
	}
	memcpy((char *)msg + fields[i].offset, &value, fields[i].size);
}

/* A good message and what is wrong with it: the low bits of how say how many fields, the others whether its descriptors. */
static void make_message(struct message *m, enum wire_kind kind, struct input *in)
{
	static const enum kind right[WIRE_FD_COUNT] = { READ_END, WRITE_END, WRITE_END, WRITE_END };
	struct start_msg msg = { .magic = WIRE_MAGIC, .kind = kind, .job_id = input_byte(in) % 4 };
	uint8_t how = input_byte(in);

	msg.slot = input_byte(in) % PLACES;
	if (kind == WIRE_START) {
		msg.limits = most;
		memcpy(m->kinds, right, sizeof right);
		m->count = WIRE_FD_COUNT;
	}
	for (int i = 0; i < (how & 3); i++)
		change_field(&msg, in);
	if (how & 4) {
		m->count = input_byte(in) % SENT_MOST;
		for (size_t i = 0; i < m->count; i++)
			m->kinds[i] = input_byte(in) % KINDS;
	}
	memcpy(m->bytes, &msg, sizeof msg);
	m->length = how & 8 ? input_byte(in) % sizeof m->bytes : sizeof msg;
}

static void make_bytes(struct message *m, struct input *in)
{
	const uint8_t *bytes = input_take(in, input_byte(in) % sizeof m->bytes, &m->length);

	if (m->length > 0)
		memcpy(m->bytes, bytes, m->length);
	m->count = input_byte(in) % SENT_MOST;
	for (size_t i = 0; i < m->count; i++)
		m->kinds[i] = input_byte(in) % KINDS;
}

/* Past io_send(), which would not send as many. */
static void send_message(int fd, struct message *m)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * SENT_MOST)];
	} control = { .bytes = { 0 } };
	struct iovec part = { m->bytes, m->length };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (m->count > 0) {
		int fds[SENT_MOST];

		for (size_t i = 0; i < m->count; i++)
			fds[i] = of_kind[m->kinds[i]];
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * m->count);
		*CMSG_FIRSTHDR(&message) = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
							     .cmsg_type = SCM_RIGHTS,
							     .cmsg_len = CMSG_LEN(sizeof(int) * m->count) };
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), fds, sizeof(int) * m->count);
	}
	ALWAYS(sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)m->length);
}

/* ---- what it deserves ------------------------------------------------------------------------------------------------- */

static bool in_range(uint64_t value, uint64_t least, uint64_t upper)
{
	return value >= least && value <= upper;
}

static bool good_limits(const struct job_limits *l)
{
	return in_range(l->wall_ms, 1, most.wall_ms) && in_range(l->cpu_seconds, 1, most.cpu_seconds) &&
	       in_range(l->memory_bytes, 1, most.memory_bytes) && in_range(l->file_bytes, 1, most.file_bytes) &&
	       in_range(l->tmp_bytes, 4096, most.tmp_bytes) && in_range(l->descriptors, 1, most.descriptors) &&
	       in_range(l->processes, 1, most.processes);
}

/* All but the limits of a cancel, which are zero to the last byte. */
static bool is_good(const struct message *m, const struct start_msg *msg)
{
	static const uint8_t zeros[sizeof msg->limits];

	if (m->length != sizeof *msg || msg->magic != WIRE_MAGIC || msg->slot >= PLACES)
		return false;
	if (msg->kind == WIRE_CANCEL)
		return m->count == 0 && msg->tier == 0 && memcmp(&msg->limits, zeros, sizeof zeros) == 0;
	return msg->kind == WIRE_START && msg->tier <= 2 && good_limits(&msg->limits) && m->count == 4 &&
	       m->kinds[0] == READ_END && m->kinds[1] == WRITE_END && m->kinds[2] == WRITE_END &&
	       m->kinds[3] == WRITE_END;
}

static void check_report(int web, const struct start_msg *msg)
{
	struct exit_report report;
	struct fault f;

	ALWAYS(wire_receive_report(web, &report, PLACES, &f) == 1);
	ALWAYS(report.slot == msg->slot && report.job_id == msg->job_id && report.wait_status == -1);
	ALWAYS(wire_receive_report(web, &report, PLACES, &f) == 0);
}

static void check_good(const struct start_msg *msg, const struct cell *before, int web)
{
	const struct cell *now = &spawner.cell[msg->slot];

	ALWAYS(spawner.channel_fd >= 0 && seen.killed_web == 0);
	if (msg->kind == WIRE_CANCEL) {
		ALWAYS(seen.started == 0 && seen.cancelled == (before->has_job && before->job_id == msg->job_id));
		ALWAYS(!seen.cancelled || seen.cancelled_job == msg->job_id);
		return;
	}
	ALWAYS(seen.started == 1 && seen.cancelled == 0 && memcmp(&seen.start, msg, sizeof *msg) == 0);
	if (seen.refuse)
		check_report(web, msg);
	else
		ALWAYS(now->has_job && now->job_id == msg->job_id);
}

/* Sends one message and looks at what became of it. False: that was the end of the conversation. */
static bool exchange(int web, struct message *m, bool refuse)
{
	struct start_msg msg = { .magic = 0 };
	struct cell before = { .has_job = false };
	unsigned open = descriptors_open();
	bool good;

	memset(&seen, 0, sizeof seen);
	seen.refuse = refuse;
	memcpy(&msg, m->bytes, sizeof msg);
	good = is_good(m, &msg);
	if (good) {
		before = spawner.cell[msg.slot];
		good = msg.kind == WIRE_CANCEL || !before.has_job;
	}
	send_message(web, m);
	front_take_message(&spawner);
	if (good) {
		check_good(&msg, &before, web);
		ALWAYS(descriptors_open() == open);
		return true;
	}
	ALWAYS(spawner.channel_fd == -1 && seen.killed_web == 1 && seen.started == 0 && seen.cancelled == 0);
	ALWAYS(descriptors_open() == open - 1);
	return false;
}

/* ---- one input ---------------------------------------------------------------------------------------------------------- */

static void end_job(struct input *in)
{
	uint32_t slot = input_byte(in) % PLACES;
	struct exit_report report = { .magic = WIRE_MAGIC, .slot = slot, .job_id = spawner.cell[slot].job_id };

	spawner.cell[slot].has_job = false;
	spawner.cell_of_slot[slot] = -1;
	front_report(&spawner, &report);
}

/* Web reads nothing: either all of it fits, or web is condemned. */
static void flood(struct input *in)
{
	struct exit_report report = { .magic = WIRE_MAGIC };

	for (unsigned i = 0; i < 8u * input_byte(in); i++)
		front_report(&spawner, &report);
	ALWAYS(seen.killed_web == (spawner.channel_fd < 0));
}

static void read_reports(int web)
{
	struct exit_report report;
	struct fault f;

	while (wire_receive_report(web, &report, PLACES, &f) == 1)
		ALWAYS(report.magic == WIRE_MAGIC);
}

static bool step(int web, struct input *in)
{
	struct message m = { .length = 0 };
	uint8_t what = input_byte(in);

	memset(&seen, 0, sizeof seen);
	switch (what % 8) {
	case 0:
		make_bytes(&m, in);
		break;
	case 1:
	case 2:
	case 3:
		make_message(&m, WIRE_START, in);
		break;
	case 4:
		make_message(&m, WIRE_CANCEL, in);
		break;
	case 5:
		end_job(in);
		read_reports(web);
		return spawner.channel_fd >= 0;
	case 6:
		flood(in);
		read_reports(web);
		return spawner.channel_fd >= 0;
	default:
		front_take_message(&spawner); /* nothing is there */
		ALWAYS(spawner.channel_fd >= 0 && !seen.killed_web && !seen.started && !seen.cancelled);
		return true;
	}
	return exchange(web, &m, what & 0x80);
}

static void open_kinds(void)
{
	int ends[2], sockets[2];
	char name[64];

	ALWAYS(pipe2(ends, O_CLOEXEC) == 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == 0);
	of_kind[READ_END] = ends[0];
	of_kind[WRITE_END] = ends[1];
	snprintf(name, sizeof name, "/proc/self/fd/%d", ends[0]);
	of_kind[BOTH_ENDS] = open(name, O_RDWR | O_CLOEXEC);
	of_kind[SOCKET] = sockets[0];
	of_kind[FILE_] = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	of_kind[NULL_] = open("/dev/null", O_WRONLY | O_CLOEXEC);
	of_kind[MEMORY] = memfd_create("fuzz", MFD_CLOEXEC);
	of_kind[EPOLL] = epoll_create1(EPOLL_CLOEXEC);
	of_kind[FOLDER] = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	of_kind[PATH] = open("/", O_PATH | O_CLOEXEC);
	for (int i = 0; i < KINDS; i++)
		ALWAYS(of_kind[i] >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	unsigned before;
	int pair[2];

	if (of_kind[READ_END] == 0)
		open_kinds();
	before = descriptors_open();
	ALWAYS(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	spawner.most = most;
	spawner.places = PLACES;
	spawner.channel_fd = pair[0];
	spawner.web_pid = WEB_PID;
	spawner.drain_until_us = 0;
	for (int i = 0; i < PLACES; i++) {
		spawner.cell[i].has_job = false;
		spawner.cell_of_slot[i] = -1;
	}
	for (int steps = 0; steps < STEPS_MOST && input_left(&in) > 0 && step(pair[1], &in); steps++)
		;
	close(pair[1]);
	if (spawner.channel_fd >= 0) {
		memset(&seen, 0, sizeof seen);
		front_take_message(&spawner); /* the end of the file */
		ALWAYS(spawner.channel_fd == -1 && seen.killed_web == 1);
	}
	front_web_is_gone(&spawner, 0);
	ALWAYS(spawner.web_pid == 0 && seen.killed_all == 1 && spawner.web_restart_us > 0);
	ALWAYS(descriptors_open() == before);
	return 0;
}
