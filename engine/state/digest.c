/* SPDX-License-Identifier: Apache-2.0 */
/* Keyed digests, see digest.h. */
#include "digest.h"

#include <math.h>
#include <sys/random.h>
#include <time.h>

#include "base/common.h"
#include "base/siphash.h"
#include "cel/cel.h"

enum { ROUNDS = 1 };

static struct digest text_end(struct sip *s, uint64_t last)
{
	uint64_t out[2];

	sip_end(s, last, ROUNDS, out);
	return (struct digest){ out[0], out[1] };
}

struct digest digest_bytes(struct digest secret, const void *data, size_t len)
{
	const char *at = data;
	uint64_t word, last = (uint64_t)len << 56;
	struct sip s;

	sip_start(&s, secret.high, secret.low);
	for (size_t left = len; left >= 8; left -= 8, at += 8) {
		memcpy(&word, at, 8);
		sip_word(&s, word, ROUNDS);
	}
	word = 0;
	if (len % 8)
		memcpy(&word, at, len % 8);
	return text_end(&s, last | word);
}

/* ---- words ---------------------------------------- */

void digest_key_init(struct digest_key *key, struct digest secret)
{
	for (uint64_t i = 0; i < ARRAY_SIZE(key->k); i += 2) {
		struct digest pair = digest_bytes(secret, &i, sizeof(i));

		key->k[i] = pair.high;
		key->k[i + 1] = pair.low;
	}
}

typedef unsigned __int128 u128;

static inline u128 product(uint64_t a, uint64_t b)
{
	return (u128)a * b;
}

static inline uint64_t fold(u128 sum, const uint64_t *k)
{
	u128 mixed = product((uint64_t)sum ^ k[0], (uint64_t)(sum >> 64) ^ k[1]);

	return (uint64_t)mixed ^ (uint64_t)(mixed >> 64);
}

struct digest digest_words(const struct digest_key *key, const uint64_t *words, uint32_t count)
{
	const uint64_t *k = key->k + DIGEST_FOLD;
	/* The length is a word as well. */
	u128 high = count, low = (u128)count << 64;
	uint32_t i;

	for (i = 0; i + 1 < count; i += 2) {
		high += product(words[i] + k[i], words[i + 1] + k[i + 1]);
		low += product(words[i] + k[i + 2], words[i + 1] + k[i + 3]);
	}
	if (i < count) {
		high += product(words[i] + k[i], k[i + 1]);
		low += product(words[i] + k[i + 2], k[i + 3]);
	}
	return (struct digest){ fold(high, key->k), fold(low, key->k + 2) };
}

uint64_t digest_hash(const struct digest_key *key, const uint64_t *words, uint32_t count)
{
	const uint64_t *k = key->k + DIGEST_FOLD;
	u128 low = (u128)count << 64;
	uint32_t i;

	for (i = 0; i + 1 < count; i += 2)
		low += product(words[i] + k[i + 2], words[i + 1] + k[i + 3]);
	if (i < count)
		low += product(words[i] + k[i + 2], k[i + 3]);
	return fold(low, key->k + 2);
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

	sip_start(&s, secret.high, secret.low);
	for (uint32_t i = 0; i < list->count; i++) {
		uint64_t words[DIGEST_WORDS];
		uint32_t count = list->items[i].tag == VALUE_LIST
					 ? 0
					 : digest_value(secret, list->items[i], words);

		if (!count)
			return 0;
		for (uint32_t k = 0; k < count; k++)
			sip_word(&s, words[k], ROUNDS);
	}
	return put_digest(out, WORD_LIST, text_end(&s, list->count));
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
