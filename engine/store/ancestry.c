/* SPDX-License-Identifier: Apache-2.0 */
/* Who is whose: ancestors of the process that caused an event, and relatives. */
#include "store.h"

/* A recording brings the entity hash along; its records may have told us the same process. */
static const struct process *process_of(const struct event *event, const struct stores *stores)
{
	if (event->process || !event->given)
		return event->process;
	return event->given->process_id ? process_find_hash(stores, event->given->process_id)
					: NULL;
}

uint32_t event_ancestors(const struct event *event, const struct stores *stores,
			 const struct process **out, uint32_t max)
{
	const struct process *process = stores ? process_of(event, stores) : NULL;
	uint32_t count = 0;

	while (process && count < max && (process = process_parent(stores, process)))
		out[count++] = process;
	return count;
}

bool event_has_parent(const struct event *event)
{
	return event->given ? event->given->has_parent : event->wire->ppid != 0;
}

static bool is_ancestor(const struct stores *stores, const struct process *old,
			const struct process *young)
{
	/* A family is a tree, but recordings may say anything. */
	for (uint32_t i = 0; young && i <= ANCESTORS_MAX;
	     i++, young = process_parent(stores, young))
		if (young == old)
			return true;
	return false;
}

bool process_related(const struct stores *stores, const struct process *a, const struct process *b)
{
	const struct process *parent = process_parent(stores, a);

	if (a->pid > 1 && is_ancestor(stores, a, b))
		return true;
	if (b->pid > 1 && is_ancestor(stores, b, a))
		return true;
	return parent && parent->pid > 1 && parent == process_parent(stores, b);
}
