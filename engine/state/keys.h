/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of one rule: entries of fixed number and size, found by digest, forgotten when their
 * time is over or when room is needed. Nothing is allocated after the first use.
 *
 * Who makes room: entries are booked on an owner (a user id). The victim is an old entry of an
 * owner who holds at least half as many entries as whoever holds most, so nobody's flood pushes
 * out what others hold in smaller numbers.
 *
 * Orders are kept lazily (second chance): touching an entry moves nothing.
 */
#ifndef STATE_KEYS_H
#define STATE_KEYS_H

#include "digest.h"

enum { KEYS_NONE = UINT32_MAX, KEYS_CLASSES = 32 };

/*
 * An event touches the first cache lines of an entry: what finds it, and what the rule put first.
 * The lines it stands in are behind the payload.
 */
struct entry {
	struct digest key;
	uint64_t deadline; /* of no use from then on, event time */
	uint32_t next;	   /* in its bucket, or of the unused; plus one */
	uint32_t owner;	   /* place of the owner */
	uint32_t timer_at; /* place among the timers + 1; 0: it has none */
	bool used, touched;
	uint64_t payload[]; /* the rule's own, zeroed */
};

struct entry_links {
	uint64_t queued;		   /* the deadline when it was put in line */
	uint64_t timer;			   /* when something has to be done */
	uint32_t older, newer;		   /* in line for expiry */
	uint32_t owner_older, owner_newer; /* among the owner's */
};

struct keys_owner {
	uint32_t id, count;
	uint32_t oldest, newest;
	uint32_t next;			     /* in its bucket, or of the unused */
	uint32_t class_next, class_previous; /* owners with about as many entries */
};

struct keys {
	/* Set by the user before keys_start. */
	uint32_t capacity;     /* entries */
	uint32_t payload_size; /* bytes of each */
	struct digest secret;
	void (*release)(void *ctx, struct entry *entry); /* frees what a payload points to */
	void *ctx;
	/* Private. */
	char *entries;
	size_t entry_size, links_at;
	uint32_t *buckets, *owner_buckets, *timers;
	uint32_t bucket_mask;
	struct keys_owner *owners;
	uint32_t classes[KEYS_CLASSES];
	uint32_t unused, high; /* entries that came back; entries never used begin here */
	uint32_t owner_unused, owner_high;
	uint32_t oldest, newest;
	uint32_t count, timer_count;
	uint64_t evicted, expired; /* since the start */
};

/* Bytes of an entry, with all that belongs to it. */
size_t keys_entry_size(const struct keys *keys);
/* 0 or -ENOMEM. Does nothing if it has been done. */
int keys_start(struct keys *keys);
void keys_free(struct keys *keys);

/* NULL if it is not there. */
struct entry *keys_find(struct keys *keys, struct digest key);
/* A key that is not there; may evict. Never fails. deadline: see struct entry. */
struct entry *keys_add(struct keys *keys, struct digest key, uint32_t owner, uint64_t deadline);
void keys_remove(struct keys *keys, struct entry *entry);
/* Its deadline moves, and it counts as used lately. */
static inline void keys_touch(struct entry *entry, uint64_t deadline)
{
	entry->deadline = deadline;
	entry->touched = true;
}
/* Forgets at most `most` entries whose deadline is at or before now. */
void keys_expire(struct keys *keys, uint64_t now, uint32_t most);
/* Makes room for others: drops one entry, not `keep`. False if there is none. */
bool keys_evict(struct keys *keys, const struct entry *keep, uint32_t owner);

/* The entry's timer rings at that time; 0: it has none any more. */
void keys_timer(struct keys *keys, struct entry *entry, uint64_t time);
/* The entry whose timer rings first, and when; NULL none. */
struct entry *keys_timer_first(const struct keys *keys, uint64_t *time);

/* Every entry, by number from 0; NULL: not used. */
struct entry *keys_at(const struct keys *keys, uint32_t number);

/* Who owns what a user does: ids from 65536 on come in blocks, as containers are given them. */
uint32_t keys_owner_of(uint32_t uid);

#endif
