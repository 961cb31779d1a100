/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mbedtls_cert ROOT SUB CRL LEAF... - each leaf as mbedTLS reads and judges it
 *
 * Prints what mbedtls_x509_crt_info says, then "LEAF: good" or the reasons.
 * Exit status 1 if anything cannot be parsed; a bad chain is an answer.
 */
#include <mbedtls/x509_crt.h>

#include <stdio.h>

static int
judge(const char *path, const char *sub, mbedtls_x509_crt *root,
    mbedtls_x509_crl *crl)
{
	static char text[8192];
	mbedtls_x509_crt chain;
	uint32_t flags = 0;
	int err;

	mbedtls_x509_crt_init(&chain);
	err = mbedtls_x509_crt_parse_file(&chain, path);
	if (err == 0)
		err = mbedtls_x509_crt_parse_file(&chain, sub);
	if (err != 0) {
		printf("%s: cannot be parsed: -0x%x\n", path, (unsigned)-err);
		mbedtls_x509_crt_free(&chain);
		return 1;
	}
	(void)mbedtls_x509_crt_info(text, sizeof(text), "  ", &chain);
	printf("%s", text);
	if (mbedtls_x509_crt_verify(
		&chain, root, crl, NULL, &flags, NULL, NULL) == 0) {
		printf("%s: good\n", path);
	} else {
		(void)mbedtls_x509_crt_verify_info(
		    text, sizeof(text), "", flags);
		printf("%s: %s", path, text);
	}
	mbedtls_x509_crt_free(&chain);
	return 0;
}

int
main(int argc, char **argv)
{
	mbedtls_x509_crt root;
	mbedtls_x509_crl crl;
	int failed = 0;

	mbedtls_x509_crt_init(&root);
	mbedtls_x509_crl_init(&crl);
	if (argc < 5 || mbedtls_x509_crt_parse_file(&root, argv[1]) != 0 ||
	    mbedtls_x509_crl_parse_file(&crl, argv[3]) != 0) {
		printf("usage: mbedtls_cert ROOT SUB CRL LEAF...\n");
		failed = 1;
	}
	for (int i = 4; i < argc && !failed; i++)
		failed = judge(argv[i], argv[2], &root, &crl);
	mbedtls_x509_crl_free(&crl);
	mbedtls_x509_crt_free(&root);
	return failed;
}
