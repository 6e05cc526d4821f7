/* SPDX-License-Identifier: Apache-2.0 */
/* spoor trigger: does what the built-in detectors look for, harmlessly, to see them alert. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/common.h"
#include "base/suggest.h"
#include "command.h"
#include "options.h"
#include "trigger/trigger.h"

enum { NAME_WIDTH = 28 };

static const char *const result_names[] = {
	[TRIGGER_DONE] = "done",
	[TRIGGER_SKIPPED] = "SKIPPED",
	[TRIGGER_FAILED] = "FAILED",
};

static void complain(const char *name)
{
	struct suggest suggest;

	suggest_start(&suggest, str_of(name));
	for (size_t i = 0; i < trigger_count; i++)
		suggest_try(&suggest, str_of(triggers[i].name));
	fprintf(stderr, "spoor trigger: there is no trigger '%s'\n", name);
	if (suggest.best.data)
		fprintf(stderr, "    hint: did you mean '%.*s'?\n", (int)suggest.best.len,
			suggest.best.data);
	else
		fputs("    hint: 'spoor trigger --list' shows them\n", stderr);
}

static bool names_known(int argc, char **argv)
{
	bool known = true;

	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "all") != 0 && !trigger_by_name(argv[i])) {
			complain(argv[i]);
			known = false;
		}
	return known;
}

static void print_list(void)
{
	for (size_t i = 0; i < trigger_count; i++)
		printf("%-*s  %s\n", NAME_WIDTH, triggers[i].name, triggers[i].doc);
}

/* From here on an interruption is seen between two triggers, when all is cleaned up. */
static void signals_hold(sigset_t *before)
{
	sigset_t held;

	sigemptyset(&held);
	sigaddset(&held, SIGINT);
	sigaddset(&held, SIGTERM);
	sigaddset(&held, SIGHUP);
	sigaddset(&held, SIGCHLD);
	sigprocmask(SIG_BLOCK, &held, before);
}

/* What takes minutes is done for who names it. */
static bool put_off(const struct trigger *trigger)
{
	printf("%-*s  %-7s  takes %u minutes: name it to have it done\n", NAME_WIDTH, trigger->name,
	       "later", trigger->seconds / 60);
	return true;
}

static bool perform(const struct trigger *trigger, const sigset_t *signals)
{
	char text[TRIGGER_TEXT_MAX];
	sigset_t held;
	enum trigger_result result = trigger_perform(trigger, text);

	printf("%-*s  %-7s  %s\n", NAME_WIDTH, trigger->name, result_names[result], text);
	fflush(stdout);
	/* Lets in a signal that came meanwhile; it ends us as it would have. */
	sigprocmask(SIG_SETMASK, signals, &held);
	sigprocmask(SIG_SETMASK, &held, NULL);
	return result == TRIGGER_DONE;
}

static int trigger_run(const struct options *options, int argc, char **argv)
{
	sigset_t before;
	bool done = true;

	if (options->list)
		return print_list(), EXIT_FINE;
	if (!argc) {
		fputs("spoor trigger: name a trigger, or all\n"
		      "    hint: 'spoor trigger --list' shows them\n",
		      stderr);
		return EXIT_USAGE;
	}
	if (!names_known(argc, argv))
		return EXIT_BAD_INPUT;
	signals_hold(&before);
	for (int i = 0; i < argc; i++) {
		bool all = !strcmp(argv[i], "all");

		for (size_t t = 0; t < trigger_count; t++)
			if (all || !strcmp(argv[i], triggers[t].name))
				done &= all && triggers[t].seconds ? put_off(&triggers[t])
								   : perform(&triggers[t], &before);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return done ? EXIT_FINE : EXIT_ENVIRONMENT;
}

const struct command command_trigger = {
	.name = "trigger",
	.arguments = "[options] NAME...|all",
	.summary = "do harmlessly what the built-in detectors look for",
	.help = "Performs a harmless instance of what each named detector (or all) looks for, so that\n"
		"a running sensor should alert within a second. Every object it makes is its own, under\n"
		"a key that was free, and is removed again; objects of others are not touched. Some\n"
		"need root; without it, they are skipped and said so.\n\n"
		"One line each: name, done, SKIPPED or FAILED, what was done or why not; `later` is what\n"
		"takes minutes and must be named. Exit status 0 if all else that was asked for could be\n"
		"done, 3 if not.\n\n"
		"Examples:\n"
		"  spoor trigger --list\n"
		"  spoor trigger all",
	.options = "list",
	.run = trigger_run,
};
