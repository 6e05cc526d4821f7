/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions: does it match? By the table where there is one: one look-up for each
 * code point. Else by stepping the set of instructions, which is linear, too.
 */
#include "regex.h"

enum { BYTES_PER_STEP = 32 };

/* ---- sets of instructions ------------------------------------------------- */

static bool set_new(struct arena *arena, uint32_t size, struct regex_set *out)
{
	out->items = arena_array(arena, uint32_t, size);
	out->where = arena_array(arena, uint32_t, size);
	out->count = 0;
	return out->items && out->where;
}

bool regex_scratch_new(struct arena *arena, const struct regex *regex, struct regex_scratch *out)
{
	out->stack = arena_array(arena, uint32_t, 2 * regex->op_count + 2);
	return set_new(arena, regex->op_count, &out->now) &&
	       set_new(arena, regex->op_count, &out->closed) && out->stack;
}

bool regex_set_has(const struct regex_set *set, uint32_t op)
{
	uint32_t index = set->where[op];

	return index < set->count && set->items[index] == op;
}

void regex_set_add(struct regex_set *set, uint32_t op)
{
	if (regex_set_has(set, op))
		return;
	set->where[op] = set->count;
	set->items[set->count++] = op;
}

/* ---- one step ------------------------------------------------------------- */

uint8_t regex_holds(const struct regex *regex, enum regex_before before, uint32_t symbol)
{
	bool end = symbol == regex->symbols;
	uint8_t holds = 0;

	if (before == BEFORE_START)
		holds |= ASSERT_BEGIN_TEXT | ASSERT_BEGIN_LINE;
	if (before == BEFORE_NEWLINE)
		holds |= ASSERT_BEGIN_LINE;
	if (end)
		holds |= ASSERT_END_TEXT | ASSERT_END_LINE;
	else if (symbol == regex->newline)
		holds |= ASSERT_END_LINE;
	holds |= (before == BEFORE_WORD) != (!end && regex->is_word[symbol]) ? ASSERT_WORD
									     : ASSERT_NO_WORD;
	return holds;
}

bool regex_takes(const struct regex *regex, const struct regex_op *op, uint32_t symbol)
{
	return regex->members[op->class * regex->words + symbol / 64] >> symbol % 64 & 1;
}

/* Adds all that is reached from op without reading; true: a match is among it. */
static bool close_over(const struct regex *regex, struct regex_scratch *scratch, uint32_t from,
		       uint8_t holds)
{
	uint32_t depth = 0;

	scratch->stack[depth++] = from;
	while (depth) {
		uint32_t at = scratch->stack[--depth];
		const struct regex_op *op = &regex->ops[at];

		if (regex_set_has(&scratch->closed, at))
			continue;
		regex_set_add(&scratch->closed, at);
		switch ((enum regex_opcode)op->opcode) {
		case REGEX_OP_MATCH: return true;
		case REGEX_OP_CHAR: break;
		case REGEX_OP_SPLIT:
			scratch->stack[depth++] = op->other;
			scratch->stack[depth++] = op->out;
			break;
		case REGEX_OP_SAVE: scratch->stack[depth++] = op->out; break;
		case REGEX_OP_ASSERT:
			if (holds & op->assert)
				scratch->stack[depth++] = op->out;
			break;
		}
	}
	return false;
}

static enum regex_before before_next(const struct regex *regex, uint32_t symbol)
{
	if (regex->asserts & ASSERT_BEGIN_LINE && symbol == regex->newline)
		return BEFORE_NEWLINE;
	if (regex->asserts & (ASSERT_WORD | ASSERT_NO_WORD) && regex->is_word[symbol])
		return BEFORE_WORD;
	return BEFORE_OTHER;
}

int regex_step(const struct regex *regex, struct regex_scratch *scratch, uint32_t symbol,
	       enum regex_before *before)
{
	uint8_t holds = regex_holds(regex, *before, symbol);

	scratch->closed.count = 0;
	for (uint32_t i = 0; i < scratch->now.count; i++)
		if (close_over(regex, scratch, scratch->now.items[i], holds))
			return 1;
	scratch->now.count = 0;
	if (symbol == regex->symbols)
		return 0;
	for (uint32_t i = 0; i < scratch->closed.count; i++) {
		const struct regex_op *op = &regex->ops[scratch->closed.items[i]];

		if (op->opcode == REGEX_OP_CHAR && regex_takes(regex, op, symbol))
			regex_set_add(&scratch->now, op->out);
	}
	*before = before_next(regex, symbol);
	return 0;
}

/* ---- matching ------------------------------------------------------------- */

static uint32_t next_symbol(const struct regex *regex, struct str subject, uint32_t *at)
{
	unsigned char c = (unsigned char)subject.data[*at];
	uint32_t size, rune;

	if (LIKELY(c < REGEX_ASCII)) {
		(*at)++;
		return regex->ascii[c];
	}
	rune = utf8_decode(subject.data + *at, subject.len - *at, &size);
	*at += size;
	return regex_symbol(regex, rune);
}

static int match_table(const struct regex *regex, struct str subject)
{
	uint32_t matched = STATE_MATCH * (regex->symbols + 1), state = regex->table_start;
	const uint16_t *table = regex->table;

	for (uint32_t at = 0; at < subject.len;) {
		state = table[state + next_symbol(regex, subject, &at)];
		if (state <= matched)
			return state == matched;
	}
	return table[state + regex->symbols] == matched;
}

static int match_steps(const struct regex *regex, struct cel_run *run, struct str subject)
{
	struct regex_scratch scratch;
	enum regex_before before = BEFORE_START;

	if (!regex_scratch_new(run->arena, regex, &scratch))
		return -1;
	regex_set_add(&scratch.now, regex->start);
	for (uint32_t at = 0; at < subject.len;) {
		if (!cel_spend(run, 1 + scratch.closed.count / 8))
			return -1;
		if (regex_step(regex, &scratch, next_symbol(regex, subject, &at), &before))
			return 1;
		if (!scratch.now.count)
			return 0;
	}
	return regex_step(regex, &scratch, regex->symbols, &before);
}

int regex_match(const struct regex *regex, struct cel_run *run, struct str subject)
{
	if (!cel_spend(run, subject.len / BYTES_PER_STEP))
		return -1;
	return regex->table ? match_table(regex, subject) : match_steps(regex, run, subject);
}

struct value regex_matches(struct cel_run *run, struct value subject, struct value pattern)
{
	struct value error;
	const struct regex *regex = regex_compile_now(run, pattern, &error);
	int found;

	if (!regex)
		return error;
	found = regex_match(regex, run, value_text(subject));
	return found < 0 ? ERROR_BUDGET : value_bool(found);
}
