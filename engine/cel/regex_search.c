/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions: where is the leftmost match, and its groups. Threads in order of
 * preference step through the instructions, one position at a time, so time is linear.
 */
#include "regex.h"

struct threads {
	uint32_t *items, *where; /* sparse set of ops, in order of preference */
	uint32_t count;
	uint32_t *places; /* of item i: places[i * slots ...] */
};

/* A step to do when following what needs no reading: go to an op, or put a place back. */
struct todo {
	uint32_t op; /* UINT32_MAX: restore */
	uint32_t slot, place;
};

struct search {
	const struct regex *regex;
	struct cel_run *run;
	struct str subject;
	uint32_t slots;
	struct threads now, next;
	struct todo *stack;
	uint32_t *current; /* places of the thread being followed */
	uint32_t *best;
	bool found;
};

static bool threads_new(struct arena *arena, uint32_t ops, uint32_t slots, struct threads *out)
{
	out->items = arena_array(arena, uint32_t, ops);
	out->where = arena_array(arena, uint32_t, ops);
	out->places = arena_array(arena, uint32_t, (size_t)ops * slots);
	return out->items && out->where && out->places;
}

static bool threads_add(struct threads *threads, uint32_t op)
{
	uint32_t index = threads->where[op];

	if (index < threads->count && threads->items[index] == op)
		return false;
	threads->where[op] = threads->count;
	threads->items[threads->count++] = op;
	return true;
}

static void follow_op(struct search *search, const struct regex_op *op, uint32_t at, uint8_t holds,
		      uint32_t *depth)
{
	switch ((enum regex_opcode)op->opcode) {
	case REGEX_OP_SPLIT:
		search->stack[(*depth)++] = (struct todo){ .op = op->other };
		search->stack[(*depth)++] = (struct todo){ .op = op->out };
		break;
	case REGEX_OP_ASSERT:
		if (holds & op->assert)
			search->stack[(*depth)++] = (struct todo){ .op = op->out };
		break;
	case REGEX_OP_SAVE:
		search->stack[(*depth)++] = (struct todo){ .op = UINT32_MAX,
							   .slot = op->save,
							   .place = search->current[op->save] };
		search->current[op->save] = at;
		search->stack[(*depth)++] = (struct todo){ .op = op->out };
		break;
	default: break;
	}
}

/* Adds op and what it leads to without reading; the places are those of search->current. */
static void add_thread(struct search *search, struct threads *threads, uint32_t op, uint32_t at,
		       uint8_t holds)
{
	uint32_t depth = 0;

	search->stack[depth++] = (struct todo){ .op = op };
	while (depth) {
		struct todo todo = search->stack[--depth];

		if (todo.op == UINT32_MAX) {
			search->current[todo.slot] = todo.place;
			continue;
		}
		if (!threads_add(threads, todo.op))
			continue;
		memcpy(threads->places + (size_t)(threads->count - 1) * search->slots,
		       search->current, search->slots * sizeof(uint32_t));
		follow_op(search, &search->regex->ops[todo.op], at, holds, &depth);
	}
}

/* Threads that take the symbol go on; a match ends those behind it, which are worse. */
static void step(struct search *search, uint32_t symbol, uint32_t at, uint32_t next_at,
		 uint8_t next_holds)
{
	const struct regex *regex = search->regex;
	struct threads swap;

	search->next.count = 0;
	for (uint32_t i = 0; i < search->now.count; i++) {
		const struct regex_op *op = &regex->ops[search->now.items[i]];
		uint32_t *places = search->now.places + (size_t)i * search->slots;

		if (op->opcode == REGEX_OP_MATCH) {
			memcpy(search->best, places, search->slots * sizeof(uint32_t));
			search->best[1] = at;
			search->found = true;
			break;
		}
		if (op->opcode == REGEX_OP_CHAR && symbol < regex->symbols &&
		    regex_takes(regex, op, symbol)) {
			memcpy(search->current, places, search->slots * sizeof(uint32_t));
			add_thread(search, &search->next, op->out, next_at, next_holds);
		}
	}
	swap = search->now;
	search->now = search->next;
	search->next = swap;
}

static uint32_t symbol_at(const struct search *search, uint32_t at, uint32_t *size)
{
	uint32_t rune;

	*size = 0;
	if (at >= search->subject.len)
		return search->regex->symbols;
	rune = utf8_decode(search->subject.data + at, search->subject.len - at, size);
	return regex_symbol(search->regex, rune);
}

static enum regex_before before_of(const struct search *search, uint32_t at)
{
	unsigned char c;

	if (!at)
		return BEFORE_START;
	c = (unsigned char)search->subject.data[at - 1];
	if (c == '\n')
		return BEFORE_NEWLINE;
	return c < REGEX_ASCII && search->regex->asserts & (ASSERT_WORD | ASSERT_NO_WORD) &&
			       search->regex->is_word[search->regex->ascii[c]]
		       ? BEFORE_WORD
		       : BEFORE_OTHER;
}

/* A new thread starts here, worse than all that started before. */
static void start_thread(struct search *search, uint32_t at, uint8_t holds)
{
	for (uint32_t i = 0; i < search->slots; i++)
		search->current[i] = UINT32_MAX;
	search->current[0] = at;
	add_thread(search, &search->now, search->regex->anchored_start, at, holds);
}

static int run_search(struct search *search, uint32_t from)
{
	uint32_t at = from;

	for (;;) {
		uint32_t size, symbol = symbol_at(search, at, &size), after_size;
		uint8_t holds = regex_holds(search->regex, before_of(search, at), symbol);
		uint32_t after = symbol_at(search, at + size, &after_size);
		uint8_t next_holds = 0;

		if (!cel_spend(search->run, 1 + search->now.count / 4))
			return -1;
		if (!search->found)
			start_thread(search, at, holds);
		if (size)
			next_holds = regex_holds(search->regex, before_of(search, at + size),
						 after);
		step(search, symbol, at, at + size, next_holds);
		if (!size || (search->found && !search->now.count))
			return search->found;
		at += size;
	}
}

int regex_search(const struct regex *regex, struct cel_run *run, struct str subject, uint32_t from,
		 uint32_t *places)
{
	uint32_t slots = 2 * (regex->groups + 1);
	struct arena *arena = run->arena;
	struct search search = {
		.regex = regex,
		.run = run,
		.subject = subject,
		.slots = slots,
		.best = places,
		.stack = arena_array(arena, struct todo, 3 * (size_t)regex->op_count + 4),
		.current = arena_array(arena, uint32_t, slots),
	};

	if (!search.stack || !search.current ||
	    !threads_new(arena, regex->op_count, slots, &search.now) ||
	    !threads_new(arena, regex->op_count, slots, &search.next) ||
	    !cel_spend(run, 4 + regex->op_count * slots / 16))
		return -1;
	return run_search(&search, from);
}
