/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a text must have for a pattern to match: literal parts of the pattern, to be looked up
 * in an index. ^literal$ and its kin are all literal.
 */
#include "index_parts.h"
#include "regex.h"

enum { LITERAL_MAX = 256, BAD_RUNE = 0xfffd };

/* The parts of a concatenation, one after the other. */
struct parts {
	const struct regex_node **items;
	uint32_t count, capacity;
	struct arena *arena;
};

static bool flatten(struct parts *parts, const struct regex_node *node)
{
	if (node->kind == REGEX_CONCAT || node->kind == REGEX_GROUP) {
		for (const struct regex_node *c = node->first; c; c = c->next)
			if (!flatten(parts, c))
				return false;
		return true;
	}
	if (node->kind == REGEX_EMPTY)
		return true;
	parts->items = index_grow(parts->arena, parts->items, parts->count, &parts->capacity,
				  sizeof(*parts->items));
	if (!parts->items)
		return false;
	parts->items[parts->count++] = node;
	return true;
}

/* One code point and no other; not the one that bytes which are no UTF-8 stand for. */
static bool is_literal(const struct regex_node *node)
{
	return node->kind == REGEX_CLASS && node->class->count == 1 &&
	       node->class->ranges[0].first == node->class->ranges[0].last &&
	       node->class->ranges[0].first != BAD_RUNE;
}

static bool is_assert(const struct parts *parts, uint32_t at, enum regex_assert assert)
{
	return at < parts->count && parts->items[at]->kind == REGEX_ASSERT &&
	       parts->items[at]->assert == assert;
}

static uint32_t literal_length(const struct parts *parts, uint32_t from)
{
	uint32_t at = from;

	while (at < parts->count && is_literal(parts->items[at]) && at - from < LITERAL_MAX)
		at++;
	return at - from;
}

static struct str literal_text(const struct parts *parts, uint32_t from, uint32_t count)
{
	char *text = arena_alloc(parts->arena, (size_t)count * 4 + 1);
	uint32_t len = 0;

	for (uint32_t i = 0; text && i < count; i++)
		len += utf8_put(text + len, parts->items[from + i]->class->ranges[0].first);
	return (struct str){ text, len };
}

/* The longest run of literals; 0: none. */
static uint32_t longest_run(const struct parts *parts, uint32_t *from)
{
	uint32_t best = 0;

	for (uint32_t at = 0; at < parts->count;) {
		uint32_t length = literal_length(parts, at);

		if (length > best) {
			best = length;
			*from = at;
		}
		at += length ? length : 1;
	}
	return best;
}

bool regex_literal(struct arena *arena, struct str pattern, enum test_kind *kind,
		   struct str *literal, bool *exact)
{
	struct parts parts = { .arena = arena };
	uint64_t effort = REGEX_EFFORT;
	struct regex_tree tree;
	const char *problem;
	uint32_t at, from = 0, count;
	bool begins, ends;

	if (!regex_parse(arena, pattern, &effort, &tree, &problem, &at) ||
	    !flatten(&parts, tree.root))
		return false;
	begins = is_assert(&parts, 0, ASSERT_BEGIN_TEXT);
	count = literal_length(&parts, begins);
	ends = is_assert(&parts, begins + count, ASSERT_END_TEXT);
	*exact = begins + count + ends == parts.count;
	if (begins && count) {
		*kind = *exact && ends ? TEST_EQUAL : TEST_PREFIX;
		from = 1;
	} else if (*exact && count) {
		*kind = ends ? TEST_SUFFIX : TEST_CONTAINS;
	} else {
		*exact = false;
		*kind = TEST_CONTAINS;
		count = longest_run(&parts, &from);
		/* A run at the very end is a suffix. */
		if (count && is_assert(&parts, from + count, ASSERT_END_TEXT) &&
		    from + count + 1 == parts.count)
			*kind = TEST_SUFFIX;
	}
	*literal = literal_text(&parts, from, count);
	return count && literal->data;
}
