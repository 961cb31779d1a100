/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of formats. A row whose content is recognised by less stands behind
 * those that need more: the first that says yes is it.
 */
#include "image/bundle.h"
#include "image/esp.h"
#include "image/esp_cert.h"
#include "image/esp_enc.h"
#include "image/fit.h"
#include "image/image.h"
#include "image/mcuboot.h"
#include "image/uboot_env.h"
#include "image/nvs.h"

const struct image_format image_formats[] = {
	{ "bundle", "files for the stations of a factory", bundle_is,
	    bundle_inspect },
	{ "esp-secure-boot-v2", "ESP32: image or data with Secure Boot V2",
	    esp_sbv2_is, esp_sbv2_inspect },
	{ "esp-secure-boot-v1", "ESP32: app or boot loader, Secure Boot V1",
	    esp_sbv1_is, esp_sbv1_inspect },
	{ "esp-partition-table", "ESP32: partition table", esp_table_is,
	    esp_table_inspect },
	{ "esp-app-image", "ESP32: application or boot loader, not signed",
	    esp_app_is, esp_app_inspect },
	{ "esp-secure-cert", "ESP32: partition with certificates and keys",
	    esp_cert_is, esp_cert_inspect },
	{ "esp-encrypted-img", "ESP32: image for pre-encrypted OTA", esp_enc_is,
	    esp_enc_inspect },
	{ "mcuboot", "image that MCUboot starts", mcuboot_is, mcuboot_inspect },
	{ "fit", "U-Boot flattened image tree", fit_is, fit_inspect },
	{ "fit-control", "U-Boot control tree with public keys", fit_control_is,
	    fit_control_lint },
	{ "uboot-env", "U-Boot environment", uboot_env_is, uboot_env_inspect },
	{ "esp-nvs", "ESP32: NVS partition", nvs_is, nvs_inspect },
	{ 0 },
};
