/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys in a TPM 2.0, by ESAPI. Each is a child of the storage root key, its
 * two blobs are a file in the folder and of use in this TPM only:
 *
 *   u16 length | TPM2B_PUBLIC | TPM2B_PRIVATE
 *
 * A TPM without a resource manager has three transient slots, so the root key
 * is made for each use (0.8 ms on swtpm), at most two objects are loaded, and
 * all are flushed. Nothing of the TPM is changed but two NV indices, if the
 * TPM counts:
 *
 *   0x01804801   counter: only TPM2_NV_Increment, which survives anything
 *   0x01804802   where it stood when the device was made, write-locked: a new
 *                counter begins where any counter of this TPM ever stood
 *
 * They and the keys are the owner's: an OEM sets an owner password after this,
 * or whoever is root can undefine the counter (notes in docs/porting.md).
 */
#include <string.h>

#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_tctildr.h>

#include "keys.h"

#define NV_COUNTER 0x01804801u
#define NV_BASE 0x01804802u
#define NV_LEN 8
#define BLOB_MAX 1024

static TSS2_TCTI_CONTEXT *tcti;
static ESYS_CONTEXT *esys;

static const char *
file_of(hm_key key)
{
	return key == HM_KEY_IDENTITY ? "tpm-identity"
	       : key == HM_KEY_KEM    ? "tpm-kem"
				      : "tpm-attest";
}

static void
close_tpm(void)
{
	Esys_Finalize(&esys);
	Tss2_TctiLdr_Finalize(&tcti);
}

/*
 * A process that was killed leaves its objects in the slots until the TPM is
 * reset; a resource manager clears up after it, and shows nobody's but ours.
 * Without one the TPM is this device's alone.
 */
static hm_err
clear_slots(void)
{
	TPMS_CAPABILITY_DATA *data = NULL;
	TPMI_YES_NO more = TPM2_NO;
	hm_err err = HM_OK;

	if (Esys_GetCapability(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
		TPM2_CAP_HANDLES, TPM2_TRANSIENT_FIRST, TPM2_MAX_CAP_HANDLES,
		&more, &data) != TSS2_RC_SUCCESS)
		return HM_E_IO;
	for (uint32_t i = 0; i < data->data.handles.count; i++) {
		ESYS_TR object = ESYS_TR_NONE;

		if (Esys_TR_FromTPMPublic(esys, data->data.handles.handle[i],
			ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
			&object) != TSS2_RC_SUCCESS ||
		    Esys_FlushContext(esys, object) != TSS2_RC_SUCCESS)
			err = HM_E_IO;
	}
	Esys_Free(data);
	return err;
}

static hm_err
open_tpm(const struct linux_config *config, const char *where)
{
	hm_err err;

	(void)config;
	if (Tss2_TctiLdr_Initialize(where, &tcti) != TSS2_RC_SUCCESS)
		return HM_E_IO;
	if (Esys_Initialize(&esys, tcti, NULL) != TSS2_RC_SUCCESS) {
		close_tpm();
		return HM_E_IO;
	}
	err = clear_slots();
	if (err != HM_OK)
		close_tpm();
	return err;
}

/* ---- objects ---- */

static void
flush(ESYS_TR *object)
{
	/* What cannot be flushed the next call will fail for want of room. */
	if (*object != ESYS_TR_NONE)
		(void)Esys_FlushContext(esys, *object);
	*object = ESYS_TR_NONE;
}

static TPM2B_PUBLIC template(TPMA_OBJECT attributes)
{
	TPM2B_PUBLIC made = { .publicArea = { .type = TPM2_ALG_ECC,
				  .nameAlg = TPM2_ALG_SHA256,
				  .objectAttributes = attributes } };
	TPMS_ECC_PARMS *ecc = &made.publicArea.parameters.eccDetail;

	ecc->symmetric.algorithm = TPM2_ALG_NULL;
	ecc->scheme.scheme = TPM2_ALG_NULL;
	ecc->curveID = TPM2_ECC_NIST_P256;
	ecc->kdf.scheme = TPM2_ALG_NULL;
	return made;
}

/* The storage root key of the TCG's profile (template SRK, P-256). */
static hm_err
make_root(ESYS_TR *ret)
{
	static const TPM2B_SENSITIVE_CREATE sensitive;
	static const TPM2B_DATA outside;
	static const TPML_PCR_SELECTION pcrs;
	TPM2B_PUBLIC wanted =
	    template(TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT |
		     TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
		     TPMA_OBJECT_SENSITIVEDATAORIGIN |
		     TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA);
	TPMT_SYM_DEF_OBJECT *aes =
	    &wanted.publicArea.parameters.eccDetail.symmetric;

	aes->algorithm = TPM2_ALG_AES;
	aes->keyBits.aes = 128;
	aes->mode.aes = TPM2_ALG_CFB;
	return Esys_CreatePrimary(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
		   ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &wanted, &outside,
		   &pcrs, ret, NULL, NULL, NULL, NULL) == TSS2_RC_SUCCESS
		   ? HM_OK
		   : HM_E_STORAGE;
}

static hm_err
save(hm_key key, const TPM2B_PUBLIC *public, const TPM2B_PRIVATE *private)
{
	uint8_t blob[BLOB_MAX];
	size_t len = 2;

	if (Tss2_MU_TPM2B_PUBLIC_Marshal(public, blob, sizeof(blob), &len) !=
	    TSS2_RC_SUCCESS)
		return HM_E_STORAGE;
	hm_put_u16(blob, (uint16_t)(len - 2));
	if (Tss2_MU_TPM2B_PRIVATE_Marshal(private, blob, sizeof(blob), &len) !=
	    TSS2_RC_SUCCESS)
		return HM_E_STORAGE;
	return linux_store_write(file_of(key), (struct hm_bytes){ blob, len });
}

static hm_err
read_blobs(hm_key key, TPM2B_PUBLIC *ret_public, TPM2B_PRIVATE *ret_private)
{
	uint8_t blob[BLOB_MAX];
	size_t len = 0, at = 2;

	HM_TRY(linux_store_read(
	    file_of(key), (struct hm_span){ blob, sizeof(blob) }, &len));
	memset(ret_public, 0, sizeof(*ret_public));
	memset(ret_private, 0, sizeof(*ret_private));
	if (len < 2 ||
	    Tss2_MU_TPM2B_PUBLIC_Unmarshal(blob, len, &at, ret_public) !=
		TSS2_RC_SUCCESS ||
	    at != hm_get_u16(blob) + 2u ||
	    Tss2_MU_TPM2B_PRIVATE_Unmarshal(blob, len, &at, ret_private) !=
		TSS2_RC_SUCCESS ||
	    at != len)
		return HM_E_STORAGE;
	return HM_OK;
}

static hm_err
make(hm_key key)
{
	static const TPM2B_SENSITIVE_CREATE sensitive;
	static const TPM2B_DATA outside;
	static const TPML_PCR_SELECTION pcrs;
	const TPM2B_PUBLIC wanted = template(
	    TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
	    TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
	    (key == HM_KEY_KEM ? TPMA_OBJECT_DECRYPT
			       : TPMA_OBJECT_SIGN_ENCRYPT));
	TPM2B_PUBLIC *public = NULL;
	TPM2B_PRIVATE *private = NULL;
	ESYS_TR root = ESYS_TR_NONE;
	uint8_t blob[BLOB_MAX];
	size_t len = 0;
	hm_err err = linux_store_read(
	    file_of(key), (struct hm_span){ blob, sizeof(blob) }, &len);

	if (err != HM_E_NOT_FOUND)
		return err == HM_OK ? HM_OK : HM_E_STORAGE;
	HM_TRY(make_root(&root));
	err = HM_E_STORAGE;
	if (Esys_Create(esys, root, ESYS_TR_PASSWORD, ESYS_TR_NONE,
		ESYS_TR_NONE, &sensitive, &wanted, &outside, &pcrs, &private,
		&public, NULL, NULL, NULL) == TSS2_RC_SUCCESS)
		err = save(key, public, private);
	Esys_Free(public);
	Esys_Free(private);
	flush(&root);
	return err;
}

/* Into a transient slot, for one use. */
static hm_err
load(hm_key key, ESYS_TR *ret)
{
	TPM2B_PUBLIC public;
	TPM2B_PRIVATE private;
	ESYS_TR root = ESYS_TR_NONE;
	hm_err err = read_blobs(key, &public, &private);

	if (err != HM_OK)
		return HM_E_STORAGE;
	HM_TRY(make_root(&root));
	if (Esys_Load(esys, root, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
		&private, &public, ret) != TSS2_RC_SUCCESS)
		err = HM_E_STORAGE;
	flush(&root);
	return err;
}

/* ---- use ---- */

/* A number as a TPM writes it may be shorter than its field. */
static hm_err
put_number(const TPM2B_ECC_PARAMETER *number, uint8_t ret[static 32])
{
	if (number->size > 32)
		return HM_E_STORAGE;
	memset(ret, 0, 32u - number->size);
	memcpy(ret + 32 - number->size, number->buffer, number->size);
	return HM_OK;
}

static hm_err
point(hm_key key, uint8_t ret[static HM_POINT_LEN])
{
	TPM2B_PUBLIC public;
	TPM2B_PRIVATE private;
	const TPMS_ECC_POINT *at = &public.publicArea.unique.ecc;
	uint8_t made[HM_POINT_LEN] = { 0x04 };

	if (read_blobs(key, &public, &private) != HM_OK ||
	    public.publicArea.type != TPM2_ALG_ECC)
		return HM_E_STORAGE;
	HM_TRY(put_number(&at->x, made + 1));
	HM_TRY(put_number(&at->y, made + 33));
	memcpy(ret, made, sizeof(made));
	return HM_OK;
}

static hm_err
sign(hm_key key, const uint8_t digest[static HM_DIGEST_LEN],
    uint8_t ret[static HM_SIGNATURE_LEN])
{
	static const TPMT_TK_HASHCHECK unchecked = { .tag = TPM2_ST_HASHCHECK,
		.hierarchy = TPM2_RH_NULL };
	const TPMT_SIG_SCHEME scheme = { .scheme = TPM2_ALG_ECDSA,
		.details.ecdsa.hashAlg = TPM2_ALG_SHA256 };
	TPM2B_DIGEST input = { .size = HM_DIGEST_LEN };
	TPMT_SIGNATURE *signature = NULL;
	ESYS_TR object = ESYS_TR_NONE;
	uint8_t made[HM_SIGNATURE_LEN];
	hm_err err = HM_E_STORAGE;

	HM_TRY(load(key, &object));
	memcpy(input.buffer, digest, HM_DIGEST_LEN);
	if (Esys_Sign(esys, object, ESYS_TR_PASSWORD, ESYS_TR_NONE,
		ESYS_TR_NONE, &input, &scheme, &unchecked,
		&signature) == TSS2_RC_SUCCESS &&
	    signature->sigAlg == TPM2_ALG_ECDSA &&
	    put_number(&signature->signature.ecdsa.signatureR, made) == HM_OK)
		err = put_number(
		    &signature->signature.ecdsa.signatureS, made + 32);
	Esys_Free(signature);
	flush(&object);
	if (err == HM_OK)
		memcpy(ret, made, sizeof(made));
	return err;
}

static hm_err
agree(hm_key key, const uint8_t other[static HM_POINT_LEN],
    uint8_t ret[static 32])
{
	static const uint8_t one[32] = { [31] = 1 };
	TPM2B_ECC_POINT theirs = { 0 }, *ours = NULL;
	ESYS_TR object = ESYS_TR_NONE;
	hm_err err = HM_E_STORAGE;
	uint8_t x[32];

	HM_TRY(hm_p256_agree(one, other, x)); /* is it on the curve? */
	HM_TRY(load(key, &object));
	theirs.point.x.size = theirs.point.y.size = 32;
	memcpy(theirs.point.x.buffer, other + 1, 32);
	memcpy(theirs.point.y.buffer, other + 33, 32);
	if (Esys_ECDH_ZGen(esys, object, ESYS_TR_PASSWORD, ESYS_TR_NONE,
		ESYS_TR_NONE, &theirs, &ours) == TSS2_RC_SUCCESS)
		err = put_number(&ours->point.x, ret);
	if (ours != NULL)
		hm_wipe(ours, sizeof(*ours));
	Esys_Free(ours);
	flush(&object);
	return err;
}

/* ---- the counter ---- */

/* HM_E_NOT_FOUND: it is not defined. */
static hm_err
find_nv(TPM2_HANDLE index, ESYS_TR *ret)
{
	TPMS_CAPABILITY_DATA *data = NULL;
	TPMI_YES_NO more = TPM2_NO;
	bool there;

	if (Esys_GetCapability(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
		TPM2_CAP_HANDLES, index, 1, &more, &data) != TSS2_RC_SUCCESS)
		return HM_E_IO;
	there = data->data.handles.count == 1 &&
		data->data.handles.handle[0] == index;
	Esys_Free(data);
	if (!there)
		return HM_E_NOT_FOUND;
	return Esys_TR_FromTPMPublic(esys, index, ESYS_TR_NONE, ESYS_TR_NONE,
		   ESYS_TR_NONE, ret) == TSS2_RC_SUCCESS
		   ? HM_OK
		   : HM_E_IO;
}

static hm_err
define_nv(TPM2_HANDLE index, TPMA_NV attributes, ESYS_TR *ret)
{
	static const TPM2B_AUTH none;
	const TPM2B_NV_PUBLIC wanted = {
		.nvPublic = { .nvIndex = index,
		    .nameAlg = TPM2_ALG_SHA256,
		    .attributes = attributes | TPMA_NV_AUTHREAD |
				  TPMA_NV_AUTHWRITE | TPMA_NV_NO_DA,
		    .dataSize = NV_LEN }
	};

	return Esys_NV_DefineSpace(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
		   ESYS_TR_NONE, ESYS_TR_NONE, &none, &wanted,
		   ret) == TSS2_RC_SUCCESS
		   ? HM_OK
		   : HM_E_IO;
}

static hm_err
read_nv(ESYS_TR index, uint64_t *ret)
{
	TPM2B_MAX_NV_BUFFER *data = NULL;
	hm_err err = HM_E_IO;

	if (Esys_NV_Read(esys, index, index, ESYS_TR_PASSWORD, ESYS_TR_NONE,
		ESYS_TR_NONE, NV_LEN, 0, &data) == TSS2_RC_SUCCESS &&
	    data->size == NV_LEN) {
		*ret = hm_get_u64(data->buffer);
		err = HM_OK;
	}
	Esys_Free(data);
	return err;
}

static hm_err
increment(ESYS_TR index)
{
	return Esys_NV_Increment(esys, index, index, ESYS_TR_PASSWORD,
		   ESYS_TR_NONE, ESYS_TR_NONE) == TSS2_RC_SUCCESS
		   ? HM_OK
		   : HM_E_IO;
}

/* A counter has no value before it was incremented once. */
static hm_err
have_counter(ESYS_TR *ret)
{
	hm_err err = find_nv(NV_COUNTER, ret);
	uint64_t value;

	if (err == HM_E_NOT_FOUND)
		err = define_nv(NV_COUNTER,
		    (TPMA_NV)(TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT), ret);
	HM_TRY(err);
	return read_nv(*ret, &value) == HM_OK ? HM_OK : increment(*ret);
}

/* Written and locked in this order; cut between, it is written again: the
 * counter has not moved. */
static hm_err
have_base(ESYS_TR counter, ESYS_TR *ret)
{
	TPM2B_MAX_NV_BUFFER data = { .size = NV_LEN };
	hm_err err = find_nv(NV_BASE, ret);
	uint64_t value = 0;

	if (err == HM_E_NOT_FOUND)
		err = define_nv(NV_BASE, TPMA_NV_WRITEDEFINE, ret);
	HM_TRY(err);
	HM_TRY(read_nv(counter, &value));
	hm_put_u64(data.buffer, value);
	/* Both fail once it is locked: then it is as it must be. */
	if (Esys_NV_Write(esys, *ret, *ret, ESYS_TR_PASSWORD, ESYS_TR_NONE,
		ESYS_TR_NONE, &data, 0) == TSS2_RC_SUCCESS &&
	    Esys_NV_WriteLock(esys, *ret, *ret, ESYS_TR_PASSWORD, ESYS_TR_NONE,
		ESYS_TR_NONE) != TSS2_RC_SUCCESS)
		return HM_E_IO;
	return HM_OK;
}

static hm_err
stand(ESYS_TR counter, ESYS_TR base, uint32_t *ret)
{
	uint64_t now = 0, first = 0;

	HM_TRY(read_nv(counter, &now));
	HM_TRY(read_nv(base, &first));
	if (now < first || now - first > UINT32_MAX)
		return HM_E_IO;
	*ret = (uint32_t)(now - first);
	return HM_OK;
}

static hm_err
counter(uint32_t *ret)
{
	ESYS_TR index = ESYS_TR_NONE, base = ESYS_TR_NONE;

	if (find_nv(NV_COUNTER, &index) != HM_OK ||
	    find_nv(NV_BASE, &base) != HM_OK)
		return HM_E_IO;
	return stand(index, base, ret);
}

static hm_err
raise_to(uint32_t value)
{
	ESYS_TR index = ESYS_TR_NONE, base = ESYS_TR_NONE;
	uint32_t now = 0;

	HM_TRY(have_counter(&index));
	HM_TRY(have_base(index, &base));
	HM_TRY(stand(index, base, &now));
	for (; now < value; now++)
		HM_TRY(increment(index));
	return HM_OK;
}

const struct keys keys_tpm = {
	.name = "tpm",
	.open = open_tpm,
	.close = close_tpm,
	.make = make,
	.point = point,
	.sign = sign,
	.agree = agree,
	.counter = counter,
	.raise = raise_to,
};
