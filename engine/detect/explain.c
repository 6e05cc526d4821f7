/* SPDX-License-Identifier: Apache-2.0 */
/* How events find their detectors, as text: `spoor check --explain-plan`. */
#include "base/buf.h"
#include "ruleset.h"

static void explain_event(const struct listeners *l, struct buf *out)
{
	buf_printf(out, "%s: %u detector%s\n", l->def->name, l->count, l->count == 1 ? "" : "s");
	cel_index_summary(l->index, "  ", out);
	for (uint32_t i = 0; i < l->count; i++) {
		const struct subscription *s = &l->items[i];

		buf_printf(out, "  %s (%s)%s\n", s->detector->id.data, s->detector->path,
			   s->filters ? ", then its filters" : "");
		cel_index_explain(l->index, i, "    ", out);
	}
	buf_char(out, '\n');
}

void ruleset_explain(const struct ruleset *ruleset, struct buf *out)
{
	for (uint32_t i = 0; i < ruleset->event_limit; i++)
		if (ruleset->by_event[i])
			explain_event(ruleset->by_event[i], out);
}
