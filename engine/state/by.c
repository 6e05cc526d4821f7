/* SPDX-License-Identifier: Apache-2.0 */
/* Keys: from an event and a rule's `by` to a digest. What has a name needs no expression. */
#include "internal.h"

#include "event/encode.h"

static const struct {
	const char *name, *doc;
} parts[] = {
#define PART(name, text, doc) [PART_##name] = { text, doc },
#include "parts.def"
#undef PART
};

enum state_part state_part_parse(struct str name)
{
	for (size_t i = 1; i < ARRAY_SIZE(parts); i++)
		if (str_equal(name, str_of(parts[i].name)))
			return (enum state_part)i;
	return PART_CEL;
}

const char *state_part_name(enum state_part part)
{
	return part > PART_CEL && part < STATE_PARTS ? parts[part].name : NULL;
}

struct value state_evaluate(const struct cel_program *program, struct cel_run *run)
{
	run->budget = CEL_BUDGET;
	return cel_eval(program, run);
}

struct digest state_process_key(const struct state *state, uint32_t pid, uint64_t start)
{
	uint64_t words[3] = { 2, pid, start };

	return digest_words(&state->key, words, ARRAY_SIZE(words));
}

/* ---- parts with a name ---------------------------------------- */

static struct value text_or_null(struct str text)
{
	return text.data && text.len ? value_str(text) : value_null();
}

static struct value container_value(const struct event *event)
{
	return text_or_null(event_container_id(event));
}

/* Recordings of Tracee do not know these. */
static struct value context_value(const struct wire_header *wire, uint64_t value)
{
	return wire->flags & WIRE_CONTEXT ? value_uint(value) : value_null();
}

static struct value namespace_value(uint32_t inode)
{
	return inode ? value_uint(inode) : value_null();
}

static struct value part_value(const struct event *event, enum state_part part)
{
	const struct wire_header *wire = event->wire;

	switch (part) {
	case PART_cgroup: return wire->cgroup_id ? value_uint(wire->cgroup_id) : value_null();
	case PART_comm:
		return value_string(wire->comm, (uint32_t)strnlen(wire->comm, WIRE_COMM_LEN));
	case PART_container: return container_value(event);
	case PART_cpu: return wire->cpu == WIRE_CPU_NONE ? value_null() : value_uint(wire->cpu);
	case PART_euid: return context_value(wire, wire->euid);
	case PART_executable: return text_or_null(event_executable(event));
	case PART_gid: return context_value(wire, wire->gid);
	case PART_host: return value_bool(true);
	case PART_ipc_ns: return namespace_value(wire->ipc_ns);
	case PART_loginuid:
		return wire->loginuid == UINT32_MAX ? value_null()
						    : context_value(wire, wire->loginuid);
	case PART_mnt_ns: return namespace_value(wire->mnt_ns);
	case PART_net_ns: return namespace_value(wire->net_ns);
	case PART_pid_ns: return namespace_value(wire->pid_ns);
	case PART_uid: return value_uint(wire->uid);
	case PART_user_ns: return namespace_value(wire->user_ns);
	default: return value_null();
	}
}

/* ---- tuples of two or three numbers ---------------------------------------- */

static uint32_t put_task(uint64_t *out, uint32_t id, uint64_t start)
{
	if (!id)
		return 0;
	out[0] = id;
	out[1] = start;
	return 2;
}

static uint64_t number_of_field(const struct event *event, const char *name, bool *found)
{
	int index = event_field_index(event->def, str_of(name));
	struct value value = index < 0 ? value_null()
				       : event_field_value(event, (unsigned)index, NULL);

	*found = value.tag == VALUE_INT ? value.i >= 0 : value.tag == VALUE_UINT;
	return value.u;
}

/* The kind of object a call is about, and the field that names it; the result of get calls does. */
static const struct {
	const char *event, *field;
	uint8_t kind;
} object_calls[] = {
	{ "msgctl", "msqid", 1 }, { "msgget", "returnValue", 1 }, { "msgrcv", "msqid", 1 },
	{ "msgsnd", "msqid", 1 }, { "semctl", "semid", 2 },	  { "semget", "returnValue", 2 },
	{ "semop", "semid", 2 },  { "semtimedop", "semid", 2 },	  { "shmat", "shmid", 3 },
	{ "shmctl", "shmid", 3 }, { "shmget", "returnValue", 3 },
};

static uint32_t put_object(uint64_t *out, const struct event *event)
{
	const struct event_def *def = event_by_id(event->wire->id);
	bool found = false;

	for (size_t i = 0; def && i < ARRAY_SIZE(object_calls); i++) {
		if (strcmp(object_calls[i].event, def->name) != 0)
			continue;
		struct event base = { .def = def, .wire = event->wire };

		out[0] = object_calls[i].kind;
		out[1] = number_of_field(&base, object_calls[i].field, &found);
		out[2] = event->wire->ipc_ns;
		return found ? 3 : 0;
	}
	return 0;
}

/* ---- the whole ---------------------------------------- */

/* Of one with a name but for values, which are *value. */
static uint32_t put_named(enum state_part part, const struct event *event, uint64_t *out,
			  struct value *value)
{
	const struct wire_header *wire = event->wire;

	*value = value_null();
	switch (part) {
	case PART_process: return put_task(out, wire->pid, wire->leader_start_time);
	case PART_thread: return put_task(out, wire->tid, wire->start_time);
	case PART_parent: return put_task(out, wire->ppid, wire->parent_start_time);
	case PART_ipc_object: return put_object(out, event);
	default: *value = part_value(event, part); return 0;
	}
}

/* Words of one part; 0: null, or a failure that has been told (*failed). */
static uint32_t put_part(struct state_rule *rule, const struct state_by_part *part,
			 const struct state_input *input, const struct state_client *client,
			 uint64_t *out, bool *failed)
{
	struct value value;
	uint32_t count = 0;

	if (part->part == PART_CEL)
		value = state_evaluate(part->program, input->run);
	else
		count = put_named((enum state_part)part->part, input->event, out, &value);
	if (value.tag == VALUE_NULL)
		return count;
	count = digest_value(rule->state->secret, value, out);
	if (!count) {
		client->fault(client->ctx, rule, "by", value);
		*failed = true;
	}
	return count;
}

/* Each part says how long it is, so that ("a", "bc") is not ("ab", "c"). */
static void add_part(uint64_t *words, uint32_t *used, uint32_t number, uint32_t count)
{
	words[0] |= (uint64_t)count << (number * 4);
	*used += count;
}

bool state_key(struct state_rule *rule, const struct state_by *by, const struct state_input *input,
	       const struct state_client *client, struct digest *out)
{
	uint64_t words[STATE_PARTS_MAX * DIGEST_WORDS + 1];
	uint32_t used = 1;
	bool failed = false;

	words[0] = 0;
	for (uint32_t i = 0; i < by->count; i++) {
		uint32_t count = put_part(rule, &by->parts[i], input, client, &words[used],
					  &failed);

		if (UNLIKELY(failed))
			return false;
		if (!count && !by->parts[i].nullable)
			return false;
		add_part(words, &used, i, count);
	}
	*out = digest_words(&rule->state->key, words, used);
	if (rule->keys.count >= rule->state->soon.least)
		soon_note(rule, by, input->event);
	return true;
}

/* ---- before its time ---------------------------------------- */

bool by_is_in_record(const struct state_by *by, const struct event_def *def, int16_t *fields)
{
	for (uint32_t i = 0; i < by->count; i++) {
		const struct state_by_part *part = &by->parts[i];
		int index = -1;

		if (part->part == PART_container || part->part == PART_executable)
			return false; /* what the stores know of it */
		if (part->part == PART_CEL && part->field.data)
			index = event_field_index(def, part->field);
		if (part->part == PART_CEL &&
		    (index < 0 || field_is_ref(def->fields[index].type) ||
		     def->fields[index].type == FIELD_time)) /* which the clock decides */
			return false;
		fields[i] = (int16_t)index;
	}
	return true;
}

bool by_guess(const struct state *state, const struct state_by *by, const struct event *event,
	      const int16_t *fields, struct digest *out)
{
	uint64_t words[STATE_PARTS_MAX * DIGEST_WORDS + 1];
	uint32_t used = 1;

	words[0] = 0;
	for (uint32_t i = 0; i < by->count; i++) {
		enum state_part part = (enum state_part)by->parts[i].part;
		struct value value = value_null();
		uint32_t count = 0;

		if (part == PART_CEL)
			value = event_field_value(event, (unsigned)fields[i], NULL);
		else
			count = put_named(part, event, &words[used], &value);
		if (value.tag != VALUE_NULL)
			count = digest_value(state->secret, value, &words[used]);
		if (!count && !by->parts[i].nullable)
			return false;
		add_part(words, &used, i, count);
	}
	*out = digest_words(&state->key, words, used);
	return true;
}
