/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * inside - what the files of this room share; nobody else includes it
 *
 * A piece of work runs in one session, taken from the pool and given back. A
 * thread that finds none free waits; if the token has less of them than we may
 * use, the pool does with what it got and asks for more after a second. One
 * that is in use beyond the time limit does not count, so that calls that hang
 * do not use the pool up. token_run() is the only place that repairs: a session
 * in which the token failed is closed (an operation may still be active in it);
 * if the token has forgotten us, it is looked for again and the work is done
 * once more in a fresh session after a fresh login. `epoch` counts that:
 * sessions and key handles of an older one are not used any more. Threads that
 * fail for the same reason repair once: who finds a newer epoch than its
 * session's only opens that anew.
 *
 * Two locks, neither held while another is waited for but `lock` inside
 * `repair`: `lock` guards what follows it and is never held during a call of
 * the module; `repair` is held while one thread logs in or looks for the token,
 * because nobody else could do anything better meanwhile.
 *
 * PKCS#11 calls block, and nothing can break one off. The time limit therefore
 * decides whether a repair is begun; an answer that comes late is an answer.
 */
#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>
#include <pthread.h>

#include "token/token.h"

#define TOKEN_SESSIONS_MAX 160
#define TOKEN_PUBLIC_MAX 512
#define TOKEN_ID_MAX 64
#define TOKEN_LABEL_MAX 64

struct session {
	struct token *token;
	CK_FUNCTION_LIST *p11; /* the module that it is open in */
	CK_SESSION_HANDLE handle;
	CK_RV rv;          /* the last answer, see session_check */
	uint64_t taken_us; /* since when it is in use */
	uint32_t epoch;
	bool is_open, is_taken;
};

struct token_key {
	struct token_key *next;
	struct token *token;
	P11KitUri *uri; /* owned */
	CK_OBJECT_HANDLE handle;
	uint32_t epoch; /* of the handle; 0: never bound */
	token_role role;
	token_key_type type;
	uint8_t public_key[TOKEN_PUBLIC_MAX];
};

/* The data object that was read last. */
struct known_data {
	CK_OBJECT_HANDLE handle;
	uint32_t epoch; /* of the handle; 0: none */
	size_t label_len;
	uint8_t label[TOKEN_LABEL_MAX];
};

struct token {
	CK_FUNCTION_LIST **modules; /* owned, NULL-ended */
	bool is_list;               /* p11-kit's list, not one by path */
	P11KitUri *uri;             /* owned */
	uint32_t session_count;     /* at once, at most */
	uint64_t timeout_us;
	bool has_pin;
	struct secret pin;
	pthread_mutex_t repair, lock;
	pthread_cond_t given;  /* a session, back to the pool */
	CK_FUNCTION_LIST *p11; /* the module of the token */
	CK_SLOT_ID slot;
	CK_TOKEN_INFO info;
	struct session sessions[TOKEN_SESSIONS_MAX]; /* those that are free */
	uint32_t session_cap;       /* as many as the token gives now */
	uint64_t shrunk_us;         /* when it gave less */
	uint32_t epoch, dead_epoch; /* the token was removed after it */
	bool is_logged_in, is_pin_refused;
	struct token_key *keys; /* and their handle and epoch */
	struct known_data known_data;
};

/* The error that an answer of the token means for our callers. */
hm_err token_error(CK_RV rv);
/* Remember an answer, so that token_run can repair, and translate it. */
hm_err session_check(struct session *session, CK_RV rv);

/* Has the token been looked for again since the session was opened? */
bool session_is_stale(const struct session *session);

typedef hm_err (*token_work)(
    struct session *session, void *context, struct why *why);
/* Do `work` in a session, after one repair if need be and time is left. */
HM_MUST hm_err token_run(
    struct token *token, token_work work, void *context, struct why *why);
/* Nothing runs any more: the end. */
void session_close_all(struct token *token);

/* open.c: the steps of token_open, for the doctor too. A token that is not
 * complete is freed like any other. */
HM_MUST hm_err token_new(const struct token_options *options,
    const struct secret *pin, struct token **ret, struct why *why);
HM_MUST hm_err token_load(
    struct token *token, const char *module, struct why *why);
HM_MUST hm_err token_locate(struct token *token, struct why *why);
HM_MUST hm_err token_login(struct token *token, struct why *why);
/* Is the token of token_locate still in its slot, or in another one? */
HM_MUST hm_err token_locate_again(struct token *token);

/* A field of the token's, padded with blanks, as text; what is not printable
 * becomes '?'. `ret` has room for len + 1. */
void field_text(const unsigned char *field, size_t len, char *ret);

/* object.c */
#define ATTRIBUTE(type, value)                  \
	{                                       \
		(type), &(value), sizeof(value) \
	}
/* The one object that has all attributes. HM_E_TOKEN_MATCH */
HM_MUST hm_err object_find(struct session *session, CK_ATTRIBUTE *wanted,
    CK_ULONG count, CK_OBJECT_HANDLE *ret, struct why *why);
/* All of them, up to `max`; more are not counted. */
HM_MUST hm_err object_list(struct session *session, CK_ATTRIBUTE *wanted,
    CK_ULONG count, CK_OBJECT_HANDLE *ret, CK_ULONG max, CK_ULONG *ret_count);
/* An attribute's bytes. HM_E_TOKEN_MATCH: not reported, or too long */
HM_MUST hm_err object_get(struct session *session, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, struct hm_span room, size_t *ret_len);
/* The label as printable text; empty if it has none. */
void object_label(struct session *session, CK_OBJECT_HANDLE object,
    char ret[static TOKEN_LABEL_MAX + 1]);

/* key.c: type, public object and public key of a private key. */
struct key_facts {
	token_key_type type;
	CK_OBJECT_HANDLE public_object;
	uint8_t public_key[TOKEN_PUBLIC_MAX];
};
HM_MUST hm_err key_facts_read(struct session *session, CK_OBJECT_HANDLE object,
    struct key_facts *ret, struct why *why);
/* The key's handle for this session, found again if it is of an older epoch; it
 * must be the same key. */
HM_MUST hm_err key_handle(struct session *session, struct token_key *key,
    CK_OBJECT_HANDLE *ret, struct why *why);
size_t key_public_len(token_key_type type);
size_t key_signature_len(token_key_type type);
size_t key_input_len(token_key_type type); /* 0: any */
bool key_is_rsa(token_key_type type);
/* How a key signs a digest (Ed25519: a message) of key_input_len() bytes. A
 * parameter, if any, points into *ret. */
struct key_way {
	CK_MECHANISM mechanism;
	CK_RSA_PKCS_PSS_PARAMS pss;
};
void key_way(token_key_type type, struct key_way *ret);
/* The curve's CKA_EC_PARAMS; empty for RSA. */
struct hm_bytes key_params(token_key_type type);

/* sign.c: one signature of exactly ret.len bytes. */
HM_MUST hm_err session_sign(struct session *session, CK_MECHANISM *mechanism,
    CK_OBJECT_HANDLE object, struct hm_bytes input, struct hm_span ret);
/* sign_rsa.c: SHA-2 by its length, with a salt of that length; false: none. */
bool pss_params(size_t digest_len, CK_RSA_PKCS_PSS_PARAMS *ret);
