/* SPDX-License-Identifier: Apache-2.0 */
/* JSON in tests is written with ' for ", so that people can read it. */
#ifndef SUPPORT_QUOTES_H
#define SUPPORT_QUOTES_H

#include <stddef.h>

/* A copy with " for every ', NUL-terminated behind `len` bytes; the caller frees it. */
char *quotes_set(const char *text, size_t len);

#endif
