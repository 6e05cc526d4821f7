/* SPDX-License-Identifier: Apache-2.0 */
/* Fields that an event has in a row alone, see kinds.h. */
#include "detect/ruleset.h"
#include "kinds.h"

const struct event_def *with_foreign_fields(struct row *row, const struct event_def *def,
					    const json_t *data)
{
	size_t count = json_array_size(data);
	struct event_def *more = arena_new(&row->arena, struct event_def);
	struct event_field *fields = arena_array(&row->arena, struct event_field,
						 def->field_count + count + 1);

	*more = *def;
	more->fields = fields;
	memcpy(fields, def->fields, def->field_count * sizeof(*fields));
	for (size_t i = 0; i < count; i++) {
		const char *name = text_of(json_array_get(data, i), "name");

		if (event_field_index(more, str_of(name)) < 0)
			fields[more->field_count++] = (struct event_field){ .name = name,
									    .names = "raw",
									    .origin = "",
									    .captured = "",
									    .doc = "" };
	}
	return more->field_count > def->field_count ? more : def;
}

/* Own fields keep their places, so filters stay right. */
void show_foreign_fields(struct row *row, struct ruleset *ruleset, const struct event_def *def)
{
	struct listeners *l = def->id < ruleset->event_limit ? ruleset->by_event[def->id] : NULL;
	int16_t *fields = arena_array(&row->arena, int16_t, ruleset->slot_count + 1);

	for (uint32_t i = 0; l && i < ruleset->slot_count; i++)
		fields[i] = (int16_t)event_field_index(def, ruleset->slots[i]);
	if (!l)
		return;
	l->def = def;
	l->fields = fields;
}
