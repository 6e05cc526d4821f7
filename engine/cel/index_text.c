/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of many texts a subject equals, starts with or ends with.
 *
 * Equality is one hash of the subject, and none if no text has its length. Prefixes are a tree
 * with steps of eight bytes, kept in the same hash table: a node is the hash of the bytes that
 * lead to it and says how many bytes the literals that end within the next step have left. So
 * the cost follows how far the subject goes along with some literal, not their number. Suffixes
 * are the same from the end, bytes reversed.
 *
 * Invariant: a hash only ever finds candidates; what is reported was compared byte by byte.
 */
#include "index_part.h"

enum { STEP = 8, FILTER_BITS_MIN = 512, FILTER_PER_ENTRY = 16, LONG = 63 };

enum entry_kind { EQUAL, PREFIX, SUFFIX, PREFIX_NODE, SUFFIX_NODE };

struct text_entry {
	uint64_t hash;
	const char *text;
	uint32_t len;
	uint32_t target; /* of a node: bit t, literals with t bytes left */
	uint8_t kind;	 /* enum entry_kind */
};

struct text_table {
	struct text_entry *entries;
	uint32_t *slots; /* entry + 1 */
	uint64_t *filter;
	uint32_t count, slot_mask, filter_shift;
	uint64_t lengths;  /* of texts to be equal: bit MIN(len, LONG) */
	uint32_t tails[2]; /* as of a node, of the roots: from the start, from the end */
};

static const uint64_t seeds[] = {
	[EQUAL] = 0x2545f4914f6cdd1dULL,
	[PREFIX] = 0x9e3779b97f4a7c15ULL,
	[SUFFIX] = 0xd6e8feb86659fd93ULL,
};

/* Multiplies to 128 bits and folds. */
static inline uint64_t mix(uint64_t hash, uint64_t word, uint64_t salt)
{
	__uint128_t product = (__uint128_t)(hash ^ word) * (0xa0761d6478bd642fULL + 2 * salt);

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* len < 8 bytes as a little-endian number, reading nothing else. */
static inline uint64_t load_few(const char *at, uint32_t len)
{
	uint32_t low = 0, high = 0;

	if (len >= 4) {
		memcpy(&low, at, 4);
		memcpy(&high, at + len - 4, 4);
		return low | (uint64_t)high << (8 * (len - 4));
	}
	for (uint32_t i = 0; i < len; i++)
		low |= (uint32_t)(unsigned char)at[i] << (8 * i);
	return low;
}

static inline uint64_t load_step(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/* The next bytes from the start or from the end, the next one lowest. */
static inline uint64_t load(struct str text, uint32_t done, bool suffix)
{
	uint32_t rest = text.len - done;

	if (!suffix)
		return rest >= STEP ? load_step(text.data + done)
				    : load_few(text.data + done, rest);
	if (rest >= STEP)
		return __builtin_bswap64(load_step(text.data + rest - STEP));
	return rest ? __builtin_bswap64(load_few(text.data, rest)) >> (8 * (STEP - rest)) : 0;
}

static inline uint64_t low_bytes(uint64_t word, uint32_t count)
{
	return word & ((1ULL << (8 * count)) - 1);
}

static inline uint64_t hash_whole(struct str text)
{
	uint64_t hash = seeds[EQUAL] ^ text.len;
	uint32_t done = 0;

	for (; text.len - done >= STEP; done += STEP)
		hash = mix(hash, load_step(text.data + done), 0);
	return mix(hash, load_few(text.data + done, text.len - done), 1);
}

/* ---- asking --------------------------------------------------------------- */

static bool is_it(const struct text_entry *entry, uint64_t hash, struct str text,
		  enum entry_kind kind)
{
	if (entry->hash != hash || entry->kind != kind)
		return false;
	if (kind >= PREFIX_NODE || !entry->len)
		return kind != EQUAL || !text.len;
	if (kind == EQUAL ? entry->len != text.len : entry->len > text.len)
		return false;
	return memcmp(kind == SUFFIX ? text.data + text.len - entry->len : text.data, entry->text,
		      entry->len) == 0;
}

/* NULL: no such literal, or no such node. */
static inline const struct text_entry *find(const struct text_table *table, uint64_t hash,
					    struct str text, enum entry_kind kind)
{
	uint32_t bit = (uint32_t)(hash >> table->filter_shift);

	if (LIKELY(!(table->filter[bit / 64] >> (bit % 64) & 1)))
		return NULL;
	for (uint32_t at = (uint32_t)hash & table->slot_mask; table->slots[at];
	     at = (at + 1) & table->slot_mask) {
		const struct text_entry *entry = &table->entries[table->slots[at] - 1];

		if (is_it(entry, hash, text, kind))
			return entry;
	}
	return NULL;
}

/* Literals that end within the next step. */
static void probe_tails(const struct text_table *table, struct str text, uint32_t done,
			uint32_t tails, uint64_t hash, uint64_t word, bool suffix, hit_fn hit,
			void *ctx)
{
	uint32_t rest = text.len - done;

	for (tails &= rest >= STEP ? 0xff : (2u << rest) - 1; tails; tails &= tails - 1) {
		uint32_t tail = (uint32_t)__builtin_ctz(tails);
		const struct text_entry *entry = find(table,
						      mix(hash, low_bytes(word, tail), tail + 1),
						      text, suffix ? SUFFIX : PREFIX);

		if (entry)
			hit(ctx, entry->target);
	}
}

static void probe_end(const struct text_table *table, struct str text, bool suffix, hit_fn hit,
		      void *ctx)
{
	uint64_t hash = seeds[suffix ? SUFFIX : PREFIX];
	uint32_t tails = table->tails[suffix];

	for (uint32_t done = 0;; done += STEP) {
		uint64_t word = load(text, done, suffix);
		const struct text_entry *node;

		probe_tails(table, text, done, tails, hash, word, suffix, hit, ctx);
		if (text.len - done < STEP)
			return;
		hash = mix(hash, word, 0);
		node = find(table, hash, text, suffix ? SUFFIX_NODE : PREFIX_NODE);
		if (!node)
			return;
		tails = node->target;
	}
}

/* Bit of a root: some literal is longer than a step. */
enum { LONGER = 1 << STEP };

void text_table_probe(const struct text_table *table, struct str text, hit_fn hit, void *ctx)
{
	if (!text.data)
		text = STR("");
	if (table->lengths >> MIN(text.len, (uint32_t)LONG) & 1) {
		const struct text_entry *entry = find(table, hash_whole(text), text, EQUAL);

		if (entry)
			hit(ctx, entry->target);
	}
	for (int suffix = 0; suffix < 2; suffix++)
		if (table->tails[suffix])
			probe_end(table, text, suffix, hit, ctx);
}

/* ---- building ------------------------------------------------------------- */

static void insert(struct text_table *table, struct text_entry entry)
{
	uint32_t bit = (uint32_t)(entry.hash >> table->filter_shift);
	uint32_t at = (uint32_t)entry.hash & table->slot_mask;

	table->filter[bit / 64] |= 1ULL << (bit % 64);
	while (table->slots[at])
		at = (at + 1) & table->slot_mask;
	table->entries[table->count] = entry;
	table->slots[at] = ++table->count;
}

static struct text_entry *node_of(struct text_table *table, uint64_t hash, bool suffix)
{
	enum entry_kind kind = suffix ? SUFFIX_NODE : PREFIX_NODE;
	struct text_entry *node = (struct text_entry *)find(table, hash, (struct str){ 0 }, kind);

	if (node)
		return node;
	insert(table, (struct text_entry){ .hash = hash, .kind = (uint8_t)kind });
	return &table->entries[table->count - 1];
}

static void add_end(struct text_table *table, const struct literal *literal, bool suffix)
{
	uint64_t hash = seeds[suffix ? SUFFIX : PREFIX];
	uint32_t *tails = &table->tails[suffix], done = 0;
	struct str text = literal->text;

	for (; text.len - done >= STEP; done += STEP) {
		*tails |= LONGER;
		hash = mix(hash, load(text, done, suffix), 0);
		tails = &node_of(table, hash, suffix)->target;
	}
	*tails |= 1u << (text.len - done);
	insert(table, (struct text_entry){
			      .hash = mix(hash, load(text, done, suffix), text.len - done + 1),
			      .kind = suffix ? SUFFIX : PREFIX,
			      .text = text.data,
			      .len = text.len,
			      .target = literal->target });
}

static void add(struct text_table *table, const struct literal *literal)
{
	if (literal->kind != ATOM_EQUAL) {
		add_end(table, literal, literal->kind == ATOM_SUFFIX);
		return;
	}
	table->lengths |= 1ULL << MIN(literal->text.len, (uint32_t)LONG);
	insert(table, (struct text_entry){ .hash = hash_whole(literal->text),
					   .kind = EQUAL,
					   .text = literal->text.data,
					   .len = literal->text.len,
					   .target = literal->target });
}

static uint32_t power_of_two(uint64_t least)
{
	uint32_t size = 1;

	while (size < least)
		size *= 2;
	return size;
}

struct text_table *text_table_new(const struct literal *literals, uint32_t count,
				  struct arena *arena)
{
	struct text_table *table = arena_new(arena, struct text_table);
	uint32_t entries = 0, slots, bits;

	for (uint32_t i = 0; i < count; i++)
		entries += 1 + (literals[i].kind == ATOM_EQUAL ? 0 : literals[i].text.len / STEP);
	slots = power_of_two(2ULL * entries + 1);
	bits = power_of_two(MAX((uint64_t)entries * FILTER_PER_ENTRY, (uint64_t)FILTER_BITS_MIN));
	if (!table)
		return NULL;
	table->entries = arena_array(arena, struct text_entry, entries + 1);
	table->slots = arena_array(arena, uint32_t, slots);
	table->filter = arena_array(arena, uint64_t, bits / 64);
	table->slot_mask = slots - 1;
	table->filter_shift = 64 - (uint32_t)__builtin_ctz(bits);
	if (!table->entries || !table->slots || !table->filter)
		return NULL;
	for (uint32_t i = 0; i < count; i++)
		add(table, &literals[i]);
	return table;
}
