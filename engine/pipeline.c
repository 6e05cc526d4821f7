/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Read this first: what happens to one record between its source and the outputs.
 *
 *	describe -> record -> stores -> match policies -> detect -> match policies -> suppress
 *	-> outputs, delivery
 *
 * Order matters: the stores learn before any rule looks, an event leaves before what was
 * detected in it, and everything that is not in the record itself is turned into
 * records first (describe), so that a capture replays to the same bytes.
 */
#include "pipeline.h"

#include "delivery/delivery.h"
#include "delivery/suppress.h"
#include "detect/detect.h"
#include "event/encode.h"
#include "outputs.h"
#include "policy/policy.h"
#include "store.h"

static void record_keep(struct pipeline *p, const struct wire_header *record)
{
	if (!p->capture)
		return;
	int r = capture_write(p->capture, record);

	if (r < 0 && !p->capture_error)
		p->capture_error = r;
}

/* A record that describes the process or cgroup of the one at hand. */
static void take_description(void *ctx, const struct wire_header *record,
			     const struct event_given *given)
{
	struct pipeline *p = ctx;

	(void)given;
	record_keep(p, record);
	stores_update(p->stores, record);
}

/* To everybody who wants events. */
static void hand_out(struct pipeline *p, const struct event *event)
{
	p->printed++;
	if (event->threat)
		p->alerts++;
	outputs_write(p->outputs, event);
	if (p->delivery)
		delivery_take(p->delivery, event,
			      &(struct format_options){ .stores = p->stores,
							.host = p->host,
							.sensor_version = SPOOR_VERSION });
	if (p->on_event)
		p->on_event(p->on_event_ctx, event);
}

void pipeline_report(void *ctx, const struct event *reported)
{
	static const struct str unnamed = { "", 0 };
	struct event event = *reported;

	event.policies = &unnamed;
	event.policy_count = 1;
	hand_out(ctx, &event);
}

static void emit(struct pipeline *p, struct event *event)
{
	struct alert_identity identity;

	event->policy_count = policies_match(p->policies, event, p->stores, &p->arena,
					     &event->policies);
	/* A loss is told whatever the policies say. */
	if (!event->policy_count && event->def->id == EV_events_lost) {
		pipeline_report(p, event);
		return;
	}
	if (!event->policy_count ||
	    (event->threat && p->suppress && !suppress_pass(p->suppress, event)))
		return;
	if (event->values) {
		alert_id(identity.id, event, p->host);
		identity.sequence = ++p->sequence;
		event->alert = &identity;
	}
	hand_out(p, event);
}

static void take_detection(void *ctx, const struct event *produced)
{
	struct event event = *produced;

	emit(ctx, &event);
}

static bool is_internal(const struct wire_header *record)
{
	return record->id == EV_process_existing || record->id == EV_cgroup_existing ||
	       record->id == EV_ipc_existing || record->id == EV_ipc_listed;
}

void pipeline_take(void *ctx, const struct wire_header *record, const struct event_given *given)
{
	struct pipeline *p = ctx;
	bool internal = is_internal(record);

	if (!internal && p->source_ops->describe && !stores_know(p->stores, record))
		p->source_ops->describe(p->source, record, take_description, p);
	record_keep(p, record);
	if (given && given->container_id.len && record->cgroup_id)
		stores_set_container(p->stores, record->cgroup_id, given->container_id);
	stores_update(p->stores, record);
	if (internal)
		return;
	p->events++;

	struct event event = {
		.def = event_by_id(record->id),
		.wire = record,
		.process = process_find(p->stores, record->pid, record->leader_start_time),
		.container = record->cgroup_id ? container_find(p->stores, record->cgroup_id)
					       : NULL,
		.given = given,
		.clock = &p->clock,
	};

	if (!event.def)
		return; /* sources hand over known events only */
	/* Where events never pause nobody ticks, and the end of a window is to be told in time. */
	if (p->suppress && record->time)
		suppress_advance(p->suppress, event_epoch_time(&event, record->time));
	emit(p, &event);
	ruleset_run(p->ruleset, &event, p->stores, &p->arena, take_detection, p);
	arena_reset(&p->arena);
}

void pipeline_soon(void *ctx, const struct wire_header *record)
{
	struct pipeline *p = ctx;

	_Static_assert((int)STATE_SOON == (int)SOURCE_AHEAD + 1, "sources look as far ahead");
	ruleset_soon(p->ruleset, record);
}

void pipeline_tick(struct pipeline *p, uint64_t now)
{
	ruleset_advance(p->ruleset, now, p->stores, &p->arena, take_detection, p);
	if (p->suppress)
		suppress_advance(p->suppress, now + p->clock.boot_epoch_ns);
	arena_reset(&p->arena);
}

void pipeline_finish(struct pipeline *p)
{
	ruleset_finish(p->ruleset, p->stores, &p->arena, take_detection, p);
	if (p->suppress)
		suppress_advance(p->suppress, UINT64_MAX);
	arena_reset(&p->arena);
}
