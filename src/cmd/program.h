/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* program - what `hallmark` says of itself, whichever file it runs from */
#include "base/options.h"

#define PROGRAM_SPEC(its_nouns)                                              \
	{                                                                    \
		.name = "hallmark", .section = 1,                            \
		.words = "secure provisioning for manufacturing",            \
		.text = "Gives a product its identity, its secrets and its " \
			"firmware on a production line that nobody has to "  \
			"trust. `hallmark demo` shows all of it in half a "  \
			"minute, without hardware, root or network.",        \
		.nouns = (its_nouns)                                         \
	}
