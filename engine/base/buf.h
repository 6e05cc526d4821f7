/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A byte buffer that grows up to a limit. Appending never fails visibly: past the
 * limit (or out of memory) the buffer is marked truncated and takes no more, and
 * the owner checks once at the end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common.h"
#include "value.h"

enum { BUF_LIMIT_DEFAULT = 64 * 1024 * 1024 };

/* Zeroed struct buf is ready to use. */
struct buf {
	char *data;
	size_t len, capacity;
	size_t limit; /* 0: BUF_LIMIT_DEFAULT */
	bool truncated;
};

void buf_free(struct buf *buf);
/* Room for `more` bytes at data + len; NULL when full (and marks it). */
char *buf_grow(struct buf *buf, size_t more);

static inline char *buf_room(struct buf *buf, size_t more)
{
	return LIKELY(buf->capacity - buf->len >= more) ? buf->data + buf->len
							: buf_grow(buf, more);
}

static inline void buf_clear(struct buf *buf)
{
	buf->len = 0;
	buf->truncated = false;
}

static inline void buf_add(struct buf *buf, const void *data, size_t len)
{
	char *at = buf_room(buf, len);

	if (LIKELY(at && len)) {
		memcpy(at, data, len);
		buf->len += len;
	}
}

#define buf_lit(buf, literal) buf_add((buf), "" literal, sizeof(literal) - 1)

static inline void buf_char(struct buf *buf, char c)
{
	buf_add(buf, &c, 1);
}

static inline void buf_str(struct buf *buf, struct str s)
{
	buf_add(buf, s.data, s.len);
}

void buf_uint(struct buf *buf, uint64_t value);
void buf_int(struct buf *buf, int64_t value);
void buf_hex(struct buf *buf, uint64_t value); /* lower case, no prefix, no padding */
void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
/* The text as a C string (NUL-terminated in place); valid until the next change. */
const char *buf_cstr(struct buf *buf);

#endif
