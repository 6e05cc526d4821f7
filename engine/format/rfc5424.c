/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Syslog as RFC 5424 has it: facts as structured data, the message as text. Framing (octet
 * counting, or LF, which no record holds) is the transport's.
 */
#include "base/common.h"
#include "encode/facts.h"
#include "encode/syslog.h"
#include "encode/text.h"

enum { NAME_BYTES = 32, VALUE_MAX = 1024, DATA_MAX = 512, SEQUENCE_MAX = 2147483647 };

enum { ENTERPRISE = SYSLOG_KEY_COUNT, BOM };

static void parameter(struct sheet *sheet, const char *name, struct str text, uint32_t cap)
{
	if (!text.len)
		return;
	buf_char(sheet->out, ' ');
	buf_add(sheet->out, name, strlen(name));
	buf_lit(sheet->out, "=\"");
	sheet_text(sheet, text, TEXT_SD_VALUE, cap);
	buf_char(sheet->out, '"');
}

static void number(struct sheet *sheet, const char *name, uint64_t value)
{
	char digits[24];
	struct buf text = TEXT_BUF(digits);

	buf_printf(&text, "%llu", (unsigned long long)value);
	parameter(sheet, name, (struct str){ digits, (uint32_t)text.len }, sizeof(digits));
}

static void element(struct sheet *sheet, const char *id, const struct format_options *options)
{
	buf_char(sheet->out, '[');
	buf_add(sheet->out, id, strlen(id));
	buf_char(sheet->out, '@');
	buf_uint(sheet->out, (uint64_t)options->values[ENTERPRISE].number);
}

static void add_process(struct sheet *sheet, const struct facts *facts)
{
	const struct wire_header *wire = facts->event->wire;

	if (!facts->process)
		return;
	number(sheet, "pid", wire->pid);
	number(sheet, "ppid", wire->ppid);
	number(sheet, "uid", wire->uid);
	parameter(sheet, "comm", facts->comm, VALUE_MAX);
	parameter(sheet, "exe", facts->executable, VALUE_MAX);
}

static void add_facts(struct sheet *sheet, const struct facts *facts)
{
	char memory[CAP_LONG];
	struct buf policies = TEXT_BUF(memory);

	element(sheet, "spoor", facts->options);
	parameter(sheet, "id", str_of(facts->id), CAP_NAME);
	parameter(sheet, "rule", facts->rule_id, VALUE_MAX);
	parameter(sheet, "ruleVersion", facts->rule_version, VALUE_MAX);
	parameter(sheet, "event", facts->name, VALUE_MAX);
	parameter(sheet, "source", facts->source, VALUE_MAX);
	parameter(sheet, "severity", str_of(facts->severity->word), CAP_NAME);
	parameter(sheet, "technique", facts->technique_id, VALUE_MAX);
	parameter(sheet, "tactic", facts->tactic_id.len ? facts->tactic_id : facts->tactic,
		  VALUE_MAX);
	add_process(sheet, facts);
	parameter(sheet, "container", facts->container_id, VALUE_MAX);
	parameter(sheet, "image", facts->image_name, VALUE_MAX);
	parameter(sheet, "pod", facts->pod_name, VALUE_MAX);
	parameter(sheet, "machineId", facts->host->machine_id, CAP_NAME);
	if (facts->event->state) {
		number(sheet, "events", facts->event->state->events);
		number(sheet, "lost", facts->event->state->lost);
	}
	sheet->truncated += !facts_policies(&policies, facts);
	parameter(sheet, "policies", (struct str){ policies.data, (uint32_t)policies.len },
		  VALUE_MAX);
	buf_char(sheet->out, ']');
}

static void add_data(struct sheet *sheet, const struct facts *facts)
{
	char memory[DATA_MAX + 64];
	struct datum datum;

	element(sheet, "data", facts->options);
	for (unsigned i = 0; facts_datum(facts, &i, &datum);) {
		struct buf text = TEXT_BUF(memory);

		sheet->truncated += !datum_text(&text, &datum);
		buf_char(sheet->out, ' ');
		sheet_key(sheet, datum.name, NAME_BYTES);
		buf_lit(sheet->out, "=\"");
		sheet_text(sheet, (struct str){ text.data, (uint32_t)text.len }, TEXT_SD_VALUE,
			   DATA_MAX);
		buf_char(sheet->out, '"');
	}
	buf_char(sheet->out, ']');
}

/* The elements IANA knows. */
static void add_standard(struct sheet *sheet, const struct facts *facts)
{
	if (facts->sequence) {
		buf_lit(sheet->out, "[meta");
		number(sheet, "sequenceId", (facts->sequence - 1) % SEQUENCE_MAX + 1);
		buf_char(sheet->out, ']');
	}
	buf_lit(sheet->out, "[origin");
	for (uint32_t i = 0; i < MIN(facts->host->address_count, (uint32_t)CAP_ADDRESSES); i++)
		parameter(sheet, "ip", facts->host->addresses[i], CAP_NAME);
	parameter(sheet, "software", STR("spoor"), CAP_NAME);
	parameter(sheet, "swVersion", facts->sensor_version, NAME_BYTES);
	buf_char(sheet->out, ']');
}

static void rfc5424_write(struct buf *out, const struct event *event,
			  const struct format_options *options)
{
	struct sheet sheet = { .out = out };
	struct facts facts;

	facts_read(&facts, event, options);
	syslog_5424(&sheet, &facts, options->values);
	add_facts(&sheet, &facts);
	add_data(&sheet, &facts);
	add_standard(&sheet, &facts);
	if (sheet.truncated) {
		element(&sheet, "truncated", options);
		number(&sheet, "fields", sheet.truncated);
		buf_char(out, ']');
	}
	buf_char(out, ' ');
	if (options->values[BOM].number)
		buf_lit(out, "\xef\xbb\xbf");
	facts_message(&sheet, &facts, TEXT_LINE);
	buf_char(out, '\n');
}

static const struct setting_key rfc5424_keys[] = {
	SYSLOG_KEYS,
	{ .name = "enterprise_id",
	  .kind = SETTING_NUMBER,
	  .fallback = "32473",
	  .doc = "private enterprise number in the names of the structured data; 32473 is the one "
		 "for documentation" },
	{ .name = "bom",
	  .kind = SETTING_BOOL,
	  .fallback = "true",
	  .doc = "begin the message with a byte order mark, as the RFC asks for UTF-8" },
};

const struct format format_rfc5424 = {
	.name = "rfc5424",
	.doc = "syslog with structured data (RFC 5424)",
	.media_type = "text/plain",
	.keys = rfc5424_keys,
	.key_count = ARRAY_SIZE(rfc5424_keys),
	.write = rfc5424_write,
};
