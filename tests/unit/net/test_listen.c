/* SPDX-License-Identifier: Apache-2.0 */
/* net/listen: addresses, and the socket as the server wants it */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/server.h"

static int
option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof value;

	assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

static void
listens_with_the_options_that_a_server_needs(void **state)
{
	static const char *const addresses[] = { "127.0.0.1:0", "[::1]:0" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char address[NET_ADDRESS_LEN];
		int fd = -1, second = -1;
		struct why why = { 0 };
		hm_err err = net_listen(addresses[i], &fd, &why);

		if (err != HM_OK && i == 1)
			continue; /* no IPv6 here */
		assert_int_equal(err, HM_OK);
		assert_int_equal(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
		assert_int_equal(option(fd, SOL_SOCKET, SO_REUSEPORT), 1);
		assert_int_equal(option(fd, SOL_SOCKET, SO_ACCEPTCONN), 1);
		assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		assert_int_equal(net_local_address(fd, address), HM_OK);
		assert_null(strstr(address, ":0"));
		/* each front has one of its own */
		assert_int_equal(net_listen(address, &second, NULL), HM_OK);
		close(second);
		close(fd);
	}
}

static void
refuses_what_is_not_an_address_with_a_port(void **state)
{
	static const char *const bad[] = { "", ":", ":80", "127.0.0.1",
		"127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1: 1",
		"localhost:80", "::1:80", "[::1:80", "256.0.0.1:80",
		"127.0.0.1:80x" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		int fd = -7;
		if (net_listen(bad[i], &fd, NULL) != HM_E_USAGE)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(fd, -7);
	}
}

static void
tells_that_an_address_is_taken(void **state)
{
	struct sockaddr_in any = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int taken = socket(AF_INET, SOCK_STREAM, 0), fd = -7;
	char address[NET_ADDRESS_LEN];
	struct why why = { 0 };

	(void)state;
	assert_int_equal(bind(taken, (struct sockaddr *)&any, sizeof any), 0);
	assert_int_equal(listen(taken, 1), 0);
	assert_int_equal(net_local_address(taken, address), HM_OK);
	assert_int_equal(net_listen(address, &fd, &why), HM_E_UNREACHABLE);
	assert_int_equal(fd, -7);
	assert_non_null(strstr(why.text, address));
	close(taken);
	assert_int_equal(net_local_address(-1, address), HM_E_IO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listens_with_the_options_that_a_server_needs),
		cmocka_unit_test(refuses_what_is_not_an_address_with_a_port),
		cmocka_unit_test(tells_that_an_address_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
