/* SPDX-License-Identifier: MIT */
/* Input and output that finishes what it starts: see include/io.h. Used by every process. */
#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "own.h"

ssize_t io_read(int fd, void *bytes, size_t length)
{
	ssize_t got;

	do
		got = read(fd, bytes, length);
	while (got < 0 && errno == EINTR);
	return got;
}

ssize_t io_write(int fd, const void *bytes, size_t length)
{
	ssize_t put;

	do
		put = write(fd, bytes, length);
	while (put < 0 && errno == EINTR);
	return put;
}

int io_write_all(int fd, const void *bytes, size_t length)
{
	const char *next = bytes;

	while (length > 0) {
		ssize_t put = io_write(fd, next, length);

		if (put < 0)
			return -1;
		next += put;
		length -= (size_t)put;
	}
	return 0;
}

int io_read_exact(int fd, void *bytes, size_t length)
{
	char *next = bytes;

	while (length > 0) {
		ssize_t got = io_read(fd, next, length);

		if (got < 0)
			return -1;
		if (got == 0) {
			errno = ECONNRESET;
			return -1;
		}
		next += got;
		length -= (size_t)got;
	}
	return 0;
}

ssize_t io_read_file(int dir_fd, const char *path, char *buffer, size_t capacity)
{
	OWNED_FD fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;

	if (fd < 0)
		return -1;
	for (;;) {
		ssize_t got = io_read(fd, buffer + used, capacity - used);

		if (got < 0)
			return -1;
		if (got == 0) {
			buffer[used] = '\0';
			return (ssize_t)used;
		}
		used += (size_t)got;
		if (used == capacity) {
			errno = EFBIG;
			return -1;
		}
	}
}

int io_write_file(int dir_fd, const char *path, const char *text)
{
	OWNED_FD fd = openat(dir_fd, path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	return io_write_all(fd, text, strlen(text));
}

/* One buffer for ancillary data, aligned as CMSG_FIRSTHDR wants it (cmsg(3)). */
union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * IO_MAX_FDS)];
};

int io_send(int fd, const void *bytes, size_t length, const int *fds, size_t count)
{
	union control control;
	struct iovec part = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = length };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t sent;

	if (count > IO_MAX_FDS) {
		errno = EINVAL;
		return -1;
	}
	memset(&control, 0, sizeof control);
	if (count > 0) {
		struct cmsghdr *header = &control.align; /* which is CMSG_FIRSTHDR */

		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(header), fds, sizeof(int) * count);
	}
	do
		sent = sendmsg(fd, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

static size_t take_fds(struct msghdr *message, int fds[IO_MAX_FDS])
{
	size_t count = 0;

	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
		size_t here;

		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		here = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < here && count < IO_MAX_FDS; i++)
			memcpy(&fds[count++], CMSG_DATA(header) + i * sizeof(int), sizeof(int));
	}
	return count;
}

ssize_t io_receive(int fd, void *bytes, size_t capacity, int fds[IO_MAX_FDS], size_t *count)
{
	union control control;
	struct iovec part = { .iov_base = bytes, .iov_len = capacity };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes
	};
	ssize_t got;

	*count = 0;
	do
		got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -1;
	*count = take_fds(&message, fds);
	if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		for (size_t i = 0; i < *count; i++)
			close(fds[i]);
		*count = 0;
		errno = EMSGSIZE;
		return -1;
	}
	return got;
}

int io_set_nonblocking(int fd, bool nonblocking)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -1;
	return fcntl(fd, F_SETFL, nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

uint64_t io_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}
