/* SPDX-License-Identifier: Apache-2.0 */
/* The ancestors of the process that caused an event. */
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
