/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * mcuboot_text - the forms in which imgtool's users write what goes into an
 * image
 *
 * All of them: HM_E_USAGE, and the words say what is wanted.
 */
#include "image/mcuboot.h"

/* "1.2.3+4"; what is left out is 0. */
HM_MUST hm_err mcuboot_parse_version(
    struct hm_bytes text, struct mcuboot_version *ret, struct why *why);
/* Decimal, or hex behind 0x. */
HM_MUST hm_err mcuboot_parse_number(
    struct hm_bytes text, uint64_t max, uint64_t *ret, struct why *why);
/* Number, or "auto": the version, major << 24 | minor << 16 | revision. */
HM_MUST hm_err mcuboot_parse_counter(struct hm_bytes text,
    struct mcuboot_version version, uint32_t *ret, struct why *why);
/* "(1, 2.0.0+0) (3, 0.9.1)": appended to those of `ret`. */
HM_MUST hm_err mcuboot_parse_dependencies(
    struct hm_bytes text, struct mcuboot_sign *ret, struct why *why);
/* "0x00a0=0x0123ab" or "0x00a0=words". The bytes of hex go to the front of
 * `room`, which gets shorter; what is text stays where it is. Appended. */
HM_MUST hm_err mcuboot_parse_extra(struct hm_bytes text, struct hm_span *room,
    struct mcuboot_sign *ret, struct why *why);
/* A UUID, or a name from which one is made (RFC 9562, version 5): in the name
 * space of DNS, or in that of `space` (16 bytes) if it is not NULL. */
HM_MUST hm_err mcuboot_parse_uuid(struct hm_bytes text, const uint8_t *space,
    uint8_t ret[static 16], struct why *why);
