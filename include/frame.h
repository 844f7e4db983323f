/* SPDX-License-Identifier: MIT */
/*
 * The runner's claim: `mark[32]`, then `nonce[32] kind[1] length[8, little-endian] payload[length]`, then end of file.
 * The bytes come from a process that runs a stranger's code; they are hostile until parsed. The mark, which is the nonce as
 * well, is sent before that code runs, which cannot take it back: where it is missing, the script was never started.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "job.h"
#include "outcome.h"

enum {
	FRAME_MARK_BYTES = JOB_NONCE_BYTES,
	FRAME_HEAD_BYTES = FRAME_MARK_BYTES + JOB_NONCE_BYTES + 1 + 8,
	FRAME_ERROR_MOST_BYTES = 1 << 18
};

struct frame {
	enum outcome_claim claim;
	enum outcome_code code; /* of an error */
	const char *payload;    /* points into the bytes that were parsed: strict JSON, to be spliced as it is */
	size_t payload_bytes;
};

/*
 * Never fails: what is no frame is CLAIM_INVALID, the mark alone is CLAIM_NOTHING, and no bytes at all are
 * CLAIM_NOT_STARTED.
 */
struct frame frame_parse(const char *bytes, size_t length, const uint8_t nonce[JOB_NONCE_BYTES],
			 uint64_t max_result_bytes);
