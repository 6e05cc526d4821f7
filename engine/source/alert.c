/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of our own JSON back to events. What an event of the table is made of is read by
 * json-record.c; here is what only detections have, and events whose layout nobody knows:
 * they get a definition of their own, with a field for each element of data[].
 */
#include "source/alert.h"

#include <errno.h>
#include <math.h>

#include "base/common.h"
#include "event/object.h"
#include "source/json-fields.h"
#include "source/json-record.h"

enum { CHAIN_MAX = 8, ADDRESSES_MAX = 64 };

struct reading {
	struct arena *arena;
	struct line_fault fault;
	bool no_memory;
};

static bool out_of_memory(struct reading *r)
{
	r->no_memory = true;
	return false;
}

static bool wrong(struct reading *r, const struct json *value, const char *what,
		  const char *expected)
{
	return line_fault_set(&r->fault, value ? value->at : NULL, "'%s': expected %s, found %s",
			      what, expected, json_type_name(value));
}

/* ---- members ------------------------------ */

/* Absent and null: left as it is. */
static bool read_text(struct reading *r, const struct json *object, const char *name,
		      struct str *out)
{
	const struct json *value = json_get(object, name);

	if (!value || value->type == JSON_NULL)
		return true;
	if (value->type != JSON_STRING)
		return wrong(r, value, name, "a string");
	*out = value->text;
	return true;
}

static bool read_uint(struct reading *r, const struct json *object, const char *name, uint64_t most,
		      uint64_t *out)
{
	const struct json *value = json_get(object, name);

	if (!value || value->type == JSON_NULL)
		return true;
	if (json_uint(value, out) < 0 || *out > most)
		return line_fault_set(&r->fault, value->at,
				      "'%s': expected an integer from 0 to %llu", name,
				      (unsigned long long)most);
	return true;
}

static uint32_t count_items(const struct json *array)
{
	uint32_t count = 0;

	for (const struct json *item = array->first; item; item = item->next)
		count++;
	return count;
}

/* A list of texts; absent: none. */
static bool read_texts(struct reading *r, const struct json *object, const char *name,
		       const struct str **out, uint32_t *count)
{
	const struct json *array = json_get(object, name);
	uint32_t n = 0;

	if (!array || array->type == JSON_NULL)
		return true;
	if (array->type != JSON_ARRAY)
		return wrong(r, array, name, "an array");
	struct str *texts = arena_array(r->arena, struct str, count_items(array) + 1);

	if (!texts)
		return out_of_memory(r);
	for (const struct json *item = array->first; item; item = item->next) {
		if (item->type != JSON_STRING)
			return wrong(r, item, name, "strings");
		texts[n++] = item->text;
	}
	*out = texts;
	*count = n;
	return true;
}

/* With a NUL behind it. */
static const char *c_text(struct reading *r, struct str text)
{
	struct str copy = arena_str(r->arena, text.data ? text.data : "", text.len);

	if (!copy.data)
		out_of_memory(r);
	return copy.data;
}

/* ---- values ------------------------------ */

static double number_of(struct str text)
{
	char copy[64] = { 0 };

	memcpy(copy, text.data, MIN((size_t)text.len, sizeof(copy) - 1));
	return strtod(copy, NULL);
}

/* A number as JSON has it: an integer if it is written as one and fits. */
static struct value plain_number(struct str text)
{
	int64_t number;
	uint64_t large;

	if (!str_equal(text, STR("-0"))) {
		if (text_to_int(text, &number) == 0)
			return value_int(number);
		if (text_to_uint(text, &large) == 0)
			return value_uint(large);
	}
	return value_double(number_of(text));
}

static bool read_plain(struct reading *r, const struct json *value, struct value *out);

static bool read_plain_list(struct reading *r, const struct json *value, struct value *out)
{
	uint32_t count = count_items(value), i = 0;
	struct value_list *list = arena_alloc(r->arena,
					      sizeof(*list) + count * sizeof(struct value));

	if (!list)
		return out_of_memory(r);
	list->count = count;
	*out = (struct value){ .tag = VALUE_LIST, .len = count, .list = list };
	for (const struct json *item = value->first; item; item = item->next)
		if (!read_plain(r, item, &list->items[i++]))
			return false;
	return true;
}

static bool read_plain_map(struct reading *r, const struct json *value, struct value *out)
{
	uint32_t count = count_items(value), i = 0;
	struct value_map *map = arena_alloc(r->arena,
					    sizeof(*map) + count * sizeof(struct value_entry));

	if (!map)
		return out_of_memory(r);
	map->count = count;
	*out = (struct value){ .tag = VALUE_MAP, .len = count, .map = map };
	for (const struct json *item = value->first; item; item = item->next, i++) {
		map->entries[i].key = value_str(item->key);
		if (!read_plain(r, item, &map->entries[i].value))
			return false;
	}
	return true;
}

/* Recursion ends with the parser's JSON_DEPTH_MAX. */
static bool read_plain(struct reading *r, const struct json *value, struct value *out)
{
	switch (value->type) {
	case JSON_TRUE:
	case JSON_FALSE: *out = value_bool(value->type == JSON_TRUE); return true;
	case JSON_NUMBER: *out = plain_number(value->text); return true;
	case JSON_STRING: *out = value_str(value->text); return true;
	case JSON_ARRAY: return read_plain_list(r, value, out);
	case JSON_OBJECT: return read_plain_map(r, value, out);
	default: *out = value_null(); return true;
	}
}

/* Quoted or not. */
static bool read_signed(struct reading *r, const struct json *value, struct value *out)
{
	int64_t number;

	(void)r;
	if (text_to_int(value->text, &number) < 0)
		return false;
	*out = value_int(number);
	return true;
}

static bool read_unsigned(struct reading *r, const struct json *value, struct value *out)
{
	uint64_t number;

	(void)r;
	if (text_to_uint(value->text, &number) < 0)
		return false;
	*out = value_uint(number);
	return true;
}

static bool read_bytes(struct reading *r, const struct json *value, struct value *out)
{
	char *bytes = arena_alloc(r->arena, (size_t)value->text.len / 4 * 3 + 3);
	int len = bytes ? base64_decode(value->text, bytes) : -1;

	if (!bytes)
		return out_of_memory(r);
	*out = value_bytes(bytes, (uint32_t)MAX(len, 0));
	return len >= 0;
}

/* null: one that is not finite. */
static bool read_double(struct reading *r, const struct json *value, struct value *out)
{
	(void)r;
	*out = value_double(value->type == JSON_NULL ? (double)NAN : number_of(value->text));
	return true;
}

/* {"value":[...]}, {} or a bare array. */
static bool read_list(struct reading *r, const struct json *value, struct value *out)
{
	static const struct json nothing = { .type = JSON_ARRAY };
	const struct json *list = value->type == JSON_OBJECT ? json_get(value, "value") : value;

	if (!list || list->type == JSON_NULL)
		list = &nothing;
	return list->type == JSON_ARRAY && read_plain_list(r, list, out);
}

#define IS(type) (1u << (type))

/* The keys by which data[] names the kind of a value, and what may stand there. */
static const struct kind {
	const char *key;
	uint8_t field; /* enum field_type */
	uint32_t types;
	bool (*read)(struct reading *r, const struct json *value, struct value *out);
	const char *expected;
} kinds[] = {
	{ "int32", FIELD_i32, IS(JSON_NUMBER), read_signed, "an integer" },
	{ "int64", FIELD_i64, IS(JSON_NUMBER) | IS(JSON_STRING), read_signed, "an integer" },
	{ "u_int32", FIELD_u32, IS(JSON_NUMBER), read_unsigned, "an integer from 0" },
	{ "u_int64", FIELD_u64, IS(JSON_NUMBER) | IS(JSON_STRING), read_unsigned,
	  "an integer from 0" },
	{ "pointer", FIELD_pointer, IS(JSON_NUMBER) | IS(JSON_STRING), read_unsigned,
	  "an integer from 0" },
	{ "str", FIELD_str, IS(JSON_STRING), read_plain, "a string" },
	{ "bool", FIELD_bool, IS(JSON_TRUE) | IS(JSON_FALSE), read_plain, "true or false" },
	{ "bytes", FIELD_bytes, IS(JSON_STRING), read_bytes, "base64" },
	{ "double", FIELD_timespec, IS(JSON_NUMBER) | IS(JSON_NULL), read_double, "a number" },
	{ "str_array", FIELD_strs, IS(JSON_OBJECT) | IS(JSON_ARRAY), read_list, "an array" },
	{ "int32_array", FIELD_i16s, IS(JSON_OBJECT) | IS(JSON_ARRAY), read_list, "an array" },
};

/* Objects of a kind of Tracee's print under its name; others under another. */
static bool object_kind(struct str key, uint8_t *kind)
{
	static const struct str keys[] = {
#define TYPE(name, c_type, tracee_name, json_key, cel_type) STR(json_key),
#include "types.def"
#undef TYPE
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (field_is_object((uint8_t)(FIELD_none + 1 + i)) && str_equal(keys[i], key))
			*kind = (uint8_t)(FIELD_none + 1 + i);
	return true;
}

static bool read_value(struct reading *r, const struct json *value, struct value *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const struct kind *kind = &kinds[i];

		if (!str_equal(value->key, str_of(kind->key)))
			continue;
		if (!(kind->types & IS(value->type)) || !kind->read(r, value, out))
			return !r->no_memory && wrong(r, value, kind->key, kind->expected);
		out->kind = kind->field;
		return true;
	}
	return read_plain(r, value, out) && object_kind(value->key, &out->kind);
}

/* ---- data ------------------------------ */

/* The member of an element of data[] that is not its name. */
static const struct json *value_member(const struct json *element)
{
	for (const struct json *member = element->first; member; member = member->next)
		if (!str_equal(member->key, STR("name")))
			return member;
	return NULL;
}

static bool read_element(struct reading *r, const struct json *element, struct event_field *field,
			 struct value *out)
{
	const struct json *name = json_get(element, "name");
	const struct json *value = element->type == JSON_OBJECT ? value_member(element) : NULL;

	if (!name || name->type != JSON_STRING)
		return wrong(r, name ? name : element, "data", "elements with a name");
	field->name = c_text(r, name->text);
	if (!field->name || (value && !read_value(r, value, out)))
		return false;
	field->type = out->kind;
	return true;
}

/* A definition and the values of an event from its own data[]. */
static bool read_data(struct reading *r, const struct json *line, struct event_def *def,
		      const struct value **out)
{
	const struct json *data = json_get(line, "data");
	bool absent = !data || data->type == JSON_NULL;
	uint32_t count = absent ? 0 : count_items(data), i = 0;

	if (!absent && data->type != JSON_ARRAY)
		return wrong(r, data, "data", "an array");
	if (count > UINT16_MAX)
		return wrong(r, data, "data", "at most 65535 elements");
	struct event_field *fields = arena_array(r->arena, struct event_field, count + 1);
	struct value *values = arena_array(r->arena, struct value, count + 1);

	if (!fields || !values)
		return out_of_memory(r);
	for (const struct json *element = absent ? NULL : data->first; element;
	     element = element->next, i++)
		if (!read_element(r, element, &fields[i], &values[i]))
			return false;
	def->fields = fields;
	def->field_count = (uint16_t)count;
	*out = values;
	return true;
}

/* ---- definitions ------------------------------ */

/*
 * Of an event that is not in the table. id: as it is printed; detected_from prints the internal
 * one (event_internal_id), which a definition with a system call of that number has.
 */
static struct event_def *def_new(struct reading *r, const struct json *line, bool internal)
{
	struct event_def *def = arena_new(r->arena, struct event_def);
	struct str name = { 0 };
	uint64_t id = 0;

	if (!def)
		return out_of_memory(r), NULL;
	if (!read_text(r, line, "name", &name) ||
	    !read_uint(r, line, "id", internal ? UINT16_MAX + 88u : UINT16_MAX, &id))
		return NULL;
	bool fits = internal && id <= INT16_MAX;

	def->name = c_text(r, name);
	def->version = def->sets = "";
	def->id = (uint16_t)id;
	def->syscall = fits ? (int16_t)id : -1;
	def->syscall32 = -1;
	return def->name ? def : NULL;
}

static const struct event_def *def_find(const struct json *line)
{
	const struct json *name = json_get(line, "name");

	return name && name->type == JSON_STRING ? event_by_name(name->text) : NULL;
}

/* ---- what detections have ------------------------------ */

static bool read_properties(struct reading *r, const struct json *properties, struct threat *threat)
{
	uint32_t i = 0;

	if (!properties || properties->type == JSON_NULL)
		return true;
	if (properties->type != JSON_OBJECT)
		return wrong(r, properties, "properties", "an object");
	threat->property_count = count_items(properties);
	threat->properties = arena_array(r->arena, struct threat_property,
					 threat->property_count + 1);
	if (!threat->properties)
		return out_of_memory(r);
	for (const struct json *p = properties->first; p; p = p->next) {
		if (p->type != JSON_STRING)
			return wrong(r, p, "properties", "strings");
		threat->properties[i++] = (struct threat_property){ p->key, p->text };
	}
	return true;
}

static bool read_mitre(struct reading *r, const struct json *mitre, struct threat *threat)
{
	const struct json *technique = json_get(mitre, "technique");

	if (!mitre || mitre->type == JSON_NULL)
		return true;
	threat->has_mitre = true;
	return read_text(r, json_get(mitre, "tactic"), "name", &threat->tactic) &&
	       read_text(r, technique, "id", &threat->technique_id) &&
	       read_text(r, technique, "name", &threat->technique_name);
}

static bool read_threat(struct reading *r, const struct json *line, struct event *event)
{
	const struct json *object = json_get(line, "threat");
	uint64_t severity = 0;

	if (!object || object->type == JSON_NULL)
		return true;
	if (object->type != JSON_OBJECT)
		return wrong(r, object, "threat", "an object");
	struct threat *threat = arena_new(r->arena, struct threat);

	if (!threat)
		return out_of_memory(r);
	event->threat = threat;
	if (!read_text(r, object, "name", &threat->name) ||
	    !read_text(r, object, "description", &threat->description) ||
	    !read_uint(r, object, "severity", SEVERITY_CRITICAL, &severity) ||
	    !read_mitre(r, json_get(object, "mitre"), threat) ||
	    !read_properties(r, json_get(object, "properties"), threat))
		return false;
	threat->severity = (enum severity)severity;
	return true;
}

static bool read_identity(struct reading *r, const struct json *line, struct event *event,
			  struct event_def *def)
{
	const struct json *object = json_get(line, "alert"), *rule = json_get(object, "rule");
	struct str id = { 0 }, version = { 0 };

	if (!object || object->type == JSON_NULL)
		return true;
	if (object->type != JSON_OBJECT)
		return wrong(r, object, "alert", "an object");
	struct alert_identity *identity = arena_new(r->arena, struct alert_identity);

	if (!identity)
		return out_of_memory(r);
	if (!read_text(r, object, "id", &id) || !read_text(r, rule, "id", &event->rule) ||
	    !read_text(r, rule, "version", &version) ||
	    !read_uint(r, object, "sequence", UINT64_MAX, &identity->sequence))
		return false;
	if (id.len != ALERT_ID_LEN)
		return line_fault_set(&r->fault, object->at, "'alert': its id is no UUID");
	memcpy(identity->id, id.data, ALERT_ID_LEN);
	event->alert = identity;
	def->version = c_text(r, version);
	return def->version != NULL;
}

/*
 * Text that was there and printed as nothing: bytes none of which is UTF-8, of which one has to
 * stand for all. Without it the member would be left out when it is written again.
 */
static const struct str undecodable = STR("\xff");

static void keep_empty(const struct json *object, const char *name, struct str *text)
{
	const struct json *value = json_get(object, name);

	if (value && value->type == JSON_STRING && !value->text.len)
		*text = undecodable;
}

static void keep_all_empty(const struct json *line, struct wire_header *wire,
			   struct event_given *given)
{
	const struct json *workload = json_get(line, "workload");
	const struct json *process = json_get(workload, "process");
	const struct json *image = json_get(json_get(workload, "container"), "image");
	const struct json *digests = json_get(image, "repo_digests");
	struct str comm = { 0 };

	keep_empty(json_get(process, "thread"), "name", &comm);
	if (comm.len)
		memcpy(wire->comm, comm.data, comm.len);
	keep_empty(json_get(process, "executable"), "path", &given->executable);
	keep_empty(image, "name", &given->image_name);
	if (digests && digests->type == JSON_ARRAY && digests->first &&
	    digests->first->type == JSON_STRING && !digests->first->text.len)
		given->image_digest = undecodable;
}

static bool read_moment(struct reading *r, const struct json *object, const char *name,
			uint64_t *out)
{
	struct str text = { 0 };

	if (!read_text(r, object, name, &text))
		return false;
	if (text.data && !line_parse_time(text, out))
		return line_fault_set(&r->fault, json_get(object, name)->at,
				      "'%s': this is not a time as in RFC 3339", name);
	return true;
}

/* What a rule with memory tells of itself. */
static bool read_state(struct reading *r, const struct json *line, struct event *event)
{
	const struct json *object = json_get(line, "state");
	struct str phase = { 0 };

	if (!object || object->type == JSON_NULL)
		return true;
	if (object->type != JSON_OBJECT)
		return wrong(r, object, "state", "an object");
	struct event_state *state = arena_new(r->arena, struct event_state);

	if (!state)
		return out_of_memory(r);
	event->state = state;
	if (!read_text(r, object, "phase", &phase) ||
	    !read_moment(r, object, "first", &state->first) ||
	    !read_moment(r, object, "last", &state->last) ||
	    !read_uint(r, object, "events", UINT64_MAX, &state->events) ||
	    !read_uint(r, object, "lost", UINT64_MAX, &state->lost))
		return false;
	state->phase = c_text(r, phase);
	return state->phase != NULL;
}

static bool read_ancestor(struct reading *r, const struct json *object, struct given_ancestor *out)
{
	uint64_t id = 0, pid = 0, ns_pid = 0;

	if (!read_uint(r, object, "unique_id", UINT32_MAX, &id) ||
	    !read_uint(r, object, "host_pid", UINT32_MAX, &pid) ||
	    !read_uint(r, object, "pid", UINT32_MAX, &ns_pid) ||
	    !read_text(r, json_get(object, "executable"), "path", &out->executable) ||
	    !read_text(r, json_get(object, "thread"), "name", &out->comm))
		return false;
	keep_empty(json_get(object, "executable"), "path", &out->executable);
	keep_empty(json_get(object, "thread"), "name", &out->comm);
	out->process_id = (uint32_t)id;
	out->pid = (uint32_t)pid;
	out->ns_pid = (uint32_t)ns_pid;
	return true;
}

/* Those of Tracee's are one without a name, and read with the context. */
static bool read_ancestors(struct reading *r, const struct json *line, struct event *event,
			   struct event_given *given)
{
	const struct json *process = json_get(json_get(line, "workload"), "process");
	const struct json *array = json_get(process, "ancestors");
	uint32_t i = 0;

	if (!array || array->type != JSON_ARRAY || !array->first)
		return true;
	struct given_ancestor *ancestors = arena_array(r->arena, struct given_ancestor,
						       count_items(array));

	if (!ancestors)
		return out_of_memory(r);
	for (const struct json *item = array->first; item; item = item->next)
		if (!read_ancestor(r, item, &ancestors[i++]))
			return false;
	given->ancestors = ancestors;
	given->ancestor_count = i;
	event->print_ancestry = i > 1 || ancestors[0].comm.len || ancestors[0].executable.len;
	return true;
}

/* ---- what it was detected from ------------------------------ */

/* Into a record of its own. */
static bool read_record(struct reading *r, const struct json *line, const struct event_def *def,
			const struct wire_header *context, struct event *event)
{
	struct line_record *record = arena_alloc(r->arena, sizeof(*record));

	if (!record)
		return out_of_memory(r);
	record->header = *context;
	record->header.id = def->id;
	if (!fields_read(line, def, record, &r->fault))
		return false;
	event->def = def;
	event->wire = &record->header;
	return true;
}

/* ev: the detection, whose context its inputs share. */
static bool read_input(struct reading *r, const struct json *line, const struct event *ev,
		       unsigned depth, const struct event **out)
{
	const struct event_def *known = def_find(line);
	struct event *event = arena_new(r->arena, struct event);
	const struct json *parent = json_get(line, "parent");

	/* A detector may be called like an event that only Tracee has. */
	if (known && ev->wire->id && known->id != ev->wire->id)
		known = NULL;
	if (!event)
		return out_of_memory(r);
	if (line->type != JSON_OBJECT || depth > CHAIN_MAX)
		return wrong(r, line, "detected_from",
			     depth > CHAIN_MAX ? "at most 8 levels" : "an object");
	*out = event;
	*event = (struct event){ .wire = ev->wire, .given = ev->given, .clock = ev->clock };
	if (known)
		return read_record(r, line, known, ev->wire, event);
	struct event_def *def = def_new(r, line, true);

	if (!def || !read_data(r, line, def, &event->values))
		return false;
	event->def = def;
	if (!parent || parent->type == JSON_NULL)
		return true;
	event->print_detected_from = true; /* the next level is printed too */
	return read_input(r, parent, ev, depth + 1, &event->detected_from);
}

static bool read_detected_from(struct reading *r, const struct json *line, struct event *event)
{
	const struct json *input = json_get(line, "detected_from");

	if (!input || input->type == JSON_NULL)
		return true;
	event->print_detected_from = true;
	return read_input(r, input, event, 1, &event->detected_from);
}

/* ---- the whole ------------------------------ */

static bool read_host(struct reading *r, const struct json *line, struct alert *out)
{
	struct str version = { 0 };

	out->options.host = &out->host;
	if (!read_text(r, line, "host", &out->host.name) ||
	    !read_text(r, line, "machine_id", &out->host.machine_id) ||
	    !read_text(r, line, "boot_id", &out->host.boot_id) ||
	    !read_texts(r, line, "addresses", &out->host.addresses, &out->host.address_count) ||
	    !read_text(r, json_get(line, "sensor"), "version", &version))
		return false;
	out->host.address_count = MIN(out->host.address_count, (uint32_t)ADDRESSES_MAX);
	out->options.sensor_version = c_text(r, version);
	return out->options.sensor_version != NULL;
}

static bool read_produced(struct reading *r, const struct json *line, struct event *event,
			  struct event_given *given)
{
	const struct json *alert = json_get(line, "alert");
	struct wire_header *wire = arena_alloc(r->arena, sizeof(*wire));
	struct event_def *def = def_new(r, line, false);

	if (!def)
		return false;
	if (!wire)
		return out_of_memory(r);
	event->def = def;
	event->wire = wire;
	if (!line_context(line, NULL, wire, given, &r->fault) ||
	    !read_text(r, alert, "source", &given->source_event))
		return false;
	const struct event_def *source = given->source_event.data
						 ? event_by_name(given->source_event)
						 : NULL;

	keep_all_empty(line, wire, given);
	wire->id = source ? source->id : 0;
	wire->size = sizeof(*wire);
	return read_data(r, line, def, &event->values) && read_threat(r, line, event) &&
	       read_state(r, line, event) && read_identity(r, line, event, def) &&
	       read_detected_from(r, line, event);
}

/* An event of the table. */
static bool read_known(struct reading *r, const struct json *line, struct event *event,
		       struct event_given *given)
{
	struct line_record *record = arena_alloc(r->arena, sizeof(*record));

	if (!record)
		return out_of_memory(r);
	if (line_convert(line, record, &r->fault) != LINE_EVENT)
		return false;
	*given = record->given;
	keep_all_empty(line, &record->header, given);
	event->wire = &record->header;
	event->def = event_by_id(record->header.id);
	return true;
}

static bool read_line(struct reading *r, const struct json *line, struct alert *out)
{
	static const struct clock epoch;
	const struct json *legacy = json_get(line, "eventName"), *name = json_get(line, "name");
	struct event_given *given = arena_new(r->arena, struct event_given);
	struct event *event = &out->event;

	if (!given)
		return out_of_memory(r);
	if (line->type != JSON_OBJECT)
		return wrong(r, line, "line", "an event as an object");
	*event = (struct event){ .given = given, .clock = &epoch };
	if (!legacy && (!name || name->type != JSON_STRING))
		return wrong(r, name, "name", "an event with a name");
	bool produced = line_is_produced(line);

	if (legacy && (produced || legacy->type != JSON_STRING || !event_by_name(legacy->text)))
		return line_fault_set(&r->fault, legacy->at,
				      "'eventName': this event cannot be read in Tracee's older "
				      "form, only in v1beta1");
	if (legacy || (!produced && def_find(line)))
		return read_known(r, line, event, given) && read_host(r, line, out);
	if (!read_produced(r, line, event, given))
		return false;
	return read_ancestors(r, line, event, given) && read_host(r, line, out);
}

static int fail(const struct reading *r, const char *text, struct err *err)
{
	if (r->no_memory)
		return err_set(err, -ENOMEM, "out of memory");
	err->line = 1;
	err->column = r->fault.at ? (uint32_t)(r->fault.at - text) + 1 : 0;
	return err_set(err, -EBADMSG, "%s", r->fault.text);
}

int alert_read(struct arena *arena, struct str line, struct alert *out, struct err *err)
{
	struct reading reading = { .arena = arena };
	struct json_fault parse_fault;
	struct str copy = line.len > ALERT_LINE_MAX ? (struct str){ 0 }
						    : arena_str(arena, line.data, line.len);

	*out = (struct alert){ 0 };
	if (line.len > ALERT_LINE_MAX)
		return err_set(err, -EBADMSG, "the line is longer than 16 MiB");
	if (!copy.data)
		return err_set(err, -ENOMEM, "out of memory");
	const struct json *tree = json_parse(arena, (char *)copy.data, copy.len, &parse_fault);

	if (!tree) {
		line_fault_set(&reading.fault, parse_fault.at, "%s", parse_fault.what);
		return fail(&reading, copy.data, err);
	}
	if (!read_line(&reading, tree, out) ||
	    !read_texts(&reading, json_get(tree, "policies"), "matched", &out->event.policies,
			&out->event.policy_count))
		return fail(&reading, copy.data, err);
	return 0;
}
