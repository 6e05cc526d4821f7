/* SPDX-License-Identifier: Apache-2.0 */
/* A file as policy, over a ruleset that is there; what it selects is matched with an event. */
#include "fuzz_rules.h"
#include "policy/policy_file.h"

static void match(const struct policy *policy, struct arena *arena)
{
	static const struct clock clock = { 0 };

	for (uint32_t i = 0; i < policy->selection.count && i < 8; i++) {
		const struct select_rule *rule = &policy->selection.rules[i];
		size_t size = (sizeof(struct wire_header) + rule->def->body_size + 7) & ~(size_t)7;
		struct wire_header *h = arena_zalloc(arena, size);
		struct event event = { .def = rule->def, .wire = h, .clock = &clock };
		struct value *values = arena_array(arena, struct value, rule->def->field_count + 1);

		CHECK(h && values);
		h->size = (uint32_t)size;
		h->id = rule->def->id;
		if (rule->def->id >= PRODUCED_ID_FIRST)
			event.values = values;
		filters_match(rule->filters, &event, arena);
		scope_matches(policy->scope, &event, NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct arena arena;
	struct err_list problems = { 0 };
	struct policy_loader loader = { .ruleset = neighbours(),
					.options = { .compat_tracee = len % 4 == 0 },
					.arena = &arena,
					.scratch = &arena,
					.problems = &problems };
	struct yaml_file file = { 0 };
	struct policy policy = { 0 };

	if (read_input(data, len, &arena, &file)) {
		bool fine = policy_text_load(&loader, &file, &policy);

		CHECK(fine == (problems.errors == 0));
		check_problems(&problems, "input.yaml");
		if (fine)
			match(&policy, &arena);
	}
	arena_reset(&arena);
	err_list_free(&problems);
	return 0;
}
