/* SPDX-License-Identifier: Apache-2.0 */
/* Problems with rules for programs: JSON of our own, and SARIF 2.1.0 for code scanning. */
#ifndef PAGE_PROBLEM_PAGE_H
#define PAGE_PROBLEM_PAGE_H

#include <jansson.h>

#include "base/err.h"

/* [{path, line, column, level, rule, message, hint, source}]; 0 and "" where not known. */
json_t *problems_json(const struct err_list *problems);
/* A whole SARIF log of one run. `version`: of the program. */
json_t *problems_sarif(const struct err_list *problems, const char *version);

#endif
