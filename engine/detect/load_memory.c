/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading the keys of detectors with memory. First the names that expressions may ask for, for
 * conditions are compiled before; then the rest, with expressions of its own.
 */
#include <errno.h>

#include "base/suggest.h"
#include "load_memory.h"

/* ---- names ---------------------------------------- */

static const struct {
	const char *name;
	enum state_ref_kind kind;
	const char *type;
} common_names[] = {
	{ "phase", REF_PHASE, "string" },
	{ "first", REF_FIRST, "google.protobuf.Timestamp" },
	{ "last", REF_LAST, "google.protobuf.Timestamp" },
	{ "events", REF_EVENTS, "int" },
	{ "lost", REF_LOST, "int" },
};

int memory_add_name(struct loader *loader, struct memory *memory, struct str name,
		    struct state_ref ref, const char *type)
{
	uint32_t count = memory->name_count;
	struct memory_name *names = memory->names;

	/* Powers of two are the capacities. */
	if ((count & (count - 1)) == 0) {
		names = arena_array(&loader->ruleset->arena, struct memory_name,
				    count ? count * 2 : 1);
		if (!names)
			return -ENOMEM;
		if (count)
			memcpy(names, memory->names, count * sizeof(*names));
		memory->names = names;
	}
	names[memory->name_count++] = (struct memory_name){
		.name = arena_str(&loader->ruleset->arena, name.data, name.len),
		.ref = ref,
		.type = type,
	};
	return 0;
}

static const struct memory_name *find_name(const struct memory *memory, struct str name)
{
	for (uint32_t i = 0; i < memory->name_count; i++)
		if (str_equal(memory->names[i].name, name))
			return &memory->names[i];
	return NULL;
}

/* The name of something of the rule's own: unique, and a word. */
void memory_own_name(struct loader *loader, struct report *report, struct memory *memory,
		     const struct yaml_node *at, struct str name, struct state_ref ref,
		     const char *type)
{
	for (uint32_t i = 0; i < name.len; i++)
		if (!memchr("abcdefghijklmnopqrstuvwxyz0123456789_", name.data[i], 37) ||
		    (i == 0 && name.data[i] <= '9')) {
			report_error(report, at, "value", "lower-case letters, digits and _",
				     "'%.*s' cannot be a name", (int)name.len, name.data);
			return;
		}
	if (find_name(memory, name))
		report_error(report, at, "duplicate", "give it a name of its own: name: ...",
			     "the name '%.*s' is taken", (int)name.len, name.data);
	else
		memory_add_name(loader, memory, name, ref, type);
}

int ruleset_resolve_state(void *ctx, struct str name, struct cel_slot *out, struct err *err)
{
	struct loader *loader = ctx;
	const struct detector *d = loader->compiling;
	struct memory *memory = d ? d->memory : NULL;
	const struct memory_name *found = memory ? find_name(memory, name) : NULL;
	struct memory_name part;
	int code = -ENOENT;
	struct suggest suggest;
	uint32_t number;

	if (!memory) {
		err_set(err, -EINVAL, "this detector remembers nothing");
		err_hint(err, "state(\"...\") is for detectors with threshold or sequence");
		return -EINVAL;
	}
	if (!found && memory->config.kind == STATE_SEQUENCE)
		code = sequence_name(loader, memory, name, &part, err);
	if (code && code != -ENOENT)
		return code;
	if (!code && !memory_add_name(loader, memory, part.name, part.ref, part.type))
		found = &memory->names[memory->name_count - 1];
	if (found && loader->before_state) {
		err_set(err, -EINVAL, "there is no state yet when this is evaluated");
		err_hint(err, "state(\"...\") is for conditions and output");
		return -EINVAL;
	}
	if (found) {
		loader->reads_state = true;
		if (ruleset_state_slot(loader->ruleset, memory, found, &number))
			return err_set(err, -ENOMEM, "out of memory");
		*out = (struct cel_slot){ .number = number, .type = found->type };
		return 0;
	}
	suggest_start(&suggest, name);
	for (uint32_t i = 0; i < memory->name_count; i++)
		suggest_try(&suggest, memory->names[i].name);
	err_set(err, -EINVAL, "the state has no '%.*s'", (int)name.len, name.data);
	if (suggest.best.data)
		err_hint(err, "did you mean '%s'?", suggest.best.data);
	else {
		size_t len = (size_t)snprintf(err->hint, sizeof(err->hint), "there is");

		for (uint32_t i = 0; i < memory->name_count && len < sizeof(err->hint); i++)
			len += (size_t)snprintf(err->hint + len, sizeof(err->hint) - len, "%s %s",
						i ? "," : "", memory->names[i].name.data);
	}
	return -EINVAL;
}

/* ---- by ---------------------------------------- */

/* A word that is neither a part's name nor CEL is likely the former, misspelt. */
static bool misspelt_part(struct report *report, const struct yaml_node *node, struct str word)
{
	struct err err = { .level = ERR_ERROR, .rule = "value" };
	struct suggest suggest;

	for (uint32_t i = 0; i < word.len; i++)
		if (!memchr("abcdefghijklmnopqrstuvwxyz_", word.data[i], 27))
			return false;
	suggest_start(&suggest, word);
	for (int part = PART_CEL + 1; part < STATE_PARTS; part++)
		suggest_try(&suggest, str_of(state_part_name((enum state_part)part)));
	if (!suggest.best.data)
		return false;
	err_set(&err, -EINVAL, "there is no '%.*s' to count by", (int)word.len, word.data);
	err_hint(&err, "did you mean '%s'?", suggest.best.data);
	report_add(report, node, &err);
	return true;
}

static void compile_part(struct loader *loader, struct report *report, const struct cel_env *env,
			 const struct yaml_node *node, struct state_by_part *out)
{
	struct str text = node->text;
	bool nullable = text.len && text.data[0] == '?';
	uint32_t slot;

	if (nullable)
		text = (struct str){ text.data + 1, text.len - 1 };
	*out = (struct state_by_part){ .part = (uint8_t)state_part_parse(text),
				       .nullable = nullable };
	if (out->part != PART_CEL || misspelt_part(report, node, text))
		return;
	out->program = compile_expression(loader, report, env, node, nullable, "by", NULL);
	if (out->program && cel_program_is_slot(out->program, &slot) &&
	    !loader->ruleset->refs[slot].kind)
		out->field = loader->ruleset->slots[slot];
}

void memory_compile_by(struct loader *loader, struct report *report, const struct cel_env *env,
		       const struct texts *texts, struct state_by *out)
{
	struct state_by_part *parts = arena_array(&loader->ruleset->arena, struct state_by_part,
						  texts->count + 1);

	if (!parts)
		return;
	if (texts->count > STATE_PARTS_MAX) {
		report_error(report, texts->node, "limit", NULL, "a key has at most %d parts",
			     STATE_PARTS_MAX);
		return;
	}
	for (uint32_t i = 0; i < texts->count; i++)
		compile_part(loader, report, env, texts->items[i], &parts[i]);
	*out = (struct state_by){ parts, texts->count };
}

/* Durations were checked when the file was read. */
uint64_t memory_read_duration(const struct yaml_node *node)
{
	struct err ignored = { 0 };
	uint64_t ns = 0;

	if (node)
		timespan_parse(node->text, &ns, &ignored);
	return ns;
}

/* ---- limits ---------------------------------------- */

/* A whole number, with K, M or G behind it. */
uint64_t memory_read_size(struct report *report, const struct yaml_node *node, uint64_t least,
			  uint64_t most)
{
	static const char suffixes[] = "KMG";
	char *end;
	uint64_t value;

	if (!node)
		return 0;
	errno = 0;
	value = strtoull(node->text.data, &end, 10);
	for (int i = 0; *end && i < 3; i++)
		if (*end == suffixes[i] && !end[1]) {
			value = value > most ? most + 1 : value << (10 * (i + 1));
			end++;
		}
	if (*end || errno || end == node->text.data || node->text.data[0] == '-' || value < least ||
	    value > most) {
		report_error(report, node, "value", NULL,
			     "expected a number from %llu to %llu, found '%s'",
			     (unsigned long long)least, (unsigned long long)most, node->text.data);
		return least;
	}
	return value;
}

void memory_read_limits(struct report *report, const struct limits_text *text,
			struct state_limits *out)
{
	out->keys = memory_read_size(report, text->keys, 1, STATE_KEYS_MAX);
	out->bytes = memory_read_size(report, text->bytes, 64 << 10, 4ULL << 30);
	out->partials = memory_read_size(report, text->partials, 1, 1024);
}

/* ---- the text of a rule ---------------------------------------- */

static void put_text(struct buf *out, struct str text)
{
	buf_uint(out, text.len);
	buf_char(out, ':');
	buf_str(out, text);
}

/* What a tree says, whatever its layout and comments. */
static void put_node(struct buf *out, const struct yaml_node *node)
{
	buf_uint(out, node->kind);
	buf_uint(out, node->null);
	buf_char(out, ':');
	if (node->kind == YAML_SCALAR)
		put_text(out, node->text);
	else
		buf_uint(out, node->count);
	buf_char(out, ':');
	for (uint32_t i = 0; node->kind == YAML_LIST && i < node->count; i++)
		put_node(out, node->items[i]);
	for (uint32_t i = 0; node->kind == YAML_MAP && i < node->count; i++) {
		put_node(out, node->pairs[i].key);
		put_node(out, node->pairs[i].value);
	}
}

/* With the lists it can name: a list that changes changes what the rule counts. */
struct digest memory_text_of_rule(const struct loader *loader, const struct pending *pending)
{
	struct buf text = { 0 };
	struct digest digest;

	buf_char(&text, loader_compat(loader) ? '1' : '0');
	put_node(&text, pending->file->root);
	for (uint32_t i = 0; i < loader->list_count; i++) {
		const struct named_list *list = &loader->lists[i];

		if (list->directory != pending->directory ||
		    !tree_mentions(pending->file->root, list->name))
			continue;
		buf_str(&text, list->name);
		for (uint32_t k = 0; k < list->value_count; k++)
			put_text(&text, list->values[k]);
	}
	digest = digest_bytes((struct digest){ 0 }, text.data, text.len);
	buf_free(&text);
	return digest;
}

/*
 * And with the form of what it reads: detections that were kept have the fields their rule had
 * then, whatever it has now.
 */
static struct digest text_with_inputs(struct digest text, const struct detector *d)
{
	struct buf form = { 0 };

	for (uint32_t i = 0; i < d->input_count; i++) {
		const struct event_def *def = d->input_defs[i];

		buf_uint(&form, def->field_count);
		for (unsigned k = 0; k < def->field_count; k++) {
			put_text(&form, str_of(def->fields[k].name));
			buf_uint(&form, def->fields[k].type);
		}
	}
	text = digest_bytes(text, form.data, form.len);
	buf_free(&form);
	return text;
}

/* ---- the whole ---------------------------------------- */

void memory_compile(struct loader *loader, struct report *report, struct pending *pending,
		    const struct cel_env *env)
{
	const struct detector_text *text = pending->text;
	struct memory *memory = pending->detector->memory;

	if (!memory)
		return;
	if (memory->config.kind == STATE_SEQUENCE) {
		sequence_compile(loader, report, pending, env);
	} else {
		loader->before_state = true;
		threshold_compile(loader, report, env, memory, &text->threshold, pending->measures);
		loader->before_state = false;
	}
	memory->config.text = text_with_inputs(memory_text_of_rule(loader, pending),
					       pending->detector);
	memory->config.owner = pending->detector;
	memory->config.inputs = pending->detector->input_defs;
}

/* Exactly one of the keys that make a detector remember. */
static bool has_memory(struct report *report, const struct detector_text *text)
{
	if (text->threshold.node && text->sequence.node)
		report_error(report, text->sequence.node, "value",
			     "make two detectors: one reads the event of the other",
			     "a detector has either threshold or sequence");
	else if (text->limits.node && !text->threshold.node && !text->sequence.node &&
		 !text->first_seen.node && !text->label && !text->set.count && !text->score.name)
		report_error(report, text->limits.node, "value", NULL,
			     "'limits' is for detectors that remember something");
	return text->threshold.node || text->sequence.node;
}

void memory_finish(struct memory *memory)
{
	if (memory && memory->config.kind == STATE_SEQUENCE)
		sequence_finish(memory);
}

void memory_prepare(struct loader *loader, struct report *report, struct pending *pending)
{
	const struct detector_text *text = pending->text;
	struct memory *memory;
	bool done;

	if (!has_memory(report, text))
		return;
	memory = arena_new(&loader->ruleset->arena, struct memory);
	if (!memory)
		return;
	pending->detector->memory = memory;
	for (size_t i = 0; i < ARRAY_SIZE(common_names); i++)
		memory_add_name(loader, memory, str_of(common_names[i].name),
				(struct state_ref){ .kind = (uint16_t)common_names[i].kind },
				common_names[i].type);
	memory_read_limits(report, &text->limits, &memory->config.limits);
	if (text->threshold.node) {
		pending->measures = threshold_prepare(loader, report, memory, &text->threshold);
		done = pending->measures != NULL;
	} else {
		done = sequence_prepare(loader, report, pending);
	}
	pending->broken |= !done;
}

const struct environment_memory ruleset_resolvers = {
	.state = ruleset_resolve_state,
	.variable = ruleset_resolve_variable,
	.label = ruleset_resolve_label,
	.score = ruleset_resolve_score,
};
