/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Go templates, the part of text/template and Sprig that templates of alerts use; what that is
 * stands in engine/encode/README.md. A template is parsed once, checked as far as it can be
 * without an event, and then only read: any number of threads may run it.
 */
#ifndef ENCODE_TEMPLATE_H
#define ENCODE_TEMPLATE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json-parse.h"

struct template;

/*
 * Parses `text`; path is for messages. The result lives in `arena`, as must the text. NULL: err
 * has path, line, column, message and hint.
 */
const struct template *template_parse(struct arena *arena, struct str text, const char *path,
				      struct err *err);

/*
 * Appends what the template makes of an event, a JSON tree as the json format writes it (epoch_ns:
 * its time). Temporaries live in `arena`. What is missing is empty, what is too long is cut. False:
 * the template was not run to its end, which takes more work than any sensible one.
 */
bool template_run(const struct template *template, const struct json *event, uint64_t epoch_ns,
		  struct arena *arena, struct buf *out);

#endif
