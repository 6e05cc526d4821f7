/* SPDX-License-Identifier: Apache-2.0 */
/* What a reader must see of a hostile text, by the rules of engine/encode/text.h, told slowly. */
#ifndef SUPPORT_CLEAN_H
#define SUPPORT_CLEAN_H

#include "base/arena.h"
#include "encode/text.h"

/* In the arena. */
struct str clean_text(struct arena *arena, struct str text, enum text_form form, uint32_t cap);

#endif
