/* SPDX-License-Identifier: MIT */
/* config.c: defaults, the environment, flags, their order, and a fault in words for every value that is wrong. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "unit.h"

static int cpus = 2;

/* In place of the C library's: a machine with as many CPUs as a test wants. */
int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
	(void)pid;
	if (cpus == 0)
		return -1;
	CPU_ZERO_S(size, set);
	for (int i = 0; i < cpus; i++)
		CPU_SET_S((size_t)i, size, set);
	return 0;
}

static int load(struct config *c, struct fault *f, const char *name, const char *value, char *const arguments[])
{
	int count = 0;

	clearenv();
	if (name)
		setenv(name, value, 1);
	while (arguments[count])
		count++;
	return config_load(c, count, arguments, f);
}

static char *const no_flags[] = { "safe-exec", NULL };

static void defaults_are_the_documented_ones(void **state)
{
	struct config c;
	struct fault f;

	(void)state;
	assert_int_equal(load(&c, &f, NULL, NULL, no_flags), 0);
	assert_int_equal(c.action, CONFIG_SERVE);
	assert_int_equal(c.port, 8080);
	assert_string_equal(c.host, "127.0.0.1");
	assert_int_equal(c.max_script_bytes, 204800);
	assert_int_equal(c.max_stdout_bytes, 204800);
	assert_int_equal(c.max_result_bytes, 1048576);
	assert_int_equal(c.time_limit_ms, 10000);
	assert_int_equal(c.cpu_limit_sec, 10);
	assert_int_equal(c.mem_limit_mb, 512);
	assert_int_equal(c.fsize_limit_mb, 10);
	assert_int_equal(c.tmp_limit_mb, 64);
	assert_int_equal(c.nofile_limit, 256);
	assert_int_equal(c.nproc_limit, 64);
	assert_int_equal(c.max_concurrency, 2);
	assert_int_equal(c.max_queue, 64);
	assert_string_equal(c.python_bin, "/usr/bin/python3");
	assert_int_equal(c.isolation, ISOLATION_AUTO);
	assert_int_equal(c.log_format, LOG_FORMAT_AUTO);
	assert_int_equal(c.metrics, METRICS_ON);
}

/* The tables of slots are fixed: a machine with more CPUs than that must not index beyond them. */
static void concurrency_follows_the_cpus_within_its_range(void **state)
{
	static const struct {
		int cpus;
		uint64_t expected;
	} rows[] = { { 0, 1 }, { 1, 1 }, { 8, 8 }, { 256, 256 }, { 257, 256 }, { 1000, 256 } };

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct config c;
		struct fault f;
		int status;

		cpus = rows[i].cpus;
		status = load(&c, &f, NULL, NULL, no_flags);
		cpus = 2;
		assert_int_equal(status, 0);
		check(c.max_concurrency == rows[i].expected, "%d CPUs: %d jobs at once", rows[i].cpus,
		      (int)c.max_concurrency);
	}
}

#define OFFSET(member) offsetof(struct config, member)

static const struct {
	const char *name;
	const char *flag;
	size_t offset;
	const char *value;
	uint64_t expected;
} numbers[] = {
	{ "PORT", "--port", OFFSET(port), "1", 1 },
	{ "PORT", "--port", OFFSET(port), "65535", 65535 },
	{ "PORT", "--port", OFFSET(port), "0080", 80 },
	{ "MAX_SCRIPT_BYTES", "--max-script-bytes", OFFSET(max_script_bytes), "1048576", 1048576 },
	{ "MAX_STDOUT_BYTES", "--max-stdout-bytes", OFFSET(max_stdout_bytes), "0", 0 },
	{ "MAX_RESULT_BYTES", "--max-result-bytes", OFFSET(max_result_bytes), "1", 1 },
	{ "TIME_LIMIT_SEC", "--time-limit-sec", OFFSET(time_limit_ms), "0.1", 100 },
	{ "TIME_LIMIT_SEC", "--time-limit-sec", OFFSET(time_limit_ms), "1.5", 1500 },
	{ "TIME_LIMIT_SEC", "--time-limit-sec", OFFSET(time_limit_ms), "0.2994", 299 },
	{ "TIME_LIMIT_SEC", "--time-limit-sec", OFFSET(time_limit_ms), "3600", 3600000 },
	{ "CPU_LIMIT_SEC", "--cpu-limit-sec", OFFSET(cpu_limit_sec), "3600", 3600 },
	{ "MEM_LIMIT_MB", "--mem-limit-mb", OFFSET(mem_limit_mb), "32", 32 },
	{ "FSIZE_LIMIT_MB", "--fsize-limit-mb", OFFSET(fsize_limit_mb), "7", 7 },
	{ "TMP_LIMIT_MB", "--tmp-limit-mb", OFFSET(tmp_limit_mb), "7", 7 },
	{ "NOFILE_LIMIT", "--nofile-limit", OFFSET(nofile_limit), "16", 16 },
	{ "NPROC_LIMIT", "--nproc-limit", OFFSET(nproc_limit), "4096", 4096 },
	{ "MAX_CONCURRENCY", "--max-concurrency", OFFSET(max_concurrency), "256", 256 },
	{ "MAX_QUEUE", "--max-queue", OFFSET(max_queue), "0", 0 },
	{ "MAX_PER_CLIENT", "--max-per-client", OFFSET(max_per_client), "3", 3 },
	{ "MAX_CONNECTIONS", "--max-connections", OFFSET(max_connections), "65536", 65536 },
	{ "ISOLATION", "--isolation", OFFSET(isolation), "strong", ISOLATION_STRONG },
	{ "LOG_FORMAT", "--log-format", OFFSET(log_format), "json", LOG_FORMAT_JSON },
	{ "LOG_FORMAT", "--log-format", OFFSET(log_format), "text", LOG_FORMAT_TEXT },
	{ "METRICS", "--metrics", OFFSET(metrics), "off", METRICS_OFF },
};

static uint64_t number_at(const struct config *c, size_t offset)
{
	uint64_t number;

	memcpy(&number, (const char *)c + offset, sizeof number);
	return number;
}

/* Each value once by the environment, once as --flag VALUE and once as --flag=VALUE. */
static void values_come_from_environment_and_flags(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(numbers); i++) {
		char joined[80], flag[40], value[40];
		struct config c;
		struct fault f;

		snprintf(joined, sizeof joined, "%s=%s", numbers[i].flag, numbers[i].value);
		snprintf(flag, sizeof flag, "%s", numbers[i].flag);
		snprintf(value, sizeof value, "%s", numbers[i].value);
		check(load(&c, &f, numbers[i].name, numbers[i].value, no_flags) == 0, "%s=%s: %s", numbers[i].name,
		      value, f.text);
		check(number_at(&c, numbers[i].offset) == numbers[i].expected, "%s=%s", numbers[i].name, value);
		check(load(&c, &f, NULL, NULL, (char *[]){ "safe-exec", flag, value, NULL }) == 0, "%s %s: %s", flag,
		      value, f.text);
		check(number_at(&c, numbers[i].offset) == numbers[i].expected, "%s %s", flag, value);
		check(load(&c, &f, NULL, NULL, (char *[]){ "safe-exec", joined, NULL }) == 0, "%s: %s", joined, f.text);
		check(number_at(&c, numbers[i].offset) == numbers[i].expected, "%s", joined);
	}
}

static const struct {
	const char *name;
	const char *value;
	const char *contains; /* in the fault, besides name and value */
} wrong[] = {
	{ "PORT", "", "from 1 to 65535" },
	{ "PORT", "0", "from 1 to 65535" },
	{ "PORT", "65536", "from 1 to 65535" },
	{ "PORT", "-1", "whole number" },
	{ "PORT", "+80", "whole number" },
	{ "PORT", " 80", "whole number" },
	{ "PORT", "80 ", "whole number" },
	{ "PORT", "0x50", "whole number" },
	{ "PORT", "80.0", "whole number" },
	{ "PORT", "http", "whole number" },
	{ "PORT", "18446744073709551617", "whole number" }, /* 2**64 + 1 */
	{ "MAX_QUEUE", "-0", "from 0 to 10000" },
	{ "MAX_CONNECTIONS", "15", "from 16 to 65536" },
	{ "CLIENT_ADDRESS_HEADER", "X-Forwarded-For ", "name of a header" },
	{ "CLIENT_ADDRESS_HEADER", "a,b", "name of a header" },
	{ "MAX_CONCURRENCY", "0", "from 1 to 256" },
	{ "MAX_CONCURRENCY", "257", "from 1 to 256" },
	{ "MEM_LIMIT_MB", "31", "from 32" },
	{ "NOFILE_LIMIT", "15", "from 16" },
	{ "TIME_LIMIT_SEC", "", "from 0.1 to 3600" },
	{ "TIME_LIMIT_SEC", "0.09", "from 0.1 to 3600" },
	{ "TIME_LIMIT_SEC", "3601", "from 0.1 to 3600" },
	{ "TIME_LIMIT_SEC", "1e1", "number of seconds" },
	{ "TIME_LIMIT_SEC", "0x1", "number of seconds" },
	{ "TIME_LIMIT_SEC", "inf", "number of seconds" },
	{ "TIME_LIMIT_SEC", "nan", "number of seconds" },
	{ "TIME_LIMIT_SEC", "1.", "number of seconds" },
	{ "TIME_LIMIT_SEC", ".5", "number of seconds" },
	{ "TIME_LIMIT_SEC", "1.2.3", "number of seconds" },
	{ "TIME_LIMIT_SEC", "1,5", "number of seconds" },
	{ "TIME_LIMIT_SEC", "-1", "number of seconds" },
	{ "TIME_LIMIT_SEC", "10s", "number of seconds" },
	{ "TIME_LIMIT_SEC", "1.00000000000000000000000000", "number of seconds" },
	{ "ISOLATION", "weak", "auto, strong" },
	{ "ISOLATION", "", "auto, strong" },
	{ "ISOLATION", "STRONG", "auto, strong" },
	{ "LOG_FORMAT", "xml", "auto, text, json" },
	{ "METRICS", "ON", "on, off" },
	{ "START", "hot", "cold" },
	{ "PYTHON_BIN", "python3", "absolute path" },
	{ "PYTHON_BIN", "", "empty" },
	{ "HOST", "", "empty" },
	{ "HOST", "localhost", "numeric" },
	{ "HOST", "127.0.0", "numeric" },
	{ "HOST", "127.0.0.1 ", "numeric" },
	{ "HOST", "127.0.0.1:80", "numeric" },
	{ "HOST", "[::1]", "numeric" },
	{ "HOST", "*", "numeric" },
};

static void wrong_values_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(wrong); i++) {
		struct config c;
		struct fault f;

		check(load(&c, &f, wrong[i].name, wrong[i].value, no_flags) == -1, "%s=\"%s\" was taken", wrong[i].name,
		      wrong[i].value);
		check(strstr(f.text, wrong[i].name) && strstr(f.text, wrong[i].value) &&
			      strstr(f.text, wrong[i].contains),
		      "%s=\"%s\": %s", wrong[i].name, wrong[i].value, f.text);
	}
}

static const struct {
	char *const argv[5];
	int status;
	enum config_action action;
	uint64_t port;
	const char *contains;
} lines[] = {
	{ { "safe-exec", "--port", "1", NULL }, 0, CONFIG_SERVE, 1, NULL }, /* the flag wins */
	{ { "safe-exec", "--port=1", "--port=2", NULL }, 0, CONFIG_SERVE, 2, NULL },
	{ { "safe-exec", "--check", NULL }, 0, CONFIG_CHECK, 99, NULL },
	{ { "safe-exec", "--check", "--port=3", NULL }, 0, CONFIG_CHECK, 3, NULL },
	{ { "safe-exec", "--help", NULL }, 0, CONFIG_HELP, 8080, NULL },
	{ { "safe-exec", "-h", "--port=wrong", NULL }, 0, CONFIG_HELP, 8080, NULL },
	{ { "safe-exec", "--version", NULL }, 0, CONFIG_VERSION, 8080, NULL },
	{ { "safe-exec", "--port", NULL }, -1, CONFIG_SERVE, 0, "--port: a value is missing" },
	{ { "safe-exec", "--port=", NULL }, -1, CONFIG_SERVE, 0, "PORT=\"\"" },
	{ { "safe-exec", "--por=1", NULL }, -1, CONFIG_SERVE, 0, "unknown argument \"--por=1\" (hint:" },
	{ { "safe-exec", "--port-number=1", NULL }, -1, CONFIG_SERVE, 0, "unknown argument" },
	{ { "safe-exec", "-port=1", NULL }, -1, CONFIG_SERVE, 0, "unknown argument" },
	{ { "safe-exec", "--PORT=1", NULL }, -1, CONFIG_SERVE, 0, "unknown argument" },
	{ { "safe-exec", "script.py", NULL }, -1, CONFIG_SERVE, 0, "unknown argument" },
	{ { "safe-exec", "", NULL }, -1, CONFIG_SERVE, 0, "unknown argument" },
};

static void command_lines_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(lines); i++) {
		const char *last = lines[i].argv[1];
		struct config c;
		struct fault f = { .text = "" };
		int status = load(&c, &f, "PORT", "99", lines[i].argv);

		check(status == lines[i].status, "%s: %d %s", last, status, f.text);
		check(status < 0 || (c.action == lines[i].action && c.port == lines[i].port), "%s: action %d port %d",
		      last, (int)c.action, (int)c.port);
		check(!lines[i].contains || strstr(f.text, lines[i].contains), "%s: %s", last, f.text);
	}
}

/* Who asks for help has a wrong environment, quite possibly. */
static void help_is_there_whatever_the_environment_holds(void **state)
{
	struct config c;
	struct fault f;

	(void)state;
	assert_int_equal(load(&c, &f, "PORT", "wrong", (char *[]){ "safe-exec", "--help", NULL }), 0);
	assert_int_equal(c.action, CONFIG_HELP);
	assert_int_equal(load(&c, &f, "PORT", "wrong", (char *[]){ "safe-exec", "--check", NULL }), -1);
}

static void limits_are_in_their_units(void **state)
{
	struct config c;
	struct fault f;
	struct job_limits l;

	(void)state;
	assert_int_equal(load(&c, &f, "MEM_LIMIT_MB", "1048576",
			      (char *[]){ "safe-exec", "--time-limit-sec=0.25", "--tmp-limit-mb=65536", NULL }),
			 0);
	l = config_job_limits(&c);
	assert_int_equal(l.wall_ms, 250);
	assert_int_equal(l.cpu_seconds, 10);
	assert_true(l.memory_bytes == UINT64_C(1) << 40);
	assert_true(l.tmp_bytes == UINT64_C(1) << 36);
	assert_int_equal(l.file_bytes, 10 << 20);
	assert_int_equal(l.descriptors, 256);
	assert_int_equal(l.processes, 64);
}

/* What a printing function printed; the caller frees it. */
static char *printed(void (*help)(FILE *), const struct config *c)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	if (help)
		help(out);
	else
		config_print(out, c);
	fclose(out);
	return text;
}

/* --check prints what --help names, in a form that the environment takes again. */
static void what_is_printed_can_be_read_back(void **state)
{
	struct config c, again;
	struct fault f;
	char *help = printed(config_print_help, NULL), *text, *save = NULL;

	(void)state;
	assert_int_equal(load(&c, &f, "TIME_LIMIT_SEC", "1.25",
			      (char *[]){ "safe-exec", "--host=::", "--isolation=strong", NULL }),
			 0);
	text = printed(NULL, &c);
	clearenv();
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *equals = strchr(line, '=');

		check(equals != NULL, "%s: no =", line);
		*equals = '\0';
		check(strstr(help, line) != NULL, "%s is not in --help", line);
		setenv(line, equals + 1, 1);
	}
	assert_int_equal(config_load(&again, 1, no_flags, &f), 0);
	assert_string_equal(again.host, "::");
	assert_string_equal(again.python_bin, c.python_bin);
	for (size_t i = 0; i < ROWS(numbers); i++)
		check(number_at(&again, numbers[i].offset) == number_at(&c, numbers[i].offset), "%s", numbers[i].name);
	free(text);
	free(help);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_the_documented_ones),
		cmocka_unit_test(concurrency_follows_the_cpus_within_its_range),
		cmocka_unit_test(values_come_from_environment_and_flags),
		cmocka_unit_test(wrong_values_are_named),
		cmocka_unit_test(command_lines_are_read),
		cmocka_unit_test(help_is_there_whatever_the_environment_holds),
		cmocka_unit_test(limits_are_in_their_units),
		cmocka_unit_test(what_is_printed_can_be_read_back),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
