/* SPDX-License-Identifier: Apache-2.0 */
/* spoor alerts: the history that the spool keeps, as a table or as the alerts' own JSON. */
#include <inttypes.h>

#include "base/buf.h"
#include "base/common.h"
#include "base/suggest.h"
#include "command.h"
#include "delivery/clock.h"
#include "config/spool_use.h"
#include "page/table.h"
#include "page/when.h"

static bool print_json(void *ctx, const struct row *row)
{
	++*(uint64_t *)ctx;
	printf("%.*s\n", (int)row->json.len, row->json.data);
	return true;
}

static bool add_row(void *ctx, const struct row *row)
{
	struct table *table = ctx;
	struct buf texts[4] = { 0 };
	const struct str parts[4] = { row->event, row->detector, row->process, row->container };
	char time[WHEN_SIZE], pid[16];

	for (int i = 0; i < 4; i++)
		buf_str(&texts[i], parts[i]);
	if (texts[3].len > 12)
		texts[3].len = 12; /* as container tools show it */
	when_time(time, row->time);
	snprintf(pid, sizeof(pid), "%u", row->pid);
	table_add(table,
		  (const char *[]){ time,
				    row->severity >= 0 && row->severity < SEVERITY_COUNT
					    ? severity_names[row->severity]
					    : "-",
				    buf_cstr(&texts[0]), buf_cstr(&texts[1]), row->pid ? pid : "-",
				    buf_cstr(&texts[2]), buf_cstr(&texts[3]) });
	for (int i = 0; i < 4; i++)
		buf_free(&texts[i]);
	return true;
}

/* ---- what is asked for -------------------- */

static bool read_severity(const char *text, int32_t *out)
{
	struct suggest suggest;

	*out = severity_by_name(str_of(text));
	if (*out >= 0)
		return true;
	suggest_start(&suggest, str_of(text));
	for (int i = 0; i < SEVERITY_COUNT; i++)
		suggest_try(&suggest, str_of(severity_names[i]));
	fprintf(stderr, "spoor alerts: option --severity %s: there is no such severity\n", text);
	if (suggest.best.data)
		fprintf(stderr, "    hint: did you mean '%.*s'?\n", (int)suggest.best.len,
			suggest.best.data);
	else
		fputs("    hint: one of info, low, medium, high, critical\n", stderr);
	return false;
}

static bool read_moment(const char *option, const char *text, uint64_t *out)
{
	if (!text || when_parse(text, clock_epoch(), out))
		return true;
	fprintf(stderr,
		"spoor alerts: option --%s %s: expected a time\n"
		"    hint: 2026-09-20T10:11:12Z, 2026-09-20, or how long ago: 30m, 12h, 7d\n",
		option, text);
	return false;
}

static bool read_query(const struct options *options, struct spool_query *query)
{
	*query = (struct spool_query){ .rule = options->rule,
				       .process = options->process,
				       .container = options->container,
				       .limit = (uint32_t)MIN(options->limit, (size_t)1000000) };
	if (options->severity && !read_severity(options->severity, &query->severity))
		return false;
	return read_moment("since", options->since, &query->since) &&
	       read_moment("until", options->until, &query->until);
}

/* ---- the command -------------------- */

static int find(struct spool *spool, const struct spool_query *query, bool json)
{
	struct table table = { .headings = { "TIME", "SEVERITY", "ALERT", "RULE", "PID", "PROCESS",
					     "CONTAINER" },
			       .columns = 7 };
	struct buf out = { 0 };
	uint64_t count = 0;
	int r = json ? spool_find(spool, query, print_json, &count)
		     : spool_find(spool, query, add_row, &table);

	if (r == 0 && !json && table.count) {
		table_write(&out, &table, table_width());
		fwrite(out.data, 1, out.len, stdout);
	} else if (r == 0 && !json) {
		fputs("no alerts\n", stderr);
	}
	buf_free(&out);
	table_free(&table);
	return r;
}

static int alerts_run(const struct options *options, int argc, char **argv)
{
	struct spool_query query;
	struct spool *spool = NULL;

	if (argc) {
		fprintf(stderr, "spoor alerts: takes no operands, found '%s'\n", argv[0]);
		return EXIT_USAGE;
	}
	if (!read_query(options, &query))
		return EXIT_USAGE;
	int status = spool_use(options, SPOOL_READER, &spool);

	if (status != EXIT_FINE)
		return status;
	return spool_used_by("alerts", options, spool, find(spool, &query, options->json));
}

const struct command command_alerts = {
	.name = "alerts",
	.arguments = "[options]",
	.summary = "query the alerts that the spool keeps",
	.help = "Shows alerts from the spool, delivered or not, the newest last: at most --limit, as far\n"
		"back as spool.max_age and spool.max_bytes keep them. Works while the sensor runs.\n\n"
		"Examples:\n"
		"  spoor alerts --since 1h --severity high\n"
		"  spoor alerts --rule ipc_exec_segment --container 4f0c9e1d2b3a --json\n"
		"  spoor alerts --process /tmp/ --since 2026-09-20 --until 2026-09-21",
	.options = "config spool since until severity rule process container limit json",
	.run = alerts_run,
};
