/* SPDX-License-Identifier: Apache-2.0 */
/* From an event to what is told of it. */
#include "encode/facts.h"

#include "base/common.h"
#include "event/encode.h"
#include "event/encode_data.h"
#include "event/json.h"
#include "event/object.h"
#include "event/names.h"
#include "store.h"

const struct severity_row severity_rows[] = {
	[SEVERITY_INFO] = { "INFO", "informational", "Informational", 1, 1, 6, 1, 9, 1 },
	[SEVERITY_LOW] = { "LOW", "low", "Low", 3, 3, 5, 2, 10, 21 },
	[SEVERITY_MEDIUM] = { "MEDIUM", "medium", "Medium", 5, 5, 4, 3, 13, 47 },
	[SEVERITY_HIGH] = { "HIGH", "high", "High", 8, 8, 3, 4, 17, 73 },
	[SEVERITY_CRITICAL] = { "CRITICAL", "critical", "Critical", 10, 10, 2, 5, 21, 99 },
};

/* MITRE ATT&CK, enterprise: rules name tactics, receivers want their ids. */
static const struct {
	struct str id, name;
} tactics[] = {
	{ STR("TA0043"), STR("Reconnaissance") },  { STR("TA0042"), STR("Resource Development") },
	{ STR("TA0001"), STR("Initial Access") },  { STR("TA0002"), STR("Execution") },
	{ STR("TA0003"), STR("Persistence") },	   { STR("TA0004"), STR("Privilege Escalation") },
	{ STR("TA0005"), STR("Defense Evasion") }, { STR("TA0006"), STR("Credential Access") },
	{ STR("TA0007"), STR("Discovery") },	   { STR("TA0008"), STR("Lateral Movement") },
	{ STR("TA0009"), STR("Collection") },	   { STR("TA0011"), STR("Command and Control") },
	{ STR("TA0010"), STR("Exfiltration") },	   { STR("TA0040"), STR("Impact") },
};

/* ---- the parts ------------------------------ */

static void read_threat(struct facts *facts, const struct threat *threat)
{
	const char *dot;

	facts->detection = true;
	facts->severity = &severity_rows[threat->severity];
	if (threat->name.len)
		facts->title = threat->name;
	facts->description = threat->description;
	facts->tactic = threat->tactic;
	facts->technique_id = facts->technique_parent = threat->technique_id;
	facts->technique_name = threat->technique_name;
	dot = threat->technique_id.len
		      ? memchr(threat->technique_id.data, '.', threat->technique_id.len)
		      : NULL;
	if (dot)
		facts->technique_parent.len = (uint32_t)(dot - threat->technique_id.data);
	for (size_t i = 0; i < ARRAY_SIZE(tactics); i++)
		if (str_equal(tactics[i].name, threat->tactic))
			facts->tactic_id = tactics[i].id;
}

static struct str base_name(struct str path)
{
	const char *slash = path.len ? memrchr(path.data, '/', path.len) : NULL;
	uint32_t skip = slash ? (uint32_t)(slash - path.data) + 1 : 0;

	return (struct str){ path.data + skip, path.len - skip };
}

static void read_process(struct facts *facts, const struct event *event)
{
	const struct event_given *given = event->given;

	facts->process = given ? given->has_process : event->wire->ns_pid || event->wire->comm[0];
	if (!facts->process)
		return;
	facts->comm = event_comm(event);
	facts->executable = event_executable(event);
	facts->file_name = base_name(facts->executable);
	facts->process_hash = event_process_hash(event);
	facts->parent_hash = event_parent_hash(event);
	facts->syscall = event_syscall(event);
}

static void read_container(struct facts *facts, const struct event *event)
{
	const struct event_given *given = event->given;
	const struct container *container = event->container;

	if (given && given->has_container) {
		facts->container_id = given->container_id;
		facts->container_name = given->container_name;
		facts->image_name = given->image_name;
		facts->image_digest = given->image_digest;
		facts->runtime = given->container_runtime;
	} else if (container && container->id.len) {
		facts->container_id = container->id;
		facts->container_name = container->name;
		facts->image_name = container->image_name;
		facts->image_digest = container->image_digest;
		facts->runtime = container->runtime;
	}
	if (given && given->pod_name.len) {
		facts->pod_name = given->pod_name;
		facts->pod_uid = given->pod_uid;
		facts->pod_namespace = given->pod_namespace;
	}
}

void facts_read(struct facts *facts, const struct event *event,
		const struct format_options *options)
{
	*facts = (struct facts){
		.event = event,
		.options = options,
		.severity = &severity_rows[SEVERITY_INFO],
		.time = event_epoch_time(event, event->wire->time),
		.name = str_of(event->def->name),
		.title = str_of(event->def->name),
		.rule_id = event->values && event->rule.len ? event->rule
							    : str_of(event->def->name),
		.rule_version = str_of(event->def->version),
		.source = event_source(event),
		.host = options->host,
		.host_name = event->given && event->given->host_name.len ? event->given->host_name
									 : options->host->name,
		.sensor_version = str_of(options->sensor_version),
		.context = (event->wire->flags & WIRE_CONTEXT) != 0,
	};
	if (event->alert) {
		memcpy(facts->id, event->alert->id, sizeof(facts->id));
		facts->sequence = event->alert->sequence;
	} else {
		alert_id(facts->id, event, options->host);
	}
	if (event->threat)
		read_threat(facts, event->threat);
	read_process(facts, event);
	read_container(facts, event);
}

void facts_message(struct sheet *sheet, const struct facts *facts, enum text_form form)
{
	sheet_text(sheet, facts->title, form, CAP_TEXT);
	if (!facts->process)
		return;
	buf_lit(sheet->out, " by ");
	sheet_text(sheet, facts->comm.len ? facts->comm : STR("a process"), form, CAP_NAME);
	buf_lit(sheet->out, " (pid ");
	buf_uint(sheet->out, facts->event->wire->pid);
	buf_char(sheet->out, ')');
}

bool facts_policies(struct buf *out, const struct facts *facts)
{
	bool whole = true;

	for (uint32_t i = 0; i < facts->event->policy_count && whole; i++)
		whole = !facts->event->policies[i].len ||
			((!out->len || text_append(out, STR(", "))) &&
			 text_append(out, facts->event->policies[i]));
	return whole;
}

/* ---- data ------------------------------ */

static bool is_list(uint8_t type)
{
	return type == FIELD_strs || type == FIELD_i16s || type == FIELD_i32s || type == FIELD_u64s;
}

/* How many bytes it takes. */
static uint32_t list_item(uint8_t type, const char *at, struct value *out)
{
	int16_t small;
	int32_t number;
	uint64_t large;

	switch (type) {
	case FIELD_strs: *out = value_str(str_of(at)); return out->len + 1;
	case FIELD_i16s:
		memcpy(&small, at, sizeof(small));
		*out = value_int(small);
		return sizeof(small);
	case FIELD_i32s:
		memcpy(&number, at, sizeof(number));
		*out = value_int(number);
		return sizeof(number);
	default:
		memcpy(&large, at, sizeof(large));
		*out = value_uint(large);
		return sizeof(large);
	}
}

/* Lists of a record, which need no arena here. */
static void datum_list(struct datum *out, const struct event *event,
		       const struct event_field *field)
{
	const struct wire_ref *ref = (const void *)((const char *)event->wire + field->offset);
	const char *at = (const char *)event->wire + ref->offset, *end = at + ref->len;

	for (; at < end && out->count < DATUM_ITEMS; out->count++)
		at += list_item(field->type, at, &out->items[out->count]);
	out->cut = at < end;
}

static void datum_given_list(struct datum *out, const struct value_list *list)
{
	out->count = MIN(list->count, (uint32_t)DATUM_ITEMS);
	memcpy(out->items, list->items, out->count * sizeof(struct value));
	out->cut = list->count > DATUM_ITEMS;
}

static void datum_names(struct datum *out, const struct event *event, unsigned index)
{
	const struct names *names = event_field_names(event, index);
	struct buf text = TEXT_BUF(out->memory);

	if (names && names_fit(&out->value)) {
		names_write(&text, names, out->value.u);
	} else if (out->value.kind == FIELD_pointer) {
		buf_lit(&text, "0x");
		buf_hex(&text, out->value.u);
	}
	out->names = (struct str){ out->memory, (uint32_t)text.len };
}

/* An object of a record is JSON text. */
static struct value record_text(const struct event *event, const struct event_field *field)
{
	const struct wire_ref *ref = (const void *)((const char *)event->wire + field->offset);

	return value_string((const char *)event->wire + ref->offset, ref->len);
}

static bool datum_at(const struct event *event, unsigned index, struct datum *out)
{
	const struct event_field *field = &event->def->fields[index];
	bool list = !event->values && is_list(field->type);
	bool object = !event->values && field_is_object(field->type);

	out->name = str_of(field->name);
	out->names = (struct str){ 0 };
	out->count = 0;
	out->cut = false;
	if ((list || object) && !(event->wire->present >> index & 1))
		return false;
	out->value = list     ? (struct value){ .tag = VALUE_LIST }
		     : object ? record_text(event, field)
			      : event_field_value(event, index, NULL);
	if (list)
		datum_list(out, event, field);
	else if (out->value.tag == VALUE_LIST)
		datum_given_list(out, out->value.list);
	else if (out->value.tag == VALUE_INT || out->value.tag == VALUE_UINT)
		datum_names(out, event, index);
	return out->value.tag != VALUE_NULL;
}

bool facts_datum(const struct facts *facts, unsigned *index, struct datum *out)
{
	while (*index < facts->event->def->field_count)
		if (datum_at(facts->event, (*index)++, out))
			return true;
	return false;
}

/* Bytes in hex, maps as JSON. */
static bool add_scalar(struct buf *out, const struct value *value)
{
	size_t before = out->len;

	switch (value->tag) {
	case VALUE_BOOL: buf_str(out, value->b ? STR("true") : STR("false")); break;
	case VALUE_INT: buf_int(out, value->i); break;
	case VALUE_UINT: buf_uint(out, value->u); break;
	case VALUE_DOUBLE: json_double(out, value->d); break;
	case VALUE_STRING: return text_append(out, (struct str){ value->str, value->len });
	case VALUE_BYTES:
		for (uint32_t i = 0; i < value->len && !out->truncated; i++)
			buf_printf(out, "%02x", (unsigned char)value->str[i]);
		break;
	case VALUE_MAP: encode_plain(out, value); break;
	default: buf_lit(out, "null");
	}
	if (out->truncated && value->tag != VALUE_BYTES)
		out->len = before;
	return !out->truncated;
}

bool datum_text(struct buf *out, const struct datum *datum)
{
	bool whole = true;

	if (datum->names.len)
		return text_append(out, datum->names);
	if (datum->value.tag != VALUE_LIST)
		return add_scalar(out, &datum->value);
	for (uint32_t i = 0; i < datum->count && whole; i++)
		whole = (!i || text_append(out, STR(" "))) && add_scalar(out, &datum->items[i]);
	return whole && !datum->cut;
}

bool facts_data(struct buf *out, const struct facts *facts)
{
	struct datum datum;
	bool whole = true;

	for (unsigned i = 0; whole && facts_datum(facts, &i, &datum);)
		whole = (!out->len || text_append(out, STR(", "))) &&
			text_append(out, datum.name) && text_append(out, STR("=")) &&
			datum_text(out, &datum);
	return whole;
}
