/* SPDX-License-Identifier: MIT */
/*
 * The two messages between web and spawner: see include/wire.h.
 *
 * Each side takes the other to be hostile: web parses strangers' bytes, so the spawner must survive a web
 * that was taken over; web must survive a confused spawner without indexing by a number that it was sent.
 */
#include "wire.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <fcntl.h>

#include "io.h"

int wire_send_start(int fd, const struct start_msg *msg, const int fds[WIRE_FD_COUNT])
{
	return io_send(fd, msg, sizeof *msg, fds, fds ? WIRE_FD_COUNT : 0);
}

int wire_send_report(int fd, const struct exit_report *report)
{
	return io_send(fd, report, sizeof *report, NULL, 0);
}

static int receive(int fd, void *message, size_t length, int fds[IO_MAX_FDS], size_t *count, struct fault *f)
{
	ssize_t got = io_receive(fd, message, length, fds, count);

	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if (got == 0 || (got < 0 && errno == ECONNRESET))
		return fault_set(f, 0, "the other side closed the channel");
	if (got < 0)
		return fault_set(f, errno, "receive a message");
	if ((size_t)got != length)
		return fault_set(f, EPROTO, "message of %zd bytes, not %zu", got, length);
	return 1;
}

/* tmpfs(5): a page less would mean no limit on the number of files. */
enum { TMP_LEAST_BYTES = 4096 };

static int limits_within(const struct job_limits *l, const struct job_limits *most)
{
	return l->wall_ms > 0 && l->wall_ms <= most->wall_ms && l->cpu_seconds > 0 &&
	       l->cpu_seconds <= most->cpu_seconds && l->memory_bytes > 0 && l->memory_bytes <= most->memory_bytes &&
	       l->file_bytes > 0 && l->file_bytes <= most->file_bytes && l->tmp_bytes >= TMP_LEAST_BYTES &&
	       l->tmp_bytes <= most->tmp_bytes && l->descriptors > 0 && l->descriptors <= most->descriptors &&
	       l->processes > 0 && l->processes <= most->processes;
}

/* A job gets pipes and nothing else: the right ends of them, too. */
static int is_pipe(int fd, int access)
{
	struct stat info;
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && (flags & O_ACCMODE) == access && fstat(fd, &info) == 0 && S_ISFIFO(info.st_mode);
}

static int start_is_valid(const struct start_msg *msg, const int *fds, size_t count, uint32_t slots,
			  const struct job_limits *most)
{
	if (msg->magic != WIRE_MAGIC || msg->slot >= slots || msg->tier > WIRE_COLD)
		return 0;
	if (msg->kind == WIRE_CANCEL)
		return count == 0 && msg->tier == 0 &&
		       memcmp(&msg->limits, &(struct job_limits){ 0 }, sizeof msg->limits) == 0;
	return msg->kind == WIRE_START && count == WIRE_FD_COUNT && limits_within(&msg->limits, most) &&
	       is_pipe(fds[WIRE_FD_INPUT], O_RDONLY) && is_pipe(fds[WIRE_FD_STDOUT], O_WRONLY) &&
	       is_pipe(fds[WIRE_FD_STDERR], O_WRONLY) && is_pipe(fds[WIRE_FD_RESULT], O_WRONLY);
}

int wire_receive_start(int fd, struct start_msg *msg, int fds[WIRE_FD_COUNT], uint32_t slots,
		       const struct job_limits *most, struct fault *f)
{
	int received[IO_MAX_FDS];
	size_t count;
	int status = receive(fd, msg, sizeof *msg, received, &count, f);

	if (status == 1 && !start_is_valid(msg, received, count, slots, most))
		status = fault_set(f, EPROTO, "a start message that does not validate");
	if (status != 1) {
		for (size_t i = 0; i < count; i++)
			close(received[i]);
		return status;
	}
	if (count == WIRE_FD_COUNT)
		memcpy(fds, received, sizeof(int) * WIRE_FD_COUNT);
	return 1;
}

int wire_receive_report(int fd, struct exit_report *report, uint32_t slots, struct fault *f)
{
	int received[IO_MAX_FDS];
	size_t count;
	int status = receive(fd, report, sizeof *report, received, &count, f);

	for (size_t i = 0; i < count; i++)
		close(received[i]);
	if (status != 1)
		return status;
	if (count != 0 || report->magic != WIRE_MAGIC || report->slot >= slots ||
	    report->killed_by >= KILLED_BY_COUNT || report->start >= WIRE_STARTS)
		return fault_set(f, EPROTO, "an exit report that does not validate");
	return 1;
}
