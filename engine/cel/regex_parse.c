/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions: pattern to tree. The language is what Go's regexp accepts, nothing
 * more: no look-around, no back-references, no possessive repetition.
 *
 * Invariant: groups nest at most DEPTH_MAX deep, and repetitions multiply to at most 1000.
 */
#include "regex.h"

enum { DEPTH_MAX = 250, NAMES_MAX = REGEX_GROUPS_MAX };

struct flags {
	bool fold, many_lines, dot_all, swap_greed;
};

struct regex_parser {
	struct arena *arena;
	uint64_t *effort;
	struct str pattern;
	uint32_t at;
	struct flags flags;
	uint32_t groups, depth;
	struct str names[NAMES_MAX];
	uint32_t name_count;
	const char *problem;
	uint32_t problem_at;
};

static struct regex_node *parse_alternate(struct regex_parser *parser);

static void *fail(struct regex_parser *parser, uint32_t at, const char *problem)
{
	if (!parser->problem) {
		parser->problem = problem;
		parser->problem_at = at;
	}
	return NULL;
}

static bool more(const struct regex_parser *parser)
{
	return parser->at < parser->pattern.len;
}

static int peek(const struct regex_parser *parser, uint32_t ahead)
{
	uint32_t at = parser->at + ahead;

	return at < parser->pattern.len ? (unsigned char)parser->pattern.data[at] : -1;
}

static bool accept(struct regex_parser *parser, const char *text)
{
	size_t len = strlen(text);

	if (parser->pattern.len - parser->at < len ||
	    memcmp(parser->pattern.data + parser->at, text, len) != 0)
		return false;
	parser->at += (uint32_t)len;
	return true;
}

static uint32_t next_rune(struct regex_parser *parser)
{
	uint32_t size, rune = utf8_decode(parser->pattern.data + parser->at,
					  parser->pattern.len - parser->at, &size);

	parser->at += size;
	return rune;
}

static struct regex_node *make(struct regex_parser *parser, enum regex_kind kind)
{
	struct regex_node *node = arena_new(parser->arena, struct regex_node);

	if (!node)
		return fail(parser, parser->at, "more than memory holds");
	node->kind = kind;
	return node;
}

static struct regex_node *make_assert(struct regex_parser *parser, enum regex_assert assert)
{
	struct regex_node *node = make(parser, REGEX_ASSERT);

	if (node)
		node->assert = (uint8_t)assert;
	return node;
}

static struct class *class_new(struct regex_parser *parser)
{
	struct class *class = arena_new(parser->arena, struct class);

	if (!class)
		return fail(parser, parser->at, "more than memory holds");
	class->arena = parser->arena;
	class->effort = parser->effort;
	return class;
}

static struct regex_node *make_class(struct regex_parser *parser, struct class *class)
{
	struct regex_node *node = make(parser, REGEX_CLASS);

	if (!node || !class)
		return NULL;
	class_clean(class);
	if (class->failed)
		return fail(parser, parser->at, "more than the largest size");
	node->class = class;
	return node;
}

static struct regex_node *make_literal(struct regex_parser *parser, uint32_t rune)
{
	struct class *class = class_new(parser);

	if (!class)
		return NULL;
	class_add(class, rune, rune);
	if (parser->flags.fold)
		class_fold(class);
	return make_class(parser, class);
}

/* ---- escapes -------------------------------------------------------------- */

static int hex_value(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* \xHH or \x{H...}, behind the x */
static bool parse_hex(struct regex_parser *parser, uint32_t from, uint32_t *out)
{
	bool braces = accept(parser, "{");
	uint32_t value = 0, digits = 0;

	while (hex_value(peek(parser, 0)) >= 0 && (braces || digits < 2) && value <= RUNE_MAX) {
		value = value * 16 + (uint32_t)hex_value(peek(parser, 0));
		parser->at++;
		digits++;
	}
	if (value > RUNE_MAX || !digits || (braces ? !accept(parser, "}") : digits != 2)) {
		fail(parser, from, "a wrong \\x escape");
		return false;
	}
	*out = value;
	return true;
}

/* \0, \01, \012, \12: octal; a single digit but 0 would be a back-reference */
static bool parse_octal(struct regex_parser *parser, uint32_t from, int first, uint32_t *out)
{
	int next = peek(parser, 0);
	uint32_t value = (uint32_t)(first - '0');

	if (first != '0' && (next < '0' || next > '7')) {
		fail(parser, from, "a back-reference, which the language does not have");
		return false;
	}
	for (int i = 0; i < 2 && peek(parser, 0) >= '0' && peek(parser, 0) <= '7'; i++)
		value = value * 8 + (uint32_t)(next_rune(parser) - '0');
	*out = value;
	return true;
}

static bool is_word_char(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_';
}

/* An escape that stands for one code point; the cursor is at the backslash. */
static bool parse_escape(struct regex_parser *parser, uint32_t *out)
{
	static const char letters[] = "afnrtv", values[] = "\a\f\n\r\t\v";
	uint32_t from = parser->at++;
	int c = peek(parser, 0);
	const char *found;

	if (c < 0) {
		fail(parser, from, "a backslash at its end");
		return false;
	}
	if (c >= 0x80 || (!is_word_char(c) || c == '_')) {
		/* Punctuation may be escaped; '_' and other letters may not. */
		if (c >= 0x80 || c == '_') {
			fail(parser, from, "an escape that the language does not have");
			return false;
		}
		parser->at++;
		*out = (uint32_t)c;
		return true;
	}
	parser->at++;
	if (c == 'x')
		return parse_hex(parser, from, out);
	if (c >= '0' && c <= '7')
		return parse_octal(parser, from, c, out);
	found = strchr(letters, c);
	if (!found) {
		fail(parser, from, "an escape that the language does not have");
		return false;
	}
	*out = (uint32_t)values[found - letters];
	return true;
}

/* ---- classes -------------------------------------------------------------- */

static const struct named_class {
	const char *name;
	struct range ranges[4];
	uint32_t count;
} perl_classes[] = {
	{ "d", { { '0', '9' } }, 1 },
	{ "s", { { '\t', '\n' }, { '\f', '\r' }, { ' ', ' ' } }, 3 },
	{ "w", { { '0', '9' }, { 'A', 'Z' }, { '_', '_' }, { 'a', 'z' } }, 4 },
}, posix_classes[] = {
	{ "alnum", { { '0', '9' }, { 'A', 'Z' }, { 'a', 'z' } }, 3 },
	{ "alpha", { { 'A', 'Z' }, { 'a', 'z' } }, 2 },
	{ "ascii", { { 0, 0x7f } }, 1 },
	{ "blank", { { '\t', '\t' }, { ' ', ' ' } }, 2 },
	{ "cntrl", { { 0, 0x1f }, { 0x7f, 0x7f } }, 2 },
	{ "digit", { { '0', '9' } }, 1 },
	{ "graph", { { '!', '~' } }, 1 },
	{ "lower", { { 'a', 'z' } }, 1 },
	{ "print", { { ' ', '~' } }, 1 },
	{ "punct", { { '!', '/' }, { ':', '@' }, { '[', '`' }, { '{', '~' } }, 4 },
	{ "space", { { '\t', '\r' }, { ' ', ' ' } }, 2 },
	{ "upper", { { 'A', 'Z' } }, 1 },
	{ "word", { { '0', '9' }, { 'A', 'Z' }, { '_', '_' }, { 'a', 'z' } }, 4 },
	{ "xdigit", { { '0', '9' }, { 'A', 'F' }, { 'a', 'f' } }, 3 },
};

/* Adds part to class, folded first if case does not matter, then negated. */
static void add_part(struct regex_parser *parser, struct class *class, struct class *part,
		     bool negate)
{
	if (parser->flags.fold)
		class_fold(part);
	if (negate)
		class_negate(part);
	class_add_class(class, part);
	class->failed |= part->failed;
}

static void add_named(struct regex_parser *parser, struct class *class,
		      const struct named_class *named, bool negate)
{
	struct class part = { .arena = parser->arena, .effort = parser->effort };

	for (uint32_t i = 0; i < named->count; i++)
		class_add(&part, named->ranges[i].first, named->ranges[i].last);
	add_part(parser, class, &part, negate);
}

/* \d \D \s \S \w \W */
static bool accept_perl(struct regex_parser *parser, struct class *class)
{
	int c = peek(parser, 1);

	if (peek(parser, 0) != '\\' || c < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(perl_classes); i++) {
		if (perl_classes[i].name[0] != (c | 0x20))
			continue;
		parser->at += 2;
		add_named(parser, class, &perl_classes[i], c >= 'A' && c <= 'Z');
		return true;
	}
	return false;
}

/* [:alpha:] or [:^alpha:] inside brackets */
static bool accept_posix(struct regex_parser *parser, struct class *class)
{
	const char *start = parser->pattern.data + parser->at, *end;
	uint32_t left = parser->pattern.len - parser->at, len;
	bool negate;

	if (left < 4 || start[0] != '[' || start[1] != ':')
		return false;
	end = memmem(start + 2, left - 2, ":]", 2);
	if (!end)
		return false;
	negate = start[2] == '^';
	start += 2 + negate;
	len = (uint32_t)(end - start);
	for (size_t i = 0; i < ARRAY_SIZE(posix_classes); i++)
		if (str_equal(str_of(posix_classes[i].name), (struct str){ start, len })) {
			parser->at = (uint32_t)(end + 2 - parser->pattern.data);
			add_named(parser, class, &posix_classes[i], negate);
			return true;
		}
	fail(parser, parser->at, "a class [:name:] of unknown name");
	return false;
}

/* \pL \PL \p{Greek} \p{^Greek} */
static bool accept_property(struct regex_parser *parser, struct class *class)
{
	uint32_t from = parser->at;
	bool negate = peek(parser, 1) == 'P';
	struct class part = { .arena = parser->arena, .effort = parser->effort };
	struct str name;

	if (peek(parser, 0) != '\\' || (peek(parser, 1) != 'p' && !negate))
		return false;
	parser->at += 2;
	name = (struct str){ parser->pattern.data + parser->at, 1 };
	if (accept(parser, "{")) {
		const char *start = name.data + 1;
		const char *end = memchr(start, '}', parser->pattern.len - parser->at);

		if (!end) {
			fail(parser, from, "a \\p{ without its }");
			return false;
		}
		name = (struct str){ start, (uint32_t)(end - start) };
		parser->at += name.len + 1;
		if (name.len && name.data[0] == '^') {
			negate = !negate;
			name = (struct str){ name.data + 1, name.len - 1 };
		}
	} else if (more(parser)) {
		next_rune(parser);
	} else {
		name.len = 0;
	}
	if (!class_add_property(&part, name)) {
		fail(parser, from, "a \\p of unknown name");
		return false;
	}
	add_part(parser, class, &part, negate);
	return true;
}

static bool parse_class_char(struct regex_parser *parser, uint32_t *out)
{
	if (peek(parser, 0) == '\\')
		return parse_escape(parser, out);
	*out = next_rune(parser);
	return true;
}

/* char ["-" char] */
static bool parse_class_range(struct regex_parser *parser, struct class *class)
{
	struct class part = { .arena = parser->arena, .effort = parser->effort };
	uint32_t from = parser->at, first, last;

	if (!parse_class_char(parser, &first))
		return false;
	last = first;
	if (peek(parser, 0) == '-' && peek(parser, 1) >= 0 && peek(parser, 1) != ']') {
		parser->at++;
		if (!parse_class_char(parser, &last))
			return false;
	}
	if (last < first) {
		fail(parser, from, "a range whose end lies before its start");
		return false;
	}
	class_add(&part, first, last);
	add_part(parser, class, &part, false);
	return true;
}

/* "[" ["^"] ["]"] ... "]" */
static struct regex_node *parse_class(struct regex_parser *parser)
{
	uint32_t from = parser->at++;
	struct class *class = class_new(parser);
	bool negate = accept(parser, "^"), first = true;

	while (class && !parser->problem && (first || peek(parser, 0) != ']')) {
		if (!more(parser))
			return fail(parser, from, "a [ without its ]");
		first = false;
		if (!accept_posix(parser, class) && !parser->problem &&
		    !accept_property(parser, class) && !parser->problem &&
		    !accept_perl(parser, class) && !parse_class_range(parser, class))
			return NULL;
	}
	if (!class || parser->problem)
		return NULL;
	parser->at++;
	if (negate)
		class_negate(class);
	return make_class(parser, class);
}

/* ---- groups --------------------------------------------------------------- */

/* "?P<name>" or "?<name>", behind the "(" */
static bool parse_group_name(struct regex_parser *parser)
{
	uint32_t from = parser->at;
	struct str name;

	if (!accept(parser, "?P<") && !accept(parser, "?<"))
		return true;
	name = (struct str){ parser->pattern.data + parser->at, 0 };
	while (is_word_char(peek(parser, 0))) {
		parser->at++;
		name.len++;
	}
	if (!name.len || !accept(parser, ">")) {
		fail(parser, from,
		     "a wrong name of a group, or look-behind, which the language does "
		     "not have");
		return false;
	}
	for (uint32_t i = 0; i < parser->name_count; i++)
		if (str_equal(parser->names[i], name)) {
			fail(parser, from, "two groups of the same name");
			return false;
		}
	if (parser->name_count < NAMES_MAX)
		parser->names[parser->name_count++] = name;
	return true;
}

/* "?" flags ["-" flags] (")" | ":"): true if a group follows (":") */
static bool parse_flags(struct regex_parser *parser, bool *group)
{
	uint32_t from = parser->at++;
	struct flags flags = parser->flags;
	bool on = true, any = false, minus = false;

	for (;; parser->at++) {
		int c = peek(parser, 0);
		bool *flag = c == 'i'	? &flags.fold
			     : c == 'm' ? &flags.many_lines
			     : c == 's' ? &flags.dot_all
			     : c == 'U' ? &flags.swap_greed
					: NULL;

		if (flag) {
			*flag = on;
			any = true;
		} else if (c == '-' && !minus) {
			minus = true;
			on = false;
			any = false;
		} else if ((c == ':' || c == ')') && (!minus || any)) {
			parser->at++;
			parser->flags = flags;
			*group = c == ':';
			return true;
		} else {
			fail(parser, from,
			     "a (? that the language does not have (no look-around, no "
			     "comments, no conditions)");
			return false;
		}
	}
}

static struct regex_node *finish_group(struct regex_parser *parser, uint32_t from, uint32_t number)
{
	struct regex_node *inner, *group;

	if (parser->depth == DEPTH_MAX)
		return fail(parser, from, "groups nested too deep");
	parser->depth++;
	inner = parse_alternate(parser);
	parser->depth--;
	if (!inner)
		return NULL;
	if (!accept(parser, ")"))
		return fail(parser, from, "a ( without its )");
	if (!number)
		return inner;
	group = make(parser, REGEX_GROUP);
	if (!group)
		return NULL;
	group->group = number;
	group->first = inner;
	return group;
}

/* "(" ... ")" */
static struct regex_node *parse_group(struct regex_parser *parser)
{
	uint32_t from = parser->at++, number = 0;
	struct flags outer = parser->flags;
	struct regex_node *node;
	bool group = true;

	if (peek(parser, 0) == '?' && peek(parser, 1) != 'P' && peek(parser, 1) != '<') {
		if (!parse_flags(parser, &group))
			return NULL;
		if (!group) /* (?i): holds until the end of the group around it */
			return make(parser, REGEX_EMPTY);
	} else {
		if (!parse_group_name(parser))
			return NULL;
		number = ++parser->groups;
		if (number > REGEX_GROUPS_MAX)
			return fail(parser, from, "more than 100 groups");
	}
	node = finish_group(parser, from, number);
	parser->flags = outer;
	return node;
}

/* ---- repetition ----------------------------------------------------------- */

static bool read_count(struct regex_parser *parser, int32_t *out)
{
	int32_t value = 0;
	uint32_t from = parser->at;

	while (peek(parser, 0) >= '0' && peek(parser, 0) <= '9') {
		value = MIN(value * 10 + peek(parser, 0) - '0', 100000);
		parser->at++;
	}
	*out = value;
	/* Go reads {01} as text. */
	return parser->at > from && !(parser->at - from > 1 && parser->pattern.data[from] == '0');
}

/* "{" n ["," [m]] "}"; false: it is text */
static bool parse_counts(struct regex_parser *parser, int32_t *min, int32_t *max)
{
	uint32_t from = parser->at++;

	if (read_count(parser, min)) {
		*max = *min;
		if (accept(parser, ",")) {
			*max = -1;
			if (peek(parser, 0) != '}' && !read_count(parser, max)) {
				parser->at = from;
				return false;
			}
		}
		if (accept(parser, "}"))
			return true;
	}
	parser->at = from;
	return false;
}

/* The repetition at the cursor, if there is one. */
static bool accept_repeat(struct regex_parser *parser, int32_t *min, int32_t *max)
{
	switch (peek(parser, 0)) {
	case '*': *min = 0, *max = -1; break;
	case '+': *min = 1, *max = -1; break;
	case '?': *min = 0, *max = 1; break;
	case '{': return parse_counts(parser, min, max);
	default: return false;
	}
	parser->at++;
	return true;
}

/* Copies that repetition inside repetition asks for. Asked of what is finished, so it is kept. */
static int64_t repeat_product(struct regex_node *node)
{
	bool list = node->kind == REGEX_CONCAT || node->kind == REGEX_ALTERNATE;
	int64_t most = 1;

	if (node->copies)
		return node->copies;
	for (struct regex_node *child = node->first; child; child = list ? child->next : NULL)
		most = MAX(most, repeat_product(child));
	if (node->kind == REGEX_REPEAT)
		most *= MAX(MAX(node->min, node->max), 1);
	node->copies = (int32_t)MIN(most, (int64_t)1000000);
	return node->copies;
}

static struct regex_node *make_repeat(struct regex_parser *parser, struct regex_node *inner,
				      uint32_t from, int32_t min, int32_t max)
{
	struct regex_node *node = make(parser, REGEX_REPEAT);
	bool lazy = accept(parser, "?");

	if (!node)
		return NULL;
	if (min > REGEX_REPEAT_MAX || max > REGEX_REPEAT_MAX)
		return fail(parser, from, "a repetition of more than 1000");
	if (max >= 0 && min > max)
		return fail(parser, from, "a repetition whose least is more than its most");
	node->first = inner;
	node->min = min;
	node->max = max;
	node->lazy = lazy != parser->flags.swap_greed;
	if ((min > 1 || max > 1) && repeat_product(node) > REGEX_REPEAT_MAX)
		return fail(parser, from, "repetitions that multiply to more than 1000");
	return node;
}

static struct regex_node *parse_repeat(struct regex_parser *parser, struct regex_node *node)
{
	uint32_t from = parser->at;
	int32_t min, max;

	if (!node || !accept_repeat(parser, &min, &max))
		return node;
	node = make_repeat(parser, node, from, min, max);
	from = parser->at;
	if (node && accept_repeat(parser, &min, &max))
		return fail(parser, from, "a repetition of a repetition");
	return node;
}

/* ---- atoms, sequences, alternatives --------------------------------------- */

/* \Q...\E: text; the cursor is behind \Q */
static struct regex_node *parse_quoted(struct regex_parser *parser, struct regex_node ***tail)
{
	while (more(parser) && !accept(parser, "\\E")) {
		struct regex_node *literal = make_literal(parser, next_rune(parser));

		if (!literal)
			return NULL;
		if (!more(parser) || (peek(parser, 0) == '\\' && peek(parser, 1) == 'E')) {
			accept(parser, "\\E");
			return literal; /* the last one may be repeated */
		}
		**tail = literal;
		*tail = &literal->next;
	}
	return make(parser, REGEX_EMPTY);
}

static struct regex_node *parse_backslash(struct regex_parser *parser)
{
	static const struct {
		char letter;
		enum regex_assert assert;
	} asserts[] = { { 'A', ASSERT_BEGIN_TEXT },
			{ 'z', ASSERT_END_TEXT },
			{ 'b', ASSERT_WORD },
			{ 'B', ASSERT_NO_WORD } };
	struct class *class;
	uint32_t rune;

	for (size_t i = 0; i < ARRAY_SIZE(asserts); i++)
		if (peek(parser, 1) == asserts[i].letter) {
			parser->at += 2;
			return make_assert(parser, asserts[i].assert);
		}
	class = class_new(parser);
	if (!class)
		return NULL;
	if (accept_perl(parser, class) || accept_property(parser, class))
		return make_class(parser, class);
	if (parser->problem || !parse_escape(parser, &rune))
		return NULL;
	return make_literal(parser, rune);
}

static struct regex_node *parse_dot(struct regex_parser *parser)
{
	struct class *class = class_new(parser);

	parser->at++;
	if (!class)
		return NULL;
	if (parser->flags.dot_all) {
		class_add(class, 0, RUNE_MAX);
	} else {
		class_add(class, 0, '\n' - 1);
		class_add(class, '\n' + 1, RUNE_MAX);
	}
	return make_class(parser, class);
}

static struct regex_node *parse_atom(struct regex_parser *parser)
{
	int32_t min, max;
	uint32_t from = parser->at;

	switch (peek(parser, 0)) {
	case '(': return parse_group(parser);
	case '[': return parse_class(parser);
	case '.': return parse_dot(parser);
	case '\\': return parse_backslash(parser);
	case '^':
		parser->at++;
		return make_assert(parser, parser->flags.many_lines ? ASSERT_BEGIN_LINE
								    : ASSERT_BEGIN_TEXT);
	case '$':
		parser->at++;
		return make_assert(parser,
				   parser->flags.many_lines ? ASSERT_END_LINE : ASSERT_END_TEXT);
	default: break;
	}
	if (accept_repeat(parser, &min, &max))
		return fail(parser, from, "a repetition of nothing");
	return make_literal(parser, next_rune(parser));
}

/* concat = { atom [repeat] } */
static struct regex_node *parse_concat(struct regex_parser *parser)
{
	struct regex_node *node = make(parser, REGEX_CONCAT);
	struct regex_node **tail = node ? &node->first : NULL;

	while (node && !parser->problem && more(parser) && peek(parser, 0) != '|' &&
	       peek(parser, 0) != ')') {
		struct regex_node *atom = accept(parser, "\\Q") ? parse_quoted(parser, &tail)
								: parse_atom(parser);

		atom = parse_repeat(parser, atom);
		if (!atom)
			return NULL;
		*tail = atom;
		tail = &atom->next;
	}
	return parser->problem ? NULL : node;
}

/* alternate = concat { "|" concat } */
static struct regex_node *parse_alternate(struct regex_parser *parser)
{
	struct regex_node *first = parse_concat(parser), *node, **tail;

	if (!first || peek(parser, 0) != '|')
		return first;
	node = make(parser, REGEX_ALTERNATE);
	if (!node)
		return NULL;
	node->first = first;
	tail = &first->next;
	while (accept(parser, "|")) {
		struct regex_node *next = parse_concat(parser);

		if (!next)
			return NULL;
		*tail = next;
		tail = &next->next;
	}
	return node;
}

bool regex_parse(struct arena *arena, struct str pattern, uint64_t *effort, struct regex_tree *out,
		 const char **problem, uint32_t *at)
{
	struct regex_parser parser = { .arena = arena, .effort = effort, .pattern = pattern };
	struct regex_node *root;

	if (!utf8_is_valid(pattern.data, pattern.len))
		fail(&parser, 0, "bytes that are no UTF-8");
	root = parser.problem ? NULL : parse_alternate(&parser);
	if (root && more(&parser))
		root = fail(&parser, parser.at, "a ) without its (");
	if (!root) {
		*problem = parser.problem ? parser.problem : "more than memory holds";
		*at = parser.problem_at;
		return false;
	}
	*out = (struct regex_tree){ root, parser.groups };
	return true;
}
