/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the files tests/cel/X.test: expression, bindings, result. A record ends with an empty line:
 *
 *	# a comment
 *	x + 1
 *	with {"x": 2}
 *	= 3
 *
 * "= JSON" is the value as `spoor eval` prints it, "! TEXT" an error of the evaluation, "? TEXT"
 * of the compiler, whose message (or hint) contains the text. `with` may be left out. Each is also
 * given to the reference evaluator.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "oracle.h"
#include "vectors.h"

enum { BINDINGS_MAX = 6 };

struct record {
	const char *path;
	unsigned line;
	struct buf expression;
	char with[512], want[1024];
};

static struct value bindings[BINDINGS_MAX];
static unsigned number, failures;

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

static const cel_get_fn getters[BINDINGS_MAX] = { get_0, get_1, get_2, get_3, get_4, get_5 };

/* ---- bindings: plain JSON ------------------------------------------------- */

static struct value plain(struct arena *arena, json_t *json)
{
	struct value_list *list;
	struct value_map *map;
	const char *key;
	json_t *item;
	size_t i;

	switch (json_typeof(json)) {
	case JSON_STRING:
		return value_string(json_string_value(json), (uint32_t)json_string_length(json));
	case JSON_INTEGER: return value_int(json_integer_value(json));
	case JSON_REAL: return value_double(json_real_value(json));
	case JSON_TRUE: return value_bool(true);
	case JSON_FALSE: return value_bool(false);
	case JSON_ARRAY:
		list = arena_zalloc(arena,
				    sizeof(*list) + json_array_size(json) * sizeof(*bindings));
		json_array_foreach(json, i, item) list->items[list->count++] = plain(arena, item);
		return value_of_list(list);
	case JSON_OBJECT:
		map = arena_zalloc(arena,
				   sizeof(*map) + json_object_size(json) * sizeof(*map->entries));
		json_object_foreach(json, key, item) map->entries[map->count++] =
			(struct value_entry){ value_str(str_of(key)), plain(arena, item) };
		return value_of_map(map);
	default: return value_null();
	}
}

static const char *type_of(const json_t *json)
{
	static const char *const types[] = {
		[JSON_OBJECT] = "map(string, dyn)",
		[JSON_ARRAY] = "list(dyn)",
		[JSON_STRING] = "string",
		[JSON_INTEGER] = "int",
		[JSON_REAL] = "double",
		[JSON_TRUE] = "bool",
		[JSON_FALSE] = "bool",
		[JSON_NULL] = "dyn",
	};

	return types[json_typeof(json)];
}

static bool declare(struct cel_env *env, struct arena *arena, json_t *with)
{
	const char *name;
	json_t *json;
	int count = 0;

	json_object_foreach(with, name, json)
	{
		if (count == BINDINGS_MAX)
			return false;
		bindings[count] = plain(arena, json);
		if (cel_env_variable(env, name, type_of(json), getters[count++]))
			return false;
	}
	return true;
}

/* ---- one record ----------------------------------------------------------- */

static void verdict(const struct record *record, const char *problem)
{
	printf("%sok %u - %s:%u\n", problem ? "not " : "", ++number, record->path, record->line);
	if (problem) {
		failures++;
		printf("# %s\n# %s\n", record->expression.data, problem);
	}
}

static bool is_wanted(const struct record *record, struct value value, struct buf *text)
{
	if (value.tag == VALUE_ERROR) {
		buf_printf(text, "! %.*s", (int)value.len, value.str);
		return record->want[0] == '!' && strstr(buf_cstr(text), record->want + 2);
	}
	buf_lit(text, "= ");
	cel_print(text, value);
	return strcmp(buf_cstr(text), record->want) == 0;
}

/* Which error it is may differ. */
static bool agrees(const struct record *record, struct value value, struct buf *text)
{
	return value.tag == VALUE_ERROR ? record->want[0] == '!' : is_wanted(record, value, text);
}

static void judge(const struct record *record, const struct cel_env *env, struct arena *arena)
{
	struct cel_source source = {
		.text = { record->expression.data, (uint32_t)record->expression.len },
	};
	struct cel_run run = { .arena = arena };
	const struct cel_program *program;
	const struct oracle *oracle;
	struct buf text = { 0 }, again = { 0 };
	struct err err = { .code = 0 };

	if (cel_compile(env, &source, NULL, arena, &program, &err) < 0) {
		buf_printf(&text, "? %s (%s)", err.message, err.hint);
		verdict(record, record->want[0] == '?' && strstr(text.data, record->want + 2)
					? NULL
					: text.data);
	} else if (!is_wanted(record, cel_eval(program, &run), &text)) {
		verdict(record, buf_cstr(&text));
	} else {
		oracle = oracle_compile(env, &source, NULL, arena, &err);
		run.budget = (uint64_t)CEL_BUDGET * 10;
		verdict(record, oracle && agrees(record, oracle_eval(oracle, &run), &again)
					? NULL
					: "the reference evaluator differs");
	}
	buf_free(&text);
	buf_free(&again);
}

static void run_record(const struct record *record)
{
	struct cel_env *env = cel_env_new();
	struct arena arena = { .limit = 0 };
	json_error_t error;
	json_t *with = json_loads(record->with[0] ? record->with : "{}", 0, &error);

	if (!with || !env || !declare(env, &arena, with))
		verdict(record, "cannot be set up");
	else
		judge(record, env, &arena);
	json_decref(with);
	cel_env_free(env);
	arena_free(&arena);
}

/* ---- files ---------------------------------------------------------------- */

static void take_line(struct record *record, const char *line, unsigned at)
{
	if (line[0] == '#')
		return;
	if (!line[0]) {
		if (record->expression.len)
			run_record(record);
		buf_clear(&record->expression);
		record->with[0] = record->want[0] = 0;
	} else if (strncmp(line, "with ", 5) == 0) {
		snprintf(record->with, sizeof(record->with), "%s", line + 5);
	} else if (record->expression.len && strchr("=!?", line[0]) && line[1] == ' ') {
		snprintf(record->want, sizeof(record->want), "%s", line);
	} else {
		if (record->expression.len)
			buf_char(&record->expression, '\n');
		else
			record->line = at;
		buf_add(&record->expression, line, strlen(line));
		buf_cstr(&record->expression);
	}
}

static void run_file(const char *path)
{
	struct record record = { .path = strrchr(path, '/') + 1 };
	autoclean(fclosep) FILE *file = fopen(path, "r");
	autoclean(freep) char *line = NULL;
	size_t size = 0;
	unsigned at = 0;

	while (file && getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = 0;
		take_line(&record, line, ++at);
	}
	take_line(&record, "", at);
	buf_free(&record.expression);
}

int main(void)
{
	const char *top = getenv("TOP");
	char pattern[512];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/tests/cel/*.test", top ? top : ".");
	if (glob(pattern, 0, NULL, &found)) {
		printf("Bail out! no files %s\n", pattern);
		return 1;
	}
	for (size_t i = 0; i < found.gl_pathc; i++)
		run_file(found.gl_pathv[i]);
	globfree(&found);
	printf("1..%u\n", number);
	return failures != 0;
}
