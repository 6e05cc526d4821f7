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
	int32_t severity;
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

/* SipHash-1-3, a word at a time. */
struct hash {
	uint64_t v[4];
};

static uint64_t rotate(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static void hash_round(struct hash *h)
{
	uint64_t *v = h->v;

	v[0] += v[1], v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0], v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1], v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2], v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

static void hash_word(struct hash *h, uint64_t word)
{
	h->v[3] ^= word;
	hash_round(h);
	h->v[0] ^= word;
}

static void hash_text(struct hash *h, struct str text)
{
	hash_word(h, text.len);
	for (uint32_t i = 0; i < text.len; i += 8) {
		uint64_t word = 0;

		memcpy(&word, text.data + i, MIN(text.len - i, 8u));
		hash_word(h, word);
	}
}

static void hash_value(struct hash *h, struct value value);

static void hash_list(struct hash *h, const struct value_list *list)
{
	hash_word(h, list->count);
	for (uint32_t i = 0; i < list->count; i++)
		hash_value(h, list->items[i]);
}

static void hash_map(struct hash *h, const struct value_map *map)
{
	hash_word(h, map->count);
	for (uint32_t i = 0; i < map->count; i++) {
		hash_value(h, map->entries[i].key);
		hash_value(h, map->entries[i].value);
	}
}

static void hash_value(struct hash *h, struct value value)
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

static void hash_field(struct hash *h, const struct event *event, struct str name)
{
	int index = event_field_index(event->def, name);

	if (index >= 0)
		hash_value(h, event_field_value(event, (unsigned)index, NULL));
	else
		hash_word(h, VALUE_TAG_COUNT);
}

static struct str container_of(const struct event *event)
{
	if (event->given && event->given->container_id.data)
		return event->given->container_id;
	return event->container ? event->container->id : STR("");
}

static void hash_part(struct hash *h, const struct event *event, const struct suppress_key *key)
{
	struct str path = event_executable(event);

	switch (key->part) {
	case SUPPRESS_PROCESS: hash_text(h, path.len ? path : event_comm(event)); break;
	case SUPPRESS_PID:
		hash_word(h, event->wire->pid);
		hash_word(h, event->wire->leader_start_time);
		break;
	case SUPPRESS_USER: hash_word(h, event->wire->uid); break;
	case SUPPRESS_CONTAINER: hash_text(h, container_of(event)); break;
	case SUPPRESS_FIELD: hash_field(h, event, key->field); break;
	}
}

static uint64_t key_of(const struct suppress *s, const struct suppress_rule *rule,
		       const struct event *event)
{
	struct hash h = { { 0x736f6d6570736575ULL ^ s->key[0], 0x646f72616e646f6dULL ^ s->key[1],
			    0x6c7967656e657261ULL ^ s->key[0],
			    0x7465646279746573ULL ^ s->key[1] } };

	hash_word(&h, (uint64_t)(rule - s->rules));
	hash_text(&h, event->rule);
	hash_text(&h, str_of(event->def->name));
	for (uint32_t i = 0; i < rule->key_count; i++)
		hash_part(&h, event, &rule->keys[i]);
	h.v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		hash_round(&h);
	return (h.v[0] ^ h.v[1] ^ h.v[2] ^ h.v[3]) | 1;
}

/* ---- the closing record ---------------------------------------------------------------- */

struct suppressed_record {
	struct wire_header header;
	struct ev_alerts_suppressed body;
	char tail[TAIL_MAX];
} __attribute__((aligned(8)));

static struct wire_ref add_text(struct suppressed_record *record, uint32_t *used, const char *text)
{
	uint32_t len = (uint32_t)strlen(text);
	struct wire_ref ref = { (uint32_t)offsetof(struct suppressed_record, tail) + *used, len };

	memcpy(record->tail + *used, text, len);
	*used += len;
	return ref;
}

static void tell(struct suppress *s, const struct window *w)
{
	struct suppressed_record record = { .header = w->wire };
	uint32_t used = 0;

	record.header.id = EV_alerts_suppressed;
	record.header.present = (UINT64_C(1) << 6) - 1;
	record.header.user = 0;
	record.body = (struct ev_alerts_suppressed){ .suppressed = w->suppressed,
						     .passed = w->passed,
						     .since = w->begin,
						     .until = w->last };
	record.body.detector = add_text(&record, &used, w->detector);
	record.body.alert = add_text(&record, &used, w->event);
	record.header.size = (uint32_t)((offsetof(struct suppressed_record, tail) + used + 7) &
					~(size_t)7);
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
