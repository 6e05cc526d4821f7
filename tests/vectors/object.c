/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of events, apart from jansson: see object.h. */
#include "event/object.h"

#include "object.h"

bool is_object_kind(uint8_t kind)
{
	return field_is_object(kind);
}

struct value object_of_text(struct str text, struct arena *arena)
{
	return object_value(text, arena);
}
