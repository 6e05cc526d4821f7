/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the threads of delivery share.
 *
 * Locks, in the order in which they are taken: delivery.outputs_lock, output.reading,
 * output.lock, delivery.lock. None of them is held during a transaction of the spool, but for
 * `reading` of all outputs while undelivered rows are dropped; none while a transport sends.
 */
#ifndef DELIVERY_PRIVATE_H
#define DELIVERY_PRIVATE_H

#include "delivery/clock.h"
#include "delivery/delivery.h"
#include "delivery/spool.h"
#include "delivery/outbox.h"

/* Dead letters of an output; beyond that the oldest go, counted. */
enum { DEAD_LETTERS_MAX = 100000, DEAD_LETTER_SHARE = 8192 /* bytes of the spool for each */ };

/* What an output wants written to the spool, in the order it came about. */
struct change {
	struct change *next;
	enum { CHANGE_BURY, CHANGE_BURY_AGAIN, CHANGE_UNBURY } kind;
	struct dead_letter letter; /* its texts stand behind the change */
};

/*
 * A record that the receiver does not take alone, perhaps because of what is in it: see suspect.c.
 * It is the first of the outbox.
 */
struct suspect {
	uint64_t position; /* 0: there is none */
	int64_t number;	   /* of the dead letter, if it is one */
	uint32_t failures; /* alone */
	uint32_t passes;   /* of them, with others passing right afterwards */
	uint32_t skip;	   /* the letter to send instead */
	bool probe;	   /* another is to be tried now */
	bool passed;	   /* another has passed since the last failure */
	uint64_t again_at; /* when it is tried again, if others pass; CLOCK_MONOTONIC ns */
};

struct output {
	struct delivery *delivery;
	struct delivery_config *config;
	const struct delivery_output *wants;
	struct output *predecessor; /* of this name, before a reload; under delivery.lock */
	pthread_t thread;
	atomic_bool started;
	struct transport_state *state;
	struct spool *spool; /* of its thread */
	struct outbox outbox;
	uint32_t limit;	   /* records to send at once, halved when the receiver says too large */
	uint32_t failures; /* in a row */
	bool careful;	   /* failures of more than one are followed by one alone */
	struct suspect suspect;
	uint64_t look_at; /* when to look for dead letters to retry */
	double tokens;
	uint64_t tokens_at;
	uint64_t random;
	bool drain_seen, last_try;
	bool unreachable;    /* nobody answered the last attempt */
	atomic_bool leaving; /* to end at once, when what it sends is sent */

	struct change *pending; /* not to be written before the cursor is behind them */

	pthread_mutex_t reading;  /* held while the outbox is filled */
	_Atomic uint64_t scanned; /* rows up to here are in the outbox or behind it */

	pthread_mutex_t lock;	 /* the rest */
	_Atomic uint64_t cursor; /* everything up to here is delivered or buried */
	uint64_t written;	 /* the cursor in the spool */
	struct change *changes, **changes_end;
	struct change *writing; /* taken by the writer, not yet committed */
	uint64_t writing_cursor;
	uint64_t oldest; /* when the first that waits came, epoch ns; 0: none waits */
	struct output_stats stats;
	bool held, ended; /* under delivery.lock; held: its thread is not to begin yet */
};

enum { LOSS_NAME_MAX = 128 }; /* names of outputs are shorter */

struct writer;

struct delivery {
	struct delivery_config *config; /* the spool's settings */
	const struct host *host;
	const char *version;
	int lock_fd;
	struct mark *mark;
	struct queue queue;
	struct buf line; /* the pipeline's */
	char policies[ROW_TEXT_MAX];
	struct writer *writer;
	pthread_t writer_thread;
	bool writer_started;

	pthread_mutex_t outputs_lock;
	struct output *outputs[2 * DELIVERY_OUTPUTS_MAX]; /* with those that are leaving */
	uint32_t output_count;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	_Atomic uint64_t committed; /* position of the last row in the spool */
	uint64_t sequence;
	struct loss ended_with;	 /* what the process before this one lost when it was killed */
	uint64_t drain_deadline; /* before draining is set */
	atomic_bool draining, flushed; /* flushed: the queue will give nothing more */
	atomic_bool ending;	       /* time is up */
	struct delivery_stats stats;   /* what the writer counts */
};

/* ---- output.c --------------------------------------------------------------------- */

/* Opens the transport and the reading connection; the thread is not started yet. */
int output_open(struct delivery *delivery, struct delivery_config *config,
		const struct delivery_output *wants, struct output **out, struct err *err);
int output_start(struct output *output);
/* Waits for the thread if it was started. NULL is fine. */
void output_close(struct output *output);
void *output_run(void *ctx);

/* Adds the counters alone. */
void output_stats_add(struct output_stats *total, const struct output_stats *more);

/* ---- suspect.c --------------------------------------------------------------------- */

/* Is the first letter the suspect? */
bool suspect_is_first(const struct output *output);
/* Which letter to begin with, and in *limit how many to send. */
uint32_t suspect_choose(const struct output *output, uint32_t *limit);
/* Only the suspect is left, others have passed, and it is not yet time to try it again. */
bool suspect_rests(const struct output *output);
/*
 * After the attempt to send `batch` from letter `from` on, before its results count: a suspect that
 * is given up becomes a refused one. True: this failure says nothing of the receiver.
 */
bool suspect_judge(struct output *output, struct transport_batch *batch, uint32_t from);

/* ---- what outputs and the writer tell each other: acknowledge.c --------------------------- */

/* From the output's thread: how far it is. */
void output_acknowledge(struct output *output, uint64_t cursor);
/*
 * From the output's thread, before output_acknowledge. kind: CHANGE_...; copies the letter. 0 or
 * -ENOMEM.
 */
int output_change(struct output *output, int kind, const struct dead_letter *letter);
/* Are there changes that are not in the spool yet? */
bool output_has_changes(struct output *output);
/* Is there anything that is not in the spool yet? */
bool output_has_news(struct output *output);

/* From the writer, in a transaction: writes what has come. Then tells how the transaction ended. */
int output_write(struct output *output, struct spool *spool);
void output_written(struct output *output, bool committed);

/* ---- writer.c ---------------------------------------------------------------------- */

/* The thread's function; ctx: struct writer. */
void *writer_run(void *ctx);

/* ---- loss.c -------------------------------------------------------------------------- */

/* Adds an alerts_lost event to the spool. output: "" for all. */
int loss_write(struct delivery *delivery, struct spool *spool, enum loss_reason reason,
	       const char *output, const struct loss *loss);

/* What an alerts_lost event in the spool tells. */
struct loss_report {
	struct loss loss;
	char output[LOSS_NAME_MAX]; /* "": all */
};

/* False: the row is another event. */
bool loss_read(const struct row *row, struct loss_report *out);

/* ---- mark.c -------------------------------------------------------------------------- */

/*
 * How much was handed over, and the number of the last alert, in a page of the spool's lock file:
 * it outlives the process, however that ends, as the queue in memory does not.
 */
struct mark;

/* fd: of the lock file. NULL: there is no room for it, and a crash goes unnoticed. */
struct mark *mark_open(int fd);
uint64_t mark_sequence(const struct mark *mark);
/* Records handed over in that life of the spool; 0 if the mark is of another. */
uint64_t mark_taken(const struct mark *mark, uint64_t life);
/* From now on what is handed over counts for this life. */
void mark_begin(struct mark *mark, uint64_t life);
/* Before a record is handed over: one more. sequence: of the alert; 0: it is none. */
void mark_count(struct mark *mark, uint64_t sequence);
/* NULL is fine, for all of them. */
void mark_close(struct mark *mark);

/* ---- event to row: take.c ------------------------------------------------------------ */

/* Fills a row from an event and its line; texts are cut at ROW_TEXT_MAX. */
void row_fill(struct row *row, const struct event *event, struct str line, char *id,
	      char policies[ROW_TEXT_MAX], const struct host *host);

#endif
