/* SPDX-License-Identifier: Apache-2.0 */
/* Text from outside: is it UTF-8, and may a person see it? */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Is the whole of it UTF-8? */
bool text_is_utf8(const char *data, size_t len);
/* Length of the sequence at data, of which len > 0 bytes are there; 0 if there is none. */
unsigned text_utf8_length(const char *data, size_t len);
/*
 * Fit for a terminal and for JSON, in place: control characters but NUL become spaces, bytes that
 * are not UTF-8 question marks.
 */
void text_clean(char *text, size_t len);

#endif
