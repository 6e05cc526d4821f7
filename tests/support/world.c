/* SPDX-License-Identifier: Apache-2.0 */
/* The world of tests of detectors with memory, see world.h. */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct ruleset *world_rules_of(const char *event, const char *body, uint64_t slack)
{
	struct ruleset_options options = { .slack = slack };
	char text[2048];
	struct builtin_file file = { "t.yaml", text, 0 };
	struct err_list problems = { 0 };
	struct ruleset *ruleset;

	file.len = (size_t)snprintf(
		text, sizeof(text),
		"type: detector\nid: T\nproduced_event: {name: t, version: 1.0.0}\n"
		"requirements: {events: [{name: %s}]}\n%s",
		event, body);
	ruleset = ruleset_load_texts(&file, 1, &options, &problems);
	err_list_print(stderr, &problems);
	assert_int_equal(problems.errors, 0);
	return ruleset;
}

struct ruleset *world_rules_slack(const char *body, uint64_t slack)
{
	return world_rules_of("msgsnd", body, slack);
}

struct ruleset *world_rules(const char *body)
{
	return world_rules_slack(body, 0);
}

void world_count(void *ctx, const struct event *produced)
{
	struct world *world = ctx;

	world->made++;
	if (produced->state) {
		snprintf(world->phase, sizeof(world->phase), "%s", produced->state->phase);
		world->lost = produced->state->lost;
	}
}

void world_feed_at(struct world *world, uint32_t pid, uint32_t uid, int msqid, uint64_t time)
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
			    .time = time,
			    .present = FIELD_BIT(msgsnd, msqid) },
		     .body = { .msqid = msqid } };
	struct event event = { .def = event_by_id(EV_msgsnd), .wire = &record.h, .clock = &clock };

	ruleset_run(world->ruleset, &event, NULL, &world->arena, world_count, world);
	arena_reset(&world->arena);
}

void world_feed(struct world *world, uint32_t pid, uint32_t uid)
{
	world_feed_at(world, pid, uid, 0, world->now += 1000);
}

struct state_stats world_stats(const struct world *world)
{
	struct detector_info info;

	ruleset_detector(world->ruleset, 0, &info);
	assert_true(info.has_memory);
	return info.memory;
}

void world_end(struct world *world)
{
	ruleset_free(world->ruleset);
	arena_free(&world->arena);
}
