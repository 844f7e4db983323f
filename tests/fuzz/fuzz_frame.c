/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: the runner's frame, and the answer that is made of it.
 *
 * The first byte chooses: 'R' and 'E' put the rest as a payload into a good frame of that kind, so that the fuzzer need
 * not guess the nonce; any other takes the rest as the frame itself. Whatever comes, an answer must be strict JSON of
 * two members, which a second reader decides (json.h).
 */
#include <jansson.h>

#include "../../src/web/reply.h"
#include "../../src/web/utf8.h"
#include "frame.h"
#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 1 << 16 };

static const uint8_t nonce[JOB_NONCE_BYTES] = "nonce-nonce-nonce-nonce-nonce-n";
static const struct job_limits limits = { .wall_ms = 1000, .cpu_seconds = 1, .memory_bytes = 1 << 29 };

/* A copy of exactly the right size. */
static char *frame_of(const uint8_t *data, size_t size, size_t *length)
{
	const bool wrapped = data[0] == 'R' || data[0] == 'E';
	const size_t payload = size - 1;
	char *bytes;

	*length = wrapped ? FRAME_HEAD_BYTES + payload : payload;
	bytes = malloc(*length ? *length : 1);
	ALWAYS(bytes);
	if (wrapped) {
		memcpy(bytes, nonce, FRAME_MARK_BYTES);
		memcpy(bytes + FRAME_MARK_BYTES, nonce, sizeof nonce);
		bytes[FRAME_MARK_BYTES + JOB_NONCE_BYTES] = (char)data[0];
		for (int i = 0; i < 8; i++)
			bytes[FRAME_MARK_BYTES + JOB_NONCE_BYTES + 1 + i] = (char)((uint64_t)payload >> (8 * i));
	}
	memcpy(bytes + *length - payload, data + 1, payload);
	return bytes;
}

/* The answer as it would be sent, with the same bytes as what was printed. */
static void check_answer(const struct frame *f, const char *printed, size_t length)
{
	struct exit_report report = { .wait_status = 0 };
	struct reply_job job = { .outcome = outcome_decide(&report, f->claim, f->code),
				 .frame = f,
				 .stdout_bytes = printed,
				 .stdout_length = length,
				 .stdout_cut = length % 2,
				 .stderr_bytes = printed,
				 .stderr_length = length,
				 .limits = &limits };
	struct reply reply = reply_job(&job);
	size_t expected = job.outcome.code == OUTCOME_OK && job.stdout_cut ? 3 : 2;
	char *repaired = malloc(3 * reply.length);
	unsigned members;

	ALWAYS(reply.body && repaired && reply.status == outcome_status(job.outcome.code));
	ALWAYS(json_is_valid(reply.body, reply.length, &members) && members == expected);
	ALWAYS(utf8_repair(reply.body, reply.length, repaired) == reply.length &&
	       memcmp(repaired, reply.body, reply.length) == 0);
	free(repaired);
	reply_free(&reply);
}

static void check_code(const struct frame *f)
{
	json_t *error = json_loadb(f->payload, f->payload_bytes, JSON_ALLOW_NUL, NULL),
	       *code = json_object_get(error, "code");

	ALWAYS(f->code < OUTCOME_COUNT && outcome_claimable(outcome_name(f->code)) == f->code);
	ALWAYS(json_string_length(code) == strlen(outcome_name(f->code)) &&
	       strcmp(json_string_value(code), outcome_name(f->code)) == 0);
	json_decref(error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t length;
	char *bytes;
	struct frame f;

	if (size == 0)
		return 0;
	bytes = frame_of(data, size, &length);
	f = frame_parse(bytes, length, nonce, MOST);
	ALWAYS((f.claim == CLAIM_NOT_STARTED) == (length == 0));
	ALWAYS(f.claim != CLAIM_NOTHING || length == FRAME_MARK_BYTES);
	if (f.claim == CLAIM_RESULT || f.claim == CLAIM_ERROR) {
		ALWAYS(length > FRAME_HEAD_BYTES && memcmp(bytes, nonce, sizeof nonce) == 0);
		ALWAYS(f.payload == bytes + FRAME_HEAD_BYTES && f.payload_bytes == length - FRAME_HEAD_BYTES);
		ALWAYS(f.payload_bytes <= (f.claim == CLAIM_RESULT ? MOST : (size_t)FRAME_ERROR_MOST_BYTES));
	}
	if (f.claim == CLAIM_ERROR)
		check_code(&f);
	check_answer(&f, bytes, length);
	free(bytes);
	return 0;
}
