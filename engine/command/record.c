/* SPDX-License-Identifier: Apache-2.0 */
/* spoor record: live events into a capture file. */
#include <errno.h>
#include <stdio.h>

#include "base/common.h"
#include "command.h"
#include "options.h"
#include "sensor.h"
#include "spoor.h"

/* The capture's path was wrong, rather than this host. */
static bool is_path_error(int code)
{
	return code == -ENOENT || code == -ENOTDIR || code == -EISDIR || code == -EACCES ||
	       code == -EROFS || code == -ENAMETOOLONG;
}

static int record_run(const struct options *options, int argc, char **argv)
{
	static const char *const nothing[] = { "none", NULL };
	static const char *const everything[] = { "*", NULL };
	autoclean(spoor_closep) struct spoor *spoor = NULL;
	struct options with = *options;

	if (argc) {
		fprintf(stderr,
			"spoor record: takes no operands, found '%s'\nTry 'spoor record --help'.\n",
			argv[0]);
		return EXIT_USAGE;
	}
	if (!options->capture) {
		fprintf(stderr,
			"spoor record: where to? Give -o FILE\nTry 'spoor record --help'.\n");
		return EXIT_USAGE;
	}
	if (!with.events && !with.policy)
		with.events = everything;
	sensor_signals();

	int status = sensor_load(&with, options->output ? options->output : nothing, true, &spoor);

	if (status != EXIT_FINE)
		return status;
	if (spoor_record(spoor, options->capture) < 0)
		return sensor_fail(spoor, EXIT_BAD_INPUT);
	int opened = spoor_open_live(spoor);

	if (opened < 0)
		return sensor_fail(spoor,
				   is_path_error(opened) ? EXIT_BAD_INPUT : EXIT_ENVIRONMENT);
	if (!options->quiet)
		fprintf(stderr, "spoor: recording to %s; stop with Ctrl-C\n", options->capture);
	return sensor_loop(spoor, options);
}

const struct command command_record = {
	.name = "record",
	.arguments = "[options] -o FILE",
	.summary = "record events into a capture file",
	.help = "Hooks the kernel and writes every event that --events or --policy selects, and those\n"
		"that the detectors read, into a capture file for 'spoor replay', until it is\n"
		"stopped. Without --events and --policy it records all events it can collect.\n\n"
		"Examples:\n"
		"  spoor record -o night.capture\n"
		"  spoor record -o ipc.capture -e ipc --duration 60",
	.options =
		"capture output events scope policy detectors enrichment hook ring duration compat quiet",
	.run = record_run,
};
