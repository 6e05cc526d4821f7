/* SPDX-License-Identifier: Apache-2.0 */
/* Lengths of time as people write them: 10s, 1m30s, 500ms, 7d. */
#ifndef BASE_TIMESPAN_H
#define BASE_TIMESPAN_H

#include "buf.h"
#include "err.h"

/*
 * Numbers with a unit each (ns, us, ms, s, m, h, d), largest first; 1 ns to 3650 d. 0 and
 * nanoseconds in *out, or -EINVAL with err's message and hint.
 */
int timespan_parse(struct str text, uint64_t *out, struct err *err);
/* The same way, shortest: 90 s are 1m30s. */
void timespan_print(struct buf *out, uint64_t ns);

#endif
