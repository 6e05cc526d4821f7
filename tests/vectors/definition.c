/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detectors that Tracee's tests define in Go, as files of ours: JSON, which is YAML. Kinds register
 * (requirements -> registered or an error) and autopopulate (what is copied into a detection).
 */
#include "base/buf.h"
#include "detect/ruleset.h"
#include "kinds.h"
#include "store.h"

enum { FILES_MAX = 8, MADE_MAX = 16 };

struct definitions {
	struct builtin_file files[FILES_MAX];
	size_t count;
};

/* Takes over `detector`. */
static void add_definition(struct row *row, struct definitions *all, json_t *detector)
{
	char *text = json_dumps(detector, 0);
	struct str kept = arena_str(&row->arena, text, (uint32_t)strlen(text));

	all->files[all->count] = (struct builtin_file){ all->count ? "producer.yaml"
								   : "detector.yaml",
							kept.data, kept.len };
	all->count++;
	free(text);
	json_decref(detector);
}

static json_t *new_detector(const char *id, const char *event, const char *input)
{
	return json_pack("{ss ss s{ss ss} s{s[{ss}]}}", "type", "detector", "id", id,
			 "produced_event", "name", event, "version", "1.0.0", "requirements",
			 "events", "name", input);
}

/* ---- register --------------------------------------------------------------------------- */

/* {"major": "1", "minor": ..., "patch": ...}, with what is 0 left out. */
static json_t *version_of(const json_t *json)
{
	const char *parts[] = { text_of(json, "major"), text_of(json, "minor"),
				text_of(json, "patch") };

	if (!json_is_object(json))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		parts[i] = parts[i][0] ? parts[i] : "0";
	return json_sprintf("%s.%s.%s", parts[0], parts[1], parts[2]);
}

static void set_some(json_t *object, const char *key, json_t *value)
{
	if (value && !json_is_null(value) && !(json_is_string(value) && !json_string_length(value)))
		json_object_set(object, key, value);
}

static const char *dependency_of(const json_t *json)
{
	return json_integer_value(json_object_get(json, "Dependency")) ? "optional" : "required";
}

static json_t *input_of(const json_t *from)
{
	json_t *input = json_pack("{ss ss}", "name", text_of(from, "Name"), "dependency",
				  dependency_of(from));

	set_some(input, "data_filters", json_object_get(from, "DataFilters"));
	set_some(input, "scope_filters", json_object_get(from, "ScopeFilters"));
	json_object_set_new(input, "min_version", version_of(json_object_get(from, "MinVersion")));
	json_object_set_new(input, "max_version", version_of(json_object_get(from, "MaxVersion")));
	return input;
}

static json_t *enrichment_of(const json_t *from)
{
	json_t *enrichment = json_pack("{ss ss}", "name", text_of(from, "Name"), "dependency",
				       dependency_of(from));

	set_some(enrichment, "config", json_object_get(from, "Config"));
	return enrichment;
}

static json_t *requirements_of(const json_t *from)
{
	json_t *out = json_pack("{s[] s[]}", "events", "enrichments");
	const json_t *events = json_object_get(from, "Events"),
		     *enrichments = json_object_get(from, "Enrichments");

	for (size_t i = 0; i < json_array_size(events); i++)
		json_array_append_new(json_object_get(out, "events"),
				      input_of(json_array_get(events, i)));
	for (size_t i = 0; i < json_array_size(enrichments); i++)
		json_array_append_new(json_object_get(out, "enrichments"),
				      enrichment_of(json_array_get(enrichments, i)));
	set_some(out, "architectures", json_object_get(from, "Architectures"));
	json_object_set_new(out, "min_tracee_version",
			    version_of(json_object_get(from, "MinTraceeVersion")));
	json_object_set_new(out, "max_tracee_version",
			    version_of(json_object_get(from, "MaxTraceeVersion")));
	return out;
}

static json_t *definition_of(const json_t *row)
{
	const json_t *produced = json_object_get(row, "produced_event");
	json_t *version = version_of(json_object_get(produced, "version"));
	json_t *event = json_pack("{ss so}", "name", text_of(produced, "name"), "version",
				  version ? version : json_string("1.0.0"));

	set_some(event, "tags", json_object_get(produced, "tags"));
	return json_pack("{ss sO so so}", "type", "detector", "id",
			 json_object_get(row, "detector_id"), "produced_event", event,
			 "requirements", requirements_of(json_object_get(row, "requirements")));
}

/* Those of the same test that were registered before it. */
static void add_producers(struct row *row, struct definitions *all)
{
	const json_t *events = json_object_get(json_object_get(row->json, "requirements"),
					       "Events");

	if (!json_is_true(json_object_get(json_object_get(row->json, "expect"), "registered")))
		return;
	for (size_t i = 0; i < json_array_size(events) && all->count < FILES_MAX; i++) {
		const char *name = text_of(json_array_get(events, i), "Name");
		char id[32];

		snprintf(id, sizeof(id), "producer %zu", i);
		if (!event_by_name(str_of(name)))
			add_definition(row, all, new_detector(id, name, "execve"));
	}
}

static bool has_detector(const struct ruleset *ruleset, const char *id)
{
	for (uint32_t i = 0; i < ruleset->detector_count; i++)
		if (str_equal(ruleset->detectors[i]->id, str_of(id)))
			return true;
	return false;
}

static enum outcome compare_registered(struct row *row, const struct ruleset *ruleset,
				       const struct err_list *problems)
{
	const json_t *want = json_object_get(row->json, "expect");
	bool wanted = json_is_true(json_object_get(want, "registered"));
	bool is = has_detector(ruleset, text_of(row->json, "detector_id"));

	if (is != wanted)
		return row_failed(row, "%s, expected %s",
				  problems->count ? problems->items[0].message
				  : is		  ? "loaded"
						  : "left out",
				  wanted ? "that it loads" : text_of(want, "err"));
	if (json_is_string(json_object_get(want, "err")) && !problems->errors)
		return row_failed(row, "no error, expected: %s", text_of(want, "err"));
	return PASSED;
}

enum outcome run_register(struct row *row)
{
	const json_t *given = json_object_get(row->json, "enrichment_options");
	const char *hash = text_of(given, "exec_hash");
	struct ruleset_options options = {
		.compat_tracee = true,
		.environment = json_is_true(json_object_get(given, "environment")),
		.no_container = given && json_is_false(json_object_get(given, "container")),
		.executable_hash = hash[0] && strcmp(hash, "none") != 0 ? hash : NULL,
	};
	struct err_list problems = { 0 };
	struct definitions all = { 0 };
	struct ruleset *ruleset;
	enum outcome outcome;

	if (json_array_size(
		    json_object_get(json_object_get(row->json, "requirements"), "DataStores")))
		return row_skipped(row, "detectors in YAML cannot require data stores");
	add_definition(row, &all, definition_of(row->json));
	add_producers(row, &all);
	ruleset = ruleset_load_texts(all.files, all.count, &options, &problems);
	outcome = ruleset ? compare_registered(row, ruleset, &problems)
			  : row_failed(row, "out of memory");
	ruleset_free(ruleset);
	err_list_free(&problems);
	return outcome;
}

/* ---- autopopulate ------------------------------------------------------------------------- */

struct made {
	const struct event *events[MADE_MAX];
	uint32_t count;
};

static void keep(void *ctx, const struct event *produced)
{
	struct made *made = ctx;

	if (made->count < MADE_MAX)
		made->events[made->count++] = produced;
}

/* The literal that gives an entry of data: texts and whole numbers are all there is. */
static json_t *literal_of(const json_t *entry)
{
	const json_t *text = json_object_get(entry, "str");
	json_t *literal;
	char *quoted;

	if (!text)
		return json_sprintf("%lld", json_integer_value(json_object_get(entry, "int32")));
	quoted = json_dumps(text, JSON_ENCODE_ANY);
	literal = json_string(quoted);
	free(quoted);
	return literal;
}

static json_t *outputs_of(const json_t *data)
{
	json_t *fields = json_array();

	for (size_t i = 0; i < json_array_size(data); i++)
		json_array_append_new(fields,
				      json_pack("{ss so}", "name",
						text_of(json_array_get(data, i), "name"),
						"expression", literal_of(json_array_get(data, i))));
	return json_pack("{so}", "fields", fields);
}

static json_t *lower(const json_t *text)
{
	char word[32];
	size_t i = 0;

	for (const char *at = json_string_value(text); at && *at && i < sizeof(word) - 1; at++)
		word[i++] = (char)(*at >= 'A' && *at <= 'Z' ? *at + 32 : *at);
	word[i] = 0;
	return json_string(i ? word : "info");
}

/* With the description that files must have; expected then as well. */
static json_t *threat_of(const json_t *from, json_t *expected)
{
	json_t *threat = json_deep_copy(from);

	json_object_set_new(threat, "severity", lower(json_object_get(from, "severity")));
	json_object_set_new(threat, "description", json_string("x"));
	if (expected)
		json_object_set_new(expected, "description", json_string("x"));
	return threat;
}

static json_t *populate_of(const json_t *from)
{
	return json_pack("{sO sO sO}", "threat", json_object_get(from, "Threat"), "detected_from",
			 json_object_get(from, "DetectedFrom"), "process_ancestry",
			 json_object_get(from, "ProcessAncestry"));
}

static json_t *populating_detector(struct row *row)
{
	json_t *output = json_object_get(json_object_get(row->json, "expect"), "output");
	const json_t *threat = json_object_get(row->json, "definition_threat");
	json_t *detector = new_detector("tested", text_of(output, "name"),
					text_of(json_object_get(row->json, "input"), "name"));

	json_object_set_new(detector, "auto_populate",
			    populate_of(json_object_get(row->json, "auto_populate")));
	json_object_set_new(detector, "output", outputs_of(json_object_get(output, "data")));
	if (json_is_object(threat))
		json_object_set_new(detector, "threat",
				    threat_of(threat, json_object_get(output, "threat")));
	return detector;
}

/* An input that is a detection itself has a detector, and so on down to a plain event. */
static void add_sources(struct row *row, struct definitions *all, const json_t *input)
{
	const json_t *from = json_object_get(input, "detected_from");

	for (; from && all->count < FILES_MAX;
	     input = from, from = json_object_get(from, "parent")) {
		char id[32];
		json_t *detector;

		snprintf(id, sizeof(id), "source %zu", all->count);
		detector = new_detector(id, text_of(input, "name"), text_of(from, "name"));
		json_object_set_new(detector, "output", outputs_of(json_object_get(input, "data")));
		add_definition(row, all, detector);
	}
}

static struct event *source_event(struct row *row, const struct ruleset *ruleset,
				  const json_t *json, const char *from_key)
{
	const struct event_def *def = ruleset_event(ruleset, str_of(text_of(json, "name")));
	if (def)
		def = with_foreign_fields(row, def, json_object_get(json, "data"));
	struct event *event = def ? event_of_json(row, json, def) : NULL;
	const json_t *from = json_object_get(json, from_key);

	if (event && from) {
		event->detected_from = source_event(row, ruleset, from, "parent");
		event->print_detected_from = event->detected_from != NULL;
	}
	return event;
}

static enum outcome compare_output(struct row *row, const struct made *made,
				   const struct stores *stores)
{
	const json_t *want = json_object_get(json_object_get(row->json, "expect"), "output");

	for (uint32_t i = 0; i < made->count; i++)
		if (strcmp(made->events[i]->def->name, text_of(want, "name")) == 0)
			return event_equals(row, made->events[i], want, stores) ? PASSED : FAILED;
	return row_failed(row, "%s was not made", text_of(want, "name"));
}

static enum outcome run_populating(struct row *row, struct ruleset *ruleset, struct stores *stores)
{
	struct event *event = source_event(row, ruleset, json_object_get(row->json, "input"),
					   "detected_from");
	struct made made = { 0 };

	if (!event)
		return row->problem[0] ? SKIPPED : row_skipped(row, "an input event is unknown");
	show_foreign_fields(row, ruleset, event->def);
	ruleset_run(ruleset, event, stores, &row->arena, keep, &made);
	return compare_output(row, &made, stores);
}

static bool overrides(const json_t *row)
{
	const json_t *override = json_object_get(row, "override");
	const char *key;
	json_t *value;

	json_object_foreach((json_t *) override, key, value) if (!json_is_null(value)) return true;
	return false;
}

enum outcome run_autopopulate(struct row *row)
{
	const json_t *output = json_object_get(json_object_get(row->json, "expect"), "output");
	struct err_list problems = { 0 };
	struct definitions all = { 0 };
	struct ruleset *ruleset;
	struct stores *stores;
	enum outcome outcome;

	if (overrides(row->json))
		return row_skipped(row, "a detector in YAML cannot overrule itself per event");
	stores = stores_of_ancestors(
		(json_t *)row->json,
		json_object_get(json_object_get(output, "workload"), "process"));
	add_definition(row, &all, populating_detector(row));
	add_sources(row, &all, json_object_get(row->json, "input"));
	ruleset = ruleset_load_texts(all.files, all.count, NULL, &problems);
	outcome = !ruleset || !stores ? row_failed(row, "out of memory")
		  : problems.errors   ? row_failed(row, "%s", problems.items[0].message)
				      : run_populating(row, ruleset, stores);
	ruleset_free(ruleset);
	stores_free(stores);
	err_list_free(&problems);
	return outcome;
}
