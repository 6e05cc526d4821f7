/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One parsed line of recorded JSON to a record and what else the recording knew. Both forms
 * of Tracee are read, v1beta1 (with our own keys) and the older trace.Event.
 */
#ifndef SOURCE_JSON_RECORD_H
#define SOURCE_JSON_RECORD_H

#include "event.h"
#include "base/json-parse.h"

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

/* Did a rule make it, here or in Tracee? Such lines are LINE_UNKNOWN to line_convert. */
bool line_is_produced(const struct json *line);
/* The v1beta1 form's context: all of the header but the record's size and fields. */
bool line_context(const struct json *line, const struct event_def *def, struct wire_header *wire,
		  struct event_given *given, struct line_fault *fault);
enum line_kind line_convert(const struct json *line, struct line_record *out,
			    struct line_fault *fault);

#endif
