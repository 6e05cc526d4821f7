/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operands of && and || in a condition, for those who ask which of them decided. By tokens:
 * the tree does not keep where operands begin and end, parentheses and all.
 */
#include "base/common.h"
#include "internal.h"

struct splitting {
	struct arena *arena;
	struct token *tokens; /* of a text that compiles: brackets match */
	uint32_t count;
};

static bool is_mark(const struct token *token, const char *text)
{
	return token->kind == TOKEN_PUNCTUATION && str_equal(token->text, str_of(text));
}

static int opens(const struct token *token)
{
	if (token->kind != TOKEN_PUNCTUATION)
		return 0;
	return strchr("([{", token->text.data[0]) ? 1 : strchr(")]}", token->text.data[0]) ? -1 : 0;
}

/* How often a mark stands between two tokens outside of all brackets. */
static uint32_t find(const struct splitting *s, uint32_t from, uint32_t to, const char *mark)
{
	uint32_t found = 0;
	int depth = 0;

	for (uint32_t i = from; i < to; i++) {
		found += depth == 0 && is_mark(&s->tokens[i], mark);
		depth += opens(&s->tokens[i]);
	}
	return found;
}

/* "(...)" as a whole? */
static bool is_wrapped(const struct splitting *s, uint32_t from, uint32_t to)
{
	int depth = 0;

	if (to - from < 3 || !is_mark(&s->tokens[from], "("))
		return false;
	for (uint32_t i = from; i < to - 1; i++)
		if ((depth += opens(&s->tokens[i])) == 0)
			return false;
	return true;
}

static bool split(const struct splitting *s, uint32_t from, uint32_t to, struct cel_part *part);

static bool split_at(const struct splitting *s, uint32_t from, uint32_t to, const char *mark,
		     struct cel_part *part)
{
	uint32_t count = find(s, from, to, mark) + 1, start = from, n = 0;
	struct cel_part *items = arena_array(s->arena, struct cel_part, count);
	int depth = 0;

	if (!items)
		return false;
	part->is_and = mark[0] == '&';
	part->items = items;
	part->count = count;
	for (uint32_t i = from; i <= to; i++) {
		if (i == to || (depth == 0 && is_mark(&s->tokens[i], mark))) {
			if (!split(s, start, i, &items[n++]))
				return false;
			start = i + 1;
		}
		depth += i < to ? opens(&s->tokens[i]) : 0;
	}
	return true;
}

static bool split(const struct splitting *s, uint32_t from, uint32_t to, struct cel_part *part)
{
	while (is_wrapped(s, from, to)) {
		from++;
		to--;
	}
	*part = (struct cel_part){ .at = s->tokens[from].at, .end = s->tokens[to - 1].end };
	if (find(s, from, to, "?")) /* a choice is one operand */
		return true;
	if (find(s, from, to, "||"))
		return split_at(s, from, to, "||", part);
	if (find(s, from, to, "&&"))
		return split_at(s, from, to, "&&", part);
	return true;
}

/* A token takes a byte at least. */
static bool read_tokens(struct compile *compile, struct splitting *s)
{
	struct token token;
	uint32_t offset = 0;

	s->tokens = arena_array(compile->scratch, struct token, compile->source->text.len + 1);
	if (!s->tokens)
		return false;
	while ((token = lex_next(compile, &offset)).kind != TOKEN_END) {
		if (token.kind == TOKEN_ERROR)
			return false;
		s->tokens[s->count++] = token;
	}
	return s->count > 0;
}

bool cel_parts(const struct cel_env *env, struct str text, struct arena *arena,
	       struct cel_part *out)
{
	struct arena scratch = { .limit = 256 * 1024 * 1024 };
	struct cel_source source = { .text = text, .line = 1, .column = 1 };
	struct splitting s = { .arena = arena };
	struct err err = { 0 };
	struct compile compile = {
		.env = env, .source = &source, .arena = &scratch, .scratch = &scratch, .err = &err
	};
	bool fine = read_tokens(&compile, &s) && split(&s, 0, s.count, out);

	arena_free(&scratch);
	return fine;
}
