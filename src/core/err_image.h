/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* err_image - the rows of err.h about firmware images and their keys (3201 on)
 */
#define HM_ERR_LIST_IMAGE(X)                                                   \
	X(E_IMAGE_FORMAT, 3201, 403, NO, PERMANENT,                            \
	    "the file is not an image of that format",                         \
	    "hallmark image inspect FILE tells what it is")                    \
	X(E_IMAGE_SHORT, 3202, 403, NO, PERMANENT,                             \
	    "the image ends before its content does",                          \
	    "get the file again; it was cut off")                              \
	X(E_IMAGE_TRAILING, 3203, 403, NO, SECURITY,                           \
	    "bytes behind the end of the image",                               \
	    "build the image again; nothing may follow its end")               \
	X(E_IMAGE_FIELD, 3204, 403, NO, SECURITY,                              \
	    "a field of the image has a value that is not allowed",            \
	    "see the offset; build and sign the image again")                  \
	X(E_IMAGE_HASH, 3205, 403, NO, SECURITY,                               \
	    "a digest or checksum of the image does not match",                \
	    "the image was altered: get it again")                             \
	X(E_IMAGE_SIGNATURE, 3206, 403, NO, SECURITY,                          \
	    "a signature of the image does not verify",                        \
	    "the image was altered, or signed with another key")               \
	X(E_IMAGE_UNTRUSTED, 3207, 403, NO, SECURITY,                          \
	    "no signature by a trusted key",                                   \
	    "give the key that signed it, or sign it")                         \
	X(E_IMAGE_OPEN, 3208, 403, NO, SECURITY, "the image does not decrypt", \
	    "it was altered, or encrypted for another key")                    \
	X(E_IMAGE_EMPTY, 3209, 409, REFUSED, PERMANENT,                        \
	    "there is nothing to sign", "give a file with content")            \
	X(E_IMAGE_SIGNED, 3210, 409, REFUSED, PERMANENT,                       \
	    "the image is signed already",                                     \
	    "--append adds a signature, image resign replaces them")           \
	X(E_IMAGE_MIXED, 3211, 403, NO, SECURITY,                              \
	    "keys or schemes that may not stand together in an image",         \
	    "use one scheme for all signatures")                               \
	X(E_KEY_WEAK, 3212, 403, NO, SECURITY, "the key is too weak",          \
	    "use RSA-3072, P-256 or P-384")                                    \
	X(E_KEY_ROLE, 3213, 403, NO, SECURITY,                                 \
	    "a key that is not for this channel",                              \
	    "production keys are in a token, development keys sign dev")       \
	X(E_IMAGE_PLACE, 3214, 409, REFUSED, PERMANENT,                        \
	    "the image does not fit its place",                                \
	    "make it smaller, or its slot or partition larger")                \
	X(E_IMAGE_PLAN, 3215, 409, REFUSED, SECURITY,                          \
	    "the plan breaks a rule of the chip",                              \
	    "see the step that is named; nothing was written")                 \
	X(E_IMAGE_PENDING, 3216, 403, NOTHING, TRANSIENT,                      \
	    "a signature has to come from outside",                            \
	    "have the request signed, then: hallmark image assemble")          \
	X(E_IMAGE_REQUEST, 3217, 403, NO, SECURITY,                            \
	    "the request is for another file, key or outcome",                 \
	    "make a new request with these options and have it signed")        \
	X(E_IMAGE_CONTROL, 3218, 403, NO, SECURITY,                            \
	    "the control tree does not make the boot loader verify",           \
	    "write the keys with --control, then check the tree again")
