/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spoor eval: an expression of the rules' language, evaluated and printed. With --event as a
 * condition on a recorded event would see it, with --bindings over variables given as JSON.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/common.h"
#include "base/suggest.h"
#include "cel/cel.h"
#include "command.h"
#include "detect/environment.h"
#include "options.h"
#include "sensor.h"

struct evaluation {
	const struct options *options;
	const char *text;
	json_t *bindings;
	const struct event_def *def; /* of the event at hand; NULL: there is none */
	const struct event *event;
	struct arena arena;
	bool done;
	int status;
};

/* ---- variables from JSON -------------------------------------------------- */

static bool from_json(struct arena *arena, const json_t *json, struct value *out);

static bool list_from_json(struct arena *arena, const json_t *json, struct value *out)
{
	size_t count = json_array_size(json);
	struct value_list *list = arena_zalloc(arena, sizeof(*list) + count * sizeof(*out));

	if (!list)
		return false;
	list->count = (uint32_t)count;
	for (size_t i = 0; i < count; i++)
		if (!from_json(arena, json_array_get(json, i), &list->items[i]))
			return false;
	*out = (struct value){ .tag = VALUE_LIST, .len = list->count, .list = list };
	return true;
}

static bool map_from_json(struct arena *arena, json_t *json, struct value *out)
{
	size_t count = json_object_size(json);
	struct value_map *map = arena_zalloc(arena,
					     sizeof(*map) + count * sizeof(struct value_entry));
	const char *key;
	json_t *value;

	if (!map)
		return false;
	json_object_foreach(json, key, value)
	{
		struct value_entry *entry = &map->entries[map->count++];

		entry->key = value_str(str_of(key));
		if (!from_json(arena, value, &entry->value))
			return false;
	}
	*out = (struct value){ .tag = VALUE_MAP, .len = map->count, .map = map };
	return true;
}

static bool from_json(struct arena *arena, const json_t *json, struct value *out)
{
	switch (json_typeof(json)) {
	case JSON_OBJECT: return map_from_json(arena, (json_t *)json, out);
	case JSON_ARRAY: return list_from_json(arena, json, out);
	case JSON_STRING:
		*out = value_string(json_string_value(json), (uint32_t)json_string_length(json));
		break;
	case JSON_INTEGER: *out = value_int(json_integer_value(json)); break;
	case JSON_REAL: *out = value_double(json_real_value(json)); break;
	case JSON_NULL: *out = value_null(); break;
	default: *out = value_bool(json_is_true(json)); break;
	}
	return true;
}

static const char *type_of_json(const json_t *json)
{
	switch (json_typeof(json)) {
	case JSON_OBJECT: return "map(string, dyn)";
	case JSON_ARRAY: return "list(dyn)";
	case JSON_STRING: return "string";
	case JSON_INTEGER: return "int";
	case JSON_REAL: return "double";
	case JSON_NULL: return "dyn";
	default: return "bool";
	}
}

static int declare_bindings(struct evaluation *evaluation, struct cel_env *env)
{
	const char *name;
	json_t *json;

	json_object_foreach(evaluation->bindings, name, json)
	{
		struct value value;
		int err = -ENOMEM;

		if (from_json(&evaluation->arena, json, &value))
			err = cel_env_constant(env, name, type_of_json(json), value);
		if (err)
			return err;
	}
	return 0;
}

/* ---- the environment ------------------------------------------------------ */

/* A field's slot is its position in the event. */
static int resolve(void *ctx, struct str name, struct cel_slot *out, struct err *err)
{
	const struct event_def *def = ctx;
	struct suggest suggest;
	int index = event_field_index(def, name);

	if (index >= 0) {
		out->number = (uint32_t)index;
		return 0;
	}
	err_set(err, -EINVAL, "event %s has no field '%.*s'", def->name, (int)name.len, name.data);
	suggest_start(&suggest, name);
	for (uint16_t i = 0; i < def->field_count; i++)
		suggest_try(&suggest, str_of(def->fields[i].name));
	if (suggest.best.data)
		err_hint(err, "did you mean '%.*s'?", (int)suggest.best.len, suggest.best.data);
	return -EINVAL;
}

static int resolve_nothing(void *ctx, struct str name, struct cel_slot *out, struct err *err)
{
	(void)ctx;
	(void)out;
	err_set(err, -EINVAL, "found the field '%.*s', but there is no event", (int)name.len,
		name.data);
	err_hint(err, "--event FILE takes the first event of a recording");
	return -EINVAL;
}

/* Without an event: the language, the functions and the kernel's constants. */
static struct cel_env *plain_environment(uint32_t options)
{
	struct cel_env *env = cel_env_new_with(options);
	int err = env ? cel_env_functions(env, environment_functions, environment_function_count)
		      : -ENOMEM;

	for (size_t i = 0; !err && i < environment_constant_count; i++)
		err = cel_env_constant(env, environment_constants[i].name, "int",
				       value_int(environment_constants[i].value));
	if (!err)
		err = cel_env_slots(env, "getEventData", "hasData", resolve_nothing, NULL);
	if (err) {
		cel_env_free(env);
		return NULL;
	}
	return env;
}

static struct cel_env *make_environment(struct evaluation *evaluation)
{
	uint32_t options = evaluation->options->compat ? CEL_TRACEE : 0;
	struct cel_env *env = evaluation->def
				      ? environment_new(resolve, NULL, (void *)evaluation->def)
				      : plain_environment(options);

	if (env && declare_bindings(evaluation, env)) {
		cel_env_free(env);
		return NULL;
	}
	return env;
}

/* ---- evaluating ----------------------------------------------------------- */

static const char *type_name(struct value value)
{
	static const char *const names[] = {
		[VALUE_NULL] = "null",	       [VALUE_BOOL] = "bool",
		[VALUE_INT] = "int",	       [VALUE_UINT] = "uint",
		[VALUE_DOUBLE] = "double",     [VALUE_STRING] = "string",
		[VALUE_BYTES] = "bytes",       [VALUE_TIMESTAMP] = "timestamp",
		[VALUE_DURATION] = "duration", [VALUE_LIST] = "list",
		[VALUE_MAP] = "map",	       [VALUE_MESSAGE] = "message",
		[VALUE_TYPE] = "type",	       [VALUE_OPTIONAL] = "optional",
		[VALUE_ERROR] = "error",
	};

	return names[value.tag];
}

static int print_result(const struct evaluation *evaluation, struct value value)
{
	struct buf text = { 0 };
	int status = EXIT_FINE;

	if (value.tag == VALUE_ERROR) {
		fprintf(stderr, "<expression>: error: %.*s\n", (int)value.len, value.str);
		return EXIT_BAD_INPUT;
	}
	if (evaluation->options->json)
		buf_printf(&text, "{\"type\":\"%s\",\"value\":", type_name(value));
	cel_print(&text, value);
	buf_lit(&text, "\n");
	if (evaluation->options->json) {
		text.len--;
		buf_lit(&text, "}\n");
	}
	if (text.truncated || fwrite(text.data, 1, text.len, stdout) != text.len)
		status = EXIT_ENVIRONMENT;
	buf_free(&text);
	return status;
}

static int run_program(struct evaluation *evaluation, const struct cel_program *program)
{
	struct detect_run run = {
		.cel = { .object = evaluation->event,
			 .arena = &evaluation->arena,
			 .budget = CEL_BUDGET,
			 .load = environment_load },
		.event = evaluation->event,
	};
	uint32_t fields = evaluation->def ? evaluation->def->field_count : 0;
	int16_t *positions = arena_array(&evaluation->arena, int16_t, fields + 1);

	run.cel.slots = arena_array(&evaluation->arena, struct value, fields + 1);
	run.cel.known = arena_array(&evaluation->arena, uint64_t, fields / 64 + 1);
	run.fields = positions;
	if (!positions || !run.cel.slots || !run.cel.known) {
		fputs("spoor eval: out of memory\n", stderr);
		return EXIT_ENVIRONMENT;
	}
	for (uint32_t i = 0; i < fields; i++)
		positions[i] = (int16_t)i;
	return print_result(evaluation, cel_eval(program, &run.cel));
}

static int evaluate(struct evaluation *evaluation)
{
	struct cel_env *env = make_environment(evaluation);
	struct cel_source source = { .text = str_of(evaluation->text) };
	const struct cel_program *program;
	struct err err = { .code = 0 };
	int status = EXIT_BAD_INPUT;

	if (!env) {
		fputs("spoor eval: out of memory\n", stderr);
		return EXIT_ENVIRONMENT;
	}
	if (cel_compile(env, &source, NULL, &evaluation->arena, &program, &err) < 0)
		err_print(stderr, &err);
	else
		status = run_program(evaluation, program);
	cel_env_free(env);
	return status;
}

/* ---- the event ------------------------------------------------------------ */

/* The first event that comes; it is valid during the call only. */
static void take_event(void *ctx, const struct event *event)
{
	struct evaluation *evaluation = ctx;

	if (evaluation->done)
		return;
	evaluation->done = true;
	evaluation->event = event;
	evaluation->def = event->def;
	evaluation->status = evaluate(evaluation);
}

static int evaluate_on_event(struct evaluation *evaluation)
{
	static const char *const all[] = { "*", NULL }, *const nowhere[] = { "none", NULL };
	struct spoor_config config = {
		.events = all,
		.outputs = nowhere,
		.compat_tracee = evaluation->options->compat != NULL,
	};
	autoclean(spoor_closep) struct spoor *spoor = spoor_new();
	int r = 0;

	if (!spoor)
		return EXIT_ENVIRONMENT;
	if (spoor_load(spoor, &config) < 0 ||
	    spoor_open_file(spoor, evaluation->options->event) < 0)
		return sensor_fail(spoor, EXIT_BAD_INPUT);
	spoor_on_event(spoor, take_event, evaluation);
	while (r >= 0 && !evaluation->done)
		r = spoor_poll(spoor, 0);
	if (!evaluation->done && r != -ENODATA)
		return sensor_fail(spoor, EXIT_BAD_INPUT);
	if (!evaluation->done) {
		fprintf(stderr, "%s: error: found no event\n", evaluation->options->event);
		return EXIT_BAD_INPUT;
	}
	return evaluation->status;
}

static bool read_bindings(struct evaluation *evaluation)
{
	json_error_t error;

	if (!evaluation->options->bindings)
		return true;
	evaluation->bindings = json_loads(evaluation->options->bindings, JSON_DECODE_ANY, &error);
	if (!evaluation->bindings)
		fprintf(stderr, "--bindings:%d:%d: error: %s\n", error.line, error.column,
			error.text);
	else if (!json_is_object(evaluation->bindings))
		fputs("--bindings: error: found a value, expected an object {\"name\": value}\n",
		      stderr);
	return json_is_object(evaluation->bindings);
}

static int eval_run(const struct options *options, int argc, char **argv)
{
	struct evaluation evaluation = { .options = options };
	int status = EXIT_BAD_INPUT;

	if (argc != 1) {
		fprintf(stderr,
			"spoor eval: found %d operands, expected one expression (in "
			"quotes)\nTry 'spoor eval --help'.\n",
			argc);
		return EXIT_USAGE;
	}
	evaluation.text = argv[0];
	if (read_bindings(&evaluation))
		status = options->event ? evaluate_on_event(&evaluation) : evaluate(&evaluation);
	json_decref(evaluation.bindings);
	arena_free(&evaluation.arena);
	return status;
}

const struct command command_eval = {
	.name = "eval",
	.arguments = "[options] EXPRESSION",
	.summary = "evaluate an expression of the rules' language",
	.help = "Compiles an expression of the language of conditions and outputs (CEL), evaluates\n"
		"it and prints the value as JSON; with --json also its type. The exit status is 1 if\n"
		"it does not compile or ends in an error.\n\n"
		"Examples:\n"
		"  spoor eval '[1, 2, 3].filter(x, x > 1)'\n"
		"  spoor eval --bindings '{\"path\": \"/tmp/x.sh\"}' 'path.matches(r\"^/tmp/\")'\n"
		"  spoor eval --event night.capture 'getEventData(\"key\") == IPC_PRIVATE'\n",
	.options = "event bindings json compat",
	.run = eval_run,
};
