/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracee-vectors: recorded cases of Tracee, one kind of file per C file here. A kind runs one row
 * and says what came of it; skips and deliberate differences are listed in rules/README.md.
 */
#ifndef TESTS_VECTORS_KINDS_H
#define TESTS_VECTORS_KINDS_H

#include <jansson.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/common.h"
#include "event.h"

struct stores;

enum outcome { PASSED, FAILED, SKIPPED };

struct row {
	const json_t *json;
	const char *folder; /* of the file of rows, for what lies beside it */
	struct arena arena; /* for this row */
	char problem[1024]; /* FAILED: what differs; SKIPPED: why */
};

struct kind {
	const char *name;
	enum outcome (*run)(struct row *row);
	bool big_numbers;  /* integers beyond 64 bits, none of which matter */
	void (*end)(void); /* after the last row; NULL: nothing to do */
	/* Not a list of rows: runs the whole file and prints the sums. Returns the exit status. */
	int (*run_file)(const char *path, bool verbose);
};

extern const struct kind kinds[];

enum outcome row_failed(struct row *row, const char *format, ...) PRINTF_LIKE(2, 3);
enum outcome row_skipped(struct row *row, const char *format, ...) PRINTF_LIKE(2, 3);

/* Rows that differ on purpose, by their name; the last row is NULL. */
struct difference {
	const char *row, *why;
};
/* Why this row is to differ; NULL: it is not. */
const char *difference(const struct difference *list, const char *name);
/*
 * Of a row whose outcome is to differ, as rules/README.md says. why == NULL: it is not. One that
 * does not differ any more is a failure, so that the lists stay exact.
 */
enum outcome row_differs(struct row *row, const char *why, enum outcome outcome);

enum outcome run_load(struct row *row);
enum outcome run_filter(struct row *row);
enum outcome run_policies(struct row *row);
enum outcome run_flags(struct row *row);
enum outcome run_scenario(struct row *row);
enum outcome run_register(struct row *row);
enum outcome run_autopopulate(struct row *row);
enum outcome run_builtin(struct row *row);
void end_builtin(void);
/* tests/cel/tracee_cel.c */
int tracee_cel_file(const char *path, bool verbose);

const char *text_of(const json_t *object, const char *key);
struct str str_of_json(const json_t *text);

/* A definition made from the recorded catalogue (events.json) where we have none of our own. */
const struct event_def *catalogue_event(struct row *row, const char *name);
/* An event from the protobuf form; NULL with row->problem if it has what we cannot hold. */
struct event *event_of_json(struct row *row, const json_t *json, const struct event_def *def);
/*
 * Rows may give an event fields that it has not (Tracee's data is a mere list). The definition with
 * those fields behind its own, or `def` itself; and a ruleset that is to see them.
 */
const struct event_def *with_foreign_fields(struct row *row, const struct event_def *def,
					    const json_t *data);
struct ruleset;
void show_foreign_fields(struct row *row, struct ruleset *ruleset, const struct event_def *def);
/* Nanoseconds since the epoch of an RFC 3339 time in UTC. */
uint64_t epoch_of_text(const char *text);

/* processes.c: a store with the processes of the row, whose ids in the row become ours. */
struct stores *stores_of_registry(json_t *row);
struct stores *stores_of_ancestors(json_t *row, const json_t *process);

/* compare.c: is the event, as we print it, the recorded one? If not, row->problem tells. */
bool event_equals(struct row *row, const struct event *event, const json_t *want,
		  const struct stores *stores);
/* The same of its data alone: a list of entries. */
bool data_equals(struct row *row, const struct event *event, const json_t *want);

#endif
