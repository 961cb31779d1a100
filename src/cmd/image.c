/* SPDX-License-Identifier: Apache-2.0 */
/* hallmark image: firmware files that boot code checks; options and formats */
#include "cmd/image_bundle.h"
#include "cmd/image_esp.h"
#include "cmd/image_esp_data.h"
#include "cmd/image_fit.h"
#include "cmd/image_mcuboot.h"
#include "cmd/image_raw.h"
#include "cmd/image_verbs.h"
#include "cmd/nouns.h"

/* One row a format. */
const struct image_command *const image_commands[] = {
	&image_mcuboot,
	&image_esp_cert,
	&image_esp_sbv2,
	&image_esp_sbv1,
	&image_esp_app,
	&image_esp_table,
	&image_esp_flash,
	&image_esp_enc,
	&image_fit,
	&image_fit_control,
	&image_uboot_env,
	&image_nvs,
	&image_efuse,
	&image_bundle,
	&image_raw,
	&image_cms,
	NULL,
};

#define FORMAT_OPTION(NAMES)                                                \
	{                                                                   \
		"format", OPTION_TEXT, .required = true, .metavar = "NAME", \
				       .help = NAMES                        \
	}
#define FORMAT_OR_NOT_OPTION(NAMES)                                  \
	{                                                            \
		"format", OPTION_TEXT,                               \
		    .metavar = "NAME",                               \
		    .help = NAMES "; without it, what it looks like" \
	}
#define OUTPUT_OPTION                                                     \
	{                                                                 \
		"output", OPTION_PATH, 'o',                               \
		    .required = true, .metavar = "FILE",                  \
		    .help = "where the result goes; - is standard output" \
	}

/* Rows that several formats share: a format's step names those it takes. */
#define ENCRYPT_KEY_OPTION                                                     \
	{                                                                      \
		"encrypt-key", OPTION_PATH,                                    \
		    .metavar = "FILE",                                         \
		    .help = "who may read it: a public key in PEM, or a "      \
			    "symmetric key (16 or 32 bytes, binary or base64)" \
	}
#define DECRYPT_KEY_OPTION                                                   \
	{                                                                    \
		"decrypt-key", OPTION_PATH,                                  \
		    .metavar = "FILE",                                       \
		    .help = "the private key in PEM, or the symmetric key, " \
			    "that opens it"                                  \
	}
#define APPEND_OPTION                                                         \
	{                                                                     \
		"append", OPTION_FLAG,                                        \
		    .help = "keep the signatures that are there, and verify " \
			    "them first"                                      \
	}
#define HASH_OPTION                                                     \
	{                                                               \
		"hash", OPTION_ENUM, .choices = "sha256|sha384|sha512", \
				     .help = "digest that is signed"    \
	}

#define KEY_OPTIONS                                                           \
	{ "passphrase", OPTION_TEXT, .metavar = "SOURCE",                     \
		.help = "of an encrypted PEM file: fd:N, credential:NAME, "   \
			"file:PATH or prompt" },                              \
	    { "pin", OPTION_TEXT, .metavar = "SOURCE", .fallback = "prompt",  \
		    .help =                                                   \
			"of the token of a pkcs11: URI, in the same forms" }, \
	{                                                                     \
		"module", OPTION_PATH,                                        \
		    .metavar = "FILE",                                        \
		    .help = "PKCS#11 module; without it those of p11-kit"     \
	}

#define TRUST_OPTION                                                  \
	{                                                             \
		"key", OPTION_TEXT,                                   \
		    .repeated = true, .metavar = "KEY",               \
		    .help = "a key to trust: PEM file or pkcs11: URI" \
	}

#define SIGN_OPTIONS(NAMES)                                                   \
	FORMAT_OPTION(NAMES), OUTPUT_OPTION,                                  \
	    { "key", OPTION_TEXT, .repeated = true, .metavar = "KEY",         \
		    .help = "a private key: PEM file or pkcs11: URI; again "  \
			    "for another signature" },                        \
	    { "channel", OPTION_ENUM, .choices = "dev|prod",                  \
		    .help = "who the image is for; prod wants keys that are " \
			    "in a token" },                                   \
	    KEY_OPTIONS, ENCRYPT_KEY_OPTION, DECRYPT_KEY_OPTION,              \
	    APPEND_OPTION, HASH_OPTION,                                       \
	    { "old-key", OPTION_TEXT, .repeated = true, .metavar = "KEY",     \
		    .help = "resign, append: whose signature is there now" }, \
	    MCUBOOT_SIGN_OPTIONS, ESP_SIGN_OPTIONS, FIT_SIGN_OPTIONS,         \
	    RAW_SIGN_OPTIONS

static const struct option_spec sign_options[] = {
	SIGN_OPTIONS(IMAGE_FORMATS_SIGN), { 0 }
};
static const struct option_spec request_options[] = { SIGN_OPTIONS(
							  IMAGE_FORMATS_SIGN),
	{ "to-sign", OPTION_PATH, .metavar = "FILE",
	    .help = "write what is to be signed too: the digest, or the "
		    "message (Ed25519)" },
	{ 0 } };
static const struct option_spec assemble_options[] = { SIGN_OPTIONS(
							   IMAGE_FORMATS_SIGN),
	{ "request", OPTION_PATH, .required = true, .metavar = "FILE",
	    .help = "what `image request` wrote" },
	{ "response", OPTION_PATH, .required = true, .repeated = true,
	    .metavar = "FILE",
	    .help = "a signature: raw or DER, binary or base64" },
	{ 0 } };
static const struct option_spec resign_options[] = {
	SIGN_OPTIONS(IMAGE_FORMATS_RESIGN), { 0 }
};
static const struct option_spec verify_options[] = { FORMAT_OR_NOT_OPTION(
							 IMAGE_FORMATS_VERIFY),
	TRUST_OPTION, DECRYPT_KEY_OPTION, KEY_OPTIONS, HASH_OPTION,
	RAW_VERIFY_OPTIONS, MCUBOOT_VERIFY_OPTIONS, ESP_VERIFY_OPTIONS,
	FIT_VERIFY_OPTIONS, UBOOT_ENV_VERIFY_OPTIONS, NVS_KEY_OPTIONS, { 0 } };
static const struct option_spec inspect_options[] = {
	FORMAT_OR_NOT_OPTION(IMAGE_FORMATS_INSPECT), { 0 }
};
static const struct option_spec encrypt_options[] = { FORMAT_OPTION(
							  IMAGE_FORMATS_CRYPT),
	OUTPUT_OPTION, ENCRYPT_KEY_OPTION, TRUST_OPTION, KEY_OPTIONS,
	MCUBOOT_ENCRYPT_OPTIONS, ESP_CRYPT_OPTIONS, { 0 } };
static const struct option_spec decrypt_options[] = { FORMAT_OPTION(
							  IMAGE_FORMATS_CRYPT),
	OUTPUT_OPTION, DECRYPT_KEY_OPTION, TRUST_OPTION, KEY_OPTIONS,
	MCUBOOT_DECRYPT_OPTIONS, ESP_CRYPT_OPTIONS, { 0 } };
static const struct option_spec convert_options[] = {
	FORMAT_OPTION(IMAGE_FORMATS_CONVERT), OUTPUT_OPTION, ENCRYPT_KEY_OPTION,
	DECRYPT_KEY_OPTION, TRUST_OPTION, KEY_OPTIONS, HASH_OPTION,
	MCUBOOT_CONVERT_OPTIONS, ESP_CONVERT_OPTIONS, ESP_CERT_CONVERT_OPTIONS,
	FIT_CONVERT_OPTIONS, UBOOT_ENV_CONVERT_OPTIONS, NVS_CONVERT_OPTIONS,
	ESP_CHIP_OPTION, EFUSE_CONVERT_OPTIONS, { 0 }
};
static const struct option_spec operands[] = {
	{ "file", OPTION_PATH, .required = true,
	    .help = "the image; - is standard input" },
	{ 0 },
};

/* ---- the noun ---- */

static const struct verb_spec sign_verb = { .name = "sign",
	.words = "sign an image; nothing is written before it verifies",
	.example = "hallmark image sign --format mcuboot --key dev.pem "
		   "--image-version 1.2.3+4 --header-size 0x200 "
		   "--pad-header -o app.signed.bin app.bin\n"
		   "hallmark image sign --format esp-secure-boot-v2 "
		   "--key rsa3072.pem -o app.signed.bin app.bin\n"
		   "hallmark image sign --format raw --key dev.pem -o "
		   "app.sig app.bin",
	.options = sign_options,
	.operands = operands,
	.run = image_run_sign,
	.shows = image_run_shows };
static const struct verb_spec verify_verb = { .name = "verify",
	.words = "judge an image more strictly than its boot loader",
	.text = "The exit status is 0 if every byte of the file is as it "
		"should be and the signatures are by trusted keys, 4 if not.",
	.example = "hallmark image verify --key dev.pub.pem "
		   "app.signed.bin\n"
		   "hallmark image verify --format raw --key "
		   "dev.pub.pem --signature app.sig app.bin",
	.options = verify_options,
	.operands = operands,
	.run = image_run_verify,
	.shows = image_run_shows };
static const struct verb_spec encrypt_verb = { .name = "encrypt",
	.words = "encrypt an image for those who may read it",
	.example = "hallmark image encrypt --format "
		   "esp-flash-encryption --chip esp32c3 --flash-key "
		   "flash.key --address 0x10000 -o app.enc "
		   "app.signed.bin\n"
		   "hallmark image encrypt --format bundle "
		   "--encrypt-key station.pub.pem -o app.bundle "
		   "app.signed.bin",
	.options = encrypt_options,
	.operands = operands,
	.run = image_run_encrypt,
	.shows = image_run_shows };
static const struct verb_spec decrypt_verb = { .name = "decrypt",
	.words = "decrypt an image",
	.example = "hallmark image decrypt --format bundle "
		   "--decrypt-key station.pem -o app.tar app.bundle",
	.options = decrypt_options,
	.operands = operands,
	.run = image_run_decrypt,
	.shows = image_run_shows };
static const struct verb_spec inspect_verb = { .name = "inspect",
	.words = "say what a file is and what it consists of",
	.example = "hallmark image inspect app.signed.bin",
	.options = inspect_options,
	.operands = operands,
	.run = image_run_inspect,
	.shows = image_run_shows };
static const struct verb_spec request_verb = { .name = "request",
	.words = "write down what has to be signed elsewhere",
	.text = "Takes the options of `image sign`, with a public key in the "
		"place of the private one that is elsewhere. What it writes "
		"says what is signed, by which key and scheme; the answer goes "
		"to `image assemble`.",
	.example = "hallmark image request --format raw --key "
		   "prod.pub.pem -o app.request app.bin",
	.options = request_options,
	.operands = operands,
	.run = image_run_request,
	.shows = image_run_shows };
static const struct verb_spec assemble_verb = { .name = "assemble",
	.words = "sign an image by signatures that were made elsewhere",
	.text = "Takes the options that `image request` was given. Refuses if "
		"what is to be signed differs from the request, or if a "
		"signature does not verify.",
	.example = "hallmark image assemble --format raw --key "
		   "prod.pub.pem --request app.request --response "
		   "app.response -o app.sig app.bin",
	.options = assemble_options,
	.operands = operands,
	.run = image_run_assemble,
	.shows = image_run_shows };
static const struct verb_spec resign_verb = { .name = "resign",
	.words = "verify and strip the signatures, and sign by another key",
	.example = "hallmark image resign --format mcuboot --old-key "
		   "dev.pub.pem --key 'pkcs11:token=oem;object=prod' "
		   "--module /usr/lib/softhsm/libsofthsm2.so --pin file:pin "
		   "-o app.prod.bin app.signed.bin",
	.options = resign_options,
	.operands = operands,
	.run = image_run_resign,
	.shows = image_run_shows };
static const struct verb_spec convert_verb = { .name = "convert",
	.words = "write an image in another form",
	.example = "hallmark image convert --format mcuboot -o app.bin "
		   "app.hex\n"
		   "hallmark image convert --format esp-partition-table "
		   "-o table.bin table.csv",
	.options = convert_options,
	.operands = operands,
	.run = image_run_convert,
	.shows = image_run_shows };
static const struct verb_spec *const verbs[] = { &sign_verb, &verify_verb,
	&encrypt_verb, &decrypt_verb, &inspect_verb, &request_verb,
	&assemble_verb, &resign_verb, &convert_verb, NULL };

const struct noun_spec noun_image = { .name = "image",
	.words = "firmware images: sign, verify, encrypt",
	.text = "`hallmark image VERB --format NAME --help` shows what one "
		"format takes; its page is in docs/formats.",
	.verbs = verbs };
