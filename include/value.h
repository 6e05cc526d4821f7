/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A value: 16 bytes, tagged. It owns nothing: strings, lists and messages point
 * into a record or an arena and live as long as that does. Strings are byte
 * ranges without NUL and are not guaranteed to be valid UTF-8.
 */
#ifndef SPOOR_VALUE_H
#define SPOOR_VALUE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum value_tag {
	VALUE_NULL, /* also: a field the event lacks */
	VALUE_BOOL,
	VALUE_INT,
	VALUE_UINT,
	VALUE_DOUBLE,
	VALUE_STRING,
	VALUE_BYTES,
	VALUE_TIMESTAMP, /* point to struct cel_time, see cel/cel.h */
	VALUE_DURATION,	 /* i: nanoseconds */
	VALUE_LIST,	 /* list: struct value_list */
	VALUE_MAP,	 /* map: struct value_map */
	VALUE_MESSAGE,	 /* object, with its descriptor: see cel/cel.h */
	VALUE_TYPE,	 /* a type as a value */
	VALUE_OPTIONAL,
	VALUE_ERROR, /* str: the text of the error */
	VALUE_TAG_COUNT
};

/* enum field_type: FIELD_i32, FIELD_str, ... rows of types.def */
enum field_type {
	FIELD_none, /* choose by the tag */
#define TYPE(name, c_type, tracee_name, json_key, cel_type) FIELD_##name,
#include "types.def"
#undef TYPE
	FIELD_TYPE_COUNT
};

struct value_list;
struct value_map;

struct value {
	uint8_t tag;  /* enum value_tag */
	uint8_t kind; /* enum field_type, as the event declares it; FIELD_none: computed */
	uint16_t aux; /* for the owner of the tag */
	uint32_t len; /* bytes of string, bytes and error; elements of a list or map */
	union {
		bool b;
		int64_t i;
		uint64_t u;
		double d;
		const char *str;
		const struct value_list *list;
		const struct value_map *map;
		const void *object;
	};
};

_Static_assert(sizeof(struct value) == 16, "two registers");

struct value_list {
	uint32_t count;
	struct value items[];
};

struct value_entry {
	struct value key, value;
};

/* Keys are distinct; order is that of insertion. */
struct value_map {
	uint32_t count;
	struct value_entry entries[];
};

/* A byte range; not NUL-terminated. */
struct str {
	const char *data;
	uint32_t len;
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })

static inline struct str str_of(const char *text)
{
	return (struct str){ text, text ? (uint32_t)strlen(text) : 0 };
}

static inline bool str_equal(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline struct value value_null(void)
{
	return (struct value){ .tag = VALUE_NULL };
}

static inline struct value value_bool(bool b)
{
	return (struct value){ .tag = VALUE_BOOL, .b = b };
}

static inline struct value value_int(int64_t i)
{
	return (struct value){ .tag = VALUE_INT, .i = i };
}

static inline struct value value_uint(uint64_t u)
{
	return (struct value){ .tag = VALUE_UINT, .u = u };
}

static inline struct value value_double(double d)
{
	return (struct value){ .tag = VALUE_DOUBLE, .d = d };
}

static inline struct value value_string(const char *data, uint32_t len)
{
	return (struct value){ .tag = VALUE_STRING, .len = len, .str = data };
}

static inline struct value value_str(struct str s)
{
	return value_string(s.data, s.len);
}

static inline struct value value_bytes(const void *data, uint32_t len)
{
	return (struct value){ .tag = VALUE_BYTES, .len = len, .str = data };
}

#endif
