/* SPDX-License-Identifier: Apache-2.0 */
/* What the index does with a rule, for people: `spoor check --explain-plan`. */
#include "base/buf.h"
#include "index_part.h"

void cel_index_explain(const struct cel_index *index, uint32_t number, const char *indent,
		       struct buf *out)
{
	const struct index_rule *rule = &index->rules[number];

	buf_printf(out, "%saccess %u subject %u\n", indent, rule->access, rule->subject);
}

void cel_index_summary(const struct cel_index *index, const char *indent, struct buf *out)
{
	buf_printf(out, "%s%u rules\n", indent, index->rule_count);
}
