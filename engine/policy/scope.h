/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scope of a policy: which workloads it looks at. "uid=0", "comm=sh,bash",
 * "container", "tree=1234", "follow", ... All entries must hold.
 */
#ifndef POLICY_SCOPE_H
#define POLICY_SCOPE_H

#include "filter/filter.h"

struct stores;
struct scope;

/* Lives in the arena. NULL: out of memory. */
struct scope *scope_new(const struct filter_options *options, struct arena *arena);
/* An entry of a file: spaces in it are ignored. -EINVAL with message and hint. */
int scope_add(struct scope *scope, struct str text, struct err *err);
/* A value of --scope. */
int scope_add_flag(struct scope *scope, struct str text, struct err *err);
/* The same in parts; expression: from the operator on. */
int scope_add_values(struct scope *scope, struct str name, struct str expression, struct err *err);

/* What was accepted, one text an entry: "uid=0", "container", "executable=/bin/sh". */
const struct str *scope_entries(const struct scope *scope, uint32_t *count);
bool scope_follows(const struct scope *scope);
/* Does it only let events of containers pass? */
bool scope_wants_container(const struct scope *scope);

/* Does it ask for the name of UTS namespaces? */
bool scope_reads_host_name(const struct scope *scope);

/*
 * Tracee's second look at uid and pid (--compat tracee): the open range alone, which loses what
 * = and the bound of >= and <= let pass.
 */
void scope_range_alone(struct scope *scope);
bool scope_same_bounds(const struct scope *a, const struct scope *b);
bool scope_in_range(const struct scope *scope, const struct event *event);

/* Is the event of a workload that this scope looks at? stores: may be NULL. */
bool scope_matches(const struct scope *scope, const struct event *event,
		   const struct stores *stores);

#endif
