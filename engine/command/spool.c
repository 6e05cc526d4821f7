/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spoor spool: what waits for delivery, and the dead letters: alerts that a receiver has refused
 * for good. Works beside a running sensor, which notices what is to be retried within seconds.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>

#include "base/buf.h"
#include "base/common.h"
#include "base/text.h"
#include "command.h"
#include "delivery/clock.h"
#include "config/spool_use.h"
#include "page/table.h"
#include "page/when.h"

struct listing {
	const char *output; /* only its letters; NULL: all */
	json_t *outputs, *letters;
	struct table output_table, letter_table;
	bool found;
	bool failed; /* for want of memory */
};

/* A part of the listing; NULL: it could not be made. */
static void add_json(struct listing *l, json_t *list, json_t *item)
{
	l->failed |= json_array_append_new(list, item) < 0;
}

/* A text of the spool for a person: reasons are what receivers said. */
static const char *printable(struct buf *out, struct str text)
{
	buf_str(out, text);
	buf_cstr(out);
	if (out->data)
		text_clean(out->data, out->len);
	return buf_cstr(out);
}

/* ---- list -------------------- */

static void list_output(void *ctx, const struct spool_output *output)
{
	struct listing *l = ctx;
	struct buf name = { 0 };
	char waiting[24], dead[24], age[WHEN_SIZE] = "-";

	if (l->output && !str_equal(output->name, str_of(l->output)))
		return;
	l->found = true;
	snprintf(waiting, sizeof(waiting), "%" PRIu64, output->waiting);
	snprintf(dead, sizeof(dead), "%" PRIu64, output->dead);
	if (output->oldest)
		when_age(age, clock_epoch() - MIN(output->oldest, clock_epoch()));
	add_json(l, l->outputs,
		 json_pack("{s:s s:I s:I s:I}", "name", printable(&name, output->name), "waiting",
			   (json_int_t)output->waiting, "oldest_ns", (json_int_t)output->oldest,
			   "dead", (json_int_t)output->dead));
	table_add(&l->output_table, (const char *[]){ buf_cstr(&name), waiting, age, dead });
	buf_free(&name);
}

static bool list_letter(void *ctx, const struct dead_letter *letter)
{
	struct listing *l = ctx;
	struct buf texts[4] = { 0 };
	const struct str parts[4] = { letter->output, letter->row.event, letter->reason,
				      letter->row.id };
	const char *shown[4];
	char number[24], died[WHEN_SIZE], attempts[16];

	for (int i = 0; i < 4; i++)
		shown[i] = printable(&texts[i], parts[i]);
	snprintf(number, sizeof(number), "%" PRId64, letter->number);
	snprintf(attempts, sizeof(attempts), "%u%s", letter->attempts, letter->retry ? "+" : "");
	when_time(died, letter->died);
	add_json(l, l->letters,
		 json_pack("{s:I s:s s:s s:s s:i s:b s:s s:s}", "number",
			   (json_int_t)letter->number, "output", shown[0], "died", died, "event",
			   shown[1], "attempts", (int)letter->attempts, "retry", (int)letter->retry,
			   "reason", shown[2], "id", shown[3]));
	table_add(&l->letter_table,
		  (const char *[]){ number, shown[0], died, attempts, shown[1], shown[2] });
	for (int i = 0; i < 4; i++)
		buf_free(&texts[i]);
	return true;
}

static void print_listing(const struct options *options, struct listing *l)
{
	struct buf out = { 0 };

	if (options->json) {
		json_t *all = json_pack("{s:O s:O}", "outputs", l->outputs, "dead", l->letters);

		json_dumpf(all, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(all);
		return;
	}
	if (l->output_table.count)
		table_write(&out, &l->output_table, table_width());
	else
		buf_lit(&out, "no output has ever used this spool\n");
	if (l->letter_table.count) {
		buf_char(&out, '\n');
		table_write(&out, &l->letter_table, table_width());
	}
	fwrite(out.data, 1, out.len, stdout);
	buf_free(&out);
}

static int list(struct spool *spool, const struct options *options, int argc, char **argv)
{
	struct listing l = {
		.output = argc ? argv[0] : NULL,
		.outputs = json_array(),
		.letters = json_array(),
		.output_table = { .headings = { "OUTPUT", "WAITING", "OLDEST", "DEAD" },
				  .columns = 4 },
		.letter_table = { .headings = { "NUMBER", "OUTPUT", "REFUSED", "TRIES", "EVENT",
						"REASON" },
				  .columns = 6 },
	};
	int r = spool_outputs(spool, list_output, &l);

	if (r == 0)
		r = spool_dead(spool, l.output, 0, list_letter, &l);
	if (r == 0 && l.failed) {
		fputs("spoor spool list: out of memory\n", stderr);
		r = -EINVAL;
	} else if (r == 0 && l.output && !l.found) {
		fprintf(stderr, "spoor spool list: no output is called '%s'\n", l.output);
		r = -EINVAL;
	} else if (r == 0) {
		print_listing(options, &l);
	}
	table_free(&l.output_table);
	table_free(&l.letter_table);
	json_decref(l.outputs);
	json_decref(l.letters);
	return r;
}

/* ---- show, retry, drop -------------------- */

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text) && strlen(text) < 19;
}

static bool show_letter(void *ctx, const struct dead_letter *letter)
{
	struct buf output = { 0 }, reason = { 0 };
	char died[WHEN_SIZE];

	*(bool *)ctx = true;
	when_time(died, letter->died);
	fprintf(stderr, "output %s, refused %s after %u tries: %s\n",
		printable(&output, letter->output), died, letter->attempts,
		printable(&reason, letter->reason));
	buf_free(&output);
	buf_free(&reason);
	printf("%.*s\n", (int)letter->row.json.len, letter->row.json.data);
	return true;
}

static int show(struct spool *spool, const struct options *options, int argc, char **argv)
{
	int r = 0;

	(void)options;
	for (int i = 0; i < argc && r >= 0; i++) {
		bool found = false;

		if (is_number(argv[i]))
			r = spool_dead(spool, NULL, strtoll(argv[i], NULL, 10), show_letter,
				       &found);
		if (r == 0 && !found) {
			fprintf(stderr, "spoor spool show: there is no dead letter '%s'\n",
				argv[i]);
			r = -EINVAL;
		}
	}
	return r;
}

/* Numbers, names of outputs, or all. */
static int change(struct spool *spool, int argc, char **argv, const char *what,
		  int (*fn)(struct spool *spool, const char *output, int64_t number))
{
	int total = 0;

	for (int i = 0; i < argc; i++) {
		bool number = is_number(argv[i]), all = !strcmp(argv[i], "all");
		int r = fn(spool, number || all ? NULL : argv[i],
			   number ? strtoll(argv[i], NULL, 10) : 0);

		if (r < 0)
			return r;
		if (r == 0 && !all) {
			fprintf(stderr, "spoor spool: there is no dead letter '%s'\n", argv[i]);
			return -EINVAL;
		}
		total += r;
	}
	printf("%d dead letter%s %s\n", total, total == 1 ? "" : "s", what);
	return 0;
}

static int retry(struct spool *spool, const struct options *options, int argc, char **argv)
{
	(void)options;
	return change(spool, argc, argv, "will be sent again", spool_dead_mark);
}

static int drop(struct spool *spool, const struct options *options, int argc, char **argv)
{
	(void)options;
	return change(spool, argc, argv, "dropped", spool_dead_drop);
}

/* ---- the command -------------------- */

static const struct action {
	const char *name;
	int least, most; /* operands */
	enum spool_mode mode;
	int (*run)(struct spool *spool, const struct options *options, int argc, char **argv);
} actions[] = {
	{ "list", 0, 1, SPOOL_READER, list },
	{ "show", 1, 1000, SPOOL_READER, show },
	{ "retry", 1, 1000, SPOOL_EDITOR, retry },
	{ "drop", 1, 1000, SPOOL_EDITOR, drop },
};

static int spool_run(const struct options *options, int argc, char **argv)
{
	struct spool *spool = NULL;
	const struct action *action = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (argc && !strcmp(argv[0], actions[i].name))
			action = &actions[i];
	if (!action || argc - 1 < action->least || argc - 1 > action->most) {
		fputs("spoor spool: say what: list [OUTPUT], show NUMBER..., retry or drop followed by "
		      "numbers, names of outputs or all\nTry 'spoor spool --help'.\n",
		      stderr);
		return EXIT_USAGE;
	}
	int status = spool_use(options, action->mode, &spool);

	if (status != EXIT_FINE)
		return status;
	return spool_used_by("spool", options, spool,
			     action->run(spool, options, argc - 1, argv + 1));
}

const struct command command_spool = {
	.name = "spool",
	.arguments = "[options] list|show|retry|drop [NUMBER|OUTPUT|all...]",
	.summary = "what waits for delivery, and what was refused",
	.help = "The spool holds every alert until each output has delivered it. An alert that a\n"
		"receiver refuses for good becomes a dead letter of that output: kept, with the\n"
		"receiver's reason, until it is sent again or dropped.\n\n"
		"  list [OUTPUT]         outputs: what waits, since when; dead letters\n"
		"  show NUMBER...        a dead letter's alert, as JSON\n"
		"  retry WHICH...        send again: numbers, outputs, or all; a running sensor does it\n"
		"                        within seconds, else the next one\n"
		"  drop WHICH...         delete dead letters\n\n"
		"Examples:\n"
		"  spoor spool list -c /etc/spoor/spoor.yaml\n"
		"  spoor spool retry siem",
	.options = "config spool json",
	.run = spool_run,
};
