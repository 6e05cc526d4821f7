/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzz targets of single stages of the expression language share. The first byte of
 * an input chooses the dialect, the rest is the expression. Environments are made once and
 * arenas reset, so that nearly all time is spent in the stage.
 */
#ifndef FUZZ_CEL_STAGE_H
#define FUZZ_CEL_STAGE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../cel/random.h"
#include "cel/internal.h"

#define CHECK(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

/* gcc's sanitizers (SAN=1) do not optimise: libFuzzer's builds are clang's. */
#if defined(ARENA_POISONS) && !defined(__clang__)
enum { STAGE_SLOWNESS = 10 };
#else
enum { STAGE_SLOWNESS = 1 };
#endif
enum { STAGE_INPUT_MAX = 256, STAGE_NANOSECONDS_MAX = STAGE_SLOWNESS * 50 * 1000 * 1000 };

/* One stage's work on one input. */
struct stage {
	struct cel_source source;
	struct err err;
	struct compile compile;
	struct timespec began;
};

static inline int64_t stage_nanoseconds(const struct stage *stage)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (now.tv_sec - stage->began.tv_sec) * 1000000000LL + now.tv_nsec -
	       stage->began.tv_nsec;
}

/* False: the input is none. */
static inline bool stage_start(struct stage *stage, const uint8_t *data, size_t len)
{
	static const uint32_t dialects[] = { 0, CEL_TRACEE, CEL_UNCHECKED, CEL_SAME_NUMBERS };
	static struct cel_env *envs[ARRAY_SIZE(dialects)];
	static struct arena arena = { .limit = 64 << 20 }, scratch = { .limit = 64 << 20 };
	uint32_t dialect;

	if (!len || len > STAGE_INPUT_MAX)
		return false;
	dialect = data[0] % ARRAY_SIZE(dialects);
	if (!envs[dialect])
		envs[dialect] = random_env(dialects[dialect]);
	CHECK(envs[dialect]);
	arena_reset(&arena);
	arena_reset(&scratch);
	stage->source = (struct cel_source){
		.text = { (const char *)data + 1, (uint32_t)(len - 1) },
	};
	stage->err.code = 0;
	stage->err.message[0] = 0;
	stage->compile = (struct compile){ .env = envs[dialect],
					   .source = &stage->source,
					   .arena = &arena,
					   .scratch = &scratch,
					   .err = &stage->err,
					   .regex_effort = REGEX_EFFORT,
					   .fold_budget = CEL_FOLD_TOTAL };
	stage->compile.infer.arena = &scratch;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &stage->began);
	return true;
}

/* An error says where it is, inside the source; and no input takes long. */
static inline void stage_end(const struct stage *stage)
{
	const struct err *err = &stage->err;
	int64_t took = stage_nanoseconds(stage);

	if (took > STAGE_NANOSECONDS_MAX) {
		fprintf(stderr, "took %lld us\n", (long long)took / 1000);
		abort();
	}
	CHECK(stage->compile.failed == (err->code < 0));
	if (!err->code)
		return;
	CHECK(err->message[0] && err->line >= 1 && err->column >= 1);
	CHECK(err->caret >= 1 && err->caret <= strlen(err->source) + 1);
}

#endif
