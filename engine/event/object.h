/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields that are objects (sockaddr, credentials, the network kinds): in a record they are
 * JSON text as Tracee prints it, without white space. And lists of numbers, element by element.
 */
#ifndef EVENT_OBJECT_H
#define EVENT_OBJECT_H

#include "base/arena.h"
#include "base/json-parse.h"
#include "event.h"

struct buf;

static inline bool field_is_object(uint8_t type)
{
	return type >= FIELD_sockaddr && type < FIELD_TYPE_COUNT;
}

/* Bytes of an element of a list of numbers; 0 for other types. */
static inline unsigned field_item_size(uint8_t type)
{
	return type == FIELD_i16s ? 2 : type == FIELD_i32s ? 4 : type == FIELD_u64s ? 8 : 0;
}

/* An element of such a list. */
struct value field_item(uint8_t type, const char *data, uint32_t index);
/* Its text, as plain JSON (64-bit numbers unquoted). */
void field_item_write(struct buf *out, uint8_t type, const char *data, uint32_t index);

/* The text of a field that is an object; data == NULL: the record has none. */
struct str event_object_text(const struct event *event, unsigned index);
/* Is it one line of JSON, an object or null? */
bool object_check(struct str text);
/* As a map (null: VALUE_NULL), in the arena. Numbers are int, else uint, else double. */
struct value object_value(struct str text, struct arena *arena);
/* A tree as text. `type`: the network kinds have < > & escaped. */
void object_write(struct buf *out, const struct json *tree, uint8_t type);

#endif
