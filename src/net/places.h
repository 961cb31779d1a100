/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * places - who stays when more come than there is room for
 *
 * A connection is a stranger's until its TLS handshake has ended; whoever holds
 * a certificate of ours is known from then on. Places are limited in all; those
 * of strangers for each address (IPv6: each network of 64 bits, for that is
 * what one customer gets); those of the known for each certificate, for a whole
 * factory may come from one address.
 *
 * Strangers push out strangers and nobody else: of those whose ClientHello is
 * not there yet and those who have not answered ours, the more numerous lose
 * their oldest. So a flood of half-open connections fights with itself: a
 * station behind the same address still gets in, if a handshake takes it less
 * time than the flood needs for half of the places. Whoever opens too many with
 * one certificate loses its own that are idle.
 *
 * Says who has to go; net/conn.c ends it. Addresses and certificates are hashed
 * into buckets, which are as long as what one of them may have. Room-internal.
 */
#include "net/conn.h"

void places_init(struct places *places);
/* `conn`, whose address is known, has come as a stranger. */
void places_enter(struct places *places, struct conn *conn);
/* Its ClientHello is there. */
void places_greet(struct places *places, struct conn *conn);
/* It is one we know: conn->peer is set. */
void places_prove(struct places *places, struct conn *conn);
/* It goes. Nothing if it never entered. */
void places_leave(struct places *places, struct conn *conn);

/* How many strangers of its address there are with it, or how many with its
 * certificate. */
unsigned places_of_host(const struct places *places, const struct conn *conn);
unsigned places_of_peer(const struct places *places, const struct conn *conn);

/* The stranger that has to go before `conn`: of all, or of its address. NULL:
 * there is none. */
struct conn *places_stranger(
    const struct places *places, const struct conn *conn);
struct conn *places_stranger_of_host(
    const struct places *places, const struct conn *conn);
/* The oldest connection with the certificate of `conn` that waits for a
 * request; not `conn`. NULL: none. */
struct conn *places_idle_of_peer(
    const struct places *places, const struct conn *conn);
