/* SPDX-License-Identifier: MIT */
/* The event loop: see loop.h. Runs in web. A handler may remove any watch, its own included. */
#include "loop.h"

#include <stddef.h>

enum { ROUND_EVENTS = 128 };

int loop_open(struct loop *l)
{
	*l = (struct loop){ .epoll_fd = epoll_create1(EPOLL_CLOEXEC) };
	return l->epoll_fd < 0 ? -1 : 0;
}

int loop_add(struct loop *l, struct watch *w, int fd, uint32_t events, void (*ready)(struct watch *w, uint32_t events))
{
	struct epoll_event event = { .events = events, .data.ptr = w };

	w->fd = -1;
	w->ready = ready;
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return -1;
	w->fd = fd;
	return 0;
}

void loop_remove(struct loop *l, struct watch *w)
{
	if (w->fd < 0)
		return;
	epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
	w->fd = -1;
	for (int i = 0; i < l->pending_count; i++)
		if (l->pending[i].data.ptr == w)
			l->pending[i].data.ptr = NULL;
}

int loop_round(struct loop *l, int timeout_ms)
{
	struct epoll_event events[ROUND_EVENTS];
	int count = epoll_wait(l->epoll_fd, events, ROUND_EVENTS, timeout_ms);

	l->pending = events;
	l->pending_count = count;
	for (int i = 0; i < count; i++) {
		struct watch *w = events[i].data.ptr;

		if (w)
			w->ready(w, events[i].events);
	}
	l->pending = NULL;
	l->pending_count = 0;
	return count < 0 ? 0 : count;
}
