/* SPDX-License-Identifier: MIT */
/*
 * From the strongest level down, each tried by a dry run of the real launcher, jail, interpreter and runner: see
 * include/ladder.h. Only a level that failed for what it is (a layer that is refused or has no effect) leads to the
 * next one; a limit that is too small or a module that cannot be imported would be as wrong there.
 */
#define _GNU_SOURCE
#include "ladder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io.h"
#include "jail.h"
#include "log.h"
#include "own.h"
#include "supervise.h"

enum { REASON_BYTES = 256 };

/* A test build with a layer left out must start, so that the suite can attack it. */
static bool skips_selftest(void)
{
#ifdef SAFE_EXEC_TEST_DROP
	return getenv("SAFE_EXEC_TEST_SKIP_SELFTEST") != NULL;
#else
	return false;
#endif
}

/* ---- one level ---------------------------------------------------------------------------------------------------------- */

/* Why it is not the level "strong". */
struct reason {
	char text[REASON_BYTES];
	bool no_effect; /* its layers were there, and did not hold */
};

/* Where a level stops: what is to blame. */
enum stop { STOP_BY_CONFIGURATION, STOP_BY_REFUSAL, STOP_BY_BREACH };

static int prove(struct spawner *s, const struct config *c, const struct runtime *r, const struct selftest *test,
		 enum stop *stop, struct fault *f)
{
	const struct job_limits limits = config_job_limits(c);

	*stop = STOP_BY_BREACH;
	if (!skips_selftest() && selftest_escape(test, s, WIRE_COLD, &limits, f) < 0)
		return -1;
	*stop = STOP_BY_CONFIGURATION;
	if (spawner_wait_warm(s, f) < 0)
		return -1;
	if (skips_selftest())
		return 0;
	*stop = STOP_BY_BREACH;
	for (int tier = 0; spawner_is_warm(s) && tier < WIRE_TIERS; tier++)
		if (selftest_escape(test, s, (enum wire_tier)tier, &limits, f) < 0)
			return -1;
	*stop = STOP_BY_CONFIGURATION;
	return selftest_imports(s, spawner_is_warm(s) ? WIRE_FULL : WIRE_COLD, &limits, r, f);
}

/* why: NULL for the level "strong". */
static struct spawner *open_level(const struct reason *why, const struct config *c, const struct policy *p,
				  const struct runtime *r, const struct selftest *test, enum stop *stop,
				  struct fault *f)
{
	struct spawner *s = spawner_open(c, why ? why->text : NULL, why && why->no_effect, p, r, f);

	*stop = STOP_BY_REFUSAL;
	if (!s)
		return NULL;
	if (prove(s, c, r, test, stop, f) == 0)
		return s;
	spawner_close(s);
	return NULL;
}

/* ---- a copy of this process, for the next level ---------------------------------------------------------------------------- */

struct spare {
	pid_t pid;
	int tell_fd;
	struct reason reason; /* in the copy, once it is called: why the level before failed */
};

/* Returns in the copy as well, but only when it is called; it ends with its parent, or when it is not needed. */
static int spare_make(struct spare *spare, struct fault *f)
{
	int pair[2];
	if (pipe2(pair, O_CLOEXEC) < 0)
		return fault_set(f, errno, "pipe");
	spare->pid = fork();
	if (spare->pid < 0) {
		close(pair[0]);
		close(pair[1]);
		return fault_set(f, errno, "fork");
	}
	close(pair[spare->pid == 0]);
	spare->tell_fd = pair[spare->pid != 0];
	if (spare->pid != 0)
		return 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (io_read_exact(spare->tell_fd, &spare->reason, sizeof spare->reason) < 0)
		_exit(EXIT_SUCCESS);
	close(spare->tell_fd);
	return 0;
}

static void spare_dismiss(struct spare *spare)
{
	close(spare->tell_fd);
	while (waitpid(spare->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void spare_call(struct spare *spare, const struct reason *reason)
{
	(void)io_write_all(spare->tell_fd, reason, sizeof *reason);
	(void)jail_close_range(STDERR_FILENO + 1, INT_MAX); /* the listening socket is not ours any more */
	supervise_child(spare->pid);
}

/* ---- the ladder --------------------------------------------------------------------------------------------------------------- */

static struct spawner *open_standard(const struct reason *why, const struct config *c, const struct policy *p,
				     const struct runtime *r, const struct selftest *test, struct fault *f)
{
	enum stop stop;

	log_event(LOG_INFO, (struct log_field[]){ { "reason", why->text, 0 }, { NULL, NULL, 0 } },
		  "the level \"strong\" is not to be had here; trying \"standard\"");
	return open_level(why, c, p, r, test, &stop, f);
}

static int not_strong(struct fault *f)
{
	char text[FAULT_TEXT_BYTES];

	memcpy(text, f->text, sizeof text);
	return fault_set(f, 0, "ISOLATION=strong: %s", text);
}

struct spawner *ladder_open(const struct config *c, const struct policy *p, const struct runtime *r,
			    struct selftest *test, struct fault *f)
{
	const bool may_be_standard = c->isolation == ISOLATION_AUTO;
	struct spare spare = { .pid = -1, .tell_fd = -1 };
	struct reason reason = { .no_effect = false };
	struct spawner *s;
	enum stop stop;

	if (!jail_may_make_namespaces(f)) {
		if (may_be_standard) {
			snprintf(reason.text, sizeof reason.text, "%.200s", f->text);
			return open_standard(&reason, c, p, r, test, f);
		}
		jail_hint_namespaces(f);
		not_strong(f);
		return NULL;
	}
	if (!may_be_standard) {
		s = open_level(NULL, c, p, r, test, &stop, f);
		if (!s && stop != STOP_BY_CONFIGURATION)
			not_strong(f);
		return s;
	}
	if (spare_make(&spare, f) < 0)
		return NULL;
	if (spare.pid == 0)
		return open_standard(&spare.reason, c, p, r, test, f);
	s = open_level(NULL, c, p, r, test, &stop, f);
	if (!s && stop != STOP_BY_CONFIGURATION) {
		snprintf(reason.text, sizeof reason.text, "%.200s", f->text);
		reason.no_effect = stop == STOP_BY_BREACH;
		spare_call(&spare, &reason);
	}
	spare_dismiss(&spare);
	return s;
}
