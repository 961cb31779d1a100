/* SPDX-License-Identifier: Apache-2.0 */
/* samples of releases and approvals */
#include "samples.h"
#include "wire/object.h"

#define FILL(array, first) sample_fill(array, sizeof(array), first)

hm_err
sample_release(struct hm_span room, size_t *ret_len)
{
	struct hm_object object = {
		.kind = HM_OBJECT_RELEASE,
		.made_s = SAMPLE_NOW_S,
		.release = {
			.name = HM_LITERAL("2.4.1"),
			.product = HM_LITERAL("gateway-200"),
			.channel = HM_CHANNEL_PROD,
			.counter = 7,
			.images = {
				{ .name = HM_LITERAL("app"),
				    .format = HM_LITERAL("mcuboot"),
				    .version = HM_LITERAL("2.4.1+0"),
				    .target = HM_LITERAL("imx8mp/slot0"),
				    .size = 812345,
				    .has_counter = true,
				    .counter = 8 },
				{ .name = HM_LITERAL("radio"),
				    .format = HM_LITERAL("raw"),
				    .size = 4096 },
			},
			.image_count = 2,
			.sboms = { { .name = HM_LITERAL("app.spdx.json"),
			    .type = HM_LITERAL("application/spdx+json"),
			    .size = 5120 } },
			.sbom_count = 1,
		},
	};
	struct hm_release *release = &object.release;

	FILL(release->images[0].digest, 0x60);
	FILL(release->images[0].payload, 0x70);
	FILL(release->images[1].digest, 0x80);
	FILL(release->sboms[0].digest, 0x90);
	return hm_object_encode(&object, room, ret_len);
}

hm_err
sample_promoted(struct hm_span room, size_t *ret_len)
{
	struct hm_object object = {
		.kind = HM_OBJECT_RELEASE,
		.made_s = SAMPLE_NOW_S,
		.release = {
			.name = HM_LITERAL("2.4.1"),
			.product = HM_LITERAL("toy"),
			.channel = HM_CHANNEL_PROD,
			.images = { { .name = HM_LITERAL("app"),
			    .format = HM_LITERAL("mcuboot"),
			    .size = 1 } },
			.image_count = 1,
		},
	};

	FILL(object.release.images[0].digest, 0x60);
	FILL(object.release.images[0].payload, 0x70);
	FILL(object.release.promoted, 0xa0);
	return hm_object_encode(&object, room, ret_len);
}

hm_err
sample_approval(struct hm_span room, size_t *ret_len)
{
	struct hm_object object = {
		.kind = HM_OBJECT_APPROVAL,
		.made_s = SAMPLE_NOW_S,
		.approval.approver = HM_LITERAL("alice"),
	};

	FILL(object.approval.release, 0x90);
	return hm_object_encode(&object, room, ret_len);
}
