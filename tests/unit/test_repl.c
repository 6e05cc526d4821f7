/* SPDX-License-Identifier: Apache-2.0 */
/* Completion in `spoor eval -i`: what is offered where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
/* after those it needs */
#include <cmocka.h>

#include "base/buf.h"
#include "base/common.h"
#include "repl/complete.h"

static struct session session;

static void name(const char *name, const char *expression)
{
	struct cel_source source = { .text = str_of(expression) };
	const struct cel_program *program;
	struct err err;

	assert_int_equal(session_compile(&session, source, NULL, &program, &err), 0);
	assert_int_equal(session_name(&session, name, cel_program_type(program),
				      session_evaluate(&session, program)),
			 0);
}

/* "FROM: a b c", FROM is what the candidates replace; at most five of them, then "...". */
static const char *offered(const char *text)
{
	static struct buf out;
	struct completion found;

	completion_find(&session, text, strlen(text), &found);
	buf_clear(&out);
	buf_printf(&out, "%s:", text + found.from);
	for (size_t i = 0; i < found.count && i < 5; i++)
		buf_printf(&out, " %s", found.items[i]);
	if (found.count > 5)
		buf_lit(&out, " ...");
	completion_free(&found);
	session_forget_line(&session);
	return buf_cstr(&out);
}

static const struct row {
	const char *text, *want;
} rows[] = {
	/* names, functions, constants */
	{ "process.getA", "getA: getAncestry(" },
	{ "1 + IPC_CRE", "IPC_CRE: IPC_CREAT" },
	{ "nu", "nu: null null_type number numbers" },
	{ "text == num", "num: number numbers" },
	{ "getEv", "getEv: getEventData(" },
	{ "xyz", "xyz:" },
	{ "math.bitS", "bitS: bitShiftLeft( bitShiftRight(" },
	{ "cel.b", "b: bind(" },
	/* members: of the type, whatever the expression before the dot */
	{ "text.sta", "sta: startsWith(" },
	{ "'a b'.spl", "spl: split(" },
	{ "numbers.so", "so: sort() sortBy(" },
	{ "[1, 2].filter(x, x > 1).fir", "fir: first()" },
	{ "(text + 'x').cha", "cha: charAt(" },
	{ "dyn(text).cha", "cha: charAt(" },
	{ "number.starts", "starts:" },
	{ "table.f", "f: filter( first" },
	{ "table.first.inn", "inn: inner" },
	{ "table['first'].", ": all( exists( existsOne( exists_one( filter( ..." },
	{ "optional.of(1).has", "has: hasValue()" },
	{ "timestamp(0).getH", "getH: getHours( getHours()" },
	{ "nothing.", ":" },
	{ "1 / 0 .", ":" },
	/* inside a string nothing but names of fields */
	{ "'proc", "proc:" },
	{ "getEventData('", ":" },
	/* over several lines */
	{ "[1,\nnumbers.so", "so: sort() sortBy(" },
	/* commands */
	{ ":t", ":t: :type " },
	{ ":", ":: :doc  :event  :help :names :next ..." },
	{ ":type text.sta", "sta: startsWith(" },
	{ ":event tests/fuzz/corp", "tests/fuzz/corp: tests/fuzz/corpus/" },
	{ ":event /nowhere/", "/nowhere/:" },
};

static void test_rows(void **ctx)
{
	unsigned lost, wrong = 0;

	(void)ctx;
	assert_int_equal(session_use_event(&session, NULL, &lost), 0);
	name("text", "'abc'");
	name("number", "1");
	name("numbers", "[1, 2]");
	name("table", "{'first': {'inner': 1}, 'no identifier': 2}");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *got = offered(rows[i].text);

		if (strcmp(got, rows[i].want) != 0)
			print_error("%s offers %s, expected %s\n", rows[i].text, got, rows[i].want);
		wrong += strcmp(got, rows[i].want) != 0;
	}
	assert_int_equal(wrong, 0);
	session_free(&session);
}

static void test_event(void **ctx)
{
	static struct {
		struct wire_header header;
		char body[4096];
	} record = { .header = { .pid = 12, .tid = 12 } };
	static const struct clock clock;
	struct event event = { .def = event_by_name(STR("shmget")),
			       .wire = &record.header,
			       .clock = &clock };
	unsigned lost;

	(void)ctx;
	assert_non_null(event.def);
	assert_int_equal(session_use_event(&session, &event, &lost), 0);
	assert_string_equal(offered("getEventData('shm"),
			    "shm: shm_cpid shm_lpid shm_nattch shm_segsz shmflg");
	assert_string_equal(offered("hasData(\"siz"), "siz: size");
	assert_string_equal(offered("workload.process.exec"), "exec: executable");
	assert_string_equal(offered("event.na"), "na: name");
	session_free(&session);
}

static void test_common(void **ctx)
{
	char *items[] = { (char *)"getAncestry(", (char *)"getAll(", (char *)"get(" };
	struct completion completion = { .items = items, .count = 2 };

	(void)ctx;
	assert_int_equal(completion_common(&completion), 4);
	completion.count = 3;
	assert_int_equal(completion_common(&completion), 3);
	completion.count = 0;
	assert_int_equal(completion_common(&completion), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_event),
		cmocka_unit_test(test_common),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
