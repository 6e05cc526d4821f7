/* SPDX-License-Identifier: Apache-2.0 */
/* The parser and the macros: a tree of bounded depth whose parts lie in the source. */
#include "cel_stage.h"

static void check_node(void *ctx, struct node **place)
{
	const struct stage *stage = ctx;
	const struct node *node = *place;

	if (!node)
		return;
	CHECK(node->at <= node->end && node->end <= stage->source.text.len);
	CHECK(node->depth >= 1 && node->depth <= CEL_DEPTH_MAX);
	node_each(*place, check_node, ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct stage stage;
	struct node *root;

	if (!stage_start(&stage, data, len))
		return 0;
	root = parse_expression(&stage.compile);
	CHECK(stage.compile.failed == !root);
	if (root)
		check_node(&stage, &root);
	stage_end(&stage);
	return 0;
}
