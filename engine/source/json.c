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
#include "source/lines.h"

enum { LINES_A_READ = 256, FAULTS_SHOWN = 10 };
#define TREE_MAX_BYTES (64u * 1024 * 1024)

struct source {
	struct lines lines;
	char *path;
	struct clock clock;
	struct source_stats stats;
	struct arena arena; /* of one line */
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
	stream_close(&source->lines.stream);
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
	int r = stream_open(&source->lines.stream, source->path, want->fd, err);

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
	fprintf(stderr, "spoor: %s:%llu:", source->lines.stream.name,
		(unsigned long long)source->lines.number);
	if (column)
		fprintf(stderr, "%zu:", column);
	fprintf(stderr, " line skipped: %s\n", what);
	if (source->stats.malformed == FAULTS_SHOWN)
		fprintf(stderr, "spoor: %s: further malformed lines are only counted\n",
			source->lines.stream.name);
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

static int json_read(struct source *source, int timeout_ms, source_sink sink, void *ctx,
		     struct err *err)
{
	uint64_t before = source->stats.records;
	char *line;
	size_t len;

	for (int i = 0; i < LINES_A_READ; i++) {
		int r = lines_next(&source->lines, i ? 0 : timeout_ms, &line, &len, err);

		if (r == LINE_NONE || (r == -ENODATA && i))
			break;
		if (r < 0)
			return r;
		if (r == LINE_OVERLONG)
			report(source, 0, "the line is longer than 16 MiB");
		else
			take_line(source, line, len, sink, ctx);
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
