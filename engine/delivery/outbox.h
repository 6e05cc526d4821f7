/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records an output is about to send or has sent without success: read from the spool, in
 * order, formatted once. What is finished leaves the outbox; what is left is sent again before
 * anything new is read, which keeps the order.
 */
#ifndef DELIVERY_OUTBOX_H
#define DELIVERY_OUTBOX_H

#include "base/arena.h"
#include "base/buf.h"
#include "delivery/delivery.h"
#include "delivery/spool.h"

struct letter {
	struct row row;
	int64_t number;	   /* of the dead letter that is retried; 0: comes from the spool */
	uint32_t attempts; /* so far */
	size_t at, len;	   /* of the formatted record in `bytes` */
	bool broken;	   /* it cannot be formatted */
};

struct outbox_memory {
	struct arena arena; /* of the rows */
	struct buf bytes;
	struct letter *letters;
};

struct outbox {
	struct outbox_memory now, other; /* what is left moves to the other before more is added */
	struct arena scratch;		 /* of reading a row */
	struct letter *letters;		 /* of `now` */
	struct transport_record *records;
	uint32_t count, capacity;
	uint64_t through;  /* all rows up to here are in the outbox, behind it, or not wanted */
	uint64_t filtered; /* rows not wanted, since the last fill */
};

/* Room for the records of one output. 0 or -ENOMEM. */
int outbox_open(struct outbox *outbox, const struct delivery_output *wants);
void outbox_free(struct outbox *outbox);

/*
 * Fills an outbox that is not full with rows behind `after`, behind what it holds. 0 or negative
 * errno. No rows: through is `after`, or behind rows that are not wanted.
 */
int outbox_fill(struct outbox *outbox, const struct delivery_output *wants, struct spool *spool,
		uint64_t after);
/* The same with the output's dead letters that are marked to be retried. */
int outbox_fill_dead(struct outbox *outbox, const struct delivery_output *wants,
		     struct spool *spool);
/*
 * `limit` letters beginning with number `from`, as far as `bytes` allow (one at least), ready to be
 * sent. 0: the first of them is broken.
 */
uint32_t outbox_batch(struct outbox *outbox, uint32_t from, uint32_t limit, size_t bytes,
		      struct transport_batch *batch);
/* As many letters are left as there may be: nothing can be added. */
bool outbox_is_full(const struct outbox *outbox);
/* Removes the letters whose `row.position` was set to 0, of the first `count`. */
void outbox_compact(struct outbox *outbox, uint32_t count);

#endif
