/* SPDX-License-Identifier: Apache-2.0 */
/* Looking ahead: whatever it is told, it does no harm (that nothing changes: test_state_model). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../support/world.h"
#include "state/internal.h"

/* A field of type `time` needs the clock, which a record has not. */
static void keys_may_be_times(void **state)
{
	static const struct clock clock = { .boot_epoch_ns = 1700000000000000000 };
	struct world world = { .ruleset = world_rules_of(
				       "sched_process_fork",
				       "threshold: {count: 2, window: 1h, by: "
				       "['getEventData(\"parent_process_start_time\")']}\n",
				       0) };

	(void)state;
	for (uint32_t i = 0; i < 2 * SOON_KEYS_MIN; i++) {
		struct {
			struct wire_header h;
			struct ev_sched_process_fork body;
		} r = { .h = { .size = sizeof(r),
			       .id = EV_sched_process_fork,
			       .time = 1000000000 + i,
			       .present = FIELD_BIT(sched_process_fork,
						    parent_process_start_time) },
			.body = { .parent_process_start_time = 1 + i } };
		struct event event = { .def = event_by_id(r.h.id), .wire = &r.h, .clock = &clock };

		ruleset_soon(world.ruleset, &r.h);
		ruleset_run(world.ruleset, &event, NULL, &world.arena, world_count, &world);
		arena_reset(&world.arena);
	}
	assert_int_equal(world.made, 0);
	world_end(&world);
}

/* Where two kinds of events share a place, the one that comes has it. */
static void what_comes_no_more_gives_its_place(void **state)
{
	struct world world = {
		.ruleset = world_rules("threshold: {count: 1000000, window: 1h, by: [process]}\n"),
		.now = 1000000000,
	};
	struct state *memory = world.ruleset->states[world.ruleset->plain];
	struct soon_event *place = &memory->soon.events[EV_msgsnd % SOON_EVENTS];

	(void)state;
	*place = (struct soon_event){ .id = EV_msgsnd + SOON_EVENTS, .count = 1 };
	place->rules[0] = (struct soon_rule){ .rule = memory->rules[0],
					      .by = &memory->rules[0]->config->threshold->by,
					      .heat = 4 };
	memory->soon.rules = 1;
	for (uint32_t i = 0; i < 2 * SOON_KEYS_MIN; i++)
		world_feed(&world, i, 5);
	assert_int_equal(place->id, EV_msgsnd);
	assert_int_equal(place->count, 1);
	assert_int_equal(memory->soon.rules, 1);
	world_end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_may_be_times),
		cmocka_unit_test(what_comes_no_more_gives_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
