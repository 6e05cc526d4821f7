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
#include "output.h"
#include "page/detector_page.h"
#include "page/event_page.h"
#include "page/table.h"
#include "policy/policy.h"

struct listing {
	const struct options *options;
	char **wanted; /* operands after the topic */
	int wanted_count;
	struct table table;
	json_t *array;
	struct ruleset *ruleset;
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

static bool event_has_name(const struct event_def *def, struct str name)
{
	return str_equal(name, str_of(def->name)) || event_in_set(def, name);
}

static bool event_wanted(const struct listing *listing, const struct event_def *def)
{
	if (!listing->wanted_count)
		return !event_in_set(def, STR("internal"));
	for (int i = 0; i < listing->wanted_count; i++)
		if (event_has_name(def, str_of(listing->wanted[i])))
			return true;
	return false;
}

/* Is it the name or a set of some event? If not, says so. */
static bool event_name_known(const char *name)
{
	struct suggest suggest;

	suggest_start(&suggest, str_of(name));
	for (size_t i = 0; i < event_table_count; i++) {
		const char *sets = event_table[i].sets;
		struct str set;

		if (event_has_name(&event_table[i], str_of(name)))
			return true;
		suggest_try(&suggest, str_of(event_table[i].name));
		while ((set = next_word(&sets)).data)
			suggest_try(&suggest, set);
	}
	fprintf(stderr, "spoor list events: no event has the name or set '%s'\n", name);
	if (suggest.best.data)
		fprintf(stderr, "    hint: did you mean '%.*s'?\n", (int)suggest.best.len,
			suggest.best.data);
	return false;
}

/* Where an event can come from. */
static const char *origin_of(const struct event_def *def)
{
	if (event_is_detection(def))
		return "detector";
	return def->replay_only ? "recording" : "live";
}

static void list_events(struct listing *listing)
{
	for (int i = 0; i < listing->wanted_count; i++)
		listing->failed |= !event_name_known(listing->wanted[i]);
	for (size_t i = 0; i < event_table_count; i++) {
		const struct event_def *def = &event_table[i];
		char id[16];

		if (!event_wanted(listing, def))
			continue;
		snprintf(id, sizeof(id), "%u", def->id);
		add(listing, event_summary_json(def),
		    (const char *[]){ def->name, id, origin_of(def), def->sets, def->intro });
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
		buf_str(&what, info->threat->name);
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
	if (!rules_load(listing))
		return;
	for (uint32_t i = 0; i < ruleset_detector_count(listing->ruleset); i++) {
		struct detector_info info;

		ruleset_detector(listing->ruleset, i, &info);
		add_detector(listing, &info);
	}
}

static void add_policy(struct listing *listing, const struct policy_info *info)
{
	struct buf name = { 0 }, description = { 0 };
	char rules[16];

	buf_str(&name, info->name.len ? info->name : STR("(default)"));
	buf_str(&description,
		info->name.len || info->path ? info->description : STR("every detection"));
	snprintf(rules, sizeof(rules), "%u", info->rule_count);
	add(listing,
	    json_pack("{ss% ss% si ss?}", "name", info->name.data ? info->name.data : "",
		      (size_t)info->name.len, "description",
		      info->description.data ? info->description.data : "",
		      (size_t)info->description.len, "events", (int)info->rule_count, "path",
		      info->path),
	    (const char *[]){ buf_cstr(&name), rules, info->path ? info->path : "",
			      buf_cstr(&description) });
	buf_free(&name);
	buf_free(&description);
}

static void list_policies(struct listing *listing)
{
	struct policies_options options = { .compat_tracee = listing->options->compat != NULL };
	struct err_list problems = { 0 };

	if (!rules_load(listing))
		return;
	struct policies *policies = policies_load(listing->options->policy,
						  listing->options->events, &options,
						  listing->ruleset, &problems);

	report(listing, &problems);
	for (uint32_t i = 0; policies && i < policies_count(policies); i++) {
		struct policy_info info;

		policies_info(policies, i, &info);
		add_policy(listing, &info);
	}
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
static const struct cel_function macros[] = {
	{ .name = "all", .signature = "list.(x, bool) -> bool", .doc = "Does it hold for all x?" },
	{ .name = "exists",
	  .signature = "list.(x, bool) -> bool",
	  .doc = "Does it hold for some x?" },
	{ .name = "exists_one",
	  .signature = "list.(x, bool) -> bool",
	  .doc = "Does it hold for exactly one x?" },
	{ .name = "filter",
	  .signature = "list.(x, bool) -> list",
	  .doc = "The elements x for which it holds." },
	{ .name = "getEventData",
	  .signature = "(string) -> dyn",
	  .doc = "value of a field of the event; null if it is absent",
	  .example = "getEventData(\"key\")" },
	{ .name = "has",
	  .signature = "(x.field) -> bool",
	  .doc = "Is the field set, the key there?" },
	{ .name = "hasData",
	  .signature = "(string) -> bool",
	  .doc = "does the event have this field?",
	  .example = "hasData(\"perm_uid\")" },
	{ .name = "map",
	  .signature = "list.(x, expression) -> list",
	  .doc = "The expression's value for every x." },
	{ .name = "math.greatest", .signature = "(number, ...) -> number", .doc = "The greatest." },
	{ .name = "math.least", .signature = "(number, ...) -> number", .doc = "The least." },
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
	struct cel_env *env = environment_new(resolve_any, NULL, NULL);

	listing->failed |= !env;
	if (!env)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(macros); i++)
		collect_function(&functions, &macros[i]);
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

static void list_outputs(struct listing *listing)
{
	for (size_t i = 0; outputs[i]; i++)
		add(listing,
		    json_pack("{ss ss?}", "name", outputs[i]->name, "doc", outputs[i]->doc),
		    (const char *[]){ outputs[i]->name, outputs[i]->doc });
}

static void list_formats(struct listing *listing)
{
	for (size_t i = 0; formats[i]; i++)
		add(listing,
		    json_pack("{ss ss?}", "name", formats[i]->name, "doc", formats[i]->doc),
		    (const char *[]){ formats[i]->name, formats[i]->doc });
}

static const struct topic topics[] = {
	{ "constants", { "NAME", "VALUE", "HEX" }, list_constants },
	{ "detectors",
	  { "NAME", "ID", "WORKS", "SEVERITY", "ATT&CK", "EVENTS", "WHAT" },
	  list_detectors },
	{ "events", { "NAME", "ID", "FROM", "SETS", "WHAT" }, list_events, true },
	{ "formats", { "NAME", "WHAT" }, list_formats },
	{ "functions", { "NAME", "SIGNATURE", "WHAT" }, list_functions },
	{ "outputs", { "NAME", "WHAT" }, list_outputs },
	{ "policies", { "NAME", "EVENTS", "FILE", "WHAT" }, list_policies },
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
	return listing.failed ? EXIT_BAD_INPUT : EXIT_FINE;
}

const struct command command_list = {
	.name = "list",
	.arguments = "[options] TOPIC [NAME|SET...]",
	.summary = "list events, detectors, functions, outputs, ...",
	.help = "Topics:\n"
		"  events      what can be collected; names or sets choose some ('internal' those\n"
		"              that are otherwise not shown)\n"
		"  detectors   the built-in ones, or those of --detectors; works: live, in\n"
		"              recordings alone (an event cannot be collected yet), or with\n"
		"              --enrichment environment\n"
		"  functions   what conditions can call; constants: what they can name\n"
		"  outputs     where records can go; formats: how they can be written\n"
		"  policies    those of --policy\n\n"
		"Examples:\n"
		"  spoor list events ipc_shm\n"
		"  spoor list detectors --json",
	.options = "events policy detectors compat json",
	.run = list_run,
};
