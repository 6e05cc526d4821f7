/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes each format writes. Expected lines are written out in full: a receiver that parses
 * Tracee's output depends on every one of them. tests/unit/test_source_json.c also reads
 * lines that Tracee's own code printed and prints them again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "../support/quotes.h"

#include "base/buf.h"
#include "base/common.h"
#include "event.h"
#include "event/encode.h"
#include "event/json.h"
#include "format.h"

/* 2026-08-03T10:00:00Z */
#define BOOT 1785751200000000000ULL

static const struct clock boot_clock = { .boot_epoch_ns = BOOT };
static const struct str policy[] = { { "p1", 2 } };
static const struct host here = { .name = { "h", 1 } };
static const struct format_options plain = { .host = &here, .sensor_version = "1.2.3" };
static const struct format_options decoded = { .host = &here,
					       .sensor_version = "1.2.3",
					       .decoded_data = true };

static struct wire_header task(uint16_t id, uint32_t size)
{
	return (struct wire_header){
		.size = size,
		.id = id,
		.cpu = 3,
		.seq = 77,
		.time = 60250000000,
		.start_time = 123456789,
		.leader_start_time = 123456789,
		.parent_start_time = 50,
		.pid = 1234,
		.tid = 1234,
		.ppid = 1,
		.ns_pid = 1234,
		.ns_tid = 1234,
		.ns_ppid = 1,
		.uid = 1000,
		.syscall = event_by_id(id)->syscall,
		.comm = "ipcsrv",
	};
}

static struct event view(const struct wire_header *wire)
{
	return (struct event){ .def = event_by_id(wire->id),
			       .wire = wire,
			       .policies = policy,
			       .policy_count = 1,
			       .clock = &boot_clock };
}

static void expect(const char *format, const struct event *event,
		   const struct format_options *options, const char *line)
{
	struct buf buf = { 0 };

	format_by_name(str_of(format))->write(&buf, event, options);
	assert_false(buf.truncated);
	assert_true(buf.len > 0 && buf.data[buf.len - 1] == '\n');
	buf.data[--buf.len] = 0;
	char *wanted = quotes_set(line, strlen(line));

	assert_string_equal(buf.data, wanted);
	free(wanted);
	buf_free(&buf);
}

struct msgget_record {
	struct wire_header header;
	struct ev_msgget body;
};

static struct msgget_record msgget_record(void)
{
	struct msgget_record record = { .header = task(EV_msgget, sizeof(record)) };

	record.body.key = 1234567;
	record.body.msgflg = 01666;
	record.body.returnValue = 32769;
	record.body.perm_uid = 1000;
	record.body.perm_mode = 0666;
	record.header.present = FIELD_BIT(msgget, key) | FIELD_BIT(msgget, msgflg) |
				FIELD_BIT(msgget, returnValue) | FIELD_BIT(msgget, perm_uid) |
				FIELD_BIT(msgget, perm_mode);
	return record;
}

/* 765985336: the hash of (1234, BOOT + 123456789), a vector of Tracee's. */
#define MSGGET_HEAD \
	"{'timestamp':'2026-08-03T10:01:00.25Z','id':69,'name':'msgget'," \
	"'policies':{'matched':['p1']},'workload':{'process':{"
#define TASK \
	"'unique_id':765985336,'host_pid':1234,'pid':1234,'real_user':{'id':1000}," \
	"'thread':{'start_time':'2026-08-03T10:00:00.123456789Z','name':'ipcsrv'," \
	"'unique_id':765985336,'host_tid':1234,'tid':1234,'syscall':'msgget'}," \
	"'ancestors':[{'unique_id':%u,'host_pid':1,'pid':1}]}}"

static const char *with_parent(const char *text)
{
	static char line[4096];

	snprintf(line, sizeof(line), text, entity_hash(1, BOOT + 50));
	return line;
}

static void test_tracee_json(void **state)
{
	(void)state;
	struct msgget_record record = msgget_record();
	struct event event = view(&record.header);

	expect("tracee-json", &event, &plain,
	       with_parent(MSGGET_HEAD TASK ",'data':[{'name':'key','int32':1234567},"
					    "{'name':'msgflg','int32':950},"
					    "{'name':'returnValue','int64':'32769'}]}"));
	/* Tracee does not decode flags of System V IPC. */
	expect("tracee-json", &event, &decoded,
	       with_parent(MSGGET_HEAD TASK ",'data':[{'name':'key','int32':1234567},"
					    "{'name':'msgflg','int32':950},"
					    "{'name':'returnValue','int64':'32769'}]}"));
}

static void test_json_adds_behind(void **state)
{
	(void)state;
	struct msgget_record record = msgget_record();
	struct event event = view(&record.header);

	record.header.flags = WIRE_CONTEXT | HOOK_KPROBE << WIRE_HOOK_SHIFT;
	record.header.loginuid = UINT32_MAX;
	record.header.euid = 1;
	record.header.gid = 2;
	record.header.mnt_ns = 10;
	record.header.ipc_ns = 4026531839;
	record.header.cgroup_id = 5120;
	record.header.user = FIELD_BIT(msgget, perm_mode) | FIELD_BIT(msgget, perm_key);
	expect("json", &event, &plain,
	       with_parent(MSGGET_HEAD TASK
			   ",'data':[{'name':'key','int32':1234567},"
			   "{'name':'msgflg','int32':950},"
			   "{'name':'returnValue','int64':'32769'},"
			   "{'name':'perm_uid','u_int32':1000},"
			   "{'name':'perm_mode','u_int32':438}],"
			   "'host':'h','sensor':{'name':'spoor','version':'1.2.3'},"
			   "'seq':77,'cpu':3,'euid':1,'gid':2,'loginuid':4294967295,"
			   "'namespaces':{'mnt':10,'ipc':4026531839},'cgroup_id':5120,"
			   "'hook':'kprobe','origin':{'user':['perm_mode']}}"));
	record.header.flags = 0;
	record.header.user = record.header.mnt_ns = record.header.ipc_ns = 0;
	record.header.cgroup_id = 0;
	expect("json", &event, &decoded,
	       with_parent(MSGGET_HEAD TASK
			   ",'data':[{'name':'key','str':'0x0012d687'},"
			   "{'name':'msgflg','str':'IPC_CREAT|0666'},"
			   "{'name':'returnValue','int64':'32769'},"
			   "{'name':'perm_uid','u_int32':1000},"
			   "{'name':'perm_mode','str':'0666'}],"
			   "'host':'h','sensor':{'name':'spoor','version':'1.2.3'},"
			   "'seq':77,'cpu':3}"));
}

#define NO_WORKLOAD(id, name) \
	"{'timestamp':'2026-08-03T10:01:00.25Z','id':" #id ",'name':'" #name "'," \
	"'policies':{'matched':['p1']}"

/* Every type, captured and missing. Without process information the workload is left out. */
static void test_values(void **state)
{
	(void)state;
	struct {
		struct wire_header header;
		struct ev_semtimedop body;
	} record = { .header = task(EV_semtimedop, sizeof(record)) };
	struct event event = view(&record.header);

	record.header.ns_pid = 0;
	record.header.comm[0] = 0;
	expect("tracee-json", &event, &plain,
	       NO_WORKLOAD(221, semtimedop) ",'data':[{'name':'semid','int32':0},"
					    "{'name':'sops','value':null},"
					    "{'name':'nsops','u_int64':'0'},"
					    "{'name':'timeout','timespec':{'value':0}},"
					    "{'name':'returnValue','int64':'0'}]}");
	record.header.present = ~0ULL;
	record.body.semid = -2147483648;
	record.body.sops = 0x7ffd5a3b1c20;
	record.body.nsops = UINT64_MAX;
	record.body.timeout = (struct wire_timespec){ 1, 500000000 };
	record.body.returnValue = INT64_MIN;
	expect("tracee-json", &event, &plain,
	       NO_WORKLOAD(221,
			   semtimedop) ",'data':[{'name':'semid','int32':-2147483648},"
				       "{'name':'sops','pointer':'140726117276704'},"
				       "{'name':'nsops','u_int64':'18446744073709551615'},"
				       "{'name':'timeout','timespec':{'value':1.5}},"
				       "{'name':'returnValue','int64':'-9223372036854775808'}]}");
	expect("tracee-json", &event, &decoded,
	       NO_WORKLOAD(221,
			   semtimedop) ",'data':[{'name':'semid','int32':-2147483648},"
				       "{'name':'sops','str':'0x7ffd5a3b1c20'},"
				       "{'name':'nsops','u_int64':'18446744073709551615'},"
				       "{'name':'timeout','timespec':{'value':1.5}},"
				       "{'name':'returnValue','int64':'-9223372036854775808'}]}");
}

struct exec_record {
	struct wire_header header;
	struct ev_sched_process_exec body;
	char tail[24];
};

static struct exec_record exec_record(void)
{
	struct exec_record record = { .header = task(EV_sched_process_exec, sizeof(record)) };
	uint32_t tail = offsetof(struct exec_record, tail);

	memcpy(record.tail,
	       "/bin/ls"
	       "ls\0"
	       "a\"\xff\n\0",
	       15);
	record.body.pathname = (struct wire_ref){ tail, 7 };
	record.body.argv = (struct wire_ref){ tail + 7, 8 };
	record.body.ctime = 1716287400123456789;
	record.body.inode_mode = 0100755;
	record.body.stdin_type = 020000;
	record.body.invoked_from_kernel = 1;
	record.header.present = FIELD_BIT(sched_process_exec, pathname) |
				FIELD_BIT(sched_process_exec, argv) |
				FIELD_BIT(sched_process_exec, ctime) |
				FIELD_BIT(sched_process_exec, inode_mode) |
				FIELD_BIT(sched_process_exec, stdin_type) |
				FIELD_BIT(sched_process_exec, invoked_from_kernel);
	record.header.ns_pid = 0;
	record.header.comm[0] = 0;
	record.header.syscall = 59;
	return record;
}

#define EXEC_DATA(stdin_type) \
	",'data':[{'name':'cmdpath','str':''},{'name':'pathname','str':'/bin/ls'}," \
	"{'name':'dev','u_int32':0},{'name':'inode','u_int64':'0'}," \
	"{'name':'ctime','u_int64':'1716287400123456789'}," \
	"{'name':'inode_mode','u_int32':33261},{'name':'interpreter_pathname','str':''}," \
	"{'name':'interpreter_dev','u_int32':0},{'name':'interpreter_inode','u_int64':'0'}," \
	"{'name':'interpreter_ctime','u_int64':'0'}," \
	"{'name':'argv','str_array':{'value':['ls','a\\'\\n']}}," \
	"{'name':'interp','str':''},{'name':'stdin_type'," stdin_type "}," \
	"{'name':'stdin_path','str':''},{'name':'invoked_from_kernel','bool':true}," \
	"{'name':'prev_comm','str':''},{'name':'env','str_array':{}}," \
	"{'name':'pwd','str':''}]}"

static void test_strings_of_record(void **state)
{
	(void)state;
	struct exec_record record = exec_record();
	struct event event = view(&record.header);

	expect("tracee-json", &event, &plain,
	       NO_WORKLOAD(1015, sched_process_exec) EXEC_DATA("'u_int32':8192"));
	expect("tracee-json", &event, &decoded,
	       NO_WORKLOAD(1015, sched_process_exec) EXEC_DATA("'str':'S_IFCHR'"));
}

/* detected_from keeps Tracee's internal ids and raw values, and hides own fields. */
static void test_detection(void **state)
{
	(void)state;
	struct msgget_record record = msgget_record();
	struct event input = view(&record.header);
	struct event_field fields[] = { { .name = "q\"id" },
					{ .name = "skipped" },
					{ .name = "big" } };
	struct event_def def = { .id = 7500,
				 .name = "found",
				 .syscall = -1,
				 .syscall32 = -1,
				 .field_count = 3,
				 .fields = fields };
	struct value values[] = { value_int(7), value_null(), value_uint(1ULL << 40) };
	struct threat_property property = { STR("rule"), STR("x") };
	struct threat threat = { .name = STR("N"),
				 .description = STR("D"),
				 .tactic = STR("T"),
				 .technique_id = STR("T1055"),
				 .technique_name = STR("P"),
				 .has_mitre = true,
				 .severity = SEVERITY_HIGH,
				 .properties = &property,
				 .property_count = 1 };
	struct event produced = input;

	record.header.ns_pid = 0;
	record.header.comm[0] = 0;
	produced.def = &def;
	produced.values = values;
	produced.detected_from = &input;
	produced.threat = &threat;
	produced.print_detected_from = true;
	expect("tracee-json", &produced, &decoded,
	       NO_WORKLOAD(7500,
			   found) ",'data':[{'name':'q\\'id','int32':7},{'name':'big',"
				  "'u_int64':'1099511627776'}],"
				  "'threat':{'description':'D','mitre':{'tactic':{'name':'T'},"
				  "'technique':{'id':'T1055','name':'P'}},'severity':3,'name':'N',"
				  "'properties':{'rule':'x'}},"
				  "'detected_from':{'id':68,'name':'msgget',"
				  "'data':[{'name':'key','int32':1234567},"
				  "{'name':'msgflg','int32':950},{'name':'returnValue',"
				  "'int64':'32769'}]}}");

	/* Ours decodes a field that is called as one of the input. */
	fields[0].name = "msgflg";
	values[0] = value_int(01600);

	struct buf out = { 0 };

	format_by_name(STR("json"))->write(&out, &produced, &decoded);
	assert_non_null(strstr(buf_cstr(&out), "{\"name\":\"msgflg\",\"str\":\"IPC_CREAT|0600\"}"));
	buf_clear(&out);
	format_by_name(STR("table"))->write(&out, &produced, &plain);
	assert_non_null(
		strstr(buf_cstr(&out), "*** HIGH: N (msgget) *** msgflg: IPC_CREAT|0600, big: "));
	buf_free(&out);
	fields[0].name = "q\"id";
	values[0] = value_int(7);

	/* A chain: the parent is nested; nothing in data is no data. */
	struct event_def def2 = { .id = 7501, .name = "chain", .syscall = -1, .syscall32 = -1 };
	struct event second = produced;

	second.def = &def2;
	second.detected_from = &produced;
	second.threat = NULL;
	expect("tracee-json", &second, &plain,
	       NO_WORKLOAD(7501,
			   chain) ",'detected_from':{'id':7500,'name':'found',"
				  "'data':[{'name':'q\\'id','int32':7},"
				  "{'name':'big','u_int64':'1099511627776'}],'parent':{'id':68,"
				  "'name':'msgget',"
				  "'data':[{'name':'key','int32':1234567},{'name':'msgflg',"
				  "'int32':950},"
				  "{'name':'returnValue','int64':'32769'}]}}}");
	second.print_detected_from = false;
	expect("tracee-json", &second, &plain, NO_WORKLOAD(7501, chain) "}");
}

static void test_internal_ids(void **state)
{
	(void)state;
	assert_int_equal(event_internal_id(event_by_id(EV_shmat)), 30);
	assert_int_equal(event_internal_id(event_by_id(EV_semtimedop)), 220);
	assert_int_equal(event_internal_id(event_by_id(EV_ipc)), 477);
	assert_int_equal(event_internal_id(event_by_id(EV_sched_process_exec)), 715);
	assert_int_equal(event_internal_id(event_by_id(EV_events_lost)), EV_events_lost);
}

static void test_workload_given(void **state)
{
	(void)state;
	struct msgget_record record = msgget_record();
	struct event event = view(&record.header);
	struct event_given given = {
		.has_process = true,
		.process_id = 1,
		.thread_id = 2,
		.executable = STR("/a"),
		.has_container = true,
		.container_id = STR("c0"),
		.container_name = STR("web"),
		.image_name = STR("img"),
		.image_digest = STR("d"),
		.container_started = true,
		.pod_name = STR("pod"),
		.pod_uid = STR("u"),
		.pod_namespace = STR("ns"),
		.syscall_name = STR("shmat"),
		.timestamp = STR("null"),
	};

	record.header.flags = WIRE_COMPAT;
	event.given = &given;
	event.policy_count = 0;
	expect("tracee-json", &event, &plain,
	       "{'timestamp':'null','id':69,'name':'msgget','policies':{'matched':[]},"
	       "'workload':{'process':{'executable':{'path':'/a'},'unique_id':1,'host_pid':1234,"
	       "'pid':1234,'real_user':{'id':1000},'thread':{'start_time':"
	       "'2026-08-03T10:00:00.123456789Z','name':'ipcsrv','unique_id':2,'host_tid':1234,"
	       "'tid':1234,'syscall':'shmat','compat':true}},'container':{'id':'c0',"
	       "'name':'web','image':{'id':'','repo_digests':['d'],'name':'img'},"
	       "'started':true},'k8s':{'pod':{'name':'pod','uid':'u'},"
	       "'namespace':{'name':'ns'}}},"
	       "'data':[{'name':'key','int32':1234567},{'name':'msgflg','int32':950},"
	       "{'name':'returnValue','int64':'32769'}]}");
}

/* ---- text ---------------------------------------------------------------------------- */

static void string_is(struct str in, const char *expected)
{
	struct buf buf = { 0 };

	json_text(&buf, in);
	assert_string_equal(buf_cstr(&buf), expected);
	buf_free(&buf);
}

static void test_escapes(void **state)
{
	(void)state;
	string_is(STR(""), "\"\"");
	string_is(STR("a\"\\\n\r\t\b\f\x01\x1f\x7f/<>&'"),
		  "\"a\\\"\\\\\\n\\r\\t\\b\\f\\u0001\\u001f\x7f/<>&'\"");
	string_is(STR("\0"), "\"\\u0000\"");
	/* Not ASCII stays, U+2028 too; bytes that are not UTF-8 go, and then U+FFFD. */
	string_is(STR("\u2028\u00e9\U0001f600"), "\"\u2028\u00e9\U0001f600\"");
	string_is(STR("\ufffdx"), "\"\ufffdx\"");
	string_is(STR("\ufffdx\xff"), "\"x\"");
	string_is(STR("\xc0\xaf.\xed\xa0\x80.\xf4\x90\x80\x80.\xe2\x80"), "\"...\"");
	string_is(STR("12345678\"abcdefgh\\12345678901234567"),
		  "\"12345678\\\"abcdefgh\\\\12345678901234567\"");
}

/* Every byte at every place of a word comes out the same as one at a time. */
static void test_escape_positions(void **state)
{
	(void)state;
	for (unsigned len = 1; len <= 17; len++)
		for (unsigned at = 0; at < len; at++)
			for (unsigned c = 0; c < 128; c++) {
				char text[18], expected[80], one[16];
				struct buf buf = { 0 };

				memset(text, 'x', sizeof(text));
				text[at] = (char)c;
				json_text(&buf, (struct str){ &text[at], 1 });
				snprintf(one, sizeof(one), "%.*s", (int)buf.len - 2, buf.data + 1);
				buf_clear(&buf);
				json_text(&buf, (struct str){ text, len });
				snprintf(expected, sizeof(expected), "\"%.*s%s%.*s\"", (int)at,
					 "xxxxxxxxxxxxxxxxx", one, (int)(len - at - 1),
					 "xxxxxxxxxxxxxxxxx");
				assert_string_equal(buf_cstr(&buf), expected);
				buf_free(&buf);
			}
}

static void test_doubles(void **state)
{
	(void)state;
	static const struct {
		double number;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ 1, "1" },
		{ 1.5, "1.5" },
		{ 100000, "100000" },
		{ 999999, "999999" },
		{ 1000000, "1e+06" },
		{ 1234567.5, "1.2345675e+06" },
		{ 0.00001, "1e-05" },
		{ 0.0001, "0.0001" },
		{ 0.00012345, "0.00012345" },
		{ -1.5, "-1.5" },
		{ 0.1, "0.1" },
		{ 0.1 + 0.2, "0.30000000000000004" },
		{ 1e300, "1e+300" },
		{ 5e-324, "5e-324" },
		{ 123456.789012345, "123456.789012345" },
		{ 1.0 / 3, "0.3333333333333333" },
		{ 120000.000000001, "120000.000000001" },
		{ 1e22, "1e+22" },
		{ 1e100, "1e+100" },
		{ 0.000000001, "1e-09" },
		{ 999999.9999999999, "999999.9999999999" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf buf = { 0 };

		json_double(&buf, rows[i].number);
		assert_string_equal(buf_cstr(&buf), rows[i].text);
		buf_free(&buf);
	}
}

static void test_times(void **state)
{
	(void)state;
	static const struct {
		uint64_t ns;
		const char *text;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00Z" },
		{ 1, "1970-01-01T00:00:00.000000001Z" },
		{ 951782400000000000, "2000-02-29T00:00:00Z" },
		{ 951868799999999999, "2000-02-29T23:59:59.999999999Z" },
		{ BOOT + 60250000000, "2026-08-03T10:01:00.25Z" },
		{ 4107542400000000000, "2100-03-01T00:00:00Z" },
		{ UINT64_MAX, "2554-07-21T23:34:33.709551615Z" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[JSON_TIME_MAX + 1];

		*text_time(text, rows[i].ns) = 0;
		assert_string_equal(text, rows[i].text);
	}
}

static void test_numbers(void **state)
{
	(void)state;
	for (uint64_t n = 1, i = 0; i < 20; i++, n *= 10)
		for (int d = -1; d <= 1; d++) {
			char text[JSON_NUMBER_MAX + 8], expected[32];

			*text_uint(text, n + (uint64_t)(int64_t)d) = 0;
			snprintf(expected, sizeof(expected), "%llu",
				 (unsigned long long)(n + (uint64_t)(int64_t)d));
			assert_string_equal(text, expected);
		}
}

static void test_base64(void **state)
{
	(void)state;
	static const char *const rows[][2] = { { "", "\"\"" },
					       { "f", "\"Zg==\"" },
					       { "fo", "\"Zm8=\"" },
					       { "foo", "\"Zm9v\"" },
					       { "\x01\x02\x03", "\"AQID\"" } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf buf = { 0 };

		json_base64(&buf, str_of(rows[i][0]));
		assert_string_equal(buf_cstr(&buf), rows[i][1]);
		buf_free(&buf);
	}
}

/* ---- table ------------------------------------------------------------------------------ */

static void test_table(void **state)
{
	(void)state;
	struct msgget_record record = msgget_record();
	struct event event = view(&record.header);

	expect("table", &event, &plain,
	       "10:01:00.250000 1000   ipcsrv           1234/1234       "
	       "32769           msgget               "
	       "key: 0x0012d687, msgflg: IPC_CREAT|0666");
	record.body.returnValue = -28;
	memcpy(record.header.comm, "\x1b[31m\xc2\x9b\xe2\x80\xae\n\\", 13);
	expect("table", &event, &plain,
	       "10:01:00.250000 1000   \\x1b[31m\\xc2\\x9b\\xe2\\x80\\xae\\x0a\\\\ 1234/1234       "
	       "-28 ENOSPC      "
	       "msgget               key: 0x0012d687, msgflg: IPC_CREAT|0666");
}

static void test_registry(void **state)
{
	(void)state;
	for (size_t i = 0; formats[i]; i++) {
		if (i)
			assert_true(strcmp(formats[i - 1]->name, formats[i]->name) < 0);
		assert_ptr_equal(format_by_name(str_of(formats[i]->name)), formats[i]);
	}
	assert_non_null(format_by_name(STR("json")));
	assert_non_null(format_by_name(STR("tracee-json")));
	assert_non_null(format_by_name(STR("table")));
	assert_null(format_by_name(STR("tracee_json")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tracee_json),
		cmocka_unit_test(test_json_adds_behind),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_strings_of_record),
		cmocka_unit_test(test_detection),
		cmocka_unit_test(test_internal_ids),
		cmocka_unit_test(test_workload_given),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_escape_positions),
		cmocka_unit_test(test_doubles),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_registry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
