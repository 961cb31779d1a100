/* SPDX-License-Identifier: Apache-2.0 */
#include "server/signer/issue.h"

#include <string.h>

#include "base/auto.h"
#include "core/check.h"
#include "crypto/digest.h"
#include "crypto/p256.h"
#include "quota/book.h"
#include "seal/secrets.h"
#include "seal/sign1.h"

/* What is known of the device on the way; wiped of nothing: no secret in it. */
struct job {
	const struct ask_sign_issue *ask;
	const struct hm_order *order;
	const struct hm_release *release;
	const struct consent_state *consent; /* of the release */
	const struct loaded *product;
	uint8_t binding[HM_DIGEST_LEN];
	char serial[HM_SERIAL_MAX + 1];
	uint8_t mac[HM_MAC_LEN];
};

static hm_err
look_up(
    struct objects *objects, const struct ask_sign_issue *ask, struct job *ret)
{
	const struct loaded *order, *release;

	order = objects_find(objects, HM_OBJECT_ORDER, ask->order);
	if (order == NULL)
		return HM_E_NO_ORDER;
	release = objects_find(
	    objects, HM_OBJECT_RELEASE, order->object.order.release);
	ret->product = objects_find(
	    objects, HM_OBJECT_PRODUCT, order->object.order.product);
	hm_assert(release != NULL && ret->product != NULL);
	ret->ask = ask;
	ret->order = &order->object.order;
	ret->release = &release->object.release;
	ret->consent = &release->consent;
	return HM_OK;
}

static hm_err
check_limits(const struct job *job, uint64_t now_s)
{
	const struct hm_order *order = job->order;
	uint64_t at = job->ask->issued_s;

	if (job->ask->number >= (uint64_t)order->quota + order->returns)
		return HM_E_QUOTA;
	if (at > now_s + ISSUE_CLOCK_S || at + ISSUE_CLOCK_S < now_s)
		return HM_E_CLOCK;
	if (at < order->not_before_s)
		return HM_E_NOT_YET;
	if (at >= order->not_after_s)
		return HM_E_EXPIRED;
	return HM_OK;
}

/* The keeper asked its list: so do we ask ours. */
static hm_err
check_enrolled(struct objects *objects, const struct job *job)
{
	const struct hm_product *product = &job->product->object.product;
	uint8_t key[HM_DIGEST_LEN];

	if (product->key_source != HM_KEYS_ENROLLED)
		return HM_OK;
	attest_key_digest(&job->ask->kase, key);
	return objects_is_enrolled(objects, product->name, key)
		   ? HM_OK
		   : HM_E_EVIDENCE_KEY;
}

static hm_err
check_evidence(struct objects *objects, struct job *job)
{
	const struct attest_case *kase = &job->ask->kase;
	struct attest_wanted wanted = { .channel = job->order->channel,
		.counter = job->release->counter };

	memcpy(wanted.release, hm_release_measured(job->release)->digest,
	    sizeof(wanted.release));
	HM_TRY(attest_judge(kase, &job->product->object.product, &wanted));
	HM_TRY(check_enrolled(objects, job));
	HM_TRY(attest_verify(kase));
	/* The front checked that the device has this key; that it is one, we.
	 */
	HM_TRY(p256_check(kase->claims.identity));
	attest_binding(&kase->claims, job->binding);
	return HM_OK;
}

static hm_err
make_certificate(const struct job *job, uint8_t *ret_serial, struct buf *ret)
{
	struct ca_device device = {
		.point = job->ask->kase.claims.identity,
		.serial = hm_bytes_of(job->serial),
		.hw_serial = HM_BYTES(job->ask->kase.claims.device_id),
		.not_before_s = job->ask->issued_s,
	};

	return ca_device_make(
	    job->product->template_, &device, ret_serial, ret);
}

static void
fill_stamp(const struct job *job, struct hm_stamp *ret)
{
	const struct hm_claims *claims = &job->ask->kase.claims;

	ret->order = job->order->name;
	ret->serial = hm_bytes_of(job->serial);
	ret->config = job->product->object.product.config;
	memcpy(ret->device_id, claims->device_id, sizeof(ret->device_id));
	memcpy(ret->binding, job->binding, sizeof(ret->binding));
	memcpy(ret->product, job->product->digest, sizeof(ret->product));
	memcpy(ret->release, claims->release, sizeof(ret->release));
	memcpy(ret->mac, job->mac, sizeof(ret->mac));
	ret->has_mac = job->order->has_macs;
	ret->counter = claims->counter;
	ret->issued_s = job->ask->issued_s;
}

static hm_err
sign_stamp(
    struct signer_keys *keys, const struct hm_stamp *stamp, struct buf *ret)
{
	/* no secret in it */
	static _Thread_local uint8_t payload[HM_STAMP_MAX / 2];
	struct hm_span room = { payload, sizeof(payload) };
	size_t len;

	HM_TRY(hm_stamp_encode(stamp, room, &len));
	return sign1_make(HM_BYTES(keys->stamp_kid), HM_LITERAL(HM_AAD_STAMP),
	    (struct hm_bytes){ payload, len }, signer_keys_digest, &keys->stamp,
	    ret);
}

static hm_err
certify_and_seal(const struct issue_with *with, const struct job *job,
    struct ask_sign_issue_answer *ret, struct buf *stamp)
{
	AUTO(buf) struct buf certificate = { 0 }, sealed = { 0 };
	struct secrets_owner owner = { &job->ask->kase.claims, job->order->name,
		hm_bytes_of(job->serial), job->binding };
	struct secrets_vault vault = { signer_keys_shared, with->keys };
	struct hm_stamp content = { .origin = with->origin,
		.chain_count = 1,
		.chain = { with->keys->ca.certificate } };

	buf_init(&certificate, HM_CERT_MAX);
	buf_init(&sealed, HM_SEALED_MAX);
	HM_TRY(make_certificate(job, ret->cert_serial, &certificate));
	HM_TRY(secrets_seal(&job->product->object.product, &owner, &vault,
	    content.enc, &sealed));
	fill_stamp(job, &content);
	content.certificate = buf_bytes(&certificate);
	content.sealed = buf_bytes(&sealed);
	HM_TRY(sign_stamp(with->keys, &content, stamp));
	sha256_one(buf_bytes(&certificate), ret->certificate);
	sha256_one(buf_bytes(stamp), ret->stamp);
	return HM_OK;
}

hm_err
issue_make(const struct issue_with *with, uint64_t now_s,
    const struct ask_sign_issue *ask, struct ask_sign_issue_answer *ret,
    struct buf *stamp)
{
	struct job job = { 0 };

	HM_TRY(look_up(with->objects, ask, &job));
	HM_TRY(consent_check(job.consent, job.order->channel));
	HM_TRY(check_limits(&job, now_s));
	HM_TRY(check_evidence(with->objects, &job));
	HM_TRY(book_serial(job.order, ask->number, job.serial));
	if (job.order->has_macs)
		book_mac(job.order, ask->number, job.mac);
	return certify_and_seal(with, &job, ret, stamp);
}
