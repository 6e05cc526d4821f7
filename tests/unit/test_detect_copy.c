/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a detection takes from its input besides computed fields: ancestors, sources, elements of a
 * list; and what rules are told of the kernel's symbols.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "detect/ruleset.h"
#include "event/encode.h"
#include "store.h"

enum { MADE_MAX = 64 };

static const struct clock test_clock = { .boot_epoch_ns = 1700000000000000000 };

struct fixture {
	struct builtin_file files[4];
	size_t file_count;
	struct err_list problems;
	struct ruleset *ruleset;
	struct stores *stores;
	struct arena arena;
	const struct event *made[MADE_MAX];
	uint32_t made_count;
};

static void add_file(struct fixture *f, const char *text)
{
	static const char *const names[] = { "a.yaml", "b.yaml", "c.yaml", "d.yaml" };

	f->files[f->file_count] = (struct builtin_file){ names[f->file_count], text,
							 (uint32_t)strlen(text) };
	f->file_count++;
}

static void load(struct fixture *f, bool compat)
{
	struct ruleset_options options = { .compat_tracee = compat };

	f->ruleset = ruleset_load_texts(f->files, f->file_count, &options, &f->problems);
	f->stores = stores_new(64, 8);
	assert_true(f->ruleset && f->stores);
	stores_set_clock(f->stores, &test_clock);
}

static void load_clean(struct fixture *f)
{
	load(f, false);
	err_list_print(stderr, &f->problems);
	assert_int_equal(f->problems.errors, 0);
}

static void fixture_free(struct fixture *f)
{
	ruleset_free(f->ruleset);
	stores_free(f->stores);
	err_list_free(&f->problems);
	arena_free(&f->arena);
}

static void keep(void *ctx, const struct event *produced)
{
	struct fixture *f = ctx;

	if (f->made_count < MADE_MAX)
		f->made[f->made_count++] = produced;
}

struct record {
	struct wire_header header;
	struct ev_shmat body;
};

/* Process 100 + n, child of 99 + n; 100 has no parent. */
static void fill_task(struct wire_header *header, uint32_t n)
{
	header->pid = header->tid = header->ns_pid = header->ns_tid = 100 + n;
	header->ppid = header->ns_ppid = n ? 99 + n : 0;
	header->start_time = header->leader_start_time = (n + 1) * 1000000000ULL;
	header->parent_start_time = n ? n * 1000000000ULL : 0;
	snprintf(header->comm, sizeof(header->comm), "p%u", n);
}

static void learn_processes(struct fixture *f, uint32_t count)
{
	struct {
		struct wire_header header;
		struct ev_process_existing body;
	} record;

	for (uint32_t n = 0; n < count; n++) {
		memset(&record, 0, sizeof(record));
		record.header.size = sizeof(record);
		record.header.id = EV_process_existing;
		fill_task(&record.header, n);
		stores_update(f->stores, &record.header);
	}
}

/* shmat of segment 7 by process 100 + n. */
static uint32_t feed(struct fixture *f, uint32_t n)
{
	static struct record record;
	static struct event event;
	struct wire_header *header = &record.header;

	memset(&record, 0, sizeof(record));
	header->size = sizeof(record);
	header->id = EV_shmat;
	header->time = 5000000000;
	header->present = FIELD_BIT(shmat, shmid);
	record.body.shmid = 7;
	fill_task(header, n);
	event = (struct event){ .def = event_by_id(EV_shmat),
				.wire = header,
				.process = process_find(f->stores, header->pid,
							header->leader_start_time),
				.clock = &test_clock };
	f->made_count = 0;
	return ruleset_run(f->ruleset, &event, f->stores, &f->arena, keep, f);
}

#define DETECTOR(id, event, input, rest) \
	"type: detector\nid: " id "\nproduced_event: {name: " event ", version: 1.0}\n" \
	"requirements: {events: [{name: " input "}]}\n" rest

static const char *text_of(struct fixture *f, const struct event *event, struct buf *out)
{
	struct format_options options = { .stores = f->stores };

	buf_clear(out);
	encode_event(out, event, &options, false);
	return buf_cstr(out);
}

static unsigned count(const char *text, const char *what)
{
	unsigned found = 0;

	for (; (text = strstr(text, what)); text++)
		found++;
	return found;
}

/* ---- ancestors ------------------------------------------------------------------------- */

static const char names[] = "output: {fields: [{name: n, expression: "
			    "'workload.process.ancestors.map(a, a.thread.name).join(\",\")'}]}\n";

static const char *names_of(const struct event *event)
{
	static char text[64];
	struct value value = event->values[0];

	assert_int_equal(value.tag, VALUE_STRING);
	snprintf(text, sizeof(text), "%.*s", (int)value.len, value.str);
	return text;
}

/* Who asks gets them into its detection, and those who read that see them. */
static void ancestry_is_added_for_those_who_come_after(void **state)
{
	struct fixture f = { 0 };
	struct buf out = { 0 };
	char plain[512], reader[512];

	(void)state;
	snprintf(plain, sizeof(plain), DETECTOR("P", "plain", "shmat", "%s"), names);
	snprintf(reader, sizeof(reader), DETECTOR("R", "reader", "added", "%s"), names);
	add_file(&f, plain);
	add_file(&f, DETECTOR("A", "added", "shmat", "auto_populate: {process_ancestry: true}\n"));
	add_file(&f, reader);
	load_clean(&f);
	learn_processes(&f, 8);
	assert_int_equal(feed(&f, 7), 3);
	assert_string_equal(f.made[0]->def->name, "plain");
	assert_string_equal(names_of(f.made[0]), "p6");
	assert_string_equal(names_of(f.made[2]), "p6,p5,p4,p3,p2");
	/* Itself and five; the reader's detection has the workload of what it read. */
	assert_int_equal(count(text_of(&f, f.made[0], &out), "\"host_pid\""), 2);
	assert_int_equal(count(text_of(&f, f.made[1], &out), "\"host_pid\""), 6);
	assert_int_equal(count(text_of(&f, f.made[2], &out), "\"host_pid\""), 6);
	/* Fewer than five, and none. */
	assert_int_equal(feed(&f, 2), 3);
	assert_string_equal(names_of(f.made[2]), "p1,p0");
	assert_int_equal(feed(&f, 0), 3);
	assert_string_equal(names_of(f.made[2]), "");
	buf_free(&out);
	fixture_free(&f);
}

/* There it is added only if not even the parent is named, so never to a live event. */
static void ancestry_in_tracee_mode_stops_at_the_parent(void **state)
{
	struct fixture f = { 0 };
	struct buf out = { 0 };

	(void)state;
	add_file(&f, DETECTOR("A", "added", "shmat", "auto_populate: {process_ancestry: true}\n"));
	load(&f, true);
	learn_processes(&f, 8);
	assert_int_equal(feed(&f, 7), 1);
	assert_int_equal(count(text_of(&f, f.made[0], &out), "\"host_pid\""), 2);
	buf_free(&out);
	fixture_free(&f);
}

/* ---- sources --------------------------------------------------------------------------- */

/* A link that does not keep its source ends what later links can tell. */
static void sources_nest_as_far_as_they_were_kept(void **state)
{
	struct fixture f = { 0 };
	struct buf out = { 0 };
	const char *text;

	(void)state;
	add_file(&f, DETECTOR("A", "one", "shmat", "auto_populate: {detected_from: true}\n"));
	add_file(&f, DETECTOR("B", "two", "one", ""));
	add_file(&f, DETECTOR("C", "three", "two", "auto_populate: {detected_from: true}\n"));
	add_file(&f, DETECTOR("D", "four", "one", "auto_populate: {detected_from: true}\n"));
	load_clean(&f);
	assert_int_equal(feed(&f, 0), 4);
	for (uint32_t i = 0; i < f.made_count; i++) {
		const char *name = f.made[i]->def->name;

		text = text_of(&f, f.made[i], &out);
		assert_int_equal(count(text, "detected_from"), strcmp(name, "two") != 0);
		assert_int_equal(count(text, "parent\":"), strcmp(name, "four") == 0);
	}
	buf_free(&out);
	fixture_free(&f);
}

/* ---- for_each --------------------------------------------------------------------------- */

#define FOR_EACH(list, field) \
	"type: detector\nid: A\nproduced_event: {name: a, version: 1.0, fields: [{name: n, type: int32}]}\n" \
	"requirements: {events: [{name: shmat}]}\n" \
	"output:\n  for_each: '" list "'\n  fields: [{name: n, expression: '" field "'}]\n"

static void a_detection_for_each_element(void **state)
{
	static const struct {
		const char *text;
		uint32_t made, errors;
	} cases[] = {
		{ FOR_EACH("[1, 2, 3]", "item"), 3, 0 },
		{ FOR_EACH("[]", "1"), 0, 0 },
		{ FOR_EACH("[[1], [2]].map(x, x[0] + 1)", "item * 2"), 2, 0 },
		/* An element without a value of the declared type costs only itself. */
		{ FOR_EACH("[1, 3000000000, 3]", "item"), 2, 1 },
		/* A name of a macro hides the element. */
		{ FOR_EACH("[1, 2]", "[5].map(item, item)[0]"), 2, 0 },
		{ FOR_EACH("dyn(5)", "item"), 0, 1 },
		{ FOR_EACH("getEventData(\"shmflg\")", "item"), 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f = { 0 };
		struct detector_info info;

		add_file(&f, cases[i].text);
		load_clean(&f);
		if (feed(&f, 0) != cases[i].made)
			fail_msg("%s", cases[i].text);
		ruleset_detector(f.ruleset, 0, &info);
		assert_int_equal(info.errors, cases[i].errors);
		fixture_free(&f);
	}
}

static void for_each_needs_a_list(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	add_file(&f, FOR_EACH("\"text\"", "1"));
	load(&f, false);
	assert_int_equal(f.problems.errors, 1);
	assert_string_equal(f.problems.items[0].message,
			    "output.for_each must be a list, found string");
	assert_int_equal(f.problems.items[0].line, 6);
	fixture_free(&f);
}

/* Elsewhere there is no element, and a rule that asks for one is wrong. */
static void elements_are_known_to_outputs_alone(void **state)
{
	static const char *const texts[] = {
		DETECTOR("A", "a", "shmat", "conditions: ['item == 1']\n"),
		DETECTOR("A", "a", "shmat", "output: {fields: [{name: n, expression: item}]}\n"),
		FOR_EACH("item", "1"),
		FOR_EACH("[1]", "1") "conditions: ['item == 1']\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct fixture f = { 0 };

		add_file(&f, texts[i]);
		load(&f, false);
		if (f.problems.errors != 1)
			fail_msg("%s", texts[i]);
		assert_non_null(strstr(f.problems.items[0].message, "item"));
		fixture_free(&f);
	}
}

static void elements_are_bounded_as_detections_are(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	add_file(&f, FOR_EACH("lists.range(20000)", "item"));
	load_clean(&f);
	assert_int_equal(feed(&f, 0), DETECT_OUTPUTS_MAX);
	assert_int_equal(ruleset_outputs_refused(f.ruleset), 20000 - DETECT_OUTPUTS_MAX);
	fixture_free(&f);
}

/* ---- what the live sensor can serve ---------------------------------------------------- */

static void load_live(struct fixture *f)
{
	struct ruleset_options options = { .live = true };

	f->ruleset = ruleset_load_texts(f->files, f->file_count, &options, &f->problems);
	assert_non_null(f->ruleset);
}

static void assert_collectable(const struct ruleset *ruleset)
{
	size_t read;
	const struct event_def *const *events = ruleset_events(ruleset, &read);

	for (size_t i = 0; i < read; i++)
		assert_false(events[i]->replay_only);
}

/* What is optional and cannot be had is left out with a warning, and the rest works. */
static void an_optional_event_that_cannot_be_collected_is_left_out(void **state)
{
	static const char text[] =
		"type: detector\nid: A\nproduced_event: {name: a, version: 1.0}\n"
		"requirements: {events: [{name: shmat}, {name: security_file_open, dependency: "
		"optional, data_filters: [pathname=/x]}]}\n"
		"conditions: ['getEventData(\"shmid\") == 7 || getEventData(\"pathname\") == \"/x\"']\n";
	struct fixture f = { 0 };

	(void)state;
	add_file(&f, text);
	load_live(&f);
	f.stores = stores_new(64, 8);
	assert_int_equal(f.problems.errors, 0);
	assert_int_equal(f.problems.warnings, 1);
	assert_int_equal(f.problems.items[0].line, 4);
	assert_non_null(strstr(f.problems.items[0].message, "security_file_open"));
	assert_collectable(f.ruleset);
	assert_int_equal(feed(&f, 0), 1);
	fixture_free(&f);
}

static void a_required_event_that_cannot_be_collected_is_an_error(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	add_file(&f, DETECTOR("A", "a", "security_file_open", ""));
	load_live(&f);
	assert_int_equal(f.problems.errors, 1);
	assert_int_equal(f.problems.items[0].line, 4);
	assert_int_equal(ruleset_detector_count(f.ruleset), 0);
	fixture_free(&f);
}

static uint32_t builtin_count(bool live, bool environment, uint32_t warnings)
{
	struct ruleset_options options = { .live = live, .environment = environment };
	struct err_list problems = { 0 };
	struct ruleset *ruleset = ruleset_load_builtin(&options, &problems);
	uint32_t count = ruleset_detector_count(ruleset);

	assert_int_equal(problems.errors, 0);
	assert_int_equal(problems.warnings, warnings);
	if (live)
		assert_collectable(ruleset);
	err_list_free(&problems);
	ruleset_free(ruleset);
	return count;
}

/* The built-in rules always load; what cannot work live is left out, with one line for all. */
static void builtin_detectors_that_cannot_work_are_left_out(void **state)
{
	uint32_t all = builtin_count(false, true, 0);

	(void)state;
	assert_int_equal(builtin_count(false, false, 0), all);
	assert_true(builtin_count(true, true, 1) < all);
	assert_true(builtin_count(true, false, 1) < builtin_count(true, true, 1));
}

static void builtin_rules_can_be_added_to_others(void **state)
{
	const char *const paths[] = { "builtin", NULL };
	struct err_list problems = { 0 };
	struct ruleset *ruleset = ruleset_load(paths, NULL, &problems);

	(void)state;
	assert_int_equal(problems.errors, 0);
	assert_int_equal(ruleset_detector_count(ruleset), builtin_count(false, true, 0));
	err_list_free(&problems);
	ruleset_free(ruleset);
}

/* ---- symbols ------------------------------------------------------------------------------ */

static const char kallsyms[] = "ffffffff81000000 T first\n"
			       "ffffffff81000000 t second\n"
			       "0000000000000000 A hidden_from_users\n"
			       "not a line\n"
			       "ffffffffc0001000 t hook\t[rootkit]\n"
			       "ffffffffc0002000 t hook\t[other]\n";

static bool holds(const char *condition)
{
	struct fixture f = { 0 };
	char path[] = "/tmp/spoor-symbols.XXXXXX", text[1024];
	int fd = mkstemp(path);
	uint32_t made;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, kallsyms, strlen(kallsyms)), strlen(kallsyms));
	close(fd);
	snprintf(text, sizeof(text), DETECTOR("A", "a", "shmat", "conditions: ['%s']\n"),
		 condition);
	add_file(&f, text);
	load_clean(&f);
	stores_use_kernel_symbols(f.stores, path);
	made = feed(&f, 0);
	unlink(path);
	fixture_free(&f);
	return made == 1;
}

static void symbols_by_address_and_by_name(void **state)
{
	static const char *const conditions[] = {
		"kernel.resolveSymbol(0xffffffff81000000u).map(s, s.name) == [\"first\", \"second\"]",
		"kernel.resolveSymbol(0xffffffff81000000u)[0].module == \"system\"",
		"kernel.resolveSymbol(0xffffffffc0001000u)[0].module == \"rootkit\"",
		"kernel.resolveSymbol(0xffffffff81000001u).size() == 0",
		"kernel.resolveSymbol(0u).size() == 0",
		"kernel.getSymbolAddress(\"second\") == 0xffffffff81000000u",
		"kernel.getSymbolAddress(\"hook\") == 0xffffffffc0001000u",
		"kernel.getSymbolAddress(\"hoo\") == 0u",
		"kernel.getSymbolAddress(\"hooks\") == 0u",
		"kernel.getSymbolAddress(\"\") == 0u",
		"kernel.getSymbolAddress(\"hidden_from_users\") == 0u",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(conditions); i++)
		if (!holds(conditions[i]))
			fail_msg("%s", conditions[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ancestry_is_added_for_those_who_come_after),
		cmocka_unit_test(ancestry_in_tracee_mode_stops_at_the_parent),
		cmocka_unit_test(sources_nest_as_far_as_they_were_kept),
		cmocka_unit_test(a_detection_for_each_element),
		cmocka_unit_test(for_each_needs_a_list),
		cmocka_unit_test(elements_are_known_to_outputs_alone),
		cmocka_unit_test(elements_are_bounded_as_detections_are),
		cmocka_unit_test(an_optional_event_that_cannot_be_collected_is_left_out),
		cmocka_unit_test(a_required_event_that_cannot_be_collected_is_an_error),
		cmocka_unit_test(builtin_detectors_that_cannot_work_are_left_out),
		cmocka_unit_test(builtin_rules_can_be_added_to_others),
		cmocka_unit_test(symbols_by_address_and_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
