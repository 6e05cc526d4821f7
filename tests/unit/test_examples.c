/* SPDX-License-Identifier: Apache-2.0 */
/* The conditions in the pages of events are conditions: they compile, for that event, to bool. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/common.h"
#include "cel/cel.h"
#include "detect/environment.h"
#include "page/event_page.h"

/* Every field of the event is a slot. */
static int resolve(void *ctx, struct str name, struct cel_slot *out, struct err *err)
{
	const struct event_def *def = ctx;
	int index = event_field_index(def, name);

	if (index < 0)
		return err_set(err, -EINVAL, "%s has no field '%.*s'", def->name, (int)name.len,
			       name.data);
	out->number = (uint32_t)index;
	out->type = field_type_rule(def->fields[index].type);
	return 0;
}

static void check_condition(const struct event_def *def, struct buf *text)
{
	struct cel_env *env = environment_new(0, resolve, NULL, (void *)def);
	struct cel_source source = { .text = { text->data, (uint32_t)text->len } };
	const struct cel_program *program;
	struct arena arena = { 0 };
	struct err err = { 0 };

	assert_non_null(env);
	if (cel_compile(env, &source, "bool", &arena, &program, &err) < 0)
		fail_msg("%s: %s\n%s", def->name, err.message, buf_cstr(text));
	arena_free(&arena);
	cel_env_free(env);
	buf_clear(text);
}

/* Lines that begin with four spaces, up to one that does not. */
static unsigned check_example(const struct event_def *def)
{
	struct buf text = { 0 };
	unsigned conditions = 0;

	for (const char *line = def->example; *line;) {
		const char *end = strchrnul(line, '\n');
		bool code = strncmp(line, "    ", 4) == 0;

		if (code) {
			buf_add(&text, line, (size_t)(end - line));
			buf_char(&text, '\n');
		}
		line = *end ? end + 1 : end;
		if (text.len && (!code || !*line)) {
			check_condition(def, &text);
			conditions++;
		}
	}
	buf_free(&text);
	return conditions;
}

static void test_examples_compile(void **state)
{
	(void)state;
	for (size_t i = 0; i < event_table_count; i++)
		if (!event_table[i].replay_only && !check_example(&event_table[i]))
			fail_msg("%s: the example shows no condition", event_table[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_examples_compile) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
