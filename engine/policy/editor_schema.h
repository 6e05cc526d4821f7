/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON Schema of all rule files: detectors, lists, policies of both forms, tests. */
#ifndef POLICY_EDITOR_SCHEMA_H
#define POLICY_EDITOR_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>

/* names: with the names and sets of the events of this build, to complete. NULL: no memory. */
json_t *editor_schema(bool names);

#endif
