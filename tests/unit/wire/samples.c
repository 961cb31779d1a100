/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "samples.h"
#include "wire/challenge.h"
#include "wire/conformance.h"
#include "wire/cose.h"
#include "wire/entry.h"
#include "wire/evidence.h"
#include "wire/frame.h"
#include "wire/link.h"
#include "wire/problem.h"
#include "wire/void.h"

void
sample_fill(uint8_t *at, size_t len, uint8_t first)
{
	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t)(first + i);
}

#define FILL(array, first) sample_fill(array, sizeof(array), first)
#define ORDER HM_LITERAL("po-2031")
#define STATION HM_LITERAL("line-7")
#define SERIAL HM_LITERAL("GW200000042")
#define RECEIPT HM_LITERAL("c2sp.org/tlog-proof@v1\nindex 41\n")
#define NOW_S SAMPLE_NOW_S

static hm_err
challenge_request(struct hm_span room, size_t *ret_len)
{
	struct hm_challenge_request request = { .order = ORDER };

	return hm_challenge_request_encode(&request, room, ret_len);
}

static hm_err
challenge(struct hm_span room, size_t *ret_len)
{
	struct hm_challenge challenge = { .order = ORDER };

	FILL(challenge.nonce, 0x10);
	FILL(challenge.release, 0x60);
	return hm_challenge_encode(&challenge, room, ret_len);
}

static hm_err
claims_of(hm_scheme scheme, struct hm_span room, size_t *ret_len)
{
	struct hm_claims claims = {
		.scheme = scheme,
		.counter = 7,
		.lock = HM_LOCK_CLOSED,
	};

	FILL(claims.nonce, 0x10);
	FILL(claims.device_id, 0x20);
	FILL(claims.release, 0x60);
	memcpy(claims.identity, sample_point_1, HM_POINT_LEN);
	memcpy(claims.kem, sample_point_2, HM_POINT_LEN);
	return hm_claims_encode(&claims, room, ret_len);
}

static hm_err
claims(struct hm_span room, size_t *ret_len)
{
	return claims_of(HM_SCHEME_SOFT, room, ret_len);
}

static hm_err
claims_imx_mp(struct hm_span room, size_t *ret_len)
{
	return claims_of(HM_SCHEME_IMX_MP, room, ret_len);
}

static hm_err
proof_soft(struct hm_span room, size_t *ret_len)
{
	struct hm_proof_soft proof;

	memcpy(proof.key, sample_point_2, HM_POINT_LEN);
	memcpy(proof.signature, sample_sig_soft, HM_SIGNATURE_LEN);
	return hm_proof_soft_encode(&proof, room, ret_len);
}

static hm_err
proof_imx_mp(struct hm_span room, size_t *ret_len)
{
	struct hm_proof_imx_mp proof = { .mpmr = { 0 } };

	memcpy(proof.key, sample_point_2 + 1, sizeof(proof.key));
	memcpy(proof.signature, sample_sig_imx_mp, HM_SIGNATURE_LEN);
	return hm_proof_imx_mp_encode(&proof, room, ret_len);
}

static hm_err
evidence(struct hm_span room, size_t *ret_len)
{
	uint8_t claimed[HM_CLAIMS_MAX], proof[256];
	struct hm_evidence evidence = { { claimed, 0 }, { proof, 0 }, { 0 } };

	HM_TRY(claims((struct hm_span){ claimed, sizeof(claimed) },
	    &evidence.claims.len));
	HM_TRY(proof_soft(
	    (struct hm_span){ proof, sizeof(proof) }, &evidence.proof.len));
	memcpy(evidence.possession, sample_sig_possession, HM_SIGNATURE_LEN);
	return hm_evidence_encode(&evidence, room, ret_len);
}

static hm_err
issue_request(struct hm_span room, size_t *ret_len)
{
	uint8_t bytes[1024];
	struct hm_issue_request request = {
		.order = ORDER,
		.slot = HM_LITERAL("3"),
		.evidence = { bytes, 0 },
	};

	HM_TRY(evidence(
	    (struct hm_span){ bytes, sizeof(bytes) }, &request.evidence.len));
	return hm_issue_request_encode(&request, room, ret_len);
}

static hm_err
stamp(struct hm_span room, size_t *ret_len)
{
	uint8_t certificate[40], ca[50], sealed[60];
	struct hm_stamp stamp = {
		.order = ORDER,
		.serial = SERIAL,
		.certificate = HM_BYTES(certificate),
		.chain = { HM_BYTES(ca), HM_BYTES(certificate) },
		.chain_count = 2,
		.sealed = HM_BYTES(sealed),
		.config = HM_LITERAL("mqtt: example.com"),
		.origin = HM_LITERAL("example.com/hallmark"),
		.mac = { 0x02, 0x00, 0x5e, 0x10, 0x00, 0x2a },
		.has_mac = true,
		.counter = 7,
		.issued_s = NOW_S,
	};

	FILL(certificate, 0x30);
	FILL(ca, 0x40);
	FILL(sealed, 0x50);
	FILL(stamp.device_id, 0x20);
	memcpy(stamp.binding, sample_binding_soft, HM_DIGEST_LEN);
	FILL(stamp.product, 0x80);
	FILL(stamp.release, 0x60);
	memcpy(stamp.enc, sample_point_2, HM_POINT_LEN);
	return hm_stamp_encode(&stamp, room, ret_len);
}

/* No address, no configuration, no chain. */
static hm_err
stamp_bare(struct hm_span room, size_t *ret_len)
{
	uint8_t certificate[40], sealed[16];
	struct hm_stamp stamp = {
		.order = ORDER,
		.serial = SERIAL,
		.certificate = HM_BYTES(certificate),
		.sealed = HM_BYTES(sealed),
		.origin = HM_LITERAL("o"),
	};

	FILL(certificate, 0x30);
	FILL(sealed, 0x50);
	memcpy(stamp.enc, sample_point_2, HM_POINT_LEN);
	return hm_stamp_encode(&stamp, room, ret_len);
}

static hm_err
issue_answer(struct hm_span room, size_t *ret_len)
{
	struct hm_issue_answer answer = {
		.stamp = HM_LITERAL("stamp"),
		.entry = HM_LITERAL("entry"),
		.receipt = RECEIPT,
	};

	return hm_issue_answer_encode(&answer, room, ret_len);
}

static hm_err
secrets(struct hm_span room, size_t *ret_len)
{
	uint8_t disk[32];
	struct hm_secret secrets[] = {
		{ HM_LITERAL("disk"), HM_SECRET_RANDOM, HM_BYTES(disk) },
		{ HM_LITERAL("pin"), HM_SECRET_PASSCODE, HM_LITERAL("0815") },
		{ HM_LITERAL("none"), HM_SECRET_LITERAL, { 0 } },
	};

	FILL(disk, 0xd0);
	return hm_secrets_encode(secrets, 3, room, ret_len);
}

static hm_err
seal_aad(struct hm_span room, size_t *ret_len)
{
	uint8_t device_id[HM_DEVICE_ID_LEN];

	FILL(device_id, 0x20);
	return hm_seal_aad(device_id, SERIAL, room, ret_len);
}

static hm_err
conformance(struct hm_span room, size_t *ret_len)
{
	struct hm_conformance conformance = {
		.counter = 7,
		.lock = HM_LOCK_CLOSED,
	};

	FILL(conformance.device_id, 0x20);
	FILL(conformance.stamp, 0xa0);
	FILL(conformance.release, 0x60);
	return hm_conformance_encode(&conformance, room, ret_len);
}

static hm_err
sign1_of(struct hm_bytes kid, const uint8_t signature[static HM_SIGNATURE_LEN],
    struct hm_span room, size_t *ret_len)
{
	uint8_t payload[256];
	struct hm_sign1 sign1 = { .kid = kid, .payload = { payload, 0 } };

	HM_TRY(conformance(
	    (struct hm_span){ payload, sizeof(payload) }, &sign1.payload.len));
	memcpy(sign1.signature, signature, HM_SIGNATURE_LEN);
	return hm_sign1_encode(&sign1, room, ret_len);
}

static hm_err
sign1(struct hm_span room, size_t *ret_len)
{
	return sign1_of(
	    (struct hm_bytes){ 0 }, sample_sig_conformance, room, ret_len);
}

static hm_err
sign1_kid(struct hm_span room, size_t *ret_len)
{
	return sign1_of(
	    HM_BYTES(sample_kid_1), sample_sig_conformance_kid, room, ret_len);
}

static hm_err
confirm_request(struct hm_span room, size_t *ret_len)
{
	uint8_t bytes[HM_CONFORMANCE_MAX];
	struct hm_confirm_request request = {
		.order = ORDER,
		.conformance = { bytes, 0 },
	};

	HM_TRY(sign1((struct hm_span){ bytes, sizeof(bytes) },
	    &request.conformance.len));
	return hm_confirm_request_encode(&request, room, ret_len);
}

static hm_err
confirm_answer(struct hm_span room, size_t *ret_len)
{
	struct hm_confirm_answer answer = {
		.entry = HM_LITERAL("entry"),
		.receipt = RECEIPT,
	};

	return hm_confirm_answer_encode(&answer, room, ret_len);
}

static hm_err
void_(struct hm_span room, size_t *ret_len)
{
	struct hm_void void_ = {
		.order = ORDER,
		.reason = HM_LITERAL("connector J3 torn off"),
		.signed_s = NOW_S,
	};

	FILL(void_.device_id, 0x20);
	return hm_void_encode(&void_, room, ret_len);
}

static hm_err
problem(struct hm_span room, size_t *ret_len)
{
	struct hm_problem problem = {
		.err = HM_E_QUOTA,
		.has_reference = true,
	};

	FILL(problem.reference, 0xf0);
	return hm_problem_encode(&problem, room, ret_len);
}

static hm_err
problem_bare(struct hm_span room, size_t *ret_len)
{
	struct hm_problem problem = { .err = HM_E_STAMP_FOREIGN };

	return hm_problem_encode(&problem, room, ret_len);
}

static hm_err
info(struct hm_span room, size_t *ret_len)
{
	struct hm_info info = {
		.state = HM_AGENT_READY,
		.scheme = HM_SCHEME_IMX_MP,
		.last = HM_E_STAMP_OTHER,
	};

	FILL(info.device_id, 0x20);
	FILL(info.release, 0x60);
	return hm_info_encode(&info, room, ret_len);
}

static hm_err
opened(struct hm_span room, size_t *ret_len)
{
	struct hm_opened opened = {
		.state = HM_AGENT_READY,
		.last = HM_E_STAMP_OTHER,
		.longest = 4072,
		.leaves = true,
		.evidence = HM_LITERAL("evidence"),
	};

	FILL(opened.device_id, 0x20);
	return hm_opened_encode(&opened, room, ret_len);
}

static hm_err
delivery(struct hm_span room, size_t *ret_len)
{
	const struct hm_delivery delivery = { HM_LITERAL("stamp"),
		HM_LITERAL("receipt") };

	return hm_delivery_encode(&delivery, room, ret_len);
}

static hm_err
link_deliver(struct hm_span room, size_t *ret_len)
{
	uint8_t body[128];
	struct hm_link link = { HM_LINK_DELIVER, { body, 0 } };

	HM_TRY(
	    delivery((struct hm_span){ body, sizeof(body) }, &link.body.len));
	return hm_link_encode(&link, room, ret_len);
}

static hm_err
link_hello(struct hm_span room, size_t *ret_len)
{
	struct hm_link link = { .type = HM_LINK_HELLO };

	return hm_link_encode(&link, room, ret_len);
}

static hm_err
link_info(struct hm_span room, size_t *ret_len)
{
	uint8_t body[128];
	struct hm_link link = { HM_LINK_INFO, { body, 0 } };

	HM_TRY(info((struct hm_span){ body, sizeof(body) }, &link.body.len));
	return hm_link_encode(&link, room, ret_len);
}

/* ---- signed objects ---- */

static hm_err
object_product(struct hm_span room, size_t *ret_len)
{
	static const uint8_t hw_type[] = { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x83,
		0xaa, 0x5e, 0x01 };
	struct hm_object object = {
		.kind = HM_OBJECT_PRODUCT,
		.made_s = NOW_S,
		.product = {
			.name = HM_LITERAL("gateway-200"),
			.version = 3,
			.scheme = HM_SCHEME_IMX_MP,
			.key_source = HM_KEYS_PINNED,
			.key_count = 1,
			.lock_min = HM_LOCK_CLOSED,
			.organization = HM_LITERAL("Example GmbH"),
			.hw_type = HM_BYTES(hw_type),
			.secrets = {
				{ HM_LITERAL("disk"), HM_SECRET_RANDOM, 32,
				    { 0 } },
				{ HM_LITERAL("pin"), HM_SECRET_PASSCODE, 8,
				    { 0 } },
				{ HM_LITERAL("fleet"), HM_SECRET_SHARED, 0,
				    HM_LITERAL("fleet-key") },
				{ HM_LITERAL("tls"), HM_SECRET_KEY, 0, { 0 } },
				{ HM_LITERAL("url"), HM_SECRET_LITERAL, 0,
				    HM_LITERAL("https://example.com") },
			},
			.secret_count = 5,
			.config = HM_LITERAL("mqtt: example.com"),
		},
	};

	memcpy(object.product.keys[0], sample_point_2, HM_POINT_LEN);
	FILL(object.product.lock_plan, 0xc0);
	return hm_object_encode(&object, room, ret_len);
}

static hm_err
object_product_soft(struct hm_span room, size_t *ret_len)
{
	static const uint8_t hw_type[] = { 0x2b };
	struct hm_object object = {
		.kind = HM_OBJECT_PRODUCT,
		.product = {
			.name = HM_LITERAL("toy"),
			.scheme = HM_SCHEME_SOFT,
			.key_source = HM_KEYS_ANY,
			.soft_in_prod = true,
			.organization = HM_LITERAL("E"),
			.hw_type = HM_BYTES(hw_type),
		},
	};

	return hm_object_encode(&object, room, ret_len);
}

static hm_err
object_order(struct hm_span room, size_t *ret_len)
{
	struct hm_object object = {
		.kind = HM_OBJECT_ORDER,
		.made_s = NOW_S,
		.order = {
			.name = ORDER,
			.channel = HM_CHANNEL_PROD,
			.quota = 10000,
			.returns = 50,
			.serial_prefix = HM_LITERAL("GW2"),
			.serial_first = 1,
			.serial_digits = 8,
			.mac_first = { 0x02, 0x00, 0x5e, 0x10, 0x00, 0x00 },
			.has_macs = true,
			.stations = { STATION, HM_LITERAL("line-8") },
			.station_count = 2,
			.not_before_s = NOW_S,
			.not_after_s = NOW_S + 7776000,
			.confirm_within_s = 3600,
		},
	};

	FILL(object.order.product, 0x80);
	FILL(object.order.release, 0x90);
	return hm_object_encode(&object, room, ret_len);
}

static hm_err
object_credential(struct hm_span room, size_t *ret_len)
{
	struct hm_object object = {
		.kind = HM_OBJECT_CREDENTIAL,
		.made_s = NOW_S,
		.credential = {
			.name = STATION,
			.role = HM_ROLE_STATION,
			.site = HM_LITERAL("Brno"),
			.not_after_s = NOW_S + 31536000,
		},
	};

	memcpy(object.credential.key, sample_point_1, HM_POINT_LEN);
	return hm_object_encode(&object, room, ret_len);
}

static hm_err
object_enrolment(struct hm_span room, size_t *ret_len)
{
	uint8_t digests[3 * HM_DIGEST_LEN];
	struct hm_object object = {
		.kind = HM_OBJECT_ENROLMENT,
		.made_s = NOW_S,
		.enrolment = {
			.product = HM_LITERAL("gateway-200"),
			.digests = HM_BYTES(digests),
		},
	};

	FILL(digests, 0x00);
	return hm_object_encode(&object, room, ret_len);
}

static hm_err
object_command(struct hm_span room, size_t *ret_len)
{
	struct hm_object object = {
		.kind = HM_OBJECT_COMMAND,
		.made_s = NOW_S,
		.command = {
			.verb = HM_VERB_SCRAP,
			.target = HM_LITERAL("202122232425262728292a2b2c2d2e2f"
			    "303132333435363738393a3b3c3d3e3f"),
			.reason = HM_LITERAL("fell off the belt"),
		},
	};

	FILL(object.command.nonce, 0xe0);
	return hm_object_encode(&object, room, ret_len);
}

/* ---- ledger entries ---- */

static hm_err
entry_genesis(struct hm_span room, size_t *ret_len)
{
	struct hm_entry entry = {
		.type = HM_ENTRY_GENESIS,
		.time_s = NOW_S,
		.genesis.origin = HM_LITERAL("example.com/hallmark"),
	};

	memcpy(entry.genesis.authority, sample_point_1, HM_POINT_LEN);
	memcpy(entry.genesis.stamp_key, sample_point_2, HM_POINT_LEN);
	FILL(entry.genesis.issuer, 0x01);
	return hm_entry_encode(&entry, room, ret_len);
}

static hm_err
entry_object(struct hm_span room, size_t *ret_len)
{
	uint8_t bytes[512];
	struct hm_entry entry = {
		.type = HM_ENTRY_OBJECT,
		.time_s = NOW_S,
		.object = { bytes, 0 },
	};

	HM_TRY(sign1_kid(
	    (struct hm_span){ bytes, sizeof(bytes) }, &entry.object.len));
	return hm_entry_encode(&entry, room, ret_len);
}

static hm_err
entry_reserve(struct hm_span room, size_t *ret_len)
{
	struct hm_entry entry = {
		.type = HM_ENTRY_RESERVE,
		.time_s = NOW_S,
		.reserve = { .order = ORDER, .station = STATION },
	};

	FILL(entry.reserve.device_id, 0x20);
	return hm_entry_encode(&entry, room, ret_len);
}

static hm_err
entry_issue(struct hm_span room, size_t *ret_len)
{
	struct hm_entry entry = {
		.type = HM_ENTRY_ISSUE,
		.time_s = NOW_S,
		.issue = {
			.order = ORDER,
			.station = STATION,
			.serial = SERIAL,
			.mac = { 0x02, 0x00, 0x5e, 0x10, 0x00, 0x2a },
			.has_mac = true,
		},
	};

	FILL(entry.issue.device_id, 0x20);
	FILL(entry.issue.product, 0x80);
	FILL(entry.issue.release, 0x60);
	FILL(entry.issue.identity, 0x81);
	memcpy(entry.issue.binding, sample_binding_soft, HM_DIGEST_LEN);
	FILL(entry.issue.evidence, 0x83);
	FILL(entry.issue.certificate, 0x84);
	FILL(entry.issue.stamp, 0xa0);
	return hm_entry_encode(&entry, room, ret_len);
}

static hm_err
entry_confirm(struct hm_span room, size_t *ret_len)
{
	struct hm_entry entry = {
		.type = HM_ENTRY_CONFIRM,
		.time_s = NOW_S,
		.confirm = {
			.order = ORDER,
			.station = STATION,
			.lock = HM_LOCK_CLOSED,
		},
	};

	FILL(entry.confirm.device_id, 0x20);
	FILL(entry.confirm.stamp, 0xa0);
	FILL(entry.confirm.conformance, 0xb0);
	return hm_entry_encode(&entry, room, ret_len);
}

static hm_err
entry_void(struct hm_span room, size_t *ret_len)
{
	struct hm_entry entry = {
		.type = HM_ENTRY_VOID,
		.time_s = NOW_S,
		.voided = {
			.order = ORDER,
			.station = STATION,
			.void_ = HM_LITERAL("void"),
			.returned = true,
		},
	};

	FILL(entry.voided.device_id, 0x20);
	return hm_entry_encode(&entry, room, ret_len);
}

static hm_err
entry_state(struct hm_span room, size_t *ret_len)
{
	struct hm_entry entry = {
		.type = HM_ENTRY_STATE,
		.time_s = NOW_S,
		.state = { .from = HM_STATE_ACTIVE, .to = HM_STATE_RMA },
	};

	FILL(entry.state.device_id, 0x20);
	FILL(entry.state.command, 0xd1);
	return hm_entry_encode(&entry, room, ret_len);
}

static hm_err
entry_timeout(struct hm_span room, size_t *ret_len)
{
	struct hm_entry entry = {
		.type = HM_ENTRY_STATE,
		.time_s = NOW_S,
		.state = { .from = HM_STATE_ISSUED, .to = HM_STATE_HELD },
	};

	FILL(entry.state.device_id, 0x20);
	return hm_entry_encode(&entry, room, ret_len);
}

static hm_err
entry_crl(struct hm_span room, size_t *ret_len)
{
	struct hm_entry entry = {
		.type = HM_ENTRY_CRL,
		.time_s = NOW_S,
		.crl = { .number = 12, .count = 3 },
	};

	FILL(entry.crl.digest, 0xd2);
	return hm_entry_encode(&entry, room, ret_len);
}

static hm_err
entry_alarm(struct hm_span room, size_t *ret_len)
{
	struct hm_entry entry = {
		.type = HM_ENTRY_ALARM,
		.time_s = NOW_S,
		.alarm = {
			.err = HM_E_CLONE,
			.order = ORDER,
			.station = STATION,
		},
	};

	FILL(entry.alarm.device_id, 0x20);
	FILL(entry.alarm.evidence, 0x83);
	return hm_entry_encode(&entry, room, ret_len);
}

static hm_err
entry_succession(struct hm_span room, size_t *ret_len)
{
	struct hm_entry entry = {
		.type = HM_ENTRY_SUCCESSION,
		.time_s = NOW_S,
		.succession = { .origin = HM_LITERAL("log.example/2"),
		    .seen = 4711 },
	};

	return hm_entry_encode(&entry, room, ret_len);
}

/* ---- frames ---- */

static hm_err
frame_info(struct hm_span room, size_t *ret_len)
{
	uint8_t bytes[256];
	struct hm_bytes message = { bytes, 0 };

	HM_TRY(
	    link_info((struct hm_span){ bytes, sizeof(bytes) }, &message.len));
	return hm_frame_encode(message, room, ret_len);
}

static hm_err
frame_nonzero(size_t len, struct hm_span room, size_t *ret_len)
{
	uint8_t bytes[1000];

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i % 255 + 1);
	return hm_frame_encode((struct hm_bytes){ bytes, len }, room, ret_len);
}

/* With its CRC exactly one full block of COBS. */
static hm_err
frame_nonzero_250(struct hm_span room, size_t *ret_len)
{
	return frame_nonzero(250, room, ret_len);
}

static hm_err
frame_nonzero_1000(struct hm_span room, size_t *ret_len)
{
	return frame_nonzero(1000, room, ret_len);
}

static hm_err
frame_zeros_300(struct hm_span room, size_t *ret_len)
{
	static const uint8_t zeros[300];

	return hm_frame_encode(HM_BYTES(zeros), room, ret_len);
}

const struct sample samples[] = {
	{ "challenge-request.cbor", "challenge_request", challenge_request },
	{ "challenge.cbor", "challenge", challenge },
	{ "claims.cbor", "claims", claims },
	{ "claims-imx-mp.cbor", "claims", claims_imx_mp },
	{ "proof-soft.cbor", "proof_soft", proof_soft },
	{ "proof-imx-mp.cbor", "proof_imx_mp", proof_imx_mp },
	{ "evidence.cbor", "evidence", evidence },
	{ "issue-request.cbor", "issue_request", issue_request },
	{ "issue-answer.cbor", "issue_answer", issue_answer },
	{ "stamp.cbor", "stamp", stamp },
	{ "stamp-bare.cbor", "stamp", stamp_bare },
	{ "secrets.cbor", "secrets", secrets },
	{ "seal-aad.cbor", NULL, seal_aad },
	{ "conformance.cbor", "conformance", conformance },
	{ "sign1.cbor", "sign1", sign1 },
	{ "sign1-kid.cbor", "sign1", sign1_kid },
	{ "confirm-request.cbor", "confirm_request", confirm_request },
	{ "confirm-answer.cbor", "confirm_answer", confirm_answer },
	{ "void.cbor", "void", void_ },
	{ "problem.cbor", "problem", problem },
	{ "problem-bare.cbor", "problem", problem_bare },
	{ "info.cbor", "info", info },
	{ "link-hello.cbor", "link", link_hello },
	{ "link-info.cbor", "link", link_info },
	{ "opened.cbor", "opened", opened },
	{ "delivery.cbor", "delivery", delivery },
	{ "link-deliver.cbor", "link", link_deliver },
	{ "update-status.cbor", "update_ask", sample_update_status },
	{ "update-announce.cbor", "update_ask", sample_update_announce },
	{ "update-data.cbor", "update_ask", sample_update_data },
	{ "update-state.cbor", "update_answer", sample_update_state },
	{ "update-problem.cbor", "update_answer", sample_update_problem },
	{ "object-product.cbor", "object", object_product },
	{ "object-product-soft.cbor", "object", object_product_soft },
	{ "object-release.cbor", "object", sample_release },
	{ "object-release-promoted.cbor", "object", sample_promoted },
	{ "object-order.cbor", "object", object_order },
	{ "object-credential.cbor", "object", object_credential },
	{ "object-enrolment.cbor", "object", object_enrolment },
	{ "object-command.cbor", "object", object_command },
	{ "object-approval.cbor", "object", sample_approval },
	{ "entry-genesis.cbor", "entry", entry_genesis },
	{ "entry-object.cbor", "entry", entry_object },
	{ "entry-reserve.cbor", "entry", entry_reserve },
	{ "entry-issue.cbor", "entry", entry_issue },
	{ "entry-confirm.cbor", "entry", entry_confirm },
	{ "entry-void.cbor", "entry", entry_void },
	{ "entry-state.cbor", "entry", entry_state },
	{ "entry-timeout.cbor", "entry", entry_timeout },
	{ "entry-crl.cbor", "entry", entry_crl },
	{ "entry-alarm.cbor", "entry", entry_alarm },
	{ "entry-succession.cbor", "entry", entry_succession },
	{ "link-info.frame", NULL, frame_info },
	{ "nonzero-250.frame", NULL, frame_nonzero_250 },
	{ "nonzero-1000.frame", NULL, frame_nonzero_1000 },
	{ "zeros-300.frame", NULL, frame_zeros_300 },
};
const size_t sample_count = sizeof(samples) / sizeof(samples[0]);
