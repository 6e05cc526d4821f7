/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions: RE2's language as Go has it, on an automaton of our own over code
 * points, so that a byte that is no UTF-8 is one U+FFFD exactly as in Go, and time is linear
 * in the subject whatever the pattern.
 *
 * regex_class.c sets of code points, regex_parse.c pattern -> tree, regex_build.c tree ->
 * instructions -> table of states, regex_run.c matching, regex_search.c finding groups.
 */
#ifndef CEL_REGEX_H
#define CEL_REGEX_H

#include "internal.h"

enum { RUNE_MAX = 0x10ffff, REGEX_REPEAT_MAX = 1000, REGEX_GROUPS_MAX = 100 };

/* ---- sets of code points -------------------------------------------------- */

struct range {
	uint32_t first, last;
};

/* Sorted and disjoint after class_clean. */
struct class
{
	struct arena *arena;
	struct range *ranges;
	uint32_t count, capacity;
	uint64_t *effort; /* ranges that may still be added */
	bool failed;	  /* out of memory or of effort */
	uint32_t number;  /* regex_build.c: its number and 1; 0: it has none yet */
};

void class_add(struct class *class, uint32_t first, uint32_t last);
void class_add_class(struct class *class, const struct class *other);
void class_clean(struct class *class);
void class_negate(struct class *class); /* cleans */
/* Adds all that differ from a member only by case; cleans. */
void class_fold(struct class *class);
bool class_has(const struct class *class, uint32_t rune);
/* Adds the category or script (L, Lu, Greek); false: there is none of the name. */
bool class_add_property(struct class *class, struct str name);

/* ---- the tree ------------------------------------------------------------- */

enum regex_kind {
	REGEX_EMPTY,
	REGEX_CLASS,  /* one code point */
	REGEX_ASSERT, /* a place */
	REGEX_CONCAT,
	REGEX_ALTERNATE,
	REGEX_REPEAT,
	REGEX_GROUP, /* capturing */
};

enum regex_assert {
	ASSERT_BEGIN_TEXT = 1,
	ASSERT_END_TEXT = 2,
	ASSERT_BEGIN_LINE = 4,
	ASSERT_END_LINE = 8,
	ASSERT_WORD = 16,
	ASSERT_NO_WORD = 32,
};

struct regex_node {
	uint8_t kind;
	uint8_t assert; /* enum regex_assert */
	bool lazy;
	uint16_t depth;
	int32_t min, max; /* repeat; max -1: no limit */
	int32_t copies;	  /* repeat_product, once asked for; 0: not yet */
	uint32_t group;
	struct class *class;
	struct regex_node *first; /* child; of CONCAT and ALTERNATE the first of a list */
	struct regex_node *next;  /* sibling */
};

struct regex_tree {
	struct regex_node *root;
	uint32_t groups;
};

/* False: not in the language; *problem says what it has, *at where. */
bool regex_parse(struct arena *arena, struct str pattern, uint64_t *effort, struct regex_tree *out,
		 const char **problem, uint32_t *at);

/* ---- instructions and states ---------------------------------------------- */

enum regex_opcode {
	REGEX_OP_CHAR,	/* a code point of the class, then out */
	REGEX_OP_SPLIT, /* out, or else other */
	REGEX_OP_ASSERT,
	REGEX_OP_SAVE,
	REGEX_OP_MATCH,
};

struct regex_op {
	uint8_t opcode;
	uint8_t assert;
	uint16_t class; /* number of the set */
	uint32_t out, other;
	uint32_t save; /* position to save */
};

enum { REGEX_ASCII = 128, STATE_DEAD = 0, STATE_MATCH = 1, STATE_FIRST = 2 };

/* What stood before a position, as far as assertions care. */
enum regex_before { BEFORE_OTHER, BEFORE_START, BEFORE_NEWLINE, BEFORE_WORD };

struct regex {
	struct regex_op *ops;
	uint32_t op_count, start; /* start: with the loop over what precedes the match */
	uint32_t anchored_start;  /* of the pattern itself */
	uint32_t groups;
	uint8_t asserts; /* those that occur, enum regex_assert */
	/* Code points that no class tells apart are one symbol; one more is the end. */
	uint32_t symbols;
	uint8_t ascii[REGEX_ASCII];
	uint32_t *starts; /* first code point of each interval, ascending */
	uint8_t *interval_symbols;
	uint32_t intervals;
	uint64_t *members; /* of each class, a bitmap of symbols: class * words + symbol / 64 */
	uint32_t words;
	uint8_t newline, *is_word; /* symbol of \n; per symbol */
	/*
	 * For each state symbols + 1 entries: where the next state's entries begin. NULL: too many
	 * states, the ops are run instead.
	 */
	uint16_t *table;
	uint32_t table_start;
};

/* Sets of ops while stepping; made once per build or run. */
struct regex_set {
	uint32_t *items, *where; /* sparse set: where[op] is its index in items */
	uint32_t count;
};

struct regex_scratch {
	struct regex_set now, closed;
	uint32_t *stack;
};

bool regex_scratch_new(struct arena *arena, const struct regex *regex, struct regex_scratch *out);
void regex_set_add(struct regex_set *set, uint32_t op);
bool regex_set_has(const struct regex_set *set, uint32_t op);
/*
 * One step from scratch->now on a symbol (regex->symbols: the end): 1 a match was complete
 * before it, 0 none; scratch->now is what follows. *before is moved on.
 */
int regex_step(const struct regex *regex, struct regex_scratch *scratch, uint32_t symbol,
	       enum regex_before *before);
/* Which assertions hold between `before` and the symbol. */
uint8_t regex_holds(const struct regex *regex, enum regex_before before, uint32_t symbol);
bool regex_takes(const struct regex *regex, const struct regex_op *op, uint32_t symbol);

static inline uint32_t regex_symbol(const struct regex *regex, uint32_t rune)
{
	uint32_t low = 0, high = regex->intervals;

	if (rune < REGEX_ASCII)
		return regex->ascii[rune];
	while (high - low > 1) {
		uint32_t middle = (low + high) / 2;

		if (regex->starts[middle] <= rune)
			low = middle;
		else
			high = middle;
	}
	return regex->interval_symbols[low];
}

/*
 * Leftmost match at or after `from`, as Go chooses it. places: 2 * (groups + 1) byte offsets,
 * UINT32_MAX for a group that took no part. 1 found, 0 not, -1 budget or memory ran out.
 */
int regex_search(const struct regex *regex, struct cel_run *run, struct str subject, uint32_t from,
		 uint32_t *places);

#endif
