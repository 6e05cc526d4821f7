/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs files of CEL's conformance tests (as JSON): cel-conformance [--class core,ext,proto]
 * [--verbose] FILE... Ends with "N passed, N failed, N skipped"; skipped are other classes and
 * the differences that differences.def lists by name.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "cel/cel.h"
#include "vectors.h"

struct options {
	const char *classes;
	bool verbose;
};

/* One test while it runs. */
struct test {
	const json_t *json;
	struct arena arena;
	struct cel_env *env;
	char problem[2048];
};

enum outcome { PASSED, FAILED, SKIPPED };

static void get_binding(struct cel_run *run, const void *data, struct value *out);

/* Variables have no context in a getter, so each has a getter of its own. */
enum { BINDINGS_MAX = 8 };
static struct value bindings[BINDINGS_MAX];

#define GETTER(i) \
	static void get_##i(struct cel_run *run, const void *data, struct value *out) \
	{ \
		(void)run; \
		(void)data; \
		*out = bindings[i]; \
	}
GETTER(0)
GETTER(1)
GETTER(2)
GETTER(3)
GETTER(4)
GETTER(5)
GETTER(6)
GETTER(7)

static const cel_get_fn getters[BINDINGS_MAX] = { get_0, get_1, get_2, get_3,
						  get_4, get_5, get_6, get_7 };

static void get_binding(struct cel_run *run, const void *data, struct value *out)
{
	(void)run;
	(void)data;
	*out = (struct value){ .tag = VALUE_ERROR, .len = 7, .str = "unbound" };
}

static void call_nothing(struct cel_run *run, const struct value *args, uint32_t count,
			 struct value *out)
{
	(void)args;
	(void)count;
	*out = cel_error(run, "declared only");
}

static bool declare_overload(struct test *test, const char *name, const json_t *overload)
{
	struct cel_function *row = arena_zalloc(&test->arena, sizeof(*row));
	struct buf text = { .limit = 4096 };
	const json_t *params = json_object_get(overload, "params");
	bool method = json_flag(overload, "receiver");
	const char *result = type_of_json(&test->arena, json_object_get(overload, "result"));

	for (size_t i = 0; i < json_array_size(params); i++) {
		const char *type = type_of_json(&test->arena, json_array_get(params, i));

		if (method && i == 0)
			buf_printf(&text, "%s.(", type);
		else
			buf_printf(&text, "%s%s",
				   i == (method ? 1u : 0u) ? (method ? "" : "(") : ", ", type);
	}
	buf_printf(&text, ") -> %s", result);
	*row = (struct cel_function){
		.name = name,
		.signature = arena_str(&test->arena, buf_cstr(&text), text.len).data,
		.call = call_nothing
	};
	buf_free(&text);
	return cel_env_functions(test->env, row, 1) == 0;
}

static bool declare(struct test *test, const json_t *declaration, uint32_t *next)
{
	const char *name = json_text(declaration, "name"), *type;
	const json_t *overloads = json_object_get(declaration, "overloads");
	const json_t *binding = json_object_get(json_object_get(test->json, "bindings"), name);
	cel_get_fn get = get_binding;
	size_t i;
	json_t *overload;

	json_array_foreach(overloads, i,
			   overload) if (!declare_overload(test, name, overload)) return false;
	if (overloads)
		return true;
	type = type_of_json(&test->arena, json_object_get(declaration, "type"));
	if (binding && json_object_get(binding, "value")) {
		if (*next == BINDINGS_MAX ||
		    !value_of_json(&test->arena, json_object_get(binding, "value"),
				   &bindings[*next]))
			return false;
		get = getters[(*next)++];
	}
	return type && cel_env_variable(test->env, name, type, get) == 0;
}

static bool declared(const json_t *declarations, const char *name)
{
	size_t i;
	json_t *declaration;

	json_array_foreach(declarations, i, declaration) if (strcmp(json_text(declaration, "name"),
								    name) == 0) return true;
	return false;
}

/* Bindings without a declaration are dyn. */
static bool declare_rest(struct test *test, uint32_t *next)
{
	json_t *given = json_object_get(test->json, "bindings"), *binding;
	const char *name;

	json_object_foreach(given, name, binding)
	{
		if (declared(json_object_get(test->json, "type_env"), name))
			continue;
		json_t *declaration = json_pack("{s:s, s:s}", "name", name, "type", "dyn");
		bool done = declare(test, declaration, next);

		json_decref(declaration);
		if (!done)
			return false;
	}
	return true;
}

static bool set_up(struct test *test)
{
	uint32_t options = 0, next = 0;
	size_t i;
	json_t *declaration;

	if (json_flag(test->json, "disable_check"))
		options |= CEL_UNCHECKED;
	if (json_flag(test->json, "disable_macros"))
		options |= CEL_NO_MACROS;
	test->env = cel_env_new_with(options);
	if (!test->env || cel_env_container(test->env, json_text(test->json, "container")))
		return false;
	json_array_foreach(json_object_get(test->json, "type_env"), i,
			   declaration) if (!declare(test, declaration, &next)) return false;
	return declare_rest(test, &next);
}

static void explain_value(struct test *test, struct value value)
{
	struct buf text = { .limit = sizeof(test->problem) / 2 };
	char *want = json_dumps(json_object_get(test->json, "expect"), JSON_COMPACT);

	cel_print(&text, value);
	snprintf(test->problem, sizeof(test->problem), "gave tag %d %s, expected %s", value.tag,
		 buf_cstr(&text), want);
	free(want);
	buf_free(&text);
}

static enum outcome judge(struct test *test, const struct cel_program *program)
{
	const json_t *expect = json_object_get(test->json, "expect");
	const json_t *type = json_object_get(test->json, "deduced_type");
	struct cel_run run = { .arena = &test->arena };
	struct value value;

	if (type && strcmp(cel_program_type(program), type_of_json(&test->arena, type)) != 0) {
		snprintf(test->problem, sizeof(test->problem), "has type %.300s, expected %.300s",
			 cel_program_type(program), type_of_json(&test->arena, type));
		return FAILED;
	}
	if (json_flag(test->json, "check_only"))
		return PASSED;
	value = cel_eval(program, &run);
	if (json_flag(expect, "error") ? value.tag == VALUE_ERROR
				       : value_is_json(value, json_object_get(expect, "value")))
		return PASSED;
	explain_value(test, value);
	return FAILED;
}

static enum outcome run_test(struct test *test)
{
	const json_t *expr = json_object_get(test->json, "expr");
	struct cel_source source = {
		.text = { json_string_value(expr), (uint32_t)json_string_length(expr) },
	};
	const struct cel_program *program;
	struct err err = { .code = 0 };

	if (!set_up(test)) {
		snprintf(test->problem, sizeof(test->problem), "cannot be set up");
		return FAILED;
	}
	if (cel_compile(test->env, &source, NULL, &test->arena, &program, &err) == 0)
		return judge(test, program);
	if (json_flag(json_object_get(test->json, "expect"), "error"))
		return PASSED;
	snprintf(test->problem, sizeof(test->problem), "does not compile: %u:%u: %.400s (%.400s)",
		 err.line, err.column, err.message, err.hint);
	return FAILED;
}

static bool wanted(const struct options *options, const json_t *json)
{
	const char *class = json_text(json, "class");

	return strstr(options->classes, class) != NULL;
}

/* ---- differences ---------------------------------------------------------------- */

/* Why a test is not met; the sentences are those of the report. */
enum reason {
	SUITE_MESSAGE,
	AS_CEL_GO,
};

static const char *const reasons[] = {
	[SUITE_MESSAGE] = "needs a message that only the suite declares (cel.expr.conformance)",
	[AS_CEL_GO] =
		"cel-go, for which Tracee's rules are written, differs from the specification",
};

static const struct difference {
	const char *name;
	enum reason reason;
} differences[] = {
#define DIFFERENCE(reason, name) { name, reason },
#include "differences.def"
#undef DIFFERENCE
};

static const struct difference *find_difference(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(differences); i++)
		if (strcmp(differences[i].name, name) == 0)
			return &differences[i];
	return NULL;
}

static bool names_suite_message(const json_t *json)
{
	static const char *const names[] = { "cel.expr.conformance", "TestAllTypes", "TestRequired",
					     "GlobalEnum",	     "NestedEnum",   "_ext" };
	char *text = json_dumps(json, JSON_COMPACT);
	bool found = false;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		found |= text && strstr(text, names[i]);
	free(text);
	return found && strcmp(json_text(json, "class"), "proto") == 0;
}

/*
 * What the list of differences makes of an outcome. One that is met although it is listed is a
 * failure, so that the list stays true. Tests that are not listed because they were not at
 * hand when it was made are skipped on the same grounds, and said to be new.
 */
static enum outcome weigh(struct test *test, const char *name, enum outcome outcome)
{
	const struct difference *listed = find_difference(name);
	bool cel_go = strcmp(json_text(test->json, "cel_go"), "differs") == 0;

	if (outcome == PASSED && listed) {
		snprintf(test->problem, sizeof(test->problem),
			 "is met, but listed as different: take it out of differences.def");
		return FAILED;
	}
	if (outcome == PASSED)
		return PASSED;
	if (listed) {
		snprintf(test->problem, sizeof(test->problem), "%s", reasons[listed->reason]);
		return SKIPPED;
	}
	if (cel_go || names_suite_message(test->json)) {
		snprintf(test->problem, sizeof(test->problem), "not listed: %s",
			 reasons[cel_go ? AS_CEL_GO : SUITE_MESSAGE]);
		return SKIPPED;
	}
	return FAILED;
}

static void run_one(const struct options *options, const json_t *json, struct tally *tally)
{
	struct test test = { .json = json };
	enum outcome outcome;
	char name[256];

	if (!wanted(options, json)) {
		tally->skipped++;
		return;
	}
	snprintf(name, sizeof(name), "%s/%s/%s", json_text(json, "file"),
		 json_text(json, "section"), json_text(json, "test"));
	outcome = weigh(&test, name, run_test(&test));
	if (outcome == FAILED || (options->verbose && outcome == SKIPPED))
		printf("%s %s: %s\n    %s\n", outcome == FAILED ? "FAILED" : "skipped", name,
		       json_text(json, "expr"), test.problem);
	tally->passed += outcome == PASSED;
	tally->failed += outcome == FAILED;
	tally->skipped += outcome == SKIPPED;
	cel_env_free(test.env);
	arena_free(&test.arena);
}

static int run_file(const struct options *options, const char *path, struct tally *tally)
{
	json_error_t error;
	json_t *tests = json_load_file(path, JSON_ALLOW_NUL, &error);
	size_t i;
	json_t *test;

	if (!tests) {
		fprintf(stderr, "%s:%d: %s\n", path, error.line, error.text);
		return -1;
	}
	json_array_foreach(tests, i, test) run_one(options, test, tally);
	json_decref(tests);
	return 0;
}

int main(int argc, char **argv)
{
	struct options options = { .classes = "core,ext,proto" };
	struct tally tally = { 0 };
	int at = 1, files = 0;

	for (; at < argc; at++) {
		if (strcmp(argv[at], "--class") == 0 && at + 1 < argc)
			options.classes = argv[++at];
		else if (strcmp(argv[at], "--verbose") == 0)
			options.verbose = true;
		else if (run_file(&options, argv[at], &tally))
			return 1;
		else
			files++;
	}
	if (!files) {
		fprintf(stderr, "usage: %s [--class core,ext,proto] [--verbose] FILE...\n",
			argv[0]);
		return 2;
	}
	return tally_end(&tally);
}
