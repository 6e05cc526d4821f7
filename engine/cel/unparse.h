/* SPDX-License-Identifier: Apache-2.0 */
/* A tree as text again. */
#ifndef CEL_UNPARSE_H
#define CEL_UNPARSE_H

#include "internal.h"

struct buf;

/* The expression of a checked tree. Trees of equal text have equal values on the same event. */
void unparse(struct buf *out, const struct node *node);

#endif
