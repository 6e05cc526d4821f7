/* SPDX-License-Identifier: Apache-2.0 */
/* Growing byte buffers and the number printing of the hot path. */
#include "buf.h"

#include <stdarg.h>

void buf_free(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){ .limit = buf->limit };
}

char *buf_grow(struct buf *buf, size_t more)
{
	size_t limit = buf->limit ? buf->limit : BUF_LIMIT_DEFAULT;
	size_t capacity = buf->capacity ? buf->capacity : 256;

	if (more > limit - MIN(buf->len, limit) || buf->truncated) {
		buf->truncated = true;
		return NULL;
	}
	while (capacity - buf->len < more)
		capacity *= 2;
	char *data = realloc(buf->data, capacity);

	if (!data) {
		buf->truncated = true;
		return NULL;
	}
	buf->data = data;
	buf->capacity = capacity;
	return data + buf->len;
}

void buf_uint(struct buf *buf, uint64_t value)
{
	char digits[20];
	char *at = digits + sizeof(digits);

	do
		*--at = (char)('0' + value % 10);
	while (value /= 10);
	buf_add(buf, at, (size_t)(digits + sizeof(digits) - at));
}

void buf_int(struct buf *buf, int64_t value)
{
	if (value < 0) {
		buf_char(buf, '-');
		buf_uint(buf, -(uint64_t)value);
	} else {
		buf_uint(buf, (uint64_t)value);
	}
}

void buf_hex(struct buf *buf, uint64_t value)
{
	char digits[16];
	char *at = digits + sizeof(digits);

	do
		*--at = "0123456789abcdef"[value & 15];
	while (value >>= 4);
	buf_add(buf, at, (size_t)(digits + sizeof(digits) - at));
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args, again;

	va_start(args, format);
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, args);
	char *at = len >= 0 ? buf_room(buf, (size_t)len + 1) : NULL;

	if (at) {
		vsnprintf(at, (size_t)len + 1, format, again);
		buf->len += (size_t)len;
	}
	va_end(again);
	va_end(args);
}

const char *buf_cstr(struct buf *buf)
{
	char *at = buf_room(buf, 1);

	if (!at)
		return buf->data && buf->len ? (buf->data[buf->len - 1] = 0, buf->data) : "";
	*at = 0;
	return buf->data;
}
