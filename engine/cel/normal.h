/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The normal form of a condition, for the index: a conjunction of clauses, each a
 * disjunction of atoms (a subject compared with a constant). normal*.c write it while the tree
 * exists, index*.c read it.
 *
 * Invariant: the program's value is true if and only if every clause is true, false if one is
 * false, and else an error.
 */
#ifndef CEL_NORMAL_H
#define CEL_NORMAL_H

#include "internal.h"

enum {
	NORMAL_ATOMS_MAX = 4096,  /* of a condition */
	NORMAL_NODES_MAX = 20000, /* that expanding macros over constant lists may make */
	NORMAL_KEY_MAX = 16384,	  /* bytes of a subject's key; longer: it is not shared */
	NORMAL_CHAIN_MAX = 32,	  /* selections of a subject, one inside the other */
	NORMAL_LOCALS_MAX = 32,
	NORMAL_NOWHERE = UINT32_MAX, /* place of a node that was put in for a variable */
};

enum subject_kind {
	SUBJECT_SLOT,
	SUBJECT_VARIABLE,
	SUBJECT_FIELD,	 /* of a message whose type is known */
	SUBJECT_SELECT,	 /* of anything else */
	SUBJECT_PROGRAM, /* any expression */
	SUBJECT_GETTER,	 /* of a guard */
};

/* What atoms speak of: an expression without free variables. */
struct normal_subject {
	uint8_t kind;  /* enum subject_kind */
	bool stable;   /* one value per event, whenever it is asked for */
	uint16_t cost; /* to evaluate it, in ns */
	uint16_t chain;
	const struct normal_subject *parent; /* of FIELD and SELECT */
	union {
		uint32_t slot;
		const struct variable *variable;
		const struct cel_field *field;
		const struct str *name;
		const struct cel_program *program;
		struct {
			cel_get_fn get;
			const void *data;
		};
	};
	struct str key; /* equal keys: equal values; data == NULL: nothing equals it */
	struct str text;
};

enum atom_kind {
	ATOM_EQUAL,
	ATOM_TRUTH, /* the subject is bool and this; anything else is an error */
	ATOM_PREFIX,
	ATOM_SUFFIX,
	ATOM_CONTAINS,
	ATOM_LESS,
	ATOM_LESS_EQUAL,
	ATOM_GREATER,
	ATOM_GREATER_EQUAL,
	ATOM_MASKED,  /* (subject & mask) == constant */
	ATOM_PRESENT, /* hasData */
	ATOM_KIND_COUNT
};

struct normal_atom {
	const struct normal_subject *subject;
	uint8_t kind; /* enum atom_kind */
	bool negated; /* true when the comparison is false; an error stays one */
	bool total;   /* MASKED: no error for what is no number, but `otherwise` */
	bool otherwise;
	struct value constant;
	uint64_t mask;
};

struct normal_clause {
	const struct normal_atom *atoms;    /* if the clause is true, one of these is */
	uint32_t count;			    /* 0: nothing is known */
	bool exact;			    /* and the clause is what they say, or-ed */
	bool negated;			    /* exact: the clause is true when none of them is */
	bool want;			    /* what `whole` must be */
	const struct normal_subject *whole; /* where atoms are not exact; NULL: they are */
	struct str text;
};

struct cel_normal {
	struct normal_clause *clauses;
	uint32_t count;
	bool constant, value; /* it is `value` whatever the event is */
};

/* Of a checked and folded tree, for its program. NULL: out of memory. */
const struct cel_normal *normal_make(struct compile *compile, struct node *root,
				     const struct cel_program *program);

/* ---- between the normal's files ---------------------------------------------- */

struct normalizer {
	struct compile *compile;
	const struct cel_program *program;
	const struct node *root;
	uint32_t atoms, nodes; /* made so far */
	bool failed;	       /* out of memory */
};

/* normal_key.c: appends what tells the expression from all others. False: too long, or too deep. */
bool normal_key(struct buf *out, const struct node *node);
void normal_key_value(struct buf *out, struct value value);
/* A copy of the tree in which the variable is another tree. NULL: too large, or no memory. */
struct node *normal_substitute(struct normalizer *normalizer, struct node *node,
			       const struct local *local, struct node *by);

/* The source of the whole subtree, copied; data == NULL: no memory. */
struct str normal_text(struct normalizer *normalizer, const struct node *node);

/* normal_subject.c; NULL: no memory, or it has no program of its own. */
const struct normal_subject *normal_subject_of(struct normalizer *normalizer, struct node *node);
/* The node is subject-compared-with-constant, true when it is `want`. */
bool normal_atom_of(struct normalizer *normalizer, struct node *node, bool want,
		    struct normal_atom *out);

/* normal_regex.c: literals one of which is in every text that matches. */
struct normal_literals {
	struct value items[NORMAL_LOCALS_MAX];
	uint8_t kinds[NORMAL_LOCALS_MAX]; /* enum atom_kind */
	uint32_t count;
	bool exact; /* and every text that has one matches */
};
bool normal_regex(struct arena *arena, struct str pattern, uint64_t *effort,
		  struct normal_literals *out);

/* How likely an atom is true, 0 to 1000, knowing nothing of the events. */
uint32_t normal_chance(const struct normal_atom *atom);

#endif
