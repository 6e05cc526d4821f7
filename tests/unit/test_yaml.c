/* SPDX-License-Identifier: Apache-2.0 */
/* YAML as a tree with places: values, limits, and where a character of a value stands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "base/yaml.h"

struct parsed {
	struct arena arena;
	struct yaml_file file;
	struct err err;
	int code;
};

static void parse_text(struct parsed *p, const char *text, size_t len)
{
	*p = (struct parsed){ 0 };
	p->code = yaml_parse("x.yaml", (struct str){ text, (uint32_t)len }, &p->arena, &p->file,
			     &p->err);
}

static void parse(struct parsed *p, const char *text)
{
	parse_text(p, text, strlen(text));
	if (p->code)
		print_message("%s:%u:%u: %s\n", p->err.path, p->err.line, p->err.column,
			      p->err.message);
	assert_int_equal(p->code, 0);
}

static void refuse(struct parsed *p, const char *text, const char *message, uint32_t line,
		   uint32_t column)
{
	parse_text(p, text, strlen(text));
	assert_int_equal(p->code, -EINVAL);
	assert_non_null(strstr(p->err.message, message));
	assert_int_equal(p->err.line, line);
	assert_int_equal(p->err.column, column);
	arena_free(&p->arena);
}

static const char *text_at(const struct parsed *p, const char *key)
{
	const struct yaml_node *node = yaml_get(p->file.root, key);

	assert_non_null(node);
	return node->text.data;
}

static void reads_scalars_as_written(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, "a: 1.10\nb: true\nc: ~\nd: ''\ne: \"\\x41\\n\"\nf: 0x10\ng:\n");
	assert_string_equal(text_at(&p, "a"), "1.10");
	assert_string_equal(text_at(&p, "b"), "true");
	assert_true(yaml_get(p.file.root, "c")->null);
	assert_false(yaml_get(p.file.root, "d")->null);
	assert_string_equal(text_at(&p, "e"), "A\n");
	assert_string_equal(text_at(&p, "f"), "0x10");
	assert_true(yaml_get(p.file.root, "g")->null);
	assert_null(yaml_get(p.file.root, "h"));
	arena_free(&p.arena);
}

static void knows_the_words_for_true_and_false(void **state)
{
	static const char *const yes[] = { "true", "True", "yes", "On", "y" };
	static const char *const no[] = { "false", "FALSE", "no", "Off", "n" };
	static const char *const neither[] = { "tRUE", "1", "", "yess" };
	bool truth;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		struct yaml_node node = { .text = str_of(yes[i]) };

		assert_true(yaml_bool(&node, &truth) && truth);
	}
	for (size_t i = 0; i < ARRAY_SIZE(no); i++) {
		struct yaml_node node = { .text = str_of(no[i]) };

		assert_true(yaml_bool(&node, &truth) && !truth);
	}
	for (size_t i = 0; i < ARRAY_SIZE(neither); i++) {
		struct yaml_node node = { .text = str_of(neither[i]) };

		assert_false(yaml_bool(&node, &truth));
	}
}

static void resolves_aliases_and_merges(void **state)
{
	struct parsed p;
	const struct yaml_node *map;

	(void)state;
	parse(&p, "base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\nagain: *b\n");
	map = yaml_get(p.file.root, "use");
	assert_int_equal(map->count, 2);
	assert_string_equal(yaml_get(map, "x")->text.data, "1");
	assert_string_equal(yaml_get(map, "y")->text.data, "3");
	assert_ptr_equal(yaml_get(p.file.root, "again"), yaml_get(p.file.root, "base"));
	arena_free(&p.arena);
	parse(&p, "a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b]}\n");
	map = yaml_get(p.file.root, "c");
	assert_string_equal(yaml_get(map, "x")->text.data, "1");
	assert_string_equal(yaml_get(map, "y")->text.data, "2");
	arena_free(&p.arena);
}

static void refuses_what_is_wrong_with_its_place(void **state)
{
	struct parsed p;

	(void)state;
	refuse(&p, "a: 1\nb: 2\na: 3\n", "duplicate key 'a': already given in line 1", 3, 1);
	refuse(&p, "m:\n  k: 1\n  \"k\": 2\n", "duplicate key 'k': already given in line 2", 3, 3);
	refuse(&p, "a: *none\n", "unknown alias", 1, 4);
	refuse(&p, "a: &x [*x]\n", "unknown alias", 1, 8);
	refuse(&p, "a: [1\n", "not YAML", 2, 1);
	refuse(&p, "a: b: c\n", "mapping values are not allowed", 1, 5);
	refuse(&p, "l:\n  - !f(x) == 1\n", "must be quoted", 2, 5);
	refuse(&p, "a: {<<: 5}\n", "<< takes a map", 1, 9);
	refuse(&p, "? [a]\n: b\n", "a key must be", 1, 3);
	refuse(&p, "a:\n\tb: 1\n", "not YAML", 2, 1);
}

static void shows_the_line_and_a_hint(void **state)
{
	struct parsed p;

	(void)state;
	parse_text(&p, "conditions:\n  - !ok(x)\n", 23);
	assert_int_equal(p.code, -EINVAL);
	assert_string_equal(p.err.source, "  - !ok(x)");
	assert_int_equal(p.err.caret, 5);
	assert_non_null(strstr(p.err.hint, "quotes"));
	arena_free(&p.arena);
}

static void bounds_depth_size_and_aliases(void **state)
{
	char deep[2 * 200 + 1];
	char *large = calloc(1, YAML_SIZE_MAX + 2);
	struct parsed p;

	(void)state;
	memset(deep, '[', 200);
	memset(deep + 200, ']', 200);
	deep[400] = 0;
	parse_text(&p, deep, 400);
	assert_int_equal(p.code, -EINVAL);
	assert_non_null(strstr(p.err.message, "too deeply"));
	arena_free(&p.arena);

	/* Nine lists of ten of the one before: a thousand million nodes if expanded. */
	parse_text(&p,
		   "a: &a [0,0,0,0,0,0,0,0,0,0]\n"
		   "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
		   "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
		   "f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n",
		   28 + 5 * 38);
	assert_int_equal(p.code, -EINVAL);
	assert_non_null(strstr(p.err.message, "too many nodes"));
	arena_free(&p.arena);

	assert_non_null(large);
	memset(large, '#', YAML_SIZE_MAX + 1);
	parse_text(&p, large, YAML_SIZE_MAX + 1);
	assert_int_equal(p.code, -EINVAL);
	assert_non_null(strstr(p.err.message, "too large"));
	arena_free(&p.arena);
	parse_text(&p, large, YAML_SIZE_MAX);
	assert_int_equal(p.code, 0);
	arena_free(&p.arena);
	free(large);
}

static void takes_the_first_document(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, "a: 1\n---\na: [\n");
	assert_string_equal(text_at(&p, "a"), "1");
	arena_free(&p.arena);
	parse(&p, "# nothing\n");
	assert_null(p.file.root);
	arena_free(&p.arena);
}

static void takes_a_byte_order_mark_and_crlf(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, "\xef\xbb\xbf"
		  "a: 1\r\nb: 2\r\n");
	assert_string_equal(text_at(&p, "a"), "1");
	assert_string_equal(text_at(&p, "b"), "2");
	yaml_err_node(&p.err, &p.file, yaml_get(p.file.root, "a"));
	assert_int_equal(p.err.line, 1);
	assert_int_equal(p.err.column, 4);
	assert_string_equal(p.err.source, "a: 1");
	arena_free(&p.arena);
}

/* The X of each value must be found again in its source. */
static void maps_characters_to_their_source(void **state)
{
	static const char *const texts[] = {
		"a: fooX\n",
		"a: 'it''s X'\n",
		"a: \"tab\\t\\u00e9 \\\"X\\\"\"\n",
		"a: |\n  one\n    two X\n",
		"a: |2-\n    one\n  X\n",
		"a: >-\n  one\n  two X\n",
		"a: >\n  one\n\n  two\n  X\n",
		"a: one\n  two\n  X three\n",
		"a: \"one\n  two \\\n  X\"\n",
		"a: !!str &anchor 'X'\n",
		"a:\n  - b: |\n      caf\xc3\xa9 X\n",
		"a: \"\\x41\\U0001F600X\"\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct parsed p;
		const struct yaml_node *node;
		uint32_t offset, found;

		parse(&p, texts[i]);
		node = yaml_get(p.file.root, "a");
		if (node->kind == YAML_LIST)
			node = yaml_get(node->items[0], "b");
		offset = (uint32_t)(strchr(node->text.data, 'X') - node->text.data);
		found = yaml_offset(&p.file, node, offset);
		if (texts[i][found] != 'X')
			print_message("text %zu: offset %u is '%s'\n", i, found, texts[i] + found);
		assert_int_equal(texts[i][found], 'X');
		arena_free(&p.arena);
	}
}

static void counts_columns_in_characters(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, "caf\xc3\xa9: {\xc3\xa9\xc3\xa9: x}\n");
	yaml_err_offset(&p.err, &p.file,
			(uint32_t)(strchr(p.file.text.data, 'x') - p.file.text.data));
	assert_int_equal(p.err.line, 1);
	assert_int_equal(p.err.column, 12);
	assert_int_equal(p.err.source[p.err.caret - 1], 'x');
	arena_free(&p.arena);
}

static void reads_files_and_says_what_it_cannot(void **state)
{
	struct arena arena = { 0 };
	struct err err = { 0 };
	struct str text;

	(void)state;
	assert_int_equal(yaml_read_file("/nonexistent/x.yaml", &arena, &text, &err), -ENOENT);
	assert_string_equal(err.path, "/nonexistent/x.yaml");
	assert_int_equal(yaml_read_file("/tmp", &arena, &text, &err), -EINVAL);
	assert_non_null(strstr(err.message, "not a regular file"));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_scalars_as_written),
		cmocka_unit_test(knows_the_words_for_true_and_false),
		cmocka_unit_test(resolves_aliases_and_merges),
		cmocka_unit_test(refuses_what_is_wrong_with_its_place),
		cmocka_unit_test(shows_the_line_and_a_hint),
		cmocka_unit_test(bounds_depth_size_and_aliases),
		cmocka_unit_test(takes_the_first_document),
		cmocka_unit_test(takes_a_byte_order_mark_and_crlf),
		cmocka_unit_test(maps_characters_to_their_source),
		cmocka_unit_test(counts_columns_in_characters),
		cmocka_unit_test(reads_files_and_says_what_it_cannot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
