/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of the state as 128-bit digests: SipHash-1-3 under a secret. Whoever does not know it
 * cannot make two keys meet, so the key itself is not kept: every key takes 16 bytes, however
 * long a path it holds.
 */
#ifndef STATE_DIGEST_H
#define STATE_DIGEST_H

#include "value.h"

struct digest {
	uint64_t high, low;
};

static inline bool digest_equal(struct digest a, struct digest b)
{
	return a.high == b.high && a.low == b.low;
}

/* Of whole words; the secret is one digest. */
struct digest digest_words(struct digest secret, const uint64_t *words, uint32_t count);
struct digest digest_bytes(struct digest secret, const void *data, size_t len);
/* From the system's random numbers. */
struct digest digest_secret(void);

/*
 * A value as words: equal values (as CEL's == has it) give equal words. At most DIGEST_WORDS are
 * written to `out`; returns how many, 0 if it cannot be a key (an error, a map, a message).
 */
enum { DIGEST_WORDS = 3 };
uint32_t digest_value(struct digest secret, struct value value, uint64_t *out);

#endif
