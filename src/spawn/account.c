/* SPDX-License-Identifier: MIT */
/*
 * Measures a running job from outside, a few times a second. Runs in the spawner.
 *
 * The tree of processes comes from /proc/PID/task/TID/children (proc(5)), starting at the job's init, to which all
 * orphans return, and at the process that a template forked; without namespaces, from a look at all of /proc for the
 * job's uid. What is read are numbers that the kernel wrote; no string of the script (a process name) is used.
 *
 * Memory is looked at in two steps, because the exact answer is expensive: while the address spaces together are
 * within the limit, no more is asked. Otherwise the proportional set size (each shared page once) is added up, and
 * shared anonymous mappings count by their size, since pages that a dead child touched are in nobody's set.
 */
#define _GNU_SOURCE
#include "account.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io.h"
#include "jail.h"
#include "own.h"

enum {
	PROCESSES_MAX = 4200,               /* NPROC_LIMIT's most, and init */
	CHILDREN_BYTES = 8 * PROCESSES_MAX, /* seven digits and a blank each */
	STAT_BYTES = 1024,
	STATUS_BYTES = 4096,
	MAPS_BYTES = 16384, /* of /proc/PID/maps at a time; no honest line is longer than a quarter of it */
	SHARED_MAX = 1024,
	MAPPED_FEW = 8,
	LOOK_MOST_US = 100000,           /* of our CPU time, for one job */
	SOCKET_BUFFER_BYTES = 256 << 10, /* net.core.wmem_default and one message more */
};

struct account_processes {
	struct account_roots roots;
	pid_t pid[PROCESSES_MAX];
	size_t count;
};

static void add_children_of_thread(struct account_processes *list, pid_t pid, const char *thread)
{
	static char text[CHILDREN_BYTES];
	char path[64], *next = text, *end;
	ssize_t length;

	snprintf(path, sizeof path, "/proc/%d/task/%.20s/children", (int)pid, thread);
	length = io_read_file(AT_FDCWD, path, text, sizeof text);
	while (length > 0 && list->count < PROCESSES_MAX) {
		long child = strtol(next, &end, 10);

		if (end == next)
			return;
		list->pid[list->count++] = (pid_t)child;
		next = end;
	}
}

/* The next name in a directory of /proc that is a number; NULL at the end, or when there is no directory. */
static const char *next_number(DIR *directory)
{
	struct dirent *entry;

	while (directory && (entry = readdir(directory)))
		if (isdigit((unsigned char)entry->d_name[0]))
			return entry->d_name;
	return NULL;
}

/* NULL when the process is gone. */
static DIR *open_threads(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	return opendir(path);
}

static void add_children(struct account_processes *list, pid_t pid)
{
	const char *thread;
	DIR *threads = open_threads(pid);

	while ((thread = next_number(threads)))
		add_children_of_thread(list, pid, thread);
	if (threads)
		closedir(threads);
}

struct process {
	char state;
	unsigned long user_ticks, system_ticks;
	long children_user_ticks, children_system_ticks, threads;
};

/* The name stands in parentheses and may hold anything, so fields are counted from the last one (proc(5)). */
static bool read_process(pid_t pid, struct process *p)
{
	char path[64], text[STAT_BYTES], *after_name;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if (io_read_file(AT_FDCWD, path, text, sizeof text) <= 0)
		return false;
	after_name = strrchr(text, ')');
	return after_name &&
	       sscanf(after_name + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld %*d %*d %ld",
		      &p->state, &p->user_ticks, &p->system_ticks, &p->children_user_ticks, &p->children_system_ticks,
		      &p->threads) == 6;
}

/*
 * Where the value of the last line "NAME: ..." begins, or NULL. The last: the first line is the process's name, which it
 * gives itself, and gVisor does not escape what is in there.
 */
static const char *find_field(const char *text, const char *name)
{
	const char *found = NULL;
	const size_t length = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, length) == 0)
			found = line + length;
		if (*line == '\0')
			break;
	}
	return found;
}

/* -1: there is no such line. */
static int64_t field_kb(const char *text, const char *name)
{
	const char *at = find_field(text, name);
	long long kb;

	return at && sscanf(at, " %lld", &kb) == 1 ? kb : -1;
}

/*
 * Its real uid, which a process without capabilities cannot change to that of another. On a bare machine also processes of
 * containers are seen, where another service may have the same uids: they have numbers in more namespaces than ours.
 */
static bool has_uid(const char *pid, uid_t uid)
{
	char path[64], text[STATUS_BYTES];
	const char *value, *numbers;
	unsigned found;
	int more[2];

	snprintf(path, sizeof path, "/proc/%.20s/status", pid);
	if (io_read_file(AT_FDCWD, path, text, sizeof text) <= 0)
		return false;
	value = find_field(text, "Uid:");
	numbers = find_field(text, "NSpid:");
	return value && sscanf(value, "%u", &found) == 1 && found == uid &&
	       (!numbers || sscanf(numbers, "%d %d", &more[0], &more[1]) < 2);
}

static void add_all_of_uid(struct account_processes *list, uid_t uid)
{
	DIR *processes = opendir("/proc");
	const char *process;

	while (list->count < PROCESSES_MAX && (process = next_number(processes)))
		if (has_uid(process, uid))
			list->pid[list->count++] = (pid_t)strtol(process, NULL, 10);
	if (processes)
		closedir(processes);
}

/* gVisor lists the threads of a child among the children. */
static void forget_threads(struct account_processes *list, size_t from)
{
	size_t kept = from;

	for (size_t i = from; i < list->count; i++) {
		char path[64], text[STATUS_BYTES];
		const char *value = NULL;
		int leader;

		snprintf(path, sizeof path, "/proc/%d/status", (int)list->pid[i]);
		if (io_read_file(AT_FDCWD, path, text, sizeof text) > 0)
			value = find_field(text, "Tgid:");
		if (value && sscanf(value, "%d", &leader) == 1 && leader == list->pid[i])
			list->pid[kept++] = list->pid[i];
	}
	list->count = kept;
}

/* The list grows while it is walked: breadth first. */
const struct account_processes *account_find(const struct account_roots *roots)
{
	static struct account_processes list;

	list.roots = *roots;
	list.count = 0;
	if (roots->uid != 0) {
		add_all_of_uid(&list, roots->uid);
		return &list;
	}
	if (roots->init > 0)
		list.pid[list.count++] = roots->init;
	if (roots->child > 0)
		list.pid[list.count++] = roots->child;
	for (size_t i = 0; i < list.count; i++) {
		const size_t before = list.count;

		add_children(&list, list.pid[i]);
		if (roots->threads_among_children)
			forget_threads(&list, before);
	}
	return &list;
}

enum account_life account_life(const struct account_processes *list)
{
	if (list->roots.uid == 0)
		return ACCOUNT_NONE;
	for (size_t i = 0; i < list->count; i++) {
		struct process p;

		/* The first thread of a process can be dead while others live. */
		if (read_process(list->pid[i], &p) && (p.state != 'Z' || p.threads > 1) && p.state != 'X')
			return ACCOUNT_ALIVE;
	}
	return list->count > 0 ? ACCOUNT_DEAD : ACCOUNT_NONE;
}

bool account_is_stopped(pid_t pid)
{
	struct process p;

	return read_process(pid, &p) && p.state == 'T';
}

uint32_t account_threads(const struct account_processes *list)
{
	uint32_t threads = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct process p;

		if (list->pid[i] != list->roots.init && read_process(list->pid[i], &p) && p.threads > 0)
			threads += (uint32_t)p.threads;
	}
	return threads;
}

void account_weigh_down(const struct account_processes *list, int nice)
{
	for (size_t i = 0; i < list->count; i++) {
		const char *thread;
		DIR *threads = list->pid[i] == list->roots.init ? NULL : open_threads(list->pid[i]);

		while ((thread = next_number(threads)))
			(void)setpriority(PRIO_PROCESS, (id_t)strtoul(thread, NULL, 10), nice);
		if (threads)
			closedir(threads);
	}
}

uint64_t account_cpu_us(const struct account_processes *list)
{
	const uint64_t tick_us = 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t ticks = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct process p;

		if (read_process(list->pid[i], &p))
			ticks += p.user_ticks + p.system_ticks + (uint64_t)p.children_user_ticks +
				 (uint64_t)p.children_system_ticks;
	}
	return ticks * tick_us;
}

/* Of a process or a thread, which has all of its process's. 0: it has ended. */
static uint64_t pages_of(const char *number)
{
	char path[64], text[128];
	unsigned long long pages;

	snprintf(path, sizeof path, "/proc/%.20s/statm", number);
	if (io_read_file(AT_FDCWD, path, text, sizeof text) <= 0 || sscanf(text, "%llu", &pages) != 1)
		return 0;
	return pages;
}

/*
 * Who is asked for what a process holds. Its first thread can end before the others: that one has neither memory nor
 * descriptors any more, and under /proc/TID of another thread are those of them all.
 */
static pid_t who_answers(pid_t pid)
{
	const char *thread;
	struct process p;
	pid_t found = pid;
	DIR *threads;

	if (!read_process(pid, &p) || p.state != 'Z' || p.threads < 2)
		return pid;
	threads = open_threads(pid);
	while (found == pid && (thread = next_number(threads)))
		if (pages_of(thread) > 0)
			found = (pid_t)strtol(thread, NULL, 10);
	if (threads)
		closedir(threads);
	return found;
}

static uint64_t address_space_bytes(pid_t pid)
{
	uint64_t pages;
	char number[16];

	snprintf(number, sizeof number, "%d", (int)pid);
	pages = pages_of(number);
	if (pages == 0) {
		snprintf(number, sizeof number, "%d", (int)who_answers(pid));
		pages = pages_of(number);
	}
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t field_bytes(const char *text, const char *name)
{
	int64_t kb = field_kb(text, name);

	return kb > 0 ? (uint64_t)kb * 1024 : 0;
}

static bool read_status(pid_t pid, char text[STATUS_BYTES])
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	return io_read_file(AT_FDCWD, path, text, STATUS_BYTES) > 0;
}

/* gVisor has the sum of both resident sets alone: too high a figure, and better than none. */
static uint64_t resident_bytes(pid_t pid, const char *field)
{
	char text[STATUS_BYTES];

	if (!read_status(pid, text))
		return 0;
	return field_bytes(text, field_kb(text, field) < 0 ? "VmRSS:" : field);
}

/*
 * In memory, and swapped out. Pss_Anon needs the right to trace the process; without it the resident set is the next best
 * (too high) figure.
 */
static uint64_t anonymous_bytes(pid_t pid)
{
	char path[64], text[STATUS_BYTES];

	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
	if (io_read_file(AT_FDCWD, path, text, sizeof text) > 0)
		return field_bytes(text, "Pss_Anon:") + field_bytes(text, "SwapPss:");
	if (!read_status(pid, text))
		return 0;
	return resident_bytes(pid, "RssAnon:") + field_bytes(text, "VmSwap:");
}

/* A byte that is read in every 2 MiB is a page of tables and none of memory. gVisor has no such figure. */
static uint64_t page_table_bytes(pid_t pid)
{
	char text[STATUS_BYTES];

	return read_status(pid, text) ? field_bytes(text, "VmPTE:") : 0;
}

/*
 * What is written to a socket and not yet read is kernel memory that is in nobody's set. Each socket of the job (they
 * are all in its own network namespace) counts by what its buffer may hold. False: nobody tells how many there are, as
 * under gVisor.
 */
static bool count_sockets(const struct account_roots *roots, uint64_t *bytes)
{
	const pid_t pid = roots->init > 0 ? roots->init : roots->child;
	char path[64], text[1024];
	unsigned long long used;

	*bytes = 0;
	snprintf(path, sizeof path, "/proc/%d/net/sockstat", (int)pid);
	if (pid <= 0 || io_read_file(AT_FDCWD, path, text, sizeof text) <= 0 ||
	    sscanf(text, "sockets: used %llu", &used) != 1)
		return false;
	*bytes = used * SOCKET_BUFFER_BYTES;
	return true;
}

struct descriptors {
	uint64_t socket_bytes, unnamed_bytes;
	uint64_t in_flight; /* descriptors in messages that nobody has read (SCM_RIGHTS, unix(7)) */
};

/* "scm_fds: N", since Linux 5.7. */
static uint64_t count_in_flight(pid_t pid, const char *fd)
{
	char path[64], text[512];
	int64_t count;

	snprintf(path, sizeof path, "/proc/%d/fdinfo/%.20s", (int)pid, fd);
	if (io_read_file(AT_FDCWD, path, text, sizeof text) <= 0)
		return 0;
	count = field_kb(text, "scm_fds:");
	return count > 0 ? (uint64_t)count : 0;
}

/*
 * Without a network namespace the sockets of the job are among all others, so its descriptors are looked at; and so are
 * files that have no name any more. stat(2) opens nothing.
 */
static void add_descriptors(struct descriptors *all, pid_t pid)
{
	char path[64];
	const char *fd;
	DIR *descriptors;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	descriptors = opendir(path);
	while ((fd = next_number(descriptors))) {
		struct stat info;

		if (fstatat(dirfd(descriptors), fd, &info, 0) < 0)
			continue;
		if (S_ISSOCK(info.st_mode)) {
			all->socket_bytes += SOCKET_BUFFER_BYTES;
			all->in_flight += count_in_flight(pid, fd);
		} else if (S_ISREG(info.st_mode) && info.st_nlink == 0) {
			all->unnamed_bytes += (uint64_t)info.st_blocks * 512;
		}
	}
	if (descriptors)
		closedir(descriptors);
}

struct shared_list {
	bool files_only;
	uint64_t until_cpu_us; /* by own_cpu_us(); what comes then is not looked at */
	unsigned long inode[SHARED_MAX];
	uint64_t size[SHARED_MAX]; /* as far as any mapping of it reaches */
	size_t count;
	uint64_t bytes;
};

/* Beyond SHARED_MAX they count again and again: a job with so many has no claim to exactness. */
static void add_shared(struct shared_list *seen, unsigned long inode, uint64_t reach)
{
	size_t i = 0;

	while (i < seen->count && seen->inode[i] != inode)
		i++;
	if (i == seen->count) {
		if (seen->count == SHARED_MAX) {
			seen->bytes += reach;
			return;
		}
		seen->inode[seen->count++] = inode;
		seen->size[i] = 0;
	}
	if (reach > seen->size[i]) {
		seen->bytes += reach - seen->size[i];
		seen->size[i] = reach;
	}
}

/* And no file that a job could have made: the snapshot of a template, and shared anonymous memory. */
static bool is_memory(const char *line)
{
	const char *path = strchr(line, '/'); /* no field before it has one */

	return path && (strncmp(path, "/memfd:", 7) == 0 || strcmp(path, "/dev/zero (deleted)") == 0);
}

/*
 * mmap(MAP_SHARED | MAP_ANONYMOUS) shows as "/dev/zero (deleted)", one inode for each, in one line or several; any other
 * file without a name is held by its mappings as well. Of a line that is cut the end is not known: it counts as well.
 */
static void add_mapping(struct shared_list *seen, const char *line, bool cut)
{
	unsigned long start, end, offset, inode;

	if (seen->files_only && is_memory(line))
		return;
	if ((cut || strstr(line, " (deleted)")) &&
	    sscanf(line, "%lx-%lx %*s %lx %*s %lu", &start, &end, &offset, &inode) == 4)
		add_shared(seen, inode, offset + end - start);
}

/* The lines of /proc/PID/maps as they come in, and of one that is longer than this its beginning. */
struct maps {
	char text[MAPS_BYTES];
	size_t length;
	bool is_rest; /* what comes belongs to a line whose beginning was handed on */
};

/* Hands on what can be: so there is room for more. */
static void take_lines(struct shared_list *seen, struct maps *maps)
{
	char *line = maps->text, *const end = maps->text + maps->length, *newline;

	while ((newline = memchr(line, '\n', (size_t)(end - line)))) {
		*newline = '\0';
		if (!maps->is_rest)
			add_mapping(seen, line, false);
		maps->is_rest = false;
		line = newline + 1;
	}
	maps->length = (size_t)(end - line);
	memmove(maps->text, line, maps->length);
	if (maps->length < sizeof maps->text - 1)
		return;
	maps->text[maps->length] = '\0';
	if (!maps->is_rest)
		add_mapping(seen, maps->text, true);
	maps->is_rest = true;
	maps->length = 0;
}

static uint64_t own_cpu_us(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
}

/*
 * In pieces: a script can make the file as long as it likes, and each of its lines (a path of a thousand directories). What
 * cannot be read counts by its resident set.
 */
static void add_shared_anonymous(struct shared_list *seen, pid_t pid)
{
	static struct maps maps;
	char path[64];
	ssize_t got;

	snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
	OWNED_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		seen->bytes += resident_bytes(pid, "RssShmem:");
		return;
	}
	maps.length = 0;
	maps.is_rest = false;
	while (own_cpu_us() < seen->until_cpu_us &&
	       (got = io_read(fd, maps.text + maps.length, sizeof maps.text - 1 - maps.length)) > 0) {
		maps.length += (size_t)got;
		take_lines(seen, &maps);
	}
}

/* Of another uid, /proc shows memory maps and descriptors to who has that uid for files (setfsuid(2)); gVisor to all. */
static void look_as(const struct account_roots *roots, bool begin)
{
	if (!roots->plain || roots->uid == 0)
		return;
	jail_look_as(begin ? roots->uid : 0);
}

static int exceeds_exactly(const struct account_processes *list, bool by_descriptors, uint64_t bytes,
			   uint64_t limit_bytes, uint64_t until_us)
{
	static struct shared_list shared;
	struct descriptors descriptors = { 0 };

	shared.until_cpu_us = own_cpu_us() + LOOK_MOST_US;
	shared.count = 0;
	shared.bytes = 0;
	for (size_t i = 0; i < list->count; i++) {
		const pid_t pid = who_answers(list->pid[i]);

		if (io_now_us() >= until_us)
			return 0;
		bytes += anonymous_bytes(pid) + page_table_bytes(pid);
		if (by_descriptors)
			add_descriptors(&descriptors, pid);
		add_shared_anonymous(&shared, pid);
		if (own_cpu_us() >= shared.until_cpu_us)
			return 1; /* who cannot be measured is not let off: tens of thousands of mappings are no honest use */
	}
	return bytes + shared.bytes + descriptors.socket_bytes > limit_bytes;
}

uint64_t account_unnamed_bytes(const struct account_processes *list, uint64_t file_bytes, bool *more)
{
	struct descriptors descriptors = { 0 };
	static struct shared_list mapped;

	mapped.until_cpu_us = own_cpu_us() + LOOK_MOST_US;
	mapped.files_only = true;
	mapped.count = 0;
	mapped.bytes = 0;
	look_as(&list->roots, true);
	for (size_t i = 0; i < list->count && own_cpu_us() < mapped.until_cpu_us; i++) {
		const pid_t pid = who_answers(list->pid[i]);

		add_descriptors(&descriptors, pid);
		add_shared_anonymous(&mapped, pid);
	}
	look_as(&list->roots, false);
	/* A socket can be on its way as well, with more in it. And when the time is up, there are those not looked at. */
	*more = descriptors.in_flight > 0 || own_cpu_us() >= mapped.until_cpu_us;
	/* A few mapped files without a name are what multiprocessing has; by how much they are larger than that, nobody tells. */
	if (mapped.count <= MAPPED_FEW)
		mapped.count = 0;
	return descriptors.unnamed_bytes + (mapped.count + descriptors.in_flight) * file_bytes;
}

static bool is_hidden(pid_t pid)
{
	char path[64];
	struct process p;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)who_answers(pid));
	OWNED_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 && errno == EACCES && read_process(pid, &p) && p.state != 'X' &&
	       (p.state != 'Z' || p.threads > 1);
}

bool account_any_hidden(const struct account_processes *list)
{
	bool hidden = false;

	look_as(&list->roots, true);
	for (size_t i = 0; i < list->count && !hidden; i++)
		hidden = is_hidden(list->pid[i]);
	look_as(&list->roots, false);
	return hidden;
}

int account_memory_exceeds(const struct account_processes *list, uint64_t other_bytes, uint64_t limit_bytes,
			   uint64_t until_us)
{
	uint64_t bytes, sockets;
	const bool by_descriptors = !count_sockets(&list->roots, &sockets) || list->roots.plain;
	int exceeds;

	bytes = other_bytes + sockets;
	for (size_t i = 0; i < list->count; i++)
		bytes += address_space_bytes(list->pid[i]);
	if (bytes <= limit_bytes)
		return 0;
	look_as(&list->roots, true);
	exceeds = exceeds_exactly(list, by_descriptors, other_bytes + (by_descriptors ? 0 : sockets), limit_bytes,
				  until_us);
	look_as(&list->roots, false);
	return exceeds;
}
