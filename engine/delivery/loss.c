/* SPDX-License-Identifier: Apache-2.0 */
/* Losses summed up, and the record by which receivers learn of alerts that they will not get. */
#include <errno.h>

#include "base/common.h"
#include "delivery/own_record.h"
#include "delivery/private.h"
#include "event/encode.h"
#include "source/alert.h"

enum { TAIL_MAX = 512 };

const char *const loss_reason_names[LOSS_REASONS] = {
	"queue_full", "spool_full", "too_old", "not_configured", "dead_letters", "sensor_ended",
};

void loss_add(struct loss *loss, uint64_t sequence, uint64_t time)
{
	if (sequence && !loss->first)
		loss->first = sequence;
	if (sequence)
		loss->last = sequence;
	if (!loss->count++)
		loss->since = time;
	loss->until = time;
}

void loss_merge(struct loss *into, const struct loss *more)
{
	if (!more->count)
		return;
	into->first = into->first ? into->first : more->first;
	into->last = MAX(into->last, more->last);
	into->since = into->count ? MIN(into->since, more->since) : more->since;
	into->until = MAX(into->until, more->until);
	into->count += more->count;
}

/* ---- the record ------------------------------------------------------------------------- */

struct loss_record {
	struct wire_header header;
	struct ev_alerts_lost body;
	char tail[TAIL_MAX];
} __attribute__((aligned(8)));

static void record_fill(struct loss_record *record, const char *reason, const char *output,
			const struct loss *loss)
{
	uint32_t size = offsetof(struct loss_record, tail);

	*record = (struct loss_record){
		.header = { .id = EV_alerts_lost,
			    .cpu = WIRE_CPU_NONE,
			    .time = clock_epoch(),
			    .present = (UINT64_C(1) << 7) - 1,
			    .syscall = -1 },
		.body = { .lost = loss->count,
			  .first_sequence = loss->first,
			  .last_sequence = loss->last,
			  .since = loss->since,
			  .until = loss->until },
	};
	record->body.reason = own_record_text(record, &size, sizeof(*record), reason);
	record->body.output = own_record_text(record, &size, sizeof(*record), output);
	record->header.size = own_record_size(size);
}

int loss_write(struct delivery *d, struct spool *spool, enum loss_reason reason, const char *output,
	       const struct loss *loss)
{
	static const struct clock epoch; /* the record's times are epoch times already */
	struct format_options options = { .host = d->host, .sensor_version = d->version };
	struct loss_record record;
	struct buf line = { 0 };
	char id[ALERT_ID_LEN + 1], policies[ROW_TEXT_MAX];
	struct row row;

	record_fill(&record, loss_reason_names[reason], output, loss);
	record.header.seq = spool_next(spool);
	struct event event = { .def = event_by_id(EV_alerts_lost),
			       .wire = &record.header,
			       .clock = &epoch };

	encode_event(&line, &event, &options, true);
	int r = line.truncated ? -ENOMEM : 0;

	if (r == 0) {
		row_fill(&row, &event, (struct str){ line.data, (uint32_t)line.len }, id, policies,
			 d->host);
		r = spool_add(spool, &row);
	}
	spool_note_sequence(spool, loss->last); /* told: no later start tells it again */
	buf_free(&line);
	return r;
}

static struct value field_of(const struct event *event, struct str name)
{
	int index = event_field_index(event->def, name);

	return index < 0 ? (struct value){ 0 } : event_field_value(event, (unsigned)index, NULL);
}

/* A line that cannot be read, which nobody has ever written, is a loss of unknown size: one. */
bool loss_read(const struct row *row, struct loss_report *out)
{
	autoclean(arena_free) struct arena arena = { .limit = ALERT_ARENA_MAX };
	struct alert alert;
	struct err err = { 0 };

	if (!str_equal(row->event, STR("alerts_lost")))
		return false;
	*out = (struct loss_report){ 0 };
	if (alert_read(&arena, row->json, &alert, &err) < 0) {
		loss_add(&out->loss, 0, row->time);
		return true;
	}
	struct value output = field_of(&alert.event, STR("output"));

	out->loss = (struct loss){ .count = field_of(&alert.event, STR("lost")).u,
				   .first = field_of(&alert.event, STR("first_sequence")).u,
				   .last = field_of(&alert.event, STR("last_sequence")).u,
				   .since = field_of(&alert.event, STR("since")).u,
				   .until = field_of(&alert.event, STR("until")).u };
	if (output.tag == VALUE_STRING)
		snprintf(out->output, sizeof(out->output), "%.*s", (int)output.len, output.str);
	return true;
}
