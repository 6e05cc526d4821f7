/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Template text to a program, by recursive descent:
 *
 *	template = { text | action }
 *	action   = {{ [- ] ( comment | pipe | if | range | with | else | end ) [ -] }}
 *	pipe     = [ $x [, $y] ( := | = ) ] command { '|' command }
 *	command  = operand { operand }
 *	operand  = ( literal | . | $x | '(' pipe ')' | function ) { .Field }
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>

#include "base/common.h"
#include "base/suggest.h"
#include "encode/template_private.h"

struct parser {
	struct arena *arena;
	struct str text;
	uint32_t at;
	const char *path;
	struct err *err;
	unsigned depth;
	struct str variables[TEMPLATE_VARIABLES];
	uint32_t variable_count, variables_seen; /* in scope; most at once */
	bool failed;
};

/* Every member that an event can have, as the json format calls them. */
static const char *const members[] = {
	"timestamp",
	"id",
	"name",
	"policies",
	"matched",
	"workload",
	"process",
	"executable",
	"path",
	"unique_id",
	"host_pid",
	"pid",
	"real_user",
	"thread",
	"start_time",
	"host_tid",
	"tid",
	"syscall",
	"compat",
	"ancestors",
	"container",
	"image",
	"repo_digests",
	"started",
	"k8s",
	"pod",
	"uid",
	"namespace",
	"data",
	"value",
	"threat",
	"description",
	"mitre",
	"tactic",
	"technique",
	"severity",
	"properties",
	"detected_from",
	"parent",
	"host",
	"sensor",
	"version",
	"machine_id",
	"boot_id",
	"addresses",
	"alert",
	"sequence",
	"rule",
	"source",
	"seq",
	"cpu",
	"euid",
	"gid",
	"loginuid",
	"namespaces",
	"mnt",
	"ipc",
	"user",
	"net",
	"cgroup_id",
	"container_runtime",
	"hook",
	"origin",
	"str",
	"int32",
	"int64",
	"u_int32",
	"u_int64",
	"bool",
	"bytes",
	"double",
	"pointer",
	"str_array",
	"int32_array",
	"as_time",
	"state",
	"phase",
	"first",
	"last",
	"events",
	"confidence",
	"lost",
	"host_name",
};

/* ---- errors ------------------------------ */

static void place(const struct parser *p, uint32_t at, uint32_t *line, uint32_t *column)
{
	*line = *column = 1;
	for (uint32_t i = 0; i < at && i < p->text.len; i++) {
		++*column;
		if (p->text.data[i] == '\n') {
			++*line;
			*column = 1;
		}
	}
}

__attribute__((format(printf, 3, 4))) static void *fail(struct parser *p, uint32_t at,
							const char *format, ...)
{
	char message[512];
	uint32_t line, column;
	va_list args;

	if (p->failed)
		return NULL;
	p->failed = true;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	place(p, at, &line, &column);
	err_at(p->err, p->path, line, column);
	err_set(p->err, -EINVAL, "%s", message);
	return NULL;
}

static void *allocate(struct parser *p, size_t size)
{
	void *memory = arena_zalloc(p->arena, size);

	if (!memory)
		fail(p, p->at, "out of memory");
	return memory;
}

/* ---- characters ------------------------------ */

static char peek(const struct parser *p)
{
	return p->at < p->text.len ? p->text.data[p->at] : 0;
}

static bool looking_at(const struct parser *p, const char *text)
{
	size_t len = strlen(text);

	return p->text.len - p->at >= len && !memcmp(p->text.data + p->at, text, len);
}

static void skip_space(struct parser *p)
{
	while (p->at < p->text.len && isspace((unsigned char)p->text.data[p->at]))
		p->at++;
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static struct str take_name(struct parser *p)
{
	uint32_t start = p->at;

	while (is_name(peek(p)))
		p->at++;
	return (struct str){ p->text.data + start, p->at - start };
}

/* At the end of an action: "}}", or " -}}". */
static bool at_end(const struct parser *p)
{
	return looking_at(p, "}}") || looking_at(p, "-}}");
}

/* ---- literals ------------------------------ */

static bool take_escape(struct parser *p, char *out)
{
	static const char from[] = "abfnrtv\\'\"", to[] = "\a\b\f\n\r\t\v\\'\"";
	const char *found = peek(p) ? strchr(from, peek(p)) : NULL;

	if (!found) {
		fail(p, p->at, "found '\\%c', expected an escape such as \\n, \\t, \\\" or \\\\",
		     peek(p));
		return false;
	}
	*out = to[found - from];
	p->at++;
	return true;
}

static bool take_string(struct parser *p, struct tv *out)
{
	uint32_t start = p->at++, len = 0;
	char quote = p->text.data[start];
	char *text = allocate(p, p->text.len - start + 1);

	while (text && peek(p) != quote) {
		if (!peek(p) || (peek(p) == '\n' && quote == '"'))
			return fail(p, start, "this text has no end"), false;
		char c = p->text.data[p->at++];

		if (c == '\\' && quote == '"' && !take_escape(p, &c))
			return false;
		text[len++] = c;
	}
	p->at++;
	*out = (struct tv){ .kind = TV_TEXT, .whole = true, .text = { text, len } };
	return text != NULL;
}

static bool take_number(struct parser *p, struct tv *out)
{
	char text[64], *end;
	uint32_t start = p->at, len = 0;

	while ((is_name(peek(p)) || strchr("+-.", peek(p))) && peek(p) && len < sizeof(text) - 1 &&
	       !at_end(p))
		text[len++] = p->text.data[p->at++];
	text[len] = 0;
	errno = 0;
	*out = tv_int(strtoll(text, &end, 0));
	if (*end || errno)
		*out = tv_float(strtod(text, &end));
	if (*end)
		return fail(p, start, "found '%s', expected a number", text), false;
	return true;
}

/* ---- operands ------------------------------ */

static const struct pipe *take_pipe(struct parser *p, bool range);

static bool known_member(struct str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (template_same_name(name, str_of(members[i])))
			return true;
	return false;
}

static bool check_member(struct parser *p, uint32_t at, struct str name)
{
	struct suggest suggest;
	char lower[64];
	uint32_t len = MIN(name.len, (uint32_t)sizeof(lower));

	if (known_member(name))
		return true;
	for (uint32_t i = 0; i < len; i++)
		lower[i] = (char)tolower((unsigned char)name.data[i]);
	suggest_start(&suggest, (struct str){ lower, len });
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		suggest_try(&suggest, str_of(members[i]));
	fail(p, at, "no event has a member '%.*s'", (int)MIN(name.len, 64u), name.data);
	if (suggest.best.data)
		err_hint(p->err, "did you mean '%.*s'?", (int)suggest.best.len, suggest.best.data);
	else
		err_hint(p->err,
			 "members are called as in the json format, or as in Go: host_pid or "
			 "HostPid");
	return false;
}

/* .A.B; `first`: the point of the first is behind us. Members of the event only behind . and $. */
static bool take_fields(struct parser *p, struct operand *out, bool first)
{
	struct str *fields = allocate(p, TEMPLATE_ARGS * sizeof(struct str));

	if (!fields)
		return false;
	out->fields = fields;
	while (first || peek(p) == '.') {
		uint32_t at = p->at + !first;

		p->at = at;
		first = false;
		struct str name = take_name(p);

		if (!name.len || out->field_count == TEMPLATE_ARGS)
			return fail(p, at, "found '%c', expected the name of a member", peek(p)),
			       false;
		if (!check_member(p, at, name))
			return false;
		fields[out->field_count++] = name;
	}
	return true;
}

static bool take_variable(struct parser *p, struct operand *out)
{
	uint32_t start = p->at++;
	struct str name = take_name(p);

	out->kind = OPERAND_VARIABLE;
	for (uint32_t i = p->variable_count; i-- > 0;)
		if (str_equal(p->variables[i], name)) {
			out->variable = i;
			return true;
		}
	fail(p, start, "the variable '$%.*s' is not set here", (int)name.len, name.data);
	return false;
}

static bool take_word(struct parser *p, struct operand *out)
{
	uint32_t start = p->at;
	struct str name = take_name(p);
	struct suggest suggest;

	out->kind = OPERAND_LITERAL;
	if (str_equal(name, STR("true")) || str_equal(name, STR("false")))
		return out->literal = tv_bool(name.len == 4), true;
	if (str_equal(name, STR("nil")))
		return out->literal = tv_nil(), true;
	out->kind = OPERAND_CALL;
	out->function = template_function(name);
	if (out->function)
		return true;
	suggest_start(&suggest, name);
	for (size_t i = 0; template_functions[i]; i++)
		for (const struct function *f = template_functions[i]; f->name; f++)
			suggest_try(&suggest, str_of(f->name));
	fail(p, start, "the function '%.*s' is not supported", (int)MIN(name.len, 64u), name.data);
	if (suggest.best.data)
		err_hint(p->err, "did you mean '%.*s'?", (int)suggest.best.len, suggest.best.data);
	else
		err_hint(p->err, "engine/encode/README.md lists those that are");
	return false;
}

static bool take_group(struct parser *p, struct operand *out)
{
	uint32_t start = p->at++;

	out->kind = OPERAND_PIPE;
	if (++p->depth > TEMPLATE_DEPTH)
		return fail(p, start, "nested too deeply"), false;
	out->pipe = take_pipe(p, false);
	p->depth--;
	if (!out->pipe)
		return false;
	if (peek(p) != ')')
		return fail(p, start, "this parenthesis is not closed"), false;
	p->at++;
	return true;
}

static bool take_operand(struct parser *p, struct operand *out)
{
	char c = peek(p);

	out->kind = OPERAND_LITERAL;
	if (c == '"' || c == '`')
		return take_string(p, &out->literal);
	if (isdigit((unsigned char)c) || ((c == '-' || c == '+') && p->at + 1 < p->text.len &&
					  isdigit((unsigned char)p->text.data[p->at + 1])))
		return take_number(p, &out->literal);
	if (c == '.') {
		p->at++;
		out->kind = OPERAND_DOT;
		return !is_name(peek(p)) || take_fields(p, out, true);
	}
	bool taken = c == '$'	? take_variable(p, out)
		     : c == '(' ? take_group(p, out)
		     : is_name(c)
			     ? take_word(p, out)
			     : (fail(p, p->at, "found '%c', expected a value", c ? c : ' '), false);

	return taken && (peek(p) != '.' || out->kind == OPERAND_CALL || take_fields(p, out, false));
}

/* ---- pipes ------------------------------ */

static bool check_call(struct parser *p, uint32_t at, const struct command *command, bool piped)
{
	const struct operand *first = &command->operands[0];
	uint32_t args = command->count - 1 + piped;

	if (first->kind != OPERAND_CALL) {
		if (args)
			fail(p, at, "only functions take arguments");
		return !args;
	}
	const struct function *f = first->function;

	if (args >= f->least && args <= f->most)
		return true;
	fail(p, at, "%s: found %u arguments, expected %s%u", f->name, args,
	     args < f->least && f->most > f->least ? "at least " : "",
	     args < f->least ? f->least : f->most);
	return false;
}

static bool take_command(struct parser *p, struct command *out, bool piped)
{
	uint32_t start = p->at;

	out->operands = allocate(p, TEMPLATE_ARGS * sizeof(struct operand));
	while (out->operands && !at_end(p) && peek(p) != '|' && peek(p) != ')' && peek(p) != ',') {
		if (out->count == TEMPLATE_ARGS)
			return fail(p, p->at, "more than %d operands", TEMPLATE_ARGS), false;
		if (!peek(p))
			return fail(p, start, "this action has no end: '}}' is missing"), false;
		struct operand *operand = &out->operands[out->count++];

		if (!take_operand(p, operand))
			return false;
		if (operand->kind == OPERAND_CALL && out->count > 1) {
			/* A function without arguments, as in Go. */
			if (operand->function->least)
				return fail(p, start, "put a call within parentheses: (%s ...)",
					    operand->function->name),
				       false;
		}
		skip_space(p);
	}
	if (!out->operands)
		return false;
	if (!out->count)
		return fail(p, p->at, "a value is missing"), false;
	return check_call(p, start, out, piped);
}

/* The variable at hand, known or new; -1: too many. */
static int variable_slot(struct parser *p, struct str name, bool declared)
{
	if (!declared)
		for (uint32_t i = p->variable_count; i-- > 0;)
			if (str_equal(p->variables[i], name))
				return (int)i;
	if (!declared || p->variable_count == TEMPLATE_VARIABLES) {
		fail(p, p->at, "'$%.*s' is not set yet, or there are too many variables",
		     (int)name.len, name.data);
		return -1;
	}
	p->variables[p->variable_count] = name;
	return (int)p->variable_count++;
}

/* $x := or $i, $x := in front of a pipe; anything else is left alone. */
static bool take_assignment(struct parser *p, struct pipe *out, bool range)
{
	struct str names[2];
	uint32_t start = p->at, count = 0;

	while (peek(p) == '$' && count < 2) {
		p->at++;
		names[count++] = take_name(p);
		skip_space(p);
		if (peek(p) != ',')
			break;
		p->at++;
		skip_space(p);
	}
	bool declares = looking_at(p, ":=");

	if (!count || (!declares && peek(p) != '=') || !names[0].len) {
		p->at = start;
		return true;
	}
	p->at += declares ? 2 : 1;
	skip_space(p);
	if (count == 2 && !range)
		return fail(p, start, "only range sets two variables"), false;
	if (count == 2)
		out->index = variable_slot(p, names[0], declares);
	out->value = variable_slot(p, names[count - 1], declares);
	return out->value >= 0 && (count == 1 || out->index >= 0);
}

static const struct pipe *take_pipe(struct parser *p, bool range)
{
	struct pipe *pipe = allocate(p, sizeof(*pipe));

	if (!pipe)
		return NULL;
	pipe->index = pipe->value = -1;
	pipe->commands = allocate(p, TEMPLATE_ARGS * sizeof(struct command));
	skip_space(p);
	uint32_t before = p->variable_count;

	if (!pipe->commands || !take_assignment(p, pipe, range))
		return NULL;
	uint32_t after = p->variable_count;

	/* Not in scope within its own value. */
	p->variable_count = before;
	do {
		if (pipe->count == TEMPLATE_ARGS)
			return fail(p, p->at, "more than %d commands", TEMPLATE_ARGS);
		p->at += pipe->count > 0;
		skip_space(p);
		if (!take_command(p, &pipe->commands[pipe->count], pipe->count > 0))
			return NULL;
		pipe->count++;
	} while (peek(p) == '|');
	p->variable_count = after;
	p->variables_seen = MAX(p->variables_seen, after);
	return pipe;
}

/* ---- actions ------------------------------ */

enum stop { STOP_END_OF_TEXT, STOP_END, STOP_ELSE };

static struct node *take_list(struct parser *p, enum stop *stop);

static bool take_close(struct parser *p)
{
	skip_space(p);
	if (!at_end(p)) {
		fail(p, p->at, "found '%c', expected the end of the action",
		     peek(p) ? peek(p) : ' ');
		return false;
	}
	if (peek(p) == '-') {
		p->at += 3;
		skip_space(p);
	} else {
		p->at += 2;
	}
	return true;
}

static struct node *take_control(struct parser *p, enum node_kind kind, uint32_t start);

/* Behind {{else: nothing, or `if`. */
static struct node *take_else(struct parser *p, enum node_kind kind, uint32_t start)
{
	enum stop stop;

	skip_space(p);
	if (looking_at(p, "if ") && kind == NODE_IF) {
		p->at += 3;
		return take_control(p, NODE_IF, start);
	}
	if (!take_close(p))
		return NULL;
	struct node *list = take_list(p, &stop);

	if (!p->failed && stop != STOP_END)
		fail(p, start, "this action has no {{end}}");
	return p->failed ? NULL : list;
}

static struct node *take_control(struct parser *p, enum node_kind kind, uint32_t start)
{
	struct node *node = allocate(p, sizeof(*node));
	uint32_t variables = p->variable_count;
	enum stop stop;

	if (++p->depth > TEMPLATE_DEPTH)
		return fail(p, start, "nested too deeply");
	if (!node || !(node->pipe = take_pipe(p, kind == NODE_RANGE)) || !take_close(p))
		return NULL;
	node->kind = (uint8_t)kind;
	node->then = take_list(p, &stop);
	if (!p->failed && stop == STOP_ELSE)
		node->otherwise = take_else(p, kind, start);
	else if (!p->failed && stop == STOP_END_OF_TEXT)
		fail(p, start, "this action has no {{end}}");
	p->variable_count = variables;
	p->depth--;
	return p->failed ? NULL : node;
}

static const struct {
	struct str word;
	enum node_kind kind;
} controls[] = { { STR("if"), NODE_IF }, { STR("range"), NODE_RANGE }, { STR("with"), NODE_WITH } };

static const struct str unsupported[] = { STR("define"), STR("template"), STR("block"),
					  STR("break"), STR("continue") };

/* The word an action begins with, if it ends there. */
static struct str keyword(struct parser *p)
{
	uint32_t at = p->at;
	struct str name = take_name(p);

	p->at = at;
	return name;
}

static bool is_comment(struct parser *p)
{
	uint32_t start = p->at;

	if (!looking_at(p, "/*"))
		return false;
	while (p->at < p->text.len && !looking_at(p, "*/"))
		p->at++;
	if (p->at == p->text.len)
		fail(p, start, "this comment has no end");
	else
		p->at += 2;
	return true;
}

/* Behind {{. NULL with *stop set, or after a comment: no node. */
static struct node *take_action(struct parser *p, uint32_t start, enum stop *stop, bool *stopped)
{
	struct str word;
	struct node *node;

	skip_space(p);
	if (is_comment(p))
		return p->failed || !take_close(p) ? NULL : NULL;
	word = keyword(p);
	if (str_equal(word, STR("end")) || str_equal(word, STR("else"))) {
		p->at += word.len;
		*stop = word.len == 3 ? STOP_END : STOP_ELSE;
		*stopped = true;
		if (*stop == STOP_END)
			take_close(p);
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(controls); i++)
		if (str_equal(word, controls[i].word)) {
			p->at += word.len;
			return take_control(p, controls[i].kind, start);
		}
	for (size_t i = 0; i < ARRAY_SIZE(unsupported); i++)
		if (str_equal(word, unsupported[i])) {
			fail(p, start, "'%.*s' is not supported", (int)word.len, word.data);
			err_hint(p->err, "a template of alerts is one text: write it out");
			return NULL;
		}
	node = allocate(p, sizeof(*node));
	if (!node || !(node->pipe = take_pipe(p, false)) || !take_close(p))
		return NULL;
	node->kind = NODE_PRINT;
	return node;
}

static struct str trim_right(struct str text)
{
	while (text.len && isspace((unsigned char)text.data[text.len - 1]))
		text.len--;
	return text;
}

/* Text up to the next action, and behind its {{. False: there is none. */
static bool take_text(struct parser *p, struct str *text)
{
	uint32_t start = p->at;

	while (p->at < p->text.len && !looking_at(p, "{{"))
		p->at++;
	*text = (struct str){ p->text.data + start, p->at - start };
	if (p->at == p->text.len)
		return false;
	p->at += 2;
	if (peek(p) == '-' && p->at + 1 < p->text.len &&
	    isspace((unsigned char)p->text.data[p->at + 1])) {
		p->at++;
		*text = trim_right(*text);
	}
	return true;
}

static struct node *take_list(struct parser *p, enum stop *stop)
{
	struct node *first = NULL, **tail = &first;
	bool stopped = false;

	*stop = STOP_END_OF_TEXT;
	while (!stopped && !p->failed) {
		struct str text;
		bool action = take_text(p, &text);
		uint32_t start = p->at - 2;

		if (text.len) {
			struct node *node = allocate(p, sizeof(*node));

			if (!node)
				return NULL;
			node->kind = NODE_TEXT;
			node->text = text;
			*tail = node;
			tail = &node->next;
		}
		if (!action)
			break;
		*tail = take_action(p, start, stop, &stopped);
		if (*tail)
			tail = &(*tail)->next;
	}
	return first;
}

const struct template *template_parse(struct arena *arena, struct str text, const char *path,
				      struct err *err)
{
	struct parser p = { .arena = arena, .text = text, .path = path, .err = err };
	struct template *template = allocate(&p, sizeof(*template));
	enum stop stop;

	/* $ is the event, as in Go. */
	p.variables[p.variable_count++] = (struct str){ "", 0 };
	if (!template)
		return NULL;
	template->nodes = take_list(&p, &stop);
	if (!p.failed && stop != STOP_END_OF_TEXT)
		fail(&p, p.at, "{{%s}} without a beginning", stop == STOP_END ? "end" : "else");
	template->variable_count = p.variables_seen;
	return p.failed ? NULL : template;
}
