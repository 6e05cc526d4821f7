/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules: load detectors and lists from YAML into an immutable ruleset, then run
 * events through it. A produced event is an event again and is run through the
 * ruleset too, to DETECT_DEPTH_MAX levels.
 */
#ifndef DETECT_DETECT_H
#define DETECT_DETECT_H

#include "base/arena.h"
#include "base/err.h"
#include "event.h"
#include "state/state.h"

struct stores;
struct ruleset;
struct detector;

enum { DETECT_DEPTH_MAX = 5 };

struct ruleset_options {
	bool compat_tracee; /* literal behaviour: unknown keys are warnings, ... */
	bool environment;   /* events carry the environment of programs: --enrichment environment */
	bool no_container;  /* events do not tell their container: never so with our collector */
	const char *executable_hash; /* mode of hashes in events, as "dev-inode"; NULL: none */
	/*
	 * For the live sensor: a required event that cannot be collected yet is an error; a
	 * built-in detector that needs one is left out, with one warning for all of them.
	 */
	bool live;
	uint64_t slack;	   /* ns: events may come so much later than others of the same time */
	bool fixed_secret; /* keys of memories are hashed always the same way, for tests */
	/*
	 * Warn of calls that never answer, of conditions and filters that always or never hold; in
	 * Tracee's mode of what it refuses.
	 */
	bool advise;
	bool coverage; /* rule tests are to tell which operands decided: coverage.h */
	bool foreign; /* rules for another sensor: events and enrichments it has not are warnings */
};

/*
 * Load every file and directory of `paths` (NULL-terminated); "builtin" is the rules of the
 * binary. Errors and warnings go to `problems`; loading goes on after an error so that one run
 * shows them all. The ruleset holds what is valid; the caller decides whether errors are fatal.
 * NULL: out of memory.
 */
struct ruleset *ruleset_load(const char *const *paths, const struct ruleset_options *options,
			     struct err_list *problems);
/* The detectors built into the binary (rules/, embedded at build time). */
struct ruleset *ruleset_load_builtin(const struct ruleset_options *options,
				     struct err_list *problems);
void ruleset_free(struct ruleset *ruleset);

/* Events the loaded detectors read (not those they produce). Static for the ruleset's life. */
const struct event_def *const *ruleset_events(const struct ruleset *ruleset, size_t *count);
/* Do some of them look at the name of the event's UTS namespace? */
bool ruleset_reads_host_names(const struct ruleset *ruleset);
/* Built-in or produced event of that name; NULL none. */
const struct event_def *ruleset_event(const struct ruleset *ruleset, struct str name);
/* Path of the file that would have made the event, had it loaded; NULL: there was none. */
const char *ruleset_broken_event(const struct ruleset *ruleset, struct str name);
/* The same of a detector. */
const char *ruleset_broken_detector(const struct ruleset *ruleset, struct str id);

struct detector_info {
	const char *id, *path;
	const struct event_def *produces;
	const struct threat *threat; /* NULL: derived event */
	const struct event_def *const *inputs;
	uint32_t input_count;
	uint64_t optional_inputs; /* a bit for each of the first 64 */
	const struct str *conditions;
	uint32_t condition_count;
	const struct str *data_filters, *scope_filters; /* as written, of all inputs */
	uint32_t data_filter_count, scope_filter_count;
	/* What of it works in the live sensor: see struct detector in ruleset.h. */
	const char *lacks;
	bool partly_live, needs_environment;
	/* Since load; evaluated: tried, which the index spares most events. */
	uint64_t evaluated, fired, errors;
	const struct str *memory_lines; /* what it remembers, in words */
	uint32_t memory_line_count;
	bool has_memory;
	struct state_stats memory; /* of a detector with memory */
};
uint32_t ruleset_detector_count(const struct ruleset *ruleset);
void ruleset_detector(const struct ruleset *ruleset, uint32_t index, struct detector_info *out);

/*
 * Writes a line for each detector that ended in an error for the first time since this was last
 * called: where, and what the error was.
 */
void ruleset_faults(struct ruleset *ruleset, FILE *out);
bool ruleset_has_faults(const struct ruleset *ruleset);
/* What its detectors remember, together. */
void ruleset_memory(const struct ruleset *ruleset, struct state_stats *out);
/* Detections dropped because one event made too many. */
uint64_t ruleset_outputs_refused(const struct ruleset *ruleset);

/* For each detector how the index of rules finds it, as text. */
struct buf;
void ruleset_explain(const struct ruleset *ruleset, struct buf *out);
/* What must hold for a detector to fire, in words, a part at a time: filters, then conditions. */
void ruleset_words(const struct ruleset *ruleset, uint32_t detector,
		   void (*line)(void *ctx, const char *text), void *ctx);
/* What a detector costs on an event that it reads (input < info.input_count). */
struct detect_cost {
	double event;	/* ns on each such event; 0: it is tried on all of them */
	uint32_t found; /* ns more on those that the index finds for it */
	struct str by;	/* what finds it, as in the rule; "": nothing */
};
bool ruleset_cost(const struct ruleset *ruleset, uint32_t detector, uint32_t input,
		  struct detect_cost *out);

/* Called for each detection, in order, depth first from the input. */
typedef void (*detect_sink)(void *ctx, const struct event *produced);

/*
 * Run one event through the ruleset. Temporaries and produced events live in `arena`.
 * Returns how many detections were made.
 */
uint32_t ruleset_run(struct ruleset *ruleset, const struct event *event,
		     const struct stores *stores, struct arena *arena, detect_sink sink, void *ctx);

/* A record that comes after a few others: see state_soon. */
void ruleset_soon(struct ruleset *ruleset, const struct wire_header *record);
/*
 * Without an event: it is `now` (boot ns), and whatever detectors with memory were waiting for has
 * not come. Events move the time themselves.
 */
uint32_t ruleset_advance(struct ruleset *ruleset, uint64_t now, const struct stores *stores,
			 struct arena *arena, detect_sink sink, void *ctx);
/* No more events will come: what was being counted is told. */
uint32_t ruleset_finish(struct ruleset *ruleset, const struct stores *stores, struct arena *arena,
			detect_sink sink, void *ctx);
/*
 * What first_seen has learnt, to a file and back, see state_save. epoch_ns: of boot. 0, -ENOENT,
 * -EBADMSG or another negative errno.
 */
int ruleset_memory_save(const struct ruleset *ruleset, const char *path, uint64_t epoch_ns);
int ruleset_memory_load(struct ruleset *ruleset, const char *path, uint64_t epoch_ns);
/* Detectors with memory have seen nothing yet. */
void ruleset_forget(struct ruleset *ruleset);
/* Detectors whose text is the same in both go on with what they remembered in `old`. */
void ruleset_adopt(struct ruleset *ruleset, struct ruleset *old);

#endif
