/* SPDX-License-Identifier: Apache-2.0 */
/* An event from a line, read as `spoor replay` reads it. */
#ifndef TESTS_VECTORS_LINE_H
#define TESTS_VECTORS_LINE_H

#include "base/arena.h"
#include "event.h"

/* In the arena. NULL: *problem tells why. */
struct event *event_of_line(const char *text, struct arena *arena, char problem[static 256]);

#endif
