/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the spool: what outputs take, what the commands show. */
#include <errno.h>

#include "base/buf.h"
#include "delivery/spool_private.h"

struct str spool_column(sqlite3_stmt *statement, int index)
{
	const char *data = (const char *)sqlite3_column_text(statement, index);

	return data ? (struct str){ data, (uint32_t)sqlite3_column_bytes(statement, index) }
		    : STR("");
}

void spool_column_row(sqlite3_stmt *statement, int first, struct row *row)
{
	row->position = (uint64_t)sqlite3_column_int64(statement, first);
	row->sequence = (uint64_t)sqlite3_column_int64(statement, first + 1);
	row->time = (uint64_t)sqlite3_column_int64(statement, first + 2);
	row->arrived = (uint64_t)sqlite3_column_int64(statement, first + 3);
	row->severity = sqlite3_column_int(statement, first + 4);
	row->pid = (uint32_t)sqlite3_column_int64(statement, first + 5);
	for (int i = 0; i < ROW_TEXTS; i++)
		row->texts[i] = spool_column(statement, first + 6 + i);
}

/* Steps through what is bound; each row goes to fn. */
static int each_row(struct spool *spool, sqlite3_stmt *statement, spool_row_fn fn, void *ctx)
{
	struct row row;
	int r = SQLITE_ROW;

	while ((r = sqlite3_step(statement)) == SQLITE_ROW) {
		spool_column_row(statement, 0, &row);
		if (!fn(ctx, &row))
			break;
	}
	int code = spool_code(spool->db, r);

	sqlite3_reset(statement);
	return code;
}

int spool_read(struct spool *spool, uint64_t after, uint32_t limit, spool_row_fn fn, void *ctx)
{
	sqlite3_stmt *statement = spool_statement(spool, SQL_READ);

	if (!statement)
		return spool_code(spool->db, sqlite3_errcode(spool->db));
	sqlite3_bind_int64(statement, 1, (sqlite3_int64)after);
	sqlite3_bind_int64(statement, 2, limit);
	return each_row(spool, statement, fn, ctx);
}

int spool_outputs(struct spool *spool, spool_output_fn fn, void *ctx)
{
	sqlite3_stmt *statement = spool_statement(spool, SQL_OUTPUTS);
	int r = statement ? SQLITE_OK : sqlite3_errcode(spool->db);

	while (statement && (r = sqlite3_step(statement)) == SQLITE_ROW) {
		struct spool_output output = {
			.name = spool_column(statement, 0),
			.cursor = (uint64_t)sqlite3_column_int64(statement, 1),
			.waiting = (uint64_t)sqlite3_column_int64(statement, 2),
			.dead = (uint64_t)sqlite3_column_int64(statement, 3),
			.oldest = (uint64_t)sqlite3_column_int64(statement, 4),
		};

		fn(ctx, &output);
	}
	sqlite3_reset(statement);
	return spool_code(spool->db, r);
}

int spool_summary(struct spool *spool, struct spool_summary *out)
{
	sqlite3_stmt *statement = spool_statement(spool, SQL_SUMMARY);
	int code = spool_run(spool, statement);

	if (code < 0)
		return code;
	*out = (struct spool_summary){
		.rows = (uint64_t)sqlite3_column_int64(statement, 0),
		.oldest = (uint64_t)sqlite3_column_int64(statement, 1),
		.newest = (uint64_t)sqlite3_column_int64(statement, 2),
		.first = (uint64_t)sqlite3_column_int64(statement, 3),
		.last = (uint64_t)sqlite3_column_int64(statement, 4),
	};
	sqlite3_reset(statement);
	code = spool_reload_next(spool);
	out->sequence = spool->sequence;
	return code < 0 ? code : spool_used(spool, &out->bytes);
}

/* ---- queries ---------------------------------------------------------------------- */

struct condition {
	const char *sql;
	struct str text; /* data == NULL: the number */
	uint64_t number;
	bool wanted;
};

static bool is_number(const char *text)
{
	return text && *text && !text[strspn(text, "0123456789")];
}

enum { CONDITIONS = 6 };

static void conditions_fill(struct condition conditions[CONDITIONS],
			    const struct spool_query *query)
{
	bool pid = is_number(query->process);
	struct condition all[CONDITIONS] = {
		{ "time >= ?", { 0 }, query->since, query->since },
		{ "time <= ?", { 0 }, query->until, query->until },
		{ "severity >= ?", { 0 }, (uint64_t)query->severity, query->severity > 0 },
		{ "? IN (event, detector)", str_of(query->rule ? query->rule : ""), 0,
		  query->rule },
		{ pid ? "pid = ?" : "instr(process, ?)",
		  pid ? (struct str){ 0 } : str_of(query->process ? query->process : ""),
		  pid ? strtoull(query->process, NULL, 10) : 0, query->process },
		{ "instr(container, ?) = 1", str_of(query->container ? query->container : ""), 0,
		  query->container },
	};

	memcpy(conditions, all, sizeof(all));
}

static sqlite3_stmt *query_prepare(struct spool *spool, const struct condition *conditions,
				   uint32_t limit)
{
	struct buf sql = { 0 };
	sqlite3_stmt *statement = NULL;
	int bound = 0;

	buf_lit(&sql, "SELECT position FROM alert WHERE 1");
	for (int i = 0; i < CONDITIONS; i++)
		if (conditions[i].wanted)
			buf_printf(&sql, " AND %s", conditions[i].sql);
	buf_lit(&sql, " ORDER BY time DESC, position DESC LIMIT ?");
	sqlite3_prepare_v2(spool->db, buf_cstr(&sql), -1, &statement, NULL);
	buf_free(&sql);
	for (int i = 0; i < CONDITIONS; i++)
		if (conditions[i].wanted && conditions[i].text.data)
			spool_bind_text(statement, ++bound, conditions[i].text);
		else if (conditions[i].wanted)
			sqlite3_bind_int64(statement, ++bound, (sqlite3_int64)conditions[i].number);
	sqlite3_bind_int64(statement, ++bound, limit);
	return statement;
}

/* The newest are found first and shown last: only their positions are kept meanwhile. */
static int find_positions(struct spool *spool, sqlite3_stmt *statement, uint64_t *out,
			  uint32_t *count)
{
	int r;

	while ((r = sqlite3_step(statement)) == SQLITE_ROW)
		out[(*count)++] = (uint64_t)sqlite3_column_int64(statement, 0);
	return spool_code(spool->db, r);
}

int spool_find(struct spool *spool, const struct spool_query *query, spool_row_fn fn, void *ctx)
{
	struct condition conditions[CONDITIONS];
	autoclean(freep) uint64_t *positions = calloc(query->limit + 1, sizeof(*positions));
	uint32_t count = 0;

	if (!positions)
		return -ENOMEM;
	conditions_fill(conditions, query);
	sqlite3_stmt *statement = query_prepare(spool, conditions, query->limit);

	if (!statement)
		return spool_code(spool->db, sqlite3_errcode(spool->db));
	int code = find_positions(spool, statement, positions, &count);

	sqlite3_finalize(statement);
	while (code == 0 && count-- > 0)
		code = spool_read(spool, positions[count] - 1, 1, fn, ctx);
	return code;
}
