/* SPDX-License-Identifier: Apache-2.0 */
/* A format with its settings, ready to write: for outputs, the spool, `spoor convert`. */
#ifndef ENCODE_USE_H
#define ENCODE_USE_H

#include "base/arena.h"
#include "base/err.h"
#include "format.h"

struct format_use {
	const struct format *format;
	const struct setting_value *values; /* one per key, in `arena` */
	struct format_state *state;
	struct arena arena;
};

/*
 * Reads the settings that are given as text (the others have their fallbacks) and opens the format.
 * The texts are copied. 0, or negative errno with err filled, and *blame (may be NULL) the position
 * in `given` of the setting that is wrong, or `count`. On failure nothing is left open.
 */
int format_use_open(struct format_use *use, const struct format *format,
		    const struct setting_pair *given, uint32_t count, uint32_t *blame,
		    struct err *err);
/* Of a zeroed one: nothing. */
void format_use_close(struct format_use *use);
/* Appends one record. options: of the sensor or the alert; this format's are put in. */
void format_use_write(const struct format_use *use, struct buf *out, const struct event *event,
		      const struct format_options *options);

#endif
