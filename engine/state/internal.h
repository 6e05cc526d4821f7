/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to engine/state. A rule's memory is a table of keys and a slab for what the keys hold.
 *
 * Firing runs other rules, which may come back to this one: whoever fires must not use an entry
 * afterwards, and the match it fires with must not point into the table.
 */
#ifndef STATE_INTERNAL_H
#define STATE_INTERNAL_H

#include "base/common.h"
#include "base/slab.h"
#include "state.h"
#include "keys.h"
#include "window.h"

enum {
	LOSSES_KEPT = 256,
	EXPIRE_PER_EVENT = 2,
	ROOM_TRIES = 8, /* keys given up for one that grows */
	SOON_KEYS_MIN = 4096,
};

struct loss {
	uint64_t time, count;
	uint16_t id; /* 0: any */
};

/* soon.c: whose keys an event's record is likely to be about, by its id. */
enum { SOON_EVENTS = 64, SOON_RULES = 4 };

struct soon_rule {
	struct state_rule *rule;
	const struct state_by *by;
	uint8_t heat;			 /* so many more records are looked at for it */
	int16_t fields[STATE_PARTS_MAX]; /* of parts that are fields */
};

struct soon_event {
	uint16_t id, count;
	struct soon_rule rules[SOON_RULES];
};

struct soon_key {
	struct state_rule *rule;
	struct digest key;
	uint32_t slot; /* see keys_fetch_entry */
};

struct soon {
	struct soon_event events[SOON_EVENTS];
	struct soon_key keys[STATE_SOON][SOON_RULES]; /* of the records ahead */
	uint32_t counts[STATE_SOON], at;
	uint32_t rules;	    /* of all events; 0: nothing need be looked at */
	uint32_t least;	    /* keys of a table that is not in the cache anyway */
	struct event event; /* the record at hand as one; the rest of it is never set */
};

struct state {
	struct digest secret;
	struct digest_key key;	/* of the secret */
	uint64_t now, next_due; /* next_due: no timer rings before */
	uint64_t slack;		/* events may come so much later than others of the same time */
	uint64_t serial;	/* of the event at hand */
	uint64_t forks_lost;	/* when that was told last; 0: never */
	const struct stores *stores; /* those of the event at hand */
	bool held_due;		     /* a rule has to look at an event again */
	struct state_rule **rules;
	uint32_t rule_count, rule_capacity;
	struct loss losses[LOSSES_KEPT]; /* a ring */
	uint32_t loss_first, loss_count;
	struct soon soon;
};

struct state_rule {
	const struct state_config *config;
	struct state *state;
	struct keys keys;
	struct slab slab;
	bool started, failed; /* failed: there was no memory to start with */
	struct state_stats stats;
	struct window_shape shape; /* threshold */
	uint32_t sets;		   /* threshold: distinct measures */
	uint32_t partial_size;	   /* sequence: bytes of a partial match */
	uint32_t partials;	   /* sequence: most that wait at a step, per key */
	struct held_ring *held;	   /* sequence; NULL: nothing comes late */
	bool begun;		   /* FACT_SEEN: it learns since ... */
	int64_t since;		   /* ... then; before 0: before this boot */
};

/* What each kind of rule does. */
struct state_ops {
	/* Sets the size of payloads and what else follows from the configuration. */
	void (*prepare)(struct state_rule *rule);
	void (*feed)(struct state_rule *rule, const struct state_input *input, uint64_t time,
		     const struct state_client *client);
	/* The entry's timer, which has been taken off, rang. */
	void (*ring)(struct state_rule *rule, struct entry *entry,
		     const struct state_client *client);
	/* No more events: what is to be told of this entry? */
	void (*finish)(struct state_rule *rule, struct entry *entry,
		       const struct state_client *client);
	void (*release)(void *ctx, struct entry *entry);
	/* An event of this entry is about to come: fetches what it points to. NULL: nothing. */
	void (*soon)(const struct state_rule *rule, const struct entry *entry);
	bool (*read)(const struct state_match *match, struct state_ref ref, struct cel_run *run,
		     struct value *out);
};

extern const struct state_ops threshold_ops, sequence_ops, fact_ops;

/* state.c */
const struct state_ops *rule_ops(const struct state_rule *rule);
/* The table and the slab are there; false: there is no memory for them. */
bool rule_start(struct state_rule *rule);
/* An entry's timer; keeps the state's next_due. */
void rule_timer(struct state_rule *rule, struct entry *entry, uint64_t time);
/* Memory for an entry, booked on it: keys are given up for it. NULL: not even so. */
void *rule_alloc(struct state_rule *rule, const struct entry *entry, size_t size);
/* The slab has been used for the entry, or has got back what was; before: its `used` then. */
void rule_book(struct state_rule *rule, const struct entry *entry, uint64_t before);
/* Gives up a key for another that needs memory. */
bool rule_make_room(struct state_rule *rule, const struct entry *keep);
/* Whatever is older has come: what ends by then is over, whether it has been cleared or not. */
static inline uint64_t rule_watermark(const struct state_rule *rule)
{
	const struct state *state = rule->state;

	return state->now > state->slack ? state->now - state->slack : 0;
}
/* Events this rule may have missed since `from`. */
uint64_t rule_lost(const struct state_rule *rule, uint64_t from);

/* Before any rule has started. */
void state_set_secret(struct state *state, struct digest secret);

/* by.c: false: the event has no key (counted), or an expression failed (told). */
bool state_key(struct state_rule *rule, const struct state_by *by, const struct state_input *input,
	       const struct state_client *client, struct digest *out);
/* All its parts are numbers in records of this event; fields: where those are that CEL names. */
bool by_is_in_record(const struct state_by *by, const struct event_def *def, int16_t *fields);
/*
 * The key by a record alone, whatever the rules say of it. False: it has none. A rule whose `by`
 * is not what it seems (a field that is not what the record has) gets another key in the end.
 */
bool by_guess(const struct state *state, const struct state_by *by, const struct event *event,
	      const int16_t *fields, struct digest *out);
/* soon.c: an event has led to a key of a rule that holds many. */
void soon_note(struct state_rule *rule, const struct state_by *by, const struct event *event);
/* A boot time as CEL has times. */
struct value state_time_value(const struct state_match *match, struct cel_run *run, uint64_t time);
/* The key of a process, as `by: [process]` makes it. */
struct digest state_process_key(const struct state *state, uint32_t pid, uint64_t start);
/* value.c: values that outlive their batch; texts are pieces of the rule's slab. */
bool value_has_text(const struct value *value);
void value_drop(struct state_rule *rule, struct value *value);
/* Numbers as they are, texts as copies; what cannot be kept is null. */
void value_keep(struct state_rule *rule, struct entry *entry, struct value value,
		struct value *out);
/* A copy in the arena. */
struct value value_show(struct value value, struct arena *arena);

/* copy.c: an event that outlives its batch, in one piece of the slab. */
struct kept_event;
/* NULL: no memory. Long texts are left out if the whole does not fit. */
struct kept_event *kept_event_new(struct state_rule *rule, const struct entry *entry,
				  const struct state_input *input);
/* The same in memory that is no entry's. */
struct kept_event *kept_event_in(struct slab *slab, const struct state_input *input);
/* The event again, as of `time`, of the rule as it is now. Valid until the kept one is freed. */
void kept_event_show(const struct state_rule *rule, struct kept_event *kept,
		     const struct stores *stores, uint64_t time, struct event *out);
void kept_event_free(struct slab *slab, struct kept_event *kept);
uint32_t kept_event_size(const struct kept_event *kept);
uint8_t kept_event_input(const struct kept_event *kept);

/* held.c: room for what comes early; false: there is no memory. */
bool held_start(struct state_rule *rule);
/* An event that found nothing to move on; kept for as long as something older may come. */
void held_add(struct state_rule *rule, struct digest key, const struct state_input *input,
	      uint64_t time);
/* A sequence has moved: those held that are not older are looked at before the next event. */
void held_wake(struct state_rule *rule, struct digest key, uint64_t time);
void held_feed(struct state *state, const struct state_client *client);
void held_free(struct state_rule *rule);
/* Memory in use, and at most. */
uint64_t held_bytes(const struct state_rule *rule, uint64_t *most);

#endif
