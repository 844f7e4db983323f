/* SPDX-License-Identifier: MIT */
/*
 * The life of one cell: see state.h. Runs in the spawner.
 *
 * A cell is over when its init has been waited for, and the kernel ends an init only after every process in its
 * namespace, each of which has been waited for: so a report means that nothing of the job is left. Without namespaces that
 * is made sure by uid, or there is one process; and after the report the job's directories are emptied (sweep.c).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"
#include "io.h"
#include "log.h"
#include "state.h"
#include "template.h"

enum {
	MEMORY_TICK_US = 25000, /* accounting: a process touches some 100 MB in this time at the very most */
	CPU_TICK_US = 100000,   /* where the kernel bounds the memory, only CPU time is watched */
	TICK_SHARE = 9,         /* times its own length a look is away from the next */
	PAUSE_MOST_US = 1000000,
	HIDDEN_MOST_US = 500000,
	SWEEP_ATTEMPTS = 3,
	DEAD_US = 1000000,
	LOST_US = 10000000,     /* after which it is tried again */
	THREADS_FEW = 8,        /* weigh what they are */
	NICE_MOST = 10,         /* more would keep them from dying in time, when they are killed on a busy machine */
	SPARE_THREADS = 2,      /* one that measures a directory, one that is just ending */
	TAKE_MOST_US = 1000000, /* a child that has not taken its job by then never will: it was stopped, say */
};

void cell_clear(struct cell *c, uint32_t number, const struct jail *j)
{
	int net_fd = c->net_fd;

	memset(c, 0, sizeof *c);
	c->number = number;
	c->net_fd = net_fd;
	c->jail = j;
	c->child_fd = -1;
	sweep_clear(&c->sweep);
	c->sync_fd = -1;
	c->handover_fd = -1;
	c->handover_end = -1;
	c->sync_end = -1;
	for (size_t i = 0; i < INIT_FD_COUNT; i++)
		c->mount_fds[i] = -1;
	for (size_t i = 0; i < JAIL_NS_COUNT; i++)
		c->namespace_fds[i] = -1;
}

static void close_all(struct cell *c)
{
	fd_close(&c->sync_fd);
	fd_close(&c->handover_fd);
	fd_close(&c->handover_end);
	fd_close(&c->sync_end);
	fd_close(&c->child_fd);
	fd_close(&c->sweep.report_fd);
	for (size_t i = 0; i < INIT_FD_COUNT; i++)
		fd_close(&c->mount_fds[i]);
	for (size_t i = 0; i < JAIL_NS_COUNT; i++)
		fd_close(&c->namespace_fds[i]);
}

static void release(struct cell *c)
{
	close_all(c);
	cell_clear(c, c->number, c->jail);
}

static void enter_state(struct cell *c, enum cell_state state)
{
	c->state = state;
	c->since_us = io_now_us();
}

struct cell *cell_find_free(struct spawner *s)
{
	for (uint32_t i = 0; i < s->cells; i++)
		if (s->cell[i].state == CELL_FREE)
			return &s->cell[i];
	return NULL;
}

static void cell_give_up(struct cell *c);
static void kill_processes(struct cell *c);

struct cell *cell_of_init(struct spawner *s, pid_t pid)
{
	for (uint32_t i = 0; i < s->cells; i++)
		if (s->cell[i].init == pid && pid > 0)
			return &s->cell[i];
	return NULL;
}

/* ---- the start ---------------------------------------------------------------------------------------------------- */

/* Clones init, maps its ids, lets it go. */
static int try_to_launch(struct spawner *s, struct cell *c, struct jail_job *job)
{
	int pair[2];

	for (size_t i = 0; i < JAIL_NS_COUNT; i++)
		job->namespace_fds[i] = -1;
	if (!DROPPED(&s->jail, DROP_CGROUP))
		job->cgroup_count = cgroups_join_fds(s->cgroups, c->number, job->cgroup_fds);
	if (c->net_fd < 0 && !DROPPED(&s->jail, DROP_NET_NS))
		c->net_fd = jail_make_network();
	job->net_fd = c->net_fd;
	if (job->role == JAIL_HOLDER && job->net_fd < 0 && !DROPPED(&s->jail, DROP_NET_NS)) {
		errno = ENETUNREACH; /* the child of a template could not join one that init made: it is to run cold */
		return -1;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	c->init = jail_clone(&s->jail, job);
	if (c->init == 0) {
		close(pair[0]); /* or the end of file from a dead spawner would never come */
		init_run(&s->jail, job, pair[1]);
		cold_exec(&s->jail);
		_exit(EXIT_FAILURE);
	}
	close(pair[1]);
	c->sync_fd = pair[0];
	if (c->init < 0 || jail_map_ids(&s->jail, job, c->init) < 0 || io_write_all(c->sync_fd, "g", 1) < 0) {
		int error = errno;

		if (c->init > 0) {
			kill(c->init, SIGKILL);
			waitpid(c->init, NULL, 0);
		}
		c->init = 0;
		errno = error;
		return -1;
	}
	return 0;
}

/* Without namespaces there is no init: the child is the job. */
static int try_to_fork(struct spawner *s, struct cell *c, struct jail_job *job)
{
	if (!DROPPED(&s->jail, DROP_CGROUP))
		job->cgroup_count = cgroups_join_fds(s->cgroups, c->number, job->cgroup_fds);
	c->child = cold_fork(&s->jail, job, &c->sync_fd);
	if (c->child > 0)
		return 0;
	c->child = 0;
	return -1;
}

/* For the processes that look into the directories of the job, or empty them. */
static struct jail_job same_jail(const struct cell *c)
{
	return (struct jail_job){
		.cell = c->number, .limits = c->limits, .folders = c->folders, .fds = { -1, -1, -1, -1 }, .net_fd = -1
	};
}

static int make_folders(struct cell *c)
{
	if (jail_make_folders(c->jail, c->number, &c->folders) < 0)
		return -1;
	sweep_begin(c->jail, &c->sweep);
	return 0;
}

/* 0, or -1 with errno, and the cell will be free. */
static int launch(struct spawner *s, struct cell *c, struct jail_job *job)
{
	int error;

	job->cell = c->number;
	job->net_fd = -1;
	if (s->jail.namespaces ? try_to_launch(s, c, job) == 0 : try_to_fork(s, c, job) == 0)
		return 0;
	error = errno;
	cell_give_up(c);
	errno = error;
	return -1;
}

static void read_counters(struct spawner *s, struct cell *c)
{
	c->oom_kills_before = cgroups_oom_kills(s->cgroups, c->number);
	(void)cgroups_cpu_us(s->cgroups, c->number, &c->cpu_before_us);
}

int cell_start_cold(struct spawner *s, struct cell *c, const int fds[WIRE_FD_COUNT])
{
	struct jail_job job = { .limits = c->limits };

	memcpy(job.fds, fds, sizeof job.fds);
	read_counters(s, c);
	if (!s->jail.namespaces && make_folders(c) < 0) {
		int error = errno;

		cell_give_up(c);
		errno = error;
		return -1;
	}
	job.folders = c->folders;
	if (launch(s, c, &job) < 0)
		return -1;
	enter_state(c, CELL_RUNNING);
	return 0;
}

static int make_pair(int *ours, int *theirs)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	if (io_set_nonblocking(pair[0], true) < 0) { /* or this process would wait where it only asks */
		close(pair[0]);
		close(pair[1]);
		return -1;
	}
	*ours = pair[0];
	*theirs = pair[1];
	return 0;
}

int cell_start_warm(struct spawner *s, struct cell *c, enum wire_tier tier)
{
	struct jail_job job = { .role = JAIL_HOLDER, .fds = { -1, -1, -1, -1 } };
	int status, error;

	c->warm = true;
	c->tier = tier;
	c->limits = s->most;
	job.limits = c->limits;
	read_counters(s, c);
	enter_state(c, CELL_MAKING);
	status = make_pair(&c->handover_fd, &c->handover_end);
	if (status == 0 && s->jail.inits_by_template)
		status = make_pair(&c->sync_fd, &c->sync_end);
	if (status == 0 && !s->jail.namespaces)
		status = make_folders(c);
	if (status == 0 && s->jail.namespaces && !s->jail.inits_by_template)
		return launch(s, c, &job);
	if (status == 0) {
		warm_fork(s, c); /* all the rest is the template's */
		return 0;
	}
	error = errno;
	cell_give_up(c);
	errno = error;
	return -1;
}

void cell_init_is_there(struct cell *c, pid_t pid)
{
	const struct jail_job job = same_jail(c);

	c->init = pid;
	if (c->state == CELL_ENDING)
		kill_processes(c); /* it was given up meanwhile */
	else if (jail_map_ids(c->jail, &job, pid) < 0 || io_write_all(c->sync_fd, "g", 1) < 0)
		cell_kill(c, KILLED_BY_NOBODY);
}

void cell_assign(struct spawner *s, struct cell *c, uint32_t slot, uint64_t job_id, const struct job_limits *limits,
		 enum wire_start start)
{
	c->has_job = true;
	c->slot = slot;
	c->job_id = job_id;
	c->limits = *limits;
	c->start = start;
	c->started_us = io_now_us();
	c->deadline_us = DROPPED(&s->jail, DROP_WALL) ? UINT64_MAX : c->started_us + (uint64_t)limits->wall_ms * 1000;
	c->next_tick_us = c->started_us + MEMORY_TICK_US;
	s->cell_of_slot[slot] = (int32_t)c->number;
}

int cell_hand_over(struct cell *c, const int fds[WIRE_FD_COUNT])
{
	if (io_send(c->handover_fd, "g", 1, fds, WIRE_FD_COUNT) < 0)
		return -1;
	if (c->state == CELL_WAITING)
		enter_state(c, CELL_RUNNING);
	return 0;
}

/*
 * By a descriptor where there is one: a template may have waited for it already (ESRCH), and the number may be another's. By
 * its number only where the kernel, or a filter around the service, has no such descriptors.
 */
static void kill_child(const struct cell *c)
{
	if (c->child <= 0)
		return;
	if (c->child_fd >= 0 && (syscall(SYS_pidfd_send_signal, c->child_fd, SIGKILL, NULL, 0) == 0 || errno == ESRCH))
		return;
	kill(c->child, SIGKILL);
}

static void kill_processes(struct cell *c)
{
	if (c->init > 0)
		kill(c->init, SIGKILL); /* takes the whole process namespace with it */
	if (c->jail->namespaces)
		return;
	jail_kill_all_of(c->jail, c->number);
	kill_child(c);
}

void cell_kill(struct cell *c, enum killed_by by)
{
	if (c->state == CELL_FREE)
		return;
	if (c->killed_by == KILLED_BY_NOBODY && by != KILLED_BY_NOBODY && !c->ended)
		c->killed_by = by;
	if (c->state == CELL_ENDING)
		return;
	kill_processes(c);
	enter_state(c, CELL_ENDING);
}

/* Nothing has been started in it, or it could not be: what there is of it goes. */
static void cell_give_up(struct cell *c)
{
	if (c->state == CELL_FREE)
		c->state = CELL_MAKING; /* no job of its own yet, but something to clear away */
	c->has_job = false;
	cell_kill(c, KILLED_BY_NOBODY);
}

/* ---- what init and child say --------------------------------------------------------------------------------------- */

static void take_started(struct cell *c, const int *fds, size_t count)
{
	memcpy(c->mount_fds, fds, sizeof c->mount_fds);
	if (count == INIT_FD_WAITING_COUNT)
		memcpy(c->namespace_fds, fds + INIT_FD_COUNT, sizeof c->namespace_fds);
}

/* False when there is nothing (more) to hear. */
static bool hear_init_once(struct cell *c)
{
	struct pollfd ready = { .fd = c->sync_fd, .events = POLLIN };
	struct init_message message;
	int fds[IO_MAX_FDS];
	size_t count;
	ssize_t got;

	if (c->sync_fd < 0 || poll(&ready, 1, 0) != 1)
		return false;
	got = io_receive(c->sync_fd, &message, sizeof message, fds, &count);
	if (got == sizeof message && message.word == INIT_STARTED && c->mount_fds[0] < 0 &&
	    count == (c->warm && !c->jail->inits_by_template ? INIT_FD_WAITING_COUNT : INIT_FD_COUNT)) {
		take_started(c, fds, count);
		return true;
	}
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
	if (got != sizeof message)
		return false;
	if (message.word == INIT_FAULT || message.word == INIT_ENDED) {
		c->end = message;
		c->ended = true;
	}
	return true;
}

static bool hear_child_once(struct cell *c)
{
	struct child_msg message;
	int fds[IO_MAX_FDS];
	size_t count;
	ssize_t got = c->handover_fd < 0 ? -1 : io_receive(c->handover_fd, &message, sizeof message, fds, &count);

	if (got != sizeof message || count != 0)
		return false;
	if (message.word == CHILD_WAITS && c->state == CELL_FORKING)
		enter_state(c, c->has_job ? CELL_RUNNING : CELL_WAITING);
	if (message.word == CHILD_TOOK)
		c->took = true;
	if (message.word == CHILD_FAULT) {
		c->end = (struct init_message){ .word = INIT_FAULT, .fault = message.fault };
		c->ended = true;
	}
	return true;
}

void cell_hear(struct cell *c)
{
	while (hear_init_once(c))
		;
	while (c->warm && hear_child_once(c))
		;
}

/* ---- looking at a running job --------------------------------------------------------------------------------------- */

/* Of its tmpfs; or of its directories, as they were last measured. */
static uint64_t file_bytes(const struct cell *c)
{
	uint64_t bytes = c->sweep.bytes[0] + c->sweep.bytes[1] + c->unnamed_bytes;

	for (size_t i = 0; i < INIT_FD_COUNT; i++) {
		struct statfs info;

		if (c->mount_fds[i] >= 0 && fstatfs(c->mount_fds[i], &info) == 0)
			bytes += (uint64_t)(info.f_blocks - info.f_bfree) * (uint64_t)info.f_bsize;
	}
	return bytes;
}

static const struct account_processes *find_processes(const struct cell *c)
{
	const bool own_uid = !c->jail->namespaces && c->jail->cell_uids;
	const struct account_roots roots = { .init = c->init,
					     .child = c->child,
					     .uid = own_uid ? jail_uid_of(c->jail, c->number) : 0,
					     .plain = !c->jail->namespaces,
					     .threads_among_children = c->jail->inits_by_template };

	return account_find(&roots);
}

/* The group knows it exactly. Without one, children that nobody waits for take what they used with them. */
static uint64_t used_cpu_us(const struct spawner *s, const struct cell *c)
{
	uint64_t us;

	if (!DROPPED(&s->jail, DROP_CGROUP) && cgroups_cpu_us(s->cgroups, c->number, &us))
		return us - c->cpu_before_us;
	return account_cpu_us(find_processes(c));
}

/*
 * A job that makes itself expensive to look at (it can hold up who reads its memory map) gets a tenth of this process,
 * but it is looked at again within a second all the same: it must not gain time to fill the memory by it.
 */
static uint64_t pause_after(uint64_t look_us)
{
	return TICK_SHARE * look_us < PAUSE_MOST_US ? TICK_SHARE * look_us : PAUSE_MOST_US;
}

/*
 * Files without a name, as many of them as are known; never more than is missing on their file systems. Programs pass a
 * descriptor on in a moment. Who keeps some on their way, so that there may be others which nobody sees, has all that is
 * missing, but for what was found in its directories: if no one else wrote, no honest job is over its limit by that.
 */
static uint64_t unnamed_bytes(struct cell *c, const struct account_processes *processes, uint64_t now)
{
	const uint64_t lost = sweep_lost_bytes(c->jail, &c->sweep), found = c->sweep.bytes[0] + c->sweep.bytes[1];
	uint64_t bytes;
	bool more;

	bytes = account_unnamed_bytes(processes, c->limits.file_bytes, &more);
	if (!more)
		c->more_since_us = 0;
	else if (c->more_since_us == 0)
		c->more_since_us = now;
	if (more && now > c->more_since_us + HIDDEN_MOST_US && lost > found && lost - found > bytes)
		bytes = lost - found;
	return bytes < lost ? bytes : lost;
}

/* What a mount would refuse to hold ends the job: in the directories of the machine nothing else can be done. */
static bool files_exceed(struct cell *c, const struct account_processes *processes, uint64_t now)
{
	const struct jail_job job = same_jail(c);

	if (c->jail->namespaces || c->folders.work[0] == '\0')
		return false;
	if (!sweep_measure(c->jail, &job, &c->sweep, now))
		return true;
	if (c->sweep.due || c->more_since_us != 0)
		c->unnamed_bytes = unnamed_bytes(c, processes, now);
	return c->sweep.bytes[0] + c->unnamed_bytes > c->limits.tmp_bytes || c->sweep.bytes[1] > c->limits.tmp_bytes;
}

/* Without namespaces. Who keeps from being measured is not let off. */
static bool hides(struct cell *c, const struct account_processes *processes, uint64_t now)
{
	if (c->jail->namespaces || !account_any_hidden(processes))
		c->hidden_since_us = 0;
	else if (c->hidden_since_us == 0)
		c->hidden_since_us = now;
	return c->hidden_since_us != 0 && now > c->hidden_since_us + HIDDEN_MOST_US;
}

/*
 * Where no control group shares out the CPUs, the scheduler does it by threads: those of a job with many are made nice. A
 * level is worth a factor of 1.25 (sched(7)), so that ten weigh about as much as one, and 64 as seven; scripts cannot go
 * back.
 */
static void weigh_down(const struct cell *c, const struct account_processes *processes, uint32_t threads)
{
	int nice = 0;

	for (uint32_t hundredths = 100; hundredths < 100 * threads && nice < NICE_MOST; hundredths += hundredths / 4)
		nice++;
	if (c->jail->cell_uids)
		jail_weigh_down(c->jail, c->number, nice);
	else
		account_weigh_down(processes, nice);
}

/*
 * When the next job has to be ended. A look must not go on then: it waits for processes that change their memory maps, and
 * those for a CPU, of which a bomb leaves little.
 */
static uint64_t next_deadline(const struct spawner *s)
{
	uint64_t next = UINT64_MAX;

	for (uint32_t i = 0; i < s->cells; i++)
		if (s->cell[i].has_job && s->cell[i].state == CELL_RUNNING && s->cell[i].deadline_us < next)
			next = s->cell[i].deadline_us;
	return next;
}

/* Where no control group, or no mount, says no. */
static void look_at_usage(const struct spawner *s, struct cell *c, uint64_t now)
{
	const struct account_processes *processes = find_processes(c);
	const uint32_t threads = account_threads(processes);

	if (files_exceed(c, processes, now))
		cell_kill(c, KILLED_BY_FILES);
	if (account_memory_exceeds(processes, file_bytes(c), c->limits.memory_bytes, next_deadline(s)) ||
	    hides(c, processes, now))
		cell_kill(c, KILLED_BY_MEMORY);
	/* RLIMIT_NPROC counts them everywhere but where jobs share a uid, and in user namespaces under gVisor. */
	if (threads > c->limits.processes + SPARE_THREADS)
		cell_kill(c, KILLED_BY_PROCESSES);
	if (threads > THREADS_FEW && !cgroups_share_cpu(s->cgroups))
		weigh_down(c, processes, threads);
}

static void tick(struct spawner *s, struct cell *c)
{
	/* A group does not count files on a disk, and they may be in memory all the same. */
	bool accounting = cgroups_version(s->cgroups) == MEMORY_BY_ACCOUNTING || !s->jail.namespaces ||
			  DROPPED(&s->jail, DROP_CGROUP);
	uint64_t started = io_now_us(), ended;

	if (started < c->next_tick_us)
		return;
	cell_hear(c);
	if (accounting && !DROPPED(&s->jail, DROP_MEMORY))
		look_at_usage(s, c, started);
	if (cgroups_oom_kills(s->cgroups, c->number) > c->oom_kills_before)
		cell_kill(c, KILLED_BY_MEMORY); /* v1 kills one process; the job is over all the same */
	c->seen_cpu_us = used_cpu_us(s, c);
	if (!DROPPED(&s->jail, DROP_CPU) && c->seen_cpu_us >= (uint64_t)c->limits.cpu_seconds * 1000000)
		cell_kill(c, KILLED_BY_CPU);
	ended = io_now_us();
	c->next_tick_us = ended + (accounting ? MEMORY_TICK_US : CPU_TICK_US) + pause_after(ended - started);
}

/* How long a child that is there may need to take its job; well before the job's own deadline. */
static uint64_t take_most_us(const struct cell *c)
{
	uint64_t half = (uint64_t)c->limits.wall_ms * 500;

	return half < TAKE_MOST_US ? half : TAKE_MOST_US;
}

void cell_look(struct spawner *s, struct cell *c, uint64_t now)
{
	if (c->state == CELL_FREE || c->state == CELL_ENDING || !c->has_job)
		return;
	if (now >= c->deadline_us) {
		cell_hear(c);
		/* What never began did not take too long: web starts it again. */
		cell_kill(c, c->warm && !c->took ? KILLED_BY_NOBODY : KILLED_BY_WALL);
		return;
	}
	if (c->state == CELL_RUNNING)
		tick(s, c);
	if (c->warm && c->state == CELL_RUNNING && !c->took && now >= c->started_us + take_most_us(c)) {
		cell_hear(c); /* it may have said so since the last tick, which can be a second ago */
		if (!c->took)
			cell_kill(c, KILLED_BY_NOBODY); /* web starts it again */
	}
}

/* ---- the end ---------------------------------------------------------------------------------------------------------- */

void cell_child_ended(struct cell *c, int wait_status, uint64_t cpu_us, uint64_t peak_bytes)
{
	cell_hear(c);
	if (!c->ended) {
		c->ended = true;
		c->end = (struct init_message){
			.word = INIT_ENDED, .wait_status = wait_status, .main_cpu_us = cpu_us, .peak_bytes = peak_bytes
		};
	}
	c->child = 0;
	cell_kill(c, KILLED_BY_NOBODY);
}

void cell_init_ended(struct cell *c, int status, const struct rusage *usage)
{
	cell_hear(c);
	c->init = 0;
	c->init_status = status;
	c->init_usage = *usage;
	if (c->state != CELL_ENDING)
		enter_state(c, CELL_ENDING);
}

/* When init is killed, the kernel reaps its children without adding their time to its own. */
static uint64_t whole_cpu_us(const struct spawner *s, const struct cell *c)
{
	uint64_t us, of_processes = job_cpu_us(&c->init_usage);

	if (!c->jail->namespaces || (c->warm && !c->jail->inits_by_template)) /* it was no child of an init */
		of_processes += c->end.main_cpu_us;
	if (cgroups_cpu_us(s->cgroups, c->number, &us))
		return us - c->cpu_before_us;
	return c->seen_cpu_us > of_processes ? c->seen_cpu_us : of_processes;
}

static void fill_report(const struct spawner *s, const struct cell *c, struct exit_report *report)
{
	/* RLIMIT_CPU counts clock ticks, rusage what was really used: on a busy machine a tenth less was seen. */
	const uint64_t cpu_limit_us = (uint64_t)c->limits.cpu_seconds * 1000000;

	*report = (struct exit_report){ .magic = WIRE_MAGIC,
					.slot = c->slot,
					.job_id = c->job_id,
					.wait_status = c->warm || !c->jail->namespaces ? -1 : c->init_status,
					.killed_by = c->killed_by,
					.start = c->start,
					.cpu_us = whole_cpu_us(s, c) };
	if (c->ended && c->end.word == INIT_ENDED) {
		report->wait_status = c->end.wait_status;
		report->peak_bytes = c->end.peak_bytes;
		report->cpu_limited = WIFSIGNALED(c->end.wait_status) && WTERMSIG(c->end.wait_status) == SIGKILL &&
				      c->end.main_cpu_us >= cpu_limit_us - cpu_limit_us / 4;
	} else if (c->ended) {
		report->wait_status = -1;
		report->fault_layer = c->end.fault.layer;
		report->fault_error = c->end.fault.error;
	} else if (!WIFSIGNALED(c->init_status)) {
		report->wait_status = -1; /* it ended without a word: before the jail */
	}
	/* Under gVisor a script can kill its own process 1: that is its own death. */
	if (c->warm && c->took && !c->ended && !c->orphaned && WIFSIGNALED(c->init_status))
		report->wait_status = c->init_status;
	if (c->orphaned && c->killed_by == KILLED_BY_NOBODY && WIFSIGNALED(report->wait_status) &&
	    WTERMSIG(report->wait_status) == SIGKILL) {
		report->wait_status = -1;
		report->fault_error = ECHILD;
	}
	report->oom_killed = cgroups_oom_kills(s->cgroups, c->number) > c->oom_kills_before;
}

/* ---- nothing is left; then, without namespaces, nothing is left lying about ------------------------------------------------ */

static void forget_if_gone(const struct cell *c, pid_t *pid)
{
	if (c->orphaned && *pid > 0 && kill(*pid, 0) < 0 && errno == ESRCH)
		*pid = 0;
}

static bool processes_are_gone(struct cell *c)
{
	enum account_life life;

	/* Where we are not the reaper, somebody else waits for the children of a dead template, and does not tell. */
	forget_if_gone(c, &c->child);
	forget_if_gone(c, &c->init);
	if (c->jail->namespaces)
		return c->init == 0;
	kill_processes(c); /* again: what was just being forked, by a template, say */
	if (c->child != 0)
		return false;
	life = account_life(find_processes(c));
	/* The dead still have their place in a control group; but it is not for us to wait for them, and not for long. */
	return life == ACCOUNT_NONE || (life == ACCOUNT_DEAD && io_now_us() > c->since_us + DEAD_US);
}

/* Helpers of ours in the same jail end with its processes, and are to be waited for. */
static bool helpers_are_gone(const struct cell *c)
{
	return c->sweep.measurer == 0 && c->sweep.sweeper == 0;
}

static void start_sweeping(struct cell *c)
{
	const struct jail_job job = same_jail(c);

	if (sweep_start(c->jail, &job, &c->sweep) < 0)
		log_event(LOG_WARNING, NULL, "cannot empty the directories of a job: %s", strerror(errno));
}

/* Emptied, they can be removed; otherwise once more. A cell whose directories stay is not used again while they do. */
static void sweep_on(struct cell *c)
{
	if (!helpers_are_gone(c))
		return;
	if (c->folders.work[0] == '\0' || jail_remove_folders(c->jail, &c->folders) == 0) {
		release(c);
	} else if (c->sweep.attempts < SWEEP_ATTEMPTS) {
		start_sweeping(c);
	} else if (!c->lost) {
		c->lost = true;
		c->since_us = io_now_us();
		log_event(LOG_ERROR, NULL, "%s cannot be emptied: its cell is out of use for now", c->folders.work);
	} else if (io_now_us() > c->since_us + LOST_US) {
		c->since_us = io_now_us();
		start_sweeping(c);
	}
}

bool cell_finish(struct spawner *s, struct cell *c, struct exit_report *report, bool *had_job)
{
	*had_job = false;
	if (c->state == CELL_SWEEPING)
		sweep_on(c);
	if (c->state != CELL_ENDING || c->from || !processes_are_gone(c) || c->child > 0)
		return false;
	cell_hear(c);
	*had_job = c->has_job;
	if (c->has_job) {
		fill_report(s, c, report);
		s->cell_of_slot[c->slot] = -1;
		c->has_job = false;
	}
	if (c->jail->namespaces) {
		release(c);
		return true;
	}
	close_all(c);
	enter_state(c, CELL_SWEEPING);
	sweep_on(c);
	return true;
}
