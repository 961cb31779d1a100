/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/nouns.h"
const struct noun_spec noun_demo = { .name = "demo", .words = "x", .verbs = (const struct verb_spec *const[]){ NULL } };
