/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records as lines of a file, or of standard output. The file is rotated by size and age, and
 * opened again when someone else has moved it away (logrotate).
 *
 * Invariant: a regular file holds whole records only. What a full disk or a failed sync leaves
 * behind of a batch is cut off again, so that sending once more neither tears nor doubles a line;
 * the rest of a line that a crash left at the end was never confirmed and is cut off at opening.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "batch.h"
#include "moment.h"
#include "connection.h"

enum key { PATH, MAX_SIZE, MAX_AGE, KEEP, SYNC, SYNC_INTERVAL, MODE };
enum sync { SYNC_BATCH, SYNC_INTERVAL_MODE, SYNC_NEVER };
enum { KEEP_MAX = 1000, PIPE_STEP = 4096 };

static const struct setting_key keys[] = {
	[PATH] = { "path", SETTING_TEXT, .fallback = "stdout",
		   .doc = "file to append to, made if need be; stdout is standard output" },
	[MAX_SIZE] = { "max_size", SETTING_SIZE, .fallback = "0",
		       .doc = "begin a new file at this size; the old one becomes PATH.1; 0: never" },
	[MAX_AGE] = { "max_age", SETTING_DURATION, .fallback = "0s",
		      .doc = "begin a new file at this age; 0s: never" },
	[KEEP] = { "keep", SETTING_NUMBER, .fallback = "5",
		   .doc = "old files to keep (PATH.1 is the newest), at most 1000" },
	[SYNC] = { "sync", SETTING_CHOICE, .fallback = "batch", .choices = "batch interval never",
		   .doc = "when records must be on the disk: before they count as delivered, now "
			  "and then, or when the kernel likes" },
	[SYNC_INTERVAL] = { "sync_interval", SETTING_DURATION, .fallback = "1s",
			    .doc = "for sync: interval" },
	[MODE] = { "mode", SETTING_TEXT, .fallback = "0640", .doc = "permissions of new files" },
};

struct transport_state {
	const struct transport_settings *settings;
	const char *path;
	mode_t mode;
	int fd; /* -1: not open */
	bool standard, regular;
	bool torn; /* of a pipe: the last line is not whole */
	off_t size;
	dev_t device;
	ino_t inode;
	time_t born;
	uint64_t synced; /* moment of the last sync */
	bool dirty;
	struct buf lines;
};

/* ---- opening ------------------------------------------------------------------------- */

static bool read_mode(const char *text, mode_t *out)
{
	char *end;
	unsigned long mode = strtoul(text, &end, 8);

	*out = (mode_t)mode;
	return *text >= '0' && *text <= '7' && !*end && mode <= 0777;
}

static int file_check(const struct transport_settings *settings, uint32_t *key, struct err *err)
{
	mode_t mode;

	if (!read_mode(setting_text(settings, MODE), &mode)) {
		*key = MODE;
		err_set(err, -EINVAL, "'%s' are no permissions", setting_text(settings, MODE));
		err_hint(err, "an octal number from 0 to 0777, such as 0640");
		return -EINVAL;
	}
	if (setting_number(settings, KEEP) > KEEP_MAX) {
		*key = KEEP;
		return err_set(err, -EINVAL, "at most %d old files are kept", KEEP_MAX);
	}
	if (!*setting_text(settings, PATH)) {
		*key = PATH;
		return err_set(err, -EINVAL, "the path is empty");
	}
	return 0;
}

static time_t birth(int fd, const struct stat *stat_now)
{
	struct statx found;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &found) == 0 &&
	    (found.stx_mask & STATX_BTIME))
		return (time_t)found.stx_btime.tv_sec;
	return stat_now->st_size ? stat_now->st_mtime : time(NULL);
}

/* The end of the last whole line. */
static off_t whole_end(int fd, off_t size)
{
	char chunk[4096];

	while (size > 0) {
		off_t from = MAX(size - (off_t)sizeof(chunk), 0);
		ssize_t len = pread(fd, chunk, (size_t)(size - from), from);

		if (len != size - from)
			return -1;
		const char *newline = memrchr(chunk, '\n', (size_t)len);

		if (newline)
			return from + (newline - chunk) + 1;
		size = from;
	}
	return 0;
}

/* A line that a crash cut short was never confirmed, so it will come again. */
static int cut_torn_line(struct transport_state *state)
{
	char last = '\n';

	if (!state->size || pread(state->fd, &last, 1, state->size - 1) != 1 || last == '\n')
		return 0;
	off_t end = whole_end(state->fd, state->size);

	if (end < 0 || ftruncate(state->fd, end) < 0)
		return -errno;
	state->size = end;
	return 0;
}

/*
 * Readable as well, to look at its end. A pipe must not be: it would never be known that its
 * reader has gone; and one without a reader is waited for by delivery, not here.
 */
static int path_open(const struct transport_state *state)
{
	const int flags = O_APPEND | O_CLOEXEC;
	struct stat found;

	if (stat(state->path, &found) == 0 && S_ISFIFO(found.st_mode))
		return open(state->path, O_WRONLY | O_NONBLOCK | flags);
	int fd = open(state->path, O_RDWR | O_CREAT | flags, state->mode);

	return fd < 0 && errno == EACCES ? open(state->path, O_WRONLY | flags) : fd;
}

static int fd_open(struct transport_state *state)
{
	struct stat found;

	if (state->fd >= 0)
		close(state->fd);
	state->fd = state->standard ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) : path_open(state);
	if (state->fd < 0 || fstat(state->fd, &found) < 0)
		return -errno;
	state->regular = S_ISREG(found.st_mode);
	state->size = state->regular ? found.st_size : 0;
	state->device = found.st_dev;
	state->inode = found.st_ino;
	state->born = birth(state->fd, &found);
	return state->regular && !state->standard ? cut_torn_line(state) : 0;
}

static int open_failed(const char *path, int r, struct err *err)
{
	err_set(err, r, "cannot write to %s: %s", path, strerror(-r));
	if (r == -EISDIR)
		err_hint(err, "name a file in it, such as %s/alerts.json", path);
	else if (r == -ENOENT)
		err_hint(err, "the directory must exist: the file is made, its directory is not");
	else if (r == -EACCES || r == -EROFS)
		err_hint(err, "choose a place this user may write to");
	return r;
}

static void file_close(struct transport_state *state, uint64_t deadline)
{
	(void)deadline;
	if (!state)
		return;
	if (state->fd >= 0) {
		if (state->dirty)
			fdatasync(state->fd);
		close(state->fd);
	}
	buf_free(&state->lines);
	free(state);
}

static int file_open(const struct transport_settings *settings, struct transport_state **out,
		     struct err *err)
{
	struct transport_state *state = calloc(1, sizeof(*state));

	if (!state)
		return err_set(err, -ENOMEM, "out of memory");
	state->settings = settings;
	state->path = setting_text(settings, PATH);
	state->standard = !strcmp(state->path, "stdout") || !strcmp(state->path, "-");
	state->fd = -1;
	read_mode(setting_text(settings, MODE), &state->mode);
	int r = fd_open(state);

	/* A disk may be full or away for a while; a wrong path is said at once. */
	if (r < 0 && r != -ENOSPC && r != -EDQUOT && r != -EIO && r != -ESTALE && r != -ENXIO) {
		file_close(state, 0);
		return open_failed(settings->values[PATH].text.data, r, err);
	}
	*out = state;
	return 0;
}

/* ---- rotation -------------------------------------------------------------------------- */

static void sync_directory(const char *path)
{
	autoclean(freep) char *copy = strdup(path);
	autoclean(closep) int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
					: -1;

	if (fd >= 0)
		fsync(fd);
}

static void numbered(const char *path, int64_t number, struct buf *out)
{
	buf_clear(out);
	buf_printf(out, "%s.%lld", path, (long long)number);
}

/* PATH.n-1 becomes PATH.n, ..., PATH becomes PATH.1; the oldest is replaced. */
static int rotate(struct transport_state *state)
{
	struct buf from = { 0 }, to = { 0 };
	int64_t keep = setting_number(state->settings, KEEP);
	int r = 0;

	if (setting_number(state->settings, SYNC) != SYNC_NEVER && fdatasync(state->fd) < 0)
		return -errno;
	if (!keep)
		r = unlink(state->path);
	for (int64_t i = keep - 1; i >= 0 && r == 0; i--) {
		numbered(state->path, i + 1, &to);
		if (i)
			numbered(state->path, i, &from);
		r = rename(i ? buf_cstr(&from) : state->path, buf_cstr(&to));
		if (r < 0 && i && errno == ENOENT)
			r = 0;
	}
	r = r < 0 ? -errno : 0;
	buf_free(&from);
	buf_free(&to);
	if (r == 0) {
		state->dirty = false;
		r = fd_open(state);
		sync_directory(state->path);
	}
	return r;
}

static bool rotation_due(const struct transport_state *state, size_t more)
{
	int64_t size = setting_number(state->settings, MAX_SIZE);
	int64_t age = setting_number(state->settings, MAX_AGE);

	if (!state->regular || state->standard || !state->size)
		return false;
	return (size && state->size + (off_t)more > size) ||
	       (age && (int64_t)(time(NULL) - state->born) * 1000 >= age);
}

static bool moved_away(const struct transport_state *state)
{
	struct stat found;

	return !state->standard && (stat(state->path, &found) < 0 || found.st_ino != state->inode ||
				    found.st_dev != state->device);
}

/* ---- writing --------------------------------------------------------------------------- */

/* A pipe's reader may be slow: what fits is written, until the deadline. */
static ssize_t write_step(const struct transport_state *state, const char *data, size_t len,
			  uint64_t deadline)
{
	struct pollfd poll_fd = { .fd = state->fd, .events = POLLOUT };

	if (state->regular)
		return write(state->fd, data, len);
	int left = moment_left_ms(deadline), r = left ? poll(&poll_fd, 1, left) : 0;

	if (r == 0) {
		errno = ETIMEDOUT;
		return -1;
	}
	return r < 0 ? -1 : write(state->fd, data, MIN(len, (size_t)PIPE_STEP));
}

/* Returns how many bytes the kernel took; *failure is a negative errno if not all. */
static size_t write_all(const struct transport_state *state, const char *data, size_t len,
			uint64_t deadline, int *failure)
{
	size_t done = 0;

	while (done < len) {
		ssize_t written = write_step(state, data + done, len - done, deadline);

		if (written >= 0)
			done += (size_t)written;
		else if (errno != EINTR && errno != EAGAIN) {
			*failure = -errno;
			break;
		}
	}
	return done;
}

static int sync_now(struct transport_state *state)
{
	if (fdatasync(state->fd) < 0 && errno != EINVAL && errno != EROFS)
		return -errno;
	state->synced = moment_now();
	state->dirty = false;
	return 0;
}

static int sync_if_due(struct transport_state *state)
{
	uint64_t interval = (uint64_t)setting_number(state->settings, SYNC_INTERVAL) * MOMENT_MS;

	state->dirty = state->regular;
	switch (setting_number(state->settings, SYNC)) {
	case SYNC_BATCH: return sync_now(state);
	case SYNC_INTERVAL_MODE:
		return moment_now() - state->synced >= interval ? sync_now(state) : 0;
	default: return 0;
	}
}

/* After a failure: back to what was there, or else never trust this descriptor again. */
static void cut_back(struct transport_state *state, off_t size)
{
	if (state->regular && ftruncate(state->fd, size) == 0) {
		state->size = size;
		return;
	}
	close(state->fd);
	state->fd = -1;
}

static uint32_t whole_records(const struct transport_batch *batch, uint32_t first, size_t *bytes)
{
	size_t left = *bytes;
	uint32_t at = first;

	while (at < batch->count && left >= batch->records[at].bytes.len + 1)
		left -= batch->records[at++].bytes.len + 1;
	*bytes -= left;
	return at;
}

/* Writes records [first, end); returns the first that is not in the file. */
static uint32_t write_group(struct transport_state *state, struct transport_batch *batch,
			    uint32_t first, uint32_t end, int *failure)
{
	off_t before = state->size;

	buf_clear(&state->lines);
	if (state->torn)
		buf_char(&state->lines, '\n');
	size_t lead = state->lines.len;

	for (uint32_t i = first; i < end; i++) {
		buf_str(&state->lines, batch->records[i].bytes);
		buf_char(&state->lines, '\n');
	}
	if (state->lines.truncated) {
		*failure = -ENOMEM;
		return first;
	}
	size_t done = write_all(state, state->lines.data, state->lines.len, batch->deadline,
				failure);
	size_t whole = done > lead ? done - lead : 0;
	uint32_t at = whole_records(batch, first, &whole);

	state->size += (off_t)done;
	if (!state->regular)
		state->torn = done ? state->lines.data[done - 1] != '\n' : state->torn;
	else if (*failure)
		cut_back(state, before + (off_t)whole);
	int r = state->fd >= 0 ? sync_if_due(state) : *failure;

	if (r < 0) {
		*failure = r;
		cut_back(state, before);
		if (state->fd >= 0)
			close(state->fd);
		state->fd = -1;
		return first;
	}
	return at;
}

/* As many records as go into the file at hand, one at least. */
static uint32_t group_end(const struct transport_state *state, const struct transport_batch *batch,
			  uint32_t first)
{
	int64_t limit = setting_number(state->settings, MAX_SIZE);
	int64_t size = state->size;
	uint32_t end = first;

	do
		size += batch->records[end++].bytes.len + 1;
	while (end < batch->count && (!limit || size + batch->records[end].bytes.len + 1 <= limit));
	return end;
}

static int send_all(struct transport_state *state, struct transport_batch *batch)
{
	int failure = state->fd < 0 || moved_away(state) ? fd_open(state) : 0;
	uint32_t done = 0;

	while (failure == 0 && done < batch->count) {
		int r = rotation_due(state, batch->records[done].bytes.len + 1) ? rotate(state) : 0;

		if (r < 0)
			batch_answer(batch, "cannot rotate %s: %s", state->path, strerror(-r));
		if (state->fd < 0) {
			failure = r;
			break;
		}
		uint32_t end = r < 0 ? batch->count : group_end(state, batch, done);
		uint32_t now = write_group(state, batch, done, end, &failure);

		batch_results(batch, done, now, DELIVERY_DONE, NULL);
		done = now;
	}
	if (failure)
		batch_answer(batch, "cannot write to %s: %s", state->path, strerror(-failure));
	batch_results(batch, done, batch->count, DELIVERY_RETRY,
		      failure ? strerrordesc_np(-failure) : NULL);
	return failure;
}

static int file_send(struct transport_state *state, struct transport_batch *batch)
{
	sigset_t before;

	sigpipe_hold(&before);
	int r = send_all(state, batch);

	sigpipe_release(&before);
	return r;
}

const struct transport transport_file = {
	.name = "file",
	.doc = "lines of a file, rotated by size and age, or of standard output",
	.format = "json",
	.keys = keys,
	.key_count = ARRAY_SIZE(keys),
	.batch_records = 1024,
	.batch_bytes = 1024 * 1024,
	.check = file_check,
	.open = file_open,
	.send = file_send,
	.close = file_close,
};
