/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spool: alerts that await delivery and those that are kept as history, in an SQLite
 * database with a write-ahead log. A row has a position, which rises by one and is never used
 * again; an output has a cursor: everything up to it is delivered or in the dead letters.
 *
 * A struct spool is one connection and belongs to one thread. Only one connection of one process
 * writes alerts and cursors (spool_lock); others read, and change marks of dead letters.
 *
 * Invariant: what spool_commit has said yes to survives a kill and a loss of power.
 */
#ifndef DELIVERY_SPOOL_H
#define DELIVERY_SPOOL_H

#include "base/err.h"
#include "delivery/loss.h"
#include "delivery/row.h"

struct spool;

enum spool_mode {
	SPOOL_WRITER, /* makes it if it is not there */
	SPOOL_READER,
	SPOOL_EDITOR, /* may mark and delete dead letters; must be there */
};

/*
 * Opens the database. 0 or negative errno with err filled: -EBADMSG if it is damaged, -EINVAL if
 * the file is no spool, -EPROTO if it is of a newer version.
 */
int spool_open(const char *path, enum spool_mode mode, struct spool **out, struct err *err);
/* NULL is fine. */
void spool_close(struct spool *spool);
/*
 * Makes this process the only one that delivers from this spool, until *fd is closed. 0 or negative
 * errno with err filled; -EBUSY: there is another one.
 */
int spool_lock(const char *path, int *fd, struct err *err);
/* Text of the last failure. */
const char *spool_error(const struct spool *spool);

/* ---- writing ------------------------------------------------------------------- */

/* All return 0 or negative errno (-ENOSPC: the disk is full); after a failure roll back. */
int spool_begin(struct spool *spool);
int spool_commit(struct spool *spool);
void spool_rollback(struct spool *spool);
/* Sets row->position to the next one. */
int spool_add(struct spool *spool, struct row *row);
/* The position that spool_add will use next. */
uint64_t spool_next(const struct spool *spool);
/* Moves the log into the database; the log starts again if nobody reads. */
int spool_checkpoint(struct spool *spool);
/* Bytes of the log that wait for it. */
uint64_t spool_log_bytes(const struct spool *spool);
/* Bytes in use, without free pages. */
int spool_used(struct spool *spool, uint64_t *out);

/* ---- what became of what was handed over: spool_life.c ---------------------------- */

/*
 * The life that was begun last (0: none ever was), and how many of the records handed over in it
 * are in a row or counted as lost.
 */
int spool_life(struct spool *spool, uint64_t *life, uint64_t *settled);
/* In a transaction: begins another one; this connection settles its records. life: not 0. */
int spool_begin_life(struct spool *spool, uint64_t life);
/* In a transaction: so many more are settled. */
void spool_settle(struct spool *spool, uint64_t count);

/* In a transaction: what was lost for a reason and is not told yet; count 0: nothing. */
int spool_store_untold(struct spool *spool, const char *reason, const struct loss *loss);
typedef void (*spool_untold_fn)(void *ctx, struct str reason, const struct loss *loss);
int spool_untold(struct spool *spool, spool_untold_fn fn, void *ctx);

/* ---- outputs ---------------------------------------------------------------------- */

/* Cursor of an output. One that is not known yet starts at the end. */
int spool_output(struct spool *spool, const char *name, uint64_t *cursor);
/* In a transaction with a row: numbers up to this one have been given. */
void spool_note_sequence(struct spool *spool, uint64_t sequence);
int spool_move_cursor(struct spool *spool, const char *name, uint64_t cursor);

/* Position of the oldest row; 0: there is none. */
int spool_first(struct spool *spool, uint64_t *out);

/* Some of the oldest rows. */
struct spool_range {
	uint64_t first, last; /* positions, both included */
	uint32_t count;	      /* at most */
	uint64_t arrived;     /* only those that came by then, epoch ns; 0: any */
};

/* Position of the last row of a range; 0: it is empty. */
int spool_trim_bound(struct spool *spool, const struct spool_range *range, uint64_t *through);
/* Deletes rows; returns how many or a negative errno. */
int spool_trim(struct spool *spool, uint64_t first, uint64_t last);

/* ---- dead letters ---------------------------------------------------------------- */

struct dead_letter {
	int64_t number;	   /* in the table, for commands; given by it */
	struct str output; /* that could not deliver it */
	uint64_t died;	   /* epoch ns */
	uint32_t attempts;
	struct str reason;
	bool retry; /* marked to be sent again */
	struct row row;
};

int spool_bury(struct spool *spool, const struct dead_letter *letter);
/* A retried one was refused again: counts the attempt and takes the mark away. */
int spool_bury_again(struct spool *spool, int64_t number, struct str reason);
int spool_unbury(struct spool *spool, int64_t number);
/* Marks for retrying, or deletes; output NULL: any, number 0: all. How many, or negative errno. */
int spool_dead_mark(struct spool *spool, const char *output, int64_t number);
int spool_dead_drop(struct spool *spool, const char *output, int64_t number);
/* Keeps the newest `keep` of an output; *dropped: how many others there were. */
int spool_dead_trim(struct spool *spool, const char *output, uint32_t keep, uint32_t *dropped);

/* ---- reading --------------------------------------------------------------------- */

/* Called for each row; its texts are valid during the call. False ends the reading. */
typedef bool (*spool_row_fn)(void *ctx, const struct row *row);
/* Rows behind `after`, in order, at most `limit`. */
int spool_read(struct spool *spool, uint64_t after, uint32_t limit, spool_row_fn fn, void *ctx);

typedef bool (*spool_dead_fn)(void *ctx, const struct dead_letter *letter);
/* In order of number. output NULL: all; number 0: all. */
int spool_dead(struct spool *spool, const char *output, int64_t number, spool_dead_fn fn,
	       void *ctx);
/* Those of an output that are to be sent again. */
int spool_dead_marked(struct spool *spool, const char *output, spool_dead_fn fn, void *ctx);

struct spool_output {
	struct str name;
	uint64_t cursor, waiting, dead;
	uint64_t oldest; /* time of the first that waits, epoch ns; 0: none */
};

/* All outputs that have ever been, in order of name. */
typedef void (*spool_output_fn)(void *ctx, const struct spool_output *output);
int spool_outputs(struct spool *spool, spool_output_fn fn, void *ctx);

struct spool_summary {
	uint64_t rows, oldest, newest; /* epoch ns */
	uint64_t first, last;	       /* positions, 0 if empty */
	uint64_t sequence;	       /* highest ever */
	uint64_t bytes;
};
int spool_summary(struct spool *spool, struct spool_summary *out);

/* What `spoor alerts` asks for; zeros and NULLs are no condition. */
struct spool_query {
	uint64_t since, until; /* epoch ns, both included */
	int32_t severity;      /* at least */
	const char *rule;      /* name or id of a detector */
	const char *process;   /* part of the executable's path, or all of the pid */
	const char *container; /* beginning of the id */
	uint32_t limit;
};

/* The newest `limit`, oldest first. */
int spool_find(struct spool *spool, const struct spool_query *query, spool_row_fn fn, void *ctx);

#endif
