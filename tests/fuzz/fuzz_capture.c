/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Captures. An input that does not begin like one is taken as records behind the head that this
 * build writes, so that inputs stay useful when the table of events changes.
 */
#include <errno.h>
#include <stdint.h>

#include "base/err.h"
#include "source.h"
#include "touch.h"

static const struct clock written_clock = { .boot_epoch_ns = 1785751200000000000 };
static const struct str written_addresses[] = { { "192.0.2.7", 9 }, { "2001:db8::7", 11 } };
static const struct host written_host = { .name = { "recorder", 8 },
					  .machine_id = { "0123456789abcdef0123456789abcdef", 32 },
					  .boot_id = { "0d0c0b0a-0908-0706-0504-030201000000", 36 },
					  .addresses = written_addresses,
					  .address_count = 2 };
static const struct clock *read_clock;

static void take_record(void *ctx, const struct wire_header *record,
			const struct event_given *given)
{
	struct event event = touch_view(record, given, read_clock);

	(void)ctx;
	touch_event(&event);
}

static volatile uint64_t told;

/* Each told once, in order, no more than three ahead; its bytes are there. */
static void note_soon(void *ctx, const struct wire_header *record)
{
	uint64_t sum = 0;

	(void)ctx;
	CHECK(record->size >= sizeof(*record) && record->size % 8 == 0);
	for (uint32_t i = 0; i < record->size; i++)
		sum = sum * 31 + ((const unsigned char *)record)[i];
	told = sum;
}

static void write_head(const char *path)
{
	struct capture_writer *writer = NULL;
	struct err err = { 0 };

	CHECK(capture_create(path, &written_clock, &written_host, 41, &writer, &err) == 0);
	CHECK(capture_close(writer) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	int fd, r;
	struct source_want want = { .path = touch_file(&fd), .soon = note_soon };
	struct source *source = NULL;
	struct err err = { 0 };

	if (!source_capture.recognise((const char *)data, len))
		write_head(want.path);
	touch_append(fd, data, len);
	if (source_capture.open(&want, &source, &err) == 0) {
		read_clock = source_capture.clock(source);
		do
			r = source_capture.read(source, 0, take_record, NULL, &err);
		while (r >= 0);
		CHECK(r == -ENODATA || r == -EBADMSG);
		source_capture.close(source);
	} else {
		CHECK(!source && err.message[0]);
	}
	close(fd);
	return 0;
}
