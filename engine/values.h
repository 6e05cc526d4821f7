/* SPDX-License-Identifier: Apache-2.0 */
/* Which values settings can have, beyond their kind. */
#ifndef ENGINE_VALUES_H
#define ENGINE_VALUES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "source.h"

/*
 * Could the setting (a row of options.def) have this value? 0, also for settings that take any; or
 * -EINVAL with err's message, which names neither, and hint.
 */
int value_check(const char *setting, const char *value, struct err *err);

/* auto, fentry, ...; NULL: auto. 0 or -EINVAL. */
int hook_parse(const char *name, enum hook_mode *out, struct err *err);
/* bytes: 0 for the default. 0 or -EINVAL. */
int ring_check(size_t bytes, struct err *err);
/* What to collect besides; *environment is set if it is that. 0 or -EINVAL. */
int enrichment_parse(const char *name, bool *environment, struct err *err);

#endif
