/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Header and TLVs: bounds and rules. Sizes are bounded before they are added
 * up, and what is copied is bounded twice, for a skipped comparison must not
 * become a copy of the attacker's length.
 */
#include "image_parts.h"

#include <string.h>

#define MAGIC 0x96F3B83Du
#define KNOWN_FLAGS                                           \
	(HM_IMAGE_PIC | IMAGE_ENCRYPTED | HM_IMAGE_RAM_LOAD | \
	    HM_IMAGE_ROM_FIXED)
#define VENDOR 0x4800u /* ours is 48A0 to 48FE */

/* Which TLVs there may be: the protected ones first. */
#define KINDS_PROTECTED 7u
#define COUNTER_SEEN 2u /* the second of them */
#define ANY 0xFFFFu
#define REPEATS 1u /* may stand there again */

struct kind {
	uint16_t type, least, most; /* bytes of the value */
	uint16_t how;
};
static const struct kind kinds[] = {
	{ TLV_DEPENDENCY, 12, 12, REPEATS },
	{ TLV_SEC_CNT, 4, 4, 0 },
	{ 0x60, 1, ANY, 0 }, /* boot record: not read here */
	{ 0x74, 16, 16, 0 }, /* UUID of vendor, of class: the application's */
	{ 0x75, 16, 16, 0 },
	{ HM_TLV_ROLE, 1, 1, 0 },
	{ HM_TLV_KEYS, 2, 2 + 2 * HM_BOOT_KEYS *HM_DIGEST_LEN, 0 },
	{ TLV_KEYHASH, 32, 64, REPEATS }, /* exactly the hash's, see below */
	{ TLV_PUBKEY, 1, ANY, REPEATS },
	{ TLV_SHA256, 32, 32, 0 },
	{ TLV_SHA384, 48, 48, 0 },
	{ TLV_SHA512, 64, 64, 0 },
	{ TLV_RSA2048, 256, 256, REPEATS },
	{ TLV_ECDSA, 8, ANY, REPEATS },
	{ TLV_RSA3072, 384, 384, REPEATS },
	{ TLV_ED25519, 64, 64, REPEATS },
	{ TLV_ENC_EC256, 113, 129, 0 },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* What a walk over the TLVs gathers. */
struct scan {
	struct hm_image *image;
	struct hm_bytes tlvs;
	uint32_t seen;      /* rows of kinds[] */
	uint32_t hash;      /* type; 0: none */
	uint32_t signature; /* type; 0: none */
	uint32_t wrap;      /* length of the wrapped key's TLV */
	uint32_t keyhash;   /* bit n: one of 16n bytes; bit 0: of others */
	uint32_t pending;   /* a key whose signature is to come */
};

uint32_t
image_le(const uint8_t *at, unsigned len)
{
	uint32_t value = 0;

	while (len-- > 0)
		value = value << 8 | at[len];
	return value;
}

void
image_version(const uint8_t at[HM_STATIC 8], struct hm_image_version *ret)
{
	ret->major = at[0];
	ret->minor = at[1];
	ret->revision = (uint16_t)image_le(at + 2, 2);
	ret->build = image_le(at + 4, 4);
}

bool
image_next(struct hm_bytes *rest, struct image_tlv *ret)
{
	size_t len;

	if (rest->len < IMAGE_HEAD_LEN)
		return false;
	len = image_le(rest->ptr + 2, 2);
	if (len > rest->len - IMAGE_HEAD_LEN)
		return false;
	ret->type = image_le(rest->ptr, 2);
	ret->value = HM_MAKE(hm_bytes, rest->ptr + IMAGE_HEAD_LEN, len);
	rest->ptr += IMAGE_HEAD_LEN + len;
	rest->len -= IMAGE_HEAD_LEN + len;
	return true;
}

static struct hm_bytes
part(struct hm_bytes tlvs, size_t at, size_t len)
{
	if (len < IMAGE_HEAD_LEN)
		return HM_MAKE(hm_bytes, tlvs.ptr, 0);
	return HM_MAKE(
	    hm_bytes, tlvs.ptr + at + IMAGE_HEAD_LEN, len - IMAGE_HEAD_LEN);
}

struct hm_bytes
image_protected(const struct hm_image *image, struct hm_bytes tlvs)
{
	return part(tlvs, 0, image->protected_len);
}

struct hm_bytes
image_unprotected(const struct hm_image *image, struct hm_bytes tlvs)
{
	return part(tlvs, image->protected_len, image->tlvs_len);
}

/* ---- header ---- */

static hm_err
parse_header(
    const uint8_t at[HM_STATIC HM_IMAGE_HEADER_LEN], struct hm_image *ret)
{
	uint32_t encrypted;

	if (image_le(at, 4) != MAGIC)
		return HM_E_IMAGE_FORMAT;
	ret->load_addr = image_le(at + 4, 4);
	ret->header_len = image_le(at + 8, 2);
	ret->protected_len = image_le(at + 10, 2);
	ret->payload_len = image_le(at + 12, 4);
	ret->flags = image_le(at + 16, 4);
	image_version(at + 20, &ret->version);
	encrypted = ret->flags & IMAGE_ENCRYPTED;
	if (ret->header_len < HM_IMAGE_HEADER_LEN || ret->payload_len == 0 ||
	    (ret->flags & ~KNOWN_FLAGS) != 0 || encrypted == IMAGE_ENCRYPTED ||
	    (encrypted != 0 && ret->payload_len % 16 != 0) ||
	    image_le(at + 28, 4) != 0)
		return HM_E_IMAGE_FIELD;
	return HM_OK;
}

/* How long it all is, TLVs of `tlvs` bytes included, if `room` has room. */
static hm_err
add_up(struct hm_image *image, size_t tlvs, uint32_t room)
{
	uint32_t size = image->header_len;

	if (room < size || room - size < image->payload_len)
		return HM_E_IMAGE_PLACE;
	size += image->payload_len;
	if (room - size < tlvs)
		return HM_E_IMAGE_PLACE;
	image->size = size + (uint32_t)tlvs;
	return HM_OK;
}

/* ---- TLVs ---- */

static bool
is_vendor(uint32_t type)
{
	return (type & 0xFF) >= 0xA0 && (type & 0xFF) <= 0xFE &&
	       (type & 0xFF00) != VENDOR;
}

static void
take_protected(struct scan *scan, const struct image_tlv *tlv)
{
	if (tlv->type == TLV_SEC_CNT)
		scan->image->counter = image_le(tlv->value.ptr, 4);
	if (tlv->type == HM_TLV_ROLE)
		scan->image->role = (hm_image_role)tlv->value.ptr[0];
}

/* A key is followed by its signature; all signatures are of one type. */
static hm_err
take_pair(struct scan *scan, const struct image_tlv *tlv)
{
	if (tlv->type <= TLV_PUBKEY) {
		if (scan->pending != 0)
			return HM_E_IMAGE_FIELD;
		if (tlv->type == TLV_KEYHASH)
			scan->keyhash |= 1u << (tlv->value.len / 16) |
					 (tlv->value.len % 16 != 0);
		scan->pending = 1;
		return HM_OK;
	}
	if (scan->pending == 0)
		return HM_E_IMAGE_FIELD;
	scan->pending = 0;
	if (scan->signature != 0 && scan->signature != tlv->type)
		return HM_E_IMAGE_MIXED;
	scan->signature = tlv->type;
	return HM_OK;
}

static hm_err
take_unprotected(struct scan *scan, const struct image_tlv *tlv)
{
	if (tlv->type == TLV_ENC_EC256) {
		scan->wrap = (uint32_t)tlv->value.len;
		return HM_OK;
	}
	if (tlv->type < TLV_SHA256 || tlv->type > TLV_SHA512)
		return take_pair(scan, tlv);
	if (scan->hash != 0)
		return HM_E_IMAGE_FIELD;
	scan->hash = tlv->type;
	scan->image->hash_at = (uint32_t)(tlv->value.ptr - scan->tlvs.ptr);
	return HM_OK;
}

/* One TLV, of which kinds[first] to kinds[end - 1] may be here. */
static hm_err
take(struct scan *scan, const struct image_tlv *tlv, size_t first, size_t end)
{
	const struct kind *kind;

	if (first == 0 && is_vendor(tlv->type))
		return HM_OK;
	while (first < end && kinds[first].type != tlv->type)
		first++;
	if (first >= end)
		return HM_E_IMAGE_FIELD;
	kind = &kinds[first];
	if (tlv->value.len < kind->least || tlv->value.len > kind->most ||
	    (scan->seen >> first & 1 & ~kind->how) != 0)
		return HM_E_IMAGE_FIELD;
	scan->seen |= 1u << first;
	if (first >= KINDS_PROTECTED)
		return take_unprotected(scan, tlv);
	take_protected(scan, tlv);
	return HM_OK;
}

static hm_err
take_area(struct scan *scan, struct hm_bytes rest, size_t first, size_t end)
{
	struct image_tlv tlv;

	while (image_next(&rest, &tlv))
		HM_TRY(take(scan, &tlv, first, end));
	return rest.len == 0 ? HM_OK : HM_E_IMAGE_FIELD;
}

static hm_err
find_scheme(struct scan *scan)
{
	const struct hm_image_scheme *const *each = hm_image_schemes;

	while (*each != NULL && ((*each)->type != scan->signature ||
				    (*each)->hash->type != scan->hash))
		each++;
	scan->image->scheme = *each;
	return *each != NULL ? HM_OK : HM_E_IMAGE_MIXED;
}

/* What can be judged when all TLVs have been seen. */
static hm_err
take_together(struct scan *scan)
{
	uint32_t flags = scan->image->flags & IMAGE_ENCRYPTED;
	uint32_t wrap = flags == 0                     ? 0
			: flags == HM_IMAGE_ENC_AES128 ? 113
						       : 129;

	if (scan->pending != 0 || scan->hash == 0 || scan->wrap != wrap)
		return HM_E_IMAGE_FIELD;
	if (scan->signature == 0)
		return HM_E_IMAGE_UNTRUSTED;
	HM_TRY(find_scheme(scan));
	if ((scan->keyhash & ~(1u << scan->image->scheme->hash->len / 16)) != 0)
		return HM_E_IMAGE_FIELD;
	if (HM_IMAGE_COUNTER_NEEDED && (scan->seen & COUNTER_SEEN) == 0)
		return HM_E_COUNTER;
	return HM_OK;
}

static hm_err
parse_tlvs(struct hm_image *image, struct hm_bytes tlvs)
{
	struct scan scan = { .image = image, .tlvs = tlvs };
	uint32_t left = (uint32_t)tlvs.len - image->protected_len;

	if (image->protected_len != 0 &&
	    (image_le(tlvs.ptr, 2) != IMAGE_PROTECTED_MAGIC ||
		image_le(tlvs.ptr + 2, 2) != image->protected_len))
		return HM_E_IMAGE_FIELD;
	if (image_le(tlvs.ptr + image->protected_len, 2) != IMAGE_AREA_MAGIC)
		return HM_E_IMAGE_FIELD;
	image->tlvs_len = image_le(tlvs.ptr + image->protected_len + 2, 2);
	if (image->tlvs_len < IMAGE_HEAD_LEN)
		return HM_E_IMAGE_FIELD;
	if (image->tlvs_len != left)
		return image->tlvs_len > left ? HM_E_IMAGE_SHORT
					      : HM_E_IMAGE_TRAILING;
	HM_TRY(
	    take_area(&scan, image_protected(image, tlvs), 0, KINDS_PROTECTED));
	HM_TRY(take_area(
	    &scan, image_unprotected(image, tlvs), KINDS_PROTECTED, KINDS));
	HM_TRY(take_together(&scan));
	image_measure(image, tlvs.ptr + image->hash_at);
	return HM_OK;
}

static hm_err
parse(const uint8_t header[HM_STATIC HM_IMAGE_HEADER_LEN], struct hm_bytes tlvs,
    uint32_t room, struct hm_image *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->role = HM_ROLE_PRODUCT;
	HM_TRY(parse_header(header, ret));
	if (tlvs.len > HM_IMAGE_TLVS_MAX)
		return HM_E_TOO_LARGE;
	HM_TRY(add_up(ret, tlvs.len, room));
	if (tlvs.len < IMAGE_HEAD_LEN ||
	    tlvs.len - IMAGE_HEAD_LEN < ret->protected_len)
		return HM_E_IMAGE_SHORT;
	if (ret->protected_len != 0 && ret->protected_len < IMAGE_HEAD_LEN)
		return HM_E_IMAGE_FIELD;
	return parse_tlvs(ret, tlvs);
}

hm_err
hm_image_parse(const uint8_t header[HM_STATIC HM_IMAGE_HEADER_LEN],
    struct hm_bytes tlvs, uint32_t room, struct hm_image *ret)
{
	struct hm_image image;

	HM_TRY(parse(header, tlvs, room, &image));
	*ret = image;
	return HM_OK;
}

/* ---- from flash ---- */

static bool
is_erased(const uint8_t *at, size_t len, uint8_t erased)
{
	while (len > 0 && at[len - 1] == erased)
		len--;
	return len == 0;
}

hm_err
image_load(hm_area area, struct hm_image *ret, uint8_t *room,
    struct hm_bytes *ret_tlvs)
{
	static uint8_t header[HM_IMAGE_HEADER_LEN];
	volatile uint32_t len;
	struct hm_flash flash;
	uint32_t at;

	HM_TRY(hm_port_flash(area, &flash));
	HM_TRY(hm_port_flash_read(
	    area, 0, HM_MAKE(hm_span, header, sizeof(header))));
	if (is_erased(header, sizeof(header), flash.erased))
		return HM_E_NOT_FOUND;
	HM_TRY(parse_header(header, ret));
	HM_TRY(add_up(ret, ret->protected_len + IMAGE_HEAD_LEN, flash.size));
	at = ret->size - IMAGE_HEAD_LEN;
	/* into the same room as all of them: who skips the store of an address
	 * reads to the one before, and that has to be large enough */
	HM_TRY(hm_port_flash_read(
	    area, at, HM_MAKE(hm_span, room, IMAGE_HEAD_LEN)));
	len = image_le(room + 2, 2);
	if (image_le(room, 2) != IMAGE_AREA_MAGIC || len < IMAGE_HEAD_LEN)
		return HM_E_IMAGE_FIELD;
	len += ret->protected_len;
	if (len > HM_IMAGE_TLVS_MAX)
		return HM_E_TOO_LARGE;
	HM_TRY(add_up(ret, len, flash.size));
	if (len > HM_IMAGE_TLVS_MAX)
		return HM_E_TOO_LARGE;
	*ret_tlvs = HM_MAKE(hm_bytes, room, len);
	HM_TRY(hm_port_flash_read(
	    area, at - ret->protected_len, HM_MAKE(hm_span, room, len)));
	HM_TRY(parse(header, *ret_tlvs, flash.size, ret));
	ret->area = area;
	return HM_OK;
}

hm_err
hm_image_read(hm_area area, struct hm_image *ret)
{
	static uint8_t tlvs[HM_IMAGE_TLVS_MAX];
	struct hm_image image;
	struct hm_bytes found;

	HM_TRY(image_load(area, &image, tlvs, &found));
	*ret = image;
	return HM_OK;
}
