/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open Cybersecurity Schema Framework 1.6, class Detection Finding (2004), profiles host,
 * container and security_control. What the schema has no attribute for stands in `unmapped`.
 */
#include "base/common.h"
#include "encode/facts.h"
#include "encode/object.h"
#include "encode/text.h"
#include "event/encode.h"

static void add_class(struct sheet *sheet, const struct facts *facts)
{
	const struct event_state *state = facts->event->state;

	object_uint(sheet, "activity_id", 1);
	object_literal(sheet, "activity_name", "Create");
	object_uint(sheet, "category_uid", 2);
	object_literal(sheet, "category_name", "Findings");
	object_uint(sheet, "class_uid", 2004);
	object_literal(sheet, "class_name", "Detection Finding");
	object_uint(sheet, "type_uid", 200401);
	object_literal(sheet, "type_name", "Detection Finding: Create");
	object_uint(sheet, "time", facts->time / 1000000);
	if (state) {
		object_uint(sheet, "start_time",
			    event_epoch_time(facts->event, state->first) / 1000000);
		object_uint(sheet, "end_time",
			    event_epoch_time(facts->event, state->last) / 1000000);
		object_uint(sheet, "count", MIN(state->events, (uint64_t)INT32_MAX));
	}
	object_uint(sheet, "severity_id", facts->severity->ocsf);
	object_literal(sheet, "severity", facts->severity->caption);
	object_uint(sheet, "status_id", 1);
	object_literal(sheet, "status", "New");
	object_bool(sheet, "is_alert", facts->detection);
	object_uint(sheet, "action_id", 3);
	object_literal(sheet, "action", "Observed");
	object_uint(sheet, "disposition_id", 15);
	object_literal(sheet, "disposition", "Detected");
	object_message(sheet, "message", facts);
}

static void add_metadata(struct sheet *sheet, const struct facts *facts)
{
	object_open(sheet, "metadata");
	object_literal(sheet, "version", "1.6.0");
	object_text(sheet, "uid", str_of(facts->id), CAP_NAME);
	if (facts->sequence)
		object_uint(sheet, "sequence", facts->sequence);
	object_text(sheet, "event_code", facts->source.len ? facts->source : facts->name, CAP_TEXT);
	array_open(sheet, "profiles");
	object_literal(sheet, NULL, "host");
	object_literal(sheet, NULL, "container");
	object_literal(sheet, NULL, "security_control");
	array_close(sheet);
	object_open(sheet, "product");
	object_literal(sheet, "name", "spoor");
	object_literal(sheet, "vendor_name", "spoor");
	object_text(sheet, "version", facts->sensor_version, CAP_NAME);
	object_close(sheet);
	object_close(sheet);
}

static void add_device(struct sheet *sheet, const struct facts *facts)
{
	const struct host *host = facts->host;

	object_open(sheet, "device");
	object_uint(sheet, "type_id", 0);
	object_literal(sheet, "type", "Unknown");
	object_text(sheet, "hostname", facts->host_name, CAP_NAME);
	object_text(sheet, "uid", host->machine_id, CAP_NAME);
	if (host->address_count)
		object_text(sheet, "ip", host->addresses[0], CAP_NAME);
	object_open(sheet, "os");
	object_literal(sheet, "name", "Linux");
	object_uint(sheet, "type_id", 200);
	object_literal(sheet, "type", "Linux");
	object_close(sheet);
	object_close(sheet);
}

static void add_container(struct sheet *sheet, const struct facts *facts)
{
	if (!facts->container_id.len)
		return;
	object_open(sheet, "container");
	object_text(sheet, "uid", facts->container_id, CAP_TEXT);
	object_text(sheet, "name", facts->container_name, CAP_TEXT);
	object_text(sheet, "runtime", facts->runtime, CAP_TEXT);
	object_text(sheet, "pod_uuid", facts->pod_uid, CAP_TEXT);
	if (facts->image_digest.len || facts->image_name.len) {
		object_open(sheet, "image");
		object_text(sheet, "name", facts->image_name, CAP_TEXT);
		object_text(sheet, "uid",
			    facts->image_digest.len ? facts->image_digest : facts->image_name,
			    CAP_TEXT);
		object_close(sheet);
	}
	object_close(sheet);
}

static void add_user(struct sheet *sheet, uint32_t id)
{
	object_open(sheet, "user");
	object_uint_text(sheet, "uid", id);
	object_close(sheet);
}

static void add_process(struct sheet *sheet, const char *key, const struct facts *facts)
{
	const struct wire_header *wire = facts->event->wire;
	uint64_t start = wire->pid == wire->tid ? event_epoch_time(facts->event, wire->start_time)
						: 0;

	object_open(sheet, key);
	object_uint(sheet, "pid", wire->pid);
	object_uint_text(sheet, "uid", facts->process_hash);
	object_text(sheet, "name", facts->comm, CAP_TEXT);
	if (start)
		object_uint(sheet, "created_time", start / 1000000);
	if (facts->executable.len) {
		object_open(sheet, "file");
		object_text(sheet, "name",
			    facts->file_name.len ? facts->file_name : facts->executable, CAP_TEXT);
		object_text(sheet, "path", facts->executable, CAP_TEXT);
		object_uint(sheet, "type_id", 1);
		object_close(sheet);
	}
	add_user(sheet, wire->uid);
	add_container(sheet, facts);
	if (wire->ppid) {
		object_open(sheet, "parent_process");
		object_uint(sheet, "pid", wire->ppid);
		object_close(sheet);
	}
	object_close(sheet);
}

static void add_actor(struct sheet *sheet, const struct facts *facts)
{
	if (!facts->process)
		return;
	object_open(sheet, "actor");
	add_process(sheet, "process", facts);
	add_user(sheet, facts->context ? facts->event->wire->euid : facts->event->wire->uid);
	object_close(sheet);
}

static void identified(struct sheet *sheet, const char *key, struct str id, struct str name)
{
	if (!id.len && !name.len)
		return;
	object_open(sheet, key);
	object_text(sheet, "uid", id, CAP_TEXT);
	object_text(sheet, "name", name, CAP_TEXT);
	object_close(sheet);
}

static void add_attacks(struct sheet *sheet, const struct facts *facts)
{
	bool sub = facts->technique_parent.len < facts->technique_id.len;

	if (!facts->technique_id.len && !facts->technique_name.len && !facts->tactic.len)
		return;
	array_open(sheet, "attacks");
	object_open(sheet, NULL);
	identified(sheet, "tactic", facts->tactic_id, facts->tactic);
	identified(sheet, "technique", facts->technique_parent,
		   sub ? (struct str){ 0 } : facts->technique_name);
	if (sub)
		identified(sheet, "sub_technique", facts->technique_id, facts->technique_name);
	object_close(sheet);
	array_close(sheet);
}

static void add_finding(struct sheet *sheet, const struct facts *facts)
{
	object_open(sheet, "finding_info");
	object_text(sheet, "uid", str_of(facts->id), CAP_NAME);
	object_text(sheet, "title", facts->title, CAP_TEXT);
	object_text(sheet, "desc", facts->description, CAP_LONG);
	array_open(sheet, "types");
	object_literal(sheet, NULL, "Behavior");
	array_close(sheet);
	object_uint(sheet, "created_time", facts->time / 1000000);
	object_open(sheet, "analytic");
	object_text(sheet, "uid", facts->rule_id, CAP_TEXT);
	object_text(sheet, "name", facts->name, CAP_TEXT);
	object_uint(sheet, "type_id", 1);
	object_literal(sheet, "type", "Rule");
	object_text(sheet, "version", facts->rule_version, CAP_TEXT);
	object_close(sheet);
	add_attacks(sheet, facts);
	object_close(sheet);
}

static void add_evidence(struct sheet *sheet, const struct facts *facts)
{
	if (!facts->process)
		return;
	array_open(sheet, "evidences");
	object_open(sheet, NULL);
	object_text(sheet, "name", facts->source.len ? facts->source : facts->name, CAP_TEXT);
	add_process(sheet, "process", facts);
	object_data(sheet, "data", facts);
	object_close(sheet);
	array_close(sheet);
}

static void observable(struct sheet *sheet, const char *name, unsigned type_id, const char *type,
		       struct str value)
{
	if (!value.len)
		return;
	object_open(sheet, NULL);
	object_literal(sheet, "name", name);
	object_uint(sheet, "type_id", type_id);
	object_literal(sheet, "type", type);
	object_text(sheet, "value", value, CAP_TEXT);
	object_close(sheet);
}

static void add_observables(struct sheet *sheet, const struct facts *facts)
{
	array_open(sheet, "observables");
	observable(sheet, "device.hostname", 1, "Hostname", facts->host_name);
	observable(sheet, "actor.process.name", 9, "Process Name", facts->comm);
	observable(sheet, "actor.process.file.path", 45, "File Path", facts->executable);
	array_close(sheet);
}

static void add_unmapped(struct sheet *sheet, const struct facts *facts)
{
	object_open(sheet, "unmapped");
	object_text(sheet, "boot_id", facts->host->boot_id, CAP_NAME);
	object_text(sheet, "syscall", facts->syscall, CAP_TEXT);
	object_addresses(sheet, "addresses", facts->host);
	object_policies(sheet, "policies", facts);
	object_text(sheet, "pod_name", facts->pod_name, CAP_TEXT);
	object_text(sheet, "pod_namespace", facts->pod_namespace, CAP_TEXT);
	if (!facts->process)
		object_data(sheet, "data", facts);
	if (facts->event->state) {
		object_text(sheet, "phase", str_of(facts->event->state->phase), CAP_NAME);
		object_uint(sheet, "lost", facts->event->state->lost);
	}
	if (sheet->truncated)
		object_uint(sheet, "truncated_fields", sheet->truncated);
	object_close(sheet);
}

static void ocsf_write(struct buf *out, const struct event *event,
		       const struct format_options *options)
{
	struct sheet sheet = { .out = out };
	struct facts facts;

	facts_read(&facts, event, options);
	object_begin(&sheet);
	add_class(&sheet, &facts);
	add_metadata(&sheet, &facts);
	add_device(&sheet, &facts);
	add_actor(&sheet, &facts);
	add_finding(&sheet, &facts);
	add_evidence(&sheet, &facts);
	add_observables(&sheet, &facts);
	add_unmapped(&sheet, &facts);
	object_close(&sheet);
	buf_char(out, '\n');
}

const struct format format_ocsf = {
	.name = "ocsf",
	.doc = "Open Cybersecurity Schema Framework 1.6, Detection Finding",
	.media_type = "application/json",
	.write = ocsf_write,
};
