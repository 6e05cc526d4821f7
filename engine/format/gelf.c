/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Graylog's Extended Log Format 1.1. Additional fields begin with `_`, are flat, and their values
 * are strings or numbers; `_id` is Graylog's own.
 */
#include "base/common.h"
#include "encode/facts.h"
#include "encode/object.h"
#include "encode/text.h"

enum { KEY_MAX = 64, VALUE_MAX = 1024 };

static bool is_number(const struct datum *datum)
{
	return !datum->names.len &&
	       (datum->value.tag == VALUE_INT || datum->value.tag == VALUE_UINT);
}

static void add_datum(struct sheet *sheet, const struct datum *datum)
{
	char memory[VALUE_MAX + 64];
	struct buf text = TEXT_BUF(memory);

	sheet->truncated += !datum_text(&text, datum);
	buf_lit(sheet->out, ",\"_data_");
	sheet_key(sheet, datum->name, KEY_MAX);
	buf_lit(sheet->out, "\":");
	if (is_number(datum)) {
		buf_add(sheet->out, text.data, text.len);
		return;
	}
	buf_char(sheet->out, '"');
	sheet_text(sheet, (struct str){ text.data, (uint32_t)text.len }, TEXT_JSON, VALUE_MAX);
	buf_char(sheet->out, '"');
}

static void add_process(struct sheet *sheet, const struct facts *facts)
{
	const struct wire_header *wire = facts->event->wire;

	if (!facts->process)
		return;
	object_uint(sheet, "_pid", wire->pid);
	object_uint(sheet, "_ppid", wire->ppid);
	object_uint(sheet, "_uid", wire->uid);
	object_text(sheet, "_process", facts->comm, VALUE_MAX);
	object_text(sheet, "_executable", facts->executable, VALUE_MAX);
}

static void add_fields(struct sheet *sheet, const struct facts *facts)
{
	char memory[CAP_LONG];
	struct buf policies = TEXT_BUF(memory);
	struct datum datum;

	object_text(sheet, "_alert_id", str_of(facts->id), CAP_NAME);
	if (facts->sequence)
		object_uint(sheet, "_sequence", facts->sequence);
	object_text(sheet, "_rule_id", facts->rule_id, VALUE_MAX);
	object_text(sheet, "_rule_name", facts->title, VALUE_MAX);
	object_text(sheet, "_rule_version", facts->rule_version, VALUE_MAX);
	object_text(sheet, "_event", facts->name, VALUE_MAX);
	object_text(sheet, "_source", facts->source, VALUE_MAX);
	object_literal(sheet, "_severity", facts->severity->word);
	object_text(sheet, "_technique", facts->technique_id, VALUE_MAX);
	object_text(sheet, "_technique_name", facts->technique_name, VALUE_MAX);
	object_text(sheet, "_tactic", facts->tactic, VALUE_MAX);
	add_process(sheet, facts);
	object_text(sheet, "_container_id", facts->container_id, VALUE_MAX);
	object_text(sheet, "_container_name", facts->container_name, VALUE_MAX);
	object_text(sheet, "_container_image", facts->image_name, VALUE_MAX);
	object_text(sheet, "_pod", facts->pod_name, VALUE_MAX);
	object_text(sheet, "_namespace", facts->pod_namespace, VALUE_MAX);
	object_text(sheet, "_machine_id", facts->host->machine_id, CAP_NAME);
	object_text(sheet, "_sensor_version", facts->sensor_version, CAP_NAME);
	sheet->truncated += !facts_policies(&policies, facts);
	object_text(sheet, "_policies", (struct str){ policies.data, (uint32_t)policies.len },
		    VALUE_MAX);
	for (unsigned i = 0; facts_datum(facts, &i, &datum);)
		add_datum(sheet, &datum);
	if (facts->event->state) {
		object_uint(sheet, "_events", facts->event->state->events);
		object_uint(sheet, "_lost", facts->event->state->lost);
	}
	if (sheet->truncated)
		object_uint(sheet, "_truncated_fields", sheet->truncated);
}

static void gelf_write(struct buf *out, const struct event *event,
		       const struct format_options *options)
{
	struct sheet sheet = { .out = out };
	struct facts facts;

	facts_read(&facts, event, options);
	object_begin(&sheet);
	object_literal(&sheet, "version", "1.1");
	object_text(&sheet, "host", facts.host_name.len ? facts.host_name : STR("unknown"),
		    CAP_NAME);
	object_message(&sheet, "short_message", &facts);
	object_text(&sheet, "full_message", facts.description, CAP_LONG);
	object_seconds(&sheet, "timestamp", facts.time);
	object_uint(&sheet, "level", facts.severity->syslog);
	add_fields(&sheet, &facts);
	object_close(&sheet);
	buf_char(out, '\n');
}

const struct format format_gelf = {
	.name = "gelf",
	.doc = "Graylog Extended Log Format (GELF 1.1)",
	.media_type = "application/json",
	.write = gelf_write,
};
