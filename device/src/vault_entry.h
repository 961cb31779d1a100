/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * vault_entry - one entry of the vault's log on flash: written, opened, read
 *
 *     0  'H' 'V'      magic
 *     2  number       a record's, VAULT_COMMIT or VAULT_TOMB
 *     3  1            version
 *     4  length       of the plaintext, big-endian
 *     8  sequence     big-endian; one more than that of the entry before
 *    16  salt         16 random bytes, for this entry alone
 *    32  tag          16: GCM over bytes 0 to 31 and the place
 *    48  piece 0      up to 240 bytes of ciphertext, then its tag of 16
 *        piece 1 ...  each at the next write unit
 *        done         one write unit of 5A: all before it is on flash for good
 *
 * Every part starts at a write unit; what is left of its last one is erased.
 * The key of an entry is HKDF of the vault's key over bytes 0 to 31 and the
 * place, and encrypts nothing else: piece i has the nonce i, the head has
 * FFFFFFFF. So no nonce is used twice with a key while either the random
 * numbers or the sequence differ, whatever a cut made of the entry before.
 */

#include "hallmark/vault.h"

#define VAULT_HEAD_LEN 48
#define VAULT_PIECE 240 /* of plaintext, 256 with tag */
#define VAULT_STEP (VAULT_PIECE + HM_GCM_TAG_LEN)
#define VAULT_AAD_LEN 36 /* head without tag, place */
#define VAULT_LEN_MAX HM_LINK_MAX

/* Numbers besides those of records. Whatever an erase that was cut makes of a
 * tomb, raising or lowering bits, is no other number. */
#define VAULT_COMMIT 0x07 /* the bank is complete up to here */
#define VAULT_TOMB 0xF8   /* all records are gone */

struct vault_area {
	struct hm_flash flash;
	uint32_t bank; /* bytes of each of the two halves */
};

/* An entry whose head is right. The key is secret: vault_close(). */
struct vault_entry {
	uint32_t at; /* offset in the area */
	uint32_t len;
	uint64_t sequence;
	uint8_t number;
	uint8_t aad[VAULT_AAD_LEN];
	uint8_t key[32];
};

/* What an entry is to hold: bytes, or what `entry` holds. */
struct vault_source {
	struct hm_bytes bytes;
	const struct vault_entry *entry; /* borrowed, or NULL */
};

/* HM_E_STORAGE: this is no geometry for a vault. HM_E_NOT_FOUND, HM_E_IO */
HM_MUST hm_err vault_area_open(struct vault_area *ret);
/* Bytes on flash of an entry with `len` of plaintext. */
uint32_t vault_entry_size(const struct vault_area *area, uint32_t len);
/* The same for the part up to the end of piece `index`. */
uint32_t vault_piece_end(
    const struct vault_area *area, uint32_t len, uint32_t index);
uint32_t vault_piece_count(uint32_t len);
/* The same for the head. */
uint32_t vault_head_end(const struct vault_area *area);
/* Does it all read as erased? Not if it cannot be read. */
bool vault_is_blank(const struct vault_area *area, uint32_t at, uint32_t len);
/* Does the place look like the head of an entry, genuine or not? No tomb does.
 */
bool vault_is_head(uint32_t at);

/* Erase the sectors of that range, and read them back. HM_E_STORAGE */
HM_MUST hm_err vault_wipe(
    const struct vault_area *area, uint32_t at, uint32_t len);
/* Write at `at`, which has room, and read back. HM_E_STORAGE: anything may be
 * there now. `entry` has number and sequence; the rest is filled in. */
HM_MUST hm_err vault_put(const struct vault_area *area,
    struct vault_entry *entry, const struct vault_source *from);
/* The head at `at`, of an entry that ends before `end`. HM_E_STORAGE: none of
 * this chip, or not of this place */
HM_MUST hm_err vault_open(const struct vault_area *area, uint32_t at,
    uint32_t end, struct vault_entry *ret);
void vault_close(struct vault_entry *entry);
/* Plaintext of piece `index` into `ret`, which has room for VAULT_STEP;
 * *ret_len is at most VAULT_PIECE. HM_E_STORAGE: `ret` is wiped */
HM_MUST hm_err vault_piece(const struct vault_area *area,
    const struct vault_entry *entry, uint32_t index,
    uint8_t ret[HM_STATIC VAULT_STEP], uint32_t *ret_len);
