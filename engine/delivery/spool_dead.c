/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters: what a receiver will never take, kept until a person retries or drops it. */
#include "delivery/fault.h"
#include "delivery/spool_private.h"

int spool_bury(struct spool *spool, const struct dead_letter *letter)
{
	sqlite3_stmt *statement = spool_statement(spool, SQL_BURY);

	spool_bind_text(statement, 1, letter->output);
	sqlite3_bind_int64(statement, 2, (sqlite3_int64)letter->died);
	sqlite3_bind_int64(statement, 3, letter->attempts);
	spool_bind_text(statement, 4, letter->reason);
	sqlite3_bind_int(statement, 5, letter->retry);
	spool_bind_row(statement, 6, &letter->row);
	int code = spool_run(spool, statement);

	FAULT(dead_written);
	return code;
}

int spool_bury_again(struct spool *spool, int64_t number, struct str reason)
{
	sqlite3_stmt *statement = spool_statement(spool, SQL_BURY_AGAIN);

	sqlite3_bind_int64(statement, 1, number);
	spool_bind_text(statement, 2, reason);
	return spool_run(spool, statement);
}

int spool_unbury(struct spool *spool, int64_t number)
{
	sqlite3_stmt *statement = spool_statement(spool, SQL_UNBURY);

	sqlite3_bind_int64(statement, 1, number);
	return spool_run(spool, statement);
}

static void bind_which(sqlite3_stmt *statement, const char *output, int64_t number)
{
	sqlite3_bind_text(statement, 1, output, -1, SQLITE_STATIC); /* NULL binds NULL */
	sqlite3_bind_int64(statement, 2, number);
}

static int change(struct spool *spool, enum spool_sql which, const char *output, int64_t number)
{
	sqlite3_stmt *statement = spool_statement(spool, which);

	bind_which(statement, output, number);
	int code = spool_run(spool, statement);

	return code < 0 ? code : sqlite3_changes(spool->db);
}

int spool_dead_mark(struct spool *spool, const char *output, int64_t number)
{
	return change(spool, SQL_DEAD_MARK, output, number);
}

int spool_dead_drop(struct spool *spool, const char *output, int64_t number)
{
	return change(spool, SQL_DEAD_DROP, output, number);
}

int spool_dead_trim(struct spool *spool, const char *output, uint32_t keep, uint32_t *dropped)
{
	int count = change(spool, SQL_DEAD_TRIM, output, keep);

	if (count < 0)
		return count;
	*dropped = (uint32_t)count;
	return 0;
}

static void letter_read(sqlite3_stmt *statement, struct dead_letter *letter)
{
	letter->number = sqlite3_column_int64(statement, 0);
	letter->output = spool_column(statement, 1);
	letter->died = (uint64_t)sqlite3_column_int64(statement, 2);
	letter->attempts = (uint32_t)sqlite3_column_int64(statement, 3);
	letter->reason = spool_column(statement, 4);
	letter->retry = sqlite3_column_int(statement, 5) != 0;
	spool_column_row(statement, 6, &letter->row);
}

/* Steps through what is bound. */
static int each_letter(struct spool *spool, sqlite3_stmt *statement, spool_dead_fn fn, void *ctx)
{
	struct dead_letter letter;
	int r;

	while ((r = sqlite3_step(statement)) == SQLITE_ROW) {
		letter_read(statement, &letter);
		if (!fn(ctx, &letter))
			break;
	}
	int code = spool_code(spool->db, r);

	sqlite3_reset(statement);
	return code;
}

int spool_dead(struct spool *spool, const char *output, int64_t number, spool_dead_fn fn, void *ctx)
{
	sqlite3_stmt *statement = spool_statement(spool, SQL_DEAD);

	if (!statement)
		return spool_code(spool->db, sqlite3_errcode(spool->db));
	bind_which(statement, output, number);
	return each_letter(spool, statement, fn, ctx);
}

int spool_dead_marked(struct spool *spool, const char *output, spool_dead_fn fn, void *ctx)
{
	sqlite3_stmt *statement = spool_statement(spool, SQL_DEAD_MARKED);

	if (!statement)
		return spool_code(spool->db, sqlite3_errcode(spool->db));
	spool_bind_text(statement, 1, str_of(output));
	return each_letter(spool, statement, fn, ctx);
}
