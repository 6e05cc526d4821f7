/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spool's connection, and what the delivering thread writes; see spool.h. Statements are
 * prepared when they are first used and kept. spool_read.c reads, spool_dead.c is for dead letters.
 */
#include <errno.h>

#include "base/common.h"
#include "delivery/clock.h"
#include "delivery/fault.h"
#include "delivery/spool_private.h"

enum { SPOOL_VERSION = 1, BUSY_MS = 5000, SPOOL_PAGE = 8192 };

/* The id is written before there is a log: it stands in the file itself from the beginning. */
static const char schema[] =
	"PRAGMA page_size = 8192;"	      /* SPOOL_PAGE */
	"PRAGMA application_id = 1397772114;" /* SPOOL_APPLICATION */
	"PRAGMA journal_mode = WAL;"
	"BEGIN IMMEDIATE;"
	"CREATE TABLE IF NOT EXISTS alert (position INTEGER PRIMARY KEY, sequence INTEGER,"
	" time INTEGER, arrived INTEGER, severity INTEGER, pid INTEGER, id TEXT, event TEXT,"
	" detector TEXT, process TEXT, container TEXT, policies TEXT, json TEXT);"
	"CREATE INDEX IF NOT EXISTS alert_time ON alert (time);"
	"CREATE TABLE IF NOT EXISTS output (name TEXT PRIMARY KEY, cursor INTEGER);"
	"CREATE TABLE IF NOT EXISTS dead (number INTEGER PRIMARY KEY AUTOINCREMENT, output TEXT,"
	" died INTEGER, attempts INTEGER, reason TEXT, retry INTEGER, position INTEGER,"
	" sequence INTEGER, time INTEGER, arrived INTEGER, severity INTEGER, pid INTEGER,"
	" id TEXT, event TEXT, detector TEXT, process TEXT, container TEXT, policies TEXT, json TEXT);"
	"CREATE INDEX IF NOT EXISTS dead_output ON dead (output, number);"
	"CREATE INDEX IF NOT EXISTS dead_retry ON dead (output, number) WHERE retry = 1;"
	"CREATE TABLE IF NOT EXISTS state (only INTEGER PRIMARY KEY CHECK (only = 1),"
	" next INTEGER, sequence INTEGER);"
	"INSERT OR IGNORE INTO state VALUES (1, 1, 0);"
	"CREATE TABLE IF NOT EXISTS life (only INTEGER PRIMARY KEY CHECK (only = 1),"
	" number INTEGER, settled INTEGER);"
	"INSERT OR IGNORE INTO life VALUES (1, 0, 0);"
	"CREATE TABLE IF NOT EXISTS untold (reason TEXT PRIMARY KEY, count INTEGER, first INTEGER,"
	" last INTEGER, since INTEGER, until INTEGER);"
	"PRAGMA user_version = 1;"
	"COMMIT;";

static const char *const statement_texts[] = {
#define STATEMENT(name, sql) [SQL_##name] = sql,
#include "delivery/spool.def"
#undef STATEMENT
};

/* ---- errors ---------------------------------------------------------------------- */

int spool_code(sqlite3 *db, int r)
{
	static const struct {
		int sqlite, code;
	} codes[] = {
		{ SQLITE_FULL, -ENOSPC },     { SQLITE_BUSY, -EBUSY },
		{ SQLITE_LOCKED, -EBUSY },    { SQLITE_CORRUPT, -EBADMSG },
		{ SQLITE_NOTADB, -EBADMSG },  { SQLITE_READONLY, -EROFS },
		{ SQLITE_CANTOPEN, -ENOENT }, { SQLITE_NOMEM, -ENOMEM },
		{ SQLITE_PERM, -EACCES },     { SQLITE_TOOBIG, -EFBIG },
	};

	if (r == SQLITE_OK || r == SQLITE_ROW || r == SQLITE_DONE)
		return 0;
	if ((r & 0xff) == SQLITE_IOERR && db && sqlite3_system_errno(db) == ENOSPC)
		return -ENOSPC;
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if ((r & 0xff) == codes[i].sqlite)
			return codes[i].code;
	return -EIO;
}

const char *spool_error(const struct spool *spool)
{
	return sqlite3_errmsg(spool->db);
}

sqlite3_stmt *spool_statement(struct spool *spool, enum spool_sql which)
{
	sqlite3_stmt **statement = &spool->statements[which];

	if (*statement)
		sqlite3_reset(*statement);
	else
		sqlite3_prepare_v3(spool->db, statement_texts[which], -1, SQLITE_PREPARE_PERSISTENT,
				   statement, NULL);
	return *statement;
}

int spool_run(struct spool *spool, sqlite3_stmt *statement)
{
	int r = statement ? sqlite3_step(statement) : sqlite3_errcode(spool->db);
	int code = r == SQLITE_ROW ? 0 : spool_code(spool->db, r);

	if (r != SQLITE_ROW && statement)
		sqlite3_reset(statement);
	return code;
}

static int run_plain(struct spool *spool, enum spool_sql which)
{
	return spool_run(spool, spool_statement(spool, which));
}

int spool_read_number(struct spool *spool, const char *sql, int64_t *out)
{
	sqlite3_stmt *statement = NULL;
	int r = sqlite3_prepare_v2(spool->db, sql, -1, &statement, NULL);

	if (r == SQLITE_OK)
		r = sqlite3_step(statement);
	if (r == SQLITE_ROW)
		*out = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return spool_code(spool->db, r);
}

/* ---- opening ---------------------------------------------------------------------- */

static int check_version(struct spool *spool, const char *path, struct err *err)
{
	int64_t version = 0;
	int code = spool_read_number(spool, "PRAGMA user_version", &version);

	if (code < 0)
		return spool_fail_open(path, code, spool_error(spool), err);
	if (version > SPOOL_VERSION)
		return spool_fail_open(path, -EPROTO, "a newer version of this program made it",
				       err);
	if (!version && spool->mode != SPOOL_WRITER)
		return spool_fail_open(path, -ENODATA, "there are no alerts in it", err);
	return 0;
}

static int prepare(struct spool *spool, const char *path, struct err *err)
{
	int code = spool_check_owner(spool, path, err);

	if (code == 0)
		code = check_version(spool, path, err);
	if (code < 0 || spool->mode != SPOOL_WRITER)
		return code;
	int r = sqlite3_exec(spool->db, schema, NULL, NULL, NULL);

	/* FULL: the log is synced at every commit, so that it survives a loss of power. */
	if (r == SQLITE_OK)
		r = sqlite3_exec(spool->db,
				 "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
				 "PRAGMA journal_size_limit = 67108864;",
				 NULL, NULL, NULL);
	if (r != SQLITE_OK)
		return spool_fail_open(path, spool_code(spool->db, r), spool_error(spool), err);
	code = spool_reload_next(spool);
	return code < 0 ? spool_fail_open(path, code, spool_error(spool), err) : 0;
}

int spool_open(const char *path, enum spool_mode mode, struct spool **out, struct err *err)
{
	autoclean(spool_closep) struct spool *spool = calloc(1, sizeof(*spool));
	int flags = SQLITE_OPEN_NOMUTEX |
		    (mode == SPOOL_READER ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);

	if (!spool)
		return err_set(err, -ENOMEM, "out of memory");
	spool->mode = mode;
	if (mode != SPOOL_WRITER && access(path, F_OK) < 0) {
		err_set(err, -errno, "there is no spool %s: %s", path, strerror(errno));
		err_hint(err, "'spoor run --config FILE' makes it; --config FILE, or --spool FILE, "
			      "says where it is");
		return err->code;
	}
	if (mode == SPOOL_WRITER && spool_make_file(path, err) < 0)
		return err->code;
	int r = sqlite3_open_v2(path, &spool->db, flags, NULL);

	if (r != SQLITE_OK)
		return spool_fail_open(path, spool_code(spool->db, r),
				       spool->db ? spool_error(spool) : "out of memory", err);
	sqlite3_extended_result_codes(spool->db, 1);
	sqlite3_busy_timeout(spool->db, BUSY_MS);
	int code = prepare(spool, path, err);

	if (code < 0)
		return code;
	*out = take(spool);
	return 0;
}

void spool_close(struct spool *spool)
{
	if (!spool)
		return;
	for (size_t i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(spool->statements[i]);
	sqlite3_close(spool->db);
	free(spool);
}

/* ---- writing ----------------------------------------------------------------------- */

int spool_reload_next(struct spool *spool)
{
	sqlite3_stmt *statement = spool_statement(spool, SQL_STATE);
	int code = spool_run(spool, statement);

	if (code == 0) {
		spool->next = (uint64_t)sqlite3_column_int64(statement, 0);
		spool->sequence = (uint64_t)sqlite3_column_int64(statement, 1);
		sqlite3_reset(statement);
	}
	return code;
}

static int on_commit(void *ctx, sqlite3 *db, const char *name, int pages)
{
	struct spool *spool = ctx;

	(void)db, (void)name;
	spool->log_bytes = (uint64_t)pages * SPOOL_PAGE;
	return SQLITE_OK;
}

/* The next position is read again: another connection of this process may have used it. */
int spool_begin(struct spool *spool)
{
	sqlite3_wal_hook(spool->db, on_commit, spool);
	spool->now = clock_epoch();
	int code = run_plain(spool, SQL_BEGIN);

	if (code == 0)
		code = spool_reload_next(spool);
	spool->saved_next = spool->next;
	spool->saved_sequence = spool->sequence;
	spool->saved_settled = spool->settled;
	return code;
}

static int store_state(struct spool *spool)
{
	sqlite3_stmt *statement = spool_statement(spool, SQL_STORE_STATE);

	sqlite3_bind_int64(statement, 1, (sqlite3_int64)spool->next);
	sqlite3_bind_int64(statement, 2, (sqlite3_int64)spool->sequence);
	return spool_run(spool, statement);
}

int spool_commit(struct spool *spool)
{
	int code = 0;

	if (spool->next != spool->saved_next || spool->sequence != spool->saved_sequence)
		code = store_state(spool);
	if (code == 0 && spool->settled != spool->saved_settled)
		code = spool_store_life(spool);
	FAULT(before_commit);
	return code < 0 ? code : run_plain(spool, SQL_COMMIT);
}

void spool_rollback(struct spool *spool)
{
	if (!sqlite3_get_autocommit(spool->db))
		run_plain(spool, SQL_ROLLBACK);
	spool->next = spool->saved_next;
	spool->sequence = spool->saved_sequence;
	spool->settled = spool->saved_settled;
}

void spool_bind_text(sqlite3_stmt *statement, int index, struct str text)
{
	sqlite3_bind_text(statement, index, text.data ? text.data : "", (int)text.len,
			  SQLITE_STATIC);
}

void spool_bind_row(sqlite3_stmt *statement, int first, const struct row *row)
{
	sqlite3_bind_int64(statement, first, (sqlite3_int64)row->position);
	sqlite3_bind_int64(statement, first + 1, (sqlite3_int64)row->sequence);
	sqlite3_bind_int64(statement, first + 2, (sqlite3_int64)row->time);
	sqlite3_bind_int64(statement, first + 3, (sqlite3_int64)row->arrived);
	sqlite3_bind_int(statement, first + 4, row->severity);
	sqlite3_bind_int64(statement, first + 5, row->pid);
	for (int i = 0; i < ROW_TEXTS; i++)
		spool_bind_text(statement, first + 6 + i, row->texts[i]);
}

int spool_add(struct spool *spool, struct row *row)
{
	sqlite3_stmt *statement = spool_statement(spool, SQL_ADD);

	if (!statement)
		return spool_code(spool->db, sqlite3_errcode(spool->db));
	row->position = spool->next;
	row->arrived = spool->now;
	spool_bind_row(statement, 1, row);
	int code = spool_run(spool, statement);

	if (code < 0)
		return code;
	spool->next++;
	spool_note_sequence(spool, row->sequence);
	FAULT(row_added);
	return 0;
}

void spool_note_sequence(struct spool *spool, uint64_t sequence)
{
	spool->sequence = MAX(spool->sequence, sequence);
}

uint64_t spool_next(const struct spool *spool)
{
	return spool->next;
}

/* A reader in the way is no failure: the next one moves more. */
int spool_checkpoint(struct spool *spool)
{
	int r = sqlite3_wal_checkpoint_v2(spool->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

	spool->log_bytes = 0;
	FAULT(checkpointed);
	return (r & 0xff) == SQLITE_BUSY ? 0 : spool_code(spool->db, r);
}

uint64_t spool_log_bytes(const struct spool *spool)
{
	return spool->log_bytes;
}

/* One number of a statement that is bound; NULL counts as 0. */
static int run_number(struct spool *spool, sqlite3_stmt *statement, uint64_t *out)
{
	int code = spool_run(spool, statement);

	if (code == 0) {
		*out = (uint64_t)sqlite3_column_int64(statement, 0);
		sqlite3_reset(statement);
	}
	return code;
}

int spool_used(struct spool *spool, uint64_t *out)
{
	uint64_t pages = 0, spare = 0;
	int code = run_number(spool, spool_statement(spool, SQL_PAGE_COUNT), &pages);

	if (code == 0)
		code = run_number(spool, spool_statement(spool, SQL_FREE_COUNT), &spare);
	if (code == 0)
		*out = (pages - spare) * SPOOL_PAGE;
	return code;
}

int spool_output(struct spool *spool, const char *name, uint64_t *cursor)
{
	sqlite3_stmt *statement = spool_statement(spool, SQL_MAKE_OUTPUT);

	spool_bind_text(statement, 1, str_of(name));
	int code = spool_run(spool, statement);

	if (code < 0)
		return code;
	statement = spool_statement(spool, SQL_CURSOR);
	spool_bind_text(statement, 1, str_of(name));
	return run_number(spool, statement, cursor);
}

int spool_move_cursor(struct spool *spool, const char *name, uint64_t cursor)
{
	sqlite3_stmt *statement = spool_statement(spool, SQL_MOVE_CURSOR);

	spool_bind_text(statement, 1, str_of(name));
	sqlite3_bind_int64(statement, 2, (sqlite3_int64)cursor);
	int code = spool_run(spool, statement);

	FAULT(cursor_written);
	return code;
}

int spool_first(struct spool *spool, uint64_t *out)
{
	return run_number(spool, spool_statement(spool, SQL_FIRST), out);
}

int spool_trim_bound(struct spool *spool, const struct spool_range *range, uint64_t *through)
{
	sqlite3_stmt *statement = spool_statement(spool, SQL_TRIM_BOUND);

	sqlite3_bind_int64(statement, 1, (sqlite3_int64)range->first);
	sqlite3_bind_int64(statement, 2, (sqlite3_int64)range->last);
	sqlite3_bind_int64(statement, 3, range->count);
	sqlite3_bind_int64(statement, 4,
			   range->arrived ? (sqlite3_int64)range->arrived : INT64_MAX);
	return run_number(spool, statement, through);
}

int spool_trim(struct spool *spool, uint64_t first, uint64_t last)
{
	sqlite3_stmt *statement = spool_statement(spool, SQL_TRIM);

	sqlite3_bind_int64(statement, 1, (sqlite3_int64)first);
	sqlite3_bind_int64(statement, 2, (sqlite3_int64)last);
	int code = spool_run(spool, statement);

	FAULT(rows_trimmed);
	return code < 0 ? code : sqlite3_changes(spool->db);
}
