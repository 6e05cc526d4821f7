/* SPDX-License-Identifier: Apache-2.0 */
/* Rule files, policies and rule tests inside the binary. */
#ifndef DETECT_BUILTIN_H
#define DETECT_BUILTIN_H

#include <stddef.h>
#include <stdint.h>

struct builtin_file {
	const char *path; /* rules/detectors/x.yaml */
	const char *data;
	uint32_t len;
};

extern const struct builtin_file builtin_files[];
extern const size_t builtin_file_count;
extern const struct builtin_file builtin_policies[];
extern const size_t builtin_policy_count;
extern const struct builtin_file builtin_tests[];
extern const size_t builtin_test_count;

#endif
