/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of a file or pipe, of bounded length: what is longer is dropped without being kept, and
 * a file that has no lines at all (a disk image) ends the reading.
 */
#ifndef SOURCE_LINES_H
#define SOURCE_LINES_H

#include "source/stream.h"

/* One less than the stream's buffer then takes. */
#define LINE_MAX_BYTES (16u * 1024 * 1024 - 1)

/* Zeroed, with an open stream. */
struct lines {
	struct stream stream;
	uint64_t number; /* of the line at hand, from 1 */
	size_t taken;	 /* bytes of it, skipped at the next call */
	size_t searched; /* unread bytes known to hold no end of line */
	bool overlong;	 /* within a line that is too long */
	uint64_t dropped;
};

enum line_state { LINE_NONE, LINE_READ, LINE_OVERLONG };

/*
 * The next line, without its end and, in the first, without a byte order mark; it may be changed in
 * place and is valid until the next call. LINE_OVERLONG: one was too long (told once, at its
 * beginning), LINE_NONE: nothing within the time, -ENODATA at the end, or another negative errno.
 */
int lines_next(struct lines *lines, int timeout_ms, char **line, size_t *len, struct err *err);

#endif
