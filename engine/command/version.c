/* SPDX-License-Identifier: Apache-2.0 */
/* spoor version: prints the version, as text or JSON. */
#include <stdio.h>

#include "base/common.h"
#include "command.h"
#include "options.h"
#include "spoor.h"

static int version_run(const struct options *options, int argc, char **argv)
{
	if (argc) {
		fprintf(stderr, "spoor version: takes no operands, found '%s'\n", argv[0]);
		return EXIT_USAGE;
	}
	if (options->json)
		printf("{\"version\":\"%s\"}\n", spoor_version());
	else
		printf("spoor %s\n", spoor_version());
	return EXIT_FINE;
}

const struct command command_version = {
	.name = "version",
	.arguments = "[--json]",
	.summary = "print the version",
	.help = "Prints the version of this program.\n\n"
		"Example:\n"
		"  spoor version --json",
	.options = "json",
	.run = version_run,
};
