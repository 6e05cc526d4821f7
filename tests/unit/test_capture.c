/* SPDX-License-Identifier: Apache-2.0 */
/* Captures: what is written comes back, and what is damaged is told and does no harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/common.h"
#include "base/err.h"
#include "source.h"
#include "source/capture.h"

enum { RECORDS = 5000 };

struct record {
	struct wire_header header;
	struct ev_events_lost body;
	char text[16];
};

static char path[] = "/tmp/spoor-capture-XXXXXX";
static const struct clock written_clock = { .boot_epoch_ns = 123456789012345 };
static const struct str written_addresses[] = { { "192.0.2.7", 9 }, { "2001:db8::7", 11 } };
static const struct host written_host = { .name = { "recorder", 8 },
					  .machine_id = { "0123456789abcdef0123456789abcdef", 32 },
					  .boot_id = { "0d0c0b0a-0908-0706-0504-030201000000", 36 },
					  .addresses = written_addresses,
					  .address_count = 2 };

static struct record record_of(uint32_t number)
{
	struct record record = { .header = { .size = sizeof(record), .id = EV_events_lost } };

	record.header.seq = number;
	record.header.time = number * 1000ULL;
	record.header.present = FIELD_BIT(events_lost, lost) | FIELD_BIT(events_lost, reason);
	record.body.lost = number;
	record.body.reason = (struct wire_ref){ offsetof(struct record, text), 9 };
	memcpy(record.text, "ring_full", 9);
	return record;
}

_Static_assert(sizeof(struct record) % 8 == 0, "records are 8-byte aligned");

static void write_capture(uint32_t count)
{
	struct capture_writer *writer = NULL;
	struct err err = { 0 };

	assert_int_equal(capture_create(path, &written_clock, &written_host, 41, &writer, &err), 0);
	for (uint32_t i = 0; i < count; i++) {
		struct record record = record_of(i);

		assert_int_equal(capture_write(writer, &record.header), 0);
	}
	assert_int_equal(capture_close(writer), 0);
}

static size_t head_size(void)
{
	return sizeof(struct capture_header) + sizeof(struct capture_host) +
	       event_table_count * sizeof(struct capture_event);
}

static size_t capture_size(void)
{
	struct stat stat_;

	assert_int_equal(stat(path, &stat_), 0);
	return (size_t)stat_.st_size;
}

static void count_record(void *ctx, const struct wire_header *record,
			 const struct event_given *given)
{
	uint32_t *count = ctx;
	struct record expected = record_of(*count);

	assert_null(given);
	assert_int_equal(record->size, sizeof(expected));
	assert_memory_equal(record, &expected, sizeof(expected));
	++*count;
}

static int open_capture(struct source **out, struct err *err)
{
	struct source_want want = { .path = path };

	return source_capture.open(&want, out, err);
}

static void check_host(const struct source *source)
{
	uint64_t sequence;
	const struct host *host = source_capture.host(source, &sequence);

	assert_true(str_equal(host->name, written_host.name));
	assert_true(str_equal(host->machine_id, written_host.machine_id));
	assert_true(str_equal(host->boot_id, written_host.boot_id));
	assert_int_equal(host->address_count, 2);
	assert_true(str_equal(host->addresses[1], written_addresses[1]));
	assert_int_equal(sequence, 41);
}

/* Reads to the end; returns its reason. */
static int read_all(uint32_t *count, struct source_stats *stats, struct err *err)
{
	struct source *source = NULL;
	int r;

	assert_int_equal(open_capture(&source, err), 0);
	assert_int_equal(source_capture.clock(source)->boot_epoch_ns, written_clock.boot_epoch_ns);
	check_host(source);
	do
		r = source_capture.read(source, 0, count_record, count, err);
	while (r >= 0);
	source_capture.stats(source, stats);
	source_capture.close(source);
	return r;
}

static void test_round_trip(void **state)
{
	(void)state;
	struct source_stats stats;
	struct err err = { 0 };
	uint32_t count = 0;

	write_capture(RECORDS);
	assert_int_equal(capture_size(), head_size() + RECORDS * sizeof(struct record));
	assert_int_equal(read_all(&count, &stats, &err), -ENODATA);
	assert_int_equal(count, RECORDS);
	assert_int_equal(stats.records, RECORDS);
	assert_int_equal(stats.malformed, 0);
	count = 0;
	write_capture(0);
	assert_int_equal(read_all(&count, &stats, &err), -ENODATA);
	assert_int_equal(count, 0);
}

static void test_truncated(void **state)
{
	(void)state;
	for (unsigned cut = 1; cut < sizeof(struct record); cut += 7) {
		struct source_stats stats;
		struct err err = { 0 };
		uint32_t count = 0;
		char offset[64];

		write_capture(3);
		assert_int_equal(truncate(path, (off_t)(capture_size() - cut)), 0);
		assert_int_equal(read_all(&count, &stats, &err), -EBADMSG);
		assert_int_equal(count, 2);
		snprintf(offset, sizeof(offset), "at byte %zu",
			 head_size() + 2 * sizeof(struct record));
		assert_non_null(strstr(err.message, "cut off"));
		assert_non_null(strstr(err.message, offset));
	}
}

static void test_truncated_head(void **state)
{
	(void)state;
	for (size_t len = 0; len < head_size(); len += 31) {
		struct source *source = NULL;
		struct err err = { 0 };

		write_capture(0);
		assert_int_equal(truncate(path, (off_t)len), 0);
		assert_int_equal(open_capture(&source, &err), -EBADMSG);
		assert_non_null(strstr(err.message, "ends within its head"));
		assert_null(source);
	}
}

static void overwrite(size_t offset, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, len, (off_t)offset), len);
	close(fd);
}

static void refused_at_open(const char *expected)
{
	struct source *source = NULL;
	struct err err = { 0 };

	assert_int_equal(open_capture(&source, &err), -EBADMSG);
	assert_non_null(strstr(err.message, expected));
	assert_null(source);
}

/* Where the table of events tells of one. */
static size_t row_of(uint16_t id)
{
	return sizeof(struct capture_header) + sizeof(struct capture_host) +
	       (size_t)(event_by_id(id) - event_table) * sizeof(struct capture_event);
}

static void test_other_layout(void **state)
{
	(void)state;
	size_t row = row_of(EV_events_lost), other = row_of(EV_msgget);
	uint64_t digest = 42;
	struct source_stats stats;
	struct err err = { 0 };
	uint32_t count = 0;

	/* Its records are skipped and counted. */
	write_capture(2);
	overwrite(row + offsetof(struct capture_event, digest), &digest, sizeof(digest));
	assert_int_equal(read_all(&count, &stats, &err), -ENODATA);
	assert_int_equal(count, 0);
	assert_int_equal(stats.malformed, 2);
	/* One of which there is no record is no reason to say anything. */
	write_capture(2);
	overwrite(other + offsetof(struct capture_event, digest), &digest, sizeof(digest));
	assert_int_equal(read_all(&count, &stats, &err), -ENODATA);
	assert_int_equal(count, 2);
	assert_int_equal(stats.malformed, 0);
	/* An event we do not have is no reason to refuse. */
	write_capture(1);
	uint32_t id = 4999;

	overwrite(other, "no_such", 8);
	overwrite(other + offsetof(struct capture_event, id), &id, sizeof(id));
	count = 0;
	assert_int_equal(read_all(&count, &stats, &err), -ENODATA);
	assert_int_equal(count, 1);
	/* The name of one and the id of another: not ours. */
	write_capture(1);
	overwrite(row, "msgsnd\0", 7);
	count = 0;
	assert_int_equal(read_all(&count, &stats, &err), -ENODATA);
	assert_int_equal(count, 0);
	assert_int_equal(stats.malformed, 1);
}

static void test_other_header(void **state)
{
	(void)state;
	uint32_t version = 3, many = 1u << 31;

	write_capture(1);
	overwrite(0, "SPOORCAQ", 8);
	refused_at_open("not a capture");
	write_capture(1);
	overwrite(offsetof(struct capture_header, version), &version, sizeof(version));
	refused_at_open("format 3");
	write_capture(1);
	overwrite(offsetof(struct capture_header, record_header_size), &version, sizeof(version));
	refused_at_open("another size");
	write_capture(1);
	overwrite(offsetof(struct capture_header, event_count), &many, sizeof(many));
	refused_at_open("table of events is damaged");
}

static void ignore_record(void *ctx, const struct wire_header *record,
			  const struct event_given *given)
{
	(void)record;
	(void)given;
	++*(uint32_t *)ctx;
}

static void test_bad_records(void **state)
{
	(void)state;
	struct source *source = NULL;
	struct source_stats stats;
	struct err err = { 0 };
	uint32_t count = 0, far = 1u << 20, zero = 0;
	uint16_t unknown = 4999;
	int r;

	/* The first refers outside itself, the second is of another sensor, the third is good. */
	write_capture(4);
	overwrite(head_size() + offsetof(struct record, body.reason), &far, sizeof(far));
	overwrite(head_size() + sizeof(struct record) + offsetof(struct wire_header, id), &unknown,
		  sizeof(unknown));
	/* Behind the fourth nothing can be told apart. */
	overwrite(head_size() + 3 * sizeof(struct record), &zero, sizeof(zero));
	assert_int_equal(open_capture(&source, &err), 0);
	do
		r = source_capture.read(source, 0, ignore_record, &count, &err);
	while (r >= 0);
	source_capture.stats(source, &stats);
	source_capture.close(source);
	assert_int_equal(r, -EBADMSG);
	assert_non_null(strstr(err.message, "damaged"));
	assert_int_equal(count, 1);
	assert_int_equal(stats.malformed, 1);
	assert_int_equal(stats.unknown, 1);
}

static void test_recognise(void **state)
{
	(void)state;
	assert_true(source_capture.recognise("SPOORCAPxx", 10));
	assert_false(source_capture.recognise("SPOORCA", 7));
	assert_false(source_capture.recognise("{\"times", 7));
	assert_false(source_capture.recognise("", 0));
}

static void test_create_errors(void **state)
{
	(void)state;
	struct capture_writer *writer = NULL;
	struct err err = { 0 };

	assert_int_equal(capture_create("/tmp", &written_clock, &written_host, 41, &writer, &err),
			 -EISDIR);
	assert_non_null(strstr(err.message, "/tmp"));
	assert_int_equal(capture_create("/tmp/no/such/place", &written_clock, &written_host, 41,
					&writer, &err),
			 -ENOENT);
	assert_int_equal(
		capture_create("/dev/full", &written_clock, &written_host, 41, &writer, &err),
		-ENOSPC);
	assert_null(writer);
	assert_int_equal(capture_close(NULL), 0);

	struct source *source = NULL;
	struct source_want want = { .path = "/tmp" };

	assert_int_equal(source_capture.open(&want, &source, &err), -EISDIR);
	want.path = "/tmp/no/such/place";
	assert_int_equal(source_capture.open(&want, &source, &err), -ENOENT);
}

static void test_digest_tells_layouts_apart(void **state)
{
	(void)state;
	struct event_def def = *event_by_id(EV_msgget);
	struct event_field fields[WIRE_FIELDS_MAX];
	uint64_t digest = capture_digest(&def);

	memcpy(fields, def.fields, def.field_count * sizeof(fields[0]));
	def.fields = fields;
	assert_true(capture_digest(&def) == digest);
	fields[1].offset += 4;
	assert_true(capture_digest(&def) != digest);
	fields[1].offset -= 4;
	fields[1].type = FIELD_u32;
	assert_true(capture_digest(&def) != digest);
	fields[1].type = FIELD_i32;
	fields[1].name = "msgflags";
	assert_true(capture_digest(&def) != digest);
	fields[1].name = "msgflg";
	fields[1].doc = "documentation does not count";
	assert_true(capture_digest(&def) == digest);
}

static int make_path(void **state)
{
	(void)state;
	int fd = mkstemp(path);

	return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_truncated_head),
		cmocka_unit_test(test_other_layout),
		cmocka_unit_test(test_other_header),
		cmocka_unit_test(test_bad_records),
		cmocka_unit_test(test_recognise),
		cmocka_unit_test(test_create_errors),
		cmocka_unit_test(test_digest_tells_layouts_apart),
	};

	return cmocka_run_group_tests(tests, make_path, remove_path);
}
