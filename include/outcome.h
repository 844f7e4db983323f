/* SPDX-License-Identifier: MIT */
/* What became of a request: the one table of codes, and the decision, which is a pure function of facts and claims. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wire.h"

/* clang-format off */
/* name, HTTP status, may the runner claim it, sentence (the runner's and the request's own messages replace it) */
#define OUTCOME_LIST(X)                                                                                                \
	X(OK, 200, false, "")                                                                                          \
	X(BAD_CONTENT_TYPE, 415, false, "Send the body as Content-Type: application/json.")                            \
	X(BAD_BODY, 400, false, "The body is not a JSON object.")                                                      \
	X(BAD_ENCODING, 400, false, "The body is not UTF-8.")                                                          \
	X(BAD_SCRIPT, 400, false, "\"script\" must be a string with a Python program.")                                \
	X(BAD_INPUT, 400, false, "The body has a member that is not known.")                                           \
	X(SCRIPT_TOO_LARGE, 413, false, "The script is too large.")                                                    \
	X(SYNTAX_ERROR, 400, true, "The script is not valid Python.")                                                  \
	X(NO_MAIN, 400, true, "The script defines no main().")                                                         \
	X(INVALID_MAIN, 400, true, "main cannot be called without arguments.")                                         \
	X(IMPORT_ERROR, 400, true, "A module is missing.")                                                             \
	X(EXCEPTION, 400, true, "The script raised an exception.")                                                     \
	X(NON_JSON_RETURN, 400, true, "main() returned something that is not JSON.")                                   \
	X(RESULT_TOO_LARGE, 400, true, "The result is too large.")                                                     \
	X(TIMEOUT, 400, false, "The script ran into its time limit.")                                                  \
	X(MEMORY_LIMIT, 400, true, "The script ran out of memory.")                                                    \
	X(CRASHED, 400, false, "The Python process was ended by a signal.")                                            \
	X(EMPTY_OUTPUT, 400, false,                                                                                    \
	  "The process ended before main() returned (os._exit, or the like): return from main() instead.")             \
	X(BAD_RUNNER_OUTPUT, 400, false,                                                                               \
	  "The result channel holds something else than one result: the script wrote to a descriptor that is not its own.") \
	X(NOT_FOUND, 404, false, "There is nothing here: GET /routes lists what there is.")                            \
	X(METHOD_NOT_ALLOWED, 405, false, "This path does not take this method.")                                      \
	X(OVERLOADED, 503, false, "All slots are busy and the queue is full: try again later.")                        \
	X(INTERNAL, 500, false, "The service failed; the script is not to blame. The log has the details.")

enum outcome_code {
#define OUTCOME_ENUM(name, status, claim, sentence) OUTCOME_##name,
	OUTCOME_LIST(OUTCOME_ENUM)
#undef OUTCOME_ENUM
	OUTCOME_COUNT
};
/* clang-format on */

/* What the runner's bytes amount to, see frame.h. */
enum outcome_claim { CLAIM_NOT_STARTED, CLAIM_NOTHING, CLAIM_RESULT, CLAIM_ERROR, CLAIM_INVALID };

enum outcome_limit { LIMIT_NONE, LIMIT_WALL, LIMIT_CPU, LIMIT_FILES, LIMIT_PROCESSES };

struct outcome {
	enum outcome_code code;
	enum outcome_limit limit; /* TIMEOUT; LIMIT_FILES, LIMIT_PROCESSES: MEMORY_LIMIT */
	int signal;               /* CRASHED */
	int exit_status;          /* EMPTY_OUTPUT */
	bool claimed;             /* the runner's own error text is to be shown */
};

const char *outcome_name(enum outcome_code code);
unsigned outcome_status(enum outcome_code code);
const char *outcome_sentence(enum outcome_code code);

/* The code of this name if a runner may claim it, else OUTCOME_COUNT. */
enum outcome_code outcome_claimable(const char *name);

/*
 * Decides from the kernel's facts first, from the runner's claim last. claimed_code counts for CLAIM_ERROR.
 */
struct outcome outcome_decide(const struct exit_report *report, enum outcome_claim claim,
			      enum outcome_code claimed_code);
