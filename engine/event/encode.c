/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of keys here is Tracee's marshaller's, and receivers compare bytes: test_format
 * holds this file to recorded lines. Hot path: no allocation beyond the buf, no printf;
 * numbers and constant text go through a cursor after one check for room.
 */
#define KNOWN_EVENTS
#include "event/encode.h"

#include "base/common.h"
#include "event/encode_data.h"
#include "event/json.h"
#include "store.h"

/* Room for the constant text and numbers between two strings. */
enum { PIECE = 512 };

#define PUT(at, literal) (memcpy((at), "" literal, sizeof(literal) - 1), (at) + sizeof(literal) - 1)

static void finish(struct buf *out, const char *at)
{
	out->len = (size_t)(at - out->data);
}

/* ---- what an event says about its process ------------------------------ */

struct str event_executable(const struct event *event)
{
	if (event->given && event->given->executable.data)
		return event->given->executable;
	return event->process ? event->process->executable : (struct str){ 0 };
}

struct str event_container_id(const struct event *event)
{
	if (event->given && event->given->has_container)
		return event->given->container_id;
	return event->container ? event->container->id : (struct str){ 0 };
}

struct str event_syscall(const struct event *event)
{
	const struct event_def *def;

	if (event->given)
		return event->given->syscall_name;
	/* A call that only i386 has is known by its own event. */
	if (event->wire->syscall < 0) {
		def = event_by_id(event->wire->id);
		return def && def->syscall < 0 && def->syscall32 >= 0 ? str_of(def->name)
								      : (struct str){ 0 };
	}
	return syscall_name(event->wire->syscall);
}

struct str event_source(const struct event *event)
{
	const struct event_def *def = event_by_id(event->wire->id);

	if (def)
		return str_of(def->name);
	return event->given ? event->given->source_event : (struct str){ 0 };
}

static struct str event_runtime(const struct event *event)
{
	if (event->given && event->given->container_runtime.data)
		return event->given->container_runtime;
	return event->container ? event->container->runtime : (struct str){ 0 };
}

const struct names *event_field_names(const struct event *event, unsigned index)
{
	const struct event_field *field = &event->def->fields[index];

	if (!event->values)
		return names_find(field->names);
	const struct event_def *input = event_by_id(event->wire->id);
	int same = input ? event_field_index(input, str_of(field->name)) : -1;

	return same >= 0 ? names_find(input->fields[same].names) : NULL;
}

uint32_t event_internal_id(const struct event_def *def)
{
	if (def->syscall >= 0)
		return (uint32_t)def->syscall;
	if (def->syscall32 >= 0)
		return def->id + 88u;
	return def->id >= 1000 && def->id < 2000 ? def->id - 300u : def->id;
}

/* ---- workload ------------------------------ */

static void add_thread(struct buf *out, const struct event *event)
{
	const struct wire_header *wire = event->wire;
	struct str comm = event_comm(event), call = event_syscall(event);
	uint64_t start = event_epoch_time(event, wire->start_time);

	buf_lit(out, ",\"thread\":{");
	if (start) {
		buf_lit(out, "\"start_time\":");
		json_time(out, start);
		buf_char(out, ',');
	}
	if (comm.len) {
		buf_lit(out, "\"name\":");
		json_text(out, comm);
		buf_char(out, ',');
	}
	char *at = buf_room(out, PIECE);

	if (!at)
		return;
	at = PUT(at, "\"unique_id\":");
	at = text_uint(at, event_thread_hash(event));
	at = PUT(at, ",\"host_tid\":");
	at = text_uint(at, wire->tid);
	at = PUT(at, ",\"tid\":");
	at = text_uint(at, wire->ns_tid);
	finish(out, at);
	if (call.len) {
		buf_lit(out, ",\"syscall\":");
		json_text(out, call);
	}
	if (wire->flags & WIRE_COMPAT)
		buf_lit(out, ",\"compat\":true");
	buf_char(out, '}');
}

struct task {
	uint32_t unique_id, host_pid, pid;
};

static void add_task(struct buf *out, struct task task)
{
	char *at = buf_room(out, PIECE);

	if (!at)
		return;
	at = PUT(at, "\"unique_id\":");
	at = text_uint(at, task.unique_id);
	at = PUT(at, ",\"host_pid\":");
	at = text_uint(at, task.host_pid);
	at = PUT(at, ",\"pid\":");
	at = text_uint(at, task.pid);
	finish(out, at);
}

static void add_ancestor(struct buf *out, uint32_t index, struct str executable, struct str comm,
			 struct task task)
{
	buf_str(out, index ? STR(",{") : STR("{"));
	if (executable.len) {
		buf_lit(out, "\"executable\":{\"path\":");
		json_text(out, executable);
		buf_lit(out, "},");
	}
	add_task(out, task);
	if (comm.len) {
		buf_lit(out, ",\"thread\":{\"name\":");
		json_text(out, comm);
		buf_char(out, '}');
	}
	buf_char(out, '}');
}

/* Ancestors as the process store knows them, for detections that ask for it. */
static uint32_t add_known_ancestors(struct buf *out, const struct event *event,
				    const struct stores *stores)
{
	const struct process *known[ANCESTRY_DEPTH];
	uint32_t count = event_ancestors(event, stores, known, ANCESTRY_DEPTH);

	for (uint32_t i = 0; i < count; i++) {
		const struct process *process = known[i];
		struct str comm = { process->comm,
				    (uint32_t)strnlen(process->comm, WIRE_COMM_LEN) };
		uint64_t start = event_epoch_time(event, process->start_time);

		add_ancestor(out, i, process->executable, comm,
			     (struct task){ entity_hash(process->pid, start), process->pid,
					    process->ns_pid });
	}
	return count;
}

/* Those that a recording has. */
static void add_given_ancestors(struct buf *out, const struct event_given *given)
{
	for (uint32_t i = 0; i < given->ancestor_count; i++) {
		const struct given_ancestor *a = &given->ancestors[i];

		add_ancestor(out, i, a->executable, a->comm,
			     (struct task){ a->process_id, a->pid, a->ns_pid });
	}
}

static void add_ancestors(struct buf *out, const struct event *event,
			  const struct format_options *options)
{
	uint32_t parent = event_parent_hash(event);
	size_t before = out->len;

	buf_lit(out, ",\"ancestors\":[");
	if (event->print_ancestry && event->given && event->given->ancestor_count) {
		add_given_ancestors(out, event->given);
		buf_char(out, ']');
	} else if (event->print_ancestry && options->stores &&
		   add_known_ancestors(out, event, options->stores)) {
		buf_char(out, ']');
	} else if (parent) {
		buf_char(out, '{');
		add_task(out, (struct task){ parent, event->wire->ppid, event->wire->ns_ppid });
		buf_lit(out, "}]");
	} else {
		out->len = MIN(before, out->len);
	}
}

static void add_process(struct buf *out, const struct event *event,
			const struct format_options *options)
{
	struct str path = event_executable(event);

	buf_lit(out, "\"process\":{");
	if (path.len) {
		buf_lit(out, "\"executable\":{\"path\":");
		json_text(out, path);
		buf_lit(out, "},");
	}
	add_task(out,
		 (struct task){ event_process_hash(event), event->wire->pid, event->wire->ns_pid });
	char *at = buf_room(out, PIECE);

	if (!at)
		return;
	at = PUT(at, ",\"real_user\":{\"id\":");
	at = text_uint(at, event->wire->uid);
	*at++ = '}';
	finish(out, at);
	add_thread(out, event);
	add_ancestors(out, event, options);
	buf_char(out, '}');
}

struct container_text {
	struct str id, name, image_id, image_name, image_digest;
	bool started;
};

/* False if the event is not known to come from a container. */
static bool container_of_event(const struct event *event, struct container_text *out)
{
	const struct event_given *given = event->given;
	const struct container *container = event->container;

	if (given && given->has_container)
		*out = (struct container_text){ given->container_id, given->container_name,
						given->image_id,     given->image_name,
						given->image_digest, given->container_started };
	else if (container && container->id.len)
		*out = (struct container_text){
			container->id,		 container->name,
			container->image_id,	 container->image_name,
			container->image_digest, event->wire->flags & WIRE_CONTAINER_STARTED
		};
	else
		return false;
	return true;
}

static void add_container(struct buf *out, const struct container_text *container, bool own)
{
	buf_lit(out, "\"container\":{\"id\":");
	json_text(out, container->id);
	buf_lit(out, ",\"name\":");
	json_text(out, container->name);
	if (container->image_name.len) {
		/* Tracee never knows the image's id, and prints that. */
		buf_lit(out, ",\"image\":{\"id\":");
		json_text(out, own ? container->image_id : STR(""));
		if (container->image_digest.len) {
			buf_lit(out, ",\"repo_digests\":[");
			json_text(out, container->image_digest);
			buf_char(out, ']');
		}
		buf_lit(out, ",\"name\":");
		json_text(out, container->image_name);
		buf_char(out, '}');
	}
	buf_lit(out, ",\"started\":");
	buf_str(out, container->started ? STR("true}") : STR("false}"));
}

static void add_pod(struct buf *out, const struct event_given *given)
{
	buf_lit(out, "\"k8s\":{\"pod\":{\"name\":");
	json_text(out, given->pod_name);
	buf_lit(out, ",\"uid\":");
	json_text(out, given->pod_uid);
	buf_lit(out, "},\"namespace\":{\"name\":");
	json_text(out, given->pod_namespace);
	buf_lit(out, "}}");
}

static void add_workload(struct buf *out, const struct event *event,
			 const struct format_options *options, bool own)
{
	const struct event_given *given = event->given;
	bool process = given ? given->has_process : event->wire->ns_pid || event->wire->comm[0];
	struct container_text text;
	bool container = container_of_event(event, &text), pod = given && given->pod_name.len;

	if (!process && !container && !pod)
		return;
	buf_lit(out, ",\"workload\":{");
	if (process)
		add_process(out, event, options);
	if (process && (container || pod))
		buf_char(out, ',');
	if (container)
		add_container(out, &text, own);
	if (container && pod)
		buf_char(out, ',');
	if (pod)
		add_pod(out, given);
	buf_char(out, '}');
}

/* ---- detections ------------------------------ */

static void add_mitre(struct buf *out, const struct threat *threat)
{
	buf_lit(out, ",\"mitre\":{\"tactic\":{\"name\":");
	json_text(out, threat->tactic);
	buf_lit(out, "},\"technique\":{\"id\":");
	json_text(out, threat->technique_id);
	buf_lit(out, ",\"name\":");
	json_text(out, threat->technique_name);
	buf_lit(out, "}}");
}

static void add_threat(struct buf *out, const struct threat *threat)
{
	buf_lit(out, ",\"threat\":{\"description\":");
	json_text(out, threat->description);
	if (threat->has_mitre)
		add_mitre(out, threat);
	buf_lit(out, ",\"severity\":");
	buf_uint(out, threat->severity);
	buf_lit(out, ",\"name\":");
	json_text(out, threat->name);
	for (uint32_t i = 0; i < threat->property_count; i++) {
		buf_str(out, i ? STR(",") : STR(",\"properties\":{"));
		json_text(out, threat->properties[i].key);
		buf_char(out, ':');
		json_text(out, threat->properties[i].value);
	}
	buf_str(out, threat->property_count ? STR("}}") : STR("}"));
}

/* Raw values, decoded or not, and internal ids: so Tracee has it. */
static void add_detected_from(struct buf *out, const struct event *event, bool own)
{
	uint32_t depth = 0;

	buf_lit(out, ",\"detected_from\":{");
	for (;; depth++) {
		buf_lit(out, "\"id\":");
		buf_uint(out, event_internal_id(event->def));
		buf_lit(out, ",\"name\":");
		json_text(out, str_of(event->def->name));
		encode_data(out, event, (struct encode_style){ .own = own });
		event = event->print_detected_from ? event->detected_from : NULL;
		if (!event)
			break;
		buf_lit(out, ",\"parent\":{");
	}
	for (uint32_t i = 0; i <= depth; i++)
		buf_char(out, '}');
}

/* ---- our own keys ------------------------------ */

static void add_namespaces(struct buf *out, const struct wire_header *wire)
{
	const struct {
		struct str key;
		uint32_t inode;
	} namespaces[] = {
		{ STR("\"mnt\":"), wire->mnt_ns }, { STR("\"pid\":"), wire->pid_ns },
		{ STR("\"ipc\":"), wire->ipc_ns }, { STR("\"user\":"), wire->user_ns },
		{ STR("\"net\":"), wire->net_ns },
	};
	bool first = true;

	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++) {
		char *at = namespaces[i].inode ? buf_room(out, PIECE) : NULL;

		if (!at)
			continue;
		at = first ? PUT(at, ",\"namespaces\":{") : PUT(at, ",");
		memcpy(at, namespaces[i].key.data, namespaces[i].key.len);
		at = text_uint(at + namespaces[i].key.len, namespaces[i].inode);
		finish(out, at);
		first = false;
	}
	if (!first)
		buf_char(out, '}');
}

static void add_context(struct buf *out, const struct wire_header *wire)
{
	char *at = buf_room(out, PIECE);

	if (!at)
		return;
	at = PUT(at, ",\"seq\":");
	at = text_uint(at, wire->seq);
	at = PUT(at, ",\"cpu\":");
	at = text_uint(at, wire->cpu);
	if (wire->flags & WIRE_CONTEXT) {
		at = PUT(at, ",\"euid\":");
		at = text_uint(at, wire->euid);
		at = PUT(at, ",\"gid\":");
		at = text_uint(at, wire->gid);
		at = PUT(at, ",\"loginuid\":");
		at = text_uint(at, wire->loginuid);
	}
	finish(out, at);
}

/* Names of the fields that were read from user memory this time. */
static void add_origin(struct buf *out, const struct event *event)
{
	uint64_t user = event->values ? 0 : event->wire->user & event->wire->present;
	bool first = true;

	for (unsigned i = 0; user >> i && i < event->def->field_count; i++) {
		if (!(user >> i & 1))
			continue;
		buf_str(out, first ? STR(",\"origin\":{\"user\":[") : STR(","));
		json_text(out, str_of(event->def->fields[i].name));
		first = false;
	}
	if (!first)
		buf_lit(out, "]}");
}

/* What a detector with memory knew; a verdict with events missing says so, and how many. */
static void add_state(struct buf *out, const struct event *event)
{
	const struct event_state *state = event->state;

	buf_lit(out, ",\"state\":{\"phase\":");
	json_text(out, str_of(state->phase));
	buf_lit(out, ",\"first\":");
	json_time(out, event_epoch_time(event, state->first));
	buf_lit(out, ",\"last\":");
	json_time(out, event_epoch_time(event, state->last));
	buf_lit(out, ",\"events\":");
	buf_uint(out, state->events);
	buf_str(out, state->lost ? STR(",\"confidence\":\"partial\",\"lost\":")
				 : STR(",\"confidence\":\"full\"}"));
	if (!state->lost)
		return;
	buf_uint(out, state->lost);
	buf_char(out, '}');
}

static const struct str hook_names[16] = {
	[HOOK_FENTRY] = { "fentry", 6 },
	[HOOK_KPROBE] = { "kprobe", 6 },
	[HOOK_TRACEPOINT] = { "tracepoint", 10 },
	[HOOK_RAW] = { "raw", 3 },
};

static void add_member(struct buf *out, struct str key, struct str text)
{
	if (!text.len)
		return;
	buf_str(out, key);
	json_text(out, text);
}

static void add_host(struct buf *out, const struct host *host)
{
	add_member(out, STR(",\"machine_id\":"), host->machine_id);
	add_member(out, STR(",\"boot_id\":"), host->boot_id);
	for (uint32_t i = 0; i < host->address_count; i++) {
		buf_str(out, i ? STR(",") : STR(",\"addresses\":["));
		json_text(out, host->addresses[i]);
	}
	if (host->address_count)
		buf_char(out, ']');
}

static void add_alert(struct buf *out, const struct event *event)
{
	buf_lit(out, ",\"alert\":{\"id\":");
	json_text(out, str_of(event->alert->id));
	buf_lit(out, ",\"sequence\":");
	buf_uint(out, event->alert->sequence);
	buf_lit(out, ",\"rule\":{\"id\":");
	json_text(out, event->rule);
	buf_lit(out, ",\"version\":");
	json_text(out, str_of(event->def->version));
	buf_char(out, '}');
	add_member(out, STR(",\"source\":"), event_source(event));
	buf_char(out, '}');
}

static void add_own(struct buf *out, const struct event *event,
		    const struct format_options *options)
{
	const struct wire_header *wire = event->wire;
	struct str host = event->given && event->given->host_name.data ? event->given->host_name
								       : options->host->name;
	struct str hook = hook_names[(wire->flags & WIRE_HOOK_MASK) >> WIRE_HOOK_SHIFT];

	buf_lit(out, ",\"host\":");
	json_text(out, host);
	buf_lit(out, ",\"sensor\":{\"name\":\"spoor\",\"version\":");
	json_text(out, str_of(options->sensor_version));
	buf_char(out, '}');
	if (event->alert) {
		add_host(out, options->host);
		add_alert(out, event);
	}
	if (!event->given || event->given->has_sequence || wire->flags & WIRE_CONTEXT)
		add_context(out, wire);
	add_namespaces(out, wire);
	if (wire->cgroup_id) {
		buf_lit(out, ",\"cgroup_id\":");
		buf_uint(out, wire->cgroup_id);
	}
	add_member(out, STR(",\"container_runtime\":"), event_runtime(event));
	if (hook.len) {
		buf_lit(out, ",\"hook\":");
		json_text(out, hook);
	}
	add_origin(out, event);
	if (event->state)
		add_state(out, event);
}

/* ---- the whole ------------------------------ */

/* ,"id":69,"name":"msgget" of each known event, in the order of the table. */
static const struct str heads[] = {
#define EVENT(name, id, ...) STR(",\"id\":" #id ",\"name\":\"" #name "\""),
#include "each_event.h"
};

static void add_head(struct buf *out, const struct event_def *def)
{
	uintptr_t index = ((uintptr_t)def - (uintptr_t)event_table) / sizeof(*def);

	if (index < event_table_count) {
		buf_str(out, heads[index]);
		return;
	}
	buf_lit(out, ",\"id\":");
	buf_uint(out, def->id);
	buf_lit(out, ",\"name\":");
	json_text(out, str_of(def->name));
}

static void add_policies(struct buf *out, const struct event *event)
{
	buf_lit(out, ",\"policies\":{\"matched\":[");
	for (uint32_t i = 0; i < event->policy_count; i++) {
		if (i)
			buf_char(out, ',');
		json_text(out, event->policies[i]);
	}
	buf_lit(out, "]}");
}

void encode_event(struct buf *out, const struct event *event, const struct format_options *options,
		  bool own)
{
	buf_lit(out, "{\"timestamp\":");
	if (event->given && event->given->timestamp.data)
		json_text(out, event->given->timestamp);
	else
		json_time(out, event_epoch_time(event, event->wire->time));
	add_head(out, event->def);
	add_policies(out, event);
	add_workload(out, event, options, own);
	encode_data(out, event,
		    (struct encode_style){ .own = own, .decoded = options->decoded_data });
	if (event->threat)
		add_threat(out, event->threat);
	if (event->detected_from && event->print_detected_from)
		add_detected_from(out, event->detected_from, own);
	if (own)
		add_own(out, event, options);
	buf_lit(out, "}\n");
}
