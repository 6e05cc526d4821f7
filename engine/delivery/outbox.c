/* SPDX-License-Identifier: Apache-2.0 */
/* What an output is about to send, see outbox.h. */
#include "delivery/outbox.h"

#include <errno.h>

#include "base/common.h"
#include "source/alert.h"

enum {
	SCAN_MAX = 20000,	      /* rows looked at in one fill */
	OUTBOX_MAX = 10000,	      /* records */
	BYTES_MAX = 32 * 1024 * 1024, /* formatted, all together */
};

int outbox_open(struct outbox *outbox, const struct delivery_output *wants)
{
	*outbox = (struct outbox){ .capacity = MIN(wants->batch_records, (uint32_t)OUTBOX_MAX) };
	outbox->scratch.limit = ALERT_ARENA_MAX;
	outbox->bytes.limit = BYTES_MAX + (size_t)2 * ROW_JSON_MAX;
	outbox->letters = calloc(outbox->capacity + 1, sizeof(*outbox->letters));
	outbox->records = calloc(outbox->capacity + 1, sizeof(*outbox->records));
	return outbox->letters && outbox->records ? 0 : -ENOMEM;
}

void outbox_free(struct outbox *outbox)
{
	arena_free(&outbox->arena);
	arena_free(&outbox->scratch);
	buf_free(&outbox->bytes);
	free(outbox->letters);
	free(outbox->records);
	*outbox = (struct outbox){ 0 };
}

/* ---- filling ---------------------------------------------------------------------- */

struct fill {
	struct outbox *outbox;
	const struct delivery_output *wants;
	uint32_t most; /* letters, with one that was there */
	size_t bytes;
	bool full, out_of_memory;
};

static bool is_wanted(const struct delivery_output *wants, const struct row *row)
{
	for (uint32_t i = 0; i < wants->filter_count; i++)
		if (!filter_passes(&wants->filters[i], row))
			return false;
	return true;
}

/* The canonical line is what this format writes: nothing has to be read. */
static bool is_canonical(const struct delivery_output *wants)
{
	return !strcmp(wants->format->name, "json") && !wants->format_options.decoded_data;
}

static void end_line(struct buf *bytes, struct letter *letter)
{
	while (bytes->len > letter->at && bytes->data[bytes->len - 1] == '\n')
		bytes->len--;
	letter->len = bytes->len - letter->at;
}

static void format_letter(struct fill *fill, struct letter *letter)
{
	struct outbox *outbox = fill->outbox;
	struct alert alert;
	struct err err = { 0 };

	letter->at = outbox->bytes.len;
	if (is_canonical(fill->wants)) {
		buf_str(&outbox->bytes, letter->row.json);
	} else if (alert_read(&outbox->scratch, letter->row.json, &alert, &err) == 0) {
		struct format_options options = fill->wants->format_options;

		options.host = &alert.host;
		options.sensor_version = alert.options.sensor_version;
		fill->wants->format->write(&outbox->bytes, &alert.event, &options);
	} else {
		letter->broken = true;
	}
	arena_reset(&outbox->scratch);
	if (outbox->bytes.truncated) {
		outbox->bytes.len = letter->at;
		outbox->bytes.truncated = false;
		letter->broken = true;
	}
	end_line(&outbox->bytes, letter);
}

static bool add_letter(struct fill *fill, const struct row *row, int64_t number, uint32_t attempts)
{
	struct outbox *outbox = fill->outbox;
	struct letter *letter = &outbox->letters[outbox->count];

	*letter = (struct letter){ .row = *row, .number = number, .attempts = attempts };
	for (unsigned i = 0; i < ROW_TEXTS; i++) {
		letter->row.texts[i] = arena_str(&outbox->arena, row->texts[i].data,
						 row->texts[i].len);
		if (!letter->row.texts[i].data) {
			fill->out_of_memory = true;
			return false;
		}
	}
	format_letter(fill, letter);
	outbox->count++;
	fill->bytes += letter->len;
	fill->full = outbox->count == fill->most || fill->bytes >= fill->wants->batch_bytes ||
		     outbox->bytes.len >= BYTES_MAX;
	return true;
}

static bool take_row(void *ctx, const struct row *row)
{
	struct fill *fill = ctx;

	if (is_wanted(fill->wants, row)) {
		if (!add_letter(fill, row, 0, 0))
			return false;
	} else {
		fill->outbox->filtered++;
	}
	fill->outbox->through = row->position;
	return !fill->full;
}

static bool take_dead(void *ctx, const struct dead_letter *dead)
{
	struct fill *fill = ctx;

	return add_letter(fill, &dead->row, dead->number, dead->attempts) && !fill->full;
}

/* What an empty one keeps goes; a letter that is left keeps its texts. */
static struct fill fill_begin(struct outbox *outbox, const struct delivery_output *wants)
{
	struct fill fill = { outbox, wants, outbox->capacity + outbox->count };

	outbox->filtered = 0;
	if (!outbox->count) {
		arena_reset(&outbox->arena);
		buf_clear(&outbox->bytes);
	}
	return fill;
}

static int filled(const struct fill *fill, int r)
{
	return r == 0 && fill->out_of_memory && !fill->outbox->count ? -ENOMEM : r;
}

int outbox_fill(struct outbox *outbox, const struct delivery_output *wants, struct spool *spool,
		uint64_t after)
{
	struct fill fill = fill_begin(outbox, wants);

	outbox->through = after;
	return filled(&fill, spool_read(spool, after, SCAN_MAX, take_row, &fill));
}

int outbox_fill_dead(struct outbox *outbox, const struct delivery_output *wants,
		     struct spool *spool)
{
	struct fill fill = fill_begin(outbox, wants);

	return filled(&fill, spool_dead(spool, wants->name, 0, true, take_dead, &fill));
}

/* ---- sending ---------------------------------------------------------------------- */

static void record_fill(struct transport_record *record, const struct outbox *outbox,
			const struct letter *letter)
{
	*record = (struct transport_record){
		.bytes = { outbox->bytes.data + letter->at, (uint32_t)letter->len },
		.id = letter->row.id,
		.time = letter->row.time,
		.sequence = letter->row.sequence,
		.severity = (uint8_t)MAX(letter->row.severity, 0),
		.event = letter->row.event,
		.result = DELIVERY_RETRY,
	};
}

uint32_t outbox_batch(struct outbox *outbox, uint32_t from, uint32_t limit, size_t bytes,
		      struct transport_batch *batch)
{
	const struct letter *letters = outbox->letters + from;
	uint32_t count = 0, most = MIN(outbox->count - from, limit);
	size_t sum = 0;

	while (count < most && !letters[count].broken) {
		sum += letters[count].len;
		if (count && sum > bytes)
			break;
		record_fill(&outbox->records[count], outbox, &letters[count]);
		count++;
	}
	*batch = (struct transport_batch){ .records = outbox->records, .count = count };
	return count;
}

void outbox_compact(struct outbox *outbox, uint32_t count)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < outbox->count; i++)
		if (i >= count || outbox->letters[i].row.position)
			outbox->letters[kept++] = outbox->letters[i];
	outbox->count = kept;
}
