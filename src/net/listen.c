/* SPDX-License-Identifier: Apache-2.0 */
#include "net/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/text.h"

#define BACKLOG 512

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage room;
};

static void
fd_done(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* "127.0.0.1:8443" or "[::1]:8443" */
static hm_err
parse_address(const char *text, union address *ret, socklen_t *ret_len)
{
	const char *colon = strrchr(text, ':');
	char host[NET_ADDRESS_LEN];
	uint64_t port;
	size_t n;

	*ret = (union address){ 0 };
	if (!colon ||
	    uint_parse(hm_bytes_of(colon + 1), UINT16_MAX, &port) != HM_OK)
		return HM_E_USAGE;
	n = (size_t)(colon - text);
	if (n < 2 || n >= sizeof host)
		return HM_E_USAGE;
	memcpy(host, text, n);
	host[n] = '\0';
	if (host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		ret->v6.sin6_family = AF_INET6;
		ret->v6.sin6_port = htons((uint16_t)port);
		*ret_len = sizeof ret->v6;
		return inet_pton(AF_INET6, host + 1, &ret->v6.sin6_addr) == 1
			   ? HM_OK
			   : HM_E_USAGE;
	}
	ret->v4.sin_family = AF_INET;
	ret->v4.sin_port = htons((uint16_t)port);
	*ret_len = sizeof ret->v4;
	return inet_pton(AF_INET, host, &ret->v4.sin_addr) == 1 ? HM_OK
								: HM_E_USAGE;
}

static bool
set_one(int fd, int level, int option)
{
	const int one = 1;

	return setsockopt(fd, level, option, &one, sizeof one) == 0;
}

static bool
prepare(int fd, int family)
{
	return set_one(fd, SOL_SOCKET, SO_REUSEADDR) &&
	       set_one(fd, SOL_SOCKET, SO_REUSEPORT) &&
	       set_one(fd, IPPROTO_TCP, TCP_NODELAY) &&
	       (family != AF_INET6 || set_one(fd, IPPROTO_IPV6, IPV6_V6ONLY));
}

hm_err
net_listen(const char *address, int *ret_fd, struct why *why)
{
	union address to;
	socklen_t len;
	AUTO(fd) int fd = -1;

	if (parse_address(address, &to, &len) != HM_OK)
		return WHY(why, HM_E_USAGE,
		    "\"%s\" is not an address with a port, as 127.0.0.1:8443",
		    address);
	fd = socket(
	    to.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || !prepare(fd, to.any.sa_family) ||
	    bind(fd, &to.any, len) != 0 || listen(fd, BACKLOG) != 0)
		return WHY(why, HM_E_UNREACHABLE, "cannot listen on %s: %s",
		    address, strerror(errno));
	*ret_fd = fd;
	fd = -1;
	return HM_OK;
}

hm_err
net_local_address(int fd, char ret[static NET_ADDRESS_LEN])
{
	union address at = { 0 };
	socklen_t len = sizeof at;
	char host[INET6_ADDRSTRLEN];
	bool six;

	if (getsockname(fd, &at.any, &len) != 0)
		return HM_E_IO;
	six = at.any.sa_family == AF_INET6;
	if (!six && at.any.sa_family != AF_INET)
		return HM_E_IO;
	if (!inet_ntop(at.any.sa_family,
		six ? (void *)&at.v6.sin6_addr : (void *)&at.v4.sin_addr, host,
		sizeof host))
		return HM_E_IO;
	snprintf(ret, NET_ADDRESS_LEN, six ? "[%s]:%u" : "%s:%u", host,
	    (unsigned)ntohs(six ? at.v6.sin6_port : at.v4.sin_port));
	return HM_OK;
}
