/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a recorded line says about its event: tables of members, one for each object of
 * the two forms. The values of fields are in json-fields.c. Times of recordings are epoch times,
 * so the clock of this source starts at 0. Members of no interest are skipped; a member of
 * the wrong kind makes the line malformed.
 */
#include "source/json-record.h"

#include <stdarg.h>

#include "base/common.h"
#include "source/json-fields.h"

/* What is collected before the record is built. */
struct draft {
	struct wire_header wire;
	struct event_given given;
	struct str comm, hook, legacy_container;
	bool compat, has_euid;
};

enum member_kind { MEMBER_U16, MEMBER_U32, MEMBER_U64, MEMBER_TEXT, MEMBER_TIME, MEMBER_BOOL };

struct member {
	const char *name;
	enum member_kind kind;
	size_t offset; /* in struct draft */
};

#define WIRE(member)  offsetof(struct draft, wire.member)
#define GIVEN(member) offsetof(struct draft, given.member)

/* ---- faults ------------------------------ */

bool line_fault_set(struct line_fault *fault, const char *at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
	fault->at = at;
	return false;
}

/* ---- times ------------------------------ */

/* `count` digits; -1 if they are not. */
static int64_t digits_of(struct str text, uint32_t at, uint32_t count)
{
	int64_t number = 0;

	for (uint32_t i = at; i < at + count; i++) {
		if (i >= text.len || text.data[i] < '0' || text.data[i] > '9')
			return -1;
		number = number * 10 + (text.data[i] - '0');
	}
	return number;
}

/* Days since 1970 of a date of the Gregorian calendar. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	year -= month <= 2;
	int64_t era = year / 400, year_of_era = year % 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - 719468;
}

/* Z or +hh:mm at `at`, to the end. Seconds east of Greenwich in *out. */
static bool parse_zone(struct str text, uint32_t at, int64_t *out)
{
	if (at + 1 == text.len && text.data[at] == 'Z') {
		*out = 0;
		return true;
	}
	int64_t hours = digits_of(text, at + 1, 2), minutes = digits_of(text, at + 4, 2);

	if (at + 6 != text.len || hours < 0 || hours > 23 || minutes < 0 || minutes > 59 ||
	    text.data[at + 3] != ':' || (text.data[at] != '+' && text.data[at] != '-'))
		return false;
	*out = (hours * 60 + minutes) * (text.data[at] == '-' ? -60 : 60);
	return true;
}

/* RFC 3339, years 1970 to 2554: what 64 bits of nanoseconds hold. */
bool line_parse_time(struct str text, uint64_t *out)
{
	int64_t year = digits_of(text, 0, 4), month = digits_of(text, 5, 2),
		day = digits_of(text, 8, 2);
	int64_t hour = digits_of(text, 11, 2), minute = digits_of(text, 14, 2);
	int64_t second = digits_of(text, 17, 2), zone, fraction = 0;
	uint32_t at = 19;

	if (text.len < 20 || text.data[4] != '-' || text.data[7] != '-' || text.data[10] != 'T' ||
	    text.data[13] != ':' || text.data[16] != ':')
		return false;
	if (year < 1970 || year > 2553 || month < 1 || month > 12 || day < 1 || day > 31 ||
	    hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
		return false;
	if (text.data[at] == '.') {
		int64_t unit = 100000000;

		for (at++; digits_of(text, at, 1) >= 0; at++, unit /= 10)
			fraction += digits_of(text, at, 1) * unit;
	}
	if (!parse_zone(text, at, &zone))
		return false;
	int64_t seconds = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second -
			  zone;

	if (seconds < 0)
		return false;
	*out = (uint64_t)seconds * 1000000000 + (uint64_t)fraction;
	return true;
}

/* ---- members ------------------------------ */

static bool wrong_kind(const struct json *value, const char *expected, struct line_fault *fault)
{
	return line_fault_set(fault, value->at, "'%.*s': expected %s, found %s",
			      (int)MIN(value->key.len, 64u), value->key.data, expected,
			      json_type_name(value));
}

static bool read_number(const struct json *value, uint64_t most, uint64_t *out,
			struct line_fault *fault)
{
	int64_t number = 0;

	if (json_uint(value, out) == 0 && *out <= most)
		return true;
	/* Old recordings print unsigned ids as signed numbers. */
	if (most == UINT32_MAX && json_int(value, &number) == 0 && number < 0 &&
	    number >= INT32_MIN) {
		*out = (uint32_t)number;
		return true;
	}
	if (value->type != JSON_NUMBER)
		return wrong_kind(value, "a number", fault);
	return line_fault_set(fault, value->at, "'%.*s': %.*s is not an integer from 0 to %llu",
			      (int)MIN(value->key.len, 64u), value->key.data,
			      (int)MIN(value->text.len, 32u), value->text.data,
			      (unsigned long long)most);
}

static bool read_integer(const struct json *value, enum member_kind kind, void *at,
			 struct line_fault *fault)
{
	static const uint64_t most[] = {
		[MEMBER_U16] = UINT16_MAX, [MEMBER_U32] = UINT32_MAX, [MEMBER_U64] = UINT64_MAX
	};
	uint64_t number;

	if (!read_number(value, most[kind], &number, fault))
		return false;
	switch (kind) {
	case MEMBER_U16: *(uint16_t *)at = (uint16_t)number; break;
	case MEMBER_U32: *(uint32_t *)at = (uint32_t)number; break;
	default: *(uint64_t *)at = number;
	}
	return true;
}

static bool read_member(const struct json *value, enum member_kind kind, void *at,
			struct line_fault *fault)
{
	switch (kind) {
	case MEMBER_U16:
	case MEMBER_U32:
	case MEMBER_U64: return read_integer(value, kind, at, fault);
	case MEMBER_TEXT:
		if (value->type != JSON_STRING)
			return wrong_kind(value, "a string", fault);
		*(struct str *)at = value->text;
		return true;
	case MEMBER_TIME:
		if (value->type != JSON_STRING)
			return wrong_kind(value, "a time as a string", fault);
		if (line_parse_time(value->text, at))
			return true;
		return line_fault_set(fault, value->at, "'%.*s': this is not a time as in RFC 3339",
				      (int)MIN(value->key.len, 64u), value->key.data);
	case MEMBER_BOOL:
		if (value->type != JSON_TRUE && value->type != JSON_FALSE)
			return wrong_kind(value, "true or false", fault);
		*(bool *)at = value->type == JSON_TRUE;
		return true;
	}
	return true;
}

/* Members of an object that the table names; absent and null ones are left as they are. */
static bool read_members(const struct json *object, const struct member *members, size_t count,
			 struct draft *draft, struct line_fault *fault)
{
	if (!object || object->type == JSON_NULL)
		return true;
	if (object->type != JSON_OBJECT)
		return wrong_kind(object, "an object", fault);
	for (const struct json *value = object->first; value; value = value->next)
		for (size_t i = 0; i < count && value->type != JSON_NULL; i++)
			if (str_equal(value->key, str_of(members[i].name)) &&
			    !read_member(value, members[i].kind, (char *)draft + members[i].offset,
					 fault))
				return false;
	return true;
}

#define READ(object, table) read_members((object), (table), ARRAY_SIZE(table), draft, fault)

/* ---- v1beta1 and our own keys ------------------------------ */

static bool read_timestamp(const struct json *line, struct draft *draft, struct line_fault *fault)
{
	const struct json *time = json_get(line, "timestamp");

	if (!time)
		return line_fault_set(fault, NULL, "'timestamp' is missing");
	if (time->type != JSON_STRING)
		return wrong_kind(time, "a time as a string", fault);
	draft->given.timestamp = time->text;
	/* An event without a time prints so. */
	if (str_equal(time->text, STR("null")))
		return true;
	return read_member(time, MEMBER_TIME, &draft->wire.time, fault);
}

static bool read_thread(const struct json *thread, struct draft *draft, struct line_fault *fault)
{
	static const struct member members[] = {
		{ "start_time", MEMBER_TIME, WIRE(start_time) },
		{ "name", MEMBER_TEXT, offsetof(struct draft, comm) },
		{ "unique_id", MEMBER_U32, GIVEN(thread_id) },
		{ "host_tid", MEMBER_U32, WIRE(tid) },
		{ "tid", MEMBER_U32, WIRE(ns_tid) },
		{ "syscall", MEMBER_TEXT, GIVEN(syscall_name) },
		{ "compat", MEMBER_BOOL, offsetof(struct draft, compat) },
	};

	return READ(thread, members);
}

/* The first ancestor is the parent. */
static bool read_parent(const struct json *ancestors, struct draft *draft, struct line_fault *fault)
{
	static const struct member members[] = {
		{ "unique_id", MEMBER_U32, GIVEN(parent_id) },
		{ "host_pid", MEMBER_U32, WIRE(ppid) },
		{ "pid", MEMBER_U32, WIRE(ns_ppid) },
	};

	if (!ancestors || ancestors->type == JSON_NULL)
		return true;
	if (ancestors->type != JSON_ARRAY)
		return wrong_kind(ancestors, "an array", fault);
	if (!ancestors->first)
		return true;
	draft->given.has_parent = true;
	return READ(ancestors->first, members);
}

static bool read_process(const struct json *process, struct draft *draft, struct line_fault *fault)
{
	static const struct member members[] = {
		{ "unique_id", MEMBER_U32, GIVEN(process_id) },
		{ "host_pid", MEMBER_U32, WIRE(pid) },
		{ "pid", MEMBER_U32, WIRE(ns_pid) },
	};
	static const struct member user[] = { { "id", MEMBER_U32, WIRE(uid) } };
	static const struct member executable[] = { { "path", MEMBER_TEXT, GIVEN(executable) } };

	if (!process || process->type == JSON_NULL)
		return true;
	draft->given.has_process = true;
	return READ(process, members) && READ(json_get(process, "real_user"), user) &&
	       READ(json_get(process, "executable"), executable) &&
	       read_thread(json_get(process, "thread"), draft, fault) &&
	       read_parent(json_get(process, "ancestors"), draft, fault);
}

static bool read_image(const struct json *image, struct draft *draft, struct line_fault *fault)
{
	static const struct member members[] = {
		{ "id", MEMBER_TEXT, GIVEN(image_id) },
		{ "name", MEMBER_TEXT, GIVEN(image_name) },
	};
	const struct json *digests = json_get(image, "repo_digests");

	if (digests && digests->type == JSON_ARRAY && digests->first) {
		if (digests->first->type != JSON_STRING)
			return line_fault_set(fault, digests->first->at,
					      "'repo_digests': expected strings, found %s",
					      json_type_name(digests->first));
		draft->given.image_digest = digests->first->text;
	}
	return READ(image, members);
}

static bool read_container(const struct json *container, struct draft *draft,
			   struct line_fault *fault)
{
	static const struct member members[] = {
		{ "id", MEMBER_TEXT, GIVEN(container_id) },
		{ "name", MEMBER_TEXT, GIVEN(container_name) },
		{ "started", MEMBER_BOOL, GIVEN(container_started) },
	};

	if (!container || container->type == JSON_NULL)
		return true;
	draft->given.has_container = true;
	return READ(container, members) && read_image(json_get(container, "image"), draft, fault);
}

static bool read_pod(const struct json *k8s, struct draft *draft, struct line_fault *fault)
{
	static const struct member pod[] = {
		{ "name", MEMBER_TEXT, GIVEN(pod_name) },
		{ "uid", MEMBER_TEXT, GIVEN(pod_uid) },
	};
	static const struct member namespace[] = { { "name", MEMBER_TEXT, GIVEN(pod_namespace) } };

	return READ(json_get(k8s, "pod"), pod) && READ(json_get(k8s, "namespace"), namespace);
}

static bool read_own(const struct json *line, struct draft *draft, struct line_fault *fault)
{
	static const struct member members[] = {
		{ "host", MEMBER_TEXT, GIVEN(host_name) },
		{ "seq", MEMBER_U64, WIRE(seq) },
		{ "cpu", MEMBER_U16, WIRE(cpu) },
		{ "euid", MEMBER_U32, WIRE(euid) },
		{ "gid", MEMBER_U32, WIRE(gid) },
		{ "loginuid", MEMBER_U32, WIRE(loginuid) },
		{ "cgroup_id", MEMBER_U64, WIRE(cgroup_id) },
		{ "container_runtime", MEMBER_TEXT, GIVEN(container_runtime) },
		{ "hook", MEMBER_TEXT, offsetof(struct draft, hook) },
	};
	static const struct member namespaces[] = {
		{ "mnt", MEMBER_U32, WIRE(mnt_ns) }, { "pid", MEMBER_U32, WIRE(pid_ns) },
		{ "ipc", MEMBER_U32, WIRE(ipc_ns) }, { "user", MEMBER_U32, WIRE(user_ns) },
		{ "net", MEMBER_U32, WIRE(net_ns) },
	};

	draft->has_euid = json_get(line, "euid") != NULL;
	draft->given.has_sequence = json_get(line, "seq") != NULL;
	return READ(line, members) && READ(json_get(line, "namespaces"), namespaces);
}

static bool read_v1beta1(const struct json *line, struct draft *draft, struct line_fault *fault)
{
	const struct json *workload = json_get(line, "workload");

	if (workload && workload->type != JSON_OBJECT && workload->type != JSON_NULL)
		return wrong_kind(workload, "an object", fault);
	return read_timestamp(line, draft, fault) &&
	       read_process(json_get(workload, "process"), draft, fault) &&
	       read_container(json_get(workload, "container"), draft, fault) &&
	       read_pod(json_get(workload, "k8s"), draft, fault) && read_own(line, draft, fault);
}

/* ---- trace.Event ------------------------------ */

static const struct member legacy_members[] = {
	{ "timestamp", MEMBER_U64, WIRE(time) },
	{ "threadStartTime", MEMBER_U64, WIRE(start_time) },
	{ "processorId", MEMBER_U16, WIRE(cpu) },
	{ "processId", MEMBER_U32, WIRE(ns_pid) },
	{ "cgroupId", MEMBER_U64, WIRE(cgroup_id) },
	{ "threadId", MEMBER_U32, WIRE(ns_tid) },
	{ "parentProcessId", MEMBER_U32, WIRE(ns_ppid) },
	{ "hostProcessId", MEMBER_U32, WIRE(pid) },
	{ "hostThreadId", MEMBER_U32, WIRE(tid) },
	{ "hostParentProcessId", MEMBER_U32, WIRE(ppid) },
	{ "userId", MEMBER_U32, WIRE(uid) },
	{ "mountNamespace", MEMBER_U32, WIRE(mnt_ns) },
	{ "pidNamespace", MEMBER_U32, WIRE(pid_ns) },
	{ "processName", MEMBER_TEXT, offsetof(struct draft, comm) },
	{ "hostName", MEMBER_TEXT, GIVEN(host_name) },
	{ "containerId", MEMBER_TEXT, offsetof(struct draft, legacy_container) },
	{ "syscall", MEMBER_TEXT, GIVEN(syscall_name) },
	{ "threadEntityId", MEMBER_U32, GIVEN(thread_id) },
	{ "processEntityId", MEMBER_U32, GIVEN(process_id) },
	{ "parentEntityId", MEMBER_U32, GIVEN(parent_id) },
};

static bool read_legacy_container(const struct json *line, struct draft *draft,
				  struct line_fault *fault)
{
	static const struct member container[] = {
		{ "id", MEMBER_TEXT, GIVEN(container_id) },
		{ "name", MEMBER_TEXT, GIVEN(container_name) },
		{ "image", MEMBER_TEXT, GIVEN(image_name) },
		{ "imageDigest", MEMBER_TEXT, GIVEN(image_digest) },
	};
	static const struct member pod[] = {
		{ "podName", MEMBER_TEXT, GIVEN(pod_name) },
		{ "podNamespace", MEMBER_TEXT, GIVEN(pod_namespace) },
		{ "podUID", MEMBER_TEXT, GIVEN(pod_uid) },
	};

	if (!READ(json_get(line, "container"), container) ||
	    !READ(json_get(line, "kubernetes"), pod))
		return false;
	if (!draft->given.container_id.len)
		draft->given.container_id = draft->legacy_container;
	draft->given.has_container = draft->given.container_id.len != 0;
	return true;
}

/* Recordings older than the entity ids lack them: compute them as Tracee does now. */
static void complete_identity(struct draft *draft)
{
	struct event_given *given = &draft->given;
	const struct wire_header *wire = &draft->wire;

	given->has_process = true;
	if (!given->thread_id)
		given->thread_id = entity_hash(wire->tid, wire->start_time);
	if (!given->process_id)
		given->process_id = wire->pid == wire->tid ? given->thread_id : 0;
	given->has_parent = given->parent_id != 0;
}

static bool read_legacy(const struct json *line, struct draft *draft, struct line_fault *fault)
{
	static const struct member flags[] = {
		{ "containerStarted", MEMBER_BOOL, GIVEN(container_started) },
		{ "isCompat", MEMBER_BOOL, offsetof(struct draft, compat) },
	};
	static const struct member executable[] = { { "path", MEMBER_TEXT, GIVEN(executable) } };

	if (!json_get(line, "timestamp"))
		return line_fault_set(fault, NULL, "'timestamp' is missing");
	if (!READ(line, legacy_members) || !READ(json_get(line, "contextFlags"), flags) ||
	    !READ(json_get(line, "executable"), executable) ||
	    !read_legacy_container(line, draft, fault))
		return false;
	complete_identity(draft);
	return true;
}

/* ---- the record ------------------------------ */

static uint32_t hook_of(struct str name)
{
	static const struct str names[] = { [HOOK_FENTRY] = { "fentry", 6 },
					    [HOOK_KPROBE] = { "kprobe", 6 },
					    [HOOK_TRACEPOINT] = { "tracepoint", 10 },
					    [HOOK_RAW] = { "raw", 3 } };

	for (uint32_t i = 1; i < ARRAY_SIZE(names); i++)
		if (str_equal(name, names[i]))
			return i;
	return HOOK_NONE;
}

/* Strings that are empty are absent, for who reads them. */
static void drop_empty(struct str *text)
{
	if (!text->len)
		text->data = NULL;
}

static void finish_header(struct draft *draft, const struct event_def *def)
{
	struct wire_header *wire = &draft->wire;

	wire->id = def ? def->id : 0;
	/* Most events name the call they are themselves. */
	wire->syscall = def && def->syscall >= 0 &&
					str_equal(draft->given.syscall_name, str_of(def->name))
				? def->syscall
				: syscall_number(draft->given.syscall_name);
	memcpy(wire->comm, draft->comm.data ? draft->comm.data : "",
	       MIN(draft->comm.len, (uint32_t)WIRE_COMM_LEN));
	wire->flags = hook_of(draft->hook) << WIRE_HOOK_SHIFT;
	if (draft->compat)
		wire->flags |= WIRE_COMPAT;
	if (draft->given.container_started)
		wire->flags |= WIRE_CONTAINER_STARTED;
	if (draft->has_euid)
		wire->flags |= WIRE_CONTEXT;
	else
		wire->euid = wire->uid;
	if (wire->pid == wire->tid)
		wire->leader_start_time = wire->start_time;
	drop_empty(&draft->given.executable);
	drop_empty(&draft->given.syscall_name);
	drop_empty(&draft->given.host_name);
}

bool line_is_produced(const struct json *line)
{
	const struct json *metadata = json_get(line, "metadata");

	return json_get(line, "threat") || json_get(line, "detected_from") ||
	       json_get(line, "alert") || json_get(line, "SigMetadata") ||
	       (metadata && metadata->type == JSON_OBJECT);
}

bool line_context(const struct json *line, const struct event_def *def, struct wire_header *wire,
		  struct event_given *given, struct line_fault *fault)
{
	struct draft draft = { .wire.loginuid = UINT32_MAX };

	if (!read_v1beta1(line, &draft, fault))
		return false;
	finish_header(&draft, def);
	*wire = draft.wire;
	*given = draft.given;
	return true;
}

enum line_kind line_convert(const struct json *line, struct line_record *out,
			    struct line_fault *fault)
{
	struct draft draft = { .wire.loginuid = UINT32_MAX };

	if (line->type != JSON_OBJECT) {
		line_fault_set(fault, NULL, "expected an event as an object on a line, found %s%s",
			       json_type_name(line),
			       line->type == JSON_ARRAY ? " (jq -c '.[]' makes lines of it)" : "");
		return LINE_MALFORMED;
	}
	if (line_is_produced(line))
		return LINE_UNKNOWN;
	const struct json *legacy = json_get(line, "eventName");
	const struct json *name = legacy ? legacy : json_get(line, "name");

	if (!name || name->type != JSON_STRING) {
		line_fault_set(fault, name ? name->at : NULL,
			       "this is no event: it has neither 'name' (Tracee v1beta1) nor "
			       "'eventName' (trace.Event) as a string");
		return LINE_MALFORMED;
	}
	const struct event_def *def = event_by_name(name->text);

	if (!def)
		return LINE_UNKNOWN;
	if (legacy ? !read_legacy(line, &draft, fault) : !read_v1beta1(line, &draft, fault))
		return LINE_MALFORMED;
	finish_header(&draft, def);
	out->header = draft.wire;
	out->given = draft.given;
	return (legacy ? legacy_fields_read(line, def, out, fault)
		       : fields_read(line, def, out, fault))
		       ? LINE_EVENT
		       : LINE_MALFORMED;
}
