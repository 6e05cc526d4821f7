/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading what detectors say of entities: set, label, score, first_seen, descendant_of. A name
 * means the same in all detectors, whichever is loaded first; so all are declared before any
 * expression is compiled.
 */
#include <errno.h>

#include "base/suggest.h"
#include "load_memory.h"

static const char *const kind_names[] = { [FACT_LABEL] = "label",
					  [FACT_VARIABLE] = "variable",
					  [FACT_SCORE] = "score",
					  [FACT_SEEN] = "first_seen" };

/* ---- declaring ---------------------------------------- */

static struct fact *find_fact(const struct ruleset *ruleset, enum fact_kind kind, struct str name)
{
	for (uint32_t i = 0; i < ruleset->fact_count; i++)
		if (ruleset->facts[i]->config.fact->kind == kind &&
		    str_equal(ruleset->facts[i]->name, name))
			return ruleset->facts[i];
	return NULL;
}

/* What makes two facts the same over a reload. */
static struct digest text_of_fact(enum fact_kind kind, struct str name,
				  const struct fact_config *config)
{
	struct buf text = { 0 };
	struct digest digest;

	buf_printf(&text, "%d %d %d %llu ", kind, config->by.parts[0].part, config->inherit,
		   (unsigned long long)config->half_life);
	buf_str(&text, name);
	digest = digest_bytes((struct digest){ 1, 0 }, text.data, text.len);
	buf_free(&text);
	return digest;
}

struct meaning {
	enum fact_kind kind;
	uint8_t part;
	bool inherit;
	uint64_t half_life;
};

static struct fact *new_fact(struct loader *loader, struct str name, struct meaning meaning)
{
	struct ruleset *ruleset = loader->ruleset;
	struct fact **facts = loader_grow(&ruleset->arena, ruleset->facts, ruleset->fact_count,
					  &ruleset->fact_capacity, sizeof(struct fact *));
	struct fact *fact = arena_new(&ruleset->arena, struct fact);
	struct fact_config *config = arena_new(&ruleset->arena, struct fact_config);
	struct state_by_part *parts = arena_array(&ruleset->arena, struct state_by_part, 1);

	if (!facts || !fact || !config || !parts)
		return NULL;
	parts[0].part = meaning.part;
	*config = (struct fact_config){ .kind = (uint8_t)meaning.kind,
					.inherit = meaning.inherit,
					.by = { parts, 1 },
					.half_life = meaning.half_life };
	fact->name = arena_str(&ruleset->arena, name.data, name.len);
	fact->config = (struct state_config){ .kind = STATE_FACT, .fact = config };
	fact->config.text = text_of_fact(meaning.kind, name, config);
	ruleset->facts = facts;
	facts[ruleset->fact_count++] = fact;
	return fact;
}

static bool means(const struct fact *fact, struct meaning meaning)
{
	const struct fact_config *config = fact->config.fact;

	return config->by.parts[0].part == meaning.part && config->inherit == meaning.inherit &&
	       config->half_life == meaning.half_life;
}

/* The fact of that name, made if need be; all who name it must mean the same. */
static struct fact *declare(struct loader *loader, struct report *report,
			    const struct yaml_node *name, const struct yaml_node *scope,
			    struct meaning meaning)
{
	struct fact *fact = find_fact(loader->ruleset, meaning.kind, name->text);
	char hint[ERR_PATH_MAX + 64];

	if (scope)
		fact_scope_parse(scope->text, &meaning.part, &meaning.inherit);
	if (!fact) {
		fact = new_fact(loader, name->text, meaning);
		if (fact) {
			fact->path = arena_str(&loader->ruleset->arena, report->file->path,
					       strlen(report->file->path))
					     .data;
			fact->line = name->line;
		}
	} else if (!means(fact, meaning)) {
		snprintf(hint, sizeof(hint), "see %s line %u", fact->path, fact->line);
		report_error(report, scope ? scope : name, "duplicate", hint,
			     "%s '%s' has another %s elsewhere", kind_names[meaning.kind],
			     name->text.data,
			     fact->config.fact->half_life == meaning.half_life ? "scope"
									       : "half-life");
	}
	return fact;
}

static struct effects *effects_of(struct loader *loader, struct detector *d)
{
	if (!d->effects)
		d->effects = arena_new(&loader->ruleset->arena, struct effects);
	return d->effects;
}

static void add_action(struct loader *loader, struct detector *d, struct action action)
{
	struct effects *effects = effects_of(loader, d);
	struct action *actions = effects ? loader_grow(&loader->ruleset->arena, effects->actions,
						       effects->action_count,
						       &effects->action_capacity, sizeof(*actions))
					 : NULL;

	if (!actions || !action.fact)
		return;
	effects->actions = actions;
	actions[effects->action_count++] = action;
}

static void declare_set(struct loader *loader, struct report *report, struct pending *pending,
			const struct set_text *set)
{
	const struct meaning meaning = { .kind = FACT_VARIABLE, .part = PART_process };

	if (!set->name)
		return;
	const struct yaml_node *text = set->add ? set->add : set->value;

	if ((set->value != NULL) == (set->add != NULL))
		report_error(report, set->node, "missing-key",
			     "value: what it is from now on; add: one more of a list",
			     "set needs either 'value' or 'add'");
	add_action(loader, pending->detector,
		   (struct action){ .kind = set->add ? ACTION_ADD : ACTION_SET,
				    .fact = declare(loader, report, set->name, set->scope, meaning),
				    .text = text ? loader_keep(loader, text) : NULL,
				    .ttl = memory_read_duration(set->ttl) });
}

static void declare_label(struct loader *loader, struct report *report, struct pending *pending,
			  const struct yaml_node *node, bool give)
{
	const struct meaning meaning = { FACT_LABEL, PART_process, true, 0 };
	struct label_text text = { 0 };
	struct fact *fact = NULL;

	if (node->kind == YAML_SCALAR)
		text.name = node;
	else
		schema_read(report, &label_schema, node, &text);
	if (!text.name)
		return;
	/* Who takes a label away need not know its scope. */
	if (!give && !text.scope)
		fact = find_fact(loader->ruleset, FACT_LABEL, text.name->text);
	if (!fact)
		fact = declare(loader, report, text.name, text.scope, meaning);
	add_action(loader, pending->detector,
		   (struct action){ .kind = give ? ACTION_SET : ACTION_CLEAR,
				    .fact = fact,
				    .ttl = memory_read_duration(text.ttl) });
}

static void declare_labels(struct loader *loader, struct report *report, struct pending *pending,
			   const struct yaml_node *node, bool give)
{
	if (!node)
		return;
	if (node->kind != YAML_LIST)
		declare_label(loader, report, pending, node, give);
	for (uint32_t i = 0; node->kind == YAML_LIST && i < node->count; i++)
		declare_label(loader, report, pending, node->items[i], give);
}

static void declare_score(struct loader *loader, struct report *report, struct pending *pending)
{
	const struct score_text *text = &pending->text->score;
	const struct meaning meaning = { FACT_SCORE, PART_process, false,
					 memory_read_duration(text->half_life) };
	struct effects *effects = text->name ? effects_of(loader, pending->detector) : NULL;
	char *end;

	if (!effects)
		return;
	effects->score = declare(loader, report, text->name, text->scope, meaning);
	effects->has_least = text->at_least != NULL;
	if (text->at_least)
		effects->at_least = strtod(text->at_least->text.data, &end);
}

/* Its memory is its own; what it is keyed by is compiled later. */
static void declare_seen(struct loader *loader, struct pending *pending)
{
	const struct seen_text *text = &pending->text->first_seen;
	const struct meaning meaning = { .kind = FACT_SEEN, .part = PART_host };
	struct effects *effects = text->node ? effects_of(loader, pending->detector) : NULL;

	if (!effects)
		return;
	effects->seen = new_fact(loader, pending->detector->id, meaning);
	if (!effects->seen)
		return;
	effects->seen->config.fact->learn = memory_read_duration(text->learn);
	effects->seen->config.fact->forget = memory_read_duration(text->forget);
}

/* ---- descendants ---------------------------------------- */

static struct detector *find_named(const struct loader *loader, struct str name)
{
	for (uint32_t i = 0; i < loader->pending_count; i++) {
		struct detector *d = loader->pending[i].detector;

		if (str_equal(d->id, name) || str_equal(str_of(d->def.name), name))
			return d;
	}
	return NULL;
}

static void unknown_detector(const struct loader *loader, struct report *report,
			     const struct yaml_node *node)
{
	struct err err = { .level = ERR_ERROR, .rule = "unknown-detector" };
	struct suggest suggest;

	suggest_start(&suggest, node->text);
	for (uint32_t i = 0; i < loader->pending_count; i++) {
		suggest_try(&suggest, loader->pending[i].detector->id);
		suggest_try(&suggest, str_of(loader->pending[i].detector->def.name));
	}
	err_set(&err, -EINVAL, "there is no detector '%s'", node->text.data);
	if (suggest.best.data)
		err_hint(&err, "did you mean '%s'?", suggest.best.data);
	else
		err_hint(&err, "the id of a detector, or the event it makes");
	report_add(report, node, &err);
}

/* The label that the processes of a detector's events get; it gives it from now on. */
static struct fact *label_of(struct loader *loader, struct detector *d)
{
	const struct meaning meaning = { FACT_LABEL, PART_process, true, 0 };
	char name[256];
	struct fact *fact;

	snprintf(name, sizeof(name), "descendant_of %.200s", d->id.data);
	fact = find_fact(loader->ruleset, FACT_LABEL, str_of(name));
	if (fact)
		return fact;
	fact = new_fact(loader, str_of(name), meaning);
	add_action(loader, d, (struct action){ .kind = ACTION_SET, .fact = fact });
	return fact;
}

static void declare_ancestors(struct loader *loader, struct report *report, struct pending *pending)
{
	const struct texts *names = &pending->text->descendant_of;
	struct effects *effects = names->count ? effects_of(loader, pending->detector) : NULL;

	if (!effects)
		return;
	effects->ancestors = arena_array(&loader->ruleset->arena, struct fact *, names->count);
	for (uint32_t i = 0; effects->ancestors && i < names->count; i++) {
		struct detector *d = find_named(loader, names->items[i]->text);
		struct fact *label = d ? label_of(loader, d) : NULL;

		if (label)
			effects->ancestors[effects->ancestor_count++] = label;
		if (!d)
			unknown_detector(loader, report, names->items[i]);
	}
}

static void limit(struct fact *fact, const struct state_limits *limits)
{
	struct state_limits *own = &fact->config.limits;

	own->keys = MAX(own->keys, MAX(limits->keys, (uint64_t)STATE_KEYS_DEFAULT));
	own->bytes = MAX(own->bytes, MAX(limits->bytes, (uint64_t)STATE_BYTES_DEFAULT));
}

/* Those of a detector that remembers nothing else; the largest count. */
static void declare_limits(struct report *report, struct pending *pending)
{
	const struct detector_text *text = pending->text;
	const struct effects *effects = pending->detector->effects;
	struct state_limits limits;

	if (!text->limits.node || !effects || text->threshold.node || text->sequence.node ||
	    text->first_seen.node)
		return;
	memory_read_limits(report, &text->limits, &limits);
	for (uint32_t i = 0; i < effects->action_count; i++)
		if (effects->actions[i].fact)
			limit(effects->actions[i].fact, &limits);
	if (effects->score)
		limit(effects->score, &limits);
}

void facts_declare(struct loader *loader, struct pending *pending)
{
	const struct set_text *sets = pending->text->set.items;
	struct report report = { .problems = loader->problems,
				 .file = pending->file,
				 .arena = &loader->tree,
				 .compat = loader_compat(loader) };

	for (uint32_t i = 0; i < pending->text->set.count; i++)
		declare_set(loader, &report, pending, &sets[i]);
	declare_labels(loader, &report, pending, pending->text->label, true);
	declare_labels(loader, &report, pending, pending->text->unlabel, false);
	declare_score(loader, &report, pending);
	declare_seen(loader, pending);
	declare_limits(&report, pending);
	declare_ancestors(loader, &report, pending);
	if (pending->text->silent && effects_of(loader, pending->detector))
		pending->detector->effects->silent = true;
	pending->broken |= report.errors > 0;
}

/* ---- expressions ---------------------------------------- */

void facts_compile(struct loader *loader, struct report *report, struct pending *pending,
		   const struct cel_env *env)
{
	struct effects *effects = pending->detector->effects;

	for (uint32_t i = 0; effects && i < effects->action_count; i++)
		if (effects->actions[i].text)
			effects->actions[i].value = compile_expression(
				loader, report, env, effects->actions[i].text, 0, "set", NULL);
	if (effects && pending->text->score.add)
		effects->amount = compile_expression(loader, report, env, pending->text->score.add,
						     0, "score", NULL);
	if (!effects || !effects->seen)
		return;
	memory_compile_by(loader, report, env, &pending->text->first_seen.by,
			  &effects->seen->config.fact->by);
	memory_read_limits(report, &pending->text->limits, &effects->seen->config.limits);
	effects->seen->config.text = memory_text_of_rule(loader, pending);
}

static int resolve(struct loader *loader, enum fact_kind kind, struct str name, const char *type,
		   struct cel_slot *out, struct err *err)
{
	struct ruleset *ruleset = loader->ruleset;
	struct fact *fact = find_fact(ruleset, kind, name);
	struct suggest suggest;
	uint32_t at = 0;

	if (!fact) {
		suggest_start(&suggest, name);
		for (uint32_t i = 0; i < ruleset->fact_count; i++)
			if (ruleset->facts[i]->config.fact->kind == kind)
				suggest_try(&suggest, ruleset->facts[i]->name);
		err_set(err, -EINVAL, "no detector gives a %s '%.*s'", kind_names[kind],
			(int)name.len, name.data);
		if (suggest.best.data)
			err_hint(err, "did you mean '%s'?", suggest.best.data);
		else
			err_hint(err, "a detector gives it by the key '%s'; load it with this one",
				 kind == FACT_VARIABLE ? "set" : kind_names[kind]);
		return -EINVAL;
	}
	while (ruleset->facts[at] != fact)
		at++;
	if (!fact->slot && ruleset_fact_slot(ruleset, fact, at))
		return err_set(err, -ENOMEM, "out of memory");
	*out = (struct cel_slot){ .number = fact->slot - 1, .type = type };
	return 0;
}

int ruleset_resolve_variable(void *ctx, struct str name, struct cel_slot *out, struct err *err)
{
	return resolve(ctx, FACT_VARIABLE, name, "dyn", out, err);
}

int ruleset_resolve_label(void *ctx, struct str name, struct cel_slot *out, struct err *err)
{
	return resolve(ctx, FACT_LABEL, name, "bool", out, err);
}

int ruleset_resolve_score(void *ctx, struct str name, struct cel_slot *out, struct err *err)
{
	return resolve(ctx, FACT_SCORE, name, "double", out, err);
}
