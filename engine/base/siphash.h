/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SipHash of whole words, 128 bits, after Aumasson and Bernstein: a keyed hash that nobody who
 * does not know the key can make collide. `rounds` per word: 1 (SipHash-1-3) or 2 (SipHash-2-4);
 * two more at the end.
 */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stdint.h>

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t sip_rotate(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static inline void sip_rounds(struct sip *s, int count)
{
	while (count--) {
		s->v0 += s->v1;
		s->v1 = sip_rotate(s->v1, 13) ^ s->v0;
		s->v0 = sip_rotate(s->v0, 32);
		s->v2 += s->v3;
		s->v3 = sip_rotate(s->v3, 16) ^ s->v2;
		s->v0 += s->v3;
		s->v3 = sip_rotate(s->v3, 21) ^ s->v0;
		s->v2 += s->v1;
		s->v1 = sip_rotate(s->v1, 17) ^ s->v2;
		s->v2 = sip_rotate(s->v2, 32);
	}
}

static inline void sip_start(struct sip *s, uint64_t key0, uint64_t key1)
{
	*s = (struct sip){ .v0 = 0x736f6d6570736575ULL ^ key0,
			   .v1 = 0x646f72616e646f6dULL ^ key1 ^ 0xee,
			   .v2 = 0x6c7967656e657261ULL ^ key0,
			   .v3 = 0x7465646279746573ULL ^ key1 };
}

static inline void sip_word(struct sip *s, uint64_t word, int rounds)
{
	s->v3 ^= word;
	sip_rounds(s, rounds);
	s->v0 ^= word;
}

/* last: what is left of the text, and in its top byte the text's length. */
static inline void sip_end(struct sip *s, uint64_t last, int rounds, uint64_t out[2])
{
	sip_word(s, last, rounds);
	s->v2 ^= 0xee;
	sip_rounds(s, rounds + 2);
	out[0] = s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
	s->v1 ^= 0xdd;
	sip_rounds(s, rounds + 2);
	out[1] = s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

#endif
