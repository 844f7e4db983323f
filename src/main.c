/* SPDX-License-Identifier: MIT */
/*
 * Start-up: the only file that knows everybody.
 *
 *     configuration -> policies -> Python -> listening socket -> spawner (jail prepared, machine left behind)
 *                   -> self-test (ladder.c) -> web is forked, this process serves as the spawner until it is told to stop
 *
 * Every error up to that point is fatal and in words.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config.h"
#include "health.h"
#include "jail.h"
#include "ladder.h"
#include "policy.h"
#include "runtime.h"
#include "selftest.h"
#include "spawn.h"
#include "supervise.h"
#include "version.h"
#include "web.h"

/* The cgroup layer belongs to the spawner, all others to the jail. */
static void describe_layers(struct web_setup *setup, const struct spawner *s)
{
	const char *name;

	for (size_t i = 0; (name = jail_layer_name(i)) && i < WEB_LAYERS_MAX; i++) {
		struct web_layer *layer = &setup->layers[setup->layer_count++];

		layer->name = name;
		if (strcmp(name, "cgroup") == 0)
			snprintf(layer->status, sizeof layer->status, "%s", spawner_cgroup_status(s));
		else
			jail_layer_status(spawner_jail(s), i, layer->status);
	}
}

static void log_isolation(const struct web_setup *setup)
{
	struct log_field fields[WEB_LAYERS_MAX + 3] = { { "level", setup->level, 0 },
							{ "memory_enforced_by", setup->memory_enforced_by, 0 } };

	for (size_t i = 0; i < setup->layer_count; i++)
		fields[i + 2] = (struct log_field){ setup->layers[i].name, setup->layers[i].status, 0 };
	log_event(LOG_INFO, fields, "isolation proved by the self-test");
}

static void log_serving(const struct config *c)
{
	const char *host = strcmp(c->host, "0.0.0.0") == 0 || strcmp(c->host, "::") == 0 ? "localhost" : c->host;

	log_event(LOG_INFO, (struct log_field[]){ { "version", SAFE_EXEC_VERSION, 0 }, { NULL, NULL, 0 } },
		  "serving; try: curl -s -X POST %s:%u/execute -H 'Content-Type: application/json' "
		  "-d '{\"script\":\"def main():\\n  return 6 * 7\"}'",
		  host, (unsigned)c->port);
}

static int print_check(const struct config *c, const struct runtime *r, const struct web_setup *setup)
{
	config_print(stdout, c);
	printf("python: %s\nisolation: %s\nmemory enforced by: %s\n", r->version, setup->level,
	       setup->memory_enforced_by);
	if (setup->no_templates)
		printf("start: cold, since %s\n", setup->no_templates);
	for (size_t i = 0; i < setup->layer_count; i++)
		printf("layer %s: %s\n", setup->layers[i].name, setup->layers[i].status);
	puts("self-test: ok");
	return EXIT_SUCCESS;
}

/* From here to the return the process is the spawner. Everything it owns is released at the end, for leak checkers. */
static int serve(const struct config *c, const struct policy *p, const struct runtime *r)
{
	struct web_setup setup = { .config = c, .runtime = r, .filter = &p->web, .listen_fd = -1 };
	const struct spawner_web web = { .run = web_run, .context = &setup };
	struct selftest test;
	struct spawner *s;
	struct fault f;
	int status;

	if (c->action == CONFIG_SERVE) {
		setup.listen_fd = web_listen(c, &f);
		if (setup.listen_fd < 0)
			die(&f);
	}
	if (selftest_open(&test, &f) < 0)
		die(&f);
	s = ladder_open(c, p, r, &test, &f);
	selftest_close(&test);
	if (!s)
		die(&f);
	setup.spawn_status = spawner_status(s);
	setup.full_imports = spawner_imports(s);
	setup.no_templates = spawner_no_templates(s);
	setup.jail = spawner_jail(s);
	setup.level = jail_level(setup.jail);
	setup.memory_enforced_by = spawn_memory_enforcement_name(spawner_memory_enforcement(s));
	describe_layers(&setup, s);
	if (c->action == CONFIG_CHECK) {
		status = print_check(c, r, &setup);
	} else {
		log_isolation(&setup);
		log_serving(c);
		status = spawner_serve(s, &web);
	}
	spawner_close(s);
	return status;
}

int main(int argc, char *argv[])
{
	struct config c;
	struct policy p;
	struct runtime r;
	struct fault f;
	int status;

	supervise_as_first_process();
	signal(SIGPIPE, SIG_IGN);
	tzset(); /* reads /etc/localtime now: later there is none */
	if (jail_reserve_descriptors() < 0) {
		fault_set(&f, errno, "open /dev/null");
		die(&f);
	}
	if (config_load(&c, argc, argv, &f) < 0)
		die(&f);
	if (c.action == CONFIG_HELP) {
		config_print_help(stdout);
		return EXIT_SUCCESS;
	}
	if (c.action == CONFIG_VERSION) {
		puts(SAFE_EXEC_NAME " " SAFE_EXEC_VERSION);
		return EXIT_SUCCESS;
	}
	if (c.action == CONFIG_HEALTH)
		return health_ask(&c);
	log_open((enum log_format)c.log_format, "spawner");
	if (policy_load(&p, &f) < 0 || runtime_discover(c.python_bin, &r, &f) < 0)
		die(&f);
	status = serve(&c, &p, &r);
	runtime_free(&r);
	policy_free(&p);
	return status;
}
