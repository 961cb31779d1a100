/* SPDX-License-Identifier: Apache-2.0 */
#include "net/places.h"

#include <netinet/in.h>
#include <string.h>

#define HOST_LEN 8 /* of an IPv6 address: its network */

static struct hm_bytes
host_of(const struct conn *conn)
{
	const struct sockaddr_storage *from = &conn->from;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;

	if (from->ss_family == AF_INET)
		return (struct hm_bytes){ (const uint8_t *)&v4->sin_addr,
			sizeof v4->sin_addr };
	return (struct hm_bytes){ v6->sin6_addr.s6_addr, HOST_LEN };
}

static bool
is_same_host(const struct conn *a, const struct conn *b)
{
	struct hm_bytes left = host_of(a), right = host_of(b);

	return left.len == right.len &&
	       memcmp(left.ptr, right.ptr, left.len) == 0;
}

static bool
is_same_peer(const struct conn *a, const struct conn *b)
{
	return memcmp(a->peer.digest, b->peer.digest, NET_DIGEST_LEN) == 0;
}

static size_t
host_bucket(const struct conn *conn)
{
	struct hm_bytes host = host_of(conn);
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < host.len; i++)
		hash = (hash ^ host.ptr[i]) * 16777619u;
	return hash % PLACES_BUCKETS;
}

static size_t
peer_bucket(const struct conn *conn)
{
	return hm_get_u32(conn->peer.digest) % PLACES_BUCKETS;
}

void
places_init(struct places *places)
{
	TAILQ_INIT(&places->strangers);
	TAILQ_INIT(&places->greeted);
	for (size_t i = 0; i < PLACES_BUCKETS; i++) {
		TAILQ_INIT(&places->hosts[i]);
		TAILQ_INIT(&places->peers[i]);
	}
}

/* To the end of the queue of those who may have to go. */
static void
line_up(struct places *places, struct conn *conn, conn_place place)
{
	conn->place = place;
	if (place == PLACE_STRANGER) {
		TAILQ_INSERT_TAIL(&places->strangers, conn, next_in_queue);
		places->stranger_count++;
	} else {
		TAILQ_INSERT_TAIL(&places->greeted, conn, next_in_queue);
		places->greeted_count++;
	}
}

static void
step_out(struct places *places, struct conn *conn)
{
	if (conn->place == PLACE_STRANGER) {
		TAILQ_REMOVE(&places->strangers, conn, next_in_queue);
		places->stranger_count--;
	} else {
		TAILQ_REMOVE(&places->greeted, conn, next_in_queue);
		places->greeted_count--;
	}
}

void
places_enter(struct places *places, struct conn *conn)
{
	line_up(places, conn, PLACE_STRANGER);
	TAILQ_INSERT_TAIL(
	    &places->hosts[host_bucket(conn)], conn, next_of_host);
}

void
places_greet(struct places *places, struct conn *conn)
{
	if (conn->place != PLACE_STRANGER)
		return;
	step_out(places, conn);
	line_up(places, conn, PLACE_GREETED);
}

/* A stranger no more, or not here any more. */
static void
take_off(struct places *places, struct conn *conn)
{
	step_out(places, conn);
	TAILQ_REMOVE(&places->hosts[host_bucket(conn)], conn, next_of_host);
}

void
places_prove(struct places *places, struct conn *conn)
{
	take_off(places, conn);
	conn->place = PLACE_KNOWN;
	TAILQ_INSERT_TAIL(
	    &places->peers[peer_bucket(conn)], conn, next_of_peer);
}

void
places_leave(struct places *places, struct conn *conn)
{
	if (conn->place == PLACE_NONE)
		return;
	if (conn->place == PLACE_KNOWN)
		TAILQ_REMOVE(
		    &places->peers[peer_bucket(conn)], conn, next_of_peer);
	else
		take_off(places, conn);
	conn->place = PLACE_NONE;
}

unsigned
places_of_host(const struct places *places, const struct conn *conn)
{
	const struct conn *other;
	unsigned count = 0;

	TAILQ_FOREACH(other, &places->hosts[host_bucket(conn)], next_of_host)
	count += is_same_host(conn, other);
	return count;
}

unsigned
places_of_peer(const struct places *places, const struct conn *conn)
{
	const struct conn *other;
	unsigned count = 0;

	TAILQ_FOREACH(other, &places->peers[peer_bucket(conn)], next_of_peer)
	count += is_same_peer(conn, other);
	return count;
}

static struct conn *
first_but(const struct conns *queue, const struct conn *conn)
{
	struct conn *first = TAILQ_FIRST(queue);

	return first && first == conn ? TAILQ_NEXT(first, next_in_queue)
				      : first;
}

struct conn *
places_stranger(const struct places *places, const struct conn *conn)
{
	struct conn *silent = first_but(&places->strangers, conn);
	struct conn *greeted = first_but(&places->greeted, conn);

	if (places->stranger_count > places->greeted_count)
		return silent ? silent : greeted;
	return greeted ? greeted : silent;
}

struct conn *
places_stranger_of_host(const struct places *places, const struct conn *conn)
{
	struct conn *silent = NULL, *greeted = NULL, *other = NULL;
	unsigned silent_count = 0, greeted_count = 0;

	TAILQ_FOREACH(other, &places->hosts[host_bucket(conn)], next_of_host)
	{
		if (other == conn || !is_same_host(conn, other))
			continue;
		if (other->place == PLACE_STRANGER) {
			silent = silent ? silent : other;
			silent_count++;
		} else {
			greeted = greeted ? greeted : other;
			greeted_count++;
		}
	}
	return silent_count > greeted_count ? silent : greeted;
}

struct conn *
places_idle_of_peer(const struct places *places, const struct conn *conn)
{
	struct conn *other;

	TAILQ_FOREACH(other, &places->peers[peer_bucket(conn)], next_of_peer)
	if (other != conn && other->state == CONN_IDLE &&
	    is_same_peer(conn, other))
		return other;
	return NULL;
}
