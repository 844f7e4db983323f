/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: the configuration. Each line is a variable of the environment if it begins with a capital letter
 * (NAME=value), else an argument. Either words that name what is wrong, or values of which every one is in the range
 * that the documentation gives (written down here a second time), and which come back the same when they are printed
 * and read again.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>

#include "config.h"
#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINES_MOST = 32, PRINTED_MOST = 16384 };

static const struct {
	const char *name;
	size_t offset;
	uint64_t least, most; /* 0, 0: a text */
} variables[] = {
	{ "PORT", offsetof(struct config, port), 1, 65535 },
	{ "HOST", offsetof(struct config, host), 0, 0 },
	{ "MAX_SCRIPT_BYTES", offsetof(struct config, max_script_bytes), 1, 1048576 },
	{ "MAX_STDOUT_BYTES", offsetof(struct config, max_stdout_bytes), 0, 67108864 },
	{ "MAX_RESULT_BYTES", offsetof(struct config, max_result_bytes), 1, 67108864 },
	{ "TIME_LIMIT_SEC", offsetof(struct config, time_limit_ms), 100, 3600000 },
	{ "CPU_LIMIT_SEC", offsetof(struct config, cpu_limit_sec), 1, 3600 },
	{ "MEM_LIMIT_MB", offsetof(struct config, mem_limit_mb), 32, 1048576 },
	{ "FSIZE_LIMIT_MB", offsetof(struct config, fsize_limit_mb), 1, 65536 },
	{ "TMP_LIMIT_MB", offsetof(struct config, tmp_limit_mb), 1, 65536 },
	{ "NOFILE_LIMIT", offsetof(struct config, nofile_limit), 16, 65536 },
	{ "NPROC_LIMIT", offsetof(struct config, nproc_limit), 1, 4096 },
	{ "MAX_CONCURRENCY", offsetof(struct config, max_concurrency), 1, 256 },
	{ "MAX_QUEUE", offsetof(struct config, max_queue), 0, 10000 },
	{ "MAX_PER_CLIENT", offsetof(struct config, max_per_client), 0, 10256 },
	{ "MAX_CONNECTIONS", offsetof(struct config, max_connections), 16, 65536 },
	{ "CLIENT_ADDRESS_HEADER", offsetof(struct config, client_address_header), 0, 0 },
	{ "PYTHON_BIN", offsetof(struct config, python_bin), 0, 0 },
	{ "START", offsetof(struct config, start), 0, START_COLD },
	{ "WARM_IMPORTS", offsetof(struct config, warm_imports), 0, 0 },
	{ "POOL_SIZE", offsetof(struct config, pool_size), 0, 64 },
	{ "TEMPLATE_MAX_FORKS", offsetof(struct config, template_max_forks), 1, 1000000000 },
	{ "TEMPLATE_MAX_MINUTES", offsetof(struct config, template_max_minutes), 1, 525600 },
	{ "ISOLATION", offsetof(struct config, isolation), 0, ISOLATION_STRONG },
	{ "LOG_FORMAT", offsetof(struct config, log_format), 0, LOG_FORMAT_JSON },
	{ "METRICS", offsetof(struct config, metrics), 0, METRICS_OFF },
};

enum { VARIABLES = sizeof variables / sizeof variables[0] };

static void clear_environment(void)
{
	for (int i = 0; i < VARIABLES; i++)
		unsetenv(variables[i].name);
}

static bool is_name(const char *text, size_t length)
{
	for (int i = 0; i < VARIABLES; i++)
		if (strlen(variables[i].name) == length && memcmp(variables[i].name, text, length) == 0)
			return true;
	return false;
}

static const char *text_at(const struct config *c, int i)
{
	const char *text;

	memcpy(&text, (const char *)c + variables[i].offset, sizeof text);
	return text;
}

static uint64_t number_at(const struct config *c, int i)
{
	uint64_t number;

	memcpy(&number, (const char *)c + variables[i].offset, sizeof number);
	return number;
}

static void check_texts(const struct config *c)
{
	unsigned char bytes[16];

	ALWAYS(c->python_bin[0] == '/');
	ALWAYS(inet_pton(AF_INET, c->host, bytes) == 1 || inet_pton(AF_INET6, c->host, bytes) == 1);
	if (!c->warm_imports)
		return;
	ALWAYS(strlen(c->warm_imports) < CONFIG_IMPORTS_BYTES);
	for (const char *at = c->warm_imports; *at; at++)
		ALWAYS((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9') ||
		       strchr("_.,", *at));
}

static void check_ranges(const struct config *c)
{
	struct job_limits limits = config_job_limits(c);

	for (int i = 0; i < VARIABLES; i++)
		if (variables[i].most)
			ALWAYS(number_at(c, i) >= variables[i].least && number_at(c, i) <= variables[i].most);
	check_texts(c);
	ALWAYS(limits.wall_ms == c->time_limit_ms && limits.cpu_seconds == c->cpu_limit_sec);
	ALWAYS(limits.memory_bytes / 1048576 == c->mem_limit_mb && limits.file_bytes / 1048576 == c->fsize_limit_mb);
	ALWAYS(limits.tmp_bytes / 1048576 == c->tmp_limit_mb && limits.descriptors == c->nofile_limit);
	ALWAYS(limits.processes == c->nproc_limit);
}

/* NAME=..., --flag: ..., or unknown argument ... (hint: ...). */
static void check_words(const struct fault *f)
{
	const char *equals = strchr(f->text, '=');

	ALWAYS(memchr(f->text, '\0', sizeof f->text));
	ALWAYS((equals && is_name(f->text, (size_t)(equals - f->text)) && equals[1] == '"') ||
	       strncmp(f->text, "--", 2) == 0 || strncmp(f->text, "unknown argument \"", 18) == 0);
}

/* Times are printed to six digits. */
static void check_same(const struct config *a, const struct config *b)
{
	for (int i = 0; i < VARIABLES; i++) {
		uint64_t x = number_at(a, i), y = number_at(b, i), gap = x > y ? x - y : y - x;

		if (variables[i].offset == offsetof(struct config, time_limit_ms))
			ALWAYS(gap <= x / 100000);
		else if (variables[i].most)
			ALWAYS(gap == 0);
		else if (text_at(a, i))
			ALWAYS(strcmp(text_at(a, i), text_at(b, i)) == 0);
	}
}

/* A newline in a text is nobody's wish, and the printed form has no word for it. */
static void check_printed(const struct config *c)
{
	char printed[PRINTED_MOST], *line, *save = NULL;
	FILE *out = fmemopen(printed, sizeof printed, "w");
	struct config again;
	struct fault f;
	char *none[] = { (char *)"safe-exec", NULL };

	ALWAYS(out);
	config_print(out, c);
	ALWAYS(fclose(out) == 0 && strlen(printed) < sizeof printed - 1);
	clear_environment();
	for (line = strtok_r(printed, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *equals = strchr(line, '=');

		ALWAYS(equals && is_name(line, (size_t)(equals - line)));
		*equals = '\0';
		if (equals[1] || strcmp(line, "WARM_IMPORTS") == 0)
			ALWAYS(setenv(line, equals + 1, 1) == 0);
	}
	ALWAYS(config_load(&again, 1, none, &f) == 0);
	check_same(c, &again);
}

/* One line: an argument, or a variable that is set. */
static void take_line(char *line, char *argv[], int *argc)
{
	char *equals = strchr(line, '=');

	if (line[0] < 'A' || line[0] > 'Z' || !equals) {
		argv[(*argc)++] = line;
		return;
	}
	if (is_name(line, (size_t)(equals - line))) {
		*equals = '\0';
		ALWAYS(setenv(line, equals + 1, 1) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size), *argv[LINES_MOST + 2] = { (char *)"safe-exec" }, *rest = text,
	     *line;
	struct config c;
	struct fault f = { .text = "" };
	int argc = 1;

	ALWAYS(text);
	clear_environment();
	while (argc <= LINES_MOST && (line = strsep(&rest, "\n")))
		take_line(line, argv, &argc);
	if (config_load(&c, argc, argv, &f) < 0) {
		check_words(&f);
	} else {
		check_ranges(&c);
		if (c.action == CONFIG_SERVE || c.action == CONFIG_CHECK)
			check_printed(&c);
	}
	free(text);
	return 0;
}
