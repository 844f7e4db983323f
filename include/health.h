/* SPDX-License-Identifier: MIT */
/* `safe-exec --health`: asks a running service how it is, for health checks where there is no shell and no curl. */
#pragma once

#include "config.h"

/* GET /health at HOST and PORT: prints the answer's body; the exit status is 0 for 200, else 1. */
int health_ask(const struct config *c);
