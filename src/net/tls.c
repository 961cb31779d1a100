/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/file.h"

#define PEM_MAX (256 * 1024)
#define SESSIONS_MAX 4096 /* about 6 KiB each with a client certificate */
#define SESSION_LIFE_S 3600
#define CERTIFICATE_MAX 16384 /* what a client may send of a chain */
#define BETWEEN_MAX 2         /* CAs between a client and one of ours */
/* Asked of clients. Their key is on P-256; an issuer of theirs may be more. */
#define CLIENT_SIGNATURES "ECDSA+SHA256:ECDSA+SHA384"
#define CIPHERS                                          \
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:" \
	"TLS_CHACHA20_POLY1305_SHA256"

static void
bio_done(BIO **bio)
{
	BIO_free(*bio);
}

static void
x509_done(X509 **x509)
{
	X509_free(*x509);
}

static void
crl_done(X509_CRL **crl)
{
	X509_CRL_free(*crl);
}

static void
key_done(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void
ctx_done(SSL_CTX **ctx)
{
	SSL_CTX_free(*ctx);
}

static void
store_done(X509_STORE **store)
{
	X509_STORE_free(*store);
}

static void
secret_text_done(struct buf *buf)
{
	buf_wipe(buf);
}

const char *
tls_reason(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return text ? text : "no reason given";
}

void
tls_ignore_sigpipe(void)
{
	struct sigaction now;

	if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
}

/* Keys with a passphrase are refused; nobody is asked on a terminal. */
static int
no_passphrase(char *text, int size, int writing, void *context)
{
	(void)writing;
	(void)context;
	if (size > 0)
		text[0] = '\0';
	return -1;
}

static hm_err
bad_file(struct why *why, hm_err err, const char *path, const char *words)
{
	err = WHY(why, err, "%s (%s)", words, tls_reason());
	why_where(why, "%s", path);
	return err;
}

/* A BIO borrows the bytes. */
static BIO *
bio_of(struct hm_bytes bytes)
{
	return BIO_new_mem_buf(bytes.ptr, (int)bytes.len);
}

static X509 *
next_x509(BIO *bio)
{
	return PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
}

/* Leaf and what else is to be sent. */
static hm_err
use_certificates(SSL_CTX *ctx, const char *path, struct why *why)
{
	AUTO(buf) struct buf text;
	AUTO(bio) BIO *bio = NULL;
	AUTO(x509) X509 *leaf = NULL;
	X509 *more;

	buf_init(&text, PEM_MAX);
	HM_TRY(file_read_text(path, PEM_MAX, &text, why));
	bio = bio_of(buf_bytes(&text));
	leaf = bio ? next_x509(bio) : NULL;
	if (!leaf || SSL_CTX_use_certificate(ctx, leaf) != 1)
		return bad_file(why, HM_E_CERT, path, "no certificate in it");
	while ((more = next_x509(bio)) != NULL)
		if (SSL_CTX_add0_chain_cert(ctx, more) != 1) {
			X509_free(more);
			return HM_E_NO_MEMORY;
		}
	ERR_clear_error();
	return HM_OK;
}

static hm_err
use_key(SSL_CTX *ctx, const char *path, struct why *why)
{
	__attribute__((cleanup(secret_text_done))) struct buf text;
	AUTO(bio) BIO *bio = NULL;
	AUTO(key) EVP_PKEY *key = NULL;

	buf_init(&text, PEM_MAX);
	HM_TRY(file_read_text(path, PEM_MAX, &text, why));
	bio = bio_of(buf_bytes(&text));
	if (bio)
		key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	if (!key)
		return bad_file(why, HM_E_KEY, path, "no usable private key");
	if (SSL_CTX_use_PrivateKey(ctx, key) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1)
		return bad_file(why, HM_E_KEY, path,
		    "the key does not belong to the certificate");
	return HM_OK;
}

/* In seconds since 1970; 0 if it cannot be read. */
static uint64_t
time_of(const ASN1_TIME *time)
{
	struct tm tm;
	time_t at;

	if (ASN1_TIME_to_tm(time, &tm) != 1)
		return 0;
	at = timegm(&tm);
	return at < 0 ? 0 : (uint64_t)at;
}

/* All CAs of a PEM text into a store; how many there were. */
static unsigned
add_anchors(X509_STORE *store, struct hm_bytes pem)
{
	AUTO(bio) BIO *bio = bio_of(pem);
	unsigned count = 0;

	while (bio) {
		AUTO(x509) X509 *x509 = next_x509(bio);

		if (!x509 || X509_STORE_add_cert(store, x509) != 1)
			break;
		count++;
	}
	ERR_clear_error();
	return count;
}

/* A list may have no end. */
static struct validity
validity_of_crl(const X509_CRL *crl)
{
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);

	return (struct validity){ time_of(X509_CRL_get0_lastUpdate(crl)),
		next == NULL ? UINT64_MAX : time_of(next) };
}

/* *lists: when all of them are valid */
static unsigned
add_crls(X509_STORE *store, struct hm_bytes pem, struct validity *lists)
{
	AUTO(bio) BIO *bio = bio_of(pem);
	unsigned count = 0;

	while (bio) {
		AUTO(crl)
		X509_CRL *crl =
		    PEM_read_bio_X509_CRL(bio, NULL, no_passphrase, NULL);

		if (!crl || X509_STORE_add_crl(store, crl) != 1)
			break;
		validity_narrow(lists, validity_of_crl(crl));
		count++;
	}
	ERR_clear_error();
	return count;
}

/* A store of these anchors; `crl` may be empty. */
static hm_err
use_store(SSL_CTX *ctx, struct hm_bytes anchors, struct hm_bytes crl,
    struct validity *ret_lists)
{
	AUTO(store) X509_STORE *store = X509_STORE_new();
	unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;
	struct validity lists = VALIDITY_EVER;

	if (!store)
		return HM_E_NO_MEMORY;
	if (add_anchors(store, anchors) == 0)
		return HM_E_CERT;
	if (crl.len) {
		if (add_crls(store, crl, &lists) == 0)
			return HM_E_CERT;
		flags |= X509_V_FLAG_CRL_CHECK;
	}
	if (X509_STORE_set_flags(store, flags) != 1)
		return HM_E_NO_MEMORY;
	SSL_CTX_set_cert_store(ctx, store);
	store = NULL;
	*ret_lists = lists;
	return HM_OK;
}

static hm_err
use_anchors(SSL_CTX *ctx, const char *path, struct buf *text, struct why *why)
{
	struct hm_bytes no_crl = { 0 };
	struct validity ever;

	HM_TRY(file_read_text(path, PEM_MAX, text, why));
	if (use_store(ctx, buf_bytes(text), no_crl, &ever) != HM_OK)
		return bad_file(
		    why, HM_E_CERT, path, "no CA certificate in it");
	return HM_OK;
}

static hm_err
new_context(const SSL_METHOD *method, SSL_CTX **ret)
{
	static char groups[] = "X25519:P-256"; /* the macro drops const */
	AUTO(ctx) SSL_CTX *ctx = SSL_CTX_new(method);

	if (!ctx || !SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) ||
	    !SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) ||
	    !SSL_CTX_set1_groups_list(ctx, groups) ||
	    !SSL_CTX_set_ciphersuites(ctx, CIPHERS))
		return HM_E_NO_MEMORY;
	/* What is sent is what was loaded: OpenSSL would else build a chain
	 * from the anchors for each handshake, and the peer would decode it. */
	SSL_CTX_set_mode(
	    ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	*ret = ctx;
	ctx = NULL;
	return HM_OK;
}

/* The 65 bytes of a P-256 key without decoding it (111 us in OpenSSL 3.0);
 * NULL for any other key. */
static const uint8_t *
point_of(const X509 *x509)
{
	static const char curve[] = "\x2a\x86\x48\xce\x3d\x03\x01\x07";
	const uint8_t *at;
	ASN1_OBJECT *kind;
	X509_ALGOR *algor;
	int len, type;
	const void *value;

	if (!X509_PUBKEY_get0_param(
		&kind, &at, &len, &algor, X509_get_X509_PUBKEY(x509)))
		return NULL;
	X509_ALGOR_get0(NULL, &type, &value, algor);
	if (OBJ_obj2nid(kind) != NID_X9_62_id_ecPublicKey ||
	    type != V_ASN1_OBJECT || len != NET_POINT_LEN || at[0] != 4)
		return NULL;
	if (OBJ_length(value) != sizeof curve - 1 ||
	    memcmp(OBJ_get0_data(value), curve, sizeof curve - 1) != 0)
		return NULL;
	return at;
}

/* What the chain alone does not say: the leaf is for clients and may sign, its
 * key is on P-256. */
static int
check_client(int ok, X509_STORE_CTX *store)
{
	X509 *leaf = X509_STORE_CTX_get_current_cert(store);

	if (!ok || X509_STORE_CTX_get_error_depth(store) != 0)
		return ok;
	if (!(X509_get_extension_flags(leaf) & EXFLAG_XKUSAGE) ||
	    !(X509_get_extended_key_usage(leaf) & XKU_SSL_CLIENT) ||
	    !(X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE)) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_INVALID_PURPOSE);
		return 0;
	}
	if (!point_of(leaf)) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_EE_KEY_TOO_SMALL);
		return 0;
	}
	return 1;
}

/* From the leaf to the anchor. */
static struct validity
validity_of_chain(const STACK_OF(X509) * chain)
{
	struct validity all = VALIDITY_EVER;

	for (int i = 0; i < sk_X509_num(chain); i++) {
		const X509 *x509 = sk_X509_value(chain, i);

		validity_narrow(
		    &all, (struct validity){ time_of(X509_get0_notBefore(x509)),
			      time_of(X509_get0_notAfter(x509)) });
	}
	return all;
}

static bool
digest_of(const X509 *x509, uint8_t ret[static NET_DIGEST_LEN])
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (X509_digest(x509, EVP_sha256(), digest, &len) != 1 ||
	    len != NET_DIGEST_LEN)
		return false;
	memcpy(ret, digest, NET_DIGEST_LEN);
	return true;
}

/* In the place of X509_verify_cert(), which is asked once for a certificate. */
static int
verify_client(X509_STORE_CTX *store, void *context)
{
	struct verified *verified = context;
	uint8_t digest[NET_DIGEST_LEN];

	if (!digest_of(X509_STORE_CTX_get0_cert(store), digest)) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_OUT_OF_MEM);
		return 0;
	}
	if (verified_has(verified, digest, clock_now_s())) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return 1;
	}
	if (X509_verify_cert(store) != 1 ||
	    X509_STORE_CTX_get_error(store) != X509_V_OK)
		return 0;
	verified_add(verified, digest,
	    validity_of_chain(X509_STORE_CTX_get0_chain(store)));
	return 1;
}

/* What small devices may speak, see net_tls_load. */
static hm_err
allow_small(SSL_CTX *ctx)
{
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
				     SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_max_early_data(ctx, 0);
	if (!SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) ||
	    !SSL_CTX_set_cipher_list(ctx, "ECDHE-ECDSA-AES128-GCM-SHA256"))
		return HM_E_NO_MEMORY;
	return HM_OK;
}

/*
 * libssl 3.0 lists a session that it had no memory to put into its table (issue
 * 28632 of OpenSSL), without a reference of its own, and would use it after it
 * was freed. The reference that comes with this call is the list's then.
 */
static int
keep_what_is_listed(SSL *ssl, SSL_SESSION *session)
{
	SSL_CTX *ctx = SSL_get_SSL_CTX(ssl);
	OPENSSL_LHASH *table = (OPENSSL_LHASH *)SSL_CTX_sessions(ctx);

	return OPENSSL_LH_retrieve(table, session) == NULL;
}

static void
set_sessions(SSL_CTX *ctx)
{
	static const unsigned char name[] = "hallmark";

	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
				     SSL_OP_IGNORE_UNEXPECTED_EOF |
				     SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_SERVER);
	SSL_CTX_sess_set_cache_size(ctx, SESSIONS_MAX);
	SSL_CTX_sess_set_new_cb(ctx, keep_what_is_listed);
	SSL_CTX_set_timeout(ctx, SESSION_LIFE_S);
	SSL_CTX_set_session_id_context(ctx, name, sizeof name - 1);
	SSL_CTX_set_max_early_data(ctx, 0);
}

void
net_tls_free(struct net_tls *tls)
{
	if (!tls)
		return;
	SSL_CTX_free(tls->ctx);
	verified_free(tls->verified);
	buf_done(&tls->client_ca);
	free(tls);
}

static void
tls_done(struct net_tls **tls)
{
	net_tls_free(*tls);
}

hm_err
net_tls_set_crl(struct net_tls *tls, struct hm_bytes pem, struct why *why)
{
	struct validity lists;
	hm_err err =
	    use_store(tls->ctx, buf_bytes(&tls->client_ca), pem, &lists);

	if (err == HM_E_CERT)
		return WHY(why, err, "no certificate revocation list in it");
	HM_TRY(err);
	verified_forget(tls->verified, lists);
	SSL_CTX_flush_sessions(tls->ctx, 0);
	return HM_OK;
}

static hm_err
load_crl(struct net_tls *tls, const char *path, struct why *why)
{
	AUTO(buf) struct buf text;

	buf_init(&text, 64 * PEM_MAX);
	HM_TRY(file_read_text(path, 64 * PEM_MAX, &text, why));
	hm_err err = net_tls_set_crl(tls, buf_bytes(&text), why);
	if (err != HM_OK)
		why_where(why, "%s", path);
	return err;
}

hm_err
net_tls_load(
    const struct net_tls_files *files, struct net_tls **ret, struct why *why)
{
	static char signatures[] = CLIENT_SIGNATURES; /* as for groups */
	AUTO(tls) struct net_tls *tls = calloc(1, sizeof *tls);

	if (!tls)
		return HM_E_NO_MEMORY;
	/* gmtime (Date:, validity) reads the time zone at its first use, which
	 * must not be in the jail. */
	tzset();
	buf_init(&tls->client_ca, PEM_MAX);
	HM_TRY(verified_new(&tls->verified));
	HM_TRY(new_context(TLS_server_method(), &tls->ctx));
	HM_TRY(use_certificates(tls->ctx, files->certificate, why));
	HM_TRY(use_key(tls->ctx, files->key, why));
	HM_TRY(use_anchors(tls->ctx, files->client_ca, &tls->client_ca, why));
	if (files->crl)
		HM_TRY(load_crl(tls, files->crl, why));
	if (!SSL_CTX_set1_client_sigalgs_list(tls->ctx, signatures))
		return HM_E_NO_MEMORY;
	/* For net/stream.h: a record in one read(2), and as much written as
	 * goes. */
	SSL_CTX_set_read_ahead(tls->ctx, 1);
	SSL_CTX_set_mode(tls->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
				       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_max_cert_list(tls->ctx, CERTIFICATE_MAX);
	SSL_CTX_set_verify_depth(tls->ctx, BETWEEN_MAX);
	SSL_CTX_set_verify(tls->ctx,
	    SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, check_client);
	SSL_CTX_set_cert_verify_callback(
	    tls->ctx, verify_client, tls->verified);
	if (files->small)
		HM_TRY(allow_small(tls->ctx));
	else
		set_sessions(tls->ctx);
	*ret = tls;
	tls = NULL;
	return HM_OK;
}

hm_err
tls_client_new(
    const struct net_client_config *config, SSL_CTX **ret, struct why *why)
{
	AUTO(ctx) SSL_CTX *ctx = NULL;
	AUTO(buf) struct buf anchors;

	buf_init(&anchors, PEM_MAX);
	HM_TRY(new_context(TLS_client_method(), &ctx));
	HM_TRY(use_anchors(ctx, config->ca, &anchors, why));
	if (config->certificate) {
		HM_TRY(use_certificates(ctx, config->certificate, why));
		HM_TRY(use_key(ctx, config->key ? config->key : "", why));
	}
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	*ret = ctx;
	ctx = NULL;
	return HM_OK;
}

hm_err
tls_peer(const SSL *ssl, struct net_peer *ret)
{
	X509 *x509 = SSL_get0_peer_certificate(ssl);
	const uint8_t *point = x509 ? point_of(x509) : NULL;

	if (!x509)
		return HM_E_CERT;
	if (!point)
		return HM_E_KEY;
	if (!digest_of(x509, ret->digest))
		return HM_E_NO_MEMORY;
	memcpy(ret->point, point, NET_POINT_LEN);
	ret->not_after_s = time_of(X509_get0_notAfter(x509));
	return HM_OK;
}

static hm_err
explain_theirs(long result, struct why *why)
{
	const char *words = X509_verify_cert_error_string(result);

	if (result == X509_V_ERR_CERT_NOT_YET_VALID ||
	    result == X509_V_ERR_CERT_HAS_EXPIRED) {
		WHY(why, HM_E_TLS,
		    "check the clock of this computer first: to it, the "
		    "server's certificate is not valid now (%s)",
		    words);
		why_do(why, "set the clock, or renew the server's certificate");
		return HM_E_TLS;
	}
	return WHY(why, HM_E_TLS,
	    "the server's certificate is not accepted (%s)", words);
}

static hm_err
explain_alert(int alert, struct why *why)
{
	const char *words = SSL_alert_desc_string_long(alert);

	if (alert == SSL_AD_CERTIFICATE_EXPIRED) {
		WHY(why, HM_E_TLS,
		    "check the clocks first: to the server, our certificate "
		    "is not valid now");
		why_do(why, "set the clock, or renew the certificate");
		return HM_E_TLS;
	}
	if (alert == SSL_AD_CERTIFICATE_REQUIRED)
		return WHY(
		    why, HM_E_TLS, "the server wants a client certificate");
	return WHY(
	    why, HM_E_TLS, "the server refused our side (alert: %s)", words);
}

hm_err
tls_explain(const SSL *ssl, struct why *why)
{
	long result = SSL_get_verify_result(ssl);
	int alert =
	    ERR_GET_REASON(ERR_peek_last_error()) - SSL_AD_REASON_OFFSET;

	if (result != X509_V_OK) {
		ERR_clear_error();
		return explain_theirs(result, why);
	}
	if (alert >= 0 && alert < 256) {
		ERR_clear_error();
		return explain_alert(alert, why);
	}
	return WHY(why, HM_E_TLS, "TLS failed (%s)", tls_reason());
}
