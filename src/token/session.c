/* SPDX-License-Identifier: Apache-2.0 */
#include "token/inside.h"

#include <time.h>

#include "base/clock.h"

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

/* All its sessions went with it. */
static bool
is_removed(CK_RV rv)
{
	return rv == CKR_DEVICE_REMOVED || rv == CKR_TOKEN_NOT_PRESENT;
}

/* The token has forgotten it: its number may be another thread's by now. */
static bool
is_dead(const struct session *session)
{
	struct token *token = session->token;
	bool dead;

	if (session->rv == CKR_SESSION_HANDLE_INVALID ||
	    session->rv == CKR_SESSION_CLOSED || is_removed(session->rv))
		return true;
	pthread_mutex_lock(&token->lock);
	dead = session->epoch <= token->dead_epoch;
	pthread_mutex_unlock(&token->lock);
	return dead;
}

static void
close_one(struct session *session)
{
	/* If the token has forgotten it, that is as good. */
	if (session->is_open && !is_dead(session))
		(void)session->p11->C_CloseSession(session->handle);
	session->is_open = false;
}

void
session_close_all(struct token *token)
{
	for (uint32_t i = 0; i < TOKEN_SESSIONS_MAX; i++)
		close_one(&token->sessions[i]);
	token->is_logged_in = false;
}

/* ---- the pool ---- */

#define GROW_US 1000000 /* before the token is asked for more again */

/* Sessions that are in use and will come back soon; one that was taken longer
 * ago than the time limit may hang for ever. Under the lock. */
static uint32_t
busy(const struct token *token, uint64_t now_us)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < TOKEN_SESSIONS_MAX; i++)
		count +=
		    token->sessions[i].is_taken &&
		    token->sessions[i].taken_us + token->timeout_us > now_us;
	return count;
}

/* A free session; one that is open, or none may be opened. Under the lock. */
static struct session *
find_free(struct token *token, bool open)
{
	for (uint32_t i = 0; i < TOKEN_SESSIONS_MAX; i++) {
		struct session *session = &token->sessions[i];

		if (!session->is_taken && session->is_open == open)
			return session;
	}
	return NULL;
}

/* Under the lock. NULL: all are in use. */
static struct session *
pick(struct token *token, uint64_t now_us)
{
	struct session *session = find_free(token, true);
	uint32_t in_use;

	if (session)
		return session;
	if (token->session_cap < token->session_count &&
	    now_us - token->shrunk_us > GROW_US)
		token->session_cap = token->session_count;
	in_use = busy(token, now_us);
	if (in_use > 0 && in_use >= token->session_cap)
		return NULL;
	return find_free(token, false);
}

/* Wait for one to be given back; false: the time is over. Under the lock. */
static bool
await_given(struct token *token, uint64_t end_us)
{
	/* Look again now and then: one in use may be late by then. */
	uint64_t until_us = clock_mono_us() + GROW_US / 4;
	struct timespec until;

	if (until_us - GROW_US / 4 >= end_us)
		return false;
	if (until_us > end_us)
		until_us = end_us;
	until.tv_sec = (time_t)(until_us / 1000000);
	until.tv_nsec = (long)(until_us % 1000000) * 1000;
	(void)pthread_cond_timedwait(&token->given, &token->lock, &until);
	return true;
}

/* NULL: until `end_us` there was none. */
static struct session *
take(struct token *token, uint64_t end_us)
{
	struct session *session;

	pthread_mutex_lock(&token->lock);
	do
		session = pick(token, clock_mono_us());
	while (!session && await_given(token, end_us));
	if (session) {
		session->token = token;
		session->is_taken = true;
		session->taken_us = clock_mono_us();
	}
	pthread_mutex_unlock(&token->lock);
	return session;
}

static void
give(struct session *session)
{
	struct token *token = session->token;

	pthread_mutex_lock(&token->lock);
	session->is_taken = false;
	pthread_cond_signal(&token->given);
	pthread_mutex_unlock(&token->lock);
}

/* The token has no session for us now. Is one in use that we can wait for? */
static bool
shrink(struct token *token)
{
	uint64_t now_us = clock_mono_us();
	bool is_worth;

	pthread_mutex_lock(&token->lock);
	token->session_cap = busy(token, now_us);
	token->shrunk_us = now_us;
	is_worth = token->session_cap > 0 || find_free(token, true);
	pthread_mutex_unlock(&token->lock);
	return is_worth;
}

/* ---- opening ---- */

/* What a session is opened with, as it is now. */
static void
look(struct token *token, struct session *session, CK_SLOT_ID *ret_slot,
    CK_FLAGS *ret_flags)
{
	pthread_mutex_lock(&token->lock);
	session->p11 = token->p11;
	session->epoch = token->epoch;
	*ret_slot = token->slot;
	*ret_flags = token->info.flags;
	pthread_mutex_unlock(&token->lock);
}

bool
session_is_stale(const struct session *session)
{
	struct token *token = session->token;
	bool stale;

	pthread_mutex_lock(&token->lock);
	stale = session->epoch != token->epoch;
	pthread_mutex_unlock(&token->lock);
	return stale;
}

static CK_RV
open_one(struct session *session)
{
	struct token *token = session->token;
	CK_FLAGS flags = CKF_SERIAL_SESSION, has;
	CK_SLOT_ID slot;
	CK_RV rv;

	if (session->is_open && session_is_stale(session))
		close_one(session);
	if (session->is_open)
		return CKR_OK;
	look(token, session, &slot, &has);
	if (!(has & CKF_WRITE_PROTECTED))
		flags |= CKF_RW_SESSION;
	rv = session->p11->C_OpenSession(
	    slot, flags, NULL, NULL, &session->handle);
	session->is_open = rv == CKR_OK;
	return rv;
}

/* CKR_OK: nothing to be done; CKR_USER_NOT_LOGGED_IN: log in. */
static CK_RV
look_at_login(struct token *token)
{
	CK_RV rv = CKR_USER_NOT_LOGGED_IN;

	pthread_mutex_lock(&token->lock);
	if (!token->has_pin || token->is_logged_in)
		rv = CKR_OK;
	else if (token->is_pin_refused)
		rv = CKR_PIN_INCORRECT;
	pthread_mutex_unlock(&token->lock);
	return rv;
}

static CK_RV
log_in(struct session *session)
{
	struct token *token = session->token;
	CK_RV rv = session->p11->C_Login(session->handle, CKU_USER,
	    token->pin.bytes, (CK_ULONG)token->pin.len);

	if (rv == CKR_USER_ALREADY_LOGGED_IN)
		rv = CKR_OK;
	pthread_mutex_lock(&token->lock);
	/* Another thread may have found out that it is all over again. */
	token->is_logged_in = rv == CKR_OK && session->epoch == token->epoch;
	token->is_pin_refused = token_error(rv) == HM_E_TOKEN_PIN;
	pthread_mutex_unlock(&token->lock);
	return rv;
}

/* A wrong PIN is never tried twice: the token would lock. */
static CK_RV
login(struct session *session)
{
	struct token *token = session->token;
	CK_RV rv = look_at_login(token);

	if (rv != CKR_USER_NOT_LOGGED_IN)
		return rv;
	pthread_mutex_lock(&token->repair);
	rv = look_at_login(token);
	if (rv == CKR_USER_NOT_LOGGED_IN)
		rv = log_in(session);
	pthread_mutex_unlock(&token->repair);
	return rv;
}

/* ---- repair ---- */

/* From now on all sessions and handles are old ones. */
static void
turn_over(struct token *token, bool removed)
{
	pthread_mutex_lock(&token->lock);
	if (removed)
		token->dead_epoch = token->epoch;
	token->epoch++;
	token->is_logged_in = false;
	token->session_cap = token->session_count;
	pthread_mutex_unlock(&token->lock);
}

static hm_err
repair(struct token *token, struct session *session)
{
	hm_err err = HM_OK;

	close_one(session);
	pthread_mutex_lock(&token->repair);
	if (!session_is_stale(session)) {
		turn_over(token, is_removed(session->rv));
		err = token_locate_again(token);
	}
	pthread_mutex_unlock(&token->repair);
	return err;
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

static hm_err
run(struct session *session, token_work work, void *context, struct why *why)
{
	struct token *token = session->token;
	uint64_t start_us = clock_mono_us();
	hm_err err = attempt(session, work, context, why);

	if (err == HM_OK || !is_repairable(session->rv))
		return err == HM_OK ? err : say(err, session->rv, why);
	if (clock_mono_us() - start_us >= token->timeout_us)
		return WHY(why, HM_E_TOKEN_BUSY,
		    "no time was left to reopen the token");
	err = repair(token, session);
	if (err != HM_OK)
		return WHY(why, err, "the token is not in a slot");
	err = attempt(session, work, context, why);
	return err == HM_OK ? err : say(err, session->rv, why);
}

hm_err
token_run(struct token *token, token_work work, void *context, struct why *why)
{
	uint64_t end_us = clock_mono_us() + token->timeout_us;
	struct session *session;
	bool is_full;
	hm_err err;

	do {
		session = take(token, end_us);
		if (!session)
			return WHY(
			    why, HM_E_TOKEN_BUSY, "all sessions are in use");
		err = run(session, work, context, why);
		if (err != HM_OK && session->rv != CKR_OK)
			close_one(session);
		is_full = err != HM_OK && session->rv == CKR_SESSION_COUNT;
		give(session);
	} while (is_full && shrink(token));
	return err;
}
