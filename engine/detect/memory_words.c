/* SPDX-License-Identifier: Apache-2.0 */
/* What a detector remembers, in lines for `spoor explain`: its keys as they were written. */
#include "base/buf.h"
#include "load_memory.h"

/* Maps as "key value; key value", lists of texts with commas. */
static void write_node(struct buf *out, const struct yaml_node *node)
{
	if (node->kind == YAML_SCALAR)
		buf_str(out, node->text);
	for (uint32_t i = 0; node->kind == YAML_LIST && i < node->count; i++) {
		buf_str(out, i ? STR(", ") : STR(""));
		write_node(out, node->items[i]);
	}
	for (uint32_t i = 0; node->kind == YAML_MAP && i < node->count; i++) {
		buf_str(out, i ? STR("; ") : STR(""));
		buf_str(out, node->pairs[i].key->text);
		buf_char(out, ' ');
		write_node(out, node->pairs[i].value);
	}
}

static bool is_list_of_maps(const struct yaml_node *node)
{
	return node->kind == YAML_LIST && node->count && node->items[0]->kind == YAML_MAP;
}

static void add_line(struct ruleset *ruleset, struct detector *d, struct buf *line)
{
	if (d->memory_line_count < MEMORY_LINES_MAX)
		d->memory_lines[d->memory_line_count++] = arena_str(&ruleset->arena, line->data,
								    line->len);
	buf_clear(line);
}

/* A line for the key; what is a list of maps has a line for each of them. */
static void add_key(struct ruleset *ruleset, struct detector *d, const char *indent, struct str key,
		    const struct yaml_node *node)
{
	struct buf line = { 0 };

	buf_printf(&line, "%s%.*s:", indent, (int)key.len, key.data);
	if (!is_list_of_maps(node)) {
		buf_char(&line, ' ');
		write_node(&line, node);
	}
	add_line(ruleset, d, &line);
	for (uint32_t i = 0; is_list_of_maps(node) && i < node->count; i++) {
		buf_printf(&line, "%s  %u. ", indent, i + 1);
		write_node(&line, node->items[i]);
		add_line(ruleset, d, &line);
	}
	buf_free(&line);
}

void memory_write_words(struct ruleset *ruleset, struct detector *d, const struct yaml_node *root)
{
	static const char *const keys[] = { "threshold", "sequence", "first_seen", "score",
					    "set",	 "label",    "unlabel",	   "descendant_of",
					    "silent",	 "limits" };

	d->memory_lines = arena_array(&ruleset->arena, struct str, MEMORY_LINES_MAX);
	for (size_t i = 0; d->memory_lines && i < ARRAY_SIZE(keys); i++) {
		const struct yaml_node *node = yaml_get(root, keys[i]);

		if (!node || node->null)
			continue;
		if (node->kind != YAML_MAP) {
			add_key(ruleset, d, "", str_of(keys[i]), node);
			continue;
		}
		for (uint32_t k = 0; k < node->count; k++) {
			char name[64];

			snprintf(name, sizeof(name), "%s.%.40s", keys[i],
				 node->pairs[k].key->text.data);
			add_key(ruleset, d, "", str_of(name), node->pairs[k].value);
		}
	}
}
