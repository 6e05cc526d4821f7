/* SPDX-License-Identifier: Apache-2.0 */
/* The event table against itself and against Tracee's facts; hashes; system call names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <jansson.h>
#include <string.h>

#include "base/common.h"
#include "event/encode.h"

#define FACTS	"/work/shared/tracee/events.json"
#define VECTORS "/work/shared/tracee/vectors/events.json"

static void test_sorted_and_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < event_table_count; i++) {
		const struct event_def *def = &event_table[i];

		if (i)
			assert_true(strcmp(event_table[i - 1].name, def->name) < 0);
		assert_ptr_equal(event_by_name(str_of(def->name)), def);
		assert_ptr_equal(event_by_id(def->id), def);
	}
	assert_null(event_by_name(STR("msgge")));
	assert_null(event_by_name(STR("msggett")));
	assert_null(event_by_name(STR("")));
	assert_null(event_by_name(STR("zzz")));
	assert_null(event_by_id(0));
	assert_null(event_by_id(65535));
}

static size_t type_size(uint8_t type)
{
	static const size_t sizes[] = {
#define TYPE(name, ...) [FIELD_##name] = sizeof(FIELD_TYPE_##name),
#include "types.def"
#undef TYPE
	};

	return sizes[type];
}

static void test_fields_in_bounds(void **state)
{
	(void)state;
	for (size_t i = 0; i < event_table_count; i++) {
		const struct event_def *def = &event_table[i];
		size_t end = sizeof(struct wire_header);
		bool own = false;

		assert_true(def->field_count <= WIRE_FIELDS_MAX);
		for (unsigned f = 0; f < def->field_count; f++) {
			const struct event_field *field = &def->fields[f];

			assert_true(field->offset >= end);
			end = field->offset + type_size(field->type);
			assert_int_equal(event_field_index(def, str_of(field->name)), f);
			/* Tracee's fields first. */
			assert_false(own && field->owner == TRACEE);
			own |= field->owner == OWN;
		}
		assert_true(end <= sizeof(struct wire_header) + def->body_size);
	}
}

static void test_origin_tags(void **state)
{
	(void)state;
	for (size_t i = 0; i < event_table_count; i++)
		for (unsigned f = 0; f < event_table[i].field_count; f++) {
			const char *at = event_table[i].fields[f].origin;

			assert_true(*at != 0 || event_table[i].replay_only);
			while (*at) {
				size_t len = strcspn(at, " ");

				assert_true((len == 1 && (*at == 'K' || *at == 'U')) ||
					    (len == 6 && !strncmp(at, "TOCTOU", 6)) ||
					    (len == 3 && !strncmp(at, "OPT", 3)));
				at += len + (at[len] == ' ');
			}
		}
}

static void test_sets(void **state)
{
	(void)state;
	const struct event_def *def = event_by_name(STR("msgget"));

	assert_true(event_in_set(def, STR("syscalls")));
	assert_true(event_in_set(def, STR("ipc")));
	assert_true(event_in_set(def, STR("ipc_msgq")));
	assert_false(event_in_set(def, STR("ipc_msg")));
	assert_false(event_in_set(def, STR("ipc_msgqq")));
	assert_false(event_in_set(def, STR("")));
	assert_false(event_in_set(def, STR("syscalls ipc")));
}

static const char *type_name(uint8_t type)
{
	static const char *const names[] = {
#define TYPE(name, c_type, tracee_name, ...) [FIELD_##name] = tracee_name,
#include "types.def"
#undef TYPE
	};

	return names[type];
}

static const char *type_key(uint8_t type)
{
	static const char *const keys[] = {
#define TYPE(name, c_type, tracee_name, key, cel_type) [FIELD_##name] = key,
#include "types.def"
#undef TYPE
	};

	return keys[type];
}

/* The declared type, or what Tracee prints where it is another. */
static void check_type(json_t *fact, uint8_t type)
{
	const char *key = json_string_value(json_object_get(fact, "json_key"));
	const char *declared = json_string_value(json_object_get(fact, "type"));

	if (key)
		assert_string_equal(key, type_key(type));
	if (!key || strcmp(declared, "const char*") == 0 || strncmp(declared, "trace.", 6) != 0)
		return;
	if (type != FIELD_str)
		assert_string_equal(declared, type_name(type));
}

static void check_fact(const struct event_def *def, json_t *fact)
{
	json_t *fields = json_object_get(fact, "fields"), *item;
	size_t i, own = 0;

	assert_int_equal(json_integer_value(json_object_get(fact, "proto_id")), def->id);
	assert_string_equal(json_string_value(json_object_get(fact, "version")), def->version);
	json_array_foreach(json_object_get(fact, "sets"), i, item)
		assert_true(event_in_set(def, str_of(json_string_value(item))));
	if (def->syscall >= 0)
		assert_int_equal(json_integer_value(json_object_get(fact, "internal_id")),
				 def->syscall);
	if (def->syscall32 >= 0)
		assert_int_equal(json_integer_value(json_object_get(fact, "sys32_id")),
				 def->syscall32);
	json_array_foreach(fields, i, item)
	{
		assert_true(i < def->field_count);
		assert_int_equal(def->fields[i].owner, TRACEE);
		assert_string_equal(json_string_value(json_object_get(item, "name")),
				    def->fields[i].name);
		check_type(item, def->fields[i].type);
	}
	for (unsigned f = 0; f < def->field_count; f++)
		own += def->fields[f].owner == OWN;
	assert_int_equal(json_array_size(fields) + own, def->field_count);
}

static void test_equal_to_tracee(void **state)
{
	(void)state;
	json_t *facts = json_load_file(FACTS, 0, NULL), *fact;
	size_t i, found = 0;

	if (!facts) {
		print_message("skipped: %s is not here\n", FACTS);
		skip();
	}
	json_array_foreach(facts, i, fact)
	{
		const char *name = json_string_value(json_object_get(fact, "name"));
		const struct event_def *def = event_by_name(str_of(name));

		assert_non_null(def);
		check_fact(def, fact);
		found++;
	}
	json_decref(facts);
	assert_int_equal(found, 589);
}

static size_t count_words(const char *text)
{
	size_t count = 0;

	for (; *text; text += strspn(text, " "), count++)
		text += strcspn(text, " ");
	return count;
}

static void check_definition(const struct event_def *def, json_t *row)
{
	bool internal = json_is_true(json_object_get(row, "internal"));
	json_t *item;
	size_t i, own = 0;

	assert_int_equal(json_integer_value(json_object_get(row, "external_id")), def->id);
	assert_int_equal(json_integer_value(json_object_get(row, "id")), event_internal_id(def));
	assert_string_equal(json_string_value(json_object_get(row, "version")), def->version);
	assert_int_equal(json_is_true(json_object_get(row, "detector")), event_is_detection(def));
	assert_int_equal(internal, event_in_set(def, STR("internal")));
	json_array_foreach(json_object_get(row, "sets"), i, item)
		assert_true(event_in_set(def, str_of(json_string_value(item))));
	assert_int_equal(json_array_size(json_object_get(row, "sets")) + internal,
			 count_words(def->sets));
	json_array_foreach(json_object_get(row, "fields"), i, item) assert_string_equal(
		json_string_value(json_object_get(item, "name")), def->fields[i].name);
	for (unsigned f = 0; f < def->field_count; f++)
		own += def->fields[f].owner == OWN;
	assert_int_equal(i + own, def->field_count);
}

/* Detectors' events included. */
static void test_every_definition_is_known(void **state)
{
	(void)state;
	json_t *rows = json_load_file(VECTORS, 0, NULL), *row;
	size_t i;

	if (!rows) {
		print_message("skipped: %s is not here\n", VECTORS);
		skip();
	}
	assert_int_equal(json_array_size(rows), 622);
	json_array_foreach(rows, i, row)
	{
		const char *name = json_string_value(json_object_get(row, "name"));
		const struct event_def *def = event_by_name(str_of(name));

		if (!def)
			fail_msg("%s is not known", name);
		check_definition(def, row);
	}
	json_decref(rows);
}

/* What the sensor makes itself, and what it collects by hooks. */
static void test_replay_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < event_table_count; i++) {
		const struct event_def *def = &event_table[i];

		if (def->hook_count)
			assert_false(def->replay_only);
		else
			assert_true(def->replay_only || def->id >= EV_events_lost);
	}
	assert_true(event_by_name(STR("openat"))->replay_only);
	assert_true(event_by_name(STR("anti_debugging"))->replay_only);
	assert_false(event_by_name(STR("msgget"))->replay_only);
}

static void test_hash_vectors(void **state)
{
	(void)state;
	assert_int_equal(entity_hash(1, 0), 2241331610);
	assert_int_equal(entity_hash(1234, 1785751200123456789), 765985336);
	assert_int_equal(entity_hash(1234, 1785751200199999999), 765985336);
	assert_int_equal(entity_hash(1234, 1785751200200000000), 414381803);
	assert_int_equal(entity_hash(4194304, 1700000000000000000), 1090824595);
}

static void test_hash_of_event(void **state)
{
	(void)state;
	struct wire_header wire = { .pid = 1234, .tid = 4194304, .ppid = 1 };
	struct clock clock = { .boot_epoch_ns = 1700000000000000000 };
	struct event event = { .wire = &wire, .clock = &clock };

	wire.leader_start_time = 1785751200123456789 - clock.boot_epoch_ns;
	assert_int_equal(event_process_hash(&event), 765985336);
	assert_int_equal(event_thread_hash(&event), 1090824595);
	assert_int_equal(event_parent_hash(&event), entity_hash(1, clock.boot_epoch_ns));

	struct event_given given = { .has_process = true,
				     .process_id = 7,
				     .thread_id = 8,
				     .has_parent = true,
				     .parent_id = 9 };

	event.given = &given;
	assert_int_equal(event_process_hash(&event), 7);
	assert_int_equal(event_thread_hash(&event), 8);
	assert_int_equal(event_parent_hash(&event), 9);
}

static void test_syscall_names(void **state)
{
	(void)state;
	assert_true(str_equal(syscall_name(0), STR("read")));
	assert_true(str_equal(syscall_name(68), STR("msgget")));
	assert_true(str_equal(syscall_name(59), STR("execve")));
	assert_true(str_equal(syscall_name(448), STR("process_mrelease")));
	assert_null(syscall_name(-1).data);
	assert_null(syscall_name(511).data);
	assert_null(syscall_name(512).data);
	assert_null(syscall_name(1 << 30).data);
	for (size_t i = 0; i < event_table_count; i++)
		/* shm_protect and its like are made of calls, but are not them. */
		if (event_table[i].syscall >= 0 && !event_in_set(&event_table[i], STR("sysvipc")))
			assert_true(str_equal(syscall_name(event_table[i].syscall),
					      str_of(event_table[i].name)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sorted_and_found),
		cmocka_unit_test(test_fields_in_bounds),
		cmocka_unit_test(test_origin_tags),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_equal_to_tracee),
		cmocka_unit_test(test_hash_vectors),
		cmocka_unit_test(test_every_definition_is_known),
		cmocka_unit_test(test_replay_only),
		cmocka_unit_test(test_hash_of_event),
		cmocka_unit_test(test_syscall_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
