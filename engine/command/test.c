/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spoor test: run the tests beside rules. A file DIR/tests/X.yaml tests the detectors of DIR; the
 * tests of the built-in rules are in the binary as well.
 */
#include <errno.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/common.h"
#include "base/yaml.h"
#include "command.h"
#include "detect/builtin.h"
#include "detect/coverage.h"
#include "detect/detect.h"
#include "detect/golden.h"
#include "detect/rule_test.h"
#include "detect/rule_walk.h"
#include "encode/use.h"
#include "options.h"
#include "spoor.h"

struct run {
	const struct options *options;
	struct rule_test_count count;
	struct format_use use; /* --to */
	struct buf out;
	uint64_t sequence;
	struct ruleset *ruleset; /* of `directory` */
	char directory[ERR_PATH_MAX];
	struct coverage coverage;
	uint32_t updated; /* files */
	bool single;	  /* only files were named: coverage is of what they test */
	bool broken;	  /* a file or rule that cannot be read */
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

static bool is_among_tests(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	return len >= 5 && !strncmp(slash - 5, "tests", 5) && (len == 5 || slash[-6] == '/');
}

/* The folder of detectors that a test file belongs to: above `tests`, else its own. */
static void detectors_of(const char *path, char out[ERR_PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	if (is_among_tests(path))
		len -= MIN(len, strlen("/tests"));
	snprintf(out, ERR_PATH_MAX, "%.*s", len ? (int)len : 1,
		 len		 ? path
		 : slash == path ? "/"
				 : ".");
}

/* Done with the detectors at hand: what their tests have not shown. */
static void leave_ruleset(struct run *run)
{
	struct err_list problems = { 0 };

	if (run->ruleset && run->options->coverage)
		coverage_tell(run->ruleset, run->single, &problems, &run->coverage);
	err_list_print(run->options->to ? stderr : stdout, &problems);
	err_list_free(&problems);
	ruleset_free(run->ruleset);
	run->ruleset = NULL;
}

/* Loads the detectors of a test file, unless they are loaded already. */
static struct ruleset *ruleset_of(struct run *run, const char *path)
{
	struct ruleset_options options = { .compat_tracee = run->options->compat != NULL,
					   .coverage = run->options->coverage,
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
	leave_ruleset(run);
	snprintf(run->directory, sizeof(run->directory), "%s", directory);
	run->ruleset = ruleset_load(paths, &options, &problems);
	report(run, &problems);
	return run->ruleset;
}

/* ---- --update --------------------------------------------------------------------------- */

/* Whether the tests pass as they would be written; if not, says why. */
static bool passes_now(struct run *run, struct ruleset *ruleset, const char *path,
		       const struct buf *text)
{
	struct arena arena = { 0 };
	struct rule_test_count count = { 0 };
	struct err_list problems = { 0 };
	struct err err = { .level = ERR_ERROR };
	struct yaml_file file;
	bool fine;

	if (yaml_parse(path, (struct str){ text->data, (uint32_t)text->len }, &arena, &file, &err))
		err_list_add(&problems, &err);
	else if (rule_test_run(ruleset, &file, &problems, &count, NULL))
		run->broken = true;
	fine = !problems.errors && !run->broken;
	if (!fine)
		fprintf(stderr, "%s: error: the results cannot be written into it:\n", path);
	err_list_print(stderr, &problems);
	err_list_free(&problems);
	arena_free(&arena);
	return fine;
}

static void update_file(struct run *run, struct ruleset *ruleset, const char *path,
			struct golden *golden, struct rule_test_count before)
{
	struct buf text = { 0 };
	struct err err = { .level = ERR_ERROR };

	if (!golden_apply(golden, &text))
		err_set(&err, -ENOMEM, "out of memory");
	else if (!passes_now(run, ruleset, path, &text))
		run->count.failed += run->count.passed - before.passed,
			run->count.passed = before.passed;
	else if (golden_write(path, &text, &err) == 0)
		printf("updated %s: %u value%s, %u detection%s more, %u fewer\n", path,
		       golden->changed, golden->changed == 1 ? "" : "s", golden->added,
		       golden->added == 1 ? "" : "s", golden->removed);
	if (err.code) {
		err_print(stderr, &err);
		run->broken = true;
	}
	run->updated++;
	buf_free(&text);
}

/* ---- running ---------------------------------------------------------------------------- */

static void test_text(struct run *run, struct ruleset *ruleset, const struct yaml_file *file)
{
	struct err_list problems = { 0 };
	struct golden golden = { .file = file };
	struct rule_test_count before = run->count;
	bool update = run->options->update;

	if (!ruleset ||
	    rule_test_run(ruleset, file, &problems, &run->count, update ? &golden : NULL)) {
		fprintf(stderr, "error: out of memory\n");
		run->broken = true;
	}
	err_list_print(stderr, &problems);
	if (golden.count && !problems.errors && !run->broken)
		update_file(run, ruleset, file->path, &golden, before);
	err_list_free(&problems);
	golden_free(&golden);
	if (run->options->to)
		return;
	if (run->count.failed > before.failed)
		printf("not ok %s: %u of %u failed\n", file->path,
		       run->count.failed - before.failed,
		       run->count.failed - before.failed + run->count.passed - before.passed);
	else if (!run->options->quiet)
		printf("ok %s: %u\n", file->path, run->count.passed - before.passed);
}

static bool is_test(const struct yaml_node *type)
{
	return type && type->kind == YAML_SCALAR && str_equal(type->text, STR("rule_test"));
}

/* asked: the user named this very file, so it must be a test. */
static void test_file(void *ctx, const char *path, bool asked)
{
	struct run *run = ctx;
	struct arena arena = { 0 };
	struct yaml_file file = { .path = path };
	struct err err = { .level = ERR_ERROR };
	const struct yaml_node *type = NULL;
	struct str text;

	if (yaml_read_file(path, &arena, &text, &err) ||
	    yaml_parse(path, text, &arena, &file, &err)) {
		err_print(stderr, &err);
		run->broken = true;
	} else if (is_test(type = yaml_get(file.root, "type"))) {
		test_text(run, ruleset_of(run, path), &file);
	} else if (asked || is_among_tests(path)) {
		err_set(&err, -EINVAL, "this is no rule test");
		err_hint(&err, "a rule test starts with `type: rule_test`");
		yaml_err_node(&err, &file, type ? type : file.root);
		err_print(stderr, &err);
		run->broken = true;
	}
	arena_free(&arena);
}

static void test_builtin(struct run *run)
{
	struct ruleset_options options = { .compat_tracee = run->options->compat != NULL,
					   .coverage = run->options->coverage,
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

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void test_paths(struct run *run, int count, char **paths)
{
	struct err_list problems = { 0 };

	run->single = count > 0;
	for (int i = 0; i < count; i++)
		run->single &= !is_directory(paths[i]);
	if (count == 0)
		test_builtin(run);
	for (int i = 0; i < count; i++)
		rule_walk(paths[i], &problems, test_file, run);
	report(run, &problems);
	leave_ruleset(run);
}

static bool is_covered(const struct run *run)
{
	const struct coverage *c = &run->coverage;

	return !run->options->strict ||
	       (c->covered == c->conditions && c->decided == c->operands && c->came == c->steps);
}

static int run_test(const struct options *options, int argc, char **argv)
{
	struct run run = { .options = options };
	int status = options->to ? open_format(&run) : EXIT_FINE;

	if (status != EXIT_FINE)
		return status;
	if (options->update && (!argc || options->to)) {
		fputs(options->to
			      ? "spoor test: --update and --to exclude each other\n"
			      : "spoor test: --update wants the files or directories to update\n",
		      stderr);
		return EXIT_USAGE;
	}
	test_paths(&run, argc, argv);
	if (!run.broken && run.count.passed + run.count.failed == 0) {
		fprintf(stderr,
			"error: there are no rule tests\n"
			"    hint: a rule test is a file tests/NAME.yaml beside detectors\n");
		run.broken = true;
	}
	fflush(stdout);
	format_use_close(&run.use);
	buf_free(&run.out);
	if (options->coverage)
		fprintf(options->to ? stderr : stdout,
			"coverage: %u of %u conditions were both true and false, "
			"%u of %u operands of && and ||; %u of %u steps came\n",
			run.coverage.covered, run.coverage.conditions, run.coverage.decided,
			run.coverage.operands, run.coverage.came, run.coverage.steps);
	fprintf(options->to ? stderr : stdout, "%u passed, %u failed, 0 skipped\n",
		run.count.passed, run.count.failed);
	return run.broken || run.count.failed || !is_covered(&run) ? EXIT_BAD_INPUT : EXIT_FINE;
}

const struct command command_test = {
	.name = "test",
	.arguments = "[options] [PATH...]",
	.summary = "run the tests of rules",
	.help = "Runs the rule tests in files and directories; without PATH those of the built-in\n"
		"rules. A file DIR/tests/X.yaml tests the detectors of DIR. The clock is virtual;\n"
		"neither root nor a kernel is needed. How to write one: rules/README.md.\n"
		"\n"
		"--update writes what came out into the files, where it differs from what is\n"
		"expected; comments and layout stay. A test may be begun with its events alone.\n"
		"--coverage tells which conditions no test has seen true, or false, and which test\n"
		"is missing; with --strict that is a failure.\n"
		"\n"
		"Ends with 'N passed, N failed, N skipped'; exit status 1 if one failed.\n\n"
		"Examples:\n"
		"  spoor test rules\n"
		"  spoor test my-rules/tests/backdoor.yaml\n"
		"  spoor test --coverage my-rules\n"
		"  spoor test --update my-rules/tests/backdoor.yaml\n"
		"  spoor test --to ecs my-rules      what the detections look like to a SIEM",
	.options = "detectors to compat update coverage strict quiet help",
	.run = run_test,
};
