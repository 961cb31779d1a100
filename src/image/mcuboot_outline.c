/* SPDX-License-Identifier: Apache-2.0 */
#include "base/auto.h"
#include "image/mcuboot_parts.h"

void
mcuboot_outline_done(struct mcuboot_outline *outline)
{
	buf_done(&outline->tlvs);
}

static hm_err
outline(const struct mcuboot_image *image, struct mcuboot_outline *ret)
{
	ret->header_size = image->header.hdr_size;
	ret->payload_end = (uint32_t)image->body_end;
	ret->version = image->header.version;
	ret->flags = image->header.flags;
	for (size_t i = 0; i < MCUBOOT_PLACES; i++)
		HM_TRY(buf_add(&ret->tlvs, buf_bytes(&image->areas[i].bytes)));
	return HM_OK;
}

hm_err
mcuboot_outline(
    const struct input *file, struct mcuboot_outline *ret, struct why *why)
{
	AUTO_FINDINGS struct findings *findings = NULL;
	AUTO(mcuboot_image) struct mcuboot_image image = { 0 };
	hm_err err;

	HM_TRY(findings_new("mcuboot", &findings));
	HM_TRY(mcuboot_read(file, &image, findings));
	err = findings_verdict(findings, why);
	if (err != HM_OK)
		return err;
	if (!image.is_readable || image.body_end > UINT32_MAX ||
	    image.header.hdr_size < MCUBOOT_HEADER_LEN)
		return WHY(why, HM_E_IMAGE_FORMAT, "not an MCUboot image");
	buf_init(&ret->tlvs, 2u * UINT16_MAX);
	return outline(&image, ret);
}
