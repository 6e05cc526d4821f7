/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict parsers of the formats without a parser of their own at hand, written from the formats'
 * specifications and knowing nothing of the encoders: what is not exactly allowed is refused.
 */
#ifndef SUPPORT_RECORDS_H
#define SUPPORT_RECORDS_H

#include "base/arena.h"
#include "value.h"

enum { RECORD_PAIRS = 400, RECORD_HEAD = 8 };

struct record_pair {
	struct str element; /* RFC 5424: id of its structured data element */
	struct str key, value;
};

struct record {
	struct str head[RECORD_HEAD]; /* fields of the header, decoded */
	struct record_pair pairs[RECORD_PAIRS];
	uint32_t count;
	struct str message; /* RFC 5424, RFC 3164 */
	const char *why;    /* it was refused */
};

/* line: without its end of line. False: why is set. Decoded texts are in the arena. */
bool cef_parse(struct arena *arena, struct str line, struct record *out);
bool leef_parse(struct arena *arena, struct str line, struct record *out);
bool rfc5424_parse(struct arena *arena, struct str line, struct record *out);
/* The header and the rest as the message. */
bool rfc3164_parse(struct str line, struct record *out);

/* data == NULL: there is none; *count (may be NULL): how many. */
struct str record_get(const struct record *record, const char *key, uint32_t *count);

#endif
