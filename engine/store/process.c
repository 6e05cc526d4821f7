/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process and container stores. Entries live in fixed arrays; hash chains find them
 * by (pid, start time), by pid and by entity hash; texts (executable, argv) are shared
 * between a process and its children until one executes something else. When an
 * array is full the victim is the process that exited first, or else one that a
 * second-chance hand picks: making room costs the same however full it is.
 */
#include <stddef.h>

#include "base/common.h"
#include "base/slab.h"
#include "cgroup.h"
#include "ipc_store.h"
#include "store.h"
#include "symbol.h"

enum {
	PROCESSES_DEFAULT = 16384,
	PATIENCE = 8, /* makers of objects that are spared for one that comes */
	TEXT_BUDGET = 24 * 1024 * 1024,
	NONE = UINT32_MAX, /* no entry */
	CHAINS = 3,
};

enum chain { BY_KEY, BY_PID, BY_HASH };

/* What fork shares; freed with the last user. */
struct text {
	uint32_t users, size; /* size: of the whole, as asked from the slab */
	uint32_t executable_len, argv_len;
	char bytes[]; /* executable, argv */
};

struct entry {
	struct process process; /* first: public pointers are entry pointers */
	struct text *text;
	uint32_t hash; /* entity hash */
	uint32_t next[CHAINS];
	uint32_t parent, first_child, next_sibling, previous_sibling;
	uint32_t next_exited, previous_exited; /* in order of exit; NONE: not in the queue */
	uint32_t losses;		       /* stores.losses when we learnt the executable */
	bool used;
};

struct stores {
	struct entry *entries;
	uint32_t *buckets[CHAINS];
	uint8_t *referenced; /* touched since the hand came by */
	uint32_t capacity, buckets_mask, count, high, hand, free_head;
	uint32_t exited_first, exited_last;
	uint32_t losses; /* how often records of processes were lost so far */
	struct cgroups cgroups;
	struct slab texts;
	struct clock clock;
	struct symbols symbols;
	struct ipc_store *ipc;
	struct store_stats stats;
};

/* ---- hashing --------------------------------------------------------------- */

static uint32_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	return (uint32_t)x ^ (uint32_t)(x >> 32);
}

static uint32_t chain_hash(const struct entry *entry, enum chain chain)
{
	switch (chain) {
	case BY_KEY: return mix(entry->process.start_time * 31 + entry->process.pid);
	case BY_PID: return mix(entry->process.pid);
	case BY_HASH: break;
	}
	return mix(entry->hash);
}

static uint32_t *bucket_of(const struct stores *stores, const struct entry *entry, enum chain chain)
{
	return &stores->buckets[chain][chain_hash(entry, chain) & stores->buckets_mask];
}

static uint32_t index_of(const struct stores *stores, const struct process *process)
{
	return (uint32_t)((const struct entry *)process - stores->entries);
}

static void chains_add(struct stores *stores, struct entry *entry)
{
	for (unsigned c = 0; c < CHAINS; c++) {
		uint32_t *head = bucket_of(stores, entry, c);

		entry->next[c] = *head;
		*head = (uint32_t)(entry - stores->entries);
	}
}

static void chains_remove(struct stores *stores, struct entry *entry)
{
	uint32_t self = (uint32_t)(entry - stores->entries);

	for (unsigned c = 0; c < CHAINS; c++) {
		uint32_t *at = bucket_of(stores, entry, c);

		while (*at != self)
			at = &stores->entries[*at].next[c];
		*at = entry->next[c];
	}
}

/* ---- family ---------------------------------------------------------------- */

static void family_leave(struct stores *stores, struct entry *entry)
{
	struct entry *all = stores->entries;

	if (entry->previous_sibling != NONE)
		all[entry->previous_sibling].next_sibling = entry->next_sibling;
	else if (entry->parent != NONE)
		all[entry->parent].first_child = entry->next_sibling;
	if (entry->next_sibling != NONE)
		all[entry->next_sibling].previous_sibling = entry->previous_sibling;
	entry->parent = entry->next_sibling = entry->previous_sibling = NONE;
}

static void family_join(struct stores *stores, struct entry *entry, uint32_t parent)
{
	uint32_t self = (uint32_t)(entry - stores->entries);

	if (parent == NONE || parent == self)
		return;
	struct entry *p = &stores->entries[parent];

	entry->parent = parent;
	entry->next_sibling = p->first_child;
	entry->previous_sibling = NONE;
	if (p->first_child != NONE)
		stores->entries[p->first_child].previous_sibling = self;
	p->first_child = self;
}

static void family_orphan(struct stores *stores, struct entry *entry)
{
	for (uint32_t child = entry->first_child; child != NONE;) {
		struct entry *c = &stores->entries[child];

		child = c->next_sibling;
		c->parent = c->next_sibling = c->previous_sibling = NONE;
	}
	entry->first_child = NONE;
}

/* ---- the queue of the exited -------------------------------------------------- */

static bool is_exited(const struct entry *entry)
{
	return entry->process.exit_time != 0;
}

static void exited_add(struct stores *stores, struct entry *entry)
{
	uint32_t self = (uint32_t)(entry - stores->entries);

	entry->next_exited = NONE;
	entry->previous_exited = stores->exited_last;
	if (stores->exited_last == NONE)
		stores->exited_first = self;
	else
		stores->entries[stores->exited_last].next_exited = self;
	stores->exited_last = self;
}

static void exited_remove(struct stores *stores, struct entry *entry)
{
	if (entry->previous_exited == NONE)
		stores->exited_first = entry->next_exited;
	else
		stores->entries[entry->previous_exited].next_exited = entry->next_exited;
	if (entry->next_exited == NONE)
		stores->exited_last = entry->previous_exited;
	else
		stores->entries[entry->next_exited].previous_exited = entry->previous_exited;
}

/* ---- texts ----------------------------------------------------------------- */

static void text_drop(struct stores *stores, struct entry *entry)
{
	if (entry->text && --entry->text->users == 0)
		slab_release(&stores->texts, entry->text, entry->text->size);
	entry->text = NULL;
	entry->process.executable = (struct str){ 0 };
	entry->process.argv = NULL;
	entry->process.argv_len = 0;
}

static void text_show(struct entry *entry)
{
	struct text *text = entry->text;

	entry->process.executable = (struct str){ text->bytes, text->executable_len };
	entry->process.argv = text->bytes + text->executable_len;
	entry->process.argv_len = text->argv_len;
}

static void text_share(struct stores *stores, struct entry *entry, struct entry *with)
{
	struct text *text = with->text;

	if (text)
		text->users++;
	text_drop(stores, entry);
	entry->text = text;
	if (text)
		text_show(entry);
}

static void evict_one(struct stores *stores, uint32_t keep);

/* Arguments beyond what a piece holds are cut at a NUL; an executable's path always fits. */
static void text_set(struct stores *stores, struct entry *entry, struct str executable,
		     struct str argv)
{
	uint32_t room = SLAB_PIECE_MAX - (uint32_t)sizeof(struct text);
	uint32_t self = (uint32_t)(entry - stores->entries);
	struct text *text;

	text_drop(stores, entry);
	executable.len = MIN(executable.len, room);
	argv.len = MIN(argv.len, room - executable.len);
	while (argv.len && argv.data[argv.len - 1])
		argv.len--;
	uint32_t size = (uint32_t)sizeof(*text) + executable.len + argv.len;

	while (!(text = slab_alloc(&stores->texts, size))) {
		if (stores->count <= 1)
			return;
		evict_one(stores, self);
	}
	*text = (struct text){
		.users = 1, .size = size, .executable_len = executable.len, .argv_len = argv.len
	};
	if (executable.len)
		memcpy(text->bytes, executable.data, executable.len);
	if (argv.len)
		memcpy(text->bytes + executable.len, argv.data, argv.len);
	entry->text = text;
	text_show(entry);
	if (!executable.data)
		entry->process.executable = (struct str){ 0 };
}

/* ---- entries --------------------------------------------------------------- */

static void entry_remove(struct stores *stores, struct entry *entry)
{
	chains_remove(stores, entry);
	family_orphan(stores, entry);
	family_leave(stores, entry);
	text_drop(stores, entry);
	if (is_exited(entry))
		exited_remove(stores, entry);
	entry->used = false;
	entry->next[BY_KEY] = stores->free_head;
	stores->free_head = (uint32_t)(entry - stores->entries);
	stores->count--;
	stores->stats.process_evicted++;
}

/* Takes the mark of use away; true if it was there. */
static bool was_referenced(struct stores *stores, uint32_t at)
{
	bool was = stores->referenced[at];

	stores->referenced[at] = 0;
	return was;
}

/* Who left objects behind is asked for as long as they are there: *patience times at most. */
static bool is_maker(const struct stores *stores, const struct entry *entry, uint32_t *patience)
{
	if (!*patience ||
	    !ipc_store_keeps(stores->ipc, entry->process.pid, entry->process.start_time))
		return false;
	--*patience;
	return true;
}

/* Whoever was looked at since it exited goes to the end of the queue once. */
static bool evict_exited(struct stores *stores, uint32_t keep)
{
	uint32_t patience = PATIENCE;

	for (uint32_t left = stores->count + 1 + PATIENCE; left && stores->exited_first != NONE;
	     left--) {
		uint32_t at = stores->exited_first;
		struct entry *entry = &stores->entries[at];

		if (at != keep && !was_referenced(stores, at) &&
		    !is_maker(stores, entry, &patience)) {
			entry_remove(stores, entry);
			return true;
		}
		if (entry->next_exited == NONE && at == keep)
			return false;
		exited_remove(stores, entry);
		exited_add(stores, entry);
	}
	return false;
}

/* The hand comes by at most twice: the first time it takes the marks of use away. */
static void evict_one(struct stores *stores, uint32_t keep)
{
	if (evict_exited(stores, keep))
		return;
	for (uint64_t step = 0; step < 2ULL * stores->capacity; step++) {
		uint32_t at = stores->hand;
		struct entry *entry = &stores->entries[at];

		stores->hand = at + 1 == stores->capacity ? 0 : at + 1;
		if (!entry->used || at == keep || was_referenced(stores, at))
			continue;
		entry_remove(stores, entry);
		return;
	}
}

static struct entry *entry_find(const struct stores *stores, uint32_t pid, uint64_t start_time)
{
	uint32_t at = stores->buckets[BY_KEY][mix(start_time * 31 + pid) & stores->buckets_mask];

	for (; at != NONE; at = stores->entries[at].next[BY_KEY]) {
		struct entry *entry = &stores->entries[at];

		if (entry->process.pid == pid && entry->process.start_time == start_time) {
			stores->referenced[at] = 1;
			return entry;
		}
	}
	return NULL;
}

static struct entry *entry_new(struct stores *stores, uint32_t pid, uint64_t start_time)
{
	if (stores->count == stores->capacity)
		evict_one(stores, NONE);
	uint32_t at = stores->free_head;

	if (at != NONE)
		stores->free_head = stores->entries[at].next[BY_KEY];
	else
		at = stores->high++;
	struct entry *entry = &stores->entries[at];

	*entry = (struct entry){
		.used = true,
		.process = { .pid = pid, .start_time = start_time },
		.hash = entity_hash(pid, start_time + stores->clock.boot_epoch_ns),
		.parent = NONE,
		.first_child = NONE,
		.next_sibling = NONE,
		.previous_sibling = NONE,
		.next_exited = NONE,
		.previous_exited = NONE,
		.losses = stores->losses,
	};
	stores->count++;
	stores->referenced[at] = 1;
	chains_add(stores, entry);
	return entry;
}

/* Not always the parent: with CLONE_PARENT the child is given to another. */
static void set_maker(struct entry *entry, uint32_t pid, uint64_t start_time)
{
	entry->process.maker_pid = pid;
	entry->process.maker_start_time = start_time;
}

static void entry_set_parent(struct stores *stores, struct entry *entry, uint32_t ppid,
			     uint64_t start_time)
{
	struct entry *parent = ppid ? entry_find(stores, ppid, start_time) : NULL;

	entry->process.ppid = ppid;
	entry->process.parent_start_time = start_time;
	if (!entry->process.maker_pid)
		set_maker(entry, ppid, start_time);
	family_leave(stores, entry);
	family_join(stores, entry, parent ? (uint32_t)(parent - stores->entries) : NONE);
}

/* What every record tells of its process. */
static void entry_refresh(struct stores *stores, struct entry *entry,
			  const struct wire_header *record)
{
	struct process *process = &entry->process;

	process->uid = record->uid;
	process->gid = record->gid;
	process->ns_pid = record->ns_pid;
	process->cgroup_id = record->cgroup_id;
	if (record->pid == record->tid)
		memcpy(process->comm, record->comm, sizeof(process->comm));
	/* NONE: a parent with a higher pid may have come to be known since. */
	if (process->ppid != record->ppid || entry->parent == NONE ||
	    process->parent_start_time != record->parent_start_time)
		entry_set_parent(stores, entry, record->ppid, record->parent_start_time);
}

static struct entry *entry_of_record(struct stores *stores, const struct wire_header *record)
{
	struct entry *entry = entry_find(stores, record->pid, record->leader_start_time);

	if (!entry)
		entry = entry_new(stores, record->pid, record->leader_start_time);
	entry_refresh(stores, entry, record);
	return entry;
}

/* ---- cgroups --------------------------------------------------------------- */

void stores_set_container(struct stores *stores, uint64_t cgroup_id, struct str id)
{
	struct cgroup *cgroup = cgroup_find(&stores->cgroups, cgroup_id);

	if (cgroup && cgroup->container.id.data)
		return;
	cgroup_learn(&stores->cgroups, &stores->texts, cgroup_id, id);
	cgroup = cgroup_find(&stores->cgroups, cgroup_id);
	if (cgroup->path)
		cgroup->container.id = (struct str){ cgroup->path, cgroup->path_len };
}

/* ---- what records teach ----------------------------------------------------- */

static struct str record_str(const struct wire_header *record, struct wire_ref ref)
{
	return (struct str){ (const char *)record + ref.offset, ref.len };
}

static void learn_fork(struct stores *stores, const struct wire_header *record)
{
	const struct ev_sched_process_fork *fork = (const void *)(record + 1);
	uint32_t pid = (uint32_t)fork->child_pid;
	struct entry *known;

	if (fork->child_tid != fork->child_pid)
		return; /* a thread */
	if (!fork->shares_memory)
		ipc_store_fork(stores->ipc, record->pid, record->leader_start_time, pid,
			       fork->start_time);
	known = entry_find(stores, pid, fork->start_time);
	if (known) {
		set_maker(known, record->pid, record->leader_start_time);
		return;
	}
	struct entry *parent = entry_find(stores, (uint32_t)fork->parent_process_pid,
					  fork->parent_process_start_time);
	struct entry *child = entry_new(stores, pid, fork->start_time);

	child->process.ns_pid = (uint32_t)fork->child_ns_pid;
	child->process.uid = record->uid;
	child->process.gid = record->gid;
	child->process.cgroup_id = record->cgroup_id;
	set_maker(child, record->pid, record->leader_start_time);
	memcpy(child->process.comm, record->comm, sizeof(child->process.comm));
	/* entry_new may have evicted the parent. */
	if (parent && (!parent->used || parent->process.pid != (uint32_t)fork->parent_process_pid))
		parent = NULL;
	if (parent) {
		text_share(stores, child, parent);
		child->losses = parent->losses;
	}
	entry_set_parent(stores, child, (uint32_t)fork->parent_process_pid,
			 fork->parent_process_start_time);
}

static void learn_exec(struct stores *stores, const struct wire_header *record)
{
	const struct ev_sched_process_exec *exec = (const void *)(record + 1);
	struct entry *entry = entry_of_record(stores, record);
	struct cgroup *cgroup = cgroup_find(&stores->cgroups, record->cgroup_id);

	entry->losses = stores->losses;
	ipc_store_detach(stores->ipc, record->pid, record->leader_start_time);
	text_set(stores, entry, record_str(record, exec->pathname), record_str(record, exec->argv));
	if (cgroup)
		cgroup->container.started = true;
}

static void learn_existing(struct stores *stores, const struct wire_header *record)
{
	const struct ev_process_existing *existing = (const void *)(record + 1);
	struct entry *entry = entry_of_record(stores, record);
	struct cgroup *cgroup = cgroup_find(&stores->cgroups, record->cgroup_id);
	struct str path = { 0 }, argv = { 0 };

	if (record->present & FIELD_BIT(process_existing, pathname))
		path = record_str(record, existing->pathname);
	if (record->present & FIELD_BIT(process_existing, argv))
		argv = record_str(record, existing->argv);
	entry->losses = stores->losses;
	/* A process that is gone by now has no path: what we knew of it is better. */
	if (path.data || argv.data)
		text_set(stores, entry, path, argv);
	if (cgroup)
		cgroup->container.started = true;
}

/* A server goes into the background after it has made its objects: they are its child's then. */
static void leave_objects(struct stores *stores, const struct entry *entry)
{
	uint32_t at = entry->first_child;

	while (at != NONE && is_exited(&stores->entries[at]))
		at = stores->entries[at].next_sibling;
	if (at != NONE)
		ipc_store_leave(stores->ipc, entry->process.pid, entry->process.start_time,
				stores->entries[at].process.pid,
				stores->entries[at].process.start_time);
}

static void learn_exit(struct stores *stores, const struct wire_header *record)
{
	const struct ev_sched_process_exit *ended = (const void *)(record + 1);
	struct entry *entry = entry_of_record(stores, record);

	if (!ended->process_group_exit || !record->time)
		return;
	if (!is_exited(entry))
		exited_add(stores, entry);
	entry->process.exit_time = record->time;
	ipc_store_detach(stores->ipc, record->pid, record->leader_start_time);
	leave_objects(stores, entry);
}

static void learn_cgroup(struct stores *stores, const struct wire_header *record)
{
	const struct ev_cgroup_existing *existing = (const void *)(record + 1);
	struct str path = record_str(record, existing->cgroup_path);

	/* Of a cgroup that is gone by now there is no path: what we knew of it is better. */
	if (path.len || !cgroup_find(&stores->cgroups, existing->cgroup_id))
		cgroup_learn(&stores->cgroups, &stores->texts, existing->cgroup_id, path);
}

/* The id may have been that of another cgroup, which is gone. */
static void learn_new_cgroup(struct stores *stores, const struct wire_header *record)
{
	const struct ev_cgroup_mkdir *made = (const void *)(record + 1);

	if (record->present & FIELD_BIT(cgroup_mkdir, tracked) && made->tracked)
		cgroup_learn(&stores->cgroups, &stores->texts, made->cgroup_id,
			     record_str(record, made->cgroup_path));
}

/* Whose exec was lost is not what we think it is: then nobody is known any more. */
static void learn_loss(struct stores *stores, const struct wire_header *record)
{
	const struct ev_events_lost *lost = (const void *)(record + 1);

	if (str_equal(record_str(record, lost->lost_event), STR("sched_process_exec")))
		stores->losses++;
}

void stores_update(struct stores *stores, const struct wire_header *record)
{
	switch (record->id) {
	case EV_sched_process_fork: learn_fork(stores, record); return;
	case EV_sched_process_exec: learn_exec(stores, record); return;
	case EV_sched_process_exit: learn_exit(stores, record); return;
	case EV_process_existing: learn_existing(stores, record); return;
	case EV_cgroup_existing: learn_cgroup(stores, record); return;
	case EV_cgroup_mkdir: learn_new_cgroup(stores, record); break;
	case EV_ipc_existing:
	case EV_ipc_listed: ipc_store_update(stores->ipc, record); return;
	case EV_events_lost:
		learn_loss(stores, record);
		ipc_store_update(stores->ipc, record);
		return;
	default: break;
	}
	entry_of_record(stores, record);
	if (record->cgroup_id && !cgroup_find(&stores->cgroups, record->cgroup_id))
		cgroup_learn(&stores->cgroups, &stores->texts, record->cgroup_id, STR(""));
	ipc_store_update(stores->ipc, record);
}

bool stores_know(const struct stores *stores, const struct wire_header *record)
{
	const struct entry *entry = entry_find(stores, record->pid, record->leader_start_time);

	return entry && entry->losses == stores->losses &&
	       (!record->cgroup_id || cgroup_find(&stores->cgroups, record->cgroup_id));
}

/* ---- look-ups ---------------------------------------------------------------- */

const struct process *process_find(const struct stores *stores, uint32_t pid, uint64_t start_time)
{
	struct entry *entry = entry_find(stores, pid, start_time);

	return entry ? &entry->process : NULL;
}

const struct process *process_find_pid(const struct stores *stores, uint32_t pid)
{
	const struct process *latest = NULL;
	uint32_t at = stores->buckets[BY_PID][mix(pid) & stores->buckets_mask];

	for (; at != NONE; at = stores->entries[at].next[BY_PID]) {
		const struct process *process = &stores->entries[at].process;

		if (process->pid == pid && (!latest || process->start_time > latest->start_time))
			latest = process;
	}
	return latest;
}

const struct process *process_find_hash(const struct stores *stores, uint32_t hash)
{
	uint32_t at = stores->buckets[BY_HASH][mix(hash) & stores->buckets_mask];

	for (; at != NONE; at = stores->entries[at].next[BY_HASH])
		if (stores->entries[at].hash == hash)
			return &stores->entries[at].process;
	return NULL;
}

const struct process *process_parent(const struct stores *stores, const struct process *process)
{
	uint32_t parent = stores->entries[index_of(stores, process)].parent;

	const struct process *late;

	if (parent != NONE)
		return &stores->entries[parent].process;
	/* Not linked: perhaps it came to be known after its child. */
	late = process->ppid ? process_find(stores, process->ppid, process->parent_start_time)
			     : NULL;
	return late != process ? late : NULL;
}

const struct process *process_maker(const struct stores *stores, const struct process *process)
{
	const struct process *maker = process->maker_pid ? process_find(stores, process->maker_pid,
									process->maker_start_time)
							 : NULL;

	return maker && maker != process ? maker : process_parent(stores, process);
}

uint32_t process_children(const struct stores *stores, const struct process *process,
			  const struct process **out, uint32_t max)
{
	uint32_t count = 0, at = stores->entries[index_of(stores, process)].first_child;

	for (; at != NONE && count < max; at = stores->entries[at].next_sibling)
		out[count++] = &stores->entries[at].process;
	return count;
}

const struct container *container_find(const struct stores *stores, uint64_t cgroup_id)
{
	const struct cgroup *cgroup = cgroup_find(&stores->cgroups, cgroup_id);

	return cgroup && cgroup->container.id.data ? &cgroup->container : NULL;
}

const struct container *container_find_id(const struct stores *stores, struct str id)
{
	for (uint32_t i = 0; i < stores->cgroups.count; i++)
		if (stores->cgroups.items[i].container.id.data &&
		    str_equal(stores->cgroups.items[i].container.id, id))
			return &stores->cgroups.items[i].container;
	return NULL;
}

/* ---- life --------------------------------------------------------------------- */

static uint32_t power_of_two(uint32_t n)
{
	uint32_t p = 16;

	while (p < n)
		p *= 2;
	return p;
}

static uint32_t *buckets_new(uint32_t count)
{
	uint32_t *buckets = malloc(count * sizeof(*buckets));

	if (buckets)
		memset(buckets, 0xff, count * sizeof(*buckets));
	return buckets;
}

void stores_free(struct stores *stores)
{
	if (!stores)
		return;
	for (unsigned c = 0; c < CHAINS; c++)
		free(stores->buckets[c]);
	free(stores->entries);
	free(stores->referenced);
	cgroups_free(&stores->cgroups);
	slab_free(&stores->texts);
	symbols_free(&stores->symbols);
	ipc_store_free(stores->ipc);
	free(stores);
}

DEFINE_CLEANUP(struct stores *, stores_free)

struct stores *stores_new(uint32_t process_capacity, uint32_t container_capacity)
{
	autoclean(stores_freep) struct stores *stores = calloc(1, sizeof(*stores));

	if (!stores)
		return NULL;
	stores->capacity = process_capacity ? process_capacity : PROCESSES_DEFAULT;
	stores->buckets_mask = power_of_two(stores->capacity) - 1;
	stores->free_head = NONE;
	stores->exited_first = stores->exited_last = NONE;
	stores->texts.budget = TEXT_BUDGET;
	stores->ipc = ipc_store_new(0);
	stores->entries = calloc(stores->capacity, sizeof(*stores->entries));
	stores->referenced = calloc(stores->capacity, 1);
	for (unsigned c = 0; c < CHAINS; c++)
		if (!(stores->buckets[c] = buckets_new(stores->buckets_mask + 1)))
			return NULL;
	if (!stores->ipc || !stores->entries || !stores->referenced ||
	    cgroups_init(&stores->cgroups, container_capacity))
		return NULL;
	return take(stores);
}

void stores_set_clock(struct stores *stores, const struct clock *clock)
{
	stores->clock = *clock;
}

/* They are read late, which nobody can see: const for callers. */
struct symbols *stores_symbols(const struct stores *stores)
{
	return (struct symbols *)&stores->symbols;
}

void stores_stats(const struct stores *stores, struct store_stats *out)
{
	*out = stores->stats;
	out->processes = stores->count;
	out->containers = 0;
	out->container_evicted = stores->cgroups.evicted;
	for (uint32_t i = 0; i < stores->cgroups.count; i++)
		out->containers += stores->cgroups.items[i].container.id.data != NULL;
	ipc_store_stats(stores->ipc, out);
}

const struct ipc_store *stores_ipc(const struct stores *stores)
{
	return stores->ipc;
}
