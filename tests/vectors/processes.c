/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that a row says are known, put into a store of ours as records. Our ids come from
 * pid and start time, so those of the row are names: translated wherever the row has them.
 */
#include "kinds.h"
#include "store.h"

enum { PROCESSES_MAX = 64 };

struct known {
	json_int_t id;
	uint32_t host_pid, pid;
	const struct known *parent;
	const char *name, *exe;
	uint64_t start;
};

struct processes {
	struct known items[PROCESSES_MAX];
	uint32_t count;
};

struct record {
	struct wire_header header;
	struct ev_process_existing body;
	char path[256];
};

static struct known *add(struct processes *all, json_int_t id)
{
	struct known *one = &all->items[all->count];

	if (all->count == PROCESSES_MAX)
		return NULL;
	*one = (struct known){ .id = id, .name = "", .exe = "" };
	one->start = 1000000000ULL * ++all->count;
	return one;
}

static void learn(struct stores *stores, const struct known *one)
{
	const struct known *parent = one->parent;
	struct record r = { .header = { .size = sizeof(r),
					.id = EV_process_existing,
					.pid = one->host_pid,
					.tid = one->host_pid,
					.ns_pid = one->pid,
					.ns_tid = one->pid,
					.ppid = parent ? parent->host_pid : 0,
					.ns_ppid = parent ? parent->pid : 0,
					.start_time = one->start,
					.leader_start_time = one->start,
					.parent_start_time = parent ? parent->start : 0 } };
	int len = snprintf(r.path, sizeof(r.path), "%s", one->exe);

	snprintf(r.header.comm, sizeof(r.header.comm), "%s", one->name);
	r.body.pathname = (struct wire_ref){ offsetof(struct record, path), (uint32_t)len };
	r.header.present = len ? FIELD_BIT(process_existing, pathname) : 0;
	stores_update(stores, &r.header);
}

static struct stores *stores_of(const struct processes *all)
{
	static const struct clock clock = { 0 };
	struct stores *stores = stores_new(PROCESSES_MAX * 2, 8);

	if (!stores)
		return NULL;
	stores_set_clock(stores, &clock);
	for (uint32_t i = 0; i < all->count; i++)
		learn(stores, &all->items[i]);
	return stores;
}

/* Every unique_id and parent of the row that is one of these becomes ours. */
static void translate(json_t *json, const struct processes *all)
{
	const char *key;
	json_t *value;
	size_t at;

	if (json_is_array(json))
		json_array_foreach(json, at, value) translate(value, all);
	if (!json_is_object(json))
		return;
	json_object_foreach(json, key, value)
	{
		translate(value, all);
		for (uint32_t i = 0; strcmp(key, "unique_id") == 0 && i < all->count; i++)
			if (json_integer_value(value) == all->items[i].id) {
				json_integer_set(value, entity_hash(all->items[i].host_pid,
								    all->items[i].start));
				break;
			}
	}
}

static uint32_t number_of(const json_t *object, const char *key)
{
	return (uint32_t)json_integer_value(json_object_get(object, key));
}

/* There parents are named by their pid in the namespace. */
static void find_parents(struct processes *all, json_t *processes)
{
	const char *key;
	json_t *value;
	uint32_t at = 0;

	json_object_foreach(processes, key, value)
	{
		struct known *child = &all->items[at++];

		for (uint32_t i = 0; i < all->count; i++)
			if (all->items[i].pid == number_of(value, "Ppid") && all->items[i].pid)
				child->parent = &all->items[i];
	}
}

struct stores *stores_of_registry(json_t *row)
{
	json_t *processes = json_object_get(json_object_get(row, "registry"), "Processes"), *value;
	struct processes all = { 0 };
	const char *key;

	json_object_foreach(processes, key, value)
	{
		struct known *one = add(&all,
					json_integer_value(json_object_get(value, "UniqueId")));

		if (!one)
			return NULL;
		one->host_pid = number_of(value, "HostPid");
		one->pid = number_of(value, "Pid");
		one->name = text_of(value, "Name");
		one->exe = text_of(value, "Exe");
	}
	find_parents(&all, processes);
	translate(row, &all);
	return stores_of(&all);
}

/* What the store must have held for these ancestors to come out. */
struct stores *stores_of_ancestors(json_t *row, const json_t *process)
{
	const json_t *ancestors = json_object_get(process, "ancestors");
	struct processes all = { 0 };
	struct known *one = add(&all, json_integer_value(json_object_get(process, "unique_id")));

	one->host_pid = one->pid = 4000000; /* nobody's */
	for (size_t i = 0; i < json_array_size(ancestors); i++) {
		const json_t *json = json_array_get(ancestors, i);
		struct known *parent = add(&all,
					   json_integer_value(json_object_get(json, "unique_id")));

		if (!parent)
			return NULL;
		parent->host_pid = number_of(json, "host_pid");
		parent->pid = number_of(json, "pid");
		parent->name = text_of(json_object_get(json, "thread"), "name");
		parent->exe = text_of(json_object_get(json, "executable"), "path");
		one->parent = parent;
		one = parent;
	}
	translate(row, &all);
	return stores_of(&all);
}
