/* SPDX-License-Identifier: Apache-2.0 */
/* What the runners of recorded cases share: counting, and values from and against JSON. */
#ifndef TESTS_CEL_VECTORS_H
#define TESTS_CEL_VECTORS_H

#include <jansson.h>

#include "base/arena.h"
#include "value.h"

struct tally {
	unsigned int passed, failed, skipped;
};

/* "N passed, N failed, N skipped"; the exit status of the program. */
int tally_end(const struct tally *tally);

static inline const char *json_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}
bool json_flag(const json_t *object, const char *key);

/* The typed value form of the conformance data. False: it has no counterpart here. */
bool value_of_json(struct arena *arena, const json_t *json, struct value *out);
/* Is v what the typed value form says? */
bool value_is_json(struct value v, const json_t *json);
/* Type form ("int", {"list": "int"}) as the text of a type, in arena; NULL: has no counterpart. */
const char *type_of_json(struct arena *arena, const json_t *json);

#endif
