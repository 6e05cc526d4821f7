/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of one rule: entries of fixed size, at most so many, found by digest, forgotten when
 * their time is over or when room is needed.
 *
 * Made for cache misses: an entry stands in the table itself, and one byte per slot (its tag),
 * sixteen of them side by side, says which one to look at. So what finds a key is a line that is
 * mostly in the second-level cache, and then the entry. What an event does not need (lines for
 * expiry, owners, timers) is apart, in struct entry_place. The table doubles as it fills; nothing
 * else is allocated after the first use.
 *
 * Who makes room: entries are booked on an owner (a user id), and so is the memory they point to.
 * The victim is an old entry of an owner who holds at least half as much as whoever holds most:
 * entries where a place is wanted, bytes where memory is. So nobody's flood of one or the other
 * pushes out what others hold less of.
 *
 * Orders are kept lazily (second chance): touching an entry moves nothing.
 */
#ifndef STATE_KEYS_H
#define STATE_KEYS_H

#include "digest.h"

enum { KEYS_NONE = UINT32_MAX, KEYS_CLASSES = 64 };

/* What owners hold. */
enum keys_goods { KEYS_ENTRIES, KEYS_BYTES, KEYS_GOODS };

/* The first half of a cache line: what finds it; the other half is what the rule puts first. */
struct entry {
	struct digest key;
	uint64_t deadline; /* of no use from then on, event time */
	uint32_t number;   /* its place, for as long as it is there */
	bool used, touched, timed;
	uint64_t payload[]; /* the rule's own, zeroed */
};

struct entry_place {
	uint64_t queued;		   /* the deadline when it was put in line */
	uint32_t slot;			   /* in the table, plus one; 0: the number is not in use */
	uint32_t timer_at;		   /* place among the timers, if it has one */
	uint32_t older, newer;		   /* in line for expiry; newer: of the unused */
	uint32_t owner_older, owner_newer; /* among the owner's */
	uint32_t owner;			   /* place of the owner */
	uint64_t bytes;			   /* of memory it points to */
};

struct keys_owner {
	uint32_t id;
	uint32_t oldest, newest;
	uint32_t next; /* in its bucket, or of the unused */
	uint64_t holds[KEYS_GOODS];
	uint32_t class_next[KEYS_GOODS], class_previous[KEYS_GOODS]; /* who hold about as much */
};

struct keys_timer {
	uint64_t time;
	uint32_t number;
};

/* Slots in groups of sixteen; a power of two of groups. */
struct keys_table {
	void *memory;
	size_t mapped;
	char *slots;
	uint8_t *tags;	    /* one per slot; 0: it is empty */
	uint32_t *overflow; /* one per group: keys that belong there and are farther on */
	uint32_t groups;
};

struct keys {
	/* Set by the user before keys_start. */
	uint32_t capacity;     /* entries */
	uint32_t payload_size; /* bytes of each */
	uint32_t rest_size;    /* bytes of what few entries need, see keys_rest */
	struct digest secret;
	uint32_t hint;					 /* the slot to look at first; any */
	void (*release)(void *ctx, struct entry *entry); /* frees what a payload points to */
	void *ctx;
	/* Private. */
	struct keys_table table;
	size_t entry_size;
	struct entry_place *places;
	char *rests;
	uint32_t *owner_buckets;
	struct keys_timer *timers;
	uint32_t bucket_mask;
	struct keys_owner *owners;
	uint32_t classes[KEYS_GOODS][KEYS_CLASSES];
	uint32_t unused, high; /* numbers that came back; numbers never used begin here */
	uint32_t owner_unused, owner_high;
	uint32_t oldest, newest;
	uint32_t count, timer_count;
	uint64_t evicted, expired; /* since the start */
	uint64_t booked;	   /* bytes of all owners */
};

/* Memory in use, and at most. */
uint64_t keys_bytes(const struct keys *keys);
uint64_t keys_bytes_max(const struct keys *keys);
/* 0 or -ENOMEM. Does nothing if it has been done. */
int keys_start(struct keys *keys);
void keys_free(struct keys *keys);

/* NULL if it is not there. */
struct entry *keys_find(struct keys *keys, struct digest key);
/*
 * It will be looked for: fetches what finds it, and later what may be its entry. That is in the
 * slot which is returned, KEYS_NONE if there is none; `hint` may say so when it is looked for.
 */
void keys_fetch(const struct keys *keys, struct digest key);
uint32_t keys_fetch_entry(const struct keys *keys, struct digest key);
/* The key's entry if it is in this slot. */
struct entry *keys_in_slot(const struct keys *keys, uint32_t slot, struct digest key);
/*
 * A key that is not there; may evict, and moves all entries if the table grows: pointers to them
 * are of no use afterwards. Never fails. deadline: see struct entry.
 */
struct entry *keys_add(struct keys *keys, struct digest key, uint32_t owner, uint64_t deadline);
void keys_remove(struct keys *keys, struct entry *entry);
/* Its deadline moves, and it counts as used lately. */
static inline void keys_touch(struct entry *entry, uint64_t deadline)
{
	entry->deadline = deadline;
	entry->touched = true;
}
/* More of the rule's own that is there for each entry but not touched with it; not zeroed. */
static inline void *keys_rest(const struct keys *keys, const struct entry *entry)
{
	return keys->rests + (size_t)keys->rest_size * entry->number;
}
/* The id it is booked on. */
uint32_t keys_owner(const struct keys *keys, const struct entry *entry);
/* Forgets at most `most` entries whose deadline is at or before now. */
void keys_expire(struct keys *keys, uint64_t now, uint32_t most);
/* It points to so many bytes more, or fewer. */
void keys_book(struct keys *keys, const struct entry *entry, int64_t bytes);
/*
 * Makes room of that kind for another entry of this owner: drops one, not `keep`. False: there is
 * none, or none near that holds any.
 */
bool keys_evict(struct keys *keys, const struct entry *keep, uint32_t owner, enum keys_goods goods);

/* The entry's timer rings at that time; 0: it has none any more. */
void keys_timer(struct keys *keys, struct entry *entry, uint64_t time);
/* The entry whose timer rings first, and when; NULL none. */
struct entry *keys_timer_first(const struct keys *keys, uint64_t *time);

/* Every entry, by number from 0 to below keys->high; NULL: not used. */
struct entry *keys_at(const struct keys *keys, uint32_t number);

/* Who owns what a user does: ids from 65536 on come in blocks, as containers are given them. */
uint32_t keys_owner_of(uint32_t uid);

#endif
