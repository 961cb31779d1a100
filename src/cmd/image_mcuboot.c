/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image_mcuboot.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "cmd/paths.h"
#include "image/ihex.h"
#include "image/mcuboot_text.h"

#define TLV_ROOM 65536u

/* What a job keeps between writing and judging. */
struct own {
	struct mcuboot_made made;
	uint64_t slot_size;
	bool is_image; /* what was written is one */
};

static void
own_free(void *own)
{
	hm_wipe(own, sizeof(struct own));
	free(own);
}

static hm_err
own_new(struct image_job *job, struct own **ret)
{
	struct own *own = calloc(1, sizeof(*own));

	if (own == NULL)
		return HM_E_NO_MEMORY;
	job->own = own;
	job->own_free = own_free;
	*ret = own;
	return HM_OK;
}

/* ---- values of options ---- */

/* A failure, and whose value it is about. */
static hm_err
of_option(const char *name, hm_err err, struct why *why)
{
	if (err != HM_OK)
		why_where(why, "--%s", name);
	return err;
}

static hm_err
number(const struct image_job *job, const char *name, uint64_t *ret,
    struct why *why)
{
	const char *text = options_text(job->given, name);

	if (text == NULL)
		return HM_OK;
	return of_option(name,
	    mcuboot_parse_number(hm_bytes_of(text), UINT32_MAX, ret, why), why);
}

static bool
is_text(const struct image_job *job, const char *name, const char *value)
{
	const char *text = options_text(job->given, name);

	return text != NULL && strcmp(text, value) == 0;
}

static uint32_t
choice(const struct image_job *job, const char *name)
{
	const char *text = options_text(job->given, name);

	return text == NULL ? 0 : (uint32_t)strtoul(text, NULL, 0);
}

static uint8_t
erased(const struct image_job *job)
{
	return is_text(job, "erased-val", "0") ? 0 : 0xFF;
}

/* ---- Intel HEX at both ends ---- */

struct source {
	struct input image;
	struct output *temp; /* what HEX was unpacked into; never committed */
	bool is_hex;
	uint64_t base; /* lowest address */
};

static void
source_done(struct source *source)
{
	output_free(source->temp);
}

/* What a file leaves out reads as `fill`. */
static hm_err
unpack(const struct input *file, uint8_t fill, struct ihex_map *map,
    struct source *ret, struct why *why)
{
	output_free(ret->temp);
	ret->temp = NULL;
	HM_TRY(output_open("-", 0600, &ret->temp, why));
	HM_TRY(ihex_read(file, fill, ret->temp, map, why));
	HM_TRY(output_input(ret->temp, &ret->image));
	ret->is_hex = true;
	ret->base = map->segments[0].at;
	return HM_OK;
}

/* Does erased flash read zeros? Its trailer begins with image_ok, a byte of its
 * own and erased ones. */
static bool
is_zeros(const struct ihex_map *map, const struct input *image)
{
	uint8_t byte = 0xFF;

	return map->count > 1 &&
	       input_read(image,
		   map->segments[map->count - 1].at - map->segments[0].at + 1,
		   (struct hm_span){ &byte, 1 }) == HM_OK &&
	       byte == 0;
}

/* A finished image, whose trailer has erased bytes. */
#define SAYS_ITSELF (-1)

static hm_err
source_open(
    const struct input *file, int fill, struct source *ret, struct why *why)
{
	struct ihex_map *map;
	hm_err err;

	*ret = (struct source){ .image = *file };
	if (!ihex_is(file))
		return HM_OK;
	map = malloc(sizeof(*map));
	if (map == NULL)
		return HM_E_NO_MEMORY;
	err = unpack(file, fill == 0 ? 0 : 0xFF, map, ret, why);
	if (err == HM_OK && fill == SAYS_ITSELF && is_zeros(map, &ret->image))
		err = unpack(file, 0, map, ret, why);
	free(map);
	return err;
}

static hm_err
copy_to(void *output, struct hm_bytes piece)
{
	return output_add(output, piece);
}

static bool
is_named_hex(const struct image_job *job)
{
	const char *to = options_text(job->given, "output");

	return to != NULL && ends_with(to, ".hex");
}

static bool
wants_hex(const struct image_job *job)
{
	return options_has(job->given, "hex-addr") || is_named_hex(job);
}

/* `made` as HEX, at --hex-addr or where it was before. */
static hm_err
write_hex(struct image_job *job, const struct input *made, bool has_base,
    uint64_t base, struct why *why)
{
	if (!has_base && !options_has(job->given, "hex-addr"))
		return WHY(why, HM_E_USAGE,
		    "--hex-addr is missing: the file has no address");
	HM_TRY(number(job, "hex-addr", &base, why));
	return mcuboot_to_hex(made, (uint32_t)base, job->out, why);
}

/* ---- sign ---- */

static hm_err
set_header(
    const struct image_job *job, struct mcuboot_sign *how, struct why *why)
{
	const char *version = options_text(job->given, "image-version");
	uint64_t size = 0, address = 0;

	if (version == NULL || !options_has(job->given, "header-size"))
		return WHY(why, HM_E_USAGE,
		    "format mcuboot wants --image-version and --header-size");
	HM_TRY(of_option("image-version",
	    mcuboot_parse_version(hm_bytes_of(version), &how->version, why),
	    why));
	HM_TRY(number(job, "header-size", &size, why));
	how->header_size = (uint32_t)size;
	how->pad_header = options_flag(job->given, "pad-header");
	how->ram_load = options_has(job->given, "load-addr");
	how->rom_fixed = options_has(job->given, "rom-fixed");
	HM_TRY(number(job, "load-addr", &address, why));
	HM_TRY(number(job, "rom-fixed", &address, why));
	how->load_addr = (uint32_t)address;
	how->non_bootable = options_flag(job->given, "non-bootable");
	return HM_OK;
}

static hm_err
set_slot(
    const struct image_job *job, struct mcuboot_slot *slot, struct why *why)
{
	HM_TRY(number(job, "slot-size", &slot->size, why));
	HM_TRY(number(job, "swap-offset", &slot->offset, why));
	slot->align = choice(job, "align");
	slot->max_align = choice(job, "max-align");
	slot->sectors = (uint32_t)options_int(job->given, "max-sectors");
	slot->overwrite_only = options_flag(job->given, "overwrite-only");
	slot->save_enctlv = options_flag(job->given, "save-enctlv");
	slot->pad =
	    options_flag(job->given, "pad") || options_flag(job->given, "test");
	slot->confirm = options_flag(job->given, "confirm");
	slot->erased = erased(job);
	if (options_flag(job->given, "test") && slot->confirm)
		return WHY(
		    why, HM_E_USAGE, "--test and --confirm exclude each other");
	return HM_OK;
}

static void
set_sealing(const struct image_job *job, struct mcuboot_sealing *sealing)
{
	uint32_t bits = choice(job, "encrypt-keylen");

	sealing->to = job->recipient;
	sealing->kek = job->recipient_kek;
	sealing->bits = bits == 0 ? 128 : bits;
	sealing->hmac_sha512 = is_text(job, "hmac-sha", "512");
}

static hash_kind
hash_of(const struct image_job *job)
{
	if (is_text(job, "hash", "sha256"))
		return HASH_SHA256;
	if (is_text(job, "hash", "sha384"))
		return HASH_SHA384;
	return is_text(job, "hash", "sha512") ? HASH_SHA512 : 0;
}

/* Bytes that a mcuboot_sign points to. */
struct room {
	uint8_t vid[16], cid[16];
	uint8_t tlvs[TLV_ROOM];
};

static hm_err
set_ids(const struct image_job *job, struct mcuboot_sign *how,
    struct room *room, struct why *why)
{
	const char *vid = options_text(job->given, "vid");
	const char *cid = options_text(job->given, "cid");

	if (vid != NULL) {
		how->vid = room->vid;
		HM_TRY(
		    mcuboot_parse_uuid(hm_bytes_of(vid), NULL, room->vid, why));
	}
	if (cid == NULL)
		return HM_OK;
	if (vid == NULL)
		return WHY(why, HM_E_USAGE,
		    "--cid is a class of a vendor: --vid is missing");
	how->cid = room->cid;
	return mcuboot_parse_uuid(hm_bytes_of(cid), room->vid, room->cid, why);
}

static hm_err
set_tlvs(const struct image_job *job, struct mcuboot_sign *how,
    struct room *room, struct why *why)
{
	const char *counter = options_text(job->given, "security-counter");
	struct hm_span left = { room->tlvs, sizeof(room->tlvs) };

	how->has_counter = counter != NULL;
	if (counter != NULL)
		HM_TRY(of_option("security-counter",
		    mcuboot_parse_counter(
			hm_bytes_of(counter), how->version, &how->counter, why),
		    why));
	how->boot_record = options_text(job->given, "boot-record");
	for (size_t i = 0; i < options_count(job->given, "dependencies"); i++)
		HM_TRY(of_option("dependencies",
		    mcuboot_parse_dependencies(
			hm_bytes_of(options_at(job->given, "dependencies", i)),
			how, why),
		    why));
	for (size_t i = 0; i < options_count(job->given, "custom-tlv"); i++)
		HM_TRY(of_option("custom-tlv",
		    mcuboot_parse_extra(
			hm_bytes_of(options_at(job->given, "custom-tlv", i)),
			&left, how, why),
		    why));
	return set_ids(job, how, room, why);
}

static hm_err
set_signers(
    const struct image_job *job, struct mcuboot_sign *how, struct why *why)
{
	if (job->signer_count > MCUBOOT_SIGNERS_MAX)
		return WHY(why, HM_E_USAGE, "up to %d keys sign an image",
		    MCUBOOT_SIGNERS_MAX);
	for (size_t i = 0; i < job->signer_count; i++)
		how->signers[i] = job->signers[i];
	how->signer_count = job->signer_count;
	how->hash = hash_of(job);
	how->pure = options_flag(job->given, "pure");
	how->full_key = is_text(job, "public-key-format", "full");
	how->clear = options_flag(job->given, "clear");
	if (options_has(job->given, "decrypt-key"))
		return WHY(why, HM_E_USAGE,
		    "--decrypt-key goes with --append: a new image has no key "
		    "to open");
	return HM_OK;
}

static hm_err
set_all(const struct image_job *job, struct mcuboot_sign *how,
    struct room *room, struct why *why)
{
	HM_TRY(set_header(job, how, why));
	HM_TRY(set_tlvs(job, how, room, why));
	HM_TRY(set_signers(job, how, why));
	set_sealing(job, &how->sealing);
	return set_slot(job, &how->slot, why);
}

/* Sign into job->out, or into a file without a name that becomes HEX. */
static hm_err
sign_source(struct image_job *job, const struct mcuboot_sign *how,
    const struct source *source, struct own *own, struct why *why)
{
	AUTO_OUTPUT struct output *plain = NULL;
	uint64_t base = source->base;
	struct input made;

	if (!wants_hex(job))
		return mcuboot_sign(
		    how, &source->image, job->out, &own->made, why);
	HM_TRY(output_open("-", 0600, &plain, why));
	HM_TRY(mcuboot_sign(how, &source->image, plain, &own->made, why));
	HM_TRY(output_input(plain, &made));
	if (how->pad_header && source->is_hex) {
		if (base < how->header_size)
			return WHY(why, HM_E_IMAGE_PLACE,
			    "no room for the header below address 0x%llx",
			    (unsigned long long)base);
		base -= how->header_size;
	}
	return write_hex(job, &made, source->is_hex, base, why);
}

static hm_err
sign_new(struct image_job *job, struct own *own, struct why *why)
{
	struct mcuboot_sign how = { 0 };
	AUTO(source) struct source source = { 0 };
	struct room *room = calloc(1, sizeof(*room));
	hm_err err;

	if (room == NULL)
		return HM_E_NO_MEMORY;
	err = set_all(job, &how, room, why);
	own->slot_size = how.slot.size;
	if (err == HM_OK)
		err = source_open(&job->input, erased(job), &source, why);
	if (err == HM_OK)
		err = sign_source(job, &how, &source, own, why);
	free(room);
	return err;
}

/* ---- changes ---- */

typedef hm_err changer(const struct mcuboot_change *how,
    const struct input *file, struct output *out, struct mcuboot_made *ret,
    struct why *why);

static void
set_change(const struct image_job *job, struct mcuboot_change *how)
{
	how->verify.keys = &job->keys;
	how->verify.is_sealed =
	    job->keys.decrypt == NULL && job->keys.decrypt_kek.len == 0;
	how->signers = job->signers;
	how->signer_count = job->signer_count;
	how->sealing.to = job->recipient;
	how->sealing.kek = job->recipient_kek;
	if (job->verb == IMAGE_SIGN || job->verb == IMAGE_RESIGN)
		how->hash = hash_of(job);
	if (job->verb == IMAGE_RESIGN) {
		how->pure = options_flag(job->given, "pure");
		how->full_key = is_text(job, "public-key-format", "full");
		how->keep_key = !options_has(job->given, "public-key-format");
	}
	if (job->verb == IMAGE_ENCRYPT || job->verb == IMAGE_CONVERT)
		how->sealing.hmac_sha512 = is_text(job, "hmac-sha", "512");
}

/* What was HEX becomes HEX again if its name says so. */
static hm_err
change(struct image_job *job, changer *verb, struct why *why)
{
	struct mcuboot_change how = { 0 };
	AUTO(source) struct source source = { 0 };
	AUTO_OUTPUT struct output *plain = NULL;
	struct own *own = job->own;
	struct input made;

	set_change(job, &how);
	HM_TRY(source_open(&job->input, SAYS_ITSELF, &source, why));
	if (!is_named_hex(job) || !own->is_image)
		return verb(&how, &source.image, job->out, &own->made, why);
	if (!source.is_hex)
		return WHY(why, HM_E_USAGE,
		    "the file has no address for Intel HEX: image convert "
		    "gives it one");
	HM_TRY(output_open("-", 0600, &plain, why));
	HM_TRY(verb(&how, &source.image, plain, &own->made, why));
	HM_TRY(output_input(plain, &made));
	return mcuboot_to_hex(&made, (uint32_t)source.base, job->out, why);
}

static hm_err
append(struct image_job *job, struct why *why)
{
	for (const struct option_spec *row =
		 job->command->steps[IMAGE_SIGN].options;
	     row->name != NULL; row++)
		if (options_has(job->given, row->name))
			return WHY(why, HM_E_USAGE,
			    "--%s does not go with --append: all but the "
			    "signatures stays",
			    row->name);
	if (job->keys.trusted_count == 0)
		return WHY(why, HM_E_USAGE,
		    "--append wants --old-key: whose signature is there now");
	return change(job, mcuboot_append, why);
}

static hm_err
sign(struct image_job *job, struct why *why)
{
	struct own *own;

	HM_TRY(own_new(job, &own));
	own->is_image = true;
	if (options_flag(job->given, "append"))
		return append(job, why);
	return sign_new(job, own, why);
}

static hm_err
resign(struct image_job *job, struct why *why)
{
	struct own *own;

	HM_TRY(own_new(job, &own));
	own->is_image = true;
	return change(job, mcuboot_resign, why);
}

static hm_err
encrypt(struct image_job *job, struct why *why)
{
	struct own *own;

	HM_TRY(own_new(job, &own));
	own->is_image = true;
	return change(job, mcuboot_encrypt, why);
}

static hm_err
decrypt(struct image_job *job, struct why *why)
{
	struct own *own;

	HM_TRY(own_new(job, &own));
	own->is_image = !options_flag(job->given, "payload");
	return change(
	    job, own->is_image ? mcuboot_decrypt : mcuboot_extract, why);
}

/* Another form, or the payload key wrapped for somebody else. */
static hm_err
convert(struct image_job *job, struct why *why)
{
	AUTO(source) struct source source = { 0 };
	struct own *own;

	HM_TRY(own_new(job, &own));
	if (job->recipient != NULL || job->recipient_kek.len > 0) {
		own->is_image = true;
		return change(job, mcuboot_rewrap, why);
	}
	HM_TRY(source_open(&job->input, erased(job), &source, why));
	if (wants_hex(job))
		return write_hex(
		    job, &source.image, source.is_hex, source.base, why);
	if (!source.is_hex)
		return WHY(why, HM_E_USAGE,
		    "nothing to convert: --hex-addr or a name in .hex makes "
		    "Intel HEX, --encrypt-key wraps the key anew");
	return input_walk(
	    &source.image, 0, source.image.size, copy_to, job->out);
}

/* ---- judging ---- */

/* What HEX is of, nobody looked at if no --format was given. */
static hm_err
look_at_hex(struct image_job *job, const struct source *source, struct why *why)
{
	if (!source->is_hex)
		return HM_OK;
	findings_note(job->findings, 0,
	    "Intel HEX from 0x%08llx: offsets count from there",
	    (unsigned long long)source->base);
	if (options_has(job->given, "format") || mcuboot_is(&source->image))
		return HM_OK;
	why_do(why, "name it by --format");
	return WHY(why, HM_E_IMAGE_FORMAT,
	    "Intel HEX of something that is no image of MCUboot");
}

static hm_err
judge(struct image_job *job, const struct input *file, struct why *why)
{
	struct mcuboot_verify how = { .keys = &job->keys };
	AUTO(source) struct source source = { 0 };
	uint64_t counter = 0;

	HM_TRY(source_open(file, SAYS_ITSELF, &source, why));
	if (job->verb == IMAGE_VERIFY) {
		HM_TRY(number(job, "slot-size", &how.slot_size, why));
		HM_TRY(number(job, "security-counter", &counter, why));
		how.has_counter = options_has(job->given, "security-counter");
		how.counter = (uint32_t)counter;
		HM_TRY(look_at_hex(job, &source, why));
	}
	HM_TRY(mcuboot_verify(&how, &source.image, job->findings));
	if (job->verb != IMAGE_VERIFY)
		return HM_OK;
	return image_name_rest(job, &source.image, "not named");
}

static hm_err
look(struct image_job *job, const struct input *file, struct why *why)
{
	AUTO(source) struct source source = { 0 };

	HM_TRY(source_open(file, SAYS_ITSELF, &source, why));
	HM_TRY(look_at_hex(job, &source, why));
	HM_TRY(mcuboot_inspect(&source.image, job->findings));
	return image_name_rest(job, &source.image, "not named");
}

static hm_err
judge_result(struct image_job *job, struct why *why)
{
	AUTO(source) struct source source = { 0 };
	const struct own *own = job->own;
	struct input result;

	if (!own->is_image)
		return HM_OK;
	HM_TRY(output_input(job->out, &result));
	HM_TRY(source_open(&result, SAYS_ITSELF, &source, why));
	return mcuboot_judge(
	    &own->made, own->slot_size, &source.image, job->findings);
}

static const struct option_spec sign_rows[] = { MCUBOOT_SIGN_OPTIONS, { 0 } };
static const struct option_spec resign_rows[] = { MCUBOOT_RESIGN_OPTIONS,
	{ 0 } };
static const struct option_spec verify_rows[] = { MCUBOOT_VERIFY_OPTIONS,
	{ 0 } };
static const struct option_spec encrypt_rows[] = { MCUBOOT_ENCRYPT_OPTIONS,
	{ 0 } };
static const struct option_spec decrypt_rows[] = { MCUBOOT_DECRYPT_OPTIONS,
	{ 0 } };
static const struct option_spec convert_rows[] = { MCUBOOT_CONVERT_OPTIONS,
	{ 0 } };

const struct image_command image_mcuboot = { .format = "mcuboot",
	.words = "image that MCUboot starts",
	.steps = { [IMAGE_SIGN] = { .run = sign,
		       .options = sign_rows,
		       .shared = "append hash encrypt-key decrypt-key" },
	    [IMAGE_RESIGN] = { .run = resign,
		.options = resign_rows,
		.shared = "hash decrypt-key",
		.needs = "key old-key",
		.passes = 2 },
	    [IMAGE_VERIFY] = { .options = verify_rows,
		.shared = "decrypt-key",
		.needs = "key" },
	    [IMAGE_ENCRYPT] = { .run = encrypt,
		.options = encrypt_rows,
		.shared = "encrypt-key",
		.needs = "key encrypt-key",
		.passes = 2,
		.is_judged = true },
	    [IMAGE_DECRYPT] = { .run = decrypt,
		.options = decrypt_rows,
		.shared = "decrypt-key",
		.needs = "key decrypt-key",
		.passes = 3,
		.is_judged = true },
	    [IMAGE_CONVERT] = { .run = convert,
		.options = convert_rows,
		.shared = "encrypt-key decrypt-key",
		.is_judged = true } },
	.judge = judge,
	.look = look,
	.judge_result = judge_result };
