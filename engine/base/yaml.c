/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The YAML reader: libyaml's events become a tree. Memory is the arena's alone
 * (beside libyaml's own), and the counters in struct reader bound the work: a node
 * or a level too many ends the reading with an error.
 */
#include "yaml.h"

#include <errno.h>
#include <yaml.h>

enum { ANCHORS_MAX = 1024, MERGED_MAX = 1024 };

struct anchor {
	const char *name;
	const struct yaml_node *node;
};

struct reader {
	yaml_parser_t parser;
	struct yaml_file *file;
	struct arena *arena;
	struct err *err;
	const uint32_t *lines; /* byte offset of each line */
	uint32_t line_count;
	uint64_t nodes;
	uint32_t depth;
	struct anchor *anchors;
	uint32_t anchor_count;
};

/* A growing list of children while their number is unknown. */
struct children {
	struct yaml_node const **items;
	uint32_t count, capacity;
};

static int read_node(struct reader *r, yaml_event_t *event, const struct yaml_node **out);

static int fail(struct reader *r, uint32_t offset, const char *message)
{
	err_set(r->err, -EINVAL, "%s", message);
	r->err->rule = "yaml";
	yaml_err_offset(r->err, r->file, offset);
	return -EINVAL;
}

/* UTF-8's byte order mark. */
static bool has_mark(struct str text)
{
	return text.len >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0;
}

/* libyaml counts lines and characters; we count bytes. */
static uint32_t mark_offset(const struct reader *r, const yaml_mark_t *mark)
{
	if (mark->line >= r->line_count)
		return r->file->text.len;
	uint32_t at = r->lines[mark->line];
	const char *data = r->file->text.data;

	if (mark->line == 0 && has_mark(r->file->text))
		at = 3;
	for (size_t column = mark->column; column && at < r->file->text.len && data[at] != '\n';
	     column--) {
		at++;
		while (at < r->file->text.len && ((unsigned char)data[at] & 0xc0) == 0x80)
			at++;
	}
	return at;
}

static int fail_parser(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	uint32_t at = p->error == YAML_READER_ERROR
			      ? MIN((uint32_t)p->problem_offset, r->file->text.len)
			      : mark_offset(r, &p->problem_mark);

	if (p->error == YAML_MEMORY_ERROR)
		return err_set(r->err, -ENOMEM, "out of memory");
	err_set(r->err, -EINVAL, "this is not YAML: %s%s%s",
		p->problem ? p->problem : "cannot be read", p->context ? " " : "",
		p->context ? p->context : "");
	r->err->rule = "yaml";
	yaml_err_offset(r->err, r->file, at);
	if (r->err->source[0] && strchr(r->err->source, '\t'))
		err_hint(r->err, "YAML is indented with spaces, never with tabs");
	else if (p->problem && strstr(p->problem, "mapping values are not allowed"))
		err_hint(r->err, "a value that contains \": \" must be quoted");
	else if (p->context && strstr(p->context, "scanning a tag"))
		err_hint(r->err, "a text that begins with '!' must be quoted");
	return -EINVAL;
}

static int next_event(struct reader *r, yaml_event_t *event)
{
	return yaml_parser_parse(&r->parser, event) ? 0 : fail_parser(r);
}

static int push(struct reader *r, struct children *list, const struct yaml_node *node)
{
	if (list->count == list->capacity) {
		uint32_t capacity = list->capacity ? list->capacity * 2 : 8;
		struct yaml_node const **items = realloc(list->items, capacity * sizeof(*items));

		if (!items)
			return err_set(r->err, -ENOMEM, "out of memory");
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count++] = node;
	return 0;
}

static void children_free(struct children *list)
{
	free(list->items);
}

static bool is_null_word(struct str s)
{
	static const struct str words[] = { STR("~"), STR("null"), STR("Null"), STR("NULL") };

	if (s.len == 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (str_equal(s, words[i]))
			return true;
	return false;
}

static struct yaml_node *new_node(struct reader *r, const yaml_event_t *event, enum yaml_kind kind)
{
	struct yaml_node *node = arena_new(r->arena, struct yaml_node);

	if (!node) {
		err_set(r->err, -ENOMEM, "out of memory");
		return NULL;
	}
	node->kind = kind;
	node->depth = 1;
	node->weight = 1;
	node->line = (uint32_t)event->start_mark.line + 1;
	node->column = (uint32_t)event->start_mark.column + 1;
	node->start = mark_offset(r, &event->start_mark);
	node->end = mark_offset(r, &event->end_mark);
	return node;
}

static int count_nodes(struct reader *r, uint32_t weight, uint32_t offset)
{
	r->nodes += weight;
	if (r->nodes > YAML_NODES_MAX)
		return fail(r, offset, "too many nodes (aliases count as what they stand for)");
	return 0;
}

static int set_anchor(struct reader *r, const yaml_char_t *name, const struct yaml_node *node)
{
	if (!name)
		return 0;
	const char *text = (const char *)name;
	struct str copy = arena_str(r->arena, text, strlen(text));

	if (!copy.data)
		return err_set(r->err, -ENOMEM, "out of memory");
	if (!r->anchors)
		r->anchors = arena_array(r->arena, struct anchor, ANCHORS_MAX);
	if (!r->anchors)
		return err_set(r->err, -ENOMEM, "out of memory");
	if (r->anchor_count == ANCHORS_MAX)
		return fail(r, node->start, "too many anchors");
	r->anchors[r->anchor_count++] = (struct anchor){ copy.data, node };
	return 0;
}

/* The latest definition of a name counts. */
static int read_alias(struct reader *r, yaml_event_t *event, const struct yaml_node **out)
{
	const char *name = (const char *)event->data.alias.anchor;
	uint32_t at = mark_offset(r, &event->start_mark);

	for (uint32_t i = r->anchor_count; i-- > 0;) {
		const struct yaml_node *node = r->anchors[i].node;

		if (strcmp(r->anchors[i].name, name) != 0)
			continue;
		if (r->depth + node->depth > YAML_DEPTH_MAX)
			return fail(r, at, "nested too deeply");
		int err = count_nodes(r, node->weight, at);

		if (!err)
			*out = node;
		return err;
	}
	fail(r, at, "unknown alias");
	err_hint(r->err, "define it before with &%s", name);
	return -EINVAL;
}

static int set_tag(struct reader *r, struct yaml_node *node, const yaml_char_t *tag)
{
	if (!tag || strcmp((const char *)tag, "!") == 0)
		return 0;
	struct str copy = arena_str(r->arena, (const char *)tag, strlen((const char *)tag));

	if (!copy.data)
		return err_set(r->err, -ENOMEM, "out of memory");
	node->tag = copy.data;
	if (copy.data[0] != '!')
		return 0; /* !!str and kin */
	fail(r, node->start, "a value that starts with ! must be quoted");
	err_hint(r->err, "YAML takes %s for a tag; write \"%s...\" in quotes", copy.data,
		 copy.data);
	return -EINVAL;
}

static int read_scalar(struct reader *r, yaml_event_t *event, const struct yaml_node **out)
{
	static const uint8_t styles[] = {
		[YAML_PLAIN_SCALAR_STYLE] = YAML_PLAIN,
		[YAML_SINGLE_QUOTED_SCALAR_STYLE] = YAML_SINGLE,
		[YAML_DOUBLE_QUOTED_SCALAR_STYLE] = YAML_DOUBLE,
		[YAML_LITERAL_SCALAR_STYLE] = YAML_LITERAL,
		[YAML_FOLDED_SCALAR_STYLE] = YAML_FOLDED,
	};
	struct yaml_node *node = new_node(r, event, YAML_SCALAR);

	if (!node)
		return -ENOMEM;
	node->style = styles[event->data.scalar.style];
	node->text = arena_str(r->arena, (const char *)event->data.scalar.value,
			       event->data.scalar.length);
	if (!node->text.data)
		return err_set(r->err, -ENOMEM, "out of memory");
	int err = set_tag(r, node, event->data.scalar.tag);

	if (err)
		return err;
	node->null = node->style == YAML_PLAIN && !node->tag && is_null_word(node->text);
	if (node->null)
		node->text = STR("");
	*out = node;
	return set_anchor(r, event->data.scalar.anchor, node);
}

/* Reads nodes up to the closing event; the caller frees the list. */
static int read_children(struct reader *r, yaml_event_type_t close, struct children *list,
			 uint32_t *end)
{
	for (;;) {
		autoclean(yaml_event_delete) yaml_event_t event = { 0 };
		const struct yaml_node *node = NULL;
		int err = next_event(r, &event);

		if (err)
			return err;
		if (event.type == close) {
			*end = mark_offset(r, &event.end_mark);
			return 0;
		}
		err = read_node(r, &event, &node);
		if (!err)
			err = push(r, list, node);
		if (err)
			return err;
	}
}

static void add_child(struct yaml_node *node, const struct yaml_node *child)
{
	node->weight += child->weight;
	node->depth = MAX(node->depth, (uint8_t)(child->depth + 1));
}

static int read_list(struct reader *r, yaml_event_t *event, const struct yaml_node **out)
{
	autoclean(children_free) struct children list = { 0 };
	struct yaml_node *node = new_node(r, event, YAML_LIST);

	if (!node)
		return -ENOMEM;
	int err = set_tag(r, node, event->data.sequence_start.tag);

	if (!err)
		err = read_children(r, YAML_SEQUENCE_END_EVENT, &list, &node->end);
	if (err)
		return err;
	const struct yaml_node **items = arena_array(r->arena, const struct yaml_node *,
						     list.count + 1);

	if (!items)
		return err_set(r->err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < list.count; i++) {
		items[i] = list.items[i];
		add_child(node, items[i]);
	}
	node->items = items;
	node->count = list.count;
	*out = node;
	return set_anchor(r, event->data.sequence_start.anchor, node);
}

static bool is_merge(const struct yaml_node *key)
{
	return key->style == YAML_PLAIN && str_equal(key->text, STR("<<"));
}

/* Order of keys, to find duplicates in large maps without comparing all pairs. */
static int compare_keys(const void *a, const void *b)
{
	const struct yaml_node *x = ((const struct yaml_pair *)a)->key,
			       *y = ((const struct yaml_pair *)b)->key;
	int order = strcmp(x->text.data, y->text.data);

	return order ? order : (x->start > y->start) - (x->start < y->start);
}

static int fail_duplicate(struct reader *r, const struct yaml_node *again,
			  const struct yaml_node *first)
{
	fail(r, again->start, "");
	err_set(r->err, -EINVAL, "duplicate key '%s': already given in line %u", again->text.data,
		first->line);
	err_hint(r->err, "remove one of the two (lines %u and %u)", first->line, again->line);
	return -EINVAL;
}

static int check_duplicates(struct reader *r, const struct yaml_pair *pairs, uint32_t count)
{
	struct yaml_pair *sorted = arena_array(r->arena, struct yaml_pair, count + 1);

	if (!sorted)
		return err_set(r->err, -ENOMEM, "out of memory");
	memcpy(sorted, pairs, count * sizeof(*pairs));
	qsort(sorted, count, sizeof(*sorted), compare_keys);
	for (uint32_t i = 1; i < count; i++)
		if (str_equal(sorted[i].key->text, sorted[i - 1].key->text))
			return fail_duplicate(r, sorted[i].key, sorted[i - 1].key);
	return 0;
}

static bool has_key(const struct yaml_pair *pairs, uint32_t count, struct str key)
{
	for (uint32_t i = 0; i < count; i++)
		if (str_equal(pairs[i].key->text, key))
			return true;
	return false;
}

/* `<<: *base` or a list of them: pairs the map lacks itself; earlier ones win. */
static int merge(struct reader *r, const struct yaml_node *from, struct yaml_pair **pairs,
		 uint32_t *count)
{
	if (from->kind == YAML_LIST) {
		for (uint32_t i = 0; i < from->count; i++) {
			if (from->items[i]->kind != YAML_MAP)
				return fail(r, from->items[i]->start,
					    "<< takes a map or a list of maps");
			int err = merge(r, from->items[i], pairs, count);

			if (err)
				return err;
		}
		return 0;
	}
	if (from->kind != YAML_MAP)
		return fail(r, from->start, "<< takes a map or a list of maps");
	if (*count + from->count > MERGED_MAX)
		return fail(r, from->start, "<< makes the map too large");
	struct yaml_pair *all = arena_array(r->arena, struct yaml_pair, *count + from->count + 1);

	if (!all)
		return err_set(r->err, -ENOMEM, "out of memory");
	memcpy(all, *pairs, *count * sizeof(*all));
	for (uint32_t i = 0; i < from->count; i++)
		if (!has_key(all, *count, from->pairs[i].key->text))
			all[(*count)++] = from->pairs[i];
	*pairs = all;
	return 0;
}

static int build_map(struct reader *r, struct yaml_node *node, const struct children *list)
{
	uint32_t own = 0;
	struct yaml_pair *pairs = arena_array(r->arena, struct yaml_pair, list->count / 2 + 1);

	if (!pairs)
		return err_set(r->err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i + 1 < list->count; i += 2) {
		if (list->items[i]->kind != YAML_SCALAR)
			return fail(r, list->items[i]->start,
				    "a key must be a plain word or a string");
		add_child(node, list->items[i]);
		add_child(node, list->items[i + 1]);
		if (!is_merge(list->items[i]))
			pairs[own++] = (struct yaml_pair){ list->items[i], list->items[i + 1] };
	}
	int err = check_duplicates(r, pairs, own);

	node->count = own;
	for (uint32_t i = 0; !err && i + 1 < list->count; i += 2)
		if (is_merge(list->items[i]))
			err = merge(r, list->items[i + 1], &pairs, &node->count);
	node->pairs = pairs;
	return err;
}

static int read_map(struct reader *r, yaml_event_t *event, const struct yaml_node **out)
{
	autoclean(children_free) struct children list = { 0 };
	struct yaml_node *node = new_node(r, event, YAML_MAP);

	if (!node)
		return -ENOMEM;
	int err = set_tag(r, node, event->data.mapping_start.tag);

	if (!err)
		err = read_children(r, YAML_MAPPING_END_EVENT, &list, &node->end);
	if (!err)
		err = build_map(r, node, &list);
	if (err)
		return err;
	*out = node;
	return set_anchor(r, event->data.mapping_start.anchor, node);
}

static int read_node(struct reader *r, yaml_event_t *event, const struct yaml_node **out)
{
	uint32_t at = mark_offset(r, &event->start_mark);
	int err;

	if (event->type == YAML_ALIAS_EVENT)
		return read_alias(r, event, out);
	if (r->depth == YAML_DEPTH_MAX)
		return fail(r, at, "nested too deeply");
	err = count_nodes(r, 1, at);
	if (err)
		return err;
	r->depth++;
	if (event->type == YAML_SCALAR_EVENT)
		err = read_scalar(r, event, out);
	else if (event->type == YAML_SEQUENCE_START_EVENT)
		err = read_list(r, event, out);
	else if (event->type == YAML_MAPPING_START_EVENT)
		err = read_map(r, event, out);
	else
		err = fail(r, at, "unexpected end");
	r->depth--;
	return err;
}

/* stream start, then the first document or the end of the stream. */
static int read_first_document(struct reader *r)
{
	for (;;) {
		autoclean(yaml_event_delete) yaml_event_t event = { 0 };
		int err = next_event(r, &event);

		if (err || event.type == YAML_STREAM_END_EVENT)
			return err;
		if (event.type == YAML_STREAM_START_EVENT ||
		    event.type == YAML_DOCUMENT_START_EVENT)
			continue;
		return read_node(r, &event, &r->file->root);
	}
}

static int index_lines(struct reader *r)
{
	struct str text = r->file->text;
	uint32_t count = 1;

	for (uint32_t i = 0; i < text.len; i++)
		count += text.data[i] == '\n';
	uint32_t *lines = arena_array(r->arena, uint32_t, count + 1);

	if (!lines)
		return err_set(r->err, -ENOMEM, "out of memory");
	r->line_count = count;
	for (uint32_t i = 0, line = 0; i < text.len; i++)
		if (text.data[i] == '\n')
			lines[++line] = i + 1;
	r->lines = lines;
	return 0;
}

int yaml_parse(const char *path, struct str text, struct arena *arena, struct yaml_file *out,
	       struct err *err)
{
	struct yaml_file file = { .path = path, .text = text };
	struct reader r = { .file = &file, .arena = arena, .err = err };

	if (text.len > YAML_SIZE_MAX) {
		err_set(err, -EINVAL, "YAML file too large: %u bytes (max: %d bytes)", text.len,
			YAML_SIZE_MAX);
		yaml_err_node(err, &file, NULL);
		return -EINVAL;
	}
	int code = index_lines(&r);

	if (code)
		return code;
	if (!yaml_parser_initialize(&r.parser))
		return err_set(err, -ENOMEM, "out of memory");
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	/* libyaml takes a byte order mark for text when it is told the encoding. */
	uint32_t skip = has_mark(text) ? 3 : 0;

	yaml_parser_set_input_string(&r.parser,
				     (const unsigned char *)(text.data ? text.data : "") + skip,
				     text.len - skip);
	code = read_first_document(&r);
	yaml_parser_delete(&r.parser);
	if (!code)
		*out = file;
	return code;
}
