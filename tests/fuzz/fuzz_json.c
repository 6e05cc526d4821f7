/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recorded JSON. Whatever comes in, a record that comes out passes wire_check and prints; and
 * what it prints is read back and prints the same.
 */
#include <errno.h>
#include <stdint.h>

#include "base/err.h"
#include "source.h"
#include "source/json-record.h"
#include "touch.h"

static const struct clock zero_clock;

static void check_fixed_point(const struct event *event)
{
	static struct buf first, second, text;
	static struct arena arena;
	static struct line_record record;
	const struct format *format = format_by_name(STR("json"));
	struct json_fault parse_fault;
	struct line_fault fault;

	touch_print(&first, format, event, &touch_options);
	buf_clear(&text);
	buf_add(&text, first.data, first.len);
	const struct json *tree = json_parse(&arena, text.data, text.len, &parse_fault);

	CHECK(tree);
	CHECK(line_convert(tree, &record, &fault) == LINE_EVENT);
	struct event again = touch_view(&record.header, &record.given, &zero_clock);

	touch_print(&second, format, &again, &touch_options);
	CHECK(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
	arena_reset(&arena);
}

static void take_record(void *ctx, const struct wire_header *record,
			const struct event_given *given)
{
	struct event event = touch_view(record, given, &zero_clock);

	(void)ctx;
	touch_event(&event);
	check_fixed_point(&event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	int fd, r;
	struct source_want want = { .path = touch_file(&fd) };
	struct source *source = NULL;
	struct err err = { 0 };

	touch_append(fd, data, len);
	CHECK(source_json.open(&want, &source, &err) == 0);
	do
		r = source_json.read(source, 0, take_record, NULL, &err);
	while (r >= 0);
	CHECK(r == -ENODATA);
	source_json.close(source);
	close(fd);
	return 0;
}
