/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A format turns an event into the bytes of one output record. One file in
 * engine/format/ exporting `const struct format format_NAME` (minus signs in the
 * name become underscores); the Makefile lists the folder.
 */
#ifndef SPOOR_FORMAT_H
#define SPOOR_FORMAT_H

#include "event.h"

struct buf; /* engine/base/buf.h */
struct stores;

struct format_options {
	bool decoded_data;	     /* flags as names, pointers in hex */
	const struct stores *stores; /* ancestry; NULL: what the event itself brings */
	const struct host *host;     /* never NULL */
	const char *sensor_version;
};

struct format {
	const char *name;
	const char *doc;
	/* Appends one whole record with its end of line. Never fails: a full buf counts. */
	void (*write)(struct buf *out, const struct event *event,
		      const struct format_options *options);
	/* Bytes before the first record (the table's header); may be NULL. */
	void (*begin)(struct buf *out, const struct format_options *options);
};

extern const struct format *const formats[]; /* NULL-terminated, in name order */
const struct format *format_by_name(struct str name);

#endif
