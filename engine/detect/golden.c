/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing results into test files, see golden.h. A change is a range of the file and the text
 * that takes its place; the ranges come from the places of the tree's nodes.
 */
#include "golden.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sys/stat.h>

/* ---- edits -------------------------------------------------------------------------------- */

/* What is written to golden->text between edit_start and edit_end takes the range's place. */
static uint32_t edit_start(const struct golden *golden)
{
	return (uint32_t)golden->text.len;
}

static void edit_end(struct golden *golden, uint32_t from, uint32_t start, uint32_t end)
{
	if (golden->count == golden->capacity) {
		uint32_t capacity = golden->capacity ? golden->capacity * 2 : 8;
		struct golden_edit *edits = realloc(golden->edits, capacity * sizeof(*edits));

		golden->failed |= !edits;
		if (!edits)
			return;
		golden->edits = edits;
		golden->capacity = capacity;
	}
	golden->edits[golden->count++] = (struct golden_edit){ start, end, from,
							       (uint32_t)golden->text.len - from };
}

static int by_place(const void *a, const void *b)
{
	const struct golden_edit *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->from > y->from) - (x->from < y->from);
}

bool golden_apply(struct golden *golden, struct buf *out)
{
	struct str file = golden->file->text;
	uint32_t at = 0;

	if (golden->count)
		qsort(golden->edits, golden->count, sizeof(*golden->edits), by_place);
	for (uint32_t i = 0; i < golden->count; i++) {
		const struct golden_edit *edit = &golden->edits[i];

		/* An alias has its anchor's place: the first change counts. */
		if (edit->start < at)
			continue;
		buf_add(out, file.data + at, edit->start - at);
		buf_add(out, golden->text.data + edit->from, edit->len);
		at = edit->end;
	}
	buf_add(out, file.data + at, file.len - at);
	return !golden->failed && !golden->text.truncated && !out->truncated;
}

void golden_free(struct golden *golden)
{
	free(golden->edits);
	buf_free(&golden->text);
	*golden = (struct golden){ 0 };
}

/* ---- values ------------------------------------------------------------------------------- */

/* Means the same without quotes, also within { } and [ ]. */
static bool is_plain(struct str text)
{
	static const char *const words[] = { "null", "Null", "NULL", "true", "false", "yes", "no" };

	if (!text.len ||
	    !(isalnum((unsigned char)text.data[0]) || text.data[0] == '/' || text.data[0] == '_'))
		return false;
	for (uint32_t i = 0; i < text.len; i++)
		if (!isalnum((unsigned char)text.data[i]) && !strchr("/_.-+@%=", text.data[i]))
			return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (str_equal(text, str_of(words[i])))
			return false;
	return true;
}

static void put_text(struct buf *out, struct str text)
{
	if (is_plain(text)) {
		buf_str(out, text);
		return;
	}
	buf_char(out, '"');
	for (uint32_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c == '\n')
			buf_lit(out, "\\n");
		else if (c == '\t')
			buf_lit(out, "\\t");
		else if (c < 0x20 || c == 0x7f)
			buf_printf(out, "\\x%02x", c);
		else
			buf_char(out, (char)c);
	}
	buf_char(out, '"');
}

static void put_value(struct buf *out, struct value value)
{
	switch ((enum value_tag)value.tag) {
	case VALUE_BOOL: buf_printf(out, "%s", value.b ? "true" : "false"); break;
	case VALUE_INT: buf_printf(out, "%" PRId64, value.i); break;
	case VALUE_UINT: buf_printf(out, "%" PRIu64, value.u); break;
	case VALUE_DOUBLE: buf_printf(out, "%.17g", value.d); break;
	case VALUE_STRING:
	case VALUE_BYTES: put_text(out, (struct str){ value.str, value.len }); break;
	case VALUE_LIST:
		buf_char(out, '[');
		for (uint32_t i = 0; i < value.list->count; i++) {
			buf_printf(out, "%s", i ? ", " : "");
			put_value(out, value.list->items[i]);
		}
		buf_char(out, ']');
		break;
	case VALUE_MAP:
		buf_char(out, '{');
		for (uint32_t i = 0; i < value.map->count; i++) {
			buf_printf(out, "%s", i ? ", " : "");
			put_value(out, value.map->entries[i].key);
			buf_lit(out, ": ");
			put_value(out, value.map->entries[i].value);
		}
		buf_char(out, '}');
		break;
	default: buf_lit(out, "null"); break;
	}
}

/* ---- places ------------------------------------------------------------------------------- */

static bool is_flow(const struct golden *golden, const struct yaml_node *node)
{
	char c = node->start < golden->file->text.len ? golden->file->text.data[node->start] : 0;

	return node->kind != YAML_SCALAR && (c == '[' || c == '{');
}

static uint32_t trim_end(const struct golden *golden, uint32_t start, uint32_t end)
{
	while (end > start && isspace((unsigned char)golden->file->text.data[end - 1]))
		end--;
	return end;
}

/* Behind the last character of a node; what follows a block (comments) is no part of it. */
static uint32_t content_end(const struct golden *golden, const struct yaml_node *node)
{
	const struct yaml_pair *last;

	if (node->kind == YAML_SCALAR || is_flow(golden, node) || !node->count)
		return trim_end(golden, node->start, node->end);
	if (node->kind == YAML_LIST)
		return content_end(golden, node->items[node->count - 1]);
	last = &node->pairs[node->count - 1];
	/* `key:` with nothing behind it. */
	if (last->value->start == last->value->end)
		return MIN(last->key->end + 1, golden->file->text.len);
	return content_end(golden, last->value);
}

static const struct yaml_pair *find_pair(const struct yaml_node *map, const char *key)
{
	for (uint32_t i = 0; map->kind == YAML_MAP && i < map->count; i++)
		if (str_equal(map->pairs[i].key->text, str_of(key)))
			return &map->pairs[i];
	return NULL;
}

/* Behind the colon of a key. */
static uint32_t after_colon(const struct golden *golden, const struct yaml_pair *pair)
{
	uint32_t at = pair->key->end;

	while (at < golden->file->text.len && golden->file->text.data[at] != ':')
		at++;
	return MIN(at + 1, golden->file->text.len);
}

/* ---- detections --------------------------------------------------------------------------- */

static const char *const severities[] = { "info", "low", "medium", "high", "critical" };

/* field: value, ... of what the detection has; false: it has none. */
static bool put_data(struct buf *out, const struct event *event, struct arena *arena)
{
	bool any = false;

	for (unsigned i = 0; i < event->def->field_count; i++) {
		struct value value = event_field_value(event, i, arena);

		if (value.tag == VALUE_NULL)
			continue;
		buf_printf(out, "%s%s: ", any ? ", " : "data: {", event->def->fields[i].name);
		put_value(out, value);
		any = true;
	}
	if (any)
		buf_char(out, '}');
	return any;
}

/* The keys of a detection with `between` them. */
static void put_keys(struct buf *out, const struct event *event, bool named, const char *between,
		     struct arena *arena)
{
	const char *before = "";

	if (named || (!event->threat && !event->def->field_count)) {
		buf_printf(out, "event: %s", event->def->name);
		before = between;
	}
	if (event->threat) {
		buf_printf(out, "%sseverity: %s", before, severities[event->threat->severity]);
		before = between;
	}
	if (event->state) {
		buf_printf(out, "%sphase: %s", before, event->state->phase);
		before = between;
	}
	size_t mark = out->len;

	buf_printf(out, "%s", before);
	if (!put_data(out, event, arena))
		out->len = mark;
}

static void put_flow(struct buf *out, const struct event *const *made, uint32_t count, bool named,
		     struct arena *arena)
{
	for (uint32_t i = 0; i < count; i++) {
		buf_printf(out, "%s{", i ? ", " : "");
		put_keys(out, made[i], named, ", ", arena);
		buf_char(out, '}');
	}
}

/* Each on lines of its own, the dash at `column` (from 0). */
static void put_block(struct buf *out, const struct event *const *made, uint32_t count, bool named,
		      uint32_t column, struct arena *arena)
{
	char between[128];

	column = MIN(column, 100u);
	snprintf(between, sizeof(between), "\n%*s", (int)column + 2, "");
	for (uint32_t i = 0; i < count; i++) {
		buf_printf(out, "\n%*s- ", (int)column, "");
		put_keys(out, made[i], named, between, arena);
	}
}

/* `expect` has nothing, or is not there. */
static void expect_anew(struct golden *golden, const struct yaml_node *test,
			const struct yaml_pair *pair, const struct event *const *made,
			uint32_t count, bool named, struct arena *arena)
{
	bool flow = is_flow(golden, test);
	uint32_t from = edit_start(golden), start, end;

	start = pair   ? after_colon(golden, pair)
		: flow ? content_end(golden, test->pairs[test->count - 1].value)
		       : content_end(golden, test);
	end = pair && pair->value->start != pair->value->end ? content_end(golden, pair->value)
							     : start;
	if (!pair && flow)
		buf_lit(&golden->text, ", expect:");
	else if (!pair)
		buf_printf(&golden->text, "\n%*sexpect:", (int)test->column - 1, "");
	if (flow) {
		buf_lit(&golden->text, " [");
		put_flow(&golden->text, made, count, named, arena);
		buf_char(&golden->text, ']');
	} else {
		put_block(&golden->text, made, count, named, test->column + 1, arena);
	}
	edit_end(golden, from, start, end);
}

static void expect_more(struct golden *golden, const struct yaml_node *list,
			const struct event *const *made, uint32_t count, bool named,
			struct arena *arena)
{
	uint32_t at = content_end(golden, list->items[list->count - 1]), from = edit_start(golden);

	if (is_flow(golden, list)) {
		buf_lit(&golden->text, ", ");
		put_flow(&golden->text, made, count, named, arena);
	} else {
		put_block(&golden->text, made, count, named, list->column - 1, arena);
	}
	edit_end(golden, from, at, at);
}

static void expect_fewer(struct golden *golden, const struct yaml_pair *pair, uint32_t keep)
{
	const struct yaml_node *list = pair->value;
	uint32_t from = edit_start(golden), start;

	if (keep) {
		start = content_end(golden, list->items[keep - 1]);
	} else {
		start = after_colon(golden, pair);
		buf_lit(&golden->text, " []");
	}
	if (!keep && is_flow(golden, list))
		edit_end(golden, from, start, content_end(golden, list));
	else
		edit_end(golden, from, start, content_end(golden, list->items[list->count - 1]));
}

void golden_expect(struct golden *golden, const struct yaml_node *test, uint32_t keep,
		   const struct event *const *made, uint32_t count, bool named, struct arena *arena)
{
	const struct yaml_pair *pair = find_pair(test, "expect");
	uint32_t have = pair && pair->value->kind == YAML_LIST ? pair->value->count : 0;

	golden->added += count;
	golden->removed += have - MIN(keep, have);
	if (have > keep)
		expect_fewer(golden, pair, keep);
	else if (count && have)
		expect_more(golden, pair->value, made, count, named, arena);
	else if (count)
		expect_anew(golden, test, pair, made, count, named, arena);
}

/* ---- single values ------------------------------------------------------------------------ */

/* `key:` and nothing: the value needs a blank before it. */
static uint32_t replace_start(struct golden *golden, const struct yaml_node *node)
{
	uint32_t from = edit_start(golden);

	if (node->start == node->end && node->start &&
	    golden->file->text.data[node->start - 1] == ':')
		buf_char(&golden->text, ' ');
	return from;
}

static void replace_end(struct golden *golden, const struct yaml_node *node, uint32_t from)
{
	golden->changed++;
	edit_end(golden, from, node->start, content_end(golden, node));
}

void golden_value(struct golden *golden, const struct yaml_node *node, struct value value)
{
	uint32_t from = replace_start(golden, node);

	put_value(&golden->text, value);
	replace_end(golden, node, from);
}

void golden_word(struct golden *golden, const struct yaml_node *node, struct str word)
{
	uint32_t from = replace_start(golden, node);

	put_text(&golden->text, word);
	replace_end(golden, node, from);
}

/* ---- the file ----------------------------------------------------------------------------- */

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int golden_write(const char *path, const struct buf *text, struct err *err)
{
	autoclean(freep) char *real = realpath(path, NULL);
	char made[PATH_MAX];
	struct stat st;
	int fd, code = 0;

	if (!real || stat(real, &st) < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (snprintf(made, sizeof(made), "%s.XXXXXX", real) >= (int)sizeof(made))
		return err_set(err, -ENAMETOOLONG, "%s: the path is too long", path);
	fd = mkstemp(made);
	if (fd < 0)
		return err_set(err, -errno, "%s: cannot write beside it: %s", path,
			       strerror(errno));
	code = write_all(fd, text->data, text->len);
	if (!code && (fchmod(fd, st.st_mode & 07777) < 0 || rename(made, real) < 0))
		code = -errno;
	close(fd);
	if (!code)
		return 0;
	unlink(made);
	return err_set(err, code, "%s: cannot be written: %s", path, strerror(-code));
}
