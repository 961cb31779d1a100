/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/report.h"
#include "base/text.h"
#include "board.h"
#include "chip.h"

#define PEM_MAX 8192
#define PEM_BEGIN "-----BEGIN PUBLIC KEY-----"
#define PEM_END "-----END PUBLIC KEY-----"

/* The base64 of the first public key in a text, without its white space. */
static bool
pem_body(const char *text, struct buf *ret)
{
	const char *at = strstr(text, PEM_BEGIN);
	const char *end = strstr(text, PEM_END);

	if (at == NULL || end == NULL || end < at)
		return false;
	for (at += sizeof(PEM_BEGIN) - 1; at < end; at++)
		if (strchr(" \t\r\n", *at) == NULL &&
		    buf_add(ret, (struct hm_bytes){ (const uint8_t *)at, 1 }) !=
			HM_OK)
			return false;
	return true;
}

static hm_err
load_stamp_key(
    const char *path, uint8_t ret[static HM_POINT_LEN], struct why *why)
{
	AUTO(buf) struct buf text = { 0 };
	AUTO(buf) struct buf body = { 0 };
	uint8_t spki[HM_SPKI_LEN];
	size_t len = 0;

	buf_init(&text, PEM_MAX);
	buf_init(&body, PEM_MAX);
	HM_TRY(file_read_text(path, PEM_MAX, &text, why));
	if (!pem_body(buf_text(&text), &body) ||
	    base64_parse(buf_bytes(&body),
		(struct hm_span){ spki, sizeof(spki) }, &len) != HM_OK ||
	    hm_spki_decode((struct hm_bytes){ spki, len }, ret) != HM_OK) {
		why_where(why, "%s", path);
		return WHY(why, HM_E_KEY, "not a P-256 public key in PEM");
	}
	return HM_OK;
}

/* --uid, or --serial as a number in 8 bytes behind a prefix, or random. */
static hm_err
choose_uid(const struct options *given, struct chip *chip, struct why *why)
{
	const char *uid = options_text(given, "uid");

	if (uid != NULL) {
		chip->uid_len = strlen(uid) / 2;
		if (chip->uid_len < 1 || chip->uid_len > sizeof(chip->uid) ||
		    hex_parse(hm_bytes_of(uid), chip->uid, chip->uid_len) !=
			HM_OK)
			return WHY(why, HM_E_USAGE,
			    "--uid takes 1 to %zu bytes in hex",
			    sizeof(chip->uid));
		return HM_OK;
	}
	chip->uid_len = 16;
	if (!options_has(given, "serial"))
		return hm_port_random((struct hm_span){ chip->uid, 16 });
	memcpy(chip->uid, "VDEVICE", 8);
	hm_put_u64(chip->uid + 8, (uint64_t)options_int(given, "serial"));
	return HM_OK;
}

/* Hex of exactly `len` bytes in an option that may be absent. */
static hm_err
take_hex(const struct options *given, const char *name, uint8_t *ret,
    size_t len, struct why *why)
{
	const char *text = options_text(given, name);

	if (text != NULL && hex_parse(hm_bytes_of(text), ret, len) != HM_OK)
		return WHY(
		    why, HM_E_USAGE, "--%s takes %zu bytes in hex", name, len);
	return HM_OK;
}

/* A shared secret makes chips of one key, as fuses of one product may. */
static hm_err
choose_secret(const struct options *given, struct chip *chip, struct why *why)
{
	const char *family = options_text(given, "family");
	const struct hm_bytes label = HM_LITERAL("hallmark-vdevice-family");

	(void)why;
	if (family == NULL)
		return hm_port_random(
		    (struct hm_span){ chip->secret, sizeof(chip->secret) });
	hm_hmac(hm_bytes_of(family), &label, 1, chip->secret);
	return HM_OK;
}

static int
announce(const struct chip *chip)
{
	AUTO_DOC struct doc *doc = report_doc("hallmark.vdevice/1");
	uint8_t id[HM_DEVICE_ID_LEN], key[HM_POINT_LEN], digest[HM_DIGEST_LEN];
	char text[2 * HM_POINT_LEN + 1];
	struct why why = { 0 };
	hm_err err = chip_evidence_public(chip, key);

	if (err != HM_OK)
		return report_failure(err, &why);
	chip_device_id(chip, id);
	hm_sha256(HM_BYTES(key), digest);
	hex_format(HM_BYTES(id), text);
	report_line("device id:     %s", text);
	hex_format(HM_BYTES(key), text);
	report_line("evidence key:  %s", text);
	doc_hex(doc, "device_id", HM_BYTES(id));
	doc_hex(doc, "uid", (struct hm_bytes){ chip->uid, chip->uid_len });
	doc_text(
	    doc, "scheme", chip->scheme == HM_SCHEME_SOFT ? "soft" : "imx-mp");
	doc_bool(doc, "open", chip->lock == HM_LOCK_OPEN);
	doc_hex(doc, "evidence_key", HM_BYTES(key));
	doc_hex(doc, "evidence_key_digest", HM_BYTES(digest));
	doc_hex(doc, "mpmr", HM_BYTES(chip->mpmr));
	return report_end(doc);
}

static hm_err
fuse(const struct options *given, struct chip *chip, struct why *why)
{
	chip->scheme = strcmp(options_text(given, "scheme"), "soft") == 0
			   ? HM_SCHEME_SOFT
			   : HM_SCHEME_IMX_MP;
	chip->lock = HM_LOCK_CLOSED;
	chip->counter = (uint32_t)options_int(given, "counter");
	HM_TRY(choose_uid(given, chip, why));
	HM_TRY(choose_secret(given, chip, why));
	HM_TRY(take_hex(given, "mpmr", chip->mpmr, sizeof(chip->mpmr), why));
	if (options_flag(given, "open")) {
		chip->lock = HM_LOCK_OPEN;
		chip_open_mpmr(chip->mpmr);
	}
	return load_stamp_key(
	    options_text(given, "stamp-key"), chip->stamp_key, why);
}

/* A chip on a board has its flash and its ROM as well. */
static hm_err
mount(const struct options *given, const struct chip *chip, struct why *why)
{
	struct board board = { .start = options_text(given, "start"),
		.firmware = options_text(given, "firmware"),
		.second = options_text(given, "second") };

	if (chip->board[0] == 0)
		return HM_OK;
	for (size_t i = 0; i < options_count(given, "boot-key"); i++) {
		const char *text = options_at(given, "boot-key", i);

		if (board.key_count == BOARD_KEYS ||
		    hex_parse(hm_bytes_of(text), board.keys[board.key_count++],
			HM_DIGEST_LEN) != HM_OK)
			return WHY(why, HM_E_USAGE,
			    "--boot-key takes %d bytes in hex, up to %d times",
			    HM_DIGEST_LEN, BOARD_KEYS);
	}
	return board_make(chip, options_text(given, "dir"), &board, why);
}

/* Where it is mounted, if on a board. */
static hm_err
choose_board(const struct options *given, struct chip *chip, struct why *why)
{
	const char *name = options_text(given, "board");

	if (strcmp(name, "none") == 0)
		return HM_OK;
	if (options_text(given, "start") == NULL)
		return WHY(why, HM_E_USAGE, "--board needs --start");
	memcpy(chip->board, name, strlen(name) + 1);
	return HM_OK;
}

static int
run_fab(const struct options *given)
{
	AUTO(chip) struct chip chip = { 0 };
	struct why why = { 0 };
	hm_err err = fuse(given, &chip, &why);

	if (err == HM_OK)
		err = choose_board(given, &chip, &why);
	if (err == HM_OK)
		err = chip_make(&chip, options_text(given, "dir"),
		    options_text(given, "firmware"), &why);
	if (err == HM_OK)
		err = mount(given, &chip, &why);
	if (err != HM_OK)
		return report_failure(err, &why);
	return announce(&chip);
}

static int
run_clone(const struct options *given)
{
	AUTO(chip) struct chip chip = { 0 };
	struct why why = { 0 };
	char firmware[CHIP_PATH_MAX];
	hm_err err = chip_load(options_text(given, "from"), &chip, &why);

	if (err == HM_OK && !options_flag(given, "with-secret"))
		err = hm_port_random(
		    (struct hm_span){ chip.secret, sizeof(chip.secret) });
	if (err == HM_OK)
		err = path_join(
		    firmware, sizeof(firmware), chip.dir, "firmware.bin");
	if (err == HM_OK)
		err = chip_make(
		    &chip, options_text(given, "dir"), firmware, &why);
	if (err != HM_OK)
		return report_failure(err, &why);
	return announce(&chip);
}

static const struct option_spec fab_options[] = {
	{ "dir", OPTION_PATH, .required = true, .metavar = "DIR",
	    .help = "the folder that becomes the chip" },
	{ "uid", OPTION_TEXT, .metavar = "HEX",
	    .help = "its unique id, 1 to 32 bytes; random if neither" },
	{ "serial", OPTION_INT, .help = "its unique id as a number" },
	{ "scheme", OPTION_ENUM, .choices = "imx-mp|soft", .fallback = "imx-mp",
	    .help = "its root of trust" },
	{ "open", OPTION_FLAG, .help = "leave it unfused: keys known to all" },
	{ "mpmr", OPTION_TEXT, .metavar = "HEX",
	    .help = "32 bytes of signed boot state; zeros if absent" },
	{ "family", OPTION_TEXT, .metavar = "NAME",
	    .help = "share one evidence key with all chips of that name" },
	{ "firmware", OPTION_PATH, .required = true, .metavar = "FILE",
	    .help = "the image that is programmed" },
	{ "stamp-key", OPTION_PATH, .required = true, .metavar = "PEM",
	    .help = "public key that the firmware pins" },
	{ "counter", OPTION_INT, .fallback = "0", .max = UINT32_MAX,
	    .help = "its security counter" },
	{ "board", OPTION_ENUM, .choices = "none|an385|an505",
	    .fallback = "none",
	    .help = "mount it on a Cortex-M board that QEMU emulates" },
	{ "start", OPTION_PATH, .metavar = "ELF",
	    .help = "the program in the ROM of such a board" },
	{ "second", OPTION_PATH, .metavar = "FILE",
	    .help = "the image in slot B of such a board" },
	{ "boot-key", OPTION_TEXT, .repeated = true, .metavar = "HEX",
	    .help = "hash of a key that may sign its images" },
	{ 0 }
};

static const struct option_spec clone_options[] = {
	{ "from", OPTION_PATH, .required = true, .metavar = "DIR",
	    .help = "the chip that is copied" },
	{ "dir", OPTION_PATH, .required = true, .metavar = "DIR",
	    .help = "the folder that becomes the copy" },
	{ "with-secret", OPTION_FLAG,
	    .help = "the thief has read the evidence key as well" },
	{ 0 }
};

const struct verb_spec vdevice_fab = { .name = "fab",
	.words = "make a chip, as silicon vendor and programmer do",
	.options = fab_options,
	.run = run_fab };
const struct verb_spec vdevice_clone = { .name = "clone",
	.words = "copy the visible part of a chip",
	.text = "The copy has the unique id, the firmware and the pinned key, "
		"but not the identity of the original, and its evidence key "
		"only if asked for.",
	.options = clone_options,
	.run = run_clone };
