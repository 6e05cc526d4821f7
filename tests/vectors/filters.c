/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters, in Tracee's literal semantics. A panic that was recorded has to be an error here.
 */
#include "filter/filter.h"
#include "kinds.h"

static const struct filter_options compat = { .compat_tracee = true };

static const json_t *expected(const struct row *row)
{
	return json_object_get(row->json, "expect");
}

static bool expects_error(const struct row *row)
{
	return json_object_get(expected(row), "err") || json_object_get(expected(row), "panic");
}

/* After parsing: code 0 or an error, and the expectation. PASSED: go on to the match. */
static enum outcome check_parse(struct row *row, int code, const struct err *err, bool *done)
{
	*done = code != 0 || expects_error(row);
	if (code && !expects_error(row))
		return row_failed(row, "error: %s", err->message);
	if (!code && expects_error(row))
		return row_failed(row, "no error, expected: %s", text_of(expected(row), "err"));
	return PASSED;
}

static enum outcome check_match(struct row *row, bool match)
{
	const json_t *want = json_object_get(expected(row), "match");

	if (!json_is_boolean(want) || json_is_true(want) == match)
		return PASSED;
	return row_failed(row, "match is %s", match ? "true" : "false");
}

static const json_t *expressions(const struct row *row)
{
	return json_object_get(row->json, "exprs");
}

static enum outcome run_numeric(struct row *row)
{
	static const struct {
		const char *name;
		enum number_type type;
	} types[] = { { "int64", NUMBER_INT64 },
		      { "uint64", NUMBER_UINT64 },
		      { "int32", NUMBER_INT32 },
		      { "uint32", NUMBER_UINT32 } };
	const json_t *input = json_object_get(row->json, "input");
	struct number_filter filter;
	struct err err = { 0 };
	enum outcome outcome;
	uint64_t value;
	size_t type = 0;
	bool done;
	int code = 0;

	if (json_object_get(row->json, "input_go_type"))
		return row_skipped(row, "a value of another Go type cannot reach our filter");
	while (strcmp(types[type].name, text_of(row->json, "value_type")) != 0)
		type++;
	number_filter_init(&filter, types[type].type, true);
	for (size_t i = 0; !code && i < json_array_size(expressions(row)); i++)
		code = number_filter_add(&filter, str_of_json(json_array_get(expressions(row), i)),
					 &row->arena, &err);
	outcome = check_parse(row, code, &err, &done);
	if (done || !input)
		return outcome;
	value = types[type].type == NUMBER_UINT64
			? strtoull(json_string_value(input), NULL, 10)
			: (uint64_t)strtoll(json_string_value(input), NULL, 10);
	if (strcmp(text_of(row->json, "op"), "in_min_max_range") == 0)
		return check_match(row, number_filter_in_range(&filter, value));
	return check_match(row, number_filter_match(&filter, value));
}

static enum outcome run_string(struct row *row)
{
	const json_t *input = json_object_get(row->json, "input");
	struct string_filter filter = { .compat = true };
	struct err err = { 0 };
	enum outcome outcome;
	bool done;
	int code = 0;

	for (size_t i = 0; !code && i < json_array_size(expressions(row)); i++)
		code = string_filter_add(&filter, str_of_json(json_array_get(expressions(row), i)),
					 &row->arena, &err);
	outcome = check_parse(row, code, &err, &done);
	if (done || !input)
		return outcome;
	return check_match(row, string_filter_match(&filter, str_of_json(input)));
}

static enum outcome run_bool(struct row *row)
{
	const json_t *input = json_object_get(row->json, "input");
	struct bool_filter filter = { .compat = true };
	struct err err = { 0 };
	enum outcome outcome;
	bool done;
	int code = 0;

	for (size_t i = 0; !code && i < json_array_size(expressions(row)); i++)
		code = bool_filter_add(&filter, str_of_json(json_array_get(expressions(row), i)),
				       &err);
	outcome = check_parse(row, code, &err, &done);
	if (done || !input)
		return outcome;
	return check_match(row, bool_filter_match(&filter, json_is_true(input)));
}

static bool older_form(const struct row *row)
{
	return strncmp(text_of(row->json, "input_form"), "trace_", 6) == 0;
}

static bool kernel_filters(const char *event)
{
	return strcmp(event, "security_file_open") == 0 || strcmp(event, "magic_write") == 0 ||
	       strcmp(event, "security_mmap_file") == 0;
}

static enum outcome run_fields(struct row *row, const struct event_def *def, bool data)
{
	const json_t *input = json_object_get(row->json, "input");
	struct filters *filters = filters_new(def, &compat, &row->arena);
	struct err err = { 0 };
	struct event *event;
	enum outcome outcome;
	json_t *whole = NULL;
	bool done;
	int code = 0;

	for (size_t i = 0; !code && i < json_array_size(expressions(row)); i++) {
		const json_t *each = json_array_get(expressions(row), i);
		struct str field = str_of(text_of(each, "field"));
		struct str expression = str_of(text_of(each, "expr"));

		code = data ? filters_add_data(filters, field, expression, &err)
			    : filters_add_scope(filters, field, expression, &err);
	}
	outcome = check_parse(row, code, &err, &done);
	if (done || !input)
		return outcome;
	if (data && json_is_false(json_object_get(row->json, "for_detector")) &&
	    kernel_filters(def->name))
		return row_skipped(row, "Tracee leaves this filter to the kernel; ours does not");
	if (older_form(row))
		return row_skipped(row,
				   "the older flat form has no workload to fill a record from");
	if (data)
		whole = json_pack("{s:O}", "data", input);
	event = event_of_json(row, data ? whole : input, def);
	outcome = event ? check_match(row, filters_match(filters, event, &row->arena)) : SKIPPED;
	/* Values point into the JSON, which the row keeps; the wrapper holds nothing more. */
	json_decref(whole);
	return outcome;
}

static enum outcome run_data(struct row *row)
{
	const struct event_def *def = catalogue_event(row, text_of(row->json, "event"));

	if (!def)
		return row_skipped(row, "event %s is not in the catalogue",
				   text_of(row->json, "event"));
	return run_fields(row, def, true);
}

static enum outcome run_scope(struct row *row)
{
	static const struct event_def none = {
		.id = 9999, .name = "none", .version = "", .sets = ""
	};

	return run_fields(row, &none, false);
}

enum outcome run_filter(struct row *row)
{
	static const struct {
		const char *name;
		enum outcome (*run)(struct row *row);
	} table[] = { { "numeric", run_numeric },
		      { "string", run_string },
		      { "bool", run_bool },
		      { "data", run_data },
		      { "scope", run_scope } };

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (strcmp(table[i].name, text_of(row->json, "kind")) == 0)
			return table[i].run(row);
	return row_skipped(row, "kind %s belongs to scopes of policies",
			   text_of(row->json, "kind"));
}
