/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing captures. What has reached the file is always a whole capture of what came so
 * far, except perhaps for the last record: the reader says where that one is cut off.
 */
#include "source/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/common.h"
#include "base/err.h"
#include "source.h"

enum { WRITE_BUFFER = 256 * 1024 };

/* A quiet host's records do not stay in the buffer for longer than this. */
static const uint64_t flush_after_ns = 1000000000;

struct capture_writer {
	int fd;
	int failure;	  /* first failed write; nothing is written after it */
	uint64_t flushed; /* time of the record that came at the last flush */
	size_t len;
	char buffer[WRITE_BUFFER];
};

static uint64_t digest_add(uint64_t digest, const void *data, size_t len)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < len; i++)
		digest = (digest ^ bytes[i]) * 0x100000001b3;
	return digest;
}

uint64_t capture_digest(const struct event_def *def)
{
	uint64_t digest = digest_add(0xcbf29ce484222325, def->name, strlen(def->name) + 1);

	digest = digest_add(digest, &def->body_size, sizeof(def->body_size));
	for (unsigned i = 0; i < def->field_count; i++) {
		const struct event_field *field = &def->fields[i];

		digest = digest_add(digest, field->name, strlen(field->name) + 1);
		digest = digest_add(digest, &field->type, sizeof(field->type));
		digest = digest_add(digest, &field->offset, sizeof(field->offset));
	}
	return digest;
}

static void text_set(char out[CAPTURE_TEXT], struct str text)
{
	if (text.len)
		memcpy(out, text.data, MIN((size_t)text.len, (size_t)CAPTURE_TEXT - 1));
}

static int flush(struct capture_writer *writer)
{
	for (size_t done = 0; done < writer->len && !writer->failure;) {
		ssize_t written = write(writer->fd, writer->buffer + done, writer->len - done);

		if (written >= 0)
			done += (size_t)written;
		else if (errno != EINTR)
			writer->failure = -errno;
	}
	writer->len = 0;
	return writer->failure;
}

static int put(struct capture_writer *writer, const void *data, size_t len)
{
	if (len > sizeof(writer->buffer) - writer->len && flush(writer))
		return writer->failure;
	if (writer->failure)
		return writer->failure;
	memcpy(writer->buffer + writer->len, data, len);
	writer->len += len;
	return 0;
}

_Static_assert((int)WIRE_RECORD_MAX <= (int)WRITE_BUFFER, "a record fits into the buffer");

static void put_host(struct capture_writer *writer, const struct host *host, uint64_t sequence)
{
	struct capture_host out = { .sequence = sequence };

	text_set(out.machine_id, host->machine_id);
	text_set(out.boot_id, host->boot_id);
	for (uint32_t i = 0; i < MIN(host->address_count, (uint32_t)CAPTURE_ADDRESSES); i++)
		text_set(out.addresses[i], host->addresses[i]);
	put(writer, &out, sizeof(out));
}

static void put_head(struct capture_writer *writer, const struct clock *clock,
		     const struct host *host, uint64_t sequence)
{
	struct capture_header header = {
		.version = CAPTURE_VERSION,
		.record_header_size = sizeof(struct wire_header),
		.boot_epoch_ns = clock->boot_epoch_ns,
		.event_count = (uint32_t)event_table_count,
	};

	memcpy(header.magic, CAPTURE_MAGIC, sizeof(header.magic));
	text_set(header.sensor_version, STR(SPOOR_VERSION));
	text_set(header.host_name, host->name);
	put(writer, &header, sizeof(header));
	put_host(writer, host, sequence);
	for (size_t i = 0; i < event_table_count; i++) {
		struct capture_event row = { .id = event_table[i].id,
					     .digest = capture_digest(&event_table[i]) };

		text_set(row.name, str_of(event_table[i].name));
		put(writer, &row, sizeof(row));
	}
}

static int create_failed(const char *path, int code, struct err *err)
{
	err_set(err, -code, "cannot write the capture %s: %s", path, strerror(code));
	if (code == EISDIR)
		err_hint(err, "name a file in it, such as %s/night.capture", path);
	else if (code == ENOENT)
		err_hint(err, "the directory must exist");
	return -code;
}

/* Captures hold what processes were called with: for the owner only. */
int capture_create(const char *path, const struct clock *clock, const struct host *host,
		   uint64_t sequence, struct capture_writer **out, struct err *err)
{
	bool standard = strcmp(path, "-") == 0;
	autoclean(closep) int fd = standard ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
					    : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
						   0600);
	autoclean(freep) struct capture_writer *writer = malloc(sizeof(*writer));

	if (fd < 0)
		return create_failed(path, errno, err);
	if (!writer)
		return err_set(err, -ENOMEM, "out of memory");
	writer->fd = fd;
	writer->failure = 0;
	writer->flushed = 0;
	writer->len = 0;
	put_head(writer, clock, host, sequence);
	/* A full disk is found out now rather than after a night. */
	if (flush(writer))
		return create_failed(path, -writer->failure, err);
	fd = -1;
	*out = take(writer);
	return 0;
}

int capture_write(struct capture_writer *writer, const struct wire_header *record)
{
	int r = put(writer, record, record->size);

	if (record->time - writer->flushed > flush_after_ns) {
		writer->flushed = record->time;
		r = flush(writer);
	}
	return r;
}

int capture_close(struct capture_writer *writer)
{
	if (!writer)
		return 0;
	int r = flush(writer);

	if (close(writer->fd) < 0 && !r)
		r = -errno;
	free(writer);
	return r;
}
