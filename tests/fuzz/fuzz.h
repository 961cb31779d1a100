/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fuzz - what every fuzz target has
 *
 * A target is one file with LLVMFuzzerTestOneInput. It states what must hold
 * for any input with fuzz_must, which aborts: so libFuzzer keeps the input, and
 * the replay of the corpus fails.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define fuzz_must(x)                                                        \
	do {                                                                \
		if (!(x)) {                                                 \
			fprintf(                                            \
			    stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x); \
			abort();                                            \
		}                                                           \
	} while (0)
