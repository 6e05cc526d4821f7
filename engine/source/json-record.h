/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One parsed line of recorded JSON to a record and what else the recording knew. Both forms
 * of Tracee are read, v1beta1 (with our own keys) and the older trace.Event.
 */
#ifndef SOURCE_JSON_RECORD_H
#define SOURCE_JSON_RECORD_H

#include "event.h"
#include "source/json-parse.h"

enum line_kind {
	LINE_EVENT,	/* the record is filled */
	LINE_UNKNOWN,	/* well-formed, but not an event of the table, or one that rules made */
	LINE_MALFORMED, /* fault is filled */
};

enum { FAULT_TEXT = 256 };

struct line_fault {
	const char *at; /* in the line; NULL: the line as a whole */
	char text[FAULT_TEXT];
};

/* Reused from line to line. */
struct line_record {
	struct event_given given; /* points into the line */
	union {
		struct wire_header header;
		char bytes[WIRE_RECORD_MAX];
	};
};

enum line_kind line_convert(const struct json *line, struct line_record *out,
			    struct line_fault *fault);

#endif
