/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of many texts does a text begin with (or, read from its end, end with)? A trie whose
 * edges carry as many bytes as they share; one walk finds all.
 */
#include "index_parts.h"

struct trie_node {
	struct str label;	  /* bytes to this node from the one above */
	struct postings postings; /* texts that end here */
	uint32_t child, children; /* consecutive, by their first byte */
};

struct trie {
	struct trie_node *nodes;
	uint8_t *first; /* of each node: first byte of its label */
	uint32_t count, capacity;
	bool reversed;
};

static int text_order(const void *a, const void *b)
{
	const struct pair *left = a, *right = b;
	uint32_t len = MIN(left->text.len, right->text.len);
	int order = len ? memcmp(left->text.data, right->text.data, len) : 0;

	if (order || left->text.len == right->text.len)
		return order;
	return left->text.len < right->text.len ? -1 : 1;
}

/* Bytes in which all of the sorted texts agree, from `depth` on. */
static uint32_t shared(const struct pair *pairs, uint32_t count, uint32_t depth)
{
	struct str a = pairs[0].text, b = pairs[count - 1].text;
	uint32_t at = depth;

	while (at < a.len && at < b.len && a.data[at] == b.data[at])
		at++;
	return at;
}

/* Texts that agree in the byte at depth. */
static uint32_t group(const struct pair *pairs, uint32_t count, uint32_t depth)
{
	uint32_t i = 1;

	while (i < count && pairs[i].text.data[depth] == pairs[0].text.data[depth])
		i++;
	return i;
}

struct trie_builder {
	struct cel_index *index;
	struct trie *trie;
};

/* Depth is bounded: every level takes at least a byte of a text, and texts have a limit. */
static bool fill(struct trie_builder *builder, uint32_t node, const struct pair *pairs,
		 uint32_t count, uint32_t depth)
{
	struct trie *trie = builder->trie;
	uint32_t end = shared(pairs, count, depth), here = 0, children = 0, child;

	trie->nodes[node].label = (struct str){ pairs[0].text.data + depth, end - depth };
	while (here < count && pairs[here].text.len == end)
		here++;
	if (!postings_add(builder->index, pairs, here, &trie->nodes[node].postings))
		return false;
	for (uint32_t i = here; i < count; i += group(pairs + i, count - i, end))
		children++;
	child = trie->count;
	trie->count += children;
	trie->nodes[node].child = child;
	trie->nodes[node].children = children;
	for (uint32_t i = here; i < count; child++) {
		uint32_t size = group(pairs + i, count - i, end);

		trie->first[child] = (uint8_t)pairs[i].text.data[end];
		if (!fill(builder, child, pairs + i, size, end))
			return false;
		i += size;
	}
	return true;
}

static bool reverse_texts(struct arena *arena, struct pairs *pairs)
{
	for (uint32_t i = 0; i < pairs->count; i++) {
		struct str *text = &pairs->items[i].text;
		char *copy = arena_alloc(arena, text->len + 1);

		if (!copy)
			return false;
		for (uint32_t k = 0; k < text->len; k++)
			copy[k] = text->data[text->len - 1 - k];
		text->data = copy;
	}
	return true;
}

const struct trie *trie_build(struct cel_index *index, struct pairs *pairs, bool reversed)
{
	struct trie *trie = arena_new(&index->arena, struct trie);
	struct trie_builder builder = { index, trie };

	if (!trie || (reversed && !reverse_texts(&index->arena, pairs)))
		return NULL;
	qsort(pairs->items, pairs->count, sizeof(*pairs->items), text_order);
	/* A node for each text, and at most one more for each fork. */
	trie->capacity = 2 * pairs->count + 1;
	trie->nodes = arena_array(&index->arena, struct trie_node, trie->capacity);
	trie->first = arena_array(&index->arena, uint8_t, trie->capacity);
	trie->count = 1;
	trie->reversed = reversed;
	if (!trie->nodes || !trie->first || !fill(&builder, 0, pairs->items, pairs->count, 0))
		return NULL;
	return trie;
}

static bool label_fits(const struct trie *trie, struct str label, struct str text, uint32_t at)
{
	if (text.len - at < label.len)
		return false;
	if (!trie->reversed)
		return memcmp(text.data + at, label.data, label.len) == 0;
	for (uint32_t i = 0; i < label.len; i++)
		if (text.data[text.len - 1 - at - i] != label.data[i])
			return false;
	return true;
}

static uint32_t find_child(const struct trie *trie, const struct trie_node *node, uint8_t byte)
{
	const uint8_t *found = memchr(trie->first + node->child, byte, node->children);

	return found ? (uint32_t)(found - trie->first) : UINT32_MAX;
}

void trie_find(const struct trie *trie, struct str text, struct run_state *state, hit_fn hit)
{
	const struct trie_node *node = &trie->nodes[0];
	uint32_t at = 0;

	while (label_fits(trie, node->label, text, at)) {
		uint32_t child;

		at += node->label.len;
		if (node->postings.count)
			hit(state, node->postings);
		if (at == text.len || !node->children)
			return;
		child = find_child(trie, node,
				   (uint8_t)text.data[trie->reversed ? text.len - 1 - at : at]);
		if (child == UINT32_MAX)
			return;
		node = &trie->nodes[child];
	}
}
