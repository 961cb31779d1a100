/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nth_signer - the signer's process, and another of its calls that fails
 *
 * The keeper is real and in this process; the linker puts the signer, with keys
 * in SoftHSM behind p11shim, where plant.c plays one. When it breaks down the
 * ask is repeated; then both are started again, as the parent does. Without
 * jail, in which no search for leaks can run (base/jail.c).
 */
#include "../../unit/token/soft.h"

#include <poll.h>
#include <signal.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "ca/ca.h"
#include "core/check.h"
#include "course.h"
#include "crypto/init.h"
#include "fault.h"
#include "server/life.h"
#include "server/signer/signer.h"

#define MUST(call) hm_assert((call) == HM_OK)
#define DAY UINT64_C(86400)
#define TRIES 4

static struct plant plant;
static struct buf root_der = { .max = 8192 }, issuer_der = { .max = 8192 };
static struct note_key log_key;
static int signer[2], life[2]; /* [0]: ours, [1]: the signer's */
static pid_t process;          /* 0: none */

/* ---- a token with everything, once ---- */

static hm_err
sign_ca(void *context, struct hm_bytes digest, uint8_t *ret, size_t ret_len)
{
	return token_sign(context, digest, ret, ret_len);
}

static void
make_cas(struct token_key *root, struct token_key *issuer)
{
	struct ca_issuer self = {
		.sig = CA_ES384, .sign = sign_ca, .context = root
	};
	struct ca_request request = { .profile = CA_ROOT,
		.common_name = "Root",
		.public_key = token_key_public(root),
		.not_before_s = T0 - DAY,
		.not_after_s = T0 + 9000 * DAY };

	MUST(ca_make(&self, &request, &root_der, NULL));
	self.certificate = buf_bytes(&root_der);
	request.profile = CA_SUB;
	request.common_name = "Issuing";
	request.public_key = token_key_public(issuer);
	request.not_after_s = T0 + 4000 * DAY;
	MUST(ca_make(&self, &request, &issuer_der, NULL));
}

static struct token_key *
make_key(struct token *token, const char *label, token_key_type type)
{
	struct token_key *key;

	MUST(token_generate(token, label, type, TOKEN_SIGN, &key, NULL));
	return key;
}

static void
prepare(void)
{
	struct token_key *root, *issuer, *log;
	struct token *token;

	log_init("signer", LOG_INFO);
	(void)signal(SIGPIPE, SIG_IGN);
	MUST(crypto_init());
	hm_assert(soft_start(NULL) == 0);
	token = soft_open(getenv("SOFTHSM"));
	root = make_key(token, "root", TOKEN_P384);
	issuer = make_key(token, "issuer", TOKEN_P256);
	(void)make_key(token, "stamp", TOKEN_P256);
	log = make_key(token, "log", TOKEN_ED25519);
	make_cas(root, issuer);
	MUST(
	    note_key_make(PLAY_ORIGIN, 1, token_key_public(log).ptr, &log_key));
	token_free(token);
}

static void
finish(void)
{
	buf_done(&root_der);
	buf_done(&issuer_der);
	hm_assert(soft_stop(NULL) == 0);
}

/* ---- the process ---- */

static hm_err
be_signer(void *context)
{
	struct signer_options options = { .keeper = signer[1],
		.life = life[1],
		.token_uri = SOFT_URI,
		.module = getenv("P11SHIM"),
		.issuer_key = "pkcs11:object=issuer",
		.stamp_key = "pkcs11:object=stamp",
		.log_key = "pkcs11:object=log",
		.origin = PLAY_ORIGIN,
		.issuer_certificate = buf_bytes(&issuer_der),
		.jail = { .role = JAIL_SIGNER, .writable = { soft_dir } } };
	struct secret pin = soft_pin;
	struct why why = { 0 };
	hm_err err;

	(void)context;
	p256_pair_point(plant.play.authority, options.authority);
	close(signer[0]);
	close(life[0]);
	err = signer_run(&options, &pin, &why);
	if (err != HM_OK)
		log_failure(LOG_ERROR, "end", err, &why, NULL);
	return err;
}

static hm_err
bury(void)
{
	hm_err err;

	close(signer[0]);
	err = fault_reap(process);
	process = 0;
	close(life[0]);
	if (err != HM_OK && !fault_fired())
		fault_lost("the signer ended without a fault");
	return err;
}

static hm_err
start(void)
{
	struct pollfd ready = { .events = POLLIN };

	MUST(channel_pair(signer, NULL));
	MUST(channel_pair(life, NULL));
	process = fault_start(be_signer, NULL);
	close(signer[1]);
	close(life[1]);
	ready.fd = life[0];
	hm_assert(poll(&ready, 1, -1) == 1);
	return life_poll(life[0]) == LIFE_READY ? HM_OK : bury();
}

static void
ensure(void)
{
	for (int i = 0; process == 0; i++) {
		hm_err err = start();

		if (err != HM_OK && i == TRIES)
			fault_lost("the signer does not start: HM-%04d", err);
	}
}

/* ---- what plant.c calls ---- */

static hm_err
send_signer(void *context, struct hm_bytes message, uint64_t deadline_us)
{
	(void)context;
	return channel_send(signer[0], message, deadline_us, NULL);
}

static hm_err
receive_signer(
    void *context, struct hm_span room, uint64_t deadline_us, size_t *ret_len)
{
	(void)context;
	return channel_recv(signer[0], room, deadline_us, ret_len, NULL);
}

struct keeper_link __wrap_play_link(struct play *play);
hm_err __wrap_keeper_open(const struct keeper_config *given, uint64_t now_s,
    struct keeper **ret, struct why *why);
hm_err __real_keeper_open(const struct keeper_config *given, uint64_t now_s,
    struct keeper **ret, struct why *why);
hm_err __wrap_keeper_batch(struct keeper *keeper, const struct hm_bytes *asks,
    struct buf *answers, size_t count, uint64_t now_s);
hm_err __real_keeper_batch(struct keeper *keeper, const struct hm_bytes *asks,
    struct buf *answers, size_t count, uint64_t now_s);
void __wrap_keeper_close(struct keeper *keeper);
void __real_keeper_close(struct keeper *keeper);

struct keeper_link
__wrap_play_link(struct play *play)
{
	(void)play;
	return (struct keeper_link){ NULL, send_signer, receive_signer };
}

static struct keeper_config config;

hm_err
__wrap_keeper_open(const struct keeper_config *given, uint64_t now_s,
    struct keeper **ret, struct why *why)
{
	hm_err err;

	config = *given;
	config.state = plant.folder;
	plant.play.log = log_key;
	for (int i = 0; i < TRIES; i++) {
		ensure();
		err = __real_keeper_open(&config, now_s, ret, why);
		if (err == HM_OK)
			return HM_OK;
		if (!fault_fired())
			fault_lost("the keeper does not open");
		if (i > 0)
			(void)bury(); /* looked at what it was */
	}
	fault_lost("the keeper does not open: HM-%04d", err);
}

void
__wrap_keeper_close(struct keeper *keeper)
{
	__real_keeper_close(keeper);
	if (process != 0)
		(void)bury(); /* looked at what it was */
}

/* Ask what has no answer yet. */
static void
ask_rest(const struct hm_bytes *asks, struct buf *answers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!is_answered(&answers[i]))
			MUST(__real_keeper_batch(plant.keeper, &asks[i],
			    &answers[i], 1, plant.now_s));
}

hm_err
__wrap_keeper_batch(struct keeper *keeper, const struct hm_bytes *asks,
    struct buf *answers, size_t count, uint64_t now_s)
{
	MUST(__real_keeper_batch(keeper, asks, answers, count, now_s));
	for (int i = 0; !all_answered(answers, count); i++) {
		if (!fault_fired())
			fault_lost("a breakdown without a fault");
		if (i == TRIES)
			fault_lost("it breaks down again and again");
		if (i > 0) {
			__wrap_keeper_close(plant.keeper);
			MUST(__wrap_keeper_open(
			    &config, now_s, &plant.keeper, NULL));
		}
		ask_rest(asks, answers, count);
	}
	return HM_OK;
}

/* Tiles and the published checkpoint are there after it, whatever happened. */
void __wrap_keeper_settle(struct keeper *keeper, uint64_t now_s);
void __real_keeper_settle(struct keeper *keeper, uint64_t now_s);
void
__wrap_keeper_settle(struct keeper *keeper, uint64_t now_s)
{
	__real_keeper_settle(keeper, now_s);
	if (!fault_fired())
		return;
	__wrap_keeper_close(plant.keeper);
	MUST(__wrap_keeper_open(&config, now_s, &plant.keeper, NULL));
	__real_keeper_settle(plant.keeper, now_s);
}

/* ---- a life ---- */

static void
live(void)
{
	plant_new(&plant, COURSE_QUOTA);
	course(&plant);
	plant_done(&plant);
}

static const struct fault_class classes[] = {
	{ "p11-device", NULL, 0, false },
	{ "p11-memory", NULL, 0, false },
	{ "p11-session", NULL, 0, false },
	{ "malloc", NULL, 0, false },
	{ "malloc", "libcrypto", 8, false },
	/* p11-kit 0.24 forgets a session that it cannot note down, and reads
	 * NULL where it cannot copy a part of a URI. */
	{ "malloc", "libp11-kit", 0, true },
	{ "recv", NULL, 0, false },
	{ "send", NULL, 0, false },
	{ "poll", NULL, 0, false },
	{ "random", NULL, 0, false },
	{ "thread", NULL, 0, false },
	{ 0 },
};

int
main(int argc, char **argv)
{
	static const struct fault_part part = { .name = "signer",
		.classes = classes,
		.life_s = 30,
		.prepare = prepare,
		.life = live,
		.finish = finish };

	return fault_main(&part, argc, argv);
}
