/* SPDX-License-Identifier: MIT */
/* The ends of a job's pipes in web: reading under a cap until end of file, writing the script. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "loop.h"

enum collect_keep { COLLECT_HEAD, COLLECT_TAIL };

struct collector {
	struct watch watch; /* first member: the handler gets its address */
	struct loop *loop;
	char *bytes; /* owned */
	size_t used, room, cap;
	enum collect_keep keep;
	bool over; /* there was more than cap */
	bool open;
	void (*at_end)(void *context);
	void (*at_over)(void *context); /* once, when over becomes true; may be NULL */
	void *context;
};

/*
 * Reads fd (non-blocking, owned from now on) until end of file; keeps the first or the last cap bytes and throws the
 * rest away, so that a writer never blocks for long. Then calls at_end. 0, or -1 with errno (fd is closed).
 */
int collect_start(struct collector *c, struct loop *loop, int fd, size_t cap, enum collect_keep keep,
		  void (*at_end)(void *), void *context);

/* Takes what is in the pipe now, without waiting for more. */
void collect_drain(struct collector *c);

/* The same, and closes it: nobody is left who could write more. at_end is not called. */
void collect_finish(struct collector *c);

/* Stops early and releases everything; may be called at any time, also on a zeroed collector. */
void collect_stop(struct collector *c);

struct feeder {
	struct watch watch;
	struct loop *loop;
	const char *bytes; /* not owned; header and body are sent one after the other */
	size_t length, sent;
	char head[64];
	size_t head_sent;
	bool open;
};

/* Writes head (64 bytes) and then bytes to fd (non-blocking, owned from now on), and closes it. */
int feed_start(struct feeder *f, struct loop *loop, int fd, const void *head, const char *bytes, size_t length);
void feed_stop(struct feeder *f);
