/* SPDX-License-Identifier: MIT */
/* Where a layer that builds a filter hands it, in place of the kernel: a test includes the layer with that name first. */
#pragma once

#include <string.h>

#include "policy.h"
#include "unit.h"

enum { PROGRAM_MAX = 64 };

static struct sock_filter program[PROGRAM_MAX];
static size_t program_count;

int take_program(const struct policy_filter *filter)
{
	assert_true(filter->count <= PROGRAM_MAX);
	memcpy(program, filter->code, filter->count * sizeof *program);
	program_count = filter->count;
	return 0;
}
