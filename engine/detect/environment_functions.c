/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of conditions beside CEL's own: look-ups in the stores (Tracee's names),
 * and ours: bits of flag words, origin of a field, relation of processes.
 *
 * What a store does not know is null, an empty list, 0 or "": never an error.
 */
#include <errno.h>
#include <sys/utsname.h>
#include <time.h>

#include "messages.h"
#include "store.h"

enum { ANCESTRY_MAX = 64, CHILDREN_MAX = 256, SYSCALLS_MAX = 1024, SYMBOLS_MAX = 64 };

static const struct event *event_of(const struct cel_run *run)
{
	return run->object;
}

/* A map of rows with text keys. */
struct row {
	const char *key;
	struct value value;
};

static void give_map(struct cel_run *run, const struct row *rows, uint32_t count, struct value *out)
{
	struct value_map *map = arena_alloc(run->arena,
					    sizeof(*map) + count * sizeof(struct value_entry));

	if (!map) {
		*out = cel_error(run, "out of memory");
		return;
	}
	map->count = count;
	for (uint32_t i = 0; i < count; i++)
		map->entries[i] = (struct value_entry){ value_str(str_of(rows[i].key)),
							rows[i].value };
	*out = (struct value){ .tag = VALUE_MAP, .len = count, .map = map };
}

/* ---- processes ---------------------------------------------------------------------- */

static uint64_t epoch_of(const struct cel_run *run, uint64_t boot_time)
{
	return boot_time + event_of(run)->clock->boot_epoch_ns;
}

static void give_process(struct cel_run *run, const struct process *process, struct value *out)
{
	uint64_t start = epoch_of(run, process->start_time);
	const struct row rows[] = {
		{ "entity_id", value_uint(entity_hash(process->pid, start)) },
		{ "pid", value_uint(process->ns_pid) },
		{ "ppid", value_uint(process->ppid) },
		{ "name",
		  value_string(process->comm, (uint32_t)strnlen(process->comm, WIRE_COMM_LEN)) },
		{ "exe", text_or_empty(process->executable) },
		{ "start_time", value_int((int64_t)(start / 1000000000)) },
		{ "uid", value_uint(process->uid) },
		{ "gid", value_uint(process->gid) },
	};

	give_map(run, rows, ARRAY_SIZE(rows), out);
}

static const struct process *process_of_hash(const struct cel_run *run, struct value hash)
{
	if (!run->user || !run->object)
		return NULL;
	return process_find_hash(run->user, (uint32_t)hash.u);
}

static void process_get(struct cel_run *run, const struct value *args, uint32_t count,
			struct value *out)
{
	const struct process *process = process_of_hash(run, args[0]);

	(void)count;
	*out = value_null();
	if (process)
		give_process(run, process, out);
}

static void give_processes(struct cel_run *run, const struct process *const *found, uint32_t count,
			   struct value *out)
{
	struct value_list *list = give_list(run, out, count);

	if (!list)
		return;
	for (uint32_t i = 0; i < count; i++) {
		give_process(run, found[i], &list->items[i]);
		if (list->items[i].tag == VALUE_ERROR)
			*out = list->items[i];
	}
}

static void process_get_ancestry(struct cel_run *run, const struct value *args, uint32_t count,
				 struct value *out)
{
	const struct process *found[ANCESTRY_MAX], *process = process_of_hash(run, args[0]);
	uint32_t depth = 0;

	(void)count;
	for (; process && depth < ANCESTRY_MAX && (int64_t)depth < args[1].i; depth++) {
		found[depth] = process;
		process = process_parent(run->user, process);
	}
	give_processes(run, found, depth, out);
}

static void process_get_children(struct cel_run *run, const struct value *args, uint32_t count,
				 struct value *out)
{
	const struct process *found[CHILDREN_MAX], *process = process_of_hash(run, args[0]);

	(void)count;
	give_processes(run, found,
		       process ? process_children(run->user, process, found, CHILDREN_MAX) : 0,
		       out);
}

static bool number_of(struct value value, uint64_t *out)
{
	if (value.tag != VALUE_INT && value.tag != VALUE_UINT)
		return false;
	*out = value.u;
	return true;
}

/* Unknown processes count as related: a rule asks for strangers, and doubt is not one. */
static void process_is_related(struct cel_run *run, const struct value *args, uint32_t count,
			       struct value *out)
{
	const struct event *event = event_of(run);
	const struct process *self, *other;
	uint64_t pid;

	(void)count;
	*out = value_bool(true);
	if (!number_of(args[0], &pid) || !event || !run->user || pid == event->wire->pid ||
	    pid > INT32_MAX)
		return;
	self = event->process
		       ? event->process
		       : process_find(run->user, event->wire->pid, event->wire->leader_start_time);
	other = process_find_pid(run->user, (uint32_t)pid);
	if (self && other)
		*out = value_bool(process_related(run->user, self, other));
}

/* ---- containers ----------------------------------------------------------------------- */

static void give_container(struct cel_run *run, const struct container *container,
			   struct value *out)
{
	*out = value_null();
	if (!container)
		return;
	const struct row rows[] = {
		{ "id", text_or_empty(container->id) },
		{ "name", text_or_empty(container->name) },
		{ "image", text_or_empty(container->image_name) },
		{ "image_digest", text_or_empty(container->image_digest) },
		{ "runtime", text_or_empty(container->runtime) },
		{ "start_time", value_int(0) },
		{ "pod", value_null() },
	};

	give_map(run, rows, ARRAY_SIZE(rows), out);
}

static void container_get(struct cel_run *run, const struct value *args, uint32_t count,
			  struct value *out)
{
	struct str id = { args[0].str, args[0].len };

	(void)count;
	give_container(run, run->user && id.len ? container_find_id(run->user, id) : NULL, out);
}

/* Names come from the container runtime, which is not asked yet: only the event's own is known. */
static void container_get_by_name(struct cel_run *run, const struct value *args, uint32_t count,
				  struct value *out)
{
	const struct container *own = run->object ? event_of(run)->container : NULL;
	struct str name = { args[0].str, args[0].len };

	(void)count;
	give_container(run, own && name.len && str_equal(own->name, name) ? own : NULL, out);
}

/* ---- host -------------------------------------------------------------------------------- */

static struct {
	bool known;
	struct utsname uname;
	char os_name[64], os_version[64], os_pretty[128];
	int64_t boot, start;
} host;

/* KEY=value or KEY="value" of /etc/os-release. */
static bool read_release(const char *line, const char *key, char *out, size_t size)
{
	size_t len = strlen(key);

	if (strncmp(line, key, len) != 0 || line[len] != '=')
		return false;
	line += len + 1;
	line += *line == '"';
	snprintf(out, size, "%.*s", (int)strcspn(line, "\"\n"), line);
	return true;
}

static void read_os_release(void)
{
	autoclean(fclosep) FILE *file = fopen("/etc/os-release", "re");
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		(void)(read_release(line, "ID", host.os_name, sizeof(host.os_name)) ||
		       read_release(line, "VERSION_ID", host.os_version, sizeof(host.os_version)) ||
		       read_release(line, "PRETTY_NAME", host.os_pretty, sizeof(host.os_pretty)));
}

void environment_learn_host(void)
{
	struct timespec boot = { 0 };

	if (host.known)
		return;
	uname(&host.uname);
	read_os_release();
	host.start = time(NULL);
	if (clock_gettime(CLOCK_BOOTTIME, &boot) == 0)
		host.boot = host.start - boot.tv_sec;
	host.known = true;
}

static void system_info(struct cel_run *run, const struct value *args, uint32_t count,
			struct value *out)
{
	const struct row rows[] = {
		{ "architecture", text_or_empty(str_of(host.uname.machine)) },
		{ "kernel_release", text_or_empty(str_of(host.uname.release)) },
		{ "hostname", text_or_empty(str_of(host.uname.nodename)) },
		{ "boot_time", value_int(host.boot) },
		{ "tracee_start_time", value_int(host.start) },
		{ "os_name", text_or_empty(str_of(host.os_name)) },
		{ "os_version", text_or_empty(str_of(host.os_version)) },
		{ "os_pretty_name", text_or_empty(str_of(host.os_pretty)) },
		{ "tracee_version", text_or_empty(str_of(SPOOR_VERSION)) },
	};

	(void)args, (void)count;
	give_map(run, rows, ARRAY_SIZE(rows), out);
}

/* ---- the kernel's symbols ------------------------------------------------------------------ */

static void give_symbol(struct cel_run *run, const struct symbol *symbol, struct value *out)
{
	const struct row rows[] = {
		{ "name", text_or_empty(symbol->name) },
		{ "address", value_uint(symbol->address) },
		{ "module", text_or_empty(symbol->module) },
	};

	give_map(run, rows, ARRAY_SIZE(rows), out);
}

static void resolve_symbol(struct cel_run *run, const struct value *args, uint32_t count,
			   struct value *out)
{
	struct symbol found[SYMBOLS_MAX];
	uint32_t known = run->user ? symbols_at(run->user, args[0].u, found, SYMBOLS_MAX) : 0;
	struct value_list *list = give_list(run, out, known);

	(void)count;
	for (uint32_t i = 0; list && i < known; i++) {
		give_symbol(run, &found[i], &list->items[i]);
		if (list->items[i].tag == VALUE_ERROR)
			*out = list->items[i];
	}
}

static void get_symbol_address(struct cel_run *run, const struct value *args, uint32_t count,
			       struct value *out)
{
	(void)count;
	*out = value_uint(
		run->user ? symbol_address(run->user, (struct str){ args[0].str, args[0].len })
			  : 0);
}

/* ---- stores that are not built yet: they know nothing -------------------------------------- */

static void no_object(struct cel_run *run, const struct value *args, uint32_t count,
		      struct value *out)
{
	(void)run, (void)args, (void)count;
	*out = value_null();
}

/* ---- system calls --------------------------------------------------------------------------- */

static void syscall_get_name(struct cel_run *run, const struct value *args, uint32_t count,
			     struct value *out)
{
	(void)run, (void)count;
	bool possible = args[0].i >= 0 && args[0].i < SYSCALLS_MAX;

	give_text(out, possible ? syscall_name((int)args[0].i) : (struct str){ 0 });
}

static void syscall_get_id(struct cel_run *run, const struct value *args, uint32_t count,
			   struct value *out)
{
	struct str wanted = { args[0].str, args[0].len };

	(void)run, (void)count;
	*out = value_int(-1);
	for (int i = 0; wanted.len && i < SYSCALLS_MAX; i++)
		if (str_equal(syscall_name(i), wanted)) {
			*out = value_int(i);
			return;
		}
}

/* ---- flag words and origins ---------------------------------------------------------- */

static void has_bits(struct cel_run *run, const struct value *args, uint32_t count,
		     struct value *out)
{
	uint64_t value, mask;

	(void)run, (void)count;
	*out = value_bool(number_of(args[0], &value) && number_of(args[1], &mask) &&
			  (value & mask) == mask);
}

static void any_bits(struct cel_run *run, const struct value *args, uint32_t count,
		     struct value *out)
{
	uint64_t value, mask;

	(void)run, (void)count;
	*out = value_bool(number_of(args[0], &value) && number_of(args[1], &mask) &&
			  (value & mask));
}

/* "U": read from user memory this time; "K": the kernel's own; "": the event lacks the field. */
static void origin(struct cel_run *run, const struct value *args, uint32_t count, struct value *out)
{
	const struct event *event = event_of(run);
	struct str name = { args[0].str, args[0].len };
	int index = event ? event_field_index(event->def, name) : -1;

	(void)count;
	if (index < 0 || event_field_value(event, (unsigned)index, run->arena).tag == VALUE_NULL)
		give_text(out, STR(""));
	else
		give_text(out, event_field_from_user(event, (unsigned)index) ? STR("U") : STR("K"));
}

const struct cel_function environment_functions[] = {
	{ "process.get", "(uint) -> dyn", process_get,
	  "the process with this entity id: map of entity_id, pid, ppid, name, exe, "
	  "start_time, uid, gid; null if unknown",
	  "process.get(1u)", "null" },
	{ "process.getAncestry", "(uint, int) -> list(dyn)", process_get_ancestry,
	  "the process with this entity id and its ancestors, at most so many",
	  "process.getAncestry(1u, 3)", "[]" },
	{ "process.getChildren", "(uint) -> list(dyn)", process_get_children,
	  "children of the process with this entity id", "process.getChildren(1u)", "[]" },
	{ "container.get", "(string) -> dyn", container_get,
	  "the container with this id: map of id, name, image, image_digest, runtime, "
	  "start_time, pod; null if unknown",
	  "container.get(\"\")", "null" },
	{ "container.getByName", "(string) -> dyn", container_get_by_name,
	  "the container with this name; null if unknown", "container.getByName(\"\")", "null" },
	{ "system.info", "() -> dyn", system_info,
	  "facts of this host: architecture, kernel_release, hostname, boot_time, "
	  "tracee_start_time, os_name, os_version, os_pretty_name, tracee_version",
	  "system.info().tracee_start_time > 0", "true" },
	{ "kernel.resolveSymbol", "(uint) -> list(dyn)", resolve_symbol,
	  "all kernel symbols at exactly this address: list of maps of name, address, module "
	  "(\"system\": no module); [] if none is known, and in recordings",
	  "kernel.resolveSymbol(1u)", "[]" },
	{ "kernel.getSymbolAddress", "(string) -> uint", get_symbol_address,
	  "address of the first kernel symbol of this name; 0 if none is known",
	  "kernel.getSymbolAddress(\"x\") == 0u", "true" },
	{ "dns.getResponse", "(string) -> dyn", no_object,
	  "the last answer to a DNS query; null: this sensor has no DNS store yet",
	  "dns.getResponse(\"x\")", "null" },
	{ "syscall.getName", "(int) -> string", syscall_get_name,
	  "name of an x86-64 system call, \"\" if there is none", "syscall.getName(68)",
	  "\"msgget\"" },
	{ "syscall.getId", "(string) -> int", syscall_get_id,
	  "number of an x86-64 system call, -1 if there is none", "syscall.getId(\"msgget\")",
	  "68" },
	/* Ours: environment_tracee_count. */
	{ "process.related", "(int) -> bool", process_is_related,
	  "is the event's process related to the one with this host pid: the same, ancestor, "
	  "descendant or sibling (init's children apart); true also if either is unknown",
	  "process.related(1)", "true" },
	{ "process.related", "(uint) -> bool", process_is_related, "the same for unsigned fields",
	  "process.related(1u)", "true" },
	{ "hasBits", "(dyn, int) -> bool", has_bits,
	  "all bits of the mask are set in the number; false for a field that is absent",
	  "hasBits(0x3b6, IPC_CREAT)", "true", CEL_ALL_BITS },
	{ "anyBits", "(dyn, int) -> bool", any_bits,
	  "some bit of the mask is set in the number; false for a field that is absent",
	  "anyBits(384, S_IWOTH + S_IWGRP)", "false", CEL_ANY_BITS },
	{ "origin", "(string) -> string", origin,
	  "where this event's field came from: \"K\" the kernel's own copy, \"U\" user memory, "
	  "which the caller can change; \"\" absent",
	  "origin(\"\")", "\"\"" },
};
const uint32_t environment_function_count = ARRAY_SIZE(environment_functions);
const uint32_t environment_tracee_count = 11;

const struct cel_function *environment_absent(struct str name)
{
	for (uint32_t i = 0; i < environment_function_count; i++)
		if (environment_functions[i].call == no_object &&
		    str_equal(name, str_of(environment_functions[i].name)))
			return &environment_functions[i];
	return NULL;
}
