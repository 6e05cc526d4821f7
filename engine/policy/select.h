/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event selection: the language of --events and of policy rules.
 *
 *	name, set, prefix*, -excluded		comma-separated; exclusion beats inclusion
 *	event.data.field=v1,v2  event.scope.field=v  event.retval<0
 *	tag=set,set  threat.severity>=high  threat.mitre.technique=T1068 ...
 *
 * A rule is an event with filters. The rules of one group (one entry of a policy file; all
 * of --events) on the same event are one rule; those of different groups are or-ed.
 */
#ifndef POLICY_SELECT_H
#define POLICY_SELECT_H

#include "filter/filter.h"

struct ruleset;

struct select_rule {
	const struct event_def *def;
	struct filters *filters; /* never NULL, perhaps empty */
	uint32_t group;
	struct str
		*texts; /* of the filters, as accepted: "data.key=0", "retval<0", "scope.comm=sh" */
	uint32_t text_count;
};

struct selection {
	const struct ruleset *ruleset;
	struct arena *arena;
	struct filter_options options;
	bool file; /* of a policy file */
	bool live; /* events that cannot be collected yet are refused, or left out of sets */
	uint32_t left_out;
	struct select_rule *rules;
	uint32_t count, capacity;
	uint32_t group;
	bool any_included;
	const struct event_def **excluded;
	uint32_t excluded_count, excluded_capacity;
};

/* A warning about what sets and wildcards left out; false: nothing. */
bool select_left_out(const struct selection *selection, struct err *err);

/* An expression of --events. 0, -EINVAL with message and hint, -ENOTSUP (live), -ENOMEM. */
int select_expression(struct selection *selection, struct str text, struct err *err);
/* `event` of a policy rule: a list of names, sets, prefix*, exclusions; a tag or a threat. */
int select_rule_event(struct selection *selection, struct str text, struct err *err);
/*
 * A filter of a policy rule ("data.f=v", "retval=0", "comm=x") on all events that the
 * current group has selected.
 */
int select_filter(struct selection *selection, struct str text, struct err *err);
/* Exclusions alone start from the set `default`; then exclusions are taken out. */
int select_finish(struct selection *selection, struct err *err);

#endif
