/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this room share: types, the syntax tree, the environment, the
 * program. Nothing outside engine/cel (and the oracle in tests/cel) includes it.
 *
 * The way of an expression: lex.c -> parse.c (macro.c expands while parsing) ->
 * check.c (types.c) -> fold.c -> emit.c -> vm.c.
 */
#ifndef CEL_INTERNAL_H
#define CEL_INTERNAL_H

#include "cel.h"

#include "base/common.h"

enum {
	CEL_SOURCE_MAX = 100000, /* code points of an expression */
	CEL_NESTING_MAX = 250,	 /* of the grammar */
	CEL_DEPTH_MAX = 400,	 /* of the tree: long chains of + are deep without nesting */
	CEL_ARGS_MAX = 64,	 /* arguments of a call */
	CEL_PARAMS_MAX = 4,	 /* parameters of an overload */
	CEL_REGISTERS_MAX = 32000,
	CEL_FOLD_BUDGET = 20000, /* steps that folding may take for one node */
	CEL_FOLD_TOTAL = 200000, /* and for one expression */
};

/* ---- types (types.c) ------------------------------------------------------ */

enum type_kind {
	T_ERROR, /* an error was reported: fits everything, so that it is reported once */
	T_DYN,
	T_NULL,
	T_BOOL,
	T_INT,
	T_UINT,
	T_DOUBLE,
	T_STRING,
	T_BYTES,
	T_TIMESTAMP,
	T_DURATION,
	T_LIST,	    /* params: element */
	T_MAP,	    /* params: key, value */
	T_TYPE,	    /* params: the type it is, if known */
	T_MESSAGE,  /* name */
	T_OPAQUE,   /* name, params */
	T_NULLABLE, /* params: the type it is when not null; CEL's wrapper */
	T_PARAM,    /* of a signature: name */
	T_VAR,	    /* number of a variable under inference */
};

struct type {
	uint8_t kind; /* enum type_kind */
	uint8_t count;
	uint32_t var;
	struct str name;
	const struct type *const *params;
};

extern const struct type type_error, type_dyn, type_null, type_bool, type_int, type_uint,
	type_double, type_string, type_bytes, type_timestamp, type_duration;

/* Copies params. type_error if memory is out: the caller's arena is checked in the end. */
const struct type *type_new(struct arena *arena, enum type_kind kind, struct str name,
			    const struct type *const *params, uint32_t count);
const struct type *type_list(struct arena *arena, const struct type *element);
const struct type *type_map(struct arena *arena, const struct type *key, const struct type *value);
const struct type *type_nullable(struct arena *arena, const struct type *inner);
const struct type *type_optional(struct arena *arena, const struct type *inner);
bool type_is_optional(const struct type *type);

/* A cursor over the text of a signature. */
struct type_reader {
	struct arena *arena;
	const char *at, *end;
};

/* Reads a type and moves the cursor behind it; NULL: not a type. */
const struct type *type_read(struct type_reader *reader);
/* The whole of text is a type; NULL: it is not. */
const struct type *type_parse(struct arena *arena, struct str text);
bool type_read_char(struct type_reader *reader, char c); /* skips spaces */
void type_print(struct buf *out, const struct type *type);
bool type_equal(const struct type *a, const struct type *b);
/* Bits 1 << value_tag that a value of the type may have. */
uint32_t type_tags(const struct type *type);

/* Inference: what the variables stand for, with a trail to undo trials. */
struct binding {
	const struct type *type; /* NULL: free */
};

struct inference {
	struct arena *arena;
	struct binding *bindings;
	uint32_t count, capacity;
	struct trail {
		uint32_t var;
		const struct type *old;
	} * trail;
	uint32_t trail_count, trail_capacity;
	bool failed; /* out of memory */
};

const struct type *infer_fresh(struct inference *infer);
const struct type *infer_resolve(struct inference *infer, const struct type *type);
/* Free variables become dyn if `dyn`. */
const struct type *infer_substitute(struct inference *infer, const struct type *type, bool dyn);
/* May a value of type `have` stand where `want` is expected? Binds variables; undone if not. */
bool infer_assignable(struct inference *infer, const struct type *want, const struct type *have);
bool infer_assignable_list(struct inference *infer, const struct type *const *want,
			   const struct type *const *have, uint32_t count);
const struct type *infer_general(struct inference *infer, const struct type *a,
				 const struct type *b);

/* ---- the environment (env.c) ---------------------------------------------- */

enum operation {
	OPERATION_none,
#define OPERATION(name, function, symbol) OPERATION_##name,
#include "operations.def"
#undef OPERATION
	OPERATION_COUNT
};

extern const char *const operation_functions[OPERATION_COUNT]; /* _+_ */
extern const char *const operation_symbols[OPERATION_COUNT];   /* + */

/* Which part of the language a row belongs to; an environment has some of them. */
enum library {
	LIBRARY_STANDARD = 1 << 0,
	LIBRARY_TRACEE = 1 << 1,	/* split, join, trim, ... as global functions */
	LIBRARY_EXTENSION = 1 << 2,	/* strings, math, lists, sets, ... */
	LIBRARY_MIXED_NUMBERS = 1 << 3, /* comparing int, uint and double by value */
	LIBRARY_CALLER = 1 << 4,	/* cel_env_functions */
};

struct overload {
	const struct cel_function *row;
	struct overload *next; /* of the same name */
	const struct type *result;
	const struct type *const *params; /* the receiver first */
	uint8_t count;
	bool method;
	bool pure; /* may be folded */
	uint16_t variables;
	uint32_t tags[CEL_PARAMS_MAX];	     /* 1 << value_tag of what it takes */
	struct str messages[CEL_PARAMS_MAX]; /* data != NULL: only this message */
};

struct function {
	struct str name;
	struct overload *first, *last;
	struct function *next; /* in the bucket */
};

struct variable {
	struct str name;
	const struct type *type;
	cel_get_fn get;	    /* NULL: constant */
	struct value value; /* of a constant */
	struct variable *next;
};

enum { ENV_BUCKETS = 512 };

struct cel_env {
	struct arena arena;
	uint32_t options;
	struct str container;
	struct function *functions[ENV_BUCKETS];
	struct variable *variables;
	struct missing {
		struct str name, hint;
		struct missing *next;
	} * missing;
	struct message_entry {
		const struct cel_message *message;
		struct message_entry *next;
	} * messages;
	struct slot_access {
		struct str value_function, has_function;
		cel_resolve_fn resolve;
		void *ctx;
		struct slot_access *next;
	} * slots;
};

const struct function *env_function(const struct cel_env *env, struct str name);
const struct variable *env_variable(const struct cel_env *env, struct str name);
const struct cel_message *env_message(const struct cel_env *env, struct str name);
/* known.c: those of google.protobuf that stand for a value. NULL: none has the name. */
const struct cel_message *known_message(struct str name);
bool message_is_known(const struct cel_message *message);
/* Index of the field, -1 none. */
int env_field(const struct cel_message *message, struct str name);
/* Is there a function, variable or message whose name starts with "prefix."? */
bool env_has_prefix(const struct cel_env *env, struct str prefix);

struct library_table {
	const struct cel_function *rows;
	uint32_t count;
	enum library library;
};

/* A table of functions; each is a file lib_NAME.c. */
#define LIBRARY_TABLE(name) \
	extern const struct cel_function name[]; \
	extern const uint32_t name##_count
LIBRARY_TABLE(operator_rows);
LIBRARY_TABLE(mixed_rows);
LIBRARY_TABLE(standard_rows);
LIBRARY_TABLE(convert_rows);
LIBRARY_TABLE(time_rows);
LIBRARY_TABLE(tracee_rows);
LIBRARY_TABLE(string_rows);
LIBRARY_TABLE(format_rows);
LIBRARY_TABLE(math_rows);
LIBRARY_TABLE(list_rows);
LIBRARY_TABLE(set_rows);
LIBRARY_TABLE(encoder_rows);
LIBRARY_TABLE(optional_rows);
LIBRARY_TABLE(regex_rows);
LIBRARY_TABLE(net_rows);
/* Not to be added to an environment: rows that describe macros. */
LIBRARY_TABLE(macro_rows);
extern const uint32_t macro_rows_standard; /* so many are CEL's own */

/* ---- the tree (ast.c, parse.c, macro.c) ----------------------------------- */

enum node_kind {
	NODE_CONST,
	NODE_IDENT,
	NODE_SELECT,
	NODE_CALL,
	NODE_LOGIC, /* && and ||, with as many operands as were chained */
	NODE_TERNARY,
	NODE_LIST,
	NODE_MAP,
	NODE_STRUCT,
	NODE_FOLD,
	NODE_BIND,
	NODE_SLOT, /* made by check.c from getEventData("x") */
	NODE_OPTIONAL_MAP,
	NODE_OPTIONAL_OR,
};

enum fold_kind {
	FOLD_all,
	FOLD_exists,
	FOLD_exists_one,
	FOLD_list,    /* map, filter, transformList */
	FOLD_map,     /* transformMap */
	FOLD_entries, /* transformMapEntry */
};

/* A name bound by a macro. Its register is given by emit.c. */
struct local {
	struct str name;
	const struct type *type;
	uint32_t number; /* for the oracle and emit: index of the register */
	struct local *outer;
};

struct node {
	uint8_t kind; /* enum node_kind */
	uint16_t depth;
	uint32_t at, end; /* byte offsets in the source */
	const struct type *type;
	union {
		struct value constant;
		struct {
			struct str name;
			bool absolute;			 /* .name */
			const struct variable *variable; /* after the check: one of these two */
			struct local *local;
		} ident;
		struct {
			struct node *operand;
			struct str field;
			bool test;			  /* has(operand.field) */
			bool optional;			  /* operand.?field */
			const struct cel_field *resolved; /* of a message whose type is known */
		} select;
		struct {
			struct str name;
			struct node *target; /* NULL: global call */
			struct node **args;
			uint32_t count;
			bool absolute;
			uint8_t operation; /* enum operation: an operation, not a function */
			bool pure;
			struct overload **overloads; /* that fit, after the check */
			uint32_t overload_count;
			const struct regex *regex; /* of matches, once it was compiled */
		} call;
		struct {
			struct node **items;
			uint32_t count;
			bool is_and;
		} logic;
		struct {
			struct node *condition, *yes, *no;
		} ternary;
		struct {
			struct node **items;
			bool *optional; /* NULL: none is */
			uint32_t count;
		} list;
		struct {
			struct node **keys, **values;
			bool *optional;
			uint32_t count;
		} map;
		struct {
			struct str name;
			bool absolute;
			struct str *fields;
			struct node **values;
			bool *optional;
			uint32_t count;
			const struct cel_message *message; /* after the check */
		} message;
		struct {
			enum fold_kind fold;
			bool two; /* index and element, or key and value */
			struct node *range;
			struct local *first, *second;
			struct node *filter; /* NULL: none */
			struct node
				*body; /* predicate or transformation; NULL: the element itself */
		} fold;
		struct {
			struct local *local;
			struct node *value, *body;
			bool flat; /* optFlatMap */
		} bind;		   /* also NODE_OPTIONAL_MAP */
		struct {
			struct node *optional, *other;
			bool value; /* orValue, else or */
		} optional_or;
		struct {
			uint32_t number;
			bool test; /* hasData */
		} slot;
	};
};

struct compile {
	const struct cel_env *env;
	const struct cel_source *source;
	struct arena *arena;   /* of the program */
	struct arena *scratch; /* of the tree; freed after compiling */
	struct err *err;
	bool failed;
	bool muted; /* the last report was not the first, so a hint is not about that one */
	uint64_t regex_effort; /* what patterns may still take */
	uint64_t fold_budget;  /* steps that folding may still take */
	uint32_t nesting;      /* of the parser */
	struct inference infer;
	struct local *locals; /* in scope, innermost first */
};

/*
 * Report at bytes [at, end) of the source; the first report stays. Messages are in the form
 * "found X, expected Y".
 */
void compile_error(struct compile *compile, uint32_t at, const char *format, ...) PRINTF_LIKE(3, 4);
void compile_hint(struct compile *compile, const char *format, ...) PRINTF_LIKE(2, 3);
void compile_no_memory(struct compile *compile);

struct node *node_new(struct compile *compile, enum node_kind kind, uint32_t at, uint32_t end);
struct node *node_const(struct compile *compile, struct value value, uint32_t at, uint32_t end);
struct node *node_call(struct compile *compile, struct str name, struct node *target,
		       struct node **args, uint32_t count, uint32_t at, uint32_t end);
struct node *node_operator(struct compile *compile, enum operation operation, struct node **args,
			   uint32_t count, uint32_t at, uint32_t end);
struct local *local_new(struct compile *compile, struct str name);
/* Calls visit for each direct child. */
void node_each(struct node *node, void (*visit)(void *ctx, struct node **child), void *ctx);

struct node *parse_expression(struct compile *compile);
/* If the call is a macro's, its expansion; else the call. NULL after an error. */
struct node *macro_expand(struct compile *compile, struct node *call);

/* ---- lexer (lex.c) -------------------------------------------------------- */

enum token_kind {
	TOKEN_END,
	TOKEN_IDENT,
	TOKEN_QUOTED, /* `name` */
	TOKEN_INT,
	TOKEN_UINT,
	TOKEN_DOUBLE,
	TOKEN_STRING,
	TOKEN_BYTES,
	TOKEN_PUNCTUATION, /* text says which */
	TOKEN_ERROR,	   /* reported already */
};

struct token {
	enum token_kind kind;
	uint32_t at, end;
	struct str text; /* decoded for strings and bytes */
};

/* The token at or after *offset; moves *offset behind it. */
struct token lex_next(struct compile *compile, uint32_t *offset);

/* ---- check, fold, emit ---------------------------------------------------- */

const struct type *check_expression(struct compile *compile, struct node **root, const char *want);
/* An expression's value is known: put a constant in its place. */
void fold_tree(struct compile *compile, struct node **root);
enum emit_mode {
	EMIT_ANY,
	EMIT_BOOL,  /* the result must be bool */
	EMIT_TRIAL, /* for constant folding */
};
struct cel_program *emit_program(struct compile *compile, struct node *root, struct arena *arena,
				 enum emit_mode mode);
/* Parse, check and, if asked, fold; for emit and for the tests' oracle. NULL after an error. */
struct node *compile_tree(struct compile *compile, const char *want, bool fold);

/* ---- the program (emit.c writes it, vm.c runs it) ------------------------- */

enum opcode {
#define OPCODE(name, does) OPCODE_##name,
#include "opcodes.def"
#undef OPCODE
	OPCODE_COUNT
};

/* a and b name registers, or constants if CONSTANT_BIT is set. */
enum { CONSTANT_BIT = 0x8000 };

struct instruction {
	uint16_t opcode;
	uint16_t to; /* register */
	uint16_t a, b;
	union {
		int64_t number;
		uint32_t target; /* index of an instruction */
		struct {
			uint32_t jump, extra;
		};
		const void *pointer;
	};
};

_Static_assert(sizeof(struct instruction) == 16, "four to a cache line");

struct call_site {
	const struct overload *const *overloads;
	uint32_t overload_count;
	uint32_t count; /* arguments */
	struct str name;
};

/* How to make a list, map or message with optional parts. */
struct aggregate {
	uint32_t count;
	const bool *optional;
	const struct cel_message *message;
	const uint32_t *fields; /* indices, of a message */
};

struct cel_normal;
struct quick;

struct cel_program {
	const struct cel_env *env;
	struct instruction *code;
	struct value *constants;
	uint32_t code_count, constant_count;
	uint32_t registers;
	const char *type;
	const struct cel_normal *normal; /* for the index; NULL: not a condition */
	const struct quick *quick;	 /* the whole of it as a few tests; NULL: it is more */
	int64_t slot;			 /* the whole of it is this field; negative: it is more */
};

/* quick.c; NULL: it is more, or there is no memory. */
const struct quick *quick_make(const struct cel_normal *normal, struct arena *arena);

/* cel_eval with the budget that run has, which is not 0. */
struct value cel_run_program(const struct cel_program *program, struct cel_run *run);

/* ---- values (value.c, operate.c) ------------------------------------------ */

#define ERROR_TEXT(text) \
	((struct value){ .tag = VALUE_ERROR, .len = sizeof(text) - 1, .str = "" text })
#define ERROR_NO_OVERLOAD ERROR_TEXT("no such overload")
#define ERROR_MEMORY	  ERROR_TEXT("out of memory for this evaluation")
#define ERROR_BUDGET	  ERROR_TEXT("cost limit exceeded")

static inline bool value_is_error(struct value v)
{
	return v.tag == VALUE_ERROR;
}

static inline struct str value_text(struct value v)
{
	return (struct str){ v.str, v.len };
}

/* Take steps from the budget; false: it is used up, the result must be ERROR_BUDGET. */
static inline bool cel_spend(struct cel_run *run, uint64_t steps)
{
	if (UNLIKELY(run->budget < steps)) {
		run->budget = 0;
		return false;
	}
	run->budget -= steps;
	return true;
}

enum order { ORDER_LESS = -1, ORDER_EQUAL, ORDER_GREATER, ORDER_NAN, ORDER_NONE };

bool values_equal(struct cel_run *run, struct value a, struct value b);
enum order values_order(struct value a, struct value b);
struct value values_compare(enum operation operation, struct value a, struct value b);
struct value values_in(struct cel_run *run, struct value item, struct value container);
struct value values_arithmetic(struct cel_run *run, enum operation operation, struct value a,
			       struct value b);
struct value values_negate(struct value v);
struct value values_index(struct cel_run *run, struct value container, struct value index);
/* container[?index]: an optional. */
struct value values_index_optional(struct cel_run *run, struct value container, struct value index);
/* NULL: the key is not there. Numbers match by value. */
const struct value *map_find(struct cel_run *run, const struct value_map *map, struct value key);
struct value value_select(struct cel_run *run, struct value operand, struct str field);
struct value value_select_optional(struct cel_run *run, struct value operand, struct str field);
struct value value_has(struct cel_run *run, struct value operand, struct str field);
/* Field number `index` of a message; of its literal if it was made by an expression. */
struct value message_field(struct cel_run *run, const struct cel_object *object,
			   const struct cel_field *field);
struct value message_has(struct cel_run *run, const struct cel_object *object,
			 const struct cel_field *field);
/* Of values for all fields (tag VALUE_TAG_COUNT: unset), which must live as long as it does. */
struct value message_make(struct cel_run *run, const struct cel_message *message,
			  const struct value *fields);
struct str value_type_name(struct value v);
bool value_is_zero(struct cel_run *run, struct value v);

/* Made in run->arena; VALUE_ERROR when memory is out. */
struct value_list *list_new(struct cel_run *run, uint32_t capacity); /* empty; NULL: no memory */
struct value_map *map_new(struct cel_run *run, uint32_t capacity);
struct value value_of_list(const struct value_list *list);
struct value value_of_map(const struct value_map *map);
struct value value_list_of(struct cel_run *run, const struct value *items, uint32_t count);
struct value value_text_of(struct cel_run *run, const char *data, size_t len);
struct value value_time(struct cel_run *run, int64_t seconds, int32_t nanos, int32_t offset);
struct value value_optional(struct cel_run *run, struct value v);
extern const struct value value_none; /* optional.none() */

static inline const struct cel_time *value_as_time(struct value v)
{
	return v.object;
}

static inline struct value value_duration(int64_t nanos)
{
	return (struct value){ .tag = VALUE_DURATION, .i = nanos };
}

static inline struct value value_type(struct str name)
{
	return (struct value){ .tag = VALUE_TYPE, .len = name.len, .str = name.data };
}

/* ---- sets of constants (set.c) -------------------------------------------- */

enum { SET_COUNT_MIN = 8 };
struct value_set;

/* NULL: the list is small, or holds what a set cannot; `in` then looks through it. */
const struct value_set *set_make(struct arena *arena, const struct value_list *list);
/* As values_in does it with the list the set was made of. */
struct value set_in(struct cel_run *run, struct value item, const struct value_set *set);

/* ---- text and numbers (utf8.c, number.c) ---------------------------------- */

/* One code point at s[0..len), len > 0; *size bytes of it. A bad byte is U+FFFD of size 1. */
uint32_t utf8_decode(const char *s, uint32_t len, uint32_t *size);
/* Bytes written, 1..4. Not utf8_encode: libjansson.a has one. */
uint32_t utf8_put(char *out, uint32_t rune);
uint32_t utf8_count(const char *s, uint32_t len);
bool utf8_is_valid(const char *s, uint32_t len);
bool rune_is_space(uint32_t rune);
uint32_t rune_to_upper(uint32_t rune);
uint32_t rune_to_lower(uint32_t rune);
/* The next of the runes that are equal but for case; the last leads back to the first. */
uint32_t rune_fold_next(uint32_t rune);
/* The first rune at or after *rune that has others equal but for case; false: none. */
bool rune_fold_from(uint32_t *rune);

bool number_parse_int(struct str text, int64_t *out);
bool number_parse_uint(struct str text, uint64_t *out);
bool number_parse_double(struct str text, double *out); /* as Go's ParseFloat */
enum { NUMBER_TEXT_MAX = 40 };
/* As CEL's string(): %g of Go with the shortest digits. Returns the length. */
uint32_t number_format(double value, char out[NUMBER_TEXT_MAX]);
enum { NUMBER_PLAIN_MAX = 400 };
/* The same digits without exponent; NaN, Infinity, -Infinity. */
uint32_t number_format_plain(double value, char out[NUMBER_PLAIN_MAX]);
bool double_to_int(double d, int64_t *out);
bool double_to_uint(double d, uint64_t *out);

/* ---- time (time.c, zone.c) ------------------------------------------------ */

#define TIME_SECONDS_MIN (-62135596800LL) /* 0001-01-01T00:00:00Z */
#define TIME_SECONDS_MAX 253402300799LL	  /* 9999-12-31T23:59:59Z */

bool time_parse(struct str text, struct cel_time *out);
uint32_t time_format(const struct cel_time *time, char out[64]);
bool duration_parse(struct str text, int64_t *out);
uint32_t duration_format(int64_t nanos, char out[64]);
/* Seconds east of UTC in the zone at that time; false: no such zone. */
bool zone_offset(struct cel_run *run, struct str zone, int64_t seconds, int32_t *offset);

/* ---- regular expressions (regex_parse.c, regex_build.c, regex_run.c) ------ */

struct regex;

/*
 * NULL: not in the language, or more work than *effort, which it takes from; *problem says what,
 * *at where (byte of the pattern). dynamic: for one use, so without table, and nothing is
 * allocated but in arena.
 */
const struct regex *regex_compile(struct arena *arena, struct str pattern, bool dynamic,
				  uint64_t *effort, const char **problem, uint32_t *at);
/* One made while evaluating, paid from run->budget. NULL: *error is why. */
const struct regex *regex_compile_now(struct cel_run *run, struct value pattern,
				      struct value *error);
enum { REGEX_EFFORT = 150000 }; /* for all patterns of an expression */
/* 1 match, 0 none, -1 the budget or memory ran out. */
int regex_match(const struct regex *regex, struct cel_run *run, struct str subject);
struct value regex_matches(struct cel_run *run, struct value subject, struct value pattern);

#endif
