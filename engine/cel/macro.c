/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Macros: calls that the parser replaces. A macro is known by its name, the number of its
 * arguments and whether it has a receiver; other calls of the name stay calls.
 *
 * Folds are not expanded to the general comprehension of the specification but to a node
 * that says what is folded (all, exists, list, ...), with the same results: a list is then
 * built in place, not by appending.
 */
#include "internal.h"

struct macro {
	const char *space; /* "cel" of cel.bind(...); NULL: none */
	const char *name;
	uint8_t args;
	bool receiver;
	bool extension; /* not in Tracee */
	struct node *(*expand)(struct compile *compile, const struct macro *macro,
			       struct node *call);
	enum fold_kind fold;
	bool two; /* variables */
};

static struct node *fail(struct compile *compile, uint32_t at, const char *text)
{
	compile_error(compile, at, "%s", text);
	return NULL;
}

/* The variable of a fold: a plain name. */
static struct local *take_variable(struct compile *compile, const struct node *node)
{
	if (node->kind != NODE_IDENT || node->ident.absolute) {
		fail(compile, node->at, "found an expression, expected the name of a variable");
		return NULL;
	}
	if (str_equal(node->ident.name, STR("__result__"))) {
		fail(compile, node->at, "found '__result__', which macros use themselves");
		return NULL;
	}
	return local_new(compile, node->ident.name);
}

/* has(e.f) */
static struct node *expand_has(struct compile *compile, const struct macro *macro,
			       struct node *call)
{
	struct node *arg = call->call.args[0];

	(void)macro;
	if (arg->kind != NODE_SELECT || arg->select.test)
		return fail(
			compile, arg->at,
			"found an argument of has() that is not a field, expected has(x.field)");
	arg->select.test = true;
	arg->at = call->at;
	arg->end = call->end;
	return arg;
}

static bool fold_variables(struct compile *compile, const struct macro *macro, struct node *fold,
			   struct node **args)
{
	fold->fold.first = take_variable(compile, args[0]);
	if (macro->two)
		fold->fold.second = take_variable(compile, args[1]);
	if (compile->failed)
		return false;
	if (macro->two && str_equal(fold->fold.first->name, fold->fold.second->name)) {
		fail(compile, args[1]->at, "found the same name for both variables");
		return false;
	}
	return true;
}

/* range.MACRO(x, predicate), range.map(x, [filter,] body), and with two variables */
static struct node *expand_fold(struct compile *compile, const struct macro *macro,
				struct node *call)
{
	struct node *fold = node_new(compile, NODE_FOLD, call->at, call->end);
	struct node **args = call->call.args;
	uint32_t first = macro->two ? 2 : 1, count = call->call.count;

	if (!fold || !fold_variables(compile, macro, fold, args))
		return NULL;
	fold->fold.fold = macro->fold;
	fold->fold.two = macro->two;
	fold->fold.range = call->call.target;
	fold->fold.body = args[count - 1];
	if (count - first == 2)
		fold->fold.filter = args[first];
	return fold;
}

/* range.filter(x, predicate) */
static struct node *expand_filter(struct compile *compile, const struct macro *macro,
				  struct node *call)
{
	struct node *fold = expand_fold(compile, macro, call);

	if (fold) {
		fold->fold.filter = fold->fold.body;
		fold->fold.body = NULL;
	}
	return fold;
}

static struct node *make_bind(struct compile *compile, const struct node *call, struct local *local,
			      struct node *value, struct node *body)
{
	struct node *node = node_new(compile, NODE_BIND, call->at, call->end);

	if (!node || !local)
		return NULL;
	node->bind.local = local;
	node->bind.value = value;
	node->bind.body = body;
	node->depth = (uint16_t)(MAX(value->depth, body->depth) + 1);
	return node;
}

/* cel.bind(x, value, body) */
static struct node *expand_bind(struct compile *compile, const struct macro *macro,
				struct node *call)
{
	(void)macro;
	return make_bind(compile, call, take_variable(compile, call->call.args[0]),
			 call->call.args[1], call->call.args[2]);
}

/* optional.optMap(x, body), optFlatMap */
static struct node *expand_optional_map(struct compile *compile, const struct macro *macro,
					struct node *call)
{
	struct node *node = node_new(compile, NODE_OPTIONAL_MAP, call->at, call->end);

	if (!node)
		return NULL;
	node->bind.local = take_variable(compile, call->call.args[0]);
	node->bind.value = call->call.target;
	node->bind.body = call->call.args[1];
	node->bind.flat = strcmp(macro->name, "optFlatMap") == 0;
	return node->bind.local ? node : NULL;
}

/* optional.or(other), optional.orValue(other): the other is evaluated if needed */
static struct node *expand_optional_or(struct compile *compile, const struct macro *macro,
				       struct node *call)
{
	struct node *node = node_new(compile, NODE_OPTIONAL_OR, call->at, call->end);

	if (!node)
		return NULL;
	node->optional_or.optional = call->call.target;
	node->optional_or.other = call->call.args[0];
	node->optional_or.value = strcmp(macro->name, "orValue") == 0;
	return node;
}

static struct str numbered_name(struct compile *compile, const char *prefix, int64_t first,
				int64_t second)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "@%s%lld_%lld", prefix, (long long)first,
			   (long long)second);

	return arena_str(compile->scratch, text, (size_t)len);
}

static bool constant_index(struct compile *compile, const struct node *node, int64_t *out)
{
	if (node->kind != NODE_CONST || node->constant.tag != VALUE_INT || node->constant.i < 0) {
		fail(compile, node->at, "found an expression, expected a number of at least 0");
		return false;
	}
	*out = node->constant.i;
	return true;
}

/* cel.index(n), cel.iterVar(n, m), cel.accuVar(n, m): names made by optimisers */
static struct node *expand_numbered(struct compile *compile, const struct macro *macro,
				    struct node *call)
{
	int64_t first = 0, second = 0;
	struct node *node;

	if (!constant_index(compile, call->call.args[0], &first) ||
	    (macro->args == 2 && !constant_index(compile, call->call.args[1], &second)))
		return NULL;
	node = node_new(compile, NODE_IDENT, call->at, call->end);
	if (node)
		node->ident.name = numbered_name(compile, macro->name, first, second);
	return node;
}

/* cel.block([a, b, ...], body): cel.index(0) is a, cel.index(1) is b, ... */
static struct node *expand_block(struct compile *compile, const struct macro *macro,
				 struct node *call)
{
	struct node *list = call->call.args[0], *body = call->call.args[1];

	(void)macro;
	if (list->kind != NODE_LIST || list->list.optional)
		return fail(compile, list->at,
			    "found an expression, expected a list of expressions");
	for (uint32_t i = list->list.count; i-- > 0;) {
		struct local *local = local_new(compile,
						numbered_name(compile, "index", (int64_t)i, 0));

		body = make_bind(compile, call, local, list->list.items[i], body);
		if (!body)
			return NULL;
		if (body->depth > CEL_DEPTH_MAX)
			return fail(compile, call->at, "found too many expressions in the block");
	}
	return body;
}

/* list.sortBy(x, key) is @sortBy(list, list.map(x, key)), the list evaluated once */
static struct node *expand_sort(struct compile *compile, const struct macro *macro,
				struct node *call)
{
	struct str name = STR("@sorted");
	struct local *local = local_new(compile, name);
	struct node **args = arena_array(compile->scratch, struct node *, 2);
	struct node *names[2], *keys;

	(void)macro;
	for (int i = 0; i < 2; i++) {
		names[i] = node_new(compile, NODE_IDENT, call->at, call->end);
		if (!names[i])
			return NULL;
		names[i]->ident.name = name;
	}
	keys = node_new(compile, NODE_FOLD, call->at, call->end);
	if (!keys || !args || !local)
		return NULL;
	keys->fold.fold = FOLD_list;
	keys->fold.first = take_variable(compile, call->call.args[0]);
	keys->fold.range = names[1];
	keys->fold.body = call->call.args[1];
	keys->depth = (uint16_t)(call->call.args[1]->depth + 1);
	args[0] = names[0];
	args[1] = keys;
	if (!keys->fold.first)
		return NULL;
	struct node *sort = node_call(compile, STR("@sortBy"), NULL, args, 2, call->at, call->end);

	if (!sort)
		return NULL;
	sort->depth = (uint16_t)(keys->depth + 1);
	return make_bind(compile, call, local, call->call.target, sort);
}

/* math.greatest(a, b, c, ...) is math.@max([a, b, c, ...]) */
static struct node *expand_extreme(struct compile *compile, struct node *call, const char *name)
{
	struct node **args;
	struct node *list;

	if (!call->call.count)
		return fail(compile, call->at, "found no argument, expected at least one");
	call->call.name = str_of(name);
	call->call.target = NULL;
	if (call->call.count <= 2)
		return call;
	list = node_new(compile, NODE_LIST, call->at, call->end);
	args = arena_array(compile->scratch, struct node *, 1);
	if (!list || !args)
		return NULL;
	list->list.items = call->call.args;
	list->list.count = call->call.count;
	list->depth = call->depth;
	args[0] = list;
	call->call.args = args;
	call->call.count = 1;
	return call;
}

#define FOLD(name_, args_, fold_, two_, extension_) \
	{ \
		NULL, name_, args_, true, extension_, expand_fold, fold_, two_ \
	}

static const struct macro macros[] = {
	{ NULL, "has", 1, false, false, expand_has, 0, false },
	FOLD("all", 2, FOLD_all, false, false),
	FOLD("exists", 2, FOLD_exists, false, false),
	FOLD("exists_one", 2, FOLD_exists_one, false, false),
	FOLD("existsOne", 2, FOLD_exists_one, false, true),
	FOLD("map", 2, FOLD_list, false, false),
	FOLD("map", 3, FOLD_list, false, false),
	{ NULL, "filter", 2, true, false, expand_filter, FOLD_list, false },
	FOLD("all", 3, FOLD_all, true, true),
	FOLD("exists", 3, FOLD_exists, true, true),
	FOLD("exists_one", 3, FOLD_exists_one, true, true),
	FOLD("existsOne", 3, FOLD_exists_one, true, true),
	FOLD("transformList", 3, FOLD_list, true, true),
	FOLD("transformList", 4, FOLD_list, true, true),
	FOLD("transformMap", 3, FOLD_map, true, true),
	FOLD("transformMap", 4, FOLD_map, true, true),
	FOLD("transformMapEntry", 3, FOLD_entries, true, true),
	FOLD("transformMapEntry", 4, FOLD_entries, true, true),
	{ "cel", "bind", 3, false, true, expand_bind, 0, false },
	{ "cel", "block", 2, false, true, expand_block, 0, false },
	{ "cel", "index", 1, false, true, expand_numbered, 0, false },
	{ "cel", "iterVar", 2, false, true, expand_numbered, 0, false },
	{ "cel", "accuVar", 2, false, true, expand_numbered, 0, false },
	{ NULL, "optMap", 2, true, true, expand_optional_map, 0, false },
	{ NULL, "optFlatMap", 2, true, true, expand_optional_map, 0, false },
	{ NULL, "or", 1, true, true, expand_optional_or, 0, false },
	{ NULL, "orValue", 1, true, true, expand_optional_or, 0, false },
	{ NULL, "sortBy", 2, true, true, expand_sort, 0, false },
};

static bool target_is(const struct node *call, const char *space)
{
	const struct node *target = call->call.target;

	return target && target->kind == NODE_IDENT && !target->ident.absolute &&
	       str_equal(target->ident.name, str_of(space));
}

static bool macro_fits(const struct compile *compile, const struct macro *macro,
		       const struct node *call)
{
	if (macro->args != call->call.count || !str_equal(call->call.name, str_of(macro->name)))
		return false;
	if (macro->extension && compile->env->options & CEL_TRACEE)
		return false;
	if (macro->space)
		return target_is(call, macro->space);
	return macro->receiver == (call->call.target != NULL);
}

struct node *macro_expand(struct compile *compile, struct node *call)
{
	if (compile->env->options & CEL_NO_MACROS)
		return call;
	if (!(compile->env->options & CEL_TRACEE) && target_is(call, "math")) {
		if (str_equal(call->call.name, STR("greatest")))
			return expand_extreme(compile, call, "math.@max");
		if (str_equal(call->call.name, STR("least")))
			return expand_extreme(compile, call, "math.@min");
	}
	for (size_t i = 0; i < ARRAY_SIZE(macros); i++)
		if (macro_fits(compile, &macros[i], call))
			return macros[i].expand(compile, &macros[i], call);
	return call;
}
