/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of many texts occur in a text? Aho and Corasick's automaton: one pass, two steps per
 * byte at most. The state at the start has a table, as most bytes begin nothing; the others
 * have their few edges in a row.
 */
#include "index_parts.h"

struct scan_state {
	uint32_t edge, edges; /* consecutive, by byte */
	uint32_t fail;	      /* the longest suffix that is a state, too */
	uint32_t output;      /* the nearest such suffix that ends a text; 0: none */
	struct postings postings;
};

struct scan_edge {
	uint8_t byte;
	uint32_t to;
};

struct scan {
	struct scan_state *states; /* 0 is the start */
	uint32_t state_count;
	struct scan_edge *edges;
	uint32_t start[256];
};

/* States while they are made: a tree of sorted texts, level by level. */
struct span {
	uint32_t from, to; /* pairs below this state */
};

struct scan_builder {
	struct cel_index *index;
	struct scan *scan;
	const struct pair *pairs;
	struct span *spans;
	uint32_t edge_count;
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

/* The state's postings and edges; its children are appended. */
static bool expand(struct scan_builder *builder, uint32_t number, uint32_t depth)
{
	struct scan *scan = builder->scan;
	struct span span = builder->spans[number];
	uint32_t at = span.from;

	while (at < span.to && builder->pairs[at].text.len == depth)
		at++;
	if (!postings_add(builder->index, builder->pairs + span.from, at - span.from,
			  &scan->states[number].postings))
		return false;
	scan->states[number].edge = builder->edge_count;
	while (at < span.to) {
		uint8_t byte = (uint8_t)builder->pairs[at].text.data[depth];
		uint32_t from = at;

		while (at < span.to && (uint8_t)builder->pairs[at].text.data[depth] == byte)
			at++;
		builder->spans[scan->state_count] = (struct span){ from, at };
		scan->edges[builder->edge_count++] = (struct scan_edge){ byte,
									 scan->state_count++ };
	}
	scan->states[number].edges = builder->edge_count - scan->states[number].edge;
	return true;
}

static uint32_t edge_from(const struct scan *scan, uint32_t state, uint8_t byte)
{
	const struct scan_state *s = &scan->states[state];

	for (uint32_t i = s->edge; i < s->edge + s->edges; i++)
		if (scan->edges[i].byte == byte)
			return scan->edges[i].to;
	return 0;
}

static inline uint32_t step(const struct scan *scan, uint32_t state, uint8_t byte)
{
	while (state) {
		uint32_t to = edge_from(scan, state, byte);

		if (to)
			return to;
		state = scan->states[state].fail;
	}
	return scan->start[byte];
}

/* States come level by level, so what a state falls back to is known before it. */
static void link_states(struct scan *scan)
{
	for (uint32_t i = scan->states[0].edge; i < scan->states[0].edge + scan->states[0].edges;
	     i++)
		scan->start[scan->edges[i].byte] = scan->edges[i].to;
	for (uint32_t state = 0; state < scan->state_count; state++) {
		const struct scan_state *s = &scan->states[state];

		for (uint32_t i = s->edge; i < s->edge + s->edges; i++) {
			struct scan_state *child = &scan->states[scan->edges[i].to];

			child->fail = state ? step(scan, s->fail, scan->edges[i].byte) : 0;
			child->output = scan->states[child->fail].postings.count
						? child->fail
						: scan->states[child->fail].output;
		}
	}
}

const struct scan *scan_build(struct cel_index *index, struct pairs *pairs)
{
	struct scan *scan = arena_new(&index->arena, struct scan);
	struct scan_builder builder = { .index = index, .scan = scan };
	uint64_t most = 1;
	uint32_t depth = 0, level_end = 1;

	qsort(pairs->items, pairs->count, sizeof(*pairs->items), text_order);
	for (uint32_t i = 0; i < pairs->count; i++)
		most += pairs->items[i].text.len;
	if (!scan || most > UINT32_MAX / 64)
		return NULL;
	builder.pairs = pairs->items;
	scan->states = arena_array(&index->arena, struct scan_state, most);
	scan->edges = arena_array(&index->arena, struct scan_edge, most);
	builder.spans = arena_array(&index->arena, struct span, most);
	if (!scan->states || !scan->edges || !builder.spans)
		return NULL;
	builder.spans[0] = (struct span){ 0, pairs->count };
	scan->state_count = 1;
	for (uint32_t state = 0; state < scan->state_count; state++) {
		if (state == level_end) {
			depth++;
			level_end = scan->state_count;
		}
		if (!expand(&builder, state, depth))
			return NULL;
	}
	link_states(scan);
	return scan;
}

void scan_find(const struct scan *scan, struct str text, struct run_state *state, hit_fn hit)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < text.len; i++) {
		at = step(scan, at, (uint8_t)text.data[i]);
		for (uint32_t end = at; end; end = scan->states[end].output)
			if (scan->states[end].postings.count)
				hit(state, scan->states[end].postings);
	}
}
