/* SPDX-License-Identifier: Apache-2.0 */
/* Events out of order: what may still come counts, as far as the slack goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../support/world.h"

enum { MS = 1000000 };

/* ---- order ---------------------------------------- */

/*
 * Steps 1, 2, 3 and U (until), A (absent between the second and the third), each at the
 * millisecond of its place in the text; `arrival` says in which order they come.
 */
static const struct {
	const char *text, *arrival;
	uint32_t fires, late;
} orders[] = {
	{ "123", "012", 1, 0 },	      { "123", "021", 1, 0 },
	{ "123", "102", 1, 0 },	      { "123", "120", 1, 0 },
	{ "123", "201", 1, 0 },	      { "123", "210", 1, 0 },
	{ "132", "012", 0, 0 },	      { "132", "021", 0, 0 },
	{ "1223", "0213", 1, 1 }, /* it has moved on to a later one */
	{ "213", "102", 0, 0 },	      { "123123", "543210", 2, 0 },
	{ "123123", "103254", 2, 0 }, { "1U23", "1023", 0, 0 }, /* it came before what it ends */
	{ "1U23", "0123", 0, 0 },     { "U123", "1023", 1, 0 },
	{ "12A3", "2013", 0, 0 },     { "12A3", "0213", 0, 0 },
	{ "1A23", "1023", 1, 0 },
};

static void what_comes_out_of_order_is_put_in_order(void **state)
{
	static const char body[] =
		"sequence:\n  by: [process]\n  within: 1h\n  steps:\n"
		"    - {conditions: ['getEventData(\"msqid\") == 1']}\n"
		"    - {conditions: ['getEventData(\"msqid\") == 2']}\n"
		"    - {absent: true, conditions: ['getEventData(\"msqid\") == 5']}\n"
		"    - {conditions: ['getEventData(\"msqid\") == 3']}\n"
		"  until: {conditions: ['getEventData(\"msqid\") == 4']}\n";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		struct world world = { .ruleset = world_rules_slack(body, 50 * MS),
				       .now = 1000000000 };
		const char *text = orders[i].text;

		for (const char *at = orders[i].arrival; *at; at++) {
			int place = *at - '0';
			int msqid = text[place] == 'U'	 ? 4
				    : text[place] == 'A' ? 5
							 : text[place] - '0';

			world_feed_at(&world, 7, 5, msqid, world.now + (uint64_t)place * MS);
		}
		ruleset_advance(world.ruleset, world.now + 100 * MS, NULL, &world.arena,
				world_count, &world);
		if (world.made != orders[i].fires || world_stats(&world).late != orders[i].late)
			fail_msg("%s as %s: fired %u times, %llu late", text, orders[i].arrival,
				 world.made, (unsigned long long)world_stats(&world).late);
		world_end(&world);
	}
}

/* A newer event of another kind does not end what a late one may still complete. */
static void what_is_over_waits_for_what_is_late(void **state)
{
	static const char body[] = "sequence:\n  by: [process]\n  within: 10ms\n  steps:\n"
				   "    - {conditions: ['getEventData(\"msqid\") == 1']}\n"
				   "    - {conditions: ['getEventData(\"msqid\") == 2']}\n"
				   "  until: {conditions: ['getEventData(\"msqid\") == 4']}\n";
	struct world world = { .ruleset = world_rules_slack(body, 50 * MS), .now = 1000000000 };

	(void)state;
	world_feed_at(&world, 7, 5, 1, world.now);
	world_feed_at(&world, 7, 5, 2, world.now + 11 * MS);
	assert_int_equal(world.made, 0);
	world_feed_at(&world, 7, 5, 2, world.now + 9 * MS);
	assert_int_equal(world.made, 1);
	world_end(&world);
}

/* Older than the slack: nobody waits for that; and what is held is bounded, for each user. */
static void what_comes_too_late_is_counted(void **state)
{
	static const char body[] = "sequence:\n  by: [process]\n  within: 1h\n  steps:\n"
				   "    - {conditions: ['getEventData(\"msqid\") == 1']}\n"
				   "    - {conditions: ['getEventData(\"msqid\") == 2']}\n";
	struct world world = { .ruleset = world_rules_slack(body, 50 * MS), .now = 1000000000 };

	(void)state;
	world_feed_at(&world, 7, 5, 2, world.now);
	world_feed_at(&world, 8, 5, 9, world.now + 60 * MS);
	world_feed_at(&world, 7, 5, 1, world.now - MS);
	world_feed_at(&world, 8, 5, 9, world.now + 61 * MS);
	assert_int_equal(world.made, 0);
	for (uint32_t pid = 100; pid < 1100; pid++)
		world_feed_at(&world, pid, 5, 2, world.now + 62 * MS);
	assert_int_equal(world_stats(&world).late, 0);
	assert_in_range(world_stats(&world).unheld, 900, 1000);
	world_feed_at(&world, 99, 6, 2, world.now + 62 * MS);
	world_feed_at(&world, 99, 6, 1, world.now + 61 * MS);
	world_feed_at(&world, 100, 5, 1, world.now + 61 * MS);
	world_feed_at(&world, 8, 5, 9, world.now + 63 * MS);
	assert_int_equal(world.made, 2);
	/* What is too old makes room. */
	world_feed_at(&world, 50, 5, 2, world.now + 200 * MS);
	world_feed_at(&world, 50, 5, 1, world.now + 199 * MS);
	world_feed_at(&world, 8, 5, 9, world.now + 201 * MS);
	assert_int_equal(world.made, 3);
	world_end(&world);
}

/* Nor does what must not happen, when it happens after the sequence's time. */
static void what_is_past_its_time_does_not_end_it(void **state)
{
	static const char *const bodies[] = {
		"sequence:\n  by: [process]\n  within: 10ms\n  steps:\n"
		"    - {conditions: ['getEventData(\"msqid\") == 1']}\n"
		"    - {conditions: ['getEventData(\"msqid\") == 2']}\n"
		"  until: {conditions: ['getEventData(\"msqid\") == 3']}\n",
		"sequence:\n  by: [process]\n  within: 10ms\n  steps:\n"
		"    - {conditions: ['getEventData(\"msqid\") == 1']}\n"
		"    - {absent: true, conditions: ['getEventData(\"msqid\") == 3']}\n"
		"    - {conditions: ['getEventData(\"msqid\") == 2']}\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		struct world world = { .ruleset = world_rules_slack(bodies[i], 50 * MS),
				       .now = 1000000000 };

		world_feed_at(&world, 7, 5, 1, world.now);
		world_feed_at(&world, 7, 5, 3, world.now + 11 * MS);
		world_feed_at(&world, 7, 5, 2, world.now + 9 * MS);
		assert_int_equal(world.made, 1);
		world_end(&world);
	}
}

/* What must not come first: arrivals as in `orders`, all within its time. */
static const struct {
	const char *arrival;
	uint32_t fires;
} blocks[] = {
	{ "3@0 1@9 2@12", 0 },
	{ "3@0 2@11 1@9 2@12", 0 }, /* a newer event lifts no block */
	{ "1@5 2@7 3@9", 1 },
	{ "3@9 1@5 2@7", 1 }, /* it comes after what it would block */
};

static void what_must_not_come_first_blocks_what_follows(void **state)
{
	static const char body[] =
		"sequence:\n  by: [process]\n  within: 10ms\n  steps:\n"
		"    - {absent: true, conditions: ['getEventData(\"msqid\") == 3']}\n"
		"    - {conditions: ['getEventData(\"msqid\") == 1']}\n"
		"    - {conditions: ['getEventData(\"msqid\") == 2']}\n";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
		struct world world = { .ruleset = world_rules_slack(body, 50 * MS),
				       .now = 1000000000 };
		const char *at = blocks[i].arrival;
		unsigned kind, ms;
		int used;

		for (; sscanf(at, "%u@%u%n", &kind, &ms, &used) == 2; at += used)
			world_feed_at(&world, 7, 5, (int)kind, world.now + (uint64_t)ms * MS);
		if (world.made != blocks[i].fires)
			fail_msg("%s: fired %u times", blocks[i].arrival, world.made);
		world_end(&world);
	}
}

static const char two_steps[] = "sequence:\n  by: [process]\n  within: 10s\n  steps:\n"
				"    - {conditions: ['getEventData(\"msqid\") == 1']}\n"
				"    - {conditions: ['getEventData(\"msqid\") == 2']}\n"
				"limits: {bytes: 64K}\n";

/* Memory that one user's sequences have taken is not that of early steps. */
static void early_steps_have_memory_of_their_own(void **state)
{
	struct world world = { .ruleset = world_rules_slack(two_steps, 50 * MS),
			       .now = 1000000000 };

	(void)state;
	for (uint32_t i = 0; i < 5000; i++)
		world_feed_at(&world, 1000 + i, 5, 1, world.now);
	world_feed_at(&world, 7, 6, 2, world.now + 2 * MS);
	world_feed_at(&world, 7, 6, 1, world.now + 1 * MS);
	world_feed_at(&world, 8, 6, 9, world.now + 13 * MS);
	assert_int_equal(world.made, 1);
	assert_int_equal(world_stats(&world).unheld, 0);
	world_end(&world);
}

/* Before it is woken, and between that and the next event. */
static void early_steps_outlive_a_reload(void **state)
{
	(void)state;
	for (int when = 0; when < 2; when++) {
		struct world world = { .ruleset = world_rules_slack(two_steps, 50 * MS),
				       .now = 1000000000 };
		struct ruleset *fresh = world_rules_slack(two_steps, 50 * MS);

		world_feed_at(&world, 7, 5, 2, world.now + 2 * MS);
		if (when == 1)
			world_feed_at(&world, 7, 5, 1, world.now + 1 * MS);
		ruleset_adopt(fresh, world.ruleset);
		ruleset_free(world.ruleset);
		world.ruleset = fresh;
		if (when == 0)
			world_feed_at(&world, 7, 5, 1, world.now + 1 * MS);
		world_feed_at(&world, 8, 5, 9, world.now + 13 * MS);
		assert_int_equal(world.made, 1);
		world_end(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_out_of_order_is_put_in_order),
		cmocka_unit_test(what_is_over_waits_for_what_is_late),
		cmocka_unit_test(what_is_past_its_time_does_not_end_it),
		cmocka_unit_test(what_must_not_come_first_blocks_what_follows),
		cmocka_unit_test(what_comes_too_late_is_counted),
		cmocka_unit_test(early_steps_have_memory_of_their_own),
		cmocka_unit_test(early_steps_outlive_a_reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
