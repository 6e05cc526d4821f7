/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `workload` in conditions: process, container, pod. The parent of a process is shown
 * as an event of that process (struct ancestor), so that one set of getters serves both.
 */
#include "event/encode.h"
#include "messages.h"
#include "filter/filter.h"
#include "store.h"

/* ---- workload.container, workload.k8s -------------------------------------------- */

#define CONTAINER_TEXT(member) \
	(event->given	    ? event->given->container_##member \
	 : event->container ? event->container->member \
			    : (struct str){ 0 })
#define IMAGE_TEXT(member) \
	(event->given	    ? event->given->member \
	 : event->container ? event->container->member \
			    : (struct str){ 0 })
#define POD_TEXT(member) (event->given ? event->given->member : (struct str){ 0 })

GETTER(get_container_id, EMPTY_STRING, text_or_empty(CONTAINER_TEXT(id)))
GETTER(get_container_name, EMPTY_STRING, text_or_empty(CONTAINER_TEXT(name)))
GETTER(get_container_started, value_bool(false), value_bool(event_container_started(event)))
GETTER(get_image_id, EMPTY_STRING, text_or_empty(IMAGE_TEXT(image_id)))
GETTER(get_image_name, EMPTY_STRING, text_or_empty(IMAGE_TEXT(image_name)))
GETTER(get_pod_name, EMPTY_STRING, text_or_empty(POD_TEXT(pod_name)))
GETTER(get_pod_uid, EMPTY_STRING, text_or_empty(POD_TEXT(pod_uid)))
GETTER(get_pod_namespace, EMPTY_STRING, text_or_empty(POD_TEXT(pod_namespace)))

static void get_repo_digests(struct cel_run *run, const void *data, struct value *out)
{
	const struct event *event = data;
	struct str digest = event ? IMAGE_TEXT(image_digest) : (struct str){ 0 };
	struct value_list *list;

	give_empty_list(out);
	if (digest.len && (list = give_list(run, out, 1)))
		list->items[0] = value_str(digest);
}

static bool has_image(const void *data)
{
	const struct event *event = data;

	return event && IMAGE_TEXT(image_name).len;
}

static const struct cel_field image_fields[] = {
	{ "id", "string", get_image_id, NULL },
	{ "name", "string", get_image_name, NULL },
	{ "repo_digests", "list(string)", get_repo_digests, NULL },
};
static MESSAGE(image_message, "tracee.v1beta1.ContainerImage", image_fields);

static void get_image(struct cel_run *run, const void *data, struct value *out)
{
	give_message(run, out, &image_message, has_image(data) ? data : NULL);
}

static const struct cel_field container_fields[] = {
	{ "id", "string", get_container_id, NULL },
	{ "name", "string", get_container_name, NULL },
	{ "started", "bool", get_container_started, NULL },
	{ "image", "tracee.v1beta1.ContainerImage", get_image, has_image },
};
static MESSAGE(container_message, "tracee.v1beta1.Container", container_fields);

static const struct cel_field pod_fields[] = {
	{ "name", "string", get_pod_name, NULL },
	{ "uid", "string", get_pod_uid, NULL },
	{ "labels", "map(string, string)", get_empty_map, NULL },
};
static MESSAGE(pod_message, "tracee.v1beta1.Pod", pod_fields);

static const struct cel_field k8s_namespace_fields[] = {
	{ "name", "string", get_pod_namespace, NULL },
};
static MESSAGE(k8s_namespace_message, "tracee.v1beta1.K8sNamespace", k8s_namespace_fields);

static bool has_pod(const void *data)
{
	const struct event *event = data;

	return event && POD_TEXT(pod_name).len;
}

static void get_pod(struct cel_run *run, const void *data, struct value *out)
{
	give_message(run, out, &pod_message, has_pod(data) ? data : NULL);
}

static void get_k8s_namespace(struct cel_run *run, const void *data, struct value *out)
{
	give_message(run, out, &k8s_namespace_message, has_pod(data) ? data : NULL);
}

static const struct cel_field k8s_fields[] = {
	{ "pod", "tracee.v1beta1.Pod", get_pod, has_pod },
	{ "namespace", "tracee.v1beta1.K8sNamespace", get_k8s_namespace, has_pod },
};
static MESSAGE(k8s_message, "tracee.v1beta1.K8s", k8s_fields);

/* ---- workload.process ------------------------------------------------------------- */

static struct str syscall_of(const struct event *event)
{
	if (event->given)
		return event->given->syscall_name;
	return event->wire->syscall >= 0 ? syscall_name(event->wire->syscall) : (struct str){ 0 };
}

static struct value comm_of(const struct event *event)
{
	return value_string(event->wire->comm, (uint32_t)strnlen(event->wire->comm, WIRE_COMM_LEN));
}

GETTER(get_executable_path, EMPTY_STRING, text_or_empty(event_executable(event)))
GETTER(get_unique_id, value_null(), value_uint(event_process_hash(event)))
GETTER(get_host_pid, value_null(), optional_uint(event->wire->pid, event->wire->pid))
GETTER(get_pid, value_null(), optional_uint(event->wire->ns_pid, event->wire->ns_pid))
GETTER(get_user_id, value_null(), value_uint(event->wire->uid))
GETTER(get_thread_name, EMPTY_STRING, comm_of(event))
GETTER(get_syscall, EMPTY_STRING, text_or_empty(syscall_of(event)))
GETTER(get_compat, value_bool(false), value_bool((event->wire->flags & WIRE_COMPAT) != 0))
GETTER(get_thread_unique_id, value_null(), value_uint(event_thread_hash(event)))
GETTER(get_host_tid, value_null(), optional_uint(event->wire->tid, event->wire->tid))
GETTER(get_tid, value_null(), optional_uint(event->wire->ns_tid, event->wire->ns_tid))

static void get_start_time(struct cel_run *run, const void *data, struct value *out)
{
	const struct event *event = data;

	give_time(run, out,
		  event && event->wire->start_time
			  ? event->wire->start_time + event->clock->boot_epoch_ns
			  : 0);
}

static bool has_executable(const void *data)
{
	return data && event_executable(data).len;
}

static const struct cel_field executable_fields[] = {
	{ "path", "string", get_executable_path, NULL },
};
static MESSAGE(executable_message, "tracee.v1beta1.Executable", executable_fields);

static const struct cel_field user_fields[] = {
	{ "id", "wrapper(uint)", get_user_id, NULL },
};
static MESSAGE(user_message, "tracee.v1beta1.User", user_fields);

static const struct cel_field address_fields[] = {
	{ "address", "uint", get_zero, never },
	{ "symbol", "string", get_empty_string, never },
};
static MESSAGE(address_message, "tracee.v1beta1.StackAddress", address_fields);

static const struct cel_field stack_fields[] = {
	{ "addresses", "list(tracee.v1beta1.StackAddress)", get_empty_list, never },
};
static MESSAGE(stack_message, "tracee.v1beta1.UserStackTrace", stack_fields);

static void get_stack(struct cel_run *run, const void *data, struct value *out)
{
	(void)data;
	give_message(run, out, &stack_message, NULL);
}

static const struct cel_field thread_fields[] = {
	{ "name", "string", get_thread_name, NULL },
	{ "syscall", "string", get_syscall, NULL },
	{ "compat", "bool", get_compat, NULL },
	{ "start_time", "google.protobuf.Timestamp", get_start_time, is_set },
	{ "unique_id", "wrapper(uint)", get_thread_unique_id, NULL },
	{ "host_tid", "wrapper(uint)", get_host_tid, NULL },
	{ "tid", "wrapper(uint)", get_tid, NULL },
	{ "user_stack_trace", "tracee.v1beta1.UserStackTrace", get_stack, never },
};
static MESSAGE(thread_message, "tracee.v1beta1.Thread", thread_fields);

static void get_executable(struct cel_run *run, const void *data, struct value *out)
{
	give_message(run, out, &executable_message, data);
}

static void get_user(struct cel_run *run, const void *data, struct value *out)
{
	give_message(run, out, &user_message, data);
}

static void get_thread(struct cel_run *run, const void *data, struct value *out)
{
	give_message(run, out, &thread_message, data);
}

static const struct cel_message process_message;

/* The parent as an event of its own: the getters above then work on it. */
struct ancestor {
	struct event event;
	struct wire_header wire;
	struct event_given given;
};

static struct ancestor *ancestor_new(struct cel_run *run, const struct event *event)
{
	struct ancestor *a = arena_zalloc(run->arena, sizeof(*a));

	if (!a)
		return NULL;
	a->event = (struct event){ .def = event->def, .wire = &a->wire, .clock = event->clock };
	a->wire.syscall = -1;
	return a;
}

static void fill_ancestor(struct ancestor *a, const struct process *process)
{
	a->event.process = process;
	memcpy(a->wire.comm, process->comm, sizeof(a->wire.comm));
	a->wire.pid = a->wire.tid = process->pid;
	a->wire.ns_pid = a->wire.ns_tid = process->ns_pid;
	a->wire.start_time = a->wire.leader_start_time = process->start_time;
	a->wire.uid = process->uid;
}

/* As the record names it, with what the store knows besides. */
static struct ancestor *parent_of(struct cel_run *run, const struct event *event)
{
	struct ancestor *a = ancestor_new(run, event);
	const struct process *parent;

	if (!a)
		return NULL;
	a->wire.pid = a->wire.tid = event->wire->ppid;
	a->wire.ns_pid = a->wire.ns_tid = event->wire->ns_ppid;
	a->wire.start_time = a->wire.leader_start_time = event->wire->parent_start_time;
	if (event->given) {
		a->given = (struct event_given){ .has_process = true,
						 .process_id = event->given->parent_id };
		a->event.given = &a->given;
		return a;
	}
	parent = run->user ? process_find(run->user, a->wire.pid, a->wire.leader_start_time) : NULL;
	if (parent)
		fill_ancestor(a, parent);
	return a;
}

static void give_parent(struct cel_run *run, const struct event *event, struct value *out)
{
	struct value_list *list = give_list(run, out, 1);
	struct ancestor *parent = list ? parent_of(run, event) : NULL;

	if (parent)
		give_message(run, &list->items[0], &process_message, &parent->event);
	else
		*out = cel_error(run, "out of memory");
}

static void give_ancestors(struct cel_run *run, const struct event *event,
			   const struct process *const *known, uint32_t count, struct value *out)
{
	struct value_list *list = give_list(run, out, count);

	for (uint32_t i = 0; list && i < count; i++) {
		struct ancestor *a = ancestor_new(run, event);

		if (!a) {
			*out = cel_error(run, "out of memory");
			return;
		}
		fill_ancestor(a, known[i]);
		give_message(run, &list->items[i], &process_message, &a->event);
	}
}

/* The parent; all of them in a detection that asked for process_ancestry. */
static void get_ancestors(struct cel_run *run, const void *data, struct value *out)
{
	const struct event *event = data;
	const struct process *known[ANCESTRY_DEPTH];
	uint32_t count = event && event->print_ancestry
				 ? event_ancestors(event, run->user, known, ANCESTRY_DEPTH)
				 : 0;

	give_empty_list(out);
	if (count)
		give_ancestors(run, event, known, count, out);
	else if (event && event_has_parent(event))
		give_parent(run, event, out);
}

static const struct cel_field process_fields[] = {
	{ "executable", "tracee.v1beta1.Executable", get_executable, has_executable },
	{ "unique_id", "wrapper(uint)", get_unique_id, NULL },
	{ "host_pid", "wrapper(uint)", get_host_pid, NULL },
	{ "pid", "wrapper(uint)", get_pid, NULL },
	{ "real_user", "tracee.v1beta1.User", get_user, is_set },
	{ "thread", "tracee.v1beta1.Thread", get_thread, is_set },
	{ "ancestors", "list(tracee.v1beta1.Process)", get_ancestors, NULL },
};
static MESSAGE(process_message, "tracee.v1beta1.Process", process_fields);

/* ---- workload ------------------------------------------------------------------------ */

static bool has_process(const void *data)
{
	const struct event *event = data;

	if (!event)
		return false;
	return event->given ? event->given->has_process : event->wire->pid || event->wire->comm[0];
}

static bool has_container(const void *data)
{
	return data && event_in_container(data);
}

bool event_has_workload(const struct event *event)
{
	return has_process(event) || has_container(event) || has_pod(event);
}

bool has_workload(const void *data)
{
	return data && event_has_workload(data);
}

static void get_process(struct cel_run *run, const void *data, struct value *out)
{
	give_message(run, out, &process_message, has_process(data) ? data : NULL);
}

static void get_container(struct cel_run *run, const void *data, struct value *out)
{
	give_message(run, out, &container_message, has_container(data) ? data : NULL);
}

static void get_k8s(struct cel_run *run, const void *data, struct value *out)
{
	give_message(run, out, &k8s_message, has_pod(data) ? data : NULL);
}

static const struct cel_field workload_fields[] = {
	{ "process", "tracee.v1beta1.Process", get_process, has_process },
	{ "container", "tracee.v1beta1.Container", get_container, has_container },
	{ "k8s", "tracee.v1beta1.K8s", get_k8s, has_pod },
};
MESSAGE(workload_message, "tracee.v1beta1.Workload", workload_fields);

const struct cel_message *const workload_messages[] = {
	&image_message, &container_message,  &pod_message,     &k8s_namespace_message,
	&k8s_message,	&executable_message, &user_message,    &address_message,
	&stack_message, &thread_message,     &process_message, &workload_message,
};
const size_t workload_message_count = ARRAY_SIZE(workload_messages);
