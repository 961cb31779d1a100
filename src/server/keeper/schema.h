/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * schema - the tables of hallmark.db
 *
 *   leaf        the ledger: the record of everything, tiles are made from it
 *   checkpoint  tree sizes at the ends of transactions, with their roots
 *   object      what the OEM signed, by digest and name; the bytes are a leaf
 *   credential  who may do what
 *   book        counters of an order
 *   hole        numbers of an order that were given and never signed
 *   enrolled    evidence keys that may be used, by product
 *   device      a row a device; its stamp stands apart, so that rows are short
 *   seen        digests that may belong to one device only
 *   voided      what a station signed to give a unit back
 *   alarm       refused and remembered
 *   revoked, crl   certificates that count no longer, and the list of them
 *
 * Scripts that have been released are never changed; a change is one more.
 */

extern const char *const keeper_migrations[];
extern const unsigned keeper_migrations_count;
