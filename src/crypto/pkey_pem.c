/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The label of a PEM block decides how it is read; nothing is tried out. A file
 * is one key: parameters of a curve may stand before it (openssl ecparam writes
 * them), a second key or certificate may not.
 */
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "crypto/pkey_parts.h"

static const char private_labels[][24] = { "PRIVATE KEY", "EC PRIVATE KEY",
	"RSA PRIVATE KEY" };

struct block {
	char *label, *header;
	uint8_t *der;
	long len;
};

static void
block_done(struct block *block)
{
	if (block->der != NULL)
		OPENSSL_cleanse(block->der, (size_t)block->len);
	OPENSSL_free(block->der);
	OPENSSL_free(block->label);
	OPENSSL_free(block->header);
	*block = (struct block){ 0 };
}

static bool
next_block(BIO *bio, struct block *ret)
{
	*ret = (struct block){ 0 };
	return PEM_read_bio(
		   bio, &ret->label, &ret->header, &ret->der, &ret->len) == 1;
}

static bool
is_private_label(const char *label)
{
	for (size_t i = 0;
	     i < sizeof(private_labels) / sizeof(private_labels[0]); i++)
		if (strcmp(label, private_labels[i]) == 0)
			return true;
	return false;
}

static bool
is_encrypted(const struct block *block)
{
	return strcmp(block->label, "ENCRYPTED PRIVATE KEY") == 0 ||
	       strstr(block->header, "ENCRYPTED") != NULL;
}

static int
give_passphrase(char *room, int size, int writing, void *context)
{
	const struct secret *passphrase = context;

	(void)writing;
	if (passphrase == NULL || size < 0 || passphrase->len > (size_t)size)
		return -1;
	memcpy(room, passphrase->bytes, passphrase->len);
	return (int)passphrase->len;
}

/* A header "DEK-Info", as `openssl genrsa -traditional` writes it, names its
 * cipher; libcrypto finds that among those that were made known. */
static bool
know_old_ciphers(void)
{
	return EVP_add_cipher(EVP_aes_128_cbc()) == 1 &&
	       EVP_add_cipher(EVP_aes_192_cbc()) == 1 &&
	       EVP_add_cipher(EVP_aes_256_cbc()) == 1 &&
	       EVP_add_cipher(EVP_des_ede3_cbc()) == 1;
}

static hm_err
open_encrypted(struct hm_bytes pem, const struct secret *passphrase,
    struct pkey **ret, struct why *why)
{
	BIO *bio;
	EVP_PKEY *evp;

	if (passphrase == NULL)
		return WHY(why, HM_E_KEY,
		    "the key is encrypted and no passphrase was given");
	if (!know_old_ciphers())
		return ossl_failed(HM_E_NO_MEMORY);
	bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	if (bio == NULL)
		return ossl_failed(HM_E_NO_MEMORY);
	evp = PEM_read_bio_PrivateKey(
	    bio, NULL, give_passphrase, (void *)(uintptr_t)passphrase);
	BIO_free(bio);
	if (evp == NULL) {
		(void)ossl_failed(HM_E_KEY);
		return WHY(why, HM_E_KEY,
		    "the key does not open with that passphrase");
	}
	return pkey_adopt(evp, true, ret);
}

static EVP_PKEY *
certificate_key(const uint8_t *der, long len)
{
	X509 *cert = d2i_X509(NULL, &der, len);
	EVP_PKEY *evp = cert == NULL ? NULL : X509_get_pubkey(cert);

	X509_free(cert);
	return evp;
}

static hm_err
private_key(struct hm_bytes der, struct pkey **ret)
{
	const uint8_t *at = der.ptr;

	if (pkey_der_is_private(der))
		return pkey_der_private(der, ret);
	return pkey_adopt(
	    d2i_AutoPrivateKey(NULL, &at, (long)der.len), true, ret);
}

/* As OpenSSL, what stands behind a key is not looked at. */
static hm_err
public_key(struct hm_bytes der, struct pkey **ret)
{
	const uint8_t *at = der.ptr;
	struct hm_bytes point;
	pkey_type type;

	if (pkey_der_is_point(der, &type, &point))
		return pkey_from_point(type, point, ret);
	return pkey_adopt(d2i_PUBKEY(NULL, &at, (long)der.len), false, ret);
}

static hm_err
from_block(const struct block *block, struct pkey **ret, struct why *why)
{
	const uint8_t *at = block->der;
	struct hm_bytes der = { at, (size_t)block->len };

	if (strcmp(block->label, "PUBLIC KEY") == 0)
		return public_key(der, ret);
	if (strcmp(block->label, "RSA PUBLIC KEY") == 0)
		return pkey_adopt(
		    d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, block->len), false,
		    ret);
	if (is_private_label(block->label))
		return private_key(der, ret);
	if (strcmp(block->label, "CERTIFICATE") == 0)
		return pkey_adopt(
		    certificate_key(block->der, block->len), false, ret);
	return WHY(why, HM_E_KEY, "\"%.40s\" is not a key", block->label);
}

static bool
is_decoration(const struct block *block)
{
	return strcmp(block->label, "EC PARAMETERS") == 0;
}

static hm_err
read_one(BIO *bio, struct hm_bytes pem, const struct secret *passphrase,
    struct pkey **ret, struct why *why)
{
	struct block block, more;
	bool found = next_block(bio, &block);
	hm_err err;

	while (found && is_decoration(&block)) {
		block_done(&block);
		found = next_block(bio, &block);
	}
	if (!found) {
		(void)ossl_failed(HM_E_KEY);
		return WHY(why, HM_E_KEY, "no key in PEM form");
	}
	if (next_block(bio, &more)) {
		err = WHY(why, HM_E_KEY, "more than one key");
		block_done(&more);
	} else if (is_encrypted(&block)) {
		err = open_encrypted(pem, passphrase, ret, why);
	} else {
		err = from_block(&block, ret, why);
	}
	ERR_clear_error();
	block_done(&block);
	return err;
}

hm_err
pkey_from_pem(struct hm_bytes pem, const struct secret *passphrase,
    struct pkey **ret, struct why *why)
{
	BIO *bio;
	hm_err err;

	if (pem.len == 0 || pem.len > 1 << 20)
		return WHY(why, HM_E_KEY, "no key in PEM form");
	bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	if (bio == NULL)
		return ossl_failed(HM_E_NO_MEMORY);
	err = read_one(bio, pem, passphrase, ret, why);
	BIO_free(bio);
	if (err == HM_E_KEY)
		return WHY(why, err, "not a key of a kind that is known");
	if (err == HM_E_KEY_WEAK)
		return WHY(why, err,
		    "RSA keys have 2048, 3072 or 4096 bits and the exponent "
		    "65537");
	return err;
}

hm_err
pkey_traditional_pem(const struct pkey *key, struct buf *ret)
{
	/* Secure memory of its own: BIO_s_mem() would leave copies. */
	BIO *bio = BIO_new(BIO_s_secmem());
	char *at = NULL;
	long len = 0;
	hm_err err = HM_E_KEY;

	if (bio != NULL && key->is_private &&
	    PEM_write_bio_PrivateKey_traditional(
		bio, key->evp, NULL, NULL, 0, NULL, NULL) == 1)
		len = BIO_get_mem_data(bio, &at);
	if (len > 0)
		err = buf_add(
		    ret, (struct hm_bytes){ (const uint8_t *)at, (size_t)len });
	if (at != NULL)
		OPENSSL_cleanse(at, (size_t)len);
	BIO_free(bio);
	return err == HM_E_KEY ? ossl_failed(HM_E_KEY) : err;
}
