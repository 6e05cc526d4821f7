/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file as detector, all the way to programs, in an environment that is made once: as fast as
 * loading itself. fuzz_ruleset is the whole of it.
 */
#include "detect/judge.h"
#include "fuzz_rules.h"

static struct loader loader;

static struct cel_env *make_environment(void)
{
	static struct arena arena;
	struct value_list *shells;
	struct cel_env *env;

	shells = arena_zalloc(&arena, sizeof(*shells) + sizeof(struct value));
	env = environment_new(0, ruleset_resolve, &ruleset_resolvers, &loader);
	CHECK(env && shells);
	shells->count = 1;
	shells->items[0] = value_str(STR("/bin/sh"));
	CHECK(!cel_env_constant(env, "SHELLS", "list(string)",
				(struct value){ .tag = VALUE_LIST, .len = 1, .list = shells }));
	return env;
}

static struct cel_env *environment(void)
{
	static struct cel_env *env;

	if (!env)
		env = make_environment();
	return env;
}

/* With output.for_each; a loader makes it when it is needed. */
static struct cel_env *environment_with_item(void)
{
	static struct cel_env *env;

	if (!env) {
		env = make_environment();
		CHECK(!environment_item(env));
	}
	return env;
}

static void load(struct report *report, struct yaml_file *file)
{
	struct detector_text text = { 0 };
	struct pending pending = { .source = { file->path, file->text, RULE_DETECTOR },
				   .file = file,
				   .text = &text };

	if (rule_file_type(report, file) != RULE_DETECTOR ||
	    !detector_text_read(report, file, &text))
		return;
	loader.item_env = environment_with_item();
	pending.detector = detector_make(&loader, report, &text);
	CHECK(pending.detector);
	detector_link(&loader, &pending, report);
	detector_compile(&loader, &pending, report, environment());
	CHECK(pending.broken == (loader.problems->errors > 0));
	if (!pending.broken)
		detector_judge(&loader, report, &pending);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct ruleset ruleset;
	static struct arena scratch, tree;
	struct err_list problems = { 0 };
	struct yaml_file file = { 0 };

	/* The dialect comes from the length, so that inputs stay plain files. */
	ruleset = (struct ruleset){ .arena = ruleset.arena };
	loader = (struct loader){ .ruleset = &ruleset,
				  .problems = &problems,
				  .options.compat_tracee = len % 4 == 0,
				  .scratch = scratch,
				  .tree = tree };
	if (read_input(data, len, &loader.scratch, &file)) {
		struct report report = { .problems = &problems,
					 .file = &file,
					 .arena = &loader.scratch,
					 .compat = loader_compat(&loader) };

		load(&report, &file);
		check_problems(&problems, "input.yaml");
	}
	arena_reset(&loader.scratch);
	arena_reset(&loader.tree);
	arena_reset(&ruleset.arena);
	scratch = loader.scratch;
	tree = loader.tree;
	err_list_free(&problems);
	return 0;
}
