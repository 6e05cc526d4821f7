/* SPDX-License-Identifier: Apache-2.0 */
/* Ancestors of a detection that asks for them: from the process store, five at most. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/common.h"
#include "event.h"
#include "format.h"
#include "store.h"

enum { PROCESSES = 8 };

static const struct clock boot_clock = { .boot_epoch_ns = 1785751200000000000 };

struct existing {
	struct wire_header header;
	struct ev_process_existing body;
	char text[16];
};

/* Process 100 + n is the child of 100 + n - 1; its executable is /bin/pN. */
static struct existing process_number(uint32_t n)
{
	struct existing record = { .header = { .size = sizeof(record),
					       .id = EV_process_existing,
					       .present = FIELD_BIT(process_existing, pathname) } };
	struct wire_header *header = &record.header;

	header->pid = header->tid = 100 + n;
	header->ns_pid = header->ns_tid = 10 + n;
	header->ppid = n ? 99 + n : 0;
	header->start_time = header->leader_start_time = (n + 1) * 1000000000ULL;
	header->parent_start_time = n ? n * 1000000000ULL : 0;
	snprintf(header->comm, sizeof(header->comm), "p%u", n);
	record.body.pathname = (struct wire_ref){
		offsetof(struct existing, text),
		(uint32_t)snprintf(record.text, sizeof(record.text), "/bin/p%u", n)
	};
	return record;
}

static void print(struct buf *out, const struct event *event, const char *format,
		  const struct stores *stores)
{
	struct host here = { .name = STR("h") };
	struct format_options options = { .stores = stores, .host = &here, .sensor_version = "1" };

	buf_clear(out);
	format_by_name(str_of(format))->write(out, event, &options);
}

static unsigned count(const struct buf *out, const char *text)
{
	unsigned found = 0;

	for (const char *at = out->data; (at = strstr(at, text)); at++)
		found++;
	return found;
}

static void test_ancestry(void **state)
{
	(void)state;
	struct stores *stores = stores_new(64, 8);
	struct buf out = { 0 };
	struct existing last;
	char expected[256];

	assert_non_null(stores);
	stores_set_clock(stores, &boot_clock);
	for (uint32_t i = 0; i < PROCESSES; i++) {
		last = process_number(i);
		stores_update(stores, &last.header);
	}
	struct event event = { .def = event_by_id(EV_msgget),
			       .wire = &last.header,
			       .clock = &boot_clock,
			       .process = process_find(stores, last.header.pid,
						       last.header.leader_start_time) };

	last.header.present = 0;
	last.header.id = EV_msgget;
	assert_non_null(event.process);
	print(&out, &event, "json", stores);
	buf_cstr(&out);
	assert_int_equal(count(&out, "\"host_pid\""), 2); /* itself and its parent */
	event.print_ancestry = true;
	print(&out, &event, "json", stores);
	buf_cstr(&out);
	assert_int_equal(count(&out, "\"host_pid\""), 6);
	snprintf(
		expected, sizeof(expected),
		"\"ancestors\":[{\"executable\":{\"path\":\"/bin/p6\"},\"unique_id\":%u,\"host_pid\":106,"
		"\"pid\":16,\"thread\":{\"name\":\"p6\"}},{",
		entity_hash(106, boot_clock.boot_epoch_ns + 7000000000));
	assert_non_null(strstr(out.data, expected));
	assert_non_null(strstr(out.data, "\"thread\":{\"name\":\"p2\"}}]}}"));
	print(&out, &event, "tracee-json", stores);
	buf_cstr(&out);
	assert_int_equal(count(&out, "\"host_pid\""), 6);
	/* Of one whose parents nobody knows, the record still names the parent. */
	event.process = NULL;
	print(&out, &event, "json", stores);
	buf_cstr(&out);
	assert_int_equal(count(&out, "\"host_pid\""), 2);
	buf_free(&out);
	stores_free(stores);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_ancestry) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
