/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: --events and --scope, threats, and the filters of lists. Literal mode. */
#include <dirent.h>
#include <unistd.h>

#include "base/buf.h"
#include "detect/detect.h"
#include "policy/flag.h"
#include "policy/query.h"
#include "policy/threat.h"
#include "summary.h"

static const json_t *expected(const struct row *row)
{
	return json_object_get(row->json, "expect");
}

/* PASSED and *done false: go on to the result. */
static enum outcome check_error(struct row *row, int code, const char *message, bool *done)
{
	const char *want = text_of(expected(row), "err");

	*done = code != 0 || *want;
	if (code && !*want)
		return row_failed(row, "error: %s", message);
	if (!code && *want)
		return row_failed(row, "no error, expected: %s", want);
	return PASSED;
}

/* ---- parts ------------------------------ */

static bool same(struct str is, const json_t *object, const char *key)
{
	return str_equal(is, str_of(text_of(object, key)));
}

static enum outcome run_parse_event(struct row *row)
{
	const json_t *want = json_object_get(expected(row), "result"), *each;
	struct event_flag *flags;
	struct err err = { 0 };
	uint32_t count;
	bool done;
	size_t i;
	int code = flag_events(str_of(text_of(row->json, "flag")), true, &row->arena, &flags,
			       &count, &err);
	enum outcome outcome = check_error(row, code, err.message, &done);

	if (done)
		return outcome;
	if (count != json_array_size(want))
		return row_failed(row, "%u elements", count);
	json_array_foreach(want, i, each)
	{
		struct str op = flags[i].excluded ? STR("-") : flags[i].op;

		if (!same(flags[i].event, each, "eventName") || !same(op, each, "operator") ||
		    !same(flags[i].kind, each, "optType") ||
		    !same(flags[i].field, each, "optName") ||
		    !same(flags[i].values, each, "values"))
			return row_failed(row, "element %zu has other parts", i);
	}
	return PASSED;
}

static enum outcome run_parse_scope(struct row *row)
{
	const json_t *want = json_object_get(expected(row), "result");
	struct scope_flag flag;
	struct err err = { 0 };
	bool done;
	int code = flag_scope(str_of(text_of(row->json, "flag")), &flag, &err);
	enum outcome outcome = check_error(row, code, err.message, &done);

	if (done)
		return outcome;
	return same(flag.name, want, "scopeName") &&
			       same(flag.negated ? STR("not") : flag.op, want, "operator") &&
			       same(flag.values, want, "values")
		       ? PASSED
		       : row_failed(row, "other parts");
}

/* ---- threats ------------------------------ */

static enum severity severity_of(const char *word)
{
	static const char *const words[] = { "INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL" };
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(words) && strcmp(words[i], word) != 0)
		i++;
	return (enum severity)i;
}

static struct threat threat_of(const json_t *json)
{
	const json_t *mitre = json_object_get(json, "mitre");

	return (struct threat){
		.name = str_of(text_of(json, "name")),
		.severity = severity_of(text_of(json, "severity")),
		.tactic = str_of(text_of(json_object_get(mitre, "tactic"), "name")),
		.technique_id = str_of(text_of(json_object_get(mitre, "technique"), "id")),
	};
}

static enum outcome ask(struct row *row, const char *property, const struct threat *threat)
{
	struct threat_query query;
	struct err err = { 0 };
	bool done;
	int code = threat_query_parse(str_of(property), str_of(text_of(row->json, "operator")),
				      str_of(text_of(row->json, "value")), &query, &err);
	enum outcome outcome = check_error(row, code, err.message, &done);

	if (done)
		return outcome;
	return threat_query_matches(&query, threat) ==
			       json_is_true(json_object_get(expected(row), "match"))
		       ? PASSED
		       : row_failed(row, "the other way round");
}

static enum outcome run_severity(struct row *row)
{
	struct threat threat = { .severity = severity_of(text_of(row->json, "severity")) };

	return ask(row, "severity", &threat);
}

static enum outcome run_threat(struct row *row)
{
	struct threat threat = threat_of(json_object_get(row->json, "threat"));

	return ask(row, text_of(row->json, "property"), &threat);
}

/* ---- rules of detectors that a row or Tracee has ------------------------------ */

static void quoted(FILE *out, const char *key, const char *text)
{
	fprintf(out, "%s: \"%s\"\n", key, text);
}

static void write_detector(const char *folder, size_t number, const char *id, const char *event,
			   const char *severity, const char *name, const char *tactic,
			   const char *technique)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%03zu.yaml", folder, number);
	FILE *out = fopen(path, "we");

	if (!out)
		return;
	fprintf(out, "type: detector\nid: \"%s\"\nproduced_event: {name: %s, version: 1.0.0}\n", id,
		event);
	fprintf(out, "requirements: {events: [{name: sched_process_exec}]}\nthreat:\n");
	quoted(out, "  description", "x");
	quoted(out, "  severity", severity);
	quoted(out, "  name", name);
	fprintf(out, "  mitre:\n    tactic: {name: \"%s\"}\n    technique: {id: \"%s\"}\n", tactic,
		technique);
	fclose(out);
}

static struct ruleset *load_and_remove(const char *folder)
{
	const char *const paths[] = { folder, NULL };
	struct err_list problems = { 0 };
	struct ruleset *ruleset = ruleset_load(paths, NULL, &problems);
	DIR *directory = opendir(folder);

	if (problems.errors)
		err_list_print(stderr, &problems);
	err_list_free(&problems);
	for (struct dirent *entry; directory && (entry = readdir(directory));)
		unlinkat(dirfd(directory), entry->d_name, 0);
	if (directory)
		closedir(directory);
	rmdir(folder);
	return ruleset;
}

static struct ruleset *ruleset_of(const json_t *detectors)
{
	char folder[] = "/tmp/tracee-vectors.XXXXXX";
	const json_t *each;
	size_t i;

	if (!mkdtemp(folder))
		return NULL;
	json_array_foreach(detectors, i, each)
	{
		struct threat threat = threat_of(json_object_get(each, "threat"));

		write_detector(folder, i, text_of(each, "id"), text_of(each, "event"),
			       text_of(json_object_get(each, "threat"), "severity"),
			       threat.name.data, threat.tactic.data, threat.technique_id.data);
	}
	return load_and_remove(folder);
}

/* Those of Tracee: only their events and threats matter here. */
static const struct ruleset *tracee_detectors(struct row *row)
{
	static struct ruleset *ruleset;
	char path[1024], folder[] = "/tmp/tracee-vectors.XXXXXX";
	const json_t *each;
	size_t i;

	if (ruleset)
		return ruleset;
	snprintf(path, sizeof(path), "%s/detectors/builtin_defs.json", row->folder);
	json_t *defs = json_load_file(path, 0, NULL);

	if (!defs || !mkdtemp(folder))
		return NULL;
	json_array_foreach(defs, i, each) write_detector(
		folder, i, text_of(each, "id"), text_of(each, "event"), text_of(each, "severity"),
		text_of(each, "threat_name"), text_of(each, "tactic"),
		text_of(json_object_get(each, "technique"), "id"));
	ruleset = load_and_remove(folder);
	json_decref(defs);
	return ruleset;
}

/* ---- compiled ------------------------------ */

static void texts_of(const json_t *list, const char **out, size_t room)
{
	size_t count = MIN(json_array_size(list), room - 1);

	for (size_t i = 0; i < count; i++)
		out[i] = json_string_value(json_array_get(list, i));
	out[count] = NULL;
}

static const char *first_error(const struct err_list *problems)
{
	for (uint32_t i = 0; i < problems->count; i++)
		if (problems->items[i].level == ERR_ERROR)
			return problems->items[i].message;
	return NULL;
}

static enum outcome run_compiled(struct row *row, const struct ruleset *ruleset,
				 const json_t *scopes, const json_t *events, bool without)
{
	const char *scope[32], *event[32];
	struct policies_options options = { .compat_tracee = true, .scopes = scope };
	struct err_list problems = { 0 };
	bool done;

	texts_of(scopes, scope, ARRAY_SIZE(scope));
	texts_of(events, event, ARRAY_SIZE(event));
	struct policies *policies = policies_load(NULL, event, &options, ruleset, &problems);
	const char *error = first_error(&problems);
	enum outcome outcome = check_error(row, error ? -1 : 0, error, &done);

	if (!done && json_object_get(expected(row), "policies"))
		outcome = summaries_equal(row, policies, json_object_get(expected(row), "policies"),
					  without);
	policies_free(policies);
	err_list_free(&problems);
	return outcome;
}

static enum outcome run_cli(struct row *row)
{
	return run_compiled(row, tracee_detectors(row), json_object_get(row->json, "scope_flags"),
			    json_object_get(row->json, "event_flags"), false);
}

/* The same from Tracee's unit tests; our command line has one policy, number 0. */
static enum outcome run_compile(struct row *row)
{
	static struct ruleset *none;
	const json_t *scopes = json_object_get(row->json, "scope_flags"),
		     *events = json_object_get(row->json, "event_flags");

	if (!none)
		none = ruleset_of(NULL);
	if (json_object_size(scopes) > 1 || json_object_size(events) > 1)
		return row_skipped(row, "several policies cannot be given on our command line");
	if (!json_object_size(scopes) && !json_object_size(events))
		return row_skipped(row, "an empty argument is in no list of arguments");
	return run_compiled(row, none, json_object_get(scopes, "0"), json_object_get(events, "0"),
			    true);
}

static enum outcome run_expand_threat(struct row *row)
{
	const json_t *want = json_object_get(expected(row), "events"), *each;
	const char *event[] = { text_of(row->json, "flag"), NULL };
	struct policies_options options = { .compat_tracee = true };
	struct ruleset *ruleset = ruleset_of(json_object_get(row->json, "detectors"));
	struct err_list problems = { 0 };
	struct policies *policies = policies_load(NULL, event, &options, ruleset, &problems);
	const char *error = first_error(&problems);
	struct policy_info info = { 0 };
	bool done;
	size_t i;
	enum outcome outcome = check_error(row, error ? -1 : 0, error, &done);

	if (policies_count(policies))
		policies_info(policies, 0, &info);
	if (!done && info.rule_count != json_array_size(want))
		outcome = row_failed(row, "%u events", info.rule_count);
	json_array_foreach(want, i, each)
	{
		bool found = false;

		for (uint32_t k = 0; !done && k < info.rule_count; k++) {
			struct policy_rule_info rule;

			policies_rule(policies, 0, k, &rule);
			found |= strcmp(rule.event->name, json_string_value(each)) == 0;
		}
		if (!done && !found)
			outcome = row_failed(row, "%s is missing", json_string_value(each));
	}
	policies_free(policies);
	ruleset_free(ruleset);
	err_list_free(&problems);
	return outcome;
}

/* ---- filters of lists ------------------------------ */

static int add_terms(struct query *query, struct row *row, const char *key, const char *before,
		     struct err *err)
{
	const json_t *list = json_object_get(json_object_get(row->json, "filters"), key), *each;
	int code = 0;
	size_t i;

	json_array_foreach(list, i, each)
	{
		struct buf text = { 0 };

		buf_printf(&text, "%s%s", before, json_string_value(each));
		struct str own = arena_str(&row->arena, text.data, text.len);

		buf_free(&text);
		code = code ? code : query_add(query, own, err);
	}
	return code;
}

static enum outcome run_list_filter(struct row *row)
{
	static const struct {
		const char *key, *before;
	} kinds_of_terms[] = {
		{ "Tags", "tag=" },
		{ "Types", "type=" },
		{ "Severities", "threat.severity" },
		{ "Names", "" },
		{ "Techniques", "threat.mitre.technique=" },
		{ "Tactics", "threat.mitre.tactic=" },
	};
	const json_t *event = json_object_get(row->json, "event"), *set,
		     *properties = json_object_get(event, "properties");
	struct query *query = query_new(&row->arena);
	struct threat threat = { .severity = severity_of(text_of(properties, "Severity")) };
	struct buf sets = { 0 };
	struct err err = { 0 };
	bool done;
	size_t i;
	int code = 0;

	for (i = 0; !code && i < ARRAY_SIZE(kinds_of_terms); i++)
		code = add_terms(query, row, kinds_of_terms[i].key, kinds_of_terms[i].before, &err);
	enum outcome outcome = check_error(row, code, err.message, &done);

	if (done)
		return outcome;
	json_array_foreach(json_object_get(event, "sets"), i, set)
		buf_printf(&sets, "%s%s", i ? " " : "", json_string_value(set));
	struct query_subject subject = {
		.name = str_of(text_of(event, "name")),
		.sets = buf_cstr(&sets),
		.syscall = json_is_true(json_object_get(event, "syscall")),
		.detector = json_is_true(json_object_get(event, "detector")),
		.network = json_is_true(json_object_get(event, "network")),
		.threat = json_object_size(properties) ? &threat : NULL,
	};
	bool match = query_matches(query, &subject);

	buf_free(&sets);
	return match == json_is_true(json_object_get(expected(row), "match"))
		       ? PASSED
		       : row_failed(row, "match is %s", match ? "true" : "false");
}

enum outcome run_flags(struct row *row)
{
	static const struct {
		const char *name;
		enum outcome (*run)(struct row *row);
	} table[] = {
		{ "parse_event", run_parse_event },
		{ "parse_scope", run_parse_scope },
		{ "severity", run_severity },
		{ "threat", run_threat },
		{ "cli", run_cli },
		{ "compile", run_compile },
		{ "expand_threat", run_expand_threat },
		{ "list_filter", run_list_filter },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (strcmp(table[i].name, text_of(row->json, "kind")) == 0)
			return table[i].run(row);
	return row_failed(row, "kind %s is unknown", text_of(row->json, "kind"));
}
