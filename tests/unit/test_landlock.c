/* SPDX-License-Identifier: MIT */
/*
 * jail/landlock.c where it is the only layer for files (no namespaces): a child enters it and tries. As root too, since
 * the kernel asks Landlock whoever it is. Every refusal must be EACCES (or, across the boundary, EPERM), which nothing
 * else here would answer: the files are the child's own, with every mode bit set.
 * Children say what they saw by their exit status: 0, or the line that failed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/jail/layer.h"
#include "own.h"
#include "child.h"

enum { DEADLINE_SECONDS = 20, ABI_REFER = 2, ABI_TRUNCATE = 3, ABI_TCP = 4, ABI_SCOPES = 6 };

static char top[32];
static struct jail jail;
static struct jail_job job;

/* ---- a small machine ------------------------------------------------------------------------------------------------------ */

/* Below top. */
static const char *const directories[] = { "runtime", "runtime/sub", "etc", "work", "shm", "secret" };
static const char *const files[] = { "runtime/file", "runtime/sub/file", "runtime/program",
				     "etc/listed",   "etc/unlisted",     "secret/file" };

static void make_path(char path[static PATH_MAX], const char *name)
{
	snprintf(path, PATH_MAX, "%s/%s", top, name);
}

static void list(const char *name)
{
	snprintf(jail.readable[jail.readable_count++], sizeof jail.readable[0], "%s/%s", top, name);
}

static int make_machine(void **state)
{
	char path[PATH_MAX];

	(void)state;
	umask(0);
	snprintf(top, sizeof top, "/tmp/test_landlock.XXXXXX");
	if (!mkdtemp(top))
		return -1;
	for (size_t i = 0; i < ROWS(directories); i++) {
		make_path(path, directories[i]);
		if (mkdir(path, 0777) < 0)
			return -1;
	}
	for (size_t i = 0; i < ROWS(files); i++) {
		make_path(path, files[i]);
		if (mknod(path, S_IFREG | 0777, 0) < 0)
			return -1;
	}
	make_path(path, "etc/link");
	if (symlink("listed", path) < 0)
		return -1;
	memset(&jail, 0, sizeof jail);
	jail.landlock_abi = landlock_version();
	list("missing");
	list("runtime");
	list("etc/listed");
	list("missing/too");
	memset(&job, 0, sizeof job);
	snprintf(job.folders.work, sizeof job.folders.work, "%s/work", top);
	snprintf(job.folders.shm, sizeof job.folders.shm, "%s/shm", top);
	return 0;
}

/* Fails, as rmdir(2) does, if a test left anything. */
static int remove_machine(void **state)
{
	char path[PATH_MAX];

	(void)state;
	make_path(path, "etc/link");
	(void)unlink(path);
	for (size_t i = 0; i < ROWS(files); i++) {
		make_path(path, files[i]);
		if (unlink(path) < 0)
			return -1;
	}
	for (size_t i = ROWS(directories); i-- > 0;) {
		make_path(path, directories[i]);
		if (rmdir(path) < 0)
			return -1;
	}
	return rmdir(top);
}

static void need_abi(int abi)
{
	if (jail.landlock_abi < abi) {
		print_message("skipped: Landlock here has ABI %d (0: none), this needs %d\n", jail.landlock_abi, abi);
		skip();
	}
}

/* Descriptors are opened before, so that the tests after it see what a name can reach. */
static void in_child(void (*body)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(DEADLINE_SECONDS);
		CHILD_CHECK(chdir(top) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
		body();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	check(!WIFSIGNALED(status), "the child died by signal %d", WTERMSIG(status));
	check(WEXITSTATUS(status) == 0, "the child failed: line %% 251 + 1 is %d", WEXITSTATUS(status));
}

static void enter(void)
{
	CHILD_CHECK(landlock_enter(&jail, &job) == 0);
}

static int try_open(const char *path, int flags)
{
	OWNED_FD fd = open(path, flags | O_CLOEXEC, 0644);

	return fd < 0 ? -1 : 0;
}

static int try_exec(const char *path)
{
	char *const arguments[] = { (char *)"x", NULL };

	return execve(path, arguments, arguments + 1);
}

/* ---- files ---------------------------------------------------------------------------------------------------------------------- */

static void read_the_runtime(void)
{
	enter();
	CHILD_CHECK(try_open("runtime/file", O_RDONLY) == 0);
	CHILD_CHECK(try_open("runtime/sub/file", O_RDONLY) == 0);
	CHILD_CHECK(try_open("runtime/sub", O_RDONLY | O_DIRECTORY) == 0);
	CHILD_CHECK(try_exec("runtime/program") == -1 && errno == ENOEXEC); /* reached: it is empty */
	CHILD_CHECK(try_open("etc/listed", O_RDONLY) == 0);
	CHILD_CHECK(try_open("etc/link", O_RDONLY) == 0);
}

static void what_is_listed_can_be_read(void **state)
{
	(void)state;
	need_abi(1);
	in_child(read_the_runtime);
}

static void change_the_runtime(void)
{
	enter();
	CHILD_REFUSED(EACCES, try_open("runtime/file", O_WRONLY));
	CHILD_REFUSED(EACCES, try_open("runtime/file", O_RDWR));
	CHILD_REFUSED(EACCES, try_open("runtime/new", O_WRONLY | O_CREAT));
	CHILD_REFUSED(EACCES, unlink("runtime/file"));
	CHILD_REFUSED(EACCES, rmdir("runtime/sub"));
	CHILD_REFUSED(EACCES, mkdir("runtime/new", 0755));
	CHILD_REFUSED(EACCES, symlink("x", "runtime/new"));
	CHILD_REFUSED(EACCES, mkfifo("runtime/new", 0644));
	CHILD_REFUSED(EACCES, try_open("etc/listed", O_WRONLY));
	if (jail.landlock_abi >= ABI_TRUNCATE) {
		CHILD_REFUSED(EACCES, truncate("runtime/file", 0));
		CHILD_REFUSED(EACCES, truncate("etc/listed", 0));
	}
}

static void what_is_listed_cannot_be_changed(void **state)
{
	(void)state;
	need_abi(1);
	in_child(change_the_runtime);
}

static void look_around(void)
{
	enter();
	CHILD_REFUSED(EACCES, try_open("secret/file", O_RDONLY));
	CHILD_REFUSED(EACCES, try_open("secret", O_RDONLY | O_DIRECTORY));
	CHILD_REFUSED(EACCES, try_exec("secret/file"));
	CHILD_REFUSED(EACCES, try_open("etc/unlisted", O_RDONLY)); /* beside a file that is listed */
	CHILD_REFUSED(EACCES, try_open("etc", O_RDONLY | O_DIRECTORY));
	CHILD_REFUSED(EACCES, try_open(".", O_RDONLY | O_DIRECTORY));
	CHILD_REFUSED(EACCES, try_open("work/../secret/file", O_RDONLY));
	CHILD_REFUSED(EACCES, try_open("/", O_RDONLY | O_DIRECTORY));
	CHILD_REFUSED(EACCES, try_open("/etc/passwd", O_RDONLY));
	CHILD_REFUSED(EACCES, try_open("/proc/self/environ", O_RDONLY));
	CHILD_REFUSED(EACCES, try_open("secret/file", O_WRONLY));
	CHILD_REFUSED(EACCES, try_open("/dev/shm", O_RDONLY | O_DIRECTORY));
	CHILD_REFUSED(EACCES, try_open("/tmp/test_landlock.new", O_WRONLY | O_CREAT));
	CHILD_REFUSED(EACCES, mkdir("new", 0755));
	CHILD_REFUSED(EACCES, rmdir("work"));
	CHILD_REFUSED(EACCES, symlink("../secret", "work/link") == 0 ? try_open("work/link/file", O_RDONLY) : 0);
	CHILD_CHECK(unlink("work/link") == 0);
}

static void the_rest_cannot_be_reached(void **state)
{
	(void)state;
	need_abi(1);
	in_child(look_around);
}

static void use(const char *place)
{
	CHILD_CHECK(chdir(place) == 0);
	CHILD_CHECK(try_open("file", O_RDWR | O_CREAT | O_EXCL) == 0 && truncate("file", 100) == 0);
	CHILD_CHECK(try_open("file", O_RDWR | O_TRUNC) == 0);
	CHILD_CHECK(mkdir("sub", 0755) == 0 && rename("file", "sub/../moved") == 0);
	CHILD_CHECK(symlink("moved", "link") == 0 && mkfifo("fifo", 0644) == 0);
	CHILD_CHECK(try_open(".", O_RDONLY | O_DIRECTORY) == 0 && try_open("moved", O_RDONLY) == 0);
	CHILD_CHECK(chmod("moved", 0755) == 0 && try_exec("./moved") == -1 && errno == ENOEXEC);
	CHILD_CHECK(unlink("moved") == 0 && unlink("link") == 0 && unlink("fifo") == 0 && rmdir("sub") == 0);
	CHILD_CHECK(chdir("..") == 0);
}

static void use_own_places(void)
{
	enter();
	use("work");
	use("shm");
}

static void in_its_own_places_a_job_may_do_what_it_likes(void **state)
{
	(void)state;
	need_abi(1);
	in_child(use_own_places);
}

static void move_between_directories(void)
{
	enter();
	CHILD_CHECK(mkdir("work/sub", 0755) == 0 && try_open("work/file", O_WRONLY | O_CREAT) == 0);
	CHILD_CHECK(rename("work/file", "work/sub/file") == 0 && link("work/sub/file", "work/file") == 0);
	CHILD_CHECK(rename("work/file", "work/sub/other") == 0);
	errno = 0; /* out of it, neither file nor what is to be read */
	CHILD_CHECK(link("work/sub/file", "secret/new") == -1 && (errno == EACCES || errno == EXDEV));
	errno = 0;
	CHILD_CHECK(rename("secret/file", "work/stolen") == -1 && (errno == EACCES || errno == EXDEV));
	errno = 0;
	CHILD_CHECK(link("secret/file", "work/stolen") == -1 && (errno == EACCES || errno == EXDEV));
	CHILD_CHECK(unlink("work/sub/file") == 0 && unlink("work/sub/other") == 0 && rmdir("work/sub") == 0);
}

static void files_move_inside_but_not_across(void **state)
{
	(void)state;
	need_abi(ABI_REFER);
	in_child(move_between_directories);
}

static int bind_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	OWNED_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	return bind(fd, (struct sockaddr *)&address, sizeof address);
}

static void make_special_files(void)
{
	enter();
	CHILD_REFUSED(EACCES, bind_socket("work/socket"));
	if (geteuid() == 0) {
		CHILD_REFUSED(EACCES, mknod("work/node", S_IFCHR | 0666, 0x103));
		CHILD_REFUSED(EACCES, mknod("work/node", S_IFBLK | 0666, 0x801));
	}
}

static void no_sockets_and_devices_are_made(void **state)
{
	(void)state;
	need_abi(1);
	in_child(make_special_files);
}

static void use_devices(void)
{
	static const char *const allowed[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom" };
	static const char *const others[] = { "/dev/tty",  "/dev/console", "/dev/ptmx",
					      "/dev/kmsg", "/dev/mem",     "/dev/fuse" };

	enter();
	for (size_t i = 0; i < ROWS(allowed); i++)
		CHILD_CHECK(try_open(allowed[i], O_RDONLY) == 0 && try_open(allowed[i], O_WRONLY) == 0);
	CHILD_CHECK(try_open("/dev/null", O_WRONLY | O_TRUNC) == 0); /* as a shell does */
	for (size_t i = 0; i < ROWS(others); i++)
		CHILD_CHECK(try_open(others[i], O_RDONLY | O_NONBLOCK | O_NOCTTY) == -1 &&
			    (errno == EACCES || errno == ENOENT));
}

static void few_devices_can_be_used(void **state)
{
	(void)state;
	need_abi(1);
	in_child(use_devices);
}

/* ---- which paths -------------------------------------------------------------------------------------------------------------- */

static void use_without_shm(void)
{
	job.folders.shm[0] = '\0';
	enter();
	use("work");
	CHILD_REFUSED(EACCES, try_open("shm/file", O_WRONLY | O_CREAT));
	CHILD_REFUSED(EACCES, try_open("shm", O_RDONLY | O_DIRECTORY));
	CHILD_REFUSED(EACCES, try_open("/dev/shm/test_landlock", O_WRONLY | O_CREAT));
}

static void without_shared_memory_nothing_is_open(void **state)
{
	(void)state;
	need_abi(1);
	in_child(use_without_shm);
}

static void enter_without_work(void)
{
	snprintf(job.folders.work, sizeof job.folders.work, "%s/missing", top);
	CHILD_CHECK(landlock_enter(&jail, &job) == -1 && errno == ENOENT);
}

/* Paths of the runtime may be missing on a machine; the job's own directory may not. */
static void a_missing_work_directory_is_a_failure(void **state)
{
	(void)state;
	need_abi(1);
	in_child(enter_without_work);
}

static void enter_with_a_link(void)
{
	jail.readable_count = 0;
	list("etc/link");
	enter();
	CHILD_CHECK(try_open("etc/link", O_RDONLY) == 0 && try_open("etc/listed", O_RDONLY) == 0);
	CHILD_REFUSED(EACCES, try_open("etc/unlisted", O_RDONLY));
}

/* /etc/localtime, say. */
static void a_link_stands_for_its_target(void **state)
{
	(void)state;
	need_abi(1);
	in_child(enter_with_a_link);
}

static void open_anything(void)
{
	static const char *const paths[] = { "/", "/dev/null", "work", "runtime/file", "/proc/self/status" };

	CHILD_CHECK(landlock_nothing(jail.landlock_abi) == 0);
	for (size_t i = 0; i < ROWS(paths); i++)
		CHILD_REFUSED(EACCES, try_open(paths[i], O_RDONLY));
	CHILD_REFUSED(EACCES, try_open("work/new", O_WRONLY | O_CREAT));
}

static void nothing_is_nothing(void **state)
{
	(void)state;
	need_abi(1);
	in_child(open_anything);
}

static void enter_without_kernel(void)
{
	jail.landlock_abi = 0;
	CHILD_CHECK(landlock_enter(&jail, &job) == 0 && landlock_nothing(0) == 0);
	CHILD_CHECK(try_open("secret/file", O_RDWR) == 0);
}

static void without_landlock_the_layer_does_nothing(void **state)
{
	(void)state;
	in_child(enter_without_kernel);
}

static void enter_older(void)
{
	enter();
	CHILD_REFUSED(EACCES, try_open("secret/file", O_RDONLY));
	CHILD_CHECK(try_open("runtime/file", O_RDONLY) == 0);
	use("work");
}

/* Rights that an older kernel does not know are not asked for, and this kernel takes each such ruleset. */
static void every_abi_up_to_this_one_works(void **state)
{
	const int newest = landlock_version();

	(void)state;
	need_abi(1);
	for (jail.landlock_abi = 1; jail.landlock_abi <= newest; jail.landlock_abi++)
		in_child(enter_older);
}

static int descriptors_before;

static int count_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void enter_and_count(void)
{
	descriptors_before = count_descriptors();
	enter();
	CHILD_CHECK(count_descriptors() == descriptors_before);
}

static void no_descriptor_is_left_open(void **state)
{
	(void)state;
	need_abi(1);
	in_child(enter_and_count);
}

/* ---- across the boundary ------------------------------------------------------------------------------------------------------- */

static int try_to_read_memory(pid_t pid, const void *address)
{
	char byte;
	struct iovec here = { &byte, 1 }, there = { (void *)(uintptr_t)address, 1 };

	return process_vm_readv(pid, &here, 1, &there, 1, 0) == 1 ? 0 : -1;
}

static void trace_the_parent(void)
{
	static const char byte = 'x'; /* at the same address in the parent */
	const bool could = try_to_read_memory(getppid(), &byte) == 0;

	enter();
	errno = 0;
	CHILD_CHECK(try_to_read_memory(getppid(), &byte) == -1 && errno == EPERM);
	CHILD_CHECK(could || geteuid() != 0);
}

static void other_processes_cannot_be_traced(void **state)
{
	(void)state;
	need_abi(1);
	in_child(trace_the_parent);
}

static int connect_tcp(int port)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_port = htons((uint16_t)port),
					     .sin_addr = { htonl(INADDR_LOOPBACK) } };
	OWNED_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return connect(fd, (const struct sockaddr *)&address, sizeof address);
}

static int bind_tcp(void)
{
	const struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	OWNED_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return bind(fd, (const struct sockaddr *)&address, sizeof address);
}

static void use_tcp(void)
{
	CHILD_CHECK(bind_tcp() == 0);
	CHILD_CHECK(connect_tcp(1) == -1 && errno == ECONNREFUSED);
	enter();
	CHILD_REFUSED(EACCES, bind_tcp());
	CHILD_REFUSED(EACCES, connect_tcp(1));
}

static void no_tcp(void **state)
{
	(void)state;
	need_abi(ABI_TCP);
	in_child(use_tcp);
}

static int listening = -1;
static struct sockaddr_un abstract_name = { .sun_family = AF_UNIX };
static socklen_t abstract_size;

static int connect_abstract(void)
{
	OWNED_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return connect(fd, (struct sockaddr *)&abstract_name, abstract_size);
}

static void reach_the_parent(void)
{
	pid_t child;
	int status;

	CHILD_CHECK(kill(getppid(), 0) == 0 && connect_abstract() == 0);
	enter();
	errno = 0;
	CHILD_CHECK(kill(getppid(), 0) == -1 && errno == EPERM);
	errno = 0;
	CHILD_CHECK(connect_abstract() == -1 && errno == EPERM);
	child = fork(); /* in the same jail: still its own to signal */
	CHILD_CHECK(child >= 0);
	if (child == 0) {
		pause();
		_exit(0);
	}
	CHILD_CHECK(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status));
}

static void no_signals_and_abstract_sockets_across(void **state)
{
	(void)state;
	need_abi(ABI_SCOPES);
	listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	abstract_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				    (size_t)snprintf(abstract_name.sun_path + 1, 64, "test_landlock/%d", getpid()));
	assert_int_equal(bind(listening, (struct sockaddr *)&abstract_name, abstract_size), 0);
	assert_int_equal(listen(listening, 8), 0);
	in_child(reach_the_parent);
	fd_close(&listening);
}

int main(void)
{
#define ON_A_MACHINE(test) cmocka_unit_test_setup_teardown(test, make_machine, remove_machine)
	const struct CMUnitTest tests[] = {
		ON_A_MACHINE(what_is_listed_can_be_read),
		ON_A_MACHINE(what_is_listed_cannot_be_changed),
		ON_A_MACHINE(the_rest_cannot_be_reached),
		ON_A_MACHINE(in_its_own_places_a_job_may_do_what_it_likes),
		ON_A_MACHINE(files_move_inside_but_not_across),
		ON_A_MACHINE(no_sockets_and_devices_are_made),
		ON_A_MACHINE(few_devices_can_be_used),
		ON_A_MACHINE(without_shared_memory_nothing_is_open),
		ON_A_MACHINE(a_missing_work_directory_is_a_failure),
		ON_A_MACHINE(a_link_stands_for_its_target),
		ON_A_MACHINE(nothing_is_nothing),
		ON_A_MACHINE(without_landlock_the_layer_does_nothing),
		ON_A_MACHINE(every_abi_up_to_this_one_works),
		ON_A_MACHINE(no_descriptor_is_left_open),
		ON_A_MACHINE(other_processes_cannot_be_traced),
		ON_A_MACHINE(no_tcp),
		ON_A_MACHINE(no_signals_and_abstract_sockets_across),
	};

	return cmocka_run_group_tests_name("landlock", tests, NULL, NULL);
}
