/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file as rule test, run over a ruleset that is there; then what came out is written into it,
 * as `spoor test --update` does.
 */
#include "detect/golden.h"
#include "detect/rule_test.h"
#include "fuzz_rules.h"

static void update(const struct yaml_file *file)
{
	static struct arena arena;
	struct err_list problems = { 0 };
	struct rule_test_count count = { 0 };
	struct golden golden = { .file = file };
	struct yaml_file again;
	struct buf text = { 0 };
	struct err err = { 0 };

	CHECK(rule_test_run(neighbours(), file, &problems, &count, &golden) == 0);
	if (!problems.errors && golden.count && golden_apply(&golden, &text))
		/* Where it is not YAML, the command leaves the file as it is. */
		yaml_parse("input.yaml", (struct str){ text.data, (uint32_t)text.len }, &arena,
			   &again, &err);
	arena_reset(&arena);
	golden_free(&golden);
	buf_free(&text);
	err_list_free(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct arena arena;
	struct err_list problems = { 0 };
	struct rule_test_count count = { 0 };
	struct yaml_file file = { 0 };

	if (read_input(data, len, &arena, &file)) {
		CHECK(rule_test_run(neighbours(), &file, &problems, &count, NULL) == 0);
		CHECK((count.failed > 0) == (problems.errors > 0));
		check_problems(&problems, "input.yaml");
		if (problems.errors)
			update(&file);
	}
	arena_reset(&arena);
	err_list_free(&problems);
	return 0;
}
