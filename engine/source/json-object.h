/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of the older form (trace.Event) in the form of v1beta1. */
#ifndef SOURCE_JSON_OBJECT_H
#define SOURCE_JSON_OBJECT_H

#include "base/buf.h"
#include "base/json-parse.h"

/*
 * Appends a field's value as text: addresses and credentials are written as v1beta1 has them,
 * other kinds as they stand. `object` is an object or null.
 */
void legacy_object_write(struct buf *out, const struct json *object, uint8_t type);

#endif
