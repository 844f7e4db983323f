/* SPDX-License-Identifier: MIT */
/*
 * Pipes to and from a job: see collect.h. Runs in web; what comes in is hostile and is only stored here.
 *
 * One read per round and pipe: a script that floods its stdout gets its share of the loop and no more.
 */
#include "collect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"

/* A pipe holds 64 KiB unless a job made it larger (up to 1 MiB); who goes on writing after that has had its chance. */
enum { READ_BYTES = 65536, FIRST_ROOM = 4096, DRAIN_READS_MOST = 32 };

static bool make_room(struct collector *c, size_t wanted)
{
	size_t room = c->room ? c->room : FIRST_ROOM;
	char *grown;

	if (wanted <= c->room)
		return true;
	while (room < wanted)
		room *= 2;
	grown = realloc(c->bytes, room);
	if (!grown)
		return false;
	c->bytes = grown;
	c->room = room;
	return true;
}

static void keep_head(struct collector *c, const char *bytes, size_t length)
{
	size_t fits = c->cap - c->used < length ? c->cap - c->used : length;

	if (!make_room(c, c->used + fits))
		fits = 0; /* out of memory: cut here */
	if (fits > 0)
		memcpy(c->bytes + c->used, bytes, fits);
	c->used += fits;
	if (fits < length && !c->over) {
		c->over = true;
		if (c->at_over)
			c->at_over(c->context);
	}
}

static void keep_tail(struct collector *c, const char *bytes, size_t length)
{
	if (!make_room(c, 2 * c->cap))
		return;
	if (length > c->cap) {
		bytes += length - c->cap;
		length = c->cap;
	}
	if (c->used + length > 2 * c->cap) {
		size_t kept = c->cap - length;

		memmove(c->bytes, c->bytes + c->used - kept, kept);
		c->used = kept;
	}
	memcpy(c->bytes + c->used, bytes, length);
	c->used += length;
}

static void close_collector(struct collector *c)
{
	int fd = c->watch.fd;

	loop_remove(c->loop, &c->watch);
	if (fd >= 0)
		close(fd);
	c->open = false;
}

/* What read(2) returned: bytes, 0 at the end, -1 with errno. */
static ssize_t take_once(struct collector *c)
{
	static char bytes[READ_BYTES]; /* web has one thread */
	ssize_t got = io_read(c->watch.fd, bytes, sizeof bytes);

	if (got > 0)
		(c->keep == COLLECT_HEAD ? keep_head : keep_tail)(c, bytes, (size_t)got);
	return got;
}

static void on_readable(struct watch *w, uint32_t events)
{
	struct collector *c = (struct collector *)(void *)w;
	ssize_t got = take_once(c);

	(void)events;
	if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)))
		return;
	close_collector(c);
	c->at_end(c->context);
}

void collect_drain(struct collector *c)
{
	for (int reads = 0; c->open && reads < DRAIN_READS_MOST && take_once(c) > 0; reads++)
		;
}

void collect_finish(struct collector *c)
{
	collect_drain(c);
	if (c->open)
		close_collector(c);
}

int collect_start(struct collector *c, struct loop *loop, int fd, size_t cap, enum collect_keep keep,
		  void (*at_end)(void *), void *context)
{
	*c = (struct collector){ .loop = loop, .cap = cap, .keep = keep, .at_end = at_end, .context = context };
	if (loop_add(loop, &c->watch, fd, EPOLLIN, on_readable) < 0) {
		close(fd);
		return -1;
	}
	c->open = true;
	return 0;
}

void collect_stop(struct collector *c)
{
	if (c->open)
		close_collector(c);
	free(c->bytes);
	c->bytes = NULL;
	c->used = 0;
	c->room = 0;
}

/* ---- the other direction ----------------------------------------------------------------------------------------- */

/* -1: no more can be written now (or ever); 0: all of it is gone. */
static int push(int fd, const char *bytes, size_t length, size_t *sent)
{
	while (*sent < length) {
		ssize_t put = io_write(fd, bytes + *sent, length - *sent);

		if (put < 0)
			return -1;
		*sent += (size_t)put;
	}
	return 0;
}

void feed_stop(struct feeder *f)
{
	int fd = f->watch.fd;

	if (!f->open)
		return;
	loop_remove(f->loop, &f->watch);
	close(fd);
	f->open = false;
}

static void on_writable(struct watch *w, uint32_t events)
{
	struct feeder *f = (struct feeder *)(void *)w;
	bool done = push(w->fd, f->head, sizeof f->head, &f->head_sent) == 0 &&
		    push(w->fd, f->bytes, f->length, &f->sent) == 0;

	(void)events;
	if (!done && (errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	feed_stop(f); /* all sent, or EPIPE: the job is gone, as its report will say */
}

int feed_start(struct feeder *f, struct loop *loop, int fd, const void *head, const char *bytes, size_t length)
{
	*f = (struct feeder){ .loop = loop, .bytes = bytes, .length = length };
	memcpy(f->head, head, sizeof f->head);
	if (loop_add(loop, &f->watch, fd, EPOLLOUT, on_writable) < 0) {
		close(fd);
		return -1;
	}
	f->open = true;
	on_writable(&f->watch, EPOLLOUT);
	return 0;
}
