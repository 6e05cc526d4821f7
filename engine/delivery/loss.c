/* SPDX-License-Identifier: Apache-2.0 */
/* The record by which receivers learn of alerts that they will not get. */
#include <errno.h>

#include "base/common.h"
#include "delivery/private.h"
#include "event/encode.h"

enum { TAIL_MAX = 512 };

const char *const loss_reason_names[LOSS_REASONS] = {
	"queue_full", "spool_full", "too_old", "not_configured", "dead_letters", "sensor_ended",
};

struct loss_record {
	struct wire_header header;
	struct ev_alerts_lost body;
	char tail[TAIL_MAX];
} __attribute__((aligned(8)));

static struct wire_ref add_text(struct loss_record *record, uint32_t *used, const char *text)
{
	uint32_t len = (uint32_t)MIN(strlen(text), (size_t)TAIL_MAX - *used);
	struct wire_ref ref = { (uint32_t)offsetof(struct loss_record, tail) + *used, len };

	memcpy(record->tail + *used, text, len);
	*used += len;
	return ref;
}

static void record_fill(struct loss_record *record, const char *reason, const char *output,
			const struct loss *loss)
{
	uint32_t used = 0;

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
	record->body.reason = add_text(record, &used, reason);
	record->body.output = add_text(record, &used, output);
	record->header.size = (uint32_t)((offsetof(struct loss_record, tail) + used + 7) &
					 ~(size_t)7);
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
