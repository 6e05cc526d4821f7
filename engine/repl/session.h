/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expressions evaluated one after another by a person: on an event or without one, with
 * variables from JSON and names the person gives to values.
 */
#ifndef REPL_SESSION_H
#define REPL_SESSION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "cel/cel.h"
#include "event.h"

struct named_value; /* x = EXPRESSION */

/* Set compat_tracee, json and bindings; the rest zero. */
struct session {
	bool compat_tracee;
	bool json;		   /* print the type beside the value */
	json_t *bindings;	   /* an object; borrowed. NULL: none */
	const struct event *event; /* the event at hand; NULL: there is none */
	struct cel_env *env;
	struct named_value *names; /* the last given first */
	struct arena scratch;	   /* of the line at hand */
};

/*
 * From now on expressions see this event (NULL: none), which must stay until the next call.
 * Names keep their values, but those that hold a part of the event before are forgotten; *lost
 * counts them. 0 or -ENOMEM.
 */
int session_use_event(struct session *session, const struct event *event, unsigned *lost);
void session_free(struct session *session);

/* The program lives until session_forget_line. path and line are of the text, for messages. */
int session_compile(struct session *session, struct cel_source source, const char *want,
		    const struct cel_program **out, struct err *err);
/* VALUE_ERROR also when memory is out. Lives as long as the program. */
struct value session_evaluate(struct session *session, const struct cel_program *program);
/* Frees what the line took. */
void session_forget_line(struct session *session);

/* Gives a value a name, in place of what had it. 0, -ENOMEM, or -EEXIST: the name is taken. */
int session_name(struct session *session, const char *name, const char *type, struct value value);
/* Walks the names, the oldest first. */
void session_each_name(const struct session *session,
		       void (*visit)(void *ctx, const char *name, struct value value), void *ctx);

/* null, bool, ... */
const char *session_type_name(struct value value);
/*
 * A line, as `spoor eval` prints it. An error value goes to `errors` as PLACE: error: TEXT. False:
 * it is too large, or cannot be written.
 */
bool session_print(const struct session *session, struct value value, const char *place, FILE *out,
		   FILE *errors);

#endif
