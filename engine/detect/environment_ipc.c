/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ipc` in conditions: the System V objects that the store knows. An object that is not
 * known is a message of defaults whose `known` is false, so that a condition needs no guard.
 */
#include "ipc.h"
#include "messages.h"
#include "store.h"

/* ---- spoor.IpcActor ------------------------------------------------------------------ */

#define ACTOR_GETTER(name, fallback, expression) \
	static void name(struct cel_run *run, const void *data, struct value *out) \
	{ \
		const struct ipc_actor *actor = data; \
\
		(void)run; \
		*out = actor ? (expression) : (fallback); \
	}

static const struct process *process_of(const struct cel_run *run, const struct ipc_actor *actor)
{
	return run->user && actor->pid ? process_find(run->user, actor->pid, actor->start_time)
				       : NULL;
}

static struct value executable_of(const struct cel_run *run, const struct ipc_actor *actor)
{
	const struct process *process = process_of(run, actor);

	return process ? text_or_empty(process->executable) : EMPTY_STRING;
}

static struct value program_of(const struct cel_run *run, const struct ipc_actor *actor)
{
	return user_ns_is_first(actor->user_ns) ? executable_of(run, actor) : EMPTY_STRING;
}

static struct value container_of_actor(const struct cel_run *run, const struct ipc_actor *actor)
{
	const struct container *container = run->user && actor->cgroup_id
						    ? container_find(run->user, actor->cgroup_id)
						    : NULL;

	return container ? text_or_empty(container->id) : EMPTY_STRING;
}

static bool is_running(const struct cel_run *run, const struct ipc_actor *actor)
{
	const struct process *process = process_of(run, actor);

	return process && !process->exit_time;
}

ACTOR_GETTER(get_actor_known, value_bool(false), value_bool(actor->time != 0))
ACTOR_GETTER(get_actor_pid, value_uint(0), value_uint(actor->pid))
ACTOR_GETTER(get_actor_uid, value_uint(0), value_uint(actor->uid))
ACTOR_GETTER(get_actor_executable, EMPTY_STRING, executable_of(run, actor))
ACTOR_GETTER(get_actor_program, EMPTY_STRING, program_of(run, actor))
ACTOR_GETTER(get_actor_container, EMPTY_STRING, container_of_actor(run, actor))
ACTOR_GETTER(get_actor_running, value_bool(false), value_bool(is_running(run, actor)))

static void get_actor_time(struct cel_run *run, const void *data, struct value *out)
{
	const struct ipc_actor *actor = data;
	const struct event *event = run->object;

	give_time(run, out,
		  actor && actor->time && event ? actor->time + event->clock->boot_epoch_ns : 0);
}

static const struct cel_field actor_fields[] = {
	{ "known", "bool", get_actor_known, NULL },
	{ "pid", "uint", get_actor_pid, NULL },
	{ "uid", "uint", get_actor_uid, NULL },
	{ "executable", "string", get_actor_executable, NULL },
	{ "program", "string", get_actor_program, NULL },
	{ "container", "string", get_actor_container, NULL },
	{ "running", "bool", get_actor_running, NULL },
	{ "time", "google.protobuf.Timestamp", get_actor_time, NULL },
};
static MESSAGE(actor_message, "spoor.IpcActor", actor_fields);

/* ---- spoor.IpcObject ----------------------------------------------------------------- */

#define OBJECT_GETTER(name, fallback, expression) \
	static void name(struct cel_run *run, const void *data, struct value *out) \
	{ \
		const struct ipc_object *object = data; \
\
		(void)run; \
		*out = object ? (expression) : (fallback); \
	}

static const struct ipc_change *latest_change(const struct ipc_object *object)
{
	return object->change_count ? &object->changes[(object->change_count - 1) % IPC_CHANGES_MAX]
				    : NULL;
}

static struct value last_event_of(const struct ipc_object *object)
{
	const struct event_def *def = object->last_event ? event_by_id(object->last_event) : NULL;

	return def ? value_str(str_of(def->name)) : EMPTY_STRING;
}

static uint32_t mode_was(const struct ipc_object *object)
{
	const struct ipc_change *change = latest_change(object);

	return change ? change->mode : object->mode;
}

static uint32_t uid_was(const struct ipc_object *object)
{
	const struct ipc_change *change = latest_change(object);

	return change ? change->uid : object->uid;
}

OBJECT_GETTER(get_known, value_bool(false), value_bool(true))
OBJECT_GETTER(get_kind, EMPTY_STRING, value_str(str_of(ipc_kind_names[object->kind])))
OBJECT_GETTER(get_id, value_int(-1), value_int(object->id))
OBJECT_GETTER(get_key, value_int(0), value_int(object->key))
OBJECT_GETTER(get_uid, value_uint(0), value_uint(object->uid))
OBJECT_GETTER(get_gid, value_uint(0), value_uint(object->gid))
OBJECT_GETTER(get_creator_uid, value_uint(0), value_uint(object->cuid))
OBJECT_GETTER(get_creator_gid, value_uint(0), value_uint(object->cgid))
OBJECT_GETTER(get_mode, value_uint(0), value_uint(object->mode))
OBJECT_GETTER(get_size, value_uint(0), value_uint(object->size))
OBJECT_GETTER(get_users, value_uint(0), value_uint(object->users))
OBJECT_GETTER(get_existing, value_bool(false), value_bool(object->existing))
OBJECT_GETTER(get_removed, value_bool(false), value_bool(object->removed))
OBJECT_GETTER(get_changes, value_int(0), value_int(object->change_count))
OBJECT_GETTER(get_mode_was, value_uint(0), value_uint(mode_was(object)))
OBJECT_GETTER(get_uid_was, value_uint(0), value_uint(uid_was(object)))
OBJECT_GETTER(get_last_event, EMPTY_STRING, last_event_of(object))

static void get_creator(struct cel_run *run, const void *data, struct value *out)
{
	const struct ipc_object *object = data;

	give_message(run, out, &actor_message, object ? &object->creator : NULL);
}

static void get_last(struct cel_run *run, const void *data, struct value *out)
{
	const struct ipc_object *object = data;

	give_message(run, out, &actor_message, object ? &object->last : NULL);
}

static const struct cel_field object_fields[] = {
	{ "known", "bool", get_known, NULL },
	{ "kind", "string", get_kind, NULL },
	{ "id", "int", get_id, NULL },
	{ "key", "int", get_key, NULL },
	{ "uid", "uint", get_uid, NULL },
	{ "gid", "uint", get_gid, NULL },
	{ "creator_uid", "uint", get_creator_uid, NULL },
	{ "creator_gid", "uint", get_creator_gid, NULL },
	{ "mode", "uint", get_mode, NULL },
	{ "size", "uint", get_size, NULL },
	{ "users", "uint", get_users, NULL },
	{ "existing", "bool", get_existing, NULL },
	{ "removed", "bool", get_removed, NULL },
	{ "creator", "spoor.IpcActor", get_creator, is_set },
	{ "last", "spoor.IpcActor", get_last, is_set },
	{ "last_event", "string", get_last_event, NULL },
	{ "changes", "int", get_changes, NULL },
	{ "mode_was", "uint", get_mode_was, NULL },
	{ "uid_was", "uint", get_uid_was, NULL },
};
static MESSAGE(object_message, "spoor.IpcObject", object_fields);

const struct cel_message *const ipc_messages[] = { &actor_message, &object_message };
const size_t ipc_message_count = ARRAY_SIZE(ipc_messages);

/* ---- functions ----------------------------------------------------------------------- */

/* The store may be asked only where there are stores and an event. */
static bool may_ask(const struct cel_run *run)
{
	return run->user && run->object;
}

static uint32_t namespace_of(const struct cel_run *run)
{
	return ((const struct event *)run->object)->wire->ipc_ns;
}

/* False: no such kind. */
static bool kind_of(struct value text, enum ipc_kind *out)
{
	struct str name = { text.str, text.len };

	for (unsigned kind = 0; kind < IPC_KINDS; kind++)
		if (str_equal(name, str_of(ipc_kind_names[kind]))) {
			*out = (enum ipc_kind)kind;
			return true;
		}
	return false;
}

static void ipc_get(struct cel_run *run, const struct value *args, uint32_t count,
		    struct value *out)
{
	const struct ipc_object *object = NULL;
	enum ipc_kind kind;

	(void)count;
	if (!kind_of(args[0], &kind)) {
		*out = cel_error(run, "ipc.get: the kind is msg, shm or sem");
		return;
	}
	if (may_ask(run) && args[1].i >= 0 && args[1].i <= INT32_MAX)
		object = ipc_find(run->user, namespace_of(run), kind, (int32_t)args[1].i);
	give_message(run, out, &object_message, object);
}

static void ipc_object_of_event(struct cel_run *run, const struct value *args, uint32_t count,
				struct value *out)
{
	(void)args, (void)count;
	give_message(run, out, &object_message,
		     may_ask(run)
			     ? ipc_of_event(run->user, ((const struct event *)run->object)->wire)
			     : NULL);
}

static void ipc_count_of(struct cel_run *run, const struct value *args, uint32_t count,
			 struct value *out)
{
	enum ipc_kind kind;

	(void)count;
	if (!kind_of(args[0], &kind)) {
		*out = cel_error(run, "ipc.count: the kind is msg, shm or sem");
		return;
	}
	*out = value_int(may_ask(run) ? ipc_count(run->user, namespace_of(run), kind,
						  ((const struct event *)run->object)->wire->euid)
				      : 0);
}

enum { LEFT_MAX = 64 };

static void ipc_left(struct cel_run *run, const struct value *args, uint32_t count,
		     struct value *out)
{
	const struct event *event = run->object;
	const struct ipc_object *found[LEFT_MAX];
	uint32_t known = may_ask(run) ? ipc_made_by(run->user, event->wire->pid,
						    event->wire->leader_start_time, found, LEFT_MAX)
				      : 0;
	struct value_list *list = give_list(run, out, MIN(known, LEFT_MAX));

	(void)args, (void)count;
	for (uint32_t i = 0; list && i < list->count; i++)
		give_message(run, &list->items[i], &object_message, found[i]);
}

const struct cel_function ipc_functions[] = {
	{ "ipc.get", "(string, int) -> spoor.IpcObject", ipc_get,
	  "the System V object of this kind (msg, shm, sem) and identifier in the event's IPC "
	  "namespace; its field known is false if there is none",
	  "ipc.get(\"shm\", 1).known", "false" },
	{ "ipc.object", "() -> spoor.IpcObject", ipc_object_of_event,
	  "the System V object this event is about, as it is after the call: who made it and "
	  "when, who used it last, how its mode and owner changed",
	  "ipc.object().creator.executable", "\"\"" },
	{ "ipc.count", "(string) -> int", ipc_count_of,
	  "how many objects of this kind (msg, shm, sem) the event's effective user made in its "
	  "IPC namespace that are still there",
	  "ipc.count(\"msg\")", "0" },
	{ "ipc.made", "() -> list(spoor.IpcObject)", ipc_left,
	  "the objects the event's process made that are still there, and those its parent made "
	  "before it ended, at most 64; on sched_process_exit: what is left behind, empty as long "
	  "as a child lives",
	  "ipc.made().size()", "0" },
};
const uint32_t ipc_function_count = ARRAY_SIZE(ipc_functions);
