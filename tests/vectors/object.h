/* SPDX-License-Identifier: Apache-2.0 */
/* What must not see jansson, whose names are those of our own reader of JSON. */
#ifndef TESTS_VECTORS_OBJECT_H
#define TESTS_VECTORS_OBJECT_H

#include "base/arena.h"
#include "value.h"

bool is_object_kind(uint8_t kind);
/* The value of a field that is an object, from the text that a record would have. */
struct value object_of_text(struct str text, struct arena *arena);

#endif
