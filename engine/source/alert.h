/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event read back from a line that the json format wrote: what the delivery spool keeps, and
 * what `spoor convert` is given. Writing it again with the json format gives the same bytes.
 *
 *	if (alert_read(&arena, line, &alert, &err) == 0) {
 *		alert.options.values = ...; alert.options.state = ...;	(of this output's format)
 *		format->write(&out, &alert.event, &alert.options);
 *	}
 *	arena_reset(&arena);
 *
 * No static state: any number of threads may read, each with an arena of its own.
 */
#ifndef SOURCE_ALERT_H
#define SOURCE_ALERT_H

#include "base/arena.h"
#include "base/err.h"
#include "event.h"
#include "format.h"

/* Longest line; an arena limit of ALERT_ARENA_MAX suffices for any. */
enum { ALERT_LINE_MAX = 16 * 1024 * 1024, ALERT_ARENA_MAX = 128 * 1024 * 1024 };

struct alert {
	/*
	 * For a detection event.alert holds its id and sequence number; for other events, and
	 * for detections in Tracee's own JSON, event.alert is NULL.
	 */
	struct event event;
	/* Identity of the sensor that wrote the line; the rest is zero. Points to `host`. */
	struct format_options options;
	struct host host;
};

/*
 * Reads one line, with or without its end of line, which is copied: `line` need not outlive the
 * call. Everything *out points at is in the arena, and out->host; so *out must stay where it is.
 * Detections, events of the table and events that are not in it (of Tracee's, or another
 * version's) are all taken; so is Tracee's older form, but not its detections.
 * 0, or -EBADMSG (err has message and column) or -ENOMEM (the arena's limit, or memory).
 */
int alert_read(struct arena *arena, struct str line, struct alert *out, struct err *err);

#endif
