/* SPDX-License-Identifier: Apache-2.0 */
/* What the spool's thread works with, shared by writer.c and room.c. */
#ifndef DELIVERY_WRITER_H
#define DELIVERY_WRITER_H

#include "delivery/private.h"

/* What an output loses in the transaction at hand. */
struct drop {
	struct output *output;
	struct loss loss; /* with what reports told that are dropped themselves */
	uint64_t alerts;  /* of it, dropped now */
	uint64_t through; /* rows up to here are gone */
	bool idle;	  /* its cursor moves there */
};

struct writer {
	struct delivery *delivery;
	struct spool *spool;
	struct queue_buffer *buffer;	  /* being written; NULL: none yet */
	size_t at, at_next;		  /* in it: committed, and of the attempt at hand */
	struct loss refused;		  /* for want of room, in this attempt */
	struct loss losses[LOSS_REASONS]; /* to be told */
	uint64_t kept[LOSS_REASONS];	  /* of them, how many the spool knows to be untold */
	uint64_t unsettled;		  /* lost in the queue, and in no transaction yet */
	unsigned told;			  /* bits of losses, in this attempt */
	uint32_t rows;			  /* in this attempt */
	unsigned failures;		  /* in a row */
	uint64_t tick_at, tell_at, written_at;
	/* room.c */
	uint64_t used, limit; /* bytes of the spool */
	uint64_t look_at;
	bool look;	      /* for what is too old */
	bool stuck;	      /* rows wait for room, in this attempt */
	bool locked;	      /* `reading` of all outputs is held */
	enum loss_reason why; /* outputs give up rows, in this attempt */
	struct drop drops[2 * DELIVERY_OUTPUTS_MAX];
	uint32_t drop_count;
};

/* ---- room.c: how much the spool may hold ----------------------------------------------- */

enum admission { ADMIT_YES, ADMIT_DROP, ADMIT_WAIT };

/* In the transaction: deletes what is delivered or too old, and what the policy gives up. */
int room_make(struct writer *writer);
enum admission room_admit(struct writer *writer, const struct row *row);
/* After the transaction: counts what outputs have lost; or forgets it. */
void room_dropped(struct writer *writer);
void room_undo(struct writer *writer);
/* Is it time to look for what is too old? Next time at `next` (CLOCK_MONOTONIC). */
bool room_is_due(struct writer *writer, uint64_t next);

#endif
