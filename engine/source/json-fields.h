/* SPDX-License-Identifier: Apache-2.0 */
/* The values of a recorded event's fields, into its record. */
#ifndef SOURCE_JSON_FIELDS_H
#define SOURCE_JSON_FIELDS_H

#include "base/common.h"
#include "source/json-record.h"

/*
 * Fills the body, the tail and `present`, `user` and `size` of out->header from data[]
 * (v1beta1) or args[] (trace.Event). False: fault is filled.
 */
bool fields_read(const struct json *line, const struct event_def *def, struct line_record *out,
		 struct line_fault *fault);
bool legacy_fields_read(const struct json *line, const struct event_def *def,
			struct line_record *out, struct line_fault *fault);

/* Fills fault; always false. */
bool line_fault_set(struct line_fault *fault, const char *at, const char *format, ...)
	PRINTF_LIKE(3, 4);
/*
 * Standard base64, with or without padding, to bytes; `out` has room for 3 bytes for each 4 begun.
 * How many there are, or -1 if the text is something else.
 */
int base64_decode(struct str text, char *out);
/* RFC 3339 to epoch ns. */
bool line_parse_time(struct str text, uint64_t *out);

#endif
