/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * vault - the records of port.h on raw flash, encrypted and authenticated
 *
 * A product with flash links src/vault.c, which defines hm_port_store_read()
 * and hm_port_store_write() over HM_AREA_VAULT; then "storage in the clear" in
 * port.h is the vault's business, not the port's.
 *
 * Records are appended, each sealed with AES-256-GCM under a key that the port
 * derives from the chip (hm_port_derive), with the record's number, its version
 * and its place bound in. A replacement becomes the newest in one write; when
 * a sector is full, what is current moves to the next, and the old one is
 * erased: sectors take turns (wear), and no plaintext and no superseded secret
 * stays for longer than that. A nonce is never used twice: it is the sequence
 * number, which never goes back, not even over a cut.
 *
 * Roll-back of the whole area by someone with a flash programmer is not
 * noticed here unless the port has a counter for it; the stamp and the server's
 * books are what stops a device from being provisioned twice.
 */

#include "hallmark/crypto.h"
#include "hallmark/flash.h"

HM_C_BEGIN

/*
 * After every reset, before the agent: finds the newest records and finishes
 * what a cut has left. Nothing to do on erased flash. HM_E_STORAGE (more is
 * damaged than a cut can explain), HM_E_IO
 */
HM_MUST hm_err hm_vault_init(void);
/* Decommission: every sector erased, and read back. HM_E_STORAGE */
HM_MUST hm_err hm_vault_erase(void);
/* Bytes that all records together may have, headers included. */
uint32_t hm_vault_room(void);

HM_C_END
