/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hallmark: the command for everyone
 *
 * Images are signed and verified here, with OpenSSL and little else. What needs
 * a token, a database or the network becomes hallmark-full, which has all
 * nouns and links all libraries: a second start costs it little, and signing a
 * file costs half (docs/performance.md, "Images").
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/report.h"
#include "cmd/nouns.h"
#include "cmd/program.h"
#include "cmd/run.h"
#include "crypto/init.h"

static const struct noun_spec *const nouns[] = { &noun_image, NULL };

static const struct program_spec program = PROGRAM_SPEC(nouns);

static bool
names_token(char **argv)
{
	for (; *argv != NULL; argv++)
		if (strstr(*argv, "pkcs11:") != NULL)
			return true;
	return false;
}

static bool
is_ours(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return true;
	return argc > 1 && strcmp(argv[1], noun_image.name) == 0 &&
	       !names_token(argv);
}

/* Comes back only if it failed. */
static int
become_full(char **argv)
{
	struct report_setup setup = { .program = program.name };
	char path[FILE_PATH_MAX];
	struct why why = { 0 };
	hm_err err = run_find("hallmark-full", path, &why);

	if (err == HM_OK) {
		(void)execv(path, argv);
		why_where(&why, "%s", path);
		err = WHY(
		    &why, HM_E_FILE, "cannot start it: %s", strerror(errno));
	}
	report_init(&setup);
	return report_failure(err, &why);
}

int
main(int argc, char **argv)
{
	if (!is_ours(argc, argv))
		return become_full(argv);
	crypto_init_brief();
	return options_main(&program, argc, argv);
}
