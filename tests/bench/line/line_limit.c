/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device costs at least, on this machine and with these libraries: each
 * operation is made by the library's own call with everything kept ready, and
 * timed by the CPU clock of its thread, while the other cores are as busy as
 * under load (line_company.h). Signatures are the token's, by the same
 * sessions as in the server. The rest of a device (parsing, walls between
 * processes, tables, tree) is what the server adds; it is not in the limit.
 */
#include "line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "base/secret.h"
#include "core/check.h"
#include "crypto/aead.h"
#include "crypto/digest.h"
#include "crypto/ed25519_fixed.h"
#include "crypto/p256_fixed.h"
#include "line_company.h"
#include "line_echo.h"
#include "store/db.h"
#include "token/token.h"

#define ROUNDS 7 /* the median of them counts */
#define ROUND_US 40000.0
#define MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define COMMITS 40 /* of a round */
#define ROUNDS_COMMIT 5

/* Of one device: binding, evidence, possession, evidence message, four keys,
 * certificate twice, stamp twice, conformance twice, two leaves; and what HPKE
 * and the nonce take of HMAC. */
#define HASHES 16
#define HASH_LEN 420
#define NONCE_MACS 2
#define HPKE_MACS 7

const char *const line_item_names[LIMIT_ITEMS] = { "3 verifications",
	"2 signatures by the token", "seal", "hashes", "HTTP and TLS records",
	"connection", "commit", "checkpoint's share" };

static struct {
	struct p256_pair *pair;
	struct p256_public *kept;
	EVP_PKEY *key;
	EVP_PKEY_CTX *generate, *derive;
	struct token *token;
	struct token_key *stamp, *log;
	struct p256_fixed *fixed;
	uint8_t log_signature[ED25519_SIGNATURE_LEN];
	struct ed25519_fixed *log_fixed;
	uint8_t digest[32], signature[64], text[1024], out[1024];
} t;

static void
must(bool ok)
{
	hm_assert(ok);
}

double
line_thread_us(void)
{
	struct timespec now;

	must(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

double
line_median(double *found, int count)
{
	for (int i = 1; i < count; i++) {
		double us = found[i];
		int at = i;

		for (; at > 0 && found[at - 1] > us; at--)
			found[at] = found[at - 1];
		found[at] = us;
	}
	return found[count / 2];
}

static double
run_us(void (*work)(void))
{
	double start = line_thread_us(), spent;
	unsigned count = 0;

	do {
		for (int i = 0; i < 8; i++)
			work();
		count += 8;
		spent = line_thread_us() - start;
	} while (spent < ROUND_US);
	return spent / count;
}

static double
median_us(void (*work)(void))
{
	double found[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		found[i] = run_us(work);
	return line_median(found, ROUNDS);
}

/* ---- operations ---- */

static void
verify(void)
{
	must(p256_verify_with(t.kept, t.digest, t.signature) == HM_OK);
}

static void
sign_stamp(void)
{
	must(token_sign(t.stamp, HM_BYTES(t.digest), t.out, 64) == HM_OK);
}

/* A checkpoint is about so long. */
static void
sign_log(void)
{
	must(token_sign(t.log, (struct hm_bytes){ t.text, 80 }, t.out, 64) ==
	     HM_OK);
}

/* As the server does it: no library has a call that is as cheap. */
static void
check_stamp(void)
{
	must(p256_fixed_verify(t.fixed, t.digest, t.signature) == HM_OK);
}

static void
check_log(void)
{
	must(ed25519_fixed_verify(t.log_fixed, (struct hm_bytes){ t.text, 80 },
		 t.log_signature) == HM_OK);
}

static void
generate(void)
{
	EVP_PKEY *key = NULL;

	must(EVP_PKEY_generate(t.generate, &key) == 1);
	EVP_PKEY_free(key);
}

static void
agree(void)
{
	size_t len = 32;

	must(EVP_PKEY_derive(t.derive, t.out, &len) == 1);
}

static void
mac(void)
{
	struct hm_bytes piece = { t.text, 100 };

	hmac_sha256(HM_BYTES(t.digest), &piece, 1, t.out);
}

static void
derive_and_encrypt(void)
{
	for (int i = 0; i < HPKE_MACS; i++)
		mac();
	must(gcm_seal((struct hm_bytes){ t.digest, 16 }, t.digest,
		 (struct hm_bytes){ t.text, 64 },
		 (struct hm_bytes){ t.text, 256 }, t.out) == HM_OK);
}

static void
hash(void)
{
	for (int i = 0; i < HASHES; i++)
		sha256_one((struct hm_bytes){ t.text, HASH_LEN }, t.out);
	for (int i = 0; i < NONCE_MACS; i++)
		mac();
}

/* ---- before the run ---- */

static void
start(void)
{
	OSSL_PARAM params[2] = {
		OSSL_PARAM_construct_utf8_string(
		    OSSL_PKEY_PARAM_GROUP_NAME, (char[]){ "P-256" }, 0),
		OSSL_PARAM_construct_end(),
	};
	uint8_t point[P256_POINT_LEN], log_key[ED25519_KEY_LEN];

	must(p256_pair_new(&t.pair) == HM_OK);
	p256_pair_point(t.pair, point);
	must(p256_public_new(point, &t.kept) == HM_OK);
	must(p256_pair_sign(t.pair, t.digest, t.signature) == HM_OK);
	must(p256_fixed_new(point, &t.fixed) == HM_OK);
	must(ed25519_public(t.digest, log_key) == HM_OK);
	must(ed25519_fixed_new(log_key, &t.log_fixed) == HM_OK);
	must(ed25519_sign(t.digest, (struct hm_bytes){ t.text, 80 },
		 t.log_signature) == HM_OK);
	t.key = EVP_EC_gen("P-256");
	t.generate = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	t.derive = EVP_PKEY_CTX_new_from_pkey(NULL, t.key, NULL);
	must(EVP_PKEY_keygen_init(t.generate) == 1 &&
	     EVP_PKEY_CTX_set_params(t.generate, params) == 1);
	must(EVP_PKEY_derive_init(t.derive) == 1 &&
	     EVP_PKEY_derive_set_peer_ex(t.derive, t.key, 0) == 1);
}

/* It stays open: a login is no part of the line. */
static void
open_token(void)
{
	struct token_options options = { .uri = "pkcs11:token=server",
		.module = MODULE };
	struct secret pin = { 0 };
	struct why why = { 0 };

	line_must(secret_load("file:pin", &pin, &why), &why, "PIN");
	line_must(token_open(&options, &pin, &t.token, &why), &why, "token");
	line_must(token_key(t.token, "pkcs11:object=stamp", TOKEN_SIGN,
		      &t.stamp, &why),
	    &why, "stamp key");
	line_must(
	    token_key(t.token, "pkcs11:object=log", TOKEN_SIGN, &t.log, &why),
	    &why, "log key");
	secret_done(&pin);
}

static void
measure(struct line_primitives *ret)
{
	struct line_company *company = line_company_start();

	ret->verify = median_us(verify);
	ret->token_sign = median_us(sign_stamp);
	ret->token_log = median_us(sign_log);
	ret->keygen = median_us(generate);
	ret->agree = median_us(agree);
	ret->kdf_gcm = median_us(derive_and_encrypt);
	ret->hashes = median_us(hash);
	ret->check = median_us(check_stamp);
	ret->check_log = median_us(check_log);
	line_company_stop(company);
}

void
line_limit_measure(struct line_primitives *ret)
{
	start();
	open_token();
	measure(ret);
}

static double
mean(double a, double b)
{
	return (a + b) / 2;
}

void
line_limit_measure_again(struct line_primitives *primitives)
{
	const struct line_primitives first = *primitives;
	struct line_primitives *p = primitives;

	measure(p);
	p->verify = mean(first.verify, p->verify);
	p->token_sign = mean(first.token_sign, p->token_sign);
	p->token_log = mean(first.token_log, p->token_log);
	p->keygen = mean(first.keygen, p->keygen);
	p->agree = mean(first.agree, p->agree);
	p->kdf_gcm = mean(first.kdf_gcm, p->kdf_gcm);
	p->hashes = mean(first.hashes, p->hashes);
	p->check = mean(first.check, p->check);
	p->check_log = mean(first.check_log, p->check_log);
	token_free(t.token);
}

/* ---- after it: what depends on sizes ---- */

/* `rows` rows of that size in one durable transaction; us of CPU time. */
static double
commit_us(struct db *db, unsigned rows, size_t len)
{
	static uint8_t row[16384];
	struct db_stmt insert = { 0 };
	double start = line_thread_us();
	struct why why = { 0 };
	struct db_txn txn;

	line_must(db_begin(db, &txn, &why), &why, "begin");
	line_must(db_prepare(db, "INSERT INTO row (content) VALUES (?)",
		      &insert, &why),
	    &why, "insert");
	for (unsigned i = 0; i < rows; i++) {
		db_bind_bytes(&insert, 1,
		    (struct hm_bytes){
			row, len < sizeof(row) ? len : sizeof(row) });
		line_must(db_run(&insert, &why), &why, "insert");
	}
	db_stmt_done(&insert);
	line_must(db_commit(&txn, &why), &why, "commit");
	return line_thread_us() - start;
}

/* One row for each of a device's two answers, at the batch that occurred. */
static double
measure_commit(double batch, size_t len)
{
	static const char *const schema[] = {
		"CREATE TABLE row (id INTEGER PRIMARY KEY, content BLOB)"
	};
	struct db_options options = { .path = "limit.db",
		.exclusive = true,
		.migrations = schema,
		.migrations_count = 1 };
	unsigned rows = batch < 1 ? 1 : (unsigned)(batch + 0.5);
	double found[ROUNDS_COMMIT];
	struct why why = { 0 };
	struct db *db;

	line_must(db_open(&options, &db, &why), &why, "database");
	for (int i = 0; i < ROUNDS_COMMIT; i++) {
		found[i] = 0;
		for (int j = 0; j < COMMITS; j++)
			found[i] += commit_us(db, rows, len);
		found[i] /= COMMITS * rows;
	}
	db_close(db);
	return line_median(found, ROUNDS_COMMIT);
}

void
line_limit_of(const struct line_primitives *primitives,
    const struct line_options *options, const struct line_result *result,
    struct line_limit *ret)
{
	const struct line_primitives *p = primitives;
	struct line_company *company = line_company_start();
	double batch = result->commit_size;
	struct line_echo echo;

	*ret = (struct line_limit){ 0 };
	line_echo_measure(result->wire, &echo);
	ret->us[LIMIT_VERIFY] = 3 * p->verify;
	ret->us[LIMIT_SIGN] = 2 * p->token_sign;
	ret->us[LIMIT_SEAL] = p->keygen + p->agree + p->kdf_gcm;
	ret->us[LIMIT_HASH] = p->hashes;
	ret->us[LIMIT_RECORDS] = echo.records;
	if (options->reuse == LINE_NEW)
		ret->us[LIMIT_CONNECT] = echo.connect;
	if (options->reuse == LINE_RESUME)
		ret->us[LIMIT_CONNECT] = echo.resume;
	ret->us[LIMIT_COMMIT] =
	    2 * measure_commit(batch, (result->wire[3] + result->wire[5]) / 2);
	line_company_stop(company);
	ret->us[LIMIT_CHECKPOINT] = batch < 1 ? 0 : 2 * p->token_log / batch;
	ret->own_checks = 2 * p->check;
	if (batch >= 1)
		ret->own_checks += 2 * p->check_log / batch;
	for (int i = 0; i < LIMIT_ITEMS; i++)
		ret->sum += ret->us[i];
}
