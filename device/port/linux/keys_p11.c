/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys in a PKCS#11 token: a secure element, an HSM, SoftHSM in the tests. The
 * module is p11-kit's to load; the token is found by its label. Keys have the
 * labels below, are sensitive and cannot be extracted; a pair of which one half
 * is missing was cut off by a power failure and is made anew.
 */
#include <stdio.h>
#include <string.h>

#include <p11-kit/p11-kit.h>

#include "keys.h"

#define SLOTS_MAX 32
#define PIN_MAX 64
#define POINT_DER_LEN (HM_POINT_LEN + 2) /* in an OCTET STRING */
#define ATTRIBUTE(type, value)                  \
	{                                       \
		(type), &(value), sizeof(value) \
	}

/* DER of the name of P-256 */
static CK_BYTE curve[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01,
	0x07 };
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static CK_FUNCTION_LIST *p11;
static CK_SESSION_HANDLE session = CK_INVALID_HANDLE;

static const char *
label_of(hm_key key)
{
	return key == HM_KEY_IDENTITY ? "hallmark-identity"
	       : key == HM_KEY_KEM    ? "hallmark-kem"
				      : "hallmark-attest";
}

/* ---- opening ---- */

/* Labels are padded with blanks. */
static bool
has_label(const CK_TOKEN_INFO *info, const char *label)
{
	size_t len = strlen(label);

	if (len > sizeof(info->label) || memcmp(info->label, label, len) != 0)
		return false;
	for (; len < sizeof(info->label); len++)
		if (info->label[len] != ' ')
			return false;
	return true;
}

static hm_err
find_slot(const char *label, CK_SLOT_ID *ret)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG count = SLOTS_MAX;
	unsigned found = 0;

	if (p11->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
		return HM_E_TOKEN_MATCH;
	for (CK_ULONG i = 0; i < count; i++) {
		CK_TOKEN_INFO info;

		if (p11->C_GetTokenInfo(slots[i], &info) != CKR_OK ||
		    !(info.flags & CKF_TOKEN_INITIALIZED) ||
		    !has_label(&info, label))
			continue;
		*ret = slots[i];
		found++;
	}
	return found == 1 ? HM_OK : HM_E_TOKEN_MATCH;
}

static hm_err
login(const char *path)
{
	uint8_t pin[PIN_MAX];
	size_t len = 0;
	hm_err err =
	    linux_read_file(path, (struct hm_span){ pin, sizeof(pin) }, &len);

	while (err == HM_OK && len > 0 && pin[len - 1] == '\n')
		len--;
	if (err == HM_OK &&
	    p11->C_Login(session, CKU_USER, pin, (CK_ULONG)len) != CKR_OK)
		err = HM_E_TOKEN_PIN;
	hm_wipe(pin, sizeof(pin));
	return err;
}

static void
close_p11(void)
{
	if (p11 == NULL)
		return;
	if (session != CK_INVALID_HANDLE)
		(void)p11->C_CloseSession(session);
	session = CK_INVALID_HANDLE;
	(void)p11_kit_module_finalize(p11);
	p11_kit_module_release(p11);
	p11 = NULL;
}

static hm_err
open_session(const struct linux_config *config, const char *label)
{
	CK_SLOT_ID slot = 0;

	HM_TRY(find_slot(label, &slot));
	if (p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL,
		NULL, &session) != CKR_OK)
		return HM_E_TOKEN_MATCH;
	return login(config->pin);
}

static hm_err
open_p11(const struct linux_config *config, const char *label)
{
	hm_err err;

	p11 = p11_kit_module_load(config->module, P11_KIT_MODULE_CRITICAL);
	if (p11 == NULL)
		return HM_E_TOKEN_MODULE;
	if (p11_kit_module_initialize(p11) != CKR_OK) {
		p11_kit_module_release(p11);
		p11 = NULL;
		return HM_E_TOKEN_MODULE;
	}
	err = open_session(config, label);
	if (err != HM_OK)
		close_p11();
	return err;
}

/* ---- objects ---- */

/* HM_E_NOT_FOUND; HM_E_STORAGE: more than one, or the token fails. */
static hm_err
find(hm_key key, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *ret)
{
	CK_BYTE label[32];
	size_t len = strlen(label_of(key));
	CK_ATTRIBUTE wanted[] = { ATTRIBUTE(CKA_CLASS, class),
		{ CKA_LABEL, label, (CK_ULONG)len } };
	CK_OBJECT_HANDLE found[2];
	CK_ULONG count = 0;
	CK_RV rv;

	memcpy(label, label_of(key), len);
	if (p11->C_FindObjectsInit(session, wanted, 2) != CKR_OK)
		return HM_E_STORAGE;
	rv = p11->C_FindObjects(session, found, 2, &count);
	if (p11->C_FindObjectsFinal(session) != CKR_OK || rv != CKR_OK ||
	    count > 1)
		return HM_E_STORAGE;
	if (count == 0)
		return HM_E_NOT_FOUND;
	*ret = found[0];
	return HM_OK;
}

static hm_err
find_made(hm_key key, CK_OBJECT_HANDLE *ret)
{
	return find(key, CKO_PRIVATE_KEY, ret) == HM_OK ? HM_OK : HM_E_STORAGE;
}

static hm_err
generate(hm_key key)
{
	CK_MECHANISM mechanism = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
	CK_BBOOL signs = key == HM_KEY_KEM ? CK_FALSE : CK_TRUE;
	CK_BBOOL agrees = key == HM_KEY_KEM ? CK_TRUE : CK_FALSE;
	CK_BYTE label[32];
	size_t len = strlen(label_of(key));
	CK_ATTRIBUTE public_half[] = { ATTRIBUTE(CKA_EC_PARAMS, curve),
		ATTRIBUTE(CKA_TOKEN, yes), ATTRIBUTE(CKA_VERIFY, signs),
		ATTRIBUTE(CKA_PRIVATE, no),
		{ CKA_LABEL, label, (CK_ULONG)len } };
	CK_ATTRIBUTE private_half[] = { ATTRIBUTE(CKA_TOKEN, yes),
		ATTRIBUTE(CKA_PRIVATE, yes), ATTRIBUTE(CKA_SENSITIVE, yes),
		ATTRIBUTE(CKA_EXTRACTABLE, no), ATTRIBUTE(CKA_SIGN, signs),
		ATTRIBUTE(CKA_DERIVE, agrees),
		{ CKA_LABEL, label, (CK_ULONG)len } };
	CK_OBJECT_HANDLE made[2];

	memcpy(label, label_of(key), len);
	return p11->C_GenerateKeyPair(session, &mechanism, public_half, 5,
		   private_half, 7, &made[0], &made[1]) == CKR_OK
		   ? HM_OK
		   : HM_E_STORAGE;
}

static hm_err
make(hm_key key)
{
	CK_OBJECT_HANDLE private_half = 0, public_half = 0;
	hm_err a = find(key, CKO_PRIVATE_KEY, &private_half);
	hm_err b = find(key, CKO_PUBLIC_KEY, &public_half);

	if (a == HM_OK && b == HM_OK)
		return HM_OK;
	if (a == HM_E_STORAGE || b == HM_E_STORAGE)
		return HM_E_STORAGE;
	if (a == HM_OK && p11->C_DestroyObject(session, private_half) != CKR_OK)
		return HM_E_STORAGE;
	if (b == HM_OK && p11->C_DestroyObject(session, public_half) != CKR_OK)
		return HM_E_STORAGE;
	return generate(key);
}

/* ---- use ---- */

/* CKA_EC_POINT is an OCTET STRING; some tokens leave its head out. */
static hm_err
point(hm_key key, uint8_t ret[static HM_POINT_LEN])
{
	CK_BYTE room[POINT_DER_LEN];
	CK_ATTRIBUTE wanted = { CKA_EC_POINT, room, sizeof(room) };
	CK_OBJECT_HANDLE object = 0;
	size_t at = 0;

	if (find(key, CKO_PUBLIC_KEY, &object) != HM_OK ||
	    p11->C_GetAttributeValue(session, object, &wanted, 1) != CKR_OK)
		return HM_E_STORAGE;
	if (wanted.ulValueLen == POINT_DER_LEN && room[0] == 0x04 &&
	    room[1] == HM_POINT_LEN)
		at = 2;
	else if (wanted.ulValueLen != HM_POINT_LEN)
		return HM_E_STORAGE;
	if (room[at] != 0x04)
		return HM_E_STORAGE;
	memcpy(ret, room + at, HM_POINT_LEN);
	return HM_OK;
}

static hm_err
sign(hm_key key, const uint8_t digest[static HM_DIGEST_LEN],
    uint8_t ret[static HM_SIGNATURE_LEN])
{
	CK_MECHANISM mechanism = { CKM_ECDSA, NULL, 0 };
	CK_BYTE input[HM_DIGEST_LEN], signature[HM_SIGNATURE_LEN];
	CK_ULONG len = sizeof(signature);
	CK_OBJECT_HANDLE object = 0;

	HM_TRY(find_made(key, &object));
	memcpy(input, digest, sizeof(input));
	if (p11->C_SignInit(session, &mechanism, object) != CKR_OK ||
	    p11->C_Sign(session, input, sizeof(input), signature, &len) !=
		CKR_OK ||
	    len != sizeof(signature))
		return HM_E_STORAGE;
	memcpy(ret, signature, sizeof(signature));
	return HM_OK;
}

/* What the two agreed on is an object of the session, until it was read. */
static hm_err
take_secret(CK_OBJECT_HANDLE secret, uint8_t ret[static 32])
{
	CK_BYTE value[32];
	CK_ATTRIBUTE wanted = { CKA_VALUE, value, sizeof(value) };
	CK_RV rv = p11->C_GetAttributeValue(session, secret, &wanted, 1);
	CK_RV gone = p11->C_DestroyObject(session, secret);
	hm_err err = HM_E_STORAGE;

	if (rv == CKR_OK && gone == CKR_OK &&
	    wanted.ulValueLen == sizeof(value)) {
		memcpy(ret, value, sizeof(value));
		err = HM_OK;
	}
	hm_wipe(value, sizeof(value));
	return err;
}

/* Tokens differ in what they say to a point that is not on the curve, and some
 * do not look: we do. */
static hm_err
agree(hm_key key, const uint8_t other[static HM_POINT_LEN],
    uint8_t ret[static 32])
{
	static const uint8_t one[32] = { [31] = 1 };
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_GENERIC_SECRET;
	CK_ULONG len = 32;
	CK_ATTRIBUTE wanted[] = { ATTRIBUTE(CKA_CLASS, class),
		ATTRIBUTE(CKA_KEY_TYPE, type), ATTRIBUTE(CKA_TOKEN, no),
		ATTRIBUTE(CKA_SENSITIVE, no), ATTRIBUTE(CKA_EXTRACTABLE, yes),
		ATTRIBUTE(CKA_VALUE_LEN, len) };
	CK_BYTE theirs[HM_POINT_LEN];
	CK_ECDH1_DERIVE_PARAMS how = { CKD_NULL, 0, NULL, sizeof(theirs),
		theirs };
	CK_MECHANISM mechanism = { CKM_ECDH1_DERIVE, &how, sizeof(how) };
	CK_OBJECT_HANDLE object = 0, secret = 0;
	uint8_t x[32];

	HM_TRY(hm_p256_agree(one, other, x));
	HM_TRY(find_made(key, &object));
	memcpy(theirs, other, sizeof(theirs));
	if (p11->C_DeriveKey(session, &mechanism, object, wanted, 6, &secret) !=
	    CKR_OK)
		return HM_E_STORAGE;
	return take_secret(secret, ret);
}

const struct keys keys_p11 = {
	.name = "pkcs11",
	.open = open_p11,
	.close = close_p11,
	.make = make,
	.point = point,
	.sign = sign,
	.agree = agree,
};
