/* SPDX-License-Identifier: Apache-2.0 */
/* Keyed digests, see digest.h: SipHash-1-3 of 128 bits, after Aumasson and Bernstein. */
#include "digest.h"

#include <math.h>
#include <sys/random.h>
#include <time.h>

#include "base/common.h"
#include "cel/cel.h"

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v2 = rotate(s->v2, 32);
}

static inline void sip_start(struct sip *s, struct digest secret)
{
	*s = (struct sip){ 0x736f6d6570736575ULL ^ secret.high,
			   0x646f72616e646f6dULL ^ secret.low ^ 0xee,
			   0x6c7967656e657261ULL ^ secret.high,
			   0x7465646279746573ULL ^ secret.low };
}

static inline void sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	s->v0 ^= word;
}

static inline struct digest sip_end(struct sip *s, uint64_t last)
{
	struct digest out;

	sip_word(s, last);
	s->v2 ^= 0xee;
	for (int i = 0; i < 3; i++)
		sip_round(s);
	out.high = s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
	s->v1 ^= 0xdd;
	for (int i = 0; i < 3; i++)
		sip_round(s);
	out.low = s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
	return out;
}

struct digest digest_words(struct digest secret, const uint64_t *words, uint32_t count)
{
	struct sip s;

	sip_start(&s, secret);
	for (uint32_t i = 0; i < count; i++)
		sip_word(&s, words[i]);
	return sip_end(&s, (uint64_t)(count * 8) << 56);
}

struct digest digest_bytes(struct digest secret, const void *data, size_t len)
{
	const char *at = data;
	uint64_t word, last = (uint64_t)len << 56;
	struct sip s;

	sip_start(&s, secret);
	for (size_t left = len; left >= 8; left -= 8, at += 8) {
		memcpy(&word, at, 8);
		sip_word(&s, word);
	}
	word = 0;
	if (len % 8)
		memcpy(&word, at, len % 8);
	return sip_end(&s, last | word);
}

struct digest digest_secret(void)
{
	struct digest secret;
	struct timespec now;

	if (getrandom(&secret, sizeof(secret), 0) == (ssize_t)sizeof(secret))
		return secret;
	clock_gettime(CLOCK_MONOTONIC, &now); /* a kernel without randomness: the best there is */
	return (struct digest){ (uint64_t)now.tv_nsec, (uint64_t)getpid() };
}

/* ---- values ---------------------------------------- */

/* Kinds of words; numbers of different types that are equal are of one kind. */
enum {
	WORD_NULL = 1,
	WORD_BOOL,
	WORD_NEGATIVE,
	WORD_NUMBER,
	WORD_DOUBLE,
	WORD_TEXT,
	WORD_BYTES,
	WORD_TIME,
	WORD_DURATION,
	WORD_LIST
};

static uint32_t put(uint64_t *out, uint64_t kind, uint64_t word)
{
	out[0] = kind;
	out[1] = word;
	return 2;
}

static uint32_t put_digest(uint64_t *out, uint64_t kind, struct digest digest)
{
	out[0] = kind;
	out[1] = digest.high;
	out[2] = digest.low;
	return 3;
}

static uint32_t put_double(uint64_t *out, double d)
{
	uint64_t bits;

	if (d == floor(d) && d >= 0 && d < 18446744073709551616.0)
		return put(out, WORD_NUMBER, (uint64_t)d);
	if (d == floor(d) && d < 0 && d >= -9223372036854775808.0)
		return put(out, WORD_NEGATIVE, (uint64_t)(int64_t)d);
	memcpy(&bits, &d, sizeof(bits));
	return put(out, WORD_DOUBLE, bits);
}

/* Lists of simple values only. */
static uint32_t put_list(struct digest secret, const struct value_list *list, uint64_t *out)
{
	struct sip s;

	sip_start(&s, secret);
	for (uint32_t i = 0; i < list->count; i++) {
		uint64_t words[DIGEST_WORDS];
		uint32_t count = list->items[i].tag == VALUE_LIST
					 ? 0
					 : digest_value(secret, list->items[i], words);

		if (!count)
			return 0;
		for (uint32_t k = 0; k < count; k++)
			sip_word(&s, words[k]);
	}
	return put_digest(out, WORD_LIST, sip_end(&s, list->count));
}

uint32_t digest_value(struct digest secret, struct value value, uint64_t *out)
{
	const struct cel_time *time = value.object;

	switch (value.tag) {
	case VALUE_NULL: return put(out, WORD_NULL, 0);
	case VALUE_BOOL: return put(out, WORD_BOOL, value.b);
	case VALUE_INT: return put(out, value.i < 0 ? WORD_NEGATIVE : WORD_NUMBER, value.u);
	case VALUE_UINT: return put(out, WORD_NUMBER, value.u);
	case VALUE_DOUBLE: return put_double(out, value.d);
	case VALUE_DURATION: return put(out, WORD_DURATION, value.u);
	case VALUE_STRING:
		return put_digest(out, WORD_TEXT, digest_bytes(secret, value.str, value.len));
	case VALUE_BYTES:
		return put_digest(out, WORD_BYTES, digest_bytes(secret, value.str, value.len));
	case VALUE_TIMESTAMP:
		return put(out, WORD_TIME,
			   (uint64_t)time->seconds * 1000000000 + (uint32_t)time->nanos);
	case VALUE_LIST: return put_list(secret, value.list, out);
	default: return 0;
	}
}
