/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings of formats and transports: each has a table of keys, from which validation, help
 * and the reference come, and is given a value for each.
 */
#ifndef SPOOR_SETTING_H
#define SPOOR_SETTING_H

#include "value.h"

enum setting_kind {
	SETTING_TEXT,
	SETTING_SECRET, /* text that is never printed; comes from a file or the environment */
	SETTING_FILE,	/* path of a file that must be readable when the output is opened */
	SETTING_BOOL,
	SETTING_NUMBER,	  /* 0 to 2^63-1 */
	SETTING_SIZE,	  /* bytes; K, M, G suffixes */
	SETTING_DURATION, /* milliseconds; written 500ms, 10s, 5m, 1h */
	SETTING_CHOICE,	  /* one of `choices` */
	SETTING_TEXTS,	  /* a list of texts */
	SETTING_PAIRS,	  /* a map of text to text, such as headers; may hold secrets */
};

/* A row of a table of keys: validation, help and the reference come from it. */
struct setting_key {
	const char *name; /* as in the configuration file */
	uint8_t kind;	  /* enum setting_kind */
	bool required;
	const char *fallback; /* as it would be written; NULL: none */
	const char *choices;  /* SETTING_CHOICE: space-separated */
	const char *doc;
};

struct setting_pair {
	struct str key, value;
};

/* One per key, in the order of the table. Owned by the caller until close. */
struct setting_value {
	bool given;	 /* by the user, not the fallback */
	struct str text; /* NUL-terminated; data == NULL: absent. CHOICE: the chosen word */
	int64_t number;	 /* NUMBER, SIZE, DURATION, BOOL; CHOICE: position in `choices` */
	const struct str *texts;
	const struct setting_pair *pairs;
	uint32_t count; /* of texts or pairs */
};

#endif
