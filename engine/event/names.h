/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as names: IPC_CREAT|IPC_EXCL|0600, IPC_RMID, IPC_PRIVATE. The rows are in
 * names.def. Nothing is lost: names_parse reads back what names_write wrote.
 */
#ifndef EVENT_NAMES_H
#define EVENT_NAMES_H

#include "value.h"

struct buf;
struct names;

/* The group an event_field's `names` refers to; NULL for "raw" and NULL. */
const struct names *names_find(const char *name);
/* Does Tracee decode such a field too? */
bool names_of_tracee(const struct names *names);
/* Is this a number that names_write would not cut? */
static inline bool names_fit(const struct value *value)
{
	if (value->tag == VALUE_INT)
		return value->i >= INT32_MIN && value->i <= UINT32_MAX;
	return value->tag == VALUE_UINT && value->u <= UINT32_MAX;
}
/* Appends the text of a number (of its low 32 bits: all such fields are that wide). */
void names_write(struct buf *out, const struct names *names, uint64_t number);
/* The bits of a number that have names, as Tracee shows them; if none has, the number. */
uint64_t names_known(const struct names *names, uint64_t number);
/* The number such a text stands for. 0, or -EINVAL. */
int names_parse(const struct names *names, struct str text, uint64_t *out);

#endif
