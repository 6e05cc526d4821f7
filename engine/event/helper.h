/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What BPF programs may call, as a set of bits: what a field of the group `bpf_helpers` holds, in
 * words of 64 bits.
 */
#ifndef EVENT_HELPER_H
#define EVENT_HELPER_H

#include "value.h"

struct buf;

enum { HELPER_WORDS = 4 };

/* Appends {"value":["bpf_map_lookup_elem", ...]}; what has no name is its number, none is {}. */
void helpers_write(struct buf *out, const char *words, uint32_t count);
/* The number of a name or of decimal digits; -1: neither. */
int helper_number(struct str text);

#endif
