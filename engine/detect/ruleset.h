/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loaded ruleset, private to engine/detect. Everything lives in one arena and is
 * immutable after loading but for the counters and the scratch space of runs.
 */
#ifndef DETECT_RULESET_H
#define DETECT_RULESET_H

#include "builtin.h"
#include "cel/cel.h"
#include "cel/index.h"
#include "detect.h"
#include "environment.h"
#include "filter/filter.h"
#include "memory.h"
#include "rule_file.h"

enum {
	/*
	 * Tracee's range of detectors' events, behind its own detectors; what does not fit goes
	 * on behind its other ids.
	 */
	PRODUCED_ID_FIRST = 7533,
	PRODUCED_ID_LAST = 7999,
	PRODUCED_ID_MORE = 10000,
	PRODUCED_ID_MAX = 65535,
	/* Detections that one input event may cause: rules that feed each other cannot run away. */
	DETECT_OUTPUTS_MAX = 10000,
	FAULT_TEXT_MAX = 160,
};

enum { MEMORY_LINES_MAX = 64, INPUTS_MAX = 255 /* events that a detector reads */ };

struct condition {
	const struct cel_program *program;
	struct str text;
	const char *path;
	uint32_t number; /* as written, from 0 */
	uint32_t line;
	uint64_t hits, misses, errors;
	bool seen_true, seen_false; /* in any rule test: coverage.h */
	struct part *parts;	    /* parts.h; NULL: nobody asks for them */
};

struct output_field {
	const struct cel_program *program;
	uint8_t type; /* enum field_type as declared; FIELD_none: as it comes */
	bool optional;
};

struct input {
	const struct event_def *def; /* NULL: optional and unknown */
	struct filters *filters;
	uint32_t line;	      /* where the file names it */
	bool passed, stopped; /* events, in any rule test: coverage.h */
};

struct detector {
	struct str id;
	const char *path;
	struct event_def def; /* what it produces; fields in output order, then the rest */
	struct threat *threat;
	bool populate_threat, detected_from, ancestry;
	bool builtin;		/* of the binary */
	bool compat;		/* means what it means to Tracee */
	bool skipped;		/* other architecture, or cannot work here */
	const char *lacks;	/* a required event that cannot be collected yet; NULL none */
	bool partly_live;	/* so is an optional one */
	bool needs_environment; /* works with --enrichment environment alone */
	bool tested;		/* a rule test names it */
	struct input *inputs;
	uint32_t input_count;
	uint64_t optional_inputs; /* a bit for each of the first 64 */
	/* Of these `early` are asked of each event, the others when its memory fires. */
	struct condition *conditions;
	uint32_t condition_count, early;
	struct memory *memory;	  /* NULL: it has none */
	struct effects *effects;  /* NULL: it has none */
	struct str *memory_lines; /* what it remembers, for `spoor explain` */
	uint32_t memory_line_count;
	const struct cel_program *for_each; /* a list, one detection per element; NULL: just one */
	struct output_field *outputs;	    /* one per leading field of def */
	uint32_t output_count;
	const struct event_def **input_defs;
	struct str *condition_texts, *data_filters, *scope_filters; /* as written */
	uint32_t data_filter_count, scope_filter_count;
	uint64_t evaluated, fired, errors;
	char fault[FAULT_TEXT_MAX]; /* what the first error was; "" none yet */
	bool fault_told;
};

struct subscription {
	struct detector *detector;
	const struct filters *filters; /* NULL: none */
	uint8_t input;		       /* number of the event among the detector's, < INPUTS_MAX */
	uint16_t step;		       /* of its sequence */
	struct condition **conditions;
	uint32_t condition_count;
};

/* Who reads an event, and where each slot's field is in it. */
struct listeners {
	const struct event_def *def;
	struct subscription *items;
	uint32_t count;
	const struct cel_index *index; /* of items, in this order */
	int16_t *fields;	       /* one per slot */
};

/* A file that could not be loaded. */
struct broken {
	struct str name; /* of the list, or of the event it would have made */
	struct str id;	 /* of the detector; "": not known */
	const char *path;
	uint32_t directory;
	bool list;
};

struct ruleset {
	struct arena arena;
	struct broken *broken;
	uint32_t broken_count, broken_capacity;
	uint64_t slack; /* see ruleset_options */
	bool fixed;	/* the secret of its memories is always the same: see ruleset_options */
	struct detector **detectors;
	uint32_t detector_count, detector_capacity;
	struct cel_env **envs; /* one per directory */
	uint32_t env_count, env_capacity;
	struct str *slots; /* names of the fields that expressions and filters read */
	uint32_t slot_count, slot_capacity;
	struct state_ref *refs; /* one per slot: what of a detector's memory it is, if it is that */
	struct state *states[2]; /* see struct memory */
	struct fact **facts;
	uint32_t fact_count, fact_capacity;
	struct listeners **by_event; /* by event id; NULL: nobody */
	uint32_t event_limit;
	const struct event_def **reads; /* built-in events that detectors read */
	uint32_t read_count;
	uint64_t outputs_refused;
	uint32_t faults; /* detectors whose first error nobody has been told of */
	/* Scratch of runs, one per level of a chain. */
	struct value *values[DETECT_DEPTH_MAX + 1];
	uint64_t *known[DETECT_DEPTH_MAX + 1];
	struct cel_match *matches[DETECT_DEPTH_MAX + 1];
	/* Asks every detector in turn, without the index, and so counts all conditions. */
	bool plain;
};

/* What loading needs besides; lives only during ruleset_load. */
struct loader {
	struct ruleset *ruleset;
	struct err_list *problems;
	struct ruleset_options options;
	bool builtin;	      /* the files at hand are those of the binary */
	uint32_t idle, blind; /* of them, those that need what cannot be, is not collected */
	struct arena scratch; /* texts of files; freed after loading */
	struct cel_env *env;  /* of the directory at hand */
	uint32_t env_directory;
	struct arena tree;	 /* the file at hand as a tree, and what is read from it */
	struct pending *pending; /* detectors read but not compiled */
	uint32_t pending_count, pending_capacity;
	uint32_t produced_count; /* events that got an id of ours */
	struct named_list *lists;
	uint32_t list_count, list_capacity;
	uint32_t directory_count;
	const struct cel_env *item_env; /* of item_directory; NULL: not made yet */
	uint32_t item_directory;
	/* The detector at hand, for the resolver of field names. */
	const struct detector *compiling;
	bool unknown_input; /* it reads an event nobody knows: any field name may be right */
	uint64_t reads_toctou, reads_other; /* fields its conditions read */
	bool reading_conditions;
	const struct event_def
		*only;	   /* the event of the step at hand; NULL: any of the detector's */
	uint32_t step_at;  /* the step at hand may refer to those before this one */
	bool before_state; /* the expression is evaluated when there is no state(...) yet */
	struct cel_env *tracee_env; /* of the directory at hand, for warnings; NULL: not asked */
	bool reads_state;	    /* the expression at hand asks for state(...) */
};

/*
 * A file of rules. Its tree is made again whenever it is wanted: a thousand of them together
 * would take four times the memory that the finished rules do.
 */
struct rule_source {
	const char *path;
	struct str text;
	enum rule_type type;
};

/* A detector as read, waiting until all names are known. */
struct pending {
	struct detector *detector;
	struct rule_source source;
	/* While it is linked and compiled, NULL else. */
	const struct yaml_file *file;
	const struct detector_text *text;
	uint32_t directory;
	bool broken;
	struct measure_list *measures; /* of its threshold */
};

struct named_list {
	struct str name;
	struct yaml_file file;	      /* without tree */
	const struct yaml_node *node; /* of the name */
	struct str *values;
	uint32_t value_count;
	uint32_t directory;
	bool used;
};

/* load.c */
/* A copy of a scalar that outlives its file's tree; NULL: no memory. */
/* load_broken.c: notes a file that does not load, and a detector that does not compile. */
void broken_note(struct loader *loader, const struct rule_source *source, uint32_t directory,
		 bool lists_only);
void broken_note_detector(struct loader *loader, const struct pending *pending);
/* Messages about lists of the directory that did not load say so. 0, or -ENOMEM. */
int broken_explain_lists(const struct loader *loader, struct cel_env *env, uint32_t directory);
/* The files at hand mean what they mean to Tracee; those of the binary never do. */
bool loader_compat(const struct loader *loader);
const struct yaml_node *loader_keep(struct loader *loader, const struct yaml_node *scalar);
void *loader_grow(struct arena *arena, void *items, uint32_t count, uint32_t *capacity,
		  size_t size);

/* Files that are in memory, as one directory; they must outlive the call only. */
struct ruleset *ruleset_load_texts(const struct builtin_file *files, size_t count,
				   const struct ruleset_options *options,
				   struct err_list *problems);

/* The name stands in some value, as a word. */
bool tree_mentions(const struct yaml_node *node, struct str name);

/* The environment of output fields beside output.for_each; NULL: out of memory. */
const struct cel_env *loader_item_env(struct loader *loader, uint32_t directory);

/* load_detector.c: from text to struct detector, names resolved; then the expressions. */
struct detector *detector_make(struct loader *loader, struct report *report,
			       const struct detector_text *text);
void detector_link(struct loader *loader, struct pending *pending, struct report *report);
void detector_compile(struct loader *loader, struct pending *pending, struct report *report,
		      const struct cel_env *env);

/*
 * An expression of a detector, without its first `skip` bytes; `what` says which one in messages.
 * NULL with the mistake reported.
 */
const struct cel_program *compile_expression(struct loader *loader, struct report *report,
					     const struct cel_env *env,
					     const struct yaml_node *node, uint32_t skip,
					     const char *what, const char *want);

/* load_memory.c: before and after the conditions are compiled. */
void memory_prepare(struct loader *loader, struct report *report, struct pending *pending);
void memory_compile(struct loader *loader, struct report *report, struct pending *pending,
		    const struct cel_env *env);
/* memory_words.c: the detector's memory_lines, from the whole of its file. */
void memory_write_words(struct ruleset *ruleset, struct detector *d, const struct yaml_node *root);
/* When all of its expressions are compiled. */
void memory_finish(struct memory *memory);
/* cel_resolve_fn of state("name"). */
int ruleset_resolve_state(void *ctx, struct str name, struct cel_slot *out, struct err *err);

/* load_facts.c: the names first, when all detectors are known; then the expressions. */
void facts_declare(struct loader *loader, struct pending *pending);
void facts_compile(struct loader *loader, struct report *report, struct pending *pending,
		   const struct cel_env *env);
/* cel_resolve_fn of variable("name"), hasLabel("name"), score("name"). */
int ruleset_resolve_variable(void *ctx, struct str name, struct cel_slot *out, struct err *err);
int ruleset_resolve_label(void *ctx, struct str name, struct cel_slot *out, struct err *err);
int ruleset_resolve_score(void *ctx, struct str name, struct cel_slot *out, struct err *err);
extern const struct environment_memory ruleset_resolvers;

/* load_resolve.c */
/* The same for a name of a detector's memory. */
int ruleset_state_slot(struct ruleset *ruleset, struct memory *memory,
		       const struct memory_name *name, uint32_t *out);
/* The number of the slot for a field, new or known. 0 or -ENOMEM. */
int ruleset_slot(struct ruleset *ruleset, struct str name, uint32_t *out);
int ruleset_resolve(void *ctx, struct str name, struct cel_slot *out, struct err *err);
/* Built-in or produced by any detector read so far; NULL none. */
const struct event_def *loader_event(const struct loader *loader, struct str name);
/* And for a fact, which is number `number`. */
int ruleset_fact_slot(struct ruleset *ruleset, struct fact *fact, uint32_t number);
/* The event has no field of that name: fills err, -EINVAL. */
int loader_unknown_field(const struct event_def *def, struct str name, struct err *err);
/* Adds "did you mean" for an event's name. */
void loader_suggest_event(const struct loader *loader, struct str name, struct err *err);

/* memory.c: the rules' memories, when all is loaded. 0 or -ENOMEM. */
int ruleset_remember(struct ruleset *ruleset);

/* index.c: who reads what, and the indexes. 0 or -ENOMEM. */
int ruleset_index(struct ruleset *ruleset);

#endif
