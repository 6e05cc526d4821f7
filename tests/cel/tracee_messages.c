/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tracee's message types as rules see them. A value is made as an expression would make it,
 * field by field; the getters answer what an unset field is.
 */
#include "tracee_messages.h"

#include <stdlib.h>

enum { LITERAL_MAX = 64 };

/* ---- unset fields --------------------------------------------------------- */

#define DEFAULT(name, ...) \
	__attribute__((unused)) static void name(struct cel_run *run, const void *data, \
						 struct value *out) \
	{ \
		(void)run; \
		(void)data; \
		*out = __VA_ARGS__; \
	}

static const struct value_list empty_list;
static const struct value_map empty_map;
static const struct cel_time epoch;

DEFAULT(no_text, value_string("", 0))
DEFAULT(no_bytes, value_bytes("", 0))
DEFAULT(no_bool, value_bool(false))
DEFAULT(no_int, value_int(0))
DEFAULT(no_uint, value_uint(0))
DEFAULT(no_wrapper, value_null())
DEFAULT(no_list, (struct value){ .tag = VALUE_LIST, .list = &empty_list })
DEFAULT(no_map, (struct value){ .tag = VALUE_MAP, .map = &empty_map })
DEFAULT(no_time, (struct value){ .tag = VALUE_TIMESTAMP, .object = &epoch })

#define P "tracee.v1beta1."

/* MESSAGE(C name, "Name", fields): the message, its unset instance and that as a default. */
#define MESSAGE(name, text, ...) \
	static const struct cel_field name##_fields[] = { __VA_ARGS__ }; \
	static const struct cel_message name##_message = { P text, name##_fields, \
							   ARRAY_SIZE(name##_fields) }; \
	static const struct cel_object name##_unset = { .type = &name##_message }; \
	DEFAULT(no_##name, (struct value){ .tag = VALUE_MESSAGE, .object = &name##_unset })

#define TEXT(name) \
	{ \
		name, "string", no_text, NULL \
	}
#define BOOL(name) \
	{ \
		name, "bool", no_bool, NULL \
	}
#define INT(name) \
	{ \
		name, "int", no_int, NULL \
	}
#define UINT(name) \
	{ \
		name, "uint", no_uint, NULL \
	}
#define MAYBE_UINT(name) \
	{ \
		name, "wrapper(uint)", no_wrapper, NULL \
	}
#define TIME(name) \
	{ \
		name, "google.protobuf.Timestamp", no_time, NULL \
	}
#define LIST(name, of) \
	{ \
		name, "list(" of ")", no_list, NULL \
	}
#define MAP(name, of) \
	{ \
		name, "map(string, " of ")", no_map, NULL \
	}
#define SUB(name, text, c_name) \
	{ \
		name, P text, no_##c_name, NULL \
	}

/* ---- workload ------------------------------------------------------------- */

MESSAGE(executable, "Executable", TEXT("path"))
MESSAGE(user, "User", MAYBE_UINT("id"))
MESSAGE(address, "StackAddress", UINT("address"), TEXT("symbol"))
MESSAGE(stack, "UserStackTrace", LIST("addresses", P "StackAddress"))
MESSAGE(thread, "Thread", TIME("start_time"), TEXT("name"), MAYBE_UINT("unique_id"),
	MAYBE_UINT("host_tid"), MAYBE_UINT("tid"), TEXT("syscall"), BOOL("compat"),
	SUB("user_stack_trace", "UserStackTrace", stack))
MESSAGE(process, "Process", SUB("executable", "Executable", executable), MAYBE_UINT("unique_id"),
	MAYBE_UINT("host_pid"), MAYBE_UINT("pid"), SUB("real_user", "User", user),
	SUB("thread", "Thread", thread), LIST("ancestors", P "Process"))
MESSAGE(image, "ContainerImage", TEXT("id"), LIST("repo_digests", "string"), TEXT("name"))
MESSAGE(container, "Container", TEXT("id"), TEXT("name"), SUB("image", "ContainerImage", image),
	BOOL("started"))
MESSAGE(pod, "Pod", TEXT("name"), TEXT("uid"), MAP("labels", "string"))
MESSAGE(namespace, "K8sNamespace", TEXT("name"))
MESSAGE(k8s, "K8s", SUB("pod", "Pod", pod), SUB("namespace", "K8sNamespace", namespace))
MESSAGE(workload, "Workload", SUB("process", "Process", process),
	SUB("container", "Container", container), SUB("k8s", "K8s", k8s))

/* ---- data ----------------------------------------------------------------- */

MESSAGE(string_array, "StringArray", LIST("value", "string"))
MESSAGE(int32_array, "Int32Array", LIST("value", "int"))
MESSAGE(uint64_array, "UInt64Array", LIST("value", "uint"))
MESSAGE(sockaddr, "SockAddr", INT("sa_family"), TEXT("sun_path"), TEXT("sin_addr"),
	UINT("sin_port"), TEXT("sin6_addr"), UINT("sin6_port"), UINT("sin6_flowinfo"),
	UINT("sin6_scopeid"))
MESSAGE(credentials, "Credentials", MAYBE_UINT("uid"), MAYBE_UINT("gid"), MAYBE_UINT("suid"),
	MAYBE_UINT("sgid"), MAYBE_UINT("euid"), MAYBE_UINT("egid"), MAYBE_UINT("fsuid"),
	MAYBE_UINT("fsgid"))
MESSAGE(timespec, "Timespec", { "value", "wrapper(double)", no_wrapper, NULL })
MESSAGE(entry, "EventValue", TEXT("name"), INT("int32"), INT("int64"), UINT("u_int32"),
	UINT("u_int64"), TEXT("str"), { "bytes", "bytes", no_bytes, NULL }, BOOL("bool"),
	SUB("str_array", "StringArray", string_array),
	SUB("int32_array", "Int32Array", int32_array),
	SUB("u_int64_array", "UInt64Array", uint64_array), SUB("sockaddr", "SockAddr", sockaddr),
	SUB("credentials", "Credentials", credentials), SUB("timespec", "Timespec", timespec),
	UINT("pointer"), MAP("struct", "dyn"))

/* ---- event ---------------------------------------------------------------- */

MESSAGE(tactic, "MitreTactic", TEXT("name"))
MESSAGE(technique, "MitreTechnique", TEXT("id"), TEXT("name"))
MESSAGE(mitre, "Mitre", SUB("tactic", "MitreTactic", tactic),
	SUB("technique", "MitreTechnique", technique))
MESSAGE(threat, "Threat", TEXT("name"), TEXT("description"), INT("severity"),
	SUB("mitre", "Mitre", mitre), MAP("properties", "string"))
MESSAGE(policies, "Policies", LIST("matched", "string"))

/* Refers to itself, so the default comes first. */
static void no_detected(struct cel_run *run, const void *data, struct value *out);
static const struct cel_field detected_fields[] = {
	UINT("id"),
	TEXT("name"),
	LIST("data", P "EventValue"),
	SUB("parent", "DetectedFrom", detected),
};
static const struct cel_message detected_message = { P "DetectedFrom", detected_fields,
						     ARRAY_SIZE(detected_fields) };
static const struct cel_object detected_unset = { .type = &detected_message };
DEFAULT(no_detected, (struct value){ .tag = VALUE_MESSAGE, .object = &detected_unset })

MESSAGE(event, "Event", TIME("timestamp"), INT("id"), TEXT("name"),
	SUB("policies", "Policies", policies), SUB("workload", "Workload", workload),
	LIST("data", P "EventValue"), SUB("threat", "Threat", threat),
	SUB("detected_from", "DetectedFrom", detected))

static const struct cel_message *const messages[] = {
	&executable_message,   &user_message,	     &address_message,	    &stack_message,
	&thread_message,       &process_message,     &image_message,	    &container_message,
	&pod_message,	       &namespace_message,   &k8s_message,	    &workload_message,
	&string_array_message, &int32_array_message, &uint64_array_message, &sockaddr_message,
	&credentials_message,  &timespec_message,    &entry_message,	    &tactic_message,
	&technique_message,    &mitre_message,	     &threat_message,	    &policies_message,
	&detected_message,     &event_message,
};

static const struct enum_name {
	const char *name, *full;
	int64_t number;
} enum_names[] = {
	{ "INFO", P "Severity.INFO", 0 },
	{ "LOW", P "Severity.LOW", 1 },
	{ "MEDIUM", P "Severity.MEDIUM", 2 },
	{ "HIGH", P "Severity.HIGH", 3 },
	{ "CRITICAL", P "Severity.CRITICAL", 4 },
	{ "AF_INET", P "sa_family_t.AF_INET", 2 },
	{ "AF_INET6", P "sa_family_t.AF_INET6", 10 },
	{ "openat", P "EventId.openat", 258 },
};

int tracee_declare(struct cel_env *env)
{
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_SIZE(messages); i++)
		err = cel_env_message(env, messages[i]);
	for (size_t i = 0; !err && i < ARRAY_SIZE(enum_names); i++)
		err = cel_env_constant(env, enum_names[i].full, "int",
				       value_int(enum_names[i].number));
	return err;
}

/* ---- from JSON ------------------------------------------------------------ */

static bool convert(struct arena *arena, const char *type, const json_t *json, struct value *out);

static const struct cel_message *find_message(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
		if (strcmp(messages[i]->name, type) == 0)
			return messages[i];
	return NULL;
}

static struct value make_message(struct arena *arena, const struct cel_message *type,
				 const json_t *json)
{
	struct value *literal = arena_array(arena, struct value, type->field_count);
	struct cel_object *object = arena_zalloc(arena, sizeof(*object));

	for (uint32_t i = 0; i < type->field_count; i++) {
		const json_t *member = json_object_get(json, type->fields[i].name);

		literal[i].tag = VALUE_TAG_COUNT;
		if (member && !json_is_null(member) &&
		    !convert(arena, type->fields[i].type, member, &literal[i]))
			literal[i].tag = VALUE_TAG_COUNT;
	}
	*object = (struct cel_object){ .type = type, .literal = literal };
	return (struct value){ .tag = VALUE_MESSAGE, .object = object };
}

static struct value make_list(struct arena *arena, const char *type, const json_t *json)
{
	size_t count = json_array_size(json);
	struct value_list *list = arena_zalloc(arena, sizeof(*list) + count * sizeof(struct value));

	for (size_t i = 0; i < count; i++)
		if (convert(arena, type, json_array_get(json, i), &list->items[list->count]))
			list->count++;
	return (struct value){ .tag = VALUE_LIST, .len = list->count, .list = list };
}

static struct value make_map(struct arena *arena, const char *type, json_t *json)
{
	struct value_map *map = arena_zalloc(
		arena, sizeof(*map) + json_object_size(json) * sizeof(struct value_entry));
	const char *key;
	json_t *value;

	json_object_foreach(json, key, value)
	{
		struct value_entry *entry = &map->entries[map->count];

		entry->key = value_str(str_of(key));
		if (convert(arena, type, value, &entry->value))
			map->count++;
	}
	return (struct value){ .tag = VALUE_MAP, .len = map->count, .map = map };
}

static int digit_of(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = c ? strchr(digits, c) : NULL;

	return found ? (int)(found - digits) : -1;
}

struct value tracee_bytes(struct arena *arena, const char *text)
{
	char *bytes = arena_alloc(arena, strlen(text) + 1);
	uint32_t len = 0, bits = 0, have = 0;

	for (; digit_of(*text) >= 0; text++) {
		bits = bits << 6 | (uint32_t)digit_of(*text);
		have += 6;
		if (have >= 8) {
			have -= 8;
			bytes[len++] = (char)(bits >> have);
		}
	}
	return value_bytes(bytes, len);
}

struct value tracee_time(struct arena *arena, const char *text)
{
	struct cel_time *time = arena_zalloc(arena, sizeof(*time));
	struct cel_env *env = cel_env_new();
	struct cel_run run = { .arena = arena };
	const struct cel_program *program;
	char source_text[128];
	struct cel_source source;
	struct err err = { .code = 0 };
	struct value result = { .tag = VALUE_TIMESTAMP, .object = time };

	snprintf(source_text, sizeof(source_text), "timestamp('%s')", text);
	source = (struct cel_source){ .text = str_of(source_text) };
	if (cel_compile(env, &source, NULL, arena, &program, &err) == 0)
		result = cel_eval(program, &run);
	if (result.tag == VALUE_TIMESTAMP)
		*time = *(const struct cel_time *)result.object;
	cel_env_free(env);
	return (struct value){ .tag = VALUE_TIMESTAMP, .object = time };
}

static int64_t int_of_json(const json_t *json)
{
	const char *text = json_string_value(json);

	if (!text)
		return json_integer_value(json);
	for (size_t i = 0; i < ARRAY_SIZE(enum_names); i++)
		if (strcmp(enum_names[i].name, text) == 0)
			return enum_names[i].number;
	return strtoll(text, NULL, 10);
}

static uint64_t uint_of_json(const json_t *json)
{
	const char *text = json_string_value(json);

	return text ? strtoull(text, NULL, 10) : (uint64_t)json_integer_value(json);
}

static struct value make_any(struct arena *arena, json_t *json)
{
	if (json_is_string(json))
		return value_str(str_of(json_string_value(json)));
	if (json_is_number(json))
		return value_double(json_number_value(json));
	if (json_is_object(json))
		return make_map(arena, "dyn", json);
	if (json_is_array(json))
		return make_list(arena, "dyn", json);
	return json_is_boolean(json) ? value_bool(json_is_true(json)) : value_null();
}

/* "list(T)" and the like: T in inner, true. */
static bool inner_type(const char *type, const char *prefix, char inner[LITERAL_MAX])
{
	size_t len = strlen(prefix);

	if (strncmp(type, prefix, len) != 0)
		return false;
	snprintf(inner, LITERAL_MAX, "%.*s", (int)(strlen(type) - len - 1), type + len);
	return true;
}

static bool convert(struct arena *arena, const char *type, const json_t *json, struct value *out)
{
	char inner[LITERAL_MAX];

	if (find_message(type))
		*out = make_message(arena, find_message(type), json);
	else if (inner_type(type, "list(", inner))
		*out = make_list(arena, inner, json);
	else if (inner_type(type, "map(string, ", inner))
		*out = make_map(arena, inner, (json_t *)json);
	else if (inner_type(type, "wrapper(", inner))
		return convert(arena, inner, json, out);
	else if (strcmp(type, "string") == 0)
		*out = value_str(str_of(json_string_value(json)));
	else if (strcmp(type, "bytes") == 0)
		*out = tracee_bytes(arena, json_string_value(json));
	else if (strcmp(type, "bool") == 0)
		*out = value_bool(json_is_true(json));
	else if (strcmp(type, "int") == 0)
		*out = value_int(int_of_json(json));
	else if (strcmp(type, "uint") == 0)
		*out = value_uint(uint_of_json(json));
	else if (strcmp(type, "double") == 0)
		*out = value_double(json_number_value(json));
	else if (strcmp(type, "google.protobuf.Timestamp") == 0)
		*out = tracee_time(arena, json_string_value(json));
	else
		*out = make_any(arena, (json_t *)json);
	return true;
}

struct value tracee_event(struct arena *arena, const json_t *json)
{
	return make_message(arena, &event_message, json);
}

struct value tracee_field(struct value message, const char *name)
{
	const struct cel_object *object = message.object;

	for (uint32_t i = 0; object->literal && i < object->type->field_count; i++)
		if (strcmp(object->type->fields[i].name, name) == 0 &&
		    object->literal[i].tag != VALUE_TAG_COUNT)
			return object->literal[i];
	return value_null();
}
