/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * options_parts - what the parser and the writers of texts share; base/ only
 */
#include "base/options.h"

/* The options that every program has. */
extern const struct option_spec options_global[];
/* `help`, which every program with nouns has. */
extern const struct noun_spec options_help_noun;

/* The i-th noun of a program, `help` being the last; NULL after it. */
const struct noun_spec *options_noun_at(
    const struct program_spec *program, size_t i);
/* The i-th verb; NULL after the last. */
const struct verb_spec *options_verb_at(const struct noun_spec *noun, size_t i);

/* "NAME", "N", "FILE", "WHEN", "auto|never": what stands for the value. */
HM_MUST hm_err options_metavar(
    const struct option_spec *spec, bool is_operand, struct buf *ret);
/* "hallmark order create --quota N [OPTION...] ORDER [FILE...]" */
HM_MUST hm_err options_usage(const struct program_spec *program,
    const struct noun_spec *noun, const struct verb_spec *verb,
    struct buf *ret);
/* The help words with "(1 to 64; default 8; required)" behind them. */
HM_MUST hm_err options_words(const struct option_spec *spec, struct buf *ret);
