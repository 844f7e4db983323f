/* SPDX-License-Identifier: MIT */
/* Web: the process that talks to strangers. It has no privilege, no Python, no way to fork or open a file. */
#pragma once

#include <stdbool.h>

#include "config.h"
#include "jail.h"
#include "policy.h"
#include "runtime.h"
#include "spawn.h"

/* One line of the isolation report. */
struct web_layer {
	const char *name;
	char status[JAIL_STATUS_BYTES];
};

enum { WEB_LAYERS_MAX = 16 };

/* What main found out at start; read-only in web. */
struct web_setup {
	const struct config *config;
	const struct runtime *runtime;
	const struct policy_filter *filter;
	const struct jail *jail;
	const char *level;        /* "strong", "standard" */
	const char *no_templates; /* why jobs run cold although START is warm; NULL otherwise */
	struct web_layer layers[WEB_LAYERS_MAX];
	size_t layer_count;
	const char *memory_enforced_by;
	struct spawn_status *spawn_status; /* web writes its own field of it */
	const char *full_imports;          /* "numpy,pandas": what only the full template holds */
	int listen_fd;
};

/* Opens the listening socket: the descriptor, or -1 with *f filled. */
int web_listen(const struct config *c, struct fault *f);

/* The body of the web process (struct spawner_web.run). context is a struct web_setup. Never returns. */
void web_run(void *context, int channel_fd) __attribute__((noreturn));
