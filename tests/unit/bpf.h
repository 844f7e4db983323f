/* SPDX-License-Identifier: MIT */
/* A small interpreter for seccomp programs (classic BPF), so that a filter is tested by what it does. */
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>

#include "unit.h"

static uint32_t bpf_load(const struct seccomp_data *data, uint32_t offset)
{
	uint32_t word;

	check(offset % 4 == 0 && offset + 4 <= sizeof *data, "a load from %u", offset);
	memcpy(&word, (const char *)data + offset, sizeof word);
	return word;
}

static int bpf_jumps(uint16_t code, uint32_t a, uint32_t k)
{
	switch (BPF_OP(code)) {
	case BPF_JEQ:
		return a == k;
	case BPF_JGT:
		return a > k;
	case BPF_JGE:
		return a >= k;
	case BPF_JSET:
		return (a & k) != 0;
	}
	fail_msg("a jump %#x that no filter needs", code);
	return 0;
}

/* The action for one call. Fails on any instruction that libseccomp has no reason to make, and on running off the end. */
static uint32_t bpf_run(const struct sock_filter *code, size_t count, const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t at = 0; at < count; at++) {
		const struct sock_filter *i = &code[at];

		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			check(i->code == (BPF_LD | BPF_W | BPF_ABS), "a load %#x", i->code);
			a = bpf_load(data, i->k);
			break;
		case BPF_ALU:
			check(i->code == (BPF_ALU | BPF_AND | BPF_K), "arithmetic %#x", i->code);
			a &= i->k;
			break;
		case BPF_JMP:
			if (BPF_OP(i->code) == BPF_JA)
				at += i->k;
			else
				at += bpf_jumps(i->code, a, i->k) ? i->jt : i->jf;
			break;
		case BPF_RET:
			check(i->code == (BPF_RET | BPF_K), "a return %#x", i->code);
			return i->k;
		default:
			fail_msg("instruction %#x that no filter needs", i->code);
		}
	}
	fail_msg("the program has no end");
	return 0;
}
