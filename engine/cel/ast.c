/* SPDX-License-Identifier: Apache-2.0 */
/* The syntax tree: making nodes, walking them, and reporting an error at a place in the source. */
#include <errno.h>
#include <stdarg.h>

#include "internal.h"

/* ---- errors --------------------------------------------------------------- */

struct place {
	uint32_t line, column;	       /* in the expression, from 1; columns count code points */
	uint32_t line_start, line_end; /* bytes */
};

static struct place find_place(struct str text, uint32_t at)
{
	struct place place = { .line = 1 };
	const char *newline;

	for (uint32_t i = 0; i < at && i < text.len; i++)
		if (text.data[i] == '\n') {
			place.line++;
			place.line_start = i + 1;
		}
	place.column = utf8_count(text.data + place.line_start, at - place.line_start) + 1;
	newline = memchr(text.data + place.line_start, '\n', text.len - place.line_start);
	place.line_end = newline ? (uint32_t)(newline - text.data) : text.len;
	return place;
}

/* The source line, or the part of a long one around the place. */
static void set_source_line(struct err *err, struct str text, const struct place *place,
			    uint32_t at)
{
	enum { BEFORE = 100 };
	uint32_t from = place->line_start, len;

	if (at - from > ERR_SOURCE_MAX - BEFORE)
		from = at - BEFORE;
	while (from < at && ((unsigned char)text.data[from] & 0xc0) == 0x80)
		from++;
	len = MIN(place->line_end - from, (uint32_t)ERR_SOURCE_MAX - 1);
	memcpy(err->source, text.data + from, len);
	err->source[len] = 0;
	for (uint32_t i = 0; i < len; i++)
		if ((unsigned char)err->source[i] < ' ' && err->source[i] != '\t')
			err->source[i] = ' ';
	err->caret = at - from + 1;
}

static void set_place(struct compile *compile, uint32_t at)
{
	const struct cel_source *source = compile->source;
	struct place place = find_place(source->text, at);
	uint32_t line = MAX(source->line, 1u), column = MAX(source->column, 1u);

	err_at(compile->err, source->path ? source->path : "<expression>", line + place.line - 1,
	       place.line == 1 ? column + place.column - 1 : source->indent + place.column);
	set_source_line(compile->err, source->text, &place, at);
}

void compile_error(struct compile *compile, uint32_t at, const char *format, ...)
{
	va_list args;

	compile->muted = compile->failed;
	if (compile->failed)
		return;
	compile->failed = true;
	compile->err->code = -EINVAL;
	compile->err->level = ERR_ERROR;
	compile->err->hint[0] = 0;
	va_start(args, format);
	vsnprintf(compile->err->message, sizeof(compile->err->message), format, args);
	va_end(args);
	set_place(compile, MIN(at, compile->source->text.len));
}

void compile_hint(struct compile *compile, const char *format, ...)
{
	va_list args;

	if (compile->muted)
		return;
	va_start(args, format);
	vsnprintf(compile->err->hint, sizeof(compile->err->hint), format, args);
	va_end(args);
}

void compile_no_memory(struct compile *compile)
{
	compile_error(compile, 0, "out of memory");
	compile->err->code = -ENOMEM;
}

/* ---- nodes ---------------------------------------------------------------- */

struct node *node_new(struct compile *compile, enum node_kind kind, uint32_t at, uint32_t end)
{
	struct node *node = arena_new(compile->scratch, struct node);

	if (!node) {
		compile_no_memory(compile);
		return NULL;
	}
	node->kind = kind;
	node->at = at;
	node->end = end;
	node->depth = 1;
	return node;
}

struct node *node_const(struct compile *compile, struct value value, uint32_t at, uint32_t end)
{
	struct node *node = node_new(compile, NODE_CONST, at, end);

	if (node)
		node->constant = value;
	return node;
}

struct node *node_call(struct compile *compile, struct str name, struct node *target,
		       struct node **args, uint32_t count, uint32_t at, uint32_t end)
{
	struct node *node = node_new(compile, NODE_CALL, at, end);

	if (!node)
		return NULL;
	node->call.name = name;
	node->call.target = target;
	node->call.args = args;
	node->call.count = count;
	return node;
}

struct node *node_operator(struct compile *compile, enum operation operation, struct node **args,
			   uint32_t count, uint32_t at, uint32_t end)
{
	struct node **copy = arena_array(compile->scratch, struct node *, count);
	struct node *node;

	if (!copy) {
		compile_no_memory(compile);
		return NULL;
	}
	memcpy(copy, args, count * sizeof(*copy));
	node = node_call(compile, str_of(operation_functions[operation]), NULL, copy, count, at,
			 end);
	if (node)
		node->call.operation = operation;
	return node;
}

struct local *local_new(struct compile *compile, struct str name)
{
	struct local *local = arena_new(compile->scratch, struct local);

	if (!local) {
		compile_no_memory(compile);
		return NULL;
	}
	local->name = name;
	return local;
}

static void each_of(struct node **items, uint32_t count, void (*visit)(void *, struct node **),
		    void *ctx)
{
	for (uint32_t i = 0; i < count; i++)
		visit(ctx, &items[i]);
}

static void each_pair(struct node **keys, struct node **values, uint32_t count,
		      void (*visit)(void *, struct node **), void *ctx)
{
	for (uint32_t i = 0; i < count; i++) {
		visit(ctx, &keys[i]);
		visit(ctx, &values[i]);
	}
}

static void each_if(struct node **child, void (*visit)(void *, struct node **), void *ctx)
{
	if (*child)
		visit(ctx, child);
}

void node_each(struct node *node, void (*visit)(void *ctx, struct node **child), void *ctx)
{
	switch ((enum node_kind)node->kind) {
	case NODE_CONST:
	case NODE_IDENT:
	case NODE_SLOT: break;
	case NODE_SELECT: visit(ctx, &node->select.operand); break;
	case NODE_CALL:
		each_if(&node->call.target, visit, ctx);
		each_of(node->call.args, node->call.count, visit, ctx);
		break;
	case NODE_LOGIC: each_of(node->logic.items, node->logic.count, visit, ctx); break;
	case NODE_TERNARY:
		visit(ctx, &node->ternary.condition);
		visit(ctx, &node->ternary.yes);
		visit(ctx, &node->ternary.no);
		break;
	case NODE_LIST: each_of(node->list.items, node->list.count, visit, ctx); break;
	case NODE_MAP:
		each_pair(node->map.keys, node->map.values, node->map.count, visit, ctx);
		break;
	case NODE_STRUCT: each_of(node->message.values, node->message.count, visit, ctx); break;
	case NODE_FOLD:
		visit(ctx, &node->fold.range);
		each_if(&node->fold.filter, visit, ctx);
		each_if(&node->fold.body, visit, ctx);
		break;
	case NODE_BIND:
	case NODE_OPTIONAL_MAP:
		visit(ctx, &node->bind.value);
		visit(ctx, &node->bind.body);
		break;
	case NODE_OPTIONAL_OR:
		visit(ctx, &node->optional_or.optional);
		visit(ctx, &node->optional_or.other);
		break;
	}
}
