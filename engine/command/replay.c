/* SPDX-License-Identifier: Apache-2.0 */
/* spoor replay: recorded events through the same engine. */
#include <errno.h>
#include <stdio.h>

#include "base/common.h"
#include "command.h"
#include "options.h"
#include "sensor.h"
#include "spoor.h"

enum { WAIT_MS = 1000 };

/* Each file with stores of its own: recordings of two hosts must not mix. */
static int replay_file(const struct options *options, const char *path, struct spoor_stats *total)
{
	autoclean(spoor_closep) struct spoor *spoor = NULL;
	int status = sensor_load(options, options->output, false, &spoor);

	if (status != EXIT_FINE)
		return status;
	if (spoor_open_file(spoor, path) < 0)
		return sensor_fail(spoor, EXIT_BAD_INPUT);
	int r;

	do {
		r = spoor_poll(spoor, WAIT_MS); /* a pipe may have nothing yet */
		fputs(spoor_faults(spoor), stderr);
	} while (r >= 0);
	if (r != -ENODATA)
		status = sensor_fail(spoor, EXIT_BAD_INPUT);
	spoor_drain(spoor);
	struct spoor_stats stats;

	spoor_stats(spoor, &stats);
	sensor_stats_add(total, &stats);
	if (!options->quiet)
		fputs(spoor_delivery_report(spoor), stderr);
	return status;
}

static int replay_run(const struct options *options, int argc, char **argv)
{
	struct spoor_stats total = { 0 };
	int status = EXIT_FINE;

	if (!argc) {
		fprintf(stderr,
			"spoor replay: which file? (- is standard input)\nTry 'spoor replay --help'.\n");
		return EXIT_USAGE;
	}
	for (int i = 0; i < argc; i++) {
		int r = replay_file(options, argv[i], &total);

		if (r != EXIT_FINE)
			status = r;
	}
	if (!options->quiet)
		sensor_summary(&total);
	if (total.malformed || total.failed)
		status = status == EXIT_FINE ? EXIT_BAD_INPUT : status;
	return status;
}

const struct command command_replay = {
	.name = "replay",
	.arguments = "[options] FILE...",
	.summary = "run recorded events through the detectors",
	.help = "Reads recorded events, in order, and does with them what 'spoor run' does with live\n"
		"ones. A FILE is a capture made by 'spoor record', or Tracee's JSON (v1beta1 or the\n"
		"older form), one event a line; - is standard input. Needs no root and no BPF.\n\n"
		"A malformed line is reported and skipped; the exit status is then 1.\n\n"
		"Examples:\n"
		"  spoor replay night.capture\n"
		"  spoor replay -e '*' -o json events.json    every event, in our JSON\n"
		"  spoor replay -d my-rules -               detectors tried on standard input",
	.options = "config events scope policy detectors output enrichment memory compat quiet",
	.run = replay_run,
};
