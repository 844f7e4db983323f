/* SPDX-License-Identifier: MIT */
/* The Python runtime: what PYTHON_BIN says of itself, asked once at start (runner/discover.py). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "fault.h"

enum { RUNTIME_TREES_MAX = 64, RUNTIME_PACKAGES_MAX = 400, RUNTIME_WARM_MAX = 4 };

struct runtime_package {
	char *name;
	char *version;
};

struct runtime {
	char *version;                  /* "3.11.2" */
	char *executable;               /* absolute; this is what a job execs */
	char *trees[RUNTIME_TREES_MAX]; /* absolute directories that it reads from, without duplicates */
	size_t tree_count;
	char *libpython_dir;             /* where libpython is mapped from, or NULL for a static interpreter */
	char *imports[RUNTIME_WARM_MAX]; /* of numpy and pandas, those that can be imported */
	size_t import_count;
	struct runtime_package packages[RUNTIME_PACKAGES_MAX];
	size_t package_count;
};

/* Runs python_bin; -1 where it cannot be run, is no CPython >= 3.9, or answers nonsense. */
int runtime_discover(const char *python_bin, struct runtime *r, struct fault *f);
void runtime_free(struct runtime *r);

/* path is tree or lies below it; both absolute, without . and .. */
bool runtime_lies_under(const char *path, const char *tree);
