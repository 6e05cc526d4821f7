/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spoor list: what there is to name on the command line and in rules. A topic fills a table
 * for a person and an array for --json; the keys of the latter do not change between versions.
 */
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>

#include "base/common.h"
#include "base/suggest.h"
#include "cel/cel.h"
#include "command.h"
#include "detect/detect.h"
#include "detect/environment.h"
#include "format.h"
#include "options.h"
#include "page/detector_page.h"
#include "page/event_page.h"
#include "page/ipc_page.h"
#include "page/table.h"
#include "policy/policy.h"
#include "policy/query.h"
#include "transport.h"

struct listing {
	const struct options *options;
	char **wanted; /* operands after the topic */
	int wanted_count;
	struct table table;
	json_t *array;
	struct ruleset *ruleset;
	struct arena arena;
	bool failed;
};

struct topic {
	const char *name;
	const char *const headings[TABLE_COLUMNS_MAX];
	void (*fill)(struct listing *listing);
	bool selects; /* takes operands */
};

static void add(struct listing *listing, json_t *object, const char *const *cells)
{
	json_array_append_new(listing->array, object);
	table_add(&listing->table, cells);
}

/* ---- events ------------------------------------------------------------------ */

/* Is it the name or a set of some event, or the beginning of one? If not, says so. */
static bool word_known(struct str word)
{
	bool star = word.len && word.data[word.len - 1] == '*';
	struct suggest suggest;

	suggest_start(&suggest, word);
	for (size_t i = 0; i < event_table_count; i++) {
		const char *sets = event_table[i].sets;
		struct str name = str_of(event_table[i].name), set;

		if (str_equal(name, word) || event_in_set(&event_table[i], word) ||
		    (star && memcmp(name.data, word.data, MIN(name.len, word.len - 1)) == 0))
			return true;
		suggest_try(&suggest, name);
		while ((set = next_word(&sets)).data)
			suggest_try(&suggest, set);
	}
	fprintf(stderr, "spoor list events: no event has the name or set '%.*s'\n", (int)word.len,
		word.data);
	if (suggest.best.data)
		fprintf(stderr, "    hint: did you mean '%.*s'?\n", (int)suggest.best.len,
			suggest.best.data);
	else
		fputs("    hint: 'spoor list events' shows what there is\n", stderr);
	return false;
}

static void check_words(struct listing *listing, const char *text)
{
	if (strpbrk(text, "=!<>."))
		return;
	while (*text) {
		uint32_t len = (uint32_t)strcspn(text, ",");

		listing->failed |= !word_known((struct str){ text, len });
		text += len + (text[len] == ',');
	}
}

/* What the operands ask for; NULL: they cannot. */
static struct query *query_of(struct listing *listing)
{
	struct query *query = query_new(&listing->arena);

	for (int i = 0; query && i < listing->wanted_count; i++) {
		struct err err = { .level = ERR_ERROR };

		if (query_add(query, str_of(listing->wanted[i]), &err)) {
			err_at(&err, listing->wanted[i], 0, 0);
			err_print(stderr, &err);
			listing->failed = true;
			return NULL;
		}
	}
	return query;
}

/* Where an event can come from. */
static const char *origin_of(const struct event_def *def)
{
	if (!event_is_known(def) || event_is_detection(def))
		return "detector";
	return def->replay_only ? "recording" : "live";
}

static void add_event(struct listing *listing, const struct query *query,
		      const struct event_def *def, const struct threat *threat)
{
	struct query_subject subject = query_subject_of(def, threat);
	char id[16];

	if (!query_matches(query, &subject) ||
	    (event_in_set(def, STR("internal")) && !query_has_words(query)))
		return;
	snprintf(id, sizeof(id), "%u", def->id);
	add(listing, event_summary_json(def),
	    (const char *[]){ def->name, id, origin_of(def), def->sets, def->intro });
}

static bool rules_load(struct listing *listing);

/* Threats are of rules: then it is their events that are listed. */
static void list_events(struct listing *listing)
{
	struct query *query = query_of(listing);
	struct detector_info info;

	if (!query)
		return;
	for (int i = 0; i < listing->wanted_count; i++)
		check_words(listing, listing->wanted[i]);
	for (size_t i = 0; i < event_table_count; i++)
		add_event(listing, query, &event_table[i], NULL);
	if (!query_has_threats(query) || !rules_load(listing))
		return;
	for (uint32_t i = 0; i < ruleset_detector_count(listing->ruleset); i++) {
		ruleset_detector(listing->ruleset, i, &info);
		add_event(listing, query, info.produces, info.threat);
	}
}

/* ---- rules --------------------------------------------------------------------- */

static void report(struct listing *listing, struct err_list *problems)
{
	err_list_print(stderr, problems);
	listing->failed |= problems->errors > 0;
	err_list_free(problems);
}

static bool rules_load(struct listing *listing)
{
	struct ruleset_options options = { .compat_tracee = listing->options->compat != NULL,
					   .environment = true };
	struct err_list problems = { 0 };

	listing->ruleset = listing->options->detectors
				   ? ruleset_load(listing->options->detectors, &options, &problems)
				   : ruleset_load_builtin(&options, &problems);
	listing->failed |= !listing->ruleset;
	report(listing, &problems);
	return listing->ruleset != NULL;
}

static void add_detector(struct listing *listing, const struct detector_info *info)
{
	struct buf events = { 0 }, technique = { 0 }, what = { 0 };

	for (uint32_t i = 0; i < info->input_count; i++)
		buf_printf(&events, "%s%s", i ? " " : "", info->inputs[i]->name);
	if (info->threat) {
		buf_str(&technique, info->threat->technique_id);
		buf_str(&what,
			info->threat->name.len ? info->threat->name : info->threat->description);
	}
	add(listing, detector_summary_json(info),
	    (const char *[]){ info->produces->name, info->id, detector_origin(info),
			      detector_severity(info), buf_cstr(&technique), buf_cstr(&events),
			      buf_cstr(&what) });
	buf_free(&events);
	buf_free(&technique);
	buf_free(&what);
}

static void list_detectors(struct listing *listing)
{
	struct query *query = query_of(listing);

	if (!query || !rules_load(listing))
		return;
	for (uint32_t i = 0; i < ruleset_detector_count(listing->ruleset); i++) {
		struct detector_info info;

		ruleset_detector(listing->ruleset, i, &info);
		struct query_subject subject = query_subject_of(info.produces, info.threat);

		if (query_matches(query, &subject))
			add_detector(listing, &info);
	}
}

static json_t *texts_json(const struct str *texts, uint32_t count)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < count; i++)
		json_array_append_new(list, json_stringn(texts[i].data, texts[i].len));
	return list;
}

static json_t *rules_json(const struct policies *policies, uint32_t index, uint32_t count)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < count; i++) {
		struct policy_rule_info rule;

		policies_rule(policies, index, i, &rule);
		json_array_append_new(list,
				      json_pack("{ss so}", "event", rule.event->name, "filters",
						texts_json(rule.filters, rule.filter_count)));
	}
	return list;
}

static void add_policy(struct listing *listing, const struct policies *policies, uint32_t index)
{
	struct buf name = { 0 }, description = { 0 }, scope = { 0 };
	bool given = listing->options->events != NULL;
	struct policy_info info;
	char rules[16];

	policies_info(policies, index, &info);
	buf_str(&name, info.name.len ? info.name : given ? STR("(--events)") : STR("(default)"));
	buf_str(&description, info.path || given ? info.description : STR("every detection"));
	for (uint32_t i = 0; i < info.scope_count; i++)
		buf_printf(&scope, "%s%.*s", i ? " " : "", (int)info.scope[i].len,
			   info.scope[i].data);
	snprintf(rules, sizeof(rules), "%u", info.rule_count);
	add(listing,
	    json_pack("{ss% ss% si ss? so so}", "name", info.name.data ? info.name.data : "",
		      (size_t)info.name.len, "description",
		      info.description.data ? info.description.data : "",
		      (size_t)info.description.len, "events", (int)info.rule_count, "path",
		      info.path, "scope", texts_json(info.scope, info.scope_count), "rules",
		      rules_json(policies, index, info.rule_count)),
	    (const char *[]){ buf_cstr(&name), rules, scope.len ? buf_cstr(&scope) : "global",
			      info.path ? info.path : "", buf_cstr(&description) });
	buf_free(&name);
	buf_free(&description);
	buf_free(&scope);
}

static void list_policies(struct listing *listing)
{
	struct policies_options options = { .compat_tracee = listing->options->compat != NULL,
					    .builtin = !listing->options->detectors,
					    .scopes = listing->options->scope };
	struct err_list problems = { 0 };

	if (!rules_load(listing))
		return;
	struct policies *policies = policies_load(listing->options->policy,
						  listing->options->events, &options,
						  listing->ruleset, &problems);

	report(listing, &problems);
	for (uint32_t i = 0; policies && i < policies_count(policies); i++)
		add_policy(listing, policies, i);
	policies_free(policies);
}

/* ---- what rules can say ----------------------------------------------------------- */

/* Any name is a field here: nothing is compiled. */
static int resolve_any(void *ctx, struct str name, struct cel_slot *out, struct err *err)
{
	(void)ctx, (void)name, (void)err;
	*out = (struct cel_slot){ .type = "dyn" };
	return 0;
}

/* What looks like a function and is part of the language, or reads the event at hand. */
static const struct cel_function accessors[] = {
	{ .name = "getEventData",
	  .signature = "(string) -> dyn",
	  .doc = "value of a field of the event; null if it is absent",
	  .example = "getEventData(\"key\")" },
	{ .name = "hasData",
	  .signature = "(string) -> bool",
	  .doc = "does the event have this field?",
	  .example = "hasData(\"perm_uid\")" },
};

enum { FUNCTIONS_MAX = 2048 };

struct functions {
	const struct cel_function *items[FUNCTIONS_MAX];
	size_t count;
};

/* Operators (_+_, @in) and what macros call inside (math.@max) cannot be written as calls. */
static void collect_function(void *ctx, const struct cel_function *function)
{
	struct functions *functions = ctx;

	if (isalpha((unsigned char)function->name[0]) && !strchr(function->name, '@') &&
	    functions->count < FUNCTIONS_MAX)
		functions->items[functions->count++] = function;
}

static int function_compare(const void *a, const void *b)
{
	const struct cel_function *one = *(const struct cel_function *const *)a;
	const struct cel_function *other = *(const struct cel_function *const *)b;
	int order = strcmp(one->name, other->name);

	return order ? order : strcmp(one->signature, other->signature);
}

static void add_function(struct listing *listing, const struct cel_function *function)
{
	add(listing,
	    json_pack("{ss ss ss? ss? ss?}", "name", function->name, "signature",
		      function->signature, "doc", function->doc, "example", function->example,
		      "result", function->result),
	    (const char *[]){ function->name, function->signature, function->doc });
}

static void list_functions(struct listing *listing)
{
	struct functions functions = { 0 };
	struct cel_env *env = environment_new(0, resolve_any, NULL, NULL);

	listing->failed |= !env;
	if (!env)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(accessors); i++)
		collect_function(&functions, &accessors[i]);
	cel_env_each_function(env, collect_function, &functions);
	qsort(functions.items, functions.count, sizeof(functions.items[0]), function_compare);
	for (size_t i = 0; i < functions.count; i++)
		add_function(listing, functions.items[i]);
	cel_env_free(env);
}

static void list_constants(struct listing *listing)
{
	for (size_t i = 0; i < environment_constant_count; i++) {
		const struct environment_constant *constant = &environment_constants[i];
		char value[32], hex[32];

		snprintf(value, sizeof(value), "%lld", (long long)constant->value);
		snprintf(hex, sizeof(hex), "0x%llx", (long long)constant->value);
		add(listing,
		    json_pack("{ss sI}", "name", constant->name, "value",
			      (json_int_t)constant->value),
		    (const char *[]){ constant->name, value, hex });
	}
}

/* ---- output --------------------------------------------------------------------- */

static const char *const setting_kinds[] = {
	[SETTING_TEXT] = "text",	 [SETTING_SECRET] = "secret", [SETTING_FILE] = "file",
	[SETTING_BOOL] = "bool",	 [SETTING_NUMBER] = "number", [SETTING_SIZE] = "size",
	[SETTING_DURATION] = "duration", [SETTING_CHOICE] = "choice", [SETTING_TEXTS] = "list",
	[SETTING_PAIRS] = "map",
};

static json_t *key_json(const struct setting_key *key)
{
	return json_pack("{ss ss sb ss? ss? ss}", "name", key->name, "kind",
			 setting_kinds[key->kind], "required", key->required, "default",
			 key->fallback, "choices", key->choices, "doc", key->doc);
}

static json_t *transport_json(const struct transport *transport, const char *missing)
{
	json_t *keys = json_array();

	for (uint32_t i = 0; i < transport->key_count; i++)
		json_array_append_new(keys, key_json(&transport->keys[i]));
	return json_pack("{ss ss ss? ss? so}", "name", transport->name, "doc", transport->doc,
			 "format", transport->format, "missing", missing, "keys", keys);
}

/* "required", or the default, or the choices with the default first. */
static void key_default(const struct setting_key *key, struct buf *out)
{
	if (key->required)
		buf_lit(out, "required");
	else if (key->choices)
		buf_printf(out, "%s of %s", key->fallback, key->choices);
	else if (key->fallback)
		buf_printf(out, "%s", key->fallback);
}

static void add_transport_keys(struct listing *listing, const struct transport *transport)
{
	for (uint32_t i = 0; i < transport->key_count; i++) {
		const struct setting_key *key = &transport->keys[i];
		struct buf name = { 0 }, value = { 0 };

		buf_printf(&name, "  %s", key->name);
		key_default(key, &value);
		table_add(&listing->table,
			  (const char *[]){ buf_cstr(&name), setting_kinds[key->kind],
					    buf_cstr(&value), key->doc });
		buf_free(&name);
		buf_free(&value);
	}
}

/* If there is none of that name, says so. */
static bool transport_known(const char *name)
{
	struct suggest suggest;

	if (transport_by_name(str_of(name)))
		return true;
	suggest_start(&suggest, str_of(name));
	for (size_t i = 0; transports[i]; i++)
		suggest_try(&suggest, str_of(transports[i]->name));
	fprintf(stderr, "spoor list outputs: there is no output '%s'\n", name);
	if (suggest.best.data)
		fprintf(stderr, "    hint: did you mean '%.*s'?\n", (int)suggest.best.len,
			suggest.best.data);
	return false;
}

/* With names: these and their keys. */
static void list_outputs(struct listing *listing)
{
	for (int i = 0; i < listing->wanted_count; i++)
		listing->failed |= !transport_known(listing->wanted[i]);
	for (size_t i = 0; transports[i]; i++) {
		const struct transport *transport = transports[i];
		const char *missing = transport->missing ? transport->missing() : NULL;
		struct buf doc = { 0 };
		bool wanted = !listing->wanted_count;

		for (int n = 0; n < listing->wanted_count; n++)
			wanted |= !strcmp(listing->wanted[n], transport->name);
		if (!wanted)
			continue;
		buf_printf(&doc, missing ? "%s (%s)" : "%s", transport->doc, missing);
		add(listing, transport_json(transport, missing),
		    (const char *[]){ transport->name, "", transport->format, buf_cstr(&doc) });
		if (listing->wanted_count)
			add_transport_keys(listing, transport);
		buf_free(&doc);
	}
}

static json_t *settings_json(const struct format *format)
{
	json_t *settings = json_array();

	for (uint32_t i = 0; i < format->key_count; i++) {
		const struct setting_key *key = &format->keys[i];

		json_array_append_new(settings,
				      json_pack("{ss ss? sb ss? ss?}", "name", key->name, "default",
						key->fallback, "required", key->required, "choices",
						key->choices, "doc", key->doc));
	}
	return settings;
}

static void add_setting(struct listing *listing, const struct setting_key *key)
{
	struct buf name = { 0 }, doc = { 0 };

	buf_printf(&name, "  %s", key->name);
	buf_printf(&doc, "%s", key->doc);
	if (key->choices)
		buf_printf(&doc, ": %s", key->choices);
	table_add(&listing->table, (const char *[]){ buf_cstr(&name),
						     key->required   ? "(required)"
						     : key->fallback ? key->fallback
								     : "",
						     buf_cstr(&doc) });
	buf_free(&name);
	buf_free(&doc);
}

static void add_format(struct listing *listing, const struct format *format)
{
	add(listing,
	    json_pack("{ss ss? ss sb so}", "name", format->name, "doc", format->doc, "media_type",
		      format->media_type, "binary", format->binary, "settings",
		      settings_json(format)),
	    (const char *[]){ format->name, "", format->doc });
	for (uint32_t i = 0; i < format->key_count; i++)
		add_setting(listing, &format->keys[i]);
}

static void list_formats(struct listing *listing)
{
	for (size_t i = 0; formats[i]; i++)
		add_format(listing, formats[i]);
}

/* ---- System V objects ------------------------------------------------------------ */

static void add_ipc(void *ctx, json_t *object, const char *const *cells)
{
	add(ctx, object, cells);
}

static void list_ipc(struct listing *listing)
{
	struct err err = { 0 };
	int closed = ipc_page_list(add_ipc, listing, &err);

	if (closed < 0) {
		err_print(stderr, &err);
		listing->failed = true;
	} else if (closed > 0) {
		fprintf(stderr,
			"spoor list ipc: %d more IPC namespaces, which only root may read\n",
			closed);
	}
}

static const struct topic topics[] = {
	{ "constants", { "NAME", "VALUE", "HEX" }, list_constants },
	{ "detectors",
	  { "NAME", "ID", "WORKS", "SEVERITY", "ATT&CK", "EVENTS", "WHAT" },
	  list_detectors,
	  true },
	{ "events", { "NAME", "ID", "FROM", "SETS", "WHAT" }, list_events, true },
	{ "formats", { "NAME", "DEFAULT", "WHAT" }, list_formats },
	{ "functions", { "NAME", "SIGNATURE", "WHAT" }, list_functions },
	{ "ipc", { "KIND", "ID", "KEY", "MODE", "UID", "SIZE", "USE", "WHO" }, list_ipc },
	{ "outputs", { "NAME", "KIND", "FORMAT OR DEFAULT", "WHAT" }, list_outputs, true },
	{ "policies", { "NAME", "EVENTS", "SCOPE", "FILE", "WHAT" }, list_policies },
};

/* ---- the command ------------------------------------------------------------------ */

static void print_topics(FILE *out)
{
	fputs("topics:", out);
	for (size_t i = 0; i < ARRAY_SIZE(topics); i++)
		fprintf(out, "%s %s", i ? "," : "", topics[i].name);
	fputc('\n', out);
}

static const struct topic *topic_find(const char *name)
{
	struct suggest suggest;

	suggest_start(&suggest, str_of(name));
	for (size_t i = 0; i < ARRAY_SIZE(topics); i++) {
		if (!strcmp(topics[i].name, name))
			return &topics[i];
		suggest_try(&suggest, str_of(topics[i].name));
	}
	fprintf(stderr, "spoor list: there is no topic '%s'\n    hint: ", name);
	if (suggest.best.data)
		fprintf(stderr, "did you mean '%.*s'? ", (int)suggest.best.len, suggest.best.data);
	print_topics(stderr);
	return NULL;
}

static void print_listing(struct listing *listing)
{
	struct buf out = { 0 };

	if (listing->options->json) {
		json_dumpf(listing->array, stdout, JSON_INDENT(2));
		putchar('\n');
		return;
	}
	if (listing->failed && !listing->table.count)
		return;
	table_write(&out, &listing->table, table_width());
	fwrite(out.data, 1, out.len, stdout);
	buf_free(&out);
}

static int list_run(const struct options *options, int argc, char **argv)
{
	struct listing listing = { .options = options,
				   .wanted = argv + 1,
				   .wanted_count = argc - 1 };

	if (!argc) {
		fputs("spoor list: say what\n    hint: ", stderr);
		print_topics(stderr);
		return EXIT_USAGE;
	}
	const struct topic *topic = topic_find(argv[0]);

	if (!topic)
		return EXIT_USAGE;
	if (argc > 1 && !topic->selects) {
		fprintf(stderr, "spoor list %s: takes no more operands, found '%s'\n", topic->name,
			argv[1]);
		return EXIT_USAGE;
	}
	while (topic->headings[listing.table.columns]) {
		listing.table.headings[listing.table.columns] =
			topic->headings[listing.table.columns];
		listing.table.columns++;
	}
	listing.array = json_array();
	topic->fill(&listing);
	print_listing(&listing);
	json_decref(listing.array);
	table_free(&listing.table);
	ruleset_free(listing.ruleset);
	arena_free(&listing.arena);
	return listing.failed ? EXIT_BAD_INPUT : EXIT_FINE;
}

const struct command command_list = {
	.name = "list",
	.arguments = "[options] TOPIC [WHICH...]",
	.summary = "list events, detectors, functions, outputs, ...",
	.help = "Topics:\n"
		"  events      what rules can read, and whether it is collected live or only replayed\n"
		"              from recordings ('internal': those that are otherwise not shown)\n"
		"  detectors   the built-in ones, or those of --detectors; works: live, in\n"
		"              recordings alone (an event cannot be collected yet), or with\n"
		"              --enrichment environment\n"
		"  functions   what conditions can call\n"
		"  constants   what they can name\n"
		"  outputs     where records can go; with names, the keys of these\n"
		"  formats     how records can be written\n"
		"  ipc         the System V IPC objects this host has now\n"
		"  policies    the built-in ones, those of --policy, or what --events and --scope make\n\n"
		"WHICH chooses events and detectors: names, sets and prefix*, and besides tag=SET,\n"
		"type=syscall|detector|network, threat.severity>=high, threat.mitre.technique=ID,\n"
		"threat.mitre.tactic=NAME, all of which must hold; values with commas are any of them.\n\n"
		"Examples:\n"
		"  spoor list events ipc_shm\n"
		"  spoor list outputs syslog\n"
		"  spoor list events tag=fs type=syscall\n"
		"  spoor list detectors 'threat.severity>=high' --json",
	.options = "events scope policy detectors compat json",
	.run = list_run,
};
