/* SPDX-License-Identifier: Apache-2.0 */
/* The checker: every node of what it accepts has a type, and names mean something. */
#include "cel_stage.h"

static void check_node(void *ctx, struct node **place)
{
	const struct stage *stage = ctx;
	struct node *node = *place;
	bool unchecked = stage->compile.env->options & CEL_UNCHECKED;

	if (!node)
		return;
	CHECK(unchecked || (node->type && node->type->kind != T_ERROR));
	if (node->kind == NODE_IDENT && !unchecked)
		CHECK(node->ident.variable || node->ident.local);
	if (node->kind == NODE_CALL && !node->call.operation && !unchecked)
		CHECK(node->call.overload_count > 0);
	node_each(node, check_node, ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct stage stage;
	struct node *root;
	const struct type *type;

	if (!stage_start(&stage, data, len))
		return 0;
	root = parse_expression(&stage.compile);
	type = root ? check_expression(&stage.compile, &root, NULL) : NULL;
	if (root && !stage.compile.failed) {
		CHECK(type || stage.compile.env->options & CEL_UNCHECKED);
		check_node(&stage, &root);
	}
	stage_end(&stage);
	return 0;
}
