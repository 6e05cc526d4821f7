/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types: making, reading from text, printing, comparing, and the inference of the gradual
 * checker. Assignability is cel-go's, with one widening: a nullable type may wrap any
 * type, not only the primitive ones, because an event may lack any field.
 *
 * Invariant: a failed trial leaves no binding behind.
 */
#include "base/buf.h"
#include "internal.h"

#define BASIC(name, kind_) const struct type type_##name = { .kind = kind_ }
BASIC(error, T_ERROR);
BASIC(dyn, T_DYN);
BASIC(null, T_NULL);
BASIC(bool, T_BOOL);
BASIC(int, T_INT);
BASIC(uint, T_UINT);
BASIC(double, T_DOUBLE);
BASIC(string, T_STRING);
BASIC(bytes, T_BYTES);
BASIC(timestamp, T_TIMESTAMP);
BASIC(duration, T_DURATION);

/* Names of types without parameters; the first row of a type is its printed name. */
static const struct basic_name {
	const char *name;
	const struct type *type;
} basic_names[] = {
	{ "dyn", &type_dyn },
	{ "null_type", &type_null },
	{ "bool", &type_bool },
	{ "int", &type_int },
	{ "uint", &type_uint },
	{ "double", &type_double },
	{ "string", &type_string },
	{ "bytes", &type_bytes },
	{ "google.protobuf.Timestamp", &type_timestamp },
	{ "google.protobuf.Duration", &type_duration },
	{ "timestamp", &type_timestamp },
	{ "duration", &type_duration },
	{ "error", &type_error },
	{ "any", &type_dyn },
	{ "google.protobuf.Any", &type_dyn },
	{ "google.protobuf.Value", &type_dyn },
	{ "google.protobuf.NullValue", &type_null },
};

static const struct wrapper_name {
	const char *name;
	const struct type *type;
} wrapper_names[] = {
	{ "google.protobuf.BoolValue", &type_bool },
	{ "google.protobuf.BytesValue", &type_bytes },
	{ "google.protobuf.DoubleValue", &type_double },
	{ "google.protobuf.FloatValue", &type_double },
	{ "google.protobuf.Int32Value", &type_int },
	{ "google.protobuf.Int64Value", &type_int },
	{ "google.protobuf.StringValue", &type_string },
	{ "google.protobuf.UInt32Value", &type_uint },
	{ "google.protobuf.UInt64Value", &type_uint },
};

static const struct constructor {
	const char *name;
	enum type_kind kind;
	uint8_t count;
} constructors[] = {
	{ "list", T_LIST, 1 },
	{ "map", T_MAP, 2 },
	{ "type", T_TYPE, 1 },
	{ "wrapper", T_NULLABLE, 1 },
};

/* ---- making --------------------------------------------------------------- */

const struct type *type_new(struct arena *arena, enum type_kind kind, struct str name,
			    const struct type *const *params, uint32_t count)
{
	struct type *type = arena_new(arena, struct type);
	const struct type **copy = count ? arena_array(arena, const struct type *, count) : NULL;

	if (!type || (count && !copy))
		return &type_error;
	for (uint32_t i = 0; i < count; i++)
		copy[i] = params[i];
	*type = (struct type){
		.kind = kind, .count = (uint8_t)count, .name = name, .params = copy
	};
	return type;
}

const struct type *type_list(struct arena *arena, const struct type *element)
{
	return type_new(arena, T_LIST, (struct str){ 0 }, &element, 1);
}

const struct type *type_map(struct arena *arena, const struct type *key, const struct type *value)
{
	const struct type *params[] = { key, value };

	return type_new(arena, T_MAP, (struct str){ 0 }, params, 2);
}

const struct type *type_nullable(struct arena *arena, const struct type *inner)
{
	if (inner->kind == T_DYN || inner->kind == T_NULL || inner->kind == T_NULLABLE)
		return inner;
	return type_new(arena, T_NULLABLE, (struct str){ 0 }, &inner, 1);
}

const struct type *type_optional(struct arena *arena, const struct type *inner)
{
	return type_new(arena, T_OPAQUE, STR("optional_type"), &inner, 1);
}

bool type_is_optional(const struct type *type)
{
	return type->kind == T_OPAQUE && str_equal(type->name, STR("optional_type"));
}

/* ---- reading -------------------------------------------------------------- */

static void skip_spaces(struct type_reader *reader)
{
	while (reader->at < reader->end && *reader->at == ' ')
		reader->at++;
}

bool type_read_char(struct type_reader *reader, char c)
{
	skip_spaces(reader);
	if (reader->at >= reader->end || *reader->at != c)
		return false;
	reader->at++;
	return true;
}

static bool is_name_char(char c)
{
	return c == '_' || c == '.' || c == '@' || (c >= '0' && c <= '9') ||
	       (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A method's signature reads "string.(int)": the dot before "(" is not of the name. */
static struct str read_name(struct type_reader *reader)
{
	const char *from;

	skip_spaces(reader);
	from = reader->at;
	while (reader->at < reader->end && is_name_char(*reader->at)) {
		if (*reader->at == '.' && reader->at + 1 < reader->end && reader->at[1] == '(')
			break;
		reader->at++;
	}
	return (struct str){ from, (uint32_t)(reader->at - from) };
}

static const struct type *type_by_name(struct arena *arena, struct str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(basic_names); i++)
		if (str_equal(name, str_of(basic_names[i].name)))
			return basic_names[i].type;
	for (size_t i = 0; i < ARRAY_SIZE(wrapper_names); i++)
		if (str_equal(name, str_of(wrapper_names[i].name)))
			return type_nullable(arena, wrapper_names[i].type);
	if (str_equal(name, STR("google.protobuf.Struct")))
		return type_map(arena, &type_string, &type_dyn);
	if (str_equal(name, STR("google.protobuf.ListValue")))
		return type_list(arena, &type_dyn);
	if (name.len == 1 && name.data[0] >= 'A' && name.data[0] <= 'Z')
		return type_new(arena, T_PARAM, name, NULL, 0);
	for (size_t i = 0; i < ARRAY_SIZE(constructors); i++) {
		const struct type *params[] = { &type_dyn, &type_dyn };

		if (str_equal(name, str_of(constructors[i].name)))
			return type_new(arena, constructors[i].kind, (struct str){ 0 }, params,
					constructors[i].count);
	}
	return type_new(arena, T_MESSAGE, name, NULL, 0);
}

static const struct type *type_construct(struct arena *arena, struct str name,
					 const struct type **params, uint32_t count)
{
	for (size_t i = 0; i < ARRAY_SIZE(constructors); i++) {
		if (!str_equal(name, str_of(constructors[i].name)))
			continue;
		if (count != constructors[i].count)
			return NULL;
		if (constructors[i].kind == T_NULLABLE)
			return type_nullable(arena, params[0]);
		return type_new(arena, constructors[i].kind, (struct str){ 0 }, params, count);
	}
	if (str_equal(name, STR("optional")))
		name = STR("optional_type");
	return type_new(arena, T_OPAQUE, name, params, count);
}

/* type = name [ "(" type { "," type } ")" ] */
const struct type *type_read(struct type_reader *reader)
{
	enum { PARAMS_MAX = 8 };
	const struct type *params[PARAMS_MAX];
	uint32_t count = 0;
	struct str name = read_name(reader);

	if (!name.len)
		return NULL;
	if (!type_read_char(reader, '('))
		return type_by_name(reader->arena, name);
	do {
		if (count == PARAMS_MAX)
			return NULL;
		params[count] = type_read(reader);
		if (!params[count++])
			return NULL;
	} while (type_read_char(reader, ','));
	if (!type_read_char(reader, ')'))
		return NULL;
	return type_construct(reader->arena, name, params, count);
}

const struct type *type_parse(struct arena *arena, struct str text)
{
	struct type_reader reader = { arena, text.data, text.data + text.len };
	const struct type *type = type_read(&reader);

	skip_spaces(&reader);
	return reader.at == reader.end ? type : NULL;
}

/* ---- printing, comparing -------------------------------------------------- */

static void print_params(struct buf *out, const struct type *type)
{
	if (!type->count)
		return;
	buf_char(out, '(');
	for (uint32_t i = 0; i < type->count; i++) {
		if (i)
			buf_lit(out, ", ");
		type_print(out, type->params[i]);
	}
	buf_char(out, ')');
}

void type_print(struct buf *out, const struct type *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(basic_names); i++)
		if (basic_names[i].type->kind == type->kind) {
			buf_str(out, str_of(basic_names[i].name));
			return;
		}
	for (size_t i = 0; i < ARRAY_SIZE(constructors); i++)
		if (constructors[i].kind == type->kind)
			buf_str(out, str_of(constructors[i].name));
	if (type->kind == T_VAR)
		buf_printf(out, "_var%u", type->var);
	buf_str(out, type->name);
	print_params(out, type);
}

bool type_equal(const struct type *a, const struct type *b)
{
	if (a == b)
		return true;
	if (a->kind != b->kind || a->count != b->count || a->var != b->var ||
	    !str_equal(a->name, b->name))
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!type_equal(a->params[i], b->params[i]))
			return false;
	return true;
}

uint32_t type_tags(const struct type *type)
{
	static const uint32_t tags[] = {
		[T_NULL] = 1 << VALUE_NULL,	    [T_BOOL] = 1 << VALUE_BOOL,
		[T_INT] = 1 << VALUE_INT,	    [T_UINT] = 1 << VALUE_UINT,
		[T_DOUBLE] = 1 << VALUE_DOUBLE,	    [T_STRING] = 1 << VALUE_STRING,
		[T_BYTES] = 1 << VALUE_BYTES,	    [T_TIMESTAMP] = 1 << VALUE_TIMESTAMP,
		[T_DURATION] = 1 << VALUE_DURATION, [T_LIST] = 1 << VALUE_LIST,
		[T_MAP] = 1 << VALUE_MAP,	    [T_TYPE] = 1 << VALUE_TYPE,
		[T_MESSAGE] = 1 << VALUE_MESSAGE,
	};

	if (type->kind == T_NULLABLE)
		return type_tags(type->params[0]) | 1 << VALUE_NULL;
	if (type_is_optional(type))
		return 1 << VALUE_OPTIONAL;
	if (type->kind < ARRAY_SIZE(tags) && tags[type->kind])
		return tags[type->kind];
	return ~(uint32_t)(1 << VALUE_ERROR);
}

/* ---- inference ------------------------------------------------------------ */

static bool grow(struct inference *infer)
{
	uint32_t capacity = infer->capacity ? infer->capacity * 2 : 64;
	struct binding *bindings = arena_array(infer->arena, struct binding, capacity);

	if (!bindings)
		return false;
	if (infer->count)
		memcpy(bindings, infer->bindings, infer->count * sizeof(*bindings));
	infer->bindings = bindings;
	infer->capacity = capacity;
	return true;
}

const struct type *infer_fresh(struct inference *infer)
{
	struct type *type = arena_new(infer->arena, struct type);

	if (!type || (infer->count == infer->capacity && !grow(infer))) {
		infer->failed = true;
		return &type_error;
	}
	infer->bindings[infer->count] = (struct binding){ 0 };
	*type = (struct type){ .kind = T_VAR, .var = infer->count++ };
	return type;
}

static bool trail_room(struct inference *infer)
{
	uint32_t capacity = infer->trail_capacity ? infer->trail_capacity * 2 : 64;
	struct trail *trail;

	if (infer->trail_count < infer->trail_capacity)
		return true;
	trail = arena_array(infer->arena, struct trail, capacity);
	if (!trail)
		return false;
	if (infer->trail_count)
		memcpy(trail, infer->trail, infer->trail_count * sizeof(*trail));
	infer->trail = trail;
	infer->trail_capacity = capacity;
	return true;
}

static void bind(struct inference *infer, uint32_t var, const struct type *type)
{
	if (!trail_room(infer)) {
		infer->failed = true;
		return;
	}
	infer->trail[infer->trail_count++] = (struct trail){ var, infer->bindings[var].type };
	infer->bindings[var].type = type;
}

static void undo_to(struct inference *infer, uint32_t mark)
{
	while (infer->trail_count > mark) {
		struct trail *last = &infer->trail[--infer->trail_count];

		infer->bindings[last->var].type = last->old;
	}
}

const struct type *infer_resolve(struct inference *infer, const struct type *type)
{
	while (type->kind == T_VAR && infer->bindings[type->var].type)
		type = infer->bindings[type->var].type;
	return type;
}

const struct type *infer_substitute(struct inference *infer, const struct type *type, bool dyn)
{
	enum { PARAMS_MAX = 8 };
	const struct type *params[PARAMS_MAX];
	bool changed = false;

	type = infer_resolve(infer, type);
	if (type->kind == T_VAR)
		return dyn ? &type_dyn : type;
	if (!type->count)
		return type;
	for (uint32_t i = 0; i < type->count; i++) {
		params[i] = infer_substitute(infer, type->params[i], dyn);
		changed |= params[i] != type->params[i];
	}
	return changed ? type_new(infer->arena, type->kind, type->name, params, type->count) : type;
}

/* Does variable `var` occur in type? Binding it would make an infinite type. */
static bool occurs(struct inference *infer, uint32_t var, const struct type *type)
{
	type = infer_resolve(infer, type);
	if (type->kind == T_VAR)
		return type->var == var;
	for (uint32_t i = 0; i < type->count; i++)
		if (occurs(infer, var, type->params[i]))
			return true;
	return false;
}

/* Is a at most as specific as b, so that a can stand for both? */
static bool less_specific(struct inference *infer, const struct type *a, const struct type *b)
{
	a = infer_resolve(infer, a);
	b = infer_resolve(infer, b);
	if (a->kind == T_DYN || a->kind == T_VAR || a->kind == T_ERROR)
		return true;
	if (b->kind == T_DYN || b->kind == T_VAR || b->kind == T_ERROR)
		return false;
	if (a->kind == T_NULLABLE)
		return b->kind == T_NULL || type_equal(a->params[0], b) || type_equal(a, b);
	if (b->kind == T_NULL)
		return a->kind >= T_TIMESTAMP && a->kind != T_LIST && a->kind != T_MAP;
	if (a->kind != b->kind || a->count != b->count || !str_equal(a->name, b->name))
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!less_specific(infer, a->params[i], b->params[i]))
			return false;
	return true;
}

const struct type *infer_general(struct inference *infer, const struct type *a,
				 const struct type *b)
{
	return less_specific(infer, a, b) ? a : b;
}

static bool assignable(struct inference *infer, const struct type *want, const struct type *have);

/* Variable `var` against another type: bind it, or widen what it is bound to. */
static bool assign_variable(struct inference *infer, const struct type *variable,
			    const struct type *other, bool variable_wants)
{
	const struct type *bound = infer->bindings[variable->var].type;
	const struct type *general;

	if (!bound) {
		if (infer_resolve(infer, other) == variable ||
		    (infer_resolve(infer, other)->kind == T_VAR &&
		     infer_resolve(infer, other)->var == variable->var))
			return true;
		if (occurs(infer, variable->var, other))
			return false;
		bind(infer, variable->var, other);
		return true;
	}
	if (type_equal(bound, other))
		return true;
	if (!(variable_wants ? assignable(infer, bound, other) : assignable(infer, other, bound)))
		return false;
	general = infer_general(infer, other, bound);
	if (general != bound && !occurs(infer, variable->var, general))
		bind(infer, variable->var, general);
	return true;
}

/* Kept from the older checker: null goes where a message, time or abstract type goes. */
static bool takes_null(const struct type *type)
{
	return type->kind == T_NULL || type->kind == T_NULLABLE || type->kind == T_MESSAGE ||
	       type->kind == T_TIMESTAMP || type->kind == T_DURATION || type->kind == T_OPAQUE;
}

static bool assign_params(struct inference *infer, const struct type *want, const struct type *have)
{
	if (want->kind != have->kind || want->count != have->count ||
	    !str_equal(want->name, have->name))
		return false;
	/* A type as a value may be compared with any other. */
	if (want->kind == T_TYPE)
		return true;
	for (uint32_t i = 0; i < want->count; i++)
		if (!assignable(infer, want->params[i], have->params[i]))
			return false;
	return true;
}

static bool assignable(struct inference *infer, const struct type *want, const struct type *have)
{
	if (want == have)
		return true;
	/* The order matters: [x] finds the element's variable widened by later elements. */
	if (have->kind == T_VAR)
		return assign_variable(infer, have, want, false);
	if (want->kind == T_VAR)
		return assign_variable(infer, want, have, true);
	if (want->kind == T_DYN || want->kind == T_ERROR || have->kind == T_DYN ||
	    have->kind == T_ERROR)
		return true;
	if (have->kind == T_NULL)
		return takes_null(want);
	if (want->kind == T_NULL)
		return takes_null(have);
	if (want->kind == T_NULLABLE)
		return assignable(infer, want->params[0],
				  have->kind == T_NULLABLE ? have->params[0] : have);
	if (have->kind == T_NULLABLE)
		return assignable(infer, want, have->params[0]);
	return assign_params(infer, want, have);
}

bool infer_assignable(struct inference *infer, const struct type *want, const struct type *have)
{
	return infer_assignable_list(infer, &want, &have, 1);
}

bool infer_assignable_list(struct inference *infer, const struct type *const *want,
			   const struct type *const *have, uint32_t count)
{
	uint32_t mark = infer->trail_count;

	for (uint32_t i = 0; i < count; i++)
		if (!assignable(infer, want[i], have[i])) {
			undo_to(infer, mark);
			return false;
		}
	return true;
}
