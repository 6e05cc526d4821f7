/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Schema, as far as our generator writes it; and YAML as the JSON it stands for. */
#ifndef SUPPORT_JSON_SCHEMA_H
#define SUPPORT_JSON_SCHEMA_H

#include <jansson.h>

#include "base/yaml.h"

/* As an editor reads it: plain scalars that look like numbers or booleans are such (YAML 1.2). */
json_t *json_of_yaml(const struct yaml_node *node);

/*
 * NULL: `value` is valid. Else what is not, as "/path: keyword", in a static buffer. A keyword
 * that is not known, a $ref to nowhere and a pattern that does not compile end the test.
 */
const char *json_schema_check(const json_t *schema, const json_t *value);
/* Visits the whole schema for such mistakes. */
void json_schema_lint(const json_t *root);

#endif
