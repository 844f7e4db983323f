/* SPDX-License-Identifier: MIT */
/* outcome.c: the table of codes is the contract's, and the decision takes facts before claims. */
#include <signal.h>
#include <string.h>

#include "outcome.h"
#include "unit.h"

/* The contract once more, by hand: a code that is renamed or moved to another status must turn this red. */
static const struct {
	enum outcome_code code;
	const char *name;
	unsigned status;
	bool claimable;
} contract[] = {
	{ OUTCOME_OK, "OK", 200, false },
	{ OUTCOME_BAD_CONTENT_TYPE, "BAD_CONTENT_TYPE", 415, false },
	{ OUTCOME_BAD_BODY, "BAD_BODY", 400, false },
	{ OUTCOME_BAD_ENCODING, "BAD_ENCODING", 400, false },
	{ OUTCOME_BAD_SCRIPT, "BAD_SCRIPT", 400, false },
	{ OUTCOME_BAD_INPUT, "BAD_INPUT", 400, false },
	{ OUTCOME_SCRIPT_TOO_LARGE, "SCRIPT_TOO_LARGE", 413, false },
	{ OUTCOME_SYNTAX_ERROR, "SYNTAX_ERROR", 400, true },
	{ OUTCOME_NO_MAIN, "NO_MAIN", 400, true },
	{ OUTCOME_INVALID_MAIN, "INVALID_MAIN", 400, true },
	{ OUTCOME_IMPORT_ERROR, "IMPORT_ERROR", 400, true },
	{ OUTCOME_EXCEPTION, "EXCEPTION", 400, true },
	{ OUTCOME_NON_JSON_RETURN, "NON_JSON_RETURN", 400, true },
	{ OUTCOME_RESULT_TOO_LARGE, "RESULT_TOO_LARGE", 400, true },
	{ OUTCOME_TIMEOUT, "TIMEOUT", 400, false },
	{ OUTCOME_MEMORY_LIMIT, "MEMORY_LIMIT", 400, true },
	{ OUTCOME_CRASHED, "CRASHED", 400, false },
	{ OUTCOME_EMPTY_OUTPUT, "EMPTY_OUTPUT", 400, false },
	{ OUTCOME_BAD_RUNNER_OUTPUT, "BAD_RUNNER_OUTPUT", 400, false },
	{ OUTCOME_NOT_FOUND, "NOT_FOUND", 404, false },
	{ OUTCOME_METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", 405, false },
	{ OUTCOME_OVERLOADED, "OVERLOADED", 503, false },
	{ OUTCOME_INTERNAL, "INTERNAL", 500, false },
};

static void table_is_the_contract(void **state)
{
	(void)state;
	assert_int_equal(ROWS(contract), OUTCOME_COUNT);
	for (size_t i = 0; i < ROWS(contract); i++) {
		enum outcome_code code = contract[i].code;

		assert_string_equal(outcome_name(code), contract[i].name);
		check(outcome_status(code) == contract[i].status, "%s: status %u", contract[i].name,
		      outcome_status(code));
		check(outcome_claimable(contract[i].name) == (contract[i].claimable ? code : OUTCOME_COUNT),
		      "%s: claimable", contract[i].name);
		check(code == OUTCOME_OK || strlen(outcome_sentence(code)) > 10, "%s: no sentence", contract[i].name);
	}
}

static void only_whole_names_can_be_claimed(void **state)
{
	static const char *const names[] = { "",           "exception", "EXCEPTION ",       "EXCEPTIO",
					     "EXCEPTIONS", "NONSENSE",  "OUTCOME_EXCEPTION" };

	(void)state;
	for (size_t i = 0; i < ROWS(names); i++)
		check(outcome_claimable(names[i]) == OUTCOME_COUNT, "\"%s\" was taken", names[i]);
}

enum { EXITED = 0, EXITED_7 = 7 << 8, SEGV = SIGSEGV, SEGV_CORE = SIGSEGV | 0x80, KILL = SIGKILL, NEVER = -1 };

static const struct {
	const char *what;
	struct exit_report report;
	enum outcome_claim claim;
	enum outcome_code claimed;
	struct outcome expected;
} decisions[] = {
	/* It ended by itself with status 0: the claim counts. */
	{ "a result", { .wait_status = EXITED }, CLAIM_RESULT, 0, { .code = OUTCOME_OK } },
	{ "an exception", { .wait_status = EXITED }, CLAIM_ERROR, OUTCOME_EXCEPTION, { .code = OUTCOME_EXCEPTION, .claimed = true } },
	{ "a claimed MemoryError", { .wait_status = EXITED }, CLAIM_ERROR, OUTCOME_MEMORY_LIMIT, { .code = OUTCOME_MEMORY_LIMIT, .claimed = true } },
	{ "a syntax error", { .wait_status = EXITED }, CLAIM_ERROR, OUTCOME_SYNTAX_ERROR, { .code = OUTCOME_SYNTAX_ERROR, .claimed = true } },
	{ "os._exit(0)", { .wait_status = EXITED }, CLAIM_NOTHING, 0, { .code = OUTCOME_EMPTY_OUTPUT } },
	{ "a broken frame", { .wait_status = EXITED }, CLAIM_INVALID, OUTCOME_COUNT, { .code = OUTCOME_BAD_RUNNER_OUTPUT } },
	/* Another status: no claim counts. */
	{ "os._exit(7)", { .wait_status = EXITED_7 }, CLAIM_NOTHING, 0, { .code = OUTCOME_EMPTY_OUTPUT, .exit_status = 7 } },
	{ "a result, then exit 7", { .wait_status = EXITED_7 }, CLAIM_RESULT, 0, { .code = OUTCOME_BAD_RUNNER_OUTPUT } },
	{ "an error, then exit 7", { .wait_status = EXITED_7 }, CLAIM_ERROR, OUTCOME_EXCEPTION, { .code = OUTCOME_BAD_RUNNER_OUTPUT } },
	{ "a broken frame, then exit 7", { .wait_status = EXITED_7 }, CLAIM_INVALID, 0, { .code = OUTCOME_BAD_RUNNER_OUTPUT } },
	/* A signal: whatever was claimed. */
	{ "a segfault", { .wait_status = SEGV }, CLAIM_NOTHING, 0, { .code = OUTCOME_CRASHED, .signal = SIGSEGV } },
	{ "a segfault with a core", { .wait_status = SEGV_CORE }, CLAIM_NOTHING, 0, { .code = OUTCOME_CRASHED, .signal = SIGSEGV } },
	{ "a segfault after a result", { .wait_status = SEGV }, CLAIM_RESULT, 0, { .code = OUTCOME_CRASHED, .signal = SIGSEGV } },
	{ "a segfault after an error", { .wait_status = SEGV }, CLAIM_ERROR, OUTCOME_EXCEPTION, { .code = OUTCOME_CRASHED, .signal = SIGSEGV } },
	{ "SIGKILL by its own hand", { .wait_status = KILL }, CLAIM_NOTHING, 0, { .code = OUTCOME_CRASHED, .signal = SIGKILL } },
	/* The kernel's other facts come before the signal. */
	{ "killed for memory", { .wait_status = KILL, .oom_killed = 1 }, CLAIM_NOTHING, 0, { .code = OUTCOME_MEMORY_LIMIT } },
	{ "a child killed for memory", { .wait_status = EXITED, .oom_killed = 1 }, CLAIM_RESULT, 0, { .code = OUTCOME_MEMORY_LIMIT } },
	{ "RLIMIT_CPU", { .wait_status = KILL, .cpu_limited = 1 }, CLAIM_NOTHING, 0, { .code = OUTCOME_TIMEOUT, .limit = LIMIT_CPU } },
	{ "memory before RLIMIT_CPU", { .wait_status = KILL, .cpu_limited = 1, .oom_killed = 1 }, CLAIM_NOTHING, 0, { .code = OUTCOME_MEMORY_LIMIT } },
	/* Who killed it comes first, also after a complete frame. */
	{ "the wall", { .wait_status = KILL, .killed_by = KILLED_BY_WALL }, CLAIM_NOTHING, 0, { .code = OUTCOME_TIMEOUT, .limit = LIMIT_WALL } },
	{ "the wall after a result", { .wait_status = EXITED, .killed_by = KILLED_BY_WALL }, CLAIM_RESULT, 0, { .code = OUTCOME_TIMEOUT, .limit = LIMIT_WALL } },
	{ "the wall, out of memory", { .wait_status = KILL, .killed_by = KILLED_BY_WALL, .oom_killed = 1 }, CLAIM_NOTHING, 0, { .code = OUTCOME_MEMORY_LIMIT } },
	{ "CPU of the job", { .wait_status = KILL, .killed_by = KILLED_BY_CPU }, CLAIM_NOTHING, 0, { .code = OUTCOME_TIMEOUT, .limit = LIMIT_CPU } },
	{ "memory of the job", { .wait_status = KILL, .killed_by = KILLED_BY_MEMORY }, CLAIM_RESULT, 0, { .code = OUTCOME_MEMORY_LIMIT } },
	/* What is ours. */
	{ "files of the job", { .wait_status = KILL, .killed_by = KILLED_BY_FILES }, CLAIM_RESULT, 0, { .code = OUTCOME_MEMORY_LIMIT, .limit = LIMIT_FILES } },
	{ "processes of the job", { .wait_status = KILL, .killed_by = KILLED_BY_PROCESSES }, CLAIM_RESULT, 0, { .code = OUTCOME_MEMORY_LIMIT, .limit = LIMIT_PROCESSES } },
	{ "cancelled", { .wait_status = KILL, .killed_by = KILLED_BY_CANCEL }, CLAIM_NOTHING, 0, { .code = OUTCOME_INTERNAL } },
	{ "killed by a number that is none", { .wait_status = KILL, .killed_by = KILLED_BY_COUNT }, CLAIM_RESULT, 0, { .code = OUTCOME_INTERNAL } },
	{ "an interpreter that cannot start", { .wait_status = EXITED_7 }, CLAIM_NOT_STARTED, 0, { .code = OUTCOME_INTERNAL } },
	{ "an interpreter that crashes at once", { .wait_status = SEGV }, CLAIM_NOT_STARTED, 0, { .code = OUTCOME_INTERNAL } },
	{ "out of memory before the script", { .wait_status = KILL, .oom_killed = 1 }, CLAIM_NOT_STARTED, 0, { .code = OUTCOME_MEMORY_LIMIT } },
	{ "never started", { .wait_status = NEVER }, CLAIM_NOT_STARTED, 0, { .code = OUTCOME_INTERNAL } },
	{ "never started, and yet a frame", { .wait_status = NEVER, .oom_killed = 1, .cpu_limited = 1 }, CLAIM_RESULT, 0, { .code = OUTCOME_INTERNAL } },
	{ "never started, past its deadline", { .wait_status = NEVER, .killed_by = KILLED_BY_WALL }, CLAIM_NOT_STARTED, 0, { .code = OUTCOME_INTERNAL } },
	{ "not started, past its deadline", { .wait_status = KILL, .killed_by = KILLED_BY_WALL }, CLAIM_NOT_STARTED, 0, { .code = OUTCOME_INTERNAL } },
	{ "not started, past its deadline, out of memory", { .wait_status = KILL, .killed_by = KILLED_BY_WALL, .oom_killed = 1 }, CLAIM_NOT_STARTED, 0, { .code = OUTCOME_MEMORY_LIMIT } },
};

static void facts_come_before_claims(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(decisions); i++) {
		struct outcome got = outcome_decide(&decisions[i].report, decisions[i].claim, decisions[i].claimed);
		const struct outcome *want = &decisions[i].expected;

		check(got.code == want->code, "%s: %s, not %s", decisions[i].what, outcome_name(got.code),
		      outcome_name(want->code));
		check(got.limit == want->limit && got.signal == want->signal && got.exit_status == want->exit_status &&
			      got.claimed == want->claimed,
		      "%s: limit %d signal %d exit %d claimed %d", decisions[i].what, (int)got.limit, got.signal,
		      got.exit_status, got.claimed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_is_the_contract),
		cmocka_unit_test(only_whole_names_can_be_claimed),
		cmocka_unit_test(facts_come_before_claims),
	};

	return cmocka_run_group_tests_name("outcome", tests, NULL, NULL);
}
