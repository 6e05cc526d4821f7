/* SPDX-License-Identifier: Apache-2.0 */
/* What an output is about to send, see window.h. */
#include "delivery/window.h"

#include <errno.h>

#include "base/common.h"
#include "source/alert.h"

enum {
	SCAN_MAX = 20000,	      /* rows looked at in one fill */
	WINDOW_MAX = 10000,	      /* records */
	BYTES_MAX = 32 * 1024 * 1024, /* formatted, all together */
};

int window_open(struct window *window, const struct delivery_output *wants)
{
	*window = (struct window){ .capacity = MIN(wants->batch_records, (uint32_t)WINDOW_MAX) };
	window->scratch.limit = ALERT_ARENA_MAX;
	window->bytes.limit = BYTES_MAX + (size_t)2 * ROW_JSON_MAX;
	window->letters = calloc(window->capacity, sizeof(*window->letters));
	window->records = calloc(window->capacity, sizeof(*window->records));
	return window->letters && window->records ? 0 : -ENOMEM;
}

void window_free(struct window *window)
{
	arena_free(&window->arena);
	arena_free(&window->scratch);
	buf_free(&window->bytes);
	free(window->letters);
	free(window->records);
	*window = (struct window){ 0 };
}

/* ---- filling ---------------------------------------------------------------------- */

struct fill {
	struct window *window;
	const struct delivery_output *wants;
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
	struct window *window = fill->window;
	struct alert alert;
	struct err err = { 0 };

	letter->at = window->bytes.len;
	if (is_canonical(fill->wants)) {
		buf_str(&window->bytes, letter->row.json);
	} else if (alert_read(&window->scratch, letter->row.json, &alert, &err) == 0) {
		struct format_options options = fill->wants->format_options;

		options.host = &alert.host;
		options.sensor_version = alert.options.sensor_version;
		fill->wants->format->write(&window->bytes, &alert.event, &options);
	} else {
		letter->broken = true;
	}
	arena_reset(&window->scratch);
	if (window->bytes.truncated) {
		window->bytes.len = letter->at;
		window->bytes.truncated = false;
		letter->broken = true;
	}
	end_line(&window->bytes, letter);
}

static bool add_letter(struct fill *fill, const struct row *row, int64_t number, uint32_t attempts)
{
	struct window *window = fill->window;
	struct letter *letter = &window->letters[window->count];

	*letter = (struct letter){ .row = *row, .number = number, .attempts = attempts };
	for (unsigned i = 0; i < ROW_TEXTS; i++) {
		letter->row.texts[i] = arena_str(&window->arena, row->texts[i].data,
						 row->texts[i].len);
		if (!letter->row.texts[i].data) {
			fill->out_of_memory = true;
			return false;
		}
	}
	format_letter(fill, letter);
	window->count++;
	fill->bytes += letter->len;
	fill->full = window->count == window->capacity || fill->bytes >= fill->wants->batch_bytes ||
		     window->bytes.len >= BYTES_MAX;
	return true;
}

static bool take_row(void *ctx, const struct row *row)
{
	struct fill *fill = ctx;

	if (is_wanted(fill->wants, row)) {
		if (!add_letter(fill, row, 0, 0))
			return false;
	} else {
		fill->window->filtered++;
	}
	fill->window->through = row->position;
	return !fill->full;
}

static bool take_dead(void *ctx, const struct dead_letter *dead)
{
	struct fill *fill = ctx;

	return add_letter(fill, &dead->row, dead->number, dead->attempts) && !fill->full;
}

static void window_clear(struct window *window)
{
	arena_reset(&window->arena);
	buf_clear(&window->bytes);
	window->count = 0;
	window->filtered = 0;
}

static int filled(const struct fill *fill, int r)
{
	return r == 0 && fill->out_of_memory && !fill->window->count ? -ENOMEM : r;
}

int window_fill(struct window *window, const struct delivery_output *wants, struct spool *spool,
		uint64_t after)
{
	struct fill fill = { .window = window, .wants = wants };

	window_clear(window);
	window->through = after;
	return filled(&fill, spool_read(spool, after, SCAN_MAX, take_row, &fill));
}

int window_fill_dead(struct window *window, const struct delivery_output *wants,
		     struct spool *spool)
{
	struct fill fill = { .window = window, .wants = wants };

	window_clear(window);
	return filled(&fill, spool_dead(spool, wants->name, 0, true, take_dead, &fill));
}

/* ---- sending ---------------------------------------------------------------------- */

static void record_fill(struct window *window, uint32_t i)
{
	const struct letter *letter = &window->letters[i];

	window->records[i] = (struct transport_record){
		.bytes = { window->bytes.data + letter->at, (uint32_t)letter->len },
		.id = letter->row.id,
		.time = letter->row.time,
		.sequence = letter->row.sequence,
		.severity = (uint8_t)MAX(letter->row.severity, 0),
		.event = letter->row.event,
		.result = DELIVERY_RETRY,
	};
}

uint32_t window_batch(struct window *window, uint32_t limit, size_t bytes,
		      struct transport_batch *batch)
{
	size_t sum = 0;
	uint32_t count = 0;

	while (count < MIN(window->count, limit) && !window->letters[count].broken) {
		sum += window->letters[count].len;
		if (count && sum > bytes)
			break;
		record_fill(window, count++);
	}
	*batch = (struct transport_batch){ .records = window->records, .count = count };
	return count;
}

void window_compact(struct window *window, uint32_t count)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < window->count; i++)
		if (i >= count || window->letters[i].row.position)
			window->letters[kept++] = window->letters[i];
	window->count = kept;
}
