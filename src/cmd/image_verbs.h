/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* image_verbs - what the verbs of `hallmark image` do, whatever the format */
#include "cmd/image_job.h"

/* Names of --format, for people: of all, and of those that a verb is for. */
#define IMAGE_FORMATS                                                       \
	"esp-secure-boot-v2, esp-secure-boot-v1, "                          \
	"esp-app-image, esp-partition-table, esp-flash-encryption, "        \
	"mcuboot, esp-secure-cert, esp-nvs, esp-efuse, esp-encrypted-img, " \
	"fit, "                                                             \
	"fit-control, uboot-env, bundle, raw, cms"
#define IMAGE_FORMATS_SIGN                                  \
	"mcuboot, esp-secure-boot-v2, esp-secure-boot-v1, " \
	"esp-secure-cert, fit, raw, cms"
#define IMAGE_FORMATS_RESIGN "mcuboot, esp-secure-boot-v2, fit"
#define IMAGE_FORMATS_CRYPT \
	"mcuboot, esp-flash-encryption, esp-encrypted-img, bundle"
#define IMAGE_FORMATS_CONVERT                                               \
	"mcuboot, esp-secure-boot-v2, esp-app-image, esp-partition-table, " \
	"esp-secure-cert, esp-nvs, esp-efuse, fit, fit-control, uboot-env"
#define IMAGE_FORMATS_VERIFY                                               \
	"mcuboot, esp-secure-boot-v2, esp-secure-boot-v1, esp-app-image, " \
	"esp-partition-table, esp-secure-cert, esp-nvs, esp-efuse, "       \
	"esp-encrypted-img, fit, fit-control, uboot-env, bundle, raw, cms"
#define IMAGE_FORMATS_INSPECT                                              \
	"mcuboot, esp-secure-boot-v2, esp-secure-boot-v1, esp-app-image, " \
	"esp-partition-table, esp-secure-cert, esp-nvs, "                  \
	"esp-encrypted-img, fit, fit-control, uboot-env, bundle"
extern const struct image_command *const image_commands[]; /* NULL-ended */

/* Each gives the exit status. */
int image_run_sign(const struct options *given);
int image_run_verify(const struct options *given);
int image_run_encrypt(const struct options *given);
int image_run_decrypt(const struct options *given);
int image_run_inspect(const struct options *given);
int image_run_request(const struct options *given);
int image_run_assemble(const struct options *given);
int image_run_resign(const struct options *given);
int image_run_convert(const struct options *given);
/* Does an option of that verb belong to the --format that was given? All do if
 * none was, or one that is none. */
bool image_run_shows(const struct options *given, const char *option);
