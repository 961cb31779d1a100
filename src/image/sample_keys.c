/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 of the modulus or the point of each private key that lies in the
 * trees of MCUboot (2d4bacc) and esptool (5.3.1). Boards leave the factory with
 * them, because a build without a key of its own takes MCUboot's.
 */
#include <string.h>

#include "base/auto.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "image/image.h"

static const struct {
	const char *digest;
	const char *from;
} samples[] = {
	{ "0969dd1fcdb2419accb0d2815abed24bc253eabb3623c3dd6bd479c72ac13df0",
	    "MCUboot" },
	{ "212a1d2e8ce684268dcf69854d234ce98b22bd05005e79e83003d7f58882faef",
	    "MCUboot" },
	{ "2284dca22c5f6b0ff296bfd146dadc3db01f690ffd7c3f1a37da62b96e53847c",
	    "MCUboot" },
	{ "27bb0f8345a6d1a40d4240a04a234959e928c0d581616223ab8564738e9c63f6",
	    "MCUboot" },
	{ "33ea3a4a06f1603d71ace23b18fd6fa53c0be54ca7361b6ef8a9b8215e07e2e3",
	    "MCUboot" },
	{ "380a8f1431b73c4195b629a905276f0dc3a39b453f905a0e512195e6069f3d20",
	    "MCUboot" },
	{ "45e9d6ef54859daf3d7c8f355dbd128fd106dea33ef19afa02428b1ffd487642",
	    "MCUboot" },
	{ "4a4a02b3bcb1743462eca2400ee9cc9c182557061215885391f152f94118bcd5",
	    "MCUboot" },
	{ "5c6a21ff1061085a5153670e2182c05cc9236b0c506b639a0fd00dfb129b524b",
	    "MCUboot" },
	{ "6775085e97f41b42d29979c15976cfda3261875a7b267107eacab98d201d09bf",
	    "MCUboot" },
	{ "683c626ae4ab8c4183033b0ca217cd2ea8b92ed77102b6e612615b125064905b",
	    "MCUboot" },
	{ "6d99f30a847040282d0fa7380e50aed566de6da46306faa2570639c218f9b20d",
	    "MCUboot" },
	{ "7a8a4f15228d041c7c996c4c80f2f9e9cbf88e113427a78536390b0e4f99c02a",
	    "MCUboot" },
	{ "86a6c75ddc48f696db6be4792e101147ac2b6a9eee823eeefe81b22ea8f2a0d9",
	    "MCUboot" },
	{ "aef19e20bf5798f9ae6aec806e214873b69e97062f3d24d471c285a43e28b742",
	    "MCUboot" },
	{ "b12c3dd6f5ba8ce4de49312dc03ef3dad43a4c99dcac2eb94b8ea82bf4d70d20",
	    "MCUboot" },
	{ "ba956ea8934e36cddc8498831aa592ee47b9ec6dbdbac1e5e1c468e9f07f3b31",
	    "MCUboot" },
	{ "d4b86d00d18caa3fc8b4d0dfa4b2bf03791bf84afe942570c79b14e69c43b193",
	    "MCUboot" },
	{ "f9d3d91f76109c6e7133a0fc92c1f1567c56a544729707430492d7aa647ade54",
	    "MCUboot" },
	{ "129499d7fb68637b7c06dcbc94438c3dc844ab3ccea5d01e95a113cfeebf6efc",
	    "esptool" },
	{ "139579f52201dee4794edc6fed029cfe63efab05f42e24fd8efa5dce9b5912b7",
	    "esptool" },
	{ "1e08a3ed815dd5529e2fb36027baa09e0ebb2f424c5e1c3de013df70075f9afb",
	    "esptool" },
	{ "2c871bca3f673a8c13f0929935eed89e1d6830a30092e239749cc6d1fb180a4a",
	    "esptool" },
	{ "3770df35dd713352d0c164e98573401883901e877997be060f8c4b6166a394f6",
	    "esptool" },
	{ "383eb3b7ff7003a670f564a2b2e86eb037e35df9f0e46108b79ed134c037dee7",
	    "esptool" },
	{ "553323724c68c73e0799d03a9124320ae819fa1a505e0a7a421c246724bcb6b7",
	    "esptool" },
	{ "55555bab4786bd9ff0309f4965ce20ca611b7f85926a42d26634743f90c92935",
	    "esptool" },
	{ "6e3ce3058d002d062791c6ee41f1ac9bf2e1f65b8b24535ed2949d33e9c7958f",
	    "esptool" },
	{ "7351bd52c3933b5ebf03390cb98553378ef113bed84d8bfae46a954b8fa855fb",
	    "esptool" },
	{ "8dd7fd075986857987402e5d4791e4a3d35ccb2dc4abc376fd020a8d5b40c1e2",
	    "esptool" },
	{ "94cddd153b83b1d8a9ecbda22e3d7da3254fd8c9cb464cef1e9d2b7d28c5cc97",
	    "esptool" },
	{ "95454ce09a6addecd9a3021b9f80acd10e00a5ba2d12a763188046eac1c05d71",
	    "esptool" },
	{ "b6918baf5c0e61cebccafe82f901005a00122595d4613d5dfa7fd856c056a593",
	    "esptool" },
	{ "b70a376b38d5067c6dd4f830f86ee407a433844d80b566fb5b61eb6d9dbe3aa9",
	    "esptool" },
	{ "ce89d95329493458769993f87cde2b4b46fa9b02807362b217ac736c4d6eab94",
	    "esptool" },
	{ "e6440b2d044c0b799c3aed99802c0903fa4cb6f0f933e36cda0d6ac8ba61c6a5",
	    "esptool" },
	{ "fd603cae4e9010d06580c865c3bd28a35f4b9d5caf09e73e4b1dfe1fd962bedf",
	    "esptool" },
};

const char *
image_sample_key(const struct pkey *key)
{
	AUTO(buf) struct buf number = { .max = 512 };
	hm_err err = pkey_kind(key) == PKEY_RSA ? pkey_modulus(key, &number)
						: pkey_point(key, &number);
	uint8_t digest[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1];

	if (err != HM_OK)
		return NULL;
	sha256_one(buf_bytes(&number), digest);
	hex_format(HM_BYTES(digest), hex);
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		if (strcmp(samples[i].digest, hex) == 0)
			return samples[i].from;
	return NULL;
}

hm_err
image_check_role(const struct pkey *key, const char *name, struct why *why)
{
	const char *from = image_sample_key(key);

	if (from == NULL)
		return HM_OK;
	why_where(why, "%s", name);
	return WHY(why, HM_E_KEY_ROLE,
	    "a sample key of %s, whose private part everybody has", from);
}
