/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checker: gives every node its static type, names their meaning and calls the
 * overloads that fit. Gradual: what is dyn is left to the evaluation.
 *
 * Invariant: a node that has been checked has a type, also after an error (type_error, which
 * fits everything, so that one mistake is reported once).
 */
#include "base/buf.h"
#include "check.h"

/* ---- names ---------------------------------------------------------------- */

/* a.b.c of an identifier and selections; false: the node is something else, or too long. */
static bool dotted(const struct node *node, struct dotted_name *out)
{
	struct str part;

	if (node->kind == NODE_IDENT) {
		out->absolute = node->ident.absolute;
		out->root = node;
		part = node->ident.name;
	} else if (node->kind == NODE_SELECT && !node->select.test && !node->select.optional) {
		if (!dotted(node->select.operand, out))
			return false;
		part = node->select.field;
	} else {
		return false;
	}
	return dotted_append(out, part);
}

bool dotted_append(struct dotted_name *out, struct str part)
{
	if (part.len + 1 > sizeof(out->text) - out->len)
		return false;
	if (out->len)
		out->text[out->len++] = '.';
	memcpy(out->text + out->len, part.data, part.len);
	out->len += part.len;
	return true;
}

static struct local *find_local(const struct compile *compile, struct str name)
{
	for (struct local *local = compile->locals; local; local = local->outer)
		if (str_equal(local->name, name))
			return local;
	return NULL;
}

/* Is the first part of a dotted name a variable of a macro? Then it is not a qualified name. */
static bool root_is_local(const struct compile *compile, const struct dotted_name *name)
{
	return !name->absolute && find_local(compile, name->root->ident.name);
}

/*
 * Tries name in the container a.b as a.b.name, a.name and name; lookup returns non-NULL on
 * success. Absolute names are tried as they are.
 */
const void *resolve_name(const struct compile *compile, struct str name, bool absolute,
			 const void *(*lookup)(const struct cel_env *env, struct str name))
{
	struct str container = compile->env->container;

	while (!absolute && container.len) {
		char text[512];
		uint32_t len = container.len + 1 + name.len;

		if (len <= sizeof(text)) {
			memcpy(text, container.data, container.len);
			text[container.len] = '.';
			memcpy(text + container.len + 1, name.data, name.len);
			const void *found = lookup(compile->env, (struct str){ text, len });

			if (found)
				return found;
		}
		while (container.len && container.data[container.len - 1] != '.')
			container.len--;
		if (container.len)
			container.len--;
	}
	return lookup(compile->env, name);
}

static const void *lookup_variable(const struct cel_env *env, struct str name)
{
	return env_variable(env, name);
}

static const void *lookup_function(const struct cel_env *env, struct str name)
{
	return env_function(env, name);
}

static const void *lookup_message(const struct cel_env *env, struct str name)
{
	return env_message(env, name);
}

/* ---- leaves --------------------------------------------------------------- */

static const struct type *const_type(struct compile *compile, struct value value)
{
	static const struct type *const types[] = {
		[VALUE_NULL] = &type_null,	   [VALUE_BOOL] = &type_bool,
		[VALUE_INT] = &type_int,	   [VALUE_UINT] = &type_uint,
		[VALUE_DOUBLE] = &type_double,	   [VALUE_STRING] = &type_string,
		[VALUE_BYTES] = &type_bytes,	   [VALUE_TIMESTAMP] = &type_timestamp,
		[VALUE_DURATION] = &type_duration,
	};

	(void)compile;
	return value.tag < ARRAY_SIZE(types) ? types[value.tag] : &type_dyn;
}

static const struct type *use_variable(struct node *node, const struct variable *variable)
{
	if (!variable->get) {
		node->kind = NODE_CONST;
		node->constant = variable->value;
		return variable->type;
	}
	node->kind = NODE_IDENT;
	node->ident.variable = variable;
	node->ident.local = NULL;
	return variable->type;
}

/* The name of a message is a value: its type. */
static const struct type *use_message_name(struct compile *compile, struct node *node,
					   const struct cel_message *message)
{
	const struct type *type = type_new(compile->scratch, T_MESSAGE, str_of(message->name), NULL,
					   0);

	node->kind = NODE_CONST;
	node->constant = value_type(str_of(message->name));
	return type_new(compile->scratch, T_TYPE, (struct str){ 0 }, &type, 1);
}

/* NULL: no variable, constant or message has the name. */
static const struct type *use_name(struct compile *compile, struct node *node, struct str name,
				   bool absolute)
{
	const struct variable *variable = resolve_name(compile, name, absolute, lookup_variable);
	const struct cel_message *message;

	if (variable)
		return use_variable(node, variable);
	message = resolve_name(compile, name, absolute, lookup_message);
	return message ? use_message_name(compile, node, message) : NULL;
}

static const struct type *check_ident(struct compile *compile, struct node *node)
{
	struct str name = node->ident.name;
	struct local *local = node->ident.absolute ? NULL : find_local(compile, name);
	const struct type *type;

	if (local) {
		node->ident.local = local;
		return local->type;
	}
	type = use_name(compile, node, name, node->ident.absolute);
	if (type)
		return type;
	node->ident.variable = NULL;
	node->ident.local = NULL;
	return report_undeclared(compile, node, name);
}

/* ---- selections ----------------------------------------------------------- */

static const struct type *field_type(struct compile *compile, struct node *node,
				     const struct type *type)
{
	const struct cel_message *message = env_message(compile->env, type->name);
	int index = message ? env_field(message, node->select.field) : -1;

	if (index < 0)
		return report_field(compile, node->at, type, message, node->select.field);
	node->select.resolved = &message->fields[index];
	return type_parse(compile->scratch, str_of(message->fields[index].type));
}

static const struct type *select_type(struct compile *compile, struct node *node,
				      const struct type *operand)
{
	operand = infer_resolve(&compile->infer, operand);
	switch (operand->kind) {
	case T_DYN:
	case T_VAR: return &type_dyn;
	case T_ERROR: return operand;
	case T_MAP: return operand->params[1];
	case T_MESSAGE: return field_type(compile, node, operand);
	case T_NULLABLE:
		if (operand->params[0]->kind == T_MAP || operand->params[0]->kind == T_MESSAGE)
			return select_type(compile, node, operand->params[0]);
		break;
	default: break;
	}
	return report(compile, node->at, "found '.%.*s' on a value of type %s, which has no fields",
		      (int)node->select.field.len, node->select.field.data,
		      type_text(compile, operand));
}

/* operand.field where the operand may be an optional: then so is the result */
static const struct type *check_select_field(struct compile *compile, struct node *node)
{
	const struct type *operand = infer_resolve(&compile->infer, node->select.operand->type);
	bool optional = type_is_optional(operand);
	const struct type *type;

	type = select_type(compile, node, optional ? operand->params[0] : operand);
	if (optional)
		node->select.resolved = NULL;
	if (node->select.test)
		return &type_bool;
	type = infer_resolve(&compile->infer, type);
	if ((optional || node->select.optional) && !type_is_optional(type))
		return type_optional(compile->scratch, type);
	return type;
}

static const struct type *check_select(struct compile *compile, struct node *node)
{
	struct dotted_name name = { .len = 0 };

	if (!node->select.test && !node->select.optional && dotted(node, &name) &&
	    !root_is_local(compile, &name)) {
		struct str text = { name.text, name.len };
		const struct type *type = use_name(compile, node, text, name.absolute);

		if (type)
			return type;
	}
	check_node(compile, &node->select.operand);
	return check_select_field(compile, node);
}

/* ---- aggregates ----------------------------------------------------------- */

static const struct type *element_type(struct compile *compile, struct node *node, bool optional)
{
	const struct type *type = infer_resolve(&compile->infer, check_node(compile, &node));

	if (!optional || type->kind == T_DYN || type->kind == T_ERROR)
		return type;
	if (type_is_optional(type))
		return type->params[0];
	return report(compile, node->at, "found %s behind '?', expected an optional",
		      type_text(compile, type));
}

/* The type of both; dyn if they do not agree: [1, 'a'] is a list(dyn). */
static const struct type *join(struct compile *compile, const struct type *so_far,
			       const struct type *next)
{
	if (!so_far)
		return next;
	if (infer_assignable(&compile->infer, so_far, next))
		return infer_general(&compile->infer, so_far, next);
	return &type_dyn;
}

static const struct type *check_list(struct compile *compile, struct node *node)
{
	const struct type *element = NULL;

	for (uint32_t i = 0; i < node->list.count; i++) {
		bool optional = node->list.optional && node->list.optional[i];

		element = join(compile, element,
			       element_type(compile, node->list.items[i], optional));
	}
	return type_list(compile->scratch, element ? element : infer_fresh(&compile->infer));
}

/* Keys are int, uint, bool or string; two equal constant ones are a mistake. */
static void check_key(struct compile *compile, const struct node *node, const struct type *type)
{
	type = infer_resolve(&compile->infer, type);
	if (compile->env->options & CEL_TRACEE)
		return;
	if (type->kind == T_DYN || type->kind == T_VAR || type->kind == T_ERROR ||
	    type->kind == T_INT || type->kind == T_UINT || type->kind == T_BOOL ||
	    type->kind == T_STRING)
		return;
	report(compile, node->at, "found a key of type %s, expected int, uint, bool or string",
	       type_text(compile, type));
}

static const struct type *check_map(struct compile *compile, struct node *node)
{
	const struct type *key = NULL, *value = NULL;

	for (uint32_t i = 0; i < node->map.count; i++) {
		bool optional = node->map.optional && node->map.optional[i];

		check_node(compile, &node->map.keys[i]);
		check_key(compile, node->map.keys[i], node->map.keys[i]->type);
		key = join(compile, key, node->map.keys[i]->type);
		value = join(compile, value, element_type(compile, node->map.values[i], optional));
	}
	return type_map(compile->scratch, key ? key : infer_fresh(&compile->infer),
			value ? value : infer_fresh(&compile->infer));
}

static void check_message_field(struct compile *compile, struct node *node, uint32_t i,
				const struct type *type)
{
	const struct cel_message *message = node->message.message;
	int index = env_field(message, node->message.fields[i]);
	bool optional = node->message.optional && node->message.optional[i];
	const struct type *have = element_type(compile, node->message.values[i], optional);
	const struct type *want;

	if (index < 0) {
		report_field(compile, node->message.values[i]->at, type, message,
			     node->message.fields[i]);
		return;
	}
	want = type_parse(compile->scratch, str_of(message->fields[index].type));
	if (!infer_assignable(&compile->infer, want, have))
		report(compile, node->message.values[i]->at,
		       "found a value of type %s for field '%s', expected %s",
		       type_text(compile, have), message->fields[index].name,
		       type_text(compile, want));
}

static const struct type *check_message(struct compile *compile, struct node *node)
{
	const struct cel_message *message = resolve_name(compile, node->message.name,
							 node->message.absolute, lookup_message);
	const struct type *type;

	if (!message) {
		for (uint32_t i = 0; i < node->message.count; i++)
			check_node(compile, &node->message.values[i]);
		return report_undeclared(compile, node, node->message.name);
	}
	node->message.message = message;
	type = type_new(compile->scratch, T_MESSAGE, str_of(message->name), NULL, 0);
	for (uint32_t i = 0; i < node->message.count; i++)
		check_message_field(compile, node, i, type);
	if (message_is_known(message))
		return type_parse(compile->scratch, str_of(message->name));
	return type;
}

/* ---- logic, folds, binds -------------------------------------------------- */

static void expect_bool(struct compile *compile, struct node *node, const char *where)
{
	if (!infer_assignable(&compile->infer, &type_bool, node->type))
		report(compile, node->at, "found %s, expected bool %s",
		       type_text(compile, node->type), where);
}

static const struct type *check_logic(struct compile *compile, struct node *node)
{
	for (uint32_t i = 0; i < node->logic.count; i++) {
		check_node(compile, &node->logic.items[i]);
		expect_bool(compile, node->logic.items[i],
			    node->logic.is_and ? "on both sides of '&&'" : "on both sides of '||'");
	}
	return &type_bool;
}

static const struct type *check_ternary(struct compile *compile, struct node *node)
{
	const struct type *both = infer_fresh(&compile->infer);
	const struct type *params[] = { both, both }, *args[2];

	check_node(compile, &node->ternary.condition);
	expect_bool(compile, node->ternary.condition, "before '?'");
	args[0] = check_node(compile, &node->ternary.yes);
	args[1] = check_node(compile, &node->ternary.no);
	if (!infer_assignable_list(&compile->infer, params, args, 2))
		return report(compile, node->at,
			      "found %s before ':' and %s behind it, expected the same type",
			      type_text(compile, args[0]), type_text(compile, args[1]));
	return infer_substitute(&compile->infer, both, false);
}

static void push_local(struct compile *compile, struct local *local, const struct type *type)
{
	local->type = type;
	local->outer = compile->locals;
	compile->locals = local;
}

/* Types of the variables of a fold over a value of type range. */
static void range_types(struct compile *compile, struct node *node, const struct type **first,
			const struct type **second)
{
	const struct type *range = infer_resolve(&compile->infer, node->fold.range->type);

	if (range->kind == T_NULLABLE)
		range = range->params[0];
	*first = *second = &type_dyn;
	if (range->kind == T_LIST) {
		*first = node->fold.two ? &type_int : range->params[0];
		*second = range->params[0];
	} else if (range->kind == T_MAP) {
		*first = range->params[0];
		*second = range->params[1];
	} else if (range->kind == T_VAR) {
		infer_assignable(&compile->infer, range, &type_dyn);
	} else if (range->kind != T_DYN && range->kind != T_ERROR) {
		report(compile, node->fold.range->at,
		       "found a value of type %s, expected a list or a map to go through",
		       type_text(compile, range));
	}
}

static const struct type *fold_result(struct compile *compile, struct node *node,
				      const struct type *element)
{
	const struct type *body = node->fold.body ? node->fold.body->type : element;
	const struct type *range = infer_resolve(&compile->infer, node->fold.range->type);

	body = infer_resolve(&compile->infer, body);
	switch (node->fold.fold) {
	case FOLD_all:
	case FOLD_exists:
	case FOLD_exists_one:
		expect_bool(compile, node->fold.body, "as the condition");
		return &type_bool;
	case FOLD_list: return type_list(compile->scratch, body);
	case FOLD_map:
		return type_map(compile->scratch,
				range->kind == T_MAP	? range->params[0]
				: range->kind == T_LIST ? &type_int
							: &type_dyn,
				body);
	default: break;
	}
	if (body->kind == T_MAP || body->kind == T_DYN || body->kind == T_ERROR)
		return body;
	return report(compile, node->fold.body->at, "found %s, expected a map of one entry",
		      type_text(compile, body));
}

static const struct type *check_fold(struct compile *compile, struct node *node)
{
	struct local *outer = compile->locals;
	const struct type *first, *second, *result;

	check_node(compile, &node->fold.range);
	range_types(compile, node, &first, &second);
	push_local(compile, node->fold.first, first);
	if (node->fold.two)
		push_local(compile, node->fold.second, second);
	if (node->fold.filter) {
		check_node(compile, &node->fold.filter);
		expect_bool(compile, node->fold.filter, "as the condition");
	}
	if (node->fold.body)
		check_node(compile, &node->fold.body);
	result = fold_result(compile, node, first);
	compile->locals = outer;
	return result;
}

static const struct type *check_bind(struct compile *compile, struct node *node)
{
	struct local *outer = compile->locals;
	const struct type *type;

	check_node(compile, &node->bind.value);
	push_local(compile, node->bind.local, node->bind.value->type);
	type = check_node(compile, &node->bind.body);
	compile->locals = outer;
	return type;
}

/* What an optional holds; reports if the node is none. */
static const struct type *optional_inner(struct compile *compile, const struct node *node)
{
	const struct type *type = infer_resolve(&compile->infer, node->type);

	if (type_is_optional(type))
		return type->params[0];
	if (type->kind == T_DYN || type->kind == T_ERROR || type->kind == T_VAR)
		return &type_dyn;
	return report(compile, node->at, "found %s, expected an optional",
		      type_text(compile, type));
}

static const struct type *check_optional_map(struct compile *compile, struct node *node)
{
	struct local *outer = compile->locals;
	const struct type *body;

	check_node(compile, &node->bind.value);
	push_local(compile, node->bind.local, optional_inner(compile, node->bind.value));
	body = check_node(compile, &node->bind.body);
	compile->locals = outer;
	if (!node->bind.flat)
		return type_optional(compile->scratch, body);
	return type_optional(compile->scratch, optional_inner(compile, node->bind.body));
}

static const struct type *check_optional_or(struct compile *compile, struct node *node)
{
	const struct type *inner, *other;

	check_node(compile, &node->optional_or.optional);
	inner = optional_inner(compile, node->optional_or.optional);
	check_node(compile, &node->optional_or.other);
	other = node->optional_or.value ? node->optional_or.other->type
					: optional_inner(compile, node->optional_or.other);
	if (!infer_assignable(&compile->infer, inner, other))
		return report(compile, node->optional_or.other->at, "found %s, expected %s",
			      type_text(compile, other), type_text(compile, inner));
	inner = infer_general(&compile->infer, infer_substitute(&compile->infer, inner, false),
			      other);
	return node->optional_or.value ? inner : type_optional(compile->scratch, inner);
}

/* ---- calls: resolving names; check_call.c chooses the overloads ----------- */

/* process.get(1u): a function of that name goes before a method of a variable `process`. */
static const struct function *namespaced_function(struct compile *compile, struct node *node)
{
	struct dotted_name name = { .len = 0 };
	const struct function *function;

	if (!dotted(node->call.target, &name) || root_is_local(compile, &name) ||
	    !dotted_append(&name, node->call.name))
		return NULL;
	function = resolve_name(compile, (struct str){ name.text, name.len }, name.absolute,
				lookup_function);
	if (function) {
		node->call.target = NULL;
		node->call.name = function->name;
	}
	return function;
}

static const struct type *check_call(struct compile *compile, struct node *node)
{
	const struct function *function;

	if (node->call.target) {
		function = namespaced_function(compile, node);
		if (function)
			return check_overloads(compile, node, function);
		if (check_is_namespace(compile, node))
			return report_namespace(compile, node);
		check_node(compile, &node->call.target);
		function = env_function(compile->env, node->call.name);
		return check_overloads(compile, node, function);
	}
	const struct type *slot = check_slot(compile, node);

	if (slot)
		return slot;
	function = resolve_name(compile, node->call.name, node->call.absolute, lookup_function);
	if (function)
		node->call.name = function->name;
	return check_overloads(compile, node, function);
}

const struct type *check_node(struct compile *compile, struct node **place)
{
	static const struct type *(*const checks[])(struct compile *, struct node *) = {
		[NODE_IDENT] = check_ident,
		[NODE_SELECT] = check_select,
		[NODE_CALL] = check_call,
		[NODE_LOGIC] = check_logic,
		[NODE_TERNARY] = check_ternary,
		[NODE_LIST] = check_list,
		[NODE_MAP] = check_map,
		[NODE_STRUCT] = check_message,
		[NODE_FOLD] = check_fold,
		[NODE_BIND] = check_bind,
		[NODE_OPTIONAL_MAP] = check_optional_map,
		[NODE_OPTIONAL_OR] = check_optional_or,
	};
	struct node *node = *place;

	/* The name of a field has been checked before its call turned out to be no access. */
	if (node->type)
		return node->type;
	/* Once an error is reported nothing more is learnt by going on. */
	if (compile->failed)
		node->type = &type_error;
	else if (node->kind == NODE_CONST)
		node->type = const_type(compile, node->constant);
	else if (node->kind < ARRAY_SIZE(checks) && checks[node->kind])
		node->type = checks[node->kind](compile, node);
	if (!node->type || compile->infer.failed) {
		compile_no_memory(compile);
		node->type = &type_error;
	}
	return node->type;
}

/* May an expression of this type be used where `want` is asked for? */
static bool type_is_wanted(struct compile *compile, const struct type *want,
			   const struct type *have)
{
	if (want->kind != T_BOOL)
		return infer_assignable(&compile->infer, want, have);
	/* A condition is bool, not perhaps bool; a field that may be absent is false then. */
	if (have->kind == T_NULLABLE && !(compile->env->options & CEL_TRACEE))
		have = have->params[0];
	return have->kind == T_BOOL || have->kind == T_ERROR ||
	       (compile->env->options & CEL_UNCHECKED);
}

const struct type *check_expression(struct compile *compile, struct node **root, const char *want)
{
	const struct type *type = infer_substitute(&compile->infer, check_node(compile, root),
						   true);
	const struct type *wanted = want ? type_parse(compile->scratch, str_of(want)) : NULL;

	if (compile->failed || !wanted)
		return type;
	if (!type_is_wanted(compile, wanted, type)) {
		compile_error(compile, (*root)->at, "found an expression of type %s, expected %s",
			      type_text(compile, type), want);
		if (type->kind == T_DYN && wanted->kind == T_BOOL)
			compile_hint(compile, "compare it, for instance with '== true'");
	}
	return type;
}
