/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_ca - what a device certificate costs beside its bare signature
 *
 * Key in memory, so that our own work shows: serial number, pieces, digest,
 * DER. One JSON line a figure, CPU time, median of seven rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include "base/auto.h"
#include "ca/ca.h"
#include "core/check.h"
#include "crypto/digest.h"
#include "crypto/p256.h"

#define ROUNDS 7
#define ROUND_US 60000.0
#define NOW UINT64_C(1790000000)
#define CLAIMS_LEN 500 /* of which the device proves that it has the key */
#define YEAR_S (365 * UINT64_C(86400))
#define HW_TYPE "\x2b\x06\x01\x04\x01\x81\xfd\x59\x01\x01"

static struct {
	EVP_PKEY *root;
	struct p256_pair *sub;
	struct ca_template *template_;
	struct buf sub_der, der;
	uint8_t point[P256_POINT_LEN], digest[32], hw_serial[32];
	uint8_t signature[P256_SIGNATURE_LEN], possession[P256_SIGNATURE_LEN];
	struct ca_view view;
	bool is_free; /* the signer answers at once */
} t;

static hm_err
sign(void *context, struct hm_bytes digest, uint8_t *ret, size_t ret_len)
{
	hm_assert(digest.len == 32 && ret_len == P256_SIGNATURE_LEN);
	if (!t.is_free)
		return p256_pair_sign(context, digest.ptr, ret);
	memcpy(ret, t.signature, sizeof(t.signature));
	return HM_OK;
}

static double
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void
make_device(void)
{
	struct ca_device device = { .point = t.point,
		.serial = HM_LITERAL("SN-000001"),
		.hw_serial = HM_BYTES(t.hw_serial),
		.not_before_s = NOW };
	uint8_t number[CA_SERIAL_LEN];

	buf_clear(&t.der);
	hm_assert(
	    ca_device_make(t.template_, &device, number, &t.der) == HM_OK);
}

static void
bare_sign(void)
{
	hm_assert(p256_pair_sign(t.sub, t.digest, t.signature) == HM_OK);
}

static void
view_device(void)
{
	hm_assert(ca_view(buf_bytes(&t.der), &t.view) == HM_OK);
}

static void
verify_device(void)
{
	hm_assert(ca_verify(buf_bytes(&t.der), buf_bytes(&t.sub_der)) == HM_OK);
}

/* What a request for a certificate costs: the key must be the device's. */
static void
certify_device(void)
{
	static const uint8_t claims[CLAIMS_LEN];
	uint8_t digest[32];

	sha256_one(HM_BYTES(claims), digest);
	hm_assert(p256_verify(t.point, digest, t.possession) == HM_OK);
	make_device();
}

static double
run_us(void (*work)(void))
{
	double start = now_us(), spent;
	unsigned count = 0;

	do {
		work();
		count++;
		spent = now_us() - start;
	} while (spent < ROUND_US);
	return spent / count;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median_us(void (*work)(void))
{
	double rounds[ROUNDS];

	for (size_t i = 0; i < ROUNDS; i++)
		rounds[i] = run_us(work);
	qsort(rounds, ROUNDS, sizeof(rounds[0]), compare);
	return rounds[ROUNDS / 2];
}

static void
print(const char *name, double us, double bare_us)
{
	printf("{\"bench\":\"ca\",\"name\":\"%s\",\"us\":%.2f", name, us);
	if (bare_us > 0)
		printf(
		    ",\"bare_us\":%.2f,\"ratio\":%.3f", bare_us, us / bare_us);
	printf("}\n");
}

static hm_err
root_sign(void *context, struct hm_bytes digest, uint8_t *ret, size_t ret_len)
{
	EVP_PKEY_CTX *key = EVP_PKEY_CTX_new(context, NULL);
	uint8_t der[128];
	const uint8_t *at = der;
	size_t len = sizeof(der);
	ECDSA_SIG *sig;

	hm_assert(ret_len == 96 && EVP_PKEY_sign_init(key) == 1);
	hm_assert(EVP_PKEY_sign(key, der, &len, digest.ptr, digest.len) == 1);
	sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
	hm_assert(sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, 48) == 48 &&
		  BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + 48, 48) == 48);
	ECDSA_SIG_free(sig);
	EVP_PKEY_CTX_free(key);
	return HM_OK;
}

static void
make_cas(void)
{
	AUTO(buf) struct buf root = { 0 };
	uint8_t root_point[97], sub_point[P256_POINT_LEN];
	struct ca_issuer issuer = { .sig = CA_ES384, .sign = root_sign };
	struct ca_request request = { .profile = CA_ROOT,
		.common_name = "Root",
		.public_key = HM_BYTES(root_point),
		.not_before_s = NOW,
		.not_after_s = NOW + YEAR_S };
	size_t len;

	t.root = EVP_EC_gen("P-384");
	hm_assert(EVP_PKEY_get_octet_string_param(t.root, "pub", root_point,
		      sizeof(root_point), &len) == 1);
	issuer.context = t.root;
	buf_init(&root, 4096);
	hm_assert(ca_make(&issuer, &request, &root, NULL) == HM_OK);
	issuer.certificate = buf_bytes(&root);
	p256_pair_point(t.sub, sub_point);
	request.profile = CA_SUB;
	request.common_name = "Sub";
	request.public_key = HM_BYTES(sub_point);
	hm_assert(ca_make(&issuer, &request, &t.sub_der, NULL) == HM_OK);
}

static void
setup(void)
{
	struct ca_issuer issuer = { .sig = CA_ES256, .sign = sign };
	static const uint8_t claims[CLAIMS_LEN];
	uint8_t digest[32];
	struct p256_pair *device;

	hm_assert(p256_pair_new(&t.sub) == HM_OK);
	hm_assert(p256_pair_new(&device) == HM_OK);
	p256_pair_point(device, t.point);
	sha256_one(HM_BYTES(claims), digest);
	hm_assert(p256_pair_sign(device, digest, t.possession) == HM_OK);
	p256_pair_free(device);
	buf_init(&t.sub_der, 4096);
	buf_init(&t.der, 2048);
	make_cas();
	issuer.certificate = buf_bytes(&t.sub_der);
	issuer.context = t.sub;
	hm_assert(ca_template_new(&issuer, HM_LITERAL("Example Works"),
		      HM_LITERAL(HW_TYPE), &t.template_) == HM_OK);
}

int
main(void)
{
	double bare_us;

	setup();
	bare_us = median_us(bare_sign);
	print("device", median_us(make_device), bare_us);
	print("certificate", median_us(certify_device), 0);
	print("view", median_us(view_device), 0);
	print("verify", median_us(verify_device), 0);
	t.is_free = true;
	print("device-without-signature", median_us(make_device), 0);
	ca_template_free(t.template_);
	p256_pair_free(t.sub);
	EVP_PKEY_free(t.root);
	buf_done(&t.sub_der);
	buf_done(&t.der);
	return 0;
}
