/* SPDX-License-Identifier: MIT */
/* A set of values of an argument on which a filter's answer may depend. */
#pragma once

#include "unit.h"

enum { BPF_VALUES_MAX = 1024 };

struct bpf_values {
	uint64_t value[BPF_VALUES_MAX];
	size_t count;
};

static void bpf_add_value(struct bpf_values *v, uint64_t value)
{
	for (size_t i = 0; i < v->count; i++)
		if (v->value[i] == value)
			return;
	assert_true(v->count < BPF_VALUES_MAX);
	v->value[v->count++] = value;
}

/* How many calls there are with one value of each argument, and the arguments of the nth. */
static size_t bpf_combinations(const struct bpf_values v[6])
{
	size_t total = 1;

	for (size_t i = 0; i < 6; i++)
		total *= v[i].count;
	return total;
}

static void bpf_combination(const struct bpf_values v[6], size_t n, uint64_t args[6])
{
	for (size_t i = 0; i < 6; i++) {
		args[i] = v[i].value[n % v[i].count];
		n /= v[i].count;
	}
}
