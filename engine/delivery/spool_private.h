/* SPDX-License-Identifier: Apache-2.0 */
/* The connection, shared by the files spool*.c. */
#ifndef DELIVERY_SPOOL_PRIVATE_H
#define DELIVERY_SPOOL_PRIVATE_H

#include <sqlite3.h>

#include "base/common.h"
#include "delivery/spool.h"

enum spool_sql {
#define STATEMENT(name, sql) SQL_##name,
#include "delivery/spool.def"
#undef STATEMENT
	SQL_COUNT
};

struct spool {
	sqlite3 *db;
	enum spool_mode mode;
	sqlite3_stmt *statements[SQL_COUNT];
	/* As of the open transaction, and as they were before it. */
	uint64_t next, sequence, settled;
	uint64_t saved_next, saved_sequence, saved_settled;
	uint64_t life;
	uint64_t now; /* when it began, epoch ns */
	uint64_t log_bytes;
};

/* An SQLite result as 0 or negative errno. */
int spool_code(sqlite3 *db, int r);
/* "Application id" of SQLite's file format: SPOR. */
enum { SPOOL_APPLICATION = 0x53504f52 };

/* ---- the file: spool_file.c -------------------------------------------------------- */

/* Says why a file cannot be opened; returns code. */
int spool_fail_open(const char *path, int code, const char *what, struct err *err);
/* The file made by this user alone, never through a link, readable by nobody else. */
int spool_make_file(const char *path, struct err *err);
/* -EINVAL: it is somebody else's; -EBADMSG is never for such a file. Changes nothing. */
int spool_check_owner(struct spool *spool, const char *path, struct err *err);

/* ---- statements --------------------------------------------------------------------- */

/* First column of the first row of a statement that is needed once. */
int spool_read_number(struct spool *spool, const char *sql, int64_t *out);
/* The statement, ready to be bound; NULL: it cannot be prepared, which spool_run then reports. */
sqlite3_stmt *spool_statement(struct spool *spool, enum spool_sql which);
/* One step. With a row left the caller resets; otherwise it is done. */
int spool_run(struct spool *spool, sqlite3_stmt *statement);
/* Reads what spool_add goes on from. */
int spool_reload_next(struct spool *spool);
/* In the transaction: what was settled in it. */
int spool_store_life(struct spool *spool);
/* text must live until the statement is reset. */
void spool_bind_text(sqlite3_stmt *statement, int index, struct str text);
/* The columns of a row, from `first` on. */
void spool_bind_row(sqlite3_stmt *statement, int first, const struct row *row);
/* Column `index` as text; valid until the next step. */
struct str spool_column(sqlite3_stmt *statement, int index);
void spool_column_row(sqlite3_stmt *statement, int first, struct row *row);

DEFINE_CLEANUP(struct spool *, spool_close)

#endif
