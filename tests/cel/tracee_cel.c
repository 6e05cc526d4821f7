/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expressions with what Tracee itself answered (tracee-vectors --kind cel). Each is compiled in
 * an environment that accepts what Tracee accepts (CEL_TRACEE) and evaluated on an event of
 * Tracee's own messages.
 */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/buf.h"
#include "cel/internal.h"
#include "tracee_messages.h"
#include "tracee_stores.h"
#include "vectors.h"
#include "../vectors/kinds.h"

struct test {
	const json_t *json, *expect;
	const json_t *registry; /* contents of the data stores; NULL: there are none */
	struct arena arena;
	struct cel_env *env;
	char problem[1024];
};

/* The event at hand; the getters have no other way to it than run->object. */
static const struct value *event_of(const struct cel_run *run)
{
	return run->object;
}

static struct value failed(const char *text)
{
	return (struct value){ .tag = VALUE_ERROR, .len = (uint32_t)strlen(text), .str = text };
}

static void get_event(struct cel_run *run, const void *data, struct value *out)
{
	(void)data;
	*out = *event_of(run);
}

static void get_workload(struct cel_run *run, const void *data, struct value *out)
{
	(void)data;
	*out = tracee_field(*event_of(run), "workload");
	if (out->tag == VALUE_NULL)
		*out = failed("no such attribute: workload");
}

static void get_timestamp(struct cel_run *run, const void *data, struct value *out)
{
	(void)data;
	*out = tracee_field(*event_of(run), "timestamp");
	if (out->tag == VALUE_NULL)
		*out = failed("no such attribute: timestamp");
}

/* ---- getEventData, hasData ------------------------------------------------ */

/* NULL: no entry has the name. */
static const struct value *find_entry(const struct value *event, struct value name)
{
	struct value data = tracee_field(*event, "data");

	for (uint32_t i = 0; data.tag == VALUE_LIST && i < data.list->count; i++)
		if (cel_equal(tracee_field(data.list->items[i], "name"), name))
			return &data.list->items[i];
	return NULL;
}

/* The first of two arguments must be the event. */
static bool is_event(const struct value *args, uint32_t count)
{
	const struct cel_object *object = args[0].object;

	return count == 1 || (args[0].tag == VALUE_MESSAGE &&
			      strcmp(object->type->name, "tracee.v1beta1.Event") == 0);
}

static void call_get(struct cel_run *run, const struct value *args, uint32_t count,
		     struct value *out)
{
	static const char *const simple[] = { "int32", "int64", "u_int32", "u_int64",
					      "str",   "bytes", "bool" };
	const struct value *entry = is_event(args, count)
					    ? find_entry(event_of(run), args[count - 1])
					    : NULL;
	const struct cel_object *object = entry ? entry->object : NULL;

	*out = is_event(args, count) ? value_null() : failed("no such overload");
	for (uint32_t i = 1; entry && i < object->type->field_count; i++) {
		if (object->literal[i].tag == VALUE_TAG_COUNT)
			continue;
		*out = failed("unsupported conversion");
		for (size_t j = 0; j < ARRAY_SIZE(simple); j++)
			if (strcmp(object->type->fields[i].name, simple[j]) == 0)
				*out = object->literal[i];
	}
}

static void call_has(struct cel_run *run, const struct value *args, uint32_t count,
		     struct value *out)
{
	*out = is_event(args, count)
		       ? value_bool(find_entry(event_of(run), args[count - 1]) != NULL)
		       : failed("no such overload");
}

static const struct cel_function functions[] = {
	{ "getEventData", "(string) -> dyn", call_get, NULL, NULL, NULL },
	{ "getEventData", "(dyn, string) -> dyn", call_get, NULL, NULL, NULL },
	{ "hasData", "(string) -> bool", call_has, NULL, NULL, NULL },
	{ "hasData", "(dyn, string) -> bool", call_has, NULL, NULL, NULL },
};

/* ---- setting up ----------------------------------------------------------- */

static int declare_lists(struct test *test)
{
	json_t *lists = json_object_get(test->json, "lists"), *items;
	const char *name;
	int err = 0;

	json_object_foreach(lists, name, items)
	{
		size_t count = json_array_size(items);
		struct value_list *list = arena_zalloc(
			&test->arena, sizeof(*list) + count * sizeof(struct value));

		list->count = (uint32_t)count;
		for (size_t i = 0; i < count; i++)
			list->items[i] = value_str(
				str_of(json_string_value(json_array_get(items, i))));
		err = cel_env_constant(
			test->env, name, "list(string)",
			(struct value){ .tag = VALUE_LIST, .len = list->count, .list = list });
		if (err)
			break;
	}
	return err;
}

static int set_up(struct test *test)
{
	int err;

	test->env = cel_env_new_with(CEL_TRACEE);
	err = tracee_declare(test->env);
	if (!err)
		err = cel_env_variable(test->env, "event", "tracee.v1beta1.Event", get_event);
	if (!err)
		err = cel_env_variable(test->env, "workload", "tracee.v1beta1.Workload",
				       get_workload);
	if (!err)
		err = cel_env_variable(test->env, "timestamp", "google.protobuf.Timestamp",
				       get_timestamp);
	if (!err)
		err = cel_env_functions(test->env, functions, ARRAY_SIZE(functions));
	if (!err)
		err = cel_env_functions(test->env, tracee_store_functions,
					tracee_store_function_count);
	return err ? err : declare_lists(test);
}

/* ---- judging -------------------------------------------------------------- */

static enum outcome fail(struct test *test, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(test->problem, sizeof(test->problem), format, args);
	va_end(args);
	return FAILED;
}

/* Numbers are text or numbers in the file; a type value is a string there. */
static bool is_expected(struct test *test, struct value v, const char *type, const json_t *want)
{
	const char *text = json_string_value(want);
	struct buf printed = { 0 };
	int64_t nanos;
	bool same;

	if (strcmp(type, "null") == 0)
		return v.tag == VALUE_NULL;
	if (strcmp(type, "bool") == 0)
		return v.tag == VALUE_BOOL && v.b == json_is_true(want);
	if (strcmp(type, "int") == 0)
		return v.tag == VALUE_INT &&
		       v.i == (text ? strtoll(text, NULL, 10) : json_integer_value(want));
	if (strcmp(type, "uint") == 0)
		return v.tag == VALUE_UINT &&
		       v.u == (text ? strtoull(text, NULL, 10)
				    : (unsigned long long)json_integer_value(want));
	if (strcmp(type, "double") == 0) {
		double d = text ? strtod(text, NULL) : json_number_value(want);

		return v.tag == VALUE_DOUBLE && (v.d == d || (isnan(v.d) && isnan(d)));
	}
	if (strcmp(type, "string") == 0)
		return (v.tag == VALUE_STRING || v.tag == VALUE_TYPE) && text &&
		       str_equal((struct str){ v.str, v.len },
				 (struct str){ text, (uint32_t)json_string_length(want) });
	if (strcmp(type, "bytes") == 0) {
		struct value bytes = tracee_bytes(&test->arena, text);

		return cel_equal(v, bytes);
	}
	if (strcmp(type, "duration") == 0)
		return v.tag == VALUE_DURATION && text && duration_parse(str_of(text), &nanos) &&
		       v.i == nanos;
	if (strcmp(type, "timestamp") == 0) /* in UTC in the file */
		return v.tag == VALUE_TIMESTAMP &&
		       cel_equal(v, tracee_time(&test->arena, text ? text : ""));
	if (strcmp(type, "message") == 0)
		return v.tag == VALUE_MESSAGE;
	cel_print(&printed, v);
	json_t *got = json_loads(buf_cstr(&printed), JSON_DECODE_ANY, NULL);

	same = got && json_equal(got, want); /* whatever the order of keys */
	json_decref(got);
	buf_free(&printed);
	return same;
}

/*
 * Where we differ on purpose: expressions that begin so. One that does not differ any more is
 * a failure, so that the list stays true.
 */
static const struct {
	const char *start, *reason;
} known[] = {
	{ "join(event.", "any list of strings can be joined, not only those made by expressions" },
};

static const char *known_difference(const struct test *test)
{
	const char *expr = json_text(test->json, "expr");

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strncmp(known[i].start, expr, strlen(known[i].start)) == 0 &&
		    json_object_get(test->expect, "eval_err"))
			return known[i].reason;
	return NULL;
}

static enum outcome judge_value(struct test *test, struct value v)
{
	const char *type = json_text(test->expect, "type");
	struct buf printed = { .limit = 400 };

	if (json_object_get(test->expect, "eval_err"))
		return v.tag == VALUE_ERROR ? PASSED
					    : fail(test, "gave a value, expected an error");
	if (v.tag == VALUE_ERROR)
		return fail(test, "gave the error '%.*s'", (int)v.len, v.str);
	if (json_flag(test->expect, "value_omitted") ||
	    is_expected(test, v, type, json_object_get(test->expect, "value")))
		return PASSED;
	cel_print(&printed, v);
	fail(test, "gave %s (tag %d), expected %s", buf_cstr(&printed), v.tag, type);
	buf_free(&printed);
	return FAILED;
}

static enum outcome judge(struct test *test, const struct cel_program *program,
			  const struct value *event)
{
	struct cel_run run = { .arena = &test->arena,
			       .object = event,
			       .user = (void *)test->registry };
	const char *type = json_text(test->expect, "checked_type");

	if (json_object_get(test->expect, "compile_err"))
		return fail(test, "compiles, expected the error '%s'",
			    json_text(test->expect, "compile_err"));
	if (*type && strcmp(type, cel_program_type(program)) != 0)
		return fail(test, "has type %s, expected %s", cel_program_type(program), type);
	return judge_value(test, cel_eval(program, &run));
}

static enum outcome run_test(struct test *test, const struct value *event)
{
	const json_t *expr = json_object_get(test->json, "expr");
	struct cel_source source = {
		.text = { json_string_value(expr), (uint32_t)json_string_length(expr) },
	};
	const struct cel_program *program;
	struct err err = { .code = 0 };

	if (set_up(test))
		return fail(test, "cannot be set up");
	if (cel_compile(test->env, &source, json_flag(test->json, "cond") ? "bool" : NULL,
			&test->arena, &program, &err) == 0)
		return judge(test, program, event);
	if (json_object_get(test->expect, "compile_err"))
		return PASSED;
	return fail(test, "does not compile: %.400s", err.message);
}

/* The case has it itself, or the name of one that stands in the file's fixtures. */
static const json_t *fixture(const json_t *file, const json_t *json, const char *key,
			     const char *reference, const char *group)
{
	const json_t *fixtures = json_object_get(json_object_get(file, "fixtures"), group);
	const char *name = json_text(json, reference);

	return *name ? json_object_get(fixtures, name) : json_object_get(json, key);
}

static void run_one(const json_t *file, const json_t *json, bool verbose, struct tally *tally)
{
	struct test test = { .json = json, .expect = json_object_get(json, "expect") };
	struct value event = tracee_event(&test.arena,
					  fixture(file, json, "event", "event_ref", "events"));
	const char *reason = known_difference(&test);
	enum outcome outcome;

	test.registry = fixture(file, json, "registry", "registry_ref", "registries");
	outcome = run_test(&test, &event);
	if (outcome == PASSED && reason)
		outcome = fail(&test, "is as Tracee, though listed as different: %s", reason);
	else if (outcome == FAILED && reason) {
		outcome = SKIPPED;
		snprintf(test.problem, sizeof(test.problem), "on purpose: %s", reason);
	}
	if (outcome == FAILED || (verbose && outcome == SKIPPED))
		printf("%s %s: %.200s\n    %s\n", outcome == FAILED ? "FAILED" : "skipped",
		       json_text(json, "id"), json_text(json, "expr"), test.problem);
	tally->passed += outcome == PASSED;
	tally->failed += outcome == FAILED;
	tally->skipped += outcome == SKIPPED;
	cel_env_free(test.env);
	arena_free(&test.arena);
}

/* Integers beyond 63 bits, which the reader refuses, become texts; *text is replaced. */
static void quote_large(struct buf *out, const char *text)
{
	bool inside = false;

	for (const char *at = text; *at;) {
		size_t digits = inside ? 0 : strspn(at, "0123456789");

		if (*at == '"' && (at == text || at[-1] != '\\'))
			inside = !inside;
		if (digits > 18)
			buf_char(out, '"');
		buf_add(out, at, digits ? digits : 1);
		if (digits > 18)
			buf_char(out, '"');
		at += digits ? digits : 1;
	}
}

static json_t *load(const char *path)
{
	struct buf raw = { 0 }, text = { 0 };
	autoclean(fclosep) FILE *file = fopen(path, "r");
	json_error_t error = { .text = "cannot be read" };
	json_t *json = NULL;
	size_t got = 1;

	while (file && got > 0) {
		char *room = buf_room(&raw, 65536);

		got = room ? fread(room, 1, 65536, file) : 0;
		raw.len += got;
	}
	if (raw.len) {
		quote_large(&text, buf_cstr(&raw));
		json = json_loads(buf_cstr(&text), JSON_ALLOW_NUL, &error);
	}
	if (!json)
		fprintf(stderr, "%s:%d: %s\n", path, error.line, error.text);
	buf_free(&raw);
	buf_free(&text);
	return json;
}

int tracee_cel_file(const char *path, bool verbose)
{
	struct tally tally = { 0 };
	json_t *file = load(path), *json;
	size_t i;

	if (!file)
		return 2;
	json_array_foreach(json_object_get(file, "cases"), i, json)
		run_one(file, json, verbose, &tally);
	json_decref(file);
	return tally_end(&tally);
}
