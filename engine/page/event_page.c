/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the event table says about one event. Text and JSON are made from the same rows, so
 * they cannot differ in content; a section is printed exactly if its row is there.
 */
#include "page/event_page.h"

#include "base/common.h"

static const struct {
	const char *tag, *meaning;
} tag_legend[] = {
	{ "K", "the value is the kernel's own: its state, or its copy of what it was given" },
	{ "U", "chosen by user space: read from the caller's memory or, with K, passed by value in "
	       "a register, which nobody can change once the call was entered (no TOCTOU)" },
	{ "TOCTOU", "may have been read from user memory that the caller can change between our "
		    "read and the kernel's use (time of check, time of use)" },
	{ "OPT", "may be absent: not every call, kernel or hook has it" },
};

static const struct {
	const char *tracee, *rule;
} type_names[] = {
#define TYPE(name, c_type, tracee_name, json_key, cel_type) \
	[FIELD_##name] = { tracee_name, cel_type },
#include "types.def"
#undef TYPE
};

const char *field_type_name(uint8_t type)
{
	return type < ARRAY_SIZE(type_names) && type_names[type].tracee ? type_names[type].tracee
									: "any";
}

const char *field_type_rule(uint8_t type)
{
	return type < ARRAY_SIZE(type_names) && type_names[type].rule ? type_names[type].rule
								      : "dyn";
}

/* ---- names numbers decode to -------------------------------------------------- */

static const struct decoded_name {
	const char *group, *text;
} decoded_names[] = {
#define NAMES(name, rest, tracee) { #name, NULL },
#define NAME(mask, value, text)	  { NULL, text },
#define END_NAMES(name)
#include "event/names.def"
#undef NAMES
#undef NAME
#undef END_NAMES
};

/* The first name of a group; the others follow it until the next group. NULL: raw. */
static const struct decoded_name *names_of(const char *group)
{
	for (size_t i = 0; i < ARRAY_SIZE(decoded_names); i++)
		if (decoded_names[i].group && !strcmp(decoded_names[i].group, group))
			return &decoded_names[i + 1];
	return NULL;
}

static bool in_names(const struct decoded_name *name)
{
	return name && name < decoded_names + ARRAY_SIZE(decoded_names) && !name->group;
}

/* ---- small helpers ------------------------------------------------------------- */

struct str next_word(const char **at)
{
	if (!*at)
		return (struct str){ 0 };
	*at += strspn(*at, " ");
	struct str word = { **at ? *at : NULL, (uint32_t)strcspn(*at, " ") };

	*at += word.len;
	return word;
}

json_t *words_json(const char *words)
{
	json_t *list = json_array();
	struct str word;

	while ((word = next_word(&words)).data)
		json_array_append_new(list, json_stringn(word.data, word.len));
	return list;
}

static json_t *text_json(const char *text)
{
	return text ? json_string(text) : json_null();
}

static bool is_syscall(const struct event_def *def)
{
	return def->syscall >= 0 || def->syscall32 >= 0;
}

static const char *const mode_names[] = {
	[HOOK_NONE] = "none",	  [HOOK_FENTRY] = "fentry",
	[HOOK_KPROBE] = "kprobe", [HOOK_TRACEPOINT] = "tracepoint",
	[HOOK_RAW] = "raw",
};

/* ---- for a person ---------------------------------------------------------------- */

static void write_facts(struct page *page, const struct event_def *def)
{
	enum { COLUMN = 13 };
	char text[96];

	snprintf(text, sizeof(text), "%u", def->id);
	page_pair(page, "id", COLUMN, text);
	page_pair(page, "version", COLUMN, def->version);
	page_pair(page, "sets", COLUMN, def->sets[0] ? def->sets : "none");
	if (!is_syscall(def))
		return;
	if (def->syscall < 0)
		snprintf(text, sizeof(text), "none on x86-64, %d on i386", def->syscall32);
	else if (def->syscall32 < 0)
		snprintf(text, sizeof(text), "%d on x86-64, none on i386", def->syscall);
	else
		snprintf(text, sizeof(text), "%d on x86-64, %d on i386", def->syscall,
			 def->syscall32);
	page_pair(page, "system call", COLUMN, text);
}

static void write_section(struct page *page, const char *heading, const char *text)
{
	if (!text || !*text)
		return;
	page_heading(page, heading);
	page_text(page, text);
}

/* [U, K] register at entry */
static void field_note(struct buf *out, const struct event_field *field)
{
	const char *at = field->origin;
	struct str tag;
	const char *before = "[";

	if (!*at)
		return;
	while ((tag = next_word(&at)).data) {
		buf_printf(out, "%s%.*s", before, (int)tag.len, tag.data);
		before = ", ";
	}
	buf_printf(out, "], %s", field->captured);
}

static void field_text(struct buf *out, const struct event_field *field)
{
	const struct decoded_name *name = names_of(field->names);

	buf_printf(out, "%s", field->doc);
	if (!in_names(name))
		return;
	buf_str(out, out->len ? STR("; decoded as ") : STR("decoded as "));
	for (const char *before = ""; in_names(name); name++, before = ", ")
		buf_printf(out, "%s%s", before, name->text);
}

static void write_field(struct page *page, const struct event_field *field)
{
	struct buf term = { 0 }, note = { 0 }, text = { 0 };
	const char *type = field_type_name(field->type), *rule = field_type_rule(field->type);

	buf_printf(&term, "%s: %s", field->name, type);
	field_note(&note, field);
	if (strncmp(type, rule, strlen(rule)) != 0)
		buf_printf(&note, "%s%s in rules", note.len ? "; " : "", rule);
	field_text(&text, field);
	page_item(page, buf_cstr(&term), buf_cstr(&note), buf_cstr(&text));
	buf_free(&term);
	buf_free(&note);
	buf_free(&text);
}

static void write_fields(struct page *page, const struct event_def *def)
{
	bool own = false;

	page_heading(page, "Arguments");
	if (!def->field_count)
		page_text(page, "None.");
	for (unsigned i = 0; i < def->field_count; i++) {
		if (def->fields[i].owner == OWN && i && !own)
			page_text(page, "\nOur own, after Tracee's (not in tracee-json):\n\n");
		own |= def->fields[i].owner == OWN;
		write_field(page, &def->fields[i]);
	}
	if (def->replay_only)
		return;
	page_heading(page, "Available tags");
	for (size_t i = 0; i < ARRAY_SIZE(tag_legend); i++)
		page_pair(page, tag_legend[i].tag, 8, tag_legend[i].meaning);
	page_text(page,
		  "\nConditions can ask where a value came from in the event at hand: "
		  "origin(\"FIELD\") is \"K\", \"U\" (read from user memory) or \"\" (absent).");
}

static void write_hooks(struct page *page, const struct event_def *def)
{
	page_heading(page, "Hooks");
	if (def->replay_only || !def->hook_count) {
		page_text(page,
			  event_is_detection(def)
				  ? "None: a detector of Tracee's makes this event, or one of "
				    "yours that produces it."
			  : def->replay_only
				  ? "None yet: recordings of this event can be replayed, but "
				    "the sensor cannot collect it."
				  : "None: the sensor makes this event itself.");
		return;
	}
	page_text(page,
		  "In order of preference; 'spoor doctor' tells which one this kernel takes.\n\n");
	for (unsigned i = 0; i < def->hook_count; i++) {
		struct buf note = { 0 };

		buf_printf(&note, "type: %s  (--hook %s)", def->hooks[i].type,
			   mode_names[def->hooks[i].mode]);
		page_item(page, def->hooks[i].target, buf_cstr(&note), def->hooks[i].purpose);
		buf_free(&note);
	}
}

static void write_related(struct page *page, const struct event_def *def)
{
	const char *at = def->related;
	struct str name;

	if (!at || !*at)
		return;
	page_heading(page, "Related events");
	while ((name = next_word(&at)).data) {
		const struct event_def *related = event_by_name(name);
		char term[64];

		snprintf(term, sizeof(term), "%.*s", (int)name.len, name.data);
		page_pair(page, term, 20, related ? related->intro : "");
	}
}

void event_page_write(struct page *page, const struct event_def *def)
{
	page_title(page, def->name, def->intro);
	buf_char(page->out, '\n');
	write_facts(page, def);
	write_section(page, "Description", def->description);
	write_section(page, "Advantages", def->advantages);
	write_section(page, "Drawbacks", def->drawbacks);
	write_fields(page, def);
	write_hooks(page, def);
	write_section(page, "Example use case", def->example);
	write_section(page, "Issues", def->issues);
	write_related(page, def);
}

/* ---- for a program ----------------------------------------------------------------- */

static json_t *names_json(const char *group)
{
	json_t *list = json_array();

	for (const struct decoded_name *name = names_of(group); in_names(name); name++)
		json_array_append_new(list, json_string(name->text));
	return list;
}

static json_t *fields_json(const struct event_def *def)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < def->field_count; i++) {
		const struct event_field *field = &def->fields[i];

		json_array_append_new(
			list,
			json_pack("{ss ss ss so ss sb so ss}", "name", field->name, "type",
				  field_type_name(field->type), "rule_type",
				  field_type_rule(field->type), "tags", words_json(field->origin),
				  "captured", field->captured, "own", field->owner == OWN, "names",
				  names_json(field->names), "description", field->doc));
	}
	return list;
}

static json_t *hooks_json(const struct event_def *def)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < def->hook_count; i++)
		json_array_append_new(
			list, json_pack("{ss ss ss ss}", "mode", mode_names[def->hooks[i].mode],
					"type", def->hooks[i].type, "target", def->hooks[i].target,
					"purpose", def->hooks[i].purpose));
	return list;
}

static json_t *number_json(int number)
{
	return number < 0 ? json_null() : json_integer(number);
}

json_t *event_summary_json(const struct event_def *def)
{
	return json_pack("{ss ss si ss so so so so sb}", "kind", "event", "name", def->name, "id",
			 (int)def->id, "version", def->version, "sets", words_json(def->sets),
			 "syscall", number_json(def->syscall), "syscall32",
			 number_json(def->syscall32), "intro", text_json(def->intro), "collected",
			 !def->replay_only);
}

json_t *event_page_json(const struct event_def *def)
{
	json_t *page = event_summary_json(def);

	if (!page)
		return NULL;
	json_object_set_new(page, "description", text_json(def->description));
	json_object_set_new(page, "advantages", text_json(def->advantages));
	json_object_set_new(page, "drawbacks", text_json(def->drawbacks));
	json_object_set_new(page, "arguments", fields_json(def));
	json_object_set_new(page, "hooks", hooks_json(def));
	json_object_set_new(page, "example", text_json(def->example));
	json_object_set_new(page, "issues", text_json(def->issues));
	json_object_set_new(page, "related", words_json(def->related));
	return page;
}
