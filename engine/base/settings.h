/* SPDX-License-Identifier: Apache-2.0 */
/* Values of settings (include/setting.h) from text. */
#ifndef BASE_SETTINGS_H
#define BASE_SETTINGS_H

#include "base/arena.h"
#include "base/err.h"
#include "setting.h"

/*
 * Reads a value as a person wrote it into *out, whose texts live in `arena`. Lists are
 * comma-separated, pairs are k=v. 0, or -EINVAL: err's message says what was found and expected,
 * without naming the key, and its hint what to do; or -ENOMEM.
 */
int setting_parse(const struct setting_key *key, struct str text, struct arena *arena,
		  struct setting_value *out, struct err *err);
/* One value per key, as the fallbacks say. NULL: out of memory. */
struct setting_value *settings_default(const struct setting_key *keys, uint32_t count,
				       struct arena *arena);
/* Position of a key, or -1; then err suggests one. */
int setting_find(const struct setting_key *keys, uint32_t count, struct str name, struct err *err);

#endif
