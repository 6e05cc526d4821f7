/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracee-vectors --kind KIND [--verbose] FILE: runs recorded cases of Tracee and ends with
 * "N passed, N failed, N skipped". FILE is a JSON list of rows.
 */
#include <libgen.h>
#include <stdarg.h>

#include "kinds.h"

const struct kind kinds[] = {
	{ .name = "load", .run = run_load, .big_numbers = true },
	{ .name = "filters", .run = run_filter },
	{ .name = "policies", .run = run_policies },
	{ .name = "flags", .run = run_flags },
	{ .name = "scenarios", .run = run_scenario },
	{ .name = "register", .run = run_register },
	{ .name = "autopopulate", .run = run_autopopulate },
	{ .name = "builtin", .run = run_builtin, .end = end_builtin },
	{ .name = "cel", .run_file = tracee_cel_file },
	{ .name = NULL },
};

static enum outcome set(struct row *row, enum outcome outcome, const char *format, va_list args)
{
	vsnprintf(row->problem, sizeof(row->problem), format, args);
	return outcome;
}

enum outcome row_failed(struct row *row, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set(row, FAILED, format, args);
	va_end(args);
	return FAILED;
}

enum outcome row_skipped(struct row *row, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set(row, SKIPPED, format, args);
	va_end(args);
	return SKIPPED;
}

const char *difference(const struct difference *list, const char *name)
{
	while (list->row && strcmp(list->row, name) != 0)
		list++;
	return list->why;
}

enum outcome row_differs(struct row *row, const char *why, enum outcome outcome)
{
	if (!why)
		return outcome;
	if (outcome != FAILED)
		return row_failed(row, "it is as in Tracee, but listed as a difference: %s", why);
	return row_skipped(row, "differs on purpose: %s", why);
}

const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

struct str str_of_json(const json_t *text)
{
	return (struct str){ json_string_value(text), (uint32_t)json_string_length(text) };
}

static const char *name_of(const json_t *row, size_t index, char scratch[32])
{
	if (json_object_get(row, "dir"))
		return text_of(row, "dir");
	if (json_object_get(row, "id"))
		return text_of(row, "id");
	snprintf(scratch, 32, "row %zu", index);
	return scratch;
}

static int run_file(const struct kind *kind, const char *path, bool verbose)
{
	unsigned counts[3] = { 0 };
	json_error_t error;
	json_t *rows = json_load_file(path, kind->big_numbers ? JSON_DECODE_INT_AS_REAL : 0,
				      &error);
	char *copy = strdup(path);
	const char *folder = copy ? dirname(copy) : ".";

	if (!json_is_array(rows)) {
		fprintf(stderr, "%s:%d: %s\n", path, error.line, rows ? "not a list" : error.text);
		json_decref(rows);
		free(copy);
		return 2;
	}
	for (size_t i = 0; i < json_array_size(rows); i++) {
		struct row row = { .json = json_array_get(rows, i), .folder = folder };
		enum outcome outcome = kind->run(&row);
		char scratch[32];

		counts[outcome]++;
		if (outcome == FAILED || (outcome == SKIPPED && verbose))
			printf("%s %s: %s\n", outcome == FAILED ? "FAILED" : "skipped",
			       name_of(row.json, i, scratch), row.problem);
		arena_free(&row.arena);
	}
	if (kind->end)
		kind->end();
	json_decref(rows);
	free(copy);
	printf("%u passed, %u failed, %u skipped\n", counts[PASSED], counts[FAILED],
	       counts[SKIPPED]);
	return counts[FAILED] ? 1 : 0;
}

int main(int argc, char **argv)
{
	const struct kind *kind = kinds;
	bool verbose = argc == 5 && strcmp(argv[3], "--verbose") == 0;

	if (argc < 4 || strcmp(argv[1], "--kind") != 0 || (argc != 4 && !verbose)) {
		fprintf(stderr, "usage: tracee-vectors --kind KIND [--verbose] FILE\n");
		return 2;
	}
	while (kind->name && strcmp(kind->name, argv[2]) != 0)
		kind++;
	if (!kind->name) {
		fprintf(stderr, "tracee-vectors: no kind '%s'\n", argv[2]);
		return 2;
	}
	return kind->run_file ? kind->run_file(argv[argc - 1], verbose)
			      : run_file(kind, argv[argc - 1], verbose);
}
