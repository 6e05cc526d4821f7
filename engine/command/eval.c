/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spoor eval: an expression of the rules' language, evaluated and printed. With --event as a
 * condition on a recorded event would see it, with --bindings over variables given as JSON.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "base/common.h"
#include "command.h"
#include "options.h"
#include "repl/repl.h"
#include "sensor.h"

struct evaluation {
	const struct options *options;
	const char *text;
	struct session session;
	bool done;
	int status;
};

static int no_memory(void)
{
	fputs("spoor eval: out of memory\n", stderr);
	return EXIT_ENVIRONMENT;
}

static int evaluate(struct evaluation *evaluation, const struct event *event)
{
	struct session *session = &evaluation->session;
	struct cel_source source = { .text = str_of(evaluation->text) };
	const struct cel_program *program;
	struct value value;
	struct err err;
	unsigned lost;

	if (session_use_event(session, event, &lost))
		return no_memory();
	if (session_compile(session, source, NULL, &program, &err) < 0) {
		err_print(stderr, &err);
		return EXIT_BAD_INPUT;
	}
	value = session_evaluate(session, program);
	if (!session_print(session, value, "<expression>", stdout, stderr))
		return EXIT_ENVIRONMENT;
	return value.tag == VALUE_ERROR ? EXIT_BAD_INPUT : EXIT_FINE;
}

/* ---- the event ------------------------------------------------------------ */

/* The first event that comes; it is valid during the call only. */
static void take_event(void *ctx, const struct event *event)
{
	struct evaluation *evaluation = ctx;

	if (evaluation->done)
		return;
	evaluation->done = true;
	evaluation->status = evaluate(evaluation, event);
}

static int evaluate_on_event(struct evaluation *evaluation)
{
	static const char *const all[] = { "*", NULL }, *const nowhere[] = { "none", NULL };
	struct spoor_config config = {
		.events = all,
		.outputs = nowhere,
		.compat_tracee = evaluation->options->compat != NULL,
	};
	autoclean(spoor_closep) struct spoor *spoor = spoor_new();
	int r = 0;

	if (!spoor)
		return EXIT_ENVIRONMENT;
	if (spoor_load(spoor, &config) < 0 ||
	    spoor_open_file(spoor, evaluation->options->event) < 0)
		return sensor_fail(spoor, EXIT_BAD_INPUT);
	spoor_on_event(spoor, take_event, evaluation);
	while (r >= 0 && !evaluation->done)
		r = spoor_poll(spoor, 0);
	if (!evaluation->done && r != -ENODATA)
		return sensor_fail(spoor, EXIT_BAD_INPUT);
	if (!evaluation->done) {
		fprintf(stderr, "%s: error: found no event\n", evaluation->options->event);
		return EXIT_BAD_INPUT;
	}
	return evaluation->status;
}

static bool read_bindings(struct evaluation *evaluation)
{
	json_t **bindings = &evaluation->session.bindings;
	json_error_t error;

	if (!evaluation->options->bindings)
		return true;
	*bindings = json_loads(evaluation->options->bindings, JSON_DECODE_ANY, &error);
	if (!*bindings)
		fprintf(stderr, "--bindings:%d:%d: error: %s\n", error.line, error.column,
			error.text);
	else if (!json_is_object(*bindings))
		fputs("--bindings: error: found a value, expected an object {\"name\": value}\n",
		      stderr);
	return json_is_object(*bindings);
}

static int run_one(struct evaluation *evaluation)
{
	if (evaluation->options->interactive)
		return repl_run(&evaluation->session, evaluation->options->event);
	return evaluation->options->event ? evaluate_on_event(evaluation)
					  : evaluate(evaluation, NULL);
}

static int eval_run(const struct options *options, int argc, char **argv)
{
	struct evaluation evaluation = {
		.options = options,
		.text = argv[0],
		.session = { .compat_tracee = options->compat, .json = options->json },
	};
	int wanted = options->interactive ? 0 : 1, status = EXIT_BAD_INPUT;

	if (argc != wanted) {
		fprintf(stderr,
			"spoor eval: found %d operands, expected %s\nTry 'spoor eval --help'.\n",
			argc,
			wanted ? "one expression (in quotes), or --interactive"
			       : "none with --interactive, which reads expressions");
		return EXIT_USAGE;
	}
	if (read_bindings(&evaluation))
		status = run_one(&evaluation);
	session_free(&evaluation.session);
	json_decref(evaluation.session.bindings);
	return status;
}

const struct command command_eval = {
	.name = "eval",
	.arguments = "[options] EXPRESSION | -i",
	.summary = "evaluate an expression of the rules' language",
	.help = "Compiles an expression of the language of conditions and outputs (CEL), evaluates\n"
		"it and prints the value as JSON; with --json also its type. The exit status is 1 if\n"
		"it does not compile or ends in an error.\n\n"
		"There are no stores here: process.get, container.get, ipc.object and the like\n"
		"answer that nothing is known. Replay and rule tests have stores.\n\n"
		"With -i it reads expressions from standard input, one after another, gives values\n"
		"names (NAME = EXPRESSION) and has commands; :help lists them.\n\n"
		"An expression that begins with a minus and a name goes behind --.\n\n"
		"Examples:\n"
		"  spoor eval '[1, 2, 3].filter(x, x > 1)'\n"
		"  spoor eval --bindings '{\"path\": \"/tmp/x.sh\"}' 'path.matches(r\"^/tmp/\")'\n"
		"  spoor eval --event night.capture 'getEventData(\"key\") == IPC_PRIVATE'\n"
		"  spoor eval -i --event night.capture",
	.options = "interactive event bindings json compat",
	.run = eval_run,
};
