/* SPDX-License-Identifier: MIT */
/*
 * Decides what became of a job: see include/outcome.h. Pure; used by web and by the self-test.
 *
 * Order is everything. Who killed it comes first: a job that was killed at its deadline may have left a valid
 * frame. Then how the process ended, and only when it ended by itself with status 0 does its own claim count.
 */
#include "outcome.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static const struct {
	const char *name;
	unsigned status;
	bool claimable;
	const char *sentence;
} table[OUTCOME_COUNT] = {
#define OUTCOME_ROW(name, status, claim, sentence) [OUTCOME_##name] = { #name, status, claim, sentence },
	OUTCOME_LIST(OUTCOME_ROW)
#undef OUTCOME_ROW
};

const char *outcome_name(enum outcome_code code)
{
	return table[code].name;
}

unsigned outcome_status(enum outcome_code code)
{
	return table[code].status;
}

const char *outcome_sentence(enum outcome_code code)
{
	return table[code].sentence;
}

enum outcome_code outcome_claimable(const char *name)
{
	for (int code = 0; code < OUTCOME_COUNT; code++)
		if (table[code].claimable && strcmp(table[code].name, name) == 0)
			return (enum outcome_code)code;
	return OUTCOME_COUNT;
}

static struct outcome killed(const struct exit_report *report)
{
	switch ((enum killed_by)report->killed_by) {
	case KILLED_BY_WALL:
		/* The kernel's verdict is the better one: a job that was out of memory may hang until its deadline. */
		if (report->oom_killed)
			return (struct outcome){ .code = OUTCOME_MEMORY_LIMIT };
		return (struct outcome){ .code = OUTCOME_TIMEOUT, .limit = LIMIT_WALL };
	case KILLED_BY_CPU:
		return (struct outcome){ .code = OUTCOME_TIMEOUT, .limit = LIMIT_CPU };
	case KILLED_BY_MEMORY:
		return (struct outcome){ .code = OUTCOME_MEMORY_LIMIT };
	case KILLED_BY_FILES:
		return (struct outcome){ .code = OUTCOME_MEMORY_LIMIT, .limit = LIMIT_FILES };
	case KILLED_BY_PROCESSES:
		return (struct outcome){ .code = OUTCOME_MEMORY_LIMIT, .limit = LIMIT_PROCESSES };
	case KILLED_BY_CANCEL:
	case KILLED_BY_NOBODY:
	case KILLED_BY_COUNT:
		break;
	}
	return (struct outcome){ .code = OUTCOME_INTERNAL };
}

static struct outcome ended_by_itself(int exit_status, enum outcome_claim claim, enum outcome_code claimed_code)
{
	if (claim == CLAIM_NOTHING)
		return (struct outcome){ .code = OUTCOME_EMPTY_OUTPUT, .exit_status = exit_status };
	if (claim == CLAIM_INVALID || exit_status != 0)
		return (struct outcome){ .code = OUTCOME_BAD_RUNNER_OUTPUT };
	if (claim == CLAIM_ERROR)
		return (struct outcome){ .code = claimed_code, .claimed = true };
	return (struct outcome){ .code = OUTCOME_OK };
}

struct outcome outcome_decide(const struct exit_report *report, enum outcome_claim claim,
			      enum outcome_code claimed_code)
{
	if (report->killed_by == KILLED_BY_WALL && claim == CLAIM_NOT_STARTED && !report->oom_killed)
		return (struct outcome){ .code = OUTCOME_INTERNAL }; /* it was not the script that took so long */
	if (report->killed_by != KILLED_BY_NOBODY)
		return killed(report);
	if (report->wait_status == -1)
		return (struct outcome){ .code = OUTCOME_INTERNAL };
	if (report->oom_killed)
		return (struct outcome){ .code = OUTCOME_MEMORY_LIMIT };
	if (report->cpu_limited)
		return (struct outcome){ .code = OUTCOME_TIMEOUT, .limit = LIMIT_CPU };
	if (claim == CLAIM_NOT_STARTED) /* and no script is to blame: the interpreter failed, or the disk is full */
		return (struct outcome){ .code = OUTCOME_INTERNAL };
	if (WIFSIGNALED(report->wait_status))
		return (struct outcome){ .code = OUTCOME_CRASHED, .signal = WTERMSIG(report->wait_status) };
	return ended_by_itself(WEXITSTATUS(report->wait_status), claim, claimed_code);
}
