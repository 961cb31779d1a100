/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crc.h"

#include <zlib.h>

uint32_t
crc32_add(uint32_t crc, struct hm_bytes bytes)
{
	/* An empty pointer would ask zlib for its start value. */
	if (bytes.len == 0)
		return crc;
	return (uint32_t)crc32_z(crc, bytes.ptr, bytes.len);
}
