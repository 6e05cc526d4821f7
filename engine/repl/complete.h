/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What could stand at the cursor: names, functions, members behind a dot, fields of the event,
 * commands, files.
 */
#ifndef REPL_COMPLETE_H
#define REPL_COMPLETE_H

#include "session.h"

/* The candidates replace text[from..cursor). */
struct completion {
	char **items; /* sorted, each once */
	size_t count, capacity;
	size_t from;
};

/*
 * text is NUL-terminated, from the first line of the expression on. Evaluates what stands
 * before a dot to know its members. Free with completion_free.
 */
void completion_find(struct session *session, const char *text, size_t cursor,
		     struct completion *out);
/* Length of what all candidates begin with. */
size_t completion_common(const struct completion *completion);
void completion_free(struct completion *completion);

#endif
