/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts read back from lines. Whatever line comes in, what is read prints, and that prints the
 * same again; and a hostile alert made from the input is read back to the same bytes.
 */
#include "../support/hostile.h"

#include <errno.h>

#include "source/alert.h"
#include "touch.h"

static const struct format *json;

/* Reads `line` and writes it again. False: refused, with a reason. */
static bool rewrite(struct str line, struct buf *out)
{
	static struct arena arena;
	struct alert alert;
	struct err err = { 0 };
	int r;

	arena.limit = ALERT_ARENA_MAX;
	r = alert_read(&arena, line, &alert, &err);
	CHECK(r == 0 || (err.message[0] && (r == -EBADMSG || r == -ENOMEM)));
	if (r == 0) {
		buf_clear(out);
		json->write(out, &alert.event, &alert.options);
		CHECK(!out->truncated && out->len && out->data[out->len - 1] == '\n');
	}
	arena_reset(&arena);
	return r == 0;
}

static void check_same(const struct buf *a, const struct buf *b)
{
	CHECK(a->len == b->len && memcmp(a->data, b->data, a->len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct hostile hostile;
	static struct buf first, second;

	json = format_by_name(STR("json"));
	if (rewrite((struct str){ (const char *)data, (uint32_t)len }, &first)) {
		CHECK(rewrite((struct str){ first.data, (uint32_t)first.len }, &second));
		check_same(&first, &second);
	}
	hostile_alert(&hostile, data, len);
	buf_clear(&first);
	json->write(&first, &hostile.event, &hostile.options);
	CHECK(rewrite((struct str){ first.data, (uint32_t)first.len }, &second));
	check_same(&first, &second);
	return 0;
}
