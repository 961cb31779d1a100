/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p11shim - a PKCS#11 module in front of a real one, that fails on order
 *
 * P11SHIM_MODULE names the real module, P11SHIM_CONTROL a file of orders, which
 * is read again at each call, so a test can change it while a server runs. All
 * counts begin anew when its content changes. One order a line:
 *
 *	C_Sign fail 0x30 after 3 times 1	CKR_DEVICE_ERROR at the fourth
 *	C_Sign delay_ms 5			before each call
 *	C_Sign flip				one bit of what it returns
 *	C_GenerateRandom zero			all of what it returns
 *	drop_sessions after 10			once, before the 11th call that
 *						is made of any function
 *
 * `after` is 0 and `times` without end if absent. drop_sessions closes all
 * sessions in the real module behind the caller's back, who then meets the
 * answers that the real module has for that.
 */
#include <p11-kit/pkcs11.h>

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ORDERS_MAX 16
#define CONTROL_MAX 1024

struct order {
	char function[32], what[16];
	unsigned long rv;
	unsigned long delay_ms, after, times, calls;
};

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST ours;
static struct order orders[ORDERS_MAX];
static size_t order_count;
static char control[CONTROL_MAX];

static void
parse_line(char *line)
{
	struct order order = { .times = ~0ul };
	char *rest = NULL, *word = strtok_r(line, " \t", &rest);

	if (!word || word[0] == '#' || order_count == ORDERS_MAX)
		return;
	(void)snprintf(order.function, sizeof(order.function), "%s", word);
	if (strcmp(word, "drop_sessions") == 0)
		order.times = 1;
	while ((word = strtok_r(NULL, " \t", &rest)) != NULL) {
		unsigned long *number =
		    strcmp(word, "fail") == 0       ? &order.rv
		    : strcmp(word, "delay_ms") == 0 ? &order.delay_ms
		    : strcmp(word, "after") == 0    ? &order.after
		    : strcmp(word, "times") == 0    ? &order.times
						    : NULL;

		if (number != &order.after && number != &order.times)
			(void)snprintf(
			    order.what, sizeof(order.what), "%s", word);
		if (number && (word = strtok_r(NULL, " \t", &rest)) != NULL)
			*number = strtoul(word, NULL, 0);
	}
	orders[order_count++] = order;
}

static void
read_control(void)
{
	const char *path = getenv("P11SHIM_CONTROL");
	char now[CONTROL_MAX] = "", copy[CONTROL_MAX], *rest = NULL;
	FILE *file = path ? fopen(path, "re") : NULL;

	if (file) {
		now[fread(now, 1, sizeof(now) - 1, file)] = '\0';
		fclose(file);
	}
	if (strcmp(now, control) == 0)
		return;
	memcpy(control, now, sizeof(control));
	memcpy(copy, now, sizeof(copy));
	order_count = 0;
	for (char *line = strtok_r(copy, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest))
		parse_line(line);
}

static void
drop_sessions(void)
{
	CK_SLOT_ID slots[64];
	CK_ULONG count = 64;

	if (real->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
		return;
	for (CK_ULONG i = 0; i < count; i++)
		(void)real->C_CloseAllSessions(slots[i]);
}

/* Is it this order's turn at this call? */
static bool
is_due(struct order *order)
{
	unsigned long call = order->calls++;

	return call >= order->after && call - order->after < order->times;
}

/* What happens to the bytes that a call returns. */
typedef enum harm { NONE, FLIP, ZERO } harm;

static void
obey_one(const struct order *order, CK_RV *rv, harm *damage)
{
	struct timespec pause = { (time_t)(order->delay_ms / 1000),
		(long)(order->delay_ms % 1000) * 1000000 };

	if (strcmp(order->function, "drop_sessions") == 0)
		drop_sessions();
	else if (strcmp(order->what, "fail") == 0)
		*rv = order->rv;
	else if (strcmp(order->what, "flip") == 0)
		*damage = FLIP;
	else if (strcmp(order->what, "zero") == 0)
		*damage = ZERO;
	else
		(void)nanosleep(&pause, NULL);
}

/* What a call of `function` has to answer instead. */
static CK_RV
obey(const char *function, harm *damage)
{
	CK_RV rv = CKR_OK;

	*damage = NONE;
	read_control();
	for (size_t i = 0; i < order_count; i++) {
		struct order *order = &orders[i];

		if ((strcmp(order->function, "drop_sessions") == 0 ||
			strcmp(order->function, function) == 0) &&
		    is_due(order))
			obey_one(order, &rv, damage);
	}
	return rv;
}

static void
spoil(harm damage, unsigned char *bytes, CK_ULONG len)
{
	if (damage == NONE || !bytes || len == 0)
		return;
	if (damage == FLIP)
		bytes[0] ^= 1;
	else
		memset(bytes, 0, len);
}

/* One wrapper: its parameters, the arguments, and the bytes that it returns. */
#define WRAP(name, parameters, arguments, bytes, len)  \
	static CK_RV shim_##name parameters            \
	{                                              \
		harm damage;                           \
		CK_RV rv = obey(#name, &damage);       \
                                                       \
		if (rv == CKR_OK)                      \
			rv = real->name arguments;     \
		if (rv == CKR_OK)                      \
			spoil(damage, (bytes), (len)); \
		return rv;                             \
	}

WRAP(C_GetTokenInfo, (CK_SLOT_ID slot, CK_TOKEN_INFO *info), (slot, info), NULL,
    0)
WRAP(C_GetSlotList, (CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *count),
    (present, slots, count), NULL, 0)
WRAP(C_GetMechanismInfo,
    (CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info),
    (slot, type, info), NULL, 0)
WRAP(C_OpenSession,
    (CK_SLOT_ID slot, CK_FLAGS flags, void *context, CK_NOTIFY notify,
	CK_SESSION_HANDLE *session),
    (slot, flags, context, notify, session), NULL, 0)
WRAP(C_CloseSession, (CK_SESSION_HANDLE session), (session), NULL, 0)
WRAP(C_GetSessionInfo, (CK_SESSION_HANDLE session, CK_SESSION_INFO *info),
    (session, info), NULL, 0)
WRAP(C_Login,
    (CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char *pin,
	CK_ULONG len),
    (session, user, pin, len), NULL, 0)
WRAP(C_CreateObject,
    (CK_SESSION_HANDLE session, CK_ATTRIBUTE *attributes, CK_ULONG count,
	CK_OBJECT_HANDLE *object),
    (session, attributes, count, object), NULL, 0)
WRAP(C_GetAttributeValue,
    (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
	CK_ATTRIBUTE *attributes, CK_ULONG count),
    (session, object, attributes, count), NULL, 0)
WRAP(C_FindObjectsInit,
    (CK_SESSION_HANDLE session, CK_ATTRIBUTE *attributes, CK_ULONG count),
    (session, attributes, count), NULL, 0)
WRAP(C_FindObjects,
    (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG max,
	CK_ULONG *count),
    (session, objects, max, count), NULL, 0)
WRAP(C_SignInit,
    (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
	CK_OBJECT_HANDLE object),
    (session, mechanism, object), NULL, 0)
WRAP(C_Sign,
    (CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG data_len,
	unsigned char *signature, CK_ULONG *len),
    (session, data, data_len, signature, len), signature, *len)
WRAP(C_VerifyInit,
    (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
	CK_OBJECT_HANDLE object),
    (session, mechanism, object), NULL, 0)
WRAP(C_Verify,
    (CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG data_len,
	unsigned char *signature, CK_ULONG len),
    (session, data, data_len, signature, len), NULL, 0)
WRAP(C_GenerateKeyPair,
    (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *public,
	CK_ULONG public_count, CK_ATTRIBUTE *private, CK_ULONG private_count,
	CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key),
    (session, mechanism, public, public_count, private, private_count,
	public_key, private_key),
    NULL, 0)
WRAP(C_GenerateRandom,
    (CK_SESSION_HANDLE session, unsigned char *random, CK_ULONG len),
    (session, random, len), random, len)

static bool
load_real(void)
{
	const char *path = getenv("P11SHIM_MODULE");
	void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
	CK_C_GetFunctionList get = NULL;
	void *symbol = library ? dlsym(library, "C_GetFunctionList") : NULL;

	if (!symbol)
		return false;
	memcpy(&get, &symbol, sizeof(get));
	return get(&real) == CKR_OK;
}

CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **list)
{
	if (!real && !load_real())
		return CKR_GENERAL_ERROR;
	ours = *real;
#define PUT(name) ours.name = shim_##name
	PUT(C_GetTokenInfo);
	PUT(C_GetSlotList);
	PUT(C_GetMechanismInfo);
	PUT(C_OpenSession);
	PUT(C_CloseSession);
	PUT(C_GetSessionInfo);
	PUT(C_Login);
	PUT(C_CreateObject);
	PUT(C_GetAttributeValue);
	PUT(C_FindObjectsInit);
	PUT(C_FindObjects);
	PUT(C_SignInit);
	PUT(C_Sign);
	PUT(C_VerifyInit);
	PUT(C_Verify);
	PUT(C_GenerateKeyPair);
	PUT(C_GenerateRandom);
	*list = &ours;
	return CKR_OK;
}
