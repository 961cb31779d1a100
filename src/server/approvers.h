/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * approvers - keys that may approve releases, as the server's administrator
 * pinned them
 *
 * A credential with the role of approver is signed by the authority. If that
 * were all, whoever holds the authority's key could make two people up and
 * approve a production release alone. So the server's configuration names the
 * keys too, and keeper and signer believe an approval only if both say so: who
 * signs credentials and who administrates the server have to be deceived both
 * (decision 0008).
 *
 * A key stays in the list for good: what it approved is counted by the list.
 * Who leaves is revoked (hallmark station revoke).
 */
#include "core/bytes.h"
#include "wire/limits.h"

#define APPROVERS_MAX 32

struct approvers {
	uint8_t keys[APPROVERS_MAX][HM_POINT_LEN];
	uint32_t count;
};

/* Is the key in the list? */
bool approvers_have(
    const struct approvers *approvers, const uint8_t key[static HM_POINT_LEN]);
