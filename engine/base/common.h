/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every file of the engine may use: cleanup attributes, sizes, and the
 * poisoned functions nobody may use.
 */
#ifndef BASE_COMMON_H
#define BASE_COMMON_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARRAY_SIZE(array)	 (sizeof(array) / sizeof((array)[0]))
#define MIN(a, b)		 ((a) < (b) ? (a) : (b))
#define MAX(a, b)		 ((a) > (b) ? (a) : (b))
#define LIKELY(x)		 __builtin_expect(!!(x), 1)
#define UNLIKELY(x)		 __builtin_expect(!!(x), 0)
#define mustcheck		 __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((__format__(__printf__, text, first)))

/* Asks for these bytes to be in the cache soon, whatever is there. */
static inline void fetch_ahead(const void *data, size_t len)
{
	enum { LINE = 64 };

	for (size_t at = 0; at < len; at += LINE)
		__builtin_prefetch((const char *)data + at);
}

/* autoclean(freep) char *text = NULL;   runs freep(&text) when the scope ends */
#define autoclean(function) __attribute__((cleanup(function), unused))

/* Hands over ownership: the value, and the variable is cleared. */
#define take(variable) \
	({ \
		__typeof__(variable) take_value = (variable); \
		memset(&(variable), 0, sizeof(variable)); \
		take_value; \
	})

/* DEFINE_CLEANUP(struct foo *, foo_free) makes foo_freep for autoclean. */
#define DEFINE_CLEANUP(type, function) \
	static inline void function##p(type *p) \
	{ \
		if (*p) \
			function(*p); \
	}

static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline void fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#undef alloca
#pragma GCC poison strcpy strcat sprintf vsprintf gets atoi atol atof strtok alloca

#endif
