/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "hallmark/flash.h"
#include "keys.h"
#include "wire/evidence.h"

static const struct linux_config *config;
static const struct keys *keys;
static uint8_t stamp_key[HM_POINT_LEN];

const struct linux_config *
linux_configured(void)
{
	return config;
}

const struct keys *
keys_chosen(void)
{
	return keys;
}

/* ---- opening ---- */

static hm_err
load_stamp_key(const char *path)
{
	uint8_t spki[HM_SPKI_LEN + 1], wanted[HM_SPKI_LEN];
	size_t len = 0;

	HM_TRY(
	    linux_read_pem(path, (struct hm_span){ spki, sizeof(spki) }, &len));
	if (len != HM_SPKI_LEN)
		return HM_E_CERT;
	memcpy(stamp_key, spki + HM_SPKI_LEN - HM_POINT_LEN, sizeof(stamp_key));
	hm_spki_encode(stamp_key, wanted);
	return hm_bytes_equal(
		   HM_BYTES(wanted), (struct hm_bytes){ spki, HM_SPKI_LEN })
		   ? HM_OK
		   : HM_E_CERT;
}

hm_err
linux_open(const struct linux_config *opened)
{
	const char *where = NULL;
	hm_err err;

	HM_TRY(keys_find(opened->keys, &keys, &where));
	HM_TRY(load_stamp_key(opened->stamp_key));
	config = opened;
	HM_TRY(linux_store_open(opened->folder));
	err = keys->open(config, where);
	if (err != HM_OK)
		linux_store_close();
	return err;
}

void
linux_close(void)
{
	keys->close();
	linux_store_close();
}

hm_err
linux_init(void)
{
	HM_TRY(keys->make(HM_KEY_IDENTITY));
	HM_TRY(keys->make(HM_KEY_KEM));
	HM_TRY(keys->make(KEYS_ATTEST));
	return keys->raise == NULL ? HM_OK : keys->raise(0);
}

hm_err
linux_attest_key(uint8_t ret[static HM_POINT_LEN])
{
	return keys->point(KEYS_ATTEST, ret);
}

/* ---- keys ---- */

hm_err
hm_port_key_make(hm_key key)
{
	return keys->make(key);
}

hm_err
hm_port_key_public(hm_key key, uint8_t ret[static HM_POINT_LEN])
{
	return keys->point(key, ret);
}

hm_err
hm_port_key_sign(hm_key key, const uint8_t digest[static HM_DIGEST_LEN],
    uint8_t ret[static HM_SIGNATURE_LEN])
{
	return keys->sign(key, digest, ret);
}

hm_err
hm_port_key_agree(hm_key key, const uint8_t point[static HM_POINT_LEN],
    uint8_t ret[static 32])
{
	return keys->agree(key, point, ret);
}

/* ---- evidence ---- */

/* Here another scheme begins: a back end that can quote says so (keys.h). */
hm_scheme
hm_port_scheme(void)
{
	return HM_SCHEME_SOFT;
}

hm_err
hm_port_attest(const uint8_t binding[static HM_DIGEST_LEN], struct hm_span room,
    size_t *ret_len)
{
	struct hm_proof_soft proof;
	uint8_t digest[HM_DIGEST_LEN];

	hm_sha256((struct hm_bytes){ binding, HM_DIGEST_LEN }, digest);
	if (keys->point(KEYS_ATTEST, proof.key) != HM_OK ||
	    keys->sign(KEYS_ATTEST, digest, proof.signature) != HM_OK)
		return HM_E_IO;
	return hm_proof_soft_encode(&proof, room, ret_len);
}

/* ---- what the board says ---- */

hm_err
hm_port_random(struct hm_span ret)
{
	size_t done = 0;

	while (done < ret.len) {
		ssize_t got = getrandom(ret.ptr + done, ret.len - done, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			hm_wipe(ret.ptr, ret.len);
			return HM_E_NO_ENTROPY;
		}
		done += (size_t)got;
	}
	return HM_OK;
}

/* A device tree ends its serial number with NUL, a text file with LF. */
hm_err
hm_port_unique_id(struct hm_span room, size_t *ret_len)
{
	uint8_t id[HM_UNIQUE_ID_MAX + 2];
	size_t len = 0;

	if (linux_read_file(config->unique_id,
		(struct hm_span){ id, sizeof(id) }, &len) != HM_OK)
		return HM_E_IO;
	while (len > 0 && (id[len - 1] == 0 || id[len - 1] == '\n'))
		len--;
	if (len == 0 || len > HM_UNIQUE_ID_MAX)
		return HM_E_IO;
	if (room.len < len)
		return HM_E_NO_ROOM;
	memcpy(room.ptr, id, len);
	*ret_len = len;
	return HM_OK;
}

/* What a value says, or the file that it names. */
static hm_err
read_value(const char *value, struct hm_span room, struct hm_bytes *ret)
{
	ret->ptr = room.ptr;
	if (strncmp(value, "file:", 5) != 0) {
		*ret = hm_bytes_of(value);
		return HM_OK;
	}
	return linux_read_file(value + 5, room, &ret->len) == HM_OK ? HM_OK
								    : HM_E_IO;
}

static bool
says(struct hm_bytes text, const char *word)
{
	while (text.len > 0 && text.ptr[text.len - 1] == '\n')
		text.len--;
	return hm_bytes_equal(text, hm_bytes_of(word));
}

hm_err
hm_port_lock(hm_lock *ret)
{
	uint8_t room[16];
	struct hm_bytes word;

	HM_TRY(read_value(
	    config->lock, (struct hm_span){ room, sizeof(room) }, &word));
	if (says(word, "open"))
		*ret = HM_LOCK_OPEN;
	else if (says(word, "closed"))
		*ret = HM_LOCK_CLOSED;
	else if (says(word, "locked"))
		*ret = HM_LOCK_LOCKED;
	else
		return HM_E_IO;
	return HM_OK;
}

static bool
counts_in_keys(void)
{
	return strcmp(config->counter, "keys") == 0;
}

hm_err
hm_port_counter(uint32_t *ret)
{
	uint8_t room[16];
	struct hm_bytes text;

	if (counts_in_keys())
		return keys->counter == NULL ? HM_E_IO : keys->counter(ret);
	HM_TRY(read_value(
	    config->counter, (struct hm_span){ room, sizeof(room) }, &text));
	return linux_number(text, UINT32_MAX, ret) == HM_OK ? HM_OK : HM_E_IO;
}

hm_err
hm_port_counter_raise(uint32_t to)
{
	if (!counts_in_keys() || keys->raise == NULL)
		return HM_E_IO;
	return keys->raise(to);
}

hm_err
hm_port_firmware(uint8_t ret[static HM_DIGEST_LEN])
{
	struct hm_sha256 sha;
	uint8_t part[1024];
	ssize_t got = 1;
	int fd = open(config->firmware, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return HM_E_IO;
	hm_sha256_init(&sha);
	while (got != 0) {
		got = read(fd, part, sizeof(part));
		if (got < 0 && errno != EINTR)
			break;
		if (got > 0)
			hm_sha256_add(
			    &sha, (struct hm_bytes){ part, (size_t)got });
	}
	(void)close(fd); /* nothing was written */
	if (got != 0)
		return HM_E_IO;
	hm_sha256_end(&sha, ret);
	return HM_OK;
}

void
hm_port_stamp_key(uint8_t ret[static HM_POINT_LEN])
{
	memcpy(ret, stamp_key, HM_POINT_LEN);
}
