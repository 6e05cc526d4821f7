/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elastic Common Schema 8.17, a document a line. Texts are cut to what Elasticsearch indexes of a
 * keyword; what the schema has no field for stands below `spoor`.
 */
#include "base/common.h"
#include "encode/facts.h"
#include "encode/object.h"
#include "encode/text.h"
#include "event/encode.h"

enum { DATASET, NAMESPACE };

/* Of a system call whose result is known: negative is failure. */
static const char *outcome_of(const struct facts *facts)
{
	struct datum datum;

	for (unsigned i = 0; !facts->event->values && facts_datum(facts, &i, &datum);)
		if (str_equal(datum.name, STR("returnValue")) && datum.value.tag == VALUE_INT)
			return datum.value.i < 0 ? "failure" : "success";
	return "unknown";
}

static void add_event(struct sheet *sheet, const struct facts *facts)
{
	const struct setting_value *values = facts->options->values;
	const struct event_state *state = facts->event->state;
	struct str action = facts->source.len ? facts->source : facts->name;

	object_open(sheet, "event");
	object_literal(sheet, "kind", facts->detection ? "alert" : "event");
	array_open(sheet, "category");
	object_literal(sheet, NULL, "process");
	if (facts->detection)
		object_literal(sheet, NULL, "intrusion_detection");
	array_close(sheet);
	array_open(sheet, "type");
	object_literal(sheet, NULL, "info");
	array_close(sheet);
	object_text(sheet, "action", action, CAP_TEXT);
	object_literal(sheet, "outcome", outcome_of(facts));
	object_uint(sheet, "severity", facts->severity->ecs);
	object_uint(sheet, "risk_score", facts->severity->ecs);
	object_text(sheet, "id", str_of(facts->id), CAP_NAME);
	object_text(sheet, "code", facts->name, CAP_TEXT);
	if (facts->sequence)
		object_uint(sheet, "sequence", facts->sequence);
	object_literal(sheet, "module", "spoor");
	object_literal(sheet, "provider", "spoor");
	object_text(sheet, "dataset", values[DATASET].text, CAP_NAME);
	object_text(sheet, "reason", facts->description, CAP_TEXT);
	if (state) {
		object_time(sheet, "start", event_epoch_time(facts->event, state->first));
		object_time(sheet, "end", event_epoch_time(facts->event, state->last));
	}
	object_close(sheet);
}

static void add_rule(struct sheet *sheet, const struct facts *facts)
{
	object_open(sheet, "rule");
	object_text(sheet, "id", facts->rule_id, CAP_TEXT);
	object_text(sheet, "name", facts->title, CAP_TEXT);
	object_text(sheet, "description", facts->description, CAP_TEXT);
	object_text(sheet, "category", facts->tactic, CAP_TEXT);
	object_text(sheet, "version", facts->rule_version, CAP_TEXT);
	object_literal(sheet, "ruleset", "spoor");
	object_close(sheet);
}

/* "T1055.012": its parent is the technique, itself the sub-technique. */
static void add_technique(struct sheet *sheet, const struct facts *facts)
{
	bool sub = facts->technique_parent.len < facts->technique_id.len;

	object_open(sheet, "technique");
	object_text_array(sheet, "id", facts->technique_parent, CAP_TEXT);
	if (!sub)
		object_text_array(sheet, "name", facts->technique_name, CAP_TEXT);
	if (sub) {
		object_open(sheet, "subtechnique");
		object_text_array(sheet, "id", facts->technique_id, CAP_TEXT);
		object_text_array(sheet, "name", facts->technique_name, CAP_TEXT);
		object_close(sheet);
	}
	object_close(sheet);
}

static void add_threat(struct sheet *sheet, const struct facts *facts)
{
	if (!facts->technique_id.len && !facts->tactic.len)
		return;
	object_open(sheet, "threat");
	object_literal(sheet, "framework", "MITRE ATT&CK");
	if (facts->tactic.len) {
		object_open(sheet, "tactic");
		object_text_array(sheet, "id", facts->tactic_id, CAP_TEXT);
		object_text_array(sheet, "name", facts->tactic, CAP_TEXT);
		object_close(sheet);
	}
	if (facts->technique_id.len)
		add_technique(sheet, facts);
	object_close(sheet);
}

static void user_of(struct sheet *sheet, const char *key, uint32_t id)
{
	object_open(sheet, key);
	object_uint_text(sheet, "id", id);
	object_close(sheet);
}

static void add_process(struct sheet *sheet, const struct facts *facts)
{
	const struct wire_header *wire = facts->event->wire;

	if (!facts->process)
		return;
	object_open(sheet, "process");
	object_uint(sheet, "pid", wire->pid);
	if (wire->ns_pid && wire->ns_pid != wire->pid)
		object_uint(sheet, "vpid", wire->ns_pid);
	object_uint_text(sheet, "entity_id", facts->process_hash);
	object_text(sheet, "name", facts->comm, CAP_TEXT);
	object_text(sheet, "executable", facts->executable, CAP_TEXT);
	if (wire->pid == wire->tid)
		object_time(sheet, "start", event_epoch_time(facts->event, wire->start_time));
	object_open(sheet, "thread");
	object_uint(sheet, "id", wire->tid);
	object_close(sheet);
	if (facts->context)
		user_of(sheet, "user", wire->euid);
	user_of(sheet, "real_user", wire->uid);
	if (wire->ppid) {
		object_open(sheet, "parent");
		object_uint(sheet, "pid", wire->ppid);
		if (facts->parent_hash)
			object_uint_text(sheet, "entity_id", facts->parent_hash);
		object_close(sheet);
	}
	object_close(sheet);
	user_of(sheet, "user", facts->context ? wire->euid : wire->uid);
}

static void add_container(struct sheet *sheet, const struct facts *facts)
{
	if (facts->container_id.len) {
		object_open(sheet, "container");
		object_text(sheet, "id", facts->container_id, CAP_TEXT);
		object_text(sheet, "name", facts->container_name, CAP_TEXT);
		object_text(sheet, "runtime", facts->runtime, CAP_TEXT);
		if (facts->image_name.len) {
			object_open(sheet, "image");
			object_text(sheet, "name", facts->image_name, CAP_TEXT);
			object_close(sheet);
		}
		object_close(sheet);
	}
	if (!facts->pod_name.len)
		return;
	object_open(sheet, "orchestrator");
	object_literal(sheet, "type", "kubernetes");
	object_text(sheet, "namespace", facts->pod_namespace, CAP_TEXT);
	object_open(sheet, "resource");
	object_literal(sheet, "type", "pod");
	object_text(sheet, "id", facts->pod_uid, CAP_TEXT);
	object_text(sheet, "name", facts->pod_name, CAP_TEXT);
	object_close(sheet);
	object_close(sheet);
}

static void add_host(struct sheet *sheet, const struct facts *facts)
{
	const struct host *host = facts->host;

	object_open(sheet, "host");
	object_text(sheet, "name", facts->host_name, CAP_NAME);
	object_text(sheet, "hostname", facts->host_name, CAP_NAME);
	object_text(sheet, "id", host->machine_id, CAP_NAME);
	object_addresses(sheet, "ip", host);
	object_open(sheet, "os");
	object_literal(sheet, "type", "linux");
	object_close(sheet);
	if (host->boot_id.len) {
		object_open(sheet, "boot");
		object_text(sheet, "id", host->boot_id, CAP_NAME);
		object_close(sheet);
	}
	object_close(sheet);
}

static void add_sensor(struct sheet *sheet, const struct facts *facts)
{
	const struct setting_value *values = facts->options->values;

	object_open(sheet, "observer");
	object_literal(sheet, "vendor", "spoor");
	object_literal(sheet, "product", "spoor");
	object_literal(sheet, "type", "ids");
	object_text(sheet, "version", facts->sensor_version, CAP_NAME);
	object_close(sheet);
	object_open(sheet, "data_stream");
	object_literal(sheet, "type", "logs");
	object_text(sheet, "dataset", values[DATASET].text, CAP_NAME);
	object_text(sheet, "namespace", values[NAMESPACE].text, CAP_NAME);
	object_close(sheet);
	if (facts->host_name.len) {
		object_open(sheet, "related");
		object_text_array(sheet, "hosts", facts->host_name, CAP_NAME);
		object_close(sheet);
	}
}

static void add_state(struct sheet *sheet, const struct facts *facts)
{
	const struct event_state *state = facts->event->state;

	if (!state)
		return;
	object_open(sheet, "state");
	object_text(sheet, "phase", str_of(state->phase), CAP_NAME);
	object_uint(sheet, "events", state->events);
	object_uint(sheet, "lost", state->lost);
	object_close(sheet);
}

static void add_own(struct sheet *sheet, const struct facts *facts)
{
	object_open(sheet, "spoor");
	object_text(sheet, "event", facts->name, CAP_TEXT);
	object_text(sheet, "syscall", facts->syscall, CAP_TEXT);
	object_policies(sheet, "policies", facts);
	object_data(sheet, "data", facts);
	add_state(sheet, facts);
	if (sheet->truncated)
		object_uint(sheet, "truncated_fields", sheet->truncated);
	object_close(sheet);
}

static void ecs_write(struct buf *out, const struct event *event,
		      const struct format_options *options)
{
	struct sheet sheet = { .out = out };
	struct facts facts;

	facts_read(&facts, event, options);
	object_begin(&sheet);
	object_time(&sheet, "@timestamp", facts.time ? facts.time : 1);
	object_open(&sheet, "ecs");
	object_literal(&sheet, "version", "8.17.0");
	object_close(&sheet);
	add_event(&sheet, &facts);
	object_message(&sheet, "message", &facts);
	add_rule(&sheet, &facts);
	add_threat(&sheet, &facts);
	add_process(&sheet, &facts);
	add_container(&sheet, &facts);
	add_host(&sheet, &facts);
	add_sensor(&sheet, &facts);
	add_own(&sheet, &facts);
	object_close(&sheet);
	buf_char(out, '\n');
}

static const struct setting_key ecs_keys[] = {
	{ .name = "dataset",
	  .kind = SETTING_TEXT,
	  .fallback = "spoor.alerts",
	  .doc = "event.dataset and data_stream.dataset" },
	{ .name = "namespace",
	  .kind = SETTING_TEXT,
	  .fallback = "default",
	  .doc = "data_stream.namespace" },
};

const struct format format_ecs = {
	.name = "ecs",
	.doc = "Elastic Common Schema 8.17, for Elasticsearch and OpenSearch",
	.media_type = "application/json",
	.keys = ecs_keys,
	.key_count = ARRAY_SIZE(ecs_keys),
	.write = ecs_write,
};
