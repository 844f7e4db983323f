/* SPDX-License-Identifier: MIT */
/*
 * Web, as the spawner sees it: a process that is started, watched and started again, and whose messages are taken to
 * be hostile (validated in wire.c). Runs in the spawner.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io.h"
#include "log.h"
#include "state.h"

enum {
	RESTART_LEAST_US = 50000, /* doubled while it keeps dying young */
	RESTART_MOST_US = 5000000,
	YOUNG_US = 10000000,
	START_LOOKS_MOST = 30, /* before its first round, see pulse.h */
	CHANNEL_BYTES = 256 << 10,
};

/*
 * Each end may owe the other two messages for each of 256 slots: what runs, and what is ending. The kernel counts some 768
 * bytes for one of 64 (unix(7): SO_SNDBUF), and doubles what it is given.
 */
static void make_room(const int pair[2])
{
	const int bytes = CHANNEL_BYTES;

	for (int i = 0; i < 2; i++)
		if (setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) < 0)
			log_event(LOG_WARNING, NULL, "setsockopt: %s", strerror(errno)); /* it is enough for most */
}

void front_start_web(struct spawner *s)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		log_event(LOG_ERROR, NULL, "socketpair: %s", strerror(errno));
		s->web_restart_us = io_now_us() + RESTART_MOST_US;
		return;
	}
	if (io_set_nonblocking(pair[0], true) < 0) { /* a web could hold this process up */
		log_event(LOG_ERROR, NULL, "fcntl: %s", strerror(errno));
		close(pair[0]);
		close(pair[1]);
		s->web_restart_us = io_now_us() + RESTART_MOST_US;
		return;
	}
	make_room(pair);
	slim_forks(false);
	s->web_pid = fork();
	if (s->web_pid != 0)
		slim_forks(true);
	if (s->web_pid == 0) {
		sigset_t none;

		close(pair[0]);
		signal(SIGCHLD, SIG_DFL);
		signal(SIGTERM, SIG_DFL);
		signal(SIGINT, SIG_DFL);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		s->web->run(s->web->context, pair[1]);
		_exit(EXIT_FAILURE);
	}
	close(pair[1]);
	if (s->web_pid < 0) {
		log_event(LOG_ERROR, NULL, "fork: %s", strerror(errno));
		s->web_pid = 0;
		s->web_restart_us = io_now_us() + RESTART_MOST_US;
		close(pair[0]);
		return;
	}
	s->channel_fd = pair[0];
	s->web_started_us = io_now_us();
	s->web_restart_us = 0;
	s->web_pulse = (struct pulse_watch){ .seen = s->status->web_rounds };
	s->web_goes_round = false;
}

/* Its pipes are gone, so its jobs have nobody to answer to. */
void front_web_is_gone(struct spawner *s, int status)
{
	uint64_t now = io_now_us();

	s->web_pid = 0;
	fd_close(&s->channel_fd);
	spawner_kill_all_jobs(s);
	if (s->drain_until_us)
		return;
	s->restart_delay_us = now - s->web_started_us > YOUNG_US || !s->restart_delay_us ? RESTART_LEAST_US :
											   s->restart_delay_us * 2;
	if (s->restart_delay_us > RESTART_MOST_US)
		s->restart_delay_us = RESTART_MOST_US;
	s->web_restart_us = now + s->restart_delay_us;
	log_event(LOG_ERROR, (struct log_field[]){ { "wait_status", NULL, status }, { NULL, NULL, 0 } },
		  "web died; it is started again in %llu ms", (unsigned long long)(s->restart_delay_us / 1000));
}

/* A message that does not validate can only come from a web that somebody took over; one that does not read is stuck. */
static void condemn_web(struct spawner *s, const struct fault *f)
{
	log_event(LOG_ERROR, NULL, "web is killed: %s", f->text);
	fd_close(&s->channel_fd);
	if (s->web_pid > 0)
		kill(s->web_pid, SIGKILL);
}

/* One that was stopped, say, or spins: no client would be answered any more. */
void front_watch_web(struct spawner *s)
{
	const uint32_t rounds = s->status->web_rounds;
	struct fault f;

	s->web_goes_round |= rounds != s->web_pulse.seen;
	if (s->web_pid == 0 || s->channel_fd < 0 ||
	    pulse_look(&s->web_pulse, rounds, io_now_us()) <=
		    (s->web_goes_round ? (uint32_t)PULSE_LOOKS_MOST : (uint32_t)START_LOOKS_MOST))
		return;
	fault_set(&f, 0, "it has done nothing for %u s", s->web_pulse.silent);
	condemn_web(s, &f);
}

/* Without its channel a web is of no use; that it should end by itself is only its word. */
static void lose_channel(struct spawner *s)
{
	fd_close(&s->channel_fd);
	if (!s->drain_until_us && s->web_pid > 0)
		kill(s->web_pid, SIGKILL);
}

/* A report that is lost would leave a client and its slot waiting for ever; the socket holds more than there are places. */
void front_report(struct spawner *s, const struct exit_report *report)
{
	struct fault f;

	if (s->awaited) {
		*s->awaited = *report;
		s->reported = true;
		return;
	}
	if (s->channel_fd < 0 || wire_send_report(s->channel_fd, report) == 0)
		return;
	fault_set(&f, errno, "a report cannot be sent");
	condemn_web(s, &f);
}

static void take_start(struct spawner *s, const struct start_msg *msg, int fds[WIRE_FD_COUNT])
{
	if (spawner_start_job(s, msg, fds) < 0) {
		struct exit_report report = { .magic = WIRE_MAGIC,
					      .slot = msg->slot,
					      .job_id = msg->job_id,
					      .wait_status = -1,
					      .fault_error = errno };

		log_event(LOG_ERROR, NULL, "cannot start a job: %s", strerror(errno));
		front_report(s, &report);
	}
	for (size_t i = 0; i < WIRE_FD_COUNT; i++)
		close(fds[i]);
}

void front_take_message(struct spawner *s)
{
	struct cell *running;
	struct start_msg msg;
	struct fault f;
	int fds[WIRE_FD_COUNT];
	int status = wire_receive_start(s->channel_fd, &msg, fds, s->places, &s->most, &f);

	if (status == 0)
		return;
	if (status < 0) {
		if (f.error != 0)
			condemn_web(s, &f);
		else
			lose_channel(s);
		return;
	}
	running = s->cell_of_slot[msg.slot] < 0 ? NULL : &s->cell[s->cell_of_slot[msg.slot]];
	if (msg.kind == WIRE_CANCEL) {
		if (running && running->job_id == msg.job_id)
			cell_kill(running, KILLED_BY_CANCEL);
		return;
	}
	if (running) {
		for (size_t i = 0; i < WIRE_FD_COUNT; i++)
			close(fds[i]);
		fault_set(&f, EPROTO, "slot %u is taken", msg.slot);
		condemn_web(s, &f);
		return;
	}
	take_start(s, &msg, fds);
}
