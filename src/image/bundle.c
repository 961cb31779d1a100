/* SPDX-License-Identifier: Apache-2.0 */
#include "image/bundle.h"

#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "crypto/cipher.h"
#include "crypto/digest.h"
#include "image/bundle_parts.h"

#define NONCE_LEN 12
#define SIZE_MOST (UINT64_C(8) << 30) /* what 11 octal digits hold */
#define END_LEN (2 * TAR_BLOCK)

/* Both ways: the cipher, and the number of the segment that is next. */
struct segments {
	struct cipher *cipher;
	uint8_t aad[BUNDLE_AAD_MAX];
	size_t aad_len;
	uint32_t next;
};

static void
nonce_of(uint32_t number, bool is_last, uint8_t ret[static NONCE_LEN])
{
	memset(ret, 0, NONCE_LEN);
	hm_put_u32(ret + 7, number);
	ret[11] = is_last;
}

static hm_err
segments_start(struct segments *s, const uint8_t key[static BUNDLE_KEY_LEN],
    struct hm_bytes start, bool encrypt)
{
	uint8_t nonce[NONCE_LEN] = { 0 };

	s->next = 0;
	HM_TRY(bundle_aad(start, s->aad, &s->aad_len));
	return cipher_new(CIPHER_AES256_GCM, encrypt,
	    (struct hm_bytes){ key, BUNDLE_KEY_LEN }, HM_BYTES(nonce),
	    &s->cipher);
}

static hm_err
segment_begin(struct segments *s, bool is_last)
{
	uint8_t nonce[NONCE_LEN];

	nonce_of(s->next, is_last, nonce);
	HM_TRY(cipher_restart(s->cipher, HM_BYTES(nonce)));
	return cipher_aad(s->cipher, (struct hm_bytes){ s->aad, s->aad_len });
}

/* ---- making one ---- */

struct bundle {
	struct output *out;
	uint64_t mtime_s;
	struct segments segments;
	struct buf names; /* each with its NUL: none comes twice */
	size_t held;
	uint8_t piece[BUNDLE_SEGMENT];
};

static hm_err
check_recipients(const struct bundle_to *to, struct why *why)
{
	if (to->count == 0 || to->count > BUNDLE_RECIPIENTS_MAX)
		return WHY(why, HM_E_USAGE,
		    "a bundle is for 1 to %d recipients",
		    BUNDLE_RECIPIENTS_MAX);
	for (size_t i = 0; i < to->count; i++) {
		if (pkey_kind(to->recipients[i]) != PKEY_P256)
			return WHY(why, HM_E_KEY,
			    "a recipient has a P-256 key, not %s",
			    pkey_name(to->recipients[i]));
		for (size_t j = 0; j < i; j++)
			if (pkey_equal(to->recipients[i], to->recipients[j]))
				return WHY(why, HM_E_USAGE,
				    "a recipient is named twice");
	}
	return HM_OK;
}

/* Magic, length and head, as they stand in the file. */
static hm_err
make_start(const struct bundle_to *to, const uint8_t *key, struct buf *ret)
{
	struct bundle_head *head = calloc(1, sizeof(*head));
	uint8_t *at;
	size_t len = 0;
	hm_err err = head == NULL ? HM_E_NO_MEMORY : HM_OK;

	for (size_t i = 0; i < to->count && err == HM_OK; i++) {
		err = bundle_wrap(to->recipients[i], key, &head->recipients[i]);
		head->count++;
	}
	if (err == HM_OK)
		err =
		    buf_reserve(ret, BUNDLE_PREFIX_LEN + BUNDLE_HEAD_MAX, &at);
	if (err == HM_OK) {
		memcpy(at, BUNDLE_MAGIC, 8);
		err = bundle_head_encode(head,
		    (struct hm_span){ at + BUNDLE_PREFIX_LEN, BUNDLE_HEAD_MAX },
		    &len);
	}
	if (err == HM_OK) {
		hm_put_u32(at + 8, (uint32_t)len);
		ret->len = BUNDLE_PREFIX_LEN + len;
	}
	free(head);
	return err;
}

static hm_err
begin(struct bundle *bundle, const struct bundle_to *to)
{
	uint8_t key[BUNDLE_KEY_LEN];
	struct buf start = { .max = BUNDLE_PREFIX_LEN + BUNDLE_HEAD_MAX };
	hm_err err = random_secret((struct hm_span){ key, sizeof(key) });

	if (err == HM_OK)
		err = make_start(to, key, &start);
	if (err == HM_OK)
		err = segments_start(
		    &bundle->segments, key, buf_bytes(&start), true);
	if (err == HM_OK)
		err = output_add(bundle->out, buf_bytes(&start));
	hm_wipe(key, sizeof(key));
	buf_done(&start);
	return err;
}

hm_err
bundle_begin(const struct bundle_to *to, struct output *out,
    struct bundle **ret, struct why *why)
{
	struct bundle *bundle;
	hm_err err;

	HM_TRY(check_recipients(to, why));
	bundle = calloc(1, sizeof(*bundle));
	if (bundle == NULL)
		return HM_E_NO_MEMORY;
	bundle->out = out;
	bundle->mtime_s = to->mtime_s;
	buf_init(&bundle->names, 1 << 20);
	err = begin(bundle, to);
	if (err != HM_OK) {
		bundle_free(bundle);
		return err;
	}
	*ret = bundle;
	return HM_OK;
}

void
bundle_free(struct bundle *bundle)
{
	if (bundle == NULL)
		return;
	cipher_free(bundle->segments.cipher);
	buf_done(&bundle->names);
	hm_wipe(bundle->piece, sizeof(bundle->piece));
	free(bundle);
}

static hm_err
write_segment(struct bundle *bundle, bool is_last)
{
	struct segments *s = &bundle->segments;
	struct hm_bytes piece = { bundle->piece, bundle->held };
	uint8_t tag[BUNDLE_TAG];

	if (s->next == UINT32_MAX)
		return HM_E_TOO_LARGE;
	HM_TRY(segment_begin(s, is_last));
	HM_TRY(cipher_update(s->cipher, piece, bundle->piece));
	HM_TRY(cipher_tag(s->cipher, tag));
	HM_TRY(output_add(bundle->out, piece));
	HM_TRY(output_add(bundle->out, HM_BYTES(tag)));
	s->next++;
	bundle->held = 0;
	return HM_OK;
}

/* A full segment waits: it may be the last. */
static hm_err
add_content(void *context, struct hm_bytes bytes)
{
	struct bundle *bundle = context;

	while (bytes.len > 0) {
		size_t room = BUNDLE_SEGMENT - bundle->held;
		size_t len = bytes.len < room ? bytes.len : room;

		if (room == 0) {
			HM_TRY(write_segment(bundle, false));
			continue;
		}
		memcpy(bundle->piece + bundle->held, bytes.ptr, len);
		bundle->held += len;
		bytes.ptr += len;
		bytes.len -= len;
	}
	return HM_OK;
}

static hm_err
check_name(struct bundle *bundle, const char *name, struct why *why)
{
	const char *at = (const char *)bundle->names.ptr;
	const char *end = at + bundle->names.len;

	if (!tar_name_is_good(name))
		return WHY(why, HM_E_USAGE,
		    "\"%.100s\" cannot be a name in a bundle", name);
	for (; bundle->names.len > 0 && at < end; at += strlen(at) + 1)
		if (strcmp(at, name) == 0)
			return WHY(why, HM_E_USAGE,
			    "\"%s\" is in the bundle already", name);
	return buf_add(&bundle->names,
	    (struct hm_bytes){ (const uint8_t *)name, strlen(name) + 1 });
}

hm_err
bundle_add(struct bundle *bundle, const char *name, const struct input *content,
    struct why *why)
{
	static const uint8_t zeros[TAR_BLOCK];
	struct tar_item item = { .size = content->size,
		.mtime_s = bundle->mtime_s };
	uint8_t block[TAR_BLOCK];
	size_t over = (size_t)(content->size % TAR_BLOCK);

	if (content->size >= SIZE_MOST)
		return WHY(why, HM_E_TOO_LARGE, "a file of 8 GiB or more");
	HM_TRY(check_name(bundle, name, why));
	memcpy(item.name, name, strlen(name) + 1);
	tar_write(&item, block);
	HM_TRY(add_content(bundle, HM_BYTES(block)));
	HM_TRY(input_walk(content, 0, content->size, add_content, bundle));
	if (over == 0)
		return HM_OK;
	return add_content(
	    bundle, (struct hm_bytes){ zeros, TAR_BLOCK - over });
}

hm_err
bundle_end(struct bundle *bundle)
{
	static const uint8_t zeros[END_LEN];

	HM_TRY(add_content(bundle, HM_BYTES(zeros)));
	return write_segment(bundle, true);
}

/* ---- opening one ---- */

struct opening {
	const struct input *file;
	struct findings *findings;
	struct bundle_head head;
	struct segments segments;
	uint64_t at; /* where the segments begin */
	uint8_t piece[BUNDLE_SEGMENT + BUNDLE_TAG];
};

bool
bundle_is(const struct input *file)
{
	uint8_t magic[8];

	return input_read(file, 0, (struct hm_span){ magic, 8 }) == HM_OK &&
	       memcmp(magic, BUNDLE_MAGIC, 8) == 0;
}

static void
say_head(struct opening *o)
{
	findings_part(o->findings, 0, 8, "magic", "%s", BUNDLE_MAGIC);
	findings_part(o->findings, 8, o->at - 8, "head",
	    "COSE_Encrypt, A256GCM, %zu recipients", o->head.count);
	for (size_t i = 0; i < o->head.count; i++)
		findings_bytes(o->findings, BUNDLE_PREFIX_LEN,
		    o->at - BUNDLE_PREFIX_LEN, "recipient",
		    HM_BYTES(o->head.recipients[i].kid));
}

/* The head into `start`, which is what the segments' tags cover. Faults are
 * found; the error says only that there is nothing more to read. */
static hm_err
read_head(struct opening *o, struct buf *start)
{
	uint8_t *at;
	uint32_t len;

	HM_TRY(buf_reserve(start, BUNDLE_PREFIX_LEN + BUNDLE_HEAD_MAX, &at));
	if (!bundle_is(o->file))
		return findings_fault(
		    o->findings, HM_E_IMAGE_FORMAT, 0, "not a bundle");
	if (input_read(o->file, 0, (struct hm_span){ at, BUNDLE_PREFIX_LEN }) !=
	    HM_OK)
		return findings_fault(o->findings, HM_E_IMAGE_SHORT,
		    o->file->size, "ends before its head");
	len = hm_get_u32(at + 8);
	if (len == 0 || len > BUNDLE_HEAD_MAX)
		return findings_fault(o->findings, HM_E_IMAGE_FIELD, 8,
		    "a head of %u bytes", len);
	if (input_read(o->file, BUNDLE_PREFIX_LEN,
		(struct hm_span){ at + BUNDLE_PREFIX_LEN, len }) != HM_OK)
		return findings_fault(o->findings, HM_E_IMAGE_SHORT,
		    o->file->size, "ends in its head");
	start->len = BUNDLE_PREFIX_LEN + len;
	o->at = start->len;
	if (bundle_head_decode((struct hm_bytes){ at + BUNDLE_PREFIX_LEN, len },
		&o->head) != HM_OK)
		return findings_fault(o->findings, HM_E_IMAGE_FIELD,
		    BUNDLE_PREFIX_LEN,
		    "the head is not a COSE_Encrypt of ours");
	say_head(o);
	return HM_OK;
}

/* How many segments there are; the last has 1 to BUNDLE_SEGMENT bytes. */
static hm_err
count_segments(struct opening *o, uint64_t *ret, uint64_t *ret_last)
{
	uint64_t whole = BUNDLE_SEGMENT + BUNDLE_TAG;
	uint64_t size = o->file->size - o->at;

	*ret = (size + whole - 1) / whole;
	*ret_last = size == 0 ? 0 : size - (*ret - 1) * whole;
	if (*ret_last <= BUNDLE_TAG || *ret > UINT32_MAX)
		return findings_fault(o->findings, HM_E_IMAGE_SHORT,
		    o->file->size, "ends in the middle of a segment");
	findings_part(o->findings, o->at, size, "segments",
	    "%llu, the last of %llu bytes", (unsigned long long)*ret,
	    (unsigned long long)(*ret_last - BUNDLE_TAG));
	return HM_OK;
}

static hm_err
try_segment(struct opening *o, size_t len, bool is_last, uint8_t *ret)
{
	struct segments *s = &o->segments;

	HM_TRY(segment_begin(s, is_last));
	HM_TRY(
	    cipher_update(s->cipher, (struct hm_bytes){ o->piece, len }, ret));
	return cipher_check(s->cipher, o->piece + len);
}

/* The segment at `at`: its content appended to the archive. */
static hm_err
open_segment(struct opening *o, uint64_t at, size_t len, bool is_last,
    struct output *archive)
{
	static _Thread_local uint8_t plain[BUNDLE_SEGMENT];
	hm_err err;

	HM_TRY(input_read(
	    o->file, at, (struct hm_span){ o->piece, len + BUNDLE_TAG }));
	err = try_segment(o, len, is_last, plain);
	if (err == HM_OK)
		err = output_add(archive, (struct hm_bytes){ plain, len });
	else if (err == HM_E_OPEN && is_last &&
		 try_segment(o, len, false, plain) == HM_OK)
		(void)findings_fault(o->findings, HM_E_IMAGE_SHORT,
		    o->file->size, "cut off behind segment %u",
		    o->segments.next);
	else if (err == HM_E_OPEN)
		(void)findings_fault(o->findings, HM_E_IMAGE_OPEN, at,
		    "segment %u was altered", o->segments.next);
	progress_add(len);
	hm_wipe(plain, len);
	o->segments.next++;
	return err;
}

static hm_err
open_segments(struct opening *o, struct output *archive)
{
	uint64_t count, last, at = o->at;
	hm_err err = count_segments(o, &count, &last);

	for (uint64_t i = 0; i < count && err == HM_OK; i++) {
		bool is_last = i == count - 1;
		size_t len =
		    is_last ? (size_t)last - BUNDLE_TAG : BUNDLE_SEGMENT;

		err = open_segment(o, at, len, is_last, archive);
		at += len + BUNDLE_TAG;
	}
	return err;
}

/* The content key, by the recipient that is this key. */
static hm_err
find_key(
    struct opening *o, struct pkey *key, uint8_t ret[static BUNDLE_KEY_LEN])
{
	uint8_t kid[32];
	hm_err err;

	HM_TRY(bundle_kid(key, kid));
	for (size_t i = 0; i < o->head.count; i++) {
		const struct bundle_recipient *r = &o->head.recipients[i];

		if (memcmp(r->kid, kid, sizeof(kid)) != 0)
			continue;
		err = bundle_unwrap(key, r, ret);
		if (err != HM_E_OPEN && err != HM_E_KEY)
			return err;
		return findings_fault(o->findings, HM_E_IMAGE_OPEN,
		    BUNDLE_PREFIX_LEN, "the key of recipient %zu was altered",
		    i);
	}
	return findings_fault(o->findings, HM_E_IMAGE_OPEN, BUNDLE_PREFIX_LEN,
	    "none of its recipients has this key");
}

static hm_err
open_with(struct opening *o, struct pkey *key, struct output *archive)
{
	struct buf start = { .max = BUNDLE_PREFIX_LEN + BUNDLE_HEAD_MAX };
	uint8_t content_key[BUNDLE_KEY_LEN];
	hm_err err = read_head(o, &start);

	if (err == HM_OK)
		err = find_key(o, key, content_key);
	if (err == HM_OK)
		err = segments_start(
		    &o->segments, content_key, buf_bytes(&start), false);
	hm_wipe(content_key, sizeof(content_key));
	if (err == HM_OK)
		err = open_segments(o, archive);
	buf_done(&start);
	return err;
}

hm_err
bundle_open(const struct input *file, struct pkey *key, struct output *archive,
    struct findings *findings)
{
	struct opening *o = calloc(1, sizeof(*o));
	hm_err err;

	if (o == NULL)
		return HM_E_NO_MEMORY;
	o->file = file;
	o->findings = findings;
	err = open_with(o, key, archive);
	cipher_free(o->segments.cipher);
	hm_wipe(o->piece, sizeof(o->piece));
	free(o);
	return findings_faults(findings) > 0 ? HM_OK : err;
}

hm_err
bundle_inspect(const struct input *file, struct findings *findings)
{
	struct opening *o = calloc(1, sizeof(*o));
	struct buf start = { .max = BUNDLE_PREFIX_LEN + BUNDLE_HEAD_MAX };
	uint64_t count, last;
	hm_err err;

	if (o == NULL)
		return HM_E_NO_MEMORY;
	o->file = file;
	o->findings = findings;
	err = read_head(o, &start);
	if (err == HM_OK)
		err = count_segments(o, &count, &last);
	buf_done(&start);
	free(o);
	return findings_faults(findings) > 0 ? HM_OK : err;
}

/* ---- its files ---- */

static hm_err
bad_archive(struct why *why, uint64_t at)
{
	why_where(why, "offset %llu of the archive", (unsigned long long)at);
	return WHY(why, HM_E_IMAGE_FIELD, "not an archive as we make them");
}

/* One file at `at`; *ret_next is where the next one stands. */
static hm_err
visit(const struct input *archive, uint64_t at, struct tar_item *item,
    struct input *content, uint64_t *ret_next)
{
	uint8_t block[TAR_BLOCK];
	uint64_t size;
	bool zeros;

	HM_TRY(input_read(archive, at, (struct hm_span){ block, TAR_BLOCK }));
	HM_TRY(tar_read(block, item));
	at += TAR_BLOCK;
	size = (item->size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
	HM_TRY(input_window(archive, at, item->size, content));
	HM_TRY(input_is_filled(
	    archive, at + item->size, size - item->size, 0, &zeros));
	*ret_next = at + size;
	return zeros ? HM_OK : HM_E_BAD_INPUT;
}

hm_err
bundle_files(const struct input *archive, bundle_visitor *each, void *context,
    struct why *why)
{
	uint64_t at = 0;
	bool ends;

	if (archive->size < END_LEN)
		return bad_archive(why, 0);
	while (at < archive->size - END_LEN) {
		struct tar_item item;
		struct input content;
		hm_err err = visit(archive, at, &item, &content, &at);

		if (err == HM_E_BAD_INPUT || err == HM_E_IMAGE_SHORT)
			return bad_archive(why, at);
		HM_TRY(err);
		HM_TRY(each(context, item.name, &content));
	}
	if (at != archive->size - END_LEN)
		return bad_archive(why, at);
	HM_TRY(input_is_filled(archive, at, END_LEN, 0, &ends));
	return ends ? HM_OK : bad_archive(why, at);
}
