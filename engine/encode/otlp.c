/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One walk over the record; below it, two ways to write a field. Field numbers are those of
 * opentelemetry/proto/logs/v1 and common/v1, keys are protobuf's JSON mapping (64-bit numbers
 * quoted). Attribute names are OpenTelemetry's semantic conventions where there are any.
 */
#include "encode/otlp.h"

#include "base/common.h"
#include "encode/object.h"
#include "event/encode_data.h"
#include "event/json.h"

enum { DEPTH_MAX = 16, VARINT_MAX = 10 };

enum wire_type { VARINT = 0, FIXED64 = 1, BYTES = 2 };

struct writer {
	struct sheet *sheet;
	bool protobuf;
	unsigned depth;
	size_t starts[DEPTH_MAX]; /* protobuf: where the bytes of open messages begin */
};

/* ---- protobuf ------------------------------ */

static unsigned varint(char out[VARINT_MAX], uint64_t number)
{
	unsigned len = 0;

	for (; number >= 0x80; number >>= 7)
		out[len++] = (char)(number | 0x80);
	out[len++] = (char)number;
	return len;
}

static void put_varint(struct writer *w, uint64_t number)
{
	char bytes[VARINT_MAX];

	buf_add(w->sheet->out, bytes, varint(bytes, number));
}

static void put_tag(struct writer *w, unsigned field, enum wire_type type)
{
	put_varint(w, field << 3 | type);
}

/* The length stands before the bytes, and is known when they are there: they move. */
static void length_open(struct writer *w, unsigned field)
{
	put_tag(w, field, BYTES);
	w->starts[w->depth++] = w->sheet->out->len;
}

static void length_close(struct writer *w)
{
	struct buf *out = w->sheet->out;
	size_t start = w->starts[--w->depth], len = out->len - start;
	char prefix[VARINT_MAX];
	unsigned prefix_len = varint(prefix, len);

	if (!buf_room(out, prefix_len))
		return;
	memmove(out->data + start + prefix_len, out->data + start, len);
	memcpy(out->data + start, prefix, prefix_len);
	out->len += prefix_len;
}

/* ---- fields of either kind ------------------------------ */

static void message_open(struct writer *w, unsigned field, const char *key)
{
	if (w->protobuf)
		length_open(w, field);
	else
		object_open(w->sheet, key);
}

static void message_close(struct writer *w)
{
	if (w->protobuf)
		length_close(w);
	else
		object_close(w->sheet);
}

/* Repeated messages are elements of an array in JSON, and just there in protobuf. */
static void list_open(struct writer *w, const char *key)
{
	if (!w->protobuf)
		array_open(w->sheet, key);
}

static void list_close(struct writer *w)
{
	if (!w->protobuf)
		array_close(w->sheet);
}

static void text(struct writer *w, unsigned field, const char *key, struct str value, uint32_t cap)
{
	if (!w->protobuf && value.len) {
		object_text(w->sheet, key, value, cap);
	} else if (!w->protobuf) {
		object_literal(w->sheet, key, "");
	} else {
		length_open(w, field);
		sheet_text(w->sheet, value, TEXT_UTF8, cap);
		length_close(w);
	}
}

static void fixed64(struct writer *w, unsigned field, const char *key, uint64_t number)
{
	if (w->protobuf) {
		put_tag(w, field, FIXED64);
		buf_add(w->sheet->out, &number, sizeof(number));
	} else {
		object_uint_text(w->sheet, key, number);
	}
}

/* A small number: 32 bits and enumerations are not quoted. */
static void small(struct writer *w, unsigned field, const char *key, uint32_t number)
{
	if (w->protobuf) {
		put_tag(w, field, VARINT);
		put_varint(w, number);
	} else {
		object_uint(w->sheet, key, number);
	}
}

/* ---- AnyValue: 1 string, 2 bool, 3 int, 4 double, 5 array, 6 kvlist, 7 bytes ------------ */

static void value_int64(struct writer *w, int64_t number)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%lld", (long long)number);

	if (w->protobuf) {
		put_tag(w, 3, VARINT);
		put_varint(w, (uint64_t)number);
	} else {
		object_text(w->sheet, "intValue", (struct str){ digits, (uint32_t)len }, CAP_NAME);
	}
}

static void value_uint64(struct writer *w, uint64_t number)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);

	if (number <= INT64_MAX)
		value_int64(w, (int64_t)number);
	else
		text(w, 1, "stringValue", (struct str){ digits, (uint32_t)len }, CAP_NAME);
}

static void value_flag(struct writer *w, bool flag)
{
	if (w->protobuf) {
		put_tag(w, 2, VARINT);
		put_varint(w, flag);
	} else {
		object_bool(w->sheet, "boolValue", flag);
	}
}

static void value_real(struct writer *w, double number)
{
	if (w->protobuf) {
		put_tag(w, 4, FIXED64);
		buf_add(w->sheet->out, &number, sizeof(number));
	} else {
		/* null is no double in this mapping; "NaN" is. */
		buf_lit(w->sheet->out, "\"doubleValue\":");
		if (__builtin_isfinite(number))
			json_double(w->sheet->out, number);
		else
			buf_str(w->sheet->out, number > 0   ? STR("\"Infinity\"")
					       : number < 0 ? STR("\"-Infinity\"")
							    : STR("\"NaN\""));
	}
}

static void value_blob(struct writer *w, struct str bytes)
{
	struct str cut = { bytes.data, MIN(bytes.len, (uint32_t)CAP_TEXT) };

	w->sheet->truncated += cut.len < bytes.len;
	if (w->protobuf) {
		length_open(w, 7);
		buf_str(w->sheet->out, cut);
		length_close(w);
	} else {
		buf_lit(w->sheet->out, "\"bytesValue\":");
		json_base64(w->sheet->out, cut);
	}
}

/* As JSON text. */
static void value_map(struct writer *w, const struct value *value)
{
	char memory[CAP_LONG];
	struct buf json = TEXT_BUF(memory);

	encode_plain(&json, value);
	if (json.truncated)
		w->sheet->truncated++;
	else
		text(w, 1, "stringValue", (struct str){ json.data, (uint32_t)json.len }, CAP_LONG);
}

static void value_scalar(struct writer *w, const struct value *value)
{
	switch (value->tag) {
	case VALUE_BOOL: value_flag(w, value->b); break;
	case VALUE_INT: value_int64(w, value->i); break;
	case VALUE_UINT: value_uint64(w, value->u); break;
	case VALUE_DOUBLE: value_real(w, value->d); break;
	case VALUE_MAP: value_map(w, value); break;
	case VALUE_BYTES: value_blob(w, (struct str){ value->str, value->len }); break;
	case VALUE_STRING:
		text(w, 1, "stringValue", (struct str){ value->str, value->len }, CAP_TEXT);
		break;
	default: break; /* an AnyValue without a value is null */
	}
}

static void value_list(struct writer *w, const struct value *items, uint32_t count)
{
	message_open(w, 5, "arrayValue");
	list_open(w, "values");
	for (uint32_t i = 0; i < count; i++) {
		message_open(w, 1, NULL);
		value_scalar(w, &items[i]);
		message_close(w);
	}
	list_close(w);
	message_close(w);
}

/* ---- attributes: KeyValue is 1 key, 2 value ------------------------------ */

static void attribute_open(struct writer *w, unsigned field, struct str key)
{
	message_open(w, field, NULL);
	text(w, 1, "key", key, CAP_NAME);
	message_open(w, 2, "value");
}

static void attribute_close(struct writer *w)
{
	message_close(w);
	message_close(w);
}

/* Left out if it is empty. */
static void attribute(struct writer *w, unsigned field, const char *key, struct str value,
		      uint32_t cap)
{
	if (!value.len)
		return;
	attribute_open(w, field, str_of(key));
	text(w, 1, "stringValue", value, cap);
	attribute_close(w);
}

static void attribute_uint(struct writer *w, unsigned field, const char *key, uint64_t number)
{
	attribute_open(w, field, str_of(key));
	value_uint64(w, number);
	attribute_close(w);
}

static void attribute_texts(struct writer *w, unsigned field, const char *key,
			    const struct str *texts, uint32_t count)
{
	enum { TEXTS_MAX = 64 };
	struct value items[TEXTS_MAX];
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count && kept < TEXTS_MAX; i++)
		if (texts[i].len)
			items[kept++] = value_str(texts[i]);
	if (!kept)
		return;
	attribute_open(w, field, str_of(key));
	value_list(w, items, kept);
	attribute_close(w);
}

/* ---- the record ------------------------------ */

enum { RESOURCE_ATTRIBUTE = 1, RECORD_ATTRIBUTE = 6 };

static void add_resource(struct writer *w, const struct facts *facts)
{
	message_open(w, 1, "resource");
	list_open(w, "attributes");
	attribute(w, RESOURCE_ATTRIBUTE, "service.name", STR("spoor"), CAP_NAME);
	attribute(w, RESOURCE_ATTRIBUTE, "service.version", facts->sensor_version, CAP_NAME);
	attribute(w, RESOURCE_ATTRIBUTE, "host.name", facts->host_name, CAP_NAME);
	attribute(w, RESOURCE_ATTRIBUTE, "host.id", facts->host->machine_id, CAP_NAME);
	attribute_texts(w, RESOURCE_ATTRIBUTE, "host.ip", facts->host->addresses,
			facts->host->address_count);
	attribute(w, RESOURCE_ATTRIBUTE, "os.type", STR("linux"), CAP_NAME);
	list_close(w);
	message_close(w);
}

static void add_rule(struct writer *w, const struct facts *facts)
{
	attribute(w, RECORD_ATTRIBUTE, "log.record.uid", str_of(facts->id), CAP_NAME);
	if (facts->sequence)
		attribute_uint(w, RECORD_ATTRIBUTE, "spoor.sequence", facts->sequence);
	attribute(w, RECORD_ATTRIBUTE, "security_rule.uuid", facts->rule_id, CAP_TEXT);
	attribute(w, RECORD_ATTRIBUTE, "security_rule.name", facts->title, CAP_TEXT);
	attribute(w, RECORD_ATTRIBUTE, "security_rule.version", facts->rule_version, CAP_TEXT);
	attribute(w, RECORD_ATTRIBUTE, "security_rule.description", facts->description, CAP_LONG);
	attribute(w, RECORD_ATTRIBUTE, "security_rule.category", facts->tactic, CAP_TEXT);
	attribute(w, RECORD_ATTRIBUTE, "threat.tactic.name", facts->tactic, CAP_TEXT);
	attribute(w, RECORD_ATTRIBUTE, "threat.tactic.id", facts->tactic_id, CAP_TEXT);
	attribute_texts(w, RECORD_ATTRIBUTE, "threat.technique.id", &facts->technique_id, 1);
	attribute_texts(w, RECORD_ATTRIBUTE, "threat.technique.name", &facts->technique_name, 1);
	if (facts->event->state) {
		attribute_uint(w, RECORD_ATTRIBUTE, "spoor.events", facts->event->state->events);
		attribute_uint(w, RECORD_ATTRIBUTE, "spoor.lost", facts->event->state->lost);
	}
	attribute(w, RECORD_ATTRIBUTE, "spoor.source_event", facts->source, CAP_TEXT);
	attribute_texts(w, RECORD_ATTRIBUTE, "spoor.policies", facts->event->policies,
			facts->event->policy_count);
}

static void add_workload(struct writer *w, const struct facts *facts)
{
	const struct wire_header *wire = facts->event->wire;

	if (facts->process) {
		attribute_uint(w, RECORD_ATTRIBUTE, "process.pid", wire->pid);
		attribute_uint(w, RECORD_ATTRIBUTE, "process.parent_pid", wire->ppid);
		attribute_uint(w, RECORD_ATTRIBUTE, "process.real_user.id", wire->uid);
		attribute(w, RECORD_ATTRIBUTE, "process.executable.name", facts->comm, CAP_TEXT);
		attribute(w, RECORD_ATTRIBUTE, "process.executable.path", facts->executable,
			  CAP_TEXT);
	}
	attribute(w, RECORD_ATTRIBUTE, "container.id", facts->container_id, CAP_TEXT);
	attribute(w, RECORD_ATTRIBUTE, "container.name", facts->container_name, CAP_TEXT);
	attribute(w, RECORD_ATTRIBUTE, "container.image.name", facts->image_name, CAP_TEXT);
	attribute(w, RECORD_ATTRIBUTE, "k8s.pod.name", facts->pod_name, CAP_TEXT);
	attribute(w, RECORD_ATTRIBUTE, "k8s.pod.uid", facts->pod_uid, CAP_TEXT);
	attribute(w, RECORD_ATTRIBUTE, "k8s.namespace.name", facts->pod_namespace, CAP_TEXT);
}

static void add_datum(struct writer *w, const struct datum *datum)
{
	attribute_open(w, 1, datum->name);
	if (datum->value.tag == VALUE_LIST)
		value_list(w, datum->items, datum->count);
	else if (datum->names.len)
		text(w, 1, "stringValue", datum->names, CAP_TEXT);
	else
		value_scalar(w, &datum->value);
	attribute_close(w);
	w->sheet->truncated += datum->cut;
}

static void add_data(struct writer *w, const struct facts *facts)
{
	struct datum datum;
	unsigned i = 0;

	if (!facts_datum(facts, &i, &datum))
		return;
	attribute_open(w, RECORD_ATTRIBUTE, STR("spoor.data"));
	message_open(w, 6, "kvlistValue");
	list_open(w, "values");
	do
		add_datum(w, &datum);
	while (facts_datum(facts, &i, &datum));
	list_close(w);
	message_close(w);
	attribute_close(w);
}

static void add_body(struct writer *w, const struct facts *facts)
{
	message_open(w, 5, "body");
	if (w->protobuf) {
		length_open(w, 1);
		facts_message(w->sheet, facts, TEXT_UTF8);
		length_close(w);
	} else {
		object_message(w->sheet, "stringValue", facts);
	}
	message_close(w);
}

static void add_record(struct writer *w, const struct facts *facts)
{
	message_open(w, 2, NULL);
	fixed64(w, 1, "timeUnixNano", facts->time);
	fixed64(w, 11, "observedTimeUnixNano", facts->time);
	small(w, 2, "severityNumber", facts->severity->otlp);
	text(w, 3, "severityText", str_of(facts->severity->name), CAP_NAME);
	text(w, 12, "eventName", facts->name, CAP_TEXT);
	add_body(w, facts);
	list_open(w, "attributes");
	add_rule(w, facts);
	add_workload(w, facts);
	add_data(w, facts);
	if (w->sheet->truncated)
		attribute_uint(w, RECORD_ATTRIBUTE, "spoor.truncated_fields", w->sheet->truncated);
	list_close(w);
	message_close(w);
}

static void add_scope(struct writer *w, const struct facts *facts)
{
	list_open(w, "scopeLogs");
	message_open(w, 2, NULL);
	message_open(w, 1, "scope");
	text(w, 1, "name", STR("spoor"), CAP_NAME);
	text(w, 2, "version", facts->sensor_version, CAP_NAME);
	message_close(w);
	list_open(w, "logRecords");
	add_record(w, facts);
	list_close(w);
	message_close(w);
	list_close(w);
}

void otlp_write(struct buf *out, const struct event *event, const struct format_options *options,
		bool protobuf)
{
	struct sheet sheet = { .out = out };
	struct writer writer = { .sheet = &sheet, .protobuf = protobuf };
	struct facts facts;

	facts_read(&facts, event, options);
	if (!protobuf)
		object_begin(&sheet);
	list_open(&writer, "resourceLogs");
	message_open(&writer, 1, NULL);
	add_resource(&writer, &facts);
	add_scope(&writer, &facts);
	message_close(&writer);
	list_close(&writer);
	if (!protobuf)
		object_close(&sheet);
}
