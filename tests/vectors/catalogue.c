/* SPDX-License-Identifier: Apache-2.0 */
/* Events of recorded cases: definitions from the recorded catalogue, and events from JSON. */
#include <time.h>

#include "kinds.h"
#include "object.h"

static uint8_t type_of(const char *tracee_name)
{
	static const struct {
		const char *name;
		uint8_t type;
	} types[] = {
#define TYPE(name, c_type, tracee_name, json_key, cel_type) { tracee_name, FIELD_##name },
#include "types.def"
#undef TYPE
		{ "int", FIELD_i64 },
		{ "uint8", FIELD_u32 },
		{ "string", FIELD_str },
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(types[i].name, tracee_name) == 0)
			return types[i].type;
	return FIELD_none;
}

static const json_t *find_row(struct row *row, const char *name)
{
	static json_t *catalogue;
	char path[1024];

	if (!catalogue) {
		snprintf(path, sizeof(path), "%s/events.json", row->folder);
		catalogue = json_load_file(path, 0, NULL);
		if (!catalogue) {
			snprintf(path, sizeof(path), "%s/../events.json", row->folder);
			catalogue = json_load_file(path, 0, NULL);
		}
	}
	for (size_t i = 0; i < json_array_size(catalogue); i++)
		if (strcmp(text_of(json_array_get(catalogue, i), "name"), name) == 0)
			return json_array_get(catalogue, i);
	return NULL;
}

const struct event_def *catalogue_event(struct row *row, const char *name)
{
	const json_t *found = find_row(row, name);
	const json_t *list = json_object_get(found, "fields");
	struct event_def *def = arena_new(&row->arena, struct event_def);
	struct event_field *fields = arena_array(&row->arena, struct event_field,
						 json_array_size(list) + 1);

	if (!found)
		return NULL;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *field = json_array_get(list, i);

		fields[i] = (struct event_field){ .name = text_of(field, "name"),
						  .type = type_of(text_of(field, "type")),
						  .names = "raw",
						  .origin = "K",
						  .captured = "",
						  .doc = "" };
	}
	*def = (struct event_def){ .id = 9999,
				   .name = text_of(found, "name"),
				   .version = "1.0.0",
				   .sets = "",
				   .syscall = -1,
				   .syscall32 = -1,
				   .field_count = (uint16_t)json_array_size(list),
				   .fields = fields };
	return def;
}

/* ---- events --------------------------------------------------------------- */

static struct value text_value(const json_t *json)
{
	return value_string(json_string_value(json), (uint32_t)json_string_length(json));
}

static struct value number_value(const json_t *json, bool is_signed)
{
	const char *text = json_string_value(json);
	uint64_t bits = text ? (is_signed ? (uint64_t)strtoll(text, NULL, 10)
					  : strtoull(text, NULL, 10))
			     : (uint64_t)json_integer_value(json);

	return is_signed ? value_int((int64_t)bits) : value_uint(bits);
}

static struct value list_value(struct row *row, const json_t *json, uint8_t kind)
{
	const json_t *items = json_object_get(json, "value");
	size_t count = json_array_size(items);
	struct value_list *list = arena_zalloc(&row->arena,
					       sizeof(*list) + count * sizeof(struct value));

	list->count = (uint32_t)count;
	for (size_t i = 0; i < count; i++)
		list->items[i] = kind == FIELD_strs ? text_value(json_array_get(items, i))
						    : number_value(json_array_get(items, i),
								   kind == FIELD_i32s);
	return (struct value){ .tag = VALUE_LIST, .len = (uint32_t)count, .list = list };
}

static uint8_t base64_digit(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (uint8_t)(at - digits) : 0;
}

static struct value bytes_value(struct row *row, const json_t *json)
{
	const char *text = json_string_value(json);
	size_t len = json_string_length(json), out = 0;
	char *bytes = arena_alloc(&row->arena, len + 3);

	for (size_t i = 0; i + 3 < len; i += 4) {
		uint32_t group = 0;

		for (size_t k = 0; k < 4; k++)
			group = group << 6 | base64_digit(text[i + k]);
		for (size_t k = 0; k < 3; k++)
			bytes[out++] = (char)(group >> (16 - 8 * k));
	}
	while (len && text[len - 1] == '=') {
		len--;
		out--;
	}
	return value_bytes(bytes, (uint32_t)out);
}

/* Objects: as the text that a record would have. */
static struct value object_of(struct row *row, const json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
	struct value value = object_of_text(str_of(text), &row->arena);

	free(text);
	return value;
}

static struct value value_of(struct row *row, const json_t *json, uint8_t kind)
{
	switch (kind) {
	case FIELD_i32:
	case FIELD_i64: return number_value(json, true);
	case FIELD_u32:
	case FIELD_u64:
	case FIELD_pointer: return number_value(json, false);
	case FIELD_bool: return value_bool(json_is_true(json));
	case FIELD_str: return text_value(json);
	case FIELD_bytes: return bytes_value(row, json);
	case FIELD_strs:
	case FIELD_i32s:
	case FIELD_u64s: return list_value(row, json, kind);
	default: return is_object_kind(kind) ? object_of(row, json) : value_null();
	}
}

/* The first type that prints under this key: the most usual one. */
static uint8_t kind_of(const char *key)
{
	static const char *const keys[] = {
		"",
#define TYPE(name, c_type, tracee_name, json_key, cel_type) json_key,
#include "types.def"
#undef TYPE
	};

	if (strcmp(key, "str") == 0)
		return FIELD_str; /* names of system calls print like it */
	if (strcmp(key, "int32_array") == 0)
		return FIELD_i32s;
	for (uint8_t kind = 1; kind < ARRAY_SIZE(keys); kind++)
		if (strcmp(keys[kind], key) == 0)
			return kind;
	return FIELD_none;
}

/* One entry of an event's data; false: a type that we have not. */
static bool entry_value(struct row *row, const json_t *entry, struct value *out)
{
	const char *key;
	json_t *json;

	*out = value_null();
	json_object_foreach((json_t *)entry, key, json)
	{
		uint8_t kind = kind_of(key);

		if (strcmp(key, "name") == 0)
			continue;
		if (kind == FIELD_none)
			return false;
		*out = value_of(row, json, kind);
		out->kind = kind;
	}
	return true;
}

static struct value *values_of(struct row *row, const json_t *data, const struct event_def *def)
{
	struct value *values = arena_array(&row->arena, struct value, def->field_count + 1u);

	for (size_t i = 0; i < json_array_size(data); i++) {
		const json_t *entry = json_array_get(data, i);
		int index = event_field_index(def, str_of(text_of(entry, "name")));
		struct value value;

		if (!entry_value(row, entry, &value)) {
			row_skipped(row, "the event has a value of a type that records lack");
			return NULL;
		}
		/* The first of a name counts; names the event has not are out of reach. */
		if (index >= 0 && values[index].tag == VALUE_NULL)
			values[index] = value;
	}
	return values;
}

static uint32_t uint_of(const json_t *object, const char *key)
{
	return (uint32_t)json_integer_value(json_object_get(object, key));
}

static void fill_process(struct event_given *given, struct wire_header *h, const json_t *process)
{
	const json_t *thread = json_object_get(process, "thread");
	const json_t *parent = json_array_get(json_object_get(process, "ancestors"), 0);
	struct str comm = str_of_json(json_object_get(thread, "name"));

	given->has_process = process != NULL;
	given->has_parent = parent != NULL;
	given->process_id = uint_of(process, "unique_id");
	given->thread_id = uint_of(thread, "unique_id");
	given->parent_id = uint_of(parent, "unique_id");
	given->executable = str_of_json(
		json_object_get(json_object_get(process, "executable"), "path"));
	given->syscall_name = str_of_json(json_object_get(thread, "syscall"));
	h->pid = uint_of(process, "host_pid");
	h->ns_pid = uint_of(process, "pid");
	h->uid = h->euid = uint_of(json_object_get(process, "real_user"), "id");
	h->tid = uint_of(thread, "host_tid");
	h->ns_tid = uint_of(thread, "tid");
	h->ppid = uint_of(parent, "host_pid");
	h->ns_ppid = uint_of(parent, "pid");
	if (comm.data)
		memcpy(h->comm, comm.data, MIN(comm.len, (uint32_t)WIRE_COMM_LEN));
}

static void fill_container(struct event_given *given, const json_t *workload)
{
	const json_t *container = json_object_get(workload, "container");
	const json_t *image = json_object_get(container, "image");
	const json_t *k8s = json_object_get(workload, "k8s");
	const json_t *pod = json_object_get(k8s, "pod");

	given->has_container = container != NULL;
	given->container_id = str_of_json(json_object_get(container, "id"));
	given->container_name = str_of_json(json_object_get(container, "name"));
	given->container_started = json_is_true(json_object_get(container, "started"));
	given->image_id = str_of_json(json_object_get(image, "id"));
	given->image_name = str_of_json(json_object_get(image, "name"));
	given->pod_name = str_of_json(json_object_get(pod, "name"));
	given->pod_uid = str_of_json(json_object_get(pod, "uid"));
	given->pod_namespace = str_of_json(
		json_object_get(json_object_get(k8s, "namespace"), "name"));
}

/* RFC 3339 in UTC, as all recorded times are. */
uint64_t epoch_of_text(const char *text)
{
	struct tm tm = { 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	double fraction = rest && *rest == '.' ? strtod(rest, NULL) : 0;

	return rest ? (uint64_t)timegm(&tm) * 1000000000 + (uint64_t)(fraction * 1e9 + 0.5) : 0;
}

struct event *event_of_json(struct row *row, const json_t *json, const struct event_def *def)
{
	static const struct clock clock = { 0 };
	struct event *event = arena_new(&row->arena, struct event);
	struct event_given *given = arena_new(&row->arena, struct event_given);
	struct wire_header *h = arena_new(&row->arena, struct wire_header);
	const json_t *workload = json_object_get(json, "workload");

	h->size = sizeof(*h);
	h->id = def->id;
	h->syscall = -1;
	h->time = epoch_of_text(text_of(json, "timestamp"));
	fill_process(given, h, json_object_get(workload, "process"));
	fill_container(given, workload);
	*event = (struct event){ .def = def, .wire = h, .given = given, .clock = &clock };
	event->values = values_of(row, json_object_get(json, "data"), def);
	return event->values ? event : NULL;
}
