/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters: "field operator values" conditions of detectors and policies on data fields,
 * on the event's context (scope) and on the return value. Compiled at load; matching
 * allocates nothing but the text of list-typed fields, in the batch arena.
 *
 * Semantics are Tracee's (a comma always splits; positive forms beat negative ones;
 * bounds of one operator are or-ed), except, unless compat_tracee is set:
 *   a numeric `!=` alone means everything but; `<`, `>`, `<=`, `>=` work on numeric
 *   data fields; hostParentProcessId, containerImageDigest and the namespace fields compare
 *   what their names say; an empty list element is an error (it crashes Tracee).
 */
#ifndef FILTER_FILTER_H
#define FILTER_FILTER_H

#include "base/arena.h"
#include "base/err.h"
#include "event.h"

struct filter_options {
	bool compat_tracee;
	bool detector; /* of a detector: what Tracee's detectors see is less than its policies */
};

/* How the context of an event is read: as the names say, or as Tracee does it. */
enum scope_view { SCOPE_AS_NAMED, SCOPE_AS_POLICIES, SCOPE_AS_DETECTORS };

/* ---- filters on one value --------------------------------------------------- */

enum number_type { NUMBER_INT64, NUMBER_UINT64, NUMBER_INT32, NUMBER_UINT32 };

struct number_set {
	uint64_t *items;
	uint32_t count;
};

/* Numbers are kept in an order-preserving unsigned form. */
struct number_filter {
	struct number_set equal, unequal;
	uint64_t min, max; /* exclusive; min at the type's maximum, max at its minimum: unset */
	uint8_t type;	   /* enum number_type */
	bool enabled, compat;
};

void number_filter_init(struct number_filter *filter, enum number_type type, bool compat);
/* expression: from the operator on, ">=5,7". 0, -EINVAL with err's message, or -ENOMEM. */
int number_filter_add(struct number_filter *filter, struct str expression, struct arena *arena,
		      struct err *err);
/* value: an int64_t, or the bits of a uint64_t for unsigned types. */
bool number_filter_match(const struct number_filter *filter, uint64_t value);
/* Only the range test (Tracee asks this alone in one place). */
bool number_filter_in_range(const struct number_filter *filter, uint64_t value);

enum string_form { STRING_EXACT, STRING_PREFIX, STRING_SUFFIX, STRING_CONTAINS };

struct string_term {
	struct str text;
	uint8_t form; /* enum string_form */
	bool negative;
};

struct string_filter {
	struct string_term *terms;
	uint32_t count;
	bool has_negative, compat;
};

/* The same for text: = and != with abc, abc*, *abc, *abc*. */
int string_filter_add(struct string_filter *filter, struct str expression, struct arena *arena,
		      struct err *err);
bool string_filter_match(const struct string_filter *filter, struct str value);

struct bool_filter {
	bool compat, enabled, want_true, want_false;
};

/* "=true", "!=false", or a bare word: `container` means true, `not-container` false. */
int bool_filter_add(struct bool_filter *filter, struct str expression, struct err *err);
bool bool_filter_match(const struct bool_filter *filter, bool value);

/* ---- events ----------------------------------------------------------------- */

/* -ENOTSUP, and why the live sensor cannot have this event, which is replay_only. */
int event_not_collected(const struct event_def *def, struct err *err);

/* ---- filters on an event ----------------------------------------------------- */

struct filters;

/* For events of `def`; lives in the arena. NULL: out of memory. */
struct filters *filters_new(const struct event_def *def, const struct filter_options *options,
			    struct arena *arena);

/* expression: from the operator on. -EINVAL with message and hint (a wrong name: a suggestion). */
int filters_add_data(struct filters *filters, struct str field, struct str expression,
		     struct err *err);
int filters_add_scope(struct filters *filters, struct str field, struct str expression,
		      struct err *err);
int filters_add_return(struct filters *filters, struct str expression, struct err *err);

/*
 * Splits "field<operator>values" as Tracee's detectors do: at the first of != <= >= = < >
 * found in that order. Without an operator *expression is empty.
 */
void filter_split(struct str text, struct str *field, struct str *expression);

/* true: the event passes all filters (none: passes). */
bool filters_match(const struct filters *filters, const struct event *event, struct arena *arena);
/*
 * What an event must have to pass, for those who want to know it is in vain before asking: one
 * of the terms holds for the value, as far as it is text (terms of text) or a number (terms
 * that are ints from 0 on). Not every filter can be said so. -ENOMEM or 0; terms are in arena.
 */
struct filter_term {
	uint8_t form; /* enum string_form; numbers: STRING_EXACT */
	struct value value;
};
struct filter_need {
	int field;			 /* of the event; -1: scope */
	const struct scope_field *scope; /* its value: scope_field_value */
	struct filter_term *terms;
	uint32_t count;
};
int filters_needs(const struct filters *filters, struct arena *arena, struct filter_need **out,
		  uint32_t *count);

/* ---- filters that decide nothing (judge.c) ------------------------------------ */

enum { FILTER_WHY_MAX = 160 };
enum filter_judgement {
	FILTER_DECIDES, /* or so it may be */
	FILTER_NEVER,	/* no event passes */
	FILTER_ALWAYS,	/* every event passes */
};
/* The filters of a field together; for the last two, why. */
enum filter_judgement filters_judge_data(const struct filters *filters, struct str field,
					 char why[FILTER_WHY_MAX]);
enum filter_judgement filters_judge_scope(const struct filters *filters, struct str field,
					  char why[FILTER_WHY_MAX]);
struct report;
struct yaml_node;
/* Warns of a filter, where it stands, if it decides nothing. */
void filter_warn(struct report *report, const struct yaml_node *filter,
		 enum filter_judgement judgement, const char *why);
/* The numbers that a field can be behind the filters; false: it holds none. */
bool filters_span(const struct filters *filters, uint32_t field, long double *low,
		  long double *high);

bool filters_empty(const struct filters *filters);
/* Bit i: field i of the event is filtered. */
uint64_t filters_fields(const struct filters *filters);
/* Can they tell nothing without the name of the event's UTS namespace? */
bool filters_read_host_name(const struct filters *filters);

/* A value as the filters compare it: Go's default formatting. data == NULL: out of memory. */
struct str filter_render(struct value value, char scratch[static 32], struct arena *arena);

/* ---- scope fields (scope_field.c) --------------------------------------------- */

enum scope_kind {
	SCOPE_INT64,
	SCOPE_UINT64,
	SCOPE_STRING,
	SCOPE_BOOL,
	SCOPE_CONTAINER,
	SCOPE_HOST
};

struct scope_field {
	const char *name;
	uint8_t kind; /* enum scope_kind */
	uint8_t needs_container;
	uint8_t what; /* private to scope_field.c */
};

extern const struct scope_field scope_fields[];
extern const size_t scope_field_count;

/* NULL if there is none. */
const struct scope_field *scope_field_find(struct str name);
uint64_t scope_field_number(const struct scope_field *field, const struct event *event,
			    enum scope_view view);
struct str scope_field_text(const struct scope_field *field, const struct event *event,
			    enum scope_view view);
/* A number, a text or (container, host) whether it is in a container. */
struct value scope_field_value(const struct scope_field *field, const struct event *event,
			       enum scope_view view);
bool event_in_container(const struct event *event);
bool event_container_started(const struct event *event);

#endif
