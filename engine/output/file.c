/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records appended to a file, or written to standard output. The caller buffers; a write
 * here is one system call if the kernel takes it whole. A file that cannot take records does not
 * stop the sensor: they are counted, and the first failure of a kind is told.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/common.h"
#include "base/err.h"
#include "output.h"

struct output {
	int fd;
	char *path;
	struct output_stats stats;
	int told;  /* the failure last reported */
	bool torn; /* the last line in the file is not whole */
};

static int refuse_directory(int fd, const char *path, struct err *err)
{
	struct stat stat;

	if (fstat(fd, &stat) < 0 || !S_ISDIR(stat.st_mode))
		return 0;
	err_set(err, -EISDIR, "cannot write to %s: it is a directory", path);
	err_hint(err, "name a file in it, such as %s/events.json", path);
	return -EISDIR;
}

static int open_failed(const char *path, int code, struct err *err)
{
	err_set(err, -code, "cannot write to %s: %s", path, strerror(code));
	if (code == EISDIR)
		err_hint(err, "name a file in it, such as %s/events.json", path);
	else if (code == ENOENT)
		err_hint(err, "the directory must exist: the file is made, its directory is not");
	else if (code == EACCES || code == EROFS)
		err_hint(err, "choose a place this user may write to");
	return -code;
}

static int fd_open(const char *path, int *out, struct err *err)
{
	bool standard = strcmp(path, "stdout") == 0 || strcmp(path, "-") == 0;
	autoclean(closep) int fd = standard ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
					    : open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
						   0640);

	if (fd < 0)
		return open_failed(standard ? "standard output" : path, errno, err);
	int r = refuse_directory(fd, path, err);

	if (r < 0)
		return r;
	*out = fd;
	fd = -1;
	return 0;
}

static int file_open(const char *destination, struct output **out, struct err *err)
{
	autoclean(freep) struct output *output = calloc(1, sizeof(*output));
	autoclean(freep) char *path = strdup(destination);

	if (!output || !path)
		return err_set(err, -ENOMEM, "out of memory");
	int r = fd_open(destination, &output->fd, err);

	if (r < 0)
		return r;
	output->path = take(path);
	*out = take(output);
	return 0;
}

/* Whoever reads a pipe set to not block is slower than we are: wait for it. */
static bool wait_writable(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };

	return poll(&poll_fd, 1, -1) >= 0 || errno == EINTR;
}

/* Returns how many bytes the kernel took; *failure is a negative errno if not all. */
static size_t write_all(int fd, const char *data, size_t len, int *failure)
{
	size_t done = 0;

	while (done < len) {
		ssize_t written = write(fd, data + done, len - done);

		if (written >= 0) {
			done += (size_t)written;
		} else if (errno != EINTR && !(errno == EAGAIN && wait_writable(fd))) {
			*failure = -errno;
			break;
		}
	}
	return done;
}

static uint32_t count_lines(const char *data, size_t len)
{
	uint32_t count = 0;
	const char *end = data + len;

	while ((data = memchr(data, '\n', (size_t)(end - data)))) {
		count++;
		data++;
	}
	return count;
}

static void report_failure(struct output *output, int failure)
{
	if (output->told != failure)
		fprintf(stderr, "spoor: cannot write to %s: %s; %llu records lost so far\n",
			output->path, strerror(-failure), (unsigned long long)output->stats.failed);
	output->told = failure;
}

/* Records are lines. One that was cut short is ended before the next is written. */
static int file_write(struct output *output, const char *data, size_t len, uint32_t count)
{
	int failure = 0;

	if (output->torn && write_all(output->fd, "\n", 1, &failure))
		output->torn = false;
	size_t done = failure ? 0 : write_all(output->fd, data, len, &failure);

	output->stats.bytes += done;
	if (!failure) {
		output->stats.records += count;
		output->told = 0;
		return 0;
	}
	uint32_t whole = MIN(count_lines(data, done), count);

	if (done)
		output->torn = data[done - 1] != '\n';
	output->stats.records += whole;
	output->stats.failed += count - whole;
	report_failure(output, failure);
	return failure;
}

/* Nothing is held back here. */
static int file_flush(struct output *output)
{
	(void)output;
	return 0;
}

static void file_stats(const struct output *output, struct output_stats *out)
{
	*out = output->stats;
}

static void file_close(struct output *output)
{
	if (!output)
		return;
	close(output->fd);
	free(output->path);
	free(output);
}

const struct output_ops output_file = {
	.name = "file",
	.doc = "append to a file, made if need be; stdout or - is standard output",
	.open = file_open,
	.write = file_write,
	.flush = file_flush,
	.stats = file_stats,
	.close = file_close,
};
