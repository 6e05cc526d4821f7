/* SPDX-License-Identifier: Apache-2.0 */
/* The spoor program: finds the command, reads its options, runs it. */
#include <stdio.h>
#include <string.h>

#include "base/common.h"
#include "base/suggest.h"
#include "command.h"
#include "config/config.h"
#include "options.h"

#define X(name) extern const struct command command_##name;
#include "command.inc"
#undef X

const struct command *const commands[] = {
#define X(name) &command_##name,
#include "command.inc"
#undef X
	NULL,
};

static void print_usage(FILE *out)
{
	fputs("Usage: spoor COMMAND [options] [operands]\n\n"
	      "Watches a Linux host through its kernel and alerts on what the rules describe.\n\n"
	      "Commands:\n",
	      out);
	for (size_t i = 0; commands[i]; i++)
		fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n'spoor COMMAND --help' tells more about one.\n"
	      "Exit status: 0 fine, 1 the input was bad, 2 wrong usage, 3 the host lacks something.\n",
	      out);
}

static const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static int usage_unknown(const char *name)
{
	struct suggest suggest;

	suggest_start(&suggest, str_of(name));
	for (size_t i = 0; commands[i]; i++)
		suggest_try(&suggest, str_of(commands[i]->name));
	fprintf(stderr, "spoor: there is no command '%s'\n", name);
	if (suggest.best.data)
		fprintf(stderr, "    hint: did you mean 'spoor %.*s'?\n", (int)suggest.best.len,
			suggest.best.data);
	fputs("Try 'spoor --help'.\n", stderr);
	return EXIT_USAGE;
}

/* What the configuration file says, where the command line says nothing. */
static bool take_config(struct options *options, struct config *config)
{
	struct err_list problems = { 0 };
	bool fine = config_read(options->config, config, &problems);

	/* Warnings are shown by whoever uses the rest of the file. */
	if (!fine)
		err_list_print(stderr, &problems);
	err_list_free(&problems);
	options->config_file = config;
	if (fine && config_apply(config, options) < 0) {
		fputs("spoor: out of memory\n", stderr);
		fine = false;
	}
	return fine;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	bool help = !strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help");

	if (help && argc > 2 && name[0] == 'h')
		name = argv[2]; /* spoor help COMMAND */
	else if (help || argc < 2)
		return print_usage(help ? stdout : stderr), help ? EXIT_FINE : EXIT_USAGE;
	if (!strcmp(name, "--version"))
		name = "version";
	const struct command *command = command_find(name);

	if (!command)
		return usage_unknown(name);
	if (help)
		return options_help(command), EXIT_FINE;

	struct options options;
	int first;

	if (options_parse(command, argc - 1, argv + 1, &options, &first) < 0)
		return EXIT_USAGE;
	struct config config = { 0 };
	int status = EXIT_FINE;

	if (options.help)
		options_help(command);
	else if (options.config && !take_config(&options, &config))
		status = EXIT_BAD_INPUT;
	else
		status = command->run(&options, argc - 1 - first, argv + 1 + first);
	options_free(&options);
	config_free(&config);
	if (fflush(stdout) != 0 && status == EXIT_FINE)
		status = EXIT_BAD_INPUT;
	return status;
}
