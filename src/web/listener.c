/* SPDX-License-Identifier: MIT */
/*
 * The listening socket: see listener.h. Runs in web.
 *
 * libmicrohttpd would take connections itself, eleven in a round of its loop (0.9.75). When hundreds come at once while
 * rounds are long, the kernel's queue overflows, and a client whose SYN was dropped tries again after a second
 * (RFC 6298): the honest wait that second, too. A connection that is not wanted is closed here before the library has
 * made anything of it.
 */
#define _GNU_SOURCE
#include "listener.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

enum { ROUND_CONNECTIONS = 128 }; /* some 3 ms */

static bool is_lack(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

/* False: there is nothing more to take for now. Other errors are those of one connection (accept(2)). */
static bool take_one(struct listener *l)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof address;
	int fd = accept4(l->fd, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		l->short_of_resources = false;
		l->take(l->context, fd, (struct sockaddr *)&address, length);
		return true;
	}
	if (!is_lack(errno))
		return errno != EAGAIN;
	if (!l->short_of_resources)
		log_event(LOG_WARNING, NULL, "connections have to wait: %s", strerror(errno));
	l->short_of_resources = true;
	listener_pause(l);
	return false;
}

static void on_ready(struct watch *w, uint32_t events)
{
	struct listener *l = (struct listener *)(void *)((char *)w - offsetof(struct listener, watch));

	(void)events;
	for (int i = 0; i < ROUND_CONNECTIONS && w->fd >= 0; i++)
		if (!take_one(l))
			return;
}

int listener_open(struct listener *l, struct loop *loop, int fd,
		  void (*take)(void *context, int fd, const struct sockaddr *address, socklen_t length), void *context)
{
	*l = (struct listener){ .loop = loop, .fd = fd, .take = take, .context = context };
	return loop_add(loop, &l->watch, fd, EPOLLIN, on_ready);
}

void listener_pause(struct listener *l)
{
	loop_remove(l->loop, &l->watch);
}

void listener_resume(struct listener *l)
{
	if (l->fd < 0 || l->watch.fd >= 0)
		return;
	if (loop_add(l->loop, &l->watch, l->fd, EPOLLIN, on_ready) < 0)
		log_event(LOG_WARNING, NULL, "connections have to wait: %s", strerror(errno)); /* it is tried again */
}

void listener_close(struct listener *l)
{
	if (l->fd < 0)
		return;
	listener_pause(l);
	shutdown(l->fd, SHUT_RDWR);
	close(l->fd);
	l->fd = -1;
}
