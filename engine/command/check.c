/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spoor check: validate rules without running them. Detectors, lists and policies found under
 * the paths are loaded together, as the sensor would, and everything wrong is shown.
 */
#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/common.h"
#include "base/yaml.h"
#include "command.h"
#include "config/config.h"
#include "detect/detect.h"
#include "detect/rule_file.h"
#include "options.h"
#include "policy/policy.h"

enum { DEPTH_MAX = 16, PATHS_MAX = 4096 };

/* A NULL-terminated list of paths. */
struct paths {
	char *items[PATHS_MAX + 1];
	uint32_t count;
};

struct check {
	const struct options *options;
	struct err_list problems;
	struct paths detectors, policies;
	uint32_t files, configs;
};

static void add_path(struct check *check, struct paths *paths, const char *path)
{
	struct err err = { .level = ERR_ERROR, .rule = "limit" };
	char *copy = paths->count < PATHS_MAX ? strdup(path) : NULL;

	if (copy) {
		paths->items[paths->count++] = copy;
		return;
	}
	err_set(&err, -E2BIG, "too many files to check at once");
	err_at(&err, path, 0, 0);
	err_list_add(&check->problems, &err);
}

static void paths_free(struct paths *paths)
{
	for (uint32_t i = 0; i < paths->count; i++)
		free(paths->items[i]);
}

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

/* A configuration is checked where it is found; the others are loaded together. */
static void check_config(struct check *check, const char *path)
{
	struct config config;

	config_read(path, &config, &check->problems);
	config_free(&config);
	check->configs++;
}

/* What a file holds. What cannot be read counts as a detector: its loader says why. */
static enum rule_type type_of(const char *path, bool *is_config)
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
		const struct yaml_node *kind = yaml_get(file.root, "kind");

		if (kind && kind->kind == YAML_SCALAR && strcmp(kind->text.data, "Policy") == 0)
			type = RULE_POLICY;
		else if ((*is_config = config_recognise(file.root)))
			type = RULE_UNKNOWN;
		else
			type = rule_file_type(&report, &file);
	}
	err_list_free(&ignored);
	arena_free(&arena);
	return type == RULE_UNKNOWN ? RULE_DETECTOR : type;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t len = strlen(name), want = strlen(suffix);

	return len > want && strcmp(name + len - want, suffix) == 0;
}

static void find_in(struct check *check, const char *path, int depth);

/* One entry of a directory; true if the directory holds a detector or a list. */
static bool find_entry(struct check *check, const char *path, int depth)
{
	struct stat st;
	enum rule_type type;
	bool is_config = false;

	if (stat(path, &st) < 0)
		return false;
	if (S_ISDIR(st.st_mode)) {
		find_in(check, path, depth + 1);
		return false;
	}
	if (!has_suffix(path, ".yaml") && !has_suffix(path, ".yml") && !has_suffix(path, ".json"))
		return false;
	type = type_of(path, &is_config);
	check->files++;
	if (is_config)
		check_config(check, path);
	else if (type == RULE_POLICY)
		add_path(check, &check->policies, path);
	return !is_config && (type == RULE_DETECTOR || type == RULE_LIST);
}

/* `lists` beside `detectors` is read with it. */
static bool belongs_to_sibling(const char *path)
{
	char sibling[ERR_PATH_MAX];
	struct stat st;
	size_t len = strlen(path);

	if (len < 5 || strcmp(path + len - 5, "lists") != 0)
		return false;
	snprintf(sibling, sizeof(sibling), "%.*sdetectors", (int)(len - 5), path);
	return stat(sibling, &st) == 0 && S_ISDIR(st.st_mode);
}

static void find_in(struct check *check, const char *path, int depth)
{
	struct dirent **entries = NULL;
	bool holds_rules = false;
	int count = depth < DEPTH_MAX ? scandir(path, &entries, is_visible, by_bytes) : 0;

	if (count < 0)
		problem(check, ERR_ERROR, "path", path, NULL, strerror(errno));
	for (int i = 0; i < count; i++) {
		char inner[ERR_PATH_MAX];
		int need = snprintf(inner, sizeof(inner), "%s%s%s", path,
				    has_suffix(path, "/") ? "" : "/", entries[i]->d_name);

		if (need < (int)sizeof(inner))
			holds_rules |= find_entry(check, inner, depth);
		free(entries[i]);
	}
	free(entries);
	if (holds_rules && !belongs_to_sibling(path))
		add_path(check, &check->detectors, path);
}

static void find(struct check *check, const char *path)
{
	struct stat st;
	enum rule_type type;
	bool is_config = false;

	if (stat(path, &st) < 0) {
		problem(check, ERR_ERROR, "path", path, "give a rule file or a directory of them",
			strerror(errno));
		return;
	}
	if (S_ISDIR(st.st_mode)) {
		find_in(check, path, 0);
		return;
	}
	check->files++;
	type = type_of(path, &is_config);
	if (is_config)
		check_config(check, path);
	else if (type == RULE_POLICY)
		add_path(check, &check->policies, path);
	else if (type != RULE_TEST)
		add_path(check, &check->detectors, path);
}

/* DIR/x.yaml is tested by DIR/tests/x.yaml. */
static void check_tested(struct check *check, const struct ruleset *ruleset)
{
	for (uint32_t i = 0; i < ruleset_detector_count(ruleset); i++) {
		struct detector_info info;
		char test[ERR_PATH_MAX], hint[ERR_PATH_MAX + 32];
		const char *slash;

		ruleset_detector(ruleset, i, &info);
		slash = strrchr(info.path, '/');
		snprintf(test, sizeof(test), "%.*stests/%s",
			 slash ? (int)(slash + 1 - info.path) : 0, info.path,
			 slash ? slash + 1 : info.path);
		snprintf(hint, sizeof(hint), "write one in %s", test);
		if (access(test, R_OK) != 0)
			problem(check, ERR_WARNING, "no-test", info.path, hint,
				"this detector has no test");
	}
}

static void print_plan(const struct ruleset *ruleset)
{
	struct buf text = { 0 };

	ruleset_explain(ruleset, &text);
	printf("%s", buf_cstr(&text));
	buf_free(&text);
}

static bool load_all(struct check *check, bool given)
{
	struct ruleset_options options = { .compat_tracee = check->options->compat != NULL,
					   .environment = true,
					   .advise = true };
	struct policies_options policy_options = { .compat_tracee = options.compat_tracee };
	struct ruleset *ruleset;
	struct policies *policies = NULL;
	bool fine;

	if (check->detectors.count)
		ruleset = ruleset_load((const char *const *)check->detectors.items, &options,
				       &check->problems);
	else
		ruleset = ruleset_load_builtin(&options, &check->problems);
	fine = ruleset != NULL;
	if (fine && check->policies.count) {
		policies = policies_load((const char *const *)check->policies.items, NULL,
					 &policy_options, ruleset, &check->problems);
		fine = policies != NULL;
	}
	if (fine && given && check->detectors.count)
		check_tested(check, ruleset);
	if (fine && check->options->explain_plan)
		print_plan(ruleset);
	if (fine && !given)
		check->files = ruleset_detector_count(ruleset);
	policies_free(policies);
	ruleset_free(ruleset);
	return fine;
}

/* ---- output -------------------------------------------------------------------------- */

static const char *level_name(const struct err *err)
{
	return err->level == ERR_WARNING ? "warning" : "error";
}

static void print_text(const struct check *check)
{
	err_list_print(stdout, &check->problems);
	printf("%u error%s, %u warning%s in %u file%s\n", check->problems.errors,
	       check->problems.errors == 1 ? "" : "s", check->problems.warnings,
	       check->problems.warnings == 1 ? "" : "s", check->files,
	       check->files == 1 ? "" : "s");
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
	json_t *problems = json_array();

	for (uint32_t i = 0; i < check->problems.count; i++) {
		const struct err *err = &check->problems.items[i];

		json_array_append_new(problems,
				      json_pack("{s:s s:i s:i s:s s:s s:s s:s}", "path", err->path,
						"line", (int)err->line, "column", (int)err->column,
						"level", level_name(err), "rule",
						err->rule ? err->rule : "error", "message",
						err->message, "hint", err->hint));
	}
	print_document(json_pack("{s:i s:i s:i s:o}", "files", (int)check->files, "errors",
				 (int)check->problems.errors, "warnings",
				 (int)check->problems.warnings, "problems", problems));
}

static json_t *sarif_location(const struct err *err)
{
	json_t *place = json_pack("{s:{s:s}}", "artifactLocation", "uri", err->path);

	if (err->line)
		json_object_set_new(place, "region",
				    json_pack("{s:i s:i}", "startLine", (int)err->line,
					      "startColumn", (int)MAX(err->column, 1u)));
	return json_pack("[{s:o}]", "physicalLocation", place);
}

static void print_sarif(const struct check *check)
{
	json_t *results = json_array();

	for (uint32_t i = 0; i < check->problems.count; i++) {
		const struct err *err = &check->problems.items[i];
		char text[ERR_MESSAGE_MAX * 2 + 16];

		snprintf(text, sizeof(text), "%s%s%s", err->message, err->hint[0] ? "; hint: " : "",
			 err->hint);
		json_array_append_new(results, json_pack("{s:s s:s s:{s:s} s:o}", "ruleId",
							 err->rule ? err->rule : "error", "level",
							 level_name(err), "message", "text", text,
							 "locations", sarif_location(err)));
	}
	print_document(json_pack("{s:s s:s s:[{s:{s:{s:s s:s}} s:o}]}", "$schema",
				 "https://json.schemastore.org/sarif-2.1.0.json", "version",
				 "2.1.0", "runs", "tool", "driver", "name", "spoor", "version",
				 SPOOR_VERSION, "results", results));
}

static const struct {
	const char *name;
	void (*print)(const struct check *check);
} printers[] = { { "text", print_text }, { "json", print_json }, { "sarif", print_sarif } };

static int run_check(const struct options *options, int argc, char **argv)
{
	struct check *check = calloc(1, sizeof(*check));
	int status = EXIT_USAGE;
	size_t printer = 0;

	while (printer < ARRAY_SIZE(printers) &&
	       strcmp(options->format, printers[printer].name) != 0)
		printer++;
	if (!check || printer == ARRAY_SIZE(printers)) {
		fprintf(stderr, "error: %s '%s'\n    hint: one of text, json, sarif\n",
			check ? "unknown format" : "out of memory for format", options->format);
		free(check);
		return EXIT_USAGE;
	}
	if (options->explain_plan && printer != 0) {
		fprintf(stderr,
			"error: --explain-plan prints text\n    hint: leave out --format\n");
		free(check);
		return EXIT_USAGE;
	}
	check->options = options;
	for (int i = 0; i < argc; i++)
		find(check, argv[i]);
	if (argc && !check->problems.errors && !check->files)
		problem(check, ERR_ERROR, "path", argv[0], "rule files end in .yaml or .yml",
			"there are no rule files");
	if ((check->detectors.count || check->policies.count || argc == 0) &&
	    !load_all(check, argc > 0))
		problem(check, ERR_ERROR, "memory", "", NULL, "out of memory");
	printers[printer].print(check);
	status = check->problems.errors ? EXIT_BAD_INPUT : EXIT_FINE;
	paths_free(&check->detectors);
	paths_free(&check->policies);
	err_list_free(&check->problems);
	free(check);
	return status;
}

const struct command command_check = {
	.name = "check",
	.arguments = "[options] [PATH...]",
	.summary = "validate detectors, lists and policies",
	.help = "Loads rule files and directories as the sensor would and shows every mistake with\n"
		"its place and what to do about it; without PATH the built-in rules. Policies are\n"
		"checked against the detectors found under the paths, or the built-in ones.\n"
		"\n"
		"    spoor check rules\n"
		"    spoor check my-rules/backdoor.yaml --format sarif\n"
		"    spoor check --explain-plan my-rules\n"
		"\n"
		"Exit status 1 if there is an error; warnings do not count.\n",
	.options = "format compat explain_plan",
	.run = run_check,
};
