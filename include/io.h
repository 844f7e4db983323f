/* SPDX-License-Identifier: MIT */
/* Full reads and writes, and messages with descriptors attached. EINTR is handled here and nowhere else. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { IO_MAX_FDS = 16 };

/* Writes all of it to a blocking descriptor: 0, or -1 with errno. */
int io_write_all(int fd, const void *bytes, size_t length);

/* Reads exactly length bytes: 0, or -1 with errno (ECONNRESET at an early end of file). */
int io_read_exact(int fd, void *bytes, size_t length);

/* read(2) and write(2) that are repeated after EINTR. */
ssize_t io_read(int fd, void *bytes, size_t length);
ssize_t io_write(int fd, const void *bytes, size_t length);

/* Reads a small file whole into buffer and ends it with NUL: bytes read, or -1 with errno (EFBIG when it does not fit). */
ssize_t io_read_file(int dir_fd, const char *path, char *buffer, size_t capacity);

/* Writes text to an existing file (a kernel control file): 0, or -1 with errno. */
int io_write_file(int dir_fd, const char *path, const char *text);

/* Sends one datagram with descriptors (count may be 0). Returns 0, or -1 with errno (EAGAIN on a full queue). */
int io_send(int fd, const void *bytes, size_t length, const int *fds, size_t count);

/*
 * Receives one datagram. *count is set to the number of descriptors received (close-on-exec, owned by the
 * caller, at most IO_MAX_FDS). Returns its length, 0 at end of file, -1 with errno. A message longer than
 * capacity, or with more descriptors than fit, is EMSGSIZE and its descriptors are closed.
 */
ssize_t io_receive(int fd, void *bytes, size_t capacity, int fds[IO_MAX_FDS], size_t *count);

/* Sets or clears O_NONBLOCK: 0, or -1 with errno. */
int io_set_nonblocking(int fd, bool nonblocking);

/* CLOCK_MONOTONIC in microseconds. */
uint64_t io_now_us(void);
