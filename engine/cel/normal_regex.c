/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a regular expression asks for in plain text: literals one of which is in every text
 * that matches. A pattern that is nothing but a literal, anchored or not, is no more than that.
 *
 * A character of the pattern stands for its UTF-8 and nothing else, as the matcher decodes the
 * subject; but U+FFFD also stands for every byte that is no UTF-8, and ends a literal here.
 */
#include "normal.h"
#include "regex.h"

enum { LITERAL_MAX = 256, RUNE_BAD = 0xfffd, DEPTH_MAX = 64 };

/* One run of characters that stand side by side in the pattern. */
struct piece {
	char text[LITERAL_MAX];
	uint32_t len;
	bool at_start, at_end; /* of the subject */
};

struct reader {
	struct arena *arena;
	struct piece now;
	struct normal_literals best;
	bool has_best, failed;
	bool whole;    /* the pattern so far is one piece and nothing else */
	bool is_first; /* nothing precedes the piece */
};

static uint8_t kind_of(const struct piece *piece)
{
	if (piece->at_start && piece->at_end)
		return ATOM_EQUAL;
	return piece->at_start ? ATOM_PREFIX : piece->at_end ? ATOM_SUFFIX : ATOM_CONTAINS;
}

/* Longer is better; being bound to a place is worth some characters. */
static uint32_t worth(const struct normal_literals *literals)
{
	uint32_t least = UINT32_MAX;

	for (uint32_t i = 0; i < literals->count; i++)
		least = MIN(least, literals->items[i].len * 4 +
					   (literals->kinds[i] == ATOM_CONTAINS ? 0 : 3));
	return literals->count ? least : 0;
}

static void offer(struct reader *reader, const struct normal_literals *literals)
{
	if (!literals->count || (reader->has_best && worth(literals) <= worth(&reader->best)))
		return;
	reader->best = *literals;
	reader->has_best = true;
}

/* The run ends here. */
static void end_piece(struct reader *reader)
{
	struct normal_literals one = { .count = 1 };
	struct str text;

	if (reader->now.len) {
		text = arena_str(reader->arena, reader->now.text, reader->now.len);
		reader->failed |= !text.data;
		one.items[0] = value_str(text);
		one.kinds[0] = kind_of(&reader->now);
		offer(reader, &one);
	}
	reader->now = (struct piece){ .len = 0 };
	reader->is_first = false;
}

/* Something that is no literal. */
static void interrupt(struct reader *reader)
{
	end_piece(reader);
	reader->whole = false;
}

static void read_class(struct reader *reader, const struct class *class)
{
	uint32_t rune;
	char bytes[4];

	if (class->count != 1 || class->ranges[0].first != class->ranges[0].last ||
	    class->ranges[0].first == RUNE_BAD) {
		interrupt(reader);
		return;
	}
	rune = class->ranges[0].first;
	if (reader->now.at_end || reader->now.len + sizeof(bytes) > LITERAL_MAX)
		interrupt(reader);
	reader->now.len += utf8_put(reader->now.text + reader->now.len, rune);
}

static void read_assert(struct reader *reader, const struct regex_node *node)
{
	if (node->assert == ASSERT_BEGIN_TEXT && reader->is_first && !reader->now.len)
		reader->now.at_start = true;
	else if (node->assert == ASSERT_END_TEXT)
		reader->now.at_end = true;
	else
		interrupt(reader);
}

static void read_node(struct reader *reader, const struct regex_node *node, uint32_t depth);

/* Each branch must have literals of its own. */
static void read_alternate(struct reader *reader, const struct regex_node *node, uint32_t depth)
{
	struct normal_literals all = { .count = 0 };
	bool complete = true;

	for (const struct regex_node *branch = node->first; branch; branch = branch->next) {
		struct reader inner = { .arena = reader->arena };

		read_node(&inner, branch, depth + 1);
		end_piece(&inner);
		reader->failed |= inner.failed;
		if (!inner.has_best || all.count + inner.best.count > NORMAL_LOCALS_MAX) {
			complete = false;
			break;
		}
		for (uint32_t i = 0; i < inner.best.count; i++) {
			all.items[all.count] = inner.best.items[i];
			all.kinds[all.count++] = ATOM_CONTAINS;
		}
	}
	interrupt(reader);
	if (complete)
		offer(reader, &all);
}

/* What is repeated at least once is there once, between things unknown. */
static void read_repeat(struct reader *reader, const struct regex_node *node, uint32_t depth)
{
	if (node->min == 1 && node->max == 1) {
		read_node(reader, node->first, depth + 1);
		return;
	}
	interrupt(reader);
	if (node->min < 1)
		return;
	read_node(reader, node->first, depth + 1);
	interrupt(reader);
}

static void read_node(struct reader *reader, const struct regex_node *node, uint32_t depth)
{
	if (depth > DEPTH_MAX) {
		interrupt(reader);
		return;
	}
	switch ((enum regex_kind)node->kind) {
	case REGEX_EMPTY: break;
	case REGEX_CLASS: read_class(reader, node->class); break;
	case REGEX_ASSERT: read_assert(reader, node); break;
	case REGEX_CONCAT:
		for (const struct regex_node *n = node->first; n; n = n->next)
			read_node(reader, n, depth + 1);
		break;
	case REGEX_ALTERNATE: read_alternate(reader, node, depth); break;
	case REGEX_REPEAT: read_repeat(reader, node, depth); break;
	case REGEX_GROUP: read_node(reader, node->first, depth + 1); break;
	}
}

bool normal_regex(struct arena *arena, struct str pattern, uint64_t *effort,
		  struct normal_literals *out)
{
	struct reader reader = { .arena = arena, .whole = true, .is_first = true };
	struct regex_tree tree;
	const char *problem;
	uint32_t at;

	if (!regex_parse(arena, pattern, effort, &tree, &problem, &at))
		return false;
	read_node(&reader, tree.root, 0);
	end_piece(&reader);
	if (reader.failed || !reader.has_best)
		return false;
	*out = reader.best;
	out->exact = reader.whole;
	return true;
}
