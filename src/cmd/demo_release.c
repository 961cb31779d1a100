/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The release of the demo: an MCUboot image that the devices run, and an ESP32
 * image beside it, as for a second chip on the board. Signed for development,
 * promoted with the key in the OEM's token, approved by two people, and packed
 * for the station, which unpacks it.
 */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "cmd/demo.h"
#include "cmd/demo_say.h"
#include "core/bytes.h"
#include "crypto/digest.h"
#include "crypto/p256.h"

#define WORD_MAX 128
#define SBV2 "--format", "esp-secure-boot-v2"

#define RUN(world, why, ...)               \
	demo_run(world, (world)->hallmark, \
	    (const char *const[]){ __VA_ARGS__, NULL }, NULL, why)

/* ---- files ---- */

static hm_err
put_key(struct why *why)
{
	uint8_t room[512], point[P256_POINT_LEN];
	struct hm_span span = { room, sizeof(room) };
	struct p256_pair *pair;
	size_t len;
	hm_err err;

	HM_TRY(p256_pair_new(&pair));
	p256_pair_point(pair, point);
	err = p256_pair_pem(pair, span, &len);
	p256_pair_free(pair);
	if (err == HM_OK)
		err = file_write(
		    "dev-image.pem", (struct hm_bytes){ room, len }, 0600, why);
	hm_wipe(room, sizeof(room));
	HM_TRY(err);
	HM_TRY(p256_point_pem(point, span, &len));
	return file_write(
	    "dev-image.pub", (struct hm_bytes){ room, len }, 0644, why);
}

static void
put_u32(uint8_t *at, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

/*
 * The smallest application of an ESP32-C6: header, one segment with the
 * description, checksum, hash (image/esp_app.h draws it).
 */
static hm_err
put_esp_app(struct why *why)
{
	uint8_t image[24 + 8 + 256 + 16 + SHA256_LEN] = { 0xE9, 1, 2, 0x20 };
	uint8_t *desc = image + 32, sum = 0xEF;
	struct hm_bytes body = { image, sizeof(image) - SHA256_LEN };

	put_u32(image + 4, 0x42000020); /* entry */
	image[8] = 0xEE;                /* no write-protect pin */
	image[12] = 13;                 /* ESP32-C6 */
	put_u32(image + 17, 0xFFFF);    /* any revision */
	image[23] = 1;                  /* a hash follows */
	put_u32(image + 24, 0x42000020);
	put_u32(image + 28, 256);
	put_u32(desc, 0xABCD5432);
	put_u32(desc + 4, 1); /* secure version */
	memcpy(desc + 16, "1.0.0", 5);
	memcpy(desc + 48, "net", 3);
	for (size_t i = 0; i < 256; i++)
		sum ^= desc[i];
	image[body.len - 1] = sum;
	sha256_one(body, image + body.len);
	return file_write("net.raw", HM_BYTES(image), 0644, why);
}

/* ---- steps ---- */

hm_err
demo_sign(struct demo_world *world, const char *payload, const char *out,
    const char *word, const char *value, struct why *why)
{
	return RUN(world, why, "image", "sign", "--format", "mcuboot", "--key",
	    "dev-image.pem", "--public-key-format", "full", "--image-version",
	    "1.0.0", "--header-size", "512", "--pad-header", "--align", "8",
	    "--security-counter", "1", "--output", out, payload, word, value);
}

static hm_err
make_keys(struct demo_world *world, struct why *why)
{
	HM_TRY(put_key(why));
	return RUN(world, why, "hsm", "generate", DEMO_OEM_TOKEN, "--label",
	    "images", "--public", "prod-image.pub", "--module", DEMO_MODULE,
	    "--pin", DEMO_PIN);
}

static hm_err
sign_images(struct demo_world *world, struct why *why)
{
	HM_TRY(put_esp_app(why));
	HM_TRY(
	    demo_sign(world, world->firmware, "app.dev.bin", NULL, NULL, why));
	HM_TRY(RUN(world, why, "image", "sign", SBV2, "--key", "dev-image.pem",
	    "--output", "net.dev.bin", "net.raw"));
	return HM_OK;
}

/* ---- two images on their way to the station ---- */

/* An image in the words of create, promote and bundle. */
struct words {
	char dev[WORD_MAX], again[WORD_MAX], prod[WORD_MAX];
};

static void
put_words(const struct demo_image *image, struct words *ret)
{
	const char *name = image->name, *target = image->target;

	(void)snprintf(ret->dev, WORD_MAX, "name=%s,file=%s.dev.bin%s%s", name,
	    name,
	    target == NULL ? "" : ",target=", target == NULL ? "" : target);
	(void)snprintf(ret->again, WORD_MAX,
	    "name=%s,file=%s.dev.bin,out=%s.bin", name, name, name);
	(void)snprintf(ret->prod, WORD_MAX, "name=%s,file=%s.bin", name, name);
}

static hm_err
approve(struct demo_world *world, struct why *why)
{
	HM_TRY(RUN(world, why, "release", "approve", "thermo/1.0.0", "--config",
	    "alice.yaml"));
	HM_TRY(RUN(world, why, "release", "approve", "thermo/1.0.0", "--config",
	    "bob.yaml"));
	demo_say("approved", "by alice and bob, each with a key of their own");
	return HM_OK;
}

static hm_err
promote(struct demo_world *world, const struct words words[static 2],
    struct why *why)
{
	HM_TRY(RUN(world, why, "release", "promote", "1.0.0", "--from",
	    "thermo/1.0.0-dev", "--image", words[0].again, "--image",
	    words[1].again, "--dev-key", "dev-image.pub", "--prod-key",
	    "prod-image.pub", "--key", DEMO_OEM_TOKEN ";object=images",
	    "--module", DEMO_MODULE, "--pin", DEMO_PIN, "--output",
	    "release.cose", "--config", "hallmark.yaml"));
	demo_say("promoted", "1.0.0  same payloads, key in token \"oem\"");
	return approve(world, why);
}

static hm_err
deliver(struct demo_world *world, const struct words words[static 2],
    struct why *why)
{
	HM_TRY(RUN(world, why, "release", "bundle", "thermo/1.0.0", "--image",
	    words[0].prod, "--image", words[1].prod, "--to", "station.pem",
	    "--output", "1.0.0.bundle", "--config", "hallmark.yaml"));
	HM_TRY(RUN(world, why, "release", "open", "1.0.0.bundle", "--key",
	    "station.key", "--authority", "authority.pub", "--into",
	    "firmware"));
	demo_say("bundle", "1.0.0  opened by the station");
	return HM_OK;
}

hm_err
demo_publish(struct demo_world *world, const struct demo_image images[static 2],
    const char *what, struct why *why)
{
	struct words words[2];

	for (int i = 0; i < 2; i++)
		put_words(&images[i], &words[i]);
	HM_TRY(RUN(world, why, "release", "create", "1.0.0-dev", "--product",
	    "thermo", "--channel", "dev", "--counter", "1", "--image",
	    words[0].dev, "--image", words[1].dev, "--dev-key", "dev-image.pub",
	    "--config", "hallmark.yaml"));
	demo_say("release", "1.0.0-dev  %s", what);
	HM_TRY(promote(world, words, why));
	return deliver(world, words, why);
}

hm_err
demo_release(struct demo_world *world, struct why *why)
{
	static const struct demo_image images[2] = { { "app", NULL },
		{ "net", "esp32c6" } };

	HM_TRY(make_keys(world, why));
	if (world->board != NULL)
		return demo_board_release(world, why);
	HM_TRY(sign_images(world, why));
	HM_TRY(demo_publish(world, images, "MCUboot image, ESP32 image", why));
	world->firmware = "firmware/app";
	return HM_OK;
}
