/* SPDX-License-Identifier: Apache-2.0 */
/* Which tests of one value exclude each other; for judge.c. */
#ifndef CEL_JUDGE_PART_H
#define CEL_JUDGE_PART_H

#include "judge.h"
#include "normal.h"

/* The kinds of values for which the atom may be true. */
uint8_t judge_kinds(const struct normal_atom *atom);
/* The kinds for which it can only be an error. */
uint8_t judge_faults(const struct normal_atom *atom);
/* No value of these kinds makes both true. */
bool judge_excludes(const struct normal_atom *a, const struct normal_atom *b, uint8_t kinds);
/* No value of the domain makes it true, whatever its terms are. */
bool judge_outside(const struct normal_atom *atom, const struct cel_domain *domain);

#endif
