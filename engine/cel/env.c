/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The environment: what names mean. Tables of functions, messages and variables are kept by
 * reference, their signatures parsed once, here.
 *
 * Invariant: after cel_env_new an env is only added to; compiling and evaluating read it.
 */
#include <errno.h>

#include "base/buf.h"
#include "internal.h"

#define LIBRARY(table, library_) \
	{ \
		table, &table##_count, library_ \
	}

/* Everything the language has; options of an env leave parts out. */
static const struct {
	const struct cel_function *rows;
	const uint32_t *count;
	enum library library;
} libraries[] = {
	LIBRARY(operator_rows, LIBRARY_STANDARD),  LIBRARY(mixed_rows, LIBRARY_MIXED_NUMBERS),
	LIBRARY(standard_rows, LIBRARY_STANDARD),  LIBRARY(convert_rows, LIBRARY_STANDARD),
	LIBRARY(time_rows, LIBRARY_STANDARD),	   LIBRARY(tracee_rows, LIBRARY_TRACEE),
	LIBRARY(string_rows, LIBRARY_EXTENSION),   LIBRARY(math_rows, LIBRARY_EXTENSION),
	LIBRARY(format_rows, LIBRARY_EXTENSION),   LIBRARY(list_rows, LIBRARY_EXTENSION),
	LIBRARY(set_rows, LIBRARY_EXTENSION),	   LIBRARY(encoder_rows, LIBRARY_EXTENSION),
	LIBRARY(optional_rows, LIBRARY_EXTENSION), LIBRARY(regex_rows, LIBRARY_EXTENSION),
	LIBRARY(net_rows, LIBRARY_EXTENSION),
};

static uint32_t hash(struct str name)
{
	uint32_t h = 2166136261u;

	for (uint32_t i = 0; i < name.len; i++)
		h = (h ^ (unsigned char)name.data[i]) * 16777619u;
	return h % ENV_BUCKETS;
}

const struct function *env_function(const struct cel_env *env, struct str name)
{
	for (const struct function *f = env->functions[hash(name)]; f; f = f->next)
		if (str_equal(f->name, name))
			return f;
	return NULL;
}

static struct function *function_get(struct cel_env *env, struct str name)
{
	struct function *function = (struct function *)env_function(env, name);
	uint32_t bucket = hash(name);

	if (function)
		return function;
	function = arena_new(&env->arena, struct function);
	if (!function)
		return NULL;
	function->name = name;
	function->next = env->functions[bucket];
	env->functions[bucket] = function;
	return function;
}

/* ---- signatures ----------------------------------------------------------- */

struct signature {
	struct type_reader reader;
	const struct type *params[CEL_PARAMS_MAX];
	uint32_t count;
	const struct type *result;
	bool method;
};

static int read_params(struct signature *signature)
{
	if (!type_read_char(&signature->reader, '('))
		return -EINVAL;
	if (type_read_char(&signature->reader, ')'))
		return 0;
	do {
		const struct type *type = type_read(&signature->reader);

		if (!type || signature->count == CEL_PARAMS_MAX)
			return -EINVAL;
		signature->params[signature->count++] = type;
	} while (type_read_char(&signature->reader, ','));
	return type_read_char(&signature->reader, ')') ? 0 : -EINVAL;
}

/* signature = [ type "." ] "(" [ type { "," type } ] ")" "->" type */
static int signature_read(struct signature *signature)
{
	struct type_reader *reader = &signature->reader;

	if (reader->at < reader->end && *reader->at != '(') {
		const struct type *receiver = type_read(reader);

		if (!receiver || !type_read_char(reader, '.'))
			return -EINVAL;
		signature->method = true;
		signature->params[signature->count++] = receiver;
	}
	if (read_params(signature) || !type_read_char(reader, '-') || !type_read_char(reader, '>'))
		return -EINVAL;
	signature->result = type_read(reader);
	while (reader->at < reader->end && *reader->at == ' ')
		reader->at++;
	return signature->result && reader->at == reader->end ? 0 : -EINVAL;
}

static int overload_add(struct cel_env *env, const struct cel_function *row, bool pure)
{
	struct str text = str_of(row->signature);
	struct signature signature = { .reader = { &env->arena, text.data, text.data + text.len } };
	struct overload *overload = arena_new(&env->arena, struct overload);
	struct function *function = function_get(env, str_of(row->name));
	const struct type **params;

	if (!overload || !function)
		return -ENOMEM;
	if (signature_read(&signature))
		return -EINVAL;
	params = arena_array(&env->arena, const struct type *, CEL_PARAMS_MAX);
	if (!params)
		return -ENOMEM;
	for (uint32_t i = 0; i < signature.count; i++) {
		params[i] = signature.params[i];
		overload->tags[i] = type_tags(params[i]);
		if (params[i]->kind == T_MESSAGE)
			overload->messages[i] = params[i]->name;
	}
	overload->row = row;
	overload->result = signature.result;
	overload->params = params;
	overload->count = (uint8_t)signature.count;
	overload->method = signature.method;
	overload->pure = pure || row->trait != CEL_IMPURE;
	if (function->last)
		function->last->next = overload;
	else
		function->first = overload;
	function->last = overload;
	return 0;
}

static int overloads_add(struct cel_env *env, const struct cel_function *rows, uint32_t count,
			 bool pure)
{
	for (uint32_t i = 0; i < count; i++) {
		int err = overload_add(env, &rows[i], pure);

		if (err)
			return err;
	}
	return 0;
}

/* ---- types as values: `int`, `list`, ... ---------------------------------- */

static int type_names_add(struct cel_env *env)
{
	static const char *const names[][2] = {
		{ "bool", "type(bool)" },
		{ "int", "type(int)" },
		{ "uint", "type(uint)" },
		{ "double", "type(double)" },
		{ "string", "type(string)" },
		{ "bytes", "type(bytes)" },
		{ "list", "type(list(dyn))" },
		{ "map", "type(map(dyn, dyn))" },
		{ "null_type", "type(null_type)" },
		{ "type", "type(type(dyn))" },
		{ "google.protobuf.Timestamp", "type(timestamp)" },
		{ "google.protobuf.Duration", "type(duration)" },
	};
	static const char *const extension[][2] = {
		{ "optional_type", "type(optional_type(dyn))" },
		{ "net.IP", "type(net.IP)" },
		{ "net.CIDR", "type(net.CIDR)" },
	};
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names) && !err; i++)
		err = cel_env_constant(env, names[i][0], names[i][1],
				       value_type(str_of(names[i][0])));
	for (size_t i = 0; i < ARRAY_SIZE(extension) && !err && !(env->options & CEL_TRACEE); i++)
		err = cel_env_constant(env, extension[i][0], extension[i][1],
				       value_type(str_of(extension[i][0])));
	if (!err)
		err = cel_env_constant(env, "google.protobuf.NullValue.NULL_VALUE", "null_type",
				       value_null());
	return err;
}

static int libraries_add(struct cel_env *env)
{
	uint32_t wanted = LIBRARY_STANDARD | LIBRARY_TRACEE;

	if (!(env->options & CEL_TRACEE))
		wanted |= LIBRARY_EXTENSION;
	if (!(env->options & (CEL_TRACEE | CEL_SAME_NUMBERS)))
		wanted |= LIBRARY_MIXED_NUMBERS;
	for (size_t i = 0; i < ARRAY_SIZE(libraries); i++) {
		int err = wanted & libraries[i].library
				  ? overloads_add(env, libraries[i].rows, *libraries[i].count, true)
				  : 0;

		if (err)
			return err;
	}
	return type_names_add(env);
}

/* ---- public --------------------------------------------------------------- */

struct cel_env *cel_env_new_with(uint32_t options)
{
	struct cel_env *env = calloc(1, sizeof(*env));

	if (!env)
		return NULL;
	env->options = options;
	if (libraries_add(env)) {
		cel_env_free(env);
		return NULL;
	}
	return env;
}

struct cel_env *cel_env_new(void)
{
	return cel_env_new_with(0);
}

void cel_env_free(struct cel_env *env)
{
	if (!env)
		return;
	arena_free(&env->arena);
	free(env);
}

int cel_env_container(struct cel_env *env, const char *container)
{
	env->container = arena_str(&env->arena, container, strlen(container));
	return env->container.data ? 0 : -ENOMEM;
}

int cel_env_message(struct cel_env *env, const struct cel_message *message)
{
	struct message_entry *entry = arena_new(&env->arena, struct message_entry);

	if (!entry)
		return -ENOMEM;
	for (uint32_t i = 0; i < message->field_count; i++)
		if (!type_parse(&env->arena, str_of(message->fields[i].type)))
			return -EINVAL;
	*entry = (struct message_entry){ message, env->messages };
	env->messages = entry;
	return 0;
}

const struct cel_message *env_message(const struct cel_env *env, struct str name)
{
	for (const struct message_entry *entry = env->messages; entry; entry = entry->next)
		if (str_equal(str_of(entry->message->name), name))
			return entry->message;
	return known_message(name);
}

int env_field(const struct cel_message *message, struct str name)
{
	for (uint32_t i = 0; i < message->field_count; i++)
		if (str_equal(str_of(message->fields[i].name), name))
			return (int)i;
	return -1;
}

int cel_env_functions(struct cel_env *env, const struct cel_function *functions, uint32_t count)
{
	return overloads_add(env, functions, count, false);
}

static struct variable *variable_add(struct cel_env *env, const char *name, const char *type,
				     int *err)
{
	struct variable *variable = arena_new(&env->arena, struct variable);
	struct str copy = arena_str(&env->arena, name, strlen(name));
	struct str type_text = arena_str(&env->arena, type, strlen(type));
	const struct type *parsed;

	*err = -ENOMEM;
	if (!variable || !copy.data || !type_text.data)
		return NULL;
	*err = -EINVAL;
	parsed = type_parse(&env->arena, type_text);
	if (!parsed)
		return NULL;
	*err = 0;
	variable->name = copy;
	variable->type = parsed;
	variable->next = env->variables;
	env->variables = variable;
	return variable;
}

int cel_env_variable(struct cel_env *env, const char *name, const char *type, cel_get_fn get)
{
	int err;
	struct variable *variable = variable_add(env, name, type, &err);

	if (variable)
		variable->get = get;
	return err;
}

int cel_env_constant(struct cel_env *env, const char *name, const char *type, struct value value)
{
	int err;
	struct variable *variable;
	struct value copy;

	if (!value_copy(&env->arena, value, &copy))
		return -ENOMEM;
	variable = variable_add(env, name, type, &err);
	if (variable)
		variable->value = copy;
	return err;
}

int cel_env_missing(struct cel_env *env, struct str name, const char *hint)
{
	struct missing *missing = arena_new(&env->arena, struct missing);

	if (!missing)
		return -ENOMEM;
	missing->name = arena_str(&env->arena, name.data, name.len);
	missing->hint = arena_str(&env->arena, hint, strlen(hint));
	if (!missing->name.data || !missing->hint.data)
		return -ENOMEM;
	missing->next = env->missing;
	env->missing = missing;
	return 0;
}

const struct variable *env_variable(const struct cel_env *env, struct str name)
{
	for (const struct variable *v = env->variables; v; v = v->next)
		if (str_equal(v->name, name))
			return v;
	return NULL;
}

static bool has_prefix(struct str name, struct str prefix)
{
	return name.len > prefix.len && name.data[prefix.len] == '.' &&
	       memcmp(name.data, prefix.data, prefix.len) == 0;
}

bool env_has_prefix(const struct cel_env *env, struct str prefix)
{
	for (uint32_t i = 0; i < ENV_BUCKETS; i++)
		for (const struct function *f = env->functions[i]; f; f = f->next)
			if (has_prefix(f->name, prefix))
				return true;
	for (const struct variable *v = env->variables; v; v = v->next)
		if (has_prefix(v->name, prefix))
			return true;
	for (const struct message_entry *m = env->messages; m; m = m->next)
		if (has_prefix(str_of(m->message->name), prefix))
			return true;
	return false;
}

int cel_env_slots(struct cel_env *env, const char *value_function, const char *has_function,
		  cel_resolve_fn resolve, void *ctx)
{
	struct slot_access *access = arena_new(&env->arena, struct slot_access);

	if (!access)
		return -ENOMEM;
	*access = (struct slot_access){
		.value_function = arena_str(&env->arena, value_function, strlen(value_function)),
		.has_function = arena_str(&env->arena, has_function, strlen(has_function)),
		.resolve = resolve,
		.ctx = ctx,
		.next = env->slots,
	};
	if (!access->value_function.data || !access->has_function.data)
		return -ENOMEM;
	env->slots = access;
	return 0;
}

static int row_order(const void *a, const void *b)
{
	const struct cel_function *left = *(const struct cel_function *const *)a;
	const struct cel_function *right = *(const struct cel_function *const *)b;
	int by_name = strcmp(left->name, right->name);

	return by_name ? by_name : strcmp(left->signature, right->signature);
}

void cel_env_each_function(const struct cel_env *env,
			   void (*visit)(void *ctx, const struct cel_function *function), void *ctx)
{
	uint32_t macros = env->options & CEL_NO_MACROS ? 0
			  : env->options & CEL_TRACEE  ? macro_rows_standard
						       : macro_rows_count;
	size_t count = macros, at = 0;
	autoclean(freep) const struct cel_function **rows = NULL;

	for (uint32_t i = 0; i < ENV_BUCKETS; i++)
		for (const struct function *f = env->functions[i]; f; f = f->next)
			for (const struct overload *o = f->first; o; o = o->next)
				count++;
	rows = calloc(count ? count : 1, sizeof(*rows));
	if (!rows)
		return;
	for (; at < macros; at++)
		rows[at] = &macro_rows[at];
	for (uint32_t i = 0; i < ENV_BUCKETS; i++)
		for (const struct function *f = env->functions[i]; f; f = f->next)
			for (const struct overload *o = f->first; o; o = o->next)
				rows[at++] = o->row;
	qsort(rows, count, sizeof(*rows), row_order);
	for (size_t i = 0; i < count; i++)
		visit(ctx, rows[i]);
}

void cel_env_each_name(const struct cel_env *env,
		       void (*visit)(void *ctx, const char *name, const char *type), void *ctx)
{
	struct buf type = { .limit = 4096 };

	for (const struct variable *v = env->variables; v; v = v->next) {
		buf_clear(&type);
		type_print(&type, v->type);
		visit(ctx, v->name.data, buf_cstr(&type));
	}
	buf_free(&type);
}

const struct cel_message *cel_env_find_message(const struct cel_env *env, const char *name)
{
	return env_message(env, str_of(name));
}
