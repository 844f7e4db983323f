/* SPDX-License-Identifier: MIT */
/*
 * Bounds the memory and the number of processes of a whole job by control groups, v2 or v1 (cgroups(7)), and makes the
 * scheduler share the CPUs out by jobs, however many processes one of them has.
 * Runs in the spawner; the groups are made at start, before the machine's file system is left behind.
 *
 *     v2   OWN/safe-exec-PID/cell-N      memory.max, memory.swap.max, memory.oom.group, pids.max; cpu.stat is read
 *     v1   OWN/safe-exec-PID/cell-N      memory.limit_in_bytes (and memsw); in the pids hierarchy pids.max; in the
 *                                        cpuacct hierarchy cpuacct.usage is read; the cpu hierarchy has no file for us
 *          OWN/safe-exec-PID             cpu.weight or cpu.shares: of so many processes as there may be jobs
 *
 * OWN is the group this process is in. Under v2 a group that hands controllers down may hold no process itself, so
 * the service first moves into OWN/safe-exec-PID-self, with its process 1 and what it keeps for the next level. Where
 * somebody else is in OWN, there are no groups: it has to be started in one of its own. A write that returns success
 * proves nothing (gVisor emulates v1 files), hence the proof by effect: a child that touches more than a small limit
 * must be killed.
 */
#define _GNU_SOURCE
#include "cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io.h"
#include "own.h"

enum {
	NAME_BYTES = 64,
	GROUP_PATH_BYTES = 2048,
	PROOF_LIMIT_BYTES = 16 << 20,
	PROOF_TOUCH_BYTES = 64 << 20,
	INIT_PROCESSES = 1,
	REMOVE_TRIES = 20,
	REMOVE_PAUSE_MS = 5,
	NAMES_MOST = 100,
	/* What a group or a process weighs if nobody says otherwise, and the most that may be said */
	WEIGHT_V2 = 100,
	WEIGHT_V2_MOST = 10000,
	SHARES_V1 = 1024,
	SHARES_V1_MOST = 262144,
};

#define NAME_PREFIX "safe-exec-"
#define NAME_SUFFIX_SELF "-self"

/* v1 has a hierarchy for each; under v2 all of it is the first one. Only memory is a must. */
enum hierarchy { MEMORY, PIDS, CPUACCT, CPU, HIERARCHIES };

static const char *const controller_names[HIERARCHIES] = {
	[MEMORY] = "memory", [PIDS] = "pids", [CPUACCT] = "cpuacct", [CPU] = "cpu"
};

/*
 * A counter of the kernel's that only grows. It is held open, so that a look at it cannot fail for want of descriptors;
 * and where one fails all the same, what was seen last counts: anything less would be taken for the doing of the job.
 */
struct counter {
	int fd; /* -1: not there */
	uint64_t last;
};

struct cell_group {
	int dir_fd[HIERARCHIES]; /* -1: not there */
	struct counter oom_kills, cpu;
	int join_fds[JAIL_CGROUP_FDS_MAX];
	size_t join_count;
};

struct cgroups {
	enum memory_enforcement version;
	char name[NAME_BYTES];
	int base_fd[HIERARCHIES];      /* OWN, or -1 */
	int lock_fd[HIERARCHIES];      /* our own directory, locked for as long as we live */
	int fast_fd;                   /* keeps joining fast; -1: not to be had */
	bool handed_down[HIERARCHIES]; /* v2: by us; what somebody else did is not undone */
	bool shares_cpu;               /* a job has its share of the CPUs, whatever its processes are */
	uint32_t cells, slots;
	struct cell_group group[JAIL_CELLS_MAX];
};

const char *spawn_memory_enforcement_name(enum memory_enforcement by)
{
	static const char *const names[] = { [MEMORY_BY_ACCOUNTING] = "accounting",
					     [MEMORY_BY_CGROUP_V1] = "cgroup-v1",
					     [MEMORY_BY_CGROUP_V2] = "cgroup-v2" };

	return names[by];
}

/* ---- where this process is -------------------------------------------------------------------------------------- */

static bool has_word(const char *text, const char *word, const char *separators)
{
	char copy[1024], *save = NULL;

	snprintf(copy, sizeof copy, "%s", text);
	for (char *w = strtok_r(copy, separators, &save); w; w = strtok_r(NULL, separators, &save))
		if (strcmp(w, word) == 0)
			return true;
	return false;
}

/* The path of this process in one hierarchy, from /proc/self/cgroup: "" names v2. */
static int own_path(const char *controller, char *path, size_t capacity)
{
	char text[8192], *line, *save = NULL;

	if (io_read_file(AT_FDCWD, "/proc/self/cgroup", text, sizeof text) < 0)
		return -1;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *controllers = strchr(line, ':'), *where = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!where)
			continue;
		*where++ = '\0';
		/* v2 is the line without controllers; v1 may have several in one hierarchy ("cpu,cpuacct") */
		if (controller[0] ? !has_word(controllers + 1, controller, ",") : controllers[1] != '\0')
			continue;
		snprintf(path, capacity, "%s", where);
		return 0;
	}
	errno = ENOENT;
	return -1;
}

/* Opens MOUNT/PATH; where a container shows its own group as the root, MOUNT itself. */
static int open_own(const char *mount, const char *path)
{
	char full[PATH_MAX];
	int fd;

	snprintf(full, sizeof full, "%s%s", mount, path);
	fd = open(full, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	return fd >= 0 ? fd : open(mount, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
}

static int open_v1(const char *controller)
{
	char path[GROUP_PATH_BYTES], mount[64];

	snprintf(mount, sizeof mount, "/sys/fs/cgroup/%s", controller);
	return own_path(controller, path, sizeof path) < 0 ? -1 : open_own(mount, path);
}

/* Most machines mount cpu and cpuacct as one: then a job joins it once, as CPU. */
static void merge_cpu(int base_fd[HIERARCHIES])
{
	struct stat cpu, cpuacct;

	if (base_fd[CPU] >= 0 && base_fd[CPUACCT] >= 0 && fstat(base_fd[CPU], &cpu) == 0 &&
	    fstat(base_fd[CPUACCT], &cpuacct) == 0 && cpu.st_dev == cpuacct.st_dev)
		fd_close(&base_fd[CPUACCT]);
}

static int open_v2(void)
{
	char path[GROUP_PATH_BYTES], controllers[1024];
	OWNED_FD fd = -1;

	if (own_path("", path, sizeof path) < 0)
		return -1;
	fd = open_own("/sys/fs/cgroup", path);
	if (fd < 0 || io_read_file(fd, "cgroup.controllers", controllers, sizeof controllers) < 0)
		return -1;
	if (!has_word(controllers, "memory", " \n") || !has_word(controllers, "pids", " \n")) {
		errno = ENOTSUP;
		return -1;
	}
	return fd_release(&fd);
}

/* ---- making and removing ---------------------------------------------------------------------------------------- */

/* A group is busy for a moment after its last process was waited for. */
static void remove_directory(int dir_fd, const char *name)
{
	for (int tries = 0; tries < REMOVE_TRIES && unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && errno == EBUSY; tries++)
		poll(NULL, 0, REMOVE_PAUSE_MS);
}

/*
 * The roots of v1 hierarchies have mode 0555. By the end the spawner may be without the capability to which that is all
 * the same (plain.c), but it is still their owner.
 */
static void remove_parent(int base_fd, const char *name)
{
	struct stat info;
	bool shut = fstat(base_fd, &info) == 0 && faccessat(base_fd, ".", W_OK, AT_EACCESS) < 0 && errno == EACCES &&
		    fchmod(base_fd, (info.st_mode & ALLPERMS) | S_IWUSR) == 0;

	remove_directory(base_fd, name);
	if (shut)
		(void)fchmod(base_fd, info.st_mode & ALLPERMS);
}

static void remove_group(int base_fd, const char *name)
{
	OWNED_FD fd = base_fd < 0 ? -1 : openat(base_fd, name, O_DIRECTORY | O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	for (uint32_t cell = 0; cell < JAIL_CELLS_MAX; cell++) {
		char cell_name[NAME_BYTES];

		snprintf(cell_name, sizeof cell_name, "cell-%u", cell);
		remove_directory(fd, cell_name);
	}
	remove_parent(base_fd, name);
}

/*
 * Each service holds a lock (flock(2)) on its own directory. The number in the name says nothing: a service in another
 * process namespace has numbers of its own. Returns the locked directory; -1 when it is somebody's, or is not there.
 */
static int lock_group(int base_fd, const char *name)
{
	OWNED_FD fd = openat(base_fd, name, O_DIRECTORY | O_RDONLY | O_CLOEXEC);

	return fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 ? -1 : fd_release(&fd);
}

static void remove_if_unlocked(int base_fd, const char *name)
{
	OWNED_FD fd = lock_group(base_fd, name);

	if (fd >= 0)
		remove_group(base_fd, name);
}

/* The group in which a service was itself: it cannot be removed while there is one. */
static void remove_self_if_empty(int base_fd, const char *name)
{
	OWNED_FD fd = openat(base_fd, name, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	char procs[16];

	if (fd >= 0 && io_read_file(fd, "cgroup.procs", procs, sizeof procs) == 0)
		remove_parent(base_fd, name);
}

/* A service that was killed leaves its empty groups: remove those that nobody holds. */
static void remove_stale(int base_fd)
{
	struct dirent *entry;
	int fd = base_fd < 0 ? -1 : openat(base_fd, ".", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, NAME_PREFIX, sizeof NAME_PREFIX - 1) != 0)
			continue;
		if (strstr(entry->d_name, NAME_SUFFIX_SELF))
			remove_self_if_empty(base_fd, entry->d_name);
		else
			remove_if_unlocked(base_fd, entry->d_name);
	}
	if (dir)
		closedir(dir);
}

/* A name that no other living service has: its own number, and more where numbers repeat. */
static void choose_name(struct cgroups *g)
{
	for (unsigned again = 0; again < NAMES_MOST; again++) {
		OWNED_FD fd = -1;

		snprintf(g->name, sizeof g->name, NAME_PREFIX "%d", (int)getpid());
		if (again)
			snprintf(g->name + strlen(g->name), sizeof g->name - strlen(g->name), ".%u", again);
		fd = openat(g->base_fd[MEMORY], g->name, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return;
	}
}

static int write_number(int dir_fd, const char *file, uint64_t number)
{
	char text[32];

	snprintf(text, sizeof text, "%llu", (unsigned long long)number);
	return io_write_file(dir_fd, file, text);
}

static int limit_memory(const struct cgroups *g, int dir_fd, uint64_t bytes)
{
	if (g->version == MEMORY_BY_CGROUP_V2) {
		if (io_write_file(dir_fd, "memory.swap.max", "0") < 0 && errno != ENOENT)
			return -1; /* a kernel without swap has no such file */
		return io_write_file(dir_fd, "memory.oom.group", "1") < 0 ? -1 :
									    write_number(dir_fd, "memory.max", bytes);
	}
	if (write_number(dir_fd, "memory.limit_in_bytes", bytes) < 0)
		return -1;
	return write_number(dir_fd, "memory.memsw.limit_in_bytes", bytes) < 0 && errno != ENOENT &&
			       errno != EOPNOTSUPP ?
		       -1 :
		       0;
}

/* Makes BASE/NAME/cell-N: its directory, or -1. */
static int make_cell(int base_fd, const char *name, uint32_t cell)
{
	char path[2 * NAME_BYTES];

	snprintf(path, sizeof path, "%s/cell-%u", name, cell);
	if (mkdirat(base_fd, path, 0755) < 0)
		return -1;
	return openat(base_fd, path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
}

static int add_join_fd(struct cell_group *group, int dir_fd)
{
	int fd = openat(dir_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	group->join_fds[group->join_count++] = fd;
	return 0;
}

/* The directory of this cell in one hierarchy, and the descriptor by which a child joins it. */
static int join_hierarchy(struct cgroups *g, uint32_t cell, enum hierarchy h)
{
	struct cell_group *group = &g->group[cell];

	group->dir_fd[h] = make_cell(g->base_fd[h], g->name, cell);
	return group->dir_fd[h] < 0 ? -1 : add_join_fd(group, group->dir_fd[h]);
}

static int open_counters(const struct cgroups *g, struct cell_group *group)
{
	const bool v2 = g->version == MEMORY_BY_CGROUP_V2;
	const int cpuacct_dir_fd = group->dir_fd[group->dir_fd[CPUACCT] >= 0 ? CPUACCT : CPU];
	const int cpu_dir_fd = v2 ? group->dir_fd[MEMORY] : cpuacct_dir_fd;

	group->oom_kills.fd = openat(group->dir_fd[MEMORY], v2 ? "memory.events" : "memory.oom_control",
				     O_RDONLY | O_CLOEXEC);
	if (cpu_dir_fd >= 0)
		group->cpu.fd = openat(cpu_dir_fd, v2 ? "cpu.stat" : "cpuacct.usage", O_RDONLY | O_CLOEXEC);
	return group->oom_kills.fd < 0 ? -1 : 0;
}

static int make_group(struct cgroups *g, uint32_t cell, const struct job_limits *limits)
{
	const enum hierarchy pids = g->version == MEMORY_BY_CGROUP_V2 ? MEMORY : PIDS;
	struct cell_group *group = &g->group[cell];

	for (enum hierarchy h = MEMORY; h < HIERARCHIES; h++)
		if (g->base_fd[h] >= 0 && join_hierarchy(g, cell, h) < 0)
			return -1;
	if (open_counters(g, group) < 0 || limit_memory(g, group->dir_fd[MEMORY], limits->memory_bytes) < 0)
		return -1;
	return group->dir_fd[pids] < 0 ?
		       0 :
		       write_number(group->dir_fd[pids], "pids.max", limits->processes + INIT_PROCESSES);
}

static pid_t parent_of(pid_t pid)
{
	char path[64], text[1024], *after_name;
	int parent;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if (io_read_file(AT_FDCWD, path, text, sizeof text) <= 0)
		return 0;
	after_name = strrchr(text, ')');
	return after_name && sscanf(after_name + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

static bool is_this_program(pid_t pid)
{
	char path[64];
	struct stat ours, theirs;

	snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
	return stat("/proc/self/exe", &ours) == 0 && stat(path, &theirs) == 0 && ours.st_dev == theirs.st_dev &&
	       ours.st_ino == theirs.st_ino;
}

static int move_process(int dir_fd, const char *procs, pid_t pid)
{
	char text[32];

	snprintf(text, sizeof text, "%d", (int)pid);
	return io_write_file(dir_fd, procs, text);
}

/*
 * This process, and who belongs to the service besides: at this time those above it (supervise.c) and its children, the
 * copy that waits for the level below (ladder.c).
 */
static int move_ourselves(int dir_fd, const char *procs)
{
	char text[1024], path[64], *next = text, *end;
	ssize_t length;

	for (pid_t pid = getppid(); pid > 0 && is_this_program(pid); pid = parent_of(pid))
		(void)move_process(dir_fd, procs, pid);
	snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	length = io_read_file(AT_FDCWD, path, text, sizeof text);
	while (length > 0) {
		const long child = strtol(next, &end, 10);

		if (end == next)
			break;
		(void)move_process(dir_fd, procs, (pid_t)child);
		next = end;
	}
	return io_write_file(dir_fd, procs, "0");
}

/* Back to OWN, whoever is still in there. */
static void move_back(int base_fd, const char *procs)
{
	char text[1024], *save = NULL;

	if (io_read_file(base_fd, procs, text, sizeof text) <= 0)
		return;
	for (const char *pid = strtok_r(text, "\n", &save); pid; pid = strtok_r(NULL, "\n", &save))
		(void)io_write_file(base_fd, "cgroup.procs", pid);
}

/* Lets the children of this group have the controller. *ours: they had not before. */
static int hand_down(int dir_fd, enum hierarchy controller, bool *ours)
{
	char had[256], word[16];

	if (io_read_file(dir_fd, "cgroup.subtree_control", had, sizeof had) < 0)
		return -1;
	if (has_word(had, controller_names[controller], " \n"))
		return 0;
	snprintf(word, sizeof word, "+%s", controller_names[controller]);
	if (io_write_file(dir_fd, "cgroup.subtree_control", word) < 0)
		return -1;
	*ours = true;
	return 0;
}

/* v2: the service leaves OWN, which then may hand its controllers down. Only that of the CPUs is done without. */
static int delegate_v2(struct cgroups *g)
{
	char name[NAME_BYTES + 8], procs[NAME_BYTES + 32];

	snprintf(name, sizeof name, "%s" NAME_SUFFIX_SELF, g->name);
	snprintf(procs, sizeof procs, "%s/cgroup.procs", name);
	if (mkdirat(g->base_fd[MEMORY], name, 0755) < 0 || move_ourselves(g->base_fd[MEMORY], procs) < 0)
		return -1;
	(void)hand_down(g->base_fd[MEMORY], CPU, &g->handed_down[CPU]);
	return hand_down(g->base_fd[MEMORY], MEMORY, &g->handed_down[MEMORY]) < 0 ?
		       -1 :
		       hand_down(g->base_fd[MEMORY], PIDS, &g->handed_down[PIDS]);
}

static void undelegate_v2(struct cgroups *g)
{
	char name[NAME_BYTES + 8], procs[NAME_BYTES + 32], word[16];

	for (enum hierarchy h = MEMORY; h < HIERARCHIES; h++) {
		snprintf(word, sizeof word, "-%s", controller_names[h]);
		if (g->handed_down[h])
			(void)io_write_file(g->base_fd[MEMORY], "cgroup.subtree_control", word);
	}
	snprintf(name, sizeof name, "%s" NAME_SUFFIX_SELF, g->name);
	snprintf(procs, sizeof procs, "%s/cgroup.procs", name);
	move_back(g->base_fd[MEMORY], procs);
	remove_parent(g->base_fd[MEMORY], name);
}

/* All jobs together weigh as much as so many processes as may run: else the one beside them would get more than they. */
static bool share_cpu(const struct cgroups *g)
{
	const bool v2 = g->version == MEMORY_BY_CGROUP_V2;
	const uint64_t one = v2 ? WEIGHT_V2 : SHARES_V1, most = v2 ? WEIGHT_V2_MOST : SHARES_V1_MOST;
	const uint64_t weight = one * g->slots < most ? one * g->slots : most;
	const int base_fd = g->base_fd[v2 ? MEMORY : CPU];
	OWNED_FD fd = base_fd < 0 ? -1 : openat(base_fd, g->name, O_DIRECTORY | O_RDONLY | O_CLOEXEC);

	return fd >= 0 && write_number(fd, v2 ? "cpu.weight" : "cpu.shares", weight) == 0 &&
	       (!v2 || io_write_file(fd, "cgroup.subtree_control", "+cpu") == 0);
}

/* A hierarchy that we may not write, beside that of memory, is done without. */
static int make_parents(struct cgroups *g)
{
	char file[2 * NAME_BYTES];

	for (enum hierarchy h = MEMORY; h < HIERARCHIES; h++) {
		if (g->base_fd[h] < 0)
			continue;
		if (mkdirat(g->base_fd[h], g->name, 0755) == 0) {
			g->lock_fd[h] = lock_group(g->base_fd[h], g->name);
			continue;
		}
		if (h == MEMORY)
			return -1;
		fd_close(&g->base_fd[h]);
	}
	if (g->version == MEMORY_BY_CGROUP_V2) {
		snprintf(file, sizeof file, "%s/cgroup.subtree_control", g->name);
		if (io_write_file(g->base_fd[MEMORY], file, "+memory +pids") < 0)
			return -1;
	}
	g->shares_cpu = share_cpu(g);
	return 0;
}

/* ---- the proof ---------------------------------------------------------------------------------------------------- */

static void touch_too_much(const struct cell_group *group)
{
	volatile char *memory;

	for (size_t i = 0; i < group->join_count; i++)
		if (write(group->join_fds[i], "0", 1) != 1)
			_exit(1);
	memory = mmap(NULL, PROOF_TOUCH_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; memory != MAP_FAILED && i < PROOF_TOUCH_BYTES; i += 4096)
		memory[i] = 1;
	_exit(0);
}

static int prove(struct cgroups *g, const struct job_limits *limits)
{
	struct cell_group *group = &g->group[0];
	int status;
	pid_t pid;

	if (limit_memory(g, group->dir_fd[MEMORY], PROOF_LIMIT_BYTES) < 0)
		return -1;
	pid = fork();
	if (pid == 0)
		touch_too_much(group);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL || cgroups_oom_kills(g, 0) == 0) {
		errno = ENOTSUP;
		return -1;
	}
	/* v1 wants memsw >= limit at every moment: raise memsw first by writing both in the other order */
	if (g->version == MEMORY_BY_CGROUP_V1)
		(void)write_number(group->dir_fd[MEMORY], "memory.memsw.limit_in_bytes", limits->memory_bytes);
	return limit_memory(g, group->dir_fd[MEMORY], limits->memory_bytes);
}

/* ---- speed --------------------------------------------------------------------------------------------------------- */

/*
 * A process that joins a group waits for all CPUs to notice, 7 to 15 ms here, unless some hierarchy on the machine was
 * mounted with "favordynmods" (Linux 6.0, Documentation/admin-guide/cgroup-v2.rst): then it takes 40 us, and forks of
 * the whole machine cost a little more. So an empty hierarchy of our own is mounted that way, nowhere in the file
 * system, for as long as this process lives.
 */
static int favour_joining(const char *name)
{
	OWNED_FD context_fd = fsopen("cgroup", FSOPEN_CLOEXEC);

	if (context_fd < 0 || fsconfig(context_fd, FSCONFIG_SET_FLAG, "none", NULL, 0) < 0 ||
	    fsconfig(context_fd, FSCONFIG_SET_STRING, "name", name, 0) < 0 ||
	    fsconfig(context_fd, FSCONFIG_SET_FLAG, "favordynmods", NULL, 0) < 0 ||
	    fsconfig(context_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return fsmount(context_fd, FSMOUNT_CLOEXEC, 0);
}

/* ---- the interface ------------------------------------------------------------------------------------------------ */

static int build(struct cgroups *g, const struct job_limits *limits)
{
	for (enum hierarchy h = MEMORY; h < HIERARCHIES; h++)
		if (g->base_fd[h] >= 0)
			remove_stale(g->base_fd[h]);
	choose_name(g);
	if (g->version == MEMORY_BY_CGROUP_V2 && delegate_v2(g) < 0)
		return -1;
	if (make_parents(g) < 0)
		return -1;
	for (uint32_t cell = 0; cell < g->cells; cell++)
		if (make_group(g, cell, limits) < 0)
			return -1;
	return prove(g, limits);
}

static struct cgroups *try_version(enum memory_enforcement version, uint32_t cells, uint32_t slots,
				   const struct job_limits *limits)
{
	struct cgroups *g = calloc(1, sizeof *g);
	int error;

	if (!g)
		return NULL;
	g->version = version;
	g->cells = cells;
	g->slots = slots;
	g->fast_fd = -1;
	for (enum hierarchy h = MEMORY; h < HIERARCHIES; h++) {
		g->base_fd[h] = -1;
		g->lock_fd[h] = -1;
	}
	for (uint32_t cell = 0; cell < JAIL_CELLS_MAX; cell++) {
		for (enum hierarchy h = MEMORY; h < HIERARCHIES; h++)
			g->group[cell].dir_fd[h] = -1;
		g->group[cell].oom_kills.fd = -1;
		g->group[cell].cpu.fd = -1;
	}
	if (version == MEMORY_BY_CGROUP_V2)
		g->base_fd[MEMORY] = open_v2();
	for (enum hierarchy h = MEMORY; h < HIERARCHIES && version == MEMORY_BY_CGROUP_V1; h++)
		g->base_fd[h] = open_v1(controller_names[h]);
	if (version == MEMORY_BY_CGROUP_V1)
		merge_cpu(g->base_fd);
	if (g->base_fd[MEMORY] >= 0 && build(g, limits) == 0) {
		g->fast_fd = favour_joining(g->name);
		return g;
	}
	error = errno;
	cgroups_close(g);
	errno = error;
	return NULL;
}

struct cgroups *cgroups_open(uint32_t cells, uint32_t slots, const struct job_limits *limits, char *reason)
{
	struct cgroups *g = try_version(MEMORY_BY_CGROUP_V2, cells, slots, limits);
	const int error_v2 = errno;

	if (!g)
		g = try_version(MEMORY_BY_CGROUP_V1, cells, slots, limits);
	if (g)
		snprintf(reason, JAIL_STATUS_BYTES, "ok (%s%s)", spawn_memory_enforcement_name(g->version),
			 g->shares_cpu ? "" : ", CPUs not shared out by jobs");
	else if (error_v2 == EBUSY) /* cgroups(7), no internal processes */
		snprintf(reason, JAIL_STATUS_BYTES, "absent: other processes are in the group of this service");
	else
		snprintf(reason, JAIL_STATUS_BYTES, "absent: %.40s", strerror(errno));
	return g;
}

void cgroups_close(struct cgroups *g)
{
	if (!g)
		return;
	for (uint32_t cell = 0; cell < g->cells; cell++) {
		for (enum hierarchy h = MEMORY; h < HIERARCHIES; h++)
			fd_close(&g->group[cell].dir_fd[h]);
		fd_close(&g->group[cell].oom_kills.fd);
		fd_close(&g->group[cell].cpu.fd);
		for (size_t i = 0; i < g->group[cell].join_count; i++)
			close(g->group[cell].join_fds[i]);
	}
	for (enum hierarchy h = MEMORY; h < HIERARCHIES; h++)
		if (g->base_fd[h] >= 0)
			remove_group(g->base_fd[h], g->name);
	if (g->version == MEMORY_BY_CGROUP_V2 && g->base_fd[MEMORY] >= 0)
		undelegate_v2(g);
	for (enum hierarchy h = MEMORY; h < HIERARCHIES; h++)
		fd_close(&g->base_fd[h]);
	for (enum hierarchy h = MEMORY; h < HIERARCHIES; h++)
		fd_close(&g->lock_fd[h]);
	fd_close(&g->fast_fd);
	free(g);
}

enum memory_enforcement cgroups_version(const struct cgroups *g)
{
	return g ? g->version : MEMORY_BY_ACCOUNTING;
}

bool cgroups_share_cpu(const struct cgroups *g)
{
	return g && g->shares_cpu;
}

size_t cgroups_join_fds(const struct cgroups *g, uint32_t cell, int fds[JAIL_CGROUP_FDS_MAX])
{
	if (!g)
		return 0;
	memcpy(fds, g->group[cell].join_fds, sizeof g->group[cell].join_fds);
	return g->group[cell].join_count;
}

/* The number behind word, or the first one in the file if that is NULL. */
static uint64_t count_now(struct counter *c, const char *word)
{
	char text[1024];
	const char *at = text;
	unsigned long long number;
	ssize_t got = pread(c->fd, text, sizeof text - 1, 0);

	if (got <= 0)
		return c->last;
	text[got] = '\0';
	if (word)
		at = strstr(text, word);
	if (at && sscanf(at + (word ? strlen(word) : 0), "%llu", &number) == 1)
		c->last = number;
	return c->last;
}

uint64_t cgroups_oom_kills(struct cgroups *g, uint32_t cell)
{
	return g ? count_now(&g->group[cell].oom_kills, "oom_kill ") : 0;
}

bool cgroups_cpu_us(struct cgroups *g, uint32_t cell, uint64_t *us)
{
	if (!g || g->group[cell].cpu.fd < 0)
		return false;
	if (g->version == MEMORY_BY_CGROUP_V2)
		*us = count_now(&g->group[cell].cpu, "usage_usec ");
	else
		*us = count_now(&g->group[cell].cpu, NULL) / 1000;
	return true;
}
