/* SPDX-License-Identifier: Apache-2.0 */
/* Buffered reading. Invariant: start <= end <= capacity; start is a multiple of 8 after a move. */
#include "source/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/common.h"
#include "base/err.h"

enum { STREAM_BUFFER = 256 * 1024 };

int stream_open(struct stream *stream, const char *path, int opened, struct err *err)
{
	bool standard = strcmp(path, "-") == 0;
	autoclean(closep) int fd = standard || opened ? fcntl(opened, F_DUPFD_CLOEXEC, 3)
						      : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat stat;

	if (fd < 0) {
		int code = errno;

		err_set(err, -code, "cannot read %s: %s", standard ? "standard input" : path,
			strerror(code));
		return -code;
	}
	if (fstat(fd, &stat) == 0 && S_ISDIR(stat.st_mode)) {
		err_set(err, -EISDIR, "cannot read %s: it is a directory", path);
		err_hint(err, "name a file, or - for standard input");
		return -EISDIR;
	}
	char *data = malloc(STREAM_BUFFER);

	if (!data)
		return err_set(err, -ENOMEM, "out of memory");
	*stream = (struct stream){ .fd = fd,
				   .name = standard ? "standard input" : path,
				   .data = data,
				   .capacity = STREAM_BUFFER };
	fd = -1;
	return 0;
}

void stream_close(struct stream *stream)
{
	if (!stream->data)
		return;
	close(stream->fd);
	free(stream->data);
	*stream = (struct stream){ 0 };
}

/* Room for `wanted` bytes from the front. */
static int make_room(struct stream *stream, size_t wanted, struct err *err)
{
	size_t len = stream_len(stream);

	if (stream->start) {
		memmove(stream->data, stream->data + stream->start, len);
		stream->start = 0;
		stream->end = len;
	}
	size_t capacity = stream->capacity;

	while (capacity < wanted)
		capacity *= 2;
	if (capacity == stream->capacity)
		return 0;
	char *data = realloc(stream->data, capacity);

	if (!data)
		return err_set(err, -ENOMEM, "out of memory");
	stream->data = data;
	stream->capacity = capacity;
	return 0;
}

/* 1 something to read, 0 not yet. A signal is "not yet": the caller looks whether to stop. */
static int wait_readable(int fd, int timeout_ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	int r = poll(&poll_fd, 1, timeout_ms);

	return r > 0;
}

int stream_fill(struct stream *stream, size_t wanted, int timeout_ms, struct err *err)
{
	if (stream_len(stream) >= wanted || stream->ended)
		return 1;
	int r = make_room(stream, wanted, err);

	if (r < 0)
		return r;
	while (stream_len(stream) < wanted) {
		if (!wait_readable(stream->fd, timeout_ms))
			return 0;
		ssize_t len = read(stream->fd, stream->data + stream->end,
				   stream->capacity - stream->end);

		if (len == 0) {
			stream->ended = true;
			return 1;
		}
		if (len < 0 && errno != EINTR && errno != EAGAIN) {
			int code = errno;

			return err_set(err, -code, "cannot read %s: %s", stream->name,
				       strerror(code));
		}
		if (len > 0)
			stream->end += (size_t)len;
	}
	return 1;
}
