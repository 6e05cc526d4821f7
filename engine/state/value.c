/* SPDX-License-Identifier: Apache-2.0 */
/* Values that outlive the event they come from: numbers, and texts in pieces of the slab. */
#include "internal.h"

bool value_has_text(const struct value *value)
{
	return (value->tag == VALUE_STRING || value->tag == VALUE_BYTES) && value->len;
}

void value_drop(struct state_rule *rule, struct value *value)
{
	if (value_has_text(value))
		slab_release(&rule->slab, (void *)value->str, value->len);
	*value = value_null();
}

static void text_keep(struct state_rule *rule, struct entry *entry, struct value value,
		      struct value *out)
{
	char *copy = value.len ? rule_alloc(rule, entry, value.len) : NULL;

	if (value.len && !copy) {
		rule->stats.inexact++;
		return;
	}
	if (copy)
		memcpy(copy, value.str, value.len);
	*out = value;
	out->str = copy ? copy : "";
}

void value_keep(struct state_rule *rule, struct entry *entry, struct value value, struct value *out)
{
	uint64_t before = rule->slab.used;

	value_drop(rule, out);
	rule_book(rule, entry, before);
	switch (value.tag) {
	case VALUE_STRING:
	case VALUE_BYTES: text_keep(rule, entry, value, out); return;
	case VALUE_BOOL:
	case VALUE_INT:
	case VALUE_UINT:
	case VALUE_DOUBLE:
	case VALUE_DURATION: *out = value; return;
	default: return;
	}
}

struct value value_show(struct value value, struct arena *arena)
{
	static const char full[] = "out of memory";
	struct str copy;

	if (!value_has_text(&value))
		return value;
	copy = arena_str(arena, value.str, value.len);
	if (!copy.data)
		return (struct value){ .tag = VALUE_ERROR, .len = sizeof(full) - 1, .str = full };
	value.str = copy.data;
	return value;
}
