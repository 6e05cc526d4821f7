/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of schema.h as JSON Schema (draft 7), for editors: keys to complete, what they
 * mean, values that are wrong. A value may be wrong for the reader and right for the schema,
 * never the other way round.
 */
#ifndef BASE_SCHEMA_JSON_H
#define BASE_SCHEMA_JSON_H

#include <jansson.h>

#include "schema.h"

/* Adds `schema` and all it contains to the definitions, and returns its name there. */
const char *schema_json_define(json_t *definitions, const struct schema *schema);
/* {"$ref": "#/definitions/NAME"} */
json_t *schema_json_ref(const char *name);
/* A regular expression for one of the words, as they are compared. */
struct buf;
void schema_json_words(struct buf *out, const char *const *words, enum key_match match, bool empty);

#endif
