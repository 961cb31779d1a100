/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"

#include "base/report.h"
#include "crypto/digest.h"

int
run_command(const struct options *given, hm_verb verb, const char *target)
{
	static struct hm_object object = { .kind = HM_OBJECT_COMMAND };
	struct hm_command *command = &object.command;
	uint8_t digest[HM_DIGEST_LEN];
	struct why why = { 0 };
	hm_err err;

	command->verb = verb;
	command->target = hm_bytes_of(target);
	command->reason = hm_bytes_of(options_text(given, "reason"));
	err = random_bytes(
	    (struct hm_span){ command->nonce, sizeof(command->nonce) });
	if (err == HM_OK)
		err = sign_object(given, &object, digest, &why);
	if (err != HM_OK)
		return report_failure(err, &why);
	return report_object("hallmark.command/1", "done:", target, digest);
}
