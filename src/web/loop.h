/* SPDX-License-Identifier: MIT */
/* The one event loop of web: epoll(7) with a handler per descriptor. */
#pragma once

#include <stdint.h>
#include <sys/epoll.h>

struct watch {
	int fd; /* -1: not watched */
	void (*ready)(struct watch *w, uint32_t events);
};

struct loop {
	int epoll_fd;
	struct epoll_event *pending; /* of the round under way */
	int pending_count;
};

/* 0, or -1 with errno. */
int loop_open(struct loop *l);

/* Level-triggered. 0, or -1 with errno. w must stay where it is until loop_remove. */
int loop_add(struct loop *l, struct watch *w, int fd, uint32_t events, void (*ready)(struct watch *w, uint32_t events));

/* Forgets the watch, also if its event is pending in this round; does not close the descriptor. */
void loop_remove(struct loop *l, struct watch *w);

/* Waits at most timeout_ms and calls the handlers of one round: their number. A signal ends the wait early. */
int loop_round(struct loop *l, int timeout_ms);
