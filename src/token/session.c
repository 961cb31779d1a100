/* SPDX-License-Identifier: Apache-2.0 */
#include "token/inside.h"

#include "base/clock.h"
#include "core/check.h"

hm_err
token_error(CK_RV rv)
{
	switch (rv) {
	case CKR_OK:
		return HM_OK;
	case CKR_PIN_INCORRECT:
	case CKR_PIN_INVALID:
	case CKR_PIN_LEN_RANGE:
	case CKR_PIN_EXPIRED:
	case CKR_PIN_LOCKED:
		return HM_E_TOKEN_PIN;
	case CKR_MECHANISM_INVALID:
	case CKR_MECHANISM_PARAM_INVALID:
	case CKR_FUNCTION_NOT_SUPPORTED:
	case CKR_CURVE_NOT_SUPPORTED:
	case CKR_KEY_TYPE_INCONSISTENT:
		return HM_E_TOKEN_MECHANISM;
	case CKR_SESSION_COUNT:
	case CKR_DEVICE_MEMORY:
	case CKR_FUNCTION_CANCELED:
		return HM_E_TOKEN_BUSY;
	case CKR_HOST_MEMORY:
		return HM_E_NO_MEMORY;
	default:
		return HM_E_TOKEN_GONE;
	}
}

/* Answers after which a new session and a new login may help. */
static bool
is_repairable(CK_RV rv)
{
	switch (rv) {
	case CKR_SESSION_HANDLE_INVALID:
	case CKR_SESSION_CLOSED:
	case CKR_DEVICE_REMOVED:
	case CKR_DEVICE_ERROR:
	case CKR_TOKEN_NOT_PRESENT:
	case CKR_USER_NOT_LOGGED_IN:
	case CKR_KEY_HANDLE_INVALID:
	case CKR_OBJECT_HANDLE_INVALID:
		return true;
	default:
		return false;
	}
}

hm_err
session_check(struct session *session, CK_RV rv)
{
	session->rv = rv;
	return token_error(rv);
}

static void
close_one(struct session *session)
{
	/* The token may have forgotten it already: nothing to be done then. */
	if (session->is_open)
		(void)session->token->p11->C_CloseSession(session->handle);
	session->is_open = false;
}

void
session_close_all(struct token *token)
{
	for (uint32_t i = 0; i < TOKEN_SESSIONS_MAX; i++)
		close_one(&token->sessions[i]);
	token->is_logged_in = false;
}

/* A wrong PIN is never tried twice: the token would lock. */
static CK_RV
login(struct session *session)
{
	struct token *token = session->token;
	CK_RV rv;

	if (!token->has_pin || token->is_logged_in)
		return CKR_OK;
	if (token->is_pin_refused)
		return CKR_PIN_INCORRECT;
	rv = token->p11->C_Login(session->handle, CKU_USER, token->pin.bytes,
	    (CK_ULONG)token->pin.len);
	if (rv == CKR_USER_ALREADY_LOGGED_IN)
		rv = CKR_OK;
	token->is_logged_in = rv == CKR_OK;
	token->is_pin_refused = token_error(rv) == HM_E_TOKEN_PIN;
	return rv;
}

static CK_RV
open_one(struct session *session)
{
	struct token *token = session->token;
	CK_FLAGS flags = CKF_SERIAL_SESSION;
	CK_RV rv;

	if (session->is_open)
		return CKR_OK;
	if (!(token->info.flags & CKF_WRITE_PROTECTED))
		flags |= CKF_RW_SESSION;
	rv = token->p11->C_OpenSession(
	    token->slot, flags, NULL, NULL, &session->handle);
	session->is_open = rv == CKR_OK;
	return rv;
}

/* The next session in turn. One thread never finds all of them taken. */
static struct session *
take(struct token *token)
{
	struct session *session =
	    &token->sessions[token->next_session++ % token->session_count];

	hm_assert(!session->is_taken);
	session->is_taken = true;
	session->token = token;
	return session;
}

static hm_err
attempt(
    struct session *session, token_work work, void *context, struct why *why)
{
	CK_RV rv = open_one(session);

	if (rv == CKR_OK)
		rv = login(session);
	session->rv = rv;
	return rv == CKR_OK ? work(session, context, why) : token_error(rv);
}

static hm_err
say(hm_err err, CK_RV rv, struct why *why)
{
	if (rv == CKR_OK)
		return err;
	return WHY(why, err, "the token answers: %s (CKR 0x%lx)",
	    p11_kit_strerror(rv), rv);
}

hm_err
token_run(struct token *token, token_work work, void *context, struct why *why)
{
	uint64_t start_us = clock_mono_us();

	for (int tries = 0;; tries++) {
		struct session *session = take(token);
		hm_err err = attempt(session, work, context, why);
		CK_RV rv = session->rv;

		session->is_taken = false;
		if (err == HM_OK)
			return HM_OK;
		close_one(session);
		if (!is_repairable(rv) || tries > 0)
			return say(err, rv, why);
		if (clock_mono_us() - start_us >= token->timeout_us)
			return WHY(why, HM_E_TOKEN_BUSY,
			    "no time was left to reopen the token");
		session_close_all(token);
		token->epoch++;
		err = token_locate_again(token);
		if (err != HM_OK)
			return WHY(why, err, "the token is not in a slot");
	}
}
