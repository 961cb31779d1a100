/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * keys - where the keys of a Linux device live: one row a back end
 *
 *   soft     scalars in the folder (device/src/softkey.c)
 *   tpm      TPM 2.0, children of the storage root key (keys_tpm.c)
 *   pkcs11   a secure element or any other token (keys_p11.c)
 *
 * A row is chosen by the word before the colon of `keys =`, once a process. All
 * keys are on P-256. HM_KEY_IDENTITY and KEYS_ATTEST sign, HM_KEY_KEM agrees; a
 * key of hardware cannot do the other's work, and never leaves it.
 *
 * Errors are those of port.h: HM_E_STORAGE, HM_E_KEY (of agree: a point that is
 * not on the curve), HM_E_NO_ENTROPY, HM_E_IO.
 */

#include "linux.h"

#define KEYS_ATTEST ((hm_key)3) /* signs evidence of scheme soft */

struct keys {
	const char *name;
	/* Does a copy of the folder have the keys, too? Then nothing can be
	 * sealed to them. */
	bool in_folder;
	/* `where` is what follows the colon. */
	hm_err (*open)(const struct linux_config *config, const char *where);
	void (*close)(void);
	hm_err (*make)(hm_key key);
	hm_err (*point)(hm_key key, uint8_t ret[HM_STATIC HM_POINT_LEN]);
	hm_err (*sign)(hm_key key,
	    const uint8_t digest[HM_STATIC HM_DIGEST_LEN],
	    uint8_t ret[HM_STATIC HM_SIGNATURE_LEN]);
	hm_err (*agree)(hm_key key, const uint8_t point[HM_STATIC HM_POINT_LEN],
	    uint8_t ret[HM_STATIC 32]);
	/* A counter of its own; NULL: none. raise also begins it, at 0. */
	hm_err (*counter)(uint32_t *ret);
	hm_err (*raise)(uint32_t value);
};

extern const struct keys keys_soft, keys_tpm, keys_p11;

/* The row that `text` names, and what follows its colon. HM_E_USAGE: there is
 * none, or this program was built without it */
HM_MUST hm_err keys_find(
    const char *text, const struct keys **ret, const char **ret_where);
/* The row that linux_open chose. */
const struct keys *keys_chosen(void);
