/* SPDX-License-Identifier: Apache-2.0 */
/* Reading fields in place, and refusing records that would make that unsafe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/common.h"
#include "event.h"

static const struct clock clock_1000 = { .boot_epoch_ns = 1000 };

static struct event view(uint16_t id, const struct wire_header *wire)
{
	return (struct event){ .def = event_by_id(id), .wire = wire, .clock = &clock_1000 };
}

static void test_scalars(void **state)
{
	(void)state;
	struct {
		struct wire_header header;
		struct ev_semtimedop body;
	} record = { .header = { .size = sizeof(record), .id = EV_semtimedop } };

	record.body.semid = -5;
	record.body.sops = 0xffffffffffffffff;
	record.body.nsops = 1ULL << 63;
	record.body.timeout = (struct wire_timespec){ 1, 500000000 };
	record.header.present = FIELD_BIT(semtimedop, semid) | FIELD_BIT(semtimedop, sops) |
				FIELD_BIT(semtimedop, nsops) | FIELD_BIT(semtimedop, timeout);
	record.header.user = FIELD_BIT(semtimedop, timeout) | FIELD_BIT(semtimedop, sem_op);

	struct event event = view(EV_semtimedop, &record.header);
	struct value value = event_field_value(&event, FIELD_AT(semtimedop, semid), NULL);

	assert_int_equal(value.tag, VALUE_INT);
	assert_int_equal(value.i, -5);
	assert_int_equal(value.kind, FIELD_i32);
	value = event_field_value(&event, FIELD_AT(semtimedop, sops), NULL);
	assert_int_equal(value.tag, VALUE_UINT);
	assert_int_equal(value.kind, FIELD_pointer);
	assert_true(value.u == UINT64_MAX);
	value = event_field_value(&event, FIELD_AT(semtimedop, nsops), NULL);
	assert_true(value.u == 1ULL << 63);
	value = event_field_value(&event, FIELD_AT(semtimedop, timeout), NULL);
	assert_int_equal(value.tag, VALUE_DOUBLE);
	assert_true(value.d == 1.5);
	/* Not captured, and beyond the end. */
	assert_int_equal(event_field_value(&event, FIELD_AT(semtimedop, returnValue), NULL).tag,
			 VALUE_NULL);
	assert_int_equal(event_field_value(&event, 64, NULL).tag, VALUE_NULL);
	assert_true(event_field_from_user(&event, FIELD_AT(semtimedop, timeout)));
	assert_false(event_field_from_user(&event, FIELD_AT(semtimedop, semid)));
	assert_false(event_field_from_user(&event, FIELD_AT(semtimedop, sem_op)));
	assert_false(event_field_from_user(&event, 64));
}

static void test_time_is_epoch(void **state)
{
	(void)state;
	struct {
		struct wire_header header;
		struct ev_sched_process_fork body;
	} record = {
		.header = { .size = sizeof(record), .id = EV_sched_process_fork, .present = ~0ULL }
	};

	record.body.start_time = 234;

	struct event event = view(EV_sched_process_fork, &record.header);

	assert_int_equal(
		event_field_value(&event, FIELD_AT(sched_process_fork, start_time), NULL).u, 1234);
	/* 0 is "not known" and stays so. */
	assert_int_equal(
		event_field_value(&event, FIELD_AT(sched_process_fork, leader_start_time), NULL).u,
		0);
}

/* A sched_process_exec record with a path and an argv behind it. */
struct exec_record {
	struct wire_header header;
	struct ev_sched_process_exec body;
	char tail[16]; /* "/bin/ls" and "ls\0-la\0" */
};

static struct exec_record exec_record(void)
{
	struct exec_record record = { .header = { .size = sizeof(record),
						  .id = EV_sched_process_exec } };
	uint32_t tail = offsetof(struct exec_record, tail);

	memcpy(record.tail,
	       "/bin/ls"
	       "ls\0-la\0",
	       14);
	record.body.pathname = (struct wire_ref){ tail, 7 };
	record.body.argv = (struct wire_ref){ tail + 7, 7 };
	record.header.present = FIELD_BIT(sched_process_exec, pathname) |
				FIELD_BIT(sched_process_exec, argv) |
				FIELD_BIT(sched_process_exec, env);
	record.body.env = (struct wire_ref){ tail, 0 };
	return record;
}

static void test_strings(void **state)
{
	(void)state;
	struct arena arena = { 0 };
	struct exec_record record = exec_record();
	struct event event = view(EV_sched_process_exec, &record.header);
	struct value path = event_field_value(&event, FIELD_AT(sched_process_exec, pathname),
					      &arena);

	assert_int_equal(path.tag, VALUE_STRING);
	assert_int_equal(path.len, 7);
	assert_ptr_equal(path.str, record.tail);

	struct value argv = event_field_value(&event, FIELD_AT(sched_process_exec, argv), &arena);

	assert_int_equal(argv.tag, VALUE_LIST);
	assert_int_equal(argv.len, 2);
	assert_int_equal(argv.list->count, 2);
	assert_true(str_equal((struct str){ argv.list->items[0].str, argv.list->items[0].len },
			      STR("ls")));
	assert_true(str_equal((struct str){ argv.list->items[1].str, argv.list->items[1].len },
			      STR("-la")));

	struct value env = event_field_value(&event, FIELD_AT(sched_process_exec, env), &arena);

	assert_int_equal(env.tag, VALUE_LIST);
	assert_int_equal(env.list->count, 0);
	/* Lists need an arena. */
	assert_int_equal(event_field_value(&event, FIELD_AT(sched_process_exec, argv), NULL).tag,
			 VALUE_NULL);
	arena_free(&arena);
}

static void test_i16s(void **state)
{
	(void)state;
	struct {
		struct wire_header header;
		struct ev_semop body;
		int16_t items[4];
	} record = { .header = { .size = sizeof(record), .id = EV_semop } };
	struct arena arena = { 0 };

	record.items[0] = -1;
	record.items[1] = 32767;
	record.body.sem_op = (struct wire_ref){ (uint32_t)((char *)record.items - (char *)&record),
						4 };
	record.header.present = FIELD_BIT(semop, sem_op);

	struct event event = view(EV_semop, &record.header);
	struct value list = event_field_value(&event, FIELD_AT(semop, sem_op), &arena);

	assert_int_equal(list.list->count, 2);
	assert_int_equal(list.list->items[0].i, -1);
	assert_int_equal(list.list->items[1].i, 32767);
	arena_free(&arena);
}

static void test_produced_values(void **state)
{
	(void)state;
	struct wire_header wire = { .present = 0, .user = ~0ULL };
	struct value values[3] = { value_int(1), value_null(), value_int(3) };
	struct event event = view(EV_msgget, &wire);
	struct event_def def = *event.def;

	def.field_count = 3;
	event.def = &def;
	event.values = values;
	assert_int_equal(event_field_value(&event, 2, NULL).i, 3);
	assert_int_equal(event_field_value(&event, 1, NULL).tag, VALUE_NULL);
	assert_int_equal(event_field_value(&event, 3, NULL).tag, VALUE_NULL);
	assert_false(event_field_from_user(&event, 0));
}

static void refuse(const struct wire_header *record, size_t available, const char *expected)
{
	const char *why = NULL;

	assert_int_equal(wire_check(record, available, &why), -EBADMSG);
	assert_non_null(why);
	assert_non_null(strstr(why, expected));
}

static void test_check_sizes(void **state)
{
	(void)state;
	struct exec_record record = exec_record();
	const char *why = "untouched";

	assert_int_equal(wire_check(&record.header, sizeof(record), &why), 0);
	assert_string_equal(why, "untouched");
	assert_int_equal(wire_check(&record.header, sizeof(record) + 100, &why), 0);
	refuse(&record.header, sizeof(record) - 1, "longer than what is there");
	refuse(&record.header, sizeof(struct wire_header) - 1, "shorter than a record header");
	refuse(&record.header, 0, "shorter than a record header");
	record.header.size = sizeof(record) - 1;
	refuse(&record.header, sizeof(record), "impossible");
	record.header.size = 0;
	refuse(&record.header, sizeof(record), "impossible");
	record.header.size = sizeof(struct wire_header);
	refuse(&record.header, sizeof(record), "shorter than its event");
	record.header.size = WIRE_RECORD_MAX + 8;
	refuse(&record.header, sizeof(record), "larger than a record may be");
	record = exec_record();
	record.header.id = 9999;
	refuse(&record.header, sizeof(record), "id is unknown");
	record = exec_record();
	record.header.present = 1ULL << 63;
	refuse(&record.header, sizeof(record), "more fields");
}

static void test_check_refs(void **state)
{
	(void)state;
	struct exec_record good = exec_record(), record = good;

	record.body.pathname.offset = 8; /* inside the header */
	refuse(&record.header, sizeof(record), "outside its record");
	record = good;
	record.body.pathname.offset = sizeof(record) + 1;
	refuse(&record.header, sizeof(record), "outside its record");
	record = good;
	record.body.pathname.len = 0xffffffff;
	refuse(&record.header, sizeof(record), "outside its record");
	record = good;
	record.body.pathname = (struct wire_ref){ 0xffffffff, 0 };
	refuse(&record.header, sizeof(record), "outside its record");
	record = good;
	record.body.argv.len--;
	refuse(&record.header, sizeof(record), "NUL");
	/* What is not present is not looked at. */
	record.header.present = 0;

	const char *why;

	assert_int_equal(wire_check(&record.header, sizeof(record), &why), 0);
}

static void test_host_name(void **state)
{
	struct {
		struct wire_header header;
		struct ev_msgget body;
		char host_name[WIRE_HOST_NAME_LEN];
	} record = { .header = { .size = sizeof(record), .id = EV_msgget } };
	struct event event = view(EV_msgget, &record.header);
	struct event_given given = { .host_name = STR("recorded") };
	const char *why = "";

	(void)state;
	assert_null(event_host_name(&event).data);
	record.header.host_name = offsetof(__typeof__(record), host_name);
	assert_int_equal(wire_check(&record.header, sizeof(record), &why), 0);
	assert_int_equal(event_host_name(&event).len, 0);
	memcpy(record.host_name, "container-7", 11);
	assert_true(str_equal(event_host_name(&event), STR("container-7")));
	memset(record.host_name, 'x', sizeof(record.host_name));
	assert_int_equal(event_host_name(&event).len, WIRE_HOST_NAME_LEN);
	event.given = &given;
	assert_true(str_equal(event_host_name(&event), STR("recorded")));
	record.header.host_name++;
	refuse(&record.header, sizeof(record), "its host name is outside of it");
	record.header.host_name = UINT32_MAX;
	refuse(&record.header, sizeof(record), "its host name is outside of it");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scalars),		cmocka_unit_test(test_time_is_epoch),
		cmocka_unit_test(test_strings),		cmocka_unit_test(test_i16s),
		cmocka_unit_test(test_produced_values), cmocka_unit_test(test_check_sizes),
		cmocka_unit_test(test_check_refs),	cmocka_unit_test(test_host_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
