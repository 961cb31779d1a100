/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* err_release - the rows of err.h about returns, releases and who approves them
 * (6113 on) */
#define HM_ERR_LIST_RELEASE(X)                                               \
	X(E_RETURNS, 6113, 409, QUOTA, PERMANENT,                            \
	    "the order allows no further returns",                           \
	    "the unit counts as used; ask the OEM")                          \
	X(E_APPROVALS, 6120, 403, RIGHTS, SECURITY,                          \
	    "the production release lacks approvals",                        \
	    "two approvers: hallmark release approve RELEASE")               \
	X(E_RELEASE_REVOKED, 6121, 409, NO, SECURITY,                        \
	    "the release was revoked",                                       \
	    "hallmark release show RELEASE; order another release")          \
	X(E_APPROVER, 6122, 403, RIGHTS, SECURITY,                           \
	    "this key is not pinned as an approver's",                       \
	    "the server's administrator adds its certificate to approvers:") \
	X(E_PROMOTION, 6123, 403, NO, SECURITY,                              \
	    "the release is not the one that it says it was promoted from",  \
	    "hallmark release diff names what differs")
