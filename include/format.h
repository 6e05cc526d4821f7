/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A format turns an event into the bytes of one output record. One file in
 * engine/format/ exporting `const struct format format_NAME` (minus signs in the
 * name become underscores); the Makefile lists the folder.
 */
#ifndef SPOOR_FORMAT_H
#define SPOOR_FORMAT_H

#include "event.h"
#include "setting.h"

struct buf; /* engine/base/buf.h */
struct err;
struct stores;
struct format_state; /* each format's own */

struct format_options {
	bool decoded_data;	     /* flags as names, pointers in hex */
	const struct stores *stores; /* ancestry; NULL: what the event itself brings */
	const struct host *host;     /* never NULL */
	const char *sensor_version;
	const struct setting_value *values; /* one per key of the format, in the table's order */
	const struct format_state *state;   /* what open made */
};

/*
 * Invariant: whatever texts an event holds, what write appends is one record: a line of valid
 * UTF-8, unless the format is binary. Nothing is allocated beyond the buf, no static state is
 * changed: one format may write in several threads.
 */
struct format {
	const char *name;
	const char *doc;
	const char *media_type; /* of a record without its end of line, as HTTP names it */
	bool binary; /* not lines: for transports that keep records apart, not for files */
	const struct setting_key *keys;
	uint32_t key_count;
	/*
	 * Prepares what the settings ask for, once (a template is compiled). values outlive the
	 * state. 0, or negative errno with err filled and *key the position of the key to blame
	 * (key_count: none). NULL: nothing to prepare.
	 */
	int (*open)(const struct setting_value *values, struct format_state **out, uint32_t *key,
		    struct err *err);
	void (*close)(struct format_state *state); /* NULL exactly if open is; of NULL: nothing */
	/* Appends one whole record with its end of line. Never fails: a full buf counts. */
	void (*write)(struct buf *out, const struct event *event,
		      const struct format_options *options);
	/* Bytes before the first record (the table's header); may be NULL. */
	void (*begin)(struct buf *out, const struct format_options *options);
};

extern const struct format *const formats[]; /* NULL-terminated, in name order */
const struct format *format_by_name(struct str name);

#endif
