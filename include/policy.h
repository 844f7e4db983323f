/* SPDX-License-Identifier: MIT */
/*
 * Policies are data: policy/seccomp*.json (OCI runtime-spec "seccomp" profile, with "comment" as the reason),
 * policy/mounts.conf and policy/environment.conf (one fact a line, the reason behind #).
 * Read once at start; an unknown word, system call or action is a fault, never skipped.
 */
#pragma once

#include <stddef.h>

#include "fault.h"

struct sock_filter;

/* A compiled seccomp program: what seccomp(2) wants. */
struct policy_filter {
	struct sock_filter *code; /* owned */
	unsigned short count;     /* instructions */
};

enum policy_mount_kind { POLICY_BIND, POLICY_LINK, POLICY_COPY };

struct policy_mount {
	enum policy_mount_kind kind;
	char *path;   /* inside the jail; for POLICY_BIND and POLICY_COPY also outside */
	char *target; /* POLICY_LINK only */
};

struct policy {
	struct policy_filter job;
	struct policy_filter web;
	struct policy_mount *mounts;
	size_t mount_count;
	char **environment; /* NAME=value, ended by NULL */
	size_t environment_count;
};

/* Loads all policies from the embedded files. */
int policy_load(struct policy *p, struct fault *f);
void policy_free(struct policy *p);

/* Compiles one OCI profile for this machine's architecture. name is used in faults. */
int policy_compile_filter(const char *json, size_t length, const char *name, struct policy_filter *out,
			  struct fault *f);

/* Parse the two line formats; both append to what *p holds. */
int policy_parse_mounts(const char *text, size_t length, struct policy *p, struct fault *f);
int policy_parse_environment(const char *text, size_t length, struct policy *p, struct fault *f);
