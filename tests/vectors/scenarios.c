/* SPDX-License-Identifier: Apache-2.0 */
/*
 * End-to-end cases: detectors and policies in, events through, emitted events out, in Tracee's
 * literal mode. Rows whose events are not in our table yet are skipped.
 */
#include <sys/stat.h>

#include "detect/detect.h"
#include "kinds.h"
#include "policy/policy.h"

enum { EMITTED_MAX = 256 };

struct scenario {
	struct row *row;
	struct policies *policies;
	struct {
		struct event event;
		uint32_t input;
	} emitted[EMITTED_MAX];
	uint32_t count, input;
};

static bool write_files(struct row *row, const json_t *files, const char *folder)
{
	const char *name;
	json_t *text;

	json_object_foreach((json_t *)files, name, text)
	{
		char path[1024];
		FILE *file;

		snprintf(path, sizeof(path), "%s/%s", folder, name);
		file = fopen(path, "we");
		if (!file) {
			row_failed(row, "cannot write %s", path);
			return false;
		}
		fwrite(json_string_value(text), 1, json_string_length(text), file);
		fclose(file);
	}
	return true;
}

static void remove_files(const json_t *files, const char *folder)
{
	const char *name;
	json_t *text;

	json_object_foreach((json_t *)files, name, text)
	{
		char path[1024];

		snprintf(path, sizeof(path), "%s/%s", folder, name);
		unlink(path);
	}
	rmdir(folder);
}

static void emit(struct scenario *s, const struct event *event)
{
	const struct str *names;
	uint32_t count = policies_match(s->policies, event, NULL, &s->row->arena, &names);

	if (!count || s->count == EMITTED_MAX)
		return;
	s->emitted[s->count].event = *event;
	s->emitted[s->count].event.policies = names;
	s->emitted[s->count].event.policy_count = count;
	s->emitted[s->count++].input = s->input;
}

static void take_detection(void *ctx, const struct event *produced)
{
	emit(ctx, produced);
}

/* An emitted event of ours for a wanted one: same input, same name; taken once. */
static struct event *claim(struct scenario *s, const json_t *want, bool taken[EMITTED_MAX])
{
	uint32_t input = (uint32_t)json_integer_value(json_object_get(want, "input"));
	const char *name = text_of(json_object_get(want, "event"), "name");

	for (uint32_t i = 0; i < s->count; i++)
		if (!taken[i] && s->emitted[i].input == input &&
		    strcmp(s->emitted[i].event.def->name, name) == 0) {
			taken[i] = true;
			return &s->emitted[i].event;
		}
	return NULL;
}

static bool values_match(struct value value, const json_t *entry)
{
	const char *key;
	json_t *json;

	json_object_foreach((json_t *)entry, key, json)
	{
		const char *text = json_string_value(json);

		if (strcmp(key, "name") == 0)
			continue;
		switch (value.tag) {
		case VALUE_STRING:
			return text &&
			       (strcmp(text, "*") == 0 ||
				str_equal(str_of_json(json), (struct str){ value.str, value.len }));
		case VALUE_BOOL: return json_is_boolean(json) && json_is_true(json) == value.b;
		case VALUE_INT:
			return value.i ==
			       (text ? strtoll(text, NULL, 10) : json_integer_value(json));
		case VALUE_UINT:
			return value.u == (text ? strtoull(text, NULL, 10)
						: (uint64_t)json_integer_value(json));
		default: return true; /* bytes: by presence */
		}
	}
	return value.tag == VALUE_NULL;
}

static bool data_matches(struct scenario *s, const struct event *event, const json_t *want)
{
	const json_t *data = json_object_get(want, "data");
	uint32_t present = 0;

	for (uint32_t i = 0; i < event->def->field_count; i++)
		present += event_field_value(event, i, &s->row->arena).tag != VALUE_NULL;
	if (present != json_array_size(data)) {
		row_failed(s->row, "%s has %u data fields, expected %zu", event->def->name, present,
			   json_array_size(data));
		return false;
	}
	for (size_t i = 0; i < json_array_size(data); i++) {
		const json_t *entry = json_array_get(data, i);
		int index = event_field_index(event->def, str_of(text_of(entry, "name")));

		if (index < 0 ||
		    !values_match(event_field_value(event, (unsigned)index, &s->row->arena),
				  entry)) {
			row_failed(s->row, "%s: field %s differs", event->def->name,
				   text_of(entry, "name"));
			return false;
		}
	}
	return true;
}

static bool policies_equal(struct scenario *s, const struct event *event, const json_t *want)
{
	const json_t *names = json_object_get(json_object_get(want, "policies"), "matched");

	if (json_array_size(names) != event->policy_count) {
		row_failed(s->row, "%s matched %u policies, expected %zu", event->def->name,
			   event->policy_count, json_array_size(names));
		return false;
	}
	for (size_t i = 0; i < json_array_size(names); i++) {
		bool found = false;

		for (uint32_t k = 0; k < event->policy_count; k++)
			found |= str_equal(event->policies[k],
					   str_of_json(json_array_get(names, i)));
		if (!found) {
			row_failed(s->row, "%s did not match policy %s", event->def->name,
				   json_string_value(json_array_get(names, i)));
			return false;
		}
	}
	return true;
}

static bool sources_match(struct scenario *s, const struct event *event, const json_t *want)
{
	const json_t *from = json_object_get(want, "detected_from");

	for (; from && event; from = json_object_get(from, "parent")) {
		event = event->print_detected_from ? event->detected_from : NULL;
		if (!event || strcmp(event->def->name, text_of(from, "name")) != 0) {
			row_failed(s->row, "detected_from differs at %s", text_of(from, "name"));
			return false;
		}
	}
	if (event && event->print_detected_from && !from) {
		row_failed(s->row, "%s has a detected_from too many", event->def->name);
		return false;
	}
	return true;
}

static bool threat_matches(struct scenario *s, const struct event *event, const json_t *want)
{
	const json_t *threat = json_object_get(want, "threat");
	const struct threat *is = event->threat;
	static const char *const severities[] = { "INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL" };
	const json_t *severity = json_object_get(threat, "severity");

	if (!threat != !is) {
		row_failed(s->row, "%s: threat is %s", event->def->name, is ? "there" : "missing");
		return false;
	}
	if (!threat)
		return true;
	if ((json_is_string(severity) &&
	     strcmp(json_string_value(severity), severities[is->severity]) != 0) ||
	    (json_is_integer(severity) &&
	     json_integer_value(severity) != (json_int_t)is->severity)) {
		row_failed(s->row, "%s: severity differs", event->def->name);
		return false;
	}
	return true;
}

static enum outcome compare(struct scenario *s)
{
	const json_t *want = json_object_get(json_object_get(s->row->json, "expect"), "emitted");
	bool taken[EMITTED_MAX] = { 0 };

	for (size_t i = 0; i < json_array_size(want); i++) {
		const json_t *each = json_array_get(want, i),
			     *event = json_object_get(each, "event");
		struct event *found = claim(s, each, taken);

		if (!found)
			return row_failed(s->row, "%s was not emitted for input %lld",
					  text_of(event, "name"),
					  json_integer_value(json_object_get(each, "input")));
		if (!data_matches(s, found, event) || !policies_equal(s, found, event) ||
		    !threat_matches(s, found, event) || !sources_match(s, found, event))
			return FAILED;
	}
	for (uint32_t i = 0; i < s->count; i++)
		if (!taken[i])
			return row_failed(s->row, "%s was emitted for input %u too many",
					  s->emitted[i].event.def->name, s->emitted[i].input);
	return PASSED;
}

/* The error of the first problem that is one. */
static const char *first_error(const struct err_list *problems)
{
	for (uint32_t i = 0; i < problems->count; i++)
		if (problems->items[i].level == ERR_ERROR)
			return problems->items[i].message;
	return NULL;
}

static bool feed(struct scenario *s, struct ruleset *ruleset)
{
	const json_t *inputs = json_object_get(s->row->json, "input");

	for (size_t i = 0; i < json_array_size(inputs); i++) {
		const json_t *json = json_array_get(inputs, i);
		const struct event_def *def = event_by_name(str_of(text_of(json, "name")));
		struct event *event = def ? event_of_json(s->row, json, def) : NULL;

		if (!event)
			return false;
		s->input = (uint32_t)i;
		emit(s, event);
		ruleset_run(ruleset, event, NULL, &s->row->arena, take_detection, s);
	}
	return true;
}

/* Where our default is the documented intent on purpose; rules/README.md has the table. */
static const struct {
	const char *id, *why;
} differences[] = {
	{ "chain-optional-dep", "an optional input runs whoever selected it" },
	{ "optional-only-not-selected", "an optional input runs whoever selected it" },
	{ "enrich-missing", "container data is always collected" },
	{ "filter-on-detector-field-undeclared", "output fields can be filtered, declared or not" },
	{ "pol-base-filter-suppresses", "a filter on an event does not reach its detections" },
	{ "pol-filter-on-detector-ignored", "filters on detections are applied" },
	{ "pol-uid-ge-boundary", "a bound at >= is kept" },
	{ "sel-default", "without a selection alerts alone are shown" },
};

static const char *difference(const char *id)
{
	for (size_t i = 0; i < ARRAY_SIZE(differences); i++)
		if (strcmp(differences[i].id, id) == 0)
			return differences[i].why;
	return NULL;
}

/* A field that the input has and its event has not: the test's own invention. */
static const char *foreign_field(const struct row *row)
{
	const json_t *inputs = json_object_get(row->json, "input");

	for (size_t i = 0; i < json_array_size(inputs); i++) {
		const json_t *input = json_array_get(inputs, i),
			     *data = json_object_get(input, "data");
		const struct event_def *def = event_by_name(str_of(text_of(input, "name")));

		for (size_t k = 0; def && k < json_array_size(data); k++) {
			const char *name = text_of(json_array_get(data, k), "name");

			if (event_field_index(def, str_of(name)) < 0)
				return name;
		}
	}
	return NULL;
}

/* Events that the row speaks of and we do not know yet; NULL: all known. */
static const char *unknown_input(const struct row *row)
{
	const json_t *inputs = json_object_get(row->json, "input");

	for (size_t i = 0; i < json_array_size(inputs); i++) {
		const char *name = text_of(json_array_get(inputs, i), "name");

		if (!event_by_name(str_of(name)))
			return name;
	}
	return NULL;
}

static enum outcome run_loaded(struct row *row, struct ruleset *ruleset, struct policies *policies,
			       const struct err_list *problems)
{
	const json_t *want = json_object_get(row->json, "expect");
	const json_t *registered = json_object_get(want, "registered");
	struct scenario *s = arena_zalloc(&row->arena, sizeof(*s));
	const char *error = first_error(problems);

	*s = (struct scenario){ .row = row, .policies = policies };
	if (json_object_get(want, "create_events_err"))
		return error ? PASSED
			     : row_failed(row, "no error, expected: %s",
					  text_of(want, "create_events_err"));
	if (json_is_array(registered) &&
	    json_array_size(registered) != ruleset_detector_count(ruleset))
		return row_failed(row, "%u detectors loaded, expected %zu%s%s",
				  ruleset_detector_count(ruleset), json_array_size(registered),
				  error ? ": " : "", error ? error : "");
	if (!feed(s, ruleset))
		return row->problem[0] ? SKIPPED : row_skipped(row, "an input event is unknown");
	return compare(s);
}

enum outcome run_scenario(struct row *row)
{
	struct ruleset_options options = { .compat_tracee = true };
	struct policies_options policy_options = { .compat_tracee = true };
	const json_t *files = json_object_get(row->json, "detectors");
	const json_t *policy_files = json_object_get(row->json, "policies");
	const json_t *flags = json_object_get(row->json, "event_flags");
	char folder[] = "/tmp/tracee-vectors.XXXXXX",
	     policy_folder[] = "/tmp/tracee-vectors.XXXXXX";
	const char *const paths[] = { folder, NULL }, *const policy_paths[] = { policy_folder,
										NULL };
	const char *expressions[64] = { NULL };
	struct err_list problems = { 0 };
	struct ruleset *ruleset;
	struct policies *policies;
	enum outcome outcome;

	if (json_is_true(json_object_get(row->json, "builtin")))
		return row_skipped(row, "Tracee's own detectors are not among ours yet");
	if (json_object_size(json_object_get(row->json, "registry")))
		return row_skipped(row, "a data store's content cannot be given to ours");
	if (unknown_input(row))
		return row_skipped(row, "event %s is not in the table yet", unknown_input(row));
	if (foreign_field(row))
		return row_skipped(row, "field %s is not in its event", foreign_field(row));
	if (difference(text_of(row->json, "id")))
		return row_skipped(row, "differs on purpose: %s",
				   difference(text_of(row->json, "id")));
	if (strstr(text_of(json_object_get(row->json, "expect"), "create_events_err"), "openat"))
		return row_skipped(row, "event openat is not in the table yet");
	for (size_t i = 0; i < MIN(json_array_size(flags), ARRAY_SIZE(expressions) - 1); i++)
		expressions[i] = json_string_value(json_array_get(flags, i));
	if (!mkdtemp(folder) || !mkdtemp(policy_folder) || !write_files(row, files, folder) ||
	    !write_files(row, policy_files, policy_folder))
		return row_failed(row, "cannot write the files");
	ruleset = ruleset_load(paths, &options, &problems);
	policies = policies_load(json_object_size(policy_files) ? policy_paths : NULL, expressions,
				 &policy_options, ruleset, &problems);
	outcome = run_loaded(row, ruleset, policies, &problems);
	policies_free(policies);
	ruleset_free(ruleset);
	err_list_free(&problems);
	remove_files(files, folder);
	remove_files(policy_files, policy_folder);
	return outcome;
}
