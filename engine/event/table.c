/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of known events, made from include/events/NAME.def and known.def in several passes.
 * Invariants (checked by tests/unit/test_event.c): sorted by name, ids unique (the compiler
 * sees to it: event_by_id is a switch), every field lies inside its event's body.
 */
#define KNOWN_EVENTS
#include "event.h"

#include <stddef.h>

#include "base/common.h"

/* HOOK() rows name their mode with or without the prefix. */
enum { FENTRY = HOOK_FENTRY, KPROBE = HOOK_KPROBE, TRACEPOINT = HOOK_TRACEPOINT, RAW = HOOK_RAW };

/* INDEX_msgget: position in the table, which is the order of the files: by name. */
enum event_index {
#define EVENT(name, ...) INDEX_##name,
#include "each_event.h"
	EVENT_COUNT
};

/* NUMBER_msgget: x86-64 system call number; -1 without a SYSCALL row. */
enum {
#define EVENT(name, ...)	  NUMBER_##name = -1
#define SYSCALL(number, number32) +1 + (number)
#define END(name)		  ,
#include "each_event.h"
};

enum {
#define EVENT(name, ...)	  NUMBER32_##name = -1
#define SYSCALL(number, number32) +1 + (number32)
#define END(name)		  ,
#include "each_event.h"
};

/* THIS_EVENT comes from events.inc; two steps, so that it is expanded before it is pasted. */
#define OFFSET_IN(event, field) offsetof(struct ev_##event, field)
#define OFFSET_OF(event, field) OFFSET_IN(event, field)

#define EVENT(name, ...) static const struct event_field fields_##name[] = {
#define FIELD(type, name, owner, names, origin, captured, doc) \
	{ \
		#name,	  FIELD_##type, \
		owner,	  sizeof(struct wire_header) + OFFSET_OF(THIS_EVENT, name), \
		#names,	  origin, \
		captured, doc \
	},
#define ARG(type, member, name, names) \
	{ \
		#name,	FIELD_##type, \
		TRACEE, sizeof(struct wire_header) + OFFSET_OF(THIS_EVENT, member), \
		#names, "", \
		"",	"" \
	},
#define END(name) \
	} \
	;
#include "each_event.h"

#define EVENT(name, ...)		  static const struct event_hook hooks_##name[] = {
#define HOOK(mode, type, target, purpose) { mode, type, target, purpose },
#define END(name) \
	} \
	;
#include "each_event.h"

const struct event_def event_table[] = {
#define EVENT(name_, id_, version_, sets_) \
	[INDEX_##name_] = { .id = id_, \
			    .name = #name_, \
			    .version = version_, \
			    .sets = sets_, \
			    .syscall = NUMBER_##name_, \
			    .syscall32 = NUMBER32_##name_, \
			    .field_count = ARRAY_SIZE(fields_##name_), \
			    .hook_count = ARRAY_SIZE(hooks_##name_), \
			    .body_size = sizeof(struct ev_##name_), \
			    .fields = fields_##name_, \
			    .hooks = hooks_##name_,
#define INTRO(text)	  .intro = text,
#define DESCRIPTION(text) .description = text,
#define ADVANTAGES(text)  .advantages = text,
#define DRAWBACKS(text)	  .drawbacks = text,
#define EXAMPLE(text)	  .example = text,
#define ISSUES(text)	  .issues = text,
#define RELATED(text)	  .related = text,
#define REPLAY_ONLY()	  .replay_only = true,
#define END(name) \
	} \
	,
#include "each_event.h"
};

const size_t event_table_count = ARRAY_SIZE(event_table);

/* No event has more fields than `present` has bits. */
#define EVENT(name, ...) _Static_assert(ARRAY_SIZE(fields_##name) <= WIRE_FIELDS_MAX, "fields");
#include "each_event.h"

/* A string against a C string, as strcmp would. */
static int str_compare(struct str a, const char *b)
{
	size_t len = strlen(b);
	int order = a.len && len ? memcmp(a.data, b, MIN(a.len, len)) : 0;

	return order ? order : (a.len > len) - (a.len < len);
}

const struct event_def *event_by_name(struct str name)
{
	size_t low = 0, high = EVENT_COUNT;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = str_compare(name, event_table[middle].name);

		if (order == 0)
			return &event_table[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct event_def *event_by_id(uint32_t id)
{
	switch (id) {
/* clang-format off */
#define EVENT(name, id, ...) case id: return &event_table[INDEX_##name];
#include "each_event.h"
	/* clang-format on */
	default: return NULL;
	}
}

bool event_in_set(const struct event_def *def, struct str set)
{
	const char *at = def->sets ? def->sets : "";

	while (*at) {
		size_t len = strcspn(at, " ");

		if (len && len == set.len && memcmp(at, set.data, len) == 0)
			return true;
		at += len + (at[len] == ' ');
	}
	return false;
}

bool event_is_detection(const struct event_def *def)
{
	return event_is_known(def) && event_in_set(def, STR("detectors"));
}

int event_field_index(const struct event_def *def, struct str name)
{
	for (unsigned i = 0; i < def->field_count; i++)
		if (str_compare(name, def->fields[i].name) == 0)
			return (int)i;
	return -1;
}
