/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine: runs a program over registers with computed goto.
 *
 * Invariant: no recursion, no allocation outside run->arena, and every way back (fold_next)
 * takes a step from the budget, so it ends. An instruction reads its operands before it
 * writes its register.
 */
#include "internal.h"
#include "vm.h"

/* Small programs keep their registers on the stack of the caller. */
enum { STACK_REGISTERS = 48 };

#define OPERAND(index) (base[(index) >> 15][(index) & (CONSTANT_BIT - 1)])
#define NEXT() \
	do { \
		pc++; \
		goto *labels[pc->opcode]; \
	} while (0)
#define GO(index) \
	do { \
		pc = program->code + (index); \
		goto *labels[pc->opcode]; \
	} while (0)

/* The fast half of ==: both ints or both strings; the rest is asked elsewhere. */
static inline struct value equal(struct cel_run *run, const struct value *a, const struct value *b)
{
	if (LIKELY(a->tag == b->tag)) {
		if (a->tag == VALUE_STRING)
			return value_bool(text_equal(a, b));
		if (a->tag == VALUE_INT || a->tag == VALUE_UINT)
			return value_bool(a->i == b->i);
	}
	return vm_equal(run, *a, *b);
}

static inline struct value negated(struct value v)
{
	if (v.tag == VALUE_BOOL)
		return value_bool(!v.b);
	return value_is_error(v) ? v : ERROR_NO_OVERLOAD;
}

/* Two ints at once; the rest is asked elsewhere. */
#define COMPARED(name, sign) \
	(LIKELY(a->tag == VALUE_INT && b->tag == VALUE_INT) \
		 ? value_bool(a->i sign b->i) \
		 : values_compare(OPERATION_##name, *a, *b))
#define COMPARE(name, sign) \
	do_##name: \
	{ \
		const struct value *a = &OPERAND(pc->a), *b = &OPERAND(pc->b); \
		frame[pc->to] = COMPARED(name, sign); \
		NEXT(); \
	}

#define ARITHMETIC(name) \
	do_##name : frame[pc->to] = values_arithmetic(run, OPERATION_##name, OPERAND(pc->a), \
						      OPERAND(pc->b)); \
	NEXT();

/* v, of an operand of && (stop = false) or || (stop = true): ends it, or is kept as an error. */
#define STEP_WITH(v, stop) \
	do { \
		if (LIKELY((v)->tag == VALUE_BOOL)) { \
			if ((v)->b == (stop)) { \
				frame[pc->to] = value_bool(stop); \
				GO(pc->target); \
			} \
		} else if (frame[pc->to].tag == VALUE_BOOL) { \
			frame[pc->to] = value_is_error(*(v)) ? *(v) : ERROR_NO_OVERLOAD; \
		} \
		NEXT(); \
	} while (0)

#define STEP(name, stop) \
	do_##name: \
	{ \
		const struct value *a = &OPERAND(pc->a); \
		STEP_WITH(a, stop); \
	}

/* A predicate on a slot and a constant: its value, a step of &&, a step of ||. */
#define PREDICATE(name, expression) \
	do_slot_##name: \
	{ \
		const struct value *a = run_slot(run, pc->a), *b = &OPERAND(pc->b); \
		frame[pc->to] = (expression); \
		NEXT(); \
	} \
	do_and_slot_##name: \
	{ \
		const struct value *a = run_slot(run, pc->a), *b = &OPERAND(pc->b); \
		struct value v = (expression); \
		STEP_WITH(&v, false); \
	} \
	do_or_slot_##name: \
	{ \
		const struct value *a = run_slot(run, pc->a), *b = &OPERAND(pc->b); \
		struct value v = (expression); \
		STEP_WITH(&v, true); \
	}

/* Instructions that a function of vm_ops.c does: it answers false to go to the target. */
#define LEAVE_UNLESS(call) \
	do { \
		if (UNLIKELY(!(call))) \
			GO(pc->target); \
		NEXT(); \
	} while (0)

static struct value run_code(const struct cel_program *program, struct cel_run *run,
			     struct value *frame)
{
	static const void *const labels[] = {
#define OPCODE(name, does) &&do_##name,
#include "opcodes.def"
#undef OPCODE
	};
	const struct value *const base[2] = { frame, program->constants };
	const struct instruction *pc = program->code;
	bool lenient = program->env->options & CEL_TRACEE;

	goto *labels[pc->opcode];

do_copy:
	frame[pc->to] = OPERAND(pc->a);
	NEXT();
do_variable:
	vm_variable(run, pc->pointer, &frame[pc->to]);
	NEXT();
do_slot:
	frame[pc->to] = *run_slot(run, (uint32_t)pc->number);
	NEXT();
do_has_slot:
	frame[pc->to] = vm_has_slot(run_slot(run, (uint32_t)pc->number));
	NEXT();
do_field:
	frame[pc->to] = vm_field(run, OPERAND(pc->a), pc->pointer);
	NEXT();
do_has_field:
	frame[pc->to] = vm_has_field(run, OPERAND(pc->a), pc->pointer);
	NEXT();
do_select:
	frame[pc->to] = value_select(run, OPERAND(pc->a), *(const struct str *)pc->pointer);
	NEXT();
do_select_optional:
	frame[pc->to] = value_select_optional(run, OPERAND(pc->a),
					      *(const struct str *)pc->pointer);
	NEXT();
do_has:
	frame[pc->to] = value_has(run, OPERAND(pc->a), *(const struct str *)pc->pointer);
	NEXT();
do_equal:
	frame[pc->to] = equal(run, &OPERAND(pc->a), &OPERAND(pc->b));
	NEXT();
do_not_equal:
	frame[pc->to] = negated(equal(run, &OPERAND(pc->a), &OPERAND(pc->b)));
	NEXT();
	COMPARE(less, <)
	COMPARE(less_equal, <=)
	COMPARE(greater, >)
	COMPARE(greater_equal, >=)
do_in:
	frame[pc->to] = values_in(run, OPERAND(pc->a), OPERAND(pc->b));
	NEXT();
	ARITHMETIC(add)
	ARITHMETIC(subtract)
	ARITHMETIC(multiply)
	ARITHMETIC(divide)
	ARITHMETIC(modulo)
do_not:
	frame[pc->to] = negated(OPERAND(pc->a));
	NEXT();
do_negate:
	frame[pc->to] = values_negate(OPERAND(pc->a));
	NEXT();
do_index:
	frame[pc->to] = values_index(run, OPERAND(pc->a), OPERAND(pc->b));
	NEXT();
do_index_optional:
	frame[pc->to] = values_index_optional(run, OPERAND(pc->a), OPERAND(pc->b));
	NEXT();
do_starts_with:
	frame[pc->to] = vm_starts_with(&OPERAND(pc->a), &OPERAND(pc->b));
	NEXT();
do_ends_with:
	frame[pc->to] = vm_ends_with(&OPERAND(pc->a), &OPERAND(pc->b));
	NEXT();
do_contains:
	frame[pc->to] = vm_contains(run, &OPERAND(pc->a), &OPERAND(pc->b));
	NEXT();
do_matches:
	frame[pc->to] = vm_matches(run, OPERAND(pc->a), pc->pointer);
	NEXT();
do_bit_and:
	frame[pc->to] = vm_bit_and(&OPERAND(pc->a), &OPERAND(pc->b));
	NEXT();
do_in_set:
	frame[pc->to] = set_in(run, OPERAND(pc->a), pc->pointer);
	NEXT();
do_call:
	frame[pc->to] = vm_call(run, pc->pointer, &OPERAND(pc->a));
	NEXT();
do_list:
	frame[pc->to] = vm_list(run, &OPERAND(pc->a), pc->jump, NULL);
	NEXT();
do_list_optional:
	frame[pc->to] = vm_list(run, &OPERAND(pc->a), 0, pc->pointer);
	NEXT();
do_map:
	frame[pc->to] = vm_map(run, &OPERAND(pc->a), pc->jump, NULL, lenient);
	NEXT();
do_map_optional:
	frame[pc->to] = vm_map(run, &OPERAND(pc->a), 0, pc->pointer, lenient);
	NEXT();
do_message:
	frame[pc->to] = vm_message(run, &OPERAND(pc->a), pc->pointer);
	NEXT();
do_jump:
	GO(pc->target);
	STEP(and_step, false)
	STEP(or_step, true)
do_branch : {
	const struct value *a = &OPERAND(pc->a);

	if (LIKELY(a->tag == VALUE_BOOL)) {
		if (a->b)
			NEXT();
		GO(pc->jump);
	}
	frame[pc->to] = value_is_error(*a) ? *a : ERROR_NO_OVERLOAD;
	GO(pc->extra);
}
do_fold_start:
	LEAVE_UNLESS(vm_fold_start(&OPERAND(pc->a), &frame[pc->to], &frame[pc->b]));
do_fold_next:
	LEAVE_UNLESS(vm_fold_next(run, &frame[pc->to], pc->b));
do_fold_list:
	LEAVE_UNLESS(vm_fold_list(run, &OPERAND(pc->a), &frame[pc->to]));
do_fold_map:
	LEAVE_UNLESS(vm_fold_map(run, &OPERAND(pc->a), &frame[pc->to]));
do_fold_append:
	LEAVE_UNLESS(vm_fold_append(&OPERAND(pc->a), &frame[pc->to]));
do_fold_put:
	LEAVE_UNLESS(vm_fold_put(&OPERAND(pc->a), &OPERAND(pc->b), &frame[pc->to]));
do_fold_merge:
	LEAVE_UNLESS(vm_fold_merge(run, &OPERAND(pc->a), &OPERAND(pc->b), &frame[pc->to]));
do_fold_count:
	LEAVE_UNLESS(vm_fold_count(&OPERAND(pc->a), &frame[pc->to]));
do_filter : {
	const struct value *a = &OPERAND(pc->a);

	if (LIKELY(a->tag == VALUE_BOOL)) {
		if (a->b)
			NEXT();
		GO(pc->jump);
	}
	frame[pc->b] = value_is_error(*a) ? *a : ERROR_NO_OVERLOAD;
	GO(pc->extra);
}
do_optional_get:
	LEAVE_UNLESS(vm_optional_get(OPERAND(pc->a), &frame[pc->to], &frame[pc->b]));
do_optional_else:
	LEAVE_UNLESS(vm_optional_else(OPERAND(pc->a), pc->b, &frame[pc->to]));
do_optional_wrap:
	frame[pc->to] = value_optional(run, OPERAND(pc->a));
	NEXT();
do_optional_check:
	if (OPERAND(pc->a).tag != VALUE_OPTIONAL && OPERAND(pc->a).tag != VALUE_ERROR)
		frame[pc->to] = ERROR_NO_OVERLOAD;
	NEXT();
	PREDICATE(equal, equal(run, a, b))
	PREDICATE(not_equal, negated(equal(run, a, b)))
	PREDICATE(less, COMPARED(less, <))
	PREDICATE(less_equal, COMPARED(less_equal, <=))
	PREDICATE(greater, COMPARED(greater, >))
	PREDICATE(greater_equal, COMPARED(greater_equal, >=))
	PREDICATE(in, values_in(run, *a, *b))
	PREDICATE(starts_with, vm_starts_with(a, b))
	PREDICATE(ends_with, vm_ends_with(a, b))
	PREDICATE(contains, vm_contains(run, a, b))
do_return:
	return UNLIKELY(!run->budget) ? ERROR_BUDGET : OPERAND(pc->a);
do_return_bool : {
	const struct value *a = &OPERAND(pc->a);

	if (UNLIKELY(!run->budget))
		return ERROR_BUDGET;
	return LIKELY(a->tag == VALUE_BOOL || a->tag == VALUE_ERROR) ? *a : vm_no_bool(*a);
}
}

struct value vm_run(const struct cel_program *program, struct cel_run *run)
{
	struct value stack[STACK_REGISTERS], *frame = stack;

	if (UNLIKELY(program->registers > STACK_REGISTERS)) {
		frame = arena_alloc(run->arena, program->registers * sizeof(*frame));
		if (!frame)
			return ERROR_MEMORY;
	}
	return run_code(program, run, frame);
}
