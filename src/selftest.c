/* SPDX-License-Identifier: MIT */
/*
 * Tries the jail before anything is served: see include/selftest.h. Runs in the process that becomes the spawner.
 *
 * What counts is the effect: the same launcher, jail, interpreter and runner as for a job run a script
 * (runner/selftest.py) against a file and a listener that exist for this purpose. A jail that holds by its return
 * codes and leaks in fact does not start.
 */
#define _GNU_SOURCE
#include "selftest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assets.h"
#include "frame.h"
#include "io.h"
#include "jail.h"
#include "outcome.h"
#include "own.h"

enum { SCRIPT_BYTES = 32768, OUTPUT_BYTES = 8192, OUTLIVE_MS = 1000, PATIENT_MS = 20000, STALE_SECONDS = 600 };

static const char canary_text[] = "canary\n", canary_prefix[] = "safe-exec-canary-";

/* What services that were killed during their self-test, which takes seconds, have left beside the file that is new. */
static void remove_stale_canaries(int dir_fd, int new_fd)
{
	struct stat new, st;
	int copy = openat(dir_fd, ".", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	DIR *directory = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	while (directory && fstat(new_fd, &new) == 0 && (entry = readdir(directory)))
		if (strncmp(entry->d_name, canary_prefix, sizeof canary_prefix - 1) == 0 &&
		    fstatat(dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
		    st.st_uid == geteuid() && new.st_mtime - st.st_mtime > STALE_SECONDS)
			unlinkat(dir_fd, entry->d_name, 0);
	if (directory)
		closedir(directory);
	else
		fd_close(&copy);
}

static int make_canary(struct selftest *t, struct fault *f)
{
	/* /tmp last: a job has one of its own in front of the real one, so a canary there proves the least */
	static const char *const places[] = { "/var/tmp", "/run", "/dev/shm", "/tmp" };
	char name[40];

	snprintf(name, sizeof name, "%s%s", canary_prefix, t->token);
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		OWNED_FD dir_fd = open(places[i], O_DIRECTORY | O_RDONLY | O_CLOEXEC);
		OWNED_FD fd = dir_fd < 0 ?
				      -1 :
				      openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);

		if (fd < 0)
			continue;
		(void)fchmod(fd, 0666); /* whatever the umask: only the jail may stand in the way */
		if (io_write_all(fd, canary_text, sizeof canary_text - 1) < 0)
			return fault_set(f, errno, "write a canary file in %s", places[i]);
		remove_stale_canaries(dir_fd, fd);
		snprintf(t->canary, sizeof t->canary, "%s/%s", places[i], name);
		t->canary_dir_fd = fd_release(&dir_fd);
		return 0;
	}
	/* Nothing is writable here (a read-only container): a file that every machine has must do. */
	snprintf(t->canary, sizeof t->canary, "/etc/hostname");
	return 0;
}

static int make_listener(struct selftest *t, struct fault *f)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t length = sizeof address;

	t->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (t->listen_fd < 0 || bind(t->listen_fd, (struct sockaddr *)&address, length) < 0 ||
	    listen(t->listen_fd, 4) < 0 || getsockname(t->listen_fd, (struct sockaddr *)&address, &length) < 0)
		return fault_set(f, errno, "listen on loopback for the self-test");
	t->port = ntohs(address.sin_port);
	return 0;
}

int selftest_open(struct selftest *t, struct fault *f)
{
	uint32_t random[2];

	*t = (struct selftest){ .canary_dir_fd = -1, .listen_fd = -1 };
	if (getrandom(random, sizeof random, 0) != sizeof random)
		return fault_set(f, errno, "getrandom");
	snprintf(t->token, sizeof t->token, "%08x%08x", random[0], random[1]);
	return make_canary(t, f) < 0 || make_listener(t, f) < 0 ? -1 : 0;
}

void selftest_close(struct selftest *t)
{
	if (t->canary_dir_fd >= 0)
		unlinkat(t->canary_dir_fd, strrchr(t->canary, '/') + 1, 0);
	fd_close(&t->canary_dir_fd);
	fd_close(&t->listen_fd);
}

/* ---- running a script without web ------------------------------------------------------------------------------------ */

struct run {
	struct exit_report report;
	bool outlived; /* something of the job held its output open after its end was reported */
	struct outcome outcome;
	struct frame frame;
	char result[OUTPUT_BYTES];
	char errors[OUTPUT_BYTES];
};

static int send_script(int fd, const struct job_header *header, const char *script)
{
	/* Smaller than a pipe holds (64 KiB), so that it never blocks. */
	return io_write_all(fd, header, sizeof *header) < 0 || io_write_all(fd, script, header->script_bytes) < 0 ? -1 :
														    0;
}

/* True when no writer of the pipe is left. */
static bool ends(int fd)
{
	char text[256];
	struct pollfd pipe = { .fd = fd, .events = POLLIN };

	while (poll(&pipe, 1, OUTLIVE_MS) == 1)
		if (io_read(fd, text, sizeof text) <= 0)
			return true;
	return false;
}

/* What is in the pipe is all there will be. It has no writer any more, unless a process outlived its job. */
static size_t read_rest(int fd, char *buffer, size_t capacity)
{
	size_t used = 0;
	ssize_t got;

	(void)io_set_nonblocking(fd, true);

	while (used < capacity && (got = io_read(fd, buffer + used, capacity - used)) > 0)
		used += (size_t)got;
	return used;
}

static const char *name_of(enum wire_tier tier)
{
	static const char *const names[] = {
		[WIRE_BARE] = "warm, bare template", [WIRE_FULL] = "warm, full template", [WIRE_COLD] = "cold"
	};

	return names[tier];
}

static int run_script(struct spawner *s, enum wire_tier tier, const struct job_limits *limits, const char *script,
		      struct run *run, struct fault *f)
{
	struct job_header header = { .max_result_bytes = OUTPUT_BYTES - FRAME_HEAD_BYTES,
				     .script_bytes = strlen(script) };
	int ours[WIRE_FD_COUNT] = { -1, -1, -1, -1 }, theirs[WIRE_FD_COUNT] = { -1, -1, -1, -1 }, status;
	size_t length;

	memset(run, 0, sizeof *run);
	memcpy(header.magic, JOB_MAGIC, sizeof header.magic);
	for (int i = 0; i < WIRE_FD_COUNT; i++) {
		int fds[2];

		if (pipe2(fds, O_CLOEXEC) < 0)
			return fault_set(f, errno, "pipe");
		ours[i] = fds[i == WIRE_FD_INPUT];
		theirs[i] = fds[i != WIRE_FD_INPUT];
	}
	status = send_script(ours[WIRE_FD_INPUT], &header, script);
	if (status < 0)
		fault_set(f, errno, "write a script");
	close(ours[WIRE_FD_INPUT]);
	if (status == 0)
		status = spawner_run_one(s, tier, limits, theirs, &run->report, f);
	if (status == 0) {
		run->outlived = !ends(ours[WIRE_FD_STDOUT]);
		length = read_rest(ours[WIRE_FD_RESULT], run->result, sizeof run->result);
		run->frame = frame_parse(run->result, length, header.nonce, header.max_result_bytes);
		run->outcome = outcome_decide(&run->report, run->frame.claim, run->frame.code);
		length = read_rest(ours[WIRE_FD_STDERR], run->errors, sizeof run->errors - 1);
		run->errors[length] = '\0';
	}
	for (int i = WIRE_FD_STDOUT; i < WIRE_FD_COUNT; i++)
		close(ours[i]);
	return status;
}

/* What the run says of itself, in one line. */
static int explain(const struct run *run, const char *what, struct fault *f)
{
	char last_line[200] = "";
	const char *layer = run->report.fault_layer ? jail_layer_name(run->report.fault_layer - 1) : NULL;
	size_t length = strlen(run->errors);

	if (layer)
		return fault_set(f, run->report.fault_error, "%s: the layer \"%s\" failed", what, layer);
	while (length > 0 && run->errors[length - 1] == '\n')
		length--;
	while (length > 0 && run->errors[length - 1] != '\n')
		length--;
	snprintf(last_line, sizeof last_line, "%.*s", (int)strcspn(run->errors + length, "\n"), run->errors + length);
	if (run->outcome.claimed)
		return fault_set(f, 0, "%s: %.*s", what,
				 (int)(run->frame.payload_bytes < 300 ? run->frame.payload_bytes : 300),
				 run->frame.payload);
	return fault_set(f, run->report.fault_error, "%s: %s%s%s", what, outcome_name(run->outcome.code),
			 last_line[0] ? ": " : "", last_line);
}

/* ---- the two scripts ---------------------------------------------------------------------------------------------------- */

static int canary_is_untouched(const struct selftest *t)
{
	char text[64];

	if (t->canary_dir_fd < 0)
		return 1; /* nothing is writable here, for nobody */
	return io_read_file(t->canary_dir_fd, strrchr(t->canary, '/') + 1, text, sizeof text) >= 0 &&
	       strcmp(text, canary_text) == 0;
}

static void name_neighbour(const struct selftest *t, char *name, size_t capacity)
{
	snprintf(name, capacity, "safe-exec-next-%s", t->token);
}

/*
 * Where jobs have no mounts of their own, their directories lie side by side: one more is made there, with a file in it,
 * as another job would have it. "" otherwise.
 */
static int make_neighbour(const struct selftest *t, const struct jail *j, char *path, size_t capacity, struct fault *f)
{
	char name[40];
	OWNED_FD dir_fd = -1;
	OWNED_FD fd = -1;

	path[0] = '\0';
	if (j->namespaces)
		return 0;
	name_neighbour(t, name, sizeof name);
	if (mkdirat(j->places.work_fd, name, 0700) == 0)
		dir_fd = openat(j->places.work_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir_fd >= 0)
		fd = openat(dir_fd, "canary", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (fd < 0 || io_write_all(fd, canary_text, sizeof canary_text - 1) < 0)
		return fault_set(f, errno, "make a directory for the self-test");
	snprintf(path, capacity, "%.*s/%s", JAIL_FOLDER_BYTES / 2, j->places.work, name);
	return 0;
}

static void remove_neighbour(const struct selftest *t, const struct jail *j)
{
	char name[40];

	name_neighbour(t, name, sizeof name);
	OWNED_FD dir_fd = j->namespaces ?
				  -1 :
				  openat(j->places.work_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir_fd < 0)
		return;
	unlinkat(dir_fd, "canary", 0);
	unlinkat(j->places.work_fd, name, AT_REMOVEDIR);
}

static int write_attempts(const struct selftest *t, const struct jail *j, char *script, struct fault *f)
{
	char neighbour[2 * JAIL_FOLDER_BYTES];
	int length;

	if (make_neighbour(t, j, neighbour, sizeof neighbour, f) < 0)
		return -1;
	length = snprintf(script, SCRIPT_BYTES,
			  "CANARY = \"%s\"\nPORT = %u\nPIDS = (%d, %d)\nNEIGHBOUR = \"%s\"\nSTRONG = %s\n"
			  "ONE_PROCESS = %s\n%s",
			  t->canary, t->port, (int)getpid(), (int)getppid(), neighbour,
			  j->namespaces ? "True" : "False", jail_is_one_process(j) ? "True" : "False",
			  asset_selftest.bytes);
	return length < 0 || length >= SCRIPT_BYTES ? fault_set(f, 0, "the self-test is too long") : 0;
}

static int try_to_get_out(const struct selftest *t, struct spawner *s, enum wire_tier tier,
			  const struct job_limits *limits, struct fault *f)
{
	OWNED(char) script = malloc(SCRIPT_BYTES);
	char what[96];
	struct run run;

	if (!script)
		return fault_set(f, ENOMEM, "malloc");
	if (write_attempts(t, spawner_jail(s), script, f) < 0)
		return -1;
	snprintf(what, sizeof what, "self-test: a jailed script (%s) cannot be run here", name_of(tier));
	if (run_script(s, tier, limits, script, &run, f) < 0)
		return -1;
	if (run.outcome.code != OUTCOME_OK)
		return explain(&run, what, f);
	if (run.frame.payload_bytes != 4 || memcmp(run.frame.payload, "\"ok\"", 4) != 0)
		return fault_set(f, 0, "self-test: a jailed script (%s) got out: %.*s", name_of(tier),
				 (int)run.frame.payload_bytes, run.frame.payload);
	if (run.outlived)
		return fault_set(f, 0, "self-test: a jailed script (%s) got out: a process of it outlived the job",
				 name_of(tier));
	if (!canary_is_untouched(t))
		return fault_set(f, 0, "self-test: a jailed script (%s) got out: it wrote %s", name_of(tier),
				 t->canary);
	return 0;
}

/* What holds here decides about the level, and not how busy the machine is when the service starts. */
static struct job_limits be_patient(const struct job_limits *limits)
{
	struct job_limits patient = *limits;

	if (patient.wall_ms < PATIENT_MS)
		patient.wall_ms = PATIENT_MS;
	return patient;
}

int selftest_escape(const struct selftest *t, struct spawner *s, enum wire_tier tier, const struct job_limits *limits,
		    struct fault *f)
{
	const struct job_limits patient = be_patient(limits);
	int status = try_to_get_out(t, s, tier, &patient, f);

	remove_neighbour(t, spawner_jail(s));
	return status;
}

/* OpenBLAS hangs under a small RLIMIT_AS instead of failing: found here, and not by the first user. */
int selftest_imports(struct spawner *s, enum wire_tier tier, const struct job_limits *limits, const struct runtime *r,
		     struct fault *f)
{
	char script[256] = "", names[128] = "";
	struct job_limits patient = be_patient(limits);
	struct run run;

	if (r->import_count == 0)
		return 0;
	for (size_t i = 0; i < r->import_count; i++)
		snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", i ? ", " : "", r->imports[i]);
	snprintf(script, sizeof script, "import %s\ndef main():\n    return \"ok\"\n", names);
	if (tier == WIRE_COLD) { /* a cold disk is no fault of the limits under test */
		patient.wall_ms = 60000;
		patient.cpu_seconds = 60;
	}
	if (run_script(s, tier, &patient, script, &run, f) < 0)
		return -1;
	if (run.outcome.code == OUTCOME_OK)
		return 0;
	explain(&run, "self-test", f);
	return fault_set(f, 0, "MEM_LIMIT_MB=%llu (or another limit) is too small for \"import %s\" here: %s",
			 (unsigned long long)(limits->memory_bytes >> 20), names, outcome_name(run.outcome.code));
}
