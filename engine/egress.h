/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a configuration file adds to a sensor: durable delivery to its destinations, and
 * suppression. Both are put into the pipeline, and exchanged there when the file is read again.
 */
#ifndef ENGINE_EGRESS_H
#define ENGINE_EGRESS_H

#include <signal.h>

#include "base/err.h"
#include "pipeline.h"

struct egress;

/*
 * Reads the file and opens what it asks for; the threads are started by delivery_start, when it is
 * known whose records come. 0, or negative errno with at least one error in problems.
 */
int egress_open(const char *path, const volatile sig_atomic_t *stop, struct pipeline *pipeline,
		struct egress **out, struct err_list *problems);
/* Other destinations and suppression; the spool stays. On failure everything stays. */
int egress_reload(struct egress *egress, struct err_list *problems);
/* A line for each output; valid until the next call. */
const char *egress_report(struct egress *egress);
/* Adds what was suppressed and lost. */
void egress_stats(const struct egress *egress, struct spoor_stats *out);
/* NULL is fine. */
void egress_close(struct egress *egress);

#endif
