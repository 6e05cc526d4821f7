/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Libraries that are loaded when the first output that needs them is opened. Linked the
 * usual way, libcurl and librdkafka with what they drag in would cost every run of the program
 * 6 MB of memory and three times its start-up time, and a host without them could not run it at
 * all. The static build (library_static.c) has none of them and says so.
 *
 * A library's functions are listed once, as X(name) rows; the table of pointers is made of them:
 *
 *	struct curl_api { #define X(name) __typeof__(name) *name; CURL_FUNCTIONS(X) };
 */
#ifndef TRANSPORT_LIBRARY_H
#define TRANSPORT_LIBRARY_H

#include <stddef.h>

struct err;

struct library {
	const char *file;    /* libcurl.so.4 */
	const char *package; /* libcurl4, for the hint */
	const char *const *names;
	size_t count;
};

/*
 * Fills `functions` in the order of library->names. The library stays loaded. 0 or negative errno
 * with err filled; calls may come from several threads.
 */
int library_load(const struct library *library, void **functions, struct err *err);
/* Why it cannot be had in this build; NULL: it may be. */
const char *library_missing(void);

#endif
