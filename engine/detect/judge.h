/* SPDX-License-Identifier: Apache-2.0 */
/* Warnings about filters and conditions that decide nothing. */
#ifndef DETECT_JUDGE_H
#define DETECT_JUDGE_H

#include "ruleset.h"

/* Of a detector that was linked and compiled without errors. */
void detector_judge(struct loader *loader, struct report *report, const struct pending *pending);

#endif
