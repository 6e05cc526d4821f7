/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters, in Tracee's literal semantics. A panic that was recorded has to be an error here.
 */
#include "filter/filter.h"
#include "kinds.h"
#include "line.h"
#include "policy/scope.h"

/* Policies' own, and those of detectors. */
static const struct filter_options of_policy = { .compat_tracee = true },
				   of_detector = { .compat_tracee = true, .detector = true };

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

/* The pathname of three events is filtered in the kernel there, and in user space passed over. */
static bool kernel_skips(const struct row *row, const struct event_def *def)
{
	static const char *const events[] = { "security_file_open", "magic_write",
					      "security_mmap_file" };
	const json_t *each;
	bool pathname = false;
	size_t i;

	json_array_foreach(expressions(row), i, each)
		pathname |= strcmp(text_of(each, "field"), "pathname") == 0;
	for (i = 0; pathname && i < ARRAY_SIZE(events); i++)
		if (strcmp(def->name, events[i]) == 0)
			return json_is_false(json_object_get(row->json, "for_detector"));
	return false;
}

/* ---- events ------------------------------ */

static struct event *read_line(struct row *row, json_t *line)
{
	char problem[256], *text = json_dumps(line, JSON_COMPACT);
	struct event *event = event_of_line(text ? text : "", &row->arena, problem);

	if (!event)
		row_failed(row, "%s", problem);
	free(text);
	json_decref(line);
	return event;
}

/* The older form; Tracee's tests leave much of it out, types of values too. */
static struct event *event_of_flat(struct row *row, const struct event_def *def, bool data)
{
	const json_t *input = json_object_get(row->json, "input");
	json_t *line = data ? json_object() : json_deep_copy(input);

	if (data)
		json_object_set_new(line, "args", json_deep_copy(input));
	json_object_set_new(line, "eventName", json_string(def->name));
	if (!json_object_get(line, "timestamp"))
		json_object_set_new(line, "timestamp", json_integer(0));
	return read_line(row, line);
}

static struct event *event_of_values(struct row *row, const struct event_def *def)
{
	json_t *line = json_pack("{s:s, s:s, s:O}", "timestamp", "2026-01-01T00:00:00Z", "name",
				 def->name, "data", json_object_get(row->json, "input"));

	return read_line(row, line);
}

static struct event *event_of_row(struct row *row, const struct event_def *def, bool data)
{
	if (older_form(row))
		return event_of_flat(row, def, data);
	return data ? event_of_values(row, def)
		    : event_of_json(row, json_object_get(row->json, "input"), def);
}

static enum outcome run_fields(struct row *row, const struct event_def *def, bool data)
{
	const json_t *input = json_object_get(row->json, "input");
	bool detector = json_is_true(json_object_get(row->json, "for_detector")) ||
			strcmp(text_of(row->json, "input_form"), "proto_event") == 0;
	struct filters *filters = filters_new(def, detector ? &of_detector : &of_policy,
					      &row->arena);
	struct err err = { 0 };
	enum outcome outcome;
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
	struct event *event = event_of_row(row, def, data);

	if (!event)
		return row->problem[0] ? FAILED : row_failed(row, "no event");
	outcome = check_match(row, filters_match(filters, event, &row->arena));
	if (outcome == FAILED && kernel_skips(row, def))
		return row_skipped(row, "Tracee leaves pathname to the kernel, whose answer is not "
					"in the row; ours looks at it");
	return outcome;
}

static enum outcome run_data(struct row *row)
{
	const struct event_def *def = event_by_name(str_of(text_of(row->json, "event")));

	if (!def)
		return row_failed(row, "event %s is unknown", text_of(row->json, "event"));
	return run_fields(row, def, true);
}

static enum outcome run_scope(struct row *row)
{
	return run_fields(row, event_by_name(STR("msgget")), false);
}

/* Parts of a policy's scope, which Tracee matches in the kernel: rows are about parsing. */
static enum outcome run_scope_part(struct row *row, const char *name)
{
	struct scope *scope = scope_new(&of_policy, &row->arena);
	struct err err = { 0 };
	bool done;
	int code = 0;

	for (size_t i = 0; !code && i < json_array_size(expressions(row)); i++)
		code = scope_add_values(scope, str_of(name),
					str_of_json(json_array_get(expressions(row), i)), &err);
	return check_parse(row, code, &err, &done);
}

static enum outcome run_tree(struct row *row)
{
	return run_scope_part(row, "tree");
}

static enum outcome run_binary(struct row *row)
{
	return run_scope_part(row, "executable");
}

enum outcome run_filter(struct row *row)
{
	static const struct {
		const char *name;
		enum outcome (*run)(struct row *row);
	} table[] = { { "numeric", run_numeric }, { "string", run_string },
		      { "bool", run_bool },	  { "data", run_data },
		      { "scope", run_scope },	  { "processtree", run_tree },
		      { "binary", run_binary } };

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (strcmp(table[i].name, text_of(row->json, "kind")) == 0)
			return table[i].run(row);
	return row_failed(row, "kind %s is unknown", text_of(row->json, "kind"));
}
