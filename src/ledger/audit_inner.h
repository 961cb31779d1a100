/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * audit_inner - what the parts of the audit share
 *
 *   audit.c         findings, the way through it all
 *   audit_files.c   which files there are, and are they what they must be?
 *   audit_record.c  what the entries say: who was allowed what
 *   audit_release.c ... with which firmware, approved by whom
 *   audit_device.c  ... and what became of each device
 *   audit_proof.c   receipts, certificates and checkpoints of others
 */
#include "base/buf.h"
#include "crypto/p256.h"
#include "ledger/audit.h"
#include "ledger/audit_table.h"
#include "ledger/tiles.h"
#include "wire/entry.h"

#define AUDIT_LEVELS 8 /* tile levels */
#define AUDIT_BACK_S 60
#define AUDIT_GAP 64 /* bundles that may be missing in a row */
#define AUDIT_FINDINGS 100

/* A file of the log. Level AUDIT_LEVELS: an entry bundle. */
struct audit_file {
	uint64_t index;
	uint16_t width;
	uint8_t level;
};

struct audit_files {
	struct audit_file *list; /* sorted by level, index, width */
	size_t count, room;
	size_t next[AUDIT_LEVELS + 1]; /* not looked at yet, of each level */
	size_t end[AUDIT_LEVELS + 1];
};

/* A root that the log must have had. */
struct audit_mark {
	uint64_t size;
	struct tree_hash root;
	const char *path;
	enum { MARK_RECEIPT, MARK_CHECKPOINT } kind;
};

struct audit_credential {
	char bound[HM_NAME_MAX + 1]; /* of a device: its order */
	char name[HM_NAME_MAX + 1];
	hm_role role;
	bool revoked;
	uint8_t point[HM_POINT_LEN];
	struct p256_public *key; /* owned; made when it is needed */
};

struct audit_product {
	uint8_t digest[HM_DIGEST_LEN];
	hm_lock lock_min;
};

#define AUDIT_APPROVALS_MAX 8

struct audit_release {
	uint8_t digest[HM_DIGEST_LEN], image[HM_DIGEST_LEN];
	uint32_t approvals[AUDIT_APPROVALS_MAX]; /* credentials */
	uint32_t approval_count;
	bool revoked;
	struct hm_release *content; /* owned; borrows from bytes */
	uint8_t *bytes;             /* the payload of the object; owned */
};

struct audit_command {
	uint8_t digest[HM_DIGEST_LEN];
	uint8_t device[AUDIT_KEY_LEN];
	hm_verb verb;
	bool used;
};

struct audit_grant { /* an order, as it was signed */
	uint8_t product[HM_DIGEST_LEN], image[HM_DIGEST_LEN];
	hm_lock lock_min;
	char prefix[HM_SERIAL_MAX + 1];
	uint64_t first, mac_first;
	uint32_t digits;
	bool has_macs;
	uint32_t release;                  /* UINT32_MAX: not known */
	char (*stations)[HM_NAME_MAX + 1]; /* owned */
	uint32_t station_count;
	uint64_t not_before_s, not_after_s;
	uint32_t counted; /* reserved and issued, less what was returned */
};

struct audit_device {
	uint8_t stamp[AUDIT_KEY_LEN];
	uint32_t order; /* UINT32_MAX: one that is not known */
	uint8_t state, held_from;
	bool issued;     /* a stamp was made for it */
	bool quarantine; /* it is held by a time-out, not by a command */
};

/* A list that grows. */
#define AUDIT_LIST(type)              \
	struct {                      \
		union {               \
			type *list;   \
			void *any;    \
		};                    \
		uint32_t count, room; \
	}

struct audit {
	const struct audit_options *options;
	struct audit_result result;
	char log_path[1024]; /* scratch for paths */

	/* files */
	struct audit_files files;
	struct tree tree;
	struct tree_hash rows[AUDIT_LEVELS][TILE_WIDTH]; /* last tiles */
	struct buf bundle, file;
	size_t ends[TILE_WIDTH + 1]; /* ends[i]: of the first i entries */
	bool blind; /* entries were lost: what follows cannot be judged */

	AUDIT_LIST(struct audit_mark) marks; /* sorted by size */
	uint32_t mark_next;

	/* record */
	struct p256_public *authority;
	bool has_genesis;
	char origin[HM_ORIGIN_MAX + 1]; /* of the log, so far */
	uint64_t last_s, crl_number;
	AUDIT_LIST(struct audit_credential) credentials;
	AUDIT_LIST(struct audit_product) products;
	AUDIT_LIST(struct audit_release) releases;
	AUDIT_LIST(struct audit_command) commands;
	AUDIT_LIST(struct audit_order) orders;
	AUDIT_LIST(struct audit_grant) grants; /* orders, the other half */
	uint32_t last_order;
	struct audit_table order_names, credential_names, objects;
	struct audit_table command_digests;

	/* devices */
	AUDIT_LIST(struct audit_device) devices;
	struct audit_table ids, identities, serials, macs, evidences;
	struct audit_table certificates, stamps;
};

/* Room for one more item at the end of a list; zeroed. HM_E_NO_MEMORY */
HM_MUST hm_err audit_grow(
    void **list, uint32_t *room, uint32_t count, size_t size);
#define AUDIT_GROW(l) \
	audit_grow(&(l)->any, &(l)->room, (l)->count, sizeof(*(l)->list))

/* Findings: at a file or line of it; at the entry that is being read. */
__attribute__((format(printf, 3, 4))) void audit_found(
    struct audit *audit, const char *place, const char *format, ...);
__attribute__((format(printf, 3, 4))) void audit_noted(
    struct audit *audit, const char *place, const char *format, ...);
__attribute__((format(printf, 2, 3))) void audit_entry_found(
    struct audit *audit, const char *format, ...);

/* The first 128 bits of SHA-256. */
void audit_key(struct hm_bytes of, uint8_t ret[static AUDIT_KEY_LEN]);

/* Read a file below the folder. *ret_there false: it is not there. */
HM_MUST hm_err audit_read(struct audit *audit, const char *path, size_t max,
    struct buf *ret, bool *ret_there, struct why *why);

/* audit_files.c */
HM_MUST hm_err audit_files_list(struct audit *audit, struct why *why);
/* Read bundle `index` of `width` entries into audit->bundle and ends, and the
 * hashes of its leaves into rows[0]; *ret_readable false: from the tile. */
HM_MUST hm_err audit_bundle(struct audit *audit, uint64_t index, unsigned width,
    bool *ret_readable, struct why *why);
/* Is there no such bundle, nor any behind it but far away? */
bool audit_bundles_end(const struct audit *audit, uint64_t index);
/* Say so. */
void audit_no_bundle(struct audit *audit, uint64_t index);
/* All files of one tile against what is in rows, or in the bundle. */
HM_MUST hm_err audit_tile(struct audit *audit, unsigned level, uint64_t index,
    unsigned width, struct why *why);
void audit_files_rest(struct audit *audit);

/* audit_record.c */
/* The key that objects must be signed with. */
HM_MUST hm_err audit_trust(
    struct audit *audit, const uint8_t point[static HM_POINT_LEN]);
/* The entry number audit->tree.size. */
HM_MUST hm_err audit_entry(struct audit *audit, struct hm_bytes message);
/* At the end: is it the log that was asked for? */
void audit_check_name(struct audit *audit);
/* UINT32_MAX: not known. */
uint32_t audit_find_order(struct audit *audit, struct hm_bytes name);
/* The station may work on the order; else a finding. */
void audit_check_station(
    struct audit *audit, uint32_t order, struct hm_bytes name);
/* HM_E_SIGNATURE, HM_E_BAD_INPUT, HM_E_KEY, HM_E_NOT_FOUND */
HM_MUST hm_err audit_open_by_station(struct audit *audit, struct hm_bytes name,
    struct hm_bytes aad, struct hm_bytes message, struct hm_bytes *ret_payload);

/* NULL: not known. */
struct audit_credential *audit_find_credential(
    struct audit *audit, struct hm_bytes name);

/* audit_release.c */
/* `payload` is that of its object, which was decoded. */
HM_MUST hm_err audit_add_release(
    struct audit *audit, const uint8_t *digest, struct hm_bytes payload);
void audit_release_done(struct audit_release *release);
/* UINT32_MAX: not known. */
uint32_t audit_find_release(
    struct audit *audit, const uint8_t digest[static HM_DIGEST_LEN]);
/* One that verified under the key of its approver. */
void audit_approve(struct audit *audit, const struct hm_approval *approval);
void audit_revoke_release(struct audit *audit, struct hm_bytes target);
/* May this order have the release `at`? It is not in the list yet. */
void audit_check_release(
    struct audit *audit, const struct hm_order *order, uint32_t at);

/* audit_device.c */
HM_MUST hm_err audit_reserve(struct audit *audit, const struct hm_entry *entry);
HM_MUST hm_err audit_issue(struct audit *audit, const struct hm_entry *entry);
void audit_confirm(struct audit *audit, const struct hm_entry *entry);
void audit_void(struct audit *audit, const struct hm_entry *entry);
void audit_state(struct audit *audit, const struct hm_entry *entry);
/* The sums of all orders, at the end. */
void audit_count(struct audit *audit);

/* audit_proof.c */
HM_MUST hm_err audit_proof_load(struct audit *audit, struct why *why);
/* The tree has grown: is it what others saw? */
void audit_proof_mark(struct audit *audit);
HM_MUST hm_err audit_proof_rest(struct audit *audit, struct why *why);
