/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Constant folding: what depends on nothing is evaluated now, by the machine that would
 * evaluate it later. An error is left to the evaluation, where it may be absorbed.
 *
 * Invariant: folding changes no result, and spends a bounded number of steps per expression.
 */
#include "internal.h"

enum { NOTHING_FREE = UINT32_MAX };

struct folder {
	struct compile *compile;
	uint32_t depth; /* variables of macros in scope */
	/* about the subtree just walked */
	uint32_t free; /* outermost variable of a macro it reads; NOTHING_FREE: none */
	bool pure;     /* reads no variable or field, calls only pure functions */
};

static void fold_node(void *ctx, struct node **place);

/* Walks a child and adds what it depends on to what its siblings do. */
static void fold_child(void *ctx, struct node **place)
{
	struct folder *folder = ctx;
	uint32_t before_free = folder->free;
	bool before_pure = folder->pure;

	folder->free = NOTHING_FREE;
	folder->pure = true;
	fold_node(folder, place);
	folder->free = MIN(folder->free, before_free);
	folder->pure &= before_pure;
}

static void scoped(struct folder *folder, struct local *local)
{
	if (local)
		local->number = ++folder->depth;
}

/* Variables bound here are not free outside. */
static void unscope(struct folder *folder, uint32_t depth)
{
	folder->depth = depth;
	if (folder->free > depth)
		folder->free = NOTHING_FREE;
}

/*
 * `free` holds the outermost variable only, so one that is bound here cannot hide one that is
 * bound outside: numbers grow inwards.
 */
static void walk_fold(struct folder *folder, struct node *node)
{
	uint32_t depth = folder->depth;

	fold_child(folder, &node->fold.range);
	scoped(folder, node->fold.first);
	scoped(folder, node->fold.second);
	if (node->fold.filter)
		fold_child(folder, &node->fold.filter);
	if (node->fold.body)
		fold_child(folder, &node->fold.body);
	unscope(folder, depth);
}

static void walk_bind(struct folder *folder, struct node *node)
{
	uint32_t depth = folder->depth;

	fold_child(folder, &node->bind.value);
	scoped(folder, node->bind.local);
	fold_child(folder, &node->bind.body);
	unscope(folder, depth);
}

static void walk_ident(struct folder *folder, struct node *node)
{
	if (node->ident.local)
		folder->free = node->ident.local->number;
	else
		folder->pure = false;
}

/* true && x is x, false && x is false; what remains is still asked to be bool. */
static void simplify_logic(struct node *node)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < node->logic.count; i++) {
		struct node *item = node->logic.items[i];

		if (item->kind != NODE_CONST || item->constant.tag != VALUE_BOOL) {
			node->logic.items[kept++] = item;
		} else if (item->constant.b != node->logic.is_and) {
			node->kind = NODE_CONST;
			node->constant = item->constant;
			return;
		}
	}
	node->logic.count = kept;
	if (!kept) {
		bool is_and = node->logic.is_and;

		node->kind = NODE_CONST;
		node->constant = value_bool(is_and);
	}
}

static struct node *simplify(struct node *node)
{
	if (node->kind == NODE_LOGIC)
		simplify_logic(node);
	if (node->kind == NODE_TERNARY && node->ternary.condition->kind == NODE_CONST &&
	    node->ternary.condition->constant.tag == VALUE_BOOL)
		return node->ternary.condition->constant.b ? node->ternary.yes : node->ternary.no;
	return node;
}

/* Evaluates a node that depends on nothing. */
static void evaluate(struct folder *folder, struct node *node)
{
	struct compile *compile = folder->compile;
	struct cel_run run = { .arena = compile->arena };
	const struct cel_program *program;
	struct value value;

	if (!compile->fold_budget)
		return;
	program = emit_program(compile, node, compile->scratch, EMIT_TRIAL);
	if (!program)
		return;
	run.budget = MIN(compile->fold_budget, (uint64_t)CEL_FOLD_BUDGET);
	compile->fold_budget -= run.budget;
	value = cel_run_program(program, &run);
	compile->fold_budget += run.budget;
	/* What contains it is not tried again: the work would grow with the depth. */
	if (value_is_error(value)) {
		folder->pure = false;
		return;
	}
	node->kind = NODE_CONST;
	node->constant = value;
}

static bool worth_evaluating(const struct node *node)
{
	return node->kind != NODE_CONST && node->kind != NODE_IDENT && node->kind != NODE_SLOT;
}

static void fold_node(void *ctx, struct node **place)
{
	struct folder *folder = ctx;
	struct node *node = *place;

	if (folder->compile->failed)
		return;
	if (node->kind == NODE_IDENT)
		walk_ident(folder, node);
	else if (node->kind == NODE_FOLD)
		walk_fold(folder, node);
	else if (node->kind == NODE_BIND || node->kind == NODE_OPTIONAL_MAP)
		walk_bind(folder, node);
	else
		node_each(node, fold_child, folder);
	if (node->kind == NODE_SLOT || (node->kind == NODE_CALL && !node->call.pure))
		folder->pure = false;
	*place = node = simplify(node);
	if (folder->pure && folder->free == NOTHING_FREE && worth_evaluating(node))
		evaluate(folder, node);
}

void fold_tree(struct compile *compile, struct node **root)
{
	struct folder folder = { .compile = compile, .free = NOTHING_FREE, .pure = true };

	fold_node(&folder, root);
}
