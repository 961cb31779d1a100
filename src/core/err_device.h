/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* err_device - the rows of err.h about what starts on a device (3301 on) */
#define HM_ERR_LIST_DEVICE(X)                                               \
	X(E_BOOT_NONE, 3301, 403, NO, HOLD, "there is no image to start",   \
	    "send the device an image over its recovery link")              \
	X(E_IMAGE_ROLE, 3302, 403, NO, SECURITY,                            \
	    "an image of that role does not start there or any more",       \
	    "manufacturing images start on open devices only")              \
	X(E_IMAGE_OLDER, 3303, 409, NO, SECURITY,                           \
	    "the image is older than the one that runs",                    \
	    "send a newer version")                                         \
	X(E_ROTATION, 3304, 409, NO, SECURITY,                              \
	    "the change of keys would lock the device out",                 \
	    "keep the key that signs the update, and one row that is free") \
	X(E_IMAGE_NEEDS, 3305, 409, NO, PERMANENT,                          \
	    "the image depends on another that this device lacks",          \
	    "update the other image of the device first")
