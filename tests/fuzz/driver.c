/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target over its corpus without libFuzzer: every file of
 * tests/fuzz/corpus/NAME as it is, then MUTATIONS damaged versions of it, the same ones on every
 * run. One TAP test per file; a crash or an input that takes longer than LIMIT_SECONDS ends the
 * program, and its last comment line says which input it was. The name is that of the program:
 * fuzz_NAME. With arguments: runs those files only, undamaged.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MUTATIONS     200
#define LIMIT_SECONDS 20
#define LARGEST_INPUT (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint64_t random_state;

static uint64_t random_below(uint64_t bound)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % bound;
}

static void random_seed(const char *text)
{
	random_state = 0xcbf29ce484222325;
	for (; *text; text++)
		random_state = (random_state ^ (uint8_t)*text) * 0x100000001b3;
	random_state |= 1;
}

/* The copy is of exactly `len` bytes, so that a sanitizer sees a read beyond its end. */
static void input_run(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		abort();
	memcpy(copy, data, len);
	alarm(LIMIT_SECONDS);
	LLVMFuzzerTestOneInput(copy, len);
	alarm(0);
	free(copy);
}

/* Damages `len` bytes in place and returns the new length, which is never greater. */
static size_t input_damage(uint8_t *data, size_t len)
{
	static const uint8_t nasty[] = { 0,   0xff, 0x7f, 0x80, '"', '{',
					 '[', '(',  '-',  '\n', ':', '\\' };

	for (uint64_t count = 1 + random_below(4); count > 0 && len > 0; count--) {
		size_t at = random_below(len);
		size_t other = random_below(len);

		switch (random_below(5)) {
		case 0: data[at] ^= 1 << random_below(8); break;
		case 1: data[at] = nasty[random_below(sizeof(nasty))]; break;
		case 2: len = at; break;
		case 3: data[at] = data[other]; break;
		default: memmove(data + at, data + other, len - (at > other ? at : other)); break;
		}
	}
	return len;
}

static long file_read(const char *path, uint8_t *data)
{
	FILE *file = fopen(path, "rb");
	size_t len;

	if (!file)
		return -errno;
	len = fread(data, 1, LARGEST_INPUT, file);
	fclose(file);
	return len;
}

static int file_run(const char *path, const char *name, int number, int mutations)
{
	static uint8_t original[LARGEST_INPUT], damaged[LARGEST_INPUT];
	long len = file_read(path, original);

	if (len < 0) {
		printf("not ok %d - %s: %s\n", number, name, strerror(-len));
		return 1;
	}
	printf("# %s as it is\n", name);
	input_run(original, len);
	random_seed(name);
	for (int i = 0; i < mutations; i++) {
		memcpy(damaged, original, len);
		printf("# %s damaged, version %d\n", name, i);
		input_run(damaged, input_damage(damaged, len));
	}
	printf("ok %d - %s\n", number, name);
	return 0;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int corpus_run(const char *target)
{
	char folder[PATH_MAX / 2], path[PATH_MAX];
	struct dirent **entries;
	int failed = 0;
	int count;

	snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s", getenv("TOP") ?: ".", target);
	count = scandir(folder, &entries, is_visible, alphasort);
	if (count <= 0) {
		printf("1..1\nnot ok 1 - corpus %s: %s\n", folder,
		       count ? strerror(errno) : "empty");
		return 1;
	}
	printf("1..%d\n", count);
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		failed |= file_run(path, entries[i]->d_name, i + 1, MUTATIONS);
		free(entries[i]);
	}
	free(entries);
	return failed;
}

/* -runs=N [SEED]: N inputs of random bytes, for targets that make their own of them. */
static int random_run(const char *count, const char *seed)
{
	unsigned long long runs = strtoull(count, NULL, 10);
	uint8_t data[64];

	random_seed(seed);
	for (unsigned long long i = 0; i < runs; i++) {
		size_t len = 8 + random_below(sizeof(data) - 8);

		for (size_t at = 0; at < len; at++)
			data[at] = (uint8_t)random_below(256);
		LLVMFuzzerTestOneInput(data, len);
	}
	printf("1..1\nok 1 - %llu runs\n", runs);
	return 0;
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');
	int failed = 0;

	/* What was printed must not be lost in a crash. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 1) {
		name = name ? name + 1 : argv[0];
		return corpus_run(strncmp(name, "fuzz_", 5) ? name : name + 5);
	}
	if (!strncmp(argv[1], "-runs=", 6))
		return random_run(argv[1] + 6, argc > 2 ? argv[2] : "runs");
	printf("1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++)
		failed |= file_run(argv[i], argv[i], i, 0);
	return failed;
}
