/* SPDX-License-Identifier: Apache-2.0 */
/* The secret of a simulated chip, and what follows from it. */
#include "derive.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hallmark/crypto.h"

static char dir[] = "/tmp/hm-derive-XXXXXX", path[64], link_path[64];
static const uint8_t one[DERIVE_SECRET_LEN + 1] = { 1, 2, 3 },
					     other[DERIVE_SECRET_LEN] = { 4 };

static void
put(const uint8_t *bytes, size_t len, mode_t mode)
{
	int fd;

	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
}

static int
set_up(void **unused)
{
	(void)unused;
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/secret", dir);
	(void)snprintf(link_path, sizeof(link_path), "%s/link", dir);
	return 0;
}

static int
tear_down(void **unused)
{
	(void)unused;
	(void)unlink(path);
	(void)unlink(link_path);
	return rmdir(dir);
}

static void
derives_the_same_from_secret_and_label_alone(void **unused)
{
	const struct hm_bytes label = HM_LITERAL("hallmark-vault-v1");
	uint8_t first[32], again[32], should[32];

	(void)unused;
	put(one, DERIVE_SECRET_LEN, 0600);
	assert_int_equal(derive_open(path), HM_OK);
	assert_int_equal(hm_port_derive(label, first), HM_OK);
	hm_hmac((struct hm_bytes){ one, DERIVE_SECRET_LEN }, &label, 1, should);
	assert_memory_equal(first, should, 32);
	assert_int_equal(hm_port_derive(HM_LITERAL("evidence"), again), HM_OK);
	assert_memory_not_equal(first, again, 32);
	put(other, sizeof(other), 0400);
	assert_int_equal(derive_open(path), HM_OK);
	assert_int_equal(hm_port_derive(label, again), HM_OK);
	assert_memory_not_equal(first, again, 32);
	put(one, DERIVE_SECRET_LEN, 0600);
	assert_int_equal(derive_open(path), HM_OK);
	assert_int_equal(hm_port_derive(label, again), HM_OK);
	assert_memory_equal(first, again, 32);
}

static void
takes_no_secret_that_others_may_read_or_that_is_none(void **unused)
{
	static const struct {
		size_t len;
		mode_t mode;
	} wrong[] = { { 0, 0600 }, { 31, 0600 }, { 33, 0600 }, { 32, 0640 },
		{ 32, 0604 }, { 32, 0601 }, { 32, 0620 } };
	const struct hm_bytes label = HM_LITERAL("hallmark-vault-v1");
	uint8_t ret[32] = { 7 };

	(void)unused;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		put(one, DERIVE_SECRET_LEN, 0600);
		assert_int_equal(derive_open(path), HM_OK);
		put(one, wrong[i].len, wrong[i].mode);
		assert_int_equal(derive_open(path), HM_E_IO);
		/* nor is the one before still there */
		assert_int_equal(hm_port_derive(label, ret), HM_E_IO);
		assert_int_equal(ret[0], 7);
	}
	assert_int_equal(derive_open(dir), HM_E_IO);
	put(one, DERIVE_SECRET_LEN, 0600);
	assert_int_equal(symlink(path, link_path), 0);
	assert_int_equal(derive_open(link_path), HM_E_IO);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(derive_open(path), HM_E_NOT_FOUND);
	assert_int_equal(hm_port_derive(label, ret), HM_E_IO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(derives_the_same_from_secret_and_label_alone),
		cmocka_unit_test(
		    takes_no_secret_that_others_may_read_or_that_is_none),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
