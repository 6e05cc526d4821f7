/* SPDX-License-Identifier: Apache-2.0 */
/* A tree as text again: to recognise equal sub-expressions, and to explain a plan. */
#include "unparse.h"

#include "base/buf.h"

static void print_text(struct buf *out, struct str text)
{
	for (uint32_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c < ' ' || c >= 0x7f)
			buf_printf(out, "\\x%02x", c);
		else
			buf_char(out, (char)c);
	}
}

/* Distinct values have distinct texts: 1, 1u and 1.0 do not look alike. */
static void print_constant(struct buf *out, struct value v)
{
	char text[NUMBER_TEXT_MAX];

	switch ((enum value_tag)v.tag) {
	case VALUE_STRING:
	case VALUE_BYTES:
		buf_printf(out, "%s\"", v.tag == VALUE_BYTES ? "b" : "");
		print_text(out, value_text(v));
		buf_char(out, '"');
		break;
	case VALUE_UINT:
		buf_uint(out, v.u);
		buf_char(out, 'u');
		break;
	case VALUE_DOUBLE:
		buf_printf(out, "double(%.*s)", (int)number_format(v.d, text), text);
		break;
	case VALUE_LIST:
		buf_char(out, '[');
		for (uint32_t i = 0; i < v.list->count; i++) {
			if (i)
				buf_lit(out, ", ");
			print_constant(out, v.list->items[i]);
		}
		buf_char(out, ']');
		break;
	case VALUE_MAP:
		buf_char(out, '{');
		for (uint32_t i = 0; i < v.map->count; i++) {
			if (i)
				buf_lit(out, ", ");
			print_constant(out, v.map->entries[i].key);
			buf_lit(out, ": ");
			print_constant(out, v.map->entries[i].value);
		}
		buf_char(out, '}');
		break;
	case VALUE_NULL:
	case VALUE_BOOL:
	case VALUE_INT: cel_print(out, v); break;
	default:
		/* Types, times, optionals, messages: which kind, then what it prints as. */
		buf_printf(out, "%.*s(", (int)value_type_name(v).len, value_type_name(v).data);
		cel_print(out, v);
		buf_char(out, ')');
		break;
	}
}

static void print_nodes(struct buf *out, struct node *const *nodes, uint32_t count,
			const bool *optional)
{
	for (uint32_t i = 0; i < count; i++) {
		if (i)
			buf_lit(out, ", ");
		if (optional && optional[i])
			buf_char(out, '?');
		unparse(out, nodes[i]);
	}
}

static void print_call(struct buf *out, const struct node *node)
{
	struct str name = node->call.name;

	if (node->call.operation == OPERATION_index ||
	    node->call.operation == OPERATION_index_optional) {
		unparse(out, node->call.args[0]);
		buf_str(out, node->call.operation == OPERATION_index ? STR("[") : STR("[?"));
		unparse(out, node->call.args[1]);
		buf_char(out, ']');
	} else if (node->call.operation && node->call.count == 2) {
		buf_char(out, '(');
		unparse(out, node->call.args[0]);
		buf_printf(out, " %s ", operation_symbols[node->call.operation]);
		unparse(out, node->call.args[1]);
		buf_char(out, ')');
	} else if (node->call.operation) {
		buf_printf(out, "%s", operation_symbols[node->call.operation]);
		unparse(out, node->call.args[0]);
	} else {
		if (node->call.target) {
			unparse(out, node->call.target);
			buf_char(out, '.');
		}
		buf_str(out, name);
		buf_char(out, '(');
		print_nodes(out, node->call.args, node->call.count, NULL);
		buf_char(out, ')');
	}
}

static void print_select(struct buf *out, const struct node *node)
{
	if (node->select.test)
		buf_lit(out, "has(");
	unparse(out, node->select.operand);
	buf_str(out, node->select.optional ? STR(".?") : STR("."));
	buf_str(out, node->select.field);
	if (node->select.test)
		buf_char(out, ')');
}

static void print_logic(struct buf *out, const struct node *node)
{
	buf_char(out, '(');
	for (uint32_t i = 0; i < node->logic.count; i++) {
		if (i)
			buf_str(out, node->logic.is_and ? STR(" && ") : STR(" || "));
		unparse(out, node->logic.items[i]);
	}
	/* One operand is not the operand itself: it must be bool. */
	if (node->logic.count < 2)
		buf_str(out, node->logic.is_and ? STR(" && true") : STR(" || false"));
	buf_char(out, ')');
}

static void print_map(struct buf *out, const struct node *node)
{
	buf_char(out, '{');
	for (uint32_t i = 0; i < node->map.count; i++) {
		if (i)
			buf_lit(out, ", ");
		if (node->map.optional && node->map.optional[i])
			buf_char(out, '?');
		unparse(out, node->map.keys[i]);
		buf_lit(out, ": ");
		unparse(out, node->map.values[i]);
	}
	buf_char(out, '}');
}

static void print_message(struct buf *out, const struct node *node)
{
	buf_str(out, node->message.name);
	buf_char(out, '{');
	for (uint32_t i = 0; i < node->message.count; i++) {
		if (i)
			buf_lit(out, ", ");
		if (node->message.optional && node->message.optional[i])
			buf_char(out, '?');
		buf_str(out, node->message.fields[i]);
		buf_lit(out, ": ");
		unparse(out, node->message.values[i]);
	}
	buf_char(out, '}');
}

static void print_fold(struct buf *out, const struct node *node)
{
	static const char *const names[] = {
		[FOLD_all] = "all",
		[FOLD_exists] = "exists",
		[FOLD_exists_one] = "exists_one",
		[FOLD_list] = "map",
		[FOLD_map] = "transformMap",
		[FOLD_entries] = "transformMapEntry",
	};

	unparse(out, node->fold.range);
	buf_printf(out, ".%s(",
		   node->fold.fold == FOLD_list && !node->fold.body ? "filter"
								    : names[node->fold.fold]);
	buf_str(out, node->fold.first->name);
	if (node->fold.two) {
		buf_lit(out, ", ");
		buf_str(out, node->fold.second->name);
	}
	if (node->fold.filter) {
		buf_lit(out, ", ");
		unparse(out, node->fold.filter);
	}
	if (node->fold.body) {
		buf_lit(out, ", ");
		unparse(out, node->fold.body);
	}
	buf_char(out, ')');
}

static void print_bind(struct buf *out, const struct node *node)
{
	if (node->kind == NODE_BIND) {
		buf_lit(out, "cel.bind(");
		buf_str(out, node->bind.local->name);
		buf_lit(out, ", ");
		unparse(out, node->bind.value);
	} else {
		unparse(out, node->bind.value);
		buf_str(out, node->bind.flat ? STR(".optFlatMap(") : STR(".optMap("));
		buf_str(out, node->bind.local->name);
	}
	buf_lit(out, ", ");
	unparse(out, node->bind.body);
	buf_char(out, ')');
}

static void print_ternary(struct buf *out, const struct node *node)
{
	buf_char(out, '(');
	unparse(out, node->ternary.condition);
	buf_lit(out, " ? ");
	unparse(out, node->ternary.yes);
	buf_lit(out, " : ");
	unparse(out, node->ternary.no);
	buf_char(out, ')');
}

static void print_ident(struct buf *out, const struct node *node)
{
	/* Written with a dot, it is not the variable of a macro that has the same name. */
	if (node->ident.absolute)
		buf_char(out, '.');
	buf_str(out, node->ident.local	    ? node->ident.local->name
		     : node->ident.variable ? node->ident.variable->name
					    : node->ident.name);
}

void unparse(struct buf *out, const struct node *node)
{
	switch ((enum node_kind)node->kind) {
	case NODE_CONST: print_constant(out, node->constant); break;
	case NODE_IDENT: print_ident(out, node); break;
	case NODE_SELECT: print_select(out, node); break;
	case NODE_CALL: print_call(out, node); break;
	case NODE_LOGIC: print_logic(out, node); break;
	case NODE_TERNARY: print_ternary(out, node); break;
	case NODE_LIST:
		buf_char(out, '[');
		print_nodes(out, node->list.items, node->list.count, node->list.optional);
		buf_char(out, ']');
		break;
	case NODE_MAP: print_map(out, node); break;
	case NODE_STRUCT: print_message(out, node); break;
	case NODE_FOLD: print_fold(out, node); break;
	case NODE_BIND:
	case NODE_OPTIONAL_MAP: print_bind(out, node); break;
	case NODE_SLOT:
		buf_printf(out, "%s(\"%.*s\")", node->slot.test ? "hasData" : "getEventData",
			   (int)node->slot.name.len, node->slot.name.data);
		break;
	case NODE_OPTIONAL_OR:
		unparse(out, node->optional_or.optional);
		buf_str(out, node->optional_or.value ? STR(".orValue(") : STR(".or("));
		unparse(out, node->optional_or.other);
		buf_char(out, ')');
		break;
	}
}
