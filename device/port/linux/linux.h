/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * linux - hallmark/port.h and hallmark/net.h for a device that runs Linux
 *
 * One process is one device: the port's functions know no context. Who it is
 * stands in a file (config.c), what it keeps in a folder of mode 0700, one file
 * a record, replaced atomically and synced with its directory (store.c). Its
 * keys live in one of the back ends of keys.h.
 *
 *   folder/state, stamp, receipt     records of hallmark/port.h
 *   folder/secrets                   in the clear with software keys, else
 *                                    sealed to the KEM key (store.c)
 *   folder/identity, kem, attest     software keys: scalars
 *   folder/tpm-*                     TPM: key blobs, of use in that TPM only
 *
 * The unique id, the firmware's digest, life cycle and counter are read from
 * where the configuration says: the board's maker knows where his kernel shows
 * them. Whoever can write these files is the device; that is what verified boot
 * and a read-only root are for.
 */

#include "hallmark/agent.h"
#include "hallmark/net.h"
#include "hallmark/tls.h"

#define LINUX_TEXT_MAX 256
#define LINUX_FILE_MAX 8192 /* certificates, keys, ids */

struct linux_config {
	char folder[LINUX_TEXT_MAX];
	char
	    server[LINUX_TEXT_MAX]; /* host:port, the name in its certificate */
	char address[LINUX_TEXT_MAX];     /* numeric; "": look the host up */
	char server_ca[LINUX_TEXT_MAX];   /* file, PEM or DER */
	char certificate[LINUX_TEXT_MAX]; /* file, PEM or DER */
	char issuer[LINUX_TEXT_MAX];      /* file, or "" */
	char stamp_key[LINUX_TEXT_MAX];   /* file: SubjectPublicKeyInfo */
	char order[LINUX_TEXT_MAX];
	char unique_id[LINUX_TEXT_MAX]; /* file */
	char firmware[LINUX_TEXT_MAX];  /* file: the image that runs */
	char lock[LINUX_TEXT_MAX];      /* open, closed, locked, or file:PATH */
	char counter[LINUX_TEXT_MAX];   /* a number, file:PATH, or keys */
	char keys[LINUX_TEXT_MAX];      /* soft, tpm:TCTI, pkcs11:TOKEN */
	char module[LINUX_TEXT_MAX];    /* pkcs11: module */
	char pin[LINUX_TEXT_MAX];       /* pkcs11: file with the PIN */
	char timeout_ms[LINUX_TEXT_MAX];
};

/* Read `path`: lines "key = value", "#" comments. Unknown, missing and double
 * keys are refused, *ret_line says where. HM_E_FILE, HM_E_CONFIG_* */
HM_MUST hm_err linux_config_load(
    const char *path, struct linux_config *ret, unsigned *ret_line);

/*
 * Be this device from here on, alone: the folder is made and locked, what a
 * power cut left in it is erased, keys are opened. `config` must outlive all
 * use. HM_E_STORAGE (or another process has the folder), HM_E_FILE, HM_E_IO
 */
HM_MUST hm_err linux_open(const struct linux_config *config);
void linux_close(void);

/* Make what must be there before the device can have a certificate: its keys
 * and, if the keys count, the counter. Again changes nothing. As
 * hm_port_key_make */
HM_MUST hm_err linux_init(void);
/* The key that signs evidence: 04 || X || Y. HM_E_IO */
HM_MUST hm_err linux_attest_key(uint8_t ret[HM_STATIC HM_POINT_LEN]);
/* A certificate request (PKCS #10, DER) for the identity key, of this common
 * name (HM_NAME_MAX). HM_E_BAD_INPUT, HM_E_NO_ROOM, HM_E_STORAGE */
HM_MUST hm_err linux_request(
    const char *name, struct hm_span room, size_t *ret_len);

/* ---- for the files of this room ---- */

/* The one that linux_open took. */
const struct linux_config *linux_configured(void);

/* A whole file; *ret_len is its length. HM_E_FILE, HM_E_NO_ROOM */
HM_MUST hm_err linux_read_file(
    const char *path, struct hm_span room, size_t *ret_len);
/* The same, PEM taken off if there is any. HM_E_CERT too */
HM_MUST hm_err linux_read_pem(
    const char *path, struct hm_span room, size_t *ret_len);
/* A number of at most `max`, nothing around it but blanks. */
HM_MUST hm_err linux_number(struct hm_bytes text, uint32_t max, uint32_t *ret);

/* The folder. HM_E_STORAGE; of linux_store_read HM_E_NOT_FOUND and HM_E_NO_ROOM
 * too. Names have no slash. */
HM_MUST hm_err linux_store_open(const char *folder);
void linux_store_close(void);
HM_MUST hm_err linux_store_read(
    const char *name, struct hm_span room, size_t *ret_len);
HM_MUST hm_err linux_store_write(const char *name, struct hm_bytes bytes);

/* What went over the network since the program began, for the figures of
 * docs/performance.md. */
struct linux_traffic {
	uint64_t sent, received; /* bytes of TCP payload */
	uint32_t connections;
	uint32_t turns; /* times that a wait for the server followed a word */
};
struct linux_traffic linux_traffic(void);
