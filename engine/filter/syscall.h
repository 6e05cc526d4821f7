/* SPDX-License-Identifier: Apache-2.0 */
/* Filters on a field that holds a system call: by name or number, whichever the event holds. */
#ifndef FILTER_SYSCALL_H
#define FILTER_SYSCALL_H

#include "base/arena.h"
#include "base/err.h"
#include "event.h"

/*
 * If values of this field are written otherwise than they are held, rewrites the expression
 * ("=openat,close" to "=257,3", or the other way round). 0 and *expression replaced or left
 * alone; -EINVAL with err's message; -ENOMEM.
 */
int syscall_translate(const struct event_def *def, struct str field, struct str *expression,
		      struct arena *arena, struct err *err);

#endif
