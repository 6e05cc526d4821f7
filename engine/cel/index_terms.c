/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From conditions to alternatives of tests. What matters is whether a rule is true: `a && b` is
 * true if both are, `a || b` if one is, whatever errors the rest has; so the normal form is
 * exact where it is used, and what is not understood is a test of its own, by evaluation.
 */
#include "base/buf.h"
#include "emit.h"
#include "index_parts.h"
#include "unparse.h"
#include "vm.h"

void *index_grow(struct arena *arena, void *items, uint32_t count, uint32_t *capacity, size_t size)
{
	uint32_t more = *capacity ? *capacity * 2 : 8;
	void *grown;

	if (count < *capacity)
		return items;
	grown = arena_zalloc(arena, more * size);
	if (!grown)
		return NULL;
	if (count)
		memcpy(grown, items, count * size);
	*capacity = more;
	return grown;
}

/* ---- attributes ----------------------------------------------------------- */

static uint32_t bucket_of(struct str text)
{
	uint32_t h = 2166136261u;

	for (uint32_t i = 0; i < text.len; i++)
		h = (h ^ (unsigned char)text.data[i]) * 16777619u;
	return (h ^ h >> 16) % ATTRIBUTE_BUCKETS;
}

static uint32_t find_attribute(const struct cel_index *index, struct str text)
{
	uint32_t i = index->buckets[bucket_of(text)];

	while (i != UINT32_MAX && !str_equal(index->attributes[i].text, text))
		i = index->attributes[i].next;
	return i;
}

static uint32_t add_attribute(struct cel_index *index, struct compile *compile, struct node *node,
			      struct str text)
{
	struct attribute attribute = { .slot = -1 };
	struct attribute *items = index_grow(&index->arena, index->attributes,
					     index->attribute_count, &index->attribute_capacity,
					     sizeof(*items));

	if (!items) {
		compile_no_memory(compile);
		return 0;
	}
	index->attributes = items;
	attribute.text = arena_str(&index->arena, text.data, text.len);
	if (node->kind == NODE_SLOT && !node->slot.test)
		attribute.slot = node->slot.number;
	else
		attribute.program = emit_program(compile, node, &index->arena, EMIT_ANY);
	attribute.next = index->buckets[bucket_of(text)];
	index->buckets[bucket_of(text)] = index->attribute_count;
	items[index->attribute_count] = attribute;
	return index->attribute_count++;
}

static uint32_t attribute_of(struct cel_index *index, struct compile *compile, struct node *node)
{
	struct buf text = { 0 };
	struct str key;
	uint32_t number;

	unparse(&text, node);
	key = (struct str){ text.data, (uint32_t)text.len };
	number = find_attribute(index, key);
	if (number == UINT32_MAX)
		number = add_attribute(index, compile, node, key);
	buf_free(&text);
	return number;
}

/* ---- tests ---------------------------------------------------------------- */

/* A copy of the constants that lives with the index. */
static bool set_values(struct cel_index *index, struct test *test, const struct value *values,
		       uint32_t count)
{
	struct value *copy = arena_array(&index->arena, struct value, count + 1);

	for (uint32_t i = 0; copy && i < count; i++)
		if (!value_copy(&index->arena, values[i], &copy[i]))
			return false;
	test->values = copy;
	test->count = count;
	return copy;
}

static const uint8_t comparisons[OPERATION_COUNT] = {
	[OPERATION_equal] = TEST_EQUAL,	    [OPERATION_not_equal] = TEST_EQUAL,
	[OPERATION_less] = TEST_LESS,	    [OPERATION_less_equal] = TEST_LESS_EQUAL,
	[OPERATION_greater] = TEST_GREATER, [OPERATION_greater_equal] = TEST_GREATER_EQUAL,
};

static const uint8_t mirrored[] = {
	[TEST_EQUAL] = TEST_EQUAL,
	[TEST_LESS] = TEST_GREATER,
	[TEST_LESS_EQUAL] = TEST_GREATER_EQUAL,
	[TEST_GREATER] = TEST_LESS,
	[TEST_GREATER_EQUAL] = TEST_LESS_EQUAL,
};

static bool is_whole(struct value v)
{
	return v.tag == VALUE_INT || v.tag == VALUE_UINT;
}

/* math.bitAnd(x, MASK) == WANT; x in *inner */
static bool take_bits(struct cel_index *index, struct node *node, struct value want,
		      struct test *test, struct node **inner)
{
	struct value values[2] = { [1] = want };
	bool swap;

	if (node->kind != NODE_CALL || node->call.target || node->call.count != 2 ||
	    node->call.operation || !node->call.pure || !is_whole(want) ||
	    !str_equal(node->call.name, STR("math.bitAnd")))
		return false;
	swap = node->call.args[0]->kind == NODE_CONST;
	if (node->call.args[!swap]->kind != NODE_CONST ||
	    !is_whole(node->call.args[!swap]->constant))
		return false;
	values[0] = node->call.args[!swap]->constant;
	*inner = node->call.args[swap];
	test->kind = TEST_BITS;
	return set_values(index, test, values, 2);
}

/* x == CONSTANT, CONSTANT < x, ... */
static bool take_comparison(struct cel_index *index, struct compile *compile, struct node *node,
			    struct test *test)
{
	struct node **args = node->call.args, *inner;
	uint8_t kind = comparisons[node->call.operation];
	bool swap;

	if (!kind || !node->call.overload_count)
		return false;
	swap = args[0]->kind == NODE_CONST;
	if (args[!swap]->kind != NODE_CONST)
		return false;
	inner = args[swap];
	test->negate = node->call.operation == OPERATION_not_equal;
	test->kind = swap ? mirrored[kind] : kind;
	if (kind != TEST_EQUAL || !take_bits(index, inner, args[!swap]->constant, test, &inner)) {
		test->kind = swap ? mirrored[kind] : kind;
		if (!set_values(index, test, &args[!swap]->constant, 1))
			return false;
	}
	test->attribute = attribute_of(index, compile, inner);
	return true;
}

/* x in [CONSTANTS] */
static bool take_in(struct cel_index *index, struct compile *compile, struct node *node,
		    struct test *test)
{
	struct node **args = node->call.args;

	if (node->call.operation != OPERATION_in || !node->call.overload_count ||
	    args[1]->kind != NODE_CONST || args[1]->constant.tag != VALUE_LIST)
		return false;
	test->kind = TEST_EQUAL;
	test->attribute = attribute_of(index, compile, args[0]);
	return set_values(index, test, args[1]->constant.list->items,
			  args[1]->constant.list->count);
}

static const struct {
	struct str name;
	uint8_t kind;
} methods[] = {
	{ STR("startsWith"), TEST_PREFIX },
	{ STR("endsWith"), TEST_SUFFIX },
	{ STR("contains"), TEST_CONTAINS },
	{ STR("matches"), TEST_MATCHES },
};

/* What can be looked up for a pattern; all there is to it, or a part. */
static bool take_pattern(struct cel_index *index, struct compile *compile, struct value pattern,
			 struct test *test)
{
	struct test *hint = arena_new(&index->arena, struct test);
	enum test_kind kind;
	struct str literal;
	const char *problem;
	uint32_t at;
	bool exact;

	if (!hint)
		return false;
	if (regex_literal(compile->scratch, value_text(pattern), &kind, &literal, &exact)) {
		struct value text = value_str(literal);

		*hint = (struct test){ .kind = (uint8_t)kind, .attribute = test->attribute };
		if (!set_values(index, hint, &text, 1))
			return false;
		if (exact) {
			*test = *hint;
			test->of_texts = true;
			return true;
		}
		test->hint = hint;
	}
	test->regex = regex_compile(&index->arena, value_text(pattern), false,
				    &compile->regex_effort, &problem, &at);
	return test->regex && set_values(index, test, &pattern, 1);
}

/* x.startsWith(CONSTANT), ... */
static bool take_method(struct cel_index *index, struct compile *compile, struct node *node,
			struct test *test)
{
	struct node *target = node->call.target, *arg;

	if (!node->call.pure || !node->call.overload_count || node->call.operation)
		return false;
	if (!target && node->call.count == 2 && str_equal(node->call.name, STR("matches")))
		target = node->call.args[0];
	if (!target || node->call.count != (node->call.target ? 1u : 2u))
		return false;
	arg = node->call.args[node->call.count - 1];
	if (arg->kind != NODE_CONST || arg->constant.tag != VALUE_STRING)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		if (!str_equal(node->call.name, methods[i].name))
			continue;
		test->kind = methods[i].kind;
		test->attribute = attribute_of(index, compile, target);
		if (test->kind == TEST_MATCHES)
			return take_pattern(index, compile, arg->constant, test);
		return set_values(index, test, &arg->constant, 1);
	}
	return false;
}

static void make_test(struct cel_index *index, struct compile *compile, struct node *node,
		      struct test *test)
{
	*test = (struct test){ .kind = TEST_TRUE };
	if (node->kind == NODE_CALL) {
		if (node->call.operation == OPERATION_not && node->call.overload_count) {
			make_test(index, compile, node->call.args[0], test);
			test->negate = !test->negate;
			return;
		}
		if (take_comparison(index, compile, node, test) ||
		    take_in(index, compile, node, test) || take_method(index, compile, node, test))
			return;
	}
	*test = (struct test){ .kind = TEST_TRUE, .attribute = attribute_of(index, compile, node) };
}

/* ---- alternatives --------------------------------------------------------- */

/* A set of alternatives while a rule is normalised; each is an array of tests. */
struct form {
	struct clause clauses[CLAUSES_MAX];
	uint32_t count;
	bool failed; /* too many */
};

static void form_one(struct cel_index *index, struct compile *compile, struct node *node,
		     struct form *out)
{
	struct test *test = arena_new(&index->arena, struct test);

	if (!test) {
		compile_no_memory(compile);
		return;
	}
	make_test(index, compile, node, test);
	out->count = 1;
	out->clauses[0] = (struct clause){ .count = 1, .tests = test };
}

/* Every alternative of a with every one of b. */
static bool multiply(struct cel_index *index, const struct form *a, const struct form *b,
		     struct form *out)
{
	struct form result = { .count = 0 };

	if (a->count * b->count > CLAUSES_MAX)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		for (uint32_t j = 0; j < b->count; j++) {
			const struct clause *left = &a->clauses[i], *right = &b->clauses[j];
			struct clause *to = &result.clauses[result.count++];

			to->count = left->count + right->count;
			to->tests = arena_array(&index->arena, struct test, to->count + 1);
			if (!to->tests)
				return false;
			if (left->count)
				memcpy(to->tests, left->tests, left->count * sizeof(struct test));
			if (right->count)
				memcpy(to->tests + left->count, right->tests,
				       right->count * sizeof(struct test));
		}
	*out = result;
	return true;
}

/* Two alternatives of one test each, on the same thing: one test with the values of both. */
static bool merge(struct cel_index *index, struct clause *into, const struct clause *other)
{
	struct test *a = into->tests;
	const struct test *b = other->tests;
	struct value *values;

	if (into->count != 1 || other->count != 1 || a->kind != b->kind ||
	    a->of_texts != b->of_texts || a->negate || b->negate || a->attribute != b->attribute ||
	    a->kind < TEST_EQUAL || a->kind > TEST_CONTAINS)
		return false;
	values = arena_array(&index->arena, struct value, a->count + b->count);
	if (!values)
		return false;
	memcpy(values, a->values, a->count * sizeof(*values));
	memcpy(values + a->count, b->values, b->count * sizeof(*values));
	a->values = values;
	a->count += b->count;
	return true;
}

static bool unite(struct cel_index *index, struct form *into, const struct form *other)
{
	for (uint32_t i = 0; i < other->count; i++) {
		uint32_t k = 0;

		while (k < into->count && !merge(index, &into->clauses[k], &other->clauses[i]))
			k++;
		if (k < into->count)
			continue;
		if (into->count == CLAUSES_MAX)
			return false;
		into->clauses[into->count++] = other->clauses[i];
	}
	return true;
}

static void form_of(struct cel_index *index, struct compile *compile, struct node *node,
		    struct form *out);

static void form_and(struct cel_index *index, struct compile *compile, struct node *node,
		     struct form *out)
{
	struct form so_far = { .clauses = { { .count = 0 } }, .count = 1 };

	for (uint32_t i = 0; i < node->logic.count && !compile->failed; i++) {
		struct form next = { .count = 0 };

		form_of(index, compile, node->logic.items[i], &next);
		if (multiply(index, &so_far, &next, &so_far))
			continue;
		/* Too many alternatives: this operand is evaluated as a whole. */
		form_one(index, compile, node->logic.items[i], &next);
		if (!multiply(index, &so_far, &next, &so_far))
			compile_no_memory(compile);
	}
	*out = so_far;
}

static void form_or(struct cel_index *index, struct compile *compile, struct node *node,
		    struct form *out)
{
	struct form so_far = { .count = 0 };

	for (uint32_t i = 0; i < node->logic.count && !compile->failed; i++) {
		struct form next = { .count = 0 };

		form_of(index, compile, node->logic.items[i], &next);
		if (!unite(index, &so_far, &next)) {
			form_one(index, compile, node, out);
			return;
		}
	}
	*out = so_far;
}

static void form_of(struct cel_index *index, struct compile *compile, struct node *node,
		    struct form *out)
{
	if (compile->failed)
		return;
	if (node->kind == NODE_CONST && node->constant.tag == VALUE_BOOL)
		*out = (struct form){ .count = node->constant.b }; /* one without tests, or none */
	else if (node->kind == NODE_LOGIC && node->logic.is_and)
		form_and(index, compile, node, out);
	else if (node->kind == NODE_LOGIC)
		form_or(index, compile, node, out);
	else
		form_one(index, compile, node, out);
}

bool terms_collect(struct cel_index *index, struct compile *compile, struct node *const *roots,
		   uint32_t count, uint32_t rule)
{
	struct node all = { .kind = NODE_LOGIC };
	struct form form = { .count = 0 };

	all.logic.items = (struct node **)roots;
	all.logic.count = count;
	all.logic.is_and = true;
	form_of(index, compile, &all, &form);
	for (uint32_t i = 0; i < form.count && !compile->failed; i++) {
		struct clause *items = index_grow(&index->arena, index->clauses.items,
						  index->clauses.count, &index->clauses.capacity,
						  sizeof(*items));

		if (!items) {
			compile_no_memory(compile);
			break;
		}
		index->clauses.items = items;
		form.clauses[i].rule = rule;
		items[index->clauses.count++] = form.clauses[i];
	}
	return !compile->failed;
}

/* ---- testing -------------------------------------------------------------- */

static int any_equal(const struct test *test, struct cel_run *run, struct value v)
{
	for (uint32_t i = 0; i < test->count; i++)
		if (v.tag == VALUE_STRING && test->values[i].tag == VALUE_STRING
			    ? str_equal(value_text(v), value_text(test->values[i]))
			    : values_equal(run, v, test->values[i]))
			return 1;
	return 0;
}

static int truth(struct value v)
{
	return v.tag == VALUE_BOOL ? v.b : -1;
}

static int any_part(const struct test *test, struct cel_run *run, struct value v)
{
	int found = 0;

	for (uint32_t i = 0; i < test->count && found == 0; i++)
		found = truth(test->kind == TEST_PREFIX	  ? vm_starts_with(&v, &test->values[i])
			      : test->kind == TEST_SUFFIX ? vm_ends_with(&v, &test->values[i])
							  : vm_contains(run, &v, &test->values[i]));
	return found;
}

static int compared(const struct test *test, struct value v)
{
	static const uint8_t operations[] = {
		[TEST_LESS] = OPERATION_less,
		[TEST_LESS_EQUAL] = OPERATION_less_equal,
		[TEST_GREATER] = OPERATION_greater,
		[TEST_GREATER_EQUAL] = OPERATION_greater_equal,
	};

	return truth(values_compare(operations[test->kind], v, test->values[0]));
}

static int plain_value(const struct test *test, struct cel_run *run, struct value v)
{
	switch ((enum test_kind)test->kind) {
	case TEST_TRUE: return truth(v);
	case TEST_EQUAL:
		if (value_is_error(v) || (test->of_texts && v.tag != VALUE_STRING))
			return -1;
		return any_equal(test, run, v);
	case TEST_PREFIX:
	case TEST_SUFFIX:
	case TEST_CONTAINS: return any_part(test, run, v);
	case TEST_MATCHES: return truth(vm_matches(run, v, test->regex));
	case TEST_BITS:
		v = vm_bit_and(&v, &test->values[0]);
		return value_is_error(v) ? -1 : values_equal(run, v, test->values[1]);
	default: return compared(test, v);
	}
}

int test_value(const struct test *test, struct cel_run *run, struct value v)
{
	int result = plain_value(test, run, v);

	return result < 0 ? result : result != test->negate;
}
