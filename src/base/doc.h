/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * doc - a JSON document, built for an answer or read from a request
 *
 * The door to jansson. Keys keep the order in which they were put. Building has
 * a sticky error: put after put, then doc_write() once. NULL texts are left
 * out, so that an absent value is an absent key. Numbers are written as JSON
 * numbers up to 2^53; identifiers and serial numbers are texts.
 *
 * Reading is strict: one value, no duplicate keys, no NUL in texts, at most 16
 * levels. Getters give the fallback for an absent key and remember, in the
 * document, a value of the wrong type: ask doc_check() once at the end. Parts
 * (doc_object, doc_array, doc_get) belong to their document; doc_free() the
 * root only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/why.h"

struct doc;

/* An object whose first key is "schema", if that is not NULL. NULL-safe: after
 * a lack of memory all calls on the result do nothing, doc_write() says so. */
struct doc *doc_new(const char *schema);
void doc_free(struct doc *root);
#define AUTO_DOC __attribute__((cleanup(doc_clean)))
void doc_clean(struct doc **root);

/* `key` is NULL when `at` is an array. */
void doc_text(struct doc *at, const char *key, const char *utf8);
void doc_bytes(struct doc *at, const char *key, struct hm_bytes utf8);
void doc_hex(struct doc *at, const char *key, struct hm_bytes bytes);
void doc_uint(struct doc *at, const char *key, uint64_t value);
void doc_int(struct doc *at, const char *key, int64_t value);
void doc_real(struct doc *at, const char *key, double value);
void doc_bool(struct doc *at, const char *key, bool value);
void doc_time(struct doc *at, const char *key, uint64_t seconds);
struct doc *doc_object(struct doc *at, const char *key);
struct doc *doc_array(struct doc *at, const char *key);

/* Append compact (one line, no newline) or indented (ends with a newline).
 * HM_E_NO_MEMORY, HM_E_TOO_LARGE, HM_E_BAD_INPUT if a text was not UTF-8 */
HM_MUST hm_err doc_write(
    const struct doc *root, bool indented, struct buf *ret);

/* HM_E_BAD_INPUT (where: line:col), HM_E_NO_MEMORY. Free with doc_free(). */
HM_MUST hm_err doc_parse(
    struct hm_bytes text, struct doc **ret, struct why *why);

/* The value of a key; `fallback` if there is none. */
const char *doc_get_text(struct doc *at, const char *key, const char *fallback);
int64_t doc_get_int(struct doc *at, const char *key, int64_t fallback);
double doc_get_real(struct doc *at, const char *key, double fallback);
bool doc_get_bool(struct doc *at, const char *key, bool fallback);
/* The object or array of that key, NULL if there is none. */
struct doc *doc_get(struct doc *at, const char *key);
/* Length of an array, and its i-th element: a part, or a text. */
size_t doc_count(struct doc *at);
struct doc *doc_at(struct doc *at, size_t i);
const char *doc_text_at(struct doc *at, size_t i);
/* HM_E_BAD_INPUT if a getter met a value of another type than it wanted. */
HM_MUST hm_err doc_check(const struct doc *root, struct why *why);
