/* SPDX-License-Identifier: Apache-2.0 */
/*
 * End-to-end cases: detectors and policies in, events through, emitted events out, in Tracee's
 * literal mode. Rows whose events are not in our table yet are skipped.
 */
#include <sys/stat.h>

#include "detect/detect.h"
#include "kinds.h"
#include "policy/policy.h"
#include "store.h"

enum { EMITTED_MAX = 256 };

struct scenario {
	struct row *row;
	struct policies *policies;
	struct stores *stores; /* NULL: no processes are known */
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
		if (!event_equals(s->row, found, event, s->stores))
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
		struct event *event = NULL;

		if (def)
			def = with_foreign_fields(s->row, def, json_object_get(json, "data"));
		if (def)
			event = event_of_json(s->row, json, def);
		if (!event)
			return false;
		show_foreign_fields(s->row, ruleset, def);
		s->input = (uint32_t)i;
		emit(s, event);
		ruleset_run(ruleset, event, s->stores, &s->row->arena, take_detection, s);
	}
	return true;
}

/* Where our default is the documented intent on purpose; rules/README.md has the table. */
static const struct difference differences[] = {
	{ "builtin-aslr-int32", "the detector works with the type the event has" },
	{ NULL, NULL },
};

/* What Tracee finds when it registers detectors, we find too. */
static enum outcome compare_registered(struct row *row, const struct ruleset *ruleset,
				       const struct err_list *problems)
{
	const json_t *want = json_object_get(row->json, "expect");
	const json_t *registered = json_object_get(want, "registered");
	const json_t *errors = json_object_get(want, "register_errors");
	const char *error = first_error(problems);
	uint32_t count = ruleset_detector_count(ruleset);

	if (json_is_true(json_object_get(row->json, "builtin")))
		return PASSED;
	if (count != json_array_size(registered) &&
	    (json_is_array(registered) || json_array_size(errors)))
		return row_failed(row, "%u detectors loaded, expected %zu%s%s", count,
				  json_array_size(registered), error ? ": " : "",
				  error ? error : "");
	if (json_array_size(errors) && !error)
		return row_failed(row, "no error, expected: %s",
				  json_string_value(json_array_get(errors, 0)));
	return PASSED;
}

static enum outcome run_loaded(struct row *row, struct ruleset *ruleset, struct policies *policies,
			       const struct err_list *problems)
{
	const json_t *want = json_object_get(row->json, "expect");
	struct scenario *s = arena_zalloc(&row->arena, sizeof(*s));
	enum outcome outcome;

	*s = (struct scenario){ .row = row, .policies = policies };
	if (json_object_get(want, "create_events_err"))
		return first_error(problems) ? PASSED
					     : row_failed(row, "no error, expected: %s",
							  text_of(want, "create_events_err"));
	outcome = compare_registered(row, ruleset, problems);
	if (outcome != PASSED)
		return outcome;
	if (json_object_size(json_object_get(row->json, "registry")))
		s->stores = stores_of_registry((json_t *)row->json);
	if (!feed(s, ruleset))
		outcome = row->problem[0] ? SKIPPED : row_skipped(row, "an input event is unknown");
	else
		outcome = compare(s);
	stores_free(s->stores);
	return outcome;
}

/* Rows that name what was enabled do so by name. */
static bool is_enriched(const json_t *row, const char *name)
{
	const json_t *enrich = json_object_get(row, "enrich");

	if (json_is_true(enrich))
		return true;
	if (json_is_object(enrich))
		return json_is_true(json_object_get(enrich, name));
	for (size_t i = 0; i < json_array_size(enrich); i++)
		if (strcmp(json_string_value(json_array_get(enrich, i)) ?: "", name) == 0)
			return true;
	return strcmp(json_string_value(enrich) ?: "", name) == 0;
}

/* The detectors of the row, or the built-in ones. */
static struct ruleset *load_rules(struct row *row, const char *folder, struct err_list *problems)
{
	const char *const paths[] = { folder, NULL };
	struct ruleset_options options = {
		.compat_tracee = true,
		.environment = is_enriched(row->json, "environment"),
		.no_container = !is_enriched(row->json, "container"),
	};
	const char *hash = text_of(json_object_get(row->json, "enrich"), "exec_hash");

	if (hash[0] && strcmp(hash, "none") != 0)
		options.executable_hash = hash;
	if (!json_is_true(json_object_get(row->json, "builtin")))
		return ruleset_load(paths, &options, problems);
	/* Severities and types of ours are no part of Tracee's files. */
	options.compat_tracee = false;
	return ruleset_load_builtin(&options, problems);
}

static enum outcome run_row(struct row *row)
{
	struct policies_options policy_options = { .compat_tracee = true };
	const json_t *files = json_object_get(row->json, "detectors");
	const json_t *policy_files = json_object_get(row->json, "policies");
	const json_t *flags = json_object_get(row->json, "event_flags");
	char folder[] = "/tmp/tracee-vectors.XXXXXX",
	     policy_folder[] = "/tmp/tracee-vectors.XXXXXX";
	const char *const policy_paths[] = { policy_folder, NULL };
	const char *expressions[64] = { NULL };
	struct err_list problems = { 0 };
	struct ruleset *ruleset;
	struct policies *policies;
	enum outcome outcome;

	for (size_t i = 0; i < MIN(json_array_size(flags), ARRAY_SIZE(expressions) - 1); i++)
		expressions[i] = json_string_value(json_array_get(flags, i));
	if (!mkdtemp(folder) || !mkdtemp(policy_folder) || !write_files(row, files, folder) ||
	    !write_files(row, policy_files, policy_folder))
		return row_failed(row, "cannot write the files");
	ruleset = load_rules(row, folder, &problems);
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

enum outcome run_scenario(struct row *row)
{
	return row_differs(row, difference(differences, text_of(row->json, "id")), run_row(row));
}
