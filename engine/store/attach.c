/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has which segments attached, see attach.h.
 *
 * A row stands in two lists: of those with its hash, which finds it, and of its process, which
 * finds all of a process. Processes without rows are not kept. Rows are given up in order of
 * their places, which is about that of their making.
 */
#include "attach.h"

#include <sys/random.h>

#include "base/common.h"
#include "base/pages.h"

enum {
	ROWS = 1 << 14,
	BUCKETS = 1 << 14,
	OF_ONE_MAX = 256, /* different segments of a process: forks must not cost what one likes */
	NONE = UINT32_MAX,
};

struct row {
	struct attached attached; /* count 0: free */
	uint32_t process;
	uint32_t next;	       /* with its hash; of the free */
	uint32_t older, newer; /* of its process */
};

struct holder {
	struct attacher who;
	uint32_t count, newest; /* rows */
	uint32_t next;		/* with its hash; of the free */
};

/* A process has a row at least, so there are places for all. */
struct attaches {
	struct row *rows;
	struct holder *holders;
	uint32_t row_buckets[BUCKETS], holder_buckets[BUCKETS];
	uint32_t high, free_row, hand;
	uint32_t holder_high, free_holder;
	uint64_t secret, evicted;
};

static uint32_t hash(const struct attaches *attaches, uint64_t a, uint64_t b)
{
	unsigned __int128 mixed = (unsigned __int128)(a ^ attaches->secret) *
				  (b ^ 0x9e3779b97f4a7c15ULL);

	return (uint32_t)((uint64_t)(mixed >> 64) ^ (uint64_t)mixed) & (BUCKETS - 1);
}

/* ---- processes ---------------------------------------- */

static uint32_t *holder_bucket(struct attaches *attaches, struct attacher who)
{
	return &attaches->holder_buckets[hash(attaches, who.start_time, who.pid)];
}

static uint32_t holder_find(struct attaches *attaches, struct attacher who)
{
	uint32_t at = *holder_bucket(attaches, who);

	while (at != NONE && (attaches->holders[at].who.pid != who.pid ||
			      attaches->holders[at].who.start_time != who.start_time))
		at = attaches->holders[at].next;
	return at;
}

static uint32_t holder_new(struct attaches *attaches, struct attacher who)
{
	uint32_t *head = holder_bucket(attaches, who), at = attaches->free_holder;

	if (at != NONE)
		attaches->free_holder = attaches->holders[at].next;
	else
		at = attaches->holder_high++;
	attaches->holders[at] = (struct holder){ .who = who, .newest = NONE, .next = *head };
	*head = at;
	return at;
}

static void holder_free(struct attaches *attaches, uint32_t at)
{
	uint32_t *link = holder_bucket(attaches, attaches->holders[at].who);

	while (*link != at)
		link = &attaches->holders[*link].next;
	*link = attaches->holders[at].next;
	attaches->holders[at].next = attaches->free_holder;
	attaches->free_holder = at;
}

/* ---- rows ---------------------------------------- */

static uint32_t *row_bucket(struct attaches *attaches, uint32_t process, uint32_t ipc_ns,
			    int32_t id)
{
	uint64_t object = (uint64_t)ipc_ns << 32 | (uint32_t)id;

	return &attaches->row_buckets[hash(attaches, object, process)];
}

static void row_free(struct attaches *attaches, uint32_t at)
{
	struct row *row = &attaches->rows[at];
	struct holder *holder = &attaches->holders[row->process];
	uint32_t *link = row_bucket(attaches, row->process, row->attached.ipc_ns, row->attached.id);

	while (*link != at)
		link = &attaches->rows[*link].next;
	*link = row->next;
	if (row->newer != NONE)
		attaches->rows[row->newer].older = row->older;
	else
		holder->newest = row->older;
	if (row->older != NONE)
		attaches->rows[row->older].newer = row->newer;
	if (--holder->count == 0)
		holder_free(attaches, row->process);
	row->attached.count = 0;
	row->next = attaches->free_row;
	attaches->free_row = at;
}

/* A place that is free, another's if there is none. */
static uint32_t row_place(struct attaches *attaches)
{
	uint32_t at = attaches->free_row;

	if (at == NONE && attaches->high == ROWS) {
		row_free(attaches, attaches->hand);
		attaches->hand = (attaches->hand + 1) % ROWS;
		attaches->evicted++;
		at = attaches->free_row;
	}
	if (at == NONE)
		return attaches->high++;
	attaches->free_row = attaches->rows[at].next;
	return at;
}

static void row_add(struct attaches *attaches, struct attacher who, struct attached attached)
{
	/* First: it may take the last row of the process, and the process with it. */
	uint32_t at = row_place(attaches), process = holder_find(attaches, who), *head;
	struct holder *holder;

	if (process == NONE)
		process = holder_new(attaches, who);
	holder = &attaches->holders[process];
	head = row_bucket(attaches, process, attached.ipc_ns, attached.id);
	attaches->rows[at] = (struct row){ .attached = attached,
					   .process = process,
					   .next = *head,
					   .older = holder->newest,
					   .newer = NONE };
	*head = at;
	if (holder->newest != NONE)
		attaches->rows[holder->newest].newer = at;
	holder->newest = at;
	holder->count++;
}

/* NONE: it has not attached that. */
static uint32_t row_find(struct attaches *attaches, uint32_t process, uint32_t ipc_ns, int32_t id)
{
	uint32_t at = process == NONE ? NONE : *row_bucket(attaches, process, ipc_ns, id);

	for (; at != NONE; at = attaches->rows[at].next) {
		const struct row *row = &attaches->rows[at];

		if (row->process == process && row->attached.id == id &&
		    row->attached.ipc_ns == ipc_ns)
			return at;
	}
	return NONE;
}

/* ---- for others ---------------------------------------- */

void attaches_add(struct attaches *attaches, struct attacher who, uint32_t ipc_ns, int32_t id)
{
	uint32_t process = holder_find(attaches, who);
	uint32_t at = row_find(attaches, process, ipc_ns, id);

	if (at != NONE)
		attaches->rows[at].attached.count++;
	else if (process != NONE && attaches->holders[process].count >= OF_ONE_MAX)
		attaches->evicted++;
	else
		row_add(attaches, who, (struct attached){ .ipc_ns = ipc_ns, .id = id, .count = 1 });
}

void attaches_remove(struct attaches *attaches, struct attacher who, uint32_t ipc_ns, int32_t id)
{
	uint32_t at = row_find(attaches, holder_find(attaches, who), ipc_ns, id);

	if (at != NONE && --attaches->rows[at].attached.count == 0)
		row_free(attaches, at);
}

void attaches_each(struct attaches *attaches, struct attacher who,
		   void (*each)(void *ctx, const struct attached *attached), void *ctx)
{
	uint32_t process = holder_find(attaches, who);
	uint32_t at = process == NONE ? NONE : attaches->holders[process].newest;

	for (; at != NONE; at = attaches->rows[at].older)
		each(ctx, &attaches->rows[at].attached);
}

struct list {
	struct attached items[OF_ONE_MAX];
	uint32_t count;
};

static void list_add(void *ctx, const struct attached *attached)
{
	struct list *list = ctx;

	if (list->count < OF_ONE_MAX)
		list->items[list->count++] = *attached;
}

void attaches_inherit(struct attaches *attaches, struct attacher parent, struct attacher child)
{
	struct list list;

	/* A new row may take the place of one of these: first the list, then the rows. */
	list.count = 0;
	attaches_each(attaches, parent, list_add, &list);
	for (uint32_t i = list.count; i; i--)
		row_add(attaches, child, list.items[i - 1]);
}

void attaches_drop(struct attaches *attaches, struct attacher who)
{
	uint32_t process = holder_find(attaches, who), at, older;

	if (process == NONE)
		return;
	for (at = attaches->holders[process].newest; at != NONE; at = older) {
		older = attaches->rows[at].older;
		row_free(attaches, at);
	}
}

uint64_t attaches_evicted(const struct attaches *attaches)
{
	return attaches->evicted;
}

void attaches_free(struct attaches *attaches)
{
	if (!attaches)
		return;
	pages_free(attaches->rows, ROWS * sizeof(struct row));
	pages_free(attaches->holders, ROWS * sizeof(struct holder));
	free(attaches);
}

struct attaches *attaches_new(void)
{
	struct attaches *attaches = calloc(1, sizeof(*attaches));

	if (!attaches)
		return NULL;
	attaches->free_row = attaches->free_holder = NONE;
	memset(attaches->row_buckets, 0xff, sizeof(attaches->row_buckets));
	memset(attaches->holder_buckets, 0xff, sizeof(attaches->holder_buckets));
	attaches->rows = pages_reserve(ROWS * sizeof(struct row), SIZE_MAX);
	attaches->holders = pages_reserve(ROWS * sizeof(struct holder), SIZE_MAX);
	/* Without it nobody is kept from choosing what meets, and no more. */
	if (getrandom(&attaches->secret, sizeof(attaches->secret), 0) < 0)
		attaches->secret = 1;
	if (attaches->rows && attaches->holders)
		return attaches;
	attaches_free(attaches);
	return NULL;
}
