/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON text to a tree. Strings are decoded in place and numbers kept as text, because
 * recordings hold 64-bit integers that a double cannot; so the text is changed by parsing and
 * must outlive the tree. Bounded: JSON_DEPTH_MAX levels, JSON_VALUES_MAX values.
 */
#ifndef BASE_JSON_PARSE_H
#define BASE_JSON_PARSE_H

#include "base/arena.h"
#include "value.h"

enum { JSON_DEPTH_MAX = 64, JSON_VALUES_MAX = 256 * 1024 };

enum json_type {
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};

struct json {
	uint8_t type;	    /* enum json_type */
	struct str key;	    /* member of an object: its name */
	struct str text;    /* string: decoded; number: as written */
	const char *at;	    /* where it stood */
	struct json *first; /* array, object: its elements */
	struct json *next;  /* the next element of what it is in */
};

struct json_fault {
	const char *at;	  /* where parsing stopped */
	const char *what; /* static text */
};

/* The tree is in the arena. NULL: fault tells where and why. */
struct json *json_parse(struct arena *arena, char *text, size_t len, struct json_fault *fault);

/* Member of an object, the last one of that name; NULL if there is none or it is no object. */
const struct json *json_get(const struct json *object, const char *name);
/* "a number", "an object", ... */
const char *json_type_name(const struct json *value);

/* The number as an integer. 0; -EINVAL: not one; -ERANGE: too large. Out is set on success only. */
int json_int(const struct json *number, int64_t *out);
int json_uint(const struct json *number, uint64_t *out);
/* The same of any text: recordings quote their 64-bit numbers. */
int text_to_int(struct str text, int64_t *out);
int text_to_uint(struct str text, uint64_t *out);

#endif
