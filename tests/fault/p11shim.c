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
 *	C_Sign hang_ms 30000			the same, but it ends at once
 *						when the file changes; adds
 *						a byte to CONTROL.hangs
 *	C_Sign flip				one bit of what it returns
 *	C_Sign length 63			that many bytes instead
 *	C_GenerateRandom zero			all of what it returns
 *	drop_sessions after 10			once, before the 11th call that
 *						is made of any function
 *	sessions 8				no more at once: the ninth
 *						C_OpenSession gets
 *						CKR_SESSION_COUNT
 *
 * If there is a file CONTROL.sessions, it gets the number of open sessions and
 * of Ed25519 signatures that were begun (every 256th is told).
 *
 * The function `any` stands for all that are wrapped. `after` is 0 and `times`
 * without end if absent. drop_sessions closes all sessions in the real module
 * behind the caller's back, who then meets the answers that the real module has
 * for that.
 *
 * They are closed between two calls, for not every module survives it in one.
 *
 * Calls may come from many threads at once; a delayed call sleeps and holds up
 * nobody else, as in a token that works on several sessions at once.
 */
#include <p11-kit/pkcs11.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ORDERS_MAX 16
#define CONTROL_MAX 1024
#define LOOK_MS 10 /* while a call hangs */

struct order {
	char function[32], what[16];
	unsigned long rv;
	unsigned long number, after, times, calls;
};

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST ours;
static atomic_ulong open_sessions, ed25519_begun;
/* Read while a call is in the real module. */
static pthread_rwlock_t in_call = PTHREAD_RWLOCK_INITIALIZER;

/* What follows is shared by all threads. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct order orders[ORDERS_MAX];
static size_t order_count;
static char control[CONTROL_MAX];
static unsigned long edition; /* of the control file */

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
	if (strcmp(word, "sessions") == 0 &&
	    (word = strtok_r(NULL, " \t", &rest)) != NULL)
		order.number = strtoul(word, NULL, 0);
	while ((word = strtok_r(NULL, " \t", &rest)) != NULL) {
		unsigned long *number =
		    strcmp(word, "fail") == 0       ? &order.rv
		    : strcmp(word, "delay_ms") == 0 ? &order.number
		    : strcmp(word, "hang_ms") == 0  ? &order.number
		    : strcmp(word, "length") == 0   ? &order.number
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

/* Under the lock. */
static void
read_control(void)
{
	const char *path = getenv("P11SHIM_CONTROL");
	char now[CONTROL_MAX] = "", copy[CONTROL_MAX], *rest = NULL;
	int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (file >= 0) {
		(void)!read(file, now, sizeof(now) - 1);
		close(file);
	}
	if (strcmp(now, control) == 0)
		return;
	memcpy(control, now, sizeof(control));
	memcpy(copy, now, sizeof(copy));
	order_count = 0;
	edition++;
	for (char *line = strtok_r(copy, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest))
		parse_line(line);
}

static void
drop_sessions(void)
{
	CK_SLOT_ID slots[64];
	CK_ULONG count = 64;

	pthread_rwlock_wrlock(&in_call);
	if (real->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
		count = 0;
	for (CK_ULONG i = 0; i < count; i++)
		(void)real->C_CloseAllSessions(slots[i]);
	atomic_store(&open_sessions, 0);
	pthread_rwlock_unlock(&in_call);
}

/* Is it this order's turn at this call? */
static bool
is_due(struct order *order)
{
	unsigned long call = order->calls++;

	return call >= order->after && call - order->after < order->times;
}

/* What happens to one call, and to the bytes that it returns. */
typedef enum harm { NONE, FLIP, ZERO, LENGTH } harm;

struct fate {
	CK_RV rv;
	harm harm;
	unsigned long length, delay_ms, hang_ms, edition;
	bool drops;
};

static void
add_order(const struct order *order, struct fate *fate)
{
	if (strcmp(order->function, "drop_sessions") == 0)
		fate->drops = true;
	else if (strcmp(order->what, "fail") == 0)
		fate->rv = order->rv;
	else if (strcmp(order->what, "flip") == 0)
		fate->harm = FLIP;
	else if (strcmp(order->what, "zero") == 0)
		fate->harm = ZERO;
	else if (strcmp(order->what, "hang_ms") == 0)
		fate->hang_ms = order->number;
	else if (strcmp(order->what, "delay_ms") == 0)
		fate->delay_ms = order->number;
	else if (strcmp(order->what, "length") == 0) {
		fate->harm = LENGTH;
		fate->length = order->number;
	}
}

static bool
is_for(const struct order *order, const char *function)
{
	return strcmp(order->function, "drop_sessions") == 0 ||
	       strcmp(order->function, "any") == 0 ||
	       strcmp(order->function, function) == 0;
}

static bool
is_full(const struct order *order, const char *function)
{
	return strcmp(order->function, "sessions") == 0 &&
	       strcmp(function, "C_OpenSession") == 0 &&
	       atomic_load(&open_sessions) >= order->number;
}

static void
pause_ms(unsigned long ms)
{
	struct timespec pause = { (time_t)(ms / 1000),
		(long)(ms % 1000) * 1000000 };

	if (ms > 0)
		(void)nanosleep(&pause, NULL);
}

/* For whoever waits until it does. */
static void
tell(void)
{
	const char *path = getenv("P11SHIM_CONTROL");
	char name[512];
	int file;

	(void)snprintf(name, sizeof(name), "%s.hangs", path ? path : "");
	file = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (file < 0)
		return;
	(void)!write(file, "h", 1);
	close(file);
}

/* Until the time is over or the file of orders is another. */
static void
hang(const struct fate *fate)
{
	bool same = true;

	if (fate->hang_ms > 0)
		tell();
	for (unsigned long ms = 0; same && ms < fate->hang_ms; ms += LOOK_MS) {
		pause_ms(LOOK_MS);
		pthread_mutex_lock(&lock);
		read_control();
		same = edition == fate->edition;
		pthread_mutex_unlock(&lock);
	}
}

/* A program that has the module in its own process may say it call by call
 * (tests/fault/nth/fault.c). */
extern unsigned long nth_p11(void) __attribute__((weak));

extern void nth_p11_inside(bool inside) __attribute__((weak));

/* The real module is at work. */
static void
inside(bool is)
{
	if (nth_p11_inside != NULL)
		nth_p11_inside(is);
}

/* What a call of `function` has to answer instead. */
static CK_RV
obey(const char *function, struct fate *fate)
{
	*fate = (struct fate){ .rv = CKR_OK };
	pthread_mutex_lock(&lock);
	read_control();
	fate->edition = edition;
	for (size_t i = 0; i < order_count; i++) {
		struct order *order = &orders[i];

		if (is_full(order, function))
			fate->rv = CKR_SESSION_COUNT;
		else if (is_for(order, function) && is_due(order))
			add_order(order, fate);
	}
	pthread_mutex_unlock(&lock);
	if (fate->drops)
		drop_sessions();
	pause_ms(fate->delay_ms);
	hang(fate);
	if (fate->rv == CKR_OK && nth_p11 != NULL)
		fate->rv = nth_p11();
	return fate->rv;
}

static void
spoil(const struct fate *fate, unsigned char *bytes, CK_ULONG *len)
{
	if (fate->harm == NONE || !bytes || *len == 0)
		return;
	if (fate->harm == FLIP)
		bytes[0] ^= 1;
	else if (fate->harm == LENGTH)
		*len = fate->length;
	else
		memset(bytes, 0, *len);
}

#define CALL(rv, call)                           \
	do {                                     \
		pthread_rwlock_rdlock(&in_call); \
		inside(true);                    \
		(rv) = real->call;               \
		inside(false);                   \
		pthread_rwlock_unlock(&in_call); \
	} while (0)

/* One wrapper: its parameters, the arguments, and the bytes that it returns. */
#define WRAP(name, parameters, arguments, bytes, len) \
	static CK_RV shim_##name parameters           \
	{                                             \
		struct fate fate;                     \
		CK_RV rv = obey(#name, &fate);        \
                                                      \
		if (rv == CKR_OK)                     \
			CALL(rv, name arguments);     \
		if (rv == CKR_OK)                     \
			spoil(&fate, (bytes), (len)); \
		return rv;                            \
	}

WRAP(C_GetTokenInfo, (CK_SLOT_ID slot, CK_TOKEN_INFO *info), (slot, info), NULL,
    NULL)
WRAP(C_GetSlotList, (CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *count),
    (present, slots, count), NULL, NULL)
WRAP(C_GetMechanismInfo,
    (CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info),
    (slot, type, info), NULL, NULL)

/* Those that count sessions. */
/* For whoever wants to know; not for whoever wants it quick. */
static void
tell_sessions(void)
{
	const char *path = getenv("P11SHIM_CONTROL");
	char name[1100];
	int fd;

	(void)snprintf(name, sizeof(name), "%s.sessions", path ? path : "");
	fd = open(name, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)dprintf(fd, "%8lu %12lu\n", atomic_load(&open_sessions),
	    atomic_load(&ed25519_begun));
	close(fd);
}

static CK_RV
shim_C_OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, void *context,
    CK_NOTIFY notify, CK_SESSION_HANDLE *session)
{
	struct fate fate;
	CK_RV rv = obey("C_OpenSession", &fate);

	if (rv == CKR_OK)
		CALL(rv, C_OpenSession(slot, flags, context, notify, session));
	if (rv == CKR_OK)
		atomic_fetch_add(&open_sessions, 1);
	tell_sessions();
	return rv;
}

static CK_RV
shim_C_CloseSession(CK_SESSION_HANDLE session)
{
	struct fate fate;
	CK_RV rv = obey("C_CloseSession", &fate);

	if (rv == CKR_OK)
		CALL(rv, C_CloseSession(session));
	if (rv == CKR_OK)
		atomic_fetch_sub(&open_sessions, 1);
	tell_sessions();
	return rv;
}

static CK_RV
shim_C_CloseAllSessions(CK_SLOT_ID slot)
{
	struct fate fate;
	CK_RV rv = obey("C_CloseAllSessions", &fate);

	if (rv == CKR_OK)
		CALL(rv, C_CloseAllSessions(slot));
	if (rv == CKR_OK)
		atomic_store(&open_sessions, 0);
	return rv;
}

static CK_RV
shim_C_Finalize(void *reserved)
{
	atomic_store(&open_sessions, 0);
	return real->C_Finalize(reserved);
}

WRAP(C_GetSessionInfo, (CK_SESSION_HANDLE session, CK_SESSION_INFO *info),
    (session, info), NULL, NULL)
WRAP(C_Login,
    (CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char *pin,
	CK_ULONG len),
    (session, user, pin, len), NULL, NULL)
WRAP(C_CreateObject,
    (CK_SESSION_HANDLE session, CK_ATTRIBUTE *attributes, CK_ULONG count,
	CK_OBJECT_HANDLE *object),
    (session, attributes, count, object), NULL, NULL)
WRAP(C_GetAttributeValue,
    (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
	CK_ATTRIBUTE *attributes, CK_ULONG count),
    (session, object, attributes, count), NULL, NULL)
WRAP(C_FindObjectsInit,
    (CK_SESSION_HANDLE session, CK_ATTRIBUTE *attributes, CK_ULONG count),
    (session, attributes, count), NULL, NULL)
WRAP(C_FindObjects,
    (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG max,
	CK_ULONG *count),
    (session, objects, max, count), NULL, NULL)
static CK_RV
shim_C_SignInit(
    CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE object)
{
	struct fate fate;
	CK_RV rv = obey("C_SignInit", &fate);

	if (rv == CKR_OK)
		CALL(rv, C_SignInit(session, mechanism, object));
	if (mechanism->mechanism == CKM_EDDSA &&
	    atomic_fetch_add(&ed25519_begun, 1) % 256 == 255)
		tell_sessions();
	return rv;
}

WRAP(C_Sign,
    (CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG data_len,
	unsigned char *signature, CK_ULONG *len),
    (session, data, data_len, signature, len), signature, len)
WRAP(C_VerifyInit,
    (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
	CK_OBJECT_HANDLE object),
    (session, mechanism, object), NULL, NULL)
WRAP(C_Verify,
    (CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG data_len,
	unsigned char *signature, CK_ULONG len),
    (session, data, data_len, signature, len), NULL, NULL)
WRAP(C_GenerateKeyPair,
    (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *public,
	CK_ULONG public_count, CK_ATTRIBUTE *private, CK_ULONG private_count,
	CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key),
    (session, mechanism, public, public_count, private, private_count,
	public_key, private_key),
    NULL, NULL)
WRAP(C_GenerateRandom,
    (CK_SESSION_HANDLE session, unsigned char *random, CK_ULONG len),
    (session, random, len), random, &len)

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
	PUT(C_Finalize);
	PUT(C_OpenSession);
	PUT(C_CloseSession);
	PUT(C_CloseAllSessions);
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
