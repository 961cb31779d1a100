/* SPDX-License-Identifier: Apache-2.0 */
#include "token/inside.h"

#include <stdio.h>
#include <string.h>

#define SEEN_MAX 8
#define SEEN_TEXT_MAX 160

void
field_text(const unsigned char *field, size_t len, char *ret)
{
	while (len > 0 && (field[len - 1] == ' ' || field[len - 1] == '\0'))
		len--;
	for (size_t i = 0; i < len; i++)
		ret[i] =
		    field[i] < ' ' || field[i] > '~' ? '?' : (char)field[i];
	ret[len] = '\0';
}

hm_err
object_list(struct session *session, CK_ATTRIBUTE *wanted, CK_ULONG count,
    CK_OBJECT_HANDLE *ret, CK_ULONG max, CK_ULONG *ret_count)
{
	CK_FUNCTION_LIST *p11 = session->p11;
	CK_ULONG found = 0;
	CK_RV rv, end;

	HM_TRY(session_check(
	    session, p11->C_FindObjectsInit(session->handle, wanted, count)));
	rv = p11->C_FindObjects(session->handle, ret, max, &found);
	end = p11->C_FindObjectsFinal(session->handle);
	HM_TRY(session_check(session, rv != CKR_OK ? rv : end));
	*ret_count = found;
	return HM_OK;
}

hm_err
object_get(struct session *session, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, struct hm_span room, size_t *ret_len)
{
	CK_ATTRIBUTE attribute = { type, room.ptr, (CK_ULONG)room.len };
	CK_RV rv = session->p11->C_GetAttributeValue(
	    session->handle, object, &attribute, 1);

	switch (rv) {
	case CKR_OK:
		if (attribute.ulValueLen > room.len)
			return HM_E_TOKEN_MATCH;
		*ret_len = attribute.ulValueLen;
		return HM_OK;
	case CKR_ATTRIBUTE_TYPE_INVALID:
	case CKR_ATTRIBUTE_SENSITIVE:
	case CKR_BUFFER_TOO_SMALL:
		return HM_E_TOKEN_MATCH;
	default:
		return session_check(session, rv);
	}
}

void
object_label(struct session *session, CK_OBJECT_HANDLE object,
    char ret[static TOKEN_LABEL_MAX + 1])
{
	uint8_t label[TOKEN_LABEL_MAX] = { 0 };
	size_t len = 0;
	CK_RV rv = session->rv;

	if (object_get(session, object, CKA_LABEL,
		(struct hm_span){ label, sizeof(label) }, &len) != HM_OK)
		len = 0;
	/* Words for an error do not replace the error. */
	session->rv = rv;
	field_text(label, len, ret);
}

/* "'a', 'b'": labels of what is there of that class. */
static void
list_seen(struct session *session, CK_ATTRIBUTE *wanted, CK_ULONG count,
    char ret[static SEEN_TEXT_MAX])
{
	CK_OBJECT_HANDLE objects[SEEN_MAX];
	CK_ULONG found = 0;
	size_t at = 0;

	ret[0] = '\0';
	if (object_list(session, wanted, count, objects, SEEN_MAX, &found) !=
	    HM_OK)
		return;
	for (CK_ULONG i = 0; i < found && at < SEEN_TEXT_MAX; i++) {
		char label[TOKEN_LABEL_MAX + 1];

		object_label(session, objects[i], label);
		at += (size_t)snprintf(ret + at, SEEN_TEXT_MAX - at, "%s'%s'",
		    i ? ", " : "", label);
	}
}

/* A token that has logged us out shows no private objects, and no error. */
static bool
is_logged_out(struct session *session)
{
	CK_SESSION_INFO info;

	if (!session->token->has_pin)
		return false;
	if (session->p11->C_GetSessionInfo(session->handle, &info) != CKR_OK)
		return true;
	return info.state != CKS_RO_USER_FUNCTIONS &&
	       info.state != CKS_RW_USER_FUNCTIONS;
}

hm_err
object_find(struct session *session, CK_ATTRIBUTE *wanted, CK_ULONG count,
    CK_OBJECT_HANDLE *ret, struct why *why)
{
	CK_OBJECT_HANDLE found[2];
	CK_ULONG number = 0;
	char seen[SEEN_TEXT_MAX];

	HM_TRY(object_list(session, wanted, count, found, 2, &number));
	if (number == 1) {
		*ret = found[0];
		return HM_OK;
	}
	/* Nobody was logged in when we looked; somebody may be again since. */
	if (number == 0 &&
	    (is_logged_out(session) || session_is_stale(session)))
		return session_check(session, CKR_USER_NOT_LOGGED_IN);
	/* The first attribute is the class. */
	list_seen(session, wanted, number ? count : 1, seen);
	session->rv = CKR_OK;
	return WHY(why, HM_E_TOKEN_MATCH, "%s; %s %s",
	    number ? "more than one object matches" : "no object matches",
	    number ? "these do:" : "the token has:",
	    seen[0] ? seen : "none of that class");
}
