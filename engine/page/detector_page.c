/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a loaded detector says of itself. Everything comes from its YAML file and may hold any
 * text; page.c keeps that harmless.
 */
#include "page/detector_page.h"

#include "base/common.h"
#include "page/event_page.h"

enum { COLUMN = 13 };

const char *detector_severity(const struct detector_info *info)
{
	return info->threat ? severity_names[info->threat->severity] : "";
}

const char *detector_origin(const struct detector_info *info)
{
	if (info->lacks)
		return "recording";
	if (info->needs_environment)
		return "environment";
	return info->partly_live ? "partly live" : "live";
}

/* A text that need not be NUL-terminated, for the calls that want one. */
static void pair_str(struct page *page, const char *term, struct str text)
{
	struct buf copy = { 0 };

	if (!text.data || !text.len)
		return;
	buf_str(&copy, text);
	page_pair(page, term, COLUMN, buf_cstr(&copy));
	buf_free(&copy);
}

/* ---- for a person --------------------------------------------------------------- */

static void write_origin(struct page *page, const struct detector_info *info)
{
	struct buf text = { 0 };

	if (info->lacks)
		buf_printf(&text, "recordings: event %s cannot be collected yet", info->lacks);
	else if (info->needs_environment)
		buf_lit(&text, "recordings, and live with --enrichment environment");
	if (info->partly_live && !info->lacks)
		buf_printf(&text, "%slive only in part: not all its events can be collected yet",
			   text.len ? "; " : "");
	if (text.len)
		page_pair(page, "works in", COLUMN, buf_cstr(&text));
	buf_free(&text);
}

static void write_facts(struct page *page, const struct detector_info *info)
{
	page_pair(page, "detector", COLUMN, info->id);
	page_pair(page, "version", COLUMN, info->produces->version);
	page_pair(page, "sets", COLUMN, info->produces->sets);
	page_pair(page, "from", COLUMN, info->path);
	write_origin(page, info);
}

static void write_threat(struct page *page, const struct threat *threat)
{
	if (!threat)
		return;
	page_heading(page, "Threat");
	pair_str(page, "name", threat->name);
	page_pair(page, "severity", COLUMN, severity_names[threat->severity]);
	if (threat->has_mitre) {
		struct buf text = { 0 };

		buf_str(&text, threat->technique_id);
		buf_char(&text, ' ');
		buf_str(&text, threat->technique_name);
		if (threat->tactic.len) {
			buf_lit(&text, " (");
			buf_str(&text, threat->tactic);
			buf_char(&text, ')');
		}
		page_pair(page, "ATT&CK", COLUMN, buf_cstr(&text));
		buf_free(&text);
	}
	for (uint32_t i = 0; i < threat->property_count; i++) {
		struct buf key = { 0 };

		buf_str(&key, threat->properties[i].key);
		pair_str(page, buf_cstr(&key), threat->properties[i].value);
		buf_free(&key);
	}
}

static void write_codes(struct page *page, const char *heading, const char *intro,
			const struct str *codes, uint32_t count)
{
	if (!count)
		return;
	page_heading(page, heading);
	page_text(page, intro);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t first = 0;

		/* The same filter on several events is shown once. */
		while (!str_equal(codes[first], codes[i]))
			first++;
		if (first == i)
			page_code(page, codes[i]);
	}
}

static void write_events(struct page *page, const struct detector_info *info)
{
	page_heading(page, "Events it reads");
	for (uint32_t i = 0; i < info->input_count; i++)
		page_pair(page, info->inputs[i]->name, 20, info->inputs[i]->intro);
}

static void write_fields(struct page *page, const struct event_def *produces)
{
	if (!produces->field_count)
		return;
	page_heading(page, "Fields it reports");
	for (unsigned i = 0; i < produces->field_count; i++) {
		const struct event_field *field = &produces->fields[i];
		struct buf term = { 0 };

		buf_printf(&term, "%s: %s", field->name, field_type_name(field->type));
		page_item(page, buf_cstr(&term), NULL, field->doc);
		buf_free(&term);
	}
}

/* The detector's number in its ruleset. */
static uint32_t index_of(const struct ruleset *ruleset, const struct detector_info *info)
{
	struct detector_info other;
	uint32_t i = 0;

	while (ruleset_detector(ruleset, i, &other), strcmp(other.id, info->id) != 0)
		i++;
	return i;
}

static void add_line(void *ctx, const char *text)
{
	buf_printf(ctx, "- %s\n", text);
}

static void add_verdict(struct buf *text, const struct detector_info *info)
{
	if (info->threat)
		buf_printf(text, "reports a threat of %s severity",
			   severity_names[info->threat->severity]);
	else
		buf_printf(text, "makes %s", info->produces->name);
}

/* "It reads msgget and shmget, and reports a medium threat for an event in which all of this..." */
static void write_words(struct page *page, const struct ruleset *ruleset,
			const struct detector_info *info)
{
	struct buf lines = { 0 }, text = { 0 };
	const char *link = info->has_memory ? "of" : "for";

	ruleset_words(ruleset, index_of(ruleset, info), add_line, &lines);
	buf_lit(&text, "It reads ");
	for (uint32_t i = 0; i < info->input_count; i++)
		buf_printf(&text, "%s%s",
			   !i			       ? ""
			   : i + 1 < info->input_count ? ", "
						       : " and ",
			   info->inputs[i]->name);
	buf_lit(&text, ", and ");
	if (info->has_memory)
		buf_lit(&text, "takes note");
	else
		add_verdict(&text, info);
	if (!lines.len)
		buf_printf(&text, " %s every one of them.", link);
	else
		buf_printf(&text, " %s an event %s:\n\n", link,
			   strchr(buf_cstr(&lines), '\n') + 1 == lines.data + lines.len
				   ? "in which"
				   : "in which all of this holds");
	buf_add(&text, lines.data, lines.len);
	page_text(page, buf_cstr(&text));
	if (info->has_memory) {
		buf_clear(&text);
		buf_lit(&text, "\nIt ");
		add_verdict(&text, info);
		buf_lit(&text, " when what it remembers of them says so, see below.");
		page_text(page, buf_cstr(&text));
	}
	buf_free(&lines);
	buf_free(&text);
}

static void write_cost(struct page *page, const struct ruleset *ruleset,
		       const struct detector_info *info)
{
	struct buf text = { 0 };
	struct detect_cost cost;

	page_heading(page, "What it costs");
	for (uint32_t i = 0; i < info->input_count; i++) {
		if (!ruleset_cost(ruleset, index_of(ruleset, info), i, &cost))
			continue;
		buf_clear(&text);
		if (cost.by.len)
			buf_printf(
				&text,
				"about %.0f ns an event, and %u ns more for those that `%.*s` picks out",
				cost.event < 1 ? 1.0 : cost.event, cost.found,
				(int)MIN(cost.by.len, 120u), cost.by.data);
		else
			buf_printf(&text, "about %u ns an event: it is tried on every one",
				   cost.found);
		page_pair(page, info->inputs[i]->name, 20, buf_cstr(&text));
	}
	if (info->has_memory)
		page_text(page, "Besides, what it remembers, within its `limits`.");
	buf_free(&text);
}

static void write_looks_for(struct page *page, const struct ruleset *ruleset,
			    const struct detector_info *info)
{
	struct buf text = { 0 };

	if (info->threat && info->threat->description.len)
		buf_str(&text, info->threat->description);
	else if (info->produces->description)
		buf_printf(&text, "%s", info->produces->description);
	page_heading(page, "What it looks for");
	if (text.len) {
		buf_lit(&text, "\n\n");
		page_text(page, buf_cstr(&text));
	}
	buf_free(&text);
	write_words(page, ruleset, info);
}

/* Related: one reads what the other produces, or they read a common event. */
static bool is_related(const struct detector_info *a, const struct detector_info *b)
{
	if (!strcmp(a->id, b->id))
		return false;
	for (uint32_t i = 0; i < a->input_count; i++) {
		if (a->inputs[i] == b->produces)
			return true;
		for (uint32_t j = 0; j < b->input_count; j++)
			if (a->inputs[i] == b->inputs[j] || b->inputs[j] == a->produces)
				return true;
	}
	return false;
}

/* The next detector from *index on that is related to info; false: no more. */
static bool next_related(const struct ruleset *ruleset, const struct detector_info *info,
			 uint32_t *index, struct detector_info *out)
{
	while (*index < ruleset_detector_count(ruleset)) {
		ruleset_detector(ruleset, (*index)++, out);
		if (is_related(info, out))
			return true;
	}
	return false;
}

static void write_related(struct page *page, const struct ruleset *ruleset,
			  const struct detector_info *info)
{
	struct detector_info other;

	for (uint32_t index = 0, found = 0; next_related(ruleset, info, &index, &other); found++) {
		if (!found)
			page_heading(page, "Related detectors");
		page_pair(page, other.produces->name, 28, other.produces->intro);
	}
}

void detector_page_write(struct page *page, const struct ruleset *ruleset,
			 const struct detector_info *info)
{
	page_title(page, info->produces->name, info->produces->intro);
	buf_char(page->out, '\n');
	write_facts(page, info);
	write_looks_for(page, ruleset, info);
	write_threat(page, info->threat);
	write_events(page, info);
	write_codes(page, "Scope filters", NULL, info->scope_filters, info->scope_filter_count);
	write_codes(page, "Data filters", NULL, info->data_filters, info->data_filter_count);
	write_codes(page, "Conditions", info->condition_count > 1 ? "All must hold:\n\n" : NULL,
		    info->conditions, info->condition_count);
	write_codes(page, "What it remembers", "See \"Memory\" in rules/README.md:\n\n",
		    info->memory_lines, info->memory_line_count);
	write_fields(page, info->produces);
	write_cost(page, ruleset, info);
	write_related(page, ruleset, info);
}

/* ---- for a program ----------------------------------------------------------------- */

static json_t *str_json(struct str text)
{
	json_t *string = text.data ? json_stringn(text.data, text.len) : NULL;

	return string ? string : json_null();
}

static json_t *strs_json(const struct str *texts, uint32_t count)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < count; i++)
		json_array_append_new(list, str_json(texts[i]));
	return list;
}

static json_t *threat_json(const struct threat *threat)
{
	if (!threat)
		return json_null();
	json_t *properties = json_object();

	for (uint32_t i = 0; i < threat->property_count; i++)
		json_object_setn_new(properties, threat->properties[i].key.data,
				     threat->properties[i].key.len,
				     str_json(threat->properties[i].value));
	return json_pack("{so so ss so so so so}", "name", str_json(threat->name), "description",
			 str_json(threat->description), "severity",
			 severity_names[threat->severity], "tactic", str_json(threat->tactic),
			 "technique_id", str_json(threat->technique_id), "technique_name",
			 str_json(threat->technique_name), "properties", properties);
}

static json_t *inputs_json(const struct detector_info *info)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < info->input_count; i++)
		json_array_append_new(list, json_string(info->inputs[i]->name));
	return list;
}

static json_t *fields_json(const struct event_def *def)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < def->field_count; i++)
		json_array_append_new(list, json_pack("{ss ss ss?}", "name", def->fields[i].name,
						      "type", field_type_name(def->fields[i].type),
						      "description", def->fields[i].doc));
	return list;
}

json_t *detector_summary_json(const struct detector_info *info)
{
	return json_pack("{ss ss ss ss ss so so so ss?}", "kind", "detector", "name",
			 info->produces->name, "id", info->id, "works", detector_origin(info),
			 "version", info->produces->version, "sets",
			 words_json(info->produces->sets), "events", inputs_json(info), "threat",
			 threat_json(info->threat), "path", info->path);
}

static json_t *related_json(const struct ruleset *ruleset, const struct detector_info *info)
{
	struct detector_info other;
	json_t *list = json_array();

	for (uint32_t index = 0; next_related(ruleset, info, &index, &other);)
		json_array_append_new(list, json_string(other.produces->name));
	return list;
}

static void add_word(void *ctx, const char *text)
{
	json_array_append_new(ctx, json_string(text));
}

static json_t *words_of(const struct ruleset *ruleset, const struct detector_info *info)
{
	json_t *list = json_array();

	ruleset_words(ruleset, index_of(ruleset, info), add_word, list);
	return list;
}

static json_t *costs_json(const struct ruleset *ruleset, const struct detector_info *info)
{
	json_t *list = json_array();
	struct detect_cost cost;

	for (uint32_t i = 0; i < info->input_count; i++)
		if (ruleset_cost(ruleset, index_of(ruleset, info), i, &cost))
			json_array_append_new(
				list, json_pack("{ss sf si so}", "event", info->inputs[i]->name,
						"event_ns", cost.event, "found_ns", (int)cost.found,
						"found_by", str_json(cost.by)));
	return list;
}

json_t *detector_page_json(const struct ruleset *ruleset, const struct detector_info *info)
{
	json_t *page = detector_summary_json(info);

	if (!page)
		return NULL;
	json_object_set_new(page, "scope_filters",
			    strs_json(info->scope_filters, info->scope_filter_count));
	json_object_set_new(page, "data_filters",
			    strs_json(info->data_filters, info->data_filter_count));
	json_object_set_new(page, "conditions", strs_json(info->conditions, info->condition_count));
	json_object_set_new(page, "words", words_of(ruleset, info));
	json_object_set_new(page, "cost", costs_json(ruleset, info));
	json_object_set_new(page, "memory", strs_json(info->memory_lines, info->memory_line_count));
	json_object_set_new(page, "fields", fields_json(info->produces));
	json_object_set_new(page, "related", related_json(ruleset, info));
	return page;
}
