/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ipcs(1) does not tell: objects of all namespaces, the programs behind the process
 * ids, and which processes hold a segment now. A mapped segment shows in /proc/PID/maps as a
 * file named SYSV and its key, whose inode number is the identifier (ipc/shm.c, newseg).
 */
#include "page/ipc_page.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "base/buf.h"
#include "base/common.h"
#include "base/sysvipc.h"

enum { NAME_MAX_LEN = 64, HOLDERS_SHOWN = 3 };

struct holder {
	uint32_t pid, ipc_ns;
	int32_t id;
};

struct namespace
{
	uint32_t inode, pid; /* pid: some process that lives in it */
};

struct page {
	struct holder *holders;
	size_t holder_count, holder_capacity;
	struct namespace *namespaces;
	size_t namespace_count, namespace_capacity;
	uint32_t own;
	bool failed;
	void (*add)(void *ctx, json_t *object, const char *const *cells);
	void *ctx;
};

/* ---- processes ----------------------------------------------------------------------- */

/* "1234 postgres", "1234" of a process that is gone. */
static void process_name(uint32_t pid, char *out, size_t size)
{
	char path[64], name[NAME_MAX_LEN] = "";
	autoclean(fclosep) FILE *file = NULL;

	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	file = fopen(path, "re");
	if (file && fgets(name, sizeof(name), file))
		name[strcspn(name, "\n")] = 0;
	snprintf(out, size, name[0] ? "%u %s" : "%u (gone)", pid, name);
}

static uint32_t namespace_of(const char *pid)
{
	char path[64];
	struct stat stat_of;

	snprintf(path, sizeof(path), "/proc/%.20s/ns/ipc", pid);
	return stat(path, &stat_of) == 0 ? (uint32_t)stat_of.st_ino : 0;
}

static void *grow(void *items, size_t count, size_t *capacity, size_t size)
{
	size_t larger = *capacity ? *capacity * 2 : 64;

	if (count < *capacity)
		return items;
	items = reallocarray(items, larger, size);
	if (items)
		*capacity = larger;
	return items;
}

static void holder_add(struct page *page, struct holder holder)
{
	struct holder *items = grow(page->holders, page->holder_count, &page->holder_capacity,
				    sizeof(*items));

	if (!items) {
		page->failed = true;
		return;
	}
	page->holders = items;
	/* One process may map a segment several times, in one go. */
	if (page->holder_count && !memcmp(&items[page->holder_count - 1], &holder, sizeof(holder)))
		return;
	items[page->holder_count++] = holder;
}

static void namespace_add(struct page *page, struct namespace namespace)
{
	struct namespace *items;

	for (size_t i = 0; i < page->namespace_count; i++)
		if (page->namespaces[i].inode == namespace.inode)
			return;
	items = grow(page->namespaces, page->namespace_count, &page->namespace_capacity,
		     sizeof(*items));
	if (!items) {
		page->failed = true;
		return;
	}
	page->namespaces = items;
	items[page->namespace_count++] = namespace;
}

/* "7f..-7f.. rw-s 00000000 00:01 98312    /SYSV0000162e (deleted)" */
static void read_maps(struct page *page, const char *pid, uint32_t ipc_ns)
{
	char path[64], line[512];
	autoclean(fclosep) FILE *file = NULL;

	snprintf(path, sizeof(path), "/proc/%.20s/maps", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		int id, at = 0;

		if (sscanf(line, "%*s %*s %*s %*s %d %n", &id, &at) == 1 && at &&
		    strncmp(line + at, "/SYSV", 5) == 0)
			holder_add(page,
				   (struct holder){ (uint32_t)strtoul(pid, NULL, 10), ipc_ns, id });
	}
}

static int read_processes(struct page *page, struct err *err)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	if (!proc)
		return err_set(err, -errno, "cannot read /proc: %s", strerror(errno));
	page->own = namespace_of("self");
	namespace_add(page, (struct namespace){ page->own, (uint32_t)getpid() });
	while ((entry = readdir(proc))) {
		uint32_t ipc_ns;

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		ipc_ns = namespace_of(entry->d_name);
		if (!ipc_ns) /* gone, or not ours to look into */
			continue;
		namespace_add(page, (struct namespace){
					    ipc_ns, (uint32_t)strtoul(entry->d_name, NULL, 10) });
		read_maps(page, entry->d_name, ipc_ns);
	}
	closedir(proc);
	return page->failed ? err_set(err, -ENOMEM, "out of memory") : 0;
}

/* ---- an object -------------------------------------------------------------------------- */

struct row {
	const struct page *page;
	const struct sysv_object *object;
	const struct namespace *namespace;
};

static bool holds(const struct row *row, const struct holder *holder)
{
	return strcmp(row->object->kind, "shm") == 0 && holder->id == row->object->id &&
	       holder->ipc_ns == row->namespace->inode;
}

static void text_part(struct buf *out, const char *what, const char *text)
{
	buf_printf(out, "%s%s%s", out->len ? "; " : "", what, text);
}

static void when(struct buf *out, int64_t seconds)
{
	time_t time = (time_t)seconds;
	struct tm parts;
	char text[32];

	if (localtime_r(&time, &parts) && strftime(text, sizeof(text), "%F %T", &parts))
		buf_printf(out, " at %s", text);
}

static void describe_holders(struct buf *out, const struct row *row)
{
	char name[NAME_MAX_LEN + 16];
	unsigned count = 0;

	for (size_t i = 0; i < row->page->holder_count; i++) {
		if (!holds(row, &row->page->holders[i]) || count++ >= HOLDERS_SHOWN)
			continue;
		process_name(row->page->holders[i].pid, name, sizeof(name));
		if (count == 1)
			text_part(out, "held by ", name);
		else
			buf_printf(out, ", %s", name);
	}
	if (count > HOLDERS_SHOWN)
		buf_printf(out, " and %u more", count - HOLDERS_SHOWN);
}

static void describe_who(struct buf *out, const struct row *row)
{
	const struct sysv_object *object = row->object;
	char name[NAME_MAX_LEN + 16];

	if (row->namespace->inode != row->page->own) {
		process_name(row->namespace->pid, name, sizeof(name));
		buf_printf(out, "namespace %u, of %s", row->namespace->inode, name);
	}
	if (object->creator) {
		process_name(object->creator, name, sizeof(name));
		text_part(out, "made by ", name);
	}
	describe_holders(out, row);
	if (object->used) {
		process_name(object->last, name, sizeof(name));
		text_part(out, "last used", "");
		if (object->last)
			buf_printf(out, " by %s", name);
		when(out, object->used);
	}
	text_part(out, "changed", "");
	when(out, object->changed);
}

static json_t *holders_json(const struct row *row)
{
	json_t *array = json_array();

	for (size_t i = 0; i < row->page->holder_count; i++)
		if (holds(row, &row->page->holders[i]))
			json_array_append_new(array, json_integer(row->page->holders[i].pid));
	return array;
}

static json_t *object_json(const struct row *row)
{
	const struct sysv_object *object = row->object;
	json_t *json = json_pack(
		"{s:s, s:i, s:i, s:I, s:i, s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:I}", "kind",
		object->kind, "id", object->id, "key", object->key, "ipc_ns",
		(json_int_t)row->namespace->inode, "mode", (int)object->mode, "uid",
		(int)object->uid, "gid", (int)object->gid, "cuid", (int)object->cuid, "cgid",
		(int)object->cgid, "size", (json_int_t)object->size, "users",
		(json_int_t)object->users, "last_used", (json_int_t)object->used, "changed",
		(json_int_t)object->changed);

	if (object->creator)
		json_object_set_new(json, "creator_pid", json_integer(object->creator));
	if (object->has_pids)
		json_object_set_new(json, "last_pid", json_integer(object->last));
	if (strcmp(object->kind, "shm") == 0)
		json_object_set_new(json, "holders", holders_json(row));
	return json;
}

/* What size and use mean depends on the kind. */
static void kind_cells(const struct sysv_object *object, char *size, char *use, size_t len)
{
	static const struct {
		const char *kind, *size, *use;
	} words[] = {
		{ "msg", "%" PRIu64 " bytes", "%" PRIu64 " waiting" },
		{ "shm", "%" PRIu64 " bytes", "%" PRIu64 " attached" },
		{ "sem", "%" PRIu64 " sems", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(object->kind, words[i].kind) != 0)
			continue;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(size, len, words[i].size, object->size);
		snprintf(use, len, words[i].use, object->users);
#pragma GCC diagnostic pop
	}
}

static void row_add(const struct row *row)
{
	const struct sysv_object *object = row->object;
	char id[16], key[16], mode[24], owner[32], size[40], use[40];
	struct buf who = { 0 };

	snprintf(id, sizeof(id), "%d", object->id);
	snprintf(key, sizeof(key), object->key ? "0x%08x" : "private", (unsigned)object->key);
	snprintf(mode, sizeof(mode), "%04o%s%s", object->mode & 0777,
		 object->mode & 01000 ? " dest" : "", object->mode & 02000 ? " locked" : "");
	snprintf(owner, sizeof(owner), object->uid == object->cuid ? "%u" : "%u (by %u)",
		 object->uid, object->cuid);
	kind_cells(object, size, use, sizeof(size));
	describe_who(&who, row);
	buf_char(&who, 0);
	row->page->add(row->page->ctx, object_json(row),
		       (const char *[IPC_PAGE_COLUMNS]){ object->kind, id, key, mode, owner, size,
							 use, who.data ? who.data : "" });
	buf_free(&who);
}

/* ---- all ---------------------------------------------------------------------------------- */

static int by_kind(const void *a, const void *b)
{
	const struct sysv_object *x = a, *y = b;
	int kinds = strcmp(x->kind, y->kind);

	return kinds ? kinds : (x->id > y->id) - (x->id < y->id);
}

static int list_namespace(const struct page *page, const struct namespace *namespace)
{
	autoclean(freep) struct sysv_object *objects = NULL;
	size_t count = 0;
	int result = sysvipc_read_namespace(namespace->pid, namespace->inode, &objects, &count);

	if (result < 0)
		return result == -ESRCH ? 0 : 1; /* gone meanwhile */
	if (count)
		qsort(objects, count, sizeof(*objects), by_kind);
	for (size_t i = 0; i < count; i++)
		row_add(&(struct row){ page, &objects[i], namespace });
	return 0;
}

int ipc_page_list(void (*add)(void *ctx, json_t *object, const char *const *cells), void *ctx,
		  struct err *err)
{
	struct page page = { .add = add, .ctx = ctx };
	int result = read_processes(&page, err);

	for (size_t i = 0; result >= 0 && i < page.namespace_count; i++)
		result += list_namespace(&page, &page.namespaces[i]);
	free(page.holders);
	free(page.namespaces);
	return result;
}
