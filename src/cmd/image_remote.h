/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * image_remote - signatures by keys that no wire leads to: request and response
 *
 * `image request` runs all of `image sign` with a signer that notes what it is
 * asked for and answers with something else; the file that comes out is never
 * written. `image assemble` runs it again with a signer that has the answers:
 * it gives one only for exactly the bytes, scheme and key of the request, and
 * only if the signature verifies. The request is JSON
 * (hallmark.image.request/1, docs/howto/air-gap-signing.md); a response is one
 * signature, raw or DER, binary or base64, as `openssl` and most tokens' tools
 * write it.
 */
#include "cmd/image_keys.h"

#define IMAGE_ITEMS_MAX 64 /* signatures of a request */

struct image_request; /* opaque, heap */
/* HM_E_NO_MEMORY */
HM_MUST hm_err image_request_new(struct image_request **ret);
void image_request_free(struct image_request *request);

/* For image_ring_signers(); both borrow the request. */
struct image_far image_request_recorder(struct image_request *request);
struct image_far image_request_answerer(struct image_request *request);

/* What was recorded, to --output, and --to-sign. HM_E_USAGE (nothing was to be
 * signed elsewhere), HM_E_IO */
HM_MUST hm_err image_request_write(
    struct image_request *request, struct image_job *job, struct why *why);

/* From its text. HM_E_BAD_INPUT */
HM_MUST hm_err image_request_parse(
    struct hm_bytes text, struct image_request **ret, struct why *why);
/* --request and all --response. HM_E_FILE, HM_E_BAD_INPUT */
HM_MUST hm_err image_request_load(
    const struct options *given, struct image_request **ret, struct why *why);
/* Is job->input the file of the request? Then the job has the request's time.
 * HM_E_IMAGE_REQUEST */
HM_MUST hm_err image_request_take(const struct image_request *request,
    struct image_job *job, struct why *why);
/* Was everything asked for that was requested? HM_E_IMAGE_REQUEST */
HM_MUST hm_err image_request_end(
    const struct image_request *request, struct why *why);
