/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines from a person, edited by libedit (BSD licence), with history and completion; or from a
 * file or pipe, then without a prompt.
 */
#ifndef REPL_TERMINAL_H
#define REPL_TERMINAL_H

#include "session.h"

struct terminal;

/* program: for libedit's own settings. NULL: out of memory. */
struct terminal *terminal_open(const char *program, struct session *session);
void terminal_close(struct terminal *terminal);
bool terminal_is_person(const struct terminal *terminal);

enum terminal_got {
	TERMINAL_LINE,
	TERMINAL_DROP, /* interrupted: forget what was typed */
	TERMINAL_END,
};

/*
 * The next line without its newline, in *line until the next call. before: what stands before it
 * of the same expression, "" for nothing; it chooses the prompt and is seen by completion.
 */
enum terminal_got terminal_read(struct terminal *terminal, const char *before, char **line);
/* What was read is whole: it goes into the history. */
void terminal_remember(struct terminal *terminal, const char *text);

#endif
