/* SPDX-License-Identifier: Apache-2.0 */
/* The data[] of an event: ,"data":[{"name":"key","int32":7},...], or nothing if it is empty. */
#ifndef EVENT_ENCODE_DATA_H
#define EVENT_ENCODE_DATA_H

#include <stdbool.h>

struct buf;
struct value;
struct event;

struct encode_style {
	bool own;     /* own fields as well, and own names of flags */
	bool decoded; /* numbers as names, pointers in hex */
};

/* Appends it. Own fields and decoding as `style` says; raw values otherwise. */
void encode_data(struct buf *out, const struct event *event, struct encode_style style);

/* Any value as ordinary JSON, without Tracee's kinds. */
void encode_plain(struct buf *out, const struct value *value);

#endif
