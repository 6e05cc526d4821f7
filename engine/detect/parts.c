/* SPDX-License-Identifier: Apache-2.0 */
/* Operands of conditions as programs, and what they were in rule tests. */
#include "parts.h"

struct making {
	struct loader *loader;
	struct report *report;
	const struct cel_env *env;
	const struct yaml_node *node;
};

/* What stands alone need not be a bool: an operand may be dyn. */
static bool make_operand(const struct making *making, const struct cel_part *from,
			 struct part *part)
{
	struct arena *arena = &making->loader->ruleset->arena;
	struct cel_source source = { .line = 1, .column = 1 };
	struct err place = { 0 };

	part->text = arena_str(arena, making->node->text.data + from->at, from->end - from->at);
	source.text = part->text;
	yaml_err_offset(&place, making->report->file,
			yaml_offset(making->report->file, making->node, from->at));
	part->line = place.line;
	part->column = place.column;
	return part->text.data &&
	       cel_compile(making->env, &source, NULL, arena, &part->program, &place) == 0;
}

static bool make(const struct making *making, const struct cel_part *from, struct part *part)
{
	if (!from->count)
		return make_operand(making, from, part);
	part->is_and = from->is_and;
	part->items = arena_array(&making->loader->ruleset->arena, struct part, from->count);
	part->count = part->items ? from->count : 0;
	for (uint32_t i = 0; i < part->count; i++)
		if (!make(making, &from->items[i], &part->items[i]))
			return false;
	return part->count > 0;
}

struct part *parts_new(struct loader *loader, struct report *report, const struct cel_env *env,
		       const struct yaml_node *node)
{
	const struct making making = { loader, report, env, node };
	struct part *part = arena_new(&loader->ruleset->arena, struct part);
	struct cel_part from;

	if (!part || !cel_parts(env, node->text, &loader->scratch, &from) || !from.count)
		return NULL;
	return make(&making, &from, part) ? part : NULL;
}

static struct value evaluate(struct part *part, struct cel_run *run)
{
	struct value result = value_bool(part->is_and);

	if (!part->count) {
		run->budget = CEL_BUDGET;
		result = cel_eval(part->program, run);
		part->seen_true |= result.tag == VALUE_BOOL && result.b;
		part->seen_false |= result.tag == VALUE_BOOL && !result.b;
		return result;
	}
	for (uint32_t i = 0; i < part->count; i++) {
		struct value item = evaluate(&part->items[i], run);

		if (item.tag != VALUE_BOOL)
			result = item; /* an error, unless a later one decides */
		else if (item.b != part->is_and)
			return item;
	}
	return result;
}

void parts_note(struct part *part, struct cel_run *run)
{
	evaluate(part, run);
}

void parts_each(const struct part *part, void (*visit)(void *ctx, const struct part *part),
		void *ctx)
{
	if (!part->count)
		visit(ctx, part);
	for (uint32_t i = 0; i < part->count; i++)
		parts_each(&part->items[i], visit, ctx);
}
