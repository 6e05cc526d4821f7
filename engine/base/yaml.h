/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML as a tree in which every node knows its place in the file, for messages
 * that point at the character that is wrong.
 *
 * Only the first document of a file counts. Anchors, aliases and merge keys are
 * resolved (an alias is the same node again, so the tree may be a graph, never a
 * cycle). A byte order mark and CR LF are fine. Duplicate keys are an error, as are
 * the limits below: no file can make the reader use much memory or time.
 */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include "arena.h"
#include "err.h"

enum {
	YAML_SIZE_MAX = 1024 * 1024, /* bytes of a file */
	YAML_DEPTH_MAX = 64,
	YAML_NODES_MAX = 200000, /* every alias counts as all the nodes it stands for */
};

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };
enum yaml_style { YAML_PLAIN, YAML_SINGLE, YAML_DOUBLE, YAML_LITERAL, YAML_FOLDED };

struct yaml_pair;

struct yaml_node {
	uint8_t kind;	 /* enum yaml_kind */
	uint8_t style;	 /* enum yaml_style, scalars */
	uint8_t depth;	 /* 1 for scalars: levels below and including this node */
	bool null;	 /* a plain scalar that means null: empty, ~, null */
	uint32_t weight; /* nodes in this subtree, aliases counted each time */
	uint32_t line,
		column;	     /* from 1, in characters; where the node (with tag or anchor) starts */
	uint32_t start, end; /* byte range in the text */
	struct str text;     /* scalar: its value, NUL-terminated; "" for null */
	const char *tag;     /* explicit, NULL none */
	uint32_t count;	     /* items or pairs */
	const struct yaml_node *const *items; /* list */
	const struct yaml_pair *pairs;	      /* map, in order; merged pairs last */
};

struct yaml_pair {
	const struct yaml_node *key, *value;
};

struct yaml_file {
	const char *path;
	struct str text;
	const struct yaml_node *root; /* NULL: an empty document */
};

/*
 * Reads text (which must live as long as the tree, as must path). 0 and *out filled;
 * -EINVAL with err filled (place, source line, hint); -ENOMEM.
 */
int yaml_parse(const char *path, struct str text, struct arena *arena, struct yaml_file *out,
	       struct err *err);

/*
 * Reads a whole regular file of at most YAML_SIZE_MAX bytes into the arena. 0 or a negative
 * errno with err filled. For files that are too large the code is -EFBIG.
 */
int yaml_read_file(const char *path, struct arena *arena, struct str *out, struct err *err);

/* The value of a key; NULL if the map lacks it. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

/* Name of what was found, for messages: "a list", "a map", "a string", "nothing". */
const char *yaml_describe(const struct yaml_node *node);

/* true and *out set if the scalar is one of YAML 1.1's words for true and false. */
bool yaml_bool(const struct yaml_node *node, bool *out);

/*
 * Where byte `offset` of a scalar's value stands in the file. Exact for plain and single-quoted
 * scalars and literal blocks; in folded and escaped ones the text is walked in step with its
 * source, which is exact except inside runs of folded white space.
 */
uint32_t yaml_offset(const struct yaml_file *file, const struct yaml_node *scalar, uint32_t offset);

/* Points err at a byte of the text: path, line, column, source line, caret. */
void yaml_err_offset(struct err *err, const struct yaml_file *file, uint32_t offset);
/* The same for a node; NULL: the beginning of the file, or the file alone if it has no text. */
void yaml_err_node(struct err *err, const struct yaml_file *file, const struct yaml_node *node);

#endif
