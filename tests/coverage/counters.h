/* SPDX-License-Identifier: MIT */
/* The descriptor on which a template of a coverage build is given the file for its counters: see spawner.c, module.c. */
#pragma once

/* Above all that the service gives a number to. */
enum { COUNTERS_FD = 100 };
