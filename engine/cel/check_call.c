/* SPDX-License-Identifier: Apache-2.0 */
/* Calls: which overloads fit the arguments, and which calls read numbered fields. */
#include "check.h"

enum { VARIABLES_MAX = 8 };

/* Type parameters of one use of an overload: every use has its own. */
struct instance {
	struct str names[VARIABLES_MAX];
	const struct type *variables[VARIABLES_MAX];
	uint32_t count;
};

static const struct type *instance_variable(struct compile *compile, struct instance *instance,
					    struct str name)
{
	for (uint32_t i = 0; i < instance->count; i++)
		if (str_equal(instance->names[i], name))
			return instance->variables[i];
	if (instance->count == VARIABLES_MAX)
		return &type_dyn;
	instance->names[instance->count] = name;
	instance->variables[instance->count] = infer_fresh(&compile->infer);
	return instance->variables[instance->count++];
}

static const struct type *instantiate(struct compile *compile, struct instance *instance,
				      const struct type *type)
{
	enum { PARAMS_MAX = 8 };
	const struct type *params[PARAMS_MAX];
	bool changed = false;

	if (type->kind == T_PARAM)
		return instance_variable(compile, instance, type->name);
	for (uint32_t i = 0; i < type->count; i++) {
		params[i] = instantiate(compile, instance, type->params[i]);
		changed |= params[i] != type->params[i];
	}
	return changed ? type_new(compile->scratch, type->kind, type->name, params, type->count)
		       : type;
}

/* Result type if the overload takes the arguments, else NULL. */
static const struct type *overload_fits(struct compile *compile, const struct overload *overload,
					const struct type *const *args, uint32_t count)
{
	struct instance instance = { .count = 0 };
	const struct type *params[CEL_PARAMS_MAX];

	for (uint32_t i = 0; i < count; i++)
		params[i] = instantiate(compile, &instance, overload->params[i]);
	if (!infer_assignable_list(&compile->infer, params, args, count))
		return NULL;
	return infer_substitute(&compile->infer, instantiate(compile, &instance, overload->result),
				false);
}

static bool candidate(const struct overload *overload, const struct node *node, uint32_t count)
{
	return overload->count == count && overload->method == (node->call.target != NULL);
}

static uint32_t count_candidates(const struct function *function, const struct node *node,
				 uint32_t count)
{
	uint32_t found = 0;

	for (const struct overload *o = function ? function->first : NULL; o; o = o->next)
		found += candidate(o, node, count);
	return found;
}

/* Keeps the overloads that fit (all candidates where nothing is checked). */
static const struct type *choose(struct compile *compile, struct node *node,
				 const struct function *function, const struct type *const *args,
				 uint32_t count)
{
	bool unchecked = compile->env->options & CEL_UNCHECKED;
	const struct type *result = NULL;

	for (struct overload *o = function->first; o; o = o->next) {
		const struct type *type;

		if (!candidate(o, node, count))
			continue;
		type = unchecked ? &type_dyn : overload_fits(compile, o, args, count);
		if (!type)
			continue;
		node->call.overloads[node->call.overload_count++] = o;
		if (!result)
			result = type;
		else if (result->kind != T_DYN && !type_equal(result, type))
			result = &type_dyn;
	}
	return result;
}

static uint32_t check_args(struct compile *compile, struct node *node, const struct type **args)
{
	uint32_t count = 0;

	if (node->call.target)
		args[count++] = node->call.target->type;
	for (uint32_t i = 0; i < node->call.count; i++)
		args[count++] = check_node(compile, &node->call.args[i]);
	return count;
}

const struct type *check_overloads(struct compile *compile, struct node *node,
				   const struct function *function)
{
	const struct type *args[CEL_ARGS_MAX + 1], *result;
	uint32_t count, candidates;

	/* That there is no such function is the mistake, not what stands in the arguments. */
	if (!function) {
		const struct type *type = report_function(compile, node);

		check_args(compile, node, args);
		return type;
	}
	count = check_args(compile, node, args);
	if (compile->failed)
		return &type_error;
	candidates = count_candidates(function, node, count);
	node->call.overloads = arena_array(compile->scratch, struct overload *,
					   candidates ? candidates : 1);
	if (!node->call.overloads) {
		compile_no_memory(compile);
		return &type_error;
	}
	result = choose(compile, node, function, args, count);
	if (!result)
		return report_overload(compile, node, function);
	node->call.pure = true;
	for (uint32_t i = 0; i < node->call.overload_count; i++)
		node->call.pure &= node->call.overloads[i]->pure;
	return result;
}

bool check_is_namespace(struct compile *compile, struct node *call)
{
	const struct node *target = call->call.target;

	if (target->kind != NODE_IDENT || target->ident.absolute)
		return false;
	for (const struct local *local = compile->locals; local; local = local->outer)
		if (str_equal(local->name, target->ident.name))
			return false;
	return !env_variable(compile->env, target->ident.name) && !compile->env->container.len &&
	       env_has_prefix(compile->env, target->ident.name);
}

/* ---- numbered fields ------------------------------------------------------ */

static const struct type *use_slot(struct compile *compile, struct node *node,
				   const struct slot_access *access, struct str name, bool test,
				   uint32_t at)
{
	struct cel_slot slot = { .type = "dyn" };
	struct err err = { .code = 0 };
	const struct type *type;

	if (access->resolve(access->ctx, name, &slot, &err) < 0) {
		compile_error(compile, at, "%s",
			      err.message[0] ? err.message : "found an unknown field");
		if (err.hint[0])
			compile_hint(compile, "%s", err.hint);
		return &type_error;
	}
	type = type_parse(compile->scratch, str_of(slot.type));
	node->kind = NODE_SLOT;
	node->slot.number = slot.number;
	node->slot.test = test;
	if (test)
		return &type_bool;
	/* Tracee knows no types of fields; in ours every field may be absent, which is null. */
	if (!type || compile->env->options & CEL_TRACEE)
		return &type_dyn;
	return type_nullable(compile->scratch, type);
}

const struct type *check_slot(struct compile *compile, struct node *node)
{
	if (node->call.count != 1 || node->call.operation)
		return NULL;
	for (const struct slot_access *access = compile->env->slots; access;
	     access = access->next) {
		bool test = str_equal(node->call.name, access->has_function);
		const struct node *arg;

		if (!test && !str_equal(node->call.name, access->value_function))
			continue;
		check_node(compile, &node->call.args[0]);
		if (compile->failed)
			return &type_error;
		fold_tree(compile, &node->call.args[0]);
		arg = node->call.args[0];
		if (arg->kind == NODE_CONST && arg->constant.tag == VALUE_STRING)
			return use_slot(compile, node, access, value_text(arg->constant), test,
					arg->at);
	}
	return NULL;
}
