/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data stores as the recorded cases give them ("registry"): run->user is their JSON, NULL a
 * sensor without stores. Tests of our own stores are in engine/detect's; here it is what
 * expressions make of the answers.
 */
#ifndef TESTS_CEL_TRACEE_STORES_H
#define TESTS_CEL_TRACEE_STORES_H

#include <jansson.h>

#include "cel/cel.h"

extern const struct cel_function tracee_store_functions[];
extern const uint32_t tracee_store_function_count;

#endif
