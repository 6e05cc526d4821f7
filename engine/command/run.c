/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spoor run: the sensor in the foreground. Signals only set flags; the loop acts on
 * them between two drains of the ring.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "base/common.h"
#include "command.h"
#include "options.h"
#include "sensor.h"
#include "spoor.h"

enum { PATH_LEN = 4096 };

/*
 * Where neither the command line nor the configuration says it, what was learnt is kept in the
 * directory that systemd's StateDirectory= makes; of several, the first.
 */
static void use_state_directory(struct options *options, char path[PATH_LEN])
{
	const char *folder = getenv("STATE_DIRECTORY");
	int len = folder ? (int)strcspn(folder, ":") : 0;

	if (options->memory || !len)
		return;
	if (snprintf(path, PATH_LEN, "%.*s/seen", len, folder) < PATH_LEN)
		options->memory = path;
}

static int run_run(const struct options *given, int argc, char **argv)
{
	autoclean(spoor_closep) struct spoor *spoor = NULL;
	struct options own = *given, *options = &own; /* what is allocated stays given's */
	char seen[PATH_LEN];

	if (argc) {
		fprintf(stderr,
			"spoor run: takes no operands, found '%s'\nTry 'spoor run --help'.\n",
			argv[0]);
		return EXIT_USAGE;
	}
	sensor_signals();
	use_state_directory(options, seen);

	int status = sensor_load(options, options->output, true, &spoor);

	if (status != EXIT_FINE)
		return status;
	if (spoor_open_live(spoor) < 0)
		return sensor_fail(spoor, EXIT_ENVIRONMENT);
	if (!options->quiet)
		fprintf(stderr, "spoor: watching with %u detectors; stop with Ctrl-C\n",
			spoor_detector_count(spoor));
	return sensor_loop(spoor, options);
}

const struct command command_run = {
	.name = "run",
	.arguments = "[options]",
	.summary = "watch this host and print alerts",
	.help = "Hooks the kernel, runs every event through the detectors and prints what they\n"
		"detect, in the foreground, until it is stopped. Needs root (or CAP_BPF, CAP_PERFMON\n"
		"and CAP_SYS_RESOURCE); 'spoor doctor' tells what this host offers.\n\n"
		"SIGINT and SIGTERM finish what is in flight, print a summary and stop; SIGHUP loads\n"
		"the rules again (if they are wrong, the old ones stay).\n\n"
		"Examples:\n"
		"  spoor run                                  built-in rules, a table of alerts\n"
		"  spoor run -d my-rules -o json:/var/log/spoor.json\n"
		"  spoor run -c /etc/spoor/spoor.yaml         destinations that lose nothing\n"
		"  spoor run -e msgget,shmget -o json         raw events, no alerts\n"
		"  spoor run -e 'ipc,-semop,detectors' -o option:decoded-data",
	.options =
		"config events scope policy detectors output enrichment memory hook ring duration compat "
		"quiet",
	.run = run_run,
};
