/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The envelope of Splunk's HTTP Event Collector, with the names of the Common Information Model's
 * Alerts and Endpoint data sets inside.
 */
#include "base/common.h"
#include "encode/facts.h"
#include "encode/object.h"
#include "encode/text.h"

enum { INDEX, SOURCE, SOURCETYPE };

static void add_process(struct sheet *sheet, const struct facts *facts)
{
	const struct wire_header *wire = facts->event->wire;

	if (!facts->process)
		return;
	object_uint_text(sheet, "user_id", wire->uid);
	object_text(sheet, "process_name", facts->comm, CAP_TEXT);
	object_text(sheet, "process_path", facts->executable, CAP_TEXT);
	object_uint(sheet, "process_id", wire->pid);
	object_uint(sheet, "parent_process_id", wire->ppid);
	object_uint_text(sheet, "process_guid", facts->process_hash);
}

static void add_event(struct sheet *sheet, const struct facts *facts)
{
	object_open(sheet, "event");
	object_text(sheet, "id", str_of(facts->id), CAP_NAME);
	object_literal(sheet, "type", facts->detection ? "alert" : "event");
	object_literal(sheet, "app", "spoor");
	object_text(sheet, "signature", facts->title, CAP_TEXT);
	object_text(sheet, "signature_id", facts->rule_id, CAP_TEXT);
	object_text(sheet, "signature_version", facts->rule_version, CAP_TEXT);
	object_literal(sheet, "severity", facts->severity->word);
	object_message(sheet, "subject", facts);
	object_text(sheet, "description", facts->description, CAP_LONG);
	object_text(sheet, "dest", facts->host_name, CAP_NAME);
	object_addresses(sheet, "dest_ip", facts->host);
	object_text(sheet, "name", facts->name, CAP_TEXT);
	object_text(sheet, "source_event", facts->source, CAP_TEXT);
	add_process(sheet, facts);
	object_text_array(sheet, "mitre_technique_id", facts->technique_id, CAP_TEXT);
	object_text_array(sheet, "mitre_technique", facts->technique_name, CAP_TEXT);
	object_text_array(sheet, "mitre_tactic", facts->tactic, CAP_TEXT);
	object_text_array(sheet, "mitre_tactic_id", facts->tactic_id, CAP_TEXT);
	object_text(sheet, "container_id", facts->container_id, CAP_TEXT);
	object_text(sheet, "container_name", facts->container_name, CAP_TEXT);
	object_text(sheet, "container_image", facts->image_name, CAP_TEXT);
	object_text(sheet, "pod", facts->pod_name, CAP_TEXT);
	object_text(sheet, "namespace", facts->pod_namespace, CAP_TEXT);
	object_policies(sheet, "policies", facts);
	object_data(sheet, "data", facts);
	if (facts->event->state) {
		object_uint(sheet, "count", facts->event->state->events);
		object_uint(sheet, "lost", facts->event->state->lost);
	}
	if (sheet->truncated)
		object_uint(sheet, "truncated_fields", sheet->truncated);
	object_close(sheet);
}

/* Indexed fields: flat. */
static void add_fields(struct sheet *sheet, const struct facts *facts)
{
	object_open(sheet, "fields");
	object_text(sheet, "alert_id", str_of(facts->id), CAP_NAME);
	if (facts->sequence)
		object_uint(sheet, "alert_sequence", facts->sequence);
	object_text(sheet, "rule_id", facts->rule_id, CAP_NAME);
	object_text(sheet, "mitre_technique_id", facts->technique_id, CAP_NAME);
	object_text(sheet, "machine_id", facts->host->machine_id, CAP_NAME);
	object_text(sheet, "sensor_version", facts->sensor_version, CAP_NAME);
	object_close(sheet);
}

static void splunk_hec_write(struct buf *out, const struct event *event,
			     const struct format_options *options)
{
	const struct setting_value *values = options->values;
	struct sheet sheet = { .out = out };
	struct facts facts;

	facts_read(&facts, event, options);
	object_begin(&sheet);
	object_seconds(&sheet, "time", facts.time);
	object_text(&sheet, "host", facts.host_name, CAP_NAME);
	object_text(&sheet, "source", values[SOURCE].text, CAP_NAME);
	object_text(&sheet, "sourcetype", values[SOURCETYPE].text, CAP_NAME);
	object_text(&sheet, "index", values[INDEX].text, CAP_NAME);
	add_event(&sheet, &facts);
	add_fields(&sheet, &facts);
	object_close(&sheet);
	buf_char(out, '\n');
}

static const struct setting_key splunk_hec_keys[] = {
	{ .name = "index",
	  .kind = SETTING_TEXT,
	  .doc = "index the event goes to; without it the token's default" },
	{ .name = "source", .kind = SETTING_TEXT, .fallback = "spoor", .doc = "source" },
	{ .name = "sourcetype",
	  .kind = SETTING_TEXT,
	  .fallback = "spoor:alert",
	  .doc = "source type" },
};

const struct format format_splunk_hec = {
	.name = "splunk-hec",
	.doc = "envelope of Splunk's HTTP Event Collector, CIM names inside",
	.media_type = "application/json",
	.keys = splunk_hec_keys,
	.key_count = ARRAY_SIZE(splunk_hec_keys),
	.write = splunk_hec_write,
};
