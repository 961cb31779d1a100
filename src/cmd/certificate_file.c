/* SPDX-License-Identifier: Apache-2.0 */
#include "base/auto.h"
#include "base/file.h"
#include "ca/ca.h"
#include "cmd/key_file.h"

#define PEM_MAX 65536

hm_err
certificate_read(const char *path, struct buf *ret, struct why *why)
{
	AUTO(buf) struct buf file = { 0 };

	HM_TRY(file_read(path, PEM_MAX, &file, why));
	buf_init(ret, PEM_MAX);
	if (file.len != 0 && file.ptr[0] == 0x30)
		return buf_add(ret, buf_bytes(&file));
	if (pem_parse("CERTIFICATE", buf_bytes(&file), ret) != HM_OK) {
		why_where(why, "%s", path);
		return WHY(why, HM_E_CERT, "no certificate in the file");
	}
	return HM_OK;
}
