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
	LEFT_SHARE = 2,		      /* fills that there is room for: what is left, and another */
};

static int memory_open(struct outbox_memory *memory, uint32_t letters)
{
	memory->bytes.limit = BYTES_MAX + (size_t)2 * ROW_JSON_MAX;
	memory->letters = calloc(letters, sizeof(*memory->letters));
	return memory->letters ? 0 : -ENOMEM;
}

static void memory_free(struct outbox_memory *memory)
{
	arena_free(&memory->arena);
	buf_free(&memory->bytes);
	free(memory->letters);
}

int outbox_open(struct outbox *outbox, const struct delivery_output *wants)
{
	uint32_t capacity = MIN(MAX(wants->batch_records, 1u), (uint32_t)OUTBOX_MAX);

	*outbox = (struct outbox){ .capacity = capacity };
	outbox->scratch.limit = ALERT_ARENA_MAX;
	outbox->records = calloc(capacity, sizeof(*outbox->records));
	if (!outbox->records || memory_open(&outbox->now, LEFT_SHARE * capacity) < 0 ||
	    memory_open(&outbox->other, LEFT_SHARE * capacity) < 0)
		return -ENOMEM;
	outbox->letters = outbox->now.letters;
	return 0;
}

void outbox_free(struct outbox *outbox)
{
	memory_free(&outbox->now);
	memory_free(&outbox->other);
	arena_free(&outbox->scratch);
	free(outbox->records);
	*outbox = (struct outbox){ 0 };
}

/* ---- filling ---------------------------------------------------------------------- */

struct fill {
	struct outbox *outbox;
	const struct delivery_output *wants;
	uint32_t most; /* letters, with those that were there */
	size_t bytes;
	bool full, out_of_memory;
};

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

	letter->at = outbox->now.bytes.len;
	if (is_canonical(fill->wants)) {
		buf_str(&outbox->now.bytes, letter->row.json);
	} else if (alert_read(&outbox->scratch, letter->row.json, &alert, &err) == 0) {
		struct format_options options = fill->wants->format_options;

		options.host = &alert.host;
		options.sensor_version = alert.options.sensor_version;
		fill->wants->format->write(&outbox->now.bytes, &alert.event, &options);
	} else {
		letter->broken = true;
	}
	arena_reset(&outbox->scratch);
	if (outbox->now.bytes.truncated) {
		outbox->now.bytes.len = letter->at;
		outbox->now.bytes.truncated = false;
		letter->broken = true;
	}
	end_line(&outbox->now.bytes, letter);
}

/* Its texts to the arena; false: no memory. */
static bool row_copy(struct arena *arena, struct row *row)
{
	for (unsigned i = 0; i < ROW_TEXTS; i++) {
		row->texts[i] = arena_str(arena, row->texts[i].data, row->texts[i].len);
		if (!row->texts[i].data)
			return false;
	}
	return true;
}

static bool add_letter(struct fill *fill, const struct row *row, int64_t number, uint32_t attempts)
{
	struct outbox *outbox = fill->outbox;
	struct letter *letter = &outbox->letters[outbox->count];

	*letter = (struct letter){ .row = *row, .number = number, .attempts = attempts };
	if (!row_copy(&outbox->now.arena, &letter->row)) {
		fill->out_of_memory = true;
		return false;
	}
	format_letter(fill, letter);
	outbox->count++;
	fill->bytes += letter->len;
	fill->full = outbox->count == fill->most || fill->bytes >= fill->wants->batch_bytes ||
		     outbox->now.bytes.len >= BYTES_MAX;
	return true;
}

static bool take_row(void *ctx, const struct row *row)
{
	struct fill *fill = ctx;

	if (output_wants(fill->wants, row)) {
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

bool outbox_is_full(const struct outbox *outbox)
{
	size_t bytes = 0;

	for (uint32_t i = 0; i < outbox->count; i++)
		bytes += outbox->letters[i].len;
	return outbox->count >= LEFT_SHARE * outbox->capacity || bytes >= BYTES_MAX;
}

/*
 * To other memory, so that those that have left leave nothing behind: a letter may stay while
 * millions pass it. False: no memory, all is where it was.
 */
static bool letters_move(struct outbox *o)
{
	for (uint32_t i = 0; i < o->count; i++) {
		struct letter *letter = &o->other.letters[i];
		struct str text = { o->now.bytes.data + o->letters[i].at,
				    (uint32_t)o->letters[i].len };

		*letter = o->letters[i];
		letter->at = o->other.bytes.len;
		buf_str(&o->other.bytes, text);
		if (!row_copy(&o->other.arena, &letter->row) || o->other.bytes.truncated)
			return false;
	}
	struct outbox_memory now = o->other;

	o->other = o->now;
	o->now = now;
	o->letters = o->now.letters;
	return true;
}

static void memory_clear(struct outbox_memory *memory)
{
	arena_reset(&memory->arena);
	buf_clear(&memory->bytes);
	memory->bytes.truncated = false;
}

static struct fill fill_begin(struct outbox *outbox, const struct delivery_output *wants)
{
	uint32_t room = LEFT_SHARE * outbox->capacity;
	struct fill fill = { outbox, wants, MIN(outbox->capacity + outbox->count, room) };

	outbox->filtered = 0;
	if (outbox->count)
		fill.out_of_memory = !letters_move(outbox);
	memory_clear(outbox->count ? &outbox->other : &outbox->now);
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

	return filled(&fill, spool_dead_marked(spool, wants->name, take_dead, &fill));
}

/* ---- sending ---------------------------------------------------------------------- */

static void record_fill(struct transport_record *record, const struct outbox *outbox,
			const struct letter *letter)
{
	*record = (struct transport_record){
		.bytes = { outbox->now.bytes.data + letter->at, (uint32_t)letter->len },
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
