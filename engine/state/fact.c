/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts: what rules say of an entity. A process is forgotten when it ends; what it hands down was
 * copied to a child when that was started, so it does not depend on the parent any more.
 */
#include "internal.h"

#include <math.h>

#include "store.h"

struct fact_list {
	uint32_t count, size; /* size: bytes of the piece */
	struct value items[]; /* oldest first */
};

/* What most facts are comes first: it is in the cache line that finds them. */
struct fact {
	double score;
	uint64_t time; /* of the score; when it was seen last; since when it has been so */
	bool inherited;
	bool cleared; /* taken away from one that may have inherited it */
	struct fact_list *list;
	struct value value; /* a variable that is no list */
};

static const struct fact_config *config_of(const struct state_rule *rule)
{
	return rule->config->fact;
}

static struct fact *fact_of(struct entry *entry)
{
	return (struct fact *)entry->payload;
}

static bool is_variable(const struct state_rule *rule)
{
	return config_of(rule)->kind == FACT_VARIABLE;
}

static void fact_prepare(struct state_rule *rule)
{
	rule->keys.payload_size = is_variable(rule) ? sizeof(struct fact)
						    : offsetof(struct fact, list);
}

static void list_drop(struct state_rule *rule, struct fact *fact)
{
	for (uint32_t i = 0; fact->list && i < fact->list->count; i++)
		value_drop(rule, &fact->list->items[i]);
	if (fact->list)
		slab_release(&rule->slab, fact->list, fact->list->size);
	fact->list = NULL;
}

static void fact_release(void *ctx, struct entry *entry)
{
	struct state_rule *rule = ctx;
	uint64_t before = rule->slab.used;

	if (!is_variable(rule))
		return;
	list_drop(rule, fact_of(entry));
	value_drop(rule, &fact_of(entry)->value);
	rule_book(rule, entry, before);
}

/* ---- entries ---------------------------------------- */

static uint64_t time_of(const struct state_rule *rule, const struct event *event)
{
	return event->wire->time ? event->wire->time : rule->state->now;
}

/* The key's entry, unless its time is over; NULL: there is none. */
static struct entry *find_key(struct state_rule *rule, struct digest key, uint64_t now)
{
	struct entry *entry = keys_find(&rule->keys, key);

	if (!entry || entry->deadline > now)
		return entry;
	keys_remove(&rule->keys, entry);
	return NULL;
}

static void hand_down(struct state_rule *rule, struct digest parent, struct digest child);

/* Losses are told when there is room again: so much later at most. */
static const uint64_t told_within = 10000000000;

/* A process that was started at that time may have been so unseen. */
static bool is_fork_lost(const struct state *state, uint64_t start)
{
	return state->forks_lost && start <= state->forks_lost &&
	       start + told_within >= state->forks_lost;
}

/*
 * What the event's process would have been handed down had its start been seen: from its parent,
 * or through parents that were started unseen as well, if it was so at that time already.
 */
static struct entry *inherit_late(struct state_rule *rule, const struct state_input *input,
				  struct digest key)
{
	enum { DEPTH_MAX = 32 };
	const struct wire_header *wire = input->event->wire;
	const struct state *state = rule->state;
	uint64_t start = wire->leader_start_time, parent_start = wire->parent_start_time;
	uint32_t parent = wire->ppid;

	for (int depth = 0; depth < DEPTH_MAX && parent && is_fork_lost(state, start); depth++) {
		struct digest from = state_process_key(state, parent, parent_start);
		const struct entry *entry = keys_find(&rule->keys, from);
		const struct process *process;

		if (entry) {
			if (((const struct fact *)entry->payload)->time > start ||
			    entry->deadline <= time_of(rule, input->event))
				return NULL;
			hand_down(rule, from, key);
			return keys_find(&rule->keys, key);
		}
		process = state->stores ? process_find(state->stores, parent, parent_start) : NULL;
		start = parent_start;
		parent = process ? process->ppid : 0;
		parent_start = process ? process->parent_start_time : 0;
	}
	return NULL;
}

/* What is known of the event's entity and still holds; NULL: nothing. */
static struct entry *find(struct state_rule *rule, const struct state_input *input)
{
	struct entry *entry;
	struct digest key;

	if (!rule->started || !state_key(rule, &config_of(rule)->by, input, NULL, &key))
		return NULL;
	entry = find_key(rule, key, time_of(rule, input->event));
	if (!entry && config_of(rule)->inherit && rule->state->forks_lost)
		entry = inherit_late(rule, input, key);
	return entry && fact_of(entry)->cleared ? NULL : entry;
}

static uint64_t deadline_of(uint64_t now, uint64_t ttl)
{
	return ttl && ttl < UINT64_MAX - now ? now + ttl : UINT64_MAX;
}

/* The same, made if there is none; NULL: the event has no such entity. */
static struct entry *find_or_add(struct state_rule *rule, const struct state_input *input,
				 uint64_t ttl)
{
	uint64_t now = time_of(rule, input->event);
	struct entry *entry;
	struct digest key;

	if (!rule_start(rule) || !state_key(rule, &config_of(rule)->by, input, NULL, &key))
		return NULL;
	entry = find_key(rule, key, now);
	if (!entry) {
		keys_expire(&rule->keys, now, EXPIRE_PER_EVENT);
		entry = keys_add(&rule->keys, key, keys_owner_of(input->event->wire->uid),
				 deadline_of(now, ttl));
		fact_of(entry)->time = now;
	}
	if (fact_of(entry)->cleared) {
		fact_of(entry)->cleared = false;
		fact_of(entry)->time = now;
	}
	keys_touch(entry, deadline_of(now, ttl));
	return entry;
}

/* ---- labels and variables ---------------------------------------- */

static struct value list_value(const struct fact_list *list, struct arena *arena)
{
	struct value_list *copy = arena_alloc(arena,
					      sizeof(*copy) + list->count * sizeof(struct value));

	if (!copy)
		return value_null();
	copy->count = list->count;
	for (uint32_t i = 0; i < list->count; i++)
		copy->items[i] = value_show(list->items[i], arena);
	return (struct value){ .tag = VALUE_LIST, .len = list->count, .list = copy };
}

static double score_at(const struct state_rule *rule, const struct fact *fact, uint64_t now)
{
	uint64_t half = config_of(rule)->half_life;

	if (!half || now <= fact->time)
		return fact->score;
	return fact->score * exp2(-(double)(now - fact->time) / (double)half);
}

struct value fact_get(struct state_rule *rule, const struct state_input *input)
{
	struct entry *entry = find(rule, input);
	const struct fact *fact = entry ? fact_of(entry) : NULL;

	switch ((enum fact_kind)config_of(rule)->kind) {
	case FACT_LABEL:
	case FACT_SEEN: return value_bool(fact != NULL);
	case FACT_SCORE:
		return value_double(fact ? score_at(rule, fact, time_of(rule, input->event)) : 0);
	case FACT_VARIABLE: break;
	}
	if (!fact)
		return value_null();
	return fact->list ? list_value(fact->list, input->run->arena)
			  : value_show(fact->value, input->run->arena);
}

void fact_set(struct state_rule *rule, const struct state_input *input, struct value value,
	      uint64_t ttl)
{
	struct entry *entry = find_or_add(rule, input, ttl);
	uint64_t before;

	if (!entry)
		return;
	fact_of(entry)->inherited = false;
	if (!is_variable(rule))
		return;
	before = rule->slab.used;
	list_drop(rule, fact_of(entry));
	rule_book(rule, entry, before);
	value_keep(rule, entry, value, &fact_of(entry)->value);
}

static bool list_has(const struct fact_list *list, struct value value)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (cel_equal(list->items[i], value))
			return true;
	return false;
}

static struct fact_list *list_new(struct state_rule *rule, const struct entry *entry)
{
	uint32_t size = (uint32_t)(sizeof(struct fact_list) +
				   STATE_LIST_MAX * sizeof(struct value));
	struct fact_list *list = rule_alloc(rule, entry, size);

	if (!list) {
		rule->stats.inexact++;
		return NULL;
	}
	memset(list, 0, size);
	list->size = size;
	return list;
}

static void list_add(struct state_rule *rule, struct entry *entry, struct value value)
{
	struct fact_list *list = fact_of(entry)->list;

	value_keep(rule, entry, value, &list->items[list->count]);
	if (list->items[list->count].tag != VALUE_NULL)
		list->count++;
}

void fact_add(struct state_rule *rule, const struct state_input *input, struct value value,
	      uint64_t ttl)
{
	struct entry *entry = find_or_add(rule, input, ttl);
	struct fact_list *list;
	uint64_t before;

	if (!entry)
		return;
	if (!fact_of(entry)->list)
		fact_of(entry)->list = list_new(rule, entry);
	list = fact_of(entry)->list;
	if (!list || list_has(list, value))
		return;
	if (list->count == STATE_LIST_MAX) {
		before = rule->slab.used;
		value_drop(rule, &list->items[0]);
		rule_book(rule, entry, before);
		memmove(list->items, list->items + 1, --list->count * sizeof(struct value));
		list->items[list->count] = value_null();
	}
	list_add(rule, entry, value);
}

void fact_clear(struct state_rule *rule, const struct state_input *input)
{
	struct entry *entry = find(rule, input);

	if (entry && config_of(rule)->inherit) {
		/* A start that is made up for later does not bring it back. */
		fact_release(rule, entry);
		memset(entry->payload, 0, rule->keys.payload_size);
		fact_of(entry)->cleared = true;
	} else if (entry) {
		keys_remove(&rule->keys, entry);
	}
}

bool fact_is_inherited(struct state_rule *rule, const struct state_input *input)
{
	struct entry *entry = find(rule, input);

	return entry && fact_of(entry)->inherited;
}

/* ---- scores ---------------------------------------- */

/* A score that has halved so often is of no use any more. */
enum { HALVINGS = 40 };

bool fact_score(struct state_rule *rule, const struct state_input *input, double amount,
		double *before, double *after)
{
	uint64_t half = config_of(rule)->half_life, now = time_of(rule, input->event);
	struct entry *entry = find_or_add(rule, input,
					  half > UINT64_MAX / HALVINGS ? 0 : half * HALVINGS);

	if (!entry)
		return false;
	*before = score_at(rule, fact_of(entry), now);
	*after = fact_of(entry)->score = *before + amount;
	fact_of(entry)->time = MAX(fact_of(entry)->time, now);
	return true;
}

/* ---- what has been seen ---------------------------------------- */

bool fact_first_seen(struct state_rule *rule, const struct state_input *input,
		     const struct state_client *client)
{
	const struct fact_config *config = config_of(rule);
	uint64_t now = time_of(rule, input->event);
	struct entry *entry;
	struct digest key;
	bool known;

	if (!rule_start(rule) || !state_key(rule, &config->by, input, client, &key))
		return false;
	if (!rule->begun)
		rule->since = (int64_t)now;
	rule->begun = true;
	entry = keys_find(&rule->keys, key);
	known = entry && entry->deadline > now;
	if (!entry) {
		keys_expire(&rule->keys, now, EXPIRE_PER_EVENT);
		entry = keys_add(&rule->keys, key, keys_owner_of(input->event->wire->uid), 0);
	}
	keys_touch(entry, deadline_of(now, config->forget));
	fact_of(entry)->time = now;
	return !known && (int64_t)now - rule->since >= (int64_t)config->learn;
}

/* ---- processes ---------------------------------------- */

/* Whatever makes room for the copy may take the original: then the rest is not copied. */
static void copy_fact(struct state_rule *rule, struct entry *from, struct entry *to)
{
	fact_of(to)->score = fact_of(from)->score;
	fact_of(to)->time = fact_of(from)->time;
	fact_of(to)->inherited = true;
	if (!is_variable(rule))
		return;
	if (fact_of(from)->value.tag != VALUE_NULL)
		value_keep(rule, to, fact_of(from)->value, &fact_of(to)->value);
	if (!from->used || !fact_of(from)->list)
		return;
	fact_of(to)->list = list_new(rule, to);
	for (uint32_t i = 0; fact_of(to)->list && from->used && i < fact_of(from)->list->count; i++)
		list_add(rule, to, fact_of(from)->list->items[i]);
}

static void hand_down(struct state_rule *rule, struct digest parent, struct digest child)
{
	struct entry *from = keys_find(&rule->keys, parent), *to;
	uint32_t owner;

	if (!from || fact_of(from)->cleared || keys_find(&rule->keys, child))
		return;
	owner = keys_owner(&rule->keys, from);
	if (rule->keys.count == rule->keys.capacity &&
	    !keys_evict(&rule->keys, from, owner, KEYS_ENTRIES))
		return;
	to = keys_add(&rule->keys, child, owner, from->deadline);
	from = keys_find(&rule->keys, parent); /* the table may have moved, or have made room */
	if (from)
		copy_fact(rule, from, to);
}

static bool is_of_processes(const struct state_rule *rule)
{
	return rule->config->kind == STATE_FACT && rule->keys.count &&
	       config_of(rule)->by.count == 1 && config_of(rule)->by.parts[0].part == PART_process;
}

void state_fork(struct state *state, uint32_t pid, uint64_t start, uint32_t child,
		uint64_t child_start)
{
	struct digest from = state_process_key(state, pid, start);
	struct digest to = state_process_key(state, child, child_start);

	for (uint32_t i = 0; i < state->rule_count; i++)
		if (is_of_processes(state->rules[i]) && config_of(state->rules[i])->inherit)
			hand_down(state->rules[i], from, to);
}

void state_exit(struct state *state, uint32_t pid, uint64_t start)
{
	struct digest key = state_process_key(state, pid, start);

	for (uint32_t i = 0; i < state->rule_count; i++) {
		struct state_rule *rule = state->rules[i];
		struct entry *entry;

		if (!is_of_processes(rule) || config_of(rule)->kind == FACT_SEEN)
			continue;
		entry = keys_find(&rule->keys, key);
		if (entry)
			keys_remove(&rule->keys, entry);
	}
}

static void fact_feed(struct state_rule *rule, const struct state_input *input, uint64_t time,
		      const struct state_client *client)
{
	(void)rule, (void)input, (void)time, (void)client; /* nothing is counted */
}

static void fact_ring(struct state_rule *rule, struct entry *entry,
		      const struct state_client *client)
{
	(void)rule, (void)entry, (void)client; /* there are no timers */
}

static bool fact_read(const struct state_match *match, struct state_ref ref, struct cel_run *run,
		      struct value *out)
{
	(void)match, (void)ref, (void)run, (void)out;
	return false;
}

const struct state_ops fact_ops = {
	.prepare = fact_prepare,
	.feed = fact_feed,
	.ring = fact_ring,
	.finish = fact_ring,
	.release = fact_release,
	.read = fact_read,
};
