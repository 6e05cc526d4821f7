/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spoor test: run the tests beside rules. A file DIR/tests/X.yaml tests the detectors of DIR; the
 * tests of the built-in rules are in the binary as well.
 */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/common.h"
#include "base/yaml.h"
#include "command.h"
#include "detect/builtin.h"
#include "detect/detect.h"
#include "detect/rule_test.h"
#include "encode/use.h"
#include "options.h"
#include "spoor.h"

enum { DEPTH_MAX = 16 };

struct run {
	const struct options *options;
	struct rule_test_count count;
	struct format_use use; /* --to */
	struct buf out;
	uint64_t sequence;
	struct ruleset *ruleset; /* of `directory` */
	char directory[ERR_PATH_MAX];
	bool broken; /* a file or rule that cannot be read */
};

/* What the sensor would have sent. */
static void print_detection(void *ctx, const struct event *produced)
{
	static const struct str policies[] = { { "", 0 } };
	static const struct host nowhere = { .name = { "test", 4 } };
	struct run *run = ctx;
	struct format_options options = { .host = &nowhere, .sensor_version = spoor_version() };
	struct alert_identity identity = { .sequence = ++run->sequence };
	struct event event = *produced;

	alert_id(identity.id, &event, &nowhere);
	event.alert = &identity;
	event.policies = policies;
	event.policy_count = 1;
	buf_clear(&run->out);
	if (run->sequence == 1 && run->use.format->begin)
		run->use.format->begin(&run->out, &options);
	format_use_write(&run->use, &run->out, &event, &options);
	fwrite(run->out.data, 1, run->out.len, stdout);
}

static int open_format(struct run *run)
{
	const struct format *format = format_by_name(str_of(run->options->to));
	struct err err = { 0 };

	if (!format) {
		fprintf(stderr,
			"spoor test: --to %s: there is no such format\n"
			"    hint: 'spoor list formats' has them\n",
			run->options->to);
		return EXIT_USAGE;
	}
	if (format_use_open(&run->use, format, NULL, 0, NULL, &err) < 0) {
		err_print(stderr, &err);
		return EXIT_BAD_INPUT;
	}
	run->count.sink = print_detection;
	run->count.ctx = run;
	return EXIT_FINE;
}

static void report(struct run *run, struct err_list *problems)
{
	err_list_print(stderr, problems);
	run->broken |= problems->errors > 0;
	err_list_free(problems);
}

/* The folder of detectors that a test file belongs to: above `tests`, else its own. */
static void detectors_of(const char *path, char out[ERR_PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	if (len >= 6 && strncmp(path + len - 6, "/tests", 6) == 0)
		len -= 6;
	else if (len == 5 && strncmp(path, "tests", 5) == 0)
		len = 0;
	snprintf(out, ERR_PATH_MAX, "%.*s", len ? (int)len : 1,
		 len		 ? path
		 : slash == path ? "/"
				 : ".");
}

/* Loads the detectors of a test file, unless they are loaded already. */
static struct ruleset *ruleset_of(struct run *run, const char *path)
{
	struct ruleset_options options = { .compat_tracee = run->options->compat != NULL,
					   .environment = true };
	struct err_list problems = { 0 };
	char directory[ERR_PATH_MAX];
	const char *const paths[] = { directory, NULL };

	if (run->options->detectors) {
		if (!run->ruleset) {
			run->ruleset = ruleset_load(run->options->detectors, &options, &problems);
			report(run, &problems);
		}
		return run->ruleset;
	}
	detectors_of(path, directory);
	if (run->ruleset && strcmp(directory, run->directory) == 0)
		return run->ruleset;
	ruleset_free(run->ruleset);
	snprintf(run->directory, sizeof(run->directory), "%s", directory);
	run->ruleset = ruleset_load(paths, &options, &problems);
	report(run, &problems);
	return run->ruleset;
}

static void test_text(struct run *run, struct ruleset *ruleset, const struct yaml_file *file)
{
	struct err_list problems = { 0 };
	struct rule_test_count before = run->count;

	if (!ruleset || rule_test_run(ruleset, file, &problems, &run->count)) {
		fprintf(stderr, "error: out of memory\n");
		run->broken = true;
	}
	err_list_print(stderr, &problems);
	err_list_free(&problems);
	if (run->options->to)
		return;
	if (run->count.failed > before.failed)
		printf("not ok %s: %u of %u failed\n", file->path,
		       run->count.failed - before.failed,
		       run->count.failed - before.failed + run->count.passed - before.passed);
	else if (!run->options->quiet)
		printf("ok %s: %u\n", file->path, run->count.passed - before.passed);
}

static bool is_test(const struct yaml_file *file)
{
	const struct yaml_node *type = yaml_get(file->root, "type");

	return type && type->kind == YAML_SCALAR && str_equal(type->text, STR("rule_test"));
}

/* asked: the user named this very file, so it must be a test. */
static void test_file(struct run *run, const char *path, bool asked)
{
	struct arena arena = { 0 };
	struct yaml_file file = { .path = path };
	struct err err = { .level = ERR_ERROR };
	struct str text;

	if (yaml_read_file(path, &arena, &text, &err) ||
	    yaml_parse(path, text, &arena, &file, &err)) {
		err_print(stderr, &err);
		run->broken = true;
	} else if (is_test(&file)) {
		test_text(run, ruleset_of(run, path), &file);
	} else if (asked) {
		err_set(&err, -EINVAL, "this is no rule test");
		err_hint(&err, "a rule test starts with `type: rule_test`");
		yaml_err_node(&err, &file, file.root);
		err_print(stderr, &err);
		run->broken = true;
	}
	arena_free(&arena);
}

static bool is_yaml(const char *name)
{
	size_t len = strlen(name);

	return (len > 5 && strcmp(name + len - 5, ".yaml") == 0) ||
	       (len > 4 && strcmp(name + len - 4, ".yml") == 0);
}

static int no_dots(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void test_path(struct run *run, const char *path, int depth)
{
	struct dirent **entries = NULL;
	struct stat st;
	int count;

	if (stat(path, &st) < 0) {
		fprintf(stderr, "%s: error: %s\n", path, strerror(errno));
		run->broken = true;
		return;
	}
	if (!S_ISDIR(st.st_mode)) {
		if (depth == 0 || (S_ISREG(st.st_mode) && is_yaml(path)))
			test_file(run, path, depth == 0);
		return;
	}
	count = depth < DEPTH_MAX ? scandir(path, &entries, no_dots, by_bytes) : 0;
	for (int i = 0; i < count; i++) {
		char inner[ERR_PATH_MAX];
		size_t len = strlen(path);
		int need = snprintf(inner, sizeof(inner), "%s%s%s", path,
				    len && path[len - 1] == '/' ? "" : "/", entries[i]->d_name);

		if (need < (int)sizeof(inner))
			test_path(run, inner, depth + 1);
		free(entries[i]);
	}
	free(entries);
}

static void test_builtin(struct run *run)
{
	struct ruleset_options options = { .compat_tracee = run->options->compat != NULL,
					   .environment = true };
	struct err_list problems = { 0 };
	struct err err = { .level = ERR_ERROR };

	run->ruleset = ruleset_load_builtin(&options, &problems);
	report(run, &problems);
	for (size_t i = 0; i < builtin_test_count; i++) {
		const struct builtin_file *builtin = &builtin_tests[i];
		struct arena arena = { 0 };
		struct yaml_file file;

		if (yaml_parse(builtin->path, (struct str){ builtin->data, builtin->len }, &arena,
			       &file, &err)) {
			err_print(stderr, &err);
			run->broken = true;
		} else {
			test_text(run, run->ruleset, &file);
		}
		arena_free(&arena);
	}
}

static int run_test(const struct options *options, int argc, char **argv)
{
	struct run run = { .options = options };
	int status = options->to ? open_format(&run) : EXIT_FINE;

	if (status != EXIT_FINE)
		return status;
	if (argc == 0)
		test_builtin(&run);
	for (int i = 0; i < argc; i++)
		test_path(&run, argv[i], 0);
	ruleset_free(run.ruleset);
	if (!run.broken && run.count.passed + run.count.failed == 0) {
		fprintf(stderr,
			"error: there are no rule tests\n"
			"    hint: a rule test is a file tests/NAME.yaml beside detectors\n");
		run.broken = true;
	}
	fflush(stdout);
	format_use_close(&run.use);
	buf_free(&run.out);
	fprintf(options->to ? stderr : stdout, "%u passed, %u failed, 0 skipped\n",
		run.count.passed, run.count.failed);
	return run.broken || run.count.failed ? EXIT_BAD_INPUT : EXIT_FINE;
}

const struct command command_test = {
	.name = "test",
	.arguments = "[options] [PATH...]",
	.summary = "run the tests of rules",
	.help = "Runs the rule tests in files and directories; without PATH those of the built-in\n"
		"rules. A file DIR/tests/X.yaml tests the detectors of DIR. The clock is virtual;\n"
		"neither root nor a kernel is needed. How to write one: rules/README.md.\n"
		"\n"
		"    spoor test rules\n"
		"    spoor test my-rules/tests/backdoor.yaml\n"
		"    spoor test --to ecs my-rules      what the detections look like to a SIEM\n"
		"\n"
		"Ends with 'N passed, N failed, N skipped'; exit status 1 if one failed.\n",
	.options = "detectors to compat quiet help",
	.run = run_test,
};
