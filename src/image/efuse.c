/* SPDX-License-Identifier: Apache-2.0 */
#include "image/efuse.h"

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

static hm_err
check_open(const struct efuse *e, struct why *why)
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

hm_err
efuse_burn(struct efuse *e, const char *name, uint32_t value, struct why *why)
{
	const struct efuse_field *field = find_field(e, name);

	if (field == NULL)
		return WHY(why, HM_E_USAGE, "%s has no field %.40s",
		    e->chip->name, name);
	HM_TRY(check_open(e, why));
	if (strcmp(name, "SECURE_BOOT_EN") == 0 && value != 0)
		HM_TRY(check_secure_boot(e, why));
	if (value == 0)
		return WHY(why, HM_E_IMAGE_PLAN,
		    "%s: burning 0 changes nothing; a bit is never cleared",
		    name);
	return set_field(e, field, value, why);
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
	HM_TRY(check_open(e, why));
	set_bit(e, (size_t)lock);
	return HM_OK;
}

/* ---- key blocks ---- */

static uint8_t *
key_block(struct efuse *e, unsigned block)
{
	return e->regs + e->chip->key0 + (size_t)block * BLOCK_LEN;
}

static hm_err
check_hidable(const struct efuse *e, unsigned block, struct why *why)
{
	const struct efuse_field *dis = find_field(e, "RD_DIS");

	hm_assert(dis != NULL); /* each chip has it */
	if (get_bit(e, (size_t)dis->lock))
		return WHY(why, HM_E_IMAGE_PLAN,
		    "BLOCK_KEY%u cannot be read-protected: RD_DIS is "
		    "write-protected",
		    block);
	if (value_of(e, "SECURE_BOOT_EN") != 0)
		return WHY(why, HM_E_IMAGE_PLAN,
		    "BLOCK_KEY%u: secure boot is on, and its first start "
		    "write-protects RD_DIS; burn this key before it",
		    block);
	return HM_OK;
}

static hm_err
hide(struct efuse *e, unsigned block, struct why *why)
{
	const struct efuse_field *dis = find_field(e, "RD_DIS");

	hm_assert(dis != NULL);
	if (get_bit(e, dis->bit + block))
		return HM_OK;
	HM_TRY(check_hidable(e, block, why));
	set_bit(e, dis->bit + block);
	memset(key_block(e, block), 0, BLOCK_LEN);
	return HM_OK;
}

hm_err
efuse_read_protect(struct efuse *e, const char *name, struct why *why)
{
	int block = block_of(name);

	if (block < 0 || block >= e->chip->keys)
		return WHY(
		    why, HM_E_USAGE, "%.40s cannot be read-protected", name);
	HM_TRY(check_open(e, why));
	return hide(e, (unsigned)block, why);
}

struct purpose {
	const char *name;
	uint8_t use, len;
	bool is_reversed, is_hidden, is_xts;
};

static const struct purpose purposes[] = {
	{ "USER", EFUSE_USER, 32, false, false, false },
	{ "ECDSA_KEY", EFUSE_ECDSA_P256, 32, true, true, true },
	{ "XTS_AES_128_KEY", EFUSE_XTS128, 32, true, true, true },
	{ "XTS_AES_256_KEY_1", EFUSE_XTS256_1, 32, true, true, true },
	{ "XTS_AES_256_KEY_2", EFUSE_XTS256_2, 32, true, true, true },
	{ "HMAC_DOWN_ALL", EFUSE_HMAC_DOWN_ALL, 32, false, true, false },
	{ "HMAC_DOWN_JTAG", EFUSE_HMAC_DOWN_JTAG, 32, false, true, false },
	{ "HMAC_DOWN_DIGITAL_SIGNATURE", EFUSE_HMAC_DOWN_DS, 32, false, true,
	    false },
	{ "HMAC_UP", EFUSE_HMAC_UP, 32, false, true, false },
	{ "SECURE_BOOT_DIGEST0", EFUSE_DIGEST0, 32, false, false, false },
	{ "SECURE_BOOT_DIGEST1", EFUSE_DIGEST1, 32, false, false, false },
	{ "SECURE_BOOT_DIGEST2", EFUSE_DIGEST2, 32, false, false, false },
	{ "ECDSA_KEY_P384_L", EFUSE_P384_L, 32, true, true, true },
	{ "ECDSA_KEY_P384_H", EFUSE_P384_H, 32, true, true, true },
};

static const struct purpose *
purpose_named(const char *name)
{
	for (size_t i = 0; i < sizeof(purposes) / sizeof(purposes[0]); i++)
		if (strcmp(purposes[i].name, name) == 0)
			return &purposes[i];
	return NULL;
}

/* One block, 32 bytes in register order. */
static hm_err
write_block(
    struct efuse *e, unsigned block, const uint8_t *bytes, struct why *why)
{
	static const uint8_t zeros[BLOCK_LEN];
	uint8_t *at = key_block(e, block);
	const struct efuse_field *dis = find_field(e, "RD_DIS");

	if (memcmp(at, zeros, BLOCK_LEN) != 0)
		return WHY(why, HM_E_IMAGE_PLAN,
		    "BLOCK_KEY%u is written already; a coded block is "
		    "written once",
		    block);
	if (get_bit(e, dis->bit + block))
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
	return is_secret && !how->keep_readable ? hide(e, block, why) : HM_OK;
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
burn_one(struct efuse *e, unsigned block, const struct purpose *purpose,
    const uint8_t *value, const struct efuse_keys *how, struct why *why)
{
	uint8_t bytes[BLOCK_LEN];
	hm_err err;

	if (block >= e->chip->keys)
		return WHY(why, HM_E_USAGE, "%s has no BLOCK_KEY%u",
		    e->chip->name, block);
	if (purpose->is_xts && block == 5 && e->chip->no_xts_in_5)
		return WHY(why, HM_E_IMAGE_PLAN,
		    "KEY_PURPOSE_5 cannot be %s: a bug of the hardware",
		    purpose->name);
	if (purpose->use > 15 && e->chip->use_bits < 5)
		return WHY(why, HM_E_USAGE, "%s has no purpose %s",
		    e->chip->name, purpose->name);
	/* Before anything is written: can it be hidden? */
	if (purpose->is_hidden && !how->keep_readable)
		HM_TRY(check_hidable(e, block, why));
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
	const struct purpose *purpose = purpose_named(key->purpose);
	uint8_t high[BLOCK_LEN] = { 0 };

	if (strcmp(key->purpose, "XTS_AES_256_KEY") == 0) {
		if (key->value.len != 64)
			return wrong_length(key, 64, why);
		HM_TRY(burn_one(e, key->block + 1, &purposes[4],
		    key->value.ptr + 32, how, why));
		return burn_one(
		    e, key->block, &purposes[3], key->value.ptr, how, why);
	}
	if (strcmp(key->purpose, "ECDSA_KEY_P384") == 0) {
		if (key->value.len != 48)
			return wrong_length(key, 48, why);
		memcpy(high + 16, key->value.ptr, 16);
		HM_TRY(burn_one(e, key->block + 1,
		    purpose_named("ECDSA_KEY_P384_L"), key->value.ptr + 16, how,
		    why));
		return burn_one(e, key->block,
		    purpose_named("ECDSA_KEY_P384_H"), high, how, why);
	}
	if (purpose == NULL)
		return WHY(why, HM_E_USAGE, "no purpose %.40s", key->purpose);
	if (key->value.len != purpose->len)
		return wrong_length(key, purpose->len, why);
	return burn_one(e, key->block, purpose, key->value.ptr, how, why);
}

/* ---- chips whose blocks are named otherwise ---- */

/* Both halves of C2's one block, or one of them. */
static hm_err
burn_c2(struct efuse *e, const struct efuse_keys *how, struct why *why)
{
	uint8_t bytes[BLOCK_LEN] = { 0 };
	bool hidden = false;
	hm_err err;

	for (size_t i = 0; i < how->count; i++) {
		const struct efuse_key *key = &how->keys[i];

		if (strcmp(key->purpose, C2_DERIVED) == 0) {
			if (key->value.len != 16)
				return wrong_length(key, 16, why);
			turn(key->value.ptr, bytes, 16);
			hidden = true;
		} else if (strcmp(key->purpose, "SECURE_BOOT_DIGEST") == 0) {
			if (key->value.len != 32)
				return wrong_length(key, 32, why);
			memcpy(bytes + 16, key->value.ptr, 16);
		} else if (strcmp(key->purpose, "XTS_AES_128_KEY") == 0) {
			if (key->value.len != 32 || how->count > 1)
				return wrong_length(key, 32, why);
			turn(key->value.ptr, bytes, 32);
			hidden = true;
		} else {
			return WHY(
			    why, HM_E_USAGE, "no purpose %.40s", key->purpose);
		}
	}
	err = write_block(e, 0, bytes, why);
	hm_wipe(bytes, sizeof(bytes));
	HM_TRY(err);
	return protect(e, 0, hidden, how, why);
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
	HM_TRY(check_open(e, why));
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
		if (use >= EFUSE_ECDSA_P256 && use <= EFUSE_HMAC_UP &&
		    !is_hidden)
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

	say_fields(e, f);
	judge_keys(e, f, &digests, &has_xts);
	if (value_of(e, "SECURE_BOOT_EN") != 0)
		judge_secure_boot(e, digests, f);
	if (crypt == 1 || crypt == 2 || crypt == 4 || crypt == 7) {
		if (e->chip->use_bits > 0 && !has_xts)
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
