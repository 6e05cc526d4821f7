/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What outputs tell the writer: cursors, and changes of the dead letters. They are written with
 * the next transaction. Until that is committed they are kept, and written again if it fails.
 */
#include <errno.h>

#include "base/common.h"
#include "delivery/private.h"

/*
 * A record's burial is written together with the cursor behind it: after a crash in between it
 * would be sent, and buried, again.
 */
static void hand_over(struct output *o)
{
	struct change **at = &o->pending;

	while (*at) {
		struct change *change = *at;

		if (!change->letter.number && change->letter.row.position > o->cursor) {
			at = &change->next;
			continue;
		}
		*at = change->next;
		change->next = NULL;
		*o->changes_end = change;
		o->changes_end = &change->next;
	}
}

void output_acknowledge(struct output *o, uint64_t cursor)
{
	pthread_mutex_lock(&o->lock);
	o->cursor = MAX(o->cursor, cursor);
	hand_over(o);
	o->oldest = o->outbox.count ? o->outbox.letters[0].row.arrived : 0;
	pthread_mutex_unlock(&o->lock);
}

/* The change with copies of its texts behind it. */
static struct change *change_new(int kind, const struct dead_letter *letter)
{
	const struct row *row = &letter->row;
	size_t size = sizeof(struct change) + letter->output.len + letter->reason.len;

	for (unsigned i = 0; i < ROW_TEXTS; i++)
		size += row->texts[i].len;
	struct change *change = malloc(size);

	if (!change)
		return NULL;
	*change = (struct change){ .kind = kind, .letter = *letter };
	char *at = (char *)(change + 1);
	struct str *texts[ROW_TEXTS + 2] = { &change->letter.output, &change->letter.reason };

	for (unsigned i = 0; i < ROW_TEXTS; i++)
		texts[i + 2] = &change->letter.row.texts[i];
	for (unsigned i = 0; i < ARRAY_SIZE(texts); i++) {
		if (texts[i]->len)
			memcpy(at, texts[i]->data, texts[i]->len);
		texts[i]->data = at;
		at += texts[i]->len;
	}
	return change;
}

int output_change(struct output *o, int kind, const struct dead_letter *letter)
{
	struct change *change = change_new(kind, letter);

	if (!change)
		return -ENOMEM;
	struct change **end = &o->pending;

	while (*end)
		end = &(*end)->next;
	*end = change;
	return 0;
}

bool output_has_changes(struct output *o)
{
	pthread_mutex_lock(&o->lock);
	bool has = o->pending || o->changes || o->writing;

	pthread_mutex_unlock(&o->lock);
	return has;
}

bool output_has_news(struct output *o)
{
	pthread_mutex_lock(&o->lock);
	bool has = o->changes || o->writing || o->cursor != o->written;

	pthread_mutex_unlock(&o->lock);
	return has;
}

/* ---- the writer's side ------------------------------------------------------------- */

static int write_change(struct spool *spool, const struct change *change)
{
	switch (change->kind) {
	case CHANGE_BURY: return spool_bury(spool, &change->letter);
	case CHANGE_BURY_AGAIN:
		return spool_bury_again(spool, change->letter.number, change->letter.reason);
	case CHANGE_UNBURY: return spool_unbury(spool, change->letter.number);
	}
	return 0;
}

/* So many that they leave most of the spool to alerts. */
static uint32_t dead_letters_most(const struct delivery *d)
{
	return (uint32_t)MIN(MAX(d->config->spool_bytes / DEAD_LETTER_SHARE, UINT64_C(10)),
			     (uint64_t)DEAD_LETTERS_MAX);
}

static int write_changes(struct output *o, struct spool *spool)
{
	uint32_t dropped = 0;
	int r = 0;

	for (const struct change *c = o->writing; c && r == 0; c = c->next)
		r = write_change(spool, c);
	if (r == 0 && o->writing)
		r = spool_dead_trim(spool, o->wants->name, dead_letters_most(o->delivery),
				    &dropped);
	pthread_mutex_lock(&o->lock);
	o->stats.dropped[LOSS_DEAD_LETTERS] += dropped;
	pthread_mutex_unlock(&o->lock);
	return r;
}

/* Takes over what has come, behind what a failed transaction has left. */
static void take_news(struct output *o)
{
	struct change **end = &o->writing;

	pthread_mutex_lock(&o->lock);
	while (*end)
		end = &(*end)->next;
	*end = o->changes;
	o->changes = NULL;
	o->changes_end = &o->changes;
	o->writing_cursor = o->cursor;
	pthread_mutex_unlock(&o->lock);
}

int output_write(struct output *o, struct spool *spool)
{
	take_news(o);
	if (!o->writing && o->writing_cursor == o->written)
		return 0;
	int r = write_changes(o, spool);

	return r < 0 ? r : spool_move_cursor(spool, o->wants->name, o->writing_cursor);
}

void output_written(struct output *o, bool committed)
{
	if (!committed)
		return;
	pthread_mutex_lock(&o->lock);
	struct change *change = take(o->writing);

	o->written = o->writing_cursor;
	pthread_mutex_unlock(&o->lock);
	while (change) {
		struct change *next = change->next;

		free(change);
		change = next;
	}
}
