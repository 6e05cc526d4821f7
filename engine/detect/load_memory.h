/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading detectors with memory, in two steps as load_detector.c goes: prepare (before conditions
 * are compiled: the names they may ask for) and compile. Private to those files.
 */
#ifndef DETECT_LOAD_MEMORY_H
#define DETECT_LOAD_MEMORY_H

#include "ruleset.h"

/* load_memory.c: for all kinds. */
/* A name for state("..."): unique, and a word. `at`: where a mistake is shown. */
void memory_own_name(struct loader *loader, struct report *report, struct memory *memory,
		     const struct yaml_node *at, struct str name, struct state_ref ref,
		     const char *type);
/* The same without a check. 0 or -ENOMEM. */
int memory_add_name(struct loader *loader, struct memory *memory, struct str name,
		    struct state_ref ref, const char *type);
void memory_compile_by(struct loader *loader, struct report *report, const struct cel_env *env,
		       const struct texts *texts, struct state_by *out);
void memory_read_limits(struct report *report, const struct limits_text *text,
			struct state_limits *out);
/* What a rule says, whatever its layout, with the lists it names. */
struct digest memory_text_of_rule(const struct loader *loader, const struct pending *pending);
/* A whole number, K, M or G behind it; 0 if node is NULL. */
uint64_t memory_read_size(struct report *report, const struct yaml_node *node, uint64_t least,
			  uint64_t most);
/* Nanoseconds; 0 if node is NULL. */
uint64_t memory_read_duration(const struct yaml_node *node);

/* load_threshold.c. NULL: out of memory. */
struct measure_list *threshold_prepare(struct loader *loader, struct report *report,
				       struct memory *memory, const struct threshold_text *text);
void threshold_compile(struct loader *loader, struct report *report, const struct cel_env *env,
		       struct memory *memory, const struct threshold_text *text,
		       const struct measure_list *list);

/* load_sequence.c. False: out of memory. */
bool sequence_prepare(struct loader *loader, struct report *report, struct pending *pending);
void sequence_compile(struct loader *loader, struct report *report, struct pending *pending,
		      const struct cel_env *env);
void sequence_finish(struct memory *memory);
/*
 * state("STEP.what") of a sequence: 0 and *out, -EINVAL with err filled, or -ENOENT: no step has that
 * name.
 */
int sequence_name(struct loader *loader, struct memory *memory, struct str name,
		  struct memory_name *out, struct err *err);

#endif
