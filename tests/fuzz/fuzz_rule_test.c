/* SPDX-License-Identifier: Apache-2.0 */
/* A file as rule test, run over a ruleset that is there. */
#include "detect/rule_test.h"
#include "fuzz_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct arena arena;
	struct err_list problems = { 0 };
	struct rule_test_count count = { 0 };
	struct yaml_file file = { 0 };

	if (read_input(data, len, &arena, &file)) {
		CHECK(rule_test_run(neighbours(), &file, &problems, &count) == 0);
		CHECK((count.failed > 0) == (problems.errors > 0));
		check_problems(&problems, "input.yaml");
	}
	arena_reset(&arena);
	err_list_free(&problems);
	return 0;
}
