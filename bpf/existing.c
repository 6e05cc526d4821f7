// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What no event tells: processes that ran before us (or whose start we lost), the paths of
 * cgroups, and System V objects (existing_ipc.c). They enter the stream as records, so that a
 * capture of it needs nothing of this machine when it is replayed.
 *
 * Invariant: a question is always answered. A process that is gone gives a record
 * without its path, a cgroup that is gone one without a path, so nobody asks again.
 */
#include "live.h"

#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

enum {
	PATH_BYTES = 4096,
	ARGUMENT_BYTES = 8192,
	KNOWN = 4096,	      /* a power of two */
	HANDLE_KERNFS = 0xfe, /* FILEID_KERNFS: a handle that is just the id */
	TICK_NS = 10000000,   /* /proc counts in 1/100 s */
};

struct existing {
	uint64_t *sequence;
	int subsystem;
	char mount[CGROUP_MOUNT_MAX];
	int mount_fd;
	char controller[32]; /* as /proc/PID/cgroup names the hierarchy; "" unified */
	/* Ids told during one pass over all processes: cgroups, and IPC namespaces. */
	uint64_t known[KNOWN];
	union {
		struct wire_header header;
		char bytes[sizeof(struct wire_header) + 64 + PATH_BYTES + ARGUMENT_BYTES];
	} record;
	char line[PATH_BYTES];
};

/* ---- which hierarchy ----------------------------------------------------------- */

/* v1 controllers in the order of trust: container runtimes use all, hosts turn some off. */
static const struct {
	const char *name, *kernel;
} controllers[] = {
	{ "memory", "memory_cgrp_id" },	  { "pids", "pids_cgrp_id" },
	{ "devices", "devices_cgrp_id" }, { "freezer", "freezer_cgrp_id" },
	{ "cpu", "cpu_cgrp_id" },	  { "cpuset", "cpuset_cgrp_id" },
	{ "blkio", "io_cgrp_id" },
};

static bool option_has(const char *options, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = strstr(options, name); at; at = strstr(at + 1, name))
		if ((at == options || at[-1] == ',') && (at[len] == ',' || !at[len]))
			return true;
	return false;
}

/* Finds a mount of a type whose options name the controller (NULL: any). */
static bool mount_find(const char *type, const char *controller, char mount[CGROUP_MOUNT_MAX])
{
	autoclean(fclosep) FILE *file = fopen("/proc/self/mounts", "re");
	char line[2048];

	while (file && fgets(line, sizeof(line), file)) {
		char source[256], where[CGROUP_MOUNT_MAX], kind[64], options[1024];

		if (sscanf(line, "%255s %255s %63s %1023s", source, where, kind, options) != 4)
			continue;
		if (strcmp(kind, type) != 0 || (controller && !option_has(options, controller)))
			continue;
		snprintf(mount, CGROUP_MOUNT_MAX, "%s", where);
		return true;
	}
	return false;
}

/* The kernel's number of a controller differs with its configuration: ask its BTF. */
static int controller_index(const char *kernel_name)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int32_t id = btf ? btf__find_by_name_kind(btf, "cgroup_subsys_id", BTF_KIND_ENUM) : -1;
	int index = -1;

	if (id > 0) {
		const struct btf_type *type = btf__type_by_id(btf, (uint32_t)id);
		const struct btf_enum *values = btf_enum(type);

		for (int i = 0; i < btf_vlen(type) && index < 0; i++)
			if (strcmp(btf__name_by_offset(btf, values[i].name_off), kernel_name) == 0)
				index = values[i].val;
	}
	btf__free(btf);
	return index;
}

static const char *controller_name(int index)
{
	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++)
		if (controller_index(controllers[i].kernel) == index)
			return controllers[i].name;
	return "";
}

int cgroup_choose(char mount[CGROUP_MOUNT_MAX])
{
	mount[0] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++) {
		int index;

		if (!mount_find("cgroup", controllers[i].name, mount))
			continue;
		index = controller_index(controllers[i].kernel);
		if (index >= 0)
			return index;
	}
	if (!mount_find("cgroup2", NULL, mount))
		mount[0] = 0;
	return -1;
}

struct existing *existing_new(int cgroup_subsystem, const char *mount, uint64_t *sequence)
{
	struct existing *existing = calloc(1, sizeof(*existing));

	if (!existing)
		return NULL;
	existing->sequence = sequence;
	existing->subsystem = cgroup_subsystem;
	snprintf(existing->mount, sizeof(existing->mount), "%s", mount);
	existing->mount_fd = mount[0] ? open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (cgroup_subsystem >= 0)
		snprintf(existing->controller, sizeof(existing->controller), "%s",
			 controller_name(cgroup_subsystem));
	return existing;
}

void existing_free(struct existing *existing)
{
	if (!existing)
		return;
	closep(&existing->mount_fd);
	free(existing);
}

/* ---- records ------------------------------------------------------------------- */

/* Starts a record from the header of another; the body is cleared. */
static void record_start(struct existing *existing, const struct wire_header *like, uint16_t id,
			 size_t body)
{
	memset(existing->record.bytes, 0, sizeof(struct wire_header) + body);
	existing->record.header = *like;
	existing->record.header.host_name = 0; /* what it refers to is not here */
	existing->record.header.id = id;
	existing->record.header.cpu = WIRE_CPU_NONE;
	existing->record.header.seq = ++*existing->sequence;
	existing->record.header.present = 0;
	existing->record.header.user = 0;
	existing->record.header.syscall = -1;
	existing->record.header.flags &= WIRE_CONTEXT | WIRE_KERNEL_THREAD;
	existing->record.header.size = (uint32_t)(sizeof(struct wire_header) + body);
}

/* Adds bytes behind the record; the caller made sure of the room. */
static struct wire_ref record_tail(struct existing *existing, const char *data, size_t len)
{
	struct wire_ref ref = { existing->record.header.size, (uint32_t)len };

	memcpy(existing->record.bytes + ref.offset, data, len);
	existing->record.header.size += ref.len;
	return ref;
}

static void record_finish(struct existing *existing, source_sink sink, void *ctx)
{
	uint32_t size = existing->record.header.size;

	memset(existing->record.bytes + size, 0, (8 - size % 8) % 8);
	existing->record.header.size = (size + 7) / 8 * 8;
	sink(ctx, &existing->record.header, NULL);
}

/* ---- processes ----------------------------------------------------------------- */

/* Reads a small file of /proc; -1 if it is gone. */
static ssize_t proc_read(uint32_t pid, const char *name, char *out, size_t size)
{
	char path[64];
	autoclean(closep) int fd = -1;

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -1 : read(fd, out, size);
}

/* Is /proc/PID still the process that started then? (Pids are used again.) */
static bool proc_is(struct existing *existing, uint32_t pid, uint64_t start_time)
{
	ssize_t len = proc_read(pid, "stat", existing->line, sizeof(existing->line) - 1);
	unsigned long long ticks;
	const char *at;

	if (len <= 0)
		return false;
	existing->line[len] = 0;
	at = strrchr(existing->line, ')'); /* the name before it may hold anything */
	if (!at || sscanf(at + 1,
			  " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d"
			  " %*d %*d %llu",
			  &ticks) != 1)
		return false;
	return ticks == start_time / TICK_NS;
}

static void process_path(struct existing *existing, struct ev_process_existing *body, uint32_t pid)
{
	static const char gone[] = " (deleted)";
	char path[64];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	len = readlink(path, existing->line, sizeof(existing->line));
	if (len <= 0)
		return; /* a kernel thread, or gone */
	if ((size_t)len > sizeof(gone) &&
	    memcmp(existing->line + len - sizeof(gone) + 1, gone, sizeof(gone) - 1) == 0)
		len -= (ssize_t)sizeof(gone) - 1;
	body->pathname = record_tail(existing, existing->line, (size_t)len);
	existing->record.header.present |= FIELD_BIT(process_existing, pathname);
}

static void process_arguments(struct existing *existing, struct ev_process_existing *body,
			      uint32_t pid)
{
	char arguments[ARGUMENT_BYTES];
	ssize_t len = proc_read(pid, "cmdline", arguments, sizeof(arguments) - 1);

	if (len <= 0)
		return;
	if (arguments[len - 1])
		arguments[len++] = 0;
	body->argv = record_tail(existing, arguments, (size_t)len);
	existing->record.header.present |= FIELD_BIT(process_existing, argv);
	existing->record.header.user |= FIELD_BIT(process_existing, argv);
}

/* `like` carries the ids of the process; its thread's own data is left out. */
static void process_emit(struct existing *existing, const struct wire_header *like,
			 source_sink sink, void *ctx)
{
	struct ev_process_existing *body;
	struct wire_header *header = &existing->record.header;

	record_start(existing, like, EV_process_existing, sizeof(*body));
	header->tid = header->pid;
	header->ns_tid = header->ns_pid;
	header->start_time = header->leader_start_time;
	body = (struct ev_process_existing *)(existing->record.bytes + sizeof(*header));
	if (proc_is(existing, header->pid, header->start_time)) {
		process_path(existing, body, header->pid);
		process_arguments(existing, body, header->pid);
	}
	record_finish(existing, sink, ctx);
}

/* ---- cgroups ------------------------------------------------------------------- */

/* Opens the cgroup by its id; works as long as it exists. */
static ssize_t cgroup_path_by_id(struct existing *existing, uint64_t id)
{
	struct {
		struct file_handle handle;
		uint64_t id;
	} where = { .handle = { .handle_bytes = sizeof(id), .handle_type = HANDLE_KERNFS },
		    .id = id };
	char link[64];
	autoclean(closep) int fd = -1;
	size_t prefix = strlen(existing->mount);
	ssize_t len;

	fd = open_by_handle_at(existing->mount_fd, &where.handle, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -1;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, existing->line, sizeof(existing->line));
	if (len < (ssize_t)prefix || memcmp(existing->line, existing->mount, prefix) != 0)
		return -1;
	memmove(existing->line, existing->line + prefix, (size_t)len - prefix);
	return len - (ssize_t)prefix;
}

/* The line of /proc/PID/cgroup for our hierarchy, if it names a cgroup with this id. */
static ssize_t cgroup_path_of(struct existing *existing, uint32_t pid, uint64_t id)
{
	char name[64], path[PATH_BYTES + CGROUP_MOUNT_MAX];
	autoclean(fclosep) FILE *file = NULL;
	struct stat stat;

	snprintf(name, sizeof(name), "/proc/%u/cgroup", pid);
	file = fopen(name, "re");
	while (file && fgets(existing->line, sizeof(existing->line), file)) {
		char *list = strchr(existing->line, ':');
		char *at = list ? strchr(list + 1, ':') : NULL;
		size_t len;

		if (!at)
			continue;
		*at++ = 0;
		if (existing->subsystem < 0 ? list[1] != 0
					    : !option_has(list + 1, existing->controller))
			continue;
		len = strcspn(at, "\n");
		at[len] = 0;
		snprintf(path, sizeof(path), "%s%s", existing->mount, at);
		if (lstat(path, &stat) != 0 || stat.st_ino != id)
			return -1;
		memmove(existing->line, at, len);
		return (ssize_t)len;
	}
	return -1;
}

static void cgroup_emit(struct existing *existing, const struct wire_header *like, source_sink sink,
			void *ctx)
{
	struct ev_cgroup_existing *body;
	ssize_t len = cgroup_path_by_id(existing, like->cgroup_id);

	if (len < 0)
		len = cgroup_path_of(existing, like->pid, like->cgroup_id);
	record_start(existing, like, EV_cgroup_existing, sizeof(*body));
	body = (struct ev_cgroup_existing *)(existing->record.bytes + sizeof(*like));
	body->cgroup_id = like->cgroup_id;
	existing->record.header.present = FIELD_BIT(cgroup_existing, cgroup_id);
	if (len >= 0) {
		/* The root's path is empty below its mount point. */
		body->cgroup_path = len ? record_tail(existing, existing->line, (size_t)len)
					: record_tail(existing, "/", 1);
		existing->record.header.present |= FIELD_BIT(cgroup_existing, cgroup_path);
	}
	record_finish(existing, sink, ctx);
}

/* True the first time an id is seen (or, in a full table, sometimes again). */
static bool is_first(struct existing *existing, uint64_t id)
{
	uint64_t slot = id * 0x9e3779b97f4a7c15ULL >> 52;

	for (unsigned i = 0; i < 16; i++) {
		uint64_t *known = &existing->known[(slot + i) & (KNOWN - 1)];

		if (*known == id)
			return false;
		if (!*known) {
			*known = id;
			return true;
		}
	}
	return true;
}

/* ---- all three ---------------------------------------------------------------------- */

struct seen {
	struct wire_header header;
	struct ev_process_existing body;
};

/* The next process that the iterator shows. */
static bool seen_next(int iterator_fd, struct seen *seen)
{
	size_t have = 0;

	while (have < sizeof(*seen)) {
		ssize_t len = read(iterator_fd, (char *)seen + have, sizeof(*seen) - have);

		if (len < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (len <= 0)
			return false;
		have += (size_t)len;
	}
	return true;
}

/* The objects of its IPC namespace, of each once. */
static uint32_t objects_emit(struct existing *existing, struct ipc_listing *listing,
			     const struct wire_header *seen, source_sink sink, void *ctx)
{
	if (!seen->ipc_ns || !is_first(existing, ~(uint64_t)seen->ipc_ns /* no cgroup's */))
		return 0;
	return existing_ipc(listing, seen->pid, seen->ipc_ns, sink, ctx);
}

uint32_t existing_all(struct existing *existing, int iterator_fd, source_sink sink, void *ctx)
{
	struct ipc_listing listing = { .sequence = existing->sequence };
	struct seen seen;
	uint32_t count = 0;

	memset(existing->known, 0, sizeof(existing->known));
	while (seen_next(iterator_fd, &seen)) {
		if (seen.header.cgroup_id && is_first(existing, seen.header.cgroup_id)) {
			cgroup_emit(existing, &seen.header, sink, ctx);
			count++;
		}
		process_emit(existing, &seen.header, sink, ctx);
		count += 1 + objects_emit(existing, &listing, &seen.header, sink, ctx);
	}
	return count + existing_ipc_end(&listing, sink, ctx);
}

uint32_t existing_objects(struct existing *existing, int iterator_fd, source_sink sink, void *ctx)
{
	struct ipc_listing listing = { .sequence = existing->sequence };
	struct seen seen;
	uint32_t count = 0;

	memset(existing->known, 0, sizeof(existing->known));
	while (seen_next(iterator_fd, &seen))
		count += objects_emit(existing, &listing, &seen.header, sink, ctx);
	return count + existing_ipc_end(&listing, sink, ctx);
}

void existing_one(struct existing *existing, const struct wire_header *record, source_sink sink,
		  void *ctx)
{
	if (!(record->flags & WIRE_CONTEXT))
		return;
	if (record->cgroup_id)
		cgroup_emit(existing, record, sink, ctx);
	process_emit(existing, record, sink, ctx);
}
