/* SPDX-License-Identifier: Apache-2.0 */
/* One argument of the command line in its parts, see flag.h. */
#include "policy/flag.h"

#include <errno.h>

#include "base/common.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool blank_ends(struct str text)
{
	return text.len && (is_blank(text.data[0]) || is_blank(text.data[text.len - 1]));
}

static int bad_format(struct str text, const char *hint, struct err *err)
{
	err_set(err, -EINVAL, "invalid flag format: %.*s", (int)text.len, text.data);
	err_hint(err, "%s", hint);
	return -EINVAL;
}

static bool is_operator(char c)
{
	return c == '=' || c == '!' || c == '<' || c == '>';
}

static bool known_operator(struct str op)
{
	static const struct str known[] = { STR("="),  STR("!="), STR("<"),
					    STR("<="), STR(">"),  STR(">=") };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (str_equal(op, known[i]))
			return true;
	return false;
}

/* Splits at the first run of operator characters; without one the expression is empty. */
static int split(struct str text, struct str *name, struct str *op, struct str *values,
		 struct str *expression, struct err *err)
{
	uint32_t at = 0, end;

	while (at < text.len && !is_operator(text.data[at]))
		at++;
	for (end = at; end < text.len && is_operator(text.data[end]);)
		end++;
	*name = (struct str){ text.data, at };
	*op = (struct str){ text.data + at, end - at };
	*values = (struct str){ text.data + end, text.len - end };
	*expression = (struct str){ text.data + at, text.len - at };
	if (!op->len)
		return 0;
	if (!known_operator(*op)) {
		err_set(err, -EINVAL, "invalid flag operator: %.*s", (int)text.len, text.data);
		err_hint(err, "found '%.*s', expected one of = != < <= > >=", (int)op->len,
			 op->data);
		return -EINVAL;
	}
	if (!values->len)
		return bad_format(text, "a value must follow the operator", err);
	if (!blank_ends(*values))
		return 0;
	err_set(err, -EINVAL, "invalid flag value: %.*s", (int)text.len, text.data);
	err_hint(err, "the value begins or ends with a blank: take it away");
	return -EINVAL;
}

/* ---- events ------------------------------ */

/* event.kind.field: up to three parts, none empty, no blanks at their ends. */
static int split_dots(struct str text, struct str name, bool compat, struct event_flag *out,
		      struct err *err)
{
	struct str *parts[] = { &out->event, &out->kind, &out->field };
	uint32_t count = 0, start = 0;

	if (!name.len)
		return bad_format(text, "a name is empty: take the comma or the - away", err);
	for (uint32_t at = 0; at <= name.len; at++) {
		if (at < name.len && name.data[at] != '.')
			continue;
		/* A field's name may have a dot itself: binary.path. */
		if (count == 2 && !compat)
			at = name.len;
		struct str part = { name.data + start, at - start };

		if (count == ARRAY_SIZE(parts) || !part.len || blank_ends(part))
			return bad_format(text,
					  "write EVENT, EVENT.data.FIELD=VALUE, "
					  "EVENT.scope.FIELD=VALUE or EVENT.retval=VALUE",
					  err);
		*parts[count++] = part;
		start = at + 1;
	}
	return 0;
}

static int parse_element(struct str text, struct str element, bool compat, struct event_flag *out,
			 struct err *err)
{
	struct str name;

	*out = (struct event_flag){ 0 };
	int code = split(element, &name, &out->op, &out->values, &out->expression, err);

	if (code)
		return code;
	if (name.len && name.data[0] == '-' && !out->op.len) {
		out->excluded = true;
		name = (struct str){ name.data + 1, name.len - 1 };
	}
	return split_dots(text, name, compat, out, err);
}

int flag_events(struct str text, bool compat, struct arena *arena, struct event_flag **out,
		uint32_t *count, struct err *err)
{
	bool filter = false;
	uint32_t elements = 1;

	if (!text.len) {
		err_set(err, -EINVAL, "empty flag");
		err_hint(err, "name an event, a set, prefix* or a filter");
		return -EINVAL;
	}
	for (uint32_t i = 0; i < text.len; i++) {
		filter |= is_operator(text.data[i]);
		elements += text.data[i] == ',';
	}
	*count = 0;
	*out = arena_array(arena, struct event_flag, filter ? 1 : elements);
	if (!*out)
		return err_set(err, -ENOMEM, "out of memory");
	/* The commas of a filter are those of its values. */
	for (uint32_t start = 0, at = 0; at <= text.len; at++) {
		if (at < text.len && (text.data[at] != ',' || filter))
			continue;
		int code = parse_element(text, (struct str){ text.data + start, at - start },
					 compat, &(*out)[(*count)++], err);

		if (code)
			return code;
		start = at + 1;
	}
	return 0;
}

/* ---- scopes ------------------------------ */

int flag_scope(struct str text, struct scope_flag *out, struct err *err)
{
	static const struct str not = STR("not-");

	*out = (struct scope_flag){ 0 };
	if (!text.len) {
		err_set(err, -EINVAL, "empty flag");
		err_hint(err, "write a scope, such as uid=0, comm=sh or container");
		return -EINVAL;
	}
	int code = split(text, &out->name, &out->op, &out->values, &out->expression, err);

	if (code)
		return code;
	if (out->name.len >= not .len && memcmp(out->name.data, not .data, not .len) == 0) {
		out->negated = true;
		out->name = (struct str){ out->name.data + not .len, out->name.len - not .len };
	}
	if (!out->name.len || blank_ends(out->name))
		return bad_format(text, "write a scope, such as uid=0, comm=sh or not-container",
				  err);
	return 0;
}
