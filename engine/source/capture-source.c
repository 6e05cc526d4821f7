/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading captures. Every record is checked before it is handed on, in place; after that
 * nobody looks at the file again. Records of events that the sensor of then laid out otherwise
 * are skipped, told and counted: all others can still be replayed.
 */
#include <errno.h>

#include "base/common.h"
#include "base/err.h"
#include "source.h"
#include "source/capture.h"
#include "source/stream.h"

enum { RECORDS_A_READ = 1024, FAULTS_SHOWN = 5 };

struct source {
	struct stream stream;
	char *path;
	struct clock clock;
	char host_name[CAPTURE_TEXT];
	struct capture_host identity; /* as read; zero if the capture has none */
	struct host host;
	struct str addresses[CAPTURE_ADDRESSES];
	struct source_stats stats;
	char sensor_version[CAPTURE_TEXT];
	uint8_t otherwise[(UINT16_MAX + 1) / 8]; /* by event id: laid out differently then */
	source_soon soon;
	void *soon_ctx;
	uint64_t ahead; /* records before this byte of the file have been told */
	uint32_t told;	/* of them, so many have not been handed over */
};

static bool capture_recognise(const char *head, size_t len)
{
	return len >= sizeof(CAPTURE_MAGIC) - 1 &&
	       memcmp(head, CAPTURE_MAGIC, sizeof(CAPTURE_MAGIC) - 1) == 0;
}

/* ---- the head of the file ------------------------------ */

static int refuse(const struct stream *stream, struct err *err, const char *what)
{
	return err_set(err, -EBADMSG, "%s: %s", stream->name, what);
}

/* Waits for the bytes: a capture from a pipe is useless without its head. */
static int need(struct stream *stream, size_t len, struct err *err)
{
	int r;

	do
		r = stream_fill(stream, len, -1, err);
	while (r == 0);
	if (r < 0)
		return r;
	if (stream_len(stream) >= len)
		return 0;
	return err_set(err, -EBADMSG, "%s: the capture ends within its head, at byte %llu",
		       stream->name, (unsigned long long)(stream->offset + stream_len(stream)));
}

static int check_header(const struct stream *stream, const struct capture_header *header,
			struct err *err)
{
	if (!capture_recognise(header->magic, sizeof(header->magic)))
		return refuse(stream, err, "this is not a capture");
	if (header->version < 1 || header->version > CAPTURE_VERSION) {
		err_set(err, -EBADMSG,
			"%s: the capture is of format %u; this spoor reads formats 1 to %u",
			stream->name, header->version, CAPTURE_VERSION);
		return -EBADMSG;
	}
	if (header->record_header_size != sizeof(struct wire_header))
		return refuse(stream, err, "its records have headers of another size");
	if (header->event_count > CAPTURE_EVENTS_MAX)
		return refuse(stream, err, "its table of events is damaged");
	return 0;
}

/* An event we do not know needs no mark: its records are counted and skipped. */
static void mark_event(struct source *source, const struct capture_event *row)
{
	struct str name = { row->name, (uint32_t)strnlen(row->name, CAPTURE_TEXT) };
	const struct event_def *by_id = event_by_id(row->id), *by_name = event_by_name(name);

	if (row->id <= UINT16_MAX &&
	    (by_id != by_name || (by_id && capture_digest(by_id) != row->digest)))
		source->otherwise[row->id / 8] |= (uint8_t)(1 << row->id % 8);
}

static bool is_otherwise(const struct source *source, uint16_t id)
{
	return source->otherwise[id / 8] >> id % 8 & 1;
}

static struct str text_get(char text[CAPTURE_TEXT])
{
	text[CAPTURE_TEXT - 1] = 0;
	return str_of(text);
}

/* Captures of format 1 know the name only. */
static int read_host(struct source *source, const struct capture_header *header, struct err *err)
{
	struct capture_host *from = &source->identity;
	struct host *host = &source->host;
	int r = header->version < 2 ? 0 : need(&source->stream, sizeof(*from), err);

	if (r < 0)
		return r;
	if (header->version >= 2) {
		memcpy(from, stream_data(&source->stream), sizeof(*from));
		stream_skip(&source->stream, sizeof(*from));
	}
	memcpy(source->host_name, header->host_name, sizeof(source->host_name));
	host->name = text_get(source->host_name);
	host->machine_id = text_get(from->machine_id);
	host->boot_id = text_get(from->boot_id);
	host->addresses = source->addresses;
	for (uint32_t i = 0; i < CAPTURE_ADDRESSES && from->addresses[i][0]; i++)
		source->addresses[host->address_count++] = text_get(from->addresses[i]);
	return 0;
}

static int read_head(struct source *source, struct err *err)
{
	struct stream *stream = &source->stream;
	struct capture_header header;
	int r = need(stream, sizeof(header), err);

	if (r < 0)
		return r;
	memcpy(&header, stream_data(stream), sizeof(header));
	header.sensor_version[CAPTURE_TEXT - 1] = header.host_name[CAPTURE_TEXT - 1] = 0;
	memcpy(source->sensor_version, header.sensor_version, sizeof(source->sensor_version));
	r = check_header(stream, &header, err);
	stream_skip(stream, sizeof(header));
	if (r == 0)
		r = read_host(source, &header, err);
	for (uint32_t i = 0; r == 0 && i < header.event_count; i++) {
		r = need(stream, sizeof(struct capture_event), err);
		if (r < 0)
			break;
		struct capture_event row;

		memcpy(&row, stream_data(stream), sizeof(row));
		mark_event(source, &row);
		stream_skip(stream, sizeof(row));
	}
	source->clock.boot_epoch_ns = header.boot_epoch_ns;
	return r;
}

static void capture_close_source(struct source *source)
{
	if (!source)
		return;
	stream_close(&source->stream);
	free(source->path);
	free(source);
}

DEFINE_CLEANUP(struct source *, capture_close_source)

static int capture_open(const struct source_want *want, struct source **out, struct err *err)
{
	autoclean(capture_close_sourcep) struct source *source = calloc(1, sizeof(*source));

	if (!source || !(source->path = strdup(want->path)))
		return err_set(err, -ENOMEM, "out of memory");
	int r = stream_open(&source->stream, source->path, want->fd, err);

	if (r == 0)
		r = read_head(source, err);
	if (r < 0)
		return r;
	source->soon = want->soon;
	source->soon_ctx = want->soon_ctx;
	*out = take(source);
	return 0;
}

/* ---- records ------------------------------ */

static void report_fault(struct source *source, const char *why)
{
	source->stats.malformed++;
	if (source->stats.malformed <= FAULTS_SHOWN)
		fprintf(stderr, "spoor: %s: record at byte %llu skipped: %s%s\n",
			source->stream.name, (unsigned long long)source->stream.offset, why,
			source->stats.malformed == FAULTS_SHOWN ? " (further ones are only counted)"
								: "");
}

/* The size of a record whose bytes may still be missing; 0 if it cannot be one. */
static uint32_t record_size(const struct wire_header *record)
{
	uint32_t size = record->size;

	return size >= sizeof(*record) && size <= WIRE_RECORD_MAX && size % 8 == 0 ? size : 0;
}

static int end_reached(const struct source *source, struct err *err)
{
	const struct stream *stream = &source->stream;

	if (stream_len(stream) == 0)
		return -ENODATA;
	err_set(err, -EBADMSG,
		"%s: the capture is cut off: at byte %llu a record begins of which %zu bytes are there",
		stream->name, (unsigned long long)stream->offset, stream_len(stream));
	err_hint(err, "the %llu records before it were replayed",
		 (unsigned long long)source->stats.records);
	return -EBADMSG;
}

static void report_otherwise(struct source *source, const struct event_def *def)
{
	char why[256];

	snprintf(why, sizeof(why),
		 "spoor %s, which wrote the capture, laid out %s otherwise than this one (%s): "
		 "replay it with that build",
		 source->sensor_version, def ? def->name : "its event", SPOOR_VERSION);
	report_fault(source, why);
}

/* The record at that byte of the file; NULL: it is not in the buffer as a whole. */
static const struct wire_header *record_ahead(const struct source *source, uint64_t offset)
{
	const struct stream *stream = &source->stream;
	size_t at = (size_t)(offset - stream->offset), len = stream_len(stream);
	const struct wire_header *record;

	if (at > len || len - at < sizeof(*record))
		return NULL;
	record = (const void *)(stream_data(stream) + at);
	return record_size(record) && record_size(record) <= len - at ? record : NULL;
}

/* Tells of those behind the one at the front, which has this size. */
static void look_ahead(struct source *source, uint32_t size)
{
	const struct wire_header *record;

	source->told -= source->told > 0;
	source->ahead = MAX(source->ahead, source->stream.offset + size);
	while (source->told < SOURCE_AHEAD && (record = record_ahead(source, source->ahead))) {
		source->ahead += record->size;
		if (!is_otherwise(source, record->id))
			source->soon(source->soon_ctx, record);
		source->told++;
	}
}

/* Hands on the record at the front, which is all there. */
static void take_record(struct source *source, uint32_t size, source_sink sink, void *ctx)
{
	const struct wire_header *record = (const void *)stream_data(&source->stream);
	const char *why;

	if (source->soon)
		look_ahead(source, size);
	if (is_otherwise(source, record->id)) {
		report_otherwise(source, event_by_id(record->id));
	} else if (!event_by_id(record->id)) {
		source->stats.unknown++;
	} else if (wire_check(record, size, &why) < 0) {
		report_fault(source, why);
	} else {
		source->stats.records++;
		sink(ctx, record, NULL);
	}
	stream_skip(&source->stream, size);
}

static int capture_read(struct source *source, int timeout_ms, source_sink sink, void *ctx,
			struct err *err)
{
	struct stream *stream = &source->stream;
	uint64_t before = source->stats.records;

	for (int i = 0; i < RECORDS_A_READ; i++) {
		int r = stream_fill(stream, sizeof(struct wire_header), i ? 0 : timeout_ms, err);

		if (r < 0)
			return r;
		if (stream_len(stream) < sizeof(struct wire_header)) {
			if (r == 0 || i)
				break;
			return end_reached(source, err);
		}
		uint32_t size = record_size((const void *)stream_data(stream));

		if (!size)
			return err_set(err, -EBADMSG,
				       "%s: the capture is damaged: no record begins at byte %llu",
				       stream->name, (unsigned long long)stream->offset);
		r = stream_fill(stream, size, i ? 0 : timeout_ms, err);
		if (r < 0)
			return r;
		if (stream_len(stream) < size) {
			if (r == 0 || i)
				break;
			return end_reached(source, err);
		}
		take_record(source, size, sink, ctx);
	}
	return (int)(source->stats.records - before);
}

static const struct clock *capture_clock(const struct source *source)
{
	return &source->clock;
}

static const struct host *capture_host(const struct source *source, uint64_t *sequence)
{
	*sequence = source->identity.sequence;
	return &source->host;
}

static void capture_stats(const struct source *source, struct source_stats *out)
{
	*out = source->stats;
}

const struct source_ops source_capture = {
	.name = "capture",
	.recognise = capture_recognise,
	.open = capture_open,
	.read = capture_read,
	.clock = capture_clock,
	.host = capture_host,
	.stats = capture_stats,
	.close = capture_close_source,
};
