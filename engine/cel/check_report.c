/* SPDX-License-Identifier: Apache-2.0 */
/* What the checker says: what was found, what was expected, and the nearest name that exists. */
#include <stdarg.h>

#include "base/buf.h"
#include "base/suggest.h"
#include "check.h"

const char *type_text(struct compile *compile, const struct type *type)
{
	struct buf text = { .limit = 4096 };
	struct str copy;

	type_print(&text, infer_substitute(&compile->infer, type, true));
	copy = arena_str(compile->scratch, text.data ? text.data : "", text.len);
	buf_free(&text);
	return copy.data ? copy.data : "?";
}

const struct type *report(struct compile *compile, uint32_t at, const char *format, ...)
{
	char text[ERR_MESSAGE_MAX];
	va_list args;

	if (compile->env->options & CEL_UNCHECKED)
		return &type_dyn;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	compile_error(compile, at, "%s", text);
	return &type_error;
}

/* ---- suggestions ---------------------------------------------------------- */

/* Macros are no functions but are misspelt like them. */
static const char *const macro_names[] = { "has", "all", "exists", "exists_one", "map", "filter" };

static void suggest_functions(const struct cel_env *env, struct suggest *suggest, bool method)
{
	for (uint32_t i = 0; i < ENV_BUCKETS; i++)
		for (const struct function *f = env->functions[i]; f; f = f->next)
			for (const struct overload *o = f->first; o; o = o->next)
				if (o->method == method)
					suggest_try(suggest, f->name);
	for (const struct slot_access *slot = env->slots; slot && !method; slot = slot->next) {
		suggest_try(suggest, slot->value_function);
		suggest_try(suggest, slot->has_function);
	}
	for (size_t i = 0; i < ARRAY_SIZE(macro_names); i++)
		if (method == (i != 0))
			suggest_try(suggest, str_of(macro_names[i]));
}

static void hint_best(struct compile *compile, const struct suggest *suggest)
{
	if (suggest->best.data)
		compile_hint(compile, "did you mean '%.*s'?", (int)suggest->best.len,
			     suggest->best.data);
}

static void hint_name(struct compile *compile, struct str name)
{
	struct suggest suggest;

	for (const struct missing *m = compile->env->missing; m; m = m->next)
		if (str_equal(m->name, name)) {
			compile_hint(compile, "%.*s", (int)m->hint.len, m->hint.data);
			return;
		}
	suggest_start(&suggest, name);
	for (const struct local *local = compile->locals; local; local = local->outer)
		suggest_try(&suggest, local->name);
	for (const struct variable *v = compile->env->variables; v; v = v->next)
		suggest_try(&suggest, v->name);
	hint_best(compile, &suggest);
}

const struct type *report_undeclared(struct compile *compile, struct node *node, struct str name)
{
	if (compile->env->options & CEL_UNCHECKED)
		return &type_dyn;
	if (env_function(compile->env, name))
		return report(compile, node->at, "found the function '%.*s' without its arguments",
			      (int)name.len, name.data);
	report(compile, node->at, "found '%.*s', which is not declared", (int)name.len, name.data);
	hint_name(compile, name);
	return &type_error;
}

static bool is_global(const struct cel_env *env, struct str name)
{
	const struct function *function = env_function(env, name);

	for (const struct overload *o = function ? function->first : NULL; o; o = o->next)
		if (!o->method)
			return true;
	return false;
}

const struct type *report_function(struct compile *compile, struct node *call)
{
	struct str name = call->call.name;
	bool method = call->call.target != NULL;
	struct suggest suggest;

	if (compile->env->options & CEL_UNCHECKED)
		return &type_dyn;
	report(compile, call->at, "found '%.*s(', but there is no such %s", (int)name.len,
	       name.data, method ? "method" : "function");
	for (size_t i = 0; i < ARRAY_SIZE(macro_names); i++)
		if (str_equal(name, str_of(macro_names[i]))) {
			compile_hint(compile, "the macro %s takes other arguments", macro_names[i]);
			return &type_error;
		}
	suggest_start(&suggest, name);
	suggest_functions(compile->env, &suggest, method);
	hint_best(compile, &suggest);
	if (suggest.best.data)
		return &type_error;
	suggest_functions(compile->env, &suggest, !method);
	if (suggest.best.data)
		compile_hint(compile, "did you mean the %s '%.*s'? it is written %s%.*s(...)",
			     method ? "function" : "method", (int)suggest.best.len,
			     suggest.best.data, method ? "" : "value.", (int)suggest.best.len,
			     suggest.best.data);
	return &type_error;
}

const struct type *report_namespace(struct compile *compile, struct node *call)
{
	struct dotted_name name = { .len = 0 };
	struct suggest suggest;

	if (compile->env->options & CEL_UNCHECKED)
		return &type_dyn;
	dotted_append(&name, call->call.target->ident.name);
	dotted_append(&name, call->call.name);
	report(compile, call->at, "found '%.*s(', but there is no such function", (int)name.len,
	       name.text);
	suggest_start(&suggest, (struct str){ name.text, name.len });
	suggest_functions(compile->env, &suggest, false);
	hint_best(compile, &suggest);
	return &type_error;
}

const struct type *report_field(struct compile *compile, uint32_t at, const struct type *type,
				const struct cel_message *message, struct str field)
{
	struct suggest suggest;

	report(compile, at, "found '%.*s', which is not a field of %s", (int)field.len, field.data,
	       type_text(compile, type));
	if (compile->env->options & CEL_UNCHECKED)
		return &type_dyn;
	suggest_start(&suggest, field);
	for (uint32_t i = 0; message && i < message->field_count; i++)
		suggest_try(&suggest, str_of(message->fields[i].name));
	hint_best(compile, &suggest);
	return &type_error;
}

/* ---- calls that fit no overload ------------------------------------------- */

static void print_args(struct compile *compile, struct buf *out, const struct node *call)
{
	buf_char(out, '(');
	for (uint32_t i = 0; i < call->call.count; i++) {
		if (i)
			buf_lit(out, ", ");
		buf_printf(out, "%s", type_text(compile, call->call.args[i]->type));
	}
	buf_char(out, ')');
}

static void hint_signatures(struct compile *compile, const struct function *function)
{
	enum { SHOWN_MAX = 6 };
	struct buf text = { .limit = ERR_MESSAGE_MAX - 1 };
	uint32_t shown = 0;

	buf_printf(&text, "'%.*s' takes ", (int)function->name.len, function->name.data);
	for (const struct overload *o = function->first; o; o = o->next) {
		if (shown++ == SHOWN_MAX) {
			buf_lit(&text, " ...");
			break;
		}
		if (shown > 1)
			buf_lit(&text, " or ");
		buf_printf(&text, "%s", o->row->signature);
	}
	compile_hint(compile, "%s", buf_cstr(&text));
	buf_free(&text);
}

static const struct type *report_operator(struct compile *compile, const struct node *call)
{
	const char *symbol = operation_symbols[call->call.operation];
	struct node **args = call->call.args;
	const char *left = type_text(compile, args[0]->type), *right;

	if (call->call.count == 1)
		return report(compile, call->at, "found %s%s, which '%s' does not take", symbol,
			      left, symbol);
	right = type_text(compile, args[1]->type);
	if (call->call.operation == OPERATION_index)
		return report(compile, call->at,
			      "found %s indexed by %s, expected a list by int or a map by its key",
			      left, right);
	report(compile, call->at, "found %s %s %s, which '%s' does not take", left, symbol, right,
	       symbol);
	if (args[1]->type->kind == T_NULL || args[0]->type->kind == T_NULL)
		compile_hint(compile, "this can never be null");
	else if (call->call.operation == OPERATION_in)
		compile_hint(compile,
			     "the right side is a list of such elements or a map of such keys");
	else
		compile_hint(compile, "both sides have the same type; convert with int(), uint(), "
				      "double() or string()");
	return &type_error;
}

const struct type *report_overload(struct compile *compile, struct node *call,
				   const struct function *function)
{
	struct buf args = { .limit = 512 };
	struct str name = call->call.name;

	if (compile->env->options & CEL_UNCHECKED)
		return &type_dyn;
	if (call->call.operation)
		return report_operator(compile, call);
	if (call->call.target)
		buf_printf(&args, "%s.", type_text(compile, call->call.target->type));
	print_args(compile, &args, call);
	report(compile, call->at, "found '%.*s' called with %s, which it does not take",
	       (int)name.len, name.data, buf_cstr(&args));
	buf_free(&args);
	if (call->call.target && is_global(compile->env, name))
		compile_hint(compile, "'%.*s' is a function, not a method: write %.*s(value, ...)",
			     (int)name.len, name.data, (int)name.len, name.data);
	else
		hint_signatures(compile, function);
	return &type_error;
}
