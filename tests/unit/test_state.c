/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What detectors with memory promise beside their meaning: bounds under a flood of keys, quotas of
 * users, a reload that forgets nothing, learning that outlives the program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <unistd.h>

#include "detect/ruleset.h"
#include "state/state.h"
#include "store.h"
#include "../support/world.h"

/* ---- bounds ---------------------------------------- */

static void a_flood_stays_within_its_bounds(void **state)
{
	static const char *const bodies[] = {
		"threshold: {count: 5, window: 1h, by: [process], closing: true}\n"
		"limits: {keys: 1000, bytes: 1M}\n",
		"threshold: {window: 1h, by: [process], distinct: {of: 'getEventData(\"msqid\")', "
		"at_least: 5}}\nlimits: {keys: 1000, bytes: 64K}\n",
		"sequence: {by: [process], within: 1h, steps: [{as: a, conditions: "
		"['getEventData(\"msqid\") == 0'], keep: {x: '\"a text to be kept\"'}}, "
		"{conditions: ['state(\"a.x\") == \"\"']}]}\nlimits: {keys: 1000, bytes: 64K}\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		struct world world = { .ruleset = world_rules(bodies[i]), .now = 1000000000 };
		struct state_stats stats;

		for (uint32_t pid = 1; pid < 200000; pid++)
			world_feed(&world, pid, 1000);
		stats = world_stats(&world);
		assert_true(stats.keys > 0 && stats.keys <= 1000);
		assert_int_equal(stats.keys_max, 1000);
		assert_true(stats.bytes <= stats.bytes_max);
		assert_true(stats.evicted >= 200000 - 1001);
		assert_int_equal(world.made, 0);
		world_end(&world);
	}
}

/* What others hold in small numbers stays, whatever a user floods. */
static void a_flood_takes_only_from_its_user(void **state)
{
	enum { VICTIMS = 20 };
	struct world world = { .ruleset = world_rules(
				       "threshold: {count: 2, window: 1h, by: [process]}\n"
				       "limits: {keys: 1000}\n"),
			       .now = 1000000000 };

	(void)state;
	for (uint32_t i = 0; i < VICTIMS; i++)
		world_feed(&world, 10 + i, 2000 + i);
	for (uint32_t pid = 1000; pid < 300000; pid++)
		world_feed(&world, pid, 1000);
	/* User ids of one block of a container count as one. */
	for (uint32_t pid = 300000; pid < 400000; pid++)
		world_feed(&world, pid, 100000 + pid % 30000);
	assert_int_equal(world.made, 0);
	for (uint32_t i = 0; i < VICTIMS; i++)
		world_feed(&world, 10 + i, 2000 + i);
	assert_int_equal(world.made, VICTIMS);
	world_end(&world);
}

/* Nor do the values of others find no room because a user's have taken it all. */
static void a_flood_leaves_room_for_values(void **state)
{
	struct world world = {
		.ruleset = world_rules("threshold: {window: 1h, by: [process], distinct: {of: "
				       "'getEventData(\"msqid\")', at_least: 40}}\n"),
		.now = 1000000000,
	};

	(void)state;
	for (uint32_t pid = 1000; pid < 9000; pid++)
		for (int msqid = 0; msqid < 33; msqid++)
			world_feed_at(&world, pid, 1000, msqid, world.now += 1000);
	assert_int_equal(world.made, 0);
	for (int msqid = 0; msqid < 40; msqid++)
		world_feed_at(&world, 7, 7, msqid, world.now += 1000);
	assert_int_equal(world.made, 1);
	world_end(&world);
}

/* Nor do many keys of another that hold no memory make room for the values of a few. */
static void memory_is_taken_from_who_holds_it(void **state)
{
	static const char *const bodies[] = {
		"threshold: {window: 1h, by: [process], distinct: {of: 'getEventData(\"msqid\")', "
		"at_least: 1000}}\nlimits: {bytes: 1M}\n",
		"threshold: {count: 4000, window: 1h, by: [process]}\nlimits: {bytes: 1M}\n",
	};
	enum { MANY = 10000, FEW = 200 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		struct world world = { .ruleset = world_rules(bodies[i]), .now = 1000000000 };
		uint64_t most = 0, before;

		for (uint32_t pid = 100000; pid < 100000 + MANY; pid++)
			world_feed(&world, pid, 5);
		for (uint32_t pid = 1; pid <= FEW; pid++)
			for (int msqid = 0; msqid < 999; msqid++) {
				before = world_stats(&world).evicted;
				world_feed_at(&world, pid, 1000, msqid, world.now += 1000);
				most = MAX(most, world_stats(&world).evicted - before);
			}
		/* The last of the few is there, and all of the many. */
		assert_in_range(world_stats(&world).evicted, 1, FEW - 1);
		assert_in_range(world_stats(&world).keys, MANY + 1, MANY + FEW);
		assert_in_range(most, 1, 8);
		world_end(&world);
	}
}

/* Where even that makes no room, it is counted. */
static void values_without_room_are_counted(void **state)
{
	struct world world = {
		.ruleset = world_rules(
			"threshold: {window: 1h, by: [process], distinct: ["
			"{name: a, of: 'getEventData(\"msqid\")', at_least: 1000}, "
			"{name: b, of: 'getEventData(\"msqid\") + 1', at_least: 1000}]}\n"
			"limits: {bytes: 64K}\n"),
		.now = 1000000000,
	};

	(void)state;
	for (int msqid = 0; msqid < 2000; msqid++)
		world_feed_at(&world, 7, 7, msqid, world.now += 1000);
	assert_int_equal(world.made, 0);
	assert_true(world_stats(&world).inexact > 0);
	world_end(&world);
}

/* One key with more events in its window than are kept one by one. */
static void a_busy_key_goes_on_less_exact(void **state)
{
	struct world world = { .ruleset = world_rules(
				       "threshold: {count: 50000, window: 1h, by: [uid]}\n"
				       "limits: {bytes: 64K}\n"),
			       .now = 1000000000 };

	(void)state;
	for (uint32_t i = 0; i < 49999; i++)
		world_feed(&world, 1, 5);
	assert_int_equal(world.made, 0);
	world_feed(&world, 1, 5);
	assert_int_equal(world.made, 1);
	assert_true(world_stats(&world).bytes <= world_stats(&world).bytes_max);
	world.now += 3600ULL * 1000000000;
	for (uint32_t i = 0; i < 49999; i++)
		world_feed(&world, 1, 5);
	assert_int_equal(world.made, 1);
	world_end(&world);
}

/* What a detector says of processes is kept of as many as it says. */
static void labels_have_the_limits_of_their_detector(void **state)
{
	struct world world = { .ruleset = world_rules(
				       "conditions: ['!hasLabel(\"x\")']\nlabel: [x]\n"
				       "limits: {keys: 40000}\n"),
			       .now = 1000000000 };

	(void)state;
	for (uint32_t round = 0; round < 2; round++)
		for (uint32_t pid = 1; pid <= 30000; pid++)
			world_feed(&world, pid, 5);
	assert_int_equal(world.made, 30000);
	world_end(&world);
}

static void what_is_over_is_forgotten(void **state)
{
	struct world world = { .ruleset = world_rules(
				       "threshold: {count: 2, window: 1s, by: [process]}\n"),
			       .now = 1000000000 };

	(void)state;
	for (uint32_t pid = 1; pid <= 1000; pid++)
		world_feed(&world, pid, 5);
	assert_int_equal(world_stats(&world).keys, 1000);
	world.now += 2000000000;
	for (uint32_t i = 0; i < 600; i++)
		world_feed(&world, 5000, 5);
	assert_int_equal(world_stats(&world).keys, 1);
	assert_int_equal(world_stats(&world).expired, 1000);
	world_end(&world);
}

/* ---- what is too large to be kept ---------------------------------------- */

static void look_at_helpers(void *ctx, const struct event *produced)
{
	struct world *world = ctx;

	world->made++;
	world->helpers = produced->values[0];
	world->host_name = event_host_name(produced);
}

/* A list of numbers and a host name, which stand behind the fixed part of a record. */
static void large_records_are_kept_without_their_end(void **state)
{
	enum { HELPERS = 6000 };
	static const char text[] =
		"type: detector\nid: T\nrequirements: {events: [{name: bpf_attach}]}\n"
		"produced_event: {name: t, version: 1.0.0, fields: [{name: helpers, type: int64}]}\n"
		"threshold: {count: 1, window: 1s, closing: true}\n"
		"output: {fields: [{name: helpers, optional: true, "
		"expression: 'getEventData(\"prog_helpers\").size()'}]}\n";
	static const struct builtin_file file = { "t.yaml", text, sizeof(text) - 1 };
	static const struct clock clock = { 0 };
	static struct {
		struct wire_header header;
		char body[512];
		uint64_t helpers[HELPERS];
		char host_name[WIRE_HOST_NAME_LEN];
	} record = { .header = { .size = sizeof(record), .time = 1000 }, .host_name = "here" };
	const struct wire_ref helpers = { offsetof(__typeof__(record), helpers),
					  sizeof(record.helpers) };
	struct err_list problems = { 0 };
	struct world world = { .ruleset = ruleset_load_texts(&file, 1, NULL, &problems) };
	struct event event = { .def = event_by_name(STR("bpf_attach")),
			       .wire = &record.header,
			       .clock = &clock };
	int field = event_field_index(event.def, STR("prog_helpers"));

	assert_true(field >= 0 && event.def->body_size <= sizeof(record.body));
	record.header.id = event.def->id;
	record.header.present = 1ULL << field;
	record.header.host_name = offsetof(__typeof__(record), host_name);
	memcpy((char *)&record + event.def->fields[field].offset, &helpers, sizeof(helpers));
	(void)state;
	assert_int_equal(problems.errors, 0);
	ruleset_run(world.ruleset, &event, NULL, &world.arena, look_at_helpers, &world);
	assert_int_equal(world.made, 1);
	assert_int_equal(world.helpers.i, HELPERS);
	assert_int_equal(world.host_name.len, 4);
	ruleset_advance(world.ruleset, 3000000000, NULL, &world.arena, look_at_helpers, &world);
	assert_int_equal(world.made, 2);
	assert_int_equal(world.helpers.tag, VALUE_NULL);
	assert_null(world.host_name.data);
	world_end(&world);
}

/* ---- reload ---------------------------------------- */

static void reload(struct world *world, const char *body)
{
	struct ruleset *fresh = world_rules(body);

	ruleset_adopt(fresh, world->ruleset);
	ruleset_free(world->ruleset);
	world->ruleset = fresh;
}

static void a_reload_keeps_what_did_not_change(void **state)
{
	static const char body[] =
		"threshold: {count: 3, window: 1h, by: [process], closing: true}\n";
	static const char same[] = "# a comment\n"
				   "threshold:\n  count: 3\n  window: 1h\n  by: [process]\n"
				   "  closing: true\n";
	static const char other[] = "threshold: {count: 3, window: 2h, by: [process]}\n";
	struct world world = { .ruleset = world_rules(body), .now = 1000000000 };

	(void)state;
	world_feed(&world, 7, 5);
	world_feed(&world, 7, 5);
	reload(&world, same);
	assert_int_equal(world_stats(&world).keys, 1);
	world_feed(&world, 7, 5);
	assert_int_equal(world.made, 1);
	/* And its timer: the end of the episode is told by the new one. */
	reload(&world, body);
	ruleset_advance(world.ruleset, world.now + 3600000000000, NULL, &world.arena, world_count,
			&world);
	assert_int_equal(world.made, 2);
	assert_string_equal(world.phase, "closed");
	world_feed(&world, 7, 5);
	world_feed(&world, 7, 5);
	reload(&world, other);
	assert_int_equal(world_stats(&world).keys, 0);
	world_feed(&world, 7, 5);
	assert_int_equal(world.made, 2);
	world_end(&world);
}

static void a_reload_keeps_sequences(void **state)
{
	static const char body[] =
		"sequence: {by: [uid], within: 1h, steps: [{as: a, keep: {p: "
		"'string(getEventData(\"msqid\"))'}}, {conditions: ['state(\"a.p\") == \"0\"'], "
		"repeat: {min: 2}}]}\n";
	struct world world = { .ruleset = world_rules(body), .now = 1000000000 };

	(void)state;
	world_feed(&world, 1, 5);
	world_feed(&world, 2, 5);
	reload(&world, body);
	world_feed(&world, 3, 5);
	assert_int_equal(world.made, 1);
	world_end(&world);
}

/* ---- forks that were lost ---------------------------------------- */

enum { SECOND = 1000000000 };

struct life {
	uint32_t pid, ppid;
	uint64_t start, parent_start, time;
};

/* What a process does; seen: by the rules, or only by the store of processes. */
static void live(struct world *world, struct stores *stores, struct life life, int msqid, bool seen)
{
	static const struct clock clock = { .boot_epoch_ns = 1700000000000000000 };
	struct {
		struct wire_header h;
		struct ev_msgsnd body;
	} record = { .h = { .size = sizeof(record),
			    .id = EV_msgsnd,
			    .pid = life.pid,
			    .tid = life.pid,
			    .ppid = life.ppid,
			    .start_time = life.start,
			    .leader_start_time = life.start,
			    .parent_start_time = life.parent_start,
			    .time = life.time,
			    .present = FIELD_BIT(msgsnd, msqid) },
		     .body = { .msqid = msqid } };
	struct event event = { .def = event_by_id(EV_msgsnd), .wire = &record.h, .clock = &clock };

	stores_update(stores, &record.h);
	if (seen)
		ruleset_run(world->ruleset, &event, stores, &world->arena, world_count, world);
	arena_reset(&world->arena);
}

static void lose_forks(struct world *world, uint64_t time)
{
	static const struct clock clock = { .boot_epoch_ns = 1700000000000000000 };
	struct {
		struct wire_header h;
		struct ev_events_lost body;
	} record = { .h = { .size = sizeof(record),
			    .id = EV_events_lost,
			    .time = time,
			    .present = FIELD_BIT(events_lost, lost) },
		     .body = { .lost = 1 } };
	struct event event = { .def = event_by_id(EV_events_lost),
			       .wire = &record.h,
			       .clock = &clock };

	ruleset_run(world->ruleset, &event, NULL, &world->arena, world_count, world);
}

static void what_is_inherited_outlives_a_lost_fork(void **state)
{
	static const uint64_t s = SECOND;
	const struct life parent = { 10, 1, s / 10, 0, 20 * s };
	const struct life older = { 11, 10, 19 * s, s / 10, 24 * s };
	const struct life child = { 12, 10, 21 * s, s / 10, 24 * s };
	const struct life unseen = { 13, 10, 21 * s, s / 10, 24 * s };
	const struct life grandchild = { 14, 13, 22 * s, 21 * s, 24 * s };
	const struct life later = { 15, 10, 25 * s, s / 10, 26 * s };
	struct world world = { .ruleset = world_rules(
				       "conditions: ['getEventData(\"msqid\") == 1 || "
				       "hasLabel(\"x\")']\nlabel: [x]\n") };
	struct stores *stores = stores_new(0, 0);

	(void)state;
	assert_non_null(stores);
	live(&world, stores, parent, 1, true);
	assert_int_equal(world.made, 1);
	live(&world, stores, unseen, 0, false);
	/* As far as anybody knows it was not started by its parent after that. */
	live(&world, stores, child, 0, true);
	assert_int_equal(world.made, 1);
	lose_forks(&world, 23 * s);
	live(&world, stores, older, 0, true); /* started before its parent had it */
	assert_int_equal(world.made, 1);
	live(&world, stores, child, 0, true);
	assert_int_equal(world.made, 2);
	live(&world, stores, grandchild, 0, true);
	assert_int_equal(world.made, 3);
	live(&world, stores, later, 0, true); /* nothing was lost since */
	assert_int_equal(world.made, 3);
	stores_free(stores);
	world_end(&world);
}

static void what_was_taken_away_does_not_come_back(void **state)
{
	static const uint64_t s = SECOND;
	const struct life parent = { 10, 1, s / 10, 0, 20 * s };
	struct life child = { 12, 10, 21 * s, s / 10, 24 * s };
	static const char give[] =
		"type: detector\nid: T\nproduced_event: {name: t, version: 1.0.0}\n"
		"requirements: {events: [{name: msgsnd}]}\nlabel: [x]\n"
		"conditions: ['getEventData(\"msqid\") == 1']\n";
	static const char take_away[] =
		"type: detector\nid: U\nproduced_event: {name: u, version: 1.0.0}\n"
		"requirements: {events: [{name: msgsnd}]}\nunlabel: [x]\n"
		"conditions: ['hasLabel(\"x\") && getEventData(\"msqid\") == 0']\n";
	const struct builtin_file files[] = { { "t.yaml", give, sizeof(give) - 1 },
					      { "u.yaml", take_away, sizeof(take_away) - 1 } };
	struct err_list problems = { 0 };
	struct world world = { .ruleset = ruleset_load_texts(files, 2, NULL, &problems) };
	struct stores *stores = stores_new(0, 0);

	(void)state;
	live(&world, stores, parent, 1, true);
	lose_forks(&world, 23 * s);
	for (int i = 0; i < 3; i++, child.time += s)
		live(&world, stores, child, 0, true);
	assert_int_equal(world.made, 2); /* given to the parent, taken from the child */
	stores_free(stores);
	world_end(&world);
}

/* ---- on disk ---------------------------------------- */

static void learning_outlives_the_program(void **state)
{
	static const char body[] = "first_seen: {by: [process], learn: 1s}\n";
	static const char path[] = "/tmp/spoor-test-state-XXXXXX";
	char file[sizeof(path)];
	struct world world = { .ruleset = world_rules(body), .now = 1000000000 };
	int fd;

	(void)state;
	memcpy(file, path, sizeof(path));
	fd = mkstemp(file);
	assert_true(fd >= 0);
	world_feed(&world, 7, 5);
	world.now += 2000000000;
	world_feed(&world, 8, 5);
	assert_int_equal(world.made, 1);
	assert_int_equal(ruleset_memory_save(world.ruleset, file, 500), 0);
	world_end(&world);

	/* The next boot, an hour later: what was learnt is known, and it does not learn again. */
	world = (struct world){ .ruleset = world_rules(body), .now = 1000000 };
	assert_int_equal(ruleset_memory_load(world.ruleset, file, 500 + 3600000000000), 0);
	world_feed(&world, 7, 5);
	world_feed(&world, 8, 5);
	assert_int_equal(world.made, 0);
	world_feed(&world, 9, 5);
	assert_int_equal(world.made, 1);
	world_end(&world);

	/* Cut off, or something else: nothing of it is taken. */
	assert_int_equal(truncate(file, 100), 0);
	world = (struct world){ .ruleset = world_rules(body), .now = 1000000 };
	assert_int_equal(ruleset_memory_load(world.ruleset, file, 500), -EBADMSG);
	assert_int_equal(ruleset_memory_load(world.ruleset, "/nowhere/at/all", 500), -ENOENT);
	world_feed(&world, 9, 5);
	assert_int_equal(world.made, 0);
	world_end(&world);
	close(fd);
	unlink(file);
}

/* ---- keys ---------------------------------------- */

static void equal_values_are_equal_keys(void **state)
{
	static const struct {
		struct value a, b;
		bool equal;
	} cases[] = {
		{ { .tag = VALUE_INT, .i = 7 }, { .tag = VALUE_UINT, .u = 7 }, true },
		{ { .tag = VALUE_INT, .i = 7 }, { .tag = VALUE_DOUBLE, .d = 7 }, true },
		{ { .tag = VALUE_INT, .i = -7 }, { .tag = VALUE_DOUBLE, .d = -7 }, true },
		{ { .tag = VALUE_INT, .i = -1 }, { .tag = VALUE_UINT, .u = UINT64_MAX }, false },
		{ { .tag = VALUE_DOUBLE, .d = 7.5 }, { .tag = VALUE_INT, .i = 7 }, false },
		{ { .tag = VALUE_STRING, .len = 1, .str = "7" },
		  { .tag = VALUE_INT, .i = 7 },
		  false },
		{ { .tag = VALUE_STRING, .len = 1, .str = "a" },
		  { .tag = VALUE_BYTES, .len = 1, .str = "a" },
		  false },
		{ { .tag = VALUE_NULL }, { .tag = VALUE_INT, .i = 0 }, false },
		{ { .tag = VALUE_BOOL, .b = true }, { .tag = VALUE_INT, .i = 1 }, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct digest secret = { 3, 4 };
		uint64_t a[DIGEST_WORDS], b[DIGEST_WORDS];
		uint32_t first = digest_value(secret, cases[i].a, a);
		uint32_t second = digest_value(secret, cases[i].b, b);
		struct digest x, y;
		struct digest_key key;

		assert_true(first && second);
		digest_key_init(&key, secret);
		x = digest_words(&key, a, first);
		y = digest_words(&key, b, second);
		assert_int_equal(digest_equal(x, y), cases[i].equal);
	}
}

/* Lengths of time as people write them. */
static void times_are_read(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{ "10s", 10000000000 },	     { "1m30s", 90000000000 },
		{ "250ms", 250000000 },	     { "2h", 7200000000000 },
		{ "1d1ns", 86400000000001 }, { "3650d", 315360000000000000 },
	};
	static const char *const bad[] = { "",	   "10",  "s",	   "10 s",
					   "1.5s", "-1s", "30s1m", "1s1s",
					   "10x",  "0s",  "3651d", "99999999999999999999s" };
	struct err err = { 0 };
	uint64_t ns;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct buf text = { 0 };

		assert_int_equal(timespan_parse(str_of(good[i].text), &ns, &err), 0);
		assert_int_equal(ns, good[i].ns);
		timespan_print(&text, ns);
		assert_string_equal(buf_cstr(&text), good[i].text);
		buf_free(&text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(timespan_parse(str_of(bad[i]), &ns, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flood_stays_within_its_bounds),
		cmocka_unit_test(a_flood_takes_only_from_its_user),
		cmocka_unit_test(a_flood_leaves_room_for_values),
		cmocka_unit_test(memory_is_taken_from_who_holds_it),
		cmocka_unit_test(values_without_room_are_counted),
		cmocka_unit_test(a_busy_key_goes_on_less_exact),
		cmocka_unit_test(labels_have_the_limits_of_their_detector),
		cmocka_unit_test(what_is_over_is_forgotten),
		cmocka_unit_test(large_records_are_kept_without_their_end),
		cmocka_unit_test(a_reload_keeps_what_did_not_change),
		cmocka_unit_test(a_reload_keeps_sequences),
		cmocka_unit_test(what_is_inherited_outlives_a_lost_fork),
		cmocka_unit_test(what_was_taken_away_does_not_come_back),
		cmocka_unit_test(learning_outlives_the_program),
		cmocka_unit_test(equal_values_are_equal_keys),
		cmocka_unit_test(times_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
