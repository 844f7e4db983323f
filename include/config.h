/* SPDX-License-Identifier: MIT */
/* The configuration: one table of variables, read from the environment and from --flags. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "fault.h"
#include "job.h"
#include "log.h"

#define SAFE_EXEC_NAME "safe-exec"

enum config_action { CONFIG_SERVE, CONFIG_HELP, CONFIG_VERSION, CONFIG_CHECK, CONFIG_HEALTH };
enum config_isolation { ISOLATION_AUTO, ISOLATION_STRONG };
enum config_start { START_WARM, START_COLD };
enum config_metrics { METRICS_ON, METRICS_OFF };
enum { CONFIG_IMPORTS_BYTES = 512 };

struct config {
	enum config_action action;
	uint64_t port;
	const char *host; /* strings live as long as argv and environ */
	uint64_t max_script_bytes;
	uint64_t max_stdout_bytes;
	uint64_t max_result_bytes;
	uint64_t time_limit_ms;
	uint64_t cpu_limit_sec;
	uint64_t mem_limit_mb;
	uint64_t fsize_limit_mb;
	uint64_t tmp_limit_mb;
	uint64_t nofile_limit;
	uint64_t nproc_limit;
	uint64_t max_concurrency;
	uint64_t max_queue;
	uint64_t max_per_client; /* 0: no bound */
	uint64_t max_connections;
	const char *client_address_header; /* NULL: a client is the address of its connection */
	const char *python_bin;
	uint64_t start;           /* enum config_start */
	const char *warm_imports; /* NULL: those of numpy and pandas that are installed; "": none */
	uint64_t pool_size;       /* per template */
	uint64_t template_max_forks;
	uint64_t template_max_minutes;
	uint64_t isolation;  /* enum config_isolation */
	uint64_t log_format; /* enum log_format */
	uint64_t metrics;    /* enum config_metrics */
};

/* Fills *c from defaults, then the environment, then the flags. -1: a value that cannot be used, worded in *f. */
int config_load(struct config *c, int argc, char *const argv[], struct fault *f);

/* Prints the usage text with the table that config_load reads. */
void config_print_help(FILE *out);

/* Prints one NAME=value line per variable. */
void config_print(FILE *out, const struct config *c);

/* The limits of a job under this configuration. */
struct job_limits config_job_limits(const struct config *c);
