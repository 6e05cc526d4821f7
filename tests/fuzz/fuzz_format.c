/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Formats against hostile alerts: strict parsers take every record, find one record with the
 * fields that belong there, and in them exactly the texts that went in (as tests/support/clean.c
 * tells them). The first byte of the input chooses the format, or SPOOR_FORMAT in the environment.
 */
#include "../support/clean.h"
#include "../support/hostile.h"
#include "../support/otlp.h"
#include "../support/records.h"

#include <inttypes.h>

#include "encode/facts.h"
#include "encode/use.h"
#include "base/json-parse.h"
#include "event/encode.h"
#include "source/alert.h"
#include "touch.h"

struct checked {
	struct arena arena;
	struct facts facts;
	struct hostile hostile;
	struct buf out;
	struct record record;
};

static struct checked c;

/* ---- texts ------------------------------ */

/* What went in under this key is what comes out; an empty text is left out. */
static void expect(const char *key, struct str in, enum text_form form, uint32_t cap)
{
	uint32_t count;
	struct str got = record_get(&c.record, key, &count);
	struct str want = clean_text(&c.arena, in, form, cap);

	CHECK(str_equal(got, want));
	CHECK(count ==
	      (want.len || form == TEXT_SD_VALUE || form == TEXT_LEEF_VALUE ? in.len > 0 : 0));
}

static struct str message(enum text_form form)
{
	char memory[4096];
	struct buf text = TEXT_BUF(memory);
	struct str comm = c.facts.comm.len ? c.facts.comm : STR("a process");

	buf_str(&text, clean_text(&c.arena, c.facts.title, form, CAP_TEXT));
	if (c.facts.process) {
		buf_lit(&text, " by ");
		buf_str(&text, clean_text(&c.arena, comm, form, CAP_NAME));
		buf_printf(&text, " (pid %u)", c.facts.event->wire->pid);
	}
	return arena_str(&c.arena, text.data, text.len);
}

static struct str line(void)
{
	return (struct str){ c.out.data, (uint32_t)c.out.len - 1 };
}

/* ---- one function a format ------------------------------ */

static void check_cef(void)
{
	CHECK(cef_parse(&c.arena, line(), &c.record));
	CHECK(str_equal(c.record.head[4],
			clean_text(&c.arena, c.facts.rule_id, TEXT_CEF_HEADER, 1023)));
	CHECK(str_equal(c.record.head[5],
			clean_text(&c.arena, c.facts.title, TEXT_CEF_HEADER, 512)));
	expect("externalId", str_of(c.facts.id), TEXT_CEF_VALUE, CAP_NAME);
	expect("cat", c.facts.tactic, TEXT_CEF_VALUE, 1023);
	expect("filePath", c.facts.executable, TEXT_CEF_VALUE, 1023);
	expect("cs3", c.facts.container_id, TEXT_CEF_VALUE, 4000);
	expect("cs6", c.facts.image_name, TEXT_CEF_VALUE, 4000);
	expect("flexString1", c.facts.rule_version, TEXT_CEF_VALUE, 4000);
	expect("reason", c.facts.description, TEXT_CEF_VALUE, 1023);
	expect("dvchost", c.facts.host_name, TEXT_CEF_VALUE, 1023);
}

static void check_leef(void)
{
	CHECK(leef_parse(&c.arena, line(), &c.record));
	CHECK(str_equal(c.record.head[4],
			clean_text(&c.arena, c.facts.rule_id, TEXT_LEEF_HEADER, 512)));
	expect("externalId", str_of(c.facts.id), TEXT_LEEF_VALUE, CAP_NAME);
	expect("ruleName", c.facts.title, TEXT_LEEF_VALUE, 1024);
	expect("process", c.facts.comm, TEXT_LEEF_VALUE, 1024);
	expect("executable", c.facts.executable, TEXT_LEEF_VALUE, 1024);
	expect("containerId", c.facts.container_id, TEXT_LEEF_VALUE, 1024);
	expect("description", c.facts.description, TEXT_LEEF_VALUE, CAP_LONG);
	CHECK(str_equal(record_get(&c.record, "msg", NULL), message(TEXT_LEEF_VALUE)));
}

static void check_rfc5424(void)
{
	CHECK(rfc5424_parse(&c.arena, line(), &c.record));
	CHECK(str_equal(c.record.message, message(TEXT_LINE)));
	for (uint32_t i = 0; i < c.record.count; i++)
		if (str_equal(c.record.pairs[i].element, STR("data@32473")))
			c.record.pairs[i].key = (struct str){ 0 };
	expect("rule", c.facts.rule_id, TEXT_SD_VALUE, 1024);
	expect("event", c.facts.name, TEXT_SD_VALUE, 1024);
	expect("comm", c.facts.comm, TEXT_SD_VALUE, 1024);
	expect("exe", c.facts.executable, TEXT_SD_VALUE, 1024);
	expect("container", c.facts.container_id, TEXT_SD_VALUE, 1024);
	expect("technique", c.facts.technique_id, TEXT_SD_VALUE, 1024);
}

static void check_rfc3164(void)
{
	struct str want = message(TEXT_LINE);

	CHECK(rfc3164_parse(line(), &c.record));
	CHECK(c.record.message.len > want.len &&
	      !memcmp(c.record.message.data, want.data, want.len) &&
	      !memcmp(c.record.message.data + want.len, " id=\"", 5));
}

/* ---- table ------------------------------ */

static int hex_digit(char digit)
{
	const char *at = digit ? strchr("0123456789abcdef", digit) : NULL;

	return at ? (int)(at - "0123456789abcdef") : -1;
}

/* The next byte of a cell, decoded; -1: what stands there is no cell's text. */
static int cell_byte(const char **at, const char *end)
{
	unsigned char byte = *at < end ? (unsigned char)*(*at)++ : 0;

	if (byte != '\\')
		return byte >= 0x20 && byte != 0x7f ? byte : -1;
	if (end - *at >= 1 && **at == '\\')
		return *(*at)++;
	if (end - *at < 3 || **at != 'x')
		return -1;
	int high = hex_digit((*at)[1]), low = hex_digit((*at)[2]);

	*at += 3;
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* What stands at *at is exactly this text: every byte of it can be had back. */
static void take_cell(const char **at, const char *end, struct str text)
{
	for (uint32_t i = 0; i < text.len; i++)
		CHECK(cell_byte(at, end) == (unsigned char)text.data[i]);
}

static void take_mark(const char **at, const char *end, const char *mark)
{
	size_t len = strlen(mark);

	CHECK((size_t)(end - *at) >= len && !memcmp(*at, mark, len));
	*at += len;
}

static void take_gap(const char **at, const char *end)
{
	take_mark(at, end, " ");
	while (*at < end && **at == ' ')
		++*at;
}

static void take_number(const char **at, const char *end, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	take_mark(at, end, text);
}

/* A cell that begins with spaces cannot be told from the gap before it, so the gap is counted. */
static void take_column(const char **at, const char *end, struct str text, unsigned width)
{
	const char *start = *at;
	unsigned used = 0;

	take_cell(at, end, text);
	for (const char *s = start; s < *at; s++)
		used += (*s & 0xc0) != 0x80;
	do
		take_mark(at, end, " ");
	while (++used <= width);
}

static void check_table(void)
{
	const struct event *event = &c.hostile.event;
	const char *at = c.out.data, *end = at + c.out.len - 1;

	for (const char *s = at; s < end; s++)
		CHECK((unsigned char)*s >= 0x20 && *s != 0x7f);
	CHECK(end - at > 16);
	at += 15;
	take_gap(&at, end);
	take_number(&at, end, event->wire->uid);
	take_gap(&at, end);
	/* A first character that is a space belongs to the column: the uid's is six wide. */
	at = c.out.data + 16;
	at += MAX(strcspn(at, " ") + 1, 7u);
	take_column(&at, end, event_comm(event), 16);
	take_number(&at, end, event->wire->pid);
	take_mark(&at, end, "/");
	take_number(&at, end, event->wire->tid);
	take_gap(&at, end);
	take_mark(&at, end, "-");
	at += 15;
	take_column(&at, end, str_of(event->def->name), 20);
	if (event->threat) {
		take_mark(&at, end, "*** ");
		take_mark(&at, end, c.facts.severity->name);
		take_mark(&at, end, ": ");
		take_cell(&at, end, event->threat->name);
		take_mark(&at, end, " (");
		take_cell(&at, end, str_of(event->detected_from->def->name));
		take_mark(&at, end, ") ***");
	}
}

/* ---- JSON ------------------------------ */

/* The text at a path of members, such as "rule.id"; NULL: not there. */
static const struct json *member(const struct json *tree, const char *path)
{
	char name[64];

	while (*path) {
		size_t len = strcspn(path, ".");

		CHECK(len < sizeof(name));
		memcpy(name, path, len);
		name[len] = 0;
		tree = json_get(tree, name);
		path += len + (path[len] == '.');
	}
	return tree;
}

static void expect_member(const struct json *tree, const char *path, struct str in, uint32_t cap)
{
	const struct json *got = member(tree, path);

	if (!in.len) {
		CHECK(!got || !got->text.len);
		return;
	}
	CHECK(got && got->type == JSON_STRING);
	CHECK(str_equal(got->text, clean_text(&c.arena, in, TEXT_JSON, cap)));
}

/* No member stands twice, and at the top only those in the list, each of them words of it. */
static void expect_members(const struct json *tree, const char *list)
{
	char name[80];

	for (const struct json *m = tree->first; m; m = m->next) {
		if (m->key.len > 6 && !memcmp(m->key.data, "_data_", 6))
			continue;
		CHECK(m->key.len < 64);
		snprintf(name, sizeof(name), " %.*s ", (int)m->key.len, m->key.data);
		CHECK(strstr(list, name));
		for (const struct json *other = m->next; other; other = other->next)
			CHECK(!str_equal(m->key, other->key));
	}
}

static const struct json *tree_of(struct str text, const char *members)
{
	struct json_fault fault;
	struct str copy = arena_str(&c.arena, text.data, text.len);
	const struct json *tree = json_parse(&c.arena, (char *)copy.data, copy.len, &fault);

	CHECK(tree && tree->type == JSON_OBJECT);
	expect_members(tree, members);
	return tree;
}

static const char tracee_members[] =
	" timestamp id name policies workload data threat detected_from ";
static const char json_members[] =
	" timestamp id name policies workload data threat detected_from host sensor machine_id "
	"boot_id addresses alert state seq cpu euid gid loginuid namespaces cgroup_id "
	"container_runtime hook ";

/* As Tracee prints a text: what is no UTF-8 is left out, and then U+FFFD is as well. */
static struct str printed(struct str text)
{
	struct str out = clean_text(&c.arena, text, TEXT_JSON, UINT32_MAX / 16);
	char *at = (char *)out.data, *end = at + out.len, *mark;

	if (text_is_utf8(text.data, text.len))
		return out;
	while ((mark = memmem(at, (size_t)(end - at), "\xef\xbf\xbd", 3))) {
		memmove(mark, mark + 3, (size_t)(end - mark) - 3);
		at = mark;
		end -= 3;
	}
	out.len = (uint32_t)(end - out.data);
	return out;
}

static void expect_printed(const struct json *tree, const char *path, struct str in)
{
	const struct json *got = member(tree, path);

	in = printed(in);
	CHECK(in.len ? got && got->type == JSON_STRING && str_equal(got->text, in)
		     : !got || !got->text.len);
}

/* What both JSON forms say. */
static void expect_event(const struct json *tree)
{
	const struct threat *threat = c.hostile.event.threat;
	const struct json *policy = json_get(json_get(tree, "policies"), "matched");

	expect_printed(tree, "name", c.facts.name);
	expect_printed(tree, "workload.process.thread.name", event_comm(&c.hostile.event));
	expect_printed(tree, "workload.process.executable.path", c.facts.executable);
	expect_printed(tree, "workload.container.id", c.facts.container_id);
	expect_printed(tree, "threat.name", threat ? threat->name : (struct str){ 0 });
	expect_printed(tree, "threat.mitre.tactic.name", c.facts.tactic);
	policy = policy ? policy->first : NULL;
	for (uint32_t i = 0; i < c.hostile.event.policy_count; i++, policy = policy->next)
		CHECK(policy && str_equal(policy->text, printed(c.hostile.event.policies[i])));
	CHECK(!policy);
}

static void check_tracee_json(void)
{
	expect_event(tree_of(line(), tracee_members));
}

/* Read back it is the alert again: written once more it is the same to the byte. */
static void check_json(void)
{
	static struct arena arena;
	static struct buf again;
	struct alert alert;
	struct err err = { 0 };
	const struct json *tree = tree_of(line(), json_members);

	expect_event(tree);
	expect_printed(tree, "alert.id", str_of(c.facts.id));
	expect_printed(tree, "alert.rule.id", c.hostile.event.rule);
	expect_printed(tree, "host", c.facts.host_name);
	buf_clear(&again);
	CHECK(alert_read(&arena, line(), &alert, &err) == 0);
	format_by_name(STR("json"))->write(&again, &alert.event, &alert.options);
	arena_reset(&arena);
	CHECK(again.len == c.out.len && !memcmp(again.data, c.out.data, again.len));
}

/* Texts between tabs, which no text can contain, one in quotes, and an object. */
static const char template_text[] = "{{ .Name }}\t{{ .Threat.Name }}\t"
				    "{{ .Workload.Process.Executable.Path | quote }}\t"
				    "{{ toJson .Threat }}\n";

static struct str template_field(const char **at, const char *end)
{
	const char *tab = memchr(*at, '\t', (size_t)(end - *at));
	struct str field = { *at, (uint32_t)((tab ? tab : end) - *at) };

	*at = tab ? tab + 1 : end;
	return field;
}

/* What the json format makes of a text is what a template sees. */
static struct str seen(struct str text)
{
	return clean_text(&c.arena, printed(text), TEXT_LINE, CAP_LONG);
}

static void check_template(void)
{
	const char *at = c.out.data, *end = at + c.out.len - 1;
	const struct threat *threat = c.hostile.event.threat;
	struct json_fault fault;
	struct str quoted;
	const struct json *text;

	CHECK(str_equal(template_field(&at, end), seen(c.facts.name)));
	CHECK(str_equal(template_field(&at, end), threat ? seen(threat->name) : (struct str){ 0 }));
	quoted = template_field(&at, end);
	quoted = arena_str(&c.arena, quoted.data, quoted.len);
	text = json_parse(&c.arena, (char *)quoted.data, quoted.len, &fault);
	CHECK(text && text->type == JSON_STRING);
	CHECK(str_equal(text->text, printed(c.facts.executable)));
	if (threat) {
		const struct json *tree = tree_of((struct str){ at, (uint32_t)(end - at) },
						  " description mitre severity name properties ");

		expect_printed(tree, "description", threat->description);
		expect_printed(tree, "mitre.technique.name", threat->technique_name);
	}
}

static void check_ecs(void)
{
	const struct json *tree = tree_of(
		line(), " @timestamp ecs event message rule threat process user container "
			"orchestrator host observer data_stream related spoor ");

	expect_member(tree, "event.id", str_of(c.facts.id), CAP_NAME);
	expect_member(tree, "message", message(TEXT_JSON), 4096);
	expect_member(tree, "rule.id", c.facts.rule_id, CAP_TEXT);
	expect_member(tree, "rule.name", c.facts.title, CAP_TEXT);
	expect_member(tree, "process.name", c.facts.comm, CAP_TEXT);
	expect_member(tree, "process.executable", c.facts.executable, CAP_TEXT);
	expect_member(tree, "container.id", c.facts.container_id, CAP_TEXT);
}

static void check_ocsf(void)
{
	const struct json *tree = tree_of(
		line(),
		" activity_id activity_name category_uid category_name class_uid class_name "
		"type_uid type_name time start_time end_time count severity_id severity status_id status is_alert "
		"action_id action disposition_id disposition message metadata device actor "
		"finding_info evidences observables unmapped ");

	expect_member(tree, "metadata.uid", str_of(c.facts.id), CAP_NAME);
	expect_member(tree, "message", message(TEXT_JSON), 4096);
	expect_member(tree, "finding_info.title", c.facts.title, CAP_TEXT);
	expect_member(tree, "finding_info.analytic.uid", c.facts.rule_id, CAP_TEXT);
	expect_member(tree, "actor.process.file.path", c.facts.executable, CAP_TEXT);
}

static void check_gelf(void)
{
	const struct json *tree = tree_of(
		line(),
		" version host short_message full_message timestamp level _alert_id _sequence "
		"_rule_id _rule_name _rule_version _event _source _severity _technique "
		"_technique_name _tactic _pid _ppid _uid _process _executable _container_id "
		"_container_name _container_image _pod _namespace _machine_id "
		"_events _lost _sensor_version _policies _truncated_fields ");

	for (const struct json *m = tree->first; m; m = m->next)
		CHECK(m->type == JSON_STRING || m->type == JSON_NUMBER);
	expect_member(tree, "short_message", message(TEXT_JSON), 4096);
	expect_member(tree, "_rule_id", c.facts.rule_id, CAP_TEXT);
	expect_member(tree, "_process", c.facts.comm, CAP_TEXT);
	expect_member(tree, "_executable", c.facts.executable, CAP_TEXT);
}

static void check_splunk_hec(void)
{
	const struct json *tree = tree_of(line(),
					  " time host source sourcetype index event fields ");

	expect_member(tree, "event.subject", message(TEXT_JSON), 4096);
	expect_member(tree, "event.signature", c.facts.title, CAP_TEXT);
	expect_member(tree, "event.process_name", c.facts.comm, CAP_TEXT);
	expect_member(tree, "event.process_path", c.facts.executable, CAP_TEXT);
	expect_member(tree, "fields.rule_id", c.facts.rule_id, CAP_NAME);
}

static void check_otlp(void)
{
	const struct json *tree = tree_of(line(), " resourceLogs ");
	const struct json *logs = json_get(tree, "resourceLogs")->first;
	const struct json *scope = json_get(logs, "scopeLogs")->first;
	const struct json *record = json_get(scope, "logRecords")->first;

	CHECK(!logs->next && !scope->next && !record->next);
	expect_member(record, "body.stringValue", message(TEXT_JSON), 4096);
}

/* The bytes say what the JSON says. */
static void check_otlp_protobuf(void)
{
	static struct buf json, decoded;

	buf_clear(&json);
	buf_clear(&decoded);
	format_by_name(STR("otlp"))->write(&json, &c.hostile.event, &c.hostile.options);
	CHECK(otlp_decode(&decoded, (struct str){ c.out.data, (uint32_t)c.out.len }));
	buf_char(&decoded, '\n');
	CHECK(otlp_same(&json, &decoded));
}

static const struct {
	const char *name;
	void (*check)(void);
} checks[] = {
	{ "cef", check_cef },
	{ "ecs", check_ecs },
	{ "gelf", check_gelf },
	{ "leef", check_leef },
	{ "ocsf", check_ocsf },
	{ "otlp", check_otlp },
	{ "otlp-protobuf", check_otlp_protobuf },
	{ "rfc3164", check_rfc3164 },
	{ "rfc5424", check_rfc5424 },
	{ "splunk-hec", check_splunk_hec },
	{ "table", check_table },
	{ "json", check_json },
	{ "tracee-json", check_tracee_json },
	{ "template", check_template },
};

static struct format_use uses[ARRAY_SIZE(checks)];

static void open_all(void)
{
	struct err err = { 0 };
	int fd;
	struct setting_pair file = { STR("file"), str_of(touch_file(&fd)) };

	touch_append(fd, template_text, sizeof(template_text) - 1);
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		CHECK(format_use_open(&uses[i], format_by_name(str_of(checks[i].name)), &file,
				      !strcmp(checks[i].name, "template"), NULL, &err) == 0);
	close(fd);
}

static size_t choose(const uint8_t *data, size_t len)
{
	const char *name = getenv("SPOOR_FORMAT");

	for (size_t i = 0; name && i < ARRAY_SIZE(checks); i++)
		if (!strcmp(name, checks[i].name))
			return i;
	CHECK(!name);
	return len ? data[0] % ARRAY_SIZE(checks) : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t i = choose(data, len);

	if (!uses[0].format)
		open_all();
	arena_reset(&c.arena);
	hostile_alert(&c.hostile, data, len);
	facts_read(&c.facts, &c.hostile.event, &c.hostile.options);
	buf_clear(&c.out);
	format_use_write(&uses[i], &c.out, &c.hostile.event, &c.hostile.options);
	CHECK(!c.out.truncated && c.out.len);
	if (!uses[i].format->binary) {
		CHECK(memchr(c.out.data, '\n', c.out.len) == c.out.data + c.out.len - 1);
		CHECK(text_is_utf8(c.out.data, c.out.len));
	}
	checks[i].check();
	return 0;
}
