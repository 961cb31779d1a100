/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * image_mcuboot - images for MCUboot; options as imgtool's users know them
 *
 * Intel HEX is taken wherever an image is. It is written where --hex-addr says
 * so, or where the name of the result ends in .hex.
 */
#include "cmd/image_job.h"

#define MCUBOOT_SLOT_SIZE_OPTION                                     \
	{                                                            \
		"slot-size", OPTION_TEXT,                            \
		    .metavar = "BYTES",                              \
		    .help = "mcuboot: size of the slot, 0x20000 or " \
			    "131072"                                 \
	}
#define MCUBOOT_HEX_ADDR_OPTION                                   \
	{                                                         \
		"hex-addr", OPTION_TEXT,                          \
		    .metavar = "ADDRESS",                         \
		    .help = "mcuboot: write Intel HEX for there " \
			    "(any result named .hex is)"          \
	}
#define MCUBOOT_ERASED_OPTION                                              \
	{                                                                  \
		"erased-val", OPTION_ENUM, .choices = "0xff|0",            \
					   .help = "mcuboot: what erased " \
						   "flash reads"           \
	}
#define MCUBOOT_COUNTER_OPTION(words)                                      \
	{                                                                  \
		"security-counter", OPTION_TEXT, .metavar = "NUMBER",      \
						 .help = "mcuboot: " words \
	}
#define MCUBOOT_KEY_STYLE_OPTIONS                                             \
	{ "public-key-format", OPTION_ENUM, .choices = "hash|full",           \
		.help = "mcuboot: name the key by its hash, or whole "        \
			"(MCUBOOT_HW_KEY)" },                                 \
	{                                                                     \
		"pure", OPTION_FLAG,                                          \
		    .help = "mcuboot: Ed25519 over the image, not its digest" \
	}

#define MCUBOOT_HEADER_OPTIONS                                                 \
	{ "image-version", OPTION_TEXT, .metavar = "M.N.R+B",                  \
		.help = "mcuboot: version of the image" },                     \
	    { "header-size", OPTION_TEXT, .metavar = "BYTES",                  \
		    .help = "mcuboot: from the start to the payload, 0x200" }, \
	    { "pad-header", OPTION_FLAG,                                       \
		    .help = "mcuboot: put the header in front; else it "       \
			    "replaces zeros" },                                \
	    { "load-addr", OPTION_TEXT, .metavar = "ADDRESS",                  \
		    .help = "mcuboot: copied to RAM there" },                  \
	    { "rom-fixed", OPTION_TEXT, .metavar = "ADDRESS",                  \
		    .help = "mcuboot: runs from that address only" },          \
	{                                                                      \
		"non-bootable", OPTION_FLAG,                                   \
		    .help = "mcuboot: data, not started"                       \
	}

#define MCUBOOT_TLV_OPTIONS                                                  \
	MCUBOOT_COUNTER_OPTION("security counter, or auto: of the version"), \
	    { "dependencies", OPTION_TEXT, .repeated = true,                 \
		    .metavar = "\"(IMAGE,VERSION)\"",                        \
		    .help = "mcuboot: other images that must be there" },    \
	    { "boot-record", OPTION_TEXT, .metavar = "TYPE",                 \
		    .help = "mcuboot: software type for attestation" },      \
	    { "vid", OPTION_TEXT, .metavar = "UUID",                         \
		    .help = "mcuboot: vendor, or a domain name" },           \
	    { "cid", OPTION_TEXT, .metavar = "UUID",                         \
		    .help = "mcuboot: class, or a name under the vendor" },  \
	{                                                                    \
		"custom-tlv", OPTION_TEXT,                                   \
		    .repeated = true, .metavar = "TYPE=VALUE",               \
		    .help = "mcuboot: protected, 0x00a0=0x0123ab or =text"   \
	}

#define MCUBOOT_SLOT_OPTIONS                                                  \
	MCUBOOT_SLOT_SIZE_OPTION, MCUBOOT_HEX_ADDR_OPTION,                    \
	    MCUBOOT_ERASED_OPTION,                                            \
	    { "align", OPTION_ENUM, .choices = "1|2|4|8|16|32",               \
		    .help = "mcuboot: write size of the flash" },             \
	    { "max-align", OPTION_ENUM, .choices = "8|16|32",                 \
		    .help = "mcuboot: alignment of the trailer" },            \
	    { "max-sectors", OPTION_INT, .min = 1, .max = 65536,              \
		    .help = "mcuboot: sectors of the slot (128)" },           \
	    { "swap-offset", OPTION_TEXT, .metavar = "BYTES",                 \
		    .help = "mcuboot: it swaps using offset; a sector" },     \
	    { "overwrite-only", OPTION_FLAG,                                  \
		    .help = "mcuboot: the boot loader copies, not swaps" },   \
	    { "save-enctlv", OPTION_FLAG,                                     \
		    .help = "mcuboot: it keeps the wrapped key in the "       \
			    "trailer" },                                      \
	    { "pad", OPTION_FLAG,                                             \
		    .help = "mcuboot: fill the slot, with boot magic" },      \
	    { "test", OPTION_FLAG,                                            \
		    .help = "mcuboot: the same: started once, then judged" }, \
	{                                                                     \
		"confirm", OPTION_FLAG,                                       \
		    .help = "mcuboot: the same, and for good"                 \
	}

#define MCUBOOT_SEAL_OPTIONS                                             \
	{ "encrypt-keylen", OPTION_ENUM, .choices = "128|256",           \
		.help = "mcuboot: bits of the payload key (128)" },      \
	    { "hmac-sha", OPTION_ENUM, .choices = "256|512",             \
		    .help = "mcuboot: of X25519 encryption (256)" },     \
	{                                                                \
		"clear", OPTION_FLAG,                                    \
		    .help = "mcuboot: flag and wrapped key, payload in " \
			    "clear"                                      \
	}

#define MCUBOOT_SIGN_OPTIONS                                               \
	MCUBOOT_HEADER_OPTIONS, MCUBOOT_TLV_OPTIONS, MCUBOOT_SLOT_OPTIONS, \
	    MCUBOOT_SEAL_OPTIONS, MCUBOOT_KEY_STYLE_OPTIONS
#define MCUBOOT_RESIGN_OPTIONS MCUBOOT_KEY_STYLE_OPTIONS
#define MCUBOOT_VERIFY_OPTIONS    \
	MCUBOOT_SLOT_SIZE_OPTION, \
	    MCUBOOT_COUNTER_OPTION("what the device has; none below it")
#define MCUBOOT_DECRYPT_OPTIONS                                     \
	{                                                           \
		"payload", OPTION_FLAG,                             \
		    .help = "mcuboot: the payload alone; else an "  \
			    "image in clear, whose signatures hold" \
	}
#define MCUBOOT_ENCRYPT_OPTIONS                                   \
	{                                                         \
		"hmac-sha", OPTION_ENUM,                          \
		    .choices = "256|512",                         \
		    .help = "mcuboot: of X25519 encryption (256)" \
	}
#define MCUBOOT_CONVERT_OPTIONS \
	MCUBOOT_HEX_ADDR_OPTION, MCUBOOT_ERASED_OPTION, MCUBOOT_ENCRYPT_OPTIONS

extern const struct image_command image_mcuboot;
