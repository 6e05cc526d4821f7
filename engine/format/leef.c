/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QRadar's Log Event Extended Format 2.0, tab as delimiter. The format has no escapes, so values
 * must not hold a tab nor an end of line, and the header no `|`: they are written as \t, \n and
 * the like, which is text to the reader.
 */
#include "base/common.h"
#include "encode/facts.h"
#include "encode/syslog.h"
#include "encode/text.h"

enum { HEADER_MAX = 512, VALUE_MAX = 1024, KEY_MAX = 64 };

static void header_field(struct sheet *sheet, struct str text)
{
	sheet_text(sheet, text, TEXT_LEEF_HEADER, HEADER_MAX);
	buf_char(sheet->out, '|');
}

static void key(struct sheet *sheet, const char *name)
{
	buf_char(sheet->out, '\t');
	buf_add(sheet->out, name, strlen(name));
	buf_char(sheet->out, '=');
}

static void pair(struct sheet *sheet, const char *name, struct str text, uint32_t cap)
{
	if (!text.len)
		return;
	key(sheet, name);
	sheet_text(sheet, text, TEXT_LEEF_VALUE, cap);
}

static void number(struct sheet *sheet, const char *name, uint64_t value)
{
	key(sheet, name);
	buf_uint(sheet->out, value);
}

/* Each field of the event, for custom properties. */
static void add_data(struct sheet *sheet, const struct facts *facts)
{
	char memory[VALUE_MAX + 64];
	struct datum datum;

	for (unsigned i = 0; facts_datum(facts, &i, &datum);) {
		struct buf text = TEXT_BUF(memory);

		sheet->truncated += !datum_text(&text, &datum);
		buf_lit(sheet->out, "\tdata.");
		sheet_key(sheet, datum.name, KEY_MAX);
		buf_char(sheet->out, '=');
		sheet_text(sheet, (struct str){ text.data, (uint32_t)text.len }, TEXT_LEEF_VALUE,
			   VALUE_MAX);
	}
}

static void add_process(struct sheet *sheet, const struct facts *facts)
{
	const struct wire_header *wire = facts->event->wire;

	if (!facts->process)
		return;
	number(sheet, "usrName", wire->uid);
	number(sheet, "pid", wire->pid);
	number(sheet, "ppid", wire->ppid);
	pair(sheet, "process", facts->comm, VALUE_MAX);
	pair(sheet, "executable", facts->executable, VALUE_MAX);
}

static void add_attributes(struct sheet *sheet, const struct facts *facts)
{
	char memory[CAP_LONG];
	struct buf policies = TEXT_BUF(memory);

	buf_lit(sheet->out, "devTime=");
	buf_uint(sheet->out, facts->time / 1000000);
	pair(sheet, "cat", facts->tactic.len ? facts->tactic : facts->source, VALUE_MAX);
	number(sheet, "sev", facts->severity->leef);
	pair(sheet, "identHostName", facts->host_name, VALUE_MAX);
	pair(sheet, "resource", facts->host_name, VALUE_MAX);
	pair(sheet, "externalId", str_of(facts->id), CAP_NAME);
	if (facts->sequence)
		number(sheet, "sequence", facts->sequence);
	pair(sheet, "ruleName", facts->title, VALUE_MAX);
	pair(sheet, "ruleVersion", facts->rule_version, VALUE_MAX);
	pair(sheet, "eventName", facts->name, VALUE_MAX);
	pair(sheet, "sourceEvent", facts->source, VALUE_MAX);
	pair(sheet, "mitreTechnique", facts->technique_id, VALUE_MAX);
	pair(sheet, "mitreTechniqueName", facts->technique_name, VALUE_MAX);
	pair(sheet, "mitreTactic", facts->tactic_id, VALUE_MAX);
	add_process(sheet, facts);
	pair(sheet, "containerId", facts->container_id, VALUE_MAX);
	pair(sheet, "containerName", facts->container_name, VALUE_MAX);
	pair(sheet, "containerImage", facts->image_name, VALUE_MAX);
	sheet->truncated += !facts_policies(&policies, facts);
	pair(sheet, "policies", (struct str){ policies.data, (uint32_t)policies.len }, CAP_LONG);
	pair(sheet, "machineId", facts->host->machine_id, CAP_NAME);
	add_data(sheet, facts);
	if (facts->event->state) {
		number(sheet, "events", facts->event->state->events);
		number(sheet, "lost", facts->event->state->lost);
	}
	key(sheet, "msg");
	facts_message(sheet, facts, TEXT_LEEF_VALUE);
	pair(sheet, "description", facts->description, CAP_LONG);
	if (sheet->truncated)
		number(sheet, "truncatedFields", sheet->truncated);
}

static void leef_write(struct buf *out, const struct event *event,
		       const struct format_options *options)
{
	struct sheet sheet = { .out = out };
	struct facts facts;

	facts_read(&facts, event, options);
	syslog_header(&sheet, &facts, options->values);
	buf_lit(out, "LEEF:2.0|spoor|spoor|");
	header_field(&sheet, facts.sensor_version);
	header_field(&sheet, facts.rule_id);
	buf_lit(out, "x09|");
	add_attributes(&sheet, &facts);
	buf_char(out, '\n');
}

static const struct setting_key leef_keys[] = { SYSLOG_HEADER_KEY, SYSLOG_KEYS };

const struct format format_leef = {
	.name = "leef",
	.doc = "QRadar Log Event Extended Format (LEEF:2.0)",
	.media_type = "text/plain",
	.keys = leef_keys,
	.key_count = ARRAY_SIZE(leef_keys),
	.write = leef_write,
};
