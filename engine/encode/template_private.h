/* SPDX-License-Identifier: Apache-2.0 */
/* What the parser, the interpreter and the functions of templates share. */
#ifndef ENCODE_TEMPLATE_PRIVATE_H
#define ENCODE_TEMPLATE_PRIVATE_H

#include "encode/template.h"
#include "encode/text.h"

enum { TEMPLATE_VARIABLES = 64, TEMPLATE_DEPTH = 64, TEMPLATE_ARGS = 16 };

/* ---- values -------------------------------------------------------------------------- */

enum tv_kind { TV_NIL, TV_BOOL, TV_INT, TV_FLOAT, TV_TEXT, TV_TIME, TV_NODE, TV_LIST };

struct tv_list;

struct tv {
	uint8_t kind;
	bool whole; /* TEXT: printed as it is: of the template itself, or JSON */
	union {
		bool b;
		int64_t i; /* TIME: epoch ns */
		double d;
		struct str text;
		const struct json *node; /* an array or object */
		const struct tv_list *list;
	};
};

struct tv_list {
	uint32_t count;
	struct tv items[];
};

/* ---- the program --------------------------------------------------------------------- */

struct run;

struct function {
	const char *name;
	uint8_t least, most; /* arguments; most 255: any number */
	struct tv (*call)(struct run *run, const struct tv *args, uint32_t count);
};

const struct function *template_function(struct str name);
/* Tables of them, each with a NULL name at its end; NULL at the end of the tables. */
extern const struct function *const template_functions[];
extern const struct function template_text_functions[];

enum operand_kind { OPERAND_LITERAL, OPERAND_DOT, OPERAND_VARIABLE, OPERAND_PIPE, OPERAND_CALL };

struct pipe;

struct operand {
	uint8_t kind;
	struct tv literal;
	uint32_t variable;
	const struct function *function;
	const struct pipe *pipe;  /* in parentheses */
	const struct str *fields; /* .A.B behind it */
	uint32_t field_count;
};

struct command {
	struct operand *operands; /* the first may be a function, the rest are arguments */
	uint32_t count;
};

struct pipe {
	struct command *commands;
	uint32_t count;
	int index, value; /* variables it sets, -1 none; index: the first of two in range */
};

enum node_kind { NODE_TEXT, NODE_PRINT, NODE_IF, NODE_RANGE, NODE_WITH };

struct node {
	uint8_t kind;
	struct str text;
	const struct pipe *pipe;
	struct node *then, *otherwise; /* lists */
	struct node *next;
};

struct template
{
	struct node *nodes;
	uint32_t variable_count;
};

/* ---- running ------------------------------------------------------------------------- */

struct run {
	struct arena *arena;
	struct sheet sheet; /* where it prints */
	const struct json *event;
	uint64_t time;
	unsigned depth;
	uint64_t steps; /* left: a template ends */
	struct tv variables[TEMPLATE_VARIABLES];
};

static inline struct tv tv_nil(void)
{
	return (struct tv){ .kind = TV_NIL };
}
static inline struct tv tv_bool(bool b)
{
	return (struct tv){ .kind = TV_BOOL, .b = b };
}
static inline struct tv tv_int(int64_t i)
{
	return (struct tv){ .kind = TV_INT, .i = i };
}
static inline struct tv tv_float(double d)
{
	return (struct tv){ .kind = TV_FLOAT, .d = d };
}
static inline struct tv tv_text(struct str text)
{
	return (struct tv){ .kind = TV_TEXT, .text = text };
}

struct tv tv_of_json(const struct json *node);
bool tv_true(const struct tv *value);
/* As print writes it, in the arena if it is not text already. */
struct str tv_string(struct run *run, const struct tv *value);
/* Elements of a list or array, members of an object; 0 for others. */
uint32_t tv_length(const struct tv *value);
/* Element i; members: their value, and *key (may be NULL) their name. */
struct tv tv_at(const struct tv *value, uint32_t i, struct str *key);
/* One after the other: zeroed to begin with. False: no more. *key as for tv_at. */
struct tv_each {
	uint32_t i;
	const struct json *item;
};
bool tv_next(const struct tv *value, struct tv_each *each, struct tv *out, struct str *key);
/* A member by its Go name (HostPid) or JSON name (host_pid). */
struct tv tv_field(const struct tv *value, struct str name);
/* Do the two names mean the same member? */
bool template_same_name(struct str a, struct str b);
/* The whole number a value stands for, 0 if none. */
int64_t template_integer(struct run *run, const struct tv *value);
/* A text of the buf's bytes. */
struct tv template_own(struct run *run, const struct buf *text);
/* A list of copies of the items. */
struct tv template_list(struct run *run, const struct tv *items, uint32_t count);
/* Text in the arena; when memory is out, an empty one. */
struct str template_copy(struct run *run, const char *data, size_t len);

/* For files that define functions. */
#ifdef TEMPLATE_CALLS
#define CALL(name) static struct tv name(struct run *run, const struct tv *args, uint32_t count)
#define UNUSED	   ((void)run, (void)args, (void)count)
#define TEXT(i)	   tv_string(run, &args[i])
#endif

#endif
