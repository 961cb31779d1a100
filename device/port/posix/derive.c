/* SPDX-License-Identifier: Apache-2.0 */
#include "derive.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/check.h"
#include "hallmark/crypto.h"

#define LABEL_MAX 32 /* flash.h */

static uint8_t secret[DERIVE_SECRET_LEN];
static bool is_open;

/* Only its owner's, and as long as it is to be. */
static bool
is_right(int fd)
{
	struct stat about;

	return fstat(fd, &about) == 0 && S_ISREG(about.st_mode) &&
	       (about.st_mode & (S_IRWXG | S_IRWXO)) == 0 &&
	       about.st_size == DERIVE_SECRET_LEN;
}

static bool
read_all(int fd)
{
	size_t done = 0;

	while (done < sizeof(secret)) {
		ssize_t got = read(fd, secret + done, sizeof(secret) - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		done += (size_t)got;
	}
	return true;
}

hm_err
derive_open(const char *path)
{
	const int fd =
	    open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	derive_close();
	if (fd < 0)
		return errno == ENOENT ? HM_E_NOT_FOUND : HM_E_IO;
	is_open = is_right(fd) && read_all(fd);
	(void)close(fd);
	if (is_open)
		return HM_OK;
	derive_close();
	return HM_E_IO;
}

void
derive_close(void)
{
	hm_wipe(secret, sizeof(secret));
	is_open = false;
}

hm_err
hm_port_derive(struct hm_bytes label, uint8_t ret[static 32])
{
	hm_assert(label.len <= LABEL_MAX);
	if (!is_open)
		return HM_E_IO;
	hm_hmac(HM_BYTES(secret), &label, 1, ret);
	return HM_OK;
}
