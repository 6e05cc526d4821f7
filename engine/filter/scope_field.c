/* SPDX-License-Identifier: Apache-2.0 */
/* Scope fields: the part of an event's context that filters can name. A row is a field. */
#include "filter.h"

#include "event/encode.h"
#include "store.h"

enum what {
	TIMESTAMP,
	PID,
	TID,
	PPID,
	HOST_PID,
	HOST_TID,
	HOST_PPID,
	USER,
	MOUNT_NS,
	PID_NS,
	CPU,
	CGROUP,
	COMM,
	SYSCALL,
	HOST_NAME,
	CONTAINER,
	CONTAINER_ID,
	CONTAINER_NAME,
	IMAGE,
	IMAGE_DIGEST,
	POD_NAME,
	POD_NAMESPACE,
	POD_UID,
	POD_SANDBOX,
};

const struct scope_field scope_fields[] = {
	{ "timestamp", SCOPE_INT64, 0, TIMESTAMP },
	{ "p", SCOPE_INT64, 0, PID },
	{ "pid", SCOPE_INT64, 0, PID },
	{ "processId", SCOPE_INT64, 0, PID },
	{ "tid", SCOPE_INT64, 0, TID },
	{ "threadId", SCOPE_INT64, 0, TID },
	{ "ppid", SCOPE_INT64, 0, PPID },
	{ "parentProcessId", SCOPE_INT64, 0, PPID },
	{ "hostTid", SCOPE_INT64, 0, HOST_TID },
	{ "hostThreadId", SCOPE_INT64, 0, HOST_TID },
	{ "hostPid", SCOPE_INT64, 0, HOST_PID },
	{ "hostParentProcessId", SCOPE_INT64, 0, HOST_PPID },
	{ "uid", SCOPE_INT64, 0, USER },
	{ "userId", SCOPE_INT64, 0, USER },
	{ "mntns", SCOPE_INT64, 0, MOUNT_NS },
	{ "mountNamespace", SCOPE_INT64, 0, MOUNT_NS },
	{ "pidns", SCOPE_INT64, 0, PID_NS },
	{ "pidNamespace", SCOPE_INT64, 0, PID_NS },
	{ "processorId", SCOPE_INT64, 0, CPU },
	{ "cgroupId", SCOPE_UINT64, 0, CGROUP },
	{ "comm", SCOPE_STRING, 0, COMM },
	{ "processName", SCOPE_STRING, 0, COMM },
	{ "syscall", SCOPE_STRING, 0, SYSCALL },
	{ "hostName", SCOPE_STRING, 0, HOST_NAME },
	{ "container", SCOPE_CONTAINER, 0, CONTAINER },
	{ "host", SCOPE_HOST, 0, CONTAINER },
	{ "containerId", SCOPE_STRING, 1, CONTAINER_ID },
	{ "containerImage", SCOPE_STRING, 1, IMAGE },
	{ "containerName", SCOPE_STRING, 1, CONTAINER_NAME },
	{ "containerImageDigest", SCOPE_STRING, 1, IMAGE_DIGEST },
	{ "podName", SCOPE_STRING, 1, POD_NAME },
	{ "podNamespace", SCOPE_STRING, 1, POD_NAMESPACE },
	{ "podUid", SCOPE_STRING, 1, POD_UID },
	{ "podSandbox", SCOPE_BOOL, 1, POD_SANDBOX },
};
const size_t scope_field_count = ARRAY_SIZE(scope_fields);

const struct scope_field *scope_field_find(struct str name)
{
	for (size_t i = 0; i < scope_field_count; i++)
		if (str_equal(name, str_of(scope_fields[i].name)))
			return &scope_fields[i];
	return NULL;
}

bool event_in_container(const struct event *event)
{
	return event_container_id(event).len > 0;
}

bool event_container_started(const struct event *event)
{
	if (event->given)
		return event->given->container_started;
	return (event->container && event->container->started) ||
	       (event->wire->flags & WIRE_CONTAINER_STARTED) != 0;
}

static uint64_t timestamp(const struct event *event)
{
	return event->wire->time ? event->wire->time + event->clock->boot_epoch_ns : 0;
}

uint64_t scope_field_number(const struct scope_field *field, const struct event *event,
			    enum scope_view view)
{
	const struct wire_header *w = event->wire;

	/* Tracee takes the process for its parent; its detectors see no namespaces, no cgroup. */
	if (view != SCOPE_AS_NAMED && field->what == HOST_PPID)
		return w->pid;
	if (view == SCOPE_AS_DETECTORS && field->what >= MOUNT_NS && field->what <= CGROUP)
		return 0;
	switch ((enum what)field->what) {
	case TIMESTAMP: return timestamp(event);
	case PID: return w->ns_pid;
	case TID: return w->ns_tid;
	case PPID: return w->ns_ppid;
	case HOST_PID: return w->pid;
	case HOST_TID: return w->tid;
	case HOST_PPID: return w->ppid;
	case USER: return w->uid;
	case MOUNT_NS: return w->mnt_ns;
	case PID_NS: return w->pid_ns;
	case CPU: return w->cpu;
	case CGROUP: return w->cgroup_id;
	default: return 0;
	}
}

static struct str comm(const struct event *event)
{
	return (struct str){ event->wire->comm,
			     (uint32_t)strnlen(event->wire->comm, WIRE_COMM_LEN) };
}

static struct str given_text(enum what what, const struct event_given *given)
{
	switch (what) {
	case IMAGE: return given->image_name;
	case IMAGE_DIGEST: return given->image_digest;
	case CONTAINER_NAME: return given->container_name;
	case POD_NAME: return given->pod_name;
	case POD_NAMESPACE: return given->pod_namespace;
	case POD_UID: return given->pod_uid;
	case SYSCALL: return given->syscall_name;
	default: return (struct str){ 0 };
	}
}

static struct str known_text(enum what what, const struct event *event)
{
	const struct container *container = event->container;

	switch (what) {
	case SYSCALL:
		return event->wire->syscall >= 0 ? syscall_name(event->wire->syscall)
						 : (struct str){ 0 };
	case CONTAINER_NAME: return container ? container->name : (struct str){ 0 };
	case IMAGE: return container ? container->image_name : (struct str){ 0 };
	case IMAGE_DIGEST: return container ? container->image_digest : (struct str){ 0 };
	default: return (struct str){ 0 };
	}
}

struct str scope_field_text(const struct scope_field *field, const struct event *event,
			    enum scope_view view)
{
	if (view == SCOPE_AS_DETECTORS && field->what == HOST_NAME)
		return STR("");
	if (field->what == HOST_NAME)
		return event_host_name(event);
	if (field->what == COMM)
		return comm(event);
	if (field->what == CONTAINER_ID)
		return event_container_id(event);
	return event->given ? given_text(field->what, event->given)
			    : known_text(field->what, event);
}

struct value scope_field_value(const struct scope_field *field, const struct event *event,
			       enum scope_view view)
{
	switch ((enum scope_kind)field->kind) {
	case SCOPE_INT64: return value_int((int64_t)scope_field_number(field, event, view));
	case SCOPE_UINT64: return value_uint(scope_field_number(field, event, view));
	case SCOPE_STRING: return value_str(scope_field_text(field, event, view));
	case SCOPE_CONTAINER:
	case SCOPE_HOST: return value_bool(event_in_container(event));
	case SCOPE_BOOL: return value_bool(false);
	}
	return value_null();
}
