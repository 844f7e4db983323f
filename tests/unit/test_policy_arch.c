/* SPDX-License-Identifier: MIT */
/*
 * Both filters for both architectures, on whichever this runs: policy.c is compiled in here once more and told that the
 * machine is another one, for which libseccomp makes its program as well. The programs are run by the interpreter in
 * bpf.h over all system calls of their architecture, and must do what the policy says, entry by entry, read here a second
 * time. And what is allowed on one machine is allowed on the other, as far as it has the call.
 */
#define _GNU_SOURCE
#include <jansson.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdio.h>

#include "bpf.h"
#include "bpf_values.h"

/* ---- policy.c for another machine ------------------------------------------------------------------------------------- */

static uint32_t machine;

static int number_there(const char *name)
{
	return seccomp_syscall_resolve_name_arch(machine, name);
}

static scmp_filter_ctx init_there(uint32_t action)
{
	scmp_filter_ctx ctx = seccomp_init(action);

	if (ctx && machine != seccomp_arch_native())
		check(seccomp_arch_add(ctx, machine) == 0 && seccomp_arch_remove(ctx, seccomp_arch_native()) == 0,
		      "libseccomp cannot make a filter for %#x", machine);
	return ctx;
}

/* libseccomp wants this machine's number of a call, or its pseudo number where this machine has none. */
static int add_there(scmp_filter_ctx ctx, uint32_t action, int number, unsigned count, const struct scmp_arg_cmp *args)
{
	char *name = seccomp_syscall_resolve_num_arch(machine, number);
	int here = seccomp_syscall_resolve_name(name);

	free(name);
	return seccomp_rule_add_exact_array(ctx, action, here, count, args);
}

#define seccomp_arch_native() machine
#define seccomp_syscall_resolve_name number_there
#define seccomp_init init_there
#define seccomp_rule_add_exact_array add_there
#define policy_load load_there
#define policy_free free_there
#define policy_compile_filter compile_there
#define policy_parse_mounts mounts_there
#define policy_parse_environment environment_there
#include "../../src/policy.c"
#undef seccomp_arch_native
#undef seccomp_syscall_resolve_name
#undef seccomp_init
#undef seccomp_rule_add_exact_array

/* ---- what there is -------------------------------------------------------------------------------------------------------- */

enum { NUMBERS = 1024, X32 = 0x40000000 };

#define ALLOW SECCOMP_RET_ALLOW
#define REFUSE(error) (SECCOMP_RET_ERRNO | (uint32_t)(error))
#define HIGH (UINT64_C(1) << 32)

static const struct {
	uint32_t arch;
	const char *word;
} machines[] = { { AUDIT_ARCH_X86_64, "amd64" }, { AUDIT_ARCH_AARCH64, "arm64" } };

enum { MACHINES = ROWS(machines), FILTERS = 2 };

static const struct {
	const char *name;
	const struct asset *asset;
} profiles[FILTERS] = { { "seccomp.json", &asset_policy_job }, { "seccomp-web.json", &asset_policy_web } };

static json_t *profile[FILTERS];
static struct policy_filter programs[FILTERS][MACHINES];

/* A name that a machine does not have, and that is not marked as another's, ends here, as it would end the start there. */
static int make_programs(void **state)
{
	(void)state;
	for (size_t f = 0; f < FILTERS; f++) {
		profile[f] = json_loadb(profiles[f].asset->bytes, profiles[f].asset->length, JSON_REJECT_DUPLICATES,
					NULL);
		for (size_t m = 0; m < MACHINES; m++) {
			struct fault fault = { .text = "" };

			machine = machines[m].arch;
			if (!profile[f] || compile_there(profiles[f].asset->bytes, profiles[f].asset->length,
							 profiles[f].name, &programs[f][m], &fault) < 0) {
				print_error("%s for %s: %s\n", profiles[f].name, machines[m].word, fault.text);
				return -1;
			}
		}
	}
	return 0;
}

static int free_programs(void **state)
{
	(void)state;
	for (size_t f = 0; f < FILTERS; f++) {
		json_decref(profile[f]);
		for (size_t m = 0; m < MACHINES; m++)
			free(programs[f][m].code);
	}
	return 0;
}

static uint32_t judge_as(size_t f, size_t m, uint32_t arch, uint32_t number, const uint64_t args[6])
{
	struct seccomp_data data = { .nr = (int)number, .arch = arch };

	if (args)
		memcpy(data.args, args, sizeof data.args);
	return bpf_run(programs[f][m].code, programs[f][m].count, &data);
}

static uint32_t judge(size_t f, size_t m, uint32_t number, const uint64_t args[6])
{
	return judge_as(f, m, machines[m].arch, number, args);
}

/* ---- what the policy says -------------------------------------------------------------------------------------------------- */

static bool is_listed(const json_t *list, const char *word)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
		if (strcmp(json_string_value(item), word) == 0)
			return true;
	return false;
}

static const json_t *marks_of(const json_t *entry)
{
	return json_object_get(json_object_get(entry, "includes"), "arches");
}

static bool is_about(const json_t *entry, const char *name, size_t m)
{
	return is_listed(json_object_get(entry, "names"), name) &&
	       (!marks_of(entry) || is_listed(marks_of(entry), machines[m].word));
}

static uint64_t number_in(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

static bool holds(const json_t *entry, const uint64_t args[6])
{
	const json_t *arg;
	size_t i;

	json_array_foreach(json_object_get(entry, "args"), i, arg) {
		const uint64_t got = args[number_in(arg, "index")], value = number_in(arg, "value");
		const char *op = json_string_value(json_object_get(arg, "op"));

		if (strcmp(op, "SCMP_CMP_MASKED_EQ") == 0) {
			if ((got & value) != number_in(arg, "valueTwo"))
				return false;
		} else {
			check(strcmp(op, "SCMP_CMP_EQ") == 0 || strcmp(op, "SCMP_CMP_NE") == 0, "%s is not known here",
			      op);
			if ((got == value) != (op[9] == 'E'))
				return false;
		}
	}
	return true;
}

static uint32_t answer_of(const json_t *action, const json_t *number)
{
	if (strcmp(json_string_value(action), "SCMP_ACT_ALLOW") == 0)
		return ALLOW;
	return REFUSE(number ? json_integer_value(number) : EPERM);
}

/* name: NULL for a number that is none of that machine's. */
static uint32_t meant(size_t f, size_t m, const char *name, const uint64_t args[6])
{
	const json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(profile[f], "syscalls"), i, entry)
		if (name && is_about(entry, name, m) && holds(entry, args))
			return answer_of(json_object_get(entry, "action"), json_object_get(entry, "errnoRet"));
	return answer_of(json_object_get(profile[f], "defaultAction"), json_object_get(profile[f], "defaultErrnoRet"));
}

/* ---- values that make a difference ------------------------------------------------------------------------------------------ */

/* Each condition's value, its neighbours, its opposite, and the upper half of the word disturbed. */
static void collect(size_t f, size_t m, const char *name, struct bpf_values v[6])
{
	const json_t *entry, *arg;
	size_t i, n;

	for (i = 0; i < 6; i++) {
		v[i].count = 0;
		bpf_add_value(&v[i], 0);
	}
	json_array_foreach(json_object_get(profile[f], "syscalls"), i, entry) {
		if (!is_about(entry, name, m))
			continue;
		json_array_foreach(json_object_get(entry, "args"), n, arg) {
			struct bpf_values *of = &v[number_in(arg, "index")];
			const bool masked = json_object_get(arg, "valueTwo") != NULL;
			const uint64_t value = number_in(arg, masked ? "valueTwo" : "value");

			bpf_add_value(of, value);
			bpf_add_value(of, value ^ 1);
			bpf_add_value(of, value | HIGH);
			bpf_add_value(of, value | HIGH << 31);
			bpf_add_value(of, masked ? value | ~number_in(arg, "value") : value + 1);
			bpf_add_value(of, masked ? ~value & number_in(arg, "value") : value - 1);
		}
	}
}

static void compare(size_t f, size_t m, uint32_t number, const char *name)
{
	static struct bpf_values v[6];
	size_t total;

	collect(f, m, name ? name : "", v);
	total = bpf_combinations(v);
	for (size_t n = 0; n < total; n++) {
		uint64_t args[6];
		uint32_t got, wanted;

		bpf_combination(v, n, args);
		got = judge(f, m, number, args);
		wanted = meant(f, m, name, args);
		check(got == wanted, "%s, %s: %s (%u) with %#llx, %#llx, %#llx: %#x, but the policy says %#x",
		      profiles[f].name, machines[m].word, name ? name : "(none)", number, (unsigned long long)args[0],
		      (unsigned long long)args[1], (unsigned long long)args[2], got, wanted);
	}
}

/* ---- tests ---------------------------------------------------------------------------------------------------------------------- */

static void every_call_of_every_machine_is_judged_as_written(void **state)
{
	(void)state;
	for (size_t m = 0; m < MACHINES; m++) {
		size_t known = 0;

		for (uint32_t number = 0; number < NUMBERS; number++) {
			char *name = seccomp_syscall_resolve_num_arch(machines[m].arch, (int)number);

			for (size_t f = 0; f < FILTERS; f++)
				compare(f, m, number, name);
			known += name != NULL;
			free(name);
		}
		check(known > 280, "libseccomp knows only %zu calls of %s", known, machines[m].word);
	}
}

/* So that the comparison above is not one of two empty things. */
static void the_essential_is_there(void **state)
{
	static const char *const job[] = { "read", "openat", "execve", "mmap", "exit_group", "ppoll", "clone" };
	static const char *const web[] = { "read", "accept4", "epoll_pwait", "exit_group", "ppoll", "close" };

	(void)state;
	for (size_t m = 0; m < MACHINES; m++) {
		for (size_t i = 0; i < ROWS(job); i++)
			check(judge(0, m, (uint32_t)seccomp_syscall_resolve_name_arch(machines[m].arch, job[i]),
				    NULL) == ALLOW,
			      "%s: %s", machines[m].word, job[i]);
		for (size_t i = 0; i < ROWS(web); i++)
			check(judge(1, m, (uint32_t)seccomp_syscall_resolve_name_arch(machines[m].arch, web[i]),
				    NULL) == ALLOW,
			      "%s: %s", machines[m].word, web[i]);
	}
}

/* Beyond all calls, and those of x32, which amd64 has among its own. */
static void numbers_that_no_machine_has_are_refused(void **state)
{
	static const uint32_t numbers[] = { NUMBERS,   4096,       X32 - 1,    X32,       X32 + 1,
					    X32 + 512, 0x7fffffff, 0x80000000, UINT32_MAX };
	const uint64_t nothing[6] = { 0 };

	(void)state;
	for (size_t f = 0; f < FILTERS; f++)
		for (size_t m = 0; m < MACHINES; m++)
			for (size_t i = 0; i < ROWS(numbers); i++) {
				uint32_t got = judge(f, m, numbers[i], NULL);

				check(got == meant(f, m, NULL, nothing) || (machines[m].arch == AUDIT_ARCH_X86_64 &&
									    numbers[i] >= X32 && got == REFUSE(EPERM)),
				      "%s, %s: call %#x: %#x", profiles[f].name, machines[m].word, numbers[i], got);
			}
}

static void calls_of_other_machines_are_refused(void **state)
{
	static const uint32_t others[] = { AUDIT_ARCH_X86_64,
					   AUDIT_ARCH_AARCH64,
					   AUDIT_ARCH_I386,
					   AUDIT_ARCH_ARM,
					   0,
					   AUDIT_ARCH_AARCH64 & ~__AUDIT_ARCH_LE,
					   UINT32_MAX };

	(void)state;
	for (size_t f = 0; f < FILTERS; f++)
		for (size_t m = 0; m < MACHINES; m++)
			for (size_t o = 0; o < ROWS(others); o++)
				for (uint32_t number = 0; number < NUMBERS && others[o] != machines[m].arch; number++)
					check(judge_as(f, m, others[o], number, NULL) == REFUSE(EPERM),
					      "%s, %s: %#x of %#x", profiles[f].name, machines[m].word, number,
					      others[o]);
}

static void machines_agree_on_what_both_have(void **state)
{
	(void)state;
	for (uint32_t number = 0; number < NUMBERS; number++) {
		char *name = seccomp_syscall_resolve_num_arch(machines[0].arch, (int)number);
		int there = name ? seccomp_syscall_resolve_name_arch(machines[1].arch, name) : -1;

		for (size_t f = 0; f < FILTERS && there >= 0; f++) {
			static const uint64_t arguments[][6] = { { 0 },         { 1, 1, 1, 1, 1, 1 },    { 17 },
								 { 0, 0x5401 }, { 3, 1, 0x20, 0, 0, 0 }, { 1, 1, 6 } };

			for (size_t a = 0; a < ROWS(arguments); a++)
				check(judge(f, 0, number, arguments[a]) == judge(f, 1, (uint32_t)there, arguments[a]),
				      "%s: %s is judged in two ways", profiles[f].name, name);
		}
		free(name);
	}
}

/* A mark on a call that the other machine has as well would make it unknown there, unseen. */
static void a_mark_says_the_truth(void **state)
{
	const json_t *entry, *name;
	size_t i, n, marked = 0;

	(void)state;
	for (size_t f = 0; f < FILTERS; f++)
		json_array_foreach(json_object_get(profile[f], "syscalls"), i, entry)
			json_array_foreach(json_object_get(entry, "names"), n, name)
				for (size_t m = 0; m < MACHINES; m++) {
					const char *word = json_string_value(name);
					bool there = seccomp_syscall_resolve_name_arch(machines[m].arch, word) >= 0;

					check(there == (!marks_of(entry) ||
							is_listed(marks_of(entry), machines[m].word)),
					      "%s: %s on %s", profiles[f].name, word, machines[m].word);
					marked += !there;
				}
	assert_true(marked > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_of_every_machine_is_judged_as_written),
		cmocka_unit_test(the_essential_is_there),
		cmocka_unit_test(numbers_that_no_machine_has_are_refused),
		cmocka_unit_test(calls_of_other_machines_are_refused),
		cmocka_unit_test(machines_agree_on_what_both_have),
		cmocka_unit_test(a_mark_says_the_truth),
	};

	return cmocka_run_group_tests_name("policy_arch", tests, make_programs, free_programs);
}
