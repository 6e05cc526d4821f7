/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time on CLOCK_MONOTONIC in ns, as deadlines are given, and waits until them. */
#ifndef TRANSPORT_MOMENT_H
#define TRANSPORT_MOMENT_H

#include <limits.h>
#include <stdint.h>
#include <time.h>

#include "base/common.h"

#define MOMENT_MS UINT64_C(1000000)

static inline uint64_t moment_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* From now; a negative time is none. */
static inline uint64_t moment_in_ms(int64_t ms)
{
	return moment_now() + (uint64_t)MAX(ms, 0) * MOMENT_MS;
}

/* For poll(): milliseconds until then, rounded up; 0 if it is past. */
static inline int moment_left_ms(uint64_t deadline)
{
	uint64_t now = moment_now();

	if (deadline <= now)
		return 0;
	return (int)MIN((deadline - now + MOMENT_MS - 1) / MOMENT_MS, (uint64_t)INT_MAX);
}

#endif
