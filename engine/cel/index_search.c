/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of many texts a subject contains: Aho-Corasick, behind a filter.
 *
 * Most subjects contain none of the literals. So each literal puts some of its grams (runs of
 * `gram` bytes) into a bitmap, chosen so that few other literals have them, and the subject is
 * looked at every `stride` bytes: if a literal is in it, one of its grams stands at one of
 * these places. Only when a gram is there the automaton reads the subject, in time linear in
 * its length plus what it finds, whoever chose its bytes.
 *
 * Literals of one byte, of two and three, and longer ones have filters of their own.
 */
#include "index_part.h"

enum {
	GRAM_SHORT = 2,
	GRAM_LONG = 4,
	STRIDE_MAX = 8,
	FILTER_PER_GRAM = 32,
	FILTER_BITS_MIN = 4096,
	FILTER_BITS_MAX = 1 << 23,
	BYTES = 256,
	STATES_MAX = 1 << 24,
};

struct state {
	uint32_t fail;
	uint32_t found; /* target + 1 of the literal that ends here */
	uint32_t next;	/* nearest on the way of fail where one ends; 0: none */
};

struct edge {
	uint32_t from; /* state; 0: none, as the root's are in `root` */
	uint32_t to;   /* state * 256 + byte */
};

struct automaton {
	uint32_t root[BYTES];
	struct state *states;
	struct edge *edges;
	uint32_t edge_mask, state_count;
	/* the filter */
	uint64_t *filter;
	uint64_t *grams; /* gram | 1 << 32; 0: none */
	uint32_t filter_shift, gram_mask, gram, stride;
};

struct search {
	struct automaton *few, *many; /* literals of 2 and 3 bytes, of 4 and more; NULL: none */
	uint64_t bytes[BYTES / 64];
	uint32_t byte_targets[BYTES];
	bool has_bytes, has_empty;
	uint32_t empty_target;
};

/* ---- asking --------------------------------------------------------------- */

static inline uint32_t hash_gram(uint32_t gram)
{
	return gram * 0x9e3779b1u;
}

static inline uint32_t load_gram(const char *at, uint32_t size)
{
	uint32_t gram = 0;

	if (size == GRAM_LONG) {
		memcpy(&gram, at, GRAM_LONG);
	} else {
		uint16_t two;

		memcpy(&two, at, GRAM_SHORT);
		gram = two;
	}
	return gram;
}

static bool has_gram(const struct automaton *automaton, uint32_t gram)
{
	for (uint32_t at = hash_gram(gram) & automaton->gram_mask; automaton->grams[at];
	     at = (at + 1) & automaton->gram_mask)
		if ((uint32_t)automaton->grams[at] == gram)
			return true;
	return false;
}

static inline bool may_have(const struct automaton *automaton, uint32_t gram)
{
	uint32_t bit = hash_gram(gram) >> automaton->filter_shift;

	return UNLIKELY(automaton->filter[bit / 64] >> (bit % 64) & 1) && has_gram(automaton, gram);
}

static inline bool passes(const struct automaton *automaton, struct str text, uint32_t gram)
{
	for (uint32_t at = 0; at + gram <= text.len; at += automaton->stride)
		if (may_have(automaton, load_gram(text.data + at, gram)))
			return true;
	return false;
}

static inline uint32_t edge_slot(uint32_t from, uint8_t byte)
{
	return (uint32_t)((((uint64_t)from << 8 | byte) * 0x9e3779b97f4a7c15ULL) >> 32);
}

/* 0: there is none. */
static inline uint32_t follow(const struct automaton *automaton, uint32_t state, uint8_t byte)
{
	if (!state)
		return automaton->root[byte];
	for (uint32_t at = edge_slot(state, byte) & automaton->edge_mask; automaton->edges[at].from;
	     at = (at + 1) & automaton->edge_mask)
		if (automaton->edges[at].from == state && (uint8_t)automaton->edges[at].to == byte)
			return automaton->edges[at].to / BYTES;
	return 0;
}

static void scan(const struct automaton *automaton, struct str text, hit_fn hit, void *ctx)
{
	const struct state *states = automaton->states;
	uint32_t state = 0;

	for (uint32_t i = 0; i < text.len; i++) {
		uint8_t byte = (uint8_t)text.data[i];
		uint32_t next = follow(automaton, state, byte);

		while (!next && state) {
			state = states[state].fail;
			next = follow(automaton, state, byte);
		}
		state = next;
		/* What was found before was followed to its end before. */
		for (uint32_t at = states[state].found ? state : states[state].next; at;
		     at = states[at].next)
			if (!hit(ctx, states[at].found - 1))
				break;
	}
}

static void probe_bytes(const struct search *search, struct str text, hit_fn hit, void *ctx)
{
	for (uint32_t i = 0; i < text.len; i++) {
		uint8_t byte = (uint8_t)text.data[i];

		if (search->bytes[byte / 64] >> (byte % 64) & 1)
			hit(ctx, search->byte_targets[byte]);
	}
}

void search_probe(const struct search *search, struct str text, hit_fn hit, void *ctx)
{
	if (search->many && passes(search->many, text, GRAM_LONG))
		scan(search->many, text, hit, ctx);
	if (search->few && passes(search->few, text, GRAM_SHORT))
		scan(search->few, text, hit, ctx);
	if (search->has_bytes)
		probe_bytes(search, text, hit, ctx);
	if (search->has_empty)
		hit(ctx, search->empty_target);
}

/* ---- building: the automaton ----------------------------------------------- */

static uint32_t power_of_two(uint64_t least, uint32_t size)
{
	while (size < least)
		size *= 2;
	return size;
}

static uint32_t add_edge(struct automaton *automaton, uint32_t state, uint8_t byte)
{
	uint32_t to = automaton->state_count++;
	uint32_t at = edge_slot(state, byte) & automaton->edge_mask;

	if (!state) {
		automaton->root[byte] = to;
		return to;
	}
	while (automaton->edges[at].from)
		at = (at + 1) & automaton->edge_mask;
	automaton->edges[at] = (struct edge){ state, to * BYTES + byte };
	return to;
}

static void add_literal(struct automaton *automaton, const struct literal *literal)
{
	uint32_t state = 0;

	for (uint32_t i = 0; i < literal->text.len; i++) {
		uint8_t byte = (uint8_t)literal->text.data[i];
		uint32_t next = follow(automaton, state, byte);

		state = next ? next : add_edge(automaton, state, byte);
	}
	automaton->states[state].found = literal->target + 1;
}

/* The longest proper end of the text that leads from the root to a state; its state. */
static uint32_t fail_of(const struct automaton *automaton, uint32_t parent, uint8_t byte)
{
	uint32_t state = parent, next = 0;

	while (state && !next) {
		state = automaton->states[state].fail;
		next = follow(automaton, state, byte);
	}
	return next;
}

/* Where each state comes from; states are numbered parents first, but not by depth. */
struct origin {
	uint32_t parent, depth;
	uint8_t byte;
};

/* By depth, as a fail leads to a lesser depth. */
static bool link_states(struct automaton *automaton, struct origin *origins, struct arena *scratch)
{
	uint32_t deepest = 0, *first, *order;

	for (uint32_t i = 0; i <= automaton->edge_mask; i++) {
		const struct edge *edge = &automaton->edges[i];

		if (edge->from)
			origins[edge->to / BYTES] = (struct origin){ edge->from, 0,
								     (uint8_t)edge->to };
	}
	for (uint32_t i = 1; i < automaton->state_count; i++) {
		origins[i].depth = origins[origins[i].parent].depth + 1;
		deepest = MAX(deepest, origins[i].depth);
	}
	first = arena_array(scratch, uint32_t, deepest + 2);
	order = arena_array(scratch, uint32_t, automaton->state_count + 1);
	if (!first || !order)
		return false;
	for (uint32_t i = 0; i < automaton->state_count; i++)
		first[origins[i].depth + 1]++;
	for (uint32_t i = 0; i <= deepest; i++)
		first[i + 1] += first[i];
	for (uint32_t i = 0; i < automaton->state_count; i++)
		order[first[origins[i].depth]++] = i;
	for (uint32_t i = 1; i < automaton->state_count; i++) {
		struct state *state = &automaton->states[order[i]];
		const struct origin *origin = &origins[order[i]];

		state->fail = fail_of(automaton, origin->parent, origin->byte);
		state->next = automaton->states[state->fail].found
				      ? state->fail
				      : automaton->states[state->fail].next;
	}
	return true;
}

/* ---- building: the filter -------------------------------------------------- */

struct gram_count {
	uint64_t gram; /* | 1 << 32; 0: none */
	uint32_t count;
};

struct grams {
	struct gram_count *items;
	uint32_t mask;
};

static uint32_t *count_of(struct grams *grams, uint32_t gram)
{
	uint32_t at = hash_gram(gram) & grams->mask;

	while (grams->items[at].gram && (uint32_t)grams->items[at].gram != gram)
		at = (at + 1) & grams->mask;
	grams->items[at].gram = gram | 1ULL << 32;
	return &grams->items[at].count;
}

static bool count_grams(struct grams *grams, const struct literal *literals, uint32_t count,
			uint32_t size, struct arena *scratch)
{
	uint64_t all = 0;

	for (uint32_t i = 0; i < count; i++)
		all += literals[i].text.len;
	grams->mask = power_of_two(2 * all + 2, 64) - 1;
	grams->items = arena_array(scratch, struct gram_count, (size_t)grams->mask + 1);
	if (!grams->items)
		return false;
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t at = 0; at + size <= literals[i].text.len; at++)
			(*count_of(grams, load_gram(literals[i].text.data + at, size)))++;
	return true;
}

static void put_gram(struct automaton *automaton, uint32_t gram)
{
	uint32_t bit = hash_gram(gram) >> automaton->filter_shift;
	uint32_t at = hash_gram(gram) & automaton->gram_mask;

	automaton->filter[bit / 64] |= 1ULL << (bit % 64);
	while (automaton->grams[at] && (uint32_t)automaton->grams[at] != gram)
		at = (at + 1) & automaton->gram_mask;
	automaton->grams[at] = gram | 1ULL << 32;
}

/* As many grams as a stride has bytes, where the fewest literals have them; late is better. */
static void put_grams(struct automaton *automaton, const struct literal *literal,
		      struct grams *grams)
{
	uint32_t last = literal->text.len - automaton->gram - automaton->stride + 1;
	uint32_t best = 0, best_count = UINT32_MAX;

	for (uint32_t from = 0; from <= last; from++) {
		uint32_t count = 0;

		for (uint32_t i = 0; i < automaton->stride; i++)
			count += *count_of(
				grams, load_gram(literal->text.data + from + i, automaton->gram));
		if (count <= best_count) {
			best = from;
			best_count = count;
		}
	}
	for (uint32_t i = 0; i < automaton->stride; i++)
		put_gram(automaton, load_gram(literal->text.data + best + i, automaton->gram));
}

static bool make_filter(struct automaton *automaton, const struct literal *literals, uint32_t count,
			uint32_t gram, struct arena *arena, struct arena *scratch)
{
	uint32_t shortest = UINT32_MAX, bits;
	struct grams grams;

	for (uint32_t i = 0; i < count; i++)
		shortest = MIN(shortest, literals[i].text.len);
	automaton->gram = gram;
	automaton->stride = MIN(shortest - gram + 1, (uint32_t)STRIDE_MAX);
	bits = power_of_two((uint64_t)count * automaton->stride * FILTER_PER_GRAM, FILTER_BITS_MIN);
	bits = MIN(bits, (uint32_t)FILTER_BITS_MAX);
	automaton->filter_shift = 32 - (uint32_t)__builtin_ctz(bits);
	automaton->gram_mask = power_of_two(2ULL * count * automaton->stride, 64) - 1;
	automaton->filter = arena_array(arena, uint64_t, bits / 64);
	automaton->grams = arena_array(arena, uint64_t, (size_t)automaton->gram_mask + 1);
	if (!automaton->filter || !automaton->grams ||
	    !count_grams(&grams, literals, count, gram, scratch))
		return false;
	for (uint32_t i = 0; i < count; i++)
		put_grams(automaton, &literals[i], &grams);
	return true;
}

/* ---- building: all --------------------------------------------------------- */

static struct automaton *automaton_new(const struct literal *literals, uint32_t count,
				       uint32_t gram, struct arena *arena, struct arena *scratch)
{
	struct automaton *automaton = arena_new(arena, struct automaton);
	uint64_t bytes = 1;
	struct origin *origins;

	for (uint32_t i = 0; i < count; i++)
		bytes += literals[i].text.len;
	if (!automaton || bytes >= STATES_MAX)
		return NULL;
	automaton->edge_mask = power_of_two(2 * bytes, 64) - 1;
	automaton->edges = arena_array(arena, struct edge, (size_t)automaton->edge_mask + 1);
	automaton->states = arena_array(arena, struct state, bytes + 1);
	origins = arena_array(scratch, struct origin, bytes + 1);
	automaton->state_count = 1;
	if (!automaton->edges || !automaton->states || !origins)
		return NULL;
	for (uint32_t i = 0; i < count; i++)
		add_literal(automaton, &literals[i]);
	for (uint32_t byte = 0; byte < BYTES; byte++)
		origins[automaton->root[byte]] = (struct origin){ .byte = (uint8_t)byte };
	return link_states(automaton, origins, scratch) &&
			       make_filter(automaton, literals, count, gram, arena, scratch)
		       ? automaton
		       : NULL;
}

static void add_short(struct search *search, const struct literal *literal)
{
	uint8_t byte;

	if (!literal->text.len) {
		search->has_empty = true;
		search->empty_target = literal->target;
		return;
	}
	byte = (uint8_t)literal->text.data[0];
	search->has_bytes = true;
	search->bytes[byte / 64] |= 1ULL << (byte % 64);
	search->byte_targets[byte] = literal->target;
}

static struct search *build(const struct literal *literals, uint32_t count, struct arena *arena,
			    struct arena *scratch)
{
	struct search *search = arena_new(arena, struct search);
	struct literal *few = arena_array(scratch, struct literal, count + 1);
	struct literal *many = arena_array(scratch, struct literal, count + 1);
	uint32_t few_count = 0, many_count = 0;

	if (!search || !few || !many)
		return NULL;
	for (uint32_t i = 0; i < count; i++) {
		if (literals[i].text.len < GRAM_SHORT)
			add_short(search, &literals[i]);
		else if (literals[i].text.len < GRAM_LONG)
			few[few_count++] = literals[i];
		else
			many[many_count++] = literals[i];
	}
	if (few_count)
		search->few = automaton_new(few, few_count, GRAM_SHORT, arena, scratch);
	if (many_count)
		search->many = automaton_new(many, many_count, GRAM_LONG, arena, scratch);
	return (few_count && !search->few) || (many_count && !search->many) ? NULL : search;
}

struct search *search_new(const struct literal *literals, uint32_t count, struct arena *arena)
{
	struct arena scratch = { .limit = 0 };
	struct search *search = build(literals, count, arena, &scratch);

	arena_free(&scratch);
	return search;
}
