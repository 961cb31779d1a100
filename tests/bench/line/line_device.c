/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ECDSA: s = (e + r d) / k. With k chosen ahead, a = 1/k and b = r d / k are
 * known before the digest e is, and what is left is one multiplication modulo
 * n, 2 us instead of 45. The keys and nonces are as random as any, and each is
 * used once.
 */
#include "line.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "attest/attest.h"
#include "base/text.h"
#include "core/check.h"
#include "crypto/digest.h"
#include "wire/conformance.h"
#include "wire/cose.h"
#include "wire/evidence.h"
#include "wire/stamp.h"

#include "seal/sign1.h"

#define ENROL_MAX 1000 /* keys of one enrolment */
#define SLOT "A1"

static struct {
	EC_GROUP *group;
	const BIGNUM *order;
	EC_POINT *point;
	BN_CTX *ctx;
	BIGNUM *scalar, *nonce, *r, *a, *b, *e;
} math;

static void
must(bool ok)
{
	hm_assert(ok);
}

static void
math_start(void)
{
	if (math.group != NULL)
		return;
	math.group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	must(math.group != NULL);
	math.order = EC_GROUP_get0_order(math.group);
	math.point = EC_POINT_new(math.group);
	math.ctx = BN_CTX_new();
	math.scalar = BN_new();
	math.nonce = BN_new();
	math.r = BN_new();
	math.a = BN_new();
	math.b = BN_new();
	math.e = BN_new();
	must(math.point && math.ctx && math.scalar && math.nonce && math.r &&
	     math.a && math.b && math.e);
}

/* A random scalar and its point. */
static void
generate(BIGNUM *scalar, uint8_t ret[static HM_POINT_LEN])
{
	must(
	    BN_priv_rand_range(scalar, math.order) == 1 && !BN_is_zero(scalar));
	must(EC_POINT_mul(
		 math.group, math.point, scalar, NULL, NULL, math.ctx) == 1);
	must(EC_POINT_point2oct(math.group, math.point,
		 POINT_CONVERSION_UNCOMPRESSED, ret, HM_POINT_LEN,
		 math.ctx) == HM_POINT_LEN);
}

/* All of a signature by `scalar` that does not need the digest. */
static void
prepare(const BIGNUM *scalar, struct line_signature *ret)
{
	uint8_t point[HM_POINT_LEN];

	generate(math.nonce, point);
	must(BN_bin2bn(point + 1, 32, math.r) != NULL);
	must(BN_nnmod(math.r, math.r, math.order, math.ctx) == 1 &&
	     !BN_is_zero(math.r));
	must(BN_mod_inverse(math.a, math.nonce, math.order, math.ctx) != NULL);
	must(BN_mod_mul(math.b, math.r, scalar, math.order, math.ctx) == 1);
	must(BN_mod_mul(math.b, math.b, math.a, math.order, math.ctx) == 1);
	must(BN_bn2binpad(math.r, ret->r, 32) == 32);
	must(BN_bn2binpad(math.a, ret->a, 32) == 32);
	must(BN_bn2binpad(math.b, ret->b, 32) == 32);
}

static void
finish(const struct line_signature *half, const uint8_t digest[static 32],
    uint8_t ret[static HM_SIGNATURE_LEN])
{
	must(BN_bin2bn(digest, 32, math.e) != NULL);
	must(BN_bin2bn(half->a, 32, math.a) != NULL);
	must(BN_bin2bn(half->b, 32, math.b) != NULL);
	must(BN_mod_mul(math.e, math.e, math.a, math.order, math.ctx) == 1);
	must(BN_mod_add_quick(math.e, math.e, math.b, math.order) == 1);
	memcpy(ret, half->r, 32);
	must(BN_bn2binpad(math.e, ret + 32, 32) == 32);
}

/* ---- making devices ---- */

static void
make_device(struct line_device *device)
{
	must(random_bytes((struct hm_span){ device->id, sizeof(device->id) }) ==
	     HM_OK);
	generate(math.scalar, device->evidence_key);
	prepare(math.scalar, &device->evidence);
	generate(math.scalar, device->identity);
	prepare(math.scalar, &device->possession);
	prepare(math.scalar, &device->conformance);
	generate(math.scalar, device->kem);
	must(BN_bn2binpad(math.scalar, device->kem_secret, 32) == 32);
}

static void
enrol(
    struct line_world *world, const struct line_device *devices, uint32_t count)
{
	const char *const words[] = { "product", "enrol", "thermo", "keys.txt",
		"--config", "hallmark.yaml", NULL };
	struct buf keys = { 0 };
	struct why why = { 0 };

	buf_init(&keys, (size_t)count * 140);
	for (uint32_t i = 0; i < count; i++) {
		char hex[2 * HM_POINT_LEN + 1];

		hex_format(HM_BYTES(devices[i].evidence_key), hex);
		line_must(buf_print(&keys, "%s\n", hex), NULL, "keys");
	}
	line_must(file_write("keys.txt", buf_bytes(&keys), 0644, &why), &why,
	    "keys.txt");
	line_must(
	    demo_run(&world->demo, world->demo.hallmark, words, NULL, &why),
	    &why, "enrol");
	buf_done(&keys);
}

struct line_device *
line_devices_new(struct line_world *world, uint32_t count)
{
	struct line_device *devices = calloc(count, sizeof(*devices));

	math_start();
	if (devices == NULL)
		line_fail("no memory for %u devices", count);
	for (uint32_t i = 0; i < count; i++)
		make_device(&devices[i]);
	for (uint32_t i = 0; i < count; i += ENROL_MAX)
		enrol(world, devices + i,
		    count - i < ENROL_MAX ? count - i : ENROL_MAX);
	world->enrolled += count;
	return devices;
}

/* ---- what a device says ---- */

static struct hm_bytes
encode_claims(const struct line_world *world, const struct line_device *device,
    const uint8_t *nonce, struct hm_span room)
{
	struct hm_claims claims = {
		.scheme = HM_SCHEME_IMX_MP, .counter = 1, .lock = HM_LOCK_CLOSED
	};
	struct hm_bytes ret = { room.ptr, 0 };

	memcpy(claims.nonce, nonce, HM_NONCE_LEN);
	memcpy(claims.device_id, device->id, sizeof(claims.device_id));
	memcpy(claims.identity, device->identity, sizeof(claims.identity));
	memcpy(claims.kem, device->kem, sizeof(claims.kem));
	memcpy(claims.release, world->image, sizeof(claims.release));
	line_must(hm_claims_encode(&claims, room, &ret.len), NULL, "claims");
	return ret;
}

static struct hm_bytes
encode_proof(const struct line_device *device,
    const uint8_t binding[static HM_DIGEST_LEN], struct hm_span room)
{
	struct hm_proof_imx_mp proof = { 0 };
	struct hm_bytes pieces[] = { HM_BYTES(proof.mpmr),
		HM_LITERAL(HM_IMX_MP_LABEL), { binding, HM_DIGEST_LEN } };
	struct hm_bytes ret = { room.ptr, 0 };
	uint8_t digest[32];

	sha256(pieces, 3, digest);
	memcpy(proof.key, device->evidence_key + 1, sizeof(proof.key));
	finish(&device->evidence, digest, proof.signature);
	line_must(
	    hm_proof_imx_mp_encode(&proof, room, &ret.len), NULL, "proof");
	return ret;
}

static struct hm_bytes
encode_evidence(const struct line_world *world,
    const struct line_device *device, const uint8_t *nonce,
    uint8_t ret_binding[static HM_DIGEST_LEN], struct hm_span room)
{
	uint8_t claims[HM_CLAIMS_MAX], proof[512], digest[32];
	struct hm_evidence evidence;
	struct hm_bytes ret = { room.ptr, 0 };

	evidence.claims = encode_claims(
	    world, device, nonce, (struct hm_span){ claims, sizeof(claims) });
	sha256((struct hm_bytes[]){ HM_LITERAL(HM_BINDING_LABEL),
		   evidence.claims },
	    2, ret_binding);
	evidence.proof = encode_proof(
	    device, ret_binding, (struct hm_span){ proof, sizeof(proof) });
	sha256((struct hm_bytes[]){ HM_LITERAL(HM_POSSESSION_LABEL),
		   evidence.claims, evidence.proof },
	    3, digest);
	finish(&device->possession, digest, evidence.possession);
	line_must(
	    hm_evidence_encode(&evidence, room, &ret.len), NULL, "evidence");
	return ret;
}

size_t
line_issue_request(const struct line_world *world,
    const struct line_device *device, const uint8_t nonce[static HM_NONCE_LEN],
    uint8_t ret_binding[static HM_DIGEST_LEN], struct hm_span room)
{
	static uint8_t evidence[HM_EVIDENCE_MAX];
	struct hm_issue_request request = { .order = HM_LITERAL(LINE_ORDER),
		.slot = HM_LITERAL(SLOT) };
	size_t len;

	request.evidence = encode_evidence(world, device, nonce, ret_binding,
	    (struct hm_span){ evidence, sizeof(evidence) });
	line_must(hm_issue_request_encode(&request, room, &len), NULL, "issue");
	return len;
}

size_t
line_confirm_request(const struct line_world *world,
    const struct line_device *device, const uint8_t stamp[static HM_DIGEST_LEN],
    struct hm_span room)
{
	struct hm_conformance said = { .counter = 1, .lock = HM_LOCK_CLOSED };
	uint8_t payload[HM_CONFORMANCE_MAX], message[HM_CONFORMANCE_MAX];
	struct hm_confirm_request request = { .order = HM_LITERAL(LINE_ORDER),
		.conformance = { message, 0 } };
	struct hm_sign1 sign1 = { .payload = { payload, 0 } };
	uint8_t digest[32];
	size_t len;

	memcpy(said.device_id, device->id, sizeof(said.device_id));
	memcpy(said.stamp, stamp, sizeof(said.stamp));
	memcpy(said.release, world->image, sizeof(said.release));
	line_must(hm_conformance_encode(&said,
		      (struct hm_span){ payload, sizeof(payload) },
		      &sign1.payload.len),
	    NULL, "conformance");
	line_must(sign1_digest((struct hm_bytes){ 0 },
		      HM_LITERAL(HM_AAD_CONFORMANCE), sign1.payload, digest),
	    NULL, "conformance");
	finish(&device->conformance, digest, sign1.signature);
	line_must(hm_sign1_encode(&sign1,
		      (struct hm_span){ message, sizeof(message) },
		      &request.conformance.len),
	    NULL, "conformance");
	line_must(
	    hm_confirm_request_encode(&request, room, &len), NULL, "confirm");
	return len;
}
