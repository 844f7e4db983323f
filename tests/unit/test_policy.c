/* SPDX-License-Identifier: MIT */
/*
 * policy.c: which policies are refused and with which words, and what the two real filters do, by effect. The
 * programs are run by a small interpreter (bpf.h) against a table of calls written by hand, and against every line of
 * the policies themselves, read here a second time and in another way.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/audit.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "assets.h"
#include "bpf.h"
#include "bpf_values.h"
#include "io.h"
#include "policy.h"

#define ALLOW SECCOMP_RET_ALLOW
#define REFUSE(error) (SECCOMP_RET_ERRNO | (error))

#ifdef __x86_64__
#define NATIVE AUDIT_ARCH_X86_64
#define OTHER AUDIT_ARCH_AARCH64
#else
#define NATIVE AUDIT_ARCH_AARCH64
#define OTHER AUDIT_ARCH_X86_64
#endif

enum { NUMBERS = 1024, X32 = 0x40000000 };

/* ---- policies that are refused --------------------------------------------------------------------------------------- */

#define PROFILE(default_action, entries) "{\"defaultAction\": \"" default_action "\", \"defaultErrnoRet\": 38, \"syscalls\": [" entries "]}"
#define ENTRIES(entries) PROFILE("SCMP_ACT_ERRNO", entries)
#define ENTRY(rest) "{\"comment\": \"c\", " rest "}"
#define READ ENTRY("\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\"")
#define WITH_ARG(arg) ENTRIES(ENTRY("\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [" arg "]"))
#define ARG "{\"index\": 0, \"value\": 1, \"op\": \"SCMP_CMP_EQ\"}"

static const struct {
	const char *json;
	const char *contains; /* in the fault; NULL: it must load */
} profiles[] = {
	{ ENTRIES(READ), NULL },
	{ ENTRIES(READ ", " ENTRY("\"names\": [\"write\"], \"action\": \"SCMP_ACT_ERRNO\"")), NULL },
	{ WITH_ARG(ARG), NULL },
	{ WITH_ARG("{\"index\": 5, \"value\": 1, \"valueTwo\": 1, \"op\": \"SCMP_CMP_MASKED_EQ\"}"), NULL },
	{ ENTRIES(ENTRY("\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": {\"arches\": [\"amd64\", \"arm64\"]}")), NULL },
	{ ENTRIES(ENTRY("\"names\": [\"clone3\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 38")), NULL },
	/* the profile */
	{ "", "profile" },
	{ "[]", "syscalls" },
	{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\"}", "syscalls" },
	{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": {}}", "syscalls" },
	{ "{\"syscalls\": []}", "(none)" },
	{ PROFILE("SCMP_ACT_ALLOW", READ), "allow-list" },
	{ PROFILE("SCMP_ACT_KILL", READ), "SCMP_ACT_KILL" },
	{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscall\": [], \"syscalls\": []}", "unknown member \"syscall\"" },
	{ ENTRIES(READ) "x", "end of file" },
	/* entries */
	{ ENTRIES("7"), "list of names" },
	{ ENTRIES(READ ", " ENTRY("\"action\": \"SCMP_ACT_ALLOW\"")), "syscalls[1]: needs a list of names" },
	{ ENTRIES(ENTRY("\"names\": \"read\", \"action\": \"SCMP_ACT_ALLOW\"")), "list of names" },
	{ ENTRIES(ENTRY("\"names\": [7], \"action\": \"SCMP_ACT_ALLOW\"")), "not a string" },
	{ ENTRIES("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\"}"), "comment" },
	{ ENTRIES(ENTRY("\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"arg\": []")), "unknown member \"arg\"" },
	{ ENTRIES(ENTRY("\"names\": [\"read\"]")), "(none)" },
	{ ENTRIES(ENTRY("\"names\": [\"write\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 0")), "SCMP_ACT_ERRNO" },
	{ ENTRIES(ENTRY("\"names\": [\"write\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 4096")), "SCMP_ACT_ERRNO" },
	{ ENTRIES(ENTRY("\"names\": [\"write\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": \"EPERM\"")), "SCMP_ACT_ERRNO" },
	{ ENTRIES(ENTRY("\"names\": [\"write\"], \"action\": \"SCMP_ACT_TRACE\"")), "SCMP_ACT_TRACE" },
	{ ENTRIES(ENTRY("\"names\": [\"READ\"], \"action\": \"SCMP_ACT_ALLOW\"")), "unknown system call \"READ\"" },
	{ ENTRIES(ENTRY("\"names\": [\"\"], \"action\": \"SCMP_ACT_ALLOW\"")), "unknown system call \"\"" },
	/* a typing mistake is one in every kind of entry, also where the action is the default's */
	{ ENTRIES(ENTRY("\"names\": [\"opennat\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 1")), "\"opennat\"" },
	{ ENTRIES(ENTRY("\"names\": [\"opennat\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 38")), "\"opennat\"" },
	/* a call of another architecture needs the mark */
	{ ENTRIES(ENTRY("\"names\": [\"_llseek\"], \"action\": \"SCMP_ACT_ALLOW\"")), "\"_llseek\"" },
	/* conditions */
	{ WITH_ARG("7"), "no object" },
	{ WITH_ARG("{\"value\": 1, \"op\": \"SCMP_CMP_EQ\"}"), "index" },
	{ WITH_ARG("{\"index\": -1, \"value\": 1, \"op\": \"SCMP_CMP_EQ\"}"), "index" },
	{ WITH_ARG("{\"index\": \"0\", \"value\": 1, \"op\": \"SCMP_CMP_EQ\"}"), "index" },
	{ WITH_ARG("{\"index\": 0, \"op\": \"SCMP_CMP_EQ\"}"), "value" },
	{ WITH_ARG("{\"index\": 0, \"value\": 1.0, \"op\": \"SCMP_CMP_EQ\"}"), "value" },
	{ WITH_ARG("{\"index\": 0, \"value\": 1}"), "(none)" },
	{ WITH_ARG("{\"index\": 0, \"value\": 1, \"op\": \"SCMP_CMP_MASKED_EQ\"}"), "valueTwo" },
	{ WITH_ARG("{\"index\": 0, \"value\": 1, \"valueTwo\": 0, \"op\": \"SCMP_CMP_EQ\"}"), "valueTwo" },
	{ WITH_ARG("{\"index\": 0, \"value\": 1, \"valueTwo\": \"1\", \"op\": \"SCMP_CMP_MASKED_EQ\"}"), "value" },
	{ WITH_ARG("{\"index\": 0, \"value\": 1, \"op\": \"SCMP_CMP_EQ\", \"mask\": 1}"), "unknown member \"mask\"" },
	{ WITH_ARG(ARG ", " ARG ", " ARG ", " ARG ", " ARG ", " ARG ", " ARG), "more than 6" },
	{ ENTRIES(ENTRY("\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": {}")), "no list" },
	/* rules that would swallow or contradict each other */
	{ ENTRIES(READ ", " ENTRY("\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 1, \"args\": [" ARG "]")), "read" },
	{ ENTRIES(READ ", " ENTRY("\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 38, \"args\": [" ARG "]")), "read" },
	{ ENTRIES(READ ", " ENTRY("\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 1")), "read" },
	{ ENTRIES(READ ", " ENTRY("\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 38")), "read" },
	{ ENTRIES(ENTRY("\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 38") ", " READ), "read" },
	{ ENTRIES(ENTRY("\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 1") ", " READ), "read" }, /* libseccomp: the first wins */
	{ ENTRIES(ENTRY("\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [" ARG "]") ", " ENTRY(
		  "\"names\": [\"read\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 1, \"args\": [" ARG "]")),
	  "rule for read" },
	/* architectures */
	{ ENTRIES(ENTRY("\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": {\"arches\": []}")), "list of arches" },
	{ ENTRIES(ENTRY("\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": {\"caps\": [\"x\"]}")), "list of arches" },
	{ ENTRIES(ENTRY("\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": {\"arches\": [\"amd64\"], \"minKernel\": \"4\"}")), "minKernel" },
	{ ENTRIES(ENTRY("\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": {\"arches\": [\"x86\"]}")), "\"x86\"" },
	{ ENTRIES(ENTRY("\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"includes\": {\"arches\": [1]}")), "(none)" },
};

static void compiles_or_says_why(const char *what, const char *json, size_t length, const char *contains)
{
	struct policy_filter filter = { .code = NULL };
	struct fault f = { .text = "" };
	int status = policy_compile_filter(json, length, "profile", &filter, &f);

	check(status == (contains ? -1 : 0), "%s: %s", what, contains ? "was taken" : f.text);
	if (contains)
		check(strncmp(f.text, "profile:", 8) == 0 && strstr(f.text, contains), "%s: %s", what, f.text);
	else
		check(filter.count >= 4, "%s: %u instructions", what, filter.count);
	free(filter.code);
}

static void profiles_are_refused_in_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(profiles); i++)
		compiles_or_says_why(profiles[i].json, profiles[i].json, strlen(profiles[i].json),
				     profiles[i].contains);
}

static const struct {
	const char *file;
	const char *contains;
} fixtures[] = {
	{ "valid-minimal.json", NULL },
	{ "arch-marked-name.json", NULL },
	{ "bad-index.json", "syscalls[1]: an argument needs an index from 0 to 5" },
	{ "duplicate-keys.json", "profile:5:" },
	{ "empty-names.json", "syscalls[0]: needs a list of names" },
	{ "missing-default.json", "action" },
	{ "not-json.txt", "profile:1:" },
	{ "unknown-action.json", "\"SCMP_ACT_PERMIT\"" },
	{ "unknown-op.json", "\"SCMP_CMP_ABOUT\"" },
	{ "unknown-syscall.json", "unknown system call \"opennat\"" },
};

static void fixtures_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(fixtures); i++) {
		char path[80], text[4096];
		ssize_t length;

		snprintf(path, sizeof path, "tests/unit/policy/%s", fixtures[i].file);
		length = io_read_file(AT_FDCWD, path, text, sizeof text);
		check(length > 0, "cannot read %s (run from the top of the tree)", path);
		compiles_or_says_why(path, text, (size_t)length, fixtures[i].contains);
	}
}

/* ---- the line formats -------------------------------------------------------------------------------------------------- */

#define X100 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define TEXT(text) text, sizeof(text) - 1

static const struct {
	const char *text;
	size_t length;
	size_t entries;
	const char *fault; /* NULL: it must load */
} mounts[] = {
	{ TEXT(""), 0, NULL },
	{ TEXT("\n\n  \t\n# a comment\n   # another"), 0, NULL },
	{ TEXT("bind /usr/lib\n"), 1, NULL },
	{ TEXT("bind\t/usr/lib   # why"), 1, NULL },
	{ TEXT("bind /a\ncopy /b #x\nlink /c d"), 3, NULL },
	{ TEXT("link /c ../d\n"), 1, NULL },
	{ TEXT("bind"), 0, ":1:" },
	{ TEXT("bind /a\nmount /b\n"), 0, ":2: cannot understand \"mount /b\"" },
	{ TEXT("Bind /a"), 0, ":1:" },
	{ TEXT("bind a"), 0, ":1:" },
	{ TEXT("bind /a /b"), 0, ":1:" },
	{ TEXT("bind /a/../etc"), 0, ":1:" },
	{ TEXT("link /a"), 0, ":1:" },
	{ TEXT("link /a b c"), 0, ":1:" },
	{ TEXT("copy /a # fine\n\nbind #/b"), 0, ":3:" },
	{ TEXT("bind /a\0/b"), 0, ":1:" },
	{ TEXT("# " X100 X100 X100 X100 X100 X100), 0, ":1:" },
	{ TEXT("bind /" X100 X100 X100 X100 X100 X100), 0, ":1:" },
};

static void mounts_are_read_by_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(mounts); i++) {
		struct policy p = { .mount_count = 0 };
		struct fault f = { .text = "" };
		int status = policy_parse_mounts(mounts[i].text, mounts[i].length, &p, &f);

		check(status == (mounts[i].fault ? -1 : 0), "mounts %zu: %d %s", i, status, f.text);
		check(!mounts[i].fault || strstr(f.text, mounts[i].fault), "mounts %zu: %s", i, f.text);
		check(mounts[i].fault || p.mount_count == mounts[i].entries, "mounts %zu: %zu entries", i,
		      p.mount_count);
		policy_free(&p);
	}
}

static void mounts_say_what_they_mean(void **state)
{
	static const char text[] = "bind /a#b\ncopy /c\nlink /d /e\n";
	struct policy p = { .mount_count = 0 };
	struct fault f;

	(void)state;
	assert_int_equal(policy_parse_mounts(text, sizeof text - 1, &p, &f), 0);
	assert_int_equal(policy_parse_mounts(TEXT("bind /more"), &p, &f), 0); /* appends */
	assert_int_equal(p.mount_count, 4);
	assert_int_equal(p.mounts[0].kind, POLICY_BIND);
	assert_string_equal(p.mounts[0].path, "/a#b");
	assert_null(p.mounts[0].target);
	assert_int_equal(p.mounts[1].kind, POLICY_COPY);
	assert_int_equal(p.mounts[2].kind, POLICY_LINK);
	assert_string_equal(p.mounts[2].path, "/d");
	assert_string_equal(p.mounts[2].target, "/e");
	assert_string_equal(p.mounts[3].path, "/more");
	policy_free(&p);
}

static const struct {
	const char *text;
	const char *entries; /* joined by ; */
	const char *fault;
} environments[] = {
	{ "", "", NULL },
	{ "set A b\n# c\nset D e # f\n", "A=b;D=e;", NULL },
	{ "set A b=c", "A=b=c;", NULL },
	{ "set A", NULL, ":1:" },
	{ "A=b", NULL, ":1:" },
	{ "set A=b c", NULL, ":1:" },
	{ "\nset A b c", NULL, ":2:" },
	{ "export A b", NULL, ":1:" },
};

static void environments_are_read_by_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(environments); i++) {
		struct policy p = { .mount_count = 0 };
		struct fault f = { .text = "" };
		int status = policy_parse_environment(environments[i].text, strlen(environments[i].text), &p, &f);
		char joined[80] = "";

		check(status == (environments[i].fault ? -1 : 0), "\"%s\": %d %s", environments[i].text, status,
		      f.text);
		check(!environments[i].fault || strstr(f.text, environments[i].fault), "\"%s\": %s",
		      environments[i].text, f.text);
		for (size_t n = 0; n < p.environment_count; n++)
			snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "%s;", p.environment[n]);
		check(environments[i].fault || strcmp(joined, environments[i].entries) == 0, "\"%s\": %s",
		      environments[i].text, joined);
		check(!p.environment || !p.environment[p.environment_count], "\"%s\": no NULL at the end",
		      environments[i].text);
		policy_free(&p);
	}
}

/* ---- the real filters ---------------------------------------------------------------------------------------------------- */

static struct policy real;

static int load_real(void **state)
{
	struct fault f;

	(void)state;
	return policy_load(&real, &f);
}

static int free_real(void **state)
{
	(void)state;
	policy_free(&real);
	return 0;
}

static uint32_t action(const struct policy_filter *filter, uint32_t arch, uint32_t number, const uint64_t args[6])
{
	struct seccomp_data data = { .nr = (int)number, .arch = arch };

	if (args)
		memcpy(data.args, args, sizeof data.args);
	return bpf_run(filter->code, filter->count, &data);
}

struct call {
	const char *name;
	uint64_t args[6];
	uint32_t action;
};

#define HIGH (UINT64_C(1) << 32)

/* What matters, by hand: this table must be changed together with a policy, and by somebody who means it. */
static const struct call job_calls[] = {
	{ "read", { 0 }, ALLOW },
	{ "openat", { 0 }, ALLOW },
	{ "execve", { 0 }, ALLOW },
	{ "kill", { 0 }, ALLOW },
	{ "mmap", { 0, 4096, 7 }, ALLOW },
	{ "exit_group", { 0 }, ALLOW },
	/* the network */
	{ "socket", { AF_UNIX, SOCK_STREAM }, REFUSE(EPERM) },
	{ "socket", { AF_INET, SOCK_STREAM }, REFUSE(EPERM) },
	{ "connect", { 0 }, REFUSE(EPERM) },
	{ "bind", { 0 }, REFUSE(EPERM) },
	{ "socketpair", { AF_UNIX, SOCK_STREAM }, ALLOW },
	{ "socketpair", { AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK }, ALLOW },
	{ "socketpair", { AF_UNIX, SOCK_DGRAM }, REFUSE(EPERM) },
	{ "socketpair", { AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC }, REFUSE(EPERM) },
	{ "socketpair", { AF_UNIX, 0 }, REFUSE(EPERM) },
	{ "socketpair", { AF_INET, SOCK_STREAM }, REFUSE(EPERM) },
	{ "socketpair", { AF_NETLINK, SOCK_RAW }, REFUSE(EPERM) },
	{ "setsockopt", { 3, SOL_SOCKET, SO_ATTACH_FILTER }, REFUSE(EPERM) },
	{ "setsockopt", { 3, SOL_SOCKET, SO_ATTACH_BPF }, REFUSE(EPERM) },
	{ "setsockopt", { 3, SOL_SOCKET, SO_SNDBUF }, REFUSE(EPERM) },
	{ "setsockopt", { 3, SOL_SOCKET, SO_SNDTIMEO }, ALLOW },
	{ "setsockopt", { 3, 6, 1 }, REFUSE(EPERM) },
	/* processes and namespaces */
	{ "clone", { CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS }, ALLOW },
	{ "clone", { 17 /* SIGCHLD */ }, ALLOW },
	{ "clone", { CLONE_VM | CLONE_VFORK | 17 }, ALLOW },
	{ "clone", { CLONE_FILES | 17 }, ALLOW },
	{ "clone", { CLONE_VM | CLONE_SIGHAND | CLONE_THREAD }, REFUSE(EPERM) },
	{ "clone", { CLONE_THREAD | CLONE_FILES | CLONE_NEWNET }, REFUSE(EPERM) },
	{ "clone", { CLONE_NEWUSER }, REFUSE(EPERM) },
	{ "clone", { CLONE_NEWNS | 17 }, REFUSE(EPERM) },
	{ "clone", { CLONE_NEWNET | CLONE_NEWPID }, REFUSE(EPERM) },
	{ "clone", { CLONE_NEWCGROUP }, REFUSE(EPERM) },
	{ "clone", { CLONE_PARENT }, REFUSE(EPERM) },
	{ "clone3", { 0 }, REFUSE(ENOSYS) },
	{ "unshare", { CLONE_NEWUSER }, REFUSE(EPERM) },
	{ "setns", { 0 }, REFUSE(EPERM) },
	{ "mount", { 0 }, REFUSE(EPERM) },
	{ "umount2", { 0 }, REFUSE(EPERM) },
	{ "pivot_root", { 0 }, REFUSE(EPERM) },
	{ "chroot", { 0 }, REFUSE(EPERM) },
	{ "open_tree", { 0 }, REFUSE(EPERM) },
	{ "ptrace", { 0 }, REFUSE(EPERM) },
	{ "process_vm_readv", { 0 }, REFUSE(EPERM) },
	{ "pidfd_getfd", { 0 }, REFUSE(EPERM) },
	/* kernel surface that a rule against sockets alone leaves open */
	{ "io_uring_setup", { 0 }, REFUSE(EPERM) },
	{ "bpf", { 0 }, REFUSE(EPERM) },
	{ "perf_event_open", { 0 }, REFUSE(EPERM) },
	{ "userfaultfd", { 0 }, REFUSE(EPERM) },
	{ "keyctl", { 0 }, REFUSE(EPERM) },
	{ "memfd_create", { 0 }, REFUSE(EPERM) },
	{ "shmget", { 0 }, REFUSE(EPERM) },
	{ "msgget", { 0 }, REFUSE(EPERM) },
	{ "open_by_handle_at", { 0 }, REFUSE(EPERM) },
	{ "seccomp", { 0 }, REFUSE(EPERM) },
	{ "setuid", { 0 }, REFUSE(EPERM) },
	{ "setxattr", { 0 }, REFUSE(EOPNOTSUPP) },
	{ "init_module", { 0 }, REFUSE(EPERM) },
	/* by argument; the kernel looks at the low half of an int, so the filter must not look further */
	{ "ioctl", { 0, TIOCGWINSZ }, ALLOW },
	{ "ioctl", { 0, TCGETS | HIGH }, ALLOW },
	{ "ioctl", { 0, TIOCSTI }, REFUSE(EPERM) },
	{ "ioctl", { 0, TIOCSTI | HIGH }, REFUSE(EPERM) },
	{ "ioctl", { 0, TIOCSTI | 5 * HIGH }, REFUSE(EPERM) },
	{ "ioctl", { 0, 0x12345 }, REFUSE(ENOSYS) },
	{ "prctl", { PR_SET_NAME }, ALLOW },
	{ "prctl", { PR_SET_DUMPABLE, 1 }, REFUSE(EPERM) },
	{ "prctl", { PR_SET_DUMPABLE | HIGH, 1 }, REFUSE(EPERM) },
	{ "prctl", { PR_SET_SECCOMP }, REFUSE(EPERM) },
	{ "prctl", { PR_SET_MM }, REFUSE(EPERM) },
	{ "prctl", { 0x7fff }, REFUSE(ENOSYS) },
	{ "prlimit64", { 0 }, ALLOW },
	{ "prlimit64", { 1 }, REFUSE(EPERM) },
	{ "prlimit64", { HIGH }, REFUSE(EPERM) },
	{ "personality", { 0xffffffff }, ALLOW },
	{ "personality", { 0x0040000 /* ADDR_NO_RANDOMIZE */ }, REFUSE(EPERM) },
	{ "mknodat", { 0, 0, 0100644 }, ALLOW },
	{ "mknodat", { 0, 0, 0010644 }, ALLOW },
	{ "mknodat", { 0, 0, 0020644 }, REFUSE(EPERM) },
	{ "mknodat", { 0, 0, 0060644 }, REFUSE(EPERM) },
	{ "mknodat", { 0, 0, 0140644 }, REFUSE(EPERM) },
};

static const struct call web_calls[] = {
	{ "read", { 0 }, ALLOW },
	{ "accept4", { 0 }, ALLOW },
	{ "sendmsg", { 0 }, ALLOW },
	{ "epoll_pwait", { 0 }, ALLOW },
	{ "pipe2", { 0 }, ALLOW },
	{ "mmap", { 0, 4096, 3 }, ALLOW },
	{ "mmap", { 0, 4096, 7 }, REFUSE(EPERM) },
	{ "mmap", { 0, 4096, 4 }, REFUSE(EPERM) },
	{ "mprotect", { 0, 4096, 5 }, REFUSE(EPERM) },
	{ "openat", { 0 }, REFUSE(EPERM) },
	{ "socket", { AF_INET, SOCK_STREAM }, REFUSE(EPERM) },
	{ "socketpair", { AF_UNIX, SOCK_STREAM }, REFUSE(EPERM) },
	{ "connect", { 0 }, REFUSE(EPERM) },
	{ "bind", { 0 }, REFUSE(EPERM) },
	{ "listen", { 0 }, REFUSE(EPERM) },
	{ "clone", { 17 }, REFUSE(EPERM) },
	{ "clone3", { 0 }, REFUSE(EPERM) },
	{ "execve", { 0 }, REFUSE(EPERM) },
	{ "kill", { 0 }, REFUSE(EPERM) },
	{ "tgkill", { 1, 1, 6 }, ALLOW },
	{ "tgkill", { 1, 1, 9 }, REFUSE(EPERM) },
	{ "tgkill", { 1, 1, 6 | HIGH }, ALLOW },
	{ "ptrace", { 0 }, REFUSE(EPERM) },
	{ "chroot", { 0 }, REFUSE(EPERM) },
	{ "setuid", { 0 }, REFUSE(EPERM) },
	{ "prctl", { PR_SET_DUMPABLE, 1 }, REFUSE(EPERM) },
	{ "fcntl", { 3, F_SETFL, O_NONBLOCK }, ALLOW },
	{ "fcntl", { 3, F_SETOWN, 1 }, REFUSE(EPERM) },
	{ "setsockopt", { 3, IPPROTO_TCP, TCP_NODELAY }, ALLOW },
	{ "setsockopt", { 3, IPPROTO_TCP, TCP_CORK }, ALLOW },
	{ "setsockopt", { 3, IPPROTO_TCP, TCP_USER_TIMEOUT }, REFUSE(EPERM) },
	{ "setsockopt", { 3, SOL_SOCKET, SO_ATTACH_FILTER }, REFUSE(EPERM) },
	{ "setsockopt", { 3, SOL_SOCKET, SO_LINGER }, REFUSE(EPERM) }, /* the spawner may be who closes it */
	{ "setsockopt", { 3, SOL_SOCKET, SO_SNDBUF }, REFUSE(EPERM) },
	{ "setsockopt", { 3, SOL_SOCKET, SO_RCVBUF }, REFUSE(EPERM) },
	{ "setsockopt", { 3, SOL_SOCKET, SO_SNDTIMEO }, REFUSE(EPERM) },
	{ "setsockopt", { 3, SOL_SOCKET, SO_RCVTIMEO }, REFUSE(EPERM) },
	{ "setsockopt", { 3, SOL_SOCKET, SO_KEEPALIVE }, REFUSE(EPERM) },
	{ "ioctl", { 0, FIONBIO }, ALLOW },
	{ "ioctl", { 0, TIOCSTI }, REFUSE(EPERM) },
	{ "memfd_create", { 0 }, REFUSE(EPERM) },
	{ "io_uring_setup", { 0 }, REFUSE(EPERM) },
};

static void calls_are_judged(const struct policy_filter *filter, const struct call *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int number = seccomp_syscall_resolve_name(calls[i].name);
		uint32_t got;

		check(number >= 0, "%s: no such call", calls[i].name);
		got = action(filter, NATIVE, (uint32_t)number, calls[i].args);
		check(got == calls[i].action, "%s(%#llx, %#llx, %#llx): %#x, not %#x", calls[i].name,
		      (unsigned long long)calls[i].args[0], (unsigned long long)calls[i].args[1],
		      (unsigned long long)calls[i].args[2], got, calls[i].action);
	}
}

static void jobs_may_do_this_and_not_that(void **state)
{
	(void)state;
	calls_are_judged(&real.job, job_calls, ROWS(job_calls));
}

static void web_may_do_this_and_not_that(void **state)
{
	(void)state;
	calls_are_judged(&real.web, web_calls, ROWS(web_calls));
}

/* int 0x80, x32, other machines, numbers that are none: whatever the number, never allowed and never a kill. */
static void foreign_calls_are_refused(void **state)
{
	static const uint32_t foreign[] = { AUDIT_ARCH_I386, AUDIT_ARCH_ARM, OTHER, NATIVE ^ __AUDIT_ARCH_LE, 0,
					    UINT32_MAX };
	const struct policy_filter *const filters[] = { &real.job, &real.web };

	(void)state;
	for (size_t f = 0; f < ROWS(filters); f++) {
		for (size_t a = 0; a < ROWS(foreign); a++)
			for (uint32_t number = 0; number < NUMBERS; number++)
				check(action(filters[f], foreign[a], number, NULL) == REFUSE(EPERM),
				      "arch %#x number %u", foreign[a], number);
		for (uint32_t number = 0; number < NUMBERS; number++) {
			uint32_t got = action(filters[f], NATIVE, number | X32, NULL);

			check((got & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO, "x32 number %u: %#x", number, got);
		}
		check((action(filters[f], NATIVE, UINT32_MAX, NULL) & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO,
		      "number -1");
		check((action(filters[f], NATIVE, 0x7fffffff, NULL) & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO,
		      "number 2**31 - 1");
	}
}

/* ---- every line of the policies ------------------------------------------------------------------------------------------ */

static bool is_for_here(const json_t *entry)
{
	const json_t *arches = json_object_get(json_object_get(entry, "includes"), "arches"), *arch;
	size_t i;

	json_array_foreach(arches, i, arch)
		if (strcmp(json_string_value(arch), NATIVE == AUDIT_ARCH_X86_64 ? "amd64" : "arm64") == 0)
			return true;
	return !arches;
}

static bool names_call(const json_t *entry, int number)
{
	const json_t *name;
	size_t i;

	json_array_foreach(json_object_get(entry, "names"), i, name)
		if (is_for_here(entry) && seccomp_syscall_resolve_name(json_string_value(name)) == number)
			return true;
	return false;
}

static bool condition_holds(const json_t *arg, const uint64_t args[6])
{
	uint64_t got = args[json_integer_value(json_object_get(arg, "index"))];
	uint64_t value = (uint64_t)json_integer_value(json_object_get(arg, "value"));
	const char *op = json_string_value(json_object_get(arg, "op"));

	if (strcmp(op, "SCMP_CMP_EQ") == 0)
		return got == value;
	if (strcmp(op, "SCMP_CMP_NE") == 0)
		return got != value;
	assert_string_equal(op, "SCMP_CMP_MASKED_EQ");
	return (got & value) == (uint64_t)json_integer_value(json_object_get(arg, "valueTwo"));
}

static uint32_t action_of(const json_t *word, const json_t *error)
{
	return strcmp(json_string_value(word), "SCMP_ACT_ALLOW") == 0 ?
		       ALLOW :
		       REFUSE((uint32_t)(error ? json_integer_value(error) : EPERM));
}

/* What the policy says, entry by entry; entries that hold together must agree. */
static uint32_t meant(const json_t *profile, int number, const uint64_t args[6])
{
	uint32_t found = action_of(json_object_get(profile, "defaultAction"),
				   json_object_get(profile, "defaultErrnoRet"));
	const json_t *entry, *arg;
	bool any = false;
	size_t i, n;

	json_array_foreach(json_object_get(profile, "syscalls"), i, entry) {
		uint32_t here = action_of(json_object_get(entry, "action"), json_object_get(entry, "errnoRet"));
		bool holds = names_call(entry, number);

		json_array_foreach(json_object_get(entry, "args"), n, arg)
			holds = holds && condition_holds(arg, args);
		check(!holds || !any || found == here, "call %d: entry %zu contradicts another", number, i);
		found = holds ? here : found;
		any |= holds;
	}
	return found;
}

/* Values on both sides of each condition on argument index of this call, and with each half of the word disturbed. */
static void collect_values(const json_t *profile, int number, size_t index, struct bpf_values *v)
{
	const json_t *entry, *arg;
	size_t i, n;

	v->count = 0;
	bpf_add_value(v, 0);
	json_array_foreach(json_object_get(profile, "syscalls"), i, entry) {
		if (!names_call(entry, number))
			continue;
		json_array_foreach(json_object_get(entry, "args"), n, arg) {
			uint64_t value = (uint64_t)json_integer_value(json_object_get(arg, "value"));
			const json_t *second = json_object_get(arg, "valueTwo");
			uint64_t hit = second ? (uint64_t)json_integer_value(second) : value;

			if (json_integer_value(json_object_get(arg, "index")) != (json_int_t)index)
				continue;
			bpf_add_value(v, hit);
			bpf_add_value(v, hit + 1);
			bpf_add_value(v, hit - 1);
			bpf_add_value(v, hit | HIGH);
			bpf_add_value(v, hit | HIGH << 31);
			if (second) {
				bpf_add_value(v, hit | ~value);
				bpf_add_value(v, ~hit & value);
			}
		}
	}
}

static void compare_all(const struct policy_filter *filter, const json_t *profile, int number)
{
	static struct bpf_values v[6];
	size_t total;

	for (size_t i = 0; i < 6; i++)
		collect_values(profile, number, i, &v[i]);
	total = bpf_combinations(v);
	for (size_t n = 0; n < total; n++) {
		uint64_t args[6];
		uint32_t got, wanted;

		bpf_combination(v, n, args);
		got = action(filter, NATIVE, (uint32_t)number, args);
		wanted = meant(profile, number, args);
		check(got == wanted, "call %d (%#llx, %#llx, %#llx): %#x, but the policy says %#x", number,
		      (unsigned long long)args[0], (unsigned long long)args[1], (unsigned long long)args[2], got,
		      wanted);
	}
}

/* Also the numbers that no line names, which is how an allow-list is tested. */
static void program_does_what_its_policy_says(const struct policy_filter *filter, const struct asset *asset)
{
	json_t *profile = json_loadb(asset->bytes, asset->length, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(profile);
	for (int number = 0; number < NUMBERS; number++)
		compare_all(filter, profile, number);
	json_decref(profile);
}

static void every_line_of_the_job_policy_holds(void **state)
{
	(void)state;
	program_does_what_its_policy_says(&real.job, &asset_policy_job);
}

static void every_line_of_the_web_policy_holds(void **state)
{
	(void)state;
	program_does_what_its_policy_says(&real.web, &asset_policy_web);
}

static void the_real_environment_is_complete(void **state)
{
	static const char *const wanted[] = { "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp", "LANG=C.UTF-8",
					      "OMP_NUM_THREADS=1" };

	(void)state;
	for (size_t i = 0; i < ROWS(wanted); i++) {
		size_t n = 0;

		while (real.environment[n] && strcmp(real.environment[n], wanted[i]) != 0)
			n++;
		check(real.environment[n] != NULL, "%s is missing", wanted[i]);
	}
	for (size_t i = 0; i < real.mount_count; i++)
		check(strcmp(real.mounts[i].path, "/etc") != 0 && strcmp(real.mounts[i].path, "/usr") != 0 &&
			      strcmp(real.mounts[i].path, "/") != 0,
		      "%s would show the machine", real.mounts[i].path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(profiles_are_refused_in_words),
		cmocka_unit_test(fixtures_are_judged),
		cmocka_unit_test(mounts_are_read_by_line),
		cmocka_unit_test(mounts_say_what_they_mean),
		cmocka_unit_test(environments_are_read_by_line),
		cmocka_unit_test(jobs_may_do_this_and_not_that),
		cmocka_unit_test(web_may_do_this_and_not_that),
		cmocka_unit_test(foreign_calls_are_refused),
		cmocka_unit_test(every_line_of_the_job_policy_holds),
		cmocka_unit_test(every_line_of_the_web_policy_holds),
		cmocka_unit_test(the_real_environment_is_complete),
	};

	return cmocka_run_group_tests_name("policy", tests, load_real, free_real);
}
