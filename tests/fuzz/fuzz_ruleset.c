/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of rules loaded together, detectors and lists, as a directory of them; the input is cut
 * at lines "%%". What loads is run on an event of each kind that is read, with the index and
 * without: both must agree.
 */
#include "fuzz_rules.h"

static void made_one(void *ctx, const struct event *produced)
{
	CHECK(produced->def->id >= PRODUCED_ID_FIRST);
	++*(uint32_t *)ctx;
}

static uint32_t run_event(struct ruleset *ruleset, const struct event *event, struct arena *arena)
{
	uint32_t made = 0;

	CHECK(ruleset_run(ruleset, event, NULL, arena, made_one, &made) == made);
	return made;
}

/* An event of each kind that is read, all of its numbers 0, its fields present or all absent. */
static void run_events(struct ruleset *ruleset, bool present)
{
	static const struct clock clock = { 0 };
	struct arena arena = { .limit = 64 << 20 };
	size_t defs_count;
	const struct event_def *const *defs = ruleset_events(ruleset, &defs_count);

	for (size_t i = 0; i < defs_count && i < 8; i++) {
		size_t size = (sizeof(struct wire_header) + defs[i]->body_size + 7) & ~(size_t)7;
		struct wire_header *h = arena_zalloc(&arena, size);
		struct event event = { .def = defs[i], .wire = h, .clock = &clock };
		uint32_t indexed;

		CHECK(h);
		h->size = (uint32_t)size;
		h->id = defs[i]->id;
		h->pid = 1;
		h->present = present ? ~0ULL : 0;
		indexed = run_event(ruleset, &event, &arena);
		ruleset->plain = true;
		CHECK(indexed == run_event(ruleset, &event, &arena));
		ruleset->plain = false;
	}
	arena_free(&arena);
}

enum { FILES = 6 };

/* The end of the file that starts at `at`; *next: where the one behind it starts. */
static size_t file_end(const char *text, size_t at, size_t len, size_t *next)
{
	const char *cut = at < len ? memmem(text + at, len - at, "\n%%\n", 4) : NULL;

	*next = cut ? (size_t)(cut - text) + 4 : len;
	return cut ? (size_t)(cut - text) + 1 : len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const names[FILES] = { "a.yaml", "b.yaml", "c.yaml",
						  "d.yaml", "e.yaml", "f.yaml" };
	struct builtin_file files[FILES];
	/* The dialect comes from the length, so that inputs stay plain files. */
	struct ruleset_options options = { .compat_tracee = len % 4 == 0, .advise = true };
	struct err_list problems = { 0 };
	struct ruleset *ruleset;
	uint32_t count = 0;

	if (len > RULES_SIZE_MAX)
		return 0;
	for (size_t at = 0, next; count < FILES && (at < len || !count); at = next) {
		size_t end = file_end((const char *)data, at, len, &next);

		files[count] = (struct builtin_file){ names[count], (const char *)data + at,
						      (uint32_t)(end - at) };
		count++;
	}
	ruleset = ruleset_load_texts(files, count, &options, &problems);
	CHECK(ruleset);
	for (uint32_t i = 0; i < count; i++)
		check_problems(&problems, names[i]);
	if (ruleset->detector_count)
		run_events(ruleset, len % 2);
	ruleset_free(ruleset);
	err_list_free(&problems);
	return 0;
}
