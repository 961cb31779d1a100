/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "token/inside.h"

#define SLOTS_MAX 128

static hm_err
explain(CK_RV rv, const char *what, struct why *why)
{
	if (rv == CKR_OK)
		return HM_OK;
	return WHY(why, token_error(rv), "%s: %s (CKR 0x%lx)", what,
	    p11_kit_strerror(rv), rv);
}

static void
pad_label(const char *label, unsigned char ret[static 32])
{
	memset(ret, ' ', 32);
	memcpy(ret, label, strlen(label));
}

/* A slot whose token is blank. HM_E_TOKEN_EXISTS if the label is taken. */
static hm_err
find_blank(struct token *token, const unsigned char label[static 32],
    CK_SLOT_ID *ret, struct why *why)
{
	CK_FUNCTION_LIST *p11 = token->p11;
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG count = SLOTS_MAX;
	bool is_found = false;

	HM_TRY(explain(p11->C_GetSlotList(CK_TRUE, slots, &count),
	    "the slots cannot be listed", why));
	for (CK_ULONG i = 0; i < count; i++) {
		CK_TOKEN_INFO info;

		if (p11->C_GetTokenInfo(slots[i], &info) != CKR_OK)
			continue;
		if (!(info.flags & CKF_TOKEN_INITIALIZED)) {
			*ret = slots[i];
			is_found = true;
		} else if (memcmp(info.label, label, 32) == 0) {
			return WHY(why, HM_E_TOKEN_EXISTS,
			    "the module has a token of that label");
		}
	}
	if (!is_found)
		return WHY(
		    why, HM_E_TOKEN_MATCH, "the module has no free slot");
	return HM_OK;
}

static hm_err
init_pin(struct token *token, const struct secret *so_pin,
    const struct secret *pin, struct why *why)
{
	CK_FUNCTION_LIST *p11 = token->p11;
	CK_SESSION_HANDLE session;
	CK_RV rv = p11->C_OpenSession(token->slot,
	    CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session);

	if (rv != CKR_OK)
		return explain(rv, "no session", why);
	rv = p11->C_Login(session, CKU_SO,
	    (CK_BYTE_PTR)(uintptr_t)so_pin->bytes, (CK_ULONG)so_pin->len);
	if (rv == CKR_OK)
		rv = p11->C_InitPIN(session, (CK_BYTE_PTR)(uintptr_t)pin->bytes,
		    (CK_ULONG)pin->len);
	/* The security officer's login would lock users out. */
	(void)p11->C_Logout(session);
	(void)p11->C_CloseSession(session);
	return explain(rv, "the PIN cannot be set", why);
}

static hm_err
init(struct token *token, const unsigned char label[static 32],
    const struct secret *so_pin, const struct secret *pin, struct why *why)
{
	CK_RV rv;

	token->p11 = token->modules[0];
	HM_TRY(find_blank(token, label, &token->slot, why));
	rv = token->p11->C_InitToken(token->slot,
	    (CK_BYTE_PTR)(uintptr_t)so_pin->bytes, (CK_ULONG)so_pin->len,
	    (CK_BYTE_PTR)(uintptr_t)label);
	HM_TRY(explain(rv, "the token cannot be made", why));
	return init_pin(token, so_pin, pin, why);
}

hm_err
token_init_soft(const char *module, const char *label,
    const struct secret *so_pin, const struct secret *pin, struct why *why)
{
	const struct token_options options = { .uri = "pkcs11:" };
	unsigned char padded[32];
	struct token *token = NULL;
	hm_err err;

	if (strlen(label) == 0 || strlen(label) > sizeof(padded))
		return WHY(
		    why, HM_E_USAGE, "a token's label has 1 to 32 bytes");
	pad_label(label, padded);
	HM_TRY(token_new(&options, NULL, &token, why));
	err = token_load(token, module, why);
	if (err == HM_OK)
		err = init(token, padded, so_pin, pin, why);
	token_free(token);
	return err;
}
