/* SPDX-License-Identifier: Apache-2.0 */
/* Records that were dropped, summed up. */
#ifndef DELIVERY_LOSS_H
#define DELIVERY_LOSS_H

#include <stdint.h>

struct loss {
	uint64_t count;
	uint64_t first, last;  /* sequence numbers, 0: those dropped had none */
	uint64_t since, until; /* times of their events, epoch ns */
};

/* Counts one more. */
void loss_add(struct loss *loss, uint64_t sequence, uint64_t time);
/* Counts those of another, later one. */
void loss_merge(struct loss *into, const struct loss *more);

#endif
