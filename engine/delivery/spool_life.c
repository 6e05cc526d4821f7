/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of all that was handed over, so that a kill at any point hides nothing. A life is
 * the time from one opening of the spool to the next; a record handed over in it is settled by the
 * transaction that adds its row or counts it as lost. The difference to the mark (mark.c) is what
 * was in memory at the end. Losses that no alerts_lost has told yet stand in a table meanwhile.
 */
#include "delivery/fault.h"
#include "delivery/spool_private.h"

int spool_life(struct spool *spool, uint64_t *life, uint64_t *settled)
{
	sqlite3_stmt *statement = spool_statement(spool, SQL_LIFE);
	int code = spool_run(spool, statement);

	if (code < 0)
		return code;
	*life = (uint64_t)sqlite3_column_int64(statement, 0);
	*settled = (uint64_t)sqlite3_column_int64(statement, 1);
	sqlite3_reset(statement);
	return 0;
}

int spool_store_life(struct spool *spool)
{
	sqlite3_stmt *statement = spool_statement(spool, SQL_STORE_LIFE);

	sqlite3_bind_int64(statement, 1, (sqlite3_int64)spool->life);
	sqlite3_bind_int64(statement, 2, (sqlite3_int64)spool->settled);
	return spool_run(spool, statement);
}

int spool_begin_life(struct spool *spool, uint64_t life)
{
	spool->life = life;
	spool->settled = 0;
	return spool_store_life(spool);
}

void spool_settle(struct spool *spool, uint64_t count)
{
	spool->settled += count;
}

int spool_store_untold(struct spool *spool, const char *reason, const struct loss *loss)
{
	sqlite3_stmt *statement = spool_statement(spool,
						  loss->count ? SQL_STORE_UNTOLD : SQL_DROP_UNTOLD);
	const uint64_t numbers[] = { loss->count, loss->first, loss->last, loss->since,
				     loss->until };

	spool_bind_text(statement, 1, str_of(reason));
	for (int i = 0; loss->count && i < (int)ARRAY_SIZE(numbers); i++)
		sqlite3_bind_int64(statement, i + 2, (sqlite3_int64)numbers[i]);
	spool_note_sequence(spool, loss->last);
	return spool_run(spool, statement);
}

int spool_untold(struct spool *spool, spool_untold_fn fn, void *ctx)
{
	sqlite3_stmt *statement = spool_statement(spool, SQL_UNTOLD);
	int r = statement ? SQLITE_OK : sqlite3_errcode(spool->db);

	while (statement && (r = sqlite3_step(statement)) == SQLITE_ROW) {
		struct loss loss = {
			.count = (uint64_t)sqlite3_column_int64(statement, 1),
			.first = (uint64_t)sqlite3_column_int64(statement, 2),
			.last = (uint64_t)sqlite3_column_int64(statement, 3),
			.since = (uint64_t)sqlite3_column_int64(statement, 4),
			.until = (uint64_t)sqlite3_column_int64(statement, 5),
		};

		fn(ctx, spool_column(statement, 0), &loss);
	}
	sqlite3_reset(statement);
	return spool_code(spool->db, r);
}
