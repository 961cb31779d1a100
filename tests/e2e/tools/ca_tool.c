/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ca_tool MODULE DIR - a whole hierarchy with keys in a token, as files
 *
 * For tests: a root and a sub-CA whose keys are made in a new token of MODULE,
 * one certificate of each profile, three device certificates, and the lists
 * that revoke the second one. SOFTHSM2_CONF says where the token lies.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/file.h"
#include "ca/ca.h"
#include "crypto/p256.h"
#include "token/token.h"

#define DAY UINT64_C(86400)
#define DEVICES 3
#define HW_TYPE "\x2b\x06\x01\x04\x01\x81\xfd\x59\x01\x01"

struct tool {
	const char *dir;
	struct token *token;
	struct token_key *root_key, *sub_key;
	struct buf root, sub;
	uint64_t now_s;
	struct why why;
};

static hm_err
sign(void *context, struct hm_bytes digest, uint8_t *ret, size_t ret_len)
{
	return token_sign(context, digest, ret, ret_len);
}

static hm_err
save(
    struct tool *tool, const char *name, const char *label, struct hm_bytes der)
{
	AUTO(buf) struct buf pem = { 0 };
	char path[512];

	buf_init(&pem, 1 << 16);
	HM_TRY(path_join(path, sizeof(path), tool->dir, name));
	HM_TRY(pem_format(label, der, &pem));
	return file_write(path, buf_bytes(&pem), 0644, &tool->why);
}

static struct ca_issuer
issuer_of(struct token_key *key, const struct buf *certificate)
{
	return (struct ca_issuer){ .certificate = buf_bytes(certificate),
		.sig = token_key_kind(key) == TOKEN_P384 ? CA_ES384 : CA_ES256,
		.sign = sign,
		.context = key };
}

static hm_err
make_token(struct tool *tool, const char *module)
{
	static const struct secret so_pin = { 8, "87654321" };
	static const struct secret pin = { 4, "1234" };
	struct token_options options = { .uri = "pkcs11:token=ca-tool",
		.module = module };

	HM_TRY(token_init_soft(module, "ca-tool", &so_pin, &pin, &tool->why));
	HM_TRY(token_open(&options, &pin, &tool->token, &tool->why));
	HM_TRY(token_generate(tool->token, "root", TOKEN_P384, TOKEN_SIGN,
	    &tool->root_key, &tool->why));
	return token_generate(tool->token, "sub", TOKEN_P256, TOKEN_SIGN,
	    &tool->sub_key, &tool->why);
}

static hm_err
make_cas(struct tool *tool)
{
	struct ca_issuer issuer = issuer_of(tool->root_key, &tool->root);
	struct ca_request request = { .profile = CA_ROOT,
		.common_name = "Example Root CA",
		.organization = "Example Works",
		.public_key = token_key_public(tool->root_key),
		.not_before_s = tool->now_s,
		.not_after_s = tool->now_s + 7300 * DAY };

	HM_TRY(ca_make(&issuer, &request, &tool->root, &tool->why));
	issuer = issuer_of(tool->root_key, &tool->root);
	request.profile = CA_SUB;
	request.common_name = "Example Line CA";
	request.public_key = token_key_public(tool->sub_key);
	request.not_after_s = tool->now_s + 3650 * DAY;
	HM_TRY(ca_make(&issuer, &request, &tool->sub, &tool->why));
	HM_TRY(save(tool, "root.pem", "CERTIFICATE", buf_bytes(&tool->root)));
	return save(tool, "sub.pem", "CERTIFICATE", buf_bytes(&tool->sub));
}

static hm_err
new_point(uint8_t ret[static P256_POINT_LEN])
{
	struct p256_pair *pair;

	HM_TRY(p256_pair_new(&pair));
	p256_pair_point(pair, ret);
	p256_pair_free(pair);
	return HM_OK;
}

static hm_err
make_leaves(struct tool *tool)
{
	static const char *const hosts[] = { "prov.example.com", "192.0.2.7",
		"2001:db8::7", NULL };
	static const struct {
		ca_profile profile;
		const char *name, *file;
	} leaves[] = { { CA_SERVER, "prov.example.com", "server.pem" },
		{ CA_STATION, "station 3, Prüfplatz", "station.pem" },
		{ CA_CLIENT, "auditor", "client.pem" } };
	struct ca_issuer issuer = issuer_of(tool->sub_key, &tool->sub);

	for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
		uint8_t point[P256_POINT_LEN];
		struct ca_request request = { .profile = leaves[i].profile,
			.common_name = leaves[i].name,
			.public_key = HM_BYTES(point),
			.not_before_s = tool->now_s,
			.not_after_s = tool->now_s + 90 * DAY };
		AUTO(buf) struct buf der = { 0 };

		buf_init(&der, 4096);
		if (leaves[i].profile == CA_SERVER)
			request.hosts = hosts;
		HM_TRY(new_point(point));
		HM_TRY(ca_make(&issuer, &request, &der, &tool->why));
		HM_TRY(
		    save(tool, leaves[i].file, "CERTIFICATE", buf_bytes(&der)));
	}
	return HM_OK;
}

static hm_err
make_lists(struct tool *tool, const struct ca_revoked *revoked)
{
	struct ca_issuer root = issuer_of(tool->root_key, &tool->root);
	struct ca_issuer sub = issuer_of(tool->sub_key, &tool->sub);
	AUTO(buf) struct buf empty = { 0 };
	AUTO(buf) struct buf list = { 0 };

	buf_init(&empty, 4096);
	buf_init(&list, 4096);
	HM_TRY(ca_crl_make(&root,
	    &(struct ca_crl){ 1, tool->now_s, tool->now_s + 30 * DAY, NULL, 0 },
	    &empty));
	HM_TRY(ca_crl_make(&sub,
	    &(struct ca_crl){
		258, tool->now_s, tool->now_s + 30 * DAY, revoked, 1 },
	    &list));
	HM_TRY(save(tool, "root.crl", "X509 CRL", buf_bytes(&empty)));
	return save(tool, "sub.crl", "X509 CRL", buf_bytes(&list));
}

static hm_err
make_devices(struct tool *tool)
{
	struct ca_issuer issuer = issuer_of(tool->sub_key, &tool->sub);
	struct ca_revoked revoked = { .revoked_s = tool->now_s, .reason = 1 };
	struct ca_template *template_;
	hm_err err;

	HM_TRY(ca_template_new(&issuer, HM_LITERAL("Example Works"),
	    HM_LITERAL(HW_TYPE), &template_));
	err = HM_OK;
	for (unsigned i = 1; i <= DEVICES && err == HM_OK; i++) {
		uint8_t point[P256_POINT_LEN], serial[CA_SERIAL_LEN];
		uint8_t hw_serial[8] = { 0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66,
			(uint8_t)i };
		char name[32], file[32];
		struct ca_device device = { .point = point,
			.hw_serial = HM_BYTES(hw_serial),
			.not_before_s = tool->now_s };
		AUTO(buf) struct buf der = { 0 };

		buf_init(&der, 2048);
		(void)snprintf(name, sizeof(name), "SN-%04u", i);
		(void)snprintf(file, sizeof(file), "device%u.pem", i);
		device.serial = hm_bytes_of(name);
		err = new_point(point);
		if (err == HM_OK)
			err = ca_device_make(template_, &device, serial, &der);
		if (err == HM_OK)
			err = save(tool, file, "CERTIFICATE", buf_bytes(&der));
		if (err == HM_OK && i == 2)
			memcpy(revoked.serial, serial, CA_SERIAL_LEN);
	}
	ca_template_free(template_);
	return err == HM_OK ? make_lists(tool, &revoked) : err;
}

static hm_err
run(struct tool *tool, const char *module)
{
	HM_TRY(make_token(tool, module));
	HM_TRY(make_cas(tool));
	HM_TRY(make_leaves(tool));
	return make_devices(tool);
}

int
main(int argc, char **argv)
{
	static struct tool tool;
	hm_err err;

	if (argc != 3) {
		fprintf(stderr, "usage: ca_tool MODULE DIR\n");
		return 2;
	}
	tool.dir = argv[2];
	/* A minute's grace, as any clock beside ours may be behind. */
	tool.now_s = clock_now_s() - 60;
	buf_init(&tool.root, 4096);
	buf_init(&tool.sub, 4096);
	err = run(&tool, argv[1]);
	if (err != HM_OK)
		fprintf(stderr, "HM-%d: %s\n", err, tool.why.text);
	token_free(tool.token);
	buf_done(&tool.root);
	buf_done(&tool.sub);
	return err == HM_OK ? 0 : 1;
}
