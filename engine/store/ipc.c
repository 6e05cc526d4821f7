/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System V IPC objects. Entries live in one array; hash chains find them by identity and by
 * keeper (its maker, or the child that the maker left it to); every (namespace, kind, creating
 * user) has a row that counts its objects.
 *
 * Invariant: an entry below `high` is in the chain of its identity and, where the keeper is
 * known, in that of its keeper, and counted in its owner's row exactly
 * if it is not removed; it is in the queue of the removed exactly if it is.
 */
#include <sys/ipc.h>
#include <sys/shm.h>

#include "base/common.h"
#include "base/pages.h"
#include "attach.h"
#include "ipc_gap.h"
#include "ipc_sight.h"
#include "ipc_store.h"

enum {
	OBJECTS_DEFAULT = 32768, /* half are one user's before ipc_quota_half tells it */
	OWNERS_MAX = 4096,
	HAND_STEPS = 64, /* entries looked at for a victim: making room costs the same always */
	HEIRLOOMS_MAX = 1024, /* objects that a child takes over, the newest */
	KEPT_LOOKS = 16,      /* objects that are looked at for one that is still there */
	NONE = UINT32_MAX,
};

enum chain { BY_ID, BY_KEEPER, CHAINS };

struct keeper {
	uint64_t start_time; /* 0: not known */
	uint32_t pid;
};

struct owner {
	uint32_t ipc_ns, cuid, count, next; /* next: in its bucket, or in the free list */
	uint8_t kind;
};

struct entry {
	struct ipc_object object; /* first: public pointers are entry pointers */
	struct keeper keeper;
	uint32_t next[CHAINS],
		previous[CHAINS];	       /* a process can make a chain as long as it likes */
	uint32_t owner;			       /* NONE: not counted */
	uint32_t newer_removed, older_removed; /* in order of removal */
	uint32_t listed;		       /* the last listing that had it */
};

struct ipc_store {
	struct entry *entries;
	uint32_t *buckets[CHAINS];
	uint32_t capacity, mask, high, hand;
	uint32_t removed_first, removed_last; /* oldest, newest */
	struct owner *owners;
	uint32_t owner_buckets[OWNERS_MAX];
	uint32_t owner_high, owner_free;
	uint32_t count;	  /* not removed */
	uint32_t listing; /* number of the listing that is coming in, or comes next */
	struct ipc_gaps gaps;
	struct attaches *attaches;
	uint64_t evicted;
};

const char *const ipc_kind_names[IPC_KINDS] = { "msg", "shm", "sem" };

/* ---- hashing --------------------------------------------------------------- */

static uint32_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 29;
	return (uint32_t)x ^ (uint32_t)(x >> 32);
}

static uint32_t id_hash(uint32_t ipc_ns, uint8_t kind, int32_t id)
{
	return mix((uint64_t)ipc_ns << 32 ^ (uint64_t)kind << 61 ^ (uint32_t)id);
}

static uint32_t keeper_hash(struct keeper keeper)
{
	return mix(keeper.start_time * 31 + keeper.pid);
}

static bool keeper_equal(struct keeper a, struct keeper b)
{
	return a.pid == b.pid && a.start_time == b.start_time;
}

static uint32_t *bucket_of(const struct ipc_store *store, const struct entry *entry,
			   enum chain chain)
{
	const struct ipc_object *object = &entry->object;
	uint32_t hash = chain == BY_ID ? id_hash(object->ipc_ns, object->kind, object->id)
				       : keeper_hash(entry->keeper);

	return &store->buckets[chain][hash & store->mask];
}

/* Those whose keeper nobody knows would all be in one chain. */
static bool is_chained(const struct entry *entry, enum chain chain)
{
	return chain == BY_ID || entry->keeper.start_time;
}

static void chain_add(struct ipc_store *store, struct entry *entry, enum chain chain)
{
	uint32_t *head = bucket_of(store, entry, chain);
	uint32_t self = (uint32_t)(entry - store->entries);

	if (!is_chained(entry, chain))
		return;
	entry->previous[chain] = NONE;
	entry->next[chain] = *head;
	if (*head != NONE)
		store->entries[*head].previous[chain] = self;
	*head = self;
}

static void chain_remove(struct ipc_store *store, struct entry *entry, enum chain chain)
{
	uint32_t next = entry->next[chain], previous = entry->previous[chain];

	if (!is_chained(entry, chain))
		return;
	if (previous == NONE)
		*bucket_of(store, entry, chain) = next;
	else
		store->entries[previous].next[chain] = next;
	if (next != NONE)
		store->entries[next].previous[chain] = previous;
}

/* ---- owners ---------------------------------------------------------------- */

static uint32_t *owner_bucket(struct ipc_store *store, uint32_t ipc_ns, uint8_t kind, uint32_t cuid)
{
	return &store->owner_buckets[id_hash(ipc_ns, kind, (int32_t)cuid) & (OWNERS_MAX - 1)];
}

static uint32_t owner_find(const struct ipc_store *store, uint32_t ipc_ns, uint8_t kind,
			   uint32_t cuid)
{
	uint32_t at = *owner_bucket((struct ipc_store *)store, ipc_ns, kind, cuid);

	for (; at != NONE; at = store->owners[at].next) {
		const struct owner *owner = &store->owners[at];

		if (owner->ipc_ns == ipc_ns && owner->kind == kind && owner->cuid == cuid)
			break;
	}
	return at;
}

/* NONE if the table is full: then these objects are not counted. */
static uint32_t owner_make(struct ipc_store *store, const struct ipc_object *object)
{
	uint32_t at = owner_find(store, object->ipc_ns, object->kind, object->cuid);
	uint32_t *head = owner_bucket(store, object->ipc_ns, object->kind, object->cuid);

	if (at != NONE)
		return at;
	at = store->owner_free;
	if (at != NONE)
		store->owner_free = store->owners[at].next;
	else if (store->owner_high < OWNERS_MAX)
		at = store->owner_high++;
	else
		return NONE;
	store->owners[at] = (struct owner){
		.ipc_ns = object->ipc_ns, .kind = object->kind, .cuid = object->cuid, .next = *head
	};
	*head = at;
	return at;
}

static void owner_count(struct ipc_store *store, struct entry *entry)
{
	entry->owner = owner_make(store, &entry->object);
	if (entry->owner != NONE)
		store->owners[entry->owner].count++;
	store->count++;
}

static void owner_uncount(struct ipc_store *store, struct entry *entry)
{
	struct owner *owner = &store->owners[entry->owner];
	uint32_t *at;

	store->count--;
	if (entry->owner == NONE || --owner->count)
		return;
	at = owner_bucket(store, owner->ipc_ns, owner->kind, owner->cuid);
	while (*at != entry->owner)
		at = &store->owners[*at].next;
	*at = owner->next;
	owner->next = store->owner_free;
	store->owner_free = entry->owner;
}

/* ---- the queue of the removed ------------------------------------------------ */

static void removed_add(struct ipc_store *store, struct entry *entry)
{
	uint32_t self = (uint32_t)(entry - store->entries);

	owner_uncount(store, entry);
	entry->owner = NONE;
	entry->object.removed = true;
	entry->newer_removed = NONE;
	entry->older_removed = store->removed_last;
	if (store->removed_last == NONE)
		store->removed_first = self;
	else
		store->entries[store->removed_last].newer_removed = self;
	store->removed_last = self;
}

static void removed_leave(struct ipc_store *store, struct entry *entry)
{
	if (entry->older_removed == NONE)
		store->removed_first = entry->newer_removed;
	else
		store->entries[entry->older_removed].newer_removed = entry->newer_removed;
	if (entry->newer_removed == NONE)
		store->removed_last = entry->older_removed;
	else
		store->entries[entry->newer_removed].older_removed = entry->older_removed;
}

/* ---- entries --------------------------------------------------------------- */

static struct entry *entry_find(const struct ipc_store *store, uint32_t ipc_ns, uint8_t kind,
				int32_t id)
{
	uint32_t at = store->buckets[BY_ID][id_hash(ipc_ns, kind, id) & store->mask];

	for (; at != NONE; at = store->entries[at].next[BY_ID]) {
		const struct ipc_object *object = &store->entries[at].object;

		if (object->id == id && object->kind == kind && object->ipc_ns == ipc_ns)
			return &store->entries[at];
	}
	return NULL;
}

/* Takes it out of everything; the caller fills it anew. */
static void entry_clear(struct ipc_store *store, struct entry *entry)
{
	if (entry->object.removed)
		removed_leave(store, entry);
	else
		owner_uncount(store, entry);
	for (unsigned c = 0; c < CHAINS; c++)
		chain_remove(store, entry, c);
}

/*
 * Of the next entries the one whose owner has most: where objects of many mix, all lose
 * alike; a flood loses its own.
 */
static struct entry *victim_find(struct ipc_store *store)
{
	struct entry *victim = NULL;
	uint32_t most = 0;

	for (uint32_t i = 0; i < HAND_STEPS; i++) {
		struct entry *entry = &store->entries[store->hand];
		uint32_t count = entry->owner == NONE ? 1 : store->owners[entry->owner].count;

		store->hand = (store->hand + 1) % store->capacity;
		if (count > most) {
			most = count;
			victim = entry;
		}
	}
	return victim;
}

static struct entry *entry_room(struct ipc_store *store)
{
	struct entry *entry;

	if (store->high < store->capacity)
		return &store->entries[store->high++];
	if (store->removed_first != NONE) {
		entry = &store->entries[store->removed_first];
	} else {
		entry = victim_find(store);
		store->evicted++;
		ipc_gaps_evict(&store->gaps,
			       id_hash(entry->object.ipc_ns, entry->object.kind, entry->object.id));
	}
	entry_clear(store, entry);
	return entry;
}

/* The object's identity, creator and cuid are set: chains and counts are built on them. */
static void entry_fill(struct ipc_store *store, struct entry *entry,
		       const struct ipc_object *object)
{
	*entry = (struct entry){ .object = *object,
				 .keeper = { object->creator.start_time, object->creator.pid } };
	for (unsigned c = 0; c < CHAINS; c++)
		chain_add(store, entry, c);
	owner_count(store, entry);
}

/* ---- making ------------------------------------------------------------------ */

static struct ipc_actor actor_of(const struct wire_header *record)
{
	return (struct ipc_actor){ .pid = record->pid,
				   .start_time = record->leader_start_time,
				   .uid = record->uid,
				   .user_ns = record->user_ns,
				   .cgroup_id = record->cgroup_id,
				   .time = record->time };
}

/* Flags of a get call, its key, and whether what the kernel shows may be new. */
struct get {
	int32_t key, flags;
	bool may_be_new;
};

static bool get_take(const struct wire_header *record, struct get *get)
{
	const void *body = record + 1;
	const struct ev_msgget *msg = body;
	const struct ev_shmget *shm = body;
	const struct ev_semget *sem = body;

	switch (record->id) {
	case EV_msgget: *get = (struct get){ msg->key, msg->msgflg, msg->msg_qnum == 0 }; break;
	case EV_shmget:
		*get = (struct get){ shm->key, shm->shmflg, shm->shm_cpid == (int32_t)record->pid };
		break;
	case EV_semget: *get = (struct get){ sem->key, sem->semflg, true }; break;
	default: return false;
	}
	return true;
}

/*
 * Did this call make the object? IPC_PRIVATE and IPC_EXCL say so. Plain IPC_CREAT does if we
 * did not know the object, nothing speaks against it, and we know all there are.
 */
static bool is_making(const struct ipc_store *store, const struct wire_header *record,
		      const struct ipc_sight *sight, const struct entry *entry)
{
	struct get get;

	if (!get_take(record, &get) || sight->result < 0)
		return false;
	if (get.key == IPC_PRIVATE || (get.flags & IPC_CREAT && get.flags & IPC_EXCL))
		return true;
	return get.flags & IPC_CREAT && (!entry || entry->object.removed) && get.may_be_new &&
	       sight->cuid == record->euid &&
	       !ipc_gaps_may_hide(&store->gaps, sight->kind,
				  id_hash(record->ipc_ns, sight->kind, sight->id));
}

static void entry_learn(struct ipc_store *store, struct entry *entry,
			const struct wire_header *record, const struct ipc_sight *sight, bool made)
{
	struct ipc_object object = { .ipc_ns = record->ipc_ns,
				     .kind = sight->kind,
				     .id = sight->id,
				     .cuid = sight->cuid,
				     .cgid = sight->cgid,
				     .existing = !made };

	if (made)
		object.creator = actor_of(record);
	entry_fill(store, entry, &object);
}

/* ---- changing ---------------------------------------------------------------- */

/* The command of a control call that went well, else -1. */
static int control_of(const struct wire_header *record, const struct ipc_sight *sight)
{
	const void *body = record + 1;
	int command = -1;

	if (record->id == EV_msgctl)
		command = ((const struct ev_msgctl *)body)->cmd;
	else if (record->id == EV_shmctl)
		command = ((const struct ev_shmctl *)body)->cmd;
	else if (record->id == EV_semctl)
		command = ((const struct ev_semctl *)body)->cmd;
	return sight->result < 0 || command < 0 ? -1 : command & ~0x100; /* IPC_64 */
}

static void change_note(struct ipc_object *object, const struct wire_header *record)
{
	object->changes[object->change_count++ % IPC_CHANGES_MAX] =
		(struct ipc_change){ .actor = actor_of(record),
				     .mode = object->mode,
				     .uid = object->uid,
				     .gid = object->gid };
}

#define TAKE_SET(event) \
	({ \
		const struct ev_##event *set = (const void *)(record + 1); \
\
		if (HAS(event, set_mode)) \
			object->mode = (object->mode & ~0777u) | (set->set_mode & 0777u); \
		if (HAS(event, set_uid)) \
			object->uid = set->set_uid; \
		if (HAS(event, set_gid)) \
			object->gid = set->set_gid; \
	})

/* IPC_SET: the record has the object as it was before, and what was asked for. */
static void object_set(struct ipc_object *object, const struct wire_header *record)
{
	change_note(object, record);
	switch (record->id) {
	case EV_msgctl: TAKE_SET(msgctl); break;
	case EV_shmctl: TAKE_SET(shmctl); break;
	case EV_semctl: TAKE_SET(semctl); break;
	}
}

static void object_lock(struct ipc_object *object, bool lock)
{
	object->mode = lock ? object->mode | SHM_LOCKED : object->mode & ~(uint32_t)SHM_LOCKED;
}

/* A segment that is attached is only marked, and goes with its last attach. */
static void object_remove(struct ipc_store *store, struct entry *entry)
{
	struct ipc_object *object = &entry->object;

	if (object->kind == IPC_KIND_SHM && object->users)
		object->mode |= SHM_DEST;
	if (!object->removed)
		removed_add(store, entry);
}

static void object_control(struct ipc_store *store, struct entry *entry,
			   const struct wire_header *record, const struct ipc_sight *sight)
{
	int command = control_of(record, sight);

	if (command == IPC_RMID)
		object_remove(store, entry);
	else if (command == IPC_SET)
		object_set(&entry->object, record);
	else if (record->id == EV_shmctl && (command == SHM_LOCK || command == SHM_UNLOCK))
		object_lock(&entry->object, command == SHM_LOCK);
}

static void object_refresh(struct ipc_object *object, const struct wire_header *record,
			   const struct ipc_sight *sight)
{
	object->key = sight->key;
	object->uid = sight->uid;
	object->gid = sight->gid;
	object->mode = sight->mode;
	if (sight->has_size) {
		object->size = sight->size;
		object->users = sight->users;
	}
	if (record->id == EV_shmdt && sight->result == 0 && object->users)
		object->users--;
	object->last = actor_of(record);
	object->last_event = record->id;
}

static void note_attach(struct ipc_store *store, const struct wire_header *record,
			const struct ipc_sight *sight)
{
	struct attacher who = { record->pid, record->leader_start_time };

	if (record->id == EV_shmat && sight->result >= 0)
		attaches_add(store->attaches, who, record->ipc_ns, sight->id);
	else if (record->id == EV_shmdt && sight->result == 0)
		attaches_remove(store->attaches, who, record->ipc_ns, sight->id);
}

static void learn_call(struct ipc_store *store, const struct wire_header *record)
{
	struct ipc_sight sight;
	struct entry *entry;
	bool made;

	if (!ipc_sight_take(record, &sight))
		return;
	entry = entry_find(store, record->ipc_ns, sight.kind, sight.id);
	made = is_making(store, record, &sight, entry);
	/* Made again, or by somebody else: identifiers come round, removals get lost. */
	if (entry && (made || entry->object.cuid != sight.cuid)) {
		entry_clear(store, entry);
		entry_learn(store, entry, record, &sight, made);
	} else if (!entry) {
		entry = entry_room(store);
		entry_learn(store, entry, record, &sight, made);
	}
	object_refresh(&entry->object, record, &sight);
	note_attach(store, record, &sight);
	object_control(store, entry, record, &sight);
}

/* ---- what was there before ------------------------------------------------------- */

static uint8_t kind_of_name(struct str name)
{
	for (uint8_t kind = 0; kind < IPC_KINDS; kind++)
		if (str_equal(name, str_of(ipc_kind_names[kind])))
			return kind;
	return IPC_KINDS;
}

/* Of an object whose making we know. */
static void object_take_listed(struct ipc_object *object, const struct ipc_object *listed)
{
	object->key = listed->key;
	object->uid = listed->uid;
	object->gid = listed->gid;
	object->mode = listed->mode;
	object->size = listed->size;
	object->users = listed->users;
}

static void learn_existing(struct ipc_store *store, const struct wire_header *record)
{
	const struct ev_ipc_existing *body = (const void *)(record + 1);
	struct str name = { (const char *)record + body->kind.offset, body->kind.len };
	struct ipc_object object = { .ipc_ns = record->ipc_ns,
				     .kind = kind_of_name(name),
				     .existing = true,
				     .key = body->perm_key,
				     .id = body->perm_id,
				     .uid = body->perm_uid,
				     .gid = body->perm_gid,
				     .cuid = body->perm_cuid,
				     .cgid = body->perm_cgid,
				     .mode = body->perm_mode,
				     .size = body->size,
				     .users = body->users,
				     .creator.pid = (uint32_t)body->creator_pid,
				     .last.pid = (uint32_t)body->last_pid };
	struct entry *entry;

	if (object.kind == IPC_KINDS)
		return;
	entry = entry_find(store, object.ipc_ns, object.kind, object.id);
	if (entry && entry->object.cuid == object.cuid && !entry->object.removed) {
		object_take_listed(&entry->object, &object);
	} else {
		if (entry)
			entry_clear(store, entry);
		else
			entry = entry_room(store);
		entry_fill(store, entry, &object);
	}
	entry->listed = store->listing;
}

/* What was not among all there are is gone, and its removal was lost. */
static void learn_listed(struct ipc_store *store, const struct wire_header *record)
{
	for (uint32_t i = 0; i < store->high; i++) {
		struct entry *entry = &store->entries[i];

		if (!entry->object.removed && entry->listed != store->listing)
			removed_add(store, entry);
	}
	store->listing++;
	store->gaps.listed = record->time;
}

/* ---- the interface --------------------------------------------------------------- */

static void learn_loss(struct ipc_store *store, const struct wire_header *record)
{
	const struct ev_events_lost *lost = (const void *)(record + 1);

	ipc_gaps_lose(&store->gaps,
		      (struct str){ (const char *)record + lost->lost_event.offset,
				    lost->lost_event.len },
		      record->time);
}

void ipc_store_update(struct ipc_store *store, const struct wire_header *record)
{
	switch (record->id) {
	case EV_ipc_existing: learn_existing(store, record); return;
	case EV_ipc_listed: learn_listed(store, record); return;
	case EV_events_lost: learn_loss(store, record); return;
	default: learn_call(store, record);
	}
}

const struct ipc_object *ipc_find(const struct stores *stores, uint32_t ipc_ns, enum ipc_kind kind,
				  int32_t id)
{
	const struct entry *entry = entry_find(stores_ipc(stores), ipc_ns, kind, id);

	return entry ? &entry->object : NULL;
}

const struct ipc_object *ipc_of_event(const struct stores *stores, const struct wire_header *record)
{
	struct ipc_sight sight;

	return ipc_sight_take(record, &sight)
		       ? ipc_find(stores, record->ipc_ns, sight.kind, sight.id)
		       : NULL;
}

uint32_t ipc_count(const struct stores *stores, uint32_t ipc_ns, enum ipc_kind kind, uint32_t cuid)
{
	const struct ipc_store *store = stores_ipc(stores);
	uint32_t owner = owner_find(store, ipc_ns, kind, cuid);

	return owner == NONE ? 0 : store->owners[owner].count;
}

uint32_t ipc_made_by(const struct stores *stores, uint32_t pid, uint64_t start_time,
		     const struct ipc_object **out, uint32_t max)
{
	const struct ipc_store *store = stores_ipc(stores);
	struct keeper keeper = { start_time, pid };
	uint32_t at = store->buckets[BY_KEEPER][keeper_hash(keeper) & store->mask];
	uint32_t count = 0;

	for (; at != NONE; at = store->entries[at].next[BY_KEEPER]) {
		const struct ipc_object *object = &store->entries[at].object;

		if (object->removed || !keeper_equal(store->entries[at].keeper, keeper))
			continue;
		if (count < max)
			out[count] = object;
		count++;
	}
	return count;
}

bool ipc_store_keeps(const struct ipc_store *store, uint32_t pid, uint64_t start_time)
{
	struct keeper keeper = { start_time, pid };
	uint32_t at = store->buckets[BY_KEEPER][keeper_hash(keeper) & store->mask];

	/* Bounded like what is left: the removed stay in the chain for a while. */
	for (uint32_t steps = 0; at != NONE && steps < KEPT_LOOKS; steps++) {
		if (!store->entries[at].object.removed &&
		    keeper_equal(store->entries[at].keeper, keeper))
			return true;
		at = store->entries[at].next[BY_KEEPER];
	}
	return false;
}

void ipc_store_leave(struct ipc_store *store, uint32_t pid, uint64_t start_time, uint32_t heir,
		     uint64_t heir_start_time)
{
	struct keeper from = { start_time, pid }, to = { heir_start_time, heir };
	uint32_t at = store->buckets[BY_KEEPER][keeper_hash(from) & store->mask];

	/* Bounded: a chain of processes could hand on the whole store with each exit. */
	for (uint32_t steps = 0; at != NONE && steps < HEIRLOOMS_MAX; steps++) {
		struct entry *entry = &store->entries[at];

		at = entry->next[BY_KEEPER];
		if (!keeper_equal(entry->keeper, from))
			continue;
		chain_remove(store, entry, BY_KEEPER);
		entry->keeper = to;
		chain_add(store, entry, BY_KEEPER);
	}
}

/* ---- attaches without a call -------------------------------------------------------- */

static void one_more(void *ctx, const struct attached *attached)
{
	struct entry *entry = entry_find(ctx, attached->ipc_ns, IPC_KIND_SHM, attached->id);

	if (entry)
		entry->object.users += attached->count;
}

static void one_less(void *ctx, const struct attached *attached)
{
	struct entry *entry = entry_find(ctx, attached->ipc_ns, IPC_KIND_SHM, attached->id);

	if (entry)
		entry->object.users -= MIN(entry->object.users, attached->count);
}

void ipc_store_fork(struct ipc_store *store, uint32_t pid, uint64_t start_time, uint32_t child,
		    uint64_t child_start_time)
{
	struct attacher from = { pid, start_time }, to = { child, child_start_time };

	attaches_inherit(store->attaches, from, to);
	attaches_each(store->attaches, to, one_more, store);
}

void ipc_store_detach(struct ipc_store *store, uint32_t pid, uint64_t start_time)
{
	struct attacher who = { pid, start_time };

	attaches_each(store->attaches, who, one_less, store);
	attaches_drop(store->attaches, who);
}

void ipc_store_stats(const struct ipc_store *store, struct store_stats *out)
{
	out->ipc_objects = store->count;
	out->ipc_evicted = store->evicted;
	out->attaches_evicted = attaches_evicted(store->attaches);
}

/* ---- life ----------------------------------------------------------------------- */

void ipc_store_free(struct ipc_store *store)
{
	if (!store)
		return;
	for (unsigned c = 0; c < CHAINS; c++)
		free(store->buckets[c]);
	pages_free(store->entries, store->capacity * sizeof(*store->entries));
	free(store->owners);
	ipc_gaps_free(&store->gaps);
	attaches_free(store->attaches);
	free(store);
}

DEFINE_CLEANUP(struct ipc_store *, ipc_store_free)

struct ipc_store *ipc_store_new(uint32_t capacity)
{
	autoclean(ipc_store_freep) struct ipc_store *store = calloc(1, sizeof(*store));
	uint32_t buckets = HAND_STEPS;

	if (!store)
		return NULL;
	store->capacity = capacity ? capacity : OBJECTS_DEFAULT;
	while (buckets < store->capacity)
		buckets *= 2;
	store->mask = buckets - 1;
	store->removed_first = store->removed_last = store->owner_free = NONE;
	store->listing = 1;
	/* Filled from the beginning: on a host with few objects it stays in small pages. */
	store->entries = pages_reserve(store->capacity * sizeof(*store->entries), PAGES_HUGE);
	store->owners = calloc(OWNERS_MAX, sizeof(*store->owners));
	memset(store->owner_buckets, 0xff, sizeof(store->owner_buckets));
	for (unsigned c = 0; c < CHAINS; c++) {
		store->buckets[c] = malloc(buckets * sizeof(uint32_t));
		if (!store->buckets[c])
			return NULL;
		memset(store->buckets[c], 0xff, buckets * sizeof(uint32_t));
	}
	store->attaches = attaches_new();
	if (ipc_gaps_init(&store->gaps))
		return NULL;
	return store->entries && store->owners && store->attaches ? take(store) : NULL;
}
