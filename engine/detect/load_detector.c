/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a detector's text to struct detector, in three steps: make (what it produces, so
 * that others can name it), link (inputs and filters, when all names are known), compile
 * (expressions). Each reports what is wrong and goes on, so that one run shows all.
 */
#include <ctype.h>
#include <errno.h>

#include "base/suggest.h"
#include "parts.h"
#include "ruleset.h"

static char *copy(struct ruleset *ruleset, struct str text)
{
	return (char *)arena_str(&ruleset->arena, text.data, text.len).data;
}

static struct str copy_str(struct ruleset *ruleset, struct str text)
{
	return arena_str(&ruleset->arena, text.data, text.len);
}

/* ---- make ------------------------------------------------------------------------ */

static const struct field_text *declared_field(const struct detector_text *text, struct str name)
{
	const struct field_text *fields = text->produced.fields.items;

	for (uint32_t i = 0; i < text->produced.fields.count; i++)
		if (str_equal(fields[i].name->text, name))
			return &fields[i];
	return NULL;
}

static bool is_output(const struct detector_text *text, struct str name)
{
	const struct output_text *outputs = text->output.fields.items;

	for (uint32_t i = 0; i < text->output.fields.count; i++)
		if (str_equal(outputs[i].name->text, name))
			return true;
	return false;
}

static void add_field(struct ruleset *ruleset, struct event_field *fields, struct detector *d,
		      struct str name, const struct field_text *declared)
{
	fields[d->def.field_count++] = (struct event_field){
		.name = copy(ruleset, name),
		.type = declared ? field_type_parse(declared->type->text, d->compat) : FIELD_none,
		.owner = TRACEE,
		.names = "raw",
		.origin = "",
		.captured = "computed by the detector",
		.doc = declared && declared->description
			       ? copy(ruleset, declared->description->text)
			       : "",
	};
}

/* Output fields in their order, then those that are declared only. */
static int make_fields(struct ruleset *ruleset, struct detector *d,
		       const struct detector_text *text)
{
	const struct output_text *outputs = text->output.fields.items;
	const struct field_text *declared = text->produced.fields.items;
	uint32_t most = text->output.fields.count + text->produced.fields.count;
	struct event_field *fields = arena_array(&ruleset->arena, struct event_field, most + 1);

	if (!fields || most > INT16_MAX)
		return -ENOMEM;
	for (uint32_t i = 0; i < text->output.fields.count; i++)
		add_field(ruleset, fields, d, outputs[i].name->text,
			  declared_field(text, outputs[i].name->text));
	for (uint32_t i = 0; i < text->produced.fields.count; i++)
		if (!is_output(text, declared[i].name->text))
			add_field(ruleset, fields, d, declared[i].name->text, &declared[i]);
	d->def.fields = fields;
	return 0;
}

/*
 * "detectors default" and the tags. With the tag `internal` it is in neither: a building block
 * of other detectors that nobody wants to see.
 */
static const char *make_sets(struct ruleset *ruleset, const struct texts *tags, bool compat)
{
	const char *always = "detectors default";
	size_t len = sizeof("detectors default");
	char *sets;

	for (uint32_t i = 0; !compat && i < tags->count; i++)
		if (str_equal(tags->items[i]->text, STR("internal")))
			always = "derived";

	for (uint32_t i = 0; i < tags->count; i++)
		len += tags->items[i]->text.len + 1;
	sets = arena_alloc(&ruleset->arena, len);
	if (!sets)
		return always;
	size_t used = (size_t)snprintf(sets, len, "%s", always);

	for (uint32_t i = 0; i < tags->count; i++)
		used += (size_t)snprintf(sets + used, len - used, " %s", tags->items[i]->text.data);
	return sets;
}

static void make_event(struct ruleset *ruleset, struct detector *d,
		       const struct detector_text *text, uint32_t id)
{
	d->def = (struct event_def){
		.id = (uint16_t)id,
		.name = copy(ruleset, text->produced.name->text),
		.version = copy(ruleset, text->produced.version->text),
		.sets = make_sets(ruleset, &text->produced.tags, d->compat),
		.syscall = -1,
		.syscall32 = -1,
		.intro = copy(ruleset, schema_text(text->threat.node ? text->threat.name
								     : text->produced.description)),
		.description = copy(ruleset, schema_text(text->produced.description
								 ? text->produced.description
								 : text->threat.description)),
		.advantages = "",
		.drawbacks = "",
		.example = "",
		.issues = "",
		.related = "",
	};
}

static int compare_properties(const void *a, const void *b)
{
	const struct threat_property *x = a, *y = b;

	return strcmp(x->key.data, y->key.data);
}

static struct threat *make_threat(struct ruleset *ruleset, const struct threat_text *text,
				  bool compat)
{
	const struct yaml_node *properties = text->properties;
	uint32_t count = properties ? properties->count : 0;
	struct threat *threat = arena_new(&ruleset->arena, struct threat);

	if (!threat)
		return NULL;
	*threat = (struct threat){
		.name = copy_str(ruleset, schema_text(text->name)),
		.description = copy_str(ruleset, schema_text(text->description)),
		.tactic = copy_str(ruleset, schema_text(text->mitre.tactic.name)),
		.technique_id = copy_str(ruleset, schema_text(text->mitre.technique.id)),
		.technique_name = copy_str(ruleset, schema_text(text->mitre.technique.name)),
		.has_mitre = text->mitre.node != NULL,
		.properties = arena_array(&ruleset->arena, struct threat_property, count + 1),
	};
	severity_parse(text->severity->text, compat, &threat->severity);
	for (uint32_t i = 0; threat->properties && i < count; i++)
		threat->properties[threat->property_count++] = (struct threat_property){
			copy_str(ruleset, properties->pairs[i].key->text),
			copy_str(ruleset, properties->pairs[i].value->text),
		};
	if (threat->property_count)
		qsort(threat->properties, threat->property_count, sizeof(*threat->properties),
		      compare_properties);
	return threat;
}

/* GOARCH of what we run on. */
#if defined(__x86_64__)
static const char own_architecture[] = "amd64";
#elif defined(__aarch64__)
static const char own_architecture[] = "arm64";
#else
static const char own_architecture[] = "";
#endif

static bool is_our_architecture(const struct texts *names)
{
	for (uint32_t i = 0; i < names->count; i++)
		if (strcmp(names->items[i]->text.data, own_architecture) == 0)
			return true;
	return names->count == 0;
}

/* The events of Tracee's own detectors have an id each, whoever makes them. */
static uint32_t produced_id(struct loader *loader, struct str name)
{
	const struct event_def *known = event_by_name(name);

	if (known)
		return known->id;
	uint32_t id = PRODUCED_ID_FIRST + loader->produced_count++;

	return id <= PRODUCED_ID_LAST ? id : id - PRODUCED_ID_LAST - 1 + PRODUCED_ID_MORE;
}

struct detector *detector_make(struct loader *loader, struct report *report,
			       const struct detector_text *text)
{
	struct ruleset *ruleset = loader->ruleset;
	struct detector *d = arena_new(&ruleset->arena, struct detector);

	if (!d)
		return NULL;
	d->builtin = loader->builtin;
	d->compat = loader_compat(loader);
	d->id = copy_str(ruleset, text->id->text);
	d->path = copy(ruleset, str_of(report->file->path));
	make_event(ruleset, d, text, produced_id(loader, text->produced.name->text));
	if (make_fields(ruleset, d, text))
		return NULL;
	if (text->threat.node)
		d->threat = make_threat(ruleset, &text->threat, d->compat);
	d->populate_threat = text->populate.threat;
	d->detected_from = text->populate.detected_from;
	d->ancestry = text->populate.process_ancestry;
	d->skipped = !is_our_architecture(&text->requirements.architectures);
	return d;
}

/* ---- link ------------------------------------------------------------------------- */

static bool is_optional(const struct yaml_node *dependency)
{
	return dependency && strcasecmp(dependency->text.data, "optional") == 0;
}

static bool version_fits(const struct input_text *text, const struct event_def *def)
{
	struct err ignored = { 0 };
	struct version is, low, high;

	if (version_parse(str_of(def->version), &is, &ignored))
		return true;
	if (text->min_version && !version_parse(text->min_version->text, &low, &ignored) &&
	    version_compare(is, low) < 0)
		return false;
	return !text->max_version || version_parse(text->max_version->text, &high, &ignored) ||
	       version_compare(is, high) < 0;
}

static void unknown_event(struct loader *loader, struct report *report,
			  const struct input_text *text)
{
	bool optional = is_optional(text->dependency);
	struct err err = { .level = optional || loader->options.foreign ? ERR_WARNING : ERR_ERROR,
			   .rule = "unknown-event" };

	err_set(&err, -EINVAL, "%s event '%s' not found", optional ? "optional" : "required",
		text->name->text.data);
	loader_suggest_event(loader, text->name->text, &err);
	report_add(report, text->name, &err);
	loader->unknown_input = true;
}

/* Tracee knows of a detection the declared fields alone. */
static bool is_undeclared(const struct event_def *def, struct str field, struct err *err)
{
	int index = event_field_index(def, field);

	if (index < 0 || def->fields[index].type != FIELD_none)
		return false;
	err_set(err, -EINVAL, "invalid event data field: %.*s", (int)field.len, field.data);
	err_hint(err, "declare it in produced_event.fields of the detector that makes %s",
		 def->name);
	return true;
}

/* Reads all filters of an input; the place of an error is that of the filter. */
static void link_filters(struct report *report, struct input *input, const struct texts *texts,
			 bool data)
{
	for (uint32_t i = 0; i < texts->count; i++) {
		struct err err = { .level = ERR_ERROR, .rule = "filter" };
		struct str field, expression;
		int code;

		filter_split(texts->items[i]->text, &field, &expression);
		code = data && report->compat && is_undeclared(input->def, field, &err) ? -EINVAL
		       : data ? filters_add_data(input->filters, field, expression, &err)
			      : filters_add_scope(input->filters, field, expression, &err);
		if (code)
			report_add(report, texts->items[i], &err);
	}
}

static void keep_texts(struct ruleset *ruleset, struct str **list, uint32_t *count,
		       const struct texts *texts)
{
	struct str *all = arena_array(&ruleset->arena, struct str, *count + texts->count + 1);

	if (!all)
		return;
	if (*count)
		memcpy(all, *list, *count * sizeof(*all));
	for (uint32_t i = 0; i < texts->count; i++)
		all[(*count)++] = copy_str(ruleset, texts->items[i]->text);
	*list = all;
}

static void wrong_version(struct report *report, const struct input_text *text,
			  const struct event_def *def)
{
	struct err err = { .level = is_optional(text->dependency) ? ERR_WARNING : ERR_ERROR,
			   .rule = "version" };

	err_set(&err, -EINVAL, "version incompatible: event '%s' is of version %s", def->name,
		def->version);
	report_add(report, text->name, &err);
}

/* The collector has not this event yet. Built-in detectors are told of all at once, see load.c. */
static void not_collected(struct loader *loader, struct report *report, struct detector *d,
			  const struct input_text *text, const struct event_def *def)
{
	bool optional = is_optional(text->dependency);
	struct err err = { .level = optional ? ERR_WARNING : ERR_ERROR, .rule = "not-collected" };

	if (optional)
		d->partly_live = true;
	else if (!d->lacks)
		d->lacks = def->name;
	if (d->builtin || !loader->options.live)
		return;
	event_not_collected(def, &err);
	report_add(report, text->name, &err);
}

static void link_input(struct loader *loader, struct report *report, struct detector *d,
		       const struct input_text *text)
{
	struct filter_options options = { .compat_tracee = loader_compat(loader),
					  .detector = true };
	struct input *input = &d->inputs[d->input_count];
	const struct event_def *def = loader_event(loader, text->name->text);
	bool fits;

	/* Its number stands for "not found" there. */
	if (def && def->syscall == 0 && loader_compat(loader))
		def = NULL;
	if (!def) {
		unknown_event(loader, report, text);
		return;
	}
	fits = version_fits(text, def);
	if (!fits)
		wrong_version(report, text, def);
	/* Tracee then drops the filters of an optional event and keeps the event. */
	if (!fits && !(loader_compat(loader) && is_optional(text->dependency)))
		return;
	if (def->replay_only)
		not_collected(loader, report, d, text, def);
	if (def->replay_only && loader->options.live)
		return;
	input->def = def;
	input->line = text->name->line;
	input->filters = filters_new(def, &options, &loader->ruleset->arena);
	if (!input->filters)
		return;
	if (is_optional(text->dependency) && d->input_count < 64)
		d->optional_inputs |= 1ULL << d->input_count;
	d->input_defs[d->input_count++] = def;
	if (!fits)
		return;
	link_filters(report, input, &text->data_filters, true);
	link_filters(report, input, &text->scope_filters, false);
	keep_texts(loader->ruleset, &d->data_filters, &d->data_filter_count, &text->data_filters);
	keep_texts(loader->ruleset, &d->scope_filters, &d->scope_filter_count,
		   &text->scope_filters);
}

/* Are events enriched so? If not, says what is missing. */
static bool is_enriched(const struct ruleset_options *options, const struct enrichment_text *text,
			struct err *err)
{
	const char *name = text->name->text.data, *mode = options->executable_hash;
	bool hash = strcmp(name, "executable-hash") == 0;
	struct str wanted = schema_text(text->config);

	if (hash && mode && wanted.len && !str_equal(wanted, str_of(mode))) {
		err_set(err, -EINVAL,
			"requires enrichment \"%s\" with mode \"%s\", but current mode is \"%s\"",
			name, wanted.data, mode);
		return false;
	}
	if (hash			  ? mode != NULL
	    : strcmp(name, "environment") ? !options->no_container
					  : options->environment)
		return true;
	err_set(err, -EINVAL, "requires enrichment \"%s\" which is not enabled", name);
	err_hint(err, hash ? "this sensor does not collect it yet" : "run with --enrichment %s",
		 name);
	return false;
}

/* What a required enrichment is not there for, the rule cannot work. */
static void check_enrichments(const struct loader *loader, struct report *report,
			      struct detector *d, const struct maps *enrichments)
{
	const struct enrichment_text *items = enrichments->items;

	for (uint32_t i = 0; i < enrichments->count; i++) {
		bool optional = is_optional(items[i].dependency);
		struct err err = { .level = optional || loader->options.foreign ? ERR_WARNING
										: ERR_ERROR,
				   .rule = "enrichment" };

		if (!optional && strcmp(items[i].name->text.data, "environment") == 0)
			d->needs_environment = true;
		if (!is_enriched(&loader->options, &items[i], &err) && !d->builtin)
			report_add(report, items[i].name, &err);
	}
}

/* A built-in detector that the live sensor cannot serve is left out. */
static void leave_out(struct loader *loader, struct detector *d)
{
	bool blind = d->needs_environment && !loader->options.environment;

	if (!d->builtin || !loader->options.live || (!d->lacks && !blind))
		return;
	d->skipped = true;
	loader->idle += d->lacks != NULL;
}

void detector_link(struct loader *loader, struct pending *pending, struct report *report)
{
	const struct detector_text *text = pending->text;
	const struct maps *events = &text->requirements.events;
	const struct input_text *inputs = events->items;
	struct detector *d = pending->detector;
	struct arena *arena = &loader->ruleset->arena;

	loader->unknown_input = false;
	d->inputs = arena_array(arena, struct input, events->count + 1);
	d->input_defs = arena_array(arena, const struct event_def *, events->count + 1);
	if (!d->inputs || !d->input_defs) {
		pending->broken = true;
		return;
	}
	if (events->count > INPUTS_MAX)
		report_error(report, events->node, "limit", "make two detectors",
			     "a detector reads at most %d events, found %u", INPUTS_MAX,
			     events->count);
	for (uint32_t i = 0; i < MIN(events->count, (uint32_t)INPUTS_MAX); i++)
		link_input(loader, report, d, &inputs[i]);
	check_enrichments(loader, report, d, &text->requirements.enrichments);
	leave_out(loader, d);
	pending->broken |= report->errors > 0;
}

/* ---- compile ------------------------------------------------------------------------ */

/* Byte offset of a message's line and column within an expression. */
static uint32_t offset_in(struct str text, uint32_t line, uint32_t column)
{
	uint32_t at = 0;

	for (; line > 1 && at < text.len; at++)
		line -= text.data[at] == '\n';
	for (; column > 1 && at < text.len && text.data[at] != '\n'; column--) {
		at++;
		while (at < text.len && ((unsigned char)text.data[at] & 0xc0) == 0x80)
			at++;
	}
	return at;
}

/*
 * The expression's own place becomes one in the file; `what` says which expression it is. Level
 * and rule are err's.
 */
static void expression_problem(struct report *report, const struct yaml_node *node, uint32_t skip,
			       const char *what, struct err *err)
{
	struct str text = { node->text.data + skip, node->text.len - skip };
	uint32_t offset = skip +
			  offset_in(text, err->line ? err->line : 1, err->column ? err->column : 1);
	char message[ERR_MESSAGE_MAX];

	memcpy(message, err->message, sizeof(message));
	err_set(err, -EINVAL, "%.200s: %.800s", what, message);
	yaml_err_offset(err, report->file, yaml_offset(report->file, node, offset));
	report_add(report, node, err);
}

/* Tracee would not load a rule with it, so a rule that has to serve both must not have it. */
static void warn_tracee(struct loader *loader, struct report *report, const struct yaml_node *node,
			uint32_t skip, struct str text, const char *want)
{
	struct cel_source source = { .text = text, .line = 1, .column = 1 };
	const struct cel_program *program;
	struct err err = { 0 };

	if (!loader->tracee_env ||
	    cel_compile(loader->tracee_env, &source, want, &loader->scratch, &program, &err) == 0)
		return;
	err.level = ERR_WARNING;
	err.rule = "tracee-refuses";
	expression_problem(report, node, skip, "Tracee refuses this", &err);
}

struct calls {
	struct report *report;
	const struct yaml_node *node;
};

static void warn_absent_store(void *ctx, struct str function)
{
	const struct calls *calls = ctx;
	const struct cel_function *row = environment_absent(function);

	if (row)
		report_warning(calls->report, calls->node, "absent-store", row->doc,
			       "%s always answers %s", row->name, row->result);
}

const struct cel_program *compile_expression(struct loader *loader, struct report *report,
					     const struct cel_env *env,
					     const struct yaml_node *node, uint32_t skip,
					     const char *what, const char *want)
{
	struct str text = { node->text.data + skip, node->text.len - skip };
	struct cel_source source = { .text = copy_str(loader->ruleset, text),
				     .line = 1,
				     .column = 1 };
	const struct cel_program *program = NULL;
	struct err err = { 0 };

	if (!source.text.data ||
	    cel_compile(env, &source, want, &loader->ruleset->arena, &program, &err) < 0) {
		err.level = ERR_ERROR;
		err.rule = "expression";
		expression_problem(report, node, skip, what, &err);
		return NULL;
	}
	if (loader->options.advise)
		cel_program_each_call(program, warn_absent_store,
				      &(struct calls){ .report = report, .node = node });
	warn_tracee(loader, report, node, skip, source.text, want);
	return program;
}

/* Conditions on the state come last: they are asked when there is one. */
static void sort_conditions(struct detector *d, const struct condition *late, uint32_t count)
{
	d->early = d->condition_count;
	for (uint32_t i = 0; i < count; i++)
		d->conditions[d->condition_count++] = late[i];
}

static void compile_conditions(struct loader *loader, struct report *report, struct detector *d,
			       const struct texts *texts, const struct cel_env *env)
{
	struct condition *late = arena_array(&loader->scratch, struct condition, texts->count + 1);
	uint32_t late_count = 0;
	char what[64];

	d->conditions = arena_array(&loader->ruleset->arena, struct condition, texts->count + 1);
	d->condition_texts = arena_array(&loader->ruleset->arena, struct str, texts->count + 1);
	if (!d->conditions || !d->condition_texts || !late)
		return;
	for (uint32_t i = 0; i < texts->count; i++) {
		struct condition condition = {
			.text = copy_str(loader->ruleset, texts->items[i]->text),
			.path = d->path,
			.number = i,
			.line = texts->items[i]->line,
		};

		snprintf(what, sizeof(what), "condition %u is invalid", i);
		loader->reads_state = false;
		condition.program = compile_expression(loader, report, env, texts->items[i], 0,
						       what, "bool");
		if (loader->options.coverage && condition.program)
			condition.parts = parts_new(loader, report, env, texts->items[i]);
		if (loader->reads_state)
			late[late_count++] = condition;
		else
			d->conditions[d->condition_count++] = condition;
		d->condition_texts[i] = condition.text;
	}
	sort_conditions(d, late, late_count);
}

static void compile_outputs(struct loader *loader, struct report *report, struct detector *d,
			    const struct maps *maps, const struct cel_env *env)
{
	const struct output_text *texts = maps->items;
	char what[256];

	d->outputs = arena_array(&loader->ruleset->arena, struct output_field, maps->count + 1);
	if (!d->outputs)
		return;
	for (uint32_t i = 0; i < maps->count; i++) {
		snprintf(what, sizeof(what), "output field '%.150s' has invalid CEL expression",
			 texts[i].name->text.data);
		d->outputs[i] = (struct output_field){
			.program = compile_expression(loader, report, env, texts[i].expression, 0,
						      what, NULL),
			.type = d->def.fields[i].type,
			.optional = texts[i].optional,
		};
	}
	d->output_count = maps->count;
}

/* What goes through for_each must be a list, as far as that is known at load. */
static void compile_for_each(struct loader *loader, struct report *report, struct detector *d,
			     const struct yaml_node *text, const struct cel_env *env)
{
	const char *type;

	if (!text)
		return;
	d->for_each = compile_expression(loader, report, env, text, 0, "output.for_each is invalid",
					 NULL);
	type = d->for_each ? cel_program_type(d->for_each) : "dyn";
	if (strcmp(type, "dyn") != 0 && strncmp(type, "list", 4) != 0)
		report_error(report, text, "expression",
			     "one detection is made for each element of a list",
			     "output.for_each must be a list, found %s", type);
}

/* A serious alert should not rest on memory that the caller can change under our eyes. */
static void warn_toctou(struct loader *loader, struct report *report, const struct detector *d,
			const struct yaml_node *severity)
{

	for (uint32_t i = 0; i < d->input_count; i++) {
		uint64_t fields = filters_fields(d->inputs[i].filters);

		for (uint32_t k = 0; k < d->inputs[i].def->field_count && k < 64; k++)
			if (fields >> k & 1)
				*(strstr(d->inputs[i].def->fields[k].origin, "TOCTOU")
					  ? &loader->reads_toctou
					  : &loader->reads_other) += 1;
	}
	if (d->threat && d->threat->severity >= SEVERITY_HIGH && loader->reads_toctou &&
	    !loader->reads_other)
		report_warning(
			report, severity, "toctou",
			"the caller can change them between our read and the kernel's use; add a condition "
			"on a field of origin K, or on origin(\"field\") == \"K\"",
			"severity '%s' rests on fields of user memory alone", severity->text.data);
}

void detector_compile(struct loader *loader, struct pending *pending, struct report *report,
		      const struct cel_env *env)
{
	const struct detector_text *text = pending->text;
	struct detector *d = pending->detector;
	uint32_t before = report->errors;

	loader->compiling = d;
	loader->step_at = UINT32_MAX;
	loader->reads_toctou = loader->reads_other = 0;
	loader->reading_conditions = true;
	loader->unknown_input = d->input_count < text->requirements.events.count;
	memory_prepare(loader, report, pending);
	compile_conditions(loader, report, d, &text->conditions, env);
	memory_compile(loader, report, pending, env);
	loader->reading_conditions = false;
	compile_for_each(loader, report, d, text->output.for_each, env);
	if (text->output.for_each)
		env = loader_item_env(loader, pending->directory);
	if (!env) {
		pending->broken = true;
		return;
	}
	compile_outputs(loader, report, d, &text->output.fields, env);
	facts_compile(loader, report, pending, env);
	memory_write_words(loader->ruleset, d, pending->file->root);
	memory_finish(d->memory);
	loader->compiling = NULL;
	if (report->errors == before)
		warn_toctou(loader, report, d, text->threat.severity);
	pending->broken |= report->errors > 0;
}
