/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that run a sensor share: loading, the loop, the summary. */
#ifndef ENGINE_SENSOR_H
#define ENGINE_SENSOR_H

#include "base/common.h"
#include "options.h"
#include "spoor.h"

DEFINE_CLEANUP(struct spoor *, spoor_close)

/*
 * Signals set flags that sensor_loop looks at. Called before anything is loaded: a reload asked
 * for while the sensor starts must not end it.
 */
void sensor_signals(void);
/*
 * Loads rules and opens `output`; prints what is wrong. `live`: for the kernel, not for files.
 * Returns enum exit_status.
 */
int sensor_load(const struct options *options, const char *const *output, bool live,
		struct spoor **out);
/* Prints the last failure and returns status. */
int sensor_fail(const struct spoor *spoor, int status);
/* Polls until a signal, --duration or the end; drains; prints the summary. */
int sensor_loop(struct spoor *spoor, const struct options *options);
void sensor_stats_add(struct spoor_stats *total, const struct spoor_stats *more);
/* One line on standard error. */
void sensor_summary(const struct spoor_stats *stats);

#endif
