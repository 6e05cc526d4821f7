/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind builtin: Tracee's built-in detectors as ours. Its rows are of three shapes: a definition; an
 * event handed to one of them, and what came out (Tracee's tests call them without their filters,
 * so ours are run without them too); the same with a detector given as YAML.
 */
#include "detect/ruleset.h"
#include "kinds.h"
#include "store.h"

enum { OUTPUTS_MAX = 16 };

struct outputs {
	const struct event_def *only;
	const struct event *events[OUTPUTS_MAX];
	uint32_t count;
};

static void keep(void *ctx, const struct event *produced)
{
	struct outputs *outputs = ctx;

	if (produced->def == outputs->only && outputs->count < OUTPUTS_MAX)
		outputs->events[outputs->count++] = produced;
}

static enum outcome compare(struct row *row, const struct outputs *is, const char *count_key)
{
	const json_t *want = json_object_get(row->json, "expect");
	const json_t *lists = json_object_get(want, "outputs");
	json_int_t count = json_integer_value(json_object_get(want, count_key));

	if (is->count != count)
		return row_failed(row, "%u outputs, expected %lld", is->count, count);
	for (uint32_t i = 0; i < is->count; i++)
		if (!data_equals(row, is->events[i], json_array_get(lists, i)))
			return FAILED;
	return PASSED;
}

/* ---- a detector in YAML ------------------------------------------------------------------- */

static enum outcome run_detector(struct row *row, struct ruleset *ruleset)
{
	const json_t *json = json_object_get(row->json, "event");
	const struct event_def *def = ruleset_event(ruleset, str_of(text_of(json, "name")));
	struct event *event = def ? event_of_json(row, json, def) : NULL;
	struct outputs outputs = { 0 };

	if (!event)
		return row->problem[0] ? SKIPPED : row_skipped(row, "the event is unknown");
	if (ruleset->detector_count != 1)
		return row_failed(row, "the detector was not loaded");
	outputs.only = &ruleset->detectors[0]->def;
	ruleset_run(ruleset, event, NULL, &row->arena, keep, &outputs);
	return compare(row, &outputs, "n");
}

static enum outcome run_on_event(struct row *row)
{
	struct str text = str_of_json(json_object_get(row->json, "detector"));
	const struct builtin_file file = { "detector.yaml", text.data, text.len };
	struct ruleset_options options = { .compat_tracee = true };
	struct err_list problems = { 0 };
	struct ruleset *ruleset = ruleset_load_texts(&file, 1, &options, &problems);
	enum outcome outcome = problems.errors ? row_failed(row, "%s", problems.items[0].message)
			       : ruleset       ? run_detector(row, ruleset)
					       : row_failed(row, "out of memory");

	ruleset_free(ruleset);
	err_list_free(&problems);
	return outcome;
}

/* ---- builtin -------------------------------------------------------------------------------- */

/* One test of Tracee's: rows that follow each other, with a detector that remembers. */
struct test {
	const char *name;
	uint64_t now; /* rows tell no time; detectors with memory want one */
	struct ruleset *ruleset;
	struct stores *stores;
};

static struct detector *find_detector(const struct ruleset *ruleset, const char *id)
{
	for (uint32_t i = 0; i < ruleset->detector_count; i++)
		if (str_equal(ruleset->detectors[i]->id, str_of(id)))
			return ruleset->detectors[i];
	return NULL;
}

static void drop_filters(struct ruleset *ruleset)
{
	ruleset->plain = true;
	for (uint32_t i = 0; i < ruleset->event_limit; i++)
		for (uint32_t k = 0; ruleset->by_event[i] && k < ruleset->by_event[i]->count; k++)
			ruleset->by_event[i]->items[k].filters = NULL;
}

static void test_end(struct test *test)
{
	ruleset_free(test->ruleset);
	stores_free(test->stores);
	*test = (struct test){ 0 };
}

static bool test_start(struct test *test, const char *name)
{
	struct ruleset_options options = { .environment = true };
	struct err_list problems = { 0 };

	if (test->name && strcmp(test->name, name) == 0)
		return true;
	test_end(test);
	test->name = name;
	test->ruleset = ruleset_load_builtin(&options, &problems);
	test->stores = stores_new(64, 64);
	err_list_print(stderr, &problems);
	err_list_free(&problems);
	if (test->ruleset)
		drop_filters(test->ruleset);
	return test->ruleset && test->stores;
}

static const json_t *entry_of(const json_t *entries, const char *name)
{
	for (size_t i = 0; i < json_array_size(entries); i++)
		if (strcmp(text_of(json_array_get(entries, i), "name"), name) == 0)
			return json_array_get(entries, i);
	return NULL;
}

/* DRV-002: the function and owner of one address. */
static void learn_function(struct stores *stores, const json_t *event, const json_t *fields)
{
	const json_t *address = entry_of(json_object_get(event, "data"), "syscall_address");
	const char *function = text_of(entry_of(fields, "function"), "str");

	if (address && function[0])
		stores_add_symbol(stores, strtoull(text_of(address, "u_int64"), NULL, 10),
				  str_of(function),
				  str_of(text_of(entry_of(fields, "owner"), "str")));
}

/* DRV-003: by name of the operation, which is its position in the event. */
static void learn_operations(struct stores *stores, const json_t *event, const json_t *fields)
{
	static const char *const structs[] = { "tcp4", "tcp6", "udp", "udp6", "raw", "raw6" };
	static const char *const operations[] = { "show", "start", "next", "stop" };
	const json_t *hooked = json_object_get(
		json_object_get(entry_of(fields, "hooked_seq_ops_detector"), "hooked_seq_ops"),
		"value");
	const json_t *addresses = json_object_get(
		json_object_get(entry_of(json_object_get(event, "data"), "net_seq_ops"),
				"u_int64_array"),
		"value");

	for (size_t i = 0; hooked && i < json_array_size(addresses) && i < 24; i++) {
		char name[32];
		const json_t *symbol;

		snprintf(name, sizeof(name), "%s_seq_ops_%s", structs[i / 4], operations[i % 4]);
		symbol = json_object_get(hooked, name);
		if (symbol)
			stores_add_symbol(
				stores,
				strtoull(json_string_value(json_array_get(addresses, i)), NULL, 10),
				str_of(text_of(symbol, "symbol_name")),
				str_of(text_of(symbol, "module_owner")));
	}
}

/* The rows do not hold the symbol store; what it knew shows in what came out. */
static void learn_symbols(struct stores *stores, const json_t *event, const json_t *expect)
{
	const json_t *outputs = json_object_get(expect, "outputs");

	for (size_t i = 0; i < json_array_size(outputs); i++) {
		const json_t *fields = json_array_get(outputs, i);

		learn_function(stores, event, fields);
		learn_operations(stores, event, fields);
	}
}

/* Some rows do not name the event: the first that the detector reads. */
static const struct event_def *event_of_row(const json_t *json, const struct detector *detector)
{
	const char *name = text_of(json, "name");

	if (!name[0])
		return detector->input_count ? detector->inputs[0].def : NULL;
	return event_by_name(str_of(name));
}

static enum outcome run_builtin_row(struct row *row, struct test *test)
{
	const json_t *json = json_object_get(row->json, "event");
	const char *id = text_of(row->json, "detector");
	struct detector *detector;
	struct event *event;
	struct outputs outputs = { 0 };
	const struct event_def *def;

	if (!test_start(test, text_of(row->json, "test")))
		return row_failed(row, "out of memory");
	detector = find_detector(test->ruleset, id);
	if (!detector)
		return row_failed(row, "there is no detector %s", id);
	def = event_of_row(json, detector);
	event = def ? event_of_json(row, json, def) : NULL;
	if (!event)
		return row->problem[0] ? SKIPPED : row_skipped(row, "the event is unknown");
	test->now += 1000000000;
	((struct wire_header *)event->wire)->time = test->now;
	learn_symbols(test->stores, json, json_object_get(row->json, "expect"));
	outputs.only = &detector->def;
	ruleset_run(test->ruleset, event, test->stores, &row->arena, keep, &outputs);
	return compare(row, &outputs, "n_outputs");
}

/* ---- definitions --------------------------------------------------------------------------- */

static bool text_is(struct row *row, const char *what, struct str is, const char *want)
{
	if (str_equal(is, str_of(want)))
		return true;
	row_failed(row, "%s is '%.*s', expected '%s'", what, (int)is.len, is.data, want);
	return false;
}

static bool version_is(struct row *row, const struct detector *d)
{
	const json_t *parts = json_object_get(row->json, "version");
	char version[64] = "";

	for (size_t i = 0; i < json_array_size(parts); i++) {
		const json_t *part = json_array_get(parts, i);
		size_t len = strlen(version);

		snprintf(version + len, sizeof(version) - len, "%s%lld", i ? "." : "",
			 json_is_string(part) ? strtoll(json_string_value(part), NULL, 10)
					      : json_integer_value(part));
	}
	return text_is(row, "version", str_of(d->def.version), version);
}

static bool threat_is(struct row *row, const struct detector *d)
{
	static const char *const severities[] = { "INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL" };
	const json_t *technique = json_object_get(row->json, "technique"),
		     *properties = json_object_get(row->json, "properties");
	const struct threat *t = d->threat;

	if (!t || t->property_count != json_object_size(properties))
		return row_failed(row, "it has no threat, or other properties"), false;
	for (uint32_t i = 0; i < t->property_count; i++)
		if (!text_is(row, t->properties[i].key.data, t->properties[i].value,
			     text_of(properties, t->properties[i].key.data)))
			return false;
	return text_is(row, "name", t->name, text_of(row->json, "threat_name")) &&
	       text_is(row, "severity", str_of(severities[t->severity]),
		       text_of(row->json, "severity")) &&
	       text_is(row, "tactic", t->tactic, text_of(row->json, "tactic")) &&
	       text_is(row, "technique", t->technique_id, text_of(technique, "id")) &&
	       text_is(row, "technique", t->technique_name, text_of(technique, "name"));
}

static bool has_text(const struct str *texts, uint32_t count, const char *wanted)
{
	for (uint32_t i = 0; i < count; i++)
		if (str_equal(texts[i], str_of(wanted)))
			return true;
	return false;
}

/* All of Tracee's filters are there; ours may have more. */
static bool filters_are(struct row *row, const struct detector *d, const json_t *event)
{
	const json_t *data = json_object_get(event, "data_filters"),
		     *scope = json_object_get(event, "scope_filters");

	for (size_t i = 0; i < json_array_size(data); i++)
		if (!has_text(d->data_filters, d->data_filter_count,
			      json_string_value(json_array_get(data, i))))
			return row_failed(row, "no data filter %s",
					  json_string_value(json_array_get(data, i))),
			       false;
	for (size_t i = 0; i < json_array_size(scope); i++)
		if (!has_text(d->scope_filters, d->scope_filter_count,
			      json_string_value(json_array_get(scope, i))))
			return row_failed(row, "no scope filter %s",
					  json_string_value(json_array_get(scope, i))),
			       false;
	return true;
}

static bool inputs_are(struct row *row, const struct detector *d)
{
	const json_t *events = json_object_get(row->json, "events");

	if (d->input_count != json_array_size(events))
		return row_failed(row, "it reads %u events, expected %zu", d->input_count,
				  json_array_size(events)),
		       false;
	for (uint32_t i = 0; i < d->input_count; i++)
		if (!text_is(row, "an input", str_of(d->inputs[i].def->name),
			     text_of(json_array_get(events, i), "name")) ||
		    !filters_are(row, d, json_array_get(events, i)))
			return false;
	return true;
}

static const struct difference differences[] = {
	{ "TRC-1013", "what it remembers is remembered by a detector of its own" },
	{ NULL, NULL },
};

static enum outcome run_definition(struct row *row, struct test *test)
{
	const json_t *populate = json_object_get(row->json, "auto_populate");
	const struct detector *d;

	if (!test_start(test, "definitions"))
		return row_failed(row, "out of memory");
	d = find_detector(test->ruleset, text_of(row->json, "id"));
	if (!d)
		return row_failed(row, "there is no such detector");
	if (d->populate_threat != json_is_true(json_object_get(populate, "Threat")) ||
	    d->detected_from != json_is_true(json_object_get(populate, "DetectedFrom")) ||
	    d->ancestry != json_is_true(json_object_get(populate, "ProcessAncestry")))
		return row_failed(row, "auto_populate differs");
	return text_is(row, "event", str_of(d->def.name), text_of(row->json, "event")) &&
			       version_is(row, d) && threat_is(row, d) && inputs_are(row, d)
		       ? PASSED
		       : FAILED;
}

/* ---- all three ------------------------------------------------------------------------------ */

/* State lives from row to row, so this kind is not run row by row. */
static struct test current;

enum outcome run_builtin(struct row *row)
{
	const char *detector = text_of(row->json, "detector");

	if (!detector[0])
		return row_differs(row, difference(differences, text_of(row->json, "id")),
				   run_definition(row, &current));
	return strchr(detector, '\n') ? run_on_event(row) : run_builtin_row(row, &current);
}

void end_builtin(void)
{
	test_end(&current);
}
