/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spoor explain: the pages of events and detectors. Events are known without rules; the rules
 * are loaded only when a name is not an event.
 */
#include <stdio.h>

#include "base/common.h"
#include "base/suggest.h"
#include "base/yaml.h"
#include "command.h"
#include "detect/builtin.h"
#include "detect/detect.h"
#include "detect/rule_test.h"
#include "options.h"
#include "page/detector_page.h"
#include "page/event_page.h"
#include "trigger/trigger.h"

static const char hint_list[] =
	"    hint: 'spoor list events' and 'spoor list detectors' show what there is\n";

struct explain {
	const struct options *options;
	bool markdown;
	struct buf out;
	struct page page;
	struct ruleset *ruleset; /* NULL until needed */
	bool failed;
};

/* Broken rule files are reported; what is valid can be explained. */
static struct ruleset *rules_of(struct explain *explain)
{
	struct ruleset_options options = { .compat_tracee = explain->options->compat != NULL,
					   .environment = true };
	struct err_list problems = { 0 };

	if (explain->ruleset)
		return explain->ruleset;
	explain->ruleset = explain->options->detectors
				   ? ruleset_load(explain->options->detectors, &options, &problems)
				   : ruleset_load_builtin(&options, &problems);
	err_list_print(stderr, &problems);
	explain->failed |= problems.errors > 0;
	err_list_free(&problems);
	return explain->ruleset;
}

/* A detector answers to its id and to the name of the event it produces. */
static bool detector_find(const struct ruleset *ruleset, const char *name,
			  struct detector_info *out)
{
	for (uint32_t i = 0; i < ruleset_detector_count(ruleset); i++) {
		ruleset_detector(ruleset, i, out);
		if (!strcmp(out->id, name) || !strcmp(out->produces->name, name))
			return true;
	}
	return false;
}

static void complain(struct explain *explain, const char *name)
{
	struct suggest suggest;

	suggest_start(&suggest, str_of(name));
	for (size_t i = 0; i < event_table_count; i++)
		suggest_try(&suggest, str_of(event_table[i].name));
	for (uint32_t i = 0; explain->ruleset && i < ruleset_detector_count(explain->ruleset);
	     i++) {
		struct detector_info info;

		ruleset_detector(explain->ruleset, i, &info);
		suggest_try(&suggest, str_of(info.id));
		suggest_try(&suggest, str_of(info.produces->name));
	}
	fprintf(stderr, "spoor explain: there is no event or detector '%s'\n", name);
	if (suggest.best.data)
		fprintf(stderr, "    hint: did you mean '%.*s'?\n", (int)suggest.best.len,
			suggest.best.data);
	else
		fputs(hint_list, stderr);
	explain->failed = true;
}

static void print_json(json_t *object)
{
	if (object)
		json_dumpf(object, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(object);
}

/* ---- tests ---------------------------------------------------------------------------- */

/* Names of the tests in a file, and how they fare. */
static void write_test_file(struct explain *explain, const struct yaml_file *file)
{
	const struct yaml_node *tests = yaml_get(file->root, "tests");
	struct rule_test_count count = { 0 };
	struct err_list problems = { 0 };
	struct buf text = { 0 };

	if (rule_test_run(explain->ruleset, file, &problems, &count, NULL))
		explain->failed = true;
	page_heading(&explain->page, "Tests");
	buf_printf(&text, "%s", file->path);
	if (count.failed)
		buf_printf(&text, ": %u of %u fail (`spoor test` tells why)\n\n", count.failed,
			   count.failed + count.passed);
	else
		buf_printf(&text, ": %u test%s, %s\n\n", count.passed, count.passed == 1 ? "" : "s",
			   count.passed == 1 ? "which passes" : "all of which pass");
	for (uint32_t i = 0; tests && tests->kind == YAML_LIST && i < tests->count; i++) {
		const struct yaml_node *name = yaml_get(tests->items[i], "name");

		if (name && name->kind == YAML_SCALAR)
			buf_printf(&text, "- %s\n", name->text.data);
	}
	page_text(&explain->page, buf_cstr(&text));
	buf_free(&text);
	err_list_free(&problems);
}

static bool is_test_of(const struct yaml_file *file, const struct detector_info *info)
{
	const struct yaml_node *id = yaml_get(file->root, "detector");

	return id && id->kind == YAML_SCALAR && str_equal(id->text, str_of(info->id));
}

static void write_builtin_tests(struct explain *explain, const struct detector_info *info)
{
	for (size_t i = 0; i < builtin_test_count; i++) {
		const struct builtin_file *test = &builtin_tests[i];
		struct arena arena = { 0 };
		struct yaml_file file;
		struct err err = { 0 };

		if (!yaml_parse(test->path, (struct str){ test->data, test->len }, &arena, &file,
				&err) &&
		    is_test_of(&file, info))
			write_test_file(explain, &file);
		arena_free(&arena);
	}
}

/* DIR/tests/X.yaml of DIR/X.yaml. */
static void write_tests_beside(struct explain *explain, const struct detector_info *info)
{
	const char *slash = strrchr(info->path, '/');
	struct arena arena = { 0 };
	char path[ERR_PATH_MAX];
	struct yaml_file file;
	struct err err = { 0 };
	struct str text;

	snprintf(path, sizeof(path), "%.*stests/%s", slash ? (int)(slash + 1 - info->path) : 0,
		 info->path, slash ? slash + 1 : info->path);
	if (!yaml_read_file(path, &arena, &text, &err) &&
	    !yaml_parse(path, text, &arena, &file, &err) && is_test_of(&file, info)) {
		write_test_file(explain, &file);
	} else {
		page_heading(&explain->page, "Tests");
		page_text(&explain->page, "None. rules/README.md shows how to write one.");
	}
	arena_free(&arena);
}

static void write_detector(struct explain *explain, const struct detector_info *info)
{
	char how[96];

	detector_page_write(&explain->page, explain->ruleset, info);
	if (explain->options->detectors)
		write_tests_beside(explain, info);
	else
		write_builtin_tests(explain, info);
	if (explain->options->detectors || !trigger_by_name(info->produces->name))
		return;
	page_heading(&explain->page, "Try it");
	snprintf(how, sizeof(how), "spoor trigger %s", info->produces->name);
	page_code(&explain->page, str_of(how));
}

/* An event, unless it is made by a detector that is loaded. */
static void explain_one(struct explain *explain, const char *name)
{
	const struct event_def *def = event_by_name(str_of(name));
	bool json = explain->options->json, made = !def || event_is_detection(def);
	struct detector_info info;

	made = made && rules_of(explain) && detector_find(explain->ruleset, name, &info);
	if (!made && !def)
		complain(explain, name);
	else if (made && json)
		print_json(detector_page_json(explain->ruleset, &info));
	else if (made)
		write_detector(explain, &info);
	else if (json)
		print_json(event_page_json(def));
	else
		event_page_write(&explain->page, def);
}

static bool format_choose(struct explain *explain)
{
	const char *format = explain->options->format;

	explain->markdown = !strcmp(format, "markdown");
	if (explain->markdown || !strcmp(format, "text"))
		return true;
	fprintf(stderr,
		"spoor explain: --format %s: formats are text and markdown; for JSON there is --json\n",
		format);
	return false;
}

static int explain_run(const struct options *options, int argc, char **argv)
{
	struct explain explain = { .options = options };

	if (!argc) {
		fprintf(stderr, "spoor explain: name an event or a detector\n%s", hint_list);
		return EXIT_USAGE;
	}
	if (!format_choose(&explain))
		return EXIT_USAGE;
	explain.page = page_for_stdout(&explain.out, explain.markdown);
	for (int i = 0; i < argc; i++)
		explain_one(&explain, argv[i]);
	if (explain.out.len)
		fwrite(explain.out.data, 1, explain.out.len, stdout);
	buf_free(&explain.out);
	ruleset_free(explain.ruleset);
	return explain.failed ? EXIT_BAD_INPUT : EXIT_FINE;
}

const struct command command_explain = {
	.name = "explain",
	.arguments = "[options] NAME...",
	.summary = "print the page of an event or detector",
	.help = "What an event tells: description, arguments with where each comes from and how far\n"
		"it can be trusted, hooks, an example of use, issues, related events. For a detector\n"
		"(by id or by the name of what it reports): what it looks for in words, threat,\n"
		"conditions, fields, cost, tests. With --json one object per name.\n\n"
		"Examples:\n"
		"  spoor explain msgget\n"
		"  spoor explain msgget msgsnd --json\n"
		"  spoor explain my_detector -d my-rules\n"
		"  spoor explain shmat --format markdown > shmat.md",
	.options = "detectors compat format json",
	.run = explain_run,
};
