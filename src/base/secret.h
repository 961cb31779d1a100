/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * secret - bytes that must not leak
 *
 * They lie in place (no pointer to chase), are wiped at the end of their scope
 * (AUTO(secret)), are never copied by assignment and have no way to be printed.
 * process_protect() locks all memory of a process that holds one and switches
 * core dumps off; see jail.h.
 */
#include "core/bytes.h"
#include "base/why.h"

#define SECRET_MAX 1024

struct secret {
	size_t len;
	uint8_t bytes[SECRET_MAX];
};

void secret_done(struct secret *secret); /* wipes */
struct hm_bytes secret_bytes(const struct secret *secret);

/*
 * A PIN or passphrase from where `source` says: "fd:N", "credential:NAME"
 * (file NAME in $CREDENTIALS_DIRECTORY, systemd), "file:PATH" (mode 0600 or
 * stricter, owned by the caller or root), or "prompt" (terminal, no echo). One
 * trailing newline is dropped. There is no form for argv, environment or
 * configuration. HM_E_USAGE for any other form, HM_E_FILE, HM_E_NO_TERMINAL
 */
HM_MUST hm_err secret_load(
    const char *source, struct secret *ret, struct why *why);
