/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions that need no machine: a few slots compared with constants, which is what most
 * conditions of rules are. Made of the normal form, whose clauses become tests that follow each
 * other and leave early.
 *
 * Invariant: what is answered here is what the program would answer. Values that make a test an
 * error, and kinds of values that are rare, are left to the program.
 */
#include "index_part.h"
#include "vm.h"

enum { QUICK_MAX = 16 }; /* longer lists have sets */

enum quick_kind {
	QUICK_NUMBER, /* low <= x <= low + span */
	QUICK_BITS,   /* (x & mask) == bits */
	QUICK_TEXT,
	QUICK_PREFIX,
	QUICK_SUFFIX,
	QUICK_BOOL,
	QUICK_NULL,
	QUICK_PRESENT,
};

struct quick_test {
	uint8_t kind;  /* enum quick_kind */
	bool leave;    /* if it comes out so, go on at `target`, else with the next */
	bool equality; /* null is unequal; else it is left to the program */
	uint16_t slot;
	uint16_t target;
	union {
		struct {
			uint64_t low, span;
		};
		struct {
			uint64_t mask, bits;
		};
		struct value constant; /* a text or a bool */
	};
};

/* Who comes to the end has found it true, who goes beyond false. */
struct quick {
	uint32_t count;
	struct quick_test tests[];
};

/* ---- making ------------------------------------------------------------------ */

static bool constant_test(const struct normal_atom *atom, enum quick_kind kind,
			  struct quick_test *test)
{
	test->kind = kind;
	test->constant = atom->constant;
	return true;
}

static bool number_test(const struct normal_atom *atom, struct quick_test *test)
{
	uint64_t bits;
	bool negative;

	if (!number_of_constant(atom->constant, &bits, &negative) ||
	    (!negative && bits > INT64_MAX))
		return false;
	test->kind = QUICK_NUMBER;
	test->low = bits;
	return true;
}

static bool equal_test(const struct normal_atom *atom, struct quick_test *test)
{
	test->equality = true;
	switch ((enum value_tag)atom->constant.tag) {
	case VALUE_NULL: test->kind = QUICK_NULL; return true;
	case VALUE_BOOL: return constant_test(atom, QUICK_BOOL, test);
	case VALUE_STRING: return constant_test(atom, QUICK_TEXT, test);
	default: return number_test(atom, test);
	}
}

/* *negated: the test is of the opposite. */
static bool order_test(const struct normal_atom *atom, struct quick_test *test, bool *negated)
{
	struct interval interval;

	if (!interval_of(atom, &interval))
		return false;
	*negated = false;
	test->kind = QUICK_NUMBER;
	test->low = (uint64_t)interval.low;
	test->span = (uint64_t)interval.high - (uint64_t)interval.low;
	return true;
}

static bool make_test(const struct normal_atom *atom, struct quick_test *test, bool *negated)
{
	const struct normal_subject *subject = atom->subject;

	if (subject->kind != SUBJECT_SLOT || subject->slot > UINT16_MAX)
		return false;
	test->slot = (uint16_t)subject->slot;
	*negated = atom->negated;
	switch ((enum atom_kind)atom->kind) {
	case ATOM_EQUAL: return equal_test(atom, test);
	case ATOM_TRUTH: return constant_test(atom, QUICK_BOOL, test);
	case ATOM_PREFIX: return constant_test(atom, QUICK_PREFIX, test);
	case ATOM_SUFFIX: return constant_test(atom, QUICK_SUFFIX, test);
	case ATOM_MASKED:
		test->kind = QUICK_BITS;
		test->mask = atom->mask;
		test->bits = atom->constant.u;
		return true;
	case ATOM_PRESENT: test->kind = QUICK_PRESENT; return true;
	case ATOM_CONTAINS:
	case ATOM_KIND_COUNT: return false;
	default: return order_test(atom, test, negated);
	}
}

/*
 * A clause's tests: the first one that is true leads behind them, and to the end if it is the
 * last one that is false. Of a negated clause each one that is true leads to the end.
 */
static bool add_clause(struct quick *quick, uint32_t total, const struct normal_clause *clause)
{
	uint32_t behind = quick->count + clause->count;

	for (uint32_t i = 0; i < clause->count; i++) {
		struct quick_test *test = &quick->tests[quick->count++];
		bool negated, last = i + 1 == clause->count;

		if (!make_test(&clause->atoms[i], test, &negated))
			return false;
		test->leave = (clause->negated || !last) != negated;
		test->target = (uint16_t)(clause->negated || last ? total + 1 : behind);
	}
	return true;
}

/* How many tests; 0: the condition is more than that. */
static uint32_t count_tests(const struct cel_normal *normal)
{
	uint32_t total = 0;

	for (uint32_t i = 0; i < normal->count; i++) {
		const struct normal_clause *clause = &normal->clauses[i];

		if (!clause->exact || !clause->count || clause->count > QUICK_MAX)
			return 0;
		total += clause->count;
		if (total > QUICK_MAX)
			return 0;
	}
	return total;
}

const struct quick *quick_make(const struct cel_normal *normal, struct arena *arena)
{
	uint32_t total = count_tests(normal);
	struct quick *quick;

	if (!total || normal->constant)
		return NULL;
	quick = arena_alloc(arena, sizeof(*quick) + total * sizeof(quick->tests[0]));
	if (!quick)
		return NULL;
	memset(quick, 0, sizeof(*quick) + total * sizeof(quick->tests[0]));
	for (uint32_t i = 0; i < normal->count; i++)
		if (!add_clause(quick, total, &normal->clauses[i]))
			return NULL;
	return quick;
}

/* ---- running ----------------------------------------------------------------- */

/* An int, or a uint that is one. */
static inline bool is_whole(const struct value *value)
{
	return value->tag == VALUE_INT || (value->tag == VALUE_UINT && value->i >= 0);
}

enum outcome { OUTCOME_FALSE, OUTCOME_TRUE, OUTCOME_HARD };

static inline enum outcome outcome_of(bool holds)
{
	return holds ? OUTCOME_TRUE : OUTCOME_FALSE;
}

static inline enum outcome run_test(const struct quick_test *test, const struct value *value)
{
	switch ((enum quick_kind)test->kind) {
	case QUICK_NUMBER:
		if (UNLIKELY(!is_whole(value)))
			break;
		return outcome_of(value->u - test->low <= test->span);
	case QUICK_TEXT:
		if (UNLIKELY(value->tag != VALUE_STRING))
			break;
		return outcome_of(text_equal(value, &test->constant));
	case QUICK_PREFIX:
		if (UNLIKELY(value->tag != VALUE_STRING))
			break;
		return outcome_of(text_starts(value, &test->constant));
	case QUICK_SUFFIX:
		if (UNLIKELY(value->tag != VALUE_STRING))
			break;
		return outcome_of(text_ends(value, &test->constant));
	case QUICK_BITS:
		if (UNLIKELY(value->tag != VALUE_INT && value->tag != VALUE_UINT))
			break;
		return outcome_of((value->u & test->mask) == test->bits);
	case QUICK_BOOL:
		if (UNLIKELY(value->tag != VALUE_BOOL))
			break;
		return outcome_of(value->b == test->constant.b);
	case QUICK_NULL:
		if (UNLIKELY(value->tag > VALUE_STRING))
			break;
		return outcome_of(value->tag == VALUE_NULL);
	case QUICK_PRESENT: return outcome_of(vm_has_slot(value).b);
	}
	return test->equality && value->tag == VALUE_NULL ? OUTCOME_FALSE : OUTCOME_HARD;
}

static inline enum outcome run_tests(const struct quick *quick, struct cel_run *run)
{
	const struct quick_test *test = quick->tests, *end = test + quick->count;

	while (test < end) {
		enum outcome outcome = run_test(test, run_slot(run, test->slot));

		if (UNLIKELY(outcome == OUTCOME_HARD))
			return OUTCOME_HARD;
		if (outcome != (enum outcome)test->leave) {
			test++;
			continue;
		}
		if (test->target > quick->count)
			return OUTCOME_FALSE;
		test = quick->tests + test->target;
	}
	return OUTCOME_TRUE;
}

struct value cel_run_program(const struct cel_program *program, struct cel_run *run)
{
	if (program->quick) {
		enum outcome outcome = run_tests(program->quick, run);

		if (LIKELY(outcome != OUTCOME_HARD))
			return value_bool(outcome == OUTCOME_TRUE);
	}
	if (program->slot >= 0)
		return *run_slot(run, (uint32_t)program->slot);
	return vm_run(program, run);
}

struct value cel_eval(const struct cel_program *program, struct cel_run *run)
{
	run->budget = CEL_BUDGET;
	return cel_run_program(program, run);
}
