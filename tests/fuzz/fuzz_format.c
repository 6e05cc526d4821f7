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

#include "encode/facts.h"
#include "encode/use.h"
#include "base/json-parse.h"
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

/* A table cell is not checked: tests/unit/test_format.c holds the table to its bytes. */
static void check_line(void)
{
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
	{ "table", check_line },
	{ "json", check_line },
	{ "tracee-json", check_line },
};

static struct format_use uses[ARRAY_SIZE(checks)];

static void open_all(void)
{
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(checks) && !uses[i].format; i++)
		CHECK(format_use_open(&uses[i], format_by_name(str_of(checks[i].name)), NULL, 0,
				      NULL, &err) == 0);
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
