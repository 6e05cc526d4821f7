/* SPDX-License-Identifier: Apache-2.0 */
/* What can be wrong with rules, by the stable ids that struct err's `rule` holds. */
#ifndef BASE_DIAGNOSTIC_H
#define BASE_DIAGNOSTIC_H

#include <stddef.h>

#include "err.h"

struct diagnostic {
	const char *id;
	enum err_level level; /* unless asked otherwise */
	const char *title, *help;
};

extern const struct diagnostic diagnostics[]; /* by id */
extern const size_t diagnostic_count;

/* NULL: there is none. */
const struct diagnostic *diagnostic_find(const char *id);

#endif
