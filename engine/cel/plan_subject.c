/* SPDX-License-Identifier: Apache-2.0 */
/* Subjects, and comparisons of them with constants: the leaves of a plan. */
#include "base/buf.h"
#include "plan.h"

/* ---- subjects ------------------------------------------------------------- */

/* In ns, roughly, on the machine that the figures of README.md are from. */
enum { COST_SLOT = 6, COST_VARIABLE = 12, COST_FIELD = 12, COST_STEP = 4 };

/* Instructions that cost more than a step. */
static const uint16_t opcode_costs[OPCODE_COUNT] = {
	[OPCODE_slot] = COST_SLOT,	 [OPCODE_variable] = COST_VARIABLE,
	[OPCODE_field] = COST_FIELD,	 [OPCODE_has_field] = COST_FIELD,
	[OPCODE_select] = COST_FIELD,	 [OPCODE_has] = COST_FIELD,
	[OPCODE_call] = 30,		 [OPCODE_contains] = 12,
	[OPCODE_matches] = 60,		 [OPCODE_in] = 30,
	[OPCODE_list] = 20,		 [OPCODE_map] = 40,
	[OPCODE_message] = 40,		 [OPCODE_add] = 12,
	[OPCODE_fold_next] = 60,	 [OPCODE_list_optional] = 30,
	[OPCODE_select_optional] = 30,	 [OPCODE_map_optional] = 40,
	[OPCODE_index_optional] = 30,
};

static uint16_t program_cost(const struct cel_program *program)
{
	uint32_t cost = COST_STEP;

	for (uint32_t i = 0; i < program->code_count; i++)
		cost += MAX(opcode_costs[program->code[i].opcode], (uint16_t)COST_STEP);
	return (uint16_t)MIN(cost, 10000u);
}

struct purity {
	bool stable;
};

static void look(void *ctx, struct node **child)
{
	struct purity *purity = ctx;

	if ((*child)->kind == NODE_CALL && !(*child)->call.pure)
		purity->stable = false;
	node_each(*child, look, purity);
}

/* Does it depend on the event alone? Functions of the caller may ask stores that change. */
static bool is_stable(struct node *node)
{
	struct purity purity = { .stable = true };

	look(&purity, &node);
	return purity.stable;
}

static struct str copy_key(struct planner *planner, const struct node *node)
{
	struct buf key = { .limit = 2 * PLAN_KEY_MAX };
	struct str copy = { 0 };

	if (plan_key(&key, node)) {
		copy = arena_str(planner->compile->arena, key.data, key.len);
		planner->failed |= !copy.data;
	}
	buf_free(&key);
	return copy;
}

static struct plan_subject *new_subject(struct planner *planner, const struct node *node)
{
	struct plan_subject *subject = arena_new(planner->compile->arena, struct plan_subject);
	struct str source = planner->compile->source->text;
	uint32_t end = MIN(node->end, source.len), at = MIN(node->at, end);

	planner->failed |= !subject;
	if (!subject)
		return NULL;
	subject->text = arena_str(planner->compile->arena, source.data + at, end - at);
	subject->key = copy_key(planner, node);
	subject->stable = true;
	return subject;
}

static const struct plan_subject *program_subject(struct planner *planner, struct node *node)
{
	struct plan_subject *subject = new_subject(planner, node);

	if (!subject)
		return NULL;
	subject->kind = SUBJECT_PROGRAM;
	subject->stable = is_stable(node);
	subject->program = node == planner->root
				   ? planner->program
				   : emit_program(planner->compile, node, planner->compile->arena,
						  EMIT_TRIAL);
	planner->failed |= planner->compile->failed;
	if (!subject->program)
		return NULL;
	subject->cost = program_cost(subject->program);
	return subject;
}

static const struct str *copy_name(struct planner *planner, struct str name)
{
	struct str *copy = arena_new(planner->compile->arena, struct str);

	if (copy)
		*copy = arena_str(planner->compile->arena, name.data, name.len);
	planner->failed |= !copy || !copy->data;
	return copy;
}

static const struct plan_subject *select_subject(struct planner *planner, struct node *node)
{
	const struct plan_subject *parent = plan_subject_of(planner, node->select.operand);
	struct plan_subject *subject;

	if (!parent)
		return NULL;
	if (parent->chain == PLAN_CHAIN_MAX)
		return program_subject(planner, node);
	subject = new_subject(planner, node);
	if (!subject)
		return NULL;
	subject->kind = node->select.resolved ? SUBJECT_FIELD : SUBJECT_SELECT;
	subject->parent = parent;
	subject->stable = parent->stable;
	subject->chain = (uint16_t)(parent->chain + 1);
	subject->cost = (uint16_t)(parent->cost + COST_FIELD);
	if (node->select.resolved)
		subject->field = node->select.resolved;
	else
		subject->name = copy_name(planner, node->select.field);
	return subject;
}

const struct plan_subject *plan_subject_of(struct planner *planner, struct node *node)
{
	struct plan_subject *subject;

	if (node->kind == NODE_SELECT && !node->select.test && !node->select.optional)
		return select_subject(planner, node);
	if (node->kind == NODE_SLOT && !node->slot.test) {
		subject = new_subject(planner, node);
		if (!subject)
			return NULL;
		subject->kind = SUBJECT_SLOT;
		subject->slot = node->slot.number;
		subject->cost = COST_SLOT;
		return subject;
	}
	if (node->kind == NODE_IDENT && !node->ident.local && node->ident.variable &&
	    node->ident.variable->get) {
		subject = new_subject(planner, node);
		if (!subject)
			return NULL;
		subject->kind = SUBJECT_VARIABLE;
		subject->variable = node->ident.variable;
		subject->cost = COST_VARIABLE;
		return subject;
	}
	return program_subject(planner, node);
}

/* ---- atoms ---------------------------------------------------------------- */

static bool is_number(struct value value)
{
	return value.tag == VALUE_INT || value.tag == VALUE_UINT || value.tag == VALUE_DOUBLE;
}

static bool is_mask(const struct node *node, uint64_t *mask)
{
	if (node->kind != NODE_CONST ||
	    !(node->constant.tag == VALUE_UINT ||
	      (node->constant.tag == VALUE_INT && node->constant.i >= 0)))
		return false;
	*mask = node->constant.u;
	return true;
}

/* Constants live in the tree's or the program's arena: the plan needs its own. */
static bool set_constant(struct planner *planner, struct plan_atom *atom, struct value constant)
{
	if (value_copy(planner->compile->arena, constant, &atom->constant))
		return true;
	planner->failed = true;
	return false;
}

static bool finish(struct planner *planner, struct plan_atom *atom, struct node *subject)
{
	atom->subject = plan_subject_of(planner, subject);
	return atom->subject != NULL;
}

/* math.bitAnd(x, mask) compared with a number that is not negative */
static bool bit_and_atom(struct planner *planner, struct node *call, struct value constant,
			 struct plan_atom *atom)
{
	uint64_t mask;
	struct node *subject;

	if (call->kind != NODE_CALL || call->call.operation || call->call.target ||
	    call->call.count != 2 || !call->call.overload_count || !call->call.pure ||
	    !str_equal(call->call.name, STR("math.bitAnd")) ||
	    !(constant.tag == VALUE_UINT || (constant.tag == VALUE_INT && constant.i >= 0)))
		return false;
	if (is_mask(call->call.args[1], &mask))
		subject = call->call.args[0];
	else if (is_mask(call->call.args[0], &mask))
		subject = call->call.args[1];
	else
		return false;
	/* A row may take less than any number: bitAnd of int and uint is one of our own. */
	if (subject->type && subject->type->kind != T_DYN && subject->type->kind != T_INT &&
	    subject->type->kind != T_UINT && subject->type->kind != T_NULLABLE)
		return false;
	atom->kind = ATOM_MASKED;
	atom->mask = mask;
	atom->constant = constant;
	return finish(planner, atom, subject);
}

static bool equal_atom(struct planner *planner, struct node *node, bool want,
		       struct plan_atom *atom)
{
	struct node *subject = node->call.args[0], *constant = node->call.args[1];

	if (subject->kind == NODE_CONST) {
		subject = node->call.args[1];
		constant = node->call.args[0];
	}
	if (constant->kind != NODE_CONST || subject->kind == NODE_CONST)
		return false;
	atom->negated = (node->call.operation == OPERATION_not_equal) == want;
	if (bit_and_atom(planner, subject, constant->constant, atom))
		return true;
	atom->kind = ATOM_EQUAL;
	return set_constant(planner, atom, constant->constant) && finish(planner, atom, subject);
}

static bool order_atom(struct planner *planner, struct node *node, bool want,
		       struct plan_atom *atom)
{
	static const struct {
		uint8_t kind, reversed;
	} kinds[OPERATION_COUNT] = {
		[OPERATION_less] = { ATOM_LESS, ATOM_GREATER },
		[OPERATION_less_equal] = { ATOM_LESS_EQUAL, ATOM_GREATER_EQUAL },
		[OPERATION_greater] = { ATOM_GREATER, ATOM_LESS },
		[OPERATION_greater_equal] = { ATOM_GREATER_EQUAL, ATOM_LESS_EQUAL },
	};
	struct node *left = node->call.args[0], *right = node->call.args[1];
	bool reversed = left->kind == NODE_CONST;
	struct node *subject = reversed ? right : left, *constant = reversed ? left : right;

	if (constant->kind != NODE_CONST || subject->kind == NODE_CONST ||
	    !is_number(constant->constant))
		return false;
	atom->kind = reversed ? kinds[node->call.operation].reversed
			      : kinds[node->call.operation].kind;
	atom->negated = !want;
	atom->constant = constant->constant;
	return finish(planner, atom, subject);
}

static bool text_atom(struct planner *planner, struct node *node, bool want, struct plan_atom *atom)
{
	static const struct {
		struct str name;
		uint8_t kind;
	} kinds[] = {
		{ STR("startsWith"), ATOM_PREFIX },
		{ STR("endsWith"), ATOM_SUFFIX },
		{ STR("contains"), ATOM_CONTAINS },
	};

	if (!node->call.target || node->call.count != 1 ||
	    node->call.args[0]->kind != NODE_CONST ||
	    node->call.args[0]->constant.tag != VALUE_STRING)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!str_equal(node->call.name, kinds[i].name))
			continue;
		atom->kind = kinds[i].kind;
		atom->negated = !want;
		return set_constant(planner, atom, node->call.args[0]->constant) &&
		       finish(planner, atom, node->call.target);
	}
	return false;
}

/* Functions that the caller says are bit tests. */
static bool bits_atom(struct planner *planner, struct node *node, bool want, struct plan_atom *atom)
{
	enum cel_trait trait = node->call.overload_count == 1 ? node->call.overloads[0]->row->trait
							      : CEL_IMPURE;
	uint64_t mask;

	if ((trait != CEL_ALL_BITS && trait != CEL_ANY_BITS) || node->call.target ||
	    node->call.count != 2 || node->call.args[1]->kind != NODE_CONST ||
	    node->call.args[1]->constant.tag != VALUE_INT)
		return false;
	mask = node->call.args[1]->constant.u;
	atom->kind = ATOM_MASKED;
	atom->mask = mask;
	atom->constant = value_uint(trait == CEL_ALL_BITS ? mask : 0);
	atom->negated = (trait == CEL_ANY_BITS) == want;
	atom->total = true;
	atom->otherwise = trait == CEL_ANY_BITS;
	return finish(planner, atom, node->call.args[0]);
}

static bool call_atom(struct planner *planner, struct node *node, bool want, struct plan_atom *atom)
{
	if (!node->call.overload_count)
		return false;
	switch ((enum operation)node->call.operation) {
	case OPERATION_equal:
	case OPERATION_not_equal: return equal_atom(planner, node, want, atom);
	case OPERATION_less:
	case OPERATION_less_equal:
	case OPERATION_greater:
	case OPERATION_greater_equal: return order_atom(planner, node, want, atom);
	case OPERATION_none:
		return text_atom(planner, node, want, atom) ||
		       bits_atom(planner, node, want, atom);
	default: return false;
	}
}

bool plan_atom_of(struct planner *planner, struct node *node, bool want, struct plan_atom *out)
{
	struct plan_atom atom = { .kind = ATOM_EQUAL };

	if (node->kind == NODE_CALL && call_atom(planner, node, want, &atom)) {
		*out = atom;
		return true;
	}
	if (planner->failed)
		return false;
	atom = (struct plan_atom){ .kind = ATOM_EQUAL };
	if (node->kind == NODE_SLOT && node->slot.test) {
		struct node value = *node;

		value.slot.test = false;
		atom.kind = ATOM_PRESENT;
		atom.negated = !want;
		if (!finish(planner, &atom, &value))
			return false;
	} else {
		/* Whatever it is, it must be this bool. */
		atom.kind = ATOM_TRUTH;
		atom.constant = value_bool(want);
		if (!finish(planner, &atom, node))
			return false;
	}
	*out = atom;
	return true;
}

/* ---- chances -------------------------------------------------------------- */

/* Of a comparison with a literal of this length. */
static uint32_t text_chance(const struct plan_atom *atom)
{
	static const uint16_t within[] = { 1000, 700, 300, 120, 60, 40, 30 };
	static const uint16_t at_end[] = { 1000, 600, 300, 150, 80, 50, 30 };
	uint32_t len = atom->constant.len;

	if (len >= ARRAY_SIZE(within))
		return 20;
	return atom->kind == ATOM_CONTAINS ? within[len] : at_end[len];
}

static uint32_t equal_chance(struct value constant)
{
	switch ((enum value_tag)constant.tag) {
	case VALUE_BOOL: return 500;
	case VALUE_NULL: return 200;
	case VALUE_STRING: return constant.len ? 10 : 300;
	case VALUE_INT:
	case VALUE_UINT: return constant.u ? 50 : 400;
	default: return 50;
	}
}

uint32_t plan_chance(const struct plan_atom *atom)
{
	uint32_t chance = 0;

	switch ((enum atom_kind)atom->kind) {
	case ATOM_EQUAL:
	case ATOM_TRUTH: chance = equal_chance(atom->constant); break;
	case ATOM_PREFIX:
	case ATOM_SUFFIX:
	case ATOM_CONTAINS: chance = text_chance(atom); break;
	case ATOM_LESS:
	case ATOM_LESS_EQUAL: chance = 400; break;
	case ATOM_GREATER:
	case ATOM_GREATER_EQUAL: chance = 500; break;
	case ATOM_MASKED:
		chance = atom->constant.u ? 1000u >> MIN(__builtin_popcountll(atom->mask), 6)
					  : 500;
		break;
	case ATOM_PRESENT: chance = 900; break;
	case ATOM_KIND_COUNT: break;
	}
	return atom->negated ? 1000 - chance : chance;
}
