/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record on which the receiver always hangs up must not hold up all others. After CAREFUL
 * failures in a row the first record is sent alone. If that fails as well, another one is tried
 * right afterwards: if that passes, it is not the receiver that is away. Others then flow while the
 * first waits its time; when that has happened `give_up_after` times, it becomes a dead letter.
 * While nothing passes, the first one is always tried first, so that the order is kept.
 */
#include "base/common.h"
#include "delivery/private.h"

enum { CAREFUL = 3, SHIFT_MOST = 16 };

bool suspect_is_first(const struct output *o)
{
	const struct letter *first = &o->outbox.letters[0];

	return o->outbox.count && o->suspect.position &&
	       first->row.position == o->suspect.position && first->number == o->suspect.number;
}

static bool others_turn(const struct output *o)
{
	const struct suspect *s = &o->suspect;

	return s->probe || (s->passed && clock_now() < s->again_at);
}

uint32_t suspect_choose(const struct output *o, uint32_t *limit)
{
	if (!suspect_is_first(o)) {
		*limit = o->limit;
		return 0;
	}
	if (o->outbox.count > 1 && others_turn(o)) {
		*limit = o->limit;
		return o->suspect.skip;
	}
	*limit = 1;
	return 0;
}

bool suspect_rests(const struct output *o)
{
	return suspect_is_first(o) && others_turn(o) &&
	       (o->outbox.count == 1 || o->suspect.skip >= o->outbox.count);
}

/* How long until it is tried again, others passing. */
static uint64_t rest_ns(const struct output *o)
{
	uint32_t shift = MIN(o->suspect.failures - 1, (uint32_t)SHIFT_MOST);

	return MIN(o->wants->backoff_least << shift, o->wants->backoff_most) * CLOCK_MS;
}

static void first_failed(struct output *o, struct transport_batch *batch)
{
	const struct letter *first = &o->outbox.letters[0];
	struct suspect *s = &o->suspect;

	if (!suspect_is_first(o))
		*s = (struct suspect){ first->row.position, first->number, .skip = 1 };
	/* skip stays otherwise: what stands next may be another such record. */
	s->failures++;
	s->probe = true;
	s->passed = false;
	s->again_at = clock_now() + rest_ns(o);
	if (!o->wants->give_up_after || s->passes < o->wants->give_up_after)
		return;
	batch->records[0].result = DELIVERY_REFUSED;
	fprintf(stderr,
		"spoor: output %s: alert %.*s was not taken %u times, while others were: it is a "
		"dead letter now (spoor spool list)\n",
		o->wants->name, (int)first->row.id.len, first->row.id.data, s->failures);
}

/* Others were sent instead. */
static void others_sent(struct output *o, const struct transport_batch *batch, uint32_t from)
{
	struct suspect *s = &o->suspect;
	bool any = false;

	for (uint32_t i = 0; i < batch->count; i++)
		any |= batch->records[i].result == DELIVERY_DONE;
	s->probe = false;
	if (any && !s->passed) /* those that were passed over to find it come next, in order */
		s->skip = 1;
	else
		s->skip = any || batch->count > 1 ? from : from + 1;
	s->passes += any && !s->passed;
	s->passed |= any;
}

bool suspect_judge(struct output *o, struct transport_batch *batch, uint32_t from)
{
	if (o->failures + 1 >= CAREFUL)
		o->careful = true;
	if (from) {
		others_sent(o, batch, from);
		return false;
	}
	if (!o->careful || batch->count > 1 || batch->records[0].result != DELIVERY_RETRY)
		return false;
	first_failed(o, batch);
	return o->suspect.passes > 0;
}
