/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON text, written the way Tracee's marshaller writes it: what is escaped, how numbers
 * and times look. Everything appends to a buf and neither allocates beyond it nor fails.
 */
#ifndef EVENT_JSON_H
#define EVENT_JSON_H

#include "base/buf.h"

/* Most bytes a number or time takes. */
enum { JSON_NUMBER_MAX = 20, JSON_TIME_MAX = 30 };

/*
 * The string between quotes. Bytes that are not UTF-8 are dropped, and then U+FFFD is as
 * well; control characters, " and \ are escaped, nothing else.
 */
void json_text(struct buf *out, struct str text);
/* Standard base64 between quotes. */
void json_base64(struct buf *out, struct str data);
/* Shortest digits that read back the same, exponent if below 1e-4 or from 1e6; not finite: null. */
void json_double(struct buf *out, double number);
/* RFC 3339 in UTC with up to nine digits of fraction, no trailing zeros, between quotes. */
void json_time(struct buf *out, uint64_t epoch_ns);

/*
 * The same without the buf. The caller's place has room for JSON_NUMBER_MAX (one more for a
 * sign) or JSON_TIME_MAX bytes, all of which may be overwritten. Return the end of the text.
 */
char *text_uint(char *at, uint64_t number);
char *text_int(char *at, int64_t number);
char *text_time(char *at, uint64_t epoch_ns); /* without quotes */

#endif
