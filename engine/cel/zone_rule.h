/* SPDX-License-Identifier: Apache-2.0 */
/* The rule at the end of a zone file: CET-1CEST,M3.5.0,M10.5.0/3 */
#ifndef CEL_ZONE_RULE_H
#define CEL_ZONE_RULE_H

#include "internal.h"

/* Seconds east of UTC at that time; false: the rule is malformed. */
bool zone_rule_offset(struct str rule, int64_t seconds, int32_t *offset);
/* Calendar of time.c. */
int64_t time_days_of(int64_t year, int month, int day);
int64_t time_year_of(int64_t seconds);

#endif
