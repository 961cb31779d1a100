/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_xts - XTS of flash encryption beside OpenSSL's own, in one process
 *
 * One JSON line a key length: MiB a second of CPU time from memory to nowhere,
 * by ours, by EVP at the same data units of 128 bytes (one call each, without
 * the tweak that each would need), and by EVP at units of 16 KiB. Least of
 * ROUNDS runs over 16 MiB, in turn.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#include "core/check.h"
#include "image/esp_flash.h"

#define ROUNDS 15
#define MIB 16u
#define SIZE ((size_t)MIB << 20)
#define LARGE_UNIT 16384u

static uint8_t *from, *to;
static uint8_t key[64];

static double
now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double
ours_s(size_t key_len)
{
	const struct esp_flash how = { .cipher = ESP_FLASH_XTS,
		.encrypt = true,
		.key = { key, key_len },
		.address = 0x10000 };
	struct input file = input_of((struct hm_bytes){ from, SIZE });
	struct output *out;
	double begin;

	hm_assert(output_nowhere(&out) == HM_OK);
	begin = now_s();
	hm_assert(esp_flash_convert(&how, &file, out, NULL) == HM_OK);
	output_free(out);
	return now_s() - begin;
}

static double
evp_s(size_t key_len, size_t unit)
{
	static const uint8_t tweak[16];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	double begin;
	int len;

	hm_assert(EVP_CipherInit_ex2(ctx,
		      key_len == 32 ? EVP_aes_128_xts() : EVP_aes_256_xts(),
		      key, tweak, 1, NULL) == 1);
	begin = now_s();
	for (size_t at = 0; at < SIZE; at += unit)
		hm_assert(EVP_CipherUpdate(
			      ctx, to + at, &len, from + at, (int)unit) == 1);
	begin = now_s() - begin;
	EVP_CIPHER_CTX_free(ctx);
	return begin;
}

static double
less(double a, double b)
{
	return a < b ? a : b;
}

static void
compare(size_t key_len)
{
	double ours = 1e9, unit = 1e9, large = 1e9;

	for (size_t i = 0; i < ROUNDS; i++) {
		ours = less(ours, ours_s(key_len));
		unit = less(unit, evp_s(key_len, ESP_FLASH_UNIT));
		large = less(large, evp_s(key_len, LARGE_UNIT));
	}
	printf("{\"bench\": \"xts\", \"key_bits\": %zu, \"mib_s\": %.0f, "
	       "\"evp_128_mib_s\": %.0f, \"evp_16k_mib_s\": %.0f, "
	       "\"to_evp_128\": %.2f, \"to_evp_16k\": %.2f}\n",
	    key_len * 4, MIB / ours, MIB / unit, MIB / large, unit / ours,
	    large / ours);
}

int
main(void)
{
	from = malloc(SIZE);
	to = malloc(SIZE);
	if (from == NULL || to == NULL)
		return 1;
	memset(from, 1, SIZE);
	memset(to, 2, SIZE);
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	compare(32);
	compare(64);
	free(from);
	free(to);
	return 0;
}
