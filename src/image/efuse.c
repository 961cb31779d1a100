/* SPDX-License-Identifier: Apache-2.0 */
#include "image/efuse_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"

#define BLOCK_LEN 32
#define CHECK_AT 0x20 /* registers with the parity that was written last */
#define C2_DERIVED "XTS_AES_128_KEY_DERIVED_FROM_128_EFUSE_BITS"

struct efuse {
	const struct efuse_chip *chip;
	uint8_t regs[EFUSE_FILE_MAX]; /* little-endian words by register */
};

hm_err
efuse_new(const struct efuse_chip *chip, struct efuse **ret)
{
	struct efuse *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return HM_E_NO_MEMORY;
	e->chip = chip;
	*ret = e;
	return HM_OK;
}

void
efuse_free(struct efuse *e)
{
	if (e == NULL)
		return;
	hm_wipe(e, sizeof(*e));
	free(e);
}

hm_err
efuse_load(struct efuse *e, const struct input *file)
{
	uint8_t bytes[EFUSE_FILE_MAX];
	size_t size = e->chip->size;

	if (file->size != size)
		return HM_E_IMAGE_FORMAT;
	HM_TRY(input_read(file, 0, (struct hm_span){ bytes, size }));
	for (size_t i = 0; i < size; i++)
		e->regs[i] = bytes[size - 1 - i];
	hm_wipe(bytes, sizeof(bytes));
	return HM_OK;
}

hm_err
efuse_save(const struct efuse *e, struct output *out)
{
	uint8_t bytes[EFUSE_FILE_MAX];
	size_t size = e->chip->size;
	hm_err err;

	for (size_t i = 0; i < size; i++)
		bytes[i] = e->regs[size - 1 - i];
	err = output_add(out, (struct hm_bytes){ bytes, size });
	hm_wipe(bytes, sizeof(bytes));
	return err;
}

/* ---- bits of block 0 ---- */

static const struct efuse_field *
find_field(const struct efuse *e, const char *name)
{
	const struct efuse_field *field = e->chip->fields;

	while (field->name != NULL && strcmp(field->name, name) != 0)
		field++;
	return field->name == NULL ? NULL : field;
}

static bool
get_bit(const struct efuse *e, size_t bit)
{
	return (e->regs[e->chip->block0 + bit / 8] >> (bit % 8) & 1) != 0;
}

static void
set_bit(struct efuse *e, size_t bit)
{
	e->regs[e->chip->block0 + bit / 8] |= (uint8_t)(1u << bit % 8);
}

static uint32_t
field_value(const struct efuse *e, const struct efuse_field *field)
{
	uint32_t value = 0;

	for (size_t i = 0; i < field->bits; i++)
		value |= (uint32_t)get_bit(e, field->bit + i) << i;
	return value;
}

static uint32_t
value_of(const struct efuse *e, const char *name)
{
	const struct efuse_field *field = find_field(e, name);

	return field == NULL ? 0 : field_value(e, field);
}

hm_err
efuse_get(const struct efuse *e, const char *name, uint32_t *ret)
{
	const struct efuse_field *field = find_field(e, name);

	if (field == NULL)
		return HM_E_USAGE;
	*ret = field_value(e, field);
	return HM_OK;
}

static bool
is_locked_down(const struct efuse *e)
{
	return value_of(e, "ENABLE_SECURITY_DOWNLOAD") != 0 ||
	       value_of(e, "DIS_DOWNLOAD_MODE") != 0 ||
	       value_of(e, "UART_DOWNLOAD_DIS") != 0;
}

hm_err
efuse_check_open(const struct efuse *e, struct why *why)
{
	if (!is_locked_down(e))
		return HM_OK;
	return WHY(why, HM_E_IMAGE_PLAN,
	    "the download mode is locked: nothing can be burned any more; "
	    "that lock comes last");
}

/* What takes effect together with other fields. */
static hm_err
check_secure_boot(const struct efuse *e, struct why *why)
{
	char name[32];

	for (unsigned i = 0; i < e->chip->keys && e->chip->use_bits > 0; i++) {
		uint32_t use;

		(void)snprintf(name, sizeof(name), "KEY_PURPOSE_%u", i);
		use = value_of(e, name);
		if (use >= EFUSE_DIGEST0 && use <= EFUSE_DIGEST2)
			return HM_OK;
	}
	if (e->chip->use_bits == 0)
		return HM_OK;
	return WHY(why, HM_E_IMAGE_PLAN,
	    "secure boot without the digest of a key: no image would start");
}

/* What is read-protected shows zeros. */
static void
blank_hidden(struct efuse *e)
{
	const struct efuse_field *dis = find_field(e, "RD_DIS");
	size_t len = e->chip->hidden_len;

	hm_assert(dis != NULL); /* each chip has it */
	for (size_t i = 0; i < e->chip->keys * BLOCK_LEN / len; i++)
		if (get_bit(e, dis->bit + i))
			memset(e->regs + e->chip->key0 + i * len, 0, len);
}

/* `what` is to be read-protected: can it be? */
static hm_err
check_hidable(const struct efuse *e, const char *what, struct why *why)
{
	const struct efuse_field *dis = find_field(e, "RD_DIS");

	hm_assert(dis != NULL);
	if (get_bit(e, (size_t)dis->lock))
		return WHY(why, HM_E_IMAGE_PLAN,
		    "%s cannot be read-protected: RD_DIS is write-protected",
		    what);
	if (value_of(e, "SECURE_BOOT_EN") != 0)
		return WHY(why, HM_E_IMAGE_PLAN,
		    "%s: secure boot is on, and its first start "
		    "write-protects RD_DIS; burn this key before it",
		    what);
	return HM_OK;
}

static hm_err
set_field(struct efuse *e, const struct efuse_field *field, uint32_t value,
    struct why *why)
{
	uint32_t now = field_value(e, field);

	if (field->bits < 32 && value >> field->bits != 0)
		return WHY(why, HM_E_USAGE, "%s has %u bits", field->name,
		    field->bits);
	if ((now & ~value) != 0)
		return WHY(why, HM_E_IMAGE_PLAN,
		    "%s is %#x: a bit goes from 0 to 1 only", field->name, now);
	if (now != value && field->lock >= 0 && get_bit(e, (size_t)field->lock))
		return WHY(
		    why, HM_E_IMAGE_PLAN, "%s is write-protected", field->name);
	for (size_t i = 0; i < field->bits; i++)
		if (value >> i & 1)
			set_bit(e, field->bit + i);
	return HM_OK;
}

/* A purpose that the chip has, and may have in that block. */
static hm_err
check_use(const struct efuse *e, unsigned block, uint32_t use, struct why *why)
{
	if (use > 31 || (e->chip->uses >> use & 1) == 0)
		return WHY(why, HM_E_IMAGE_PLAN, "%s has no key purpose %s",
		    e->chip->name, efuse_use_name(use));
	if (block == 5 && (e->chip->not_in_5 >> use & 1) != 0)
		return WHY(why, HM_E_IMAGE_PLAN,
		    "KEY_PURPOSE_5 cannot be %s: a bug of the hardware",
		    efuse_use_name(use));
	return HM_OK;
}

static hm_err
check_pair(const struct efuse *e, const char *name, struct why *why)
{
	const char *const *pair = e->chip->not_both;

	for (int i = 0; i < 2 && pair[i] != NULL; i++)
		if (strcmp(name, pair[i]) == 0 && value_of(e, pair[!i]) != 0)
			return WHY(why, HM_E_IMAGE_PLAN,
			    "%s and %s exclude each other: a bug of the ROM",
			    pair[0], pair[1]);
	return HM_OK;
}

/* Rules that some fields have beside those of all. */
static hm_err
check_field(
    const struct efuse *e, const char *name, uint32_t value, struct why *why)
{
	if (strcmp(name, "SECURE_BOOT_EN") == 0 && value != 0)
		return check_secure_boot(e, why);
	if (strcmp(name, "RD_DIS") == 0)
		return check_hidable(e, "a block", why);
	if (strncmp(name, "KEY_PURPOSE_", 12) == 0 && name[13] == '\0')
		return check_use(e, (unsigned)(name[12] - '0'), value, why);
	return check_pair(e, name, why);
}

hm_err
efuse_burn(struct efuse *e, const char *name, uint32_t value, struct why *why)
{
	const struct efuse_field *field = find_field(e, name);

	if (field == NULL)
		return WHY(why, HM_E_USAGE, "%s has no field %.40s",
		    e->chip->name, name);
	HM_TRY(check_field(e, name, value, why));
	if (value == 0)
		return WHY(why, HM_E_IMAGE_PLAN,
		    "%s: burning 0 changes nothing; a bit is never cleared",
		    name);
	HM_TRY(set_field(e, field, value, why));
	blank_hidden(e);
	return HM_OK;
}

static int
block_of(const char *name)
{
	if (strncmp(name, "BLOCK_KEY", 9) != 0 || name[9] < '0' ||
	    name[9] > '5' || name[10] != '\0')
		return -1;
	return name[9] - '0';
}

hm_err
efuse_write_protect(struct efuse *e, const char *name, struct why *why)
{
	const struct efuse_field *field = find_field(e, name);
	int block = block_of(name), lock = -1;

	if (block >= 0 && block < e->chip->keys)
		lock = e->chip->key_lock + block;
	else if (field != NULL)
		lock = field->lock;
	if (lock < 0)
		return WHY(why, HM_E_USAGE,
		    "no write protection of %.40s is known", name);
	HM_TRY(efuse_check_open(e, why));
	set_bit(e, (size_t)lock);
	return HM_OK;
}

/* ---- key blocks ---- */

static uint8_t *
key_block(struct efuse *e, unsigned block)
{
	return e->regs + e->chip->key0 + (size_t)block * BLOCK_LEN;
}

/* All of a block, or its first half where halves are hidden one by one. */
static hm_err
hide(struct efuse *e, unsigned block, bool first_half, struct why *why)
{
	const struct efuse_field *dis = find_field(e, "RD_DIS");
	unsigned of_block = BLOCK_LEN / e->chip->hidden_len, hidden = 0;
	unsigned parts = first_half ? 1 : of_block;
	size_t first;
	char name[16];

	hm_assert(dis != NULL);
	first = dis->bit + (size_t)block * of_block;
	(void)snprintf(name, sizeof(name), "BLOCK_KEY%u", block);
	while (hidden < parts && get_bit(e, first + hidden))
		hidden++;
	if (hidden == parts)
		return HM_OK;
	HM_TRY(check_hidable(e, name, why));
	for (unsigned i = hidden; i < parts; i++)
		set_bit(e, first + i);
	blank_hidden(e);
	return HM_OK;
}

hm_err
efuse_read_protect(struct efuse *e, const char *name, struct why *why)
{
	int block = block_of(name);

	if (block < 0 || block >= e->chip->keys)
		return WHY(
		    why, HM_E_USAGE, "%.40s cannot be read-protected", name);
	HM_TRY(efuse_check_open(e, why));
	return hide(e, (unsigned)block, false, why);
}

/* One block, 32 bytes in register order. */
static hm_err
write_block(
    struct efuse *e, unsigned block, const uint8_t *bytes, struct why *why)
{
	static const uint8_t zeros[BLOCK_LEN];
	uint8_t *at = key_block(e, block);
	const struct efuse_field *dis = find_field(e, "RD_DIS");
	size_t parts = BLOCK_LEN / e->chip->hidden_len;

	if (memcmp(at, zeros, BLOCK_LEN) != 0)
		return WHY(why, HM_E_IMAGE_PLAN,
		    "BLOCK_KEY%u is written already; a coded block is "
		    "written once",
		    block);
	if (get_bit(e, dis->bit + block * parts))
		return WHY(why, HM_E_IMAGE_PLAN,
		    "BLOCK_KEY%u is read-protected: it holds a key already",
		    block);
	if (get_bit(e, (size_t)e->chip->key_lock + block))
		return WHY(why, HM_E_IMAGE_PLAN,
		    "BLOCK_KEY%u is write-protected", block);
	memcpy(at, bytes, BLOCK_LEN);
	if (e->chip->is_coded)
		efuse_parity(bytes, e->regs + CHECK_AT);
	return HM_OK;
}

static void
turn(const uint8_t *from, uint8_t *to, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = from[len - 1 - i];
}

static hm_err
protect(struct efuse *e, unsigned block, bool is_secret,
    const struct efuse_keys *how, struct why *why)
{
	if (!how->keep_writable)
		set_bit(e, (size_t)e->chip->key_lock + block);
	return is_secret && !how->keep_readable ? hide(e, block, false, why)
						: HM_OK;
}

static hm_err
set_purpose(struct efuse *e, unsigned block, uint32_t use, struct why *why)
{
	const struct efuse_field *field;
	char name[32];

	(void)snprintf(name, sizeof(name), "KEY_PURPOSE_%u", block);
	field = find_field(e, name);
	if (field == NULL)
		return WHY(why, HM_E_USAGE, "%s has no BLOCK_KEY%u",
		    e->chip->name, block);
	if (field_value(e, field) != 0 && field_value(e, field) != use)
		return WHY(why, HM_E_IMAGE_PLAN,
		    "%s is set for something else already", name);
	HM_TRY(set_field(e, field, use, why));
	set_bit(e, (size_t)field->lock); /* as Espressif's tool does */
	return HM_OK;
}

static hm_err
burn_one(struct efuse *e, unsigned block, const struct efuse_purpose *purpose,
    const uint8_t *value, const struct efuse_keys *how, struct why *why)
{
	uint8_t bytes[BLOCK_LEN];
	char name[16];
	hm_err err;

	if (block >= e->chip->keys)
		return WHY(why, HM_E_USAGE, "%s has no BLOCK_KEY%u",
		    e->chip->name, block);
	HM_TRY(check_use(e, block, purpose->use, why));
	(void)snprintf(name, sizeof(name), "BLOCK_KEY%u", block);
	/* Before anything is written: can it be hidden? */
	if (purpose->is_hidden && !how->keep_readable)
		HM_TRY(check_hidable(e, name, why));
	if (purpose->is_reversed)
		turn(value, bytes, BLOCK_LEN);
	else
		memcpy(bytes, value, BLOCK_LEN);
	err = write_block(e, block, bytes, why);
	hm_wipe(bytes, sizeof(bytes));
	HM_TRY(err);
	HM_TRY(set_purpose(e, block, purpose->use, why));
	if (purpose->use == EFUSE_ECDSA_P256 &&
	    find_field(e, "ECDSA_FORCE_USE_HARDWARE_K") != NULL)
		HM_TRY(set_field(
		    e, find_field(e, "ECDSA_FORCE_USE_HARDWARE_K"), 1, why));
	return protect(e, block, purpose->is_hidden, how, why);
}

static hm_err
wrong_length(const struct efuse_key *key, size_t want, struct why *why)
{
	return WHY(why, HM_E_KEY, "a key for %s has %zu bytes, not %zu",
	    key->purpose, want, key->value.len);
}

/* Keys that take two blocks, and those that take one. */
static hm_err
burn_key(struct efuse *e, const struct efuse_key *key,
    const struct efuse_keys *how, struct why *why)
{
	const struct efuse_purpose *purpose = efuse_purpose_named(key->purpose);
	uint8_t value[2 * BLOCK_LEN] = { 0 }; /* zeros before a shorter one */
	size_t room = BLOCK_LEN;
	hm_err err = HM_OK;

	if (purpose == NULL)
		return WHY(why, HM_E_USAGE, "no purpose %.40s", key->purpose);
	if (key->value.len != purpose->len)
		return wrong_length(key, purpose->len, why);
	if (purpose->second != NULL)
		room = 2 * BLOCK_LEN;
	memcpy(value + room - purpose->len, key->value.ptr, purpose->len);
	if (purpose->second != NULL)
		err = burn_one(e, key->block + 1,
		    efuse_purpose_named(purpose->second), value + BLOCK_LEN,
		    how, why);
	if (err == HM_OK)
		err = burn_one(e, key->block, purpose, value, how, why);
	hm_wipe(value, sizeof(value));
	return err;
}

/* ---- chips whose blocks are named otherwise ---- */

/* Both halves of C2's one block, or one of them. */
struct halves {
	uint8_t bytes[BLOCK_LEN];
	bool is_derived, is_whole; /* a secret in the first half, in both */
};

static hm_err
take_half(struct halves *halves, const struct efuse_key *key, struct why *why)
{
	bool is_digest = strcmp(key->purpose, "SECURE_BOOT_DIGEST") == 0;
	size_t want = BLOCK_LEN;

	if (strcmp(key->purpose, C2_DERIVED) == 0) {
		want = BLOCK_LEN / 2;
		halves->is_derived = true;
	} else if (strcmp(key->purpose, "XTS_AES_128_KEY") == 0) {
		halves->is_whole = true;
	} else if (!is_digest) {
		return WHY(why, HM_E_USAGE, "no purpose %.40s", key->purpose);
	}
	if (key->value.len != want)
		return wrong_length(key, want, why);
	if (is_digest)
		memcpy(halves->bytes + BLOCK_LEN / 2, key->value.ptr,
		    BLOCK_LEN / 2);
	else
		turn(key->value.ptr, halves->bytes, want);
	return HM_OK;
}

static hm_err
burn_halves(struct efuse *e, const struct halves *halves,
    const struct efuse_keys *how, struct why *why)
{
	const struct efuse_field *length = find_field(e, "XTS_KEY_LENGTH_256");
	bool is_secret = halves->is_derived || halves->is_whole;

	if (halves->is_whole && how->count > 1)
		return WHY(why, HM_E_IMAGE_PLAN,
		    "a key of 32 bytes fills the block: nothing stands "
		    "beside it");
	if (is_secret && !how->keep_readable)
		HM_TRY(check_hidable(e, "BLOCK_KEY0", why));
	HM_TRY(write_block(e, 0, halves->bytes, why));
	if (halves->is_whole && length != NULL)
		HM_TRY(set_field(e, length, 1, why));
	HM_TRY(protect(e, 0, false, how, why));
	if (!is_secret || how->keep_readable)
		return HM_OK;
	return hide(e, 0, !halves->is_whole, why);
}

static hm_err
burn_c2(struct efuse *e, const struct efuse_keys *how, struct why *why)
{
	struct halves halves = { 0 };
	hm_err err = HM_OK;

	for (size_t i = 0; err == HM_OK && i < how->count; i++)
		err = take_half(&halves, &how->keys[i], why);
	if (err == HM_OK)
		err = burn_halves(e, &halves, how, why);
	hm_wipe(&halves, sizeof(halves));
	return err;
}

/* The first ESP32: BLOCK1 flash encryption, BLOCK2 digest. */
static hm_err
burn_classic(struct efuse *e, const struct efuse_key *key,
    const struct efuse_keys *how, struct why *why)
{
	bool is_flash = strcmp(key->purpose, "flash_encryption") == 0;
	uint8_t bytes[BLOCK_LEN];
	hm_err err;

	if (!is_flash && strcmp(key->purpose, "secure_boot_v2") != 0)
		return WHY(why, HM_E_USAGE, "no purpose %.40s", key->purpose);
	if (key->value.len != BLOCK_LEN)
		return wrong_length(key, BLOCK_LEN, why);
	if (is_flash)
		turn(key->value.ptr, bytes, BLOCK_LEN);
	else
		memcpy(bytes, key->value.ptr, BLOCK_LEN);
	err = write_block(e, is_flash ? 0 : 1, bytes, why);
	hm_wipe(bytes, sizeof(bytes));
	HM_TRY(err);
	return protect(e, is_flash ? 0 : 1, is_flash, how, why);
}

hm_err
efuse_burn_keys(struct efuse *e, const struct efuse_keys *how, struct why *why)
{
	HM_TRY(efuse_check_open(e, why));
	if (e->chip->use_bits == 0 && e->chip->is_coded)
		return burn_c2(e, how, why);
	/* The highest block first, as the controller wants it. */
	for (int block = EFUSE_KEYS_MAX - 1; block >= 0; block--)
		for (size_t i = 0; i < how->count; i++) {
			const struct efuse_key *key = &how->keys[i];

			if (key->block != (unsigned)block)
				continue;
			HM_TRY(e->chip->is_coded
				   ? burn_key(e, key, how, why)
				   : burn_classic(e, key, how, why));
		}
	return HM_OK;
}

/* ---- what it is now ---- */

static void
judge_keys(const struct efuse *e, struct findings *f, unsigned *ret_digests,
    bool *ret_has_xts)
{
	const struct efuse_field *dis = find_field(e, "RD_DIS");
	char name[32];

	for (unsigned i = 0; i < e->chip->keys && e->chip->use_bits > 0; i++) {
		uint32_t use;
		bool is_hidden = get_bit(e, dis->bit + i);

		(void)snprintf(name, sizeof(name), "KEY_PURPOSE_%u", i);
		use = value_of(e, name);
		if (use >= EFUSE_DIGEST0 && use <= EFUSE_DIGEST2)
			*ret_digests |= 1u << (use - EFUSE_DIGEST0);
		if (use >= EFUSE_XTS256_1 && use <= EFUSE_XTS128)
			*ret_has_xts = true;
		if (efuse_use_is_secret(use) && !is_hidden)
			(void)findings_fault(f, HM_E_IMAGE_PLAN,
			    e->chip->key0 + i * BLOCK_LEN,
			    "the key in BLOCK_KEY%u can be read", i);
		if (use >= EFUSE_DIGEST0 && use <= EFUSE_DIGEST2 && is_hidden)
			(void)findings_fault(f, HM_E_IMAGE_PLAN,
			    e->chip->key0 + i * BLOCK_LEN,
			    "the digest in BLOCK_KEY%u is read-protected: the "
			    "boot code cannot compare it",
			    i);
	}
}

static void
judge_secure_boot(const struct efuse *e, unsigned digests, struct findings *f)
{
	char name[32];

	for (unsigned i = 0; i < e->chip->digests && e->chip->use_bits > 0;
	     i++) {
		(void)snprintf(
		    name, sizeof(name), "SECURE_BOOT_KEY_REVOKE%u", i);
		if ((digests >> i & 1) == 0 && value_of(e, name) == 0)
			(void)findings_fault(f, HM_E_IMAGE_PLAN, 0,
			    "digest slot %u is neither used nor revoked: who "
			    "can burn adds a key",
			    i);
	}
}

static void
say_fields(const struct efuse *e, struct findings *f)
{
	const struct efuse_field *field = e->chip->fields;

	for (; field->name != NULL; field++)
		if (field_value(e, field) != 0)
			findings_part(f, e->chip->block0 + field->bit / 32u * 4,
			    4, field->name, "%#x of %u bits%s",
			    field_value(e, field), field->bits,
			    field->lock >= 0 && get_bit(e, (size_t)field->lock)
				? ", write-protected"
				: "");
}

/* How often secure_version can still grow. */
static void
say_budget(const struct efuse *e, struct findings *f)
{
	const struct efuse_field *field = find_field(e, "SECURE_VERSION");
	unsigned used = 0;

	if (field == NULL)
		return;
	for (size_t i = 0; i < field->bits; i++)
		used += get_bit(e, field->bit + i);
	findings_note(f, e->chip->block0 + field->bit / 32u * 4,
	    "secure_version can grow %u more times", field->bits - used);
}

hm_err
efuse_judge(const struct efuse *e, struct findings *f)
{
	unsigned digests = 0;
	bool has_xts = false;
	uint32_t crypt = value_of(e, "SPI_BOOT_CRYPT_CNT");
	/* Bit 1: the key of the flash is the key manager's. */
	bool is_managed = (value_of(e, "FORCE_USE_KEY_MANAGER_KEY") & 2) != 0;

	say_fields(e, f);
	judge_keys(e, f, &digests, &has_xts);
	if (value_of(e, "SECURE_BOOT_EN") != 0)
		judge_secure_boot(e, digests, f);
	if (crypt == 1 || crypt == 2 || crypt == 4 || crypt == 7) {
		if (e->chip->use_bits > 0 && !has_xts && !is_managed)
			(void)findings_fault(f, HM_E_IMAGE_PLAN, 0,
			    "flash encryption is on and has no key");
		if (crypt != 7 && (crypt & (crypt - 1)) == 0)
			findings_note(f, 0,
			    "SPI_BOOT_CRYPT_CNT is %u: encryption can be "
			    "switched off again (development mode)",
			    crypt);
	}
	if (value_of(e, "SECURE_BOOT_EN") != 0 && !is_locked_down(e))
		findings_note(f, 0, "the download mode is open");
	say_budget(e, f);
	return HM_OK;
}
