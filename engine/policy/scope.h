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
/* One entry; spaces in it are ignored. -EINVAL with message and hint. */
int scope_add(struct scope *scope, struct str text, struct err *err);
bool scope_matches(const struct scope *scope, const struct event *event,
		   const struct stores *stores);

#endif
