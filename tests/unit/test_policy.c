/* SPDX-License-Identifier: Apache-2.0 */
/* Policies: which events and detections leave, by --events expressions and by policy files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>

#include "detect/ruleset.h"
#include "policy/policy.h"
#include "store.h"

static const struct clock clock_of_tests = { 0 };

static const struct builtin_file rules[] = {
	{ "a.yaml",
#define A \
	"type: detector\nid: A\nproduced_event: {name: alpha, version: 1.0, tags: [greek], fields: " \
	"[{name: n, type: int32}]}\n" \
	"requirements: {events: [{name: shmat}]}\n" \
	"threat: {name: Alpha, description: d, severity: high, mitre: {technique: {id: T1}}}\n" \
	"auto_populate: {threat: true}\noutput: {fields: [{name: n, expression: '7'}]}\n"
	  A, sizeof(A) - 1 },
	{ "b.yaml",
#define B_TEXT \
	"type: detector\nid: B\nproduced_event: {name: beta, version: 1.0}\n" \
	"requirements: {events: [{name: msgget}]}\n"
	  B_TEXT, sizeof(B_TEXT) - 1 },
};

struct fixture {
	struct ruleset *ruleset;
	struct policies *policies;
	struct err_list problems;
	struct arena arena;
};

static void load(struct fixture *f, const char *const *paths, const char *const *expressions)
{
	*f = (struct fixture){ 0 };
	f->ruleset = ruleset_load_texts(rules, ARRAY_SIZE(rules), NULL, &f->problems);
	assert_non_null(f->ruleset);
	assert_int_equal(f->problems.errors, 0);
	f->policies = policies_load(paths, expressions, NULL, f->ruleset, &f->problems);
	assert_non_null(f->policies);
}

static void fixture_free(struct fixture *f)
{
	policies_free(f->policies);
	ruleset_free(f->ruleset);
	err_list_free(&f->problems);
	arena_free(&f->arena);
}

struct record {
	struct wire_header header;
	struct ev_msgget body;
};

static void fill(struct record *record, struct event *event, const struct event_def *def)
{
	static struct value values[8];

	*record = (struct record){ .header = { .size = sizeof(*record), .id = def->id } };
	record->header.uid = 1000;
	record->header.pid = record->header.tid = 100;
	record->header.present = FIELD_BIT(msgget, key) | FIELD_BIT(msgget, returnValue);
	memcpy(record->header.comm, "tester", 6);
	record->body.key = 5;
	record->body.returnValue = -13;
	values[0] = value_int(7);
	*event = (struct event){ .def = def,
				 .wire = &record->header,
				 .values = event_by_id(def->id) ? NULL : values,
				 .clock = &clock_of_tests };
}

static uint32_t match(struct fixture *f, const char *name, const struct str **names)
{
	static struct record record;
	struct event event;
	const struct event_def *def = ruleset_event(f->ruleset, str_of(name));

	assert_non_null(def);
	fill(&record, &event, def);
	return policies_match(f->policies, &event, NULL, &f->arena, names);
}

static bool shows(struct fixture *f, const char *name)
{
	const struct str *names = NULL;

	return match(f, name, &names) > 0;
}

static void alerts_alone_by_default(void **state)
{
	const struct str *names = NULL;
	struct fixture f;
	size_t count;

	(void)state;
	load(&f, NULL, NULL);
	assert_int_equal(match(&f, "alpha", &names), 1);
	assert_int_equal(names[0].len, 0);
	assert_true(shows(&f, "beta"));
	assert_false(shows(&f, "shmat"));
	/* What detectors read has to be collected all the same. */
	const struct event_def *const *events = policies_events(f.policies, &count);

	assert_int_equal(count, 2);
	assert_string_equal(events[0]->name, "shmat");
	assert_string_equal(events[1]->name, "msgget");
	fixture_free(&f);
}

struct selection_case {
	const char *expressions[4];
	const char *shown, *hidden; /* space-separated */
};

static void expect_all(struct fixture *f, const char *names, bool shown, size_t number)
{
	char name[64];
	int len;

	for (; sscanf(names, "%63s%n", name, &len) == 1; names += len)
		if (shows(f, name) != shown)
			fail_msg("case %zu: %s", number, name);
}

static void expressions_select(void **state)
{
	static const struct selection_case cases[] = {
		{ { "msgget" }, "msgget", "shmget alpha beta" },
		{ { "msgget,shmget" }, "msgget shmget", "shmat alpha" },
		{ { "msgget", "alpha" }, "msgget alpha", "shmget beta" },
		{ { "ipc_shm" }, "shmget shmat shmctl", "msgget alpha" },
		{ { "msg*" }, "msgget msgsnd msgctl", "shmget" },
		{ { "msg*,-msgget" }, "msgsnd", "msgget" },
		{ { "-msgget", "msgget,msgsnd" }, "msgsnd", "msgget" },
		{ { "-beta" }, "alpha", "beta msgget" },
		{ { "greek" }, "alpha", "beta" },
		{ { "tag=greek,ipc_sem" }, "alpha semget", "beta" },
		{ { "msgget.data.key=5" }, "msgget", "msgsnd" },
		{ { "msgget.data.key=6" }, "", "msgget" },
		{ { "msgget.data.key=6,5" }, "msgget", "" },
		{ { "msgget.args.key!=5" }, "", "msgget" },
		{ { "msgget.retval<0" }, "msgget", "" },
		{ { "msgget.retval=0" }, "", "msgget" },
		{ { "msgget.scope.comm=test*" }, "msgget", "" },
		{ { "msgget.scope.container" }, "", "msgget" },
		{ { "msgget.scope.uid!=0" }, "msgget", "" },
		{ { "msgget.data.key=5", "msgget.retval=0" }, "", "msgget" },
		{ { "alpha.data.n=7" }, "alpha", "" },
		{ { "alpha.data.n=8" }, "", "alpha" },
		{ { "threat.severity>=high" }, "alpha", "beta" },
		{ { "threat.mitre.technique=T1" }, "alpha", "beta" },
		{ { "threat.name!=Other" }, "alpha", "beta" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;

		load(&f, NULL, cases[i].expressions);
		err_list_print(stderr, &f.problems);
		assert_int_equal(f.problems.errors, 0);
		expect_all(&f, cases[i].shown, true, i);
		expect_all(&f, cases[i].hidden, false, i);
		fixture_free(&f);
	}
}

static void wrong_expressions_are_refused(void **state)
{
	static const struct {
		const char *expression, *message, *hint;
	} cases[] = {
		{ "msggets", "invalid event to trace: msggets", "msgget" },
		{ "-msggets", "invalid event to exclude", "msgget" },
		{ "nosuch*", "invalid event to trace", "" },
		{ "process_existing", "invalid event to trace", "" },
		{ "", "empty", "" },
		{ "msgget,", "invalid flag format: msgget,", "a name is empty" },
		{ "-", "invalid flag format: -", "a name is empty" },
		{ "msgget, msgsnd", "invalid flag format", "" },
		{ "-msgget.data.key=1", "invalid event to trace: -msgget", "" },
		{ "-msgget.scope.host", "invalid flag format", "excluded" },
		{ "msgget.retval", "invalid filter expression", "" },
		{ "threat", "invalid event to trace: threat", "" },
		{ "threat.severity", "requires operator and value", "threat.severity>=high" },
		{ "threat.name>x", "unsupported operator for string matching: >", "=" },
		{ "msgget=5", "invalid flag format", "EVENT.data" },
		{ "msgget.data.kye=5", "invalid event data field: kye", "key" },
		{ "msgget.foo.key=5", "invalid flag format", "data.FIELD" },
		{ "msgget.data.key==5", "invalid flag operator", "" },
		{ "msgget.data.key=", "invalid flag format", "" },
		{ "msgget.data.key= 5", "invalid flag value", "" },
		{ "tag=nosuch", "invalid tag", "" },
		{ "threat.severity=sever", "invalid severity value: sever", "" },
		{ "threat.severity=hihg", "invalid severity value: hihg", "did you mean high" },
		{ "threat.color=red", "unsupported threat property", "severity" },
		{ "threat.name=Nobody", "no detectors match", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *const expressions[] = { cases[i].expression, NULL };
		struct fixture f;

		load(&f, NULL, expressions);
		if (!f.problems.errors || !strstr(f.problems.items[0].message, cases[i].message) ||
		    !strstr(f.problems.items[0].hint, cases[i].hint)) {
			err_list_print(stderr, &f.problems);
			fail_msg("%s", cases[i].expression);
		}
		fixture_free(&f);
	}
}

/* ---- files ------------------------------------------------------------------------------ */

static char folder[] = "/tmp/spoor-test-policy.XXXXXX";

static const char *write_policy(const char *name, const char *text)
{
	static char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	return path;
}

static void files_select_and_name(void **state)
{
	const char *const paths[] = { folder, NULL };
	const struct str *names = NULL;
	struct fixture f;

	(void)state;
	assert_non_null(mkdtemp(folder));
	write_policy("b.yaml", "type: policy\nname: second\nscope: [global]\nrules:\n"
			       "  - event: msgget\n    filters: [data.key=6]\n"
			       "  - event: alpha,msgget\n    filters: [retval<0]\n");
	write_policy("a.yaml", "type: policy\nname: first\nscope: [uid=1000, comm!=other]\nrules:\n"
			       "  - event: msgget\n");
	write_policy(
		"c.yml",
		"apiVersion: tracee.aquasec.com/v1beta1\nkind: Policy\nmetadata: {name: third}\n"
		"spec: {scope: [uid=0], rules: [{event: msgget}]}\n");
	write_policy("d.txt", "no policy\n");
	load(&f, paths, NULL);
	err_list_print(stderr, &f.problems);
	assert_int_equal(f.problems.errors, 0);
	assert_int_equal(policies_count(f.policies), 3);
	/* Two rules of one policy on one event are or-ed; names are in load order. */
	assert_int_equal(match(&f, "msgget", &names), 2);
	assert_true(str_equal(names[0], STR("first")));
	assert_true(str_equal(names[1], STR("second")));
	assert_false(shows(&f, "beta"));
	assert_false(shows(&f, "msgsnd"));
	fixture_free(&f);
	for (const char *const *name =
		     (const char *const[]){ "a.yaml", "b.yaml", "c.yml", "d.txt", NULL };
	     *name; name++)
		unlink(write_policy(*name, ""));
	rmdir(folder);
}

/* A call of process `pid`, started at boot time `pid`, whose parent is `ppid`. */
static bool in_scope(struct fixture *f, struct stores *stores, uint32_t pid, uint32_t ppid)
{
	static struct record record;
	const struct str *names;
	struct event event;

	fill(&record, &event, event_by_id(EV_msgget));
	record.header.pid = record.header.tid = pid;
	record.header.leader_start_time = pid;
	record.header.ppid = ppid;
	record.header.parent_start_time = ppid;
	stores_update(stores, &record.header);
	return policies_match(f->policies, &event, stores, &f->arena, &names) > 0;
}

static void fork_of(struct stores *stores, uint32_t parent, uint32_t child)
{
	struct {
		struct wire_header header;
		struct ev_sched_process_fork body;
	} record = { .header = { .size = sizeof(record), .id = EV_sched_process_fork } };

	record.header.pid = record.header.tid = parent;
	record.header.leader_start_time = parent;
	record.body.child_pid = record.body.child_tid = (int32_t)child;
	record.body.parent_process_pid = (int32_t)parent;
	record.body.start_time = child;
	record.body.parent_process_start_time = parent;
	stores_update(stores, &record.header);
}

/* A daemon is init's when its parent ends, and still is what the shell started. */
static void trees_follow_birth(void **state)
{
	static const char *const scopes[] = { "tree=10", NULL };
	const struct policies_options options = { .scopes = scopes };
	struct stores *stores = stores_new(64, 8);
	struct fixture f = { 0 };

	(void)state;
	f.ruleset = ruleset_load_texts(rules, ARRAY_SIZE(rules), NULL, &f.problems);
	f.policies = policies_load(NULL, (const char *const[]){ "msgget", NULL }, &options,
				   f.ruleset, &f.problems);
	assert_non_null(f.policies);
	fork_of(stores, 1, 10);
	fork_of(stores, 10, 20);
	fork_of(stores, 20, 30);
	fork_of(stores, 1, 11);
	assert_true(in_scope(&f, stores, 10, 1));
	assert_true(in_scope(&f, stores, 20, 10));
	assert_true(in_scope(&f, stores, 30, 20));
	assert_true(in_scope(&f, stores, 30, 1)); /* 20 has ended */
	fork_of(stores, 30, 40);
	assert_true(in_scope(&f, stores, 40, 30));
	assert_false(in_scope(&f, stores, 11, 1));
	assert_false(in_scope(&f, stores, 1, 0));
	stores_free(stores);
	fixture_free(&f);
}

static void more_than_64_policies_load(void **state)
{
	static char many[] = "/tmp/spoor-test-policy.XXXXXX";
	const char *const paths[] = { many, NULL };
	const struct str *names = NULL;
	struct fixture f;
	char path[128];

	(void)state;
	assert_non_null(mkdtemp(many));
	for (int i = 0; i < 100; i++) {
		FILE *file;

		snprintf(path, sizeof(path), "%s/p%02d.yaml", many, i);
		file = fopen(path, "we");
		assert_non_null(file);
		fprintf(file,
			"type: policy\nname: p%d\nscope: [global]\nrules: [{event: msgget}]\n", i);
		fclose(file);
	}
	load(&f, paths, NULL);
	assert_int_equal(f.problems.errors, 0);
	assert_int_equal(match(&f, "msgget", &names), 100);
	assert_true(str_equal(names[99], STR("p99")));
	fixture_free(&f);
	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "%s/p%02d.yaml", many, i);
		unlink(path);
	}
	rmdir(many);
}

static void wrong_files_are_refused_with_a_place(void **state)
{
	static const struct {
		const char *text;
		uint32_t line;
		const char *message;
	} cases[] = {
		{ "name: x\n", 1, "unable to determine policy format" },
		{ "type: policy\nname: Upper\nscope: [global]\nrules: [{event: msgget}]\n", 2,
		  "policy name Upper is invalid" },
		{ "type: policy\nname: a\nscope: []\nrules: [{event: msgget}]\n", 3,
		  "scope cannot be empty" },
		{ "type: policy\nname: a\nscope: [global]\nrules: []\n", 4,
		  "rules cannot be empty" },
		{ "type: policy\nname: a\nscope: [global, uid=0]\nrules: [{event: msgget}]\n", 3,
		  "global scope must be unique" },
		{ "type: policy\nname: a\nscope: [uuid=0]\nrules: [{event: msgget}]\n", 3,
		  "scope uuid is not valid" },
		{ "type: policy\nname: a\nscope: [uid==0]\nrules: [{event: msgget}]\n", 3,
		  "invalid flag operator" },
		{ "type: policy\nname: a\nscope: [tree=a]\nrules: [{event: msgget}]\n", 3,
		  "invalid PID" },
		{ "type: policy\nname: a\nscope: [exec=ls]\nrules: [{event: msgget}]\n", 3,
		  "invalid filter value ls" },
		{ "type: policy\nname: a\nscope: [global]\nrules:\n  - event: msgett\n", 5,
		  "msgett" },
		{ "type: policy\nname: a\nscope: [global]\nrules:\n  - event: msgget\n    actions: [kill]\n",
		  6, "action kill is not valid" },
		{ "type: policy\nname: a\nscope: [global]\nrules:\n  - event: msgget\n    filters: [data.kye=1]\n",
		  6, "kye" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char path[] = "/tmp/spoor-test-policy.XXXXXX";
		const char *const paths[] = { path, NULL };
		int fd = mkstemp(path);
		struct fixture f;

		assert_true(fd >= 0);
		assert_int_equal(write(fd, cases[i].text, strlen(cases[i].text)),
				 strlen(cases[i].text));
		close(fd);
		load(&f, paths, NULL);
		unlink(path);
		if (f.problems.errors != 1 || f.problems.items[0].line != cases[i].line ||
		    !strstr(f.problems.items[0].message, cases[i].message)) {
			err_list_print(stderr, &f.problems);
			fail_msg("case %zu", i);
		}
		assert_int_equal(policies_count(f.policies), 0);
		fixture_free(&f);
	}
}

static void policies_and_events_exclude_each_other(void **state)
{
	const char *const paths[] = { "/nonexistent", NULL }, *const events[] = { "msgget", NULL };
	struct fixture f;

	(void)state;
	load(&f, paths, events);
	assert_int_equal(f.problems.errors, 2);
	assert_non_null(strstr(f.problems.items[0].message, "cannot be used together"));
	assert_non_null(strstr(f.problems.items[1].message, "No such file"));
	fixture_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alerts_alone_by_default),
		cmocka_unit_test(expressions_select),
		cmocka_unit_test(wrong_expressions_are_refused),
		cmocka_unit_test(files_select_and_name),
		cmocka_unit_test(trees_follow_birth),
		cmocka_unit_test(more_than_64_policies_load),
		cmocka_unit_test(wrong_files_are_refused_with_a_place),
		cmocka_unit_test(policies_and_events_exclude_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
