/* SPDX-License-Identifier: MIT */
/*
 * Asks PYTHON_BIN what it needs: see include/runtime.h. Runs in main, once, before anything is jailed: the
 * interpreter is the operator's, no stranger's byte is near. Its answer decides what the jail can read.
 */
#define _GNU_SOURCE
#include "runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assets.h"
#include "io.h"
#include "jail.h"
#include "own.h"

enum { ANSWER_BYTES = 1 << 18, ANSWER_MS = 60000 };

/* The child: a clean environment, the program as an argument, its answer on a pipe. */
static void exec_discover(const char *python_bin, int answer_fd)
{
	char *argv[] = {
		(char *)(uintptr_t)python_bin, "-I", "-B", "-c", (char *)(uintptr_t)asset_discover.bytes, NULL
	};
	/* PATH for shims that look for the real interpreter; one BLAS thread, or start-up takes long on many CPUs */
	char *envp[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			 "LANG=C.UTF-8",
			 "OMP_NUM_THREADS=1",
			 "OPENBLAS_NUM_THREADS=1",
			 "HOME=/",
			 NULL };

	if (dup2(answer_fd, STDOUT_FILENO) < 0)
		_exit(126);
	execve(python_bin, argv, envp);
	_exit(127);
}

static ssize_t read_answer(int fd, char *answer)
{
	size_t used = 0;
	uint64_t deadline = io_now_us() + ANSWER_MS * 1000ULL;

	while (used < ANSWER_BYTES - 1) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		uint64_t now = io_now_us();
		ssize_t got;

		if (now >= deadline || poll(&wait, 1, (int)((deadline - now) / 1000) + 1) == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		got = io_read(fd, answer + used, ANSWER_BYTES - 1 - used);
		if (got < 0)
			return -1;
		if (got == 0) {
			answer[used] = '\0';
			return (ssize_t)used;
		}
		used += (size_t)got;
	}
	errno = EFBIG;
	return -1;
}

static int run(const char *python_bin, char *answer, struct fault *f)
{
	int pipe_fds[2], status;
	pid_t pid;

	if (access(python_bin, X_OK) < 0) {
		fault_set(f, errno, "PYTHON_BIN=\"%s\": cannot execute it", python_bin);
		return fault_hint(f, "install python3, or name another interpreter in PYTHON_BIN");
	}
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return fault_set(f, errno, "pipe");
	pid = fork();
	if (pid == 0)
		exec_discover(python_bin, pipe_fds[1]);
	close(pipe_fds[1]);
	if (pid < 0 || read_answer(pipe_fds[0], answer) < 0) {
		fault_set(f, errno, "PYTHON_BIN=\"%s\": run it", python_bin);
		close(pipe_fds[0]);
		if (pid > 0) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
		}
		return -1;
	}
	close(pipe_fds[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return fault_set(f, 0, "PYTHON_BIN=\"%s\": it did not run to its end (wait status %#x)", python_bin,
				 (unsigned)status);
	return 0;
}

bool runtime_lies_under(const char *path, const char *tree)
{
	size_t length = strlen(tree);

	return strncmp(path, tree, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/*
 * The bind list has the parts of /usr that are needed; never all of /usr/local's neighbours, and no tree so near
 * the root that it would show the machine.
 */
static int add_tree(struct runtime *r, const char *path, struct fault *f)
{
	static const char *const too_much[] = { "/",    "/home", "/root", "/etc", "/var", "/tmp", "/opt",
						"/mnt", "/srv",  "/proc", "/sys", "/dev", "/run" };

	if (path[0] != '/' || strcmp(path, "/usr") == 0)
		return 0; /* policy/mounts.conf names the parts of /usr */
	for (size_t i = 0; i < sizeof too_much / sizeof too_much[0]; i++)
		if (strcmp(path, too_much[i]) == 0)
			return fault_set(
				f, 0, "PYTHON_BIN needs the directory %s: a jail that shows it would show the machine",
				path);
	for (size_t i = 0; i < r->tree_count; i++)
		if (runtime_lies_under(path, r->trees[i]))
			return 0;
	if (r->tree_count == RUNTIME_TREES_MAX)
		return fault_set(f, 0, "PYTHON_BIN needs more than %d directories", RUNTIME_TREES_MAX);
	r->trees[r->tree_count] = strdup(path);
	return r->trees[r->tree_count++] ? 0 : fault_set(f, ENOMEM, "strdup");
}

/* /usr/local is a prefix of many machines: only its Python parts are shown, not what else is installed there. */
static int add_prefix(struct runtime *r, const char *path, struct fault *f)
{
	if (strcmp(path, "/usr/local") != 0)
		return add_tree(r, path, f);
	return add_tree(r, "/usr/local/bin", f) < 0 || add_tree(r, "/usr/local/lib", f) < 0 ? -1 : 0;
}

static int add_mapped(struct runtime *r, char *path, struct fault *f)
{
	char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return 0;
	*slash = '\0';
	if (strncmp(slash + 1, "libpython", 9) == 0) {
		free(r->libpython_dir);
		r->libpython_dir = strdup(path);
	}
	return add_tree(r, path, f);
}

static int add_package(struct runtime *r, char *text)
{
	char *space = strchr(text, ' ');

	if (!space || r->package_count == RUNTIME_PACKAGES_MAX)
		return 0;
	*space = '\0';
	r->packages[r->package_count].name = strdup(text);
	r->packages[r->package_count++].version = strdup(space + 1);
	return 0;
}

static int replace(char **where, const char *value)
{
	free(*where);
	*where = strdup(value);
	return *where ? 0 : -1;
}

/* In the image the runtime lies in a tree to which links lead: jobs, and everybody else, know it by the names of those. */
static char *without_tree(char *path)
{
	return runtime_lies_under(path, JAIL_TREE "/usr") ? path + strlen(JAIL_TREE) : path;
}

static int take(struct runtime *r, const char *word, char *value, bool *ended, struct fault *f)
{
	value = without_tree(value);
	if (strcmp(word, "implementation") == 0 && strcmp(value, "cpython") != 0)
		return fault_set(f, 0, "PYTHON_BIN is %s, not CPython", value);
	if (strcmp(word, "number") == 0 && atoi(value) < 309)
		return fault_set(f, 0, "PYTHON_BIN is Python %s: 3.9 or later is needed",
				 r->version ? r->version : value);
	if (strcmp(word, "version") == 0)
		return replace(&r->version, value);
	if (strcmp(word, "executable") == 0)
		return replace(&r->executable, value);
	if (strcmp(word, "prefix") == 0)
		return add_prefix(r, value, f);
	if (strcmp(word, "path") == 0)
		return add_tree(r, value, f);
	if (strcmp(word, "mapped") == 0 || strcmp(word, "real") == 0)
		return add_mapped(r, value, f);
	if (strcmp(word, "package") == 0)
		return add_package(r, value);
	if (strcmp(word, "import") == 0 && r->import_count < RUNTIME_WARM_MAX)
		r->imports[r->import_count++] = strdup(value);
	if (strcmp(word, "end") == 0)
		*ended = true;
	return 0;
}

int runtime_discover(const char *python_bin, struct runtime *r, struct fault *f)
{
	OWNED(char) answer = malloc(ANSWER_BYTES);
	char *save = NULL;
	bool ended = false;

	memset(r, 0, sizeof *r);
	if (!answer)
		return fault_set(f, ENOMEM, "malloc");
	if (run(python_bin, answer, f) < 0)
		return -1;
	for (char *line = strtok_r(answer, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *space = strchr(line, ' ');

		if (!space)
			continue;
		*space = '\0';
		if (take(r, line, space + 1, &ended, f) < 0)
			return -1;
	}
	if (!ended || !r->version || !r->executable || r->executable[0] != '/')
		return fault_set(f, 0, "PYTHON_BIN=\"%s\": it did not answer as Python does", python_bin);
	return 0;
}

void runtime_free(struct runtime *r)
{
	free(r->version);
	free(r->executable);
	free(r->libpython_dir);
	for (size_t i = 0; i < r->tree_count; i++)
		free(r->trees[i]);
	for (size_t i = 0; i < r->import_count; i++)
		free(r->imports[i]);
	for (size_t i = 0; i < r->package_count; i++) {
		free(r->packages[i].name);
		free(r->packages[i].version);
	}
	memset(r, 0, sizeof *r);
}
