/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rule files inside the binary. rules/build.mk makes builtin_rules.inc: a byte array
 * per file of rules/detectors, rules/lists, rules/policies and rules/detectors/tests, and lists of
 * them.
 */
#include "builtin.h"

#include "base/common.h"
#include "builtin_rules.inc"

#define BUILTIN(path, bytes) { path, (const char *)(bytes), sizeof(bytes) - 1 },

/* A table of none would be no C: one empty row ends it. */
const struct builtin_file builtin_files[] = { BUILTIN_FILES{ NULL, NULL, 0 } };
const size_t builtin_file_count = ARRAY_SIZE(builtin_files) - 1;
const struct builtin_file builtin_policies[] = { BUILTIN_POLICIES{ NULL, NULL, 0 } };
const size_t builtin_policy_count = ARRAY_SIZE(builtin_policies) - 1;
const struct builtin_file builtin_tests[] = { BUILTIN_TESTS{ NULL, NULL, 0 } };
const size_t builtin_test_count = ARRAY_SIZE(builtin_tests) - 1;
