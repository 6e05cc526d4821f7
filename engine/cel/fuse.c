/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fused instructions: a field compared with a constant, alone or as a step of && or ||. Most
 * conditions of rules are of this form; they then take one instruction each.
 *
 * Invariant: a fused instruction gives what the plain ones it stands for would give.
 */
#include "emit.h"

/* Each predicate has three opcodes in this order: slot_X, and_slot_X, or_slot_X. */
#define PREDICATE(name) OPCODE_slot_##name

static const uint16_t compared[OPERATION_COUNT] = {
	[OPERATION_equal] = PREDICATE(equal),
	[OPERATION_not_equal] = PREDICATE(not_equal),
	[OPERATION_less] = PREDICATE(less),
	[OPERATION_less_equal] = PREDICATE(less_equal),
	[OPERATION_greater] = PREDICATE(greater),
	[OPERATION_greater_equal] = PREDICATE(greater_equal),
	[OPERATION_in] = PREDICATE(in),
};

/* CONSTANT op FIELD is FIELD op' CONSTANT. */
static const uint16_t mirrored[OPERATION_COUNT] = {
	[OPERATION_equal] = PREDICATE(equal),  [OPERATION_not_equal] = PREDICATE(not_equal),
	[OPERATION_less] = PREDICATE(greater), [OPERATION_less_equal] = PREDICATE(greater_equal),
	[OPERATION_greater] = PREDICATE(less), [OPERATION_greater_equal] = PREDICATE(less_equal),
};

static const struct {
	struct str name;
	uint16_t opcode;
} methods[] = {
	{ STR("startsWith"), PREDICATE(starts_with) },
	{ STR("endsWith"), PREDICATE(ends_with) },
	{ STR("contains"), PREDICATE(contains) },
};

static bool is_slot(const struct node *node)
{
	return node->kind == NODE_SLOT && !node->slot.test && node->slot.number <= UINT16_MAX;
}

static bool fuse_operation(const struct node *node, struct fused *out)
{
	struct node **args = node->call.args;
	bool swap;

	if (node->call.count != 2 || !node->call.overload_count)
		return false;
	swap = args[0]->kind == NODE_CONST;
	if (!is_slot(args[swap]) || args[!swap]->kind != NODE_CONST)
		return false;
	out->opcode = (swap ? mirrored : compared)[node->call.operation];
	out->slot = (uint16_t)args[swap]->slot.number;
	out->constant = args[!swap]->constant;
	/* Longer lists become sets. */
	if (node->call.operation == OPERATION_in && out->constant.tag == VALUE_LIST &&
	    out->constant.list->count >= SET_COUNT_MIN)
		return false;
	return out->opcode != 0;
}

static bool fuse_method(const struct node *node, struct fused *out)
{
	if (!node->call.target || node->call.count != 1 || !node->call.pure ||
	    !node->call.overload_count || !is_slot(node->call.target) ||
	    node->call.args[0]->kind != NODE_CONST)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (str_equal(node->call.name, methods[i].name)) {
			out->opcode = methods[i].opcode;
			out->slot = (uint16_t)node->call.target->slot.number;
			out->constant = node->call.args[0]->constant;
			return true;
		}
	return false;
}

bool fuse_predicate(const struct node *node, struct fused *out)
{
	if (node->kind != NODE_CALL)
		return false;
	return node->call.operation ? fuse_operation(node, out) : fuse_method(node, out);
}
