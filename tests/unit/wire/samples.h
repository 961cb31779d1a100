/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * samples - one of every message, the same at every call
 *
 * Their encodings are the golden files of tests/vectors/wire. Identity key and
 * signatures are real (private keys 1 and 2 of P-256, of no use to anyone), so
 * other implementations can verify them; digests and ids count upwards.
 */
#include "core/bytes.h"

#define SAMPLE_MAX 1100 /* bytes of the longest one */

struct sample {
	const char *name;  /* of the golden file */
	const char *codec; /* that reads it; NULL: it has none */
	hm_err (*encode)(struct hm_span room, size_t *ret_len);
};

extern const struct sample samples[];
extern const size_t sample_count;

#define SAMPLE_NOW_S 1924992000 /* 2031-01-01 */

hm_err sample_release(struct hm_span room, size_t *ret_len);
hm_err sample_promoted(struct hm_span room, size_t *ret_len);
hm_err sample_approval(struct hm_span room, size_t *ret_len);

/* samples_update.c */
hm_err sample_update_status(struct hm_span room, size_t *ret_len);
hm_err sample_update_announce(struct hm_span room, size_t *ret_len);
hm_err sample_update_data(struct hm_span room, size_t *ret_len);
hm_err sample_update_state(struct hm_span room, size_t *ret_len);
hm_err sample_update_problem(struct hm_span room, size_t *ret_len);

/* Count upwards from `first`. */
void sample_fill(uint8_t *at, size_t len, uint8_t first);

/* Public keys, a key id, a binding, and signatures by key 1 or 2. */
extern const uint8_t sample_point_1[65];
extern const uint8_t sample_point_2[65];
extern const uint8_t sample_binding_soft[32];
extern const uint8_t sample_kid_1[8];
extern const uint8_t sample_sig_soft[64];
extern const uint8_t sample_sig_possession[64];
extern const uint8_t sample_sig_imx_mp[64];
extern const uint8_t sample_sig_conformance[64];
extern const uint8_t sample_sig_conformance_kid[64];
