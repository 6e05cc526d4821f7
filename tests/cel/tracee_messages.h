/* SPDX-License-Identifier: Apache-2.0 */
/* Tracee's message types as rules see them, and values of them from protobuf's JSON form. */
#ifndef TESTS_CEL_TRACEE_MESSAGES_H
#define TESTS_CEL_TRACEE_MESSAGES_H

#include <jansson.h>

#include "cel/cel.h"

/* Declares the messages and the constants of enums. 0 or a negative errno. */
int tracee_declare(struct cel_env *env);
/* An event; JSON of any depth and with unknown keys, which are left out. */
struct value tracee_event(struct arena *arena, const json_t *json);
/* The field of a message; VALUE_NULL if it is unset. */
struct value tracee_field(struct value message, const char *name);
/* RFC 3339; 1970 if it is not. */
struct value tracee_time(struct arena *arena, const char *text);
/* base64 */
struct value tracee_bytes(struct arena *arena, const char *text);

#endif
