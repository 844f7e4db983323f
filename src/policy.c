/* SPDX-License-Identifier: MIT */
/*
 * Reads the policies and compiles the system call filters: see include/policy.h. Runs once, at start.
 *
 * libseccomp turns a profile into a BPF program here; the bytes are exported and installed later,
 * so that a child between clone and exec allocates nothing. Exporting also keeps libseccomp's own idea of what
 * the running kernel can do out of the matter: on gVisor it is wrong.
 */
#define _GNU_SOURCE
#include "policy.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assets.h"
#include "io.h"
#include "own.h"

enum { SYSCALLS_MAX = 1024, SEEN_PLAIN = 1, SEEN_WITH_ARGS = 2 };

/* Where in which file, for the words of a fault; and which calls had a rule so far. */
struct place {
	const char *name;
	size_t group; /* index into "syscalls" */
	struct fault *fault;
	unsigned char seen[SYSCALLS_MAX];
};

static const struct {
	const char *word;
	enum scmp_compare op;
} comparisons[] = {
	{ "SCMP_CMP_NE", SCMP_CMP_NE },
	{ "SCMP_CMP_LT", SCMP_CMP_LT },
	{ "SCMP_CMP_LE", SCMP_CMP_LE },
	{ "SCMP_CMP_EQ", SCMP_CMP_EQ },
	{ "SCMP_CMP_GE", SCMP_CMP_GE },
	{ "SCMP_CMP_GT", SCMP_CMP_GT },
	{ "SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ },
};

enum { ARGS_MAX = 6 };

static const char *native_arch_word(void)
{
	return seccomp_arch_native() == SCMP_ARCH_X86_64  ? "amd64" :
	       seccomp_arch_native() == SCMP_ARCH_AARCH64 ? "arm64" :
							    "other";
}

/* Only ALLOW and ERRNO: a kill is a crash that nobody can explain, and libseccomp refuses KILL_PROCESS on gVisor. */
static int parse_action(const json_t *action, const json_t *number, uint32_t *out, struct place *at)
{
	const char *word = json_string_value(action);
	json_int_t value = number ? json_integer_value(number) : EPERM;

	if (word && strcmp(word, "SCMP_ACT_ALLOW") == 0) {
		*out = SCMP_ACT_ALLOW;
		return 0;
	}
	if (word && strcmp(word, "SCMP_ACT_ERRNO") == 0 && value > 0 && value < 4096 &&
	    (!number || json_is_integer(number))) {
		*out = SCMP_ACT_ERRNO((uint32_t)value);
		return 0;
	}
	return fault_set(at->fault, 0,
			 "%s: syscalls[%zu]: action \"%s\" (allowed: SCMP_ACT_ALLOW, SCMP_ACT_ERRNO with an errno)",
			 at->name, at->group, word ? word : "(none)");
}

static int check_known_keys(const json_t *object, const char *const *known, struct place *at)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		size_t i = 0;

		while (known[i] && strcmp(known[i], key) != 0)
			i++;
		if (!known[i])
			return fault_set(at->fault, 0, "%s: syscalls[%zu]: unknown member \"%s\"", at->name, at->group,
					 key);
	}
	return 0;
}

static int parse_arg(const json_t *arg, struct scmp_arg_cmp *out, struct place *at)
{
	const json_t *index = json_object_get(arg, "index");
	const char *op = json_string_value(json_object_get(arg, "op"));
	const json_t *value = json_object_get(arg, "value"), *second = json_object_get(arg, "valueTwo");
	static const char *const known[] = { "index", "value", "valueTwo", "op", NULL };

	if (!json_is_object(arg) || check_known_keys(arg, known, at) < 0)
		return json_is_object(arg) ? -1 :
					     fault_set(at->fault, 0, "%s: syscalls[%zu]: an argument is no object",
						       at->name, at->group);
	if (!json_is_integer(index) || json_integer_value(index) < 0 || json_integer_value(index) >= ARGS_MAX)
		return fault_set(at->fault, 0, "%s: syscalls[%zu]: an argument needs an index from 0 to 5", at->name,
				 at->group);
	if (!json_is_integer(value) || (second && !json_is_integer(second)))
		return fault_set(at->fault, 0, "%s: syscalls[%zu]: an argument needs a whole number as value", at->name,
				 at->group);
	for (size_t i = 0; i < sizeof comparisons / sizeof comparisons[0]; i++)
		if (op && strcmp(op, comparisons[i].word) == 0) {
			if ((comparisons[i].op == SCMP_CMP_MASKED_EQ) != (second != NULL))
				return fault_set(
					at->fault, 0,
					"%s: syscalls[%zu]: valueTwo belongs to SCMP_CMP_MASKED_EQ and to nothing else",
					at->name, at->group);
			*out = (struct scmp_arg_cmp){ .arg = (unsigned)json_integer_value(index),
						      .op = comparisons[i].op,
						      .datum_a = (scmp_datum_t)json_integer_value(value),
						      .datum_b = (scmp_datum_t)json_integer_value(second) };
			return 0;
		}
	return fault_set(at->fault, 0, "%s: syscalls[%zu]: unknown comparison \"%s\"", at->name, at->group,
			 op ? op : "(none)");
}

/* 1: the group is meant for this architecture, 0: for others, -1: the words are wrong. */
static int group_applies(const json_t *group, struct place *at)
{
	static const char *const known[] = { "arches", NULL };
	const json_t *includes = json_object_get(group, "includes"), *arches = json_object_get(includes, "arches"),
		     *arch;
	size_t i;
	int applies = 0;

	if (!includes)
		return 1;
	if (!json_is_array(arches) || json_array_size(arches) == 0)
		return fault_set(at->fault, 0, "%s: syscalls[%zu]: includes needs a list of arches", at->name,
				 at->group);
	if (check_known_keys(includes, known, at) < 0)
		return -1;
	json_array_foreach(arches, i, arch) {
		const char *word = json_string_value(arch);

		if (!word || (strcmp(word, "amd64") != 0 && strcmp(word, "arm64") != 0))
			return fault_set(at->fault, 0, "%s: syscalls[%zu]: unknown architecture \"%s\"", at->name,
					 at->group, word ? word : "(none)");
		applies |= strcmp(word, native_arch_word()) == 0;
	}
	return applies;
}

static int add_name(scmp_filter_ctx ctx, const char *name, uint32_t action, bool is_default,
		    const struct scmp_arg_cmp *args, unsigned count, struct place *at)
{
	int number = name ? seccomp_syscall_resolve_name(name) : __NR_SCMP_ERROR;
	unsigned char kind = is_default || count == 0 ? SEEN_PLAIN : SEEN_WITH_ARGS;
	int status;

	/* Negative numbers are libseccomp's pseudo numbers: the call exists, but not on this architecture. */
	if (number < 0 || number >= SYSCALLS_MAX)
		return fault_set(at->fault, 0, "%s: syscalls[%zu]: unknown system call \"%s\" on this architecture",
				 at->name, at->group, name ? name : "(not a string)");
	/* In libseccomp a rule without arguments swallows those with, and of two without the first wins: a refusal vanishes. */
	if (at->seen[number] && (at->seen[number] | kind) != SEEN_WITH_ARGS)
		return fault_set(at->fault, 0, "%s: syscalls[%zu]: %s has another rule, and not both have arguments",
				 at->name, at->group, name);
	at->seen[number] = kind;
	if (is_default) /* libseccomp refuses a rule that says what the default says */
		return 0;
	status = seccomp_rule_add_exact_array(ctx, action, number, count, args);
	if (status < 0)
		return fault_set(at->fault, -status, "%s: syscalls[%zu]: rule for %s", at->name, at->group, name);
	return 0;
}

/* Names for another architecture make no rule here, but must be names all the same. */
static int check_names(const json_t *names, struct place *at)
{
	const json_t *item;
	size_t i;

	json_array_foreach(names, i, item) {
		const char *name = json_string_value(item);

		if (!name || seccomp_syscall_resolve_name(name) == __NR_SCMP_ERROR)
			return fault_set(at->fault, 0, "%s: syscalls[%zu]: unknown system call \"%s\"", at->name,
					 at->group, name ? name : "(not a string)");
	}
	return 0;
}

static int add_group(scmp_filter_ctx ctx, const json_t *group, uint32_t default_action, struct place *at)
{
	static const char *const known[] = { "names", "action", "errnoRet", "args", "comment", "includes", NULL };
	const json_t *names = json_object_get(group, "names"), *args = json_object_get(group, "args"), *item;
	struct scmp_arg_cmp compiled[ARGS_MAX];
	unsigned count = 0;
	uint32_t action = SCMP_ACT_KILL_PROCESS;
	size_t i;
	int applies;

	if (!json_is_object(group) || !json_is_array(names) || json_array_size(names) == 0)
		return fault_set(at->fault, 0, "%s: syscalls[%zu]: needs a list of names", at->name, at->group);
	if (!json_is_string(json_object_get(group, "comment")))
		return fault_set(at->fault, 0, "%s: syscalls[%zu]: needs a comment with the reason", at->name,
				 at->group);
	if (check_known_keys(group, known, at) < 0 ||
	    parse_action(json_object_get(group, "action"), json_object_get(group, "errnoRet"), &action, at) < 0)
		return -1;
	if (args && !json_is_array(args))
		return fault_set(at->fault, 0, "%s: syscalls[%zu]: args is no list", at->name, at->group);
	json_array_foreach(args, i, item) {
		if (count == ARGS_MAX)
			return fault_set(at->fault, 0, "%s: syscalls[%zu]: more than 6 arguments", at->name, at->group);
		if (parse_arg(item, &compiled[count++], at) < 0)
			return -1;
	}
	applies = group_applies(group, at);
	if (applies < 0)
		return -1;
	if (applies == 0)
		return check_names(names, at);
	json_array_foreach(names, i, item)
		if (add_name(ctx, json_string_value(item), action, action == default_action, compiled, count, at) < 0)
			return -1;
	return 0;
}

/* By way of a pipe, which every platform has and which holds more (64 KiB) than the largest filter (32 KiB). */
static int export_filter(scmp_filter_ctx ctx, struct policy_filter *out, struct place *at)
{
	const size_t most = BPF_MAXINSNS * sizeof *out->code;
	OWNED_FD read_fd = -1;
	OWNED_FD write_fd = -1;
	int pair[2], status;
	size_t used = 0;
	ssize_t got;

	if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) < 0)
		return fault_set(at->fault, errno, "%s: pipe", at->name);
	read_fd = pair[0];
	write_fd = pair[1];
	/* A binary tree over the numbers; libseccomp >= 2.5. Only speed. */
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	status = seccomp_export_bpf(ctx, write_fd);
	if (status < 0)
		return fault_set(at->fault, -status, "%s: compile the filter", at->name);
	fd_close(&write_fd);
	out->code = malloc(most + 1);
	while (out->code && (got = io_read(read_fd, (char *)out->code + used, most + 1 - used)) > 0)
		used += (size_t)got;
	if (used == 0 || used > most)
		return fault_set(at->fault, 0, "%s: a filter of %zu bytes", at->name, used);
	out->count = (unsigned short)(used / sizeof *out->code);
	return 0;
}

/* Only says for which architectures the file is meant; the running one is what it is compiled for. */
static int check_architectures(const json_t *list, struct place *at)
{
	const json_t *item;
	size_t i;

	if (list && !json_is_array(list))
		return fault_set(at->fault, 0, "%s: architectures is no list", at->name);
	json_array_foreach(list, i, item) {
		const char *word = json_string_value(item);

		if (!word || (strcmp(word, "SCMP_ARCH_X86_64") != 0 && strcmp(word, "SCMP_ARCH_AARCH64") != 0))
			return fault_set(at->fault, 0, "%s: unknown architecture \"%s\"", at->name,
					 word ? word : "(not a string)");
	}
	return 0;
}

static int compile(const json_t *profile, struct policy_filter *out, struct place *at)
{
	const json_t *groups = json_object_get(profile, "syscalls"), *group;
	uint32_t default_action = SCMP_ACT_KILL_PROCESS;
	static const char *const known[] = { "comment",       "defaultAction", "defaultErrnoRet",
					     "architectures", "syscalls",      NULL };
	scmp_filter_ctx ctx;
	int status = 0;

	if (check_known_keys(profile, known, at) < 0)
		return -1;
	if (!json_is_array(groups))
		return fault_set(at->fault, 0, "%s: needs a list \"syscalls\"", at->name);
	if (parse_action(json_object_get(profile, "defaultAction"), json_object_get(profile, "defaultErrnoRet"),
			 &default_action, at) < 0)
		return -1;
	if (check_architectures(json_object_get(profile, "architectures"), at) < 0)
		return -1;
	if (default_action == SCMP_ACT_ALLOW)
		return fault_set(at->fault, 0, "%s: defaultAction must refuse: this is an allow-list", at->name);
	ctx = seccomp_init(default_action);
	if (!ctx)
		return fault_set(at->fault, ENOMEM, "%s: seccomp_init", at->name);
	/* int 0x80 and x32: refused like the rest. libseccomp's own default kills one thread, and the others wait forever. */
	status = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM));
	if (status < 0)
		fault_set(at->fault, -status, "%s: set the action for foreign architectures", at->name);
	for (at->group = 0; status == 0 && at->group < json_array_size(groups); at->group++) {
		group = json_array_get(groups, at->group);
		status = add_group(ctx, group, default_action, at);
	}
	if (status == 0)
		status = export_filter(ctx, out, at);
	seccomp_release(ctx);
	return status;
}

int policy_compile_filter(const char *json, size_t length, const char *name, struct policy_filter *out, struct fault *f)
{
	struct place at = { .name = name, .fault = f, .seen = { 0 } };
	json_error_t error;
	json_t *profile = json_loadb(json, length, JSON_REJECT_DUPLICATES, &error);
	int status;

	if (!profile)
		return fault_set(f, 0, "%s:%d:%d: %s", name, error.line, error.column, error.text);
	status = compile(profile, out, &at);
	json_decref(profile);
	return status;
}

/* ---- line formats ------------------------------------------------------------------------------------------ */

enum { WORDS_MAX = 3, LINE_MAX_BYTES = 512 };

struct words {
	char line[LINE_MAX_BYTES];
	char *word[WORDS_MAX];
	size_t count;
};

/* Splits one line at white space, up to a # that starts a word. -1: too long or too many words. */
static int split(const char *text, size_t length, struct words *w)
{
	char *save = NULL;

	w->count = 0;
	if (length >= sizeof w->line || memchr(text, '\0', length))
		return -1;
	memcpy(w->line, text, length);
	w->line[length] = '\0';
	for (char *word = strtok_r(w->line, " \t", &save); word && word[0] != '#';
	     word = strtok_r(NULL, " \t", &save)) {
		if (w->count == WORDS_MAX)
			return -1;
		w->word[w->count++] = word;
	}
	return 0;
}

typedef int (*line_function)(const struct words *w, struct policy *p);

static int each_line(const char *text, size_t length, const char *name, line_function take, struct policy *p,
		     struct fault *f)
{
	const char *end = text + length;

	for (size_t number = 1; text < end; number++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t bytes = (size_t)((newline ? newline : end) - text);
		struct words w;

		if (split(text, bytes, &w) < 0 || (w.count > 0 && take(&w, p) < 0))
			return fault_set(f, 0, "%s:%zu: cannot understand \"%.*s\"", name, number,
					 (int)(bytes < 100 ? bytes : 100), text);
		text += newline ? bytes + 1 : bytes;
	}
	return 0;
}

static int take_mount(const struct words *w, struct policy *p)
{
	static const char *const kinds[] = { [POLICY_BIND] = "bind", [POLICY_LINK] = "link", [POLICY_COPY] = "copy" };
	struct policy_mount *grown, mount = { .kind = POLICY_BIND };
	size_t kind = 0;

	while (kind < sizeof kinds / sizeof kinds[0] && strcmp(kinds[kind], w->word[0]) != 0)
		kind++;
	if (kind == sizeof kinds / sizeof kinds[0])
		return -1;
	mount.kind = (enum policy_mount_kind)kind;
	if (w->count != (mount.kind == POLICY_LINK ? 3 : 2) || w->word[1][0] != '/' || strstr(w->word[1], ".."))
		return -1;
	grown = realloc(p->mounts, (p->mount_count + 1) * sizeof *grown);
	if (!grown)
		return -1;
	p->mounts = grown;
	mount.path = strdup(w->word[1]);
	mount.target = mount.kind == POLICY_LINK ? strdup(w->word[2]) : NULL;
	p->mounts[p->mount_count++] = mount;
	return mount.path && (mount.target || mount.kind != POLICY_LINK) ? 0 : -1;
}

int policy_parse_mounts(const char *text, size_t length, struct policy *p, struct fault *f)
{
	return each_line(text, length, "policy/mounts.conf", take_mount, p, f);
}

static bool is_set(const struct policy *p, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < p->environment_count; i++)
		if (strncmp(p->environment[i], name, length) == 0 && p->environment[i][length] == '=')
			return true;
	return false;
}

static int take_variable(const struct words *w, struct policy *p)
{
	char **grown, *entry;

	if (w->count != 3 || strcmp(w->word[0], "set") != 0 || strchr(w->word[1], '=') || is_set(p, w->word[1]))
		return -1;
	grown = realloc(p->environment, (p->environment_count + 2) * sizeof *grown);
	if (!grown)
		return -1;
	p->environment = grown;
	if (asprintf(&entry, "%s=%s", w->word[1], w->word[2]) < 0)
		return -1;
	p->environment[p->environment_count++] = entry;
	p->environment[p->environment_count] = NULL;
	return 0;
}

int policy_parse_environment(const char *text, size_t length, struct policy *p, struct fault *f)
{
	return each_line(text, length, "policy/environment.conf", take_variable, p, f);
}

int policy_load(struct policy *p, struct fault *f)
{
	memset(p, 0, sizeof *p);
	if (policy_compile_filter(asset_policy_job.bytes, asset_policy_job.length, "policy/seccomp.json", &p->job, f) <
		    0 ||
	    policy_compile_filter(asset_policy_web.bytes, asset_policy_web.length, "policy/seccomp-web.json", &p->web,
				  f) < 0)
		return -1;
	if (policy_parse_mounts(asset_policy_mounts.bytes, asset_policy_mounts.length, p, f) < 0)
		return -1;
	return policy_parse_environment(asset_policy_environment.bytes, asset_policy_environment.length, p, f);
}

void policy_free(struct policy *p)
{
	free(p->job.code);
	free(p->web.code);
	for (size_t i = 0; i < p->mount_count; i++) {
		free(p->mounts[i].path);
		free(p->mounts[i].target);
	}
	free(p->mounts);
	for (size_t i = 0; i < p->environment_count; i++)
		free(p->environment[i]);
	free(p->environment);
	memset(p, 0, sizeof *p);
}
