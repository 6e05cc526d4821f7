/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events as an attacker would like them: texts full of what formats use as delimiters, escapes
 * and ends, invalid UTF-8, NUL, 64 KiB of one thing; numbers at their limits; everything that
 * may be absent sometimes absent. Made from a seed, with pieces of the fuzzer's own bytes.
 */
#ifndef SUPPORT_HOSTILE_H
#define SUPPORT_HOSTILE_H

#include "base/arena.h"
#include "event.h"
#include "format.h"

struct hostile {
	uint64_t state; /* of the random numbers */
	const char *bytes;
	size_t len;
	struct arena arena;
	/* What was made. */
	struct event event;
	struct host host;
	struct format_options options;
};

/*
 * Makes an alert: a detection as the pipeline lets it out. Valid until the next call; the same
 * input makes the same alert. Zero-initialise `h`; arena_free(&h->arena) in the end.
 */
void hostile_alert(struct hostile *h, const void *bytes, size_t len);
/* A text of it. */
struct str hostile_text(struct hostile *h);
uint64_t hostile_below(struct hostile *h, uint64_t bound);

#endif
