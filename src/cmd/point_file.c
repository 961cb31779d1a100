/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/point_file.h"

#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "ca/ca.h"
#include "crypto/p256.h"

#define PEM_MAX 65536

hm_err
point_read(const char *path, uint8_t ret[static HM_POINT_LEN], struct why *why)
{
	AUTO(buf) struct buf pem = { 0 }, der = { 0 };
	struct ca_view view;

	HM_TRY(file_read_text(path, PEM_MAX, &pem, why));
	if (p256_point_from_pem(buf_bytes(&pem), ret) == HM_OK)
		return HM_OK;
	buf_init(&der, HM_CERT_MAX);
	why_where(why, "%s", path);
	if (pem_parse("CERTIFICATE", buf_bytes(&pem), &der) != HM_OK ||
	    ca_view(buf_bytes(&der), &view) != HM_OK || view.point[0] != 4)
		return WHY(why, HM_E_KEY,
		    "neither a P-256 public key nor a certificate of one");
	memcpy(ret, view.point, HM_POINT_LEN);
	return HM_OK;
}
