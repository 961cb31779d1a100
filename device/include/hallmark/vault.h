/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * vault - the records of port.h on raw flash, encrypted and authenticated
 *
 * A product with flash links src/vault*.c, which define hm_port_store_read()
 * and hm_port_store_write() over HM_AREA_VAULT; then "storage in the clear" in
 * port.h is the vault's business, not the port's. It draws random numbers
 * (hm_port_random) and its key (hm_port_derive) from the port.
 *
 * The area is two banks of equal size; one is in use. Records are appended to
 * it, each sealed with AES-256-GCM under a key of its own, which follows from
 * the chip's key, a fresh salt, the sequence, the record's number and its
 * place. A replacement becomes the newest with its last write unit. When the
 * bank is full, and at the first write after each start, all that counts is
 * written to the other bank, and this one erased: the banks take turns (wear),
 * and what a replacement has superseded is gone at the next start at the
 * latest. src/vault_entry.h draws the layout, docs/formats/device-vault.md says
 * why it is so.
 *
 * Roll-back of the whole area by someone with a flash programmer is not
 * noticed here unless the port has a counter for it; the stamp and the server's
 * books are what stops a device from being provisioned twice.
 *
 * RAM: 100 bytes, and 1.2 KiB of stack besides that of AES-GCM. One thread.
 */

#include "hallmark/crypto.h"
#include "hallmark/flash.h"

HM_C_BEGIN

/*
 * Bytes of flash that a record of `len` bytes takes, whatever the write unit is
 * (smaller units: up to 40 bytes less). A bank holds the sum over the records
 * of a product and HM_VAULT_RECORD(0); the area is two banks. For all records
 * at their maxima (limits.h) that is 90 KiB; for a stamp of 2 KiB, 512 bytes of
 * secrets and a receipt of 1 KiB it is 12 KiB, and more means fewer erases.
 */
#define HM_VAULT_RECORD(len) (128 + (len) / 240 * 256 + (len) % 240 + 16)

/*
 * After every reset, before the agent: finds the newest records and finishes
 * what a cut has left. Nothing to do on erased flash. HM_E_STORAGE (more is
 * damaged than a cut can explain, or it is another chip's), HM_E_IO,
 * HM_E_NOT_FOUND (no such area): reads and writes are HM_E_STORAGE then
 */
HM_MUST hm_err hm_vault_init(void);
/* Decommission: every sector erased, and read back; blank afterwards. A cut
 * leaves all or nothing to the next start. HM_E_STORAGE */
HM_MUST hm_err hm_vault_erase(void);
/* Bytes that all records together may have, headers included; 0 before
 * hm_vault_init. */
uint32_t hm_vault_room(void);

HM_C_END
