/* SPDX-License-Identifier: Apache-2.0 */
/* Loading `threshold`: its measures, which may be written in three ways, and their expressions. */
#include <errno.h>

#include "load_memory.h"

static const char *const measure_names[] = { "count", "distinct", "sum", "avg", "ratio" };

struct measure_list {
	struct measure_text texts[STATE_MEASURES_MAX];
	uint8_t kinds[STATE_MEASURES_MAX];
	uint32_t count;
};

static void read_measure(struct report *report, const struct yaml_node *node, uint8_t kind,
			 struct measure_list *list)
{
	struct measure_text *text = &list->texts[list->count];

	if (list->count == STATE_MEASURES_MAX) {
		report_error(report, node, "limit", NULL, "a threshold has at most %d measures",
			     STATE_MEASURES_MAX);
		return;
	}
	if (node->kind == YAML_SCALAR && kind != MEASURE_COUNT) {
		report_error(report, node, "kind", "as {of: EXPRESSION, at_least: 10}",
			     "'%s' must be a map or a list of maps, found %s", measure_names[kind],
			     yaml_describe(node));
		return;
	}
	list->kinds[list->count++] = kind;
	if (node->kind == YAML_SCALAR) /* count: 10 */
		text->node = text->at_least = node;
	else
		schema_read(report, &measure_schema, node, text);
}

static void read_measures(struct report *report, const struct threshold_text *text,
			  struct measure_list *list)
{
	for (uint8_t kind = 0; kind < ARRAY_SIZE(text->measures); kind++) {
		const struct yaml_node *node = text->measures[kind];

		if (!node)
			continue;
		if (node->kind != YAML_LIST)
			read_measure(report, node, kind, list);
		for (uint32_t i = 0; node->kind == YAML_LIST && i < node->count; i++)
			read_measure(report, node->items[i], kind, list);
	}
}

static bool read_bound(struct report *report, const struct yaml_node *node, double *out)
{
	char *end;

	if (!node)
		return false;
	*out = strtod(node->text.data, &end);
	if (*end || end == node->text.data || !(*out >= -9e15 && *out <= 9e15))
		report_error(report, node, "value", NULL, "expected a number, found '%s'",
			     node->text.data);
	return true;
}

static void check_distinct(struct report *report, const struct measure_text *text,
			   struct measure_config *out)
{
	double most = 64;

	if (out->has_least)
		most = MAX(most, out->least + 1);
	if (out->has_most)
		most = MAX(most, out->most + 1);
	if (out->has_above)
		most = MAX(most, out->above + 2);
	if (out->has_below)
		most = MAX(most, out->below + 1);
	if (most > STATE_DISTINCT_MAX)
		report_error(report, text->node, "limit",
			     "values are told apart one by one; count events beyond that",
			     "a bound of distinct may be at most %d", STATE_DISTINCT_MAX - 2);
	out->keep = (uint32_t)MIN(most, (double)STATE_DISTINCT_MAX);
}

static void make_measure(struct report *report, const struct measure_text *text, uint8_t kind,
			 struct measure_config *out)
{
	bool wants_of = kind != MEASURE_COUNT, wants_to = kind == MEASURE_RATIO;

	out->kind = kind;
	out->samples = 1;
	out->has_least = text->at_least == text->node /* count: 10 */
				 ? (out->least = memory_read_size(report, text->node, 1, 1 << 30))
				 : read_bound(report, text->at_least, &out->least);
	out->has_most = read_bound(report, text->at_most, &out->most);
	out->has_above = read_bound(report, text->above, &out->above);
	out->has_below = read_bound(report, text->below, &out->below);
	if (text->samples)
		out->samples = memory_read_size(report, text->samples, 1, 1 << 30);
	if (text->samples && kind != MEASURE_AVG)
		report_error(report, text->samples, "value", NULL, "'samples' is for avg");
	if (wants_of && !text->of)
		report_error(report, text->node, "missing-key",
			     kind == MEASURE_RATIO ? "of: a condition" : "of: the value",
			     "%s needs 'of'", measure_names[kind]);
	if (wants_to != (text->to != NULL))
		report_error(report, text->to ? text->to : text->node, "missing-key", NULL,
			     wants_to ? "ratio needs 'to': a condition" : "'to' is for ratio");
	if (kind == MEASURE_DISTINCT)
		check_distinct(report, text, out);
}

static bool has_bound(const struct threshold_config *config)
{
	for (uint32_t i = 0; i < config->measure_count; i++)
		if (config->measures[i].has_least || config->measures[i].has_most ||
		    config->measures[i].has_above || config->measures[i].has_below)
			return true;
	return false;
}

static void prepare_measures(struct loader *loader, struct report *report, struct memory *memory,
			     const struct measure_list *list, struct threshold_config *config)
{
	for (uint32_t i = 0; i < list->count; i++) {
		const struct measure_text *text = &list->texts[i];
		struct measure_config *measure = &config->measures[i];
		struct str name = text->name ? text->name->text
					     : str_of(measure_names[list->kinds[i]]);
		bool whole = list->kinds[i] == MEASURE_COUNT || list->kinds[i] == MEASURE_DISTINCT;

		make_measure(report, text, list->kinds[i], measure);
		memory_own_name(loader, report, memory, text->name ? text->name : text->node, name,
				(struct state_ref){ REF_MEASURE, 0, (uint16_t)i },
				whole ? "int" : "dyn");
		measure->name = arena_str(&loader->ruleset->arena, name.data, name.len).data;
	}
	config->measure_count = list->count;
}

struct measure_list *threshold_prepare(struct loader *loader, struct report *report,
				       struct memory *memory, const struct threshold_text *text)
{
	struct arena *arena = &loader->ruleset->arena;
	struct threshold_config *config = arena_new(arena, struct threshold_config);
	struct measure_list *list = arena_new(&loader->scratch, struct measure_list);

	if (!config || !list)
		return NULL;
	read_measures(report, text, list);
	config->measures = arena_array(arena, struct measure_config, list->count + 1);
	if (!config->measures)
		return NULL;
	memory->config.kind = STATE_THRESHOLD;
	memory->config.threshold = config;
	config->window = memory_read_duration(text->window);
	config->every = memory_read_duration(text->every);
	config->tumbling = text->kind && str_equal(text->kind->text, STR("tumbling"));
	config->closing = text->closing;
	prepare_measures(loader, report, memory, list, config);
	if (!has_bound(config))
		report_error(report, text->node, "missing-key",
			     "count: 10, or at_least, at_most, above, below of a measure",
			     "a threshold needs a bound");
	return list;
}

void threshold_compile(struct loader *loader, struct report *report, const struct cel_env *env,
		       struct memory *memory, const struct threshold_text *text,
		       const struct measure_list *list)
{
	struct threshold_config *config = memory->config.threshold;

	memory_compile_by(loader, report, env, &text->by, &config->by);
	for (uint32_t i = 0; i < list->count; i++) {
		uint8_t kind = list->kinds[i];
		bool condition = kind == MEASURE_COUNT || kind == MEASURE_RATIO;

		if (list->texts[i].of)
			config->measures[i].of = compile_expression(
				loader, report, env, list->texts[i].of, 0, measure_names[kind],
				condition ? "bool" : NULL);
		if (list->texts[i].to)
			config->measures[i].to = compile_expression(
				loader, report, env, list->texts[i].to, 0, "ratio", "bool");
	}
}
