/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The variables of conditions: Tracee's event, workload and timestamp, and our
 * `context`; with the messages event, threat and detected_from.
 */
#include "event/encode.h"
#include "messages.h"

/* ---- threat -------------------------------------------------------------------------- */

#define THREAT_TEXT(name, member) \
	static void name(struct cel_run *run, const void *data, struct value *out) \
	{ \
		const struct threat *threat = data; \
\
		(void)run; \
		give_text(out, threat ? threat->member : (struct str){ 0 }); \
	}

THREAT_TEXT(get_threat_name, name)
THREAT_TEXT(get_threat_description, description)
THREAT_TEXT(get_tactic_name, tactic)
THREAT_TEXT(get_technique_id, technique_id)
THREAT_TEXT(get_technique_name, technique_name)

static void get_severity(struct cel_run *run, const void *data, struct value *out)
{
	(void)run;
	*out = value_int(data ? (int64_t)((const struct threat *)data)->severity : 0);
}

static void get_properties(struct cel_run *run, const void *data, struct value *out)
{
	const struct threat *threat = data;
	uint32_t count = threat ? threat->property_count : 0;
	struct value_map *map = arena_alloc(run->arena,
					    sizeof(*map) + count * sizeof(struct value_entry));

	if (!map) {
		*out = cel_error(run, "out of memory");
		return;
	}
	map->count = count;
	for (uint32_t i = 0; i < count; i++)
		map->entries[i] = (struct value_entry){ value_str(threat->properties[i].key),
							value_str(threat->properties[i].value) };
	*out = (struct value){ .tag = VALUE_MAP, .len = count, .map = map };
}

static const struct cel_field tactic_fields[] = { { "name", "string", get_tactic_name, NULL } };
static MESSAGE(tactic_message, "tracee.v1beta1.MitreTactic", tactic_fields);

static const struct cel_field technique_fields[] = {
	{ "id", "string", get_technique_id, NULL },
	{ "name", "string", get_technique_name, NULL },
};
static MESSAGE(technique_message, "tracee.v1beta1.MitreTechnique", technique_fields);

static void get_tactic(struct cel_run *run, const void *data, struct value *out)
{
	give_message(run, out, &tactic_message, data);
}

static void get_technique(struct cel_run *run, const void *data, struct value *out)
{
	give_message(run, out, &technique_message, data);
}

static const struct cel_field mitre_fields[] = {
	{ "tactic", "tracee.v1beta1.MitreTactic", get_tactic, is_set },
	{ "technique", "tracee.v1beta1.MitreTechnique", get_technique, is_set },
};
static MESSAGE(mitre_message, "tracee.v1beta1.Mitre", mitre_fields);

static bool has_mitre(const void *data)
{
	const struct threat *threat = data;

	return threat && threat->has_mitre;
}

static void get_mitre(struct cel_run *run, const void *data, struct value *out)
{
	give_message(run, out, &mitre_message, has_mitre(data) ? data : NULL);
}

static const struct cel_field threat_fields[] = {
	{ "name", "string", get_threat_name, NULL },
	{ "description", "string", get_threat_description, NULL },
	{ "severity", "int", get_severity, NULL },
	{ "mitre", "tracee.v1beta1.Mitre", get_mitre, has_mitre },
	{ "properties", "map(string, string)", get_properties, NULL },
};
static MESSAGE(threat_message, "tracee.v1beta1.Threat", threat_fields);

/* ---- event ------------------------------------------------------------------------------ */

static uint64_t epoch_of(const struct event *event)
{
	return event->wire->time ? event->wire->time + event->clock->boot_epoch_ns : 0;
}

GETTER(get_event_id, value_int(0), value_int(event->def->id))
GETTER(get_event_uid, value_uint(0), value_uint(event->def->id))
GETTER(get_event_name, EMPTY_STRING, text_or_empty(str_of(event->def->name)))

static void get_timestamp(struct cel_run *run, const void *data, struct value *out)
{
	give_time(run, out, data ? epoch_of(data) : 0);
}

static bool has_timestamp(const void *data)
{
	return data && epoch_of(data);
}

static void get_matched(struct cel_run *run, const void *data, struct value *out)
{
	const struct event *event = data;
	uint32_t count = event ? event->policy_count : 0;
	struct value_list *list = give_list(run, out, count);

	for (uint32_t i = 0; list && i < count; i++)
		list->items[i] = value_str(event->policies[i]);
}

static const struct cel_field policies_fields[] = { { "matched", "list(string)", get_matched,
						      NULL } };
static MESSAGE(policies_message, "tracee.v1beta1.Policies", policies_fields);

static bool has_policies(const void *data)
{
	const struct event *event = data;

	return event && event->policy_count;
}

static void get_policies(struct cel_run *run, const void *data, struct value *out)
{
	give_message(run, out, &policies_message, data);
}

static void get_workload(struct cel_run *run, const void *data, struct value *out)
{
	give_message(run, out, &workload_message, has_workload(data) ? data : NULL);
}

static bool has_threat(const void *data)
{
	const struct event *event = data;

	return event && event->threat;
}

static void get_threat(struct cel_run *run, const void *data, struct value *out)
{
	give_message(run, out, &threat_message, data ? ((const struct event *)data)->threat : NULL);
}

static const struct event *source_of(const void *data)
{
	const struct event *event = data;

	return event && event->print_detected_from ? event->detected_from : NULL;
}

static bool has_source(const void *data)
{
	return source_of(data) != NULL;
}

static const struct cel_message source_message;

static void get_source(struct cel_run *run, const void *data, struct value *out)
{
	give_message(run, out, &source_message, source_of(data));
}

static const struct cel_field source_fields[] = {
	{ "id", "uint", get_event_uid, NULL },
	{ "name", "string", get_event_name, NULL },
	{ "data", "list(tracee.v1beta1.EventValue)", get_data, NULL },
	{ "parent", "tracee.v1beta1.DetectedFrom", get_source, has_source },
};
static MESSAGE(source_message, "tracee.v1beta1.DetectedFrom", source_fields);

static const struct cel_field event_fields[] = {
	{ "timestamp", "google.protobuf.Timestamp", get_timestamp, has_timestamp },
	{ "id", "int", get_event_id, NULL },
	{ "name", "string", get_event_name, NULL },
	{ "policies", "tracee.v1beta1.Policies", get_policies, has_policies },
	{ "workload", "tracee.v1beta1.Workload", get_workload, has_workload },
	{ "data", "list(tracee.v1beta1.EventValue)", get_data, NULL },
	{ "threat", "tracee.v1beta1.Threat", get_threat, has_threat },
	{ "detected_from", "tracee.v1beta1.DetectedFrom", get_source, has_source },
};
static MESSAGE(event_message, "tracee.v1beta1.Event", event_fields);

/* ---- context: what our records know and Tracee's do not ---------------------------------- */

/* Fields are null where the record does not know (recordings of Tracee). */
#define CONTEXT(name, expression) \
	GETTER(name, value_null(), \
	       event->wire->flags &WIRE_CONTEXT ? value_uint(expression) : value_null())

CONTEXT(get_euid, event->wire->euid)
CONTEXT(get_gid, event->wire->gid)
CONTEXT(get_loginuid, event->wire->loginuid)
CONTEXT(get_mnt_ns, event->wire->mnt_ns)
CONTEXT(get_pid_ns, event->wire->pid_ns)
CONTEXT(get_ipc_ns, event->wire->ipc_ns)
CONTEXT(get_user_ns, event->wire->user_ns)
CONTEXT(get_net_ns, event->wire->net_ns)
CONTEXT(get_cgroup_id, event->wire->cgroup_id)
CONTEXT(get_cpu, event->wire->cpu)
GETTER(get_kernel_thread, value_bool(false),
       value_bool((event->wire->flags & WIRE_KERNEL_THREAD) != 0))

/* For lists of programs that are trusted. */
static struct value program_of(const struct event *event)
{
	return user_ns_is_first(event->wire->user_ns) ? text_or_empty(event_executable(event))
						      : EMPTY_STRING;
}

GETTER(get_program, EMPTY_STRING, program_of(event))

static void get_hook(struct cel_run *run, const void *data, struct value *out)
{
	static const char *const names[] = { "none", "fentry", "kprobe", "tracepoint", "raw" };
	const struct event *event = data;
	uint32_t mode = event ? (event->wire->flags & WIRE_HOOK_MASK) >> WIRE_HOOK_SHIFT : 0;

	(void)run;
	give_text(out, str_of(mode < ARRAY_SIZE(names) ? names[mode] : ""));
}

static const struct cel_field context_fields[] = {
	{ "euid", "dyn", get_euid, NULL },
	{ "gid", "dyn", get_gid, NULL },
	{ "loginuid", "dyn", get_loginuid, NULL },
	{ "mnt_ns", "dyn", get_mnt_ns, NULL },
	{ "pid_ns", "dyn", get_pid_ns, NULL },
	{ "ipc_ns", "dyn", get_ipc_ns, NULL },
	{ "user_ns", "dyn", get_user_ns, NULL },
	{ "net_ns", "dyn", get_net_ns, NULL },
	{ "cgroup_id", "dyn", get_cgroup_id, NULL },
	{ "cpu", "dyn", get_cpu, NULL },
	{ "hook", "string", get_hook, NULL },
	{ "kernel_thread", "bool", get_kernel_thread, NULL },
	{ "program", "string", get_program, NULL },
};
static MESSAGE(context_message, "spoor.Context", context_fields);

static void get_context(struct cel_run *run, const void *data, struct value *out)
{
	give_message(run, out, &context_message, data);
}

/* ---- variables -------------------------------------------------------------------------- */

static void get_event(struct cel_run *run, const void *data, struct value *out)
{
	give_message(run, out, &event_message, data);
}

static void get_workload_variable(struct cel_run *run, const void *data, struct value *out)
{
	if (has_workload(data))
		give_message(run, out, &workload_message, data);
	else
		*out = cel_error(run, "no such attribute(s): workload");
}

static void get_timestamp_variable(struct cel_run *run, const void *data, struct value *out)
{
	if (has_timestamp(data))
		give_time(run, out, epoch_of(data));
	else
		*out = cel_error(run, "no such attribute(s): timestamp");
}

/* The element at hand of output.for_each. */
static void get_item(struct cel_run *run, const void *data, struct value *out)
{
	(void)data;
	*out = ((const struct detect_run *)run)->item;
}

static const struct cel_message *const own_messages[] = {
	&tactic_message,   &technique_message, &mitre_message, &threat_message,
	&policies_message, &source_message,    &event_message, &context_message,
};

static int declare(struct cel_env *env, const struct cel_message *const *messages, size_t count)
{
	int code = 0;

	for (size_t i = 0; !code && i < count; i++)
		code = cel_env_message(env, messages[i]);
	return code;
}

int environment_messages(struct cel_env *env)
{
	int code = declare(env, workload_messages, workload_message_count);

	if (!code)
		code = declare(env, data_messages, data_message_count);
	if (!code)
		code = declare(env, ipc_messages, ipc_message_count);
	return code ? code : declare(env, own_messages, ARRAY_SIZE(own_messages));
}

int environment_variables(struct cel_env *env, bool tracee)
{
	enum { TRACEE_COUNT = 3 };
	static const struct {
		const char *name, *type;
		cel_get_fn get;
	} variables[] = {
		{ "event", "tracee.v1beta1.Event", get_event },
		{ "workload", "tracee.v1beta1.Workload", get_workload_variable },
		{ "timestamp", "google.protobuf.Timestamp", get_timestamp_variable },
		{ "context", "spoor.Context", get_context },
	};

	for (size_t i = 0; i < (tracee ? TRACEE_COUNT : ARRAY_SIZE(variables)); i++) {
		int code = cel_env_variable(env, variables[i].name, variables[i].type,
					    variables[i].get);

		if (code)
			return code;
	}
	return 0;
}

int environment_item(struct cel_env *env)
{
	return cel_env_variable(env, "item", "dyn", get_item);
}
