/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of one --events or --scope argument, apart from what its words mean. Parts point
 * into the text. Errors tell the whole text, as Tracee does.
 *
 *	events	name{,name} with - in front to exclude, or one filter:
 *		event.kind[.field][operator values]
 *		open.data.flags=1, open.retval<0, open.scope.host
 *	scope	[not-]name[operator values]
 *	operator = != < <= > >=; values do not begin or end with a blank
 */
#ifndef POLICY_FLAG_H
#define POLICY_FLAG_H

#include "base/arena.h"
#include "base/err.h"
#include "value.h"

/* What is not there is empty. expression: operator and values together. */
struct event_flag {
	struct str event, kind, field;
	struct str op, values, expression;
	bool excluded;
};

struct scope_flag {
	struct str name;
	struct str op, values, expression;
	bool negated; /* not-NAME */
};

/*
 * One per element of a list; in the arena. compat: a field's name cannot have a dot. 0, -EINVAL
 * with message and hint, -ENOMEM.
 */
int flag_events(struct str text, bool compat, struct arena *arena, struct event_flag **out,
		uint32_t *count, struct err *err);
int flag_scope(struct str text, struct scope_flag *out, struct err *err);

#endif
