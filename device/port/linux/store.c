/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A write goes to "NAME.new", is synced, takes the place of NAME and is synced
 * with the directory: at any instant the old or the new one is there, whole.
 * What a cut left behind is overwritten and removed at the next start; on flash
 * with wear levelling only a file system that is encrypted does better, or keys
 * in hardware: then secrets are sealed to the KEM key and nothing in the folder
 * is secret.
 *
 *   sealed secrets: enc (65, ephemeral point) | AES-256-GCM of the record
 *   key and nonce = HKDF(ECDH(enc, KEM key), "hallmark-store-v1" | enc)
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys.h"
#include "wire/limits.h"

#define NAME_LEN_MAX 32
#define NEW ".new"
#define TRIES 4 /* a scalar is out of range once in 2^32 */
#define SEAL_OVERHEAD (HM_POINT_LEN + HM_GCM_TAG_LEN)

static int folder = -1;

static const char *const names[] = {
	[HM_RECORD_STATE] = "state",
	[HM_RECORD_IDENTITY] = "identity",
	[HM_RECORD_KEM] = "kem",
	[HM_RECORD_SECRETS] = "secrets",
	[HM_RECORD_STAMP] = "stamp",
	[HM_RECORD_RECEIPT] = "receipt",
};

static const char *const others[] = { "attest", "tpm-identity", "tpm-kem",
	"tpm-attest" };

/* ---- files ---- */

static hm_err
write_all(int fd, struct hm_bytes bytes)
{
	while (bytes.len > 0) {
		ssize_t put = write(fd, bytes.ptr, bytes.len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return HM_E_STORAGE;
		bytes.ptr += put;
		bytes.len -= (size_t)put;
	}
	return fsync(fd) == 0 ? HM_OK : HM_E_STORAGE;
}

static void
new_name(const char *name, char ret[static NAME_LEN_MAX + sizeof(NEW)])
{
	(void)snprintf(
	    ret, NAME_LEN_MAX + sizeof(NEW), "%.*s" NEW, NAME_LEN_MAX, name);
}

/* Overwrite and remove what a cut write left, if it did. */
static hm_err
erase_rest(const char *name)
{
	static const uint8_t zeros[512];
	char path[NAME_LEN_MAX + sizeof(NEW)];
	struct stat info;
	hm_err err = HM_OK;
	int fd;

	new_name(name, path);
	fd = openat(folder, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? HM_OK : HM_E_STORAGE;
	if (fstat(fd, &info) != 0)
		err = HM_E_STORAGE;
	for (off_t at = 0; err == HM_OK && at < info.st_size;
	     at += (off_t)sizeof(zeros))
		err = write_all(fd, HM_BYTES(zeros));
	if (close(fd) != 0 || unlinkat(folder, path, 0) != 0)
		err = HM_E_STORAGE;
	return err;
}

void
linux_store_close(void)
{
	if (folder >= 0)
		(void)close(folder); /* a directory; the lock goes with it */
	folder = -1;
}

static hm_err
clean_up(void)
{
	for (size_t i = HM_RECORD_STATE; i <= HM_RECORD_COUNT; i++)
		HM_TRY(erase_rest(names[i]));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		HM_TRY(erase_rest(others[i]));
	return fsync(folder) == 0 ? HM_OK : HM_E_STORAGE;
}

hm_err
linux_store_open(const char *path)
{
	hm_err err = HM_E_STORAGE;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return HM_E_STORAGE;
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder >= 0 && flock(folder, LOCK_EX | LOCK_NB) == 0)
		err = clean_up();
	if (err != HM_OK)
		linux_store_close();
	return err;
}

hm_err
linux_store_read(const char *name, struct hm_span room, size_t *ret_len)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t len = 0;
	ssize_t got = 1;

	if (fd < 0)
		return errno == ENOENT ? HM_E_NOT_FOUND : HM_E_STORAGE;
	while (got != 0 && len < room.len) {
		got = read(fd, room.ptr + len, room.len - len);
		if (got < 0 && errno != EINTR)
			break;
		if (got > 0)
			len += (size_t)got;
	}
	if (got > 0) { /* full: is that all? */
		uint8_t more;

		do
			got = read(fd, &more, 1);
		while (got < 0 && errno == EINTR);
	}
	(void)close(fd); /* nothing was written */
	if (got != 0)
		return got < 0 ? HM_E_STORAGE : HM_E_NO_ROOM;
	*ret_len = len;
	return HM_OK;
}

hm_err
linux_store_write(const char *name, struct hm_bytes bytes)
{
	char path[NAME_LEN_MAX + sizeof(NEW)];
	hm_err err;
	int fd;

	new_name(name, path);
	fd = openat(folder, path,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return HM_E_STORAGE;
	err = write_all(fd, bytes);
	if (close(fd) != 0)
		err = HM_E_STORAGE;
	if (err == HM_OK && renameat(folder, path, folder, name) != 0)
		err = HM_E_STORAGE;
	if (err == HM_OK && fsync(folder) != 0)
		err = HM_E_STORAGE;
	return err;
}

/* ---- secrets ---- */

static void
derive(const uint8_t agreed[static 32], const uint8_t enc[static HM_POINT_LEN],
    uint8_t ret_key[static 32], uint8_t ret_nonce[static HM_GCM_NONCE_LEN])
{
	const struct hm_bytes shared = { agreed, 32 };
	const struct hm_bytes key_info[] = {
		HM_LITERAL("hallmark-store-v1 key"), { enc, HM_POINT_LEN }
	};
	const struct hm_bytes nonce_info[] = {
		HM_LITERAL("hallmark-store-v1 nonce"), { enc, HM_POINT_LEN }
	};
	uint8_t prk[HM_DIGEST_LEN];

	hm_hkdf_extract((struct hm_bytes){ 0 }, &shared, 1, prk);
	hm_hkdf_expand(prk, key_info, 2, (struct hm_span){ ret_key, 32 });
	hm_hkdf_expand(prk, nonce_info, 2,
	    (struct hm_span){ ret_nonce, HM_GCM_NONCE_LEN });
	hm_wipe(prk, sizeof(prk));
}

/* A new point, and what it agrees with the KEM key. */
static hm_err
agree_once(uint8_t ret_enc[static HM_POINT_LEN], uint8_t ret_agreed[static 32])
{
	uint8_t scalar[32], kem[HM_POINT_LEN];
	hm_err err = HM_E_KEY;

	HM_TRY(keys_chosen()->point(HM_KEY_KEM, kem));
	for (int i = 0; i < TRIES && err == HM_E_KEY; i++) {
		err = hm_port_random((struct hm_span){ scalar, 32 });
		if (err == HM_OK)
			err = hm_p256_public(scalar, ret_enc);
	}
	if (err == HM_OK)
		err = hm_p256_agree(scalar, kem, ret_agreed);
	hm_wipe(scalar, sizeof(scalar));
	return err;
}

static hm_err
write_sealed(struct hm_bytes plain)
{
	static uint8_t room[HM_SEALED_MAX + SEAL_OVERHEAD];
	uint8_t agreed[32], key[32], nonce[HM_GCM_NONCE_LEN];
	hm_err err;

	if (plain.len > HM_SEALED_MAX)
		return HM_E_STORAGE;
	err = agree_once(room, agreed);
	if (err == HM_OK) {
		derive(agreed, room, key, nonce);
		hm_gcm_seal((struct hm_bytes){ key, sizeof(key) }, nonce,
		    (struct hm_bytes){ 0 }, plain, room + HM_POINT_LEN);
		err = linux_store_write(names[HM_RECORD_SECRETS],
		    (struct hm_bytes){ room, plain.len + SEAL_OVERHEAD });
	}
	hm_wipe(agreed, sizeof(agreed));
	hm_wipe(key, sizeof(key));
	return err;
}

static hm_err
read_sealed(struct hm_span room, size_t *ret_len)
{
	static uint8_t sealed[HM_SEALED_MAX + SEAL_OVERHEAD];
	uint8_t agreed[32], key[32], nonce[HM_GCM_NONCE_LEN];
	size_t len = 0;
	hm_err err;

	HM_TRY(linux_store_read(names[HM_RECORD_SECRETS],
	    (struct hm_span){ sealed, sizeof(sealed) }, &len));
	if (len < SEAL_OVERHEAD)
		return HM_E_STORAGE;
	if (len - SEAL_OVERHEAD > room.len)
		return HM_E_NO_ROOM;
	err = keys_chosen()->agree(HM_KEY_KEM, sealed, agreed);
	if (err == HM_OK) {
		derive(agreed, sealed, key, nonce);
		err = hm_gcm_open((struct hm_bytes){ key, sizeof(key) }, nonce,
		    (struct hm_bytes){ 0 },
		    (struct hm_bytes){
			sealed + HM_POINT_LEN, len - HM_POINT_LEN },
		    room.ptr);
	}
	hm_wipe(agreed, sizeof(agreed));
	hm_wipe(key, sizeof(key));
	if (err != HM_OK)
		return HM_E_STORAGE;
	*ret_len = len - SEAL_OVERHEAD;
	return HM_OK;
}

/* ---- the port ---- */

static bool
is_sealed(hm_record record)
{
	return record == HM_RECORD_SECRETS && !keys_chosen()->in_folder;
}

hm_err
hm_port_store_read(hm_record record, struct hm_span room, size_t *ret_len)
{
	if (is_sealed(record))
		return read_sealed(room, ret_len);
	return linux_store_read(names[record], room, ret_len);
}

hm_err
hm_port_store_write(hm_record record, struct hm_bytes bytes)
{
	hm_err err = is_sealed(record)
			 ? write_sealed(bytes)
			 : linux_store_write(names[record], bytes);

	return err == HM_OK ? HM_OK : HM_E_STORAGE;
}
