/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/p256_pem: OpenSSL's files are read, ours are written as it would; any
 * other key is refused. The keys here were made for this test. */
#include "hex.h"

#include "crypto/p256.h"

static const char pkcs8[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg5VheUd+QDa2voAit\n"
    "YU08h5cRrEA4MNN3h0vejp9HG6ChRANCAARxfjokVDs4Kd6JsZtbG6dUULrAJEhM\n"
    "fxDhVdR31YB4XqCFhbWPKLE6eDn357XdXSL3VU4j6ONAlwVngwNcUnHW\n"
    "-----END PRIVATE KEY-----\n";
static const char sec1[] =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEIOVYXlHfkA2tr6AIrWFNPIeXEaxAODDTd4dL3o6fRxugoAoGCCqGSM49\n"
    "AwEHoUQDQgAEcX46JFQ7OCneibGbWxunVFC6wCRITH8Q4VXUd9WAeF6ghYW1jyix\n"
    "Ong59+e13V0i91VOI+jjQJcFZ4MDXFJx1g==\n"
    "-----END EC PRIVATE KEY-----\n";
/* openssl ec -no_public, before it what openssl ecparam -genkey writes */
static const char sec1_alone[] =
    "-----BEGIN EC PARAMETERS-----\n"
    "BggqhkjOPQMBBw==\n"
    "-----END EC PARAMETERS-----\n"
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MDECAQEEIOVYXlHfkA2tr6AIrWFNPIeXEaxAODDTd4dL3o6fRxugoAoGCCqGSM49\n"
    "AwEH\n"
    "-----END EC PRIVATE KEY-----\n";
/* openssl pkcs8 -topk8 -nocrypt of it: the curve is inside, too */
static const char pkcs8_alone[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MEECAQAwEwYHKoZIzj0CAQYIKoZIzj0DAQcEJzAlAgEBBCDlWF5R35ANra+gCK1h\n"
    "TTyHlxGsQDgw03eHS96On0cboA==\n"
    "-----END PRIVATE KEY-----\n";
/* openssl ec -conv_form compressed */
static const char sec1_compressed[] =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MFcCAQEEIOVYXlHfkA2tr6AIrWFNPIeXEaxAODDTd4dL3o6fRxugoAoGCCqGSM49\n"
    "AwEHoSQDIgACcX46JFQ7OCneibGbWxunVFC6wCRITH8Q4VXUd9WAeF4=\n"
    "-----END EC PRIVATE KEY-----\n";
/* as certtool --generate-privkey writes half of all keys: a scalar of 33 bytes
 */
static const char gnutls[] =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHgCAQEEIQDlWF5R35ANra+gCK1hTTyHlxGsQDgw03eHS96On0cboKAKBggqhkjO\n"
    "PQMBB6FEA0IABHF+OiRUOzgp3omxm1sbp1RQusAkSEx/EOFV1HfVgHheoIWFtY8o\n"
    "sTp4Offntd1dIvdVTiPo40CXBWeDA1xScdY=\n"
    "-----END EC PRIVATE KEY-----\n";
/* a byte behind the key */
static const char sec1_longer[] =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEIOVYXlHfkA2tr6AIrWFNPIeXEaxAODDTd4dL3o6fRxugoAoGCCqGSM49\n"
    "AwEHoUQDQgAEcX46JFQ7OCneibGbWxunVFC6wCRITH8Q4VXUd9WAeF6ghYW1jyix\n"
    "Ong59+e13V0i91VOI+jjQJcFZ4MDXFJx1gA=\n"
    "-----END EC PRIVATE KEY-----\n";
/* version 2 */
static const char sec1_version[] =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQIEIOVYXlHfkA2tr6AIrWFNPIeXEaxAODDTd4dL3o6fRxugoAoGCCqGSM49\n"
    "AwEHoUQDQgAEcX46JFQ7OCneibGbWxunVFC6wCRITH8Q4VXUd9WAeF6ghYW1jyix\n"
    "Ong59+e13V0i91VOI+jjQJcFZ4MDXFJx1g==\n"
    "-----END EC PRIVATE KEY-----\n";
/* another curve, as long */
static const char sec1_curve[] =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEIOVYXlHfkA2tr6AIrWFNPIeXEaxAODDTd4dL3o6fRxugoAoGCCqGSM49\n"
    "AwEGoUQDQgAEcX46JFQ7OCneibGbWxunVFC6wCRITH8Q4VXUd9WAeF6ghYW1jyix\n"
    "Ong59+e13V0i91VOI+jjQJcFZ4MDXFJx1g==\n"
    "-----END EC PRIVATE KEY-----\n";
/* a scalar of 33 bytes that is no number of 32 */
static const char sec1_negative[] =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHgCAQEEIQHlWF5R35ANra+gCK1hTTyHlxGsQDgw03eHS96On0cboKAKBggqhkjO\n"
    "PQMBB6FEA0IABHF+OiRUOzgp3omxm1sbp1RQusAkSEx/EOFV1HfVgHheoIWFtY8o\n"
    "sTp4Offntd1dIvdVTiPo40CXBWeDA1xScdY=\n"
    "-----END EC PRIVATE KEY-----\n";
/* openssl ec -param_enc explicit */
static const char sec1_explicit[] =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MIIBaAIBAQQg5VheUd+QDa2voAitYU08h5cRrEA4MNN3h0vejp9HG6CggfowgfcC\n"
    "AQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAAAAAAAAAAAAAA////////////////\n"
    "MFsEIP////8AAAABAAAAAAAAAAAAAAAA///////////////8BCBaxjXYqjqT57Pr\n"
    "vVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMVAMSdNgiG5wSTamZ44ROdJreBn36QBEEE\n"
    "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54W\n"
    "K84zV2sxXs7LtkBoN79R9QIhAP////8AAAAA//////////+85vqtpxeehPO5ysL8\n"
    "YyVRAgEBoUQDQgAEcX46JFQ7OCneibGbWxunVFC6wCRITH8Q4VXUd9WAeF6ghYW1\n"
    "jyixOng59+e13V0i91VOI+jjQJcFZ4MDXFJx1g==\n"
    "-----END EC PRIVATE KEY-----\n";
/* a head that says so */
static const char sec1_encrypted[] =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "Proc-Type: 4,ENCRYPTED\n"
    "DEK-Info: AES-128-CBC,C250C2BFB156B8BEC1B32F086A402B94\n"
    "\n"
    "MHcCAQEEIOVYXlHfkA2tr6AIrWFNPIeXEaxAODDTd4dL3o6fRxugoAoGCCqGSM49\n"
    "AwEHoUQDQgAEcX46JFQ7OCneibGbWxunVFC6wCRITH8Q4VXUd9WAeF6ghYW1jyix\n"
    "Ong59+e13V0i91VOI+jjQJcFZ4MDXFJx1g==\n"
    "-----END EC PRIVATE KEY-----\n";
static const char public_key[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEcX46JFQ7OCneibGbWxunVFC6wCRI\n"
    "TH8Q4VXUd9WAeF6ghYW1jyixOng59+e13V0i91VOI+jjQJcFZ4MDXFJx1g==\n"
    "-----END PUBLIC KEY-----\n";
static const char compressed[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgACcX46JFQ7OCneibGbWxunVFC6wCRI\n"
    "TH8Q4VXUd9WAeF4=\n"
    "-----END PUBLIC KEY-----\n";
static const char explicit_curve[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBSzCCAQMGByqGSM49AgEwgfcCAQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAA\n"
    "AAAAAAAAAAAA////////////////MFsEIP////8AAAABAAAAAAAAAAAAAAAA////\n"
    "///////////8BCBaxjXYqjqT57PrvVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMVAMSd\n"
    "NgiG5wSTamZ44ROdJreBn36QBEEEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5\n"
    "RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9QIhAP////8AAAAA\n"
    "//////////+85vqtpxeehPO5ysL8YyVRAgEBA0IABHF+OiRUOzgp3omxm1sbp1RQ\n"
    "usAkSEx/EOFV1HfVgHheoIWFtY8osTp4Offntd1dIvdVTiPo40CXBWeDA1xScdY=\n"
    "-----END PUBLIC KEY-----\n";
static const char encrypted[] =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhbVuCxP7z5bQICCAAw\n"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEAk0oao8c13O+X/HkAzFyusEgZCT\n"
    "HNN7IaKSxG2y4VMXg99aOrUDKsz0sYA0ck6g1fn7v0aonUtTsKoiPOzgHnyC1MgD\n"
    "74vil0leg7HgD/OIPsULjHXhnKiWLqVWu5n9/fpplBmqroao+H2R5kYoGfGsFmwA\n"
    "LA7a4dkQHH5FaIt8IjvaestHdlF79HJwoOQwLKcE8qWg2YkskegvDOKaYXU0J0w=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";
static const char p384[] =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MIGkAgEBBDCp/iGv6ES1+j9yk+d2NlGlSLiL7Rz9DdiBZVkZejBZvfsFLUdg8N6E\n"
    "Ipdfy5kIwQ2gBwYFK4EEACKhZANiAAQ3g6A5risDNjM3UQ6Hlf3ZMEOJetevhWo8\n"
    "TrBjQBGTxsToiWXIUFMzcLt36TM7/KpG9JgPyziJuM0rPa1ZcP8jQ0ekSrTJXgDm\n"
    "+lUbi8yd+AEuq78vg65Sps+taCHLlYY=\n"
    "-----END EC PRIVATE KEY-----\n";
static const char ed25519[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEICAcNFDUt3lrSB0rR9gESQUEuUxU9m7VwGChfziEJ0HK\n"
    "-----END PRIVATE KEY-----\n";
static const char ed25519_public_key[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEApAsm0nSf5op9WnuVj8D/kqoss4ez/M0M7ltTZWqbEuY=\n"
    "-----END PUBLIC KEY-----\n";

#define SCALAR                                        \
	"e5585e51df900dadafa008ad614d3c879711ac40383" \
	"0d377874bde8e9f471ba0"
#define POINT                                                                \
	"04717e3a24543b3829de89b19b5b1ba75450bac024484c7f10e155d477d580785e" \
	"a08585b58f28b13a7839f7e7b5dd5d22f7554e23e8e34097056783035c5271d6"

static void
reads_a_private_key_in_every_form(void **state)
{
	const char *const forms[] = { pkcs8, sec1, sec1_alone, pkcs8_alone,
		sec1_compressed, gnutls };

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct p256_pair *pair;
		uint8_t scalar[P256_SCALAR_LEN], point[P256_POINT_LEN];

		assert_int_equal(
		    p256_pair_from_pem(hm_bytes_of(forms[i]), &pair), HM_OK);
		p256_pair_scalar(pair, scalar);
		p256_pair_point(pair, point);
		assert_hex(scalar, sizeof(scalar), SCALAR);
		assert_hex(point, sizeof(point), POINT);
		p256_pair_free(pair);
	}
}

static void
refuses_other_private_keys(void **state)
{
	const char *const forms[] = { "", "no key", encrypted, p384, ed25519,
		public_key, sec1_longer, sec1_version, sec1_curve,
		sec1_negative, sec1_explicit, sec1_encrypted };
	struct p256_pair *pair = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		assert_int_equal(
		    p256_pair_from_pem(hm_bytes_of(forms[i]), &pair), HM_E_KEY);
	assert_int_equal(
	    p256_pair_from_pem(
		(struct hm_bytes){ (const uint8_t *)pkcs8, 100 }, &pair),
	    HM_E_KEY);
	assert_null(pair);
}

static void
writes_a_private_key_as_openssl_does(void **state)
{
	struct p256_pair *pair;
	uint8_t room[P256_PEM_MAX], before[P256_PEM_MAX];
	size_t len = 0;

	(void)state;
	assert_int_equal(p256_pair_from_pem(hm_bytes_of(sec1), &pair), HM_OK);
	memset(before, 0x5a, sizeof(before));
	memcpy(room, before, sizeof(room));
	assert_int_equal(p256_pair_pem(pair,
			     (struct hm_span){ room, sizeof(pkcs8) - 2 }, &len),
	    HM_E_NO_ROOM);
	assert_memory_equal(room, before, sizeof(room));
	assert_int_equal(len, 0);
	assert_int_equal(p256_pair_pem(pair,
			     (struct hm_span){ room, sizeof(pkcs8) - 1 }, &len),
	    HM_OK);
	assert_int_equal(len, sizeof(pkcs8) - 1);
	assert_memory_equal(room, pkcs8, len);
	p256_pair_free(pair);
}

static void
writes_the_der_of_a_private_key(void **state)
{
	struct p256_pair *pair;
	uint8_t der[P256_SEC1_LEN], wanted[P256_SEC1_LEN + 3];
	size_t len = 0, wanted_len;
	char body[256];
	size_t body_len = 0;

	(void)state;
	/* The PEM without its first and last line. */
	for (const char *at = strchr(sec1, '\n') + 1; *at != '-'; at++) {
		if (*at != '\n')
			body[body_len++] = *at;
	}
	assert_int_equal(
	    base64_parse((struct hm_bytes){ (uint8_t *)body, body_len },
		(struct hm_span){ wanted, sizeof(wanted) }, &wanted_len),
	    HM_OK);
	assert_int_equal(wanted_len, P256_SEC1_LEN);
	assert_int_equal(p256_pair_from_pem(hm_bytes_of(sec1), &pair), HM_OK);
	assert_int_equal(p256_pair_sec1(pair,
			     (struct hm_span){ der, sizeof(der) - 1 }, &len),
	    HM_E_NO_ROOM);
	assert_int_equal(len, 0);
	assert_int_equal(
	    p256_pair_sec1(pair, (struct hm_span){ der, sizeof(der) }, &len),
	    HM_OK);
	assert_int_equal(len, P256_SEC1_LEN);
	assert_memory_equal(der, wanted, len);
	p256_pair_free(pair);
}

static void
reads_and_writes_a_public_key(void **state)
{
	uint8_t point[P256_POINT_LEN], room[P256_PEM_MAX];
	struct hm_span span = { room, sizeof(room) };
	size_t len = 0;

	(void)state;
	assert_int_equal(
	    p256_point_from_pem(hm_bytes_of(public_key), point), HM_OK);
	assert_hex(point, sizeof(point), POINT);
	assert_int_equal(
	    p256_point_pem(point, (struct hm_span){ room, 10 }, &len),
	    HM_E_NO_ROOM);
	assert_int_equal(p256_point_pem(point, span, &len), HM_OK);
	assert_int_equal(len, sizeof(public_key) - 1);
	assert_memory_equal(room, public_key, len);
}

static void
refuses_other_public_keys_and_writes_nothing(void **state)
{
	const char *const forms[] = { "", "no key", compressed, explicit_curve,
		ed25519_public_key, pkcs8 };
	uint8_t point[P256_POINT_LEN], before[P256_POINT_LEN];

	(void)state;
	memset(before, 0x5a, sizeof(before));
	memcpy(point, before, sizeof(point));
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		assert_int_equal(
		    p256_point_from_pem(hm_bytes_of(forms[i]), point),
		    HM_E_KEY);
	assert_memory_equal(point, before, sizeof(point));
}

static void
refuses_a_public_key_off_the_curve(void **state)
{
	uint8_t point[P256_POINT_LEN], room[P256_PEM_MAX];
	size_t len;

	(void)state;
	unhex(POINT, point, sizeof(point));
	point[64] ^= 1;
	assert_int_equal(
	    p256_point_pem(point, (struct hm_span){ room, sizeof(room) }, &len),
	    HM_OK);
	assert_int_equal(
	    p256_point_from_pem((struct hm_bytes){ room, len }, point),
	    HM_E_KEY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_private_key_in_every_form),
		cmocka_unit_test(refuses_other_private_keys),
		cmocka_unit_test(writes_a_private_key_as_openssl_does),
		cmocka_unit_test(writes_the_der_of_a_private_key),
		cmocka_unit_test(reads_and_writes_a_public_key),
		cmocka_unit_test(refuses_other_public_keys_and_writes_nothing),
		cmocka_unit_test(refuses_a_public_key_off_the_curve),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
