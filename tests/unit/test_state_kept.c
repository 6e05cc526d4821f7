/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events that detectors with memory keep until time is up: of whatever they are made, what is told
 * in the end is what was there, even if the rules were loaded anew meanwhile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "detect/ruleset.h"
#include "event/encode.h"
#include "source/json-record.h"

struct world {
	struct ruleset *ruleset;
	struct arena arena;
	char told[4096]; /* the last detection, as JSON */
};

#define RULE(id, event, input, rest) \
	"type: detector\nid: " id "\nproduced_event: {name: " event ", version: 1.0.0}\n" \
	"requirements: {events: [{name: " input "}]}\n" rest

/* Fires with the last event a minute after it. */
#define CLOSING "threshold: {count: 1, window: 1m, closing: true}\n"

#define OUTPUT(name, expression) \
	"output: {fields: [{name: " name ", expression: '" expression "'}]}\n"

static struct ruleset *load(const char *first, const char *second)
{
	struct builtin_file files[] = {
		{ "a.yaml", first, strlen(first) },
		{ "b.yaml", second, second ? strlen(second) : 0 },
	};
	struct err_list problems = { 0 };
	struct ruleset *ruleset = ruleset_load_texts(files, second ? 2 : 1, NULL, &problems);

	err_list_print(stderr, &problems);
	assert_int_equal(problems.errors, 0);
	return ruleset;
}

static void tell(void *ctx, const struct event *made)
{
	static const struct host host = { .name = STR("h") };
	struct format_options options = { .host = &host, .sensor_version = "1" };
	struct world *world = ctx;
	struct buf out = { 0 };
	const char *why = "";

	if (wire_check(made->wire, made->wire->size, &why) < 0)
		fail_msg("%s", why);
	encode_event(&out, made, &options, true);
	snprintf(world->told, sizeof(world->told), "%s", buf_cstr(&out));
	if (made->detected_from->values)
		assert_true(str_equal(made->detected_from->rule, STR("P")));
	buf_free(&out);
}

/* A line of a recording; ' stands for ". Nothing of it is left afterwards. */
static void feed(struct world *world, const char *line)
{
	static const struct clock clock = { 0 };
	struct line_record *record = calloc(1, sizeof(*record));
	struct arena tree = { 0 };
	struct json_fault parse_fault;
	struct line_fault fault = { 0 };
	size_t len = strlen(line);
	char *copy = strdup(line);

	for (char *at = copy; *at; at++)
		*at = *at == '\'' ? '"' : *at;
	const struct json *json = json_parse(&tree, copy, len, &parse_fault);

	assert_non_null(json);
	if (line_convert(json, record, &fault) != LINE_EVENT)
		fail_msg("%.80s: %s", line, fault.text);
	struct event event = { .def = event_by_id(record->header.id),
			       .wire = &record->header,
			       .given = &record->given,
			       .clock = &clock };

	ruleset_run(world->ruleset, &event, NULL, &world->arena, tell, world);
	arena_reset(&world->arena);
	memset(arena_alloc(&world->arena, 32000), 0x55, 32000);
	arena_reset(&world->arena);
	memset(copy, 0x55, len);
	memset(record, 0x55, sizeof(*record));
	arena_free(&tree);
	free(record);
	free(copy);
}

#define AT(second) "{'timestamp':'1970-01-01T00:00:" second "Z',"

static const char connects[] =
	AT("01") "'name':'connect','container_runtime':'podman','data':["
		 "{'name':'addr','sockaddr':{'sa_family':'AF_UNIX','sun_path':'/run/a'}}]}";

static void advance(struct world *world)
{
	ruleset_advance(world->ruleset, 600000000000, NULL, &world->arena, tell, world);
	arena_reset(&world->arena);
}

static void end(struct world *world)
{
	ruleset_free(world->ruleset);
	arena_free(&world->arena);
}

static void assert_told(const struct world *world, const char *what)
{
	if (!strstr(world->told, what))
		fail_msg("no '%s' in %s", what, world->told);
}

/* ---- what they are made of ---------------------------------------- */

static void a_recording_s_own_words_stay(void **state)
{
	struct world world = { .ruleset = load(RULE("Q", "q", "connect", CLOSING), NULL) };

	(void)state;
	feed(&world, connects);
	advance(&world);
	assert_told(&world, "\"phase\":\"closed\"");
	assert_told(&world, "\"container_runtime\":\"podman\"");
	end(&world);
}

static void an_object_of_a_detection_stays(void **state)
{
	struct world world = {
		.ruleset = load(RULE("P", "p", "connect", OUTPUT("to", "getEventData(\"addr\")")),
				RULE("Q", "q", "p",
				     CLOSING OUTPUT("path", "getEventData(\"to\").sun_path")))
	};

	(void)state;
	feed(&world, connects);
	advance(&world);
	assert_told(&world, "\"phase\":\"closed\"");
	assert_told(&world, "{\"name\":\"path\",\"str\":\"/run/a\"}");
	end(&world);
}

/* Of a record that is too long its fixed part is kept, and the rest is not there. */
static void what_is_too_long_is_absent(void **state)
{
	enum { LONG = 36000 };
	struct world world = { .ruleset = load(RULE("Q", "q", "connect",
						    CLOSING "output: {fields: [{name: n, "
							    "expression: 'has(event.data) ? "
							    "string(getEventData(\"addr\") == null)"
							    " : \"\"'}]}\n"),
					       NULL) };
	char *line = malloc(LONG + 1000);

	(void)state;
	int used = snprintf(line, 1000,
			    AT("01") "'name':'connect','data':[{'name':'sockfd','int32':7},"
				     "{'name':'addr','sockaddr':"
				     "{'sa_family':'AF_UNIX','sun_path':'");
	memset(line + used, 'x', LONG);
	snprintf(line + used + LONG, 100, "'}}]}");
	feed(&world, line);
	advance(&world);
	assert_told(&world, "\"phase\":\"closed\"");
	assert_told(&world, "{\"name\":\"n\",\"str\":\"true\"}");
	free(line);
	end(&world);
}

/* ---- reload ---------------------------------------- */

static void reload(struct world *world, const char *first, const char *second)
{
	struct ruleset *fresh = load(first, second);

	ruleset_adopt(fresh, world->ruleset);
	ruleset_free(world->ruleset);
	world->ruleset = fresh;
}

#define PRODUCER(fields) RULE("P", "p", "connect", "output: {fields: [" fields "]}\n")
#define FIELD_N		 "{name: n, expression: '7'}"
#define READER \
	RULE("Q", "q", "p", \
	     "auto_populate: {detected_from: true}\n" CLOSING OUTPUT("n", "getEventData(\"n\")"))

static void a_kept_detection_outlives_its_rules(void **state)
{
	struct world world = { .ruleset = load(PRODUCER(FIELD_N), READER) };

	(void)state;
	feed(&world, connects);
	reload(&world, PRODUCER(FIELD_N), READER);
	advance(&world);
	assert_told(&world, "\"phase\":\"closed\"");
	assert_told(&world, "{\"name\":\"n\",\"int32\":7}");
	end(&world);
}

/* A detection of another form is not what the new rules know: they begin anew. */
static void a_kept_detection_has_the_form_it_had(void **state)
{
	struct world world = { .ruleset = load(PRODUCER(FIELD_N), READER) };

	(void)state;
	feed(&world, connects);
	reload(&world, PRODUCER("{name: a, expression: '1'}, {name: b, expression: '2'}," FIELD_N),
	       READER);
	world.told[0] = 0;
	advance(&world);
	assert_string_equal(world.told, "");
	for (uint32_t i = 0; i < ruleset_detector_count(world.ruleset); i++) {
		struct detector_info info;

		ruleset_detector(world.ruleset, i, &info);
		assert_int_equal(info.errors, 0);
	}
	end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_recording_s_own_words_stay),
		cmocka_unit_test(an_object_of_a_detection_stays),
		cmocka_unit_test(what_is_too_long_is_absent),
		cmocka_unit_test(a_kept_detection_outlives_its_rules),
		cmocka_unit_test(a_kept_detection_has_the_form_it_had),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("state_kept", tests, NULL, NULL);
}
