/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CEL, the language of conditions and outputs: declare an environment, compile
 * expressions against it once, evaluate them many times. Knows no events: what
 * `event` or getEventData("x") mean is declared by the caller in tables.
 *
 * Errors of an expression are compile errors (struct err with line and column) or
 * values (VALUE_ERROR); evaluation itself cannot fail, allocates only from the run's
 * arena and stops at its step budget.
 */
#ifndef CEL_CEL_H
#define CEL_CEL_H

#include "base/arena.h"
#include "base/err.h"
#include "value.h"

struct cel_env;
struct cel_program;
struct cel_run;

/* ---- values beyond value.h ------------------------------------------------ */

struct cel_time {
	int64_t seconds; /* since 1970-01-01T00:00:00Z */
	int32_t nanos;	 /* 0..999999999 */
	int32_t offset;	 /* seconds east of UTC, as written */
};

/* VALUE_MESSAGE: value.object points to one of these (arena or static). */
struct cel_object {
	const struct cel_message *type;
	const void *data; /* handed to the getters; NULL: unset, getters answer defaults */
	const struct value *literal; /* of a message made by an expression; NULL for all others */
};

/* An error value with a message, which lives in run->arena. */
struct value cel_error(struct cel_run *run, const char *format, ...) PRINTF_LIKE(2, 3);

/* ---- declaring an environment --------------------------------------------- */

/*
 * Types are written as in CEL: "bool", "int", "list(string)", "map(string, dyn)",
 * "wrapper(uint)", "google.protobuf.Timestamp", a message's name, "dyn", "A" (variable).
 */

typedef void (*cel_get_fn)(struct cel_run *run, const void *data, struct value *out);

struct cel_field {
	const char *name;
	const char *type;
	cel_get_fn get;		       /* data may be NULL: answer the default */
	bool (*has)(const void *data); /* NULL: has() means "not the default value" */
};

struct cel_message {
	const char *name; /* tracee.v1beta1.Event */
	const struct cel_field *fields;
	uint32_t field_count;
};

typedef void (*cel_call_fn)(struct cel_run *run, const struct value *args, uint32_t count,
			    struct value *out);

/* What may be assumed of a function. */
enum cel_trait {
	CEL_IMPURE,   /* nothing: it may ask stores, whose contents change */
	CEL_PURE,     /* its result depends on its arguments alone */
	CEL_ALL_BITS, /* f(x, mask): pure; (x & mask) == mask of an int or uint, else false */
	CEL_ANY_BITS, /* f(x, mask): pure; (x & mask) != 0 of an int or uint, else false */
};

/*
 * One overload. signature: "(string, string) -> bool" for a global call,
 * "string.(string) -> bool" for a method. Rows of the same name are overloads.
 * doc, example and result feed `spoor list functions` and are run as tests.
 */
struct cel_function {
	const char *name; /* "startsWith", "math.bitAnd", "process.get" */
	const char *signature;
	cel_call_fn call;
	const char *doc;
	const char *example;  /* an expression */
	const char *result;   /* what it evaluates to, as `spoor eval` prints it; NULL: not run */
	enum cel_trait trait; /* of a function of the caller; the library's are all pure */
};

/* How an environment differs from our default. */
enum cel_option {
	/*
	 * What Tracee accepts, nothing more: no extension libraries, no comparison of different
	 * kinds of numbers, fields are dyn, a bad regular expression fails when evaluated.
	 */
	CEL_TRACEE = 1 << 0,
	/* As CEL's own checker: int, uint and double do not compare without conversion. */
	CEL_SAME_NUMBERS = 1 << 1,
	/* No checker: what is wrong is an error of the evaluation. For conformance tests. */
	CEL_UNCHECKED = 1 << 2,
	CEL_NO_MACROS = 1 << 3,
};

/* With the standard library and macros. NULL: out of memory. Free with cel_env_free. */
struct cel_env *cel_env_new(void);
struct cel_env *cel_env_new_with(uint32_t options); /* enum cel_option */
void cel_env_free(struct cel_env *env);
/* Tables are kept by reference and must outlive the env. 0, -EINVAL (bad signature) or -ENOMEM. */
int cel_env_message(struct cel_env *env, const struct cel_message *message);
int cel_env_functions(struct cel_env *env, const struct cel_function *functions, uint32_t count);
/* A variable: read by get(run, run->object, out) when an expression touches it. */
int cel_env_variable(struct cel_env *env, const char *name, const char *type, cel_get_fn get);
/* A constant: folded. Names and values are copied (strings and lists included). */
int cel_env_constant(struct cel_env *env, const char *name, const char *type, struct value value);
/* A name that is not there, and the hint for whoever asks for it; both copied. 0, or -ENOMEM. */
int cel_env_missing(struct cel_env *env, struct str name, const char *hint);

/*
 * Fields: a call FUNCTION("name") with a constant argument reads numbered slot N of the
 * run instead of searching by name. resolve answers the slot and its static type, or
 * fills err (message, hint) when the name is wrong. Declared for "getEventData" and
 * "hasData". A slot that was loaded as null is absent, unless its aux is CEL_PRESENT.
 * The static type is that of a field that is present: the checker takes it or null.
 */
enum { CEL_PRESENT = 1 };

struct cel_slot {
	uint32_t number;
	const char *type; /* static type; "dyn" if it may differ */
};
typedef int (*cel_resolve_fn)(void *ctx, struct str name, struct cel_slot *out, struct err *err);
int cel_env_slots(struct cel_env *env, const char *value_function, const char *has_function,
		  cel_resolve_fn resolve, void *ctx);

/* Names are looked up in this package first: in "a.b", x is a.b.x, a.x or x. 0 or -ENOMEM. */
int cel_env_container(struct cel_env *env, const char *container);

/*
 * Walk the functions and macros (call == NULL) by name, for `spoor list functions`, completion
 * and the tests of examples.
 */
void cel_env_each_function(const struct cel_env *env,
			   void (*visit)(void *ctx, const struct cel_function *function),
			   void *ctx);

/* All variables and constants with their types, the last declared first. */
void cel_env_each_name(const struct cel_env *env,
		       void (*visit)(void *ctx, const char *name, const char *type), void *ctx);
/* NULL: there is none of that name. */
const struct cel_message *cel_env_find_message(const struct cel_env *env, const char *name);

/* ---- compiling ------------------------------------------------------------ */

struct cel_source {
	struct str text;
	const char *path;      /* file, for messages; NULL: "<expression>" */
	uint32_t line, column; /* of the first character of text in the file, from 1 */
	uint32_t indent;       /* columns the file has before the second and later lines */
};

/*
 * want: static type the expression must have ("bool"), NULL: any. The program lives in
 * `arena` and refers to env. -EINVAL with err filled (place, source line, caret, hint).
 * *out is written only on success.
 */
int cel_compile(const struct cel_env *env, const struct cel_source *source, const char *want,
		struct arena *arena, const struct cel_program **out, struct err *err);
/* A part of a condition: a stretch of its text, and what && or || combines in it. */
struct cel_part {
	uint32_t at, end; /* bytes */
	bool is_and;
	const struct cel_part *items;
	uint32_t count; /* 0: one operand */
};
/* The parts of a text that compiles; they live in arena. False: it does not, or no memory. */
bool cel_parts(const struct cel_env *env, struct str text, struct arena *arena,
	       struct cel_part *out);
/* Static type, as text. */
const char *cel_program_type(const struct cel_program *program);
/* It is nothing but the value of a field: *slot is its number. */
bool cel_program_is_slot(const struct cel_program *program, uint32_t *slot);
/* Visits the name of each function that may be called; operators among them. */
void cel_program_each_call(const struct cel_program *program,
			   void (*visit)(void *ctx, struct str name), void *ctx);
/*
 * Does an expression go on after the text? A bracket or a string of three quotes is open, or
 * an operator stands last. For reading it line by line.
 */
bool cel_is_unfinished(const struct cel_env *env, struct str text);

/* ---- evaluating ----------------------------------------------------------- */

enum { CEL_BUDGET = 1000000 };

/* Set up once per event, used for all its expressions. */
struct cel_run {
	const void *object;  /* handed to variable getters: the event */
	void *user;	     /* for functions: the stores */
	struct arena *arena; /* temporaries; reset by the owner */
	uint64_t budget;     /* steps left; CEL_BUDGET to start with, refilled per expression */
	struct value *slots; /* one per slot number */
	uint64_t *known;     /* bitmap: slots[n] has been loaded */
	/* Fills slots[slot]; `known` is set by CEL. */
	void (*load)(struct cel_run *run, uint32_t slot);
};

/* The result; VALUE_ERROR on any error. Never fails, never allocates outside run->arena. */
struct value cel_eval(const struct cel_program *program, struct cel_run *run);

/* A copy that lives in arena; messages keep what they refer to. False: no memory. */
bool value_copy(struct arena *arena, struct value v, struct value *out);
/* Equality as CEL's == has it. */
bool cel_equal(struct value a, struct value b);
/* A value as JSON text, for `spoor eval` and messages. */
struct buf;
void cel_print(struct buf *out, struct value value);

#endif
