/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule files: read as YAML, loaded as detector or list beside a list and a detector, run on an
 * event if that went well, loaded as a policy and run as a rule test. Every error has a place in
 * the text.
 */
#include <stdint.h>

#include "detect/rule_test.h"
#include "detect/ruleset.h"
#include "policy/policy_file.h"

#define CHECK(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

static const char neighbours_list[] = "type: string_list\nname: SHELLS\nvalues: [/bin/sh]\n";
static const char neighbours_detector[] = "type: detector\nid: N\n"
					  "produced_event: {name: neighbour, version: 1.0}\n"
					  "requirements: {events: [{name: shmat}]}\n";

/* Every place of every scalar is one of the text. */
static void check_places(const struct yaml_file *file, const struct yaml_node *node, int *left)
{
	if (!node || (*left)-- <= 0)
		return;
	CHECK(node->start <= node->end && node->end <= file->text.len);
	if (node->kind == YAML_SCALAR) {
		CHECK(yaml_offset(file, node, 0) <= file->text.len);
		CHECK(yaml_offset(file, node, node->text.len / 2) <= file->text.len);
		CHECK(yaml_offset(file, node, node->text.len) <= file->text.len);
	}
	for (uint32_t i = 0; node->kind == YAML_LIST && i < node->count; i++)
		check_places(file, node->items[i], left);
	for (uint32_t i = 0; node->kind == YAML_MAP && i < node->count; i++) {
		check_places(file, node->pairs[i].key, left);
		check_places(file, node->pairs[i].value, left);
	}
}

static void check_problems(const struct err_list *problems)
{
	for (uint32_t i = 0; i < problems->count; i++) {
		CHECK(problems->items[i].path[0] && problems->items[i].message[0]);
		CHECK(problems->items[i].rule);
	}
}

static void ignore(void *ctx, const struct event *produced)
{
	CHECK(produced->def->id >= PRODUCED_ID_FIRST);
	++*(uint32_t *)ctx;
}

/* An event of each kind that is read, all of its numbers 0. */
static void run_events(struct ruleset *ruleset)
{
	static const struct clock clock = { 0 };
	struct arena arena = { .limit = 64 << 20 };
	size_t count;
	const struct event_def *const *defs = ruleset_events(ruleset, &count);

	for (size_t i = 0; i < count; i++) {
		size_t size = (sizeof(struct wire_header) + defs[i]->body_size + 7) & ~(size_t)7;
		struct wire_header *h = arena_zalloc(&arena, size);
		struct event event = { .def = defs[i], .wire = h, .clock = &clock };
		uint32_t made = 0;

		if (!h)
			break;
		h->size = (uint32_t)size;
		h->id = defs[i]->id;
		h->pid = 1;
		h->present = ~0ULL;
		CHECK(ruleset_run(ruleset, &event, NULL, &arena, ignore, &made) == made);
	}
	arena_free(&arena);
}

static void load_rules(const struct yaml_file *file)
{
	const struct builtin_file files[] = {
		{ "input.yaml", file->text.data, file->text.len },
		{ "list.yaml", neighbours_list, sizeof(neighbours_list) - 1 },
		{ "detector.yaml", neighbours_detector, sizeof(neighbours_detector) - 1 },
	};

	for (int compat = 0; compat < 2; compat++) {
		struct ruleset_options options = { .compat_tracee = compat };
		struct err_list problems = { 0 };
		struct ruleset *ruleset = ruleset_load_texts(files, ARRAY_SIZE(files), &options,
							     &problems);

		CHECK(ruleset);
		check_problems(&problems);
		run_events(ruleset);
		ruleset_free(ruleset);
		err_list_free(&problems);
	}
}

static void load_others(const struct yaml_file *file)
{
	struct err_list problems = { 0 };
	struct ruleset *ruleset = ruleset_load_texts(
		(const struct builtin_file[]){
			{ "detector.yaml", neighbours_detector, sizeof(neighbours_detector) - 1 } },
		1, NULL, &problems);
	struct arena arena = { 0 };
	struct policy_loader loader = {
		.ruleset = ruleset, .arena = &arena, .scratch = &arena, .problems = &problems
	};
	struct rule_test_count count = { 0 };
	struct policy policy;

	CHECK(ruleset && !problems.errors);
	policy_text_load(&loader, file, &policy);
	rule_test_run(ruleset, file, &problems, &count);
	check_problems(&problems);
	arena_free(&arena);
	ruleset_free(ruleset);
	err_list_free(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str text = { (const char *)data, (uint32_t)MIN(len, (size_t)YAML_SIZE_MAX) };
	struct arena arena = { 0 };
	struct yaml_file file = { 0 };
	struct err err = { 0 };
	int places = 1000;

	if (yaml_parse("input.yaml", text, &arena, &file, &err) == 0) {
		check_places(&file, file.root, &places);
		load_rules(&file);
		load_others(&file);
	} else {
		CHECK(err.message[0] && err.line > 0);
	}
	arena_free(&arena);
	return 0;
}
