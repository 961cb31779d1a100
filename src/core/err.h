/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * err - every way in which a call can fail
 *
 * One list feeds code, log, HTTP and exit status and the manual. It only grows:
 * a number is never given anew, for it stands on disk and in people's notes. It
 * is the id that people see: 6101 is "HM-6101". The thousands name the area:
 * 1 usage and configuration, 2 device and fixture, 3 flash and image,
 * 4 token, certificates and attestation, 5 network and server, 6 orders and
 * releases, 7 identity and uniqueness, 8 audit, time and records, 9 internal.
 *
 * Classes: TRANSIENT (try again, nothing was changed), PERMANENT (the same
 * request fails again), HOLD (the unit stays where it is until someone has
 * looked), SECURITY (as PERMANENT, and somebody is told at once).
 *
 * Two fates: a refusal (the answer names it) and a breakdown (memory, I/O,
 * token, database: HTTP 503, forwarded unchanged to the boundary).
 */

#include "core/err_device.h"
#include "core/err_image.h"
#include "core/err_release.h"
#include "core/lang.h"

/* Exit statuses; the table for people is hallmark-exit-codes(7). */
#define HM_EXIT_OK 0
#define HM_EXIT_BUG 1
#define HM_EXIT_USAGE 2
#define HM_EXIT_CONFIG 3
#define HM_EXIT_NO 4   /* verification says no */
#define HM_EXIT_SOME 5 /* some slots or units failed */
#define HM_EXIT_QUOTA 6
#define HM_EXIT_RIGHTS 7
#define HM_EXIT_TOKEN 8
#define HM_EXIT_RETRY 9 /* server or network, safe to try again */
#define HM_EXIT_REFUSED 10
#define HM_EXIT_TWICE 11 /* duplicate identity */
#define HM_EXIT_DEVICE 12
#define HM_EXIT_HOLD 13
#define HM_EXIT_CLOCK 14
#define HM_EXIT_LOG 15 /* audit log inconsistent */
#define HM_EXIT_NOTHING 16

/* name, id, HTTP status, exit status, class, words, what to do about it */
#define HM_ERR_LIST(X)                                                         \
	X(OK, 0, 200, OK, PERMANENT, "done", "nothing")                        \
	X(E_USAGE, 1001, 400, USAGE, PERMANENT,                                \
	    "the command is not understood", "see the line above, or --help")  \
	X(E_NOTHING, 1016, 409, NOTHING, PERMANENT,                            \
	    "there was nothing to do although work was asked for",             \
	    "check that the slots have units and the order is open")           \
	X(E_NO_TERMINAL, 1020, 400, REFUSED, PERMANENT,                        \
	    "a question would have to be asked, and there is no terminal",     \
	    "give the answer with its option; every prompt has one")           \
	X(E_CONFIG_KEY, 1301, 400, CONFIG, PERMANENT, "unknown key",           \
	    "hallmark config reference KIND lists the keys")                   \
	X(E_CONFIG_TWICE, 1302, 400, CONFIG, PERMANENT, "key given twice",     \
	    "remove one of the two")                                           \
	X(E_CONFIG_TYPE, 1304, 400, CONFIG, PERMANENT,                         \
	    "value of the wrong type or out of range",                         \
	    "hallmark config template KIND shows type and range of each key")  \
	X(E_CONFIG_YAML, 1306, 400, CONFIG, PERMANENT,                         \
	    "a part of YAML that is not allowed here",                         \
	    "use plain mappings, lists and scalars")                           \
	X(E_CONFIG_BYTE, 1307, 400, CONFIG, PERMANENT,                         \
	    "a byte that does not belong into a text file",                    \
	    "save the file as UTF-8 with LF line ends, spaces for tabs")       \
	X(E_CONFIG_SIZE, 1308, 400, CONFIG, PERMANENT,                         \
	    "too large or nested too deep", "split the file")                  \
	X(E_CONFIG_SYNTAX, 1309, 400, CONFIG, PERMANENT,                       \
	    "the file is not valid YAML", "mend the place that is shown")      \
	X(E_CONFIG_MISSING, 1310, 400, CONFIG, PERMANENT,                      \
	    "a required key is missing",                                       \
	    "add it; hallmark config template KIND shows how")                 \
	X(E_CONFIG_QUOTES, 1311, 400, CONFIG, PERMANENT,                       \
	    "a value that other YAML readers would change",                    \
	    "put it in quotes")                                                \
	X(E_NO_DEVICE, 2101, 404, DEVICE, TRANSIENT,                           \
	    "no device answers in the slot",                                   \
	    "reseat the unit, check pogo pins and power")                      \
	X(E_LINK, 2102, 502, DEVICE, TRANSIENT,                                \
	    "the link to the device is disturbed",                             \
	    "check the cable, try again")                                      \
	X(E_DEVICE_REFUSED, 2103, 502, DEVICE, PERMANENT,                      \
	    "the device refused a message", "see the device's own code")       \
	X(E_ALREADY_MADE, 2202, 409, NO, SECURITY,                             \
	    "the device has been provisioned already",                         \
	    "put the unit aside; hallmark device show tells when and where")   \
	X(E_POWER_LOST, 2207, 502, HOLD, HOLD,                                 \
	    "the device went away in the middle of its provisioning",          \
	    "leave it in the slot, restore power: it is resumed")              \
	X(E_STAMP_FOREIGN, 2301, 403, NO, SECURITY,                            \
	    "the stamp is not from the maker of this device",                  \
	    "put the unit aside, ask the OEM for the stamp key of the "        \
	    "firmware")                                                        \
	X(E_STAMP_OTHER, 2302, 403, NO, SECURITY,                              \
	    "the stamp belongs to another device", "put the unit aside")       \
	X(E_STORAGE, 2303, 503, DEVICE, HOLD, "the device cannot store",       \
	    "put the unit aside: its flash may be worn or locked")             \
	X(E_NO_ENTROPY, 2304, 503, DEVICE, HOLD,                               \
	    "the device has no random numbers", "put the unit aside")          \
	X(E_WRONG_STATE, 2305, 409, DEVICE, PERMANENT,                         \
	    "not possible in the state of the device",                         \
	    "hallmark device show DEVICE tells its state")                     \
	X(E_RELEASE, 3101, 409, NO, SECURITY,                                  \
	    "the firmware is not the one that the order names",                \
	    "program the release of the order")                                \
	X(E_CHANNEL, 3110, 409, NO, SECURITY,                                  \
	    "a development release or key in a production order, or the "      \
	    "reverse",                                                         \
	    "use a release of the order's channel")                            \
	X(E_COUNTER, 3111, 409, NO, SECURITY,                                  \
	    "the security counter is below the release's",                     \
	    "program the release of the order")                                \
	HM_ERR_LIST_IMAGE(X)                                                   \
	HM_ERR_LIST_DEVICE(X)                                                  \
	X(E_TOKEN_MODULE, 4101, 503, TOKEN, PERMANENT,                         \
	    "the PKCS#11 module cannot be loaded", "hallmark hsm doctor URI")  \
	X(E_TOKEN_MATCH, 4102, 503, TOKEN, PERMANENT,                          \
	    "not exactly one token or object matches the URI",                 \
	    "add token, serial, object or id to the URI until one is left")    \
	X(E_TOKEN_PIN, 4105, 503, TOKEN, PERMANENT, "the PIN is wrong",        \
	    "mind the tries that are left before the token locks")             \
	X(E_TOKEN_GONE, 4106, 503, TOKEN, TRANSIENT,                           \
	    "the token does not answer", "check the token and its cable")      \
	X(E_TOKEN_BUSY, 4107, 503, TOKEN, TRANSIENT,                           \
	    "the token took too long", "try again; look at its load")          \
	X(E_TOKEN_POLICY, 4108, 503, TOKEN, SECURITY,                          \
	    "the attributes of a key differ from the key policy",              \
	    "hallmark hsm doctor URI names the attribute")                     \
	X(E_TOKEN_EXISTS, 4109, 409, TOKEN, PERMANENT,                         \
	    "the token has a key of that name already",                        \
	    "choose another name; keys are never overwritten")                 \
	X(E_TOKEN_MECHANISM, 4110, 503, TOKEN, PERMANENT,                      \
	    "the token lacks a mechanism",                                     \
	    "hallmark hsm doctor URI lists them")                              \
	X(E_TOKEN_WRONG, 4111, 503, TOKEN, SECURITY,                           \
	    "the token gave a signature that does not verify",                 \
	    "take the token out of service; hallmark hsm doctor URI")          \
	X(E_EVIDENCE, 4201, 403, NO, SECURITY,                                 \
	    "the evidence does not verify: not genuine hardware",              \
	    "put the unit into the red bin")                                   \
	X(E_EVIDENCE_KEY, 4202, 403, NO, SECURITY,                             \
	    "the evidence key is not one of the product's",                    \
	    "hallmark product enrol PRODUCT FILE lists it, if it is genuine")  \
	X(E_EVIDENCE_DUMMY, 4203, 403, NO, SECURITY,                           \
	    "the evidence key is a publicly known one",                        \
	    "the chip is a sample or was built with test keys")                \
	X(E_EVIDENCE_OPEN, 4204, 403, NO, SECURITY,                            \
	    "the chip is open: its life cycle or MPMR is not the product's",   \
	    "close the chip first, or put the unit aside")                     \
	X(E_EVIDENCE_SCHEME, 4205, 403, NO, SECURITY,                          \
	    "the product does not accept this evidence scheme",                \
	    "see evidence.scheme of the product")                              \
	X(E_POSSESSION, 4206, 403, NO, SECURITY,                               \
	    "the device does not prove that it has its key",                   \
	    "put the unit aside")                                              \
	X(E_NONCE, 4207, 403, RETRY, SECURITY,                                 \
	    "the challenge was not made for this order and station",           \
	    "ask for a new challenge")                                         \
	X(E_NONCE_STALE, 4208, 403, RETRY, TRANSIENT,                          \
	    "the challenge is too old",                                        \
	    "check the clock, ask for a new challenge")                        \
	X(E_SIGNATURE_REUSE, 4209, 403, NO, SECURITY,                          \
	    "a signature value was seen before with this key",                 \
	    "the chip's random generator is broken: stop the lot")             \
	X(E_CONFORMANCE, 4210, 403, NO, SECURITY,                              \
	    "the conformance does not fit what was issued",                    \
	    "put the unit aside")                                              \
	X(E_CERT, 4301, 403, NO, PERMANENT,                                    \
	    "a certificate or request is malformed or not allowed",            \
	    "see the profile of the product")                                  \
	X(E_CERT_DATES, 4302, 403, CLOCK, PERMANENT,                           \
	    "a certificate is not valid now, or the local clock is wrong",     \
	    "check the clock first, then the dates")                           \
	X(E_KEY, 4303, 403, NO, PERMANENT,                                     \
	    "a key is of the wrong kind, or no point on its curve",            \
	    "use a key of the kind that is asked for, points uncompressed")    \
	X(E_SIGNATURE, 4304, 403, NO, SECURITY, "a signature does not verify", \
	    "get the object from its maker again")                             \
	X(E_OPEN, 4305, 403, NO, SECURITY, "sealed bytes do not open",         \
	    "they were sealed for another key")                                \
	X(E_UNREACHABLE, 5101, 503, RETRY, TRANSIENT,                          \
	    "the server cannot be reached",                                    \
	    "check network and server; nothing was lost")                      \
	X(E_TIMEOUT, 5102, 504, RETRY, TRANSIENT,                              \
	    "the other side took too long", "try again")                       \
	X(E_TLS, 5103, 403, RIGHTS, PERMANENT,                                 \
	    "no TLS connection with these certificates",                       \
	    "check clock, CA and certificate of both sides")                   \
	X(E_BUSY, 5104, 429, RETRY, TRANSIENT, "too much work waiting",        \
	    "try again a little later")                                        \
	X(E_NO_ROUTE, 5105, 404, USAGE, PERMANENT, "no such address here",     \
	    "see docs/protocol.md")                                            \
	X(E_HTTP, 5106, 400, RETRY, PERMANENT,                                 \
	    "the HTTP message is not allowed", "see docs/protocol.md")         \
	X(E_STOPPING, 5107, 503, RETRY, TRANSIENT, "the server is stopping",   \
	    "try again")                                                       \
	X(E_BAD_INPUT, 5201, 400, NO, PERMANENT, "the message is malformed",   \
	    "compare it with docs/protocol.md")                                \
	X(E_TOO_LARGE, 5202, 413, NO, PERMANENT,                               \
	    "the message or file is larger than allowed",                      \
	    "the maxima stand in docs/protocol.md and docs/formats")           \
	X(E_QUOTA, 6101, 409, QUOTA, PERMANENT, "the order is used up",        \
	    "ask the OEM for a further order")                                 \
	X(E_NOT_YET, 6102, 403, CLOCK, PERMANENT,                              \
	    "not valid yet: check the clock",                                  \
	    "compare the clock with the order's dates")                        \
	X(E_EXPIRED, 6103, 403, CLOCK, PERMANENT,                              \
	    "no longer valid, or the clock is wrong",                          \
	    "compare the clock with the order's dates")                        \
	X(E_NO_ORDER, 6110, 404, RIGHTS, PERMANENT, "no such order",           \
	    "hallmark order show NAME; mind the spelling")                     \
	X(E_ORDER_CLOSED, 6111, 409, RIGHTS, PERMANENT, "the order is closed", \
	    "hallmark order show NAME")                                        \
	X(E_ORDER_STATION, 6112, 403, RIGHTS, SECURITY,                        \
	    "the order does not name this station",                            \
	    "use a station that it names, or ask for an order that names "     \
	    "this")                                                            \
	HM_ERR_LIST_RELEASE(X)                                                 \
	X(E_RIGHTS, 6201, 403, RIGHTS, SECURITY,                               \
	    "this credential may not do that", "use the right credential")     \
	X(E_UNKNOWN_PEER, 6202, 403, RIGHTS, SECURITY,                         \
	    "this credential is not registered, or was revoked",               \
	    "hallmark station create NAME registers its certificate")          \
	X(E_TWICE, 7001, 409, TWICE, SECURITY,                                 \
	    "that exists already with other content",                          \
	    "names and identities are given once")                             \
	X(E_TWICE_SERIAL, 7101, 409, TWICE, SECURITY,                          \
	    "the serial number is used already",                               \
	    "hallmark device show SERIAL")                                     \
	X(E_CLONE, 7102, 409, TWICE, SECURITY,                                 \
	    "the device id is known with other keys: clone alarm",             \
	    "keep the unit, tell the OEM's security team")                     \
	X(E_TWICE_KEY, 7103, 409, TWICE, SECURITY,                             \
	    "the key is known from another device: clone alarm",               \
	    "keep the unit, tell the OEM's security team")                     \
	X(E_TWICE_MAC, 7104, 409, TWICE, SECURITY,                             \
	    "the MAC address is used already",                                 \
	    "give the order a range of its own in mac_first")                  \
	X(E_NOT_FOUND, 7201, 404, NO, PERMANENT, "no such record",             \
	    "check the name")                                                  \
	X(E_CLOCK, 8101, 503, CLOCK, TRANSIENT,                                \
	    "the clock is not to be trusted", "set the clock, then try again") \
	X(E_LOG, 8201, 503, LOG, SECURITY, "the ledger is not consistent",     \
	    "hallmark audit verify FOLDER names the place")                    \
	X(E_LOG_PROOF, 8202, 403, LOG, SECURITY, "the proof does not verify",  \
	    "get receipt and checkpoint again, tell the auditor")              \
	X(E_LOG_ROLLBACK, 8203, 503, LOG, SECURITY,                            \
	    "the ledger is older than one that was seen before",               \
	    "do not go on: restore the newest state")                          \
	X(E_JOURNAL, 8204, 503, HOLD, HOLD,                                    \
	    "the journal cannot be read or written",                           \
	    "check the disk; do not delete the journal")                       \
	X(E_COUNTS, 8205, 503, LOG, SECURITY, "counts do not fit the devices", \
	    "the database was edited: restore a backup")                       \
	X(E_BUG, 9001, 500, BUG, PERMANENT, "a mistake of ours",               \
	    "please report it")                                                \
	X(E_NO_MEMORY, 9002, 503, RETRY, TRANSIENT, "out of memory",           \
	    "free memory")                                                     \
	X(E_WORKER, 9003, 500, BUG, HOLD, "a worker process crashed",          \
	    "the log says why; units on hold: hallmark-station resume ORDER")  \
	X(E_IO, 9004, 503, RETRY, TRANSIENT, "reading or writing failed",      \
	    "check disk space and permissions")                                \
	X(E_DATABASE, 9005, 503, RETRY, TRANSIENT, "the database failed",      \
	    "check disk space; the log of the server says more")               \
	X(E_NO_ROOM, 9006, 500, BUG, PERMANENT, "a buffer is too small",       \
	    "please report it")                                                \
	X(E_JAIL, 9007, 500, BUG, PERMANENT,                                   \
	    "a process could not be confined",                                 \
	    "a kernel with seccomp is needed")                                 \
	X(E_FILE, 9008, 404, CONFIG, PERMANENT,                                \
	    "a file is missing or not accessible",                             \
	    "check the path and its permissions")                              \
	X(E_EXISTS, 9009, 409, CONFIG, PERMANENT, "a file exists already",     \
	    "choose another place; nothing is overwritten")                    \
	X(E_VERSION, 9010, 400, CONFIG, PERMANENT,                             \
	    "a version that this program does not know",                       \
	    "upgrade the older side")

typedef enum hm_err {
#define HM_ERR_ENUM(name, id, http, ex, class, words, act) HM_##name = (id),
	HM_ERR_LIST(HM_ERR_ENUM)
#undef HM_ERR_ENUM
} hm_err;

/* The caller must look at the result. */
#define HM_MUST __attribute__((warn_unused_result))

/* A failure that is lost on purpose; the reason stands beside it. */
#define HM_LOSE(call) ((void)((call) == HM_OK))

/* The one macro that returns. Only where nothing is left to release by hand. */
#define HM_TRY(call)                        \
	do {                                \
		hm_err hm_try_err = (call); \
		if (hm_try_err != HM_OK)    \
			return hm_try_err;  \
	} while (0)
