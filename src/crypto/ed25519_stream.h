/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ed25519_stream - Ed25519 (RFC 8032) over messages that no memory holds
 *
 * OpenSSL 3.0 signs and verifies a message that lies in memory as a whole. Here
 * it comes by walks: one verifies, two sign. What is hashed and multiplied is
 * OpenSSL's work; the order of it is ours (docs/decisions/0017), and the same
 * signatures come out as of ed25519.h.
 *
 * The first walk decides the nonce and the second one the challenge. A message
 * that had changed in between would give two challenges under one nonce, and
 * so the key: the second walk makes the nonce again, and nothing comes out
 * unless it is the same.
 */
#include "base/input.h"
#include "crypto/ed25519.h"

/* All of a message, piece by piece, each time that it is called. */
struct ed25519_message {
	uint64_t size; /* bytes; for those who want all of it in memory */
	hm_err (*walk)(void *context, input_walker *each, void *each_context);
	void *context;
};

/* The message as a whole. What `walk` returns; HM_E_TOO_LARGE over `max` bytes,
 * HM_E_NO_MEMORY. *ret was empty; the caller frees it, also on failure. */
HM_MUST hm_err ed25519_message_load(
    const struct ed25519_message *message, size_t max, struct buf *ret);

/* What `walk` returns; HM_E_IO: the message was another one the second
 * time; HM_E_NO_MEMORY */
HM_MUST hm_err ed25519_stream_sign(const uint8_t seed[static 32],
    const struct ed25519_message *message,
    uint8_t ret[static ED25519_SIGNATURE_LEN]);
/* What `walk` returns; HM_E_SIGNATURE (as ed25519_verify(), and keys of small
 * order verify nothing); HM_E_NO_MEMORY */
HM_MUST hm_err ed25519_stream_verify(const uint8_t key[static ED25519_KEY_LEN],
    const struct ed25519_message *message,
    const uint8_t signature[static ED25519_SIGNATURE_LEN]);
