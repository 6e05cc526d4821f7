/* SPDX-License-Identifier: Apache-2.0 */
/* `event.data` in conditions: Tracee's EventValue, a name and a union of types. */
#include "messages.h"

struct entry {
	const struct event *event;
	uint32_t index;
};

/* The member of the union that holds this entry's value: a JSON key of types.def. */
static const char *entry_key(const struct entry *entry)
{
	static const char *const keys[FIELD_TYPE_COUNT] = {
		[FIELD_none] = "",
#define TYPE(name, c_type, tracee_name, json_key, cel_type) [FIELD_##name] = json_key,
#include "types.def"
#undef TYPE
	};
	const struct event *event = entry->event;
	uint8_t kind = event->values ? event->values[entry->index].kind
				     : event->def->fields[entry->index].type;

	return kind < FIELD_TYPE_COUNT ? keys[kind] : "";
}

/* The entry's value if it is held by member `key`, else the member's default. */
static void give_member(struct cel_run *run, const void *data, const char *key,
			struct value fallback, struct value *out)
{
	const struct entry *entry = data;
	struct value value = value_null();

	if (entry && strcmp(entry_key(entry), key) == 0)
		value = event_field_value(entry->event, entry->index, run->arena);
	*out = value.tag == VALUE_NULL ? fallback : value;
}

#define ENTRY_GETTER(name, key, fallback) \
	static void name(struct cel_run *run, const void *data, struct value *out) \
	{ \
		give_member(run, data, key, fallback, out); \
	}

static const struct value_list no_items = { 0 };
#define EMPTY_LIST ((struct value){ .tag = VALUE_LIST, .list = &no_items })

ENTRY_GETTER(get_int32, "int32", value_int(0))
ENTRY_GETTER(get_int64, "int64", value_int(0))
ENTRY_GETTER(get_u_int32, "u_int32", value_uint(0))
ENTRY_GETTER(get_u_int64, "u_int64", value_uint(0))
ENTRY_GETTER(get_str, "str", EMPTY_STRING)
ENTRY_GETTER(get_bytes, "bytes", value_bytes("", 0))
ENTRY_GETTER(get_bool, "bool", value_bool(false))
ENTRY_GETTER(get_pointer, "pointer", value_uint(0))
ENTRY_GETTER(get_strings, "str_array", EMPTY_LIST)
ENTRY_GETTER(get_int32s, "int32_array", EMPTY_LIST)
ENTRY_GETTER(get_uint64s, "u_int64_array", EMPTY_LIST)
ENTRY_GETTER(get_seconds, "timespec", value_null())

static void get_entry_name(struct cel_run *run, const void *data, struct value *out)
{
	const struct entry *entry = data;

	(void)run;
	give_text(out,
		  entry ? str_of(entry->event->def->fields[entry->index].name) : (struct str){ 0 });
}

static const struct cel_field string_array_fields[] = { { "value", "list(string)", get_strings,
							  NULL } };
static MESSAGE(string_array_message, "tracee.v1beta1.StringArray", string_array_fields);
static const struct cel_field int32_array_fields[] = { { "value", "list(int)", get_int32s, NULL } };
static MESSAGE(int32_array_message, "tracee.v1beta1.Int32Array", int32_array_fields);
static const struct cel_field uint64_array_fields[] = { { "value", "list(uint)", get_uint64s,
							  NULL } };
static MESSAGE(uint64_array_message, "tracee.v1beta1.UInt64Array", uint64_array_fields);
static const struct cel_field timespec_fields[] = { { "value", "wrapper(double)", get_seconds,
						      NULL } };
static MESSAGE(timespec_message, "tracee.v1beta1.Timespec", timespec_fields);

#define ENTRY_MESSAGE(getter, has, key, message) \
	static bool has(const void *data) \
	{ \
		const struct entry *entry = data; \
\
		return entry && strcmp(entry_key(entry), key) == 0; \
	} \
	static void getter(struct cel_run *run, const void *data, struct value *out) \
	{ \
		give_message(run, out, &message, has(data) ? data : NULL); \
	}

#define ENTRY_HAS(name, key) \
	static bool name(const void *data) \
	{ \
		const struct entry *entry = data; \
\
		return entry && strcmp(entry_key(entry), key) == 0 && \
		       event_field_value(entry->event, entry->index, NULL).tag != VALUE_NULL; \
	}

ENTRY_HAS(has_int32, "int32")
ENTRY_HAS(has_int64, "int64")
ENTRY_HAS(has_u_int32, "u_int32")
ENTRY_HAS(has_u_int64, "u_int64")
ENTRY_HAS(has_str, "str")
ENTRY_HAS(has_bytes, "bytes")
ENTRY_HAS(has_bool, "bool")
ENTRY_HAS(has_pointer, "pointer")
ENTRY_MESSAGE(get_str_array, has_str_array, "str_array", string_array_message)
ENTRY_MESSAGE(get_int32_array, has_int32_array, "int32_array", int32_array_message)
ENTRY_MESSAGE(get_timespec, has_timespec, "timespec", timespec_message)

ENTRY_MESSAGE(get_u_int64_array, has_u_int64_array, "u_int64_array", uint64_array_message)

/* ---- objects ------------------------------ */

static bool has_object(const void *data, const char *key)
{
	const struct entry *entry = data;

	if (!entry || strcmp(entry_key(entry), key) != 0)
		return false;
	return entry->event->values ? entry->event->values[entry->index].tag == VALUE_MAP
				    : entry->event->wire->present >> entry->index & 1;
}

static struct value object_of(struct cel_run *run, const void *data, const char *key)
{
	const struct entry *entry = data;

	return has_object(data, key) ? event_field_value(entry->event, entry->index, run->arena)
				     : value_null();
}

#define ENTRY_HAS_OBJECT(key) \
	static bool has_##key(const void *data) \
	{ \
		return has_object(data, #key); \
	}

#define ENTRY_OBJECT(key, message) \
	ENTRY_HAS_OBJECT(key) \
	static void get_##key(struct cel_run *run, const void *data, struct value *out) \
	{ \
		struct value value = object_of(run, data, #key); \
\
		give_message(run, out, &message, value.tag == VALUE_MAP ? value.map : NULL); \
	}

/* Kinds that rules see as a map, or null. */
#define ENTRY_MAP(key) \
	ENTRY_HAS_OBJECT(key) \
	static void get_##key(struct cel_run *run, const void *data, struct value *out) \
	{ \
		*out = object_of(run, data, #key); \
	}

ENTRY_OBJECT(sockaddr, sockaddr_message)
ENTRY_OBJECT(credentials, credentials_message)
ENTRY_OBJECT(hooked_syscalls, hooked_syscalls_message)
ENTRY_MAP(hooked_seq_ops)
ENTRY_MAP(ipv4)
ENTRY_MAP(ipv6)
ENTRY_MAP(tcp)
ENTRY_MAP(udp)
ENTRY_MAP(icmp)
ENTRY_MAP(icmpv6)
ENTRY_MAP(dns)
ENTRY_MAP(dns_questions)
ENTRY_MAP(dns_responses)
ENTRY_MAP(packet_metadata)
ENTRY_MAP(http)
ENTRY_MAP(http_request)
ENTRY_MAP(http_response)

static const struct cel_field entry_fields[] = {
	{ "name", "string", get_entry_name, NULL },
	{ "int32", "int", get_int32, has_int32 },
	{ "int64", "int", get_int64, has_int64 },
	{ "u_int32", "uint", get_u_int32, has_u_int32 },
	{ "u_int64", "uint", get_u_int64, has_u_int64 },
	{ "str", "string", get_str, has_str },
	{ "bytes", "bytes", get_bytes, has_bytes },
	{ "bool", "bool", get_bool, has_bool },
	{ "pointer", "uint", get_pointer, has_pointer },
	{ "str_array", "tracee.v1beta1.StringArray", get_str_array, has_str_array },
	{ "int32_array", "tracee.v1beta1.Int32Array", get_int32_array, has_int32_array },
	{ "u_int64_array", "tracee.v1beta1.UInt64Array", get_u_int64_array, has_u_int64_array },
	{ "sockaddr", "tracee.v1beta1.SockAddr", get_sockaddr, has_sockaddr },
	{ "credentials", "tracee.v1beta1.Credentials", get_credentials, has_credentials },
	{ "timespec", "tracee.v1beta1.Timespec", get_timespec, has_timespec },
	{ "hooked_syscalls", "tracee.v1beta1.HookedSyscalls", get_hooked_syscalls,
	  has_hooked_syscalls },
	{ "hooked_seq_ops", "dyn", get_hooked_seq_ops, has_hooked_seq_ops },
	{ "ipv4", "dyn", get_ipv4, has_ipv4 },
	{ "ipv6", "dyn", get_ipv6, has_ipv6 },
	{ "tcp", "dyn", get_tcp, has_tcp },
	{ "udp", "dyn", get_udp, has_udp },
	{ "icmp", "dyn", get_icmp, has_icmp },
	{ "icmpv6", "dyn", get_icmpv6, has_icmpv6 },
	{ "dns", "dyn", get_dns, has_dns },
	{ "dns_questions", "dyn", get_dns_questions, has_dns_questions },
	{ "dns_responses", "dyn", get_dns_responses, has_dns_responses },
	{ "packet_metadata", "dyn", get_packet_metadata, has_packet_metadata },
	{ "http", "dyn", get_http, has_http },
	{ "http_request", "dyn", get_http_request, has_http_request },
	{ "http_response", "dyn", get_http_response, has_http_response },
	{ "struct", "dyn", get_null, never },
};
MESSAGE(entry_message, "tracee.v1beta1.EventValue", entry_fields);

/* All data entries that are there. */
void get_data(struct cel_run *run, const void *data, struct value *out)
{
	const struct event *event = data;
	uint32_t count = event ? event->def->field_count : 0, used = 0;
	struct entry *entries = arena_alloc(run->arena, sizeof(*entries) * count);
	struct value_list *list = entries ? give_list(run, out, count) : NULL;

	if (!list) {
		*out = cel_error(run, "out of memory");
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (event->values ? event->values[i].tag == VALUE_NULL
				  : !(event->wire->present >> i & 1))
			continue;
		entries[used] = (struct entry){ event, i };
		give_message(run, &list->items[used], &entry_message, &entries[used]);
		used++;
	}
	list->count = out->len = used;
}

const struct cel_message *const data_messages[] = {
	&string_array_message,	&int32_array_message,	  &uint64_array_message,
	&timespec_message,	&sockaddr_message,	  &credentials_message,
	&hooked_symbol_message, &hooked_syscalls_message, &entry_message,
};
const size_t data_message_count = ARRAY_SIZE(data_messages);
