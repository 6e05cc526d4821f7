/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions: tree to instructions, code points to symbols, and the table of all
 * states where it is small. A pattern whose table would be large is run by its instructions.
 */
#include "regex.h"

enum {
	OPS_MAX = 32768,
	SYMBOLS_MAX = 250,
	STATES_MAX = 2000,
	TABLE_MAX = 32 * 1024, /* entries */
	STEPS_MAX = 200000,    /* to fill it: instructions looked at */
	STEPS_PER_EFFORT = 8,  /* they are that much cheaper than adding to a class */
	NOWHERE = UINT32_MAX,
};

struct builder {
	struct arena *arena;
	uint64_t *effort;
	struct regex *regex;
	uint32_t capacity;
	const struct class **classes;
	uint32_t class_count, class_capacity;
	const char *problem;
};

static bool fail(struct builder *builder, const char *problem)
{
	if (!builder->problem)
		builder->problem = problem;
	return false;
}

/* ---- instructions --------------------------------------------------------- */

static uint32_t add_op(struct builder *builder, struct regex_op op)
{
	struct regex *regex = builder->regex;

	/* Groups that are being built when it fails come here once more, each of them. */
	if (builder->problem)
		return 0;
	if (!*builder->effort || regex->op_count >= OPS_MAX) {
		fail(builder, "more than the largest size");
		return 0;
	}
	--*builder->effort;
	if (regex->op_count == builder->capacity) {
		uint32_t capacity = builder->capacity ? builder->capacity * 2 : 32;
		struct regex_op *ops = arena_array(builder->arena, struct regex_op, capacity);

		if (!ops) {
			fail(builder, "more than memory holds");
			return 0;
		}
		if (regex->op_count)
			memcpy(ops, regex->ops, regex->op_count * sizeof(*ops));
		regex->ops = ops;
		builder->capacity = capacity;
	}
	regex->ops[regex->op_count] = op;
	return regex->op_count++;
}

static bool same_class(const struct class *a, const struct class *b)
{
	return a == b ||
	       (a->count == b->count &&
		(!a->count || memcmp(a->ranges, b->ranges, a->count * sizeof(*a->ranges)) == 0));
}

static uint16_t find_class(struct builder *builder, const struct class *class)
{
	for (uint32_t i = 0; i < builder->class_count; i++)
		if (same_class(builder->classes[i], class))
			return (uint16_t)i;
	if (builder->class_count == builder->class_capacity) {
		fail(builder, "more than the largest size");
		return 0;
	}
	builder->classes[builder->class_count] = class;
	return (uint16_t)builder->class_count++;
}

/* Repetitions ask for the same one many times. */
static uint16_t class_number(struct builder *builder, struct class *class)
{
	if (!class->number)
		class->number = find_class(builder, class) + 1u;
	return (uint16_t)(class->number - 1);
}

/* Built backwards: each returns where to enter, given where to go on. */
static uint32_t build(struct builder *builder, const struct regex_node *node, uint32_t out);

static uint32_t build_split(struct builder *builder, uint32_t first, uint32_t second, bool lazy)
{
	return add_op(builder, (struct regex_op){ .opcode = REGEX_OP_SPLIT,
						  .out = lazy ? second : first,
						  .other = lazy ? first : second });
}

/* x* : L: split(x -> L, out) */
static uint32_t build_star(struct builder *builder, const struct regex_node *node, uint32_t out)
{
	uint32_t loop = build_split(builder, NOWHERE, out, node->lazy);
	uint32_t inner = build(builder, node->first, loop);

	if (builder->problem)
		return 0;
	if (node->lazy)
		builder->regex->ops[loop].other = inner;
	else
		builder->regex->ops[loop].out = inner;
	return loop;
}

static uint32_t build_repeat(struct builder *builder, const struct regex_node *node, uint32_t out)
{
	uint32_t at = out;

	if (node->max < 0) {
		at = build_star(builder, node, out);
		if (node->min == 1 && !builder->problem)
			return build(builder, node->first, at);
	} else {
		for (int32_t i = node->min; i < node->max && !builder->problem; i++)
			at = build_split(builder, build(builder, node->first, at), out, node->lazy);
	}
	for (int32_t i = 0; i < node->min && !builder->problem; i++)
		at = build(builder, node->first, at);
	return at;
}

static uint32_t build_concat(struct builder *builder, const struct regex_node *child, uint32_t out)
{
	/* Backwards needs the list reversed; recursion would be as deep as the list is long. */
	const struct regex_node **items;
	uint32_t count = 0, i = 0;

	for (const struct regex_node *c = child; c; c = c->next)
		count++;
	items = arena_array(builder->arena, const struct regex_node *, count + 1);
	if (!items) {
		fail(builder, "more than memory holds");
		return 0;
	}
	for (const struct regex_node *c = child; c; c = c->next)
		items[i++] = c;
	while (count-- > 0 && !builder->problem)
		out = build(builder, items[count], out);
	return out;
}

static uint32_t build_alternate(struct builder *builder, const struct regex_node *child,
				uint32_t out)
{
	uint32_t first = NOWHERE, last = NOWHERE;

	for (; child && !builder->problem; child = child->next) {
		uint32_t entry = build(builder, child, out);
		uint32_t split;

		if (!child->next) {
			builder->regex->ops[last].other = entry;
			break;
		}
		split = build_split(builder, entry, NOWHERE, false);
		if (first == NOWHERE)
			first = split;
		else
			builder->regex->ops[last].other = split;
		last = split;
	}
	return first;
}

static uint32_t build_group(struct builder *builder, const struct regex_node *node, uint32_t out)
{
	uint32_t end = add_op(builder, (struct regex_op){ .opcode = REGEX_OP_SAVE,
							  .save = 2 * node->group + 1,
							  .out = out });
	uint32_t inner = build(builder, node->first, end);

	return add_op(builder, (struct regex_op){ .opcode = REGEX_OP_SAVE,
						  .save = 2 * node->group,
						  .out = inner });
}

static uint32_t build(struct builder *builder, const struct regex_node *node, uint32_t out)
{
	if (builder->problem)
		return 0;
	switch ((enum regex_kind)node->kind) {
	case REGEX_EMPTY: return out;
	case REGEX_CLASS:
		return add_op(builder,
			      (struct regex_op){ .opcode = REGEX_OP_CHAR,
						 .class = class_number(builder, node->class),
						 .out = out });
	case REGEX_ASSERT:
		builder->regex->asserts |= node->assert;
		return add_op(builder, (struct regex_op){ .opcode = REGEX_OP_ASSERT,
							  .assert = node->assert,
							  .out = out });
	case REGEX_CONCAT: return build_concat(builder, node->first, out);
	case REGEX_ALTERNATE: return build_alternate(builder, node->first, out);
	case REGEX_REPEAT: return build_repeat(builder, node, out);
	case REGEX_GROUP: return build_group(builder, node, out);
	}
	return 0;
}

/* Can the pattern match at the start of the text only? Then nothing is skipped before it. */
static bool begins_at_start(const struct regex_node *node)
{
	switch ((enum regex_kind)node->kind) {
	case REGEX_ASSERT: return node->assert == ASSERT_BEGIN_TEXT;
	case REGEX_CONCAT:
		while (node->first && node->first->kind == REGEX_EMPTY && node->first->next)
			return begins_at_start(node->first->next);
		return node->first && begins_at_start(node->first);
	case REGEX_GROUP: return begins_at_start(node->first);
	case REGEX_ALTERNATE:
		for (const struct regex_node *c = node->first; c; c = c->next)
			if (!begins_at_start(c))
				return false;
		return true;
	default: return false;
	}
}

static bool build_ops(struct builder *builder, const struct regex_tree *tree)
{
	struct regex *regex = builder->regex;
	struct class *any = arena_new(builder->arena, struct class);
	uint32_t match, loop;

	builder->classes = arena_array(builder->arena, const struct class *,
				       builder->class_capacity);
	if (!any || !builder->classes)
		return fail(builder, "more than memory holds");
	any->arena = builder->arena;
	any->effort = builder->effort;
	class_add(any, 0, RUNE_MAX);
	match = add_op(builder, (struct regex_op){ .opcode = REGEX_OP_MATCH });
	regex->anchored_start = regex->start = build(builder, tree->root, match);
	if (builder->problem || begins_at_start(tree->root))
		return !builder->problem;
	loop = build_split(builder, regex->anchored_start, NOWHERE, false);
	regex->start = loop;
	match = add_op(builder, (struct regex_op){ .opcode = REGEX_OP_CHAR,
						   .class = class_number(builder, any),
						   .out = loop });
	regex->ops[loop].other = match;
	return !builder->problem;
}

/* ---- symbols -------------------------------------------------------------- */

static int number_order(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

static uint32_t unique(uint32_t *numbers, uint32_t count)
{
	uint32_t kept = 0;

	qsort(numbers, count, sizeof(*numbers), number_order);
	for (uint32_t i = 1; i < count; i++)
		if (numbers[i] != numbers[kept])
			numbers[++kept] = numbers[i];
	return kept + 1;
}

/* Where some class begins or ends: between these, code points are alike. */
static bool find_intervals(struct builder *builder)
{
	static const uint32_t words[] = { '0', '9' + 1, 'A', 'Z' + 1, '_', '_' + 1, 'a', 'z' + 1 };
	struct regex *regex = builder->regex;
	uint32_t count = 3 + ARRAY_SIZE(words), at = 0;

	for (uint32_t i = 0; i < builder->class_count; i++)
		count += 2 * builder->classes[i]->count;
	regex->starts = arena_array(builder->arena, uint32_t, count);
	if (!regex->starts)
		return fail(builder, "more than memory holds");
	regex->starts[at++] = 0;
	if (regex->asserts & (ASSERT_BEGIN_LINE | ASSERT_END_LINE)) {
		regex->starts[at++] = '\n';
		regex->starts[at++] = '\n' + 1;
	}
	if (regex->asserts & (ASSERT_WORD | ASSERT_NO_WORD))
		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			regex->starts[at++] = words[i];
	for (uint32_t i = 0; i < builder->class_count; i++)
		for (uint32_t j = 0; j < builder->classes[i]->count; j++) {
			regex->starts[at++] = builder->classes[i]->ranges[j].first;
			if (builder->classes[i]->ranges[j].last < RUNE_MAX)
				regex->starts[at++] = builder->classes[i]->ranges[j].last + 1;
		}
	regex->intervals = unique(regex->starts, at);
	return true;
}

static bool rune_is_word(uint32_t rune)
{
	return (rune >= '0' && rune <= '9') || (rune >= 'a' && rune <= 'z') ||
	       (rune >= 'A' && rune <= 'Z') || rune == '_';
}

/* Is the code point like the first one of the symbol, for all classes and assertions? */
static bool alike(const struct builder *builder, const uint8_t *members, uint32_t stride,
		  uint32_t interval, uint32_t other)
{
	uint32_t a = builder->regex->starts[interval], b = builder->regex->starts[other];

	if (builder->regex->asserts & (ASSERT_WORD | ASSERT_NO_WORD) &&
	    rune_is_word(a) != rune_is_word(b))
		return false;
	if (builder->regex->asserts & (ASSERT_BEGIN_LINE | ASSERT_END_LINE) &&
	    (a == '\n') != (b == '\n'))
		return false;
	return memcmp(members + (size_t)interval * stride, members + (size_t)other * stride,
		      stride) == 0;
}

/* For each interval, a bit for each class it lies in. */
static uint8_t *interval_members(struct builder *builder, uint32_t stride)
{
	struct regex *regex = builder->regex;
	uint8_t *members = arena_zalloc(builder->arena, (size_t)regex->intervals * stride);

	if (!members)
		return NULL;
	for (uint32_t c = 0; c < builder->class_count; c++) {
		const struct class *class = builder->classes[c];
		uint32_t range = 0;

		for (uint32_t i = 0; i < regex->intervals && range < class->count; i++) {
			while (range < class->count && class->ranges[range].last < regex->starts[i])
				range++;
			if (range < class->count && class->ranges[range].first <= regex->starts[i])
				members[(size_t)i * stride + c / 8] |= (uint8_t)(1 << c % 8);
		}
	}
	return members;
}

static bool number_symbols(struct builder *builder, const uint8_t *members, uint32_t stride,
			   uint32_t *examples)
{
	struct regex *regex = builder->regex;

	for (uint32_t i = 0; i < regex->intervals; i++) {
		uint32_t symbol = 0;

		while (symbol < regex->symbols &&
		       !alike(builder, members, stride, examples[symbol], i))
			symbol++;
		if (symbol == SYMBOLS_MAX)
			return fail(builder, "too many different classes");
		if (symbol == regex->symbols)
			examples[regex->symbols++] = i;
		regex->interval_symbols[i] = (uint8_t)symbol;
	}
	return true;
}

static bool fill_symbols(struct builder *builder, const uint8_t *members, uint32_t stride,
			 const uint32_t *examples)
{
	struct regex *regex = builder->regex;

	regex->words = (regex->symbols + 63) / 64;
	regex->members = arena_array(builder->arena, uint64_t,
				     (size_t)builder->class_count * regex->words + 1);
	regex->is_word = arena_array(builder->arena, uint8_t, regex->symbols + 1);
	if (!regex->members || !regex->is_word)
		return fail(builder, "more than memory holds");
	for (uint32_t symbol = 0; symbol < regex->symbols; symbol++) {
		uint32_t interval = examples[symbol];

		regex->is_word[symbol] = rune_is_word(regex->starts[interval]);
		for (uint32_t c = 0; c < builder->class_count; c++)
			if (members[(size_t)interval * stride + c / 8] >> c % 8 & 1)
				regex->members[c * regex->words + symbol / 64] |= 1ULL
										  << symbol % 64;
	}
	for (uint32_t rune = 0, interval = 0; rune < REGEX_ASCII; rune++) {
		while (interval + 1 < regex->intervals && regex->starts[interval + 1] <= rune)
			interval++;
		regex->ascii[rune] = regex->interval_symbols[interval];
	}
	regex->newline = regex->ascii['\n'];
	return true;
}

static bool build_symbols(struct builder *builder)
{
	struct regex *regex = builder->regex;
	uint32_t stride = (builder->class_count + 7) / 8 + 1;
	uint32_t examples[SYMBOLS_MAX];
	uint8_t *members;

	if (!find_intervals(builder))
		return false;
	members = interval_members(builder, stride);
	regex->interval_symbols = arena_array(builder->arena, uint8_t, regex->intervals);
	if (!members || !regex->interval_symbols)
		return fail(builder, "more than memory holds");
	return number_symbols(builder, members, stride, examples) &&
	       fill_symbols(builder, members, stride, examples);
}

/* ---- states --------------------------------------------------------------- */

struct state {
	const uint32_t *ops; /* sorted */
	uint32_t count;
	enum regex_before before;
	uint32_t next_in_bucket; /* NOWHERE: last */
};

enum { BUCKETS = 1024 };

struct states {
	struct builder *builder;
	struct state *items;
	uint32_t count;
	uint32_t buckets[BUCKETS];
	struct regex_scratch scratch;
	uint64_t steps; /* that may still be taken */
};

static uint32_t hash_ops(const uint32_t *ops, uint32_t count, enum regex_before before)
{
	uint32_t h = 2166136261u ^ (uint32_t)before;

	for (uint32_t i = 0; i < count; i++)
		h = (h ^ ops[i]) * 16777619u;
	return (h ^ h >> 15) % BUCKETS;
}

/* Number of the state with the ops of scratch.now; NOWHERE: there are too many. */
static uint32_t state_number(struct states *states, enum regex_before before)
{
	struct regex_set *now = &states->scratch.now;
	uint32_t *ops, bucket;

	qsort(now->items, now->count, sizeof(*now->items), number_order);
	bucket = hash_ops(now->items, now->count, before);
	for (uint32_t i = states->buckets[bucket]; i != NOWHERE;
	     i = states->items[i].next_in_bucket) {
		struct state *state = &states->items[i];

		if (state->before == before && state->count == now->count &&
		    (!now->count ||
		     memcmp(state->ops, now->items, now->count * sizeof(*now->items)) == 0))
			return i;
	}
	ops = arena_array(states->builder->arena, uint32_t, now->count + 1);
	if (states->count == STATES_MAX || !ops)
		return NOWHERE;
	if (now->count)
		memcpy(ops, now->items, now->count * sizeof(*ops));
	states->items[states->count] = (struct state){ ops, now->count, before,
						       states->buckets[bucket] };
	states->buckets[bucket] = states->count;
	return states->count++;
}

/* Where the state goes on the symbol; NOWHERE: too many states. */
static uint32_t follow(struct states *states, uint32_t number, uint32_t symbol)
{
	struct regex *regex = states->builder->regex;
	const struct state *state = &states->items[number];
	enum regex_before before = state->before;
	uint32_t cost;
	int matched;

	states->scratch.now.count = 0;
	for (uint32_t i = 0; i < state->count; i++)
		regex_set_add(&states->scratch.now, state->ops[i]);
	matched = regex_step(regex, &states->scratch, symbol, &before);
	cost = 1 + states->scratch.closed.count + states->scratch.now.count;
	if (states->steps < cost)
		return NOWHERE;
	states->steps -= cost;
	if (matched)
		return STATE_MATCH;
	if (symbol == regex->symbols || !states->scratch.now.count)
		return STATE_DEAD;
	return state_number(states, before);
}

/* False: the table would be too large. */
static bool fill_table(struct states *states, uint16_t *table, uint32_t stride)
{
	for (uint32_t number = STATE_FIRST; number < states->count; number++) {
		if ((number + 1) * stride > TABLE_MAX)
			return false;
		for (uint32_t symbol = 0; symbol < stride; symbol++) {
			uint32_t to = follow(states, number, symbol);

			if (to == NOWHERE)
				return false;
			table[number * stride + symbol] = (uint16_t)to;
		}
	}
	return true;
}

/* The table is copied to its size into `keep`; without it the ops are run. */
static void build_table(struct builder *builder, struct arena *keep)
{
	struct regex *regex = builder->regex;
	uint32_t stride = regex->symbols + 1;
	uint64_t steps = MIN(*builder->effort, (uint64_t)STEPS_MAX);
	struct states states = { .builder = builder, .count = STATE_FIRST, .steps = steps };
	uint16_t *table = arena_array(builder->arena, uint16_t, TABLE_MAX), *copy;

	states.items = arena_array(builder->arena, struct state, STATES_MAX);
	if (!table || !states.items || !regex_scratch_new(builder->arena, regex, &states.scratch))
		return;
	for (uint32_t i = 0; i < BUCKETS; i++)
		states.buckets[i] = NOWHERE;
	regex_set_add(&states.scratch.now, regex->start);
	regex->table_start = state_number(&states, BEFORE_START);
	bool filled = fill_table(&states, table, stride);

	*builder->effort -= (steps - states.steps) / STEPS_PER_EFFORT;
	if (!filled)
		return;
	copy = arena_array(keep, uint16_t, states.count * stride);
	if (!copy)
		return;
	/* Offsets instead of numbers: a step is then one addition and one load. */
	for (uint32_t i = 0; i < states.count * stride; i++)
		copy[i] = (uint16_t)(table[i] * stride);
	regex->table_start *= stride;
	regex->table = copy;
}

/* ---- all ------------------------------------------------------------------ */

#define KEEP(field, count) keep_copy(arena, (field), sizeof(*(field)) * (count))

static void *keep_copy(struct arena *arena, const void *data, size_t size)
{
	void *copy = arena_alloc(arena, size + 1);

	if (copy && size)
		memcpy(copy, data, size);
	return copy;
}

/* What matching reads moves into the program's arena; the rest of the work is dropped. */
static const struct regex *keep_regex(struct arena *arena, const struct builder *builder)
{
	struct regex *copy = KEEP(builder->regex, 1);

	if (!copy)
		return NULL;
	copy->ops = KEEP(copy->ops, copy->op_count);
	copy->starts = KEEP(copy->starts, copy->intervals);
	copy->interval_symbols = KEEP(copy->interval_symbols, copy->intervals);
	copy->members = KEEP(copy->members, (size_t)builder->class_count * copy->words);
	copy->is_word = KEEP(copy->is_word, copy->symbols);
	return copy->ops && copy->starts && copy->interval_symbols && copy->members && copy->is_word
		       ? copy
		       : NULL;
}

static const struct regex *compile_with(struct arena *arena, struct arena *scratch,
					struct str pattern, bool dynamic, uint64_t *effort,
					const char **problem, uint32_t *at)
{
	struct regex regex = { .op_count = 0 };
	/* Every class takes at least a byte of the pattern, and one is ours. */
	struct builder builder = {
		.arena = scratch,
		.effort = effort,
		.regex = &regex,
		.class_capacity = MIN(pattern.len + 2, (uint32_t)UINT16_MAX),
	};
	struct regex_tree tree;
	const struct regex *result;

	*at = 0;
	if (!regex_parse(scratch, pattern, effort, &tree, problem, at))
		return NULL;
	regex.groups = tree.groups;
	if (build_ops(&builder, &tree) && build_symbols(&builder) && !dynamic)
		build_table(&builder, arena);
	*problem = builder.problem;
	if (builder.problem)
		return NULL;
	result = keep_regex(arena, &builder);
	if (!result)
		*problem = "more than memory holds";
	return result;
}

const struct regex *regex_compile(struct arena *arena, struct str pattern, bool dynamic,
				  uint64_t *effort, const char **problem, uint32_t *at)
{
	struct arena scratch = { .limit = 64 * 1024 * 1024 };
	const struct regex *regex;

	/* One that is compiled while evaluating uses that arena only. */
	if (dynamic)
		return compile_with(arena, arena, pattern, true, effort, problem, at);
	regex = compile_with(arena, &scratch, pattern, false, effort, problem, at);
	arena_free(&scratch);
	return regex;
}

/* At least so many steps for any pattern: arrays are made for it. */
enum { STEPS_MIN = 200 };

const struct regex *regex_compile_now(struct cel_run *run, struct value pattern,
				      struct value *error)
{
	const char *problem;
	const struct regex *regex;
	uint32_t at;

	if (!cel_spend(run, STEPS_MIN + 4 * (uint64_t)pattern.len)) {
		*error = ERROR_BUDGET;
		return NULL;
	}
	regex = regex_compile(run->arena, value_text(pattern), true, &run->budget, &problem, &at);
	if (!regex)
		*error = cel_error(run, "regular expression with %s", problem);
	return regex;
}
