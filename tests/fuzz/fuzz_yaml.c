/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The YAML reader: every node and every character of a scalar stands within the text, what a
 * node is said to weigh is what it holds.
 */
#include "fuzz_rules.h"

static uint32_t check_node(const struct yaml_file *file, const struct yaml_node *node, int *left)
{
	uint32_t weight = 1;

	if (!node || (*left)-- <= 0)
		return 0;
	CHECK(node->start <= node->end && node->end <= file->text.len);
	CHECK(node->line && node->column && node->depth >= 1 && node->depth <= YAML_DEPTH_MAX);
	if (node->kind == YAML_SCALAR) {
		CHECK(node->text.data[node->text.len] == 0);
		CHECK(yaml_offset(file, node, 0) <= file->text.len);
		CHECK(yaml_offset(file, node, node->text.len / 2) <= file->text.len);
		CHECK(yaml_offset(file, node, node->text.len) <= file->text.len);
	}
	for (uint32_t i = 0; node->kind == YAML_LIST && i < node->count; i++)
		weight += check_node(file, node->items[i], left);
	for (uint32_t i = 0; node->kind == YAML_MAP && i < node->count; i++) {
		weight += check_node(file, node->pairs[i].key, left);
		weight += check_node(file, node->pairs[i].value, left);
	}
	CHECK(*left <= 0 || weight <= YAML_NODES_MAX);
	return weight;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct arena arena;
	struct yaml_file file = { 0 };
	int left = 1000;

	if (read_input(data, len, &arena, &file)) {
		check_node(&file, file.root, &left);
		CHECK(!file.root || file.root->weight <= YAML_NODES_MAX);
	}
	arena_reset(&arena);
	return 0;
}
