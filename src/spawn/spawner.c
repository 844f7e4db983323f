/* SPDX-License-Identifier: MIT */
/*
 * The privileged loop: see include/spawn.h.
 *
 * It trusts the kernel and what was configured. What comes in: fixed-size messages from web (taken to be hostile,
 * validated in wire.c), fixed-size messages from init, templates and their children (our code), signals. What goes out:
 * clones, kills, and one exit report per job. It never reads a byte that a script or a client wrote.
 *
 *     cell.c     one cell: namespaces, processes, limits, the job in it
 *     warm.c     templates and the pool of children that wait for a job
 *     front.c    web, and its messages
 */
#define _GNU_SOURCE
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io.h"
#include "log.h"
#include "state.h"

enum {
	DRAIN_US = 9500000, /* web has 8 s for its running jobs; platforms kill after 10 */
	ROUND_MOST_US = 1000000,
	POLL_US = 5000,
	FREE_CELL_US = 30000000,
	SPARE_DESCRIPTORS = 64,
	DESCRIPTORS_PER_CELL = 22, /* sync pair, handover pair, two mounts, six namespaces, network, eight of cgroups */
	DESCRIPTORS_PER_PLACE = 8, /* in web: pipes */
	SWEPT_CELLS = 16,
	SPARE_CELLS = 4, /* that are being cleared, or belong to a template that is being replaced */
	POLLED_MAX = 1 + WIRE_TIERS * TEMPLATES_PER_TIER + 2 * JAIL_CELLS_MAX,
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

struct spawn_status *spawner_status(const struct spawner *s)
{
	return s->status;
}

bool spawner_is_warm(const struct spawner *s)
{
	return s->warm;
}

const char *spawner_no_templates(const struct spawner *s)
{
	return s->no_templates[0] ? s->no_templates : NULL;
}

const char *spawner_imports(const struct spawner *s)
{
	return s->warm ? s->imports : "";
}

/* ---- jobs ---------------------------------------------------------------------------------------------------------- */

bool spawner_any_job(const struct spawner *s)
{
	for (uint32_t i = 0; i < s->cells; i++)
		if (s->cell[i].has_job)
			return true;
	return false;
}

void spawner_kill_all_jobs(struct spawner *s)
{
	for (uint32_t i = 0; i < s->cells; i++)
		if (s->cell[i].has_job)
			cell_kill(&s->cell[i], KILLED_BY_CANCEL);
}

static int start_cold(struct spawner *s, const struct start_msg *msg, const int fds[WIRE_FD_COUNT])
{
	struct cell *c = cell_find_free(s);

	if (!c) {
		errno = EAGAIN;
		return -1;
	}
	cell_assign(s, c, msg->slot, msg->job_id, &msg->limits, WIRE_STARTED_COLD);
	if (cell_start_cold(s, c, fds) == 0)
		return 0;
	s->cell_of_slot[msg->slot] = -1;
	return -1;
}

int spawner_start_job(struct spawner *s, const struct start_msg *msg, const int fds[WIRE_FD_COUNT])
{
	return warm_start(s, msg, fds) ? 0 : start_cold(s, msg, fds);
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

/* One that looked into the directories of a job, or emptied them. */
static bool sweep_ended(struct spawner *s, pid_t pid)
{
	for (uint32_t i = 0; i < s->cells; i++)
		if (sweep_reaped(&s->cell[i].sweep, pid))
			return true;
	return false;
}

/* As the reaper of orphans (become_reaper) we are also given those of strangers: they are reaped and forgotten. */
static void reap(struct spawner *s)
{
	struct rusage usage;
	int status;
	pid_t pid;

	while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
		struct cell *c = cell_of_init(s, pid);

		if (pid == s->web_pid)
			front_web_is_gone(s, status);
		else if (c)
			cell_init_ended(c, status, &usage);
		else if (!sweep_ended(s, pid))
			(void)warm_reaped(s, pid, status, &usage);
	}
}

static void look_at_cells(struct spawner *s)
{
	uint64_t now = io_now_us();

	for (uint32_t i = 0; i < s->cells; i++) {
		struct cell *c = &s->cell[i];
		struct exit_report report;
		bool had_job;

		if (c->state == CELL_FREE)
			continue;
		if (c->state == CELL_MAKING)
			cell_hear(c);
		if (c->state == CELL_MAKING && c->ended)
			cell_kill(c, KILLED_BY_NOBODY); /* a layer failed */
		if (c->state == CELL_MAKING && c->mount_fds[0] >= 0)
			warm_fork(s, c);
		if (c->state == CELL_FORKING)
			cell_hear(c);
		cell_look(s, c, now);
		if (cell_finish(s, c, &report, &had_job) && had_job)
			front_report(s, &report);
	}
}

static void earlier(uint64_t *when, uint64_t candidate)
{
	if (candidate < *when)
		*when = candidate;
}

static struct timespec time_to_wait(const struct spawner *s)
{
	uint64_t now = io_now_us(), when = warm_next_us(s, now + ROUND_MOST_US);

	for (uint32_t i = 0; i < s->cells; i++) {
		const struct cell *c = &s->cell[i];

		/* What has the uid of a cell and is not its child ends without a word to us. */
		if ((!s->jail.namespaces || c->orphaned) &&
		    (c->state == CELL_ENDING || (c->state == CELL_SWEEPING && !c->lost)))
			earlier(&when, now + POLL_US);
		if (!c->has_job || c->state == CELL_ENDING)
			continue;
		earlier(&when, c->deadline_us);
		if (c->state == CELL_RUNNING)
			earlier(&when, c->next_tick_us);
	}
	if (s->web_restart_us && !spawner_any_job(s)) /* else the death of the last job wakes us */
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
		spawner_kill_all_jobs(s);
		if (s->web_pid > 0)
			kill(s->web_pid, SIGKILL);
	}
}

struct polled {
	struct pollfd fds[POLLED_MAX];
	struct template *templates[POLLED_MAX]; /* NULL: not the channel of one */
	nfds_t count;
};

static void want(struct polled *p, int fd, struct template *t)
{
	p->fds[p->count] = (struct pollfd){ .fd = fd, .events = POLLIN };
	p->templates[p->count++] = t;
}

/* The first one is web's. Of cells only those that are on their way: what a running job says can wait for its end. */
static void collect_wanted(struct spawner *s, struct polled *p)
{
	p->count = 0;
	want(p, s->channel_fd, NULL);
	for (int tier = 0; tier < WIRE_TIERS; tier++)
		for (size_t i = 0; i < TEMPLATES_PER_TIER; i++)
			if (s->tier[tier].templates[i].state != TEMPLATE_ABSENT)
				want(p, s->tier[tier].templates[i].channel_fd, &s->tier[tier].templates[i]);
	for (uint32_t i = 0; i < s->cells; i++)
		if (s->cell[i].state == CELL_MAKING)
			want(p, s->cell[i].sync_fd, NULL);
		else if (s->cell[i].state == CELL_FORKING)
			want(p, s->cell[i].handover_fd, NULL);
}

static void wait_for_something(struct spawner *s, const struct timespec *timeout, const sigset_t *mask)
{
	static struct polled p; /* there is one loop */

	collect_wanted(s, &p);
	if (ppoll(p.fds, p.count, timeout, mask) <= 0)
		return;
	for (nfds_t i = 1; i < p.count; i++)
		if (p.templates[i] && p.fds[i].revents && p.fds[i].fd >= 0)
			warm_hear(s, p.templates[i]);
	if (p.fds[0].revents && s->channel_fd >= 0)
		front_take_message(s);
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
	warm_care(s); /* the health page has something to say, and the pool fills, from the first request on */
	front_start_web(s);
	while (!(s->drain_until_us && s->web_pid == 0 && !spawner_any_job(s))) {
		struct timespec timeout = time_to_wait(s);

		wait_for_something(s, &timeout, &waiting_mask);
		s->status->spawner_rounds++;
		handle_stop(s); /* first: a web that ends because it was told to did not die */
		reap(s);
		look_at_cells(s);
		warm_care(s);
		front_watch_web(s);
		if (s->web_restart_us && !s->drain_until_us && io_now_us() >= s->web_restart_us && !spawner_any_job(s))
			front_start_web(s);
	}
	log_event(LOG_INFO, NULL, "stopped");
	return EXIT_SUCCESS;
}

/* ---- start and end --------------------------------------------------------------------------------------------- */

/* Of this process and of web, which is forked from it. */
static int raise_descriptor_limit(const struct spawner *s, struct fault *f)
{
	const rlim_t needed = SPARE_DESCRIPTORS + (rlim_t)s->places * DESCRIPTORS_PER_PLACE +
			      (rlim_t)s->cells * DESCRIPTORS_PER_CELL;
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
			 s->places / WIRE_PLACES_PER_SLOT, (unsigned long long)needed,
			 (unsigned long long)limit.rlim_max);
}

/*
 * Orphans are given to us and not to process 1: children of a template that died, and, without namespaces, what a job
 * leaves behind. Not where a template clones the inits: they end with it, and under gVisor the death of an init gives its
 * processes to such a reaper instead of killing them.
 */
static int become_reaper(const struct jail *j, struct fault *f)
{
	if (j->inits_by_template || prctl(PR_SET_CHILD_SUBREAPER, 1) == 0 || !j->namespaces)
		return 0; /* without namespaces it only saves time */
	return fault_set(f, errno, "become the reaper of orphans");
}

/* All of them that are installed, or those that were asked for by name. */
static char *imports_of(const struct config *c, const struct runtime *r)
{
	char *names = calloc(1, CONFIG_IMPORTS_BYTES);

	if (!names || c->warm_imports)
		return names && c->warm_imports ? strncat(names, c->warm_imports, CONFIG_IMPORTS_BYTES - 1) : names;
	for (size_t i = 0; i < r->import_count; i++) {
		strncat(names, i ? "," : "", CONFIG_IMPORTS_BYTES - 1 - strlen(names));
		strncat(names, r->imports[i], CONFIG_IMPORTS_BYTES - 1 - strlen(names));
	}
	return names;
}

/* Without namespaces as many more as jobs may run: while the directories of the last ones are emptied, others start. */
static uint32_t cells_of(const struct config *c, bool namespaces)
{
	uint32_t pools = c->start == START_WARM ? WIRE_TIERS * (uint32_t)c->pool_size : 0;
	uint32_t places = WIRE_PLACES_PER_SLOT * (uint32_t)c->max_concurrency;
	uint32_t cells = places + 2 * pools + (c->start == START_WARM ? SPARE_CELLS : 0) +
			 (namespaces ? 0 : SWEPT_CELLS + 2 * places);

	return cells < JAIL_CELLS_MAX ? cells : JAIL_CELLS_MAX;
}

/* Of a service before this one in the same file system, which was killed. They are emptied like those of any job. */
static void clear_leftovers(struct spawner *s)
{
	for (uint32_t i = 0; !s->jail.namespaces && s->jail.cell_uids && i < s->cells; i++) {
		struct cell *c = &s->cell[i];

		if (jail_make_folders(&s->jail, i, &c->folders) == 0 && jail_remove_folders(&s->jail, &c->folders) == 0)
			continue;
		c->state = CELL_ENDING;
		c->limits = s->most;
	}
}

struct spawner *spawner_open(const struct config *c, const char *no_namespaces, bool no_effect, const struct policy *p,
			     const struct runtime *r, struct fault *f)
{
	struct spawner *s = calloc(1, sizeof *s);
	const struct jail_wish wish = { .namespaces = !no_namespaces,
					.no_namespaces = no_namespaces,
					.no_effect = no_effect,
					.cells = cells_of(c, !no_namespaces) };

	if (!s) {
		fault_set(f, ENOMEM, "calloc");
		return NULL;
	}
	s->config = c;
	s->channel_fd = -1;
	s->most = config_job_limits(c);
	s->places = WIRE_PLACES_PER_SLOT * (uint32_t)c->max_concurrency;
	s->cells = wish.cells;
	s->warm = c->start == START_WARM;
	s->pool_size = (uint32_t)c->pool_size;
	for (uint32_t i = 0; i < s->cells; i++) {
		s->cell[i].net_fd = -1;
		cell_clear(&s->cell[i], i, &s->jail);
	}
	for (uint32_t i = 0; i < WIRE_PLACES_MAX; i++)
		s->cell_of_slot[i] = -1;
	s->imports = imports_of(c, r);
	if (!s->imports || raise_descriptor_limit(s, f) < 0) {
		free(s->imports);
		free(s);
		return NULL;
	}
	s->cgroups = cgroups_open(s->cells, (uint32_t)c->max_concurrency, &s->most, s->cgroup_status);
	if (jail_prepare(&s->jail, &wish, p, r, f) < 0 || become_reaper(&s->jail, f) < 0 || warm_open(s, f) < 0) {
		spawner_close(s);
		return NULL;
	}
	clear_leftovers(s);
	return s;
}

/* One round of the loop before there is web, and without signals: nobody waits for long. */
static void round_before_serving(struct spawner *s)
{
	const struct timespec pause = { .tv_nsec = 2000000 };

	wait_for_something(s, &pause, NULL);
	reap(s);
	look_at_cells(s);
}

void spawner_close(struct spawner *s)
{
	warm_close(s);
	for (uint32_t i = 0; i < s->cells; i++)
		while (s->cell[i].state != CELL_FREE && !s->cell[i].lost)
			round_before_serving(s);
	for (uint32_t i = 0; i < s->cells; i++)
		fd_close(&s->cell[i].net_fd);
	jail_abandon(&s->jail);
	cgroups_close(s->cgroups);
	if (s->status)
		munmap(s->status, sizeof *s->status);
	free(s->jail.environment);
	free(s->imports);
	free(s);
}

int spawner_wait_warm(struct spawner *s, struct fault *f)
{
	for (int tier = 0; s->warm && tier < WIRE_TIERS; tier++)
		while (s->tier[tier].wanted && s->tier[tier].templates[0].state != TEMPLATE_SERVING) {
			if (s->tier[tier].refused) {
				warm_give_up(s, "a template cannot be put into its jail here");
				break;
			}
			if (s->tier[WIRE_FULL].restarts > 0) {
				fault_set(f, 0, "START=warm: a template with WARM_IMPORTS=\"%s\" could not be started",
					  s->imports);
				return fault_hint(f, "its own error stands above");
			}
			if (s->tier[WIRE_BARE].restarts > 0) {
				fault_set(f, 0, "START=warm: a template could not be started");
				return fault_hint(f, "its own error stands above; START=cold needs none");
			}
			warm_end_slow_starts(&s->tier[tier], io_now_us());
			round_before_serving(s);
		}
	return 0;
}

static int start_one(struct spawner *s, enum wire_tier tier, const struct job_limits *limits,
		     const int fds[WIRE_FD_COUNT], struct fault *f)
{
	const struct start_msg msg = { .magic = WIRE_MAGIC, .kind = WIRE_START, .tier = tier, .limits = *limits };
	const uint64_t until = io_now_us() + FREE_CELL_US;

	while (!cell_find_free(s) && io_now_us() < until) /* all are being cleared of what a service before left */
		round_before_serving(s);
	if (!cell_find_free(s))
		return fault_set(f, 0, "%s and its like cannot be emptied: remove what an earlier service left there",
				 s->cell[0].folders.work);
	if (tier == WIRE_COLD ? start_cold(s, &msg, fds) == 0 : warm_start(s, &msg, fds))
		return 0;
	return fault_set(f, errno, "start a jailed child");
}

int spawner_run_one(struct spawner *s, enum wire_tier tier, const struct job_limits *limits, int fds[WIRE_FD_COUNT],
		    struct exit_report *report, struct fault *f)
{
	int started = start_one(s, tier, limits, fds, f);

	for (size_t i = 0; i < WIRE_FD_COUNT; i++)
		fd_close(&fds[i]);
	if (started < 0)
		return -1;
	s->awaited = report;
	s->reported = false;
	while (!s->reported) {
		round_before_serving(s);
		warm_end_hangs(s);
	}
	s->awaited = NULL;
	return 0;
}
