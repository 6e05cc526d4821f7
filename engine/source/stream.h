/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file or standard input, read through one buffer. Files are not mapped: one that is
 * cut while we read would kill us, and one that changes would pass a check and then differ.
 */
#ifndef SOURCE_STREAM_H
#define SOURCE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct stream {
	int fd;
	const char *name; /* for messages: the path, or "standard input" */
	char *data;	  /* unread bytes are data[start .. end) */
	size_t start, end, capacity;
	uint64_t offset; /* of data[start] in the file */
	bool ended;
};

/*
 * path "-" is standard input. `opened`: the path, where the caller has it open; 0: it has not.
 * Buffers grow up to what stream_fill is asked for.
 */
int stream_open(struct stream *stream, const char *path, int opened, struct err *err);
/* NULL-safe on a zeroed stream that was never opened (fd 0 is not closed then). */
void stream_close(struct stream *stream);

/*
 * Make at least `wanted` unread bytes available if the file has them, moving what is
 * unread to the front of the buffer. Waits up to timeout_ms (-1: for ever) for a pipe. Returns 1 if
 * there are so many or the end was reached (stream->ended), 0 if not yet, or a negative errno.
 */
int stream_fill(struct stream *stream, size_t wanted, int timeout_ms, struct err *err);

static inline size_t stream_len(const struct stream *stream)
{
	return stream->end - stream->start;
}
static inline const char *stream_data(const struct stream *stream)
{
	return stream->data + stream->start;
}
static inline void stream_skip(struct stream *stream, size_t len)
{
	stream->start += len;
	stream->offset += len;
}

#endif
