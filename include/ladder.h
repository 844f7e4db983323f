/* SPDX-License-Identifier: MIT */
/* Which level of isolation this machine has: the strongest that proves itself. */
#pragma once

#include "config.h"
#include "fault.h"
#include "policy.h"
#include "runtime.h"
#include "selftest.h"
#include "spawn.h"

/*
 * Prepares the jail at the strongest level at which the self-test finds no way out, with templates where they are wanted
 * and possible. Returns NULL with *f filled when there is none, or when ISOLATION asks for a stronger one.
 *
 * May return in another process than it was called in: what a failed attempt did to the caller (namespaces) cannot be
 * undone, so a copy of it is made before, which then goes on with the next level. The caller stands aside and ends as the
 * copy ends.
 */
struct spawner *ladder_open(const struct config *c, const struct policy *p, const struct runtime *r,
			    struct selftest *test, struct fault *f);
