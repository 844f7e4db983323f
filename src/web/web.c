/* SPDX-License-Identifier: MIT */
/*
 * The web process, from its fork to its exit: see include/web.h.
 *
 * It is forked from the spawner, where there are namespaces without a file or a network around it, with two descriptors:
 * the listening socket and the channel to the spawner. It locks itself into an empty directory, gives up every privilege
 * and installs its filter before it takes the first connection. On SIGTERM it drains; when the spawner is gone, it goes.
 */
#define _GNU_SOURCE
#include "web.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "execute.h"
#include "io.h"
#include "log.h"
#include "loop.h"
#include "metrics.h"
#include "own.h"
#include "pulse.h"
#include "server.h"

enum {
	BACKLOG = 1024,
	SWEEP_US = 500000,
	TRIM_US = 5000000,
	DRAIN_US = 8000000,
	DRAIN_ROUND_MS = 20,
	UNREAD_MS = 30000,
	HEAP_KEPT_BYTES = 128 << 20, /* free at its end, before some is given back */
	HEAP_BLOCK_BYTES = 4 << 20,  /* larger ones are maps of their own */
};

struct web {
	const struct web_setup *setup;
	struct loop loop;
	struct executor executor;
	struct metrics metrics;
	struct server *server;
	struct pulse_watch spawner_pulse;
	uint64_t next_sweep_us, next_trim_us;
	uint64_t drain_until_us; /* 0: not draining */
	bool abandoned;
};

static volatile sig_atomic_t stop_requested;

/* ---- the start -------------------------------------------------------------------------------------------------- */

static void on_stop(int number)
{
	(void)number;
	stop_requested = 1;
}

static void fail(const char *what)
{
	log_event(LOG_ERROR, NULL, "web cannot start: %s: %s", what, strerror(errno));
	_exit(EXIT_FAILURE);
}

/* The fork of the spawner holds its descriptors: all but the two that web works with are closed. */
static void close_inherited(int a, int b)
{
	int low = a < b ? a : b, high = a < b ? b : a;

	if (jail_close_range(STDERR_FILENO + 1, low - 1) < 0 || jail_close_range(low + 1, high - 1) < 0 ||
	    jail_close_range(high + 1, INT_MAX) < 0)
		fail("close what was inherited");
}

static void become_harmless(const struct web_setup *setup)
{
	struct fault f;
	uid_t uid = setup->jail->cell_uids ? jail_web_uid(setup->jail) : geteuid();
	gid_t gid = setup->jail->cell_uids ? jail_web_uid(setup->jail) : getegid();

	if (jail_enclose_web(setup->jail) < 0)
		fail("leave the file system");
	if (jail_drop_privileges(setup->jail->cell_uids, uid, gid, &f) < 0) {
		log_event(LOG_ERROR, NULL, "web cannot start: %s", f.text);
		_exit(EXIT_FAILURE);
	}
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		fail("prctl");
	if (jail_install_filter(setup->filter) < 0)
		fail("install the filter");
}

/*
 * The values of one costly result are some 80 MiB in small pieces. The C library gives such a heap back to the kernel at
 * once (mallopt(3)), and getting it again, page by page, is most of what the next one costs: 40 instead of 250 ms here.
 * So it is kept for a while.
 */
static void keep_heap(void)
{
	(void)mallopt(M_TRIM_THRESHOLD, HEAP_KEPT_BYTES);
	(void)mallopt(M_MMAP_THRESHOLD, HEAP_BLOCK_BYTES);
}

static void start(struct web *w, int channel_fd)
{
	const struct config *c = w->setup->config;
	const struct executor_settings settings = { .max_stdout_bytes = c->max_stdout_bytes,
						    .max_result_bytes = c->max_result_bytes,
						    .slots = (uint32_t)c->max_concurrency,
						    .queue_limit = (uint32_t)c->max_queue,
						    .client_limit = (uint32_t)c->max_per_client,
						    .full_imports = w->setup->full_imports };

	prctl(PR_SET_NAME, "safe-exec-web");
	keep_heap();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN); /* from a terminal it reaches everybody; the spawner decides and sends SIGTERM */
	signal(SIGTERM, on_stop);
	close_inherited(channel_fd, w->setup->listen_fd);
	if (listen(w->setup->listen_fd, BACKLOG) < 0) /* again: a web before this one may have shut the socket down */
		fail("listen");
	metrics_open(&w->metrics);
	if (loop_open(&w->loop) < 0 || executor_open(&w->executor, &w->loop, channel_fd, &settings, &w->metrics) < 0)
		fail("epoll");
	w->server = server_open(&w->loop, &w->executor, w->setup);
	if (!w->server)
		fail("libmicrohttpd");
	become_harmless(w->setup);
}

/* ---- the loop --------------------------------------------------------------------------------------------------- */

static bool drained(const struct web *w)
{
	return w->drain_until_us && w->executor.running_count + w->executor.clearing_count == 0 &&
	       w->executor.waiting_count == 0 && server_is_idle(w->server);
}

static void regular_work(struct web *w)
{
	uint64_t now = io_now_us();

	if (stop_requested && !w->drain_until_us) {
		w->drain_until_us = now + DRAIN_US;
		server_stop_accepting(w->server);
	}
	if (w->drain_until_us && now >= w->drain_until_us && !w->abandoned) {
		w->abandoned = true;
		executor_abandon(&w->executor);
	}
	if (now < w->next_sweep_us)
		return;
	w->next_sweep_us = now + SWEEP_US;
	w->executor.spawner_hangs = pulse_look(&w->spawner_pulse, w->setup->spawn_status->spawner_rounds, now) >
				    PULSE_LOOKS_MOST;
	server_close_overdue(w->server);
	executor_expire(&w->executor);
	if (now < w->next_trim_us)
		return;
	w->next_trim_us = now + TRIM_US;
	(void)malloc_trim(0);
}

void web_run(void *context, int channel_fd)
{
	static struct web w; /* zeroed; large, and there is one */

	w.setup = context;
	log_open((enum log_format)w.setup->config->log_format, "web");
	start(&w, channel_fd);
	while (!drained(&w) && !w.executor.spawner_gone) {
		w.setup->spawn_status->web_rounds++;
		server_round(w.server, w.drain_until_us ? DRAIN_ROUND_MS : SWEEP_US / 1000);
		executor_advance(&w.executor);
		regular_work(&w);
	}
	exit(w.executor.spawner_gone ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* ---- before the fork --------------------------------------------------------------------------------------------- */

int web_listen(const struct config *c, struct fault *f)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
					.ai_socktype = SOCK_STREAM,
					.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE };
	struct addrinfo *address;
	char port[16];
	const int on = 1, unread_ms = UNREAD_MS;
	OWNED_FD fd = -1;
	int status;

	snprintf(port, sizeof port, "%u", (unsigned)c->port);
	status = getaddrinfo(c->host, port, &hints, &address);
	if (status != 0)
		return fault_set(f, 0, "HOST=\"%s\": must be a numeric IPv4 or IPv6 address (%s)", c->host,
				 gai_strerror(status));
	fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0) {
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
		/* Inherited by connections: an answer that nobody reads is not kept in the kernel for minutes. */
		(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unread_ms, sizeof unread_ms);
	}
	status = fd < 0 || bind(fd, address->ai_addr, address->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0;
	freeaddrinfo(address);
	if (status) {
		fault_set(f, errno, "listen on HOST=\"%s\" PORT=%s", c->host, port);
		return f->error == EADDRINUSE ?
			       fault_hint(f, "another program uses the port: choose one with PORT=...") :
			       -1;
	}
	return fd_release(&fd);
}
