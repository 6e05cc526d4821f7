/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event as one line of JSON in Tracee's v1beta1 form. `own` adds what Tracee has not:
 * own fields in data, and keys behind the standard ones.
 */
#ifndef EVENT_ENCODE_H
#define EVENT_ENCODE_H

#include "event/names.h"
#include "format.h"

/* Appends the object and a newline. */
void encode_event(struct buf *out, const struct event *event, const struct format_options *options,
		  bool own);

/* ---- for other formats that show the same things ------------------------------ */

/* Path of the executable; data == NULL if unknown. */
struct str event_executable(const struct event *event);
/* Full id of the container it comes from; len == 0 if it is not known to come from one. */
struct str event_container_id(const struct event *event);
/* Name of the system call the task was in; data == NULL if none. */
struct str event_syscall(const struct event *event);
/* Name of the event of the table that a detection began with; data == NULL if unknown. */
struct str event_source(const struct event *event);
/*
 * How the numbers of a field are decoded; NULL: not. A produced field is decoded like the field
 * of the same name of the event it was made from.
 */
const struct names *event_field_names(const struct event *event, unsigned index);
/* The id Tracee uses inside: differs from the printed one. */
uint32_t event_internal_id(const struct event_def *def);
static inline uint64_t event_epoch_time(const struct event *event, uint64_t boot_time)
{
	return boot_time ? boot_time + event->clock->boot_epoch_ns : 0;
}
static inline struct str event_comm(const struct event *event)
{
	return (struct str){ event->wire->comm,
			     (uint32_t)strnlen(event->wire->comm, WIRE_COMM_LEN) };
}

#endif
