/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts: their ids, and what reading one back says of lines that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>

#include "../support/quotes.h"

#include "base/buf.h"
#include "base/common.h"
#include "source/alert.h"

static const struct clock boot_clock = { .boot_epoch_ns = 1785751200000000000 };
static const struct host here = { .machine_id = { "000102030405060708090a0b0c0d0e0f", 32 },
				  .boot_id = { "boot", 4 } };
static const struct event_def produced_def = { .id = 7500, .name = "produced", .version = "1" };
static const struct value no_values[1];

struct chain {
	struct wire_header wire;
	struct event input, middle, last;
};

static void chain_set(struct chain *chain)
{
	*chain = (struct chain){ .wire = { .id = EV_shmget, .cpu = 1, .seq = 7, .time = 5000 } };
	chain->input = (struct event){ .def = event_by_id(EV_shmget),
				       .wire = &chain->wire,
				       .clock = &boot_clock };
	chain->middle = chain->input;
	chain->middle.def = &produced_def;
	chain->middle.values = no_values;
	chain->middle.rule = STR("R-1");
	chain->middle.detected_from = &chain->input;
	chain->last = chain->middle;
	chain->last.rule = STR("R-2");
	chain->last.detected_from = &chain->middle;
}

/* SipHash-2-4-128 of the words in alert_id.c, computed with OpenSSL (openssl mac SIPHASH). */
static void test_id_vector(void **state)
{
	(void)state;
	struct chain chain;
	char id[ALERT_ID_LEN + 1];

	chain_set(&chain);
	alert_id(id, &chain.last, &here);
	assert_string_equal(id, "019fc710-e100-734a-88b9-3f066b21998a");
}

static void differs(const struct event *event, const struct host *host, const char *from)
{
	char id[ALERT_ID_LEN + 1];

	alert_id(id, event, host);
	assert_string_not_equal(id, from);
}

static void test_id_tells_apart(void **state)
{
	(void)state;
	struct chain chain;
	char id[ALERT_ID_LEN + 1];
	struct host other = here;

	chain_set(&chain);
	alert_id(id, &chain.last, &here);
	other.boot_id = STR("next");
	differs(&chain.last, &other, id);
	other = here;
	other.machine_id = STR("100102030405060708090a0b0c0d0e0f");
	differs(&chain.last, &other, id);
	differs(&chain.middle, &here, id);
	differs(&chain.input, &here, id);
	chain.last.repeat = 1;
	differs(&chain.last, &here, id);
	chain_set(&chain);
	chain.middle.repeat = 1;
	differs(&chain.last, &here, id);
	struct event_state memory = { .phase = "crossed", .events = 3 };
	char crossed[ALERT_ID_LEN + 1];

	chain_set(&chain);
	chain.last.state = &memory;
	differs(&chain.last, &here, id);
	alert_id(crossed, &chain.last, &here);
	memory.phase = "closed";
	differs(&chain.last, &here, crossed);
	chain_set(&chain);
	chain.wire.seq++;
	differs(&chain.last, &here, id);
	chain_set(&chain);
	chain.wire.cpu++;
	differs(&chain.last, &here, id);
	chain_set(&chain);
	chain.wire.time++;
	differs(&chain.last, &here, id);
}

static const struct {
	const char *line, *message;
	uint32_t column;
} refused[] = {
	{ "", "the line ends where a value is expected", 1 },
	{ "{'a':1", "expected , or } in an object", 7 },
	{ "[1]", "'line': expected an event as an object, found an array", 1 },
	{ "{'name':7}", "'name': expected an event with a name, found a number", 9 },
	{ "{'name':'x'}", "'timestamp' is missing", 0 },
	{ "{'name':'x','timestamp':'yesterday'}", "'timestamp': this is not a time as in RFC 3339",
	  25 },
	{ "{'eventName':'x','metadata':{}}",
	  "'eventName': this event cannot be read in Tracee's older form, only in v1beta1", 14 },
	{ "{'name':'x','timestamp':'2026-01-01T00:00:00Z','alert':{'id':'1'}}",
	  "'alert': its id is no UUID", 56 },
	{ "{'name':'x','timestamp':'2026-01-01T00:00:00Z','threat':{'severity':5}}",
	  "'severity': expected an integer from 0 to 4", 69 },
	{ "{'name':'x','timestamp':'2026-01-01T00:00:00Z','data':[{'name':'a','int32':'1'}]}",
	  "'int32': expected an integer, found a string", 76 },
	{ "{'name':'x','timestamp':'2026-01-01T00:00:00Z','data':[{'name':'a','bytes':'?'}]}",
	  "'bytes': expected base64, found a string", 76 },
	{ "{'name':'shmget','timestamp':'2026-01-01T00:00:00Z','data':[{'name':'key','int32':5000000000}]}",
	  "field 'key': 5000000000 is out of range", 83 },
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct arena arena = { .limit = ALERT_ARENA_MAX };
		struct alert alert;
		struct err err = { 0 };
		char *line = quotes_set(refused[i].line, strlen(refused[i].line));

		assert_int_equal(alert_read(&arena, str_of(line), &alert, &err), -EBADMSG);
		assert_string_equal(err.message, refused[i].message);
		assert_int_equal(err.column, refused[i].column);
		free(line);
		arena_free(&arena);
	}
}

static void test_memory(void **state)
{
	(void)state;
	struct arena arena = { .limit = 4096 };
	struct alert alert;
	struct err err = { 0 };
	char *line = calloc(1, 8192);

	assert_non_null(line);
	memset(line, ' ', 8191);
	assert_int_equal(alert_read(&arena, str_of(line), &alert, &err), -ENOMEM);
	free(line);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_id_vector),
		cmocka_unit_test(test_id_tells_apart),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
