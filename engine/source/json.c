/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recorded events, a line of JSON each, from a file or a pipe. Bounded: a line, its tree and
 * its record have limits, and what is over them is a malformed line like any other. A malformed
 * line is told (the first few), counted and skipped; the rest of the recording is read.
 */
#include <errno.h>

#include "base/arena.h"
#include "base/common.h"
#include "base/err.h"
#include "source.h"
#include "source/json-record.h"
#include "source/stream.h"

enum { LINES_A_READ = 256, FAULTS_SHOWN = 10 };
/* One less than the buffer then takes. */
#define LINE_MAX_BYTES (16u * 1024 * 1024 - 1)
/* A "line" as long as this is no recording at all: /dev/zero, a disk image. */
#define FOREIGN_BYTES  (1024u * 1024 * 1024)
#define TREE_MAX_BYTES (64u * 1024 * 1024)

struct source {
	struct stream stream;
	char *path;
	struct clock clock;
	struct source_stats stats;
	struct arena arena; /* of one line */
	uint64_t line;	    /* number of the one being read */
	size_t searched;    /* unread bytes known to hold no end of line */
	bool overlong;	    /* within a line that is too long */
	uint64_t dropped;   /* of that line so far */
	struct line_record record;
};

static bool json_recognise(const char *head, size_t len)
{
	size_t i = 0;

	while (i < len && (head[i] == ' ' || head[i] == '\n' || head[i] == '\r' || head[i] == '\t'))
		i++;
	return i < len && head[i] == '{';
}

static void json_close(struct source *source)
{
	if (!source)
		return;
	stream_close(&source->stream);
	arena_free(&source->arena);
	free(source->path);
	free(source);
}

DEFINE_CLEANUP(struct source *, json_close)

static int json_open(const struct source_want *want, struct source **out, struct err *err)
{
	autoclean(json_closep) struct source *source = calloc(1, sizeof(*source));

	if (!source || !(source->path = strdup(want->path)))
		return err_set(err, -ENOMEM, "out of memory");
	source->arena.limit = TREE_MAX_BYTES;
	int r = stream_open(&source->stream, source->path, err);

	if (r < 0)
		return r;
	*out = take(source);
	return 0;
}

/* ---- one line ------------------------------ */

static void report(struct source *source, size_t column, const char *what)
{
	source->stats.malformed++;
	if (source->stats.malformed > FAULTS_SHOWN)
		return;
	fprintf(stderr, "spoor: %s:%llu:", source->stream.name, (unsigned long long)source->line);
	if (column)
		fprintf(stderr, "%zu:", column);
	fprintf(stderr, " line skipped: %s\n", what);
	if (source->stats.malformed == FAULTS_SHOWN)
		fprintf(stderr, "spoor: %s: further malformed lines are only counted\n",
			source->stream.name);
}

static bool is_blank(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
			return false;
	return true;
}

static size_t column_of(const char *line, const char *at)
{
	return at ? (size_t)(at - line) + 1 : 0;
}

static void take_line(struct source *source, char *line, size_t len, source_sink sink, void *ctx)
{
	struct json_fault parse_fault;
	struct line_fault fault;

	source->line++;
	if (source->line == 1 && len >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
		line += 3;
		len -= 3;
	}
	if (is_blank(line, len))
		return;
	arena_reset(&source->arena);
	const struct json *tree = json_parse(&source->arena, line, len, &parse_fault);

	if (!tree) {
		report(source, column_of(line, parse_fault.at), parse_fault.what);
		return;
	}
	switch (line_convert(tree, &source->record, &fault)) {
	case LINE_EVENT:
		source->stats.records++;
		sink(ctx, &source->record.header, &source->record.given);
		break;
	case LINE_UNKNOWN: source->stats.unknown++; break;
	case LINE_MALFORMED: report(source, column_of(line, fault.at), fault.text); break;
	}
}

/* ---- lines ------------------------------ */

/* Drops what is there of a line that is too long, up to and with its end. */
static void drop_overlong(struct source *source, size_t len, bool whole)
{
	if (!source->overlong) {
		source->line++;
		report(source, 0, "the line is longer than 16 MiB");
	}
	source->dropped = source->overlong ? source->dropped + len : len;
	source->overlong = !whole;
	stream_skip(&source->stream, len);
	source->searched = 0;
}

/* 1: a line was taken or dropped; 0: none yet; -ENODATA: the end; else an error. */
static int next_line(struct source *source, int timeout_ms, source_sink sink, void *ctx,
		     struct err *err)
{
	struct stream *stream = &source->stream;

	for (;;) {
		char *data = stream->data + stream->start;
		size_t len = stream_len(stream);
		const char *end = len > source->searched ? memchr(data + source->searched, '\n',
								  len - source->searched)
							 : NULL;

		if (end || (stream->ended && len)) {
			size_t line = end ? (size_t)(end - data) : len;

			if (source->overlong || line > LINE_MAX_BYTES) {
				drop_overlong(source, line + (end != NULL), true);
				return 1;
			}
			take_line(source, data, line, sink, ctx);
			stream_skip(stream, line + (end != NULL));
			source->searched = 0;
			return 1;
		}
		if (stream->ended)
			return -ENODATA;
		source->searched = len;
		if (source->overlong || len >= LINE_MAX_BYTES)
			drop_overlong(source, len, false);
		if (source->overlong && source->dropped > FOREIGN_BYTES)
			return err_set(err, -EBADMSG,
				       "%s: found 1 GiB without an end of line, expected an event "
				       "as JSON on each line",
				       stream->name);
		int r = stream_fill(stream, source->searched + 1, timeout_ms, err);

		if (r <= 0)
			return r;
	}
}

static int json_read(struct source *source, int timeout_ms, source_sink sink, void *ctx,
		     struct err *err)
{
	uint64_t before = source->stats.records;

	for (int i = 0; i < LINES_A_READ; i++) {
		int r = next_line(source, i ? 0 : timeout_ms, sink, ctx, err);

		if (r == 0 || (r == -ENODATA && i))
			break;
		if (r < 0)
			return r;
	}
	return (int)(source->stats.records - before);
}

static const struct clock *json_clock(const struct source *source)
{
	return &source->clock;
}

static void json_stats(const struct source *source, struct source_stats *out)
{
	*out = source->stats;
}

const struct source_ops source_json = {
	.name = "json",
	.recognise = json_recognise,
	.open = json_open,
	.read = json_read,
	.clock = json_clock,
	.stats = json_stats,
	.close = json_close,
};
