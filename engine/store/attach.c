/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has which segments attached, see attach.h.
 *
 * Invariant: a used row is in the chain of its process, one that is not in the free list. Rows are
 * given up in order of their places, which is about that of their making.
 */
#include "attach.h"

#include "base/common.h"
#include "base/pages.h"

enum {
	ROWS = 1 << 14,
	BUCKETS = 1 << 12,
	OF_ONE_MAX = 256, /* different segments of a process: forks must not cost what one likes */
	NONE = UINT32_MAX,
};

struct row {
	struct attacher who;
	struct attached attached; /* count 0: free */
	uint32_t next;
};

struct attaches {
	struct row *rows;
	uint32_t buckets[BUCKETS];
	uint32_t high, free_head, hand;
	uint64_t evicted;
};

static uint32_t *bucket_of(struct attaches *attaches, struct attacher who)
{
	uint64_t x = (who.start_time * 31 + who.pid) * 0x9e3779b97f4a7c15ULL;

	return &attaches->buckets[x >> 32 & (BUCKETS - 1)];
}

static bool is_of(const struct row *row, struct attacher who)
{
	return row->who.pid == who.pid && row->who.start_time == who.start_time;
}

static void row_free(struct attaches *attaches, uint32_t at)
{
	struct row *row = &attaches->rows[at];
	uint32_t *link = bucket_of(attaches, row->who);

	while (*link != at)
		link = &attaches->rows[*link].next;
	*link = row->next;
	row->attached.count = 0;
	row->next = attaches->free_head;
	attaches->free_head = at;
}

static struct row *row_new(struct attaches *attaches, struct attacher who)
{
	uint32_t *head = bucket_of(attaches, who), at;

	if (attaches->free_head == NONE && attaches->high == ROWS) {
		row_free(attaches, attaches->hand);
		attaches->hand = (attaches->hand + 1) % ROWS;
		attaches->evicted++;
	}
	at = attaches->free_head;
	if (at != NONE)
		attaches->free_head = attaches->rows[at].next;
	else
		at = attaches->high++;
	attaches->rows[at] = (struct row){ .who = who, .next = *head };
	*head = at;
	return &attaches->rows[at];
}

/* *others: how many other segments the process has attached. */
static struct row *row_find(struct attaches *attaches, struct attacher who, uint32_t ipc_ns,
			    int32_t id, uint32_t *others)
{
	*others = 0;
	for (uint32_t at = *bucket_of(attaches, who); at != NONE; at = attaches->rows[at].next) {
		struct row *row = &attaches->rows[at];

		if (!is_of(row, who))
			continue;
		if (row->attached.id == id && row->attached.ipc_ns == ipc_ns)
			return row;
		++*others;
	}
	return NULL;
}

void attaches_add(struct attaches *attaches, struct attacher who, uint32_t ipc_ns, int32_t id)
{
	uint32_t others;
	struct row *row = row_find(attaches, who, ipc_ns, id, &others);

	if (!row && others >= OF_ONE_MAX) {
		attaches->evicted++;
		return;
	}
	if (!row) {
		row = row_new(attaches, who);
		row->attached = (struct attached){ .ipc_ns = ipc_ns, .id = id };
	}
	row->attached.count++;
}

void attaches_remove(struct attaches *attaches, struct attacher who, uint32_t ipc_ns, int32_t id)
{
	uint32_t others;
	struct row *row = row_find(attaches, who, ipc_ns, id, &others);

	if (row && --row->attached.count == 0)
		row_free(attaches, (uint32_t)(row - attaches->rows));
}

void attaches_each(const struct attaches *attaches, struct attacher who,
		   void (*each)(void *ctx, const struct attached *attached), void *ctx)
{
	uint32_t at = *bucket_of((struct attaches *)attaches, who);

	for (; at != NONE; at = attaches->rows[at].next)
		if (is_of(&attaches->rows[at], who))
			each(ctx, &attaches->rows[at].attached);
}

void attaches_inherit(struct attaches *attaches, struct attacher parent, struct attacher child)
{
	struct attached all[OF_ONE_MAX];
	uint32_t count = 0, at = *bucket_of(attaches, parent);

	/* A new row may take the place of one of these: first the list, then the rows. */
	for (; at != NONE && count < OF_ONE_MAX; at = attaches->rows[at].next)
		if (is_of(&attaches->rows[at], parent))
			all[count++] = attaches->rows[at].attached;
	for (uint32_t i = 0; i < count; i++)
		row_new(attaches, child)->attached = all[i];
}

void attaches_drop(struct attaches *attaches, struct attacher who)
{
	uint32_t at = *bucket_of(attaches, who);

	while (at != NONE) {
		uint32_t next = attaches->rows[at].next;

		if (is_of(&attaches->rows[at], who))
			row_free(attaches, at);
		at = next;
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
	free(attaches);
}

struct attaches *attaches_new(void)
{
	struct attaches *attaches = calloc(1, sizeof(*attaches));

	if (!attaches)
		return NULL;
	attaches->free_head = NONE;
	memset(attaches->buckets, 0xff, sizeof(attaches->buckets));
	attaches->rows = pages_reserve(ROWS * sizeof(struct row), SIZE_MAX);
	if (attaches->rows)
		return attaches;
	attaches_free(attaches);
	return NULL;
}
