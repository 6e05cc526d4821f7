/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time for people: printing and reading them. All are UTC. */
#ifndef PAGE_WHEN_H
#define PAGE_WHEN_H

#include <stdbool.h>
#include <stdint.h>

enum { WHEN_SIZE = 32 };

/* 2026-09-20T10:11:12.345Z */
void when_time(char out[WHEN_SIZE], uint64_t epoch_ns);
/* The largest unit that fits: 850ms, 12s, 5m, 3h, 7d. */
void when_age(char out[WHEN_SIZE], uint64_t ns);
/* A date, a date with a time (Z or without zone), or how long before `now`: 30s, 5m, 12h, 7d. */
bool when_parse(const char *text, uint64_t now, uint64_t *out);

#endif
