/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser: recursive descent, one function per line of the grammar, which stands above
 * it. Macros are expanded as their calls are finished.
 *
 * Invariant: nesting is at most CEL_NESTING_MAX and the tree at most CEL_DEPTH_MAX deep, so
 * neither this file nor any that walks the tree can run out of stack.
 */
#include "base/suggest.h"
#include "internal.h"

struct parser {
	struct compile *compile;
	uint32_t offset;    /* behind `token` */
	uint32_t last_end;  /* end of the token before */
	struct token token; /* next */
};

/* A list of nodes while it grows. */
struct items {
	struct node **nodes;
	bool *optional;
	uint32_t count, capacity;
	bool any_optional;
};

static struct node *parse_expr(struct parser *parser);
static struct node *parse_unary(struct parser *parser);

static void advance(struct parser *parser)
{
	parser->last_end = parser->token.end;
	parser->token = lex_next(parser->compile, &parser->offset);
}

static bool next_is(const struct parser *parser, const char *text)
{
	return parser->token.kind == TOKEN_PUNCTUATION &&
	       str_equal(parser->token.text, str_of(text));
}

static bool accept(struct parser *parser, const char *text)
{
	if (!next_is(parser, text))
		return false;
	advance(parser);
	return true;
}

static void unexpected(struct parser *parser, const char *expected)
{
	const struct token *token = &parser->token;

	if (token->kind == TOKEN_ERROR)
		return;
	if (token->kind == TOKEN_END)
		compile_error(parser->compile, token->at, "found the end, expected %s", expected);
	else
		compile_error(parser->compile, token->at, "found '%.*s', expected %s",
			      (int)MIN(token->end - token->at, 60u),
			      parser->compile->source->text.data + token->at, expected);
}

static bool expect(struct parser *parser, const char *text, const char *expected)
{
	if (accept(parser, text))
		return true;
	unexpected(parser, expected);
	return false;
}

/* depth of a node is one more than that of its deepest child. */
static void deepen(void *ctx, struct node **child)
{
	struct node *node = ctx;

	if (*child)
		node->depth = MAX(node->depth, (uint16_t)((*child)->depth + 1));
}

static struct node *finish(struct parser *parser, struct node *node)
{
	if (!node || parser->compile->failed)
		return NULL;
	node_each(node, deepen, node);
	if (node->depth > CEL_DEPTH_MAX) {
		compile_error(parser->compile, node->at,
			      "found an expression more than %d operations deep", CEL_DEPTH_MAX);
		return NULL;
	}
	return node;
}

static bool items_add(struct parser *parser, struct items *items, struct node *node, bool optional)
{
	if (!node)
		return false;
	if (items->count == items->capacity) {
		uint32_t capacity = items->capacity ? items->capacity * 2 : 4;
		struct node **nodes = arena_array(parser->compile->scratch, struct node *,
						  capacity);
		bool *flags = arena_array(parser->compile->scratch, bool, capacity);

		if (!nodes || !flags) {
			compile_no_memory(parser->compile);
			return false;
		}
		if (items->count) {
			memcpy(nodes, items->nodes, items->count * sizeof(*nodes));
			memcpy(flags, items->optional, items->count * sizeof(*flags));
		}
		items->nodes = nodes;
		items->optional = flags;
		items->capacity = capacity;
	}
	items->nodes[items->count] = node;
	items->optional[items->count++] = optional;
	items->any_optional |= optional;
	return true;
}

/* "?" before an element, where optionals are enabled. */
static bool accept_optional(struct parser *parser)
{
	if (!next_is(parser, "?"))
		return false;
	if (parser->compile->env->options & CEL_TRACEE)
		compile_error(parser->compile, parser->token.at,
			      "found '?', which needs optional values; Tracee does not have them");
	advance(parser);
	return true;
}

/* ---- primaries ------------------------------------------------------------ */

static bool word_in(struct str word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_equal(word, str_of(words[i])))
			return true;
	return false;
}

static bool is_keyword(struct str word)
{
	static const char *const words[] = { "true", "false", "null", "in" };

	return word_in(word, words, ARRAY_SIZE(words));
}

/* May not be a variable or function, though a field or method may be called so. */
static bool is_reserved(struct str word)
{
	static const char *const words[] = { "as",   "break",	 "const",     "continue", "else",
					     "for",  "function", "if",	      "import",	  "let",
					     "loop", "package",	 "namespace", "return",	  "var",
					     "void", "while" };

	return word_in(word, words, ARRAY_SIZE(words));
}

static struct node *number_error(struct parser *parser, const struct token *token, const char *what)
{
	compile_error(parser->compile, token->at, "found %.*s, which does not fit %s",
		      (int)MIN(token->text.len, 60u), token->text.data, what);
	return NULL;
}

static bool parse_digits(struct str text, uint64_t *out)
{
	uint64_t value = 0;
	bool hex = text.len > 2 && text.data[1] == 'x';

	for (uint32_t i = hex ? 2 : 0; i < text.len; i++) {
		char c = text.data[i];
		uint64_t digit = (uint64_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);

		if (__builtin_mul_overflow(value, hex ? 16 : 10, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	*out = value;
	return true;
}

/* literal = ["-"] INT; the sign belongs to it, or -9223372036854775808 could not be written */
static struct node *make_int(struct parser *parser, const struct token *token, bool negative,
			     uint32_t at)
{
	uint64_t value;

	if (!parse_digits(token->text, &value) || value > (uint64_t)INT64_MAX + (negative ? 1 : 0))
		return number_error(parser, token,
				    "int (-9223372036854775808 to 9223372036854775807)");
	return node_const(parser->compile, value_int((int64_t)(negative ? -value : value)), at,
			  token->end);
}

static struct node *make_uint(struct parser *parser, const struct token *token)
{
	struct str digits = { token->text.data, token->text.len - 1 };
	uint64_t value;

	if (!parse_digits(digits, &value))
		return number_error(parser, token, "uint (0 to 18446744073709551615)");
	return node_const(parser->compile, value_uint(value), token->at, token->end);
}

static struct node *make_double(struct parser *parser, const struct token *token, bool negative,
				uint32_t at)
{
	double value;

	if (!number_parse_double(token->text, &value))
		return number_error(parser, token, "double");
	return node_const(parser->compile, value_double(negative ? -value : value), at, token->end);
}

/* args = [ expr { "," expr } ] ")" */
static bool parse_args(struct parser *parser, struct items *items)
{
	if (accept(parser, ")"))
		return true;
	do {
		if (!items_add(parser, items, parse_expr(parser), false))
			return false;
		if (items->count > CEL_ARGS_MAX) {
			compile_error(parser->compile, parser->token.at,
				      "found more than %d arguments", CEL_ARGS_MAX);
			return false;
		}
	} while (accept(parser, ","));
	return expect(parser, ")", "',' or ')' in the arguments");
}

static struct node *finish_call(struct parser *parser, struct str name, struct node *target,
				bool absolute, uint32_t at)
{
	struct items items = { 0 };
	struct node *node;

	advance(parser); /* ( */
	if (!parse_args(parser, &items))
		return NULL;
	node = finish(parser, node_call(parser->compile, name, target, items.nodes, items.count, at,
					parser->last_end));
	if (!node)
		return NULL;
	node->call.absolute = absolute;
	return absolute ? node : finish(parser, macro_expand(parser->compile, node));
}

/* list = "[" [ ["?"] expr { "," ["?"] expr } ] [","] "]" */
static struct node *parse_list(struct parser *parser)
{
	uint32_t at = parser->token.at;
	struct items items = { 0 };
	struct node *node;

	advance(parser);
	while (!next_is(parser, "]")) {
		bool optional = accept_optional(parser);

		if (!items_add(parser, &items, parse_expr(parser), optional))
			return NULL;
		if (!accept(parser, ","))
			break;
	}
	if (!expect(parser, "]", "',' or ']' in the list"))
		return NULL;
	node = node_new(parser->compile, NODE_LIST, at, parser->last_end);
	if (!node)
		return NULL;
	node->list.items = items.nodes;
	node->list.count = items.count;
	node->list.optional = items.any_optional ? items.optional : NULL;
	return finish(parser, node);
}

/* map = "{" [ ["?"] expr ":" expr { "," ... } ] [","] "}" */
static struct node *parse_map(struct parser *parser)
{
	uint32_t at = parser->token.at;
	struct items keys = { 0 }, values = { 0 };
	struct node *node;

	advance(parser);
	while (!next_is(parser, "}")) {
		bool optional = accept_optional(parser);

		if (!items_add(parser, &keys, parse_expr(parser), optional) ||
		    !expect(parser, ":", "':' behind the key") ||
		    !items_add(parser, &values, parse_expr(parser), optional))
			return NULL;
		if (!accept(parser, ","))
			break;
	}
	if (!expect(parser, "}", "',' or '}' in the map"))
		return NULL;
	node = node_new(parser->compile, NODE_MAP, at, parser->last_end);
	if (!node)
		return NULL;
	node->map.keys = keys.nodes;
	node->map.values = values.nodes;
	node->map.count = keys.count;
	node->map.optional = keys.any_optional ? keys.optional : NULL;
	return finish(parser, node);
}

struct field_names {
	struct str *names;
	uint32_t count, capacity;
};

static bool names_add(struct parser *parser, struct field_names *list, struct str name)
{
	if (list->count == list->capacity) {
		uint32_t capacity = list->capacity ? list->capacity * 2 : 8;
		struct str *names = arena_array(parser->compile->scratch, struct str, capacity);

		if (!names) {
			compile_no_memory(parser->compile);
			return false;
		}
		if (list->count)
			memcpy(names, list->names, list->count * sizeof(*names));
		list->names = names;
		list->capacity = capacity;
	}
	list->names[list->count++] = name;
	return true;
}

/* SELECTOR = IDENT | QUOTED; reserved words may be fields, keywords may not */
static bool parse_selector(struct parser *parser, struct str *out)
{
	const struct token *token = &parser->token;

	if (token->kind == TOKEN_QUOTED ||
	    (token->kind == TOKEN_IDENT && !is_keyword(token->text))) {
		*out = token->text;
		advance(parser);
		return true;
	}
	unexpected(parser, "the name of a field");
	return false;
}

/* fields = [ ["?"] SELECTOR ":" expr { "," ... } ] [","] "}" */
static struct node *parse_message(struct parser *parser, struct str name, bool absolute,
				  uint32_t at)
{
	struct items values = { 0 };
	struct field_names names = { 0 };
	struct node *node;

	advance(parser);
	while (!next_is(parser, "}")) {
		bool optional = accept_optional(parser);
		struct str field;

		if (!parse_selector(parser, &field) || !names_add(parser, &names, field) ||
		    !expect(parser, ":", "':' behind the field") ||
		    !items_add(parser, &values, parse_expr(parser), optional))
			return NULL;
		if (!accept(parser, ","))
			break;
	}
	if (!expect(parser, "}", "',' or '}' in the message"))
		return NULL;
	node = node_new(parser->compile, NODE_STRUCT, at, parser->last_end);
	if (!node)
		return NULL;
	node->message.name = name;
	node->message.absolute = absolute;
	node->message.fields = names.names;
	node->message.values = values.nodes;
	node->message.count = values.count;
	node->message.optional = values.any_optional ? values.optional : NULL;
	return finish(parser, node);
}

/* IDENT [ "(" args ")" ] */
static struct node *parse_name(struct parser *parser, bool absolute)
{
	struct token token = parser->token;
	struct node *node;

	if (is_reserved(token.text)) {
		compile_error(parser->compile, token.at,
			      "found '%.*s', which is reserved and cannot be a name",
			      (int)token.text.len, token.text.data);
		return NULL;
	}
	advance(parser);
	if (next_is(parser, "("))
		return finish_call(parser, token.text, NULL, absolute, token.at);
	if (next_is(parser, "{"))
		return parse_message(parser, token.text, absolute, token.at);
	node = node_new(parser->compile, NODE_IDENT, token.at, token.end);
	if (!node)
		return NULL;
	node->ident.name = token.text;
	node->ident.absolute = absolute;
	return node;
}

static struct node *parse_word(struct parser *parser)
{
	struct token token = parser->token;
	struct value value;

	if (!is_keyword(token.text))
		return parse_name(parser, false);
	if (str_equal(token.text, STR("true")))
		value = value_bool(true);
	else if (str_equal(token.text, STR("false")))
		value = value_bool(false);
	else if (str_equal(token.text, STR("null")))
		value = value_null();
	else {
		unexpected(parser, "an expression");
		return NULL;
	}
	advance(parser);
	return node_const(parser->compile, value, token.at, token.end);
}

static struct node *parse_literal(struct parser *parser)
{
	struct token token = parser->token;

	advance(parser);
	switch (token.kind) {
	case TOKEN_INT: return make_int(parser, &token, false, token.at);
	case TOKEN_UINT: return make_uint(parser, &token);
	case TOKEN_DOUBLE: return make_double(parser, &token, false, token.at);
	case TOKEN_STRING:
		return node_const(parser->compile, value_str(token.text), token.at, token.end);
	default:
		return node_const(parser->compile, value_bytes(token.text.data, token.text.len),
				  token.at, token.end);
	}
}

static struct node *parse_parentheses(struct parser *parser)
{
	struct node *node;

	advance(parser);
	node = parse_expr(parser);
	if (!node || !expect(parser, ")", "')'"))
		return NULL;
	return node;
}

/* primary = ["."] IDENT ["(" args ")"] | "(" expr ")" | list | map | message | literal */
static struct node *parse_primary(struct parser *parser)
{
	switch (parser->token.kind) {
	case TOKEN_IDENT: return parse_word(parser);
	case TOKEN_INT:
	case TOKEN_UINT:
	case TOKEN_DOUBLE:
	case TOKEN_STRING:
	case TOKEN_BYTES: return parse_literal(parser);
	default: break;
	}
	if (next_is(parser, "("))
		return parse_parentheses(parser);
	if (next_is(parser, "["))
		return parse_list(parser);
	if (next_is(parser, "{"))
		return parse_map(parser);
	if (accept(parser, ".")) {
		if (parser->token.kind == TOKEN_IDENT && !is_keyword(parser->token.text))
			return parse_name(parser, true);
		unexpected(parser, "a name");
		return NULL;
	}
	unexpected(parser, "an expression");
	return NULL;
}

/* ---- members -------------------------------------------------------------- */

/* a.b.c as one name, for message literals. */
struct joined_name {
	char text[256];
	uint32_t len;
	bool absolute;
};

static bool append(struct joined_name *out, struct str part)
{
	if (part.len + 1 > sizeof(out->text) - out->len)
		return false;
	if (out->len)
		out->text[out->len++] = '.';
	memcpy(out->text + out->len, part.data, part.len);
	out->len += part.len;
	return true;
}

/* False: the node is no such name. */
static bool dotted_name(const struct node *node, struct joined_name *out)
{
	if (node->kind == NODE_IDENT) {
		out->absolute = node->ident.absolute;
		return append(out, node->ident.name);
	}
	return node->kind == NODE_SELECT && !node->select.test && !node->select.optional &&
	       dotted_name(node->select.operand, out) && append(out, node->select.field);
}

/* "." "?" SELECTOR | "." SELECTOR | "." IDENT "(" args ")" | "." IDENT "{" fields "}" */
static struct node *parse_dot(struct parser *parser, struct node *operand)
{
	uint32_t at = parser->token.at;
	bool optional, quoted;
	struct str field;
	struct node *node;

	advance(parser);
	optional = accept_optional(parser);
	at = parser->token.at;
	quoted = parser->token.kind == TOKEN_QUOTED;
	if (!parse_selector(parser, &field))
		return NULL;
	if (next_is(parser, "(") && !optional && !quoted)
		return finish_call(parser, field, operand, false, at);
	node = node_new(parser->compile, NODE_SELECT, at, parser->last_end);
	if (!node)
		return NULL;
	node->select.operand = operand;
	node->select.field = field;
	node->select.optional = optional;
	node = finish(parser, node);
	if (node && next_is(parser, "{")) {
		struct joined_name name = { .len = 0 };

		if (dotted_name(node, &name)) {
			struct str copy = arena_str(parser->compile->scratch, name.text, name.len);

			return parse_message(parser, copy, name.absolute, operand->at);
		}
	}
	return node;
}

/* "[" ["?"] expr "]" */
static struct node *parse_index(struct parser *parser, struct node *operand)
{
	uint32_t at = parser->token.at;
	struct node *args[2] = { operand };
	bool optional;

	advance(parser);
	optional = accept_optional(parser);
	args[1] = parse_expr(parser);
	if (!args[1] || !expect(parser, "]", "']' behind the index"))
		return NULL;
	return finish(parser, node_operator(parser->compile,
					    optional ? OPERATION_index_optional : OPERATION_index,
					    args, 2, at, parser->last_end));
}

static struct node *parse_suffixes(struct parser *parser, struct node *node)
{
	while (node && !parser->compile->failed) {
		if (next_is(parser, "."))
			node = parse_dot(parser, node);
		else if (next_is(parser, "["))
			node = parse_index(parser, node);
		else
			return node;
	}
	return NULL;
}

/* member = primary { "." ... | "[" ... "]" } */
static struct node *parse_member(struct parser *parser)
{
	return parse_suffixes(parser, parse_primary(parser));
}

/* A minus right before a number is part of it, and of what is selected from it: -1.f() */
static struct node *parse_negative(struct parser *parser, uint32_t at)
{
	struct token token = parser->token;
	struct node *node;

	advance(parser);
	node = token.kind == TOKEN_INT ? make_int(parser, &token, true, at)
				       : make_double(parser, &token, true, at);
	return parse_suffixes(parser, node);
}

/* unary = member | "!" { "!" } member | "-" { "-" } member */
static struct node *parse_unary(struct parser *parser)
{
	uint32_t at = parser->token.at, count = 0;
	bool negate = next_is(parser, "-");
	struct node *node;

	if (!negate && !next_is(parser, "!"))
		return parse_member(parser);
	while (accept(parser, negate ? "-" : "!"))
		count++;
	if (negate && count == 1 &&
	    (parser->token.kind == TOKEN_INT || parser->token.kind == TOKEN_DOUBLE))
		return parse_negative(parser, at);
	node = parse_member(parser);
	if (!node || count % 2 == 0)
		return node;
	return finish(parser,
		      node_operator(parser->compile, negate ? OPERATION_negate : OPERATION_not,
				    &node, 1, at, parser->last_end));
}

/* ---- operators ------------------------------------------------------------ */

static const struct binary {
	const char *symbol;
	enum operation operation;
	uint8_t level;
} binaries[] = {
	{ "<", OPERATION_less, 0 },	{ "<=", OPERATION_less_equal, 0 },
	{ ">", OPERATION_greater, 0 },	{ ">=", OPERATION_greater_equal, 0 },
	{ "==", OPERATION_equal, 0 },	{ "!=", OPERATION_not_equal, 0 },
	{ "in", OPERATION_in, 0 },	{ "+", OPERATION_add, 1 },
	{ "-", OPERATION_subtract, 1 }, { "*", OPERATION_multiply, 2 },
	{ "/", OPERATION_divide, 2 },	{ "%", OPERATION_modulo, 2 },
};

enum { BINARY_LEVELS = 3 };

static const struct binary *next_binary(const struct parser *parser, uint32_t level)
{
	const struct token *token = &parser->token;

	if (token->kind != TOKEN_PUNCTUATION && token->kind != TOKEN_IDENT)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(binaries); i++)
		if (binaries[i].level == level &&
		    str_equal(token->text, str_of(binaries[i].symbol)))
			return &binaries[i];
	return NULL;
}

/*
 * rel = add { ("<"|"<="|">"|">="|"=="|"!="|"in") add }
 * add = mul { ("+"|"-") mul }
 * mul = unary { ("*"|"/"|"%") unary }
 */
static struct node *parse_binary(struct parser *parser, uint32_t level)
{
	struct node *args[2];
	const struct binary *binary;

	if (level == BINARY_LEVELS)
		return parse_unary(parser);
	args[0] = parse_binary(parser, level + 1);
	while (args[0] && (binary = next_binary(parser, level))) {
		uint32_t at = parser->token.at;

		advance(parser);
		args[1] = parse_binary(parser, level + 1);
		if (!args[1])
			return NULL;
		args[0] = finish(parser, node_operator(parser->compile, binary->operation, args, 2,
						       at, parser->last_end));
	}
	return args[0];
}

/*
 * or  = and { "||" and }
 * and = rel { "&&" rel }
 */
static struct node *parse_logic(struct parser *parser, bool is_and)
{
	const char *symbol = is_and ? "&&" : "||";
	uint32_t at = parser->token.at;
	struct node *first = is_and ? parse_binary(parser, 0) : parse_logic(parser, true);
	struct items items = { 0 };
	struct node *node;

	if (!first || !next_is(parser, symbol))
		return first;
	at = parser->token.at;
	if (!items_add(parser, &items, first, false))
		return NULL;
	while (accept(parser, symbol))
		if (!items_add(parser, &items,
			       is_and ? parse_binary(parser, 0) : parse_logic(parser, true), false))
			return NULL;
	node = node_new(parser->compile, NODE_LOGIC, at, parser->last_end);
	if (!node)
		return NULL;
	node->logic.items = items.nodes;
	node->logic.count = items.count;
	node->logic.is_and = is_and;
	return finish(parser, node);
}

/* expr = or [ "?" or ":" expr ] */
static struct node *parse_ternary(struct parser *parser)
{
	struct node *condition = parse_logic(parser, false);
	struct node *node;
	uint32_t at = parser->token.at;

	if (!condition || !accept(parser, "?"))
		return condition;
	node = node_new(parser->compile, NODE_TERNARY, at, at + 1);
	if (!node)
		return NULL;
	node->ternary.condition = condition;
	node->ternary.yes = parse_logic(parser, false);
	if (!node->ternary.yes || !expect(parser, ":", "':' and what to take otherwise"))
		return NULL;
	node->ternary.no = parse_expr(parser);
	return node->ternary.no ? finish(parser, node) : NULL;
}

static struct node *parse_expr(struct parser *parser)
{
	struct node *node;

	if (parser->compile->failed)
		return NULL;
	if (parser->compile->nesting == CEL_NESTING_MAX) {
		compile_error(parser->compile, parser->token.at,
			      "found an expression nested more than %d deep", CEL_NESTING_MAX);
		return NULL;
	}
	parser->compile->nesting++;
	node = parse_ternary(parser);
	parser->compile->nesting--;
	return parser->compile->failed ? NULL : node;
}

static void explain_rest(struct parser *parser)
{
	static const struct {
		const char *word, *instead;
	} words[] = { { "and", "&&" }, { "or", "||" }, { "not", "!" } };

	unexpected(parser, "an operator or the end");
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (parser->token.kind == TOKEN_IDENT &&
		    str_equal(parser->token.text, str_of(words[i].word)))
			compile_hint(parser->compile, "write '%s'", words[i].instead);
}

struct node *parse_expression(struct compile *compile)
{
	struct parser parser = { .compile = compile };
	struct str text = compile->source->text;
	struct node *node;

	if (text.len > CEL_SOURCE_MAX && utf8_count(text.data, text.len) > CEL_SOURCE_MAX) {
		compile_error(compile, 0, "found an expression of more than %d characters",
			      CEL_SOURCE_MAX);
		return NULL;
	}
	advance(&parser);
	node = parse_expr(&parser);
	if (node && parser.token.kind != TOKEN_END)
		explain_rest(&parser);
	return compile->failed ? NULL : node;
}
