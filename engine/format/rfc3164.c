/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BSD syslog as RFC 3164 found it: a line with the message and then the facts as name="value",
 * escaped like RFC 5424's parameters.
 */
#include "base/common.h"
#include "encode/facts.h"
#include "encode/syslog.h"
#include "encode/text.h"

enum { VALUE_MAX = 256 };

static void parameter(struct sheet *sheet, const char *name, struct str text)
{
	if (!text.len)
		return;
	buf_char(sheet->out, ' ');
	buf_add(sheet->out, name, strlen(name));
	buf_lit(sheet->out, "=\"");
	sheet_text(sheet, text, TEXT_SD_VALUE, VALUE_MAX);
	buf_char(sheet->out, '"');
}

static void number(struct sheet *sheet, const char *name, uint64_t value)
{
	buf_char(sheet->out, ' ');
	buf_add(sheet->out, name, strlen(name));
	buf_char(sheet->out, '=');
	buf_uint(sheet->out, value);
}

static void rfc3164_write(struct buf *out, const struct event *event,
			  const struct format_options *options)
{
	char memory[VALUE_MAX + 64];
	struct buf data = TEXT_BUF(memory);
	struct sheet sheet = { .out = out };
	struct facts facts;

	facts_read(&facts, event, options);
	syslog_3164(&sheet, &facts, options->values);
	facts_message(&sheet, &facts, TEXT_LINE);
	parameter(&sheet, "id", str_of(facts.id));
	if (facts.sequence)
		number(&sheet, "sequence", facts.sequence);
	parameter(&sheet, "rule", facts.rule_id);
	parameter(&sheet, "severity", str_of(facts.severity->word));
	parameter(&sheet, "technique", facts.technique_id);
	if (facts.process)
		number(&sheet, "uid", facts.event->wire->uid);
	parameter(&sheet, "exe", facts.executable);
	parameter(&sheet, "container", facts.container_id);
	sheet.truncated += !facts_data(&data, &facts);
	parameter(&sheet, "data", (struct str){ data.data, (uint32_t)data.len });
	if (sheet.truncated)
		number(&sheet, "truncated", sheet.truncated);
	buf_char(out, '\n');
}

static const struct setting_key rfc3164_keys[] = { SYSLOG_KEYS };

const struct format format_rfc3164 = {
	.name = "rfc3164",
	.doc = "syslog as older collectors take it (RFC 3164)",
	.media_type = "text/plain",
	.keys = rfc3164_keys,
	.key_count = ARRAY_SIZE(rfc3164_keys),
	.write = rfc3164_write,
};
