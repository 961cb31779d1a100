/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* auditing - what the tests of the audit share: a log in a folder of its own */
#include "factory.h"
#include "ledger/audit.h"
#include "testlog.h"

extern const char *folder;
extern struct factory factory;
extern struct tiles *tiles;
extern struct note_policy policy;
extern struct audit_options options; /* folder and policy are set */

int setup(void **state);
int teardown(void **state);
/* An empty log again. */
void again(void);
/* Five entries that let an order be made, and the first device of it. */
void start(uint32_t quota, uint32_t returns);
/* An entry that is none. */
void noise(void);

/* Errors are failures. */
void run_audit(struct audit_result *ret);
void print(const struct audit_result *result);
/* Exactly one finding, with this place and these words in it. */
void assert_found(const char *place, const char *words);
void assert_clean(void);

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
