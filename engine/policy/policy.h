/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies decide which events and detections leave the sensor, and under which policy
 * names. They come from policy files, or from --events; if neither is given, from the binary where
 * the detectors do, too, else there is one without a name that selects every detection.
 *
 * Compiled at load; matching allocates at most the array of names, in the batch arena.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "base/arena.h"
#include "base/err.h"
#include "event.h"

struct policies;
struct ruleset;
struct stores;

struct policies_options {
	/* Tracee literally: a lone `!=` matches nothing, filters silence detections, ... */
	bool compat_tracee;
	/*
	 * For the live sensor: naming an event that cannot be collected yet is an error; sets and
	 * wildcards leave such events out, with a warning.
	 */
	bool live;
	bool builtin; /* the built-in policies where nothing is named: the ruleset is built in */
	bool judge;   /* warn of filters that nothing or everything passes */
	const char *const
		*scopes; /* values of --scope, for the policy of `expressions`; NULL: all */
};

/*
 * paths: policy files, directories of them, or "builtin" (NULL or NULL-terminated). expressions: values
 * of --events (NULL or NULL-terminated), which then form one policy named "". Both given is an
 * error in `problems`, as is every other mistake; loading goes on to show them all, and the
 * result holds what is valid. The ruleset must outlive the policies. NULL: out of memory.
 */
struct policies *policies_load(const char *const *paths, const char *const *expressions,
			       const struct policies_options *options,
			       const struct ruleset *ruleset, struct err_list *problems);
void policies_free(struct policies *policies);

/*
 * The built-in events that must be collected: those that some policy prints, and those that
 * the ruleset's detectors read. Each once, in id order; lives as long as the policies.
 */
const struct event_def *const *policies_events(const struct policies *policies, size_t *count);

/* Do policies, or the ruleset's detectors, look at the name of the event's UTS namespace? */
bool policies_read_host_names(const struct policies *policies);

/*
 * Which policies want this event (raw or produced) printed: *names is an array of their names
 * in load order and the result its length. 0: do not print (*names is untouched). The array
 * lives in `arena` or in `policies`; set event->policies to it.
 */
uint32_t policies_match(struct policies *policies, const struct event *event,
			const struct stores *stores, struct arena *arena, const struct str **names);

/* How many there are, and what `spoor list policies` says of one; index < count. */
uint32_t policies_count(const struct policies *policies);
struct policy_info {
	struct str name;	 /* "" for --events and the default */
	struct str description;	 /* "" if none */
	const char *path;	 /* NULL for --events and the default */
	uint32_t rule_count;	 /* events selected, several rules on one counted each */
	const struct str *scope; /* its entries: "uid=0", "container" */
	uint32_t scope_count;
	bool follow, container; /* the scope follows children, asks for containers */
};
/* One of its rules, index < rule_count; filters as accepted: "data.key=0", "retval<0". */
struct policy_rule_info {
	const struct event_def *event;
	const struct str *filters;
	uint32_t filter_count;
};
void policies_rule(const struct policies *policies, uint32_t policy, uint32_t index,
		   struct policy_rule_info *out);
void policies_info(const struct policies *policies, uint32_t index, struct policy_info *out);

#endif
