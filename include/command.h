/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command of the spoor program. One file in engine/command/ exporting
 * `const struct command command_NAME`; main.c finds it in the folder's list.
 */
#ifndef SPOOR_COMMAND_H
#define SPOOR_COMMAND_H

/* Exit status, also documented in README and --help. */
enum exit_status {
	EXIT_FINE = 0,
	EXIT_BAD_INPUT = 1,   /* rules, files, arguments that parse but are wrong */
	EXIT_USAGE = 2,	      /* the command line does not parse */
	EXIT_ENVIRONMENT = 3, /* no root, no BTF, no kernel support */
};

struct options; /* engine/options.h */

struct command {
	const char *name;
	const char *arguments; /* "[options] FILE..." for the usage line */
	const char *summary;   /* one line */
	const char *help;      /* what it does, examples; printed by --help before the options */
	const char *options;   /* names of rows of options.def it takes, space-separated */
	/* argv holds the operands after the options. Returns enum exit_status. */
	int (*run)(const struct options *options, int argc, char **argv);
};

extern const struct command *const commands[]; /* NULL-terminated, in name order */

#endif
