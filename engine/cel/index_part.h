/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the index share.
 *
 * index_build.c numbers subjects, atoms and clauses so that equal ones are one, index_choose.c
 * picks for each rule the test that finds it, index_probe.c makes the tables of these tests
 * and asks them (index_text.c, index_search.c, index_number.c), index_match.c runs the rest of
 * a rule's tests, index_explain.c tells people.
 *
 * A "target" is a test that finds rules. Invariant: a rule that holds is found by one of its
 * targets, or is in the list of those that are always tried.
 */
#ifndef CEL_INDEX_PART_H
#define CEL_INDEX_PART_H

#include "index.h"
#include "normal.h"
#include "vm.h"

enum { INDEX_NONE = UINT32_MAX };

/* Called for each target that is met. False: it was met before on this event. */
typedef bool (*hit_fn)(void *ctx, uint32_t target);

/* ---- interning (index_intern.c) ------------------------------------------- */

struct interner {
	struct arena *arena; /* of the keys and the table: needed while building only */
	struct interned {
		uint64_t hash;
		struct str key;
	} * entries;
	uint32_t count, capacity;
	uint32_t *slots; /* entry + 1 */
	uint32_t slot_count;
};

/* The number of the key, from 0; a new key gets the next. INDEX_NONE: no memory. */
uint32_t intern(struct interner *interner, struct str key);
/* The same of a key that is there; INDEX_NONE: it is not. */
uint32_t intern_find(const struct interner *interner, struct str key);
uint64_t index_hash(const void *data, size_t len);

/* Doubles an array in arena when count is a power of two; NULL: no memory. */
void *index_grow(struct arena *arena, void *items, uint32_t count, size_t size);

/* ---- texts: equal, prefix, suffix (index_text.c) -------------------------- */

struct literal {
	struct str text;
	uint8_t kind; /* enum atom_kind */
	uint32_t target;
};

struct text_table;
/* NULL: no memory. Literals are distinct; their texts must live as long. */
struct text_table *text_table_new(const struct literal *literals, uint32_t count,
				  struct arena *arena);
void text_table_probe(const struct text_table *table, struct str text, hit_fn hit, void *ctx);

/* ---- texts: contains (index_search.c) ------------------------------------- */

struct search;
/* The same of ATOM_CONTAINS alone. */
struct search *search_new(const struct literal *literals, uint32_t count, struct arena *arena);
void search_probe(const struct search *search, struct str text, hit_fn hit, void *ctx);

/* ---- numbers (index_number.c) --------------------------------------------- */

/* Whole numbers from low to high; high INT64_MAX also stands for all above it. */
struct interval {
	int64_t low, high;
	uint32_t target;
};

struct bit_test {
	uint64_t mask, bits; /* (x & mask) == bits, or not if `other` */
	bool other;
	uint32_t target;
};

struct number_equal {
	uint64_t bits;
	bool negative;
	uint32_t target;
};

struct number_table;
struct number_tests {
	struct number_equal *equals;
	struct interval *intervals;
	struct bit_test *bits;
	uint32_t equal_count, interval_count, bit_count;
};
struct number_table *number_table_new(const struct number_tests *tests, struct arena *arena);
/* An int or a uint. */
void number_table_probe(const struct number_table *table, struct value value, hit_fn hit,
			void *ctx);
/* The numbers for which the atom is true; false: it cannot be said so. */
bool interval_of(const struct normal_atom *atom, struct interval *out);
/* It can be sorted by a bit that it needs. */
bool bit_test_fits(const struct bit_test *test);
/* What equals the constant among int and uint; false: that is not one number. */
bool number_of_constant(struct value constant, uint64_t *bits, bool *negative);

/* ---- the index ------------------------------------------------------------ */

struct index_subject {
	const struct normal_subject *normal;
	uint32_t parent;
	uint32_t slot; /* of SUBJECT_SLOT */
	uint8_t kind;
	bool stable;
};

struct index_atom {
	struct normal_atom normal;
	uint32_t subject;
};

struct index_clause {
	const struct normal_clause *normal;
	uint32_t first, count; /* in index->clause_atoms */
	uint32_t whole;	       /* subject; INDEX_NONE: the atoms say it all */
	uint16_t cost;
	bool memo; /* worth remembering */
	struct choice *choice;
};

struct index_step {
	uint32_t clause;
	uint32_t atom; /* the clause is this atom; INDEX_NONE: it is more */
	uint16_t condition;
	bool answered; /* it is what found the rule, and true */
};

enum access {
	ACCESS_ALWAYS, /* tried on every event */
	ACCESS_CLAUSE,
	ACCESS_INTERVAL,
	ACCESS_GUARD,
};

struct index_rule {
	uint32_t first_step, step_count;
	uint8_t access;
	uint32_t subject;      /* INTERVAL, GUARD */
	uint32_t clause;       /* CLAUSE */
	uint32_t guard;	       /* GUARD: number among the rule's */
	struct interval range; /* INTERVAL */
	uint32_t condition_count;
	const struct cel_rule *source;
};

/* A test that finds rules. */
struct target {
	uint32_t subject;
	uint32_t twin; /* met together with this one; INDEX_NONE: none */
	bool range, guard;
	bool shadowed; /* it is a twin, and in no table itself */
	struct interval interval;
	struct normal_atom atom;
	uint32_t *rules;
	uint32_t count;
};

struct target_list {
	uint32_t *items;
	uint32_t count;
};

/* All targets on one subject. */
struct probe {
	uint32_t subject;
	uint32_t rules; /* that are found by it */
	struct text_table *text;
	struct search *search;
	struct number_table *numbers;
	struct target_list trues, falses, nulls, present; /* met by what their names say */
	struct target_list numerics;			  /* those in `numbers`, for doubles */
	struct target_list odd_texts;			  /* guards on text, for what is no text */
	struct target_list odd_numbers; /* guards on numbers, for what is no int or uint */
	struct target_list others;	/* what no table holds */
	struct target_list all;		/* of a computed subject, for when that is an error */
};

struct word {
	uint32_t at;
	uint64_t bits;
};

struct cel_index {
	struct index_subject *subjects;
	struct index_atom *atoms;
	struct index_clause *clauses;
	uint32_t *clause_atoms;
	struct index_step *steps;
	struct index_rule *rules;
	struct target *targets;
	struct probe *probes;
	struct word *always; /* rules that are tried on every event */
	uint32_t subject_count, atom_count, clause_count, step_count, rule_count;
	uint32_t target_count, probe_count, always_count;
};

struct builder {
	struct cel_index *index;
	struct arena *arena;   /* of the index */
	struct arena *scratch; /* of building it */
	const struct cel_rule *rules;
	uint32_t rule_count;
	struct interner subjects, atoms, clauses, targets;
	uint32_t clause_atom_count;
};

/* index_build.c */
uint32_t builder_subject(struct builder *builder, const struct normal_subject *normal);
/* index_choose.c: sets the access of every rule and makes the targets. 0 or -ENOMEM. */
int index_choose(struct builder *builder);
/* A table can hold the atom, so that it costs nothing while it is not met. */
bool index_fits_table(const struct normal_atom *atom);
/* index_probe.c */
int index_probes(struct builder *builder);
void probe_run(struct cel_match *match, const struct probe *probe);

/* ---- matching ------------------------------------------------------------- */

struct cel_match {
	const struct cel_index *index;
	struct cel_run *run;
	uint32_t generation; /* of the event: what carries another number is of an older one */
	uint32_t stamp_counts[3];
	uint32_t *subject_stamps, *clause_stamps, *target_stamps;
	struct value *values;	   /* of subjects */
	uint8_t *verdicts;	   /* of clauses */
	uint64_t *words, *summary; /* the rules to try; summary: words that are not 0 */
	uint32_t at;		   /* in summary */
	bool unsure;		   /* some rules were found without a test being met */
};

/* The same of one that is more than a slot. */
const struct value *match_computed(struct cel_match *match, uint32_t subject);
/* The value of a subject on this event, worked out if it was not yet. */
static inline const struct value *match_value(struct cel_match *match, uint32_t number)
{
	const struct index_subject *subject = &match->index->subjects[number];

	return subject->kind == SUBJECT_SLOT ? run_slot(match->run, subject->slot)
					     : match_computed(match, number);
}
enum cel_verdict match_atom(struct cel_match *match, const struct normal_atom *atom,
			    const struct value *value);
bool match_hit(void *match, uint32_t target);

/* index_choice.c: one of many atoms on the same subject, by tables. */
enum { CHOICE_MIN = 6 }; /* fewer atoms are as fast one by one */

struct choice {
	uint32_t subject;
	bool wants_text; /* what is no text is an error */
	struct text_table *text;
	struct search *search;
	struct number_table *numbers;
};
/* *out stays NULL where tables do not pay. 0 or -ENOMEM. */
int choice_new(struct builder *builder, const struct index_clause *clause, struct choice **out);
/* Doubles are compared one by one. */
bool choice_knows(const struct value *value);
enum cel_verdict choice_test(const struct choice *choice, const struct value *value);

#endif
