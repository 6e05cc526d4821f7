/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions: "PATTERN\nSUBJECT". What compiles as a constant of a rule compiles while
 * evaluating, too, and the table answers what stepping through the instructions answers.
 */
#include "cel_stage.h"

enum { STEPS = 1000000 };

/* -1: no such pattern, or it takes too much. */
static int match(struct stage *stage, struct str pattern, struct str subject, bool dynamic)
{
	struct arena *arena = stage->compile.arena;
	struct cel_run run = { .arena = arena, .budget = STEPS };
	uint64_t effort = REGEX_EFFORT;
	const char *problem = NULL;
	uint32_t at = 0;
	const struct regex *regex = regex_compile(arena, pattern, dynamic, &effort, &problem, &at);

	CHECK(regex || (problem && at <= pattern.len));
	CHECK(effort <= REGEX_EFFORT);
	return regex ? regex_match(regex, &run, subject) : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str pattern = { (const char *)data, (uint32_t)len }, subject = STR("");
	const char *newline = len ? memchr(data, '\n', len) : NULL;
	struct stage stage;

	if (!stage_start(&stage, data, len))
		return 0;
	if (newline) {
		pattern.len = (uint32_t)(newline - pattern.data);
		subject = (struct str){ newline + 1, (uint32_t)len - pattern.len - 1 };
	}
	CHECK(match(&stage, pattern, subject, false) == match(&stage, pattern, subject, true));
	stage_end(&stage);
	return 0;
}
