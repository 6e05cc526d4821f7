/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detectors found by the index and asked one by one make the same detections in the same order:
 * random detectors with filters and conditions, some fed by others, on random executions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../cel/random.h"
#include "detect/ruleset.h"

enum { ROUNDS = 40, DETECTORS = 40, EVENTS = 100, MADE_MAX = 4096, TAIL = 256 };

#define PICK(array) (array)[random_below(random, ARRAY_SIZE(array))]

/* ---- detectors ------------------------------------------------------------------------ */

static const char *const paths[] = { "/usr/bin/ls", "/usr/bin/bash", "/tmp/x",
				     "/tmp/x.sh",   "/opt/app/bin",  "7",
				     "/etc/shadow" };

static const char *const filters[] = {
	"data_filters: ['pathname=/usr/bin/ls,/tmp/x*']",
	"data_filters: ['pathname=*.sh']",
	"data_filters: ['pathname=*bin*']",
	"data_filters: ['pathname!=/usr/*']",
	"data_filters: ['pathname=/tmp/*', 'pathname!=*.sh']",
	"data_filters: ['inode=7']",
	"data_filters: ['inode=7,12']",
	"data_filters: ['inode=007']",
	"data_filters: ['inode>7']",
	"data_filters: ['inode!=7']",
	"data_filters: ['invoked_from_kernel=true']",
	"data_filters: ['argv=*ls*']",
	"data_filters: ['cmdpath=/tmp/x', 'inode=7']",
	"scope_filters: ['comm=bash']",
	"scope_filters: ['comm=ba*,*sh']",
	"scope_filters: ['uid=0']",
	"scope_filters: ['uid=0,1000']",
	"scope_filters: ['uid>=1000']",
	"scope_filters: ['container']",
	"scope_filters: ['host']",
	"scope_filters: ['container', 'host']",
	"scope_filters: ['container=started']",
	"scope_filters: ['containerId=abc*']",
	"scope_filters: ['hostPid=42', 'comm=bash']",
};

static const char *const conditions[] = {
	"getEventData(\"pathname\") == \"/usr/bin/ls\"",
	"getEventData(\"pathname\").startsWith(\"/usr/\")",
	"getEventData(\"cmdpath\").endsWith(\".sh\")",
	"getEventData(\"cmdpath\").contains(\"bin\")",
	"getEventData(\"cmdpath\").matches(\"^/tmp/[a-z]+$\")",
	"getEventData(\"inode\") == 7",
	"getEventData(\"inode\") > 7u && getEventData(\"inode\") < 100",
	"hasBits(getEventData(\"inode\"), 4)",
	"!anyBits(getEventData(\"inode\"), 3)",
	"workload.process.thread.name in [\"bash\", \"ls\"]",
	"!(workload.process.thread.name in [\"bash\", \"sh\"])",
	"workload.container.id != \"\"",
	"has(workload.container) && workload.container.id.startsWith(\"abc\")",
	"basename(getEventData(\"pathname\")) == \"x\"",
	"getEventData(\"invoked_from_kernel\") == true",
	"getEventData(\"argv\").exists(a, a == \"ls\")",
	"getEventData(\"argv\").size() > 1",
	"event.name == \"sched_process_exec\"",
	"process.related(7)",
	"hasData(\"pwd\")",
	"getEventData(\"pwd\") == null || getEventData(\"pwd\") == \"/tmp/x\"",
	"context.euid == 0",
	"1 / getEventData(\"inode\") == 0",
};

static void add_detector(struct random *random, struct buf *out, uint32_t number)
{
	uint32_t count = random_below(random, 3);
	bool chained = number && random_below(random, 5) == 0;

	buf_printf(out,
		   "type: detector\nid: R%u\nproduced_event: {name: made_%u, version: 1.0.0, "
		   "description: d, fields: [{name: pathname, type: string}, {name: inode, type: "
		   "uint64}]}\nrequirements:\n  events:\n    - name: ",
		   number, number);
	if (chained)
		buf_printf(out, "made_%u\n", random_below(random, number));
	else
		buf_printf(out, "sched_process_exec\n");
	/* What filters may name is what the event has. */
	if (!chained && random_below(random, 2))
		buf_printf(out, "      %s\n", PICK(filters));
	if (chained && random_below(random, 2))
		buf_printf(out, "      %s\n", filters[random_below(random, 6)]);
	for (uint32_t i = 0; i < count; i++)
		buf_printf(out, "%s  - '%s'\n", i ? "" : "conditions:\n",
			   chained ? conditions[random_below(random, 2)] : PICK(conditions));
	buf_printf(
		out,
		"output:\n  fields:\n"
		"    - {name: pathname, expression: 'getEventData(\"pathname\")', optional: true}\n"
		"    - {name: inode, expression: 'getEventData(\"inode\")', optional: true}\n");
}

static struct ruleset *make_rules(struct random *random)
{
	struct builtin_file files[DETECTORS];
	struct buf texts[DETECTORS] = { 0 };
	struct ruleset_options options = { .compat_tracee = random_below(random, 3) == 0 };
	struct err_list problems = { 0 };
	struct ruleset *ruleset;

	for (uint32_t i = 0; i < DETECTORS; i++) {
		add_detector(random, &texts[i], i);
		files[i] = (struct builtin_file){ "random.yaml", texts[i].data,
						  (uint32_t)texts[i].len };
	}
	ruleset = ruleset_load_texts(files, DETECTORS, &options, &problems);
	assert_non_null(ruleset);
	/* Some of this is not Tracee's: it is left out then. */
	if (!options.compat_tracee) {
		err_list_print(stderr, &problems);
		assert_int_equal(problems.errors, 0);
	}
	err_list_free(&problems);
	for (uint32_t i = 0; i < DETECTORS; i++)
		buf_free(&texts[i]);
	return ruleset;
}

/* ---- events --------------------------------------------------------------------------- */

struct execution {
	struct {
		struct wire_header header;
		struct ev_sched_process_exec body;
		char tail[TAIL];
	} wire;
	uint32_t used;
	struct event_given given;
	struct event event;
};

static struct wire_ref put(struct execution *e, const char *text, uint32_t len)
{
	struct wire_ref ref = { (uint32_t)(e->wire.tail - (char *)&e->wire) + e->used, len };

	memcpy(e->wire.tail + e->used, text, len);
	e->used += len;
	return ref;
}

static void random_execution(struct random *random, struct execution *e)
{
	static const struct clock boot_clock = { .boot_epoch_ns = 1785751200000000000 };
	static const char *const names[] = { "bash", "sh", "ls", "zsh", "" };
	static const char *const ids[] = { "", "", "abcdef", "0123" };
	static const uint64_t inodes[] = { 0, 3, 7, 12, 100, 1ULL << 63 };
	const char *path = PICK(paths), *other = PICK(paths), *id = PICK(ids);

	*e = (struct execution){ .used = 0 };
	e->wire.header = (struct wire_header){
		.size = sizeof(e->wire),
		.id = EV_sched_process_exec,
		.present = random_below(random, 4) ? ~0ULL : (uint64_t)random_below(random, 65536),
		.pid = 42,
		.tid = 42,
		.uid = random_below(random, 2) * 1000,
		.euid = random_below(random, 2),
		.flags = WIRE_CONTEXT | (random_below(random, 2) ? WIRE_CONTAINER_STARTED : 0),
	};
	snprintf(e->wire.header.comm, sizeof(e->wire.header.comm), "%s", PICK(names));
	e->wire.body.pathname = put(e, path, (uint32_t)strlen(path));
	e->wire.body.cmdpath = put(e, other, (uint32_t)strlen(other));
	e->wire.body.pwd = e->wire.body.cmdpath;
	e->wire.body.argv = put(e, "ls\0-l", 6);
	e->wire.body.inode = PICK(inodes);
	e->wire.body.invoked_from_kernel = (uint8_t)random_below(random, 2);
	e->given = (struct event_given){ .has_process = true,
					 .has_container = id[0] != 0,
					 .container_id = str_of(id),
					 .container_started = random_below(random, 2) };
	e->event = (struct event){ .def = event_by_id(EV_sched_process_exec),
				   .wire = &e->wire.header,
				   .given = random_below(random, 4) ? &e->given : NULL,
				   .clock = &boot_clock };
}

/* ---- comparing ------------------------------------------------------------------------ */

struct made {
	const struct event_def *items[MADE_MAX];
	uint32_t count;
};

static void keep(void *ctx, const struct event *produced)
{
	struct made *made = ctx;

	assert_in_range(made->count, 0, MADE_MAX - 1);
	made->items[made->count++] = produced->def;
}

static void same_detections(void **state)
{
	struct random holder = { 99 }, *random = &holder;
	uint32_t total = 0, events = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct ruleset *ruleset = make_rules(random);
		struct arena arena = { .limit = 0 };

		for (int i = 0; i < EVENTS; i++) {
			struct execution e;
			struct made plain = { .count = 0 }, indexed = { .count = 0 };

			random_execution(random, &e);
			ruleset->plain = true;
			ruleset_run(ruleset, &e.event, NULL, &arena, keep, &plain);
			ruleset->plain = false;
			ruleset_run(ruleset, &e.event, NULL, &arena, keep, &indexed);
			assert_int_equal(indexed.count, plain.count);
			for (uint32_t k = 0; k < plain.count; k++)
				assert_string_equal(indexed.items[k]->name, plain.items[k]->name);
			total += plain.count;
			events++;
			arena_reset(&arena);
		}
		arena_free(&arena);
		ruleset_free(ruleset);
	}
	/* Some detectors fire and some do not. */
	assert_true(total > events && total < events * DETECTORS / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_detections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
