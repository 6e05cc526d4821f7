/* SPDX-License-Identifier: Apache-2.0 */
/* Subjects, and comparisons of them with constants: the leaves of a normal. */
#include "base/buf.h"
#include "normal.h"

/* ---- subjects ------------------------------------------------------------- */

/* In ns, roughly, on the machine that the figures of README.md are from. */
enum { COST_SLOT = 6, COST_VARIABLE = 12, COST_FIELD = 12, COST_STEP = 4 };

/* Instructions that cost more than a step. */
static const uint16_t opcode_costs[OPCODE_COUNT] = {
	[OPCODE_slot] = COST_SLOT,
	[OPCODE_variable] = COST_VARIABLE,
	[OPCODE_field] = COST_FIELD,
	[OPCODE_has_field] = COST_FIELD,
	[OPCODE_select] = COST_FIELD,
	[OPCODE_has] = COST_FIELD,
	[OPCODE_call] = 30,
	[OPCODE_contains] = 12,
	[OPCODE_matches] = 60,
	[OPCODE_in] = 30,
	[OPCODE_list] = 20,
	[OPCODE_map] = 40,
	[OPCODE_message] = 40,
	[OPCODE_add] = 12,
	[OPCODE_fold_next] = 60,
	[OPCODE_list_optional] = 30,
	[OPCODE_select_optional] = 30,
	[OPCODE_map_optional] = 40,
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

static struct str copy_key(struct normalizer *normalizer, const struct node *node)
{
	struct buf key = { .limit = 2 * NORMAL_KEY_MAX };
	struct str copy = { 0 };

	if (normal_key(&key, node)) {
		copy = arena_str(normalizer->compile->arena, key.data, key.len);
		normalizer->failed |= !copy.data;
	}
	buf_free(&key);
	return copy;
}

struct span {
	uint32_t at, end;
};

static void widen(void *ctx, struct node **child)
{
	struct span *span = ctx;

	if ((*child)->at == NORMAL_NOWHERE)
		return;
	span->at = MIN(span->at, (*child)->at);
	span->end = MAX(span->end, (*child)->end);
	node_each(*child, widen, span);
}

static bool is_name_char(char c)
{
	return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z');
}

/* Parentheses that are closed and not opened, and the other way round; not those in strings. */
static void count_open(struct str text, uint32_t *before, uint32_t *behind)
{
	char quote = 0;

	*before = *behind = 0;
	for (uint32_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (quote) {
			i += c == '\\';
			quote = c == quote ? 0 : quote;
		} else if (c == '"' || c == '\'') {
			quote = c;
		} else if (c == '(') {
			++*behind;
		} else if (c == ')') {
			*(*behind ? behind : before) += *behind ? -1u : 1;
		}
	}
}

/* Nodes leave out the namespace of a function and the parentheses around parts. */
static void round_off(struct str source, struct span *span)
{
	uint32_t before, behind, at;

	while (span->at > 1 && source.data[span->at - 1] == '.' &&
	       is_name_char(source.data[span->at - 2]))
		for (span->at--; span->at && is_name_char(source.data[span->at - 1]);)
			span->at--;
	count_open((struct str){ source.data + span->at, span->end - span->at }, &before, &behind);
	for (at = span->at; before && at && strchr(" \t\r\n(", source.data[at - 1]); at--)
		if (source.data[at - 1] == '(') {
			span->at = at - 1;
			before--;
		}
	for (at = span->end; behind && at < source.len && strchr(" \t\r\n)", source.data[at]); at++)
		if (source.data[at] == ')') {
			span->end = at + 1;
			behind--;
		}
}

struct str normal_text(struct normalizer *normalizer, const struct node *node)
{
	struct str source = normalizer->compile->source->text;
	struct span span = { .at = NORMAL_NOWHERE };
	struct node *root = (struct node *)node; /* visits do not write */

	widen(&span, &root);
	span.end = MIN(span.end, source.len);
	span.at = MIN(span.at, span.end);
	round_off(source, &span);
	return arena_str(normalizer->compile->arena, source.data + span.at, span.end - span.at);
}

/* hasData("x") tells of the value of getEventData("x"): name that. */
static struct str slot_text(struct normalizer *normalizer, const struct node *node)
{
	struct str text = normal_text(normalizer, node), full;
	const struct slot_access *slots = normalizer->compile->env->slots;
	const char *open = text.data ? memchr(text.data, '(', text.len) : NULL;
	uint32_t rest = open ? (uint32_t)(text.data + text.len - open) : 0;
	char *data;

	while (slots && open &&
	       !str_equal(slots->has_function,
			  (struct str){ text.data, (uint32_t)(open - text.data) }))
		slots = slots->next;
	if (!open || !slots)
		return text;
	full.len = slots->value_function.len + rest;
	full.data = data = arena_alloc(normalizer->compile->arena, full.len + 1);
	if (!data)
		return text;
	memcpy(data, slots->value_function.data, slots->value_function.len);
	memcpy(data + slots->value_function.len, open, rest);
	return full;
}

static struct normal_subject *new_subject(struct normalizer *normalizer, const struct node *node)
{
	struct normal_subject *subject = arena_new(normalizer->compile->arena,
						   struct normal_subject);
	normalizer->failed |= !subject;
	if (!subject)
		return NULL;
	subject->text = normal_text(normalizer, node);
	subject->key = copy_key(normalizer, node);
	subject->stable = true;
	return subject;
}

static const struct normal_subject *program_subject(struct normalizer *normalizer,
						    struct node *node)
{
	struct normal_subject *subject = new_subject(normalizer, node);

	if (!subject)
		return NULL;
	subject->kind = SUBJECT_PROGRAM;
	subject->stable = is_stable(node);
	subject->program = node == normalizer->root
				   ? normalizer->program
				   : emit_program(normalizer->compile, node,
						  normalizer->compile->arena, EMIT_TRIAL);
	normalizer->failed |= normalizer->compile->failed;
	if (!subject->program)
		return NULL;
	subject->cost = program_cost(subject->program);
	return subject;
}

static const struct str *copy_name(struct normalizer *normalizer, struct str name)
{
	struct str *copy = arena_new(normalizer->compile->arena, struct str);

	if (copy)
		*copy = arena_str(normalizer->compile->arena, name.data, name.len);
	normalizer->failed |= !copy || !copy->data;
	return copy;
}

static const struct normal_subject *select_subject(struct normalizer *normalizer, struct node *node)
{
	const struct normal_subject *parent = normal_subject_of(normalizer, node->select.operand);
	struct normal_subject *subject;

	if (!parent)
		return NULL;
	if (parent->chain == NORMAL_CHAIN_MAX)
		return program_subject(normalizer, node);
	subject = new_subject(normalizer, node);
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
		subject->name = copy_name(normalizer, node->select.field);
	return subject;
}

const struct normal_subject *normal_subject_of(struct normalizer *normalizer, struct node *node)
{
	struct normal_subject *subject;

	if (node->kind == NODE_SELECT && !node->select.test && !node->select.optional)
		return select_subject(normalizer, node);
	if (node->kind == NODE_SLOT && !node->slot.test) {
		subject = new_subject(normalizer, node);
		if (!subject)
			return NULL;
		subject->kind = SUBJECT_SLOT;
		subject->text = slot_text(normalizer, node);
		subject->slot = node->slot.number;
		subject->cost = COST_SLOT;
		return subject;
	}
	if (node->kind == NODE_IDENT && !node->ident.local && node->ident.variable &&
	    node->ident.variable->get) {
		subject = new_subject(normalizer, node);
		if (!subject)
			return NULL;
		subject->kind = SUBJECT_VARIABLE;
		subject->variable = node->ident.variable;
		subject->cost = COST_VARIABLE;
		return subject;
	}
	return program_subject(normalizer, node);
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

/* Constants live in the tree's or the program's arena: the normal needs its own. */
static bool set_constant(struct normalizer *normalizer, struct normal_atom *atom,
			 struct value constant)
{
	if (value_copy(normalizer->compile->arena, constant, &atom->constant))
		return true;
	normalizer->failed = true;
	return false;
}

static bool finish(struct normalizer *normalizer, struct normal_atom *atom, struct node *subject)
{
	atom->subject = normal_subject_of(normalizer, subject);
	return atom->subject != NULL;
}

/* math.bitAnd(x, mask) compared with a number that is not negative */
static bool bit_and_atom(struct normalizer *normalizer, struct node *call, struct value constant,
			 struct normal_atom *atom)
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
	return finish(normalizer, atom, subject);
}

static bool equal_atom(struct normalizer *normalizer, struct node *node, bool want,
		       struct normal_atom *atom)
{
	struct node *subject = node->call.args[0], *constant = node->call.args[1];

	if (subject->kind == NODE_CONST) {
		subject = node->call.args[1];
		constant = node->call.args[0];
	}
	if (constant->kind != NODE_CONST || subject->kind == NODE_CONST)
		return false;
	atom->negated = (node->call.operation == OPERATION_not_equal) == want;
	if (bit_and_atom(normalizer, subject, constant->constant, atom))
		return true;
	atom->kind = ATOM_EQUAL;
	return set_constant(normalizer, atom, constant->constant) &&
	       finish(normalizer, atom, subject);
}

static bool order_atom(struct normalizer *normalizer, struct node *node, bool want,
		       struct normal_atom *atom)
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
	return finish(normalizer, atom, subject);
}

static bool text_atom(struct normalizer *normalizer, struct node *node, bool want,
		      struct normal_atom *atom)
{
	static const struct {
		struct str name;
		uint8_t kind;
	} kinds[] = {
		{ STR("startsWith"), ATOM_PREFIX },
		{ STR("endsWith"), ATOM_SUFFIX },
		{ STR("contains"), ATOM_CONTAINS },
	};

	if (!node->call.target || node->call.count != 1 || node->call.args[0]->kind != NODE_CONST ||
	    node->call.args[0]->constant.tag != VALUE_STRING)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!str_equal(node->call.name, kinds[i].name))
			continue;
		atom->kind = kinds[i].kind;
		atom->negated = !want;
		return set_constant(normalizer, atom, node->call.args[0]->constant) &&
		       finish(normalizer, atom, node->call.target);
	}
	return false;
}

/* Functions that the caller says are bit tests. */
static bool bits_atom(struct normalizer *normalizer, struct node *node, bool want,
		      struct normal_atom *atom)
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
	return finish(normalizer, atom, node->call.args[0]);
}

static bool call_atom(struct normalizer *normalizer, struct node *node, bool want,
		      struct normal_atom *atom)
{
	if (!node->call.overload_count)
		return false;
	switch ((enum operation)node->call.operation) {
	case OPERATION_equal:
	case OPERATION_not_equal: return equal_atom(normalizer, node, want, atom);
	case OPERATION_less:
	case OPERATION_less_equal:
	case OPERATION_greater:
	case OPERATION_greater_equal: return order_atom(normalizer, node, want, atom);
	case OPERATION_none:
		return text_atom(normalizer, node, want, atom) ||
		       bits_atom(normalizer, node, want, atom);
	default: return false;
	}
}

bool normal_atom_of(struct normalizer *normalizer, struct node *node, bool want,
		    struct normal_atom *out)
{
	struct normal_atom atom = { .kind = ATOM_EQUAL };

	if (node->kind == NODE_CALL && call_atom(normalizer, node, want, &atom)) {
		*out = atom;
		return true;
	}
	if (normalizer->failed)
		return false;
	atom = (struct normal_atom){ .kind = ATOM_EQUAL };
	if (node->kind == NODE_SLOT && node->slot.test) {
		struct node value = *node;

		value.slot.test = false;
		atom.kind = ATOM_PRESENT;
		atom.negated = !want;
		if (!finish(normalizer, &atom, &value))
			return false;
	} else {
		/* Whatever it is, it must be this bool. */
		atom.kind = ATOM_TRUTH;
		atom.constant = value_bool(want);
		if (!finish(normalizer, &atom, node))
			return false;
	}
	*out = atom;
	return true;
}

/* ---- chances -------------------------------------------------------------- */

/* Of a comparison with a literal of this length. */
static uint32_t text_chance(const struct normal_atom *atom)
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

uint32_t normal_chance(const struct normal_atom *atom)
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
		chance = atom->constant.u ? 1000u >> MIN(__builtin_popcountll(atom->mask), 6) : 500;
		break;
	case ATOM_PRESENT: chance = 900; break;
	case ATOM_KIND_COUNT: break;
	}
	return atom->negated ? 1000 - chance : chance;
}
