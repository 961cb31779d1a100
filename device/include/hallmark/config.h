/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * config - the numbers that a product may set, and the only conditions
 *
 * A product that wants another value says -DHM_BOOT_ATTEMPTS=5, or brings a
 * file of its own with -DHM_CONFIG_FILE='"our_config.h"'. No other file of the
 * library has a conditional. Boot loader and application of one product are
 * built with the same values: both read the journal.
 */

#ifdef HM_CONFIG_FILE
#include HM_CONFIG_FILE
#endif

/* Starts that an update has in which to confirm itself. */
#ifndef HM_BOOT_ATTEMPTS
#define HM_BOOT_ATTEMPTS 3
#endif

/* Keys whose hashes the write-once region has room for. */
#ifndef HM_BOOT_KEYS
#define HM_BOOT_KEYS 4
#endif

/* 0: the agent takes no delivery, only stamp and receipt one after the other,
 * as one that leaves does (agent.h): it is 300 bytes smaller. */
#ifndef HM_AGENT_DELIVER
#define HM_AGENT_DELIVER 1
#endif

/* Bytes that are read from flash at once; a multiple of every write unit, and
 * of 64. Static memory of the verifier, stack of others who read. */
#ifndef HM_FLASH_PIECE
#define HM_FLASH_PIECE 256
#endif

/* Longest TLV areas of an image, protected and not, together; bytes. */
#ifndef HM_IMAGE_TLVS_MAX
#define HM_IMAGE_TLVS_MAX 1024
#endif

/* An update is noted in the journal each time that so many more bytes of it
 * are durable, and a sector ends: less is lost by a cut, more is written. */
#ifndef HM_UPDATE_MARK
#define HM_UPDATE_MARK 4096
#endif

/* Longest piece of an update in one message, bytes: update_link.h. */
#ifndef HM_UPDATE_PIECE
#define HM_UPDATE_PIECE 1024
#endif

/* 1: an image without a security counter is refused. 0: it counts as 0, for
 * fleets that have started without. */
#ifndef HM_IMAGE_COUNTER_NEEDED
#define HM_IMAGE_COUNTER_NEEDED 1
#endif

/* Bytes of the heap that Mbed TLS gets where there is no other (mbedtls.h).
 * Measured: P-256 and AES-GCM need 3072, P-384 4096, RSA-2048 5120, RSA-3072
 * 8192. Too small a heap refuses what should have been taken, nothing worse. */
#ifndef HM_MBEDTLS_POOL
#define HM_MBEDTLS_POOL 8192
#endif

/* Before a function: not merged into others, and no register that it need not
 * keep has anything of its work when it returns. Compilers that cannot do the
 * second (clang, GCC below 11) do the first. */
#ifndef HM_LEAVES_NOTHING
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11
#define HM_LEAVES_NOTHING \
	__attribute__((noinline, zero_call_used_regs("used-gpr")))
#elif defined(__GNUC__)
#define HM_LEAVES_NOTHING __attribute__((noinline))
#else
#define HM_LEAVES_NOTHING
#endif
#endif
