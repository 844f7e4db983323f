/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: policy files. The first byte chooses: 'M' a list of mounts, 'E' an environment, any other a profile
 * of system calls (all of the input).
 *
 * Either words that say what is wrong, or something that can be installed: a program whose every jump and load is in
 * range and whose every end is a return of ALLOW or of an errno, which refuses foreign architectures and numbers that
 * no profile knows; absolute paths; variables that are set once.
 */
#include <elf.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "json.h"
#include "policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { UNKNOWN_CALL = 100000, ERRNO_MOST = 4095 };

static void check_words(const struct fault *f, const char *name)
{
	ALWAYS(memchr(f->text, '\0', sizeof f->text) && strncmp(f->text, name, strlen(name)) == 0);
	ALWAYS(f->text[strlen(name)] == ':');
}

/* ---- a profile ------------------------------------------------------------------------------------------------------ */

static bool is_refusal(uint32_t action)
{
	return (action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO && (action & SECCOMP_RET_DATA) > 0 &&
	       (action & SECCOMP_RET_DATA) <= ERRNO_MOST;
}

/* As the kernel checks it (net/core/filter.c, kernel/seccomp.c), for the instructions that libseccomp makes. */
static void check_program(const struct policy_filter *p)
{
	ALWAYS(p->code && p->count > 0 && p->count <= BPF_MAXINSNS);
	ALWAYS(BPF_CLASS(p->code[p->count - 1].code) == BPF_RET);
	for (size_t at = 0; at < p->count; at++) {
		const struct sock_filter *i = &p->code[at];

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			ALWAYS(i->k % 4 == 0 && i->k < sizeof(struct seccomp_data));
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			break;
		case BPF_JMP | BPF_JA:
			ALWAYS(i->k < p->count - at - 1);
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
		case BPF_JMP | BPF_JGT | BPF_K:
		case BPF_JMP | BPF_JGE | BPF_K:
			ALWAYS(i->jt < p->count - at - 1 && i->jf < p->count - at - 1);
			break;
		case BPF_RET | BPF_K:
			ALWAYS(i->k == SECCOMP_RET_ALLOW || is_refusal(i->k));
			break;
		default:
			ALWAYS(!"an instruction that no filter needs");
		}
	}
}

/* After check_program(). */
static uint32_t run(const struct policy_filter *p, const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t at = 0;; at++) {
		const struct sock_filter *i = &p->code[at];
		bool jumps = i->code == (BPF_JMP | BPF_JEQ | BPF_K) ? a == i->k :
			     i->code == (BPF_JMP | BPF_JGT | BPF_K) ? a > i->k :
								      a >= i->k;

		if (i->code == (BPF_RET | BPF_K))
			return i->k;
		if (i->code == (BPF_LD | BPF_W | BPF_ABS))
			memcpy(&a, (const char *)data + i->k, sizeof a);
		else if (i->code == (BPF_ALU | BPF_AND | BPF_K))
			a &= i->k;
		else
			at += i->code == (BPF_JMP | BPF_JA) ? i->k : jumps ? i->jt : i->jf;
	}
}

#ifdef __x86_64__
enum { NATIVE = AUDIT_ARCH_X86_64 };
#else
enum { NATIVE = AUDIT_ARCH_AARCH64 };
#endif

static void check_profile(const char *text, size_t length)
{
	struct policy_filter filter = { .code = NULL };
	struct fault f = { .text = "" };

	if (policy_compile_filter(text, length, "a profile", &filter, &f) < 0) {
		check_words(&f, "a profile");
	} else {
		check_program(&filter);
		ALWAYS(is_refusal(run(&filter, &(struct seccomp_data){ .arch = NATIVE, .nr = UNKNOWN_CALL })));
		ALWAYS(run(&filter, &(struct seccomp_data){ .arch = AUDIT_ARCH_ARM, .nr = 1 }) ==
		       (SECCOMP_RET_ERRNO | EPERM));
	}
	free(filter.code);
}

/* ---- lines --------------------------------------------------------------------------------------------------------------- */

static void check_mounts(const char *text, size_t length)
{
	struct policy p = { .mounts = NULL };
	struct fault f = { .text = "" };

	if (policy_parse_mounts(text, length, &p, &f) < 0)
		check_words(&f, "policy/mounts.conf");
	else
		for (size_t i = 0; i < p.mount_count; i++) {
			const struct policy_mount *m = &p.mounts[i];

			ALWAYS(m->kind <= POLICY_COPY && m->path[0] == '/' && !strstr(m->path, ".."));
			ALWAYS(!strpbrk(m->path, " \t\n") && (m->target != NULL) == (m->kind == POLICY_LINK));
			ALWAYS(!m->target || (m->target[0] && !strpbrk(m->target, " \t\n")));
		}
	policy_free(&p);
}

static size_t name_length(const char *entry)
{
	const char *equals = strchr(entry, '=');

	ALWAYS(equals && equals > entry && equals[1] && !strpbrk(entry, " \t\n"));
	return (size_t)(equals - entry);
}

static void check_environment(const char *text, size_t length)
{
	struct policy p = { .mounts = NULL };
	struct fault f = { .text = "" };

	if (policy_parse_environment(text, length, &p, &f) < 0)
		check_words(&f, "policy/environment.conf");
	else
		for (size_t i = 0; i < p.environment_count; i++)
			for (size_t other = 0; other < i; other++)
				ALWAYS(name_length(p.environment[i]) != name_length(p.environment[other]) ||
				       memcmp(p.environment[i], p.environment[other], name_length(p.environment[i])) !=
					       0);
	ALWAYS(!p.environment || !p.environment[p.environment_count]);
	policy_free(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1); /* of exactly that size, and empty ones too */

	ALWAYS(copy);
	if (size > 0)
		memcpy(copy, data, size);
	copy = realloc(copy, size ? size : 1);
	ALWAYS(copy);
	if (size > 0 && data[0] == 'M')
		check_mounts(copy + 1, size - 1);
	else if (size > 0 && data[0] == 'E')
		check_environment(copy + 1, size - 1);
	else
		check_profile(copy, size);
	free(copy);
	return 0;
}
