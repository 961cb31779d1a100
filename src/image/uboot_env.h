/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * uboot_env - environment images of U-Boot: boot count, slots, boot command
 *
 *   one copy    0  CRC-32 of all that follows, little-endian
 *               4  name=value NUL name=value NUL ... NUL, then FF (or 00)
 *   redundant   4  flags: 1 active, 0 obsolete; or a counter
 *               5  name=value ...
 *
 * The flags of a redundant copy are not under its CRC. Nothing is signed: who
 * can write the flash sets variables, so verified boot must not depend on them.
 * Text is one name=value a line; lines that begin with # and empty ones do not
 * count; the last of two lines with one name counts.
 */
#include "image/image.h"

#define UBOOT_ENV_SIZE_MIN 8u
#define UBOOT_ENV_SIZE_MAX (1u << 20)
#define UBOOT_ENV_NAME_MAX 128u

struct uboot_env {
	bool is_redundant;
	uint32_t size; /* of an image that is made; bytes */
	uint8_t fill;  /* behind its variables: FF, or 00 */
};

/* Faults go to the findings; HM_OK or a breakdown. */
HM_MUST hm_err uboot_env_verify(const struct uboot_env *how,
    const struct input *file, struct findings *findings);
/* One copy, or one of two: whichever has a good CRC. */
HM_MUST hm_err uboot_env_inspect(
    const struct input *file, struct findings *findings);
bool uboot_env_is(const struct input *file);

/* A text to an image of how->size bytes. HM_E_IMAGE_FIELD (a line without =, a
 * name that is not one; the offset is in *why), _PLACE (it does not fit),
 * _EMPTY; HM_E_USAGE (size), HM_E_IO, HM_E_NO_MEMORY */
HM_MUST hm_err uboot_env_make(const struct uboot_env *how,
    const struct input *text, struct output *out, struct why *why);
/* An image to a text, which uboot_env_make() takes again. The first fault that
 * uboot_env_verify() finds. */
HM_MUST hm_err uboot_env_text(const struct uboot_env *how,
    const struct input *file, struct output *out, struct why *why);
