/* SPDX-License-Identifier: MIT */
/* Whether another process still goes round: it counts its rounds in shared memory, and this side looks now and then. */
#pragma once

#include <stdint.h>

/* Both web and spawner go round at least once a second; more than PULSE_LOOKS_MOST looks without a change, and it hangs. */
enum { PULSE_LOOK_US = 1000000, PULSE_LOOKS_MOST = 5 };

/* Zeroed at first. */
struct pulse_watch {
	uint32_t seen;
	uint32_t silent; /* looks in a row */
	uint64_t next_us;
};

/*
 * To be called at least once in PULSE_LOOK_US, with what the other has counted: the number of looks in a row that found
 * no change. Looks are counted and not seconds, since all processes may have been stopped together meanwhile (a frozen
 * container, a suspended machine): then the first look afterwards is one look.
 */
uint32_t pulse_look(struct pulse_watch *w, uint32_t rounds, uint64_t now_us);
