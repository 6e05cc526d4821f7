/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the tree to instructions. Registers are handed out like a stack: emit_to(node, to)
 * uses registers from `next` on for what it needs and gives them back.
 *
 * Invariant: the register `to` of a node is written exactly when the node's value is known,
 * and no instruction of the node reads it before (accumulators excepted, which are fresh).
 */
#include "emit.h"

#include "base/buf.h"

static void emit_to(struct emit *emit, struct node *node, uint16_t to);

/* ---- instructions, registers, constants ----------------------------------- */

uint32_t emit_code(struct emit *emit, struct instruction instruction)
{
	if (emit->count == emit->capacity) {
		uint32_t capacity = emit->capacity ? emit->capacity * 2 : 32;
		struct instruction *code = arena_array(emit->compile->scratch, struct instruction,
						       capacity);

		if (!code) {
			compile_no_memory(emit->compile);
			emit->count = 0;
			return 0;
		}
		if (emit->count)
			memcpy(code, emit->code, emit->count * sizeof(*code));
		emit->code = code;
		emit->capacity = capacity;
	}
	emit->code[emit->count] = instruction;
	return emit->count++;
}

uint16_t emit_register(struct emit *emit)
{
	if (emit->next >= CEL_REGISTERS_MAX) {
		compile_error(emit->compile, 0, "found an expression that is too large");
		return 0;
	}
	emit->most = MAX(emit->most, (uint32_t)emit->next + 1);
	return emit->next++;
}

uint16_t emit_constant(struct emit *emit, struct value value)
{
	if (emit->constant_count == CONSTANT_BIT - 1) {
		compile_error(emit->compile, 0, "found an expression with too many constants");
		return CONSTANT_BIT;
	}
	if (emit->constant_count == emit->constant_capacity) {
		uint32_t capacity = emit->constant_capacity ? emit->constant_capacity * 2 : 16;
		struct value *constants = arena_array(emit->compile->scratch, struct value,
						      capacity);

		if (!constants) {
			compile_no_memory(emit->compile);
			return CONSTANT_BIT;
		}
		if (emit->constant_count)
			memcpy(constants, emit->constants,
			       emit->constant_count * sizeof(*constants));
		emit->constants = constants;
		emit->constant_capacity = capacity;
	}
	emit->constants[emit->constant_count] = value;
	return (uint16_t)(CONSTANT_BIT | emit->constant_count++);
}

/* The value of the node as an operand: constants and locals need no instruction. */
uint16_t emit_operand(struct emit *emit, struct node *node)
{
	uint16_t to;

	if (node->kind == NODE_CONST)
		return emit_constant(emit, node->constant);
	if (node->kind == NODE_IDENT && node->ident.local)
		return (uint16_t)node->ident.local->number;
	to = emit_register(emit);
	emit_to(emit, node, to);
	return to;
}

/* A copy that lives with the program: the source text does not. */
static const struct str *emit_name(struct emit *emit, struct str name)
{
	struct str *copy = arena_new(emit->compile->arena, struct str);

	if (copy)
		*copy = arena_str(emit->compile->arena, name.data, name.len);
	if (!copy || !copy->data)
		compile_no_memory(emit->compile);
	return copy;
}

static void patch(struct emit *emit, uint32_t at)
{
	if (at < emit->count)
		emit->code[at].target = emit->count;
}

static void patch_extra(struct emit *emit, uint32_t at)
{
	if (at < emit->count)
		emit->code[at].extra = emit->count;
}

#define CODE(...) emit_code(emit, (struct instruction){ __VA_ARGS__ })

/* ---- leaves and selections ------------------------------------------------ */

static void emit_const(struct emit *emit, struct node *node, uint16_t to)
{
	CODE(.opcode = OPCODE_copy, .to = to, .a = emit_constant(emit, node->constant));
}

static void emit_error(struct emit *emit, uint16_t to, const char *format, struct str name)
{
	struct buf text = { .limit = 1024 };
	struct str copy;

	buf_printf(&text, format, (int)name.len, name.data);
	copy = arena_str(emit->compile->arena, text.data, text.len);
	buf_free(&text);
	CODE(.opcode = OPCODE_copy, .to = to,
	     .a = emit_constant(
		     emit,
		     (struct value){ .tag = VALUE_ERROR, .len = copy.len, .str = copy.data }));
}

static void emit_ident(struct emit *emit, struct node *node, uint16_t to)
{
	if (node->ident.local)
		CODE(.opcode = OPCODE_copy, .to = to, .a = (uint16_t)node->ident.local->number);
	else if (node->ident.variable)
		CODE(.opcode = OPCODE_variable, .to = to, .pointer = node->ident.variable);
	else
		emit_error(emit, to, "undeclared reference to '%.*s'", node->ident.name);
}

static void emit_slot(struct emit *emit, struct node *node, uint16_t to)
{
	CODE(.opcode = node->slot.test ? OPCODE_has_slot : OPCODE_slot, .to = to,
	     .number = node->slot.number);
}

static void emit_select(struct emit *emit, struct node *node, uint16_t to)
{
	uint16_t save = emit->next;
	uint16_t operand = emit_operand(emit, node->select.operand);

	emit->next = save;
	if (node->select.resolved && !node->select.optional)
		CODE(.opcode = node->select.test ? OPCODE_has_field : OPCODE_field, .to = to,
		     .a = operand, .pointer = node->select.resolved);
	else
		CODE(.opcode = node->select.test       ? OPCODE_has
			       : node->select.optional ? OPCODE_select_optional
						       : OPCODE_select,
		     .to = to, .a = operand, .pointer = emit_name(emit, node->select.field));
}

/* ---- calls ---------------------------------------------------------------- */

static const uint16_t operation_opcodes[OPERATION_COUNT] = {
#define OPERATION(name, function, symbol) [OPERATION_##name] = OPCODE_##name,
#include "operations.def"
#undef OPERATION
};

/* x in [constants]: by a hash table where there are many */
static bool emit_in_set(struct emit *emit, struct node *node, uint16_t to)
{
	struct node **args = node->call.args;
	const struct value_set *set;
	uint16_t save = emit->next, a;

	if (node->call.operation != OPERATION_in || args[1]->kind != NODE_CONST ||
	    args[1]->constant.tag != VALUE_LIST || emit->trial)
		return false;
	set = set_make(emit->compile->arena, args[1]->constant.list);
	if (!set)
		return false;
	a = emit_operand(emit, args[0]);
	emit->next = save;
	CODE(.opcode = OPCODE_in_set, .to = to, .a = a, .pointer = set);
	return true;
}

static void emit_operation(struct emit *emit, struct node *node, uint16_t to)
{
	uint16_t save = emit->next, a, b = 0;

	if (!node->call.overload_count) {
		emit_error(emit, to, "no such overload%.0s", (struct str){ "", 0 });
		return;
	}
	if (emit_in_set(emit, node, to))
		return;
	a = emit_operand(emit, node->call.args[0]);
	if (node->call.count == 2)
		b = emit_operand(emit, node->call.args[1]);
	emit->next = save;
	CODE(.opcode = operation_opcodes[node->call.operation], .to = to, .a = a, .b = b);
}

/* Functions that have an instruction of their own; all take two arguments. */
static const struct {
	struct str name;
	uint16_t opcode;
	bool method;
} direct_calls[] = {
	{ STR("startsWith"), OPCODE_starts_with, true },
	{ STR("endsWith"), OPCODE_ends_with, true },
	{ STR("contains"), OPCODE_contains, true },
	{ STR("math.bitAnd"), OPCODE_bit_and, false },
};

static bool emit_direct(struct emit *emit, struct node *node, uint16_t to)
{
	bool method = node->call.target != NULL;
	uint16_t save = emit->next, a, b;

	if (node->call.count != (method ? 1u : 2u) || !node->call.overload_count ||
	    !node->call.pure)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(direct_calls); i++) {
		if (direct_calls[i].method != method ||
		    !str_equal(node->call.name, direct_calls[i].name))
			continue;
		a = emit_operand(emit, method ? node->call.target : node->call.args[0]);
		b = emit_operand(emit, node->call.args[method ? 0 : 1]);
		emit->next = save;
		CODE(.opcode = direct_calls[i].opcode, .to = to, .a = a, .b = b);
		return true;
	}
	return false;
}

/* matches with a constant pattern: compiled now, an error of it is an error of the rule */
static bool emit_matches(struct emit *emit, struct node *node, uint16_t to)
{
	struct node *subject = node->call.target ? node->call.target : node->call.args[0];
	struct node *pattern = node->call.args[node->call.count - 1];
	uint16_t save = emit->next, operand;
	const struct regex *regex;
	const char *problem;
	uint32_t at;

	if (!str_equal(node->call.name, STR("matches")) || pattern->kind != NODE_CONST ||
	    pattern->constant.tag != VALUE_STRING || !node->call.overload_count)
		return false;
	regex = node->call.regex
			? node->call.regex
			: regex_compile(emit->compile->arena, value_text(pattern->constant),
					emit->trial, &emit->compile->regex_effort, &problem, &at);
	if (!emit->trial)
		node->call.regex = regex;
	if (!regex) {
		if (emit->compile->env->options & (CEL_TRACEE | CEL_UNCHECKED) || emit->trial)
			return false;
		compile_error(emit->compile, pattern->at,
			      "found a regular expression with %s at byte %u", problem, at);
		compile_hint(emit->compile, "the language is RE2's: no look-around, no "
					    "back-references; r'...' needs no double backslashes");
		return true;
	}
	operand = emit_operand(emit, subject);
	emit->next = save;
	CODE(.opcode = OPCODE_matches, .to = to, .a = operand, .pointer = regex);
	return true;
}

static const struct call_site *make_site(struct emit *emit, const struct node *node, uint32_t count)
{
	struct arena *arena = emit->compile->arena;
	struct call_site *site = arena_new(arena, struct call_site);
	const struct overload **overloads = arena_array(arena, const struct overload *,
							node->call.overload_count + 1);
	const struct str *name = emit_name(emit, node->call.name);

	if (!site || !overloads || !name) {
		compile_no_memory(emit->compile);
		return NULL;
	}
	for (uint32_t i = 0; i < node->call.overload_count; i++)
		overloads[i] = node->call.overloads[i];
	*site = (struct call_site){ overloads, node->call.overload_count, count, *name };
	return site;
}

/* Values into consecutive registers; the first of them. */
static uint16_t emit_row(struct emit *emit, struct node **nodes, uint32_t count)
{
	uint16_t first = emit->next;

	for (uint32_t i = 0; i < count; i++)
		emit_register(emit);
	for (uint32_t i = 0; i < count && !emit->compile->failed; i++)
		emit_to(emit, nodes[i], (uint16_t)(first + i));
	return first;
}

static void emit_call(struct emit *emit, struct node *node, uint16_t to)
{
	struct node *args[CEL_ARGS_MAX + 1];
	uint32_t count = 0;
	uint16_t save = emit->next, first;
	struct fused fused;

	if (fuse_predicate(node, &fused)) {
		CODE(.opcode = fused.opcode, .to = to, .a = fused.slot,
		     .b = emit_constant(emit, fused.constant));
		return;
	}
	if (node->call.operation) {
		emit_operation(emit, node, to);
		return;
	}
	if (emit_direct(emit, node, to) || (node->call.count && emit_matches(emit, node, to)))
		return;
	if (node->call.target)
		args[count++] = node->call.target;
	for (uint32_t i = 0; i < node->call.count; i++)
		args[count++] = node->call.args[i];
	first = emit_row(emit, args, count);
	emit->next = save;
	CODE(.opcode = OPCODE_call, .to = to, .a = first, .pointer = make_site(emit, node, count));
}

/* ---- logic ---------------------------------------------------------------- */

/* One operand of && or ||; returns the instruction that may leave. */
static uint32_t emit_step(struct emit *emit, struct node *item, bool is_and, uint16_t to)
{
	uint16_t save = emit->next, operand;
	struct fused fused;

	if (fuse_predicate(item, &fused))
		return CODE(.opcode = (uint16_t)(fused.opcode + (is_and ? 1 : 2)), .to = to,
			    .a = fused.slot, .b = emit_constant(emit, fused.constant));
	operand = emit_operand(emit, item);
	emit->next = save;
	return CODE(.opcode = is_and ? OPCODE_and_step : OPCODE_or_step, .to = to, .a = operand);
}

/* to = true; each operand may end it with false, or leave its error in to */
static void emit_logic(struct emit *emit, struct node *node, uint16_t to)
{
	uint32_t *ends = arena_array(emit->compile->scratch, uint32_t, node->logic.count + 1);

	if (!ends) {
		compile_no_memory(emit->compile);
		return;
	}
	CODE(.opcode = OPCODE_copy, .to = to,
	     .a = emit_constant(emit, value_bool(node->logic.is_and)));
	for (uint32_t i = 0; i < node->logic.count; i++)
		ends[i] = emit_step(emit, node->logic.items[i], node->logic.is_and, to);
	for (uint32_t i = 0; i < node->logic.count; i++)
		patch(emit, ends[i]);
}

static void emit_ternary(struct emit *emit, struct node *node, uint16_t to)
{
	uint16_t save = emit->next, condition = emit_operand(emit, node->ternary.condition);
	uint32_t branch, jump;

	emit->next = save;
	branch = CODE(.opcode = OPCODE_branch, .to = to, .a = condition);
	emit_to(emit, node->ternary.yes, to);
	jump = CODE(.opcode = OPCODE_jump);
	patch(emit, branch);
	emit_to(emit, node->ternary.no, to);
	patch(emit, jump);
	patch_extra(emit, branch);
}

/* ---- aggregates ----------------------------------------------------------- */

static const struct aggregate *make_aggregate(struct emit *emit, const bool *optional,
					      uint32_t count)
{
	struct aggregate *aggregate = arena_new(emit->compile->arena, struct aggregate);
	bool *flags = arena_array(emit->compile->arena, bool, count + 1);

	if (!aggregate || !flags) {
		compile_no_memory(emit->compile);
		return NULL;
	}
	if (optional)
		memcpy(flags, optional, count);
	aggregate->count = count;
	aggregate->optional = flags;
	return aggregate;
}

static void emit_list(struct emit *emit, struct node *node, uint16_t to)
{
	uint16_t save = emit->next;
	uint16_t first = emit_row(emit, node->list.items, node->list.count);

	emit->next = save;
	if (node->list.optional)
		CODE(.opcode = OPCODE_list_optional, .to = to, .a = first,
		     .pointer = make_aggregate(emit, node->list.optional, node->list.count));
	else
		CODE(.opcode = OPCODE_list, .to = to, .a = first, .jump = node->list.count);
}

static void emit_map(struct emit *emit, struct node *node, uint16_t to)
{
	uint16_t save = emit->next, first = save;
	uint32_t count = node->map.count;

	for (uint32_t i = 0; i < 2 * count; i++)
		emit_register(emit);
	for (uint32_t i = 0; i < count && !emit->compile->failed; i++) {
		emit_to(emit, node->map.keys[i], (uint16_t)(first + 2 * i));
		emit_to(emit, node->map.values[i], (uint16_t)(first + 2 * i + 1));
	}
	emit->next = save;
	if (node->map.optional)
		CODE(.opcode = OPCODE_map_optional, .to = to, .a = first,
		     .pointer = make_aggregate(emit, node->map.optional, count));
	else
		CODE(.opcode = OPCODE_map, .to = to, .a = first, .jump = count);
}

static void emit_message(struct emit *emit, struct node *node, uint16_t to)
{
	uint16_t save = emit->next;
	uint32_t count = node->message.count;
	const struct cel_message *message = node->message.message;
	struct aggregate *aggregate;
	uint16_t first;

	if (!message) {
		emit_error(emit, to, "undeclared reference to '%.*s'", node->message.name);
		return;
	}
	first = emit_row(emit, node->message.values, count);
	emit->next = save;
	aggregate = (struct aggregate *)make_aggregate(emit, node->message.optional, count);
	uint32_t *fields = arena_array(emit->compile->arena, uint32_t, count + 1);

	if (!aggregate || !fields)
		return;
	for (uint32_t i = 0; i < count; i++)
		fields[i] = (uint32_t)MAX(0, env_field(message, node->message.fields[i]));
	aggregate->message = message;
	aggregate->fields = fields;
	CODE(.opcode = OPCODE_message, .to = to, .a = first, .pointer = aggregate);
}

/* ---- folds ---------------------------------------------------------------- */

/* Registers of a loop, consecutive: range, position, first variable, second variable. */
struct loop {
	uint16_t range, result;
	uint32_t start, next, room;
	uint32_t leave[4]; /* instructions that end the fold with `target` */
	uint32_t leave_count;
	uint32_t filter;
	bool has_room, has_filter;
};

static void loop_leave(struct loop *loop, uint32_t at)
{
	loop->leave[loop->leave_count++] = at;
}

static void loop_begin(struct emit *emit, struct node *node, struct loop *loop)
{
	loop->result = emit_register(emit);
	loop->range = emit_register(emit);
	for (int i = 0; i < 3; i++)
		emit_register(emit);
	emit_to(emit, node->fold.range, loop->range);
	node->fold.first->number = loop->range + 2u;
	if (node->fold.second)
		node->fold.second->number = loop->range + 3u;
	loop->start = CODE(.opcode = OPCODE_fold_start, .to = loop->range, .a = loop->range,
			   .b = loop->result);
	loop_leave(loop, loop->start);
}

static void loop_init(struct emit *emit, struct node *node, struct loop *loop)
{
	switch (node->fold.fold) {
	case FOLD_all:
	case FOLD_exists:
		CODE(.opcode = OPCODE_copy, .to = loop->result,
		     .a = emit_constant(emit, value_bool(node->fold.fold == FOLD_all)));
		break;
	case FOLD_exists_one:
		CODE(.opcode = OPCODE_copy, .to = loop->result,
		     .a = emit_constant(emit, value_int(0)));
		break;
	default:
		loop_leave(loop, CODE(.opcode = node->fold.fold == FOLD_list ? OPCODE_fold_list
									     : OPCODE_fold_map,
				      .to = loop->result, .a = loop->range));
		break;
	}
	loop->next = CODE(.opcode = OPCODE_fold_next, .to = loop->range, .b = node->fold.two);
}

static void loop_step(struct emit *emit, struct node *node, struct loop *loop)
{
	uint16_t save = emit->next, key = (uint16_t)(loop->range + 2);
	uint16_t body = node->fold.body ? emit_operand(emit, node->fold.body) : key;
	static const uint16_t opcodes[] = {
		[FOLD_all] = OPCODE_and_step,	       [FOLD_exists] = OPCODE_or_step,
		[FOLD_exists_one] = OPCODE_fold_count, [FOLD_list] = OPCODE_fold_append,
		[FOLD_map] = OPCODE_fold_put,	       [FOLD_entries] = OPCODE_fold_merge,
	};
	struct instruction step = { .opcode = opcodes[node->fold.fold],
				    .to = loop->result,
				    .a = body };

	if (node->fold.fold == FOLD_map) {
		step.a = key;
		step.b = body;
	} else if (node->fold.fold == FOLD_entries) {
		step.b = loop->range;
	}
	emit->next = save;
	loop_leave(loop, emit_code(emit, step));
}

static void emit_fold(struct emit *emit, struct node *node, uint16_t to)
{
	struct loop loop = { .leave_count = 0 };
	uint16_t save = emit->next;

	loop_begin(emit, node, &loop);
	loop_init(emit, node, &loop);
	if (node->fold.filter) {
		uint16_t inner = emit->next;
		uint16_t condition = emit_operand(emit, node->fold.filter);

		emit->next = inner;
		loop.filter = CODE(.opcode = OPCODE_filter, .a = condition, .b = loop.result);
		emit->code[loop.filter].target = loop.next;
	}
	loop_step(emit, node, &loop);
	CODE(.opcode = OPCODE_jump, .target = loop.next);
	patch(emit, loop.next);
	if (node->fold.fold == FOLD_exists_one)
		CODE(.opcode = OPCODE_equal, .to = loop.result, .a = loop.result,
		     .b = emit_constant(emit, value_int(1)));
	for (uint32_t i = 0; i < loop.leave_count; i++)
		patch(emit, loop.leave[i]);
	if (node->fold.filter)
		patch_extra(emit, loop.filter);
	emit->next = save;
	CODE(.opcode = OPCODE_copy, .to = to, .a = loop.result);
}

/* ---- binds and optionals -------------------------------------------------- */

static void emit_bind(struct emit *emit, struct node *node, uint16_t to)
{
	uint16_t save = emit->next, local = emit_register(emit);

	emit_to(emit, node->bind.value, local);
	node->bind.local->number = local;
	emit_to(emit, node->bind.body, to);
	emit->next = save;
}

static void emit_optional_map(struct emit *emit, struct node *node, uint16_t to)
{
	uint16_t save = emit->next, local = emit_register(emit);
	uint16_t operand = emit_operand(emit, node->bind.value);
	uint32_t get;

	get = CODE(.opcode = OPCODE_optional_get, .to = local, .a = operand, .b = to);
	node->bind.local->number = local;
	emit_to(emit, node->bind.body, to);
	CODE(.opcode = node->bind.flat ? OPCODE_optional_check : OPCODE_optional_wrap, .to = to,
	     .a = to);
	patch(emit, get);
	emit->next = save;
}

static void emit_optional_or(struct emit *emit, struct node *node, uint16_t to)
{
	uint16_t save = emit->next;
	uint16_t operand = emit_operand(emit, node->optional_or.optional);
	uint32_t test;

	emit->next = save;
	test = CODE(.opcode = OPCODE_optional_else, .to = to, .a = operand,
		    .b = node->optional_or.value);
	emit_to(emit, node->optional_or.other, to);
	if (!node->optional_or.value)
		CODE(.opcode = OPCODE_optional_check, .to = to, .a = to);
	patch(emit, test);
}

/* ---- all ------------------------------------------------------------------ */

static void emit_to(struct emit *emit, struct node *node, uint16_t to)
{
	static void (*const emits[])(struct emit *, struct node *, uint16_t) = {
		[NODE_CONST] = emit_const,
		[NODE_IDENT] = emit_ident,
		[NODE_SELECT] = emit_select,
		[NODE_CALL] = emit_call,
		[NODE_LOGIC] = emit_logic,
		[NODE_TERNARY] = emit_ternary,
		[NODE_LIST] = emit_list,
		[NODE_MAP] = emit_map,
		[NODE_STRUCT] = emit_message,
		[NODE_FOLD] = emit_fold,
		[NODE_BIND] = emit_bind,
		[NODE_SLOT] = emit_slot,
		[NODE_OPTIONAL_MAP] = emit_optional_map,
		[NODE_OPTIONAL_OR] = emit_optional_or,
	};

	if (!emit->compile->failed)
		emits[node->kind](emit, node, to);
}

static struct cel_program *take_program(struct emit *emit, struct arena *arena)
{
	struct cel_program *program = arena_new(arena, struct cel_program);
	struct instruction *code = arena_array(arena, struct instruction, emit->count);
	struct value *constants = arena_array(arena, struct value, emit->constant_count + 1);

	if (!program || !code || !constants) {
		compile_no_memory(emit->compile);
		return NULL;
	}
	memcpy(code, emit->code, emit->count * sizeof(*code));
	if (emit->constant_count)
		memcpy(constants, emit->constants, emit->constant_count * sizeof(*constants));
	*program = (struct cel_program){
		.env = emit->compile->env,
		.code = code,
		.constants = constants,
		.code_count = emit->count,
		.constant_count = emit->constant_count,
		.registers = emit->most,
		.slot = emit->count == 2 && code[0].opcode == OPCODE_slot &&
					code[1].opcode == OPCODE_return
				? code[0].number
				: -1,
	};
	return program;
}

struct cel_program *emit_program(struct compile *compile, struct node *root, struct arena *arena,
				 enum emit_mode mode)
{
	struct emit state = { .compile = compile, .trial = mode == EMIT_TRIAL }, *emit = &state;
	uint16_t result = emit_operand(emit, root);

	CODE(.opcode = mode == EMIT_BOOL ? OPCODE_return_bool : OPCODE_return, .a = result);
	return compile->failed ? NULL : take_program(emit, arena);
}
