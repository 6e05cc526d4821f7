/* SPDX-License-Identifier: Apache-2.0 */
/* The environment, names and evaluation of `spoor eval`. */
#include "session.h"

#include <errno.h>

#include "base/buf.h"
#include "base/suggest.h"
#include "detect/environment.h"

struct named_value {
	char *name, *type;
	struct value value;
	struct arena arena; /* of the value */
	struct named_value *next;
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

static int declare_bindings(struct session *session, struct cel_env *env)
{
	struct arena arena = { .limit = 0 }; /* the environment copies */
	int err = 0;
	const char *name;
	json_t *json;

	json_object_foreach(session->bindings, name, json)
	{
		struct value value;

		err = from_json(&arena, json, &value)
			      ? cel_env_constant(env, name, type_of_json(json), value)
			      : -ENOMEM;
		if (err)
			break;
	}
	arena_free(&arena);
	return err;
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
	err_hint(err, "--event FILE or :event FILE takes the first event of a recording");
	return -EINVAL;
}

/* Without an event: the language, the functions and the kernel's constants. */
static struct cel_env *plain_environment(uint32_t options)
{
	struct cel_env *env = cel_env_new_with(options);
	int err = env ? environment_messages(env) : -ENOMEM;

	if (!err)
		err = environment_declare_functions(env);

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

static int declare_names(struct cel_env *env, const struct named_value *name)
{
	int err = name ? declare_names(env, name->next) : 0;

	return err || !name ? err : cel_env_constant(env, name->name, name->type, name->value);
}

static int make_environment(struct session *session)
{
	const struct event_def *def = session->event ? session->event->def : NULL;
	uint32_t options = session->compat_tracee ? CEL_TRACEE : 0;
	struct cel_env *env = def ? environment_new(options, resolve, NULL, (void *)def)
				  : plain_environment(options);
	int err = env ? declare_bindings(session, env) : -ENOMEM;

	if (!err)
		err = declare_names(env, session->names);
	if (err) {
		cel_env_free(env);
		return err;
	}
	cel_env_free(session->env);
	session->env = env;
	return 0;
}

static void free_name(struct named_value *name)
{
	arena_free(&name->arena);
	free(name->name);
	free(name->type);
	free(name);
}

/* Messages are read from the event when they are asked. */
static bool holds_message(struct value value)
{
	bool found = value.tag == VALUE_MESSAGE || value.tag == VALUE_OPTIONAL;

	if (value.tag == VALUE_LIST)
		for (uint32_t i = 0; i < value.list->count; i++)
			found |= holds_message(value.list->items[i]);
	if (value.tag == VALUE_MAP)
		for (uint32_t i = 0; i < value.map->count; i++)
			found |= holds_message(value.map->entries[i].value);
	return found;
}

int session_use_event(struct session *session, const struct event *event, unsigned *lost)
{
	struct named_value **at = &session->names;

	*lost = 0;
	while (session->event && *at) {
		struct named_value *name = *at;

		if (!holds_message(name->value)) {
			at = &name->next;
			continue;
		}
		*at = name->next;
		free_name(name);
		++*lost;
	}
	session->event = event;
	return make_environment(session);
}

void session_free(struct session *session)
{
	while (session->names) {
		struct named_value *name = session->names;

		session->names = name->next;
		free_name(name);
	}
	cel_env_free(session->env);
	arena_free(&session->scratch);
	session->env = NULL;
}

/* ---- names ---------------------------------------------------------------- */

struct search {
	const char *name;
	bool found;
};

static void match_name(void *ctx, const char *name, const char *type)
{
	struct search *search = ctx;

	(void)type;
	search->found |= strcmp(name, search->name) == 0;
}

static struct named_value **find_name(struct session *session, const char *name)
{
	struct named_value **at = &session->names;

	while (*at && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	return at;
}

static bool is_taken(struct session *session, const char *name)
{
	struct search search = { .name = name };

	if (!*find_name(session, name))
		cel_env_each_name(session->env, match_name, &search);
	return search.found;
}

int session_name(struct session *session, const char *name, const char *type, struct value value)
{
	struct named_value *made, **old;

	if (is_taken(session, name))
		return -EEXIST;
	made = calloc(1, sizeof(*made));
	if (!made)
		return -ENOMEM;
	made->name = strdup(name);
	made->type = strdup(type);
	if (!made->name || !made->type || !value_copy(&made->arena, value, &made->value)) {
		free_name(made);
		return -ENOMEM;
	}
	old = find_name(session, name);
	if (*old) {
		struct named_value *gone = *old;

		*old = gone->next;
		free_name(gone);
	}
	made->next = session->names;
	session->names = made;
	return make_environment(session);
}

static void visit_names(const struct named_value *name,
			void (*visit)(void *ctx, const char *name, struct value value), void *ctx)
{
	if (!name)
		return;
	visit_names(name->next, visit, ctx);
	visit(ctx, name->name, name->value);
}

void session_each_name(const struct session *session,
		       void (*visit)(void *ctx, const char *name, struct value value), void *ctx)
{
	visit_names(session->names, visit, ctx);
}

/* ---- evaluating ----------------------------------------------------------- */

int session_compile(struct session *session, struct cel_source source, const char *want,
		    const struct cel_program **out, struct err *err)
{
	*err = (struct err){ .code = 0 };
	return cel_compile(session->env, &source, want, &session->scratch, out, err);
}

struct value session_evaluate(struct session *session, const struct cel_program *program)
{
	static const char memory[] = "out of memory";
	const struct event *event = session->event;
	uint32_t fields = event ? event->def->field_count : 0;
	struct arena *arena = &session->scratch;
	int16_t *positions = arena_array(arena, int16_t, fields + 1);
	struct detect_run run = {
		.cel = { .object = event,
			 .arena = arena,
			 .budget = CEL_BUDGET,
			 .slots = arena_array(arena, struct value, fields + 1),
			 .known = arena_array(arena, uint64_t, fields / 64 + 1),
			 .load = environment_load },
		.event = event,
		.fields = positions,
	};

	if (!positions || !run.cel.slots || !run.cel.known)
		return (struct value){ .tag = VALUE_ERROR,
				       .len = sizeof(memory) - 1,
				       .str = memory };
	for (uint32_t i = 0; i < fields; i++)
		positions[i] = (int16_t)i;
	return cel_eval(program, &run.cel);
}

void session_forget_line(struct session *session)
{
	arena_reset(&session->scratch);
}

/* ---- printing ------------------------------------------------------------- */

const char *session_type_name(struct value value)
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

bool session_print(const struct session *session, struct value value, const char *place, FILE *out,
		   FILE *errors)
{
	struct buf text = { 0 };
	bool written;

	if (value.tag == VALUE_ERROR) {
		fprintf(errors, "%s: error: %.*s\n", place, (int)value.len, value.str);
		return true;
	}
	if (session->json)
		buf_printf(&text, "{\"type\":\"%s\",\"value\":", session_type_name(value));
	cel_print(&text, value);
	buf_printf(&text, session->json ? "}\n" : "\n");
	written = !text.truncated && fwrite(text.data, 1, text.len, out) == text.len;
	buf_free(&text);
	return written;
}
