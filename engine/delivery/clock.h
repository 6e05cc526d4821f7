/* SPDX-License-Identifier: Apache-2.0 */
/* Time for delivery: monotonic ns for waiting, epoch ns for ages. */
#ifndef DELIVERY_CLOCK_H
#define DELIVERY_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_SECOND UINT64_C(1000000000)
#define CLOCK_MS     UINT64_C(1000000)

static inline uint64_t clock_read(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * CLOCK_SECOND + (uint64_t)now.tv_nsec;
}

/* CLOCK_MONOTONIC. */
static inline uint64_t clock_now(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

/* Since the epoch. */
static inline uint64_t clock_epoch(void)
{
	return clock_read(CLOCK_REALTIME);
}

static inline struct timespec clock_timespec(uint64_t ns)
{
	return (struct timespec){ (time_t)(ns / CLOCK_SECOND), (long)(ns % CLOCK_SECOND) };
}

#endif
