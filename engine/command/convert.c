/* SPDX-License-Identifier: Apache-2.0 */
/* spoor convert: alerts from lines of our JSON to any format, without the sensor. */
#include <errno.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/common.h"
#include "base/suggest.h"
#include "command.h"
#include "encode/use.h"
#include "options.h"
#include "source/alert.h"
#include "source/lines.h"

enum { SETTINGS_MAX = 64, FAULTS_SHOWN = 10, FLUSH_AT = 256 * 1024 };

struct conversion {
	struct format_use use;
	bool decoded;
	bool begun;
	struct arena arena; /* of one line */
	struct buf out;
	uint64_t malformed;
	int status;
};

/* ---- what is asked for ------------------------------ */

static int usage(const char *what, const char *hint)
{
	fprintf(stderr, "spoor convert: %s\n    hint: %s\nTry 'spoor convert --help'.\n", what,
		hint);
	return EXIT_USAGE;
}

static const struct format *format_find(const char *name)
{
	const struct format *format = format_by_name(strcmp(name, "gotemplate") ? str_of(name)
										: STR("template"));
	struct suggest suggest;

	if (format)
		return format;
	suggest_start(&suggest, str_of(name));
	for (size_t i = 0; formats[i]; i++)
		suggest_try(&suggest, str_of(formats[i]->name));
	fprintf(stderr, "spoor convert: --to %s: there is no such format\n    hint: ", name);
	if (suggest.best.data)
		fprintf(stderr, "did you mean '%.*s'?\n", (int)suggest.best.len, suggest.best.data);
	else
		fputs("'spoor list formats' has them\n", stderr);
	return NULL;
}

/* --set NAME=VALUE */
static int pairs_read(const char *const *set, struct setting_pair pairs[SETTINGS_MAX],
		      uint32_t *count)
{
	for (size_t i = 0; set && set[i]; i++) {
		const char *equal = strchr(set[i], '=');

		if (!equal || i == SETTINGS_MAX) {
			fprintf(stderr, "spoor convert: --set %s: expected NAME=VALUE\n", set[i]);
			return EXIT_USAGE;
		}
		pairs[i] = (struct setting_pair){ { set[i], (uint32_t)(equal - set[i]) },
						  str_of(equal + 1) };
		*count = (uint32_t)i + 1;
	}
	return EXIT_FINE;
}

static int conversion_open(const struct options *options, struct conversion *conversion)
{
	struct setting_pair pairs[SETTINGS_MAX];
	uint32_t count = 0;
	struct err err = { 0 };

	if (!options->to)
		return usage("to which format?", "--to cef; 'spoor list formats' has them all");
	const struct format *format = format_find(options->to);

	if (!format)
		return EXIT_USAGE;
	if (format->binary && isatty(STDOUT_FILENO))
		return usage("this format is binary and standard output a terminal",
			     "send it to a file or a program");
	int status = pairs_read(options->set, pairs, &count);

	if (status != EXIT_FINE)
		return status;
	if (format_use_open(&conversion->use, format, pairs, count, NULL, &err) < 0) {
		bool usage = !err.path[0]; /* else a template is wrong */

		if (usage)
			err_at(&err, "spoor convert", 0, 0);
		err_print(stderr, &err);
		return usage ? EXIT_USAGE : EXIT_BAD_INPUT;
	}
	conversion->decoded = options->decoded_data;
	conversion->arena.limit = ALERT_ARENA_MAX;
	return EXIT_FINE;
}

/* ---- lines ------------------------------ */

static void report(struct conversion *conversion, const struct lines *lines, struct err *err)
{
	conversion->malformed++;
	conversion->status = EXIT_BAD_INPUT;
	if (conversion->malformed > FAULTS_SHOWN)
		return;
	err_at(err, lines->stream.name, (uint32_t)lines->number, err->column);
	err_print(stderr, err);
	if (conversion->malformed == FAULTS_SHOWN)
		fputs("spoor convert: further such lines are only counted\n", stderr);
}

static void flush(struct conversion *conversion)
{
	struct buf *out = &conversion->out;

	if (out->len && fwrite(out->data, 1, out->len, stdout) != out->len &&
	    conversion->status != EXIT_ENVIRONMENT) {
		fprintf(stderr, "spoor convert: cannot write: %s\n", strerror(errno));
		conversion->status = EXIT_ENVIRONMENT;
	}
	buf_clear(out);
}

static void convert_line(struct conversion *conversion, const struct lines *lines, struct str line)
{
	struct alert alert;
	struct err err = { 0 };
	size_t before;

	arena_reset(&conversion->arena);
	if (alert_read(&conversion->arena, line, &alert, &err) < 0) {
		report(conversion, lines, &err);
		return;
	}
	alert.options.decoded_data = conversion->decoded;
	if (!conversion->begun && conversion->use.format->begin)
		conversion->use.format->begin(&conversion->out, &alert.options);
	conversion->begun = true;
	before = conversion->out.len;
	format_use_write(&conversion->use, &conversion->out, &alert.event, &alert.options);
	if (conversion->out.truncated) {
		conversion->out.len = before;
		conversion->out.truncated = false;
		err_set(&err, -EFBIG, "the record is too large");
		report(conversion, lines, &err);
	}
	if (conversion->out.len >= FLUSH_AT)
		flush(conversion);
}

static bool is_blank(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
			return false;
	return true;
}

static bool is_capture(const struct lines *lines, const char *line, size_t len)
{
	return lines->number == 1 && len >= 8 && memcmp(line, "SPOORCAP", 8) == 0;
}

static void convert_lines(struct conversion *conversion, struct lines *lines)
{
	enum { WAIT_MS = 1000 };
	struct err err = { 0 };
	char *line;
	size_t len;
	int r;

	while ((r = lines_next(lines, WAIT_MS, &line, &len, &err)) >= 0) {
		memset(&err, 0, sizeof(err));
		if (r == LINE_READ && is_capture(lines, line, len)) {
			err_set(&err, -EINVAL, "%s: this is a capture of events, not of alerts",
				lines->stream.name);
			err_hint(&err, "'spoor replay -o %s FILE' runs the rules over it",
				 conversion->use.format->name);
			r = -EINVAL;
			break;
		}
		if (r == LINE_NONE) {
			flush(conversion); /* whoever follows sees what there is */
			fflush(stdout);
		} else if (r == LINE_OVERLONG) {
			err_set(&err, -EBADMSG, "the line is longer than 16 MiB");
			report(conversion, lines, &err);
		} else if (!is_blank(line, len)) {
			convert_line(conversion, lines, (struct str){ line, (uint32_t)len });
		}
	}
	if (r != -ENODATA) {
		err_print(stderr, &err);
		conversion->status = EXIT_BAD_INPUT;
	}
}

static void convert_file(struct conversion *conversion, const char *path)
{
	struct lines lines = { 0 };
	struct err err = { 0 };

	if (stream_open(&lines.stream, path, 0, &err) < 0) {
		err_print(stderr, &err);
		conversion->status = EXIT_BAD_INPUT;
		return;
	}
	convert_lines(conversion, &lines);
	stream_close(&lines.stream);
}

static int convert_run(const struct options *options, int argc, char **argv)
{
	struct conversion conversion = { .status = EXIT_FINE };
	int status = conversion_open(options, &conversion);

	if (status != EXIT_FINE) {
		format_use_close(&conversion.use);
		return status;
	}
	for (int i = 0; i < argc; i++)
		convert_file(&conversion, argv[i]);
	if (!argc)
		convert_file(&conversion, "-");
	flush(&conversion);
	if (fflush(stdout) != 0)
		conversion.status = EXIT_ENVIRONMENT;
	if (conversion.malformed)
		fprintf(stderr, "spoor convert: %llu lines could not be converted\n",
			(unsigned long long)conversion.malformed);
	format_use_close(&conversion.use);
	arena_free(&conversion.arena);
	buf_free(&conversion.out);
	return conversion.status;
}

const struct command command_convert = {
	.name = "convert",
	.arguments = "--to FORMAT [options] [FILE...]",
	.summary = "write alerts in another format",
	.help = "Reads alerts as the json format writes them, one a line, and writes them to standard\n"
		"output in another format, byte for byte as the sensor would have. Events in Tracee's\n"
		"JSON are taken as well. Without FILE, or with -, standard input.\n\n"
		"'spoor list formats' has the formats and their settings. A line that cannot be read\n"
		"is reported and skipped; the exit status is then 1.\n\n"
		"Examples:\n"
		"  spoor convert --to ecs alerts.json\n"
		"  spoor convert --to cef --set header=rfc3164 --set facility=local4 alerts.json\n"
		"  spoor convert --to template --set file=chat.tmpl alerts.json\n"
		"  tail -F alerts.json | spoor convert --to table\n"
		"  spoor convert --to otlp-protobuf alerts.json | curl --data-binary @- \\\n"
		"      -H 'Content-Type: application/x-protobuf' http://127.0.0.1:4318/v1/logs",
	.options = "to set decoded_data",
	.run = convert_run,
};
