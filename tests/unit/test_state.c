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

enum { MADE_MAX = 64 };

struct world {
	struct ruleset *ruleset;
	struct arena arena;
	uint32_t made;
	uint64_t now, lost;
	char phase[32];
};

static struct ruleset *load(const char *body)
{
	char text[2048];
	struct builtin_file file = { "t.yaml", text, 0 };
	struct err_list problems = { 0 };
	struct ruleset *ruleset;

	file.len = (size_t)snprintf(
		text, sizeof(text),
		"type: detector\nid: T\nproduced_event: {name: t, version: 1.0.0}\n"
		"requirements: {events: [{name: msgsnd}]}\n%s",
		body);
	ruleset = ruleset_load_texts(&file, 1, NULL, &problems);
	err_list_print(stderr, &problems);
	assert_int_equal(problems.errors, 0);
	return ruleset;
}

static void count(void *ctx, const struct event *produced)
{
	struct world *world = ctx;

	world->made++;
	if (produced->state) {
		snprintf(world->phase, sizeof(world->phase), "%s", produced->state->phase);
		world->lost = produced->state->lost;
	}
}

/* A message of a process of a user; a microsecond after the last. */
static void feed(struct world *world, uint32_t pid, uint32_t uid)
{
	static const struct clock clock = { .boot_epoch_ns = 1700000000000000000 };
	struct {
		struct wire_header h;
		struct ev_msgsnd body;
	} record = { .h = { .size = sizeof(record),
			    .id = EV_msgsnd,
			    .pid = pid,
			    .tid = pid,
			    .uid = uid,
			    .time = world->now += 1000,
			    .present = FIELD_BIT(msgsnd, msqid) } };
	struct event event = { .def = event_by_id(EV_msgsnd), .wire = &record.h, .clock = &clock };

	ruleset_run(world->ruleset, &event, NULL, &world->arena, count, world);
	arena_reset(&world->arena);
}

static struct state_stats stats_of(const struct world *world)
{
	struct detector_info info;

	ruleset_detector(world->ruleset, 0, &info);
	assert_true(info.has_memory);
	return info.memory;
}

static void end(struct world *world)
{
	ruleset_free(world->ruleset);
	arena_free(&world->arena);
}

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
		struct world world = { .ruleset = load(bodies[i]), .now = 1000000000 };
		struct state_stats stats;

		for (uint32_t pid = 1; pid < 200000; pid++)
			feed(&world, pid, 1000);
		stats = stats_of(&world);
		assert_true(stats.keys > 0 && stats.keys <= 1000);
		assert_int_equal(stats.keys_max, 1000);
		assert_true(stats.bytes <= stats.bytes_max);
		assert_true(stats.evicted >= 200000 - 1001);
		assert_int_equal(world.made, 0);
		end(&world);
	}
}

/* What others hold in small numbers stays, whatever a user floods. */
static void a_flood_takes_only_from_its_user(void **state)
{
	enum { VICTIMS = 20 };
	struct world world = { .ruleset = load("threshold: {count: 2, window: 1h, by: [process]}\n"
					       "limits: {keys: 1000}\n"),
			       .now = 1000000000 };

	(void)state;
	for (uint32_t i = 0; i < VICTIMS; i++)
		feed(&world, 10 + i, 2000 + i);
	for (uint32_t pid = 1000; pid < 300000; pid++)
		feed(&world, pid, 1000);
	/* User ids of one block of a container count as one. */
	for (uint32_t pid = 300000; pid < 400000; pid++)
		feed(&world, pid, 100000 + pid % 30000);
	assert_int_equal(world.made, 0);
	for (uint32_t i = 0; i < VICTIMS; i++)
		feed(&world, 10 + i, 2000 + i);
	assert_int_equal(world.made, VICTIMS);
	end(&world);
}

/* One key with more events in its window than are kept one by one. */
static void a_busy_key_goes_on_less_exact(void **state)
{
	struct world world = { .ruleset = load("threshold: {count: 50000, window: 1h, by: [uid]}\n"
					       "limits: {bytes: 64K}\n"),
			       .now = 1000000000 };

	(void)state;
	for (uint32_t i = 0; i < 49999; i++)
		feed(&world, 1, 5);
	assert_int_equal(world.made, 0);
	feed(&world, 1, 5);
	assert_int_equal(world.made, 1);
	assert_true(stats_of(&world).bytes <= stats_of(&world).bytes_max);
	world.now += 3600ULL * 1000000000;
	for (uint32_t i = 0; i < 49999; i++)
		feed(&world, 1, 5);
	assert_int_equal(world.made, 1);
	end(&world);
}

/* What a detector says of processes is kept of as many as it says. */
static void labels_have_the_limits_of_their_detector(void **state)
{
	struct world world = { .ruleset = load("conditions: ['!hasLabel(\"x\")']\nlabel: [x]\n"
					       "limits: {keys: 40000}\n"),
			       .now = 1000000000 };

	(void)state;
	for (uint32_t round = 0; round < 2; round++)
		for (uint32_t pid = 1; pid <= 30000; pid++)
			feed(&world, pid, 5);
	assert_int_equal(world.made, 30000);
	end(&world);
}

static void what_is_over_is_forgotten(void **state)
{
	struct world world = { .ruleset = load(
				       "threshold: {count: 2, window: 1s, by: [process]}\n"),
			       .now = 1000000000 };

	(void)state;
	for (uint32_t pid = 1; pid <= 1000; pid++)
		feed(&world, pid, 5);
	assert_int_equal(stats_of(&world).keys, 1000);
	world.now += 2000000000;
	for (uint32_t i = 0; i < 600; i++)
		feed(&world, 5000, 5);
	assert_int_equal(stats_of(&world).keys, 1);
	assert_int_equal(stats_of(&world).expired, 1000);
	end(&world);
}

/* ---- reload ---------------------------------------- */

static void reload(struct world *world, const char *body)
{
	struct ruleset *fresh = load(body);

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
	struct world world = { .ruleset = load(body), .now = 1000000000 };

	(void)state;
	feed(&world, 7, 5);
	feed(&world, 7, 5);
	reload(&world, same);
	assert_int_equal(stats_of(&world).keys, 1);
	feed(&world, 7, 5);
	assert_int_equal(world.made, 1);
	/* And its timer: the end of the episode is told by the new one. */
	reload(&world, body);
	ruleset_advance(world.ruleset, world.now + 3600000000000, NULL, &world.arena, count,
			&world);
	assert_int_equal(world.made, 2);
	assert_string_equal(world.phase, "closed");
	feed(&world, 7, 5);
	feed(&world, 7, 5);
	reload(&world, other);
	assert_int_equal(stats_of(&world).keys, 0);
	feed(&world, 7, 5);
	assert_int_equal(world.made, 2);
	end(&world);
}

static void a_reload_keeps_sequences(void **state)
{
	static const char body[] =
		"sequence: {by: [uid], within: 1h, steps: [{as: a, keep: {p: "
		"'string(getEventData(\"msqid\"))'}}, {conditions: ['state(\"a.p\") == \"0\"'], "
		"repeat: {min: 2}}]}\n";
	struct world world = { .ruleset = load(body), .now = 1000000000 };

	(void)state;
	feed(&world, 1, 5);
	feed(&world, 2, 5);
	reload(&world, body);
	feed(&world, 3, 5);
	assert_int_equal(world.made, 1);
	end(&world);
}

/* ---- on disk ---------------------------------------- */

static void learning_outlives_the_program(void **state)
{
	static const char body[] = "first_seen: {by: [process], learn: 1s}\n";
	static const char path[] = "/tmp/spoor-test-state-XXXXXX";
	char file[sizeof(path)];
	struct world world = { .ruleset = load(body), .now = 1000000000 };
	int fd;

	(void)state;
	memcpy(file, path, sizeof(path));
	fd = mkstemp(file);
	assert_true(fd >= 0);
	feed(&world, 7, 5);
	world.now += 2000000000;
	feed(&world, 8, 5);
	assert_int_equal(world.made, 1);
	assert_int_equal(ruleset_memory_save(world.ruleset, file, 500), 0);
	end(&world);

	/* The next boot, an hour later: what was learnt is known, and it does not learn again. */
	world = (struct world){ .ruleset = load(body), .now = 1000000 };
	assert_int_equal(ruleset_memory_load(world.ruleset, file, 500 + 3600000000000), 0);
	feed(&world, 7, 5);
	feed(&world, 8, 5);
	assert_int_equal(world.made, 0);
	feed(&world, 9, 5);
	assert_int_equal(world.made, 1);
	end(&world);

	/* Cut off, or something else: nothing of it is taken. */
	assert_int_equal(truncate(file, 100), 0);
	world = (struct world){ .ruleset = load(body), .now = 1000000 };
	assert_int_equal(ruleset_memory_load(world.ruleset, file, 500), -EBADMSG);
	assert_int_equal(ruleset_memory_load(world.ruleset, "/nowhere/at/all", 500), -ENOENT);
	feed(&world, 9, 5);
	assert_int_equal(world.made, 0);
	end(&world);
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
		cmocka_unit_test(a_busy_key_goes_on_less_exact),
		cmocka_unit_test(labels_have_the_limits_of_their_detector),
		cmocka_unit_test(what_is_over_is_forgotten),
		cmocka_unit_test(a_reload_keeps_what_did_not_change),
		cmocka_unit_test(a_reload_keeps_sequences),
		cmocka_unit_test(learning_outlives_the_program),
		cmocka_unit_test(equal_values_are_equal_keys),
		cmocka_unit_test(times_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
