/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outputs of one sensor: each a format and a transport, with a buffer between them
 * that is handed over when it is full and at the end of each poll.
 */
#ifndef ENGINE_OUTPUTS_H
#define ENGINE_OUTPUTS_H

#include "base/err.h"
#include "format.h"

struct outputs;

/*
 * Opens what --output says (NULL: a table on standard output):
 *	FORMAT[,SETTING=VALUE...][:PATH[,PATH]]	gotemplate=FILE[:PATH]	none	option:NAME
 * host: the one records come from, which may change until the first of them.
 * On failure nothing is open and err says what is wrong. The caller owns *out.
 */
int outputs_open(const char *const *expressions, const struct stores *stores,
		 const struct host *host, struct outputs **out, struct err *err);
/*
 * Could outputs_open take the expression? Opens nothing for writing. 0 or -EINVAL with err's
 * message and hint, which do not name it; what is wrong in a template is left for outputs_open.
 */
int outputs_check(const char *expression, struct err *err);
void outputs_write(struct outputs *outputs, const struct event *event);
/* Hands over what is buffered. */
void outputs_flush(struct outputs *outputs);
/* There is nothing but standard output, and its reader is gone (spoor run | head). */
bool outputs_abandoned(const struct outputs *outputs);
/* Records that could not be delivered so far. */
uint64_t outputs_failed(const struct outputs *outputs);
/* Flushes and closes. NULL is fine. */
void outputs_close(struct outputs *outputs);

#endif
