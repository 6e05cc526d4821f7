/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lexer: one token at a time, with its bytes in the source. String and bytes
 * literals come decoded, in the arena of the program.
 *
 * Invariant: *offset only grows and never passes the end of the source, whatever the
 * input; an error is reported once, at its own place, and ends the expression.
 */
#include <ctype.h>

#include "internal.h"

struct lexer {
	struct compile *compile;
	const char *text;
	uint32_t len;
	uint32_t at; /* next byte */
};

static int peek(const struct lexer *lexer, uint32_t ahead)
{
	uint32_t at = lexer->at + ahead;

	return at < lexer->len ? (unsigned char)lexer->text[at] : -1;
}

static bool is_ident_start(int c)
{
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_ident(int c)
{
	return is_ident_start(c) || (c >= '0' && c <= '9');
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static int hex_digit(int c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static void skip_blank(struct lexer *lexer)
{
	for (;;) {
		int c = peek(lexer, 0);

		if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
			lexer->at++;
		} else if (c == '/' && peek(lexer, 1) == '/') {
			while (peek(lexer, 0) >= 0 && peek(lexer, 0) != '\n')
				lexer->at++;
		} else {
			return;
		}
	}
}

static struct token token_make(struct lexer *lexer, enum token_kind kind, uint32_t from)
{
	return (struct token){
		.kind = kind,
		.at = from,
		.end = lexer->at,
		.text = { lexer->text + from, lexer->at - from },
	};
}

/* ---- numbers -------------------------------------------------------------- */

static void skip_digits(struct lexer *lexer)
{
	while (is_digit(peek(lexer, 0)))
		lexer->at++;
}

/* exponent = ("e"|"E") ["+"|"-"] digit+ */
static bool skip_exponent(struct lexer *lexer)
{
	uint32_t ahead = 1;

	if (peek(lexer, 0) != 'e' && peek(lexer, 0) != 'E')
		return false;
	if (peek(lexer, 1) == '+' || peek(lexer, 1) == '-')
		ahead = 2;
	if (!is_digit(peek(lexer, ahead)))
		return false;
	lexer->at += ahead;
	skip_digits(lexer);
	return true;
}

/* INT = digit+ | "0x" hex+    UINT = INT ("u"|"U")    DOUBLE = digit* "." digit+ [exponent] | ... */
static struct token lex_number(struct lexer *lexer)
{
	uint32_t from = lexer->at;
	enum token_kind kind = TOKEN_INT;

	if (peek(lexer, 0) == '0' && peek(lexer, 1) == 'x' && hex_digit(peek(lexer, 2)) >= 0) {
		lexer->at += 2;
		while (hex_digit(peek(lexer, 0)) >= 0)
			lexer->at++;
	} else {
		skip_digits(lexer);
		if (peek(lexer, 0) == '.' && is_digit(peek(lexer, 1))) {
			lexer->at++;
			skip_digits(lexer);
			kind = TOKEN_DOUBLE;
		}
		if (skip_exponent(lexer))
			kind = TOKEN_DOUBLE;
	}
	if (kind == TOKEN_INT && (peek(lexer, 0) == 'u' || peek(lexer, 0) == 'U')) {
		lexer->at++;
		kind = TOKEN_UINT;
	}
	return token_make(lexer, kind, from);
}

/* ---- strings -------------------------------------------------------------- */

struct literal {
	bool raw, bytes, triple;
	char quote;
	uint32_t from; /* of the whole token */
	char *out;
	uint32_t len;
};

static bool put_rune(struct literal *literal, uint32_t rune)
{
	if (rune > 0x10ffff || (rune >= 0xd800 && rune <= 0xdfff))
		return false;
	literal->len += utf8_put(literal->out + literal->len, rune);
	return true;
}

/* Reads `count` hex digits, moves behind them; -1 if there are fewer. */
static int64_t read_hex(struct lexer *lexer, uint32_t count)
{
	int64_t value = 0;

	for (uint32_t i = 0; i < count; i++) {
		int digit = hex_digit(peek(lexer, 0));

		if (digit < 0)
			return -1;
		value = value * 16 + digit;
		lexer->at++;
	}
	return value;
}

/* In bytes an escape is an octet, in strings a code point. */
static bool put_number(struct literal *literal, int64_t value, bool unicode)
{
	if (value < 0)
		return false;
	if (!literal->bytes)
		return put_rune(literal, (uint32_t)value);
	if (unicode)
		return false;
	literal->out[literal->len++] = (char)value;
	return true;
}

static bool lex_octal(struct lexer *lexer, struct literal *literal, int first)
{
	int second = peek(lexer, 0), third = peek(lexer, 1);

	if (first > '3' || second < '0' || second > '7' || third < '0' || third > '7')
		return false;
	lexer->at += 2;
	return put_number(literal, (first - '0') * 64 + (second - '0') * 8 + third - '0', false);
}

/* The escape behind a backslash; false: there is no such escape. */
static bool lex_escape(struct lexer *lexer, struct literal *literal)
{
	static const char plain[] = "abfnrtv\\?\"'`", values[] = "\a\b\f\n\r\t\v\\?\"'`";
	int c = peek(lexer, 0);
	const char *found = c > 0 ? strchr(plain, c) : NULL;

	if (c < 0)
		return false;
	lexer->at++;
	if (found) {
		literal->out[literal->len++] = values[found - plain];
		return true;
	}
	switch (c) {
	case 'x':
	case 'X': return put_number(literal, read_hex(lexer, 2), false);
	case 'u': return put_number(literal, read_hex(lexer, 4), true);
	case 'U': return put_number(literal, read_hex(lexer, 8), true);
	case '0' ... '7': return lex_octal(lexer, literal, c);
	default: return false;
	}
}

/* Is the closing quote next? Moves behind it. */
static bool lex_closing(struct lexer *lexer, const struct literal *literal)
{
	if (peek(lexer, 0) != literal->quote)
		return false;
	if (!literal->triple) {
		lexer->at++;
		return true;
	}
	if (peek(lexer, 1) != literal->quote || peek(lexer, 2) != literal->quote)
		return false;
	lexer->at += 3;
	return true;
}

static struct token literal_error(struct lexer *lexer, uint32_t at, const char *text)
{
	compile_error(lexer->compile, at, "%s", text);
	return token_make(lexer, TOKEN_ERROR, at);
}

static bool lex_literal_char(struct lexer *lexer, struct literal *literal)
{
	int c = peek(lexer, 0);

	lexer->at++;
	if (c == '\r') { /* line ends are \n, however the file has them */
		if (peek(lexer, 0) == '\n')
			lexer->at++;
		c = '\n';
	}
	if (c == '\\' && !literal->raw)
		return lex_escape(lexer, literal);
	literal->out[literal->len++] = (char)c;
	return true;
}

static struct token lex_literal_body(struct lexer *lexer, struct literal *literal)
{
	/* No escape is shorter than what it stands for, except \? forms of one byte. */
	literal->out = arena_alloc(lexer->compile->arena, lexer->len - lexer->at + 8);
	if (!literal->out) {
		compile_no_memory(lexer->compile);
		return token_make(lexer, TOKEN_ERROR, literal->from);
	}
	while (!lex_closing(lexer, literal)) {
		uint32_t at = lexer->at;
		int c = peek(lexer, 0);

		if (c < 0 || (!literal->triple && (c == '\n' || c == '\r')))
			return literal_error(lexer, literal->from,
					     "found a string without its closing quote");
		if (!lex_literal_char(lexer, literal))
			return literal_error(
				lexer, at,
				literal->bytes
					? "found an escape that bytes do not have, expected one of "
					  "\\a \\b \\f \\n \\r \\t \\v \\\\ \\? \\\" \\' \\` \\xHH \\OOO"
					: "found an escape that strings do not have, expected one of "
					  "\\a \\b \\f \\n \\r \\t \\v \\\\ \\? \\\" \\' \\` \\xHH \\OOO "
					  "\\uHHHH \\UHHHHHHHH");
	}
	/* The rest of the room goes back: many short literals stay linear. */
	arena_shrink(lexer->compile->arena, literal->out, literal->len);
	struct token token = token_make(lexer, literal->bytes ? TOKEN_BYTES : TOKEN_STRING,
					literal->from);

	token.text = (struct str){ literal->out, literal->len };
	return token;
}

/* STRING = [rR] quote ... quote    BYTES = [bB] [rR] quote ... quote */
static struct token lex_literal(struct lexer *lexer, uint32_t prefix)
{
	struct literal literal = { .from = lexer->at };

	for (uint32_t i = 0; i < prefix; i++) {
		int c = tolower(peek(lexer, i));

		literal.raw |= c == 'r';
		literal.bytes |= c == 'b';
	}
	lexer->at += prefix;
	literal.quote = (char)peek(lexer, 0);
	literal.triple = peek(lexer, 1) == literal.quote && peek(lexer, 2) == literal.quote;
	lexer->at += literal.triple ? 3 : 1;
	return lex_literal_body(lexer, &literal);
}

/* How many letters of prefix stand before a quote; -1: this is no literal. */
static int literal_prefix(const struct lexer *lexer)
{
	int first = peek(lexer, 0), second = peek(lexer, 1), third = peek(lexer, 2);

	if (first == '"' || first == '\'')
		return 0;
	if (strchr("rRbB", first) && (second == '"' || second == '\''))
		return 1;
	if ((first == 'b' || first == 'B') && (second == 'r' || second == 'R') &&
	    (third == '"' || third == '\''))
		return 2;
	return -1;
}

/* QUOTED = "`" [A-Za-z0-9_.\-/ ]+ "`" */
static struct token lex_quoted(struct lexer *lexer)
{
	uint32_t from = lexer->at++;
	int c;

	while ((c = peek(lexer, 0)) > 0 && (is_ident(c) || strchr(".-/ ", c)))
		lexer->at++;
	if (c != '`' || lexer->at == from + 1)
		return literal_error(lexer, from, "found '`' without a name in back quotes");
	lexer->at++;
	struct token token = token_make(lexer, TOKEN_QUOTED, from);

	token.text = (struct str){ lexer->text + from + 1, lexer->at - from - 2 };
	return token;
}

static struct token lex_punctuation(struct lexer *lexer)
{
	static const char *const pairs[] = { "==", "!=", "<=", ">=", "&&", "||" };
	uint32_t from = lexer->at;
	int first = peek(lexer, 0), second = peek(lexer, 1);

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		if (first == pairs[i][0] && second == pairs[i][1]) {
			lexer->at += 2;
			return token_make(lexer, TOKEN_PUNCTUATION, from);
		}
	if (strchr("<>!+-*/%?:.,()[]{}", first)) {
		lexer->at++;
		return token_make(lexer, TOKEN_PUNCTUATION, from);
	}
	uint32_t size;

	utf8_decode(lexer->text + from, lexer->len - from, &size);
	compile_error(lexer->compile, from, "found '%.*s', which CEL does not have", (int)size,
		      lexer->text + from);
	if (first == '=')
		compile_hint(lexer->compile, "'==' compares");
	if (first == '&' || first == '|' || first == '^' || first == '~')
		compile_hint(lexer->compile, "'&&' and '||' are logic; bits are tested with "
					     "math.bitAnd(a, b) and its kin");
	return token_make(lexer, TOKEN_ERROR, from);
}

static struct token lex_token(struct lexer *lexer)
{
	uint32_t from = lexer->at;
	int c = peek(lexer, 0);
	int prefix;

	if (c < 0)
		return token_make(lexer, TOKEN_END, from);
	if (c == 0)
		return literal_error(lexer, from, "found a NUL byte");
	if (is_digit(c) || (c == '.' && is_digit(peek(lexer, 1))))
		return lex_number(lexer);
	prefix = literal_prefix(lexer);
	if (prefix >= 0)
		return lex_literal(lexer, (uint32_t)prefix);
	if (is_ident_start(c)) {
		while (is_ident(peek(lexer, 0)))
			lexer->at++;
		return token_make(lexer, TOKEN_IDENT, from);
	}
	if (c == '`')
		return lex_quoted(lexer);
	return lex_punctuation(lexer);
}

struct token lex_next(struct compile *compile, uint32_t *offset)
{
	struct lexer lexer = {
		.compile = compile,
		.text = compile->source->text.data,
		.len = compile->source->text.len,
		.at = *offset,
	};
	struct token token;

	skip_blank(&lexer);
	token = lex_token(&lexer);
	*offset = lexer.at;
	return token;
}
