/* SPDX-License-Identifier: MIT */
/*
 * The privileged loop: see include/spawn.h.
 *
 * It trusts the kernel and what was configured. What comes in: fixed-size messages from web (taken to be hostile,
 * validated in wire.c), one fixed-size message per job from init (our code, in the jail), signals. What goes out:
 * clones, kills, and one exit report per job. It never reads a byte that a script or a client wrote.
 *
 * A job ends when its init has been waited for, and the kernel ends an init only after every process in its
 * namespace: so a report means that nothing of the job is left.
 */
#define _GNU_SOURCE
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"
#include "body.h"
#include "cgroup.h"
#include "io.h"
#include "own.h"

#ifdef SAFE_EXEC_TEST_DROP
#include "../jail/layer.h"
#else
#define DROPPED(j, what) false
#endif

enum {
	MEMORY_TICK_US = 25000,   /* accounting: a process touches some 100 MB in this time at the very most */
	CPU_TICK_US = 100000,     /* where the kernel bounds the memory, only CPU time is watched */
	TICK_SHARE = 9,           /* times its own length a look is away from the next */
	DRAIN_US = 9500000,       /* web has 8 s for its running jobs; platforms kill after 10 */
	RESTART_LEAST_US = 50000, /* of web, doubled while it keeps dying young */
	RESTART_MOST_US = 5000000,
	YOUNG_US = 10000000,
	SPARE_DESCRIPTORS = 64,
	DESCRIPTORS_PER_SLOT = 16, /* here: sync pair, two mounts, six of cgroups; in web: pipes */
};

struct slot {
	pid_t pid; /* of init; 0: the slot is free */
	uint64_t job_id;
	struct job_limits limits;
	uint64_t started_us;
	uint64_t deadline_us;
	uint64_t next_tick_us;
	uint64_t oom_kills_before;
	uint64_t cpu_before_us; /* of the slot's group */
	uint64_t seen_cpu_us;   /* at the last look */
	enum killed_by killed_by;
	int sync_fd;
	int mount_fds[INIT_FD_COUNT];
	bool ended; /* *end holds the last word of init */
	struct init_message end;
};

struct spawner {
	struct jail jail;
	struct cgroups *cgroups;
	char cgroup_status[JAIL_STATUS_BYTES];
	struct job_limits most;
	uint32_t slots;
	struct slot slot[JAIL_SLOTS_MAX];
	/* web */
	const struct spawner_web *web;
	pid_t web_pid;
	int channel_fd;
	uint64_t web_started_us;
	uint64_t web_restart_us; /* when to start it again */
	uint64_t restart_delay_us;
	uint64_t drain_until_us; /* 0: not draining */
	bool stop_now;
};

static volatile sig_atomic_t stop_requests;

const struct jail *spawner_jail(const struct spawner *s)
{
	return &s->jail;
}

const char *spawner_cgroup_status(const struct spawner *s)
{
	return s->cgroup_status;
}

enum memory_enforcement spawner_memory_enforcement(const struct spawner *s)
{
	return cgroups_version(s->cgroups);
}

/* ---- one job -------------------------------------------------------------------------------------------------- */

static void forget_job(struct slot *slot)
{
	fd_close(&slot->sync_fd);
	for (size_t i = 0; i < INIT_FD_COUNT; i++)
		fd_close(&slot->mount_fds[i]);
	slot->pid = 0;
}

static void clear_slot(struct slot *slot)
{
	memset(slot, 0, sizeof *slot);
	slot->sync_fd = -1;
	for (size_t i = 0; i < INIT_FD_COUNT; i++)
		slot->mount_fds[i] = -1;
}

/* Clones, maps, lets go. 0, or -1 with errno and nothing left. */
static int launch(struct spawner *s, uint32_t number, const struct job_limits *limits, const int fds[WIRE_FD_COUNT])
{
	struct slot *slot = &s->slot[number];
	struct jail_job job = { .slot = number, .limits = *limits };
	int pair[2];

	memcpy(job.fds, fds, sizeof job.fds);
	if (!DROPPED(&s->jail, DROP_CGROUP))
		job.cgroup_count = cgroups_join_fds(s->cgroups, number, job.cgroup_fds);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	slot->pid = jail_clone(&s->jail);
	if (slot->pid == 0) {
		close(pair[0]); /* or the end of file from a dead spawner would never come */
		init_run(&s->jail, &job, pair[1]);
	}
	close(pair[1]);
	slot->sync_fd = pair[0];
	if (slot->pid < 0 || jail_map_ids(&s->jail, &job, slot->pid) < 0 || io_write_all(slot->sync_fd, "g", 1) < 0) {
		int error = errno;

		if (slot->pid > 0) {
			kill(slot->pid, SIGKILL);
			waitpid(slot->pid, NULL, 0);
		}
		forget_job(slot);
		errno = error;
		return -1;
	}
	return 0;
}

static int start_job(struct spawner *s, uint32_t number, uint64_t job_id, const struct job_limits *limits,
		     const int fds[WIRE_FD_COUNT])
{
	struct slot *slot = &s->slot[number];

	clear_slot(slot);
	slot->job_id = job_id;
	slot->limits = *limits;
	slot->oom_kills_before = cgroups_oom_kills(s->cgroups, number);
	(void)cgroups_cpu_us(s->cgroups, number, &slot->cpu_before_us);
	slot->started_us = io_now_us();
	slot->deadline_us = DROPPED(&s->jail, DROP_WALL) ? UINT64_MAX :
							   slot->started_us + (uint64_t)limits->wall_ms * 1000;
	slot->next_tick_us = slot->started_us + MEMORY_TICK_US;
	return launch(s, number, limits, fds);
}

static void kill_job(struct slot *slot, enum killed_by by)
{
	if (slot->pid <= 0 || slot->killed_by != KILLED_BY_NOBODY)
		return;
	slot->killed_by = by;
	kill(slot->pid, SIGKILL); /* takes the whole process namespace with it */
}

/* Takes what init said so far; it says at most two things. */
static void hear_init(struct slot *slot)
{
	struct init_message message;
	int fds[IO_MAX_FDS];
	size_t count;

	while (slot->sync_fd >= 0) {
		struct pollfd ready = { .fd = slot->sync_fd, .events = POLLIN };
		ssize_t got;

		if (poll(&ready, 1, 0) != 1)
			return;
		got = io_receive(slot->sync_fd, &message, sizeof message, fds, &count);
		if (got == sizeof message && message.word == INIT_STARTED && count == INIT_FD_COUNT &&
		    slot->mount_fds[0] < 0) {
			memcpy(slot->mount_fds, fds, sizeof slot->mount_fds);
			continue;
		}
		for (size_t i = 0; i < count; i++)
			close(fds[i]);
		if (got != sizeof message)
			return;
		if (message.word == INIT_FAULT || message.word == INIT_ENDED) {
			slot->end = message;
			slot->ended = true;
		}
	}
}

static uint64_t mount_bytes(const struct slot *slot)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < INIT_FD_COUNT; i++) {
		struct statfs info;

		if (slot->mount_fds[i] >= 0 && fstatfs(slot->mount_fds[i], &info) == 0)
			bytes += (uint64_t)(info.f_blocks - info.f_bfree) * (uint64_t)info.f_bsize;
	}
	return bytes;
}

/* The group knows it exactly. Without one, children that nobody waits for take what they used with them. */
static uint64_t used_cpu_us(const struct spawner *s, const struct slot *slot)
{
	uint64_t us;

	if (!DROPPED(&s->jail, DROP_CGROUP) && cgroups_cpu_us(s->cgroups, (uint32_t)(slot - s->slot), &us))
		return us - slot->cpu_before_us;
	return account_cpu_us(slot->pid);
}

/* The regular look at a running job. */
static void tick(struct spawner *s, struct slot *slot)
{
	bool accounting = cgroups_version(s->cgroups) == MEMORY_BY_ACCOUNTING || DROPPED(&s->jail, DROP_CGROUP);
	uint64_t started = io_now_us(), ended;

	if (started < slot->next_tick_us)
		return;
	if (accounting && !DROPPED(&s->jail, DROP_MEMORY)) {
		hear_init(slot);
		if (account_memory_exceeds(slot->pid, mount_bytes(slot), slot->limits.memory_bytes))
			kill_job(slot, KILLED_BY_MEMORY);
	} else if (cgroups_oom_kills(s->cgroups, (uint32_t)(slot - s->slot)) > slot->oom_kills_before) {
		kill_job(slot, KILLED_BY_MEMORY); /* v1 kills one process; the job is over all the same */
	}
	slot->seen_cpu_us = used_cpu_us(s, slot);
	if (!DROPPED(&s->jail, DROP_CPU) && slot->seen_cpu_us >= (uint64_t)slot->limits.cpu_seconds * 1000000)
		kill_job(slot, KILLED_BY_CPU);
	/* A job that makes itself expensive to look at gets a tenth of this process at most. */
	ended = io_now_us();
	slot->next_tick_us = ended + (accounting ? MEMORY_TICK_US : CPU_TICK_US) + TICK_SHARE * (ended - started);
}

/* When init is killed, the kernel reaps its children without adding their time to its own. */
static uint64_t whole_cpu_us(const struct spawner *s, const struct slot *slot, const struct rusage *usage)
{
	uint64_t us;

	if (cgroups_cpu_us(s->cgroups, (uint32_t)(slot - s->slot), &us))
		return us - slot->cpu_before_us;
	return slot->seen_cpu_us > body_cpu_us(usage) ? slot->seen_cpu_us : body_cpu_us(usage);
}

/* Init has been waited for: puts the facts together and frees the slot. */
static void finish_job(struct spawner *s, struct slot *slot, int init_status, const struct rusage *usage,
		       struct exit_report *report)
{
	/* RLIMIT_CPU counts clock ticks, rusage what was really used: they differ by a few hundredths either way. */
	const uint64_t cpu_limit_us = (uint64_t)slot->limits.cpu_seconds * 1000000;
	uint32_t number = (uint32_t)(slot - s->slot);

	hear_init(slot);
	*report = (struct exit_report){ .magic = WIRE_MAGIC,
					.slot = number,
					.job_id = slot->job_id,
					.wait_status = init_status,
					.killed_by = slot->killed_by,
					.cpu_us = whole_cpu_us(s, slot, usage) };
	if (slot->ended && slot->end.word == INIT_ENDED) {
		report->wait_status = slot->end.wait_status;
		report->peak_bytes = slot->end.peak_bytes;
		report->cpu_limited = WIFSIGNALED(slot->end.wait_status) &&
				      WTERMSIG(slot->end.wait_status) == SIGKILL &&
				      slot->end.main_cpu_us >= cpu_limit_us - cpu_limit_us / 8;
	} else if (slot->ended) {
		report->wait_status = -1;
		report->fault_layer = slot->end.fault.layer;
		report->fault_error = slot->end.fault.error;
	} else if (!WIFSIGNALED(init_status)) {
		report->wait_status = -1; /* it ended without a word: before the jail */
	}
	report->oom_killed = cgroups_oom_kills(s->cgroups, number) > slot->oom_kills_before;
	forget_job(slot);
}

/* ---- web ------------------------------------------------------------------------------------------------------ */

static void start_web(struct spawner *s)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		log_event(LOG_ERROR, NULL, "socketpair: %s", strerror(errno));
		s->web_restart_us = io_now_us() + RESTART_MOST_US;
		return;
	}
	s->web_pid = fork();
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
	(void)io_set_nonblocking(s->channel_fd, true);
	s->web_started_us = io_now_us();
	s->web_restart_us = 0;
}

static bool any_job(const struct spawner *s)
{
	for (uint32_t i = 0; i < s->slots; i++)
		if (s->slot[i].pid > 0)
			return true;
	return false;
}

static void kill_all_jobs(struct spawner *s)
{
	for (uint32_t i = 0; i < s->slots; i++)
		kill_job(&s->slot[i], KILLED_BY_CANCEL);
}

/* Its pipes are gone, so its jobs have nobody to answer to. */
static void web_is_gone(struct spawner *s, int status)
{
	uint64_t now = io_now_us();

	s->web_pid = 0;
	fd_close(&s->channel_fd);
	kill_all_jobs(s);
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

/* Without its channel a web is of no use; that it should end by itself is only its word. */
static void lose_channel(struct spawner *s)
{
	fd_close(&s->channel_fd);
	if (!s->drain_until_us && s->web_pid > 0)
		kill(s->web_pid, SIGKILL);
}

/* A report that is lost would leave a client and its slot waiting for ever; the socket holds more than there are slots. */
static void report_to_web(struct spawner *s, const struct exit_report *report)
{
	struct fault f;

	if (s->channel_fd < 0 || wire_send_report(s->channel_fd, report) == 0)
		return;
	fault_set(&f, errno, "a report cannot be sent");
	condemn_web(s, &f);
}

static void take_start(struct spawner *s, const struct start_msg *msg, int fds[WIRE_FD_COUNT])
{
	if (start_job(s, msg->slot, msg->job_id, &msg->limits, fds) < 0) {
		struct exit_report report = { .magic = WIRE_MAGIC,
					      .slot = msg->slot,
					      .job_id = msg->job_id,
					      .wait_status = -1,
					      .fault_error = errno };

		log_event(LOG_ERROR, NULL, "cannot start a job: %s", strerror(errno));
		report_to_web(s, &report);
	}
	for (size_t i = 0; i < WIRE_FD_COUNT; i++)
		close(fds[i]);
}

static void take_message(struct spawner *s)
{
	struct start_msg msg;
	struct fault f;
	int fds[WIRE_FD_COUNT];
	int status = wire_receive_start(s->channel_fd, &msg, fds, s->slots, &s->most, &f);

	if (status == 0)
		return;
	if (status < 0) {
		if (f.error != 0)
			condemn_web(s, &f);
		else
			lose_channel(s);
		return;
	}
	if (msg.kind == WIRE_CANCEL) {
		if (s->slot[msg.slot].pid > 0 && s->slot[msg.slot].job_id == msg.job_id)
			kill_job(&s->slot[msg.slot], KILLED_BY_CANCEL);
		return;
	}
	if (s->slot[msg.slot].pid > 0) {
		for (size_t i = 0; i < WIRE_FD_COUNT; i++)
			close(fds[i]);
		fault_set(&f, EPROTO, "slot %u is taken", msg.slot);
		condemn_web(s, &f);
		return;
	}
	take_start(s, &msg, fds);
}

/* ---- the loop -------------------------------------------------------------------------------------------------- */

static void on_stop(int number)
{
	(void)number;
	stop_requests++;
}

static void on_child(int number)
{
	(void)number; /* only interrupts ppoll */
}

static struct slot *slot_of(struct spawner *s, pid_t pid)
{
	for (uint32_t i = 0; i < s->slots; i++)
		if (s->slot[i].pid == pid)
			return &s->slot[i];
	return NULL;
}

/* As process 1 of a container we are also given strangers' orphans: they are reaped and forgotten. */
static void reap(struct spawner *s)
{
	struct rusage usage;
	int status;
	pid_t pid;

	while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
		struct slot *slot = slot_of(s, pid);
		struct exit_report report;

		if (pid == s->web_pid) {
			web_is_gone(s, status);
		} else if (slot) {
			finish_job(s, slot, status, &usage, &report);
			report_to_web(s, &report);
		}
	}
}

static void look_at_jobs(struct spawner *s)
{
	uint64_t now = io_now_us();

	for (uint32_t i = 0; i < s->slots; i++) {
		struct slot *slot = &s->slot[i];

		if (slot->pid <= 0)
			continue;
		if (now >= slot->deadline_us)
			kill_job(slot, KILLED_BY_WALL);
		if (slot->killed_by == KILLED_BY_NOBODY)
			tick(s, slot);
	}
}

static void earlier(uint64_t *when, uint64_t candidate)
{
	if (candidate < *when)
		*when = candidate;
}

static struct timespec time_to_wait(const struct spawner *s)
{
	uint64_t now = io_now_us(), when = now + 1000000;

	for (uint32_t i = 0; i < s->slots; i++)
		if (s->slot[i].pid > 0 && s->slot[i].killed_by == KILLED_BY_NOBODY) {
			earlier(&when, s->slot[i].deadline_us);
			earlier(&when, s->slot[i].next_tick_us);
		}
	if (s->web_restart_us && !any_job(s)) /* else the death of the last job wakes us */
		earlier(&when, s->web_restart_us);
	if (s->drain_until_us && !s->stop_now)
		earlier(&when, s->drain_until_us);
	when = when > now ? when - now : 0;
	return (struct timespec){ .tv_sec = (time_t)(when / 1000000), .tv_nsec = (long)(when % 1000000) * 1000 };
}

/* The first request to stop lets web drain; the second one, or the end of patience, does not wait. */
static void handle_stop(struct spawner *s)
{
	uint64_t now = io_now_us();

	if (stop_requests > 0 && !s->drain_until_us) {
		s->drain_until_us = now + DRAIN_US;
		log_event(LOG_INFO, NULL, "stopping: no new requests, running jobs have 8 s");
		if (s->web_pid > 0)
			kill(s->web_pid, SIGTERM);
	}
	if (s->drain_until_us && (now >= s->drain_until_us || stop_requests > 1) && !s->stop_now) {
		s->stop_now = true;
		kill_all_jobs(s);
		if (s->web_pid > 0)
			kill(s->web_pid, SIGKILL);
	}
}

static void wait_for_something(struct spawner *s, const sigset_t *waiting_mask)
{
	struct pollfd channel = { .fd = s->channel_fd, .events = POLLIN };
	struct timespec timeout = time_to_wait(s);

	if (ppoll(&channel, 1, &timeout, waiting_mask) == 1 && s->channel_fd >= 0)
		take_message(s);
}

static void install_signals(sigset_t *waiting_mask)
{
	struct sigaction child = { .sa_handler = on_child, .sa_flags = SA_NOCLDSTOP }, stop = { .sa_handler = on_stop };
	sigset_t blocked;

	sigaction(SIGCHLD, &child, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	/* Delivered only inside ppoll, so that none falls between a check and the wait. */
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigprocmask(SIG_BLOCK, &blocked, waiting_mask);
	sigdelset(waiting_mask, SIGCHLD);
	sigdelset(waiting_mask, SIGTERM);
	sigdelset(waiting_mask, SIGINT);
}

int spawner_serve(struct spawner *s, const struct spawner_web *web)
{
	sigset_t waiting_mask;

	s->web = web;
	install_signals(&waiting_mask);
	start_web(s);
	while (!(s->drain_until_us && s->web_pid == 0 && !any_job(s))) {
		wait_for_something(s, &waiting_mask);
		handle_stop(s); /* first: a web that ends because it was told to did not die */
		reap(s);
		look_at_jobs(s);
		if (s->web_restart_us && !s->drain_until_us && io_now_us() >= s->web_restart_us && !any_job(s))
			start_web(s);
	}
	log_event(LOG_INFO, NULL, "stopped");
	return EXIT_SUCCESS;
}

/* ---- start and end --------------------------------------------------------------------------------------------- */

/* Of this process and of web, which is forked from it. */
static int raise_descriptor_limit(const struct spawner *s, struct fault *f)
{
	const rlim_t needed = SPARE_DESCRIPTORS + (rlim_t)s->slots * DESCRIPTORS_PER_SLOT;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return fault_set(f, errno, "getrlimit");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return fault_set(f, errno, "raise the limit of open descriptors");
	if (limit.rlim_cur >= needed)
		return 0;
	return fault_set(f, 0,
			 "MAX_CONCURRENCY=%u needs %llu open descriptors, and the hard limit (ulimit -Hn) is %llu",
			 s->slots, (unsigned long long)needed, (unsigned long long)limit.rlim_max);
}

struct spawner *spawner_open(const struct config *c, const struct policy *p, const struct runtime *r, struct fault *f)
{
	struct spawner *s = calloc(1, sizeof *s);

	if (!s) {
		fault_set(f, ENOMEM, "calloc");
		return NULL;
	}
	s->channel_fd = -1;
	s->most = config_job_limits(c);
	s->slots = (uint32_t)c->max_concurrency;
	for (uint32_t i = 0; i < JAIL_SLOTS_MAX; i++)
		clear_slot(&s->slot[i]);
	if (raise_descriptor_limit(s, f) < 0) {
		free(s);
		return NULL;
	}
	s->cgroups = cgroups_open(s->slots, &s->most, s->cgroup_status);
	if (jail_prepare(&s->jail, p, r, f) < 0) {
		spawner_close(s);
		return NULL;
	}
	return s;
}

void spawner_close(struct spawner *s)
{
	kill_all_jobs(s);
	for (uint32_t i = 0; i < s->slots; i++)
		if (s->slot[i].pid > 0)
			waitpid(s->slot[i].pid, NULL, 0);
	cgroups_close(s->cgroups);
	free(s->jail.environment);
	free(s);
}

/* Polls every few milliseconds: it runs twice, at start. */
int spawner_run_one(struct spawner *s, const struct job_limits *limits, int fds[WIRE_FD_COUNT],
		    struct exit_report *report, struct fault *f)
{
	struct slot *slot = &s->slot[0];
	struct rusage usage;
	int status, started = start_job(s, 0, 0, limits, fds), error = errno;
	pid_t pid;

	for (size_t i = 0; i < WIRE_FD_COUNT; i++)
		fd_close(&fds[i]);
	if (started < 0)
		return fault_set(f, error, "clone a jailed child");
	while ((pid = wait4(slot->pid, &status, WNOHANG, &usage)) == 0) {
		look_at_jobs(s);
		poll(NULL, 0, 2);
	}
	if (pid < 0)
		return fault_set(f, errno, "wait for a jailed child");
	finish_job(s, slot, status, &usage, report);
	return 0;
}
