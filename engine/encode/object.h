/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON objects, member by member. Commas are put where they belong; a member whose text is empty
 * is left out. key: a literal that needs no escaping; NULL: an element of an array.
 */
#ifndef ENCODE_OBJECT_H
#define ENCODE_OBJECT_H

#include "encode/facts.h"
#include "encode/text.h"

/* The record itself, whatever stands before it. */
void object_begin(struct sheet *sheet);
void object_open(struct sheet *sheet, const char *key);
void object_close(struct sheet *sheet);
void array_open(struct sheet *sheet, const char *key);
void array_close(struct sheet *sheet);

void object_text(struct sheet *sheet, const char *key, struct str text, uint32_t cap);
/* Of our own: no cap, and written even if it is empty. */
void object_literal(struct sheet *sheet, const char *key, const char *text);
void object_uint(struct sheet *sheet, const char *key, uint64_t number);
void object_int(struct sheet *sheet, const char *key, int64_t number);
void object_bool(struct sheet *sheet, const char *key, bool value);
/* The number as text: ids that are keywords. */
void object_uint_text(struct sheet *sheet, const char *key, uint64_t number);
/* An array of this one text, left out if it is empty. */
void object_text_array(struct sheet *sheet, const char *key, struct str text, uint32_t cap);
/* RFC 3339; left out if epoch_ns is 0. */
void object_time(struct sheet *sheet, const char *key, uint64_t epoch_ns);
/* Seconds since 1970 with microseconds, as a number. */
void object_seconds(struct sheet *sheet, const char *key, uint64_t epoch_ns);
/* facts_message() */
void object_message(struct sheet *sheet, const char *key, const struct facts *facts);
void object_addresses(struct sheet *sheet, const char *key, const struct host *host);
void object_policies(struct sheet *sheet, const char *key, const struct facts *facts);
/*
 * The event's data as an object: numbers as numbers, and beside those that stand for flags their
 * names as NAME_text. Left out if there is none.
 */
void object_data(struct sheet *sheet, const char *key, const struct facts *facts);

#endif
