/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * port - everything that the device library needs from a chip and its board
 *
 * Plain functions that the linker resolves: a product writes one file with
 * these, and no other file of the library knows the silicon. A chip with keys
 * in hardware defines the four hm_port_key_* itself; one without links
 * src/softkey.c, which defines them over random numbers and storage.
 *
 * All are called from one thread, never from an interrupt, and may block. None
 * may keep a pointer that it was given. On failure *ret is untouched, unless it
 * says so.
 *
 * Storage holds secrets in the clear as far as this library knows: encrypting
 * them under a key of the chip, and erasing them, is the port's part.
 */

#include "core/bytes.h"
#include "wire/claims.h"

HM_C_BEGIN

#define HM_UNIQUE_ID_MAX 32 /* bytes */
#define HM_ATTEST_MAX 768   /* scheme evidence, bytes */

/* Fill `ret` with random bytes fit for keys. HM_E_NO_ENTROPY: `ret` is wiped */
HM_MUST hm_err hm_port_random(struct hm_span ret);

/*
 * The number that the silicon vendor gave to this chip alone, as it is read
 * from fuses: 1 to HM_UNIQUE_ID_MAX bytes, the same for the chip's whole life.
 * The device id is its SHA-256. HM_E_IO, HM_E_NO_ROOM
 */
HM_MUST hm_err hm_port_unique_id(struct hm_span room, size_t *ret_len);

/* How this chip attests; never changes. */
hm_scheme hm_port_scheme(void);

/*
 * Have the root of trust sign `binding`: the scheme evidence of
 * wire/evidence.h, at most HM_ATTEST_MAX bytes. Signing again may give another
 * signature. HM_E_IO (the hardware refuses or is not fused), HM_E_NO_ROOM
 */
HM_MUST hm_err hm_port_attest(const uint8_t binding[HM_STATIC HM_DIGEST_LEN],
    struct hm_span room, size_t *ret_len);

typedef enum hm_key {
	HM_KEY_IDENTITY = 1, /* signs: possession, conformance, TLS */
	HM_KEY_KEM = 2,      /* agrees: opens what is sealed to the device */
} hm_key;

/*
 * Make a P-256 key pair unless it is there; durable when it returns. Called
 * again after a power cut it keeps a key that was completed before.
 * HM_E_NO_ENTROPY, HM_E_STORAGE
 */
HM_MUST hm_err hm_port_key_make(hm_key key);
/* 04 || X || Y. HM_E_STORAGE: there is none, or it is not readable */
HM_MUST hm_err hm_port_key_public(
    hm_key key, uint8_t ret[HM_STATIC HM_POINT_LEN]);
/* ECDSA over a SHA-256 digest: r || s. HM_E_STORAGE, HM_E_NO_ENTROPY */
HM_MUST hm_err hm_port_key_sign(hm_key key,
    const uint8_t digest[HM_STATIC HM_DIGEST_LEN],
    uint8_t ret[HM_STATIC HM_SIGNATURE_LEN]);
/*
 * X coordinate of the shared point. Secret: the caller wipes it. HM_E_KEY
 * (`point` is not on the curve), HM_E_STORAGE
 */
HM_MUST hm_err hm_port_key_agree(hm_key key,
    const uint8_t point[HM_STATIC HM_POINT_LEN], uint8_t ret[HM_STATIC 32]);

/* What is stored. Numbers are in flash: they only grow. */
typedef enum hm_record {
	HM_RECORD_STATE = 1,    /* the agent's memory; the one commit point */
	HM_RECORD_IDENTITY = 2, /* softkey.c: private key and point */
	HM_RECORD_KEM = 3,      /* softkey.c: private key and point */
	HM_RECORD_SECRETS = 4,  /* wire/stamp.h: plaintext, to HM_SEALED_MAX */
	HM_RECORD_STAMP = 5,    /* as received, to HM_STAMP_MAX; before that,
				 * of online.c, the evidence that was sent */
	HM_RECORD_RECEIPT = 6,  /* as received, to HM_LINK_MAX */
} hm_record;
#define HM_RECORD_COUNT 6

/*
 * Read a whole record. HM_E_NOT_FOUND (never written), HM_E_NO_ROOM,
 * HM_E_STORAGE (there, but damaged); `room` is undefined on failure.
 */
HM_MUST hm_err hm_port_store_read(
    hm_record record, struct hm_span room, size_t *ret_len);
/*
 * Replace a record atomically: whenever power is cut, the old or the new one is
 * read later, whole, and what a cut write left behind is erased before the next
 * start, for it may be a part of a secret. Durable when it returns.
 * HM_E_STORAGE: old or new.
 */
HM_MUST hm_err hm_port_store_write(hm_record record, struct hm_bytes bytes);

/* The security counter of the device: monotonic, in OTP or NV. HM_E_IO */
HM_MUST hm_err hm_port_counter(uint32_t *ret);
/* The life cycle as the hardware enforces it now. HM_E_IO */
HM_MUST hm_err hm_port_lock(hm_lock *ret);
/* SHA-256 of the firmware image that runs, measured at boot. HM_E_IO */
HM_MUST hm_err hm_port_firmware(uint8_t ret[HM_STATIC HM_DIGEST_LEN]);
/* The OEM's stamp key, pinned in the firmware: 04 || X || Y. */
void hm_port_stamp_key(uint8_t ret[HM_STATIC HM_POINT_LEN]);

/*
 * The byte pipe to the station (link.h). Read blocks until there is at least
 * one byte, and returns what there is. HM_E_LINK: the other side is gone.
 */
HM_MUST hm_err hm_port_link_read(struct hm_span room, size_t *ret_len);
/* Write all. HM_E_LINK */
HM_MUST hm_err hm_port_link_write(struct hm_bytes bytes);

HM_C_END
