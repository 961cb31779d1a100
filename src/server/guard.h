/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * guard - a token in files that survives a kill in the middle of its login
 *
 * SoftHSM writes its token file anew at each login: it empties the file and
 * fills it again, without sync. A kill or a power cut between the two leaves
 * an empty file, and the keys in it can not be used any more. So the parent
 * keeps a durable copy of the folder beside it (FOLDER.copy) and looks before
 * each start of the signer: a file that is empty now and was not is filled
 * again, a file that changed is copied. What is copied is as encrypted as the
 * original.
 *
 * Tokens that are hardware have no folder and need none of this.
 */

#include "base/why.h"

/*
 * Look at `folder` while nobody uses the token. *ret_restored files were filled
 * again. HM_E_FILE, HM_E_IO: the folder is as it was, or better.
 */
HM_MUST hm_err guard_token(
    const char *folder, unsigned *ret_restored, struct why *why);
