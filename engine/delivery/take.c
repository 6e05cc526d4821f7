/* SPDX-License-Identifier: Apache-2.0 */
/* An event from the pipeline becomes a row in the queue. */
#include "base/common.h"
#include "delivery/private.h"
#include "event/encode.h"
#include "store.h"

static struct str cut(struct str text)
{
	text.len = MIN(text.len, (uint32_t)ROW_TEXT_MAX);
	return text;
}

/* Names, each followed by a newline; those that do not fit are left out. */
static struct str join_policies(const struct event *event, char out[ROW_TEXT_MAX])
{
	uint32_t len = 0;

	for (uint32_t i = 0; i < event->policy_count; i++) {
		struct str name = event->policies[i];

		if (!name.len || len + name.len + 1 > ROW_TEXT_MAX)
			continue;
		memcpy(out + len, name.data, name.len);
		len += name.len;
		out[len++] = '\n';
	}
	return (struct str){ out, len };
}

void row_fill(struct row *row, const struct event *event, struct str line, char *id,
	      char policies[ROW_TEXT_MAX], const struct host *host)
{
	struct str process = event_executable(event);

	if (event->alert)
		memcpy(id, event->alert->id, ALERT_ID_LEN + 1);
	else
		alert_id(id, event, host);
	while (line.len && line.data[line.len - 1] == '\n')
		line.len--;
	*row = (struct row){
		.sequence = event->alert ? event->alert->sequence : 0,
		.time = event_epoch_time(event, event->wire->time),
		.severity = event->threat ? (int32_t)event->threat->severity : SEVERITY_NONE,
		.pid = event->wire->pid,
		.id = { id, ALERT_ID_LEN },
		.event = cut(str_of(event->def->name)),
		.detector = cut(event->rule),
		.process = cut(process.len ? process : event_comm(event)),
		.container = cut(event_container_id(event)),
		.policies = join_policies(event, policies),
		.json = line,
	};
}

bool delivery_take(struct delivery *d, const struct event *event,
		   const struct format_options *options)
{
	char id[ALERT_ID_LEN + 1];
	struct row row;

	mark_count(d->mark, event->alert ? event->alert->sequence : 0);
	buf_clear(&d->line);
	encode_event(&d->line, event, options, true);
	row_fill(&row, event, (struct str){ d->line.data, (uint32_t)d->line.len }, id, d->policies,
		 d->host);
	return d->line.truncated ? queue_refuse(&d->queue, &row) : queue_put(&d->queue, &row);
}
