/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Suppression of alerts that are alike. A table of fixed size holds the open windows; when it is
 * full the window that began first is ended early, with its count, so that nobody can make the
 * table forget silently. Keys are compared by a keyed hash of 64 bits: nobody outside can
 * make two alerts look alike.
 */
#include "delivery/suppress.h"

#include <sys/random.h>

#include "base/common.h"
#include "base/siphash.h"
#include "delivery/own_record.h"
#include "event/encode.h"
#include "store.h"

enum { WINDOWS_MAX = 4096, TEXT_MAX = 64, TAIL_MAX = 512, PROBES_MAX = 32 };

/* One set of alerts that are alike. */
struct window {
	uint64_t hash; /* 0: free */
	uint64_t begin, end, last;
	const struct suppress_rule *rule;
	uint32_t passed;
	uint64_t suppressed;
	char detector[TEXT_MAX], event[TEXT_MAX];
	struct wire_header wire; /* of the last one that was suppressed: whose it was */
	struct clock clock;
};

struct suppress {
	const struct suppress_rule *rules;
	uint32_t rule_count;
	suppress_fn fn;
	void *ctx;
	uint64_t key[2];
	uint64_t count, next_end; /* next_end: when the first window ends */
	struct window windows[WINDOWS_MAX];
};

struct suppress *suppress_new(const struct suppress_rule *rules, uint32_t count, suppress_fn fn,
			      void *ctx)
{
	struct suppress *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->rules = rules;
	s->rule_count = count;
	s->fn = fn;
	s->ctx = ctx;
	s->next_end = UINT64_MAX;
	if (getrandom(s->key, sizeof(s->key), 0) != sizeof(s->key))
		s->key[0] = (uintptr_t)s;
	return s;
}

void suppress_free(struct suppress *suppress)
{
	free(suppress);
}

uint64_t suppress_count(const struct suppress *suppress)
{
	return suppress->count;
}

/* ---- the key ---------------------------------------------------------------------- */

enum { HASH_ROUNDS = 1 };

static void hash_word(struct sip *h, uint64_t word)
{
	sip_word(h, word, HASH_ROUNDS);
}

static void hash_text(struct sip *h, struct str text)
{
	hash_word(h, text.len);
	for (uint32_t i = 0; i < text.len; i += 8) {
		uint64_t word = 0;

		memcpy(&word, text.data + i, MIN(text.len - i, 8u));
		hash_word(h, word);
	}
}

static void hash_value(struct sip *h, struct value value);

static void hash_list(struct sip *h, const struct value_list *list)
{
	hash_word(h, list->count);
	for (uint32_t i = 0; i < list->count; i++)
		hash_value(h, list->items[i]);
}

static void hash_map(struct sip *h, const struct value_map *map)
{
	hash_word(h, map->count);
	for (uint32_t i = 0; i < map->count; i++) {
		hash_value(h, map->entries[i].key);
		hash_value(h, map->entries[i].value);
	}
}

static void hash_value(struct sip *h, struct value value)
{
	hash_word(h, value.tag);
	switch (value.tag) {
	case VALUE_STRING:
	case VALUE_BYTES: hash_text(h, (struct str){ value.str, value.len }); return;
	case VALUE_LIST: hash_list(h, value.list); return;
	case VALUE_MAP: hash_map(h, value.map); return;
	case VALUE_BOOL: hash_word(h, value.b); return;
	default: hash_word(h, value.u);
	}
}

static void hash_field(struct sip *h, const struct event *event, struct str name)
{
	int index = event_field_index(event->def, name);

	if (index >= 0)
		hash_value(h, event_field_value(event, (unsigned)index, NULL));
	else
		hash_word(h, VALUE_TAG_COUNT);
}

static void hash_part(struct sip *h, const struct event *event, const struct suppress_key *key)
{
	struct str path = event_executable(event);

	switch (key->part) {
	case SUPPRESS_PROCESS: hash_text(h, path.len ? path : event_comm(event)); break;
	case SUPPRESS_PID:
		hash_word(h, event->wire->pid);
		hash_word(h, event->wire->leader_start_time);
		break;
	case SUPPRESS_USER: hash_word(h, event->wire->uid); break;
	case SUPPRESS_CONTAINER: hash_text(h, event_container_id(event)); break;
	case SUPPRESS_FIELD: hash_field(h, event, key->field); break;
	}
}

static uint64_t key_of(const struct suppress *s, const struct suppress_rule *rule,
		       const struct event *event)
{
	struct sip h;
	uint64_t out[2];

	sip_start(&h, s->key[0], s->key[1]);
	hash_word(&h, (uint64_t)(rule - s->rules));
	hash_text(&h, event->rule);
	hash_text(&h, str_of(event->def->name));
	for (uint32_t i = 0; i < rule->key_count; i++)
		hash_part(&h, event, &rule->keys[i]);
	sip_end(&h, rule->key_count, HASH_ROUNDS, out);
	return out[0] | 1;
}

/* ---- the closing record ---------------------------------------------------------------- */

struct suppressed_record {
	struct wire_header header;
	struct ev_alerts_suppressed body;
	char tail[TAIL_MAX];
} __attribute__((aligned(8)));

static void tell(struct suppress *s, const struct window *w)
{
	struct suppressed_record record = { .header = w->wire };
	uint32_t size = offsetof(struct suppressed_record, tail);

	record.header.id = EV_alerts_suppressed;
	record.header.present = (UINT64_C(1) << 6) - 1;
	record.header.user = 0;
	record.body = (struct ev_alerts_suppressed){ .suppressed = w->suppressed,
						     .passed = w->passed,
						     .since = w->begin,
						     .until = w->last };
	record.body.detector = own_record_text(&record, &size, sizeof(record), w->detector);
	record.body.alert = own_record_text(&record, &size, sizeof(record), w->event);
	record.header.size = own_record_size(size);
	struct event event = { .def = event_by_id(EV_alerts_suppressed),
			       .wire = &record.header,
			       .clock = &w->clock };

	s->fn(s->ctx, &event);
}

static void end_window(struct suppress *s, struct window *w)
{
	if (w->suppressed)
		tell(s, w);
	w->hash = 0;
}

void suppress_advance(struct suppress *s, uint64_t now)
{
	if (now < s->next_end)
		return;
	s->next_end = UINT64_MAX;
	for (size_t i = 0; i < WINDOWS_MAX; i++) {
		struct window *w = &s->windows[i];

		if (w->hash && w->end <= now)
			end_window(s, w);
		if (w->hash)
			s->next_end = MIN(s->next_end, w->end);
	}
}

/* ---- deciding --------------------------------------------------------------------------- */

static bool is_named(const struct names_wanted *wanted, const struct event *event)
{
	for (uint32_t i = 0; i < wanted->count; i++)
		if (str_equal(wanted->names[i], event->rule) ||
		    str_equal(wanted->names[i], str_of(event->def->name)))
			return true;
	return !wanted->count;
}

/* The window of a key: the open one, else a free place, else the one that began first, ended. */
static struct window *find_window(struct suppress *s, uint64_t hash)
{
	struct window *oldest = NULL, *spare = NULL;

	for (size_t i = 0; i < PROBES_MAX; i++) {
		struct window *w = &s->windows[(hash + i) % WINDOWS_MAX];

		if (w->hash == hash)
			return w;
		if (!w->hash && !spare)
			spare = w;
		if (w->hash && (!oldest || w->begin < oldest->begin))
			oldest = w;
	}
	if (spare)
		return spare;
	end_window(s, oldest);
	return oldest;
}

static void copy_text(char out[TEXT_MAX], struct str text)
{
	uint32_t len = MIN(text.len, (uint32_t)TEXT_MAX - 1);

	memcpy(out, text.data ? text.data : "", len);
	out[len] = 0;
}

static void begin_window(struct suppress *s, struct window *w, const struct suppress_rule *rule,
			 const struct event *event, uint64_t hash, uint64_t now)
{
	*w = (struct window){
		.hash = hash, .begin = now, .end = now + rule->window_ns, .rule = rule
	};
	copy_text(w->detector, event->rule);
	copy_text(w->event, str_of(event->def->name));
	s->next_end = MIN(s->next_end, w->end);
}

bool suppress_pass(struct suppress *s, const struct event *event)
{
	uint64_t now = event_epoch_time(event, event->wire->time);
	const struct suppress_rule *rule = s->rules, *end = s->rules + s->rule_count;

	suppress_advance(s, now);
	while (rule < end && !is_named(&rule->detectors, event))
		rule++;
	if (rule == end)
		return true;
	uint64_t hash = key_of(s, rule, event);
	struct window *w = find_window(s, hash);

	if (w->hash != hash)
		begin_window(s, w, rule, event, hash, now);
	if (w->passed < rule->limit) {
		w->passed++;
		return true;
	}
	w->suppressed++;
	w->last = now;
	w->wire = *event->wire;
	w->clock = *event->clock;
	s->count++;
	return false;
}
