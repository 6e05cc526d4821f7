/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What went wrong, for a person: where (file, line, column), what was found and
 * expected, and a hint. Load-time functions collect these; nothing on the event
 * path does.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common.h"

enum { ERR_MESSAGE_MAX = 1024, ERR_PATH_MAX = 512, ERR_SOURCE_MAX = 256 };

enum err_level { ERR_ERROR, ERR_WARNING };

/* Zero-initialise; owns nothing. */
struct err {
	int code; /* negative errno; 0: no error */
	enum err_level level;
	char path[ERR_PATH_MAX]; /* "" none */
	uint32_t line, column;	 /* from 1; 0: not known */
	char message[ERR_MESSAGE_MAX];
	char hint[ERR_MESSAGE_MAX];  /* what to do; "" none */
	char source[ERR_SOURCE_MAX]; /* the offending line, printed with a caret below `caret` */
	uint32_t caret;		     /* column in `source`, from 1; 0: no caret */
	const char *rule;	     /* stable identifier for SARIF, static; NULL: "error" */
};

/* Sets the message and returns code. Keeps path, line and column. */
int err_set(struct err *err, int code, const char *format, ...) PRINTF_LIKE(3, 4);
void err_at(struct err *err, const char *path, uint32_t line, uint32_t column);
void err_hint(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);
/* PATH:LINE:COLUMN: error: MESSAGE, the source line with a caret, the hint. */
void err_print(FILE *out, const struct err *err);

/*
 * A list of them. Loading goes on after an error where it can, so that one run shows
 * all. At most ERR_LIST_MAX are kept; the rest is counted.
 */
enum { ERR_LIST_MAX = 200 };

struct err_list {
	struct err *items;
	uint32_t count, capacity;
	uint32_t errors, warnings; /* including those not kept */
};

/* Copies err; beyond the limit it is only counted. */
void err_list_add(struct err_list *list, const struct err *err);
/* By path and place, so that what belongs together stands together. */
void err_list_sort(struct err_list *list);
void err_list_print(FILE *out, const struct err_list *list);
void err_list_free(struct err_list *list);

#endif
