/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text of events, which an attacker writes, as text of a record. Invariant: whatever bytes come
 * in, what is written is UTF-8 that cannot end the field or the record it stands in, and it is
 * never cut within a character or an escape.
 *
 * What cannot be written as it is becomes visible: bytes that are no UTF-8 and control characters
 * are written \xNN (\n, \t, \r for those), or U+FFFD and JSON's escapes where the form has them;
 * so are the characters that some readers take for ends of lines (U+0085, U+2028, U+2029).
 */
#ifndef ENCODE_TEXT_H
#define ENCODE_TEXT_H

#include "base/buf.h"

enum text_form {
	TEXT_JSON,	 /* between the quotes of a JSON string */
	TEXT_CEF_HEADER, /* a field between | */
	TEXT_CEF_VALUE,	 /* of an extension; without spaces at its end */
	TEXT_LEEF_HEADER,
	TEXT_LEEF_VALUE, /* for tab as delimiter */
	TEXT_SD_VALUE,	 /* between the quotes of an RFC 5424 parameter */
	TEXT_LINE,	 /* free text on a line */
	TEXT_UTF8,	 /* any UTF-8 will do: protobuf */
};

/* A record in the making. */
struct sheet {
	struct buf *out;
	uint32_t truncated; /* fields that were cut */
};

/*
 * Appends the text, of at most `cap` (from 8) bytes as a reader decodes them; a longer one is cut,
 * ends in U+2026 and is counted. It need not be valid; data may be NULL if len is 0.
 */
void sheet_text(struct sheet *sheet, struct str text, enum text_form form, uint32_t cap);

/* For fields of ASCII without spaces (RFC 5424 headers): others become '_'; empty: "-". */
void sheet_ascii(struct sheet *sheet, struct str text, uint32_t cap);

/* A key: [A-Za-z0-9_.-], other bytes become '_', at most `cap`. Nothing: "_". */
void sheet_key(struct sheet *sheet, struct str text, uint32_t cap);

/*
 * For text that is put together before it is written: appends as much as fits into the fixed
 * memory of `out`, up to a whole character. False if something was left out.
 */
bool text_append(struct buf *out, struct str text);

/* A buf over memory of the caller's, which is never freed and never grows. */
#define TEXT_BUF(memory) \
	{ \
		.data = (memory), .capacity = sizeof(memory), .limit = sizeof(memory) \
	}

#endif
