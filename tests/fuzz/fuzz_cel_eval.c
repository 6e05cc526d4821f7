/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The evaluator: what compiles, run on an event under a budget. Nothing is folded, so that
 * constants are computed here; the value that comes out can be printed.
 */
#include "cel_stage.h"

/* Patterns have a target of their own; here they must not take all the time. */
enum { STEPS = 20000, PATTERN_EFFORT = 4000 };

static void evaluate(const struct cel_program *program, struct arena *arena, uint64_t seed)
{
	static struct buf text = { .limit = 65536 };
	struct random random = { seed * 2654435761u + 1 };
	struct value slots[RANDOM_SLOTS], value;
	uint64_t known = 0;
	struct cel_run run = { .arena = arena, .slots = slots, .known = &known, .budget = STEPS };
	struct random_event event;

	random_event(&random, arena, &event);
	random_bind(&run, &event);
	value = cel_run_program(program, &run);
	CHECK(value.tag <= VALUE_ERROR);
	buf_clear(&text);
	cel_print(&text, value);
	CHECK(text.len > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct stage stage;
	struct node *root;
	struct cel_program *program = NULL;

	if (!stage_start(&stage, data, len))
		return 0;
	root = compile_tree(&stage.compile, NULL, false);
	stage.compile.regex_effort = PATTERN_EFFORT;
	if (root && !stage.compile.failed)
		program = emit_program(&stage.compile, root, stage.compile.arena, EMIT_ANY);
	if (program)
		evaluate(program, stage.compile.arena, data[0] / 4);
	stage_end(&stage);
	return 0;
}
