/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled policies against the recorded summaries of them. */
#ifndef TESTS_VECTORS_SUMMARY_H
#define TESTS_VECTORS_SUMMARY_H

#include "kinds.h"
#include "policy/policy.h"

/*
 * Is every policy the one of `want`: name, scope, filters of each event? `without_detections`:
 * the events of Tracee's own detectors were not there when the row was recorded.
 */
enum outcome summaries_equal(struct row *row, const struct policies *policies, const json_t *want,
			     bool without_detections);

#endif
