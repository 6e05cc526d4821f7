/* SPDX-License-Identifier: Apache-2.0 */
/* The reference evaluator. Shares with the machine the values and the functions, not the order
 * of evaluation, the jumps, the registers or the folding. */
#include "oracle.h"

struct oracle {
	struct node *root;
	bool want_bool, lenient;
};

struct scope {
	const struct local *local;
	struct value value;
	const struct scope *outer;
};

struct walk {
	struct cel_run *run;
	bool lenient;
};

static struct value eval(struct walk *walk, const struct node *node, const struct scope *scope);

static bool is_true(struct value v)
{
	return v.tag == VALUE_BOOL && v.b;
}

/* What is not bool where bool is asked for. */
static struct value bool_error(struct value v)
{
	return value_is_error(v) ? v : ERROR_NO_OVERLOAD;
}

/* ---- names, fields -------------------------------------------------------- */

static struct value eval_ident(struct walk *walk, const struct node *node,
			       const struct scope *scope)
{
	struct value out = value_null();

	if (node->ident.local) {
		while (scope->local != node->ident.local)
			scope = scope->outer;
		return scope->value;
	}
	if (!node->ident.variable)
		return cel_error(walk->run, "undeclared");
	if (!node->ident.variable->get)
		return node->ident.variable->value;
	node->ident.variable->get(walk->run, walk->run->object, &out);
	return out;
}

static struct value eval_slot(struct walk *walk, const struct node *node)
{
	uint32_t slot = node->slot.number;

	if (!(walk->run->known[slot / 64] >> slot % 64 & 1)) {
		walk->run->load(walk->run, slot);
		walk->run->known[slot / 64] |= 1ULL << slot % 64;
	}
	if (node->slot.test)
		return value_bool(walk->run->slots[slot].tag != VALUE_NULL ||
				  walk->run->slots[slot].aux == CEL_PRESENT);
	return walk->run->slots[slot];
}

static struct value eval_select(struct walk *walk, const struct node *node,
				const struct scope *scope)
{
	struct value operand = eval(walk, node->select.operand, scope);

	if (node->select.test)
		return value_has(walk->run, operand, node->select.field);
	if (node->select.optional)
		return value_select_optional(walk->run, operand, node->select.field);
	return value_select(walk->run, operand, node->select.field);
}

/* ---- calls ---------------------------------------------------------------- */

static struct value eval_operation(struct walk *walk, enum operation operation, struct value a,
				   struct value b)
{
	struct value equal;

	if (value_is_error(a))
		return a;
	if (value_is_error(b))
		return b;
	switch (operation) {
	case OPERATION_equal:
	case OPERATION_not_equal:
		equal = value_bool(values_equal(walk->run, a, b));
		return operation == OPERATION_equal ? equal : value_bool(!equal.b);
	case OPERATION_less:
	case OPERATION_less_equal:
	case OPERATION_greater:
	case OPERATION_greater_equal: return values_compare(operation, a, b);
	case OPERATION_in: return values_in(walk->run, a, b);
	case OPERATION_not: return a.tag == VALUE_BOOL ? value_bool(!a.b) : ERROR_NO_OVERLOAD;
	case OPERATION_negate: return values_negate(a);
	case OPERATION_index: return values_index(walk->run, a, b);
	case OPERATION_index_optional: return values_index_optional(walk->run, a, b);
	default: return values_arithmetic(walk->run, operation, a, b);
	}
}

static bool takes(const struct overload *overload, const struct value *args, uint32_t count)
{
	if (overload->count != count)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		if (!(overload->tags[i] & 1u << args[i].tag))
			return false;
		if (overload->messages[i].data &&
		    !str_equal(overload->messages[i], value_type_name(args[i])))
			return false;
	}
	return true;
}

static struct value eval_call(struct walk *walk, const struct node *node, const struct scope *scope)
{
	struct value args[CEL_ARGS_MAX + 1], out = value_null();
	uint32_t count = 0;

	if (node->call.target)
		args[count++] = eval(walk, node->call.target, scope);
	for (uint32_t i = 0; i < node->call.count; i++)
		args[count++] = eval(walk, node->call.args[i], scope);
	if (node->call.operation && !node->call.overload_count)
		return ERROR_NO_OVERLOAD;
	if (node->call.operation)
		return eval_operation(walk, node->call.operation, args[0],
				      count == 2 ? args[1] : value_null());
	for (uint32_t i = 0; i < count; i++)
		if (value_is_error(args[i]))
			return args[i];
	for (uint32_t i = 0; i < node->call.overload_count; i++)
		if (takes(node->call.overloads[i], args, count)) {
			node->call.overloads[i]->row->call(walk->run, args, count, &out);
			return out;
		}
	return cel_error(walk->run, "no such overload");
}

/* ---- logic ---------------------------------------------------------------- */

/* Everything is evaluated; one decisive operand decides, else the first error. */
static struct value eval_logic(struct walk *walk, const struct node *node,
			       const struct scope *scope)
{
	struct value result = value_bool(node->logic.is_and);
	bool decided = false;

	for (uint32_t i = 0; i < node->logic.count; i++) {
		struct value v = eval(walk, node->logic.items[i], scope);

		if (v.tag == VALUE_BOOL)
			decided |= v.b != node->logic.is_and;
		else if (!value_is_error(result))
			result = bool_error(v);
	}
	return decided ? value_bool(!node->logic.is_and) : result;
}

static struct value eval_ternary(struct walk *walk, const struct node *node,
				 const struct scope *scope)
{
	struct value condition = eval(walk, node->ternary.condition, scope);

	if (condition.tag != VALUE_BOOL)
		return bool_error(condition);
	return eval(walk, condition.b ? node->ternary.yes : node->ternary.no, scope);
}

/* ---- aggregates ----------------------------------------------------------- */

/* 1 there, 0 absent, -1 *v is an error */
static int unwrap(struct value *v, bool optional)
{
	if (value_is_error(*v))
		return -1;
	if (!optional)
		return 1;
	if (v->tag != VALUE_OPTIONAL) {
		*v = ERROR_NO_OVERLOAD;
		return -1;
	}
	if (!v->object)
		return 0;
	*v = *(const struct value *)v->object;
	return 1;
}

static struct value eval_list(struct walk *walk, const struct node *node, const struct scope *scope)
{
	struct value_list *list = list_new(walk->run, node->list.count);

	for (uint32_t i = 0; i < node->list.count; i++) {
		struct value v = eval(walk, node->list.items[i], scope);
		int there = unwrap(&v, node->list.optional && node->list.optional[i]);

		if (there < 0)
			return v;
		if (there)
			list->items[list->count++] = v;
	}
	return value_of_list(list);
}

static struct value put(struct walk *walk, struct value_map *map, struct value key, struct value v)
{
	struct value *known = (struct value *)map_find(walk->run, map, key);

	if (walk->lenient && known) {
		*known = v;
		return value_null();
	}
	if (!walk->lenient && (known || (key.tag != VALUE_STRING && key.tag != VALUE_INT &&
					 key.tag != VALUE_UINT && key.tag != VALUE_BOOL)))
		return cel_error(walk->run, "bad key");
	map->entries[map->count++] = (struct value_entry){ key, v };
	return value_null();
}

static struct value eval_map(struct walk *walk, const struct node *node, const struct scope *scope)
{
	struct value_map *map = map_new(walk->run, node->map.count);

	for (uint32_t i = 0; i < node->map.count; i++) {
		struct value key = eval(walk, node->map.keys[i], scope), error;
		struct value v = eval(walk, node->map.values[i], scope);
		int there;

		if (value_is_error(key))
			return key;
		there = unwrap(&v, node->map.optional && node->map.optional[i]);
		if (there < 0)
			return v;
		error = there ? put(walk, map, key, v) : value_null();
		if (value_is_error(error))
			return error;
	}
	return value_of_map(map);
}

static struct value eval_message(struct walk *walk, const struct node *node,
				 const struct scope *scope)
{
	const struct cel_message *type = node->message.message;
	struct value *literal;

	if (!type)
		return cel_error(walk->run, "undeclared");
	literal = arena_array(walk->run->arena, struct value, type->field_count + 1);
	for (uint32_t i = 0; i < type->field_count; i++)
		literal[i].tag = VALUE_TAG_COUNT;
	for (uint32_t i = 0; i < node->message.count; i++) {
		struct value v = eval(walk, node->message.values[i], scope);
		int there = unwrap(&v, node->message.optional && node->message.optional[i]);

		if (there < 0)
			return v;
		if (there && v.tag != VALUE_NULL)
			literal[env_field(type, node->message.fields[i])] = v;
	}
	return message_make(walk->run, type, literal);
}

/* ---- folds ---------------------------------------------------------------- */

struct fold {
	const struct node *node;
	struct value range;
	uint32_t count;
	struct scope first, second;
};

static void bind_element(struct fold *fold, uint32_t i)
{
	bool is_map = fold->range.tag == VALUE_MAP;
	struct value key = is_map ? fold->range.map->entries[i].key : value_int(i);
	struct value item = is_map ? fold->range.map->entries[i].value : fold->range.list->items[i];

	fold->first.value = fold->node->fold.two || is_map ? key : item;
	fold->second.value = item;
}

/* all and exists: an error counts only if nothing decides. */
static struct value fold_test(struct walk *walk, struct fold *fold, const struct scope *inner)
{
	bool all = fold->node->fold.fold == FOLD_all, decided = false;
	struct value result = value_bool(all);

	for (uint32_t i = 0; i < fold->count && !decided; i++) {
		struct value v;

		bind_element(fold, i);
		v = eval(walk, fold->node->fold.body, inner);
		if (v.tag == VALUE_BOOL)
			decided = v.b != all;
		else if (!value_is_error(result))
			result = bool_error(v);
	}
	return decided ? value_bool(!all) : result;
}

static struct value fold_count(struct walk *walk, struct fold *fold, const struct scope *inner)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < fold->count; i++) {
		struct value v;

		bind_element(fold, i);
		v = eval(walk, fold->node->fold.body, inner);
		if (v.tag != VALUE_BOOL)
			return bool_error(v);
		found += is_true(v);
	}
	return value_bool(found == 1);
}

static struct value merge(struct walk *walk, struct value_map **map, struct value v)
{
	struct value_map *grown;

	if (v.tag != VALUE_MAP)
		return bool_error(v);
	grown = map_new(walk->run, (*map)->count + v.map->count);
	memcpy(grown->entries, (*map)->entries, (*map)->count * sizeof(struct value_entry));
	grown->count = (*map)->count;
	*map = grown;
	for (uint32_t i = 0; i < v.map->count; i++) {
		struct walk strict = { walk->run, false };
		struct value error = put(&strict, grown, v.map->entries[i].key,
					 v.map->entries[i].value);

		if (value_is_error(error))
			return error;
	}
	return value_null();
}

static struct value fold_build(struct walk *walk, struct fold *fold, const struct scope *inner)
{
	const struct node *node = fold->node;
	struct value_list *list = list_new(walk->run, fold->count);
	struct value_map *map = map_new(walk->run, fold->count);

	for (uint32_t i = 0; i < fold->count; i++) {
		struct value v = value_bool(true);

		bind_element(fold, i);
		if (node->fold.filter)
			v = eval(walk, node->fold.filter, inner);
		if (v.tag != VALUE_BOOL)
			return bool_error(v);
		if (!v.b)
			continue;
		v = node->fold.body ? eval(walk, node->fold.body, inner) : fold->first.value;
		if (value_is_error(v))
			return v;
		if (node->fold.fold == FOLD_list)
			list->items[list->count++] = v;
		else if (node->fold.fold == FOLD_map)
			map->entries[map->count++] = (struct value_entry){ fold->first.value, v };
		else
			v = merge(walk, &map, v);
		if (value_is_error(v))
			return v;
	}
	return node->fold.fold == FOLD_list ? value_of_list(list) : value_of_map(map);
}

static struct value eval_fold(struct walk *walk, const struct node *node, const struct scope *scope)
{
	struct fold fold = { .node = node, .range = eval(walk, node->fold.range, scope) };

	if (fold.range.tag != VALUE_LIST && fold.range.tag != VALUE_MAP)
		return bool_error(fold.range);
	fold.count = fold.range.tag == VALUE_LIST ? fold.range.list->count : fold.range.map->count;
	fold.first = (struct scope){ .local = node->fold.first, .outer = scope };
	fold.second = (struct scope){ .local = node->fold.second, .outer = &fold.first };
	scope = node->fold.two ? &fold.second : &fold.first;
	switch (node->fold.fold) {
	case FOLD_all:
	case FOLD_exists: return fold_test(walk, &fold, scope);
	case FOLD_exists_one: return fold_count(walk, &fold, scope);
	default: return fold_build(walk, &fold, scope);
	}
}

/* ---- binds and optionals -------------------------------------------------- */

static struct value eval_bind(struct walk *walk, const struct node *node, const struct scope *scope)
{
	struct scope inner = { node->bind.local, eval(walk, node->bind.value, scope), scope };

	return eval(walk, node->bind.body, &inner);
}

static struct value eval_optional_map(struct walk *walk, const struct node *node,
				      const struct scope *scope)
{
	struct value v = eval(walk, node->bind.value, scope);
	struct scope inner = { .local = node->bind.local, .outer = scope };

	if (v.tag != VALUE_OPTIONAL)
		return bool_error(v);
	if (!v.object)
		return v;
	inner.value = *(const struct value *)v.object;
	v = eval(walk, node->bind.body, &inner);
	if (!node->bind.flat)
		return value_optional(walk->run, v);
	return v.tag == VALUE_OPTIONAL ? v : bool_error(v);
}

static struct value eval_optional_or(struct walk *walk, const struct node *node,
				     const struct scope *scope)
{
	struct value v = eval(walk, node->optional_or.optional, scope), other;

	if (v.tag != VALUE_OPTIONAL)
		return bool_error(v);
	if (v.object)
		return node->optional_or.value ? *(const struct value *)v.object : v;
	other = eval(walk, node->optional_or.other, scope);
	if (!node->optional_or.value && other.tag != VALUE_OPTIONAL)
		return bool_error(other);
	return other;
}

static struct value eval(struct walk *walk, const struct node *node, const struct scope *scope)
{
	switch ((enum node_kind)node->kind) {
	case NODE_CONST: return node->constant;
	case NODE_IDENT: return eval_ident(walk, node, scope);
	case NODE_SLOT: return eval_slot(walk, node);
	case NODE_SELECT: return eval_select(walk, node, scope);
	case NODE_CALL: return eval_call(walk, node, scope);
	case NODE_LOGIC: return eval_logic(walk, node, scope);
	case NODE_TERNARY: return eval_ternary(walk, node, scope);
	case NODE_LIST: return eval_list(walk, node, scope);
	case NODE_MAP: return eval_map(walk, node, scope);
	case NODE_STRUCT: return eval_message(walk, node, scope);
	case NODE_FOLD: return eval_fold(walk, node, scope);
	case NODE_BIND: return eval_bind(walk, node, scope);
	case NODE_OPTIONAL_MAP: return eval_optional_map(walk, node, scope);
	case NODE_OPTIONAL_OR: return eval_optional_or(walk, node, scope);
	}
	return ERROR_NO_OVERLOAD;
}

struct oracle *oracle_compile(const struct cel_env *env, const struct cel_source *source,
			      const char *want, struct arena *arena, struct err *err)
{
	struct compile compile = {
		.env = env,
		.source = source,
		.arena = arena,
		.scratch = arena,
		.err = err,
	};
	struct oracle *oracle = arena_new(arena, struct oracle);

	oracle->want_bool = want && strcmp(want, "bool") == 0;
	oracle->lenient = env->options & CEL_TRACEE;
	oracle->root = compile_tree(&compile, want, false);
	return oracle->root ? oracle : NULL;
}

struct value oracle_eval(const struct oracle *oracle, struct cel_run *run)
{
	struct walk walk = { run, oracle->lenient };
	struct value v;

	v = eval(&walk, oracle->root, NULL);
	return oracle->want_bool && v.tag != VALUE_BOOL ? bool_error(v) : v;
}
