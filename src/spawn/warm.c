/* SPDX-License-Identifier: MIT */
/*
 * Templates and what is forked from them: see state.h. Runs in the spawner.
 *
 * A template is a Python process that has imported what scripts import (runner/template.py, src/template). There are
 * two kinds, the bare one with the standard library and the full one with WARM_IMPORTS on top. The spawner makes a
 * cell (namespaces, mounts, an init that holds them), and asks a template to fork a child into it; the child closes
 * the jail behind itself, waits on a socket of its own, is given one job, and ends.
 *
 * Time is spent where nobody waits for it: a pool of such children is kept ready, and refilled only when no job has
 * been handed over a moment ago, since a fork takes the processor from the job that has just begun. When the pool is
 * empty, a job is given to a child that is yet to be forked; when there is no template, it runs cold.
 *
 * Without namespaces a cell is a uid and two directories, and the child enters the jail by itself. Where no process can enter
 * the namespaces of another (gVisor), the template clones the cell's init, which forks the child. In both cases the children
 * end with their template.
 *
 * Templates are replaced after a number of forks or minutes, for a new hash seed and address layout; the old one
 * serves until the new one is ready. One that dies or hangs is killed and started again, later each time. Its children
 * live on: the spawner is their reaper then.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "io.h"
#include "log.h"
#include "state.h"
#include "template.h"

enum {
	STAT_BYTES = 1024,
	START_MOST_US = 60000000,  /* from exec to ready: the imports, on a cold disk */
	FORK_MOST_US = 2000000,    /* a fork that takes longer will not come */
	END_MOST_US = 1000000,     /* nor the word that a child has ended; after a kill it has as long to die */
	MAKE_MOST_US = 5000000,    /* of an init */
	RESTART_LEAST_US = 100000, /* doubled while they die young */
	RESTART_MOST_US = 30000000,
	YOUNG_US = 30000000,
	EXIT_CANNOT_CONFINE = 126,
	GAP_US = 3000000, /* between two rounds, of which there is one a second: this process was stopped */
	QUIET_US = 20000, /* after a job was handed over, the pool waits this long, or until the job is over */
};

static const char *const tier_names[WIRE_TIERS] = { [WIRE_BARE] = "bare", [WIRE_FULL] = "full" };

static struct template *serving(struct spawner *s, enum wire_tier tier)
{
	for (size_t i = 0; i < TEMPLATES_PER_TIER; i++)
		if (s->tier[tier].templates[i].state == TEMPLATE_SERVING)
			return &s->tier[tier].templates[i];
	return NULL;
}

/* A child or init that a template is the parent of, for good, and not just for the fork. */
static bool warm_ends_with_template(const struct spawner *s)
{
	return !s->jail.namespaces || s->jail.inits_by_template;
}

static struct template *in_state(struct tier *tier, enum template_state state)
{
	for (size_t i = 0; i < TEMPLATES_PER_TIER; i++)
		if (tier->templates[i].state == state)
			return &tier->templates[i];
	return NULL;
}

static struct template *template_of_pid(struct spawner *s, pid_t pid)
{
	for (int tier = 0; tier < WIRE_TIERS; tier++)
		for (size_t i = 0; i < TEMPLATES_PER_TIER; i++)
			if (s->tier[tier].templates[i].state != TEMPLATE_ABSENT &&
			    s->tier[tier].templates[i].pid == pid)
				return &s->tier[tier].templates[i];
	return NULL;
}

/* ---- what web and the health page may know ------------------------------------------------------------------------ */

static void publish(struct spawner *s)
{
	for (int tier = 0; tier < WIRE_TIERS; tier++) {
		struct spawn_tier_status *status = &s->status->tiers[tier];
		const struct template *t = serving(s, (enum wire_tier)tier);
		uint32_t ready = 0;

		for (uint32_t i = 0; i < s->cells; i++)
			ready += s->cell[i].state == CELL_WAITING && s->cell[i].tier == (enum wire_tier)tier;
		status->wanted = s->tier[tier].wanted;
		status->state = t                                           ? SPAWN_TIER_SERVING :
				in_state(&s->tier[tier], TEMPLATE_STARTING) ? SPAWN_TIER_STARTING :
									      SPAWN_TIER_DOWN;
		status->ready = ready;
		status->restarts = s->tier[tier].restarts;
		status->replaced = s->tier[tier].replaced;
		if (t) {
			status->image_error = t->image_error;
			status->image_bytes = t->image_bytes;
			status->prefault_pages = t->prefault_pages;
		}
	}
}

/* ---- starting a template -------------------------------------------------------------------------------------------- */

/* Never waits: how much a pipe holds can be made less by others of the same user (pipe(7)), and nobody reads it yet. */
static int make_setup_pipe(const struct jail *j)
{
	OWNED_FD read_fd = -1;
	OWNED_FD write_fd = -1;
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -1;
	read_fd = pair[0];
	write_fd = pair[1];
	if (io_set_nonblocking(write_fd, true) < 0)
		return -1;
	return jail_export(j, write_fd) < 0 ? -1 : fd_release(&read_fd);
}

/* What the template is told: the prepared jail, some 30 KB. */
static int make_setup(const struct jail *j)
{
	OWNED_FD fd = memfd_create("setup", MFD_CLOEXEC);

	if (fd < 0)
		return make_setup_pipe(j);
	return jail_export(j, fd) < 0 || lseek(fd, 0, SEEK_SET) < 0 ? -1 : fd_release(&fd);
}

/* In the child: never returns. What is said here goes to the service's stderr. */
static void become_template(const struct spawner *s, enum wire_tier tier, int channel_fd, int setup_fd)
{
	int pair[2], proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int empty_fd = open(s->jail.namespaces ? JAIL_TREE "/dev/null" : "/dev/null", O_RDONLY | O_CLOEXEC);

	if (proc_fd < 0 || empty_fd < 0 || pipe2(pair, O_CLOEXEC) < 0 || dup2(STDERR_FILENO, TEMPLATE_FD_STDERR) < 0 ||
	    dup2(empty_fd, STDIN_FILENO) < 0 || dup2(pair[1], STDOUT_FILENO) < 0 || dup2(pair[1], STDERR_FILENO) < 0 ||
	    dup2(channel_fd, TEMPLATE_FD_CHANNEL) < 0 || dup2(setup_fd, TEMPLATE_FD_SETUP) < 0 ||
	    dup2(proc_fd, TEMPLATE_FD_PROC) < 0)
		_exit(EXIT_CANNOT_CONFINE);
	template_exec(&s->jail, tier == WIRE_FULL ? s->imports : "");
	dprintf(TEMPLATE_FD_STDERR, "template: cannot start: %s\n", strerror(errno));
	_exit(EXIT_CANNOT_CONFINE);
}

static int fork_template(struct spawner *s, struct template *t)
{
	OWNED_FD setup_fd = make_setup(&s->jail);
	int pair[2];

	if (setup_fd < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	if (io_set_nonblocking(pair[0], true) < 0) {
		close(pair[0]);
		close(pair[1]);
		return -1;
	}
	slim_forks(false);
	t->pid = fork();
	if (t->pid != 0)
		slim_forks(true);
	if (t->pid == 0)
		become_template(s, t->tier, pair[1], setup_fd);
	close(pair[1]);
	if (t->pid < 0) {
		close(pair[0]);
		return -1;
	}
	t->channel_fd = pair[0];
	return 0;
}

static void start_template(struct spawner *s, enum wire_tier kind)
{
	struct tier *tier = &s->tier[kind];
	struct template *t = in_state(tier, TEMPLATE_ABSENT);

	tier->start_at_us = 0;
	if (!t)
		return; /* the oldest is not done yet: warm_care() asks again */
	*t = (struct template){ .tier = kind, .generation = ++s->generations, .channel_fd = -1 };
	t->started_us = io_now_us();
	if (fork_template(s, t) < 0) {
		log_event(LOG_ERROR, NULL, "cannot start the %s template: %s", tier_names[kind], strerror(errno));
		tier->start_at_us = io_now_us() + RESTART_MOST_US;
		tier->restarts++;
		return;
	}
	t->state = TEMPLATE_STARTING;
}

/* ---- the end of a template ------------------------------------------------------------------------------------------- */

/* Forks that were under way will not be heard of. */
static void forget_forks(struct spawner *s, const struct template *t)
{
	for (uint32_t i = 0; i < s->cells; i++)
		if (s->cell[i].from == t) {
			s->cell[i].from = NULL;
			cell_kill(&s->cell[i], KILLED_BY_NOBODY);
		}
}

/*
 * A child that its template had waited for, and did not live to tell. What another template has waited for is in its channel,
 * and will be read.
 */
static void forget_lost_children(struct spawner *s, const struct template *t)
{
	for (uint32_t i = 0; i < s->cells; i++) {
		struct cell *c = &s->cell[i];

		if (!c->warm || c->generation != t->generation)
			continue;
		if (c->child > 0 && kill(c->child, 0) < 0 && errno == ESRCH) {
			c->child = 0;
			cell_kill(c, KILLED_BY_NOBODY);
		}
	}
}

static void schedule_restart(struct spawner *s, const struct template *t)
{
	struct tier *tier = &s->tier[t->tier];
	uint64_t now = io_now_us();
	bool old = t->serving_us && now - t->serving_us > YOUNG_US;

	tier->delay_us = old || !tier->delay_us ? RESTART_LEAST_US : tier->delay_us * 2;
	if (tier->delay_us > RESTART_MOST_US)
		tier->delay_us = RESTART_MOST_US;
	tier->start_at_us = now + tier->delay_us;
	tier->restarts++;
}

/* Where they do, children end with their template by its death signal: no script is to blame for it. */
static void mark_orphans(struct spawner *s, const struct template *t)
{
	for (uint32_t i = 0; i < s->cells; i++)
		if (s->cell[i].warm && s->cell[i].generation == t->generation)
			s->cell[i].orphaned = warm_ends_with_template(s);
}

static void template_is_gone(struct spawner *s, struct template *t, int status)
{
	bool expected = t->state == TEMPLATE_RETIRING || s->drain_until_us;

	if (t->channel_fd >= 0)
		warm_hear(s, t); /* its last words count */
	forget_forks(s, t);
	forget_lost_children(s, t);
	mark_orphans(s, t);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CANNOT_CONFINE)
		s->tier[t->tier].refused = true;
	if (!expected)
		schedule_restart(s, t);
	if (!expected && s->web) /* before that it is fatal, and main says so */
		log_event(LOG_ERROR, (struct log_field[]){ { "wait_status", NULL, status }, { NULL, NULL, 0 } },
			  "the %s template died; it is started again in %llu ms, and jobs run cold until then",
			  tier_names[t->tier], (unsigned long long)(s->tier[t->tier].delay_us / 1000));
	fd_close(&t->channel_fd);
	t->state = TEMPLATE_ABSENT;
	t->pid = 0;
}

static void kill_template(struct template *t, const char *why)
{
	log_event(LOG_ERROR, NULL, "the %s template is killed: %s", tier_names[t->tier], why);
	kill(t->pid, SIGKILL); /* warm_reaped() does the rest */
}

/* ---- what a template says --------------------------------------------------------------------------------------------- */

static struct cell *cell_of_child(struct spawner *s, pid_t pid)
{
	for (uint32_t i = 0; i < s->cells; i++)
		if (s->cell[i].child == pid && pid > 0)
			return &s->cell[i];
	return NULL;
}

static void child_ended(struct spawner *s, pid_t pid, int wait_status, uint64_t cpu_us, uint64_t peak_bytes)
{
	struct cell *c = cell_of_child(s, pid);

	if (c) {
		cell_child_ended(c, wait_status, cpu_us, peak_bytes);
	} else if (s->jail.inits_by_template && (c = cell_of_init(s, pid))) {
		const struct rusage usage = { .ru_utime = { .tv_sec = (time_t)(cpu_us / 1000000),
							    .tv_usec = (suseconds_t)(cpu_us % 1000000) } };

		cell_init_ended(c, wait_status, &usage);
	}
}

static void template_is_ready(struct spawner *s, struct template *t, const struct template_msg *message)
{
	struct template *before = serving(s, t->tier);

	if (before)
		before->state = TEMPLATE_RETIRING;
	t->state = TEMPLATE_SERVING;
	t->serving_us = io_now_us();
	t->image_error = message->error;
	t->image_bytes = message->image_bytes;
	t->prefault_pages = message->prefault_pages;
	log_event(LOG_INFO,
		  (struct log_field[]){ { "start_us", NULL, (int64_t)(t->serving_us - t->started_us) },
					{ "snapshot_bytes", NULL, (int64_t)t->image_bytes },
					{ "prefault_pages", NULL, t->prefault_pages },
					{ NULL, NULL, 0 } },
		  "the %s template serves", tier_names[t->tier]);
}

static void fork_is_done(struct spawner *s, const struct template *t, const struct template_msg *message, int *pidfd)
{
	struct cell *c = message->cell < s->cells ? &s->cell[message->cell] : NULL;

	if (!c || c->from != t)
		return;
	c->from = NULL;
	if (message->word == TEMPLATE_FORKED && s->jail.inits_by_template) {
		cell_init_is_there(c, message->pid);
	} else if (message->word == TEMPLATE_FORKED) {
		c->child = message->pid;
		fd_close(&c->child_fd);
		c->child_fd = fd_release(pidfd);
	} else {
		cell_kill(c, KILLED_BY_NOBODY);
	}
}

void warm_hear(struct spawner *s, struct template *t)
{
	struct template_msg message;
	int fds[IO_MAX_FDS];
	size_t count;
	ssize_t got;

	while ((got = io_receive(t->channel_fd, &message, sizeof message, fds, &count)) == sizeof message &&
	       message.magic == TEMPLATE_MAGIC) {
		OWNED_FD pidfd = count > 0 ? fds[0] : -1;

		if (message.word == TEMPLATE_READY && t->state == TEMPLATE_STARTING)
			template_is_ready(s, t, &message);
		else if (message.word == TEMPLATE_FORKED || message.word == TEMPLATE_FAILED)
			fork_is_done(s, t, &message, &pidfd);
		else if (message.word == TEMPLATE_ENDED)
			child_ended(s, message.pid, message.wait_status, message.cpu_us, message.peak_bytes);
	}
	if (got >= 0) /* it closed its end, or says what no template says; its death is on the way */
		fd_close(&t->channel_fd);
}

bool warm_reaped(struct spawner *s, pid_t pid, int status, const struct rusage *usage)
{
	struct template *t = template_of_pid(s, pid);

	if (t) {
		template_is_gone(s, t, status);
		return true;
	}
	if (!cell_of_child(s, pid) && !cell_of_init(s, pid))
		return false;
	child_ended(s, pid, status, job_cpu_us(usage), (uint64_t)usage->ru_maxrss * 1024);
	return true;
}

/* ---- forks ------------------------------------------------------------------------------------------------------------- */

_Static_assert((int)FORK_FD_COUNT + (int)JAIL_CGROUP_FDS_MAX <= (int)IO_MAX_FDS, "they go in one message");

void warm_fork(struct spawner *s, struct cell *c)
{
	struct template *t = serving(s, c->tier);
	struct fork_msg message = {
		.magic = TEMPLATE_MAGIC, .cell = c->number, .has_net = c->net_fd >= 0, .limits = c->limits
	};
	int fds[IO_MAX_FDS], join_fds[JAIL_CGROUP_FDS_MAX];
	size_t groups = DROPPED(&s->jail, DROP_CGROUP) ? 0 : cgroups_join_fds(s->cgroups, c->number, join_fds);

	for (size_t i = 0; i < JAIL_NS_COUNT; i++)
		fds[i] = c->namespace_fds[i] >= 0 ? c->namespace_fds[i] : c->handover_end;
	message.folders = c->folders;
	fds[FORK_FD_HANDOVER] = c->handover_end;
	fds[FORK_FD_NET] = c->net_fd >= 0 ? c->net_fd : c->handover_end;
	fds[FORK_FD_SYNC] = c->sync_end >= 0 ? c->sync_end : c->handover_end;
	memcpy(fds + FORK_FD_COUNT, join_fds, groups * sizeof *fds);
	if (!t || io_send(t->channel_fd, &message, sizeof message, fds, FORK_FD_COUNT + groups) < 0) {
		cell_kill(c, KILLED_BY_NOBODY);
		return;
	}
	t->forks++;
	c->from = t;
	c->generation = t->generation;
	c->state = CELL_FORKING;
	c->since_us = io_now_us();
	fd_close(&c->handover_end);
	fd_close(&c->sync_end);
	for (size_t i = 0; i < JAIL_NS_COUNT; i++)
		fd_close(&c->namespace_fds[i]);
}

static struct cell *find_waiting(struct spawner *s, enum wire_tier tier)
{
	struct cell *best = NULL;

	for (uint32_t i = 0; i < s->cells; i++) {
		struct cell *c = &s->cell[i];

		if (c->state == CELL_WAITING && c->tier == tier && !c->has_job &&
		    (!best || c->generation > best->generation ||
		     (c->generation == best->generation && c->since_us < best->since_us)))
			best = c;
	}
	return best;
}

/* Of those that a child has in its jail already: the deadline is kept from outside. */
static bool same_limits(const struct job_limits *a, const struct job_limits *b)
{
	struct job_limits as_b = *a;

	as_b.wall_ms = b->wall_ms;
	return memcmp(&as_b, b, sizeof as_b) == 0;
}

static bool give_to_waiting(struct spawner *s, const struct start_msg *msg, const int fds[WIRE_FD_COUNT],
			    enum wire_tier tier)
{
	struct cell *c;

	while ((c = find_waiting(s, tier))) {
		if (cell_hand_over(c, fds) == 0) {
			cell_assign(s, c, msg->slot, msg->job_id, &msg->limits, WIRE_STARTED_WAITING);
			s->last_handover_us = c->started_us;
			return true;
		}
		cell_kill(c, KILLED_BY_NOBODY); /* it has died, and nobody has noticed yet */
	}
	return false;
}

static bool give_to_new(struct spawner *s, const struct start_msg *msg, const int fds[WIRE_FD_COUNT],
			enum wire_tier tier)
{
	struct cell *c = cell_find_free(s);

	if (!c || !serving(s, tier) || cell_start_warm(s, c, tier) < 0)
		return false;
	if (cell_hand_over(c, fds) < 0) {
		cell_kill(c, KILLED_BY_NOBODY);
		return false;
	}
	cell_assign(s, c, msg->slot, msg->job_id, &msg->limits, WIRE_STARTED_FORKED);
	s->last_handover_us = c->started_us;
	return true;
}

static bool warm_start_in(struct spawner *s, const struct start_msg *msg, const int fds[WIRE_FD_COUNT],
			  enum wire_tier tier)
{
	return s->tier[tier].wanted && (give_to_waiting(s, msg, fds, tier) || give_to_new(s, msg, fds, tier));
}

bool warm_start(struct spawner *s, const struct start_msg *msg, const int fds[WIRE_FD_COUNT])
{
	if (!s->warm || msg->tier == WIRE_COLD || !same_limits(&msg->limits, &s->most))
		return false;
	if (msg->tier == WIRE_FULL && !s->tier[WIRE_FULL].wanted)
		return warm_start_in(s, msg, fds, WIRE_BARE);
	for (int tier = (int)msg->tier; tier < WIRE_TIERS; tier++) /* the full one can do all that the bare one can */
		if (warm_start_in(s, msg, fds, (enum wire_tier)tier))
			return true;
	return false;
}

/* ---- the pool ------------------------------------------------------------------------------------------------------------ */

static bool is_quiet(const struct spawner *s, uint64_t now)
{
	return now >= s->last_handover_us + QUIET_US || !spawner_any_job(s);
}

struct pool_count {
	uint32_t fresh; /* waiting, or on the way there, from the template that serves now */
	uint32_t stale; /* waiting, from one before it */
	uint32_t coming;
};

static struct pool_count count_pool(const struct spawner *s, const struct template *t)
{
	struct pool_count count = { 0 };

	for (uint32_t i = 0; i < s->cells; i++) {
		const struct cell *c = &s->cell[i];
		bool coming = c->state == CELL_MAKING || c->state == CELL_FORKING;

		if (!c->warm || c->has_job || c->tier != t->tier)
			continue;
		count.coming += coming;
		if (coming || (c->state == CELL_WAITING && c->generation == t->generation))
			count.fresh++;
		else if (c->state == CELL_WAITING)
			count.stale++;
	}
	return count;
}

/* Cells that jobs may yet need are not for the pool. */
static bool may_use_a_cell(const struct spawner *s)
{
	uint32_t free = 0, jobs = 0;

	for (uint32_t i = 0; i < s->cells; i++) {
		free += s->cell[i].state == CELL_FREE;
		jobs += s->cell[i].has_job;
	}
	return free > s->places - jobs;
}

static void drop_stale(struct spawner *s, const struct template *t)
{
	for (uint32_t i = 0; i < s->cells; i++) {
		struct cell *c = &s->cell[i];

		if (c->state == CELL_WAITING && !c->has_job && c->tier == t->tier && c->generation != t->generation) {
			cell_kill(c, KILLED_BY_NOBODY);
			return;
		}
	}
}

/* One child at a time, so that a job that comes meanwhile waits for one at most. */
static void refill(struct spawner *s)
{
	for (int tier = 0; tier < WIRE_TIERS; tier++) {
		struct template *t = serving(s, (enum wire_tier)tier);
		struct pool_count count;
		struct cell *c;

		if (!t)
			continue;
		count = count_pool(s, t);
		if (count.stale > 0 && (count.fresh > count.coming || s->pool_size == 0))
			drop_stale(s, t);
		if (count.fresh >= s->pool_size || count.coming > 0 || !may_use_a_cell(s))
			continue;
		c = cell_find_free(s);
		if (c && cell_start_warm(s, c, (enum wire_tier)tier) < 0)
			log_event(LOG_WARNING, NULL, "cannot make a cell for the pool: %s", strerror(errno));
		return;
	}
}

/* ---- regular care ---------------------------------------------------------------------------------------------------------- */

static bool is_worn(const struct spawner *s, const struct template *t, uint64_t now)
{
	return t->forks >= s->config->template_max_forks ||
	       now >= t->serving_us + s->config->template_max_minutes * 60000000;
}

static bool has_forks_under_way(const struct spawner *s, const struct template *t)
{
	for (uint32_t i = 0; i < s->cells; i++)
		if (s->cell[i].from == t)
			return true;
	return false;
}

static bool has_children(const struct spawner *s, const struct template *t)
{
	for (uint32_t i = 0; i < s->cells; i++)
		if (s->cell[i].warm && s->cell[i].generation == t->generation &&
		    (s->cell[i].child > 0 || s->cell[i].init > 0))
			return true;
	return false;
}

void warm_end_slow_starts(struct tier *tier, uint64_t now)
{
	struct template *t = in_state(tier, TEMPLATE_STARTING);

	if (t && now > t->started_us + START_MOST_US)
		kill_template(t, "its imports take longer than a minute");
}

static void care_for(struct spawner *s, struct tier *tier, uint64_t now)
{
	enum wire_tier kind = (enum wire_tier)(tier - s->tier);
	struct template *t = serving(s, kind);

	if (tier->start_at_us && now >= tier->start_at_us)
		start_template(s, kind);
	if (t && is_worn(s, t, now) && !tier->start_at_us && !in_state(tier, TEMPLATE_STARTING) &&
	    in_state(tier, TEMPLATE_ABSENT)) {
		tier->replaced++;
		start_template(s, kind);
	}
	warm_end_slow_starts(tier, now);
	for (size_t i = 0; i < TEMPLATES_PER_TIER; i++) {
		t = &tier->templates[i];
		if (t->state == TEMPLATE_RETIRING && !t->dismissed && !has_forks_under_way(s, t) &&
		    (!warm_ends_with_template(s) || !has_children(s, t))) {
			/* It ends at the end of file, and can still say what it knows; its children become ours. */
			shutdown(t->channel_fd, SHUT_WR);
			t->dismissed = true;
		}
	}
}

/*
 * Whether nobody needs to wait for it any longer: it is a zombie without another thread, or gone. The name stands in
 * parentheses and may hold anything, so fields are counted from the last one (proc(5)).
 */
static bool is_dead(pid_t pid)
{
	char path[64], text[STAT_BYTES], state;
	const char *after_name;
	long threads;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if (io_read_file(AT_FDCWD, path, text, sizeof text) <= 0)
		return kill(pid, 0) < 0 && errno == ESRCH;
	after_name = strrchr(text, ')');
	return after_name &&
	       sscanf(after_name + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld", &state,
		      &threads) == 2 &&
	       (state == 'X' || (state == 'Z' && threads <= 1));
}

/*
 * Whether a child has been dead for so long that its template would have waited for it. What was killed can be a long time
 * dying, while a disk is slow, say; that is the fault of nobody else, whose jobs would end with the template.
 */
static bool is_left_dead(struct cell *c, uint64_t now)
{
	if (!is_dead(c->child))
		c->dead_since_us = 0;
	else if (c->dead_since_us == 0)
		c->dead_since_us = now;
	return c->dead_since_us != 0 && now > c->dead_since_us + END_MOST_US;
}

/* Cells that are stuck on their way, and the template that must be the reason. */
static void care_for_cell(struct spawner *s, struct cell *c, uint64_t now)
{
	uint64_t age = now > c->since_us ? now - c->since_us : 0; /* it may have entered its state a moment after now */

	if (c->state == CELL_MAKING && age > MAKE_MOST_US)
		cell_kill(c, KILLED_BY_NOBODY);
	if (c->from && age > FORK_MOST_US) {
		kill_template(c->from, "a fork does not come");
		c->since_us = now;
	}
	if (c->state == CELL_FORKING && !c->from && age > FORK_MOST_US)
		cell_kill(c, KILLED_BY_NOBODY); /* forked, and then neither waiting nor dead */
	if (c->state == CELL_ENDING && c->child > 0 && age > END_MOST_US && is_left_dead(c, now)) {
		/* Which one its template is does not matter: it hangs. */
		for (size_t i = 0; i < TEMPLATES_PER_TIER; i++)
			if (s->tier[c->tier].templates[i].generation == c->generation &&
			    s->tier[c->tier].templates[i].state != TEMPLATE_ABSENT)
				kill_template(&s->tier[c->tier].templates[i], "it does not wait for its children");
		c->since_us = now;
	}
}

/*
 * Before anything is served nobody has to be answered soon, and what does not work does not start: so a fork has as long as
 * the job that waits for it, and is given up with it.
 */
void warm_end_hangs(struct spawner *s)
{
	const uint64_t now = io_now_us();

	for (uint32_t i = 0; i < s->cells; i++)
		if (s->cell[i].warm && s->cell[i].state == CELL_ENDING)
			care_for_cell(s, &s->cell[i], now);
}

/* A frozen container goes on with all of its processes at once, and each has its time again. */
static bool has_just_thawed(struct spawner *s, uint64_t now)
{
	if (s->cared_us && now > s->cared_us + GAP_US)
		s->patient_until_us = now + MAKE_MOST_US;
	s->cared_us = now;
	return now < s->patient_until_us;
}

void warm_care(struct spawner *s)
{
	uint64_t now = io_now_us();
	const bool patient = has_just_thawed(s, now);

	if (!s->warm)
		return;
	for (int tier = 0; tier < WIRE_TIERS; tier++)
		if (s->tier[tier].wanted && !s->drain_until_us)
			care_for(s, &s->tier[tier], now);
	for (uint32_t i = 0; i < s->cells; i++)
		if (s->cell[i].warm && !patient)
			care_for_cell(s, &s->cell[i], now);
	if (!s->drain_until_us && is_quiet(s, now))
		refill(s);
	publish(s);
}

uint64_t warm_next_us(const struct spawner *s, uint64_t when)
{
	uint64_t quiet = s->last_handover_us + QUIET_US;

	if (!s->warm)
		return when;
	for (int tier = 0; tier < WIRE_TIERS; tier++)
		if (s->tier[tier].start_at_us && s->tier[tier].start_at_us < when)
			when = s->tier[tier].start_at_us;
	if (quiet > io_now_us() && quiet < when)
		when = quiet;
	return when;
}

/* ---- start and end ----------------------------------------------------------------------------------------------------------- */

int warm_open(struct spawner *s, struct fault *f)
{
	s->status = mmap(NULL, sizeof *s->status, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s->status == MAP_FAILED)
		return fault_set(f, errno, "mmap");
	if (s->warm && s->jail.inits_by_template && s->jail.tree_count > 0)
		warm_give_up(
			s,
			"PYTHON_BIN lies below /tmp, and this kernel lets no process enter the namespaces of another");
	if (!s->warm)
		return 0;
	s->tier[WIRE_BARE].wanted = true;
	s->tier[WIRE_FULL].wanted = s->imports[0] != '\0';
	for (int tier = 0; tier < WIRE_TIERS; tier++)
		if (s->tier[tier].wanted)
			start_template(s, (enum wire_tier)tier);
	return 0;
}

void warm_give_up(struct spawner *s, const char *why)
{
	snprintf(s->no_templates, sizeof s->no_templates, "%s", why);
	log_event(LOG_WARNING, NULL, "START=warm is not possible here, jobs run cold: %s", why);
	warm_close(s);
	s->warm = false;
}

void warm_close(struct spawner *s)
{
	for (int tier = 0; tier < WIRE_TIERS; tier++)
		for (size_t i = 0; i < TEMPLATES_PER_TIER; i++) {
			struct template *t = &s->tier[tier].templates[i];

			if (t->state != TEMPLATE_ABSENT && t->pid > 0)
				kill(t->pid, SIGKILL);
		}
	for (uint32_t i = 0; i < s->cells; i++)
		cell_kill(&s->cell[i], KILLED_BY_CANCEL);
}
