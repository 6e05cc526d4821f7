/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of detectors with memory, as written; a part of rule_file.h. */
#ifndef DETECT_MEMORY_FILE_H
#define DETECT_MEMORY_FILE_H

#include "base/schema.h"

struct limits_text {
	const struct yaml_node *node;
	const struct yaml_node *keys, *bytes, *partials;
};

struct measure_text {
	const struct yaml_node *node;
	const struct yaml_node *name, *of, *to;
	const struct yaml_node *at_least, *at_most, *above, *below, *samples;
};

struct threshold_text {
	const struct yaml_node *node;
	const struct yaml_node *window, *kind, *every;
	struct texts by;
	bool closing;
	/* A number (count), a measure_text, or a list of these. */
	const struct yaml_node *measures[5]; /* by enum measure_kind */
};

struct repeat_text {
	const struct yaml_node *node;
	const struct yaml_node *min, *max;
};

struct step_text {
	const struct yaml_node *node;
	const struct yaml_node *as, *event, *within_previous, *keep;
	struct texts conditions, by;
	struct repeat_text repeat;
	bool absent;
};

struct sequence_text {
	const struct yaml_node *node;
	const struct yaml_node *within;
	struct texts by;
	struct maps steps; /* struct step_text */
	struct step_text until;
	bool any_order, despite_loss;
};

struct set_text {
	const struct yaml_node *node;
	const struct yaml_node *name, *scope, *value, *add, *ttl;
};

struct label_text {
	const struct yaml_node *node;
	const struct yaml_node *name, *scope, *ttl;
};

struct score_text {
	const struct yaml_node *node;
	const struct yaml_node *name, *scope, *add, *half_life, *at_least;
};

struct seen_text {
	const struct yaml_node *node;
	struct texts by;
	const struct yaml_node *learn, *forget;
};

extern const struct schema set_schema, label_schema, score_schema, seen_schema;
extern const struct schema limits_schema, threshold_schema, measure_schema, sequence_schema;

/* A scope's word: the part of keys it is, and whether processes hand it down. False: no such. */
bool fact_scope_parse(struct str word, uint8_t *part, bool *inherit);

#endif
