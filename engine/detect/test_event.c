/* SPDX-License-Identifier: Apache-2.0 */
/* Events of rule tests, see test_event.h. */
#include "test_event.h"

#include <errno.h>
#include <limits.h>

#include "base/buf.h"
#include "base/suggest.h"
#include "base/timespan.h"
#include "environment.h"
#include "event/json.h"
#include "event/object.h"
#include "store.h"

/* Long after the epoch, long after the test's boot. */
const struct clock test_clock = { .boot_epoch_ns = 1700000000000000000 };
enum { TEST_PID = 1000, TEST_UID = 1000, MILLISECOND = 1000000 };
enum { REPEAT_MAX = 100000 };
static const uint64_t test_start = test_epoch / 2;

#define AT(type, member) offsetof(struct type, member)
#define TEXT(type, member, words) \
	{ \
#member, KEY_TEXT, false, AT(type, member), NULL, NULL, NULL, words \
	}
#define FLAG(type, member, words) \
	{ \
#member, KEY_BOOL, false, AT(type, member), NULL, NULL, NULL, words \
	}

static const struct schema_key process_keys[] = {
	TEXT(test_process_text, pid, "process id, 1000"),
	TEXT(test_process_text, tid, "thread id, that of the process"),
	TEXT(test_process_text, ppid, "process id of the parent, 1"),
	TEXT(test_process_text, uid, "real user id, 1000"),
	TEXT(test_process_text, euid, "effective user id, that of the real one"),
	TEXT(test_process_text, gid, "group id, that of the user"),
	TEXT(test_process_text, loginuid, "login user id, never set"),
	TEXT(test_process_text, comm, "name, that of the executable"),
	TEXT(test_process_text, executable, "path, /usr/bin/test"),
	TEXT(test_process_text, mnt_ns, "inode of the namespace"),
	TEXT(test_process_text, pid_ns, "inode of the namespace"),
	TEXT(test_process_text, ipc_ns, "inode of the namespace"),
	TEXT(test_process_text, user_ns, "inode of the namespace"),
	TEXT(test_process_text, net_ns, "inode of the namespace"),
	TEXT(test_process_text, cgroup_id, "id of the cgroup"),
	FLAG(test_process_text, compat, "a 32-bit system call"),
	FLAG(test_process_text, kernel_thread, "a kernel thread"),
};
const struct schema test_process_schema = { "a process", process_keys, ARRAY_SIZE(process_keys),
					    sizeof(struct test_process_text) };

static const struct schema_key container_keys[] = {
	TEXT(test_container_text, id, "container id"),
	TEXT(test_container_text, name, "container name"),
	TEXT(test_container_text, image, "image name"),
	FLAG(test_container_text, started, "its entry point has been executed"),
};
static const struct schema container_schema = { "a container", container_keys,
						ARRAY_SIZE(container_keys),
						sizeof(struct test_container_text) };

static const struct schema_key event_keys[] = {
	{ "name", KEY_TEXT, true, AT(test_event_text, name), NULL, "an event needs a name", NULL,
	  "the event", .def = "event_name" },
	{ "data", KEY_ANY, false, AT(test_event_text, data), NULL, NULL, NULL, "fields: values" },
	{ "time", KEY_TEXT, false, AT(test_event_text, time), NULL, NULL, NULL,
	  "since the start of the test: seconds, or as 300ms" },
	{ "after", KEY_TEXT, false, AT(test_event_text, after), NULL, NULL, NULL,
	  "since the event before, as time; 1ms" },
	{ "repeat", KEY_TEXT, false, AT(test_event_text, repeat), NULL, NULL, NULL,
	  "it happens so many times; $n in its values is 0, 1, ..." },
	{ "every", KEY_TEXT, false, AT(test_event_text, every), NULL, NULL, NULL,
	  "between two of them, as time; 1ms" },
	{ "process", KEY_MAP, false, AT(test_event_text, process), &test_process_schema, NULL, NULL,
	  "who did it" },
	{ "container", KEY_MAP, false, AT(test_event_text, container), &container_schema, NULL,
	  NULL, "in which container" },
	{ "from_user", KEY_ANY, false, AT(test_event_text, from_user), NULL, NULL, NULL,
	  "fields that were read from user memory" },
};
const struct schema test_event_schema = { "an event", event_keys, ARRAY_SIZE(event_keys),
					  sizeof(struct test_event_text) };

/* ---- values ------------------------------------------------------------------------ */

static const struct environment_constant *find_constant(struct str name)
{
	for (size_t i = 0; i < environment_constant_count; i++)
		if (str_equal(name, str_of(environment_constants[i].name)))
			return &environment_constants[i];
	return NULL;
}

static int unknown_constant(struct str name, struct err *err)
{
	struct suggest suggest;

	suggest_start(&suggest, name);
	for (size_t i = 0; i < environment_constant_count; i++)
		suggest_try(&suggest, str_of(environment_constants[i].name));
	err_set(err, -EINVAL, "'%.*s' is neither a number nor a constant", (int)name.len,
		name.data);
	if (suggest.best.data)
		err_hint(err, "did you mean %s?", suggest.best.data);
	return -EINVAL;
}

/* One number or name: 12, 0x1f, 0600, IPC_CREAT. */
static int parse_part(struct str part, uint64_t *out, struct err *err)
{
	const struct environment_constant *constant = find_constant(part);
	char text[32];
	char *end;

	if (constant) {
		*out = (uint64_t)constant->value;
		return 0;
	}
	if (part.len == 0 || part.len >= sizeof(text) || part.data[0] < '0' || part.data[0] > '9')
		return unknown_constant(part, err);
	memcpy(text, part.data, part.len);
	text[part.len] = 0;
	errno = 0;
	*out = strtoull(text, &end, 0);
	return *end || errno ? unknown_constant(part, err) : 0;
}

static struct str trim(struct str text)
{
	while (text.len && text.data[0] == ' ')
		text = (struct str){ text.data + 1, text.len - 1 };
	while (text.len && text.data[text.len - 1] == ' ')
		text.len--;
	return text;
}

/* Numbers that are added up. */
static int parse_sum(struct str text, uint64_t *out, struct err *err)
{
	uint64_t part = 0;

	*out = 0;
	for (uint32_t start = 0, at = 0; at <= text.len; at++) {
		if (at < text.len && text.data[at] != '+')
			continue;
		int code = parse_part(trim((struct str){ text.data + start, at - start }), &part,
				      err);

		if (code)
			return code;
		*out += part;
		start = at + 1;
	}
	return 0;
}

/* Parts joined by |, a minus in front of it all. */
static int parse_number(struct str text, uint64_t *out, struct err *err)
{
	bool negative = text.len && text.data[0] == '-';
	uint64_t value = 0, part = 0;

	if (negative)
		text = (struct str){ text.data + 1, text.len - 1 };
	for (uint32_t start = 0, at = 0; at <= text.len; at++) {
		if (at < text.len && text.data[at] != '|')
			continue;
		int code = parse_sum((struct str){ text.data + start, at - start }, &part, err);

		if (code)
			return code;
		value |= part;
		start = at + 1;
	}
	*out = negative ? -value : value;
	return 0;
}

static bool fits(uint64_t value, uint8_t type)
{
	int64_t i = (int64_t)value;

	switch (type) {
	case FIELD_i32:
	case FIELD_syscall: return i >= INT32_MIN && i <= INT32_MAX;
	case FIELD_u32: return value <= UINT32_MAX;
	case FIELD_u16: return value <= UINT16_MAX;
	case FIELD_u8: return value <= UINT8_MAX;
	default: return true;
	}
}

static int number_value(const struct yaml_node *node, uint8_t type, struct value *out,
			struct err *err)
{
	uint64_t value;
	int code = parse_number(node->text, &value, err);

	if (code)
		return code;
	/* A key written in hexadecimal means its 32 bits. */
	if (type == FIELD_i32 && value <= UINT32_MAX && value > INT32_MAX)
		value = (uint64_t)(int64_t)(int32_t)value;
	if (!fits(value, type))
		return err_set(err, -EINVAL, "%s does not fit the field", node->text.data);
	*out = type == FIELD_i32 || type == FIELD_i64 || type == FIELD_syscall
		       ? value_int((int64_t)value)
		       : value_uint(value);
	return 0;
}

static uint8_t item_type(uint8_t type)
{
	return type == FIELD_strs ? FIELD_str : type == FIELD_u64s ? FIELD_u64 : FIELD_i32;
}

static int list_value(const struct yaml_node *node, uint8_t type, struct arena *arena,
		      struct value *out, struct err *err)
{
	struct value_list *list = arena_zalloc(arena, sizeof(struct value_list) +
							      node->count * sizeof(struct value));

	if (node->kind != YAML_LIST)
		return err_set(err, -EINVAL, "expected a list, found %s", yaml_describe(node));
	if (!list)
		return err_set(err, -ENOMEM, "out of memory");
	list->count = node->count;
	for (uint32_t i = 0; i < node->count; i++) {
		int code = test_value(node->items[i], item_type(type), arena, &list->items[i], err);

		if (code)
			return code;
	}
	*out = (struct value){ .tag = VALUE_LIST, .len = node->count, .list = list };
	return 0;
}

/* A number, true or false as JSON writes them. */
static bool is_json_word(struct str text)
{
	struct arena arena = { 0 };
	struct json_fault fault;
	char *copy = arena_alloc(&arena, text.len + 1u);
	const struct json *word;

	if (copy)
		memcpy(copy, text.data, text.len);
	word = copy ? json_parse(&arena, copy, text.len, &fault) : NULL;
	bool is = word && (word->type == JSON_NUMBER || word->type == JSON_TRUE ||
			   word->type == JSON_FALSE);

	arena_free(&arena);
	return is;
}

/* YAML as JSON text; plain scalars that are a number, true, false or null are that. */
static void write_object(struct buf *out, const struct yaml_node *node)
{
	if (node->kind == YAML_SCALAR) {
		if (node->null)
			buf_lit(out, "null");
		else if (node->style == YAML_PLAIN && is_json_word(node->text))
			buf_str(out, node->text);
		else
			json_text(out, node->text);
		return;
	}
	buf_char(out, node->kind == YAML_MAP ? '{' : '[');
	for (uint32_t i = 0; i < node->count; i++) {
		if (i)
			buf_char(out, ',');
		if (node->kind == YAML_MAP) {
			json_text(out, node->pairs[i].key->text);
			buf_char(out, ':');
		}
		write_object(out, node->kind == YAML_MAP ? node->pairs[i].value : node->items[i]);
	}
	buf_char(out, node->kind == YAML_MAP ? '}' : ']');
}

static int object_text(const struct yaml_node *node, struct arena *arena, struct value *out,
		       struct err *err)
{
	autoclean(buf_free) struct buf text = { 0 };

	if (node->kind != YAML_MAP)
		return err_set(err, -EINVAL, "expected a map, found %s", yaml_describe(node));
	write_object(&text, node);
	*out = value_str(arena_str(arena, text.data, text.len));
	if (text.truncated || !out->str)
		return err_set(err, -ENOMEM, "out of memory");
	return object_check((struct str){ out->str, out->len })
		       ? 0
		       : err_set(err, -EINVAL, "the map cannot be written as JSON");
}

static int double_value(const struct yaml_node *node, struct value *out, struct err *err)
{
	char *end;

	*out = value_double(strtod(node->text.data, &end));
	if (*end || end == node->text.data)
		return err_set(err, -EINVAL, "'%s' is not a number", node->text.data);
	return 0;
}

int test_value(const struct yaml_node *node, uint8_t type, struct arena *arena, struct value *out,
	       struct err *err)
{
	bool truth = false;
	int code = 0;

	if (type == FIELD_strs || field_item_size(type)) {
		code = list_value(node, type, arena, out, err);
	} else if (field_is_object(type)) {
		code = object_text(node, arena, out, err);
	} else if (node->kind != YAML_SCALAR) {
		return err_set(err, -EINVAL, "expected one value, found %s", yaml_describe(node));
	} else if (type == FIELD_str || type == FIELD_none) {
		*out = value_str(node->text);
	} else if (type == FIELD_bytes) {
		*out = value_bytes(node->text.data, node->text.len);
	} else if (type == FIELD_bool) {
		if (!yaml_bool(node, &truth))
			return err_set(err, -EINVAL, "expected true or false");
		*out = value_bool(truth);
	} else if (type == FIELD_timespec) {
		code = double_value(node, out, err);
	} else {
		code = number_value(node, type, out, err);
	}
	if (!code)
		out->kind = type;
	return code;
}

/* ---- records ------------------------------------------------------------------------ */

static uint64_t number_or(struct report *report, const struct yaml_node *node, uint64_t fallback)
{
	struct err err = { .level = ERR_ERROR, .rule = "value" };
	uint64_t value;

	if (!node)
		return fallback;
	if (parse_number(node->text, &value, &err) == 0)
		return value;
	report_add(report, node, &err);
	return fallback;
}

static struct str executable_of(const struct test_process_text *text)
{
	return text->executable ? text->executable->text : STR("/usr/bin/test");
}

static void fill_header(struct report *report, const struct test_process_text *text,
			struct wire_header *h)
{
	struct str path = executable_of(text), name = path;
	uint32_t pid = (uint32_t)number_or(report, text->pid, TEST_PID);
	uint32_t ppid = (uint32_t)number_or(report, text->ppid, 1);
	const char *slash = path.len ? memrchr(path.data, '/', path.len) : NULL;

	if (slash)
		name = (struct str){ slash + 1, path.len - (uint32_t)(slash + 1 - path.data) };
	if (text->comm)
		name = text->comm->text;
	memcpy(h->comm, name.data, MIN(name.len, (uint32_t)WIRE_COMM_LEN - 1));
	h->pid = h->ns_pid = pid;
	h->tid = h->ns_tid = (uint32_t)number_or(report, text->tid, pid);
	h->ppid = h->ns_ppid = ppid;
	/* A process's start follows from its pid, so that it is the same wherever it is named. */
	h->start_time = h->leader_start_time = test_start + pid * (uint64_t)MILLISECOND;
	h->parent_start_time = test_start + ppid * (uint64_t)MILLISECOND;
	h->uid = (uint32_t)number_or(report, text->uid, TEST_UID);
	h->euid = (uint32_t)number_or(report, text->euid, h->uid);
	h->gid = (uint32_t)number_or(report, text->gid, h->uid);
	h->loginuid = (uint32_t)number_or(report, text->loginuid, UINT32_MAX);
	h->mnt_ns = (uint32_t)number_or(report, text->mnt_ns, 4026531841);
	h->pid_ns = (uint32_t)number_or(report, text->pid_ns, 4026531836);
	h->ipc_ns = (uint32_t)number_or(report, text->ipc_ns, 4026531839);
	h->user_ns = (uint32_t)number_or(report, text->user_ns, 4026531837);
	h->net_ns = (uint32_t)number_or(report, text->net_ns, 4026531840);
	h->cgroup_id = number_or(report, text->cgroup_id, 1);
	h->syscall = -1;
	h->flags = WIRE_CONTEXT | (text->compat ? WIRE_COMPAT : 0) |
		   (text->kernel_thread ? WIRE_KERNEL_THREAD : 0);
}

void test_process_learn(struct report *report, const struct test_process_text *text,
			struct stores *stores, struct arena *arena)
{
	struct str path = executable_of(text);
	size_t size = sizeof(struct wire_header) + sizeof(struct ev_process_existing) +
		      (size_t)path.len * 2 + 16;
	struct wire_header *h = arena_zalloc(arena, size);
	struct ev_process_existing *body = (void *)(h + 1);
	uint32_t tail = sizeof(*h) + sizeof(*body);

	if (!h)
		return;
	fill_header(report, text, h);
	h->id = EV_process_existing;
	h->size = (uint32_t)((size + 7) & ~(size_t)7);
	h->time = test_start;
	body->pathname = (struct wire_ref){ tail, path.len };
	memcpy((char *)h + tail, path.data, path.len);
	/* argv is the path alone. */
	body->argv = (struct wire_ref){ tail + path.len, path.len + 1 };
	memcpy((char *)h + tail + path.len, path.data, path.len);
	h->present = FIELD_BIT(process_existing, pathname) | FIELD_BIT(process_existing, argv);
	stores_update(stores, h);
}

/* Bytes behind the body that a value needs. */
static size_t tail_size(struct value value)
{
	size_t size = 0;

	if (value.tag == VALUE_STRING || value.tag == VALUE_BYTES)
		return value.len;
	for (uint32_t i = 0; value.tag == VALUE_LIST && i < value.list->count; i++)
		size += value.kind == FIELD_strs ? value.list->items[i].len + 1
						 : field_item_size(value.kind);
	return size;
}

static void put_number(char *at, struct value value, uint8_t type)
{
	static const uint8_t sizes[FIELD_TYPE_COUNT] = {
		[FIELD_i32] = 4, [FIELD_u32] = 4,     [FIELD_u16] = 2,	[FIELD_i64] = 8,
		[FIELD_u64] = 8, [FIELD_pointer] = 8, [FIELD_time] = 8, [FIELD_bool] = 1,
		[FIELD_u8] = 1,	 [FIELD_syscall] = 4,
	};
	uint64_t bits = value.tag == VALUE_BOOL ? value.b : value.u;

	memcpy(at, &bits, sizes[type]); /* little-endian, as records are */
}

/* Writes a value into a record; *tail is where the next bytes behind the body go. */
static void put_value(struct wire_header *h, const struct event_field *field, struct value value,
		      uint32_t *tail)
{
	char *at = (char *)h + field->offset, *data = (char *)h + *tail;
	struct wire_ref ref = { *tail, (uint32_t)tail_size(value) };

	if (field->type == FIELD_timespec) {
		struct wire_timespec time = {
			(int64_t)value.d, (int64_t)((value.d - (double)(int64_t)value.d) * 1e9)
		};

		memcpy(at, &time, sizeof(time));
		return;
	}
	if (value.tag == VALUE_INT || value.tag == VALUE_UINT || value.tag == VALUE_BOOL) {
		put_number(at, value, field->type);
		return;
	}
	memcpy(at, &ref, sizeof(ref));
	*tail += ref.len;
	if (value.tag != VALUE_LIST) {
		memcpy(data, value.str, value.len);
		return;
	}
	for (uint32_t i = 0; i < value.list->count; i++) {
		struct value item = value.list->items[i];
		bool text = field->type == FIELD_strs;
		size_t len = text ? item.len : field_item_size(field->type);

		/* The low bytes of a number come first. */
		memcpy(data, text ? (const void *)item.str : &item.u, len);
		data += len + text; /* the record is zeroed: a NUL follows each string */
	}
}

/* Values of the fields that are given; NULL with problems reported. */
static struct value *read_data(struct report *report, const struct yaml_node *data,
			       const struct event_def *def, struct arena *arena)
{
	struct value *values = arena_array(arena, struct value, def->field_count + 1u);
	uint32_t before = report->errors;

	if (!values)
		return NULL;
	if (data && data->kind != YAML_MAP)
		report_error(report, data, "kind", NULL, "'data' must be a map, found %s",
			     yaml_describe(data));
	for (uint32_t i = 0; data && data->kind == YAML_MAP && i < data->count; i++) {
		const struct yaml_pair *pair = &data->pairs[i];
		int index = event_field_index(def, pair->key->text);
		struct err err = { .level = ERR_ERROR, .rule = "field" };
		struct suggest suggest;

		if (index >= 0) {
			if (!pair->value->null && test_value(pair->value, def->fields[index].type,
							     arena, &values[index], &err))
				report_add(report, pair->value, &err);
			continue;
		}
		suggest_start(&suggest, pair->key->text);
		for (uint32_t k = 0; k < def->field_count; k++)
			suggest_try(&suggest, str_of(def->fields[k].name));
		err_set(&err, -EINVAL, "event %s has no field '%s'", def->name,
			pair->key->text.data);
		if (suggest.best.data)
			err_hint(&err, "did you mean '%s'?", suggest.best.data);
		report_add(report, pair->key, &err);
	}
	return report->errors == before ? values : NULL;
}

static struct wire_header *make_record(const struct event_def *def, const struct value *values,
				       struct arena *arena)
{
	bool builtin = event_is_known(def);
	size_t size = sizeof(struct wire_header) + (builtin ? def->body_size : 0);
	uint32_t tail = (uint32_t)size;
	struct wire_header *h;

	for (uint32_t i = 0; builtin && i < def->field_count; i++)
		size += tail_size(values[i]);
	size = (size + 7) & ~(size_t)7;
	h = size < WIRE_RECORD_MAX ? arena_zalloc(arena, size) : NULL;
	if (!h)
		return NULL;
	h->size = (uint32_t)size;
	h->id = def->id;
	for (uint32_t i = 0; builtin && i < def->field_count; i++) {
		if (values[i].tag == VALUE_NULL)
			continue;
		h->present |= 1ULL << i;
		put_value(h, &def->fields[i], values[i], &tail);
	}
	return h;
}

static uint64_t user_bits(struct report *report, const struct yaml_node *names,
			  const struct event_def *def)
{
	uint64_t bits = 0;

	for (uint32_t i = 0; names && names->kind == YAML_LIST && i < names->count; i++) {
		int index = event_field_index(def, names->items[i]->text);

		if (index >= 0)
			bits |= 1ULL << index;
		else
			report_error(report, names->items[i], "field", NULL,
				     "event %s has no field '%s'", def->name,
				     names->items[i]->text.data);
	}
	return bits;
}

static const struct container *make_container(const struct test_container_text *text,
					      struct arena *arena)
{
	struct container *container = text->node ? arena_new(arena, struct container) : NULL;

	if (container) {
		container->id = schema_text(text->id);
		container->name = schema_text(text->name);
		container->image_name = schema_text(text->image);
		container->started = text->started;
	}
	return container;
}

/* ---- time and repetition ------------------------------------------------------------ */

uint64_t test_time(struct report *report, const struct yaml_node *node)
{
	struct err err = { .level = ERR_ERROR, .rule = "value" };
	uint64_t ns = 0;
	double seconds;
	char *end;

	seconds = strtod(node->text.data, &end);
	if (end != node->text.data && !*end && seconds >= 0 && seconds < 1e9)
		return (uint64_t)(seconds * 1e9 + 0.5);
	if (timespan_parse(node->text, &ns, &err))
		report_add(report, node, &err);
	return ns;
}

uint32_t test_event_repeat(struct report *report, const struct test_event_text *text,
			   uint64_t *every)
{
	uint64_t count = number_or(report, text->repeat, 1);

	*every = text->every ? test_time(report, text->every) : MILLISECOND;
	if (count >= 1 && count <= REPEAT_MAX)
		return (uint32_t)count;
	report_error(report, text->repeat, "value", NULL, "repeat: from 1 to %d", REPEAT_MAX);
	return 0;
}

static const struct yaml_node *with_number(const struct yaml_node *node, uint32_t n,
					   struct arena *arena);

static void number_children(struct yaml_node *copy, uint32_t n, struct arena *arena)
{
	const struct yaml_node **items = arena_array(arena, const struct yaml_node *,
						     copy->count + 1);
	struct yaml_pair *pairs = arena_array(arena, struct yaml_pair, copy->count + 1);

	if (!items || !pairs)
		return;
	for (uint32_t i = 0; i < copy->count; i++) {
		if (copy->kind == YAML_LIST)
			items[i] = with_number(copy->items[i], n, arena);
		else
			pairs[i] = (struct yaml_pair){
				copy->pairs[i].key, with_number(copy->pairs[i].value, n, arena)
			};
	}
	copy->items = items;
	copy->pairs = pairs;
}

/* A tree in whose scalars $n is a number. */
static const struct yaml_node *with_number(const struct yaml_node *node, uint32_t n,
					   struct arena *arena)
{
	struct yaml_node *copy = node ? arena_new(arena, struct yaml_node) : NULL;
	struct buf text = { 0 };

	if (!copy)
		return node;
	*copy = *node;
	if (node->kind != YAML_SCALAR) {
		number_children(copy, n, arena);
		return copy;
	}
	for (uint32_t i = 0; i < node->text.len; i++) {
		bool here = node->text.data[i] == '$' && i + 1 < node->text.len &&
			    node->text.data[i + 1] == 'n';

		if (here)
			buf_uint(&text, n);
		else
			buf_char(&text, node->text.data[i]);
		i += here;
	}
	copy->text = arena_str(arena, text.data, text.len);
	buf_free(&text);
	return copy;
}

struct test_event_text test_event_nth(const struct test_event_text *text, uint32_t n,
				      struct arena *arena)
{
	struct test_event_text nth = *text;
	const struct yaml_node **const values[] = {
		&nth.data,	     &nth.process.pid,
		&nth.process.tid,    &nth.process.ppid,
		&nth.process.uid,    &nth.process.euid,
		&nth.process.gid,    &nth.process.loginuid,
		&nth.process.comm,   &nth.process.executable,
		&nth.process.mnt_ns, &nth.process.pid_ns,
		&nth.process.ipc_ns, &nth.process.user_ns,
		&nth.process.net_ns, &nth.process.cgroup_id,
		&nth.container.id,   &nth.container.name,
	};

	for (size_t i = 0; i < ARRAY_SIZE(values) && text->repeat; i++)
		*values[i] = with_number(*values[i], n, arena);
	return nth;
}

/* The stores know the container too; one that names no cgroup of its own gets one by its id. */
static void learn_container(const struct test_event_text *text, struct wire_header *h,
			    struct stores *stores)
{
	struct str id = schema_text(text->container.id);

	if (!id.len)
		return;
	if (!text->process.cgroup_id)
		for (uint32_t i = 0; i < id.len; i++)
			h->cgroup_id = h->cgroup_id * 31 + (unsigned char)id.data[i];
	stores_set_container(stores, h->cgroup_id, id);
}

/* ---- the whole ------------------------------------------------------------------------ */

struct event *test_event_make(struct report *report, const struct test_event_text *text,
			      const struct event_def *def, struct stores *stores, uint64_t time,
			      struct arena *arena)
{
	struct value *values = read_data(report, text->data, def, arena);
	struct wire_header *h = values ? make_record(def, values, arena) : NULL;
	struct event *event = h ? arena_new(arena, struct event) : NULL;

	if (!event)
		return NULL;
	test_process_learn(report, &text->process, stores, arena);
	fill_header(report, &text->process, h);
	learn_container(text, h, stores);
	h->user = user_bits(report, text->from_user, def);
	h->syscall = def->syscall;
	h->time = time;
	*event = (struct event){
		.def = def,
		.wire = h,
		.values = event_is_known(def) ? NULL : values,
		.process = process_find(stores, h->pid, h->leader_start_time),
		.container = make_container(&text->container, arena),
		.clock = &test_clock,
	};
	return event;
}
