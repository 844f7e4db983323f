/* SPDX-License-Identifier: MIT */
/*
 * Configuration: see include/config.h. Runs once, before anything else.
 *
 * One table says everything: --help prints it, the environment and the flags are parsed by it, --check prints
 * the result by it. MAX_SCRIPT_BYTES in the environment is --max-script-bytes on the command line; the flag wins.
 */
#define _GNU_SOURCE /* sched_getaffinity */
#include "config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum kind { KIND_NUMBER, KIND_SECONDS, KIND_TEXT, KIND_CHOICE };

enum { CHOICES_MAX = 4 };

struct variable {
	const char *name;
	enum kind kind;
	size_t offset;                    /* of a uint64_t, or of a const char * for KIND_TEXT */
	const char *initial;              /* as it could stand in the environment, or what it is computed from */
	uint64_t least, most;             /* KIND_NUMBER; in milliseconds for KIND_SECONDS */
	const char *choices[CHOICES_MAX]; /* KIND_CHOICE: the index is the value */
	const char *meaning;
};

#define NO_HEADER "none" /* the address of the connection is the client's */

#define AT(member) offsetof(struct config, member)

/* clang-format off */
static const struct variable variables[] = {
	{ "PORT", KIND_NUMBER, AT(port), "8080", 1, 65535, { NULL }, "TCP port to listen on" },
	{ "HOST", KIND_TEXT, AT(host), "127.0.0.1", 0, 0, { NULL },
	  "numeric address to listen on (0.0.0.0 or :: for all; the image sets 0.0.0.0)" },
	{ "MAX_SCRIPT_BYTES", KIND_NUMBER, AT(max_script_bytes), "204800", 1, 1048576, { NULL },
	  "largest script; at most 1048576, since FSIZE_LIMIT_MB and TMP_LIMIT_MB may be 1" },
	{ "MAX_STDOUT_BYTES", KIND_NUMBER, AT(max_stdout_bytes), "204800", 0, 67108864, { NULL },
	  "stdout that comes back; the rest is cut and stdout_truncated is set" },
	{ "MAX_RESULT_BYTES", KIND_NUMBER, AT(max_result_bytes), "1048576", 1, 8388608, { NULL },
	  "largest result, as JSON text; at most 8388608, since a larger one takes long to check" },
	{ "TIME_LIMIT_SEC", KIND_SECONDS, AT(time_limit_ms), "10", 100, 3600000, { NULL },
	  "wall clock of a job, in seconds; fractions are allowed" },
	{ "CPU_LIMIT_SEC", KIND_NUMBER, AT(cpu_limit_sec), "10", 1, 3600, { NULL }, "CPU seconds of a job" },
	{ "MEM_LIMIT_MB", KIND_NUMBER, AT(mem_limit_mb), "512", 32, 1048576, { NULL },
	  "memory of a whole job in MiB: its processes, shared memory and /tmp" },
	{ "FSIZE_LIMIT_MB", KIND_NUMBER, AT(fsize_limit_mb), "10", 1, 65536, { NULL }, "largest file a job can write, in MiB" },
	{ "TMP_LIMIT_MB", KIND_NUMBER, AT(tmp_limit_mb), "64", 1, 65536, { NULL },
	  "all of /tmp of a job in MiB; /dev/shm has the same size again" },
	{ "NOFILE_LIMIT", KIND_NUMBER, AT(nofile_limit), "256", 16, 65536, { NULL }, "open descriptors of each process" },
	{ "NPROC_LIMIT", KIND_NUMBER, AT(nproc_limit), "64", 1, 4096, { NULL }, "processes and threads of a job" },
	{ "MAX_CONCURRENCY", KIND_NUMBER, AT(max_concurrency), "CPUs", 1, 256, { NULL },
	  "jobs that run at once" },
	{ "MAX_QUEUE", KIND_NUMBER, AT(max_queue), "64", 0, 10000, { NULL },
	  "requests that wait for a slot; one more is answered with 503" },
	{ "MAX_PER_CLIENT", KIND_NUMBER, AT(max_per_client), "0", 0, 10256, { NULL },
	  "requests of one client that run or wait; one more is answered with 503 (0: as many as there is room for)" },
	{ "MAX_CONNECTIONS", KIND_NUMBER, AT(max_connections), "2048", 16, 65536, { NULL },
	  "connections at once, idle ones too; fewer where descriptors do not suffice" },
	{ "CLIENT_ADDRESS_HEADER", KIND_TEXT, AT(client_address_header), NO_HEADER, 0, 0, { NULL },
	  "behind a proxy: the header whose last element is the client's address, such as X-Forwarded-For" },
	{ "PYTHON_BIN", KIND_TEXT, AT(python_bin), "/usr/bin/python3", 0, 0, { NULL },
	  "absolute path of any CPython >= 3.9, a venv's too; its packages are what scripts can import" },
	{ "START", KIND_CHOICE, AT(start), "warm", 0, 0, { "warm", "cold" },
	  "warm: forked from a template that has imported WARM_IMPORTS; cold: a fresh interpreter for each job" },
	{ "WARM_IMPORTS", KIND_TEXT, AT(warm_imports), "numpy,pandas", 0, 0, { NULL },
	  "modules that the full template imports, with commas; empty for none (the default: those that are installed)" },
	{ "POOL_SIZE", KIND_NUMBER, AT(pool_size), "2xCPUs", 0, 64, { NULL },
	  "children of each template that wait for a job, jailed already; 0: forked on request (the default: at most 16)" },
	{ "TEMPLATE_MAX_FORKS", KIND_NUMBER, AT(template_max_forks), "10000", 1, 1000000000, { NULL },
	  "forks after which a template is replaced by a new one, with another hash seed and address layout" },
	{ "TEMPLATE_MAX_MINUTES", KIND_NUMBER, AT(template_max_minutes), "60", 1, 525600, { NULL },
	  "minutes after which a template is replaced" },
	{ "ISOLATION", KIND_CHOICE, AT(isolation), "auto", 0, 0, { "auto", "strong" },
	  "auto: the strongest level that proves itself here; strong: refuse to start with less" },
	{ "LOG_FORMAT", KIND_CHOICE, AT(log_format), "auto", 0, 0, { "auto", "text", "json" },
	  "auto: text on a terminal, else one JSON object a line" },
	{ "METRICS", KIND_CHOICE, AT(metrics), "on", 0, 0, { "on", "off" },
	  "on: GET /metrics tells everybody who can reach the port how much is run; off: there is no such path" },
};
/* clang-format on */

enum { VARIABLES = sizeof variables / sizeof variables[0], FLAG_BYTES = 32, POOL_DEFAULT_MOST = 16 };

static uint64_t *number_of(struct config *c, const struct variable *v)
{
	return (uint64_t *)(void *)((char *)c + v->offset);
}

static const char **text_of(struct config *c, const struct variable *v)
{
	return (const char **)(void *)((char *)c + v->offset);
}

/* MAX_QUEUE -> --max-queue */
static void flag_name(const struct variable *v, char flag[FLAG_BYTES])
{
	size_t used = 0;

	flag[used++] = '-';
	flag[used++] = '-';
	for (const char *c = v->name; *c && used < FLAG_BYTES - 1; c++)
		flag[used++] = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
	flag[used] = '\0';
}

static int bad_number(const struct variable *v, const char *value, struct fault *f)
{
	if (v->kind == KIND_SECONDS)
		return fault_set(f, 0, "%s=\"%s\": must be a number of seconds from %g to %g", v->name, value,
				 (double)v->least / 1000, (double)v->most / 1000);
	return fault_set(f, 0, "%s=\"%s\": must be a whole number from %" PRIu64 " to %" PRIu64, v->name, value,
			 v->least, v->most);
}

static int parse_number(struct config *c, const struct variable *v, const char *value, struct fault *f)
{
	char *end;
	unsigned long long number;

	errno = 0;
	number = strtoull(value, &end, 10);
	if (!isdigit((unsigned char)value[0]) || *end || errno || number < v->least || number > v->most)
		return bad_number(v, value, f);
	*number_of(c, v) = number;
	return 0;
}

/* Digits with at most one point in between: no sign, exponent, hexadecimal, inf or nan. */
static int parse_seconds(struct config *c, const struct variable *v, const char *value, struct fault *f)
{
	size_t digits = strspn(value, "0123456789");
	size_t fraction = value[digits] == '.' ? strspn(value + digits + 1, "0123456789") + 1 : 0;
	double ms;

	if (digits == 0 || fraction == 1 || value[digits + fraction] != '\0' || digits + fraction > 12)
		return bad_number(v, value, f);
	ms = strtod(value, NULL) * 1000 + 0.5;
	if (ms < (double)v->least || ms >= (double)v->most + 1)
		return bad_number(v, value, f);
	*number_of(c, v) = (uint64_t)ms;
	return 0;
}

static int parse_choice(struct config *c, const struct variable *v, const char *value, struct fault *f)
{
	char list[80] = "";

	for (size_t i = 0; i < CHOICES_MAX && v->choices[i]; i++) {
		if (strcmp(value, v->choices[i]) == 0) {
			*number_of(c, v) = i;
			return 0;
		}
		strncat(list, i ? ", " : "", sizeof list - strlen(list) - 1);
		strncat(list, v->choices[i], sizeof list - strlen(list) - 1);
	}
	return fault_set(f, 0, "%s=\"%s\": must be one of: %s", v->name, value, list);
}

static bool is_address(const char *value)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, value, bytes) == 1 || inet_pton(AF_INET6, value, bytes) == 1;
}

/* Dotted names with commas between them: they become an argument of a process. */
static int parse_imports(struct config *c, const struct variable *v, const char *value, struct fault *f)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.";
	size_t length = strlen(value);
	bool good = length < CONFIG_IMPORTS_BYTES;

	for (const char *name = value; good && *value; name++) {
		size_t here = strspn(name, letters);

		good = here > 0 && !isdigit((unsigned char)name[0]) && name[0] != '.' && name[here - 1] != '.' &&
		       (name[here] == ',' || name[here] == '\0');
		name += here;
		if (*name == '\0')
			break;
	}
	if (!good)
		return fault_set(f, 0, "%s=\"%s\": must be names of modules with commas between them", v->name, value);
	*text_of(c, v) = value;
	return 0;
}

/* The name of a header field (RFC 9110, 5.6.2), which is never empty; or none. */
static int parse_header(struct config *c, const struct variable *v, const char *value, struct fault *f)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~";
	bool none = value[0] == '\0' || strcmp(value, NO_HEADER) == 0;

	if (value[strspn(value, letters)] != '\0')
		return fault_set(f, 0, "%s=\"%s\": must be the name of a header, or " NO_HEADER, v->name, value);
	*text_of(c, v) = none ? NULL : value;
	return 0;
}

static int parse_text(struct config *c, const struct variable *v, const char *value, struct fault *f)
{
	if (v->offset == AT(warm_imports))
		return parse_imports(c, v, value, f);
	if (v->offset == AT(client_address_header))
		return parse_header(c, v, value, f);
	if (value[0] == '\0')
		return fault_set(f, 0, "%s=\"\": must not be empty", v->name);
	if (v->offset == AT(python_bin) && value[0] != '/')
		return fault_set(f, 0, "%s=\"%s\": must be an absolute path", v->name, value);
	if (v->offset == AT(host) && !is_address(value))
		return fault_set(f, 0, "%s=\"%s\": must be a numeric IPv4 or IPv6 address", v->name, value);
	*text_of(c, v) = value;
	return 0;
}

static int parse(struct config *c, const struct variable *v, const char *value, struct fault *f)
{
	switch (v->kind) {
	case KIND_NUMBER:
		return parse_number(c, v, value, f);
	case KIND_SECONDS:
		return parse_seconds(c, v, value, f);
	case KIND_CHOICE:
		return parse_choice(c, v, value, f);
	case KIND_TEXT:
		return parse_text(c, v, value, f);
	}
	return fault_set(f, 0, "%s: a variable of no kind", v->name);
}

/* As many as the largest machine may want jobs at once, and no more than there are slots for. */
static uint64_t cpus(uint64_t most)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof set, &set) < 0)
		return 1;
	return (uint64_t)CPU_COUNT(&set) < most ? (uint64_t)CPU_COUNT(&set) : most;
}

static int load_defaults(struct config *c, struct fault *f)
{
	memset(c, 0, sizeof *c);
	for (size_t i = 0; i < VARIABLES; i++) {
		const struct variable *v = &variables[i];

		if (v->offset == AT(max_concurrency))
			c->max_concurrency = cpus(v->most);
		else if (v->offset == AT(pool_size))
			c->pool_size = 2 * cpus(POOL_DEFAULT_MOST / 2);
		else if (v->offset == AT(warm_imports))
			c->warm_imports = NULL;
		else if (parse(c, v, v->initial, f) < 0)
			return -1;
	}
	return 0;
}

static int load_environment(struct config *c, struct fault *f)
{
	for (size_t i = 0; i < VARIABLES; i++) {
		const char *value = getenv(variables[i].name);

		if (value && parse(c, &variables[i], value, f) < 0)
			return -1;
	}
	return 0;
}

static int parse_action(struct config *c, const char *arg)
{
	if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0)
		c->action = CONFIG_HELP;
	else if (strcmp(arg, "--version") == 0)
		c->action = CONFIG_VERSION;
	else if (strcmp(arg, "--check") == 0)
		c->action = CONFIG_CHECK;
	else if (strcmp(arg, "--health") == 0)
		c->action = CONFIG_HEALTH;
	else
		return 0;
	return 1;
}

/* Takes --flag=value or --flag value; returns the number of arguments used, or -1. */
static int parse_flag(struct config *c, const char *arg, const char *next, struct fault *f)
{
	for (size_t i = 0; i < VARIABLES; i++) {
		char flag[FLAG_BYTES];
		size_t length;

		flag_name(&variables[i], flag);
		length = strlen(flag);
		if (strncmp(arg, flag, length) != 0)
			continue;
		if (arg[length] == '=')
			return parse(c, &variables[i], arg + length + 1, f) < 0 ? -1 : 1;
		if (arg[length] != '\0')
			continue;
		if (!next)
			return fault_set(f, 0, "%s: a value is missing", flag);
		return parse(c, &variables[i], next, f) < 0 ? -1 : 2;
	}
	fault_set(f, 0, "unknown argument \"%s\"", arg);
	return fault_hint(f, "safe-exec --help lists them");
}

int config_load(struct config *c, int argc, char *const argv[], struct fault *f)
{
	if (load_defaults(c, f) < 0)
		return -1;
	/* --help and --version answer whatever the environment holds. */
	for (int i = 1; i < argc; i++)
		parse_action(c, argv[i]);
	if (c->action == CONFIG_HELP || c->action == CONFIG_VERSION)
		return 0;
	if (load_environment(c, f) < 0)
		return -1;
	for (int i = 1; i < argc;) {
		int used = parse_action(c, argv[i]);

		if (used == 0)
			used = parse_flag(c, argv[i], i + 1 < argc ? argv[i + 1] : NULL, f);
		if (used < 0)
			return -1;
		i += used;
	}
	return 0;
}

static void print_range(FILE *out, const struct variable *v)
{
	switch (v->kind) {
	case KIND_NUMBER:
		fprintf(out, " [%" PRIu64 "-%" PRIu64 "]", v->least, v->most);
		break;
	case KIND_SECONDS:
		fprintf(out, " [%g-%g]", (double)v->least / 1000, (double)v->most / 1000);
		break;
	case KIND_CHOICE:
		for (size_t i = 0; i < CHOICES_MAX && v->choices[i]; i++)
			fprintf(out, "%s%s", i ? "|" : " [", v->choices[i]);
		fputc(']', out);
		break;
	case KIND_TEXT:
		break;
	}
}

void config_print_help(FILE *out)
{
	fputs("usage: safe-exec [--check | --health | --help | --version] [--VARIABLE=VALUE ...]\n"
	      "\n"
	      "Runs untrusted Python: POST /execute {\"script\": \"def main(): ...\"} answers\n"
	      "{\"result\": <what main() returned>, \"stdout\": \"<what it printed>\"}.\n"
	      "\n"
	      "  --check    validate the configuration, try the sandbox, print both and exit\n"
	      "  --health   ask a running service at HOST and PORT how it is; exit 0 when it is healthy\n"
	      "  --version  print the version and exit\n"
	      "  --help     print this text and exit\n"
	      "\n"
	      "Each variable can stand in the environment or be given as a flag; the flag wins.\n"
	      "\n",
	      out);
	for (size_t i = 0; i < VARIABLES; i++) {
		char flag[FLAG_BYTES];

		flag_name(&variables[i], flag);
		fprintf(out, "  %-20s %-23s %s\n", variables[i].name, flag, variables[i].meaning);
		fprintf(out, "  %-20s %-23s default %s", "", "", variables[i].initial);
		print_range(out, &variables[i]);
		fputc('\n', out);
	}
}

void config_print(FILE *out, const struct config *c)
{
	for (size_t i = 0; i < VARIABLES; i++) {
		const struct variable *v = &variables[i];
		const char *at = (const char *)c + v->offset;

		if (v->kind == KIND_TEXT) {
			const char *text;

			memcpy(&text, at, sizeof text);
			fprintf(out, "%s=%s\n", v->name, text ? text : v->initial);
		} else {
			uint64_t number;

			memcpy(&number, at, sizeof number);
			if (v->kind == KIND_CHOICE)
				fprintf(out, "%s=%s\n", v->name, v->choices[number]);
			else if (v->kind == KIND_SECONDS)
				fprintf(out, "%s=%g\n", v->name, (double)number / 1000);
			else
				fprintf(out, "%s=%" PRIu64 "\n", v->name, number);
		}
	}
}

struct job_limits config_job_limits(const struct config *c)
{
	return (struct job_limits){
		.wall_ms = (uint32_t)c->time_limit_ms,
		.cpu_seconds = (uint32_t)c->cpu_limit_sec,
		.memory_bytes = c->mem_limit_mb << 20,
		.file_bytes = c->fsize_limit_mb << 20,
		.tmp_bytes = c->tmp_limit_mb << 20,
		.descriptors = (uint32_t)c->nofile_limit,
		.processes = (uint32_t)c->nproc_limit,
	};
}
