/* SPDX-License-Identifier: Apache-2.0 */
/* The pages of all events are complete, and are laid out as promised. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "base/common.h"
#include "page/event_page.h"
#include "page/table.h"

static const char *const sections[] = {
	"\nDescription\n",	"\nAdvantages\n",     "\nDrawbacks\n",
	"\nArguments\n",	"\nAvailable tags\n", "\nHooks\n",
	"\nExample use case\n", "\nIssues\n",	      "\nRelated events\n",
};

static void test_every_page_has_every_section(void **state)
{
	(void)state;
	for (size_t i = 0; i < event_table_count; i++) {
		struct buf out = { 0 };
		struct page page = { .out = &out, .width = 80 };
		const char *text, *at;

		if (event_table[i].replay_only)
			continue;
		event_page_write(&page, &event_table[i]);
		at = text = buf_cstr(&out);
		assert_true(strstr(text, event_table[i].name) == text);
		for (size_t s = 0; s < ARRAY_SIZE(sections); s++) {
			const char *found = strstr(at, sections[s]);

			if (!found)
				fail_msg("%s: no section%s", event_table[i].name, sections[s]);
			at = found;
		}
		for (unsigned f = 0; f < event_table[i].field_count; f++) {
			char term[100];

			snprintf(term, sizeof(term), "\n  %s: %s  [", event_table[i].fields[f].name,
				 field_type_name(event_table[i].fields[f].type));
			if (!strstr(text, term))
				fail_msg("%s: no argument%s", event_table[i].name, term);
		}
		buf_free(&out);
	}
}

/* Prose is wrapped; only code, terms and single long words may stand out. */
static void test_pages_fit_the_terminal(void **state)
{
	(void)state;
	for (size_t i = 0; i < event_table_count; i++) {
		struct buf out = { 0 };
		struct page page = { .out = &out, .width = 60 };

		/* Their pages are names and types. */
		if (event_table[i].replay_only)
			continue;
		event_page_write(&page, &event_table[i]);
		for (const char *line = buf_cstr(&out), *end; *line; line = end + 1) {
			size_t len = (size_t)((end = strchr(line, '\n')) - line);

			if (len > page.width && strncmp(line, "      ", 6) != 0)
				fail_msg("%s: %.*s", event_table[i].name, (int)len, line);
			assert_false(len && line[len - 1] == ' ');
		}
		buf_free(&out);
	}
}

static void text_check(const struct event_def *def, const char *what, const char *text)
{
	if (!text || !*text)
		fail_msg("%s: no %s", def->name, what);
	if (text[strlen(text) - 1] == ' ' || text[strlen(text) - 1] == '\n')
		fail_msg("%s: %s ends in white space", def->name, what);
	for (const char *at = text; (at = strstr(at, "  ")); at++)
		if (at != text && at[-1] != '\n' && at[-1] != ' ' && !strstr(text, "\n    "))
			fail_msg("%s: two spaces in %s: %.30s", def->name, what, at);
}

static void test_no_text_is_missing(void **state)
{
	(void)state;
	for (size_t i = 0; i < event_table_count; i++) {
		const struct event_def *def = &event_table[i];

		text_check(def, "intro", def->intro);
		if (def->replay_only)
			continue;
		text_check(def, "description", def->description);
		text_check(def, "advantages", def->advantages);
		text_check(def, "drawbacks", def->drawbacks);
		text_check(def, "example", def->example);
		text_check(def, "issues", def->issues);
		text_check(def, "related", def->related);
		for (unsigned f = 0; f < def->field_count; f++) {
			text_check(def, def->fields[f].name, def->fields[f].doc);
			text_check(def, "place of capture", def->fields[f].captured);
		}
	}
}

static void test_related_events_exist(void **state)
{
	(void)state;
	for (size_t i = 0; i < event_table_count; i++) {
		const char *at = event_table[i].related;
		struct str name;

		while ((name = next_word(&at)).data) {
			if (!event_by_name(name))
				fail_msg("%s: related to %.*s, which is none", event_table[i].name,
					 (int)name.len, name.data);
			assert_false(str_equal(name, str_of(event_table[i].name)));
		}
	}
}

static bool has_tag(const struct event_field *field, const char *tag)
{
	const char *at = field->origin;
	struct str word;

	while ((word = next_word(&at)).data)
		if (str_equal(word, str_of(tag)))
			return true;
	return false;
}

/* What the tags promise: TOCTOU only where user memory is read; absence is explained. */
static void test_tags_agree_with_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < event_table_count; i++)
		for (unsigned f = 0; f < event_table[i].field_count; f++) {
			const struct event_field *field = &event_table[i].fields[f];

			if (has_tag(field, "TOCTOU") && !has_tag(field, "U"))
				fail_msg("%s.%s: TOCTOU without U", event_table[i].name,
					 field->name);
			if (!strstr(field->captured, "user memory") &&
			    strstr(field->captured, "register") && has_tag(field, "TOCTOU"))
				fail_msg("%s.%s: a register cannot change", event_table[i].name,
					 field->name);
			if (has_tag(field, "OPT") && !strstr(field->doc, "absent") &&
			    !strstr(field->doc, "absence") && !strstr(field->doc, "print 0"))
				fail_msg("%s.%s: does not say when it is absent",
					 event_table[i].name, field->name);
		}
}

static void test_json_has_everything(void **state)
{
	static const char *const keys[] = { "name",  "id",	    "version",	 "sets",
					    "intro", "description", "drawbacks", "arguments",
					    "hooks", "example",	    "issues",	 "related" };

	(void)state;
	for (size_t i = 0; i < event_table_count; i++) {
		json_t *page = event_page_json(&event_table[i]);

		assert_non_null(page);
		for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
			assert_non_null(json_object_get(page, keys[k]));
		assert_int_equal(json_array_size(json_object_get(page, "arguments")),
				 event_table[i].field_count);
		for (unsigned f = 0; f < event_table[i].field_count; f++) {
			json_t *field = json_array_get(json_object_get(page, "arguments"), f);

			assert_non_null(field);
			assert_true(json_array_size(json_object_get(field, "tags")) > 0 ||
				    event_table[i].replay_only);
		}
		json_decref(page);
	}
}

static void check_page(struct page page, const char *text, const char *expected)
{
	struct buf out = { 0 };

	page.out = &out;
	page_text(&page, text);
	assert_string_equal(buf_cstr(&out), expected);
	buf_free(&out);
}

static void test_text_layout(void **state)
{
	struct page text = { .width = 20 }, markdown = { .width = 20, .markdown = true };

	(void)state;
	check_page(text, "one two three four five six", "  one two three four\n  five six\n");
	check_page(text, "a\n\n- item of some length\n- b",
		   "  a\n\n  - item of some\n    length\n  - b\n");
	check_page(text, "see:\n\n    a  &&  b_that_is_not_wrapped",
		   "  see:\n\n      a  &&  b_that_is_not_wrapped\n");
	check_page(text, "unbreakable_word_of_many_letters x",
		   "  unbreakable_word_of_many_letters\n  x\n");
	check_page(text, "\033[2Jgone\tx\r", "  ?[2Jgone?x?\n");
	check_page(text, "ääää ßßßßßß üüüü éé", "  ääää ßßßßßß üüüü\n  éé\n");
	check_page(text, "", "");
	check_page(text, NULL, "");
	check_page(markdown, "perm_* and <b> one two three", "perm_\\* and \\<b> one two three\n");
}

static void test_table_layout(void **state)
{
	struct table table = { .columns = 3, .headings = { "NAME", "N", "WHAT" } };
	struct buf out = { 0 };

	(void)state;
	assert_int_equal(table_add(&table, (const char *[]){ "a_long_one", "1", "first\nline" }),
			 0);
	assert_int_equal(table_add(&table, (const char *[]){ "b", NULL, NULL }), 0);
	table_write(&out, &table, 0);
	assert_string_equal(buf_cstr(&out), "NAME        N  WHAT\na_long_one  1  first?line\nb\n");
	buf_clear(&out);
	table_write(&out, &table, 20);
	assert_string_equal(buf_cstr(&out), "NAME        N  WHAT\na_long_one  1  first\nb\n");
	table_free(&table);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_page_has_every_section),
		cmocka_unit_test(test_pages_fit_the_terminal),
		cmocka_unit_test(test_no_text_is_missing),
		cmocka_unit_test(test_related_events_exist),
		cmocka_unit_test(test_tags_agree_with_texts),
		cmocka_unit_test(test_json_has_everything),
		cmocka_unit_test(test_text_layout),
		cmocka_unit_test(test_table_layout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
