/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recorded JSON: what is read prints to the same bytes again, and what cannot be read is told
 * with its place and reason. Lines that Tracee's own code printed are taken from the shared
 * facts where those are at hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/quotes.h"

#include "base/buf.h"
#include "base/common.h"
#include "base/err.h"
#include "format.h"
#include "source.h"
#include "source/json-fields.h"
#include "source/json-record.h"

#define FACTS "/work/shared/tracee/events.md"

static char path[] = "/tmp/spoor-json-XXXXXX";
static const struct str policy = { "ipc-policy", 10 };
static const struct clock no_clock;

struct seen {
	struct buf printed; /* tracee-json, or `format` */
	const char *format;
	bool decoded; /* with --output option:decoded-data */
	uint32_t count;
};

static void print_record(void *ctx, const struct wire_header *record,
			 const struct event_given *given)
{
	struct seen *seen = ctx;
	struct host here = { .name = STR("here") };
	struct format_options options = { .host = &here,
					  .sensor_version = "1",
					  .decoded_data = seen->decoded };
	struct event event = { .def = event_by_id(record->id),
			       .wire = record,
			       .given = given,
			       .policies = &policy,
			       .policy_count = 1,
			       .clock = &no_clock };
	const char *why = "";

	seen->count++;
	assert_non_null(event.def);
	assert_int_equal((uintptr_t)record % 8, 0);
	assert_int_equal(wire_check(record, record->size, &why), 0);
	format_by_name(str_of(seen->format ? seen->format : "tracee-json"))
		->write(&seen->printed, &event, &options);
}

static void write_file(const char *text, size_t len)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	fclose(file);
}

/* Reads `text` as a recording, to the end. */
static void replay(const char *text, size_t len, struct seen *seen, struct source_stats *stats)
{
	struct source_want want = { .path = path };
	struct source *source = NULL;
	struct err err = { 0 };
	int r;

	char *json = quotes_set(text, len);

	write_file(json, len);
	free(json);
	assert_int_equal(source_json.open(&want, &source, &err), 0);
	do
		r = source_json.read(source, 0, print_record, seen, &err);
	while (r >= 0);
	assert_int_equal(r, -ENODATA);
	source_json.stats(source, stats);
	source_json.close(source);
	assert_int_equal(stats->records, seen->count);
}

static void printed(struct seen *seen, const char *expected)
{
	char *json = quotes_set(expected, strlen(expected));

	assert_string_equal(buf_cstr(&seen->printed), json);
	free(json);
}

static void prints_the_same(const char *line, const char *format)
{
	struct seen seen = { .format = format };
	struct source_stats stats;

	replay(line, strlen(line), &seen, &stats);
	assert_int_equal(stats.malformed, 0);
	assert_int_equal(stats.records, 1);
	printed(&seen, line);
	buf_free(&seen.printed);
}

#define PROCESS \
	"'workload':{'process':{'unique_id':11,'host_pid':42,'pid':7,'real_user':{'id':1000}," \
	"'thread':{'start_time':'2026-08-03T10:00:00.123456789Z','name':'srv','unique_id':12," \
	"'host_tid':43,'tid':8,'syscall':'msgsnd'},'ancestors':[{'unique_id':13," \
	"'host_pid':40,'pid':5}]}}"
#define HEAD(id, name) \
	"{'timestamp':'2026-08-03T10:01:00.25Z','id':" #id ",'name':'" #name "'," \
	"'policies':{'matched':['ipc-policy']}," PROCESS ","

static void test_round_trip(void **state)
{
	(void)state;
	prints_the_same(
		HEAD(70, msgsnd) "'data':[{'name':'msqid','int32':-1},"
				 "{'name':'msgp','pointer':'18446744073709551615'},"
				 "{'name':'msgsz','u_int64':'18446744073709551615'},"
				 "{'name':'msgflg','int32':-2147483648},"
				 "{'name':'returnValue','int64':'-9223372036854775808'}]}\n",
		NULL);
	/* Pointers without a value, a time without one, no ancestors, compat. */
	prints_the_same("{'timestamp':'null','id':70,'name':'msgsnd',"
			"'policies':{'matched':['ipc-policy']},"
			"'workload':{'process':{'executable':{'path':'/a b'},'unique_id':0,"
			"'host_pid':0,'pid':0,"
			"'real_user':{'id':0},'thread':{'unique_id':0,'host_tid':0,'tid':0,"
			"'compat':true}}},"
			"'data':[{'name':'msqid','int32':0},{'name':'msgp','value':null},"
			"{'name':'msgsz','u_int64':'0'},{'name':'msgflg','int32':0},"
			"{'name':'returnValue','int64':'0'}]}\n",
			NULL);
	prints_the_same(HEAD(221, semtimedop) "'data':[{'name':'semid','int32':5},{'name':'sops',"
					      "'value':null},"
					      "{'name':'nsops','u_int64':'1'},{'name':'timeout',"
					      "'timespec':{'value':1e-05}},"
					      "{'name':'returnValue','int64':'-11'}]}\n",
			NULL);
	/* Without a process; escapes, an empty list. */
	prints_the_same(
		"{'timestamp':'2026-08-03T10:01:00Z','id':1015,'name':'sched_process_exec',"
		"'policies':{'matched':['ipc-policy']},'data':[{'name':'cmdpath',"
		"'str':'\\u0001\\'\\\\é'},"
		"{'name':'pathname','str':'/x'},{'name':'dev','u_int32':4294967295},"
		"{'name':'inode','u_int64':'1'},"
		"{'name':'ctime','u_int64':'2'},{'name':'inode_mode','u_int32':65535},"
		"{'name':'interpreter_pathname','str':''},{'name':'interpreter_dev','u_int32':0},"
		"{'name':'interpreter_inode','u_int64':'0'},{'name':'interpreter_ctime',"
		"'u_int64':'0'},"
		"{'name':'argv','str_array':{'value':['ls','','-l']}},{'name':'interp','str':''},"
		"{'name':'stdin_type','u_int32':8192},{'name':'stdin_path','str':''},"
		"{'name':'invoked_from_kernel','bool':true},{'name':'prev_comm','str':''},"
		"{'name':'env','str_array':{}},{'name':'pwd','str':'/'}]}\n",
		NULL);
}

static void test_round_trip_own(void **state)
{
	(void)state;
	prints_the_same(
		HEAD(66, semop) "'data':[{'name':'semid','int32':5},{'name':'sops','pointer':'1'},"
				"{'name':'nsops','u_int64':'1'},{'name':'returnValue','int64':'0'},"
				"{'name':'sem_num','int32_array':{'value':[0,1]}},"
				"{'name':'sem_op','int32_array':{'value':[-1,32767]}},"
				"{'name':'perm_mode','u_int32':438}],'host':'h1',"
				"'sensor':{'name':'spoor','version':'1'},'seq':77,'cpu':3,"
				"'euid':1,'gid':2,"
				"'loginuid':4294967295,'namespaces':{'mnt':1,'ipc':4026531839},"
				"'cgroup_id':5120,"
				"'hook':'raw','origin':{'user':['sem_num','sem_op']}}\n",
		"json");
}

/* The examples of the facts, which are Tracee's own output. */
static void test_lines_of_tracee(void **state)
{
	(void)state;
	FILE *facts = fopen(FACTS, "r");
	char *line = NULL;
	size_t size = 0;
	unsigned found = 0;

	if (!facts) {
		print_message("skipped: %s is not here\n", FACTS);
		skip();
	}
	while (getline(&line, &size, facts) > 0) {
		struct seen seen = { 0 };
		struct source_stats stats;

		if (strncmp(line, "{\"timestamp\":\"2026", 18) != 0)
			continue;
		/* openat and msgget with names and hexadecimal pointers. */
		seen.decoded = strstr(line, "O_WRONLY|O_CREAT") || strstr(line, "\"msgp\",\"str\"");
		replay(line, strlen(line), &seen, &stats);
		assert_int_equal(stats.malformed, 0);
		if (stats.records) {
			assert_string_equal(buf_cstr(&seen.printed), line);
			found++;
		}
		buf_free(&seen.printed);
	}
	free(line);
	fclose(facts);
	/*
	 * msgget, msgsnd, shmget, semget, semtimedop, sched_process_exec, openat,
	 * security_file_open, connect, security_socket_connect; decoded: msgsnd, openat
	 */
	assert_int_equal(found, 12);
}

/* Decoded data stands for the same numbers. */
static void test_decoded(void **state)
{
	(void)state;
	const char *line = HEAD(70, msgsnd) "'data':[{'name':'msqid','int32':1},"
					    "{'name':'msgp','str':'0x7ffd5a3b1c20'},"
					    "{'name':'msgsz','u_int64':'2'},"
					    "{'name':'msgflg','str':'IPC_NOWAIT'},"
					    "{'name':'returnValue','int64':'0'}]}\n";
	struct seen seen = { 0 };
	struct source_stats stats;

	replay(line, strlen(line), &seen, &stats);
	assert_non_null(strstr(buf_cstr(&seen.printed), "\"pointer\":\"140726117276704\""));
	assert_non_null(strstr(buf_cstr(&seen.printed), "\"msgflg\",\"int32\":2048"));
	buf_free(&seen.printed);
}

#define LEGACY \
	"{'timestamp':1785751260250000000,'threadStartTime':1785751200123456789," \
	"'processorId':3," \
	"'processId':7,'cgroupId':5120,'threadId':8,'parentProcessId':5,'hostProcessId':42," \
	"'hostThreadId':43,'hostParentProcessId':40,'userId':1000,'mountNamespace':4026531841," \
	"'pidNamespace':4026531836,'processName':'srv','executable':{'path':''}," \
	"'hostName':'host1'," \
	"'containerId':'','container':{},'kubernetes':{},'eventId':'69','eventName':'msgsnd'," \
	"'matchedPolicies':['p'],'argsNum':2,'returnValue':-11,'syscall':'msgsnd'," \
	"'stackAddresses':null,'contextFlags':{'containerStarted':false,'isCompat':false}," \
	"'threadEntityId':12,'processEntityId':11,'parentEntityId':13,'args':["

static void test_legacy(void **state)
{
	(void)state;
	const char *line = LEGACY "{'name':'msqid','type':'int32','value':-1},"
				  "{'name':'msgp','type':'trace.Pointer','value':140726117276704},"
				  "{'name':'msgsz','type':'uint64','value':18446744073709551615},"
				  "{'name':'msgflg','type':'int32','value':2048}]}\n";
	struct seen seen = { 0 };
	struct source_stats stats;

	replay(line, strlen(line), &seen, &stats);
	/* The result comes from beside the arguments. */
	printed(&seen, HEAD(70, msgsnd) "'data':[{'name':'msqid','int32':-1},"
					"{'name':'msgp','pointer':'140726117276704'},"
					"{'name':'msgsz','u_int64':'18446744073709551615'},"
					"{'name':'msgflg','int32':2048},"
					"{'name':'returnValue','int64':'-11'}]}\n");
	buf_free(&seen.printed);
}

static void test_unknown(void **state)
{
	(void)state;
	static const char text[] =
		"{'timestamp':'2026-08-03T10:01:00Z','id':1,'name':'my_detection','data':[]}\n"
		"\n \t\r\n"
		"{'timestamp':'2026-08-03T10:01:00Z','name':'msgget','threat':{'name':'x'}}\n"
		"{'timestamp':'2026-08-03T10:01:00Z','name':'msgget','detected_from':{}}\n"
		"{'timestamp':1,'eventName':'my_signature','args':[]}";
	struct seen seen = { 0 };
	struct source_stats stats;

	replay(text, strlen(text), &seen, &stats);
	assert_int_equal(stats.unknown, 4);
	assert_int_equal(stats.malformed, 0);
	assert_int_equal(stats.records, 0);
	buf_free(&seen.printed);
}

/* ---- faults --------------------------------------------------------------------------- */

static void faulty(const char *line, size_t column, const char *expected)
{
	struct arena arena = { 0 };
	struct json_fault parse_fault;
	struct line_fault fault = { 0 };
	static struct line_record record;
	char *copy = quotes_set(line, strlen(line));
	const struct json *tree = json_parse(&arena, copy, strlen(copy), &parse_fault);

	if (!tree) {
		fault.at = parse_fault.at;
		snprintf(fault.text, sizeof(fault.text), "%s", parse_fault.what);
	} else {
		assert_int_equal(line_convert(tree, &record, &fault), LINE_MALFORMED);
	}
	if (!strstr(fault.text, expected))
		fail_msg("'%s' gives '%s', not '%s'", line, fault.text, expected);
	assert_int_equal(fault.at ? (size_t)(fault.at - copy) + 1 : 0, column);
	arena_free(&arena);
	free(copy);
}

#define AT "{'timestamp':'2026-08-03T10:01:00Z','name':'msgget','data':[{'name':'key',"

static void test_faults_of_text(void **state)
{
	(void)state;
	faulty("{'a':1", 7, "expected , or }");
	faulty("{'a' 1}", 6, "expected :");
	faulty("{a:1}", 2, "in quotes");
	faulty("{'a':[1,]}", 9, "no value begins like this");
	faulty("{'a':tru}", 6, "no value begins");
	faulty("{'a':01}", 8, "not a number");
	faulty("{'a':1.}", 8, "behind the point");
	faulty("{'a':1e+}", 9, "exponent");
	faulty("{'a':'x", 8, "no end");
	faulty("{'a':'\\q'}", 8, "no such escape");
	faulty("{'a':'\\u12x4'}", 9, "four hexadecimal");
	faulty("{'a':'\t'}", 7, "control character");
	faulty("{} x", 4, "follows the end");
	faulty("nonsense", 1, "no value begins");
	faulty("[1]", 0, "an object on a line, found an array");
	faulty("3", 0, "found a number");

	char deep[200];

	memset(deep, '[', sizeof(deep));
	deep[sizeof(deep) - 1] = 0;
	faulty(deep, JSON_DEPTH_MAX + 1, "nested too deeply");
}

static void test_faults_of_events(void **state)
{
	(void)state;
	faulty("{'x':1}", 0, "no event");
	faulty("{'name':5}", 9, "no event");
	faulty("{'name':'msgget'}", 0, "'timestamp' is missing");
	faulty("{'timestamp':5,'name':'msgget'}", 14,
	       "expected a time as a string, found a number");
	faulty("{'timestamp':'yesterday','name':'msgget'}", 14, "RFC 3339");
	faulty(AT "'int32':2147483648}]}", 83, "field 'key': 2147483648 is out of range");
	faulty(AT "'int32':99999999999999999999}]}", 83, "out of range");
	faulty(AT "'int32':1.5}]}", 83, "not an integer");
	faulty(AT "'str':'hello'}]}", 81, "expected int32, found text");
	faulty(AT "'int32':{}}]}", 83, "expected int32, found an object");
	faulty(AT "'int32':true}]}", 83, "found true");
	faulty("{'timestamp':'null','name':'msgget','data':{}}", 44, "expected an array");
	faulty("{'timestamp':'null','name':'msgget','data':[{}]}", 45, "has no name");
	faulty("{'timestamp':'null','name':'msgget','workload':7}", 48,
	       "'workload': expected an object");
	faulty("{'timestamp':'null','name':'msgget','workload':{'process':[]}}", 59, "'process'");
	faulty("{'timestamp':'null','name':'msgget',"
	       "'workload':{'process':{'host_pid':-5000000000}}}",
	       71, "not an integer from 0 to 4294967295");
	faulty("{'timestamp':'null','name':'sched_process_exec','data':[{'name':'argv',"
	       "'str_array':{'value':['a\\u0000b']}}]}",
	       94, "with a NUL");
	faulty("{'timestamp':'null','name':'semtimedop','data':[{'name':'timeout',"
	       "'timespec':{'value':1e30}}]}",
	       87, "out of range");
}

/* A bad line costs itself only. */
static void test_bad_lines_are_skipped(void **state)
{
	(void)state;
	struct buf text = { 0 };
	struct seen seen = { 0 };
	struct source_stats stats;

	for (int i = 0; i < 40; i++) {
		buf_lit(&text, "{'timestamp':'null','name':'msgget'}\r\n");
		buf_str(&text, i % 2 ? STR("{'timestamp':\n") : STR("\x00\xff\n"));
	}
	replay(text.data, text.len, &seen, &stats);
	assert_int_equal(stats.records, 40);
	assert_int_equal(stats.malformed, 40);
	buf_free(&text);
	buf_free(&seen.printed);
}

static void add_many(struct buf *text, const char *part, size_t len, unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		buf_add(text, part, len);
}

/* Lines over the limits: too long, too many values, too large for a record. */
static void test_limits(void **state)
{
	(void)state;
	static char filler[1 << 20];
	struct buf text = { 0 };
	struct seen seen = { 0 };
	struct source_stats stats;

	memset(filler, 'x', sizeof(filler));
	buf_lit(&text, "{'a':'");
	add_many(&text, filler, sizeof(filler), 17);
	buf_lit(&text, "'}\n{'timestamp':'null','name':'msgget'}\n[");
	add_many(&text, "0,", 2, JSON_VALUES_MAX + 1);
	buf_lit(&text, "0]\n{'timestamp':'null','name':'sched_process_exec','data':"
		       "[{'name':'pathname','str':'");
	add_many(&text, filler, WIRE_RECORD_MAX, 1);
	buf_lit(&text, "'}]}\n{'timestamp':'null','name':'msgget'}");
	replay(text.data, text.len, &seen, &stats);
	assert_int_equal(stats.records, 2);
	assert_int_equal(stats.malformed, 3);
	buf_free(&text);
	buf_free(&seen.printed);
}

static void test_escapes_decoded(void **state)
{
	(void)state;
	static char text[] = "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\", \"\\u00e9\\u20ac\\ud83d\\ude00\","
			     " \"\\ud800x\\udc00\"]";
	struct arena arena = { 0 };
	struct json_fault fault;
	const struct json *tree = json_parse(&arena, text, strlen(text), &fault);

	assert_non_null(tree);
	assert_true(str_equal(tree->first->text, STR("\"\\/\b\f\n\r\t")));
	assert_true(str_equal(tree->first->next->text, STR("\u00e9\u20ac\U0001f600")));
	assert_true(str_equal(tree->first->next->next->text, STR("\ufffdx\ufffd")));
	arena_free(&arena);
}

static void test_times(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint64_t ns; /* 0: refused */
	} rows[] = {
		{ "2026-08-03T10:00:00Z", 1785751200000000000 },
		{ "2026-08-03T10:00:00.123456789Z", 1785751200123456789 },
		{ "2026-08-03T10:00:00.1Z", 1785751200100000000 },
		{ "2026-08-03T12:30:00+02:30", 1785751200000000000 },
		{ "2026-08-03T08:00:00-02:00", 1785751200000000000 },
		{ "2000-02-29T00:00:00Z", 951782400000000000 },
		{ "2026-08-03 10:00:00Z", 0 },
		{ "2026-08-03T10:00:00", 0 },
		{ "2026-13-03T10:00:00Z", 0 },
		{ "2026-08-03T10:00:00Zx", 0 },
		{ "2026-08-03T10:00:00+0200", 0 },
		{ "1969-12-31T23:59:59Z", 0 },
		{ "9999-12-31T23:59:59Z", 0 },
		{ "", 0 },
		{ "2026-08-03T25:00:00Z", 0 },
		{ "1970-01-01T00:00:00+01:00", 0 },
		{ "2026-08-03T10:00:00.", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t ns = 0;

		assert_int_equal(line_parse_time(str_of(rows[i].text), &ns), rows[i].ns != 0);
		assert_int_equal(ns, rows[i].ns);
	}
}

/* ---- every event ------------------------------ */

struct sample {
	const char *v1beta1, *legacy; /* NULL: as v1beta1 */
};

static const struct sample samples[FIELD_TYPE_COUNT] = {
	[FIELD_i32] = { "'int32':-2147483648", "-2147483648" },
	[FIELD_syscall] = { "'str':'openat'", "257" },
	[FIELD_u32] = { "'u_int32':4294967295", "4294967295" },
	[FIELD_u16] = { "'u_int32':65535", "65535" },
	[FIELD_u8] = { "'u_int32':255", "255" },
	[FIELD_i64] = { "'int64':'-9223372036854775808'", "-9223372036854775808" },
	[FIELD_u64] = { "'u_int64':'18446744073709551615'", "18446744073709551615" },
	[FIELD_pointer] = { "'pointer':'18446744073709551615'", "18446744073709551615" },
	[FIELD_time] = { "'u_int64':'1785751200123456789'", "1785751200123456789" },
	[FIELD_bool] = { "'bool':true", "true" },
	[FIELD_timespec] = { "'timespec':{'value':1.5}", "1.5" },
	[FIELD_str] = { "'str':'a\\\\b<>&é'", "'a\\\\b<>&é'" },
	[FIELD_strs] = { "'str_array':{'value':['a','']}", "['a','']" },
	[FIELD_bytes] = { "'bytes':'f0VMRgA='", "'f0VMRgA='" },
	[FIELD_i16s] = { "'int32_array':{'value':[-1,2]}", "[-1,2]" },
	[FIELD_i32s] = { "'int32_array':{'value':[3,-2147483648]}", "[3,-2147483648]" },
	[FIELD_u64s] = { "'u_int64_array':{'value':['0','18446744073709551615']}",
			 "[0,18446744073709551615]" },
	[FIELD_sockaddr] = { "'sockaddr':{'sa_family':'AF_INET6','sin6_addr':'::1','sin6_port':443,"
			     "'sin6_scopeid':7}",
			     "{'sa_family':'AF_INET6','sin6_addr':'::1','sin6_port':'443',"
			     "'sin6_flowinfo':'0','sin6_scopeid':'7'}" },
	[FIELD_credentials] = { "'credentials':{'uid':1,'gid':2,'suid':0,'sgid':0,'euid':1,'egid':2,'fsuid':0,"
				"'fsgid':0,'user_namespace':4026531837,'secure_bits':0,'cap_effective':[0,40]}",
				"{'Uid':1,'Gid':2,'Suid':0,'Sgid':0,'Euid':1,'Egid':2,'Fsuid':0,'Fsgid':0,"
				"'UserNamespace':4026531837,'SecureBits':0,'CapInheritable':0,'CapPermitted':0,"
				"'CapEffective':1099511627777,'CapBounding':0,'CapAmbient':0}" },
	[FIELD_hooked_syscalls] = { "'hooked_syscalls':{'value':[{'symbol_name':'a\\u003cb',"
				    "'module_owner':''}]}",
				    "{'value':[{'symbol_name':'a<b','module_owner':''}]}" },
	[FIELD_hooked_seq_ops] = { "'hooked_seq_ops':{'value':{'x':{'symbol_name':'a'}}}",
				   "{'value':{'x':{'symbol_name':'a'}}}" },
	[FIELD_packet_metadata] = { "'packet_metadata':{'src_ip':'::1','src_port':53}",
				    "{'src_ip':'::1','src_port':53}" },
#define OBJECT(type) [FIELD_##type] = { "'" #type "':{'a':[1,{'b':null}]}", "{'a':[1,{'b':null}]}" }
	OBJECT(ipv4),
	OBJECT(ipv6),
	OBJECT(tcp),
	OBJECT(udp),
	OBJECT(icmp),
	OBJECT(icmpv6),
	OBJECT(dns),
	OBJECT(dns_questions),
	OBJECT(dns_responses),
	OBJECT(http),
	OBJECT(http_request),
	OBJECT(http_response),
#undef OBJECT
};

/* All of Tracee's fields of an event, in one of the two forms. */
static void write_fields(struct buf *out, const struct event_def *def, bool legacy)
{
	bool first = true;

	for (unsigned i = 0; i < def->field_count; i++) {
		const struct event_field *field = &def->fields[i];

		if (field->owner == OWN)
			continue;
		assert_non_null(samples[field->type].v1beta1);
		buf_printf(out, "%s{'name':'%s',", first ? "" : ",", field->name);
		if (legacy)
			buf_printf(out, "'type':'x','value':%s}", samples[field->type].legacy);
		else
			buf_printf(out, "%s}", samples[field->type].v1beta1);
		first = false;
	}
}

static void write_v1beta1(struct buf *out, const struct event_def *def)
{
	size_t before;

	buf_printf(out,
		   "{'timestamp':'2026-08-03T10:01:00.25Z','id':%u,'name':'%s',"
		   "'policies':{'matched':['ipc-policy']},'workload':{'process':{'unique_id':7,"
		   "'host_pid':4,'pid':3,'real_user':{'id':1},'thread':{'name':'x','unique_id':7,"
		   "'host_tid':4,'tid':3}}}",
		   def->id, def->name);
	before = out->len;
	buf_lit(out, ",'data':[");
	write_fields(out, def, false);
	if (out->len == before + sizeof(",'data':[") - 1)
		out->len = before;
	else
		buf_char(out, ']');
	buf_lit(out, "}\n");
}

static void write_legacy(struct buf *out, const struct event_def *def)
{
	buf_printf(out,
		   "{'timestamp':1785751260250000000,'processId':3,'threadId':3,'hostProcessId':4,"
		   "'hostThreadId':4,'userId':1,'processName':'x','threadEntityId':7,"
		   "'processEntityId':7,'eventName':'%s','args':[",
		   def->name);
	write_fields(out, def, true);
	buf_lit(out, "]}\n");
}

/* The first line that differs, so that one sees which. */
static void same_lines(const char *is, const char *want)
{
	while (*is || *want) {
		size_t len = strcspn(is, "\n"), wanted = strcspn(want, "\n");

		if (len != wanted || memcmp(is, want, len) != 0)
			fail_msg("%.*s\nexpected\n%.*s", (int)len, is, (int)wanted, want);
		is += len + (is[len] == '\n');
		want += wanted + (want[wanted] == '\n');
	}
}

/* Every event that Tracee has, in both forms, comes out as Tracee prints it. */
static void test_every_event(void **state)
{
	struct buf lines[2] = { 0 };
	uint32_t count = 0;

	(void)state;
	for (size_t i = 0; i < event_table_count; i++) {
		const struct event_def *def = &event_table[i];

		/* Ours are in no recording of Tracee. */
		if (def->id >= EV_events_lost && def->id < 6000)
			continue;
		write_v1beta1(&lines[0], def);
		write_legacy(&lines[1], def);
		count++;
	}
	assert_int_equal(count, 622);
	char *want = quotes_set(lines[0].data, lines[0].len);

	for (int legacy = 0; legacy < 2; legacy++) {
		struct seen seen = { 0 };
		struct source_stats stats;

		replay(lines[legacy].data, lines[legacy].len, &seen, &stats);
		same_lines(buf_cstr(&seen.printed), want);
		assert_int_equal(stats.records, count);
		buf_free(&seen.printed);
	}
	free(want);
	buf_free(&lines[0]);
	buf_free(&lines[1]);
}

static int make_path(void **state)
{
	(void)state;
	int fd = mkstemp(path);

	return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_round_trip_own),
		cmocka_unit_test(test_lines_of_tracee),
		cmocka_unit_test(test_decoded),
		cmocka_unit_test(test_legacy),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_faults_of_text),
		cmocka_unit_test(test_faults_of_events),
		cmocka_unit_test(test_bad_lines_are_skipped),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_escapes_decoded),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_every_event),
	};

	return cmocka_run_group_tests(tests, make_path, remove_path);
}
