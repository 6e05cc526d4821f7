/* SPDX-License-Identifier: Apache-2.0 */
/* Finding rule files under paths, as the commands that check and test rules do. */
#ifndef DETECT_RULE_WALK_H
#define DETECT_RULE_WALK_H

#include <stdbool.h>

#include "base/err.h"

/* asked: the user named this very file. */
typedef void (*rule_visit)(void *ctx, const char *path, bool asked);

/*
 * Visits the file, or every .yaml, .yml and .json file below the directory, in order of name;
 * names that begin with a dot and links to directories are passed over. What cannot be read is a
 * problem.
 */
void rule_walk(const char *path, struct err_list *problems, rule_visit visit, void *ctx);

#endif
