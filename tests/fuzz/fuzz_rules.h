/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzz targets of rule files share: the text as YAML, rules to stand beside it, and
 * what must be true of every problem. One part of loading per target keeps each fast.
 */
#ifndef FUZZ_RULES_H
#define FUZZ_RULES_H

#include <stdint.h>
#include <stdlib.h>

#include "base/yaml.h"
#include "detect/ruleset.h"

#define CHECK(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

/* Larger files test memory, not the code. */
enum { RULES_SIZE_MAX = 64 * 1024 };

static const char neighbours_list[] = "type: string_list\nname: SHELLS\nvalues: [/bin/sh]\n";
static const char neighbours_detector[] =
	"type: detector\nid: N\n"
	"produced_event: {name: neighbour, version: 1.0, fields: [{name: n, type: int32}]}\n"
	"requirements: {events: [{name: shmat}]}\n"
	"conditions: [getEventData(\"shmid\") > 0]\n"
	"output: {fields: [{name: n, expression: getEventData(\"shmid\")}]}\n";

/* Every problem has a rule, a message, and a place in the text if it is of the input. */
static inline void check_problems(const struct err_list *problems, const char *input)
{
	for (uint32_t i = 0; i < problems->count; i++) {
		const struct err *err = &problems->items[i];

		CHECK(err->path[0] && err->message[0] && err->rule);
		CHECK(strcmp(err->path, input) != 0 || (err->line && err->column));
	}
}

/* false: the input is not YAML, and the reader has said where. */
static inline bool read_input(const uint8_t *data, size_t len, struct arena *arena,
			      struct yaml_file *file)
{
	struct str text = { (const char *)data, (uint32_t)len };
	struct err err = { 0 };

	if (len > RULES_SIZE_MAX)
		return false;
	if (yaml_parse("input.yaml", text, arena, file, &err) == 0)
		return true;
	CHECK(err.message[0] && err.rule && err.line && err.column);
	return false;
}

/* A detector and a list, loaded once and kept. */
static inline struct ruleset *neighbours(void)
{
	static struct ruleset *ruleset;
	static const struct builtin_file files[] = {
		{ "list.yaml", neighbours_list, sizeof(neighbours_list) - 1 },
		{ "detector.yaml", neighbours_detector, sizeof(neighbours_detector) - 1 },
	};
	struct err_list problems = { 0 };

	if (!ruleset)
		ruleset = ruleset_load_texts(files, ARRAY_SIZE(files), NULL, &problems);
	CHECK(ruleset && !problems.errors);
	err_list_free(&problems);
	return ruleset;
}

#endif
