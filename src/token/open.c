/* SPDX-License-Identifier: Apache-2.0 */
#include "token/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "token/uri.h"

#define SESSIONS_DEFAULT 8
#define TIMEOUT_DEFAULT_MS 10000
#define SLOTS_MAX 128
#define SEEN_TEXT_MAX 180

static void
init_locks(struct token *token)
{
	pthread_condattr_t attributes;

	pthread_mutex_init(&token->lock, NULL);
	pthread_mutex_init(&token->repair, NULL);
	pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&token->given, &attributes);
	pthread_condattr_destroy(&attributes);
}

hm_err
token_new(const struct token_options *options, const struct secret *pin,
    struct token **ret, struct why *why)
{
	struct token *token = calloc(1, sizeof(*token));
	uint32_t timeout_ms = options->timeout_ms;
	uint32_t sessions = options->sessions;
	hm_err err;

	if (!token)
		return HM_E_NO_MEMORY;
	err = token_uri_parse(options->uri, &token->uri, why);
	if (err != HM_OK) {
		free(token);
		return err;
	}
	if (sessions == 0)
		sessions = SESSIONS_DEFAULT;
	token->session_count =
	    sessions < TOKEN_SESSIONS_MAX ? sessions : TOKEN_SESSIONS_MAX;
	token->session_cap = token->session_count;
	init_locks(token);
	token->timeout_us =
	    UINT64_C(1000) * (timeout_ms ? timeout_ms : TIMEOUT_DEFAULT_MS);
	token->epoch = 1;
	if (pin) {
		token->has_pin = true;
		token->pin.len = pin->len;
		memcpy(token->pin.bytes, pin->bytes, pin->len);
	}
	*ret = token;
	return HM_OK;
}

static hm_err
load_by_path(struct token *token, const char *path, struct why *why)
{
	CK_FUNCTION_LIST *module;
	CK_RV rv;

	token->modules = calloc(2, sizeof(CK_FUNCTION_LIST *));
	if (!token->modules)
		return HM_E_NO_MEMORY;
	module = p11_kit_module_load(path, P11_KIT_MODULE_CRITICAL);
	if (!module) {
		const char *words = p11_kit_message();

		why_where(why, "%s", path);
		return WHY(why, HM_E_TOKEN_MODULE, "%s",
		    words ? words : "the module cannot be loaded");
	}
	rv = p11_kit_module_initialize(module);
	if (rv != CKR_OK) {
		p11_kit_module_release(module);
		why_where(why, "%s", path);
		return WHY(why, HM_E_TOKEN_MODULE,
		    "the module does not start: %s (CKR 0x%lx)",
		    p11_kit_strerror(rv), rv);
	}
	token->modules[0] = module;
	return HM_OK;
}

static hm_err
load_list(struct token *token, struct why *why)
{
	token->is_list = true;
	token->modules = p11_kit_modules_load_and_initialize(0);
	if (!token->modules)
		return WHY(why, HM_E_TOKEN_MODULE,
		    "p11-kit's modules cannot be loaded: %s",
		    p11_kit_message() ? p11_kit_message() : "no reason given");
	if (!token->modules[0])
		return WHY(why, HM_E_TOKEN_MODULE,
		    "p11-kit lists no module: name one by its path");
	return HM_OK;
}

hm_err
token_load(struct token *token, const char *module, struct why *why)
{
	const char *path =
	    module ? module : p11_kit_uri_get_module_path(token->uri);

	return path ? load_by_path(token, path, why) : load_list(token, why);
}

/* Is it a module that the URI allows (module-name, library-...)? */
static bool
is_wanted_module(struct token *token, CK_FUNCTION_LIST *module)
{
	const char *wanted = p11_kit_uri_get_module_name(token->uri);
	char *name;
	CK_INFO info;
	bool same;

	if (module->C_GetInfo(&info) != CKR_OK ||
	    !p11_kit_uri_match_module_info(token->uri, &info))
		return false;
	if (!wanted || !token->is_list)
		return true;
	name = p11_kit_module_get_name(module);
	same = name && strcmp(name, wanted) == 0;
	free(name);
	return same;
}

struct search {
	struct token *token;
	const CK_TOKEN_INFO *same_as; /* or NULL: by the URI */
	size_t found, seen_len;
	CK_FUNCTION_LIST *p11;
	CK_SLOT_ID slot;
	CK_TOKEN_INFO info;
	char seen[SEEN_TEXT_MAX];
};

static void
note_seen(struct search *search, const CK_TOKEN_INFO *info)
{
	char label[sizeof(info->label) + 1];
	char serial[sizeof(info->serialNumber) + 1];
	int len;

	if (search->seen_len >= SEEN_TEXT_MAX)
		return;
	field_text(info->label, sizeof(info->label), label);
	field_text(info->serialNumber, sizeof(info->serialNumber), serial);
	len = snprintf(search->seen + search->seen_len,
	    SEEN_TEXT_MAX - search->seen_len, "%s'%s' (serial %s)",
	    search->seen_len ? ", " : "", label, serial);
	search->seen_len += (size_t)len;
}

static bool
is_same_token(const CK_TOKEN_INFO *a, const CK_TOKEN_INFO *b)
{
	return memcmp(a->label, b->label, sizeof(a->label)) == 0 &&
	       memcmp(a->serialNumber, b->serialNumber,
		   sizeof(a->serialNumber)) == 0 &&
	       memcmp(a->model, b->model, sizeof(a->model)) == 0;
}

static void
search_slot(struct search *search, CK_FUNCTION_LIST *p11, CK_SLOT_ID slot)
{
	P11KitUri *uri = search->token->uri;
	CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(uri);
	CK_TOKEN_INFO info;
	CK_SLOT_INFO slot_info;

	if (p11->C_GetTokenInfo(slot, &info) != CKR_OK ||
	    !(info.flags & CKF_TOKEN_INITIALIZED) ||
	    p11->C_GetSlotInfo(slot, &slot_info) != CKR_OK)
		return;
	note_seen(search, &info);
	if (search->same_as) {
		if (!is_same_token(search->same_as, &info))
			return;
	} else if (!p11_kit_uri_match_token_info(uri, &info) ||
		   !p11_kit_uri_match_slot_info(uri, &slot_info) ||
		   (wanted != (CK_SLOT_ID)-1 && wanted != slot)) {
		return;
	}
	search->found++;
	search->p11 = p11;
	search->slot = slot;
	search->info = info;
}

static void
search_all(struct search *search)
{
	CK_FUNCTION_LIST **module = search->token->modules;

	for (; *module; module++) {
		CK_SLOT_ID slots[SLOTS_MAX];
		CK_ULONG count = 0;

		/* Asking for the number makes a module look anew. */
		if (!is_wanted_module(search->token, *module) ||
		    (*module)->C_GetSlotList(CK_TRUE, NULL, &count) != CKR_OK)
			continue;
		count = SLOTS_MAX;
		if ((*module)->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
			continue;
		for (CK_ULONG i = 0; i < count; i++)
			search_slot(search, *module, slots[i]);
	}
}

static void
adopt(struct token *token, const struct search *search)
{
	pthread_mutex_lock(&token->lock);
	token->p11 = search->p11;
	token->slot = search->slot;
	token->info = search->info;
	pthread_mutex_unlock(&token->lock);
}

hm_err
token_locate(struct token *token, struct why *why)
{
	struct search search = { .token = token };

	search_all(&search);
	if (search.found != 1)
		return WHY(why, HM_E_TOKEN_MATCH, "%s; tokens seen: %s",
		    search.found ? "more than one token matches the URI"
				 : "no token matches the URI",
		    search.seen_len ? search.seen : "none");
	adopt(token, &search);
	return HM_OK;
}

hm_err
token_locate_again(struct token *token)
{
	CK_TOKEN_INFO before = token->info;
	struct search search = { .token = token, .same_as = &before };

	search_all(&search);
	if (search.found != 1)
		return HM_E_TOKEN_GONE;
	adopt(token, &search);
	return HM_OK;
}

static hm_err
no_work(struct session *session, void *context, struct why *why)
{
	(void)session;
	(void)context;
	(void)why;
	return HM_OK;
}

hm_err
token_login(struct token *token, struct why *why)
{
	hm_err err = token_run(token, no_work, NULL, why);

	if (err == HM_E_TOKEN_PIN && token->info.flags & CKF_USER_PIN_FINAL_TRY)
		why_do(why, "one try was left: ask who keeps the PIN");
	return err;
}

hm_err
token_open(const struct token_options *options, const struct secret *pin,
    struct token **ret, struct why *why)
{
	struct token *token = NULL;
	hm_err err = token_new(options, pin, &token, why);

	if (err != HM_OK)
		return err;
	err = token_load(token, options->module, why);
	if (err == HM_OK)
		err = token_locate(token, why);
	if (err == HM_OK)
		err = token_login(token, why);
	if (err != HM_OK) {
		token_free(token);
		return err;
	}
	*ret = token;
	return HM_OK;
}

static void
unload(struct token *token)
{
	if (!token->modules)
		return;
	if (token->is_list) {
		p11_kit_modules_finalize_and_release(token->modules);
		return;
	}
	if (token->modules[0]) {
		/* A failure at the end leaves nothing that we could undo. */
		(void)p11_kit_module_finalize(token->modules[0]);
		p11_kit_module_release(token->modules[0]);
	}
	free(token->modules);
}

void
token_free(struct token *token)
{
	struct token_key *key;

	if (!token)
		return;
	/* No C_Logout: the login is the whole application's. */
	session_close_all(token);
	while ((key = token->keys) != NULL) {
		token->keys = key->next;
		token_uri_free(key->uri);
		free(key);
	}
	unload(token);
	token_uri_free(token->uri);
	secret_done(&token->pin);
	pthread_cond_destroy(&token->given);
	pthread_mutex_destroy(&token->lock);
	pthread_mutex_destroy(&token->repair);
	free(token);
}
