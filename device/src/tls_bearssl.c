/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BearSSL's client engine, pumped by hand: br_sslio knows no deadline. Only
 * what the one cipher suite needs is linked in. Its X.509 engine checks chain,
 * dates and the name of the server, not extended key usages; so the host's name
 * is what keeps a client certificate of the same CA from being a server's.
 */
#include "hallmark/tls.h"

#include <string.h>

#include <bearssl.h>

#include "hallmark/crypto.h"
#include "hallmark/net.h"

#define RECORD_MAX 2048
/* With BearSSL's overhead. Two buffers, for a server that refuses us says so
 * while we still speak. */
#define INPUT_LEN (RECORD_MAX + 325)
#define OUTPUT_LEN (RECORD_MAX + 85)
#define ANCHOR_NAME_MAX 256
#define SEED_LEN 48
#define DAYS_TO_1970 719528u /* from 1 January of the year 0 */
#define DAY_S 86400u
#define GOODBYE_MS 200

struct tls {
	/* First: callbacks of BearSSL get its address. */
	const br_ssl_client_certificate_class *handler;
	br_ssl_client_context client;
	br_x509_minimal_context x509;
	br_x509_trust_anchor anchor;
	br_x509_certificate chain[2];
	size_t chain_len;
	uint64_t deadline_ms;
	hm_err key_err; /* of the identity key, in the handshake */
	hm_err broke;   /* why the transport ended, HM_OK if it did not */
	uint8_t anchor_name[ANCHOR_NAME_MAX];
	size_t anchor_name_len;
	uint8_t anchor_point[HM_POINT_LEN];
	uint8_t input[INPUT_LEN], output[OUTPUT_LEN];
};

HM_STATIC_ASSERT(sizeof(struct tls) <= HM_TLS_SIZE, "RAM as tls.h says");

static struct tls *
inside(struct hm_tls *tls)
{
	return (struct tls *)(void *)tls->state;
}

/* ---- our certificate ---- */

static void
names_ignored(const br_ssl_client_certificate_class **handler)
{
	(void)handler; /* we have one certificate: it fits or not */
}

static void
name_begins(const br_ssl_client_certificate_class **handler, size_t len)
{
	(void)handler;
	(void)len;
}

static void
name_goes_on(const br_ssl_client_certificate_class **handler,
    const unsigned char *bytes, size_t len)
{
	(void)handler;
	(void)bytes;
	(void)len;
}

#define AUTH_ECDSA_SHA256 ((uint32_t)1 << (8 + br_sha256_ID))

static void
choose(const br_ssl_client_certificate_class **handler,
    const br_ssl_client_context *client, uint32_t kinds,
    br_ssl_client_certificate *ret)
{
	const struct tls *t = (const struct tls *)(const void *)handler;

	(void)client;
	memset(ret, 0, sizeof(*ret));
	if ((kinds & AUTH_ECDSA_SHA256) == 0)
		return;
	ret->auth_type = BR_AUTH_ECDSA;
	ret->hash_id = br_sha256_ID;
	ret->chain = t->chain;
	ret->chain_len = t->chain_len;
}

static uint32_t
no_static_exchange(const br_ssl_client_certificate_class **handler,
    unsigned char *data, size_t *len)
{
	(void)handler;
	(void)data;
	(void)len;
	return 0;
}

/* The handshake's digest stands in `data`; the signature takes its place. */
static size_t
sign(const br_ssl_client_certificate_class **handler, int hash_id,
    size_t digest_len, unsigned char *data, size_t room)
{
	uint8_t signature[HM_SIGNATURE_LEN + 16]; /* DER is longer */
	uint8_t digest[HM_DIGEST_LEN];
	struct tls *t = (struct tls *)(void *)handler;
	size_t len;

	if (hash_id != br_sha256_ID || digest_len != sizeof(digest))
		return 0;
	memcpy(digest, data, sizeof(digest));
	t->key_err = hm_port_key_sign(HM_KEY_IDENTITY, digest, signature);
	if (t->key_err != HM_OK)
		return 0;
	len = br_ecdsa_raw_to_asn1(signature, HM_SIGNATURE_LEN);
	if (len == 0 || len > room)
		return 0;
	memcpy(data, signature, len);
	return len;
}

static const br_ssl_client_certificate_class handler_class = {
	sizeof(struct tls), names_ignored, name_begins, name_goes_on,
	names_ignored, names_ignored, choose, no_static_exchange, sign
};

/* ---- whom we trust ---- */

static void
keep_name(void *context, const void *bytes, size_t len)
{
	struct tls *t = (struct tls *)context;
	size_t room = sizeof(t->anchor_name) - t->anchor_name_len;

	if (len > room) {
		t->anchor_name_len = sizeof(t->anchor_name) + 1;
		return;
	}
	memcpy(t->anchor_name + t->anchor_name_len, bytes, len);
	t->anchor_name_len += len;
}

static hm_err
take_anchor(struct tls *t, struct hm_bytes der)
{
	br_x509_decoder_context decoder;
	const br_x509_pkey *key;

	br_x509_decoder_init(&decoder, keep_name, t);
	br_x509_decoder_push(&decoder, der.ptr, der.len);
	key = br_x509_decoder_get_pkey(&decoder);
	if (key == NULL || !br_x509_decoder_isCA(&decoder) ||
	    t->anchor_name_len > sizeof(t->anchor_name))
		return HM_E_CERT;
	if (key->key_type != BR_KEYTYPE_EC ||
	    key->key.ec.curve != BR_EC_secp256r1 ||
	    key->key.ec.qlen != sizeof(t->anchor_point))
		return HM_E_CERT;
	memcpy(t->anchor_point, key->key.ec.q, sizeof(t->anchor_point));
	t->anchor.dn.data = t->anchor_name;
	t->anchor.dn.len = t->anchor_name_len;
	t->anchor.flags = BR_X509_TA_CA;
	t->anchor.pkey.key_type = BR_KEYTYPE_EC;
	t->anchor.pkey.key.ec.curve = BR_EC_secp256r1;
	t->anchor.pkey.key.ec.q = t->anchor_point;
	t->anchor.pkey.key.ec.qlen = sizeof(t->anchor_point);
	return HM_OK;
}

static hm_err
take_chain(struct tls *t, const struct hm_tls_config *config)
{
	if (config->certificate.len == 0)
		return HM_E_CERT;
	/* BearSSL has no const here; it only reads. */
	memcpy(&t->chain[0].data, &config->certificate.ptr, sizeof(void *));
	t->chain[0].data_len = config->certificate.len;
	memcpy(&t->chain[1].data, &config->issuer.ptr, sizeof(void *));
	t->chain[1].data_len = config->issuer.len;
	t->chain_len = config->issuer.len == 0 ? 1 : 2;
	return HM_OK;
}

static hm_err
set_up_x509(struct tls *t)
{
	br_x509_minimal_context *x509 = &t->x509;
	uint64_t time_s = 0;
	uint32_t now_s;

	HM_TRY(hm_port_time(&time_s));
	if (time_s > UINT32_MAX) /* 2106, or a clock that is wrong */
		return HM_E_CLOCK;
	now_s = (uint32_t)time_s; /* no division of 64 bits on a small CPU */
	br_x509_minimal_init(x509, &br_sha256_vtable, &t->anchor, 1);
	br_x509_minimal_set_ecdsa(
	    x509, &br_ec_p256_m31, br_ecdsa_i31_vrfy_asn1);
	br_x509_minimal_set_hash(x509, br_sha256_ID, &br_sha256_vtable);
	br_x509_minimal_set_time(
	    x509, DAYS_TO_1970 + now_s / DAY_S, now_s % DAY_S);
	return HM_OK;
}

static hm_err
set_up_engine(struct tls *t)
{
	static const uint16_t suites[] = {
		BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
	};
	br_ssl_engine_context *engine = &t->client.eng;
	uint8_t seed[SEED_LEN];

	br_ssl_client_zero(&t->client);
	br_ssl_engine_set_versions(engine, BR_TLS12, BR_TLS12);
	br_ssl_engine_set_suites(engine, suites, 1);
	br_ssl_engine_set_hash(engine, br_sha256_ID, &br_sha256_vtable);
	br_ssl_engine_set_prf_sha256(engine, br_tls12_sha256_prf);
	br_ssl_engine_set_ec(engine, &br_ec_p256_m31);
	br_ssl_engine_set_ecdsa(engine, br_ecdsa_i31_vrfy_asn1);
	br_ssl_engine_set_default_aes_gcm(engine);
	br_ssl_engine_add_flags(engine, BR_OPT_NO_RENEGOTIATION);
	br_ssl_engine_set_x509(engine, &t->x509.vtable);
	br_ssl_engine_set_buffers_bidi(
	    engine, t->input, sizeof(t->input), t->output, sizeof(t->output));
	br_ssl_client_set_client_certificate(&t->client, &t->handler);
	HM_TRY(hm_port_random(HM_MAKE(hm_span, seed, sizeof(seed))));
	br_ssl_engine_inject_entropy(engine, seed, sizeof(seed));
	hm_wipe(seed, sizeof(seed));
	return HM_OK;
}

/* ---- the pump ---- */

static bool
time_left(struct tls *t, uint32_t *ret_ms)
{
	uint64_t now_ms = hm_port_clock_ms();
	uint64_t left = t->deadline_ms > now_ms ? t->deadline_ms - now_ms : 0;

	*ret_ms = left > UINT32_MAX ? UINT32_MAX : (uint32_t)left;
	return left > 0;
}

static hm_err
send_record(struct tls *t)
{
	br_ssl_engine_context *engine = &t->client.eng;
	struct hm_bytes record = { 0 };
	uint32_t left_ms;
	size_t done = 0;

	record.ptr = br_ssl_engine_sendrec_buf(engine, &record.len);
	if (!time_left(t, &left_ms))
		return HM_E_TIMEOUT;
	HM_TRY(hm_port_net_write(record, left_ms, &done));
	br_ssl_engine_sendrec_ack(engine, done);
	return HM_OK;
}

static hm_err
take_record(struct tls *t)
{
	br_ssl_engine_context *engine = &t->client.eng;
	struct hm_span record = { 0 };
	uint32_t left_ms;
	size_t done = 0;

	record.ptr = br_ssl_engine_recvrec_buf(engine, &record.len);
	if (!time_left(t, &left_ms))
		return HM_E_TIMEOUT;
	HM_TRY(hm_port_net_read(record, left_ms, &done));
	br_ssl_engine_recvrec_ack(engine, done);
	return HM_OK;
}

/* Why the engine has closed. */
static hm_err
explain(const struct tls *t)
{
	int error = br_ssl_engine_last_error(&t->client.eng);

	if (t->key_err != HM_OK)
		return t->key_err;
	if (error == BR_ERR_OK) /* the server said goodbye */
		return HM_E_LINK;
	if (error == BR_ERR_X509_EXPIRED)
		return HM_E_CERT_DATES;
	return HM_E_TLS;
}

/* Nobody takes what we send: is there a last word that says why? */
static hm_err
last_word(struct tls *t)
{
	br_ssl_engine_context *engine = &t->client.eng;

	while (br_ssl_engine_current_state(engine) & BR_SSL_RECVREC)
		if (take_record(t) != HM_OK)
			break;
	if (br_ssl_engine_current_state(engine) & BR_SSL_CLOSED)
		return explain(t);
	return HM_E_LINK;
}

/* Move records until the engine can do what `wanted` (BR_SSL_*APP) says. */
static hm_err
pump(struct tls *t, unsigned wanted)
{
	br_ssl_engine_context *engine = &t->client.eng;

	while (t->broke == HM_OK) {
		unsigned state = br_ssl_engine_current_state(engine);

		if (state & BR_SSL_CLOSED)
			t->broke = explain(t);
		else if (state & BR_SSL_SENDREC)
			t->broke = send_record(t);
		else if (state & wanted)
			return HM_OK;
		else if (state & BR_SSL_RECVAPP)
			t->broke = HM_E_HTTP;
		else if (state & BR_SSL_RECVREC)
			t->broke = take_record(t);
		else
			br_ssl_engine_flush(engine, 0);
	}
	if (t->broke == HM_E_LINK)
		t->broke = last_word(t);
	return t->broke;
}

/* ---- the connection ---- */

static hm_err
prepare(struct tls *t, const struct hm_tls_config *config)
{
	size_t len = hm_bytes_of(config->host).len;

	if (len == 0 || len > HM_TLS_HOST_MAX)
		return HM_E_BAD_INPUT;
	HM_TRY(take_anchor(t, config->anchor));
	HM_TRY(take_chain(t, config));
	HM_TRY(set_up_x509(t));
	HM_TRY(set_up_engine(t));
	return br_ssl_client_reset(&t->client, config->host, 0) == 1
		   ? HM_OK
		   : HM_E_NO_ENTROPY;
}

static hm_err
shake_hands(struct tls *t)
{
	uint32_t left_ms;

	if (!time_left(t, &left_ms))
		return HM_E_TIMEOUT;
	HM_TRY(hm_port_net_open(left_ms));
	return pump(t, BR_SSL_SENDAPP);
}

hm_err
hm_tls_open(struct hm_tls *tls, const struct hm_tls_config *config,
    uint64_t deadline_ms)
{
	struct tls *t = inside(tls);
	hm_err err;

	memset(tls, 0, sizeof(*tls));
	t->handler = &handler_class;
	t->deadline_ms = deadline_ms;
	err = prepare(t, config);
	if (err == HM_OK)
		err = shake_hands(t);
	if (err != HM_OK) {
		hm_port_net_close();
		hm_wipe(tls, sizeof(*tls));
		t->broke = err;
	}
	return err;
}

void
hm_tls_deadline(struct hm_tls *tls, uint64_t deadline_ms)
{
	inside(tls)->deadline_ms = deadline_ms;
}

hm_err
hm_tls_write(struct hm_tls *tls, struct hm_bytes bytes)
{
	struct tls *t = inside(tls);
	br_ssl_engine_context *engine = &t->client.eng;

	while (bytes.len > 0) {
		struct hm_span room = { 0 };
		size_t len;

		HM_TRY(pump(t, BR_SSL_SENDAPP));
		room.ptr = br_ssl_engine_sendapp_buf(engine, &room.len);
		len = bytes.len < room.len ? bytes.len : room.len;
		memcpy(room.ptr, bytes.ptr, len);
		br_ssl_engine_sendapp_ack(engine, len);
		bytes.ptr += len;
		bytes.len -= len;
	}
	br_ssl_engine_flush(engine, 0);
	return HM_OK;
}

hm_err
hm_tls_read(struct hm_tls *tls, struct hm_span room, size_t *ret_len)
{
	struct tls *t = inside(tls);
	struct hm_bytes got = { 0 };

	HM_TRY(pump(t, BR_SSL_RECVAPP));
	got.ptr = br_ssl_engine_recvapp_buf(&t->client.eng, &got.len);
	if (got.len > room.len)
		got.len = room.len;
	memcpy(room.ptr, got.ptr, got.len);
	br_ssl_engine_recvapp_ack(&t->client.eng, got.len);
	*ret_len = got.len;
	return HM_OK;
}

void
hm_tls_close(struct hm_tls *tls)
{
	struct tls *t = inside(tls);
	br_ssl_engine_context *engine = &t->client.eng;

	if (t->handler != NULL && t->broke == HM_OK) {
		t->deadline_ms = hm_port_clock_ms() + GOODBYE_MS;
		br_ssl_engine_close(engine);
		/* A goodbye that is lost costs nothing. */
		while (br_ssl_engine_current_state(engine) & BR_SSL_SENDREC)
			if (send_record(t) != HM_OK)
				break;
	}
	hm_port_net_close();
	hm_wipe(tls, sizeof(*tls));
}
