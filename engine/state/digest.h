/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of the state as 128-bit digests under a secret. Whoever does not know it cannot make two
 * keys meet, so the key itself is not kept: every key takes 16 bytes, however long a path it
 * holds. Texts become words by SipHash-1-3; words become a digest by two multiplications a pair.
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

/* Words of a digest at most, and what is made of a secret for them. */
enum { DIGEST_WORDS_MAX = 26, DIGEST_FOLD = 4 };

struct digest_key {
	uint64_t k[DIGEST_FOLD + DIGEST_WORDS_MAX + 2];
};

/* What digest_words needs of a secret. */
void digest_key_init(struct digest_key *key, struct digest secret);

/*
 * Of whole words, at most DIGEST_WORDS_MAX. This is NH of UMAC (RFC 4418) with 64-bit words, twice
 * with a shifted key: two texts of one length meet with a chance of 2^-128. Each of the two is
 * then folded to 64 bits that can be used as they are.
 */
struct digest digest_words(const struct digest_key *key, const uint64_t *words, uint32_t count);
/* The lower half alone. */
uint64_t digest_hash(const struct digest_key *key, const uint64_t *words, uint32_t count);
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
