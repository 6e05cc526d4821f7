/* SPDX-License-Identifier: Apache-2.0 */
/* Lines out of a stream's buffer. */
#include "source/lines.h"

#include <errno.h>

#include "base/common.h"
#include "base/err.h"

/* A "line" as long as this is no recording at all: /dev/zero, a disk image. */
#define FOREIGN_BYTES (1024u * 1024 * 1024)

/* Drops what is there of a line that is too long. True: it begins here. */
static bool drop(struct lines *lines, size_t len, bool whole)
{
	bool begins = !lines->overlong;

	if (begins)
		lines->number++;
	lines->dropped = begins ? len : lines->dropped + len;
	lines->overlong = !whole;
	stream_skip(&lines->stream, len);
	lines->searched = 0;
	return begins;
}

static void hand_over(struct lines *lines, char *data, size_t len, size_t end, char **line,
		      size_t *out_len)
{
	lines->number++;
	lines->taken = len + end;
	lines->searched = 0;
	if (lines->number == 1 && len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
		data += 3;
		len -= 3;
	}
	*line = data;
	*out_len = len;
}

/* LINE_NONE: more has to be read. */
static int take_line(struct lines *lines, char **line, size_t *out_len)
{
	struct stream *stream = &lines->stream;
	char *data = stream->data + stream->start;
	size_t len = stream_len(stream);
	const char *end = len > lines->searched
				  ? memchr(data + lines->searched, '\n', len - lines->searched)
				  : NULL;

	if (end || (stream->ended && len)) {
		size_t size = end ? (size_t)(end - data) : len;

		if (lines->overlong || size > LINE_MAX_BYTES)
			return drop(lines, size + (end != NULL), true) ? LINE_OVERLONG : LINE_NONE;
		hand_over(lines, data, size, end != NULL, line, out_len);
		return LINE_READ;
	}
	lines->searched = len;
	if ((lines->overlong || len >= LINE_MAX_BYTES) && len && drop(lines, len, false))
		return LINE_OVERLONG;
	return LINE_NONE;
}

int lines_next(struct lines *lines, int timeout_ms, char **line, size_t *len, struct err *err)
{
	struct stream *stream = &lines->stream;

	stream_skip(stream, lines->taken);
	lines->taken = 0;
	for (;;) {
		size_t before = stream_len(stream);
		int r = take_line(lines, line, len);

		if (r != LINE_NONE)
			return r;
		if (stream_len(stream) < before && !lines->overlong)
			continue; /* the end of one that was dropped */
		if (stream->ended && !stream_len(stream))
			return -ENODATA;
		if (lines->overlong && lines->dropped > FOREIGN_BYTES)
			return err_set(err, -EBADMSG,
				       "%s: found 1 GiB without an end of line, expected an event "
				       "as JSON on each line",
				       stream->name);
		r = stream_fill(stream, lines->searched + 1, timeout_ms, err);
		if (r <= 0)
			return r;
	}
}
