/* SPDX-License-Identifier: Apache-2.0 */
/* A condition in words, for people who do not read the expression language. */
#ifndef CEL_WORDS_H
#define CEL_WORDS_H

#include "cel.h"

/* How a part of expressions is called: "context.uid": "the user's id". */
struct cel_word {
	const char *text, *words;
};

/*
 * Calls line for each part of a condition compiled as "bool", all of which must hold: "key is
 * not 0". What cannot be said in words is said as the source has it, in backquotes.
 */
void cel_words(const struct cel_program *condition, const struct cel_word *names, size_t count,
	       void (*line)(void *ctx, const char *text), void *ctx);

#endif
