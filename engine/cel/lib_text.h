/* SPDX-License-Identifier: Apache-2.0 */
/* Work on texts that Tracee's functions and the strings extension share. */
#ifndef CEL_LIB_TEXT_H
#define CEL_LIB_TEXT_H

#include "internal.h"

/* At most `limit` parts, the last with the rest; negative: all; 0: none. */
struct value text_split(struct cel_run *run, struct str text, struct str separator, int64_t limit);
struct value text_join(struct cel_run *run, const struct value_list *list, struct str separator);
/* The first `limit` occurrences; negative: all. An empty `old` is between all characters. */
struct value text_replace(struct cel_run *run, struct str text, struct str old, struct str new,
			  int64_t limit);
struct str text_trim(struct str text);
/* Bytes before code point number `index`; UINT32_MAX: there are fewer. */
uint32_t text_offset(struct str text, int64_t index);

/* A text that grows in the run's arena. */
struct text {
	struct cel_run *run;
	char *data;
	uint32_t len, capacity;
	bool failed; /* memory or budget ran out; the rest is dropped */
};

/* Appends bytes. */
void text_add(struct text *text, const char *data, size_t len);
/* The string, or the error that kept it from being built. */
struct value text_value(const struct text *text);

#endif
