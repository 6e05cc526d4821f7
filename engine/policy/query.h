/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `spoor list events` and `list detectors` are asked for. Arguments with a key must all
 * hold, any of their comma-separated values; bare words (names, sets, prefix*) are one question.
 *
 *	tag=fs,net  type=syscall|detector|network  threat.severity>=high
 *	threat.mitre.technique=T1055  threat.mitre.tactic=Execution  threat.name=...
 */
#ifndef POLICY_QUERY_H
#define POLICY_QUERY_H

#include "base/arena.h"
#include "base/err.h"
#include "event.h"

struct query; /* lives in an arena */

struct query_subject {
	struct str name;
	const char *sets; /* space-separated */
	bool syscall, detector, network;
	const struct threat *threat; /* NULL: none */
};

/* NULL: out of memory. */
struct query *query_new(struct arena *arena);
/* -EINVAL with message and hint, -ENOMEM. */
int query_add(struct query *query, struct str text, struct err *err);
bool query_matches(const struct query *query, const struct query_subject *subject);
/* The subject that an event of the table is. */
struct query_subject query_subject_of(const struct event_def *def, const struct threat *threat);
/* Did it ask for threats, which only rules have? */
bool query_has_threats(const struct query *query);
/* Did it ask by name or set? Internal events are shown to those who do. */
bool query_has_words(const struct query *query);

#endif
