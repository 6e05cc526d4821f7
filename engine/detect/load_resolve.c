/* SPDX-License-Identifier: Apache-2.0 */
/* Names at load time: events, and the fields that getEventData and hasData ask for. */
#include <errno.h>

#include "base/suggest.h"
#include "ruleset.h"

const struct event_def *loader_event(const struct loader *loader, struct str name)
{
	for (uint32_t i = 0; i < loader->pending_count; i++)
		if (str_equal(name, str_of(loader->pending[i].detector->def.name)))
			return &loader->pending[i].detector->def;
	return event_by_name(name);
}

void loader_suggest_event(const struct loader *loader, struct str name, struct err *err)
{
	const char *broken = ruleset_broken_event(loader->ruleset, name);
	struct suggest suggest;

	suggest_start(&suggest, name);
	for (size_t i = 0; i < event_table_count; i++)
		suggest_try(&suggest, str_of(event_table[i].name));
	for (uint32_t i = 0; i < loader->pending_count; i++)
		suggest_try(&suggest, str_of(loader->pending[i].detector->def.name));
	if (broken)
		err_hint(err, "%s would make it, but has mistakes of its own", broken);
	else if (suggest.best.data)
		err_hint(err, "did you mean '%s'?", suggest.best.data);
	else
		err_hint(err, "`spoor list events` shows all events");
}

static int add_slot(struct ruleset *ruleset, struct str name, struct state_ref ref, uint32_t *out)
{
	uint32_t capacity = ruleset->slot_capacity;
	struct state_ref *refs = loader_grow(&ruleset->arena, ruleset->refs, ruleset->slot_count,
					     &capacity, sizeof(*refs));
	struct str *slots = loader_grow(&ruleset->arena, ruleset->slots, ruleset->slot_count,
					&ruleset->slot_capacity, sizeof(*slots));
	struct str own = arena_str(&ruleset->arena, name.data, name.len);

	if (!slots || !refs || !own.data)
		return -ENOMEM;
	ruleset->slots = slots;
	ruleset->refs = refs;
	*out = ruleset->slot_count;
	refs[ruleset->slot_count] = ref;
	slots[ruleset->slot_count++] = own;
	return 0;
}

int ruleset_slot(struct ruleset *ruleset, struct str name, uint32_t *out)
{
	for (uint32_t i = 0; i < ruleset->slot_count; i++)
		if (!ruleset->refs[i].kind && str_equal(ruleset->slots[i], name)) {
			*out = i;
			return 0;
		}
	return add_slot(ruleset, name, (struct state_ref){ 0 }, out);
}

int ruleset_state_slot(struct ruleset *ruleset, struct memory *memory,
		       const struct memory_name *name, uint32_t *out)
{
	uint32_t *slots = loader_grow(&ruleset->arena, memory->slots, memory->slot_count,
				      &memory->slot_capacity, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	memory->slots = slots;
	for (uint32_t i = 0; i < memory->slot_count; i++)
		if (memcmp(&ruleset->refs[slots[i]], &name->ref, sizeof(name->ref)) == 0) {
			*out = slots[i];
			return 0;
		}
	if (add_slot(ruleset, name->name, name->ref, out))
		return -ENOMEM;
	slots[memory->slot_count++] = *out;
	return 0;
}

int ruleset_fact_slot(struct ruleset *ruleset, struct fact *fact, uint32_t number)
{
	const struct state_ref ref = { .kind = REF_FACT, .index = (uint16_t)number };
	uint32_t slot;
	int code = add_slot(ruleset, fact->name, ref, &slot);

	if (!code)
		fact->slot = slot + 1;
	return code;
}

int loader_unknown_field(const struct event_def *def, struct str name, struct err *err)
{
	struct suggest suggest;

	suggest_start(&suggest, name);
	for (uint32_t i = 0; i < def->field_count; i++)
		suggest_try(&suggest, str_of(def->fields[i].name));
	err_set(err, -EINVAL, "event %s has no field '%.*s'", def->name, (int)name.len, name.data);
	if (suggest.best.data)
		err_hint(err, "did you mean '%s'?", suggest.best.data);
	else
		err_hint(err, "`spoor explain %s` lists its fields", def->name);
	return -EINVAL;
}

static int unknown_field(const struct detector *d, struct str name, struct err *err)
{
	struct suggest suggest;
	size_t len;

	suggest_start(&suggest, name);
	for (uint32_t i = 0; i < d->input_count; i++)
		for (uint32_t k = 0; k < d->inputs[i].def->field_count; k++)
			suggest_try(&suggest, str_of(d->inputs[i].def->fields[k].name));
	if (d->input_count == 1)
		return loader_unknown_field(d->inputs[0].def, name, err);
	err_set(err, -EINVAL, "none of the events has a field '%.*s':", (int)name.len, name.data);
	len = strlen(err->message);
	for (uint32_t i = 0; i < d->input_count && len < sizeof(err->message); i++)
		len += (size_t)snprintf(err->message + len, sizeof(err->message) - len, "%s %s",
					i ? "," : "", d->inputs[i].def->name);
	if (suggest.best.data)
		err_hint(err, "did you mean '%s'?", suggest.best.data);
	else if (d->input_count)
		err_hint(err, "`spoor explain %s` lists its fields", d->inputs[0].def->name);
	return -EINVAL;
}

static void note_origin(struct loader *loader, const struct event_field *field)
{
	if (!loader->reading_conditions)
		return;
	if (strstr(field->origin, "TOCTOU"))
		loader->reads_toctou++;
	else
		loader->reads_other++;
}

/*
 * The static type is dyn whatever the event declares: Tracee's is, and a rule that compares
 * a uint with an int literal must go on to compile.
 */
int ruleset_resolve(void *ctx, struct str name, struct cel_slot *out, struct err *err)
{
	struct loader *loader = ctx;
	const struct detector *d = loader->compiling;
	bool found = false;

	for (uint32_t i = 0; d && i < d->input_count; i++) {
		int index = loader->only && loader->only != d->inputs[i].def
				    ? -1
				    : event_field_index(d->inputs[i].def, name);

		if (index >= 0) {
			note_origin(loader, &d->inputs[i].def->fields[index]);
			found = true;
		}
	}
	/* Tracee answers null for a name that no event has. */
	if (d && !found && !loader->unknown_input && !loader_compat(loader))
		return loader->only ? loader_unknown_field(loader->only, name, err)
				    : unknown_field(d, name, err);
	uint32_t number;

	if (ruleset_slot(loader->ruleset, name, &number))
		return err_set(err, -ENOMEM, "out of memory");
	*out = (struct cel_slot){ .number = number, .type = "dyn" };
	return 0;
}
