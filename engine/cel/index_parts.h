/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the index. */
#ifndef CEL_INDEX_PARTS_H
#define CEL_INDEX_PARTS_H

#include "index.h"
#include "internal.h"

enum { CLAUSES_MAX = 16 }; /* alternatives of a rule; more are left to evaluation */

/* ---- what rules are made of (index_terms.c) ------------------------------- */

/* A distinct expression: a field, or anything that is computed once per event. */
struct attribute {
	struct str text;
	int64_t slot; /* -1: not a field but program */
	const struct cel_program *program;
	uint32_t next; /* of the bucket; UINT32_MAX: last */
};

enum { ATTRIBUTE_BUCKETS = 4096 };

enum test_kind {
	TEST_TRUE,   /* is the bool true */
	TEST_EQUAL,  /* equals one of the values */
	TEST_PREFIX, /* begins with one of them */
	TEST_SUFFIX,
	TEST_CONTAINS,
	TEST_MATCHES, /* the regex */
	TEST_LESS,
	TEST_LESS_EQUAL,
	TEST_GREATER,
	TEST_GREATER_EQUAL,
	TEST_BITS, /* math.bitAnd(attribute, values[0]) == values[1] */
};

struct test {
	uint8_t kind;
	bool negate;   /* true where the other is false; an error is neither */
	bool of_texts; /* EQUAL made of a pattern: what is no text is an error */
	uint32_t attribute;
	uint32_t count;
	const struct value *values;
	const struct regex *regex;
	const struct test *hint; /* of MATCHES: must be true as well, and can be looked up */
};

/* An alternative: all its tests are true. */
struct clause {
	uint32_t rule;
	uint32_t count;
	struct test *tests; /* the one that is looked up is the first */
	bool exact;	    /* a hit of the look-up says all about the first */
	bool loose;	    /* none can be looked up */
};

struct clauses {
	struct clause *items;
	uint32_t count, capacity;
};

/* Adds the alternatives of a rule. False: compile->err says why. */
bool terms_collect(struct cel_index *index, struct compile *compile, struct node *const *roots,
		   uint32_t count, uint32_t rule);
/* 1 true, 0 false, -1 an error. */
int test_value(const struct test *test, struct cel_run *run, struct value v);
void test_print(const struct cel_index *index, const struct test *test, struct buf *out);
/* What a text must begin with, end with, contain or be for the pattern to match; false: nothing. */
bool regex_literal(struct arena *arena, struct str pattern, enum test_kind *kind,
		   struct str *literal, bool *exact);

/* ---- look-ups ------------------------------------------------------------- */

/* Clauses that a key leads to: postings[from] to postings[from + count - 1]. */
struct postings {
	uint32_t from, count;
};

/* A list of (key, clause) while the index is built. */
struct pair {
	struct str text;
	uint64_t number;
	uint32_t clause;
};

struct pairs {
	struct pair *items;
	uint32_t count, capacity;
};

/* False: out of memory. */
bool pairs_add(struct pairs *pairs, struct str text, uint64_t number, uint32_t clause);

/* index_trie.c: prefixes of a text; reversed: suffixes. */
struct trie;
const struct trie *trie_build(struct cel_index *index, struct pairs *pairs, bool reversed);
/* index_scan.c: texts that occur in a text. */
struct scan;
const struct scan *scan_build(struct cel_index *index, struct pairs *pairs);

struct run_state;
/* Called for each list of clauses that a look-up leads to. */
typedef void (*hit_fn)(struct run_state *state, struct postings postings);
void trie_find(const struct trie *trie, struct str text, struct run_state *state, hit_fn hit);
void scan_find(const struct scan *scan, struct str text, struct run_state *state, hit_fn hit);

struct key_table {
	uint32_t mask; /* UINT32_MAX: empty */
	struct key_entry {
		struct str text; /* of texts */
		uint64_t number; /* of numbers; texts: their hash */
		struct postings postings;
	} * entries;
};

/* Numbers that are more, or less, than a limit; sorted so that those that hold come first. */
struct limits {
	int64_t *numbers;
	uint32_t *clauses;
	uint32_t count;
};

static inline uint32_t key_hash_number(uint64_t number)
{
	number *= 0x9e3779b97f4a7c15u;
	return (uint32_t)(number >> 32);
}

/* The length, the first and the last eight bytes: enough to tell paths apart. */
static inline uint32_t key_hash_text(struct str text)
{
	uint64_t first = 0, last = 0;

	if (LIKELY(text.len >= 8)) {
		memcpy(&first, text.data, 8);
		memcpy(&last, text.data + text.len - 8, 8);
	} else if (text.len) {
		memcpy(&first, text.data, text.len);
	}
	first = (first + text.len) * 0x9e3779b97f4a7c15u;
	return key_hash_number(first ^ last * 0xc2b2ae3d27d4eb4fu ^ first >> 29);
}

enum { BITS_PER_NUMBER = 64 };

/* All look-ups of one attribute. */
struct access {
	uint32_t attribute;
	struct key_table texts, numbers;
	struct postings if_true, if_false, if_null;
	const struct trie *prefixes, *suffixes;
	const struct scan *parts;
	struct limits above, below;
	struct postings *bits; /* BITS_PER_NUMBER of them; NULL: none */
	struct postings odd;   /* to be tested where the value is a double */
};

struct cel_index {
	const struct cel_env *env;
	struct arena arena;
	struct attribute *attributes;
	uint32_t attribute_count, attribute_capacity;
	uint32_t buckets[ATTRIBUTE_BUCKETS];
	struct clauses clauses;
	uint32_t rules;
	bool built;
	uint32_t *postings;
	uint32_t posting_count, posting_capacity;
	struct access *accesses;
	uint32_t access_count;
	struct postings loose;
	uint32_t *always; /* rules without any test */
	uint32_t always_count;
};

/* Appends the clauses of pairs [from, to) as a list. False: out of memory. */
bool postings_add(struct cel_index *index, const struct pair *pairs, uint32_t count,
		  struct postings *out);
/* A growing array in the arena of the index; items may move. NULL: out of memory. */
void *index_grow(struct arena *arena, void *items, uint32_t count, uint32_t *capacity, size_t size);

#endif
