/* SPDX-License-Identifier: MIT */
/* The listening socket: takes connections as they come, many in a round. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

#include "loop.h"

struct listener {
	struct watch watch;
	struct loop *loop;
	int fd; /* -1: closed */
	void (*take)(void *context, int fd, const struct sockaddr *address, socklen_t length);
	void *context;
	bool short_of_resources; /* of descriptors or memory; said in the log once, until a connection is taken again */
};

/*
 * Begins to take connections from fd, which listens and does not block, and owns it. take gets each of them, non-blocking
 * and close-on-exec, and owns it. l must stay where it is until listener_close. 0, or -1 with errno.
 */
int listener_open(struct listener *l, struct loop *loop, int fd,
		  void (*take)(void *context, int fd, const struct sockaddr *address, socklen_t length), void *context);

/* Leaves connections to wait in the kernel's queue, also those of the round under way. */
void listener_pause(struct listener *l);

/* Goes on after listener_pause, or after a lack of descriptors or memory. Does nothing otherwise. */
void listener_resume(struct listener *l);

/* No more connections, also for every other process that holds the socket: those that wait are reset. */
void listener_close(struct listener *l);
