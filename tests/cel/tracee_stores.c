/* SPDX-License-Identifier: Apache-2.0 */
/* Process, container, symbol and other stores over the JSON of a recorded case. */
#include "tracee_stores.h"

#include <stdlib.h>

#include "base/common.h"
#include "tracee_messages.h"

/*
 * The cases taken from Tracee's unit tests name the parts in lower case, below a group for
 * some; those of our probes as the fields of its registry.
 */
static const json_t *store(const struct cel_run *run, const char *plain, const char *group,
			   const char *part)
{
	const json_t *registry = run->user, *found = json_object_get(registry, plain);

	if (found)
		return found;
	found = json_object_get(registry, group);
	return part ? json_object_get(found, part) : found;
}

/* ---- rows of a store as values ------------------------------------------------------ */

enum kind { TEXT, NUMBER, SECONDS, FLAG, TEXTS, POD };

/* A key of the map an expression sees, and the field of the store it comes from. */
struct column {
	const char *key, *field;
	enum kind kind;
};

static const struct column process_columns[] = {
	{ "entity_id", "UniqueId", NUMBER },
	{ "pid", "Pid", NUMBER },
	{ "ppid", "Ppid", NUMBER },
	{ "name", "Name", TEXT },
	{ "exe", "Exe", TEXT },
	{ "start_time", "StartTime", SECONDS },
	{ "uid", "UID", NUMBER },
	{ "gid", "GID", NUMBER },
};
static const struct column container_columns[] = {
	{ "id", "ID", TEXT },		{ "name", "Name", TEXT },
	{ "image", "Image", TEXT },	{ "image_digest", "ImageDigest", TEXT },
	{ "pod", "Pod", POD },		{ "start_time", "StartTime", SECONDS },
	{ "runtime", "Runtime", TEXT },
};
static const struct column pod_columns[] = {
	{ "name", "Name", TEXT },
	{ "uid", "UID", TEXT },
	{ "namespace", "Namespace", TEXT },
	{ "sandbox", "Sandbox", FLAG },
};
static const struct column system_columns[] = {
	{ "architecture", "Architecture", TEXT },
	{ "kernel_release", "KernelRelease", TEXT },
	{ "hostname", "Hostname", TEXT },
	{ "boot_time", "BootTime", SECONDS },
	{ "tracee_start_time", "TraceeStartTime", SECONDS },
	{ "os_name", "OSName", TEXT },
	{ "os_version", "OSVersion", TEXT },
	{ "os_pretty_name", "OSPrettyName", TEXT },
	{ "tracee_version", "TraceeVersion", TEXT },
};
static const struct column symbol_columns[] = {
	{ "name", "Name", TEXT },
	{ "address", "Address", NUMBER },
	{ "module", "Module", TEXT },
};
static const struct column dns_columns[] = {
	{ "query", "Query", TEXT },
	{ "ips", "IPs", TEXTS },
	{ "domains", "Domains", TEXTS },
};

static struct value_list *new_list(struct cel_run *run, size_t count, struct value *out)
{
	struct value_list *list = arena_zalloc(run->arena,
					       sizeof(*list) + count * sizeof(struct value));

	list->count = (uint32_t)count;
	*out = (struct value){ .tag = VALUE_LIST, .len = list->count, .list = list };
	return list;
}

static struct value texts(struct cel_run *run, const json_t *json)
{
	struct value out;
	struct value_list *list = new_list(run, json_array_size(json), &out);

	for (uint32_t i = 0; i < list->count; i++)
		list->items[i] = value_str(str_of(json_string_value(json_array_get(json, i))));
	return out;
}

/* Numbers beyond 63 bits are text here. */
static uint64_t number(const json_t *json)
{
	return json_is_string(json) ? strtoull(json_string_value(json), NULL, 10)
				    : (uint64_t)json_integer_value(json);
}

static struct value row(struct cel_run *run, const json_t *json, const struct column *columns,
			uint32_t count);

static struct value cell(struct cel_run *run, const json_t *json, enum kind kind)
{
	const struct cel_time *time;

	switch (kind) {
	case TEXT: return value_str(str_of(json_string_value(json) ?: ""));
	case NUMBER: return value_uint(number(json));
	case SECONDS:
		time = tracee_time(run->arena, json_string_value(json)).object;
		return value_int(time->seconds);
	case FLAG: return value_bool(json_is_true(json));
	case TEXTS: return texts(run, json);
	case POD: return row(run, json, pod_columns, ARRAY_SIZE(pod_columns));
	}
	abort();
}

/* null if there is none */
static struct value row(struct cel_run *run, const json_t *json, const struct column *columns,
			uint32_t count)
{
	struct value_map *map;

	if (!json_is_object(json))
		return value_null();
	map = arena_zalloc(run->arena, sizeof(*map) + count * sizeof(struct value_entry));
	map->count = count;
	for (uint32_t i = 0; i < count; i++)
		map->entries[i] = (struct value_entry){
			value_str(str_of(columns[i].key)),
			cell(run, json_object_get(json, columns[i].field), columns[i].kind),
		};
	return (struct value){ .tag = VALUE_MAP, .len = count, .map = map };
}

#define ROW(run, json, columns) row(run, json, columns, ARRAY_SIZE(columns))

static struct value rows(struct cel_run *run, const json_t *const *found, uint32_t count,
			 const struct column *columns, uint32_t column_count)
{
	struct value out;
	struct value_list *list = new_list(run, count, &out);

	for (uint32_t i = 0; i < count; i++)
		list->items[i] = row(run, found[i], columns, column_count);
	return out;
}

static const json_t *by_number(const json_t *object, uint64_t key)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)key);
	return json_object_get(object, text);
}

static const json_t *by_text(const json_t *object, struct value key)
{
	return json_object_getn(object, key.str, key.len);
}

/* ---- processes ------------------------------------------------------------------------ */

static const json_t *processes(const struct cel_run *run)
{
	return store(run, "processes", "Processes", NULL);
}

/* Ids are of 32 bits in the store. */
static const json_t *find_process(const struct cel_run *run, uint64_t id)
{
	return by_number(processes(run), (uint32_t)id);
}

enum { FOUND_MAX = 64 };

static void process_get(struct cel_run *run, const struct value *args, uint32_t count,
			struct value *out)
{
	(void)count;
	*out = ROW(run, find_process(run, args[0].u), process_columns);
}

static void process_ancestry(struct cel_run *run, const struct value *args, uint32_t count,
			     struct value *out)
{
	const json_t *found[FOUND_MAX], *at = find_process(run, args[0].u);
	uint32_t depth = 0;

	(void)count;
	for (; at && depth < FOUND_MAX && depth < args[1].i; depth++) {
		found[depth] = at;
		at = find_process(run, number(json_object_get(at, "Ppid")));
	}
	*out = rows(run, found, depth, process_columns, ARRAY_SIZE(process_columns));
}

static void process_children(struct cel_run *run, const struct value *args, uint32_t count,
			     struct value *out)
{
	const json_t *found[FOUND_MAX], *parent = find_process(run, args[0].u);
	json_t *all = (json_t *)processes(run), *process;
	uint32_t children = 0;
	const char *id;

	(void)count;
	json_object_foreach(all, id, process) if (parent && children < FOUND_MAX &&
						  json_equal(json_object_get(process, "Ppid"),
							     json_object_get(parent, "Pid")))
		found[children++] = process;
	*out = rows(run, found, children, process_columns, ARRAY_SIZE(process_columns));
}

/* ---- the others ------------------------------------------------------------------------- */

static void container_get(struct cel_run *run, const struct value *args, uint32_t count,
			  struct value *out)
{
	(void)count;
	*out = ROW(run, by_text(store(run, "containers", "Containers", NULL), args[0]),
		   container_columns);
}

static void container_by_name(struct cel_run *run, const struct value *args, uint32_t count,
			      struct value *out)
{
	json_t *all = (json_t *)store(run, "containers", "Containers", NULL), *container;
	const char *id;

	(void)count;
	*out = value_null();
	json_object_foreach(
		all, id,
		container) if (cel_equal(args[0], cell(run, json_object_get(container, "Name"),
						       TEXT))) *out = ROW(run, container,
									  container_columns);
}

static void system_info(struct cel_run *run, const struct value *args, uint32_t count,
			struct value *out)
{
	(void)args, (void)count;
	*out = ROW(run, store(run, "system", "System", NULL), system_columns);
}

static void symbols_at(struct cel_run *run, const struct value *args, uint32_t count,
		       struct value *out)
{
	const json_t *list = by_number(store(run, "Symbols", "kernel_symbols", "by_address"),
				       args[0].u);
	const json_t *found[FOUND_MAX];
	uint32_t symbols = 0;

	(void)count;
	for (; symbols < FOUND_MAX && symbols < json_array_size(list); symbols++)
		found[symbols] = json_array_get(list, symbols);
	*out = rows(run, found, symbols, symbol_columns, ARRAY_SIZE(symbol_columns));
}

static void symbol_address(struct cel_run *run, const struct value *args, uint32_t count,
			   struct value *out)
{
	(void)count;
	*out = value_uint(
		number(by_text(store(run, "Names", "kernel_symbols", "by_name"), args[0])));
}

static void dns_response(struct cel_run *run, const struct value *args, uint32_t count,
			 struct value *out)
{
	(void)count;
	*out = ROW(run, by_text(store(run, "DNS", "dns", NULL), args[0]), dns_columns);
}

static void syscall_name_of(struct cel_run *run, const struct value *args, uint32_t count,
			    struct value *out)
{
	(void)count;
	*out = cell(run, by_number(store(run, "SysID", "syscalls", "by_id"), args[0].u), TEXT);
}

static void syscall_id_of(struct cel_run *run, const struct value *args, uint32_t count,
			  struct value *out)
{
	const json_t *id = by_text(store(run, "SysName", "syscalls", "by_name"), args[0]);

	(void)count;
	*out = value_int(id ? json_integer_value(id) : -1);
}

#define STORE(name, signature, call) \
	{ \
		name, signature, call, NULL, NULL, NULL, CEL_IMPURE \
	}

const struct cel_function tracee_store_functions[] = {
	STORE("process.get", "(uint) -> dyn", process_get),
	STORE("process.getAncestry", "(uint, int) -> list(dyn)", process_ancestry),
	STORE("process.getChildren", "(uint) -> list(dyn)", process_children),
	STORE("container.get", "(string) -> dyn", container_get),
	STORE("container.getByName", "(string) -> dyn", container_by_name),
	STORE("system.info", "() -> dyn", system_info),
	STORE("kernel.resolveSymbol", "(uint) -> list(dyn)", symbols_at),
	STORE("kernel.getSymbolAddress", "(string) -> uint", symbol_address),
	STORE("dns.getResponse", "(string) -> dyn", dns_response),
	STORE("syscall.getName", "(int) -> string", syscall_name_of),
	STORE("syscall.getId", "(string) -> int", syscall_id_of),
};
const uint32_t tracee_store_function_count = ARRAY_SIZE(tracee_store_functions);
