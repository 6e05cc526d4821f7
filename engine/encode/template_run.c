/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a template. Invariant: text of an event is printed with its control characters made
 * visible, so that it cannot begin a line of its own; text of the template is printed as it is.
 */
#include <ctype.h>

#include "base/common.h"
#include "encode/facts.h"
#include "encode/template_private.h"
#include "event/json.h"

/* Work: a node, or so many bytes of text that a function makes, is a step. */
enum { STEPS_MAX = 200000, STEP_BYTES = 256 };

/* ---- values ------------------------------ */

struct str template_copy(struct run *run, const char *data, size_t len)
{
	struct str copy = run->steps ? arena_str(run->arena, data, len) : (struct str){ 0 };

	run->steps -= MIN(run->steps, len / STEP_BYTES);
	return copy.data ? copy : STR("");
}

struct tv tv_of_json(const struct json *node)
{
	int64_t number;

	if (!node)
		return tv_nil();
	switch (node->type) {
	case JSON_TRUE:
	case JSON_FALSE: return tv_bool(node->type == JSON_TRUE);
	case JSON_STRING: return tv_text(node->text);
	case JSON_NUMBER: {
		char text[64] = { 0 };

		if (text_to_int(node->text, &number) == 0)
			return tv_int(number);
		memcpy(text, node->text.data, MIN((size_t)node->text.len, sizeof(text) - 1));
		return tv_float(strtod(text, NULL));
	}
	case JSON_ARRAY:
	case JSON_OBJECT: return (struct tv){ .kind = TV_NODE, .node = node };
	default: return tv_nil();
	}
}

bool tv_true(const struct tv *value)
{
	switch (value->kind) {
	case TV_BOOL: return value->b;
	case TV_INT: return value->i != 0;
	case TV_FLOAT: return value->d != 0;
	case TV_TEXT: return value->text.len > 0;
	case TV_TIME: return true;
	case TV_NODE:
	case TV_LIST: return tv_length(value) > 0;
	default: return false;
	}
}

uint32_t tv_length(const struct tv *value)
{
	uint32_t count = 0;

	if (value->kind == TV_LIST)
		return value->list->count;
	if (value->kind != TV_NODE)
		return 0;
	for (const struct json *item = value->node->first; item; item = item->next)
		count++;
	return count;
}

struct tv tv_at(const struct tv *value, uint32_t i, struct str *key)
{
	if (key)
		*key = (struct str){ 0 };
	if (value->kind == TV_LIST)
		return i < value->list->count ? value->list->items[i] : tv_nil();
	if (value->kind != TV_NODE)
		return tv_nil();
	const struct json *item = value->node->first;

	while (item && i--)
		item = item->next;
	if (item && key && value->node->type == JSON_OBJECT)
		*key = item->key;
	return tv_of_json(item);
}

bool tv_next(const struct tv *value, struct tv_each *each, struct tv *out, struct str *key)
{
	*key = (struct str){ 0 };
	if (value->kind == TV_LIST) {
		if (each->i == value->list->count)
			return false;
		*out = value->list->items[each->i++];
		return true;
	}
	if (value->kind != TV_NODE)
		return false;
	each->item = each->i++ ? each->item->next : value->node->first;
	if (!each->item)
		return false;
	*out = tv_of_json(each->item);
	if (value->node->type == JSON_OBJECT)
		*key = each->item->key;
	return true;
}

bool template_same_name(struct str a, struct str b)
{
	uint32_t i = 0, j = 0;

	for (;;) {
		while (i < a.len && a.data[i] == '_')
			i++;
		while (j < b.len && b.data[j] == '_')
			j++;
		if (i == a.len || j == b.len)
			return i == a.len && j == b.len;
		if (tolower((unsigned char)a.data[i++]) != tolower((unsigned char)b.data[j++]))
			return false;
	}
}

static bool is_data_element(const struct json *node)
{
	return node->type == JSON_OBJECT && node->first && node->first->next &&
	       !node->first->next->next && str_equal(node->first->key, STR("name"));
}

/* {"value":[...]} is a list; 64-bit numbers are quoted: to whoever asks they are numbers. */
static struct tv data_value(const struct json *value)
{
	const struct json *list = json_get(value, "value");
	int64_t number;
	bool quoted = str_equal(value->key, STR("int64")) ||
		      str_equal(value->key, STR("u_int64")) ||
		      str_equal(value->key, STR("pointer"));

	if (list)
		return tv_of_json(list);
	if (quoted && value->type == JSON_STRING && text_to_int(value->text, &number) == 0)
		return tv_int(number);
	return tv_of_json(value);
}

struct tv tv_field(const struct tv *value, struct str name)
{
	/* Go's wrappers of optional numbers have a Value, its times an AsTime: here both are it. */
	if (value->kind != TV_NODE)
		return template_same_name(name, STR("value")) ||
				       template_same_name(name, STR("as_time"))
			       ? *value
			       : tv_nil();
	if (is_data_element(value->node) && template_same_name(name, STR("value")))
		return data_value(value->node->first->next);
	for (const struct json *item = value->node->first; item; item = item->next)
		if (template_same_name(item->key, name))
			return tv_of_json(item);
	/* Go's workload has the pod itself. */
	if (template_same_name(name, STR("pod")))
		return tv_of_json(json_get(json_get(value->node, "k8s"), "pod"));
	if (template_same_name(name, STR("host_name")))
		return tv_of_json(json_get(value->node, "host"));
	return tv_nil();
}

/* ---- text ------------------------------ */

static void add_string(struct run *run, struct buf *out, const struct tv *value);

/* As Go prints a slice or map: [a b], map[k:v]. */
static void add_items(struct run *run, struct buf *out, const struct tv *value)
{
	bool map = value->kind == TV_NODE && value->node->type == JSON_OBJECT;
	struct tv_each each = { 0 };
	struct tv item;
	struct str key;

	buf_str(out, map ? STR("map[") : STR("["));
	while (run->depth < TEMPLATE_DEPTH && tv_next(value, &each, &item, &key)) {
		if (each.i > 1)
			buf_char(out, ' ');
		if (map) {
			buf_str(out, key);
			buf_char(out, ':');
		}
		run->depth++;
		add_string(run, out, &item);
		run->depth--;
	}
	buf_char(out, ']');
}

static void add_string(struct run *run, struct buf *out, const struct tv *value)
{
	char time[JSON_TIME_MAX + 8];

	switch (value->kind) {
	case TV_BOOL: buf_str(out, value->b ? STR("true") : STR("false")); break;
	case TV_INT: buf_int(out, value->i); break;
	case TV_FLOAT: json_double(out, value->d); break;
	case TV_TEXT: buf_str(out, value->text); break;
	case TV_TIME:
		buf_add(out, time, (size_t)(text_time(time, (uint64_t)value->i) - time));
		break;
	case TV_NODE:
	case TV_LIST: add_items(run, out, value); break;
	default: break;
	}
}

struct str tv_string(struct run *run, const struct tv *value)
{
	struct buf text = { 0 };

	if (value->kind == TV_TEXT)
		return value->text;
	add_string(run, &text, value);
	struct str copy = template_copy(run, text.data ? text.data : "", text.len);

	buf_free(&text);
	return copy;
}

static void print(struct run *run, const struct tv *value)
{
	struct str text = tv_string(run, value);

	if (value->kind == TV_TEXT && value->whole)
		buf_str(run->sheet.out, text);
	else
		sheet_text(&run->sheet, text, TEXT_LINE, CAP_LONG);
}

/* ---- pipes ------------------------------ */

static struct tv run_pipe(struct run *run, const struct pipe *pipe, const struct tv *dot);

static struct tv run_operand(struct run *run, const struct operand *operand, const struct tv *dot)
{
	struct tv value = tv_nil();

	switch (operand->kind) {
	case OPERAND_LITERAL: value = operand->literal; break;
	case OPERAND_DOT: value = *dot; break;
	case OPERAND_VARIABLE: value = run->variables[operand->variable]; break;
	case OPERAND_PIPE: value = run_pipe(run, operand->pipe, dot); break;
	case OPERAND_CALL: value = operand->function->call(run, NULL, 0); break;
	}
	for (uint32_t i = 0; i < operand->field_count; i++)
		value = tv_field(&value, operand->fields[i]);
	return value;
}

static struct tv run_command(struct run *run, const struct command *command, const struct tv *dot,
			     const struct tv *piped)
{
	const struct operand *first = &command->operands[0];
	struct tv args[TEMPLATE_ARGS + 1];
	uint32_t count = 0;

	if (first->kind != OPERAND_CALL)
		return run_operand(run, first, dot);
	for (uint32_t i = 1; i < command->count; i++)
		args[count++] = run_operand(run, &command->operands[i], dot);
	if (piped)
		args[count++] = *piped;
	return first->function->call(run, args, count);
}

static struct tv run_pipe(struct run *run, const struct pipe *pipe, const struct tv *dot)
{
	struct tv value = tv_nil();

	for (uint32_t i = 0; i < pipe->count; i++)
		value = run_command(run, &pipe->commands[i], dot, i ? &value : NULL);
	if (pipe->value >= 0)
		run->variables[pipe->value] = value;
	return value;
}

/* ---- nodes ------------------------------ */

static void run_list(struct run *run, const struct node *node, const struct tv *dot);

static void run_range(struct run *run, const struct node *node, const struct tv *dot)
{
	struct tv value = run_pipe(run, node->pipe, dot);
	struct tv_each each = { 0 };
	struct tv item;
	struct str key;

	while (run->steps && tv_next(&value, &each, &item, &key)) {
		if (node->pipe->value >= 0)
			run->variables[node->pipe->value] = item;
		if (node->pipe->index >= 0)
			run->variables[node->pipe->index] = key.data ? tv_text(key)
								     : tv_int(each.i - 1);
		run_list(run, node->then, &item);
	}
	if (!tv_length(&value))
		run_list(run, node->otherwise, dot);
}

static void run_node(struct run *run, const struct node *node, const struct tv *dot)
{
	struct tv value;

	switch (node->kind) {
	case NODE_TEXT: buf_str(run->sheet.out, node->text); return;
	case NODE_RANGE: run_range(run, node, dot); return;
	default: break;
	}
	value = run_pipe(run, node->pipe, dot);
	if (node->kind == NODE_PRINT && node->pipe->value < 0)
		print(run, &value);
	else if (node->kind != NODE_PRINT && tv_true(&value))
		run_list(run, node->then, node->kind == NODE_WITH ? &value : dot);
	else if (node->kind != NODE_PRINT)
		run_list(run, node->otherwise, dot);
}

static void run_list(struct run *run, const struct node *node, const struct tv *dot)
{
	for (; node && run->steps; node = node->next) {
		run->steps--;
		run_node(run, node, dot);
	}
}

bool template_run(const struct template *template, const struct json *event, uint64_t epoch_ns,
		  struct arena *arena, struct buf *out)
{
	struct run run = { .arena = arena,
			   .sheet = { .out = out },
			   .event = event,
			   .time = epoch_ns,
			   .steps = STEPS_MAX };
	struct tv dot = tv_of_json(event);

	run.variables[0] = dot;
	run_list(&run, template->nodes, &dot);
	return run.steps > 0;
}
