/* SPDX-License-Identifier: Apache-2.0 */
/* `spoor eval -i`: read, evaluate, print, until the end of the input. */
#ifndef REPL_REPL_H
#define REPL_REPL_H

#include "session.h"

struct repl;

/* A line that begins with a colon. Ended by a row whose name is NULL. */
struct repl_command {
	const char *name;     /* ":type" */
	const char *argument; /* "EXPRESSION"; "" none, "[FILE]" may be left out */
	const char *doc;
	void (*run)(struct repl *repl, struct str argument);
};

extern const struct repl_command repl_commands[];

/*
 * Reads standard input, a terminal or not. event_file: to begin with; NULL: none. Returns an
 * exit status: of a terminal EXIT_FINE, else EXIT_BAD_INPUT if anything was wrong.
 */
int repl_run(struct session *session, const char *event_file);

#endif
