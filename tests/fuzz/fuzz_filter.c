/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters, scopes and selections as they are written in rules, a line each: the first letter
 * says which (d data, s scope, r return value, w scope of a policy, e --events), the rest is
 * the text. What passes the filters meets what they are said to need.
 */
#include "fuzz_rules.h"
#include "policy/scope.h"
#include "policy/select.h"

/* A selection looks at all events. */
enum { LINES_MAX = 16, SELECTIONS_MAX = 2, EVENTS = 3 };

struct all {
	struct arena *arena;
	struct filters *filters;
	struct scope *scope;
	struct selection selection;
	unsigned selections;
	const struct event_def *def;
};

static void add_line(struct all *all, struct str line)
{
	struct str text = { line.data + 1, line.len - 1 }, field, expression;
	struct err err = { 0 };
	int code = 0;

	filter_split(text, &field, &expression);
	switch (line.data[0]) {
	case 'd': code = filters_add_data(all->filters, field, expression, &err); break;
	case 's': code = filters_add_scope(all->filters, field, expression, &err); break;
	case 'r': code = filters_add_return(all->filters, text, &err); break;
	case 'w': code = scope_add(all->scope, text, &err); break;
	case 'e':
		if (all->selections++ < SELECTIONS_MAX)
			code = select_expression(&all->selection, text, &err);
		break;
	}
	CHECK(code == 0 || err.message[0]);
}

static bool term_holds(const struct filter_term *term, struct value value)
{
	struct str want = { term->value.str, term->value.len }, text = { value.str, value.len };

	if (term->value.tag == VALUE_BOOL)
		return value.tag != VALUE_BOOL || value.b == term->value.b;
	if (term->value.tag != VALUE_STRING) /* says nothing about what is no number */
		return (value.tag != VALUE_INT && value.tag != VALUE_UINT) ||
		       (value.u == term->value.u && (value.tag == VALUE_UINT || value.i >= 0));
	if (value.tag != VALUE_STRING)
		return value.tag != VALUE_NULL;
	if (term->form == STRING_CONTAINS)
		return memmem(text.data, text.len, want.data, want.len);
	if (text.len < want.len)
		return false;
	if (term->form == STRING_EXACT)
		return str_equal(text, want);
	return memcmp(term->form == STRING_PREFIX ? text.data : text.data + text.len - want.len,
		      want.data, want.len) == 0;
}

static void check_needs(const struct all *all, const struct event *event, bool compat)
{
	struct filter_need *needs;
	uint32_t count;

	CHECK(filters_needs(all->filters, all->arena, &needs, &count) == 0);
	for (uint32_t i = 0; i < count; i++) {
		struct value value =
			needs[i].scope
				? scope_field_value(needs[i].scope, event,
						    compat ? SCOPE_AS_DETECTORS : SCOPE_AS_NAMED)
				: event_field_value(event, (unsigned)needs[i].field, all->arena);
		bool holds = false;

		for (uint32_t k = 0; k < needs[i].count; k++)
			holds |= term_holds(&needs[i].terms[k], value);
		CHECK(holds);
	}
}

/* Events whose numbers are all 0, all 1, and those of the input's first bytes. */
static void match(const struct all *all, uint64_t seed, bool compat)
{
	static const struct clock clock = { 0 };
	size_t size = (sizeof(struct wire_header) + all->def->body_size + 7) & ~(size_t)7;

	for (int i = 0; i < EVENTS; i++) {
		struct wire_header *h = arena_zalloc(all->arena, size);
		struct event event = { .def = all->def, .wire = h, .clock = &clock };

		CHECK(h);
		for (unsigned k = 0; k < all->def->field_count; k++) {
			const struct event_field *field = &all->def->fields[k];
			uint32_t number = i == 2 ? (uint32_t)seed : (uint32_t)i;

			if (field->type == FIELD_i32 || field->type == FIELD_u32)
				memcpy((char *)h + field->offset, &number, sizeof(number));
		}
		h->size = (uint32_t)size;
		h->id = all->def->id;
		h->uid = h->pid = (uint32_t)i;
		h->present = i ? ~0ULL : 0;
		if (filters_match(all->filters, &event, all->arena))
			check_needs(all, &event, compat);
		scope_matches(all->scope, &event, NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct arena arena;
	struct filter_options options = { .compat_tracee = len % 4 == 0, .detector = true };
	struct all all = { .arena = &arena,
			   .def = event_by_name(len % 2 ? STR("shmat") : STR("msgget")) };
	struct err err = { 0 };

	if (len > 1024)
		return 0;
	all.filters = filters_new(all.def, &options, &arena);
	all.scope = scope_new(&options, &arena);
	all.selection =
		(struct selection){ .ruleset = neighbours(), .arena = &arena, .options = options };
	for (size_t start = 0, at = 0, lines = 0; at <= len && lines < LINES_MAX; at++) {
		if (at < len && data[at] != '\n')
			continue;
		if (at > start)
			add_line(&all, (struct str){ (const char *)data + start,
						     (uint32_t)(at - start) });
		start = at + 1;
		lines++;
	}
	select_finish(&all.selection, &err);
	match(&all, len ? data[0] * 2654435761u : 0, options.compat_tracee);
	arena_reset(&arena);
	return 0;
}
