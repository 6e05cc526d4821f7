/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spoor check: validate rules without running them. Detectors, lists, policies and tests found
 * under the paths are loaded together, as the sensor would, and everything wrong is shown.
 */
#include <errno.h>
#include <jansson.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/common.h"
#include "base/diagnostic.h"
#include "base/yaml.h"
#include "command.h"
#include "config/config.h"
#include "detect/detect.h"
#include "detect/rule_file.h"
#include "detect/rule_test.h"
#include "detect/rule_walk.h"
#include "options.h"
#include "page/problem_page.h"
#include "page/table.h"
#include "policy/editor_schema.h"
#include "policy/policy.h"

enum { PATHS_MAX = 20000 };

/* A NULL-terminated list of paths, or of names. */
struct paths {
	char *items[PATHS_MAX + 1];
	uint32_t count;
};

struct check {
	const struct options *options;
	struct err_list problems;
	struct paths detectors; /* files and directories, to be loaded */
	struct paths policies, tests;
	struct paths tested; /* ids of detectors that tests name */
	uint32_t files, configs, detector_count, list_count;
};

static void problem(struct check *check, enum err_level level, const char *rule, const char *path,
		    const char *hint, const char *message)
{
	struct err err = { .level = level, .rule = rule };

	err_set(&err, -EINVAL, "%s", message);
	err_at(&err, path, 0, 0);
	if (hint)
		err_hint(&err, "%s", hint);
	err_list_add(&check->problems, &err);
}

static bool paths_have(const struct paths *paths, const char *path)
{
	for (uint32_t i = paths->count; i-- > 0;)
		if (strcmp(paths->items[i], path) == 0)
			return true;
	return false;
}

static void add_path(struct check *check, struct paths *paths, const char *path)
{
	char *copy;

	if (paths_have(paths, path))
		return;
	copy = paths->count < PATHS_MAX ? strdup(path) : NULL;
	if (copy)
		paths->items[paths->count++] = copy;
	else
		problem(check, ERR_ERROR, "limit", path, NULL, "too many files to check at once");
}

static void paths_free(struct paths *paths)
{
	for (uint32_t i = 0; i < paths->count; i++)
		free(paths->items[i]);
}

/* ---- finding -------------------------------------------------------------------------- */

static bool is_policy_resource(const struct yaml_file *file)
{
	const struct yaml_node *kind = yaml_get(file->root, "kind");

	return kind && kind->kind == YAML_SCALAR && strcmp(kind->text.data, "Policy") == 0;
}

/* Which detector a test is of. */
static void note_tested(struct check *check, const struct yaml_file *file)
{
	const struct yaml_node *id = yaml_get(file->root, "detector");

	if (id && id->kind == YAML_SCALAR)
		add_path(check, &check->tested, id->text.data);
}

/* A configuration is checked where it is found; the others are loaded together. */
static void check_config(struct check *check, const char *path)
{
	struct config config;

	config_read(path, &config, &check->problems);
	config_free(&config);
	check->configs++;
}

/* What a file holds. What cannot be read counts as a detector: its loader says why. */
static enum rule_type type_of(struct check *check, const char *path, bool *is_config)
{
	struct arena arena = { 0 };
	struct err_list ignored = { 0 };
	struct err err = { 0 };
	struct yaml_file file = { .path = path };
	struct report report = { .problems = &ignored, .file = &file, .arena = &arena };
	enum rule_type type = RULE_DETECTOR;
	struct str text;

	if (yaml_read_file(path, &arena, &text, &err) == 0 &&
	    yaml_parse(path, text, &arena, &file, &err) == 0) {
		*is_config = !is_policy_resource(&file) && config_recognise(file.root);
		type = is_policy_resource(&file) ? RULE_POLICY
		       : *is_config		 ? RULE_UNKNOWN
						 : rule_file_type(&report, &file);
	}
	if (type == RULE_TEST)
		note_tested(check, &file);
	err_list_free(&ignored);
	arena_free(&arena);
	return type == RULE_UNKNOWN ? RULE_DETECTOR : type;
}

static bool ends_in(const char *path, size_t len, const char *name)
{
	size_t want = strlen(name);

	return len >= want && strncmp(path + len - want, name, want) == 0 &&
	       (len == want || path[len - want - 1] == '/');
}

/* `lists` beside `detectors` is read with it. */
static bool is_sibling(const char *directory)
{
	char sibling[ERR_PATH_MAX];
	size_t len = strlen(directory);
	struct stat st;

	if (!ends_in(directory, len, "lists"))
		return false;
	snprintf(sibling, sizeof(sibling), "%.*sdetectors", (int)(len - 5), directory);
	return stat(sibling, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A file that was named is loaded alone, one that was found with its directory. */
static void add_rules(struct check *check, const char *path, bool asked)
{
	char directory[ERR_PATH_MAX];
	const char *slash = strrchr(path, '/');

	snprintf(directory, sizeof(directory), "%.*s", slash ? (int)(slash - path) : 1,
		 slash ? path : ".");
	if (asked)
		add_path(check, &check->detectors, path);
	else if (!is_sibling(directory))
		add_path(check, &check->detectors, directory[0] ? directory : "/");
}

static void visit(void *ctx, const char *path, bool asked)
{
	struct check *check = ctx;
	bool is_config = false;
	enum rule_type type = type_of(check, path, &is_config);

	check->files++;
	if (is_config) {
		check_config(check, path);
		return;
	}
	switch (type) {
	case RULE_POLICY: add_path(check, &check->policies, path); break;
	case RULE_TEST: add_path(check, &check->tests, path); break;
	case RULE_LIST:
		check->list_count++;
		add_rules(check, path, asked);
		break;
	default:
		check->detector_count++;
		add_rules(check, path, asked);
		break;
	}
}

/* ---- checking ------------------------------------------------------------------------- */

/* A test names the detector, or DIR/x.yaml has a DIR/tests/x.yaml. */
static void check_tested(struct check *check, const struct detector_info *info)
{
	char test[ERR_PATH_MAX], hint[ERR_PATH_MAX + 32];
	const char *slash = strrchr(info->path, '/');

	snprintf(test, sizeof(test), "%.*stests/%s", slash ? (int)(slash + 1 - info->path) : 0,
		 info->path, slash ? slash + 1 : info->path);
	snprintf(hint, sizeof(hint), "write one in %s", test);
	if (!paths_have(&check->tested, info->id) && access(test, R_OK) != 0)
		problem(check, ERR_WARNING, "no-test", info->path, hint,
			"this detector has no test");
}

static void check_test(struct check *check, struct ruleset *ruleset, const char *path)
{
	struct arena arena = { 0 };
	struct yaml_file file = { .path = path };
	struct err err = { .level = ERR_ERROR, .rule = "path" };
	struct str text;

	if (yaml_read_file(path, &arena, &text, &err) ||
	    yaml_parse(path, text, &arena, &file, &err))
		err_list_add(&check->problems, &err);
	else
		rule_test_check(ruleset, &file, &check->problems);
	arena_free(&arena);
}

static void print_plan(const struct ruleset *ruleset)
{
	struct buf text = { 0 };

	ruleset_explain(ruleset, &text);
	printf("%s", buf_cstr(&text));
	buf_free(&text);
}

static bool check_policies(struct check *check, const struct ruleset *ruleset)
{
	struct policies_options options = { .compat_tracee = check->options->compat != NULL,
					    .judge = true };
	struct policies *policies;

	if (!check->policies.count)
		return true;
	policies = policies_load((const char *const *)check->policies.items, NULL, &options,
				 ruleset, &check->problems);
	policies_free(policies);
	return policies != NULL;
}

static void check_all(struct check *check, bool given)
{
	struct ruleset_options options = { .compat_tracee = check->options->compat != NULL,
					   .environment = true,
					   .advise = true };
	struct ruleset *ruleset =
		check->detectors.count ? ruleset_load((const char *const *)check->detectors.items,
						      &options, &check->problems)
				       : ruleset_load_builtin(&options, &check->problems);

	if (!ruleset || !check_policies(check, ruleset))
		problem(check, ERR_ERROR, "memory", "", NULL, "out of memory");
	for (uint32_t i = 0; ruleset && i < ruleset_detector_count(ruleset); i++) {
		struct detector_info info;

		ruleset_detector(ruleset, i, &info);
		if (given && check->detectors.count)
			check_tested(check, &info);
	}
	/* A detector that does not load would be unknown to its tests as well. */
	for (uint32_t i = 0; ruleset && !check->problems.errors && i < check->tests.count; i++)
		check_test(check, ruleset, check->tests.items[i]);
	if (ruleset && check->options->explain_plan)
		print_plan(ruleset);
	if (ruleset && !given)
		check->detector_count = ruleset_detector_count(ruleset);
	ruleset_free(ruleset);
	err_list_sort(&check->problems);
}

/* ---- output -------------------------------------------------------------------------- */

static void print_count(uint32_t count, const char *what, const char *more, const char *end)
{
	printf("%u %s%s%s", count, what, count == 1 ? "" : more, end);
}

static void print_text(const struct check *check)
{
	err_list_print(stdout, &check->problems);
	print_count(check->problems.errors, "error", "s", ", ");
	print_count(check->problems.warnings, "warning", "s", " in ");
	if (check->configs && check->configs == check->files) {
		print_count(check->files, "file", "s", "\n");
		return;
	}
	print_count(check->detector_count, "detector", "s", ", ");
	print_count(check->list_count, "list", "s", ", ");
	print_count(check->policies.count, "polic", "",
		    check->policies.count == 1 ? "y, " : "ies, ");
	print_count(check->tests.count, "test file", "s", check->configs ? ", " : "\n");
	if (check->configs)
		print_count(check->configs, "configuration", "s", "\n");
}

static void print_document(json_t *document)
{
	if (document)
		json_dumpf(document, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(document);
}

static void print_json(const struct check *check)
{
	print_document(json_pack(
		"{s:i s:i s:i s:i s:i s:i s:i s:o}", "files", (int)check->files, "detectors",
		(int)check->detector_count, "lists", (int)check->list_count, "policies",
		(int)check->policies.count, "tests", (int)check->tests.count, "errors",
		(int)check->problems.errors, "warnings", (int)check->problems.warnings, "problems",
		problems_json(&check->problems)));
}

static void print_sarif(const struct check *check)
{
	print_document(problems_sarif(&check->problems, SPOOR_VERSION));
}

static const struct printer {
	const char *name;
	void (*print)(const struct check *check);
} printers[] = { { "text", print_text }, { "json", print_json }, { "sarif", print_sarif } };

static int print_diagnostics(void)
{
	struct table table = { .columns = 3, .headings = { "RULE", "LEVEL", "WHAT" } };
	struct buf out = { 0 };

	for (size_t i = 0; i < diagnostic_count; i++)
		table_add(&table,
			  (const char *[]){ diagnostics[i].id,
					    diagnostics[i].level == ERR_ERROR ? "error" : "warning",
					    diagnostics[i].title });
	table_write(&out, &table, table_width());
	fwrite(out.data, 1, out.len, stdout);
	buf_free(&out);
	table_free(&table);
	return EXIT_FINE;
}

static int print_schema(const char *kind)
{
	bool names = strcmp(kind, "names") == 0;

	if (!names && strcmp(kind, "plain") != 0) {
		fprintf(stderr, "error: unknown schema '%s'\n    hint: names or plain\n", kind);
		return EXIT_USAGE;
	}
	print_document(editor_schema(names));
	return EXIT_FINE;
}

/* ---- the command ------------------------------------------------------------------------ */

static const struct printer *printer_find(const struct options *options)
{
	const struct printer *printer = printers;

	while (printer < printers + ARRAY_SIZE(printers) &&
	       strcmp(options->format, printer->name) != 0)
		printer++;
	if (printer == printers + ARRAY_SIZE(printers))
		fprintf(stderr, "error: unknown format '%s'\n    hint: one of text, json, sarif\n",
			options->format);
	else if (options->explain_plan && printer != printers)
		fprintf(stderr,
			"error: --explain-plan prints text\n    hint: leave out --format\n");
	else
		return printer;
	return NULL;
}

static int check_paths(struct check *check, int argc, char **argv, const struct printer *printer)
{
	for (int i = 0; i < argc; i++)
		rule_walk(argv[i], &check->problems, visit, check);
	if (argc && !check->problems.errors && !check->files)
		problem(check, ERR_ERROR, "path", argv[0], "rule files end in .yaml or .yml",
			"there are no rule files");
	/* A configuration alone asks for no rules. */
	if (check->files > check->configs || argc == 0)
		check_all(check, argc > 0);
	printer->print(check);
	return check->problems.errors || (check->options->strict && check->problems.warnings)
		       ? EXIT_BAD_INPUT
		       : EXIT_FINE;
}

static int run_check(const struct options *options, int argc, char **argv)
{
	const struct printer *printer = printer_find(options);
	struct check *check;
	int status;

	if (!printer)
		return EXIT_USAGE;
	if (options->list)
		return print_diagnostics();
	if (options->schema)
		return print_schema(options->schema);
	check = calloc(1, sizeof(*check));
	if (!check) {
		fprintf(stderr, "error: out of memory\n");
		return EXIT_ENVIRONMENT;
	}
	check->options = options;
	status = check_paths(check, argc, argv, printer);
	paths_free(&check->detectors);
	paths_free(&check->policies);
	paths_free(&check->tests);
	paths_free(&check->tested);
	err_list_free(&check->problems);
	free(check);
	return status;
}

const struct command command_check = {
	.name = "check",
	.arguments = "[options] [PATH...]",
	.summary = "validate detectors, lists, policies and tests",
	.help = "Loads rule files and directories as the sensor would and shows every mistake with\n"
		"its place and what to do about it; without PATH the built-in rules. Policies and\n"
		"tests are checked against the detectors found under the paths, or the built-in\n"
		"ones; configuration files are checked as well. --list shows what is looked for,\n"
		"--schema names prints the JSON Schema with which an editor completes rule files\n"
		"and marks mistakes as they are typed.\n"
		"Exit status 1 if there is an error; warnings count with --strict only.\n\n"
		"Examples:\n"
		"  spoor check rules\n"
		"  spoor check spoor.yaml\n"
		"  spoor check my-rules/backdoor.yaml --format sarif\n"
		"  spoor check --explain-plan my-rules",
	.options = "format compat explain_plan strict list schema",
	.run = run_check,
};
