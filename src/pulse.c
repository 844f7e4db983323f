/* SPDX-License-Identifier: MIT */
/* See include/pulse.h. Pure; used by web, which watches the spawner, and by the spawner, which watches web. */
#include "pulse.h"

uint32_t pulse_look(struct pulse_watch *w, uint32_t rounds, uint64_t now_us)
{
	if (rounds != w->seen) {
		w->seen = rounds;
		w->silent = 0;
		w->next_us = now_us + PULSE_LOOK_US;
	} else if (now_us >= w->next_us) {
		w->silent++;
		w->next_us = now_us + PULSE_LOOK_US;
	}
	return w->silent;
}
